//! `backfill`, `backfill_date`: ranges of dates that were asked for, and how far each date is.

use hcndc_core::{
    engine::{BackfillDateRow, BackfillDateState, BackfillRow, BackfillState},
    id::{BackfillId, ExecutionId, FlowId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, date, date_format, json, number, time, time_if};
use crate::SqlError;

/// Columns of `backfill`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Backfill {
    Table,
    Id,
    State,
    FlowId,
    Downstream,
    FromDate,
    ToDate,
    Parallel,
    DateFormat,
    /// JSON; not queried.
    Params,
    StartedBy,
    StartedAt,
    EndedAt,
    StoppedBy,
    RestartedBy,
    Restarts,
    /// Under which it was asked for. Written by itself, and not part of the row.
    StartKey,
    /// Of the request that came under the key.
    StartPrint,
}

impl Table for Backfill {
    type Row<'a> = &'a BackfillRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::State,
        Self::FlowId,
        Self::Downstream,
        Self::FromDate,
        Self::ToDate,
        Self::Parallel,
        Self::DateFormat,
        Self::Params,
        Self::StartedBy,
        Self::StartedAt,
        Self::EndedAt,
        Self::StoppedBy,
        Self::RestartedBy,
        Self::Restarts,
    ];

    fn values(row: &BackfillRow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("backfill", row.id.0)?.into(),
            row.state.as_str().into(),
            number("flow", row.flow.0)?.into(),
            row.downstream.into(),
            date(row.from),
            date(row.to),
            i64::from(row.parallel).into(),
            date_format(row.date_format.as_ref()),
            json("params", &row.params)?,
            row.started_by.as_str().into(),
            time(row.started_at),
            time_if(row.ended_at),
            row.stopped_by.as_deref().into(),
            row.restarted_by.as_deref().into(),
            i64::from(row.restarts).into(),
        ])
    }
}

impl Backfill {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<BackfillRow, SqlError> {
        let row = Reader::new("backfill", row);
        Ok(BackfillRow {
            id: BackfillId(row.number("id")?),
            state: row.named("state", BackfillState::from_name)?,
            flow: FlowId(row.number("flow_id")?),
            downstream: row.column("downstream")?,
            from: row.date("from_date")?,
            to: row.date("to_date")?,
            parallel: row.small("parallel")?,
            date_format: row.date_format_if("date_format")?,
            params: row.json("params")?,
            started_by: row.column("started_by")?,
            started_at: row.time("started_at")?,
            ended_at: row.time_if("ended_at")?,
            stopped_by: row.column("stopped_by")?,
            restarted_by: row.column("restarted_by")?,
            restarts: row.small("restarts")?,
        })
    }
}

/// Columns of `backfill_date`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum BackfillDate {
    Table,
    BackfillId,
    DataDate,
    State,
    ExecutionId,
}

impl Table for BackfillDate {
    type Row<'a> = &'a BackfillDateRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::BackfillId, Self::DataDate];
    const COLUMNS: &'static [Self] = &[
        Self::BackfillId,
        Self::DataDate,
        Self::State,
        Self::ExecutionId,
    ];

    fn values(row: &BackfillDateRow) -> Result<Vec<Value>, SqlError> {
        let execution = row.execution.map(|id| number("execution", id.0));
        Ok(vec![
            number("backfill", row.backfill.0)?.into(),
            date(row.data_date),
            row.state.as_str().into(),
            execution.transpose()?.into(),
        ])
    }
}

impl BackfillDate {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<BackfillDateRow, SqlError> {
        let row = Reader::new("backfill_date", row);
        Ok(BackfillDateRow {
            backfill: BackfillId(row.number("backfill_id")?),
            data_date: row.date("data_date")?,
            state: row.named("state", BackfillDateState::from_name)?,
            execution: row.number_if("execution_id")?.map(ExecutionId),
        })
    }
}
