//! A running supervisor from outside: settings, start, connections, status, stop.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use hcndc_core::engine::HostFigures;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    hold::{Beside, Found, Hold, HoldError, Jobs, Settings, Sink},
    host,
    limits::{JobLimits, LimitError},
    own_program,
    reaper::Reaper,
    rules::{HostRules, RuleError},
    spool::{Spool, SpoolError},
    supervise::{Actor, Event, logs_of, sweep},
    turned_away::Doorman,
};
use crate::{
    file_log::{FileLog, FileLogError},
    ledger::Ledger,
    link::{Down, Identity, Link, LinkId, Up},
    platform::{self, Alone, Groups, PASSED_ON},
};

/// Messages of schedulers that may wait to be taken.
const MESSAGES: usize = 1024;
/// Messages to a scheduler that may wait to be sent. A scheduler that is further behind loses its connection; all that
/// it needs to know is in the next hello.
pub const ANSWERS: usize = 16_384;

/// Settings of a supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorConfig {
    /// Who it says it is.
    pub identity: Identity,
    /// Where spool and logs are; made if need be, for its owner alone. One supervisor at a time uses a directory.
    pub data_dir: PathBuf,
    /// What relative working directories are relative to.
    pub base_dir: PathBuf,
    /// Bytes of output that are kept of an attempt; of a longer one head and tail stay. Too small loses what a person
    /// looks for, too large fills the disk. Default 64 MiB.
    pub log_cap_bytes: usize,
    /// Time between heartbeats. Default 5 s.
    pub heartbeat: Duration,
    /// Makes this process the parent of all orphans among its descendants, so that even a process that leaves its
    /// group, its session and its environment ends with its attempt. Only for a process that starts no others than
    /// jobs: whatever is not a job's is taken for a stray. Default false. Says nothing where a holder holds the jobs.
    pub adopt_orphans: bool,
    /// Program to start for holding jobs: they outlive this process then, and the next supervisor on the same directory
    /// goes on with them. Its `main` calls [`hold_if_asked`](super::hold_if_asked); mostly it is the program that runs.
    /// Default `None`: this process holds its jobs itself, and they end when it does.
    pub holder: Option<PathBuf>,
    /// Program to start for jobs that send requests or run statements, where this process holds its jobs itself. Its `main`
    /// calls [`hold_if_asked`](super::hold_if_asked), too; [`own_program`] is the one that runs. A
    /// holder starts its own. Default `None`: such jobs are not started, and say why.
    pub worker: Option<PathBuf>,
    /// What the host allows. Default: all.
    pub rules: HostRules,
    /// Gives each job a control group (cgroup v2) where the host has such and lets this process make some: then nothing that a
    /// job starts can hide from its end, and the time and the memory of all of it are counted. Default false.
    pub control_groups: bool,
    /// What each job may take at most; needs `control_groups`. Default: as much as there is.
    pub limits: JobLimits,
}

impl SupervisorConfig {
    /// The defaults, with data in `data_dir`.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            identity: Identity {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..Identity::default()
            },
            data_dir: data_dir.into(),
            base_dir: PathBuf::from("."),
            log_cap_bytes: 64 << 20,
            heartbeat: Duration::from_secs(5),
            adopt_orphans: false,
            holder: None,
            worker: None,
            rules: HostRules::default(),
            control_groups: false,
            limits: JobLimits::default(),
        }
    }
}

impl SupervisorConfig {
    /// Where jobs of the executor of this key have their control groups.
    pub(super) fn groups(&self, key: &str) -> Result<Option<Groups>, LimitError> {
        match (self.control_groups, self.limits.are_none()) {
            (true, _) => Groups::find(key, self.limits),
            (false, true) => Ok(None),
            (false, false) => Err(LimitError::NoGroups),
        }
    }
}

