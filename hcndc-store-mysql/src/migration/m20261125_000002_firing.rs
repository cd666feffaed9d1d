//! What starts executions by itself, and which of that started each: schedules and backfills; and alerts.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName, Iden as _,
    sea_query::{ColumnDef, Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, name, number, number_or_null, word};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{Alert, Backfill, BackfillDate, Execution, FileArrival, Firing, ScheduleCursor},
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
        make.backfills().await?;
        make.firings().await?;
        make.alerts().await
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
        for (index, column) in [
            ("execution_by_schedule", Execution::ScheduleId),
            ("execution_by_backfill", Execution::BackfillId),
        ] {
            if !self.manager.has_index(TABLE, index).await? {
                let index = Index::create()
                    .name(index)
                    .table(Execution::Table)
                    .col(column)
                    .col(Execution::Id)
                    .to_owned();
                self.manager.create_index(index).await?;
            }
        }
        Ok(())
    }

    async fn firings(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(ScheduleCursor::Table)
            .col(id(ScheduleCursor::ScheduleId))
            .col(number(ScheduleCursor::Time))
            .col(ColumnDef::new(ScheduleCursor::DataDate).date())
            .col(number_or_null(ScheduleCursor::LastFiringId))
            .to_owned();
        self.table::<ScheduleCursor>(table, &[]).await?;

        let word_or_null = |column| ColumnDef::new(column).string_len(20).to_owned();
        let table = Table::create()
            .table(Firing::Table)
            .col(id(Firing::Id))
            .col(number(Firing::ScheduleId))
            .col(number(Firing::FromTime))
            .col(number(Firing::ToTime))
            .col(ColumnDef::new(Firing::FirstDate).date().not_null())
            .col(ColumnDef::new(Firing::DataDate).date().not_null())
            .col(long_text_column(self.backend, Firing::File))
            .col(number(Firing::TakenUpAt))
            .col(word(Firing::Outcome))
            .col(number_or_null(Firing::ExecutionId))
            .col(word_or_null(Firing::SkipReason))
            .col(number_or_null(Firing::StartBy))
            .col(word_or_null(Firing::StartByState))
            .col(number_or_null(Firing::FinishBy))
            .col(word_or_null(Firing::FinishByState))
            .col(flag(Firing::Open))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("firing_by_schedule", &[Firing::ScheduleId, Firing::Id]),
            ("firing_by_open", &[Firing::Open, Firing::Id]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(FileArrival::Table)
            .col(number(FileArrival::FileEventId))
            .col(name(FileArrival::FileKey))
            .col(number(FileArrival::ArrivedAt))
            .primary_key(
                Index::create()
                    .col(FileArrival::FileEventId)
                    .col(FileArrival::FileKey),
            )
            .to_owned();
        self.table::<FileArrival>(table, &[]).await
    }

    async fn alerts(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Alert::Table)
            .col(id(Alert::Id))
            .col(number(Alert::RuleId))
            .col(word(Alert::Event))
            .col(name(Alert::Cause))
            .col(number_or_null(Alert::ScheduleId))
            .col(number_or_null(Alert::FiringId))
            .col(number_or_null(Alert::ExecutionId))
            .col(number_or_null(Alert::JobRunId))
            .col(number_or_null(Alert::ExecutorId))
            .col(number_or_null(Alert::DataSourceId))
            .col(ColumnDef::new(Alert::DataDate).date())
            .col(number(Alert::RaisedAt))
            .col(number_or_null(Alert::ClosedAt))
            .col(long_text_column(self.backend, Alert::Error))
            .col(flag(Alert::Lasts))
            .col(flag(Alert::Open))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("alert_by_rule", &[Alert::RuleId, Alert::Id]),
            ("alert_by_schedule", &[Alert::ScheduleId, Alert::Id]),
            ("alert_by_execution", &[Alert::ExecutionId, Alert::Id]),
            ("alert_by_open", &[Alert::Open, Alert::Id]),
        ];
        self.table(table, indexes).await
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
