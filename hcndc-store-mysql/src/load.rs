//! All that an engine needs to go on, by a fixed number of queries, of one moment.

mod others;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hcndc_core::{
    engine::{
        AlertRow, AttemptRow, AttemptState, BackfillSnapshot, BackfillState, ExecutionRow,
        ExecutionSnapshot, ExecutionState, FileKeyRow, FiringRow, FlowDates, FlowRunRow,
        JobOutcome, JobRunRow, ScheduleCursor as Row, Snapshot,
    },
    id::{AlertId, ExecutionId, FlowId, JobId},
    model,
    time::DataDate,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, Order, QueryResult, TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};
use serde::de::DeserializeOwned;

use self::others::other_definitions;
use crate::{
    SqlError, SqlStore,
    dialect::begin_write,
    entity::{
        Alert, Attempt, Backfill, BackfillDate, Execution, Executor, FileArrival, Firing, Flow,
        FlowDateRange, FlowRun, FlowVersion, Job, JobOutcomes, JobOutput, JobRun, JobVersion,
        Leader, Reader, ScheduleCursor, Table,
    },
    error::Doing as _,
    upsert::chunks,
};

type Flows = BTreeMap<(FlowId, u32), Arc<model::Flow>>;
type Jobs = BTreeMap<(JobId, u32), Arc<model::Job>>;

impl SqlStore {
    pub(crate) async fn load_snapshot(&self) -> Result<Snapshot, SqlError> {
        // One transaction, so that all queries see the same moment; by the connections that gave the lease. Behind a
        // balancer the readers may be at another node of a cluster, which lags, and a scheduler that starts from what
        // such a node has would do again what is done.
        let db = self.writer().begin().await.doing("begin to load")?;
        let flows = current_flows(&db).await?;
        let jobs = current_jobs(&db).await?;
        let known_flows = flows.iter().map(|(flow, _)| flow.clone());
        let known_jobs = jobs.iter().cloned();
        let live = ExecutionState::ALL.iter().filter(|state| !state.is_ended());
        let which = Expr::col(Execution::State).is_in(live.map(|state| state.as_str()));
        let snapshot = Snapshot {
            next_id: next_id(&db).await?,
            executors: current_executors(&db).await?,
            definitions: other_definitions(&db).await?,
            executions: executions(
                &db,
                which,
                known_flows.map(|flow| ((flow.id, flow.revision.version), flow)),
                known_jobs.map(|job| ((job.id, job.revision.version), job)),
            )
            .await?,
            backfills: open_backfills(&db).await?,
            cursors: cursors(&db).await?,
            firings: firings(&db).await?,
            files: files(&db).await?,
            alerts: open_alerts(&db).await?,
            flows,
            jobs,
            flow_dates: flow_dates(&db).await?,
            job_outcomes: job_outcomes(&db).await?,
        };
        db.commit().await.doing("end the load")?;
        Ok(snapshot)
    }

    pub(crate) async fn load_linked_alerts(
        &self,
        alerts: &[AlertId],
    ) -> Result<Vec<AlertRow>, SqlError> {
        let of = |rows: &[AlertRow]| {
            let links = rows.iter().flat_map(|row| [row.escalates, row.escalated]);
            links.flatten().collect::<BTreeSet<_>>()
        };
        let mut ids: BTreeSet<AlertId> = alerts.iter().copied().collect();
        let db = self.writer().begin().await.doing("begin to load")?;
        let mut rows = alerts_of(&db, &ids).await?;
        let linked: BTreeSet<AlertId> = of(&rows).difference(&ids).copied().collect();
        if !linked.is_empty() {
            ids.extend(linked);
            rows = alerts_of(&db, &ids).await?;
        }
        db.commit().await.doing("end the load")?;
        Ok(rows)
    }

