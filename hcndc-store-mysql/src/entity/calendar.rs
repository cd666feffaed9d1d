//! `calendar`: current calendars. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `calendar`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Calendar {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for Calendar {
    type Row<'a> = (&'a model::Definition, &'a model::Calendar);

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
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        common(all, it)
    }
}

impl Definitions for Calendar {
    type Model = model::Calendar;

    const NAME: &'static str = "calendar";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
