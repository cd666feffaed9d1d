//! Users, roles, sessions and tokens, and what people did.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index, IntoIden, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, name, number, number_or_null, word};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{ApiToken, Audit, Role, User, UserRole, UserSession},
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
        make.users().await?;
        make.proofs().await?;
        make.audit().await
    }
}

/// An id that the database gives: these rows are not the engine's.
fn given_id(column: impl IntoIden) -> ColumnDef {
    let mut id = ColumnDef::new(column);
    id.big_integer().not_null().auto_increment().primary_key();
    id
}

/// SHA-256 in hexadecimal digits.
fn digest(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(64).not_null().to_owned()
}

impl Make<'_, '_> {
    async fn users(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(User::Table)
            .col(given_id(User::Id))
            .col(name(User::Account).unique_key().to_owned())
            .col(name(User::Name))
            .col(self.text(User::Search))
            .col(flag(User::Enabled))
            .col(
                ColumnDef::new(User::PasswordHash)
                    .string_len(255)
                    .to_owned(),
            )
            .col(flag(User::MustChangePassword))
            .col(number(User::Version))
            .col(number(User::CreatedAt))
            .col(number(User::UpdatedAt))
            .col(number_or_null(User::SignedInAt))
            .to_owned();
        self.table::<User>(table, &[]).await?;

        let table = Table::create()
            .table(Role::Table)
            .col(given_id(Role::Id))
            .col(name(Role::Name).unique_key().to_owned())
            .col(self.text(Role::Description))
            .col(self.text(Role::Search))
            .col(name(Role::Permissions))
            .col(self.text(Role::Directories))
            .col(number(Role::Version))
            .col(number(Role::CreatedAt))
            .col(number(Role::UpdatedAt))
            .to_owned();
        self.table::<Role>(table, &[]).await?;

        let table = Table::create()
            .table(UserRole::Table)
            .col(number(UserRole::UserId))
            .col(number(UserRole::RoleId))
            .primary_key(Index::create().col(UserRole::UserId).col(UserRole::RoleId))
            .to_owned();
        let indexes: Indexes<'_, _> = &[("user_role_by_role", &[UserRole::RoleId])];
        self.table(table, indexes).await
    }

    async fn proofs(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(UserSession::Table)
            .col(digest(UserSession::Digest).primary_key().to_owned())
            .col(number(UserSession::UserId))
            .col(number(UserSession::StartedAt))
            .col(number(UserSession::SeenAt))
            .col(number(UserSession::EndsAt))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("user_session_by_user", &[UserSession::UserId]),
            ("user_session_by_end", &[UserSession::EndsAt]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(ApiToken::Table)
            .col(given_id(ApiToken::Id))
            .col(digest(ApiToken::Digest).unique_key().to_owned())
            .col(number(ApiToken::UserId))
            .col(name(ApiToken::Name))
            .col(name(ApiToken::Permissions))
            .col(number(ApiToken::CreatedAt))
            .col(number_or_null(ApiToken::ExpiresAt))
            .col(number_or_null(ApiToken::UsedAt))
            .to_owned();
        let indexes: Indexes<'_, _> = &[("api_token_by_user", &[ApiToken::UserId, ApiToken::Id])];
        self.table(table, indexes).await
    }

    async fn audit(&self) -> Result<(), DbErr> {
        let words = |column| ColumnDef::new(column).string_len(40).not_null().to_owned();
        let table = Table::create()
            .table(Audit::Table)
            .col(given_id(Audit::Id))
            .col(number(Audit::At))
            .col(name(Audit::Account))
            .col(name(Audit::Address))
            .col(word(Audit::Method))
            .col(words(Audit::Action))
            .col(words(Audit::Kind))
            .col(number_or_null(Audit::ObjectId))
            .col(self.text(Audit::Name))
            .col(self.text(Audit::Search))
            .col(long_text_column(self.backend, Audit::Before))
            .col(long_text_column(self.backend, Audit::After))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("audit_by_time", &[Audit::At, Audit::Id]),
            ("audit_by_account", &[Audit::Account, Audit::Id]),
            ("audit_by_action", &[Audit::Action, Audit::Id]),
            (
                "audit_by_object",
                &[Audit::Kind, Audit::ObjectId, Audit::Id],
            ),
        ];
        self.table(table, indexes).await
    }
}
