//! Edits of the definitions that are no flows, jobs or executors, and what they share with those.

use core::time::Duration;

use hcndc_core::{
    engine::{DefinitionId, EndCause, Reply},
    id::{FlowId, PoolId, ScheduleId},
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarDraft,
        ContextValue, DataSourceDraft, DataSourceKind, Deadline, DefinitionError as E,
        DefinitionKind, Edit, FileEventDraft, FileServerDraft, FileServerKind, FlowRef, JobDraft,
        JobParamDraft, Param, ParamKind, ParamKindDraft, PoolDraft, PoolRef, Ref, ScheduleDraft,
        Secret, SharedParamDraft, Subject, TriggerDraft,
    },
    trigger::{
        TimeOfDay, Timing,
        calendar::{BusinessDays, DayRule},
        cron::{Cron, Dialect},
    },
};

use crate::bed::{Bed, JobWords as _, flow, host, job, secs};

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
    ]
}

fn some() -> Bed {
    Bed::new(one_of_each())
}

fn unknown(what: &str, name: &str) -> E {
    let (what, name) = (what.into(), name.into());
    E::Unknown { what, name }
}

fn range(value: i64, min: i64, max: i64) -> E {
    E::OutOfRange { value, min, max }
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
fn each_fault_of_a_schedule_is_named() {
    let at = TimeOfDay::new(1, 0, 0).unwrap();
    let deadline = Some(Deadline { days: 367, at });
    let param = |name: &str| Param {
        name: name.into(),
        value: "v".into(),
    };
    let now = hcndc_core::time::Timestamp::from_micros(5);
    let draft = ScheduleDraft {
        directory: "零售".into(),
        owner: "\0".into(),
        calendar: Some(named("no")),
        max_instances: 1_001,
        not_before: Some(now),
        not_after: Some(hcndc_core::time::Timestamp::from_micros(4)),
        date_offset: -367,
        params: vec![param("1st")],
        start_by: deadline,
        finish_by: deadline,
        alerts: vec![named("rule"), named("no"), named("rule")],
        ..by_time("n", "no")
    };
    let rule = some().id(DefinitionKind::AlertRule, "rule").number();
    let (value, first) = (rule.to_string(), "1st".to_owned());
    faults(
        draft,
        &[
            ("directory", E::BadDirectory),
            ("owner", E::Nul),
            ("flow", unknown("flow", "no")),
            ("calendar", unknown("calendar", "no")),
            ("max_instances", range(1_001, 1, 1_000)),
            ("not_after", E::Reversed),
            ("date_offset", range(-367, -366, 366)),
            ("params", E::BadKey { value: first }),
            ("start_by", range(367, 0, 366)),
            ("finish_by", range(367, 0, 366)),
            ("alerts", unknown("alert rule", "no")),
            ("alerts", E::Duplicate { value }),
        ],
    );
    let with = |trigger| ScheduleDraft::new("n", named("a"), trigger);
    let calendar = |rule, at: &[TimeOfDay]| {
        let at = at.iter().copied().collect();
        with(TriggerDraft::Time(Timing::Calendar { rule, at }))
    };
    faults(
        calendar(DayRule::Business, &[]),
        &[("trigger.at", E::Empty)],
    );
    let rule = DayRule::NthDay { n: 32 };
    faults(calendar(rule, &[at]), &[("trigger.n", range(32, -31, 31))]);
    let dates = [].into();
    let rule = DayRule::Listed { dates };
    faults(calendar(rule, &[at]), &[("trigger.dates", E::Empty)]);
    let event = TriggerDraft::File(named("no"));
    faults(
        with(event),
        &[("trigger.event", unknown("file event", "no"))],
    );
    let none = TriggerDraft::DataDate(vec![]);
    faults(with(none), &[("trigger.flows", E::Empty)]);
    let path = vec!["a".to_owned(), "a".to_owned()];
    let own = TriggerDraft::DataDate(vec![named("a"), named("b")]);
    faults(with(own), &[("trigger.flows", E::Cycle { path })]);
    let gone = ScheduleId(9_999);
    let draft = ScheduleDraft {
        id: Some(gone),
        ..by_time("n", "a")
    };
    faults(draft, &[("id", unknown("schedule", "9999"))]);
}

#[test]
fn each_fault_of_what_schedules_and_jobs_reach_is_named() {
    faults(PoolDraft::new("n", 0), &[("slots", range(0, 1, 100_000))]);
    faults(
        PoolDraft::new("n", 100_001),
        &[("slots", range(100_001, 1, 100_000))],
    );
    let kind = ParamKindDraft::Sql {
        data_source: named("no"),
        query: " ".into(),
        timeout: Duration::ZERO,
    };
    faults(
        SharedParamDraft::new("n", kind),
        &[
            ("query", E::Empty),
            ("timeout", range(0, 1, i64::MAX)),
            ("data_source", unknown("data source", "no")),
        ],
    );
    for bad in ["", "%H:%M", "%Q", "%Y}"] {
        let format = String::from(bad);
        let value = ContextValue::DataDate {
            offset_days: 3_661,
            format: format.clone(),
        };
        faults(
            SharedParamDraft::new("n", ParamKindDraft::Context { value }),
            &[
                ("offset_days", range(3_661, -3_660, 3_660)),
                ("format", E::BadFormat { format }),
            ],
        );
    }
    let mut draft = DataSourceDraft {
        port: Some(0),
        database: "\0".into(),
        password: Some(Secret::new("\0")),
        ..DataSourceDraft::new("n", DataSourceKind::Mysql, " ")
    };
    draft.options.insert(" ".into(), "\0".into());
    faults(
        draft,
        &[
            ("host", E::Empty),
            ("port", range(0, 1, 65_535)),
            ("database", E::Nul),
            ("options", E::Empty),
            ("options. ", E::Nul),
            ("password", E::Nul),
        ],
    );
    let mut bed = some();
    bed.edit([
        DataSourceDraft::new("file", DataSourceKind::Sqlite, "").into(),
        FileServerDraft::new("here", FileServerKind::Local, "").into(),
    ]);
    faults(
        FileServerDraft::new("n", FileServerKind::Ftp, ""),
        &[("host", E::Empty)],
    );
    let draft = FileEventDraft {
        interval: Duration::from_millis(999),
        marker: Some(String::new()),
        date_pattern: Some("%H".into()),
        ..FileEventDraft::new("n", named("no"), "")
    };
    faults(
        draft,
        &[
            ("server", unknown("file server", "no")),
            ("path", E::Empty),
            ("interval", range(0, 1, 86_400)),
            ("marker", E::Empty),
            (
                "date_pattern",
                E::BadFormat {
                    format: "%H".into(),
                },
            ),
        ],
    );
    faults(
        AlertRuleDraft::new("n", [], [named("no")]),
        &[
            ("events", E::Empty),
            ("channels", unknown("alert channel", "no")),
        ],
    );
    let first: hcndc_core::time::DataDate = "2026-01-01".parse().unwrap();
    let holidays = (0..10_001).filter_map(|day| first.plus_days(day));
    let days = BusinessDays {
        holidays: holidays.collect(),
        ..BusinessDays::default()
    };
    let (count, max) = (10_001, 10_000);
    faults(
        CalendarDraft::new("n", days),
        &[("days.holidays", E::TooMany { count, max })],
    );
}

#[test]
fn a_fault_says_what_it_is_about() {
    let mut bed = some();
    let rule = AlertRuleDraft::new("n", [], []);
    let server = bed.id(DefinitionKind::FileServer, "server");
    let faults = bed.try_edit([rule.into(), delete(server)]).unwrap_err();
    let subjects: Vec<_> = faults.iter().map(|it| it.subject.clone()).collect();
    let (rule, server) = ("n".into(), "server".into());
    let expected = [
        Subject::AlertRule { name: rule },
        Subject::FileServer { name: server },
    ];
    assert_eq!(subjects, expected);
    assert_eq!(
        faults[1].to_string(),
        "file server \"server\": still needed by file event event"
    );
}

#[test]
fn what_is_needed_is_not_deleted_until_its_last_user_goes() {
    use DefinitionKind as K;
    for (kind, name, users) in [
        (K::Calendar, "cal", "schedule s"),
        (K::Pool, "pool", "job a/x"),
        (K::Param, "shared", "job a/x"),
        (K::DataSource, "source", "param asked"),
        (K::FileServer, "server", "file event event"),
        (K::FileEvent, "event", "schedule s"),
        (K::AlertChannel, "channel", "alert rule rule"),
        (K::AlertRule, "rule", "schedule s"),
    ] {
        let mut bed = some();
        bed.reload();
        let id = bed.id(kind, name);
        let user = {
            let (kind, name) = users.rsplit_once(' ').unwrap();
            match kind {
                "job" => bed.job(name).into(),
                kind => {
                    let found = K::ALL.iter().find(|it| it.as_str() == kind);
                    bed.id(*found.unwrap(), name)
                }
            }
        };
        assert_eq!(bed.engine.users_of(id).collect::<Vec<_>>(), [user]);
        let users = vec![users.to_owned()];
        let faults = bed.faults([delete(id)]);
        assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
        // The user of the user may stand in the way: then both go.
        let also = bed.engine.users_of(user).map(delete);
        let edits: Vec<_> = also.chain([delete(user), delete(id)]).collect();
        bed.edit(edits);
        assert_eq!(bed.engine.users_of(id).count(), 0, "{kind}");
        assert!(bed.engine.other_definitions().all(|it| it.id() != id));
    }
    // A flow, for the schedule that starts it and for the one that waits for its date.
    let mut bed = some();
    let users = vec!["schedule s".to_owned(), "schedule t".to_owned()];
    let a = bed.flow("a");
    let faults = bed.faults([delete(a)]);
    assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
    let gone = ["s", "t"].map(|name| delete(bed.id(K::Schedule, name)));
    bed.edit(gone.into_iter().chain([delete(a)]));
    assert_eq!(bed.faults([delete(FlowId(9_999))]).len(), 1);
}

#[test]
fn what_no_longer_names_a_thing_does_not_need_it() {
    let mut bed = some();
    let pool = bed.id(DefinitionKind::Pool, "pool");
    let without = JobDraft {
        id: Some(bed.job("a/x")),
        ..sharing("a/x", &["shared"])
    };
    bed.edit([delete(pool), without.edit()]);
    assert_eq!(bed.engine.pools().count(), 0);
    // And nothing can name what the same batch deletes.
    let calendar = bed.id(DefinitionKind::Calendar, "cal");
    let late = ScheduleDraft {
        calendar: Some(named("cal")),
        ..by_time("n", "a")
    };
    let s = bed.id(DefinitionKind::Schedule, "s");
    let faults = bed.faults([delete(calendar), delete(s), late.into()]);
    let field = "calendar".to_owned();
    assert_eq!(faults, [(Some(2), field, unknown("calendar", "cal"))]);
}

#[test]
fn a_pool_has_room_for_each_of_its_jobs() {
    faults(
        pooled("a/n", "pool", 4).edit(),
        &[("pool_slots", range(4, 1, 3))],
    );
    let mut bed = some();
    bed.edit([pooled("a/n", "pool", 3).edit()]);
    let resize = |bed: &Bed, slots| {
        let id = bed.engine.find_pool("pool").map(|pool| pool.id);
        Edit::from(PoolDraft {
            id,
            ..PoolDraft::new("pool", slots)
        })
    };
    let two = resize(&bed, 2);
    let faults = bed.faults([two.clone()]);
    let field = "slots".to_owned();
    assert_eq!(faults, [(Some(0), field, range(2, 3, 100_000))]);
    let smaller = JobDraft {
        id: Some(bed.job("a/n")),
        ..pooled("a/n", "pool", 2)
    };
    bed.edit([two, smaller.clone().edit()]);
    // A job that grows with its pool.
    let larger = JobDraft {
        pool_slots: 7,
        ..smaller
    };
    bed.edit([larger.edit(), resize(&bed, 7)]);
    let unknown_pool = JobDraft {
        pool: Some(PoolRef::Id(PoolId(9_999))),
        ..job("a/m")
    };
    let faults = bed.faults([unknown_pool.edit()]);
    let field = "pool".to_owned();
    assert_eq!(faults, [(Some(0), field, unknown("pool", "9999"))]);
}

#[test]
fn names_of_params_differ_in_each_job_that_shares_them() {
    let mut draft = sharing("a/n", &["shared"]);
    let own = |name: &str| Param {
        name: name.into(),
        value: "own".into(),
    };
    draft.params.push(own("shared").into());
    let twice = |name: &str| E::Duplicate { value: name.into() };
    faults(draft.edit(), &[("params", twice("shared"))]);
    faults(
        sharing("a/n", &["shared", "shared"]).edit(),
        &[("params", twice("shared"))],
    );
    faults(
        sharing("a/n", &["no"]).edit(),
        &[("params", unknown("param", "no"))],
    );
    let mut bed = some();
    let mut draft = sharing("a/n", &["shared"]);
    draft.params.push(own("other").into());
    bed.edit([draft.clone().edit()]);
    let id = bed.engine.find_param("shared").map(|param| param.id);
    let renamed = SharedParamDraft {
        id,
        ..text("other", "v")
    };
    let faults = bed.faults([renamed.clone().into()]);
    assert_eq!(faults, [(Some(0), "name".to_owned(), twice("other"))]);
    // Unless the job makes room in the same batch.
    draft.id = Some(bed.job("a/n"));
    draft.params = vec![JobParamDraft::Shared {
        shared: named("other"),
    }];
    bed.edit([renamed.into(), draft.edit()]);
}

#[test]
fn a_job_is_given_what_it_shares_as_it_is_now_and_in_order() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[])]);
    let context = |name: &str, value| {
        Edit::from(SharedParamDraft::new(
            name,
            ParamKindDraft::Context { value },
        ))
    };
    let mut draft = sharing("a/x", &["out", "day", "who"]);
    let own = Param {
        name: "mid".into(),
        value: "own".into(),
    };
    draft.params.insert(1, own.into());
    bed.edit([
        text("out", "old").into(),
        context(
            "day",
            ContextValue::DataDate {
                offset_days: -1,
                format: "%Y%m%d".into(),
            },
        ),
        context("who", ContextValue::ScheduleName),
        draft.edit(),
    ]);
    let id = bed.engine.find_param("out").map(|param| param.id);
    bed.start(&["a"]);
    bed.begin("a/x");
    bed.fail("a/x");
    bed.edit([SharedParamDraft {
        id,
        ..text("out", "new")
    }
    .into()]);
    bed.start(&["a"]);
    let order = bed.order.as_ref().unwrap();
    let args: Vec<_> = order
        .args
        .iter()
        .map(|it| (it.name.as_str(), it.value.as_str()))
        .collect();
    assert_eq!(
        args,
        [
            ("out", "new"),
            ("mid", "own"),
            ("day", "${date-1d:%Y%m%d}"),
            ("who", "")
        ]
    );
    assert_eq!(order.values["out"], "new");
}

