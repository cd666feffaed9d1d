//! The executor's end of the protocol as a pure state machine: hello, fence, orders, acknowledgements, repeats.
//!
//! ```text
//!   messages of schedulers ──┐                     ┌──▶ records for the spool
//!                            ├──▶  Link + Ledger ──┼──▶ processes to start and to kill
//!   what processes came to ──┘                     └──▶ messages to schedulers
//! ```
//!
//! It has no clock, no IO and no processes. Whoever drives it writes the records of a batch of inputs first and carries
//! out the other actions afterwards, so that nothing is done or said that a restart would not know of.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{End, EndCause, Held, HostFigures, RunOrder},
    id::AttemptId,
    port::Fence,
    time::Timestamp,
};

use crate::ledger::{Ledger, ProcessMark, Record, fingerprint};

pub use crate::protocol::{PROTOCOL, Protocol};

/// A connection, numbered by whoever drives the link; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What a scheduler says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// The first message of a connection.
    Hello {
        /// The scheduler's database, within which fences and attempts count.
        realm: String,
        /// The scheduler's term.
        fence: Fence,
        /// Its name, for people.
        scheduler: String,
        /// The protocol that it speaks.
        protocol: Protocol,
    },
    /// Run an attempt, once.
    Run(Box<RunOrder>),
    /// End an attempt.
    Kill {
        /// Which.
        attempt: AttemptId,
        /// Time between TERM and KILL.
        grace: Duration,
    },
    /// The attempt's end is stored.
    Ack {
        /// Which.
        attempt: AttemptId,
    },
    /// Start nothing more; let what runs end. New orders to run are not answered from then on.
    Drain,
}

/// What an executor says.
#[derive(Clone, Debug, PartialEq)]
pub enum Up {
    /// The answer to a hello.
    Hello {
        /// Who answers.
        identity: Identity,
        /// The protocol that it speaks.
        protocol: Protocol,
        /// Attempts that it holds, by id.
        held: Vec<Held>,
    },
    /// An attempt's process runs.
    Started {
        /// Which.
        attempt: AttemptId,
        /// Its process id.
        pid: u32,
        /// When.
        at: Timestamp,
    },
    /// An attempt ended, or never began.
    Finished {
        /// Which.
        attempt: AttemptId,
        /// How.
        end: End,
    },
    /// It lives.
    Heartbeat(HostFigures),
    /// It does not obey; the last message of a connection.
    Refused(Refusal),
}

/// Who an executor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name that it was started with, for people.
    pub name: String,
    /// Version of its program.
    pub version: String,
    /// Labels that it was started with.
    pub labels: BTreeMap<String, String>,
    /// Slots that it was started with; 0 if it leaves that to the scheduler.
    pub slots: u32,
}

/// Why an executor does not obey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("it obeys a scheduler with fence {seen}, higher than {given}")]
    FenceTooLow { given: u64, seen: u64 },
    #[error(
        "it speaks version {speaks} of the protocol, the scheduler speaks {given}: upgrade the {}",
        if given > speaks { "executor" } else { "scheduler" }
    )]
    Protocol { given: Protocol, speaks: Protocol },
    #[error("another connection took over")]
    Superseded,
    #[error("the first message was no hello")]
    HelloFirst,
    #[error(
        "this executor serves another scheduler's database ({serves:?}, not {given:?}) with {alive} attempts alive; \
         stop that one or give this executor a data directory of its own"
    )]
    OtherRealm {
        given: String,
        serves: String,
        alive: u64,
    },
}

/// What the link's driver has to do. Records first, all of a batch; then the rest in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write this down. It is applied to the ledger already.
    Record(Record),
    /// Begin an era: keep what comes apart from all that earlier eras have left on disk, which may go.
    Begin {
        /// Its number.
        era: u64,
    },
    /// Start an attempt's process.
    Run(Box<RunOrder>),
    /// End an attempt's processes.
    Kill {
        /// Which.
        attempt: AttemptId,
        /// Time between TERM and KILL.
        grace: Duration,
    },
    /// Say something to a scheduler.
    Send {
        /// On which connection.
        link: LinkId,
        /// What.
        message: Up,
    },
    /// Close a connection, after what was said on it.
    Close {
        /// Which.
        link: LinkId,
    },
}

