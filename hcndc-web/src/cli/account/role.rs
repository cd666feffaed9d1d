//! `hcndc role`.

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use hcndc_core::port::{Grant, Permission, RoleDraft};

use super::{AccountError, Desk};
use crate::{
    cli::{
        Exit,
        db::{DatabaseArgs, now},
        print,
        server_args::ServerArgs,
    },
    interchange::{Lang, all_roles},
};

/// Arguments of `role`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RoleArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(subcommand)]
    pub(super) command: RoleCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// List roles, and what they allow
    List(ListArgs),
    /// Make a role
    Create(RoleCreateArgs),
    /// Delete a role that no user has
    Delete(OneArgs),
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
    /// The role
    pub(super) role: String,
}

#[derive(Debug, Args)]
pub(super) struct RoleCreateArgs {
    #[command(flatten)]
    pub(super) one: OneArgs,
    /// Text for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) description: String,
    /// read, write, execute, schedule or admin; may be given several times
    #[arg(long, value_name = "PERMISSION", value_parser = permission, required = true)]
    pub(super) permission: Vec<Permission>,
    /// Only in this directory and below; may be given several times
    #[arg(long, value_name = "DIRECTORY", value_parser = directory)]
    pub(super) directory: Vec<String>,
}

/// Reads a permission.
pub(super) fn permission(text: &str) -> Result<Permission, String> {
    Permission::from_name(text).ok_or_else(|| "read, write, execute, schedule, admin".to_owned())
}

fn directory(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err("/…".to_owned()),
    }
}

pub(super) async fn run(args: &RoleArgs, lang: Lang) -> Result<Exit, AccountError> {
    match &args.command {
        RoleCommand::List(args) => {
            let desk = Desk::open(&args.database).await?;
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_header(match lang {
                Lang::En => ["role", "permissions", "directories", "description"],
                Lang::Zh => ["角色", "权限", "目录", "说明"],
            });
            for role in all_roles(desk.accounts()).await? {
                let permissions = role.grant.permissions.iter().map(|it| it.as_str());
                let permissions: Vec<_> = permissions.collect();
                let directories = role.grant.directories.join(", ");
                table.add_row([
                    &role.name,
                    &permissions.join(", "),
                    &directories,
                    &role.description,
                ]);
            }
            desk.close().await?;
            Ok(print(lang, table.trim_fmt()))
        }
        RoleCommand::Create(args) => {
            let desk = Desk::open(&args.one.database).await?;
            let mut permissions = args.permission.clone();
            permissions.sort_unstable();
            permissions.dedup();
            let draft = RoleDraft {
                name: args.one.role.clone(),
                description: args.description.clone(),
                grant: Grant {
                    permissions,
                    directories: args.directory.clone(),
                },
            };
            let made = desk.accounts().create_role(&draft, now()).await?;
            desk.did("create", "role", made.id.0, &made.name).await?;
            desk.close().await?;
            Ok(Exit::Success)
        }
        RoleCommand::Delete(args) => {
            let desk = Desk::open(&args.database).await?;
            let roles = all_roles(desk.accounts()).await?;
            let role = roles.into_iter().find(|role| role.name == args.role);
            let role = role.ok_or_else(|| AccountError::UnknownRole {
                name: args.role.clone(),
                near: None,
            })?;
            desk.accounts().delete_role(role.id, None).await?;
            desk.did("delete", "role", role.id.0, &role.name).await?;
            desk.close().await?;
            Ok(Exit::Success)
        }
    }
}
