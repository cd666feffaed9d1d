//! A store with an execution that runs, and commits of transitions of its job runs.

use std::{path::Path, time::Duration};

use hcndc_core::{
    engine::{Change, JobRunRow, JobRunState},
    port::{Commit, Fence, Store as _},
    time::Timestamp,
};
use hcndc_store_mysql::{Durability, SqlOptions, SqlStore};

use crate::started_execution;

/// How many job runs there are.
const JOB_RUNS: usize = 10_000;

/// SQLite in files of this folder: one that waits for the disk at each commit, and one that does not.
#[must_use]
pub fn sqlites(dir: &Path) -> [(&'static str, SqlOptions); 2] {
    [
        ("sqlite_full", Durability::Full),
        ("sqlite_normal", Durability::Normal),
    ]
    .map(|(name, durability)| {
        let url = format!("sqlite://{}/{name}.db?mode=rwc", dir.display());
        let mut options = SqlOptions::new(url);
        options.durability = durability;
        (name, options)
    })
}

/// A store that has so many job runs, and the right to commit.
#[derive(Debug)]
pub struct Transitions {
    /// The store.
    pub store: SqlStore,
    fence: Fence,
    next_id: u64,
    rows: Vec<JobRunRow>,
    at: usize,
}

impl Transitions {
    /// Opens a store, leads on it, and stores the execution.
    ///
    /// # Panics
    /// If the database does not let us: a measurement has no other way to say so.
    pub async fn begin(options: &SqlOptions) -> Self {
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
        let rows = commit.changes.iter().filter_map(|change| match change {
            Change::JobRun { from: None, row } => Some(*row),
            _ => None,
        });
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), JOB_RUNS);
        Self {
            store,
            fence,
            next_id: commit.next_id,
            rows,
            at: 0,
        }
    }

    /// The next so many transitions.
    pub fn next(&mut self, transitions: usize) -> Commit {
        let changes = (0..transitions).map(|_| {
            self.at = (self.at + 1) % self.rows.len();
            let mut row = self.rows[self.at];
            row.state = JobRunState::Running;
            row.attempt += 1;
            row.started_at = Some(Timestamp::from_micros(self.at as i64));
            Change::JobRun {
                from: Some(JobRunState::Dispatched),
                row,
            }
        });
        Commit {
            changes: changes.collect(),
            next_id: self.next_id,
        }
    }

    /// Stores them.
    ///
    /// # Panics
    /// If the database does not take them.
    pub async fn store(&self, commit: &Commit) {
        self.store.commit(self.fence, commit).await.expect("stored");
    }
}
