//! Schedules: each time, file and date is used once (R9).

use hcndc_core::{
    engine::{DueState, FiringOutcome, FiringRow, Input, ScheduleHold, SkipReason, TriggerKind},
    id::ScheduleId,
    model::{
        AlertEvent, AlertRuleDraft, AlertRuleRef, CalendarDraft, CalendarRef, Deadline, Definition,
        Edit, FlowDraft, FlowRef, Missed, Overlap, Param, ScheduleDraft, TriggerDraft,
    },
    time::{DateFormat, Timestamp},
    trigger::{
        TimeOfDay, Timing,
        calendar::{BusinessDays, DayFilter},
        cron::{Cron, Dialect},
    },
};

use crate::bed::{Bed, JobWords as _, date, flow, host, job, secs};

/// A schedule of flow `a` at these times, in Shanghai.
fn at(cron: &str) -> ScheduleDraft {
    let cron = Cron::parse(Dialect::Unix, cron).unwrap();
    ScheduleDraft {
        zone: chrono_tz::Asia::Shanghai,
        ..ScheduleDraft::new(
            "night",
            FlowRef::Name("a".into()),
            TriggerDraft::Time(Timing::Cron(cron)),
        )
    }
}

fn put(schedule: ScheduleDraft) -> Edit {
    schedule.into()
}

