//! The sentences in Simplified Chinese.

use hcndc_core::trigger::cron::CronError;

use super::{character, cycle_text, labels_text};
use crate::interchange::fault::{Expected, Found, Lang, NameRule, Noun, Problem};
use crate::interchange::node::Position;

pub(super) fn message(problem: &Problem) -> String {
    match problem {
        Problem::Unreadable { reason } => format!("无法读取文件：{reason}"),
        Problem::TooLarge { limit } => format!("文件超过 {} MiB", limit >> 20),
        Problem::NotUtf8 { byte } => format!("字节 0x{byte:02X} 不是 UTF-8"),
        Problem::EmptyFile => "文件为空".to_owned(),
        Problem::ControlCharacter { code } => format!("含有控制字符 U+{code:04X}"),
        Problem::Syntax { detail } => format!("语法错误：{detail}"),
        Problem::TooDeep { limit } => format!("列表和映射的嵌套超过 {limit} 层"),
        Problem::AliasesTooLarge { limit } => format!("别名展开后超过 {} MiB", limit >> 20),
        Problem::AliasOfItself => "别名位于它所引用的值之内".to_owned(),
        Problem::ManyDocuments => "此处开始了第二个文档".to_owned(),
        Problem::DuplicateKey { key, first } => {
            format!("键“{key}”重复，首次出现于{}", at(first))
        }
        Problem::KeyNotText => "键是列表或映射".to_owned(),
        Problem::UnsupportedTag { tag } => format!("标签“{tag}”未知或与值不符"),
        Problem::WrongType { expected, found } => {
            format!(
                "应为{}，实为{}",
                expected_text(*expected),
                found_text(found)
            )
        }
        Problem::OutOfRange { min, max, found } => format!("{found} 超出范围 {min} 到 {max}"),
        Problem::UnknownField { field, .. } => format!("未知字段“{field}”"),
        Problem::UnknownWord { word, .. } => format!("未知取值“{word}”"),
        Problem::MissingField { field } => format!("缺少字段“{field}”"),
        Problem::TooManyFaults { limit } => format!("同一项中错误超过 {limit} 处，其余未列出"),
        Problem::UnknownVersion { found } => format!("不支持格式版本 {found}"),
        Problem::EmptyMesh => "没有任何任务流".to_owned(),
        Problem::BadName { noun, name, rule } => {
            format!("{}名称 {name:?} {}", noun_text(*noun), name_rule(*rule))
        }
        Problem::EmptyCommand => "命令为空".to_owned(),
        Problem::SeveralKinds => "任务写了不止一种内容".to_owned(),
        Problem::BadHookSecret => "这不是 Webhook 的一个或两个密钥".to_owned(),
        Problem::Setting(fault) => fault.sentence(Lang::Zh),
        Problem::Definition(error) | Problem::Webhook(error) => {
            crate::definition_text::definition_zh(error)
        }
        Problem::TextTooLong { length, max } => {
            format!("文本长 {length} 字节；系统传给程序的文本不能超过 {max} 字节")
        }
        Problem::NulCharacter => "文本含有 NUL 字符".to_owned(),
        Problem::ZeroDuration => "时长为零".to_owned(),
        Problem::BadBackoff { found, max } => {
            format!("退避倍数 {found} 不是 1 到 {max} 之间、至多三位小数的数")
        }
        Problem::NoSuccessCodes => "没有表示成功的退出码".to_owned(),
        Problem::ExecutorAndLabels => "同时指定了执行服务器和标签".to_owned(),
        Problem::UnknownZone { zone, .. } => format!("未知时区“{zone}”"),
        Problem::BadPasswordHash => "不是密码的哈希".to_owned(),
        Problem::BadAddress { address } => format!("地址“{address}”不是 主机:端口"),
        Problem::BadDirectory { directory } => format!("目录“{directory}”不是以斜杠分隔的路径"),
        Problem::DuplicateName { noun, name, first } => {
            format!("{}“{name}”重复定义{}", noun_text(*noun), first_text(*first))
        }
        Problem::UnknownParent { name, .. } => format!("上游任务流“{name}”不存在"),
        Problem::OwnParent => "任务流以自己为上游".to_owned(),
        Problem::Repeated { name, first } => format!("“{name}”重复{}", first_text(*first)),
        Problem::UnknownDependency { name, .. } => format!("依赖的任务“{name}”不存在"),
        Problem::OwnDependency => "任务依赖自己".to_owned(),
        Problem::BadOutputName { name, secret: true } => {
            format!("名称“{name}”表明其值是机密，而输出是可见的")
        }
        Problem::BadOutputName { name, .. } => format!("“{name}”不能作为输出的名称"),
        Problem::NotUpstream { job, upstream } => {
            format!("任务“{job}”取用“{upstream}”的输出，却不依赖它")
        }
        Problem::UnknownExecutor { name, .. } => format!("执行服务器“{name}”不在 executors 中"),
        Problem::NoExecutorMatches { labels } => {
            format!("没有执行服务器具备标签 {}", labels_text(labels))
        }
        Problem::UnknownName { noun, name, .. } => {
            format!("{}“{name}”不在 {} 中", noun_text(*noun), noun.list())
        }
        Problem::BadCron { expression, error } => {
            format!(
                "cron 表达式“{expression}”有误：{}",
                cron_text(expression, error)
            )
        }
        Problem::EmptyList => "列表为空".to_owned(),
        Problem::EmptyText => "文本为空".to_owned(),
        Problem::TooMany { count, max } => {
            format!("对其他任务流或其他日期的依赖有 {count} 个，最多 {max} 个")
        }
        Problem::NotOneOf { fields, found } if found.is_empty() => {
            format!("{}均未给出", fields.join("、"))
        }
        Problem::NotOneOf { found, .. } => format!("同时给出了 {}", found.join("、")),
        Problem::SpanOutOfRange { min, max, found } => format!("{found} 超出范围 {min} 到 {max}"),
        Problem::BadDayOfMonth { found } => format!("没有一个月有第 {found} 天"),
        Problem::BadDateForm { form } => format!("“{form}”不是日期格式"),
        Problem::HolidayAndWorkday { date } => format!("{date} 既是假日又是工作日"),
        Problem::OwnDataDate => "调度等待它自己所启动的任务流的数据日期".to_owned(),
        Problem::EndsBeforeStart => "结束早于开始".to_owned(),
        Problem::PoolTooSmall { pool, slots } => {
            format!("资源池“{pool}”只有 {slots} 个槽位，该任务永远无法运行")
        }
        Problem::Cycle { stations } => {
            format!("依赖成环：{}（前者等待后者）", cycle_text(stations))
        }
        Problem::NothingEnabled => "没有启用的任务流，无可运行".to_owned(),
        Problem::DisabledDependency { flow, job } => {
            format!("等待“{flow}/{job}”，而该任务流未启用")
        }
        Problem::OtherDate { flow, job } => {
            format!("等待“{flow}/{job}”其他日期的运行，而它不在本次运行之中")
        }
        Problem::UnknownParam { name, .. } => format!("参数“{name}”未定义"),
        Problem::BadPlaceholder { placeholder } => format!("占位符“{placeholder}”格式错误"),
        Problem::WfVersion { found } => format!("不支持 WfFormat {found}"),
        Problem::WfUnknownTask { name } => format!("任务“{name}”不存在"),
        Problem::Sheet(problem) => problem.message(Lang::Zh),
        Problem::WfBadRuntime { found } => format!("运行时间 {found} 不是非负秒数"),
    }
}

