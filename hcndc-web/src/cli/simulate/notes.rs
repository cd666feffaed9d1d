//! What stands below the table: figures, what does not come to pass and why, deadlines missed.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{FiringOutcome, Hold, HostTrouble, SkipReason, SlotTrouble},
    forecast::{DeadlineKind, Forecast, JobRunForecast, MissedDeadline},
    time::DataDate,
};

use super::{
    moments::{Moments, span},
    table::Look,
};
use crate::{cli::pick, interchange::Lang};

/// Lines of one kind; what is left out is counted.
const MOST: usize = 20;

/// All lines that belong below a forecast.
pub(super) fn forecast(forecast: &Forecast, moments: Moments, look: Look) -> String {
    let Look { lang, zone, .. } = look;
    let mut lines = Vec::new();
    let (executions, jobs) = (forecast.executions.len(), forecast.job_runs.len());
    lines.push(match lang {
        Lang::En if forecast.schedules.is_empty() => {
            "nothing fires: the mesh file has no schedules".to_owned()
        }
        Lang::Zh if forecast.schedules.is_empty() => "网状文件中没有调度，不会触发".to_owned(),
        Lang::En if executions == 0 => format!("nothing starts in this time; times in {zone}"),
        Lang::Zh if executions == 0 => format!("该时段内不会启动任何执行；时间均为 {zone} 时区"),
        Lang::En => format!(
            "{}, {}; times in {zone}",
            counted(executions, "execution"),
            counted(jobs, "job run")
        ),
        Lang::Zh => {
            format!("{executions} 次执行，{jobs} 次任务执行；时间均为 {zone} 时区")
        }
    });
    let is_open = |run: &&JobRunForecast| run.ended_at.is_none();
    let open = forecast.job_runs.values().filter(is_open).count();
    if open > 0 {
        lines.push(match lang {
            Lang::En => format!("not over at the end: {}", counted(open, "job run")),
            Lang::Zh => format!("期末尚未结束的任务执行：{open}"),
        });
        let open = forecast.job_runs.values().filter(is_open);
        lines.extend(limited(waits(forecast, open, lang), lang));
    }
    if look.has_details {
        let waited = forecast
            .job_runs
            .values()
            .filter(|run| !is_open(run) && !run.queue_time().is_zero());
        lines.extend(limited(waits(forecast, waited, lang), lang));
    }
    lines.extend(limited(skipped(forecast, moments, lang), lang));
    let missed = forecast.missed_deadlines();
    let missed = missed.iter().map(|it| deadline(it, moments, lang));
    lines.extend(limited(missed.collect(), lang));
    lines.join("\n")
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn limited(mut lines: Vec<String>, lang: Lang) -> Vec<String> {
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(match lang {
            Lang::En => format!("… and {more} more; --format json has them all"),
            Lang::Zh => format!("……另有 {more} 条；--format json 会全部列出"),
        });
    }
    lines
}

/// What holds these, apart from what comes before them in their own execution; those that the same things hold together.
fn waits<'a>(
    forecast: &Forecast,
    runs: impl Iterator<Item = &'a JobRunForecast>,
    lang: Lang,
) -> Vec<String> {
    let mut found: BTreeMap<(DataDate, String), Vec<String>> = BTreeMap::new();
    for run in runs {
        let Some(flow_run) = forecast.flow_runs.get(&run.flow_run) else {
            continue;
        };
        let Some(execution) = forecast.executions.get(&flow_run.execution) else {
            continue;
        };
        let holds: Vec<String> = run
            .waits
            .iter()
            .filter(|hold| !matches!(hold, Hold::Dependency { .. } | Hold::Parent { .. }))
            .map(|hold| cause(hold, lang))
            .collect();
        if holds.is_empty() {
            continue;
        }
        let flow = forecast
            .flows
            .get(&flow_run.flow)
            .map_or("", String::as_str);
        let job = forecast.jobs.get(&run.job).map_or("", String::as_str);
        let time = span(run.queue_time());
        let name = match lang {
            _ if time.is_empty() => format!("{flow}/{job}"),
            Lang::En => format!("{flow}/{job} ({time})"),
            Lang::Zh => format!("{flow}/{job}（{time}）"),
        };
        let why = holds.join(pick(lang, ", ", "、"));
        let key = (execution.data_date, why);
        found.entry(key).or_default().push(name);
    }
    let line = |((date, why), names): ((DataDate, String), Vec<String>)| match lang {
        Lang::En => {
            let verb = if names.len() == 1 { "waits" } else { "wait" };
            format!("{date}: {} {verb} for {why}", names.join(", "))
        }
        Lang::Zh => format!("{date}：{} 等待{why}", names.join("、")),
    };
    found.into_iter().map(line).collect()
}

