//! Job runs with all that is told of them: three queries for a page of them, however many attempts they had.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::AttemptRow,
    id::{ExecutionId, JobRunId},
    port::{Cursor, CursorValue, JobRunQuery, PageRequest, RunStory},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, Order, TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _},
};

use super::runs::{job_runs, select_rows};
use crate::{
    SqlError,
    entity::{self, Attempt, Table as _},
    error::Doing as _,
    load,
};

pub(crate) async fn run_stories(
    db: &DatabaseConnection,
    execution: ExecutionId,
    after: Option<JobRunId>,
    limit: u32,
) -> Result<Vec<RunStory>, SqlError> {
    let after = after.map(|id| Cursor {
        value: CursorValue::Id,
        id: id.0,
    });
    let query = JobRunQuery {
        execution: Some(execution),
        page: PageRequest {
            after,
            limit,
            ..PageRequest::default()
        },
        ..JobRunQuery::default()
    };
    let runs = job_runs(db, &query).await?.items;
    let mut attempts = attempts(db, runs.iter().map(|run| run.row.id)).await?;
    let versions = runs.iter().map(|run| (run.row.job, run.row.job_version));
    let versions: BTreeSet<_> = versions.collect();
    let doing = "read versions of jobs";
    let transaction = db.begin().await.doing(doing)?;
    let jobs = load::job_versions(&transaction, versions).await?;
    transaction.commit().await.doing(doing)?;
    let stories = runs.into_iter().map(|run| {
        let version = (run.row.job, run.row.job_version);
        let job = jobs.get(&version).cloned();
        let job = job.ok_or_else(|| SqlError::Missing {
            table: "job_run",
            id: run.row.id.0,
            needs: format!("version {} of job {}", version.1, version.0),
        })?;
        Ok(RunStory {
            attempts: attempts.remove(&run.row.id).unwrap_or_default(),
            row: run.row,
            flow_name: run.flow_name,
            job,
        })
    });
    stories.collect()
}

/// Attempts of these job runs, each list by number.
async fn attempts(
    db: &DatabaseConnection,
    runs: impl Iterator<Item = JobRunId>,
) -> Result<BTreeMap<JobRunId, Vec<AttemptRow>>, SqlError> {
    let runs = runs.map(|run| entity::number("job run", run.0));
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    let mut found = BTreeMap::<_, Vec<_>>::new();
    if runs.is_empty() {
        return Ok(found);
    }
    let select = select_rows::<Attempt>()
        .and_where(Expr::col((Attempt::TABLE, Attempt::JobRunId)).is_in(runs))
        .order_by((Attempt::TABLE, Attempt::JobRunId), Order::Asc)
        .order_by((Attempt::TABLE, Attempt::Number), Order::Asc)
        .to_owned();
    for row in &db.query_all(&select).await.doing("list attempts")? {
        let attempt = Attempt::read(row)?;
        found.entry(attempt.job_run).or_default().push(attempt);
    }
    Ok(found)
}
