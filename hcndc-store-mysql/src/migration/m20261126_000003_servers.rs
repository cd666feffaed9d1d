//! Several servers on one database: who they are, and under which key an execution was asked for.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, flag, name, number, number_or_null};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{Execution, Server},
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// The index that finds an execution by its key.
const BY_KEY: &str = "execution_by_start_key";

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
        make.servers().await?;
        make.start_keys().await
    }
}

impl Make<'_, '_> {
    async fn servers(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Server::Table)
            .col(name(Server::Instance).primary_key().to_owned())
            .col(name(Server::Boot))
            .col(long_text_column(self.backend, Server::Url))
            .col(name(Server::Version))
            .col(flag(Server::ExecutorInside))
            .col(number(Server::StartedAt))
            .col(number(Server::SeenAt))
            .to_owned();
        self.table::<Server>(table, &[]).await
    }

    async fn start_keys(&self) -> Result<(), DbErr> {
        let key = ColumnDef::new(Execution::StartKey)
            .string_len(255)
            .to_owned();
        self.column("execution", "start_key", Execution::Table, key)
            .await?;
        let print = number_or_null(Execution::StartPrint);
        self.column("execution", "start_print", Execution::Table, print)
            .await?;
        if self.manager.has_index("execution", BY_KEY).await? {
            return Ok(());
        }
        let index = Index::create()
            .name(BY_KEY)
            .table(Execution::Table)
            .col(Execution::StartKey)
            .to_owned();
        self.manager.create_index(index).await
    }
}
