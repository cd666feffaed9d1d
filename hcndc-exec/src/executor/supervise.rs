//! The heart: takes orders, holds attempts, tells their ends.
//!
//! One task owns the [`Link`] and the spool. It gathers all that waits, applies it, writes the records of the whole batch
//! with one flush to disk, and only then starts, kills and speaks. What is accepted while the disk is busy forms the
//! next batch, so that many orders share a flush.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use hcndc_core::{
    engine::{End, EndCause, HostFigures},
    id::AttemptId,
};
use nix::fcntl::{Flock, FlockArg};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    attempt::{self, Tools},
    census::Registrar,
    host, now,
    process::until,
    reaper::Reaper,
    spool::{Spool, SpoolError},
};
use crate::{
    file_log::{FileLog, FileLogError},
    ledger::Record,
    link::{Action, Down, Identity, Link, LinkId, Up, end_at},
};

/// Messages of schedulers that may wait to be taken.
const MESSAGES: usize = 1024;
/// Messages to a scheduler that may wait to be sent. A scheduler that is further behind loses its connection; all that
/// it needs to know is in the next hello.
const ANSWERS: usize = 16_384;
/// Inputs that are taken together at most.
const BATCH: usize = 512;
/// How long a stopping executor waits for its last ends to be acknowledged.
const LAST_ACKS: Duration = Duration::from_secs(2);

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
    /// jobs: whatever is not a job's is taken for a stray. Default false.
    pub adopt_orphans: bool,
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
}

/// How to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Start nothing more, wait for what runs.
    Drain,
    /// Start nothing more, kill what runs.
    Kill,
    /// At once, as a crash would: processes are left to the next supervisor on the same directory.
    Abandon,
}

