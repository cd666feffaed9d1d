//! Sentences of problems, in English and Chinese. Those of schedules, of runs and of mesh files are told beside them.

use chrono_tz::Tz;
use hcndc_core::{engine::Rejected, model::DefinitionError, time::Timestamp};

use super::{
    problem::{Blame, BlameError, Problem, What},
    run_text::{execution_state_zh, job_run_state_zh},
};
use crate::{
    definition_text::{definition_zh, kind_zh},
    interchange::{ExportError, Lang},
};

/// One of two texts.
pub(super) fn either(lang: Lang, en: impl Into<String>, zh: impl Into<String>) -> String {
    match lang {
        Lang::En => en.into(),
        Lang::Zh => zh.into(),
    }
}

/// A time within a sentence: to the second in a zone that somebody asked for, or else as the API writes times.
pub(super) fn moment(at: Timestamp, zone: Option<Tz>) -> String {
    match zone {
        Some(zone) => {
            let local = at.to_utc().with_timezone(&zone);
            local.format("%Y-%m-%d %H:%M:%S").to_string()
        }
        None => at.to_string(),
    }
}

/// Every kind of problem: its code, and its title in English and Chinese.
pub(super) const KINDS: &[(&str, &str, &str)] = &[
    (
        "unknown_route",
        "There is nothing at this address",
        "该地址不存在",
    ),
    (
        "method_not_allowed",
        "This address has other methods",
        "该地址不支持此方法",
    ),
    ("unknown_flow", "Unknown flow", "任务流不存在"),
    ("unknown_job", "Unknown job", "任务不存在"),
    ("unknown_executor", "Unknown executor", "执行服务器不存在"),
    ("unknown_execution", "Unknown execution", "执行不存在"),
    ("unknown_job_run", "Unknown job run", "任务执行不存在"),
    ("unknown_attempt", "Unknown attempt", "尝试不存在"),
    ("unknown_schedule", "Unknown schedule", "调度不存在"),
    ("unknown_calendar", "Unknown calendar", "日历不存在"),
    ("unknown_pool", "Unknown pool", "资源池不存在"),
    ("unknown_param", "Unknown shared param", "共享参数不存在"),
    ("unknown_backfill", "Unknown backfill", "补数不存在"),
    ("unknown_alert", "Unknown alert", "预警不存在"),
    (
        "unreadable_alert",
        "The alert cannot be read",
        "预警无法读取",
    ),
    ("unknown_data_source", "Unknown data source", "数据源不存在"),
    (
        "unknown_file_server",
        "Unknown file server",
        "文件服务器不存在",
    ),
    ("unknown_file_event", "Unknown file event", "文件事件不存在"),
    (
        "unknown_alert_channel",
        "Unknown alert channel",
        "预警配置不存在",
    ),
    ("unknown_alert_rule", "Unknown alert rule", "预警规则不存在"),
    ("unknown_webhook", "Unknown webhook", "Webhook 不存在"),
    (
        "webhook_disabled",
        "The webhook is not enabled",
        "该 Webhook 未启用",
    ),
    (
        "delivery_refused",
        "The delivery cannot be used",
        "投递的内容无法使用",
    ),
    (
        "bad_signature",
        "The delivery is not accepted",
        "不接受该投递",
    ),
    ("too_many_deliveries", "Too many deliveries", "投递过于频繁"),
    (
        "foreign_host",
        "The request is for another host",
        "请求的主机不是本服务器",
    ),
    (
        "foreign_origin",
        "The request comes from another site",
        "请求来自其他站点",
    ),
    ("signed_out", "Nobody is signed in", "尚未登录"),
    (
        "wrong_password",
        "Account and password do not fit",
        "账号或密码错误",
    ),
    (
        "too_many_attempts",
        "Too many wrong passwords",
        "密码错误次数过多",
    ),
    (
        "too_many_requests",
        "Too many requests at once",
        "请求过于频繁",
    ),
    ("csrf", "The change may be forged", "请求可能是伪造的"),
    ("forbidden", "You may not do this", "没有权限"),
    (
        "password_change_needed",
        "The password must be changed first",
        "须先修改密码",
    ),
    (
        "weak_password",
        "The password will not do",
        "密码不符合要求",
    ),
    (
        "too_strong_token",
        "The token may do too much",
        "令牌的权限过大",
    ),
    (
        "last_admin",
        "The last administrator stays",
        "须保留最后一名管理员",
    ),
    ("unknown_user", "Unknown user", "用户不存在"),
    ("unknown_role", "Unknown role", "角色不存在"),
    ("unknown_token", "Unknown token", "令牌不存在"),
    ("no_users", "There are no users here", "本服务器没有用户"),
    (
        "directory_unavailable",
        "The directory does not answer",
        "目录服务没有响应",
    ),
    (
        "account_taken",
        "The account is somebody else's",
        "账号属于他人",
    ),
    (
        "outside_user",
        "The user has no password here",
        "该用户的密码不在本服务器",
    ),
    (
        "unsupported_media_type",
        "The body is of a media type that is not taken",
        "不支持的内容类型",
    ),
    ("body_too_large", "The body is too large", "请求内容过大"),
    (
        "body_timeout",
        "The body did not arrive in time",
        "请求内容未及时到达",
    ),
    ("body_broken", "The body broke off", "请求内容中断"),
    ("bad_query", "The query is wrong", "查询参数有误"),
    ("bad_body", "The body is wrong", "请求内容有误"),
    ("bad_mesh", "The mesh file is wrong", "网状依赖文件有误"),
    ("bad_sheet", "The sheet is wrong", "表格有误"),
    (
        "not_exportable",
        "No mesh file can say this",
        "无法导出为网状依赖文件",
    ),
    (
        "plan_changed",
        "Something else would be done by now",
        "计划已经过时",
    ),
    (
        "accounts_not_put",
        "The definitions are stored, the roles and users are not",
        "定义已保存，但角色和用户未能保存",
    ),
    ("bad_definition", "The definition is wrong", "定义有误"),
    ("stale", "Somebody else changed it", "已被他人修改"),
    ("in_use", "It is still needed", "仍在使用中"),
    ("name_taken", "The name is taken", "名称已被占用"),
    ("address_taken", "The address is taken", "地址已被占用"),
    ("flow_disabled", "The flow is not enabled", "任务流未启用"),
    ("no_flows", "No flow is named", "未指定任务流"),
    (
        "wrong_job_run_state",
        "The job run's state does not allow this",
        "任务执行的状态不允许此操作",
    ),
    (
        "joined_run",
        "It shares the end of another run",
        "与另一执行共享结果",
    ),
    (
        "wrong_backfill_state",
        "The backfill's state does not allow this",
        "补数的状态不允许此操作",
    ),
    (
        "backfill_range",
        "No range of dates that can be filled",
        "日期范围无效",
    ),
    (
        "backfill_parallel",
        "Not a number of dates at once",
        "同时运行的日期数无效",
    ),
    ("no_jobs", "No job is named", "未指定任务"),
    ("no_job_runs", "No job run is named", "未指定任务执行"),
    (
        "wrong_state",
        "The execution's state does not allow this",
        "执行的状态不允许此操作",
    ),
    (
        "newer_dependency",
        "A job depends on one that was added since",
        "有任务依赖于之后新增的任务",
    ),
    (
        "unreadable_execution",
        "What is stored of the execution cannot be read",
        "该执行的存储内容无法读取",
    ),
    (
        "idempotency_key_reused",
        "The idempotency key came with another request",
        "幂等键已用于其他请求",
    ),
    (
        "store_unavailable",
        "The store does not answer",
        "存储没有响应",
    ),
    ("scheduler_stopped", "The scheduler stopped", "调度器已停止"),
    (
        "scheduler_slow",
        "The scheduler does not answer in time",
        "调度器未及时响应",
    ),
    ("no_leader", "No server leads", "没有主调度服务器"),
    (
        "outcome_unknown",
        "Whether it was done is not known",
        "操作结果未知",
    ),
    (
        "log_unavailable",
        "The output cannot be had now",
        "暂时无法取得输出",
    ),
    ("not_ready", "Not ready", "尚未就绪"),
    ("no_metrics", "There are no figures", "没有指标"),
    INTERNAL,
];

