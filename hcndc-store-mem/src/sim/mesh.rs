//! Definitions, drawn.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    id::{ExecutorId, FlowId, JobId, ScheduleId},
    model::{
        AlertEvent, AlertRuleDraft, AlertRuleRef, Condition, Deadline, Dependency, DependencyDraft,
        Edit, ExecutorDraft, ExecutorRef, FileEventDraft, FileEventRef, FileServerDraft,
        FileServerKind, FileServerRef, FlowDraft, FlowRef, Job, JobDraft, JobRef, Missed, Overlap,
        Placement, PlacementDraft, PoolDraft, PoolRef, Retry, ScheduleDraft, Trigger, TriggerDraft,
    },
    time::Timestamp,
    trigger::{
        TimeOfDay, Timing,
        cron::{Cron, Dialect},
        interval::Interval,
    },
    workload::SplitMix64,
};

use super::lots::Lots as _;
use crate::tables::Tables;

const ZONES: [&str; 2] = ["east", "west"];

/// The definitions that a run begins with.
pub(crate) fn found(lots: &mut SplitMix64, hosts: usize) -> Vec<Edit> {
    let mut edits: Vec<Edit> = (0..hosts)
        .map(|at| Edit::PutExecutor(host(lots, at)))
        .collect();
    edits.push(PoolDraft::new("pool", 2).into());
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
        draw_limits(lots, &mut flow);
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
    edits.extend(told());
    for at in 0..lots.below(3) {
        let flow = FlowRef::Name(format!("flow{}", lots.below(flows)));
        edits.push(schedule(lots, format!("schedule{at}"), flow).into());
    }
    edits
}

/// What schedules name: a file that may arrive, and what people want to hear of.
fn told() -> [Edit; 4] {
    let server = FileServerDraft::new("server", FileServerKind::Local, "");
    let event = FileEventDraft::new("event", FileServerRef::Name("server".into()), "/in/*");
    let mut all = AlertRuleDraft::new(
        "all",
        [
            AlertEvent::ExecutionFailed,
            AlertEvent::JobRetried,
            AlertEvent::ExecutorLost,
        ],
        [],
    );
    all.default = true;
    let some = AlertRuleDraft::new(
        "some",
        [
            AlertEvent::ExecutionSucceeded,
            AlertEvent::ExecutionFailed,
            AlertEvent::JobFailed,
            AlertEvent::NotStartedBy,
            AlertEvent::NotFinishedBy,
        ],
        [],
    );
    [server.into(), event.into(), all.into(), some.into()]
}

/// A local time of the minutes in which everything happens.
fn deadline(lots: &mut SplitMix64, hour: u32) -> Option<Deadline> {
    let at = TimeOfDay::new(hour, 17 + lots.below(15) as u32, 0)?;
    lots.one_in(3).then_some(Deadline { days: 0, at })
}

/// A schedule that fires every minute or so, by an interval or a cron expression, or when a file arrives.
fn schedule(lots: &mut SplitMix64, name: String, flow: FlowRef) -> ScheduleDraft {
    let timing = if lots.one_in(2) {
        let anchor = Timestamp::from_micros(lots.below(90_000_000) as i64);
        Interval::new(lots.span(20_000, 150_000), anchor)
            .map(Timing::Interval)
            .ok()
    } else {
        let texts = [
            "*/40 * * * * *",
            "30 * * * * *",
            "*/2 * * * *",
            "15,50 */2 * * * *",
        ];
        Cron::parse(Dialect::Unix, texts[lots.below(texts.len())])
            .map(Timing::Cron)
            .ok()
    };
    let Some(timing) = timing else {
        unreachable!("these are intervals and cron expressions");
    };
    let mut draft = ScheduleDraft::new(name, flow, TriggerDraft::Time(timing));
    if lots.one_in(4) {
        draft.trigger = TriggerDraft::File(FileEventRef::Name("event".into()));
    }
    let east = lots.one_in(3);
    let hour = if east { 8 } else { 0 };
    draft.start_by = deadline(lots, hour);
    draft.finish_by = deadline(lots, hour);
    if lots.one_in(2) {
        draft.alerts = vec![AlertRuleRef::Name("some".into())];
    }
    if east {
        draft.zone = "Asia/Shanghai".parse().unwrap_or(draft.zone);
    }
    draft.downstream = lots.one_in(3);
    draft.misfire_grace = [lots.span(0, 60_000), Duration::from_secs(3_600)][lots.below(2)];
    draft.missed = [Missed::Coalesce, Missed::CatchUp][lots.below(2)];
    draft.max_instances = 1 + lots.below(2) as u32;
    draft.overlap = [Overlap::Skip, Overlap::Queue][lots.below(2)];
    draft.date_offset = -(lots.below(3) as i32);
    draft.paused = lots.one_in(8);
    draft
}

