//! `/tokens`: what programs show in the place of a user who signs in.

use std::sync::Arc;

use hcndc_core::{
    id::{TokenId, UserId},
    model::DefinitionError,
    port::{
        ApiToken, Clock as _, History, Permission, TokenDraft, TokenQuery, Transport,
        normal_account,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    denial::Denial,
    needs::SIGNED_IN,
    page::{Asked, BY_ID, PageDto},
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    roles::{PermissionDto, sorted},
    route::{Created, Json, NoContent, Route, at, at_id, body, caller, having, query},
    trail::Deed,
    users::{auth, known},
};
use crate::{
    app::App,
    auth::{SignInError, TOKEN_PREFIX, fresh},
};

const TOKENS: &str = "/api/v1/tokens";
const TOKEN: &str = "/api/v1/tokens/{id}";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let all = at(TOKENS).and(app.clone()).and(caller());
    let one = at_id::<TokenId>(TOKEN).and(app).and(caller());
    vec![
        Route::get(TOKENS, SIGNED_IN, all.clone().and(query()).then(list)),
        Route::post(TOKENS, SIGNED_IN, all.and(body()).then(create)).by_any(),
        Route::get(TOKEN, SIGNED_IN, one.clone().then(detail)),
        Route::new(Method::DELETE, TOKEN, SIGNED_IN, one.then(delete)).by_any(),
    ]
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenBody, example = json!({"name": "nightly import", "permissions": ["read", "write"], "expires_at": "2027-01-01T00:00:00Z"}))]
pub(super) struct TokenBody {
    /// What it is for: 1 to 255 characters.
    name: String,
    /// What it allows, of what its user may do.
    permissions: Vec<PermissionDto>,
    /// From when on it is refused. Default: never.
    #[serde(default)]
    expires_at: Option<String>,
    /// Whose it is, by account; another's needs `admin`. Default: one's own.
    #[serde(default)]
    account: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenDto {
    /// Its id, for ever.
    id: u64,
    /// What it is for.
    name: String,
    /// Whose it is.
    account: String,
    /// What it allows, of what its user may do.
    permissions: Vec<PermissionDto>,
    /// When it was made.
    created_at: String,
    /// From when on it is refused; null for never.
    expires_at: Option<String>,
    /// When it was used last, give or take some minutes.
    used_at: Option<String>,
    /// The token itself: told once, when it is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "hcndc_…")]
    token: Option<String>,
}

impl From<ApiToken> for TokenDto {
    fn from(token: ApiToken) -> Self {
        let permissions = token.permissions.into_iter();
        Self {
            id: token.id.0,
            name: token.name,
            account: token.account,
            permissions: permissions.map(PermissionDto::from).collect(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            used_at: token.used_at.map(|at| at.to_string()),
            token: None,
        }
    }
}

/// Whose tokens a caller may see and end: `None` for everybody's.
fn whose(caller: &Caller) -> Option<UserId> {
    let own = caller.user.as_ref().map(|user| user.id);
    own.filter(|_| !caller.may(Permission::Admin))
}

/// Lists one's own tokens; with `admin`, everybody's.
#[utoipa::path(get, operation_id = "list_tokens", path = "/api/v1/tokens", tag = "users", params(
    ("account" = Option<String>, Query, description = "Of this user"),
    ("sort" = Option<String>, Query, description = "`id` (default) or `-id`"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<TokenDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<PageDto<TokenDto>>, Problem> {
    let asked = Asked::of(&mut query, &BY_ID);
    let account = query.text("account");
    query.finish()?;
    let accounts = auth(&app)?.accounts();
    let user = match (whose(&caller), account) {
        (Some(own), _) => Some(own),
        (None, None) => None,
        (None, Some(account)) => {
            let found = accounts.find_user(&account.to_lowercase()).await?;
            let found = found.ok_or(Denial::UnknownUser { user: account })?;
            Some(found.0.id)
        }
    };
    let page = asked.page.clone();
    let page = accounts.tokens(&TokenQuery { user, page }).await?;
    Ok(Json(asked.tell(page, TokenDto::from)))
}

/// Makes a token, which is told once. It allows no more than whoever makes it, nor than its user.
#[utoipa::path(post, operation_id = "create_token", path = "/api/v1/tokens", tag = "users", request_body = TokenBody, responses(
    (status = 201, body = TokenDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`too_strong_token`, `unknown_user`"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<TokenDto>, Problem> {
    let body: TokenBody = body.json(&["name", "permissions"]).await?;
    let accounts = auth(&app)?.accounts();
    let mut blames = Vec::new();
    let name = body.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 255 {
        let error = BlameError::Definition(DefinitionError::BadName);
        blames.push(Blame::of("name", error));
    }
    let expires_at = body
        .expires_at
        .map(|text| text.parse::<Timestamp>().map_err(|_| text));
    let expires_at = expires_at.transpose().unwrap_or_else(|text| {
        blames.push(Blame::of("expires_at", BlameError::BadTime { text }));
        None
    });
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    let own = caller.user.as_ref();
    let account = body
        .account
        .as_deref()
        .map(|text| normal_account(text).unwrap_or_default());
    let user = match (own, account) {
        (Some(own), None) => own.id,
        (Some(own), Some(account)) if own.account == account => own.id,
        (_, account) => {
            caller.needs(Permission::Admin)?;
            let user = account.unwrap_or_default();
            let found = accounts.find_user(&user).await?;
            found.ok_or(Denial::UnknownUser { user })?.0.id
        }
    };
    let permissions = sorted(&body.permissions);
    if let Some(&permission) = permissions.iter().find(|it| !caller.may(**it)) {
        return Err(Denial::TooStrongToken { permission }.into());
    }
    let secret = fresh(TOKEN_PREFIX).map_err(SignInError::from)?;
    let draft = TokenDraft {
        user,
        name,
        permissions,
        expires_at,
    };
    let now = app.clock.now();
    let made = accounts.create_token(secret.digest(), &draft, now).await?;
    let mut made = TokenDto::from(made);
    let deed = Deed::new("create", "token")
        .on(made.id, made.name.as_str())
        .after(&made);
    app.did(&caller, deed).await;
    made.token = Some(secret.reveal().to_owned());
    Ok(Created {
        location: format!("{TOKENS}/{}", made.id),
        body: made,
    })
}

async fn find<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: TokenId,
) -> Result<ApiToken, Problem> {
    let token = auth(app)?.accounts().token(id).await?;
    let mine = |token: &ApiToken| whose(caller).is_none_or(|own| token.user == own);
    // Another's is as unknown as none: which there are is nobody else's business.
    token.filter(mine).ok_or_else(|| id.into())
}

/// Tells one token.
#[utoipa::path(get, operation_id = "find_token", path = "/api/v1/tokens/{id}", tag = "users", params(("id" = u64, Path)), responses(
    (status = 200, body = TokenDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: TokenId,
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<Json<TokenDto>, Problem> {
    let token = find(&app, &caller, id).await?;
    Ok(Json(token.into()))
}

/// Ends a token at once.
#[utoipa::path(delete, operation_id = "delete_token", path = "/api/v1/tokens/{id}", tag = "users", params(("id" = u64, Path)), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    id: TokenId,
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<NoContent, Problem> {
    let before = TokenDto::from(find(&app, &caller, id).await?);
    let deleted = auth(&app)?.accounts().delete_token(id).await;
    deleted.map_err(|error| known(error, id))?;
    let deed = Deed::new("delete", "token")
        .on(id.0, before.name.as_str())
        .before(&before);
    app.did(&caller, deed).await;
    Ok(NoContent)
}
