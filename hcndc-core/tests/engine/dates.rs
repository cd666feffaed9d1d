//! Edits of dependencies on jobs of other data dates, and of what limits flows and jobs.

use core::time::Duration;

use hcndc_core::{
    id::PoolId,
    model::{
        Condition, DefinitionError as E, Dependency, DependencyDraft, Edit, FlowDraft, JobDraft,
        JobRef, MOST_OUTSIDE_DEPENDENCIES, PoolRef,
    },
};

use crate::bed::{Bed, JobWords as _, flow, flow_draft, host, job, range, secs};

fn on(name: &str, offset_days: i32) -> DependencyDraft {
    let (flow, job) = name.split_once('/').unwrap();
    let (flow, job) = (flow.into(), job.into());
    DependencyDraft {
        offset_days,
        ..DependencyDraft::new(JobRef::Name { flow, job }, Condition::Success)
    }
}

fn with(draft: JobDraft, dependencies: &[DependencyDraft]) -> Edit {
    let dependencies = dependencies.to_vec();
    Edit::PutJob(JobDraft {
        dependencies,
        ..draft
    })
}

fn some() -> Bed {
    Bed::new([
        host("h", 1),
        flow("a", &[]),
        flow("b", &["a"]),
        job("a/x").edit(),
        job("b/y").edit(),
    ])
}

#[track_caller]
fn faults(edit: Edit, expected: &[(&str, E)]) {
    let expected = expected.iter();
    let expected = expected.map(|(field, error)| (Some(0), (*field).to_owned(), error.clone()));
    assert_eq!(some().faults([edit]), expected.collect::<Vec<_>>());
}

#[test]
fn limits_of_flows_and_jobs_are_in_range() {
    for (max_runs, restart_retries) in [(0, 101), (10_001, u32::MAX)] {
        let draft = FlowDraft {
            max_runs: Some(max_runs),
            timeout: Some(Duration::ZERO),
            restart_retries,
            ..flow_draft("c", &[])
        };
        faults(
            Edit::PutFlow(draft),
            &[
                ("max_runs", range(i64::from(max_runs), 1, 10_000)),
                ("timeout", range(0, 1, i64::MAX)),
                ("restart_retries", range(i64::from(restart_retries), 0, 100)),
            ],
        );
    }
    let draft = JobDraft {
        pool_slots: 1_001,
        expected: Some(Duration::ZERO),
        ..job("a/n")
    };
    faults(
        draft.edit(),
        &[
            ("expected", range(0, 1, i64::MAX)),
            ("pool_slots", range(1_001, 1, 1_000)),
        ],
    );
    let draft = JobDraft {
        pool: Some(PoolRef::Id(PoolId(7))),
        ..job("a/n")
    };
    let (what, name) = ("pool".into(), "7".into());
    faults(draft.edit(), &[("pool", E::Unknown { what, name })]);
    let late = DependencyDraft {
        wait_limit: Some(Duration::ZERO),
        ..on("a/x", 367)
    };
    faults(
        with(job("a/n"), &[late]),
        &[
            ("dependencies.offset_days", range(367, -366, 366)),
            ("dependencies.wait_limit", range(0, 1, i64::MAX)),
        ],
    );
}

#[test]
fn a_job_may_wait_for_several_dates_of_another_and_for_its_own_past() {
    let mut bed = some();
    let waits = DependencyDraft {
        wait_limit: Some(secs(60)),
        ..on("a/x", -1)
    };
    let all = [on("a/x", 0), waits, on("b/n", -1), on("a/x", -2)];
    bed.edit([with(job("b/n"), &all)]);
    let (x, n) = (bed.job("a/x"), bed.job("b/n"));
    let dated = |job, offset_days, wait_limit| Dependency {
        offset_days,
        wait_limit,
        ..Dependency::new(job, Condition::Success)
    };
    let expected = [
        dated(x, -2, None),
        dated(x, -1, Some(secs(60))),
        dated(x, 0, None),
        dated(n, -1, None),
    ];
    assert_eq!(bed.engine.job(n).unwrap().dependencies, expected);
    bed.reload();

    let twice = [on("a/x", -1), on("a/x", -1)];
    let value = x.to_string();
    faults(
        with(job("b/m"), &twice),
        &[("dependencies", E::Duplicate { value })],
    );
}

