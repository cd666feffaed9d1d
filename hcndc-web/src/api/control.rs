//! What people do to executions and job runs while they run, and after: pause, reset, skip, mark as succeeded, kill; and
//! who did what.

use std::sync::Arc;

use hcndc_core::{
    engine::{ActionRow, Input, Rejected, SettledAs},
    id::{ExecutionId, JobRunId},
    port::{ActionQuery, History, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    executions::{ExecutionDto, NothingBody, find, go_on, live},
    needs::{EXECUTE, READ},
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Json, Route, at_id, body, caller, having, query},
};
use crate::app::App;

const PAUSE: &str = "/api/v1/executions/{id}/pause";
const UNPAUSE: &str = "/api/v1/executions/{id}/unpause";
const RESET: &str = "/api/v1/executions/{id}/reset";
const SKIP: &str = "/api/v1/executions/{id}/skip";
const MARK_SUCCEEDED: &str = "/api/v1/executions/{id}/mark-succeeded";
const ACTIONS: &str = "/api/v1/executions/{id}/actions";
const KILL: &str = "/api/v1/job-runs/{id}/kill";

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
        Route::post(PAUSE, EXECUTE, command(PAUSE).handed_to(pause)),
        Route::post(UNPAUSE, EXECUTE, command(UNPAUSE).handed_to(unpause)),
        Route::post(RESET, EXECUTE, command(RESET).handed_to(reset)),
        Route::post(SKIP, EXECUTE, command(SKIP).handed_to(skip)),
        Route::post(
            MARK_SUCCEEDED,
            EXECUTE,
            command(MARK_SUCCEEDED).handed_to(mark_succeeded),
        ),
        Route::get(
            ACTIONS,
            READ,
            at_id(ACTIONS)
                .and(app.clone())
                .and(query())
                .handed_to(actions),
        ),
        Route::post(
            KILL,
            EXECUTE,
            at_id::<JobRunId>(KILL)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(kill),
        ),
    ]
}

/// Which job runs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobRunsBody, example = json!({"job_runs": [12, 15]}))]
struct JobRunsBody {
    /// Ids of job runs of the execution.
    #[serde(default)]
    job_runs: Vec<u64>,
}

/// One thing that a person did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub(super) struct ActionDto {
    /// Its id; grows with time.
    id: u64,
    /// To which execution.
    execution: u64,
    /// To which job run of it; null if to the whole.
    job_run: Option<u64>,
    /// What: `stop`, `pause`, `unpause`, `resume`, `rerun`, `reset`, `skip`, `mark_succeeded` or `kill`.
    #[schema(value_type = String, example = "skip")]
    kind: &'static str,
    /// Who.
    by: String,
    /// When.
    at: String,
}

impl From<ActionRow> for ActionDto {
    fn from(row: ActionRow) -> Self {
        Self {
            id: row.id.0,
            execution: row.execution.0,
            job_run: row.job_run.map(|it| it.0),
            kind: row.kind.as_str(),
            by: row.by,
            at: row.at.to_string(),
        }
    }
}

/// Lets what runs end, and starts nothing more until the execution is unpaused.
#[utoipa::path(post, operation_id = "pause_execution", path = "/api/v1/executions/{id}/pause", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it does not run"),
))]
pub(super) async fn pause<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let by = caller.by.clone();
    live(&app, &caller, execution, Input::Pause { execution, by }).await
}

/// Lets a paused execution go on.
#[utoipa::path(post, operation_id = "unpause_execution", path = "/api/v1/executions/{id}/unpause", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it is not paused"),
))]
pub(super) async fn unpause<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let by = caller.by.clone();
    live(&app, &caller, execution, Input::Unpause { execution, by }).await
}

