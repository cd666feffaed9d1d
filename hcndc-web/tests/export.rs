//! Definitions of every kind, out as a mesh file and in again.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

use std::{collections::BTreeMap, time::Duration};

use chrono_tz::Tz;
use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarDraft, Condition,
        ContextValue, DataSourceDraft, DataSourceKind, Deadline, DependencyDraft, Edit,
        ExecutorDraft, FileEventDraft, FilePer, FileServerDraft, FileServerKind, FlowDraft,
        FlowRef, HookCondition, HookScheme, HookTest, JobDraft, JobParamDraft, JobRef, Missed,
        OutputSourceDraft, Overlap, Param, ParamKindDraft, ParamRef, PlacementDraft, PoolDraft,
        PoolRef, Ref, Retry, ScheduleDraft, Secret, SharedParamDraft, TriggerDraft, ValueType,
        WebhookDraft, Window,
    },
    time::{DataDate, Timestamp},
    trigger::{
        TimeOfDay, Timing, Weekdays,
        calendar::{BusinessDays, DayFilter, DayRule},
        cron::{Cron, Dialect},
        interval::Interval,
    },
};
use hcndc_web::interchange::{
    Existing, ExportError, Lang, MeshFile, RowOutcome, SheetFormat, SheetKind, edits, export,
    export_sheet, parse_exported, plan_sheet, to_json, to_yaml,
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::{Index, select},
};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn apply(engine: &mut Engine, edits: Vec<Edit>) {
    let by = "test".into();
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(NOW, batch).unwrap();
}

/// Texts that readers of YAML could take for something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-zäß日:#'\"{}\\[\\]&*!|>%@`, -]{0,12}",
        select(vec![
            "yes",
            "null",
            "1.10",
            "0x1f",
            "2026-11-21",
            "~",
            "- a",
            "a\nb\n",
            "\ttab"
        ])
        .prop_map(str::to_owned),
    ]
}

fn directory() -> impl Strategy<Value = String> {
    select(vec!["/", "/零售", "/a/b c"]).prop_map(str::to_owned)
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map("[A-Z][A-Z_0-9]{0,3}", text(), 0..3)
}

fn params() -> impl Strategy<Value = Vec<Param>> {
    let pairs = btree_map("[a-z][a-z_.0-9-]{0,3}", text(), 0..3);
    pairs.prop_map(|pairs| {
        let pairs = pairs.into_iter();
        pairs.map(|(name, value)| Param { name, value }).collect()
    })
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..5_000_u64).prop_map(Duration::from_millis),
        (1..500_000_u64).prop_map(Duration::from_secs)
    ]
}

fn date() -> impl Strategy<Value = DataDate> {
    (0..5_000_i32).prop_map(|days| {
        let first: DataDate = "2020-01-01".parse().unwrap();
        first.plus_days(days).unwrap()
    })
}

fn time_of_day() -> impl Strategy<Value = TimeOfDay> {
    (0..24, 0..60, 0..60).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}").parse().unwrap())
}

fn zone() -> impl Strategy<Value = Tz> {
    select(vec![Tz::UTC, Tz::Asia__Shanghai, Tz::Europe__Berlin])
}

fn timing() -> impl Strategy<Value = Timing> {
    let cron = select(vec![
        (Dialect::Unix, "5 4 * * mon-fri"),
        (Dialect::Unix, "@daily"),
        (Dialect::Quartz, "0 0 12 ? * 2#1"),
        (Dialect::Apscheduler, "day='last' hour=3"),
    ]);
    let rule = prop_oneof![
        Just(DayRule::Business),
        Just(DayRule::NonBusiness),
        select(vec![-31, -1, 1, 15, 31]).prop_map(|n| DayRule::NthDay { n }),
        select(vec![-2, 1, 3]).prop_map(|n| DayRule::NthBusiness { n }),
        btree_set(date(), 1..3).prop_map(|dates| DayRule::Listed { dates }),
    ];
    let anchor = prop_oneof![Just(0_i64), 0..2_000_000_000_000_000_i64];
    prop_oneof![
        cron.prop_map(|(dialect, text)| Timing::Cron(Cron::parse(dialect, text).unwrap())),
        (1..100_000_u64, anchor).prop_map(|(every, anchor)| {
            let anchor = Timestamp::from_micros(anchor);
            Timing::Interval(Interval::new(Duration::from_secs(every), anchor).unwrap())
        }),
        (rule, btree_set(time_of_day(), 1..3)).prop_map(|(rule, at)| Timing::Calendar { rule, at }),
    ]
}

