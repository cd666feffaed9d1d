//! What is said of runs: where one stands, how it ended, and what it waits for, in a sentence of either language.

use chrono_tz::Tz;
use hcndc_core::{
    engine::{
        AttemptState, ExecutionState, FlowRunState, Hold, HostTrouble, JobRunState, Mishap,
        SlotTrouble,
    },
    id::ExecutionId,
    model::{Condition, Placement},
    port::UnreachableKind,
    time::DataDate,
};

use super::text::{either, moment};
use crate::interchange::Lang;

/// Where a job run stands, in one sentence.
pub(super) fn standing(state: JobRunState, lang: Lang) -> String {
    let (en, zh) = match state {
        JobRunState::Blocked => (
            "it waits for other jobs, or for its flow",
            "等待其他任务或所属任务流",
        ),
        JobRunState::Queued => ("it waits for a place to run", "等待执行位置"),
        JobRunState::Dispatched => ("it was given to an executor", "已交给执行服务器"),
        JobRunState::Running => ("it runs", "正在运行"),
        JobRunState::RetryWait => (
            "it failed and waits for its next attempt",
            "失败，等待下一次尝试",
        ),
        JobRunState::Succeeded => ("it succeeded", "已成功"),
        JobRunState::Failed => ("it failed", "已失败"),
        JobRunState::Killed => ("it was stopped", "已被终止"),
        JobRunState::UpstreamFailed => (
            "it was not run, because something before it failed",
            "未运行，因为其上游失败",
        ),
        JobRunState::Skipped => (
            "it was not run: it is not enabled, or what it reacts to did not happen",
            "未运行：未启用，或其所响应的情况没有发生",
        ),
    };
    either(lang, en, zh)
}

/// How an attempt ended, in one sentence.
pub(crate) fn attempt_end(
    state: AttemptState,
    exit_code: Option<i32>,
    signal: Option<i32>,
    message: &str,
    lang: Lang,
) -> String {
    let said = |en: String, zh: String| either(lang, en, zh);
    match (state, exit_code, signal) {
        (AttemptState::Dispatched, ..) => said(
            "it was given to an executor".into(),
            "已交给执行服务器".into(),
        ),
        (AttemptState::Running, ..) => said("it runs".into(), "正在运行".into()),
        (AttemptState::TimedOut, ..) => said(
            "it ran longer than it may, and was killed".into(),
            "超时，已被终止".into(),
        ),
        (AttemptState::Killed, ..) => said("it was stopped".into(), "已被终止".into()),
        (AttemptState::NotStarted, ..) => said(
            format!("it could not be started: {message}"),
            format!("无法启动：{message}"),
        ),
        (AttemptState::Lost, ..) => said(
            format!("it was lost: {message}"),
            format!("已丢失：{message}"),
        ),
        (_, Some(code), _) => said(format!("it exited with {code}"), format!("退出码 {code}")),
        (_, None, Some(signal)) => match Mishap::find(message) {
            None => said(
                format!("signal {signal} ended it"),
                format!("被信号 {signal} 终止"),
            ),
            Some(Mishap::CoreDumped) => said(
                format!("signal {signal} ended it, and it left a core dump"),
                format!("被信号 {signal} 终止，并留下核心转储"),
            ),
            Some(Mishap::OutOfMemory) => said(
                "memory was used up, and the system killed it".into(),
                "内存耗尽，被系统终止".into(),
            ),
        },
        (AttemptState::Succeeded | AttemptState::Failed, None, None) => {
            said("it ended".into(), "已结束".into())
        }
    }
}

/// What keeps an executor from being used, in one sentence.
pub(super) fn unreachable(kind: UnreachableKind, lang: Lang) -> String {
    let (en, zh) = match kind {
        UnreachableKind::Address => (
            "its address is none; one has the form host:port",
            "地址无效，应为 主机:端口",
        ),
        UnreachableKind::Name => (
            "the name in its address does not resolve",
            "地址中的主机名无法解析",
        ),
        UnreachableKind::Refused => (
            "nothing listens there: the executor does not run, or on another port",
            "连接被拒绝：执行服务器未运行，或端口不对",
        ),
        UnreachableKind::Silent => (
            "nothing answers in time: the host is down, or something on the way drops what is sent",
            "超时无应答：主机不可达，或被防火墙丢弃",
        ),
        UnreachableKind::Tls => (
            "TLS fails: one end does not speak it, or a certificate is not believed",
            "TLS 失败：一端未启用，或证书不受信任",
        ),
        UnreachableKind::Token => ("it does not accept the token", "令牌不被接受"),
        UnreachableKind::Version => (
            "what listens there is no executor, or one of a version that is not understood",
            "对方不是执行服务器，或版本不兼容",
        ),
        _ => ("it cannot be used", "无法使用"),
    };
    either(lang, en, zh)
}