const INTERNAL: (&str, &str, &str) = (
    "internal",
    "Something went wrong in the server",
    "服务器内部错误",
);

/// The kind of a problem.
pub(super) fn title(problem: &Problem, lang: Lang) -> String {
    title_of(problem.code(), lang)
}

/// The kind of problems of a code.
pub(super) fn title_of(code: &str, lang: Lang) -> String {
    let kind = KINDS.iter().find(|(known, ..)| *known == code);
    let (_, en, zh) = kind.unwrap_or(&INTERNAL);
    either(lang, *en, *zh)
}

/// What is wrong this time.
pub(super) fn detail(problem: &Problem, lang: Lang) -> String {
    match problem {
        Problem::UnknownRoute => either(
            lang,
            "no route has this path; /api/openapi.json lists all",
            "没有这个路径；全部路径见 /api/openapi.json",
        ),
        Problem::MethodNotAllowed { allow } => either(
            lang,
            format!("methods here: {allow}"),
            format!("可用方法：{allow}"),
        ),
        Problem::Unknown { what, id } => either(
            lang,
            format!("no {} has the id {id}", what_en(*what)),
            format!("没有编号为 {id} 的{}", what_zh(*what)),
        ),
        Problem::ForeignHost { host } => either(
            lang,
            format!("{host:?} is not a name of this server"),
            format!("“{host}”不是本服务器的名称"),
        ),
        Problem::ForeignOrigin { origin } => either(
            lang,
            format!("changes are refused from {origin:?}"),
            format!("拒绝来自“{origin}”的修改"),
        ),
        Problem::Denied(denial) => denial.detail(lang),
        Problem::TooManyRequests { seconds } => either(
            lang,
            format!("nothing was done; ask again in {seconds} s, and then more slowly"),
            format!("未做任何操作；请在 {seconds} 秒后重试，并放慢请求"),
        ),
        Problem::BadDelivery(reason) => reason.told(lang, |code| title_of(code, lang)),
        Problem::UnsupportedMediaType { expected } => either(
            lang,
            format!("send the body as {expected} (Content-Type)"),
            format!("请以 {expected} 发送内容（Content-Type）"),
        ),
        Problem::BodyTooLarge { limit } => either(
            lang,
            format!("at most {} KiB are taken here", limit >> 10),
            format!("此处至多 {} KiB", limit >> 10),
        ),
        Problem::BodyTimeout => either(
            lang,
            "nothing more of the body came for too long",
            "长时间没有收到后续内容",
        ),
        Problem::BodyBroken => either(
            lang,
            "the connection failed while the body was read",
            "读取内容时连接中断",
        ),
        Problem::NotExportable(error) => match error {
            ExportError::TooLong { name, length } => either(
                lang,
                error.to_string(),
                format!("{name}：有一处文本长 {length} 个字符，工作簿的单元格容纳不下，请改用 csv"),
            ),
            ExportError::Ambiguous { job, dependency } => either(
                lang,
                error.to_string(),
                format!(
                    "{job} 依赖于 {dependency}，但它所在的任务流中有任务恰好同名，无法写明；请将其中之一改名"
                ),
            ),
        },
        Problem::PlanChanged => either(
            lang,
            "definitions have changed since the plan was made; nothing was changed: plan again",
            "计划之后定义已有变动；没有任何改动，请重新计划",
        ),
        Problem::AccountsNotPut => either(
            lang,
            "somebody changed roles or users at the same moment; send the file again",
            "同一时刻有人修改了角色或用户；请重新提交该文件",
        ),
        Problem::KeyReused => either(
            lang,
            "take a new key for a new request",
            "新的请求请使用新的幂等键",
        ),
        Problem::StoreUnavailable => either(
            lang,
            "nothing was changed; try again",
            "没有任何改动，请稍后重试",
        ),
        Problem::SchedulerStopped | Problem::SchedulerSlow => either(
            lang,
            "whether a change was made shows when it answers again",
            "改动是否已完成，待其恢复后可知",
        ),
        Problem::NoLeader => either(
            lang,
            "nothing was changed; another server takes over within seconds, so try again",
            "没有任何改动；数秒内将由另一台服务器接管，请稍后重试",
        ),
        Problem::OutcomeUnknown => either(
            lang,
            "the connection to the server that leads broke after the request was sent: look before you repeat it, or \
             repeat it with the same Idempotency-Key if it had one",
            "请求发出后，与主调度服务器的连接中断：重复之前请先查看结果；若请求带有 Idempotency-Key，可用同一个键重发",
        ),
        Problem::LogUnavailable { reason } => reason.clone(),
        Problem::NoMetrics => either(
            lang,
            "the recorder of this process is somebody else's",
            "本进程的指标由他处收集",
        ),
        Problem::Internal => either(lang, "the cause is in the server's log", "原因见服务器日志"),
        Problem::Refused(rejected) if !matches!(rejected, Rejected::Definition { .. }) => {
            refusal(rejected, lang)
        }
        Problem::BadQuery(_)
        | Problem::BadBody(_)
        | Problem::BadMesh(_)
        | Problem::BadSheet(_)
        | Problem::NotReady(_)
        | Problem::Refused(_) => faults_detail(&problem.blames(), lang),
    }
}

