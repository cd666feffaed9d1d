//! The driver: gathers what waits, commits it as one group, and only then speaks.
//!
//! ```text
//!   Inbox ──┐                    ┌─► 2. Store::commit, under the leader's fence
//!   Transport ─┼─► 1. gather and apply ─┤
//!   Clock, Notifier, ─┘          └─► 3. answers, Transport::send, Notifier::notify, ParamResolver::resolve, Observer
//!   ParamResolver, FileProbe
//! ```
//!
//! It decides nothing and holds no timer. So nothing is told to the world that is not stored; and what is
//! stored and was not told when the process died is told again by the next one: an executor's first report says
//! what it holds, and the engine gives every order anew that it does not know of.

mod lease;

use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::{pin::pin, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{Either, select},
};

use self::lease::Term;
use crate::{
    engine::{
        AlertRow, Change, Effect, Engine, Input, Rejected, Reply, ResolveError, Settings,
        StartKeyRow, Started, Step,
    },
    id::{AlertId, AttemptId, ExecutionId, ExecutorId, ParamId},
    port::{
        Answer, Clock, Commit, ErrorKind, FileProbe, Inbox, Looked, Notifier, Observer,
        ParamResolver, PortError, Request, StartKey, Store, Transport,
    },
    watch::Watch,
};

/// Inputs of one group commit at most: what one transaction stores stays bounded.
const GROUP: usize = 2_000;
/// The first wait after a store failed; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How a scheduler leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// Name of this scheduler, kept over its restarts if nobody else can have its place: then it
    /// takes its own lease over at once. Otherwise unique.
    pub holder: String,
    /// How long a lease lasts; renewed at a third of it. Too short and a slow store costs the lead, too long and
    /// another waits that long to take over.
    pub ttl: Duration,
}

/// Drives one engine through its ports. Without a notifier alerts stand in the history, and nobody is told; without a
/// resolver no job begins that has a param whose value a query gives; without a probe no file arrives but those that are told
/// of as an input.
#[derive(Debug)]
pub struct Scheduler<S, T, C, O, N = (), P = (), F = ()> {
    engine: Engine,
    store: S,
    transport: T,
    clock: C,
    observer: O,
    notifier: N,
    resolver: P,
    /// Answers of the resolver that it gave at once; they are taken in the next turn.
    answered: Vec<Resolved>,
    probe: F,
    watch: Watch,
    /// Whether the watch knows the definitions as they are.
    watches: bool,
    term: Term,
}

/// What came of asking for the values of an attempt's params.
type Resolved = (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>);

/// What was applied and is not stored yet.
#[derive(Default)]
struct Group {
    changes: Vec<Change>,
    effects: Vec<Effect>,
    said: Vec<Said>,
    inputs: usize,
}

/// What is said to callers after the commit, in order.
enum Said {
    Answer(Answer, Result<Reply, Rejected>),
    Look(Box<dyn FnOnce(&Engine) + Send>),
}

/// What woke the driver.
enum Woken {
    Request(Option<Request>),
    Report(ExecutorId, crate::engine::Report),
    Told(AlertId, Option<String>),
    Resolved(Resolved),
    Looked(Looked),
    Time,
}

impl<S, T, C, O> Scheduler<S, T, C, O>
where
    S: Store,
    T: Transport,
    C: Clock,
    O: Observer,
{
    /// Waits until it may lead, loads what is stored, and connects the executors.
    ///
    /// # Errors
    /// [`SchedulerError`], for failures of the store that waiting does not mend.
    pub async fn open(
        store: S,
        transport: T,
        clock: C,
        observer: O,
        settings: Settings,
        leadership: Leadership,
    ) -> Result<Self, SchedulerError<S::Error>> {
        let mut term = lease::acquire(&store, &clock, &observer, &leadership).await?;
        let snapshot = lease::load(&store, &clock, &observer, &mut term).await?;
        let now = clock.now();
        observer.loaded(now, &settings, &snapshot);
        let engine = Engine::load(now, settings, snapshot).map_err(SchedulerError::Inconsistent)?;
        let mut scheduler = Self {
            engine,
            store,
            transport,
            clock,
            observer,
            notifier: (),
            resolver: (),
            answered: Vec::new(),
            probe: (),
            watch: Watch::default(),
            watches: false,
            term,
        };
        if scheduler.term.is_over(&scheduler.clock) {
            scheduler.renew().await?;
        }
        for effect in scheduler.engine.connections() {
            scheduler.carry_out(effect);
        }
        Ok(scheduler)
    }
}