/// Runs an execution that has ended anew from its start, also what had succeeded.
#[utoipa::path(post, operation_id = "reset_execution", path = "/api/v1/executions/{id}/reset", tag = "executions", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_state`: it has not ended"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`newer_dependency`"),
))]
pub(super) async fn reset<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let input = Input::Reset {
        execution,
        by: caller.by.clone(),
        archived: None,
    };
    go_on(&app, &caller, execution, input).await
}

/// Settles job runs that wait or have failed as skipped; what failed only because of them runs.
///
/// The execution may run, or have ended: then it goes on.
#[utoipa::path(post, operation_id = "skip_job_runs", path = "/api/v1/executions/{id}/skip", tag = "executions", params(("id" = u64, Path)), request_body = JobRunsBody, responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_job_run_state`: it runs (kill it first), or has come to a good end; `joined_run`; `wrong_state`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`no_job_runs`, `unknown_job_run`, `newer_dependency`"),
))]
pub(super) async fn skip<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    settle(execution, &app, caller, body, SettledAs::Skipped).await
}

/// Settles job runs that wait or have failed as if they had succeeded; what failed only because of them runs.
///
/// The execution may run, or have ended: then it goes on.
#[utoipa::path(post, operation_id = "mark_job_runs_succeeded", path = "/api/v1/executions/{id}/mark-succeeded", tag = "executions", params(("id" = u64, Path)), request_body = JobRunsBody, responses(
    (status = 200, body = ExecutionDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_job_run_state`: it runs (kill it first), or has come to a good end; `joined_run`; `wrong_state`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`no_job_runs`, `unknown_job_run`, `newer_dependency`"),
))]
pub(super) async fn mark_succeeded<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    settle(execution, &app, caller, body, SettledAs::Succeeded).await
}

async fn settle<H: History, T: Transport>(
    execution: ExecutionId,
    app: &App<H, T>,
    caller: Caller,
    body: Body,
    settled: SettledAs,
) -> Result<Json<ExecutionDto>, Problem> {
    let body: JobRunsBody = body.optional_json().await?;
    let input = Input::Settle {
        execution,
        job_runs: body.job_runs.into_iter().map(JobRunId).collect(),
        settled,
        by: caller.by.clone(),
        archived: None,
    };
    go_on(app, &caller, execution, input).await
}

/// Lists what people did to an execution and to its job runs, the latest first.
#[utoipa::path(get, operation_id = "list_actions", path = "/api/v1/executions/{id}/actions", tag = "executions", params(
    ("id" = u64, Path),
    ("job_run" = Option<u64>, Query, description = "Only to this job run"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<ActionDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn actions<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<ActionDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let wanted = ActionQuery {
        execution: Some(execution),
        job_run: query.id("job_run").map(JobRunId),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.actions(&wanted)).await?;
    if page.items.is_empty() && read(app.history.execution(execution)).await?.is_none() {
        return Err(execution.into());
    }
    Ok(Json(asked.tell(page, ActionDto::from)))
}

/// Ends one job run, without a retry; its execution goes on as after a failure.
#[utoipa::path(post, operation_id = "kill_job_run", path = "/api/v1/job-runs/{id}/kill", tag = "job runs", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutionDto, description = "Its execution; what runs is being killed"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_job_run_state`: it neither runs nor is queued; `wrong_state`"),
))]
pub(super) async fn kill<H: History, T: Transport>(
    job_run: JobRunId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutionDto>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let known = read(app.history.job_run(job_run)).await?;
    let known = known.ok_or_else(|| Problem::from(job_run))?;
    let (execution, state) = (known.row.execution, known.row.state);
    let by = caller.by.clone();
    match app.command(&caller, Input::Kill { job_run, by }).await {
        Ok(_) => find(&app, execution).await.map(Json),
        // The engine does not know what belongs to an execution that has ended.
        Err(problem) if problem.code() == "unknown_job_run" => {
            Err(Problem::Refused(Rejected::WrongJobRunState {
                job_run,
                state,
            }))
        }
        Err(problem) => Err(problem),
    }
}