/// Places for the runs of a flow, how long they may take, and how often what failed of them runs again.
fn draw_limits(lots: &mut SplitMix64, flow: &mut FlowDraft) {
    flow.max_runs = lots.one_in(3).then(|| 1 + lots.below(2) as u32);
    flow.timeout = lots.one_in(4).then(|| lots.span(10_000, 120_000));
    if lots.one_in(4) {
        flow.restart_retries = 1 + lots.below(2) as u32;
        flow.restart_delay = lots.span(0, 20_000);
    }
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
    if lots.one_in(4) {
        draft.pool = Some(PoolRef::Name("pool".into()));
        draft.pool_slots = 1 + lots.below(2) as u32;
    }
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
            let mut draft = DependencyDraft::new(job, condition);
            if lots.one_in(6) {
                draft.offset_days = -1 - lots.below(2) as i32;
            }
            draft.wait_limit = lots.one_in(3).then(|| lots.span(5_000, 90_000));
            draft
        })
        .collect();
    draft
}

/// A job with those of its dependencies alone that are for its own date, and they wait for as long as it takes.
fn tied(job: &Job) -> JobDraft {
    let mut draft = JobDraft::new(FlowRef::Id(job.flow), &job.name, &job.command);
    (draft.id, draft.enabled, draft.priority) = (Some(job.id), job.enabled, job.priority);
    let ties = job.dependencies.iter().filter(|it| it.offset_days == 0);
    draft.dependencies = ties
        .map(|it| DependencyDraft::new(JobRef::Id(it.job), it.condition))
        .collect();
    draft.placement = match &job.placement {
        Placement::Any => PlacementDraft::Any,
        Placement::Executor(id) => PlacementDraft::Executor(ExecutorRef::Id(*id)),
        Placement::Labels(labels) => PlacementDraft::Labels(labels.clone()),
    };
    (draft.slots, draft.success_codes) = (job.slots, job.success_codes.clone());
    (draft.retry, draft.timeout) = (job.retry, job.timeout);
    draft
}

/// Whether nothing is defined any more that has a reason to wait for ever.
pub(crate) fn is_mended(rows: &Tables) -> bool {
    let executors = &rows.executors;
    !executors.is_empty() && executors.values().all(|it| it.enabled && it.slots == 8) && {
        let open = |edit: &Edit| matches!(edit, Edit::PutFlow(_) | Edit::PutJob(_));
        !mend(rows).iter().any(open)
    }
}

/// Edits after which every executor is there for everybody, and no limit and no other date holds anything, so that nothing has
/// a reason to wait for ever.
pub(crate) fn mend(rows: &Tables) -> Vec<Edit> {
    let labels = |zone: &str| BTreeMap::from([("zone".into(), zone.into())]);
    let mut edits = Vec::new();
    for executor in rows.executors.values() {
        let mut draft = ExecutorDraft::new(&executor.name, &executor.address, 8);
        (draft.id, draft.labels) = (Some(executor.id), executor.labels.clone());
        edits.push(Edit::PutExecutor(draft));
    }
    let ties = |it: &Dependency| it.offset_days == 0 && it.wait_limit.is_none();
    for job in rows.jobs.values() {
        if !job.dependencies.iter().all(ties) {
            edits.push(Edit::PutJob(tied(job)));
        }
    }
    for flow in rows.flows.values() {
        if flow.enabled && flow.max_runs.is_none() && flow.timeout.is_none() {
            continue;
        }

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

/// An edit of something that there is, or something new; `None` if there is nothing to edit.
pub(crate) fn draw_edit(lots: &mut SplitMix64, rows: &Tables) -> Option<Edit> {
    let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
    let jobs: Vec<JobId> = rows.jobs.keys().copied().collect();
    let executors: Vec<ExecutorId> = rows.executors.keys().copied().collect();
    let refs: Vec<JobRef> = jobs.iter().map(|&job| JobRef::Id(job)).collect();
    Some(match lots.below(20) {
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
            draw_limits(lots, &mut draft);
            let earlier = flows.iter().filter(|&&flow| flow < old.id);
            draft.parents = earlier
                .filter(|_| lots.one_in(3))
                .map(|&flow| FlowRef::Id(flow))
                .collect();
            Edit::PutFlow(draft)
        }
        16 | 17 => {
            let schedules: Vec<ScheduleId> = rows.schedules().map(|it| it.id).collect();
            let old = lots.pick(&schedules).filter(|_| !lots.one_in(3));
            let old = old.and_then(|id| rows.schedules().find(|it| it.id == id));
            let name = format!("schedule{}", 10 + lots.below(10));
            let name = old.map_or(name, |it| it.name.clone());
            let flow = FlowRef::Id(lots.pick(&flows)?);
            let mut draft = schedule(lots, name, flow);
            draft.id = old.map(|it| it.id);
            // Some edits leave the times as they are.
            if let Some(old) = old.filter(|_| lots.one_in(2))
                && let Trigger::Time(timing) = &old.trigger
            {
                draft.trigger = TriggerDraft::Time(timing.clone());
                (draft.zone, draft.paused) = (old.zone, old.paused);
            }
            draft.into()
        }
        18 => {
            let schedules: Vec<ScheduleId> = rows.schedules().map(|it| it.id).collect();
            Edit::Delete {
                definition: lots.pick(&schedules)?.into(),
                version: None,
            }
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
