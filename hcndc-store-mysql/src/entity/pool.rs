//! `pool`: current pools. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common};
use crate::SqlError;

/// Columns of `pool`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Pool {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    Slots,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for Pool {
    type Row<'a> = (&'a model::Definition, &'a model::Pool);

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
        Self::Slots,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([i64::from(it.slots).into()]);
        Ok(values)
    }
}

impl Definitions for Pool {
    type Model = model::Pool;

    const NAME: &'static str = "pool";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}
