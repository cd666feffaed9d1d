//! `webhook`: current webhooks, of which no older versions are kept; and `webhook_delivery`: what came to them.

use hcndc_core::{
    id::{DeliveryId, ExecutionId, WebhookId},
    model,
    port::{Delivery, DeliveryOutcome, DeliveryRow},
    time::DataDate,
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Definitions, Reader, Table, common, id_if, number, time};
use crate::SqlError;

/// Columns of `webhook`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Webhook {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    Enabled,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for Webhook {
    type Row<'a> = (&'a model::Definition, &'a model::Webhook);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::Version,
        Self::Name,
        Self::Directory,
        Self::UpdatedAt,
        Self::Search,
        Self::Definition,
        Self::Enabled,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.push(it.enabled.into());
        Ok(values)
    }
}

impl Definitions for Webhook {
    type Model = model::Webhook;

    const NAME: &'static str = "webhook";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}

/// Columns of `webhook_delivery`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum WebhookDelivery {
    Table,
    Id,
    /// What tells it from all others.
    Digest,
    WebhookId,
    /// What its sender calls it.
    Name,
    FirstAt,
    At,
    Tries,
    Address,
    Outcome,
    Reason,
    ExecutionId,
    DataDate,
    Body,
    BodyBytes,
}

impl Table for WebhookDelivery {
    type Row<'a> = &'a Delivery;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Digest];
    /// All but the id, which the database gives.
    const COLUMNS: &'static [Self] = &[
        Self::Digest,
        Self::WebhookId,
        Self::FirstAt,
        Self::Tries,
        Self::Name,
        Self::At,
        Self::Address,
        Self::Outcome,
        Self::Reason,
        Self::ExecutionId,
        Self::DataDate,
        Self::Body,
        Self::BodyBytes,
    ];

    fn values(it: &Delivery) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            it.key.as_str().into(),
            number("webhook", it.hook.0)?.into(),
            time(it.at),
            1_i64.into(),
            it.name.as_str().into(),
            time(it.at),
            it.address.as_str().into(),
            it.outcome.as_str().into(),
            it.reason.as_str().into(),
            id_if("execution", it.execution.map(|id| id.0))?,
            it.data_date.map(DataDate::to_naive).into(),
            it.body.as_str().into(),
            number("bytes of a delivery", it.body_bytes)?.into(),
        ])
    }
}

impl WebhookDelivery {
    /// Columns that the same delivery, when it comes again, has anew.
    pub(crate) const AGAIN: &'static [Self] = &[
        Self::Name,
        Self::At,
        Self::Address,
        Self::Outcome,
        Self::Reason,
        Self::ExecutionId,
        Self::DataDate,
        Self::Body,
        Self::BodyBytes,
    ];

    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<DeliveryRow, SqlError> {
        let row = Reader::new("webhook_delivery", row);
        Ok(DeliveryRow {
            id: DeliveryId(row.number("id")?),
            first_at: row.time("first_at")?,
            tries: row.small("tries")?,
            delivery: Delivery {
                key: row.column("digest")?,
                hook: WebhookId(row.number("webhook_id")?),
                name: row.column("name")?,
                at: row.time("at")?,
                address: row.column("address")?,
                outcome: row.named("outcome", DeliveryOutcome::from_name)?,
                reason: row.column("reason")?,
                execution: row.number_if("execution_id")?.map(ExecutionId),
                data_date: row.date_if("data_date")?,
                body: row.column("body")?,
                body_bytes: row.number("body_bytes")?,
            },
        })
    }
}