#[test]
fn yesterdays_run_ties_no_cycle_but_keeps_its_job_from_being_deleted() {
    let mut bed = some();
    let x = bed.job("a/x");
    let draft = JobDraft {
        id: Some(x),
        ..job("a/x")
    };
    // b waits for a; a may wait for what b did the day before.
    bed.edit([with(draft.clone(), &[on("b/y", -1)])]);
    let y = bed.job("b/y");
    let delete = Edit::DeleteJob {
        job: y,
        version: None,
    };
    let users = vec!["job a/x".to_owned()];
    let faults = bed.faults([delete.clone()]);
    assert_eq!(faults, [(Some(0), String::new(), E::InUse { users })]);
    bed.reload();
    assert_eq!(bed.faults([delete.clone()]).len(), 1);
    // It is free as soon as nobody asks for it.
    bed.edit([with(draft, &[]), delete]);
}

#[test]
fn a_job_looks_at_no_more_than_so_many_jobs_outside() {
    let mut bed = some();
    let most = MOST_OUTSIDE_DEPENDENCIES as i32;
    let dates = |count| (1..=count).map(|day| on("a/n", -day)).collect::<Vec<_>>();
    bed.edit([with(job("a/n"), &dates(most))]);
    let mut one_more = dates(most);
    // A job of the same flow is inside, one of another is not.
    one_more.push(on("a/x", 0));
    let id = Some(bed.job("a/n"));
    let draft = JobDraft { id, ..job("a/n") };
    bed.edit([with(draft.clone(), &one_more)]);
    one_more.push(on("c/z", 0));
    let faults = bed.faults([flow("c", &[]), job("c/z").edit(), with(draft, &one_more)]);
    let (count, max) = (MOST_OUTSIDE_DEPENDENCIES + 1, MOST_OUTSIDE_DEPENDENCIES);
    assert_eq!(
        faults,
        [(
            Some(2),
            "dependencies".to_owned(),
            E::TooMany { count, max }
        )]
    );
}

#[test]
fn circles_over_dates_are_refused_unless_they_go_back_in_time() {
    let refused = |bed: &mut Bed, edits: Vec<Edit>| match &bed.faults(edits)[..] {
        [(None, _, E::Cycle { path })] => path.join(" "),
        other => panic!("{other:?}"),
    };
    let mut bed = some();
    let x = |bed: &Bed, on: &[DependencyDraft]| {
        let id = Some(bed.job("a/x"));
        let draft = JobDraft { id, ..job("a/x") };
        with(draft, on)
    };
    let (own, next) = (x(&bed, &[on("a/x", 1)]), x(&bed, &[on("b/y", 1)]));
    assert_eq!(refused(&mut bed, vec![own]), "a/x@+1 a/x@+1");
    // b/y follows a/x, for b's parent is a.
    assert_eq!(refused(&mut bed, vec![next.clone()]), "a/x a b b/y@+1 a/x");
    for back in ["a/x", "b/y"] {
        let back = x(&bed, &[on(back, -1)]);
        bed.edit([back]);
    }
    // What looks ahead is well while nothing comes back.
    bed.edit([job("b/z").edit()]);
    let ahead = with(job("b/early"), &[on("b/z", 2)]);
    bed.edit([ahead]);
    let z = |bed: &Bed, days| {
        let id = Some(bed.job("b/z"));
        let draft = JobDraft { id, ..job("b/z") };
        with(draft, &[on("b/early", days)])
    };
    let two = z(&bed, -2);
    assert_eq!(refused(&mut bed, vec![two]), "b/early@-2 b/z@+2 b/early@-2");
    let three = z(&bed, -3);
    bed.edit([three]);
    // What goes in the same batch stands in nobody's way.
    let version = None;
    let early = Edit::DeleteJob {
        job: bed.job("b/early"),
        version,
    };
    let free = JobDraft {
        id: Some(bed.job("b/z")),
        ..job("b/z")
    };
    bed.edit([early, with(free, &[on("b/y", 1)])]);
}