    pub(crate) async fn load_one_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, SqlError> {
        let Ok(id) = i64::try_from(execution.0) else {
            return Ok(None);
        };
        let db = begin_write(self.writer()).await.doing("begin to load")?;
        // Whoever reads an execution that has ended is about to go on with it: retention leaves it alone until another
        // scheduler leads, since until then what comes of it may still be stored. First, so that it waits for a
        // retention that is at it, and then finds nothing.
        let term = Query::select()
            .column(Leader::Fence)
            .from(Leader::Table)
            .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
            .to_owned();
        let hold = Query::update()
            .table(Execution::Table)
            .value(
                Execution::LoadedIn,
                Expr::SubQuery(None, Box::new(term.into())),
            )
            .and_where(Expr::col(Execution::Id).eq(id))
            .to_owned();
        db.execute(&hold).await.doing("hold an execution")?;
        let which = Expr::col(Execution::Id).eq(id);
        let none = (std::iter::empty(), std::iter::empty());
        let found = executions(&db, which, none.0, none.1).await?.pop();
        db.commit().await.doing("end the load")?;
        Ok(found)
    }
}

async fn next_id(db: &DatabaseTransaction) -> Result<u64, SqlError> {
    let statement = Query::select()
        .column(Leader::NextId)
        .from(Leader::Table)
        .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
        .to_owned();
    let rows = all(db, &statement, "load the next id").await?;
    rows.first()
        .map_or(Ok(0), |row| Reader::new("leader", row).number("next_id"))
}

async fn current_flows(
    db: &DatabaseTransaction,
) -> Result<Vec<(Arc<model::Flow>, Option<DataDate>)>, SqlError> {
    let statement = Flow::select_current()
        .order_by((Flow::Table, Flow::Id), Order::Asc)
        .to_owned();
    let rows = all(db, &statement, "load flows").await?;
    let rows = rows.iter().map(|row| Reader::new("flow", row));
    rows.map(|row| Ok((Arc::new(row.json("definition")?), row.date_if("data_date")?)))
        .collect()
}

async fn current_jobs(db: &DatabaseTransaction) -> Result<Vec<Arc<model::Job>>, SqlError> {
    let statement = Job::select_current()
        .order_by((Job::Table, Job::Id), Order::Asc)
        .to_owned();
    definitions(db, &statement, "job", "load jobs").await
}

async fn flow_dates(db: &DatabaseTransaction) -> Result<Vec<FlowDates>, SqlError> {
    let statement = Query::select()
        .columns(FlowDateRange::COLUMNS.iter().copied())
        .from(FlowDateRange::Table)
        .order_by(FlowDateRange::FlowId, Order::Asc)
        .order_by(FlowDateRange::FromDate, Order::Asc)
        .to_owned();
    let rows = all(db, &statement, "load dates of flows").await?;
    rows.iter().map(FlowDateRange::read).collect()
}

async fn job_outcomes(db: &DatabaseTransaction) -> Result<Vec<JobOutcome>, SqlError> {
    let statement = Query::select()
        .columns(JobOutcomes::COLUMNS.iter().copied())
        .from(JobOutcomes::Table)
        .order_by(JobOutcomes::JobId, Order::Asc)
        .order_by(JobOutcomes::DataDate, Order::Asc)
        .to_owned();
    let rows = all(db, &statement, "load outcomes of jobs").await?;
    rows.iter().map(JobOutcomes::read).collect()
}

async fn current_executors(
    db: &DatabaseTransaction,
) -> Result<Vec<Arc<model::Executor>>, SqlError> {
    let statement = Query::select()
        .column(Executor::Definition)
        .from(Executor::Table)
        .order_by(Executor::Id, Order::Asc)
        .to_owned();
    definitions(db, &statement, "executor", "load executors").await
}

async fn definitions<T: DeserializeOwned>(
    db: &DatabaseTransaction,
    statement: &SelectStatement,
    table: &'static str,
    doing: &'static str,
) -> Result<Vec<Arc<T>>, SqlError> {
    let rows = all(db, statement, doing).await?;
    let rows = rows.iter().map(|row| Reader::new(table, row));
    rows.map(|row| Ok(Arc::new(row.json("definition")?)))
        .collect()
}

async fn cursors(db: &DatabaseTransaction) -> Result<Vec<Row>, SqlError> {
    let select = Query::select()
        .columns(ScheduleCursor::COLUMNS.iter().copied())
        .from(ScheduleCursor::Table)
        .order_by(ScheduleCursor::ScheduleId, Order::Asc)
        .to_owned();
    let rows = all(db, &select, "load cursors").await?;
    rows.iter().map(ScheduleCursor::read).collect()
}