/// Flow `a` of one job; it is 2026-11-20 in Shanghai, an hour before midnight.
fn bed() -> Bed {
    let mut bed = Bed::new([host("h", 99), flow("a", &[]), job("a/one").edit()]);
    bed.now = time("2026-11-20T15:00:00Z");
    bed.apply(Input::Wake);
    bed
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(bed: &Bed) -> ScheduleId {
    bed.store.schedules().next().unwrap().id
}

/// Time goes on to this moment at once.
fn wake(bed: &mut Bed, at: &str) {
    bed.now = time(at);
    bed.apply(Input::Wake);
}

/// Every firing: first and last time, and what became of it, an execution by its number.
fn firings(bed: &Bed) -> Vec<(String, String, String)> {
    let rows = bed.store.firings.values();
    let short = |at: Timestamp| at.to_string()[..16].to_owned();
    rows.map(|row| (short(row.from), short(row.to), outcome(bed, row)))
        .collect()
}

fn outcome(bed: &Bed, row: &FiringRow) -> String {
    match row.outcome {
        FiringOutcome::Started { execution } => {
            let at = bed.store.executions.keys().position(|it| *it == execution);
            format!("e{}", at.unwrap() + 1)
        }
        FiringOutcome::Queued => "queued".into(),
        FiringOutcome::Skipped { reason } => reason.to_string(),
    }
}

fn expected(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let rows = rows.iter();
    rows.map(|(from, to, what)| ((*from).into(), (*to).into(), (*what).into()))
        .collect()
}

#[track_caller]
fn assert_firings(bed: &Bed, rows: &[(&str, &str, &str)]) {
    assert_eq!(firings(bed), expected(rows));
}

fn pause(bed: &mut Bed, paused: bool) {
    let schedules = vec![id(bed)];
    let by = "bob".into();
    bed.apply(Input::PauseSchedules {
        schedules,
        paused,
        by,
    });
}

#[test]
fn a_fire_time_starts_its_flow_for_the_day_before_in_its_zone() {
    let mut bed = bed();
    bed.edit([put(at("30 2 * * *"))]);
    assert_eq!(bed.engine.next_wakeup(), Some(time("2026-11-20T18:30:00Z")));
    wake(&mut bed, "2026-11-20T18:29:59.999999Z");
    assert_firings(&bed, &[]);
    wake(&mut bed, "2026-11-20T18:30:00Z");
    assert_firings(&bed, &[("2026-11-20T18:30", "2026-11-20T18:30", "e1")]);
    let row = bed.store.executions.values().next().unwrap();
    assert_eq!(row.trigger, TriggerKind::Schedule);
    assert_eq!(row.schedule, Some(id(&bed)));
    assert_eq!(row.fire_time, Some(time("2026-11-20T18:30:00Z")));
    assert_eq!(row.data_date, date("2026-11-20"), "it is the 21st there");
    assert_eq!(bed.engine.next_wakeup(), Some(time("2026-11-21T18:30:00Z")));
    bed.apply(Input::Wake);
    assert_eq!(bed.store.executions.len(), 1);
}

#[test]
fn a_reload_at_any_moment_uses_no_time_twice() {
    let mut bed = bed();
    bed.edit([put(ScheduleDraft {
        max_instances: 9,
        ..at("*/30 * * * *")
    })]);
    for (at, executions) in [
        ("2026-11-20T15:29:59Z", 0),
        ("2026-11-20T15:30:00Z", 1),
        ("2026-11-20T15:30:01Z", 1),
        ("2026-11-20T16:00:00Z", 2),
    ] {
        bed.reload();
        wake(&mut bed, at);
        bed.reload();
        bed.apply(Input::Wake);
        assert_eq!(bed.store.executions.len(), executions, "{at}");
    }
}

#[test]
fn of_times_that_passed_the_late_are_skipped_and_the_last_stands_for_the_others() {
    let mut bed = bed();
    bed.edit([put(at("*/10 * * * *"))]);
    bed.reload();
    wake(&mut bed, "2026-11-21T15:05:00Z");
    assert_firings(
        &bed,
        &[
            ("2026-11-20T15:10", "2026-11-21T14:00", "misfired"),
            ("2026-11-21T14:10", "2026-11-21T14:50", "coalesced"),
            ("2026-11-21T15:00", "2026-11-21T15:00", "e1"),
        ],
    );
}

#[test]
fn each_time_that_passed_is_caught_up_with_if_asked_in_its_order() {
    let mut bed = bed();
    bed.edit([put(ScheduleDraft {
        missed: Missed::CatchUp,
        max_instances: 2,
        ..at("*/20 * * * *")
    })]);
    wake(&mut bed, "2026-11-20T16:20:00Z");
    assert_firings(
        &bed,
        &[
            ("2026-11-20T15:20", "2026-11-20T15:20", "e1"),
            ("2026-11-20T15:40", "2026-11-20T15:40", "e2"),
            ("2026-11-20T16:00", "2026-11-20T16:00", "queued"),
            ("2026-11-20T16:20", "2026-11-20T16:20", "queued"),
        ],
    );
    bed.reload();
    bed.hello("h", vec![]);
    bed.succeed("a/one");
    let states: Vec<_> = firings(&bed).into_iter().map(|it| it.2).collect();
    // The second is for the same date and had joined the first: both have ended.
    assert_eq!(states, ["e1", "e2", "e3", "e4"]);
    let mut dates = bed.store.executions.values().map(|row| row.data_date);
    let third = dates.next_back().unwrap();
    assert_eq!(third, date("2026-11-20"), "midnight there: the day before");
}

#[test]
fn a_schedule_that_may_not_queue_skips_while_its_execution_lives() {
    let mut bed = bed();
    bed.edit([put(ScheduleDraft {
        overlap: Overlap::Skip,
        ..at("0 * * * *")
    })]);
    wake(&mut bed, "2026-11-20T16:00:00Z");
    wake(&mut bed, "2026-11-20T17:00:00Z");
    bed.succeed("a/one");
    wake(&mut bed, "2026-11-20T18:00:00Z");
    let states: Vec<_> = firings(&bed).into_iter().map(|it| it.2).collect();
    assert_eq!(states, ["e1", "max_instances", "e2"]);
}

#[test]
fn an_execution_that_ends_at_once_takes_no_place_of_the_next() {
    for overlap in [Overlap::Skip, Overlap::Queue] {
        let mut bed = Bed::new([flow("a", &[])]);
        bed.now = time("2026-11-20T15:00:00Z");
        bed.apply(Input::Wake);
        bed.edit([put(ScheduleDraft {
            overlap,
            missed: Missed::CatchUp,
            ..at("*/20 * * * *")
        })]);
        wake(&mut bed, "2026-11-20T15:45:00Z");
        assert_firings(
            &bed,
            &[
                ("2026-11-20T15:20", "2026-11-20T15:20", "e1"),
                ("2026-11-20T15:40", "2026-11-20T15:40", "e2"),
            ],
        );
    }
}

#[test]
fn what_falls_into_a_pause_is_skipped_and_nothing_after_it() {
    let mut bed = bed();
    bed.edit([put(at("0 * * * *"))]);
    bed.now = time("2026-11-20T16:00:00Z");
    // What is due at that moment fires before the pause.
    pause(&mut bed, true);
    assert_eq!(bed.engine.next_wakeup(), None);
    bed.succeed("a/one");
    wake(&mut bed, "2026-11-20T19:30:00Z");
    bed.reload();
    let explained = bed.engine.explain_schedule(id(&bed)).unwrap();
    assert_eq!(explained.next, None);
    assert!(matches!(&*explained.holds, [ScheduleHold::Paused { by, .. }] if by == "bob"));
    pause(&mut bed, false);
    wake(&mut bed, "2026-11-20T20:00:00Z");
    assert_firings(
        &bed,
        &[
            ("2026-11-20T16:00", "2026-11-20T16:00", "e1"),
            ("2026-11-20T17:00", "2026-11-20T19:00", "paused"),
            ("2026-11-20T20:00", "2026-11-20T20:00", "e2"),
        ],
    );
    assert_eq!(bed.engine.schedule(id(&bed)).unwrap().revision.version, 3);
    pause(&mut bed, false);
    assert_eq!(
        bed.engine.schedule(id(&bed)).unwrap().revision.version,
        3,
        "it is not paused"
    );
}

#[test]
fn a_new_timing_fires_for_no_time_that_has_passed() {
    let mut bed = bed();
    bed.edit([put(at("0 3 * * *"))]);
    bed.now = time("2026-11-20T15:45:00Z");
    bed.edit([put(ScheduleDraft {
        id: Some(id(&bed)),
        ..at("30 * * * *")
    })]);
    bed.apply(Input::Wake);
    assert_firings(&bed, &[]);
    assert_eq!(bed.engine.next_wakeup(), Some(time("2026-11-20T16:30:00Z")));
    bed.edit([Edit::Delete {
        definition: id(&bed).into(),
        version: None,
    }]);
    assert_eq!(bed.engine.next_wakeup(), None);
}

#[test]
fn an_edit_of_a_calendar_moves_the_times_of_its_schedules() {
    let mut bed = bed();
    let days = |holidays: &[&str]| {
        let days = BusinessDays {
            holidays: holidays.iter().map(|it| date(it)).collect(),
            ..BusinessDays::default()
        };
        CalendarDraft::new("work", days)
    };
    bed.edit([
        days(&["2026-11-23"]).into(),
        put(ScheduleDraft {
            calendar: Some(CalendarRef::Name("work".into())),
            filter: Some(DayFilter::OnlyBusiness),
            ..at("0 8 * * *")
        }),
    ]);
    // The 21st and 22nd are a weekend, the 23rd is a holiday.
    assert_eq!(bed.engine.next_wakeup(), Some(time("2026-11-24T00:00:00Z")));
    let id = bed.engine.find_calendar("work").unwrap().id;
    bed.edit([CalendarDraft {
        id: Some(id),
        ..days(&[])
    }
    .into()]);
    assert_eq!(bed.engine.next_wakeup(), Some(time("2026-11-23T00:00:00Z")));
}

#[test]
fn a_flow_that_is_not_enabled_uses_the_time_and_starts_nothing() {
    let mut bed = bed();
    bed.edit([put(at("0 * * * *"))]);
    bed.edit([Edit::PutFlow(FlowDraft {
        id: Some(bed.flow("a")),
        enabled: false,
        ..FlowDraft::new("a")
    })]);
    wake(&mut bed, "2026-11-20T16:00:00Z");
    let explained = bed.engine.explain_schedule(id(&bed)).unwrap();
    let flow = bed.flow("a");
    assert_eq!(explained.holds, [ScheduleHold::FlowDisabled { flow }]);
    assert_eq!(explained.next, Some(time("2026-11-20T17:00:00Z")));
    let reason = SkipReason::FlowDisabled;
    assert_eq!(
        explained.last.unwrap().outcome,
        FiringOutcome::Skipped { reason }
    );
}

#[test]
fn a_person_may_run_a_schedule_at_any_time_with_its_settings() {
    let mut bed = bed();
    bed.edit([put(ScheduleDraft {
        date_offset: 0,
        ..at("0 3 * * *")
    })]);
    for (data_date, expected) in [
        (None, "2026-11-20"),
        (Some(date("2026-01-01")), "2026-01-01"),
    ] {
        bed.apply(Input::RunSchedule {
            schedule: id(&bed),
            data_date,
            date_format: None,
            downstream: None,
            params: Vec::new(),
            by: "bob".into(),
        });
        let row = &bed.store.executions[&bed.started()];
        assert_eq!(
            (row.trigger, row.schedule),
            (TriggerKind::Manual, Some(id(&bed)))
        );
        assert_eq!(
            (row.data_date, row.started_by.as_str()),
            (date(expected), "bob")
        );
    }
    assert_firings(&bed, &[]);
}

#[test]
fn a_person_runs_a_schedule_with_params_over_its_own() {
    let param = |name: &str, value: &str| Param {
        name: name.into(),
        value: value.into(),
    };
    let mut bed = bed();
    bed.edit([put(ScheduleDraft {
        params: vec![param("day", "1"), param("region", "eu")],
        ..at("0 3 * * *")
    })]);
    bed.apply(Input::RunSchedule {
        schedule: id(&bed),
        data_date: None,
        date_format: Some("%Y%m%d".parse().unwrap()),
        downstream: None,
        params: vec![param("region", "us"), param("more", "x")],
        by: "bob".into(),
    });
    let row = &bed.store.executions[&bed.started()];
    let expected = [param("day", "1"), param("region", "us"), param("more", "x")];
    assert_eq!(row.params, expected);
    let format = row.date_format.as_ref().map(DateFormat::as_str);
    assert_eq!(format, Some("%Y%m%d"));
}

#[test]
fn dates_that_all_flows_have_reached_fire_once() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        flow("b", &[]),
        flow("c", &[]),
        job("b/two").edit(),
        job("c/three").edit(),
    ]);
    let trigger =
        TriggerDraft::DataDate(vec![FlowRef::Name("b".into()), FlowRef::Name("c".into())]);
    let draft = ScheduleDraft::new("after", FlowRef::Name("a".into()), trigger);
    bed.edit([put(draft)]);
    bed.start(&["b"]);
    bed.succeed("b/two");
    assert_firings(&bed, &[]);
    let flows = bed.engine.explain_schedule(id(&bed)).unwrap().holds;
    let missing = vec![(bed.flow("c"), None)];
    assert_eq!(
        flows[0],
        ScheduleHold::Dates {
            after: None,
            flows: missing
        }
    );
    bed.start(&["c"]);
    bed.succeed("e2 c/three");
    let row = bed.store.firings.values().next().unwrap();
    assert_eq!(
        (row.data_date, bed.store.firings.len()),
        (date(crate::bed::DATE), 1)
    );
    let row = bed.store.executions.values().last().unwrap();
    assert_eq!(row.trigger, TriggerKind::DataDate);
    // Once more for the same date is nothing new.
    bed.start(&["c"]);
    bed.succeed("e4 c/three");
    assert_eq!(bed.store.firings.len(), 1);
}