fn filter() -> impl Strategy<Value = DayFilter> {
    prop_oneof![
        Just(DayFilter::OnlyBusiness),
        Just(DayFilter::NotBusiness),
        btree_set(date(), 1..3).prop_map(|dates| DayFilter::Only { dates }),
        btree_set(date(), 1..3).prop_map(|dates| DayFilter::AllBut { dates }),
    ]
}

/// What stands beside flows and jobs: two of each kind at most, by fixed names.
fn nouns() -> impl Strategy<Value = Vec<Edit>> {
    let calendar = (
        directory(),
        text(),
        btree_set(date(), 0..3),
        btree_set(date(), 0..3),
    );
    let calendar = calendar.prop_map(|(directory, description, holidays, workdays)| {
        let workdays = workdays.difference(&holidays).copied().collect();
        let days = BusinessDays {
            weekend: [chrono::Weekday::Fri, chrono::Weekday::Sat]
                .into_iter()
                .collect::<Weekdays>(),
            holidays,
            workdays,
        };
        Edit::from(CalendarDraft {
            directory,
            description,
            ..CalendarDraft::new("cal", days)
        })
    });
    let pool = (1..50_u32, text(), directory());
    let pool = pool.prop_map(|(slots, description, directory)| {
        Edit::from(PoolDraft {
            description,
            directory,
            ..PoolDraft::new("pool", 1_000 + slots)
        })
    });
    let source = (
        text(),
        setting("ca_file"),
        option::of(1..9_999_u16),
        option::of(text()),
    );
    let source = source.prop_map(|(user, options, port, password)| {
        Edit::from(DataSourceDraft {
            user,
            options,
            port,
            database: "dw".into(),
            password: password.map(Secret::new),
            ..DataSourceDraft::new("dw", DataSourceKind::Clickhouse, "db.example")
        })
    });
    let kind = prop_oneof![
        text().prop_map(|value| ParamKindDraft::Static { value }),
        (
            span(),
            option::of(text().prop_filter("a column has a name", |it| !it.trim().is_empty())),
            select(ValueType::ALL.to_vec())
        )
            .prop_map(|(timeout, column, value_type)| ParamKindDraft::Sql {
                data_source: Ref::Name("dw".into()),
                query: "select max(day)\nfrom t".into(),
                timeout,
                column,
                value_type,
            }),
        (-3..3_i32).prop_map(|offset_days| ParamKindDraft::Context {
            value: ContextValue::DataDate {
                offset_days,
                format: "%Y%m%d".into()
            }
        }),
        select(vec![
            ContextValue::FlowName,
            ContextValue::JobName,
            ContextValue::ExecutionId,
            ContextValue::ScheduleName,
        ])
        .prop_map(|value| ParamKindDraft::Context { value }),
    ];
    let shared = kind.prop_map(|kind| Edit::from(SharedParamDraft::new("shared", kind)));
    let server = (seconds(), option::of(text())).prop_map(|(options, password)| {
        Edit::from(FileServerDraft {
            options,
            password: password.map(Secret::new),
            ..FileServerDraft::new("files", FileServerKind::Sftp, "ftp.example")
        })
    });
    let event = (
        zone(),
        option::of((time_of_day(), time_of_day())),
        any::<bool>(),
        any::<bool>(),
    );
    let event = event.prop_map(|(zone, window, enabled, per_file)| {
        Edit::from(FileEventDraft {
            zone,
            window: window
                .filter(|(from, to)| from != to)
                .map(|(from, to)| Window { from, to }),
            enabled,
            per: if per_file {
                FilePer::File
            } else {
                FilePer::Date
            },
            min_age: Duration::from_secs(5),
            marker: per_file.then(|| "done".into()),
            ..FileEventDraft::new("arrives", Ref::Name("files".into()), "/in/${date}*.csv")
        })
    });
    let channel = (setting("header.X-From"), any::<bool>()).prop_map(|(mut settings, enabled)| {
        settings.insert("url".into(), "https://hook.example".into());
        Edit::from(AlertChannelDraft {
            settings,
            enabled,
            secret: Some(Secret::new("s3cret")),
            ..AlertChannelDraft::new("people", AlertChannelKind::Webhook)
        })
    });
    let events = btree_set(select(AlertEvent::ALL.to_vec()), 1..4);
    let rule = (events, any::<bool>()).prop_map(|(events, default)| {
        let channels = vec![Ref::Name("people".into())];
        Edit::from(AlertRuleDraft {
            default,
            ..AlertRuleDraft::new("rule", events, channels)
        })
    });
    let hook = (zone(), texts(), any::<bool>(), -366..367_i32);
    let hook = hook.prop_map(|(zone, values, by_body, date_offset)| {
        let params = values.keys().enumerate().map(|(at, _)| Param {
            name: format!("P{at}"),
            value: "/data/~0~1".into(),
        });
        let filter = values.values().map(|value| HookCondition {
            at: "/kind".into(),
            is: HookTest::Differs,
            values: vec![value.replace('\0', "")],
        });
        Edit::from(WebhookDraft {
            zone,
            date_offset,
            params: params.collect(),
            filter: filter.collect(),
            scheme: if by_body {
                HookScheme::Body
            } else {
                HookScheme::Standard
            },
            secret: Some(Secret::new("0123456789abcdef")),
            date_at: by_body.then(|| "/date".into()),
            ..WebhookDraft::new("hook", [Ref::Name("flow 0".into())])
        })
    });
    let executor = (texts(), 1..100_u32, any::<bool>(), text(), any::<bool>());
    let executor = executor.prop_map(|(labels, slots, enabled, description, inside)| {
        let address = if inside { "local" } else { "etl.example:7890" };
        Edit::PutExecutor(ExecutorDraft {
            labels,
            enabled,
            description,
            ..ExecutorDraft::new("host", address, slots)
        })
    });
    (
        (calendar, pool, source, shared),
        (server, event, channel, rule, hook, executor),
    )
        .prop_map(|((a, b, c, d), (e, f, g, h, i, j))| vec![a, b, c, d, e, f, g, h, i, j])
}

