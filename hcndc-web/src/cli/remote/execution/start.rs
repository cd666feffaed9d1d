//! Starts: what to run, for which date, and whether to stay until the end.

use std::collections::BTreeMap;

use clap::Args;
use hcndc_core::model::Param;
use serde_json::{Value, json};

use super::{
    super::{
        Desk, RemoteError,
        find::reference,
        nouns::{FLOW, JOB},
    },
    watch,
};
use crate::{
    cli::{Exit, run::assignment, say},
    interchange::Lang,
};

/// How something is run.
#[derive(Debug, Args)]
pub(in crate::cli::remote) struct RunArgs {
    /// Data date, YYYY-MM-DD; yesterday in the server's zone if not given, of a schedule the one that it would have now
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// How dates are written in commands where a placeholder does not say so itself, as of strftime; %Y-%m-%d if not given
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<String>,
    /// Value of a param, before all others; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<Param>,
    /// With all flows downstream
    #[arg(long)]
    with_downstream: bool,
    /// Follow it to its end; the exit code tells how it ended
    #[arg(short, long)]
    watch: bool,
    /// Start nothing if a start with this key was asked for before, but tell of that
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What is started.
pub(in crate::cli::remote) struct Started {
    pub(in crate::cli::remote) flows: Vec<String>,
    pub(in crate::cli::remote) jobs: Vec<String>,
}

impl RunArgs {
    /// The key of this start: a request that is sent again because its answer was lost starts nothing twice.
    pub(in crate::cli::remote) fn key(&self) -> String {
        let fresh = || uuid::Uuid::new_v4().to_string();
        self.key.clone().unwrap_or_else(fresh)
    }

    fn params(&self) -> BTreeMap<&str, &str> {
        params(&self.set)
    }

    /// As a schedule's run takes it.
    pub(in crate::cli::remote) fn schedule_body(&self) -> Value {
        let mut body = json!({ "params": self.params() });
        if let Some(date) = &self.date {
            body["data_date"] = json!(date);
        }
        if let Some(format) = &self.date_format {
            body["date_format"] = json!(format);
        }
        if self.with_downstream {
            body["with_downstream"] = json!(true);
        }
        body
    }
}

/// Params as the API takes them.
pub(in crate::cli::remote) fn params(set: &[Param]) -> BTreeMap<&str, &str> {
    set.iter()
        .map(|param| (&*param.name, &*param.value))
        .collect()
}

impl Desk {
    /// Starts flows or jobs, and follows them if asked to.
    pub(in crate::cli::remote) async fn start(
        &self,
        what: Started,
        args: &RunArgs,
    ) -> Result<Exit, RemoteError> {
        let flows: Vec<Value> = what.flows.iter().map(|name| reference(name)).collect();
        let mut body = json!({
            "flows": flows,
            "params": args.params(),
            "with_downstream": args.with_downstream,
        });
        if !what.jobs.is_empty() {
            let jobs = what.jobs.iter().map(|name| reference(name));
            body["jobs"] = jobs.collect();
        }
        if let Some(date) = &args.date {
            body["data_date"] = json!(date);
        }
        if let Some(format) = &args.date_format {
            body["date_format"] = json!(format);
        }
        let execution = self
            .served
            .start("/api/v1/executions", &body, &args.key())
            .await;
        let execution = match execution {
            // With what is near, where it is a name that is not there.
            Err(error) if error.exit() == Exit::Wrong => {
                for name in &what.flows {
                    self.id(&FLOW, name).await?;
                }
                for name in &what.jobs {
                    self.id(&JOB, name).await?;
                }
                return Err(error.into());
            }
            other => other?,
        };
        self.started(execution, args).await
    }

    /// Tells of an execution that was started, and follows it if asked to.
    pub(in crate::cli::remote) async fn started(
        &self,
        execution: Value,
        args: &RunArgs,
    ) -> Result<Exit, RemoteError> {
        let id = execution["id"]
            .as_u64()
            .ok_or(RemoteError::Lacks { field: "id" })?;
        if args.watch {
            if !self.json {
                say(self.started_line(id, &execution));
            }
            return watch::watch(self, id).await;
        }
        Ok(self.tell(&execution, || self.started_line(id, &execution)))
    }

    fn started_line(&self, id: u64, execution: &Value) -> String {
        let date = execution["data_date"].as_str().unwrap_or_default();
        match self.lang {
            Lang::En => format!("execution {id} started for {date}"),
            Lang::Zh => format!("执行 {id} 已启动，数据日期 {date}"),
        }
    }
}
