//! `action`.

use hcndc_core::{
    engine::{ActionKind, ActionRow},
    id::{ActionId, ExecutionId, JobRunId},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, time};
use crate::SqlError;

/// Columns of `action`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Action {
    Table,
    Id,
    ExecutionId,
    JobRunId,
    Kind,
    DoneBy,
    DoneAt,
}

impl Table for Action {
    type Row<'a> = &'a ActionRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::ExecutionId,
        Self::JobRunId,
        Self::Kind,
        Self::DoneBy,
        Self::DoneAt,
    ];

    fn values(row: &ActionRow) -> Result<Vec<Value>, SqlError> {
        let job_run = row.job_run.map(|id| number("job run", id.0));
        Ok(vec![
            number("action", row.id.0)?.into(),
            number("execution", row.execution.0)?.into(),
            job_run.transpose()?.into(),
            row.kind.as_str().into(),
            row.by.as_str().into(),
            time(row.at),
        ])
    }
}

impl Action {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<ActionRow, SqlError> {
        let row = Reader::new("action", row);
        let job_run = row.column::<Option<i64>>("job_run_id")?;
        Ok(ActionRow {
            id: ActionId(row.number("id")?),
            execution: ExecutionId(row.number("execution_id")?),
            job_run: job_run.map(|id| JobRunId(id.cast_unsigned())),
            kind: row.named("kind", ActionKind::from_name)?,
            by: row.column("done_by")?,
            at: row.time("done_at")?,
        })
    }
}