/// A setting that most connectors have.
fn seconds() -> impl Strategy<Value = BTreeMap<String, String>> {
    let seconds = (1..50_u32).prop_map(|it| ("connect_seconds".into(), it.to_string()));
    option::of(seconds).prop_map(|it| it.into_iter().collect())
}

/// A setting of this name that is any text.
fn setting(name: &'static str) -> impl Strategy<Value = BTreeMap<String, String>> {
    let text = text().prop_filter("a setting is not blank", |it| !it.trim().is_empty());
    option::of(text).prop_map(move |it| it.into_iter().map(|it| (name.into(), it)).collect())
}

fn flow(at: usize) -> impl Strategy<Value = FlowDraft> {
    let some = (
        directory(),
        text(),
        text(),
        any::<bool>(),
        -9..9_i32,
        params(),
        texts(),
        any::<Index>(),
    );
    let more = (
        option::of(1..9_u32),
        option::of(span()),
        0..3_u32,
        option::of(span()),
        option::of(Just("/srv/${param.zone}")),
        option::of(Just("cal")),
    );
    (some, more).prop_map(move |(some, more)| {
        let (directory, description, owner, enabled, priority, params, env, parent) = some;
        let (max_runs, timeout, restart_retries, delay, workdir, calendar) = more;
        // Parents are earlier ones, so that there is no circle.
        let parent = parent.index(at + 1);
        FlowDraft {
            directory,
            description,
            owner,
            enabled,
            priority,
            params,
            env,
            max_runs,
            timeout,
            restart_retries,
            restart_delay: delay.unwrap_or_default(),
            calendar: calendar.map(|name| Ref::Name(name.into())),
            workdir: workdir.unwrap_or_default().into(),
            parents: (parent < at)
                .then(|| FlowRef::Name(format!("flow {parent}")))
                .into_iter()
                .collect(),
            ..FlowDraft::new(format!("flow {at}"))
        }
    })
}

