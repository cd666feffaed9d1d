//! Sessions and tokens: what proves who a caller is.

use std::fmt::Write as _;

use hcndc_core::{
    id::{TokenId, UserId},
    port::{
        AccountsError, ApiToken as TokenRow, Digest, Known, Page, Session, TokenDraft, TokenQuery,
    },
    time::Timestamp,
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::{
    Tried, or_refuse, unless_taken,
    users::{By, find, place, same_version, select_grants},
};
use crate::{
    SqlError, SqlStore,
    entity::{
        ApiToken, Reader, Role, SignIn, User, UserRole, UserSession, number, permission_text,
        search,
    },
    error::Doing as _,
    keyset::{Keyset, page},
};

fn digits(digest: Digest) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest.0 {
        // A text takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) async fn keep_sign_in(
    store: &SqlStore,
    digest: Digest,
    kept: &str,
    now: Timestamp,
    ends_at: Timestamp,
) -> Tried<()> {
    let doing = "keep a sign-in";
    let transaction = store.begin().await?;
    let over = Query::delete()
        .from_table(SignIn::Table)
        .and_where(Expr::col(SignIn::EndsAt).lte(now.as_micros()))
        .to_owned();
    transaction.execute(&over).await.doing(doing)?;
    let statement = Query::insert()
        .into_table(SignIn::Table)
        .columns([SignIn::Digest, SignIn::Kept, SignIn::EndsAt])
        .values_panic([
            digits(digest).into(),
            kept.into(),
            ends_at.as_micros().into(),
        ])
        .to_owned();
    or_refuse!(unless_taken(transaction.execute(&statement).await, doing)?);
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}

pub(super) async fn take_sign_in(
    store: &SqlStore,
    digest: Digest,
    now: Timestamp,
) -> Tried<Option<String>> {
    let doing = "take a sign-in";
    let transaction = store.begin().await?;
    let select = Query::select()
        .columns([SignIn::Kept, SignIn::EndsAt])
        .from(SignIn::Table)
        .and_where(Expr::col(SignIn::Digest).eq(digits(digest)))
        .to_owned();
    let Some(row) = transaction.query_one(&select).await.doing(doing)? else {
        return Ok(Ok(None));
    };
    let row = Reader::new("sign_in", &row);
    let (kept, ends_at) = (row.column::<String>("kept")?, row.time("ends_at")?);
    let statement = Query::delete()
        .from_table(SignIn::Table)
        .and_where(Expr::col(SignIn::Digest).eq(digits(digest)))
        .to_owned();
    let done = transaction.execute(&statement).await.doing(doing)?;
    transaction.commit().await.doing(doing)?;
    // Of two that come at once with the same, the one has it that takes the row away.
    let has_it = done.rows_affected() == 1 && now < ends_at;
    Ok(Ok(has_it.then_some(kept)))
}

pub(super) async fn start_session(
    store: &SqlStore,
    digest: Digest,
    session: &Session,
) -> Tried<()> {
    let doing = "begin a session";
    let transaction = store.begin().await?;
    let user = number("user", session.user.0)?;
    let over = Query::delete()
        .from_table(UserSession::Table)
        .and_where(Expr::col(UserSession::EndsAt).lt(session.started_at.as_micros()))
        .to_owned();
    transaction.execute(&over).await.doing(doing)?;
    let signed_in = Query::update()
        .table(User::Table)
        .value(User::SignedInAt, session.started_at.as_micros())
        .and_where(Expr::col(User::Id).eq(user))
        .and_where(Expr::col(User::Enabled).eq(true))
        .to_owned();
    let done = transaction.execute(&signed_in).await.doing(doing)?;
    if done.rows_affected() == 0 {
        return Ok(Err(AccountsError::Unknown));
    }
    let statement = Query::insert()
        .into_table(UserSession::Table)
        .columns([
            UserSession::Digest,
            UserSession::UserId,
            UserSession::StartedAt,
            UserSession::SeenAt,
            UserSession::EndsAt,
        ])
        .values_panic([
            digits(digest).into(),
            user.into(),
            session.started_at.as_micros().into(),
            session.seen_at.as_micros().into(),
            session.ends_at.as_micros().into(),
        ])
        .to_owned();
    or_refuse!(unless_taken(transaction.execute(&statement).await, doing)?);
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}

pub(super) async fn session(
    db: &DatabaseConnection,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<Known<Session>>, SqlError> {
    let select = Query::select()
        .columns([
            UserSession::UserId,
            UserSession::StartedAt,
            UserSession::SeenAt,
            UserSession::EndsAt,
        ])
        .from(UserSession::Table)
        .and_where(Expr::col(UserSession::Digest).eq(digits(digest)))
        .and_where(Expr::col(UserSession::EndsAt).gt(now.as_micros()))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a session")?;
    let Some(session) = row.as_ref().map(UserSession::read).transpose()? else {
        return Ok(None);
    };
    known(db, session.user, session).await
}

/// The user that a proof is of, if it is enabled, with its roles.
async fn known<P>(
    db: &DatabaseConnection,
    user: UserId,
    proof: P,
) -> Result<Option<Known<P>>, SqlError> {
    let Some((user, _)) = find(db, By::Id(user)).await? else {
        return Ok(None);
    };
    if !user.enabled {
        return Ok(None);
    }
    let select = select_grants()
        .and_where(Expr::col((UserRole::Table, UserRole::UserId)).eq(number("user", user.id.0)?))
        .order_by((Role::Table, Role::Name), sea_orm::Order::Asc)
        .to_owned();
    let rows = db.query_all(&select).await.doing("read a user's roles")?;
    let roles = rows.iter().map(Role::read).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Known {
        user,
        roles: roles.iter().map(|role| role.name.clone()).collect(),
        grants: roles.into_iter().map(|role| role.grant).collect(),
        proof,
    }))
}

