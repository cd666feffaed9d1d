//! Definitions and commands, drawn.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        BackfillRequest, BackfillState, EditBatch, ExecutionState, Input, JobRunRow, JobRunState,
        Settings, Start, TriggerKind,
    },
    id::{BackfillId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId},
    model::{
        Condition, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, FlowDraft, FlowRef, JobDraft,
        JobRef, Placement, PlacementDraft, Retry,
    },
    time::DataDate,
    workload::SplitMix64,
};

use super::{lots::Lots as _, plan::Command};
use crate::tables::Tables;

const ZONES: [&str; 2] = ["east", "west"];

/// The definitions that a run begins with.
pub(crate) fn found(lots: &mut SplitMix64, hosts: usize) -> Vec<Edit> {
    let mut edits: Vec<Edit> = (0..hosts)
        .map(|at| Edit::PutExecutor(host(lots, at)))
        .collect();
    let flows = 1 + lots.below(4);
    let mut jobs: Vec<JobRef> = Vec::new();
    for at in 0..flows {
        let name = format!("flow{at}");
        let mut flow = FlowDraft::new(&name);
        let parents = (0..at).filter(|_| lots.one_in(3));
        flow.parents = parents
            .map(|parent| FlowRef::Name(format!("flow{parent}")))
            .collect();
        flow.priority = lots.below(3) as i32;
        edits.push(Edit::PutFlow(flow));
        for job in 0..lots.below(5) {
            let draft = draw_job(
                lots,
                FlowRef::Name(name.clone()),
                format!("job{job}"),
                &jobs,
            );
            jobs.push(JobRef::Name {
                flow: name.clone(),
                job: draft.name.clone(),
            });
            edits.push(Edit::PutJob(draft));
        }
    }
    edits
}

fn host(lots: &mut SplitMix64, at: usize) -> ExecutorDraft {
    let slots = 1 + lots.below(4) as u32;
    let mut draft = ExecutorDraft::new(format!("host{at}"), format!("host{at}"), slots);
    draft.labels = BTreeMap::from([("zone".into(), ZONES[lots.below(2)].into())]);
    draft
}

fn draw_job(lots: &mut SplitMix64, flow: FlowRef, name: String, before: &[JobRef]) -> JobDraft {
    let mut draft = JobDraft::new(flow, name, "true");
    draft.enabled = !lots.one_in(12);
    draft.priority = lots.below(3) as i32;
    draft.slots = [1, 1, 1, 2, 3][lots.below(5)];
    draft.placement = match lots.below(8) {
        0 => PlacementDraft::Executor(ExecutorRef::Name("host0".into())),
        1 | 2 => {
            let zone = ZONES[lots.below(2)].into();
            PlacementDraft::Labels(BTreeMap::from([("zone".into(), zone)]))
        }
        _ => PlacementDraft::Any,
    };
    draft.success_codes = [vec![0], vec![0, 3]][lots.below(2)].clone();
    draft.retry = Retry {
        max: lots.below(4) as u32,
        delay: lots.span(0, 20_000),
        backoff_permille: 1_000 + lots.below(2) as u32 * 1_000,
        cap: None,
    };
    draft.timeout = lots.one_in(4).then(|| Duration::from_secs(15));
    let chosen = before.iter().rev().take(4).filter(|_| lots.one_in(2));
    let chosen: Vec<JobRef> = chosen.cloned().collect();
    draft.dependencies = chosen
        .into_iter()
        .map(|job| {
            let condition = match lots.below(8) {
                0 => Condition::Failure,
                1 => Condition::Done,
                _ => Condition::Success,
            };
            DependencyDraft::new(job, condition)
        })
        .collect();
    draft
}

/// Edits after which every executor is there for everybody, so that nothing has a reason to wait for ever.
pub(crate) fn mend(rows: &Tables) -> Vec<Edit> {
    let labels = |zone: &str| BTreeMap::from([("zone".into(), zone.into())]);
    let mut edits = Vec::new();
    for executor in rows.executors.values() {
        let mut draft = ExecutorDraft::new(&executor.name, &executor.address, 8);
        (draft.id, draft.labels) = (Some(executor.id), executor.labels.clone());
        edits.push(Edit::PutExecutor(draft));
    }
    for flow in rows.flows.values().filter(|flow| !flow.enabled) {
        let mut draft = FlowDraft::new(&flow.name);
        (draft.id, draft.priority) = (Some(flow.id), flow.priority);
        draft.parents = flow.parents.iter().map(|&flow| FlowRef::Id(flow)).collect();
        edits.push(Edit::PutFlow(draft));
    }
    for zone in ZONES {
        let has =
            |labels: &BTreeMap<String, String>| labels.get("zone").is_some_and(|it| it == zone);
        if !rows.executors.values().any(|it| has(&it.labels)) {
            // Two definitions of one host: jobs reach it by either.
            let number = if zone == ZONES[0] { 100 } else { 101 };
            let name = format!("host{number}");
            let mut draft = ExecutorDraft::new(&name, &name, 8);
            draft.labels = labels(zone);
            edits.push(Edit::PutExecutor(draft));
        }
    }
    edits
}

