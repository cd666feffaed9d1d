//! Users, roles, sessions, tokens and the audit trail.
//!
//! None of it is the engine's: there is no fence, ids come from the database, and each change is a small transaction of
//! its own that checks the version of what it changes.

mod audit;
mod proofs;
mod put;
mod roles;
mod users;

use std::future::Future;

use async_trait::async_trait;
use hcndc_core::{
    id::{RoleId, TokenId, UserId},
    port::{
        AccountQuery, Accounts, AccountsDone, AccountsError, AccountsPut, ApiToken, AuditEntry,
        AuditQuery, AuditRow, Digest, Known, Origin, Page, PasswordHash, PortError as _, Role,
        RoleDraft, Session, TokenDraft, TokenQuery, User, UserDraft,
    },
    time::Timestamp,
};
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, ExecResult, SqlErr};

use crate::{SqlError, SqlStore, dialect::begin_write, error::Doing as _, retry::Tries};

/// What came of a try at a change: the database failed, or the change was refused, or it was made.
type Tried<T> = Result<Result<T, AccountsError>, SqlError>;

impl SqlStore {
    /// Tries a change until no other writer is in the way.
    async fn change<T: Send, F: Future<Output = Tried<T>> + Send>(
        &self,
        doing: &'static str,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, AccountsError> {
        let mut tries = Tries::default();
        loop {
            let done = self.soon(doing, once()).await;
            if !tries.again(&done).await {
                return done.map_err(failed)?;
            }
        }
    }

    async fn told<T: Send + 'static>(
        &self,
        doing: &'static str,
        page: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, AccountsError> {
        self.read(doing, page).await.map_err(failed)
    }

    async fn begin(&self) -> Result<DatabaseTransaction, SqlError> {
        begin_write(self.signs()).await.doing("begin a change")
    }

    fn beside(&self) -> DatabaseConnection {
        self.reader().clone()
    }
}

fn failed(error: SqlError) -> AccountsError {
    AccountsError::Failed {
        kind: error.kind(),
        source: Box::new(error),
    }
}

/// What a statement came to that may meet a name which is taken.
fn unless_taken(done: Result<ExecResult, DbErr>, doing: &'static str) -> Tried<ExecResult> {
    match done {
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Ok(Err(AccountsError::NameTaken))
        }
        done => done.doing(doing).map(Ok),
    }
}

/// Goes on with what was done, or leaves the function with the refusal.
macro_rules! or_refuse {
    ($tried:expr) => {
        match $tried {
            Ok(done) => done,
            Err(refused) => return Ok(Err(refused)),
        }
    };
}
use or_refuse;

#[async_trait]
impl Accounts for SqlStore {
    async fn users(&self, query: &AccountQuery) -> Result<Page<User>, AccountsError> {
        let (db, query) = (self.beside(), query.clone());
        let list = async move { users::list(&db, &query).await };
        self.told("list users", list).await
    }

    async fn user(&self, user: UserId) -> Result<Option<User>, AccountsError> {
        let db = self.beside();
        let find = async move { users::find(&db, users::By::Id(user)).await };
        let found = self.told("read a user", find).await?;
        Ok(found.map(|(user, _)| user))
    }

    async fn find_user(
        &self,
        account: &str,
    ) -> Result<Option<(User, Option<PasswordHash>)>, AccountsError> {
        let (db, account) = (self.beside(), account.to_owned());
        let find = async move { users::find(&db, users::By::Account(&account)).await };
        self.told("read a user", find).await
    }

    async fn find_outside(
        &self,
        origin: Origin,
        subject: &str,
    ) -> Result<Option<User>, AccountsError> {
        let (db, subject) = (self.beside(), subject.to_owned());
        let find = async move { users::find(&db, users::By::Subject(origin, &subject)).await };
        let found = self.told("read a user", find).await?;
        Ok(found.map(|(user, _)| user))
    }

    async fn create_user(
        &self,
        draft: &UserDraft,
        password: Option<&PasswordHash>,
        now: Timestamp,
    ) -> Result<User, AccountsError> {
        let once = || users::create(self, draft, password, now);
        self.change("make a user", once).await
    }

    async fn change_user(
        &self,
        user: UserId,
        version: Option<u32>,
        draft: &UserDraft,
        now: Timestamp,
    ) -> Result<User, AccountsError> {
        let once = || users::change(self, user, version, draft, now);
        self.change("change a user", once).await
    }

    async fn delete_users(&self, users: &[(UserId, Option<u32>)]) -> Result<(), AccountsError> {
        let once = || users::delete(self, users);
        self.change("delete users", once).await
    }

