//! What people do to executions and their jobs (R10).

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::{Desk, RemoteError, confirm::YesArgs, nouns::job_name, words},
    IdArgs, watch,
};
use crate::{
    cli::{Exit, print, say, warn},
    interchange::Lang,
};

/// Which executions.
#[derive(Debug, Args)]
pub(super) struct IdsArgs {
    /// Ids of the executions
    #[arg(required = true, value_name = "EXECUTION")]
    executions: Vec<u64>,
}

/// What to stop.
#[derive(Debug, Args)]
pub(super) struct StopArgs {
    #[command(flatten)]
    ids: IdsArgs,
    #[command(flatten)]
    yes: YesArgs,
}

/// What goes on.
#[derive(Debug, Args)]
pub(super) struct AgainArgs {
    #[command(flatten)]
    ids: IdsArgs,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
}

/// What runs again.
#[derive(Debug, Args)]
pub(super) struct RerunArgs {
    #[command(flatten)]
    id: IdArgs,
    /// A job to start from, as flow/job or by the job run's id; may be given several times
    #[arg(long, value_name = "JOB", required = true)]
    from: Vec<String>,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
}

/// What runs anew.
#[derive(Debug, Args)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    yes: YesArgs,
}

/// Jobs of an execution.
#[derive(Debug, Args)]
pub(super) struct SettleArgs {
    #[command(flatten)]
    id: IdArgs,
    /// The jobs, as flow/job or by the job run's id
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
}

/// Jobs to kill.
#[derive(Debug, Args)]
pub(super) struct KillArgs {
    #[command(flatten)]
    settle: SettleArgs,
    #[command(flatten)]
    yes: YesArgs,
}

/// Does the same to each; one that is refused keeps no other from it.
pub(super) async fn each(desk: &Desk, args: &IdsArgs, verb: &str) -> Result<Exit, RemoteError> {
    let mut told = Vec::new();
    let mut first = None;
    for id in &args.executions {
        let path = format!("/api/v1/executions/{id}/{verb}");
        match desk.served.send(Method::POST, &path, &Value::Null).await {
            Ok(execution) => {
                if !desk.json {
                    say(stands(desk, &execution));
                }
                told.push(execution);
            }
            Err(error) => {
                let (kind, message) = (desk.pick("execution", "执行"), error.message(desk.lang));
                warn(format_args!("{kind} {id}: {message}"));
                first.get_or_insert_with(|| error.exit());
            }
        }
    }
    if desk.json {
        let answer = json!({ "items": told });
        print(desk.lang, format_args!("{answer:#}"));
    }
    Ok(first.unwrap_or(Exit::Success))
}

fn stands(desk: &Desk, execution: &Value) -> String {
    let state = words::state(execution["state"].as_str().unwrap_or_default(), desk.lang);
    match desk.lang {
        Lang::En => format!("execution {}: {state}", execution["id"]),
        Lang::Zh => format!("执行 {}：{state}", execution["id"]),
    }
}

fn listed(ids: &[u64]) -> String {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    ids.join(", ")
}

pub(super) async fn stop(desk: &Desk, args: &StopArgs) -> Result<Exit, RemoteError> {
    let ids = listed(&args.ids.executions);
    let what = match desk.lang {
        Lang::En => format!("kill what runs of execution {ids}"),
        Lang::Zh => format!("终止执行 {ids} 中正在运行的任务"),
    };
    args.yes.may_agree(desk.lang, &what)?;
    each(desk, &args.ids, "stop").await
}

pub(super) async fn resume(desk: &Desk, args: &AgainArgs) -> Result<Exit, RemoteError> {
    let exit = each(desk, &args.ids, "resume").await?;
    match (args.watch, exit, &args.ids.executions[..]) {
        (true, Exit::Success, ids) => {
            let mut worst = Exit::Success;
            for id in ids {
                match watch::watch(desk, *id).await? {
                    Exit::Success => {}
                    Exit::Interrupted => return Ok(Exit::Interrupted),
                    other => worst = other,
                }
            }
            Ok(worst)
        }
        (_, exit, _) => Ok(exit),
    }
}

/// Tells where an execution stands that was told to go on, and follows it if asked to.
async fn again(desk: &Desk, execution: &Value, stay: bool) -> Result<Exit, RemoteError> {
    if !stay {
        return Ok(desk.tell(execution, || stands(desk, execution)));
    }
    let id = execution["id"]
        .as_u64()
        .ok_or(RemoteError::Lacks { field: "id" })?;
    watch::watch(desk, id).await
}

pub(super) async fn rerun(desk: &Desk, args: &RerunArgs) -> Result<Exit, RemoteError> {
    let id = args.id.execution;
    let runs = desk.named_runs(id, &args.from).await?;
    let from: Vec<&Value> = runs.iter().map(|run| &run["id"]).collect();
    let path = format!("/api/v1/executions/{id}/rerun");
    let body = json!({ "from": from });
    let execution = desk.served.send(Method::POST, &path, &body).await?;
    again(desk, &execution, args.watch).await
}

pub(super) async fn reset(desk: &Desk, args: &ResetArgs) -> Result<Exit, RemoteError> {
    let id = args.id.execution;
    let what = match desk.lang {
        Lang::En => format!("run all of execution {id} anew, also what had succeeded"),
        Lang::Zh => format!("重新运行执行 {id} 的全部任务，包括已成功的"),
    };
    args.yes.must_agree(desk.lang, &what)?;
    let path = format!("/api/v1/executions/{id}/reset");
    let execution = desk.served.send(Method::POST, &path, &Value::Null).await?;
    again(desk, &execution, args.watch).await
}

pub(super) async fn settle(
    desk: &Desk,
    args: &SettleArgs,
    verb: &str,
) -> Result<Exit, RemoteError> {
    let id = args.id.execution;
    let runs = desk.named_runs(id, &args.jobs).await?;
    let ids: Vec<&Value> = runs.iter().map(|run| &run["id"]).collect();
    let path = format!("/api/v1/executions/{id}/{verb}");
    let body = json!({ "job_runs": ids });
    let execution = desk.served.send(Method::POST, &path, &body).await?;
    Ok(desk.tell(&execution, || stands(desk, &execution)))
}

pub(super) async fn kill(desk: &Desk, args: &KillArgs) -> Result<Exit, RemoteError> {
    let SettleArgs { id, jobs } = &args.settle;
    let runs = desk.named_runs(id.execution, jobs).await?;
    let names: Vec<String> = runs.iter().map(|run| job_name(run, desk.lang)).collect();
    let names = names.join(", ");
    let what = match desk.lang {
        Lang::En => format!("kill {names}"),
        Lang::Zh => format!("终止 {names}"),
    };
    args.yes.may_agree(desk.lang, &what)?;
    let mut execution = Value::Null;
    for run in &runs {
        let path = format!("/api/v1/job-runs/{}/kill", run["id"]);
        execution = desk.served.send(Method::POST, &path, &Value::Null).await?;
        if !desk.json {
            let name = job_name(run, desk.lang);
            say(match desk.lang {
                Lang::En => format!("{name}: is being killed"),
                Lang::Zh => format!("{name}：正在终止"),
            });
        }
    }
    match desk.json {
        true => Ok(print(desk.lang, format_args!("{execution:#}"))),
        false => Ok(Exit::Success),
    }
}
