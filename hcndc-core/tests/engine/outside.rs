//! What runs of one execution make of those of others: dependencies outside (R1), parents outside (R2), joining (R5), runs
//! of a flow at once (R7), and what is kept of the past.

use hcndc_core::{
    engine::{
        ExecutionState, FlowRunState as F, Hold, Input, JobRunState as S, Rejected, Settings,
        SettledAs, Snapshot, Start, TriggerKind,
    },
    id::{ExecutionId, FlowRunId},
    model::{Condition, DependencyDraft, Edit, FlowDraft, JobDraft, JobRef},
    time::DataDate,
};

use crate::bed::{Bed, DATE, JobWords as _, date, flow, flow_draft, host, job, secs};

const BEFORE: &str = "2026-11-20";

trait Words {
    fn depends(self, name: &str, condition: Condition, offset_days: i32, limit: u64) -> Self;
}

impl Words for JobDraft {
    /// A dependency on another date, or with a limit on the waiting in seconds, 0 for none.
    fn depends(mut self, name: &str, condition: Condition, offset_days: i32, limit: u64) -> Self {
        let (flow, job) = name.split_once('/').unwrap();
        let (flow, job) = (flow.into(), job.into());
        self.dependencies.push(DependencyDraft {
            offset_days,
            wait_limit: (limit > 0).then(|| secs(limit)),
            ..DependencyDraft::new(JobRef::Name { flow, job }, condition)
        });
        self
    }
}

impl Bed {
    fn start_as(&mut self, trigger: TriggerKind, flows: &[&str], day: &str) -> ExecutionId {
        let flows = flows.iter().map(|name| self.flow(name)).collect();
        self.apply(Input::Start(Start {
            jobs: None,
            flows,
            downstream: false,
            data_date: date(day),
            date_format: None,
            params: vec![],
            trigger,
            by: "ann".into(),
        }));
        self.started()
    }

    pub(crate) fn fire(&mut self, flows: &[&str]) -> ExecutionId {
        self.start_as(TriggerKind::Schedule, flows, DATE)
    }

    pub(crate) fn flow_run(&self, execution: ExecutionId, name: &str) -> (FlowRunId, F) {
        let flow = self.flow(name);
        let mut runs = self.store.flow_runs.values();
        let run = runs.find(|row| row.execution == execution && row.flow == flow);
        run.map(|row| (row.id, row.state)).unwrap()
    }

    pub(crate) fn flow_state(&self, execution: ExecutionId, name: &str) -> F {
        self.flow_run(execution, name).1
    }

    pub(crate) fn execution_state(&self, execution: ExecutionId) -> ExecutionState {
        self.store.executions[&execution].state
    }

    pub(crate) fn flow_holds(&self, execution: ExecutionId, name: &str) -> Vec<Hold> {
        let (run, state) = self.flow_run(execution, name);
        let explained = self.engine.explain_flow_run(run).unwrap();
        assert_eq!(explained.state, state);
        explained.holds
    }

    fn dates(&self, name: &str) -> Vec<(DataDate, DataDate)> {
        self.engine.succeeded_dates(self.flow(name)).collect()
    }
}

/// Flow `b`, whose job depends on one of flow `a`.
fn two(condition: Condition, limit: u64) -> Bed {
    Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/other").edit(),
        flow("b", &[]),
        job("b/y").depends("a/x", condition, 0, limit).edit(),
    ])
}

#[test]
fn a_job_waits_for_a_run_that_nobody_has_started() {
    let mut bed = two(Condition::Success, 0);
    bed.start(&["b"]);
    bed.said(&["b running"]);
    assert_eq!(bed.state("b/y"), S::Blocked);
    let hold = Hold::OutsideDependency {
        job: bed.job("a/x"),
        name: "a/x".into(),
        flow: bed.flow("a"),
        data_date: date(DATE),
        condition: Condition::Success,
        execution: None,
        state: None,
        until: None,
    };
    assert_eq!(bed.holds("b/y"), [hold]);
    // Another date is another thing.
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    bed.succeed("e2 a/x");
    assert_eq!(bed.state("b/y"), S::Blocked);
    let other = bed.start(&["a"]);
    let [
        Hold::OutsideDependency {
            execution, state, ..
        },
    ] = bed.holds("b/y")[..]
    else {
        panic!("{:?}", bed.holds("b/y"))
    };
    assert_eq!((execution, state), (Some(other), Some(S::Dispatched)));
    bed.succeed("e3 a/x");
    bed.said(&[
        "e3 a/x#1 succeeded",
        "e3 a/x succeeded",
        "b/y as v1",
        "b/y queued",
        "b/y#1 dispatched",
        "b/y dispatched",
        "h: ack e3 a/x#1",
        "h: run b/y#1",
    ]);
}

