//! The command line: a file for each command, and exit codes that scripts can rely on.
//!
//! | code | means |
//! | --- | --- |
//! | 0 | done; of what was run or followed to its end, all succeeded or was skipped |
//! | 1 | something failed while it ran, or a server could not be reached or did not do it |
//! | 2 | the command, a name or a file that it was given is wrong; nothing was done |
//! | 3 | with `--detailed-exitcode`: the plan has changes |
//! | 130 | interrupted with Ctrl-C |

mod account;
mod alone;
mod client;
mod completions;
mod cron;
mod db;
mod demo;
mod executor;
mod export;
mod help_zh;
mod import;
mod keys;
mod outside_args;
mod remote;
mod replay;
mod run;
mod schema;
mod serve;
mod server_args;
mod simulate;
mod validate;

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    causes::with_causes,
    interchange::{Fault, Lang},
};

/// Schedules meshes of jobs: flows of jobs with dependencies inside a flow, between flows, and between jobs of different flows.
#[derive(Debug, Parser)]
#[command(name = "hcndc", version, propagate_version = true)]
struct Cli {
    /// Language of messages; by default the one that HCNDC_LANG, LC_ALL, LC_MESSAGES or LANG name
    #[arg(long, global = true, value_enum)]
    lang: Option<LangName>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LangName {
    En,
    Zh,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a mesh file to its end in this terminal
    Run(run::RunArgs),
    /// Check a mesh file and name all of its faults
    Validate(validate::ValidateArgs),
    /// Put a mesh file or a sheet into a server's database, or make a mesh file of another system's files
    Import(import::ImportArgs),
    /// Tell what a mesh file would change on a server, field by field, without changing anything
    Plan(import::PlanArgs),
    /// Put a mesh file on a server, after telling what that changes
    Apply(import::ApplyArgs),
    /// Write the definitions of a server's database as a mesh file, without secrets; or flows or jobs as a sheet
    Export(export::ExportArgs),
    /// Print the JSON schema of mesh files
    Schema,
    /// Tell what a mesh file will do over some days, without running anything
    Simulate(simulate::SimulateArgs),
    /// Times of a cron expression, what it says, and what may surprise about it
    Cron(cron::CronArgs),
    /// Run the server: scheduler, executor and REST API
    Serve(serve::ServeArgs),
    /// Look after the database
    Db(db::DbArgs),
    /// Look after the users of a server: on its host, or over its API with --server
    User(account::UserArgs),
    /// Look after what users may do: on the server's host, or over its API with --server
    Role(account::RoleArgs),
    /// Look after the tokens of programs: on the server's host, or over its API with --server
    Token(account::TokenArgs),
    /// Play back what a server recorded, and tell whether the same comes of it
    Replay(replay::ReplayArgs),
    /// Run the server with an example mesh loaded and started
    Demo(demo::DemoArgs),
    /// Flows of a server: list, show, run, switch off, delete
    Flow(remote::FlowArgs),
    /// Jobs of a server: list, show, run by themselves, switch off, delete
    Job(remote::JobArgs),
    /// Job runs on a server: those of an execution, and all that is known of one
    JobRun(remote::JobRunArgs),
    /// Schedules of a server: list, show, run now, pause, next times, explain
    Schedule(remote::ScheduleArgs),
    /// Executions on a server: start, watch, logs, stop, resume, rerun, explain
    #[command(visible_alias = "exec")]
    Execution(remote::ExecutionArgs),
    /// Backfills on a server: plan, start, watch, stop, resume
    Backfill(remote::BackfillArgs),
    /// Alerts on a server: list, show, acknowledge
    Alert(remote::AlertArgs),
    /// Executors of a server: list, show, test, switch off
    Executor(remote::ExecutorArgs),
    /// Calendars of a server
    Calendar(remote::DefinitionArgs),
    /// Pools of a server
    Pool(remote::DefinitionArgs),
    /// Shared params of a server
    Param(remote::DefinitionArgs),
    /// Data sources of a server
    DataSource(remote::DefinitionArgs),
    /// File servers of a server
    FileServer(remote::DefinitionArgs),
    /// Webhooks of a server
    Webhook(remote::DefinitionArgs),
    /// File events of a server
    FileEvent(remote::DefinitionArgs),
    /// Alert channels of a server
    AlertChannel(remote::DefinitionArgs),
    /// Alert rules of a server
    AlertRule(remote::DefinitionArgs),
    /// Tell as whom one talks to a server, and what one may do there
    Whoami(remote::whoami::WhoamiArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Success,
    Failed,
    Wrong,
    /// It would change something, and was asked to say so.
    Differs,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
            Exit::Differs => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// Runs the command that this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(exit) = hcndc_exec::executor::hold_if_asked() {
        return exit;
    }
    let lang = spoken();
    let mut command = Cli::command();
    if lang == Lang::Zh {
        command = help_zh::translate(command);
    }
    let cli = match command
        .clone()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let lang = match cli.lang {
        Some(LangName::En) => Lang::En,
        Some(LangName::Zh) => Lang::Zh,
        None => lang,
    };
    let exit = match cli.command {
        Command::Run(args) => run::run(&args, lang),
        Command::Validate(args) => validate::run(&args, lang),
        Command::Import(args) => import::run(&args, lang),
        Command::Plan(args) => import::plan_file(&args, lang),
        Command::Apply(args) => import::apply(&args, lang),
        Command::Export(args) => export::run(&args, lang),
        Command::Schema => schema::run(lang),
        Command::Simulate(args) => simulate::run(&args, lang),
        Command::Cron(args) => cron::run(&args, lang),
        Command::Serve(args) => serve::run(args, lang),
        Command::Db(args) => db::run(&args, lang),
        Command::User(args) => account::user(&args, lang),
        Command::Role(args) => account::role(&args, lang),
        Command::Token(args) => account::token(&args, lang),
        Command::Replay(args) => replay::run(&args, lang),
        Command::Demo(args) => demo::run(args, lang),
        Command::Flow(args) => remote::flow(&args, lang),
        Command::Job(args) => remote::job(&args, lang),
        Command::JobRun(args) => remote::job_run(&args, lang),
        Command::Schedule(args) => remote::schedule(&args, lang),
        Command::Execution(args) => remote::execution(&args, lang),
        Command::Backfill(args) => remote::backfill(&args, lang),
        Command::Alert(args) => remote::alert(&args, lang),
        Command::Executor(args) => match args.local() {
            Some(args) => executor::run(args, lang),
            None => remote::executor(&args, lang),
        },
        Command::Calendar(args) => remote::definition(&args, &remote::CALENDAR, lang),
        Command::Pool(args) => remote::definition(&args, &remote::POOL, lang),
        Command::Param(args) => remote::definition(&args, &remote::SHARED_PARAM, lang),
        Command::DataSource(args) => remote::definition(&args, &remote::DATA_SOURCE, lang),
        Command::FileServer(args) => remote::definition(&args, &remote::FILE_SERVER, lang),
        Command::Webhook(args) => remote::definition(&args, &remote::WEBHOOK, lang),
        Command::FileEvent(args) => remote::definition(&args, &remote::FILE_EVENT, lang),
        Command::AlertChannel(args) => remote::definition(&args, &remote::ALERT_CHANNEL, lang),
        Command::AlertRule(args) => remote::definition(&args, &remote::ALERT_RULE, lang),
        Command::Whoami(args) => remote::whoami::run(&args, lang),
        Command::Completions(args) => completions::run(&args, command, lang),
    };
    exit.into()
}

/// The language that the arguments or the environment ask for, before anything is parsed.
fn spoken() -> Lang {
    let args: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let after_flag = args
        .windows(2)
        .find(|pair| pair[0] == "--lang")
        .map(|pair| pair[1].clone());
    let in_flag = args
        .iter()
        .find_map(|arg| arg.strip_prefix("--lang=").map(str::to_owned));
    let variables = ["HCNDC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
    let in_variable = || {
        variables
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    match after_flag.or(in_flag).or_else(in_variable) {
        Some(name) if name.to_ascii_lowercase().starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

/// The runtime that commands run on.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    // MySQL over TLS needs one provider of cryptography for the process; a second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// Number of processors that this process may use.
fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}

/// Logs of a server: text on standard error, as much as RUST_LOG says.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn")
    });
    // In more words it tells passwords.
    let filter = match "suppaftp=info".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    // A logger that is there already is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
}

/// Signals that ask this process to end: Ctrl-C, SIGTERM, and the terminal that went away. Taken from when it is made, so
/// that none is missed in between.
#[derive(Debug)]
struct Signals([Signal; 3]);

impl Signals {
    /// Takes the signals from now on.
    fn watch() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// One of two texts that say the same.
const fn pick<'a>(lang: Lang, en: &'a str, zh: &'a str) -> &'a str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Prints a line to standard output. A reader that has gone away is no error of ours.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Prints what the command is for. Tells whether it could be written: a reader that has gone away is no error, a full
/// disk is.
fn print(lang: Lang, text: impl Display) -> Exit {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            warn_error(
                lang,
                pick(lang, "cannot write the output", "无法写出结果"),
                &error,
            );
            Exit::Failed
        }
        Ok(()) | Err(_) => Exit::Success,
    }
}

/// Prints a line to standard error.
fn warn(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// An error with all of its causes, on standard error.
fn warn_error(lang: Lang, doing: &str, error: &(dyn std::error::Error + 'static)) {
    let kind = pick(lang, "error: ", "错误：");
    warn(format_args!("{kind}{doing}: {}", with_causes(error)));
}

/// All faults of a file, on standard error.
fn warn_faults(lang: Lang, faults: &[Fault]) {
    for fault in faults {
        let mut place = fault.file.to_string();
        if let Some(position) = fault.position {
            place.push_str(&format!(":{}:{}", position.line, position.column));
        }
        if !fault.path.is_empty() {
            place.push_str(": ");
            place.push_str(&fault.path);
        }
        warn(format_args!("{place}: {}", fault.message(lang)));
        warn(format_args!(
            "  {}{}",
            pick(lang, "remedy: ", "解决办法："),
            fault.remedy(lang)
        ));
    }
    let count = faults.len();
    match (lang, count) {
        (Lang::En, 1) => warn("1 fault"),
        (Lang::En, _) => warn(format_args!("{count} faults")),
        (Lang::Zh, _) => warn(format_args!("共 {count} 处错误")),
    }
}
