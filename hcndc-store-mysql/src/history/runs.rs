//! Executions, flow runs, job runs and attempts, with the names that their definitions had.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{
        ActionRow, AttemptRow, ExecutionRow, FlowRunState, JobOutputs, JobRunState, StartKeyRow,
        Started,
    },
    id::{AttemptId, BackfillId, ExecutionId, FlowId, JobRunId},
    port::{
        ActionQuery, ExecutionQuery, ExecutionView, FirstFailure, FlowRunView, JobRunQuery,
        JobRunView, LatestRun, LatestRunQuery, Page,
    },
    time::DataDate,
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, Order, QueryResult,
    TransactionTrait as _,
    sea_query::{
        Expr, ExprTrait as _, IntoColumnRef as _, JoinType, Query, SelectStatement, UnionType,
    },
};

use super::{
    definitions::is_id,
    pieces::{select_page, unindexed},
};
use crate::{
    SqlError,
    entity::{
        self, Action, Attempt, Backfill, Execution, FlowRun, FlowVersion, JobOutput, JobRun,
        JobVersion, Reader, Table,
    },
    error::Doing as _,
    keyset::{self, Keyset, id_place, page},
};

pub(super) async fn executions(
    db: &DatabaseConnection,
    query: &ExecutionQuery,
) -> Result<Page<ExecutionView>, SqlError> {
    let select = select_executions(query)?;
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

pub(super) async fn flow_dates(
    db: &DatabaseConnection,
    query: &ExecutionQuery,
) -> Result<BTreeSet<(FlowId, DataDate)>, SqlError> {
    const PAGE: &str = "dated";
    let doing = "list flows and dates of executions";
    // As the page has them, without the one behind it, and of each what an index knows.
    let executions = select_executions(query)?
        .clear_selects()
        .columns([Execution::Id, Execution::DataDate].map(|column| (Execution::Table, column)))
        .reset_limit()
        .limit(keyset::limit(&query.page) as u64)
        .to_owned();
    let its = Expr::col((FlowRun::Table, FlowRun::ExecutionId)).equals((PAGE, "id"));
    let select = Query::select()
        .distinct()
        .column((FlowRun::Table, FlowRun::FlowId))
        .column((PAGE, "data_date"))
        .from_subquery(executions, PAGE)
        .cross_join(FlowRun::Table)
        .and_where(its)
        .to_owned();
    let rows = db.query_all(&select).await.doing(doing)?;
    let dates = rows.iter().map(|row| {
        let row = Reader::new("flow_run", row);
        Ok((FlowId(row.number("flow_id")?), row.date("data_date")?))
    });
    dates.collect()
}

/// Pieces of an index that one query puts together, at most.
const PIECES: usize = 124;

/// Dates that are looked up one by one; a longer range is looked for along the ids, newest or oldest first.
const DATES: i32 = 62;

fn select_executions(query: &ExecutionQuery) -> Result<SelectStatement, SqlError> {
    let column = |column| Expr::col((Execution::Table, column));
    let mut conditions = Vec::new();
    if let Some(schedule) = query.schedule {
        conditions.push(is_id((Execution::Table, Execution::ScheduleId), schedule.0));
    }
    if let Some(backfill) = query.backfill {
        conditions.push(is_id((Execution::Table, Execution::BackfillId), backfill.0));
    }
    let has_key = !conditions.is_empty() || query.flow.is_some();
    let mut pieces = Vec::new();
    let dates = match has_key {
        true => None,
        false => dates(query.data_date_from, query.data_date_to),
    };
    let states = || query.states.iter().map(|state| state.as_str());
    let mut is_of_states = query.states.is_empty();
    if let Some(dates) = dates {
        let on = |date: &DataDate| column(Execution::DataDate).eq(entity::date(*date));
        // One state of one date is a piece of an index by itself.
        if !is_of_states && dates.len() * query.states.len() <= PIECES {
            is_of_states = true;
            let of = |state| move |date| on(date).and(column(Execution::State).eq(state));
            pieces.extend(states().flat_map(|state| dates.iter().map(of(state))));
        } else {
            pieces.extend(dates.iter().map(on));
        }
    } else {
        let data_date = || unindexed("+execution.data_date");
        let from = query.data_date_from.map(entity::date);
        conditions.extend(from.map(|from| data_date().gte(from)));
        let to = query.data_date_to.map(entity::date);
        conditions.extend(to.map(|to| data_date().lte(to)));
    }
    if !is_of_states {
        if has_key || !pieces.is_empty() {
            conditions.push(unindexed("+execution.state").is_in(states()));
        } else {
            pieces.extend(states().map(|state| column(Execution::State).eq(state)));
        }
    }
    let Some(flow) = query.flow else {
        let mut select = select_page(Execution::Id, &conditions, pieces, &query.page)?;
        Keyset::by_id(Execution::Id).restrict(&mut select, &query.page)?;
        return Ok(select);
    };
    // A flow has one run in an execution at most, and its runs stand in the order of executions.
    let its =
        Expr::col((Execution::Table, Execution::Id)).equals((FlowRun::Table, FlowRun::ExecutionId));
    let columns = Execution::COLUMNS;
    let columns = columns.iter().map(|column| (Execution::Table, *column));
    let mut select = Query::select();
    select
        .columns(columns)
        .from(FlowRun::Table)
        .cross_join(Execution::Table)
        .and_where(its)
        .and_where(is_id((FlowRun::Table, FlowRun::FlowId), flow.0));
    for condition in conditions {
        select.and_where(condition);
    }
    Keyset::by_id(FlowRun::ExecutionId).restrict(&mut select, &query.page)?;
    Ok(select)
}

/// The dates of a range, unless they are many; `None` without any range too.
fn dates(from: Option<DataDate>, to: Option<DataDate>) -> Option<Vec<DataDate>> {
    let (from, to) = (from?, to?);
    let mut dates = Vec::new();
    for days in 0..DATES {
        let date = from.plus_days(days).filter(|date| *date <= to);
        let Some(date) = date else {
            // A range that ends before it begins is left to the database, which finds nothing in it.
            return (!dates.is_empty()).then_some(dates);
        };
        dates.push(date);
    }
    None
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

pub(super) async fn latest_runs(
    db: &DatabaseConnection,
    query: &LatestRunQuery,
) -> Result<Vec<LatestRun>, SqlError> {
    if query.flows.is_empty() {
        return Ok(Vec::new());
    }
    let doing = "read the latest runs of flows";
    let bounds = db.query_one(&select_bounds(query)).await.doing(doing)?;
    let bounds = bounds.map(|row| {
        let row = Reader::new("execution", &row);
        let id = |column| row.column::<Option<i64>>(column);
        Ok::<_, SqlError>((id("first")?, id("last")?))
    });
    let Some((Some(first), Some(last))) = bounds.transpose()? else {
        return Ok(Vec::new());
    };
    let rows = db.query_all(&select_latest_runs(query, first, last)?).await;
    let rows = rows.doing(doing)?;
    let runs = rows.iter().map(|row| {
        let row = Reader::new("flow_run", row);
        Ok(LatestRun {
            flow: FlowId(row.number("flow_id")?),
            data_date: row.date("data_date")?,
            execution: ExecutionId(row.number("execution_id")?),
            state: row.named("state", FlowRunState::from_name)?,
            executions: row.number("executions")?,
        })
    });
    runs.collect()
}

/// The first and the last id of all executions with these dates. Dates mostly grow as ids do, so that little lies between that is of other dates.
fn select_bounds(query: &LatestRunQuery) -> SelectStatement {
    let id = || Expr::col(Execution::Id);
    let data_date = || Expr::col(Execution::DataDate);
    let end = |end: Expr| {
        Query::select()
            .expr_as(end, "id")
            .from(Execution::Table)
            .to_owned()
    };
    // An end of one date is a look into the index; of a range, all of its rows are read.
    let of_dates = dates(Some(query.from), Some(query.to)).unwrap_or_default();
    let of_dates = of_dates.into_iter().flat_map(|date| {
        [id().min(), id().max()].map(|it| {
            let date = data_date().eq(entity::date(date));
            end(it).and_where(date).to_owned()
        })
    });
    let ends = of_dates.reduce(|mut all, one| {
        all.union(UnionType::All, one);
        all
    });
    let (mut select, id) = match ends {
        Some(ends) => {
            let mut select = Query::select();
            select.from_subquery(ends, "ends");
            (select, Expr::col(("ends", "id")))
        }
        None => {
            let mut select = Query::select();
            select
                .from(Execution::Table)
                .and_where(data_date().gte(entity::date(query.from)))
                .and_where(data_date().lte(entity::date(query.to)));
            (select, id())
        }
    };
    select
        .expr_as(id.clone().min(), "first")
        .expr_as(id.max(), "last")
        .to_owned()
}

/// The runs of each flow in these executions, and the latest of them for each date by its id. Found by the flows, for a date may have many
/// thousands of executions, and a page but a few flows.
fn select_latest_runs(
    query: &LatestRunQuery,
    first: i64,
    last: i64,
) -> Result<SelectStatement, SqlError> {
    const LATEST: &str = "latest";
    let data_date = || Expr::col((Execution::Table, Execution::DataDate));
    let flows = query
        .flows
        .iter()
        .map(|flow| entity::number("flow", flow.0));
    let flows = flows.collect::<Result<Vec<_>, _>>()?;
    let of_run = Expr::col((FlowRun::Table, FlowRun::ExecutionId));
    let latest = Query::select()
        .expr_as(Expr::col((FlowRun::Table, FlowRun::Id)).max(), "id")
        .column((Execution::Table, Execution::DataDate))
        .expr_as(
            Expr::col((FlowRun::Table, FlowRun::Id)).count(),
            "executions",
        )
        .from(FlowRun::Table)
        .cross_join(Execution::Table)
        .and_where(Expr::col((FlowRun::Table, FlowRun::FlowId)).is_in(flows))
        .and_where(Expr::col((FlowRun::Table, FlowRun::ExecutionId)).between(first, last))
        // SQLite leaves the bounds out of its search where it is told that the ids are equal.
        .and_where(Expr::col((Execution::Table, Execution::Id)).eq(of_run.add(0_i64)))
        .and_where(data_date().gte(entity::date(query.from)))
        .and_where(data_date().lte(entity::date(query.to)))
        .group_by_columns([
            (FlowRun::Table, FlowRun::FlowId).into_column_ref(),
            (Execution::Table, Execution::DataDate).into_column_ref(),
        ])
        .to_owned();
    let columns = [FlowRun::FlowId, FlowRun::ExecutionId, FlowRun::State];
    Ok(Query::select()
        .columns(columns.map(|column| (FlowRun::Table, column)))
        .columns([(LATEST, "data_date"), (LATEST, "executions")])
        .from_subquery(latest, LATEST)
        .cross_join(FlowRun::Table)
        .and_where(Expr::col((FlowRun::Table, FlowRun::Id)).equals((LATEST, "id")))
        .order_by((FlowRun::Table, FlowRun::FlowId), Order::Asc)
        .order_by((LATEST, "data_date"), Order::Asc)
        .to_owned())
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
    let select = select_job_runs_page(query)?;
    let rows = db.query_all(&select).await.doing("list job runs")?;
    let views = rows.iter().map(job_run_view).collect::<Result<_, _>>()?;
    Ok(page(views, &query.page, |view: &JobRunView| {
        id_place(view.row.id.0)
    }))
}

fn select_job_runs_page(query: &JobRunQuery) -> Result<SelectStatement, SqlError> {
    let keys = [
        (JobRun::ExecutionId, query.execution.map(|id| id.0)),
        (JobRun::FlowRunId, query.flow_run.map(|id| id.0)),
        (JobRun::JobId, query.job.map(|id| id.0)),
    ];
    let keys = keys.into_iter();
    let mut conditions: Vec<_> = keys
        .filter_map(|(column, id)| Some(is_id((JobRun::Table, column), id?)))
        .collect();
    let mut pieces = Vec::new();
    let states = || query.states.iter().map(|state| state.as_str());
    if !query.states.is_empty() {
        if conditions.is_empty() {
            let state = || Expr::col((JobRun::Table, JobRun::State));
            pieces.extend(states().map(|it| state().eq(it)));
        } else {
            conditions.push(unindexed("+job_run.state").is_in(states()));
        }
    }
    let mut select = select_page(JobRun::Id, &conditions, pieces, &query.page)?;
    join_names_of_job_runs(&mut select);
    Keyset::by_id(JobRun::Id).restrict(&mut select, &query.page)?;
    Ok(select)
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
    join_names_of_job_runs(&mut select);
    select
}

fn join_names_of_job_runs(select: &mut SelectStatement) {
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
    join_flow_version(select);
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

pub(super) async fn first_failures(
    db: &DatabaseConnection,
    executions: &[ExecutionId],
) -> Result<Vec<FirstFailure>, SqlError> {
    if executions.is_empty() {
        return Ok(Vec::new());
    }
    let doing = "read what failed first";
    let rows = db.query_all(&select_first_failures(executions)?).await;
    let rows = rows.doing(doing)?;
    let runs = rows
        .iter()
        .map(job_run_view)
        .collect::<Result<Vec<_>, _>>()?;
    let mut last = BTreeMap::new();
    if !runs.is_empty() {
        let ids = runs
            .iter()
            .map(|run| entity::number("job_run", run.row.id.0));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let attempts = select_rows::<Attempt>()
            .and_where(Expr::col((Attempt::Table, Attempt::JobRunId)).is_in(ids))
            .order_by((Attempt::Table, Attempt::Number), Order::Asc)
            .to_owned();
        for row in db.query_all(&attempts).await.doing(doing)? {
            let attempt = Attempt::read(&row)?;
            last.insert(attempt.job_run, attempt);
        }
    }
    let found = runs.into_iter().map(|run| FirstFailure {
        attempt: last.remove(&run.row.id),
        run,
    });
    Ok(found.collect())
}

fn select_first_failures(executions: &[ExecutionId]) -> Result<SelectStatement, SqlError> {
    const FIRST: &str = "first";
    let executions = executions
        .iter()
        .map(|it| entity::number("execution", it.0));
    let executions = executions.collect::<Result<Vec<_>, _>>()?;
    let failed = [JobRunState::Failed, JobRunState::Killed].map(|it| it.as_str());
    let first = Query::select()
        .expr_as(Expr::col(JobRun::Id).min(), "id")
        .from(JobRun::Table)
        .and_where(Expr::col(JobRun::ExecutionId).is_in(executions))
        .and_where(unindexed("+job_run.state").is_in(failed))
        .group_by_col(JobRun::ExecutionId)
        .to_owned();
    let is_first = Expr::col((JobRun::Table, JobRun::Id)).equals((FIRST, "id"));
    Ok(select_job_runs()
        .join_subquery(JoinType::InnerJoin, first, FIRST, is_first)
        .order_by((JobRun::Table, JobRun::ExecutionId), Order::Asc)
        .to_owned())
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

pub(super) async fn outputs(
    db: &DatabaseConnection,
    job_run: JobRunId,
) -> Result<Option<JobOutputs>, SqlError> {
    let select = select_rows::<JobOutput>()
        .and_where(is_id((JobOutput::Table, JobOutput::JobRunId), job_run.0))
        .to_owned();
    let rows = db.query_all(&select).await.doing("read outputs")?;
    Ok(JobOutput::read_all(&rows)?.pop())
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
    let executions = Query::select()
        .columns([Execution::Id, Execution::StartKey, Execution::StartPrint])
        .from(Execution::Table)
        .and_where(Expr::col(Execution::StartKey).eq(key))
        .order_by(Execution::Id, Order::Desc)
        .limit(1)
        .to_owned();
    let backfills = Query::select()
        .columns([Backfill::Id, Backfill::StartKey, Backfill::StartPrint])
        .from(Backfill::Table)
        .and_where(Expr::col(Backfill::StartKey).eq(key))
        .order_by(Backfill::Id, Order::Desc)
        .limit(1)
        .to_owned();
    let mut found = Vec::new();
    for (table, statement) in [("execution", executions), ("backfill", backfills)] {
        let row = db.query_one(&statement).await;
        let Some(row) = row.doing("look for the key of a start")? else {
            continue;
        };
        let row = Reader::new(table, &row);
        let id = row.number("id")?;
        let started = match table {
            "execution" => Started::Execution(ExecutionId(id)),
            _ => Started::Backfill(BackfillId(id)),
        };
        let row = StartKeyRow {
            started,
            key: row.column("start_key")?,
            print: row.column::<i64>("start_print")?.cast_unsigned(),
        };
        found.push((id, row));
    }
    // Ids grow, for whatever kind.
    let latest = found.into_iter().max_by_key(|(id, _)| *id);
    Ok(latest.map(|(_, row)| row))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use hcndc_core::{
        engine::ExecutionState,
        id::{FlowRunId, JobId, ScheduleId},
        port::{Cursor, CursorValue, Direction, PageRequest},
    };
    use sea_orm::{DbBackend, Statement};

    use super::*;
    use crate::SqlStore;

    /// How SQLite goes about it, a line for each table.
    async fn plan(store: &SqlStore, select: &SelectStatement) -> String {
        let statement = DbBackend::Sqlite.build(select);
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let explain = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = store.reader().query_all_raw(explain).await.expect("a plan");
        let lines = rows.iter().map(|row| row.try_get::<String>("", "detail"));
        let lines: Vec<_> = lines.collect::<Result<_, _>>().expect("lines");
        lines.join("\n")
    }

    /// It goes along an index, reads no more than a page of each piece, and sorts no more than the pieces' pages.
    fn assert_quick(plan: &str, what: &str) {
        for line in plan.lines() {
            let is_of_ids = ["page", "found", "piece_"]
                .iter()
                .any(|it| line.contains(it));
            let scans = line.starts_with("SCAN") && !is_of_ids;
            assert!(!scans, "{what} reads a whole table:\n{plan}");
        }
        let sorts = plan.contains("TEMP B-TREE");
        assert!(!sorts || plan.contains("piece_"), "{what} sorts:\n{plan}");
    }

    fn pages() -> [PageRequest; 2] {
        let after = Cursor {
            value: CursorValue::Id,
            id: 77,
        };
        let newest = PageRequest {
            direction: Direction::Descending,
            ..PageRequest::default()
        };
        let next = PageRequest {
            after: Some(after),
            ..PageRequest::default()
        };
        [newest, next]
    }

    #[tokio::test]
    async fn the_latest_runs_are_found_along_indexes() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let day = |text: &str| text.parse().expect("a date");
        let query = LatestRunQuery {
            flows: vec![FlowId(1), FlowId(2)],
            from: day("2026-11-01"),
            to: day("2026-11-30"),
        };
        let bounds = plan(&store, &select_bounds(&query)).await;
        assert!(
            bounds.contains("COVERING INDEX execution_by_data_date (data_date=?)"),
            "{bounds}"
        );
        let plan = plan(&store, &select_latest_runs(&query, 1, 9).expect("sound")).await;
        let scans = |line: &str| line.starts_with("SCAN") && !line.contains("latest");
        assert!(!plan.lines().any(scans), "it reads a whole table:\n{plan}");
        assert!(
            plan.contains("flow_run_by_flow (flow_id=? AND execution_id>? AND execution_id<?)"),
            "it reads all runs of a flow or of a date:\n{plan}"
        );
    }

    #[tokio::test]
    async fn each_list_of_executions_goes_along_an_index() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let day: DataDate = "2026-11-21".parse().expect("a date");
        let states = vec![ExecutionState::Succeeded, ExecutionState::Failed];
        for page in pages() {
            let all = ExecutionQuery {
                page,
                ..ExecutionQuery::default()
            };
            let one_state = ExecutionQuery {
                states: vec![ExecutionState::Running],
                ..all.clone()
            };
            let two_states = ExecutionQuery {
                states: states.clone(),
                ..all.clone()
            };
            let flow = ExecutionQuery {
                flow: Some(FlowId(3)),
                ..two_states.clone()
            };
            let schedule = ExecutionQuery {
                schedule: Some(ScheduleId(3)),
                ..two_states.clone()
            };
            let backfill = ExecutionQuery {
                backfill: Some(BackfillId(3)),
                ..one_state.clone()
            };
            let date = ExecutionQuery {
                data_date_from: Some(day),
                data_date_to: Some(day),
                ..two_states.clone()
            };
            let month = ExecutionQuery {
                data_date_from: day.plus_days(-30),
                ..date.clone()
            };
            for (query, what) in [
                (one_state, "one state"),
                (two_states, "two states"),
                (flow, "a flow"),
                (schedule, "a schedule"),
                (backfill, "a backfill"),
                (date, "a date"),
                (month, "a month"),
            ] {
                let select = select_executions(&query).expect("a query");
                let plan = plan(&store, &select).await;
                assert_quick(&plan, what);
                if what == "a month" {
                    let states =
                        plan.matches("execution_by_state_of_date (data_date=? AND state=?");
                    assert_eq!(states.count(), 62, "{plan}");
                    // They are merged in order, up to the end of the page.
                    assert!(plan.contains("MERGE (UNION ALL)"), "{plan}");
                }
            }
            // All of them, and long ranges, go along the ids, which are the table.
            let years = ExecutionQuery {
                data_date_from: Some(day),
                ..all.clone()
            };
            for query in [all, years] {
                let select = select_executions(&query).expect("a query");
                let plan = plan(&store, &select).await;
                assert!(
                    !plan.contains("TEMP B-TREE") && !plan.contains("INDEX"),
                    "{plan}"
                );
            }
        }
    }

    #[tokio::test]
    async fn each_list_of_job_runs_goes_along_an_index() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        for page in pages() {
            let two_states = JobRunQuery {
                states: vec![JobRunState::Failed, JobRunState::Killed],
                page,
                ..JobRunQuery::default()
            };
            for (query, what) in [
                (two_states.clone(), "two states"),
                (
                    JobRunQuery {
                        states: vec![JobRunState::Running],
                        ..two_states.clone()
                    },
                    "one state",
                ),
                (
                    JobRunQuery {
                        execution: Some(ExecutionId(3)),
                        ..two_states.clone()
                    },
                    "an execution",
                ),
                (
                    JobRunQuery {
                        flow_run: Some(FlowRunId(3)),
                        ..two_states.clone()
                    },
                    "a flow run",
                ),
                (
                    JobRunQuery {
                        job: Some(JobId(3)),
                        ..two_states
                    },
                    "a job",
                ),
            ] {
                let select = select_job_runs_page(&query).expect("a query");
                assert_quick(&plan(&store, &select).await, what);
            }
        }
    }

    #[tokio::test]
    async fn what_failed_first_is_found_along_indexes() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let executions = [ExecutionId(1), ExecutionId(2)];
        let select = select_first_failures(&executions).expect("sound");
        let plan = plan(&store, &select).await;
        let scans = |line: &str| line.starts_with("SCAN") && !line.contains("first");
        assert!(!plan.lines().any(scans), "it reads a whole table:\n{plan}");
        assert!(plan.contains("(execution_id=?"), "{plan}");
        assert!(plan.contains("job_run USING INTEGER PRIMARY KEY"), "{plan}");
    }

    #[test]
    fn short_ranges_are_looked_up_date_by_date() {
        let day = |text: &str| text.parse::<DataDate>().ok();
        let range = |from, to| dates(day(from), day(to)).map(|it| it.len());
        assert_eq!(range("2026-11-21", "2026-11-21"), Some(1));
        assert_eq!(range("2026-11-01", "2026-11-30"), Some(30));
        assert_eq!(range("2026-01-01", "2026-12-31"), None);
        assert_eq!(range("2026-11-21", "2026-11-20"), None);
        assert_eq!(dates(day("2026-11-21"), None), None);
    }
}