#[test]
fn what_was_met_stays_met() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/first").edit(),
        job("b/y").after("b/first").after("a/x").edit(),
    ]);
    bed.start(&["b"]);
    let other = bed.start(&["a"]);
    bed.succeed("e2 a/x");
    bed.rerun(other, &["a/x"]);
    bed.reload();
    bed.hello("h", vec![]);
    assert_eq!(bed.holds("b/y").len(), 1);
    bed.succeed("b/first");
    assert_eq!(bed.state("b/y"), S::Dispatched);
}

#[test]
fn a_run_that_has_ended_counts_for_later_ones() {
    let mut bed = two(Condition::Success, 0);
    bed.start(&["a"]);
    bed.succeed("a/x");
    bed.succeed("a/other");
    assert_eq!(bed.dates("a"), [(date(DATE), date(DATE))]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.start(&["b"]);
    assert_eq!(bed.state("e2 b/y"), S::Dispatched);
}

#[test]
fn a_job_of_a_failed_run_counts_by_its_own_end() {
    let mut bed = two(Condition::Success, 0);
    let execution = bed.start(&["a"]);
    bed.succeed("a/x");
    bed.fail("a/other");
    assert_eq!(bed.execution_state(execution), ExecutionState::Failed);
    let Snapshot { job_outcomes, .. } = bed.engine.snapshot();
    // Nobody could wait for the other one.
    assert_eq!(job_outcomes.len(), 1);
    assert_eq!(job_outcomes[0].state, S::Succeeded);
    bed.start(&["b"]);
    assert_eq!(bed.state("e2 b/y"), S::Dispatched);
    // Once the flow succeeds, the date is enough.
    bed.resume(execution);
    bed.succeed("a/other");
    assert_eq!(bed.engine.snapshot().job_outcomes, []);
}

#[test]
fn the_latest_run_decides_also_when_an_earlier_one_succeeded() {
    let mut bed = two(Condition::Success, 0);
    bed.start(&["a"]);
    bed.succeed("a/x");
    bed.succeed("a/other");
    let second = bed.start(&["a"]);
    bed.fail("e2 a/x");
    bed.succeed("e2 a/other");
    bed.start(&["b"]);
    assert_eq!(bed.state("e3 b/y"), S::Blocked);
    let [
        Hold::OutsideDependency {
            execution, state, ..
        },
    ] = bed.holds("e3 b/y")[..]
    else {
        panic!("{:?}", bed.holds("e3 b/y"))
    };
    assert_eq!((execution, state), (None, Some(S::Failed)));
    bed.resume(second);
    bed.succeed("e2 a/x");
    assert_eq!(bed.state("e3 b/y"), S::Dispatched);
}

#[test]
fn a_failed_run_is_waited_for_until_the_limit() {
    let mut bed = two(Condition::Success, 60);
    let execution = bed.start(&["b"]);
    bed.start(&["a"]);
    bed.fail("e2 a/x");
    bed.pass(secs(59));
    assert_eq!(bed.state("b/y"), S::Blocked);
    let until = Some(bed.now.after(secs(1)));
    assert_eq!(bed.engine.next_wakeup(), until);
    let [Hold::OutsideDependency { until: told, .. }] = bed.holds("b/y")[..] else {
        panic!("{:?}", bed.holds("b/y"))
    };
    assert_eq!(told, until);
    bed.pass(secs(1));
    bed.said(&["b/y upstream_failed", "b failed", "e1 failed"]);
    assert_eq!(bed.engine.next_wakeup(), None);
    // Whoever resumes it has the whole limit again.
    bed.resume(execution);
    assert_eq!(bed.state("b/y"), S::Blocked);
    bed.pass(secs(60));
    assert_eq!(bed.state("b/y"), S::UpstreamFailed);
}

#[test]
fn a_limit_that_passed_while_nobody_was_there_is_seen_after_a_load() {
    let mut bed = two(Condition::Success, 60);
    bed.start(&["b"]);
    bed.now = bed.now.after(secs(100));
    bed.reload();
    bed.pass(secs(0));
    assert_eq!(bed.state("b/y"), S::UpstreamFailed);
}

#[test]
fn what_is_there_in_time_has_no_limit_any_more() {
    let mut bed = two(Condition::Success, 60);
    bed.start(&["b"]);
    bed.start(&["a"]);
    bed.succeed("e2 a/x");
    assert_eq!(bed.engine.next_wakeup(), None);
    assert_eq!(bed.state("b/y"), S::Dispatched);
}

#[test]
fn handlers_of_failure_are_skipped_once_the_other_run_succeeds() {
    let mut bed = two(Condition::Failure, 0);
    bed.start(&["b"]);
    bed.start(&["a"]);
    bed.succeed("e2 a/x");
    assert_eq!(bed.state("b/y"), S::Skipped);
    bed.start_as(TriggerKind::Manual, &["b"], BEFORE);
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    bed.fail("e4 a/x");
    assert_eq!(bed.state("e3 b/y"), S::Dispatched);
}

#[test]
fn a_handler_that_waits_for_others_too_goes_by_what_is_true_then() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/first").edit(),
        job("b/y")
            .after("b/first")
            .after_end("a/x", Condition::Failure)
            .edit(),
    ]);
    bed.start(&["b"]);
    let other = bed.start(&["a"]);
    bed.succeed("e2 a/x");
    assert_eq!(bed.state("b/y"), S::Blocked);
    bed.rerun(other, &["a/x"]);
    bed.succeed("b/first");
    assert_eq!(bed.state("b/y"), S::Blocked);
    bed.fail("e2 a/x");
    assert_eq!(bed.state("b/y"), S::Dispatched);
}

