//! `hcndc alert`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError, Talk,
    list::{Filters, PageArgs},
    table::{Column, How, fields},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of `alert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc alert list --acknowledged false
  hcndc alert list --event execution_failed,not_finished_by --limit 20
  hcndc alert acknowledge 7 9")]
pub(in crate::cli) struct AlertArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: AlertCommand,
}

#[derive(Debug, Subcommand)]
enum AlertCommand {
    /// List alerts, the newest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show an alert: what it is about, whether people were told, and who takes care of it
    #[command(visible_alias = "get")]
    Show(ShowArgs),
    /// Say that you take care of alerts: nobody else is told of them
    #[command(visible_alias = "ack")]
    Acknowledge(AcknowledgeArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those that tell of these, with commas: execution_failed, job_failed, job_retried, not_started_by, not_finished_by, executor_lost, data_source_down, longer_than_usual, execution_succeeded
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only those that somebody has acknowledged (true), or only others (false)
    #[arg(long, value_name = "BOOL")]
    acknowledged: Option<bool>,
    /// Only those about this execution
    #[arg(long, value_name = "EXECUTION")]
    execution: Option<u64>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Id of the alert
    #[arg(value_name = "ALERT")]
    alert: u64,
}

#[derive(Debug, Args)]
struct AcknowledgeArgs {
    /// Ids of the alerts
    #[arg(value_name = "ALERT", required = true)]
    alerts: Vec<u64>,
}

const COLUMNS: &[Column] = &[
    Column::new("id", "编号", "/id", How::Number),
    Column::text("event", "事件", "/event"),
    Column::text("about", "对象", "/subject"),
    Column::text("data date", "数据日期", "/data_date"),
    Column::new("raised", "发生时间", "/raised_at", How::Time),
    Column::new("told", "通知时间", "/closed_at", How::Time),
    Column::text("acknowledged by", "确认人", "/acknowledged_by"),
    Column::new("escalates", "升级时间", "/escalate_at", How::Time),
];

pub(super) async fn run(args: &AlertArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        AlertCommand::List(args) => list(&desk, args).await,
        AlertCommand::Show(args) => show(&desk, args.alert).await,
        AlertCommand::Acknowledge(args) => acknowledge(&desk, &args.alerts).await,
    }
}

async fn list(desk: &Desk, args: &ListArgs) -> Result<Exit, RemoteError> {
    let filters = Filters::default()
        .with("event", args.event.as_ref())
        .with("acknowledged", args.acknowledged)
        .with("execution", args.execution);
    desk.list("alerts", filters, &args.page, COLUMNS).await
}

async fn show(desk: &Desk, id: u64) -> Result<Exit, RemoteError> {
    let alert = desk.served.json(&format!("/api/v1/alerts/{id}")).await?;
    Ok(desk.tell(&alert, || fields(&alert, desk.lang)))
}

async fn acknowledge(desk: &Desk, alerts: &[u64]) -> Result<Exit, RemoteError> {
    let path = "/api/v1/alerts/acknowledge";
    let body = json!({"ids": alerts});
    let done = desk.served.send(Method::POST, path, &body).await?;
    Ok(desk.tell(&done, || {
        let items = done["items"].as_array().into_iter().flatten();
        let lines: Vec<String> = items.map(|alert| taken(alert, desk.lang)).collect();
        lines.join("\n")
    }))
}

fn taken(alert: &Value, lang: Lang) -> String {
    let id = &alert["id"];
    let by = alert["acknowledged_by"].as_str().unwrap_or_default();
    match lang {
        Lang::En => format!("alert {id}: acknowledged by {by}"),
        Lang::Zh => format!("预警 {id}：已由 {by} 确认"),
    }
}
