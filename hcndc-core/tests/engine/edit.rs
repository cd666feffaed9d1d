//! Edits of definitions.

use hcndc_core::{
    engine::{DefinitionId, Reply},
    id::{ExecutorId, FlowId, JobId},
    model::{
        Condition, DefinitionError as E, DependencyDraft, Edit, ExecutorDraft, FlowDraft, FlowRef,
        JobDraft, JobRef, Param, PlacementDraft,
    },
};

use crate::bed::{Bed, JobWords as _, flow, flow_draft, host, job, range, unknown};

fn some() -> Bed {
    Bed::new([
        host("h", 1),
        flow("a", &[]),
        flow("b", &["a"]),
        job("a/x").edit(),
        job("b/y").on("h").edit(),
        job("b/z").after("b/y").edit(),
    ])
}

/// One fault, of the first edit.
#[track_caller]
fn fault(edit: Edit, field: &str, error: E) {
    let faults = some().faults([edit]);
    assert_eq!(faults, [(Some(0), field.to_owned(), error)]);
}

fn cycle(path: &[&str]) -> Vec<(Option<usize>, String, E)> {
    let path = path.iter().map(|it| (*it).to_owned()).collect();
    vec![(None, String::new(), E::Cycle { path })]
}

#[test]
fn names_may_be_defined_later_in_the_batch() {
    let mut bed = Bed::new([]);
    bed.edit([
        job("b/y").after("a/x").on("h").edit(),
        flow("b", &["a"]),
        job("a/x").edit(),
        flow("a", &[]),
        host("h", 1),
    ]);
    bed.said(&[
        "put h v1",
        "put b v1",
        "put a v1",
        "put b/y v1",
        "put a/x v1",
        "connect h",
    ]);
    let ids = [
        DefinitionId::Job(bed.job("b/y")),
        DefinitionId::Flow(bed.flow("b")),
        DefinitionId::Job(bed.job("a/x")),
        DefinitionId::Flow(bed.flow("a")),
        DefinitionId::Executor(bed.host("h")),
    ];
    assert_eq!(bed.reply, Reply::Edited(ids.into()));
}

#[test]
fn two_flows_can_swap_their_names_in_one_batch() {
    let mut bed = some();
    let (a, b) = (bed.flow("a"), bed.flow("b"));
    let first = FlowDraft {
        id: Some(a),
        ..flow_draft("b", &[])
    };
    let parents = vec![FlowRef::Id(a)];
    let second = FlowDraft {
        id: Some(b),
        parents,
        ..flow_draft("a", &[])
    };
    bed.edit([Edit::PutFlow(first), Edit::PutFlow(second)]);
    assert_eq!((bed.flow("a"), bed.flow("b")), (b, a));
    assert!(bed.engine.find_job(b, "y").is_some());
}

#[test]
fn two_jobs_can_swap_their_names_in_one_batch() {
    let mut bed = some();
    let (y, z) = (bed.job("b/y"), bed.job("b/z"));
    let first = JobDraft {
        id: Some(y),
        ..job("b/z")
    };
    let second = JobDraft {
        id: Some(z),
        ..job("b/y")
    };
    bed.edit([first.edit(), second.edit()]);
    assert_eq!((bed.job("b/y"), bed.job("b/z")), (z, y));
}

#[test]
fn an_edit_that_changes_nothing_makes_no_version() {
    let mut bed = some();
    let same = JobDraft {
        id: Some(bed.job("b/z")),
        ..job("b/z").after("b/y")
    };
    let host = ExecutorDraft {
        id: Some(bed.host("h")),
        ..ExecutorDraft::new("h", "h:7890", 1)
    };
    let a = FlowDraft {
        id: Some(bed.flow("a")),
        ..flow_draft("a", &[])
    };
    bed.edit([same.edit(), Edit::PutExecutor(host), Edit::PutFlow(a)]);
    bed.said(&[]);
}

#[test]
fn a_name_that_is_deleted_is_free_in_the_same_batch() {
    let mut bed = some();
    let (old_flow, old_job) = (bed.flow("b"), bed.job("b/y"));
    let delete = Edit::DeleteFlow {
        flow: old_flow,
        version: Some(1),
    };
    bed.edit([flow("b", &[]), delete, job("b/y").edit()]);
    assert_ne!(bed.flow("b"), old_flow);
    assert_ne!(bed.job("b/y"), old_job);
    assert_eq!(bed.engine.jobs().count(), 2);
}

