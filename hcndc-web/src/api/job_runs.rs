//! `/job-runs`: jobs' parts of executions, their attempts, and why they stand where they stand.

use std::sync::Arc;

use hcndc_core::{
    engine::{AttemptRow, Explanation, Hold, HostTrouble, JobRunState, SlotTrouble},
    id::{ExecutionId, FlowRunId, JobId, JobRunId},
    model::Placement,
    port::{History, JobRunQuery, JobRunView, Transport},
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    caller::Caller,
    jobs::FlowName,
    needs::READ,
    page::{Asked, BY_ID, PageDto},
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    revision::to_text_map,
    route::{HandedTo as _, Json, Route, at, at_id, caller, having, query},
    run_text,
    why::Why,
};
use crate::{
    app::App,
    interchange::{Lang, TextMap},
};

const JOB_RUNS: &str = "/api/v1/job-runs";
const JOB_RUN: &str = "/api/v1/job-runs/{id}";
const ATTEMPTS: &str = "/api/v1/job-runs/{id}/attempts";
const EXPLAIN: &str = "/api/v1/job-runs/{id}/explain";
const OF_EXECUTION: &str = "/api/v1/executions/{id}/job-runs";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    vec![
        Route::get(
            JOB_RUNS,
            READ,
            at(JOB_RUNS).and(app.clone()).and(query()).handed_to(list),
        ),
        Route::get(
            JOB_RUN,
            READ,
            at_id(JOB_RUN).and(app.clone()).handed_to(detail),
        ),
        Route::get(
            ATTEMPTS,
            READ,
            at_id(ATTEMPTS)
                .and(app.clone())
                .and(caller())
                .handed_to(attempts),
        ),
        Route::get(
            EXPLAIN,
            READ,
            at_id(EXPLAIN)
                .and(app.clone())
                .and(caller())
                .and(query())
                .handed_to(explain),
        )
        .by_leader(),
        Route::get(
            OF_EXECUTION,
            READ,
            at_id(OF_EXECUTION)
                .and(app)
                .and(query())
                .handed_to(of_execution),
        ),
    ]
}

/// A job by id and name.
#[derive(Debug, Serialize, ToSchema)]
struct JobName {
    /// Its id.
    id: u64,
    /// Its name.
    name: String,
}

/// A job's part of an execution.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRun)]
pub(super) struct JobRunDto {
    /// Its id, for ever.
    #[schema(example = 12)]
    id: u64,
    /// Its execution.
    execution: u64,
    /// Its flow run.
    flow_run: u64,
    /// Its flow, with the name that it had.
    flow: FlowName,
    /// Its job, with the name that it had.
    job: JobName,
    /// The version of the job that it is pinned to.
    job_version: u32,
    /// Where it stands: `blocked`, `queued`, `dispatched`, `running`, `retry_wait`, `succeeded`, `failed`, `killed`,
    /// `upstream_failed` or `skipped`.
    #[schema(value_type = String, example = "running")]
    state: &'static str,
    /// Number of the attempt that it is at; 0 before it was first queued.
    attempt: u32,
    /// When it was last queued.
    queued_at: Option<String>,
    /// When its latest attempt's process started.
    started_at: Option<String>,
    /// When it came to its end.
    ended_at: Option<String>,
    /// Exit code of the latest attempt that had one.
    exit_code: Option<i32>,
    /// When its next attempt may start, while it waits for it.
    retry_at: Option<String>,
    /// Whether the start left it out: it is skipped when its turn comes.
    left_out: bool,
}

impl From<JobRunView> for JobRunDto {
    fn from(view: JobRunView) -> Self {
        let row = view.row;
        Self {
            id: row.id.0,
            execution: row.execution.0,
            flow_run: row.flow_run.0,
            flow: FlowName {
                id: view.flow.0,
                name: view.flow_name,
            },
            job: JobName {
                id: row.job.0,
                name: view.job_name,
            },
            job_version: row.job_version,
            state: row.state.as_str(),
            attempt: row.attempt,
            queued_at: row.queued_at.map(|at| at.to_string()),
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            exit_code: row.exit_code,
            retry_at: row.retry_at.map(|at| at.to_string()),
            left_out: row.left_out,
        }
    }
}

