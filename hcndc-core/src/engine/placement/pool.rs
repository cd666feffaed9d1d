//! Pools (R7): what is drawn from them, and for whom one is kept.

use alloc::vec::Vec;

use super::{super::explain::SlotTrouble, Need, Rank, Yard};
use crate::{id::PoolId, model::Job};

/// Slots of a pool that a job run takes while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Draw {
    pub(in super::super) pool: PoolId,
    pub(in super::super) slots: u32,
}

impl Draw {
    /// What a job draws; `None` if it uses no pool.
    pub(in super::super) fn of(job: &Job) -> Option<Self> {
        let slots = job.pool_slots;
        job.pool.map(|pool| Self { pool, slots })
    }
}

/// A pool as the queue sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    /// `None` if there is no such pool any more: then it limits nobody.
    slots: Option<u32>,
    /// What live attempts have drawn.
    used: u32,
    /// Lines that draw from it, all that are not empty among them.
    pub(super) lines: Vec<u32>,
    /// Only smaller ranks may draw: this one, of this line, needs more than is left, and small ones would pass it for ever.
    kept_for: Option<(Rank, u32)>,
}

impl Yard {
    /// Adds a pool, or takes its new size.
    pub(in super::super) fn put_pool(&mut self, pool: PoolId, slots: u32) {
        self.pools.entry(pool).or_default().slots = Some(slots);
        self.offer_pool(pool);
    }

    /// The pool is no more. What was drawn from it is given back all the same.
    pub(in super::super) fn remove_pool(&mut self, pool: PoolId) {
        if let Some(its) = self.pools.get_mut(&pool) {
            its.slots = None;
            self.offer_pool(pool);
        }
    }

    /// Slots of a pool that live attempts have drawn.
    pub(in super::super) fn drawn(&self, pool: PoolId) -> u32 {
        self.pools.get(&pool).map_or(0, |its| its.used)
    }

    /// Why a job run of this rank cannot draw what it needs now; `None` if it can.
    pub(in super::super) fn pool_trouble(&self, need: &Need, rank: Rank) -> Option<SlotTrouble> {
        let draw = need.pool?;
        let pool = self.pools.get(&draw.pool)?;
        let is_kept = pool.kept_for.is_some_and(|(kept_for, _)| rank > kept_for);
        SlotTrouble::of(pool.slots?, pool.used, draw.slots, is_kept)
    }

    pub(super) fn pool_trouble_of(&self, line: u32, rank: Rank) -> Option<SlotTrouble> {
        self.pool_trouble(&self.lines[line as usize].need, rank)
    }

    pub(super) fn draw(&mut self, draw: Draw) {
        self.pools.entry(draw.pool).or_default().used += draw.slots;
    }

    pub(super) fn give_back(&mut self, draw: Draw) {
        if let Some(its) = self.pools.get_mut(&draw.pool) {
            its.used = its.used.saturating_sub(draw.slots);
        }
        self.offer_pool(draw.pool);
    }

    /// Keeps what comes back to a pool for the head of a line.
    pub(super) fn keep_pool(&mut self, line: u32, rank: Rank) {
        if let Some(its) = self.pool_of(line)
            && its.kept_for.is_none_or(|(kept_for, _)| rank < kept_for)
        {
            its.kept_for = Some((rank, line));
        }
    }

    /// The head of a line is gone: if the pool was kept for it, others may draw.
    pub(super) fn release_pool(&mut self, line: u32) {
        let kept = self.pool_of(line).and_then(|its| its.kept_for);
        if let Some(draw) = self.lines[line as usize].need.pool
            && kept.is_some_and(|(_, by)| by == line)
        {
            self.offer_pool(draw.pool);
        }
    }

    /// Somebody stands in a line again that its pool has forgotten.
    pub(super) fn remind_pool(&mut self, line: u32) {
        if core::mem::take(&mut self.lines[line as usize].pool_forgot)
            && let Some(its) = self.pool_of(line)
        {
            its.lines.push(line);
        }
    }

    fn pool_of(&mut self, line: u32) -> Option<&mut Pool> {
        let draw = self.lines[line as usize].need.pool?;
        self.pools.get_mut(&draw.pool)
    }

    /// A pool may have something to give: every line that draws from it tries again.
    fn offer_pool(&mut self, pool: PoolId) {
        let Some(its) = self.pools.get_mut(&pool) else {
            return;
        };
        its.kept_for = None;
        let mut lines = core::mem::take(&mut its.lines);
        lines.retain(|&line| {
            let waits = self.open_line(line);
            self.lines[line as usize].pool_forgot = !waits;
            waits
        });
        if let Some(its) = self.pools.get_mut(&pool) {
            its.lines = lines;
        }
    }

    /// Whether lines and pools know each other, for checks.
    pub(super) fn pools_fit(&self) -> bool {
        self.lines.iter().enumerate().all(|(at, line)| {
            let at = at as u32;
            let pool = line.need.pool.and_then(|draw| self.pools.get(&draw.pool));
            pool.is_none_or(|pool| {
                let head = line.queue.first_key_value().map(|(&head, _)| head);
                let kept = pool
                    .kept_for
                    .is_none_or(|(rank, by)| by != at || head.is_some_and(|head| head <= rank));
                pool.lines.contains(&at) != line.pool_forgot
                    && (line.queue.is_empty() || !line.pool_forgot)
                    && kept
            })
        })
    }
}