#[test]
fn a_job_can_wait_for_its_own_run_of_the_day_before() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").depends("a/x", Condition::Success, -1, 0).edit(),
    ]);
    bed.start(&["a"]);
    let [Hold::OutsideDependency { data_date, .. }] = bed.holds("a/x")[..] else {
        panic!("{:?}", bed.holds("a/x"))
    };
    assert_eq!(data_date, date(BEFORE));
    // The day before waits for one before that, which came to an end long ago.
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    bed.start_as(TriggerKind::Manual, &["a"], "2026-11-19");
    assert_eq!(bed.state("e3 a/x"), S::Blocked);
    let id = Some(bed.job("a/x"));
    bed.edit([Edit::PutJob(JobDraft { id, ..job("a/x") })]);
    bed.start_as(TriggerKind::Manual, &["a"], "2026-11-18");
    for run in ["e4 a/x", "e3 a/x", "e2 a/x", "a/x"] {
        bed.succeed(run);
    }
    assert_eq!(bed.dates("a"), [(date("2026-11-18"), date(DATE))]);
}

#[test]
fn order_passes_through_a_disabled_job_from_outside_too() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/off").after("a/x").off().edit(),
        job("b/y").after("b/off").edit(),
    ]);
    bed.start(&["b"]);
    assert_eq!(bed.state("b/y"), S::Blocked);
    bed.start(&["a"]);
    bed.succeed("e2 a/x");
    assert_eq!(
        (bed.state("b/off"), bed.state("b/y")),
        (S::Skipped, S::Dispatched)
    );
}

#[test]
fn a_job_that_is_no_more_is_waited_for_no_more() {
    let mut bed = two(Condition::Success, 0);
    bed.start(&["b"]);
    let id = Some(bed.job("b/y"));
    let (gone, version) = (bed.job("a/x"), None);
    bed.edit([
        Edit::PutJob(JobDraft { id, ..job("b/y") }),
        Edit::DeleteJob { job: gone, version },
    ]);
    assert_eq!(bed.state("b/y"), S::Dispatched);
}

