//! `data_source`: current data sources. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `data_source`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum DataSource {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    /// Which system it is.
    Kind,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for DataSource {
    type Row<'a> = (&'a model::Definition, &'a model::DataSource);

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
        Self::Kind,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([it.kind.as_str().into()]);
        Ok(values)
    }
}

impl Definitions for DataSource {
    type Model = model::DataSource;

    const NAME: &'static str = "data_source";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