/// The executor's end. Call `on_*` for what happens; time only goes forward.
#[derive(Clone, Debug)]
pub struct Link {
    identity: Identity,
    ledger: Ledger,
    current: Option<LinkId>,
    draining: bool,
}

impl Link {
    /// An end that remembers this.
    #[must_use]
    pub const fn new(identity: Identity, ledger: Ledger) -> Self {
        Self {
            identity,
            ledger,
            current: None,
            draining: false,
        }
    }

    /// What it remembers.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The connection whose orders it obeys.
    #[must_use]
    pub const fn current(&self) -> Option<LinkId> {
        self.current
    }

    /// Starts nothing more from now on. New orders to run are not answered either: a "not started" would cost a retry
    /// for something that is no fault of the job. The scheduler gives them again after the next hello, to the executor
    /// that follows; if none does, its lease on this one ends.
    pub const fn drain(&mut self) {
        self.draining = true;
    }

    /// Lets go of tombstones that are too old or too many.
    pub fn forget(&mut self, now: Timestamp) {
        self.ledger.forget(now);
    }

    /// A scheduler says something.
    pub fn on_message(&mut self, now: Timestamp, link: LinkId, message: Down) -> Vec<Action> {
        let mut actions = Vec::new();
        match message {
            Down::Hello {
                realm,
                fence,
                protocol,
                ..
            } => self.on_hello(link, realm, fence, protocol, &mut actions),
            // A connection that said no hello, or that another one took over from.
            _ if self.current != Some(link) => {
                refuse(link, Refusal::HelloFirst, &mut actions);
            }
            Down::Run(order) => self.on_run(now, link, order, &mut actions),
            Down::Kill { attempt, grace } => self.on_kill(now, link, attempt, grace, &mut actions),
            Down::Ack { attempt } => {
                // An attempt that still runs is not forgotten: its end is yet to come, and is reported then.
                if self
                    .ledger
                    .find_held(attempt)
                    .is_some_and(|entry| entry.end.is_some())
                {
                    self.record(Record::Acknowledged { attempt, at: now }, &mut actions);
                }
            }
            Down::Drain => self.drain(),
        }
        actions
    }

    /// A connection is gone.
    pub fn on_closed(&mut self, link: LinkId) {
        if self.current == Some(link) {
            self.current = None;
        }
    }

