//! Definitions: what people edit. A file for each noun, and [`Edit`] for changes to them.
//!
//! A definition that an [`Engine`](crate::engine::Engine) holds has been checked as a part of the
//! whole: names are unique, references exist, no cycle arises, numbers are in range.

mod edit;
mod executor;
mod flow;
mod job;

pub use edit::{
    DefinitionError, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, Fault, FlowDraft, FlowRef,
    JobDraft, JobRef, LONGEST_TEXT, MOST_OUTSIDE_DEPENDENCIES, PlacementDraft, PoolRef, Subject,
};
pub use executor::Executor;
pub use flow::Flow;
pub use job::{Condition, Dependency, Job, Placement, Retry};

use crate::time::Timestamp;
use alloc::string::String;

/// A named value for command lines, in the order in which they are appended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Param {
    /// `[A-Za-z_][A-Za-z0-9_.-]*`; unique in its list.
    pub name: String,
    /// The value; may hold placeholders such as `${date}`, which the executor replaces.
    pub value: String,
}

/// Who made which version of a definition, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Revision {
    /// 1 for a new definition, one more at each edit.
    pub version: u32,
    /// When version 1 was made.
    pub created_at: Timestamp,
    /// Who made version 1.
    pub created_by: String,
    /// When this version was made.
    pub updated_at: Timestamp,
    /// Who made this version.
    pub updated_by: String,
}