/// A job run with what it has put out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRunDetail)]
pub(super) struct JobRunDetail {
    #[serde(flatten)]
    run: JobRunDto,
    /// What it has put out with `::set-output NAME=VALUE`; null if that is nothing.
    outputs: Option<OutputsDto>,
}

/// What a job run has put out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outputs, example = json!({"attempt": 1, "values": {"rows": "1204"}}))]
pub(super) struct OutputsDto {
    /// Number of the attempt that did: the last that brought the job run to its end.
    attempt: u32,
    /// Values by name.
    values: std::collections::BTreeMap<String, String>,
}

/// One try at a job run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(super) struct AttemptDto {
    /// Its id, for ever.
    id: u64,
    /// Its job run.
    job_run: u64,
    /// Its number in the job run, from 1.
    number: u32,
    /// Id of the executor that it was given to.
    executor: u64,
    /// Slots that it took there.
    slots: u32,
    /// Where it stands: `dispatched`, `running`, `succeeded`, `failed`, `timed_out`, `killed`, `not_started` or `lost`.
    #[schema(value_type = String, example = "succeeded")]
    state: &'static str,
    /// The same in a sentence, in the caller's language.
    message: String,
    /// Whether a kill was asked for.
    kill_asked: bool,
    /// When it was given to its executor.
    dispatched_at: String,
    /// When its process started.
    started_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
    /// Process id, once known.
    pid: Option<u32>,
    /// Exit code, if it exited.
    exit_code: Option<i32>,
    /// Signal, if one ended it.
    signal: Option<i32>,
    /// Why it was not started or was lost, in the executor's words; empty otherwise.
    reason: String,
    /// Largest resident memory of one of its processes; 0 if unknown.
    peak_memory_bytes: u64,
    /// Processor time of all its processes, in seconds; 0 if unknown.
    cpu_seconds: f64,
    /// Bytes of output that it wrote.
    log_bytes: u64,
}

impl AttemptDto {
    pub(super) fn new(row: AttemptRow, lang: Lang) -> Self {
        Self {
            id: row.id.0,
            job_run: row.job_run.0,
            number: row.number,
            executor: row.executor.0,
            slots: row.slots,
            state: row.state.as_str(),
            message: run_text::attempt_end(
                row.state,
                row.exit_code,
                row.signal,
                &row.message,
                lang,
            ),
            kill_asked: row.kill_asked,
            dispatched_at: row.dispatched_at.to_string(),
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            pid: row.pid,
            exit_code: row.exit_code,
            signal: row.signal,
            reason: row.message,
            peak_memory_bytes: row.peak_memory_bytes,
            cpu_seconds: row.cpu_time.as_secs_f64(),
            log_bytes: row.log_bytes,
        }
    }
}

/// Why a job run stands where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(super) struct ExplanationDto {
    /// The job run.
    job_run: u64,
    /// Its state.
    #[schema(value_type = String, example = "blocked")]
    state: &'static str,
    /// Whether its execution is live; if not, only a resume or rerun moves it.
    live: bool,
    /// Where it stands, in a sentence in the caller's language.
    message: String,
    /// All that must change before it moves on; empty when it has started or has settled.
    holds: Vec<HoldDto>,
    /// The earliest time at which it could start, if time is all that holds it.
    earliest: Option<String>,
    /// The latest attempt, if there was one.
    attempt: Option<AttemptDto>,
}

/// One thing that holds a job run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
struct HoldDto {
    #[serde(flatten)]
    hold: HoldKind,
    /// The same in a sentence, in the caller's language.
    #[schema(example = "job extract/orders must succeed first; it is running")]
    message: String,
}

