//! `hcndc backfill`.

use clap::{Args, Subcommand};
use hcndc_core::model::Param;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError, Talk,
    confirm::YesArgs,
    events::{Events, Heard},
    execution::{ended_well, params},
    find::reference,
    list::{Filters, PageArgs},
    nouns::{FLOW, took},
    table::{Column, How, fields, table},
    words,
};
use crate::{
    cli::{Exit, Signals, print, run::assignment, say, warn},
    interchange::Lang,
};

/// Arguments of `backfill`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc backfill plan nightly --from 2026-11-01 --to 2026-11-07
  hcndc backfill start nightly --from 2026-11-01 --to 2026-11-07 --parallel 2 --watch
  hcndc backfill list --state running
  hcndc backfill resume 12")]
pub(in crate::cli) struct BackfillArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: BackfillCommand,
}

#[derive(Debug, Subcommand)]
enum BackfillCommand {
    /// Tell what a backfill would run, without running anything
    Plan(RangeArgs),
    /// Run a flow for each data date of a range
    Start(StartArgs),
    /// List backfills, the newest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show a backfill, and how far each date is
    #[command(visible_alias = "get")]
    Show(IdArgs),
    /// Follow a backfill to its end
    Watch(IdArgs),
    /// Stop all that it runs, and begin no other date
    Stop(StopArgs),
    /// Begin all dates anew that have not succeeded
    #[command(visible_alias = "restart")]
    Resume(ResumeArgs),
}

/// Which dates of which flow.
#[derive(Debug, Args)]
struct RangeArgs {
    /// The flow, by name or id
    flow: String,
    /// The first data date, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The last data date
    #[arg(long, value_name = "DATE")]
    to: String,
    /// Dates that run at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    parallel: u32,
    /// How dates are written in commands where a placeholder does not say so itself, as of strftime; %Y-%m-%d if not given
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<String>,
    /// With all flows downstream
    #[arg(long)]
    with_downstream: bool,
    /// Value of a param, before all others; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<Param>,
}

#[derive(Debug, Args)]
struct StartArgs {
    #[command(flatten)]
    range: RangeArgs,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
    /// Start nothing if a start with this key was asked for before, but tell of that
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those in these states, with commas: running, stopping, succeeded, failed, stopped
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only those of this flow
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

/// Which backfill.
#[derive(Debug, Args)]
struct IdArgs {
    /// Id of the backfill
    #[arg(value_name = "BACKFILL")]
    backfill: u64,
}

#[derive(Debug, Args)]
struct StopArgs {
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    yes: YesArgs,
}

#[derive(Debug, Args)]
struct ResumeArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
}

const COLUMNS: &[Column] = &[
    Column::new("id", "编号", "/id", How::Number),
    Column::new("state", "状态", "/state", How::State),
    Column::text("flow", "任务流", "/flow/name"),
    Column::text("from", "起始", "/from"),
    Column::text("to", "结束", "/to"),
    Column::text("dates", "日期", "/dates_by_state"),
    Column::text("by", "发起人", "/started_by"),
    Column::new("started", "开始", "/started_at", How::Time),
    Column::new("took", "用时", "", How::Made(took)),
];

const DATES: &[Column] = &[
    Column::text("data date", "数据日期", "/data_date"),
    Column::new("state", "状态", "/state", How::State),
    Column::new("execution", "执行", "/execution", How::Number),
];

const FLOWS: &[Column] = &[
    Column::text("flow", "任务流", "/name"),
    Column::new("jobs", "任务", "/jobs", How::Number),
];

impl RangeArgs {
    fn body(&self) -> Value {
        let mut body = json!({
            "flow": reference(&self.flow),
            "from": self.from,
            "to": self.to,
            "parallel": self.parallel,
            "with_downstream": self.with_downstream,
            "params": params(&self.set),
        });
        if let Some(format) = &self.date_format {
            body["date_format"] = json!(format);
        }
        body
    }
}

pub(super) async fn run(args: &BackfillArgs, lang: Lang) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        BackfillCommand::Plan(args) => {
            let path = "/api/v1/backfills/plan";
            let plan = desk.served.send(Method::POST, path, &args.body()).await;
            let plan = known_flow(&desk, args, plan).await?;
            Ok(desk.tell(&plan, || plan_text(&desk, &plan)))
        }
        BackfillCommand::Start(args) => {
            let key = args.key.clone();
            let key = key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let body = args.range.body();
            let made = desk.served.start("/api/v1/backfills", &body, &key).await;
            let made = known_flow(&desk, &args.range, made).await?;
            go_on(&desk, &made, args.watch).await
        }
        BackfillCommand::List(args) => {
            let mut filters = Filters::default().with("state", args.state.as_ref());
            if let Some(flow) = &args.flow {
                filters = filters.with("flow", Some(desk.id(&FLOW, flow).await?));
            }
            desk.list("backfills", filters, &args.page, COLUMNS).await
        }
        BackfillCommand::Show(args) => {
            let backfill = desk.served.json(&path(args.backfill)).await?;
            Ok(desk.tell(&backfill, || detail_text(&backfill, lang)))
        }
        BackfillCommand::Watch(args) => watch(&desk, args.backfill).await,
        BackfillCommand::Stop(args) => {
            let id = args.id.backfill;
            let what = match lang {
                Lang::En => format!("kill what runs of backfill {id}"),
                Lang::Zh => format!("终止补数 {id} 中正在运行的任务"),
            };
            args.yes.may_agree(lang, &what)?;
            let path = format!("{}/stop", path(id));
            let backfill = desk.served.send(Method::POST, &path, &Value::Null).await?;
            Ok(desk.tell(&backfill, || stands(&backfill, lang)))
        }
        BackfillCommand::Resume(args) => {
            let path = format!("{}/restart", path(args.id.backfill));
            let backfill = desk.served.send(Method::POST, &path, &Value::Null).await?;
            go_on(&desk, &backfill, args.watch).await
        }
    }
}