pub(super) fn remedy(problem: &Problem) -> String {
    match problem {
        Problem::Unreadable { .. } => "请确认路径指向文件且有读取权限".to_owned(),
        Problem::TooLarge { .. } => "请拆分为多个文件".to_owned(),
        Problem::NotUtf8 { .. } => "请将文件保存为 UTF-8".to_owned(),
        Problem::EmptyFile => "至少写上 hcndc: 1 和含有一个任务流的 flows".to_owned(),
        Problem::ControlCharacter { .. } => "请删除，或在双引号内写成转义".to_owned(),
        Problem::Syntax { .. } => "请检查此处及之前的缩进、引号、括号和冒号".to_owned(),
        Problem::TooDeep { .. } => "请减少嵌套".to_owned(),
        Problem::AliasesTooLarge { .. } => "请直接写出值，或减少别名的层层引用".to_owned(),
        Problem::AliasOfItself => "别名只能引用在它之前已结束的值".to_owned(),
        Problem::ManyDocuments => "请将每个网状依赖放入单独的文件，并删除 ---".to_owned(),
        Problem::DuplicateKey { .. } => "请删除或改名其中之一".to_owned(),
        Problem::KeyNotText => "键请写成普通文本".to_owned(),
        Problem::UnsupportedTag { .. } => "请删除标签".to_owned(),
        Problem::WrongType { expected, found } => wrong_type_remedy(*expected, found),
        Problem::OutOfRange { min, max, .. } => format!("请填写 {min} 到 {max} 的整数"),
        Problem::UnknownField { known, near, .. } => {
            or_known(near.as_deref(), &format!("请删除；此处可用：{}", known.join("、")))
        }
        Problem::UnknownWord { known, .. } => format!("请填写其中之一：{}", known.join("、")),
        Problem::MissingField { field } => format!("请在此添加 {field}: …"),
        Problem::TooManyFaults { .. } => "请先修改已列出的错误，再重新检查".to_owned(),
        Problem::UnknownVersion { .. } => "请写 hcndc: 1，或使用支持该版本的程序".to_owned(),
        Problem::EmptyMesh => "请在 flows 下添加任务流".to_owned(),
        Problem::BadName { rule, .. } => match rule {
            NameRule::NotEmpty => "请填写名称".to_owned(),
            NameRule::AtMost(_) => "请缩短名称".to_owned(),
            NameRule::NoControl | NameRule::NoOuterSpace | NameRule::NoSlash => "请删除或替换".to_owned(),
            NameRule::ParamPattern => "以字母或 _ 开头，其后为字母、数字、_、. 或 -".to_owned(),
            NameRule::EnvPattern => "以字母或 _ 开头，其后为字母、数字或 _".to_owned(),
            NameRule::AccountPattern => "请写 1 至 64 个小写字符，不含空格和斜杠".to_owned(),
        },
        Problem::SeveralKinds => "command、http、sql、kettle 只能写其中一个".to_owned(),
        Problem::Definition(_) => "各类任务可写什么，见 docs/JOBS.zh-CN.md".to_owned(),
        Problem::BadHookSecret => "请填写一个密钥，更换期间可用空格隔开填写两个：每个 16 至 1000 个字符；以 whsec_ 开头时其后为 base64".to_owned(),
        Problem::Webhook(_) => "Webhook 可写什么，见 docs/CONNECTORS.zh-CN.md".to_owned(),
        Problem::Setting(_) => "各类型的设置项见 docs/CONNECTORS.zh-CN.md".to_owned(),
        Problem::EmptyCommand => "请填写要运行的命令；true 什么也不做并成功".to_owned(),
        Problem::TextTooLong { .. } => "请写入文件，并改为引用该文件".to_owned(),
        Problem::NulCharacter => "请删除".to_owned(),
        Problem::ZeroDuration => "请填写大于零的时长，或去掉该字段".to_owned(),
        Problem::BadBackoff { .. } => "请填写 1、1.5 或 2 这样的倍数".to_owned(),
        Problem::NoSuccessCodes => "请至少列出一个退出码，或去掉该字段（即 0）".to_owned(),
        Problem::ExecutorAndLabels => "executor 和 labels 请只保留一个".to_owned(),
        Problem::UnknownZone { near, .. } => {
            or_known(near.as_deref(), "请填写 IANA 时区名，如 Asia/Shanghai、Europe/Berlin 或 UTC")
        }
        Problem::BadPasswordHash => "请写导出的 argon2id 的 PHC 字符串，或不写".to_owned(),
        Problem::BadAddress { .. } => "请写成 10.0.0.5:7890、etl-1.example.com:7890 或 [::1]:7890 的形式".to_owned(),
        Problem::BadDirectory { .. } => "请写成 /retail/nightly 的形式：以 / 开头，没有空的部分，没有 . 或 ..".to_owned(),
        Problem::DuplicateName { .. } => "请将其中之一改名".to_owned(),
        Problem::UnknownParent { near, .. } => or_known(near.as_deref(), "请填写本文件中的任务流"),
        Problem::OwnParent | Problem::OwnDependency | Problem::OwnDataDate => "请删除".to_owned(),
        Problem::Repeated { .. } => "请删除其中之一".to_owned(),
        Problem::UnknownDependency { near, .. } => {
            or_known(near.as_deref(), "请填写同一任务流的任务，或以 任务流/任务 填写其他任务流的任务")
        }
        Problem::BadOutputName { secret: true, .. } => "请通过专门存放机密的地方传递".to_owned(),
        Problem::BadOutputName { .. } => "请以字母或 _ 开头，后接字母、数字、_ 和 -，最多 64 个字符".to_owned(),
        Problem::NotUpstream { .. } => "请为同一数据日期直接或经其他任务添加这一依赖".to_owned(),
        Problem::UnknownExecutor { near, .. } => or_known(near.as_deref(), "请在 executors 中添加"),
        Problem::NoExecutorMatches { .. } => "请修改标签，或为执行服务器加上这些标签".to_owned(),
        Problem::UnknownName { noun, near, .. } => {
            or_known(near.as_deref(), &format!("请在 {} 中添加", noun.list()))
        }
        Problem::BadCron { .. } => {
            "请修改，或用 dialect 指明方言：unix、quartz 或 apscheduler；hcndc cron explain 可说明表达式的含义".to_owned()
        }
        Problem::EmptyList => "请至少填写一项".to_owned(),
        Problem::EmptyText => "请填写文本".to_owned(),
        Problem::TooMany { .. } => "请用一个中间任务汇集其中一部分".to_owned(),
        Problem::NotOneOf { fields, .. } => format!("请只填写其中之一：{}", fields.join("、")),
        Problem::SpanOutOfRange { min, max, .. } => format!("请填写 {min} 到 {max} 的时长"),
        Problem::BadDayOfMonth { .. } => "请填写 1 到 31，或 -1 到 -31（从月末数起）".to_owned(),
        Problem::BadDateForm { .. } => "请填写日期格式，如 %Y%m%d 或 %Y-%m".to_owned(),
        Problem::HolidayAndWorkday { .. } => "请从其中之一删除".to_owned(),
        Problem::EndsBeforeStart => "请对调二者，或去掉其中之一".to_owned(),
        Problem::PoolTooSmall { slots, .. } => format!("请填写至多 {slots}，或增加资源池的槽位"),
        Problem::Cycle { .. } => "请去掉其中一个依赖".to_owned(),
        Problem::NothingEnabled => "请把某个任务流设为 enabled: true".to_owned(),
        Problem::DisabledDependency { flow, .. } => {
            format!("请启用任务流“{flow}”，停用本任务或其任务流，或去掉该依赖")
        }
        Problem::OtherDate { .. } => {
            "请在 hcndc serve 中运行，那里也有其他日期的运行；或去掉该依赖".to_owned()
        }
        Problem::UnknownParam { name, near } => or_known(
            near.as_deref(),
            &format!("请在文件、任务流或任务的 params 中定义 {name}，或用 --set {name}=… 给出"),
        ),
        Problem::BadPlaceholder { placeholder } if placeholder.starts_with("${param") => {
            "请写成 ${param.名称} 的形式".to_owned()
        }
        Problem::BadPlaceholder { .. } => {
            "请写成 ${date}、${date-1d} 或 ${date+2w:%Y%m%d} 的形式（单位 d、w、m、y，月初 f、月末 e，工作日 b；日期的 strftime 格式）".to_owned()
        }
        Problem::WfVersion { .. } => "请用 WfCommons 项目的工具转换为 WfFormat 1.5".to_owned(),
        Problem::WfUnknownTask { .. } => "请添加该任务，或将其从列表中删除".to_owned(),
        Problem::Sheet(problem) => problem.remedy(Lang::Zh),
        Problem::WfBadRuntime { .. } => "请修正记录，或删除该字段（视为瞬间完成）".to_owned(),
    }
}

