//! `hcndc flow`.

use clap::{Args, Subcommand};

use super::{
    Desk, RemoteError, Talk,
    execution::{RunArgs, Started},
    nouns::FLOW,
    resource::{DefinitionListArgs, DirectoryArgs, EnabledArgs, ResourceCommand, SwitchCommand},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `flow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc flow list --directory /retail
  hcndc flow show nightly
  hcndc flow run nightly --date 2026-11-21 --watch
  hcndc flow run nightly --job nightly/load --set region=eu
  hcndc flow delete old-flow --yes")]
pub(in crate::cli) struct FlowArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: FlowCommand,
}

#[derive(Debug, Subcommand)]
enum FlowCommand {
    /// List flows
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Run a flow now, or some jobs of it
    Run(FlowRunArgs),
    #[command(flatten)]
    Common(ResourceCommand),
    #[command(flatten)]
    Switch(SwitchCommand),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    list: DefinitionListArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(flatten)]
    enabled: EnabledArgs,
}

#[derive(Debug, Args)]
struct FlowRunArgs {
    /// The flow, by name or id
    flow: String,
    /// Only this job of it, as flow/job or by id; may be given several times
    #[arg(long, value_name = "JOB")]
    job: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &FlowArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        FlowCommand::List(args) => {
            let filters = args.list.filters();
            let filters = filters
                .with("directory", args.directory.directory.as_ref())
                .with("enabled", args.enabled.enabled);
            desk.list(FLOW.path, filters, &args.list.page, FLOW.columns)
                .await
        }
        FlowCommand::Run(args) => run_flow(&desk, args).await,
        FlowCommand::Common(command) => desk.resource(&FLOW, command).await,
        FlowCommand::Switch(command) => desk.switch(&FLOW, command).await,
    }
}

async fn run_flow(desk: &Desk, args: &FlowRunArgs) -> Result<Exit, RemoteError> {
    let started = Started {
        flows: vec![args.flow.clone()],
        jobs: args.job.clone(),
    };
    desk.start(started, &args.run).await
}
