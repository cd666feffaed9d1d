//! Opening a database: its pools, its settings, its migrations.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    engine::{ExecutionSnapshot, Snapshot},
    id::ExecutionId,
    port::{Commit, Fence, Lease, Store},
    time::Timestamp,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, sqlx};

use crate::{SqlError, address::without_password, migration, retry::Tries};

/// How long a statement waits for another writer of a SQLite file, and how long anyone waits for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is certain once a commit has returned. Matters on SQLite only; a MySQL server has its own setting
/// (`innodb_flush_log_at_trx_commit`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It outlives a power cut.
    #[default]
    Full,
    /// It outlives the end of this process; a power cut may take the last commits, but leaves the database whole. Some
    /// ten times as many commits a second.
    Normal,
}

/// Where the database is, and how it is used.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlOptions {
    /// The address: `mysql://user:password@host:3306/database`, `sqlite://path?mode=rwc` (without the mode the file must
    /// exist) or `sqlite::memory:`.
    pub url: String,
    /// What is certain once a commit has returned. Default: [`Durability::Full`].
    pub durability: Durability,
    /// Connections that answer queries at the same time, 1 to 100; default 8. Too few, and pages wait for each other;
    /// too many, and a MySQL server runs out of them (`max_connections`, 151 by default, shared by all that connect).
    /// A database in memory has one connection, whatever this says.
    pub readers: u32,
}

impl SqlOptions {
    /// The defaults for this address.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            durability: Durability::default(),
            readers: 8,
        }
    }
}

impl fmt::Debug for SqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlOptions")
            .field("url", &without_password(&self.url))
            .field("durability", &self.durability)
            .field("readers", &self.readers)
            .finish()
    }
}

/// A store in a MySQL, MariaDB or SQLite database. Clones share its connections.
#[derive(Clone)]
pub struct SqlStore {
    pools: Arc<Pools>,
}

struct Pools {
    address: String,
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlStore")
            .field(&self.pools.address)
            .finish()
    }
}

impl SqlStore {
    /// Opens the database at this address with the default options.
    ///
    /// # Errors
    /// As [`connect_with`](Self::connect_with).
    pub async fn connect(url: &str) -> Result<Self, SqlError> {
        Self::connect_with(&SqlOptions::new(url)).await
    }

    /// Opens the database and brings its tables up to date. Any number of processes may do so at once: a lock makes them
    /// take turns.
    ///
    /// # Errors
    /// [`SqlError::Address`] for an address that is none, [`SqlError::Open`] if there is no such database or it cannot be
    /// reached, [`SqlError::NewerSchema`] if a newer version has used it, [`SqlError::ForeignTable`] if another program
    /// has, [`SqlError::Statement`] if a migration fails.
    pub async fn connect_with(options: &SqlOptions) -> Result<Self, SqlError> {
        let address = without_password(&options.url);
        let pools = match options.url.split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(feature = "sqlite")]
            Some("sqlite") => sqlite::connect(options, address).await?,
            #[cfg(feature = "mysql")]
            Some("mysql" | "mariadb") => mysql::connect(options, address).await?,
            #[cfg(not(feature = "sqlite"))]
            Some("sqlite") => {
                let reason = "this build has no support for SQLite";
                return Err(SqlError::Address { address, reason });
            }
            #[cfg(not(feature = "mysql"))]
            Some("mysql" | "mariadb") => {
                let reason = "this build has no support for MySQL";
                return Err(SqlError::Address { address, reason });
            }
            _ => {
                let reason = "it starts with neither mysql:// nor sqlite:";
                return Err(SqlError::Address { address, reason });
            }
        };
        Ok(Self {
            pools: Arc::new(pools),
        })
    }

    /// Closes all connections, after what they are at. Later calls fail as `Unavailable`.
    ///
    /// # Errors
    /// [`SqlError::Statement`] if the driver fails at it.
    pub async fn close(&self) -> Result<(), SqlError> {
        use crate::error::Doing as _;
        let doing = "close the database";
        self.pools.reader.close_by_ref().await.doing(doing)?;
        self.pools.writer.close_by_ref().await.doing(doing)
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.pools.writer
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.pools.reader
    }
}

