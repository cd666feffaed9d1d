//! Where the databases differ: types of columns, how tables are made, and transactions.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
    sea_query::{ColumnDef, IntoIden},
};

/// A transaction that is going to write. On SQLite it takes the lock at once: a transaction that reads first and then
/// finds another writer at work could only be given up.
pub(crate) async fn begin_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    db.begin_with_options(options).await
}

/// Whether a server of MySQL's protocol is a MariaDB.
pub(crate) async fn is_mariadb<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let version = Statement::from_string(db.get_database_backend(), "SELECT VERSION() AS version");
    let row = db.query_one_raw(version).await?;
    let version: String = row
        .ok_or_else(|| DbErr::RecordNotFound(String::from("VERSION()")))?
        .try_get("", "version")?;
    Ok(version.contains("MariaDB"))
}

/// Whether such a server is a node of a Galera cluster.
pub(crate) async fn is_cluster<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let show = "SHOW VARIABLES LIKE 'wsrep_on'";
    let show = Statement::from_string(db.get_database_backend(), show);
    let row = db.query_one_raw(show).await?;
    let value = row.map(|row| row.try_get_by_index::<String>(1));
    Ok(value.transpose()?.as_deref() == Some("ON"))
}

/// Which collation compares texts byte by byte and takes spaces at the end for what they are; `None` where every text
/// is compared so. MySQL and MariaDB have no common name for it, and their common `utf8mb4_bin` pads with spaces.
pub(crate) async fn byte_collation<C: ConnectionTrait>(
    db: &C,
) -> Result<Option<&'static str>, DbErr> {
    if db.get_database_backend() != DbBackend::MySql {
        return Ok(None);
    }
    Ok(Some(if is_mariadb(db).await? {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    }))
}

/// A column for texts of any length. MySQL's `TEXT` ends at 64 KiB.
pub(crate) fn long_text_column(backend: DbBackend, column: impl IntoIden) -> ColumnDef {
    let mut column = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => column.custom("longtext"),
        _ => column.text(),
    };
    column
}