/// What is wrong with an expression, by the characters where it is.
fn cron_text(expression: &str, error: &CronError) -> String {
    let n = character(expression, error);
    match expression.get(error.range.clone()) {
        Some(part) if !part.is_empty() => format!("第 {n} 个字符起的“{part}”不符合该方言"),
        _ => format!("第 {n} 个字符处缺少内容"),
    }
}

fn at(position: &Position) -> String {
    format!("第 {} 行第 {} 列", position.line, position.column)
}

fn first_text(first: Option<Position>) -> String {
    first
        .map(|first| format!("，首次出现于{}", at(&first)))
        .unwrap_or_default()
}

fn or_known(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(
        || otherwise.to_owned(),
        |near| format!("是否应为“{near}”？否则{otherwise}"),
    )
}

fn expected_text(expected: Expected) -> &'static str {
    match expected {
        Expected::Boolean => "true 或 false",
        Expected::Integer => "整数",
        Expected::Number => "数值",
        Expected::Text => "文本",
        Expected::Scalar => "文本、数值或布尔值",
        Expected::List => "列表",
        Expected::Map => "映射",
        Expected::Duration => "时长",
        Expected::Dependency => "任务名称或映射",
        Expected::ParamValue => "文本、数值或布尔值，或共享参数，或其他任务的输出",
        Expected::Date => "日期",
        Expected::TimeOfDay => "时刻",
        Expected::Moment => "带时差的时间",
        Expected::Trigger => "触发器（cron 表达式或映射）",
        Expected::DayRule => "日子的规则",
        Expected::DayFilter => "日子的筛选",
        Expected::Deadline => "时刻或映射",
        Expected::Reference => "编号或名称",
        Expected::Value => "其他值",
    }
}

