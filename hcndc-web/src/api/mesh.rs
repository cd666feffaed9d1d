//! `/mesh`: a whole mesh file at once.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected},
    id::RoleId,
    model::{self, DefinitionDraft, DefinitionError, DefinitionId, DefinitionKind, Edit, Subject},
    port::{AccountsDone, AccountsPut, Clock as _, History, Permission, PutDone, Transport},
};
use serde::Serialize;
use serde_json::Value;
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
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    roles::RoleDto,
    route::{HandedTo as _, Json, Route, at, body, caller, having, query},
    trail::Deed,
    users::{UserDto, auth, role_names},
};
use crate::{
    app::App,
    interchange::{
        Existing, MeshFile, MeshPlan, MeshSource, PlanError, PlannedAction, PlannedChange, Prune,
        accounts_of, add_accounts, edits, export, parse_exported, parse_mesh, plan_edits,
        prune_edits, to_json, to_yaml,
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
        Route::get(MESH, READ, export_args.handed_to(give_out)).by_leader(),
        Route::post(MESH, WRITE, args.handed_to(apply)),
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
    (status = 200, content((Object = "application/yaml"), (Object = "application/json"))),
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
    /// Webhooks of the file.
    webhooks: PutCounts,
    /// Schedules of the file.
    schedules: PutCounts,
    /// Roles of the file.
    roles: PutCounts,
    /// Users of the file.
    users: PutCounts,
    /// Accounts of users of the file who have no password: nobody can sign in as them until they are given one.
    without_password: Vec<String>,
    /// With `dry_run`: what would become of each definition, role and user that does not stay as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<PlannedDto>>,
    /// With `dry_run`: how many definitions, roles and users of the file say what is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    unchanged: Option<usize>,
    /// With `dry_run`: what tells this plan from others. Given as `plan`, nothing else is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

/// What would become of a definition, a role or a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedChange)]
struct PlannedDto {
    /// `create`, `change` or `delete`.
    #[schema(value_type = String, example = "change")]
    action: PlannedAction,
    /// Its kind: `flow`, `job`, `data_source` and so on.
    #[schema(example = "job")]
    kind: String,
    /// Its name; a job's as `flow/job`.
    #[schema(example = "extract/orders")]
    name: String,
    /// Fields that differ, as mesh files call them; none for what goes.
    fields: Vec<PlannedFieldDto>,
}

/// How a field changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedField)]
struct PlannedFieldDto {
    /// Its name.
    #[schema(example = "command")]
    field: String,
    /// What it said; null where it said nothing, and for what is new. Secrets are told as `***`.
    #[schema(value_type = Option<Object>)]
    before: Value,
    /// What it will say.
    #[schema(value_type = Option<Object>)]
    after: Value,
}

impl From<PlannedChange> for PlannedDto {
    fn from(change: PlannedChange) -> Self {
        let fields = change.fields.into_iter().map(|it| PlannedFieldDto {
            field: it.field,
            before: it.before,
            after: it.after,
        });
        Self {
            action: change.action,
            kind: change.kind,
            name: change.name,
            fields: fields.collect(),
        }
    }
}

/// How many definitions of a kind were put.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct PutCounts {
    /// New ones.
    made: u32,
    /// Of a name that was there; those that say nothing new keep their version.
    replaced: u32,
    /// Those that were there and that the file does not have, if that was asked for.
    #[serde(skip_serializing_if = "is_zero")]
    deleted: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Puts all that a mesh file says, in YAML or JSON, at once or not at all.
///
/// Definitions of a name that is there are replaced, others are made, and nothing is deleted unless `prune` asks for it. All
/// faults are told together, with line and column. `zone` is that of schedules and file events that name none. A file with
/// roles or users is for those who may `admin` everywhere.
#[utoipa::path(post, operation_id = "apply_mesh", path = "/api/v1/mesh", tag = "mesh", params(
    ("dry_run" = Option<bool>, Query, description = "Change nothing, and tell the plan: `changes` field by field, `unchanged`, and `plan`, which stands for it"),
    ("exported" = Option<bool>, Query, description = "The file was exported: what a person who writes one would have got wrong is taken as it is: params that only starts bring, labels that no executor has, no flow at all"),
    ("prune" = Option<bool>, Query, description = "Also delete what the file does not have: of the kinds of which it has at least one, and jobs of its flows. Roles, users and the server's own executor stay. Refused with `in_use` while something that stays needs it"),
    ("prune_directory" = Option<Vec<String>>, Query, description = "The same of what is filed in this directory and below, of all kinds; may be given several times"),
    ("plan" = Option<String>, Query, description = "`plan` of a dry run: refused with `plan_changed` if something else would be done by now"),
), request_body(content = String, content_type = "application/yaml", description = "A mesh file; see docs/MESH-FILE.md"), responses(
    (status = 200, body = MeshApplied),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use`, `plan_changed`, `accounts_not_put`"),
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
    let prune = prune(&mut query);
    let expected = query.text("plan");
    query.finish()?;
    let text = body.bytes(&MEDIA_TYPES, "application/yaml", LIMIT).await?;
    let is_planned = dry_run || expected.is_some();
    // Of one moment: what is planned, and what is deleted.
    let (existing, engine) = app
        .look(move |engine| {
            let whole = is_planned || prune.is_some();
            (Existing::of(engine), whole.then(|| (engine.clone(), prune)))
        })
        .await?;
    let (source, edits, engine) = aside(move || {
        let source = match exported {
            true => parse_exported("mesh", &text),
            false => parse_mesh("mesh", &text, &[]),
        };
        let source = source.map_err(|faults| Problem::BadMesh(Blame::of_faults(faults)))?;
        let mut edits = edits(&source.file, None, &existing);
        if let Some((engine, Some(prune))) = &engine {
            edits.extend(prune_edits(engine, &source.file, prune));
        }
        Ok((source, edits, engine.map(|(engine, _)| engine)))
    })
    .await?;
    let mut applied = MeshApplied::of(dry_run, &edits);
    let accounts = accounts_of(&source.file);
    // What is wrong with roles and users is found before anything is changed.
    let done = put_accounts(&app, &caller, &accounts, true, &mut applied).await?;
    let batch = EditBatch {
        by: caller.by.clone(),
        edits,
    };
    if let Some(engine) = engine.filter(|_| is_planned) {
        let edits = batch.edits.clone();
        let plan = plan(&app, &caller, engine, edits, done).await;
        let plan = plan.map_err(|problem| place(problem, &source))?;
        let digest = plan.digest();
        if expected.is_some_and(|expected| expected != digest) {
            return Err(Problem::PlanChanged);
        }
        if dry_run {
            applied.unchanged = Some(plan.unchanged);
            applied.changes = Some(plan.changes.into_iter().map(Into::into).collect());
            applied.plan = Some(digest);
            return Ok(Json(applied));
        }
    }
    let done = app.command(&caller, Input::Edit(batch)).await;
    done.map_err(|problem| place(problem, &source))?;
    let done = put_accounts(&app, &caller, &accounts, false, &mut applied).await;
    done.map_err(|problem| {
        tracing::error!(
            code = problem.code(),
            "definitions of a mesh are stored, its roles and users are not"
        );
        Problem::AccountsNotPut
    })?;
    Ok(Json(applied))
}

/// What is to be deleted that a file does not have.
fn prune(query: &mut Query) -> Option<Prune> {
    let asked = query.flag("prune").unwrap_or(false);
    let directories = query.texts("prune_directory");
    for directory in &directories {
        if !directory.starts_with('/') {
            let error = BlameError::Definition(DefinitionError::BadDirectory);
            query.blame("prune_directory", error);
        }
    }
    (asked || !directories.is_empty()).then_some(Prune { directories })
}

/// What edits, roles and users would do, if the caller may do it.
async fn plan<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    engine: Engine,
    edits: Vec<Edit>,
    accounts: AccountsDone,
) -> Result<MeshPlan, Problem> {
    let by = caller.by.clone();
    let input = Input::Edit(EditBatch { by, edits });
    app.may_command(caller, &input).await?;
    // As they would be stored, so that a secret which is there already is none that changes.
    let Input::Edit(batch) = app.sealed(input).await? else {
        return Err(Problem::Internal);
    };
    let names = match (&app.auth, accounts.users.is_empty()) {
        (Some(auth), false) => role_names(auth.accounts()).await?,
        _ => BTreeMap::new(),
    };
    aside(move || {
        let planned = plan_edits(&engine, batch.edits);
        let mut plan = planned.map_err(|error| match error {
            PlanError::Refused(rejected) => Problem::Refused(rejected),
            PlanError::Unsayable(error) => Problem::NotExportable(error),
        })?;
        plan.add_accounts(&accounts, &names);
        Ok(plan)
    })
    .await
}

/// Puts the roles and users of a file, or finds out what would come of it.
async fn put_accounts<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    put: &AccountsPut,
    dry_run: bool,
    applied: &mut MeshApplied,
) -> Result<AccountsDone, Problem> {
    if put.roles.is_empty() && put.users.is_empty() {
        return Ok(AccountsDone::default());
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
        app.did_all(caller, deeds(done.clone(), &names)).await;
    }
    Ok(done)
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
                Edit::DeleteFlow { .. } => applied.flows.deleted += 1,
                Edit::DeleteJob { .. } => applied.jobs.deleted += 1,
                Edit::DeleteExecutor { .. } => applied.executors.deleted += 1,
                Edit::Delete { definition, .. } => {
                    applied.of_kind(*definition).deleted += 1;
                }
            }
        }
        applied
    }
}

impl MeshApplied {
    const fn of_kind(&mut self, id: DefinitionId) -> &mut PutCounts {
        match id {
            DefinitionId::Flow(_) => &mut self.flows,
            DefinitionId::Job(_) => &mut self.jobs,
            DefinitionId::Executor(_) => &mut self.executors,
            DefinitionId::Pool(_) => &mut self.pools,
            DefinitionId::Calendar(_) => &mut self.calendars,
            DefinitionId::DataSource(_) => &mut self.data_sources,
            DefinitionId::Param(_) => &mut self.shared_params,
            DefinitionId::FileServer(_) => &mut self.file_servers,
            DefinitionId::FileEvent(_) => &mut self.file_events,
            DefinitionId::AlertChannel(_) => &mut self.alert_channels,
            DefinitionId::AlertRule(_) => &mut self.alert_rules,
            DefinitionId::Webhook(_) => &mut self.webhooks,
            DefinitionId::Schedule(_) => &mut self.schedules,
        }
    }

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
            DefinitionDraft::Webhook(it) => (&mut self.webhooks, it.id.is_some()),
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
    // What still needs something stands in no file: it is to be taken away first.
    let in_use = |fault: &model::Fault| matches!(fault.error, DefinitionError::InUse { .. });
    if faults.iter().any(in_use) {
        return Problem::Refused(Rejected::Definition { faults });
    }
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
    let webhooks = &mut file.webhooks.iter().map(|it| &it.name);
    add(DefinitionKind::Webhook, "webhooks", webhooks);
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
