//! One live run for each job and data date (R7).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::placement::Seat;
use crate::{
    id::{ExecutionId, JobId},
    time::DataDate,
};

/// Who has a job's date, and who is queued for it. Queued job runs stand in line only while nobody else has the date:
/// what cannot run must not keep executors from those that can.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    holders: BTreeMap<(JobId, DataDate), Seat>,
    queued: BTreeSet<(JobId, DataDate, Seat)>,
}

impl Claims {
    /// This job run is queued. Tells whether it may stand in line.
    pub(super) fn join(&mut self, job: JobId, date: DataDate, seat: Seat) -> bool {
        self.queued.insert((job, date, seat));
        self.holder(job, date).is_none_or(|holder| holder == seat)
    }

    /// This job run begins and has the date until it leaves. Returns the others that are queued for it.
    pub(super) fn take(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        self.queued.remove(&(job, date, seat));
        let before = self.holders.insert((job, date), seat);
        debug_assert!(
            before.is_none_or(|before| before == seat),
            "job {job} of {date} runs already"
        );
        self.queued_for(job, date)
    }

    /// This job run neither has nor wants the date any more. Returns those that are queued for it, if it had it.
    pub(super) fn leave(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        self.queued.remove(&(job, date, seat));
        if self.holder(job, date) != Some(seat) {
            return Vec::new();
        }
        self.holders.remove(&(job, date));
        self.queued_for(job, date)
    }

    /// Who has the date.
    pub(super) fn holder(&self, job: JobId, date: DataDate) -> Option<Seat> {
        self.holders.get(&(job, date)).copied()
    }

    /// Whether this job run waits for another to leave the date.
    pub(super) fn is_waiting(&self, job: JobId, date: DataDate, seat: Seat) -> bool {
        self.queued.contains(&(job, date, seat))
            && self.holder(job, date).is_some_and(|holder| holder != seat)
    }

    /// Number of job runs that are queued, in line or waiting for another to leave the date.
    pub(super) fn queued(&self) -> usize {
        self.queued.len()
    }

    /// All that are held: whose, and for what.
    pub(super) fn held(&self) -> impl Iterator<Item = (JobId, DataDate, Seat)> {
        self.holders
            .iter()
            .map(|(&(job, date), &holder)| (job, date, holder))
    }

    fn queued_for(&self, job: JobId, date: DataDate) -> Vec<Seat> {
        let first = (job, date, (ExecutionId(0), 0));
        let last = (job, date, (ExecutionId(u64::MAX), u32::MAX));
        let queued = self.queued.range(first..=last);
        queued.map(|&(_, _, seat)| seat).collect()
    }
}