pub(super) async fn see_session(store: &SqlStore, digest: Digest, now: Timestamp) -> Tried<()> {
    let statement = Query::update()
        .table(UserSession::Table)
        .value(UserSession::SeenAt, now.as_micros())
        .and_where(Expr::col(UserSession::Digest).eq(digits(digest)))
        .to_owned();
    let done = store.signs().execute(&statement).await;
    done.doing("say that a session was used").map(|_| Ok(()))
}

pub(super) async fn end_session(store: &SqlStore, digest: Digest) -> Tried<()> {
    let statement = Query::delete()
        .from_table(UserSession::Table)
        .and_where(Expr::col(UserSession::Digest).eq(digits(digest)))
        .to_owned();
    let done = store.signs().execute(&statement).await;
    done.doing("end a session").map(|_| Ok(()))
}

fn select_tokens() -> SelectStatement {
    let token = |column| (ApiToken::Table, column);
    Query::select()
        .columns(
            [
                ApiToken::Id,
                ApiToken::UserId,
                ApiToken::Name,
                ApiToken::Permissions,
                ApiToken::Version,
                ApiToken::CreatedAt,
                ApiToken::UpdatedAt,
                ApiToken::ExpiresAt,
                ApiToken::UsedAt,
            ]
            .map(token),
        )
        .column((User::Table, User::Account))
        .from(ApiToken::Table)
        .left_join(
            User::Table,
            Expr::col((User::Table, User::Id)).equals(token(ApiToken::UserId)),
        )
        .to_owned()
}

pub(super) async fn tokens(
    db: &DatabaseConnection,
    query: &TokenQuery,
) -> Result<Page<TokenRow>, SqlError> {
    let mut select = select_tokens();
    if let Some(user) = query.user {
        let user = number("user", user.0)?;
        select.and_where(Expr::col((ApiToken::Table, ApiToken::UserId)).eq(user));
    }
    crate::history::filter_text(&mut select, ApiToken::Search, &query.text);
    let (id, name, updated_at) = (ApiToken::Id, ApiToken::Name, ApiToken::UpdatedAt);
    Keyset::named(query.sort, id, name, updated_at).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list tokens")?;
    let tokens = rows.iter().map(ApiToken::read).collect::<Result<_, _>>()?;
    Ok(page(tokens, &query.page, |token: &TokenRow| {
        place(query.sort, token.id.0, &token.name, token.updated_at)
    }))
}

pub(super) async fn token(
    db: &impl ConnectionTrait,
    token: TokenId,
) -> Result<Option<TokenRow>, SqlError> {
    let Ok(id) = i64::try_from(token.0) else {
        return Ok(None);
    };
    let mut select = select_tokens();
    select.and_where(Expr::col((ApiToken::Table, ApiToken::Id)).eq(id));
    let row = db.query_one(&select).await.doing("read a token")?;
    row.as_ref().map(ApiToken::read).transpose()
}

