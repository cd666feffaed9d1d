//! Stop, resume, rerun (R10).

use hcndc_core::{
    engine::{EndCause, ExecutionState, Input, JobRunState, Rejected},
    id::{ExecutionId, JobRunId},
    model::{Condition, Edit, FlowDraft, JobDraft},
};

use crate::bed::{Bed, JobWords as _, flow, flow_draft, host, job, secs};

fn chain() -> Bed {
    Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        flow("b", &["a"]),
        job("b/z").edit(),
    ])
}

/// A new version of a job, by what its old one is called.
fn changed(bed: &Bed, name: &str, draft: JobDraft) -> Edit {
    let id = Some(bed.job(name));
    Edit::PutJob(JobDraft { id, ..draft })
}

#[test]
fn stop_kills_what_runs_and_drops_what_waits() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/retrying").retry(1, 60).first(9).edit(),
        job("a/dispatched").first(8).edit(),
        job("a/running").first(7).edit(),
        job("a/queued").edit(),
        job("a/blocked").after("a/queued").edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.fail("a/retrying");
    bed.begin("a/running");
    bed.stop(execution);
    bed.said(&[
        "a/dispatched#1 dispatched, to be killed",
        "a/running#1 running, to be killed",
        "e1 stopping",
        "a/retrying killed",
        "a/queued killed",
        "h: kill a/dispatched#1",
        "h: kill a/running#1",
    ]);
    assert_eq!(bed.engine.next_wakeup(), None);

    let (by, state) = ("bob".into(), ExecutionState::Stopping);
    let refused = bed.try_apply(Input::Stop { execution, by });
    assert_eq!(refused, Err(Rejected::WrongState { execution, state }));

    bed.finish("a/running", EndCause::Killed);
    bed.said(&[
        "a/running#1 killed",
        "a/running killed",
        "h: ack a/running#1",
    ]);
    // Nothing follows from what succeeds before the kill arrives.
    bed.succeed("a/dispatched");
    bed.said(&[
        "a/dispatched#1 succeeded",
        "a/dispatched succeeded",
        "a stopped",
        "e1 stopped",
        "h: ack a/dispatched#1",
    ]);
    assert_eq!(bed.state("a/blocked"), JobRunState::Blocked);
    assert!(!bed.engine.is_live(execution));
}

#[test]
fn a_killed_job_is_not_tried_again() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(5, 1).edit()]);
    let execution = bed.start(&["a"]);
    bed.stop(execution);
    bed.finish("a/x", EndCause::Signaled(9));
    bed.said(&[
        "a/x#1 killed",
        "a/x killed",
        "a stopped",
        "e1 stopped",
        "h: ack a/x#1",
    ]);
}

#[test]
fn an_unknown_execution_cannot_be_stopped_resumed_or_rerun() {
    let mut bed = chain();
    let execution = ExecutionId(77);
    let by = || String::from("bob");
    let unknown = Err(Rejected::UnknownExecution { execution });
    assert_eq!(
        bed.try_apply(Input::Stop {
            execution,
            by: by()
        }),
        unknown
    );
    let archived = None;
    assert_eq!(
        bed.try_apply(Input::Resume {
            execution,
            by: by(),
            archived
        }),
        unknown
    );
    let (archived, from) = (None, vec![JobRunId(1)]);
    assert_eq!(
        bed.try_apply(Input::Rerun {
            execution,
            from,
            by: by(),
            archived
        }),
        unknown
    );
}

#[test]
fn resume_goes_on_where_it_broke() {
    let mut bed = chain();
    let execution = bed.start(&["a", "b"]);
    bed.succeed("a/x");
    bed.fail("a/y");
    bed.said(&[
        "a/y#1 failed",
        "a/y failed",
        "a failed",
        "e1 failed",
        "h: ack a/y#1",
    ]);
    bed.resume(execution);
    bed.said(&[
        "e1 running",
        "a/y blocked",
        "a waiting",
        "a running",
        "a/y queued",
        "a/y#2 dispatched",
        "a/y dispatched",
        "h: run a/y#2",
    ]);
    let (by, state) = ("bob".into(), ExecutionState::Running);
    let archived = bed.store.execution(execution).map(Box::new);
    let refused = bed.try_apply(Input::Resume {
        execution,
        by,
        archived,
    });
    assert_eq!(refused, Err(Rejected::WrongState { execution, state }));
    bed.succeed("a/y");
    bed.said(&[
        "a/y#2 succeeded",
        "a/y succeeded",
        "a succeeded",
        "a reached 2026-11-21",
        "b running",
        "b/z queued",
        "b/z#1 dispatched",
        "b/z dispatched",
        "h: ack a/y#2",
        "h: run b/z#1",
    ]);
    bed.succeed("b/z");
    let state = ExecutionState::Succeeded;
    let refused = bed.try_resume(execution);
    assert_eq!(refused, Err(Rejected::WrongState { execution, state }));
}

