//! Time and flow runs: timeouts, and what failed and runs again by itself.

use std::time::Duration;

use hcndc_core::{
    engine::{EndCause, ExecutionState, FlowRunState as F, Held, Hold, JobRunState as S},
    model::{Condition, Edit, FlowDraft},
};

use crate::bed::{Bed, JobWords as _, flow, flow_draft, host, job, secs};

fn with_timeout(name: &str, seconds: u64) -> Edit {
    Edit::PutFlow(FlowDraft {
        timeout: Some(secs(seconds)),
        ..flow_draft(name, &[])
    })
}

fn with_restarts(name: &str, retries: u32, delay: u64) -> Edit {
    Edit::PutFlow(FlowDraft {
        restart_retries: retries,
        restart_delay: secs(delay),
        ..flow_draft(name, &[])
    })
}

#[test]
fn a_flow_run_that_takes_too_long_is_cut_off() {
    let mut bed = Bed::new([
        host("h", 1),
        with_timeout("a", 60),
        job("a/runs").first(9).edit(),
        job("a/queued").edit(),
        job("a/after").after("a/queued").edit(),
        job("a/cleanup")
            .after_end("a/queued", Condition::Failure)
            .edit(),
        flow("b", &[]),
        job("b/other").edit(),
    ]);
    let execution = bed.start(&["a", "b"]);
    bed.begin("a/runs");
    bed.pass(secs(59));
    let (attempt, started) = (bed.attempt("a/runs").1, Some((7, bed.now)));
    bed.reload();
    let end = None;
    bed.hello(
        "h",
        vec![Held {
            attempt,
            started,
            end,
        }],
    );
    bed.pass(secs(1));
    // Nothing more of it begins, not even what waited for a failure.
    for (name, state) in [
        ("a/runs", S::Running),
        ("a/queued", S::Killed),
        ("a/after", S::UpstreamFailed),
        ("a/cleanup", S::UpstreamFailed),
    ] {
        assert_eq!(bed.state(name), state, "{name}");
    }
    assert_eq!(bed.flow_state(execution, "a"), F::Running);
    bed.finish("a/runs", EndCause::Killed);
    assert_eq!(bed.flow_state(execution, "a"), F::Failed);
    assert!(bed.store.flow_runs[&bed.flow_run(execution, "a").0].timed_out);
    bed.succeed("b/other");
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
    bed.resume(execution);
    let row = bed.store.flow_runs[&bed.flow_run(execution, "a").0];
    assert_eq!((row.state, row.timed_out), (F::Running, false));
}

#[test]
fn a_flow_run_that_ends_in_time_is_left_alone() {
    let mut bed = Bed::new([host("h", 1), with_timeout("a", 60), job("a/x").edit()]);
    bed.start(&["a"]);
    bed.succeed("a/x");
    assert_eq!(bed.engine.next_wakeup(), None);
}

