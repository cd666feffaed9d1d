//! `/executions`: what was started, and what people do to it.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{ExecutionState, Input, JobRunState, Reply, Start, Started, TriggerKind},
    id::{BackfillId, ExecutionId, FlowId, JobId, JobRunId, ScheduleId},
    model::DefinitionError,
    port::{ExecutionQuery, ExecutionView, FlowRunView, History, StartKey, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::{self, Body},
    caller::Caller,
    dates::{data_date, date_format},
    jobs::{FlowName, flow_in_query},
    needs::{EXECUTE, READ},
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    reference::Reference,
    revision::{map_to_params, params_to_map},
    route::{Created, HandedTo as _, Json, Route, at, at_id, body, caller, having, query},
    starts::{IdempotencyKey, idempotency_key},
};
use crate::{app::App, interchange::TextMap};

const EXECUTIONS: &str = "/api/v1/executions";
const EXECUTION: &str = "/api/v1/executions/{id}";
const STOP: &str = "/api/v1/executions/{id}/stop";
const RESUME: &str = "/api/v1/executions/{id}/resume";
const RERUN: &str = "/api/v1/executions/{id}/rerun";
const FLOW_RUNS: &str = "/api/v1/executions/{id}/flow-runs";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let command = |template| {
        at_id::<ExecutionId>(template)
            .and(app.clone())
            .and(caller())
            .and(body())
    };
    vec![
        Route::get(
            EXECUTIONS,
            READ,
            at(EXECUTIONS).and(app.clone()).and(query()).handed_to(list),
        ),
        Route::post(
            EXECUTIONS,
            EXECUTE,
            at(EXECUTIONS)
                .and(app.clone())
                .and(caller())
                .and(idempotency_key())
                .and(body())
                .handed_to(start),
        ),
        Route::get(
            EXECUTION,
            READ,
            at_id(EXECUTION).and(app.clone()).handed_to(detail),
        ),
        Route::post(STOP, EXECUTE, command(STOP).handed_to(stop)),
        Route::post(RESUME, EXECUTE, command(RESUME).handed_to(resume)),
        Route::post(RERUN, EXECUTE, command(RERUN).handed_to(rerun)),
        Route::get(
            FLOW_RUNS,
            READ,
            at_id(FLOW_RUNS).and(app).handed_to(flow_runs),
        ),
    ]
}

/// A manual start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StartBody, example = json!({"flows": ["extract", "load"], "data_date": "2026-11-21"}))]
struct StartBody {
    /// Flows to run, by name or id, all in one execution.
    #[serde(default)]
    flows: Vec<Reference>,
    /// The same, for one.
    #[serde(default)]
    flow: Option<Reference>,
    /// Only these jobs, as `flow/job` or by id; all others of their flows are left out. Such a run moves no data date, and
    /// waits for nothing outside of it. Default: all jobs of the flows.
    #[serde(default)]
    jobs: Option<Vec<Reference>>,
    /// With all flows downstream of them. Default: false.
    #[serde(default)]
    with_downstream: bool,
    /// The date that it is for. Default: yesterday in the server's zone.
    #[serde(default)]
    data_date: Option<String>,
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

/// A body that says nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NothingBody {}

/// What to run again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RerunBody, example = json!({"from": [12]}))]
struct RerunBody {
    /// Ids of job runs: they and all below them run again.
    #[serde(default)]
    from: Vec<u64>,
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExecutionState)]
pub(super) enum StateDto {
    /// Jobs run or may run.
    Running,
    /// What runs may end; nothing starts until a person lets it go on.
    Paused,
    /// Its jobs are being killed.
    Stopping,
    /// All of its flow runs succeeded.
    Succeeded,
    /// Nothing more of it can run, and something failed.
    Failed,
    /// A person ended it.
    Stopped,
}

impl From<ExecutionState> for StateDto {
    fn from(state: ExecutionState) -> Self {
        match state {
            ExecutionState::Running => Self::Running,
            ExecutionState::Paused => Self::Paused,
            ExecutionState::Stopping => Self::Stopping,
            ExecutionState::Succeeded => Self::Succeeded,
            ExecutionState::Failed => Self::Failed,
            ExecutionState::Stopped => Self::Stopped,
        }
    }
}