#[test]
fn resume_after_a_stop_runs_what_was_killed_and_what_never_began() {
    let mut bed = chain();
    let execution = bed.start(&["a", "b"]);
    bed.stop(execution);
    bed.finish("a/x", EndCause::Killed);
    bed.said(&[
        "a/x#1 killed",
        "a/x killed",
        "a stopped",
        "e1 stopped",
        "h: ack a/x#1",
    ]);
    bed.resume(execution);
    for name in ["a/x", "a/y", "b/z"] {
        bed.succeed(name);
    }
    assert_eq!(
        bed.store.executions[&execution].state,
        ExecutionState::Succeeded
    );
    assert_eq!(bed.store.executions[&execution].resumes, 1);
}

#[test]
fn retries_count_anew_after_a_resume() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 1).edit()]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    bed.pass(secs(1));
    bed.fail("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Failed);
    bed.resume(execution);
    bed.fail("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::RetryWait);
    bed.pass(secs(1));
    bed.fail("a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Failed);
    let (_, attempt) = bed.attempt("a/x");
    assert_eq!(bed.store.attempts[&attempt].number, 4);
}

#[test]
fn resume_reads_the_rest_afresh_and_says_so() {
    let mut bed = chain();
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    let edits = [
        changed(
            &bed,
            "a/x",
            JobDraft {
                command: "sh better.sh".into(),
                ..job("a/x")
            },
        ),
        changed(&bed, "b/z", job("b/z").first(3)),
        Edit::PutFlow(FlowDraft {
            id: Some(bed.flow("b")),
            priority: 2,
            ..flow_draft("b", &["a"])
        }),
    ];
    bed.edit(edits);
    bed.resume(execution);
    // What moves tells its version with it; what waits tells it now, for a reload must know it.
    bed.said(&[
        "b as v2",
        "a/x as v2",
        "b/z as v2",
        "e1 running",
        "a/x blocked",
        "a/y blocked",
        "a waiting",
        "a running",
        "a/x queued",
        "a/x#2 dispatched",
        "a/x dispatched",
        "h: run a/x#2",
    ]);
}

#[test]
fn resume_skips_jobs_that_are_no_more() {
    let mut bed = chain();
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    let (x, y, z) = (bed.job("a/x"), bed.job("a/y"), bed.job("b/z"));
    let delete = |job| Edit::DeleteJob { job, version: None };
    bed.edit([delete(x), delete(y), delete(z)]);
    bed.resume(execution);
    bed.said(&[
        "e1 running",
        "a/x blocked",
        "a/y blocked",
        "a waiting",
        "a/x skipped",
        "a/y skipped",
        "b/z skipped",
        "a running",
        "a succeeded",
        "a reached 2026-11-21",
        "b running",
        "b succeeded",
        "b reached 2026-11-21",
        "e1 succeeded",
    ]);
}

#[test]
fn resume_skips_a_deleted_job_of_a_flow_that_still_waits() {
    let mut bed = chain();
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    let job = bed.job("b/z");
    bed.edit([Edit::DeleteJob { job, version: None }]);
    bed.resume(execution);
    assert_eq!(bed.state("b/z"), JobRunState::Skipped);
    bed.succeed("a/x");
    bed.succeed("a/y");
    assert_eq!(
        bed.store.executions[&execution].state,
        ExecutionState::Succeeded
    );
}

#[test]
fn resume_untangles_flows_whose_parents_were_turned_round() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("first", &[]),
        job("first/x").edit(),
        // Without jobs.
        flow("second", &["first"]),
    ]);
    let execution = bed.start(&["first", "second"]);
    bed.fail("first/x");
    let turned = [("first", &["second"] as &[_]), ("second", &[])].map(|(name, parents)| {
        Edit::PutFlow(FlowDraft {
            id: Some(bed.flow(name)),
            ..flow_draft(name, parents)
        })
    });
    bed.edit(turned);
    bed.resume(execution);
    assert_eq!(bed.state("first/x"), JobRunState::Dispatched);
    bed.succeed("first/x");
    assert_eq!(
        bed.store.executions[&execution].state,
        ExecutionState::Succeeded
    );
}

#[test]
fn rerun_from_a_job_runs_all_below_it_across_flows() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/w").edit(),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        flow("b", &[]),
        job("b/apart").edit(),
        job("b/z").after("a/y").edit(),
        flow("c", &["b"]),
        job("c/end").edit(),
    ]);
    let execution = bed.start(&["a", "b", "c"]);
    for name in ["a/w", "a/x", "b/apart", "a/y", "b/z", "c/end"] {
        bed.succeed(name);
    }
    bed.rerun(execution, &["a/y"]);
    bed.said(&[
        "e1 running",
        "a/y blocked",
        "b/z blocked",
        "c/end blocked",
        "a waiting",
        "b waiting",
        "c waiting",
        "a running",
        "a/y queued",
        "b running",
        "a/y#2 dispatched",
        "a/y dispatched",
        "h: run a/y#2",
    ]);
    for name in ["a/y", "b/z", "c/end"] {
        bed.succeed(name);
    }
    assert_eq!(
        bed.store.executions[&execution].state,
        ExecutionState::Succeeded
    );
    assert_eq!(bed.store.attempts.len(), 9);
}

