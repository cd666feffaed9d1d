//! Clauses 1 and 5: what an item shows.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec, vec::Vec};
use core::time::Duration;

use super::{Case, StoreFixture, walk};
use crate::{
    contract::{
        sample::{self, World, date},
        store::{lead, put},
    },
    engine::{Change, ExecutionRow, ExecutionState, JobRunRow, JobRunState},
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId},
    model::{Flow, Job},
    port::{
        Direction, ExecutionQuery, ExecutorQuery, FlowQuery, FlowView, History, JobQuery,
        JobRunQuery, JobView, LatestRun, LatestRunQuery, PageRequest, PastRun, PastRunQuery, Tally,
        TallyQuery,
    },
};

/// Clause 1: also in another process.
pub async fn a_read_sees_the_commit_before_it<F>(fixture: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let other = fixture.reopen(case).await;
    let fence = lead(&case.store).await;
    for id in 1..=30 {
        put(
            &case.store,
            fence,
            vec![sample::put_flow(&sample::flow(id, "f"))],
        )
        .await;
        for store in [&case.store, &other] {
            let page = store.flows(&FlowQuery::default()).await.expect("a page");
            assert_eq!(page.items.len() as u64, id);
            assert!(store.flow(FlowId(id)).await.expect("a flow").is_some());
        }
    }
}

/// Clauses 1 and 5: definitions come whole, one by one and in lists.
pub async fn definitions_are_shown_whole<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    put(store, fence, world.changes()).await;
    let flows = [
        FlowView {
            flow: Arc::new(world.flows[0].clone()),
            data_date: Some(date("2024-02-29")),
        },
        FlowView {
            flow: Arc::new(world.flows[1].clone()),
            data_date: None,
        },
    ];
    let job = |n: usize, flow: usize| JobView {
        job: Arc::new(world.jobs[n].clone()),
        flow_name: world.flows[flow].name.clone(),
    };
    let jobs = [job(0, 0), job(1, 0), job(2, 1)];
    let page = store.flows(&FlowQuery::default()).await;
    assert_eq!(page.expect("a page").items, flows);
    let page = store.jobs(&JobQuery::default()).await;
    assert_eq!(page.expect("a page").items, jobs);
    let page = store.executors(&ExecutorQuery::default()).await;
    let executors: Vec<_> = world.executors.iter().cloned().map(Arc::new).collect();
    assert_eq!(page.expect("a page").items, executors);
    for view in flows {
        let one = store.flow(view.flow.id).await;
        assert_eq!(one.expect("a flow"), Some(view));
    }
    for view in jobs {
        let one = store.job(view.job.id).await;
        assert_eq!(one.expect("a job"), Some(view));
    }
}

/// Clause 1: asking for what is not there is no error.
pub async fn unknown_ids_are_no_errors<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, World::new().changes()).await;
    for id in [0, 99, i64::MAX.cast_unsigned(), u64::MAX] {
        assert_eq!(store.flow(FlowId(id)).await.expect("read"), None);
        assert_eq!(store.job(JobId(id)).await.expect("read"), None);
        assert_eq!(store.execution(ExecutionId(id)).await.expect("read"), None);
        assert_eq!(store.flow_runs(ExecutionId(id)).await.expect("read"), []);
        assert_eq!(store.job_run(JobRunId(id)).await.expect("read"), None);
        assert_eq!(store.attempts(JobRunId(id)).await.expect("read"), []);
        assert_eq!(store.attempt(AttemptId(id)).await.expect("read"), None);
        assert_eq!(store.outputs(JobRunId(id)).await.expect("read"), None);
    }
}

