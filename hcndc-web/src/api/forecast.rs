//! `/forecast`: what will run when (R12), by the definitions and the state of now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::{Engine, Rejected},
    forecast::{Assumptions, Forecast, Hosts, forecast, usual_durations},
    id::{ExecutorId, JobId},
    model::{DefinitionError, Edit},
    port::{Clock as _, History, Transport},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    draft::{DraftEdit, edits},
    mesh::{aside, place},
    needs::READ,
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    reference::Reference,
    route::{HandedTo as _, Json, Route, at, body, having},
};
use crate::{
    app::App,
    forecast_report::Report,
    interchange::{self, Existing, MeshSource, Span, parse_mesh},
};

const FORECAST: &str = "/api/v1/forecast";

/// The longest time that is looked ahead.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);
/// Events after which a forecast breaks off and says so: some seconds of a processor.
const EVENTS: u64 = 500_000;
/// Jobs whose usual durations are looked up at most: each is a read of the store.
const MOST_USUAL: usize = 2_000;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(FORECAST).and(having(app)).and(body());
    vec![Route::post(FORECAST, READ, args.handed_to(look_ahead))]
}

/// How far to look ahead, and what to take for granted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ForecastBody, example = json!({"until": "2026-11-22T06:00:00Z", "durations": {"load/orders": "12m"}}))]
pub(super) struct ForecastBody {
    /// Until when; at most 31 days from now. Default: 24 hours from now.
    #[serde(default)]
    until: Option<String>,
    /// How long jobs take, as `flow/job`; over what their definitions expect.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    durations: BTreeMap<String, Span>,
    /// Whether jobs take what they usually took, in the middle of their latest runs; for up to 2,000 jobs. Default: false.
    #[serde(default)]
    usual: bool,
    /// How long a job takes of which nothing is known. Default: 1m.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    otherwise: Option<Span>,
    /// Names of executors that are taken to be lost.
    #[serde(default)]
    lost: Vec<String>,
    /// Whether only executors that are connected now are there. Default: false; all that are enabled are.
    #[serde(default)]
    as_connected: bool,
    /// Whether jobs are told too, not only flows; of a large mesh they are most of the answer. Default: true.
    #[serde(default = "yes")]
    jobs: bool,
    /// What would be if: changes that are taken to be made first, together with `mesh`, all or none. Nothing is stored.
    #[serde(default)]
    edits: Vec<DraftEdit>,
    /// A mesh file (YAML or JSON, as a text) that is taken to be put first. Nothing is stored.
    #[serde(default)]
    mesh: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Tells what will run when, what waits for what, and which deadlines will be missed; and what changes of definitions would
/// change of that, before anybody makes them.
#[utoipa::path(post, operation_id = "forecast", path = "/api/v1/forecast", tag = "schedules", request_body = ForecastBody, responses(
    (status = 200, body = Object, description = "`executions`, each with its `flows` and, unless left out, their `jobs`, with times; `skipped` fire times; `missed_deadlines`; as of `hcndc simulate --format json`. With `edits` or `mesh`, all that is as if they were made; `before` is the same without them, and `changes` what differs: `flows` (and `moved`, `only_before`, `only_after` jobs) with times before and after, `newly_missed` and `no_longer_missed` deadlines, `fires_gone`, `fires_added`, `last_end_before`, `last_end_after`"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "what the edits would be refused with: `stale`, `name_taken`, `in_use`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "what the edits would be refused with: `bad_definition`, `bad_mesh`"),
))]
pub(super) async fn look_ahead<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let body: ForecastBody = body.optional_json().await?;
    let now = app.clock.now();
    let mut blames = Vec::new();
    let until = match body.until.as_deref().map(str::parse::<Timestamp>) {
        None => now.after(Duration::from_secs(86_400)),
        Some(Ok(until)) if now < until && until <= now.after(LONGEST) => until,
        Some(_) => {
            let text = body.until.clone().unwrap_or_default();
            blames.push(Blame::of("until", BlameError::BadTime { text }));
            now
        }
    };
    let engine: Engine = app.look(Clone::clone).await?;
    let durations = durations(&engine, &body, &mut blames);
    let lost = lost(&engine, &body, &mut blames);
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    let mut assumed = Assumptions::until(until);
    if body.usual {
        let jobs: Vec<JobId> = engine.jobs().take(MOST_USUAL).map(|job| job.id).collect();
        assumed.durations = read(usual_durations(&app.history, jobs, 5)).await?;
    }
    let said: BTreeSet<JobId> = durations.keys().copied().collect();
    assumed.durations.extend(durations);
    assumed.lost = lost;
    assumed.events = EVENTS;
    if let Some(otherwise) = body.otherwise {
        assumed.otherwise = otherwise.duration();
    }
    if body.as_connected {
        assumed.hosts = Hosts::AsTheyAre;
    }
    let (drafts, mesh, with_jobs) = (body.edits, body.mesh, body.jobs);
    let told = aside(move || {
        let what_if = what_if(&engine, drafts, mesh.as_deref())?;
        let before = forecast(&engine, &assumed).map_err(Problem::Refused)?;
        if what_if.edits.is_empty() {
            return to_value(&Report::new(&before, with_jobs));
        }
        for job in newly_expected(&engine, &what_if.edits) {
            if !said.contains(&job) {
                assumed.durations.remove(&job);
            }
        }
        assumed.edits.clone_from(&what_if.edits);
        let after = forecast(&engine, &assumed).map_err(|rejected| what_if.refused(rejected))?;
        compared(&before, &after, with_jobs)
    });
    told.await.map(Json)
}

