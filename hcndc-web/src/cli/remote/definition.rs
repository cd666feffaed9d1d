//! Commands on definitions that have no commands of their own: calendars, pools, params, connections, alerts.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Desk, RemoteError, Talk,
    nouns::{ALERT_RULE, CALENDAR, Noun, POOL, SHARED_PARAM},
    resource::{DefinitionListArgs, DirectoryArgs, ResourceCommand},
};
use crate::{cli::Exit, interchange::Lang};

/// Arguments of the command of such a kind.
#[derive(Debug, Args)]
pub(in crate::cli) struct DefinitionArgs {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: DefinitionCommand,
}

#[derive(Debug, Subcommand)]
enum DefinitionCommand {
    /// List them
    #[command(visible_alias = "ls")]
    List(ListArgs),
    #[command(flatten)]
    Common(ResourceCommand),
    /// Try one out; the exit code tells whether it works
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    list: DefinitionListArgs,
    #[command(flatten)]
    directory: DirectoryArgs,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Its name, or its id
    name: String,
    /// Of a shared param: the data date that its query is asked for
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// Of a shared param: how dates are written where a placeholder does not say so itself, as of strftime
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<String>,
}

pub(super) async fn run(
    args: &DefinitionArgs,
    noun: &'static Noun,
    lang: Lang,
) -> Result<Exit, RemoteError> {
    let desk = args.talk.begin(lang)?;
    match &args.command {
        DefinitionCommand::List(args) => {
            let filters = args.list.filters();
            let filters = filters.with("directory", args.directory.directory.as_ref());
            desk.list(noun.path, filters, &args.list.page, noun.columns)
                .await
        }
        DefinitionCommand::Common(command) => desk.resource(noun, command).await,
        DefinitionCommand::Test(args) => test(&desk, noun, args).await,
    }
}

/// Whether there is anything to try out.
fn has_test(noun: &Noun) -> bool {
    let without = [&CALENDAR, &POOL, &ALERT_RULE];
    without.iter().all(|other| other.path != noun.path)
}

async fn test(desk: &Desk, noun: &'static Noun, args: &TestArgs) -> Result<Exit, RemoteError> {
    if !has_test(noun) {
        return Err(RemoteError::NoTest { noun });
    }
    let id = desk.id(noun, &args.name).await?;
    let path = format!("/api/v1/{}/{id}/test", noun.path);
    let body = match noun.path == SHARED_PARAM.path {
        true => json!({ "data_date": args.date, "date_format": args.date_format }),
        false => Value::Null,
    };
    let trial = desk.served.send(Method::POST, &path, &body).await?;
    let works = trial["ok"].as_bool().unwrap_or(false);
    let told = desk.tell(&trial, || {
        let took = trial["took_ms"].as_u64().unwrap_or(0);
        let said = trial["said"].as_str().unwrap_or_default();
        let verdict = match works {
            true => desk.pick("works", "可用"),
            false => desk.pick("does not work", "不可用"),
        };
        let mut text = format!("{verdict} ({took} ms): {said}");
        for file in trial["files"].as_array().into_iter().flatten() {
            text.push_str(&format!("\n  {}", super::table::text(&file["path"])));
        }
        text
    });
    Ok(match works {
        true => told,
        false => Exit::Failed,
    })
}
