//! What people ask, drawn.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        BackfillRequest, BackfillState, EditBatch, ExecutionState, FlowRunState, Input, JobRunRow,
        JobRunState, Settings, SettledAs, Start, TriggerKind,
    },
    id::{AlertId, BackfillId, ExecutionId, FileEventId, FlowId, JobId, JobRunId, ScheduleId},
    model::{DefinitionId, Dependency, Placement},
    time::DataDate,
    workload::SplitMix64,
};

use super::{edit::draw_edit, lots::Lots as _, plan::Command, schedule::date};
use crate::tables::Tables;

/// How often people start a flow for a date that others wait for.
const HOPES: u32 = 5;

/// A start of a flow that executions wait for outside of themselves, for the date that they ask for; `None` if nobody waits so
/// for what is not under way. What was started the fewest times before goes first: it may be of no use to who waits.
pub(crate) fn start_awaited(
    rows: &Tables,
    started: &mut BTreeMap<(FlowId, DataDate), u32>,
    by: String,
) -> Option<Input> {
    let live = |flow: FlowId, date: DataDate| {
        let mut runs = rows.flow_runs.values().filter(|run| run.flow == flow);
        runs.any(|run| {
            let execution = rows.executions.get(&run.execution);
            run.state == FlowRunState::Running
                && execution
                    .is_some_and(|it| !it.state.is_ended() && !it.partial && it.data_date == date)
        })
    };
    let awaited = awaited(rows).into_iter();
    // Nobody hopes for ever: then something else is in the way.
    let hopes = |it: &(FlowId, DataDate)| started.get(it).is_none_or(|&times| times < HOPES);
    let awaited = awaited.filter(|it| hopes(it) && !live(it.0, it.1));
    let (flow, data_date) = awaited.min_by_key(|it| started.get(it).copied())?;
    *started.entry((flow, data_date)).or_default() += 1;
    Some(Input::Start(Start {
        flows: vec![flow],
        jobs: None,
        downstream: false,
        data_date,
        date_format: None,
        params: vec![],
        trigger: TriggerKind::Manual,
        by,
    }))
}

/// Flows and dates that executions wait for outside of themselves.
fn awaited(rows: &Tables) -> Vec<(FlowId, DataDate)> {
    let mut found = Vec::new();
    for execution in rows.executions.values() {
        if execution.state != ExecutionState::Running || execution.partial {
            continue;
        }
        let date = execution.data_date;
        let runs = rows.job_runs.values();
        let runs: Vec<&JobRunRow> = runs.filter(|run| run.execution == execution.id).collect();
        let flow_runs = rows.flow_runs.values();
        for flow_run in flow_runs.filter(|run| run.execution == execution.id) {
            if flow_run.state == FlowRunState::Waiting && execution.trigger.is_automatic() {
                let flow = rows.flow_of(flow_run).ok();
                let parents = flow.into_iter().flat_map(|flow| flow.parents.iter());
                let late = parents.filter(|parent| rows.data_dates.get(parent) < Some(&date));
                found.extend(late.map(|&parent| (parent, date)));
            }
            for run in runs.iter().filter(|run| run.flow_run == flow_run.id) {
                let Ok(job) = rows.job_of(run) else { continue };
                if run.state != JobRunState::Blocked || flow_run.state != FlowRunState::Running {
                    continue;
                }
                let inside = |it: &&Dependency| runs.iter().any(|run| run.job == it.job);
                let outside = job.dependencies.iter();
                let outside = outside.filter(|it| it.offset_days != 0 || !inside(it));
                for (nth, dependency) in outside.enumerate() {
                    let unmet = run.met_outside & (1 << nth) == 0;
                    let flow = rows.jobs.get(&dependency.job).map(|job| job.flow);
                    let date = date.plus_days(dependency.offset_days);
                    found.extend(flow.zip(date).filter(|_| unmet));
                }
            }
        }
    }
    found.retain(|(flow, _)| rows.flows.contains_key(flow));
    found
}

/// A stop of an execution that waits for an executor that is no more: it is pinned to a job as it was, and reads it afresh when
/// it is resumed.
pub(crate) fn stop_stranded(rows: &Tables, by: String) -> Option<Input> {
    let stranded = |run: &&JobRunRow| {
        let placement = rows.job_of(run).map(|job| &job.placement);
        run.state == JobRunState::Queued
            && matches!(placement, Ok(Placement::Executor(id)) if !rows.executors.contains_key(id))
    };
    let execution = rows.job_runs.values().find(stranded)?.execution;
    Some(Input::Stop { execution, by })
}

