//! Executors as the engine sees them, and how much each has to give.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{
    super::{
        explain::{HostTrouble, SlotTrouble},
        input::{HostFigures, Offer},
    },
    Rank,
};
use crate::{
    id::AttemptId,
    model::{Executor, Placement},
    time::Timestamp,
};

/// An executor as the engine sees it.
#[derive(Clone, Debug)]
pub(in super::super) struct Host {
    pub(in super::super) executor: Arc<Executor>,
    /// Slots that live attempts take.
    pub(in super::super) used: u32,
    /// Its live attempts.
    pub(in super::super) attempts: BTreeSet<AttemptId>,
    /// Whether a connection stands; attempts go only to those that do.
    pub(in super::super) online: bool,
    /// When its attempts count as lost, unless it comes back.
    pub(in super::super) lease_until: Option<Timestamp>,
    /// What it offers by its own settings.
    pub(in super::super) offer: Offer,
    /// What it last said of itself.
    pub(in super::super) figures: Option<HostFigures>,
    /// When it said that.
    pub(in super::super) heard_at: Option<Timestamp>,
    /// Version of its program.
    pub(in super::super) version: Option<alloc::string::String>,
    /// Why no connection stands.
    pub(in super::super) trouble: Option<alloc::string::String>,
    /// Lines that it can serve, all that are not empty among them.
    pub(super) lines: Vec<u32>,
    /// Kept free for this rank of this line: only smaller ranks may use it.
    pub(super) reserved: Option<(Rank, u32)>,
}

impl Host {
    pub(super) fn new(executor: Arc<Executor>) -> Self {
        Self {
            executor,
            used: 0,
            attempts: BTreeSet::new(),
            online: false,
            lease_until: None,
            offer: Offer::default(),
            figures: None,
            heard_at: None,
            version: None,
            trouble: None,
            lines: Vec::new(),
            reserved: None,
        }
    }

    pub(super) fn usable(&self) -> bool {
        self.online && self.executor.enabled
    }

    /// Slots that its jobs may take together: as its definition and its own settings both allow.
    pub(in super::super) fn slots(&self) -> u32 {
        let slots = self.executor.slots;
        match self.offer.slots {
            0 => slots,
            own => own.min(slots),
        }
    }

    /// Slots that are free now.
    pub(in super::super) fn free(&self) -> u32 {
        self.slots().saturating_sub(self.used)
    }

    /// Whether it meets a placement, by its definition or by what it offers itself.
    pub(in super::super) fn meets(&self, placement: &Placement) -> bool {
        let label = |key| {
            let defined = self.executor.labels.get(key);
            defined.or_else(|| self.offer.labels.get(key))
        };
        match placement {
            Placement::Any => true,
            Placement::Executor(id) => self.executor.id == *id,
            Placement::Labels(wanted) => {
                wanted.iter().all(|(key, value)| label(key) == Some(value))
            }
        }
    }

    /// R8: how much it has to give; 0 if no slot is free. Its free slots count more the more of its processors and of its
    /// memory is left, by what it last said; up to eleven times as much.
    pub(super) fn ease(&self) -> u64 {
        let spare = self.figures.as_ref().map_or(10, spare_tenths);
        u64::from(self.free()) * u64::from(1 + spare)
    }

    /// Why it cannot take this many slots for this rank now; `None` if it can.
    pub(in super::super) fn trouble_for(&self, needs: u32, rank: Rank) -> Option<HostTrouble> {
        if !self.executor.enabled {
            return Some(HostTrouble::Disabled);
        }
        if !self.online {
            let reason = self.trouble.clone();
            return Some(HostTrouble::Offline { reason });
        }
        let is_kept = self.reserved.is_some_and(|(for_rank, _)| rank > for_rank);
        let slots = SlotTrouble::of(self.slots(), self.used, needs, is_kept);
        slots.map(HostTrouble::Slots)
    }
}

/// What is left of its processors or of its memory, whichever is less, in tenths: coarse, so that noise moves nobody.
fn spare_tenths(figures: &HostFigures) -> u32 {
    let idle = 1.0 - figures.load_1m / f64::from(figures.cores.max(1));
    // Out of range and not-a-number become 0 or the most.
    let idle = ((idle * 10.0) as u32).min(10);
    let total = figures.memory_total_bytes.max(1);
    let memory = u128::from(figures.memory_available_bytes) * 10 / u128::from(total);
    idle.min(u32::try_from(memory).unwrap_or(10).min(10))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn figures(load_1m: f64, memory_available_bytes: u64) -> HostFigures {
        HostFigures {
            cores: 4,
            load_1m,
            memory_total_bytes: 1000,
            memory_available_bytes,
            disk_total_bytes: 0,
            disk_available_bytes: 0,
            os: String::new(),
            hostname: String::new(),
            running: 0,
        }
    }

    #[test]
    fn what_is_scarcer_counts() {
        assert_eq!(spare_tenths(&figures(0.0, 1000)), 10);
        assert_eq!(spare_tenths(&figures(2.0, 1000)), 5);
        assert_eq!(spare_tenths(&figures(0.4, 310)), 3);
        assert_eq!(spare_tenths(&figures(9.0, 1000)), 0);
        for senseless in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(spare_tenths(&figures(senseless, u64::MAX)) <= 10);
        }
        assert_eq!(spare_tenths(&HostFigures::default()), 0);
    }
}
