//! Executions by start, with what is counted of them: a day's figures are read off this index alone, however many
//! executions there are.

use sea_orm::{DeriveMigrationName, sea_query::Index};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use crate::entity::Execution;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const INDEX: &str = "execution_by_started_at";

#[async_trait::async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait has one lifetime fewer when it is written out"
)]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MySQL's changes of tables are no part of a transaction: it may have got so far before.
        if manager.has_index("execution", INDEX).await? {
            return Ok(());
        }
        let index = Index::create()
            .name(INDEX)
            .table(Execution::Table)
            .col(Execution::StartedAt)
            .col(Execution::State)
            .col(Execution::EndedAt)
            .to_owned();
        manager.create_index(index).await
    }
}
