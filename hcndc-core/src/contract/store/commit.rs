//! Clauses 1, 3 and 4: what a commit stores.

use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use core::time::Duration;

use futures_util::future;

use super::{Case, StoreFixture, lead, load, put, try_put};
use crate::{
    contract::sample::{self, World, at, date},
    engine::{AttemptRow, Change, ExecutionRow, FlowRunRow, JobRunRow, JobRunState, Snapshot},
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId},
    model::{Executor, Flow, Job, Revision},
    port::{Commit, Fence, Store},
    time::Timestamp,
};

/// Clauses 1 and 5: each kind of row comes back with every field as it was.
pub async fn a_commit_stores_every_kind_of_row<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    assert_eq!(load(&case.store).await, world.snapshot(1_000));
}

/// Clause 1: ids may be given without a row that shows it.
pub async fn a_commit_without_changes_stores_the_next_id<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    assert_eq!(try_put(&case.store, fence, 77, vec![]).await, Ok(()));
    let empty = Snapshot {
        next_id: 77,
        ..Snapshot::default()
    };
    assert_eq!(load(&case.store).await, empty);
}

/// Clause 1: a smaller `next_id` than the one stored is kept out, so that no id is ever given twice.
pub async fn the_next_id_never_goes_back<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    assert_eq!(try_put(&case.store, fence, 77, vec![]).await, Ok(()));
    assert_eq!(try_put(&case.store, fence, 5, vec![]).await, Ok(()));
    assert_eq!(load(&case.store).await.next_id, 77);
}

/// Clause 1: a row may change several times in a commit; what it became last is what it is.
pub async fn of_one_row_the_last_change_wins<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let mut world = World::new();
    let mut changes = world.changes();
    world.flows[0].revision = sample::revision(2);
    world.flows[0].name = String::from("renamed");
    world.executors[0].slots = 3;
    world.execution.resumes += 1;
    world.flow_runs[0].flow_version = 2;
    world.job_runs[2].attempt = 4;
    world.job_runs[2].state = JobRunState::Queued;
    world.attempts[1].log_bytes += 1;
    changes.extend([
        Change::FlowDataDate {
            flow: FlowId(1),
            data_date: date("2020-01-01"),
        },
        sample::put_flow(&world.flows[0]),
        sample::put_executor(&world.executors[0]),
        Change::Execution(world.execution.clone()),
        sample::put_flow_run(world.flow_runs[0]),
        sample::put_job_run(sample::job_run(53, 31, 42, 13)),
        sample::put_job_run(world.job_runs[2]),
        Change::Attempt(world.attempts[1].clone()),
        Change::FlowDataDate {
            flow: FlowId(1),
            data_date: date("2024-02-29"),
        },
    ]);
    put(&case.store, fence, changes).await;
    assert_eq!(load(&case.store).await, world.snapshot(1_000));
}

/// Clause 1: a commit may be large; 3,000 job runs with their jobs, changed again in the next commit.
pub async fn thousands_of_rows_go_in_one_commit<F: StoreFixture>(_: &F, case: &Case<F>) {
    const ROWS: u64 = 3_000;
    let fence = lead(&case.store).await;
    let mut changes = vec![
        sample::put_flow(&sample::flow(1, "wide")),
        Change::Execution(sample::execution(2)),
        sample::put_flow_run(sample::flow_run(3, 2, 1)),
    ];
    let row = |n| sample::job_run(20_000 + n, 2, 3, 10_000 + n);
    for n in 0..ROWS {
        let job = sample::job(10_000 + n, 1, &format!("part {n}"));
        changes.push(sample::put_job(&job));
        changes.push(sample::put_job_run(row(n)));
    }
    put(&case.store, fence, changes).await;
    let queued = |n| JobRunRow {
        state: JobRunState::Queued,
        queued_at: Some(at(i64::try_from(n).unwrap_or_default())),
        ..row(n)
    };
    let changes = (0..ROWS).map(|n| Change::JobRun {
        from: Some(JobRunState::Blocked),
        row: queued(n),
    });
    put(&case.store, fence, changes.collect()).await;

    let snapshot = load(&case.store).await;
    assert_eq!(snapshot.jobs.len(), 3_000);
    let runs = &snapshot.executions[0].job_runs;
    assert!(runs.iter().map(|(run, _)| *run).eq((0..ROWS).map(queued)));
    assert!(runs.iter().all(|(run, job)| run.job == job.id));
}

