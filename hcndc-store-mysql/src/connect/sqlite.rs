//! SQLite: a file with one connection that writes, or memory with one for everything.

use std::{str::FromStr as _, time::Duration};

use sea_orm::{Database, DatabaseConnection, DbErr, sqlx};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::{Durability, Pools, SqlOptions, open_error, pool};
use crate::{SqlError, migration, retry::Tries};

/// How long a try waits for another process that writes to the file.
const LOCK_WAIT: Duration = Duration::from_secs(2);

pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
    if SqliteConnectOptions::from_str(&options.url).is_err() {
        let reason = "it is not of the form sqlite://path?mode=rwc";
        return Err(SqlError::Address { address, reason });
    }
    // SQLite lets one connection write at a time: a single one waits in our queue, fairly, and not in its lock.
    // What is in memory is that connection's own.
    let (path, mode) = options.url.split_once('?').unwrap_or((&options.url, ""));
    let in_memory = path.ends_with(":memory:") || mode.contains("mode=memory");
    // Two processes that make a file at the same moment can be in each other's way.
    let mut tries = Tries::default();
    loop {
        let done = connect_once(options, &address, in_memory).await;
        if !tries.again(&done).await {
            return done;
        }
    }
}

async fn connect_once(
    options: &SqlOptions,
    address: &str,
    in_memory: bool,
) -> Result<Pools, SqlError> {
    let writer = open(options, 1, false).await;
    let writer = writer.map_err(|source| open_error(address, source))?;
    migration::migrate(&writer, address).await?;
    let reader = if in_memory {
        writer.clone()
    } else {
        let reader = open(options, options.readers.clamp(1, 100), true).await;
        reader.map_err(|source| open_error(address, source))?
    };
    Ok(Pools {
        address: address.into(),
        writer,
        reader,
    })
}

async fn open(
    options: &SqlOptions,
    connections: u32,
    only_reads: bool,
) -> Result<DatabaseConnection, DbErr> {
    let synchronous = match options.durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    let mut pool = pool(&options.url, connections);
    // A connection that is closed for its age takes a database in memory with it.
    pool.idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .busy_timeout(LOCK_WAIT)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous);
            if only_reads {
                sqlite.pragma("query_only", "on")
            } else {
                sqlite
            }
        });
    Database::connect(pool).await
}
