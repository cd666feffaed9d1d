//! What jobs do, and on which data source. What is there runs commands.

use sea_orm::{ConnectionTrait as _, DeriveMigrationName, sea_query::ColumnDef};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, number_or_null};
use crate::{dialect::byte_collation, entity::Job};

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
        let kind = ColumnDef::new(Job::Kind)
            .string_len(16)
            .not_null()
            .default("shell")
            .to_owned();
        make.column("job", "kind", Job::Table, kind).await?;
        let source = number_or_null(Job::DataSourceId);
        make.column("job", "data_source_id", Job::Table, source)
            .await
    }
}
