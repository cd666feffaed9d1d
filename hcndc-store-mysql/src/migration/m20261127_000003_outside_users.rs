//! Users for whom a directory or a provider vouches, and sign-ins that have begun there. Who is there is local.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, number};
use crate::{
    dialect::byte_collation,
    entity::{SignIn, User},
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const INDEX: &str = "user_by_subject";

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
        let origin = ColumnDef::new(User::Origin)
            .string_len(20)
            .not_null()
            .default("local")
            .to_owned();
        make.column("user", "origin", User::Table, origin).await?;
        let subject = ColumnDef::new(User::Subject).string_len(255).to_owned();
        make.column("user", "subject", User::Table, subject).await?;
        // MySQL's changes of tables are no part of a transaction: it may have got so far before.
        if !manager.has_index("user", INDEX).await? {
            // Users without a subject are in nobody's way: nulls differ.
            let index = Index::create()
                .name(INDEX)
                .table(User::Table)
                .col(User::Origin)
                .col(User::Subject)
                .unique()
                .to_owned();
            manager.create_index(index).await?;
        }
        let digest = ColumnDef::new(SignIn::Digest)
            .string_len(64)
            .not_null()
            .primary_key()
            .to_owned();
        let table = Table::create()
            .table(SignIn::Table)
            .col(digest)
            .col(make.text(SignIn::Kept))
            .col(number(SignIn::EndsAt))
            .to_owned();
        let indexes: Indexes<'_, _> = &[("sign_in_by_end", &[SignIn::EndsAt])];
        make.table(table, indexes).await
    }
}
