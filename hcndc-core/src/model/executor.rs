//! Executors as people define them; how they are doing is the engine's to know.

use alloc::{collections::BTreeMap, string::String};

use super::Revision;
use crate::id::ExecutorId;

/// A host that runs commands (执行服务器).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Executor {
    /// Given by the engine.
    pub id: ExecutorId,
    /// Unique among executors; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where the transport finds it: `host:port`, or `local` for the one inside this process. Unique among executors, and
    /// stays while attempts live there.
    pub address: String,
    /// What jobs can ask for.
    pub labels: BTreeMap<String, String>,
    /// Slots that its jobs may take together, 1 to 100,000.
    pub slots: u32,
    /// An executor that is not enabled gets no new jobs; what runs there ends.
    pub enabled: bool,
    /// Version, and who made it.
    pub revision: Revision,
}
