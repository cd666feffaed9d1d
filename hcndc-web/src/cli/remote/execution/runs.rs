//! The jobs of an execution.

use clap::Args;
use serde_json::Value;

use super::{
    super::{
        Desk, RemoteError,
        list::{Filters, PageArgs},
        nouns::{job_name, took},
        table::{Column, How},
    },
    IdArgs,
};
use crate::{cli::Exit, interchange::nearest};

/// Arguments of `execution jobs`.
#[derive(Debug, Args)]
pub(in crate::cli::remote) struct JobsArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Only those in these states, with commas: blocked, queued, dispatched, running, retry_wait, succeeded, failed, killed,
    /// upstream_failed, skipped
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

const COLUMNS: &[Column] = &[
    Column::new("job run", "任务执行", "/id", How::Number),
    Column::new("job", "任务", "", How::Made(job_name)),
    Column::new("state", "状态", "/state", How::State),
    Column::new("attempt", "尝试", "/attempt", How::Number),
    Column::new("exit", "退出码", "/exit_code", How::Number),
    Column::new("started", "开始", "/started_at", How::Time),
    Column::new("took", "用时", "", How::Made(took)),
];

pub(in crate::cli::remote) async fn list(
    desk: &Desk,
    args: &JobsArgs,
) -> Result<Exit, RemoteError> {
    let path = format!("executions/{}/job-runs", args.id.execution);
    let filters = Filters::default().with("state", args.state.as_ref());
    desk.list(&path, filters, &args.page, COLUMNS).await
}

impl Desk {
    /// All job runs of an execution, by id.
    pub(super) async fn job_runs(&self, execution: u64) -> Result<Vec<Value>, RemoteError> {
        let path = format!("executions/{execution}/job-runs");
        let by_id = Filters::default().with("sort", Some("id"));
        Ok(self.items(&path, &by_id, usize::MAX).await?.items)
    }

    /// The job runs that are meant: by `flow/job`, by a job's name if one has it only, or by the job run's id.
    pub(super) async fn named_runs(
        &self,
        execution: u64,
        names: &[String],
    ) -> Result<Vec<Value>, RemoteError> {
        let runs = self.job_runs(execution).await?;
        names
            .iter()
            .map(|name| find(&runs, execution, name).cloned())
            .collect()
    }
}

fn find<'a>(runs: &'a [Value], execution: u64, name: &str) -> Result<&'a Value, RemoteError> {
    let label = |run: &Value| job_name(run, crate::interchange::Lang::En);
    let by_id = name.parse::<u64>().ok();
    let exact = runs
        .iter()
        .find(|run| label(run) == name || (by_id.is_some() && run["id"].as_u64() == by_id));
    if let Some(run) = exact {
        return Ok(run);
    }
    let by_job: Vec<&Value> = runs
        .iter()
        .filter(|run| run["job"]["name"] == name)
        .collect();
    match by_job[..] {
        [run] => Ok(run),
        [] => {
            let names: Vec<String> = runs.iter().map(label).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            Err(RemoteError::UnknownJobRun {
                execution,
                name: name.to_owned(),
                near: near.map(str::to_owned),
            })
        }
        _ => Err(RemoteError::SeveralJobRuns {
            execution,
            name: name.to_owned(),
            found: by_job.into_iter().map(label).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_run_is_found_by_name_by_a_name_of_one_only_and_by_id() {
        let run = |id: u64, flow: &str, job: &str| json!({"id": id, "flow": {"name": flow}, "job": {"name": job}});
        let runs = [
            run(1, "extract", "orders"),
            run(2, "load", "orders"),
            run(3, "load", "merge"),
        ];
        let id = |name: &str| find(&runs, 9, name).map(|run| run["id"].as_u64().unwrap());
        assert_eq!(id("load/orders").unwrap(), 2);
        assert_eq!(id("merge").unwrap(), 3);
        assert_eq!(id("1").unwrap(), 1);
        let several = id("orders").unwrap_err();
        assert!(
            matches!(several, RemoteError::SeveralJobRuns { .. }),
            "{several}"
        );
        match id("load/ordres").unwrap_err() {
            RemoteError::UnknownJobRun { near, .. } => {
                assert_eq!(near.as_deref(), Some("load/orders"));
            }
            other => panic!("{other}"),
        }
    }
}
