//! The forecast as a table, in the mesh's zone.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, presets,
};
use hcndc_core::{
    engine::{FlowRunState, JobRunState},
    forecast::{Comparison, FlowRunForecast, Forecast, JobRunForecast, Moved, Times},
    id::{FlowRunId, JobRunId},
    time::Timestamp,
};

use super::{
    moments::{Moments, span},
    notes,
};
use crate::{
    cli::{
        pick,
        run::{flow_state, state_name},
    },
    interchange::Lang,
};

/// How a table is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The zone that its times are in.
    pub(super) zone: Tz,
    /// Its language.
    pub(super) lang: Lang,
    /// Whether it has a line for each job run too.
    pub(super) has_details: bool,
    /// Columns of the terminal; as wide as it will if there is none.
    pub(super) width: Option<u16>,
}

/// A line for each flow run, in the order of their starts, with its jobs below it if asked; then what is to be minded.
pub(super) fn forecast(forecast: &Forecast, look: Look) -> String {
    let Look { lang, .. } = look;
    let seen = forecast
        .flow_runs
        .values()
        .flat_map(|run| [run.started_at, run.ended_at])
        .chain(
            forecast
                .job_runs
                .values()
                .filter(|_| look.has_details)
                .flat_map(|run| [run.started_at, run.ended_at]),
        );
    let firings = forecast.firings.values().flat_map(|it| [it.from, it.to]);
    let deadlines = forecast.missed_deadlines();
    let deadlines = deadlines.iter().map(|missed| missed.at);
    let seen = seen.flatten().chain(firings).chain(deadlines);
    let moments = Moments::of(look.zone, seen);
    let notes = notes::forecast(forecast, moments, look);
    if forecast.flow_runs.is_empty() {
        return notes;
    }
    let mut jobs: BTreeMap<FlowRunId, Vec<(JobRunId, &JobRunForecast)>> = BTreeMap::new();
    for (&id, run) in &forecast.job_runs {
        jobs.entry(run.flow_run).or_default().push((id, run));
    }
    let mut runs: Vec<(FlowRunId, &FlowRunForecast)> = forecast
        .flow_runs
        .iter()
        .map(|(&id, run)| (id, run))
        .collect();
    // What never starts comes last.
    runs.sort_by_key(|(id, run)| (run.started_at.is_none(), run.started_at, *id));

    // Nobody needs a column that says of each that it will go well.
    let is_well = |run: &FlowRunForecast| run.state == FlowRunState::Succeeded;
    let job_is_well = |run: &JobRunForecast| run.state == JobRunState::Succeeded;
    let has_states = !forecast.flow_runs.values().all(is_well)
        || look.has_details && !forecast.job_runs.values().all(job_is_well);

    let mut header = match lang {
        Lang::En => vec![
            "data date",
            "flow",
            "schedule",
            "start",
            "end",
            "takes",
            "jobs",
            "queued",
        ],
        Lang::Zh => vec![
            "数据日期",
            "任务流",
            "调度",
            "开始",
            "结束",
            "用时",
            "任务",
            "排队",
        ],
    };
    if has_states {
        header.push(pick(lang, "state", "状态"));
    }
    let mut table = table(&header, look, &[0, 3, 4, 5, 6, 7]);
    for (id, run) in runs {
        let execution = forecast.executions.get(&run.execution);
        let mut its = jobs.remove(&id).unwrap_or_default();
        let longest = its.iter().map(|(_, job)| job.queue_time()).max();
        let schedule = execution
            .and_then(|it| it.schedule)
            .and_then(|id| forecast.schedules.get(&id))
            .map_or("", String::as_str);
        let mut cells = vec![
            execution
                .map(|it| it.data_date.to_string())
                .unwrap_or_default(),
            forecast.flows.get(&run.flow).cloned().unwrap_or_default(),
            schedule.to_owned(),
            moments.moment(run.started_at),
            moments.end(run.started_at, run.ended_at),
            between(run.started_at, run.ended_at),
            its.len().to_string(),
            span(longest.unwrap_or_default()),
        ];
        if has_states {
            cells.push(flow_state(run.state, lang).to_owned());
        }
        table.add_row(cells);
        if !look.has_details {
            continue;
        }
        its.sort_by_key(|(id, job)| (job.started_at.is_none(), job.started_at, *id));
        for (_, job) in its {
            let name = forecast.jobs.get(&job.job).map_or("", String::as_str);
            let executor = job.executor.and_then(|id| forecast.executors.get(&id));
            let mut cells = vec![
                String::new(),
                format!("· {name}"),
                executor.map_or_else(String::new, |name| format!("@{name}")),
                moments.moment(job.started_at),
                moments.end(job.started_at, job.ended_at),
                between(job.started_at, job.ended_at),
                String::new(),
                span(job.queue_time()),
            ];
            if has_states {
                cells.push(state_name(job.state, lang).to_owned());
            }
            table.add_row(cells);
        }
    }
    align_right(&mut table, 4..8);
    format!("{table}\n{notes}")
}

