//! `hcndc-exec`: runs jobs on this host for HCNDC's scheduler.

use std::{
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Parser;
use hcndc_exec::{
    ExecutorTls, TlsFiles, Token,
    executor::{
        Access, ExecutorConfig, HostRules, JobLimits, LIST_SEPARATOR, Signals, SupervisorConfig,
        Verdict, begin_again, check, hold_if_asked, run,
    },
};
use tracing_subscriber::EnvFilter;

/// Runs jobs on this host for HCNDC's scheduler.
///
/// Running jobs are held by a process of their own and outlive this one, however it ends; the next start on the same data
/// directory goes on with them. QUIT ends it at once. HUP begins again in place, by the program's file as it is then: that
/// is how to upgrade. The first TERM or INT lets running jobs end and starts no others, which then wait for the next
/// start; the second kills them.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where schedulers reach it; other than loopback addresses need a token
    #[arg(long, env = "HCNDC_EXEC_LISTEN", default_value = "127.0.0.1:7890")]
    listen: SocketAddr,
    /// Where it keeps what it must remember, and logs
    #[arg(long, env = "HCNDC_EXEC_DATA_DIR", default_value = "./hcndc-exec-data")]
    data_dir: PathBuf,
    /// Its name, for people; default: the host's
    #[arg(long, env = "HCNDC_EXEC_NAME")]
    name: Option<String>,
    /// File that holds the token that schedulers must show; or put the token into HCNDC_EXEC_TOKEN
    #[arg(long, value_name = "FILE", env = "HCNDC_EXEC_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Certificate to speak TLS with, PEM; schedulers check it
    #[arg(long, value_name = "FILE", env = "HCNDC_EXEC_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", env = "HCNDC_EXEC_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Authority whose certificates schedulers must show, PEM
    #[arg(long, value_name = "FILE", env = "HCNDC_EXEC_TLS_CA")]
    tls_ca: Option<PathBuf>,
    /// Output that is kept of each attempt, head and tail: bytes, or with K, M, G
    #[arg(long, value_name = "SIZE", env = "HCNDC_EXEC_LOG_CAP", default_value = "64M", value_parser = size)]
    log_cap: usize,
    /// What relative working directories are relative to
    #[arg(
        long,
        value_name = "DIR",
        env = "HCNDC_EXEC_BASE_DIR",
        default_value = "."
    )]
    base_dir: PathBuf,
    /// Directories in which, and below which, jobs may start; may be given more than once, in the environment separated
    /// by colons (semicolons on Windows); default: anywhere
    #[arg(
        long,
        value_name = "DIR",
        env = "HCNDC_EXEC_ALLOW_DIRS",
        value_delimiter = LIST_SEPARATOR
    )]
    allow_dir: Vec<PathBuf>,
    /// User that jobs run as; only for an executor of root's
    #[arg(long, value_name = "USER", env = "HCNDC_EXEC_RUN_AS")]
    run_as: Option<String>,
    /// Label that jobs can ask for beside those of its definition, KEY=VALUE or KEY; may be given more than once, in the
    /// environment separated by commas
    #[arg(
        long,
        value_name = "KEY=VALUE",
        env = "HCNDC_EXEC_LABELS",
        value_delimiter = ',',
        value_parser = label
    )]
    label: Vec<(String, String)>,
    /// Slots that its jobs may take together at most, whatever its definition says; 0 for as many as that says
    #[arg(long, value_name = "N", env = "HCNDC_EXEC_SLOTS", default_value_t = 0)]
    slots: u32,
    /// Control groups for jobs: `auto` where the host has cgroup v2 that it may write, `off`
    #[arg(
        long,
        value_name = "WHEN",
        env = "HCNDC_EXEC_CGROUPS",
        default_value = "auto"
    )]
    cgroups: ControlGroups,
    /// Memory that each job may have, all of its processes together: bytes, or with K, M, G; one that wants more ends as
    /// out of memory; needs control groups; default: no limit
    #[arg(long, value_name = "SIZE", env = "HCNDC_EXEC_JOB_MEMORY", value_parser = size)]
    job_memory: Option<usize>,
    /// Processors that each job may have, as 0.5 or 2; needs control groups; default: no limit
    #[arg(long, value_name = "CPUS", env = "HCNDC_EXEC_JOB_CPUS", value_parser = percent)]
    job_cpus: Option<u32>,
    /// Processes and threads that each job may have at once; needs control groups; default: no limit
    #[arg(long, value_name = "N", env = "HCNDC_EXEC_JOB_PROCESSES", value_parser = clap::value_parser!(u32).range(2..))]
    job_processes: Option<u32>,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Says whether an executor with these settings would work, and what is wrong if not
    Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ControlGroups {
    Auto,
    Off,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.trim().is_empty() {
        return Err("a label is KEY=VALUE or KEY".to_owned());
    }
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Processors in hundredths.
fn percent(text: &str) -> Result<u32, String> {
    let cpus: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.01..=10_000.0).contains(&cpus) {
        Ok((cpus * 100.0).round() as u32)
    } else {
        Err("a number of processors is 0.01 to 10000".to_owned())
    }
}

fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("a size is a number, with K, M or G at most".to_owned()),
    };
    let number: usize = digits.parse().map_err(|error| format!("{error}"))?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is too much".to_owned())
}

fn main() -> ExitCode {
    if let Some(exit) = hold_if_asked() {
        return exit;
    }
    let args = Args::parse();
    let filter = EnvFilter::try_from_env("HCNDC_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Before anybody can put another program into its place.
    let program = std::env::current_exe();
    let done = program.map_err(Into::into).and_then(|program| {
        let config = config(&args, program.clone())?;
        match args.command {
            None => serve(config, program),
            Some(Task::Check) => tell(&config),
        }
    });
    done.unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

type Failure = Box<dyn std::error::Error>;

fn config(args: &Args, program: PathBuf) -> Result<ExecutorConfig, Failure> {
    let token = match &args.token_file {
        Some(path) => Some(
            Token::read(path).map_err(|error| format!("token file {}: {error}", path.display()))?,
        ),
        None => match std::env::var("HCNDC_EXEC_TOKEN") {
            Ok(text) => Some(
                text.parse()
                    .map_err(|error| format!("HCNDC_EXEC_TOKEN: {error}"))?,
            ),
            Err(_) => None,
        },
    };
    let files = TlsFiles {
        certificate: args.tls_cert.clone(),
        key: args.tls_key.clone(),
        authority: args.tls_ca.clone(),
    };
    let tls = match files.is_empty() {
        true => None,
        false => Some(ExecutorTls::read(&files)?),
    };
    let mut supervisor = SupervisorConfig::new(args.data_dir.clone());
    let name = args.name.clone();
    supervisor.identity.name =
        name.unwrap_or_else(|| sysinfo::System::host_name().unwrap_or_default());
    supervisor.identity.labels = args.label.iter().cloned().collect();
    supervisor.identity.slots = args.slots;
    supervisor.log_cap_bytes = args.log_cap;
    supervisor.control_groups = args.cgroups == ControlGroups::Auto;
    supervisor.limits = JobLimits {
        memory_bytes: args.job_memory.map(|bytes| bytes as u64),
        cpu_percent: args.job_cpus,
        processes: args.job_processes,
    };
    supervisor.base_dir.clone_from(&args.base_dir);
    supervisor.holder = Some(program);
    supervisor.rules = HostRules {
        directories: args.allow_dir.clone(),
        user: args.run_as.clone(),
    };
    Ok(ExecutorConfig {
        supervisor,
        listen: args.listen,
        access: Access { token, tls },
        exit_when_orphaned: None,
    })
}

fn tell(config: &ExecutorConfig) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let findings = runtime.block_on(check(config));
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Ok(match worst {
        Some(Verdict::Bad) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

fn serve(config: ExecutorConfig, program: PathBuf) -> Result<ExitCode, Failure> {
    // What it does for a job is too little to be worth the wake of another thread.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result: Result<bool, Failure> = runtime.block_on(async {
        let signals = Signals::watch()?;
        run(config, signals.stop.clone()).await?;
        Ok(signals.wants_another_start())
    });
    // Nothing that still runs in the background is worth waiting for.
    runtime.shutdown_background();
    if result? {
        let arguments = std::env::args_os().skip(1);
        // Returns only if it fails.
        let mut again = Command::new(program);
        again.args(arguments);
        return Err(begin_again(again).into());
    }
    Ok(ExitCode::SUCCESS)
}
