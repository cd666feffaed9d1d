//! Pause, and its end (R10).

use hcndc_core::{
    engine::{ExecutionState, FlowRunState, Hold, Input, JobRunState, Rejected},
    id::ExecutionId,
};

use crate::bed::{Bed, JobWords as _, flow, host, job, secs};

/// Two jobs at once, a third behind, and a flow behind that.
fn bed() -> Bed {
    Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").first(2).edit(),
        job("a/y").first(1).edit(),
        job("a/z").after("a/x").edit(),
        flow("b", &["a"]),
        job("b/end").edit(),
    ])
}

#[test]
fn a_pause_lets_what_runs_end_and_starts_nothing() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    bed.pause(execution);
    bed.said(&["e1 paused"]);
    let paused = Hold::Paused { by: "bob".into() };
    assert!(bed.holds("a/y").contains(&paused));
    assert!(bed.holds("a/z").contains(&paused));
    assert!(bed.holds("b/end").contains(&paused));
    assert_eq!(bed.holds("a/x"), []);
    // What follows is queued, but takes no place.
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "a/z queued",
        "h: ack a/x#1",
    ]);
    assert!(bed.engine.is_live(execution));
    bed.unpause(execution);
    bed.said(&["a/y#1 dispatched", "a/y dispatched", "h: run a/y#1"]);
    let row = &bed.store.executions[&execution];
    assert_eq!((&row.paused_by, row.resumes), (&None, 0));
    bed.succeed("a/y");
    bed.succeed("a/z");
    bed.succeed("b/end");
    let row = &bed.store.executions[&execution];
    assert_eq!(row.state, ExecutionState::Succeeded);
    assert_eq!(bed.actions(), ["bob pause e1", "eve unpause e1"]);
}

#[test]
fn others_use_what_a_paused_execution_leaves_free() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    bed.pause(execution);
    bed.succeed("a/x");
    bed.try_start(&["b"], false).unwrap();
    assert_eq!(bed.state("e2 b/end"), JobRunState::Dispatched);
}

#[test]
fn a_flow_does_not_start_during_a_pause() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    bed.succeed("a/x");
    bed.succeed("a/y");
    bed.pause(execution);
    bed.succeed("a/z");
    bed.said(&[
        "a/z#1 succeeded",
        "a/z succeeded",
        "a succeeded",
        "a reached 2026-11-21",
        "h: ack a/z#1",
    ]);
    // Nothing of it is active, and it is not over.
    assert!(bed.engine.is_live(execution));
    bed.reload();
    assert!(bed.engine.is_live(execution));
    bed.unpause(execution);
    bed.said(&["b running", "b/end queued"]);
}

#[test]
fn a_paused_execution_of_which_nothing_is_left_ends() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    let execution = bed.start(&["a"]);
    bed.pause(execution);
    bed.succeed("a/x");
    let row = &bed.store.executions[&execution];
    assert_eq!(
        (row.state, &row.paused_by),
        (ExecutionState::Succeeded, &None)
    );
}

#[test]
fn a_retry_that_comes_due_during_a_pause_waits_for_its_end() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 5).edit()]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    bed.pause(execution);
    bed.pass(secs(5));
    bed.said(&["a/x queued"]);
    bed.reload();
    bed.hello("h", vec![]);
    assert_eq!(bed.state("a/x"), JobRunState::Queued);
    bed.unpause(execution);
    assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
}

#[test]
fn a_paused_execution_can_be_stopped() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    bed.pause(execution);
    bed.succeed("a/x");
    bed.stop(execution);
    bed.said(&[
        "e1 stopping",
        "a/y killed",
        "a/z killed",
        "a stopped",
        "e1 stopped",
    ]);
    let row = &bed.store.executions[&execution];
    assert_eq!(row.paused_by, None);
    bed.resume(execution);
    assert_eq!(bed.state("a/y"), JobRunState::Dispatched);
    let flows = bed.store.flow_runs.values();
    let states: Vec<_> = flows.map(|run| run.state).collect();
    assert_eq!(states, [FlowRunState::Running, FlowRunState::Waiting]);
}

#[test]
fn only_what_runs_is_paused_and_only_what_is_paused_goes_on() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    let wrong = |state| Err(Rejected::WrongState { execution, state });
    let by = || String::from("bob");
    let unpause = || Input::Unpause {
        execution,
        by: by(),
    };
    let pause = || Input::Pause {
        execution,
        by: by(),
    };
    assert_eq!(bed.try_apply(unpause()), wrong(ExecutionState::Running));
    bed.pause(execution);
    assert_eq!(bed.try_apply(pause()), wrong(ExecutionState::Paused));
    let archived = bed.store.execution(execution).map(Box::new);
    let resume = Input::Resume {
        execution,
        by: by(),
        archived,
    };
    assert_eq!(bed.try_apply(resume), wrong(ExecutionState::Paused));
    bed.stop(execution);
    assert_eq!(bed.try_apply(pause()), wrong(ExecutionState::Stopping));
    assert_eq!(bed.try_apply(unpause()), wrong(ExecutionState::Stopping));
    let execution = ExecutionId(77);
    let unknown = Err(Rejected::UnknownExecution { execution });
    assert_eq!(
        bed.try_apply(Input::Pause {
            execution,
            by: by()
        }),
        unknown
    );
    assert_eq!(bed.actions(), ["bob pause e1", "bob stop e1"]);
}