/// What differs, a line for each job run.
pub(super) fn comparison(found: &Comparison, look: Look) -> String {
    let Look { lang, zone, .. } = look;
    if found.is_empty() {
        return pick(lang, "no difference", "没有差别").to_owned();
    }
    let lists = [
        (&found.moved, pick(lang, "moved", "变动")),
        (&found.only_before, pick(lang, "gone", "消失")),
        (&found.only_after, pick(lang, "new", "新增")),
    ];
    let seen = lists
        .iter()
        .flat_map(|(list, _)| list.iter())
        .flat_map(|it| {
            let times = [it.before.unwrap_or_default(), it.after.unwrap_or_default()];
            times
                .into_iter()
                .flat_map(|it| [it.started_at, it.ended_at])
        });
    let moments = Moments::of(zone, seen.flatten());
    let mut text = String::new();
    if lists.iter().any(|(list, _)| !list.is_empty()) {
        let mut table = table(
            &match lang {
                Lang::En => ["", "data date", "job", "before", "after"],
                Lang::Zh => ["", "数据日期", "任务", "之前", "之后"],
            },
            look,
            &[0, 1, 3, 4],
        );
        for (list, word) in lists {
            for run in list {
                table.add_row(row(run, word, moments, lang));
            }
        }
        text = format!("{table}\n");
    }
    text.push_str(&match lang {
        Lang::En => format!("times in {zone}"),
        Lang::Zh => format!("时间均为 {zone} 时区"),
    });
    let deadlines = [
        (
            &found.newly_missed,
            pick(lang, "newly missed: ", "新增逾期："),
        ),
        (
            &found.no_longer_missed,
            pick(lang, "no longer missed: ", "不再逾期："),
        ),
    ];
    for (list, word) in deadlines {
        for missed in list {
            text.push('\n');
            text.push_str(word);
            text.push_str(&notes::deadline(missed, moments, lang));
        }
    }
    text
}

fn row(run: &Moved, word: &str, moments: Moments, lang: Lang) -> [String; 5] {
    let times = |times: Option<Times>| match times {
        None => String::new(),
        Some(Times {
            started_at: None, ..
        }) => pick(lang, "never starts", "不会开始").to_owned(),
        Some(Times {
            started_at,
            ended_at,
        }) => format!(
            "{} – {}",
            moments.moment(started_at),
            moments.end(started_at, ended_at)
        ),
    };
    [
        word.to_owned(),
        run.data_date.to_string(),
        format!("{}/{}", run.flow, run.job),
        times(run.before),
        times(run.after),
    ]
}

/// An empty table; the columns named last are never broken into lines.
fn table(header: &[&str], look: Look, whole: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    for between_rows in [
        TableComponent::HorizontalLines,
        TableComponent::MiddleIntersections,
    ] {
        table.remove_style(between_rows);
    }
    table.set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
        for &at in whole {
            if let Some(column) = table.column_mut(at) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    table
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => "0s".to_owned(),
        (Some(from), Some(to)) => span(to.since(from)),
        _ => String::new(),
    }
}
