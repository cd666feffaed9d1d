//! What does storing a transition of a job run cost, by the number of transitions in a commit?
//!
//! Each commit checks the fence, and stores that many rows of `job_run` that were there before: what a scheduler does
//! while jobs run. SQLite in a file, once with `synchronous=FULL` and once with `NORMAL`; MariaDB when
//! `HCNDC_TEST_MYSQL_URL` names a server (a database is made there and dropped). A transition among many costs a
//! small part of one alone: that is what the group commit is for. What one takes that comes by itself is told by `lone`.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hcndc_benches::{Server, Transitions, sqlites};
use hcndc_store_mysql::SqlOptions;

const BATCHES: [usize; 4] = [1, 10, 100, 1_000];

fn commits(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    for (name, options) in sqlites(dir.path()) {
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

fn measure(
    criterion: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    name: &str,
    options: &SqlOptions,
) {
    let mut transitions = runtime.block_on(Transitions::begin(options));
    let mut group = criterion.benchmark_group(format!("store/commit/{name}"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| {
                let next = transitions.next(batch);
                runtime.block_on(transitions.store(black_box(&next)));
            });
        });
    }
    group.finish();
    runtime.block_on(async { transitions.store.close().await.expect("closes") });
}

criterion_group!(benches, commits);
criterion_main!(benches);
