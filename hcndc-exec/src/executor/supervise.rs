//! The heart: takes orders, holds attempts, tells their ends.
//!
//! One task owns the [`Link`] and the spool. It gathers all that waits, applies it, writes the records of the whole batch
//! with one flush to disk, and only then starts, kills and speaks. What is accepted while the disk is busy forms the
//! next batch, so that many orders share a flush.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hcndc_core::{
    engine::{End, EndCause, HostFigures, RunOrder},
    id::AttemptId,
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    hold::{Found, Hold, HoldEvent, HolderId, Kept, Settings},
    now,
    process::until,
    spool::Spool,
    supervisor::{Status, Stop},
    turned_away::{Doorman, TurnedAway},
};
use crate::{
    file_log::FileLog,
    ledger::{Entry, ProcessMark, Record},
    link::{Action, Down, Link, LinkId, Up, end_at},
    platform::Alone,
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
    Held(HoldEvent),
    HolderGone {
        holder: HolderId,
        /// Its process has certainly ended.
        is_dead: bool,
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
    pub(super) hold: Hold,
    /// Attempts that have not ended.
    pub(super) alive: BTreeSet<AttemptId>,
    /// Attempts whose ends are with us, and have yet to be written down before who held them may forget them.
    pub(super) ended: BTreeSet<AttemptId>,
    /// Attempts to be ended as lost, for nobody holds them any more.
    pub(super) unheld: BTreeMap<AttemptId, Unheld>,
    pub(super) log: FileLog,
    /// What is to be done before anything else.
    pub(super) first: Vec<Action>,
    /// For what comes to ourselves.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// Holds a folder of logs for each era.
    pub(super) logs: PathBuf,
    pub(super) running: Arc<AtomicU32>,
    pub(super) figures: Option<HostFigures>,
    pub(super) status: watch::Sender<Status>,
    pub(super) doorman: Doorman,
    pub(super) _lock: Alone,
}

/// An attempt that nobody holds any more.
pub(super) struct Unheld {
    process: Option<ProcessMark>,
    reason: String,
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
        let mut last_acks: Option<Instant> = None;
        // What was found at the start is settled before anything else.
        let first = std::mem::take(&mut self.first);
        self.carry_out(first).await;
        self.show();
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

            let how = *stopping.borrow_and_update();
            match how {
                Stop::No => {}
                Stop::Abandon => break,
                how @ (Stop::Drain | Stop::Kill) => {
                    self.link.drain();
                    if how == Stop::Kill {
                        self.kill_all().await;
                    }
                    let unacknowledged = !self.link.ledger().held().is_empty();
                    if self.alive.is_empty() {
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
            hold,
            _lock,
            ..
        } = self;
        hold.leave().await;
        drop(_lock);
        status.send_modify(|status| status.stopped = true);
    }

    /// Takes over what executors before this one left.
    pub(super) fn take_over(&mut self, boot: &str, found: &Found) {
        let ledger = self.link.ledger();
        let same_boot = ledger.boot().is_empty() || ledger.boot() == boot;
        let was_beside = ledger.is_beside();
        let is_beside = matches!(self.hold, Hold::Beside(_));
        let alive: Vec<_> = ledger
            .alive()
            .map(|(attempt, entry)| (attempt, entry.clone()))
            .collect();
        let mut actions = self.link.on_boot(boot.to_owned(), is_beside);
        for (attempt, entry) in alive {
            let fate = match (found.held.get(&attempt), found.left.get(&attempt)) {
                (Some(kept), _) => Fate::held(kept),
                (None, Some(kept)) if kept.end.is_some() => Fate::held(kept),
                _ if !same_boot => Fate::Lost,
                (None, None) if was_beside && entry.process.is_none() => Fate::Withdrawn,
                (None, left) => Fate::Unheld(left.and_then(|kept| kept.process)),
            };
            self.alive.insert(attempt);
            self.settle(attempt, &entry, fate, &mut actions);
        }
        // A spool that was lost, or an end that was written down and not released.
        for (attempt, kept) in &found.held {
            if !self.alive.contains(attempt) {
                match kept.end {
                    Some(_) => drop(self.ended.insert(*attempt)),
                    None => actions.push(Action::Kill {
                        attempt: *attempt,
                        grace: Duration::from_secs(5),
                    }),
                }
            }
        }
        self.first = actions;
    }

    fn settle(&mut self, attempt: AttemptId, entry: &Entry, fate: Fate, actions: &mut Vec<Action>) {
        match fate {
            Fate::Held(kept) => {
                if entry.process.is_none() {
                    let started = kept.process.map(|it| self.link.on_started(attempt, it));
                    actions.extend(started.into_iter().flatten());
                }
                if let Some(end) = kept.end {
                    self.on_ended(attempt, end, actions);
                }
            }
            Fate::Lost => {
                let reason = "the host was restarted while it ran".to_owned();
                let mut end = end_at(now(), EndCause::Lost(reason));
                end.started_at = entry.process.map(|process| process.at);
                self.on_ended(attempt, end, actions);
            }
            Fate::Withdrawn => {
                self.alive.remove(&attempt);
                actions.extend(self.link.on_withdrawn(attempt));
            }
            Fate::Unheld(process) => {
                let unheld = Unheld {
                    process: entry.process.or(process),
                    reason: "executor restarted".to_owned(),
                };
                self.unheld.insert(attempt, unheld);
            }
        }
    }

    fn on_ended(&mut self, attempt: AttemptId, end: End, actions: &mut Vec<Action>) {
        self.alive.remove(&attempt);
        self.ended.insert(attempt);
        actions.extend(self.link.on_ended(attempt, end));
    }

    /// A holder ended before its jobs did.
    fn on_gone(&mut self, holder: HolderId, is_dead: bool, actions: &mut Vec<Action>) {
        let Hold::Beside(beside) = &mut self.hold else {
            return;
        };
        let had = beside.gone(holder, is_dead);
        for (attempt, kept) in had {
            if !self.alive.contains(&attempt) {
                continue;
            }
            let Kept { process, end } = kept;
            if let Some(end) = end {
                self.on_ended(attempt, end, actions);
                continue;
            }
            let known = self.link.ledger().find_held(attempt);
            let unheld = Unheld {
                process: known.and_then(|entry| entry.process).or(process),
                reason: "the process that held it ended".to_owned(),
            };
            self.unheld.insert(attempt, unheld);
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
        let scheduler = match &message {
            Down::Hello { scheduler, .. } => Some(scheduler.clone()),
            _ => None,
        };
        let answer = self.link.on_message(now(), link, message);
        if let Some(scheduler) = scheduler {
            let outcome = TurnedAway::by(scheduler, &answer);
            self.doorman.on_hello(outcome);
        }
        actions.extend(answer);
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
            Event::Held(event) => self.on_held(event, actions),
            Event::HolderGone { holder, is_dead } => self.on_gone(holder, is_dead, actions),
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

    fn on_held(&mut self, event: HoldEvent, actions: &mut Vec<Action>) {
        if let Hold::Beside(beside) = &mut self.hold {
            beside.hears(&event);
        }
        match event {
            // Taken by who made the connection.
            HoldEvent::Hello(_) => {}
            HoldEvent::Started { attempt, process } => {
                actions.extend(self.link.on_started(attempt, process));
            }
            HoldEvent::Ended { attempt, end } => self.on_ended(attempt, end, actions),
            HoldEvent::Returned { attempt } => {
                let goes_on = match &mut self.hold {
                    Hold::Beside(beside) => beside.takes_back(attempt),
                    Hold::Inside(_) => false,
                };
                if !goes_on && self.alive.contains(&attempt) {
                    // Given by the executor before this one: the scheduler was told that it is held.
                    let unheld = Unheld {
                        process: None,
                        reason: "the process that held it was told to end".to_owned(),
                    };
                    self.unheld.insert(attempt, unheld);
                }
            }
        }
    }

    /// Writes the records, then does the rest.
    async fn carry_out(&mut self, mut actions: Vec<Action>) {
        let mut refused = BTreeSet::new();
        self.doorman.write().await;
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
                        self.run_held(order).await;
                    }
                }
                Action::Kill { attempt, grace } => {
                    self.hold.kill(attempt, grace).await;
                }
                Action::Send { link, message } => self.send(link, message),
                Action::Close { link } => {
                    self.connections.remove(&link);
                    self.link.on_closed(link);
                }
            }
        }
        self.look_after_holders(is_written).await;
    }

    async fn run_held(&mut self, order: Box<RunOrder>) {
        let attempt = order.attempt;
        self.alive.insert(attempt);
        if let Err(error) = self.hold.run(order).await {
            tracing::error!(%error, "cannot start jobs");
            let end = end_at(now(), EndCause::NotStarted(error.to_string()));
            let event = HoldEvent::Ended { attempt, end };
            // Taken with the next batch.
            let _ = self.events.send(Event::Held(event));
        }
    }

    /// Gives to others what was not begun, ends what nobody holds, lets holders forget what is written down, and takes away what
    /// is of no use then.
    async fn look_after_holders(&mut self, is_written: bool) {
        if is_written {
            self.hold.release(&std::mem::take(&mut self.ended)).await;
            if let Hold::Beside(beside) = &mut self.hold {
                beside.tidy(&self.alive);
            }
        }
        if let Hold::Beside(beside) = &mut self.hold {
            for (attempt, end) in beside.give_again().await {
                let event = HoldEvent::Ended { attempt, end };
                // Taken with the next batch.
                let _ = self.events.send(Event::Held(event));
            }
        }
        for (attempt, unheld) in std::mem::take(&mut self.unheld) {
            let Unheld { process, reason } = unheld;
            if let Err(error) = self.hold.bury(attempt, process, reason.clone()).await {
                tracing::error!(%error, "cannot end what is left of a job");
                let end = end_at(now(), EndCause::Lost(reason));
                let event = HoldEvent::Ended { attempt, end };
                let _ = self.events.send(Event::Held(event));
            }
        }
    }

    /// No attempt is alive now.
    async fn begin(&mut self, era: u64, is_written: bool) {
        tracing::info!(
            realm = self.link.ledger().realm(),
            "serves another scheduler's database from now on"
        );
        let logs = logs_of(&self.logs, era);
        if let Err(error) = self.log.start_over(logs.clone()).await {
            tracing::error!(%error, "cannot clear the folder of the logs");
        }
        let change = |settings: &mut Settings| {
            settings.era = era;
            settings.logs = logs;
        };
        self.hold.change(change).await;
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
            Err(error) => {
                if let TrySendError::Full(_) = error {
                    tracing::warn!("a scheduler does not read what it is told; it is cut off");
                }
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
        let is_long = all.is_some();
        let durable = records.iter().any(must_be_durable);
        let write = move || {
            let result = match all {
                Some(all) => spool.rewrite(&all),
                None => spool.append(&records, durable),
            };
            (spool, result)
        };
        // What the system only has to take into its memory takes less time than to wake another thread.
        let written = match durable || is_long {
            true => tokio::task::spawn_blocking(write).await,
            false => Ok(write()),
        };
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

    async fn kill_all(&mut self) {
        for attempt in &self.alive {
            self.hold.kill(*attempt, Duration::from_secs(5)).await;
        }
    }

    /// Tells whoever watches how things are.
    fn show(&self) {
        let running = self.alive.len();
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
        | Record::Ended { .. }
        | Record::Boot { .. } => true,
        Record::Started { .. }
        | Record::Withdrawn { .. }
        | Record::Acknowledged { .. }
        | Record::Forgotten { .. } => false,
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

/// What has become of an attempt that was alive when the last executor ended.
enum Fate {
    /// Its holder, or what that wrote down, knows.
    Held(Kept),
    /// It went with the host.
    Lost,
    /// No holder had it yet.
    Withdrawn,
    /// It was held by nobody who is there now.
    Unheld(Option<ProcessMark>),
}

impl Fate {
    fn held(kept: &Kept) -> Self {
        Self::Held(kept.clone())
    }
}
