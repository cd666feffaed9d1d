//! `file_event`: current file events. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common, number};
use crate::SqlError;

/// Columns of `file_event`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FileEvent {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    Enabled,
    ServerId,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for FileEvent {
    type Row<'a> = (&'a model::Definition, &'a model::FileEvent);

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
        Self::ServerId,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([
            it.enabled.into(),
            number("file server", it.server.0)?.into(),
        ]);
        Ok(values)
    }
}

impl Definitions for FileEvent {
    type Model = model::FileEvent;

    const NAME: &'static str = "file_event";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