/// The first fault, and how many there are.
fn faults_detail(blames: &[Blame], lang: Lang) -> String {
    let Some(first) = blames.first() else {
        return String::new();
    };
    let said = blame(&first.error, lang);
    let said = if first.field.is_empty() {
        said
    } else {
        either(
            lang,
            format!("{}: {said}", first.field),
            format!("{}：{said}", first.field),
        )
    };
    match blames.len() - 1 {
        0 => said,
        more => either(
            lang,
            format!("{said} (and {more} more)"),
            format!("{said}（另有 {more} 处）"),
        ),
    }
}

fn refusal(rejected: &Rejected, lang: Lang) -> String {
    match (lang, rejected) {
        (Lang::En, rejected) => rejected.to_string(),
        (Lang::Zh, Rejected::UnknownFlow { flow }) => format!("没有编号为 {flow} 的任务流"),
        (Lang::Zh, Rejected::FlowDisabled { flow }) => format!("任务流 {flow} 未启用"),
        (Lang::Zh, Rejected::NoFlows) => "请至少指定一个任务流".to_owned(),
        (Lang::Zh, Rejected::UnknownJob { job }) => format!("没有编号为 {job} 的任务"),
        (Lang::Zh, Rejected::NoJobs) => "请至少指定一个任务".to_owned(),
        (Lang::Zh, Rejected::WrongJobRunState { job_run, state }) => {
            format!(
                "任务执行 {job_run} {}，不允许此操作",
                job_run_state_zh(*state)
            )
        }
        (Lang::Zh, Rejected::JoinedRun { job_run, joined_to }) => {
            format!("任务执行 {job_run} 与任务流执行 {joined_to} 共享结果，请在那里处理")
        }
        (Lang::Zh, Rejected::UnknownExecution { execution }) => {
            format!("没有编号为 {execution} 的进行中的执行")
        }
        (Lang::Zh, Rejected::WrongState { execution, state }) => {
            format!(
                "执行 {execution} 处于“{}”状态，不允许此操作",
                execution_state_zh(*state)
            )
        }
        (Lang::Zh, Rejected::UnknownJobRun { job_run }) => {
            format!("任务执行 {job_run} 不属于该执行")
        }
        (Lang::Zh, Rejected::NoJobRuns) => "请至少指定一个任务执行".to_owned(),
        (Lang::Zh, Rejected::NewerDependency { job, depends_on }) => format!(
            "任务 {job} 依赖于 {depends_on}，而后者是该执行启动之后新增的；请启动新的执行，或去掉该依赖"
        ),
        (Lang::Zh, Rejected::BadSnapshot { execution }) => {
            format!("执行 {execution} 的存储内容无法读取或互相矛盾，不能继续")
        }
        (Lang::Zh, Rejected::UnknownSchedule { schedule }) => {
            format!("没有编号为 {schedule} 的调度")
        }
        (Lang::Zh, Rejected::UnknownFileEvent { event }) => {
            format!("没有编号为 {event} 的文件事件")
        }
        (Lang::Zh, Rejected::UnknownAlert { alert }) => format!("没有编号为 {alert} 的预警"),
        (Lang::Zh, Rejected::UnreadableAlert { alert }) => {
            format!("预警 {alert} 或同时指定的其他预警的存储内容无法读取")
        }
        (Lang::Zh, Rejected::BadFileKey) => "文件的键应为 1 至 255 个字符".to_owned(),
        (Lang::Zh, Rejected::UnknownBackfill { backfill }) => {
            format!("没有编号为 {backfill} 的补数，或其已成功")
        }
        (Lang::Zh, Rejected::WrongBackfillState { backfill, state }) => {
            format!("补数 {backfill} 的状态为 {state}，不允许该操作")
        }
        (Lang::Zh, Rejected::BackfillRange { from, to, most }) => {
            format!("从 {from} 到 {to} 不是有效的日期范围，最多 {most} 天")
        }
        (Lang::Zh, Rejected::BackfillParallel { parallel, most }) => {
            format!("同时运行的日期数 {parallel} 不在 1 到 {most} 之间")
        }
        (Lang::Zh, other) => other.to_string(),
    }
}

