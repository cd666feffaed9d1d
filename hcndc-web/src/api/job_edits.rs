//! `/flows/{id}/jobs`: what is new, changed and deleted among the jobs of a flow, as one edit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    id::{FlowId, JobId},
    model::{DefinitionError, DefinitionId, Edit, FlowRef, JobDraft, JobParamDraft, JobRef},
    port::{History, JobView, Transport},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::{Body, Patch},
    caller::Caller,
    jobs::{JobBody, JobDto},
    many::DeleteItem,
    mesh::aside,
    needs::WRITE,
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    reference::DependencyDto,
    route::{HandedTo as _, Json, Route, at_id, body, caller, having, query},
};
use crate::app::App;

const JOBS: &str = "/api/v1/flows/{id}/jobs";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let flow = at_id::<FlowId>(JOBS).and(having(app)).and(caller());
    vec![Route::post(
        JOBS,
        WRITE,
        flow.and(query()).and(body()).handed_to(edit),
    )]
}

/// What becomes of the jobs of a flow. Those that are not named stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobsBody, example = json!({"create": [{"name": "check", "command": "sh check.sh", "depends_on": [5]}],
    "change": [{"id": 6, "version": 2, "set": {"depends_on": ["check"]}}], "delete": [{"id": 7, "version": 1}]}))]
pub(super) struct JobsBody {
    /// New jobs. They may wait for each other, by name.
    #[serde(default)]
    create: Vec<JobBody>,
    /// Jobs that change.
    #[serde(default)]
    change: Vec<ChangeItem>,
    /// Jobs that are deleted. What waits for one has to be deleted or changed with it.
    #[serde(default)]
    delete: Vec<DeleteItem>,
}

/// A job that changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeItem {
    /// Its id.
    id: u64,
    /// Refused unless it is at this version.
    #[serde(default)]
    version: Option<u32>,
    /// The fields that change, each as a whole; null puts one back to what it is by itself.
    #[schema(value_type = Object)]
    set: serde_json::Map<String, serde_json::Value>,
}

/// What became of the jobs of a flow, or would.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobsEdited {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Ids of the new jobs, in their order; none for a dry run.
    created: Vec<u64>,
    /// How many were changed.
    changed: usize,
    /// How many were deleted.
    deleted: usize,
}

/// A job as it is and as it shall be.
struct Change {
    id: JobId,
    version: Option<u32>,
    fields: Patch,
}

/// Creates, changes and deletes jobs of a flow, all or none.
#[utoipa::path(post, operation_id = "edit_jobs", path = "/api/v1/flows/{id}/jobs", tag = "jobs", params(
    ("id" = u64, Path, description = "The flow"),
    ("dry_run" = Option<bool>, Query, description = "Only check"),
), request_body = JobsBody, responses(
    (status = 200, body = JobsEdited),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_flow`, `unknown_job`: also a job of another flow"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `in_use`, `name_taken`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`: also a cycle, by name"),
))]
pub(super) async fn edit<H: History, T: Transport>(
    flow: FlowId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
    body: Body,
) -> Result<Json<JobsEdited>, Problem> {
    let dry_run = query.flag("dry_run").unwrap_or(false);
    query.finish()?;
    let JobsBody {
        create,
        change,
        delete,
    } = body.large_json().await?;
    let named = change.iter().map(|it| it.id);
    let named = named.chain(delete.iter().map(|it| it.id));
    let named: Vec<JobId> = named.map(JobId).collect();
    let old = app.look(move |engine| jobs_of(engine, flow, &named));
    let old = old.await??;
    let (created, changed, deleted) = (create.len(), change.len(), delete.len());
    let changes = change.into_iter().map(|it| Change {
        id: JobId(it.id),
        version: it.version,
        fields: Patch::from(it.set),
    });
    let wanted = wanted(create, changes.collect(), old)?;
    let deletes = delete.into_iter().map(|it| Edit::DeleteJob {
        job: JobId(it.id),
        version: it.version,
    });
    let deletes: Vec<Edit> = deletes.collect();
    let edits = app.look(move |engine| {
        let mut edits = drafts(engine, flow, wanted)?;
        edits.extend(deletes);
        Ok::<_, Problem>(edits)
    });
    let edits = edits.await??;
    let mut edited = JobsEdited {
        dry_run,
        created: Vec::new(),
        changed,
        deleted,
    };
    if edits.is_empty() {
        return Ok(Json(edited));
    }
    if dry_run {
        let batch = Input::Edit(EditBatch {
            by: caller.by.clone(),
            edits,
        });
        app.may_command(&caller, &batch).await?;
        let mut engine = app.look(Clone::clone).await?;
        // The clone's own time does as well as any.
        aside(move || {
            let tried = engine.apply(Timestamp::MIN, batch);
            tried.map(drop).map_err(Problem::Refused)
        })
        .await?;
    } else {
        let ids = app.edit(&caller, edits).await?.into_iter();
        edited.created = ids.take(created).map(DefinitionId::number).collect();
    }
    Ok(Json(edited))
}

