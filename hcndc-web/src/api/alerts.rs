//! `/alerts`: what people were told, or are to be.

use std::sync::Arc;

use hcndc_core::{
    engine::AlertRow,
    id::{AlertRuleId, ExecutionId, ScheduleId},
    port::{AlertQuery, History, Transport},
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    needs::READ,
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    route::{Json, Route, at, having, query},
};
use crate::app::App;

const ALERTS: &str = "/api/v1/alerts";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(ALERTS).and(having(app)).and(query());
    vec![Route::get(ALERTS, READ, args.then(list))]
}

/// What people are to be told, once for each rule and cause.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(super) struct AlertDto {
    /// Its id; grows with time.
    id: u64,
    /// The alert rule that asked for it.
    rule: u64,
    /// What happened.
    #[schema(example = "execution_failed")]
    event: &'static str,
    /// What tells this happening from every other.
    cause: String,
    /// The schedule that it is about.
    schedule: Option<u64>,
    /// The firing that missed a deadline.
    firing: Option<u64>,
    /// The execution that it is about.
    execution: Option<u64>,
    /// The job run that it is about.
    job_run: Option<u64>,
    /// The executor that it is about.
    executor: Option<u64>,
    /// The data source that it is about.
    data_source: Option<u64>,
    /// The data date of what it is about.
    data_date: Option<String>,
    /// When it was raised.
    raised_at: String,
    /// When whoever tells people was done with it; null while it waits.
    closed_at: Option<String>,
    /// Why nobody could be told.
    error: Option<String>,
}

impl From<AlertRow> for AlertDto {
    fn from(row: AlertRow) -> Self {
        Self {
            id: row.id.0,
            rule: row.rule.0,
            event: row.event.as_str(),
            cause: row.cause,
            schedule: row.schedule.map(|id| id.0),
            firing: row.firing.map(|id| id.0),
            execution: row.execution.map(|id| id.0),
            job_run: row.job_run.map(|id| id.0),
            executor: row.executor.map(|id| id.0),
            data_source: row.data_source.map(|id| id.0),
            data_date: row.data_date.map(|date| date.to_string()),
            raised_at: row.raised_at.to_string(),
            closed_at: row.closed_at.map(|at| at.to_string()),
            error: row.error,
        }
    }
}

/// Lists alerts, the latest first.
#[utoipa::path(get, operation_id = "list_alerts", path = "/api/v1/alerts", tag = "alerts", params(
    ("schedule" = Option<u64>, Query, description = "Of this schedule"),
    ("execution" = Option<u64>, Query, description = "About this execution"),
    ("rule" = Option<u64>, Query, description = "That this alert rule asked for"),
    ("waiting" = Option<bool>, Query, description = "Only those that nobody was told of yet, or only others"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<AlertDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<AlertDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let wanted = AlertQuery {
        schedule: query.id("schedule").map(ScheduleId),
        execution: query.id("execution").map(ExecutionId),
        rule: query.id("rule").map(AlertRuleId),
        waiting: query.flag("waiting"),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.alerts(&wanted)).await?;
    Ok(Json(asked.tell(page, AlertDto::from)))
}
