//! `/api/openapi.json`: the description of the API, made of what stands at each handler.

use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, RefOr, Schema,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    alerts, audit, backfills, common_answers, control, control_many, cron, dates, described,
    draft_check, events, executions, executors, firings, flows, forecast, graphs, grid, health,
    history, hooks, job_edits, job_runs, jobs, logs, many, mesh,
    needs::NOTHING,
    oidc, overview, pages, previews,
    problem::Problem,
    resources, roles,
    route::{HandedTo as _, Json, Route, at},
    schedules, servers, session, sheets, tokens, trends, trials, users, watched,
};

const OPENAPI: &str = "/api/openapi.json";

pub(super) fn route() -> Route {
    Route::get(OPENAPI, NOTHING, at(OPENAPI).handed_to(document))
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "HCNDC",
        description = "Schedules meshes of ETL jobs. Errors are `application/problem+json` (RFC 9457) in the language \
            of `Accept-Language` (English, Chinese); their codes stand in docs/API.md. Besides those told here, any \
            request can meet `foreign_host` and `foreign_origin` (403), `store_unavailable`, `scheduler_slow`, \
            `scheduler_stopped` and, of several servers on one database, `no_leader` (503) and `outcome_unknown`. Times are RFC 3339 with microseconds, data dates YYYY-MM-DD, durations such as \
            `500ms`, `10s` or `1h30m`.",
    ),
    tags(
        (name = "flows", description = "Named groups of jobs: the units that are started"),
        (name = "jobs", description = "Commands, and what ties them together"),
        (name = "executors", description = "Hosts that run commands"),
        (name = "schedules", description = "When flows run by themselves"),
        (name = "calendars", description = "Which days are business days"),
        (name = "pools", description = "Slots that jobs of any flow and executor share"),
        (name = "params", description = "Params that jobs share"),
        (name = "data-sources", description = "Databases that shared params query"),
        (name = "file-servers", description = "Places where files arrive"),
        (name = "file-events", description = "Watched paths whose files make schedules fire"),
        (name = "webhooks", description = "Ways in for outside systems, and what came of their deliveries"),
        (name = "alert-channels", description = "Where to tell people"),
        (name = "alert-rules", description = "When to tell people"),
        (name = "backfills", description = "Ranges of dates, each an execution"),
        (name = "alerts", description = "What people were told"),
        (name = "graphs", description = "Flows and jobs, with the places at which to draw them"),
        (name = "overview", description = "Where everything stands"),
        (name = "definitions", description = "Definitions of any kind"),
        (name = "mesh", description = "Whole mesh files"),
        (name = "sheets", description = "Flows and jobs as csv and workbooks"),
        (name = "executions", description = "What was started"),
        (name = "job runs", description = "Jobs' parts of executions, their attempts and output"),
        (name = "events", description = "What happens, while it happens"),
        (name = "session", description = "Signing in and out"),
        (name = "users", description = "Users, roles, tokens of programs, and what people did"),
        (name = "server", description = "For those who watch over the server"),
    ),
    paths(
        flows::list, flows::create, flows::detail, flows::replace, flows::patch, flows::delete,
        jobs::list, jobs::create, jobs::detail, jobs::replace, jobs::patch, jobs::delete, job_edits::edit,
        executors::list, executors::create, executors::detail, executors::replace, executors::patch,
        executors::delete, executors::test,
        many::directories, draft_check::check,
        schedules::pause, schedules::resume, schedules::pause_many, schedules::resume_many, schedules::run, schedules::next,
        schedules::explain, firings::of_schedule, firings::list, cron::preview, dates::preview, forecast::look_ahead,
        backfills::plan, backfills::list, backfills::start, backfills::detail, backfills::stop, backfills::restart,
        trials::data_source, trials::file_server, trials::param, trials::alert_channel, watched::test, watched::state,
        hooks::receive, hooks::test, hooks::deliveries,
        alerts::list, alerts::get, alerts::acknowledge, previews::preview, graphs::jobs, graphs::around, graphs::flows, graphs::execution_flows, graphs::execution_jobs,
        graphs::lay_out, grid::grid, overview::overview, trends::trends, trends::of_flow, control_many::stop, control_many::pause, control_many::resume,
        mesh::apply, mesh::give_out, sheets::export_flows, sheets::import_flows, sheets::flow_template,
        sheets::export_jobs, sheets::import_jobs, sheets::job_template,
        executions::list, executions::start, executions::detail, executions::stop, executions::resume,
        executions::rerun, control::pause, control::unpause, control::reset, control::skip,
        control::mark_succeeded, control::actions, control::kill, executions::flow_runs, job_runs::of_execution, events::of_execution,
        job_runs::list, job_runs::detail, job_runs::attempts, job_runs::explain, logs::log,
        events::events,
        session::ways, oidc::start, oidc::finish, session::sign_in, session::detail, session::sign_out, session::change_password,
        users::list, users::create, users::detail, users::replace, users::patch, users::delete, users::delete_many, users::set_password,
        roles::list, roles::create, roles::detail, roles::replace, roles::patch, roles::delete, roles::delete_many,
        tokens::list, tokens::create, tokens::detail, tokens::replace, tokens::patch, tokens::delete, tokens::delete_many,
        audit::list,
        servers::list,
        health::healthz, health::readyz, health::figures,
        document, pages::docs, pages::home,
    ),
    components(schemas(many::DeleteBody, many::Deleted, many::Uses, history::HistoryDto, resources::CheckDto)),
)]
struct Api;

