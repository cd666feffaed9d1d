//! Backfills: dates in order, a few at once, stopped and restarted as one.

use hcndc_core::{
    engine::{
        BackfillDateState, BackfillPlan, BackfillRequest, BackfillState, EndCause, Input,
        PlannedFlow, Rejected, Reply, TriggerKind,
    },
    id::BackfillId,
    model::{Edit, FlowDraft, Param},
};

use crate::bed::{Bed, JobWords as _, date, flow, host, job};

fn bed() -> Bed {
    Bed::new([
        host("h", 9),
        flow("a", &[]),
        flow("b", &["a"]),
        job("a/one").edit(),
        job("b/two").edit(),
    ])
}

fn request(bed: &Bed, from: &str, to: &str, parallel: u32) -> BackfillRequest {
    BackfillRequest {
        flow: bed.flow("a"),
        downstream: false,
        from: date(from),
        to: date(to),
        parallel,
        date_format: None,
        params: vec![],
        by: "ann".into(),
    }
}

fn start(bed: &mut Bed, from: &str, to: &str, parallel: u32) -> BackfillId {
    let request = request(bed, from, to, parallel);
    bed.apply(Input::Backfill(request));
    let Reply::BackfillStarted(id) = bed.reply else {
        panic!("{:?}", bed.reply)
    };
    id
}

/// States of all dates, in their order.
fn dates(bed: &Bed, id: BackfillId) -> Vec<BackfillDateState> {
    let rows = bed.store.backfill_dates.values();
    let rows = rows.filter(|row| row.backfill == id);
    rows.map(|row| row.state).collect()
}

fn state(bed: &Bed, id: BackfillId) -> BackfillState {
    bed.store.backfills[&id].state
}

fn by(backfill: BackfillId) -> (BackfillId, String) {
    (backfill, "bob".into())
}

fn stop(bed: &mut Bed, id: BackfillId) -> Result<(), Rejected> {
    let (backfill, by) = by(id);
    bed.try_apply(Input::StopBackfill { backfill, by })
}

fn restart(bed: &mut Bed, id: BackfillId) -> Result<(), Rejected> {
    let (backfill, by) = by(id);
    bed.try_apply(Input::RestartBackfill { backfill, by })
}

fn disable(bed: &mut Bed) {
    bed.edit([Edit::PutFlow(FlowDraft {
        id: Some(bed.flow("a")),
        enabled: false,
        ..FlowDraft::new("a")
    })]);
}

use BackfillDateState::{Failed, Running, Stopped, Succeeded, Waiting};

#[test]
fn each_date_is_an_execution_and_waits_for_the_one_before() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-02-27", "2026-03-01", 1);
    bed.said(&[
        "backfill running",
        "2026-02-27 waiting",
        "2026-02-28 waiting",
        "2026-03-01 waiting",
        "a running",
        "a/one queued",
        "2026-02-27 running",
        "a/one#1 dispatched",
        "a/one dispatched",
        "h: run a/one#1",
    ]);
    let row = bed.store.executions.values().next().unwrap();
    assert_eq!(row.trigger, TriggerKind::Backfill);
    assert_eq!(
        (row.backfill, row.data_date),
        (Some(id), date("2026-02-27"))
    );

    bed.succeed("a/one");
    assert_eq!(dates(&bed, id), [Succeeded, Running, Waiting]);
    bed.succeed("e2 a/one");
    assert_eq!(dates(&bed, id), [Succeeded, Succeeded, Running]);
    assert_eq!(state(&bed, id), BackfillState::Running);
    bed.succeed("e3 a/one");
    bed.said(&[
        "e3 a/one#1 succeeded",
        "e3 a/one succeeded",
        "a succeeded",
        "a reached 2026-03-01",
        "e3 succeeded",
        "2026-03-01 succeeded",
        "backfill succeeded",
        "h: ack e3 a/one#1",
    ]);
    assert_eq!(bed.engine.backfills().count(), 0);
}

