//! Flows.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::time::Duration;

use super::{Param, Revision};
use crate::id::{CalendarId, FlowId};

/// A named group of jobs (任务流): the unit that is scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Flow {
    /// Given by the engine.
    pub id: FlowId,
    /// Unique among flows; 1 to 255 characters, no `/`, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Whom to ask.
    pub owner: String,
    /// A flow that is not enabled takes part in no new execution.
    pub enabled: bool,
    /// Added to the priority of each of its jobs; greater goes first.
    pub priority: i32,
    /// Flows that must succeed first (R2); sorted, each once.
    pub parents: Vec<FlowId>,
    /// Values for all of its jobs, by name; not appended to command lines.
    pub params: Vec<Param>,
    /// Environment of all of its jobs.
    pub env: BTreeMap<String, String>,
    /// Working directory of its jobs, unless they name their own; empty for the executor's.
    pub workdir: String,
    /// Runs of it at once, over all executions (R7), 1 to 10,000; `None` for no limit.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_runs: Option<u32>,
    /// Longest time that a run of it may take; not zero; `None` for no limit.
    #[cfg_attr(feature = "serde", serde(default))]
    pub timeout: Option<Duration>,
    /// How often a failed run of it is taken up again by itself, 0 to 100: what failed runs again, as a resume would have it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub restart_retries: u32,
    /// Wait before a failed run is taken up again.
    #[cfg_attr(feature = "serde", serde(default))]
    pub restart_delay: Duration,
    /// Whose business days `${date-1b}` counts in its jobs; `None` for Monday to Friday.
    #[cfg_attr(feature = "serde", serde(default))]
    pub calendar: Option<CalendarId>,
    /// Version, and who made it.
    pub revision: Revision,
}
