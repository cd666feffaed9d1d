//! `/backfills`: ranges of dates, each date an execution of its own.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{
        BackfillDateRow, BackfillPlan, BackfillRequest, BackfillState, Engine, Input, PlannedFlow,
        Rejected, Started,
    },
    id::{BackfillId, FlowId},
    model::DefinitionError,
    port::{BackfillQuery, BackfillView, History, StartKey, Transport},
    time::DataDate,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::{self, Body},
    caller::Caller,
    dates::date_format,
    executions::{NothingBody, param_faults, start_once},
    jobs::{FlowName, flow_in_query},
    needs::{READ, SCHEDULE},
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto, What},
    query::Query,
    reference::Reference,
    revision::{map_to_params, params_to_map},
    route::{Created, HandedTo as _, Json, Route, at, at_id, body, caller, having, query},
    starts::{IdempotencyKey, idempotency_key},
};
use crate::{app::App, interchange::TextMap};

const BACKFILLS: &str = "/api/v1/backfills";
const PLAN: &str = "/api/v1/backfills/plan";
const BACKFILL: &str = "/api/v1/backfills/{id}";
const STOP: &str = "/api/v1/backfills/{id}/stop";
const RESTART: &str = "/api/v1/backfills/{id}/restart";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let asks = |template| at(template).and(app.clone()).and(caller()).and(body());
    let command = |template| {
        at_id::<BackfillId>(template)
            .and(app.clone())
            .and(caller())
            .and(body())
    };
    let listed = at(BACKFILLS).and(app.clone()).and(query());
    let starts = at(BACKFILLS)
        .and(app.clone())
        .and(caller())
        .and(idempotency_key())
        .and(body());
    let one = at_id::<BackfillId>(BACKFILL).and(app.clone());
    vec![
        Route::post(PLAN, READ, asks(PLAN).handed_to(plan)),
        Route::get(BACKFILLS, READ, listed.handed_to(list)).by_leader(),
        Route::post(BACKFILLS, SCHEDULE, starts.handed_to(start)),
        Route::get(BACKFILL, READ, one.handed_to(detail)).by_leader(),
        Route::post(STOP, SCHEDULE, command(STOP).handed_to(stop)),
        Route::post(RESTART, SCHEDULE, command(RESTART).handed_to(restart)),
    ]
}

/// A range of dates to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackfillBody, example = json!({"flow": "extract", "from": "2026-11-01", "to": "2026-11-07", "parallel": 2, "with_downstream": true}))]
pub(super) struct BackfillBody {
    /// Which flow, by name or id.
    flow: Reference,
    /// With all flows downstream of it. Default: false.
    #[serde(default)]
    with_downstream: bool,
    /// The first date.
    #[schema(example = "2026-11-01")]
    from: String,
    /// The last date; at most 3660 in all.
    #[schema(example = "2026-11-07")]
    to: String,
    /// Dates at once, in their order: 1 to 366. Default: 1; each date waits for the end of the one before.
    #[serde(default = "one")]
    parallel: u32,
    /// How dates are written in commands where a placeholder does not say so itself, as `strftime` does, such as `%Y%m%d`: fields of
    /// dates, and no time of day. Default: `%Y-%m-%d`.
    #[serde(default)]
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
    /// Values that go before the flows' and jobs' own.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
}

const fn one() -> u32 {
    1
}

/// What a backfill would do, by the definitions in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackfillPlan)]
pub(super) struct PlanDto {
    /// Flows of each execution.
    flows: Vec<PlannedFlowDto>,
    /// Dates, each an execution, in the order in which they start.
    dates: Vec<String>,
    /// Jobs that will run in all.
    job_runs: u64,
}

/// A flow of a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedFlow)]
struct PlannedFlowDto {
    /// Its id.
    id: u64,
    /// Its name.
    name: String,
    /// Its enabled jobs.
    jobs: u32,
}

/// A backfill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backfill)]
pub(super) struct BackfillDto {
    /// Its id.
    id: u64,
    /// Where it stands: `running`, `stopping`, `succeeded`, `failed` or `stopped`.
    #[schema(example = "running")]
    state: &'static str,
    /// Its flow; the name is empty when it is gone.
    flow: FlowName,
    /// Whether all flows downstream take part.
    with_downstream: bool,
    /// The first date.
    from: String,
    /// The last date.
    to: String,
    /// Dates at once.
    parallel: u32,
    /// How dates are written in commands where a placeholder does not say so itself; null for `%Y-%m-%d`.
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
    /// Values that go before the flows' and jobs' own.
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
    /// Who started it.
    started_by: String,
    /// When it was started.
    started_at: String,
    /// When it ended, if it did.
    ended_at: Option<String>,
    /// Who asked to stop it.
    stopped_by: Option<String>,
    /// Who last restarted it.
    restarted_by: Option<String>,
    /// How often it was restarted.
    restarts: u32,
    /// Dates by state; states with none are left out.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"running": 2, "waiting": 5}))]
    dates_by_state: BTreeMap<&'static str, u64>,
}

