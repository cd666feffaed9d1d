//! The same commands over a server's API, for whoever may `admin` there.

use std::collections::BTreeSet;

use hcndc_core::port::Origin;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    AccountError, check, read_password,
    role::{RoleCommand, RoleCreateArgs},
    tell_password,
    token::{TokenCommand, TokenCreateArgs},
    user::UserCommand,
};
use crate::cli::{
    Exit,
    client::Served,
    db::now,
    pick, print,
    remote::{
        Desk, RemoteError,
        list::Filters,
        table::{Column, How, table},
    },
    say,
};
use crate::interchange::{Lang, nearest};

const USERS: &[Column] = &[
    Column::text("account", "账号", "/account"),
    Column::text("name", "姓名", "/name"),
    Column::text("roles", "角色", "/roles"),
    Column::text("from", "来源", "/origin"),
    Column::new("signed in", "最近登录", "/signed_in_at", How::Time),
    Column::new("", "", "", How::Made(user_state)),
];

const ROLES: &[Column] = &[
    Column::text("role", "角色", "/name"),
    Column::text("permissions", "权限", "/permissions"),
    Column::text("directories", "目录", "/directories"),
    Column::text("description", "说明", "/description"),
];

const TOKENS: &[Column] = &[
    Column::new("token", "令牌", "/id", How::Number),
    Column::text("account", "账号", "/account"),
    Column::text("for", "用途", "/name"),
    Column::text("permissions", "权限", "/permissions"),
    Column::new("expires", "到期", "/expires_at", How::Time),
    Column::new("used", "最近使用", "/used_at", How::Time),
];

fn user_state(user: &Value, lang: Lang) -> String {
    let is = |name: &str| user[name].as_bool() == Some(true);
    match (is("enabled"), is("must_change_password")) {
        (false, _) => pick(lang, "disabled", "已停用"),
        (true, true) => pick(lang, "must change the password", "须修改密码"),
        (true, false) => "",
    }
    .to_owned()
}

fn desk(served: Served, lang: Lang) -> Desk {
    Desk {
        served,
        json: false,
        lang,
    }
}

/// What of a list has this name.
async fn find(
    desk: &Desk,
    path: &str,
    field: &'static str,
    name: &str,
    unknown: fn(String, Option<String>) -> AccountError,
) -> Result<u64, RemoteError> {
    let all = desk.items(path, &Filters::default(), usize::MAX).await?;
    let found = all.items.iter().find(|item| item[field] == name);
    if let Some(id) = found.and_then(|item| item["id"].as_u64()) {
        return Ok(id);
    }
    let names = all.items.iter().filter_map(|item| item[field].as_str());
    let near = nearest(name, names).map(str::to_owned);
    Err(RemoteError::Account(Box::new(unknown(
        name.to_owned(),
        near,
    ))))
}

async fn find_user(desk: &Desk, account: &str) -> Result<u64, RemoteError> {
    let unknown = |name, near| AccountError::UnknownUser { name, near };
    let account = account.to_lowercase();
    find(desk, "users", "account", &account, unknown).await
}

async fn list(desk: &Desk, path: &str, columns: &[Column]) -> Result<Exit, RemoteError> {
    let all = desk.items(path, &Filters::default(), usize::MAX).await?;
    Ok(print(desk.lang, table(columns, &all.items, desk.lang)))
}

pub(super) async fn user(
    served: Served,
    command: &UserCommand,
    lang: Lang,
) -> Result<Exit, RemoteError> {
    let desk = &desk(served, lang);
    match command {
        UserCommand::List(_) => list(desk, "users", USERS).await,
        UserCommand::Create(args) => {
            let given = password_of(args.password_stdin)?;
            let body = json!({
                "account": args.one.account,
                "name": args.name,
                "roles": args.role,
                "origin": Origin::from(args.origin).as_str(),
            });
            let made = desk
                .served
                .send(Method::POST, "/api/v1/users", &body)
                .await?;
            match given {
                Some(password) => {
                    let id = made["id"].as_u64();
                    let id = id.ok_or(RemoteError::Lacks { field: "id" })?;
                    set_password(desk, id, Some(password)).await
                }
                None => {
                    tell_password(one_time(&made), lang);
                    Ok(Exit::Success)
                }
            }
        }
        UserCommand::Password(args) => {
            let given = password_of(args.password_stdin)?;
            let id = find_user(desk, &args.one.account).await?;
            set_password(desk, id, given).await
        }
        UserCommand::Roles(args) => {
            change(desk, &args.one.account, json!({ "roles": args.role })).await
        }
        UserCommand::Disable(args) => {
            change(desk, &args.account, json!({ "enabled": false })).await
        }
        UserCommand::Enable(args) => change(desk, &args.account, json!({ "enabled": true })).await,
        UserCommand::Delete(args) => {
            let id = find_user(desk, &args.account).await?;
            delete(desk, "users", id).await
        }
        // The directory is asked from here, whatever server is named.
        UserCommand::Check(args) => {
            let checked = check::run(args, lang).await;
            checked.map_err(|error| RemoteError::Account(Box::new(error)))
        }
    }
}

