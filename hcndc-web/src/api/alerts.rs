//! `/alerts`: what people were told, or are to be, and who takes care of it.

use std::sync::Arc;

use hcndc_core::{
    engine::{AlertRow, Input},
    id::{AlertId, AlertRuleId, ExecutionId, ScheduleId},
    model::{AlertEvent, DefinitionError},
    port::{AlertQuery, History, PageRequest, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    needs::{EXECUTE, READ},
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto, What},
    query::Query,
    route::{HandedTo as _, Json, Route, at, at_id, body, caller, having, query},
};
use crate::app::App;

const ALERTS: &str = "/api/v1/alerts";
const ALERT: &str = "/api/v1/alerts/{id}";
const ACKNOWLEDGE: &str = "/api/v1/alerts/acknowledge";

/// Alerts of one request at most.
const MOST: usize = 1_000;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let all = at(ALERTS).and(having(app)).and(query());
    let one = at_id::<u64>(ALERT).and(having(app));
    let many = at(ACKNOWLEDGE).and(having(app)).and(caller()).and(body());
    vec![
        Route::get(ALERTS, READ, all.handed_to(list)),
        Route::get(ALERT, READ, one.handed_to(get)),
        Route::post(ACKNOWLEDGE, EXECUTE, many.handed_to(acknowledge)),
    ]
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
    /// Name of what it is about when it was raised: `flow/job`, an executor, a data source, a schedule or flows.
    #[schema(example = "retail/load")]
    subject: String,
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
    /// When a person first said that they take care of it, or did something to its execution.
    acknowledged_at: Option<String>,
    /// Who that was.
    acknowledged_by: Option<String>,
    /// When others are told unless somebody acknowledges it; null where nobody else is to be told, or not any more.
    escalate_at: Option<String>,
    /// The alert that told others, since nobody had acknowledged this one.
    escalated: Option<u64>,
    /// The alert that nobody had acknowledged, of which this one tells others.
    escalates: Option<u64>,
    /// When what it tells of was over, as far as that was watched: while it lasted, or was to be escalated.
    over_at: Option<String>,
}

impl From<AlertRow> for AlertDto {
    fn from(row: AlertRow) -> Self {
        Self {
            id: row.id.0,
            rule: row.rule.0,
            event: row.event.as_str(),
            cause: row.cause,
            subject: row.subject,
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
            acknowledged_at: row.acknowledged_at.map(|at| at.to_string()),
            acknowledged_by: row.acknowledged_by,
            escalate_at: row.escalate_at.map(|at| at.to_string()),
            escalated: row.escalated.map(|id| id.0),
            escalates: row.escalates.map(|id| id.0),
            over_at: row.over_at.map(|at| at.to_string()),
        }
    }
}

/// Lists alerts, the latest first.
#[utoipa::path(get, operation_id = "list_alerts", path = "/api/v1/alerts", tag = "alerts", params(
    ("id" = Option<u64>, Query, description = "This one"),
    ("schedule" = Option<u64>, Query, description = "Of this schedule"),
    ("execution" = Option<u64>, Query, description = "About this execution"),
    ("rule" = Option<u64>, Query, description = "That this alert rule asked for"),
    ("event" = Option<String>, Query, description = "That tell of one of these; several parted by commas"),
    ("acknowledged" = Option<bool>, Query, description = "Only those that somebody has acknowledged, or only others"),
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
    let events: Vec<_> = AlertEvent::ALL
        .iter()
        .map(|event| (event.as_str(), *event))
        .collect();
    let wanted = AlertQuery {
        ids: query.id("id").map(AlertId).into_iter().collect(),
        events: query.words("event", &events),
        acknowledged: query.flag("acknowledged"),
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

/// Tells of one alert.
#[utoipa::path(get, operation_id = "get_alert", path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = u64, Path)), responses(
    (status = 200, body = AlertDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_alert`"),
))]
pub(super) async fn get<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
) -> Result<Json<AlertDto>, Problem> {
    let found = find(&app, vec![AlertId(id)]).await?.pop();
    let unknown = || Problem::Unknown {
        what: What::Alert,
        id,
    };
    found.map(Json).ok_or_else(unknown)
}

/// Which alerts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsBody, example = json!({"ids": [9, 12]}))]
pub(super) struct AlertsBody {
    /// Their ids, at most 1000.
    #[serde(default)]
    ids: Vec<u64>,
}

/// Alerts as they are now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Acknowledged)]
pub(super) struct AcknowledgedDto {
    /// By id.
    items: Vec<AlertDto>,
}

/// Says that the caller takes care of what these alerts tell of: nobody else is told of them.
///
/// Alerts that escalate them, or that they escalate, count too. All or none; who acknowledged one first stays.
#[utoipa::path(post, operation_id = "acknowledge_alerts", path = "/api/v1/alerts/acknowledge", tag = "alerts", request_body = AlertsBody, responses(
    (status = 200, body = AcknowledgedDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_alert`"),
))]
pub(super) async fn acknowledge<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<AcknowledgedDto>, Problem> {
    let body: AlertsBody = body.json(&[]).await?;
    if body.ids.len() > MOST {
        let error = BlameError::Definition(DefinitionError::TooMany {
            count: body.ids.len(),
            max: MOST,
        });
        return Err(Problem::BadBody(vec![Blame::of("ids", error)]));
    }
    let alerts: Vec<AlertId> = body.ids.into_iter().map(AlertId).collect();
    if alerts.is_empty() {
        return Ok(Json(AcknowledgedDto { items: Vec::new() }));
    }
    let input = Input::Acknowledge {
        alerts: alerts.clone(),
        by: caller.by.clone(),
        archived: Vec::new(),
    };
    app.command(&caller, input).await?;
    let items = find(&app, alerts).await?;
    Ok(Json(AcknowledgedDto { items }))
}

async fn find<H: History, T: Transport>(
    app: &App<H, T>,
    ids: Vec<AlertId>,
) -> Result<Vec<AlertDto>, Problem> {
    let wanted = AlertQuery {
        page: PageRequest {
            limit: u32::try_from(MOST).unwrap_or(u32::MAX),
            ..PageRequest::default()
        },
        ids,
        ..AlertQuery::default()
    };
    let page = read(app.history.alerts(&wanted)).await?;
    Ok(page.items.into_iter().map(AlertDto::from).collect())
}
