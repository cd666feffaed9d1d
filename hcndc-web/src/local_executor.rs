//! The executor of this host: inside the process for one run, or a process of its own beside a server.
//!
//! Beside a server it has a session of its own and outlives the server, so that jobs do too: the next server on
//! the same data folder finds it by the file in which it says where it listens.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::port::{Introduction, Unreachable, UnreachableKind};
use hcndc_exec::{
    FileLogError, LogArchive, LogObjects, SchedulerTls, TlsFiles,
    executor::{
        self, ExecutorConfig, RunError, StartError, Stop, Supervisor, SupervisorConfig, find,
        find_within,
    },
    transport::{
        Collecting, Dial, Forwarding, Grpc, InProcess, Line, Lines, LogSink, Origins, Tokens,
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, setsid},
};
use tokio_util::task::AbortOnDropHandle;

/// The name that it gets.
pub const NAME: &str = "local";
/// The address that stands for it, wherever it listens.
pub const ADDRESS: &str = hcndc_exec::transport::LOCAL;

/// How long a new executor process may take until it listens.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait before an executor that died is started again.
const START_AGAIN: Duration = Duration::from_secs(1);

/// A transport to the executor of this host and to those on others, whose logs it keeps.
pub type Transports = Forwarding<Collecting<Lines<Reach>>>;

/// How executors are reached.
#[derive(Debug)]
pub struct Reach {
    local: Local,
    /// Or why nobody else is reached.
    others: Result<Grpc, String>,
}

#[derive(Debug)]
enum Local {
    None,
    Inside(InProcess),
    Beside(PathBuf),
}

impl Reach {
    fn new(local: Local) -> Self {
        // Executors on other hosts share one token, from the environment: definitions are no place for secrets.
        let default = std::env::var("HCNDC_EXEC_TOKEN")
            .ok()
            .and_then(|text| text.parse().ok());
        let tokens = Tokens {
            default,
            ..Tokens::default()
        };
        Self {
            local,
            others: with_tls(Grpc::new(tokens)),
        }
    }
}

/// Speaks TLS with executors on other hosts if the environment names certificates.
fn with_tls(grpc: Grpc) -> Result<Grpc, String> {
    let file = |name| std::env::var_os(name).map(PathBuf::from);
    let files = TlsFiles {
        certificate: file("HCNDC_EXEC_TLS_CERT"),
        key: file("HCNDC_EXEC_TLS_KEY"),
        authority: file("HCNDC_EXEC_TLS_CA"),
    };
    if files.is_empty() {
        return Ok(grpc);
    }
    match SchedulerTls::read(&files) {
        Ok(tls) => Ok(grpc.with_tls(tls)),
        Err(error) => Err(format!("executors are not reached: {error}")),
    }
}

#[async_trait]
impl Dial for Reach {
    async fn dial(&self, address: &str) -> Result<Line, String> {
        let way = self.way(address).map_err(|error| error.reason)?;
        way.dial().await
    }

    async fn ask(&self, address: &str) -> Result<Introduction, Unreachable> {
        self.way(address)?.ask().await
    }
}

/// How an address is reached.
enum Way<'a> {
    Inside(&'a InProcess),
    Remote(&'a Grpc, &'a str),
    Beside(Grpc, String),
}

impl Way<'_> {
    async fn dial(&self) -> Result<Line, String> {
        match self {
            Self::Inside(inside) => inside.dial(ADDRESS).await,
            Self::Remote(grpc, address) => grpc.dial(address).await,
            Self::Beside(grpc, address) => grpc.dial(address).await,
        }
    }

    async fn ask(&self) -> Result<Introduction, Unreachable> {
        match self {
            Self::Inside(inside) => inside.ask(ADDRESS).await,
            Self::Remote(grpc, address) => grpc.ask(address).await,
            Self::Beside(grpc, address) => grpc.ask(address).await,
        }
    }
}

