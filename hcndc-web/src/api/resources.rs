//! All definitions that no run is pinned to (schedules, calendars, pools and so on), by one set of handlers: a body is an
//! element of the list of a mesh file, told with all of its fields, its id and its revision.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::Engine,
    id::{
        AlertChannelId, AlertRuleId, CalendarId, DataSourceId, FileEventId, FileServerId, FlowId,
        ParamId, PoolId, ScheduleId, WebhookId,
    },
    model::{Definition, DefinitionDraft, DefinitionId, DefinitionKind, Edit, Secret},
    port::{
        Cursor, CursorValue, DefinitionQuery, History, NamedSort, Page, PageRequest, Transport,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    definition::{or_unknown, retry_stale},
    draft::Wanted,
    firings::FiringDto,
    needs::{READ, WRITE},
    page::{Asked, NAMED, PageDto},
    ports::read,
    problem::{Blame, BlameError, Problem},
    query::Query,
    revision::RevisionDto,
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
};
use crate::{
    app::App,
    connect::{
        alert,
        source::pool::{Check, Pools},
    },
    interchange::{self, Single, read_single, secret_field, tell_single},
};

/// A kind of definition and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource {
    /// Which kind.
    pub(super) kind: DefinitionKind,
    /// Its word in paths.
    pub(super) word: &'static str,
    /// Path of all.
    pub(super) all: &'static str,
    /// Path of one.
    pub(super) one: &'static str,
    /// The id of this number.
    pub(super) id: fn(u64) -> DefinitionId,
}

macro_rules! resources {
    ($($kind:ident($id:ident) $word:literal,)*) => {
        /// Every kind, in the order in which pages have them.
        pub(super) const RESOURCES: &[Resource] = &[$(Resource {
            kind: DefinitionKind::$kind,
            word: $word,
            all: concat!("/api/v1/", $word),
            one: concat!("/api/v1/", $word, "/{id}"),
            id: |number| DefinitionId::$kind($id(number)),
        },)*];
    };
}

resources! {
    Schedule(ScheduleId) "schedules",
    Calendar(CalendarId) "calendars",
    Pool(PoolId) "pools",
    Param(ParamId) "params",
    DataSource(DataSourceId) "data-sources",
    FileServer(FileServerId) "file-servers",
    FileEvent(FileEventId) "file-events",
    AlertChannel(AlertChannelId) "alert-channels",
    AlertRule(AlertRuleId) "alert-rules",
    Webhook(WebhookId) "webhooks",
}

impl Resource {
    /// Whether there are some of its kind that are switched off.
    pub(super) const fn has_switch(self) -> bool {
        matches!(
            self.kind,
            DefinitionKind::Schedule
                | DefinitionKind::FileEvent
                | DefinitionKind::AlertChannel
                | DefinitionKind::AlertRule
                | DefinitionKind::Webhook
        )
    }
}

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let of = |resource: &Resource| {
        let Resource { all, one, .. } = *resource;
        let with = having(resource).and(having(app));
        let single = at_id::<u64>(one).and(with.clone());
        let change = single.clone().and(caller()).and(body());
        [
            Route::get(
                all,
                READ,
                at(all).and(with.clone()).and(query()).handed_to(list),
            )
            .by_leader(),
            Route::post(
                all,
                WRITE,
                at(all)
                    .and(with)
                    .and(caller())
                    .and(body())
                    .handed_to(create),
            ),
            Route::get(one, READ, single.clone().handed_to(detail)).by_leader(),
            Route::new(Method::PUT, one, WRITE, change.clone().handed_to(replace)),
            Route::new(Method::PATCH, one, WRITE, change.handed_to(patch)),
            Route::new(
                Method::DELETE,
                one,
                WRITE,
                single.and(caller()).and(query()).handed_to(delete),
            ),
        ]
    };
    RESOURCES.iter().flat_map(of).collect()
}

