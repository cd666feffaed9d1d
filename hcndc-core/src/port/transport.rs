//! The way to executors and back.

use alloc::{
    boxed::Box,
    string::{String, ToString as _},
    sync::Arc,
};
use core::time::Duration;

use async_trait::async_trait;

use super::{ErrorKind, Fence, LogRead, PortError};
use crate::{
    engine::{HostFigures, Offer, Order, Report},
    id::{AttemptId, ExecutorId},
    model::Executor,
};

/// Carries orders to executors and reports back.
///
/// # Contract
/// 1. After `connect` the transport keeps trying to hold a connection, and again after each break, until `disconnect`.
///    Connecting a known executor anew takes its new definition; with the same address and fence it changes nothing.
/// 2. The first report of a new connection is `Hello`; when it breaks or cannot be made, `Disconnected` is reported once
///    for each break, and once for a connection that cannot be made at first.
/// 3. Reports of one executor arrive in the order in which it sent them.
/// 4. `send` never blocks. An order for an executor that is not connected is dropped: the engine gives it again after `Hello`.
///    An executor that is stopping drops orders to run too: they go to the one that says `Hello` next, or are lost with
///    the lease.
/// 5. A finished attempt is reported again in the `Hello` of every new connection until it is acknowledged.
/// 6. An attempt is run at most once; `Run` for a known one is answered with `Started` and, if it has ended, `Finished`.
/// 7. `Kill` of an unknown attempt is answered with `Finished` and cause `Lost`; of one that has ended, with `Finished`
///    and nothing else.
/// 8. An executor obeys the highest fence that it has seen, and no lower one.
/// 9. Connecting under a greater fence drops what was received from the executor under a smaller one and not yet handed
///    out by `recv`: a transport may outlive the scheduler that used it, and what an executor held in an earlier term
///    says nothing in the next.
#[async_trait]
pub trait Transport: Send + Sync {
    /// The adapter's error.
    type Error: PortError;

    /// Hold a connection to this executor in the name of this fence.
    fn connect(&self, executor: Arc<Executor>, fence: Fence);

    /// Drop the connection to this executor.
    fn disconnect(&self, executor: ExecutorId);

    /// Tell a connected executor something.
    fn send(&self, executor: ExecutorId, order: Order);

    /// The next report of any executor; waits for one.
    ///
    /// # Cancel safety
    /// Dropping the future loses no report.
    async fn recv(&self) -> (ExecutorId, Report);

    /// Reads an attempt's output where its executor keeps it. Waits up to `wait` for something to read when there is
    /// nothing after `from` and the log is not complete.
    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, Self::Error>;

    /// Why no connection stands; `None` while one does.
    fn trouble(&self, executor: ExecutorId) -> Option<String>;

    /// Asks the executor of this definition who it is, by a connection of its own that obeys and changes nothing: whether it
    /// could be used, and why not if it could not. A transport that does not know how answers [`UnreachableKind::Other`].
    async fn test(&self, _executor: &Executor) -> Result<Introduction, Unreachable> {
        Err(Unreachable {
            kind: UnreachableKind::Other,
            reason: "executors cannot be tested from here".to_string(),
        })
    }
}

/// What an executor says of itself to whoever may ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Introduction {
    /// Name that it was started with, for people.
    pub name: String,
    /// Version of its program.
    pub version: String,
    /// Version of the protocol that it speaks.
    pub protocol: String,
    /// What it offers by its own settings.
    pub offer: Offer,
    /// How its host is doing.
    pub figures: HostFigures,
}

/// Why an executor cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// What is wrong.
    pub kind: UnreachableKind,
    /// In words, with the address.
    pub reason: String,
}

/// What keeps an executor from being used, in the order in which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnreachableKind {
    /// Its address has not the form `host:port`.
    Address,
    /// The name in its address does not resolve.
    Name,
    /// Its host answers, and nothing listens there.
    Refused,
    /// Nothing answers in time.
    Silent,
    /// One end speaks TLS and the other does not, or a certificate is not believed.
    Tls,
    /// It does not accept the token.
    Token,
    /// It is no executor, or speaks a version of the protocol that is not understood.
    Version,
    /// Something else.
    Other,
}

/// Why [`()`](Transport#impl-Transport-for-()) has no output to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no executor is reached from here")]
pub struct NoExecutors;

impl PortError for NoExecutors {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

/// Reaches no executor: for who only edits. What runs goes on, and whoever leads next finds it.
#[async_trait]
impl Transport for () {
    type Error = NoExecutors;

    fn connect(&self, _: Arc<Executor>, _: Fence) {}

    fn disconnect(&self, _: ExecutorId) {}

    fn send(&self, _: ExecutorId, _: Order) {}

    async fn recv(&self) -> (ExecutorId, Report) {
        core::future::pending().await
    }

    async fn read_log(
        &self,
        _: ExecutorId,
        _: AttemptId,
        _: u64,
        _: usize,
        _: Duration,
    ) -> Result<LogRead, NoExecutors> {
        Err(NoExecutors)
    }

    fn trouble(&self, _: ExecutorId) -> Option<String> {
        None
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    type Error = T::Error;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        (**self).connect(executor, fence);
    }

    fn disconnect(&self, executor: ExecutorId) {
        (**self).disconnect(executor);
    }

    fn send(&self, executor: ExecutorId, order: Order) {
        (**self).send(executor, order);
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        (**self).recv().await
    }

    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, Self::Error> {
        (**self)
            .read_log(executor, attempt, from, max_bytes, wait)
            .await
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        (**self).trouble(executor)
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        (**self).test(executor).await
    }
}
