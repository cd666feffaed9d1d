//! What can be wrong with definitions, told in Chinese; the core says it in English.

use hcndc_core::model::{DefinitionError, DefinitionKind};

use crate::interchange::Lang;

/// What is wrong with a definition.
pub(crate) fn definition_zh(error: &DefinitionError) -> String {
    match error {
        DefinitionError::Unknown { what, name } => {
            let kinds = DefinitionKind::ALL.iter();
            let mut kinds = kinds.filter(|kind| kind.as_str() == what);
            let what = kinds.next().map_or(&**what, |kind| kind_zh(*kind));
            format!("{what}“{name}”不存在")
        }
        DefinitionError::NameTaken => "名称已被占用".to_owned(),
        DefinitionError::AddressTaken { by } => {
            format!("执行服务器“{by}”已使用该地址：同一主机只能定义一次")
        }
        DefinitionError::BadName => {
            "名称为 1 至 255 个字符，没有控制字符，首尾没有空格；任务流的名称不含斜杠".to_owned()
        }
        DefinitionError::OutOfRange { value, min, max } => {
            format!("{value} 不在 {min} 至 {max} 之间")
        }
        DefinitionError::Empty => "不能为空".to_owned(),
        DefinitionError::Duplicate { value } => format!("“{value}”出现了两次"),
        DefinitionError::BadKey { value } => format!("“{value}”不能作为参数或环境变量的名称"),
        DefinitionError::BadOutputName { value } => format!(
            "“{value}”不能作为输出的名称：以字母或 _ 开头，后接字母、数字、_ 和 -，最多 64 个字符"
        ),
        DefinitionError::SecretOutput { value } => {
            format!("名称“{value}”表明其值是机密：任务不会输出这样的值，因为输出是可见的")
        }
        DefinitionError::NotUpstream { job, upstream } => format!(
            "任务“{job}”取用任务“{upstream}”的输出，却不依赖它：请为同一数据日期直接或经其他任务添加这一依赖"
        ),
        DefinitionError::Nul => "含有 NUL 字符，命令行、路径和环境变量都不能含有它".to_owned(),
        DefinitionError::TooLong { length, max } => {
            format!("长 {length} 字节；系统传给程序的文本不能超过 {max} 字节")
        }
        DefinitionError::TooMany { count, max } => format!("有 {count} 个，最多 {max} 个"),
        DefinitionError::BadDirectory => "目录是 /finance/daily 这样的斜杠路径".to_owned(),
        DefinitionError::Stale { given, current } => {
            format!("给出的版本是 {given}，而当前版本是 {current}：已被他人修改")
        }
        DefinitionError::Reversed => "结束早于开始".to_owned(),
        DefinitionError::BadFormat { format } => {
            format!("“{format}”不是日期格式：可用 %Y、%m、%d 等，不能含有时刻，最多 255 字节")
        }
        DefinitionError::BadUrl { value } => {
            format!("“{value}”不是请求地址：须以 http://、https:// 或占位符开头，不含空格")
        }
        DefinitionError::BadMethod { value } => {
            format!("“{value}”不是请求方法：可用 GET、HEAD、POST、PUT、PATCH、DELETE、OPTIONS")
        }
        DefinitionError::BadHeader { value } => {
            format!("请求头“{value}”的名称不合规，或值不止一行")
        }
        DefinitionError::BadStatuses { value } => {
            format!("“{value}”不是状态码：填写 100 至 599 的数字和范围，如 200-299,304")
        }
        DefinitionError::NotOfKind { kind } => format!("{kind} 类型的任务没有此项：请去掉"),
        DefinitionError::NoStatements { kind } => {
            format!(
                "任务不能在 {kind} 类型的数据源上执行语句：可用 mysql、postgresql、sqlite、clickhouse"
            )
        }
        DefinitionError::NoTransaction { kind } => {
            format!("{kind} 类型的数据源没有事务：请去掉此项，每条语句完成即生效")
        }
        DefinitionError::FileOrRepository => {
            "Kettle 运行的内容在文件或资源库中：两者须填且只填其一".to_owned()
        }
        DefinitionError::BadPointer { value } => {
            format!("“{value}”不是 JSON 指针：留空，或以斜杠开头，如 /data/date")
        }
        DefinitionError::FlowChanged => "任务不能移到其他任务流".to_owned(),
        DefinitionError::InUse { users } => {
            let users: Vec<_> = users.iter().map(|it| user(it, Lang::Zh)).collect();
            format!("仍被使用：{}", users.join("、"))
        }
        DefinitionError::Cycle { path } => format!("循环依赖：{}", path.join(" → ")),
        other => other.to_string(),
    }
}

/// What a kind of definition is called.
pub(crate) const fn kind_zh(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Flow => "任务流",
        DefinitionKind::Job => "任务",
        DefinitionKind::Executor => "执行服务器",
        DefinitionKind::Schedule => "调度",
        DefinitionKind::Calendar => "日历",
        DefinitionKind::Pool => "资源池",
        DefinitionKind::Param => "共享参数",
        DefinitionKind::DataSource => "数据源",
        DefinitionKind::FileServer => "文件服务器",
        DefinitionKind::FileEvent => "文件事件",
        DefinitionKind::AlertChannel => "预警配置",
        DefinitionKind::AlertRule => "预警规则",
        DefinitionKind::Webhook => "Webhook",
    }
}

/// What needs a definition. The engine names it in English: its kind, and then its name if it has one.
pub(crate) fn user(user: &str, lang: Lang) -> String {
    let zh = match user {
        "attempts that run there" => "正在其上运行的尝试".to_owned(),
        "job runs that have not ended" => "尚未结束的任务执行".to_owned(),
        _ => {
            let named = DefinitionKind::ALL.iter().find_map(|kind| {
                let name = user.strip_prefix(kind.as_str())?.strip_prefix(' ')?;
                Some(format!("{} {name}", kind_zh(*kind)))
            });
            named.unwrap_or_else(|| user.to_owned())
        }
    };
    match lang {
        Lang::En => user.to_owned(),
        Lang::Zh => zh,
    }
}
