//! Who calls: passwords, sessions, tokens; and how much guessing is let through.
//!
//! ```text
//! password ──► throttle ──► argon2id ──► session secret (cookie)  ─┐
//!                                                                  ├─► SHA-256 ──► accounts: user, roles
//!                                        token (Authorization)  ───┘
//!
//! password ──► throttle ──► directory (LDAP) ─┐
//! browser ──► provider (OpenID Connect) ──────┴─► outside: which user, which roles ──► session secret
//! ```
//!
//! Secrets are 256 random bits, given out once and stored as digests. It knows accounts, not HTTP.

pub mod directory;
pub mod outside;
mod password;
pub mod provider;
mod secret;
mod throttle;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hcndc_core::{
    id::{RoleId, UserId},
    port::{
        AccountQuery, Accounts, AccountsError, ApiToken, Digest, Direction, Grant, Known,
        NamedSort, Origin, PageRequest, PasswordHash, Permission, RoleDraft, Session, UserDraft,
        normal_account,
    },
    time::Timestamp,
};

pub(crate) use self::outside::Renewed;
pub use self::secret::digest;
pub(crate) use self::secret::{Secret, fresh, same};
use self::{
    directory::{Directory, DirectoryError},
    outside::{Person, Rules, Unwelcome},
    provider::Provider,
    throttle::Throttle,
};
pub use self::{
    password::{PasswordError, Passwords, WeakPassword},
    secret::{NoRandomness, one_time_password},
};

/// How long a session lasts that is not used.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a session lasts, however much it is used.
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How exactly it is stored when a session or token was used last.
const SEEN: Duration = Duration::from_secs(5 * 60);

/// The account that is made when there is none.
pub const FIRST_ACCOUNT: &str = "admin";

/// What tokens begin with, so that people and scanners know them.
pub(crate) const TOKEN_PREFIX: &str = "hcndc_";

/// Whom a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it, with all permissions.
    Open,
    /// Users who have signed in, and their tokens.
    Users,
}