pub(super) async fn find_token(
    db: &DatabaseConnection,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<Known<TokenRow>>, SqlError> {
    let mut select = select_tokens();
    select.and_where(Expr::col((ApiToken::Table, ApiToken::Digest)).eq(digits(digest)));
    let row = db.query_one(&select).await.doing("read a token")?;
    let Some(token) = row.as_ref().map(ApiToken::read).transpose()? else {
        return Ok(None);
    };
    if token.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    known(db, token.user, token).await
}

pub(super) async fn create_token(
    store: &SqlStore,
    digest: Digest,
    draft: &TokenDraft,
    now: Timestamp,
) -> Tried<TokenRow> {
    let doing = "make a token";
    let transaction = store.begin().await?;
    if find(&transaction, By::Id(draft.user)).await?.is_none() {
        return Ok(Err(AccountsError::Unknown));
    }
    let statement = Query::insert()
        .into_table(ApiToken::Table)
        .columns([
            ApiToken::Digest,
            ApiToken::UserId,
            ApiToken::Name,
            ApiToken::Search,
            ApiToken::Permissions,
            ApiToken::Version,
            ApiToken::CreatedAt,
            ApiToken::UpdatedAt,
            ApiToken::ExpiresAt,
        ])
        .values_panic([
            digits(digest).into(),
            number("user", draft.user.0)?.into(),
            draft.name.as_str().into(),
            Expr::val(search(&draft.name, "")),
            permission_text(&draft.permissions).into(),
            1_i64.into(),
            now.as_micros().into(),
            now.as_micros().into(),
            Expr::val(draft.expires_at.map(Timestamp::as_micros)),
        ])
        .to_owned();
    let done = or_refuse!(unless_taken(transaction.execute(&statement).await, doing)?);
    let made = token(&transaction, TokenId(done.last_insert_id())).await?;
    transaction.commit().await.doing(doing)?;
    Ok(made.ok_or(AccountsError::Unknown))
}

pub(super) async fn change_token(
    store: &SqlStore,
    id: TokenId,
    version: Option<u32>,
    draft: &TokenDraft,
    now: Timestamp,
) -> Tried<TokenRow> {
    let doing = "change a token";
    let transaction = store.begin().await?;
    let Some(old) = token(&transaction, id).await? else {
        return Ok(Err(AccountsError::Unknown));
    };
    or_refuse!(same_version(version, old.version));
    let statement = Query::update()
        .table(ApiToken::Table)
        .value(ApiToken::Name, draft.name.as_str())
        .value(ApiToken::Search, search(&draft.name, ""))
        .value(ApiToken::Permissions, permission_text(&draft.permissions))
        .value(ApiToken::Version, i64::from(old.version) + 1)
        .value(ApiToken::UpdatedAt, now.as_micros())
        .value(
            ApiToken::ExpiresAt,
            draft.expires_at.map(Timestamp::as_micros),
        )
        .and_where(Expr::col(ApiToken::Id).eq(number("token", id.0)?))
        .and_where(Expr::col(ApiToken::Version).eq(i64::from(old.version)))
        .to_owned();
    let done = transaction.execute(&statement).await.doing(doing)?;
    if done.rows_affected() == 0 {
        let current = old.version + 1;
        return Ok(Err(AccountsError::Stale { current }));
    }
    let made = token(&transaction, id).await?;
    transaction.commit().await.doing(doing)?;
    Ok(made.ok_or(AccountsError::Unknown))
}

pub(super) async fn delete_tokens(
    store: &SqlStore,
    tokens: &[(TokenId, Option<u32>)],
) -> Tried<()> {
    let doing = "end tokens";
    let transaction = store.begin().await?;
    for (id, version) in tokens {
        let Some(old) = token(&transaction, *id).await? else {
            return Ok(Err(AccountsError::Unknown));
        };
        or_refuse!(same_version(*version, old.version));
        let statement = Query::delete()
            .from_table(ApiToken::Table)
            .and_where(Expr::col(ApiToken::Id).eq(number("token", id.0)?))
            .to_owned();
        transaction.execute(&statement).await.doing(doing)?;
    }
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}

pub(super) async fn see_token(store: &SqlStore, token: TokenId, now: Timestamp) -> Tried<()> {
    let statement = Query::update()
        .table(ApiToken::Table)
        .value(ApiToken::UsedAt, now.as_micros())
        .and_where(Expr::col(ApiToken::Id).eq(number("token", token.0)?))
        .to_owned();
    let done = store.signs().execute(&statement).await;
    done.doing("say that a token was used").map(|_| Ok(()))
}
