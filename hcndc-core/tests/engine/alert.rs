//! Alerts that nobody acknowledges are told to others; those that somebody does, or that are over, are not.

use hcndc_core::{
    engine::{AlertRow, Effect, Engine, Input, MOST_OPEN_ALERTS, Rejected, Settings},
    id::AlertId,
    model::{
        AlertChannelDraft, AlertChannelKind, AlertChannelRef, AlertEvent, AlertRuleDraft,
        Definition, Escalation,
    },
    time::Timestamp,
};

use crate::bed::{Bed, JobWords as _, flow, host, job, secs};

const EVENTS: [AlertEvent; 4] = [
    AlertEvent::ExecutionFailed,
    AlertEvent::JobFailed,
    AlertEvent::JobRetried,
    AlertEvent::ExecutorLost,
];

/// A rule for everything that has a boss told after ten minutes.
fn rule(events: impl IntoIterator<Item = AlertEvent>) -> AlertRuleDraft {
    AlertRuleDraft {
        default: true,
        escalation: Some(Escalation {
            after: secs(600),
            channels: vec![AlertChannelRef::Name("boss".into())],
        }),
        ..AlertRuleDraft::new("all", events, [])
    }
}

fn bed(events: impl IntoIterator<Item = AlertEvent>) -> Bed {
    Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/one").retry(1, 5).edit(),
        AlertChannelDraft::new("boss", AlertChannelKind::Sms).into(),
        rule(events).into(),
    ])
}

/// An executor that runs something is lost.
fn lose(bed: &mut Bed) {
    bed.start(&["a"]);
    bed.disconnect("h");
    bed.pass(secs(60));
}

/// What happened, and whether it escalates another.
fn told(bed: &Bed) -> Vec<(AlertEvent, bool)> {
    let rows = bed.store.alerts.values();
    rows.map(|row| (row.event, row.escalates.is_some()))
        .collect()
}

fn first(bed: &Bed) -> AlertRow {
    bed.store.alerts.values().next().unwrap().clone()
}

fn acknowledge(bed: &mut Bed, ids: &[AlertId], by: &str) {
    let archived = bed.store.alerts.values().cloned().collect();
    bed.apply(Input::Acknowledge {
        alerts: ids.into(),
        by: by.into(),
        archived,
    });
}

#[test]
fn others_are_told_once_of_what_nobody_acknowledges_also_over_a_reload() {
    let mut bed = bed([AlertEvent::ExecutorLost]);
    lose(&mut bed);
    let row = first(&bed);
    assert_eq!(row.subject, "h");
    assert_eq!(row.escalate_at, Some(row.raised_at.after(secs(600))));
    bed.apply(Input::Notified {
        alert: row.id,
        error: None,
    });
    assert!(bed.store.alerts[&row.id].is_open(), "it is to be escalated");
    bed.pass(secs(599));
    bed.reload();
    assert_eq!(told(&bed), [(AlertEvent::ExecutorLost, false)]);
    bed.pass(secs(1));
    let both = [
        (AlertEvent::ExecutorLost, false),
        (AlertEvent::ExecutorLost, true),
    ];
    assert_eq!(told(&bed), both);
    let row = first(&bed);
    let other = bed.store.alerts.values().next_back().unwrap().clone();
    assert_eq!((row.escalate_at, row.escalated), (None, Some(other.id)));
    assert_eq!(
        (other.escalates, other.executor),
        (Some(row.id), row.executor)
    );
    assert_ne!(other.cause, row.cause);
    let waiting: Vec<AlertId> = bed.engine.undelivered().map(|row| row.id).collect();
    assert_eq!(waiting, [other.id]);
    bed.reload();
    bed.pass(secs(6_000));
    assert_eq!(told(&bed), both);
}

#[test]
fn what_somebody_acknowledges_is_told_to_nobody_else_and_who_did_so_first_stays() {
    let mut bed = bed([AlertEvent::ExecutorLost]);
    lose(&mut bed);
    let id = first(&bed).id;
    bed.pass(secs(100));
    acknowledge(&mut bed, &[id], "ann");
    let row = first(&bed);
    assert_eq!(row.acknowledged_by.as_deref(), Some("ann"));
    assert_eq!(row.acknowledged_at, Some(bed.now));
    assert_eq!(row.escalate_at, None);
    bed.pass(secs(100));
    acknowledge(&mut bed, &[id], "bob");
    assert_eq!(first(&bed), row);
    bed.pass(secs(6_000));
    assert_eq!(told(&bed), [(AlertEvent::ExecutorLost, false)]);
}

#[test]
fn who_acknowledges_an_alert_acknowledges_what_it_escalates_too() {
    for at in [0, 1] {
        let mut bed = bed([AlertEvent::ExecutorLost]);
        lose(&mut bed);
        bed.pass(secs(600));
        let ids: Vec<AlertId> = bed.store.alerts.keys().copied().collect();
        for &alert in &ids {
            bed.apply(Input::Notified { alert, error: None });
        }
        assert_eq!(bed.engine.snapshot().alerts, [], "nothing waits");
        acknowledge(&mut bed, &[ids[at]], "ann");
        let rows = bed.store.alerts.values();
        let by: Vec<_> = rows.map(|row| row.acknowledged_by.as_deref()).collect();
        assert_eq!(by, [Some("ann"), Some("ann")]);
    }
}

