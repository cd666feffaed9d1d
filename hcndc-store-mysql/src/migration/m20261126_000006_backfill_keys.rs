//! Under which key a backfill was asked for.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, number_or_null};
use crate::{dialect::byte_collation, entity::Backfill};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// The index that finds a backfill by its key.
const BY_KEY: &str = "backfill_by_start_key";

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
        let key = ColumnDef::new(Backfill::StartKey)
            .string_len(255)
            .to_owned();
        make.column("backfill", "start_key", Backfill::Table, key)
            .await?;
        let print = number_or_null(Backfill::StartPrint);
        make.column("backfill", "start_print", Backfill::Table, print)
            .await?;
        // MySQL's changes of tables are no part of a transaction: it may have got so far before.
        if manager.has_index("backfill", BY_KEY).await? {
            return Ok(());
        }
        let index = Index::create()
            .name(BY_KEY)
            .table(Backfill::Table)
            .col(Backfill::StartKey)
            .to_owned();
        manager.create_index(index).await
    }
}
