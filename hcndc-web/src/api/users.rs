//! `/users`: who may sign in.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    id::{RoleId, UserId},
    model::DefinitionError,
    port::{
        AccountQuery, Accounts, AccountsError, Clock as _, History, Origin, PasswordHash,
        Transport, User, UserDraft, normal_account,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    definition::{retry_stale, yes},
    denial::Denial,
    many::{DeleteBody, Deleted, tell_deleted},
    needs::ADMIN,
    page::{Asked, NAMED, PageDto},
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    reference::Reference,
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
    trail::Deed,
};
use crate::{
    app::App,
    auth::{Auth, Passwords, SignInError, one_time_password},
    interchange::all_roles,
};

const USERS: &str = "/api/v1/users";
const USER: &str = "/api/v1/users/{id}";
const PASSWORD: &str = "/api/v1/users/{id}/password";
const DELETE: &str = "/api/v1/users/delete";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at_id::<UserId>(USER).and(app.clone());
    let change = one.clone().and(caller()).and(body());
    vec![
        Route::get(
            USERS,
            ADMIN,
            at(USERS).and(app.clone()).and(query()).handed_to(list),
        ),
        Route::post(
            USERS,
            ADMIN,
            at(USERS)
                .and(app.clone())
                .and(caller())
                .and(body())
                .handed_to(create),
        )
        .by_any(),
        Route::post(
            DELETE,
            ADMIN,
            at(DELETE)
                .and(app.clone())
                .and(caller())
                .and(body())
                .handed_to(delete_many),
        )
        .by_any(),
        Route::get(USER, ADMIN, one.clone().handed_to(detail)),
        Route::new(Method::PUT, USER, ADMIN, change.clone().handed_to(replace)).by_any(),
        Route::new(Method::PATCH, USER, ADMIN, change.handed_to(patch)).by_any(),
        Route::new(
            Method::DELETE,
            USER,
            ADMIN,
            one.and(caller()).and(query()).handed_to(delete),
        )
        .by_any(),
        Route::new(
            Method::PUT,
            PASSWORD,
            ADMIN,
            at_id::<UserId>(PASSWORD)
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(set_password),
        )
        .by_any(),
    ]
}

/// A user as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserBody, example = json!({"account": "ann", "name": "Ann Li", "roles": ["operator"]}))]
pub(super) struct UserBody {
    /// What is typed to sign in: 1 to 64 characters without spaces and slashes; stored in lower case.
    account: String,
    /// Name for people.
    #[serde(default)]
    name: String,
    /// Whether it may sign in. Default: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// Its roles, by name or id; told by name.
    #[serde(default)]
    roles: Vec<Reference>,
    /// Who vouches for it: `local` (a password of this server), `ldap` or `oidc`. Whoever signs in there first under this account
    /// is the user from then on. When it changes, the user loses its password and its sessions end.
    #[serde(default)]
    origin: OriginDto,
    /// For a new local user: the password, which must be changed at the first sign-in. Default: one is made, and told once.
    #[serde(default, skip_serializing)]
    password: Option<String>,
    /// For changes: refused unless the user is at this version.
    #[serde(default, skip_serializing)]
    version: Option<u32>,
}

/// Who vouches for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Origin)]
pub(super) enum OriginDto {
    /// A password that is stored here.
    #[default]
    Local,
    /// A directory.
    Ldap,
    /// A provider of OpenID Connect.
    Oidc,
}

impl From<Origin> for OriginDto {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Local => Self::Local,
            Origin::Ldap => Self::Ldap,
            Origin::Oidc => Self::Oidc,
        }
    }
}

