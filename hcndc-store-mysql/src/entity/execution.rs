//! `execution`.

use hcndc_core::{
    engine::{ExecutionRow, ExecutionState, TriggerKind},
    id::{BackfillId, ExecutionId, ScheduleId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, date, date_format, json, number, time, time_if};
use crate::SqlError;

/// Columns of `execution`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Execution {
    Table,
    Id,
    State,
    TriggerKind,
    DataDate,
    DateFormat,
    /// JSON; not queried.
    Params,
    StartedBy,
    StartedAt,
    EndedAt,
    StoppedBy,
    PausedBy,
    ResumedBy,
    Resumes,
    Partial,
    ScheduleId,
    FireTime,
    BackfillId,
    /// Under which key it was asked for, if under any; never changes.
    StartKey,
    /// Of the request that came under the key.
    StartPrint,
    /// The last term in which a scheduler read it again after its end; see `retention`.
    LoadedIn,
}

impl Table for Execution {
    type Row<'a> = &'a ExecutionRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::State,
        Self::TriggerKind,
        Self::DataDate,
        Self::DateFormat,
        Self::Params,
        Self::StartedBy,
        Self::StartedAt,
        Self::EndedAt,
        Self::StoppedBy,
        Self::PausedBy,
        Self::ResumedBy,
        Self::Resumes,
        Self::Partial,
        Self::ScheduleId,
        Self::FireTime,
        Self::BackfillId,
    ];

    fn values(row: &ExecutionRow) -> Result<Vec<Value>, SqlError> {
        let schedule = row.schedule.map(|id| number("schedule", id.0));
        let backfill = row.backfill.map(|id| number("backfill", id.0));
        Ok(vec![
            number("execution", row.id.0)?.into(),
            row.state.as_str().into(),
            row.trigger.as_str().into(),
            date(row.data_date),
            date_format(row.date_format.as_ref()),
            json("params", &row.params)?,
            row.started_by.as_str().into(),
            time(row.started_at),
            time_if(row.ended_at),
            row.stopped_by.as_deref().into(),
            row.paused_by.as_deref().into(),
            row.resumed_by.as_deref().into(),
            i64::from(row.resumes).into(),
            row.partial.into(),
            schedule.transpose()?.into(),
            time_if(row.fire_time),
            backfill.transpose()?.into(),
        ])
    }
}

impl Execution {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<ExecutionRow, SqlError> {
        let row = Reader::new("execution", row);
        Ok(ExecutionRow {
            id: ExecutionId(row.number("id")?),
            state: row.named("state", ExecutionState::from_name)?,
            trigger: row.named("trigger_kind", TriggerKind::from_name)?,
            schedule: row.number_if("schedule_id")?.map(ScheduleId),
            fire_time: row.time_if("fire_time")?,
            backfill: row.number_if("backfill_id")?.map(BackfillId),
            data_date: row.date("data_date")?,
            date_format: row.date_format_if("date_format")?,
            params: row.json("params")?,
            started_by: row.column("started_by")?,
            started_at: row.time("started_at")?,
            ended_at: row.time_if("ended_at")?,
            stopped_by: row.column("stopped_by")?,
            paused_by: row.column("paused_by")?,
            resumed_by: row.column("resumed_by")?,
            resumes: row.small("resumes")?,
            partial: row.column("partial")?,
        })
    }
}
