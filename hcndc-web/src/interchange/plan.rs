//! What becomes of the definitions when a mesh file is put, as infrastructure tools show it: what is made, what changes
//! and how, what is deleted.
//!
//! It is found by doing it: the edits are applied to a copy of the engine, and what a copy before and the one after would
//! export is compared. So a plan knows defaults, and what only sounds new.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Rejected},
    id::RoleId,
    model::{DefinitionKind, Edit},
    port::{AccountsDone, Origin, PutDone, Role, User},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{ExportError, MeshFile, export};
use crate::{local_executor, vault::secret_of};

/// Which definitions go that a file does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Those of all kinds that are filed in these directories and below. Without any: those of the kinds of which the file
    /// has at least one, wherever they are.
    pub directories: Vec<String>,
}

/// What becomes of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It is made.
    Create,
    /// It is there, and changes.
    Change,
    /// It goes.
    Delete,
}

/// A definition that does not stay as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What becomes of it.
    pub action: PlannedAction,
    /// Its kind, as `flow`, `data_source`.
    pub kind: String,
    /// Its name; a job's as `flow/job`.
    pub name: String,
    /// What it says and said, in the order of mesh files; empty for what goes.
    pub fields: Vec<PlannedField>,
}

/// A field of a definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedField {
    /// Its name in mesh files.
    pub field: String,
    /// What it said; null where it said nothing, and for what is made.
    pub before: Value,
    /// What it will say.
    pub after: Value,
}

/// What a batch of edits does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeshPlan {
    /// What does not stay as it is: by kind, what is made and changes before what goes.
    pub changes: Vec<PlannedChange>,
    /// Definitions of the file that say what is there already.
    pub unchanged: usize,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The definitions refuse it.
    #[error("the definitions are refused")]
    Refused(#[source] Rejected),
    /// No file can say what the definitions are, so they cannot be compared.
    #[error(transparent)]
    Unsayable(#[from] ExportError),
}

impl MeshPlan {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many have this action.
    #[must_use]
    pub fn count(&self, action: PlannedAction) -> usize {
        let changes = self.changes.iter();
        changes.filter(|change| change.action == action).count()
    }

    /// What this plan is told from others by.
    #[must_use]
    pub fn digest(&self) -> String {
        // Texts and numbers are always written.
        let text = serde_json::to_vec(&self.changes).unwrap_or_default();
        let digest = Sha256::digest(&text);
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Edits that delete what a file does not have. Users and roles are never among it, nor is the executor that the server
/// makes by itself.
#[must_use]
pub fn prune_edits(engine: &Engine, file: &MeshFile, prune: &Prune) -> Vec<Edit> {
    let named = Names::of(file);
    let asked = Asked {
        prune,
        named: &named,
    };
    let mut edits = Vec::new();
    for flow in engine.flows() {
        if asked.goes(DefinitionKind::Flow, &flow.name, &flow.directory) {
            edits.push(Edit::DeleteFlow {
                flow: flow.id,
                version: Some(flow.revision.version),
            });
        }
    }
    for job in engine.jobs() {
        let Some(flow) = engine.flow(job.flow) else {
            continue;
        };
        // Those of a flow that goes, go with it.
        let of_file = named.jobs.get(&*flow.name);
        let goes = of_file.is_some_and(|jobs| !jobs.contains(&*job.name));
        if goes && asked.is_within(&flow.directory) {
            edits.push(Edit::DeleteJob {
                job: job.id,
                version: Some(job.revision.version),
            });
        }
    }
    for executor in engine.executors() {
        let by_itself = executor.address == local_executor::ADDRESS;
        // It is filed nowhere.
        let asked_for = prune.directories.is_empty();
        if asked_for && !by_itself && asked.goes(DefinitionKind::Executor, &executor.name, "/") {
            edits.push(Edit::DeleteExecutor {
                executor: executor.id,
                version: Some(executor.revision.version),
            });
        }
    }
    for definition in engine.other_definitions() {
        let id = definition.id();
        if asked.goes(id.kind(), definition.name(), definition.directory()) {
            edits.push(Edit::Delete {
                definition: id,
                version: Some(definition.revision().version),
            });
        }
    }
    edits
}

/// What a file has.
struct Names<'a> {
    by_kind: BTreeMap<DefinitionKind, BTreeSet<&'a str>>,
    /// By flow.
    jobs: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(file: &'a MeshFile) -> Self {
        let mut by_kind = BTreeMap::new();
        macro_rules! names {
            ($($kind:ident: $list:ident,)*) => {$(
                let names: BTreeSet<&str> = file.$list.iter().map(|it| &*it.name).collect();
                by_kind.insert(DefinitionKind::$kind, names);
            )*};
        }
        names! {
            Flow: flows,
            Executor: executors,
            Schedule: schedules,
            Calendar: calendars,
            Pool: pools,
            Param: shared_params,
            DataSource: data_sources,
            FileServer: file_servers,
            FileEvent: file_events,
            AlertChannel: alert_channels,
            AlertRule: alert_rules,
            Webhook: webhooks,
        }
        let jobs = file.flows.iter().map(|flow| {
            let jobs = flow.jobs.iter().map(|job| &*job.name);
            (&*flow.name, jobs.collect())
        });
        Self {
            by_kind,
            jobs: jobs.collect(),
        }
    }
}

struct Asked<'a> {
    prune: &'a Prune,
    named: &'a Names<'a>,
}

impl Asked<'_> {
    fn goes(&self, kind: DefinitionKind, name: &str, directory: &str) -> bool {
        let Some(names) = self.named.by_kind.get(&kind) else {
            return false;
        };
        // A file that says nothing of a kind is not asked about it, unless it is all that there is of a directory.
        let is_asked = !self.prune.directories.is_empty() || !names.is_empty();
        is_asked && !names.contains(name) && self.is_within(directory)
    }

    fn is_within(&self, directory: &str) -> bool {
        let all = &self.prune.directories;
        all.is_empty() || all.iter().any(|above| is_below(directory, above))
    }
}

