//! `/healthz`, `/readyz`, `/metrics`: for those who watch over the server.

use std::{sync::Arc, time::Duration};

use hcndc_core::port::{Clock as _, FlowQuery, History, PageRequest, Transport};
use serde::Serialize;
use utoipa::ToSchema;
use warp::{
    Filter as _,
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    forward::ask,
    needs::NOTHING,
    ports::{look_within, read},
    problem::{Blame, BlameError, Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, having},
};
use crate::{
    app::App,
    metrics::{self, Standing},
    peers::Peers,
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
        Route::get(HEALTHZ, NOTHING, at(HEALTHZ).handed_to(healthz)),
        Route::get(
            READYZ,
            NOTHING,
            at(READYZ).and(app.clone()).handed_to(readyz),
        ),
        Route::get(METRICS, NOTHING, at(METRICS).and(app).handed_to(figures)),
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

/// That the server can do its work, and who leads.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    #[serde(flatten)]
    well: Well,
    /// `leader`: schedules, and does all. `follower`: reads, passes the rest on to the leader, and stands by.
    #[schema(example = "leader")]
    role: &'static str,
    /// Who leads.
    leader: LeaderDto,
}

/// Who leads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leader)]
pub(super) struct LeaderDto {
    /// Whether it is the server that answers.
    here: bool,
    /// Its name; null where there can be only one server.
    instance: Option<String>,
    /// Where other servers reach it; null if they cannot.
    url: Option<String>,
}

impl LeaderDto {
    fn of(peers: Option<&Peers>) -> Self {
        let here = || Self {
            here: true,
            instance: peers.map(|peers| peers.entry().instance.clone()),
            url: peers.and_then(|peers| peers.entry().url.clone()),
        };
        let elsewhere = |(instance, url)| Self {
            here: false,
            instance: Some(instance),
            url,
        };
        peers.and_then(Peers::leader).map_or_else(here, elsewhere)
    }
}

/// Tells that the process is alive.
#[utoipa::path(get, operation_id = "healthz", path = "/healthz", tag = "server", responses((status = 200, body = Well)))]
pub(super) async fn healthz() -> Result<Json<Well>, Problem> {
    Ok(Json(Well::now()))
}

/// Tells whether the server can do its work: its store answers within a second, and so does its scheduler, or the server
/// that leads.
#[utoipa::path(get, operation_id = "readyz", path = "/readyz", tag = "server", responses(
    (status = 200, body = Ready),
    (status = 503, body = ProblemDto, content_type = "application/problem+json", description = "`not_ready`, with what does not answer"),
))]
pub(super) async fn readyz<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Json<Ready>, Problem> {
    let query = FlowQuery {
        page: PageRequest {
            limit: 1,
            ..PageRequest::default()
        },
        ..FlowQuery::default()
    };
    let (store, scheduler) = tokio::join!(
        tokio::time::timeout(PATIENCE, read(app.history.flows(&query))),
        scheduler_trouble(&app),
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
    // What a former leader's last commit took does not matter any more.
    if app.leading.is_here()
        && let Some(lasts) = app.live.commits().slow()
    {
        let seconds = lasts.as_secs();
        blames.push(Blame::of("store", BlameError::StoreSlow { seconds }));
    }
    blames.extend(scheduler);
    if !blames.is_empty() {
        return Err(Problem::NotReady(blames));
    }
    Ok(Json(Ready {
        well: Well::now(),
        role: match app.leading.is_here() {
            true => "leader",
            false => "follower",
        },
        leader: LeaderDto::of(app.peers.as_deref()),
    }))
}

/// Why nobody schedules, if nobody does: not here, nor where another leads.
async fn scheduler_trouble<H, T>(app: &App<H, T>) -> Option<Blame> {
    let Some(peers) = app.peers.as_deref().filter(|_| !app.leading.is_here()) else {
        let looked = look_within(&app.scheduler, PATIENCE, |_| ()).await;
        let silent = || Blame::of("scheduler", BlameError::SchedulerSilent);
        return looked.is_err().then(silent);
    };
    let trouble = |error| Some(Blame::of("leader", error));
    match peers.leader() {
        None => trouble(BlameError::LeaderUnknown),
        Some((instance, None)) => trouble(BlameError::LeaderSilent { leader: instance }),
        Some((_, Some(leader))) => match ask(peers, &leader, HEALTHZ, None, PATIENCE).await {
            Some(_) => None,
            None => trouble(BlameError::LeaderSilent { leader }),
        },
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
    let now = app.clock.now();
    let standing = look_within(&app.scheduler, PATIENCE, move |engine| {
        Standing::of(engine, now)
    })
    .await;
    let text = metrics::render(app.leading.is_here(), standing.ok()).ok_or(Problem::NoMetrics)?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}
