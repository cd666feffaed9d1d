//! `/executors`: hosts that run commands, and how they are doing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hcndc_core::{
    engine::{DefinitionId, Engine, ExecutorHealth, HostFigures, Offer},
    id::ExecutorId,
    model::{Edit, Executor, ExecutorDraft},
    port::{ExecutorQuery, History, Introduction, Page, Transport, Unreachable, UnreachableKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    definition::{or_unknown, retry_stale, yes},
    draft::Wanted,
    needs::{ADMIN, READ},
    page::{Asked, NAMED, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    revision::{RevisionDto, to_btree, to_text_map},
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
    run_text,
};
use crate::{
    app::App,
    interchange::{self, Lang, TextMap, is_address},
};

const EXECUTORS: &str = "/api/v1/executors";
const EXECUTOR: &str = "/api/v1/executors/{id}";

const TEST: &str = "/api/v1/executors/{id}/test";

/// Address of the executor inside of this process.
const LOCAL: &str = "local";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at_id::<ExecutorId>(EXECUTOR).and(app.clone());
    let change = one.clone().and(caller()).and(body());
    let to_test = at_id::<ExecutorId>(TEST).and(app.clone()).and(caller());
    vec![
        Route::get(
            EXECUTORS,
            READ,
            at(EXECUTORS).and(app.clone()).and(query()).handed_to(list),
        )
        .by_leader(),
        Route::post(
            EXECUTORS,
            ADMIN,
            at(EXECUTORS)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(create),
        ),
        Route::get(EXECUTOR, READ, one.clone().handed_to(detail)).by_leader(),
        Route::new(
            Method::PUT,
            EXECUTOR,
            ADMIN,
            change.clone().handed_to(replace),
        ),
        Route::new(Method::PATCH, EXECUTOR, ADMIN, change.handed_to(patch)),
        Route::post(TEST, ADMIN, to_test.handed_to(test)).by_leader(),
        Route::new(
            Method::DELETE,
            EXECUTOR,
            ADMIN,
            one.and(caller()).and(query()).handed_to(delete),
        ),
    ]
}

/// An executor as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExecutorBody, example = json!({"name": "etl-1", "address": "etl-1.example.com:7890", "slots": 16}))]
pub(super) struct ExecutorBody {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    name: String,
    /// Text for people.
    #[serde(default)]
    description: String,
    /// Where it listens: `host:port`; or `local` for the one inside of this server.
    address: String,
    /// Labels that jobs can select it by.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: TextMap,
    /// How many slots its jobs may take together: 1 to 100000. Default: 8.
    #[serde(default = "slots")]
    slots: u32,
    /// Whether it is given work. Default: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// For changes: refused unless the executor is at this version.
    #[serde(default, skip_serializing)]
    version: Option<u32>,
}

/// An executor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Executor)]
pub(super) struct ExecutorDto {
    /// Its id, for ever.
    #[schema(example = 1)]
    id: u64,
    #[serde(flatten)]
    body: ExecutorBody,
    #[serde(flatten)]
    revision: RevisionDto,
    /// How it is doing.
    health: HealthDto,
}

/// How an executor is doing.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ExecutorHealth)]
struct HealthDto {
    /// Whether a connection stands.
    online: bool,
    /// Why not, if it is known.
    trouble: Option<String>,
    /// Slots that live attempts take.
    slots_used: u32,
    /// Live attempts.
    attempts: u32,
    /// Version of its program, once it was connected.
    program_version: Option<String>,
    /// What it offers by its own settings, beside what is defined here; as of when it was connected last.
    offer: OfferDto,
    /// Its host's latest figures.
    host: Option<HostDto>,
}

/// What an executor offers by its own settings.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ExecutorOffer)]
struct OfferDto {
    /// Labels that jobs can ask for, too; what is defined here goes before.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: TextMap,
    /// Slots at most, whatever is defined here; null for as many as that.
    slots: Option<u32>,
}

/// What came of a test of an executor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExecutorTest)]
pub(super) struct TestDto {
    /// Whether it answered, and could be used.
    reached: bool,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// What is wrong, if it could not be used: `address`, `name`, `refused`, `silent`, `tls`, `token`, `version`, `other`.
    #[schema(example = "refused")]
    fault: Option<&'static str>,
    /// The same in one sentence, in the caller's language.
    message: Option<String>,
    /// What exactly was seen, in English.
    detail: Option<String>,
    /// The name that it was started with.
    name: Option<String>,
    /// Version of its program.
    program_version: Option<String>,
    /// Version of the protocol that it speaks.
    protocol: Option<String>,
    /// What it offers by its own settings.
    offer: Option<OfferDto>,
    /// How its host is doing.
    host: Option<HostDto>,
}

/// How a host is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HostFigures)]
struct HostDto {
    /// Name of the host.
    hostname: String,
    /// Its operating system.
    os: String,
    /// Processors that the executor may use.
    cores: u32,
    /// Mean number of runnable processes over the last minute.
    load_1m: f64,
    /// Memory of the host.
    memory_total_bytes: u64,
    /// Memory that new processes could have.
    memory_available_bytes: u64,
    /// Space of the disk that holds the executor's data folder.
    disk_total_bytes: u64,
    /// Space left there.
    disk_available_bytes: u64,
    /// Jobs that run there now.
    running: u32,
}