#[test]
fn an_execution_that_only_waits_can_be_stopped() {
    let mut bed = two(Condition::Success, 60);
    let execution = bed.start(&["b"]);
    bed.stop(execution);
    bed.said(&["e1 stopping", "b stopped", "e1 stopped"]);
    assert_eq!(bed.engine.next_wakeup(), None);
}

// Parents outside (R2).

fn gated() -> Bed {
    Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &["a"]),
        job("b/y").edit(),
    ])
}

#[test]
fn what_a_schedule_starts_waits_for_parents_outside() {
    let mut bed = gated();
    let execution = bed.fire(&["b"]);
    bed.said(&[]);
    let hold = Hold::OutsideParent {
        flow: bed.flow("a"),
        name: "a".into(),
        needs: date(DATE),
        reached: None,
    };
    assert_eq!(bed.holds("b/y"), std::slice::from_ref(&hold));
    assert_eq!(bed.flow_holds(execution, "b"), [hold]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    bed.succeed("e2 a/x");
    assert_eq!(bed.flow_state(execution, "b"), F::Waiting);
    // A later date is as good.
    bed.start_as(TriggerKind::Manual, &["a"], "2026-11-22");
    bed.succeed("e3 a/x");
    assert_eq!(bed.flow_state(execution, "b"), F::Running);
    assert_eq!(bed.flow_holds(execution, "b"), []);
}

#[test]
fn people_do_not_wait_for_parents_outside() {
    let mut bed = gated();
    let execution = bed.start(&["b"]);
    assert_eq!(bed.flow_state(execution, "b"), F::Running);
}

#[test]
fn a_parent_that_is_no_more_is_waited_for_no_more() {
    let mut bed = gated();
    let execution = bed.fire(&["b"]);
    let id = Some(bed.flow("b"));
    let (gone, version) = (bed.flow("a"), None);
    bed.edit([
        Edit::PutFlow(FlowDraft {
            id,
            ..flow_draft("b", &[])
        }),
        Edit::DeleteFlow {
            flow: gone,
            version,
        },
    ]);
    assert_eq!(bed.flow_state(execution, "b"), F::Running);
}

// Joining (R5).

#[test]
fn a_second_run_joins_the_first_and_shares_its_success() {
    let mut bed = gated();
    let first = bed.fire(&["a"]);
    let second = bed.fire(&["a", "b"]);
    bed.said(&["a joined"]);
    let (flow_run, _) = bed.flow_run(first, "a");
    let hold = Hold::Joined {
        execution: first,
        flow_run,
    };
    assert_eq!(bed.holds("e2 a/x"), std::slice::from_ref(&hold));
    assert_eq!(bed.flow_holds(second, "a"), [hold]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.succeed("a/x");
    bed.said(&[
        "a/x#1 succeeded",
        "a/x succeeded",
        "a succeeded",
        "a reached 2026-11-21",
        "e2 a/x skipped",
        "a succeeded",
        "b running",
        "e2 b/y queued",
        "e1 succeeded",
        "e2 b/y#1 dispatched",
        "e2 b/y dispatched",
        "h: ack a/x#1",
        "h: run e2 b/y#1",
    ]);
    let row = bed.store.flow_runs[&bed.flow_run(second, "a").0];
    assert_eq!((row.joined_to, row.started_at), (Some(flow_run), None));
}

#[test]
fn a_joined_run_shares_a_failure_and_a_stop() {
    for stop in [false, true] {
        let mut bed = gated();
        let first = bed.fire(&["a"]);
        let second = bed.fire(&["a", "b"]);
        if stop {
            bed.begin("a/x");
            bed.stop(first);
        }
        bed.fail("a/x");
        assert_eq!(bed.flow_state(second, "a"), F::Failed);
        assert_eq!(bed.state("e2 a/x"), S::UpstreamFailed);
        assert_eq!(bed.flow_state(second, "b"), F::Waiting);
        assert_eq!(bed.execution_state(second), ExecutionState::Failed);
        // People who take it up again have it run.
        bed.resume(second);
        assert_eq!(bed.flow_state(second, "a"), F::Running);
    }
}

#[test]
fn what_shares_an_end_is_settled_where_it_runs() {
    let mut bed = gated();
    let first = bed.fire(&["a"]);
    let second = bed.fire(&["a", "b"]);
    let (job_run, joined_to) = (bed.run("e2 a/x"), bed.flow_run(first, "a").0);
    let refused = bed.try_settle(second, &["a/x"], SettledAs::Skipped);
    assert_eq!(refused, Err(Rejected::JoinedRun { job_run, joined_to }));
}

#[test]
fn what_people_make_good_is_shared() {
    let mut bed = gated();
    bed.edit(vec![
        job("a/other").edit(),
        job("b/after").after("a/x").edit(),
    ]);
    let first = bed.fire(&["a"]);
    let second = bed.fire(&["a", "b"]);
    bed.fail("a/x");
    assert_eq!(bed.state("e2 a/x"), S::UpstreamFailed);
    assert_eq!(bed.state("e2 b/after"), S::Blocked);
    bed.skip(first, &["a/x"]);
    assert_eq!(bed.state("e2 a/x"), S::Skipped);
    bed.succeed("a/other");
    assert_eq!(bed.flow_state(second, "a"), F::Succeeded);
    assert_eq!(bed.state("e2 b/after"), S::Dispatched);
}

#[test]
fn ends_of_jobs_are_shared_one_by_one() {
    // Else the run that is joined could wait for what waits for the one that joins.
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/y").after("a/x").edit(),
        job("a/z").after("b/y").edit(),
    ]);
    let first = bed.fire(&["a"]);
    let second = bed.fire(&["a", "b"]);
    assert_eq!(bed.flow_state(second, "a"), F::Joined);
    bed.succeed("a/x");
    assert_eq!(bed.state("e2 b/y"), S::Dispatched);
    bed.succeed("e2 b/y");
    bed.succeed("a/z");
    for execution in [first, second] {
        assert_eq!(bed.execution_state(execution), ExecutionState::Succeeded);
    }
}