/// Users and their ways in.
pub struct Auth {
    accounts: Arc<dyn Accounts>,
    passwords: Passwords,
    throttle: Mutex<Throttle>,
    directory: Option<Directory>,
    provider: Option<Provider>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// There is no such account, or it has another password, or it is disabled: which, is nobody's business.
    #[error("account and password do not fit")]
    Wrong,
    /// Too many have been wrong lately.
    #[error("too many wrong passwords; try again in {} s", wait.as_secs())]
    Throttled {
        /// When to try again.
        wait: Duration,
    },
    /// Their identity is proved, and they have no place here.
    #[error(transparent)]
    Unwelcome(#[from] Unwelcome),
    /// The directory does not say whether the password is right.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The password cannot be checked.
    #[error("the password cannot be checked")]
    Password(#[from] PasswordError),
    /// There is no randomness to make a session of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The accounts cannot be had.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

/// A user who has just signed in, and the secret that proves it from now on.
pub(crate) struct SignedIn {
    pub(crate) secret: Secret,
    pub(crate) known: Known<Session>,
    /// What became of the account on the way.
    pub(crate) renewed: Renewed,
}

impl Auth {
    /// Users of these accounts.
    #[must_use]
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self {
            accounts,
            passwords: Passwords::new(),
            throttle: Mutex::default(),
            directory: None,
            provider: None,
        }
    }

    /// The same, where a directory and a provider vouch for people, too.
    #[must_use]
    pub fn with_outside(
        mut self,
        directory: Option<Directory>,
        provider: Option<Provider>,
    ) -> Self {
        self.directory = directory;
        self.provider = provider;
        self
    }

    /// The directory that checks passwords, if there is one.
    #[must_use]
    pub const fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// The provider that signs people in, if there is one.
    #[must_use]
    pub const fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// The accounts.
    #[must_use]
    pub fn accounts(&self) -> &dyn Accounts {
        self.accounts.as_ref()
    }

    /// Passwords, hashed and checked.
    #[must_use]
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Begins a session for whoever knows the password: the one that is stored for a local account, the directory's for one of
    /// its people or an unknown one. Local accounts need no directory. An unknown account takes as long as a wrong password of
    /// the same kind.
    pub(crate) async fn sign_in(
        &self,
        account: &str,
        password: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let account = normal_account(account);
        let named = account.as_deref().unwrap_or_default();
        self.throttled(named, address)?;
        let found = match &account {
            Some(account) => self.accounts.find_user(account).await?,
            None => None,
        };
        let (user, hash) = match found {
            Some((user, hash)) => (Some(user), hash),
            None => (None, None),
        };
        let elsewhere = match (&user, &self.directory) {
            (Some(user), _) if user.origin == Origin::Local => None,
            (Some(user), _) if user.origin == Origin::Oidc => None,
            (Some(user), None) => {
                tracing::warn!(
                    account = user.account,
                    "a directory checks this password, and none is set up"
                );
                None
            }
            (Some(_) | None, directory) => directory.as_ref().zip(account.as_deref()),
        };
        if let Some((directory, account)) = elsewhere {
            let Some(person) = directory.check(account, password).await? else {
                self.wrong(named, address);
                return Err(SignInError::Wrong);
            };
            let admitted = self.admit(&person, directory.rules(), now).await;
            return match admitted {
                Ok(signed_in) => {
                    self.throttle(|throttle| throttle.right(named));
                    Ok(signed_in)
                }
                // Which, is nobody's business at this door.
                Err(SignInError::Unwelcome(why)) if !matches!(why, Unwelcome::Taken { .. }) => {
                    tracing::info!(%why, "somebody whom the directory knows is not let in");
                    self.wrong(named, address);
                    Err(SignInError::Wrong)
                }
                Err(error) => Err(error),
            };
        }
        let fits = self
            .passwords
            .verify(password, hash.map(|hash| hash.phc))
            .await?;
        let Some(user) = user.filter(|user| fits && user.enabled) else {
            self.wrong(named, address);
            return Err(SignInError::Wrong);
        };
        self.throttle(|throttle| throttle.right(named));
        self.begin_session(user.id, now).await
    }

    /// Begins a session for somebody whose identity is proved.
    pub(crate) async fn admit(
        &self,
        person: &Person,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let accounts = self.accounts.as_ref();
        let mut tries = 0;
        let (user, renewed) = loop {
            match outside::admit(accounts, person, rules, now).await {
                // Somebody changes the user at the same moment: look again.
                Err(AccountsError::Stale { .. }) if tries < 3 => tries += 1,
                admitted => break admitted??,
            }
        };
        let signed_in = self.begin_session(user.id, now).await?;
        Ok(SignedIn {
            renewed,
            ..signed_in
        })
    }

    /// Begins a session for a user who has proved who they are.
    pub(crate) async fn begin_session(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let secret = fresh("")?;
        let session = Session {
            user,
            started_at: now,
            seen_at: now,
            ends_at: now.after(ABSOLUTE),
        };
        let digest = secret.digest();
        self.accounts.start_session(digest, &session).await?;
        let known = self.accounts.session(digest, now).await?;
        let known = known.ok_or(SignInError::Wrong)?;
        Ok(SignedIn {
            secret,
            known,
            renewed: Renewed::Not,
        })
    }

    /// Whether a password is a user's, asked by somebody who is signed in as that user: guesses count all the same.
    pub(crate) async fn is_password_of(
        &self,
        account: &str,
        password: &str,
        address: &str,
    ) -> Result<(), SignInError> {
        self.throttled(account, address)?;
        let found = self.accounts.find_user(account).await?;
        let hash = found.and_then(|(_, hash)| hash).map(|hash| hash.phc);
        if !self.passwords.verify(password, hash).await? {
            self.wrong(account, address);
            return Err(SignInError::Wrong);
        }
        Ok(())
    }

    fn throttled(&self, account: &str, address: &str) -> Result<(), SignInError> {
        let wait = self.throttle(|throttle| throttle.wait(account, address, Instant::now()));
        match wait {
            Some(wait) => Err(SignInError::Throttled { wait }),
            None => Ok(()),
        }
    }

    fn wrong(&self, account: &str, address: &str) {
        self.throttle(|throttle| throttle.wrong(account, address, Instant::now()));
    }

    fn throttle<R>(&self, with: impl FnOnce(&mut Throttle) -> R) -> R {
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        with(&mut throttle)
    }

    /// The session that this digest proves, unless it was left alone for too long.
    pub(crate) async fn session(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<Session>>, AccountsError> {
        let Some(known) = self.accounts.session(digest, now).await? else {
            return Ok(None);
        };
        let unused = now.since(known.proof.seen_at);
        if unused > IDLE {
            self.accounts.end_session(digest).await?;
            return Ok(None);
        }
        if unused > SEEN {
            let accounts = Arc::clone(&self.accounts);
            self.aside(async move { accounts.see_session(digest, now).await });
        }
        Ok(Some(known))
    }

    /// The token that this digest proves.
    pub(crate) async fn token(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<ApiToken>>, AccountsError> {
        let Some(known) = self.accounts.find_token(digest, now).await? else {
            return Ok(None);
        };
        let used = known.proof.used_at;
        if used.is_none_or(|used| now.since(used) > SEEN) {
            let (accounts, id) = (Arc::clone(&self.accounts), known.proof.id);
            self.aside(async move { accounts.see_token(id, now).await });
        }
        Ok(Some(known))
    }

    /// Stores when something was used, while its caller goes on: it is no more than a hint for people.
    fn aside(&self, see: impl Future<Output = Result<(), AccountsError>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = see.await {
                tracing::debug!(%error, "when a session or token was used is not stored");
            }
        });
    }

    /// Makes the first user, if there is none: [`FIRST_ACCOUNT`], who may do everything, and must change the password
    /// that this returns. Also makes roles for the usual kinds of people.
    ///
    /// # Errors
    /// [`SignInError`], but for its refusals.
    pub async fn make_first(&self, now: Timestamp) -> Result<Option<String>, SignInError> {
        if !self.is_empty().await? {
            return Ok(None);
        }
        let password = one_time_password()?;
        let phc = self.passwords.hash(&password).await?;
        let mut admin = None;
        for draft in first_roles() {
            match self.accounts.create_role(&draft, now).await {
                Ok(role) if role.name == first_roles()[0].name => admin = Some(role.id),
                Ok(_) => {}
                // Another server starts at the same moment, or somebody has made it.
                Err(AccountsError::NameTaken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // A start that was cut off may have left the roles.
        let admin = match admin {
            Some(admin) => admin,
            None => match self.find_role(&first_roles()[0].name).await? {
                Some(admin) => admin,
                None => return Ok(None),
            },
        };
        let draft = UserDraft {
            account: FIRST_ACCOUNT.to_owned(),
            name: String::new(),
            enabled: true,
            roles: vec![admin],
            origin: Origin::Local,
            subject: None,
        };
        let hash = PasswordHash {
            phc,
            must_change: true,
        };
        match self.accounts.create_user(&draft, Some(&hash), now).await {
            Ok(_) => Ok(Some(password)),
            Err(AccountsError::NameTaken) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_empty(&self) -> Result<bool, AccountsError> {
        let users = self.accounts.users(&by_id("", 1)).await?;
        Ok(users.items.is_empty())
    }

    async fn find_role(&self, name: &str) -> Result<Option<RoleId>, AccountsError> {
        let roles = self.accounts.roles(&by_id(name, 1_000)).await?.items;
        let role = roles.into_iter().find(|role| role.name == name);
        Ok(role.map(|role| role.id))
    }
}

fn by_id(text: &str, limit: u32) -> AccountQuery {
    AccountQuery {
        text: text.to_owned(),
        sort: NamedSort::Id,
        page: PageRequest {
            after: None,
            limit,
            direction: Direction::Ascending,
        },
    }
}

/// Roles for the usual kinds of people; who may do everything comes first.
fn first_roles() -> [RoleDraft; 4] {
    use Permission::{Execute, Read, Schedule, Write};
    let role = |name: &str, description: &str, permissions: &[Permission]| RoleDraft {
        name: name.to_owned(),
        description: description.to_owned(),
        grant: Grant {
            permissions: permissions.to_vec(),
            directories: Vec::new(),
        },
    };
    [
        role("admin", "may do everything", Permission::ALL),
        role(
            "developer",
            "changes definitions, and runs them",
            &[Read, Write, Execute, Schedule],
        ),
        role("operator", "runs what there is", &[Read, Execute, Schedule]),
        role("viewer", "sees what there is", &[Read]),
    ]
}
