//! `hcndc token`.

use std::time::Duration;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use hcndc_core::{
    id::TokenId,
    port::{AccountsError, Direction, NamedSort, PageRequest, Permission, TokenDraft, TokenQuery},
    time::Timestamp,
};

use super::{AccountError, Desk, role::permission, time};
use crate::{
    auth::{FIRST_ACCOUNT, TOKEN_PREFIX, fresh},
    cli::{
        Exit,
        db::{DatabaseArgs, now},
        print, say,
        server_args::ServerArgs,
    },
    interchange::Lang,
};

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TokenArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(subcommand)]
    pub(super) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// List tokens: whose, what for, until when, when they were used
    List(ListArgs),
    /// Make a token, and print it; it is told once
    Create(TokenCreateArgs),
    /// End a token at once
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(super) struct TokenCreateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Whose it is: it allows nothing that this user may not do; on the server's host admin's if not given, else one's own
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// What it is for
    pub(super) name: String,
    /// read, write, execute, schedule or admin; may be given several times; as much as one may do oneself if not given
    #[arg(long, value_name = "PERMISSION", value_parser = permission)]
    pub(super) permission: Vec<Permission>,
    /// Days until it is refused; 0 for never
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    days: u32,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Its number, as `list` tells it
    pub(super) token: u64,
}

impl TokenCreateArgs {
    /// When it is refused from, if it is made now.
    pub(super) fn end(&self, now: Timestamp) -> Option<Timestamp> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        (self.days > 0).then(|| now.after(DAY * self.days))
    }
}

pub(super) async fn run(args: &TokenArgs, lang: Lang) -> Result<Exit, AccountError> {
    match &args.command {
        TokenCommand::List(args) => list(args, lang).await,
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::Revoke(args) => {
            let desk = Desk::open(&args.database).await?;
            let ended = desk.accounts().delete_token(TokenId(args.token)).await;
            ended.map_err(|error| match error {
                AccountsError::Unknown => AccountError::UnknownToken(args.token),
                other => other.into(),
            })?;
            desk.did("delete", "token", args.token, "").await?;
            desk.close().await?;
            Ok(Exit::Success)
        }
    }
}

async fn list(args: &ListArgs, lang: Lang) -> Result<Exit, AccountError> {
    let desk = Desk::open(&args.database).await?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(match lang {
        Lang::En => ["token", "account", "for", "permissions", "expires", "used"],
        Lang::Zh => ["令牌", "账号", "用途", "权限", "到期", "最近使用"],
    });
    let mut query = TokenQuery {
        user: None,
        text: String::new(),
        sort: NamedSort::Id,
        page: PageRequest {
            after: None,
            limit: 1_000,
            direction: Direction::Ascending,
        },
    };
    loop {
        let page = desk.accounts().tokens(&query).await?;
        for token in page.items {
            let permissions: Vec<_> = token.permissions.iter().map(|it| it.as_str()).collect();
            table.add_row([
                token.id.to_string(),
                token.account,
                token.name,
                permissions.join(", "),
                time(token.expires_at),
                time(token.used_at),
            ]);
        }
        match page.next {
            Some(next) => query.page.after = Some(next),
            None => break,
        }
    }
    desk.close().await?;
    Ok(print(lang, table.trim_fmt()))
}

async fn create(args: &TokenCreateArgs) -> Result<Exit, AccountError> {
    let desk = Desk::open(&args.database).await?;
    let user = desk
        .user(args.account.as_deref().unwrap_or(FIRST_ACCOUNT))
        .await?;
    let mut permissions = match args.permission.is_empty() {
        true => Permission::ALL.to_vec(),
        false => args.permission.clone(),
    };
    permissions.sort_unstable();
    permissions.dedup();
    let now = now();
    let secret = fresh(TOKEN_PREFIX)?;
    let draft = TokenDraft {
        user: user.id,
        name: args.name.clone(),
        permissions,
        expires_at: args.end(now),
    };
    let made = desk
        .accounts()
        .create_token(secret.digest(), &draft, now)
        .await?;
    desk.did("create", "token", made.id.0, &made.name).await?;
    desk.close().await?;
    say(secret.reveal());
    Ok(Exit::Success)
}
