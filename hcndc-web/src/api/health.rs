//! `/healthz`, `/readyz`, `/metrics`: for those who watch over the server.

use std::{sync::Arc, time::Duration};

use hcndc_core::port::{FlowQuery, History, PageRequest, Transport};
use serde::Serialize;
use utoipa::ToSchema;
use warp::{
    Filter as _,
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    ports::{look_within, read},
    problem::{Blame, BlameError, Problem, ProblemDto},
    route::{Json, Route, at, having},
};
use crate::{
    app::App,
    metrics::{self, Standing},
};

const HEALTHZ: &str = "/healthz";
const READYZ: &str = "/readyz";
const METRICS: &str = "/metrics";

/// How long an answer may take to count as one.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    vec![
        Route::get(HEALTHZ, at(HEALTHZ).then(healthz)),
        Route::get(READYZ, at(READYZ).and(app.clone()).then(readyz)),
        Route::get(METRICS, at(METRICS).and(app).then(figures)),
    ]
}

/// That it is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Well {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Version of the server's program.
    version: &'static str,
}

impl Well {
    const fn now() -> Self {
        Self {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Tells that the process is alive.
#[utoipa::path(get, operation_id = "healthz", path = "/healthz", tag = "server", responses((status = 200, body = Well)))]
pub(super) async fn healthz() -> Result<Json<Well>, Problem> {
    Ok(Json(Well::now()))
}

/// Tells whether the server can do its work: its store and its scheduler answer within a second.
#[utoipa::path(get, operation_id = "readyz", path = "/readyz", tag = "server", responses(
    (status = 200, body = Well),
    (status = 503, body = ProblemDto, content_type = "application/problem+json", description = "`not_ready`, with what does not answer"),
))]
pub(super) async fn readyz<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Json<Well>, Problem> {
    let query = FlowQuery {
        page: PageRequest {
            limit: 1,
            ..PageRequest::default()
        },
        ..FlowQuery::default()
    };
    let (store, scheduler) = tokio::join!(
        tokio::time::timeout(PATIENCE, read(app.history.flows(&query))),
        look_within(&app.scheduler, PATIENCE, |_| ()),
    );
    let mut blames = Vec::new();
    let trouble = match (app.live.store_trouble(), store) {
        (Some(reason), _) => Some(reason),
        (None, Ok(Ok(_))) => None,
        (None, Ok(Err(problem))) => Some(problem.code().to_owned()),
        (None, Err(_)) => Some("1 s".to_owned()),
    };
    if let Some(reason) = trouble {
        blames.push(Blame::of("store", BlameError::StoreSilent { reason }));
    }
    if let Some(lasts) = app.live.commits().slow() {
        let seconds = lasts.as_secs();
        blames.push(Blame::of("store", BlameError::StoreSlow { seconds }));
    }
    if scheduler.is_err() {
        blames.push(Blame::of("scheduler", BlameError::SchedulerSilent));
    }
    if blames.is_empty() {
        Ok(Json(Well::now()))
    } else {
        Err(Problem::NotReady(blames))
    }
}

/// Tells figures in Prometheus' text format.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics", tag = "server", responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = 503, body = ProblemDto, content_type = "application/problem+json", description = "`no_metrics`"),
))]
pub(super) async fn figures<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Response, Problem> {
    let standing = look_within(&app.scheduler, PATIENCE, |engine| {
        let (live_executions, queued_job_runs, running_attempts) = engine.load_figures();
        let online = engine
            .executors()
            .filter_map(|executor| engine.executor_health(executor.id))
            .filter(|health| health.online);
        Standing {
            live_executions,
            queued_job_runs,
            running_attempts,
            executors: engine.executors().count(),
            executors_online: online.count(),
        }
    })
    .await;
    let text = metrics::render(standing.ok()).ok_or(Problem::NoMetrics)?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}
