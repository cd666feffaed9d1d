//! The heart: takes orders, holds attempts, tells their ends.
//!
//! One task owns the [`Link`] and the spool. It gathers all that waits, applies it, writes the records of the whole batch
//! with one flush to disk, and only then starts, kills and speaks. What is accepted while the disk is busy forms the
//! next batch, so that many orders share a flush.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hcndc_core::{
    engine::{End, EndCause, HostFigures},
    id::AttemptId,
};
use nix::fcntl::Flock;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{self, Tools},
    now,
    process::until,
    spool::Spool,
    supervisor::{Status, Stop},
};
use crate::{
    ledger::{ProcessMark, Record},
    link::{Action, Down, Link, LinkId, Up, end_at},
};

/// Inputs that are taken together at most.
const BATCH: usize = 512;
/// How long a stopping executor waits for its last ends to be acknowledged.
const LAST_ACKS: Duration = Duration::from_secs(2);

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
        process: ProcessMark,
    },
    Ended {
        attempt: AttemptId,
        end: End,
    },
    Figures(HostFigures),
}

/// Owns all that a supervisor knows.
pub(super) struct Actor {
    pub(super) link: Link,
    /// Away while it is written.
    pub(super) spool: Option<Spool>,
    /// A spool that is behind is not rewritten before.
    pub(super) rewrite_after: Instant,
    pub(super) connections: BTreeMap<LinkId, mpsc::Sender<Up>>,
    pub(super) jobs: BTreeMap<AttemptId, watch::Sender<Option<Duration>>>,
    pub(super) tasks: JoinSet<()>,
    pub(super) tools: Arc<Tools>,
    /// Holds a folder of logs for each era.
    pub(super) logs: PathBuf,
    pub(super) running: Arc<AtomicU32>,
    pub(super) figures: Option<HostFigures>,
    pub(super) status: watch::Sender<Status>,
    pub(super) _lock: Flock<File>,
}

impl Actor {
    /// Runs until it is told to stop.
    pub(super) async fn run(
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
        let written = self.write(&actions).await;
        let is_written = written.is_ok();
        if let Err(error) = written {
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
                Action::Begin { era } => self.begin(era, is_written).await,
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

    /// No attempt is alive now.
    async fn begin(&self, era: u64, is_written: bool) {
        tracing::info!(
            realm = self.link.ledger().realm(),
            "serves another scheduler's database from now on"
        );
        self.tools.era.store(era, Ordering::Relaxed);
        let folder = logs_of(&self.logs, era);
        if let Err(error) = self.tools.log.start_over(folder).await {
            tracing::error!(%error, "cannot clear the folder of the logs");
        }
        // A restart that knows nothing of this era would miss the logs of the last one.
        if is_written {
            sweep(self.logs.clone(), era);
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
        Record::Key(_)
        | Record::Realm { .. }
        | Record::Fence(_)
        | Record::Accepted { .. }
        | Record::Ended { .. } => true,
        Record::Started { .. } | Record::Acknowledged { .. } | Record::Forgotten { .. } => false,
    }
}

/// Where the logs of an era are.
pub(super) fn logs_of(logs: &Path, era: u64) -> PathBuf {
    logs.join(era.to_string())
}

/// Deletes the logs of all eras before this one, in the background. What a crash leaves goes after the next start.
pub(super) fn sweep(logs: PathBuf, era: u64) {
    tokio::task::spawn_blocking(move || {
        let names = fs::read_dir(&logs)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        let past = names.filter_map(|name| name.to_str()?.parse::<u64>().ok());
        for past in past.filter(|past| *past < era) {
            let folder = logs_of(&logs, past);
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "cannot delete old logs");
            }
        }
    });
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