/// The stable name of a fault.
pub(super) fn blame_code(error: &BlameError) -> String {
    match error {
        BlameError::Shape(problem) => problem.code().replace('-', "_"),
        BlameError::Definition(error) => definition_code(error).to_owned(),
        BlameError::BadDate { .. } => "bad_date".to_owned(),
        BlameError::BadTime { .. } => "bad_time".to_owned(),
        BlameError::BadCursor => "bad_cursor".to_owned(),
        BlameError::BadPosition => "bad_position".to_owned(),
        BlameError::TooLong { .. } => "too_long".to_owned(),
        BlameError::StoreSilent { .. } => "store_silent".to_owned(),
        BlameError::StoreSlow { .. } => "store_slow".to_owned(),
        BlameError::SchedulerSilent => "scheduler_silent".to_owned(),
        BlameError::LeaderUnknown => "leader_unknown".to_owned(),
        BlameError::LeaderSilent { .. } => "leader_silent".to_owned(),
        BlameError::SecretDiverted => "secret_needed".to_owned(),
        BlameError::SecretSealed => "bad_secret".to_owned(),
    }
}

const fn definition_code(error: &DefinitionError) -> &'static str {
    match error {
        DefinitionError::Unknown { .. } => "unknown",
        DefinitionError::NameTaken => "name_taken",
        DefinitionError::AddressTaken { .. } => "address_taken",
        DefinitionError::BadName => "bad_name",
        DefinitionError::OutOfRange { .. } => "out_of_range",
        DefinitionError::Empty => "empty",
        DefinitionError::Duplicate { .. } => "duplicate",
        DefinitionError::BadKey { .. } => "bad_key",
        DefinitionError::BadOutputName { .. } => "bad_output_name",
        DefinitionError::SecretOutput { .. } => "secret_output",
        DefinitionError::NotUpstream { .. } => "not_upstream",
        DefinitionError::Nul => "nul",
        DefinitionError::TooMany { .. } => "too_many",
        DefinitionError::TooLong { .. } => "too_long",
        DefinitionError::BadDirectory => "bad_directory",
        DefinitionError::Stale { .. } => "stale",
        DefinitionError::Reversed => "reversed",
        DefinitionError::BadFormat { .. } => "bad_format",
        DefinitionError::BadUrl { .. } => "bad_url",
        DefinitionError::BadMethod { .. } => "bad_method",
        DefinitionError::BadHeader { .. } => "bad_header",
        DefinitionError::BadPointer { .. } => "bad_pointer",
        DefinitionError::BadStatuses { .. } => "bad_statuses",
        DefinitionError::NotOfKind { .. } => "not_of_kind",
        DefinitionError::NoStatements { .. } => "no_statements",
        DefinitionError::NoTransaction { .. } => "no_transaction",
        DefinitionError::FileOrRepository => "file_or_repository",
        DefinitionError::FlowChanged => "flow_changed",
        DefinitionError::InUse { .. } => "in_use",
        DefinitionError::Cycle { .. } => "cycle",
        _ => "bad_definition",
    }
}

