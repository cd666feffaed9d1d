//! `/jobs`: commands, and what ties them together.

use std::sync::Arc;

use hcndc_core::{
    engine::{DefinitionId, Engine},
    id::{FlowId, JobId},
    model::{
        DefinitionError, Edit, FlowRef, Job, JobDraft, JobParam, OutputSource, Param, Placement,
        PlacementDraft, Retry,
    },
    port::{History, JobQuery, JobView, Page, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    definition::{or_unknown, retry_stale, yes},
    draft::Wanted,
    needs::{READ, WRITE},
    page::{Asked, NAMED, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    reference::{DependencyDto, Reference},
    revision::{RevisionDto, to_btree, to_span, to_text_map},
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
};
use crate::{
    app::App,
    interchange::{
        self, JobRetry, MeshHttp, MeshKettle, MeshOutput, MeshParamValue, MeshParams, MeshSql,
        MeshWork, Span, TextMap, job_params,
    },
};

const JOBS: &str = "/api/v1/jobs";
const JOB: &str = "/api/v1/jobs/{id}";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at_id::<JobId>(JOB).and(app.clone());
    let change = one.clone().and(caller()).and(body());
    vec![
        Route::get(
            JOBS,
            READ,
            at(JOBS).and(app.clone()).and(query()).handed_to(list),
        )
        .by_leader(),
        Route::post(
            JOBS,
            WRITE,
            at(JOBS)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(create),
        ),
        Route::get(JOB, READ, one.clone().handed_to(detail)).by_leader(),
        Route::new(Method::PUT, JOB, WRITE, change.clone().handed_to(replace)),
        Route::new(Method::PATCH, JOB, WRITE, change.handed_to(patch)),
        Route::new(
            Method::DELETE,
            JOB,
            WRITE,
            one.and(caller()).and(query()).handed_to(delete),
        ),
    ]
}

/// A job as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobBody, example = json!({"flow": "load", "name": "orders", "command": "sh load.sh ${date}",
    "depends_on": ["extract/orders"], "params": {"rows": {"output": "extract/orders", "default": "0"}}, "retry": {"max": 2, "delay": "10s"}, "timeout": "1h"}))]
pub(super) struct JobBody {
    /// The flow that it belongs to, by name or id; for ever. Must be given for a new job.
    #[serde(default, skip_serializing)]
    pub(super) flow: Option<Reference>,
    /// Name, unique within the flow: 1 to 255 characters, no control characters, no space at either end.
    pub(super) name: String,
    /// Text for people.
    #[serde(default)]
    description: String,
    /// Command line for the shell; empty where the job does one of `http`, `sql` and `kettle` instead.
    #[serde(default)]
    command: String,
    /// A request to send. Its params are values for placeholders.
    #[serde(default)]
    http: Option<MeshHttp>,
    /// Statements to run on a data source. Its params are values for placeholders.
    #[serde(default)]
    sql: Option<MeshSql>,
    /// What Kettle runs. Its params are values for placeholders.
    #[serde(default)]
    kettle: Option<MeshKettle>,
    /// Directory in which the command runs. Default: the flow's.
    #[serde(default)]
    workdir: String,
    /// Jobs that this one waits for.
    #[serde(default)]
    pub(super) depends_on: Vec<DependencyDto>,
    /// Params, in the order in which they are appended to the command; `{"shared": true}` takes the shared param of that
    /// name, `{"output": "extract/orders"}` what that job puts out under that name.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, ParamSchema>)]
    params: MeshParams,
    /// Environment variables.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    env: TextMap,
    /// Exit codes that mean success. Default: 0 alone.
    #[serde(default = "zero_alone")]
    success_codes: Vec<u8>,
    /// How failed attempts are repeated. Default: not at all.
    #[serde(default)]
    #[schema(value_type = Option<RetrySchema>)]
    retry: Option<JobRetry>,
    /// How long an attempt may take before it is killed. Default: without end.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "1h30m")]
    timeout: Option<Span>,
    /// Among waiting jobs, those with a higher priority go first; added to the flow's.
    #[serde(default)]
    priority: i32,
    /// How many of its executor's slots it takes while it runs: 1 to 1000. Default: 1.
    #[serde(default = "one")]
    slots: u32,
    /// The executor that runs it, by name or id; not together with `labels`. Default: any.
    #[serde(default)]
    executor: Option<Reference>,
    /// Labels that its executor must have, all of them.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: TextMap,
    /// The pool whose slots it takes while it runs, by name or id. Default: none.
    #[serde(default)]
    pool: Option<Reference>,
    /// How many of the pool's slots it takes: 1 to 1000. Default: 1.
    #[serde(default = "one")]
    pool_slots: u32,
    /// How long it usually takes, for forecasts that know no earlier run. Default: unknown.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "40m")]
    expected: Option<Span>,
    /// Whether it runs. Default: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// For changes: refused unless the job is at this version.
    #[serde(default, skip_serializing)]
    pub(super) version: Option<u32>,
}

