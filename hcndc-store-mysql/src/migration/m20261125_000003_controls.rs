//! What people do to executions.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, number, number_or_null, word};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{Action, Execution, JobRun},
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
        make.actions().await?;
        let paused_by = long_text_column(make.backend, Execution::PausedBy);
        make.column("execution", "paused_by", Execution::Table, paused_by)
            .await?;
        let no = |column: ColumnDef| column.clone().default(false).to_owned();
        let partial = no(flag(Execution::Partial));
        make.column("execution", "partial", Execution::Table, partial)
            .await?;
        let left_out = no(flag(JobRun::LeftOut));
        make.column("job_run", "left_out", JobRun::Table, left_out)
            .await
    }
}

impl Make<'_, '_> {
    async fn actions(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Action::Table)
            .col(id(Action::Id))
            .col(number(Action::ExecutionId))
            .col(number_or_null(Action::JobRunId))
            .col(word(Action::Kind))
            .col(self.text(Action::DoneBy))
            .col(number(Action::DoneAt))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("action_by_execution", &[Action::ExecutionId, Action::Id]),
            ("action_by_job_run", &[Action::JobRunId, Action::Id]),
        ];
        self.table(table, indexes).await
    }
}
