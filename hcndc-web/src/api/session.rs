//! `/session`: signing in and out, and who one is.

use std::{collections::BTreeSet, sync::Arc};

use hcndc_core::port::{
    AccountsError, Clock as _, Grant, History, Known, Origin, PasswordHash, Permission, Transport,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{
    Filter as _, Reply,
    http::{HeaderValue, Method, StatusCode, header},
    reply::Response,
};

use super::{
    body::Body,
    caller::{Caller, Proof, Visitor},
    denial::Denial,
    needs::{NOTHING, SIGNED_IN},
    problem::{Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, body, caller, having, visitor},
    trail::Deed,
    users::{UserDto, role_names},
};
use crate::{
    app::App,
    auth::{ABSOLUTE, Access, Auth, Passwords, Renewed, SignInError, SignedIn, outside::Unwelcome},
};

/// The cookie's name.
pub(super) const COOKIE: &str = "hcndc_session";

pub(super) const SESSION: &str = "/api/v1/session";
const PASSWORD: &str = "/api/v1/session/password";
const WAYS: &str = "/api/v1/session/ways";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at(SESSION).and(app.clone());
    vec![
        Route::get(WAYS, NOTHING, at(WAYS).and(app.clone()).handed_to(ways)),
        Route::get(
            SESSION,
            SIGNED_IN,
            one.clone().and(caller()).handed_to(detail),
        ),
        // The sessions are in the database: any server will do.
        Route::post(
            SESSION,
            NOTHING,
            one.clone().and(visitor()).and(body()).handed_to(sign_in),
        )
        .by_any(),
        Route::new(
            Method::DELETE,
            SESSION,
            SIGNED_IN,
            one.and(caller()).handed_to(sign_out),
        )
        .by_any(),
        Route::new(
            Method::PUT,
            PASSWORD,
            SIGNED_IN,
            at(PASSWORD)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(change_password),
        )
        .by_any(),
    ]
}

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInBody, example = json!({"account": "ann", "password": "correct horse"}))]
pub(super) struct SignInBody {
    /// The account, whatever its case.
    account: String,
    /// The password.
    password: String,
}

/// How one may sign in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignInWays)]
pub(super) struct WaysDto {
    /// Whether account and password can be typed in: that of this server, or a directory's.
    password: bool,
    /// Whether a directory checks passwords, too.
    directory: bool,
    /// The provider that signs people in, if there is one.
    oidc: Option<OidcWayDto>,
}

/// A provider that signs people in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OidcWay)]
pub(super) struct OidcWayDto {
    /// What a button may say.
    #[schema(example = "Single sign-on")]
    label: String,
    /// Where a browser begins; `next` is the page to go on with.
    #[schema(example = "/api/v1/session/oidc/start")]
    start: &'static str,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordBody)]
pub(super) struct PasswordBody {
    /// The one until now.
    old: String,
    /// At least 8 characters; neither the account nor the old one.
    new: String,
}

/// Who somebody is, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionDto {
    /// The account; `api` where nobody is asked.
    #[schema(example = "ann")]
    account: String,
    /// Name for people; may be empty.
    name: String,
    /// What they may do, in some directory at least.
    #[schema(value_type = Vec<String>, example = json!(["read", "execute"]))]
    permissions: Vec<&'static str>,
    /// Where they may change and run something; empty for everywhere.
    directories: Vec<String>,
    /// Names of their roles.
    roles: Vec<String>,
    /// Who vouches for them: `local`, `ldap` or `oidc`.
    #[schema(value_type = String, example = "local")]
    origin: &'static str,
    /// Whether all but `/session` is refused until the password has been changed.
    must_change_password: bool,
    /// What changes by cookie must send as `X-CSRF-Token`; null for tokens.
    csrf: Option<String>,
    /// When the session or token ends at the latest; null if it does not.
    expires_at: Option<String>,
    /// `users`, or `open` where nobody is asked.
    #[schema(value_type = String, example = "users")]
    access: &'static str,
}

/// All that some grants allow, each once.
pub(super) fn permissions(grants: &[Grant]) -> Vec<Permission> {
    let all = grants.iter().flat_map(|grant| &grant.permissions);
    all.copied().collect::<BTreeSet<_>>().into_iter().collect()
}