/// A backfill with its dates.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackfillDetail)]
pub(super) struct DetailDto {
    #[serde(flatten)]
    backfill: BackfillDto,
    /// Its dates, in their order.
    dates: Vec<DateDto>,
}

/// A date of a backfill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackfillDate)]
struct DateDto {
    /// The date.
    #[schema(example = "2026-11-01")]
    data_date: String,
    /// Where it stands: `waiting`, `running`, `succeeded`, `failed` or `stopped`.
    #[schema(example = "succeeded")]
    state: &'static str,
    /// Its latest execution, once it has one.
    execution: Option<u64>,
}

impl BackfillDto {
    fn new(engine: &Engine, view: &BackfillView) -> Self {
        let row = &view.row;
        let flow = engine.flow(row.flow);
        let dates = view.dates.iter();
        Self {
            id: row.id.0,
            state: row.state.as_str(),
            flow: FlowName {
                id: row.flow.0,
                name: flow.map(|flow| flow.name.clone()).unwrap_or_default(),
            },
            with_downstream: row.downstream,
            from: row.from.to_string(),
            to: row.to.to_string(),
            parallel: row.parallel,
            date_format: row.date_format.as_ref().map(ToString::to_string),
            params: params_to_map(&row.params),
            started_by: row.started_by.clone(),
            started_at: row.started_at.to_string(),
            ended_at: row.ended_at.map(|at| at.to_string()),
            stopped_by: row.stopped_by.clone(),
            restarted_by: row.restarted_by.clone(),
            restarts: row.restarts,
            dates_by_state: dates
                .map(|(state, count)| (state.as_str(), *count))
                .collect(),
        }
    }
}

impl From<BackfillDateRow> for DateDto {
    fn from(row: BackfillDateRow) -> Self {
        Self {
            data_date: row.data_date.to_string(),
            state: row.state.as_str(),
            execution: row.execution.map(|id| id.0),
        }
    }
}

impl From<BackfillPlan> for PlanDto {
    fn from(plan: BackfillPlan) -> Self {
        let flow = |it: PlannedFlow| PlannedFlowDto {
            id: it.flow.0,
            name: it.name,
            jobs: it.jobs,
        };
        Self {
            flows: plan.flows.into_iter().map(flow).collect(),
            dates: plan.dates.iter().map(DataDate::to_string).collect(),
            job_runs: plan.job_runs,
        }
    }
}

fn unknown(id: BackfillId) -> Problem {
    Problem::Unknown {
        what: What::Backfill,
        id: id.0,
    }
}

async fn request<H, T>(
    app: &App<H, T>,
    caller: &Caller,
    body: BackfillBody,
) -> Result<BackfillRequest, Problem> {
    let mut blames: Vec<Blame> = body.params.iter().filter_map(param_faults).collect();
    let mut date = |field: &str, text: &str| {
        let date = text.parse::<DataDate>();
        if date.is_err() {
            let text = text.to_owned();
            blames.push(Blame::of(field, BlameError::BadDate { text }));
        }
        date.ok()
    };
    let (from, to) = (date("from", &body.from), date("to", &body.to));
    let date_format = date_format(body.date_format.as_deref(), &mut blames);
    let named = body.flow.clone();
    let flow: Option<FlowId> = app.look(move |engine| named.find_flow(engine)).await?;
    if flow.is_none() {
        let (what, name) = ("flow".to_owned(), body.flow.to_string());
        let error = DefinitionError::Unknown { what, name };
        blames.push(Blame::of("flow", BlameError::Definition(error)));
    }
    let (Some(flow), Some(from), Some(to), true) = (flow, from, to, blames.is_empty()) else {
        return Err(Problem::BadBody(blames));
    };
    Ok(BackfillRequest {
        flow,
        downstream: body.with_downstream,
        from,
        to,
        parallel: body.parallel,
        date_format,
        params: map_to_params(&body.params),
        by: caller.by.clone(),
    })
}

/// Fields that a body must have; a flow has no stand-in.
const REQUIRED: [&str; 2] = ["from", "to"];

/// Tells what a backfill would do, and does nothing.
#[utoipa::path(post, operation_id = "plan_backfill", path = "/api/v1/backfills/plan", tag = "backfills", request_body = BackfillBody, responses(
    (status = 200, body = PlanDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`flow_disabled`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`backfill_range`, `backfill_parallel`"),
))]
pub(super) async fn plan<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<PlanDto>, Problem> {
    let request = request(&app, &caller, body.json(&REQUIRED).await?).await?;
    let plan = app.look(move |engine| engine.plan_backfill(&request));
    let plan = plan.await?.map_err(Problem::Refused)?;
    Ok(Json(plan.into()))
}