/// What started an execution.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExecutionTrigger)]
enum TriggerDto {
    /// A person or a program, by hand.
    Manual,
    /// A schedule, at one of its times.
    Schedule,
    /// A schedule, because a file came.
    File,
    /// A schedule, because flows reached a date.
    DataDate,
    /// A backfill, for one of its dates.
    Backfill,
    /// A delivery to a webhook.
    Webhook,
}

impl From<TriggerKind> for TriggerDto {
    fn from(trigger: TriggerKind) -> Self {
        match trigger {
            TriggerKind::Manual => Self::Manual,
            TriggerKind::Schedule => Self::Schedule,
            TriggerKind::File => Self::File,
            TriggerKind::DataDate => Self::DataDate,
            TriggerKind::Backfill => Self::Backfill,
            TriggerKind::Webhook => Self::Webhook,
        }
    }
}

/// An execution: what one start set going.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Execution)]
pub(super) struct ExecutionDto {
    /// Its id, for ever.
    #[schema(example = 9)]
    id: u64,
    /// Where it stands.
    state: StateDto,
    /// What started it.
    trigger: TriggerDto,
    /// The schedule that it belongs to.
    schedule: Option<u64>,
    /// The fire time that it stands for.
    fire_time: Option<String>,
    /// The backfill that it is a date of.
    backfill: Option<u64>,
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// How dates are written in commands where a placeholder does not say so itself; null for `%Y-%m-%d`.
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
    /// Values that go before the flows' and jobs' own.
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
    /// Who started it, or went on with it last.
    started_by: String,
    /// When it was started.
    started_at: String,
    /// When it ended, if it did.
    ended_at: Option<String>,
    /// Who asked to stop it.
    stopped_by: Option<String>,
    /// Who paused it, while it is paused.
    paused_by: Option<String>,
    /// Who last made it go on after an end: resumed, reran or reset it, or settled a job run of it.
    resumed_by: Option<String>,
    /// How often it went on after an end.
    resumes: u32,
    /// Whether its start asked for some jobs only.
    partial: bool,
    /// Flows that take part, with the names that they had.
    flows: Vec<FlowName>,
    /// Job runs by state; states with none are left out.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"running": 1, "succeeded": 4}))]
    job_runs: BTreeMap<&'static str, u64>,
    /// How far it is.
    progress: ProgressDto,
}

/// How far an execution is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Progress)]
struct ProgressDto {
    /// Its job runs.
    total: u64,
    /// Those that came to an end, whichever.
    settled: u64,
}

/// A flow's part of an execution.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlowRun)]
pub(super) struct FlowRunDto {
    /// Its id, for ever.
    id: u64,
    /// Its execution.
    execution: u64,
    /// Its flow, with the name that it had.
    flow: FlowName,
    /// The version of the flow that it is pinned to.
    flow_version: u32,
    /// Where it stands: `waiting`, `running`, `succeeded`, `failed` or `stopped`.
    #[schema(value_type = String, example = "running")]
    state: &'static str,
    /// When it started, if it did.
    started_at: Option<String>,
    /// When it ended, if it did.
    ended_at: Option<String>,
    /// The flow run whose end it shares, if it has joined one.
    joined_to: Option<u64>,
    /// How often what had failed of it ran again by itself.
    restarts: u32,
    /// When what has failed of it runs again, if it waits for that.
    restart_at: Option<String>,
    /// Whether it took longer than its flow's timeout.
    timed_out: bool,
    /// Job runs by state; states with none are left out.
    #[schema(value_type = BTreeMap<String, u64>)]
    job_runs: BTreeMap<&'static str, u64>,
}

fn by_state(counts: &BTreeMap<JobRunState, u64>) -> BTreeMap<&'static str, u64> {
    counts
        .iter()
        .map(|(state, count)| (state.as_str(), *count))
        .collect()
}

