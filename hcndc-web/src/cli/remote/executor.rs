//! `hcndc executor`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::{
    Desk, RemoteError, Talk,
    nouns::EXECUTOR,
    resource::{DefinitionListArgs, EnabledArgs, OneArgs, ResourceCommand, SwitchCommand},
};
use crate::{
    cli::{Exit, executor::LocalArgs},
    interchange::Lang,
};

/// Arguments of `executor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc executor list
  hcndc executor test etl-3
  hcndc executor disable etl-3")]
pub(in crate::cli) struct ExecutorArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: ExecutorCommand,
}

#[derive(Debug, Subcommand)]
enum ExecutorCommand {
    /// List executors, and how they are doing
    #[command(visible_alias = "ls")]
    List(ListArgs),
    #[command(flatten)]
    Common(ResourceCommand),
    #[command(flatten)]
    Switch(SwitchCommand),
    /// Ask one who it is, and tell what is wrong if it cannot be used; the exit code tells, too
    Test(OneArgs),
    /// Run an executor for the server on this host (the server starts it itself)
    #[command(hide = true)]
    Local(LocalArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    list: DefinitionListArgs,
    #[command(flatten)]
    enabled: EnabledArgs,
}

impl ExecutorArgs {
    /// What it says, if it is to be the executor itself.
    pub(in crate::cli) const fn local(&self) -> Option<&LocalArgs> {
        match &self.command {
            ExecutorCommand::Local(args) => Some(args),
            _ => None,
        }
    }
}

pub(super) async fn run(args: &ExecutorArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        ExecutorCommand::List(args) => {
            let filters = args.list.filters().with("enabled", args.enabled.enabled);
            desk.list(EXECUTOR.path, filters, &args.list.page, EXECUTOR.columns)
                .await
        }
        ExecutorCommand::Common(command) => desk.resource(&EXECUTOR, command).await,
        ExecutorCommand::Switch(command) => desk.switch(&EXECUTOR, command).await,
        ExecutorCommand::Test(args) => test(&desk, args.name()).await,
        // It talks to nobody, and is started before it comes here.
        ExecutorCommand::Local(_) => Ok(Exit::Wrong),
    }
}

async fn test(desk: &Desk, name: &str) -> Result<Exit, RemoteError> {
    let id = desk.id(&EXECUTOR, name).await?;
    let path = format!("/api/v1/executors/{id}/test");
    let tested = desk.served.send(Method::POST, &path, &Value::Null).await?;
    let reached = tested["reached"].as_bool().unwrap_or(false);
    let told = desk.tell(&tested, || {
        let text = |name: &str| tested[name].as_str().unwrap_or_default();
        let took = tested["took_ms"].as_u64().unwrap_or(0);
        match (reached, desk.lang) {
            (true, Lang::En) => format!(
                "executor {name} answered in {took} ms: {}, version {}",
                text("name"),
                text("program_version")
            ),
            (true, Lang::Zh) => format!(
                "执行服务器 {name} 在 {took} ms 内应答：{}，版本 {}",
                text("name"),
                text("program_version")
            ),
            (false, Lang::En) => format!("executor {name} cannot be used: {}", text("message")),
            (false, Lang::Zh) => format!("执行服务器 {name} 不可用：{}", text("message")),
        }
    });
    Ok(match reached {
        true => told,
        false => Exit::Failed,
    })
}
