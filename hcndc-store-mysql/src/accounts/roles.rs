//! Roles.

use hcndc_core::{
    id::RoleId,
    port::{AccountQuery, AccountsError, Page, Role as RoleRow, RoleDraft},
    time::Timestamp,
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction,
    sea_query::{Expr, ExprTrait as _, Query},
};

use super::{
    Tried, or_refuse, unless_taken,
    users::{is_administered, place, same_version, still_administered},
};
use crate::{
    SqlError, SqlStore,
    entity::{Reader, Role, User, UserRole, json, number, permission_text, search},
    error::Doing as _,
    keyset::{Keyset, page},
};

pub(super) const COLUMNS: [Role; 8] = [
    Role::Id,
    Role::Name,
    Role::Description,
    Role::Permissions,
    Role::Directories,
    Role::Version,
    Role::CreatedAt,
    Role::UpdatedAt,
];

pub(super) async fn list(
    db: &DatabaseConnection,
    query: &AccountQuery,
) -> Result<Page<RoleRow>, SqlError> {
    let mut select = Query::select()
        .columns(COLUMNS)
        .from(Role::Table)
        .to_owned();
    crate::history::filter_text(&mut select, Role::Search, &query.text);
    Keyset::named(query.sort, Role::Id, Role::Name, Role::UpdatedAt)
        .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list roles")?;
    let roles = rows.iter().map(Role::read).collect::<Result<_, _>>()?;
    Ok(page(roles, &query.page, |role: &RoleRow| {
        place(query.sort, role.id.0, &role.name, role.updated_at)
    }))
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    role: RoleId,
) -> Result<Option<RoleRow>, SqlError> {
    let Ok(id) = i64::try_from(role.0) else {
        return Ok(None);
    };
    let select = Query::select()
        .columns(COLUMNS)
        .from(Role::Table)
        .and_where(Expr::col(Role::Id).eq(id))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a role")?;
    row.as_ref().map(Role::read).transpose()
}

/// The role of this name.
pub(super) async fn named(
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<RoleRow>, SqlError> {
    let select = Query::select()
        .columns(COLUMNS)
        .from(Role::Table)
        .and_where(Expr::col(Role::Name).eq(name))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a role")?;
    row.as_ref().map(Role::read).transpose()
}

pub(super) async fn create(store: &SqlStore, draft: &RoleDraft, now: Timestamp) -> Tried<RoleRow> {
    let transaction = store.begin().await?;
    let made = or_refuse!(insert(&transaction, draft, now).await?);
    transaction.commit().await.doing("make a role")?;
    Ok(Ok(made))
}

pub(super) async fn insert(
    db: &DatabaseTransaction,
    draft: &RoleDraft,
    now: Timestamp,
) -> Tried<RoleRow> {
    let doing = "make a role";
    let statement = Query::insert()
        .into_table(Role::Table)
        .columns([
            Role::Name,
            Role::Description,
            Role::Search,
            Role::Permissions,
            Role::Directories,
            Role::Version,
            Role::CreatedAt,
            Role::UpdatedAt,
        ])
        .values_panic([
            draft.name.as_str().into(),
            draft.description.as_str().into(),
            Expr::val(search(&draft.name, &draft.description)),
            permission_text(&draft.grant.permissions).into(),
            Expr::val(json("role", &draft.grant.directories)?),
            1_i64.into(),
            now.as_micros().into(),
            now.as_micros().into(),
        ])
        .to_owned();
    let done = or_refuse!(unless_taken(db.execute(&statement).await, doing)?);
    let made = find(db, RoleId(done.last_insert_id())).await?;
    Ok(made.ok_or(AccountsError::Unknown))
}

pub(super) async fn change(
    store: &SqlStore,
    role: RoleId,
    version: Option<u32>,
    draft: &RoleDraft,
    now: Timestamp,
) -> Tried<RoleRow> {
    let transaction = store.begin().await?;
    let had = is_administered(&transaction).await?;
    let Some(old) = find(&transaction, role).await? else {
        return Ok(Err(AccountsError::Unknown));
    };
    or_refuse!(same_version(version, old.version));
    let made = or_refuse!(update(&transaction, &old, draft, now).await?);
    or_refuse!(still_administered(&transaction, had).await?);
    transaction.commit().await.doing("change a role")?;
    Ok(Ok(made))
}

pub(super) async fn update(
    db: &DatabaseTransaction,
    old: &RoleRow,
    draft: &RoleDraft,
    now: Timestamp,
) -> Tried<RoleRow> {
    let doing = "change a role";
    let statement = Query::update()
        .table(Role::Table)
        .value(Role::Name, draft.name.as_str())
        .value(Role::Description, draft.description.as_str())
        .value(Role::Search, search(&draft.name, &draft.description))
        .value(Role::Permissions, permission_text(&draft.grant.permissions))
        .value(Role::Directories, json("role", &draft.grant.directories)?)
        .value(Role::Version, i64::from(old.version) + 1)
        .value(Role::UpdatedAt, now.as_micros())
        .and_where(Expr::col(Role::Id).eq(number("role", old.id.0)?))
        .and_where(Expr::col(Role::Version).eq(i64::from(old.version)))
        .to_owned();
    let done = or_refuse!(unless_taken(db.execute(&statement).await, doing)?);
    if done.rows_affected() == 0 {
        let current = old.version + 1;
        return Ok(Err(AccountsError::Stale { current }));
    }
    let made = find(db, old.id).await?;
    Ok(made.ok_or(AccountsError::Unknown))
}

pub(super) async fn delete(store: &SqlStore, roles: &[(RoleId, Option<u32>)]) -> Tried<()> {
    let doing = "delete roles";
    let transaction = store.begin().await?;
    for (role, version) in roles {
        let Some(old) = find(&transaction, *role).await? else {
            return Ok(Err(AccountsError::Unknown));
        };
        or_refuse!(same_version(*version, old.version));
        let id = number("role", role.0)?;
        let select = Query::select()
            .column((User::Table, User::Account))
            .from(UserRole::Table)
            .inner_join(
                User::Table,
                Expr::col((User::Table, User::Id)).equals((UserRole::Table, UserRole::UserId)),
            )
            .and_where(Expr::col((UserRole::Table, UserRole::RoleId)).eq(id))
            .order_by((User::Table, User::Account), sea_orm::Order::Asc)
            .to_owned();
        let rows = transaction.query_all(&select).await.doing(doing)?;
        let accounts = rows
            .iter()
            .map(|row| Reader::new("user", row).column("account"))
            .collect::<Result<Vec<String>, _>>()?;
        if !accounts.is_empty() {
            return Ok(Err(AccountsError::InUse { accounts }));
        }
        let statement = Query::delete()
            .from_table(Role::Table)
            .and_where(Expr::col(Role::Id).eq(id))
            .to_owned();
        transaction.execute(&statement).await.doing(doing)?;
    }
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}