/// What happens to a supervisor, but for messages.
#[derive(Debug)]
pub(crate) enum Event {
    Opened {
        link: LinkId,
        answers: mpsc::Sender<Up>,
    },
    Closed {
        link: LinkId,
    },
    Started {
        attempt: AttemptId,
        process: crate::ledger::ProcessMark,
    },
    Ended {
        attempt: AttemptId,
        end: End,
    },
    Figures(HostFigures),
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
    /// Reads what the directory's last supervisor left, ends its processes, and takes orders.
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
        let reaper =
            Reaper::start(config.adopt_orphans, alive.clone()).map_err(StartError::Watch)?;
        let (messages, received_messages) = mpsc::channel(MESSAGES);
        let (events, received_events) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(Stop::No);
        let (status, watched) = watch::channel(Status {
            running: 0,
            orphaned_since: Some(Instant::now()),
            stopped: false,
        });
        let tools = Arc::new(Tools {
            registrar: Arc::new(Registrar::new(Arc::clone(&reaper))),
            reaper,
            log: Arc::new(log.clone()),
            base_dir,
            log_cap_bytes: config.log_cap_bytes,
            key: ledger.key().to_owned(),
            events: events.clone(),
        });
        let running = Arc::new(AtomicU32::new(0));
        tokio::spawn(observe(
            config.data_dir,
            config.heartbeat,
            Arc::clone(&running),
            events.clone(),
            alive.clone(),
        ));
        let actor = Actor {
            link: Link::new(config.identity, ledger),
            spool: Some(spool),
            rewrite_after: Instant::now(),
            connections: BTreeMap::new(),
            jobs: BTreeMap::new(),
            tasks: JoinSet::new(),
            tools,
            running,
            figures: None,
            status,
            _lock: lock,
        };
        tokio::spawn(actor.run(received_messages, received_events, stopping, alive.clone()));
        Ok(Self {
            messages,
            events,
            links: Arc::new(AtomicU64::new(1)),
            stop,
            status: watched,
            log,
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

type Opened = (Flock<File>, Spool, crate::ledger::Ledger, FileLog);

fn open(data_dir: &Path) -> Result<Opened, StartError> {
    let fault = |source| StartError::Directory {
        path: data_dir.to_owned(),
        source,
    };
    // What jobs print, and the token, are not for other users of the host.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(fault)?;
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(data_dir.join("executor.lock"))
        .map_err(fault)?;
    let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| {
        if error == nix::errno::Errno::EWOULDBLOCK {
            StartError::InUse {
                path: data_dir.to_owned(),
            }
        } else {
            fault(error.into())
        }
    })?;
    let (spool, ledger) = Spool::open(data_dir)?;
    let log = FileLog::open(data_dir.join("logs"))?;
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

struct Actor {
    link: Link,
    /// Away while it is written.
    spool: Option<Spool>,
    /// A spool that is behind is not rewritten before.
    rewrite_after: Instant,
    connections: BTreeMap<LinkId, mpsc::Sender<Up>>,
    jobs: BTreeMap<AttemptId, watch::Sender<Option<Duration>>>,
    tasks: JoinSet<()>,
    tools: Arc<Tools>,
    running: Arc<AtomicU32>,
    figures: Option<HostFigures>,
    status: watch::Sender<Status>,
    _lock: Flock<File>,
}

impl Actor {
    async fn run(
        mut self,
        mut messages: mpsc::Receiver<(LinkId, Down)>,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut stopping: watch::Receiver<Stop>,
        alive: CancellationToken,
    ) {
        self.bury_the_dead();
        let mut last_acks: Option<Instant> = None;
        loop {
            let mut actions = Vec::new();
            tokio::select! {
                Some(event) = events.recv() => self.on_event(event, &mut actions),
                Some((link, message)) = messages.recv() => {
                    self.on_message(link, message, &mut events, &mut actions);
                }
                Ok(()) = stopping.changed() => {}
                () = until(last_acks) => break,
                () = alive.cancelled() => break,
            }
            for _ in 0..BATCH {
                if let Ok(event) = events.try_recv() {
                    self.on_event(event, &mut actions);
                } else if let Ok((link, message)) = messages.try_recv() {
                    self.on_message(link, message, &mut events, &mut actions);
                } else {
                    break;
                }
            }
            self.carry_out(actions).await;
            self.link.forget(now());
            while self.tasks.try_join_next().is_some() {}

            match *stopping.borrow_and_update() {
                Stop::No => {}
                Stop::Abandon => break,
                how @ (Stop::Drain | Stop::Kill) => {
                    self.link.drain();
                    if how == Stop::Kill {
                        self.kill_all();
                    }
                    let unacknowledged = !self.link.ledger().held().is_empty();
                    if self.jobs.is_empty() {
                        if !unacknowledged || self.link.current().is_none() {
                            break;
                        }
                        last_acks.get_or_insert_with(|| Instant::now() + LAST_ACKS);
                    }
                }
            }
            self.show();
        }
        // Whoever waits for the end may start another one on the same directory.
        alive.cancel();
        let Self {
            status,
            tasks,
            _lock,
            ..
        } = self;
        drop((tasks, _lock));
        status.send_modify(|status| status.stopped = true);
    }

    /// Attempts that the last supervisor accepted and did not see end.
    fn bury_the_dead(&mut self) {
        let dead: Vec<_> = self
            .link
            .ledger()
            .alive()
            .map(|(attempt, entry)| (attempt, entry.clone()))
            .collect();
        for (attempt, entry) in dead {
            let (kill, _) = watch::channel(None);
            self.jobs.insert(attempt, kill);
            self.tasks
                .spawn(attempt::bury(Arc::clone(&self.tools), attempt, entry));
        }
    }

    /// Events that came before a message are taken before it: its connection may be among them.
    fn on_message(
        &mut self,
        link: LinkId,
        message: Down,
        events: &mut mpsc::UnboundedReceiver<Event>,
        actions: &mut Vec<Action>,
    ) {
        while let Ok(event) = events.try_recv() {
            self.on_event(event, actions);
        }
        actions.extend(self.link.on_message(now(), link, message));
    }

    fn on_event(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Opened { link, answers } => {
                self.connections.insert(link, answers);
            }
            Event::Closed { link } => {
                self.connections.remove(&link);
                self.link.on_closed(link);
            }
            Event::Started { attempt, process } => {
                actions.extend(self.link.on_started(attempt, process));
            }
            Event::Ended { attempt, end } => {
                self.jobs.remove(&attempt);
                actions.extend(self.link.on_ended(attempt, end));
            }
            Event::Figures(figures) => {
                if let Some(link) = self.link.current() {
                    actions.push(Action::Send {
                        link,
                        message: Up::Heartbeat(figures.clone()),
                    });
                }
                self.figures = Some(figures);
            }
        }
    }

    /// Writes the records, then does the rest.
    async fn carry_out(&mut self, mut actions: Vec<Action>) {
        let mut refused = BTreeSet::new();
        if let Err(error) = self.write(&actions).await {
            // An order that is not on disk must not be carried out: a restart would not know of it.
            let orders: Vec<AttemptId> = actions
                .iter()
                .filter_map(|action| match action {
                    Action::Run(order) => Some(order.attempt),
                    _ => None,
                })
                .collect();
            for attempt in orders {
                let end = end_at(now(), EndCause::NotStarted(error.clone()));
                actions.extend(self.link.on_ended(attempt, end));
                refused.insert(attempt);
            }
        }
        for action in actions {
            match action {
                Action::Record(_) => {}
                Action::Run(order) => {
                    if !refused.contains(&order.attempt) {
                        let (kill, killed) = watch::channel(None);
                        self.jobs.insert(order.attempt, kill);
                        let tools = Arc::clone(&self.tools);
                        self.tasks.spawn(attempt::run(tools, order, killed));
                    }
                }
                Action::Kill { attempt, grace } => {
                    if let Some(kill) = self.jobs.get(&attempt) {
                        kill_within(kill, grace);
                    }
                }
                Action::Send { link, message } => self.send(link, message),
                Action::Close { link } => {
                    self.connections.remove(&link);
                    self.link.on_closed(link);
                }
            }
        }
    }

    fn send(&mut self, link: LinkId, message: Up) {
        let Some(answers) = self.connections.get(&link) else {
            return;
        };
        let is_hello = matches!(message, Up::Hello { .. });
        let is_heartbeat = matches!(message, Up::Heartbeat(_));
        match answers.try_send(message) {
            Ok(()) => {}
            // Of a host that is slow to listen the latest figures are soon enough.
            Err(_) if is_heartbeat => {}
            Err(_) => {
                self.connections.remove(&link);
                self.link.on_closed(link);
            }
        }
        if is_hello && let Some(figures) = self.figures.clone() {
            self.send(link, Up::Heartbeat(figures));
        }
    }

    /// Writes down the records among `actions`; says why not.
    async fn write(&mut self, actions: &[Action]) -> Result<(), String> {
        let records: Vec<Record> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Record(record) => Some(record.clone()),
                _ => None,
            })
            .collect();
        let Some(mut spool) = self.spool.take() else {
            return Err("the spool is gone".to_owned());
        };
        if records.is_empty() && !spool.is_behind() {
            self.spool = Some(spool);
            return Ok(());
        }
        if spool.is_behind() && Instant::now() < self.rewrite_after {
            self.spool = Some(spool);
            return Err("cannot write the spool; its disk failed a moment ago".to_owned());
        }
        let all = spool
            .wants_rewriting()
            .then(|| self.link.ledger().to_records());
        let written = tokio::task::spawn_blocking(move || {
            let durable = records.iter().any(must_be_durable);
            let result = match all {
                Some(all) => spool.rewrite(&all),
                None => spool.append(&records, durable),
            };
            (spool, result)
        })
        .await;
        match written {
            Ok((spool, result)) => {
                self.spool = Some(spool);
                result.map_err(|error| {
                    tracing::error!(%error, "the spool cannot be written");
                    self.rewrite_after = Instant::now() + Duration::from_secs(1);
                    error.to_string()
                })
            }
            Err(error) => Err(format!("cannot write the spool: {error}")),
        }
    }

