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
    definition::retry_stale,
    denial::Denial,
    many::{DeleteBody, Deleted, tell_deleted},
    needs::SIGNED_IN,
    page::{Asked, NAMED, PageDto},
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    roles::{PermissionDto, sorted},
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
    trail::Deed,
    users::{auth, known},
};
use crate::{
    app::App,
    auth::{SignInError, TOKEN_PREFIX, fresh},
};

const TOKENS: &str = "/api/v1/tokens";
const TOKEN: &str = "/api/v1/tokens/{id}";
const DELETE: &str = "/api/v1/tokens/delete";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let all = at(TOKENS).and(app.clone()).and(caller());
    let many = at(DELETE).and(app.clone()).and(caller());
    let one = at_id::<TokenId>(TOKEN).and(app).and(caller());
    vec![
        Route::get(TOKENS, SIGNED_IN, all.clone().and(query()).handed_to(list)),
        Route::post(TOKENS, SIGNED_IN, all.and(body()).handed_to(create)).by_any(),
        Route::post(DELETE, SIGNED_IN, many.and(body()).handed_to(delete_many)).by_any(),
        Route::get(TOKEN, SIGNED_IN, one.clone().handed_to(detail)),
        Route::new(
            Method::PUT,
            TOKEN,
            SIGNED_IN,
            one.clone().and(body()).handed_to(replace),
        )
        .by_any(),
        Route::new(
            Method::PATCH,
            TOKEN,
            SIGNED_IN,
            one.clone().and(body()).handed_to(patch),
        )
        .by_any(),
        Route::new(Method::DELETE, TOKEN, SIGNED_IN, one.handed_to(delete)).by_any(),
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

/// What a token becomes. It stays its user's.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenChange, example = json!({"name": "nightly import", "permissions": ["read"], "expires_at": "2027-06-01T00:00:00Z"}))]
pub(super) struct TokenChange {
    /// What it is for: 1 to 255 characters.
    name: String,
    /// What it allows, of what its user may do.
    permissions: Vec<PermissionDto>,
    /// From when on it is refused. Default: never.
    #[serde(default)]
    expires_at: Option<String>,
    /// Refused unless the token is at this version.
    #[serde(default, skip_serializing)]
    version: Option<u32>,
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
    /// Grows with each change.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed.
    updated_at: String,
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
            version: token.version,
            created_at: token.created_at.to_string(),
            updated_at: token.updated_at.to_string(),
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
    ("text" = Option<String>, Query, description = "Name holds this"),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at`; with `-` downwards"),
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
    let asked = Asked::of(&mut query, &NAMED);
    let account = query.text("account");
    let text = query.text("text").unwrap_or_default();
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
    let wanted = TokenQuery {
        user,
        text,
        sort: asked.by,
        page: asked.page.clone(),
    };
    let page = accounts.tokens(&wanted).await?;
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
    let (name, expires_at) = sound(&body.name, body.expires_at)?;
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
    let permissions = no_stronger(&caller, &body.permissions)?;
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

/// A name without what surrounds it, and an end.
fn sound(name: &str, end: Option<String>) -> Result<(String, Option<Timestamp>), Problem> {
    let mut blames = Vec::new();
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 255 {
        let error = BlameError::Definition(DefinitionError::BadName);
        blames.push(Blame::of("name", error));
    }
    let end = end.map(|text| text.parse::<Timestamp>().map_err(|_| text));
    let end = end.transpose().unwrap_or_else(|text| {
        blames.push(Blame::of("expires_at", BlameError::BadTime { text }));
        None
    });
    match blames.is_empty() {
        true => Ok((name.to_owned(), end)),
        false => Err(Problem::BadBody(blames)),
    }
}

/// Permissions of a token, unless they are more than whoever asks for it may do.
fn no_stronger(caller: &Caller, asked: &[PermissionDto]) -> Result<Vec<Permission>, Problem> {
    let permissions = sorted(asked);
    match permissions.iter().find(|it| !caller.may(**it)) {
        Some(&permission) => Err(Denial::TooStrongToken { permission }.into()),
        None => Ok(permissions),
    }
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

/// Replaces what a token is: what the body does not say goes back to its default. The token itself stays as it was told, and
/// is bound by this from the next request on. A change may leave it no stronger than whoever asks for it.
#[utoipa::path(put, operation_id = "replace_token", path = "/api/v1/tokens/{id}", tag = "users", params(("id" = u64, Path)), request_body = TokenChange, responses(
    (status = 200, body = TokenDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`too_strong_token`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: TokenId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TokenDto>, Problem> {
    let body: TokenChange = body.json(&["name", "permissions"]).await?;
    let before = find(&app, &caller, id).await?;
    put(&app, &caller, before, body).await.map(Json)
}

/// Changes what a token is: a JSON merge patch (RFC 7396), as for replacing it.
#[utoipa::path(patch, operation_id = "patch_token", path = "/api/v1/tokens/{id}", tag = "users", params(("id" = u64, Path)),
    request_body(content = TokenChange, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = TokenDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`too_strong_token`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: TokenId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TokenDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let before = find(&app, &caller, id).await?;
        let told = TokenDto::from(before.clone());
        let old = TokenChange {
            name: told.name,
            permissions: told.permissions,
            expires_at: told.expires_at,
            version: None,
        };
        let mut new: TokenChange = patch.apply(&old, &["name", "permissions"])?;
        new.version = new.version.or(Some(told.version));
        put(&app, &caller, before, new).await.map(drop)
    })
    .await?;
    let token = find(&app, &caller, id).await?;
    Ok(Json(token.into()))
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    before: ApiToken,
    body: TokenChange,
) -> Result<TokenDto, Problem> {
    let (name, expires_at) = sound(&body.name, body.expires_at)?;
    let draft = TokenDraft {
        user: before.user,
        name,
        permissions: no_stronger(caller, &body.permissions)?,
        expires_at,
    };
    let accounts = auth(app)?.accounts();
    let (id, now) = (before.id, app.clock.now());
    let changed = accounts.change_token(id, body.version, &draft, now).await;
    let after = TokenDto::from(changed.map_err(|error| known(error, id))?);
    let deed = Deed::new("change", "token")
        .on(after.id, after.name.as_str())
        .before(&TokenDto::from(before))
        .after(&after);
    app.did(caller, deed).await;
    Ok(after)
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

/// Ends many tokens at once, all or none.
#[utoipa::path(post, operation_id = "delete_tokens", path = "/api/v1/tokens/delete", tag = "users", request_body = DeleteBody, responses(
    (status = 200, body = Deleted),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`"),
))]
pub(super) async fn delete_many<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Deleted>, Problem> {
    let items = body.json::<DeleteBody>(&[]).await?.items(TokenId)?;
    let mut before = Vec::with_capacity(items.len());
    for (id, _) in &items {
        before.push(TokenDto::from(find(&app, &caller, *id).await?));
    }
    auth(&app)?.accounts().delete_tokens(&items).await?;
    Ok(tell_deleted(&app, &caller, "token", &before, |it| (it.id, &it.name)).await)
}
