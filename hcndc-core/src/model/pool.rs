//! Pools: slots that jobs of any flow and on any executor share.

use alloc::string::String;

use super::Revision;
use crate::id::PoolId;

/// Slots that jobs of any flow and on any executor share (R7), as for a database that bears only so many loads at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pool {
    /// Given by the engine.
    pub id: PoolId,
    /// Unique among pools; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Slots that its jobs may take together, 1 to 100,000; not fewer than any one of them takes.
    pub slots: u32,
    /// Version, and who made it.
    pub revision: Revision,
}

/// A [`Pool`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Pool")]
pub struct PoolDraft {
    /// `None` makes a new one.
    pub id: Option<PoolId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub slots: u32,
}

impl PoolDraft {
    /// A new pool of this name and so many slots.
    #[must_use]
    pub fn new(name: impl Into<String>, slots: u32) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            slots,
        }
    }
}
