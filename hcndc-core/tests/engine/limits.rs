//! Limits, and who goes first (R7).

use hcndc_core::{
    engine::{Input, JobRunState, Start, TriggerKind},
    model::{Edit, ExecutorDraft, FlowDraft, JobDraft},
};

use crate::bed::{Bed, JobWords as _, date, flow, flow_draft, host, job};

#[test]
fn a_limit_that_is_lowered_ends_nothing_and_starts_nothing() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").edit(),
        job("a/z").edit(),
    ]);
    bed.start(&["a"]);
    bed.limit(1);
    bed.said(&[]);
    let smaller = ExecutorDraft {
        id: Some(bed.host("h")),
        ..ExecutorDraft::new("h", "h:7890", 1)
    };
    bed.edit([Edit::PutExecutor(smaller)]);
    bed.succeed("a/x");
    bed.said(&["a/x#1 succeeded", "a/x succeeded", "h: ack a/x#1"]);
    bed.succeed("a/y");
    bed.said(&[
        "a/y#1 succeeded",
        "a/y succeeded",
        "a/z#1 dispatched",
        "a/z dispatched",
        "h: ack a/y#1",
        "h: run a/z#1",
    ]);
}

#[test]
fn what_waits_for_its_date_keeps_no_executor() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/big").slots(3).first(9).edit(),
        flow("b", &[]),
        job("b/small").edit(),
    ]);
    bed.start(&["a"]);
    bed.start(&["a"]);
    // Its need of three slots keeps nothing free: the first run has its date.
    bed.said(&["a running", "e2 a/big queued"]);
    bed.start(&["b"]);
    bed.said(&[
        "b running",
        "e3 b/small queued",
        "e3 b/small#1 dispatched",
        "e3 b/small dispatched",
        "h: run e3 b/small#1",
    ]);
    bed.succeed("a/big");
    bed.said(&[
        "a/big#1 succeeded",
        "a/big succeeded",
        "a succeeded",
        "a reached 2026-11-21",
        "e1 succeeded",
        "e2 a/big#1 dispatched",
        "e2 a/big dispatched",
        "h: ack a/big#1",
        "h: run e2 a/big#1",
    ]);
}

fn many(names: &[&str]) -> Vec<Edit> {
    let jobs = names.iter().map(|name| job(name).edit());
    [flow("a", &[])].into_iter().chain(jobs).collect()
}

#[test]
fn no_more_run_at_once_than_may() {
    let mut bed = Bed::new(
        many(&["a/x", "a/y", "a/z"])
            .into_iter()
            .chain([host("h", 9)]),
    );
    bed.limit(2);
    bed.start(&["a"]);
    assert_eq!(bed.engine.load_figures(), (1, 1, 2));
    bed.limit(0);
    bed.succeed("a/x");
    assert_eq!(bed.engine.load_figures(), (1, 1, 1));
    bed.limit(2);
    bed.said(&["a/z#1 dispatched", "a/z dispatched", "h: run a/z#1"]);
}

