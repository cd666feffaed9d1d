//! Edits of all kinds of definitions against a twin that looks at everything anew: which edits of a batch are at fault, and
//! what there is after it.
//!
//! `HCNDC_TEST_SEED=n` plays one seed again, `HCNDC_TEST_SLOW=1` plays many more cases.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "support/seeds.rs"]
mod seeds;

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected, Reply, Settings, Snapshot},
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarDraft,
        DataSourceDraft, DataSourceKind, DefinitionId, DefinitionKind as Kind, Edit,
        FileEventDraft, FileServerDraft, FileServerKind, FlowDraft, FlowRef, JobDraft,
        JobParamDraft, ParamKindDraft, PoolDraft, Ref, ScheduleDraft, SharedParamDraft,
        TriggerDraft, ValueType, WebhookDraft,
    },
    time::Timestamp,
    trigger::{
        Timing,
        calendar::BusinessDays,
        cron::{Cron, Dialect},
    },
};
use proptest::prelude::*;

#[path = "support/store.rs"]
#[allow(dead_code, reason = "this test looks at definitions only")]
mod store;

use store::Store;

fn config(cases: u32) -> ProptestConfig {
    seeds::config("model_definitions", cases, 40, None)
}

/// Kinds that the batches edit, each after those that it names.
const KINDS: [Kind; 12] = [
    Kind::Flow,
    Kind::Calendar,
    Kind::Pool,
    Kind::DataSource,
    Kind::FileServer,
    Kind::AlertChannel,
    Kind::Param,
    Kind::FileEvent,
    Kind::AlertRule,
    Kind::Job,
    Kind::Schedule,
    Kind::Webhook,
];

/// One edit, before it is known what there is.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// Puts one of this kind, new or over one that there is, under this name, naming others by these.
    Put(Kind, Option<u8>, u8, [u8; 4]),
    /// Deletes one of this kind, or what never was.
    Delete(Kind, u8),
}

/// What the twin knows of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    /// A job's is its flow's id and its own name.
    name: String,
    needs: BTreeSet<DefinitionId>,
}

type World = BTreeMap<DefinitionId, Known>;

fn name(at: u8) -> String {
    format!("n{}", at % 4)
}

/// Which kinds a definition of this kind names, in the order of the names in a plan.
fn named_by(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Flow => &[Kind::Calendar],
        Kind::Job => &[Kind::Flow, Kind::Pool, Kind::Param],
        Kind::Schedule => &[Kind::Flow, Kind::Calendar, Kind::AlertRule, Kind::FileEvent],
        Kind::FileEvent => &[Kind::FileServer],
        Kind::AlertRule => &[Kind::AlertChannel],
        Kind::Param => &[Kind::DataSource],
        Kind::Webhook => &[Kind::Flow],
        _ => &[],
    }
}

/// Whether a plan names the thing of this place at all: a schedule needs its flow, a job its flow; the rest may be left out.
fn is_named(kind: Kind, place: usize, at: u8) -> bool {
    let always = place == 0 && !matches!(kind, Kind::Param | Kind::Flow);
    // Jobs cannot share params that ask a query yet, so a param that jobs may share names no data source.
    always || (at >= 128 && kind != Kind::Param) || (kind == Kind::Param && at >= 250)
}

fn of_kind(world: &World, kind: Kind) -> Vec<DefinitionId> {
    world
        .keys()
        .copied()
        .filter(|id| id.kind() == kind)
        .collect()
}

fn reference<Id>(at: u8) -> Ref<Id> {
    Ref::Name(name(at))
}

/// The edit, and the definition that it replaces or deletes.
fn edit(plan: Plan, world: &World) -> (Edit, Option<DefinitionId>) {
    match plan {
        Plan::Delete(kind, at) => {
            let its = of_kind(world, kind);
            let never = id_of(kind, 1_000_000);
            // One in eight deletes what is not there.
            let definition = if its.is_empty() || at % 8 == 0 {
                never
            } else {
                its[at as usize % its.len()]
            };
            let version = None;
            (
                Edit::Delete {
                    definition,
                    version,
                },
                Some(definition),
            )
        }
        Plan::Put(kind, at, called, names) => {
            let its = of_kind(world, kind);
            let old = at.filter(|_| !its.is_empty());
            let old = old.map(|at| its[at as usize % its.len()]);
            (put(kind, old, name(called), names), old)
        }
    }
}

