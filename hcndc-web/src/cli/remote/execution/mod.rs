//! `hcndc execution`.

mod control;
mod explain;
mod logs;
mod runs;
mod start;
mod watch;

use clap::{Args, Subcommand};

pub(super) use self::{
    runs::{JobsArgs, list as list_jobs},
    start::{RunArgs, Started, params},
    watch::ended_well,
};
use super::{
    Desk, RemoteError, Talk,
    list::{Filters, PageArgs},
    nouns::{FLOW, SCHEDULE, progress, took},
    table::{Column, How, fields, table},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `execution`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc execution list --state running,failed
  hcndc execution start extract load --date 2026-11-21 --watch
  hcndc execution watch 42
  hcndc execution logs 42 load/orders -f
  hcndc execution explain 42 load/orders
  hcndc execution resume 42
  hcndc execution rerun 42 --from load/orders

Exit codes of watch and of --watch: 0 all succeeded, 1 failed or stopped, 130 interrupted (the execution goes on)")]
pub(in crate::cli) struct ExecutionArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: ExecutionCommand,
}

#[derive(Debug, Subcommand)]
enum ExecutionCommand {
    /// List executions, the newest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show an execution: where it stands, and its flows
    #[command(visible_alias = "get")]
    Show(IdArgs),
    /// List the jobs of an execution, and where each stands
    Jobs(JobsArgs),
    /// Start flows, or some jobs, all in one execution
    Start(StartArgs),
    /// Follow an execution to its end
    Watch(IdArgs),
    /// Print what the jobs of an execution wrote
    Logs(logs::LogsArgs),
    /// Kill what runs, and end executions
    Stop(control::StopArgs),
    /// Let what runs end, and start nothing more
    Pause(control::IdsArgs),
    /// Let paused executions go on
    Unpause(control::IdsArgs),
    /// Go on with failed or stopped executions where they broke; what succeeded is not run again
    Resume(control::AgainArgs),
    /// Run jobs and all below them again
    Rerun(control::RerunArgs),
    /// Run all of an execution anew, also what had succeeded
    Reset(control::ResetArgs),
    /// Settle jobs that wait or have failed as skipped
    Skip(control::SettleArgs),
    /// Settle jobs that wait or have failed as succeeded
    MarkSucceeded(control::SettleArgs),
    /// Kill jobs that run or are queued, without a retry
    Kill(control::KillArgs),
    /// Tell why jobs have not started, or what became of them
    Explain(explain::ExplainArgs),
    /// List who did what to an execution
    Actions(ActionsArgs),
}

/// Which execution.
#[derive(Debug, Args)]
pub(super) struct IdArgs {
    /// Id of the execution
    #[arg(value_name = "EXECUTION")]
    execution: u64,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those in these states, with commas: running, paused, stopping, succeeded, failed, stopped
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only those of this flow
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    /// Only for this data date and later ones
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only for this data date and earlier ones
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Only those of this schedule
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// Only those of this backfill
    #[arg(long, value_name = "BACKFILL")]
    backfill: Option<u64>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
struct StartArgs {
    /// Flows, by name or id
    #[arg(value_name = "FLOW", required_unless_present = "job")]
    flows: Vec<String>,
    /// Only this job, as flow/job or by id; may be given several times
    #[arg(long, value_name = "JOB")]
    job: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Args)]
struct ActionsArgs {
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    page: PageArgs,
}

const COLUMNS: &[Column] = &[
    Column::new("id", "编号", "/id", How::Number),
    Column::new("state", "状态", "/state", How::State),
    Column::text("flows", "任务流", "/flows"),
    Column::text("data date", "数据日期", "/data_date"),
    Column::new("jobs", "任务", "", How::Made(progress)),
    Column::text("trigger", "触发", "/trigger"),
    Column::text("by", "发起人", "/started_by"),
    Column::new("started", "开始", "/started_at", How::Time),
    Column::new("took", "用时", "", How::Made(took)),
];

const FLOW_RUNS: &[Column] = &[
    Column::text("flow", "任务流", "/flow/name"),
    Column::new("state", "状态", "/state", How::State),
    Column::text("jobs", "任务", "/job_runs"),
    Column::new("started", "开始", "/started_at", How::Time),
    Column::new("took", "用时", "", How::Made(took)),
];

const ACTIONS: &[Column] = &[
    Column::new("at", "时间", "/at", How::Time),
    Column::text("by", "操作人", "/by"),
    Column::text("action", "操作", "/kind"),
    Column::new("job run", "任务执行", "/job_run", How::Number),
];

pub(super) async fn run(args: &ExecutionArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        ExecutionCommand::List(args) => list(&desk, args).await,
        ExecutionCommand::Show(args) => show(&desk, args.execution).await,
        ExecutionCommand::Jobs(args) => runs::list(&desk, args).await,
        ExecutionCommand::Start(args) => {
            let started = Started {
                flows: args.flows.clone(),
                jobs: args.job.clone(),
            };
            desk.start(started, &args.run).await
        }
        ExecutionCommand::Watch(args) => watch::watch(&desk, args.execution).await,
        ExecutionCommand::Logs(args) => logs::run(&desk, args).await,
        ExecutionCommand::Stop(args) => control::stop(&desk, args).await,
        ExecutionCommand::Pause(args) => control::each(&desk, args, "pause").await,
        ExecutionCommand::Unpause(args) => control::each(&desk, args, "unpause").await,
        ExecutionCommand::Resume(args) => control::resume(&desk, args).await,
        ExecutionCommand::Rerun(args) => control::rerun(&desk, args).await,
        ExecutionCommand::Reset(args) => control::reset(&desk, args).await,
        ExecutionCommand::Skip(args) => control::settle(&desk, args, "skip").await,
        ExecutionCommand::MarkSucceeded(args) => {
            control::settle(&desk, args, "mark-succeeded").await
        }
        ExecutionCommand::Kill(args) => control::kill(&desk, args).await,
        ExecutionCommand::Explain(args) => explain::run(&desk, args).await,
        ExecutionCommand::Actions(args) => {
            let path = format!("executions/{}/actions", args.id.execution);
            desk.list(&path, Filters::default(), &args.page, ACTIONS)
                .await
        }
    }
}

async fn list(desk: &Desk, args: &ListArgs) -> Result<Exit, RemoteError> {
    let mut filters = Filters::default()
        .with("state", args.state.as_ref())
        .with("data_date_from", args.from.as_ref())
        .with("data_date_to", args.to.as_ref())
        .with("backfill", args.backfill);
    if let Some(flow) = &args.flow {
        filters = filters.with("flow", Some(desk.id(&FLOW, flow).await?));
    }
    if let Some(schedule) = &args.schedule {
        filters = filters.with("schedule", Some(desk.id(&SCHEDULE, schedule).await?));
    }
    desk.list("executions", filters, &args.page, COLUMNS).await
}

async fn show(desk: &Desk, id: u64) -> Result<Exit, RemoteError> {
    let path = format!("/api/v1/executions/{id}");
    let execution = desk.served.json(&path).await?;
    if desk.json {
        return Ok(desk.tell(&execution, String::new));
    }
    let all = Filters::default();
    let path = format!("executions/{id}/flow-runs");
    // They come in one piece, whatever is asked for.
    let flows = desk.served.json(&all.path(&path)).await?;
    let flows = flows["items"].as_array().cloned().unwrap_or_default();
    let said = fields(&execution, desk.lang);
    let flows = table(FLOW_RUNS, &flows, desk.lang);
    Ok(desk.tell(&execution, || format!("{said}\n\n{flows}")))
}