/// What holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum HoldKind {
    /// A parent of its flow has not succeeded.
    Parent {
        flow: u64,
        name: String,
        state: &'static str,
    },
    /// A job that it depends on has not come to the end asked for.
    Dependency {
        job: u64,
        name: String,
        on: super::reference::ConditionDto,
        state: &'static str,
    },
    /// A parent of its flow that takes no part in its execution has not reached its date.
    OutsideParent {
        flow: u64,
        name: String,
        needs: String,
        reached: Option<String>,
    },
    /// Its flow run shares the end of another, which runs.
    Joined { execution: u64, flow_run: u64 },
    /// As many runs of its flow run as may.
    FlowRuns { flow: u64, limit: u32, running: u32 },
    /// A job that it depends on, of a flow that takes no part in its execution or for another date, has not come to the end
    /// asked for.
    OutsideDependency {
        job: u64,
        name: String,
        flow: u64,
        data_date: String,
        on: super::reference::ConditionDto,
        /// The live execution that has the latest run of the flow for that date.
        execution: Option<u64>,
        /// Where the latest run stands; null if there was none.
        #[schema(value_type = Option<String>)]
        state: Option<&'static str>,
        /// When the waiting ends.
        until: Option<String>,
    },
    /// Its next attempt waits for its time.
    Retry { at: String },
    /// What has failed of the flow run waits until it runs again.
    Restart { at: String },
    /// As many attempts live as may.
    GlobalLimit { limit: u32 },
    /// Another execution runs this job for this date.
    SameJobLive { execution: u64, data_date: String },
    /// No executor meets its placement.
    NoExecutor {
        executor: Option<u64>,
        #[schema(value_type = std::collections::BTreeMap<String, String>)]
        labels: TextMap,
    },
    /// An executor that meets its placement cannot take it now: `disabled`, `offline`, `too_small`, `full`, `reserved`.
    Executor {
        executor: u64,
        name: String,
        trouble: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        slots_free: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        slots_needed: Option<u32>,
    },
    /// The pool that it draws from cannot give what it needs now: `too_small`, `full`, `reserved`.
    Pool {
        pool: u64,
        name: String,
        trouble: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        slots_free: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        slots_needed: Option<u32>,
    },
    /// It has its place, and a param of it waits for the answer to its query.
    Param {
        param: u64,
        name: String,
        data_source: u64,
        source: String,
    },
    /// The execution is paused.
    Paused { by: String },
    /// The execution is being stopped.
    Stopping { by: String },
    /// Something else; the message says what.
    Other,
}

/// What there is of slots that cannot be had, and what of them is asked for.
const fn slots_of(trouble: SlotTrouble) -> (&'static str, Option<u32>, Option<u32>) {
    match trouble {
        SlotTrouble::TooSmall { slots, needs } => ("too_small", Some(slots), Some(needs)),
        SlotTrouble::Full { free, needs } => ("full", Some(free), Some(needs)),
        SlotTrouble::Reserved => ("reserved", None, None),
    }
}