    async fn set_password(
        &self,
        user: UserId,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let once = || users::set_password(self, user, password, now);
        self.change("set a password", once).await
    }

    async fn roles(&self, query: &AccountQuery) -> Result<Page<Role>, AccountsError> {
        let (db, query) = (self.beside(), query.clone());
        let list = async move { roles::list(&db, &query).await };
        self.told("list roles", list).await
    }

    async fn role(&self, role: RoleId) -> Result<Option<Role>, AccountsError> {
        let db = self.beside();
        let find = async move { roles::find(&db, role).await };
        self.told("read a role", find).await
    }

    async fn create_role(&self, draft: &RoleDraft, now: Timestamp) -> Result<Role, AccountsError> {
        let once = || roles::create(self, draft, now);
        self.change("make a role", once).await
    }

    async fn change_role(
        &self,
        role: RoleId,
        version: Option<u32>,
        draft: &RoleDraft,
        now: Timestamp,
    ) -> Result<Role, AccountsError> {
        let once = || roles::change(self, role, version, draft, now);
        self.change("change a role", once).await
    }

    async fn delete_roles(&self, roles: &[(RoleId, Option<u32>)]) -> Result<(), AccountsError> {
        let once = || roles::delete(self, roles);
        self.change("delete roles", once).await
    }

    async fn put_accounts(
        &self,
        put: &AccountsPut,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<AccountsDone, AccountsError> {
        let once = || put::put(self, put, dry_run, now);
        self.change("put roles and users", once).await
    }

    async fn keep_sign_in(
        &self,
        digest: Digest,
        kept: &str,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), AccountsError> {
        let once = || proofs::keep_sign_in(self, digest, kept, now, ends_at);
        self.change("keep a sign-in", once).await
    }

    async fn take_sign_in(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<String>, AccountsError> {
        let once = || proofs::take_sign_in(self, digest, now);
        self.change("take a sign-in", once).await
    }

    async fn start_session(&self, digest: Digest, session: &Session) -> Result<(), AccountsError> {
        let once = || proofs::start_session(self, digest, session);
        self.change("begin a session", once).await
    }

    async fn session(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<Session>>, AccountsError> {
        let db = self.beside();
        let find = async move { proofs::session(&db, digest, now).await };
        self.told("read a session", find).await
    }

    async fn see_session(&self, digest: Digest, now: Timestamp) -> Result<(), AccountsError> {
        let once = || proofs::see_session(self, digest, now);
        self.change("say that a session was used", once).await
    }

    async fn end_session(&self, digest: Digest) -> Result<(), AccountsError> {
        let once = || proofs::end_session(self, digest);
        self.change("end a session", once).await
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<ApiToken>, AccountsError> {
        let (db, query) = (self.beside(), query.clone());
        let list = async move { proofs::tokens(&db, &query).await };
        self.told("list tokens", list).await
    }

    async fn token(&self, token: TokenId) -> Result<Option<ApiToken>, AccountsError> {
        let db = self.beside();
        let find = async move { proofs::token(&db, token).await };
        self.told("read a token", find).await
    }

    async fn create_token(
        &self,
        digest: Digest,
        draft: &TokenDraft,
        now: Timestamp,
    ) -> Result<ApiToken, AccountsError> {
        let once = || proofs::create_token(self, digest, draft, now);
        self.change("make a token", once).await
    }

    async fn change_token(
        &self,
        token: TokenId,
        version: Option<u32>,
        draft: &TokenDraft,
        now: Timestamp,
    ) -> Result<ApiToken, AccountsError> {
        let once = || proofs::change_token(self, token, version, draft, now);
        self.change("change a token", once).await
    }

    async fn delete_tokens(&self, tokens: &[(TokenId, Option<u32>)]) -> Result<(), AccountsError> {
        let once = || proofs::delete_tokens(self, tokens);
        self.change("end tokens", once).await
    }

    async fn find_token(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Known<ApiToken>>, AccountsError> {
        let db = self.beside();
        let find = async move { proofs::find_token(&db, digest, now).await };
        self.told("read a token", find).await
    }

    async fn see_token(&self, token: TokenId, now: Timestamp) -> Result<(), AccountsError> {
        let once = || proofs::see_token(self, token, now);
        self.change("say that a token was used", once).await
    }

    async fn record(&self, entries: &[AuditEntry]) -> Result<(), AccountsError> {
        let once = || audit::record(self, entries);
        self.change("write the audit trail", once).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRow>, AccountsError> {
        let (db, query) = (self.beside(), query.clone());
        let list = async move { audit::list(&db, &query).await };
        self.told("list the audit trail", list).await
    }
}