#[test]
fn ids_are_never_given_twice() {
    let mut bed = some();
    let before = bed.engine.next_id();
    let job_id = bed.job("b/z");
    bed.edit([Edit::DeleteJob {
        job: job_id,
        version: None,
    }]);
    bed.edit([job("b/z").after("b/y").edit()]);
    assert_eq!(bed.job("b/z"), JobId(before));
    // Not even by an edit that is refused.
    bed.faults([job("b/new").edit(), job("nowhere/new").edit()]);
    assert_eq!(bed.engine.next_id(), before + 1);
}

#[test]
fn what_an_edit_names_must_exist() {
    fault(flow("c", &["none"]), "parents", unknown("flow", "none"));
    fault(job("none/x").edit(), "flow", unknown("flow", "none"));
    fault(
        job("a/n").after("a/none").edit(),
        "dependencies",
        unknown("job", "a/none"),
    );
    fault(
        job("a/n").on("none").edit(),
        "executor",
        unknown("executor", "none"),
    );
    let flow_draft = FlowDraft {
        id: Some(FlowId(99)),
        ..flow_draft("c", &[])
    };
    fault(Edit::PutFlow(flow_draft), "id", unknown("flow", "99"));
    let job_draft = JobDraft {
        id: Some(JobId(99)),
        ..job("a/n")
    };
    fault(job_draft.edit(), "id", unknown("job", "99"));
    let executor = ExecutorDraft {
        id: Some(ExecutorId(99)),
        ..ExecutorDraft::new("i", "i:1", 1)
    };
    fault(Edit::PutExecutor(executor), "id", unknown("executor", "99"));
    let version = None;
    fault(
        Edit::DeleteFlow {
            flow: FlowId(99),
            version,
        },
        "id",
        unknown("flow", "99"),
    );
    fault(
        Edit::DeleteJob {
            job: JobId(99),
            version,
        },
        "id",
        unknown("job", "99"),
    );
    let executor = ExecutorId(99);
    fault(
        Edit::DeleteExecutor { executor, version },
        "id",
        unknown("executor", "99"),
    );
}

#[test]
fn names_are_unique_and_well_formed() {
    fault(flow("a", &[]), "name", E::NameTaken);
    fault(job("b/y").edit(), "name", E::NameTaken);
    fault(
        Edit::PutExecutor(ExecutorDraft::new("h", "elsewhere:1", 1)),
        "name",
        E::NameTaken,
    );
    for name in ["", " c", "c ", "c/d", "c\n", &"c".repeat(256)] {
        fault(flow(name, &[]), "name", E::BadName);
    }
    fault(
        JobDraft {
            name: "x\t".into(),
            ..job("a/n")
        }
        .edit(),
        "name",
        E::BadName,
    );
    let mut bed = some();
    bed.edit([flow(&"流".repeat(255), &[]), job("a/with/slash").edit()]);
    let twice = bed.faults([flow("twice", &[]), flow("twice", &[])]);
    assert_eq!(twice, [(Some(1), "name".to_owned(), E::NameTaken)]);
}

#[test]
fn an_address_belongs_to_one_executor() {
    let taken = |at, by: &str| {
        let by = by.to_owned();
        (Some(at), "address".to_owned(), E::AddressTaken { by })
    };
    let at = |id, name: &str, address: &str, enabled| {
        Edit::PutExecutor(ExecutorDraft {
            id,
            enabled,
            ..ExecutorDraft::new(name, address, 1)
        })
    };
    let mut bed = some();
    let h = Some(bed.host("h"));
    // Not even one that is not enabled may share it.
    let faults = bed.faults([at(None, "i", " h:7890", false)]);
    assert_eq!(faults, [taken(0, "h")]);
    let faults = bed.faults([at(None, "i", "i:1", true), at(None, "j", "i:1", true)]);
    assert_eq!(faults, [taken(0, "j"), taken(1, "i")]);
    // What counts is how all stands after the batch.
    bed.edit([at(None, "i", "h:7890", true), at(h, "h", "i:1", true)]);
    let i = Some(bed.host("i"));
    bed.edit([at(h, "h", "h:7890", true), at(i, "i", "i:1", true)]);
    let (executor, version) = (bed.host("i"), None);
    let delete = Edit::DeleteExecutor { executor, version };
    bed.edit([at(None, "j", "i:1", true), delete]);
}

