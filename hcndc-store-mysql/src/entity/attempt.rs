//! `attempt`.

use std::time::Duration;

use hcndc_core::{
    engine::{AttemptRow, AttemptState},
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, figure, number, time, time_if};
use crate::SqlError;

/// Columns of `attempt`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Attempt {
    Table,
    Id,
    ExecutionId,
    JobRunId,
    Number,
    ExecutorId,
    Slots,
    State,
    KillAsked,
    DispatchedAt,
    StartedAt,
    EndedAt,
    Pid,
    ExitCode,
    Signal,
    Message,
    PeakMemoryBytes,
    CpuTimeMicros,
    LogBytes,
}

impl Table for Attempt {
    type Row<'a> = &'a AttemptRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::ExecutionId,
        Self::JobRunId,
        Self::Number,
        Self::ExecutorId,
        Self::Slots,
        Self::State,
        Self::KillAsked,
        Self::DispatchedAt,
        Self::StartedAt,
        Self::EndedAt,
        Self::Pid,
        Self::ExitCode,
        Self::Signal,
        Self::Message,
        Self::PeakMemoryBytes,
        Self::CpuTimeMicros,
        Self::LogBytes,
    ];

    fn values(row: &AttemptRow) -> Result<Vec<Value>, SqlError> {
        let cpu_time = u64::try_from(row.cpu_time.as_micros()).unwrap_or(u64::MAX);
        Ok(vec![
            number("attempt", row.id.0)?.into(),
            number("execution", row.execution.0)?.into(),
            number("job run", row.job_run.0)?.into(),
            i64::from(row.number).into(),
            number("executor", row.executor.0)?.into(),
            i64::from(row.slots).into(),
            row.state.as_str().into(),
            row.kill_asked.into(),
            time(row.dispatched_at),
            time_if(row.started_at),
            time_if(row.ended_at),
            row.pid.map(i64::from).into(),
            row.exit_code.into(),
            row.signal.into(),
            row.message.as_str().into(),
            figure(row.peak_memory_bytes),
            figure(cpu_time),
            figure(row.log_bytes),
        ])
    }
}

impl Attempt {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<AttemptRow, SqlError> {
        let row = Reader::new("attempt", row);
        Ok(AttemptRow {
            id: AttemptId(row.number("id")?),
            execution: ExecutionId(row.number("execution_id")?),
            job_run: JobRunId(row.number("job_run_id")?),
            number: row.small("number")?,
            executor: ExecutorId(row.number("executor_id")?),
            slots: row.small("slots")?,
            state: row.named("state", AttemptState::from_name)?,
            kill_asked: row.column("kill_asked")?,
            dispatched_at: row.time("dispatched_at")?,
            started_at: row.time_if("started_at")?,
            ended_at: row.time_if("ended_at")?,
            pid: row.small_if("pid")?,
            exit_code: row.column("exit_code")?,
            signal: row.column("signal")?,
            message: row.column("message")?,
            peak_memory_bytes: row.number("peak_memory_bytes")?,
            cpu_time: Duration::from_micros(row.number("cpu_time_micros")?),
            log_bytes: row.number("log_bytes")?,
        })
    }
}