/// What holds a job run, in one sentence.
pub(super) fn hold(hold: &Hold, zone: Option<Tz>, lang: Lang) -> String {
    match hold {
        Hold::Parent { name, state, .. } => either(
            lang,
            format!("flow {name}, a parent of its flow, must succeed first; it is {state}"),
            format!("父任务流 {name} 须先成功，它{}", flow_run_state_zh(*state)),
        ),
        Hold::Dependency {
            name,
            condition,
            state,
            ..
        } => {
            let (en, zh) = match condition {
                Condition::Success => ("must succeed", "须成功"),
                Condition::Failure => ("must fail", "须失败"),
                Condition::Done => ("must end", "须结束"),
            };
            either(
                lang,
                format!("job {name} {en} first; it is {state}"),
                format!("任务 {name} {zh}，它{}", job_run_state_zh(*state)),
            )
        }
        Hold::OutsideParent {
            name,
            needs,
            reached,
            ..
        } => {
            let (en, zh) = match reached {
                Some(date) => (format!("has reached {date}"), format!("目前到 {date}")),
                None => ("has reached no date".to_owned(), "尚无数据日期".to_owned()),
            };
            either(
                lang,
                format!("flow {name}, a parent of its flow, must reach {needs} first; it {en}"),
                format!("父任务流 {name} 的数据日期须先到 {needs}，{zh}"),
            )
        }
        Hold::Joined { execution, .. } => either(
            lang,
            format!(
                "execution {execution} runs its flow for the same date, and it shares that end"
            ),
            format!("执行 {execution} 正在为同一数据日期运行该任务流，此处共享其结果"),
        ),
        Hold::FlowRuns { limit, running, .. } => either(
            lang,
            format!("its flow runs {running} times already, {limit} may at once"),
            format!("该任务流已有 {running} 个执行在运行，同时最多 {limit} 个"),
        ),
        Hold::OutsideDependency {
            name,
            data_date,
            condition,
            execution,
            state,
            until,
            ..
        } => outside_dependency(
            (name, *data_date, *condition),
            (*execution, *state),
            until.map(|until| moment(until, zone)),
            lang,
        ),
        Hold::Restart { at } => {
            let at = moment(*at, zone);
            either(
                lang,
                format!("what has failed runs again at {at}"),
                format!("失败的任务将于 {at} 重新运行"),
            )
        }
        Hold::Retry { at } => {
            let at = moment(*at, zone);
            either(
                lang,
                format!("its next attempt starts at {at}"),
                format!("下一次尝试将于 {at} 开始"),
            )
        }
        Hold::GlobalLimit { limit } => either(
            lang,
            format!("{limit} attempts run already, as many as may"),
            format!("已有 {limit} 个尝试在运行，达到上限"),
        ),
        Hold::SameJobLive {
            execution,
            data_date,
        } => either(
            lang,
            format!("execution {execution} runs this job for {data_date}"),
            format!("执行 {execution} 正在为 {data_date} 运行该任务"),
        ),
        Hold::NoExecutor { placement } => match placement {
            Placement::Labels(labels) => {
                let labels: Vec<String> = labels
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let labels = labels.join(", ");
                either(
                    lang,
                    format!("no executor has the labels {labels}"),
                    format!("没有带标签 {labels} 的执行服务器"),
                )
            }
            Placement::Any => either(lang, "there is no executor", "没有执行服务器"),
            Placement::Executor(executor) => either(
                lang,
                format!("executor {executor} is not there"),
                format!("执行服务器 {executor} 不存在"),
            ),
        },
        Hold::Executor { name, trouble, .. } => {
            let (en, zh) = host_trouble(trouble);
            either(
                lang,
                format!("executor {name} {en}"),
                format!("执行服务器 {name} {zh}"),
            )
        }
        Hold::Pool { name, trouble, .. } => {
            let (en, zh) = slot_trouble(*trouble);
            either(
                lang,
                format!("pool {name} {en}"),
                format!("资源池 {name} {zh}"),
            )
        }
        Hold::Param { name, source, .. } => either(
            lang,
            format!("data source {source} has not yet given param {name} its value"),
            format!("数据源 {source} 尚未给出参数 {name} 的值"),
        ),
        Hold::Paused { by } => either(
            lang,
            format!("{by} paused the execution"),
            format!("{by} 暂停了该执行"),
        ),
        Hold::Stopping { by } => either(
            lang,
            format!("{by} is stopping the execution"),
            format!("{by} 正在停止该执行"),
        ),
        other => format!("{other:?}"),
    }
}

