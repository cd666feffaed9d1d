//! Flows.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{Param, Revision};
use crate::id::FlowId;

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
    /// Version, and who made it.
    pub revision: Revision,
}