/// How failed attempts are repeated.
#[derive(ToSchema)]
#[schema(as = Retry)]
#[expect(dead_code, reason = "it only describes the one of mesh files")]
struct RetrySchema {
    /// How many attempts may follow the first: 0 to 100.
    max: u32,
    /// Wait before the first retry. Default: none.
    #[schema(example = "10s")]
    delay: Option<String>,
    /// Factor by which each wait is longer than the one before. Default: 1.
    backoff: Option<f64>,
    /// Longest wait. Default: without limit.
    cap: Option<String>,
}

/// The value of a job's param.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = ParamValue)]
#[expect(dead_code, reason = "it only describes the one of mesh files")]
enum ParamSchema {
    /// A text.
    Text(String),
    /// That of the shared param of this name.
    Shared { shared: bool },
    /// What another job puts out.
    Output {
        /// The job that puts it out, as in `depends_on`: by name or id. This one must depend on it for the same data date,
        /// directly or through others.
        #[schema(value_type = Reference)]
        output: Reference,
        /// The value's name there. Default: that of the param.
        name: Option<String>,
        /// What holds if that job did not run in the execution, or put out no such value. Default: none; the run fails then.
        default: Option<String>,
    },
}

/// A flow by id and name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FlowName {
    /// Its id.
    pub(super) id: u64,
    /// Its name.
    pub(super) name: String,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobDto {
    /// Its id, for ever.
    #[schema(example = 5)]
    id: u64,
    /// The flow that it belongs to.
    flow: FlowName,
    #[serde(flatten)]
    pub(super) body: JobBody,
    #[serde(flatten)]
    pub(super) revision: RevisionDto,
}

fn zero_alone() -> Vec<u8> {
    vec![0]
}

const fn one() -> u32 {
    1
}

