//! Why jobs of an execution stand where they stand (R11).

use clap::Args;
use serde_json::{Value, json};

use super::{
    super::{Desk, RemoteError, nouns::job_name, words},
    IdArgs,
};
use crate::{
    cli::{Exit, print, warn},
    interchange::Lang,
};

/// Jobs that are explained if none is named.
const MOST: usize = 20;

/// Arguments of `execution explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Jobs, as flow/job or by the job run's id; if none is given, the first 20 that wait or have failed
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
}

pub(super) async fn run(desk: &Desk, args: &ExplainArgs) -> Result<Exit, RemoteError> {
    let id = args.id.execution;
    let runs = match args.jobs.is_empty() {
        false => desk.named_runs(id, &args.jobs).await?,
        true => {
            // So that an execution which is not there is told as such.
            desk.served
                .json(&format!("/api/v1/executions/{id}"))
                .await?;
            let mut runs = desk.job_runs(id).await?;
            runs.retain(|run| {
                let state = run["state"].as_str().unwrap_or_default();
                !matches!(state, "succeeded" | "skipped" | "running")
            });
            let more = runs.len().saturating_sub(MOST);
            if more > 0 {
                warn(match desk.lang {
                    Lang::En => format!("the first {MOST}; {more} more wait or have failed"),
                    Lang::Zh => format!("只列出前 {MOST} 个；另有 {more} 个在等待或已失败"),
                });
            }
            runs.truncate(MOST);
            runs
        }
    };
    let (mut told, mut texts) = (Vec::new(), Vec::new());
    for run in &runs {
        let path = format!("/api/v1/job-runs/{}/explain", run["id"]);
        let mut explained = desk.served.json(&path).await?;
        let detail = format!("/api/v1/job-runs/{}", run["id"]);
        explained["outputs"] = desk.served.json(&detail).await?["outputs"].take();
        texts.push(text(&job_name(run, desk.lang), &explained, desk.lang));
        told.push(explained);
    }
    if told.is_empty() && !desk.json {
        warn(desk.pick("nothing waits or has failed", "没有等待或失败的任务"));
        return Ok(Exit::Success);
    }
    Ok(match desk.json {
        true => print(desk.lang, format_args!("{:#}", json!({ "items": told }))),
        false => print(desk.lang, texts.join("\n")),
    })
}

fn text(name: &str, explained: &Value, lang: Lang) -> String {
    let message = explained["message"].as_str().unwrap_or_default();
    let mut lines = vec![match lang {
        Lang::En => format!("{name}: {message}"),
        Lang::Zh => format!("{name}：{message}"),
    }];
    for hold in explained["holds"].as_array().into_iter().flatten() {
        let message = hold["message"].as_str().unwrap_or_default();
        lines.push(format!("  - {message}"));
    }
    if let Some(earliest) = explained["earliest"].as_str() {
        let earliest = words::time(earliest);
        lines.push(match lang {
            Lang::En => format!("  earliest start: {earliest}"),
            Lang::Zh => format!("  最早可启动：{earliest}"),
        });
    }
    if let Some(why) = explained["attempt"]["message"].as_str() {
        let number = &explained["attempt"]["number"];
        lines.push(match lang {
            Lang::En => format!("  attempt {number}: {why}"),
            Lang::Zh => format!("  第 {number} 次尝试：{why}"),
        });
    }
    let outputs = &explained["outputs"];
    for (name, value) in outputs["values"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        lines.push(match lang {
            Lang::En => format!("  output {name} of attempt {}: {value}", outputs["attempt"]),
            Lang::Zh => format!("  第 {} 次尝试的输出 {name}：{value}", outputs["attempt"]),
        });
    }
    lines.join("\n")
}