impl From<&Hold> for HoldKind {
    fn from(hold: &Hold) -> Self {
        match hold {
            Hold::Parent { flow, name, state } => Self::Parent {
                flow: flow.0,
                name: name.clone(),
                state: state.as_str(),
            },
            Hold::Dependency {
                job,
                name,
                condition,
                state,
            } => Self::Dependency {
                job: job.0,
                name: name.clone(),
                on: (*condition).into(),
                state: state.as_str(),
            },
            Hold::OutsideParent {
                flow,
                name,
                needs,
                reached,
            } => Self::OutsideParent {
                flow: flow.0,
                name: name.clone(),
                needs: needs.to_string(),
                reached: reached.map(|date| date.to_string()),
            },
            Hold::Joined {
                execution,
                flow_run,
            } => Self::Joined {
                execution: execution.0,
                flow_run: flow_run.0,
            },
            Hold::FlowRuns {
                flow,
                limit,
                running,
            } => Self::FlowRuns {
                flow: flow.0,
                limit: *limit,
                running: *running,
            },
            Hold::OutsideDependency {
                job,
                name,
                flow,
                data_date,
                condition,
                execution,
                state,
                until,
            } => Self::OutsideDependency {
                job: job.0,
                name: name.clone(),
                flow: flow.0,
                data_date: data_date.to_string(),
                on: (*condition).into(),
                execution: execution.map(|it| it.0),
                state: state.map(JobRunState::as_str),
                until: until.map(|at| at.to_string()),
            },
            Hold::Restart { at } => Self::Restart { at: at.to_string() },
            Hold::Retry { at } => Self::Retry { at: at.to_string() },
            Hold::GlobalLimit { limit } => Self::GlobalLimit { limit: *limit },
            Hold::SameJobLive {
                execution,
                data_date,
            } => Self::SameJobLive {
                execution: execution.0,
                data_date: data_date.to_string(),
            },
            Hold::NoExecutor { placement } => Self::NoExecutor {
                executor: match placement {
                    Placement::Executor(id) => Some(id.0),
                    Placement::Any | Placement::Labels(_) => None,
                },
                labels: match placement {
                    Placement::Labels(labels) => to_text_map(labels),
                    Placement::Any | Placement::Executor(_) => TextMap::default(),
                },
            },
            Hold::Executor {
                executor,
                name,
                trouble,
            } => {
                let (trouble, slots_free, slots_needed) = match trouble {
                    HostTrouble::Disabled => ("disabled", None, None),
                    HostTrouble::Offline { .. } => ("offline", None, None),
                    HostTrouble::Slots(trouble) => slots_of(*trouble),
                };
                Self::Executor {
                    executor: executor.0,
                    name: name.clone(),
                    trouble,
                    slots_free,
                    slots_needed,
                }
            }
            Hold::Pool {
                pool,
                name,
                trouble,
            } => {
                let (trouble, slots_free, slots_needed) = slots_of(*trouble);
                Self::Pool {
                    pool: pool.0,
                    name: name.clone(),
                    trouble,
                    slots_free,
                    slots_needed,
                }
            }
            Hold::Param {
                param,
                name,
                data_source,
                source,
            } => Self::Param {
                param: param.0,
                name: name.clone(),
                data_source: data_source.0,
                source: source.clone(),
            },
            Hold::Paused { by } => Self::Paused { by: by.clone() },
            Hold::Stopping { by } => Self::Stopping { by: by.clone() },
            _ => Self::Other,
        }
    }
}

/// A job run, or that there is none.
pub(super) async fn find<H: History, T: Transport>(
    app: &App<H, T>,
    id: JobRunId,
) -> Result<JobRunView, Problem> {
    read(app.history.job_run(id))
        .await?
        .ok_or_else(|| id.into())
}

/// Lists job runs.
#[utoipa::path(get, operation_id = "list_job_runs", path = "/api/v1/job-runs", tag = "job runs", params(
    ("execution" = Option<u64>, Query),
    ("flow_run" = Option<u64>, Query),
    ("job" = Option<u64>, Query, description = "Id of a job"),
    ("state" = Option<String>, Query, description = "In one of these states; several parted by commas"),
    ("sort" = Option<String>, Query, description = "`id` (default) or `-id`"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<JobRunDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<JobRunDto>>, Problem> {
    let execution = query.id("execution").map(ExecutionId);
    page(&app, query, execution).await
}

/// Lists the job runs of an execution: `/job-runs?execution=`.
#[utoipa::path(get, operation_id = "list_execution_job_runs", path = "/api/v1/executions/{id}/job-runs", tag = "executions", params(
    ("id" = u64, Path),
    ("flow_run" = Option<u64>, Query),
    ("job" = Option<u64>, Query, description = "Id of a job"),
    ("state" = Option<String>, Query, description = "In one of these states; several parted by commas"),
    ("sort" = Option<String>, Query, description = "`id` (default) or `-id`"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<JobRunDto>),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn of_execution<H: History, T: Transport>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    query: Query,
) -> Result<Json<PageDto<JobRunDto>>, Problem> {
    let answer = page(&app, query, Some(execution)).await?;
    if answer.0.items.is_empty() && read(app.history.execution(execution)).await?.is_none() {
        return Err(execution.into());
    }
    Ok(answer)
}

