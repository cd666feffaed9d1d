//! `flow_date_range` and `job_outcome`: what is kept of runs that have ended.

use hcndc_core::{
    engine::{FlowDates, JobOutcome, JobRunState},
    id::{FlowId, JobId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, date, number};
use crate::SqlError;

/// Columns of `flow_date_range`: dates for which a flow has succeeded, as ranges that do not touch.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum FlowDateRange {
    Table,
    FlowId,
    FromDate,
    ToDate,
}

impl Table for FlowDateRange {
    type Row<'a> = FlowDates;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::FlowId, Self::FromDate];
    const COLUMNS: &'static [Self] = &[Self::FlowId, Self::FromDate, Self::ToDate];

    fn values(row: FlowDates) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("flow", row.flow.0)?.into(),
            date(row.from),
            date(row.to),
        ])
    }
}

impl FlowDateRange {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<FlowDates, SqlError> {
        let row = Reader::new("flow_date_range", row);
        Ok(FlowDates {
            flow: FlowId(row.number("flow_id")?),
            from: row.date("from_date")?,
            to: row.date("to_date")?,
        })
    }
}

/// Columns of `job_outcome`: where jobs stood when the last run of their flow for a date ended without success.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum JobOutcomes {
    #[sea_orm(iden = "job_outcome")]
    Table,
    JobId,
    DataDate,
    State,
}

impl Table for JobOutcomes {
    type Row<'a> = JobOutcome;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::JobId, Self::DataDate];
    const COLUMNS: &'static [Self] = &[Self::JobId, Self::DataDate, Self::State];

    fn values(row: JobOutcome) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("job", row.job.0)?.into(),
            date(row.data_date),
            row.state.as_str().into(),
        ])
    }
}

impl JobOutcomes {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<JobOutcome, SqlError> {
        let row = Reader::new("job_outcome", row);
        Ok(JobOutcome {
            job: JobId(row.number("job_id")?),
            data_date: row.date("data_date")?,
            state: row.named("state", JobRunState::from_name)?,
        })
    }
}