fn path(id: u64) -> String {
    format!("/api/v1/backfills/{id}")
}

/// An answer, or what is near where its flow is a name that is not there.
async fn known_flow(
    desk: &Desk,
    args: &RangeArgs,
    answer: Result<Value, crate::cli::client::ClientError>,
) -> Result<Value, RemoteError> {
    match answer {
        Err(error) if error.exit() == Exit::Wrong => {
            desk.id(&FLOW, &args.flow).await?;
            Err(error.into())
        }
        other => Ok(other?),
    }
}

async fn go_on(desk: &Desk, backfill: &Value, stay: bool) -> Result<Exit, RemoteError> {
    let id = backfill["id"].as_u64();
    let id = id.ok_or(RemoteError::Lacks { field: "id" })?;
    if !stay {
        return Ok(desk.tell(backfill, || stands(backfill, desk.lang)));
    }
    if !desk.json {
        say(stands(backfill, desk.lang));
    }
    watch(desk, id).await
}

fn stands(backfill: &Value, lang: Lang) -> String {
    let state = words::state(backfill["state"].as_str().unwrap_or_default(), lang);
    match lang {
        Lang::En => format!("backfill {}: {state}", backfill["id"]),
        Lang::Zh => format!("补数 {}：{state}", backfill["id"]),
    }
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], |items| items)
}

fn plan_text(desk: &Desk, plan: &Value) -> String {
    let dates = items(plan, "dates");
    let flows = table(FLOWS, items(plan, "flows"), desk.lang);
    let (first, last) = (dates.first(), dates.last());
    let date = |date: Option<&Value>| date.and_then(Value::as_str).unwrap_or("").to_owned();
    let (first, last) = (date(first), date(last));
    let (count, jobs) = (dates.len(), &plan["job_runs"]);
    match desk.lang {
        Lang::En => format!("{flows}\n\n{count} dates, {first} to {last}: {jobs} job runs"),
        Lang::Zh => format!("{flows}\n\n{count} 个日期，{first} 至 {last}：共 {jobs} 次任务执行"),
    }
}

fn detail_text(backfill: &Value, lang: Lang) -> String {
    let mut head = backfill.clone();
    if let Some(head) = head.as_object_mut() {
        head.shift_remove("dates");
    }
    let dates = table(DATES, items(backfill, "dates"), lang);
    format!("{}\n\n{dates}", fields(&head, lang))
}

/// Follows a backfill to its end.
async fn watch(desk: &Desk, id: u64) -> Result<Exit, RemoteError> {
    let mut signals = Signals::watch()?;
    let followed = tokio::select! {
        followed = follow(desk, id) => followed?,
        () = signals.next() => {
            warn(match desk.lang {
                Lang::En => format!("backfill {id} goes on; `hcndc backfill watch {id}` follows it again"),
                Lang::Zh => format!("补数 {id} 仍在继续；用 `hcndc backfill watch {id}` 再次跟踪"),
            });
            return Ok(Exit::Interrupted);
        }
    };
    let exit = match desk.json {
        true => print(desk.lang, format_args!("{followed:#}")),
        false => print(desk.lang, stands(&followed, desk.lang)),
    };
    Ok(match ended_well(&followed) {
        true => exit,
        false => Exit::Failed,
    })
}

async fn follow(desk: &Desk, id: u64) -> Result<Value, RemoteError> {
    let mut events = Events::at(desk, "/api/v1/events".to_owned());
    let mut told: Vec<Value> = Vec::new();
    // An execution of it is the only thing that moves a backfill on.
    loop {
        let look = match events.next().await? {
            Heard::Anew => true,
            Heard::Event(event) => event.kind == "execution",
        };
        if !look {
            continue;
        }
        let backfill = desk.served.json(&path(id)).await?;
        let dates = items(&backfill, "dates");
        for (at, date) in dates.iter().enumerate() {
            let before = told.get(at).map(|date| &date["state"]);
            let state = date["state"].as_str().unwrap_or_default();
            if before.is_none_or(|before| before != state) && state != "waiting" {
                let (date, word) = (
                    date["data_date"].as_str().unwrap_or_default(),
                    words::state(state, desk.lang),
                );
                match desk.json {
                    true => warn(format_args!("{date}: {word}")),
                    false => say(format_args!("{date}: {word}")),
                }
            }
        }
        told = dates.to_vec();
        if !matches!(backfill["state"].as_str(), Some("running" | "stopping")) {
            return Ok(backfill);
        }
    }
}