/// What somebody asks, and whether what is done carries their name; `None` if there is nothing to ask it of.
pub(crate) fn draw_command(
    command: Command,
    lots: &mut SplitMix64,
    rows: &Tables,
    settings: &Settings,
    by: String,
) -> Option<(Input, bool)> {
    let executions: Vec<ExecutionId> = rows.executions.keys().rev().take(8).copied().collect();
    let input = match command {
        Command::Edit => {
            let edits = (0..=lots.below(3)).filter_map(|_| draw_edit(lots, rows));
            let edits = edits.collect();
            Input::Edit(EditBatch { by, edits })
        }
        Command::Start => {
            let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
            let all = lots.one_in(3);
            let flows = match lots.pick(&flows) {
                Some(flow) if !all => vec![flow],
                _ => flows,
            };
            let data_date = date(lots.below(3));
            let downstream = !lots.one_in(3);
            Input::Start(Start {
                flows,
                jobs: None,
                downstream,
                data_date,
                date_format: None,
                params: vec![],
                trigger: trigger(lots),
                by,
            })
        }
        Command::StartPart => {
            let all: Vec<JobId> = rows.jobs.keys().copied().collect();
            let jobs = (0..=lots.below(3)).filter_map(|_| lots.pick(&all));
            let jobs: Vec<JobId> = jobs.collect();
            let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
            let flows = lots.pick(&flows).filter(|_| lots.one_in(3));
            Input::Start(Start {
                flows: flows.into_iter().collect(),
                jobs: Some(jobs),
                downstream: lots.one_in(4),
                data_date: date(lots.below(3)),
                date_format: None,
                params: vec![],
                trigger: trigger(lots),
                by,
            })
        }
        Command::Stop => {
            let execution = lots.pick(&in_state(rows, ExecutionState::goes_on))?;
            Input::Stop { execution, by }
        }
        Command::Pause => {
            let running = in_state(rows, |state| state == ExecutionState::Running);
            let execution = lots.pick(&running)?;
            Input::Pause { execution, by }
        }
        Command::Unpause => {
            let paused = in_state(rows, |state| state == ExecutionState::Paused);
            let execution = lots.pick(&paused)?;
            return Some((Input::Unpause { execution, by }, false));
        }
        Command::Kill => {
            let active = rows.job_runs.values().filter(|run| run.state.is_active());
            let active: Vec<JobRunId> = active.map(|run| run.id).collect();
            let job_run = lots.pick(&active)?;
            return Some((Input::Kill { job_run, by }, false));
        }
        Command::Settle => {
            let open = |run: &&JobRunRow| match run.state {
                JobRunState::Failed | JobRunState::Killed | JobRunState::UpstreamFailed => true,
                state => !state.is_settled() && !state.is_live(),
            };
            let open = rows.job_runs.values().filter(open);
            let open: Vec<(ExecutionId, JobRunId)> =
                open.map(|run| (run.execution, run.id)).collect();
            let (execution, first) = lots.pick(&open)?;
            let its = open.iter().filter(|(its, _)| *its == execution);
            let its: Vec<JobRunId> = its.map(|(_, run)| *run).collect();
            let more = lots.pick(&its).filter(|_| lots.one_in(3));
            let settled = [SettledAs::Skipped, SettledAs::Succeeded][lots.below(2)];
            let input = Input::Settle {
                execution,
                job_runs: more.into_iter().chain([first]).collect(),
                settled,
                by,
                archived: None,
            };
            return Some((input, false));
        }
        Command::Reset => Input::Reset {
            execution: lots.pick(&executions)?,
            by,
            archived: None,
        },
        Command::Resume => Input::Resume {
            execution: lots.pick(&executions)?,
            by,
            archived: None,
        },
        Command::Rerun => {
            let execution = lots.pick(&executions)?;
            let runs = rows.job_runs.values();
            let runs = runs.filter(|run| run.execution == execution);
            let runs: Vec<JobRunId> = runs.map(|run| run.id).collect();
            let from = (0..=lots.below(2)).filter_map(|_| lots.pick(&runs));
            let from = from.collect();
            Input::Rerun {
                execution,
                from,
                by,
                archived: None,
            }
        }
        Command::Backfill => {
            let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
            let (from, days) = (lots.below(3), lots.below(3));
            Input::Backfill(BackfillRequest {
                flow: lots.pick(&flows)?,
                downstream: lots.one_in(2),
                from: date(from),
                to: date(from + days),
                parallel: 1 + lots.below(2) as u32,
                date_format: None,
                params: vec![],
                by,
            })
        }
        Command::StopBackfill => {
            let running = rows.backfills.values();
            let running = running.filter(|row| row.state == BackfillState::Running);
            let running: Vec<BackfillId> = running.map(|row| row.id).collect();
            let backfill = lots.pick(&running)?;
            Input::StopBackfill { backfill, by }
        }
        Command::RestartBackfill => {
            let ended = rows.backfills.values().filter(|row| row.state.is_ended());
            let ended: Vec<BackfillId> = ended.map(|row| row.id).collect();
            let backfill = lots.pick(&ended)?;
            Input::RestartBackfill { backfill, by }
        }
        Command::PauseSchedules => {
            let all = rows.schedules().map(|it| (it.id, it.paused));
            let all: Vec<(ScheduleId, bool)> = all.collect();
            let (schedule, paused) = lots.pick(&all)?;
            let input = Input::PauseSchedules {
                schedules: vec![schedule],
                paused: !paused,
                by,
            };
            return Some((input, false));
        }
        Command::RunSchedule => {
            let all: Vec<ScheduleId> = rows.schedules().map(|it| it.id).collect();
            Input::RunSchedule {
                schedule: lots.pick(&all)?,
                data_date: Some(date(lots.below(3))).filter(|_| lots.one_in(2)),
                date_format: None,
                downstream: None,
                params: Vec::new(),
                by,
            }
        }
        Command::Arrive => {
            let events = rows.definitions.keys().filter_map(|id| match id {
                DefinitionId::FileEvent(id) => Some(*id),
                _ => None,
            });
            let events: Vec<FileEventId> = events.collect();
            let input = Input::FileArrived {
                event: lots.pick(&events)?,
                key: format!("file{}", lots.below(6)),
                data_date: Some(date(lots.below(3))).filter(|_| lots.one_in(2)),
            };
            return Some((input, false));
        }
        Command::Acknowledge => {
            let alerts: Vec<AlertId> = rows.alerts.keys().copied().collect();
            let first = lots.pick(&alerts)?;
            let more = lots.pick(&alerts).filter(|_| lots.one_in(3));
            let input = Input::Acknowledge {
                alerts: more.into_iter().chain([first]).collect(),
                by,
                archived: Vec::new(),
            };
            return Some((input, false));
        }
        Command::Configure => {
            let settings = Settings {
                max_running: [1, 2, settings.max_running][lots.below(3)],
                executor_lease: Duration::from_secs([5, 40][lots.below(2)]),
                ..settings.clone()
            };
            return Some((Input::Configure(settings), false));
        }
    };
    Some((input, true))
}

