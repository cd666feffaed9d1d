//! Roles and users by their names, all or none: what an import brings.

use std::collections::BTreeMap;

use hcndc_core::{
    id::RoleId,
    port::{
        AccountsDone, AccountsError, AccountsPut, Origin, PutDone, Role, RoleDraft, User,
        UserDraft, UserPut,
    },
    time::Timestamp,
};
use sea_orm::DatabaseTransaction;

use super::{
    Tried, or_refuse, roles,
    users::{self, By, is_administered, still_administered},
};
use crate::{SqlStore, error::Doing as _};

pub(super) async fn put(
    store: &SqlStore,
    put: &AccountsPut,
    dry_run: bool,
    now: Timestamp,
) -> Tried<AccountsDone> {
    let transaction = store.begin().await?;
    let had = is_administered(&transaction).await?;
    let mut done = AccountsDone::default();
    for draft in &put.roles {
        let role = or_refuse!(put_role(&transaction, draft, now).await?);
        done.roles.push(role);
    }
    let mut names = BTreeMap::new();
    for wanted in &put.users {
        let roles = or_refuse!(ids(&transaction, wanted, &mut names).await?);
        let (user, may_sign_in) = or_refuse!(put_user(&transaction, wanted, roles, now).await?);
        if !may_sign_in {
            done.without_password.push(user.after.account.clone());
        }
        done.users.push(user);
    }
    or_refuse!(still_administered(&transaction, had).await?);
    let doing = "put roles and users";
    match dry_run {
        true => transaction.rollback().await.doing(doing)?,
        false => transaction.commit().await.doing(doing)?,
    }
    Ok(Ok(done))
}

async fn put_role(
    db: &DatabaseTransaction,
    draft: &RoleDraft,
    now: Timestamp,
) -> Tried<PutDone<Role>> {
    let before = roles::named(db, &draft.name).await?;
    let after = match &before {
        None => or_refuse!(roles::insert(db, draft, now).await?),
        Some(old) if old.description == draft.description && old.grant == draft.grant => {
            old.clone()
        }
        Some(old) => or_refuse!(roles::update(db, old, draft, now).await?),
    };
    Ok(Ok(PutDone { before, after }))
}

/// The ids of a user's roles, in order; names that were met are kept in `known`.
async fn ids(
    db: &DatabaseTransaction,
    user: &UserPut,
    known: &mut BTreeMap<String, RoleId>,
) -> Tried<Vec<RoleId>> {
    let mut ids = Vec::new();
    for name in &user.roles {
        let id = match known.get(name) {
            Some(id) => *id,
            None => {
                let Some(role) = roles::named(db, name).await? else {
                    return Ok(Err(AccountsError::UnknownRoleName {
                        account: user.account.clone(),
                        role: name.clone(),
                    }));
                };
                known.insert(name.clone(), role.id);
                role.id
            }
        };
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Ok(ids))
}

/// The user, and whether it can sign in: by a password, or elsewhere.
async fn put_user(
    db: &DatabaseTransaction,
    wanted: &UserPut,
    roles: Vec<RoleId>,
    now: Timestamp,
) -> Tried<(PutDone<User>, bool)> {
    let draft = UserDraft {
        account: wanted.account.clone(),
        name: wanted.name.clone(),
        enabled: wanted.enabled,
        roles,
        origin: wanted.origin,
        subject: None,
    };
    let by = || By::Account(&wanted.account);
    let Some((old, password)) = users::find(db, by()).await? else {
        let made = users::insert(db, &draft, wanted.password.as_ref(), now).await?;
        let (before, after) = (None, or_refuse!(made));
        let may_sign_in = wanted.password.is_some() || wanted.origin != Origin::Local;
        return Ok(Ok((PutDone { before, after }, may_sign_in)));
    };
    let is_same = (&old.name, old.enabled, &old.roles, old.origin)
        == (&draft.name, draft.enabled, &draft.roles, draft.origin);
    if !is_same {
        or_refuse!(users::update(db, &old, &draft, now).await?);
    }
    if let Some(new) = &wanted.password
        && password.as_ref() != Some(new)
    {
        or_refuse!(users::update_password(db, old.id, new, now).await?);
    }
    let Some((after, password)) = users::find(db, by()).await? else {
        return Ok(Err(AccountsError::Unknown));
    };
    let before = Some(old);
    let may_sign_in = password.is_some() || after.origin != Origin::Local;
    Ok(Ok((PutDone { before, after }, may_sign_in)))
}
