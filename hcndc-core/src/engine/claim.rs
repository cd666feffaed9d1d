//! One live run for each job and data date (R7).

use alloc::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    vec::Vec,
};

use super::{
    crossing::{FIRST, FlowSeat, LAST},
    placement::Seat,
};
use crate::{
    id::{FlowId, JobId},
    time::DataDate,
};

/// Who has a job's date, and who is queued for it. Queued job runs stand in line only while nobody else has the date:
/// what cannot run must not keep executors from those that can.
///
/// Only jobs of flow runs that are *contested* have claims: while one execution alone has a run of a flow for a date, nobody
/// can be in its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// All flow runs of live executions.
    runs: BTreeSet<(FlowId, DataDate, FlowSeat)>,
    dates: BTreeMap<(JobId, DataDate), Claim>,
}

/// Who has one date of one job, and who is queued for it.
#[derive(Clone, Debug, Default)]
struct Claim {
    holder: Option<Seat>,
    queued: BTreeSet<Seat>,
}

impl Claims {
    /// A live execution has a run of this flow. Returns the others for this date.
    pub(super) fn add_run(
        &mut self,
        flow: FlowId,
        date: DataDate,
        seat: FlowSeat,
    ) -> Vec<FlowSeat> {
        let others = self.runs.range((flow, date, FIRST)..=(flow, date, LAST));
        let others = others.map(|&(_, _, it)| it).filter(|&it| it != seat);
        let others = others.collect();
        self.runs.insert((flow, date, seat));
        others
    }

    pub(super) fn remove_run(&mut self, flow: FlowId, date: DataDate, seat: FlowSeat) {
        self.runs.remove(&(flow, date, seat));
    }

    /// This job run is queued. Tells whether it may stand in line.
    pub(super) fn join(&mut self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let claim = self.dates.entry((job, date)).or_default();
        claim.queued.insert(seat);
        claim.holder.is_none_or(|holder| holder == seat)
    }

    /// This job run begins and has the date until it leaves. Returns the others that are queued for it.
    pub(super) fn take(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        let claim = self.dates.entry((job, date)).or_default();
        let before = claim.holder.replace(seat);
        debug_assert!(
            before.is_none_or(|before| before == seat),
            "job {job} of {date} runs already"
        );
        claim.queued.remove(&seat);
        claim.queued.iter().copied().collect()
    }

    /// This job run neither has nor wants the date any more. Returns those that are queued for it, if it had it.
    pub(super) fn leave(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        let Entry::Occupied(mut entry) = self.dates.entry((job, date)) else {
            return Vec::new();
        };
        let claim = entry.get_mut();
        claim.queued.remove(&seat);
        let had = claim.holder.take_if(|holder| *holder == seat).is_some();
        let others = claim.queued.iter().copied().filter(|_| had).collect();
        if claim.holder.is_none() && claim.queued.is_empty() {
            entry.remove();
        }
        others
    }

    /// Who has the date.
    pub(super) fn holder(&self, job: JobId, date: DataDate) -> Option<Seat> {
        self.dates.get(&(job, date))?.holder
    }

    /// Whether this job run waits for another to leave the date.
    pub(super) fn is_waiting(&self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let claim = self.dates.get(&(job, date));
        claim.is_some_and(|claim| {
            claim.queued.contains(&seat) && claim.holder.is_some_and(|holder| holder != seat)
        })
    }

    /// All that are held: whose, and for what.
    pub(super) fn held(&self) -> impl Iterator<Item = (JobId, DataDate, Seat)> {
        let dates = self.dates.iter();
        dates.filter_map(|(&(job, date), claim)| Some((job, date, claim.holder?)))
    }
}