/// The definition of this id, if the engine has it.
fn definition(engine: &Engine, id: DefinitionId) -> Option<Definition> {
    match id {
        DefinitionId::Flow(_) | DefinitionId::Job(_) | DefinitionId::Executor(_) => None,
        DefinitionId::Schedule(id) => engine.schedule(id).map(|it| Arc::clone(it).into()),
        DefinitionId::Calendar(id) => engine.calendar(id).map(|it| Arc::clone(it).into()),
        DefinitionId::Pool(id) => engine.pool(id).map(|it| Arc::clone(it).into()),
        DefinitionId::Param(id) => engine.param(id).map(|it| Arc::clone(it).into()),
        DefinitionId::DataSource(id) => engine.data_source(id).map(|it| Arc::clone(it).into()),
        DefinitionId::FileServer(id) => engine.file_server(id).map(|it| Arc::clone(it).into()),
        DefinitionId::FileEvent(id) => engine.file_event(id).map(|it| Arc::clone(it).into()),
        DefinitionId::AlertChannel(id) => engine.alert_channel(id).map(|it| Arc::clone(it).into()),
        DefinitionId::AlertRule(id) => engine.alert_rule(id).map(|it| Arc::clone(it).into()),
        DefinitionId::Webhook(id) => engine.webhook(id).map(|it| Arc::clone(it).into()),
    }
}

/// Whether it is switched on, if its kind has a switch.
fn is_on(definition: &Definition) -> bool {
    match definition {
        Definition::Schedule(it) => !it.paused,
        Definition::FileEvent(it) => it.enabled,
        Definition::AlertChannel(it) => it.enabled,
        Definition::AlertRule(it) => it.enabled,
        Definition::Webhook(it) => it.enabled,
        Definition::Calendar(_)
        | Definition::Pool(_)
        | Definition::Param(_)
        | Definition::DataSource(_)
        | Definition::FileServer(_) => true,
    }
}

/// Whether it has a secret.
fn has_secret(definition: &Definition) -> bool {
    match definition {
        Definition::DataSource(it) => !it.password.is_empty(),
        Definition::FileServer(it) => !it.password.is_empty(),
        Definition::AlertChannel(it) => !it.secret.is_empty(),
        Definition::Webhook(it) => !it.secret.is_empty(),
        Definition::Schedule(_)
        | Definition::Calendar(_)
        | Definition::Pool(_)
        | Definition::Param(_)
        | Definition::FileEvent(_)
        | Definition::AlertRule(_) => false,
    }
}

/// A definition as it is told.
fn tell(engine: &Engine, definition: &Definition) -> Value {
    let id = definition.id();
    let mut told = Map::new();
    told.insert("id".to_owned(), id.number().into());
    told.append(&mut tell_single(engine, definition));
    if let Some(secret) = secret_field(id.kind()) {
        told.insert(format!("has_{secret}"), has_secret(definition).into());
    }
    if let Ok(Value::Object(mut revision)) =
        serde_json::to_value(RevisionDto::from(definition.revision()))
    {
        told.append(&mut revision);
    }
    if let Definition::Schedule(schedule) = definition {
        told.insert("flow_id".to_owned(), schedule.flow.0.into());
        if let Some(now) = engine.explain_schedule(schedule.id) {
            let live: Vec<u64> = now.live.iter().map(|id| id.0).collect();
            told.insert("next".to_owned(), now.next.map(|at| at.to_string()).into());
            let last = now.last.as_ref().map(FiringDto::from);
            told.insert(
                "last".to_owned(),
                serde_json::to_value(last).unwrap_or_default(),
            );
            told.insert("queued".to_owned(), now.queued.len().into());
            told.insert("live".to_owned(), live.into());
        }
    }
    Value::Object(told)
}

/// The same with what this process knows of it besides.
fn tell_all(engine: &Engine, pools: &Pools, definition: &Definition) -> Value {
    let mut told = tell(engine, definition);
    if let Definition::DataSource(source) = definition {
        let check = pools.last_check(source).map(CheckDto::from);
        told["last_check"] = serde_json::to_value(check).unwrap_or_default();
    }
    told
}

/// How a data source was when it was last asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataSourceCheck)]
pub(super) struct CheckDto {
    /// When.
    #[schema(example = "2026-11-21T18:30:00.000000Z")]
    at: String,
    /// Whether it answered.
    ok: bool,
    /// Why it did not.
    trouble: Option<String>,
}

impl From<Check> for CheckDto {
    fn from(check: Check) -> Self {
        Self {
            at: check.at.to_string(),
            ok: check.trouble.is_none(),
            trouble: check.trouble,
        }
    }
}

