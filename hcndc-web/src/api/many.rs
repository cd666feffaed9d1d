//! What is asked of definitions of any kind: deletes of many at once, what uses one, and directories.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::Engine,
    id::{ExecutorId, FlowId, JobId},
    model::{DefinitionError, DefinitionId, DefinitionKind, Edit},
    port::{History, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    needs::{ADMIN, Needs, READ, WRITE},
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    resources::{RESOURCES, directories as counts},
    route::{HandedTo as _, Json, Route, at, at_id, body, caller, having, query},
    trail::Deed,
};
use crate::app::App;

const DIRECTORIES: &str = "/api/v1/directories";

/// A kind of definition, and where many of it are deleted, and what uses one and what became of one is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Its word in paths.
    pub(super) word: &'static str,
    /// What people call it.
    pub(super) kind: DefinitionKind,
    pub(super) delete: &'static str,
    pub(super) uses: &'static str,
    pub(super) history: &'static str,
    pub(super) id: fn(u64) -> DefinitionId,
}

macro_rules! kinds {
    ($($word:literal)*) => {
        /// Every kind.
        pub(super) fn kinds() -> Vec<Kind> {
            let paths = [$((
                $word,
                concat!("/api/v1/", $word, "/delete"),
                concat!("/api/v1/", $word, "/{id}/uses"),
                concat!("/api/v1/", $word, "/{id}/history"),
            ),)*];
            let resources = RESOURCES.iter().map(|it| (it.word, it.kind, it.id));
            let first: [(_, _, fn(u64) -> DefinitionId); 3] = [
                ("flows", DefinitionKind::Flow, |id| FlowId(id).into()),
                ("jobs", DefinitionKind::Job, |id| JobId(id).into()),
                ("executors", DefinitionKind::Executor, |id| ExecutorId(id).into()),
            ];
            let kinds = first.into_iter().chain(resources);
            let kinds = kinds.filter_map(|(word, kind, id)| {
                let (_, delete, uses, history) = paths.iter().find(|it| it.0 == word)?;
                Some(Kind { word, kind, delete, uses, history, id })
            });
            kinds.collect()
        }
    };
}

kinds! {
    "flows" "jobs" "executors" "schedules" "calendars" "pools" "params" "data-sources" "file-servers" "file-events"
    "alert-channels" "alert-rules" "webhooks"
}

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for kind in kinds() {
        let with = having(&kind).and(having(app));
        let many = at(kind.delete).and(with.clone());
        routes.push(Route::post(
            kind.delete,
            needs_of(kind.kind),
            many.and(caller()).and(body()).handed_to(delete),
        ));
        let one = at_id::<u64>(kind.uses).and(with);
        routes.push(Route::get(kind.uses, READ, one.handed_to(uses)).by_leader());
    }
    let tree = at(DIRECTORIES).and(having(app)).and(query());
    routes.push(Route::get(DIRECTORIES, READ, tree.handed_to(directories)).by_leader());
    routes
}

/// What changes of a kind need.
const fn needs_of(kind: DefinitionKind) -> Needs {
    match kind {
        DefinitionKind::Executor => ADMIN,
        _ => WRITE,
    }
}

/// Which definitions of a kind, users, roles or tokens to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteBody {
    /// Which; at most 1000.
    items: Vec<DeleteItem>,
}

/// Things to delete at once at most.
const MOST: usize = 1_000;

impl DeleteBody {
    /// Which, each once, and the version that it must have.
    pub(super) fn items<I>(self, id: impl Fn(u64) -> I) -> Result<Vec<(I, Option<u32>)>, Problem> {
        if self.items.len() > MOST {
            let error = BlameError::Definition(DefinitionError::TooMany {
                count: self.items.len(),
                max: MOST,
            });
            return Err(Problem::BadBody(vec![Blame::of("items", error)]));
        }
        let items = self.items.into_iter();
        let items: BTreeMap<_, _> = items.map(|item| (item.id, item.version)).collect();
        let items = items.into_iter();
        Ok(items
            .map(|(number, version)| (id(number), version))
            .collect())
    }
}

