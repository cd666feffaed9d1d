//! Webhooks, and what came to them.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, name, number, number_or_null, word};
use crate::{
    dialect::byte_collation,
    entity::{Webhook, WebhookDelivery},
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
        let table = Table::create()
            .table(Webhook::Table)
            .col(id(Webhook::Id))
            .col(number(Webhook::Version))
            .col(name(Webhook::Name))
            .col(make.text(Webhook::Directory))
            .col(number(Webhook::UpdatedAt))
            .col(make.text(Webhook::Search))
            .col(flag(Webhook::Enabled))
            .col(make.text(Webhook::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("webhook_by_name", &[Webhook::Name, Webhook::Id]),
            ("webhook_by_updated_at", &[Webhook::UpdatedAt, Webhook::Id]),
        ];
        make.table(table, indexes).await?;

        let given_id = ColumnDef::new(WebhookDelivery::Id)
            .big_integer()
            .not_null()
            .auto_increment()
            .primary_key()
            .to_owned();
        let digest = ColumnDef::new(WebhookDelivery::Digest)
            .string_len(64)
            .not_null()
            .unique_key()
            .to_owned();
        let table = Table::create()
            .table(WebhookDelivery::Table)
            .col(given_id)
            .col(digest)
            .col(number(WebhookDelivery::WebhookId))
            .col(name(WebhookDelivery::Name))
            .col(number(WebhookDelivery::FirstAt))
            .col(number(WebhookDelivery::At))
            .col(number(WebhookDelivery::Tries))
            .col(name(WebhookDelivery::Address))
            .col(word(WebhookDelivery::Outcome))
            .col(make.text(WebhookDelivery::Reason))
            .col(number_or_null(WebhookDelivery::ExecutionId))
            .col(ColumnDef::new(WebhookDelivery::DataDate).date())
            .col(make.text(WebhookDelivery::Body))
            .col(number(WebhookDelivery::BodyBytes))
            .to_owned();
        let indexes: Indexes<'_, _> = &[(
            "webhook_delivery_by_webhook",
            &[WebhookDelivery::WebhookId, WebhookDelivery::Id],
        )];
        make.table(table, indexes).await
    }
}