/// Clause 1: which flows take part, in the order of their runs, and how many job runs are in which state.
pub async fn an_execution_shows_its_flows_and_counts<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    let mut changes = world.changes();
    // The run of flow 2 comes first, and 53 is joined by two more that are blocked.
    changes.extend([
        sample::put_flow_run(sample::flow_run(40, 31, 2)),
        sample::put_job_run(sample::job_run(54, 31, 42, 13)),
        sample::put_job_run(sample::job_run(55, 31, 40, 13)),
        Change::Execution(sample::execution(32)),
    ]);
    put(store, fence, changes).await;
    let page = store.executions(&ExecutionQuery::default()).await;
    let views = page.expect("a page").items;
    let [first, second] = &*views else {
        panic!("two executions, not {views:?}");
    };
    assert_eq!(first.row, world.execution);
    let name = |n: usize| world.flows[n].name.clone();
    let flows = [
        (FlowId(2), name(1)),
        (FlowId(1), name(0)),
        (FlowId(2), name(1)),
    ];
    assert_eq!(first.flows, flows);
    let counts = BTreeMap::from([
        (JobRunState::Blocked, 3),
        (JobRunState::Running, 1),
        (JobRunState::RetryWait, 1),
    ]);
    assert_eq!(first.job_runs, counts);
    assert_eq!(second.row, sample::execution(32));
    assert!(second.flows.is_empty() && second.job_runs.is_empty());
    for view in &views {
        let one = store.execution(view.row.id).await;
        assert_eq!(one.expect("an execution").as_ref(), Some(view));
    }
}

/// Clause 1: flow runs by id, each with the counts of its own job runs.
pub async fn flow_runs_are_shown_by_id_with_counts<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    let mut changes = world.changes();
    changes.extend([
        sample::put_flow_run(sample::flow_run(40, 31, 2)),
        Change::Execution(sample::execution(32)),
        sample::put_flow_run(sample::flow_run(45, 32, 2)),
        sample::put_job_run(sample::job_run(56, 32, 45, 13)),
    ]);
    put(store, fence, changes).await;
    let views = store.flow_runs(ExecutionId(31)).await.expect("flow runs");
    let rows: Vec<_> = views.iter().map(|view| view.row).collect();
    let empty = sample::flow_run(40, 31, 2);
    assert_eq!(rows, [empty, world.flow_runs[0], world.flow_runs[1]]);
    let names: Vec<_> = views.iter().map(|view| &view.flow_name).collect();
    let (one, two) = (&world.flows[0].name, &world.flows[1].name);
    assert_eq!(names, [two, one, two]);
    let both = BTreeMap::from([(JobRunState::Running, 1), (JobRunState::RetryWait, 1)]);
    let blocked = BTreeMap::from([(JobRunState::Blocked, 1)]);
    let counts: Vec<_> = views.iter().map(|view| &view.job_runs).collect();
    assert_eq!(counts, [&BTreeMap::new(), &both, &blocked]);
}

/// Clauses 1 and 3: of each flow that is asked for, and each date of the range, the run of the latest execution.
pub async fn the_latest_run_of_each_date_is_found<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let of = |id, data_date| {
        let data_date = date(data_date);
        let row = sample::execution(id);
        Change::Execution(ExecutionRow { data_date, ..row })
    };
    let run = |id, execution, flow| sample::put_flow_run(sample::flow_run(id, execution, flow));
    let mut changes = World::new().changes();
    changes.extend([
        of(32, "2026-11-19"),
        run(61, 32, 1),
        run(62, 32, 2),
        of(33, "2026-11-19"),
        run(63, 33, 2),
        of(34, "2026-11-20"),
        run(64, 34, 2),
        of(35, "2026-11-23"),
        run(65, 35, 2),
    ]);
    put(store, fence, changes).await;
    let find = async |flows: &[u64], from, to| {
        let query = LatestRunQuery {
            flows: flows.iter().map(|id| FlowId(*id)).collect(),
            from: date(from),
            to: date(to),
        };
        store.latest_runs(&query).await.expect("runs")
    };
    let found = |data_date, id, execution, flow, executions| LatestRun {
        flow: FlowId(flow),
        data_date: date(data_date),
        execution: ExecutionId(execution),
        state: sample::flow_run(id, execution, flow).state,
        executions,
    };
    let two = [
        found("2026-11-19", 63, 33, 2, 2),
        found("2026-11-20", 64, 34, 2, 1),
    ];
    assert_eq!(find(&[2], "2026-11-18", "2026-11-20").await, two);
    let one = found("2026-11-19", 61, 32, 1, 1);
    let both = find(&[2, 1], "2026-11-19", "2026-11-20").await;
    assert_eq!(both, [one, two[0], two[1]]);
    assert_eq!(find(&[], "2026-11-18", "2026-11-23").await, []);
    assert_eq!(find(&[2], "2026-11-20", "2026-11-19").await, []);
    assert_eq!(find(&[9], "2026-11-18", "2026-11-23").await, []);
}