#[test]
fn slots_are_not_exceeded() {
    let mut bed = Bed::new([
        host("h", 3),
        flow("a", &[]),
        job("a/two").slots(2).edit(),
        job("a/also-two").slots(2).edit(),
        job("a/too-big").slots(4).edit(),
    ]);
    bed.start(&["a"]);
    let health = bed.engine.executor_health(bed.host("h")).unwrap();
    assert_eq!((health.slots_used, health.attempts), (2, 1));
    bed.succeed("a/two");
    assert_eq!(bed.state("a/also-two"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/too-big"), JobRunState::Queued);
}

#[test]
fn small_jobs_do_not_starve_a_large_one() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/small1").first(9).edit(),
        job("a/small2").first(8).edit(),
        job("a/large").slots(2).first(7).edit(),
        job("a/small3").first(6).edit(),
        job("a/small4").first(5).edit(),
    ]);
    bed.start(&["a"]);
    bed.succeed("a/small1");
    // One slot is free, and kept.
    bed.said(&[
        "a/small1#1 succeeded",
        "a/small1 succeeded",
        "h: ack a/small1#1",
    ]);
    bed.succeed("a/small2");
    assert_eq!(bed.state("a/large"), JobRunState::Dispatched);
    bed.succeed("a/large");
    assert_eq!(bed.state("a/small3"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/small4"), JobRunState::Dispatched);
}

/// The longest-lived attempt of a job of flow `a`.
fn oldest(bed: &Bed) -> Option<String> {
    let mut live = bed
        .store
        .attempts
        .values()
        .filter(|row| !row.state.is_ended());
    live.find_map(|row| {
        let job = &bed.store.jobs[&bed.store.job_runs[&row.job_run].job];
        (job.flow == bed.flow("a")).then(|| format!("a/{}", job.name))
    })
}

#[test]
fn one_executor_is_kept_for_a_large_job_and_the_others_go_on() {
    let small = (0..60).map(|at| job(&format!("a/small{at}")).edit());
    let hosts = ["h", "i", "j"].map(|name| host(name, 4));
    let large = job("b/large").slots(4).first(1).edit();
    let edits = hosts
        .into_iter()
        .chain([flow("a", &[]), flow("b", &[]), large]);
    let mut bed = Bed::new(edits.chain(small));
    bed.start(&["a"]);
    bed.start(&["b"]);
    let mut ends = 0;
    while bed.state("e2 b/large") == JobRunState::Queued {
        let used = ["h", "i", "j"].map(|it| bed.engine.executor_health(bed.host(it)).unwrap());
        let full = used.iter().filter(|it| it.slots_used == 4).count();
        assert!(full >= 2, "{used:?}");
        bed.succeed(&oldest(&bed).unwrap());
        ends += 1;
    }
    // The small ones run in turns: in the first twelve ends are all four of the kept executor.
    assert!(ends <= 12, "{ends}");
    assert_eq!(bed.engine.load_figures().1, 60 - 12 - ends + 4);
    // Nothing is kept any more.
    bed.succeed("e2 b/large");
    while let Some(next) = oldest(&bed) {
        bed.succeed(&next);
    }
    assert_eq!(bed.engine.load_figures(), (0, 0, 0));
}

#[test]
fn each_large_job_has_an_executor_kept_for_it() {
    let mut bed = Bed::new([
        host("h", 2),
        host("i", 2),
        flow("a", &[]),
        job("a/s1").edit(),
        job("a/s2").edit(),
        job("a/s3").edit(),
        job("a/s4").edit(),
        job("a/s5").edit(),
        flow("b", &[]),
        job("b/two").slots(2).first(1).edit(),
        flow("c", &[]),
        job("c/two").slots(2).first(2).wants("zone", "x").edit(),
    ]);
    let labelled = |name: &str| {
        let mut draft = ExecutorDraft::new(name, format!("{name}:7890"), 2);
        draft.id = Some(bed.host(name));
        draft.labels = [("zone".into(), "x".into())].into();
        Edit::PutExecutor(draft)
    };
    let edits = [labelled("h"), labelled("i")];
    bed.edit(edits);
    bed.start(&["a"]);
    bed.start(&["b"]);
    // It takes over what is kept for the first, which gets the other one.
    bed.start(&["c"]);
    bed.succeed("a/s1");
    bed.succeed("a/s2");
    assert_eq!(bed.state("a/s5"), JobRunState::Queued);
    bed.succeed("a/s3");
    bed.succeed("a/s4");
    assert_eq!(bed.state("e2 b/two"), JobRunState::Dispatched);
    assert_eq!(bed.state("e3 c/two"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/s5"), JobRunState::Queued);
}

#[test]
fn what_was_kept_is_free_again_when_its_job_is_stopped() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/small").first(9).edit(),
        flow("b", &[]),
        job("b/large").slots(2).first(7).edit(),
        flow("c", &[]),
        job("c/small").edit(),
    ]);
    bed.start(&["a"]);
    let large = bed.start(&["b"]);
    bed.start(&["c"]);
    assert_eq!(bed.state("e3 c/small"), JobRunState::Queued);
    bed.stop(large);
    bed.said(&[
        "e2 stopping",
        "e2 b/large killed",
        "b stopped",
        "e2 stopped",
        "e3 c/small#1 dispatched",
        "e3 c/small dispatched",
        "h: run e3 c/small#1",
    ]);
}

