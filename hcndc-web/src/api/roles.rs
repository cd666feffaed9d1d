//! `/roles`: what users may do, and where.

use std::{collections::BTreeSet, sync::Arc};

use hcndc_core::{
    id::RoleId,
    model::DefinitionError,
    port::{AccountQuery, Clock as _, Grant, History, Permission, Role, RoleDraft, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::{Filter as _, http::Method};

use super::{
    body::Body,
    caller::Caller,
    definition::retry_stale,
    many::{DeleteBody, Deleted, tell_deleted},
    needs::ADMIN,
    page::{Asked, NAMED, PageDto},
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    route::{
        Created, HandedTo as _, Json, NoContent, Route, at, at_id, body, caller, having, query,
    },
    trail::Deed,
    users::{auth, known},
};
use crate::{app::App, auth::Auth};

const ROLES: &str = "/api/v1/roles";
const ROLE: &str = "/api/v1/roles/{id}";
const DELETE: &str = "/api/v1/roles/delete";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = at_id::<RoleId>(ROLE).and(app.clone());
    let change = one.clone().and(caller()).and(body());
    vec![
        Route::get(
            ROLES,
            ADMIN,
            at(ROLES).and(app.clone()).and(query()).handed_to(list),
        ),
        Route::post(
            ROLES,
            ADMIN,
            at(ROLES)
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
                .and(app)
                .and(caller())
                .and(body())
                .handed_to(delete_many),
        )
        .by_any(),
        Route::get(ROLE, ADMIN, one.clone().handed_to(detail)),
        Route::new(Method::PUT, ROLE, ADMIN, change.clone().handed_to(replace)).by_any(),
        Route::new(Method::PATCH, ROLE, ADMIN, change.handed_to(patch)).by_any(),
        Route::new(
            Method::DELETE,
            ROLE,
            ADMIN,
            one.and(caller()).and(query()).handed_to(delete),
        )
        .by_any(),
    ]
}

/// One thing that a role may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Permission)]
pub(super) enum PermissionDto {
    /// See all that there is, but for users and what people did.
    Read,
    /// Change definitions.
    Write,
    /// Start, stop and settle executions.
    Execute,
    /// Pause, resume and run schedules, and backfill.
    Schedule,
    /// Change executors, users, roles and others' tokens, and see what people did.
    Admin,
}

impl From<Permission> for PermissionDto {
    fn from(permission: Permission) -> Self {
        match permission {
            Permission::Read => Self::Read,
            Permission::Write => Self::Write,
            Permission::Execute => Self::Execute,
            Permission::Schedule => Self::Schedule,
            Permission::Admin => Self::Admin,
        }
    }
}

impl From<PermissionDto> for Permission {
    fn from(permission: PermissionDto) -> Self {
        match permission {
            PermissionDto::Read => Self::Read,
            PermissionDto::Write => Self::Write,
            PermissionDto::Execute => Self::Execute,
            PermissionDto::Schedule => Self::Schedule,
            PermissionDto::Admin => Self::Admin,
        }
    }
}

/// Permissions in their order, each once.
pub(super) fn sorted(permissions: &[PermissionDto]) -> Vec<Permission> {
    let all = permissions.iter().copied().map(Permission::from);
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A role as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleBody, example = json!({"name": "retail", "permissions": ["read", "execute"], "directories": ["/retail"]}))]
pub(super) struct RoleBody {
    /// Unique name.
    name: String,
    /// Text for people.
    #[serde(default)]
    description: String,
    /// What it allows.
    #[serde(default)]
    permissions: Vec<PermissionDto>,
    /// Where definitions may be changed and flows run by it; empty for everywhere. `read` is not limited by it, and `admin`
    /// counts only in a role without directories.
    #[serde(default)]
    directories: Vec<String>,
    /// For changes: refused unless the role is at this version.
    #[serde(default, skip_serializing)]
    version: Option<u32>,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(super) struct RoleDto {
    /// Its id, for ever.
    id: u64,
    #[serde(flatten)]
    body: RoleBody,
    /// Grows with each change.
    #[serde(rename = "version")]
    revision: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed.
    updated_at: String,
}

impl From<Role> for RoleDto {
    fn from(role: Role) -> Self {
        let permissions = role.grant.permissions.into_iter();
        Self {
            id: role.id.0,
            body: RoleBody {
                name: role.name,
                description: role.description,
                permissions: permissions.map(PermissionDto::from).collect(),
                directories: role.grant.directories,
                version: None,
            },
            revision: role.version,
            created_at: role.created_at.to_string(),
            updated_at: role.updated_at.to_string(),
        }
    }
}

impl RoleBody {
    fn draft(&self) -> Result<RoleDraft, Problem> {
        let mut blames = Vec::new();
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
            let error = BlameError::Definition(DefinitionError::BadName);
            blames.push(Blame::of("name", error));
        }
        for (at, directory) in self.directories.iter().enumerate() {
            if !directory.starts_with('/') {
                let error = BlameError::Definition(DefinitionError::BadDirectory);
                blames.push(Blame::of(format!("directories[{at}]"), error));
            }
        }
        if !blames.is_empty() {
            return Err(Problem::BadBody(blames));
        }
        Ok(RoleDraft {
            name: name.to_owned(),
            description: self.description.clone(),
            grant: Grant {
                permissions: sorted(&self.permissions),
                directories: self.directories.clone(),
            },
        })
    }
}

