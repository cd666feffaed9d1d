//! `flow_run`.

use hcndc_core::{
    engine::{FlowRunRow, FlowRunState},
    id::{ExecutionId, FlowId, FlowRunId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, time_if};
use crate::SqlError;

/// Columns of `flow_run`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FlowRun {
    Table,
    Id,
    ExecutionId,
    FlowId,
    FlowVersion,
    State,
    StartedAt,
    EndedAt,
    JoinedTo,
    Restarts,
    RestartAt,
    TimedOut,
}

impl Table for FlowRun {
    type Row<'a> = &'a FlowRunRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::ExecutionId,
        Self::FlowId,
        Self::FlowVersion,
        Self::State,
        Self::StartedAt,
        Self::EndedAt,
        Self::JoinedTo,
        Self::Restarts,
        Self::RestartAt,
        Self::TimedOut,
    ];

    fn values(row: &FlowRunRow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("flow run", row.id.0)?.into(),
            number("execution", row.execution.0)?.into(),
            number("flow", row.flow.0)?.into(),
            i64::from(row.flow_version).into(),
            row.state.as_str().into(),
            time_if(row.started_at),
            time_if(row.ended_at),
            match row.joined_to {
                Some(other) => number("flow run", other.0)?.into(),
                None => None::<i64>.into(),
            },
            i64::from(row.restarts).into(),
            time_if(row.restart_at),
            row.timed_out.into(),
        ])
    }
}

impl FlowRun {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<FlowRunRow, SqlError> {
        let row = Reader::new("flow_run", row);
        Ok(FlowRunRow {
            id: FlowRunId(row.number("id")?),
            execution: ExecutionId(row.number("execution_id")?),
            flow: FlowId(row.number("flow_id")?),
            flow_version: row.small("flow_version")?,
            state: row.named("state", FlowRunState::from_name)?,
            started_at: row.time_if("started_at")?,
            ended_at: row.time_if("ended_at")?,
            joined_to: row.number_if("joined_to")?.map(FlowRunId),
            restarts: row.small("restarts")?,
            restart_at: row.time_if("restart_at")?,
            timed_out: row.column("timed_out")?,
        })
    }
}