/// Writes down who deleted these users, roles or tokens, each with what it was.
pub(super) async fn tell_deleted<H, T, D: Serialize>(
    app: &App<H, T>,
    caller: &Caller,
    kind: &'static str,
    gone: &[D],
    named: impl Fn(&D) -> (u64, &str),
) -> Json<Deleted> {
    let deeds = gone.iter().map(|it| {
        let (id, name) = named(it);
        Deed::new("delete", kind).on(id, name).before(it)
    });
    app.did_all(caller, deeds.collect()).await;
    Json(Deleted {
        deleted: gone.len(),
    })
}

/// One definition to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteItem {
    /// Its id.
    pub(super) id: u64,
    /// Refused unless it is at this version.
    #[serde(default)]
    pub(super) version: Option<u32>,
}

/// What came of a delete.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    /// How many are gone.
    deleted: usize,
}

/// What uses a definition.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Uses {
    /// What would keep it from being deleted, by kind and id.
    items: Vec<User>,
}

/// A definition that uses another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsedBy)]
struct User {
    /// Its kind: `flow`, `job`, `schedule` and so on.
    #[schema(example = "job")]
    kind: String,
    /// Its id.
    id: u64,
    /// Its name; a job's as `flow/job`.
    #[schema(example = "load/orders")]
    name: String,
}

/// A directory, and what is filed there.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Directory {
    /// Its own name; empty for the root.
    name: String,
    /// Its path.
    #[schema(example = "/retail")]
    path: String,
    /// Definitions filed right here.
    count: u64,
    /// Definitions filed here or below.
    total: u64,
    /// Those below, by name.
    #[schema(no_recursion)]
    children: Vec<Self>,
}

