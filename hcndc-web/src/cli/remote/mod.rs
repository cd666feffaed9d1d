//! Commands that talk to a running server: what the web app does, in a terminal and for scripts.
//!
//! All of it goes over the REST API. Tables are for people; `--json` prints the server's own answers.

mod alert;
mod backfill;
pub(super) mod confirm;
mod definition;
mod error;
mod events;
mod execution;
mod executor;
mod find;
mod flow;
mod job;
mod job_run;
pub(super) mod list;
mod nouns;
mod resource;
mod schedule;
pub(super) mod table;
pub(super) mod whoami;
mod words;

use std::future::Future;

use clap::Args;
use serde_json::Value;

use self::nouns::Noun;
pub(super) use self::{
    alert::AlertArgs,
    backfill::BackfillArgs,
    definition::DefinitionArgs,
    error::RemoteError,
    execution::ExecutionArgs,
    executor::ExecutorArgs,
    flow::FlowArgs,
    job::JobArgs,
    job_run::JobRunArgs,
    nouns::{
        ALERT_CHANNEL, ALERT_RULE, CALENDAR, DATA_SOURCE, FILE_EVENT, FILE_SERVER, POOL,
        SHARED_PARAM, WEBHOOK,
    },
    schedule::ScheduleArgs,
    words::has_colours,
};
use super::{
    Exit, client::Served, pick, print, runtime, server_args::ServerArgs, warn, warn_error,
};
use crate::interchange::Lang;

/// Which server, and how its answers are told.
#[derive(Debug, Args)]
pub(super) struct Talk {
    #[command(flatten)]
    server: ServerArgs,
    /// Print the server's answer, as JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Talk {
    /// A conversation with the server.
    pub(super) fn begin(&self, lang: Lang) -> Result<Desk, RemoteError> {
        Ok(Desk {
            served: self.server.served(lang)?,
            json: self.json,
            lang,
        })
    }
}

/// A server that is talked to, and who listens to what it says.
pub(super) struct Desk {
    pub(super) served: Served,
    pub(super) json: bool,
    pub(super) lang: Lang,
}

impl Desk {
    /// A text in the language that is spoken.
    const fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        pick(self.lang, en, zh)
    }

    /// Prints an answer as JSON, or what is made of it for people.
    fn tell(&self, answer: &Value, text: impl FnOnce() -> String) -> Exit {
        match self.json {
            true => print(self.lang, format_args!("{answer:#}")),
            false => print(self.lang, text()),
        }
    }
}

/// Does the work on a runtime; what kept it from being done is told here.
pub(super) fn done(lang: Lang, work: impl Future<Output = Result<Exit, RemoteError>>) -> Exit {
    match runtime() {
        Ok(runtime) => runtime.block_on(work).unwrap_or_else(|error| {
            let kind = pick(lang, "error: ", "错误：");
            warn(format_args!("{kind}{}", error.message(lang)));
            error.exit()
        }),
        Err(error) => {
            warn_error(lang, pick(lang, "cannot start", "无法启动"), &error);
            Exit::Failed
        }
    }
}

macro_rules! commands {
    ($($name:ident: $args:ty = $module:ident,)*) => {$(
        pub(super) fn $name(args: &$args, lang: Lang) -> Exit {
            done(lang, $module::run(args, lang))
        }
    )*};
}

commands! {
    flow: FlowArgs = flow,
    job: JobArgs = job,
    job_run: JobRunArgs = job_run,
    schedule: ScheduleArgs = schedule,
    execution: ExecutionArgs = execution,
    backfill: BackfillArgs = backfill,
    executor: ExecutorArgs = executor,
    alert: AlertArgs = alert,
}

/// Commands on definitions of a kind that has none of its own.
pub(super) fn definition(args: &DefinitionArgs, noun: &'static Noun, lang: Lang) -> Exit {
    done(lang, definition::run(args, noun, lang))
}