#[test]
fn numbers_are_in_range_and_texts_fit() {
    fault(job("a/n").slots(0).edit(), "slots", range(0, 1, 1000));
    fault(job("a/n").slots(1001).edit(), "slots", range(1001, 1, 1000));
    fault(
        job("a/n").retry(101, 0).edit(),
        "retry.max",
        range(101, 0, 100),
    );
    let mut draft = job("a/n");
    draft.retry.backoff_permille = 999;
    fault(
        draft.edit(),
        "retry.backoff_permille",
        range(999, 1000, 100_000),
    );
    let timeout = Some(core::time::Duration::ZERO);
    fault(
        JobDraft {
            timeout,
            ..job("a/n")
        }
        .edit(),
        "timeout",
        range(0, 1, i64::MAX),
    );
    fault(host("i", 0), "slots", range(0, 1, 100_000));
    fault(
        JobDraft {
            command: " ".into(),
            ..job("a/n")
        }
        .edit(),
        "command",
        E::Empty,
    );
    fault(
        JobDraft {
            command: "a\0".into(),
            ..job("a/n")
        }
        .edit(),
        "command",
        E::Nul,
    );
    fault(
        JobDraft {
            workdir: "\0".into(),
            ..job("a/n")
        }
        .edit(),
        "workdir",
        E::Nul,
    );
    let placement = PlacementDraft::Labels([].into());
    fault(
        JobDraft {
            placement,
            ..job("a/n")
        }
        .edit(),
        "labels",
        E::Empty,
    );
    fault(
        Edit::PutExecutor(ExecutorDraft::new("i", "", 1)),
        "address",
        E::Empty,
    );
    for directory in ["", "x", "//", "/a//b", "/\n"] {
        let draft = FlowDraft {
            directory: directory.into(),
            ..flow_draft("c", &[])
        };
        fault(Edit::PutFlow(draft), "directory", E::BadDirectory);
    }
}

#[test]
fn params_and_environment_have_names_that_shells_know() {
    let param = |name: &str| Param {
        name: name.into(),
        value: "v".into(),
    };
    let bad = |value: &str| E::BadKey {
        value: value.into(),
    };
    let params = vec![param("1st").into()];
    fault(
        JobDraft {
            params,
            ..job("a/n")
        }
        .edit(),
        "params",
        bad("1st"),
    );
    let params = vec![param("p").into(), param("p").into()];
    let twice = E::Duplicate { value: "p".into() };
    fault(
        JobDraft {
            params,
            ..job("a/n")
        }
        .edit(),
        "params",
        twice,
    );
    let env = [("A-B".into(), "v".into())].into();
    fault(
        Edit::PutFlow(FlowDraft {
            env,
            ..flow_draft("c", &[])
        }),
        "env",
        bad("A-B"),
    );
    let env = [("A".into(), "\0".into())].into();
    fault(JobDraft { env, ..job("a/n") }.edit(), "env.A", E::Nul);
    let command = "x".repeat(120_001);
    let too_long = E::TooLong {
        length: 120_001,
        max: 120_000,
    };
    fault(
        JobDraft {
            command,
            ..job("a/n")
        }
        .edit(),
        "command",
        too_long,
    );
}

#[test]
fn nothing_is_named_twice() {
    let mut bed = some();
    let a = bed.flow("a");
    let twice = E::Duplicate {
        value: a.to_string(),
    };
    let faults = bed.faults([flow("c", &["a", "a"])]);
    assert_eq!(faults, [(Some(0), "parents".to_owned(), twice)]);

    let x = bed.job("a/x");
    let dependency = |condition| DependencyDraft::new(JobRef::Id(x), condition);
    let dependencies = vec![dependency(Condition::Success), dependency(Condition::Done)];
    let faults = bed.faults([JobDraft {
        dependencies,
        ..job("b/n")
    }
    .edit()]);
    let twice = E::Duplicate {
        value: x.to_string(),
    };
    assert_eq!(faults, [(Some(0), "dependencies".to_owned(), twice)]);

    let rename = |name: &str| {
        Edit::PutFlow(FlowDraft {
            id: Some(a),
            ..flow_draft(name, &[])
        })
    };
    let faults = bed.faults([rename("c"), rename("d")]);
    let twice = E::Duplicate {
        value: a.to_string(),
    };
    assert_eq!(faults, [(Some(1), "id".to_owned(), twice)]);
}