    /// An attempt's process runs.
    pub fn on_started(&mut self, attempt: AttemptId, process: ProcessMark) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.ledger.find_held(attempt).is_some() {
            self.record(Record::Started { attempt, process }, &mut actions);
            self.say(
                Up::Started {
                    attempt,
                    pid: process.pid,
                    at: process.at,
                },
                &mut actions,
            );
        }
        actions
    }

    /// An attempt ended, could not be started, or could not even be written down. The first end counts.
    pub fn on_ended(&mut self, attempt: AttemptId, end: End) -> Vec<Action> {
        let mut actions = Vec::new();
        if self
            .ledger
            .find_held(attempt)
            .is_some_and(|entry| entry.end.is_none())
        {
            self.record(
                Record::Ended {
                    attempt,
                    end: end.clone(),
                },
                &mut actions,
            );
            self.say(Up::Finished { attempt, end }, &mut actions);
        }
        actions
    }

    /// An attempt was accepted and, as is certain now, never begun: it may be given again.
    pub fn on_withdrawn(&mut self, attempt: AttemptId) -> Vec<Action> {
        let mut actions = Vec::new();
        self.record(Record::Withdrawn { attempt }, &mut actions);
        actions
    }

    /// The host was started, or the executor was, in this boot of the host.
    pub fn on_boot(&mut self, id: String, beside: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        if (self.ledger.boot(), self.ledger.is_beside()) != (id.as_str(), beside) {
            self.record(Record::Boot { id, beside }, &mut actions);
        }
        actions
    }

    fn on_hello(
        &mut self,
        link: LinkId,
        realm: String,
        fence: Fence,
        protocol: Protocol,
        actions: &mut Vec<Action>,
    ) {
        if !PROTOCOL.understands(protocol) {
            let refusal = Refusal::Protocol {
                given: protocol,
                speaks: PROTOCOL,
            };
            return refuse(link, refusal, actions);
        }
        if realm != self.ledger.realm() {
            let alive = self.ledger.alive().count() as u64;
            if alive > 0 || self.current.is_some() {
                let refusal = Refusal::OtherRealm {
                    given: realm,
                    serves: self.ledger.realm().to_owned(),
                    alive,
                };
                return refuse(link, refusal, actions);
            }
            let era = self.ledger.era().wrapping_add(1);
            self.record(Record::Realm { realm, era }, actions);
            actions.push(Action::Begin { era });
        }
        let seen = self.ledger.fence();
        if fence < seen {
            let refusal = Refusal::FenceTooLow {
                given: fence.0,
                seen: seen.0,
            };
            return refuse(link, refusal, actions);
        }
        if fence > seen {
            self.record(Record::Fence(fence), actions);
        }
        if let Some(older) = self.current.replace(link).filter(|older| *older != link) {
            refuse(older, Refusal::Superseded, actions);
        }
        self.say(
            Up::Hello {
                identity: self.identity.clone(),
                protocol: PROTOCOL,
                held: self.ledger.held(),
            },
            actions,
        );
    }

    fn on_run(
        &mut self,
        now: Timestamp,
        link: LinkId,
        order: Box<RunOrder>,
        actions: &mut Vec<Action>,
    ) {
        let attempt = order.attempt;
        let fingerprint = fingerprint(&order);
        if let Some(known) = self.ledger.find(attempt) {
            if known.fingerprint == fingerprint {
                self.repeat(link, attempt, actions);
            } else {
                let reason = format!(
                    "attempt {attempt} was another job's here; \
                     an executor's data directory serves one scheduler's database"
                );
                send_end(link, attempt, not_started(now, reason), actions);
            }
        } else if self.ledger.may_have_forgotten(attempt) {
            let reason = format!(
                "attempt {attempt} is older than what this executor remembers, and may have run"
            );
            send_end(link, attempt, not_started(now, reason), actions);
        } else if !self.draining {
            self.record(
                Record::Accepted {
                    attempt,
                    fingerprint,
                    at: now,
                },
                actions,
            );
            actions.push(Action::Run(order));
        }
    }

    fn on_kill(
        &self,
        now: Timestamp,
        link: LinkId,
        attempt: AttemptId,
        grace: Duration,
        actions: &mut Vec<Action>,
    ) {
        match self.ledger.find(attempt) {
            Some(entry) => match &entry.end {
                None => actions.push(Action::Kill { attempt, grace }),
                // Its end alone: that it started is what an attempt is killed for that nobody wants, and the two would
                // go round for ever.
                Some(end) => send_end(link, attempt, end.clone(), actions),
            },
            None => {
                let cause = EndCause::Lost("the executor does not know the attempt".to_owned());
                send_end(link, attempt, end_at(now, cause), actions);
            }
        }
    }

    /// Says again what is known of an attempt.
    fn repeat(&self, link: LinkId, attempt: AttemptId, actions: &mut Vec<Action>) {
        let Some(entry) = self.ledger.find(attempt) else {
            return;
        };
        if let Some(process) = entry.process {
            actions.push(Action::Send {
                link,
                message: Up::Started {
                    attempt,
                    pid: process.pid,
                    at: process.at,
                },
            });
        }
        if let Some(end) = &entry.end {
            send_end(link, attempt, end.clone(), actions);
        }
    }

    fn record(&mut self, record: Record, actions: &mut Vec<Action>) {
        self.ledger.apply(&record);
        actions.push(Action::Record(record));
    }

    /// To the current connection, if there is one.
    fn say(&self, message: Up, actions: &mut Vec<Action>) {
        actions.extend(self.current.map(|link| Action::Send { link, message }));
    }
}

/// An end without a process.
#[must_use]
pub fn end_at(now: Timestamp, cause: EndCause) -> End {
    End {
        cause,
        started_at: None,
        ended_at: now,
        peak_memory_bytes: 0,
        cpu_time: Duration::ZERO,
        log_bytes: 0,
        outputs: BTreeMap::new(),
    }
}

fn not_started(now: Timestamp, reason: String) -> End {
    end_at(now, EndCause::NotStarted(reason))
}

fn send_end(link: LinkId, attempt: AttemptId, end: End, actions: &mut Vec<Action>) {
    actions.push(Action::Send {
        link,
        message: Up::Finished { attempt, end },
    });
}

fn refuse(link: LinkId, refusal: Refusal, actions: &mut Vec<Action>) {
    actions.push(Action::Send {
        link,
        message: Up::Refused(refusal),
    });
    actions.push(Action::Close { link });
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