#[test]
fn all_dates_are_written_as_the_backfill_says() {
    let mut bed = bed();
    let format = Some("%d.%m.%Y".parse().unwrap());
    let request = BackfillRequest {
        date_format: format.clone(),
        ..request(&bed, "2026-02-27", "2026-02-28", 1)
    };
    bed.apply(Input::Backfill(request));
    let Reply::BackfillStarted(id) = bed.reply else {
        panic!("{:?}", bed.reply)
    };
    bed.succeed("a/one");
    bed.fail("e2 a/one");
    restart(&mut bed, id).unwrap();
    assert_eq!(bed.store.executions.len(), 3);
    for row in bed.store.executions.values() {
        assert_eq!(row.date_format, format, "{}", row.data_date);
    }
    assert_eq!(bed.store.backfills[&id].date_format, format);
}

#[test]
fn several_dates_run_at_once_if_asked_the_earliest_first() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-01-01", "2026-01-04", 2);
    assert_eq!(dates(&bed, id), [Running, Running, Waiting, Waiting]);
    bed.succeed("e2 a/one");
    assert_eq!(dates(&bed, id), [Running, Succeeded, Running, Waiting]);
}

#[test]
fn flows_without_jobs_take_no_time() {
    let mut bed = Bed::new([flow("a", &[])]);
    let id = start(&mut bed, "2020-01-01", "2029-12-31", 3);
    assert_eq!(state(&bed, id), BackfillState::Succeeded);
    assert_eq!(bed.store.executions.len(), 3_653);
}

#[test]
fn the_plan_names_flows_dates_and_jobs_and_changes_nothing() {
    let mut bed = bed();
    bed.edit([job("a/off").off().edit()]);
    let mut request = request(&bed, "2026-01-31", "2026-02-01", 1);
    request.downstream = true;
    let before = bed.engine.snapshot();
    let [a, b] = ["a", "b"].map(|name| PlannedFlow {
        flow: bed.flow(name),
        name: name.into(),
        jobs: 1,
    });
    let plan = BackfillPlan {
        flows: vec![a, b],
        dates: vec![date("2026-01-31"), date("2026-02-01")],
        job_runs: 4,
    };
    assert_eq!(bed.engine.plan_backfill(&request), Ok(plan));
    assert_eq!(bed.engine.snapshot(), before);
    bed.apply(Input::Backfill(request));
    let flows = bed.store.flow_runs.values().map(|run| run.flow);
    assert!(flows.eq([bed.flow("a"), bed.flow("b")]));
}

#[test]
fn senseless_ranges_are_refused() {
    let mut bed = bed();
    let cases = [
        ("2026-01-02", "2026-01-01", 1),
        ("2016-01-01", "2026-01-08", 1),
        ("0001-01-01", "9999-12-31", 1),
        ("2026-01-01", "2026-01-01", 0),
        ("2026-01-01", "2026-01-01", 367),
    ];
    for (from, to, parallel) in cases {
        let request = request(&bed, from, to, parallel);
        let refused = bed.try_apply(Input::Backfill(request.clone())).unwrap_err();
        assert_eq!(bed.engine.plan_backfill(&request), Err(refused.clone()));
        match refused {
            Rejected::BackfillRange { most: 3_660, .. } => assert_eq!(parallel, 1),
            Rejected::BackfillParallel { most: 366, .. } => assert_ne!(parallel, 1),
            other => panic!("{other}"),
        }
    }
    let flow = bed.flow("a");
    disable(&mut bed);
    let request = request(&bed, "2026-01-01", "2026-01-01", 1);
    let refused = bed.try_apply(Input::Backfill(request));
    assert_eq!(refused, Err(Rejected::FlowDisabled { flow }));
}