/// Clause 1: a job run with the names of its job and flow, and attempts in the order of their numbers.
pub async fn job_runs_are_shown_with_names_and_attempts<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    let mut changes = world.changes();
    // Ids need not follow numbers.
    let third = sample::attempt(60, 31, 51, 3, 21);
    changes.push(Change::Attempt(third.clone()));
    changes.push(Change::Attempt(sample::attempt(63, 31, 52, 1, 21)));
    put(store, fence, changes).await;
    let page = store.job_runs(&JobRunQuery::default()).await;
    let views = page.expect("a page").items;
    let shown: Vec<_> = views
        .iter()
        .map(|view| (view.row, view.flow.0, &*view.flow_name, &*view.job_name))
        .collect();
    let (one, two) = (&*world.flows[0].name, &*world.flows[1].name);
    let expected = [
        (world.job_runs[0], 1, one, "extract"),
        (world.job_runs[1], 1, one, "clean"),
        (world.job_runs[2], 2, two, "extract"),
    ];
    assert_eq!(shown, expected);
    for view in &views {
        let same = store.job_run(view.row.id).await;
        assert_eq!(same.expect("a job run").as_ref(), Some(view));
    }
    let attempts = store.attempts(JobRunId(51)).await.expect("attempts");
    let [first, second] = &*world.attempts else {
        panic!("the world has two attempts");
    };
    assert_eq!(attempts, [first.clone(), second.clone(), third]);
    for attempt in attempts {
        let same = store.attempt(attempt.id).await;
        assert_eq!(same.expect("an attempt"), Some(attempt));
    }
    let outputs = store.outputs(JobRunId(51)).await;
    assert_eq!(outputs.expect("outputs"), Some(world.outputs));
    let outputs = store.outputs(JobRunId(52)).await;
    assert_eq!(outputs.expect("no outputs"), None);
}

/// Clause 3: of each execution that is asked for, the failed job run with the smallest id, and of its attempts that with the greatest number.
pub async fn what_failed_first_is_found_with_its_last_attempt<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = World::new().changes();
    let run = |id, execution, flow_run, job, state| {
        let row = sample::job_run(id, execution, flow_run, job);
        sample::put_job_run(JobRunRow { state, ..row })
    };
    // Ids need not follow numbers.
    let last = sample::attempt(60, 32, 82, 2, 21);
    changes.extend([
        Change::Execution(sample::execution(32)),
        sample::put_flow_run(sample::flow_run(61, 32, 1)),
        run(81, 32, 61, 11, JobRunState::Succeeded),
        run(82, 32, 61, 11, JobRunState::Killed),
        run(83, 32, 61, 12, JobRunState::Failed),
        Change::Attempt(sample::attempt(65, 32, 82, 1, 21)),
        Change::Attempt(last.clone()),
        Change::Attempt(sample::attempt(66, 32, 83, 1, 21)),
        Change::Execution(sample::execution(33)),
        sample::put_flow_run(sample::flow_run(62, 33, 1)),
        run(84, 33, 62, 12, JobRunState::Failed),
    ]);
    put(store, fence, changes).await;
    let find = async |executions: &[u64]| {
        let executions: Vec<_> = executions.iter().map(|id| ExecutionId(*id)).collect();
        let found = store.first_failures(&executions).await.expect("failures");
        let found = found.into_iter();
        let found = found.map(|it| (it.run.row.id.0, it.run.job_name, it.attempt));
        found.collect::<Vec<_>>()
    };
    let killed = (82, String::from("extract"), Some(last));
    let no_attempt = (84, String::from("clean"), None);
    let both = [killed.clone(), no_attempt];
    assert_eq!(find(&[31, 33, 32]).await, both);
    assert_eq!(find(&[32]).await, [killed]);
    assert_eq!(find(&[31, 99]).await, []);
    assert_eq!(find(&[]).await, []);
}

