//! `alert_channel`: current alert channels. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `alert_channel`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum AlertChannel {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    Enabled,
    /// How it is reached.
    Kind,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for AlertChannel {
    type Row<'a> = (&'a model::Definition, &'a model::AlertChannel);

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
        Self::Kind,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([it.enabled.into(), it.kind.as_str().into()]);
        Ok(values)
    }
}

impl Definitions for AlertChannel {
    type Model = model::AlertChannel;

    const NAME: &'static str = "alert_channel";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
