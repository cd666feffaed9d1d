//! `schedule_cursor`, `firing`, `file_arrival`: how far schedules have used their times, and what became of each.

use hcndc_core::{
    engine::{
        DueBy, DueState, FileKeyRow, FiringOutcome, FiringRow, ScheduleCursor as Row, SkipReason,
    },
    id::{ExecutionId, FileEventId, FiringId, ScheduleId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, date, number, time, time_if};
use crate::SqlError;

/// Columns of `schedule_cursor`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum ScheduleCursor {
    Table,
    ScheduleId,
    Time,
    DataDate,
    LastFiringId,
}

impl Table for ScheduleCursor {
    type Row<'a> = &'a Row;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::ScheduleId];
    const COLUMNS: &'static [Self] = &[
        Self::ScheduleId,
        Self::Time,
        Self::DataDate,
        Self::LastFiringId,
    ];

    fn values(row: &Row) -> Result<Vec<Value>, SqlError> {
        let last = row.last.map(|id| number("firing", id.0));
        Ok(vec![
            number("schedule", row.schedule.0)?.into(),
            time(row.time),
            row.date.map(|date| date.to_naive()).into(),
            last.transpose()?.into(),
        ])
    }
}

impl ScheduleCursor {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<Row, SqlError> {
        let row = Reader::new("schedule_cursor", row);
        Ok(Row {
            schedule: ScheduleId(row.number("schedule_id")?),
            time: row.time("time")?,
            date: row.date_if("data_date")?,
            last: row.number_if("last_firing_id")?.map(FiringId),
        })
    }
}

/// Columns of `firing`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Firing {
    Table,
    Id,
    ScheduleId,
    FromTime,
    ToTime,
    FirstDate,
    DataDate,
    File,
    TakenUpAt,
    Outcome,
    ExecutionId,
    SkipReason,
    StartBy,
    StartByState,
    FinishBy,
    FinishByState,
    /// Whether something of it is still to come: what a load asks for.
    Open,
}

impl Table for Firing {
    type Row<'a> = &'a FiringRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::ScheduleId,
        Self::FromTime,
        Self::ToTime,
        Self::FirstDate,
        Self::DataDate,
        Self::File,
        Self::TakenUpAt,
        Self::Outcome,
        Self::ExecutionId,
        Self::SkipReason,
        Self::StartBy,
        Self::StartByState,
        Self::FinishBy,
        Self::FinishByState,
        Self::Open,
    ];

    fn values(row: &FiringRow) -> Result<Vec<Value>, SqlError> {
        let (outcome, reason) = match row.outcome {
            FiringOutcome::Started { .. } => ("started", None),
            FiringOutcome::Queued => ("queued", None),
            FiringOutcome::Skipped { reason } => ("skipped", Some(reason.as_str())),
        };
        let execution = row.execution().map(|id| number("execution", id.0));
        Ok(vec![
            number("firing", row.id.0)?.into(),
            number("schedule", row.schedule.0)?.into(),
            time(row.from),
            time(row.to),
            date(row.first_date),
            date(row.data_date),
            row.file.as_deref().into(),
            time(row.at),
            outcome.into(),
            execution.transpose()?.into(),
            reason.into(),
            time_if(row.start_by.map(|due| due.at)),
            row.start_by.map(|due| due.state.as_str()).into(),
            time_if(row.finish_by.map(|due| due.at)),
            row.finish_by.map(|due| due.state.as_str()).into(),
            row.is_open().into(),
        ])
    }
}

impl Firing {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<FiringRow, SqlError> {
        let row = Reader::new("firing", row);
        let outcome = match row.column::<String>("outcome")?.as_str() {
            "started" => FiringOutcome::Started {
                execution: ExecutionId(row.number("execution_id")?),
            },
            "queued" => FiringOutcome::Queued,
            _ => FiringOutcome::Skipped {
                reason: row.named("skip_reason", SkipReason::from_name)?,
            },
        };
        let due = |at, state| {
            let at = row.time_if(at)?;
            at.map(|at| {
                let state = row.named(state, DueState::from_name)?;
                Ok(DueBy { at, state })
            })
            .transpose()
        };
        Ok(FiringRow {
            id: FiringId(row.number("id")?),
            schedule: ScheduleId(row.number("schedule_id")?),
            from: row.time("from_time")?,
            to: row.time("to_time")?,
            first_date: row.date("first_date")?,
            data_date: row.date("data_date")?,
            file: row.column("file")?,
            at: row.time("taken_up_at")?,
            outcome,
            start_by: due("start_by", "start_by_state")?,
            finish_by: due("finish_by", "finish_by_state")?,
        })
    }
}

/// Columns of `file_arrival`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FileArrival {
    Table,
    FileEventId,
    FileKey,
    ArrivedAt,
}

impl Table for FileArrival {
    type Row<'a> = &'a FileKeyRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::FileEventId, Self::FileKey];
    const COLUMNS: &'static [Self] = &[Self::FileEventId, Self::FileKey, Self::ArrivedAt];

    fn values(row: &FileKeyRow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("file event", row.event.0)?.into(),
            row.key.as_str().into(),
            time(row.at),
        ])
    }
}

impl FileArrival {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<FileKeyRow, SqlError> {
        let row = Reader::new("file_arrival", row);
        Ok(FileKeyRow {
            event: FileEventId(row.number("file_event_id")?),
            key: row.column("file_key")?,
            at: row.time("arrived_at")?,
        })
    }
}