impl From<ExecutionView> for ExecutionDto {
    fn from(view: ExecutionView) -> Self {
        let row = view.row;
        let settled = view.job_runs.iter().filter(|(state, _)| state.is_settled());
        let flows = view.flows.into_iter();
        Self {
            id: row.id.0,
            state: row.state.into(),
            trigger: row.trigger.into(),
            schedule: row.schedule.map(|id| id.0),
            fire_time: row.fire_time.map(|at| at.to_string()),
            backfill: row.backfill.map(|id| id.0),
            data_date: row.data_date.to_string(),
            date_format: row.date_format.map(|it| it.to_string()),
            params: params_to_map(&row.params),
            started_by: row.started_by,
            started_at: row.started_at.to_string(),
            ended_at: row.ended_at.map(|at| at.to_string()),
            stopped_by: row.stopped_by,
            paused_by: row.paused_by,
            resumed_by: row.resumed_by,
            resumes: row.resumes,
            partial: row.partial,
            flows: flows
                .map(|(id, name)| FlowName { id: id.0, name })
                .collect(),
            job_runs: by_state(&view.job_runs),
            progress: ProgressDto {
                total: view.job_runs.values().sum(),
                settled: settled.map(|(_, count)| count).sum(),
            },
        }
    }
}

impl From<FlowRunView> for FlowRunDto {
    fn from(view: FlowRunView) -> Self {
        let row = view.row;
        Self {
            id: row.id.0,
            execution: row.execution.0,
            flow: FlowName {
                id: row.flow.0,
                name: view.flow_name,
            },
            flow_version: row.flow_version,
            state: row.state.as_str(),
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            joined_to: row.joined_to.map(|other| other.0),
            restarts: row.restarts,
            restart_at: row.restart_at.map(|at| at.to_string()),
            timed_out: row.timed_out,
            job_runs: by_state(&view.job_runs),
        }
    }
}

pub(super) async fn find<H: History, T: Transport>(
    app: &App<H, T>,
    id: ExecutionId,
) -> Result<ExecutionDto, Problem> {
    let view = read(app.history.execution(id)).await?;
    view.map(ExecutionDto::from)
        .ok_or_else(|| Problem::from(id))
}

/// Lists executions, the latest first.
#[utoipa::path(get, operation_id = "list_executions", path = "/api/v1/executions", tag = "executions", params(
    ("state" = Option<String>, Query, description = "In one of these states; several parted by commas"),
    ("flow" = Option<String>, Query, description = "That this flow takes part in, by name or id; digits are an id"),
    ("data_date_from" = Option<String>, Query),
    ("data_date_to" = Option<String>, Query),
    ("schedule" = Option<u64>, Query, description = "That belong to this schedule"),
    ("backfill" = Option<u64>, Query, description = "That are dates of this backfill"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<ExecutionDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<ExecutionDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let states: Vec<_> = ExecutionState::ALL
        .iter()
        .map(|state| (state.as_str(), *state))
        .collect();
    let wanted = ExecutionQuery {
        states: query.words("state", &states),
        flow: flow_in_query(&app, &mut query).await?,
        data_date_from: query.date("data_date_from"),
        data_date_to: query.date("data_date_to"),
        schedule: query.id("schedule").map(ScheduleId),
        backfill: query.id("backfill").map(BackfillId),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.executions(&wanted)).await?;
    Ok(Json(asked.tell(page, ExecutionDto::from)))
}