fn id_of(kind: Kind, number: u64) -> DefinitionId {
    use hcndc_core::id as i;
    match kind {
        Kind::Flow => i::FlowId(number).into(),
        Kind::Job => i::JobId(number).into(),
        Kind::Executor => i::ExecutorId(number).into(),
        Kind::Schedule => i::ScheduleId(number).into(),
        Kind::Calendar => i::CalendarId(number).into(),
        Kind::Pool => i::PoolId(number).into(),
        Kind::Param => i::ParamId(number).into(),
        Kind::DataSource => i::DataSourceId(number).into(),
        Kind::FileServer => i::FileServerId(number).into(),
        Kind::FileEvent => i::FileEventId(number).into(),
        Kind::AlertChannel => i::AlertChannelId(number).into(),
        Kind::AlertRule => i::AlertRuleId(number).into(),
        Kind::Webhook => i::WebhookId(number).into(),
    }
}

fn put(kind: Kind, old: Option<DefinitionId>, name: String, names: [u8; 4]) -> Edit {
    use hcndc_core::id as i;
    let old = old.map(DefinitionId::number);
    let chosen = |place: usize| is_named(kind, place, names[place]).then_some(names[place]);
    match kind {
        Kind::Flow => Edit::PutFlow(FlowDraft {
            id: old.map(i::FlowId),
            calendar: chosen(0).map(reference),
            ..FlowDraft::new(name)
        }),
        Kind::Job => {
            let shared = chosen(2).map(|at| JobParamDraft::Shared {
                shared: reference(at),
            });
            Edit::PutJob(JobDraft {
                id: old.map(i::JobId),
                pool: chosen(1).map(reference),
                params: shared.into_iter().collect(),
                ..JobDraft::new(reference(names[0]), name, "true")
            })
        }
        Kind::Schedule => {
            let trigger = match chosen(3) {
                Some(at) => TriggerDraft::File(reference(at)),
                None => TriggerDraft::Time(Timing::Cron(
                    Cron::parse(Dialect::Unix, "0 2 * * *").unwrap(),
                )),
            };
            ScheduleDraft {
                id: old.map(i::ScheduleId),
                calendar: chosen(1).map(reference),
                alerts: chosen(2).map(reference).into_iter().collect(),
                ..ScheduleDraft::new(name, FlowRef::Name(self::name(names[0])), trigger)
            }
            .into()
        }
        Kind::Calendar => CalendarDraft {
            id: old.map(i::CalendarId),
            ..CalendarDraft::new(name, BusinessDays::default())
        }
        .into(),
        Kind::Pool => PoolDraft {
            id: old.map(i::PoolId),
            ..PoolDraft::new(name, 1 + u32::from(names[0]))
        }
        .into(),
        Kind::Param => {
            let kind = match chosen(0) {
                Some(at) => ParamKindDraft::Sql {
                    data_source: reference(at),
                    query: "select 1".into(),
                    timeout: core::time::Duration::from_secs(1),
                    column: None,
                    value_type: ValueType::Text,
                },
                None => ParamKindDraft::Static {
                    value: names[1].to_string(),
                },
            };
            SharedParamDraft {
                id: old.map(i::ParamId),
                ..SharedParamDraft::new(name, kind)
            }
            .into()
        }
        Kind::DataSource => DataSourceDraft {
            id: old.map(i::DataSourceId),
            ..DataSourceDraft::new(name, DataSourceKind::Mysql, "db")
        }
        .into(),
        Kind::FileServer => FileServerDraft {
            id: old.map(i::FileServerId),
            ..FileServerDraft::new(name, FileServerKind::Sftp, "files")
        }
        .into(),
        Kind::FileEvent => FileEventDraft {
            id: old.map(i::FileEventId),
            ..FileEventDraft::new(name, reference(names[0]), "/in/*")
        }
        .into(),
        Kind::AlertChannel => AlertChannelDraft {
            id: old.map(i::AlertChannelId),
            ..AlertChannelDraft::new(name, AlertChannelKind::Email)
        }
        .into(),
        Kind::AlertRule => AlertRuleDraft {
            id: old.map(i::AlertRuleId),
            ..AlertRuleDraft::new(name, [AlertEvent::JobFailed], [reference(names[0])])
        }
        .into(),
        Kind::Webhook => WebhookDraft {
            id: old.map(i::WebhookId),
            ..WebhookDraft::new(name, [reference(names[0])])
        }
        .into(),
        Kind::Executor => unreachable!("not among the kinds"),
    }
}

