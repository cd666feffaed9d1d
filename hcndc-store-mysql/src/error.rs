//! What can go wrong between the scheduler and its database, and what to do about it.

use std::{error::Error, time::Duration};

use hcndc_core::port::{ErrorKind, Fence, PortError};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The address is none, or of a database that this build does not support.
    #[error("{address:?} is not the address of a database: {reason}")]
    Address {
        /// The address, without its password.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {address}")]
    Open {
        /// The address, without its password.
        address: String,
        /// What the driver says.
        source: DbErr,
    },
    /// A newer version of this program has changed the tables.
    #[error(
        "the database {address} has migration {migration:?}, which this version does not know: use the newer version"
    )]
    NewerSchema {
        /// The address, without its password.
        address: String,
        /// The first migration that is unknown here.
        migration: String,
    },
    /// The tables are those of an older version, or not there yet, and may not be changed now.
    #[error(
        "the database {address} lacks migration {migration:?}: run `hcndc db migrate`, or start a server"
    )]
    OlderSchema {
        /// The address, without its password.
        address: String,
        /// The first migration that is to come.
        migration: String,
    },
    /// Only a SQLite database is copied by this program.
    #[error("{address} is no SQLite database: copy it with mariadb-dump or mysqldump")]
    NotSqlite {
        /// The address, without its password.
        address: String,
    },
    /// The database holds tables of another program under names that this one needs.
    #[error("the database {address} already has a table {table:?} of some other program")]
    ForeignTable {
        /// The address, without its password.
        address: String,
        /// The table.
        table: String,
    },
    /// Someone else leads, or nobody does.
    #[error("fence {} is not in force", given.0)]
    Fenced {
        /// The one that the caller came with.
        given: Fence,
    },
    /// A statement failed.
    #[error("could not {doing}")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// What the driver says.
        source: DbErr,
    },
    /// The database did not answer in time. What was asked may have been done, or may not.
    #[error("could not {doing}: the database has not answered for {} s", limit.as_secs_f32())]
    Silent {
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A row holds what no version of this program writes.
    #[error("{table} {id}: {what} makes no sense")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's id, if it could be read.
        id: String,
        /// Which part of the row.
        what: &'static str,
        /// Why not, where the reader can say.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A row refers to another that is not stored.
    #[error("{table} {id} needs {needs}, which is not stored")]
    Missing {
        /// The table of the row that refers.
        table: &'static str,
        /// Its id.
        id: u64,
        /// What it refers to.
        needs: String,
    },
    /// A number is too large for the database.
    #[error("{what} {value} is beyond what the database can hold")]
    TooLarge {
        /// What number.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A definition could not be written as JSON.
    #[error("could not write {what} as JSON")]
    Json {
        /// What.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The cursor belongs to a list that is sorted otherwise.
    #[error("the cursor belongs to a list of another sort")]
    ForeignCursor,
}

impl PortError for SqlError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::NotSqlite { .. }
            | Self::ForeignTable { .. }
            | Self::TooLarge { .. }
            | Self::Json { .. }
            | Self::ForeignCursor => ErrorKind::Invalid,
            Self::Open { source, .. } | Self::Statement { source, .. } => kind_of(source),
            Self::Silent { .. } => ErrorKind::Unavailable,
            Self::Fenced { .. } => ErrorKind::Fenced,
            Self::Corrupt { .. } | Self::Missing { .. } => ErrorKind::Corrupt,
        }
    }
}

/// An error with all that led to it, in one line.
pub(crate) fn chain(error: &SqlError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// Says what was being done when the driver failed.
pub(crate) trait Doing<T> {
    /// Completes "could not …".
    fn doing(self, doing: &'static str) -> Result<T, SqlError>;
}

impl<T> Doing<T> for Result<T, DbErr> {
    fn doing(self, doing: &'static str) -> Result<T, SqlError> {
        self.map_err(|source| SqlError::Statement { doing, source })
    }
}

/// What to do about a failure of the driver.
fn kind_of(error: &DbErr) -> ErrorKind {
    match error {
        DbErr::ConnectionAcquire(_) => ErrorKind::Unavailable,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => kind_of_sqlx(error),
        DbErr::TryIntoErr { .. } | DbErr::Type(_) | DbErr::Json(_) => ErrorKind::Corrupt,
        _ => ErrorKind::Invalid,
    }
}

fn kind_of_sqlx(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => ErrorKind::Unavailable,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Corrupt,
        sqlx::Error::Database(error) => kind_of_database(error.as_ref()),
        _ => ErrorKind::Invalid,
    }
}

fn kind_of_database(error: &dyn sqlx::error::DatabaseError) -> ErrorKind {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return kind_of_mysql(error.number());
    }
    #[cfg(feature = "sqlite")]
    if error
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_some()
    {
        let code = error.code().and_then(|code| code.parse().ok());
        return kind_of_sqlite(code.unwrap_or_default());
    }
    let _ = error;
    ErrorKind::Invalid
}

/// The MySQL and MariaDB manuals' error numbers, as far as they call for more than mending the call.
#[cfg(feature = "mysql")]
fn kind_of_mysql(number: u16) -> ErrorKind {
    match number {
        // Changed since it was read; lock wait; deadlock, which is also how a Galera cluster reports a conflict between
        // nodes; the like for XA.
        1020 | 1205 | 1213 | 1614 => ErrorKind::Conflict,
        // No memory, disk or table space; too many connections; shutting down, aborted or killed; read-only; Galera node
        // not ready. A packet above `max_allowed_packet`: that can be raised while the server runs, and some servers
        // only cut the connection then, which is no more than unavailable either.
        1021
        | 1037
        | 1038
        | 1040
        | 1041
        | 1047
        | 1053
        | 1077
        | 1079
        | 1080
        | 1114
        | 1153
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1290
        | 1317
        | 1792
        | 1836
        | 1927
        | 2006
        | 2013
        | 3024
        | 3169
        | 4031 => ErrorKind::Unavailable,
        // Files, keys and tables that are broken or gone.
        1030 | 1033..=1035 | 1146 | 1194 | 1195 | 1712 | 1932 => ErrorKind::Corrupt,
        _ => ErrorKind::Invalid,
    }
}

/// SQLite's primary result codes, which are the low byte of what it returns.
#[cfg(feature = "sqlite")]
fn kind_of_sqlite(code: u32) -> ErrorKind {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED.
        5 | 6 => ErrorKind::Conflict,
        // SQLITE_PERM, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
        3 | 7 | 8 | 9 | 10 | 13 | 14 | 15 => ErrorKind::Unavailable,
        // SQLITE_CORRUPT, NOTADB.
        11 | 26 => ErrorKind::Corrupt,
        _ => ErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "mysql")]
    #[test]
    fn a_deadlock_is_tried_again_and_a_full_disk_waits() {
        assert_eq!(kind_of_mysql(1213), ErrorKind::Conflict);
        assert_eq!(kind_of_mysql(1021), ErrorKind::Unavailable);
        assert_eq!(kind_of_mysql(1153), ErrorKind::Unavailable);
        assert_eq!(kind_of_mysql(1064), ErrorKind::Invalid);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn extended_codes_count_as_their_primary_ones() {
        // SQLITE_BUSY_SNAPSHOT, SQLITE_READONLY_DBMOVED.
        assert_eq!(kind_of_sqlite(517), ErrorKind::Conflict);
        assert_eq!(kind_of_sqlite(1032), ErrorKind::Unavailable);
    }
}
