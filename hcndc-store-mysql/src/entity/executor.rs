//! `executor`: current executors. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model;
use sea_orm::{DeriveIden, Value};

use super::{Table, json, number, search, time};
use crate::SqlError;

/// Columns of `executor`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Executor {
    Table,
    Id,
    Version,
    Name,
    Enabled,
    UpdatedAt,
    Search,
    /// The whole executor as JSON; not queried.
    Definition,
}

impl Table for Executor {
    type Row<'a> = &'a model::Executor;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::Version,
        Self::Name,
        Self::Enabled,
        Self::UpdatedAt,
        Self::Search,
        Self::Definition,
    ];

    fn values(executor: &model::Executor) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("executor", executor.id.0)?.into(),
            i64::from(executor.revision.version).into(),
            executor.name.as_str().into(),
            executor.enabled.into(),
            time(executor.revision.updated_at),
            search(&executor.name, &executor.description),
            json("an executor", executor)?,
        ])
    }
}
