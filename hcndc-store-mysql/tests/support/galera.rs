//! A Galera cluster whose nodes are in `HCNDC_TEST_GALERA_URLS`, separated by spaces. What one node was told, the others are asked.

use std::{future::Future, time::Duration};

use hcndc_core::contract::{Opened, StoreFixture};
use hcndc_store_mysql::SqlStore;
use sea_orm::Database;

use super::{again::Used, mysql::Schema};

const VARIABLE: &str = "HCNDC_TEST_GALERA_URLS";

/// Its nodes.
#[derive(Clone, Copy)]
pub(crate) struct Cluster;

/// Their addresses; none where there is no cluster.
pub(crate) fn nodes() -> Vec<String> {
    let urls = std::env::var(VARIABLE).unwrap_or_default();
    urls.split_whitespace().map(str::to_owned).collect()
}

/// Waits until all nodes have a new database.
pub(crate) async fn settle(schema: &Schema) {
    for node in nodes() {
        let mut looks = 0;
        while Database::connect(schema.url_at(&node)).await.is_err() {
            looks += 1;
            assert!(looks < 1000, "{node} does not get the database");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn absent() -> Option<String> {
    nodes().is_empty().then(|| format!("{VARIABLE} is not set"))
}

/// Whether there is no cluster to test against. Says so; where `HCNDC_CI` is 1, fails.
pub(crate) fn is_skipped(test: &str) -> bool {
    absent().is_some_and(|reason| super::skipped(test, &reason))
}

impl StoreFixture for Cluster {
    type Store = SqlStore;
    type Guard = Used;

    fn absent(&self) -> Option<String> {
        absent()
    }

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        super::block_on(case)
    }

    async fn fresh(&self) -> Opened<SqlStore, Used> {
        let guard = Used::at(&nodes()[0]).await;
        let store = SqlStore::connect(&guard.schema().url).await;
        let store = store.expect("connect");
        Opened { store, guard }
    }

    async fn reopen(&self, opened: &Opened<SqlStore, Used>) -> SqlStore {
        let nodes = nodes();
        let other = nodes.last().expect("a node");
        let again = SqlStore::connect(&opened.guard.schema().url_at(other)).await;
        again.expect("connect by way of another node")
    }
}
