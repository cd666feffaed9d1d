//! Databases for tests: each test gets one of its own, which goes when its guard does.

#![allow(dead_code, reason = "each test program uses some of it")]

pub(crate) mod galera;
pub(crate) mod mysql;
pub(crate) mod proxy;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod versions;

use std::future::Future;

/// Runs a test on a runtime of its own.
pub(crate) fn block_on<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test)
}
