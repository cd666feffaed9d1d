//! Edits in mid-run, drawn.

use hcndc_core::{
    id::{ExecutorId, FlowId, JobId, ScheduleId},
    model::{
        AlertChannelDraft, AlertChannelKind, AlertChannelRef, AlertEvent, AlertRuleDraft,
        CalendarRef, Definition, DefinitionId, Edit, ExecutorDraft, FlowDraft, FlowRef, JobRef,
        PoolDraft, Trigger, TriggerDraft,
    },
    workload::SplitMix64,
};

use super::{
    lots::Lots as _,
    mesh::{Before, draw_host, draw_job, draw_limits},
    schedule::{draw_calendar, draw_schedule},
};
use crate::tables::Tables;

/// An edit of something that there is, or something new; `None` if there is nothing to edit.
pub(crate) fn draw_edit(lots: &mut SplitMix64, rows: &Tables) -> Option<Edit> {
    let flows: Vec<FlowId> = rows.flows.keys().copied().collect();
    let jobs: Vec<JobId> = rows.jobs.keys().copied().collect();
    let executors: Vec<ExecutorId> = rows.executors.keys().copied().collect();
    // Those of flows before this one come before its jobs, as they did when the mesh was made.
    let refs = |flow: FlowId, of: &[JobId]| -> Vec<Before> {
        let earlier = |job| rows.jobs.get(job).is_some_and(|job| job.flow < flow);
        of.iter()
            .map(|job| (JobRef::Id(*job), earlier(job)))
            .collect()
    };
    Some(match lots.below(30) {
        0..=5 => {
            let old = rows.jobs.get(&lots.pick(&jobs)?)?;
            // Mostly those that came before it, so that most edits make no cycle.
            let before = jobs.partition_point(|&job| job < old.id);
            let before = if lots.one_in(4) {
                &jobs[..]
            } else {
                &jobs[..before]
            };
            let before = refs(old.flow, before);
            let mut draft = draw_job(lots, FlowRef::Id(old.flow), old.name.clone(), &before);
            draft.id = Some(old.id);
            Edit::PutJob(draft)
        }
        6..=8 => {
            let name = format!("new{}", lots.below(20));
            let flow = lots.pick(&flows)?;
            let before = refs(flow, &jobs);
            Edit::PutJob(draw_job(lots, FlowRef::Id(flow), name, &before))
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
        16 | 17 => edit_schedule(lots, rows, &flows)?,
        18 => delete_one_of(lots, rows, |id| matches!(id, DefinitionId::Schedule(_)))?,
        20..=26 => edit_named(lots, rows)?,
        27..=29 => delete_one_of(lots, rows, |id| {
            matches!(
                id,
                DefinitionId::Pool(_)
                    | DefinitionId::AlertChannel(_)
                    | DefinitionId::AlertRule(_)
                    | DefinitionId::Calendar(_)
            )
        })?,
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
            Edit::PutExecutor(draw_host(lots, at))
        }
    })
}

/// An edit of a schedule, or a new one.
fn edit_schedule(lots: &mut SplitMix64, rows: &Tables, flows: &[FlowId]) -> Option<Edit> {
    let schedules: Vec<ScheduleId> = rows.schedules().map(|it| it.id).collect();
    let old = lots.pick(&schedules).filter(|_| !lots.one_in(3));
    let old = old.and_then(|id| rows.schedules().find(|it| it.id == id));
    let name = format!("schedule{}", 10 + lots.below(10));
    let name = old.map_or(name, |it| it.name.clone());
    let flows: Vec<FlowRef> = flows.iter().map(|&flow| FlowRef::Id(flow)).collect();
    if flows.is_empty() {
        return None;
    }
    let mut draft = draw_schedule(lots, name, &flows);
    draft.id = old.map(|it| it.id);
    // Some edits leave the times as they are.
    if let Some(old) = old.filter(|_| lots.one_in(2))
        && let Trigger::Time(timing) = &old.trigger
    {
        draft.trigger = TriggerDraft::Time(timing.clone());
        (draft.zone, draft.paused) = (old.zone, old.paused);
        (draft.calendar, draft.filter) = (old.calendar.map(CalendarRef::Id), old.filter.clone());
    }
    Some(draft.into())
}

/// An edit of a pool, a channel, a rule or a calendar, or a new one.
fn edit_named(lots: &mut SplitMix64, rows: &Tables) -> Option<Edit> {
    let kind = lots.below(7);
    let all = rows.definitions.values().filter(|it| match it {
        Definition::Pool(_) => kind < 2,
        Definition::AlertChannel(_) => kind == 2,
        Definition::AlertRule(_) => kind == 3 || kind == 4,
        Definition::Calendar(_) => kind > 4,
        _ => false,
    });
    let all: Vec<&Definition> = all.collect();
    let old = lots.pick(&all).filter(|_| !lots.one_in(6));
    let new = format!("name{}", lots.below(4));
    let name = old.map_or(new, |old| old.name().to_owned());
    let channels: Vec<_> = rows
        .definitions
        .keys()
        .filter_map(|id| match id {
            DefinitionId::AlertChannel(id) => Some(AlertChannelRef::Id(*id)),
            _ => None,
        })
        .collect();
    Some(match kind {
        0 | 1 => {
            let mut draft = PoolDraft::new(name, 1 + lots.below(4) as u32);
            draft.id = match old {
                Some(Definition::Pool(old)) => Some(old.id),
                _ => None,
            };
            draft.into()
        }
        2 => {
            let mut draft = AlertChannelDraft::new(name, AlertChannelKind::Webhook);
            draft.id = match old {
                Some(Definition::AlertChannel(old)) => Some(old.id),
                _ => None,
            };
            draft.enabled = !lots.one_in(3);
            draft.into()
        }
        3 | 4 => {
            let events = AlertEvent::ALL.iter().copied();
            let events: Vec<_> = events.filter(|_| lots.one_in(2)).collect();
            let mut draft = AlertRuleDraft::new(name, events, channels);
            draft.id = match old {
                Some(Definition::AlertRule(old)) => Some(old.id),
                _ => None,
            };
            (draft.enabled, draft.default) = (!lots.one_in(4), lots.one_in(2));
            draft.into()
        }
        _ => {
            let mut draft = draw_calendar(lots, name);
            draft.id = match old {
                Some(Definition::Calendar(old)) => Some(old.id),
                _ => None,
            };
            draft.into()
        }
    })
}

/// A deletion of one definition of these kinds.
fn delete_one_of(
    lots: &mut SplitMix64,
    rows: &Tables,
    is: impl Fn(&DefinitionId) -> bool,
) -> Option<Edit> {
    let all: Vec<DefinitionId> = rows.definitions.keys().copied().filter(is).collect();
    Some(Edit::Delete {
        definition: lots.pick(&all)?,
        version: None,
    })
}
