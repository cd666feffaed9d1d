//! `/forecast`: what will run when (R12), by the definitions and the state of now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::Engine,
    forecast::{Assumptions, Hosts, forecast, usual_durations},
    id::{ExecutorId, JobId},
    model::DefinitionError,
    port::{Clock as _, History, Transport},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    needs::READ,
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    reference::Reference,
    route::{Json, Route, at, body, having},
};
use crate::{
    app::App,
    forecast_report::Report,
    interchange::{self, Span},
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
    vec![Route::post(FORECAST, READ, args.then(look_ahead))]
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
}

const fn yes() -> bool {
    true
}

/// Tells what will run when, what waits for what, and which deadlines will be missed.
#[utoipa::path(post, operation_id = "forecast", path = "/api/v1/forecast", tag = "schedules", request_body = ForecastBody, responses(
    (status = 200, body = Object, description = "`executions`, each with its `flows` and, unless left out, their `jobs`, with times; `skipped` fire times; `missed_deadlines`; as of `hcndc simulate --format json`"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
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
    assumed.durations.extend(durations);
    assumed.lost = lost;
    assumed.events = EVENTS;
    if let Some(otherwise) = body.otherwise {
        assumed.otherwise = otherwise.duration();
    }
    if body.as_connected {
        assumed.hosts = Hosts::AsTheyAre;
    }
    let seen = tokio::task::spawn_blocking(move || {
        let seen = forecast(&engine, &assumed).map_err(Problem::Refused)?;
        serde_json::to_value(Report::new(&seen, body.jobs)).map_err(|error| {
            tracing::error!(%error, "a forecast cannot be written as JSON");
            Problem::Internal
        })
    });
    seen.await.map_err(|_| Problem::Internal)?.map(Json)
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
