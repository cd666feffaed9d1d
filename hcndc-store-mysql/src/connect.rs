//! Opening a database: its pools, its settings, its migrations.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};

use crate::{SqlError, address::without_password, commit::ScriptForm};

/// How long anyone waits for a free connection, or for a server to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may have been idle to be used without a look whether it is still there: what ends connections, a server that starts
/// anew or a firewall that forgets them, takes longer than that.
const TRUSTED: Duration = Duration::from_secs(1);

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
    /// How long a page or a small commit may take before the connection counts as lost and the call as
    /// [`SqlError::Silent`]; default 30 s. A large commit and a load get more, the lease gets 10 s at most. Shorter, and a database that is only slow
    /// makes work twice; longer, and a network that swallows packets goes unnoticed.
    pub patience: Duration,
}

impl SqlOptions {
    /// The defaults for this address.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            durability: Durability::default(),
            readers: 8,
            patience: Duration::from_secs(30),
        }
    }

    /// The defaults for a SQLite file, which is made if it is not there. Any path that is UTF-8 will do, whatever its
    /// characters mean in an address.
    ///
    /// ```
    /// # use hcndc_store_mysql::SqlOptions;
    /// let options = SqlOptions::file("data 100%?.db".as_ref());
    /// assert_eq!(options.url, "sqlite://data 100%25%3f.db?mode=rwc");
    /// ```
    #[must_use]
    pub fn file(path: &Path) -> Self {
        let path = path.to_string_lossy();
        let path = path.replace('%', "%25").replace('?', "%3f");
        Self::new(format!("sqlite://{path}?mode=rwc"))
    }
}

impl SqlOptions {
    /// The address without its password, for messages.
    #[must_use]
    pub fn shown_url(&self) -> String {
        without_password(&self.url)
    }
}

impl fmt::Debug for SqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlOptions")
            .field("url", &without_password(&self.url))
            .field("durability", &self.durability)
            .field("readers", &self.readers)
            .field("patience", &self.patience)
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
    patience: Duration,
    scripts: ScriptForm,
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
        Self::open(options, Opening::Serve).await
    }

    /// The tables as they are, by a single connection: for those who look after a database. A file that is not there
    /// is made only if that is asked for.
    pub(crate) async fn look(options: &SqlOptions, make: bool) -> Result<Self, SqlError> {
        Self::open(options, Opening::Look { make }).await
    }

    async fn open(options: &SqlOptions, opening: Opening) -> Result<Self, SqlError> {
        let address = without_password(&options.url);
        let pools = match options.url.split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(feature = "sqlite")]
            Some("sqlite") => match opening {
                Opening::Serve => sqlite::connect(options, address).await?,
                Opening::Look { make } => sqlite::look(options, address, make).await?,
            },
            #[cfg(feature = "mysql")]
            Some("mysql") => match opening {
                Opening::Serve => mysql::connect(options, address).await?,
                Opening::Look { .. } => mysql::look(options, address).await?,
            },
            #[cfg(not(feature = "sqlite"))]
            Some("sqlite") => {
                let reason = "this build has no support for SQLite";
                return Err(SqlError::Address { address, reason });
            }
            #[cfg(not(feature = "mysql"))]
            Some("mysql") => {
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

    /// The database's address, without its password.
    pub(crate) fn address(&self) -> &str {
        &self.pools.address
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.pools.writer
    }

    /// How the database takes a whole transaction.
    pub(crate) fn script_form(&self) -> ScriptForm {
        self.pools.scripts
    }

    pub(crate) fn patience(&self) -> Duration {
        self.pools.patience
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.pools.reader
    }
}

/// What a database is opened for.
#[derive(Clone, Copy)]
enum Opening {
    /// To work with it: the tables are brought up to date.
    Serve,
    /// To look at it as it is.
    Look {
        /// Whether a file is made where there is none.
        make: bool,
    },
}

/// Options that all pools share.
fn pool(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        // To ask whether it is there costs a way to the database, which a lone commit would pay for each time.
        .test_before_acquire_if_idle_for(TRUSTED)
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
