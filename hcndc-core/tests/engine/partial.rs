//! Starts of some jobs only (R10).

use hcndc_core::{
    engine::{ExecutionState, Input, JobRunState as S, Rejected, Start, TriggerKind},
    id::{FlowId, JobId},
};

use crate::bed::{Bed, DATE, JobWords as _, date, flow, host, job};

fn bed() -> Bed {
    Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
        job("a/z").after("a/y").edit(),
        flow("b", &["a"]),
        job("b/end").after("a/z").edit(),
    ])
}

fn try_start(bed: &mut Bed, flows: Vec<FlowId>, jobs: Vec<JobId>) -> Result<(), Rejected> {
    bed.try_apply(Input::Start(Start {
        trigger: TriggerKind::Manual,
        flows,
        jobs: Some(jobs),
        downstream: false,
        data_date: date(DATE),
        date_format: None,
        params: vec![],
        by: "ann".into(),
    }))
}

fn start(bed: &mut Bed, jobs: &[&str]) {
    let jobs = jobs.iter().map(|name| bed.job(name)).collect();
    try_start(bed, vec![], jobs).unwrap();
}

#[test]
fn only_the_jobs_asked_for_run_and_order_passes_through_the_others() {
    let mut bed = bed();
    start(&mut bed, &["a/x", "a/z"]);
    let execution = bed.started();
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "a/y skipped",
        "a/z queued",
        "a/z#1 dispatched",
        "a/z dispatched",
        "h: ack a/x#1",
        "h: run a/z#1",
    ]);
    bed.succeed("a/z");
    // It has not reached the date.
    bed.said(&[
        "a/z#1 succeeded",
        "a/z succeeded",
        "a succeeded",
        "e1 succeeded",
        "h: ack a/z#1",
    ]);
    let row = &bed.store.executions[&execution];
    assert!(row.partial);
    assert_eq!(bed.engine.data_date(bed.flow("a")), None);
}

#[test]
fn what_is_outside_does_not_hold_a_partial_execution() {
    let mut bed = bed();
    start(&mut bed, &["b/end"]);
    assert_eq!(bed.state("b/end"), S::Dispatched);
    let execution = bed.started();
    bed.fail("b/end");
    bed.resume(execution);
    assert_eq!(bed.state("b/end"), S::Dispatched);
}

#[test]
fn a_parent_outside_does_not_hold_a_partial_execution_that_nobody_asked_for() {
    let mut bed = bed();
    bed.apply(Input::Start(Start {
        trigger: TriggerKind::Schedule,
        flows: vec![],
        jobs: Some(vec![bed.job("b/end")]),
        downstream: false,
        data_date: date(DATE),
        date_format: None,
        params: vec![],
        by: "nightly".into(),
    }));
    assert_eq!(bed.state("b/end"), S::Dispatched);
}

#[test]
fn what_was_left_out_stays_out_when_it_runs_again_unless_it_is_named() {
    let mut bed = bed();
    start(&mut bed, &["a/x"]);
    let execution = bed.started();
    bed.succeed("a/x");
    assert_eq!(bed.state("a/z"), S::Skipped);
    bed.reset(execution);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/y"), S::Skipped);
    bed.rerun(execution, &["a/y"]);
    assert_eq!(bed.state("a/y"), S::Dispatched);
    bed.reload();
    bed.hello("h", vec![]);
    bed.succeed("a/y");
    assert_eq!(bed.state("a/z"), S::Skipped);
    let row = &bed.store.executions[&execution];
    assert_eq!(row.state, ExecutionState::Succeeded);
}

#[test]
fn jobs_that_are_not_there_are_refused() {
    let mut bed = bed();
    let job = JobId(9_999);
    let flow = bed.flow("a");
    let refused = try_start(&mut bed, vec![flow], vec![job]);
    assert_eq!(refused, Err(Rejected::UnknownJob { job }));
    let refused = try_start(&mut bed, vec![flow], vec![]);
    assert_eq!(refused, Err(Rejected::NoJobs));
}