#[test]
fn rerun_waits_through_a_flow_without_jobs() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        flow("between", &["a"]),
        flow("b", &["between"]),
        job("b/z").edit(),
    ]);
    let execution = bed.start(&["a", "between", "b"]);
    bed.succeed("a/x");
    bed.succeed("b/z");
    bed.rerun(execution, &["a/x"]);
    assert_eq!(bed.state("b/z"), JobRunState::Blocked);
    bed.succeed("a/x");
    assert_eq!(bed.state("b/z"), JobRunState::Dispatched);
}

#[test]
fn rerun_below_what_failed_fails_again_at_once() {
    let mut bed = chain();
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    bed.rerun(execution, &["a/y"]);
    bed.said(&[
        "e1 running",
        "a/y blocked",
        "a waiting",
        "a running",
        "a/y upstream_failed",
        "a failed",
        "e1 failed",
    ]);
}

#[test]
fn rerun_runs_what_it_never_came_to_by_the_definitions_of_now() {
    let mut bed = Bed::new([
        host("old", 4),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/y").edit(),
        job("b/z").after("b/y").on("old").edit(),
    ]);
    let execution = bed.start(&["a", "b"]);
    bed.stop(execution);
    bed.finish("a/x", EndCause::Killed);
    bed.succeed("b/y");
    // b/z was never queued, and is not below a/x.
    assert_eq!(bed.state("b/z"), JobRunState::Blocked);
    let edit = changed(&bed, "b/z", job("b/z").after("b/y"));
    bed.edit([edit]);
    bed.rerun(execution, &["a/x"]);
    assert_eq!(bed.state("b/z"), JobRunState::Dispatched);
    assert_eq!(bed.store.job_runs[&bed.run("b/z")].job_version, 2);
}

#[test]
fn rerun_names_job_runs_of_its_execution() {
    let mut bed = chain();
    let execution = bed.start(&["a"]);
    bed.succeed("a/x");
    bed.succeed("a/y");
    let archived = || bed.store.execution(execution).map(Box::new);
    let (by, from, none) = (String::from("bob"), vec![JobRunId(999)], vec![]);
    let nobody = Input::Rerun {
        execution,
        from,
        by: by.clone(),
        archived: archived(),
    };
    let nothing = Input::Rerun {
        execution,
        from: none,
        by,
        archived: archived(),
    };
    let job_run = JobRunId(999);
    assert_eq!(
        bed.try_apply(nobody),
        Err(Rejected::UnknownJobRun { job_run })
    );
    assert_eq!(bed.try_apply(nothing), Err(Rejected::NoJobRuns));
}

#[test]
fn a_handler_runs_again_with_what_it_handles() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/rescue").after_end("a/x", Condition::Failure).edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/rescue"), JobRunState::Skipped);
    bed.rerun(execution, &["a/x"]);
    bed.fail("a/x");
    assert_eq!(bed.state("a/rescue"), JobRunState::Dispatched);
}

#[test]
fn a_resume_waits_for_a_job_from_outside() {
    let mut bed = chain();
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    let edit = changed(&bed, "a/y", job("a/y").after("a/x").after("c/w"));
    bed.edit([flow("c", &[]), job("c/w").edit(), edit]);
    bed.resume(execution);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/y"), JobRunState::Blocked);
    bed.start(&["c"]);
    bed.succeed("e2 c/w");
    assert_eq!(bed.state("a/y"), JobRunState::Dispatched);
}

#[test]
fn a_resume_with_a_job_that_is_newer_is_refused_until_nothing_needs_it() {
    let mut bed = chain();
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    let edit = changed(&bed, "a/y", job("a/y").after("a/x").after("a/new"));
    bed.edit([job("a/new").edit(), edit]);
    let refused = bed.try_resume(execution);
    let (job_name, depends_on) = ("a/y".into(), "a/new".into());
    assert_eq!(
        refused,
        Err(Rejected::NewerDependency {
            job: job_name,
            depends_on
        })
    );
    let edit = changed(&bed, "a/y", job("a/y").after("a/x"));
    bed.edit([edit]);
    bed.resume(execution);
    assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
}

#[test]
fn an_archived_snapshot_that_does_not_fit_is_refused() {
    let mut bed = chain();
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    let good = bed.store.execution(execution).unwrap();
    let spoil: [fn(&mut hcndc_core::engine::ExecutionSnapshot); 6] = [
        |it| it.row.id = ExecutionId(99),
        |it| drop(it.flow_runs.pop()),
        |it| it.job_runs.reverse(),
        |it| it.job_runs[0].0.state = JobRunState::Running,
        |it| it.job_runs[0].0.attempts_before = 7,
        |it| it.flow_runs[0].0.state = hcndc_core::engine::FlowRunState::Running,
    ];
    for spoil in spoil {
        let mut snapshot = good.clone();
        spoil(&mut snapshot);
        let (by, archived) = ("bob".into(), Some(Box::new(snapshot)));
        let refused = bed.try_apply(Input::Resume {
            execution,
            by,
            archived,
        });
        assert_eq!(refused, Err(Rejected::BadSnapshot { execution }));
    }
    bed.resume(execution);
}