/// Why a supervisor did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another one uses the directory.
    #[error("another executor uses {}", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The logs cannot be used.
    #[error(transparent)]
    Log(#[from] FileLogError),
    /// The system does not let it watch its children.
    #[error("cannot watch processes: {0}")]
    Watch(#[source] io::Error),
    /// The processes that hold jobs cannot be used.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The rules of the host cannot be kept.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// The limits of jobs cannot be kept.
    #[error(transparent)]
    Limits(#[from] LimitError),
}

/// How to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Start nothing more, wait for what runs. Orders to run are left unanswered, for the next supervisor to be given.
    Drain,
    /// Start nothing more, kill what runs.
    Kill,
    /// At once, as a crash would: jobs are left to the next supervisor on the same directory, which goes on with them if
    /// a [holder](SupervisorConfig::holder) holds them, and ends them otherwise.
    Abandon,
}

/// A running supervisor. Cheap to clone; it runs until it is stopped or the last clone is gone.
#[derive(Clone, Debug)]
pub struct Supervisor {
    messages: mpsc::Sender<(LinkId, Down)>,
    events: mpsc::UnboundedSender<Event>,
    links: Arc<AtomicU64>,
    stop: watch::Sender<Stop>,
    status: watch::Receiver<Status>,
    log: FileLog,
    identity: Arc<Identity>,
    data_dir: Arc<Path>,
    running: Arc<AtomicU32>,
    _alive: Arc<DropGuard>,
}

/// What a supervisor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Attempts that run.
    pub running: usize,
    /// Since when no scheduler is connected and nothing runs; `None` otherwise.
    pub orphaned_since: Option<Instant>,
    /// It has stopped.
    pub stopped: bool,
}

/// A connection to a supervisor. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    /// Where orders go.
    pub down: OrderSender,
    /// What it says; ends when the supervisor closes the connection.
    pub up: mpsc::Receiver<Up>,
    _closes: CloseGuard,
}

/// Sends a connection's orders.
#[derive(Clone, Debug)]
pub struct OrderSender {
    link: LinkId,
    messages: mpsc::Sender<(LinkId, Down)>,
}

impl OrderSender {
    /// Sends an order; waits while the supervisor is busy. `false` if it has stopped.
    pub async fn send(&self, message: Down) -> bool {
        self.messages.send((self.link, message)).await.is_ok()
    }
}

#[derive(Debug)]
struct CloseGuard {
    link: LinkId,
    events: mpsc::UnboundedSender<Event>,
}

impl Drop for CloseGuard {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Closed { link: self.link });
    }
}

impl Supervisor {
    /// Takes over what the directory's last supervisor left, and takes orders.
    ///
    /// # Errors
    /// When the directory is in use or unusable.
    pub async fn start(config: SupervisorConfig) -> Result<Self, StartError> {
        let data_dir = config.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || open(&data_dir)).await;
        let (lock, spool, ledger, log) =
            opened.map_err(|error| StartError::Watch(io::Error::other(error)))??;
        let base_dir =
            std::path::absolute(&config.base_dir).map_err(|source| StartError::Directory {
                path: config.base_dir.clone(),
                source,
            })?;

