//! The lock of the migrations on a Galera cluster, where a named lock reaches one node only: a row that one process has.

use std::time::Duration;

use hcndc_core::port::{ErrorKind, PortError as _};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbErr, DeriveIden, SqlErr, Statement,
    sea_query::{ColumnDef, Expr, ExprTrait as _, Query, Table},
};

use crate::{SqlError, dialect::is_cluster, entity::Reader, error::Doing as _};

/// Between two looks at the row.
const PAUSE: Duration = Duration::from_millis(100);
/// So many looks at a row that has not changed, and its process counts as dead. Looks are counted and not time: while a node
/// changes a table, all others wait, and so do looks.
const PATIENCE: u32 = 300;

/// Columns of `schema_lock`, a table that there is on clusters only.
#[derive(Clone, Copy, DeriveIden)]
enum SchemaLock {
    Table,
    /// Always [`SchemaLock::ROW`].
    Id,
    /// The process that has the lock.
    Holder,
    /// How often it has shown that it lives.
    Beat,
}

impl SchemaLock {
    const ROW: i64 = 1;
}

/// The lock, held. What is dropped without [`ClusterLock::release`] counts as dead after half a minute.
pub(super) struct ClusterLock<'a> {
    db: &'a DatabaseConnection,
    holder: String,
    beat: i64,
}

/// Who has the lock, and since which beat.
type Row = (String, i64);

impl<'a> ClusterLock<'a> {
    /// Waits for the lock for as long as another process lives that has it; `None` if the database is no cluster's.
    pub(super) async fn acquire(db: &'a DatabaseConnection) -> Result<Option<Self>, SqlError> {
        if !is_cluster(db).await.doing(LOCK)? {
            return Ok(None);
        }
        make_table(db).await?;
        let lock = Self {
            db,
            holder: draw_name(db).await?,
            beat: 0,
        };
        lock.wait(PATIENCE).await?;
        Ok(Some(lock))
    }

