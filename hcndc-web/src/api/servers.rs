//! `/servers`: the servers on this database, and who leads.

use std::sync::Arc;

use hcndc_core::port::{History, Transport};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    needs::READ,
    problem::Problem,
    route::{HandedTo as _, Json, Route, at, having},
};
use crate::{
    app::App,
    lead::Lead,
    peers::{Peers, SILENCE},
};

const SERVERS: &str = "/api/v1/servers";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    vec![Route::get(
        SERVERS,
        READ,
        at(SERVERS).and(having(app)).handed_to(list),
    )]
}

/// A server on the database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Server)]
pub(super) struct ServerDto {
    /// Its name: made with its data folder, kept by it.
    #[schema(example = "6f3c6f0e-8f0c-4c9b-9d8e-2f1f0a1b7c55")]
    instance: String,
    /// Where other servers reach its API; null if they cannot.
    #[schema(example = "http://10.0.0.5:2333")]
    url: Option<String>,
    /// Version of its program.
    version: String,
    /// Whether it runs an executor that only it reaches.
    executor_inside: bool,
    /// When it started, by the database's clock.
    started_at: String,
    /// Milliseconds since it was last seen.
    silent_for_ms: u64,
    /// Whether it was seen within ten seconds. Dead ones are forgotten after an hour.
    alive: bool,
    /// Whether it leads, as far as the server that answers knows.
    leads: bool,
    /// Whether it is the server that answers.
    here: bool,
}

/// The servers on the database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Servers)]
pub(super) struct ServersDto {
    /// Each, by instance. Empty where there can be only one.
    items: Vec<ServerDto>,
}

/// Lists the servers on this database, and who leads. Any of them answers; what only the leader can do is passed on to it.
#[utoipa::path(get, operation_id = "list_servers", path = "/api/v1/servers", tag = "server", responses((status = 200, body = ServersDto)))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Json<ServersDto>, Problem> {
    let items = app.peers.as_deref().map(servers).unwrap_or_default();
    Ok(Json(ServersDto { items }))
}

fn servers(peers: &Peers) -> Vec<ServerDto> {
    let leader = match peers.leading().now() {
        Lead::Here => Some(peers.entry().instance.clone()),
        Lead::There { instance, .. } => Some(instance),
        Lead::Unknown => None,
    };
    let known = peers.known().servers.into_iter();
    let dto = known.map(|it| ServerDto {
        alive: it.silent_for < SILENCE,
        leads: leader.as_ref() == Some(&it.entry.instance),
        here: it.entry.instance == peers.entry().instance,
        instance: it.entry.instance,
        url: it.entry.url,
        version: it.entry.version,
        executor_inside: it.entry.executor_inside,
        started_at: it.started_at.to_string(),
        silent_for_ms: u64::try_from(it.silent_for.as_millis()).unwrap_or(u64::MAX),
    });
    dto.collect()
}
