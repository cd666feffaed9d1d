//! The forecast as a table, in the mesh's zone.

use std::{collections::BTreeMap, time::Duration};

use chrono_tz::Tz;
use comfy_table::{CellAlignment, Table, presets};
use hcndc_core::{
    engine::{FiringOutcome, FiringRow},
    forecast::{
        Comparison, DeadlineKind, FlowRunForecast, Forecast, JobRunForecast, MissedDeadline, Moved,
    },
    id::FlowRunId,
    time::Timestamp,
};

use crate::{cli::pick, interchange::Lang};

/// A line for each flow run, in the order of their starts, with its jobs below it if asked; then what is to be minded.
pub(super) fn forecast(forecast: &Forecast, zone: Tz, details: bool, lang: Lang) -> String {
    if forecast.executions.is_empty() {
        return pick(
            lang,
            "nothing fires in this time",
            "该时段内没有任何调度触发",
        )
        .to_owned();
    }
    let mut jobs: BTreeMap<FlowRunId, Vec<&JobRunForecast>> = BTreeMap::new();
    for run in forecast.job_runs.values() {
        jobs.entry(run.flow_run).or_default().push(run);
    }
    let mut runs: Vec<(FlowRunId, &FlowRunForecast)> = forecast
        .flow_runs
        .iter()
        .map(|(&id, run)| (id, run))
        .collect();
    // What never starts comes last.
    runs.sort_by_key(|(id, run)| (run.started_at.is_none(), run.started_at, *id));

    let mut table = table(&match lang {
        Lang::En => [
            "data date",
            "flow",
            "schedule",
            "start",
            "end",
            "takes",
            "jobs",
            "waits in queue",
        ],
        Lang::Zh => [
            "数据日期",
            "任务流",
            "调度",
            "开始",
            "结束",
            "用时",
            "任务",
            "排队",
        ],
    });
    for (id, run) in runs {
        let execution = forecast.executions.get(&run.execution);
        let its = jobs.remove(&id).unwrap_or_default();
        let longest = its.iter().map(|job| job.queue_time()).max();
        let schedule = execution
            .and_then(|it| it.schedule)
            .and_then(|id| forecast.schedules.get(&id))
            .map_or("", String::as_str);
        table.add_row([
            execution
                .map(|it| it.data_date.to_string())
                .unwrap_or_default(),
            forecast.flows.get(&run.flow).cloned().unwrap_or_default(),
            schedule.to_owned(),
            moment(run.started_at, zone),
            moment(run.ended_at, zone),
            between(run.started_at, run.ended_at),
            its.len().to_string(),
            span(longest.unwrap_or_default()),
        ]);
        if details {
            for job in its {
                table.add_row([
                    String::new(),
                    format!(
                        "  {}",
                        forecast.jobs.get(&job.job).map_or("", String::as_str)
                    ),
                    job.executor
                        .and_then(|id| forecast.executors.get(&id))
                        .map_or_else(String::new, |name| format!("@{name}")),
                    moment(job.started_at, zone),
                    moment(job.ended_at, zone),
                    between(job.started_at, job.ended_at),
                    String::new(),
                    span(job.queue_time()),
                ]);
            }
        }
    }
    for column in 5..8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n{}", summary(forecast, zone, lang))
}

fn summary(forecast: &Forecast, zone: Tz, lang: Lang) -> String {
    let executions = forecast.executions.len();
    let jobs = forecast.job_runs.len();
    let open = forecast
        .job_runs
        .values()
        .filter(|run| run.ended_at.is_none())
        .count();
    let mut text = match lang {
        Lang::En => format!(
            "{executions} executions, {jobs} job runs, {open} of them not over at the end; times are in {zone}"
        ),
        Lang::Zh => format!(
            "{executions} 次执行，{jobs} 次任务执行，其中 {open} 次在期末尚未结束；时间为 {zone} 时区"
        ),
    };
    let skips = |firing: &&FiringRow| matches!(firing.outcome, FiringOutcome::Skipped { .. });
    let skipped = forecast.firings.values().filter(skips).count();
    if skipped > 0 {
        text.push_str(&match lang {
            Lang::En => format!("\nfire times that start nothing: {skipped}"),
            Lang::Zh => format!("\n不会启动的触发：{skipped}"),
        });
    }
    for missed in forecast.missed_deadlines() {
        text.push('\n');
        text.push_str(&deadline(&missed, zone, lang));
    }
    text
}

/// What differs, a line for each job run.
pub(super) fn comparison(found: &Comparison, zone: Tz, lang: Lang) -> String {
    let lists = [
        (&found.moved, pick(lang, "moved", "变动")),
        (&found.only_before, pick(lang, "gone", "消失")),
        (&found.only_after, pick(lang, "new", "新增")),
    ];
    if *found == Comparison::default() {
        return pick(lang, "no difference", "没有差别").to_owned();
    }
    let mut table = table(&match lang {
        Lang::En => [
            "",
            "data date",
            "job",
            "start before",
            "end before",
            "start after",
            "end after",
        ],
        Lang::Zh => [
            "",
            "数据日期",
            "任务",
            "原开始",
            "原结束",
            "新开始",
            "新结束",
        ],
    });
    for (list, word) in lists {
        for run in list {
            table.add_row(row(run, word, zone));
        }
    }
    let mut text = match lang {
        Lang::En => format!("{table}\ntimes are in {zone}"),
        Lang::Zh => format!("{table}\n时间为 {zone} 时区"),
    };
    let lists = [
        (
            &found.newly_missed,
            pick(lang, "newly missed: ", "新增逾期："),
        ),
        (
            &found.no_longer_missed,
            pick(lang, "no longer missed: ", "不再逾期："),
        ),
    ];
    for (list, word) in lists {
        for missed in list {
            text.push('\n');
            text.push_str(word);
            text.push_str(&deadline(missed, zone, lang));
        }
    }
    text
}

fn deadline(missed: &MissedDeadline, zone: Tz, lang: Lang) -> String {
    let MissedDeadline {
        schedule,
        data_date,
        ..
    } = missed;
    let at = moment(Some(missed.at), zone);
    match (lang, missed.what) {
        (Lang::En, DeadlineKind::Start) => format!("{schedule}, {data_date}: not started by {at}"),
        (Lang::En, DeadlineKind::Finish) => {
            format!("{schedule}, {data_date}: not finished by {at}")
        }
        (Lang::Zh, DeadlineKind::Start) => format!("{schedule}，{data_date}：{at} 前未开始"),
        (Lang::Zh, DeadlineKind::Finish) => format!("{schedule}，{data_date}：{at} 前未完成"),
    }
}

fn row(run: &Moved, word: &str, zone: Tz) -> [String; 7] {
    let (before, after) = (
        run.before.unwrap_or_default(),
        run.after.unwrap_or_default(),
    );
    [
        word.to_owned(),
        run.data_date.to_string(),
        format!("{}/{}", run.flow, run.job),
        moment(before.0, zone),
        moment(before.1, zone),
        moment(after.0, zone),
        moment(after.1, zone),
    ]
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

fn moment(at: Option<Timestamp>, zone: Tz) -> String {
    at.map_or_else(String::new, |at| {
        let local = at.to_utc().with_timezone(&zone);
        local.format("%Y-%m-%d %H:%M:%S").to_string()
    })
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => span(to.since(from)),
        _ => String::new(),
    }
}

/// A span as people say it: `1h02m03s`.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds:02}s"),
        _ => format!("{hours}h{minutes:02}m{seconds:02}s"),
    }
}
