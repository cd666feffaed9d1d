//! The rules of the port: hold connections, again after each break, and report in order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{EndCause, Offer, Order, Report},
    id::{AttemptId, ExecutorId},
    model::{Executor, JobKind},
    port::{Fence, Introduction, LogRead, Transport, Unreachable, UnreachableKind},
};
use tokio::{
    sync::mpsc,
    task::unconstrained,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Dial, Line, ReadLog, TransportError};
use crate::{
    executor::now,
    link::{Down, PROTOCOL, Protocol, Refusal, Up, end_at},
    protocol::KINDS,
};

/// Reports that may wait for the scheduler; beyond that the executors wait.
const REPORTS: usize = 8192;
/// Orders that may wait for one executor; beyond that its connection is made anew, and the engine gives them again.
const ORDERS: usize = 65_536;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a connection may take to be made, and how long an executor may take to answer the hello.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds a connection to each executor. Made and used within a tokio runtime.
///
/// An executor that is stopping drops orders to run, as if it were not connected (clause 4 of
/// [`Transport`]): what runs there is reported to its end, then `Disconnected`.
#[derive(Debug)]
pub struct Lines<D> {
    dial: Arc<D>,
    name: String,
    realm: String,
    held: Mutex<BTreeMap<ExecutorId, HeldLine>>,
    reports: mpsc::Sender<Received>,
    received: tokio::sync::Mutex<mpsc::Receiver<Received>>,
}

/// A report, and the fence of the connection that it came by.
#[derive(Debug)]
struct Received {
    executor: ExecutorId,
    fence: Fence,
    report: Report,
}

#[derive(Debug)]
struct HeldLine {
    address: String,
    fence: Fence,
    state: Arc<Mutex<State>>,
    task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
enum State {
    /// No connection stands; why, once that is known.
    Down(Option<String>),
    Up {
        orders: mpsc::Sender<Order>,
        logs: Box<dyn ReadLog>,
    },
}

impl<D: Dial> Lines<D> {
    /// Holds no connection yet. Its realm has the empty name, see [`Lines::with_realm`].
    #[must_use]
    pub fn new(dial: D) -> Self {
        let (reports, received) = mpsc::channel(REPORTS);
        let host = sysinfo::System::host_name().unwrap_or_default();
        Self {
            dial: Arc::new(dial),
            name: format!("{host}:{}", std::process::id()),
            realm: String::new(),
            held: Mutex::default(),
            reports,
            received: tokio::sync::Mutex::new(received),
        }
    }

