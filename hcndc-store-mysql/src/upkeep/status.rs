//! How a database stands.

use hcndc_core::time::Timestamp;
use sea_orm::{
    ConnectionTrait as _, DbBackend, ExprTrait as _,
    sea_query::{Expr, Query},
};

use super::Upkeep;
use crate::{
    MigrationStatus, SqlError, SqlStore,
    entity::{Leader, Reader},
    error::Doing as _,
};

/// How a database stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// Its address, without its password.
    pub address: String,
    /// What it runs on.
    pub product: Product,
    /// The version, as the product tells it.
    pub version: String,
    /// Steps of the tables, in order.
    pub migrations: Vec<MigrationStatus>,
    /// How many rows the tables have that grow, in the order of their names; without those that are not there yet.
    pub rows: Vec<TableRows>,
    /// Bytes on disk, indexes included. For MySQL as the server estimates it; for SQLite without the write-ahead log.
    pub bytes: u64,
    /// Who leads; `None` before the first start.
    pub leader: Option<LeaderStatus>,
}

/// What databases run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A file.
    Sqlite,
    /// MySQL, or a server that takes itself for it.
    MySql,
    /// MariaDB.
    MariaDb,
}

impl Product {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }

    /// The oldest major and minor version that will do.
    #[must_use]
    pub const fn oldest(self) -> (u32, u32) {
        match self {
            Self::Sqlite => (3, 35),
            Self::MySql => (8, 0),
            Self::MariaDb => (10, 6),
        }
    }
}

/// How many rows a table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRows {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Who leads on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderStatus {
    /// The identity of the database; fences and ids mean something within it only.
    pub realm: String,
    /// The newest term; 0 before anyone led.
    pub fence: u64,
    /// Who holds the lease, or held it last; `None` once it was given back.
    pub holder: Option<String>,
    /// Until when, by the clock of whoever holds it.
    pub expires_at: Option<Timestamp>,
    /// No id from this one on has been given.
    pub next_id: u64,
}

/// Tables that grow.
const GROWING: [&str; 16] = [
    "action",
    "alert",
    "attempt",
    "backfill",
    "backfill_date",
    "execution",
    "execution_end",
    "file_arrival",
    "firing",
    "flow_run",
    "flow_version",
    "job_outcome",
    "job_output",
    "job_run",
    "job_version",
    "webhook_delivery",
];

impl Upkeep {
    /// How the database stands.
    ///
    /// # Errors
    /// [`SqlError::Statement`] when a part of it cannot be read.
    ///
    /// # Complexity
    /// Counts rows: some seconds for ten millions of them.
    pub async fn status(&self) -> Result<DatabaseStatus, SqlError> {
        let (product, version) = self.version().await?;
        let tables = self.tables().await?;
        let mut rows = Vec::new();
        for table in GROWING {
            if tables.iter().any(|name| name == table) {
                let count = format!("SELECT COUNT(*) FROM {table}");
                let count: Option<i64> = self.one("count rows", count).await?;
                rows.push(TableRows {
                    table,
                    rows: count.unwrap_or_default().unsigned_abs(),
                });
            }
        }
        let leader = match tables.iter().any(|name| name == "leader") {
            true => self.store.leader().await?,
            false => None,
        };
        Ok(DatabaseStatus {
            address: self.store.address().into(),
            product,
            version,
            migrations: self.migrations().await?,
            rows,
            bytes: self.bytes().await?,
            leader,
        })
    }

    /// What the database runs on, and its version.
    pub(super) async fn version(&self) -> Result<(Product, String), SqlError> {
        let query = match self.backend() {
            DbBackend::MySql => "SELECT VERSION()",
            _ => "SELECT sqlite_version()",
        };
        let version: Option<String> = self.one("ask for the version", query).await?;
        let version = version.unwrap_or_default();
        let product = match self.backend() {
            DbBackend::MySql if version.contains("MariaDB") => Product::MariaDb,
            DbBackend::MySql => Product::MySql,
            _ => Product::Sqlite,
        };
        Ok((product, version))
    }

    async fn bytes(&self) -> Result<u64, SqlError> {
        let query = match self.backend() {
            DbBackend::MySql => {
                "SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED) \
                 FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
            _ => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        };
        let bytes: Option<i64> = self.one("ask for the size", query).await?;
        Ok(bytes.unwrap_or_default().unsigned_abs())
    }

    /// The difference from this clock to the database's: positive if the database's is ahead. `None` where the database
    /// has no clock of its own.
    pub(super) async fn clock_ahead(&self, now: Timestamp) -> Result<Option<i64>, SqlError> {
        if self.backend() != DbBackend::MySql {
            return Ok(None);
        }
        let doing = "ask for the time";
        let query = Query::select().expr(self.store.now_micros()).to_owned();
        let row = self.db().query_one(&query).await.doing(doing)?;
        let theirs = row.map(|row| row.try_get_by_index::<i64>(0));
        let theirs = theirs.transpose().doing(doing)?;
        Ok(theirs.map(|theirs| theirs.saturating_sub(now.as_micros())))
    }
}

impl SqlStore {
    /// Who leads, or led last; `None` in a database that is still being made.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be read.
    pub async fn leader(&self) -> Result<Option<LeaderStatus>, SqlError> {
        self.soon("read the lease", self.read_leader()).await
    }

    async fn read_leader(&self) -> Result<Option<LeaderStatus>, SqlError> {
        let columns = [
            Leader::Realm,
            Leader::Fence,
            Leader::Holder,
            Leader::ExpiresAt,
            Leader::NextId,
        ];
        let statement = Query::select()
            .columns(columns)
            .from(Leader::Table)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let row = self.reader().query_one(&statement).await;
        let row = row.doing("read the lease")?;
        let Some(row) = row.as_ref().map(|row| Reader::new("leader", row)) else {
            return Ok(None);
        };
        Ok(Some(LeaderStatus {
            realm: row.column("realm")?,
            fence: row.number("fence")?,
            holder: row.column("holder")?,
            expires_at: row.time_if("expires_at")?,
            next_id: row.number("next_id")?,
        }))
    }
}