#[test]
fn an_edit_of_an_old_version_is_refused() {
    let mut bed = some();
    let id = Some(bed.job("b/y"));
    let draft = |version| JobDraft {
        id,
        version,
        ..job("b/y").first(4)
    };
    bed.edit([draft(Some(1)).edit()]);
    let faults = bed.faults([JobDraft {
        priority: 5,
        ..draft(Some(1))
    }
    .edit()]);
    let (given, current) = (1, 2);
    assert_eq!(
        faults,
        [(Some(0), "version".to_owned(), E::Stale { given, current })]
    );
    let flow = bed.flow("b");
    let faults = bed.faults([Edit::DeleteFlow {
        flow,
        version: Some(9),
    }]);
    let (given, current) = (9, 1);
    assert_eq!(
        faults,
        [(Some(0), "version".to_owned(), E::Stale { given, current })]
    );
}

#[test]
fn a_job_stays_in_its_flow() {
    let mut bed = some();
    let draft = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("b/x")
    };
    let faults = bed.faults([draft.edit()]);
    assert_eq!(faults, [(Some(0), "flow".to_owned(), E::FlowChanged)]);
}

#[test]
fn what_others_need_is_not_deleted() {
    let mut bed = some();
    let (flow, y, executor) = (bed.flow("a"), bed.job("b/y"), bed.host("h"));
    let version = None;
    let faults = bed.faults([
        Edit::DeleteFlow { flow, version },
        Edit::DeleteJob { job: y, version },
        Edit::DeleteExecutor { executor, version },
    ]);
    // b/y goes with this batch, so nobody needs the executor.
    let in_use = |users: &[&str]| E::InUse {
        users: users.iter().map(|it| (*it).into()).collect(),
    };
    assert_eq!(
        faults,
        [
            (Some(0), String::new(), in_use(&["flow b"])),
            (Some(1), String::new(), in_use(&["job b/z"])),
        ]
    );
    let faults = bed.faults([Edit::DeleteExecutor { executor, version }]);
    assert_eq!(faults, [(Some(0), String::new(), in_use(&["job b/y"]))]);
    bed.start(&["b"]);
    let edits = [
        JobDraft {
            id: Some(y),
            ..job("b/y")
        }
        .edit(),
        Edit::DeleteExecutor { executor, version },
    ];
    let faults = bed.faults(edits);
    assert_eq!(
        faults,
        [(
            Some(1),
            String::new(),
            in_use(&["attempts that run there", "job runs that have not ended"])
        )]
    );
    // All users go in the same batch.
    let b = bed.flow("b");
    bed.edit([
        Edit::DeleteFlow { flow: b, version },
        Edit::DeleteFlow { flow, version },
    ]);
    assert_eq!(bed.engine.mesh().size(), (0, 0));
}

#[test]
fn an_executor_does_not_move_while_attempts_live_there() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    let h = Some(bed.host("h"));
    let at = |address: &str, slots| {
        Edit::PutExecutor(ExecutorDraft {
            id: h,
            ..ExecutorDraft::new("h", address, slots)
        })
    };
    bed.edit([at("h2:7890", 1)]);
    bed.start(&["a"]);
    let users = vec!["attempts that run there".into()];
    let faults = bed.faults([at("h3:7890", 1)]);
    assert_eq!(
        faults,
        [(Some(0), "address".to_owned(), E::InUse { users })]
    );
    bed.edit([at("h2:7890", 2)]);
    bed.succeed("a/x");
    bed.edit([at("h3:7890", 2)]);
}

#[test]
fn a_job_cannot_wait_for_itself() {
    let mut bed = some();
    let faults = bed.faults([job("a/n").after("a/n").edit()]);
    assert_eq!(faults, cycle(&["a/n", "a/n"]));
}

#[test]
fn a_cycle_among_jobs_is_named_and_undone() {
    let mut bed = some();
    let y = JobDraft {
        id: Some(bed.job("b/y")),
        ..job("b/y").after("b/new")
    };
    let faults = bed.faults([y.edit(), job("b/new").after("b/z").edit()]);
    assert_eq!(faults, cycle(&["b/y", "b/z", "b/new", "b/y"]));
    let mesh = bed.engine.mesh();
    assert_eq!(mesh.size(), (3, 1));
    assert_eq!(mesh.find_cycle(&[]), None);
    // What was there holds again: the same cycle is found a second time.
    let y = JobDraft {
        id: Some(bed.job("b/y")),
        ..job("b/y").after("b/z")
    };
    assert_eq!(bed.faults([y.edit()]), cycle(&["b/y", "b/z", "b/y"]));
}

