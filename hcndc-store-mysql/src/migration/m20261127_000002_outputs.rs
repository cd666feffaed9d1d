//! What job runs put out for the jobs that depend on them.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, name, number};
use crate::{dialect::byte_collation, entity::JobOutput};

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
        let table = Table::create()
            .table(JobOutput::Table)
            .col(number(JobOutput::JobRunId))
            .col(name(JobOutput::Name))
            .col(number(JobOutput::ExecutionId))
            .col(number(JobOutput::Attempt))
            .col(make.text(JobOutput::Value))
            .primary_key(
                Index::create()
                    .col(JobOutput::JobRunId)
                    .col(JobOutput::Name),
            )
            .to_owned();
        let of_execution: &[JobOutput] = &[JobOutput::ExecutionId];
        make.table(table, &[("job_output_by_execution", of_execution)])
            .await
    }
}
