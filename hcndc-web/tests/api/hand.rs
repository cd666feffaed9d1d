//! A transport that runs nothing: the test says how attempts go.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{End, EndCause, Order, Report, RunOrder},
    id::{AttemptId, ExecutorId},
    model::Executor,
    port::{
        ErrorKind, Fence, Introduction, LogEntry, LogRead, PortError, Stream, Transport,
        Unreachable, UnreachableKind,
    },
    time::Timestamp,
};
use tokio::sync::{Notify, mpsc};

/// Clones are the same one.
#[derive(Clone)]
pub(crate) struct Hand {
    shared: Arc<Shared>,
}

struct Shared {
    reports: mpsc::UnboundedSender<(ExecutorId, Report)>,
    received: tokio::sync::Mutex<mpsc::UnboundedReceiver<(ExecutorId, Report)>>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Attempts that were ordered and have not ended.
    live: BTreeMap<AttemptId, (ExecutorId, RunOrder)>,
    logs: BTreeMap<AttemptId, Log>,
    /// Why no output can be read.
    trouble: Option<String>,
    /// Whether reading output panics.
    faulty: bool,
}

#[derive(Default)]
struct Log {
    entries: Vec<LogEntry>,
    complete: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum HandError {
    #[error("the executor is out of reach")]
    OutOfReach,
    #[error("no such position")]
    NoSuchPosition,
}

impl PortError for HandError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfReach => ErrorKind::Unavailable,
            Self::NoSuchPosition => ErrorKind::Invalid,
        }
    }
}

impl Hand {
    pub(crate) fn new() -> Self {
        let (reports, received) = mpsc::unbounded_channel();
        let shared = Shared {
            reports,
            received: tokio::sync::Mutex::new(received),
            state: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    fn report(&self, executor: ExecutorId, report: Report) {
        // The scheduler of a test that is over is gone.
        let _ = self.shared.reports.send((executor, report));
    }

    /// Waits until a job is to run, says that it started, and tells its attempt.
    pub(crate) async fn start(&self, job: &str) -> AttemptId {
        let (attempt, executor) = self.ordered(job).await;
        let at = now();
        let pid = 4_242;
        self.report(executor, Report::Started { attempt, pid, at });
        attempt
    }

    /// Waits until a job is to run, and tells what of it was ordered.
    pub(crate) async fn order(&self, job: &str) -> RunOrder {
        let (attempt, _) = self.ordered(job).await;
        self.state().live[&attempt].1.clone()
    }

    async fn ordered(&self, job: &str) -> (AttemptId, ExecutorId) {
        loop {
            let changed = self.shared.changed.notified();
            let found = self
                .state()
                .live
                .iter()
                .find(|(_, (_, order))| format!("{}/{}", order.flow, order.job) == job)
                .map(|(attempt, (executor, _))| (*attempt, *executor));
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    /// Waits until a job is to run, and ends it with this exit code.
    pub(crate) async fn finish(&self, job: &str, exit_code: i32) {
        self.put_out(job, exit_code, &[]).await;
    }

    /// The same, and it has put out this.
    pub(crate) async fn put_out(&self, job: &str, exit_code: i32, outputs: &[(&str, &str)]) {
        let (attempt, _) = self.ordered(job).await;
        let outputs = outputs.iter();
        let outputs = outputs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.end(attempt, EndCause::Exited(exit_code), outputs.collect());
    }

    fn end(&self, attempt: AttemptId, cause: EndCause, outputs: BTreeMap<String, String>) {
        let removed = {
            let mut state = self.state();
            state.logs.entry(attempt).or_default().complete = true;
            state.live.remove(&attempt)
        };
        self.shared.changed.notify_waiters();
        let Some((executor, _)) = removed else { return };
        let end = End {
            cause,
            started_at: Some(now()),
            ended_at: now(),
            peak_memory_bytes: 1_024,
            cpu_time: Duration::from_millis(1_500),
            log_bytes: 0,
            outputs,
        };
        self.report(executor, Report::Finished { attempt, end });
    }

    /// Lets an attempt write.
    pub(crate) fn write(&self, attempt: AttemptId, stream: Stream, bytes: &[u8]) {
        let entry = LogEntry {
            at: now(),
            stream,
            bytes: bytes.to_vec(),
        };
        let mut state = self.state();
        state.logs.entry(attempt).or_default().entries.push(entry);
        drop(state);
        self.shared.changed.notify_waiters();
    }

    /// Puts the output out of reach, or back.
    pub(crate) fn set_trouble(&self, trouble: Option<&str>) {
        self.state().trouble = trouble.map(str::to_owned);
    }

    pub(crate) fn set_faulty(&self, faulty: bool) {
        self.state().faulty = faulty;
    }
}

fn now() -> Timestamp {
    chrono::Utc::now().into()
}

#[async_trait]
impl Transport for Hand {
    type Error = HandError;

    fn connect(&self, executor: Arc<Executor>, _: Fence) {
        // An executor whose address says so stays away.
        let report = if executor.address.starts_with("away") {
            Report::Disconnected {
                reason: "nobody listens".to_owned(),
            }
        } else {
            Report::hello("1.2.3".to_owned(), Vec::new())
        };
        self.report(executor.id, report);
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        if executor.address.starts_with("away") {
            return Err(Unreachable {
                kind: UnreachableKind::Refused,
                reason: format!("{} refuses the connection", executor.address),
            });
        }
        Ok(Introduction {
            name: "here".to_owned(),
            version: "1.2.3".to_owned(),
            protocol: "1.2".to_owned(),
            ..Introduction::default()
        })
    }

    fn disconnect(&self, _: ExecutorId) {}

    fn send(&self, executor: ExecutorId, order: Order) {
        match order {
            Order::Run(order) => {
                self.state().live.insert(order.attempt, (executor, *order));
                self.shared.changed.notify_waiters();
            }
            Order::Kill { attempt, .. } => self.end(attempt, EndCause::Killed, BTreeMap::new()),
            Order::Ack { .. } => {}
        }
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        match self.shared.received.lock().await.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    /// Positions count entries, and each read gives one.
    async fn read_log(
        &self,
        _: ExecutorId,
        attempt: AttemptId,
        from: u64,
        _: usize,
        wait: Duration,
    ) -> Result<LogRead, HandError> {
        let faulty = self.state().faulty;
        assert!(!faulty, "a fault of the transport");
        let read = || {
            let state = self.state();
            if state.trouble.is_some() {
                return Some(Err(HandError::OutOfReach));
            }
            let empty = Log::default();
            let log = state.logs.get(&attempt).unwrap_or(&empty);
            let Ok(at) = usize::try_from(from) else {
                return Some(Err(HandError::NoSuchPosition));
            };
            if at > log.entries.len() {
                return Some(Err(HandError::NoSuchPosition));
            }
            let entries: Vec<LogEntry> = log.entries[at..].iter().take(1).cloned().collect();
            let next = at + entries.len();
            let complete = log.complete && next == log.entries.len();
            let something = !entries.is_empty() || complete;
            let read = LogRead {
                entries,
                next: next as u64,
                complete,
            };
            (something || wait.is_zero()).then_some(Ok(read))
        };
        loop {
            let changed = self.shared.changed.notified();
            if let Some(read) = read() {
                return read;
            }
            changed.await;
        }
    }

    fn trouble(&self, _: ExecutorId) -> Option<String> {
        self.state().trouble.clone()
    }
}
