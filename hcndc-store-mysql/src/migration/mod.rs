//! Migrations: a file per step, named by date and purpose, never edited once released. They only go forward.

mod cluster;
mod m20261122_000001_backbone;
mod m20261125_000001_definitions;
mod m20261125_000002_firing;
mod m20261125_000003_controls;
mod m20261125_000003_runs;
mod m20261126_000002_retention;
mod m20261126_000003_servers;
mod m20261126_000004_accounts;
mod m20261126_000005_states_of_dates;
mod m20261126_000006_backfill_keys;
mod m20261126_000007_started_at;
mod m20261127_000001_kinds;
mod m20261127_000002_outputs;
mod m20261127_000003_outside_users;
mod m20261127_000004_webhooks;
mod m20261127_000005_tokens;
mod m20261127_000006_reports;
mod m20261127_000008_acknowledged;
mod m20261127_000009_date_formats;
mod make;
mod status;

use cluster::ClusterLock;
pub use status::MigrationStatus;
pub(crate) use status::{foreign_table, status};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DynIden, Statement,
    sea_query::{Alias, Expr, ExprTrait as _, IntoIden as _, Query},
};
use sea_orm_migration::{
    IntoSchemaManagerConnection, MigrationTrait, MigratorTrait, SchemaManager,
};

use crate::{SqlError, dialect::begin_write, entity::Leader, error::Doing as _};

/// All migrations, oldest first.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_backbone::Migration),
            Box::new(m20261125_000001_definitions::Migration),
            Box::new(m20261125_000002_firing::Migration),
            Box::new(m20261125_000003_controls::Migration),
            Box::new(m20261125_000003_runs::Migration),
            Box::new(m20261126_000002_retention::Migration),
            Box::new(m20261126_000003_servers::Migration),
            Box::new(m20261126_000004_accounts::Migration),
            Box::new(m20261126_000005_states_of_dates::Migration),
            Box::new(m20261126_000006_backfill_keys::Migration),
            Box::new(m20261126_000007_started_at::Migration),
            Box::new(m20261127_000001_kinds::Migration),
            Box::new(m20261127_000002_outputs::Migration),
            Box::new(m20261127_000003_outside_users::Migration),
            Box::new(m20261127_000004_webhooks::Migration),
            Box::new(m20261127_000005_tokens::Migration),
            Box::new(m20261127_000006_reports::Migration),
            Box::new(m20261127_000008_acknowledged::Migration),
            Box::new(m20261127_000009_date_formats::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        Alias::new(MIGRATIONS).into_iden()
    }
}

/// The table that says which migrations have been applied.
pub(crate) const MIGRATIONS: &str = "schema_migration";

/// Brings the tables up to date, while holding a lock that keeps other processes from doing the same. On MySQL `db` must
/// have a single connection.
pub(crate) async fn migrate(db: &DatabaseConnection, address: &str) -> Result<(), SqlError> {
    match db.get_database_backend() {
        DbBackend::MySql => {
            mysql_lock(
                db,
                "SELECT GET_LOCK(CONCAT('hcndc.migrate.', LEFT(SHA2(DATABASE(), 256), 32)), 60) AS held",
            )
            .await?;
            let done = migrate_in_cluster(db, address).await;
            mysql_lock(
                db,
                "SELECT RELEASE_LOCK(CONCAT('hcndc.migrate.', LEFT(SHA2(DATABASE(), 256), 32))) AS held",
            )
            .await?;
            done
        }
        // SQLite's changes of tables are a part of the transaction, which is the lock, too.
        _ => {
            let transaction: DatabaseTransaction =
                begin_write(db).await.doing("lock the tables")?;
            check(&transaction, &transaction, address).await?;
            up(&transaction, None).await?;
            // Where nothing had to change, this is the first write: better here than in the first commit.
            let touch = Query::update()
                .table(Leader::Table)
                .value(Leader::Id, Leader::ROW)
                .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
                .to_owned();
            transaction.execute(&touch).await.doing("write")?;
            transaction.commit().await.doing("change the tables")
        }
    }
}

async fn mysql_lock(db: &DatabaseConnection, statement: &str) -> Result<(), SqlError> {
    let statement = Statement::from_string(db.get_database_backend(), statement);
    let row = db.query_one_raw(statement).await;
    let row = row.doing("lock the tables against other processes")?;
    let held = row.and_then(|row| row.try_get::<Option<i64>>("", "held").ok().flatten());
    if held == Some(1) {
        return Ok(());
    }
    Err(busy())
}

fn busy() -> SqlError {
    SqlError::Statement {
        doing: "lock the tables: another process has been changing them for a minute",
        source: sea_orm::DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout),
    }
}

/// Where other nodes have servers, too, the named lock is not enough.
async fn migrate_in_cluster(db: &DatabaseConnection, address: &str) -> Result<(), SqlError> {
    check(db, db, address).await?;
    if pending(db).await? == 0 {
        return Ok(());
    }
    let Some(mut lock) = ClusterLock::acquire(db).await? else {
        return up(db, None).await;
    };
    // Whoever had the lock may have been of a newer version.
    let done = match check(db, db, address).await {
        Ok(()) => up_one_by_one(db, &mut lock).await,
        refused => refused,
    };
    let released = lock.release().await;
    done.and(released)
}

async fn up_one_by_one(
    db: &DatabaseConnection,
    lock: &mut ClusterLock<'_>,
) -> Result<(), SqlError> {
    for _ in 0..pending(db).await? {
        up(db, Some(1)).await?;
        lock.keep().await?;
    }
    Ok(())
}

async fn pending(db: &DatabaseConnection) -> Result<usize, SqlError> {
    let pending = Migrator::get_pending_migrations(db).await;
    Ok(pending.doing("read the list of migrations")?.len())
}

async fn up<'c>(
    manager: impl IntoSchemaManagerConnection<'c>,
    steps: Option<u32>,
) -> Result<(), SqlError> {
    Migrator::up(manager, steps)
        .await
        .doing("change the tables")
}

/// Whether these tables are ours, and not newer than this program.
async fn check<'c, C: ConnectionTrait>(
    db: &C,
    manager: impl IntoSchemaManagerConnection<'c>,
    address: &str,
) -> Result<(), SqlError> {
    let schema = SchemaManager::new(manager);
    if let Some(table) = foreign_table(&schema).await? {
        return Err(SqlError::ForeignTable {
            address: address.into(),
            table: table.into(),
        });
    }
    let applied = Migrator::get_migration_models(db).await;
    let known = Migrator::migrations();
    for model in applied.doing("read the list of migrations")? {
        if !known
            .iter()
            .any(|migration| migration.name() == model.version)
        {
            return Err(SqlError::NewerSchema {
                address: address.into(),
                migration: model.version,
            });
        }
    }
    Ok(())
}
