//! `/mesh`: a whole mesh file at once.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{EditBatch, Input, Rejected},
    id::RoleId,
    model::{self, DefinitionDraft, DefinitionKind, Edit, Subject},
    port::{AccountsDone, AccountsPut, Clock as _, History, Permission, PutDone, Transport},
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::{
    Filter as _,
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    body::Body,
    caller::Caller,
    needs::{READ, WRITE},
    problem::{Blame, Problem, ProblemDto},
    query::Query,
    roles::RoleDto,
    route::{Json, Route, at, body, caller, having, query},
    trail::Deed,
    users::{UserDto, auth, role_names},
};
use crate::{
    app::App,
    interchange::{
        Existing, MeshFile, MeshSource, accounts_of, add_accounts, edits, export, parse_exported,
        parse_mesh, to_json, to_yaml,
    },
};

const MESH: &str = "/api/v1/mesh";

/// Bytes of a mesh file.
const LIMIT: usize = 64 << 20;
/// What mesh files are sent as.
const MEDIA_TYPES: [&str; 5] = [
    "application/yaml",
    "application/json",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
];

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(MESH)
        .and(having(app))
        .and(caller())
        .and(query())
        .and(body());
    let export_args = at(MESH).and(having(app)).and(caller()).and(query());
    vec![
        Route::get(MESH, READ, export_args.then(give_out)).by_leader(),
        Route::post(MESH, WRITE, args.then(apply)),
    ]
}

/// Gives out all definitions as a mesh file, without secrets.
///
/// Put back with `exported=true`, it changes nothing. Roles and users are for those who may `admin` everywhere; sessions and
/// tokens are never given out.
#[utoipa::path(get, operation_id = "export_mesh", path = "/api/v1/mesh", tag = "mesh", params(
    ("format" = Option<String>, Query, description = "`yaml` (default) or `json`"),
    ("accounts" = Option<bool>, Query, description = "With roles and users; a server that keeps none has none"),
    ("passwords" = Option<bool>, Query, description = "With hashes of their passwords, too"),
), responses(
    (status = 200, body = String, content_type = "application/yaml"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`not_exportable`"),
))]
pub(super) async fn give_out<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Response, Problem> {
    let json = query.word("format", &[("yaml", false), ("json", true)]);
    let json = json.unwrap_or(false);
    let accounts = query.flag("accounts").unwrap_or(false);
    let passwords = query.flag("passwords").unwrap_or(false);
    query.finish()?;
    if accounts || passwords {
        caller.needs(Permission::Admin)?;
    }
    let engine = app.look(Clone::clone).await?;
    let file = aside(move || export(&engine).map_err(Problem::NotExportable));
    let mut file = file.await?;
    if let Some(auth) = app.auth.as_deref().filter(|_| accounts) {
        add_accounts(auth.accounts(), passwords, &mut file).await?;
        let deed = Deed::new("export", "user").named(match passwords {
            true => "roles and users, with hashes of passwords",
            false => "roles and users",
        });
        app.did(&caller, deed).await;
    }
    let (text, media_type) = aside(move || {
        Ok(match json {
            true => (to_json(&file), "application/json"),
            false => (to_yaml(&file), "application/yaml"),
        })
    })
    .await?;
    let mut response = Response::new(text.into());
    let media_type = HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// What became of a mesh file, or would.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct MeshApplied {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Flows of the file.
    flows: PutCounts,
    /// Jobs of the file.
    jobs: PutCounts,
    /// Executors of the file.
    executors: PutCounts,
    /// Pools of the file.
    pools: PutCounts,
    /// Calendars of the file.
    calendars: PutCounts,
    /// Data sources of the file.
    data_sources: PutCounts,
    /// Shared params of the file.
    shared_params: PutCounts,
    /// File servers of the file.
    file_servers: PutCounts,
    /// File events of the file.
    file_events: PutCounts,
    /// Alert channels of the file.
    alert_channels: PutCounts,
    /// Alert rules of the file.
    alert_rules: PutCounts,
    /// Schedules of the file.
    schedules: PutCounts,
    /// Roles of the file.
    roles: PutCounts,
    /// Users of the file.
    users: PutCounts,
    /// Accounts of users of the file who have no password: nobody can sign in as them until they are given one.
    without_password: Vec<String>,
}

/// How many definitions of a kind were put.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct PutCounts {
    /// New ones.
    made: u32,
    /// Of a name that was there; those that say nothing new keep their version.
    replaced: u32,
}

