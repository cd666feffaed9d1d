//! `hcndc user`.

use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use hcndc_core::{
    id::RoleId,
    port::{Origin, PasswordHash, UserDraft},
};

use super::{AccountError, Desk, check, normal, read_password, tell_password, time};
use crate::{
    api::role_names,
    auth::{Passwords, one_time_password},
    cli::{
        Exit,
        db::{DatabaseArgs, now},
        pick, print,
        server_args::ServerArgs,
    },
    interchange::{Lang, all_users},
};

/// Arguments of `user`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc user create ann --role operators
  hcndc user list --server https://hcndc.example.com")]
pub(in crate::cli) struct UserArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(subcommand)]
    pub(super) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List users, with their roles
    List(ListArgs),
    /// Make a user, and print a password for one use
    Create(CreateArgs),
    /// Give a user another password, and print it unless it is given; its sessions end
    Password(PasswordArgs),
    /// Give a user roles, in the place of those that it has
    Roles(RolesArgs),
    /// Let a user sign in no more; its sessions end, and its tokens are refused
    Disable(OneArgs),
    /// Let a user sign in again
    Enable(OneArgs),
    /// Delete a user, its sessions and its tokens
    Delete(OneArgs),
    /// Ask the directory for somebody, and tell what it says; changes nothing
    Check(Box<check::CheckArgs>),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(super) struct OneArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The account
    pub(super) account: String,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
    /// Name for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) name: String,
    /// A role that it has; may be given several times
    #[arg(long, value_name = "ROLE")]
    pub(super) role: Vec<String>,
    /// Who vouches for it: a password of the server, a directory or a provider; only the first makes a password
    #[arg(long, value_enum, value_name = "ORIGIN", default_value = "local")]
    pub(super) origin: OriginName,
    /// Read the password from the standard input, one line, instead of making one
    #[arg(long)]
    pub(super) password_stdin: bool,
}

/// Who vouches for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OriginName {
    Local,
    Ldap,
    Oidc,
}

