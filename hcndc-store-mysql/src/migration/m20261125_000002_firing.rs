//! What starts executions by itself, and which of that started each: backfills.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName, Iden as _,
    sea_query::{ColumnDef, Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, number, number_or_null, word};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{Backfill, BackfillDate, Execution},
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
        make.origins().await?;
        make.backfills().await
    }
}

impl Make<'_, '_> {
    /// What started an execution. Each step may be repeated, a column at a time.
    async fn origins(&self) -> Result<(), DbErr> {
        const TABLE: &str = "execution";
        for column in [
            Execution::ScheduleId,
            Execution::FireTime,
            Execution::BackfillId,
        ] {
            if !self.manager.has_column(TABLE, column.unquoted()).await? {
                let mut add = Table::alter();
                add.table(Execution::Table)
                    .add_column(number_or_null(column));
                self.manager.alter_table(add).await?;
            }
        }
        for (name, column) in [
            ("execution_by_schedule", Execution::ScheduleId),
            ("execution_by_backfill", Execution::BackfillId),
        ] {
            if !self.manager.has_index(TABLE, name).await? {
                let index = Index::create()
                    .name(name)
                    .table(Execution::Table)
                    .col(column)
                    .col(Execution::Id)
                    .to_owned();
                self.manager.create_index(index).await?;
            }
        }
        Ok(())
    }

    async fn backfills(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Backfill::Table)
            .col(id(Backfill::Id))
            .col(word(Backfill::State))
            .col(number(Backfill::FlowId))
            .col(flag(Backfill::Downstream))
            .col(ColumnDef::new(Backfill::FromDate).date().not_null())
            .col(ColumnDef::new(Backfill::ToDate).date().not_null())
            .col(number(Backfill::Parallel))
            .col(self.text(Backfill::Params))
            .col(self.text(Backfill::StartedBy))
            .col(number(Backfill::StartedAt))
            .col(number_or_null(Backfill::EndedAt))
            .col(long_text_column(self.backend, Backfill::StoppedBy))
            .col(long_text_column(self.backend, Backfill::RestartedBy))
            .col(number(Backfill::Restarts))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("backfill_by_state", &[Backfill::State, Backfill::Id]),
            ("backfill_by_flow", &[Backfill::FlowId, Backfill::Id]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(BackfillDate::Table)
            .col(number(BackfillDate::BackfillId))
            .col(ColumnDef::new(BackfillDate::DataDate).date().not_null())
            .col(word(BackfillDate::State))
            .col(number_or_null(BackfillDate::ExecutionId))
            .primary_key(
                Index::create()
                    .col(BackfillDate::BackfillId)
                    .col(BackfillDate::DataDate),
            )
            .to_owned();
        self.table::<BackfillDate>(table, &[]).await
    }
}