/// Whether a directory is another one, or below it.
fn is_below(directory: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    let rest = directory.trim_end_matches('/').strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What edits do to the definitions of an engine. Secrets should be sealed as for a command, or each that is brought counts as
/// a new one.
///
/// # Errors
/// [`PlanError`], as when it is done.
pub fn plan_edits(engine: &Engine, edits: Vec<Edit>) -> Result<MeshPlan, PlanError> {
    let put = edits.iter().filter(|edit| edit.deletes().is_none()).count();
    let mut after = engine.clone();
    let batch = EditBatch {
        by: String::new(),
        edits,
    };
    // The copy's own time does as well as any.
    let tried = after.apply(Timestamp::MIN, Input::Edit(batch));
    tried.map_err(PlanError::Refused)?;
    let old = Entries::of(engine)?;
    let new = Entries::of(&after)?;
    let mut plan = MeshPlan::default();
    for (place, entry) in &new.by_place {
        let (action, fields) = match old.by_place.get(place) {
            None => (PlannedAction::Create, compare(&Map::new(), &entry.fields)),
            Some(before) => {
                let mut fields = compare(&before.fields, &entry.fields);
                if before.secret != entry.secret {
                    fields.push(secret_field(place.0, before, entry));
                }
                (PlannedAction::Change, fields)
            }
        };
        if action == PlannedAction::Create || !fields.is_empty() {
            plan.changes.push(place.change(action, fields));
        }
    }
    plan.unchanged = put.saturating_sub(plan.changes.len());
    let gone = old.by_place.keys();
    let gone = gone.filter(|place| !new.by_place.contains_key(*place));
    for place in gone {
        plan.changes
            .push(place.change(PlannedAction::Delete, Vec::new()));
    }
    plan.changes.sort_by_key(|change| {
        let kind = ORDER.iter().position(|kind| word(*kind) == change.kind);
        (kind, change.action == PlannedAction::Delete)
    });
    Ok(plan)
}

/// The order in which kinds are told: what others need comes first.
const ORDER: [DefinitionKind; 13] = [
    DefinitionKind::Executor,
    DefinitionKind::Pool,
    DefinitionKind::Calendar,
    DefinitionKind::DataSource,
    DefinitionKind::Param,
    DefinitionKind::FileServer,
    DefinitionKind::FileEvent,
    DefinitionKind::AlertChannel,
    DefinitionKind::AlertRule,
    DefinitionKind::Flow,
    DefinitionKind::Job,
    DefinitionKind::Schedule,
    DefinitionKind::Webhook,
];

fn word(kind: DefinitionKind) -> String {
    kind.as_str().replace(' ', "_")
}

/// Kind, flow (of jobs; else empty) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(DefinitionKind, String, String);

impl Place {
    fn change(&self, action: PlannedAction, fields: Vec<PlannedField>) -> PlannedChange {
        let Self(kind, flow, name) = self;
        PlannedChange {
            action,
            kind: word(*kind),
            name: match kind {
                DefinitionKind::Job => format!("{flow}/{name}"),
                _ => name.clone(),
            },
            fields,
        }
    }
}

/// What a definition says.
#[derive(Debug, Default)]
struct Entry {
    fields: Map<String, Value>,
    /// As it is stored; nobody is told.
    secret: String,
}

/// All definitions, as a mesh file says them.
#[derive(Debug, Default)]
struct Entries {
    by_place: BTreeMap<Place, Entry>,
}

/// The lists of a mesh file.
const LISTS: [(DefinitionKind, &str); 12] = [
    (DefinitionKind::Executor, "executors"),
    (DefinitionKind::Pool, "pools"),
    (DefinitionKind::Calendar, "calendars"),
    (DefinitionKind::DataSource, "data_sources"),
    (DefinitionKind::Param, "shared_params"),
    (DefinitionKind::FileServer, "file_servers"),
    (DefinitionKind::FileEvent, "file_events"),
    (DefinitionKind::AlertChannel, "alert_channels"),
    (DefinitionKind::AlertRule, "alert_rules"),
    (DefinitionKind::Flow, "flows"),
    (DefinitionKind::Schedule, "schedules"),
    (DefinitionKind::Webhook, "webhooks"),
];

impl Entries {
    fn of(engine: &Engine) -> Result<Self, ExportError> {
        let file = export(engine)?;
        // A mesh file is always written.
        let mut json = serde_json::to_value(&file).unwrap_or_default();
        let mut all = Self::default();
        for (kind, list) in LISTS {
            for mut item in take_list(&mut json, list) {
                let jobs = take_list(&mut item, "jobs");
                let name = all.add(kind, "", item);
                for job in jobs {
                    all.add(DefinitionKind::Job, &name, job);
                }
            }
        }
        for definition in engine.other_definitions() {
            let place = Place(
                definition.id().kind(),
                String::new(),
                definition.name().to_owned(),
            );
            if let (Some(entry), Some(secret)) =
                (all.by_place.get_mut(&place), secret_of(&definition))
            {
                secret.reveal().clone_into(&mut entry.secret);
            }
        }
        Ok(all)
    }

    /// Adds a definition; tells its name.
    fn add(&mut self, kind: DefinitionKind, flow: &str, item: Value) -> String {
        let Value::Object(mut fields) = item else {
            return String::new();
        };
        let name = fields.shift_remove("name");
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
        let place = Place(kind, flow.to_owned(), name.to_owned());
        let secret = String::new();
        self.by_place.insert(place, Entry { fields, secret });
        name.to_owned()
    }
}

fn take_list(json: &mut Value, list: &str) -> Vec<Value> {
    match json.as_object_mut().and_then(|it| it.shift_remove(list)) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Fields that differ.
fn compare(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<PlannedField> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let names = after.keys().chain(gone);
    let of =
        |fields: &Map<String, Value>, name: &str| fields.get(name).cloned().unwrap_or_default();
    let fields = names.map(|name| PlannedField {
        field: name.clone(),
        before: of(before, name),
        after: of(after, name),
    });
    fields.filter(|field| field.before != field.after).collect()
}

/// That a secret changes, without what it is.
fn secret_field(kind: DefinitionKind, before: &Entry, after: &Entry) -> PlannedField {
    let told = |entry: &Entry| match entry.secret.is_empty() {
        true => Value::Null,
        false => "***".into(),
    };
    let field = match kind {
        DefinitionKind::AlertChannel | DefinitionKind::Webhook => "secret",
        _ => "password",
    };
    PlannedField {
        field: field.to_owned(),
        before: told(before),
        after: told(after),
    }
}

impl MeshPlan {
    /// Adds what becomes of roles and users; `names` are those of the roles that are there.
    pub fn add_accounts(&mut self, done: &AccountsDone, names: &BTreeMap<RoleId, String>) {
        for PutDone { before, after } in &done.roles {
            let before = before.as_ref().map(role_fields);
            self.add("role", &after.name, before, &role_fields(after));
        }
        let mut names = names.clone();
        let made = done.roles.iter();
        names.extend(made.map(|role| (role.after.id, role.after.name.clone())));
        for PutDone { before, after } in &done.users {
            let fields = |user| user_fields(user, &names);
            let before = before.as_ref().map(fields);
            self.add("user", &after.account, before, &fields(after));
        }
    }

    fn add(
        &mut self,
        kind: &str,
        name: &str,
        before: Option<Map<String, Value>>,
        after: &Map<String, Value>,
    ) {
        let action = match before {
            None => PlannedAction::Create,
            Some(_) => PlannedAction::Change,
        };
        let fields = compare(&before.unwrap_or_default(), after);
        if action == PlannedAction::Change && fields.is_empty() {
            self.unchanged += 1;
            return;
        }
        self.changes.push(PlannedChange {
            action,
            kind: kind.to_owned(),
            name: name.to_owned(),
            fields,
        });
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    // What is empty is as if it were not said.
    let said = fields.into_iter().filter(|(_, value)| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn role_fields(role: &Role) -> Map<String, Value> {
    let permissions: Vec<&str> = role
        .grant
        .permissions
        .iter()
        .map(|it| it.as_str())
        .collect();
    object([
        ("description", role.description.clone().into()),
        ("permissions", permissions.into()),
        ("directories", role.grant.directories.clone().into()),
    ])
}

fn user_fields(user: &User, names: &BTreeMap<RoleId, String>) -> Map<String, Value> {
    let roles = user.roles.iter().filter_map(|role| names.get(role));
    let roles: Vec<&str> = roles.map(String::as_str).collect();
    let origin = match user.origin {
        // It goes without saying.
        Origin::Local => "",
        Origin::Ldap | Origin::Oidc => user.origin.as_str(),
    };
    object([
        ("name", user.name.clone().into()),
        ("enabled", user.enabled.into()),
        ("origin", origin.into()),
        ("roles", roles.into()),
    ])
}

#[cfg(test)]
mod tests {
    use hcndc_core::engine::DefinitionId;

    use super::*;
    use crate::interchange::{Existing, edits, parse_exported};

    const MESH: &str = "
hcndc: 1
pools: [{name: dw, slots: 4}]
calendars: [{name: cn, directory: /cal}]
data_sources: [{name: src, kind: mysql, host: db, password: one}]
flows:
  - name: extract
    directory: /retail
    jobs:
      - {name: orders, command: echo orders, pool: dw}
      - {name: items, command: echo items}
  - name: load
    directory: /retail/late
    parents: [extract]
    jobs:
      - {name: merge, command: echo merge, depends_on: [extract/orders]}
  - {name: other, directory: /other, jobs: [{name: x, command: 'true'}]}
schedules:
  - {name: nightly, flow: load, trigger: '30 2 * * *', directory: /retail}
";

    fn file(text: &str) -> MeshFile {
        parse_exported("mesh.yaml", text.as_bytes()).unwrap().file
    }

    fn put(engine: &mut Engine, edits: Vec<Edit>) {
        let by = "test".to_owned();
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(0), batch).unwrap();
    }

    fn engine() -> Engine {
        let mut engine = Engine::default();
        let edits = edits(&file(MESH), None, &Existing::of(&engine));
        put(&mut engine, edits);
        engine
    }

    fn all_edits(engine: &Engine, text: &str, prune: Option<&[&str]>) -> Vec<Edit> {
        let file = file(text);
        let mut all = edits(&file, None, &Existing::of(engine));
        if let Some(directories) = prune {
            let directories = directories.iter().map(|it| (*it).to_owned()).collect();
            all.extend(prune_edits(engine, &file, &Prune { directories }));
        }
        all
    }

    fn plan(engine: &Engine, text: &str, prune: Option<&[&str]>) -> MeshPlan {
        plan_edits(engine, all_edits(engine, text, prune)).unwrap()
    }

    fn lines(plan: &MeshPlan) -> Vec<String> {
        let line = |change: &PlannedChange| {
            let sign = match change.action {
                PlannedAction::Create => '+',
                PlannedAction::Change => '~',
                PlannedAction::Delete => '-',
            };
            let fields: Vec<String> = change
                .fields
                .iter()
                .map(|it| format!(" {}: {} → {}", it.field, it.before, it.after))
                .collect();
            format!("{sign} {} {}{}", change.kind, change.name, fields.concat())
        };
        plan.changes.iter().map(line).collect()
    }

    #[test]
    fn the_same_file_plans_nothing_and_what_is_exported_neither() {
        let engine = engine();
        let again = plan(&engine, MESH, Some(&[]));
        assert_eq!((lines(&again), again.unchanged), (Vec::new(), 11));
        let exported = crate::interchange::to_yaml(&export(&engine).unwrap());
        assert!(plan(&engine, &exported, Some(&[])).is_empty());
        assert!(plan(&engine, &exported, Some(&["/"])).is_empty());
    }

    #[test]
    fn what_changes_is_told_field_by_field_and_secrets_without_what_they_are() {
        let changed = MESH
            .replace("slots: 4", "slots: 6")
            .replace("echo merge, ", "echo merged, timeout: 1h, ")
            .replace("password: one", "password: two")
            .replace("pool: dw}", "}");
        let plan = plan(&engine(), &changed, None);
        assert_eq!(
            lines(&plan),
            [
                "~ pool dw slots: 4 → 6",
                "~ data_source src password: \"***\" → \"***\"",
                "~ job extract/orders pool: \"dw\" → null",
                "~ job load/merge command: \"echo merge\" → \"echo merged\" timeout: null → \"1h\"",
            ]
        );
        assert_eq!(plan.unchanged, 7);
    }

    #[test]
    fn without_prune_nothing_goes_and_with_it_what_the_file_speaks_of() {
        let few = "
hcndc: 1
pools: [{name: dw, slots: 4}]
flows:
  - name: extract
    directory: /retail
    jobs: [{name: orders, command: echo orders, pool: dw}]
  - {name: fresh, jobs: []}
";
        let engine = engine();
        assert_eq!(lines(&plan(&engine, few, None)), ["+ flow fresh"]);
        // The schedule needs a flow that goes, and the file says nothing of schedules.
        let refused = plan_edits(&engine, all_edits(&engine, few, Some(&[])));
        let PlanError::Refused(Rejected::Definition { faults }) = refused.unwrap_err() else {
            panic!("it is refused for what the definitions are");
        };
        assert_eq!(faults.len(), 1, "{faults:?}");
        let retail = plan(&engine, few, Some(&["/retail"]));
        assert_eq!(
            lines(&retail),
            [
                "+ flow fresh",
                "- flow load",
                "- job extract/items",
                "- job load/merge",
                "- schedule nightly",
            ]
        );
        assert_ne!(retail.digest(), plan(&engine, few, None).digest());
        let late = plan(
            &engine,
            &few.replace(
                "[{name: orders",
                "[{name: items, command: echo items}, {name: orders",
            ),
            Some(&["/ret"]),
        );
        assert_eq!(lines(&late), ["+ flow fresh"], "/ret is not above /retail");
    }

    #[test]
    fn what_is_pruned_is_gone_and_the_server_s_own_executor_stays() {
        let mut engine = engine();
        let own = "
hcndc: 1
executors: [{name: local, address: local}, {name: old, address: 'old:7890'}]
flows: []
";
        let made = all_edits(&engine, own, None);
        put(&mut engine, made);
        let text = MESH.replace(
            "flows:\n",
            "executors: [{name: new, address: 'new:7890'}]\nflows:\n",
        );
        let edits = all_edits(&engine, &text, Some(&[]));
        let told = plan_edits(&engine, edits.clone()).unwrap();
        let told: Vec<String> = told
            .changes
            .iter()
            .map(|it| format!("{:?} {}", it.action, it.name))
            .collect();
        assert_eq!(told, ["Create new", "Delete old"]);
        put(&mut engine, edits);
        let names: Vec<&str> = engine.executors().map(|it| &*it.name).collect();
        assert_eq!(names, ["local", "new"]);
        let deleted = prune_edits(&engine, &file("{hcndc: 1, flows: []}"), &Prune::default());
        let deleted: Vec<DefinitionId> = deleted
            .iter()
            .filter_map(|edit| edit.deletes().map(|(id, _)| id))
            .collect();
        assert_eq!(deleted, [], "a file that speaks of nothing deletes nothing");
    }
}
