//! What the host allows, whatever a scheduler orders.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::platform;

/// What jobs may do on this host. No order of a scheduler changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRules {
    /// Jobs start in one of these directories or below it; anywhere if there are none. What they reach from there is for
    /// the permissions of the file system to say. Links are followed before it is looked.
    pub directories: Vec<PathBuf>,
    /// Jobs run as this user, in its main group and no other; only an executor of root's can do that. `None` for the
    /// executor's own user.
    pub user: Option<String>,
}

/// Rules that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The user does not exist.
    #[error("this host knows no user {name:?}")]
    UnknownUser {
        /// The name.
        name: String,
    },
    /// Users cannot be looked up.
    #[error("cannot look up user {name:?}: {source}")]
    LookUp {
        /// The name.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// Only root may do that.
    #[error("jobs cannot run as {name:?}: the executor runs as another user, and not as root")]
    NotRoot {
        /// The name.
        name: String,
    },
}

/// Rules as jobs are started by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    directories: Vec<PathBuf>,
    pub(crate) user: Option<JobUser>,
}

/// Who jobs run as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobUser {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) name: String,
    pub(crate) home: PathBuf,
}

impl HostRules {
    pub(crate) fn resolve(&self) -> Result<Rules, RuleError> {
        Ok(Rules {
            directories: self.directories.clone(),
            user: self.user.as_deref().map(job_user).transpose()?.flatten(),
        })
    }
}

/// The user of this name; `None` if that is who we are.
fn job_user(name: &str) -> Result<Option<JobUser>, RuleError> {
    let found = platform::find_user(name).map_err(|source| RuleError::LookUp {
        name: name.to_owned(),
        source,
    })?;
    let user = found.ok_or_else(|| RuleError::UnknownUser {
        name: name.to_owned(),
    })?;
    let own = platform::own_uid();
    if Some(user.uid) == own {
        return Ok(None);
    }
    if own != Some(0) {
        return Err(RuleError::NotRoot {
            name: name.to_owned(),
        });
    }
    Ok(Some(user))
}

impl Rules {
    /// Whether a job may start in this directory, which is an absolute one without links.
    pub(crate) fn allow(&self, directory: &Path) -> bool {
        self.directories.is_empty()
            || self
                .directories
                .iter()
                .filter_map(|allowed| allowed.canonicalize().ok())
                .any(|allowed| directory.starts_with(allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(directories: &[&Path]) -> Rules {
        let rules = HostRules {
            directories: directories.iter().map(|it| it.to_path_buf()).collect(),
            user: None,
        };
        rules.resolve().unwrap()
    }

    #[test]
    fn a_directory_is_allowed_with_all_below_it() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("etl/in")).unwrap();
        let rules = rules(&[&home.join("etl")]);
        assert!(rules.allow(&home.join("etl")) && rules.allow(&home.join("etl/in")));
        assert!(!rules.allow(&home) && !rules.allow(&home.join("etl2")));
    }

    #[test]
    fn without_rules_all_is_allowed_and_a_rule_that_leads_nowhere_allows_nothing() {
        assert!(rules(&[]).allow(Path::new("/")));
        assert!(!rules(&[Path::new("/no/such/place")]).allow(Path::new("/")));
    }

    #[test]
    fn a_user_that_does_not_exist_is_named() {
        let rules = HostRules {
            user: Some("no-such-user".into()),
            ..HostRules::default()
        };
        assert!(matches!(
            rules.resolve(),
            Err(RuleError::UnknownUser { name }) if name == "no-such-user"
        ));
    }
}