/// Clause 5: what is no more is not listed, nor found by its id.
pub async fn deleted_definitions_are_not_listed<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, World::new().changes()).await;
    let changes = vec![
        Change::JobDeleted(JobId(13)),
        Change::FlowDeleted(FlowId(2)),
        Change::ExecutorDeleted(ExecutorId(21)),
    ];
    put(store, fence, changes).await;
    let flows = store.flows(&FlowQuery::default()).await.expect("a page");
    let flows: Vec<_> = flows.items.iter().map(|view| view.flow.id.0).collect();
    let jobs = store.jobs(&JobQuery::default()).await.expect("a page");
    let jobs: Vec<_> = jobs.items.iter().map(|view| view.job.id.0).collect();
    let executors = store.executors(&ExecutorQuery::default()).await;
    let executors = executors.expect("a page").items;
    let executors: Vec<_> = executors.iter().map(|executor| executor.id.0).collect();
    assert_eq!((flows, jobs, executors), (vec![1], vec![11, 12], vec![22]));
    assert_eq!(store.flow(FlowId(2)).await.expect("read"), None);
    assert_eq!(store.job(JobId(13)).await.expect("read"), None);
}

/// Clause 5: runs keep the names of the versions that they are pinned to, after renaming and after deletion; the list of
/// jobs shows the flow's new name.
pub async fn runs_keep_the_names_that_they_had<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    put(store, fence, world.changes()).await;
    let flow = Flow {
        name: String::from("new flow"),
        revision: sample::revision(2),
        ..world.flows[0].clone()
    };
    let job = Job {
        name: String::from("new job"),
        revision: sample::revision(2),
        ..world.jobs[0].clone()
    };
    let changes = vec![
        sample::put_flow(&flow),
        sample::put_job(&job),
        Change::JobDeleted(JobId(13)),
        Change::FlowDeleted(FlowId(2)),
        // One that was read afresh.
        sample::put_job_run(JobRunRow {
            job_version: 2,
            ..sample::job_run(54, 31, 41, 11)
        }),
    ];
    put(store, fence, changes).await;
    let names: Vec<_> = world.flows.iter().map(|flow| flow.name.clone()).collect();
    let execution = store.execution(ExecutionId(31)).await.expect("read");
    let flows = execution.expect("an execution").flows;
    assert_eq!(
        flows,
        [(FlowId(1), names[0].clone()), (FlowId(2), names[1].clone())]
    );
    let runs = store.flow_runs(ExecutionId(31)).await.expect("flow runs");
    let shown: Vec<_> = runs.into_iter().map(|view| view.flow_name).collect();
    assert_eq!(shown, names);
    let query = JobRunQuery {
        execution: Some(ExecutionId(31)),
        ..JobRunQuery::default()
    };
    let runs = store.job_runs(&query).await.expect("a page").items;
    let shown: Vec<_> = runs
        .iter()
        .map(|view| (&view.flow_name, &*view.job_name))
        .collect();
    let expected = [
        (&names[0], "extract"),
        (&names[0], "clean"),
        (&names[1], "extract"),
        (&names[0], "new job"),
    ];
    assert_eq!(shown, expected);
    assert!(runs.iter().all(|view| view.row.flow_run != FlowRunId(0)));
    let jobs = store.jobs(&JobQuery::default()).await.expect("a page");
    assert!(jobs.items.iter().all(|view| view.flow_name == "new flow"));
}

