//! Copies of a database, and what a copy needs before it is led.

use std::path::Path;

use sea_orm::{
    ConnectionTrait as _, DbBackend, ExprTrait as _, Statement,
    sea_query::{Expr, Query},
};

use super::Upkeep;
use crate::{SqlError, dialect::begin_write, entity::Leader, error::Doing as _};

/// How far the ids of a renewed database are from those of the copy: further than any scheduler can have come since the
/// copy was made, and near enough for millions of renewals within the whole numbers that JSON holds.
const LEAP: i64 = 1 << 32;

impl Upkeep {
    /// Writes all of a SQLite database as it is at one moment into a new file, which must not be there. Servers go on with
    /// their work meanwhile.
    ///
    /// # Errors
    /// [`SqlError::NotSqlite`] for another database, which has tools of its own; [`SqlError::Statement`] if the file is
    /// there or cannot be written.
    pub async fn copy_to(&self, file: &Path) -> Result<(), SqlError> {
        if self.backend() != DbBackend::Sqlite {
            return Err(SqlError::NotSqlite {
                address: self.store.address().into(),
            });
        }
        let file = file.to_string_lossy().into_owned();
        let copy =
            Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [file.into()]);
        self.db()
            .execute_raw(copy)
            .await
            .doing("copy the database")
            .map(drop)
    }

    /// Makes a database that was restored from an older copy one of its own: a new realm, nobody's lease, and ids far from
    /// all that were given since the copy was made. Executors know fences and attempts of the time after the copy; under
    /// the old realm they would refuse the lower fence, and take new attempts for those that they have ended. Whoever leads
    /// now leads no more.
    ///
    /// Returns the new realm.
    ///
    /// # Errors
    /// [`SqlError::NewerSchema`] and [`SqlError::OlderSchema`] as [`store`](Self::store), [`SqlError::Statement`].
    pub async fn renew(&self) -> Result<String, SqlError> {
        let doing = "renew the realm";
        self.store().await?;
        let realm = uuid::Uuid::new_v4().to_string();
        let renew = Query::update()
            .table(Leader::Table)
            .value(Leader::Realm, realm.as_str())
            .value(Leader::Fence, Expr::col(Leader::Fence).add(1))
            .value(Leader::NextId, Expr::col(Leader::NextId).add(LEAP))
            .value(Leader::Holder, None::<String>)
            .value(Leader::ExpiresAt, None::<i64>)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let db = begin_write(self.db()).await.doing(doing)?;
        let renewed = db.execute(&renew).await.doing(doing)?;
        if renewed.rows_affected() == 0 {
            return Err(SqlError::Missing {
                table: "leader",
                id: Leader::ROW.unsigned_abs(),
                needs: String::from("its row"),
            });
        }
        db.commit().await.doing(doing)?;
        Ok(realm)
    }
}
