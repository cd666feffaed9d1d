//! MySQL or MariaDB at `HCNDC_TEST_MYSQL_URL`, as a user that may create databases; each test in a database of its own.

use std::{
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use hcndc_core::contract::{Opened, StoreFixture};
use hcndc_store_mysql::SqlStore;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use super::again::Used;

const VARIABLE: &str = "HCNDC_TEST_MYSQL_URL";

/// The server, if there is one.
pub(crate) fn server() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}

/// Why there is none.
pub(crate) fn absent() -> Option<String> {
    server().is_none().then(|| format!("{VARIABLE} is not set"))
}

/// Whether there is no server to test against. Says so; where `HCNDC_CI` is 1, fails.
pub(crate) fn is_skipped(test: &str) -> bool {
    absent().is_some_and(|reason| super::skipped(test, &reason))
}

/// A database that is dropped with this guard.
pub(crate) struct Schema {
    /// Its address.
    pub(crate) url: String,
    name: String,
    server: String,
}

impl Schema {
    /// Creates an empty database under a name that no other test has.
    pub(crate) async fn create() -> Self {
        Self::create_at(&server().expect(VARIABLE)).await
    }

    /// The same on another server.
    pub(crate) async fn create_at(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.expect("after 1970").as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hcndc_test_{nanos:x}_{}_{count}", std::process::id());
        execute(server, &format!("CREATE DATABASE {name}")).await;
        Self {
            url: with_database(server, &name),
            name,
            server: server.to_owned(),
        }
    }

    /// Its address by way of another node of the same cluster.
    pub(crate) fn url_at(&self, server: &str) -> String {
        with_database(server, &self.name)
    }

    /// Cuts off whoever is connected to it.
    pub(crate) async fn cut_connections(&self) {
        let db = Database::connect(&self.server).await;
        let db = db.expect("connect to the server");
        cut(&db, &self.name).await;
        db.close().await.expect("close");
    }

    /// Runs a statement in this database.
    pub(crate) async fn execute(&self, statement: &str) {
        let db = Database::connect(&self.url).await.expect("connect");
        db.execute_unprepared(statement).await.expect(statement);
        db.close().await.expect("close");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // Dropping cannot wait for the runtime that it happens on.
        let dropping = std::thread::spawn(move || super::block_on(drop_database(&server, &name)));
        drop(dropping.join());
    }
}

/// The server's address with this database in place of its own.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = match server.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (server, String::new()),
    };
    let (scheme, rest) = address.split_once("://").expect("scheme://");
    let authority = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{authority}/{name}{query}")
}

async fn execute(server: &str, statement: &str) {
    let db = Database::connect(server).await;
    let db = db.expect("connect to the server");
    db.execute_unprepared(statement).await.expect(statement);
    db.close().await.expect("close");
}

async fn drop_database(server: &str, name: &str) {
    let db = Database::connect(server).await;
    let db = db.expect("connect to the server");
    // A test that failed may have left transactions open, whose locks would keep the tables.
    cut(&db, name).await;
    let statement = format!("DROP DATABASE IF EXISTS {name}");
    db.execute_unprepared(&statement).await.expect("drop");
    db.close().await.expect("close");
}

async fn cut(db: &DatabaseConnection, name: &str) {
    let users = format!(
        "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = '{name}'"
    );
    let users = Statement::from_string(DbBackend::MySql, users);
    for row in db.query_all_raw(users).await.expect("users") {
        let id: i64 = row.try_get_by_index(0).expect("an id");
        // It may have ended by itself.
        drop(db.execute_unprepared(&format!("KILL {id}")).await);
    }
}

/// The server.
#[derive(Clone, Copy)]
pub(crate) struct Server;

impl StoreFixture for Server {
    type Store = SqlStore;
    type Guard = Used;

    fn absent(&self) -> Option<String> {
        absent()
    }

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        super::block_on(case)
    }

    async fn fresh(&self) -> Opened<SqlStore, Used> {
        let guard = Used::at(&server().expect(VARIABLE)).await;
        let store = SqlStore::connect(&guard.schema().url).await;
        let store = store.expect("connect");
        Opened { store, guard }
    }

    async fn reopen(&self, opened: &Opened<SqlStore, Used>) -> SqlStore {
        let again = SqlStore::connect(&opened.guard.schema().url).await;
        again.expect("connect again")
    }
}
