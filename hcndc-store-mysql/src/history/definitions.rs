//! Flows, jobs and executors as they are now.

use std::sync::Arc;

use hcndc_core::{
    id::{FlowId, JobId},
    model,
    port::{ExecutorQuery, FlowQuery, FlowView, JobQuery, JobView, Page},
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, QueryResult,
    sea_query::{Expr, ExprTrait as _, Func, Query, SelectStatement},
};

use crate::{
    SqlError,
    entity::{Executor, Flow, Job, Reader, SEARCH_SEPARATOR, Table},
    error::Doing as _,
    keyset::{Keyset, named_place, page},
};

pub(super) async fn flows(
    db: &DatabaseConnection,
    query: &FlowQuery,
) -> Result<Page<FlowView>, SqlError> {
    let mut select = Flow::select_current();
    filter_text(&mut select, Flow::Search, &query.text);
    filter_directory(&mut select, Flow::Directory, &query.directory);
    filter_enabled(&mut select, Flow::Enabled, query.enabled);
    Keyset::named(query.sort, Flow::Id, Flow::Name, Flow::UpdatedAt)
        .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list flows")?;
    let views = rows.iter().map(flow_view).collect::<Result<_, _>>()?;
    Ok(page(views, &query.page, |view: &FlowView| {
        let flow = &view.flow;
        named_place(query.sort, flow.id.0, &flow.name, &flow.revision)
    }))
}

pub(super) async fn flow(
    db: &DatabaseConnection,
    flow: FlowId,
) -> Result<Option<FlowView>, SqlError> {
    let mut select = Flow::select_current();
    let Some(row) = with_id(db, &mut select, Flow::Id, flow.0, "read a flow").await? else {
        return Ok(None);
    };
    flow_view(&row).map(Some)
}

fn flow_view(row: &QueryResult) -> Result<FlowView, SqlError> {
    let row = Reader::new("flow", row);
    Ok(FlowView {
        flow: Arc::new(row.json::<model::Flow>("definition")?),
        data_date: row.date_if("data_date")?,
    })
}

pub(super) async fn jobs(
    db: &DatabaseConnection,
    query: &JobQuery,
) -> Result<Page<JobView>, SqlError> {
    let mut select = select_jobs();
    filter_text(&mut select, Job::Search, &query.text);
    filter_enabled(&mut select, Job::Enabled, query.enabled);
    if let Some(flow) = query.flow {
        select.and_where(is_id((Job::Table, Job::FlowId), flow.0));
    }
    Keyset::named(query.sort, Job::Id, Job::Name, Job::UpdatedAt)
        .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list jobs")?;
    let views = rows.iter().map(job_view).collect::<Result<_, _>>()?;
    Ok(page(views, &query.page, |view: &JobView| {
        let job = &view.job;
        named_place(query.sort, job.id.0, &job.name, &job.revision)
    }))
}

pub(super) async fn job(db: &DatabaseConnection, job: JobId) -> Result<Option<JobView>, SqlError> {
    let mut select = select_jobs();
    let Some(row) = with_id(db, &mut select, Job::Id, job.0, "read a job").await? else {
        return Ok(None);
    };
    job_view(&row).map(Some)
}

/// Current jobs with their definitions and their flows' names.
fn select_jobs() -> SelectStatement {
    let its_flow = Expr::col((Flow::Table, Flow::Id)).equals((Job::Table, Job::FlowId));
    Job::select_current()
        .expr_as(Expr::col((Flow::Table, Flow::Name)), "flow_name")
        .left_join(Flow::Table, its_flow)
        .to_owned()
}

fn job_view(row: &QueryResult) -> Result<JobView, SqlError> {
    let row = Reader::new("job", row);
    let flow_name = row.column::<Option<String>>("flow_name")?;
    Ok(JobView {
        job: Arc::new(row.json::<model::Job>("definition")?),
        flow_name: flow_name.unwrap_or_default(),
    })
}

pub(super) async fn executors(
    db: &DatabaseConnection,
    query: &ExecutorQuery,
) -> Result<Page<Arc<model::Executor>>, SqlError> {
    let mut select = Query::select()
        .column(Executor::Id)
        .column(Executor::Definition)
        .from(Executor::Table)
        .to_owned();
    filter_text(&mut select, Executor::Search, &query.text);
    filter_enabled(&mut select, Executor::Enabled, query.enabled);
    Keyset::named(
        query.sort,
        Executor::Id,
        Executor::Name,
        Executor::UpdatedAt,
    )
    .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list executors")?;
    let rows = rows.iter().map(|row| Reader::new("executor", row));
    let executors = rows.map(|row| Ok(Arc::new(row.json::<model::Executor>("definition")?)));
    let executors = executors.collect::<Result<_, SqlError>>()?;
    Ok(page(executors, &query.page, |executor| {
        named_place(
            query.sort,
            executor.id.0,
            &executor.name,
            &executor.revision,
        )
    }))
}

async fn with_id<T: Table>(
    db: &DatabaseConnection,
    select: &mut SelectStatement,
    column: T,
    id: u64,
    doing: &'static str,
) -> Result<Option<QueryResult>, SqlError> {
    select.and_where(is_id((T::TABLE, column), id));
    db.query_one(select).await.doing(doing)
}

/// Whether a column is this id. One that is beyond what the database can hold is no row's.
pub(super) fn is_id<T: Table>(column: (T, T), id: u64) -> Expr {
    match i64::try_from(id) {
        Ok(id) => Expr::col(column).eq(id),
        Err(_) => Expr::val(1).eq(0),
    }
}

/// Keeps rows whose name or description holds the text. No pattern, so that nothing in the text has a meaning.
pub(crate) fn filter_text<T: Table>(select: &mut SelectStatement, search: T, text: &str) {
    if text.is_empty() {
        return;
    }
    if text.contains(SEARCH_SEPARATOR) {
        select.and_where(Expr::val(1).eq(0));
        return;
    }
    let found = Func::cust("INSTR")
        .arg(Expr::col((T::TABLE, search)))
        .arg(text.to_ascii_lowercase());
    select.and_where(Expr::expr(found).gt(0));
}

fn filter_enabled<T: Table>(select: &mut SelectStatement, column: T, enabled: Option<bool>) {
    if let Some(enabled) = enabled {
        select.and_where(Expr::col((T::TABLE, column)).eq(enabled));
    }
}

/// Keeps what is filed in this directory and below.
pub(super) fn filter_directory<T: Table>(select: &mut SelectStatement, column: T, directory: &str) {
    let top = directory.trim_end_matches('/');
    if top.is_empty() {
        return;
    }
    let column = || Expr::col((T::TABLE, column));
    // What begins with "top/" stands between these two: '0' is the character after '/'.
    let below = column()
        .gte(format!("{top}/"))
        .and(column().lt(format!("{top}0")));
    select.and_where(column().eq(top).or(below));
}
