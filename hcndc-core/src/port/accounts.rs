//! Who may use a server: users, roles, sessions, tokens; and what they did.
//!
//! The engine knows nothing of it. What is stored here is under no fence: any server may write at any time, and a
//! version that is checked at each change keeps one from undoing another's.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{error::Error, fmt};

use async_trait::async_trait;

use super::{ErrorKind, Grant, NamedSort, Page, PageRequest, Permission, PortError};
use crate::{
    id::{AuditId, RoleId, TokenId, UserId},
    time::Timestamp,
};

/// Characters of an account at most.
const LONGEST_ACCOUNT: usize = 64;

/// The account as it is stored and compared, if it can be one: 1 to 64 characters in lower case, without spaces, slashes
/// and control characters.
///
/// ```
/// use hcndc_core::port::normal_account;
/// assert_eq!(normal_account(" Ann.Li "), Some("ann.li".into()));
/// assert_eq!(normal_account("ann li"), None);
/// ```
#[must_use]
pub fn normal_account(text: &str) -> Option<String> {
    let account = text.trim().to_lowercase();
    let count = account.chars().count();
    let fits = |it: char| !it.is_whitespace() && !it.is_control() && !matches!(it, '/' | '\\');
    let good = (1..=LONGEST_ACCOUNT).contains(&count) && account.chars().all(fits);
    good.then_some(account)
}

/// Who vouches for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Its password, which is stored here.
    #[default]
    Local,
    /// A directory, which checks the password (LDAP).
    Ldap,
    /// A provider that signs it in (OpenID Connect).
    Oidc,
}

impl Origin {
    /// All there are.
    pub const ALL: &'static [Self] = &[Self::Local, Self::Ldap, Self::Oidc];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Ldap => "ldap",
            Self::Oidc => "oidc",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id, for ever.
    pub id: UserId,
    /// What is typed to sign in; unique, in lower case.
    pub account: String,
    /// Name for people; may be empty.
    pub name: String,
    /// Whether it may sign in, and its tokens are taken.
    pub enabled: bool,
    /// Whether nothing else is possible until the password has been changed.
    pub must_change_password: bool,
    /// Its roles, by id.
    pub roles: Vec<RoleId>,
    /// Who vouches for it.
    pub origin: Origin,
    /// What it is known by there, for ever; `None` for one that has not signed in yet, and for [`Origin::Local`]. At most 255
    /// characters.
    pub subject: Option<String>,
    /// Grows with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// When it signed in last.
    pub signed_in_at: Option<Timestamp>,
}

/// A [`User`] as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they stand on User")]
pub struct UserDraft {
    pub account: String,
    pub name: String,
    pub enabled: bool,
    pub roles: Vec<RoleId>,
    pub origin: Origin,
    /// For a change, `None` leaves what is stored, unless the origin changes.
    pub subject: Option<String>,
}

/// A password, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// A PHC string, with salt and costs.
    pub phc: String,
    /// Whether its user must change it before anything else.
    pub must_change: bool,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").finish_non_exhaustive()
    }
}

/// What roles are made of: permissions, and where they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its id, for ever.
    pub id: RoleId,
    /// Unique name.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// What it allows.
    pub grant: Grant,
    /// Grows with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A [`Role`] as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they stand on Role")]
pub struct RoleDraft {
    pub name: String,
    pub description: String,
    pub grant: Grant,
}

/// Roles and users to be there by their names, whatever there was under them; others stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountsPut {
    /// Roles.
    pub roles: Vec<RoleDraft>,
    /// Users, who may have roles of the list above or such as there are.
    pub users: Vec<UserPut>,
}

/// A user to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPut {
    /// What is typed to sign in, in its normal form.
    pub account: String,
    /// Name for people; may be empty.
    pub name: String,
    /// Whether it may sign in.
    pub enabled: bool,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Who vouches for it.
    pub origin: Origin,
    /// Its password; `None` leaves the one that there is, and a new user without one.
    pub password: Option<PasswordHash>,
}

/// What became of roles and users that were put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountsDone {
    /// Each of the roles, in their order.
    pub roles: Vec<PutDone<Role>>,
    /// Each of the users, in their order.
    pub users: Vec<PutDone<User>>,
    /// Accounts of those among the local users who have no password, and cannot sign in.
    pub without_password: Vec<String>,
}

/// A role or a user before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutDone<T> {
    /// What there was.
    pub before: Option<T>,
    /// What there is.
    pub after: T,
}

/// What a program shows in the place of a user who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, for ever.
    pub id: TokenId,
    /// Whose; it allows nothing that this user may not do.
    pub user: UserId,
    /// That user's account.
    pub account: String,
    /// What it is for.
    pub name: String,
    /// What it allows of that.
    pub permissions: Vec<Permission>,
    /// Grows with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, give or take some minutes.
    pub used_at: Option<Timestamp>,
}

/// What a token is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they stand on ApiToken")]
pub struct TokenDraft {
    pub user: UserId,
    pub name: String,
    pub permissions: Vec<Permission>,
    pub expires_at: Option<Timestamp>,
}

