//! Job runs that people settle, kill, or run anew from the start (R10).

use hcndc_core::{
    engine::{
        EndCause, ExecutionState, FlowRunState, Input, JobRunState as S, Rejected, SettledAs,
    },
    id::JobRunId,
    model::Condition,
};

use crate::bed::{Bed, JobWords as _, flow, host, job, secs};

/// `x` before `y` before `z`, `apart` by itself, and a flow behind.
fn bed() -> Bed {
    Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        job("a/z").after("a/y").edit(),
        job("a/apart").edit(),
        flow("b", &["a"]),
        job("b/end").edit(),
    ])
}

#[test]
fn skipping_what_failed_revives_what_it_had_kept_from_running() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    assert_eq!(bed.state("a/z"), S::UpstreamFailed);
    bed.skip(execution, &["a/x"]);
    bed.said(&[
        "a/x skipped",
        "a/y blocked",
        "a/z blocked",
        "a/y queued",
        "a/y#1 dispatched",
        "a/y dispatched",
        "h: run a/y#1",
    ]);
    for name in ["a/apart", "a/y", "a/z", "b/end"] {
        bed.succeed(name);
    }
    let row = &bed.store.executions[&execution];
    assert_eq!((row.state, row.resumes), (ExecutionState::Succeeded, 0));
    assert_eq!(bed.actions(), ["bob skip a/x"]);
}

#[test]
fn what_waits_can_be_settled_before_its_turn() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").retry(1, 60).edit(),
        job("a/y").after("a/x").edit(),
        job("a/queued").edit(),
        flow("b", &["a"]),
        job("b/end").edit(),
    ]);
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    assert_eq!(bed.state("a/x"), S::RetryWait);
    bed.begin("a/queued");
    let runs = ["a/x", "b/end"];
    bed.try_settle(execution, &runs, SettledAs::Succeeded)
        .unwrap();
    bed.said(&["a/x succeeded", "b/end succeeded", "a/y queued"]);
    // Its retry will not come.
    assert_eq!(bed.engine.next_wakeup(), None);
    bed.skip(execution, &["a/y"]);
    bed.succeed("a/queued");
    let row = &bed.store.executions[&execution];
    assert_eq!(row.state, ExecutionState::Succeeded);
    assert_eq!(
        bed.actions(),
        [
            "bob mark_succeeded a/x",
            "bob mark_succeeded b/end",
            "bob skip a/y"
        ]
    );
}

#[test]
fn what_runs_or_is_good_is_not_settled() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    for (name, state) in [("a/x", S::Dispatched), ("a/apart", S::Running)] {
        if state == S::Running {
            bed.begin(name);
        }
        let job_run = bed.run(name);
        let refused = bed.try_settle(execution, &["a/z", name], SettledAs::Skipped);
        assert_eq!(refused, Err(Rejected::WrongJobRunState { job_run, state }));
    }
    bed.succeed("a/x");
    bed.skip(execution, &["a/z"]);
    for (name, state) in [("a/x", S::Succeeded), ("a/z", S::Skipped)] {
        let job_run = bed.run(name);
        let refused = bed.try_settle(execution, &[name], SettledAs::Succeeded);
        assert_eq!(refused, Err(Rejected::WrongJobRunState { job_run, state }));
    }
    let none = bed.try_settle(execution, &[], SettledAs::Skipped);
    assert_eq!(none, Err(Rejected::NoJobRuns));
    let (by, job_run) = ("bob".into(), JobRunId(9_999));
    let foreign = bed.try_apply(Input::Settle {
        execution,
        job_runs: vec![job_run],
        settled: SettledAs::Skipped,
        by,
        archived: None,
    });
    assert_eq!(foreign, Err(Rejected::UnknownJobRun { job_run }));
    bed.stop(execution);
    let state = ExecutionState::Stopping;
    let refused = bed.try_settle(execution, &["a/y"], SettledAs::Skipped);
    assert_eq!(refused, Err(Rejected::WrongState { execution, state }));
}

#[test]
fn what_another_failure_keeps_from_running_stays_so() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/other").edit(),
        job("a/both").after("a/x").after("a/other").edit(),
        job("a/one").after("a/x").edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.fail("a/other");
    bed.fail("a/x");
    assert!(!bed.engine.is_live(execution));
    bed.skip(execution, &["a/x"]);
    bed.said(&[
        "e1 running",
        "a/one blocked",
        "a waiting",
        "a/x skipped",
        "a running",
        "a/one queued",
        "a/one#1 dispatched",
        "a/one dispatched",
        "h: run a/one#1",
    ]);
    bed.succeed("a/one");
    assert_eq!(bed.state("a/both"), S::UpstreamFailed);
    let row = &bed.store.executions[&execution];
    assert_eq!((row.state, row.resumes), (ExecutionState::Failed, 1));
    assert_eq!(row.resumed_by.as_deref(), Some("bob"));
    bed.skip(execution, &["a/other"]);
    assert_eq!(bed.state("a/both"), S::Dispatched);
}