/// What an engine holds, as the twin sees it.
fn look(snapshot: &Snapshot) -> World {
    use hcndc_core::model::{Definition as D, Named as _};
    let mut world = World::new();
    for (flow, _) in &snapshot.flows {
        let name = flow.name.clone();
        let needs = flow.needs().into_iter().collect();
        world.insert(flow.id.into(), Known { name, needs });
    }
    for job in &snapshot.jobs {
        let name = format!("{}/{}", job.flow, job.name);
        let mut needs: BTreeSet<_> = job.needs().into_iter().collect();
        needs.insert(job.flow.into());
        world.insert(job.id.into(), Known { name, needs });
    }
    for it in &snapshot.definitions {
        let needs = match it {
            D::Schedule(it) => it.needs(),
            D::Param(it) => it.needs(),
            D::FileEvent(it) => it.needs(),
            D::AlertRule(it) => it.needs(),
            D::Webhook(it) => it.needs(),
            _ => vec![],
        };
        let (name, needs) = (it.name().to_owned(), needs.into_iter().collect());
        world.insert(it.id(), Known { name, needs });
    }
    world
}

/// The twin: which edits of the batch are at fault.
fn at_fault(world: &World, plans: &[(Plan, Option<DefinitionId>)]) -> BTreeSet<usize> {
    let mut faults = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for (at, (plan, old)) in plans.iter().enumerate() {
        if let (Plan::Delete(..), Some(id)) = (plan, old) {
            if world.contains_key(id) {
                gone.insert(*id);
            } else {
                faults.insert(at);
            }
        }
    }
    // A flow takes its jobs along.
    for (id, known) in world {
        let of_gone = known
            .needs
            .iter()
            .any(|it| it.kind() == Kind::Flow && gone.contains(it));
        if id.kind() == Kind::Job && of_gone {
            gone.insert(*id);
        }
    }
    let puts = || {
        plans
            .iter()
            .enumerate()
            .filter_map(|(at, (plan, old))| match *plan {
                Plan::Put(kind, _, called, names) => Some((at, kind, *old, name(called), names)),
                Plan::Delete(..) => None,
            })
    };
    let replaced: BTreeSet<_> = puts().filter_map(|(_, _, old, ..)| old).collect();
    // Names after the batch; `None` for ids that the engine will give.
    let mut names: BTreeMap<(Kind, String), Option<DefinitionId>> = BTreeMap::new();
    for (id, known) in world {
        if !gone.contains(id) && !replaced.contains(id) {
            names.insert((id.kind(), known.name.clone()), Some(*id));
        }
    }
    let stays = |id: Option<DefinitionId>| id.is_none_or(|id| !gone.contains(&id));
    for (at, kind, old, called, _) in puts().filter(|(_, kind, ..)| *kind != Kind::Job) {
        if names.insert((kind, called), old).is_some() {
            faults.insert(at);
        }
    }
    let find = |names: &BTreeMap<(Kind, String), Option<DefinitionId>>, kind, at| {
        let found = names.get(&(kind, name(at))).copied();
        found.filter(|id| stays(*id))
    };
    // Jobs are named within their flow: by its id, or by the name of one that is new.
    for (at, _, old, called, chosen) in puts().filter(|(_, kind, ..)| *kind == Kind::Job) {
        let Some(flow) = find(&names, Kind::Flow, chosen[0]) else {
            continue;
        };
        let flow = flow.map_or_else(|| name(chosen[0]), |id| id.number().to_string());
        if names
            .insert((Kind::Job, format!("{flow}/{called}")), old)
            .is_some()
        {
            faults.insert(at);
        }
    }
    let mut needs: BTreeMap<DefinitionId, BTreeSet<DefinitionId>> = world
        .iter()
        .filter(|(id, _)| !gone.contains(id))
        .map(|(id, known)| (*id, known.needs.clone()))
        .collect();
    for (at, kind, old, _, chosen) in puts() {
        if !stays(old) {
            faults.insert(at);
        }
        let mut its = BTreeSet::new();
        for (place, &of) in named_by(kind).iter().enumerate() {
            if !is_named(kind, place, chosen[place]) {
                continue;
            }
            match find(&names, of, chosen[place]) {
                Some(id) => its.extend(id),
                None => {
                    faults.insert(at);
                }
            }
        }
        if let Some(id) = old.filter(|id| !gone.contains(id)) {
            // A job stays in its flow.
            let flow = |needs: &BTreeSet<DefinitionId>| {
                needs.iter().copied().find(|it| it.kind() == Kind::Flow)
            };
            let same = flow(&its) == flow(&world[&id].needs);
            if kind == Kind::Job && find(&names, Kind::Flow, chosen[0]).is_some() && !same {
                faults.insert(at);
            }
            needs.insert(id, its);
        }
    }
    for (at, (plan, old)) in plans.iter().enumerate() {
        if let (Plan::Delete(..), Some(id)) = (plan, old)
            && needs.values().any(|its| its.contains(id))
        {
            faults.insert(at);
        }
    }
    faults
}

