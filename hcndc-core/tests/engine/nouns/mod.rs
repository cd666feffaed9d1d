//! Edits of the definitions that are no flows, jobs or executors, and what they share with those.

mod fault;
mod need;
mod share;

use hcndc_core::{
    engine::{DefinitionId, Reply},
    id::FlowId,
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarDraft,
        DataSourceDraft, DataSourceKind, DefinitionError as E, DefinitionKind, Edit,
        FileEventDraft, FileServerDraft, FileServerKind, FlowRef, JobDraft, JobParamDraft,
        ParamKindDraft, PoolDraft, Ref, ScheduleDraft, Secret, SharedParamDraft, TriggerDraft,
        ValueType, WebhookDraft,
    },
    trigger::{
        Timing,
        calendar::BusinessDays,
        cron::{Cron, Dialect},
    },
};

use crate::bed::{Bed, JobWords as _, flow, job, range, secs, unknown};

fn named<Id>(name: &str) -> Ref<Id> {
    Ref::Name(name.into())
}

fn cron() -> TriggerDraft {
    let cron = Cron::parse(Dialect::Unix, "0 2 * * *").unwrap();
    TriggerDraft::Time(Timing::Cron(cron))
}

fn by_time(name: &str, flow: &str) -> ScheduleDraft {
    ScheduleDraft::new(name, named(flow), cron())
}

fn text(name: &str, value: &str) -> SharedParamDraft {
    let value = value.into();
    SharedParamDraft::new(name, ParamKindDraft::Static { value })
}

fn query(name: &str, data_source: &str) -> SharedParamDraft {
    let kind = ParamKindDraft::Sql {
        data_source: named(data_source),
        query: "select 1".into(),
        timeout: secs(30),
        column: None,
        value_type: ValueType::Text,
    };
    SharedParamDraft::new(name, kind)
}

fn sharing(name: &str, params: &[&str]) -> JobDraft {
    let params = params.iter();
    let params = params.map(|name| JobParamDraft::Shared {
        shared: named(name),
    });
    JobDraft {
        params: params.collect(),
        ..job(name)
    }
}

fn pooled(name: &str, pool: &str, pool_slots: u32) -> JobDraft {
    JobDraft {
        pool: Some(named(pool)),
        pool_slots,
        ..job(name)
    }
}

/// One of each, in an order in which each names what comes later.
fn one_of_each() -> Vec<Edit> {
    let by_file = ScheduleDraft {
        calendar: Some(named("cal")),
        alerts: vec![named("rule")],
        ..ScheduleDraft::new("s", named("a"), TriggerDraft::File(named("event")))
    };
    let by_date = TriggerDraft::DataDate(vec![named("a")]);
    vec![
        by_file.into(),
        ScheduleDraft::new("t", named("b"), by_date).into(),
        AlertRuleDraft::new("rule", [AlertEvent::JobFailed], [named("channel")]).into(),
        AlertChannelDraft::new("channel", AlertChannelKind::Email).into(),
        FileEventDraft::new("event", named("server"), "/in/*").into(),
        FileServerDraft::new("server", FileServerKind::Sftp, "sftp.example").into(),
        WebhookDraft::new("hook", [named("c")]).into(),
        CalendarDraft::new("cal", BusinessDays::default()).into(),
        query("asked", "source").into(),
        DataSourceDraft::new("source", DataSourceKind::Mysql, "db.example").into(),
        JobDraft {
            pool: Some(named("pool")),
            ..sharing("a/x", &["shared"])
        }
        .edit(),
        PoolDraft::new("pool", 3).into(),
        text("shared", "v").into(),
        flow("a", &[]),
        flow("b", &[]),
        flow("c", &[]),
    ]
}

fn some() -> Bed {
    Bed::new(one_of_each())
}

/// The faults of an edit of [`some`], which is refused.
#[track_caller]
fn faults(edit: impl Into<Edit>, expected: &[(&str, E)]) {
    let expected = expected.iter();
    let expected = expected.map(|(field, error)| (Some(0), (*field).to_owned(), error.clone()));
    let found = some().faults([edit.into()]);
    assert_eq!(found, expected.collect::<Vec<_>>());
}

fn delete(definition: impl Into<DefinitionId>) -> Edit {
    Edit::Delete {
        definition: definition.into(),
        version: None,
    }
}

impl Bed {
    fn id(&self, kind: DefinitionKind, name: &str) -> DefinitionId {
        let all = self.engine.other_definitions();
        let mut its = all.filter(|it| it.id().kind() == kind && it.name() == name);
        its.next().unwrap().id()
    }
}

