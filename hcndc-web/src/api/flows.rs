//! `/flows`: named groups of jobs.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::Engine,
    id::FlowId,
    model::{DefinitionId, Edit, Flow, FlowDraft},
    port::{FlowQuery, FlowView, History, Transport},
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
    problem::{Problem, ProblemDto},
    query::Query,
    reference::Reference,
    revision::{RevisionDto, map_to_params, params_to_map, to_btree, to_span, to_text_map},
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
};
use crate::{
    app::App,
    interchange::{Span, TextMap},
};

const FLOWS: &str = "/api/v1/flows";
const FLOW: &str = "/api/v1/flows/{id}";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at_id::<FlowId>(FLOW).and(app.clone());
    let change = one.clone().and(caller()).and(body());
    vec![
        Route::get(
            FLOWS,
            READ,
            at(FLOWS).and(app.clone()).and(query()).handed_to(list),
        )
        .by_leader(),
        Route::post(
            FLOWS,
            WRITE,
            at(FLOWS)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(create),
        ),
        Route::get(FLOW, READ, one.clone().handed_to(detail)).by_leader(),
        Route::new(Method::PUT, FLOW, WRITE, change.clone().handed_to(replace)),
        Route::new(Method::PATCH, FLOW, WRITE, change.handed_to(patch)),
        Route::new(
            Method::DELETE,
            FLOW,
            WRITE,
            one.and(caller()).and(query()).handed_to(delete),
        ),
    ]
}

/// A flow as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowBody, example = json!({"name": "load", "directory": "/retail", "parents": ["extract"], "priority": 5}))]
pub(super) struct FlowBody {
    /// Unique name: 1 to 255 characters, no slash, no control characters, no space at either end.
    name: String,
    /// Text for people.
    #[serde(default)]
    description: String,
    /// Slash path to file it under. Default: `/`.
    #[serde(default = "root")]
    directory: String,
    /// Flows that must have succeeded before this one starts, by name or id; told by name.
    #[serde(default)]
    parents: Vec<Reference>,
    /// Whether it may be started. Default: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// Among waiting jobs, those of flows with a higher priority go first.
    #[serde(default)]
    priority: i32,
    /// Who answers for it.
    #[serde(default)]
    owner: String,
    /// Params of all of its jobs, in order.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
    /// Environment variables of all of its jobs.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    env: TextMap,
    /// Directory in which its commands run. Default: the executor's own choice.
    #[serde(default)]
    workdir: String,
    /// How many of its runs may go on at once, over all executions: 1 to 10,000. Default: any number.
    #[serde(default)]
    max_runs: Option<u32>,
    /// How long a run of it may take before its jobs are killed. Default: without end.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "6h")]
    timeout: Option<Span>,
    /// How often a failed run of it is taken up again by itself, where it broke: 0 to 100.
    #[serde(default)]
    restart_retries: u32,
    /// Wait before a failed run is taken up again.
    #[serde(default)]
    #[schema(value_type = String, example = "15m")]
    restart_delay: Span,
    /// Calendar whose business days `${date-1b}` counts in its jobs, by name or id; told by name. Default: Monday to Friday.
    #[serde(default)]
    calendar: Option<Reference>,
    /// For changes: refused unless the flow is at this version.
    #[serde(default, skip_serializing)]
    version: Option<u32>,
}

/// A flow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Flow)]
pub(super) struct FlowDto {
    /// Its id, for ever.
    #[schema(example = 3)]
    id: u64,
    #[serde(flatten)]
    body: FlowBody,
    /// The last data date that it succeeded for.
    #[schema(example = "2026-11-20")]
    data_date: Option<String>,
    #[serde(flatten)]
    revision: RevisionDto,
}

fn root() -> String {
    "/".to_owned()
}