/// Clause 1: names are the engine's to keep unique; on the way two of them may change places.
pub async fn names_can_be_swapped_in_one_commit<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let swapped = |mut flow: Flow, name: &str| {
        flow.revision = sample::revision(2);
        flow.name = name.into();
        flow
    };
    let one = swapped(world.flows[0].clone(), &world.flows[1].name);
    let two = swapped(world.flows[1].clone(), &world.flows[0].name);
    let changes = vec![sample::put_flow(&one), sample::put_flow(&two)];
    put(&case.store, fence, changes).await;
    let flows = load(&case.store).await.flows;
    let flows: Vec<_> = flows.into_iter().map(|(flow, _)| flow).collect();
    assert_eq!(flows, [Arc::new(one), Arc::new(two)]);
}

/// Clauses 1 and 5: the smallest and the greatest of everything. Ids reach to 2^63 - 1.
pub async fn extreme_values_come_back<F: StoreFixture>(_: &F, case: &Case<F>) {
    const MAX_ID: u64 = i64::MAX.cast_unsigned();
    let fence = lead(&case.store).await;
    let revision = Revision {
        version: u32::MAX,
        created_at: Timestamp::MIN,
        updated_at: Timestamp::MAX,
        ..sample::revision(1)
    };
    let flow = Flow {
        priority: i32::MIN,
        revision: revision.clone(),
        ..sample::flow(MAX_ID, "f")
    };
    let job = Job {
        priority: i32::MAX,
        timeout: Some(Duration::MAX),
        revision: revision.clone(),
        ..sample::job(MAX_ID, MAX_ID, "j")
    };
    let executor = Executor {
        slots: u32::MAX,
        revision,
        ..sample::executor(MAX_ID, "e")
    };
    let execution = ExecutionRow {
        data_date: date("0001-01-01"),
        started_at: Timestamp::MIN,
        ended_at: Some(Timestamp::MAX),
        resumes: u32::MAX,
        ..sample::execution(MAX_ID)
    };
    let flow_run = FlowRunRow {
        flow_version: u32::MAX,
        started_at: Some(Timestamp::MIN),
        ended_at: Some(Timestamp::MAX),
        ..sample::flow_run(MAX_ID, MAX_ID, MAX_ID)
    };
    let job_run = JobRunRow {
        job_version: u32::MAX,
        attempt: u32::MAX,
        attempts_before: u32::MAX,
        queued_at: Some(Timestamp::MIN),
        exit_code: Some(i32::MIN),
        retry_at: Some(Timestamp::MAX),
        ..sample::job_run(MAX_ID, MAX_ID, MAX_ID, MAX_ID)
    };
    let attempt = AttemptRow {
        slots: u32::MAX,
        pid: Some(u32::MAX),
        exit_code: Some(i32::MAX),
        signal: Some(i32::MIN),
        peak_memory_bytes: MAX_ID,
        cpu_time: Duration::from_micros(MAX_ID),
        log_bytes: MAX_ID,
        ..sample::attempt(MAX_ID, MAX_ID, MAX_ID, u32::MAX, MAX_ID)
    };
    let changes = vec![
        sample::put_flow(&flow),
        Change::FlowDataDate {
            flow: FlowId(MAX_ID),
            data_date: date("9999-12-31"),
        },
        sample::put_job(&job),
        sample::put_executor(&executor),
        Change::Execution(execution.clone()),
        sample::put_flow_run(flow_run),
        sample::put_job_run(job_run),
        Change::Attempt(attempt.clone()),
    ];
    let stored = try_put(&case.store, fence, MAX_ID, changes).await;
    assert_eq!(stored, Ok(()));

    let snapshot = load(&case.store).await;
    let (flow, job) = (Arc::new(flow), Arc::new(job));
    let expected = crate::engine::ExecutionSnapshot {
        row: execution,
        flow_runs: vec![(flow_run, flow.clone())],
        job_runs: vec![(job_run, job.clone())],
        attempts: vec![attempt],
        outputs: Vec::new(),
    };
    assert_eq!(snapshot.next_id, MAX_ID);
    assert_eq!(snapshot.flows, [(flow, Some(date("9999-12-31")))]);
    assert_eq!(snapshot.jobs, [job]);
    assert_eq!(snapshot.executors, [Arc::new(executor)]);
    assert_eq!(snapshot.executions, [expected]);
}