async fn find(auth: &Auth, id: RoleId) -> Result<RoleDto, Problem> {
    let role = auth.accounts().role(id).await?;
    role.map(RoleDto::from).ok_or_else(|| Problem::from(id))
}

/// Lists roles.
#[utoipa::path(get, operation_id = "list_roles", path = "/api/v1/roles", tag = "users", params(
    ("text" = Option<String>, Query, description = "Name or description holds this"),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at`; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<RoleDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<RoleDto>>, Problem> {
    let asked = Asked::of(&mut query, &NAMED);
    let wanted = AccountQuery {
        text: query.text("text").unwrap_or_default(),
        sort: asked.by,
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = auth(&app)?.accounts().roles(&wanted).await?;
    Ok(Json(asked.tell(page, RoleDto::from)))
}

/// Makes a role.
#[utoipa::path(post, operation_id = "create_role", path = "/api/v1/roles", tag = "users", request_body = RoleBody, responses(
    (status = 201, body = RoleDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`name_taken`"),
))]
pub(super) async fn create<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Created<RoleDto>, Problem> {
    let body: RoleBody = body.json(&["name"]).await?;
    let draft = body.draft()?;
    let now = app.clock.now();
    let made = auth(&app)?.accounts().create_role(&draft, now).await?;
    let made = RoleDto::from(made);
    let deed = Deed::new("create", "role")
        .on(made.id, made.body.name.as_str())
        .after(&made);
    app.did(&caller, deed).await;
    Ok(Created {
        location: format!("{ROLES}/{}", made.id),
        body: made,
    })
}

/// Tells one role.
#[utoipa::path(get, operation_id = "find_role", path = "/api/v1/roles/{id}", tag = "users", params(("id" = u64, Path)), responses(
    (status = 200, body = RoleDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn detail<H: History, T: Transport>(
    id: RoleId,
    app: Arc<App<H, T>>,
) -> Result<Json<RoleDto>, Problem> {
    find(auth(&app)?, id).await.map(Json)
}

/// Replaces a role: what the body does not say goes back to its default.
#[utoipa::path(put, operation_id = "replace_role", path = "/api/v1/roles/{id}", tag = "users", params(("id" = u64, Path)), request_body = RoleBody, responses(
    (status = 200, body = RoleDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `last_admin`"),
))]
pub(super) async fn replace<H: History, T: Transport>(
    id: RoleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<RoleDto>, Problem> {
    let body: RoleBody = body.json(&["name"]).await?;
    put(&app, &caller, id, &body).await.map(Json)
}

/// Changes a role: a JSON merge patch (RFC 7396).
#[utoipa::path(patch, operation_id = "patch_role", path = "/api/v1/roles/{id}", tag = "users", params(("id" = u64, Path)),
    request_body(content = RoleBody, content_type = "application/merge-patch+json"), responses(
    (status = 200, body = RoleDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`, `name_taken`, `last_admin`"),
))]
pub(super) async fn patch<H: History, T: Transport>(
    id: RoleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<RoleDto>, Problem> {
    let patch = body.patch().await?;
    retry_stale(patch.names("version"), || async {
        let old = find(auth(&app)?, id).await?;
        let mut new: RoleBody = patch.apply(&old.body, &["name"])?;
        new.version = new.version.or(Some(old.revision));
        put(&app, &caller, id, &new).await.map(drop)
    })
    .await?;
    find(auth(&app)?, id).await.map(Json)
}

async fn put<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    id: RoleId,
    body: &RoleBody,
) -> Result<RoleDto, Problem> {
    let auth = auth(app)?;
    let draft = body.draft()?;
    let before = find(auth, id).await?;
    let now = app.clock.now();
    let changed = auth
        .accounts()
        .change_role(id, body.version, &draft, now)
        .await;
    let after = RoleDto::from(changed.map_err(|error| known(error, id))?);
    let deed = Deed::new("change", "role")
        .on(id.0, after.body.name.as_str())
        .before(&before)
        .after(&after);
    app.did(caller, deed).await;
    Ok(after)
}

/// Deletes a role that no user has.
#[utoipa::path(delete, operation_id = "delete_role", path = "/api/v1/roles/{id}", tag = "users", params(
    ("id" = u64, Path),
    ("version" = Option<u32>, Query, description = "Refused unless it is at this version"),
), responses(
    (status = 204),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use`, `stale`"),
))]
pub(super) async fn delete<H: History, T: Transport>(
    id: RoleId,
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
    let deleted = auth.accounts().delete_role(id, version).await;
    deleted.map_err(|error| known(error, id))?;
    let deed = Deed::new("delete", "role")
        .on(id.0, before.body.name.as_str())
        .before(&before);
    app.did(&caller, deed).await;
    Ok(NoContent)
}

/// Deletes many roles that no user has, all or none.
#[utoipa::path(post, operation_id = "delete_roles", path = "/api/v1/roles/delete", tag = "users", request_body = DeleteBody, responses(
    (status = 200, body = Deleted),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`in_use`, `stale`"),
))]
pub(super) async fn delete_many<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Deleted>, Problem> {
    let items = body.json::<DeleteBody>(&[]).await?.items(RoleId)?;
    let auth = auth(&app)?;
    let mut before = Vec::with_capacity(items.len());
    for (id, _) in &items {
        before.push(find(auth, *id).await?);
    }
    auth.accounts().delete_roles(&items).await?;
    Ok(tell_deleted(&app, &caller, "role", &before, |it| (it.id, &it.body.name)).await)
}
