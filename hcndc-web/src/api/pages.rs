//! The web app, and `/api/docs`: a way to read and try the API. Nothing comes from other hosts.

mod app;

use warp::{
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    needs::NOTHING,
    openapi,
    problem::Problem,
    route::{HandedTo as _, Route, at},
};

pub(super) use self::app::__path_home;

const DOCS: &str = "/api/docs";
const SCRIPT: &str = "/api/docs/docs.js";
const STYLE: &str = "/api/docs/docs.css";

/// What pages may do: use what comes from here, and nothing that is written into the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Vec<Route> {
    let mut routes = app::routes();
    routes.extend([
        Route::get(DOCS, NOTHING, at(DOCS).handed_to(docs)),
        Route::get(SCRIPT, NOTHING, at(SCRIPT).handed_to(script)),
        Route::get(STYLE, NOTHING, at(STYLE).handed_to(style)),
        openapi::route(),
    ]);
    routes
}

fn file(text: &'static str, media_type: &'static str) -> Response {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}

/// A page that lists the operations of this API and lets one try them.
#[utoipa::path(get, operation_id = "docs", path = "/api/docs", tag = "server", responses((status = 200, content_type = "text/html", body = String)))]
pub(super) async fn docs() -> Result<Response, Problem> {
    Ok(file(
        include_str!("pages/docs.html"),
        "text/html; charset=utf-8",
    ))
}

async fn script() -> Result<Response, Problem> {
    Ok(file(
        include_str!("pages/docs.js"),
        "text/javascript; charset=utf-8",
    ))
}

async fn style() -> Result<Response, Problem> {
    Ok(file(
        include_str!("pages/docs.css"),
        "text/css; charset=utf-8",
    ))
}