/// What a secret that was given out is known by: its SHA-256. Whoever reads the store cannot use it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(***)")
    }
}

/// A user who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user: UserId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was used last, give or take some minutes.
    pub seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

/// Whoever a secret proves a caller to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<P> {
    /// The user, who is enabled.
    pub user: User,
    /// What the user's roles allow.
    pub grants: Vec<Grant>,
    /// Names of the user's roles.
    pub roles: Vec<String>,
    /// What proves it.
    pub proof: P,
}

/// Something that somebody did, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who; for a failed sign-in, who they said they were.
    pub account: String,
    /// Where from: the address of the connection.
    pub address: String,
    /// How the caller was known, such as `session`, `token`, `open` or `cli`; at most 20 characters.
    pub method: String,
    /// What was done, such as `change`, `delete` or `sign_in`; at most 40 characters.
    pub action: String,
    /// To what kind of thing, such as `flow`; at most 40 characters.
    pub kind: String,
    /// Its id, if it has one.
    pub object: Option<u64>,
    /// Its name, or what else tells it to people.
    pub name: String,
    /// What it was before, as JSON without secrets.
    pub before: Option<String>,
    /// What it is now, likewise.
    pub after: Option<String>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id; later entries have greater ones, but for those of several servers at the same moment.
    pub id: AuditId,
    /// The entry.
    pub entry: AuditEntry,
}

/// Which users, or which roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQuery {
    /// Account or name holds this, whatever its case; empty for all.
    pub text: String,
    /// How they are sorted.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

/// Which tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenQuery {
    /// Only this user's.
    pub user: Option<UserId>,
    /// What its name holds; empty for all.
    pub text: String,
    /// How they are sorted.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

/// Which entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they stand on AuditEntry")]
pub struct AuditQuery {
    pub account: Option<String>,
    pub action: Option<String>,
    pub kind: Option<String>,
    pub object: Option<u64>,
    /// Account or name holds this, whatever its case; empty for all.
    pub text: String,
    /// At or after this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Which page, by id.
    pub page: PageRequest,
}

/// Why something was not done; then nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// Another one has this account or name.
    #[error("the name is taken")]
    NameTaken,
    /// Somebody else has changed it.
    #[error("it has version {current} by now")]
    Stale {
        /// The version that it has.
        current: u32,
    },
    /// It is not there.
    #[error("it is not there")]
    Unknown,
    /// A role that a user was to have is not there.
    #[error("there is no role {role}")]
    UnknownRole {
        /// Which.
        role: RoleId,
    },
    /// A role that a user was to have is not there under this name.
    #[error("user {account:?} is to have role {role:?}, which is not there")]
    UnknownRoleName {
        /// Whose.
        account: String,
        /// The name.
        role: String,
    },
    /// Users have the role.
    #[error("users have it: {}", accounts.join(", "))]
    InUse {
        /// Their accounts.
        accounts: Vec<String>,
    },
    /// Somebody else vouches for the user, who has no password here.
    #[error("it has no password here: another system checks it")]
    Outside,
    /// Nobody would be left who may do everything everywhere.
    #[error("nobody would be left who may administer")]
    LastAdmin,
    /// The store failed.
    #[error("the accounts cannot be read or written")]
    Failed {
        /// What to do about it.
        kind: ErrorKind,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl PortError for AccountsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed { kind, .. } => *kind,
            Self::NameTaken
            | Self::Stale { .. }
            | Self::Unknown
            | Self::UnknownRole { .. }
            | Self::UnknownRoleName { .. }
            | Self::InUse { .. }
            | Self::Outside
            | Self::LastAdmin => ErrorKind::Invalid,
        }
    }
}

/// Users, roles, sessions, tokens and the audit trail.
///
/// # Contract
/// 1. What a call changed is seen by each later call of any server, whatever it waits for.
/// 2. A refused change leaves everything as it was.
/// 3. With a `version`, a change is refused as [`AccountsError::Stale`] unless that is the version.
/// 4. While there is a user who is enabled and may administer everywhere, no change or deletion takes the last one away.
/// 5. A user's sessions end when its password is set, or when it is disabled or deleted; its tokens when it is deleted.
/// 6. A session or token is told only while its user is enabled and its time is not over.
/// 7. Entries of the audit trail are never changed.
/// 8. Of each origin but [`Origin::Local`], a subject is one user's. Such a user has no password, and is refused one as
///    [`AccountsError::Outside`]. When its origin changes, a user loses subject and password, and its sessions end.
/// 9. What is kept of a sign-in that has begun elsewhere is taken once, and only until its time is over.
#[async_trait]
pub trait Accounts: fmt::Debug + Send + Sync {
    /// A page of users.
    async fn users(&self, query: &AccountQuery) -> Result<Page<User>, AccountsError>;
    /// One user.
    async fn user(&self, user: UserId) -> Result<Option<User>, AccountsError>;
    /// The user of this account, and its password.
    async fn find_user(
        &self,
        account: &str,
    ) -> Result<Option<(User, Option<PasswordHash>)>, AccountsError>;
    /// The user whom an origin knows by this.
    async fn find_outside(
        &self,
        origin: Origin,
        subject: &str,
    ) -> Result<Option<User>, AccountsError>;
    /// Makes a user.
    async fn create_user(
        &self,
        draft: &UserDraft,
        password: Option<&PasswordHash>,
        now: Timestamp,
    ) -> Result<User, AccountsError>;
    /// Makes a user what the draft says.
    async fn change_user(
        &self,
        user: UserId,
        version: Option<u32>,
        draft: &UserDraft,
        now: Timestamp,
    ) -> Result<User, AccountsError>;
    /// Deletes users, all or none, with their sessions and tokens.
    async fn delete_users(&self, users: &[(UserId, Option<u32>)]) -> Result<(), AccountsError>;
    /// Deletes a user.
    async fn delete_user(&self, user: UserId, version: Option<u32>) -> Result<(), AccountsError> {
        self.delete_users(&[(user, version)]).await
    }
    /// Gives a user another password.
    async fn set_password(
        &self,
        user: UserId,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), AccountsError>;