/// Firings that are open, and the latest of each schedule.
async fn firings(db: &DatabaseTransaction) -> Result<Vec<FiringRow>, SqlError> {
    let latest = Query::select()
        .column(ScheduleCursor::LastFiringId)
        .from(ScheduleCursor::Table)
        .and_where(Expr::col(ScheduleCursor::LastFiringId).is_not_null())
        .to_owned();
    let of_latest = Expr::col(Firing::Id).in_subquery(latest);
    let mut firings = BTreeMap::new();
    // Two queries: databases use no index for an "or" of these.
    for which in [Expr::col(Firing::Open).eq(true), of_latest] {
        let statement = rows_where::<Firing>(which, Firing::Id);
        for row in &all(db, &statement, "load firings").await? {
            let row = Firing::read(row)?;
            firings.insert(row.id, row);
        }
    }
    Ok(firings.into_values().collect())
}

async fn files(db: &DatabaseTransaction) -> Result<Vec<FileKeyRow>, SqlError> {
    let select = Query::select()
        .columns(FileArrival::COLUMNS.iter().copied())
        .from(FileArrival::Table)
        .order_by(FileArrival::FileEventId, Order::Asc)
        .order_by(FileArrival::FileKey, Order::Asc)
        .to_owned();
    let rows = all(db, &select, "load files").await?;
    rows.iter().map(FileArrival::read).collect()
}

async fn alerts_of(
    db: &DatabaseTransaction,
    ids: &BTreeSet<AlertId>,
) -> Result<Vec<AlertRow>, SqlError> {
    // None beyond what a number of the database holds is there.
    let ids = ids.iter().filter_map(|id| i64::try_from(id.0).ok());
    let statement = rows_where::<Alert>(Expr::col(Alert::Id).is_in(ids), Alert::Id);
    let rows = all(db, &statement, "load alerts").await?;
    rows.iter().map(Alert::read).collect()
}

async fn open_alerts(db: &DatabaseTransaction) -> Result<Vec<AlertRow>, SqlError> {
    let statement = rows_where::<Alert>(Expr::col(Alert::Open).eq(true), Alert::Id);
    let rows = all(db, &statement, "load alerts").await?;
    rows.iter().map(Alert::read).collect()
}

/// Backfills that have not succeeded, with their dates.
async fn open_backfills(db: &DatabaseTransaction) -> Result<Vec<BackfillSnapshot>, SqlError> {
    let done = BackfillState::Succeeded.as_str();
    let which = Expr::col(Backfill::State).ne(done);
    let statement = rows_where::<Backfill>(which.clone(), Backfill::Id);
    let rows = all(db, &statement, "load backfills").await?;
    let mut open = BTreeMap::new();
    for row in &rows {
        let (row, dates) = (Backfill::read(row)?, Vec::new());
        open.insert(row.id, BackfillSnapshot { row, dates });
    }
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = Query::select()
        .column(Backfill::Id)
        .from(Backfill::Table)
        .and_where(which)
        .to_owned();
    let of_chosen = Expr::col(BackfillDate::BackfillId).in_subquery(chosen);
    let statement = rows_where::<BackfillDate>(of_chosen, BackfillDate::DataDate);
    for row in &all(db, &statement, "load dates of backfills").await? {
        let date = BackfillDate::read(row)?;
        if let Some(backfill) = open.get_mut(&date.backfill) {
            backfill.dates.push(date);
        }
    }
    Ok(open.into_values().collect())
}

