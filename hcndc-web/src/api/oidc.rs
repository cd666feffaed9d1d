//! `/session/oidc`: a browser goes to the provider, and comes back signed in.
//!
//! What is needed to end a sign-in lies in the database, for any server may be the one that the browser comes back to. It is
//! found by the state together with a cookie of the browser that began, is taken once, and is gone after ten minutes.

use std::{sync::Arc, time::Duration};

use hcndc_core::port::{Clock as _, History, Transport};
use serde::{Deserialize, Serialize};
use warp::{
    Filter as _, Reply,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{
    caller::Visitor,
    denial::Denial,
    gate::cookie,
    needs::NOTHING,
    problem::{Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Route, at, having, query, visitor},
    session::Refused,
    trail::Deed,
};
use crate::{
    app::App,
    auth::{
        self, Access, Auth, SignInError, SignedIn,
        provider::{Kept, Provider, ProviderError},
    },
    causes::with_causes,
};

/// Where a browser begins.
pub(super) const START: &str = "/api/v1/session/oidc/start";
const CALLBACK: &str = Provider::CALLBACK;

/// The cookie of a browser that has begun.
const COOKIE: &str = "hcndc_sign_in";
/// How long somebody may take at the provider.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Bytes of an address to go on with, at most.
const LONGEST: usize = 2_000;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    vec![
        Route::get(
            START,
            NOTHING,
            at(START)
                .and(app.clone())
                .and(visitor())
                .and(query())
                .handed_to(start),
        ),
        Route::get(
            CALLBACK,
            NOTHING,
            at(CALLBACK)
                .and(app)
                .and(visitor())
                .and(warp::header::headers_cloned())
                .and(query())
                .handed_to(finish),
        ),
    ]
}

/// What lies in the database.
#[derive(Serialize, Deserialize)]
struct Stored {
    sign_in: Kept,
    next: String,
}

/// The browser is sent elsewhere.
pub(super) struct Redirected {
    location: String,
    cookies: Vec<String>,
}

impl Redirected {
    /// To the page for signing in, which says why nothing came of it.
    fn refused(reason: &str, next: &str, secure: bool) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("refused", reason);
        if next != "/" {
            query.append_pair("to", next);
        }
        Self {
            location: format!("/login/?{}", query.finish()),
            cookies: vec![binding("", 0, secure)],
        }
    }
}

impl Reply for Redirected {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        // Both are of our own making, and fit.
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            headers.insert(header::LOCATION, location);
        }
        for cookie in self.cookies {
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

/// The cookie that binds a sign-in to its browser. The way back comes from another site: `Strict` would keep it away.
fn binding(value: &str, max_age: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "{COOKIE}={value}; HttpOnly; SameSite=Lax; Path=/api/v1/session/oidc; Max-Age={max_age}{secure}"
    )
}

/// A page of our own to go on with; whatever else is asked for, the first page.
fn own_page(asked: Option<String>) -> String {
    let is_own = |page: &String| {
        page.len() <= LONGEST
            && page.starts_with('/')
            && !page.starts_with("//")
            && page
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    asked.filter(is_own).unwrap_or_else(|| "/".to_owned())
}

fn provider<H, T>(app: &App<H, T>) -> Result<(&Auth, &Provider), Problem> {
    let auth = app.auth.as_deref().filter(|_| app.access == Access::Users);
    let provider = auth.and_then(|auth| auth.provider().map(|provider| (auth, provider)));
    provider.ok_or(Problem::UnknownRoute)
}

/// Sends a browser to the provider, which sends it back to `callback`.
#[utoipa::path(get, operation_id = "start_oidc", path = "/api/v1/session/oidc/start", tag = "session", params(
    ("next" = Option<String>, Query, description = "The page of this server to go on with, from its slash on; others are not gone to"),
), responses(
    (status = 303, description = "To the provider; or to `/login/?refused=…`", headers(("Location" = String), ("Set-Cookie" = String))),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_route`: this server has no provider"),
))]
pub(super) async fn start<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    visitor: Visitor,
    mut query: Query,
) -> Result<Redirected, Problem> {
    let next = own_page(query.text("next"));
    query.finish()?;
    let (auth, provider) = provider(&app)?;
    let begun = match provider.start().await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "nobody can be sent to the provider");
            return Ok(Redirected::refused(reason(&error), &next, visitor.secure));
        }
    };
    let browser = auth::fresh("").map_err(SignInError::from)?;
    let stored = Stored {
        sign_in: begun.kept,
        next,
    };
    // The shape is ours: it always serializes.
    let stored = serde_json::to_string(&stored).unwrap_or_default();
    let now = app.clock.now();
    auth.accounts()
        .keep_sign_in(
            bound(&begun.state, browser.reveal()),
            &stored,
            now,
            now.after(PATIENCE),
        )
        .await?;
    Ok(Redirected {
        location: begun.url,
        cookies: vec![binding(
            browser.reveal(),
            PATIENCE.as_secs(),
            visitor.secure,
        )],
    })
}

/// What a sign-in is found by: its state is worth nothing in another browser.
fn bound(state: &str, browser: &str) -> hcndc_core::port::Digest {
    auth::digest(&format!("{state} {browser}"))
}

/// Takes a browser back that the provider sends, signed in.
#[utoipa::path(get, operation_id = "finish_oidc", path = "/api/v1/session/oidc/callback", tag = "session", params(
    ("state" = Option<String>, Query, description = "As the provider was given it"),
    ("code" = Option<String>, Query, description = "What a token is to be had for"),
    ("error" = Option<String>, Query, description = "Why there is no code"),
    ("iss" = Option<String>, Query, description = "Who answers (RFC 9207)"),
), responses(
    (status = 303, description = "To the page that was asked for; or to `/login/?refused=…`", headers(("Location" = String), ("Set-Cookie" = String))),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_route`: this server has no provider"),
))]
pub(super) async fn finish<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    visitor: Visitor,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Redirected, Problem> {
    let (auth, provider) = provider(&app)?;
    // Providers add what they like.
    let state = query.text("state").unwrap_or_default();
    let browser = cookie(&headers, COOKIE).unwrap_or_default();
    let now = app.clock.now();
    let stored = auth
        .accounts()
        .take_sign_in(bound(&state, browser), now)
        .await?;
    let stored = stored.and_then(|stored| serde_json::from_str::<Stored>(&stored).ok());
    let Some(Stored { sign_in, next }) = stored else {
        return Ok(Redirected::refused("sign_in_expired", "/", visitor.secure));
    };
    let answer = Answer {
        code: query.text("code"),
        error: query.text("error"),
        issuer: query.text("iss"),
    };
    let outcome = answer.person(provider, sign_in).await;
    let (account, outcome) = match outcome {
        Ok(person) => {
            let admitted = auth.admit(&person, provider.rules(), now).await;
            (person.account, admitted.map_err(why))
        }
        Err(reason) => (String::new(), Err(Ok(reason))),
    };
    match outcome {
        Ok(signed_in) => {
            let deeds = signed_in.deeds(auth).await?;
            let account = signed_in.known.user.account.clone();
            app.write_down(&visitor, &account, "oidc", deeds).await;
            Ok(to_page(&signed_in, next, visitor.secure))
        }
        Err(Ok(reason)) => {
            let deed = Deed::new("sign_in_failed", "session")
                .named(account.clone())
                .after(&Refused { reason });
            app.write_down(&visitor, &account, "oidc", vec![deed]).await;
            Ok(Redirected::refused(reason, &next, visitor.secure))
        }
        Err(Err(problem)) => Err(problem),
    }
}

