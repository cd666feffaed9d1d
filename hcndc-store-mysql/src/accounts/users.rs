//! Users, and the roles that they have.

use std::collections::BTreeMap;

use hcndc_core::{
    id::{RoleId, UserId},
    port::{
        AccountQuery, AccountsError, Cursor, CursorValue, Grant, NamedSort, Origin, Page,
        PasswordHash, Permission, User as UserRow, UserDraft,
    },
    time::Timestamp,
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction,
    sea_query::{Expr, ExprTrait as _, LockType, Query, SelectStatement},
};

use super::{Tried, or_refuse, roles, unless_taken};
use crate::{
    SqlError, SqlStore,
    entity::{ApiToken, Reader, Role, User, UserRole, UserSession, number, search},
    error::Doing as _,
    keyset::{Keyset, page},
};

/// What a user is found by.
pub(super) enum By<'a> {
    Id(UserId),
    Account(&'a str),
    Subject(Origin, &'a str),
}

fn select() -> SelectStatement {
    Query::select()
        .columns([
            User::Id,
            User::Account,
            User::Name,
            User::Enabled,
            User::PasswordHash,
            User::MustChangePassword,
            User::Version,
            User::CreatedAt,
            User::UpdatedAt,
            User::SignedInAt,
            User::Origin,
            User::Subject,
        ])
        .from(User::Table)
        .to_owned()
}

pub(super) async fn list(
    db: &DatabaseConnection,
    query: &AccountQuery,
) -> Result<Page<UserRow>, SqlError> {
    let mut select = select();
    crate::history::filter_text(&mut select, User::Search, &query.text);
    Keyset::named(query.sort, User::Id, User::Account, User::UpdatedAt)
        .restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list users")?;
    let users = rows.iter().map(|row| User::read(row).map(|(user, _)| user));
    let mut users: Vec<_> = users.collect::<Result<_, _>>()?;
    add_roles(db, &mut users).await?;
    Ok(page(users, &query.page, |user: &UserRow| {
        place(query.sort, user.id.0, &user.account, user.updated_at)
    }))
}

/// A place in a list of users or of roles.
pub(super) fn place(sort: NamedSort, id: u64, name: &str, updated_at: Timestamp) -> Cursor {
    let value = match sort {
        NamedSort::Id => CursorValue::Id,
        NamedSort::Name => CursorValue::Text(name.into()),
        NamedSort::UpdatedAt => CursorValue::Micros(updated_at.as_micros()),
    };
    Cursor { value, id }
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    by: By<'_>,
) -> Result<Option<(UserRow, Option<PasswordHash>)>, SqlError> {
    let mut select = select();
    match by {
        By::Id(user) => match i64::try_from(user.0) {
            Ok(id) => select.and_where(Expr::col(User::Id).eq(id)),
            Err(_) => return Ok(None),
        },
        By::Account(account) => select.and_where(Expr::col(User::Account).eq(account)),
        By::Subject(origin, subject) => select
            .and_where(Expr::col(User::Origin).eq(origin.as_str()))
            .and_where(Expr::col(User::Subject).eq(subject)),
    };
    let Some(row) = db.query_one(&select).await.doing("read a user")? else {
        return Ok(None);
    };
    let (user, password) = User::read(&row)?;
    let mut users = [user];
    add_roles(db, &mut users).await?;
    let [user] = users;
    Ok(Some((user, password)))
}

async fn add_roles(db: &impl ConnectionTrait, users: &mut [UserRow]) -> Result<(), SqlError> {
    if users.is_empty() {
        return Ok(());
    }
    let ids: Result<Vec<i64>, _> = users.iter().map(|it| number("user", it.id.0)).collect();
    let select = Query::select()
        .columns([UserRole::UserId, UserRole::RoleId])
        .from(UserRole::Table)
        .and_where(Expr::col(UserRole::UserId).is_in(ids?))
        .order_by(UserRole::RoleId, sea_orm::Order::Asc)
        .to_owned();
    let mut by_user: BTreeMap<u64, Vec<RoleId>> = BTreeMap::new();
    for row in db.query_all(&select).await.doing("read users' roles")? {
        let row = Reader::new("user_role", &row);
        let roles = by_user.entry(row.number("user_id")?).or_default();
        roles.push(RoleId(row.number("role_id")?));
    }
    for user in users {
        user.roles = by_user.remove(&user.id.0).unwrap_or_default();
    }
    Ok(())
}

pub(super) async fn create(
    store: &SqlStore,
    draft: &UserDraft,
    password: Option<&PasswordHash>,
    now: Timestamp,
) -> Tried<UserRow> {
    let transaction = store.begin().await?;
    let made = or_refuse!(insert(&transaction, draft, password, now).await?);
    transaction.commit().await.doing("make a user")?;
    Ok(Ok(made))
}

pub(super) async fn insert(
    db: &DatabaseTransaction,
    draft: &UserDraft,
    password: Option<&PasswordHash>,
    now: Timestamp,
) -> Tried<UserRow> {
    let doing = "make a user";
    if password.is_some() && draft.origin != Origin::Local {
        return Ok(Err(AccountsError::Outside));
    }
    let statement = Query::insert()
        .into_table(User::Table)
        .columns([
            User::Account,
            User::Name,
            User::Search,
            User::Enabled,
            User::PasswordHash,
            User::MustChangePassword,
            User::Version,
            User::CreatedAt,
            User::UpdatedAt,
            User::Origin,
            User::Subject,
        ])
        .values_panic([
            draft.account.as_str().into(),
            draft.name.as_str().into(),
            Expr::val(search(&draft.account, &draft.name)),
            draft.enabled.into(),
            Expr::val(password.map(|it| it.phc.as_str())),
            password.is_some_and(|it| it.must_change).into(),
            1_i64.into(),
            now.as_micros().into(),
            now.as_micros().into(),
            draft.origin.as_str().into(),
            Expr::val(draft.subject.as_deref()),
        ])
        .to_owned();
    let done = or_refuse!(unless_taken(db.execute(&statement).await, doing)?);
    let user = UserId(done.last_insert_id());
    or_refuse!(give_roles(db, user, &draft.roles).await?);
    let made = find(db, By::Id(user)).await?;
    Ok(made.map(|(user, _)| user).ok_or(AccountsError::Unknown))
}

/// Gives a user these roles and no others.
async fn give_roles(db: &DatabaseTransaction, user: UserId, roles: &[RoleId]) -> Tried<()> {
    let doing = "give a user roles";
    let id = number("user", user.0)?;
    let statement = Query::delete()
        .from_table(UserRole::Table)
        .and_where(Expr::col(UserRole::UserId).eq(id))
        .to_owned();
    db.execute(&statement).await.doing(doing)?;
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    for role in roles {
        if roles::find(db, role).await?.is_none() {
            return Ok(Err(AccountsError::UnknownRole { role }));
        }
        let statement = Query::insert()
            .into_table(UserRole::Table)
            .columns([UserRole::UserId, UserRole::RoleId])
            .values_panic([id.into(), number("role", role.0)?.into()])
            .to_owned();
        db.execute(&statement).await.doing(doing)?;
    }
    Ok(Ok(()))
}

pub(super) async fn change(
    store: &SqlStore,
    user: UserId,
    version: Option<u32>,
    draft: &UserDraft,
    now: Timestamp,
) -> Tried<UserRow> {
    let transaction = store.begin().await?;
    let had = is_administered(&transaction).await?;
    let Some((old, _)) = find(&transaction, By::Id(user)).await? else {
        return Ok(Err(AccountsError::Unknown));
    };
    or_refuse!(same_version(version, old.version));
    let made = or_refuse!(update(&transaction, &old, draft, now).await?);
    or_refuse!(still_administered(&transaction, had).await?);
    transaction.commit().await.doing("change a user")?;
    Ok(Ok(made))
}

pub(super) async fn update(
    db: &DatabaseTransaction,
    old: &UserRow,
    draft: &UserDraft,
    now: Timestamp,
) -> Tried<UserRow> {
    let (doing, user) = ("change a user", old.id);
    let is_moved = draft.origin != old.origin;
    let subject = match is_moved {
        true => draft.subject.clone(),
        false => draft.subject.clone().or_else(|| old.subject.clone()),
    };
    let mut statement = Query::update();
    statement
        .table(User::Table)
        .value(User::Account, draft.account.as_str())
        .value(User::Name, draft.name.as_str())
        .value(User::Search, search(&draft.account, &draft.name))
        .value(User::Enabled, draft.enabled)
        .value(User::Origin, draft.origin.as_str())
        .value(User::Subject, subject)
        .value(User::Version, i64::from(old.version) + 1)
        .value(User::UpdatedAt, now.as_micros())
        .and_where(Expr::col(User::Id).eq(number("user", user.0)?))
        .and_where(Expr::col(User::Version).eq(i64::from(old.version)));
    if is_moved {
        // Whoever is vouched for by another has to prove it there.
        statement
            .value(User::PasswordHash, None::<String>)
            .value(User::MustChangePassword, false);
    }
    let done = or_refuse!(unless_taken(db.execute(&statement).await, doing)?);
    if done.rows_affected() == 0 {
        let current = old.version + 1;
        return Ok(Err(AccountsError::Stale { current }));
    }
    or_refuse!(give_roles(db, user, &draft.roles).await?);
    if !draft.enabled || is_moved {
        end_sessions(db, user).await?;
    }
    let made = find(db, By::Id(user)).await?;
    Ok(made.map(|(user, _)| user).ok_or(AccountsError::Unknown))
}

/// Whether a version that was asked for is the one that there is.
pub(super) fn same_version(asked: Option<u32>, current: u32) -> Result<(), AccountsError> {
    match asked {
        Some(asked) if asked != current => Err(AccountsError::Stale { current }),
        Some(_) | None => Ok(()),
    }
}

pub(super) async fn delete(store: &SqlStore, users: &[(UserId, Option<u32>)]) -> Tried<()> {
    let doing = "delete users";
    let transaction = store.begin().await?;
    let had = is_administered(&transaction).await?;
    for (user, version) in users {
        let Some((old, _)) = find(&transaction, By::Id(*user)).await? else {
            return Ok(Err(AccountsError::Unknown));
        };
        or_refuse!(same_version(*version, old.version));
        let id = number("user", user.0)?;
        end_sessions(&transaction, *user).await?;
        for statement in [
            Query::delete()
                .from_table(ApiToken::Table)
                .and_where(Expr::col(ApiToken::UserId).eq(id))
                .to_owned(),
            Query::delete()
                .from_table(UserRole::Table)
                .and_where(Expr::col(UserRole::UserId).eq(id))
                .to_owned(),
            Query::delete()
                .from_table(User::Table)
                .and_where(Expr::col(User::Id).eq(id))
                .to_owned(),
        ] {
            transaction.execute(&statement).await.doing(doing)?;
        }
    }
    or_refuse!(still_administered(&transaction, had).await?);
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}

pub(super) async fn set_password(
    store: &SqlStore,
    user: UserId,
    password: &PasswordHash,
    now: Timestamp,
) -> Tried<()> {
    let transaction = store.begin().await?;
    or_refuse!(update_password(&transaction, user, password, now).await?);
    transaction.commit().await.doing("set a password")?;
    Ok(Ok(()))
}

pub(super) async fn update_password(
    db: &DatabaseTransaction,
    user: UserId,
    password: &PasswordHash,
    now: Timestamp,
) -> Tried<()> {
    let doing = "set a password";
    match find(db, By::Id(user)).await? {
        None => return Ok(Err(AccountsError::Unknown)),
        Some((user, _)) if user.origin != Origin::Local => {
            return Ok(Err(AccountsError::Outside));
        }
        Some(_) => {}
    }
    let statement = Query::update()
        .table(User::Table)
        .value(User::PasswordHash, password.phc.as_str())
        .value(User::MustChangePassword, password.must_change)
        .value(User::Version, Expr::col(User::Version).add(1_i64))
        .value(User::UpdatedAt, now.as_micros())
        .and_where(Expr::col(User::Id).eq(number("user", user.0)?))
        .to_owned();
    let done = db.execute(&statement).await.doing(doing)?;
    if done.rows_affected() == 0 {
        return Ok(Err(AccountsError::Unknown));
    }
    end_sessions(db, user).await?;
    Ok(Ok(()))
}

async fn end_sessions(db: &DatabaseTransaction, user: UserId) -> Result<(), SqlError> {
    let statement = Query::delete()
        .from_table(UserSession::Table)
        .and_where(Expr::col(UserSession::UserId).eq(number("user", user.0)?))
        .to_owned();
    let done = db.execute(&statement).await;
    done.doing("end a user's sessions").map(drop)
}

/// Whether somebody may administer everywhere. The rows stay locked: two changes that each take one of the last two away
/// come one after the other.
pub(super) async fn is_administered(db: &DatabaseTransaction) -> Result<bool, SqlError> {
    let select = select_grants()
        .and_where(Expr::col((User::Table, User::Enabled)).eq(true))
        .lock(LockType::Update)
        .to_owned();
    let rows = db
        .query_all(&select)
        .await
        .doing("look for administrators")?;
    let grants = rows
        .iter()
        .map(|row| Role::read(row).map(|role| role.grant));
    let grants: Vec<Grant> = grants.collect::<Result<_, _>>()?;
    let administers = |it: &Grant| it.directories.is_empty() && it.allows(Permission::Admin);
    Ok(grants.iter().any(administers))
}

/// That a change leaves somebody who may administer, if there was one.
pub(super) async fn still_administered(db: &DatabaseTransaction, had: bool) -> Tried<()> {
    if had && !is_administered(db).await? {
        return Ok(Err(AccountsError::LastAdmin));
    }
    Ok(Ok(()))
}

/// Roles of users.
pub(super) fn select_grants() -> SelectStatement {
    let role = |column| (Role::Table, column);
    Query::select()
        .columns(roles::COLUMNS.map(role))
        .from(UserRole::Table)
        .inner_join(
            Role::Table,
            Expr::col(role(Role::Id)).equals((UserRole::Table, UserRole::RoleId)),
        )
        .inner_join(
            User::Table,
            Expr::col((User::Table, User::Id)).equals((UserRole::Table, UserRole::UserId)),
        )
        .to_owned()
}