/// A definition as it is told, if the engine has it.
pub(super) fn find_in(engine: &Engine, id: DefinitionId) -> Option<Value> {
    definition(engine, id).map(|it| tell(engine, &it))
}

/// The edit that a body asks for, by what the engine has.
///
/// # Errors
/// [`Problem::BadBody`], [`Problem::Unknown`].
pub(super) fn edit_of(
    engine: &Engine,
    kind: DefinitionKind,
    id: Option<DefinitionId>,
    wanted: &Wanted,
) -> Result<Edit, Problem> {
    let old = id.map(|id| definition(engine, id).ok_or_else(|| Problem::from(id)));
    let old = old
        .transpose()?
        .map(|it| Value::Object(tell_single(engine, &it)));
    let text = wanted.value(old).to_string();
    let single = read_single(kind, text.as_bytes())
        .map_err(|faults| Problem::BadBody(Blame::of_faults(faults)))?;
    let edit = single.edit(id).ok_or(Problem::Internal)?;
    check_settings(&edit)?;
    Ok(edit)
}

async fn find<H, T>(app: &App<H, T>, id: DefinitionId) -> Result<Value, Problem> {
    let pools = Arc::clone(&app.connect.pools);
    let told = app.look(move |engine| {
        let found = definition(engine, id)?;
        Some(tell_all(engine, &pools, &found))
    });
    told.await?.ok_or_else(|| Problem::from(id))
}

/// Lists definitions of a kind.
async fn list<H: History, T: Transport>(
    resource: Resource,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<Value>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = DefinitionQuery {
        kind: resource.kind,
        text: query.text("text").unwrap_or_default(),
        directory: query.text("directory").unwrap_or_default(),
        sort: asked.by,
        page: asked.page.clone(),
    };
    let enabled = resource.has_switch().then(|| query.flag("enabled"));
    let flow = (resource.kind == DefinitionKind::Schedule).then(|| query.id("flow"));
    query.finish()?;
    let (enabled, flow) = (enabled.flatten(), flow.flatten().map(FlowId));
    let keeps = |it: &Definition| {
        let of_flow = match it {
            Definition::Schedule(schedule) => flow.is_none_or(|flow| schedule.flow == flow),
            _ => true,
        };
        of_flow && enabled.is_none_or(|enabled| is_on(it) == enabled)
    };
    let Page { items, next } = filtered(&app, wanted, keeps).await?;
    let pools = Arc::clone(&app.connect.pools);
    let told = app.look(move |engine| {
        items
            .iter()
            .map(|it| tell_all(engine, &pools, it))
            .collect()
    });
    let items = told.await?;
    Ok(Json(asked.tell_items(items, next)))
}

/// A page of those that `keeps` takes. What a store cannot filter by is few enough to be read on until a page is full.
async fn filtered<H: History, T>(
    app: &App<H, T>,
    mut query: DefinitionQuery,
    keeps: impl Fn(&Definition) -> bool,
) -> Result<Page<Definition>, Problem> {
    let limit = query.page.limit as usize;
    let mut items: Vec<Definition> = Vec::new();
    loop {
        let page = read(app.history.definitions(&query)).await?;
        let next = page.next;
        for item in page.items {
            if !keeps(&item) {
                continue;
            }
            if items.len() == limit {
                let next = items.last().map(|it| cursor(query.sort, it));
                return Ok(Page { items, next });
            }
            items.push(item);
        }
        let Some(after) = next else {
            return Ok(Page { items, next: None });
        };
        if items.len() == limit {
            let next = Some(after);
            return Ok(Page { items, next });
        }
        query.page = PageRequest {
            after: Some(after),
            ..query.page
        };
    }
}

fn cursor(sort: NamedSort, item: &Definition) -> Cursor {
    let value = match sort {
        NamedSort::Id => CursorValue::Id,
        NamedSort::Name => CursorValue::Text(item.name().to_owned()),
        NamedSort::UpdatedAt => CursorValue::Micros(item.revision().updated_at.as_micros()),
    };
    Cursor {
        value,
        id: item.id().number(),
    }
}

/// Reads a body.
async fn read_body(resource: Resource, body: Body) -> Result<Single, Problem> {
    let bytes = body.json_bytes().await?;
    read_single(resource.kind, &bytes).map_err(|faults| Problem::BadBody(Blame::of_faults(faults)))
}