/// A start of all flows for the date of the first execution that has not ended, so that what it waits for outside of itself comes
/// to run; `None` if all have ended.
pub(crate) fn start_awaited(rows: &Tables, by: String) -> Option<Input> {
    let mut open = rows.executions.values().filter(|row| !row.state.is_ended());
    let data_date = open.next()?.data_date;
    let flows = rows.flows.keys().copied().collect();
    Some(Input::Start(Start {
        flows,
        jobs: None,
        downstream: false,
        data_date,
        params: vec![],
        trigger: TriggerKind::Manual,
        by,
    }))
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
                params: vec![],
                trigger: TriggerKind::Manual,
                by,
            })
        }
        Command::Stop => {
            let live = rows.executions.values();
            let live = live.filter(|row| row.state == ExecutionState::Running);
            let live: Vec<ExecutionId> = live.map(|row| row.id).collect();
            let execution = lots.pick(&live)?;
            Input::Stop { execution, by }
        }
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

/// A business date; those of numbers that follow each other do too.
fn date(at: usize) -> DataDate {
    let dates = [
        "2026-11-20",
        "2026-11-21",
        "2026-11-22",
        "2026-11-23",
        "2026-11-24",
    ];
    match dates[at % dates.len()].parse() {
        Ok(date) => date,
        Err(_) => unreachable!("these are dates"),
    }
}

fn draw_edit(lots: &mut SplitMix64, rows: &Tables) -> Option<Edit> {
    let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
    let jobs: Vec<JobId> = rows.jobs.keys().copied().collect();
    let executors: Vec<ExecutorId> = rows.executors.keys().copied().collect();
    let refs: Vec<JobRef> = jobs.iter().map(|&job| JobRef::Id(job)).collect();
    Some(match lots.below(16) {
        0..=5 => {
            let old = rows.jobs.get(&lots.pick(&jobs)?)?;
            // Mostly those that came before it, so that most edits make no cycle.
            let before = jobs.partition_point(|&job| job < old.id);
            let refs = if lots.one_in(4) {
                &refs[..]
            } else {
                &refs[..before]
            };
            let mut draft = draw_job(lots, FlowRef::Id(old.flow), old.name.clone(), refs);
            draft.id = Some(old.id);
            Edit::PutJob(draft)
        }
        6..=8 => {
            let name = format!("new{}", lots.below(20));
            let flow = FlowRef::Id(lots.pick(&flows)?);
            Edit::PutJob(draw_job(lots, flow, name, &refs))
        }
        9 => Edit::DeleteJob {
            job: lots.pick(&jobs)?,
            version: None,
        },
        10 | 11 => {
            let old = rows.flows.get(&lots.pick(&flows)?)?;
            let mut draft = FlowDraft::new(&old.name);
            (draft.id, draft.enabled) = (Some(old.id), !lots.one_in(10));
            draft.priority = lots.below(5) as i32;
            let earlier = flows.iter().filter(|&&flow| flow < old.id);
            draft.parents = earlier
                .filter(|_| lots.one_in(3))
                .map(|&flow| FlowRef::Id(flow))
                .collect();
            Edit::PutFlow(draft)
        }
        12 => Edit::PutFlow(FlowDraft::new(format!("flow{}", 10 + lots.below(10)))),
        13 if lots.one_in(3) => Edit::DeleteFlow {
            flow: lots.pick(&flows)?,
            version: None,
        },
        13 | 14 => {
            let old = rows.executors.get(&lots.pick(&executors)?)?;
            let slots = 1 + lots.below(5) as u32;
            let mut draft = ExecutorDraft::new(&old.name, &old.address, slots);
            (draft.id, draft.enabled) = (Some(old.id), !lots.one_in(4));
            draft.labels = old.labels.clone();
            Edit::PutExecutor(draft)
        }
        _ if lots.one_in(3) => Edit::DeleteExecutor {
            executor: lots.pick(&executors)?,
            version: None,
        },
        _ => {
            let at = lots.below(4);
            Edit::PutExecutor(host(lots, at))
        }
    })
}
