//! What people may be allowed to do.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// One thing that a role may allow. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Permission {
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

impl Permission {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::Write,
        Self::Execute,
        Self::Schedule,
        Self::Admin,
    ];

    /// Its name, as it is stored and told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Schedule => "schedule",
            Self::Admin => "admin",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a role allows, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// What, sorted, each once.
    pub permissions: Vec<Permission>,
    /// In these directories and below; empty for everywhere.
    pub directories: Vec<String>,
}

impl Grant {
    /// All that there is, everywhere.
    #[must_use]
    pub fn all() -> Self {
        Self {
            permissions: Permission::ALL.to_vec(),
            directories: Vec::new(),
        }
    }

    /// Whether it allows this at all.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whether it allows this for what is filed in a directory.
    ///
    /// ```
    /// use hcndc_core::port::{Grant, Permission};
    /// let grant = Grant { directories: vec!["/retail".into()], ..Grant::all() };
    /// assert!(grant.allows_in(Permission::Write, "/retail/night"));
    /// assert!(!grant.allows_in(Permission::Write, "/retailers"));
    /// ```
    #[must_use]
    pub fn allows_in(&self, permission: Permission, directory: &str) -> bool {
        let below = |top: &String| {
            let top = top.trim_end_matches('/');
            let rest = directory.strip_prefix(top);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.allows(permission)
            && (self.directories.is_empty() || self.directories.iter().any(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_holds_what_is_below_it_and_nothing_beside_it() {
        let grant = |directory: &str| Grant {
            permissions: alloc::vec![Permission::Execute],
            directories: alloc::vec![directory.into()],
        };
        for (top, directory, allowed) in [
            ("/", "/", true),
            ("/", "/retail", true),
            ("/retail", "/retail", true),
            ("/retail/", "/retail/night", true),
            ("/retail", "/", false),
            ("/retail", "/retailers", false),
        ] {
            let allows = grant(top).allows_in(Permission::Execute, directory);
            assert_eq!(allows, allowed, "{top} {directory}");
        }
        assert!(!grant("/").allows_in(Permission::Write, "/"));
    }

    #[test]
    fn names_of_permissions_come_back() {
        for permission in Permission::ALL {
            let name = permission.as_str();
            assert_eq!(Permission::from_name(name), Some(*permission));
        }
    }
}
