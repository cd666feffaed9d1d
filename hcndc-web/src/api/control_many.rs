//! The same for many executions at once: each has an outcome of its own.

use std::sync::Arc;

use hcndc_core::{
    engine::{ExecutionState, Input},
    id::ExecutionId,
    port::{History, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    executions::{ExecutionDto, go_on, live},
    needs::EXECUTE,
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, body, caller, having},
};
use crate::{app::App, interchange};

const STOP: &str = "/api/v1/executions/stop";
const PAUSE: &str = "/api/v1/executions/pause";
const RESUME: &str = "/api/v1/executions/resume";

/// Executions of one request at most.
const MOST: usize = 200;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = |template| at(template).and(having(app)).and(caller()).and(body());
    vec![
        Route::post(STOP, EXECUTE, args(STOP).handed_to(stop)),
        Route::post(PAUSE, EXECUTE, args(PAUSE).handed_to(pause)),
        Route::post(RESUME, EXECUTE, args(RESUME).handed_to(resume)),
    ]
}

/// Which executions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExecutionsBody, example = json!({"ids": [9, 12]}))]
pub(super) struct ExecutionsBody {
    /// Their ids, at most 200.
    #[serde(default)]
    ids: Vec<u64>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcomes {
    /// In the order in which they were named.
    items: Vec<Outcome>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExecutionOutcome)]
struct Outcome {
    /// Which.
    id: u64,
    /// The execution, if it was done.
    execution: Option<ExecutionDto>,
    /// Why it was not done.
    problem: Option<ProblemDto>,
}

/// What is done to each.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Stop,
    Pause,
    Resume,
}

async fn each<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    body: Body,
    deed: Deed,
) -> Result<Json<Outcomes>, Problem> {
    let body: ExecutionsBody = body.json(&[]).await?;
    if body.ids.len() > MOST {
        let problem = interchange::Problem::OutOfRange {
            min: 0,
            max: MOST as i64,
            found: body.ids.len().to_string(),
        };
        let blame = Blame::of("ids", BlameError::Shape(problem));
        return Err(Problem::BadBody(vec![blame]));
    }
    let mut items = Vec::with_capacity(body.ids.len());
    for id in body.ids {
        let done = one(app, ExecutionId(id), caller, deed).await;
        let (execution, problem) = match done {
            Ok(execution) => (Some(execution), None),
            Err(problem) => (None, Some(problem.to_dto(caller.lang))),
        };
        items.push(Outcome {
            id,
            execution,
            problem,
        });
    }
    Ok(Json(Outcomes { items }))
}

async fn one<H: History, T: Transport>(
    app: &App<H, T>,
    execution: ExecutionId,
    caller: &Caller,
    deed: Deed,
) -> Result<ExecutionDto, Problem> {
    let by = caller.by.clone();
    let Json(told) = match deed {
        Deed::Stop => live(app, caller, execution, Input::Stop { execution, by }).await?,
        Deed::Pause => live(app, caller, execution, Input::Pause { execution, by }).await?,
        Deed::Resume => {
            let view = read(app.history.execution(execution)).await?;
            let state = view.ok_or_else(|| Problem::from(execution))?.row.state;
            if state == ExecutionState::Paused {
                live(app, caller, execution, Input::Unpause { execution, by }).await?
            } else {
                let archived = None;
                let input = Input::Resume {
                    execution,
                    by,
                    archived,
                };
                go_on(app, caller, execution, input).await?
            }
        }
    };
    Ok(told)
}

/// Kills what runs of these executions, and ends them; each by itself.
#[utoipa::path(post, operation_id = "stop_executions", path = "/api/v1/executions/stop", tag = "executions", request_body = ExecutionsBody, responses(
    (status = 200, body = Outcomes),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn stop<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Outcomes>, Problem> {
    each(&app, &caller, body, Deed::Stop).await
}

/// Lets what runs of these executions end, and starts nothing more; each by itself.
#[utoipa::path(post, operation_id = "pause_executions", path = "/api/v1/executions/pause", tag = "executions", request_body = ExecutionsBody, responses(
    (status = 200, body = Outcomes),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn pause<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Outcomes>, Problem> {
    each(&app, &caller, body, Deed::Pause).await
}

/// Lets paused executions go on, and continues failed or stopped ones where they broke; each by itself.
#[utoipa::path(post, operation_id = "resume_executions", path = "/api/v1/executions/resume", tag = "executions", request_body = ExecutionsBody, responses(
    (status = 200, body = Outcomes),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn resume<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Outcomes>, Problem> {
    each(&app, &caller, body, Deed::Resume).await
}