#[test]
fn what_goes_first_may_use_what_is_kept() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/small").first(9).edit(),
        flow("b", &[]),
        job("b/large").slots(2).edit(),
        flow("c", &[]),
        job("c/urgent").first(20).edit(),
    ]);
    bed.start(&["a"]);
    bed.start(&["b"]);
    bed.start(&["c"]);
    assert_eq!(bed.state("e3 c/urgent"), JobRunState::Dispatched);
}

#[test]
fn a_job_runs_once_at_a_time_for_a_date() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[]), job("a/x").retry(1, 10).edit()]);
    let first = bed.start(&["a"]);
    bed.start(&["a"]);
    bed.said(&["a running", "e2 a/x queued"]);
    // Between its attempts it has its date still.
    bed.fail("a/x");
    assert_eq!(bed.state("e2 a/x"), JobRunState::Queued);
    bed.stop(first);
    bed.said(&[
        "e1 stopping",
        "a/x killed",
        "a stopped",
        "e1 stopped",
        "e2 a/x#1 dispatched",
        "e2 a/x dispatched",
        "h: run e2 a/x#1",
    ]);
    // Another date is another matter.
    let mut other = Bed::new([host("h", 9), flow("a", &[]), job("a/x").edit()]);
    other.start(&["a"]);
    other.apply(Input::Start(Start {
        flows: vec![other.flow("a")],
        jobs: None,
        downstream: false,
        data_date: date("2026-11-22"),
        date_format: None,
        params: vec![],
        trigger: TriggerKind::Manual,
        by: "ann".into(),
    }));
    assert_eq!(other.state("e2 a/x"), JobRunState::Dispatched);
}