/// Puts a definition; tells its id.
async fn put<H: History, T>(
    app: &App<H, T>,
    caller: &Caller,
    id: Option<DefinitionId>,
    single: &Single,
) -> Result<DefinitionId, Problem> {
    let edit = single.edit(id).ok_or(Problem::Internal)?;
    check_settings(&edit)?;
    let ids = app
        .edit(caller, vec![edit])
        .await
        .map_err(|problem| match id {
            Some(id) => or_unknown(problem, id),
            None => problem,
        })?;
    ids.first().copied().ok_or(Problem::Internal)
}

/// That a new alert channel has all settings that its kind asks for: of others nobody here knows the secret, which may be one.
fn check_settings(edit: &Edit) -> Result<(), Problem> {
    let Edit::Put(DefinitionDraft::AlertChannel(channel)) = edit else {
        return Ok(());
    };
    if channel.id.is_some() || channel.secret.is_some() {
        return Ok(());
    }
    let faults = alert::check(channel.kind, &channel.settings, Some(&Secret::default()));
    let blames: Vec<_> = faults
        .into_iter()
        .map(|fault| {
            let field = format!("settings.{}", fault.setting);
            Blame::of(
                field,
                BlameError::Shape(interchange::Problem::Setting(fault)),
            )
        })
        .collect();
    if blames.is_empty() {
        return Ok(());
    }
    Err(Problem::BadBody(blames))
}

async fn create<H: History, T: Transport>(
    resource: Resource,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<Value>, Problem> {
    let single = read_body(resource, body).await?;
    let id = put(&app, &caller, None, &single).await?;
    Ok(Created {
        location: format!("{}/{}", resource.all, id.number()),
        body: find(&app, id).await?,
    })
}

async fn detail<H: History, T: Transport>(
    number: u64,
    resource: Resource,
    app: Arc<App<H, T>>,
) -> Result<Json<Value>, Problem> {
    find(&app, (resource.id)(number)).await.map(Json)
}

async fn replace<H: History, T: Transport>(
    number: u64,
    resource: Resource,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let id = (resource.id)(number);
    let single = read_body(resource, body).await?;
    put(&app, &caller, Some(id), &single).await?;
    find(&app, id).await.map(Json)
}

async fn patch<H: History, T: Transport>(
    number: u64,
    resource: Resource,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let id = (resource.id)(number);
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = app.look(move |engine| {
            let it = definition(engine, id)?;
            Some((tell_single(engine, &it), it.revision().version))
        });
        let (old, version) = old.await?.ok_or_else(|| Problem::from(id))?;
        let new = patch.onto(Value::Object(old)).to_string();
        let single = read_single(resource.kind, new.as_bytes()).map_err(|mut faults| {
            // What they are about was never written.
            faults.iter_mut().for_each(|fault| fault.position = None);
            Problem::BadBody(Blame::of_faults(faults))
        })?;
        let version = single.version().unwrap_or(version);
        let single = single.for_version(version);
        put(&app, &caller, Some(id), &single).await.map(drop)
    })
    .await?;
    find(&app, id).await.map(Json)
}

async fn delete<H: History, T: Transport>(
    number: u64,
    resource: Resource,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<NoContent, Problem> {
    let version = query
        .number("version", 0, u32::MAX.into())
        .map(|it| it as u32);
    query.finish()?;
    let definition = (resource.id)(number);
    let edit = Edit::Delete {
        definition,
        version,
    };
    let deleted = app.edit(&caller, vec![edit]).await;
    deleted
        .map(|_| NoContent)
        .map_err(|problem| or_unknown(problem, definition))
}

/// How many definitions of each directory there are, by the words of their kinds in paths.
pub(super) fn directories(engine: &Engine, kind: Option<DefinitionKind>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |directory: &str| *counts.entry(directory.to_owned()).or_insert(0) += 1;
    if kind.is_none_or(|kind| kind == DefinitionKind::Flow) {
        engine.flows().for_each(|flow| count(&flow.directory));
    }
    let others = engine.other_definitions();
    others
        .filter(|it| kind.is_none_or(|kind| it.id().kind() == kind))
        .for_each(|it| count(it.directory()));
    counts
}
