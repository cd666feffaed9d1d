//! An execution followed to its end by what the server tells of it.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
};

use indicatif::ProgressBar;
use serde_json::Value;

use super::super::{
    Desk, RemoteError,
    events::{Event, Events, Heard},
    nouns::job_name,
    words,
};
use crate::{
    cli::{Exit, Signals, print, run::progress_bar, say, warn},
    interchange::Lang,
};

/// Failed jobs that are told at the end.
const SHOWN: usize = 10;
/// Names of running jobs that fit beside the bar.
const NAMES: usize = 4;

/// Follows an execution; the exit tells how it ended.
pub(super) async fn watch(desk: &Desk, id: u64) -> Result<Exit, RemoteError> {
    let mut signals = Signals::watch()?;
    let mut board = Board::new(desk);
    let followed = tokio::select! {
        followed = follow(desk, id, &mut board) => Some(followed),
        () = signals.next() => None,
    };
    board.finish();
    match followed {
        Some(execution) => {
            let execution = execution?;
            tell_end(desk, &execution, &board).await?;
            Ok(match ended_well(&execution) {
                true => Exit::Success,
                false => Exit::Failed,
            })
        }
        None => {
            warn(match desk.lang {
                Lang::En => format!(
                    "execution {id} goes on; `hcndc execution watch {id}` follows it again, `hcndc execution stop {id}` ends it"
                ),
                Lang::Zh => format!(
                    "执行 {id} 仍在继续；用 `hcndc execution watch {id}` 再次跟踪，用 `hcndc execution stop {id}` 停止"
                ),
            });
            Ok(Exit::Interrupted)
        }
    }
}

/// Whether an execution, or a backfill, has succeeded.
pub(in crate::cli::remote) fn ended_well(item: &Value) -> bool {
    item["state"] == "succeeded"
}

/// Whether it has not ended.
pub(super) fn is_live(execution: &Value) -> bool {
    matches!(
        execution["state"].as_str(),
        Some("running" | "paused" | "stopping")
    )
}

async fn follow(desk: &Desk, id: u64, board: &mut Board<'_>) -> Result<Value, RemoteError> {
    let path = format!("/api/v1/executions/{id}");
    let mut events = Events::at(desk, format!("{path}/events"));
    loop {
        let heard = events.next().await?;
        if let Heard::Event(event) = &heard
            && !board.note(event)
        {
            continue;
        }
        let execution = desk.served.json(&path).await?;
        if matches!(heard, Heard::Anew) {
            // The stream stands already, so nothing is missed between it and the list. And the list comes after the look: of an
            // execution that has ended it is the last.
            board.read(desk.job_runs(id).await?);
        }
        if !is_live(&execution) {
            return Ok(execution);
        }
        board.execution(&execution);
    }
}

/// A job of the execution.
#[derive(Debug)]
struct Run {
    label: String,
    state: String,
}

/// Where everything stands, and how that is shown.
struct Board<'a> {
    desk: &'a Desk,
    runs: BTreeMap<u64, Run>,
    /// Where the execution stands, as it was told last.
    state: String,
    /// `None` outside of a terminal.
    bar: Option<ProgressBar>,
}

fn is_settled(state: &str) -> bool {
    matches!(
        state,
        "succeeded" | "failed" | "killed" | "upstream_failed" | "skipped"
    )
}

impl<'a> Board<'a> {
    fn new(desk: &'a Desk) -> Self {
        let bar = io::stderr().is_terminal().then(|| progress_bar(0));
        Self {
            desk,
            runs: BTreeMap::new(),
            state: String::new(),
            bar,
        }
    }

    /// Takes in where all jobs stand.
    fn read(&mut self, runs: Vec<Value>) {
        for run in runs {
            let Some(id) = run["id"].as_u64() else {
                continue;
            };
            let label = job_name(&run, self.desk.lang);
            let state = run["state"].as_str().unwrap_or_default().to_owned();
            self.runs.insert(id, Run { label, state });
        }
        self.show();
    }

    /// Takes in what happened; tells whether the execution itself is to be looked at.
    fn note(&mut self, event: &Event) -> bool {
        let data = &event.data;
        let to = data["to"].as_str().unwrap_or_default();
        match &*event.kind {
            "job_run" => {
                let Some(id) = data["job_run"].as_u64() else {
                    return false;
                };
                let part = |name: &str| data[name].as_str().unwrap_or_default();
                let label = format!("{}/{}", part("flow"), part("job"));
                let state = to.to_owned();
                self.runs.insert(id, Run { label, state });
                if is_settled(to) || to == "retry_wait" {
                    self.tell(id, data["exit_code"].as_i64());
                }
                self.show();
                false
            }
            "execution" => true,
            _ => false,
        }
    }

    fn settled(&self) -> usize {
        let runs = self.runs.values();
        runs.filter(|run| is_settled(&run.state)).count()
    }