    fn kill_all(&self) {
        for kill in self.jobs.values() {
            kill_within(kill, Duration::from_secs(5));
        }
    }

    /// Tells whoever watches how things are.
    fn show(&self) {
        let running = self.jobs.len();
        self.running.store(
            u32::try_from(running).unwrap_or(u32::MAX),
            Ordering::Relaxed,
        );
        let orphaned = running == 0 && self.link.current().is_none();
        self.status.send_if_modified(|status| {
            let orphaned_since = match (orphaned, status.orphaned_since) {
                (true, None) => Some(Instant::now()),
                (true, since) => since,
                (false, _) => None,
            };
            let shown = Status {
                running,
                orphaned_since,
                stopped: false,
            };
            std::mem::replace(status, shown) != shown
        });
    }
}

/// Records that must survive the host's end before they are acted upon. Process ids do not: their processes end with
/// the host. An acknowledgement that is lost is given again.
const fn must_be_durable(record: &Record) -> bool {
    match record {
        Record::Key(_) | Record::Fence(_) | Record::Accepted { .. } | Record::Ended { .. } => true,
        Record::Started { .. } | Record::Acknowledged { .. } | Record::Forgotten { .. } => false,
    }
}

/// Wishes an attempt to end; a wish can only be made more urgent.
fn kill_within(kill: &watch::Sender<Option<Duration>>, grace: Duration) {
    kill.send_if_modified(|wish| {
        let sooner = wish.is_none_or(|before| grace < before);
        if sooner {
            *wish = Some(grace);
        }
        sooner
    });
}
