//! The one place where it is decided who gets to a route: before anything else looks at a request.
//!
//! ```text
//! request ──► is it for us? ──► which route? ──► who asks? ──► not too often? ──► may they? ──► Caller, for the handler
//! ```
//!
//! What no route answers is let through: it will be told so.

use std::sync::Arc;

use hcndc_core::port::{Clock as _, Known};
use warp::http::{HeaderMap, Method, Request, header};

use super::{
    caller::{Caller, Peer, Proof, Visitor},
    denial::{self, Denial},
    guard,
    needs::Needs,
    problem::Problem,
    route::{Route, Template, fits},
    session,
};
use crate::{
    app::App,
    auth::{self, Access, Secret},
    rates::Counted,
};

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

    /// Lets a request from this address in, with its caller among its extensions.
    ///
    /// # Errors
    /// [`Refusal`] if it must not reach a handler.
    pub(super) async fn admit<B>(
        &self,
        request: &mut Request<B>,
        peer: Peer,
    ) -> Result<(), Refusal> {
        let (method, headers) = (request.method(), request.headers());
        guard::check(&self.app.settings.hosts, method, headers).map_err(|problem| Refusal {
            problem,
            template: None,
        })?;
        let visitor = Visitor::of(headers, peer);
        let path = request.uri().path();
        let route = self.route(method, path);
        let caller = match route {
            None | Some((_, Needs::Nothing)) => self.count_nobody(path, &visitor).map(|()| None),
            Some((template, needs)) => {
                let caller = self.ask(method, headers, &visitor, template, needs).await;
                caller.map(Some)
            }
        };
        let caller = caller.map_err(|problem| Refusal {
            problem,
            template: route.map(|(template, _)| Template(template)),
        })?;
        let extensions = request.extensions_mut();
        extensions.insert(visitor);
        if let Some(caller) = caller {
            extensions.insert(caller);
        }
        Ok(())
    }

    /// Who asks, if they may have what they ask for.
    async fn ask(
        &self,
        method: &Method,
        headers: &HeaderMap,
        visitor: &Visitor,
        template: &str,
        needs: Needs,
    ) -> Result<Caller, Problem> {
        let caller = match self.caller(headers, visitor).await {
            Err(problem @ Problem::Denied(Denial::SignedOut)) => {
                // Whoever tries secrets out is counted where they come from.
                self.count(Counted::at(visitor.peer))?;
                return Err(problem);
            }
            caller => caller?,
        };
        self.count(match &caller.proof {
            Proof::Token { id, .. } => Counted::Token(*id),
            Proof::Session { session, .. } => Counted::User(session.user),
            Proof::Nothing => Counted::at(visitor.peer),
        })?;
        let changes = !matches!(*method, Method::GET | Method::HEAD);
        if let Proof::Session { csrf, .. } = &caller.proof
            && changes
        {
            let shown = headers.get("x-csrf-token");
            let shown = shown.and_then(|value| value.to_str().ok());
            if !shown.is_some_and(|shown| auth::same(shown, csrf)) {
                return Err(Denial::Csrf.into());
            }
        }
        // A token was made by somebody who may: it is none that its user's first sign-in stands in the way of.
        let must_change = caller.user.as_ref().is_some_and(|user| {
            user.must_change_password && matches!(caller.proof, Proof::Session { .. })
        });
        if must_change && !template.starts_with(session::SESSION) {
            return Err(Denial::PasswordChangeNeeded.into());
        }
        if let Needs::Permission(permission) = needs {
            caller.needs(permission)?;
        }
        Ok(caller)
    }

    /// Counts a request of somebody who need not be known. Pages and what watches over the server are not counted.
    fn count_nobody(&self, path: &str, visitor: &Visitor) -> Result<(), Problem> {
        match path.starts_with("/api/") {
            true => self.count(Counted::at(visitor.peer)),
            false => Ok(()),
        }
    }

    fn count(&self, counted: Counted) -> Result<(), Problem> {
        let taken = self.app.rates.as_ref().map(|rates| rates.take(counted));
        match taken {
            Some(Err(wait)) => Err(Problem::TooManyRequests {
                seconds: denial::whole_seconds(wait),
            }),
            Some(Ok(())) | None => Ok(()),
        }
    }

    async fn caller(&self, headers: &HeaderMap, visitor: &Visitor) -> Result<Caller, Problem> {
        let auth = match (self.app.access, &self.app.auth) {
            (Access::Open, _) => return Ok(Caller::anybody(visitor.clone())),
            (Access::Users, Some(auth)) => auth,
            (Access::Users, None) => return Err(Denial::NoUsers.into()),
        };
        let now = self.app.clock.now();
        // A program that sends a token means it, whatever cookies it holds.
        if let Some(text) = bearer(headers) {
            let known = auth.token(auth::digest(text), now).await?;
            let Known {
                user,
                grants,
                roles,
                proof,
            } = known.ok_or(Denial::SignedOut)?;
            let grants = grants.into_iter().map(|mut grant| {
                grant
                    .permissions
                    .retain(|it| proof.permissions.contains(it));
                grant
            });
            let token = Proof::Token {
                id: proof.id,
                expires_at: proof.expires_at,
            };
            return Ok(Caller::user(
                user,
                roles,
                grants.collect(),
                token,
                visitor.clone(),
            ));
        }
        let secret = cookie(headers, session::COOKIE)
            .map(Secret::given)
            .ok_or(Denial::SignedOut)?;
        let digest = secret.digest();
        let known = auth.session(digest, now).await?;
        let Known {
            user,
            grants,
            roles,
            proof,
        } = known.ok_or(Denial::SignedOut)?;
        let session = Proof::Session {
            digest,
            session: proof,
            csrf: secret.csrf(),
        };
        Ok(Caller::user(user, roles, grants, session, visitor.clone()))
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

/// The token that a program sends (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What a cookie holds (RFC 6265, 5.4).
pub(super) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_where_the_standards_put_them() {
        let with = |name: header::HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            headers
        };
        let headers = with(header::COOKIE, "a=b; hcndc_session=abc; c=d");
        assert_eq!(cookie(&headers, session::COOKIE), Some("abc"));
        for other in ["xhcndc_session=abc", "hcndc_session="] {
            let headers = with(header::COOKIE, other);
            assert_eq!(cookie(&headers, session::COOKIE), None);
        }
        let headers = with(header::AUTHORIZATION, "bearer  hcndc_x");
        assert_eq!(bearer(&headers), Some("hcndc_x"));
        assert_eq!(bearer(&with(header::AUTHORIZATION, "Basic eDp5")), None);
    }
}