impl FlowBody {
    fn draft(self, id: Option<FlowId>) -> FlowDraft {
        FlowDraft {
            id,
            version: self.version,
            directory: self.directory,
            description: self.description,
            owner: self.owner,
            enabled: self.enabled,
            priority: self.priority,
            parents: self.parents.into_iter().map(Reference::flow).collect(),
            params: map_to_params(&self.params),
            env: to_btree(&self.env),
            workdir: self.workdir,
            max_runs: self.max_runs,
            timeout: self.timeout.map(Span::duration),
            restart_retries: self.restart_retries,
            restart_delay: self.restart_delay.duration(),
            calendar: self.calendar.map(Reference::calendar),
            ..FlowDraft::new(self.name)
        }
    }
}

impl FlowBody {
    /// The one that would put this flow, with what others are called.
    fn of(flow: &Flow, names: &Names) -> Self {
        let parents = flow.parents.iter();
        let parents = parents.map(|&id| names.reference(id.into()));
        Self {
            name: flow.name.clone(),
            description: flow.description.clone(),
            directory: flow.directory.clone(),
            parents: parents.collect(),
            enabled: flow.enabled,
            priority: flow.priority,
            owner: flow.owner.clone(),
            params: params_to_map(&flow.params),
            env: to_text_map(&flow.env),
            workdir: flow.workdir.clone(),
            max_runs: flow.max_runs,
            timeout: flow.timeout.map(to_span),
            restart_retries: flow.restart_retries,
            restart_delay: to_span(flow.restart_delay),
            calendar: flow.calendar.map(|id| names.reference(id.into())),
            version: None,
        }
    }

    /// The same by what the engine knows.
    pub(super) fn in_engine(flow: &Flow, engine: &Engine) -> Self {
        Self::of(flow, &Names::of([flow], engine))
    }
}

/// What flows and calendars are called.
#[derive(Default)]
struct Names(BTreeMap<DefinitionId, String>);

impl Names {
    /// Those that flows name.
    fn of<'a>(flows: impl IntoIterator<Item = &'a Flow>, engine: &Engine) -> Self {
        let named = flows.into_iter().flat_map(named_by);
        let named = named.filter_map(|id| match id {
            DefinitionId::Flow(flow) => Some((id, engine.flow(flow)?.name.clone())),
            DefinitionId::Calendar(calendar) => Some((id, engine.calendar(calendar)?.name.clone())),
            _ => None,
        });
        Self(named.collect())
    }

    /// By name, or by id if that is not known.
    fn reference(&self, id: DefinitionId) -> Reference {
        let name = self.0.get(&id).cloned();
        name.map_or_else(|| Reference::Id(id.number()), Reference::Name)
    }
}

/// What a flow names.
fn named_by(flow: &Flow) -> impl Iterator<Item = DefinitionId> {
    let parents = flow.parents.iter().copied().map(DefinitionId::from);
    parents.chain(flow.calendar.map(DefinitionId::from))
}

/// The edit that a body asks for, by what the engine has.
///
/// # Errors
/// [`Problem::BadBody`], [`Problem::Unknown`].
pub(super) fn edit_of(
    engine: &Engine,
    id: Option<FlowId>,
    wanted: &Wanted,
) -> Result<Edit, Problem> {
    let old = id.map(|id| engine.flow(id).ok_or_else(|| Problem::from(id)));
    let old = old.transpose()?;
    let old = old.map(|flow| FlowBody::in_engine(flow, engine));
    let body: FlowBody = wanted.body(old.as_ref(), &["name"])?;
    Ok(Edit::PutFlow(body.draft(id)))
}

impl FlowDto {
    fn new(view: &FlowView, names: &Names) -> Self {
        let flow = &view.flow;
        Self {
            id: flow.id.0,
            body: FlowBody::of(flow, names),
            data_date: view.data_date.map(|date| date.to_string()),
            revision: RevisionDto::from(&flow.revision),
        }
    }
}

/// Names of all that some flows name.
async fn names<H, T>(app: &App<H, T>, flows: &[FlowView]) -> Result<Names, Problem> {
    if !flows
        .iter()
        .any(|view| named_by(&view.flow).next().is_some())
    {
        return Ok(Names::default());
    }
    let flows: Vec<_> = flows.iter().map(|view| view.flow.clone()).collect();
    app.look(move |engine| Names::of(flows.iter().map(|it| &**it), engine))
        .await
}

