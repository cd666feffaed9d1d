//! How long does a scheduler that takes over need until it goes on, with 10,000 job runs alive?
//!
//! The state that another one left is read from the database and loaded into an engine; then ten executors say that they
//! hold all the attempts, a thousand each, and nothing is ordered anew. SQLite in a file; MariaDB when
//! `HCNDC_TEST_MYSQL_URL` names a server (a database is made there and dropped). The design allows two seconds.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use hcndc_benches::Server;
use hcndc_core::{
    engine::{
        AttemptState, Change, EditBatch, Effect, Engine, Held, Input, Order, Report, Settings,
        Snapshot, Start, TriggerKind,
    },
    id::{AttemptId, ExecutorId},
    model::{Edit, ExecutorDraft, FlowDraft, FlowRef, JobDraft},
    port::{Commit, Store as _},
    time::{DataDate, Timestamp},
};
use hcndc_store_mysql::{SqlOptions, SqlStore};

const JOB_RUNS: usize = 10_000;
const EXECUTORS: usize = 10;

/// All that is stored once every job run is running, and the attempts that the executors hold.
fn left_behind() -> (Commit, Vec<(ExecutorId, AttemptId)>) {
    let now = Timestamp::from_micros(0);
    let empty = Engine::load(now, settings(), Snapshot::default());
    let mut engine = empty.expect("nothing fits together");
    let (mut changes, mut attempts) = (Vec::new(), Vec::new());
    let mut apply = |engine: &mut Engine, input: Input| {
        let step = engine.apply(now, input).expect("it is not refused");
        let orders = step.effects.iter().filter_map(|effect| match effect {
            Effect::Tell {
                executor,
                order: Order::Run(order),
            } => Some((*executor, order.attempt)),
            _ => None,
        });
        attempts.extend(orders);
        changes.extend(step.changes);
    };
    let slots = u32::try_from(JOB_RUNS / EXECUTORS).expect("it is small");
    let executors = (0..EXECUTORS).map(|at| {
        let (name, address) = (format!("host-{at}"), format!("host-{at}:7890"));
        Edit::PutExecutor(ExecutorDraft::new(name, address, slots))
    });
    let flow = || FlowRef::Name("night".to_owned());
    let jobs = (0..JOB_RUNS).map(|at| JobDraft::new(flow(), format!("job-{at}"), "true"));
    let edits = executors
        .chain([Edit::PutFlow(FlowDraft::new("night"))])
        .chain(jobs.map(Edit::PutJob));
    let (by, edits) = ("bench".to_owned(), edits.collect());
    apply(&mut engine, Input::Edit(EditBatch { by, edits }));
    let executors: Vec<_> = engine.executors().map(|it| it.id).collect();
    for executor in executors {
        let (version, held) = ("1".to_owned(), vec![]);
        let report = Report::hello(version, held);
        apply(&mut engine, Input::Report { executor, report });
    }
    let flows = engine.flows().map(|flow| flow.id).collect();
    let start = Start {
        flows,
        jobs: None,
        downstream: false,
        data_date: DataDate::day_before(now, chrono_tz::UTC),
        date_format: None,
        params: vec![],
        trigger: TriggerKind::Manual,
        by: "bench".to_owned(),
    };
    apply(&mut engine, Input::Start(start));
    assert_eq!(attempts.len(), JOB_RUNS);
    for &(executor, attempt) in &attempts {
        let (pid, at) = (1, now);
        let report = Report::Started { attempt, pid, at };
        let step = engine.apply(now, Input::Report { executor, report });
        changes.extend(step.expect("it is not refused").changes);
    }
    let next_id = engine.next_id();
    (Commit { next_id, changes }, attempts)
}

fn settings() -> Settings {
    Settings {
        max_running: 20_000,
        ..Settings::default()
    }
}

/// Everything between the lease and the next order.
async fn recover(store: &SqlStore, attempts: &[(ExecutorId, AttemptId)]) -> Engine {
    let now = Timestamp::from_micros(1_000_000);
    let snapshot = store.load().await.expect("loaded");
    let mut engine = Engine::load(now, settings(), snapshot).expect("it fits together");
    let executors: Vec<_> = engine.executors().map(|it| it.id).collect();
    for executor in executors {
        let theirs = attempts.iter().filter(|(on, _)| *on == executor);
        let held = theirs.map(|&(_, attempt)| Held {
            attempt,
            started: Some((1, now)),
            end: None,
        });
        let report = Report::hello("1".to_owned(), held.collect());
        let step = engine.apply(now, Input::Report { executor, report });
        let step = step.expect("it is not refused");
        let orders = step.effects.iter();
        let orders = orders.filter(|effect| matches!(effect, Effect::Tell { .. }));
        assert_eq!(orders.count(), 0, "something is ordered anew");
    }
    engine
}

fn recovery(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let (commit, attempts) = left_behind();
    let running = commit.changes.iter().filter(
        |change| matches!(change, Change::Attempt(row) if row.state == AttemptState::Running),
    );
    assert_eq!(running.count(), JOB_RUNS);
    let options = SqlOptions::file(&dir.path().join("recovery.db"));
    measure(criterion, &runtime, "sqlite", &options, &commit, &attempts);
    match Server::from_env() {
        Some(server) => {
            let database = runtime.block_on(server.create_database());
            let options = SqlOptions::new(database.url());
            measure(criterion, &runtime, "mariadb", &options, &commit, &attempts);
            runtime.block_on(database.drop());
        }
        None => eprintln!("skipped: recovery/mariadb: HCNDC_TEST_MYSQL_URL is not set"),
    }
}

fn measure(
    criterion: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    name: &str,
    options: &SqlOptions,
    commit: &Commit,
    attempts: &[(ExecutorId, AttemptId)],
) {
    let store = runtime.block_on(async {
        let store = SqlStore::connect_with(options).await.expect("a database");
        let now = Timestamp::from_micros(0);
        let lease = store
            .acquire("bench", now, Duration::from_secs(9), None)
            .await;
        let lease = lease.expect("a lease").given().expect("nobody leads");
        store.commit(lease.fence, commit).await.expect("stored");
        store
    });
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let engine = runtime.block_on(recover(&store, attempts));
            assert_eq!(engine.load_figures().2, JOB_RUNS);
            black_box(engine)
        });
    });
    group.finish();
    runtime.block_on(async { store.close().await.expect("closes") });
}

criterion_group!(benches, recovery);
criterion_main!(benches);
