//! People for whom somebody else vouches: which user they are here, and what they may do.
//!
//! ```text
//! person (origin, subject) ──► known by the subject? ──► else an account that waits for them? ──► else made, if newcomers are
//! ```
//!
//! An account of somebody else is never taken over: neither a local one nor one that has another subject.

use std::collections::BTreeSet;

use hcndc_core::{
    id::RoleId,
    port::{Accounts, AccountsError, Origin, User, UserDraft, normal_account},
    time::Timestamp,
};

use crate::interchange::all_roles;

/// Characters of a subject or a name at most.
const LONGEST: usize = 255;

/// Somebody whose identity is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who vouches.
    pub origin: Origin,
    /// What they are known by there, for ever.
    pub subject: String,
    /// What they are to be called here.
    pub account: String,
    /// Their name for people; may be empty.
    pub name: String,
    /// Groups that they are in.
    pub groups: Vec<String>,
}

/// What somebody may do who comes from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Which groups give which roles. A role that is named here is given and taken by groups alone.
    pub roles: Vec<RoleOfGroup>,
    /// Whether somebody gets an account who has none, and which roles with it.
    pub newcomers: Newcomers,
}

/// A role that a group gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleOfGroup {
    /// The group: its whole name, or of a directory's name (`cn=etl,ou=groups,…`) the first part alone (`etl`). Case does not
    /// matter.
    pub group: String,
    /// The role's name.
    pub role: String,
}

/// What becomes of somebody who has no account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Newcomers {
    /// They are refused.
    #[default]
    Refuse,
    /// They get one.
    Create {
        /// Names of the roles that they get besides those of their groups.
        roles: Vec<String>,
    },
}

impl std::str::FromStr for RoleOfGroup {
    type Err = String;

    /// `GROUP=ROLE`; the group may have equals signs.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('=');
        let parts = parts.map(|(group, role)| (group.trim(), role.trim()));
        match parts {
            Some((group, role)) if !group.is_empty() && !role.is_empty() => Ok(Self {
                group: group.to_owned(),
                role: role.to_owned(),
            }),
            _ => Err(format!(
                "{text:?}: GROUP=ROLE is wanted, such as etl-admins=admin / 应为 组=角色，如 etl-admins=admin"
            )),
        }
    }
}

impl RoleOfGroup {
    fn is_of(&self, group: &str) -> bool {
        let same = |text: &str| text.to_lowercase() == self.group.to_lowercase();
        same(group) || first_part(group).is_some_and(|part| same(&part))
    }
}

/// The value of the first part of a name in a directory (RFC 4514), if it is one.
fn first_part(name: &str) -> Option<String> {
    let (_, rest) = name.split_once('=')?;
    let (mut value, mut escaped) = (String::new(), false);
    for letter in rest.chars() {
        match letter {
            _ if escaped => {
                value.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            ',' | '+' => return Some(value),
            _ => value.push(letter),
        }
    }
    // Without a second part it is the name of something that has an equals sign.
    None
}

impl Rules {
    /// Names of the roles that these groups give.
    #[must_use]
    pub fn roles_of(&self, groups: &[String]) -> BTreeSet<String> {
        let given = self
            .roles
            .iter()
            .filter(|rule| groups.iter().any(|group| rule.is_of(group)));
        given.map(|rule| rule.role.clone()).collect()
    }

    /// Names of all roles that are spoken of.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let of_groups = self.roles.iter().map(|rule| rule.role.clone());
        of_groups.chain(self.of_newcomers()).collect()
    }

    fn of_newcomers(&self) -> Vec<String> {
        match &self.newcomers {
            Newcomers::Create { roles } => roles.clone(),
            Newcomers::Refuse => Vec::new(),
        }
    }
}

/// Why somebody is not let in whose identity is proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    /// They have no account, and newcomers get none.
    #[error("{account:?} has no account here, and newcomers are refused")]
    Unknown {
        /// What they would be called.
        account: String,
    },
    /// Their account is disabled.
    #[error("the account {account:?} is disabled")]
    Disabled {
        /// Which.
        account: String,
    },
    /// Somebody else has the account that they would have.
    #[error(
        "the account {account:?} is somebody else's: a local one, or one of another person of the same name"
    )]
    Taken {
        /// Which.
        account: String,
    },
    /// They have a name that no account can have.
    #[error("{account:?} cannot be an account: 1 to 64 characters, without spaces and slashes")]
    BadAccount {
        /// Which.
        account: String,
    },
}

/// What a sign-in has done to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// Nothing.
    Not,
    /// It was made.
    Made,
    /// It was something else before.
    Was(Box<User>),
}

