//! Databases for tests: each test has one of its own, which goes when its guard does, or is emptied for the next.

#![allow(dead_code, reason = "each test program uses some of it")]

pub(crate) mod again;
pub(crate) mod galera;
pub(crate) mod mysql;
pub(crate) mod proxy;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod versions;

use std::{future::Future, time::Duration};

use hcndc_core::{
    contract::sample,
    port::{Fence, Store as _},
};
use hcndc_store_mysql::SqlStore;

/// Runs a test on a runtime of its own.
pub(crate) fn block_on<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}

/// Leads in a new term, for so long from the epoch, where nobody else leads.
pub(crate) async fn lead(store: &SqlStore, holder: &str, ttl: Duration) -> Fence {
    let asked = store.acquire(holder, sample::at(0), ttl, None).await;
    let lease = asked.expect("acquire").given();
    lease.expect("nobody else leads").fence
}

/// Says that a test is skipped, and why; where `HCNDC_CI` is 1, fails instead.
fn skipped(test: &str, reason: &str) -> bool {
    let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
    assert!(!is_ci, "cannot be skipped where HCNDC_CI is 1: {reason}");
    // Straight to the stream: what a passing test prints is not shown.
    let line = format!("skipped: {test}: {reason}\n");
    drop(std::io::Write::write_all(
        &mut std::io::stderr(),
        line.as_bytes(),
    ));
    true
}
