//! The identity of a database.

use sea_orm::{
    ConnectionTrait as _, ExprTrait as _,
    sea_query::{Expr, Query},
};

use crate::{
    SqlError, SqlStore,
    entity::{Leader, Reader},
    error::Doing as _,
};

impl SqlStore {
    /// The identity of this database: made with it, kept by it, and no other's. Fences and ids mean something within
    /// one realm only.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be read.
    pub async fn realm(&self) -> Result<String, SqlError> {
        let statement = Query::select()
            .column(Leader::Realm)
            .from(Leader::Table)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let row = self
            .reader()
            .query_one(&statement)
            .await
            .doing("read the realm")?;
        let row = row.ok_or_else(|| SqlError::Missing {
            table: "leader",
            id: Leader::ROW.unsigned_abs(),
            needs: String::from("its row"),
        })?;
        Reader::new("leader", &row).column("realm")
    }
}