impl SessionDto {
    pub(super) fn of(caller: &Caller) -> Self {
        let (csrf, expires_at) = match &caller.proof {
            Proof::Session { session, csrf, .. } => (Some(csrf.clone()), Some(session.ends_at)),
            Proof::Token { expires_at, .. } => (None, *expires_at),
            Proof::Nothing => (None, None),
        };
        let user = caller.user.as_ref();
        let grants = caller.grants();
        let everywhere = grants.iter().any(|grant| grant.directories.is_empty());
        let directories = grants.iter().flat_map(|grant| grant.directories.clone());
        let directories: BTreeSet<String> = match everywhere {
            true => BTreeSet::new(),
            false => directories.collect(),
        };
        Self {
            account: caller.by.clone(),
            name: user.map(|user| user.name.clone()).unwrap_or_default(),
            permissions: permissions(grants)
                .into_iter()
                .map(Permission::as_str)
                .collect(),
            directories: directories.into_iter().collect(),
            roles: caller.roles.clone(),
            origin: user.map_or(Origin::Local, |user| user.origin).as_str(),
            must_change_password: user.is_some_and(|user| user.must_change_password),
            csrf,
            expires_at: expires_at.map(|at| at.to_string()),
            access: match user {
                Some(_) => "users",
                None => "open",
            },
        }
    }
}

/// A session that has just begun: its cookie, and who it is of.
pub(super) struct Begun {
    status: StatusCode,
    cookie: String,
    session: SessionDto,
}

impl Begun {
    fn new(status: StatusCode, signed_in: SignedIn, visitor: &Visitor) -> Self {
        let SignedIn { secret, known, .. } = signed_in;
        let cookie = cookie(secret.reveal(), ABSOLUTE.as_secs(), visitor.secure);
        let csrf = secret.csrf();
        let digest = secret.digest();
        let Known {
            user,
            grants,
            roles,
            proof: session,
        } = known;
        let proof = Proof::Session {
            digest,
            session,
            csrf,
        };
        let caller = Caller::user(user, roles, grants, proof, visitor.clone());
        Self {
            status,
            cookie,
            session: SessionDto::of(&caller),
        }
    }
}

impl Reply for Begun {
    fn into_response(self) -> Response {
        let mut response = Json(self.session).into_response();
        *response.status_mut() = self.status;
        if let Ok(cookie) = HeaderValue::from_str(&self.cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl SignedIn {
    /// The session's cookie.
    pub(super) fn cookie(&self, secure: bool) -> String {
        cookie(self.secret.reveal(), ABSOLUTE.as_secs(), secure)
    }

    /// What is written down of a sign-in: that it was, and before it what became of the account.
    pub(super) async fn deeds(&self, auth: &Auth) -> Result<Vec<Deed>, AccountsError> {
        let user = &self.known.user;
        let signed_in = Deed::new("sign_in", "session").named(user.account.clone());
        let before = match &self.renewed {
            Renewed::Not => return Ok(vec![signed_in]),
            Renewed::Made => None,
            Renewed::Was(before) => Some(before),
        };
        let roles = role_names(auth.accounts()).await?;
        let before = before.map(|before| UserDto::new(before.as_ref().clone(), &roles));
        let after = UserDto::new(user.clone(), &roles);
        let renewed = Deed::put("user", before.as_ref(), &after);
        let renewed = renewed.on(user.id.0, user.account.clone());
        Ok(vec![renewed, signed_in])
    }
}

/// RFC 6265, section 4.1.
fn cookie(value: &str, max_age: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age}{secure}")
}

/// Why somebody was not let in, as it is written down.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    /// Stable name of the reason.
    pub(super) reason: &'static str,
}

impl Refused {
    /// The reason of this.
    pub(super) const fn because(why: &Unwelcome) -> Self {
        Self {
            reason: match why {
                Unwelcome::Unknown { .. } => "unknown_person",
                Unwelcome::Disabled { .. } => "account_disabled",
                Unwelcome::Taken { .. } => "account_taken",
                Unwelcome::BadAccount { .. } => "bad_account",
            },
        }
    }
}

/// Tells how one may sign in, to whoever asks.
#[utoipa::path(get, operation_id = "sign_in_ways", path = "/api/v1/session/ways", tag = "session", responses(
    (status = 200, body = WaysDto),
))]
pub(super) async fn ways<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Json<WaysDto>, Problem> {
    let auth = app.auth.as_deref().filter(|_| app.access == Access::Users);
    let provider = auth.and_then(Auth::provider);
    Ok(Json(WaysDto {
        password: auth.is_some(),
        directory: auth.is_some_and(|auth| auth.directory().is_some()),
        oidc: provider.map(|provider| OidcWayDto {
            label: provider.label().to_owned(),
            start: super::oidc::START,
        }),
    }))
}

