//! Output of attempts.

use alloc::{boxed::Box, vec::Vec};
use async_trait::async_trait;

use super::PortError;
use crate::{id::AttemptId, time::Timestamp};

/// Which stream of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Words of the executor itself: what it left out, why it killed.
    Executor,
}

/// A piece of output as it was read, at most 64 KiB; not always whole lines, not always UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When it was read.
    pub at: Timestamp,
    /// From which stream.
    pub stream: Stream,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

/// Some of an attempt's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// What was written, in order; may be empty.
    pub entries: Vec<LogEntry>,
    /// Where to read on; opaque but for 0, which is the start.
    pub next: u64,
    /// Whether nothing more will come after `next`.
    pub complete: bool,
}

/// Keeps output.
///
/// # Contract
/// 1. What `append` was given is read back in order, byte for byte, from position 0.
/// 2. Reading from `next` of an earlier read goes on exactly there: nothing is missing, nothing comes twice.
/// 3. A read returns at most about `max_bytes` bytes of output, but at least one entry if there is one.
/// 4. An unknown attempt, and one that wrote nothing, read as empty; `complete` only after `finish`.
/// 5. `wait` returns when there is something after `from` or the log is finished, and at once if so already.
/// 6. After `delete` the attempt is unknown.
/// 7. A position that no read gave out is refused as `Invalid`, or reads as nothing; it never panics.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// The adapter's error.
    type Error: PortError;

    /// Adds entries to the end.
    async fn append(&self, attempt: AttemptId, entries: &[LogEntry]) -> Result<(), Self::Error>;

    /// Nothing more will be appended.
    async fn finish(&self, attempt: AttemptId) -> Result<(), Self::Error>;

    /// Reads from a position.
    async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
    ) -> Result<LogRead, Self::Error>;

    /// Waits for more after a position, or for the end.
    async fn wait(&self, attempt: AttemptId, from: u64) -> Result<(), Self::Error>;

    /// Forgets the attempt's output.
    async fn delete(&self, attempt: AttemptId) -> Result<(), Self::Error>;
}
