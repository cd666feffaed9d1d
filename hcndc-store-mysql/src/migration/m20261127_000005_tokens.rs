//! Tokens that can be changed, searched and sorted. Those that are there were changed last when they were made.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName, ExprTrait as _,
    sea_query::{ColumnDef, Expr, Query},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, number_or_null};
use crate::{
    dialect::byte_collation,
    entity::{ApiToken, search},
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait has one lifetime fewer when it is written out"
)]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let make = Make {
            manager,
            backend: db.get_database_backend(),
            collation: byte_collation(db).await?,
        };
        let version = ColumnDef::new(ApiToken::Version)
            .big_integer()
            .not_null()
            .default(1)
            .to_owned();
        let searched = ColumnDef::new(ApiToken::Search).string_len(260).to_owned();
        let updated_at = number_or_null(ApiToken::UpdatedAt);
        for (name, column) in [
            ("version", version),
            ("search", searched),
            ("updated_at", updated_at),
        ] {
            make.column("api_token", name, ApiToken::Table, column)
                .await?;
        }
        let select = Query::select()
            .columns([ApiToken::Id, ApiToken::Name])
            .from(ApiToken::Table)
            .and_where(Expr::col(ApiToken::UpdatedAt).is_null())
            .to_owned();
        for row in db.query_all(&select).await? {
            let name: String = row.try_get("", "name")?;
            let update = Query::update()
                .table(ApiToken::Table)
                .value(ApiToken::Search, search(&name, ""))
                .value(ApiToken::UpdatedAt, Expr::col(ApiToken::CreatedAt))
                .and_where(Expr::col(ApiToken::Id).eq(row.try_get::<i64>("", "id")?))
                .to_owned();
            db.execute(&update).await?;
        }
        Ok(())
    }
}