fn found_text(found: &Found) -> String {
    match found {
        Found::Null => "空值".to_owned(),
        Found::Boolean(written) => format!("布尔值 {written}"),
        Found::Number(written) => format!("数值 {written}"),
        Found::Text(text) => format!("文本 {text:?}"),
        Found::List(len) => format!("{len} 项的列表"),
        Found::Map(len) => format!("{len} 项的映射"),
    }
}

fn wrong_type_remedy(expected: Expected, found: &Found) -> String {
    match (expected, found) {
        (
            Expected::Text | Expected::Dependency,
            Found::Boolean(written) | Found::Number(written),
        ) => {
            format!("请加引号：\"{written}\"")
        }
        (Expected::Scalar, Found::Null) => "空文本请写成 \"\"".to_owned(),
        (Expected::Boolean, _) => "请填写 true 或 false".to_owned(),
        (Expected::Integer, _) => "请填写整数，如 5".to_owned(),
        (Expected::Number, _) => "请填写数值，如 1.5".to_owned(),
        (Expected::Text | Expected::Scalar, _) => "请填写单个文本".to_owned(),
        (Expected::List, _) => "请写成列表：每行一个 - 项，或 [a, b]".to_owned(),
        (Expected::Map, _) => "请写成映射：每行一个 字段: 值".to_owned(),
        (Expected::Duration, _) => {
            "请写成 500ms、10s、1h30m、2d 的形式或秒数，至多 36500d".to_owned()
        }
        (Expected::Dependency, _) => {
            "请写成 orders、clean/orders 或 {job: orders, on: done} 的形式".to_owned()
        }
        (Expected::ParamValue, Found::Null) => "空文本请写成 \"\"".to_owned(),
        (Expected::ParamValue, _) => "请填写单个文本，或 {shared: true}，或 {output: 任务}".to_owned(),
        (Expected::Date, _) => "请写成 2026-11-21 的形式".to_owned(),
        (Expected::TimeOfDay, _) => "请写成 \"06:30\" 的形式".to_owned(),
        (Expected::Moment, _) => "请写成 2026-11-21T18:00:00+08:00 的形式".to_owned(),
        (Expected::Trigger, _) => {
            "请写成 \"0 2 * * *\"、{cron: 0 0 2 ? * MON-FRI, dialect: quartz}、{every: 10m}、\
             {days: month_end, at: [\"20:00\"]}、{file: 名称} 或 {data_date_of: [任务流]} 的形式"
                .to_owned()
        }
        (Expected::DayRule, _) => {
            "请填写 business、not_business、month_end、{business_day: -1}、{day: 15} 或 {dates: [2026-11-21]}"
                .to_owned()
        }
        (Expected::DayFilter, _) => {
            "请填写 business、not_business、{only: [2026-11-21]} 或 {except: [2026-11-21]}".to_owned()
        }
        (Expected::Deadline, _) => {
            "请写成 \"06:30\" 或 {days: 1, at: \"06:30\"} 的形式".to_owned()
        }
        (Expected::Reference, _) => "编号请写成整数，名称请写成文本".to_owned(),
        (Expected::Value, _) => "可用的值请见 hcndc schema".to_owned(),
    }
}