impl Reach {
    fn way<'a>(&'a self, address: &'a str) -> Result<Way<'a>, Unreachable> {
        let fail = |kind, reason| Unreachable { kind, reason };
        if address != ADDRESS {
            return match &self.others {
                Ok(grpc) => Ok(Way::Remote(grpc, address)),
                Err(reason) => Err(fail(UnreachableKind::Tls, reason.clone())),
            };
        }
        match &self.local {
            Local::None => Err(fail(
                UnreachableKind::Refused,
                "this server runs no executor on its host".to_owned(),
            )),
            Local::Inside(inside) => Ok(Way::Inside(inside)),
            Local::Beside(data_dir) => {
                let found = find(data_dir).map_err(|error| {
                    fail(
                        UnreachableKind::Other,
                        format!("cannot read where the executor of this host listens: {error}"),
                    )
                })?;
                let found = found.ok_or_else(|| {
                    fail(
                        UnreachableKind::Refused,
                        "the executor of this host does not run".to_owned(),
                    )
                })?;
                let tokens = Tokens {
                    default: found.token,
                    ..Tokens::default()
                };
                Ok(Way::Beside(Grpc::new(tokens), found.address.to_string()))
            }
        }
    }
}

/// Starts an executor inside this process, with its data in this folder.
///
/// # Errors
/// [`StartError`].
pub async fn inside(home: &Path, base: &Path) -> Result<Supervisor, StartError> {
    let mut config = SupervisorConfig::new(home.join("executor"));
    config.base_dir = base.to_path_buf();
    // A run starts no processes but jobs, so whatever is orphaned is a job's.
    config.adopt_orphans = true;
    config.worker = Some(executor::own_program());
    Supervisor::start(config).await
}

/// Ends an executor inside this process, and all that it still runs.
pub async fn end(supervisor: &Supervisor) {
    supervisor.stop(Stop::Kill);
    supervisor.stopped().await;
}

/// A transport for this realm that reaches this executor as [`ADDRESS`].
#[must_use]
pub fn transports_inside(realm: String, inside: Option<Supervisor>) -> Transports {
    let local = inside.map_or(Local::None, |it| Local::Inside(InProcess::new(it)));
    let lines = Lines::new(Reach::new(local)).with_realm(realm);
    // A run is over before its executors are gone.
    Forwarding::nothing(Collecting::nothing(Arc::new(lines)))
}

/// Where logs of ended attempts go.
#[derive(Debug)]
pub struct LogsTo {
    /// A folder for those of executors on other hosts.
    pub directory: PathBuf,
    /// An object store for the same, for good.
    pub objects: Option<LogObjects>,
    /// How long each is kept; `None` for ever.
    pub kept_for: Option<Duration>,
    /// Where all are said again.
    pub sinks: Vec<Arc<dyn LogSink>>,
    /// Tells sinks whose logs those are.
    pub origins: Arc<dyn Origins>,
    /// A folder for marks of what sinks have not taken yet.
    pub forward_marks: PathBuf,
}

/// A transport for this realm that reaches this executor process as [`ADDRESS`], and keeps the logs of executors on other
/// hosts.
///
/// # Errors
/// When a folder cannot be used.
pub fn transports_beside(
    realm: String,
    beside: Option<&LocalExecutor>,
    logs: LogsTo,
) -> Result<Transports, FileLogError> {
    let local = beside.map_or(Local::None, |it| Local::Beside(it.data_dir.clone()));
    let lines = Lines::new(Reach::new(local)).with_realm(realm);
    let archive = LogArchive::open(&logs.directory)?;
    let archive = match logs.objects {
        Some(objects) => archive.with_objects(objects),
        None => archive,
    };
    let collecting = Collecting::new(Arc::new(lines), archive, logs.kept_for);
    let marks = logs.forward_marks;
    let forwarding = Forwarding::new(collecting, logs.sinks, logs.origins, &marks);
    forwarding.map_err(|source| FileLogError::Io {
        path: marks,
        source,
    })
}