const fn slots() -> u32 {
    8
}

impl ExecutorBody {
    fn check(&self) -> Result<(), Problem> {
        if self.address == LOCAL || is_address(&self.address) {
            return Ok(());
        }
        let address = self.address.clone();
        let error = BlameError::Shape(interchange::Problem::BadAddress { address });
        Err(Problem::BadBody(vec![Blame::of("address", error)]))
    }

    fn draft(self, id: Option<ExecutorId>) -> ExecutorDraft {
        ExecutorDraft {
            id,
            version: self.version,
            name: self.name,
            description: self.description,
            address: self.address,
            labels: to_btree(&self.labels),
            slots: self.slots,
            enabled: self.enabled,
        }
    }
}

impl ExecutorBody {
    /// The one that would put this executor.
    pub(super) fn of(executor: &Executor) -> Self {
        Self {
            name: executor.name.clone(),
            description: executor.description.clone(),
            address: executor.address.clone(),
            labels: to_text_map(&executor.labels),
            slots: executor.slots,
            enabled: executor.enabled,
            version: None,
        }
    }
}

/// The edit that a body asks for, by what the engine has.
///
/// # Errors
/// [`Problem::BadBody`], [`Problem::Unknown`].
pub(super) fn edit_of(
    engine: &Engine,
    id: Option<ExecutorId>,
    wanted: &Wanted,
) -> Result<Edit, Problem> {
    let old = id.map(|id| engine.executor(id).ok_or_else(|| Problem::from(id)));
    let old = old.transpose()?.map(|it| ExecutorBody::of(it));
    let body: ExecutorBody = wanted.body(old.as_ref(), &["name", "address"])?;
    body.check()?;
    Ok(Edit::PutExecutor(body.draft(id)))
}

impl ExecutorDto {
    fn new(executor: &Executor, health: Option<ExecutorHealth>) -> Self {
        Self {
            id: executor.id.0,
            body: ExecutorBody::of(executor),
            revision: RevisionDto::from(&executor.revision),
            health: health.map(HealthDto::from).unwrap_or_default(),
        }
    }
}

impl From<ExecutorHealth> for HealthDto {
    fn from(health: ExecutorHealth) -> Self {
        Self {
            online: health.online,
            trouble: health.trouble,
            slots_used: health.slots_used,
            attempts: health.attempts,
            program_version: health.version,
            offer: OfferDto::from(&health.offer),
            host: health.figures.map(HostDto::from),
        }
    }
}

impl From<&Offer> for OfferDto {
    fn from(offer: &Offer) -> Self {
        Self {
            labels: to_text_map(&offer.labels),
            slots: (offer.slots > 0).then_some(offer.slots),
        }
    }
}

impl TestDto {
    fn new(tested: Result<Introduction, Unreachable>, took: Duration, lang: Lang) -> Self {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match tested {
            Ok(known) => Self {
                reached: true,
                took_ms,
                fault: None,
                message: None,
                detail: None,
                name: Some(known.name),
                program_version: Some(known.version),
                protocol: Some(known.protocol),
                offer: Some(OfferDto::from(&known.offer)),
                host: Some(known.figures.into()),
            },
            Err(error) => Self {
                reached: false,
                took_ms,
                fault: Some(fault(error.kind)),
                message: Some(run_text::unreachable(error.kind, lang)),
                detail: Some(error.reason),
                name: None,
                program_version: None,
                protocol: None,
                offer: None,
                host: None,
            },
        }
    }
}

const fn fault(kind: UnreachableKind) -> &'static str {
    match kind {
        UnreachableKind::Address => "address",
        UnreachableKind::Name => "name",
        UnreachableKind::Refused => "refused",
        UnreachableKind::Silent => "silent",
        UnreachableKind::Tls => "tls",
        UnreachableKind::Token => "token",
        UnreachableKind::Version => "version",
        _ => "other",
    }
}

impl From<HostFigures> for HostDto {
    fn from(figures: HostFigures) -> Self {
        Self {
            hostname: figures.hostname,
            os: figures.os,
            cores: figures.cores,
            load_1m: figures.load_1m,
            memory_total_bytes: figures.memory_total_bytes,
            memory_available_bytes: figures.memory_available_bytes,
            disk_total_bytes: figures.disk_total_bytes,
            disk_available_bytes: figures.disk_available_bytes,
            running: figures.running,
        }
    }
}

async fn find<H: History, T: Transport>(
    app: &App<H, T>,
    id: ExecutorId,
) -> Result<ExecutorDto, Problem> {
    let found = app
        .look(move |engine| {
            let executor = Arc::clone(engine.executor(id)?);
            Some((executor, engine.executor_health(id)))
        })
        .await?;
    let (executor, health) = found.ok_or_else(|| Problem::from(id))?;
    Ok(ExecutorDto::new(&executor, health))
}