#[test]
fn kinds_name_each_other_in_any_order_in_one_batch() {
    let mut bed = some();
    let schedule = bed.engine.find_schedule("s").unwrap();
    let calendar = bed.engine.find_calendar("cal").unwrap();
    assert_eq!(schedule.calendar, Some(calendar.id));
    assert_eq!(schedule.flow, bed.flow("a"));
    assert_eq!(schedule.revision.version, 1);
    let job = bed.engine.job(bed.job("a/x")).unwrap();
    assert_eq!(job.pool, Some(bed.engine.find_pool("pool").unwrap().id));
    assert_eq!(bed.engine.schedule(schedule.id), Some(schedule));
    bed.reload();
    bed.edit([PoolDraft::new("another", 1).into()]);
    let pool = bed.id(DefinitionKind::Pool, "another");
    assert_eq!(bed.reply, Reply::Edited(vec![pool]));
    bed.said(&["put pool another v1"]);
}

#[test]
fn what_stays_as_it_is_gets_no_new_version_and_a_secret_that_is_not_given_stays() {
    let mut bed = some();
    let id = bed.engine.find_data_source("source").unwrap().id;
    let draft = DataSourceDraft {
        id: Some(id),
        version: Some(1),
        password: Some(Secret::new("sealed")),
        ..DataSourceDraft::new("source", DataSourceKind::Mysql, "db.example")
    };
    bed.edit([draft.clone().into()]);
    bed.said(&["put data source source v2"]);
    let unsaid = DataSourceDraft {
        version: Some(2),
        password: None,
        ..draft
    };
    bed.edit([unsaid.clone().into()]);
    bed.said(&[]);
    let elsewhere = DataSourceDraft {
        host: "db2.example".into(),
        ..unsaid.clone()
    };
    bed.edit([elsewhere.into()]);
    let stored = bed.engine.data_source(id).unwrap();
    assert_eq!(stored.password.reveal(), "sealed");
    let stale = bed.faults([unsaid.into()]);
    let (given, current) = (2, 3);
    assert_eq!(
        stale,
        [(Some(0), "version".to_owned(), E::Stale { given, current })]
    );
}

#[test]
fn names_are_unique_within_a_kind_and_can_be_exchanged() {
    let mut bed = some();
    // Other kinds do not mind.
    bed.edit([PoolDraft::new("cal", 1).into()]);
    faults(PoolDraft::new("pool", 1), &[("name", E::NameTaken)]);
    faults(PoolDraft::new(" pool", 1), &[("name", E::BadName)]);
    let value = "not-a key".to_owned();
    faults(text("not-a key", ""), &[("name", E::BadKey { value })]);
    let twice = bed.faults([
        PoolDraft::new("twice", 1).into(),
        PoolDraft::new("twice", 1).into(),
    ]);
    assert_eq!(twice, [(Some(1), "name".to_owned(), E::NameTaken)]);
    let put = |from: &str, to: &str, bed: &Bed| {
        let id = Some(bed.engine.find_pool(from).unwrap().id);
        Edit::from(PoolDraft {
            id,
            ..PoolDraft::new(to, 3)
        })
    };
    let swap = [put("pool", "cal", &bed), put("cal", "pool", &bed)];
    bed.edit(swap);
    bed.reload();
    let job = bed.engine.job(bed.job("a/x")).unwrap();
    assert_eq!(bed.engine.find_pool("cal").unwrap().id, job.pool.unwrap());
    let again = bed.faults([put("pool", "x", &bed), put("pool", "y", &bed)]);
    let value = bed.id(DefinitionKind::Pool, "pool").number().to_string();
    assert_eq!(again, [(Some(1), "id".to_owned(), E::Duplicate { value })]);
}

#[test]
fn ten_thousand_definitions_of_each_kind_go_in_one_batch() {
    let mut bed = some();
    let mut edits: Vec<Edit> = Vec::new();
    for n in 0..1_000 {
        let name = format!("n{n}");
        edits.push(flow(&name, &[]));
        edits.push(pooled(&format!("{name}/j"), &name, 1).edit());
        edits.push(PoolDraft::new(&name, 1).into());
        edits.push(by_time(&name, &name).into());
        edits.push(FileEventDraft::new(&name, named("server"), "/x").into());
    }
    bed.edit(edits);
    assert_eq!(bed.engine.schedules().count(), 1_002);
    let all: Vec<_> = bed.engine.other_definitions().map(|it| it.id()).collect();
    let flows: Vec<_> = bed.engine.flows().map(|flow| flow.id).collect();
    let all = all.into_iter().map(delete);
    let flows = flows.into_iter().map(delete);
    bed.edit(all.chain(flows));
    assert_eq!(bed.engine.other_definitions().count(), 0);
    assert_eq!(bed.engine.jobs().count(), 0);
}

/// [`FlowRef`] is a [`Ref`] like the others.
#[test]
fn references_print_as_people_wrote_them() {
    assert_eq!(FlowRef::Id(FlowId(7)).to_string(), "7");
    assert_eq!(FlowRef::Name("日报".into()).to_string(), "日报");
}
