//! The scheduler's side: holds a connection to each executor and carries orders and reports.
//!
//! [`Lines`] knows the rules of the port and is the same for all; a [`Dial`] knows how an address is reached.

mod by_address;
mod collecting;
mod forwarding;
mod grpc;
mod in_process;
mod lines;

use std::time::Duration;

use async_trait::async_trait;
use hcndc_core::{
    id::{AttemptId, ExecutorId},
    port::{ErrorKind, Introduction, LogRead, LogStore, PortError, Unreachable},
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

pub use by_address::ByAddress;
pub use collecting::Collecting;
pub use forwarding::{Forwarding, LogLine, LogOrigin, LogSink, Origins, SinkError};
pub(crate) use grpc::innermost;
pub use grpc::{Grpc, Tokens};
pub use in_process::{InProcess, LOCAL};
pub use lines::Lines;

use crate::link::{Down, Up};

/// Carries orders over gRPC.
pub type GrpcTransport = Lines<Grpc>;
/// Carries orders to a supervisor in this process.
pub type InProcessTransport = Lines<InProcess>;

/// Carries orders to the supervisor in this process for the address [`LOCAL`], over gRPC for all others.
pub type Transports = Lines<ByAddress>;

/// Reaches executors.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// Makes a connection; nothing is said on it yet.
    ///
    /// # Errors
    /// Why it cannot be made, in words for people.
    async fn dial(&self, address: &str) -> Result<Line, String>;

    /// Asks who is there, by a connection of its own; see [`Transport::test`](hcndc_core::port::Transport::test).
    ///
    /// # Errors
    /// Why that one cannot be used.
    async fn ask(&self, address: &str) -> Result<Introduction, Unreachable>;
}

/// A connection. Dropping it closes it.
#[derive(Debug)]
pub struct Line {
    /// Where orders go.
    pub down: mpsc::Sender<Down>,
    /// What the executor says; an error is why the connection broke, and the last that comes.
    pub up: mpsc::Receiver<Result<Up, String>>,
    /// Reads its logs.
    pub logs: Box<dyn ReadLog>,
    /// What carries the messages.
    pub tasks: Vec<AbortOnDropHandle<()>>,
}

/// Reads logs where an executor keeps them.
#[async_trait]
pub trait ReadLog: std::fmt::Debug + Send + Sync {
    /// As [`Transport::read_log`](hcndc_core::port::Transport::read_log).
    ///
    /// # Errors
    /// When the executor cannot be asked, or does not like the question.
    async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, ReadLogError>;

    /// Another one like it.
    fn to_boxed(&self) -> Box<dyn ReadLog>;
}

/// Why a log could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ReadLogError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// In words for people.
    pub reason: String,
}

/// A fault of a transport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection stands.
    #[error("executor {executor} is not connected: {reason}")]
    NotConnected {
        /// To whom.
        executor: ExecutorId,
        /// Why not.
        reason: String,
    },
    /// A log could not be read.
    #[error("cannot read the log of attempt {attempt} on executor {executor}: {source}")]
    Log {
        /// Where.
        executor: ExecutorId,
        /// Whose.
        attempt: AttemptId,
        /// Why not.
        source: ReadLogError,
    },
}

impl PortError for TransportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotConnected { .. } => ErrorKind::Unavailable,
            Self::Log { source, .. } => source.kind,
        }
    }
}

/// Reads, and waits up to `wait` if there is nothing to read yet.
pub(crate) async fn read_or_wait<L: LogStore>(
    log: &L,
    attempt: AttemptId,
    from: u64,
    max_bytes: usize,
    wait: Duration,
) -> Result<LogRead, L::Error> {
    let read = log.read(attempt, from, max_bytes).await?;
    if wait.is_zero() || read.complete || !read.entries.is_empty() {
        return Ok(read);
    }
    match tokio::time::timeout(wait, log.wait(attempt, from)).await {
        Ok(waited) => waited?,
        Err(_) => return Ok(read),
    }
    log.read(attempt, from, max_bytes).await
}
