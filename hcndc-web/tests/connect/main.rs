//! Connectors against real servers: people are told, data sources asked, files found.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod alerts;
mod clickhouse;
mod databases;
mod escalation;
mod files;
mod ftp;
mod logs;
mod mail;
#[cfg(feature = "mongodb")]
mod mongo;
#[cfg(feature = "mongodb")]
mod mongo_server;
#[cfg(feature = "odbc")]
mod odbc;
mod proxy;
mod queries;
mod receiver;
mod reports;
mod s3;
mod s3_server;
#[path = "../support/several.rs"]
#[allow(dead_code, reason = "each test program uses some of it")]
mod several;
mod sftp;
#[cfg(feature = "sql-server")]
mod sql_server;
mod ssh_server;
mod story;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "sql-server")]
mod tds_server;
mod tls_proxy;
#[cfg(any(feature = "mongodb", feature = "sql-server"))]
mod tls_server;
mod webhooks;
mod whole;

use std::io::Write as _;

use support::{signal, wait_for};

/// The address of a server that `.ci/run` starts, or `None` where there is none; says so, and fails where `HCNDC_CI` is 1.
pub(crate) fn server(variable: &str, test: &str) -> Option<String> {
    let found = std::env::var(variable).ok().filter(|url| !url.is_empty());
    if found.is_none() {
        let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
        assert!(
            !is_ci,
            "cannot be skipped where HCNDC_CI is 1: {variable} is not set"
        );
        // Straight to the stream: what a passing test prints is not shown.
        let line = format!("skipped: {test}: {variable} is not set\n");
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
    found
}
