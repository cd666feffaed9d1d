//! Roles and users of a mesh file, and of a store.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    id::RoleId,
    port::{
        AccountQuery, Accounts, AccountsError, AccountsPut, Direction, Grant, NamedSort, Origin,
        PageRequest, PasswordHash, Permission, Role, RoleDraft, User, UserPut,
    },
};

use super::{MeshFile, MeshOrigin, MeshPermission, MeshRole, MeshUser};

/// What a file says of roles and users, to be put.
#[must_use]
pub fn accounts_of(file: &MeshFile) -> AccountsPut {
    let role = |it: &MeshRole| {
        let permissions = it.permissions.iter().map(|it| Permission::from(*it));
        RoleDraft {
            name: it.name.clone(),
            description: it.description.clone().unwrap_or_default(),
            grant: Grant {
                permissions: permissions.collect::<BTreeSet<_>>().into_iter().collect(),
                directories: it.directories.clone(),
            },
        }
    };
    let user = |it: &MeshUser| UserPut {
        account: it.account.clone(),
        name: it.name.clone().unwrap_or_default(),
        enabled: it.enabled,
        roles: it.roles.clone(),
        origin: it.origin.into(),
        password: it.password_hash.as_ref().map(|phc| PasswordHash {
            phc: phc.clone(),
            must_change: it.must_change_password,
        }),
    };
    AccountsPut {
        roles: file.roles.iter().map(role).collect(),
        users: file.users.iter().map(user).collect(),
    }
}

/// Puts all roles and users of a store into a file, by name; hashes of passwords only if they are asked for.
///
/// # Errors
/// What the store says.
pub async fn add_accounts(
    accounts: &dyn Accounts,
    passwords: bool,
    file: &mut MeshFile,
) -> Result<(), AccountsError> {
    let roles = all_roles(accounts).await?;
    let names: BTreeMap<RoleId, &str> = roles.iter().map(|it| (it.id, &*it.name)).collect();
    for user in all_users(accounts).await? {
        let password = match passwords {
            true => accounts.find_user(&user.account).await?,
            false => None,
        };
        let password = password.and_then(|(_, password)| password);
        let roles = user.roles.iter().filter_map(|role| names.get(role));
        file.users.push(MeshUser {
            name: Some(user.name).filter(|name| !name.is_empty()),
            enabled: user.enabled,
            roles: roles.map(|name| (*name).to_owned()).collect(),
            origin: user.origin.into(),
            must_change_password: password.as_ref().is_some_and(|it| it.must_change),
            password_hash: password.map(|it| it.phc),
            account: user.account,
        });
    }
    file.roles.extend(roles.into_iter().map(|role| MeshRole {
        name: role.name,
        description: Some(role.description).filter(|text| !text.is_empty()),
        permissions: role.grant.permissions.into_iter().map(From::from).collect(),
        directories: role.grant.directories,
    }));
    Ok(())
}

fn by_name() -> AccountQuery {
    AccountQuery {
        text: String::new(),
        sort: NamedSort::Name,
        page: PageRequest {
            after: None,
            limit: 1_000,
            direction: Direction::Ascending,
        },
    }
}

/// All roles, by name.
pub(crate) async fn all_roles(accounts: &dyn Accounts) -> Result<Vec<Role>, AccountsError> {
    let (mut all, mut query) = (Vec::new(), by_name());
    loop {
        let page = accounts.roles(&query).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.page.after = Some(next),
            None => return Ok(all),
        }
    }
}

/// All users, by account.
pub(crate) async fn all_users(accounts: &dyn Accounts) -> Result<Vec<User>, AccountsError> {
    let (mut all, mut query) = (Vec::new(), by_name());
    loop {
        let page = accounts.users(&query).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.page.after = Some(next),
            None => return Ok(all),
        }
    }
}

impl From<MeshOrigin> for Origin {
    fn from(origin: MeshOrigin) -> Self {
        match origin {
            MeshOrigin::Local => Self::Local,
            MeshOrigin::Ldap => Self::Ldap,
            MeshOrigin::Oidc => Self::Oidc,
        }
    }
}

impl From<Origin> for MeshOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Local => Self::Local,
            Origin::Ldap => Self::Ldap,
            Origin::Oidc => Self::Oidc,
        }
    }
}

impl From<MeshPermission> for Permission {
    fn from(permission: MeshPermission) -> Self {
        match permission {
            MeshPermission::Read => Self::Read,
            MeshPermission::Write => Self::Write,
            MeshPermission::Execute => Self::Execute,
            MeshPermission::Schedule => Self::Schedule,
            MeshPermission::Admin => Self::Admin,
        }
    }
}

impl From<Permission> for MeshPermission {
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