/// A stop of an execution that goes on only when a person ends that: executions may wait for each other, one for what has failed
/// in the other. `None` if nothing is waited for outside: then it must move by itself.
pub(crate) fn stop_stuck(rows: &Tables, by: String) -> Option<Input> {
    if awaited(rows).is_empty() {
        return None;
    }
    let running = in_state(rows, |state| state == ExecutionState::Running);
    let execution = running.first().copied()?;
    Some(Input::Stop { execution, by })
}

/// Executions whose state is one of these.
fn in_state(rows: &Tables, is: impl Fn(ExecutionState) -> bool) -> Vec<ExecutionId> {
    let all = rows.executions.values().filter(|row| is(row.state));
    all.map(|row| row.id).collect()
}

/// An end to the pause of an execution; `None` if none is paused.
pub(crate) fn unpause(rows: &Tables, by: String) -> Option<Input> {
    let paused = in_state(rows, |state| state == ExecutionState::Paused);
    let execution = paused.first().copied()?;
    Some(Input::Unpause { execution, by })
}

/// What starts an execution: a person, or something that nobody asked for.
fn trigger(lots: &mut SplitMix64) -> TriggerKind {
    match lots.below(6) {
        0 | 1 => TriggerKind::Schedule,
        2 => TriggerKind::File,
        3 => TriggerKind::DataDate,
        _ => TriggerKind::Manual,
    }
}

/// Schedules that fire.
pub(crate) fn firing(rows: &Tables) -> Vec<ScheduleId> {
    let fire = rows.schedules().filter(|it| !it.paused);
    fire.map(|it| it.id).collect()
}
