//! Clauses 5 and 6: what comes back.

use alloc::{string::String, vec, vec::Vec};

use super::{Case, StoreFixture, lead, load, put};
use crate::{
    contract::sample::{self, World, at, date},
    engine::{
        AttemptRow, AttemptState, Change, ExecutionRow, ExecutionState, FlowRunRow, JobRunRow,
        Snapshot,
    },
    id::{ExecutionId, FlowId, JobId},
    model::{Flow, Job},
    port::Store as _,
};

/// Clause 5: a store that nothing was put into is no error.
pub async fn an_empty_store_loads_as_nothing<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    assert_eq!(load(&case.store).await, Snapshot::default());
    let again = fixture.reopen(case).await;
    assert_eq!(load(&again).await, Snapshot::default());
}

/// Clause 5: by id as a number, in whatever order rows were stored.
pub async fn lists_are_loaded_sorted_by_id<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    // As texts, 10 and 100 would come before 9.
    for id in [100, 9, 10, 1_000, 11] {
        let changes = vec![
            sample::put_flow(&sample::flow(id, "f")),
            sample::put_job(&sample::job(id, id, "j")),
            sample::put_executor(&sample::executor(id, "e")),
            Change::Execution(sample::execution(id)),
            sample::put_flow_run(sample::flow_run(2_000 + id, 10, id)),
            sample::put_job_run(sample::job_run(2_000 + id, 10, 2_000 + id, id)),
            Change::Attempt(sample::attempt(2_000 + id, 10, 2_000 + id, 1, 9)),
        ];
        put(&case.store, fence, changes).await;
    }
    let snapshot = load(&case.store).await;
    let flows: Vec<_> = snapshot.flows.iter().map(|(f, _)| f.id.0).collect();
    let jobs: Vec<_> = snapshot.jobs.iter().map(|j| j.id.0).collect();
    let executors: Vec<_> = snapshot.executors.iter().map(|e| e.id.0).collect();
    let executions: Vec<_> = snapshot.executions.iter().map(|e| e.row.id.0).collect();
    for ids in [flows, jobs, executors, executions] {
        assert_eq!(ids, [9, 10, 11, 100, 1_000]);
    }
    let ten = &snapshot.executions[1];
    let flow_runs: Vec<_> = ten.flow_runs.iter().map(|(r, _)| r.id.0).collect();
    let job_runs: Vec<_> = ten.job_runs.iter().map(|(r, _)| r.id.0).collect();
    let attempts: Vec<_> = ten.attempts.iter().map(|a| a.id.0).collect();
    for ids in [flow_runs, job_runs, attempts] {
        assert_eq!(ids, [2_009, 2_010, 2_011, 2_100, 3_000]);
    }
    assert!(snapshot.executions[0].flow_runs.is_empty());
}

/// Clause 5: what has ended is history.
pub async fn an_ended_execution_is_not_loaded<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, World::new().changes()).await;
    for &state in ExecutionState::ALL {
        let row = ExecutionRow {
            state,
            ..sample::execution(31)
        };
        put(&case.store, fence, vec![Change::Execution(row)]).await;
        let loaded = load(&case.store).await.executions.len();
        assert_eq!(loaded, usize::from(!state.is_ended()), "{state}");
    }
}

/// Clause 5: and what has ended may begin again, with the ends of its rows taken back.
pub async fn a_resumed_execution_is_loaded_again<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    let mut changes = world.changes();
    changes.push(Change::Execution(ExecutionRow {
        state: ExecutionState::Failed,
        ended_at: Some(at(50)),
        ..world.execution.clone()
    }));
    let ended = |row: &JobRunRow| {
        sample::put_job_run(JobRunRow {
            ended_at: Some(at(50)),
            exit_code: Some(1),
            retry_at: Some(at(60)),
            started_at: Some(at(1)),
            queued_at: Some(at(1)),
            ..*row
        })
    };
    changes.extend(world.job_runs.iter().map(ended));
    put(&case.store, fence, changes).await;
    assert_eq!(load(&case.store).await.executions, []);
    put(&case.store, fence, world.changes()).await;
    assert_eq!(load(&case.store).await, world.snapshot(1_000));
}