fn password_of(from_stdin: bool) -> Result<Option<String>, RemoteError> {
    match from_stdin {
        true => Ok(Some(read_password().map_err(RemoteError::Terminal)?)),
        false => Ok(None),
    }
}

fn one_time(user: &Value) -> Option<String> {
    user["one_time_password"].as_str().map(str::to_owned)
}

async fn set_password(desk: &Desk, id: u64, password: Option<String>) -> Result<Exit, RemoteError> {
    let path = format!("/api/v1/users/{id}/password");
    let body = json!({ "password": password });
    let changed = desk.served.send(Method::PUT, &path, &body).await?;
    tell_password(one_time(&changed), desk.lang);
    Ok(Exit::Success)
}

async fn change(desk: &Desk, account: &str, body: Value) -> Result<Exit, RemoteError> {
    let id = find_user(desk, account).await?;
    let path = format!("/api/v1/users/{id}");
    desk.served.send(Method::PATCH, &path, &body).await?;
    Ok(Exit::Success)
}

async fn delete(desk: &Desk, list: &str, id: u64) -> Result<Exit, RemoteError> {
    let path = format!("/api/v1/{list}/{id}");
    desk.served
        .send(Method::DELETE, &path, &Value::Null)
        .await?;
    Ok(Exit::Success)
}

pub(super) async fn role(
    served: Served,
    command: &RoleCommand,
    lang: Lang,
) -> Result<Exit, RemoteError> {
    let desk = &desk(served, lang);
    match command {
        RoleCommand::List(_) => list(desk, "roles", ROLES).await,
        RoleCommand::Create(args) => create_role(desk, args).await,
        RoleCommand::Delete(args) => {
            let unknown = |name, near| AccountError::UnknownRole { name, near };
            let id = find(desk, "roles", "name", &args.role, unknown).await?;
            delete(desk, "roles", id).await
        }
    }
}

async fn create_role(desk: &Desk, args: &RoleCreateArgs) -> Result<Exit, RemoteError> {
    let permissions: BTreeSet<_> = args.permission.iter().collect();
    let permissions: Vec<&str> = permissions.into_iter().map(|it| it.as_str()).collect();
    let body = json!({
        "name": args.one.role,
        "description": args.description,
        "permissions": permissions,
        "directories": args.directory,
    });
    desk.served
        .send(Method::POST, "/api/v1/roles", &body)
        .await?;
    Ok(Exit::Success)
}

pub(super) async fn token(
    served: Served,
    command: &TokenCommand,
    lang: Lang,
) -> Result<Exit, RemoteError> {
    let desk = &desk(served, lang);
    match command {
        TokenCommand::List(_) => list(desk, "tokens", TOKENS).await,
        TokenCommand::Create(args) => create_token(desk, args).await,
        TokenCommand::Revoke(args) => delete(desk, "tokens", args.token).await,
    }
}

async fn create_token(desk: &Desk, args: &TokenCreateArgs) -> Result<Exit, RemoteError> {
    let permissions = match args.permission.is_empty() {
        // As much as whoever makes it may do.
        true => {
            let mut session = desk.served.json("/api/v1/session").await?;
            session["permissions"].take()
        }
        false => args.permission.iter().map(|it| it.as_str()).collect(),
    };
    let mut body = json!({ "name": args.name, "permissions": permissions });
    if let Some(account) = &args.account {
        body["account"] = json!(account);
    }
    if let Some(end) = args.end(now()) {
        body["expires_at"] = json!(end.to_string());
    }
    let made = desk
        .served
        .send(Method::POST, "/api/v1/tokens", &body)
        .await?;
    let token = made["token"].as_str();
    say(token.ok_or(RemoteError::Lacks { field: "token" })?);
    Ok(Exit::Success)
}