impl JobBody {
    /// What can be told without looking at the engine.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut blames = Vec::new();
        if self.executor.is_some() && !self.labels.is_empty() {
            let error = BlameError::Shape(interchange::Problem::ExecutorAndLabels);
            blames.push(Blame::of("executor", error));
        }
        if let Some(retry) = &self.retry
            && !(1.0..=100.0).contains(&retry.backoff)
        {
            let error = interchange::Problem::BadBackoff {
                found: retry.backoff,
                max: 100.0,
            };
            blames.push(Blame::of("retry.backoff", BlameError::Shape(error)));
        }
        match self.work().count() {
            // The engine says so of a blank one, too.
            0 if self.command.is_empty() => {
                let field = "command".to_owned();
                let error = BlameError::Shape(interchange::Problem::MissingField { field });
                blames.push(Blame::of("", error));
            }
            0 | 1 => {}
            _ => blames.push(Blame::of(
                "",
                BlameError::Shape(interchange::Problem::SeveralKinds),
            )),
        }
        if self.success_codes.is_empty() {
            let error = BlameError::Shape(interchange::Problem::NoSuccessCodes);
            blames.push(Blame::of("success_codes", error));
        }
        if blames.is_empty() {
            Ok(())
        } else {
            Err(Problem::BadBody(blames))
        }
    }

    fn work(&self) -> MeshWork {
        MeshWork {
            http: self.http.clone(),
            sql: self.sql.clone(),
            kettle: self.kettle.clone(),
        }
    }

    /// As the engine takes it.
    pub(super) fn draft(self, id: Option<JobId>, flow: FlowRef, engine: &Engine) -> JobDraft {
        let kind = self.work().kind();
        let placement = match self.executor {
            Some(executor) => PlacementDraft::Executor(executor.executor()),
            None if self.labels.is_empty() => PlacementDraft::Any,
            None => PlacementDraft::Labels(to_btree(&self.labels)),
        };
        let own_flow = match &flow {
            FlowRef::Id(id) => engine.flow(*id).map_or("", |flow| &flow.name),
            FlowRef::Name(name) => name,
        };
        let dependencies = self.depends_on.into_iter();
        let dependencies = dependencies.map(|it| it.draft(own_flow, engine)).collect();
        let retry = self.retry.map_or_else(Retry::default, |retry| Retry {
            max: retry.max,
            delay: retry.delay.duration(),
            backoff_permille: retry.backoff_permille(),
            cap: retry.cap.map(Span::duration),
        });
        JobDraft {
            id,
            version: self.version,
            description: self.description,
            enabled: self.enabled,
            priority: self.priority,
            dependencies,
            placement,
            slots: self.slots,
            params: job_params(&self.params, |job| {
                Reference::from(job.clone()).job(own_flow, engine)
            }),
            env: to_btree(&self.env),
            workdir: self.workdir,
            success_codes: self.success_codes,
            retry,
            timeout: self.timeout.map(Span::duration),
            pool: self.pool.map(Reference::pool),
            pool_slots: self.pool_slots,
            expected: self.expected.map(Span::duration),
            kind,
            ..JobDraft::new(flow, self.name, self.command)
        }
    }
}

impl JobBody {
    /// The one that would put this job, but for its flow.
    pub(super) fn of(job: &Job, engine: &Engine) -> Self {
        let depends_on = job.dependencies.iter();
        let depends_on = depends_on
            .map(|it| DependencyDto::of(engine, job.flow, it))
            .collect();
        let params = job.params.iter().filter_map(|param| match param {
            JobParam::Own(Param { name, value }) => {
                Some((name.clone(), MeshParamValue::Text(value.clone())))
            }
            // What jobs share is not deleted.
            JobParam::Shared { shared } => {
                let name = engine.param(*shared)?.name.clone();
                Some((name, MeshParamValue::Shared))
            }
            JobParam::Output { name, output } => {
                let other = engine.job(output.job);
                let job = other.map_or(Reference::Id(output.job.0), |other| {
                    Reference::to_job(engine, job.flow, other)
                });
                Some((name.clone(), output_of(name, job, output)))
            }
        });
        let params = params.collect();
        let (executor, labels) = match &job.placement {
            Placement::Any => (None, TextMap::default()),
            Placement::Executor(id) => {
                let name = engine.executor(*id).map(|it| it.name.clone());
                let executor = name.map_or(Reference::Id(id.0), Reference::Name);
                (Some(executor), TextMap::default())
            }
            Placement::Labels(labels) => (None, to_text_map(labels)),
        };
        let MeshWork { http, sql, kettle } = interchange::work(engine, job);
        Self {
            flow: None,
            name: job.name.clone(),
            http,
            sql,
            kettle,
            description: job.description.clone(),
            command: job.command.clone(),
            workdir: job.workdir.clone(),
            depends_on,
            params,
            env: to_text_map(&job.env),
            success_codes: job.success_codes.clone(),
            retry: (job.retry != Retry::default()).then(|| JobRetry {
                max: job.retry.max,
                delay: to_span(job.retry.delay),
                backoff: f64::from(job.retry.backoff_permille) / 1_000.0,
                cap: job.retry.cap.map(to_span),
            }),
            timeout: job.timeout.map(to_span),
            priority: job.priority,
            slots: job.slots,
            executor,
            labels,
            pool: job.pool.map(|pool| {
                let name = engine.pool(pool).map(|it| it.name.clone());
                name.map_or(Reference::Id(pool.0), Reference::Name)
            }),
            pool_slots: job.pool_slots,
            expected: job.expected.map(to_span),
            enabled: job.enabled,
            version: None,
        }
    }

