//! What can be set about an engine.

use core::time::Duration;

/// Limits and patience of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// Attempts alive at once in all (R7). At least 1; 0 starts nothing. Default 10,000.
    pub max_running: u32,
    /// How long an executor may be out of reach before its attempts count as lost. Too short and a
    /// restart of the network loses work that still runs; too long and lost work waits. Default 60 s.
    pub executor_lease: Duration,
    /// Time between TERM and KILL when a job is stopped or times out. Default 10 s.
    pub kill_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_running: 10_000,
            executor_lease: Duration::from_secs(60),
            kill_grace: Duration::from_secs(10),
        }
    }
}