#[test]
fn what_a_run_is_pinned_to_stays_until_it_has_ended() {
    let mut bed = some();
    bed.edit([host("h", 1)]);
    bed.hello("h", vec![]);
    bed.start(&["a"]);
    let (pool, param) = (
        bed.id(DefinitionKind::Pool, "pool"),
        bed.id(DefinitionKind::Param, "shared"),
    );
    let plain = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("a/x")
    };
    bed.edit([plain.edit()]);
    let users = vec!["job runs that have not ended".to_owned()];
    let error = E::InUse { users };
    for id in [pool, param] {
        let faults = bed.faults([delete(id)]);
        assert_eq!(faults, [(Some(0), String::new(), error.clone())]);
    }
    bed.begin("a/x");
    bed.finish("a/x", EndCause::Exited(0));
    bed.edit([delete(pool), delete(param)]);
}

#[test]
fn jobs_may_share_the_answer_to_a_query() {
    let mut bed = some();
    bed.edit([sharing("a/n", &["asked"]).edit()]);
    let id = bed.engine.find_param("shared").map(|param| param.id);
    let turned = SharedParamDraft {
        id,
        ..query("shared", "source")
    };
    bed.edit([turned.into()]);
    let kind = &bed.engine.find_param("shared").unwrap().kind;
    assert!(matches!(kind, ParamKind::Sql { .. }));
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
