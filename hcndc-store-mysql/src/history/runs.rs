//! Executions, flow runs, job runs and attempts, with the names that their definitions had.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{ActionRow, AttemptRow, ExecutionRow, JobRunState, StartKeyRow},
    id::{AttemptId, ExecutionId, FlowId, JobRunId},
    port::{
        ActionQuery, ExecutionQuery, ExecutionView, FlowRunView, JobRunQuery, JobRunView, Page,
    },
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, Order, QueryResult,
    TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::definitions::is_id;
use crate::{
    SqlError,
    entity::{
        self, Action, Attempt, Execution, FlowRun, FlowVersion, JobRun, JobVersion, Reader, Table,
    },
    error::Doing as _,
    keyset::{Keyset, id_place, page},
};

pub(super) async fn executions(
    db: &DatabaseConnection,
    query: &ExecutionQuery,
) -> Result<Page<ExecutionView>, SqlError> {
    let mut select = select_rows::<Execution>();
    let column = |column| Expr::col((Execution::Table, column));
    if !query.states.is_empty() {
        let states = query.states.iter().map(|state| state.as_str());
        select.and_where(column(Execution::State).is_in(states));
    }
    if let Some(from) = query.data_date_from {
        select.and_where(column(Execution::DataDate).gte(entity::date(from)));
    }
    if let Some(to) = query.data_date_to {
        select.and_where(column(Execution::DataDate).lte(entity::date(to)));
    }
    if let Some(schedule) = query.schedule {
        select.and_where(is_id((Execution::Table, Execution::ScheduleId), schedule.0));
    }
    if let Some(backfill) = query.backfill {
        select.and_where(is_id((Execution::Table, Execution::BackfillId), backfill.0));
    }
    if let Some(flow) = query.flow {
        let takes_part = Query::select()
            .expr(Expr::val(1))
            .from(FlowRun::Table)
            .and_where(is_id((FlowRun::Table, FlowRun::FlowId), flow.0))
            .and_where(
                Expr::col((FlowRun::Table, FlowRun::ExecutionId))
                    .equals((Execution::Table, Execution::Id)),
            )
            .to_owned();
        select.and_where(Expr::exists(takes_part));
    }
    Keyset::by_id(Execution::Id).restrict(&mut select, &query.page)?;
    let db = db.begin().await.doing("begin to list executions")?;
    let rows = db.query_all(&select).await.doing("list executions")?;
    let rows = rows.iter().map(Execution::read);
    let page = page(
        rows.collect::<Result<Vec<_>, _>>()?,
        &query.page,
        |row: &ExecutionRow| id_place(row.id.0),
    );
    let items = execution_views(&db, page.items).await?;
    db.commit().await.doing("end the list of executions")?;
    Ok(Page {
        items,
        next: page.next,
    })
}

pub(super) async fn execution(
    db: &DatabaseConnection,
    execution: ExecutionId,
) -> Result<Option<ExecutionView>, SqlError> {
    let db = db.begin().await.doing("begin to read an execution")?;
    let select = select_rows::<Execution>()
        .and_where(is_id((Execution::Table, Execution::Id), execution.0))
        .to_owned();
    let row = db.query_one(&select).await.doing("read an execution")?;
    let row = row.as_ref().map(Execution::read).transpose()?;
    let view = execution_views(&db, row.into_iter().collect()).await?.pop();
    db.commit().await.doing("end reading an execution")?;
    Ok(view)
}

/// Adds flows and counts, by a query each for all executions together.
async fn execution_views(
    db: &DatabaseTransaction,
    rows: Vec<ExecutionRow>,
) -> Result<Vec<ExecutionView>, SqlError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|row| entity::number("execution", row.id.0));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let mut flows = BTreeMap::<u64, Vec<(FlowId, String)>>::new();
    let select = select_flow_runs()
        .and_where(Expr::col((FlowRun::Table, FlowRun::ExecutionId)).is_in(ids.iter().copied()))
        .to_owned();
    for row in db.query_all(&select).await.doing("read flow runs")? {
        let run = FlowRun::read(&row)?;
        let name = name(&row, "flow_name", "flow_run", run.id.0)?;
        let its = flows.entry(run.execution.0).or_default();
        its.push((run.flow, name));
    }
    let of_these = Expr::col(JobRun::ExecutionId).is_in(ids);
    let mut counts = counts(db, JobRun::ExecutionId, "execution_id", of_these).await?;
    let views = rows.into_iter().map(|row| ExecutionView {
        flows: flows.remove(&row.id.0).unwrap_or_default(),
        job_runs: counts.remove(&row.id.0).unwrap_or_default(),
        row,
    });
    Ok(views.collect())
}