/// What is taken to be changed first.
struct WhatIf {
    edits: Vec<Edit>,
    /// The mesh file that some of them are of.
    source: Option<MeshSource>,
}

impl WhatIf {
    /// A refusal, told as the change itself would be.
    fn refused(&self, rejected: Rejected) -> Problem {
        match &self.source {
            Some(source) => place(Problem::Refused(rejected), source),
            None => Problem::Refused(rejected),
        }
    }
}

fn what_if(engine: &Engine, drafts: Vec<DraftEdit>, mesh: Option<&str>) -> Result<WhatIf, Problem> {
    let mut what_if = WhatIf {
        edits: Vec::new(),
        source: None,
    };
    if let Some(text) = mesh {
        let source = parse_mesh("mesh", text.as_bytes(), &[])
            .map_err(|faults| Problem::BadMesh(Blame::of_faults(faults)))?;
        what_if.edits = interchange::edits(&source.file, None, &Existing::of(engine));
        what_if.source = Some(source);
    }
    what_if.edits.extend(edits(engine, drafts, "edits")?);
    Ok(what_if)
}

/// Jobs of which an edit expects another duration than before: what they usually took says nothing of that.
fn newly_expected(engine: &Engine, edits: &[Edit]) -> Vec<JobId> {
    let jobs = edits.iter().filter_map(|edit| match edit {
        Edit::PutJob(draft) => {
            let old = engine.job(draft.id?)?;
            (draft.expected.is_some() && draft.expected != old.expected).then_some(old.id)
        }
        _ => None,
    });
    jobs.collect()
}

/// The second of two forecasts, with the first, and what differs.
fn compared(before: &Forecast, after: &Forecast, with_jobs: bool) -> Result<Value, Problem> {
    let mut told = to_value(&Report::new(after, with_jobs))?;
    let mut changes = to_value(&before.compare(after))?;
    if let Some(changes) = changes.as_object_mut().filter(|_| !with_jobs) {
        for jobs in ["moved", "only_before", "only_after"] {
            changes.shift_remove(jobs);
        }
    }
    if let Some(told) = told.as_object_mut() {
        let before = to_value(&Report::new(before, with_jobs))?;
        told.insert("before".to_owned(), before);
        told.insert("changes".to_owned(), changes);
    }
    Ok(told)
}

fn to_value<V: Serialize>(value: &V) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "a forecast cannot be written as JSON");
        Problem::Internal
    })
}

fn durations(
    engine: &Engine,
    body: &ForecastBody,
    blames: &mut Vec<Blame>,
) -> BTreeMap<JobId, Duration> {
    let mut durations = BTreeMap::new();
    for (name, span) in &body.durations {
        match Reference::Name(name.clone()).find_job(engine) {
            Some(job) => {
                durations.insert(job, span.duration());
            }
            None => {
                let (what, name) = ("job".to_owned(), name.clone());
                let error = DefinitionError::Unknown { what, name };
                blames.push(Blame::of("durations", BlameError::Definition(error)));
            }
        }
    }
    if body.otherwise.is_some_and(Span::is_zero) {
        let problem = interchange::Problem::ZeroDuration;
        blames.push(Blame::of("otherwise", BlameError::Shape(problem)));
    }
    durations
}

fn lost(engine: &Engine, body: &ForecastBody, blames: &mut Vec<Blame>) -> BTreeSet<ExecutorId> {
    let mut lost = BTreeSet::new();
    for name in &body.lost {
        match engine.executors().find(|it| it.name == *name) {
            Some(executor) => {
                lost.insert(executor.id);
            }
            None => {
                let (what, name) = ("executor".to_owned(), name.clone());
                let error = DefinitionError::Unknown { what, name };
                blames.push(Blame::of("lost", BlameError::Definition(error)));
            }
        }
    }
    lost
}
