//! Jobs, and what ties them together.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::time::Duration;

use super::{JobKind, JobParam, Revision};
use crate::{
    id::{ExecutorId, FlowId, JobId, PoolId},
    time::Timestamp,
};

/// One piece of work on an executor, mostly a command (任务); belongs to exactly one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Job {
    /// Given by the engine.
    pub id: JobId,
    /// The flow that it belongs to, for ever.
    pub flow: FlowId,
    /// Unique in its flow; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// For people.
    pub description: String,
    /// A job that is not enabled is skipped; what depends on it goes on.
    pub enabled: bool,
    /// Added to its flow's priority; greater goes first.
    pub priority: i32,
    /// Jobs, of any flow, that must end first; sorted by job and offset, each such pair once.
    pub dependencies: Vec<Dependency>,
    /// Where it may run.
    pub placement: Placement,
    /// Slots of an executor that it takes while it runs, 1 to 1,000.
    pub slots: u32,
    /// What it does.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kind: JobKind,
    /// Given to `sh -c` with the params appended; or a script for the interpreter that its first line names after `#!`, with the
    /// params as its arguments. Not empty if the job runs a command, else empty.
    pub command: String,
    /// Appended to a command line in this order, each quoted as one word; for other kinds values for placeholders.
    pub params: Vec<JobParam>,
    /// Environment, over the flow's.
    pub env: BTreeMap<String, String>,
    /// Working directory; empty for the flow's.
    pub workdir: String,
    /// Exit codes that count as success; sorted, each once, not empty, each 0 to 255.
    pub success_codes: Vec<u8>,
    /// What happens after a failed attempt.
    pub retry: Retry,
    /// Longest run time of one attempt; `None` for no limit.
    pub timeout: Option<Duration>,
    /// The pool that it takes slots of while it runs (R7); `None` for no pool.
    #[cfg_attr(feature = "serde", serde(default))]
    pub pool: Option<PoolId>,
    /// Slots of the pool that it takes, 1 to 1,000.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub pool_slots: u32,
    /// How long it usually takes; not zero. Forecasts use it where history has nothing.
    #[cfg_attr(feature = "serde", serde(default))]
    pub expected: Option<Duration>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// One job waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dependency {
    /// The job waited for.
    pub job: JobId,
    /// The end that it must come to.
    pub condition: Condition,
    /// The data date that is asked for, counted in days from the run's own, -366 to 366: -1 is the day before.
    #[cfg_attr(feature = "serde", serde(default))]
    pub offset_days: i32,
    /// How long the run waits, from the start of its flow run, for a job that is not a part of its execution; not zero;
    /// `None` for as long as it takes. Then it counts as failed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub wait_limit: Option<Duration>,
}

impl Dependency {
    /// A dependency on this job's run for the same data date.
    #[must_use]
    pub const fn new(job: JobId, condition: Condition) -> Self {
        Self {
            job,
            condition,
            offset_days: 0,
            wait_limit: None,
        }
    }

    /// Whether it asks for the run's own data date. Only such ties are a part of the [mesh](crate::mesh::Mesh): what waits
    /// for another date waits for no run of its own execution.
    #[must_use]
    pub const fn is_of_same_date(&self) -> bool {
        self.offset_days == 0
    }
}

#[cfg(feature = "serde")]
const fn one() -> u32 {
    1
}

/// The end of a job run that a dependency asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Condition {
    /// It succeeded or was skipped.
    #[default]
    Success,
    /// It failed, or could not run because something before it failed.
    Failure,
    /// It came to any end.
    Done,
}

/// Where a job may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Placement {
    /// On any executor.
    #[default]
    Any,
    /// On this one.
    Executor(ExecutorId),
    /// On any executor that has all of these labels; not empty.
    Labels(BTreeMap<String, String>),
}

/// What happens after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Retry {
    /// Further attempts after the first, 0 to 100.
    pub max: u32,
    /// Wait before the second attempt.
    pub delay: Duration,
    /// The wait grows by this factor each time, in thousandths: 1000 keeps it, 2000 doubles it. 1,000 to 100,000.
    pub backoff_permille: u32,
    /// The longest wait; `None` for no limit but the largest time.
    pub cap: Option<Duration>,
}

impl Default for Retry {
    /// No retries.
    fn default() -> Self {
        Self {
            max: 0,
            delay: Duration::ZERO,
            backoff_permille: 1000,
            cap: None,
        }
    }
}

impl Retry {
    /// When the attempt after attempt number `attempt` (from 1) may start, if that failed at `now` and one is left.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use hcndc_core::{model::Retry, time::Timestamp};
    /// let retry = Retry { max: 3, delay: Duration::from_secs(10), backoff_permille: 2000, cap: None };
    /// let now = Timestamp::from_micros(0);
    /// assert_eq!(retry.next_at(1, now), Some(now.after(Duration::from_secs(10))));
    /// assert_eq!(retry.next_at(3, now), Some(now.after(Duration::from_secs(40))));
    /// assert_eq!(retry.next_at(4, now), None);
    /// ```
    #[must_use]
    pub fn next_at(&self, attempt: u32, now: Timestamp) -> Option<Timestamp> {
        if attempt > self.max {
            return None;
        }
        let limit = self.cap.unwrap_or(Duration::MAX).as_micros();
        let mut wait = self.delay.as_micros().min(limit);
        for _ in 1..attempt {
            wait = (wait.saturating_mul(u128::from(self.backoff_permille)) / 1000).min(limit);
        }
        Some(now.after(Duration::from_micros(
            u64::try_from(wait).unwrap_or(u64::MAX),
        )))
    }
}