pub(super) async fn flow_runs(
    db: &DatabaseConnection,
    execution: ExecutionId,
) -> Result<Vec<FlowRunView>, SqlError> {
    let db = db.begin().await.doing("begin to list flow runs")?;
    let select = select_flow_runs()
        .and_where(is_id((FlowRun::Table, FlowRun::ExecutionId), execution.0))
        .to_owned();
    let rows = db.query_all(&select).await.doing("list flow runs")?;
    let of_it = is_id((JobRun::Table, JobRun::ExecutionId), execution.0);
    let mut counts = counts(&db, JobRun::FlowRunId, "flow_run_id", of_it).await?;
    db.commit().await.doing("end the list of flow runs")?;
    let views = rows.iter().map(|row| {
        let run = FlowRun::read(row)?;
        Ok(FlowRunView {
            row: run,
            flow_name: name(row, "flow_name", "flow_run", run.id.0)?,
            job_runs: counts.remove(&run.id.0).unwrap_or_default(),
        })
    });
    views.collect()
}

/// Flow runs with their flows' names, by id.
fn select_flow_runs() -> SelectStatement {
    let mut select = select_rows::<FlowRun>();
    join_flow_version(&mut select);
    select
        .order_by((FlowRun::Table, FlowRun::Id), Order::Asc)
        .to_owned()
}

/// Job runs by state, for each value of `column`.
async fn counts(
    db: &DatabaseTransaction,
    column: JobRun,
    name: &'static str,
    which: Expr,
) -> Result<BTreeMap<u64, BTreeMap<JobRunState, u64>>, SqlError> {
    let select = Query::select()
        .columns([column, JobRun::State])
        .expr_as(Expr::col(JobRun::Id).count(), "job_runs")
        .from(JobRun::Table)
        .and_where(which)
        .group_by_columns([column, JobRun::State])
        .to_owned();
    let mut counts = BTreeMap::<_, BTreeMap<_, _>>::new();
    for row in db.query_all(&select).await.doing("count job runs")? {
        let row = Reader::new("job_run", &row);
        let state = row.named("state", JobRunState::from_name)?;
        let its = counts.entry(row.number(name)?).or_default();
        its.insert(state, row.number("job_runs")?);
    }
    Ok(counts)
}

pub(super) async fn job_runs(
    db: &DatabaseConnection,
    query: &JobRunQuery,
) -> Result<Page<JobRunView>, SqlError> {
    let mut select = select_job_runs();
    let mut only = |column, id: Option<u64>| {
        if let Some(id) = id {
            select.and_where(is_id((JobRun::Table, column), id));
        }
    };
    only(JobRun::ExecutionId, query.execution.map(|id| id.0));
    only(JobRun::FlowRunId, query.flow_run.map(|id| id.0));
    only(JobRun::JobId, query.job.map(|id| id.0));
    if !query.states.is_empty() {
        let states = query.states.iter().map(|state| state.as_str());
        select.and_where(Expr::col((JobRun::Table, JobRun::State)).is_in(states));
    }
    Keyset::by_id(JobRun::Id).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list job runs")?;
    let views = rows.iter().map(job_run_view).collect::<Result<_, _>>()?;
    Ok(page(views, &query.page, |view: &JobRunView| {
        id_place(view.row.id.0)
    }))
}

pub(super) async fn job_run(
    db: &DatabaseConnection,
    job_run: JobRunId,
) -> Result<Option<JobRunView>, SqlError> {
    let select = select_job_runs()
        .and_where(is_id((JobRun::Table, JobRun::Id), job_run.0))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a job run")?;
    row.as_ref().map(job_run_view).transpose()
}

/// Job runs with their flows, and the names of both. Outer joins: a page must not lose a row, nor the query its order,
/// because a name is missing.
fn select_job_runs() -> SelectStatement {
    let mut select = select_rows::<JobRun>();
    let its_flow_run =
        Expr::col((FlowRun::Table, FlowRun::Id)).equals((JobRun::Table, JobRun::FlowRunId));
    let version = JobVersion::Table;
    let same_job = Expr::col((version, JobVersion::JobId)).equals((JobRun::Table, JobRun::JobId));
    let same_version =
        Expr::col((version, JobVersion::Version)).equals((JobRun::Table, JobRun::JobVersion));
    select
        .column((FlowRun::Table, FlowRun::FlowId))
        .expr_as(Expr::col((version, JobVersion::Name)), "job_name")
        .left_join(FlowRun::Table, its_flow_run)
        .left_join(version, same_job.and(same_version));
    join_flow_version(&mut select);
    select
}