#[test]
fn a_cycle_among_flows_is_named() {
    let mut bed = some();
    let a = FlowDraft {
        id: Some(bed.flow("a")),
        ..flow_draft("a", &["b"])
    };
    let faults = bed.faults([Edit::PutFlow(a)]);
    let E::Cycle { path } = &faults[0].2 else {
        panic!("{faults:?}")
    };
    assert!(
        path.contains(&"a".into()) && path.contains(&"b".into()),
        "{path:?}"
    );
    let own = FlowDraft {
        id: Some(bed.flow("a")),
        ..flow_draft("a", &["a"])
    };
    assert_eq!(bed.faults([Edit::PutFlow(own)]), cycle(&["a", "a"]));
}

#[test]
fn a_cycle_through_jobs_and_flows_is_named() {
    let mut bed = some();
    // b waits for all of a, so no job of a can wait for one of b.
    let x = JobDraft {
        id: Some(bed.job("a/x")),
        ..job("a/x").after("b/z")
    };
    let faults = bed.faults([x.edit()]);
    assert_eq!(faults, cycle(&["b", "b/z", "a/x", "a", "b"]));
}

#[test]
fn a_cycle_through_a_flow_without_jobs_is_refused() {
    let mut bed = Bed::new([
        flow("a", &[]),
        flow("empty", &["a"]),
        flow("b", &["empty"]),
        job("b/y").edit(),
    ]);
    let faults = bed.faults([job("a/x").after("b/y").edit()]);
    assert_eq!(faults, cycle(&["empty", "b", "b/y", "a/x", "a", "empty"]));
}

#[test]
fn what_the_batch_deletes_makes_no_cycle() {
    let mut bed = Bed::new([
        flow("a", &[]),
        job("a/x").edit(),
        flow("b", &[]),
        job("b/y").after("a/x").edit(),
        flow("c", &[]),
        job("c/z").edit(),
    ]);
    // a may wait for b once b/y no longer waits for a.
    let a = FlowDraft {
        id: Some(bed.flow("a")),
        ..flow_draft("a", &["b"])
    };
    let delete = Edit::DeleteJob {
        job: bed.job("b/y"),
        version: None,
    };
    bed.edit([Edit::PutFlow(a), delete]);
    assert_eq!(bed.engine.mesh().size(), (2, 0));
}

#[test]
fn a_cycle_leaves_deleted_things_in_place() {
    let mut bed = some();
    let delete = |job| Edit::DeleteJob { job, version: None };
    let own = job("a/n").after("a/n").edit();
    assert_eq!(
        bed.faults([delete(bed.job("b/z")), own]),
        cycle(&["a/n", "a/n"])
    );
    let y = JobDraft {
        id: Some(bed.job("b/y")),
        ..job("b/y").after("b/z")
    };
    assert_eq!(bed.faults([y.edit()]), cycle(&["b/y", "b/z", "b/y"]));
}

#[test]
fn all_faults_are_told_at_once() {
    let mut bed = some();
    let faults = bed.faults([
        flow("", &["none"]),
        job("a/n").slots(0).edit(),
        host("h", 0),
    ]);
    assert_eq!(
        faults.iter().map(|it| it.0).collect::<Vec<_>>(),
        [Some(2), Some(0), Some(0), Some(1), Some(2), Some(2)]
    );
}

#[test]
fn success_codes_and_dependencies_are_put_in_order() {
    let mut bed = some();
    bed.edit([
        JobDraft {
            success_codes: vec![3, 0, 3],
            ..job("b/n").after("b/z").after("a/x")
        }
        .edit(),
        JobDraft {
            success_codes: vec![],
            ..job("b/m")
        }
        .edit(),
    ]);
    let find = |name: &str| bed.engine.find_job(bed.flow("b"), name).unwrap();
    assert_eq!(find("n").success_codes, [0, 3]);
    assert_eq!(find("m").success_codes, [0]);
    let on: Vec<JobId> = find("n").dependencies.iter().map(|it| it.job).collect();
    assert_eq!(on, [bed.job("a/x"), bed.job("b/z")]);
}
