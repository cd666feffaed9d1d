//! `hcndc job-run`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Desk, RemoteError, Talk,
    execution::{JobsArgs, list_jobs},
    nouns::took,
    table::{Column, How, fields, table},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `job-run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc job-run list 42 --state failed
  hcndc job-run show 1204")]
pub(in crate::cli) struct JobRunArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: JobRunCommand,
}

#[derive(Debug, Subcommand)]
enum JobRunCommand {
    /// List the job runs of an execution, and where each stands
    #[command(visible_alias = "ls")]
    List(JobsArgs),
    /// Show a job run: where it stands, what it has put out, and its attempts
    #[command(visible_alias = "get")]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Id of the job run
    #[arg(value_name = "JOB_RUN")]
    job_run: u64,
}

const ATTEMPTS: &[Column] = &[
    Column::new("attempt", "尝试", "/number", How::Number),
    Column::new("state", "状态", "/state", How::State),
    Column::new("exit", "退出码", "/exit_code", How::Number),
    Column::new("executor", "执行服务器", "/executor", How::Number),
    Column::new("dispatched", "派发", "/dispatched_at", How::Time),
    Column::new("took", "用时", "", How::Made(took)),
    Column::text("what became of it", "结果", "/message"),
];

pub(super) async fn run(args: &JobRunArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        JobRunCommand::List(args) => list_jobs(&desk, args).await,
        JobRunCommand::Show(args) => show(&desk, args.job_run).await,
    }
}

async fn show(desk: &Desk, id: u64) -> Result<Exit, RemoteError> {
    let path = format!("/api/v1/job-runs/{id}");
    let mut run = desk.served.json(&path).await?;
    let mut attempts = desk.served.json(&format!("{path}/attempts")).await?;
    let attempts = match attempts["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    if desk.json {
        run["attempts"] = Value::Array(attempts);
        return Ok(desk.tell(&run, String::new));
    }
    let said = fields(&run, desk.lang);
    let attempts = table(ATTEMPTS, &attempts, desk.lang);
    Ok(desk.tell(&run, || format!("{said}\n\n{attempts}")))
}
