//! SQLite: a file with one connection that writes, or memory with one for everything.

use std::{str::FromStr as _, time::Duration};

use sea_orm::{Database, DatabaseConnection, DbErr, sqlx};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{Durability, Pools, SqlOptions, open_error, pool};
use crate::{SqlError, commit::ScriptForm, migration, retry::Tries};

/// How long a try waits for another process that writes to the file.
const LOCK_WAIT: Duration = Duration::from_secs(2);

pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
    parse(options, &address)?;
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

/// One connection to the file as it is.
pub(super) async fn look(
    options: &SqlOptions,
    address: String,
    make: bool,
) -> Result<Pools, SqlError> {
    parse(options, &address)?;
    let alone = open(options, 1, Kind::Alone { make }).await;
    let alone = alone.map_err(|source| open_error(&address, source))?;
    Ok(Pools {
        writer: alone.clone(),
        reader: alone,
        address,
        patience: options.patience,
        scripts: ScriptForm::Sqlite,
    })
}

fn parse(options: &SqlOptions, address: &str) -> Result<SqliteConnectOptions, SqlError> {
    SqliteConnectOptions::from_str(&options.url).map_err(|_| SqlError::Address {
        address: address.into(),
        reason: "it is not of the form sqlite://path?mode=rwc",
    })
}

async fn connect_once(
    options: &SqlOptions,
    address: &str,
    in_memory: bool,
) -> Result<Pools, SqlError> {
    let kind = if in_memory {
        Kind::Memory
    } else {
        Kind::Writer
    };
    let writer = open(options, 1, kind).await;
    let writer = writer.map_err(|source| open_error(address, source))?;
    migration::migrate(&writer, address).await?;
    let reader = if in_memory {
        writer.clone()
    } else {
        let reader = open(options, options.readers.clamp(1, 100), Kind::Reader).await;
        reader.map_err(|source| open_error(address, source))?
    };
    Ok(Pools {
        address: address.into(),
        writer,
        reader,
        patience: options.patience,
        scripts: ScriptForm::Sqlite,
    })
}

/// Whether a connection may be used again. When a commit fails for want of space, SQLite ends the transaction by
/// itself, and the rollback that follows fails too: from then on the driver counts one level too many, and what it
/// takes for commits would store nothing. Such a connection is closed, and another one made.
async fn is_clean(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // What a dropped transaction left to do is done first.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// What a pool's connections are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All there is: a database that goes with its connection.
    Memory,
    /// To write to a file.
    Writer,
    /// To read from a file.
    Reader,
    /// To look after a file as it is.
    Alone {
        /// Whether one is made where there is none.
        make: bool,
    },
}

/// Rows that a connection's thread reads ahead of whoever asked: as many as most pages have, so that the two take turns but once.
const ROWS: usize = 1_000;

async fn open(
    options: &SqlOptions,
    connections: u32,
    kind: Kind,
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
                .synchronous(synchronous)
                .row_buffer_size(ROWS);
            match kind {
                Kind::Alone { make } => sqlite.create_if_missing(make),
                Kind::Memory | Kind::Writer => sqlite.journal_mode(SqliteJournalMode::Wal),
                Kind::Reader => sqlite
                    .journal_mode(SqliteJournalMode::Wal)
                    .pragma("query_only", "on"),
            }
        });
    if matches!(kind, Kind::Writer | Kind::Alone { .. }) {
        pool.map_sqlx_sqlite_pool_opts(|pool| pool.after_release(|it, _| Box::pin(is_clean(it))));
    }
    Database::connect(pool).await
}
