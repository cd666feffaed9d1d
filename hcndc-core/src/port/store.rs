//! Durable state: the snapshot, commits under a fence, and the lease that gives the fence.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::time::Duration;

use async_trait::async_trait;

use super::PortError;
use crate::{
    engine::{AlertRow, Change, ExecutionSnapshot, Snapshot},
    id::{AlertId, ExecutionId},
    time::Timestamp,
};

/// Number of a term of leadership; each new leader's is greater than all before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fence(pub u64);

/// The right to lead, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The term.
    pub fence: Fence,
    /// Who leads.
    pub holder: String,
    /// Until when, by the holder's clock. To all others it is no time, for their clocks differ, but a mark that changes
    /// as long as the holder is alive.
    pub expires_at: Timestamp,
}

/// What came of asking for the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is the asker's.
    Given(Lease),
    /// Another's stands in the way, as it is stored.
    Held(Lease),
}

impl Asked {
    /// The lease, if it was given.
    #[must_use]
    pub fn given(self) -> Option<Lease> {
        match self {
            Self::Given(lease) => Some(lease),
            Self::Held(_) => None,
        }
    }
}

/// What one commit stores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// The next id that the engine will give; stored with the changes so that no id is given twice.
    pub next_id: u64,
    /// Rows, in the order in which they became so; of the same row the last wins.
    pub changes: Vec<Change>,
}

/// Keeps definitions, live state and history: the same rows.
///
/// # Contract
/// 1. `commit` stores all changes and `next_id`, or none of them. `next_id` never goes back: a smaller one than is
///    stored leaves that as it is.
/// 2. `commit` under any fence but the newest acquired one fails as `Fenced` and stores nothing.
/// 3. What a commit stored, every later `load`, in this process or another, returns.
/// 4. Storing the same commit again changes nothing.
/// 5. `load` returns current definitions, executions that have not ended with all their flow runs and job runs, and
///    those of their attempts that have not ended; each list sorted by id; each run with the version it is pinned to,
///    even when that version has been replaced or deleted since.
/// 6. `load_execution` returns any execution that is stored, ended or not; `None` for an unknown one.
/// 7. `load_alerts` returns those of these ids that are stored, open or not, by id, and those that escalate them or that
///    they escalate.
/// 8. `acquire` gives a lease with a greater fence than any before if none was ever given, the newest was released, is
///    the same holder's, or is exactly the one that the asker has outlasted: same fence, same end. Otherwise it tells
///    the lease that stands in the way. It compares no clocks, for hosts' clocks differ and jump: whoever has seen the
///    very same lease for as long as leases last, by its own steady clock, has outlasted it.
/// 9. `renew` extends the lease and keeps its fence, even if it ran out meanwhile; `Fenced` if another was acquired
///    since, or it was released. Each renewal, and each commit, changes the end that is stored, whatever the clocks say:
///    so who watches sees that the holder is alive.
/// 10. `release` ends the lease at once; releasing one that is not in force does nothing.
/// 11. Texts come back as they were given: any Unicode, any length that the definitions allow.
#[async_trait]
pub trait Store: Send + Sync {
    /// The adapter's error.
    type Error: PortError;

    /// All that an engine needs to go on.
    async fn load(&self) -> Result<Snapshot, Self::Error>;

    /// One execution, for resume and rerun.
    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, Self::Error>;

    /// Single alerts with those that are linked to them, to be acknowledged.
    async fn load_alerts(&self, alerts: &[AlertId]) -> Result<Vec<AlertRow>, Self::Error>;

    /// Stores a group of changes.
    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), Self::Error>;

    /// Tries to become the leader until `now + ttl`, in place of the one whose lease was outlasted, if any was.
    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, Self::Error>;

    /// Leads on.
    async fn renew(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Lease, Self::Error>;

    /// Leads no more.
    async fn release(&self, lease: &Lease) -> Result<(), Self::Error>;
}