#[test]
fn who_was_queued_first_waits_when_a_later_one_takes_the_date() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[]), job("a/x").edit()]);
    bed.disconnect("h");
    bed.start(&["a"]);
    // Only now is there another for the date, and it goes first.
    let id = Some(bed.job("a/x"));
    let urgent = JobDraft {
        id,
        priority: 5,
        ..job("a/x")
    };
    bed.edit([Edit::PutJob(urgent)]);
    bed.start(&["a"]);
    bed.hello("h", vec![]);
    assert_eq!(bed.state("e2 a/x"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/x"), JobRunState::Queued);
    bed.succeed("e2 a/x");
    assert_eq!(bed.state("a/x"), JobRunState::Dispatched);
}

#[test]
fn what_waits_for_its_date_can_be_stopped() {
    let mut bed = Bed::new([host("h", 9), flow("a", &[]), job("a/x").edit()]);
    bed.start(&["a"]);
    let second = bed.start(&["a"]);
    assert_eq!(bed.engine.load_figures(), (2, 1, 1));
    bed.stop(second);
    assert_eq!(bed.engine.load_figures(), (1, 0, 1));
    bed.said(&["e2 stopping", "e2 a/x killed", "a stopped", "e2 stopped"]);
    bed.succeed("a/x");
    assert_eq!(bed.engine.load_figures(), (0, 0, 0));
}

/// The order in which jobs get the only slot.
fn order(edits: Vec<Edit>, flows: &[&str]) -> Vec<String> {
    let mut bed = Bed::new([host("h", 1)].into_iter().chain(edits));
    bed.start(flows);
    let mut order = Vec::new();
    while let Some(row) = bed
        .store
        .attempts
        .values()
        .find(|row| !row.state.is_ended())
    {
        let job = &bed.store.jobs[&bed.store.job_runs[&row.job_run].job];
        let flow = &bed.store.flows[&job.flow].0.name;
        let name = format!("{flow}/{}", job.name);
        bed.succeed(&name);
        order.push(name);
    }
    order
}

#[test]
fn higher_priority_goes_first_flows_and_jobs_added() {
    let urgent = FlowDraft {
        priority: 5,
        ..flow_draft("b", &[])
    };
    let edits = vec![
        flow("a", &[]),
        Edit::PutFlow(urgent),
        job("a/low").first(-1).edit(),
        job("a/high").first(6).edit(),
        job("b/plain").edit(),
        job("b/low").first(-6).edit(),
    ];
    assert_eq!(
        order(edits, &["a", "b"]),
        ["a/high", "b/plain", "a/low", "b/low"]
    );
}

#[test]
fn then_the_longest_way_goes_first_through_flows_too() {
    let edits = vec![
        flow("a", &[]),
        job("a/alone").edit(),
        job("a/head").edit(),
        job("a/tail").after("a/head").edit(),
        flow("b", &[]),
        job("b/gate").edit(),
        flow("empty", &["b"]),
        flow("c", &["empty"]),
        job("c/one").edit(),
        job("c/two").after("c/one").edit(),
    ];
    let expected = ["b/gate", "a/head", "c/one", "a/alone", "a/tail", "c/two"];
    assert_eq!(order(edits, &["a", "b", "empty", "c"]), expected);
}

#[test]
fn jobs_go_where_they_belong() {
    let mut big = ExecutorDraft::new("big", "big:1", 9);
    big.labels = [("gpu".into(), "yes".into()), ("zone".into(), "a".into())].into();
    let mut bed = Bed::new([
        host("small", 1),
        Edit::PutExecutor(big),
        flow("a", &[]),
        job("a/named").on("small").edit(),
        job("a/labelled").wants("gpu", "yes").edit(),
        job("a/nowhere").wants("gpu", "no").edit(),
        job("a/any").edit(),
    ]);
    bed.start(&["a"]);
    assert_eq!(bed.attempt("a/named").0, bed.host("small"));
    assert_eq!(bed.attempt("a/labelled").0, bed.host("big"));
    assert_eq!(bed.attempt("a/any").0, bed.host("big"));
    assert_eq!(bed.state("a/nowhere"), JobRunState::Queued);
    // A label that comes later opens the way.
    let mut small = ExecutorDraft::new("small", "small:7890", 2);
    small.id = Some(bed.host("small"));
    small.labels = [("gpu".into(), "no".into())].into();
    bed.edit([Edit::PutExecutor(small)]);
    assert_eq!(bed.attempt("a/nowhere").0, bed.host("small"));
}

#[test]
fn the_executor_with_most_room_is_taken() {
    let mut bed = Bed::new(
        many(&["a/x", "a/y", "a/z"])
            .into_iter()
            .chain([host("h", 2), host("i", 3)]),
    );
    bed.start(&["a"]);
    let on = |name| bed.attempt(name).0;
    let (h, i) = (bed.host("h"), bed.host("i"));
    assert_eq!([on("a/x"), on("a/y"), on("a/z")], [i, h, i]);
}

#[test]
fn what_is_offline_or_disabled_gets_nothing() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    bed.disconnect("h");
    bed.start(&["a"]);
    assert_eq!(bed.state("a/x"), JobRunState::Queued);
    let mut draft = ExecutorDraft::new("h", "h:7890", 1);
    (draft.id, draft.enabled) = (Some(bed.host("h")), false);
    bed.edit([Edit::PutExecutor(draft.clone())]);
    bed.hello("h", vec![]);
    assert_eq!(bed.state("a/x"), JobRunState::Queued);
    draft.enabled = true;
    bed.edit([Edit::PutExecutor(draft)]);
    bed.said(&[
        "put h v3",
        "a/x#1 dispatched",
        "a/x dispatched",
        "connect h",
        "h: run a/x#1",
    ]);
}

#[test]
fn what_an_executor_offers_itself_counts_with_its_definition() {
    let mut bed = Bed::new([
        host("h", 3),
        flow("a", &[]),
        job("a/1").wants("gpu", "yes").edit(),
        job("a/2").wants("gpu", "yes").edit(),
    ]);
    bed.start(&["a"]);
    assert_eq!(bed.state("a/1"), JobRunState::Queued);
    bed.offer("h", &[("gpu", "yes")], 1);
    assert_eq!(bed.state("a/1"), JobRunState::Dispatched);
    assert_eq!(bed.state("a/2"), JobRunState::Queued);
    // More than the definition allows is not more.
    bed.offer("h", &[("gpu", "yes")], 9);
    assert_eq!(bed.state("a/2"), JobRunState::Dispatched);
}

#[test]
fn a_label_of_the_definition_goes_before_one_that_is_offered() {
    let mut defined = ExecutorDraft::new("h", "h:7890", 2);
    defined.labels = [("zone".into(), "a".into())].into();
    let mut bed = Bed::new([
        Edit::PutExecutor(defined),
        flow("a", &[]),
        job("a/b").wants("zone", "b").edit(),
    ]);
    bed.start(&["a"]);
    bed.offer("h", &[("zone", "b")], 0);
    assert_eq!(bed.state("a/b"), JobRunState::Queued);
}