async fn page<H: History, T: Transport>(
    app: &App<H, T>,
    mut query: Query,
    execution: Option<ExecutionId>,
) -> Result<Json<PageDto<JobRunDto>>, Problem> {
    let asked = Asked::of(&mut query, &BY_ID);
    let states: Vec<_> = JobRunState::ALL
        .iter()
        .map(|state| (state.as_str(), *state))
        .collect();
    let wanted = JobRunQuery {
        execution,
        flow_run: query.id("flow_run").map(FlowRunId),
        job: query.id("job").map(JobId),
        states: query.words("state", &states),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.job_runs(&wanted)).await?;
    Ok(Json(asked.tell(page, JobRunDto::from)))
}

/// Tells one job run, and what it has put out.
#[utoipa::path(get, operation_id = "find_job_run", path = "/api/v1/job-runs/{id}", tag = "job runs", params(("id" = u64, Path)), responses(
    (status = 200, body = JobRunDetail),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: JobRunId,
    app: Arc<App<H, T>>,
) -> Result<Json<JobRunDetail>, Problem> {
    let run = JobRunDto::from(find(&app, id).await?);
    let outputs = read(app.history.outputs(id)).await?;
    Ok(Json(JobRunDetail {
        run,
        outputs: outputs.map(|it| OutputsDto {
            attempt: it.attempt,
            values: it.values,
        }),
    }))
}

/// Lists the attempts of a job run.
#[utoipa::path(get, operation_id = "list_attempts", path = "/api/v1/job-runs/{id}/attempts", tag = "job runs", params(("id" = u64, Path)), responses(
    (status = 200, body = PageDto<AttemptDto>, description = "All of them, by number: `next_cursor` is always null"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn attempts<H: History, T: Transport>(
    id: JobRunId,
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<Json<PageDto<AttemptDto>>, Problem> {
    let rows = read(app.history.attempts(id)).await?;
    if rows.is_empty() {
        find(&app, id).await?;
    }
    let items = rows.into_iter();
    Ok(Json(PageDto {
        items: items.map(|row| AttemptDto::new(row, caller.lang)).collect(),
        next_cursor: None,
    }))
}

/// Tells why a job run stands where it stands.
#[utoipa::path(get, operation_id = "explain_job_run", path = "/api/v1/job-runs/{id}/explain", tag = "job runs", params(
    ("id" = u64, Path),
    ("zone" = Option<String>, Query, description = "The IANA zone of times within the sentences; default: UTC, in the form of the other times"),
), responses(
    (status = 200, body = ExplanationDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn explain<H: History, T: Transport>(
    id: JobRunId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<ExplanationDto>, Problem> {
    let zone = query.zone("zone");
    query.finish()?;
    let explained = app.look(move |engine| engine.explain(id)).await?;
    let live = explained.is_some();
    let view = find(&app, id).await?;
    let explanation = explained.unwrap_or(Explanation {
        state: view.row.state,
        holds: Vec::new(),
        earliest: None,
    });
    // What is stored may be a step behind what the engine knows.
    let why = match view.row.state == explanation.state {
        true => Why::find(&app, &view).await?,
        false => None,
    };
    let attempt = read(app.history.attempts(id)).await?.pop();
    let holds = explanation.holds.iter().map(|hold| HoldDto {
        hold: hold.into(),
        message: run_text::hold(hold, zone, caller.lang),
    });
    Ok(Json(ExplanationDto {
        job_run: id.0,
        state: explanation.state.as_str(),
        live,
        message: match why {
            Some(why) => why.tell(caller.lang),
            None => run_text::standing(explanation.state, caller.lang),
        },
        holds: holds.collect(),
        earliest: explanation.earliest.map(|at| at.to_string()),
        attempt: attempt.map(|row| AttemptDto::new(row, caller.lang)),
    }))
}
