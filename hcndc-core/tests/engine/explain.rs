//! Why a job run has not started (R11): a test for each hold.

use hcndc_core::{
    engine::{Explanation, FlowRunState, Hold, HostTrouble, JobRunState, SlotTrouble},
    id::JobRunId,
    model::{Condition, Edit, ExecutorDraft, Placement},
};

use crate::bed::{Bed, DATE, JobWords as _, date, flow, host, job, secs};

fn dependency(bed: &Bed, name: &str, condition: Condition, state: JobRunState) -> Hold {
    let (job, name) = (bed.job(name), name.into());
    Hold::Dependency {
        job,
        name,
        condition,
        state,
    }
}

fn trouble(bed: &Bed, name: &str, trouble: HostTrouble) -> Hold {
    let (executor, name) = (bed.host(name), name.into());
    Hold::Executor {
        executor,
        name,
        trouble,
    }
}

#[test]
fn parents_and_dependencies_hold_what_is_blocked() {
    let mut bed = Bed::new([
        host("h", 9),
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &["a"]),
        job("b/y").edit(),
        job("b/z")
            .after("a/x")
            .after_end("b/y", Condition::Failure)
            .edit(),
    ]);
    bed.start(&["a", "b"]);
    let (flow, name, state) = (bed.flow("a"), "a".into(), FlowRunState::Running);
    let expected = [
        Hold::Parent { flow, name, state },
        dependency(&bed, "a/x", Condition::Success, JobRunState::Dispatched),
        dependency(&bed, "b/y", Condition::Failure, JobRunState::Blocked),
    ];
    assert_eq!(bed.holds("b/z"), expected);
    bed.succeed("a/x");
    let expected = [dependency(
        &bed,
        "b/y",
        Condition::Failure,
        JobRunState::Dispatched,
    )];
    assert_eq!(bed.holds("b/z"), expected);
}

#[test]
fn a_retry_tells_its_time() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").retry(1, 5).edit()]);
    let execution = bed.start(&["a"]);
    bed.fail("a/x");
    let at = bed.now.after(secs(5));
    let (state, holds, earliest) = (JobRunState::RetryWait, vec![Hold::Retry { at }], Some(at));
    assert_eq!(
        bed.explain("a/x"),
        Explanation {
            state,
            holds,
            earliest
        }
    );
    bed.stop(execution);
    assert_eq!(bed.engine.explain(bed.run("a/x")), None);
}

#[test]
fn limits_and_dates_hold_what_is_queued() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    let execution = bed.start(&["a"]);
    assert_eq!(bed.holds("a/x"), []);
    bed.start(&["a"]);
    bed.limit(1);
    let (free, needs) = (0, 1);
    let expected = [
        Hold::SameJobLive {
            execution,
            data_date: date(DATE),
        },
        Hold::GlobalLimit { limit: 1 },
        trouble(
            &bed,
            "h",
            HostTrouble::Slots(SlotTrouble::Full { free, needs }),
        ),
    ];
    assert_eq!(bed.holds("e2 a/x"), expected);
}

#[test]
fn each_trouble_of_an_executor_is_told() {
    let mut disabled = ExecutorDraft::new("disabled", "d:1", 9);
    disabled.enabled = false;
    let mut bed = Bed::new([
        host("kept", 3),
        host("offline", 9),
        Edit::PutExecutor(disabled),
        host("small", 1),
        flow("a", &[]),
        job("a/first").slots(2).first(9).on("kept").edit(),
        job("a/large").slots(3).first(8).on("kept").edit(),
        job("a/x").slots(1).on("kept").edit(),
        job("a/y").slots(2).edit(),
    ]);
    bed.disconnect("offline");
    bed.start(&["a"]);
    assert_eq!(
        bed.holds("a/x"),
        [trouble(
            &bed,
            "kept",
            HostTrouble::Slots(SlotTrouble::Reserved)
        )]
    );
    let reason = Some("broken pipe".into());
    let expected = [
        trouble(
            &bed,
            "kept",
            HostTrouble::Slots(SlotTrouble::Full { free: 1, needs: 2 }),
        ),
        trouble(&bed, "offline", HostTrouble::Offline { reason }),
        trouble(&bed, "disabled", HostTrouble::Disabled),
        trouble(
            &bed,
            "small",
            HostTrouble::Slots(SlotTrouble::TooSmall { slots: 1, needs: 2 }),
        ),
    ];
    assert_eq!(bed.holds("a/y"), expected);
}

#[test]
fn a_placement_that_nobody_meets_is_told() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").wants("gpu", "yes").edit(),
    ]);
    bed.start(&["a"]);
    let placement = Placement::Labels([("gpu".into(), "yes".into())].into());
    assert_eq!(bed.holds("a/x"), [Hold::NoExecutor { placement }]);
}

#[test]
fn what_is_being_stopped_says_by_whom() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").after("a/x").edit(),
    ]);
    let execution = bed.start(&["a"]);
    bed.stop(execution);
    let by = "bob".into();
    assert_eq!(bed.holds("a/x"), [Hold::Stopping { by }]);
    assert_eq!(bed.holds("a/y").len(), 2);
}

#[test]
fn nothing_is_known_of_what_is_not_live() {
    let mut bed = Bed::new([flow("a", &[])]);
    assert_eq!(bed.engine.explain(JobRunId(1)), None);
    bed.start(&["a"]);
    assert_eq!(bed.engine.explain(JobRunId(999)), None);
}
