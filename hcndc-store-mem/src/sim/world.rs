//! The world of one run: its time, what is to happen in it, and all that its parts share.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hcndc_core::{
    engine::{Order, Report},
    id::{AlertId, AttemptId, ExecutorId},
    port::{Fence, Request},
    replay::Player,
    time::Timestamp,
    workload::SplitMix64,
};

#[cfg(test)]
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::{
    host::Host,
    network::{Line, Network},
    oracle::Oracle,
    plan::{Fate, Stage},
    resolver::{Answer, Desk},
    sabotage::Sabotage,
    schedule::BEGINNING,
    store::{Call, Done},
    trace::Trace,
};
use crate::MemStore;

/// A world that its parts share. Nothing waits while it holds the lock, so it is never contended.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is due at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// Nothing but time has passed: whoever waits looks again.
    Tick,
    /// The plan's act of this number.
    Act(usize),
    /// A scheduler comes back.
    Boot { process: usize },
    /// The store does what it was asked.
    Store { ticket: u64, call: Box<Call> },
    /// A scheduler dials a host.
    Dial {
        process: usize,
        boot: u64,
        executor: ExecutorId,
        dial: u64,
    },
    /// A connection reaches its host.
    Hail { conn: u64 },
    /// An order arrives.
    Down { conn: u64, order: Box<Order> },
    /// A report arrives.
    Up { conn: u64, report: Box<Report> },
    /// The scheduler's side finds out that its connection is broken.
    Notice { conn: u64 },
    /// The host's side finds out.
    HostNotice { conn: u64 },
    /// An attempt's process starts.
    Begin {
        host: usize,
        life: u64,
        attempt: AttemptId,
    },
    /// An attempt's process ends by itself.
    End {
        host: usize,
        life: u64,
        attempt: AttemptId,
    },
    /// An attempt's process is dead, because a kill was asked for.
    Killed {
        host: usize,
        life: u64,
        attempt: AttemptId,
    },
    /// People are told of an alert, or cannot be.
    Told {
        process: usize,
        boot: u64,
        alert: AlertId,
        fails: bool,
    },
    /// What was asked for params is answered.
    Answered {
        process: usize,
        boot: u64,
        answer: Box<Answer>,
    },
    /// An executor's program comes back.
    HostBoot { host: usize },
    /// An executor that drained is replaced.
    EndDrain { host: usize },
    /// Whoever looks after the run looks how far it is.
    Look,
}

/// A scheduler's process, seen from outside.
#[derive(Debug)]
pub(crate) struct Process {
    /// Counts its lives: what belongs to an earlier one has no effect.
    pub(crate) boot: u64,
    /// Dead: it is dropped as soon as it stands still, and nothing that it does until then counts.
    pub(crate) dead: bool,
    /// How long it stays away once it is dead.
    pub(crate) down: Duration,
    /// Where it is to die.
    pub(crate) dying: Option<Stage>,
    /// It is not run before this time.
    pub(crate) frozen_until: Timestamp,
    /// It is frozen for so long as soon as it gives an order.
    pub(crate) freezes_at_order: Option<Duration>,
    /// How far its clock is ahead, in microseconds.
    pub(crate) ahead: i64,
    /// The latest time that its clock has shown.
    pub(crate) shown: Timestamp,
    /// The earliest time, by its own clock, that it waits for.
    pub(crate) wake: Option<Timestamp>,
    /// What it was asked and has not taken in.
    pub(crate) inbox: VecDeque<Request>,
    /// No more will be asked: it is to leave in good order.
    pub(crate) leaving: bool,
    /// Plays back what goes into its engine.
    pub(crate) player: Player,
    /// How much was stored, and what its engine had to do, when it was last looked at.
    pub(crate) looked: Option<(u64, (usize, usize, usize))>,
    /// The newest fence that it was given.
    pub(crate) fence: Fence,
    /// Its connections, and what has come through them.
    pub(crate) lines: BTreeMap<ExecutorId, Line>,
    pub(crate) reports: VecDeque<(ExecutorId, Fence, Report)>,
    /// Alerts that its notifier is done with.
    pub(crate) told: VecDeque<(AlertId, Option<String>)>,
    /// Answers to what it asked for params.
    pub(crate) answered: VecDeque<Answer>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self {
            boot: 0,
            dead: false,
            down: Duration::ZERO,
            dying: None,
            frozen_until: Timestamp::MIN,
            freezes_at_order: None,
            ahead: 0,
            shown: Timestamp::MIN,
            wake: None,
            inbox: VecDeque::new(),
            leaving: false,
            player: Player::default(),
            looked: None,
            fence: Fence(0),
            lines: BTreeMap::new(),
            reports: VecDeque::new(),
            told: VecDeque::new(),
            answered: VecDeque::new(),
        }
    }

    pub(crate) fn die(&mut self) {
        (self.dead, self.dying) = (true, None);
    }
}

