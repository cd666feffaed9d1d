//! A store that takes its time and fails as it is told: calls are messages, and what was sent may be done though
//! the sender is dead.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, Change, ExecutionSnapshot, Snapshot},
    id::{AlertId, ExecutionId},
    port::{Asked, Commit, ErrorKind, Fence, Lease, PortError, Store},
    time::Timestamp,
};

use super::{
    lots::Lots as _,
    plan::{Fate, Stage},
    world::{Event, Shared, World},
};
use crate::MemError;

/// Why a simulated call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum SimError {
    #[error("as told: {0:?}")]
    Fault(ErrorKind),
    #[error(transparent)]
    Mem(#[from] MemError),
}

impl PortError for SimError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Fault(kind) => *kind,
            Self::Mem(error) => error.kind(),
        }
    }
}

/// What a store can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Load,
    LoadExecution(ExecutionId),
    LoadAlerts(Vec<AlertId>),
    Commit(usize, Fence, Commit),
    Acquire(usize, String, Timestamp, Duration, Option<Lease>),
    Renew(Lease, Timestamp, Duration),
    Release(Lease),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Loaded(Box<Snapshot>),
    Execution(Option<Box<ExecutionSnapshot>>),
    Alerts(Vec<AlertRow>),
    Asked(Asked),
    Lease(Lease),
    Nothing,
}

/// What came of a call, and when its caller hears of it.
#[derive(Debug)]
pub(crate) struct Done {
    at: Timestamp,
    result: Result<Answer, SimError>,
}

/// The store as one life of a scheduler reaches it.
#[derive(Clone, Debug)]
pub(crate) struct SimStore {
    pub(crate) world: Shared,
    pub(crate) process: usize,
    pub(crate) boot: u64,
}

impl SimStore {
    async fn call(&self, call: Call) -> Result<Answer, SimError> {
        let is_commit = matches!(call, Call::Commit(..));
        let Some(ticket) = self.ask(call) else {
            return std::future::pending().await;
        };
        let store = self;
        let result = Wait { store, ticket }.await;
        if is_commit && result.is_ok() && self.dies(Stage::Committed) {
            return std::future::pending().await;
        }
        result
    }

    /// Sends a call, unless the sender is dead by then.
    fn ask(&self, call: Call) -> Option<u64> {
        if matches!(call, Call::Commit(..)) && self.dies(Stage::Gathered) {
            return None;
        }
        let mut world = self.world.lock();
        let lives = world.lives(self.process, self.boot);
        lives.then(|| world.ask_store(call))
    }

    /// Whether it was to die here; then it does.
    fn dies(&self, stage: Stage) -> bool {
        let mut world = self.world.lock();
        let here = world.processes[self.process].dying == Some(stage);
        let dies = here && world.lives(self.process, self.boot);
        if dies {
            world.processes[self.process].die();
            world.count(if stage == Stage::Gathered {
                "crash before a commit"
            } else {
                "crash after a commit"
            });
        }
        dies
    }
}

impl World {
    fn ask_store(&mut self, call: Call) -> u64 {
        let ticket = self.number();
        let slow = if self.now < self.slow_until { 3_000 } else { 8 };
        let span = self.lots.span(1, slow);
        let call = Box::new(call);
        self.after(span, Event::Store { ticket, call });
        ticket
    }

    /// The store does what it was asked, or not.
    pub(crate) fn on_store(&mut self, ticket: u64, call: Call) {
        let fate = self.fates.pop_front();
        let result = match fate {
            Some(Fate::Unavailable) => Err(SimError::Fault(ErrorKind::Unavailable)),
            Some(Fate::Conflict) => Err(SimError::Fault(ErrorKind::Conflict)),
            Some(Fate::Unknown) | None => self.store_does(call),
        };
        if let Some(fate) = fate {
            self.count(match fate {
                Fate::Unavailable => "store unavailable",
                Fate::Conflict => "store conflict",
                Fate::Unknown => "store outcome unknown",
            });
            self.note(format_args!("store {fate:?}"));
        }
        let result = match fate {
            Some(Fate::Unknown) => Err(SimError::Fault(ErrorKind::Unavailable)),
            Some(Fate::Unavailable | Fate::Conflict) | None => result,
        };
        let slow = if self.now < self.slow_until { 1_000 } else { 4 };
        let span = self.lots.span(1, slow);
        let at = self.now.after(span);
        self.done.insert(ticket, Done { at, result });
        self.at(at, Event::Tick);
    }

