//! `hcndc user`, `hcndc role`, `hcndc token`: accounts, in the database itself, so that whoever runs the server's host can
//! always get in; or over a server's API, if one is named.

mod check;
mod remote;
mod role;
mod token;
mod user;

use std::{future::Future, sync::Arc};

use hcndc_core::{
    port::{Accounts, AccountsError, AuditEntry, PortError as _, User, normal_account},
    time::Timestamp,
};
use hcndc_store_mysql::{SqlError, SqlStore, Upkeep};

pub(super) use self::{role::RoleArgs, token::TokenArgs, user::UserArgs};
use super::{
    Exit,
    client::Served,
    db::{DatabaseArgs, now},
    pick,
    remote::RemoteError,
    runtime, say,
    server_args::ServerArgs,
    warn, warn_error,
};
use crate::{
    auth::{Auth, NoRandomness, PasswordError, WeakPassword, directory::DirectoryError},
    causes::with_causes,
    interchange::Lang,
};

/// Why a command on accounts was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("{0:?}: an account has 1 to 64 characters, without spaces and slashes")]
    BadAccount(String),
    #[error("there is no user {name:?}{}", meant(near.as_deref()))]
    UnknownUser { name: String, near: Option<String> },
    #[error("there is no role {name:?}{}", meant(near.as_deref()))]
    UnknownRole { name: String, near: Option<String> },
    #[error("there is no token {0}")]
    UnknownToken(u64),
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("cannot read the password")]
    Input(#[source] std::io::Error),
    #[error("{0}")]
    Outside(String),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// What was meant, perhaps.
fn meant(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

impl AccountError {
    /// It in a sentence, where it is of names.
    pub(super) fn message(&self, lang: Lang) -> String {
        let meant = |near: &Option<String>| {
            let near = near.as_ref();
            near.map_or_else(String::new, |near| format!("；是否指 {near:?}？"))
        };
        match (self, lang) {
            (Self::UnknownUser { name, near }, Lang::Zh) => {
                format!("没有用户 {name:?}{}", meant(near))
            }
            (Self::UnknownRole { name, near }, Lang::Zh) => {
                format!("没有角色 {name:?}{}", meant(near))
            }
            _ => with_causes(self),
        }
    }
}

/// Accounts of a database, and what is done to them written down.
struct Desk {
    upkeep: Upkeep,
    auth: Auth,
}

impl Desk {
    /// Opens the database, which must be there and up to date.
    async fn open(database: &DatabaseArgs) -> Result<Self, AccountError> {
        // What a driver does is deep: in boxes it does not make each command's own state deeper.
        let upkeep = Box::pin(database.open()).await?;
        let store: SqlStore = Box::pin(upkeep.store()).await?.clone();
        let auth = Auth::new(Arc::new(store));
        Ok(Self { upkeep, auth })
    }

    fn accounts(&self) -> &dyn Accounts {
        self.auth.accounts()
    }

    async fn user(&self, account: &str) -> Result<User, AccountError> {
        let normal = normal(account)?;
        let found = self.accounts().find_user(&normal).await?;
        let (user, _) = found.ok_or_else(|| AccountError::UnknownUser {
            name: account.to_owned(),
            near: None,
        })?;
        Ok(user)
    }

    /// Writes down what was done, by whoever has the host's user.
    async fn did(
        &self,
        action: &str,
        kind: &str,
        object: u64,
        name: &str,
    ) -> Result<(), AccountError> {
        let entry = by_host(now(), action, kind, object, name);
        Ok(self.accounts().record(&[entry]).await?)
    }

    async fn close(self) -> Result<(), AccountError> {
        Ok(Box::pin(self.upkeep.close()).await?)
    }
}

/// What was done by whoever has the host's user, to be written down.
pub(super) fn by_host(
    at: Timestamp,
    action: &str,
    kind: &str,
    object: u64,
    name: &str,
) -> AuditEntry {
    AuditEntry {
        at,
        account: host_user(),
        address: "localhost".to_owned(),
        method: "cli".to_owned(),
        action: action.to_owned(),
        kind: kind.to_owned(),
        object: Some(object),
        name: name.to_owned(),
        before: None,
        after: None,
    }
}

/// The user of the operating system who runs this.
fn host_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let user = user.ok().flatten();
    user.map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.name)
}

fn normal(account: &str) -> Result<String, AccountError> {
    normal_account(account).ok_or_else(|| AccountError::BadAccount(account.to_owned()))
}

fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

/// Does the work on a runtime; what kept it from being done is told here.
fn done(lang: Lang, work: impl Future<Output = Result<Exit, AccountError>>) -> Exit {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        let doing = pick(lang, "nothing was changed", "没有任何改动");
        warn_error(lang, doing, error);
        Exit::Failed
    };
    match runtime() {
        Err(error) => failed(&error),
        Ok(runtime) => match runtime.block_on(work) {
            Ok(exit) => exit,
            Err(error) => {
                failed(&error);
                match &error {
                    AccountError::Accounts(error)
                        if error.kind() != hcndc_core::port::ErrorKind::Invalid =>
                    {
                        Exit::Failed
                    }
                    AccountError::Database(SqlError::Address { .. })
                    | AccountError::Accounts(_)
                    | AccountError::BadAccount(_)
                    | AccountError::UnknownUser { .. }
                    | AccountError::UnknownRole { .. }
                    | AccountError::UnknownToken(_)
                    | AccountError::Outside(_)
                    | AccountError::Weak(_) => Exit::Wrong,
                    _ => Exit::Failed,
                }
            }
        },
    }
}

/// Does the work over a server's API if one is named, else in the database.
fn there_or_here(
    server: &ServerArgs,
    lang: Lang,
    there: impl AsyncFnOnce(Served) -> Result<Exit, RemoteError>,
    here: impl Future<Output = Result<Exit, AccountError>>,
) -> Exit {
    match server.named(lang) {
        Ok(None) => done(lang, here),
        Ok(Some(served)) => super::remote::done(lang, there(served)),
        Err(error) => super::remote::done(lang, async { Err(error.into()) }),
    }
}

pub(super) fn user(args: &UserArgs, lang: Lang) -> Exit {
    let there = async |served| remote::user(served, &args.command, lang).await;
    there_or_here(&args.server, lang, there, user::run(args, lang))
}

pub(super) fn role(args: &RoleArgs, lang: Lang) -> Exit {
    let there = async |served| remote::role(served, &args.command, lang).await;
    there_or_here(&args.server, lang, there, role::run(args, lang))
}

pub(super) fn token(args: &TokenArgs, lang: Lang) -> Exit {
    let there = async |served| remote::token(served, &args.command, lang).await;
    there_or_here(&args.server, lang, there, token::run(args, lang))
}

/// A password that is typed in, or comes through a pipe: one line.
fn read_password() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Tells a password that was made.
fn tell_password(password: Option<String>, lang: Lang) {
    if let Some(password) = password {
        warn(pick(
            lang,
            "the password, told once; it must be changed at the first sign-in:",
            "密码（只显示一次，首次登录时须修改）：",
        ));
        say(password);
    }
}
