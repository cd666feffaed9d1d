//! `hcndc job`.

use clap::{Args, Subcommand};
use hcndc_core::model::Param;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError, Talk,
    execution::{RunArgs, Started, params},
    nouns::{FLOW, JOB},
    resource::{DefinitionListArgs, EnabledArgs, ResourceCommand, SwitchCommand},
};
use crate::{
    cli::{Exit, run::assignment, warn},
    interchange::Lang,
};

/// Arguments of `job`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc job list --flow nightly
  hcndc job show nightly/load
  hcndc job preview nightly/load --date 2026-11-21
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
    /// Tell what an executor would be sent to run a job for a date, with all params in their places; runs nothing
    Preview(PreviewArgs),
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

#[derive(Debug, Args)]
struct PreviewArgs {
    /// The job, as flow/job or by id
    job: String,
    /// Data date, YYYY-MM-DD; yesterday in the server's zone if not given
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// How dates are written in commands where a placeholder does not say so itself, as of strftime; %Y-%m-%d if not given
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<String>,
    /// Value of a param, before all others; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<Param>,
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
        JobCommand::Preview(args) => preview(&desk, args).await,
        JobCommand::Common(command) => desk.resource(&JOB, command).await,
        JobCommand::Switch(command) => desk.switch(&JOB, command).await,
    }
}

/// What would be sent; a failure where an attempt could not begin.
async fn preview(desk: &Desk, args: &PreviewArgs) -> Result<Exit, RemoteError> {
    let id = desk.id(&JOB, &args.job).await?;
    let path = format!("/api/v1/jobs/{id}/preview");
    let body = json!({
        "data_date": args.date,
        "date_format": args.date_format,
        "params": params(&args.set),
    });
    let told = desk.served.send(Method::POST, &path, &body).await?;
    let exit = desk.tell(&told, || command_text(&told, desk.lang));
    let Some(trouble) = told["trouble"].as_str() else {
        return Ok(exit);
    };
    warn(match desk.lang {
        Lang::En => format!("an attempt could not begin: {trouble}"),
        Lang::Zh => format!("尝试无法开始：{trouble}"),
    });
    Ok(Exit::Failed)
}

fn command_text(told: &Value, lang: Lang) -> String {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    };
    let mut text = told["command"].as_str().unwrap_or_default().to_owned();
    let mut add = |en: &str, zh: &str, value: &str| {
        if !value.is_empty() {
            let word = match lang {
                Lang::En => en,
                Lang::Zh => zh,
            };
            text.push_str(&format!("\n# {word}: {value}"));
        }
    };
    add("arguments", "参数", &texts(&told["args"]).join(" "));
    let workdir = told["workdir"].as_str().unwrap_or_default();
    add("working directory", "工作目录", workdir);
    let outputs = texts(&told["outputs"]).join(", ");
    add("known only in an execution", "执行时才知道的参数", &outputs);
    text
}