/// Signs in: the answer sets a cookie. The password is that of this server, or for a user of a directory the directory's.
#[utoipa::path(post, operation_id = "sign_in", path = "/api/v1/session", tag = "session", request_body = SignInBody, responses(
    (status = 201, body = SessionDto, headers(("Set-Cookie" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 401, body = ProblemDto, content_type = "application/problem+json", description = "`wrong_password`"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`account_taken`, `no_users`"),
    (status = 429, body = ProblemDto, content_type = "application/problem+json", description = "`too_many_attempts`, `too_many_requests`, with `Retry-After`"),
    (status = 503, body = ProblemDto, content_type = "application/problem+json", description = "`directory_unavailable`, `store_unavailable`"),
))]
pub(super) async fn sign_in<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    visitor: Visitor,
    body: Body,
) -> Result<Begun, Problem> {
    let body: SignInBody = body.json(&["account", "password"]).await?;
    let auth = app.auth.as_deref().ok_or(Denial::NoUsers)?;
    let now = app.clock.now();
    let peer = visitor.peer.to_string();
    let signed_in = auth
        .sign_in(&body.account, &body.password, &peer, now)
        .await;
    // What the throttle turns away is not written down: it would fill the trail.
    let failed = || Deed::new("sign_in_failed", "session").named(body.account.clone());
    let (account, method, deeds) = match &signed_in {
        Ok(signed_in) => {
            let user = &signed_in.known.user;
            let method = match user.origin {
                Origin::Ldap => "ldap",
                Origin::Local | Origin::Oidc => "password",
            };
            (&user.account, method, signed_in.deeds(auth).await?)
        }
        Err(SignInError::Wrong) => (&body.account, "password", vec![failed()]),
        Err(SignInError::Unwelcome(why)) => {
            let failed = failed().after(&Refused::because(why));
            (&body.account, "ldap", vec![failed])
        }
        Err(_) => (&body.account, "password", Vec::new()),
    };
    app.write_down(&visitor, account, method, deeds).await;
    let signed_in = signed_in?;
    Ok(Begun::new(StatusCode::CREATED, signed_in, &visitor))
}

/// Tells who asks, and what they may do.
#[utoipa::path(get, operation_id = "find_session", path = "/api/v1/session", tag = "session", responses(
    (status = 200, body = SessionDto),
))]
pub(super) async fn detail<H: History, T: Transport>(
    _: Arc<App<H, T>>,
    caller: Caller,
) -> Result<Json<SessionDto>, Problem> {
    Ok(Json(SessionDto::of(&caller)))
}

/// The cookie, taken away.
pub(super) struct SignedOut {
    secure: bool,
}

impl Reply for SignedOut {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        if let Ok(cookie) = HeaderValue::from_str(&cookie("", 0, self.secure)) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Signs out: the session ends, and its cookie is worth nothing any more.
#[utoipa::path(delete, operation_id = "sign_out", path = "/api/v1/session", tag = "session", responses((status = 204)))]
pub(super) async fn sign_out<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<SignedOut, Problem> {
    if let (Some(auth), Proof::Session { digest, .. }) = (app.auth.as_deref(), &caller.proof) {
        auth.accounts().end_session(*digest).await?;
        let deed = Deed::new("sign_out", "session").named(caller.by.clone());
        app.did(&caller, deed).await;
    }
    Ok(SignedOut {
        secure: caller.visitor.secure,
    })
}

/// Changes one's own password. All sessions of the user end, and a new one begins.
#[utoipa::path(put, operation_id = "change_password", path = "/api/v1/session/password", tag = "session", request_body = PasswordBody, responses(
    (status = 200, body = SessionDto, headers(("Set-Cookie" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`no_users`, `outside_user`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`weak_password`"),
))]
pub(super) async fn change_password<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Begun, Problem> {
    let body: PasswordBody = body.json(&["old", "new"]).await?;
    let auth = app.auth.as_deref().ok_or(Denial::NoUsers)?;
    let user = caller.user.as_ref().ok_or(Denial::NoUsers)?;
    if user.origin != Origin::Local {
        return Err(Denial::OutsideUser.into());
    }
    let account = user.account.as_str();
    let address = caller.visitor.peer.to_string();
    auth.is_password_of(account, &body.old, &address).await?;
    Passwords::check(account, &body.new, Some(&body.old)).map_err(Denial::WeakPassword)?;
    let phc = auth.passwords().hash(&body.new).await;
    let hash = PasswordHash {
        phc: phc.map_err(SignInError::from)?,
        must_change: false,
    };
    let now = app.clock.now();
    auth.accounts().set_password(user.id, &hash, now).await?;
    let deed = Deed::new("set_password", "user").on(user.id.0, account);
    app.did(&caller, deed).await;
    let signed_in = auth.begin_session(user.id, now).await?;
    Ok(Begun::new(StatusCode::OK, signed_in, &caller.visitor))
}
