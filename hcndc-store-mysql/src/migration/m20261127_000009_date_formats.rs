//! How executions and backfills write dates, where a placeholder does not say so itself.

use sea_orm::{ConnectionTrait as _, DeriveMigrationName, sea_query::ColumnDef};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::Make;
use crate::{
    dialect::byte_collation,
    entity::{Backfill, Execution},
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
        let format = ColumnDef::new(Execution::DateFormat)
            .string_len(255)
            .to_owned();
        make.column("execution", "date_format", Execution::Table, format)
            .await?;
        let format = ColumnDef::new(Backfill::DateFormat)
            .string_len(255)
            .to_owned();
        make.column("backfill", "date_format", Backfill::Table, format)
            .await
    }
}