impl From<OriginDto> for Origin {
    fn from(origin: OriginDto) -> Self {
        match origin {
            OriginDto::Local => Self::Local,
            OriginDto::Ldap => Self::Ldap,
            OriginDto::Oidc => Self::Oidc,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserDto {
    /// Its id, for ever.
    id: u64,
    /// What is typed to sign in.
    #[schema(example = "ann")]
    account: String,
    /// Name for people.
    name: String,
    /// Whether it may sign in.
    enabled: bool,
    /// Its roles, by name.
    roles: Vec<String>,
    /// Who vouches for it.
    origin: OriginDto,
    /// What it is known by there; null for a local user, and for one who has not signed in yet.
    subject: Option<String>,
    /// Whether it must change its password before anything else.
    must_change_password: bool,
    /// When it signed in last.
    signed_in_at: Option<String>,
    /// Grows with each change.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed.
    updated_at: String,
    /// A password for one use that was made for it: told once, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
}

/// A password for somebody else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPasswordBody)]
pub(super) struct NewPasswordBody {
    /// The password, which must be changed at the next sign-in. Default: one is made, and told once.
    #[serde(default)]
    password: Option<String>,
}

impl UserDto {
    pub(super) fn new(user: User, roles: &BTreeMap<RoleId, String>) -> Self {
        let named = user.roles.iter().filter_map(|role| roles.get(role));
        Self {
            id: user.id.0,
            roles: named.cloned().collect(),
            account: user.account,
            name: user.name,
            enabled: user.enabled,
            origin: user.origin.into(),
            subject: user.subject,
            must_change_password: user.must_change_password,
            signed_in_at: user.signed_in_at.map(|at| at.to_string()),
            version: user.version,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
            one_time_password: None,
        }
    }

    fn body(&self) -> UserBody {
        UserBody {
            account: self.account.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            roles: self.roles.iter().cloned().map(Reference::Name).collect(),
            origin: self.origin,
            password: None,
            version: None,
        }
    }
}

/// Names of all roles. There are as many as kinds of people, not as many as people.
pub(crate) async fn role_names(
    accounts: &dyn Accounts,
) -> Result<BTreeMap<RoleId, String>, AccountsError> {
    let roles = all_roles(accounts).await?;
    Ok(roles.into_iter().map(|role| (role.id, role.name)).collect())
}

/// The users and their ways in, if there are any here.
pub(super) fn auth<H, T>(app: &App<H, T>) -> Result<&Auth, Problem> {
    app.auth.as_deref().ok_or_else(|| Denial::NoUsers.into())
}

impl UserBody {
    fn draft(&self, roles: &BTreeMap<RoleId, String>) -> Result<UserDraft, Problem> {
        let Some(account) = normal_account(&self.account) else {
            let error = BlameError::Definition(DefinitionError::BadName);
            return Err(Problem::BadBody(vec![Blame::of("account", error)]));
        };
        let find = |role: &Reference| {
            let found = match role {
                Reference::Id(id) => roles.contains_key(&RoleId(*id)).then_some(RoleId(*id)),
                Reference::Name(name) => {
                    let mut named = roles.iter().filter(|(_, other)| *other == name);
                    named.next().map(|(id, _)| *id)
                }
            };
            found.ok_or_else(|| Denial::UnknownRole {
                role: role.to_string(),
            })
        };
        let roles = self.roles.iter().map(find).collect::<Result<_, _>>()?;
        Ok(UserDraft {
            account,
            name: self.name.clone(),
            enabled: self.enabled,
            roles,
            origin: self.origin.into(),
            subject: None,
        })
    }
}

async fn find(auth: &Auth, id: UserId) -> Result<UserDto, Problem> {
    let user = auth.accounts().user(id).await?;
    let user = user.ok_or_else(|| Problem::from(id))?;
    let roles = role_names(auth.accounts()).await?;
    Ok(UserDto::new(user, &roles))
}

/// A password of somebody else's choice, or one that is made; hashed, and what is to be told of it.
async fn choose(
    auth: &Auth,
    account: &str,
    given: Option<String>,
) -> Result<(PasswordHash, Option<String>), Problem> {
    let (password, told) = match given {
        Some(password) => {
            Passwords::check(account, &password, None).map_err(Denial::WeakPassword)?;
            (password, None)
        }
        None => {
            let password = one_time_password().map_err(SignInError::from)?;
            (password.clone(), Some(password))
        }
    };
    let phc = auth.passwords().hash(&password).await;
    let hash = PasswordHash {
        phc: phc.map_err(SignInError::from)?,
        must_change: true,
    };
    Ok((hash, told))
}

/// Lists users.
#[utoipa::path(get, operation_id = "list_users", path = "/api/v1/users", tag = "users", params(
    ("text" = Option<String>, Query, description = "Account or name holds this"),
    ("sort" = Option<String>, Query, description = "`id`, `name` (the account) or `updated_at`; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<UserDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<UserDto>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = AccountQuery {
        text: query.text("text").unwrap_or_default(),
        sort: asked.by,
        page: asked.page.clone(),
    };
    query.finish()?;
    let accounts = auth(&app)?.accounts();
    let page = accounts.users(&wanted).await?;
    let roles = role_names(accounts).await?;
    Ok(Json(asked.tell(page, |user| UserDto::new(user, &roles))))
}

/// Makes a user.
#[utoipa::path(post, operation_id = "create_user", path = "/api/v1/users", tag = "users", request_body = UserBody, responses(
    (status = 201, body = UserDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`name_taken`, `outside_user`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_role`, `weak_password`"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<UserDto>, Problem> {
    let body: UserBody = body.json(&["account"]).await?;
    let auth = auth(&app)?;
    let roles = role_names(auth.accounts()).await?;
    let draft = body.draft(&roles)?;
    let (hash, told) = match (draft.origin, body.password) {
        (Origin::Local, given) => {
            let (hash, told) = choose(auth, &draft.account, given).await?;
            (Some(hash), told)
        }
        (Origin::Ldap | Origin::Oidc, None) => (None, None),
        (Origin::Ldap | Origin::Oidc, Some(_)) => return Err(Denial::OutsideUser.into()),
    };
    let now = app.clock.now();
    let made = auth
        .accounts()
        .create_user(&draft, hash.as_ref(), now)
        .await?;
    let mut made = UserDto::new(made, &roles);
    let deed = Deed::new("create", "user")
        .on(made.id, made.account.as_str())
        .after(&made);
    app.did(&caller, deed).await;
    made.one_time_password = told;
    Ok(Created {
        location: format!("{USERS}/{}", made.id),
        body: made,
    })
}

/// Tells one user.
#[utoipa::path(get, operation_id = "find_user", path = "/api/v1/users/{id}", tag = "users", params(("id" = u64, Path)), responses(
    (status = 200, body = UserDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: UserId,
    app: Arc<App<H, T>>,
) -> Result<Json<UserDto>, Problem> {
    find(auth(&app)?, id).await.map(Json)
}

/// Replaces a user: what the body does not say goes back to its default. The password stays.
#[utoipa::path(put, operation_id = "replace_user", path = "/api/v1/users/{id}", tag = "users", params(("id" = u64, Path)), request_body = UserBody, responses(
    (status = 200, body = UserDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `last_admin`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_role`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: UserId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<UserDto>, Problem> {
    let body: UserBody = body.json(&["account"]).await?;
    put(&app, &caller, id, &body).await.map(Json)
}

/// Changes a user: a JSON merge patch (RFC 7396). The password stays.
#[utoipa::path(patch, operation_id = "patch_user", path = "/api/v1/users/{id}", tag = "users", params(("id" = u64, Path)),
    request_body(content = UserBody, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = UserDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `last_admin`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_role`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: UserId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<UserDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = find(auth(&app)?, id).await?;
        let mut new: UserBody = patch.apply(&old.body(), &["account"])?;
        new.version = new.version.or(Some(old.version));
        put(&app, &caller, id, &new).await.map(drop)
    })
    .await?;
    find(auth(&app)?, id).await.map(Json)
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: UserId,
    body: &UserBody,
) -> Result<UserDto, Problem> {
    let auth = auth(app)?;
    let roles = role_names(auth.accounts()).await?;
    let draft = body.draft(&roles)?;
    let before = find(auth, id).await?;
    let now = app.clock.now();
    let changed = auth
        .accounts()
        .change_user(id, body.version, &draft, now)
        .await;
    let after = UserDto::new(changed.map_err(|error| known(error, id))?, &roles);
    let deed = Deed::new("change", "user")
        .on(id.0, after.account.as_str())
        .before(&before)
        .after(&after);
    app.did(caller, deed).await;
    Ok(after)
}

/// An error, as that nothing has the id in the path if so it is.
pub(super) fn known(error: AccountsError, id: impl Into<Problem>) -> Problem {
    match error {
        AccountsError::Unknown => id.into(),
        other => other.into(),
    }
}

/// Deletes a user, its sessions and its tokens.
#[utoipa::path(delete, operation_id = "delete_user", path = "/api/v1/users/{id}", tag = "users", params(
    ("id" = u64, Path),
    ("version" = Option<u32>, Query, description = "Refused unless it is at this version"),
), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`last_admin`, `stale`"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    id: UserId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<NoContent, Problem> {
    let version = query
        .number("version", 0, u32::MAX.into())
        .map(|it| it as u32);
    query.finish()?;
    let auth = auth(&app)?;
    let before = find(auth, id).await?;
    let deleted = auth.accounts().delete_user(id, version).await;
    deleted.map_err(|error| known(error, id))?;
    let deed = Deed::new("delete", "user")
        .on(id.0, before.account.as_str())
        .before(&before);
    app.did(&caller, deed).await;
    Ok(NoContent)
}

/// Deletes many users, their sessions and their tokens, all or none.
#[utoipa::path(post, operation_id = "delete_users", path = "/api/v1/users/delete", tag = "users", request_body = DeleteBody, responses(
    (status = 200, body = Deleted),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`last_admin`, `stale`"),
))]
pub(super) async fn delete_many<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Deleted>, Problem> {
    let items = body.json::<DeleteBody>(&[]).await?.items(UserId)?;
    let accounts = auth(&app)?.accounts();
    let roles = role_names(accounts).await?;
    let mut before = Vec::with_capacity(items.len());
    for (id, _) in &items {
        let user = accounts.user(*id).await?;
        let user = user.ok_or_else(|| Problem::from(*id))?;
        before.push(UserDto::new(user, &roles));
    }
    accounts.delete_users(&items).await?;
    Ok(tell_deleted(&app, &caller, "user", &before, |it| (it.id, &it.account)).await)
}

/// Gives a user another password, which must be changed at the next sign-in. Its sessions end.
#[utoipa::path(put, operation_id = "set_user_password", path = "/api/v1/users/{id}/password", tag = "users", params(("id" = u64, Path)), request_body = NewPasswordBody, responses(
    (status = 200, body = UserDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`outside_user`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`weak_password`"),
))]
pub(super) async fn set_password<H: History, T: Transport>(
    id: UserId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<UserDto>, Problem> {
    let body: NewPasswordBody = body.optional_json().await?;
    let auth = auth(&app)?;
    let user = find(auth, id).await?;
    let (hash, told) = choose(auth, &user.account, body.password).await?;
    let set = auth
        .accounts()
        .set_password(id, &hash, app.clock.now())
        .await;
    set.map_err(|error| known(error, id))?;
    let deed = Deed::new("set_password", "user").on(id.0, user.account.as_str());
    app.did(&caller, deed).await;
    let mut user = find(auth, id).await?;
    user.one_time_password = told;
    Ok(Json(user))
}