    /// A page of roles.
    async fn roles(&self, query: &AccountQuery) -> Result<Page<Role>, AccountsError>;
    /// One role.
    async fn role(&self, role: RoleId) -> Result<Option<Role>, AccountsError>;
    /// Makes a role.
    async fn create_role(&self, draft: &RoleDraft, now: Timestamp) -> Result<Role, AccountsError>;
    /// Makes a role what the draft says.
    async fn change_role(
        &self,
        role: RoleId,
        version: Option<u32>,
        draft: &RoleDraft,
        now: Timestamp,
    ) -> Result<Role, AccountsError>;
    /// Deletes roles, all or none; refused while users have one of them.
    async fn delete_roles(&self, roles: &[(RoleId, Option<u32>)]) -> Result<(), AccountsError>;
    /// Deletes a role; refused while users have it.
    async fn delete_role(&self, role: RoleId, version: Option<u32>) -> Result<(), AccountsError> {
        self.delete_roles(&[(role, version)]).await
    }

    /// Puts roles and users by name, all or none; what says nothing new keeps its version. With `dry_run`, only finds out
    /// what would come of it: new ones have ids that nobody will have.
    async fn put_accounts(
        &self,
        put: &AccountsPut,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<AccountsDone, AccountsError>;

    /// Keeps what is needed to end a sign-in that begins now, elsewhere.
    async fn keep_sign_in(
        &self,
        digest: Digest,
        kept: &str,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), AccountsError>;
    /// Takes what was kept under this.
    async fn take_sign_in(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<String>, AccountsError>;
    /// Begins a session, and says that its user has signed in. Sessions that have ended are forgotten on the way.
    async fn start_session(&self, digest: Digest, session: &Session) -> Result<(), AccountsError>;
    /// The session of this digest.
    async fn session(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<Session>>, AccountsError>;
    /// Says that a session was used.
    async fn see_session(&self, digest: Digest, now: Timestamp) -> Result<(), AccountsError>;
    /// Ends a session; one that is not there has ended.
    async fn end_session(&self, digest: Digest) -> Result<(), AccountsError>;

    /// A page of tokens.
    async fn tokens(&self, query: &TokenQuery) -> Result<Page<ApiToken>, AccountsError>;
    /// One token.
    async fn token(&self, token: TokenId) -> Result<Option<ApiToken>, AccountsError>;
    /// Makes a token.
    async fn create_token(
        &self,
        digest: Digest,
        draft: &TokenDraft,
        now: Timestamp,
    ) -> Result<ApiToken, AccountsError>;
    /// Makes a token what the draft says; it stays its user's. One whose time is over lives again if the draft gives it more.
    async fn change_token(
        &self,
        token: TokenId,
        version: Option<u32>,
        draft: &TokenDraft,
        now: Timestamp,
    ) -> Result<ApiToken, AccountsError>;
    /// Ends tokens, all or none.
    async fn delete_tokens(&self, tokens: &[(TokenId, Option<u32>)]) -> Result<(), AccountsError>;
    /// Ends a token.
    async fn delete_token(&self, token: TokenId) -> Result<(), AccountsError> {
        self.delete_tokens(&[(token, None)]).await
    }
    /// The token of this digest.
    async fn find_token(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<ApiToken>>, AccountsError>;
    /// Says that a token was used.
    async fn see_token(&self, token: TokenId, now: Timestamp) -> Result<(), AccountsError>;

    /// Adds entries to the audit trail, all or none.
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), AccountsError>;
    /// A page of the audit trail.
    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRow>, AccountsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_form() {
        for (text, account) in [
            ("Admin", Some("admin")),
            (" ops@example.com ", Some("ops@example.com")),
            ("李雷", Some("李雷")),
            ("", None),
            ("a b", None),
            ("a/b", None),
            ("a\u{0}", None),
        ] {
            assert_eq!(normal_account(text).as_deref(), account, "{text:?}");
        }
        assert_eq!(normal_account(&"a".repeat(65)), None);
    }
}