/// What is wrong with a field.
pub(super) fn blame(error: &BlameError, lang: Lang) -> String {
    match error {
        BlameError::Shape(problem) => problem.message(lang),
        BlameError::Definition(error) => match lang {
            Lang::En => error.to_string(),
            Lang::Zh => definition_zh(error),
        },
        BlameError::BadDate { text } => either(
            lang,
            format!("{text:?} is not a date of the calendar in the form YYYY-MM-DD"),
            format!("“{text}”不是 YYYY-MM-DD 形式的日期，或日历上没有这一天"),
        ),
        BlameError::BadTime { text } => either(
            lang,
            format!("{text:?} is not a time in RFC 3339, or not one that is taken here"),
            format!("“{text}”不是 RFC 3339 形式的时间，或不在允许的范围内"),
        ),
        BlameError::BadCursor => either(
            lang,
            "not a cursor of this list, sorted this way; take `next_cursor` of the page before",
            "不是此列表在此排序下的游标；请使用上一页的 next_cursor",
        ),
        BlameError::BadPosition => either(
            lang,
            "no read gave this position out; take `X-Next-Position` of the read before",
            "没有给出过这个位置；请使用上一次读取的 X-Next-Position",
        ),
        BlameError::TooLong { limit } => either(
            lang,
            format!("longer than {limit} characters"),
            format!("超过 {limit} 个字符"),
        ),
        BlameError::StoreSilent { reason } => either(
            lang,
            format!("the store does not answer: {reason}"),
            format!("存储没有响应：{reason}"),
        ),
        BlameError::SecretDiverted => either(
            lang,
            "the one that is stored was given for another place; give it again",
            "已保存的是为另一处地址提供的，请重新填写",
        ),
        BlameError::SecretSealed => either(
            lang,
            "this is what a server stores of a secret; give the secret itself",
            "这是服务保存的密文，请填写原文",
        ),
        BlameError::LeaderUnknown => either(
            lang,
            "it is not known which server leads; another takes over within seconds",
            "尚不知道哪台服务器是主调度；数秒内将由另一台接管",
        ),
        BlameError::LeaderSilent { leader } => either(
            lang,
            format!("the server that leads, {leader}, does not answer"),
            format!("主调度服务器 {leader} 没有响应"),
        ),
        BlameError::StoreSlow { seconds } => either(
            lang,
            format!(
                "the store is slow: a commit has been under way for {seconds} s, and all wait for it"
            ),
            format!("存储缓慢：一次提交已进行 {seconds} 秒，其余操作均在等待"),
        ),
        BlameError::SchedulerSilent => {
            either(lang, "the scheduler does not answer", "调度器没有响应")
        }
    }
}

const fn what_en(what: What) -> &'static str {
    match what {
        What::Flow => "flow",
        What::Job => "job",
        What::Executor => "executor",
        What::Execution => "execution",
        What::JobRun => "job run",
        What::Attempt => "attempt",
        What::User => "user",
        What::Role => "role",
        What::Token => "token",
        What::Backfill => "backfill",
        What::Alert => "alert",
        What::Definition(kind) => kind.as_str(),
    }
}

const fn what_zh(what: What) -> &'static str {
    match what {
        What::Flow => "任务流",
        What::Job => "任务",
        What::Executor => "执行服务器",
        What::Execution => "执行",
        What::JobRun => "任务执行",
        What::Attempt => "尝试",
        What::User => "用户",
        What::Role => "角色",
        What::Token => "令牌",
        What::Backfill => "补数",
        What::Alert => "预警",
        What::Definition(kind) => kind_zh(kind),
    }
}
