//! Alerts that people acknowledge, that are escalated when nobody does, and that name what they are about. Nobody has
//! acknowledged those that are there, and they name nothing.

use sea_orm::{ConnectionTrait as _, DeriveMigrationName};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, name_or_null, number_or_null};
use crate::{dialect::byte_collation, entity::Alert};

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
        for (name, column) in [
            ("acknowledged_at", number_or_null(Alert::AcknowledgedAt)),
            ("acknowledged_by", name_or_null(Alert::AcknowledgedBy)),
            ("escalate_at", number_or_null(Alert::EscalateAt)),
            ("escalated_id", number_or_null(Alert::EscalatedId)),
            ("escalates_id", number_or_null(Alert::EscalatesId)),
            ("over_at", number_or_null(Alert::OverAt)),
            ("subject", name_or_null(Alert::Subject)),
        ] {
            make.column("alert", name, Alert::Table, column).await?;
        }
        let by = "alert_by_acknowledged_at";
        make.index("alert", by, Alert::Table, Alert::AcknowledgedAt)
            .await
    }
}
