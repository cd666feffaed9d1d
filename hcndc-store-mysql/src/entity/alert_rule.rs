//! `alert_rule`: current alert rules. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `alert_rule`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum AlertRule {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    Enabled,
    /// Whether it holds for everything.
    IsDefault,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for AlertRule {
    type Row<'a> = (&'a model::Definition, &'a model::AlertRule);

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
        Self::IsDefault,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([it.enabled.into(), it.default.into()]);
        Ok(values)
    }
}

impl Definitions for AlertRule {
    type Model = model::AlertRule;

    const NAME: &'static str = "alert_rule";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
