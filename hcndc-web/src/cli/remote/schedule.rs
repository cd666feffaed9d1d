//! `hcndc schedule`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError, Talk,
    execution::RunArgs,
    list::{Filters, PageArgs},
    nouns::{FLOW, SCHEDULE},
    resource::{DefinitionListArgs, DirectoryArgs, OneArgs, ResourceCommand, SomeArgs},
    table::{Column, How, table},
    words,
};
use crate::{
    cli::{Exit, print, say},
    interchange::Lang,
};

/// Arguments of `schedule`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc schedule list --paused true
  hcndc schedule next nightly --count 5
  hcndc schedule pause nightly weekly
  hcndc schedule run nightly --date 2026-11-21 --watch
  hcndc schedule explain nightly")]
pub(in crate::cli) struct ScheduleArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: ScheduleCommand,
}

#[derive(Debug, Subcommand)]
enum ScheduleCommand {
    /// List schedules, with their next times
    #[command(visible_alias = "ls")]
    List(ListArgs),
    #[command(flatten)]
    Common(ResourceCommand),
    /// Run a schedule now, beside its times
    Run(ScheduleRunArgs),
    /// Let schedules fire no more until they are resumed
    Pause(SomeArgs),
    /// Let schedules fire again; what fell into the pause is skipped
    Resume(SomeArgs),
    /// Tell the next times, and the data date of each
    Next(NextArgs),
    /// Tell why a schedule does not fire now, and what became of its last firing
    Explain(OneArgs),
    /// List what became of the firings, the newest first
    Firings(FiringsArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those of this flow
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    /// Only those that are paused (true) or not (false)
    #[arg(long, value_name = "BOOL")]
    paused: Option<bool>,
    #[command(flatten)]
    list: DefinitionListArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
}

#[derive(Debug, Args)]
struct ScheduleRunArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Args)]
struct NextArgs {
    #[command(flatten)]
    one: OneArgs,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    count: u32,
}

#[derive(Debug, Args)]
struct FiringsArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    page: PageArgs,
}

const TIMES: &[Column] = &[
    Column::new("time", "时间", "/time", How::Time),
    Column::text("data date", "数据日期", "/data_date"),
];

const FIRINGS: &[Column] = &[
    Column::new("id", "编号", "/id", How::Number),
    Column::new("due", "触发时间", "/to", How::Time),
    Column::text("data date", "数据日期", "/data_date"),
    Column::new("outcome", "结果", "/outcome", How::State),
    Column::text("reason", "原因", "/reason"),
    Column::new("execution", "执行", "/execution", How::Number),
];

pub(super) async fn run(args: &ScheduleArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        ScheduleCommand::List(args) => {
            let mut filters = args
                .list
                .filters()
                .with("directory", args.directory.directory.as_ref())
                .with("enabled", args.paused.map(|paused| !paused));
            if let Some(flow) = &args.flow {
                filters = filters.with("flow", Some(desk.id(&FLOW, flow).await?));
            }
            desk.list(SCHEDULE.path, filters, &args.list.page, SCHEDULE.columns)
                .await
        }
        ScheduleCommand::Common(command) => desk.resource(&SCHEDULE, command).await,
        ScheduleCommand::Run(args) => {
            let id = desk.id(&SCHEDULE, args.one.name()).await?;
            let path = format!("/api/v1/schedules/{id}/run");
            let body = args.run.schedule_body();
            let execution = desk.served.start(&path, &body, &args.run.key()).await?;
            desk.started(execution, &args.run).await
        }
        ScheduleCommand::Pause(args) => switch(&desk, args, true).await,
        ScheduleCommand::Resume(args) => switch(&desk, args, false).await,
        ScheduleCommand::Next(args) => next(&desk, args).await,
        ScheduleCommand::Explain(args) => {
            let id = desk.id(&SCHEDULE, args.name()).await?;
            let path = format!("/api/v1/schedules/{id}/explain");
            let explained = desk.served.json(&path).await?;
            Ok(desk.tell(&explained, || explanation(&desk, &explained)))
        }
        ScheduleCommand::Firings(args) => {
            let id = desk.id(&SCHEDULE, args.one.name()).await?;
            let filters = Filters::default().with("schedule", Some(id));
            desk.list("firings", filters, &args.page, FIRINGS).await
        }
    }
}

async fn switch(desk: &Desk, args: &SomeArgs, pause: bool) -> Result<Exit, RemoteError> {
    let mut ids = Vec::new();
    for name in args.names() {
        ids.push(desk.id(&SCHEDULE, name).await?);
    }
    let verb = match pause {
        true => "pause",
        false => "resume",
    };
    let path = format!("/api/v1/schedules/{verb}");
    let body = json!({ "ids": ids });
    let answer = desk.served.send(Method::POST, &path, &body).await?;
    if desk.json {
        return Ok(print(desk.lang, format_args!("{answer:#}")));
    }
    for name in args.names() {
        say(match (pause, desk.lang) {
            (true, Lang::En) => format!("schedule {name}: paused"),
            (false, Lang::En) => format!("schedule {name}: resumed"),
            (true, Lang::Zh) => format!("调度 {name}：已暂停"),
            (false, Lang::Zh) => format!("调度 {name}：已恢复"),
        });
    }
    Ok(Exit::Success)
}

async fn next(desk: &Desk, args: &NextArgs) -> Result<Exit, RemoteError> {
    let id = desk.id(&SCHEDULE, args.one.name()).await?;
    let path = format!("/api/v1/schedules/{id}/next?count={}", args.count);
    let times = desk.served.json(&path).await?;
    Ok(desk.tell(&times, || {
        let next = times["next"].as_array().into_iter().flatten();
        let dates = times["data_dates"].as_array().into_iter().flatten();
        let rows: Vec<Value> = next
            .zip(dates)
            .map(|(time, date)| json!({ "time": time, "data_date": date }))
            .collect();
        match rows.is_empty() {
            true => desk
                .pick(
                    "none: it waits for files or dates, or has come to its end",
                    "没有：它等待文件或数据日期，或已到期",
                )
                .to_owned(),
            false => table(TIMES, &rows, desk.lang),
        }
    }))
}

fn explanation(desk: &Desk, explained: &Value) -> String {
    let mut lines = vec![explained["message"].as_str().unwrap_or_default().to_owned()];
    for hold in explained["holds"].as_array().into_iter().flatten() {
        let message = hold["message"].as_str().unwrap_or_default();
        lines.push(format!("  - {message}"));
    }
    if let Some(next) = explained["next"].as_str() {
        let next = words::time(next);
        lines.push(format!("{}{next}", desk.pick("next: ", "下次：")));
    }
    let last = &explained["last"];
    if let Some(outcome) = last["outcome"].as_str() {
        let outcome = words::state(outcome, desk.lang);
        let due = last["to"].as_str().map(words::time).unwrap_or_default();
        lines.push(match desk.lang {
            Lang::En => format!("last firing: {due}, {outcome}"),
            Lang::Zh => format!("上次触发：{due}，{outcome}"),
        });
    }
    lines.join("\n")
}