impl<S, T, C, O, N, P, F> Scheduler<S, T, C, O, N, P, F>
where
    S: Store,
    T: Transport,
    C: Clock,
    O: Observer,
    N: Notifier,
    P: ParamResolver,
    F: FileProbe,
{
    /// The same with another way to tell people; alerts that nobody was told of are given to it.
    #[must_use]
    pub fn with_notifier<M: Notifier>(self, notifier: M) -> Scheduler<S, T, C, O, M, P, F> {
        for alert in self.engine.undelivered() {
            notifier.notify(alert.clone());
        }
        Scheduler {
            engine: self.engine,
            store: self.store,
            transport: self.transport,
            clock: self.clock,
            observer: self.observer,
            notifier,
            resolver: self.resolver,
            answered: self.answered,
            probe: self.probe,
            watch: self.watch,
            watches: self.watches,
            term: self.term,
        }
    }

    /// The same with another way to ask for params, from now on. Nothing has been asked before the first turn: what an
    /// earlier scheduler asked is asked again as executors come back.
    #[must_use]
    pub fn with_resolver<Q: ParamResolver>(self, resolver: Q) -> Scheduler<S, T, C, O, N, Q, F> {
        Scheduler {
            engine: self.engine,
            store: self.store,
            transport: self.transport,
            clock: self.clock,
            observer: self.observer,
            notifier: self.notifier,
            resolver,
            answered: self.answered,
            probe: self.probe,
            watch: self.watch,
            watches: self.watches,
            term: self.term,
        }
    }

    /// The same with another way to look for files, from now on.
    #[must_use]
    pub fn with_probe<G: FileProbe>(self, probe: G) -> Scheduler<S, T, C, O, N, P, G> {
        Scheduler {
            engine: self.engine,
            store: self.store,
            transport: self.transport,
            clock: self.clock,
            observer: self.observer,
            notifier: self.notifier,
            resolver: self.resolver,
            answered: self.answered,
            probe,
            watch: Watch::default(),
            watches: false,
            term: self.term,
        }
    }

    /// The engine, as it stands.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs until the inbox ends; then gives the lease back.
    ///
    /// # Errors
    /// [`SchedulerError::Fenced`] when another scheduler leads: drop this one and open a new one. Others when the
    /// store fails in a way that waiting does not mend. Nothing is lost: what was answered is stored, and what was
    /// not stored was not said.
    pub async fn run(&mut self, inbox: &mut impl Inbox) -> Result<(), SchedulerError<S::Error>> {
        while self.turn(inbox).await? {}
        // Leaving without the lease only makes the next leader wait for its end.
        let _ = self.store.release(self.term.lease()).await;
        Ok(())
    }

    /// One round of gather, commit, speak. Waits for something to do; `false` when the inbox has ended.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn turn(&mut self, inbox: &mut impl Inbox) -> Result<bool, SchedulerError<S::Error>> {
        let mut group = Group::default();
        let mut open = true;
        self.look_for_files();
        for answer in core::mem::take(&mut self.answered) {
            group.inputs += 1;
            self.apply_resolved(answer, &mut group);
        }
        let mut woken = if group.inputs == 0 {
            Some(self.wait(inbox, true).await)
        } else {
            self.wait(inbox, false).now_or_never()
        };
        while let Some(what) = woken {
            match what {
                Woken::Request(Some(request)) => self.take_request(request, &mut group).await?,
                Woken::Request(None) => open = false,
                Woken::Report(executor, report) => {
                    self.apply_report(Input::Report { executor, report }, &mut group);
                }
                Woken::Told(alert, error) => {
                    self.apply_report(Input::Notified { alert, error }, &mut group);
                }
                Woken::Resolved(answer) => self.apply_resolved(answer, &mut group),
                Woken::Looked(looked) => self.apply_looked(looked, &mut group),
                Woken::Time => {}
            }
            group.inputs += 1;
            woken = if open && group.inputs < GROUP {
                self.wait(inbox, false).now_or_never()
            } else {
                None
            };
        }
        if self
            .engine
            .next_wakeup()
            .is_some_and(|at| at <= self.clock.now())
        {
            self.apply_report(Input::Wake, &mut group);
        }
        self.flush(&mut group).await?;
        if self.term.renew_in(&self.clock).is_zero() {
            self.renew().await?;
        }
        Ok(open)
    }

    /// Waits for what comes next; for the time, too, if it is `timed`.
    async fn wait(&self, inbox: &mut impl Inbox, timed: bool) -> Woken {
        let request = pin!(inbox.recv());
        let report = pin!(self.transport.recv());
        let told = pin!(self.notifier.recv());
        let resolved = pin!(self.resolver.recv());
        let looked = pin!(self.probe.recv());
        let time = pin!(async {
            if !timed {
                core::future::pending::<()>().await;
            }
            let due = self.term.renew_in(&self.clock);
            let wakeups = [self.engine.next_wakeup(), self.watch.next_wakeup()];
            let wakeup = wakeups.into_iter().flatten().min();
            lease::sleep(&self.clock, wakeup, due).await;
        });
        let answered = select(told, select(resolved, looked));
        match select(request, select(report, select(answered, time))).await {
            Either::Left((request, _)) => Woken::Request(request),
            Either::Right((Either::Left(((executor, report), _)), _)) => {
                Woken::Report(executor, report)
            }
            Either::Right((Either::Right((Either::Left((answer, _)), _)), _)) => match answer {
                Either::Left(((alert, error), _)) => Woken::Told(alert, error),
                Either::Right((Either::Left((answer, _)), _)) => Woken::Resolved(answer),
                Either::Right((Either::Right((looked, _)), _)) => Woken::Looked(looked),
            },
            Either::Right((Either::Right((Either::Right(((), _)), _)), _)) => Woken::Time,
        }
    }

    async fn take_request(
        &mut self,
        request: Request,
        group: &mut Group,
    ) -> Result<(), SchedulerError<S::Error>> {
        match request {
            Request::Look(look) => group.said.push(Said::Look(look)),
            Request::Start(input, StartKey { key, print }, answer) => {
                let result = self.apply(input).map(|mut step| {
                    let started = match step.reply {
                        Reply::Started(execution) => Some(Started::Execution(execution)),
                        Reply::BackfillStarted(backfill) => Some(Started::Backfill(backfill)),
                        Reply::Done | Reply::Edited(_) => None,
                    };
                    if let Some(started) = started {
                        step.changes.push(Change::StartKey(StartKeyRow {
                            started,
                            key,
                            print,
                        }));
                    }
                    group.add(step)
                });
                group.said.push(Said::Answer(answer, result));
            }
            Request::Command(mut input, answer) => {
                let result = match self.fetch_archive(&mut input, group).await? {
                    Ok(()) => self.apply(input),
                    Err(rejected) => Err(rejected),
                };
                let result = result.map(|step| group.add(step));
                group.said.push(Said::Answer(answer, result));
            }
        }
        Ok(())
    }

    fn apply(&mut self, input: Input) -> Result<Step, Rejected> {
        let now = self.clock.now();
        self.observer.applying(now, &input);
        let outcome = self.engine.apply(now, input);
        self.observer.applied(&outcome);
        outcome
    }

    fn apply_resolved(&mut self, (attempt, result): Resolved, group: &mut Group) {
        self.apply_report(Input::Resolved { attempt, result }, group);
    }

    /// What is due is looked for, by the definitions as they are now.
    fn look_for_files(&mut self) {
        if !self.probe.is_there() {
            return;
        }
        let now = self.clock.now();
        if !self.watches {
            self.watch.follow(now, &self.engine);
            self.watches = true;
        }
        for look in self.watch.take_due(now) {
            self.probe.look(look);
        }
    }

    /// Files that have arrived are used, unless they were.
    fn apply_looked(&mut self, looked: Looked, group: &mut Group) {
        let (now, event) = (self.clock.now(), looked.event);
        let is_used = |key: &str| self.engine.is_file_used(event, key);
        let room = self.engine.room_for_files(event);
        // A group that is full takes one, so that the others follow soon.
        let room = room.min(GROUP.saturating_sub(group.inputs).max(1));
        let Some((sight, arrivals)) = self.watch.looked(now, looked, room, is_used) else {
            return;
        };
        self.observer.looked(now, event, &sight);
        for arrival in arrivals {
            group.inputs += 1;
            let input = Input::FileArrived {
                event: arrival.event,
                key: arrival.key,
                data_date: arrival.data_date,
            };
            self.apply_report(input, group);
        }
    }

    fn apply_report(&mut self, input: Input, group: &mut Group) {
        match self.apply(input) {
            Ok(step) => {
                group.add(step);
            }
            Err(rejected) => self.observer.refused(&rejected),
        }
    }

    /// An execution that has ended is no longer in the engine: a command that continues it brings it along. One that cannot
    /// be read is refused, and harms no other.
    async fn fetch_archive(
        &mut self,
        input: &mut Input,
        group: &mut Group,
    ) -> Result<Result<(), Rejected>, SchedulerError<S::Error>> {
        if let Input::Acknowledge {
            alerts, archived, ..
        } = input
        {
            return self.fetch_alerts(alerts, archived, group).await;
        }
        let (execution, archived): (ExecutionId, _) = match input {
            Input::Resume {
                execution,
                archived,
                ..
            }
            | Input::Rerun {
                execution,
                archived,
                ..
            }
            | Input::Reset {
                execution,
                archived,
                ..
            }
            | Input::Settle {
                execution,
                archived,
                ..
            } => (*execution, archived),
            Input::Edit(_)
            | Input::Start(_)
            | Input::Stop { .. }
            | Input::Pause { .. }
            | Input::Unpause { .. }
            | Input::Kill { .. }
            | Input::Backfill(_)
            | Input::StopBackfill { .. }
            | Input::RestartBackfill { .. }
            | Input::PauseSchedules { .. }
            | Input::RunSchedule { .. }
            | Input::FileArrived { .. }
            | Input::Notified { .. }
            | Input::Acknowledge { .. }
            | Input::Resolved { .. }
            | Input::Report { .. }
            | Input::Configure(_)
            | Input::Wake => return Ok(Ok(())),
        };
        if self.engine.is_live(execution) || archived.is_some() {
            return Ok(Ok(()));
        }
        // It may have ended in this very group.
        self.flush(group).await?;
        let mut tries = Tries::new();
        let found = loop {
            match self.store.load_execution(execution).await {
                Ok(found) => {
                    *archived = found.map(Box::new);
                    break Ok(());
                }
                Err(error) if is_spoiled(&error) => {
                    self.observer.unreadable(execution, &error);
                    break Err(Rejected::BadSnapshot { execution });
                }
                Err(error) => tries.again(&self.clock, &self.observer, error).await?,
            }
        };
        tries.end(&self.observer);
        Ok(found)
    }

    /// An alert of which people were told is no longer in the engine: to be acknowledged it is brought along.
    async fn fetch_alerts(
        &mut self,
        alerts: &[AlertId],
        archived: &mut Vec<AlertRow>,
        group: &mut Group,
    ) -> Result<Result<(), Rejected>, SchedulerError<S::Error>> {
        let Some(&first) = alerts.first() else {
            return Ok(Ok(()));
        };
        // Some may have been closed in this very group.
        self.flush(group).await?;
        let mut tries = Tries::new();
        let found = loop {
            match self.store.load_alerts(alerts).await {
                Ok(found) => {
                    *archived = found;
                    break Ok(());
                }
                Err(error) if is_spoiled(&error) => {
                    break Err(Rejected::UnreadableAlert { alert: first });
                }
                Err(error) => tries.again(&self.clock, &self.observer, error).await?,
            }
        };
        tries.end(&self.observer);
        Ok(found)
    }

    /// Stores the group, and then says and does what it holds.
    async fn flush(&mut self, group: &mut Group) -> Result<(), SchedulerError<S::Error>> {
        let Group {
            changes,
            effects,
            said,
            ..
        } = core::mem::take(group);
        if changes.iter().any(is_of_definitions) {
            self.watches = false;
        }
        if !changes.is_empty() {
            let commit = Commit {
                next_id: self.engine.next_id(),
                changes,
            };
            self.observer.committing(&commit.changes);
            self.commit(&commit).await?;
            self.observer.committed(self.clock.now(), &commit.changes);
        }
        if self.term.is_over(&self.clock) && !(effects.is_empty() && said.is_empty()) {
            // By our own clock somebody else may lead already: ask before giving orders, and before telling what is.
            self.renew().await?;
        }
        for said in said {
            match said {
                Said::Answer(answer, result) => answer(result),
                Said::Look(look) => look(&self.engine),
            }
        }
        for effect in effects {
            self.carry_out(effect);
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<(), SchedulerError<S::Error>> {
        let mut tries = Tries::new();
        while let Err(error) = self.store.commit(self.term.fence(), commit).await {
            tries.again(&self.clock, &self.observer, error).await?;
        }
        tries.end(&self.observer);
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), SchedulerError<S::Error>> {
        let Self {
            term,
            store,
            clock,
            observer,
            ..
        } = self;
        term.renew(store, clock, observer).await
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Connect(executor) => {
                self.transport
                    .connect(Arc::clone(&executor), self.term.fence());
            }
            Effect::Disconnect(executor) => self.transport.disconnect(executor),
            Effect::Tell { executor, order } => self.transport.send(executor, order),
            Effect::Notify(alert) => self.notifier.notify(alert),
            Effect::Resolve(order) => {
                let attempt = order.attempt;
                let refused = self.resolver.resolve(order).err();
                self.answered.extend(refused.map(|why| (attempt, Err(why))));
            }
        }
    }
}

