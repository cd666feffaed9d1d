//! Databases that cases use one after the other: to make one's tables takes a server longer than most cases do.
//!
//! Whatever a case leaves is taken out. A database goes when no case has one any more, or with a case that failed.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use hcndc_store_mysql::SqlStore;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use super::mysql::Schema;

/// Databases of one server that are empty and wait to be used. It lives as long as a case does that has one of it.
struct Pool {
    server: String,
    idle: Mutex<Vec<Schema>>,
}

/// A database with tables that have no rows but those of a new one. It is there for others when this is dropped.
pub(crate) struct Used {
    schema: Option<Schema>,
    pool: Arc<Pool>,
}

impl Used {
    /// One of this server: used before, or made now.
    pub(crate) async fn at(server: &str) -> Self {
        let pool = Pool::of(server);
        let idle = pool.idle.lock().expect("no test fails with it").pop();
        let schema = match idle {
            Some(schema) => schema,
            None => made(server).await,
        };
        Self {
            schema: Some(schema),
            pool,
        }
    }

    /// The database.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        // What a failed case left may be open still.
        if std::thread::panicking() {
            return;
        }
        let Some(schema) = self.schema.take() else {
            return;
        };
        // Dropping cannot wait for the runtime that it happens on.
        let emptying = std::thread::spawn(move || {
            super::block_on(empty(&schema));
            schema
        });
        let schema = emptying.join().expect("emptied");
        let mut idle = self
            .pool
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        idle.push(schema);
    }
}

impl Pool {
    fn of(server: &str) -> Arc<Self> {
        static POOLS: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        let mut there = pools.iter().filter_map(Weak::upgrade);
        if let Some(pool) = there.find(|pool| pool.server == server) {
            return pool;
        }
        let pool = Arc::new(Self {
            server: server.to_owned(),
            idle: Mutex::default(),
        });
        pools.push(Arc::downgrade(&pool));
        pool
    }
}

/// The tables in which a new database has rows: `empty` knows what they are.
const NOT_EMPTY: [&str; 2] = ["leader", "schema_migration"];

async fn made(server: &str) -> Schema {
    let schema = Schema::create_at(server).await;
    let store = SqlStore::connect(&schema.url).await.expect("connect");
    store.close().await.expect("close");
    let db = Database::connect(&schema.url).await.expect("connect");
    for table in tables(&db).await {
        let any = format!("SELECT 1 FROM `{table}` LIMIT 1");
        let any = Statement::from_string(DbBackend::MySql, any);
        let row = db.query_one_raw(any).await.expect("a row");
        assert_eq!(
            row.is_some(),
            NOT_EMPTY.contains(&&*table),
            "{table}: say in NOT_EMPTY and empty() what a new database has"
        );
    }
    db.close().await.expect("close");
    schema
}

async fn empty(schema: &Schema) {
    schema.cut_connections().await;
    let db = Database::connect(&schema.url).await.expect("connect");
    let mut statements = String::from("SET foreign_key_checks = 0; ");
    for table in tables(&db).await {
        if !NOT_EMPTY.contains(&&*table) {
            statements += &format!("DELETE FROM `{table}`; ");
        }
    }
    statements += "UPDATE leader SET realm = UUID(), fence = 0, holder = NULL, expires_at = NULL, next_id = 0, commits = 0";
    db.execute_unprepared(&statements).await.expect("emptied");
    db.close().await.expect("close");
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let names =
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()";
    let names = Statement::from_string(DbBackend::MySql, names);
    let rows = db.query_all_raw(names).await.expect("tables");
    let name = |row: &sea_orm::QueryResult| row.try_get("", "name").expect("a name");
    rows.iter().map(name).collect()
}
