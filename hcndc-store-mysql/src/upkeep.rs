//! What those need who look after a database: how it stands, what is wrong with it, and its tables brought up to date.

mod backup;
mod check;
mod probe;
mod references;
mod shape;
mod status;

pub use check::{Finding, Weight};
pub use references::Reference;
pub use status::{DatabaseStatus, LeaderStatus, Product, TableRows};

use sea_orm::{DatabaseConnection, DbBackend, QueryResult, Statement};

use crate::{
    MigrationStatus, SqlError, SqlOptions, SqlStore, error::Doing as _, migration, retry::Tries,
};

/// A database as it is: opening it changes nothing, makes nothing, and is in nobody's way. Servers may be at work on it.
///
/// ```
/// # use hcndc_store_mysql::{SqlOptions, SqlStore, Upkeep};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// let options = SqlOptions::file(&folder.path().join("hcndc.db"));
/// SqlStore::connect_with(&options).await?;
///
/// let upkeep = Upkeep::open(&options).await?;
/// assert!(upkeep.migrations().await?.iter().all(|step| step.applied_at.is_some()));
/// # Ok::<(), hcndc_store_mysql::SqlError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Upkeep {
    pub(crate) store: SqlStore,
}

impl Upkeep {
    /// Opens the database at this address, which must be there.
    ///
    /// # Errors
    /// [`SqlError::Address`] for an address that is none, [`SqlError::Open`] if there is no such database or it cannot be
    /// reached.
    pub async fn open(options: &SqlOptions) -> Result<Self, SqlError> {
        let store = SqlStore::look(options, false).await?;
        Ok(Self { store })
    }

    /// The same, but a SQLite file is made if it is not there; its folder must be.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_or_make(options: &SqlOptions) -> Result<Self, SqlError> {
        let store = SqlStore::look(options, true).await?;
        Ok(Self { store })
    }

    /// Which steps the tables have gone through, and which are to come, in order.
    ///
    /// # Errors
    /// [`SqlError::Statement`] when they cannot be read.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>, SqlError> {
        migration::status(self.db()).await
    }

    /// Takes the steps that are to come, as a server does when it starts: under a lock, so that others that do the same
    /// wait. Returns those that were to come.
    ///
    /// # Errors
    /// As [`SqlStore::connect_with`].
    pub async fn migrate(&self) -> Result<Vec<MigrationStatus>, SqlError> {
        let mut steps = self.migrations().await?;
        let mut tries = Tries::default();
        loop {
            let done = migration::migrate(self.db(), self.store.address()).await;
            if !tries.again(&done).await {
                done?;
                break;
            }
        }
        steps.retain(|step| step.applied_at.is_none());
        Ok(steps)
    }

    /// The store on this connection, if its tables are those of this version.
    ///
    /// # Errors
    /// [`SqlError::NewerSchema`] if a newer version has used it, [`SqlError::OlderSchema`] if there are steps to come.
    pub async fn store(&self) -> Result<&SqlStore, SqlError> {
        let steps = self.migrations().await?;
        let address = || self.store.address().to_owned();
        if let Some(newer) = steps.iter().find(|step| !step.known) {
            return Err(SqlError::NewerSchema {
                address: address(),
                migration: newer.name.clone(),
            });
        }
        if let Some(first) = steps.iter().find(|step| step.applied_at.is_none()) {
            return Err(SqlError::OlderSchema {
                address: address(),
                migration: first.name.clone(),
            });
        }
        Ok(&self.store)
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// [`SqlError::Statement`] if the driver fails at it.
    pub async fn close(&self) -> Result<(), SqlError> {
        self.store.close().await
    }

    fn db(&self) -> &DatabaseConnection {
        self.store.writer()
    }

    fn backend(&self) -> DbBackend {
        self.db().get_database_backend()
    }

    async fn rows(
        &self,
        doing: &'static str,
        query: impl Into<String>,
    ) -> Result<Vec<QueryResult>, SqlError> {
        use sea_orm::ConnectionTrait as _;
        let query = Statement::from_string(self.backend(), query);
        self.db().query_all_raw(query).await.doing(doing)
    }

    /// The first column of the first row, if there is one and it is of that type.
    async fn one<T: sea_orm::TryGetable>(
        &self,
        doing: &'static str,
        query: impl Into<String>,
    ) -> Result<Option<T>, SqlError> {
        let rows = self.rows(doing, query).await?;
        let first = rows.first().map(|row| row.try_get_by_index::<Option<T>>(0));
        Ok(first.transpose().doing(doing)?.flatten())
    }

    /// The names of all tables, in order.
    async fn tables(&self) -> Result<Vec<String>, SqlError> {
        let query = match self.backend() {
            DbBackend::MySql => {
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() ORDER BY table_name"
            }
            _ => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
        };
        let rows = self.rows("list tables", query).await?;
        let names = rows.iter().map(|row| row.try_get_by_index(0));
        names.collect::<Result<_, _>>().doing("list tables")
    }
}
