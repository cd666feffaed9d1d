//! `job_run`.

use hcndc_core::{
    engine::{JobRunRow, JobRunState},
    id::{ExecutionId, FlowRunId, JobId, JobRunId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, time_if};
use crate::SqlError;

/// Columns of `job_run`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum JobRun {
    Table,
    Id,
    ExecutionId,
    FlowRunId,
    JobId,
    JobVersion,
    State,
    Attempt,
    AttemptsBefore,
    QueuedAt,
    StartedAt,
    EndedAt,
    ExitCode,
    RetryAt,
    LeftOut,
    MetOutside,
}

impl Table for JobRun {
    type Row<'a> = &'a JobRunRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::ExecutionId,
        Self::FlowRunId,
        Self::JobId,
        Self::JobVersion,
        Self::State,
        Self::Attempt,
        Self::AttemptsBefore,
        Self::QueuedAt,
        Self::StartedAt,
        Self::EndedAt,
        Self::ExitCode,
        Self::RetryAt,
        Self::MetOutside,
        Self::LeftOut,
    ];

    fn values(row: &JobRunRow) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("job run", row.id.0)?.into(),
            number("execution", row.execution.0)?.into(),
            number("flow run", row.flow_run.0)?.into(),
            number("job", row.job.0)?.into(),
            i64::from(row.job_version).into(),
            row.state.as_str().into(),
            i64::from(row.attempt).into(),
            i64::from(row.attempts_before).into(),
            time_if(row.queued_at),
            time_if(row.started_at),
            time_if(row.ended_at),
            row.exit_code.into(),
            time_if(row.retry_at),
            // Bits, of which the sign is one.
            row.met_outside.cast_signed().into(),
            row.left_out.into(),
        ])
    }
}

impl JobRun {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<JobRunRow, SqlError> {
        let row = Reader::new("job_run", row);
        Ok(JobRunRow {
            id: JobRunId(row.number("id")?),
            execution: ExecutionId(row.number("execution_id")?),
            flow_run: FlowRunId(row.number("flow_run_id")?),
            job: JobId(row.number("job_id")?),
            job_version: row.small("job_version")?,
            state: row.named("state", JobRunState::from_name)?,
            attempt: row.small("attempt")?,
            attempts_before: row.small("attempts_before")?,
            queued_at: row.time_if("queued_at")?,
            started_at: row.time_if("started_at")?,
            ended_at: row.time_if("ended_at")?,
            exit_code: row.column("exit_code")?,
            retry_at: row.time_if("retry_at")?,
            met_outside: row.column::<i64>("met_outside")?.cast_unsigned(),
            left_out: row.column("left_out")?,
        })
    }
}
