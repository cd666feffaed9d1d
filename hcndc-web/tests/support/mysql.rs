//! A MySQL or MariaDB server to test on, and statements to any database.

use std::{
    io::Write as _,
    sync::atomic::{AtomicU32, Ordering},
};

use sea_orm::{ConnectionTrait as _, Database};

const VARIABLE: &str = "HCNDC_TEST_MYSQL_URL";

fn server() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}

/// A database that goes with this guard.
pub(crate) struct Schema {
    /// Its address.
    pub(crate) url: String,
    name: String,
}

impl Schema {
    /// An empty database, or `None` where there is no server; says so, and fails where `HCNDC_CI` is 1.
    pub(crate) fn create(test: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(server) = server() else {
            let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
            assert!(
                !is_ci,
                "cannot be skipped where HCNDC_CI is 1: {VARIABLE} is not set"
            );
            // Straight to the stream: what a passing test prints is not shown.
            let line = format!("skipped: {test}: {VARIABLE} is not set\n");
            drop(std::io::stderr().write_all(line.as_bytes()));
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hcndc_web_{}_{count}", std::process::id());
        execute(
            &server,
            &[
                &format!("DROP DATABASE IF EXISTS {name}"),
                &format!("CREATE DATABASE {name}"),
            ],
        );
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        Some(Self { url, name })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Some(server) = server() {
            execute(&server, &[&format!("DROP DATABASE {}", self.name)]);
        }
    }
}

/// Runs statements at this address.
pub(crate) fn execute(url: &str, statements: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Database::connect(url).await.unwrap();
        for statement in statements {
            db.execute_unprepared(statement).await.expect(statement);
        }
        db.close().await.unwrap();
    });
}