    fn tell(&self, id: u64, exit_code: Option<i64>) {
        let Some(run) = self.runs.get(&id) else {
            return;
        };
        let lang = self.desk.lang;
        let state = words::state(&run.state, lang);
        let code = match (exit_code, lang) {
            (Some(code), Lang::En) if code != 0 => format!(": exit code {code}"),
            (Some(code), Lang::Zh) if code != 0 => format!("：退出码 {code}"),
            _ => String::new(),
        };
        match &self.bar {
            Some(bar) => {
                if !matches!(&*run.state, "succeeded" | "skipped") {
                    bar.println(format!("{} {state}{code}", run.label));
                }
            }
            None => {
                let (done, all) = (self.settled(), self.runs.len());
                self.line(&format!("[{done}/{all}] {} {state}{code}", run.label));
            }
        }
    }

    /// A line of progress, out of the way of the answer.
    fn line(&self, line: &str) {
        match self.desk.json {
            true => warn(line),
            false => say(line),
        }
    }

    /// Takes in where the execution stands.
    fn execution(&mut self, execution: &Value) {
        let state = execution["state"].as_str().unwrap_or_default();
        let is_news = state != self.state && (state != "running" || !self.state.is_empty());
        state.clone_into(&mut self.state);
        if is_news {
            let lang = self.desk.lang;
            let state = words::state(state, lang);
            let by = execution["paused_by"].as_str();
            let by = by.or_else(|| execution["stopped_by"].as_str());
            let by = by.map_or_else(String::new, |by| format!(" ({by})"));
            let line = match lang {
                Lang::En => format!("execution {}: {state}{by}", execution["id"]),
                Lang::Zh => format!("执行 {}：{state}{by}", execution["id"]),
            };
            match &self.bar {
                Some(bar) => bar.println(line),
                None => self.line(&line),
            }
        }
    }

    fn show(&self) {
        let Some(bar) = &self.bar else {
            return;
        };
        bar.set_length(self.runs.len() as u64);
        bar.set_position(self.settled() as u64);
        let count = |states: &[&str]| {
            let runs = self.runs.values();
            runs.filter(|run| states.contains(&&*run.state)).count()
        };
        let running = self.runs.values().filter(|run| run.state == "running");
        let names: Vec<&str> = running.take(NAMES).map(|run| &*run.label).collect();
        bar.set_message(format!(
            "{} {} · {} {} · {} {} · {}",
            self.desk.pick("running", "运行中"),
            count(&["running"]),
            self.desk.pick("done", "完成"),
            count(&["succeeded", "skipped"]),
            self.desk.pick("failed", "失败"),
            count(&["failed", "upstream_failed", "killed"]),
            names.join(", ")
        ));
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells how an execution ended, and what failed of it.
async fn tell_end(desk: &Desk, execution: &Value, board: &Board<'_>) -> Result<(), RemoteError> {
    if desk.json {
        print(desk.lang, format_args!("{execution:#}"));
        return Ok(());
    }
    let id = &execution["id"];
    let failed: Vec<(&u64, &Run)> = board
        .runs
        .iter()
        .filter(|(_, run)| run.state == "failed")
        .collect();
    for (run_id, run) in failed.iter().take(SHOWN) {
        let path = format!("/api/v1/job-runs/{run_id}/attempts");
        let attempts = desk.served.json(&path).await?;
        let last = attempts["items"].as_array().and_then(|items| items.last());
        let why = last.and_then(|it| it["message"].as_str());
        let (label, why) = (&run.label, why.unwrap_or_default());
        say(format_args!("{label}: {why}"));
        say(match desk.lang {
            Lang::En => format!("  its output: hcndc execution logs {id} {label}"),
            Lang::Zh => format!("  输出：hcndc execution logs {id} {label}"),
        });
    }
    let more = failed.len().saturating_sub(SHOWN);
    if more > 0 {
        say(match desk.lang {
            Lang::En => format!("… and {more} more: hcndc execution jobs {id} --state failed"),
            Lang::Zh => format!("……另有 {more} 个：hcndc execution jobs {id} --state failed"),
        });
    }
    let counts = execution["job_runs"].as_object().into_iter().flatten();
    let counts: Vec<String> = counts
        .map(|(state, count)| format!("{count} {}", words::state(state, desk.lang)))
        .collect();
    let state = words::state(execution["state"].as_str().unwrap_or_default(), desk.lang);
    let took = words::took(
        execution["started_at"].as_str(),
        execution["ended_at"].as_str(),
    );
    let counts = counts.join(", ");
    say(match desk.lang {
        Lang::En => format!("execution {id} {state} in {took}: {counts}"),
        Lang::Zh => format!("执行 {id} {state}，用时 {took}：{counts}"),
    });
    Ok(())
}