/// Deletions of what is still needed by a definition as it was, because the edit that changes it is at fault itself.
fn still_in_use(
    world: &World,
    plans: &[(Plan, Option<DefinitionId>)],
    at_fault: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let faulty = at_fault.iter().filter_map(|&at| plans[at].1);
    let known = faulty.filter_map(|id| world.get(&id));
    let needed: BTreeSet<_> = known.flat_map(|it| it.needs.clone()).collect();
    let plans = plans.iter().enumerate();
    let deleted = plans.filter_map(|(at, (plan, old))| {
        let needed = matches!(plan, Plan::Delete(..)) && needed.contains(&(*old)?);
        needed.then_some(at)
    });
    deleted.collect()
}

/// Whatever a batch did, what there is fits together.
fn check_world(world: &World) {
    let mut names = BTreeSet::new();
    for (id, known) in world {
        assert!(
            names.insert((id.kind(), known.name.clone())),
            "{id:?} shares its name"
        );
        for need in &known.needs {
            assert!(
                world.contains_key(need),
                "{id:?} needs {need:?}, which is not there"
            );
        }
    }
}

fn plan() -> impl Strategy<Value = Plan> {
    let kind = || (0..KINDS.len()).prop_map(|at| KINDS[at]);
    let put = (
        kind(),
        proptest::option::of(any::<u8>()),
        any::<u8>(),
        any::<[u8; 4]>(),
    );
    let put = put.prop_map(|(kind, old, called, names)| Plan::Put(kind, old, called, names));
    let delete = (kind(), any::<u8>()).prop_map(|(kind, at)| Plan::Delete(kind, at));
    prop_oneof![3 => put, 1 => delete]
}

#[test]
fn a_batch_applies_entirely_or_names_every_edit_that_is_at_fault() {
    let batches = prop::collection::vec(prop::collection::vec(plan(), 1..6), 1..24);
    proptest!(config(256), |(batches in batches)| {
        let mut engine = Engine::default();
        let mut store = Store::default();
        let now = Timestamp::from_micros(0);
        for batch in batches {
            let before = engine.snapshot();
            let world = look(&before);
            let mut plans = Vec::new();
            let mut edits = Vec::new();
            let mut replaced = BTreeSet::new();
            for plan in batch {
                let (edit, old) = edit(plan, &world);
                // The same one twice is a fault of its own kind, shown elsewhere.
                let is_put = matches!(plan, Plan::Put(..));
                if is_put && old.is_some_and(|old| !replaced.insert(old)) {
                    continue;
                }
                plans.push((plan, old));
                edits.push(edit);
            }
            let expected = at_fault(&world, &plans);
            let by = "ann".to_owned();
            match engine.apply(now, Input::Edit(EditBatch { by, edits })) {
                Ok(step) => {
                    prop_assert_eq!(expected, BTreeSet::new());
                    store.apply(&step.changes);
                    let after = engine.snapshot();
                    prop_assert_eq!(&store.snapshot(engine.next_id()), &after);
                    let world = look(&after);
                    check_world(&world);
                    let Reply::Edited(ids) = step.reply else { panic!("{:?}", step.reply) };
                    for ((plan, _), id) in plans.iter().zip(ids) {
                        let is_put = matches!(plan, Plan::Put(..));
                        prop_assert_eq!(world.contains_key(&id), is_put);
                    }
                    let again = Engine::load(now, Settings::default(), after.clone()).unwrap();
                    prop_assert_eq!(again.snapshot(), after);
                }
                Err(Rejected::Definition { faults }) => {
                    prop_assert_eq!(engine.snapshot(), before.clone());
                    let found: BTreeSet<_> = faults.iter().filter_map(|it| it.edit).collect();
                    let also = still_in_use(&world, &plans, &expected);
                    let also: BTreeSet<_> = found.difference(&expected).filter(|at| !also.contains(at)).collect();
                    prop_assert!(also.is_empty() && found.is_superset(&expected), "{:?} {:?}", faults, expected);
                }
                Err(other) => panic!("{other}"),
            }
            prop_assert_eq!(engine.check(), []);
        }
    });
}