#[test]
fn who_does_something_to_an_execution_acknowledges_what_was_told_of_it() {
    let mut bed = bed([AlertEvent::ExecutionFailed, AlertEvent::JobFailed]);
    let execution = bed.start(&["a"]);
    bed.fail("a/one");
    bed.pass(secs(5));
    bed.fail("a/one");
    let kinds = [
        (AlertEvent::JobFailed, false),
        (AlertEvent::ExecutionFailed, false),
    ];
    assert_eq!(told(&bed), kinds);
    let subjects: Vec<_> = bed.store.alerts.values().map(|row| &*row.subject).collect();
    assert_eq!(subjects, ["a/one", "a"]);
    let archived = bed.store.execution(execution).map(Box::new);
    bed.apply(Input::Resume {
        execution,
        by: "bob".into(),
        archived,
    });
    for row in bed.store.alerts.values() {
        assert_eq!(row.acknowledged_by.as_deref(), Some("bob"));
    }
    bed.pass(secs(6_000));
    assert_eq!(told(&bed), kinds);
}

#[test]
fn what_is_over_is_told_to_nobody_else() {
    let mut bed = bed(EVENTS);
    // A job that failed succeeds after all.
    bed.start(&["a"]);
    bed.fail("a/one");
    bed.pass(secs(5));
    let row = first(&bed);
    assert_eq!((row.event, row.over_at), (AlertEvent::JobRetried, None));
    bed.succeed("a/one");
    assert_eq!(first(&bed).over_at, Some(bed.now));
    // An executor comes back.
    lose(&mut bed);
    bed.hello("h", vec![]);
    let mut all = bed.store.alerts.values();
    let lost = all.find(|row| row.event == AlertEvent::ExecutorLost);
    assert_eq!(lost.unwrap().over_at, Some(bed.now));
    bed.pass(secs(5));
    bed.succeed("e2 a/one");
    bed.pass(secs(6_000));
    let all = told(&bed);
    assert!(all.iter().all(|(_, escalates)| !escalates), "{all:?}");
}

#[test]
fn a_rule_that_escalates_no_more_has_nobody_else_told() {
    let changes: [fn(&mut AlertRuleDraft); 2] =
        [|it| it.escalation = None, |it| it.enabled = false];
    for change in changes {
        let mut bed = bed([AlertEvent::ExecutorLost]);
        lose(&mut bed);
        let mut all = bed.store.definitions.values();
        let id = all.find_map(|it| match it {
            Definition::AlertRule(rule) => Some(rule.id),
            _ => None,
        });
        let mut draft = AlertRuleDraft {
            id,
            ..rule([AlertEvent::ExecutorLost])
        };
        change(&mut draft);
        bed.edit([draft.into()]);
        bed.pass(secs(6_000));
        assert_eq!(told(&bed), [(AlertEvent::ExecutorLost, false)]);
        assert_eq!(first(&bed).escalate_at, None);
    }
}

#[test]
fn an_alert_that_is_not_there_is_refused_and_nothing_is_acknowledged() {
    let mut bed = bed([AlertEvent::ExecutorLost]);
    lose(&mut bed);
    let id = first(&bed).id;
    let alert = AlertId(999);
    let refused = bed.try_apply(Input::Acknowledge {
        alerts: vec![id, alert],
        by: "ann".into(),
        archived: Vec::new(),
    });
    assert_eq!(refused, Err(Rejected::UnknownAlert { alert }));
    assert_eq!(first(&bed).acknowledged_at, None);
    // What is said to be open, and is not held, is not as it is now.
    let stale = AlertRow {
        id: alert,
        ..first(&bed)
    };
    let refused = bed.try_apply(Input::Acknowledge {
        alerts: vec![alert],
        by: "ann".into(),
        archived: vec![stale],
    });
    assert_eq!(refused, Err(Rejected::UnknownAlert { alert }));
}

#[test]
fn of_too_many_that_wait_the_earliest_are_escalated_before_their_time() {
    let mut bed = bed([AlertEvent::ExecutorLost]);
    bed.start(&["a"]);
    let mut snapshot = bed.engine.snapshot();
    let running_at = bed.now;
    bed.disconnect("h");
    bed.pass(secs(60));
    let row = AlertRow {
        closed_at: Some(bed.now),
        executor: None,
        ..first(&bed)
    };
    let from = snapshot.next_id;
    let ids = from..from + MOST_OPEN_ALERTS as u64;
    snapshot.next_id = ids.end;
    let alerts = ids.map(|id| AlertRow {
        id: AlertId(id),
        ..row.clone()
    });
    snapshot.alerts = alerts.collect();
    // Its executor does not come back.
    let mut engine = Engine::load(running_at, Settings::default(), snapshot).unwrap();
    let unanswered = |engine: &Engine| {
        let alerts = engine.snapshot().alerts;
        alerts
            .iter()
            .filter(|row| row.escalate_at.is_some())
            .count()
    };
    assert_eq!(unanswered(&engine), MOST_OPEN_ALERTS);
    let step = engine.apply(bed.now, Input::Wake).unwrap();
    let told = step.effects.iter().filter_map(|effect| match effect {
        Effect::Notify(row) => Some(row.escalates),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [None, Some(AlertId(from))]);
    assert_eq!(unanswered(&engine), MOST_OPEN_ALERTS);
    assert_eq!(engine.check(), []);
}

#[test]
fn a_time_that_passed_while_no_engine_ran_is_due_at_once() {
    let mut bed = bed([AlertEvent::ExecutorLost]);
    lose(&mut bed);
    bed.now = Timestamp::from_micros(0).after(secs(100_000));
    bed.reload();
    assert!(bed.engine.next_wakeup().unwrap() <= bed.now);
    bed.apply(Input::Wake);
    assert_eq!(told(&bed).len(), 2);
}