#[test]
fn a_date_that_has_succeeded_is_not_run_again_by_a_schedule() {
    let mut bed = gated();
    bed.start(&["a"]);
    bed.succeed("a/x");
    let second = bed.fire(&["a", "b"]);
    bed.said(&[
        "a joined",
        "e2 a/x skipped",
        "a succeeded",
        "b running",
        "e2 b/y queued",
        "e2 b/y#1 dispatched",
        "e2 b/y dispatched",
        "h: run e2 b/y#1",
    ]);
    let row = bed.store.flow_runs[&bed.flow_run(second, "a").0];
    assert_eq!((row.joined_to, row.started_at), (None, None));
    // People do run it again.
    let third = bed.start(&["a"]);
    assert_eq!(bed.flow_state(third, "a"), F::Running);
    bed.stop(third);
    bed.succeed("e2 b/y");
    bed.rerun(second, &["a/x"]);
    assert_eq!(bed.flow_state(second, "a"), F::Running);
}

#[test]
fn nobody_joins_what_is_being_stopped() {
    let mut bed = gated();
    let first = bed.fire(&["a"]);
    bed.begin("a/x");
    bed.stop(first);
    let second = bed.fire(&["a"]);
    assert_eq!(bed.flow_state(second, "a"), F::Running);
}

#[test]
fn a_joined_run_that_is_stopped_shares_nothing_more() {
    let mut bed = gated();
    bed.fire(&["a"]);
    let second = bed.fire(&["a", "b"]);
    bed.stop(second);
    bed.said(&["e2 stopping", "a stopped", "e2 stopped"]);
    bed.succeed("a/x");
    assert_eq!(bed.state("e2 a/x"), S::Blocked);
}

// Runs of a flow at once (R7).

fn limited(max: u32) -> Bed {
    Bed::new([
        host("h", 9),
        Edit::PutFlow(FlowDraft {
            max_runs: Some(max),
            ..flow_draft("a", &[])
        }),
        job("a/x").edit(),
    ])
}