#[test]
fn settling_the_last_failure_of_an_ended_execution_ends_it_well() {
    let mut bed = bed();
    let execution = bed.start(&["a"]);
    bed.succeed("a/apart");
    bed.succeed("a/x");
    bed.succeed("a/y");
    bed.fail("a/z");
    bed.try_settle(execution, &["a/z"], SettledAs::Succeeded)
        .unwrap();
    bed.said(&[
        "e1 running",
        "a waiting",
        "a/z succeeded",
        "a running",
        "a succeeded",
        "a reached 2026-11-21",
        "e1 succeeded",
    ]);
}

#[test]
fn what_began_because_of_a_failure_keeps_its_turn() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").first(2).edit(),
        job("a/y").after("a/x").edit(),
        job("a/apart").first(1).edit(),
        job("a/alarm").after_end("a/y", Condition::Failure).edit(),
        job("a/sweep").after_end("a/y", Condition::Done).edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    assert_eq!(bed.state("a/alarm"), S::Queued);
    bed.skip(execution, &["a/x"]);
    // They were let go when `y` could not run; now it can, and they are in line all the same.
    assert_eq!(bed.state("a/y"), S::Queued);
    assert_eq!(bed.state("a/alarm"), S::Queued);
    bed.reload();
    bed.hello("h", vec![]);
    for name in ["a/apart", "a/y", "a/alarm", "a/sweep"] {
        bed.succeed(name);
    }
    let row = &bed.store.executions[&execution];
    assert_eq!(row.state, ExecutionState::Succeeded);
}

#[test]
fn a_flow_that_failed_in_a_live_execution_is_opened_again() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        flow("b", &["a"]),
        job("b/end").edit(),
        flow("c", &[]),
        job("c/long").edit(),
    ]);
    let execution = bed.start(&["a", "b", "c"]);
    bed.fail("a/x");
    let state = |bed: &Bed| bed.store.flow_runs.values().next().unwrap().state;
    assert_eq!(state(&bed), FlowRunState::Failed);
    bed.skip(execution, &["a/x", "a/y"]);
    bed.said(&[
        "a/x skipped",
        "a/y skipped",
        "a waiting",
        "a running",
        "a succeeded",
        "a reached 2026-11-21",
        "b running",
        "b/end queued",
        "b/end#1 dispatched",
        "b/end dispatched",
        "h: run b/end#1",
    ]);
}

#[test]
fn killing_a_job_run_leaves_its_execution_going() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/x").retry(9, 60).first(2).edit(),
        job("a/y").after("a/x").edit(),
        job("a/waits").retry(9, 60).first(1).edit(),
        job("a/queued").edit(),
    ]);
    let execution = bed.start(&["a"]);
    let kill = |bed: &mut Bed, name: &str| {
        let (job_run, by) = (bed.run(name), "bob".into());
        bed.try_apply(Input::Kill { job_run, by })
    };
    bed.fail("a/waits");
    kill(&mut bed, "a/waits").unwrap();
    bed.said(&["a/waits killed"]);
    assert_eq!(bed.engine.next_wakeup(), None);
    kill(&mut bed, "a/x").unwrap();
    bed.said(&["a/x#1 dispatched, to be killed", "h: kill a/x#1"]);
    // No retry.
    bed.finish("a/x", EndCause::Killed);
    bed.said(&[
        "a/x#1 killed",
        "a/x killed",
        "a/y upstream_failed",
        "h: ack a/x#1",
    ]);
    let (job_run, state) = (bed.run("a/y"), S::UpstreamFailed);
    let refused = kill(&mut bed, "a/y");
    assert_eq!(refused, Err(Rejected::WrongJobRunState { job_run, state }));
    bed.succeed("a/queued");
    let row = &bed.store.executions[&execution];
    assert_eq!(row.state, ExecutionState::Failed);
    let job_run = bed.run("a/queued");
    let refused = kill(&mut bed, "a/queued");
    assert_eq!(refused, Err(Rejected::UnknownJobRun { job_run }));
    assert_eq!(bed.actions(), ["bob kill a/waits", "bob kill a/x"]);
}

#[test]
fn a_reset_runs_everything_anew() {
    let mut bed = bed();
    let execution = bed.start(&["a", "b"]);
    let refused = {
        let (by, archived) = ("bob".into(), bed.store.execution(execution).map(Box::new));
        bed.try_apply(Input::Reset {
            execution,
            by,
            archived,
        })
    };
    let state = ExecutionState::Running;
    assert_eq!(refused, Err(Rejected::WrongState { execution, state }));
    let all = ["a/apart", "a/x", "a/y", "a/z", "b/end"];
    for name in all {
        bed.succeed(name);
    }
    bed.reset(execution);
    assert_eq!(bed.state("a/x"), S::Dispatched);
    assert_eq!(bed.state("b/end"), S::Blocked);
    bed.pass(secs(1));
    for name in all {
        bed.succeed(name);
    }
    let row = &bed.store.executions[&execution];
    assert_eq!((row.state, row.resumes), (ExecutionState::Succeeded, 1));
    assert!(bed.store.job_runs.values().all(|run| run.attempt == 2));
    assert_eq!(bed.actions(), ["bob reset e1"]);
}
