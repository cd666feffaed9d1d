//! The REST API, under `/api/v1`; `docs/API.md` tells it to people.
//!
//! A file per resource: its bodies, its handlers with their descriptions, and `routes(app)`. Handlers are plain
//! functions from an [`App`], the caller and arguments to a result; `problem` makes responses of failures.
//! No entity of the core is told as it is: each has a form of its own here.

mod alerts;
mod audit;
mod backfills;
mod body;
mod caller;
mod common_answers;
mod control;
mod control_many;
mod cron;
mod dates;
mod definition;
mod denial;
mod described;
mod draft;
mod draft_check;
mod events;
mod executions;
mod executors;
mod firings;
mod flows;
mod forecast;
mod forward;
mod gate;
mod graphs;
mod grid;
mod guard;
mod health;
mod history;
mod hooks;
mod job_edits;
mod job_runs;
mod jobs;
mod limits;
mod logs;
mod many;
mod mesh;
mod needs;
mod oidc;
mod openapi;
mod overview;
mod page;
mod pages;
mod ports;
mod previews;
mod problem;
mod query;
mod reference;
mod resources;
mod revision;
mod roles;
mod route;
mod run_text;
mod schedule_text;
mod schedules;
mod server;
mod servers;
mod session;
mod sheets;
mod starts;
mod stream;
mod text;
mod tokens;
mod trail;
mod trends;
mod trials;
mod users;
mod watched;
mod why;

use std::{sync::Arc, time::Instant};

use hcndc_core::port::{History, Transport};
use warp::{
    Filter,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderValue, Method, header},
    reply::Response,
};

use self::{
    gate::Gate,
    route::{Route, Template},
};
use crate::{app::App, metrics};

pub(crate) use self::{
    events::EventNumbers, forward::authority, hooks::HookDoors, run_text::attempt_end,
    starts::Starts, users::role_names,
};
pub use self::{openapi::openapi_json, server::serve};

/// Every route of the server.
fn all<H: History + 'static, T: Transport + 'static>(app: &Arc<App<H, T>>) -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(flows::routes(app));
    routes.extend(jobs::routes(app));
    routes.extend(job_edits::routes(app));
    routes.extend(executors::routes(app));
    routes.extend(resources::routes(app));
    routes.extend(many::routes(app));
    routes.extend(draft_check::routes(app));
    routes.extend(history::routes(app));
    routes.extend(schedules::routes(app));
    routes.extend(trials::routes(app));
    routes.extend(watched::routes(app));
    routes.extend(hooks::routes(app));
    routes.extend(firings::routes(app));
    routes.extend(cron::routes(app));
    routes.extend(dates::routes(app));
    routes.extend(backfills::routes(app));
    routes.extend(forecast::routes(app));
    routes.extend(alerts::routes(app));
    routes.extend(previews::routes(app));
    routes.extend(graphs::routes(app));
    routes.extend(grid::routes(app));
    routes.extend(overview::routes(app));
    routes.extend(trends::routes(app));
    routes.extend(control_many::routes(app));
    routes.extend(mesh::routes(app));
    routes.extend(sheets::routes(app));
    routes.extend(executions::routes(app));
    routes.extend(control::routes(app));
    routes.extend(job_runs::routes(app));
    routes.extend(logs::routes(app));
    routes.extend(events::routes(app));
    routes.extend(servers::routes(app));
    routes.extend(session::routes(app));
    routes.extend(oidc::routes(app));
    routes.extend(users::routes(app));
    routes.extend(roles::routes(app));
    routes.extend(tokens::routes(app));
    routes.extend(audit::routes(app));
    routes.extend(health::routes(app));
    routes.extend(pages::routes());
    routes
}

/// The whole API as one filter, which answers every request that the [gate](gate::Gate) has let in; and the gate.
fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> (Gate<H, T>, BoxedFilter<(Response,)>) {
    metrics::install();
    let routes = all(app);
    let gate = Gate::before(app, &routes);
    let answered = routes.iter().map(|route| {
        let (method, template) = route.name();
        (method.clone(), template, route.answered_by())
    });
    let forwards = forward::forwards(app, answered.collect());
    let answers = forwards.or(route::combine(routes)).unify();
    let filter = warp::any()
        .map(Instant::now)
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(answers)
        .map(finish)
        .boxed();
    (gate, filter)
}

/// Methods and templates of all routes, for those who compare them with the description.
#[doc(hidden)]
#[must_use]
pub fn route_names<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<(String, &'static str)> {
    let all = all(app);
    let names = all.iter().map(Route::name);
    names
        .map(|(method, template)| (method.to_string(), template))
        .collect()
}

/// Codes of all kinds of problems, for those who explain them.
#[doc(hidden)]
pub fn problem_codes() -> impl Iterator<Item = &'static str> {
    text::KINDS.iter().map(|(code, ..)| *code)
}

/// What every answer has in common: the caller's language, headers for safety, a place in the figures.
fn finish(started: Instant, method: Method, headers: HeaderMap, response: Response) -> Response {
    let mut response = problem::render(response, caller::language(&headers));
    let template = response.extensions_mut().remove::<Template>();
    metrics::answered(
        method_name(&method),
        template.map_or("none", |template| template.0),
        response.status().as_u16(),
        started.elapsed(),
    );
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Any client can make methods up: only those that we know label figures.
const fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