#[test]
fn a_flow_has_no_more_runs_at_once_than_it_may() {
    let mut bed = limited(1);
    let first = bed.start_as(TriggerKind::Manual, &["a"], DATE);
    let second = bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    let third = bed.start_as(TriggerKind::Manual, &["a"], "2026-11-19");
    let flow = bed.flow("a");
    let hold = Hold::FlowRuns {
        flow,
        limit: 1,
        running: 1,
    };
    assert_eq!(bed.holds("e2 a/x"), std::slice::from_ref(&hold));
    assert_eq!(bed.flow_holds(third, "a"), [hold]);
    bed.reload();
    bed.hello("h", vec![]);
    bed.fail("a/x");
    assert_eq!(bed.execution_state(first), ExecutionState::Failed);
    assert_eq!(bed.flow_state(second, "a"), F::Running);
    assert_eq!(bed.flow_state(third, "a"), F::Waiting);
    bed.stop(third);
    bed.succeed("e2 a/x");
    assert_eq!(bed.engine.load_figures(), (0, 0, 0));
}

#[test]
fn a_limit_that_is_raised_lets_the_next_ones_start() {
    let mut bed = limited(1);
    bed.start(&["a"]);
    let second = bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    let third = bed.start_as(TriggerKind::Manual, &["a"], "2026-11-19");
    let id = Some(bed.flow("a"));
    bed.edit([Edit::PutFlow(FlowDraft {
        id,
        max_runs: Some(2),
        ..flow_draft("a", &[])
    })]);
    assert_eq!(bed.flow_state(second, "a"), F::Running);
    assert_eq!(bed.flow_state(third, "a"), F::Waiting);
    bed.edit([Edit::PutFlow(FlowDraft {
        id,
        ..flow_draft("a", &[])
    })]);
    assert_eq!(bed.flow_state(third, "a"), F::Running);
}

#[test]
fn a_higher_priority_has_the_next_place() {
    let mut bed = limited(1);
    bed.start(&["a"]);
    let second = bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    let id = Some(bed.flow("a"));
    bed.edit([Edit::PutFlow(FlowDraft {
        id,
        max_runs: Some(1),
        priority: 5,
        ..flow_draft("a", &[])
    })]);
    let third = bed.start_as(TriggerKind::Manual, &["a"], "2026-11-19");
    bed.succeed("a/x");
    assert_eq!(bed.flow_state(third, "a"), F::Running);
    assert_eq!(bed.flow_state(second, "a"), F::Waiting);
}

#[test]
fn who_waits_for_a_place_joins_a_run_for_its_date() {
    let mut bed = limited(1);
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    let [second, third] = [(); 2].map(|()| bed.fire(&["a"]));
    assert_eq!(bed.flow_state(second, "a"), F::Waiting);
    assert_eq!(bed.flow_state(third, "a"), F::Waiting);
    bed.succeed("a/x");
    assert_eq!(bed.flow_state(second, "a"), F::Running);
    assert_eq!(bed.flow_state(third, "a"), F::Joined);
}

// The past.

#[test]
fn what_is_no_more_leaves_nothing_behind() {
    let mut bed = two(Condition::Success, 0);
    bed.start(&["a"]);
    bed.succeed("a/x");
    bed.fail("a/other");
    bed.start_as(TriggerKind::Manual, &["a"], BEFORE);
    bed.succeed("e2 a/x");
    bed.succeed("e2 a/other");
    let version = None;
    let flows = ["a", "b"].map(|name| bed.flow(name));
    bed.edit(flows.map(|flow| Edit::DeleteFlow { flow, version }));
    let Snapshot {
        flow_dates,
        job_outcomes,
        ..
    } = bed.engine.snapshot();
    assert_eq!((flow_dates, job_outcomes), (vec![], vec![]));
}

#[test]
fn rows_that_join_what_is_not_there_are_refused() {
    let mut bed = gated();
    bed.fire(&["a"]);
    bed.fire(&["a"]);
    let mut snapshot = bed.engine.snapshot();
    snapshot.executions.remove(0);
    let loaded = hcndc_core::engine::Engine::load(bed.now, Settings::default(), snapshot);
    assert!(loaded.is_err());
}

#[test]
fn what_was_skipped_outside_counts_as_an_end() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").off().edit(),
        job("a/y").edit(),
        flow("b", &[]),
        job("b/z").depends("a/x", Condition::Done, 0, 8).edit(),
    ]);
    bed.start(&["a"]);
    assert_eq!(bed.state("a/x"), S::Skipped);
    bed.start(&["b"]);
    assert_eq!(bed.state("e2 b/z"), S::Dispatched);
}