/// What a dependency on a run outside waits for: the job, the date and the end asked for, and what its latest run came to.
fn outside_dependency(
    (name, date, condition): (&str, DataDate, Condition),
    (execution, state): (Option<ExecutionId>, Option<JobRunState>),
    until: Option<String>,
    lang: Lang,
) -> String {
    let (en, zh) = match condition {
        Condition::Success => ("must succeed", "须成功"),
        Condition::Failure => ("must fail", "须失败"),
        Condition::Done => ("must end", "须结束"),
    };
    let (mut is, mut is_zh) = match (execution, state) {
        (Some(execution), Some(state)) => (
            format!("in execution {execution} it is {state}"),
            format!("它在执行 {execution} 中{}", job_run_state_zh(state)),
        ),
        (Some(execution), None) => (
            format!("execution {execution} was started without it"),
            format!("执行 {execution} 启动时还没有它"),
        ),
        (None, Some(state)) => (
            format!("when its flow last ran for that date it was {state}"),
            format!(
                "其任务流最近一次为该日期运行时它{}",
                job_run_state_zh(state)
            ),
        ),
        (None, None) => (
            "its flow has not run for that date".to_owned(),
            "其任务流尚未为该日期运行".to_owned(),
        ),
    };
    if let Some(until) = until {
        is.push_str(&format!(", and at {until} the waiting ends"));
        is_zh.push_str(&format!("，最迟等到 {until}"));
    }
    either(
        lang,
        format!("job {name} {en} for {date} first; {is}"),
        format!("任务 {name} 须先为 {date} 运行且{zh}；{is_zh}"),
    )
}

fn host_trouble(trouble: &HostTrouble) -> (String, String) {
    match trouble {
        HostTrouble::Disabled => ("is not enabled".into(), "未启用".into()),
        HostTrouble::Offline {
            reason: Some(reason),
        } => (
            format!("is not connected: {reason}"),
            format!("未连接：{reason}"),
        ),
        HostTrouble::Offline { reason: None } => ("is not connected".into(), "未连接".into()),
        HostTrouble::Slots(trouble) => slot_trouble(*trouble),
    }
}

fn slot_trouble(trouble: SlotTrouble) -> (String, String) {
    match trouble {
        SlotTrouble::TooSmall { slots, needs } => (
            format!("has {slots} slots, and the job takes {needs}"),
            format!("共 {slots} 个槽位，而任务需要 {needs} 个"),
        ),
        SlotTrouble::Full { free, needs } => (
            format!("has {free} slots free, and the job takes {needs}"),
            format!("空闲 {free} 个槽位，而任务需要 {needs} 个"),
        ),
        SlotTrouble::Reserved => (
            "is kept for a job run that goes first".into(),
            "已为优先的任务保留".into(),
        ),
    }
}

/// The state in Chinese.
pub(super) const fn execution_state_zh(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Running => "运行中",
        ExecutionState::Paused => "已暂停",
        ExecutionState::Stopping => "停止中",
        ExecutionState::Succeeded => "成功",
        ExecutionState::Failed => "失败",
        ExecutionState::Stopped => "已停止",
    }
}

const fn flow_run_state_zh(state: FlowRunState) -> &'static str {
    match state {
        FlowRunState::Waiting => "尚在等待",
        FlowRunState::Joined => "已并入同日期的另一次执行",
        FlowRunState::Running => "正在运行",
        FlowRunState::Succeeded => "已成功",
        FlowRunState::Failed => "已失败",
        FlowRunState::Stopped => "已停止",
    }
}

/// The state in Chinese.
pub(super) const fn job_run_state_zh(state: JobRunState) -> &'static str {
    match state {
        JobRunState::Blocked => "尚被阻塞",
        JobRunState::Queued => "正在排队",
        JobRunState::Dispatched => "已派发",
        JobRunState::Running => "正在运行",
        JobRunState::RetryWait => "等待重试",
        JobRunState::Succeeded => "已成功",
        JobRunState::Failed => "已失败",
        JobRunState::Killed => "已被终止",
        JobRunState::UpstreamFailed => "因上游失败而未运行",
        JobRunState::Skipped => "已跳过",
    }
}
