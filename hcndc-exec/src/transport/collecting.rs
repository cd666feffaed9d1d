//! Brings complete logs home before the executor may forget an attempt.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{Order, Report},
    id::{AttemptId, ExecutorId},
    model::Executor,
    port::{ErrorKind, Fence, Introduction, LogRead, PortError, Transport, Unreachable},
};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::LOCAL;
use crate::{archive::LogArchive, file_log::FileLogError};

/// Logs that are brought at the same time.
const AT_ONCE: usize = 8;
/// How much of a log is asked for at once.
const READ_BYTES: usize = 1 << 20;
/// How often it is looked for logs that are kept long enough.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// A transport that keeps the logs of ended attempts: read from here when they are here, compressed, and whether or not
/// their executor is still there.
///
/// An end is acknowledged to its executor only once its log is here. If either side fails before, the executor reports
/// the end again and the log is brought then. What an executor on this host has, under the address [`LOCAL`], stays where
/// it is.
#[derive(Debug)]
pub struct Collecting<T> {
    inner: Arc<T>,
    collector: Option<Arc<Collector>>,
    _sweeper: Option<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Collector {
    archive: LogArchive,
    permits: Semaphore,
    /// Executors on this host.
    local: Mutex<BTreeSet<ExecutorId>>,
    /// Attempts whose logs are on their way.
    bringing: Mutex<BTreeMap<AttemptId, ExecutorId>>,
}

impl<T: Transport + 'static> Collecting<T> {
    /// Brings nothing home.
    #[must_use]
    pub const fn nothing(inner: Arc<T>) -> Self {
        Self {
            inner,
            collector: None,
            _sweeper: None,
        }
    }

    /// Keeps logs here, each for so long; for ever if `None`. Made within a tokio runtime.
    #[must_use]
    pub fn new(inner: Arc<T>, archive: LogArchive, kept_for: Option<Duration>) -> Self {
        let sweeper = AbortOnDropHandle::new(tokio::spawn(sweep(archive.clone(), kept_for)));
        Self {
            inner,
            collector: Some(Arc::new(Collector {
                archive,
                permits: Semaphore::new(AT_ONCE),
                local: Mutex::default(),
                bringing: Mutex::default(),
            })),
            _sweeper: Some(sweeper),
        }
    }
}

/// Deletes what is old, for ever.
async fn sweep(archive: LogArchive, kept_for: Option<Duration>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tick.tick().await;
        let trimmed = archive.trim().await;
        let before = kept_for.and_then(|kept_for| SystemTime::now().checked_sub(kept_for));
        let swept = match before {
            Some(before) => archive.sweep(before).await,
            None => Ok(0),
        };
        match swept {
            Ok(0) if trimmed == 0 => {}
            Ok(swept) => tracing::info!(swept, trimmed, "old logs are deleted"),
            Err(error) => tracing::warn!(%error, "old logs cannot be deleted"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a log could not be brought.
enum Missed {
    /// It may come when the executor reports the end again.
    ForNow(String),
    /// It never will.
    ForGood(String),
}

impl Missed {
    fn there(error: &impl PortError) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Fenced => {
                Self::ForNow(error.to_string())
            }
            ErrorKind::Corrupt | ErrorKind::Invalid => Self::ForGood(error.to_string()),
        }
    }

    fn here(error: &FileLogError) -> Self {
        Self::ForNow(error.to_string())
    }
}

impl Collector {
    fn is_spared(&self, executor: ExecutorId) -> bool {
        lock(&self.local).contains(&executor)
    }

    /// Brings a log; whether its end may be acknowledged.
    async fn bring<T: Transport>(
        &self,
        transport: &T,
        executor: ExecutorId,
        attempt: AttemptId,
    ) -> bool {
        let Ok(_permit) = self.permits.acquire().await else {
            return false;
        };
        match self.try_bring(transport, executor, attempt).await {
            Ok(()) => true,
            Err(Missed::ForNow(reason)) => {
                tracing::info!(%attempt, %executor, reason, "a log is not brought yet");
                false
            }
            Err(Missed::ForGood(reason)) => {
                tracing::warn!(%attempt, %executor, reason, "a log cannot be brought");
                true
            }
        }
    }

    async fn try_bring<T: Transport>(
        &self,
        transport: &T,
        executor: ExecutorId,
        attempt: AttemptId,
    ) -> Result<(), Missed> {
        let here = self.archive.read(attempt, 0, 1).await;
        if here.is_ok_and(|read| read.is_some()) {
            return Ok(());
        }
        let mut deposit = self.archive.deposit(attempt);
        let mut from = 0;
        loop {
            let read = transport
                .read_log(executor, attempt, from, READ_BYTES, Duration::ZERO)
                .await
                .map_err(|error| Missed::there(&error))?;
            // A log that its executor could not finish has nothing more to give either.
            let is_all = read.complete || read.next == from;
            from = read.next;
            deposit = deposit
                .append(read.entries)
                .await
                .map_err(|error| Missed::here(&error))?;
            if is_all {
                break;
            }
        }
        deposit.finish().await.map_err(|error| Missed::here(&error))
    }
}

#[async_trait]
impl<T: Transport + 'static> Transport for Collecting<T> {
    type Error = T::Error;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        if let Some(collector) = &self.collector {
            let mut local = lock(&collector.local);
            if executor.address == LOCAL {
                local.insert(executor.id);
            } else {
                local.remove(&executor.id);
            }
        }
        self.inner.connect(executor, fence);
    }

    fn disconnect(&self, executor: ExecutorId) {
        self.inner.disconnect(executor);
    }

    fn send(&self, executor: ExecutorId, order: Order) {
        let (Some(collector), Order::Ack { attempt }) = (&self.collector, &order) else {
            return self.inner.send(executor, order);
        };
        if collector.is_spared(executor) {
            return self.inner.send(executor, order);
        }
        let attempt = *attempt;
        if lock(&collector.bringing)
            .insert(attempt, executor)
            .is_some()
        {
            return;
        }
        let (inner, collector) = (Arc::clone(&self.inner), Arc::clone(collector));
        tokio::spawn(async move {
            let is_here = collector.bring(&*inner, executor, attempt).await;
            lock(&collector.bringing).remove(&attempt);
            if is_here {
                inner.send(executor, order);
            }
        });
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        self.inner.recv().await
    }

    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, Self::Error> {
        if let Some(collector) = &self.collector {
            match collector.archive.read(attempt, from, max_bytes).await {
                Ok(Some(read)) => return Ok(read),
                Ok(None) => {}
                // The executor may still have it.
                Err(error) => tracing::warn!(%attempt, %error, "cannot read a log that is kept"),
            }
        }
        self.inner
            .read_log(executor, attempt, from, max_bytes, wait)
            .await
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        self.inner.trouble(executor)
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        self.inner.test(executor).await
    }
}