/// Deletes many, all or none.
async fn delete<H: History, T: Transport>(
    kind: Kind,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Deleted>, Problem> {
    let body: DeleteBody = body.json(&[]).await?;
    let items = body.items(kind.id)?.into_iter();
    let edits: Vec<Edit> = items
        .map(|(definition, version)| Edit::Delete {
            definition,
            version,
        })
        .collect();
    let deleted = edits.len();
    if deleted > 0 {
        app.edit(&caller, edits).await?;
    }
    Ok(Json(Deleted { deleted }))
}

/// Tells what uses a definition.
async fn uses<H: History, T: Transport>(
    number: u64,
    kind: Kind,
    app: Arc<App<H, T>>,
) -> Result<Json<Uses>, Problem> {
    let id = (kind.id)(number);
    let found = app.look(move |engine| {
        name(engine, id)?;
        Some(users(engine, id))
    });
    let items = found.await?.ok_or_else(|| Problem::from(id))?;
    Ok(Json(Uses { items }))
}

fn users(engine: &Engine, id: DefinitionId) -> Vec<User> {
    let mut users: Vec<DefinitionId> = Vec::new();
    match id {
        DefinitionId::Flow(flow) => {
            let children = engine.flows().filter(|it| it.parents.contains(&flow));
            users.extend(children.map(|it| DefinitionId::from(it.id)));
            let outside = engine.jobs().filter(|it| it.flow != flow);
            let outside = outside.filter(|it| {
                let ties = it.dependencies.iter();
                let mut jobs = ties.filter_map(|tie| engine.job(tie.job));
                jobs.any(|job| job.flow == flow)
            });
            users.extend(outside.map(|it| DefinitionId::from(it.id)));
        }
        DefinitionId::Job(job) => {
            let dependents = engine
                .jobs()
                .filter(|it| it.id != job && it.dependencies.iter().any(|tie| tie.job == job));
            users.extend(dependents.map(|it| DefinitionId::from(it.id)));
        }
        _ => {}
    }
    users.extend(engine.users_of(id));
    users.sort_unstable();
    users.dedup();
    let users = users.into_iter();
    users
        .filter_map(|id| {
            Some(User {
                kind: id.kind().as_str().replace(' ', "_"),
                id: id.number(),
                name: name(engine, id)?,
            })
        })
        .collect()
}

/// The name of a definition; `None` if there is none of this id.
fn name(engine: &Engine, id: DefinitionId) -> Option<String> {
    Some(match id {
        DefinitionId::Flow(id) => engine.flow(id)?.name.clone(),
        DefinitionId::Job(id) => {
            let job = engine.job(id)?;
            let flow = engine.flow(job.flow)?;
            format!("{}/{}", flow.name, job.name)
        }
        DefinitionId::Executor(id) => engine.executor(id)?.name.clone(),
        DefinitionId::Schedule(id) => engine.schedule(id)?.name.clone(),
        DefinitionId::Calendar(id) => engine.calendar(id)?.name.clone(),
        DefinitionId::Pool(id) => engine.pool(id)?.name.clone(),
        DefinitionId::Param(id) => engine.param(id)?.name.clone(),
        DefinitionId::DataSource(id) => engine.data_source(id)?.name.clone(),
        DefinitionId::FileServer(id) => engine.file_server(id)?.name.clone(),
        DefinitionId::FileEvent(id) => engine.file_event(id)?.name.clone(),
        DefinitionId::AlertChannel(id) => engine.alert_channel(id)?.name.clone(),
        DefinitionId::AlertRule(id) => engine.alert_rule(id)?.name.clone(),
        DefinitionId::Webhook(id) => engine.webhook(id)?.name.clone(),
    })
}

/// Tells the tree of directories, with how many definitions are filed in each.
#[utoipa::path(get, operation_id = "list_directories", path = "/api/v1/directories", tag = "definitions", params(
    ("kind" = Option<String>, Query, description = "Only definitions of this kind, by its word in paths, such as `flows` or `data-sources`; default: all"),
), responses(
    (status = 200, body = Directory),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn directories<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<Directory>, Problem> {
    let kinds = kinds();
    let words: Vec<(&str, DefinitionKind)> = kinds
        .iter()
        // Neither jobs nor executors are filed anywhere.
        .filter(|it| !matches!(it.kind, DefinitionKind::Job | DefinitionKind::Executor))
        .map(|it| (it.word, it.kind))
        .collect();
    let kind = query.word("kind", &words);
    query.finish()?;
    let counts = app.look(move |engine| counts(engine, kind)).await?;
    Ok(Json(tree(&counts)))
}

/// The tree of some paths.
fn tree(counts: &BTreeMap<String, u64>) -> Directory {
    let mut root = Directory {
        path: "/".to_owned(),
        ..Directory::default()
    };
    for (path, count) in counts {
        let mut at = &mut root;
        at.total += count;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let found = at
                .children
                .binary_search_by(|it| it.name.as_str().cmp(name));
            let place = found.unwrap_or_else(|place| {
                let above = at.path.trim_end_matches('/');
                let child = Directory {
                    name: name.to_owned(),
                    path: format!("{above}/{name}"),
                    ..Directory::default()
                };
                at.children.insert(place, child);
                place
            });
            at = &mut at.children[place];
            at.total += count;
        }
        at.count += count;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_counts_what_is_right_there_and_what_is_below() {
        let counts = [("/", 1), ("/a", 2), ("/a b/c", 3), ("/a/b/c", 4)];
        let counts = counts.map(|(path, count)| (path.to_owned(), count)).into();
        let root = tree(&counts);
        assert_eq!((root.count, root.total), (1, 10));
        let names: Vec<_> = root.children.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(names, ["/a", "/a b"]);
        let a = &root.children[0];
        assert_eq!((a.count, a.total), (2, 6));
        assert_eq!(a.children[0].children[0].path, "/a/b/c");
        assert_eq!(root.children[1].count, 0);
        assert_eq!(root.children[1].total, 3);
    }
}