/// Jobs of a flow as they are told, by id.
fn jobs_of(
    engine: &Engine,
    flow: FlowId,
    ids: &[JobId],
) -> Result<BTreeMap<JobId, JobDto>, Problem> {
    let flow_name = engine.flow(flow).ok_or_else(|| Problem::from(flow))?;
    let told = ids.iter().map(|&id| {
        let job = engine.job(id).filter(|job| job.flow == flow);
        let view = JobView {
            job: Arc::clone(job.ok_or_else(|| Problem::from(id))?),
            flow_name: flow_name.name.clone(),
        };
        let mut told = JobDto::new(&view, engine);
        // The same edit may give them other names.
        let ties = view.job.dependencies.iter();
        told.body.depends_on = ties.map(DependencyDto::by_id).collect();
        told.body.mean_outputs_by_id(&view.job);
        Ok((id, told))
    });
    told.collect()
}

/// What the jobs shall be, those that are new first, or all that is wrong with that.
fn wanted(
    create: Vec<JobBody>,
    change: Vec<Change>,
    old: BTreeMap<JobId, JobDto>,
) -> Result<Vec<(Option<JobId>, JobBody)>, Problem> {
    let mut blames = Vec::new();
    let mut told = |place: String, problem: Problem| match problem {
        Problem::BadBody(faults) => {
            blames.extend(faults.into_iter().map(|fault| Blame {
                field: format!("{place}{}", fault.field),
                ..fault
            }));
            Ok(())
        }
        other => Err(other),
    };
    let mut wanted = Vec::new();
    for (at, body) in create.into_iter().enumerate() {
        match body.check() {
            Ok(()) => wanted.push((None, body)),
            Err(problem) => told(format!("create[{at}]."), problem)?,
        }
    }
    for (
        at,
        Change {
            id,
            version,
            fields,
        },
    ) in change.into_iter().enumerate()
    {
        let Some(old) = old.get(&id) else {
            return Err(Problem::from(id));
        };
        let made = fields.replace_fields(&old.body, &["name", "command"]);
        let made = made.and_then(|body| body.check().map(|()| body));
        match made {
            Ok(mut body) => {
                body.version = version.or(body.version).or(Some(old.revision.version));
                wanted.push((Some(id), body));
            }
            Err(problem) => told(format!("change[{at}].set."), problem)?,
        }
    }
    if blames.is_empty() {
        Ok(wanted)
    } else {
        Err(Problem::BadBody(blames))
    }
}

fn drafts(
    engine: &Engine,
    flow: FlowId,
    wanted: Vec<(Option<JobId>, JobBody)>,
) -> Result<Vec<Edit>, Problem> {
    let own_flow = engine.flow(flow).ok_or_else(|| Problem::from(flow))?;
    let names: BTreeSet<String> = wanted.iter().map(|(_, body)| body.name.clone()).collect();
    let mut blames = Vec::new();
    let mut edits = Vec::new();
    for (at, (id, mut body)) in wanted.into_iter().enumerate() {
        if let Some(other) = body.flow.take()
            && other.find_flow(engine) != Some(flow)
        {
            let error = BlameError::Definition(DefinitionError::FlowChanged);
            let place = id.map_or_else(|| format!("create[{at}].flow"), |id| format!("job {id}"));
            blames.push(Blame::of(place, error));
            continue;
        }
        let mut draft = body.draft(id, FlowRef::Id(flow), engine);
        mean_own(&mut draft, &own_flow.name, &names);
        edits.push(Edit::PutJob(draft));
    }
    if blames.is_empty() {
        Ok(edits)
    } else {
        Err(Problem::BadBody(blames))
    }
}

/// A name with a slash means a job of its own flow first, also one that is only about to have this name.
fn mean_own(draft: &mut JobDraft, own_flow: &str, names: &BTreeSet<String>) {
    let ties = draft.dependencies.iter_mut().map(|tie| &mut tie.job);
    let outputs = draft.params.iter_mut().filter_map(|param| match param {
        JobParamDraft::Own(_) | JobParamDraft::Shared { .. } => None,
        JobParamDraft::Output { output, .. } => Some(&mut output.job),
    });
    for named in ties.chain(outputs) {
        let JobRef::Name { flow, job } = &*named else {
            continue;
        };
        let whole = format!("{flow}/{job}");
        if flow != own_flow && names.contains(&whole) {
            *named = JobRef::Name {
                flow: own_flow.to_owned(),
                job: whole,
            };
        }
    }
}