/// The account of somebody, with the name and the roles that they have from outside now.
pub(super) async fn admit(
    accounts: &dyn Accounts,
    person: &Person,
    rules: &Rules,
    now: Timestamp,
) -> Result<Result<(User, Renewed), Unwelcome>, AccountsError> {
    let subject: String = person.subject.chars().take(LONGEST).collect();
    let name: String = person.name.trim().chars().take(LONGEST).collect();
    let named = roles_by_name(accounts, rules).await?;
    let ids = |names: &mut dyn Iterator<Item = &String>| -> BTreeSet<RoleId> {
        names
            .filter_map(|name| named.iter().find(|it| it.0 == *name))
            .map(|it| it.1)
            .collect()
    };
    let governed = ids(&mut rules.roles.iter().map(|rule| &rule.role));
    let given = ids(&mut rules.roles_of(&person.groups).iter());
    let merged = |had: BTreeSet<RoleId>| -> Vec<RoleId> {
        let kept: BTreeSet<_> = had.difference(&governed).copied().collect();
        kept.union(&given).copied().collect()
    };

    let known = match accounts.find_outside(person.origin, &subject).await? {
        Some(user) => Some(user),
        None => {
            let Some(account) = normal_account(&person.account) else {
                let account = person.account.clone();
                return Ok(Err(Unwelcome::BadAccount { account }));
            };
            match accounts.find_user(&account).await? {
                // An administrator has made it for whoever comes first under this name.
                Some((user, _)) if user.origin == person.origin && user.subject.is_none() => {
                    Some(user)
                }
                Some(_) => return Ok(Err(Unwelcome::Taken { account })),
                None => None,
            }
        }
    };
    let Some(user) = known else {
        // It was looked at above.
        let account = normal_account(&person.account).unwrap_or_default();
        if rules.newcomers == Newcomers::Refuse {
            return Ok(Err(Unwelcome::Unknown { account }));
        }
        let draft = UserDraft {
            account: account.clone(),
            name,
            enabled: true,
            roles: merged(ids(&mut rules.of_newcomers().iter())),
            origin: person.origin,
            subject: Some(subject),
        };
        return match accounts.create_user(&draft, None, now).await {
            Ok(made) => Ok(Ok((made, Renewed::Made))),
            // Somebody was made meanwhile; whoever it is, the next sign-in finds out.
            Err(AccountsError::NameTaken) => Ok(Err(Unwelcome::Taken { account })),
            Err(error) => Err(error),
        };
    };
    if !user.enabled {
        let account = user.account;
        return Ok(Err(Unwelcome::Disabled { account }));
    }
    let name = if name.is_empty() {
        user.name.clone()
    } else {
        name
    };
    let roles = merged(user.roles.iter().copied().collect());
    let had: BTreeSet<_> = user.roles.iter().collect();
    let is_same = user.name == name
        && had == roles.iter().collect()
        && user.subject.as_deref() == Some(&subject);
    if is_same {
        return Ok(Ok((user, Renewed::Not)));
    }
    let draft = UserDraft {
        account: user.account.clone(),
        name,
        enabled: true,
        roles,
        origin: user.origin,
        subject: Some(subject),
    };
    let version = Some(user.version);
    let changed = accounts.change_user(user.id, version, &draft, now).await?;
    Ok(Ok((changed, Renewed::Was(Box::new(user)))))
}

/// The roles that the rules name. One that is not there is told in the log, for nobody else would notice.
async fn roles_by_name(
    accounts: &dyn Accounts,
    rules: &Rules,
) -> Result<Vec<(String, RoleId)>, AccountsError> {
    let wanted = rules.names();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let all = all_roles(accounts).await?;
    let named = all.into_iter().map(|role| (role.name, role.id));
    let named: Vec<_> = named.filter(|(name, _)| wanted.contains(name)).collect();
    for name in wanted {
        if !named.iter().any(|(known, _)| *known == name) {
            tracing::warn!(
                role = name,
                "a role that people from outside are to have is not there"
            );
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_give_roles_by_their_whole_name_or_by_its_first_part() {
        let rules = Rules {
            roles: [
                "ETL Admins=admin",
                "cn=ops,ou=groups,dc=x=operator",
                "a=b=viewer",
            ]
            .into_iter()
            .map(|rule| rule.parse().unwrap())
            .collect(),
            newcomers: Newcomers::default(),
        };
        let given = |groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|it| (*it).to_owned()).collect();
            let given: Vec<_> = rules.roles_of(&groups).into_iter().collect();
            given.join(" ")
        };
        assert_eq!(given(&["etl admins"]), "admin");
        assert_eq!(given(&["CN=ETL Admins,OU=x,DC=y"]), "admin");
        assert_eq!(given(&["cn=ops,ou=groups,dc=x"]), "operator");
        assert_eq!(given(&["cn=ops,ou=others,dc=x"]), "");
        assert_eq!(given(&["ops", "a=b"]), "viewer");
        assert_eq!(given(&["cn=etl admins\\,x,dc=y"]), "");
        assert_eq!(first_part("cn=a\\,b,dc=y").as_deref(), Some("a,b"));
        "no rule".parse::<RoleOfGroup>().unwrap_err();
        "=admin".parse::<RoleOfGroup>().unwrap_err();
    }
}
