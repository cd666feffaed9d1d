//! Faults of edits: each is named.

use core::time::Duration;

use hcndc_core::{
    id::ScheduleId,
    model::{
        AlertRuleDraft, CalendarDraft, ContextValue, DataSourceDraft, DataSourceKind, Deadline,
        DefinitionError as E, DefinitionKind, FileEventDraft, FileServerDraft, FileServerKind,
        HookCondition, HookTest, Param, ParamKindDraft, PoolDraft, ScheduleDraft, Secret,
        SharedParamDraft, Subject, TriggerDraft, ValueType, WebhookDraft,
    },
    trigger::{
        TimeOfDay, Timing,
        calendar::{BusinessDays, DayRule},
    },
};

use super::{by_time, delete, faults, named, range, some, unknown};

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
        column: Some(" ".into()),
        value_type: ValueType::Date,
    };
    faults(
        SharedParamDraft::new("n", kind),
        &[
            ("query", E::Empty),
            ("timeout", range(0, 1, i64::MAX)),
            ("column", E::Empty),
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
fn a_webhook_names_flows_headers_and_places_that_can_be() {
    let param = |name: &str, value: &str| Param {
        name: name.into(),
        value: value.into(),
    };
    let draft = WebhookDraft {
        signature_header: "no header".into(),
        delivery_header: String::new(),
        filter: vec![
            HookCondition {
                at: "kind".into(),
                is: HookTest::Equals,
                values: vec![],
            },
            HookCondition {
                at: "/a~2".into(),
                is: HookTest::Exists,
                values: vec![],
            },
        ],
        date_at: Some("date".into()),
        date_format: "%H".into(),
        date_offset: 367,
        params: vec![param("no name", "/a"), param("B", "b")],
        ..WebhookDraft::new("n", [named("no"), named("a"), named("a")])
    };
    let pointer = |value: &str| E::BadPointer {
        value: value.into(),
    };
    let header = |value: &str| E::BadHeader {
        value: value.into(),
    };
    let twice = some().flow("a").to_string();
    faults(
        draft,
        &[
            ("flows", unknown("flow", "no")),
            ("flows", E::Duplicate { value: twice }),
            ("signature_header", header("no header")),
            ("delivery_header", header("")),
            ("filter[0].at", pointer("kind")),
            ("filter[1].at", pointer("/a~2")),
            ("date_at", pointer("date")),
            ("params.B", pointer("b")),
            ("filter[0].values", E::Empty),
            (
                "date_format",
                E::BadFormat {
                    format: "%H".into(),
                },
            ),
            ("date_offset", range(367, -366, 366)),
            (
                "params",
                E::BadKey {
                    value: "no name".into(),
                },
            ),
        ],
    );
    faults(WebhookDraft::new("n", []), &[("flows", E::Empty)]);
}
