//! The one place where it is decided who gets to a route: before anything else looks at a request.
//!
//! ```text
//! request ──► is it for us? ──► which route? ──► who asks? ──► may they? ──► Caller, for the handler
//! ```
//!
//! What no route answers is let through: it will be told so.

use std::sync::Arc;

use warp::http::{Method, Request};

use super::{
    caller::Caller,
    guard,
    needs::Needs,
    problem::Problem,
    route::{Route, Template, fits},
};
use crate::app::App;

/// Lets requests in, or does not.
pub(super) struct Gate<H, T> {
    app: Arc<App<H, T>>,
    routes: Arc<[(Method, &'static str, Needs)]>,
}

impl<H, T> Clone for Gate<H, T> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            routes: Arc::clone(&self.routes),
        }
    }
}

/// Why a request is not let in, and the route that it was for.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) problem: Problem,
    pub(super) template: Option<Template>,
}

impl<H, T> Gate<H, T> {
    /// A gate before these routes.
    pub(super) fn before(app: &Arc<App<H, T>>, routes: &[Route]) -> Self {
        let routes = routes.iter().map(|route| {
            let (method, template) = route.name();
            (method.clone(), template, route.needs())
        });
        Self {
            app: Arc::clone(app),
            routes: routes.collect(),
        }
    }

    /// Lets a request in, with its caller among its extensions.
    ///
    /// # Errors
    /// [`Refusal`] if it must not reach a handler.
    pub(super) async fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Refusal> {
        let (method, headers) = (request.method(), request.headers());
        guard::check(&self.app.settings.hosts, method, headers).map_err(|problem| Refusal {
            problem,
            template: None,
        })?;
        let Some((template, needs)) = self.route(method, request.uri().path()) else {
            return Ok(());
        };
        let refuse = |problem| Refusal {
            problem,
            template: Some(Template(template)),
        };
        let Needs::Permission(permission) = needs else {
            return Ok(());
        };
        let caller = Caller::anybody(headers);
        if !caller.may(permission) {
            return Err(refuse(Problem::Forbidden { permission }));
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }

    fn route(&self, method: &Method, path: &str) -> Option<(&'static str, Needs)> {
        let wanted = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let mut routes = self.routes.iter();
        let route = routes.find(|it| it.0 == *wanted && fits(it.1, path).is_some());
        route.map(|it| (it.1, it.2))
    }
}