#[test]
fn a_deadline_that_is_missed_is_told_once_and_over_a_reload() {
    let mut bed = bed();
    let by = |hour| {
        Some(Deadline {
            days: 0,
            at: TimeOfDay::new(hour, 0, 0).unwrap(),
        })
    };
    let events = [AlertEvent::NotStartedBy, AlertEvent::NotFinishedBy];
    let rule = AlertRuleDraft::new("late", events, []);
    bed.edit([
        rule.into(),
        put(ScheduleDraft {
            start_by: by(3),
            finish_by: by(4),
            alerts: vec![AlertRuleRef::Name("late".into())],
            ..at("0 2 * * *")
        }),
    ]);
    wake(&mut bed, "2026-11-20T18:00:00Z");
    let row = bed.store.firings.values().next().unwrap();
    assert_eq!(
        row.start_by.unwrap().state,
        DueState::Kept,
        "its job was sent"
    );
    assert_eq!(row.finish_by.unwrap().at, time("2026-11-20T20:00:00Z"));
    bed.reload();
    wake(&mut bed, "2026-11-20T20:00:00Z");
    bed.reload();
    bed.apply(Input::Wake);
    let alerts: Vec<_> = bed.store.alerts.values().collect();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].event, AlertEvent::NotFinishedBy);
    // Nobody has delivered it: it is given again.
    let again = bed.engine.undelivered().count();
    assert_eq!(again, 1);
    let alert = alerts[0].id;
    bed.apply(Input::Notified { alert, error: None });
    assert_eq!(bed.engine.undelivered().count(), 0);
    assert!(bed.store.alerts[&alert].closed_at.is_some());
    bed.hello("h", vec![]);
    bed.succeed("a/one");
    let row = bed.store.firings.values().next().unwrap();
    assert_eq!(row.finish_by.unwrap().state, DueState::Missed);
}