fn to_page(signed_in: &SignedIn, next: String, secure: bool) -> Redirected {
    Redirected {
        location: next,
        cookies: vec![signed_in.cookie(secure), binding("", 0, secure)],
    }
}

/// Why somebody who has come back is not signed in: the page for signing in says so, unless it is the server's own fault.
fn why(error: SignInError) -> Result<&'static str, Problem> {
    match error {
        SignInError::Unwelcome(why) => {
            tracing::info!(%why, "somebody whom the provider knows is not let in");
            Ok(Refused::because(&why).reason)
        }
        error => match Problem::from(error) {
            Problem::Denied(Denial::LastAdmin) => Ok("last_admin"),
            problem => Err(problem),
        },
    }
}

/// What the provider sends with the browser.
struct Answer {
    code: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

impl Answer {
    async fn person(
        self,
        provider: &Provider,
        sign_in: Kept,
    ) -> Result<auth::outside::Person, &'static str> {
        if let Some(issuer) = &self.issuer
            && !provider.is_issuer(issuer)
        {
            tracing::warn!(issuer, "an answer to a sign-in is another provider's");
            return Err("bad_token");
        }
        if let Some(error) = &self.error {
            tracing::info!(error, "the provider does not sign somebody in");
            return Err("provider_denied");
        }
        let code = self.code.ok_or("bad_token")?;
        let person = provider.finish(sign_in, &code).await;
        person.map_err(|error| {
            tracing::error!(error = %with_causes(&error), "somebody who comes from the provider is not signed in");
            reason(&error)
        })
    }
}

const fn reason(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Unavailable { .. } => "provider_unavailable",
        ProviderError::NoToken { .. } => "provider_gives_no_token",
        ProviderError::BadToken { .. } => "bad_token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_a_page_of_somebody_elses() {
        let page = |asked: &str| own_page(Some(asked.to_owned()));
        assert_eq!(page("/execute/7/?tab=jobs#x"), "/execute/7/?tab=jobs#x");
        for foreign in [
            "",
            "//evil.example.com",
            "/\\evil.example.com",
            "https://evil.example.com",
            "javascript:alert(1)",
            "/a b",
            "/\r\nSet-Cookie: a=b",
            "/\t/evil.example.com",
        ] {
            assert_eq!(page(foreign), "/", "{foreign:?}");
        }
        assert_eq!(own_page(None), "/");
        assert_eq!(page(&format!("/{}", "a".repeat(LONGEST))), "/");
    }

    #[test]
    fn a_state_is_worth_nothing_in_another_browser() {
        assert_eq!(bound("s", "b"), bound("s", "b"));
        assert_ne!(bound("s", "b"), bound("s", "c"));
        assert_ne!(bound("s", "b"), bound("s", ""));
        let cookie = binding("b", 600, true);
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        assert!(cookie.ends_with("; Secure"));
    }
}