    /// Waits until there is no row, or one that did not change for so many looks.
    async fn wait(&self, patience: u32) -> Result<(), SqlError> {
        let mut last = None;
        let mut unchanged = 0;
        loop {
            if self.insert().await? {
                return Ok(());
            }
            let seen = match self.look().await {
                // A node that is behind answers so, also while another one changes a table: that is no look.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                seen => seen?,
            };
            if seen != last {
                unchanged = 0;
            } else if let Some(dead) = &seen {
                unchanged += 1;
                if unchanged >= patience && self.take_over(dead).await? {
                    tracing::warn!(holder = %dead.0, "a process died while it changed the tables, going on");
                    return Ok(());
                }
            }
            last = seen;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn insert(&self) -> Result<bool, SqlError> {
        let insert = Query::insert()
            .into_table(SchemaLock::Table)
            .columns([SchemaLock::Id, SchemaLock::Holder, SchemaLock::Beat])
            .values_panic([
                SchemaLock::ROW.into(),
                self.holder.as_str().into(),
                0_i64.into(),
            ])
            .to_owned();
        let done = self.db.execute(&insert).await;
        let is_there =
            |error: &DbErr| matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
        match done {
            Err(error) if is_there(&error) => Ok(false),
            done => one_row(done.map(|done| done.rows_affected())),
        }
    }

    async fn look(&self) -> Result<Option<Row>, SqlError> {
        let query = Query::select()
            .columns([SchemaLock::Holder, SchemaLock::Beat])
            .from(SchemaLock::Table)
            .to_owned();
        let row = self.db.query_one(&query).await.doing(LOCK)?;
        row.map(|row| {
            let row = Reader::new("schema_lock", &row);
            Ok((row.column("holder")?, row.column("beat")?))
        })
        .transpose()
    }

    async fn take_over(&self, (holder, beat): &Row) -> Result<bool, SqlError> {
        self.change(holder, *beat, &self.holder, 0).await
    }

    /// Shows that this process lives.
    ///
    /// # Errors
    /// When another has taken the lock, which happens to one that was stopped for half a minute.
    pub(super) async fn keep(&mut self) -> Result<(), SqlError> {
        let next = self.beat + 1;
        if !self
            .change(&self.holder, self.beat, &self.holder, next)
            .await?
        {
            return Err(super::busy());
        }
        self.beat = next;
        Ok(())
    }

    async fn change(&self, holder: &str, beat: i64, to: &str, next: i64) -> Result<bool, SqlError> {
        let update = Query::update()
            .table(SchemaLock::Table)
            .value(SchemaLock::Holder, to)
            .value(SchemaLock::Beat, next)
            .and_where(Expr::col(SchemaLock::Holder).eq(holder))
            .and_where(Expr::col(SchemaLock::Beat).eq(beat))
            .to_owned();
        let done = self.db.execute(&update).await;
        one_row(done.map(|done| done.rows_affected()))
    }

    /// Lets the next one in.
    pub(super) async fn release(self) -> Result<(), SqlError> {
        let delete = Query::delete()
            .from_table(SchemaLock::Table)
            .and_where(Expr::col(SchemaLock::Holder).eq(self.holder.as_str()))
            .to_owned();
        self.db.execute(&delete).await.map(drop).doing(LOCK)
    }
}

const LOCK: &str = "lock the tables against other processes";

/// Whether a statement changed its row. On a cluster the loser of two hears of a deadlock.
fn one_row(done: Result<u64, DbErr>) -> Result<bool, SqlError> {
    match done.doing(LOCK) {
        Ok(rows) => Ok(rows == 1),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

async fn make_table(db: &DatabaseConnection) -> Result<(), SqlError> {
    let table = Table::create()
        .table(SchemaLock::Table)
        .if_not_exists()
        .col(ColumnDef::new(SchemaLock::Id).big_integer().primary_key())
        .col(ColumnDef::new(SchemaLock::Holder).string_len(64).not_null())
        .col(ColumnDef::new(SchemaLock::Beat).big_integer().not_null())
        .engine("InnoDB")
        .to_owned();
    db.execute(&table).await.map(drop).doing(LOCK)
}

/// A name that no other process has.
async fn draw_name(db: &DatabaseConnection) -> Result<String, SqlError> {
    let draw = Statement::from_string(db.get_database_backend(), "SELECT CAST(UUID() AS CHAR)");
    let row = db.query_one_raw(draw).await.doing(LOCK)?;
    let name = row.map(|row| row.try_get_by_index(0)).transpose();
    Ok(name.doing(LOCK)?.unwrap_or_default())
}

#[cfg(all(test, feature = "mysql"))]
mod tests {
    use sea_orm::Database;

    use super::*;

    /// A node of the cluster, if there is one. Where there must be, the tests in `tests` fail without it.
    async fn node() -> Option<DatabaseConnection> {
        let urls = std::env::var("HCNDC_TEST_GALERA_URLS").ok()?;
        let url = urls.split_whitespace().next()?;
        let admin = Database::connect(url).await.expect("connect");
        let name = format!("hcndc_lock_{}", std::process::id());
        let make = format!("CREATE DATABASE {name}");
        admin.execute_unprepared(&make).await.expect("a database");
        let db = Database::connect(format!("{url}{name}")).await;
        Some(db.expect("connect"))
    }

    #[tokio::test]
    async fn a_dead_process_lets_go_and_a_live_one_does_not() {
        let Some(db) = node().await else {
            return;
        };
        let mut first = ClusterLock::acquire(&db)
            .await
            .expect("free")
            .expect("a cluster");
        first.keep().await.expect("still held");
        let second = ClusterLock {
            db: &db,
            holder: draw_name(&db).await.expect("a name"),
            beat: 0,
        };
        {
            let taken = second.wait(5);
            tokio::pin!(taken);
            for _ in 0..20 {
                first.keep().await.expect("still held");
                let taken = tokio::time::timeout(PAUSE, &mut taken).await;
                assert!(taken.is_err(), "taken from a live process");
            }
            taken.await.expect("the first is silent");
        }
        assert_eq!(
            first.keep().await.map_err(|error| error.kind()),
            Err(ErrorKind::Unavailable)
        );
        first.release().await.expect("nothing to let go");
        assert!(second.look().await.expect("a look").is_some());
        second.release().await.expect("let go");
        let drop_it = format!("DROP DATABASE hcndc_lock_{}", std::process::id());
        db.execute_unprepared(&drop_it).await.expect("dropped");
    }
}