#[async_trait]
impl Store for SqlStore {
    type Error = SqlError;

    async fn load(&self) -> Result<Snapshot, SqlError> {
        self.load_snapshot().await
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, SqlError> {
        self.load_one_execution(execution).await
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), SqlError> {
        self.commit_batch(fence, commit).await
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, SqlError> {
        self.acquire_lease(holder, now, ttl).await
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, SqlError> {
        self.renew_lease(lease, now, ttl).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), SqlError> {
        self.release_lease(lease).await
    }
}

/// Options that all pools share.
fn pool(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        // Statements of hundreds of rows are no reading matter.
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

fn open_error(address: &str, source: DbErr) -> SqlError {
    SqlError::Open {
        address: address.into(),
        source,
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::str::FromStr as _;

    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    use super::*;

    pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
        if SqliteConnectOptions::from_str(&options.url).is_err() {
            let reason = "it is not of the form sqlite://path?mode=rwc";
            return Err(SqlError::Address { address, reason });
        }
        // SQLite lets one connection write at a time: a single one waits in our queue, fairly, and not in its lock.
        // What is in memory is that connection's own.
        let in_memory = options.url.contains(":memory:") || options.url.contains("mode=memory");
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
                    .busy_timeout(PATIENCE)
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
}

#[cfg(feature = "mysql")]
mod mysql {
    use std::{str::FromStr as _, sync::Arc};

    use sea_orm::RuntimeErr;
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _, mysql::MySqlConnectOptions};

    use super::*;

    /// What every connection is told first. The server's defaults differ from host to host: strict, so that what does
    /// not fit is refused and not cut; repeatable reads, so that a load sees one moment; and a lock that is not had
    /// within seconds is an error that can be told.
    const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
        time_zone = '+00:00', innodb_lock_wait_timeout = 5";
    const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

    pub(super) async fn connect(options: &SqlOptions, address: String) -> Result<Pools, SqlError> {
        let Ok(parsed) = MySqlConnectOptions::from_str(&options.url) else {
            let reason = "it is not of the form mysql://user:password@host:3306/database";
            return Err(SqlError::Address { address, reason });
        };
        if parsed.get_database().is_none_or(str::is_empty) {
            let reason = "it names no database";
            return Err(SqlError::Address { address, reason });
        }
        // A pool waits for a server that refuses connections, and then tells of its own impatience only; one connection
        // tells at once what is wrong.
        let first = parsed.connect().await;
        let first = first.map_err(|error| open_error(&address, driver(error)))?;
        drop(first.close().await);

        // The lock of the migrations belongs to a connection: there must be only one.
        let alone = open(&options.url, 1).await;
        let alone = alone.map_err(|source| open_error(&address, source))?;
        migration::migrate(&alone, &address).await?;
        drop(alone.close().await);

        // Commits come one at a time; the second connection is for the lease, which must not wait behind a large one.
        let writer = open(&options.url, 2).await;
        let reader = open(&options.url, options.readers.clamp(1, 100)).await;
        Ok(Pools {
            writer: writer.map_err(|source| open_error(&address, source))?,
            reader: reader.map_err(|source| open_error(&address, source))?,
            address,
        })
    }

    async fn open(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
        let mut pool = pool(url, connections);
        pool.test_before_acquire_if_idle_for(Duration::from_secs(5))
            .map_sqlx_mysql_pool_opts(|pool| {
                pool.after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute(SESSION).await?;
                        connection.execute(ISOLATION).await?;
                        Ok(())
                    })
                })
            });
        Database::connect(pool).await
    }

    fn driver(error: sqlx::Error) -> DbErr {
        DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
    }
}