#[test]
fn what_failed_runs_again_as_often_as_its_flow_says() {
    let mut bed = Bed::new([
        host("h", 9),
        with_restarts("a", 2, 30),
        job("a/good").edit(),
        job("a/bad").edit(),
        job("a/after").after("a/bad").edit(),
        flow("b", &[]),
        job("b/outside").after("a/bad").edit(),
        flow("c", &["a"]),
        job("c/last").edit(),
    ]);
    let execution = bed.start(&["a", "b", "c"]);
    bed.succeed("a/good");
    bed.fail("a/bad");
    assert_eq!(bed.state("b/outside"), S::UpstreamFailed);
    // It goes on, so that nothing else takes its place.
    assert_eq!(bed.flow_state(execution, "a"), F::Running);
    let at = bed.now.after(Duration::from_secs(30));
    assert_eq!(bed.flow_holds(execution, "a"), [Hold::Restart { at }]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.pass(secs(30));
    assert_eq!(bed.state("a/good"), S::Succeeded);
    assert_eq!(bed.state("a/bad"), S::Dispatched);
    assert_eq!(bed.state("b/outside"), S::Blocked);
    bed.fail("a/bad");
    bed.pass(secs(30));
    bed.succeed("a/bad");
    bed.succeed("a/after");
    assert_eq!(bed.flow_state(execution, "a"), F::Succeeded);
    assert_eq!(bed.state("b/outside"), S::Dispatched);
    assert_eq!(bed.state("c/last"), S::Dispatched);
    let row = bed.store.flow_runs[&bed.flow_run(execution, "a").0];
    assert_eq!((row.restarts, row.restart_at), (2, None));
}

#[test]
fn in_the_end_it_fails() {
    let mut bed = Bed::new([host("h", 9), with_restarts("a", 1, 0), job("a/bad").edit()]);
    let execution = bed.start(&["a"]);
    bed.fail("a/bad");
    assert_eq!(bed.state("a/bad"), S::Dispatched);
    bed.fail("a/bad");
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
}

#[test]
fn what_a_person_killed_or_stopped_stays_down() {
    let mut bed = Bed::new([host("h", 9), with_restarts("a", 9, 30), job("a/x").edit()]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    bed.stop(execution);
    assert_eq!(bed.execution_state(execution), ExecutionState::Stopped);
    assert_eq!(bed.flow_state(execution, "a"), F::Stopped);
    bed.pass(secs(60));
    assert_eq!(bed.state("a/x"), S::Failed);
    bed.resume(execution);
    bed.begin("a/x");
    let (by, job_run) = ("bob".into(), bed.run("a/x"));
    bed.apply(hcndc_core::engine::Input::Kill { job_run, by });
    bed.finish("a/x", EndCause::Killed);
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
}

#[test]
fn what_waits_to_run_again_is_cut_off_too() {
    let mut bed = Bed::new([
        host("h", 1),
        Edit::PutFlow(FlowDraft {
            timeout: Some(secs(60)),
            restart_retries: 1,
            restart_delay: secs(100),
            ..flow_draft("a", &[])
        }),
        job("a/x").edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    assert_eq!(bed.flow_state(execution, "a"), F::Running);
    bed.pass(secs(60));
    assert_eq!(bed.flow_state(execution, "a"), F::Failed);
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
    assert_eq!(bed.engine.next_wakeup(), None);
}

#[test]
fn flow_runs_that_wait_for_each_other_do_not_take_each_other_up_for_ever() {
    let mut bed = Bed::new([
        host("h", 9),
        with_restarts("a", 1, 0),
        job("a/first").edit(),
        with_restarts("b", 1, 0),
        job("b/second").after("a/first").edit(),
        job("a/third").after("b/second").edit(),
    ]);
    let execution = bed.start(&["a", "b"]);
    let mut failures = 0;
    while bed.execution_state(execution) == ExecutionState::Running {
        bed.fail("a/first");
        failures += 1;
        assert!(failures < 9, "it never ends");
    }
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
}

#[test]
fn what_had_failed_before_its_flow_run_joined_another_stays_so() {
    let mut bed = Bed::new([
        host("h", 9),
        with_timeout("a", 60),
        job("a/x").edit(),
        with_restarts("b", 1, 100),
        job("b/z").after("a/x").edit(),
        job("a/y").after("b/z").edit(),
    ]);
    let first = bed.fire(&["a", "b"]);
    bed.begin("a/x");
    bed.pass(secs(60));
    bed.finish("a/x", EndCause::Killed);
    assert_eq!(bed.flow_state(first, "a"), F::Failed);
    // Meanwhile somebody has both run for the date.
    bed.start(&["a", "b"]);
    for name in ["e2 a/x", "e2 b/z", "e2 a/y"] {
        bed.succeed(name);
    }
    // What failed of b runs again, and a/y with it, which has been done elsewhere; a/x has not been done here.
    bed.pass(secs(100));
    assert_eq!(bed.state("a/x"), S::Killed);
    assert_eq!(bed.state("a/y"), S::Skipped);
    assert_eq!(bed.flow_state(first, "a"), F::Failed);
    assert_eq!(bed.execution_state(first), ExecutionState::Failed);
}

#[test]
fn what_people_make_good_begins_nothing_in_a_flow_run_that_is_cut_off() {
    let mut bed = Bed::new([
        host("h", 1),
        with_timeout("a", 60),
        job("a/runs").first(9).edit(),
        job("a/queued").edit(),
        job("a/after").after("a/queued").edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.begin("a/runs");
    bed.pass(secs(60));
    bed.skip(execution, &["a/queued"]);
    assert_eq!(bed.state("a/after"), S::UpstreamFailed);
    bed.finish("a/runs", EndCause::Killed);
    assert_eq!(bed.flow_state(execution, "a"), F::Failed);
    // Once it has ended, what is made good lets the rest begin anew, with time of its own.
    bed.skip(execution, &["a/runs"]);
    bed.resume(execution);
    assert_eq!(bed.state("a/after"), S::Dispatched);
}