/// Clause 5: an attempt is loaded while it lives.
pub async fn an_ended_attempt_is_not_loaded<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, World::new().changes()).await;
    for &state in AttemptState::ALL {
        let row = AttemptRow {
            state,
            ..sample::attempt(62, 31, 51, 2, 21)
        };
        put(&case.store, fence, vec![Change::Attempt(row.clone())]).await;
        let loaded = load(&case.store).await.executions[0].attempts.clone();
        let expected = if state.is_ended() { vec![] } else { vec![row] };
        assert_eq!(loaded, expected, "{state}");
    }
}

/// Clause 5: what a job run puts out replaces all that it had put out before.
pub async fn outputs_replace_each_other<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, World::new().changes()).await;
    let first = sample::outputs(31, 51, 2, &[("rows", "7")]);
    let other = sample::outputs(31, 52, 1, &[("a", "1"), ("b", "2")]);
    let none = sample::outputs(31, 51, 3, &[]);
    let long = "长".repeat(crate::outputs::LONGEST_VALUE / 3);
    let last = sample::outputs(31, 51, 4, &[("a", &long), ("b", &long)]);
    let steps = [
        (vec![&first], vec![&first]),
        (vec![&other], vec![&first, &other]),
        (vec![&none], vec![&other]),
        (vec![&none], vec![&other]),
        // Of one commit the last counts.
        (vec![&first, &none, &last], vec![&last, &other]),
    ];
    for (stored, expected) in steps {
        let changes = stored.into_iter().cloned().map(Change::Outputs);
        put(&case.store, fence, changes.collect()).await;
        let loaded = load(&case.store).await.executions.remove(0).outputs;
        assert_eq!(loaded.iter().collect::<Vec<_>>(), expected);
        let one = case.store.load_execution(ExecutionId(31)).await;
        let one = one.expect("load").expect("an execution");
        assert_eq!(one.outputs, loaded);
    }
}

/// Clause 5: the data date is the flow's, not the version's.
pub async fn a_new_version_keeps_the_data_date<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let newer = Flow {
        revision: sample::revision(2),
        ..world.flows[0].clone()
    };
    put(&case.store, fence, vec![sample::put_flow(&newer)]).await;
    let later = Change::FlowDataDate {
        flow: FlowId(2),
        data_date: date("2026-11-20"),
    };
    put(&case.store, fence, vec![later]).await;
    let flows = load(&case.store).await.flows;
    assert_eq!(
        (&*flows[0].0, flows[0].1),
        (&newer, Some(date("2024-02-29")))
    );
    assert_eq!(
        (&*flows[1].0, flows[1].1),
        (&world.flows[1], Some(date("2026-11-20")))
    );
}

/// Clause 5: runs go on with the version that they started with, while new ones take the new.
pub async fn a_replaced_version_is_loaded_for_its_runs<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let flow = Flow {
        revision: sample::revision(2),
        name: String::from("renamed flow"),
        ..world.flows[0].clone()
    };
    let job = Job {
        revision: sample::revision(2),
        command: String::from("exit 1"),
        dependencies: vec![],
        ..world.jobs[1].clone()
    };
    let changes = vec![sample::put_flow(&flow), sample::put_job(&job)];
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert_eq!((&*snapshot.flows[0].0, &*snapshot.jobs[1]), (&flow, &job));
    assert_eq!(snapshot.executions, [world.execution_snapshot()]);

    let newer = FlowRunRow {
        flow_version: 2,
        ..world.flow_runs[0]
    };
    let mut newest = world.job_runs[1];
    newest.job_version = 2;
    let changes = vec![sample::put_flow_run(newer), sample::put_job_run(newest)];
    put(&case.store, fence, changes).await;
    let execution = load(&case.store).await.executions.remove(0);
    assert_eq!(
        (execution.flow_runs[0].0, &*execution.flow_runs[0].1),
        (newer, &flow)
    );
    assert_eq!(
        (execution.job_runs[1].0, &*execution.job_runs[1].1),
        (newest, &job)
    );
    assert_eq!(*execution.job_runs[0].1, world.jobs[0]);
}

