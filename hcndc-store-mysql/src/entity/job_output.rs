//! `job_output`.

use hcndc_core::{
    engine::JobOutputs,
    id::{ExecutionId, JobRunId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number};
use crate::SqlError;

/// Columns of `job_output`: what job runs have put out, a row for each value.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum JobOutput {
    Table,
    JobRunId,
    Name,
    ExecutionId,
    /// Number of the attempt.
    Attempt,
    Value,
}

impl Table for JobOutput {
    type Row<'a> = (&'a JobOutputs, &'a str, &'a str);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::JobRunId, Self::Name];
    const COLUMNS: &'static [Self] = &[
        Self::JobRunId,
        Self::Name,
        Self::ExecutionId,
        Self::Attempt,
        Self::Value,
    ];

    fn values((of, name, value): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("job run", of.job_run.0)?.into(),
            name.into(),
            number("execution", of.execution.0)?.into(),
            i64::from(of.attempt).into(),
            value.into(),
        ])
    }
}

impl JobOutput {
    /// What these rows hold, which come by job run.
    pub(crate) fn read_all(rows: &[QueryResult]) -> Result<Vec<JobOutputs>, SqlError> {
        let mut found: Vec<JobOutputs> = Vec::new();
        for row in rows {
            let row = Reader::new("job_output", row);
            let job_run = JobRunId(row.number("job_run_id")?);
            if found.last().is_none_or(|last| last.job_run != job_run) {
                found.push(JobOutputs {
                    execution: ExecutionId(row.number("execution_id")?),
                    job_run,
                    attempt: row.small("attempt")?,
                    values: std::collections::BTreeMap::new(),
                });
            }
            if let Some(last) = found.last_mut() {
                last.values
                    .insert(row.column("name")?, row.column("value")?);
            }
        }
        Ok(found)
    }
}