/// All that there is.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) lots: SplitMix64,
    events: BTreeMap<(Timestamp, u64), Event>,
    numbers: u64,
    /// What is really stored.
    pub(crate) store: MemStore,
    /// What came of calls, until their callers take it.
    pub(crate) done: BTreeMap<u64, Done>,
    /// What the next calls come to.
    pub(crate) fates: VecDeque<Fate>,
    pub(crate) slow_until: Timestamp,
    pub(crate) processes: Vec<Process>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) network: Network,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) sabotage: Option<Sabotage>,
    /// Who asks data sources.
    pub(crate) desk: Desk,
    /// How often an engine was looked at.
    pub(crate) looks: u64,
    /// A scheduler has given up, and would again.
    pub(crate) hopeless: bool,
    /// All faults are over.
    pub(crate) healed: bool,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        processes: usize,
        hosts: usize,
        oracle: Oracle,
        sabotage: Option<Sabotage>,
    ) -> Self {
        Self {
            now: BEGINNING,
            lots: SplitMix64::new(seed),
            events: BTreeMap::new(),
            numbers: 0,
            store: MemStore::new(),
            done: BTreeMap::new(),
            fates: VecDeque::new(),
            slow_until: Timestamp::MIN,
            processes: (0..processes).map(|_| Process::new()).collect(),
            hosts: (0..hosts).map(|_| Host::new()).collect(),
            network: Network::default(),
            oracle,
            trace: Trace::default(),
            counts: BTreeMap::new(),
            sabotage,
            desk: Desk::new(seed),
            looks: 0,
            hopeless: false,
            healed: false,
        }
    }

    /// A number that was never given before.
    pub(crate) const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Has something happen after a while. Of what is due at one time, what was asked for first comes first.
    pub(crate) fn after(&mut self, span: Duration, event: Event) {
        self.at(self.now.after(span), event);
    }

    pub(crate) fn at(&mut self, time: Timestamp, event: Event) {
        let number = self.number();
        self.events.insert((time.max(self.now), number), event);
    }

    /// Turns time on to whatever comes next, an event or the end of somebody's sleep; `None` if nothing ever will.
    pub(crate) fn turn(&mut self) -> Option<Event> {
        let event = self.events.first_key_value().map(|(&(time, _), _)| time);
        let wakes = self.processes.iter().filter(|it| !it.dead);
        let wake = wakes
            .filter_map(|it| {
                let wake = it.wake?.as_micros().saturating_sub(it.ahead);
                Some(Timestamp::from_micros(wake).max(it.frozen_until))
            })
            .min();
        match (event, wake) {
            (None, None) => None,
            (Some(event), wake) if wake.is_none_or(|wake| event <= wake) => {
                self.now = event.max(self.now);
                self.events.pop_first().map(|(_, event)| event)
            }
            (_, wake) => {
                self.now = wake.unwrap_or(self.now).max(self.now);
                Some(Event::Tick)
            }
        }
    }

    pub(crate) fn freeze(&mut self, process: usize, span: Duration) {
        let until = self.now.after(span);
        self.processes[process].frozen_until = until;
        self.at(until, Event::Tick);
        self.count("freeze");
    }

    /// What a scheduler's clock shows. It never goes back.
    pub(crate) fn clock(&mut self, process: usize) -> Timestamp {
        let it = &mut self.processes[process];
        let time = self.now.as_micros().saturating_add(it.ahead);
        it.shown = it.shown.max(Timestamp::from_micros(time));
        it.shown
    }

    /// Whether this life of a scheduler is the present one, and not over.
    pub(crate) fn lives(&self, process: usize, boot: u64) -> bool {
        let it = &self.processes[process];
        it.boot == boot && !it.dead
    }

    /// A scheduler says one thing; whether it still gets to say it.
    pub(crate) fn speaks(&mut self, process: usize, boot: u64) -> bool {
        if !self.lives(process, boot) {
            return false;
        }
        let it = &mut self.processes[process];
        match &mut it.dying {
            Some(Stage::Speaking(0)) => {
                it.die();
                self.count("crash while speaking");
                false
            }
            Some(Stage::Speaking(left)) => {
                *left -= 1;
                true
            }
            Some(Stage::Now | Stage::Gathered | Stage::Committed) | None => true,
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, what);
    }
}

/// A world in which nothing breaks, for adapters alone.
#[cfg(test)]
pub(crate) fn still() -> Shared {
    let mut world = World::new(1, 1, 0, Oracle::default(), None);
    world.healed = true;
    Shared::new(world)
}

#[cfg(test)]
impl Shared {
    /// Runs a future to its end, and time with it.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            let mut world = self.lock();
            let event = world.turn().expect("it waits for nothing");
            world.on_event(event);
        }
    }
}