/// Clause 5: the same when the definition is no more.
pub async fn a_deleted_version_is_loaded_for_its_runs<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let mut changes: Vec<_> = [11, 12, 13].map(|id| Change::JobDeleted(JobId(id))).into();
    changes.extend([1, 2].map(|id| Change::FlowDeleted(FlowId(id))));
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert_eq!((snapshot.flows.len(), snapshot.jobs.len()), (0, 0));
    assert_eq!(snapshot.executions, [world.execution_snapshot()]);
}

/// Clause 5: also when it came and went between two commits, with a run of it in between.
pub async fn a_version_put_and_deleted_in_one_commit_stays<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    let mut changes = world.changes();
    let newer = |flow: &Flow| Flow {
        revision: sample::revision(2),
        ..flow.clone()
    };
    changes.extend(
        world
            .flows
            .iter()
            .map(|flow| sample::put_flow(&newer(flow))),
    );
    changes.extend([11, 12, 13].map(|id| Change::JobDeleted(JobId(id))));
    changes.push(Change::FlowDeleted(FlowId(2)));
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert_eq!((snapshot.flows.len(), snapshot.jobs.len()), (1, 0));
    assert_eq!(*snapshot.flows[0].0, newer(&world.flows[0]));
    assert_eq!(snapshot.executions, [world.execution_snapshot()]);
}

/// Clause 5: the next definition of a name is another one; runs of the first keep theirs.
pub async fn a_deleted_name_can_be_given_again<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let flow = Flow {
        id: FlowId(3),
        ..sample::flow(3, &world.flows[0].name)
    };
    let job = sample::job(14, 3, &world.jobs[0].name);
    let executor = sample::executor(23, &world.executors[0].name);
    let mut changes = vec![
        Change::JobDeleted(JobId(11)),
        Change::JobDeleted(JobId(12)),
        Change::FlowDeleted(FlowId(1)),
        Change::ExecutorDeleted(world.executors[0].id),
    ];
    changes.extend([
        sample::put_flow(&flow),
        sample::put_job(&job),
        sample::put_executor(&executor),
    ]);
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    let flows: Vec<_> = snapshot
        .flows
        .iter()
        .map(|(f, date)| (&**f, *date))
        .collect();
    assert_eq!(flows, [(&world.flows[1], None), (&flow, None)]);
    let jobs: Vec<_> = snapshot.jobs.iter().map(|j| &**j).collect();
    assert_eq!(jobs, [&world.jobs[2], &job]);
    let executors: Vec<_> = snapshot.executors.iter().map(|e| &**e).collect();
    assert_eq!(executors, [&world.executors[1], &executor]);
    assert_eq!(snapshot.executions, [world.execution_snapshot()]);
}

/// Clause 5: a flow that is put once more under the id of a deleted one starts without a date.
pub async fn a_deleted_flow_takes_its_data_date_along<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let again = vec![
        Change::FlowDeleted(FlowId(1)),
        sample::put_flow(&world.flows[0]),
    ];
    put(&case.store, fence, again).await;
    let flows = load(&case.store).await.flows;
    assert_eq!((&*flows[0].0, flows[0].1), (&world.flows[0], None));
}

/// Clause 6: ended or not, with the versions that it is pinned to, and only its own rows.
pub async fn any_stored_execution_can_be_loaded<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    let mut changes = world.changes();
    changes.extend([
        Change::Execution(sample::execution(32)),
        sample::put_flow_run(sample::flow_run(43, 32, 1)),
        sample::put_job_run(sample::job_run(54, 32, 43, 11)),
        Change::Attempt(sample::attempt(64, 32, 54, 1, 21)),
        Change::JobDeleted(JobId(13)),
    ]);
    put(&case.store, fence, changes).await;
    let mut expected = world.execution_snapshot();
    for &state in ExecutionState::ALL {
        expected.row.state = state;
        let changes = vec![Change::Execution(expected.row.clone())];
        put(&case.store, fence, changes).await;
        let loaded = case.store.load_execution(ExecutionId(31)).await;
        assert_eq!(loaded.expect("load").as_ref(), Some(&expected), "{state}");
    }
}

/// Clause 6: asking for what is not there is no error.
pub async fn an_unknown_execution_is_none<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, World::new().changes()).await;
    for id in [0, 1, 32, u64::MAX] {
        let loaded = case.store.load_execution(ExecutionId(id)).await;
        assert_eq!(loaded.expect("load"), None);
    }
}