#[test]
fn a_deadline_that_passed_before_an_edit_of_its_rule_is_told_by_the_rule_of_after_it() {
    let mut bed = bed();
    let at_four = Deadline {
        days: 0,
        at: TimeOfDay::new(4, 0, 0).unwrap(),
    };
    let told = |event| AlertRuleDraft::new("late", [event], []);
    bed.edit([
        told(AlertEvent::ExecutionFailed).into(),
        put(ScheduleDraft {
            finish_by: Some(at_four),
            alerts: vec![AlertRuleRef::Name("late".into())],
            ..at("0 2 * * *")
        }),
    ]);
    wake(&mut bed, "2026-11-20T18:00:00Z");
    // Nobody wakes the engine at four: the edit is the first that it hears after that.
    bed.now = time("2026-11-20T20:00:01Z");
    let mut all = bed.store.definitions.values();
    let rule = all.find_map(|it| match it {
        Definition::AlertRule(rule) => Some(rule.id),
        _ => None,
    });
    bed.edit([AlertRuleDraft {
        id: rule,
        ..told(AlertEvent::NotFinishedBy)
    }
    .into()]);
    let told: Vec<_> = bed.store.alerts.values().map(|row| row.event).collect();
    assert_eq!(told, [AlertEvent::NotFinishedBy]);
}

