//! `execution_end`: ends of executions, in the order of commits; and `report_mark`: how far reporters have come.

use hcndc_core::{
    engine::{ExecutionRow, ExecutionState},
    id::ExecutionId,
    port,
    time::Timestamp,
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, time};
use crate::SqlError;

/// Columns of `execution_end`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum ExecutionEnd {
    Table,
    ExecutionId,
    Resumes,
    /// The number of its commit; 0 within that commit only.
    Position,
    State,
    EndedAt,
    NextId,
}

impl Table for ExecutionEnd {
    /// An execution, when it ended, and the next id.
    type Row<'a> = (&'a ExecutionRow, Timestamp, u64);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::ExecutionId, Self::Resumes];
    const COLUMNS: &'static [Self] = &[
        Self::ExecutionId,
        Self::Resumes,
        Self::Position,
        Self::State,
        Self::EndedAt,
        Self::NextId,
    ];

    fn values((row, ended_at, next_id): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("execution", row.id.0)?.into(),
            i64::from(row.resumes).into(),
            0_i64.into(),
            row.state.as_str().into(),
            time(ended_at),
            number("next id", next_id)?.into(),
        ])
    }
}

impl ExecutionEnd {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<port::ExecutionEnd, SqlError> {
        let row = Reader::new("execution_end", row);
        Ok(port::ExecutionEnd {
            execution: ExecutionId(row.number("execution_id")?),
            resumes: row.small("resumes")?,
            position: row.number("position")?,
            state: row.named("state", ExecutionState::from_name)?,
            ended_at: row.time("ended_at")?,
            next_id: row.number("next_id")?,
        })
    }
}

/// Columns of `report_mark`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum ReportMark {
    Table,
    Name,
    Position,
}
