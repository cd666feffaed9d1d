//! A Galera cluster whose nodes are in `HCNDC_TEST_GALERA_URLS`, separated by spaces. What one node was told, the others are asked.

use std::future::Future;

use hcndc_core::contract::{Opened, StoreFixture};
use hcndc_store_mysql::SqlStore;

use super::mysql::Schema;

const VARIABLE: &str = "HCNDC_TEST_GALERA_URLS";

/// Its nodes.
#[derive(Clone, Copy)]
pub(crate) struct Cluster;

fn nodes() -> Vec<String> {
    let urls = std::env::var(VARIABLE).unwrap_or_default();
    urls.split_whitespace().map(str::to_owned).collect()
}

impl StoreFixture for Cluster {
    type Store = SqlStore;
    type Guard = Schema;

    fn absent(&self) -> Option<String> {
        nodes().is_empty().then(|| format!("{VARIABLE} is not set"))
    }

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        super::block_on(case)
    }

    async fn fresh(&self) -> Opened<SqlStore, Schema> {
        let guard = Schema::create_at(&nodes()[0]).await;
        let store = SqlStore::connect(&guard.url).await.expect("connect");
        Opened { store, guard }
    }

    async fn reopen(&self, opened: &Opened<SqlStore, Schema>) -> SqlStore {
        let nodes = nodes();
        let other = nodes.last().expect("a node");
        let again = SqlStore::connect(&opened.guard.url_at(other)).await;
        again.expect("connect by way of another node")
    }
}