/// Puts all that a mesh file says, in YAML or JSON, at once or not at all.
///
/// Definitions of a name that is there are replaced, others are made, and nothing is deleted. All faults are told together,
/// with line and column. `zone` is that of schedules and file events that name none. A file with roles or users is for those
/// who may `admin` everywhere.
#[utoipa::path(post, operation_id = "apply_mesh", path = "/api/v1/mesh", tag = "mesh", params(
    ("dry_run" = Option<bool>, Query, description = "Only check"),
    ("exported" = Option<bool>, Query, description = "The file was exported: what a person who writes one would have got wrong is taken as it is: params that only starts bring, labels that no executor has, no flow at all"),
), request_body(content = String, content_type = "application/yaml", description = "A mesh file; see docs/MESH-FILE.md"), responses(
    (status = 200, body = MeshApplied),
    (status = 413, body = ProblemDto, content_type = "application/problem+json"),
    (status = 415, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_mesh`, with all faults"),
))]
pub(super) async fn apply<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
    body: Body,
) -> Result<Json<MeshApplied>, Problem> {
    let dry_run = query.flag("dry_run").unwrap_or(false);
    let exported = query.flag("exported").unwrap_or(false);
    query.finish()?;
    let text = body.bytes(&MEDIA_TYPES, "application/yaml", LIMIT).await?;
    let existing = app.look(Existing::of).await?;
    let (source, edits) = aside(move || {
        let source = match exported {
            true => parse_exported("mesh", &text),
            false => parse_mesh("mesh", &text, &[]),
        };
        let source = source.map_err(|faults| Problem::BadMesh(Blame::of_faults(faults)))?;
        let edits = edits(&source.file, None, &existing);
        Ok((source, edits))
    })
    .await?;
    let mut applied = MeshApplied::of(dry_run, &edits);
    let accounts = accounts_of(&source.file);
    // What is wrong with roles and users is found before anything is changed.
    put_accounts(&app, &caller, &accounts, true, &mut applied).await?;
    let batch = EditBatch {
        by: caller.by.clone(),
        edits,
    };
    let done = if dry_run {
        let engine = app.look(Clone::clone).await?;
        aside(move || {
            let mut engine = engine;
            // The clone's own time does as well as any.
            let tried = engine.apply(hcndc_core::time::Timestamp::MIN, Input::Edit(batch));
            tried.map(drop).map_err(Problem::Refused)
        })
        .await
    } else {
        app.command(&caller, Input::Edit(batch)).await.map(drop)
    };
    done.map_err(|problem| place(problem, &source))?;
    if !dry_run {
        put_accounts(&app, &caller, &accounts, false, &mut applied).await?;
    }
    Ok(Json(applied))
}

/// Puts the roles and users of a file, or finds out what would come of it.
async fn put_accounts<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    put: &AccountsPut,
    dry_run: bool,
    applied: &mut MeshApplied,
) -> Result<(), Problem> {
    if put.roles.is_empty() && put.users.is_empty() {
        return Ok(());
    }
    caller.needs(Permission::Admin)?;
    let accounts = auth(app)?.accounts();
    let now = app.clock.now();
    let done = accounts.put_accounts(put, dry_run, now).await?;
    applied.roles = PutCounts::of(&done.roles);
    applied.users = PutCounts::of(&done.users);
    applied.without_password.clone_from(&done.without_password);
    if !dry_run {
        let names = role_names(accounts).await?;
        app.did_all(caller, deeds(done, &names)).await;
    }
    Ok(())
}

/// What is written down of roles and users that were put: those that changed.
fn deeds(done: AccountsDone, names: &BTreeMap<RoleId, String>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for PutDone { before, after } in done.roles {
        if before.as_ref() != Some(&after) {
            let (id, name) = (after.id.0, after.name.clone());
            let (before, after) = (before.map(RoleDto::from), RoleDto::from(after));
            deeds.push(Deed::put("role", before.as_ref(), &after).on(id, name));
        }
    }
    for PutDone { before, after } in done.users {
        if before.as_ref() != Some(&after) {
            let (id, account) = (after.id.0, after.account.clone());
            let told = |user| UserDto::new(user, names);
            let (before, after) = (before.map(told), told(after));
            deeds.push(Deed::put("user", before.as_ref(), &after).on(id, account));
        }
    }
    deeds
}

/// Does what takes long where it holds nobody up.
pub(super) async fn aside<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Problem> + Send + 'static,
) -> Result<R, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "work on a file failed");
            Err(Problem::Internal)
        })
}

impl MeshApplied {
    fn of(dry_run: bool, edits: &[Edit]) -> Self {
        let mut applied = Self {
            dry_run,
            ..Self::default()
        };
        for edit in edits {
            match edit {
                Edit::PutFlow(draft) => applied.flows.count(draft.id.is_some()),
                Edit::PutJob(draft) => applied.jobs.count(draft.id.is_some()),
                Edit::PutExecutor(draft) => applied.executors.count(draft.id.is_some()),
                Edit::Put(draft) => applied.count(draft),
                Edit::DeleteFlow { .. }
                | Edit::DeleteJob { .. }
                | Edit::DeleteExecutor { .. }
                | Edit::Delete { .. } => {}
            }
        }
        applied
    }
}

impl MeshApplied {
    fn count(&mut self, draft: &DefinitionDraft) {
        let (counts, replaced) = match draft {
            DefinitionDraft::Pool(it) => (&mut self.pools, it.id.is_some()),
            DefinitionDraft::Calendar(it) => (&mut self.calendars, it.id.is_some()),
            DefinitionDraft::DataSource(it) => (&mut self.data_sources, it.id.is_some()),
            DefinitionDraft::Param(it) => (&mut self.shared_params, it.id.is_some()),
            DefinitionDraft::FileServer(it) => (&mut self.file_servers, it.id.is_some()),
            DefinitionDraft::FileEvent(it) => (&mut self.file_events, it.id.is_some()),
            DefinitionDraft::AlertChannel(it) => (&mut self.alert_channels, it.id.is_some()),
            DefinitionDraft::AlertRule(it) => (&mut self.alert_rules, it.id.is_some()),
            DefinitionDraft::Schedule(it) => (&mut self.schedules, it.id.is_some()),
        };
        counts.count(replaced);
    }
}

impl PutCounts {
    fn of<V>(done: &[PutDone<V>]) -> Self {
        let mut counts = Self::default();
        for it in done {
            counts.count(it.before.is_some());
        }
        counts
    }

    const fn count(&mut self, replaced: bool) {
        if replaced {
            self.replaced += 1;
        } else {
            self.made += 1;
        }
    }
}

/// Faults that only the mesh as a whole has, with their places in the file.
pub(super) fn place(problem: Problem, source: &MeshSource) -> Problem {
    let Problem::Refused(Rejected::Definition { faults }) = problem else {
        return problem;
    };
    let paths = paths(&source.file);
    let blame = |fault: model::Fault| {
        let path = paths.get(&fault.subject).cloned();
        let mut blame = Blame::from(fault);
        if let Some(path) = path {
            let whole = format!("{path}.{}", blame.field);
            let written = [whole.trim_end_matches('.'), &path]
                .into_iter()
                .find_map(|path| source.position(path));
            blame.position = written;
            blame.field = whole.trim_end_matches('.').to_owned();
        }
        blame
    };
    Problem::BadMesh(faults.into_iter().map(blame).collect())
}

/// Where each definition stands in a file.
fn paths(file: &MeshFile) -> BTreeMap<Subject, String> {
    let mut paths = BTreeMap::new();
    let mut add = |kind, list: &str, names: &mut dyn Iterator<Item = &String>| {
        for (at, name) in names.enumerate() {
            paths.insert(Subject::of(kind, name), format!("{list}[{at}]"));
        }
    };
    let executors = &mut file.executors.iter().map(|it| &it.name);
    add(DefinitionKind::Executor, "executors", executors);
    let pools = &mut file.pools.iter().map(|it| &it.name);
    add(DefinitionKind::Pool, "pools", pools);
    let calendars = &mut file.calendars.iter().map(|it| &it.name);
    add(DefinitionKind::Calendar, "calendars", calendars);
    let data_sources = &mut file.data_sources.iter().map(|it| &it.name);
    add(DefinitionKind::DataSource, "data_sources", data_sources);
    let shared_params = &mut file.shared_params.iter().map(|it| &it.name);
    add(DefinitionKind::Param, "shared_params", shared_params);
    let file_servers = &mut file.file_servers.iter().map(|it| &it.name);
    add(DefinitionKind::FileServer, "file_servers", file_servers);
    let file_events = &mut file.file_events.iter().map(|it| &it.name);
    add(DefinitionKind::FileEvent, "file_events", file_events);
    let alert_channels = &mut file.alert_channels.iter().map(|it| &it.name);
    add(
        DefinitionKind::AlertChannel,
        "alert_channels",
        alert_channels,
    );
    let alert_rules = &mut file.alert_rules.iter().map(|it| &it.name);
    add(DefinitionKind::AlertRule, "alert_rules", alert_rules);
    let schedules = &mut file.schedules.iter().map(|it| &it.name);
    add(DefinitionKind::Schedule, "schedules", schedules);
    for (flow_at, flow) in file.flows.iter().enumerate() {
        let subject = Subject::Flow {
            name: flow.name.clone(),
        };
        paths.insert(subject, format!("flows[{flow_at}]"));
        for (at, job) in flow.jobs.iter().enumerate() {
            let subject = Subject::Job {
                flow: flow.name.clone(),
                name: job.name.clone(),
            };
            paths.insert(subject, format!("flows[{flow_at}].jobs[{at}]"));
        }
    }
    paths
}