    /// Means the jobs whose outputs it takes for ever, whatever they are called.
    pub(super) fn mean_outputs_by_id(&mut self, job: &Job) {
        let outputs = job.params.iter().filter_map(|param| match param {
            JobParam::Own(_) | JobParam::Shared { .. } => None,
            JobParam::Output { name, output } => Some((name, output)),
        });
        let outputs = outputs.map(|(name, output)| {
            let by_id = Reference::Id(output.job.0);
            (name.clone(), output_of(name, by_id, output))
        });
        let params = self.params.iter();
        let params = params.map(|(name, value)| (name.to_owned(), value.clone()));
        // Of one name the last counts, at the place of the first.
        self.params = params.chain(outputs).collect();
    }

    /// The edit that it asks for: of a job that is there, or of a new one.
    fn edit(mut self, id: Option<JobId>, engine: &Engine) -> Result<Edit, Problem> {
        self.check()?;
        let flow = match (self.flow.take(), id) {
            (Some(flow), _) => flow.flow(),
            (None, Some(id)) => FlowRef::Id(engine.job(id).ok_or_else(|| Problem::from(id))?.flow),
            (None, None) => {
                let field = "flow".to_owned();
                let error = BlameError::Shape(interchange::Problem::MissingField { field });
                return Err(Problem::BadBody(vec![Blame::of("", error)]));
            }
        };
        Ok(Edit::PutJob(self.draft(id, flow, engine)))
    }
}

/// A param that takes an output, as it is told.
fn output_of(param: &str, job: Reference, output: &OutputSource) -> MeshParamValue {
    MeshParamValue::Output(MeshOutput {
        job: job.into(),
        name: (output.name != param).then(|| output.name.clone()),
        default: output.default.clone(),
    })
}

/// The edit that a body asks for, by what the engine has.
///
/// # Errors
/// [`Problem::BadBody`], [`Problem::Unknown`].
pub(super) fn edit_of(
    engine: &Engine,
    id: Option<JobId>,
    wanted: &Wanted,
) -> Result<Edit, Problem> {
    let old = id.map(|id| engine.job(id).ok_or_else(|| Problem::from(id)));
    let old = old.transpose()?.map(|job| JobBody::of(job, engine));
    let body: JobBody = wanted.body(old.as_ref(), &["name"])?;
    body.edit(id, engine)
}

impl JobDto {
    pub(super) fn new(view: &JobView, engine: &Engine) -> Self {
        let job = &view.job;
        Self {
            id: job.id.0,
            flow: FlowName {
                id: job.flow.0,
                name: view.flow_name.clone(),
            },
            body: JobBody::of(job, engine),
            revision: RevisionDto::from(&job.revision),
        }
    }
}

async fn find<H: History, T: Transport>(app: &App<H, T>, id: JobId) -> Result<JobDto, Problem> {
    let view = read(app.history.job(id))
        .await?
        .ok_or_else(|| Problem::from(id))?;
    app.look(move |engine| JobDto::new(&view, engine)).await
}