/// # Panics
/// Never: what the derive makes can be written as JSON.
fn describe() -> serde_json::Value {
    let mut document = Api::openapi();
    tell_access(&mut document);
    for name in ["Flow", "Job", "Executor"] {
        tell_fields(&mut document, name);
    }
    let mut document =
        serde_json::to_value(&document).expect("the description is made of texts, lists and maps");
    described::add(&mut document);
    common_answers::loosen(&mut document);
    common_answers::add(&mut document);
    document
}

/// How callers are known.
fn tell_access(document: &mut OpenApi) {
    let cookie = ApiKeyValue::with_description(
        session::COOKIE,
        "Set by `POST /api/v1/session`. Changes also need the header `X-CSRF-Token` with the value that the session tells.",
    );
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some(String::from(
        "A token `hcndc_…`, made by `POST /api/v1/tokens` or `hcndc token create`.",
    ));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
}

/// A definition is told with the fields of its body, all of them, but for those that mean something else there: its
/// flow, which a body may name in several ways, and the version that a body asks for.
fn tell_fields(document: &mut OpenApi, name: &str) {
    let Some(components) = &mut document.components else {
        return;
    };
    let Some(RefOr::T(Schema::Object(body))) = components.schemas.get(&format!("{name}Body"))
    else {
        return;
    };
    let mut body = body.clone();
    for field in ["flow", "version"] {
        body.properties.shift_remove(field);
    }
    body.required = body.properties.keys().cloned().collect();
    body.example = None;
    body.description = None;
    if let Some(RefOr::T(Schema::AllOf(told))) = components.schemas.get_mut(name) {
        let parts = told.items.iter_mut();
        let own = parts.filter(|part| match part {
            RefOr::Ref(part) => part.ref_location.ends_with("Body"),
            RefOr::T(_) => false,
        });
        for part in own {
            *part = RefOr::T(Schema::Object(body.clone()));
        }
    }
}

/// The description of the API (OpenAPI 3.1), as indented JSON.
///
/// # Panics
/// Never: what the derive makes can be written as JSON.
#[must_use]
pub fn openapi_json() -> String {
    format!("{:#}\n", describe())
}

/// Tells the description of the API.
#[utoipa::path(get, operation_id = "openapi", path = "/api/openapi.json", tag = "server", responses((status = 200, body = Object)))]
pub(super) async fn document() -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(describe()))
}
