//! One live run for each job and data date (R7).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::placement::Seat;
use crate::{id::JobId, time::DataDate};

/// Who has a job's date, and who waits for it.
#[derive(Clone, Debug)]
struct Claim {
    holder: Seat,
    waiting: BTreeSet<Seat>,
}

/// All claims that are held.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(BTreeMap<(JobId, DataDate), Claim>);

impl Claims {
    /// Takes the date for this job run, or puts it among those who wait. Tells whether it has it.
    pub(super) fn take_or_wait(&mut self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let claim = self.0.entry((job, date)).or_insert_with(|| Claim {
            holder: seat,
            waiting: BTreeSet::new(),
        });
        if claim.holder != seat {
            claim.waiting.insert(seat);
        }
        claim.holder == seat
    }

    /// Who has the date.
    pub(super) fn holder(&self, job: JobId, date: DataDate) -> Option<Seat> {
        self.0.get(&(job, date)).map(|claim| claim.holder)
    }

    /// Whether this job run waits for the date.
    pub(super) fn is_waiting(&self, job: JobId, date: DataDate, seat: Seat) -> bool {
        self.0
            .get(&(job, date))
            .is_some_and(|claim| claim.waiting.contains(&seat))
    }

    /// This job run neither has nor wants the date any more. Returns those who waited, if it had it.
    pub(super) fn leave(&mut self, job: JobId, date: DataDate, seat: Seat) -> Vec<Seat> {
        let Some(claim) = self.0.get_mut(&(job, date)) else {
            return Vec::new();
        };
        if claim.holder != seat {
            claim.waiting.remove(&seat);
            return Vec::new();
        }
        let claim = self.0.remove(&(job, date));
        claim
            .map(|claim| claim.waiting.into_iter().collect())
            .unwrap_or_default()
    }

    /// All that are held: whose, and for what.
    pub(super) fn held(&self) -> impl Iterator<Item = (JobId, DataDate, Seat)> {
        self.0
            .iter()
            .map(|(&(job, date), claim)| (job, date, claim.holder))
    }
}
