//! Ends of executions, in an order that misses none, and how far those who tell others of them have come.
//!
//! No order of times would do: the clock of a scheduler that takes over may be behind the one before it, so that an end could
//! come to stand before a place that has been passed. Commits are one after the other, whoever leads, for each is made under
//! the fence: so an end stands where its commit stands among all commits.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use async_trait::async_trait;

use super::PortError;
use crate::{
    engine::{AttemptRow, ExecutionState, JobRunRow},
    id::{ExecutionId, JobRunId},
    model::Job,
    time::Timestamp,
};

/// That an execution ended. One that goes on after its end, by a resume or the like, has another for each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionEnd {
    /// Which; with `resumes` the key.
    pub execution: ExecutionId,
    /// How often it had gone on after an end before.
    pub resumes: u32,
    /// Where it stands among all ends: at 1 or later. Ends of one commit share their position.
    pub position: u64,
    /// What came of it.
    pub state: ExecutionState,
    /// When, by the clock of whoever led.
    pub ended_at: Timestamp,
    /// The next id when it was stored: attempts that belong to what ended have smaller ones, those of a later
    /// [end](Self::resumes) do not.
    pub next_id: u64,
}

/// A job run with all that is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStory {
    /// The job run.
    pub row: JobRunRow,
    /// The name that its flow had.
    pub flow_name: String,
    /// The version of its job that it is pinned to.
    pub job: Arc<Job>,
    /// Its attempts, by number.
    pub attempts: Vec<AttemptRow>,
}

/// What reporters read, and the marks that they leave. Needs no lease.
///
/// # Contract
/// 1. An end is there once the commit is that left its execution ended, and not before. What ended and went on in one commit has
///    not ended.
/// 2. The position of an end is greater than those of all earlier commits, whoever led; so whoever reads on behind the last
///    one that it saw misses none.
/// 3. The same commit again leaves one end, where it was or at a later position.
/// 4. `ends` gives those behind a position by position, then execution; all of a position or none, `limit` at least if there are
///    so many.
/// 5. Ends go with their execution; `last_position` never goes back.
/// 6. A mark is what was put last, but never goes back; it is seen by each later call of any server.
/// 7. `run_stories` gives job runs by id, each with the version that it is pinned to and its attempts by number.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The adapter's error.
    type Error: PortError;

    /// Ends behind a position: `limit` of them, which is 1 at least, and those that share the last one's position.
    async fn ends(&self, after: u64, limit: u32) -> Result<Vec<ExecutionEnd>, Self::Error>;

    /// All ends of an execution, by `resumes`; empty for an unknown one.
    async fn ends_of(&self, execution: ExecutionId) -> Result<Vec<ExecutionEnd>, Self::Error>;

    /// No end so far stands behind this position; 0 before the first commit.
    async fn last_position(&self) -> Result<u64, Self::Error>;

    /// Job runs of an execution with ids greater than `after`, `limit` at most, which is 1 to 1,000.
    async fn run_stories(
        &self,
        execution: ExecutionId,
        after: Option<JobRunId>,
        limit: u32,
    ) -> Result<Vec<RunStory>, Self::Error>;

    /// How far the reporter of this name has come.
    async fn mark(&self, name: &str) -> Result<Option<u64>, Self::Error>;

    /// Says how far the reporter of this name, of 255 characters at most, has come.
    async fn put_mark(&self, name: &str, position: u64) -> Result<(), Self::Error>;
}