/// Executions and all that belongs to them. Versions that the caller has at hand are not read again.
async fn executions(
    db: &DatabaseTransaction,
    which: Expr,
    known_flows: impl Iterator<Item = ((FlowId, u32), Arc<model::Flow>)>,
    known_jobs: impl Iterator<Item = ((JobId, u32), Arc<model::Job>)>,
) -> Result<Vec<ExecutionSnapshot>, SqlError> {
    let chosen = Query::select()
        .column(Execution::Id)
        .from(Execution::Table)
        .and_where(which.clone())
        .to_owned();
    let statement = rows_where::<Execution>(which, Execution::Id);
    let rows = all(db, &statement, "load executions").await?;
    let rows: Vec<_> = rows.iter().map(Execution::read).collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }

    let of_chosen = Expr::col(FlowRun::ExecutionId).in_subquery(chosen.clone());
    let statement = rows_where::<FlowRun>(of_chosen, FlowRun::Id);
    let flow_runs = all(db, &statement, "load flow runs").await?;
    let flow_runs: Vec<_> = flow_runs
        .iter()
        .map(FlowRun::read)
        .collect::<Result<_, _>>()?;

    let of_chosen = Expr::col(JobRun::ExecutionId).in_subquery(chosen.clone());
    let statement = rows_where::<JobRun>(of_chosen, JobRun::Id);
    let job_runs = all(db, &statement, "load job runs").await?;
    let job_runs: Vec<_> = job_runs
        .iter()
        .map(JobRun::read)
        .collect::<Result<_, _>>()?;

    let of_chosen = Expr::col(JobOutput::ExecutionId).in_subquery(chosen.clone());
    let mut statement = rows_where::<JobOutput>(of_chosen, JobOutput::JobRunId);
    statement.order_by(JobOutput::Name, Order::Asc);
    let outputs = all(db, &statement, "load outputs").await?;
    let outputs = JobOutput::read_all(&outputs)?;

    let live = AttemptState::ALL.iter().filter(|state| !state.is_ended());
    let of_chosen = Expr::col(Attempt::ExecutionId)
        .in_subquery(chosen)
        .and(Expr::col(Attempt::State).is_in(live.map(|state| state.as_str())));
    let statement = rows_where::<Attempt>(of_chosen, Attempt::Id);
    let attempts = all(db, &statement, "load attempts").await?;
    let attempts: Vec<_> = attempts
        .iter()
        .map(Attempt::read)
        .collect::<Result<_, _>>()?;

    let mut flows: Flows = known_flows.collect();
    let needed = flow_runs.iter().map(|run| (run.flow, run.flow_version));
    add_flows(db, &mut flows, needed.collect()).await?;
    let mut jobs: Jobs = known_jobs.collect();
    let needed = job_runs.iter().map(|run| (run.job, run.job_version));
    add_jobs(db, &mut jobs, needed.collect()).await?;
    let mut executions = assemble(rows, flow_runs, job_runs, attempts, &flows, &jobs)?;
    for outputs in outputs {
        let its = executions.binary_search_by_key(&outputs.execution, |it| it.row.id);
        if let Some(execution) = its.ok().and_then(|at| executions.get_mut(at)) {
            execution.outputs.push(outputs);
        }
    }
    Ok(executions)
}

fn assemble(
    rows: Vec<ExecutionRow>,
    flow_runs: Vec<FlowRunRow>,
    job_runs: Vec<JobRunRow>,
    attempts: Vec<AttemptRow>,
    flows: &Flows,
    jobs: &Jobs,
) -> Result<Vec<ExecutionSnapshot>, SqlError> {
    let whole = |row: ExecutionRow| {
        let snapshot = ExecutionSnapshot {
            row,
            flow_runs: Vec::new(),
            job_runs: Vec::new(),
            attempts: Vec::new(),
            outputs: Vec::new(),
        };
        (snapshot.row.id, snapshot)
    };
    let mut executions: BTreeMap<_, _> = rows.into_iter().map(whole).collect();
    for run in flow_runs {
        let flow = flows.get(&(run.flow, run.flow_version));
        let flow = flow.ok_or_else(|| SqlError::Missing {
            table: "flow_run",
            id: run.id.0,
            needs: format!("version {} of flow {}", run.flow_version, run.flow),
        })?;
        if let Some(execution) = executions.get_mut(&run.execution) {
            execution.flow_runs.push((run, flow.clone()));
        }
    }
    for run in job_runs {
        let job = jobs.get(&(run.job, run.job_version));
        let job = job.ok_or_else(|| SqlError::Missing {
            table: "job_run",
            id: run.id.0,
            needs: format!("version {} of job {}", run.job_version, run.job),
        })?;
        if let Some(execution) = executions.get_mut(&run.execution) {
            execution.job_runs.push((run, job.clone()));
        }
    }
    for attempt in attempts {
        if let Some(execution) = executions.get_mut(&attempt.execution) {
            execution.attempts.push(attempt);
        }
    }
    Ok(executions.into_values().collect())
}