#[test]
fn failures_and_retries_are_told_to_rules_that_apply_to_everything() {
    let mut bed = bed();
    bed.edit([job("a/two").retry(1, 5).edit()]);
    let events = [
        AlertEvent::ExecutionFailed,
        AlertEvent::JobFailed,
        AlertEvent::JobRetried,
        AlertEvent::ExecutorLost,
    ];
    bed.edit([AlertRuleDraft {
        default: true,
        ..AlertRuleDraft::new("all", events, [])
    }
    .into()]);
    bed.start(&["a"]);
    bed.fail("a/two");
    bed.succeed("a/one");
    bed.pass(secs(5));
    bed.disconnect("h");
    bed.pass(secs(60));
    let told: Vec<_> = bed.store.alerts.values().map(|row| row.event).collect();
    assert_eq!(
        told,
        [
            AlertEvent::JobRetried,
            AlertEvent::ExecutorLost,
            AlertEvent::JobFailed,
            AlertEvent::ExecutionFailed,
        ]
    );
}

#[test]
fn a_failure_that_ends_its_execution_is_told_to_the_rules_of_its_schedule() {
    let mut bed = bed();
    let events = [AlertEvent::JobFailed, AlertEvent::ExecutionFailed];
    let rule = AlertRuleDraft::new("night", events, []);
    bed.edit([
        rule.into(),
        put(ScheduleDraft {
            alerts: vec![AlertRuleRef::Name("night".into())],
            ..at("30 2 * * *")
        }),
    ]);
    wake(&mut bed, "2026-11-20T18:30:00Z");
    bed.fail("a/one");
    let rows = bed.store.alerts.values();
    let told: Vec<_> = rows
        .map(|row| (row.event, row.schedule, row.data_date))
        .collect();
    let (schedule, date) = (Some(id(&bed)), Some(date("2026-11-20")));
    let both = [AlertEvent::JobFailed, AlertEvent::ExecutionFailed];
    assert_eq!(told, both.map(|event| (event, schedule, date)));
}
