//! What is to happen at a time: every reason is a variant, and one sorted set answers "when next?".

use alloc::collections::BTreeSet;

use super::{crossing::FlowSeat, placement::Seat};
use crate::{
    id::{AlertId, ExecutorId, FiringId, JobRunId, ScheduleId},
    time::Timestamp,
};

/// A reason to wake up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A job run may try again.
    Retry(Seat),
    /// A job run may have waited long enough for runs outside of its execution.
    WaitLimit(Seat),
    /// A flow run may start.
    Offer(FlowSeat),
    /// A flow run has taken as long as it may.
    CutOff(FlowSeat),
    /// What failed of a flow run runs again.
    Restart(FlowSeat),
    /// An executor that is out of reach counts as lost.
    Lease(ExecutorId),
    /// A schedule fires.
    Fire(ScheduleId),
    /// A deadline of a firing.
    Deadline(FiringId, Which),
    /// An attempt, by its number, of a job run takes longer than usual.
    Longer(JobRunId, u32),
    /// Nobody has acknowledged an alert: others are told.
    Escalate(AlertId),
}

/// Which deadline of a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    /// By when it must have started.
    Start,
    /// By when it must have succeeded.
    Finish,
}

/// Timers, the earliest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BTreeSet<(Timestamp, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Timestamp, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn clear(&mut self, at: Timestamp, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|&(at, _)| at)
    }

    /// Takes out the earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }

    pub(super) fn is_set(&self, at: Timestamp, timer: Timer) -> bool {
        self.0.contains(&(at, timer))
    }

    /// Whether this one is due and its turn has not come, as when the input that moved the clock was refused.
    pub(super) fn is_due(&self, now: Timestamp, timer: Timer) -> bool {
        let due = self.0.iter().take_while(|&&(at, _)| at <= now);
        due.into_iter().any(|&(_, it)| it == timer)
    }
}