/// Starts flows, all in one execution.
///
/// With the header `Idempotency-Key`, a repeated request gets the first one's execution, also from another server on
/// the database, for as long as that execution is kept.
#[utoipa::path(post, operation_id = "start_execution", path = "/api/v1/executions", tag = "executions", request_body = StartBody, params(
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters"),
), responses(
    (status = 201, body = ExecutionDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`flow_disabled`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_flow`, `no_flows`, `idempotency_key_reused`"),
))]
pub(super) async fn start<H: History + 'static, T: Transport + 'static>(
    app: Arc<App<H, T>>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body,
) -> Result<Created<ExecutionDto>, Problem> {
    let bytes = body.json_bytes().await?;
    let start = |key: Option<StartKey>| {
        let (app, bytes, caller) = (Arc::clone(&app), bytes.clone(), caller.clone());
        async move {
            let body: StartBody = body::parse(&bytes, &[])?;
            let input =
                async |app: &App<H, T>| to_start(app, &caller, body).await.map(Input::Start);
            start_once(&app, &caller, key, input).await
        }
    };
    let id = execution_of(app.starts.once(key, &bytes, start).await?)?;
    Ok(Created {
        location: format!("{EXECUTIONS}/{id}"),
        body: find(&app, id).await?,
    })
}

/// The execution, if it is one that was started; a key of something else stands for another request.
pub(super) const fn execution_of(started: Started) -> Result<ExecutionId, Problem> {
    match started {
        Started::Execution(id) => Ok(id),
        Started::Backfill(_) => Err(Problem::KeyReused),
    }
}

/// Starts something for a caller who may, unless what was asked for under the same key is stored; and writes it down.
pub(super) async fn start_once<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    key: Option<StartKey>,
    input: impl AsyncFnOnce(&App<H, T>) -> Result<Input, Problem>,
) -> Result<Started, Problem> {
    if let Some(key) = &key
        && let Some(known) = read(app.history.start_key(&key.key)).await?
    {
        return match known.print == key.print {
            true => Ok(known.started),
            false => Err(Problem::KeyReused),
        };
    }
    let input = input(app).await?;
    app.may_command(caller, &input).await?;
    let before = app.before(&input).await;
    // Waits as long as it takes: who gives up earlier is told so by `once`.
    let reply = match key {
        Some(key) => app.scheduler.start(input, key).await?,
        None => app.scheduler.command(input).await?,
    };
    app.carried_out(caller, before, &reply).await;
    match reply {
        Reply::Started(id) => Ok(Started::Execution(id)),
        Reply::BackfillStarted(id) => Ok(Started::Backfill(id)),
        Reply::Done | Reply::Edited(_) => Err(Problem::Internal),
    }
}

async fn to_start<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    body: StartBody,
) -> Result<Start, Problem> {
    let mut blames = Vec::new();
    let data_date = data_date(body.data_date.as_deref(), &mut blames);
    let data_date = data_date.unwrap_or_else(|| app.yesterday());
    let date_format = date_format(body.date_format.as_deref(), &mut blames);
    blames.extend(body.params.iter().flat_map(param_faults));
    let mut flows = body.flows;
    flows.extend(body.flow);
    let named = flows.clone();
    let found: Vec<Option<FlowId>> = app
        .look(move |engine| named.iter().map(|flow| flow.find_flow(engine)).collect())
        .await?;
    for (flow, _) in flows.iter().zip(&found).filter(|(_, id)| id.is_none()) {
        let (what, name) = ("flow".to_owned(), flow.to_string());
        let error = DefinitionError::Unknown { what, name };
        blames.push(Blame::of("flows", BlameError::Definition(error)));
    }
    let jobs = match body.jobs {
        None => None,
        Some(jobs) => {
            let named = jobs.clone();
            let found: Vec<Option<JobId>> = app
                .look(move |engine| named.iter().map(|job| job.find_job(engine)).collect())
                .await?;
            for (job, _) in jobs.iter().zip(&found).filter(|(_, id)| id.is_none()) {
                let (what, name) = ("job".to_owned(), job.to_string());
                let error = DefinitionError::Unknown { what, name };
                blames.push(Blame::of("jobs", BlameError::Definition(error)));
            }
            Some(found.into_iter().flatten().collect())
        }
    };
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    Ok(Start {
        flows: found.into_iter().flatten().collect(),
        jobs,
        downstream: body.with_downstream,
        data_date,
        date_format,
        params: map_to_params(&body.params),
        trigger: TriggerKind::Manual,
        by: caller.by.clone(),
    })
}

/// What is wrong with a param: the engine trusts those of a start.
pub(super) fn param_faults((name, value): (&str, &str)) -> Option<Blame> {
    let mut chars = name.chars();
    let fits = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-'))
        && name.len() <= 255;
    let error = if !fits {
        let value = name.to_owned();
        DefinitionError::BadKey { value }
    } else if value.contains('\0') {
        DefinitionError::Nul
    } else {
        return None;
    };
    Some(Blame::of(
        format!("params.{name}"),
        BlameError::Definition(error),
    ))
}

/// Tells one execution, and how far it is.
#[utoipa::path(get, operation_id = "find_execution", path = "/api/v1/executions/{id}", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: ExecutionId,
    app: Arc<App<H, T>>,
) -> Result<Json<ExecutionDto>, Problem> {
    find(&app, id).await.map(Json)
}

/// Kills what runs, and ends the execution.
#[utoipa::path(post, operation_id = "stop_execution", path = "/api/v1/executions/{id}/stop", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto, description = "`stopping` until what runs has ended"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it has ended, or is being stopped"),
))]
pub(super) async fn stop<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let by = caller.by.clone();
    live(&app, &caller, execution, Input::Stop { execution, by }).await
}

/// Does something to a live execution.
pub(super) async fn live<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    execution: ExecutionId,
    input: Input,
) -> Result<Json<ExecutionDto>, Problem> {
    if let Err(problem) = app.command(caller, input).await {
        return Err(ended_problem(app, execution, problem).await);
    }
    find(app, execution).await.map(Json)
}

/// The engine does not know an execution that has ended: the store does.
async fn ended_problem<H: History, T: Transport>(
    app: &App<H, T>,
    execution: ExecutionId,
    problem: Problem,
) -> Problem {
    if problem.code() != "unknown_execution" {
        return problem;
    }
    match read(app.history.execution(execution)).await {
        Ok(Some(view)) => Problem::Refused(hcndc_core::engine::Rejected::WrongState {
            execution,
            state: view.row.state,
        }),
        Ok(None) => execution.into(),
        Err(problem) => problem,
    }
}

/// Goes on with a failed or stopped execution where it broke.
///
/// Job runs that succeeded are not run again; definitions of the rest are read afresh.
#[utoipa::path(post, operation_id = "resume_execution", path = "/api/v1/executions/{id}/resume", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it runs, or succeeded"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`newer_dependency`"),
))]
pub(super) async fn resume<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let input = Input::Resume {
        execution,
        by: caller.by.clone(),
        archived: None,
    };
    go_on(&app, &caller, execution, input).await
}

/// Runs job runs of an execution that has ended, and all below them, again.
#[utoipa::path(post, operation_id = "rerun_execution", path = "/api/v1/executions/{id}/rerun", tag = "executions", params(("id" = u64, Path)), request_body = RerunBody, responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it has not ended"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`no_job_runs`, `unknown_job_run`, `newer_dependency`"),
))]
pub(super) async fn rerun<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let body: RerunBody = body.optional_json().await?;
    let input = Input::Rerun {
        execution,
        from: body.from.into_iter().map(JobRunId).collect(),
        by: caller.by.clone(),
        archived: None,
    };
    go_on(&app, &caller, execution, input).await
}

pub(super) async fn go_on<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    execution: ExecutionId,
    input: Input,
) -> Result<Json<ExecutionDto>, Problem> {
    app.command(caller, input)
        .await
        .map_err(|problem| match problem.code() {
            "unknown_execution" => execution.into(),
            _ => problem,
        })?;
    find(app, execution).await.map(Json)
}

/// Lists the flow runs of an execution.
#[utoipa::path(get, operation_id = "list_flow_runs", path = "/api/v1/executions/{id}/flow-runs", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = PageDto<FlowRunDto>, description = "All of them: `next_cursor` is always null"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn flow_runs<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
) -> Result<Json<PageDto<FlowRunDto>>, Problem> {
    let runs = read(app.history.flow_runs(execution)).await?;
    if runs.is_empty() {
        find(&app, execution).await?;
    }
    Ok(Json(PageDto {
        items: runs.into_iter().map(FlowRunDto::from).collect(),
        next_cursor: None,
    }))
}