/// Clauses 2 and 3: a flow's runs in the order of executions, with when those started.
pub async fn runs_of_a_flow_are_paged_with_their_waits<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = World::new().changes();
    for id in 32..=36_u64 {
        let row = ExecutionRow {
            started_at: sample::at(id.cast_signed()),
            ..sample::execution(id)
        };
        changes.push(Change::Execution(row));
        changes.push(sample::put_flow_run(sample::flow_run(id + 40, id, 1)));
        changes.push(sample::put_flow_run(sample::flow_run(id + 50, id, 2)));
    }
    put(store, fence, changes).await;
    for direction in [Direction::Ascending, Direction::Descending] {
        let runs = walk(2, direction, |page| async move {
            let flow = FlowId(1);
            store.past_runs(&PastRunQuery { flow, page }).await
        })
        .await;
        let mut expected: Vec<_> = (32..=36).collect();
        // The world has one of this flow, too.
        expected.insert(0, 31);
        if direction == Direction::Descending {
            expected.reverse();
        }
        let ids: Vec<_> = runs.iter().map(|run| run.row.execution.0).collect();
        assert_eq!(ids, expected);
        let last = runs.iter().find(|run| run.row.execution.0 == 36);
        let wanted = PastRun {
            row: sample::flow_run(76, 36, 1),
            data_date: date("2026-11-21"),
            execution_started_at: sample::at(36),
        };
        assert_eq!(last, Some(&wanted));
    }
    let page = PageRequest::default();
    let none = store
        .past_runs(&PastRunQuery {
            flow: FlowId(99),
            page,
        })
        .await;
    assert_eq!(none.expect("a page").items, []);
}

/// Clause 3: what was started in a time, its first moment included and its last one not; by state, with durations.
pub async fn executions_of_a_time_are_counted<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let hour = 3_600_000_000_i64;
    let of = |id: u64, hours: i64, state, took: Option<i64>| {
        Change::Execution(ExecutionRow {
            state,
            started_at: sample::at(hours * hour),
            ended_at: took.map(|took| sample::at(hours * hour + took)),
            ..sample::execution(id)
        })
    };
    let mut changes = vec![
        of(40, 0, ExecutionState::Succeeded, Some(1)),
        of(70, 10, ExecutionState::Failed, Some(9 * hour)),
        of(71, 10, ExecutionState::Running, None),
        // The first moment after the time that is asked for.
        of(72, 12, ExecutionState::Succeeded, Some(3)),
    ];
    // Longest first, so that no store is right by chance.
    changes.extend((1..=20_i64).map(|n| {
        let took = (21 - n) * 1_000;
        of(
            40 + n.cast_unsigned(),
            10,
            ExecutionState::Succeeded,
            Some(took),
        )
    }));
    // One that has ended before it began, by a clock that was set back, took no time.
    changes.push(of(73, 11, ExecutionState::Succeeded, Some(-5)));
    put(store, fence, changes).await;
    let tally = async |from: i64, to: i64, percentiles: &[u8]| {
        let query = TallyQuery {
            from: sample::at(from * hour),
            to: sample::at(to * hour),
            percentiles: percentiles.to_vec(),
        };
        store.tally(&query).await.expect("a tally")
    };
    let day = tally(10, 12, &[50, 95, 100, 0]).await;
    let states = [
        (ExecutionState::Running, 1),
        (ExecutionState::Succeeded, 21),
        (ExecutionState::Failed, 1),
    ];
    assert_eq!(day.states, BTreeMap::from(states));
    assert_eq!(day.last_end, Some(sample::at(19 * hour)));
    // Of 21: the 11th, the 20th, the last, the first.
    let micros = day.durations.iter().map(Duration::as_micros);
    assert_eq!(micros.collect::<Vec<_>>(), [10_000, 19_000, 20_000, 0]);
    let first = tally(0, 10, &[50]).await;
    assert_eq!(
        first.states,
        BTreeMap::from([(ExecutionState::Succeeded, 1)])
    );
    assert_eq!(first.durations, [Duration::from_micros(1)]);
    // One microsecond more holds the one that starts then.
    let query = TallyQuery {
        from: sample::at(10 * hour),
        to: sample::at(12 * hour + 1),
        percentiles: vec![],
    };
    let more = store.tally(&query).await.expect("a tally");
    assert_eq!(more.states.get(&ExecutionState::Succeeded), Some(&22));
    assert_eq!(more.durations, []);
    let none = tally(20, 30, &[50]).await;
    assert_eq!(none, Tally::default());
    assert_eq!(tally(12, 10, &[50]).await, Tally::default());
}