/// What holds a job run, in a few words.
fn cause(hold: &Hold, lang: Lang) -> String {
    let (en, zh) = match hold {
        Hold::Parent { name, .. } => (format!("flow {name}"), format!("任务流 {name}")),
        Hold::Dependency { name, .. } => (format!("job {name}"), format!("任务 {name}")),
        Hold::OutsideParent { name, needs, .. } => (
            format!("flow {name} to reach {needs}"),
            format!("任务流 {name} 到达 {needs}"),
        ),
        Hold::Joined { .. } => (
            "another run of its flow for this date".to_owned(),
            "该任务流同一数据日期的另一次执行".to_owned(),
        ),
        Hold::FlowRuns { limit, .. } => (
            format!("a place among the {limit} runs of its flow"),
            format!("任务流同时执行数上限 {limit}"),
        ),
        Hold::OutsideDependency {
            name, data_date, ..
        } => (
            format!("job {name} for {data_date}"),
            format!("任务 {name} 的数据日期 {data_date}"),
        ),
        Hold::Retry { .. } => ("its next attempt".to_owned(), "下一次尝试".to_owned()),
        Hold::GlobalLimit { limit } => (
            format!("a place among the {limit} jobs at once"),
            format!("同时运行的任务数上限 {limit}"),
        ),
        Hold::SameJobLive { data_date, .. } => (
            format!("another run of the job for {data_date}"),
            format!("该任务数据日期 {data_date} 的另一次执行"),
        ),
        Hold::NoExecutor { .. } => (
            "an executor that matches".to_owned(),
            "符合条件的执行服务器".to_owned(),
        ),
        Hold::Executor { name, trouble, .. } => {
            let (en, zh) = match trouble {
                HostTrouble::Disabled => ("not enabled", "未启用"),
                HostTrouble::Offline { .. } => ("lost", "已失联"),
                HostTrouble::Slots(trouble) => slots(*trouble),
            };
            (
                format!("executor {name} ({en})"),
                format!("执行服务器 {name}（{zh}）"),
            )
        }
        Hold::Pool { name, trouble, .. } => {
            let (en, zh) = slots(*trouble);
            (
                format!("pool {name} ({en})"),
                format!("资源池 {name}（{zh}）"),
            )
        }
        Hold::Param { name, .. } => (format!("param {name}"), format!("参数 {name}")),
        Hold::Paused { .. } => ("a pause".to_owned(), "暂停".to_owned()),
        Hold::Stopping { .. } => ("a stop".to_owned(), "停止".to_owned()),
        other => (format!("{other:?}"), format!("{other:?}")),
    };
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Fire times that start nothing.
fn skipped(forecast: &Forecast, moments: Moments, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for firing in forecast.firings.values() {
        let FiringOutcome::Skipped { reason } = firing.outcome else {
            continue;
        };
        let schedule = forecast.schedules.get(&firing.schedule);
        let schedule = schedule.map_or("", String::as_str);
        let mut when = moments.moment(Some(firing.from));
        if firing.to != firing.from {
            let to = moments.end(Some(firing.from), Some(firing.to));
            when = format!("{when} – {to}");
        }
        let why = reason_words(reason, lang);
        lines.push(match lang {
            Lang::En => format!("{schedule}, {when}: starts nothing: {why}"),
            Lang::Zh => format!("{schedule}，{when}：不启动：{why}"),
        });
    }
    lines
}

const fn reason_words(reason: SkipReason, lang: Lang) -> &'static str {
    let (en, zh) = match reason {
        SkipReason::Misfired => ("it is later than the misfire grace", "超过了允许的延迟"),
        SkipReason::Coalesced => ("a later fire time stands for it", "由之后的触发代替"),
        SkipReason::MaxInstances => (
            "as many executions of the schedule run as may",
            "该调度同时运行的执行已达上限",
        ),
        SkipReason::QueueFull => ("as many wait for their turn as may", "等候的触发已达上限"),
        SkipReason::Paused => ("the schedule is paused", "调度已暂停"),
        SkipReason::Changed => ("the schedule's times were changed", "调度的时间已修改"),
        SkipReason::Deleted => ("the schedule was deleted", "调度已删除"),
        SkipReason::Excluded => (
            "the schedule does not fire on such a day or at such a time",
            "不在该调度允许触发的日期或时间内",
        ),
        SkipReason::FlowDisabled => ("the flow is not enabled", "任务流未启用"),
        SkipReason::Refused => ("the flow cannot be started", "任务流无法启动"),
    };
    pick(lang, en, zh)
}

/// A deadline that is missed, in a line.
pub(super) fn deadline(missed: &MissedDeadline, moments: Moments, lang: Lang) -> String {
    let MissedDeadline {
        schedule,
        data_date,
        ..
    } = missed;
    let at = moments.moment(Some(missed.at));
    match (lang, missed.what) {
        (Lang::En, DeadlineKind::Start) => format!("{schedule}, {data_date}: not started by {at}"),
        (Lang::En, DeadlineKind::Finish) => {
            format!("{schedule}, {data_date}: not finished by {at}")
        }
        (Lang::Zh, DeadlineKind::Start) => format!("{schedule}，{data_date}：{at} 前未开始"),
        (Lang::Zh, DeadlineKind::Finish) => format!("{schedule}，{data_date}：{at} 前未完成"),
    }
}

/// Why slots cannot be had, in English and Chinese.
const fn slots(trouble: SlotTrouble) -> (&'static str, &'static str) {
    match trouble {
        SlotTrouble::TooSmall { .. } => ("too small", "槽位不足"),
        SlotTrouble::Full { .. } => ("full", "已满"),
        SlotTrouble::Reserved => ("kept for another job", "为其他任务预留"),
    }
}
