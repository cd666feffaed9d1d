//! `shared_param`: current params that jobs share. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::model::{self, ParamKind};
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common, id_if};
use crate::SqlError;

/// Columns of `shared_param`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum SharedParam {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    /// Where its value comes from.
    Kind,
    /// For queries.
    DataSourceId,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for SharedParam {
    type Row<'a> = (&'a model::Definition, &'a model::SharedParam);

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
        Self::DataSourceId,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([
            kind(&it.kind).into(),
            id_if("data source", data_source(&it.kind))?,
        ]);
        Ok(values)
    }
}

impl Definitions for SharedParam {
    type Model = model::SharedParam;

    const NAME: &'static str = "shared_param";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}

/// The name of a kind.
const fn kind(kind: &ParamKind) -> &'static str {
    match kind {
        ParamKind::Static { .. } => "static",
        ParamKind::Sql { .. } => "sql",
        ParamKind::Context { .. } => "context",
    }
}

const fn data_source(kind: &ParamKind) -> Option<u64> {
    match kind {
        ParamKind::Sql { data_source, .. } => Some(data_source.0),
        ParamKind::Static { .. } | ParamKind::Context { .. } => None,
    }
}
