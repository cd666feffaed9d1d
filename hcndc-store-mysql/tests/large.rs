//! Edits that are larger than what a server takes in one statement.

mod support;

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    contract::sample,
    model::Job,
    port::{Commit, ErrorKind, PortError as _, Store as _},
};
use hcndc_store_mysql::SqlStore;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use support::{block_on, mysql, sqlite};

const MB: usize = 1_000_000;

/// Jobs of flow 1 whose commands are of this length.
fn jobs(count: u64, length: usize) -> Vec<Job> {
    let ids = 2..2 + count;
    ids.map(|id| Job {
        command: format!("true # {id}").repeat(length / 8),
        ..sample::job(id, 1, &format!("job {id}"))
    })
    .collect()
}

fn commit_of(jobs: &[Job]) -> Commit {
    let mut changes = vec![sample::put_flow(&sample::flow(1, "a flow"))];
    changes.extend(jobs.iter().map(sample::put_job));
    Commit {
        next_id: 1_000,
        changes,
    }
}

async fn an_edit_of_40_mb_is_stored(store: &SqlStore) {
    let fence = support::lead(store, "a", Duration::from_secs(9)).await;
    let jobs = jobs(40, MB);
    let commit = commit_of(&jobs);
    store.commit(fence, &commit).await.expect("commit");
    let loaded = store.load().await.expect("load").jobs;
    // Not compared as a whole: nobody wants to read the difference.
    assert_eq!(loaded.len(), jobs.len());
    assert!(loaded.iter().map(Arc::as_ref).eq(&jobs));
}

#[test]
fn sqlite_stores_an_edit_of_40_mb() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let store = SqlStore::connect(&sqlite::url(&directory)).await;
        an_edit_of_40_mb_is_stored(&store.expect("connect")).await;
    });
}

#[test]
fn mysql_stores_an_edit_of_40_mb() {
    if mysql::is_skipped("mysql_stores_an_edit_of_40_mb") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let store = SqlStore::connect(&schema.url).await.expect("connect");
        an_edit_of_40_mb_is_stored(&store).await;
    });
}

/// The server's limit can be raised while it runs, so this is not the end of a scheduler.
#[test]
fn mysql_that_takes_no_row_so_large_is_unavailable() {
    if mysql::is_skipped("mysql_that_takes_no_row_so_large_is_unavailable") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let limit = largest_packet(&schema).await;
        if limit > 64 * MB {
            // Such a job would need more memory than a test should take.
            return;
        }
        let store = SqlStore::connect(&schema.url).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
        let large = commit_of(&jobs(1, limit + MB));
        let error = store.commit(fence, &large).await.expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        let small = jobs(1, 100);
        let commit = commit_of(&small);
        store.commit(fence, &commit).await.expect("commit");
        assert_eq!(*store.load().await.expect("load").jobs[0], small[0]);
    });
}

async fn largest_packet(schema: &mysql::Schema) -> usize {
    let db = Database::connect(&schema.url).await.expect("connect");
    let statement = "SELECT CAST(@@max_allowed_packet AS SIGNED)";
    let statement = Statement::from_string(DbBackend::MySql, statement);
    let row = db.query_one_raw(statement).await.expect("the limit");
    let limit: i64 = row.expect("a row").try_get_by_index(0).expect("a number");
    db.close().await.expect("close");
    usize::try_from(limit).expect("a size")
}
