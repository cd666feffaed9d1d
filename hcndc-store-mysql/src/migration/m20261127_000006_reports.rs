//! Ends of executions in the order of commits, and how far reporters have come.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, number, word};
use crate::{
    dialect::byte_collation,
    entity::{ExecutionEnd, Leader, ReportMark},
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
        let commits = number(Leader::Commits).default(0).to_owned();
        make.column("leader", "commits", Leader::Table, commits)
            .await?;

        let table = Table::create()
            .table(ExecutionEnd::Table)
            .col(number(ExecutionEnd::ExecutionId))
            .col(number(ExecutionEnd::Resumes))
            .col(number(ExecutionEnd::Position))
            .col(word(ExecutionEnd::State))
            .col(number(ExecutionEnd::EndedAt))
            .col(number(ExecutionEnd::NextId))
            .primary_key(
                Index::create()
                    .col(ExecutionEnd::ExecutionId)
                    .col(ExecutionEnd::Resumes),
            )
            .to_owned();
        let indexes: Indexes<'_, _> = &[(
            "execution_end_by_position",
            &[ExecutionEnd::Position, ExecutionEnd::ExecutionId],
        )];
        make.table(table, indexes).await?;

        let name = ColumnDef::new(ReportMark::Name)
            .string_len(255)
            .not_null()
            .primary_key()
            .to_owned();
        let table = Table::create()
            .table(ReportMark::Table)
            .col(name)
            .col(number(ReportMark::Position))
            .to_owned();
        let none: Indexes<'_, ReportMark> = &[];
        make.table(table, none).await
    }
}
