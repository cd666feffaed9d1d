//! Roles and users. Runs do not need them; they stand in a file so that it holds all that a database does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{is_no, is_yes, yes};

/// What users may do, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshRole {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it allows. Default: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<MeshPermission>,
    /// Slash paths: where definitions may be changed and flows run by it. `read` is not limited by them, and `admin` counts only
    /// in a role without them. Default: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
}

/// One thing that a role may allow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MeshPermission {
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

/// Who vouches for a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshOrigin {
    /// A password that the server stores.
    #[default]
    Local,
    /// A directory.
    Ldap,
    /// A provider of OpenID Connect.
    Oidc,
}

impl MeshOrigin {
    /// Whether it is what goes without saying.
    const fn is_local(&self) -> bool {
        matches!(self, Self::Local)
    }
}

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshUser {
    /// What is typed to sign in, unique: 1 to 64 characters in lower case, without spaces and slashes.
    #[schemars(length(min = 1, max = 64))]
    pub account: String,
    /// Name for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may sign in. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Names of its roles, of this file or of those that are stored. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Who vouches for it. One that is not local has no password here. Default: local.
    #[serde(default, skip_serializing_if = "MeshOrigin::is_local")]
    pub origin: MeshOrigin,
    /// Hash of its password: a PHC string of argon2id. Default: the one that is stored under this account, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Whether that password must be changed before anything else. Default: false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub must_change_password: bool,
}

/// Without the hash of the password.
impl std::fmt::Debug for MeshUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeshUser")
            .field("account", &self.account)
            .field("enabled", &self.enabled)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}
