//! What does storing a transition of a job run cost, by the number of transitions in a commit?
//!
//! Each commit checks the fence, and stores that many rows of `job_run` that were there before: what a scheduler does
//! while jobs run. SQLite in a file, once with `synchronous=FULL` and once with `NORMAL`; MariaDB when
//! `HCNDC_TEST_MYSQL_URL` names a server (a database is made there and dropped). A transition among many costs a
//! small part of one alone: that is what the group commit is for.
//!
//! `store/lone` is what somebody waits for a commit of one that comes by itself, a millisecond after the one before: without what the driver does when
//! it has answered (it asks the database whether the connection is sound). Beside that, in the same way, what the disk takes to flush a page.

use std::{
    fs::File,
    hint::black_box,
    io::Write as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hcndc_benches::{Server, started_execution};
use hcndc_core::{
    engine::{Change, JobRunState},
    port::{Commit, Fence, Store as _},
    time::Timestamp,
};
use hcndc_store_mysql::{Durability, SqlOptions, SqlStore};

const JOB_RUNS: usize = 10_000;
const BATCHES: [usize; 4] = [1, 10, 100, 1_000];

fn commits(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    flush(criterion, dir.path());
    for (name, durability) in [
        ("sqlite_full", Durability::Full),
        ("sqlite_normal", Durability::Normal),
    ] {
        let url = format!("sqlite://{}/{name}.db?mode=rwc", dir.path().display());
        let mut options = SqlOptions::new(url);
        options.durability = durability;
        measure(criterion, &runtime, name, &options);
    }
    match Server::from_env() {
        Some(server) => {
            let database = runtime.block_on(server.create_database());
            measure(
                criterion,
                &runtime,
                "mariadb",
                &SqlOptions::new(database.url()),
            );
            runtime.block_on(database.drop());
        }
        None => eprintln!("skipped: store/commit/mariadb: HCNDC_TEST_MYSQL_URL is not set"),
    }
}

/// What the disk itself takes to keep a page for certain: what a commit of one is held against.
fn flush(criterion: &mut Criterion, dir: &Path) {
    let mut file = File::create(dir.join("flush")).expect("a file");
    let page = [7; 4_096];
    lone(criterion, "flush", || {
        file.write_all(black_box(&page)).expect("written");
        file.sync_data().expect("flushed");
    });
}

/// How long `work` takes by itself, with time to get ready between.
fn lone(criterion: &mut Criterion, name: &str, mut work: impl FnMut()) {
    let mut group = criterion.benchmark_group("store/lone");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(4));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    thread::sleep(Duration::from_millis(1));
                    let start = Instant::now();
                    work();
                    start.elapsed()
                })
                .sum()
        });
    });
    group.finish();
}

fn measure(
    criterion: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    name: &str,
    options: &SqlOptions,
) {
    let (store, fence, commit) = runtime.block_on(async {
        let store = SqlStore::connect_with(options).await.expect("a database");
        let now = Timestamp::from_micros(0);
        let lease = store
            .acquire("bench", now, Duration::from_secs(3_600), None)
            .await
            .expect("a lease");
        let fence = lease.given().expect("nobody else leads").fence;
        let commit = started_execution(JOB_RUNS);
        store
            .commit(fence, &commit)
            .await
            .expect("the first commit");
        (store, fence, commit)
    });
    let rows: Vec<_> = commit
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::JobRun { from: None, row } => Some(*row),
            _ => None,
        })
        .collect();
    assert_eq!(rows.len(), JOB_RUNS);

    let mut at = 0;
    let mut next = |batch| {
        let changes = (0..batch).map(|_| {
            at = (at + 1) % rows.len();
            let mut row = rows[at];
            row.state = JobRunState::Running;
            row.attempt += 1;
            row.started_at = Some(Timestamp::from_micros(at as i64));
            Change::JobRun {
                from: Some(JobRunState::Dispatched),
                row,
            }
        });
        Commit {
            next_id: commit.next_id,
            changes: changes.collect(),
        }
    };
    lone(criterion, name, || {
        let next = next(1);
        runtime.block_on(commit_one(&store, fence, black_box(&next)));
    });

    let mut group = criterion.benchmark_group(format!("store/commit/{name}"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| {
                let next = next(batch);
                runtime.block_on(commit_one(&store, fence, black_box(&next)));
            });
        });
    }
    group.finish();
    runtime.block_on(async { store.close().await.expect("closes") });
}

async fn commit_one(store: &SqlStore, fence: Fence, commit: &Commit) {
    store.commit(fence, commit).await.expect("stored");
}

criterion_group!(benches, commits);
criterion_main!(benches);