/// Lists jobs.
#[utoipa::path(get, operation_id = "list_jobs", path = "/api/v1/jobs", tag = "jobs", params(
    ("text" = Option<String>, Query, description = "Name or description holds this"),
    ("flow" = Option<String>, Query, description = "Of this flow, by name or id; digits are an id"),
    ("enabled" = Option<bool>, Query),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at`; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<JobDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<JobDto>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = JobQuery {
        text: query.text("text").unwrap_or_default(),
        flow: flow_in_query(&app, &mut query).await?,
        enabled: query.flag("enabled"),
        sort: asked.by,
        page: asked.page.clone(),
    };
    query.finish()?;
    let Page { items, next } = read(app.history.jobs(&wanted)).await?;
    let items = app
        .look(move |engine| items.iter().map(|view| JobDto::new(view, engine)).collect())
        .await?;
    Ok(Json(asked.tell_items(items, next)))
}

/// Takes the flow of `flow`, a name or an id, out of a query.
pub(super) async fn flow_in_query<H: History, T: Transport>(
    app: &App<H, T>,
    query: &mut Query,
) -> Result<Option<FlowId>, Problem> {
    let Some(text) = query.text("flow") else {
        return Ok(None);
    };
    let reference = Reference::of(text);
    let name = reference.to_string();
    let found = match app.leading.is_here() {
        true => app.look(move |engine| reference.find_flow(engine)).await?,
        false => reference.find_stored_flow(&app.history).await?,
    };
    if found.is_none() {
        let what = "flow".to_owned();
        query.blame(
            "flow",
            BlameError::Definition(DefinitionError::Unknown { what, name }),
        );
    }
    Ok(found)
}

/// Makes a job.
#[utoipa::path(post, operation_id = "create_job", path = "/api/v1/jobs", tag = "jobs", request_body = JobBody, responses(
    (status = 201, body = JobDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`: also a cycle, by name"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<JobDto>, Problem> {
    let body: JobBody = body.json(&["name", "command"]).await?;
    let edit = app.look(move |engine| body.edit(None, engine)).await??;
    let ids = app.edit(&caller, vec![edit]).await?;
    let Some(DefinitionId::Job(id)) = ids.first().copied() else {
        return Err(Problem::Internal);
    };
    Ok(Created {
        location: format!("{JOBS}/{id}"),
        body: find(&app, id).await?,
    })
}

/// Tells one job.
#[utoipa::path(get, operation_id = "find_job", path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path)), responses(
    (status = 200, body = JobDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: JobId,
    app: Arc<App<H, T>>,
) -> Result<Json<JobDto>, Problem> {
    find(&app, id).await.map(Json)
}

/// Replaces a job: what the body does not say goes back to its default.
#[utoipa::path(put, operation_id = "replace_job", path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path)), request_body = JobBody, responses(
    (status = 200, body = JobDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: JobId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<JobDto>, Problem> {
    let body: JobBody = body.json(&["name", "command"]).await?;
    put(&app, &caller, id, body).await?;
    find(&app, id).await.map(Json)
}

/// Changes a job: a JSON merge patch (RFC 7396).
#[utoipa::path(patch, operation_id = "patch_job", path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path)),
    request_body(content = JobBody, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = JobDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: JobId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<JobDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = find(&app, id).await?;
        let mut new = patch.apply(&old.body, &["name", "command"])?;
        new.version = new.version.or(Some(old.revision.version));
        put(&app, &caller, id, new).await
    })
    .await?;
    find(&app, id).await.map(Json)
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: JobId,
    body: JobBody,
) -> Result<(), Problem> {
    let edit = app.look(move |engine| {
        engine.job(id).ok_or_else(|| Problem::from(id))?;
        body.edit(Some(id), engine)
    });
    let put = app.edit(caller, vec![edit.await??]).await;
    put.map(drop).map_err(|problem| or_unknown(problem, id))
}

/// Deletes a job.
#[utoipa::path(delete, operation_id = "delete_job", path = "/api/v1/jobs/{id}", tag = "jobs", params(
    ("id" = u64, Path),
    ("version" = Option<u32>, Query, description = "Refused unless it is at this version"),
), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use` with its users, `stale`"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    job: JobId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<NoContent, Problem> {
    let version = query
        .number("version", 0, u32::MAX.into())
        .map(|it| it as u32);
    query.finish()?;
    let deleted = app
        .edit(&caller, vec![Edit::DeleteJob { job, version }])
        .await;
    deleted
        .map(|_| NoContent)
        .map_err(|problem| or_unknown(problem, job))
}
