//! `/firings`: what became of the times, files and dates of schedules.

use std::sync::Arc;

use hcndc_core::{
    engine::{DueBy, FiringOutcome, FiringRow},
    id::ScheduleId,
    model::DefinitionId,
    port::{FiringQuery, History, Transport},
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
    route::{HandedTo as _, Json, Route, at, at_id, having, query},
};
use crate::app::App;

const FIRINGS: &str = "/api/v1/firings";
const OF_SCHEDULE: &str = "/api/v1/schedules/{id}/firings";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let all = at(FIRINGS).and(having(app)).and(query());
    let its = at_id::<ScheduleId>(OF_SCHEDULE)
        .and(having(app))
        .and(query());
    vec![
        Route::get(FIRINGS, READ, all.handed_to(list)),
        Route::get(OF_SCHEDULE, READ, its.handed_to(of_schedule)),
    ]
}

/// What became of one fire time, of several in a row, of a file or of a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Firing)]
pub(super) struct FiringDto {
    /// Its id; grows with time.
    id: u64,
    /// The schedule's id.
    schedule: u64,
    /// The first fire time that it is about.
    #[schema(example = "2026-11-21T18:00:00.000000Z")]
    from: String,
    /// The last fire time that it is about; the first one, unless several were skipped together.
    #[schema(example = "2026-11-21T18:00:00.000000Z")]
    to: String,
    /// The data date of the last.
    #[schema(example = "2026-11-20")]
    data_date: String,
    /// The file that came, by its key.
    file: Option<String>,
    /// When it was taken up.
    at: String,
    /// What became of it.
    outcome: Outcome,
    /// Why it was skipped: `misfired`, `coalesced`, `max_instances`, `queue_full`, `paused`, `changed`, `deleted`,
    /// `excluded`, `flow_disabled` or `refused`.
    #[schema(example = "misfired")]
    reason: Option<&'static str>,
    /// The execution that it started.
    execution: Option<u64>,
    /// By when it must have started.
    start_by: Option<DueDto>,
    /// By when it must have succeeded.
    finish_by: Option<DueDto>,
}

/// What became of a firing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FiringOutcome)]
enum Outcome {
    Started,
    Queued,
    Skipped,
}

/// A deadline of a firing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DueBy)]
struct DueDto {
    /// The moment.
    at: String,
    /// Whether it was kept: `open`, `kept`, `missed` or `lapsed`.
    #[schema(example = "open")]
    state: &'static str,
}

impl From<&FiringRow> for FiringDto {
    fn from(row: &FiringRow) -> Self {
        let (outcome, reason) = match row.outcome {
            FiringOutcome::Started { .. } => (Outcome::Started, None),
            FiringOutcome::Queued => (Outcome::Queued, None),
            FiringOutcome::Skipped { reason } => (Outcome::Skipped, Some(reason.as_str())),
        };
        Self {
            id: row.id.0,
            schedule: row.schedule.0,
            from: row.from.to_string(),
            to: row.to.to_string(),
            data_date: row.data_date.to_string(),
            file: row.file.clone(),
            at: row.at.to_string(),
            outcome,
            reason,
            execution: row.execution().map(|id| id.0),
            start_by: row.start_by.map(DueDto::from),
            finish_by: row.finish_by.map(DueDto::from),
        }
    }
}

impl From<DueBy> for DueDto {
    fn from(due: DueBy) -> Self {
        Self {
            at: due.at.to_string(),
            state: due.state.as_str(),
        }
    }
}

/// Lists firings, the latest first.
#[utoipa::path(get, operation_id = "list_firings", path = "/api/v1/firings", tag = "schedules", params(
    ("schedule" = Option<u64>, Query, description = "Only of this schedule"),
    ("started" = Option<bool>, Query, description = "Only those that started an execution, or only others"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<FiringDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<FiringDto>>, Problem> {
    let schedule = query.id("schedule").map(ScheduleId);
    page(&app, schedule, query).await.map(Json)
}

/// Lists the firings of a schedule, the latest first.
#[utoipa::path(get, operation_id = "list_firings_of_schedule", path = "/api/v1/schedules/{id}/firings", tag = "schedules", params(
    ("id" = u64, Path),
    ("started" = Option<bool>, Query, description = "Only those that started an execution, or only others"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<FiringDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn of_schedule<H: History, T: Transport>(
    id: ScheduleId,
    app: Arc<App<H, T>>,
    query: Query,
) -> Result<Json<PageDto<FiringDto>>, Problem> {
    let page = page(&app, Some(id), query).await?;
    if page.items.is_empty() {
        let id = DefinitionId::from(id);
        let known = read(app.history.definition(id)).await?;
        known.ok_or_else(|| Problem::from(id))?;
    }
    Ok(Json(page))
}

async fn page<H: History, T>(
    app: &App<H, T>,
    schedule: Option<ScheduleId>,
    mut query: Query,
) -> Result<PageDto<FiringDto>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let wanted = FiringQuery {
        schedule,
        started: query.flag("started"),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.firings(&wanted)).await?;
    Ok(asked.tell(page, |row| FiringDto::from(&row)))
}
