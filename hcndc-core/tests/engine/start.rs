//! Starts, and the order in which jobs become ready (R1, R2, R4, R6).

use hcndc_core::{
    engine::{ExecutionState, FlowRunState, Input, JobRunState as S, Rejected, Start, TriggerKind},
    id::FlowId,
    model::{Condition, Edit, FlowDraft, Param},
};

use crate::bed::{Bed, DATE, JobWords as _, date, flow, flow_draft, host, job};

fn off(name: &str, parents: &[&str]) -> Edit {
    Edit::PutFlow(FlowDraft {
        enabled: false,
        ..flow_draft(name, parents)
    })
}

#[test]
fn a_flow_without_jobs_succeeds_at_once() {
    let mut bed = Bed::new([flow("a", &[]), flow("b", &["a"])]);
    bed.start(&["a", "b"]);
    bed.said(&[
        "a running",
        "a succeeded",
        "a reached 2026-11-21",
        "b running",
        "b succeeded",
        "b reached 2026-11-21",
        "e1 succeeded",
    ]);
    assert_eq!(bed.engine.load_figures(), (0, 0, 0));
    assert_eq!(bed.engine.data_date(bed.flow("a")), Some(date(DATE)));
}

#[test]
fn a_flow_without_enabled_jobs_succeeds_at_once() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").off().edit(),
        job("a/y").off().after("a/x").after("b/z").edit(),
        flow("b", &[]),
        job("b/z").edit(),
    ]);
    // Not even what its jobs would wait for holds it up.
    bed.start(&["a", "b"]);
    bed.said(&[
        "a running",
        "a/x skipped",
        "a/y skipped",
        "a succeeded",
        "a reached 2026-11-21",
        "b running",
        "b/z queued",
        "b/z#1 dispatched",
        "b/z dispatched",
        "h: run b/z#1",
    ]);
    bed.succeed("b/z");
    assert_eq!(bed.state("a/y"), S::Skipped);
}

#[test]
fn a_disabled_job_in_the_middle_is_passed_over_in_its_turn() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/off").after("a/x").off().edit(),
        job("a/y").after("a/off").edit(),
    ]);
    bed.start(&["a"]);
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "a/off skipped",
        "a/y queued",
        "a/y#1 dispatched",
        "a/y dispatched",
        "h: ack a/x#1",
        "h: run a/y#1",
    ]);
}

#[test]
fn a_failure_goes_through_a_disabled_job() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/off").after("a/x").off().edit(),
        job("a/y").after("a/off").edit(),
    ]);
    bed.start(&["a"]);
    bed.fail("a/x");
    bed.said(&[
        "a/x#1 failed",
        "a/x failed",
        "a/off upstream_failed",
        "a/y upstream_failed",
        "a failed",
        "e1 failed",
        "h: ack a/x#1",
    ]);
}

#[test]
fn jobs_wait_for_jobs_of_other_flows() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/last").edit(),
        flow("b", &[]),
        job("b/y").after("a/x").edit(),
        job("b/free").edit(),
    ]);
    bed.start(&["a", "b"]);
    assert_eq!(bed.state("b/free"), S::Dispatched);
    assert_eq!(bed.state("b/y"), S::Blocked);
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "b/y queued",
        "b/y#1 dispatched",
        "b/y dispatched",
        "h: ack a/x#1",
        "h: run b/y#1",
    ]);
}

#[test]
fn a_flow_waits_for_all_of_its_parents() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/y").edit(),
        flow("c", &["a", "b"]),
        job("c/z").edit(),
    ]);
    bed.start(&["a", "b", "c"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("c/z"), S::Blocked);
    bed.succeed("b/y");
    assert_eq!(bed.state("c/z"), S::Dispatched);
}

#[test]
fn parents_that_take_no_part_are_not_waited_for() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &["a"]),
        job("b/y").edit(),
    ]);
    bed.start(&["b"]);
    assert_eq!(bed.state("b/y"), S::Dispatched);
}

#[test]
fn flows_behind_a_failed_one_wait_and_the_execution_fails() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/branch").edit(),
        flow("b", &["a"]),
        job("b/y").edit(),
    ]);
    let execution = bed.start(&["a", "b"]);
    bed.fail("a/x");
    // The independent branch goes on.
    assert!(bed.engine.is_live(execution));
    bed.succeed("a/branch");
    bed.said(&[
        "a/branch#1 succeeded",
        "a/branch succeeded",
        "a failed",
        "e1 failed",
        "h: ack a/branch#1",
    ]);
    let b = bed
        .store
        .flow_runs
        .values()
        .find(|row| row.flow == bed.flow("b"))
        .unwrap();
    assert_eq!(
        (b.state, bed.state("b/y")),
        (FlowRunState::Waiting, S::Blocked)
    );
    assert_eq!(bed.engine.data_date(bed.flow("a")), None);
}

#[test]
fn downstream_takes_children_and_dependents_but_passes_no_disabled_flow() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("child", &["a"]),
        flow("grandchild", &["child"]),
        flow("dependent", &[]),
        job("dependent/y").after("a/x").edit(),
        flow("before", &[]),
        flow("apart", &[]),
        off("off", &["a"]),
        flow("behind-off", &["off"]),
    ]);
    bed.try_start(&["a"], true).unwrap();
    let took: Vec<FlowId> = bed.store.flow_runs.values().map(|row| row.flow).collect();
    assert_eq!(
        took,
        ["a", "child", "grandchild", "dependent"].map(|name| bed.flow(name))
    );
}

