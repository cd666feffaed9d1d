//! What each job may take, and what one has used.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::platform::{NO_GROUPS, NO_GROUPS_REMEDY};

/// What each job may take of the host at most, all of its processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLimits {
    /// Memory, bytes. A job that wants more ends as out of memory. Too little and none gets far; `None` for no limit.
    pub memory_bytes: Option<u64>,
    /// Processors, in hundredths of one: 150 is one and a half. A job that wants more is slowed down; `None` for no limit.
    pub cpu_percent: Option<u32>,
    /// Processes and threads. Beyond it none can be started, which is what keeps a job that forks without end from the rest of
    /// the host; `None` for no limit.
    pub processes: Option<u32>,
}

impl JobLimits {
    /// Whether there are none.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Limits that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The host has no groups that we may use.
    #[error("jobs cannot be limited: {NO_GROUPS}{NO_GROUPS_REMEDY}")]
    NoGroups,
    /// A controller is not there, or not given to us.
    #[error(
        "jobs cannot be limited in {}: it has no controller {controller:?}, or processes of others live in it",
        path.display()
    )]
    NoController {
        /// The group.
        path: PathBuf,
        /// What is missing.
        controller: &'static str,
    },
}

/// What all processes of a group have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time; zero if unknown.
    pub(crate) cpu_time: Duration,
    /// Most memory at one moment, bytes; 0 if unknown.
    pub(crate) peak_memory_bytes: u64,
    /// Processes that were killed because memory was used up.
    pub(crate) killed_for_memory: u64,
    /// Processes that were not started because there were as many as may be.
    pub(crate) refused_processes: u64,
}
