//! Definitions, drawn.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    model::{
        AlertChannelDraft, AlertChannelKind, AlertChannelRef, AlertEvent, AlertRuleDraft,
        Condition, DataSourceDraft, DataSourceKind, DataSourceRef, DependencyDraft, Edit,
        Escalation, ExecutorDraft, ExecutorRef, FileEventDraft, FileServerDraft, FileServerKind,
        FileServerRef, FlowDraft, FlowRef, JobDraft, JobParamDraft, JobRef, OutputSourceDraft,
        ParamKindDraft, ParamRef, PlacementDraft, PoolDraft, PoolRef, Retry, SharedParamDraft,
        ValueType,
    },
    workload::SplitMix64,
};

use super::{
    lots::Lots as _,
    resolver::QUERY,
    schedule::{CALENDARS, draw_calendar, draw_schedule},
};

pub(crate) const ZONES: [&str; 2] = ["east", "west"];

const PARAMS: [&str; 2] = ["asked", "far"];

const POOLS: [&str; 3] = ["pool", "tight", "spare"];

/// Something that a job may depend on, and whether its flow comes before that of the job.
pub(crate) type Before = (JobRef, bool);

/// The definitions that a run begins with.
pub(crate) fn found(lots: &mut SplitMix64, hosts: usize) -> Vec<Edit> {
    let mut edits: Vec<Edit> = (0..hosts)
        .map(|at| Edit::PutExecutor(draw_host(lots, at)))
        .collect();
    edits.extend(POOLS.map(|name| PoolDraft::new(name, 2).into()));
    let flows = 1 + lots.below(4);
    let mut jobs: Vec<Before> = Vec::new();
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
            let job = JobRef::Name {
                flow: name.clone(),
                job: draft.name.clone(),
            };
            jobs.push((job, false));
            edits.push(Edit::PutJob(draft));
        }
        for (_, earlier) in &mut jobs {
            *earlier = true;
        }
    }
    edits.extend(told());
    edits.extend(asked());
    edits.extend(CALENDARS.map(|name| draw_calendar(lots, name.into()).into()));
    let all: Vec<FlowRef> = (0..flows)
        .map(|at| FlowRef::Name(format!("flow{at}")))
        .collect();
    for at in 0..lots.below(4) {
        edits.push(draw_schedule(lots, format!("schedule{at}"), &all).into());
    }
    edits
}

/// What schedules name: a file that may arrive, and what people want to hear of.
fn told() -> [Edit; 7] {
    let channel = AlertChannelDraft::new("channel", AlertChannelKind::Webhook);
    let server = FileServerDraft::new("server", FileServerKind::Local, "");
    let event = FileEventDraft::new("event", FileServerRef::Name("server".into()), "/in/*");
    let mut all = AlertRuleDraft::new(
        "all",
        [
            AlertEvent::ExecutionFailed,
            AlertEvent::JobRetried,
            AlertEvent::ExecutorLost,
            AlertEvent::DataSourceDown,
        ],
        [AlertChannelRef::Name("channel".into())],
    );
    all.default = true;
    all.escalation = Some(Escalation {
        after: Escalation::LEAST_AFTER,
        channels: all.channels.clone(),
    });
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
    let spare = AlertChannelDraft::new("spare", AlertChannelKind::Sms);
    let never = AlertRuleDraft::new("spare", [AlertEvent::LongerThanUsual], []);
    [
        spare.into(),
        never.into(),
        channel.into(),
        server.into(),
        event.into(),
        all.into(),
        some.into(),
    ]
}

/// Params that jobs share, whose values come from queries.
fn asked() -> [Edit; 4] {
    let source = |name| DataSourceDraft::new(name, DataSourceKind::Sqlite, "");
    let asks = |name, source: &str| {
        let kind = ParamKindDraft::Sql {
            data_source: DataSourceRef::Name(source.into()),
            query: "any".into(),
            timeout: QUERY,
            column: None,
            value_type: ValueType::Text,
        };
        SharedParamDraft::new(name, kind)
    };
    [
        source("near").into(),
        source("far").into(),
        asks(PARAMS[0], "near").into(),
        asks(PARAMS[1], "far").into(),
    ]
}