/// A job that may depend on one before it, of its own flow or of an earlier one.
fn job(flow: usize, at: usize) -> impl Strategy<Value = JobDraft> {
    let some = (
        text(),
        any::<bool>(),
        -9..9_i32,
        1..9_u32,
        params(),
        texts(),
        any::<bool>(),
    );
    let tie = (
        any::<Index>(),
        select(vec![
            Condition::Success,
            Condition::Failure,
            Condition::Done,
        ]),
        -2..1_i32,
        option::of(span()),
    );
    let retry = (
        0..4_u32,
        option::of(span()),
        1_000..3_000_u32,
        option::of(span()),
    );
    let placement = prop_oneof![
        Just(PlacementDraft::Any),
        Just(PlacementDraft::Executor(Ref::Name("host".into()))),
        btree_map("[a-z]{1,3}", "[a-z]{1,3}", 1..3).prop_map(PlacementDraft::Labels),
    ];
    let more = (
        btree_set(any::<u8>(), 1..3),
        option::of(retry),
        option::of(span()),
        any::<bool>(),
        option::of(span()),
        placement,
        vec(tie, 0..3),
    );
    (some, more).prop_map(move |(some, more)| {
        let (description, enabled, priority, slots, params, env, shares) = some;
        let (codes, retry, timeout, pooled, expected, placement, ties) = more;
        let mut params: Vec<_> = params.into_iter().map(JobParamDraft::Own).collect();
        if shares {
            let shared = ParamRef::Name("shared".into());
            params.insert(0, JobParamDraft::Shared { shared });
        }
        let before = flow * 3 + at;
        let mut dependencies = BTreeMap::new();
        for (index, condition, offset_days, wait_limit) in ties {
            if before > 0 {
                let other = index.index(before);
                let job = JobRef::Name {
                    flow: format!("flow {}", other / 3),
                    job: format!("job {}", other % 3),
                };
                let outside = other / 3 != flow || offset_days != 0;
                let name = format!("OUT_{other}");
                let is_new = !dependencies.contains_key(&(other, offset_days));
                if offset_days == 0 && is_new {
                    let same = priority % 2 == 0;
                    let output = OutputSourceDraft {
                        job: job.clone(),
                        name: if same { name.clone() } else { "rows".into() },
                        default: (priority % 3 == 0).then(|| description.clone()),
                    };
                    params.push(JobParamDraft::Output { name, output });
                }
                let tie = DependencyDraft {
                    job,
                    condition,
                    offset_days,
                    wait_limit: wait_limit.filter(|_| outside),
                };
                dependencies.insert((other, offset_days), tie);
            }
        }
        let retry = retry.map(|(max, delay, backoff_permille, cap)| Retry {
            max,
            delay: delay.unwrap_or_default(),
            backoff_permille,
            cap,
        });
        JobDraft {
            description,
            enabled,
            priority,
            slots,
            params,
            env,
            success_codes: codes.into_iter().collect(),
            retry: retry.unwrap_or_default(),
            timeout,
            pool: pooled.then(|| PoolRef::Name("pool".into())),
            pool_slots: if pooled { slots } else { 1 },
            expected,
            placement,
            dependencies: dependencies.into_values().collect(),
            ..JobDraft::new(
                FlowRef::Name(format!("flow {flow}")),
                format!("job {at}"),
                "echo ${param.zone} ${date} 'it''s'\necho done",
            )
        }
    })
}