#[test]
fn senseless_starts_are_refused() {
    let mut bed = Bed::new([flow("a", &[]), off("off", &[])]);
    assert_eq!(bed.try_start(&[], false), Err(Rejected::NoFlows));
    let flow = bed.flow("off");
    assert_eq!(
        bed.try_start(&["off"], false),
        Err(Rejected::FlowDisabled { flow })
    );
    let start = Start {
        flows: vec![FlowId(99)],
        jobs: None,
        downstream: false,
        data_date: date(DATE),
        date_format: None,
        params: vec![],
        trigger: TriggerKind::Manual,
        by: "ann".into(),
    };
    let flow = FlowId(99);
    assert_eq!(
        bed.try_apply(Input::Start(start)),
        Err(Rejected::UnknownFlow { flow })
    );
}

fn conditions() -> Bed {
    Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/good").after("a/x").edit(),
        job("a/rescue").after_end("a/x", Condition::Failure).edit(),
        job("a/always").after_end("a/x", Condition::Done).edit(),
        job("a/below-good")
            .after_end("a/good", Condition::Failure)
            .edit(),
        job("a/below-rescue").after("a/rescue").edit(),
    ])
}

#[test]
fn after_success_handlers_of_failure_are_skipped() {
    let mut bed = conditions();
    bed.start(&["a"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/good"), S::Dispatched);
    assert_eq!(bed.state("a/rescue"), S::Skipped);
    assert_eq!(bed.state("a/always"), S::Dispatched);
    assert_eq!(bed.state("a/below-rescue"), S::Dispatched);
    for name in ["a/good", "a/always", "a/below-rescue"] {
        bed.succeed(name);
    }
    assert_eq!(bed.state("a/below-good"), S::Skipped);
    assert_eq!(
        bed.store.executions.values().next().unwrap().state,
        ExecutionState::Succeeded
    );
}

#[test]
fn after_failure_its_handlers_run_and_the_flow_still_fails() {
    let mut bed = conditions();
    bed.start(&["a"]);
    bed.fail("a/x");
    assert_eq!(bed.state("a/good"), S::UpstreamFailed);
    assert_eq!(bed.state("a/rescue"), S::Dispatched);
    assert_eq!(bed.state("a/always"), S::Dispatched);
    // What could not run for a failure counts as failed.
    assert_eq!(bed.state("a/below-good"), S::Dispatched);
    for name in ["a/rescue", "a/always", "a/below-good", "a/below-rescue"] {
        bed.succeed(name);
    }
    assert_eq!(
        bed.store.executions.values().next().unwrap().state,
        ExecutionState::Failed
    );
}

#[test]
fn a_job_with_several_handlers_waits_until_all_is_decided() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").edit(),
        job("a/rescue")
            .after_end("a/x", Condition::Failure)
            .after_end("a/y", Condition::Failure)
            .edit(),
    ]);
    bed.start(&["a"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/rescue"), S::Blocked);
    bed.fail("a/y");
    assert_eq!(bed.state("a/rescue"), S::Skipped);
}

#[test]
fn a_start_gives_values_over_those_of_flow_and_job() {
    use hcndc_core::engine::{Effect, Order};
    let param = |name: &str, value: &str| Param {
        name: name.into(),
        value: value.into(),
    };
    let mut draft = flow_draft("a", &[]);
    draft.params = vec![param("p", "flow"), param("q", "flow"), param("r", "flow")];
    draft.workdir = "/flow".into();
    draft.env = [("E".into(), "flow".into()), ("F".into(), "flow".into())].into();
    let mut x = job("a/x");
    x.params = vec![param("r", "job").into(), param("q", "job").into()];
    x.env = [("E".into(), "job".into())].into();
    let mut bed = Bed::new([host("h", 1), Edit::PutFlow(draft), x.edit()]);
    let flows = vec![bed.flow("a")];
    let params = vec![param("r", "start")];
    let (data_date, by) = (date(DATE), "ann".into());
    let start = Input::Start(Start {
        flows,
        jobs: None,
        downstream: false,
        data_date,
        date_format: None,
        params,
        trigger: TriggerKind::Manual,
        by,
    });
    let step = bed.engine.apply(bed.now, start).unwrap();
    let [
        Effect::Tell {
            order: Order::Run(run),
            ..
        },
    ] = step.effects.as_slice()
    else {
        panic!("{:?}", step.effects)
    };
    assert_eq!(run.args, [param("r", "start"), param("q", "job")]);
    let values: Vec<_> = run.values.values().collect();
    assert_eq!(values, ["flow", "job", "start"]);
    let env: Vec<_> = run.env.values().collect();
    assert_eq!(env, ["job", "flow"]);
    assert_eq!((run.workdir.as_str(), run.number), ("/flow", 1));
}

#[test]
fn an_older_date_does_not_take_a_data_date_back() {
    let mut bed = Bed::new([flow("a", &[])]);
    bed.start(&["a"]);
    let flows = vec![bed.flow("a")];
    let (data_date, by) = (date("2026-11-01"), "ann".into());
    bed.apply(Input::Start(Start {
        flows,
        jobs: None,
        downstream: false,
        data_date,
        date_format: None,
        params: vec![],
        trigger: TriggerKind::Manual,
        by,
    }));
    assert_eq!(bed.engine.data_date(bed.flow("a")), Some(date(DATE)));
}