fn noun_text(noun: Noun) -> &'static str {
    match noun {
        Noun::Mesh => "网状依赖",
        Noun::Flow => "任务流",
        Noun::Job | Noun::Task => "任务",
        Noun::Executor => "执行服务器",
        Noun::Schedule => "调度",
        Noun::Calendar => "日历",
        Noun::Pool => "资源池",
        Noun::SharedParam => "共享参数",
        Noun::DataSource => "数据源",
        Noun::FileServer => "文件服务器",
        Noun::FileEvent => "文件事件",
        Noun::AlertChannel => "预警配置",
        Noun::AlertRule => "预警规则",
        Noun::Webhook => "Webhook",
        Noun::Role => "角色",
        Noun::User => "用户",
        Noun::Param => "参数",
        Noun::Env => "环境变量",
    }
}

fn name_rule(rule: NameRule) -> String {
    match rule {
        NameRule::NotEmpty => "为空".to_owned(),
        NameRule::AtMost(limit) => format!("超过 {limit} 个字符"),
        NameRule::NoControl => "含有控制字符".to_owned(),
        NameRule::NoOuterSpace => "首尾有空格".to_owned(),
        NameRule::NoSlash => "含有斜杠".to_owned(),
        NameRule::ParamPattern | NameRule::EnvPattern => "含有不允许的字符".to_owned(),
        NameRule::AccountPattern => "不是合法的账号".to_owned(),
    }
}
