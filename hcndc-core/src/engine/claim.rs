//! One live run for each job and data date (R7).

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    vec::Vec,
};

use super::{crossing::FlowSeat, placement::Seat};
use crate::{
    id::{ExecutionId, FlowId, JobId},
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

impl Claims {
    /// A live execution has a run of this flow. Returns the others for this date.
    pub(super) fn add_run(
        &mut self,
        flow: FlowId,
        date: DataDate,
        seat: FlowSeat,
    ) -> Vec<FlowSeat> {
        let first = (flow, date, (ExecutionId(0), 0));
        let last = (flow, date, (ExecutionId(u64::MAX), u32::MAX));
        let others = self.runs.range(first..=last).map(|&(_, _, it)| it);
        let others = others.filter(|&it| it != seat).collect();
        self.runs.insert((flow, date, seat));
        others
    }

    pub(super) fn remove_run(&mut self, flow: FlowId, date: DataDate, seat: FlowSeat) {
        self.runs.remove(&(flow, date, seat));
    }

    /// This job run is queued. Tells whether it may stand in line.
    pub(super) fn join(&mut self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let claim = self.claim(job, date, seat);
        claim.queue(seat);
        claim.holder().is_none_or(|holder| holder == seat)
    }

    /// This job run begins and has the date until it leaves. Returns the others that are queued for it.
    pub(super) fn take(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        let claim = self.claim(job, date, seat);
        debug_assert!(
            claim.holder().is_none_or(|before| before == seat),
            "job {job} of {date} runs already"
        );
        claim.hold(seat);
        claim.queued()
    }

    /// This job run neither has nor wants the date any more. Returns those that are queued for it, if it had it.
    pub(super) fn leave(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        let Entry::Occupied(mut entry) = self.dates.entry((job, date)) else {
            return Vec::new();
        };
        let claim = entry.get_mut();
        let had = claim.holder() == Some(seat);
        claim.leave(seat);
        let others = if had { claim.queued() } else { Vec::new() };
        if claim.is_nobodys() {
            entry.remove();
        }
        others
    }

    /// Who has the date.
    pub(super) fn holder(&self, job: JobId, date: DataDate) -> Option<Seat> {
        self.dates.get(&(job, date))?.holder()
    }

    /// Whether this job run waits for another to leave the date.
    pub(super) fn is_waiting(&self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let Some(Claim::Crowd(crowd)) = self.dates.get(&(job, date)) else {
            return false;
        };
        crowd.queued.contains(&seat) && crowd.holder.is_some_and(|holder| holder != seat)
    }

    /// All that are held: whose, and for what.
    pub(super) fn held(&self) -> impl Iterator<Item = (JobId, DataDate, Seat)> {
        let dates = self.dates.iter();
        dates.filter_map(|(&(job, date), claim)| Some((job, date, claim.holder()?)))
    }

    fn claim(&mut self, job: JobId, date: DataDate, seat: Seat) -> &mut Claim {
        let alone = Claim::Alone {
            seat,
            holds: false,
            queued: false,
        };
        self.dates.entry((job, date)).or_insert(alone)
    }
}

/// Who has one date of one job, and who is queued for it.
#[derive(Clone, Debug)]
enum Claim {
    /// Nobody but this one.
    Alone {
        seat: Seat,
        holds: bool,
        queued: bool,
    },
    /// There are others, or there were.
    Crowd(Box<Crowd>),
}

#[derive(Clone, Debug, Default)]
struct Crowd {
    holder: Option<Seat>,
    queued: BTreeSet<Seat>,
}

impl Claim {
    fn queue(&mut self, new: Seat) {
        match self {
            Self::Alone { seat, queued, .. } if *seat == new => *queued = true,
            Self::Alone { .. } | Self::Crowd(_) => {
                self.crowd().queued.insert(new);
            }
        }
    }

    fn hold(&mut self, new: Seat) {
        match self {
            Self::Alone {
                seat,
                holds,
                queued,
            } if *seat == new => (*holds, *queued) = (true, false),
            Self::Alone { .. } | Self::Crowd(_) => {
                let crowd = self.crowd();
                crowd.holder = Some(new);
                crowd.queued.remove(&new);
            }
        }
    }

    fn leave(&mut self, leaving: Seat) {
        match self {
            Self::Alone {
                seat,
                holds,
                queued,
            } if *seat == leaving => (*holds, *queued) = (false, false),
            Self::Alone { .. } => {}
            Self::Crowd(crowd) => {
                crowd.holder.take_if(|holder| *holder == leaving);
                crowd.queued.remove(&leaving);
            }
        }
    }

    fn holder(&self) -> Option<Seat> {
        match self {
            Self::Alone { seat, holds, .. } => holds.then_some(*seat),
            Self::Crowd(crowd) => crowd.holder,
        }
    }

    fn queued(&self) -> Vec<Seat> {
        match self {
            Self::Alone { seat, queued, .. } => queued.then_some(*seat).into_iter().collect(),
            Self::Crowd(crowd) => crowd.queued.iter().copied().collect(),
        }
    }

    fn is_nobodys(&self) -> bool {
        match self {
            Self::Alone { holds, queued, .. } => !holds && !queued,
            Self::Crowd(crowd) => crowd.holder.is_none() && crowd.queued.is_empty(),
        }
    }

    fn crowd(&mut self) -> &mut Crowd {
        loop {
            match self {
                Self::Crowd(crowd) => return crowd,
                Self::Alone {
                    seat,
                    holds,
                    queued,
                } => {
                    let crowd = Crowd {
                        holder: holds.then_some(*seat),
                        queued: queued.then_some(*seat).into_iter().collect(),
                    };
                    *self = Self::Crowd(Box::new(crowd));
                }
            }
        }
    }
}