/// Lists executors.
#[utoipa::path(get, operation_id = "list_executors", path = "/api/v1/executors", tag = "executors", params(
    ("text" = Option<String>, Query, description = "Name or description holds this"),
    ("enabled" = Option<bool>, Query),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at`; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<ExecutorDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<ExecutorDto>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = ExecutorQuery {
        text: query.text("text").unwrap_or_default(),
        enabled: query.flag("enabled"),
        sort: asked.by,
        page: asked.page.clone(),
    };
    query.finish()?;
    let Page { items, next } = read(app.history.executors(&wanted)).await?;
    let items = app
        .look(move |engine| {
            let items = items.iter();
            items
                .map(|it| ExecutorDto::new(it, engine.executor_health(it.id)))
                .collect()
        })
        .await?;
    Ok(Json(asked.tell_items(items, next)))
}

/// Makes an executor, and connects to it.
#[utoipa::path(post, operation_id = "create_executor", path = "/api/v1/executors", tag = "executors", request_body = ExecutorBody, responses(
    (status = 201, body = ExecutorDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`name_taken`, `address_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<ExecutorDto>, Problem> {
    let body: ExecutorBody = body.json(&["name", "address"]).await?;
    body.check()?;
    let edit = Edit::PutExecutor(body.draft(None));
    let ids = app.edit(&caller, vec![edit]).await?;
    let Some(DefinitionId::Executor(id)) = ids.first().copied() else {
        return Err(Problem::Internal);
    };
    Ok(Created {
        location: format!("{EXECUTORS}/{id}"),
        body: find(&app, id).await?,
    })
}

/// Tells one executor.
#[utoipa::path(get, operation_id = "find_executor", path = "/api/v1/executors/{id}", tag = "executors", params(("id" = u64, Path)), responses(
    (status = 200, body = ExecutorDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: ExecutorId,
    app: Arc<App<H, T>>,
) -> Result<Json<ExecutorDto>, Problem> {
    find(&app, id).await.map(Json)
}

/// Replaces an executor: what the body does not say goes back to its default.
#[utoipa::path(put, operation_id = "replace_executor", path = "/api/v1/executors/{id}", tag = "executors", params(("id" = u64, Path)), request_body = ExecutorBody, responses(
    (status = 200, body = ExecutorDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `address_taken`, `in_use` (address, while attempts run there)"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: ExecutorId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutorDto>, Problem> {
    let body: ExecutorBody = body.json(&["name", "address"]).await?;
    put(&app, &caller, id, body).await?;
    find(&app, id).await.map(Json)
}

/// Changes an executor: a JSON merge patch (RFC 7396).
#[utoipa::path(patch, operation_id = "patch_executor", path = "/api/v1/executors/{id}", tag = "executors", params(("id" = u64, Path)),
    request_body(content = ExecutorBody, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = ExecutorDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `address_taken`, `in_use` (address, while attempts run there)"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: ExecutorId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<ExecutorDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = find(&app, id).await?;
        let mut new = patch.apply(&old.body, &["name", "address"])?;
        new.version = new.version.or(Some(old.revision.version));
        put(&app, &caller, id, new).await
    })
    .await?;
    find(&app, id).await.map(Json)
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: ExecutorId,
    body: ExecutorBody,
) -> Result<(), Problem> {
    body.check()?;
    let edit = Edit::PutExecutor(body.draft(Some(id)));
    let put = app.edit(caller, vec![edit]).await;
    put.map(drop).map_err(|problem| or_unknown(problem, id))
}

/// Asks an executor who it is: whether it could be used, and why not if it could not. Changes nothing, and leaves the
/// connection that there may be alone.
#[utoipa::path(post, operation_id = "test_executor", path = "/api/v1/executors/{id}/test", tag = "executors", params(("id" = u64, Path)), responses(
    (status = 200, body = TestDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn test<H: History, T: Transport>(
    id: ExecutorId,
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<Json<TestDto>, Problem> {
    let executor = app
        .look(move |engine| engine.executor(id).cloned())
        .await?
        .ok_or_else(|| Problem::from(id))?;
    let begun = Instant::now();
    let tested = app.transport.test(&executor).await;
    Ok(Json(TestDto::new(tested, begun.elapsed(), caller.lang)))
}

/// Deletes an executor.
#[utoipa::path(delete, operation_id = "delete_executor", path = "/api/v1/executors/{id}", tag = "executors", params(
    ("id" = u64, Path),
    ("version" = Option<u32>, Query, description = "Refused unless it is at this version"),
), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use` with its users, `stale`"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    executor: ExecutorId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<NoContent, Problem> {
    let version = query
        .number("version", 0, u32::MAX.into())
        .map(|it| it as u32);
    query.finish()?;
    let edit = Edit::DeleteExecutor { executor, version };
    let deleted = app.edit(&caller, vec![edit]).await;
    deleted
        .map(|_| NoContent)
        .map_err(|problem| or_unknown(problem, executor))
}
