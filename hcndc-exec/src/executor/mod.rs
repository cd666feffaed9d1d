//! The executor: runs attempts as processes of its host.
//!
//! ```text
//!              ┌ supervise ── spool (what a restart must know)
//!  connection ─┤      │
//!              └ link │   hold (in this process, or in one that outlives it)
//!              (rules)└────┴─ attempt ── command, template (what to run)
//!                                ├────── process, census, reaper (that it runs, and that nothing of it stays)
//!                                └────── capture, mask, redraw (what it says) ── file_log
//! ```
//!
//! What the operating system has to give comes from `platform`; nothing here knows which one it is.

mod announcement;
mod attempt;
mod capture;
mod census;
mod check;
mod command;
mod hold;
mod host;
mod limits;
mod mask;
mod process;
mod put_out;
mod reaper;
mod redraw;
mod rules;
mod run;
mod server;
mod spool;
mod supervise;
mod supervisor;
pub mod template;
#[cfg(test)]
pub(crate) mod testing;
mod turned_away;

use std::path::PathBuf;

use hcndc_core::time::Timestamp;

use crate::platform;

pub use announcement::{Announcement, detach, find, find_or_start, find_within};
pub use check::{Finding, Verdict, check};
pub use command::{CommandPreview, preview};
pub use hold::{HoldError, hold_if_asked};
pub(crate) use limits::Usage;
pub use limits::{JobLimits, LimitError};
pub(crate) use rules::JobUser;
pub use rules::{HostRules, RuleError};
pub use run::{ExecutorConfig, RunError, Signals, begin_again, run};
pub use server::{Access, BindError, ExecutorServer, PORT};
pub(crate) use server::{KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMEOUT, MESSAGE_BYTES, kind_of};
pub use spool::SpoolError;
pub use supervisor::{
    ANSWERS, Connection, OrderSender, StartError, Status, Stop, Supervisor, SupervisorConfig,
};

/// Between paths of a list in the environment, as the system has it.
pub const LIST_SEPARATOR: char = platform::LIST_SEPARATOR;

/// The program that a process runs. On Linux it stays the same whatever has become of its file since, so that what holds jobs starts
/// its own version.
#[must_use]
pub fn own_program() -> PathBuf {
    platform::own_program()
}

/// The time of this host.
pub(crate) fn now() -> Timestamp {
    chrono::Utc::now().into()
}