fn job_run_view(row: &QueryResult) -> Result<JobRunView, SqlError> {
    let run = JobRun::read(row)?;
    let flow = Reader::new("job_run", row).column::<Option<i64>>("flow_id")?;
    let flow = flow.ok_or_else(|| SqlError::Missing {
        table: "job_run",
        id: run.id.0,
        needs: format!("flow run {}", run.flow_run),
    })?;
    Ok(JobRunView {
        row: run,
        flow: FlowId(flow.cast_unsigned()),
        flow_name: name(row, "flow_name", "job_run", run.id.0)?,
        job_name: name(row, "job_name", "job_run", run.id.0)?,
    })
}

pub(super) async fn attempts(
    db: &DatabaseConnection,
    job_run: JobRunId,
) -> Result<Vec<AttemptRow>, SqlError> {
    let select = select_rows::<Attempt>()
        .and_where(is_id((Attempt::Table, Attempt::JobRunId), job_run.0))
        .order_by((Attempt::Table, Attempt::Number), Order::Asc)
        .to_owned();
    let rows = db.query_all(&select).await.doing("list attempts")?;
    rows.iter().map(Attempt::read).collect()
}

pub(super) async fn attempt(
    db: &DatabaseConnection,
    attempt: AttemptId,
) -> Result<Option<AttemptRow>, SqlError> {
    let select = select_rows::<Attempt>()
        .and_where(is_id((Attempt::Table, Attempt::Id), attempt.0))
        .to_owned();
    let row = db.query_one(&select).await.doing("read an attempt")?;
    row.as_ref().map(Attempt::read).transpose()
}

pub(super) async fn actions(
    db: &DatabaseConnection,
    query: &ActionQuery,
) -> Result<Page<ActionRow>, SqlError> {
    let mut select = select_rows::<Action>();
    let mut only = |column, id: Option<u64>| {
        if let Some(id) = id {
            select.and_where(is_id((Action::Table, column), id));
        }
    };
    only(Action::ExecutionId, query.execution.map(|id| id.0));
    only(Action::JobRunId, query.job_run.map(|id| id.0));
    Keyset::by_id(Action::Id).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list actions")?;
    let rows = rows.iter().map(Action::read).collect::<Result<_, _>>()?;
    Ok(page(rows, &query.page, |row: &ActionRow| {
        id_place(row.id.0)
    }))
}

/// All columns of a table's rows.
pub(super) fn select_rows<T: Table>() -> SelectStatement {
    let columns = T::COLUMNS.iter().map(|column| (T::TABLE, *column));
    Query::select().columns(columns).from(T::TABLE).to_owned()
}

/// Adds the name of the flow version that a flow run is pinned to.
fn join_flow_version(select: &mut SelectStatement) {
    let version = FlowVersion::Table;
    let same_flow =
        Expr::col((version, FlowVersion::FlowId)).equals((FlowRun::Table, FlowRun::FlowId));
    let same_version =
        Expr::col((version, FlowVersion::Version)).equals((FlowRun::Table, FlowRun::FlowVersion));
    select
        .expr_as(Expr::col((version, FlowVersion::Name)), "flow_name")
        .left_join(version, same_flow.and(same_version));
}

/// A name that a version has.
fn name(
    row: &QueryResult,
    column: &'static str,
    table: &'static str,
    id: u64,
) -> Result<String, SqlError> {
    let name = Reader::new(table, row).column::<Option<String>>(column)?;
    name.ok_or_else(|| SqlError::Missing {
        table,
        id,
        needs: String::from("the version that it is pinned to"),
    })
}

pub(super) async fn start_key(
    db: &DatabaseConnection,
    key: &str,
) -> Result<Option<StartKeyRow>, SqlError> {
    let statement = Query::select()
        .columns([Execution::Id, Execution::StartKey, Execution::StartPrint])
        .from(Execution::Table)
        .and_where(Expr::col(Execution::StartKey).eq(key))
        .order_by(Execution::Id, Order::Desc)
        .limit(1)
        .to_owned();
    let row = db.query_one(&statement).await;
    let Some(row) = row.doing("look for the key of a start")? else {
        return Ok(None);
    };
    let row = Reader::new("execution", &row);
    Ok(Some(StartKeyRow {
        execution: ExecutionId(row.number("id")?),
        key: row.column("start_key")?,
        print: row.column::<i64>("start_print")?.cast_unsigned(),
    }))
}