        let alive = CancellationToken::new();
        let (messages, received_messages) = mpsc::channel(MESSAGES);
        let (events, received_events) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(Stop::No);
        let (status, watched) = watch::channel(Status {
            running: 0,
            orphaned_since: Some(Instant::now()),
            stopped: false,
        });
        let logs = config.data_dir.join("logs");
        sweep(logs.clone(), ledger.era());
        let settings = Settings {
            base_dir,
            logs: std::path::absolute(logs_of(&logs, ledger.era())).map_err(|source| {
                StartError::Directory {
                    path: logs.clone(),
                    source,
                }
            })?,
            log_cap_bytes: config.log_cap_bytes,
            key: ledger.key().to_owned(),
            era: ledger.era(),
            passed_on: PASSED_ON
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
                .collect(),
            rules: config.rules.resolve()?,
            groups: config.groups(ledger.key())?,
            worker: match config.holder {
                Some(_) => Some(own_program()),
                None => config.worker,
            },
        };
        let (hold, found) = match config.holder {
            Some(program) => {
                let (beside, found) =
                    Beside::open(&config.data_dir, program, settings, events.clone()).await?;
                (Hold::Beside(Box::new(beside)), found)
            }
            None => {
                let reaper = Reaper::start(config.adopt_orphans, alive.clone())
                    .map_err(StartError::Watch)?;
                let events = events.clone();
                let sink: Sink = Arc::new(move |event| {
                    let _ = events.send(Event::Held(event));
                });
                let jobs = Jobs::new(reaper, log.clone(), settings, sink);
                (Hold::Inside(jobs), Found::default())
            }
        };
        let doorman = Doorman::new(&config.data_dir);
        let running = Arc::new(AtomicU32::new(0));
        let identity = Arc::new(config.identity.clone());
        let data_dir = Arc::from(config.data_dir.as_path());
        tokio::spawn(observe(
            config.data_dir,
            config.heartbeat,
            Arc::clone(&running),
            events.clone(),
            alive.clone(),
        ));
        let mut actor = Actor {
            link: Link::new(config.identity, ledger),
            spool: Some(spool),
            rewrite_after: Instant::now(),
            connections: BTreeMap::new(),
            hold,
            alive: BTreeSet::new(),
            ended: BTreeSet::new(),
            unheld: BTreeMap::new(),
            log: log.clone(),
            first: Vec::new(),
            events: events.clone(),
            logs,
            running: Arc::clone(&running),
            figures: None,
            status,
            doorman,
            _lock: lock,
        };
        actor.take_over(&platform::boot(), &found);
        tokio::spawn(actor.run(received_messages, received_events, stopping, alive.clone()));
        Ok(Self {
            messages,
            events,
            links: Arc::new(AtomicU64::new(1)),
            stop,
            status: watched,
            log,
            identity,
            data_dir,
            running,
            _alive: Arc::new(alive.drop_guard()),
        })
    }

    /// Opens a connection; the first message on it must be a hello.
    #[must_use]
    pub fn connect(&self) -> Connection {
        let link = LinkId(self.links.fetch_add(1, Ordering::Relaxed));
        let (answers, up) = mpsc::channel(ANSWERS);
        let _ = self.events.send(Event::Opened { link, answers });
        Connection {
            down: OrderSender {
                link,
                messages: self.messages.clone(),
            },
            up,
            _closes: CloseGuard {
                link,
                events: self.events.clone(),
            },
        }
    }

    /// Who it is, and how its host is doing now.
    pub async fn introduce(&self) -> (Identity, HostFigures) {
        let running = self.running.load(Ordering::Relaxed);
        let data_dir = Arc::clone(&self.data_dir);
        let looked = tokio::task::spawn_blocking(move || host::figures(&data_dir, running)).await;
        (Identity::clone(&self.identity), looked.unwrap_or_default())
    }

    /// Its attempts' output.
    #[must_use]
    pub const fn log(&self) -> &FileLog {
        &self.log
    }

    /// What it is doing, now and as it changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Stops it; a later call can only hasten. Returns at once, see [`Supervisor::stopped`].
    pub fn stop(&self, how: Stop) {
        self.stop.send_if_modified(|now| {
            let sooner = how > *now;
            *now = how.max(*now);
            sooner
        });
    }

    /// Waits until it has stopped and its directory is free.
    pub async fn stopped(&self) {
        // An error means that the task is gone, which is just as well.
        let _ = self.status.clone().wait_for(|status| status.stopped).await;
    }
}

type Opened = (Alone, Spool, Ledger, FileLog);

fn open(data_dir: &Path) -> Result<Opened, StartError> {
    let fault = |source| StartError::Directory {
        path: data_dir.to_owned(),
        source,
    };
    // What jobs print, and the token, are not for other users of the host.
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    platform::only_ours_folder(&mut folder);
    folder.create(data_dir).map_err(fault)?;
    let lock = Alone::open(&data_dir.join("executor.lock"))
        .map_err(fault)?
        .ok_or_else(|| StartError::InUse {
            path: data_dir.to_owned(),
        })?;
    let (spool, ledger) = Spool::open(data_dir)?;
    let log = FileLog::open(logs_of(&data_dir.join("logs"), ledger.era()))?;
    Ok((lock, spool, ledger, log))
}

/// Looks at the host every so often.
async fn observe(
    data_dir: PathBuf,
    every: Duration,
    running: Arc<AtomicU32>,
    events: mpsc::UnboundedSender<Event>,
    alive: CancellationToken,
) {
    let mut tick = tokio::time::interval(every.max(Duration::from_millis(10)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = alive.cancelled() => return,
        }
        let data_dir = data_dir.clone();
        let running = running.load(Ordering::Relaxed);
        let looked = tokio::task::spawn_blocking(move || host::figures(&data_dir, running)).await;
        if let Ok(figures) = looked
            && events.send(Event::Figures(figures)).is_err()
        {
            return;
        }
    }
}