/// Clause 1: whoever loads while commits go on sees each of them whole, or not at all.
pub async fn a_commit_is_seen_whole_or_not_at_all<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let reader = fixture.reopen(case).await;
    let write = async {
        for version in 1..=40 {
            put(&case.store, fence, of_one_age(version)).await;
        }
    };
    let read = async {
        for _ in 0..40 {
            let seen = load(&reader).await;
            let flow = seen.flows.first().map(|(f, _)| f.revision.version);
            let executor = seen.executors.first().map(|e| e.revision.version);
            let resumes = seen.executions.first().map(|e| e.row.resumes);
            let jobs = seen.executions.first().map(|e| e.job_runs[0].0.attempt);
            assert_eq!([flow, flow, flow], [executor, resumes, jobs]);
        }
    };
    future::join(write, read).await;
}

/// A row in each of four tables that says how old it is.
fn of_one_age(version: u32) -> Vec<Change> {
    let revision = sample::revision(version);
    let flow = Flow {
        revision: revision.clone(),
        ..sample::flow(1, "f")
    };
    let executor = Executor {
        revision,
        ..sample::executor(2, "e")
    };
    let execution = ExecutionRow {
        resumes: version,
        ..sample::execution(3)
    };
    let job_run = JobRunRow {
        attempt: version,
        ..sample::job_run(5, 3, 4, 6)
    };
    vec![
        sample::put_flow(&flow),
        sample::put_job(&sample::job(6, 1, "j")),
        sample::put_executor(&executor),
        Change::Execution(execution),
        sample::put_flow_run(sample::flow_run(4, 3, 1)),
        sample::put_job_run(job_run),
    ]
}

/// Clause 3: the data outlives the store that wrote it.
pub async fn what_was_stored_is_loaded_when_opened_again<F: StoreFixture>(
    fixture: &F,
    case: &Case<F>,
) {
    let fence = lead(&case.store).await;
    let world = World::new();
    put(&case.store, fence, world.changes()).await;
    let again = fixture.reopen(case).await;
    assert_eq!(load(&again).await, world.snapshot(1_000));
    // The term goes on, too: the fence is data like the rest.
    put(&again, fence, vec![Change::FlowDeleted(FlowId(2))]).await;
    assert_eq!(load(&case.store).await.flows.len(), 1);
}

/// Clause 4: a commit whose outcome is unknown can be sent again.
pub async fn the_same_commit_again_changes_nothing<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, World::new().changes()).await;
    let newer = Flow {
        revision: sample::revision(2),
        ..World::new().flows[0].clone()
    };
    let again = Commit {
        next_id: 2_000,
        changes: vec![
            sample::put_flow(&newer),
            Change::JobDeleted(JobId(12)),
            Change::ExecutorDeleted(ExecutorId(22)),
            Change::FlowDeleted(FlowId(2)),
            sample::put_flow(&sample::flow(3, "made and")),
            Change::FlowDeleted(FlowId(3)),
            Change::FlowDataDate {
                flow: FlowId(1),
                data_date: date("2026-11-21"),
            },
            Change::Execution(sample::execution(31)),
            Change::Attempt(sample::attempt(63, 31, 52, 1, 21)),
        ],
    };
    assert_sent_twice(&case.store, fence, &again).await;
}

async fn assert_sent_twice<S: Store>(store: &S, fence: Fence, commit: &Commit) {
    store.commit(fence, commit).await.expect("the first time");
    let first = load(store).await;
    store.commit(fence, commit).await.expect("the second time");
    assert_eq!(load(store).await, first);
    assert_eq!(first.next_id, commit.next_id);
    let ids = |id| [FlowRunId(41), FlowRunId(42)].contains(&id);
    let execution = &first.executions[0];
    assert_eq!(execution.row, sample::execution(31));
    assert!(execution.flow_runs.iter().all(|(run, _)| ids(run.id)));
    assert_eq!(execution.job_runs[0].0.id, JobRunId(51));
    let attempts: Vec<_> = execution.attempts.iter().map(|row| row.id).collect();
    assert_eq!(attempts, [AttemptId(62), AttemptId(63)]);
    assert_eq!(execution.row.id, ExecutionId(31));
}
