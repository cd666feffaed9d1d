//! `hcndc job`.

use clap::{Args, Subcommand};

use super::{
    RemoteError, Talk,
    execution::{RunArgs, Started},
    nouns::{FLOW, JOB},
    resource::{DefinitionListArgs, EnabledArgs, ResourceCommand, SwitchCommand},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `job`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc job list --flow nightly
  hcndc job show nightly/load
  hcndc job run nightly/load --date 2026-11-21 --watch
  hcndc job disable nightly/load")]
pub(in crate::cli) struct JobArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: JobCommand,
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// List jobs
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Run jobs by themselves now, without what they depend on
    Run(JobRunArgs),
    #[command(flatten)]
    Common(ResourceCommand),
    #[command(flatten)]
    Switch(SwitchCommand),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those of this flow
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    #[command(flatten)]
    list: DefinitionListArgs,
    #[command(flatten)]
    enabled: EnabledArgs,
}

#[derive(Debug, Args)]
struct JobRunArgs {
    /// The jobs, as flow/job or by id
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) async fn run(args: &JobArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        JobCommand::List(args) => {
            let mut filters = args.list.filters().with("enabled", args.enabled.enabled);
            if let Some(flow) = &args.flow {
                filters = filters.with("flow", Some(desk.id(&FLOW, flow).await?));
            }
            desk.list(JOB.path, filters, &args.list.page, JOB.columns)
                .await
        }
        JobCommand::Run(args) => {
            let started = Started {
                flows: Vec::new(),
                jobs: args.jobs.clone(),
            };
            desk.start(started, &args.run).await
        }
        JobCommand::Common(command) => desk.resource(&JOB, command).await,
        JobCommand::Switch(command) => desk.switch(&JOB, command).await,
    }
}