fn schedule(name: &'static str) -> impl Strategy<Value = ScheduleDraft> {
    let trigger = prop_oneof![
        6 => timing().prop_map(TriggerDraft::Time),
        1 => Just(TriggerDraft::File(Ref::Name("arrives".into()))),
        1 => Just(TriggerDraft::DataDate(vec![Ref::Name("flow 1".into())])),
    ];
    let some = (
        trigger,
        zone(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        params(),
    );
    let deadline = || (0..9_u16, time_of_day()).prop_map(|(days, at)| Deadline { days, at });
    let more = (
        option::of(filter()),
        option::of(span()),
        1..9_u32,
        -3..3_i32,
        option::of(deadline()),
        option::of(deadline()),
        option::of(1_600_000_000_000_000..1_900_000_000_000_000_i64),
    );
    (some, more).prop_map(move |(some, more)| {
        let (trigger, zone, paused, downstream, all, params) = some;
        let (filter, grace, max_instances, date_offset, start_by, finish_by, bound) = more;
        let bound = bound.map(Timestamp::from_micros);
        let by_time = matches!(trigger, TriggerDraft::Time(_));
        ScheduleDraft {
            zone,
            paused,
            downstream,
            params,
            filter: filter.filter(|_| by_time),
            calendar: all.then(|| Ref::Name("cal".into())),
            misfire_grace: grace.unwrap_or(Duration::from_secs(3_600)),
            missed: if all {
                Missed::CatchUp
            } else {
                Missed::Coalesce
            },
            overlap: if all { Overlap::Skip } else { Overlap::Queue },
            max_instances,
            date_offset: if by_time { date_offset } else { -1 },
            start_by,
            finish_by,
            not_before: bound,
            not_after: bound.map(|it| it.after(Duration::from_millis(1_500))),
            alerts: all.then(|| Ref::Name("rule".into())).into_iter().collect(),
            owner: "ann".into(),
            ..ScheduleDraft::new(name, Ref::Name("flow 0".into()), trigger)
        }
    })
}

/// Definitions of every kind.
fn definitions() -> impl Strategy<Value = Vec<Edit>> {
    let flows = (flow(0), flow(1), flow(2));
    let jobs: Vec<_> = (0..9).map(|at| job(at / 3, at % 3)).collect();
    let schedules = (schedule("one"), schedule("two"));
    (nouns(), flows, jobs, schedules).prop_map(|(nouns, flows, jobs, schedules)| {
        let mut edits = nouns;
        edits.extend([flows.0, flows.1, flows.2].map(Edit::PutFlow));
        edits.extend(jobs.into_iter().map(Edit::PutJob));
        edits.push(schedules.0.into());
        edits.push(schedules.1.into());
        edits
    })
}

/// Reads a file as exported, and puts it.
fn put(engine: &mut Engine, text: &str) {
    let source = parse_exported("exported", text.as_bytes()).unwrap_or_else(|faults| {
        panic!("{faults:#?}\n{text}");
    });
    let edits = edits(&source.file, None, &Existing::of(engine));
    apply(engine, edits);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_exported_changes_nothing_where_it_came_from(drawn in definitions()) {
        let mut engine = Engine::default();
        apply(&mut engine, drawn);
        let before = engine.snapshot();
        let file = export(&engine).unwrap();
        put(&mut engine, &to_yaml(&file));
        prop_assert_eq!(engine.snapshot(), before.clone());
        put(&mut engine, &to_json(&file));
        prop_assert_eq!(engine.snapshot(), before);
    }

    #[test]
    fn what_is_exported_is_the_same_elsewhere(drawn in definitions()) {
        let mut engine = Engine::default();
        apply(&mut engine, drawn);
        let file = export(&engine).unwrap();
        let yaml = to_yaml(&file);
        prop_assert!(!yaml.contains("s3cret"));
        let mut other = Engine::default();
        put(&mut other, &yaml);
        prop_assert_eq!(export(&other).unwrap(), file);
    }
}

/// Each kind of sheet in each form.
const SHEETS: [(SheetKind, SheetFormat, Lang); 4] = [
    (SheetKind::Flows, SheetFormat::Csv, Lang::Zh),
    (SheetKind::Flows, SheetFormat::Xlsx, Lang::En),
    (SheetKind::Jobs, SheetFormat::Csv, Lang::En),
    (SheetKind::Jobs, SheetFormat::Xlsx, Lang::Zh),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_sheet_changes_nothing_where_it_came_from(drawn in definitions()) {
        let mut engine = Engine::default();
        apply(&mut engine, drawn);
        for (kind, format, lang) in SHEETS {
            let bytes = export_sheet(kind, format, lang, &engine).unwrap();
            let plan = plan_sheet("sheet", &bytes, None, &engine, lang).unwrap();
            prop_assert_eq!(plan.kind, kind);
            prop_assert_eq!(&plan.edits, &[]);
            prop_assert!(plan.notes.is_empty());
            prop_assert!(!plan.rows.is_empty());
            prop_assert_eq!(plan.count(RowOutcome::Unchanged), plan.rows.len());
        }
    }

    #[test]
    fn a_sheet_of_flows_says_the_same_elsewhere(drawn in definitions()) {
        let mut engine = Engine::default();
        apply(&mut engine, drawn);
        let write = |format, engine: &Engine| {
            export_sheet(SheetKind::Flows, format, Lang::Zh, engine).unwrap()
        };
        for format in [SheetFormat::Csv, SheetFormat::Xlsx] {
            let mut other = Engine::default();
            let plan = plan_sheet("sheet", &write(format, &engine), None, &other, Lang::Zh);
            apply(&mut other, plan.unwrap().edits);
            prop_assert_eq!(write(SheetFormat::Csv, &other), write(SheetFormat::Csv, &engine));
        }
    }
}

#[test]
fn nothing_is_exported_as_an_empty_mesh() {
    let file = export(&Engine::default()).unwrap();
    assert_eq!(file, MeshFile::of_flows(Vec::new()));
    put(&mut Engine::default(), &to_yaml(&file));
}

#[test]
fn a_dependency_that_no_name_can_tell_is_refused() {
    let mut engine = Engine::default();
    let flow = |name: &str| Edit::PutFlow(FlowDraft::new(name));
    let job = |flow: &str, name: &str| {
        Edit::PutJob(JobDraft::new(FlowRef::Name(flow.into()), name, "true"))
    };
    let waiting = JobDraft {
        dependencies: vec![DependencyDraft {
            job: JobRef::Name {
                flow: "b".into(),
                job: "x".into(),
            },
            condition: Condition::Success,
            offset_days: 0,
            wait_limit: None,
        }],
        ..JobDraft::new(FlowRef::Name("a".into()), "y", "true")
    };
    let edits = vec![
        flow("a"),
        flow("b"),
        job("a", "b/x"),
        job("b", "x"),
        Edit::PutJob(waiting),
    ];
    apply(&mut engine, edits);
    let refused = ExportError::Ambiguous {
        job: "a/y".into(),
        dependency: "b/x".into(),
    };
    assert_eq!(export(&engine), Err(refused));
}