/// Params of one job in four, from lots of their own.
fn draw_params(lots: &SplitMix64) -> Vec<JobParamDraft> {
    let mut lots = SplitMix64::new(lots.clone().draw() ^ 0xa5e);
    let which: &[&str] = match lots.below(12) {
        0 => &PARAMS,
        1 => &PARAMS[..1],
        2 => &PARAMS[1..],
        _ => &[],
    };
    let shared = which.iter().map(|name| JobParamDraft::Shared {
        shared: ParamRef::Name((*name).into()),
    });
    shared.collect()
}

/// Places for the runs of a flow, how long they may take, and how often what failed of them runs again.
pub(crate) fn draw_limits(lots: &mut SplitMix64, flow: &mut FlowDraft) {
    flow.max_runs = lots.one_in(3).then(|| 1 + lots.below(2) as u32);
    flow.timeout = lots.one_in(4).then(|| lots.span(10_000, 120_000));
    if lots.one_in(4) {
        flow.restart_retries = 1 + lots.below(2) as u32;
        flow.restart_delay = lots.span(0, 20_000);
    }
}

pub(crate) fn draw_host(lots: &mut SplitMix64, at: usize) -> ExecutorDraft {
    let slots = 1 + lots.below(4) as u32;
    let mut draft = ExecutorDraft::new(format!("host{at}"), format!("host{at}"), slots);
    draft.labels = BTreeMap::from([("zone".into(), ZONES[lots.below(2)].into())]);
    draft
}

/// A job that may depend on some of the last of what comes before it.
pub(crate) fn draw_job(
    lots: &mut SplitMix64,
    flow: FlowRef,
    name: String,
    before: &[Before],
) -> JobDraft {
    let mut draft = JobDraft::new(flow, name, "true");
    draft.params = draw_params(lots);
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
        draft.pool = Some(PoolRef::Name(POOLS[lots.below(2)].into()));
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
    let chosen: Vec<Before> = chosen.cloned().collect();
    draft.dependencies = chosen
        .into_iter()
        .map(|(job, earlier)| {
            let condition = match lots.below(8) {
                0 => Condition::Failure,
                1 => Condition::Done,
                _ => Condition::Success,
            };
            let mut draft = DependencyDraft::new(job, condition);
            if lots.one_in(6) {
                let days = 1 + lots.below(2) as i32;
                // A date to come is only asked of flows that come before, so that no two jobs wait for each other.
                draft.offset_days = if earlier && lots.one_in(2) {
                    days
                } else {
                    -days
                };
            }
            draft.wait_limit = lots.one_in(3).then(|| lots.span(5_000, 90_000));
            draft
        })
        .collect();
    let outputs = draw_outputs(lots, &draft.dependencies);
    draft.params.extend(outputs);
    draft
}

/// Outputs of some of the jobs that a job depends on, from lots of their own.
fn draw_outputs(lots: &SplitMix64, ties: &[DependencyDraft]) -> Vec<JobParamDraft> {
    let mut lots = SplitMix64::new(lots.clone().draw() ^ 0x0075);
    let mut params = Vec::new();
    for (nth, tie) in ties.iter().filter(|tie| tie.offset_days == 0).enumerate() {
        if lots.one_in(3) {
            params.push(JobParamDraft::Output {
                name: format!("from{nth}"),
                output: OutputSourceDraft {
                    job: tie.job.clone(),
                    name: OUTPUTS[lots.below(2)].into(),
                    default: Some(DEFAULT.into()),
                },
            });
        }
    }
    params
}

/// What jobs put out: the first always, the second now and then.
pub(crate) const OUTPUTS: [&str; 2] = ["always", "sometimes"];

/// What holds for jobs if that is nothing.
pub(crate) const DEFAULT: &str = "nothing";