/// Starts a backfill.
///
/// With the header `Idempotency-Key`, a repeated request gets the first one's backfill, also from another server on the
/// database, for as long as that backfill is kept.
#[utoipa::path(post, operation_id = "start_backfill", path = "/api/v1/backfills", tag = "backfills", request_body = BackfillBody, params(
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters"),
), responses(
    (status = 201, body = DetailDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`flow_disabled`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`backfill_range`, `backfill_parallel`, `idempotency_key_reused`"),
))]
pub(super) async fn start<H: History + 'static, T: Transport + 'static>(
    app: Arc<App<H, T>>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body,
) -> Result<Created<DetailDto>, Problem> {
    let bytes = body.json_bytes().await?;
    // The same key and body elsewhere is another request.
    let print = [bytes.as_ref(), b"backfill"].concat();
    let start = |key: Option<StartKey>| {
        let (app, bytes, caller) = (Arc::clone(&app), bytes.clone(), caller.clone());
        async move {
            let asked: BackfillBody = body::parse(&bytes, &REQUIRED)?;
            let input = async |app: &App<H, T>| {
                let request = request(app, &caller, asked).await?;
                Ok(Input::Backfill(request))
            };
            start_once(&app, &caller, key, input).await
        }
    };
    let Started::Backfill(id) = app.starts.once(key, &print, start).await? else {
        return Err(Problem::KeyReused);
    };
    Ok(Created {
        location: format!("{BACKFILLS}/{id}"),
        body: find(&app, id).await?,
    })
}

async fn find<H: History, T>(app: &App<H, T>, id: BackfillId) -> Result<DetailDto, Problem> {
    let view = read(app.history.backfill(id)).await?;
    let view = view.ok_or_else(|| unknown(id))?;
    let dates = read(app.history.backfill_dates(id)).await?;
    let backfill = app
        .look(move |engine| BackfillDto::new(engine, &view))
        .await?;
    Ok(DetailDto {
        backfill,
        dates: dates.into_iter().map(DateDto::from).collect(),
    })
}

/// Lists backfills, the latest first.
#[utoipa::path(get, operation_id = "list_backfills", path = "/api/v1/backfills", tag = "backfills", params(
    ("state" = Option<String>, Query, description = "In one of these states; several parted by commas"),
    ("flow" = Option<String>, Query, description = "Of this flow, by name or id; digits are an id"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<BackfillDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<BackfillDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let states: Vec<_> = BackfillState::ALL
        .iter()
        .map(|state| (state.as_str(), *state))
        .collect();
    let wanted = BackfillQuery {
        states: query.words("state", &states),
        flow: flow_in_query(&app, &mut query).await?,
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.backfills(&wanted)).await?;
    let (items, next) = (page.items, page.next);
    let items = app
        .look(move |engine| {
            let items = items.iter();
            items.map(|view| BackfillDto::new(engine, view)).collect()
        })
        .await?;
    Ok(Json(asked.tell_items(items, next)))
}

/// Tells one backfill, and how far each of its dates is.
#[utoipa::path(get, operation_id = "find_backfill", path = "/api/v1/backfills/{id}", tag = "backfills", params(("id" = u64, Path)), responses(
    (status = 200, body = DetailDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: BackfillId,
    app: Arc<App<H, T>>,
) -> Result<Json<DetailDto>, Problem> {
    find(&app, id).await.map(Json)
}

async fn change<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    backfill: BackfillId,
    input: Input,
) -> Result<Json<DetailDto>, Problem> {
    match app.command(caller, input).await {
        Ok(_) => find(app, backfill).await.map(Json),
        // The engine forgets those that have succeeded: the store does not.
        Err(problem) if problem.code() == "unknown_backfill" => {
            let view = read(app.history.backfill(backfill)).await?;
            let view = view.ok_or_else(|| unknown(backfill))?;
            let state = view.row.state;
            Err(Problem::Refused(Rejected::WrongBackfillState {
                backfill,
                state,
            }))
        }
        Err(problem) => Err(problem),
    }
}

/// Stops all that a backfill runs, and begins no other date of it.
#[utoipa::path(post, operation_id = "stop_backfill", path = "/api/v1/backfills/{id}/stop", tag = "backfills", params(("id" = u64, Path)), responses(
    (status = 200, body = DetailDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_backfill_state`: it does not run"),
))]
pub(super) async fn stop<H: History, T: Transport>(
    backfill: BackfillId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<DetailDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let by = caller.by.clone();
    change(
        &app,
        &caller,
        backfill,
        Input::StopBackfill { backfill, by },
    )
    .await
}

/// Begins anew all dates of a failed or stopped backfill that have not succeeded.
#[utoipa::path(post, operation_id = "restart_backfill", path = "/api/v1/backfills/{id}/restart", tag = "backfills", params(("id" = u64, Path)), responses(
    (status = 200, body = DetailDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_backfill_state`: it runs, or has succeeded"),
))]
pub(super) async fn restart<H: History, T: Transport>(
    backfill: BackfillId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<DetailDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let by = caller.by.clone();
    change(
        &app,
        &caller,
        backfill,
        Input::RestartBackfill { backfill, by },
    )
    .await
}