    /// The same in the name of this realm: the identity of the scheduler's database, within which fences and attempts
    /// count. It stays the same as long as the database does, and no two databases share one.
    ///
    /// An executor serves one realm at a time. While a scheduler of another one is connected to it, or attempts of that
    /// are alive, it refuses, which [`trouble`](Transport::trouble) tells; otherwise it goes over to this realm and
    /// forgets all that it knew of the other: its fence, its attempts and their logs.
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// How it reaches executors.
    #[must_use]
    pub fn dial(&self) -> &D {
        &self.dial
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<ExecutorId, HeldLine>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, executor: ExecutorId) -> Option<Arc<Mutex<State>>> {
        self.held()
            .get(&executor)
            .map(|line| Arc::clone(&line.state))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl<D: Dial> Transport for Lines<D> {
    type Error = TransportError;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        let mut held = self.held();
        let before = held.remove(&executor.id);
        let before = match before {
            Some(line) if line.address == executor.address && line.fence == fence => {
                held.insert(executor.id, line);
                return;
            }
            other => other,
        };
        let state = Arc::new(Mutex::new(State::Down(None)));
        let holder = Holder {
            dial: Arc::clone(&self.dial),
            id: executor.id,
            address: executor.address.clone(),
            fence,
            hello: Down::Hello {
                realm: self.realm.clone(),
                fence,
                scheduler: self.name.clone(),
                protocol: PROTOCOL,
            },
            state: Arc::clone(&state),
            reports: self.reports.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(holder.hold(before)));
        held.insert(
            executor.id,
            HeldLine {
                address: executor.address.clone(),
                fence,
                state,
                task,
            },
        );
    }

    fn disconnect(&self, executor: ExecutorId) {
        self.held().remove(&executor);
    }

    fn send(&self, executor: ExecutorId, order: Order) {
        let Some(state) = self.state(executor) else {
            return;
        };
        let mut state = lock(&state);
        if let State::Up { orders, .. } = &*state
            && orders.try_send(order).is_err()
        {
            // Dropping the sender ends the connection; see `pump`.
            *state = State::Down(Some("too many orders wait for it".to_owned()));
        }
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        loop {
            // Tokio makes a lock or a receiver look busy once its task has used some hundred without a pause. The
            // scheduler would take that for the end of what waits, and commit in small groups exactly when much waits.
            let recv = unconstrained(async { self.received.lock().await.recv().await });
            let Some(next) = recv.await else {
                // `self` holds a sender, so this is never.
                return std::future::pending().await;
            };
            // Clause 9: what an earlier term was told is not for the present one.
            let current = self.held().get(&next.executor).map(|line| line.fence);
            if current.is_none_or(|current| next.fence >= current) {
                return (next.executor, next.report);
            }
        }
    }

    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, TransportError> {
        let logs = match self.state(executor).as_deref().map(lock).as_deref() {
            Some(State::Up { logs, .. }) => Ok(logs.to_boxed()),
            Some(State::Down(reason)) => Err(reason
                .clone()
                .unwrap_or_else(|| "not yet connected".to_owned())),
            None => Err("nobody asked to connect it".to_owned()),
        };
        let logs = logs.map_err(|reason| TransportError::NotConnected { executor, reason })?;
        logs.read(attempt, from, max_bytes, wait)
            .await
            .map_err(|source| TransportError::Log {
                executor,
                attempt,
                source,
            })
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        match self.state(executor).as_deref().map(lock).as_deref() {
            Some(State::Up { .. }) => None,
            Some(State::Down(Some(reason))) => Some(reason.clone()),
            Some(State::Down(None)) | None => Some("not connected yet".to_owned()),
        }
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        let asked = timeout(PATIENCE, self.dial.ask(&executor.address)).await;
        asked.unwrap_or_else(|_| {
            Err(Unreachable {
                kind: UnreachableKind::Silent,
                reason: format!("{} does not answer within {PATIENCE:?}", executor.address),
            })
        })
    }
}

struct Holder<D> {
    dial: Arc<D>,
    id: ExecutorId,
    address: String,
    fence: Fence,
    hello: Down,
    state: Arc<Mutex<State>>,
    reports: mpsc::Sender<Received>,
}

impl<D: Dial> Holder<D> {
    async fn hold(self, before: Option<HeldLine>) {
        if let Some(line) = before {
            // Its reports come before ours, and it says nothing any more when ours come.
            line.task.abort();
            let _ = line.task.await;
            if matches!(*lock(&line.state), State::Up { .. }) {
                self.disconnected("connected anew under other terms".to_owned())
                    .await;
            }
        }
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let reason = match self.open().await {
                Ok((line, protocol, hello)) => {
                    told = false;
                    let since = Instant::now();
                    let reason = self.pump(line, protocol, hello).await;
                    // One that breaks at once again and again is not tried any faster than one that cannot be made.
                    if since.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                    reason
                }
                Err(reason) => reason,
            };
            *lock(&self.state) = State::Down(Some(reason.clone()));
            if !std::mem::replace(&mut told, true) {
                self.disconnected(reason).await;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn report(&self, report: Report) {
        // Fails only when the transport is gone, and this task with it.
        let received = Received {
            executor: self.id,
            fence: self.fence,
            report,
        };
        let _ = self.reports.send(received).await;
    }

    async fn disconnected(&self, reason: String) {
        self.report(Report::Disconnected { reason }).await;
    }

    /// A connection on which the executor has said hello.
    async fn open(&self) -> Result<(Line, Protocol, Report), String> {
        let opened = timeout(PATIENCE, self.dial.dial(&self.address)).await;
        let late = || format!("{} does not answer within {PATIENCE:?}", self.address);
        let mut line = opened.map_err(|_| late())??;
        // A connection that is broken already says why when it is read.
        let _ = line.down.send(self.hello.clone()).await;
        let first = timeout(PATIENCE, line.up.recv())
            .await
            .map_err(|_| late())?;
        match first.ok_or("it closed the connection")?? {
            Up::Hello { protocol, .. } if !PROTOCOL.understands(protocol) => {
                let refusal = Refusal::Protocol {
                    given: PROTOCOL,
                    speaks: protocol,
                };
                Err(refusal.to_string())
            }
            Up::Hello {
                identity,
                held,
                protocol,
            } => Ok((
                line,
                protocol,
                Report::Hello {
                    version: identity.version,
                    held,
                    offer: Offer {
                        labels: identity.labels,
                        slots: identity.slots,
                    },
                },
            )),
            Up::Refused(refusal) => Err(refusal.to_string()),
            Up::Started { .. } | Up::Finished { .. } | Up::Heartbeat(_) => {
                Err("it answered a hello with something else".to_owned())
            }
        }
    }

    /// Carries messages both ways until the connection breaks; why it did.
    async fn pump(&self, mut line: Line, protocol: Protocol, hello: Report) -> String {
        let (orders, mut given) = mpsc::channel(ORDERS);
        // Before the report, or the orders that answer it would be dropped.
        *lock(&self.state) = State::Up {
            orders,
            logs: line.logs.to_boxed(),
        };
        self.report(hello).await;
        loop {
            tokio::select! {
                said = line.up.recv() => match said {
                    Some(Ok(Up::Started { attempt, pid, at })) => {
                        self.report(Report::Started { attempt, pid, at }).await;
                    }
                    Some(Ok(Up::Finished { attempt, end })) => {
                        self.report(Report::Finished { attempt, end }).await;
                    }
                    Some(Ok(Up::Heartbeat(figures))) => self.report(Report::Heartbeat(figures)).await,
                    Some(Ok(Up::Refused(refusal))) => return refusal.to_string(),
                    Some(Ok(Up::Hello { .. })) => return "it said hello twice".to_owned(),
                    Some(Err(reason)) => return reason,
                    None => return "it closed the connection".to_owned(),
                },
                order = given.recv() => match order {
                    // One that does not know what it is told to do would run the empty command of the order, and succeed.
                    Some(Order::Run(order)) if order.kind != JobKind::Shell && protocol < KINDS => {
                        let reason = format!(
                            "this executor speaks version {protocol} of the protocol and runs commands only; a job of kind {} needs one \
                             of version {KINDS}: upgrade the executor",
                            order.kind.as_str(),
                        );
                        let end = end_at(now(), EndCause::NotStarted(reason));
                        let attempt = order.attempt;
                        self.report(Report::Finished { attempt, end }).await;
                    }
                    // A closed connection says why when it is read.
                    Some(order) => drop(line.down.send(order.into()).await),
                    None => return "too many orders wait for it".to_owned(),
                },
            }
        }
    }
}

impl From<Order> for Down {
    fn from(order: Order) -> Self {
        match order {
            Order::Run(order) => Self::Run(order),
            Order::Kill { attempt, grace } => Self::Kill { attempt, grace },
            Order::Ack { attempt } => Self::Ack { attempt },
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::transport::ByAddress;

    #[tokio::test]
    async fn all_that_was_reported_is_received_without_a_pause() {
        let lines = Lines::new(ByAddress::default());
        for number in 0..1_000 {
            let reason = number.to_string();
            let report = Received {
                executor: ExecutorId(1),
                fence: Fence(1),
                report: Report::Disconnected { reason },
            };
            lines.reports.try_send(report).expect("there is room");
        }
        for number in 0..1_000 {
            let received = lines.recv().now_or_never();
            assert!(received.is_some(), "only {number} were received");
        }
        assert!(lines.recv().now_or_never().is_none());
    }
}