#[test]
fn a_failed_date_lets_no_other_begin_and_a_restart_goes_on_with_it() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-01-01", "2026-01-04", 2);
    bed.fail("a/one");
    assert_eq!(dates(&bed, id), [Failed, Running, Waiting, Waiting]);
    assert_eq!(state(&bed, id), BackfillState::Running);
    let (backfill, wrong) = (id, BackfillState::Running);
    let refused = Rejected::WrongBackfillState {
        backfill,
        state: wrong,
    };
    assert_eq!(restart(&mut bed, id), Err(refused));
    bed.succeed("e2 a/one");
    assert_eq!(dates(&bed, id), [Failed, Succeeded, Waiting, Waiting]);
    assert_eq!(state(&bed, id), BackfillState::Failed);
    bed.reload();
    bed.hello("h", vec![]);

    restart(&mut bed, id).unwrap();
    assert_eq!(dates(&bed, id), [Running, Succeeded, Running, Waiting]);
    let row = &bed.store.backfills[&id];
    assert_eq!((row.restarts, row.ended_at), (1, None));
    assert_eq!(row.restarted_by.as_deref(), Some("bob"));
    for run in ["e3 a/one", "e4 a/one", "e5 a/one"] {
        bed.succeed(run);
    }
    assert_eq!(state(&bed, id), BackfillState::Succeeded);
    let refused = Rejected::UnknownBackfill { backfill: id };
    assert_eq!(restart(&mut bed, id), Err(refused.clone()));
    assert_eq!(stop(&mut bed, id), Err(refused));
}

#[test]
fn a_stop_ends_all_that_runs_and_begins_nothing() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-01-01", "2026-01-03", 2);
    stop(&mut bed, id).unwrap();
    assert_eq!(state(&bed, id), BackfillState::Stopping);
    bed.finish("e1 a/one", EndCause::Killed);
    assert_eq!(dates(&bed, id), [Stopped, Running, Waiting]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.finish("e2 a/one", EndCause::Killed);
    assert_eq!(dates(&bed, id), [Stopped, Stopped, Waiting]);
    assert_eq!(state(&bed, id), BackfillState::Stopped);
    assert_eq!(bed.store.backfills[&id].stopped_by.as_deref(), Some("bob"));

    restart(&mut bed, id).unwrap();
    assert_eq!(dates(&bed, id), [Running, Running, Waiting]);
    assert_eq!(bed.store.backfills[&id].stopped_by, None);
}

#[test]
fn a_date_that_people_resume_is_a_date_of_it_again() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-01-01", "2026-01-02", 1);
    let first = *bed.store.executions.keys().next().unwrap();
    bed.fail("a/one");
    assert_eq!(state(&bed, id), BackfillState::Failed);
    bed.resume(first);
    assert_eq!(dates(&bed, id), [Running, Waiting]);
    bed.succeed("a/one");
    assert_eq!(dates(&bed, id), [Succeeded, Waiting]);
    assert_eq!(
        state(&bed, id),
        BackfillState::Failed,
        "until it is restarted"
    );
    restart(&mut bed, id).unwrap();
    bed.succeed("e2 a/one");
    assert_eq!(state(&bed, id), BackfillState::Succeeded);
}

#[test]
fn an_execution_that_a_restart_replaced_counts_no_more() {
    let mut bed = bed();
    let id = start(&mut bed, "2026-01-01", "2026-01-01", 1);
    let first = *bed.store.executions.keys().next().unwrap();
    bed.fail("a/one");
    restart(&mut bed, id).unwrap();
    bed.fail("e2 a/one");
    bed.resume(first);
    bed.succeed("a/one");
    assert_eq!(dates(&bed, id), [Failed]);
    assert_eq!(state(&bed, id), BackfillState::Failed);
}

#[test]
fn a_flow_that_is_gone_fails_the_date_that_would_begin() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[]), job("a/one").edit()]);
    let mut request = request(&bed, "2026-01-01", "2026-01-03", 1);
    request.params = vec![Param {
        name: "zone".into(),
        value: "north".into(),
    }];
    bed.apply(Input::Backfill(request));
    disable(&mut bed);
    bed.succeed("a/one");
    let (id, row) = bed.store.backfills.iter().next().unwrap();
    assert_eq!(row.state, BackfillState::Failed);
    assert_eq!(dates(&bed, *id), [Succeeded, Failed, Waiting]);
    assert_eq!(bed.store.executions.len(), 1);
}
