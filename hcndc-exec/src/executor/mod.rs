//! The executor: runs attempts as processes of its host.
//!
//! ```text
//!              ┌ supervise ── spool (what a restart must know)
//!  connection ─┤      │
//!              └ link │   hold (in this process, or in one that outlives it)
//!              (rules)└────┴─ attempt ── command, template (what to run)
//!                                ├────── process, cgroup, census, reaper (that it runs, and that nothing of it stays)
//!                                └────── capture, mask, redraw (what it says) ── file_log
//! ```

mod announcement;
mod attempt;
mod capture;
mod census;
mod cgroup;
mod check;
mod command;
mod hold;
mod host;
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

use hcndc_core::time::Timestamp;

pub use announcement::{Announcement, detach, find, find_or_start, find_within};
pub use cgroup::{JobLimits, LimitError};
pub use check::{Finding, Verdict, check};
pub use hold::{HoldError, hold_if_asked};
pub use rules::{HostRules, RuleError};
pub use run::{ExecutorConfig, RunError, Signals, run};
pub use server::{Access, BindError, ExecutorServer, PORT};
pub(crate) use server::{KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMEOUT, MESSAGE_BYTES, kind_of};
pub use spool::SpoolError;
pub use supervisor::{
    ANSWERS, Connection, OrderSender, StartError, Status, Stop, Supervisor, SupervisorConfig,
};

/// The program that a process runs, whatever has become of its file since: so what holds jobs starts its own version.
pub const OWN_PROGRAM: &str = "/proc/self/exe";

/// The time of this host.
pub(crate) fn now() -> Timestamp {
    chrono::Utc::now().into()
}
