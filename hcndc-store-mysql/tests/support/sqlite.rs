//! SQLite in a directory that goes with its guard, and in memory.

use std::future::Future;

use hcndc_core::contract::{Opened, StoreFixture};
use hcndc_store_mysql::SqlStore;
use tempfile::TempDir;

/// A file.
#[derive(Clone, Copy)]
pub(crate) struct File;

/// The address of a database file in this directory.
pub(crate) fn url(directory: &TempDir) -> String {
    let path = directory.path().join("hcndc.db");
    format!("sqlite://{}?mode=rwc", path.display())
}

impl StoreFixture for File {
    type Store = SqlStore;
    type Guard = TempDir;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        super::block_on(case)
    }

    async fn fresh(&self) -> Opened<SqlStore, TempDir> {
        let guard = tempfile::tempdir().expect("a directory");
        let store = SqlStore::connect(&url(&guard)).await.expect("connect");
        Opened { store, guard }
    }

    async fn reopen(&self, opened: &Opened<SqlStore, TempDir>) -> SqlStore {
        let again = SqlStore::connect(&url(&opened.guard)).await;
        again.expect("connect again")
    }
}

/// In memory.
#[derive(Clone, Copy)]
pub(crate) struct Memory;

impl StoreFixture for Memory {
    type Store = SqlStore;
    type Guard = ();

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        super::block_on(case)
    }

    async fn fresh(&self) -> Opened<SqlStore, ()> {
        let store = SqlStore::connect("sqlite::memory:").await;
        let store = store.expect("connect");
        Opened { store, guard: () }
    }

    async fn reopen(&self, opened: &Opened<SqlStore, ()>) -> SqlStore {
        opened.store.clone()
    }
}