async fn find<H: History, T: Transport>(app: &App<H, T>, id: FlowId) -> Result<FlowDto, Problem> {
    let view = read(app.history.flow(id))
        .await?
        .ok_or_else(|| Problem::from(id))?;
    let names = names(app, std::slice::from_ref(&view)).await?;
    Ok(FlowDto::new(&view, &names))
}

/// Lists flows.
#[utoipa::path(get, operation_id = "list_flows", path = "/api/v1/flows", tag = "flows", params(
    ("text" = Option<String>, Query, description = "Name or description holds this"),
    ("directory" = Option<String>, Query, description = "Filed here or below"),
    ("enabled" = Option<bool>, Query),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at`; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<FlowDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<FlowDto>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = FlowQuery {
        text: query.text("text").unwrap_or_default(),
        directory: query.text("directory").unwrap_or_default(),
        enabled: query.flag("enabled"),
        sort: asked.by,
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = read(app.history.flows(&wanted)).await?;
    let names = names(&app, &page.items).await?;
    Ok(Json(asked.tell(page, |view| FlowDto::new(&view, &names))))
}

/// Makes a flow.
#[utoipa::path(post, operation_id = "create_flow", path = "/api/v1/flows", tag = "flows", request_body = FlowBody, responses(
    (status = 201, body = FlowDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<FlowDto>, Problem> {
    let body: FlowBody = body.json(&["name"]).await?;
    let ids = app
        .edit(&caller, vec![Edit::PutFlow(body.draft(None))])
        .await?;
    let Some(DefinitionId::Flow(id)) = ids.first().copied() else {
        return Err(Problem::Internal);
    };
    Ok(Created {
        location: format!("{FLOWS}/{id}"),
        body: find(&app, id).await?,
    })
}

/// Tells one flow.
#[utoipa::path(get, operation_id = "find_flow", path = "/api/v1/flows/{id}", tag = "flows", params(("id" = u64, Path)), responses(
    (status = 200, body = FlowDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
) -> Result<Json<FlowDto>, Problem> {
    find(&app, id).await.map(Json)
}

/// Replaces a flow: what the body does not say goes back to its default.
#[utoipa::path(put, operation_id = "replace_flow", path = "/api/v1/flows/{id}", tag = "flows", params(("id" = u64, Path)), request_body = FlowBody, responses(
    (status = 200, body = FlowDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<FlowDto>, Problem> {
    let body: FlowBody = body.json(&["name"]).await?;
    put(&app, &caller, id, body).await?;
    find(&app, id).await.map(Json)
}

/// Changes a flow: a JSON merge patch (RFC 7396).
#[utoipa::path(patch, operation_id = "patch_flow", path = "/api/v1/flows/{id}", tag = "flows", params(("id" = u64, Path)),
    request_body(content = FlowBody, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = FlowDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<FlowDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = find(&app, id).await?;
        let mut new = patch.apply(&old.body, &["name"])?;
        new.version = new.version.or(Some(old.revision.version));
        put(&app, &caller, id, new).await
    })
    .await?;
    find(&app, id).await.map(Json)
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: FlowId,
    body: FlowBody,
) -> Result<(), Problem> {
    let edit = Edit::PutFlow(body.draft(Some(id)));
    let put = app.edit(caller, vec![edit]).await;
    put.map(drop).map_err(|problem| or_unknown(problem, id))
}

/// Deletes a flow and its jobs.
#[utoipa::path(delete, operation_id = "delete_flow", path = "/api/v1/flows/{id}", tag = "flows", params(
    ("id" = u64, Path),
    ("version" = Option<u32>, Query, description = "Refused unless it is at this version"),
), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use` with its users, `stale`"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    flow: FlowId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<NoContent, Problem> {
    let version = query
        .number("version", 0, u32::MAX.into())
        .map(|it| it as u32);
    query.finish()?;
    let deleted = app
        .edit(&caller, vec![Edit::DeleteFlow { flow, version }])
        .await;
    deleted
        .map(|_| NoContent)
        .map_err(|problem| or_unknown(problem, flow))
}