/// Runs as the executor process of a server, until nobody needs it.
///
/// # Errors
/// [`RunError`].
pub async fn run(
    data_dir: PathBuf,
    base_dir: PathBuf,
    orphaned_after: Duration,
) -> Result<(), RunError> {
    // A signal to the server's terminal is not for us. Fails only where we lead a group already, which is as good.
    let _ = setsid();
    let mut config = ExecutorConfig::standalone(data_dir);
    config.supervisor.base_dir = base_dir;
    config.supervisor.identity.name = NAME.to_owned();
    config.exit_when_orphaned = Some(orphaned_after);
    // Jobs outlive this process, too: `hcndc` itself holds them when it is asked to.
    config.supervisor.holder = Some(std::env::current_exe().map_err(StartError::Watch)?);
    let signals = executor::Signals::watch().map_err(StartError::Watch)?;
    executor::run(config, signals.stop).await
}

/// The executor process of a server: found or started, and started again when it dies.
#[derive(Debug)]
pub struct LocalExecutor {
    data_dir: PathBuf,
    _keeper: AbortOnDropHandle<()>,
}

/// Why the executor of this host could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalExecutorError {
    /// Its process could not be made.
    #[error("cannot start its process")]
    Spawn(#[source] io::Error),
    /// It did not come up.
    #[error("it does not come up; its own words are in {}", log.display())]
    NotUp {
        /// Where it writes what it does.
        log: PathBuf,
        /// What was seen.
        #[source]
        source: io::Error,
    },
}

impl LocalExecutor {
    /// Finds the executor of this data folder, or starts one.
    ///
    /// # Errors
    /// [`LocalExecutorError`].
    pub async fn start(server_dir: &Path) -> Result<Self, LocalExecutorError> {
        let data_dir = server_dir.join("executor");
        fs::create_dir_all(&data_dir).map_err(LocalExecutorError::Spawn)?;
        let log = data_dir.join("executor.log");
        let not_up = |source| LocalExecutorError::NotUp {
            log: log.clone(),
            source,
        };
        let mut child = None;
        if find(&data_dir).map_err(not_up)?.is_none() {
            child = Some(spawn(server_dir, &data_dir).map_err(LocalExecutorError::Spawn)?);
            find_within(&data_dir, START_WITHIN).await.map_err(not_up)?;
        }
        let keeper = tokio::spawn(keep(server_dir.to_path_buf(), data_dir.clone(), child));
        Ok(Self {
            data_dir,
            _keeper: AbortOnDropHandle::new(keeper),
        })
    }

    /// Leaves the executor alone. One that runs nothing is told to end; another goes on until nobody needs it.
    pub fn leave(self, idle: bool) {
        if idle && let Some(server_dir) = self.data_dir.parent() {
            dismiss(server_dir);
        }
    }
}

/// Tells the executor of this data folder, if one runs, to end when its jobs have.
pub fn dismiss(server_dir: &Path) {
    if let Ok(Some(found)) = find(&server_dir.join("executor")) {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(found.pid.cast_signed()), Signal::SIGTERM);
    }
}

fn spawn(server_dir: &Path, data_dir: &Path) -> io::Result<tokio::process::Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(data_dir.join("executor.log"))?;
    tokio::process::Command::new(std::env::current_exe()?)
        .args(["executor", "local"])
        // What is the server's alone.
        .env_remove("HCNDC_SECRET_KEY")
        .env_remove("HCNDC_DATABASE")
        .arg("--data-dir")
        .arg(data_dir)
        .arg("--base-dir")
        .arg(server_dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// Starts the executor again whenever it is gone.
async fn keep(server_dir: PathBuf, data_dir: PathBuf, mut child: Option<tokio::process::Child>) {
    loop {
        if let Some(child) = &mut child {
            match child.wait().await {
                Ok(status) => tracing::warn!(%status, "the executor of this host ended"),
                Err(error) => tracing::warn!(%error, "the executor of this host is out of sight"),
            }
        }
        child = None;
        tokio::time::sleep(START_AGAIN).await;
        match find(&data_dir) {
            Ok(Some(_)) => {}
            Ok(None) => match spawn(&server_dir, &data_dir) {
                Ok(started) => {
                    tracing::info!("the executor of this host is started again");
                    child = Some(started);
                }
                Err(error) => tracing::error!(%error, "cannot start the executor of this host"),
            },
            Err(error) => tracing::error!(%error, "cannot find the executor of this host"),
        }
    }
}