/// Whether a change may be of an event, of its server, or of a schedule that waits for it.
const fn is_of_definitions(change: &Change) -> bool {
    matches!(
        change,
        Change::DefinitionPut(_) | Change::DefinitionDeleted(_)
    )
}

impl Group {
    fn add(&mut self, step: Step) -> Reply {
        self.changes.extend(step.changes);
        self.effects.extend(step.effects);
        step.reply
    }
}

/// A store that is asked until it answers.
struct Tries {
    wait: Duration,
    failed: bool,
}

impl Tries {
    const fn new() -> Self {
        Self {
            wait: FIRST_WAIT,
            failed: false,
        }
    }

    /// Waits after a failure that waiting may mend.
    async fn again<E: PortError>(
        &mut self,
        clock: &impl Clock,
        observer: &impl Observer,
        error: E,
    ) -> Result<(), SchedulerError<E>> {
        self.failed = true;
        self.wait = pause(clock, observer, error, self.wait).await?;
        Ok(())
    }

    /// The store has answered.
    fn end(self, observer: &impl Observer) {
        if self.failed {
            observer.store_trouble(None);
        }
    }
}

/// Whether what is stored there cannot be read, which waiting does not mend.
fn is_spoiled(error: &impl PortError) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid)
}

/// Waits before the store is tried again. Returns the wait after the next failure.
async fn pause<E: PortError>(
    clock: &impl Clock,
    observer: &impl Observer,
    error: E,
    wait: Duration,
) -> Result<Duration, SchedulerError<E>> {
    match error.kind() {
        ErrorKind::Fenced => return Err(SchedulerError::Fenced),
        ErrorKind::Corrupt | ErrorKind::Invalid => return Err(SchedulerError::Store(error)),
        ErrorKind::Conflict => {}
        ErrorKind::Unavailable => observer.store_trouble(Some(&error)),
    }
    clock.sleep(wait).await;
    Ok((wait * 2).min(LONGEST_WAIT))
}

/// Why a scheduler stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulerError<E: core::error::Error + 'static> {
    /// Another scheduler leads.
    #[error("another scheduler leads")]
    Fenced,
    /// The store failed in a way that waiting does not mend.
    #[error("the store failed")]
    Store(#[source] E),
    /// What is stored does not fit together.
    #[error("what is stored does not fit together")]
    Inconsistent(#[source] Rejected),
}
