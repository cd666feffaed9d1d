//! `hcndc-exec`: runs jobs on this host for HCNDC's scheduler.

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Parser;
use hcndc_exec::{
    Token,
    executor::{ExecutorConfig, Signals, SupervisorConfig, hold_if_asked, run},
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
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Output that is kept of each attempt, head and tail: bytes, or with K, M, G
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    log_cap: usize,
    /// What relative working directories are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    base_dir: PathBuf,
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
        .with_writer(std::io::stderr)
        .init();
    // Before anybody can put another program into its place.
    let program = std::env::current_exe();
    match program.map_err(Into::into).and_then(|it| serve(args, it)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: Args, program: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
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
    let mut supervisor = SupervisorConfig::new(args.data_dir);
    supervisor.identity.name = args
        .name
        .unwrap_or_else(|| sysinfo::System::host_name().unwrap_or_default());
    supervisor.log_cap_bytes = args.log_cap;
    supervisor.base_dir = args.base_dir;
    supervisor.holder = Some(program.clone());
    let config = ExecutorConfig {
        supervisor,
        listen: args.listen,
        token,
        exit_when_orphaned: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result: Result<bool, Box<dyn std::error::Error>> = runtime.block_on(async {
        let signals = Signals::watch()?;
        run(config, signals.stop.clone()).await?;
        Ok(signals.wants_another_start())
    });
    // Nothing that still runs in the background is worth waiting for.
    runtime.shutdown_background();
    if result? {
        let arguments = std::env::args_os().skip(1);
        // Returns only if it fails.
        return Err(Command::new(program).args(arguments).exec().into());
    }
    Ok(())
}