/// Reads the needed versions that are not there yet.
async fn add_flows(
    db: &DatabaseTransaction,
    flows: &mut Flows,
    needed: BTreeSet<(FlowId, u32)>,
) -> Result<(), SqlError> {
    let missing = needed.into_iter().filter(|key| !flows.contains_key(key));
    let missing: BTreeSet<_> = missing.map(|(id, version)| (id.0, version)).collect();
    let columns = (FlowVersion::FlowId, FlowVersion::Version);
    let found: Vec<Arc<model::Flow>> = versions(
        db,
        columns,
        FlowVersion::Definition,
        "flow_version",
        missing,
    )
    .await?;
    flows.extend(
        found
            .into_iter()
            .map(|flow| ((flow.id, flow.revision.version), flow)),
    );
    Ok(())
}

/// Jobs in these versions; those that are not stored are left out.
pub(crate) async fn job_versions(
    db: &DatabaseTransaction,
    versions: BTreeSet<(JobId, u32)>,
) -> Result<BTreeMap<(JobId, u32), Arc<model::Job>>, SqlError> {
    let mut jobs = Jobs::new();
    add_jobs(db, &mut jobs, versions).await?;
    Ok(jobs)
}

/// Reads the needed versions that are not there yet.
async fn add_jobs(
    db: &DatabaseTransaction,
    jobs: &mut Jobs,
    needed: BTreeSet<(JobId, u32)>,
) -> Result<(), SqlError> {
    let missing = needed.into_iter().filter(|key| !jobs.contains_key(key));
    let missing: BTreeSet<_> = missing.map(|(id, version)| (id.0, version)).collect();
    let columns = (JobVersion::JobId, JobVersion::Version);
    let found: Vec<Arc<model::Job>> =
        versions(db, columns, JobVersion::Definition, "job_version", missing).await?;
    jobs.extend(
        found
            .into_iter()
            .map(|job| ((job.id, job.revision.version), job)),
    );
    Ok(())
}

/// Definitions of at least these ids and versions: one query for each version number that occurs. Mostly that is one.
async fn versions<T: Table, D: DeserializeOwned>(
    db: &DatabaseTransaction,
    (id, version): (T, T),
    definition: T,
    table: &'static str,
    keys: BTreeSet<(u64, u32)>,
) -> Result<Vec<Arc<D>>, SqlError> {
    let mut by_version = BTreeMap::<u32, Vec<i64>>::new();
    for (id, version) in keys {
        let id = crate::entity::number(table, id)?;
        by_version.entry(version).or_default().push(id);
    }
    let mut found = Vec::new();
    for (number, ids) in by_version {
        for piece in chunks(&ids) {
            let statement = Query::select()
                .column(definition)
                .from(T::TABLE)
                .and_where(Expr::col(version).eq(number))
                .and_where(Expr::col(id).is_in(piece.iter().copied()))
                .to_owned();
            found.extend(definitions(db, &statement, table, "load versions").await?);
        }
    }
    Ok(found)
}

/// All columns of the rows that meet a condition, sorted by id.
fn rows_where<T: Table>(condition: Expr, id: T) -> SelectStatement {
    Query::select()
        .columns(T::COLUMNS.iter().copied())
        .from(T::TABLE)
        .and_where(condition)
        .order_by(id, Order::Asc)
        .to_owned()
}

async fn all(
    db: &DatabaseTransaction,
    statement: &SelectStatement,
    doing: &'static str,
) -> Result<Vec<QueryResult>, SqlError> {
    db.query_all(statement).await.doing(doing)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::time::Duration;

    use hcndc_core::{
        contract::sample,
        port::{Commit, Store as _},
    };

    use super::*;

    #[tokio::test]
    async fn loading_needs_no_reader() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("hcndc.db");
        let store = SqlStore::connect_with(&crate::SqlOptions::file(&path)).await;
        let store = store.expect("connect");
        let lease = store.acquire("a", sample::at(0), Duration::from_secs(9), None);
        let fence = lease
            .await
            .expect("acquire")
            .given()
            .expect("nobody leads")
            .fence;
        let world = sample::World::new();
        let commit = Commit {
            next_id: 100,
            changes: world.changes(),
        };
        store.commit(fence, &commit).await.expect("commit");
        store.reader().close_by_ref().await.expect("close");
        let loaded = store.load().await.expect("load");
        assert_eq!(loaded, world.snapshot(100));
        let loaded = store.load_execution(world.execution.id).await;
        assert_eq!(loaded.expect("load"), Some(world.execution_snapshot()));
    }
}