impl From<OriginName> for Origin {
    fn from(name: OriginName) -> Self {
        match name {
            OriginName::Local => Self::Local,
            OriginName::Ldap => Self::Ldap,
            OriginName::Oidc => Self::Oidc,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RolesArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
    /// A role that it has; may be given several times
    #[arg(long, value_name = "ROLE")]
    pub(super) role: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
    /// Read the password from the standard input, one line, instead of making one
    #[arg(long)]
    pub(super) password_stdin: bool,
}

pub(super) async fn run(args: &UserArgs, lang: Lang) -> Result<Exit, AccountError> {
    match &args.command {
        UserCommand::List(args) => list(args, lang).await,
        UserCommand::Create(args) => create(args, lang).await,
        UserCommand::Password(args) => password(args, lang).await,
        UserCommand::Roles(args) => {
            let desk = Desk::open(&args.one.database).await?;
            let roles = roles(&desk, &args.role).await?;
            change(desk, &args.one, |draft| draft.roles = roles).await
        }
        UserCommand::Disable(args) => {
            let desk = Desk::open(&args.database).await?;
            change(desk, args, |draft| draft.enabled = false).await
        }
        UserCommand::Enable(args) => {
            let desk = Desk::open(&args.database).await?;
            change(desk, args, |draft| draft.enabled = true).await
        }
        UserCommand::Delete(args) => {
            let desk = Desk::open(&args.database).await?;
            let user = desk.user(&args.account).await?;
            desk.accounts().delete_user(user.id, None).await?;
            desk.did("delete", "user", user.id.0, &user.account).await?;
            desk.close().await?;
            Ok(Exit::Success)
        }
        UserCommand::Check(args) => check::run(args, lang).await,
    }
}

async fn list(args: &ListArgs, lang: Lang) -> Result<Exit, AccountError> {
    let desk = Desk::open(&args.database).await?;
    let names = role_names(desk.accounts()).await?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(match lang {
        Lang::En => ["account", "name", "roles", "from", "signed in", ""],
        Lang::Zh => ["账号", "姓名", "角色", "来源", "最近登录", ""],
    });
    for user in all_users(desk.accounts()).await? {
        let roles = user.roles.iter().filter_map(|role| names.get(role));
        let roles: Vec<_> = roles.map(String::as_str).collect();
        let state = match (user.enabled, user.must_change_password) {
            (false, _) => pick(lang, "disabled", "已停用"),
            (true, true) => pick(lang, "must change the password", "须修改密码"),
            (true, false) => "",
        };
        let signed_in = time(user.signed_in_at);
        table.add_row([
            user.account.as_str(),
            &user.name,
            &roles.join(", "),
            user.origin.as_str(),
            &signed_in,
            state,
        ]);
    }
    desk.close().await?;
    Ok(print(lang, table.trim_fmt()))
}

/// Ids of roles of these names.
async fn roles(desk: &Desk, named: &[String]) -> Result<Vec<RoleId>, AccountError> {
    let names = role_names(desk.accounts()).await?;
    let find = |name: &String| {
        let mut found = names.iter().filter(|(_, other)| *other == name);
        let found = found.next().map(|(id, _)| *id);
        found.ok_or_else(|| AccountError::UnknownRole {
            name: name.clone(),
            near: None,
        })
    };
    named.iter().map(find).collect()
}

/// A password that was typed in, or one that is made; and whether it is to be told.
async fn choose(
    desk: &Desk,
    account: &str,
    from_stdin: bool,
) -> Result<(PasswordHash, Option<String>), AccountError> {
    let (password, told) = if from_stdin {
        let password = read_password().map_err(AccountError::Input)?;
        Passwords::check(account, &password, None)?;
        (password, None)
    } else {
        let password = one_time_password()?;
        (password.clone(), Some(password))
    };
    let phc = desk.auth.passwords().hash(&password).await?;
    // Who typed it in may be its user, or may tell it them: one that was made is for one use.
    let must_change = told.is_some();
    Ok((PasswordHash { phc, must_change }, told))
}

async fn create(args: &CreateArgs, lang: Lang) -> Result<Exit, AccountError> {
    let desk = Desk::open(&args.one.database).await?;
    let account = normal(&args.one.account)?;
    let roles = roles(&desk, &args.role).await?;
    let origin = Origin::from(args.origin);
    let (hash, told) = match origin {
        Origin::Local => {
            let (hash, told) = choose(&desk, &account, args.password_stdin).await?;
            (Some(hash), told)
        }
        Origin::Ldap | Origin::Oidc => (None, None),
    };
    let draft = UserDraft {
        account,
        name: args.name.clone(),
        enabled: true,
        roles,
        origin,
        subject: None,
    };
    let made = desk
        .accounts()
        .create_user(&draft, hash.as_ref(), now())
        .await?;
    desk.did("create", "user", made.id.0, &made.account).await?;
    desk.close().await?;
    tell_password(told, lang);
    Ok(Exit::Success)
}

async fn password(args: &PasswordArgs, lang: Lang) -> Result<Exit, AccountError> {
    let desk = Desk::open(&args.one.database).await?;
    let user = desk.user(&args.one.account).await?;
    let (hash, told) = choose(&desk, &user.account, args.password_stdin).await?;
    desk.accounts().set_password(user.id, &hash, now()).await?;
    desk.did("set_password", "user", user.id.0, &user.account)
        .await?;
    desk.close().await?;
    tell_password(told, lang);
    Ok(Exit::Success)
}

async fn change(
    desk: Desk,
    args: &OneArgs,
    change: impl FnOnce(&mut UserDraft) + Send,
) -> Result<Exit, AccountError> {
    let user = desk.user(&args.account).await?;
    let mut draft = UserDraft {
        account: user.account,
        name: user.name,
        enabled: user.enabled,
        roles: user.roles,
        origin: user.origin,
        subject: None,
    };
    change(&mut draft);
    let version = Some(user.version);
    desk.accounts()
        .change_user(user.id, version, &draft, now())
        .await?;
    desk.did("change", "user", user.id.0, &draft.account)
        .await?;
    desk.close().await?;
    Ok(Exit::Success)
}