    /// A line for whatever of executions moves.
    fn note_move(&mut self, change: &Change) {
        match change {
            Change::Execution(row) => {
                self.note(format_args!("  execution {} is {}", row.id, row.state));
            }
            Change::FlowRun { from, row } if *from != Some(row.state) => {
                let (id, flow, state) = (row.id, row.flow, row.state);
                self.note(format_args!("  flow run {id} of {flow} is {state}"));
            }
            Change::JobRun { from, row } if *from != Some(row.state) => {
                let (id, job, state) = (row.id, row.job, row.state);
                self.note(format_args!("  job run {id} of {job} is {state}"));
            }
            _ => {}
        }
    }

    fn store_does(&mut self, call: Call) -> Result<Answer, SimError> {
        let store = self.store.clone();
        let answer = match call {
            Call::Load => {
                let mut loaded = at_once(store.load())?;
                if let Some(sabotage) = self.sabotage {
                    sabotage.spoil_load(&mut loaded);
                }
                Answer::Loaded(Box::new(loaded))
            }
            Call::LoadExecution(id) => {
                Answer::Execution(at_once(store.load_execution(id))?.map(Box::new))
            }
            Call::LoadAlerts(ids) => Answer::Alerts(at_once(store.load_alerts(&ids))?),
            Call::Commit(process, fence, commit) => {
                let newest = store.lock().lease.as_ref().map(|lease| lease.fence);
                let spoiled = match self.sabotage {
                    Some(sabotage) => sabotage.spoil_commit(&commit, fence, newest),
                    None => Some((fence, commit)),
                };
                if let Some((under, commit)) = spoiled {
                    at_once(store.commit(under, &commit))?;
                    let changes = commit.changes.len();
                    self.note(format_args!("p{process} stores {changes} changes"));
                    for change in &commit.changes {
                        self.note_move(change);
                    }
                    self.count("commit");
                    self.oracle.stored(fence, &commit);
                }
                Answer::Nothing
            }
            Call::Acquire(process, holder, now, ttl, outlasted) => {
                let asked = at_once(store.acquire(&holder, now, ttl, outlasted.as_ref()))?;
                if let Asked::Given(lease) = &asked {
                    let fence = lease.fence.0;
                    self.note(format_args!("p{process} leads, fence {fence}"));
                    self.count("lead taken");
                }
                Answer::Asked(asked)
            }
            Call::Renew(lease, now, ttl) => Answer::Lease(at_once(store.renew(&lease, now, ttl))?),
            Call::Release(lease) => {
                at_once(store.release(&lease))?;
                Answer::Nothing
            }
        };
        Ok(answer)
    }
}

/// The output of a future that waits for nothing.
///
/// # Panics
/// If it waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a store in memory waits for nothing"),
    }
}

struct Wait<'a> {
    store: &'a SimStore,
    ticket: u64,
}

impl Future for Wait<'_> {
    type Output = Result<Answer, SimError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut world = self.store.world.lock();
        let now = world.now;
        if !world.lives(self.store.process, self.store.boot)
            || world
                .done
                .get(&self.ticket)
                .is_none_or(|done| done.at > now)
        {
            return Poll::Pending;
        }
        match world.done.remove(&self.ticket) {
            Some(done) => Poll::Ready(done.result),
            None => Poll::Pending,
        }
    }
}

#[async_trait]
impl Store for SimStore {
    type Error = SimError;

    async fn load(&self) -> Result<Snapshot, SimError> {
        match self.call(Call::Load).await? {
            Answer::Loaded(snapshot) => Ok(*snapshot),
            other => unreachable!("a load gave {other:?}"),
        }
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, SimError> {
        match self.call(Call::LoadExecution(execution)).await? {
            Answer::Execution(found) => Ok(found.map(|found| *found)),
            other => unreachable!("a load of an execution gave {other:?}"),
        }
    }

    async fn load_alerts(&self, alerts: &[AlertId]) -> Result<Vec<AlertRow>, SimError> {
        match self.call(Call::LoadAlerts(alerts.into())).await? {
            Answer::Alerts(found) => Ok(found),
            other => unreachable!("a load of alerts gave {other:?}"),
        }
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), SimError> {
        let call = Call::Commit(self.process, fence, commit.clone());
        self.call(call).await.map(drop)
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, SimError> {
        let call = Call::Acquire(self.process, holder.into(), now, ttl, outlasted.cloned());
        match self.call(call).await? {
            Answer::Asked(asked) => {
                if let Asked::Given(lease) = &asked {
                    self.world.lock().processes[self.process].fence = lease.fence;
                }
                Ok(asked)
            }
            other => unreachable!("an acquisition gave {other:?}"),
        }
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, SimError> {
        match self.call(Call::Renew(lease.clone(), now, ttl)).await? {
            Answer::Lease(lease) => Ok(lease),
            other => unreachable!("a renewal gave {other:?}"),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), SimError> {
        self.call(Call::Release(lease.clone())).await.map(drop)
    }
}
