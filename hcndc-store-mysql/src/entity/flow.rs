//! `flow`, `flow_parent`, `flow_version`: current flows, the ties among them, and all versions there ever were.

use hcndc_core::{id::FlowId, model};
use sea_orm::{
    DeriveIden, Value,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::{Table, json, number, search, time};
use crate::SqlError;

/// Columns of `flow`: current flows, as far as lists filter and sort by them.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Flow {
    Table,
    Id,
    Version,
    Name,
    Directory,
    Enabled,
    UpdatedAt,
    Search,
    /// Not a part of the version: an upsert leaves it alone.
    DataDate,
}

impl Table for Flow {
    type Row<'a> = &'a model::Flow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::Version,
        Self::Name,
        Self::Directory,
        Self::Enabled,
        Self::UpdatedAt,
        Self::Search,
    ];

    fn values(flow: &model::Flow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("flow", flow.id.0)?.into(),
            i64::from(flow.revision.version).into(),
            flow.name.as_str().into(),
            flow.directory.as_str().into(),
            flow.enabled.into(),
            time(flow.revision.updated_at),
            search(&flow.name, &flow.description),
        ])
    }
}

impl Flow {
    /// Current flows: id, data date and definition.
    pub(crate) fn select_current() -> SelectStatement {
        let version = FlowVersion::Table;
        let same_id = Expr::col((version, FlowVersion::FlowId)).equals((Self::Table, Self::Id));
        let same_version =
            Expr::col((version, FlowVersion::Version)).equals((Self::Table, Self::Version));
        Query::select()
            .column((Self::Table, Self::Id))
            .column((Self::Table, Self::DataDate))
            .column((version, FlowVersion::Definition))
            .from(Self::Table)
            .inner_join(version, same_id.and(same_version))
            .to_owned()
    }
}

/// Columns of `flow_parent`, for whoever looks at the mesh with SQL.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FlowParent {
    Table,
    FlowId,
    ParentId,
}

impl Table for FlowParent {
    type Row<'a> = (FlowId, FlowId);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::FlowId, Self::ParentId];
    const COLUMNS: &'static [Self] = Self::KEY;

    fn values((flow, parent): (FlowId, FlowId)) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("flow", flow.0)?.into(),
            number("flow", parent.0)?.into(),
        ])
    }
}

/// Columns of `flow_version`: every version, for runs that are pinned to it.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FlowVersion {
    Table,
    FlowId,
    Version,
    /// Beside the definition, so that lists of runs need not parse it.
    Name,
    /// The whole flow as JSON; not queried.
    Definition,
}

impl Table for FlowVersion {
    type Row<'a> = &'a model::Flow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::FlowId, Self::Version];
    const COLUMNS: &'static [Self] = &[Self::FlowId, Self::Version, Self::Name, Self::Definition];

    fn values(flow: &model::Flow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("flow", flow.id.0)?.into(),
            i64::from(flow.revision.version).into(),
            flow.name.as_str().into(),
            json("a flow", flow)?,
        ])
    }
}
