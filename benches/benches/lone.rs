//! What does somebody wait for whose transition is committed by itself, beside what the disk takes to flush a page?
//!
//! Flushes and commits in turns, each a millisecond after the one before, so that whatever else a host does happens to both: of each the
//! median of 1,000, and the ratio. Commits are made by a task of the runtime, as a scheduler does it: a thread that blocks on the runtime
//! would have to be woken in addition. SQLite in a file; MariaDB when `HCNDC_TEST_MYSQL_URL` names a server whose files are on the same
//! disk, and which flushes each commit.
//!
//! ```text
//! HCNDC_TEST_MYSQL_URL=$(.ci/mariadb start /tmp/bench-db --innodb-flush-log-at-trx-commit=1 --innodb-doublewrite=1) \
//!     cargo bench -p hcndc-benches --bench lone; .ci/mariadb stop /tmp/bench-db
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    fs::File,
    hint::black_box,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use hcndc_benches::{Server, Transitions, sqlites};
use hcndc_store_mysql::SqlOptions;

const TIMES: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(1);
const PAGE: [u8; 4_096] = [7; 4_096];

fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let measured = |name, options| {
        let task = runtime.spawn(measure(options, dir.path().join("flush")));
        print(name, runtime.block_on(task).expect("it is measured"));
    };
    for (name, options) in sqlites(dir.path()) {
        measured(name, options);
    }
    let Some(server) = Server::from_env() else {
        eprintln!("skipped: lone/mariadb: HCNDC_TEST_MYSQL_URL is not set");
        return;
    };
    let database = runtime.block_on(server.create_database());
    measured("mariadb", SqlOptions::new(database.url()));
    runtime.block_on(database.drop());
}

/// The medians of flushes of a file and of commits.
async fn measure(options: SqlOptions, flushed: PathBuf) -> [Duration; 2] {
    let mut transitions = Transitions::begin(&options).await;
    let mut file = File::create(flushed).expect("a file");
    let (mut flushes, mut commits) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        tokio::time::sleep(PAUSE).await;
        let start = Instant::now();
        file.write_all(black_box(&PAGE)).expect("written");
        file.sync_data().expect("flushed");
        flushes.push(start.elapsed());

        let commit = transitions.next(1);
        tokio::time::sleep(PAUSE).await;
        let start = Instant::now();
        transitions.store(black_box(&commit)).await;
        commits.push(start.elapsed());
    }
    transitions.store.close().await.expect("closes");
    [flushes, commits].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

fn print(name: &str, [flush, commit]: [Duration; 2]) {
    let ratio = commit.as_secs_f64() / flush.as_secs_f64();
    println!("lone/{name:<14} {commit:>10.3?}, a flush {flush:>10.3?}: {ratio:.2}");
}
