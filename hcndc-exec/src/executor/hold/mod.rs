//! Who holds running jobs: this process itself, or small processes of our own that outlive it.
//!
//! ```text
//!   executor ── orders ──▶ Hold ─┬─ inside:  Jobs
//!            ◀─ events ──        └─ beside:  socket ── holder: Jobs, journal ── processes, logs
//! ```
//!
//! # One holder for a host, one generation after another
//!
//! A holder is the parent of the jobs: it alone learns how they end, reads what they say, and counts their time. It
//! knows nothing of schedulers, networks and databases, so there is little in it that can fail. What was weighed:
//!
//! - *One for each attempt* would take no other job along when it fails, but costs a second process start for each job,
//!   of a program larger than `sh`, and memory for a process more while the job runs.
//! - *One that re-executes itself in place* must carry half-read output and half-done kills through its own exec, into
//!   a program that was not there when they began: the one moment at which a fault takes along all that runs.
//! - *One for each generation of the program*, as here: an upgraded executor starts a holder of its own version, and the
//!   older one ends with its last job. No running job is ever touched by an upgrade, and there is one holder but for
//!   the time that jobs overlap.
//!
//! If a holder does end before its jobs, the executor ends what is left of them, reports them lost, and starts another.
//!
//! # An order on its way to a holder that ends
//!
//! The executor keeps each order until its holder says that it began, or how it ended. A holder that was told to end begins
//! nothing more, and [gives back](HoldEvent::Returned) what it did not begin. What it had no time to give back is told by its
//! journal, which it writes before it begins anything: an order that is not in there was never begun, and goes to the next
//! holder. That is certain only when the journal's lock is free, for then the holder is no more, and only as long as the
//! order is known: an executor that was started since leaves such an attempt to the scheduler, as never given.
//!
//! Lost stays what the journal has as begun and without an end, for its process may have run; and what is not in a journal that
//! cannot be read, or whose holder hung up and lives.

mod beside;
mod frames;
mod holder;
mod jobs;
mod journal;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::{End, RunOrder},
    id::AttemptId,
};
use serde::{Deserialize, Serialize};

pub use beside::HoldError;
pub(super) use beside::{Beside, Found};
pub use holder::hold_if_asked;
pub(crate) use jobs::Jobs;

use crate::{executor::rules::Rules, ledger::ProcessMark, platform::Groups};

/// Version of what executors and holders say to each other. An executor of a later version still speaks with holders
/// of this one: their jobs may run for days.
const PROTOCOL: u32 = 1;

/// What jobs are held by. Told again whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What relative working directories are relative to.
    pub(crate) base_dir: PathBuf,
    /// Where the logs of this era are.
    pub(crate) logs: PathBuf,
    /// Bytes of output that are kept of an attempt.
    pub(crate) log_cap_bytes: usize,
    /// Tells processes of this executor's attempts from those of another one.
    pub(crate) key: String,
    /// Tells attempts of the same id apart.
    pub(crate) era: u64,
    /// Variables of the executor's own environment that jobs get too.
    pub(crate) passed_on: BTreeMap<String, String>,
    /// What the host allows.
    pub(crate) rules: Rules,
    /// Where jobs have their control groups; `None` for none.
    #[serde(default)]
    pub(crate) groups: Option<Groups>,
    /// What to start for work that is no command; `None` if there is no program for it.
    #[serde(default)]
    pub(crate) worker: Option<PathBuf>,
}

/// What an executor says to whoever holds its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldOrder {
    /// How to hold from now on; before anything else.
    Settings(Box<Settings>),
    /// Start an attempt.
    Run(Box<RunOrder>),
    /// End what is left of an attempt that is held no more, and say why it is lost.
    Bury {
        attempt: AttemptId,
        process: Option<ProcessMark>,
        reason: String,
    },
    /// End an attempt: TERM, and KILL after the grace.
    Kill { attempt: AttemptId, grace: Duration },
    /// Its end is written down elsewhere.
    Release { attempt: AttemptId },
    /// No other attempts will come: end with the last that is held.
    Leave,
}

/// What whoever holds jobs says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldEvent {
    /// The first of a holder process.
    Hello(HolderHello),
    /// An attempt's process runs.
    Started {
        attempt: AttemptId,
        process: ProcessMark,
    },
    /// An attempt ended.
    Ended { attempt: AttemptId, end: End },
    /// An attempt was not begun and will not be here, for this holder was told to end. An earlier executor does not know the
    /// word and gives the holder up, which is no loss: it ends.
    Returned { attempt: AttemptId },
}

/// Who a holder is, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HolderHello {
    pub(crate) protocol: u32,
    /// Tells one build of the program from another.
    pub(crate) program: String,
    pub(crate) pid: u32,
    pub(crate) held: BTreeMap<AttemptId, Kept>,
}

/// What a holder knows of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Its process, once it runs.
    pub(crate) process: Option<ProcessMark>,
    /// Its end, once it has one.
    pub(crate) end: Option<End>,
}

/// Numbers holders for whoever uses them.
pub(crate) type HolderId = u64;

/// Where events go.
pub(crate) type Sink = Arc<dyn Fn(HoldEvent) + Send + Sync>;

/// Holds the jobs of an executor.
pub(super) enum Hold {
    Inside(Jobs),
    Beside(Box<Beside>),
}

impl Hold {
    /// Starts an attempt.
    ///
    /// # Errors
    /// When no holder can be had. Nothing was started then.
    pub(super) async fn run(&mut self, order: Box<RunOrder>) -> Result<(), HoldError> {
        match self {
            Self::Inside(jobs) => jobs.run(order),
            Self::Beside(beside) => return beside.run(order).await,
        }
        Ok(())
    }

    /// Ends what is left of an attempt and reports it lost.
    ///
    /// # Errors
    /// When no holder can be had.
    pub(super) async fn bury(
        &mut self,
        attempt: AttemptId,
        process: Option<ProcessMark>,
        reason: String,
    ) -> Result<(), HoldError> {
        match self {
            Self::Inside(jobs) => jobs.bury(attempt, process, reason),
            Self::Beside(beside) => return beside.bury(attempt, process, reason).await,
        }
        Ok(())
    }

    /// Ends an attempt; nothing happens if it is not held.
    pub(super) async fn kill(&mut self, attempt: AttemptId, grace: Duration) {
        match self {
            Self::Inside(jobs) => jobs.kill(attempt, grace),
            Self::Beside(beside) => beside.kill(attempt, grace).await,
        }
    }

    /// Lets go of attempts whose ends are written down.
    pub(super) async fn release(&mut self, ended: &BTreeSet<AttemptId>) {
        match self {
            Self::Inside(jobs) => ended.iter().for_each(|attempt| jobs.release(*attempt)),
            Self::Beside(beside) => {
                for attempt in ended {
                    beside.release(*attempt).await;
                }
            }
        }
    }

    /// Holds by other settings from now on; no attempt is alive if the era is another one.
    pub(super) async fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        match self {
            Self::Inside(jobs) => {
                let mut settings = jobs.settings().clone();
                change(&mut settings);
                jobs.settle(settings);
            }
            Self::Beside(beside) => beside.change(change).await,
        }
    }

    /// Takes leave: holder processes go on while they hold something.
    pub(super) async fn leave(self) {
        match self {
            // Its tasks end with it.
            Self::Inside(jobs) => drop(jobs),
            Self::Beside(beside) => beside.leave().await,
        }
    }
}
