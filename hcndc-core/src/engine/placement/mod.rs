//! Who runs next, and where (R7, R8): queued job runs by what they need of an executor, executors by what they have left.
//!
//! Job runs that need the same of an executor wait in one line. A line whose head cannot be placed is
//! *shut* until an executor that it could use has something to give; so a finished job costs the lines
//! that its executor can serve, however many job runs wait. Lines in which nobody stands cost nothing: an executor that
//! walks past one forgets it, until somebody stands in it again.
//!
//! A line whose job runs draw from a pool is shut, too, while the pool has too few slots left, and opens when some come back.

mod host;
mod pool;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use core::cmp::Reverse;

use self::pool::Pool;
pub(super) use self::{host::Host, pool::Draw};
use super::{
    explain::SlotTrouble,
    input::{HostFigures, Offer},
};
use crate::{
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId, PoolId},
    model::{Executor, Placement},
    time::Timestamp,
};

/// Place in the order of the queue; smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Higher priority first.
    pub(super) priority: Reverse<i64>,
    /// Then the longest way below.
    pub(super) path: Reverse<u32>,
    /// Then first come; of those that came at once, by id. So rows alone tell the order, and it outlives the engine.
    pub(super) queued_at: Timestamp,
    pub(super) job_run: JobRunId,
}

/// A job run of a live execution, by its place there.
pub(super) type Seat = (ExecutionId, u32);

/// What a job run needs of an executor, and of a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    pub(super) placement: Placement,
    pub(super) slots: u32,
    pub(super) pool: Option<Draw>,
}

/// Job runs that need the same, in order.
#[derive(Clone, Debug)]
struct Line {
    need: Need,
    queue: BTreeMap<Rank, Seat>,
    /// Executors that meet the placement, whatever their health.
    hosts: BTreeSet<ExecutorId>,
    /// Those of them that have forgotten it, for it was empty.
    forgot: BTreeSet<ExecutorId>,
    /// Whether its pool has forgotten it, for it was empty.
    pool_forgot: bool,
    /// Whether its head stands in `open`.
    open: bool,
    /// The executor that is kept free for its head.
    kept: Option<ExecutorId>,
}

/// A job run and the executor that it can go to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) seat: Seat,
    pub(super) executor: ExecutorId,
    line: u32,
}

/// All lines and all executors.
#[derive(Clone, Debug, Default)]
pub(super) struct Yard {
    lines: Vec<Line>,
    by_need: BTreeMap<Need, u32>,
    hosts: BTreeMap<ExecutorId, Host>,
    /// Heads of lines that may be placed.
    open: BTreeSet<(Rank, u32)>,
    /// Usable executors, the one with most to give first.
    by_ease: BTreeSet<(Reverse<u64>, ExecutorId)>,
    pools: BTreeMap<PoolId, Pool>,
}

impl Yard {
    pub(super) fn host(&self, executor: ExecutorId) -> Option<&Host> {
        self.hosts.get(&executor)
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// Adds a job run to its line.
    pub(super) fn enqueue(&mut self, need: &Need, rank: Rank, seat: Seat) {
        let line = self.line(need);
        let its = &mut self.lines[line as usize];
        let head = its.queue.first_key_value().map(|(&rank, _)| rank);
        its.queue.insert(rank, seat);
        for executor in core::mem::take(&mut its.forgot) {
            if let Some(host) = self.hosts.get_mut(&executor) {
                host.lines.push(line);
            }
        }
        self.remind_pool(line);
        let its = &mut self.lines[line as usize];
        if head.is_none_or(|head| rank < head) {
            // A better head may use what was kept from the old one.
            if let Some(head) = head {
                self.open.remove(&(head, line));
            }
            its.open = true;
            self.open.insert((rank, line));
        }
    }

    /// Takes a job run out of its line, wherever it stands.
    pub(super) fn withdraw(&mut self, need: &Need, rank: Rank) {
        let Some(&line) = self.by_need.get(need) else {
            return;
        };
        let its = &mut self.lines[line as usize];
        let was_head = its
            .queue
            .first_key_value()
            .is_some_and(|(&head, _)| head == rank);
        if its.queue.remove(&rank).is_some() && was_head {
            self.open.remove(&(rank, line));
            self.head_left(line);
        }
    }

    /// The best job run that can be placed now, and where. Stays in its line until [`Self::pop`].
    pub(super) fn next_match(&mut self) -> Option<Match> {
        while let Some(&(rank, line)) = self.open.first() {
            if let Some(trouble) = self.pool_trouble_of(line, rank) {
                self.shut(rank, line);
                if matches!(trouble, SlotTrouble::Full { .. }) {
                    self.keep_pool(line, rank);
                }
                continue;
            }
            if let Some(executor) = self.place(line, rank) {
                let seat = *self.lines[line as usize].queue.get(&rank)?;
                return Some(Match {
                    seat,
                    executor,
                    line,
                });
            }
            self.shut(rank, line);
            self.reserve(line, rank);
        }
        None
    }

    fn shut(&mut self, head: Rank, line: u32) {
        self.open.remove(&(head, line));
        self.lines[line as usize].open = false;
    }

    /// Takes the job run of a match out of its line.
    pub(super) fn pop(&mut self, found: Match) {
        if let Some((rank, _)) = self.lines[found.line as usize].queue.pop_first() {
            self.open.remove(&(rank, found.line));
            self.head_left(found.line);
        }
    }

    /// An attempt lives on this executor now, and draws this from a pool.
    pub(super) fn occupy(
        &mut self,
        executor: ExecutorId,
        attempt: AttemptId,
        slots: u32,
        draw: Option<Draw>,
    ) {
        self.change(executor, |host| {
            host.used += slots;
            host.attempts.insert(attempt);
        });
        if let Some(draw) = draw {
            self.draw(draw);
        }
    }

    /// An attempt lives there no more.
    pub(super) fn vacate(
        &mut self,
        executor: ExecutorId,
        attempt: AttemptId,
        slots: u32,
        draw: Option<Draw>,
    ) {
        if let Some(draw) = draw {
            self.give_back(draw);
        }
        self.change(executor, |host| {
            if host.attempts.remove(&attempt) {
                host.used -= slots;
            }
        });
        self.offer(executor);
    }

    /// Adds an executor, or takes its new definition.
    pub(super) fn put_host(&mut self, executor: Arc<Executor>) {
        let id = executor.id;
        self.hosts
            .entry(id)
            .or_insert_with(|| Host::new(Arc::clone(&executor)));
        self.change(id, |host| host.executor = executor);
        self.tie(id);
        self.offer(id);
    }

    /// Forgets an executor.
    pub(super) fn remove_host(&mut self, executor: ExecutorId) {
        if let Some(host) = self.hosts.remove(&executor) {
            self.by_ease.remove(&(Reverse(host.ease()), executor));
            for line in &mut self.lines {
                line.hosts.remove(&executor);
                line.forgot.remove(&executor);
            }
            if let Some((_, line)) = host.reserved {
                self.unkeep(line);
            }
        }
    }

    /// Notes something about an executor that may change what it can take.
    pub(super) fn update(&mut self, executor: ExecutorId, note: impl FnOnce(&mut Host)) {
        self.change(executor, note);
        self.offer(executor);
    }

    /// Notes what an executor offers by its own settings.
    pub(super) fn note_offer(&mut self, executor: ExecutorId, offer: Offer) {
        if self
            .hosts
            .get(&executor)
            .is_none_or(|host| host.offer == offer)
        {
            return;
        }
        self.change(executor, |host| host.offer = offer);
        self.tie(executor);
        self.offer(executor);
    }

    /// Notes figures, which change nothing about what it can take, but whether others are preferred.
    pub(super) fn note_figures(
        &mut self,
        executor: ExecutorId,
        figures: HostFigures,
        heard_at: Timestamp,
    ) {
        self.change(executor, |host| {
            host.figures = Some(figures);
            host.heard_at = Some(heard_at);
        });
    }

    /// Whether a job run stands in its line.
    pub(super) fn holds(&self, need: &Need, rank: Rank) -> bool {
        self.by_need
            .get(need)
            .is_some_and(|&line| self.lines[line as usize].queue.contains_key(&rank))
    }

    /// Slots in use by what live attempts say, for checks.
    pub(super) fn is_consistent(&self) -> bool {
        let lines_fit = self.lines.iter().enumerate().all(|(at, line)| {
            let head = line.queue.first_key_value().map(|(&rank, _)| rank);
            head.is_none_or(|head| self.open.contains(&(head, at as u32)) == line.open)
                && (line.queue.is_empty() || line.forgot.is_empty())
                && line.hosts.iter().all(|id| {
                    let known = |host: &Host| host.lines.contains(&(at as u32));
                    self.hosts.get(id).is_some_and(known) != line.forgot.contains(id)
                })
        });
        let open_fit = self.open.iter().all(|(rank, line)| {
            self.lines[*line as usize]
                .queue
                .first_key_value()
                .is_some_and(|(head, _)| head == rank)
        });
        let free_fit = self.hosts.values().all(|host| {
            self.by_ease
                .contains(&(Reverse(host.ease()), host.executor.id))
                == host.usable()
        });
        let kept_fit = self.hosts.values().all(|host| {
            host.reserved.is_none_or(|(rank, line)| {
                let line = &self.lines[line as usize];
                let head = line.queue.first_key_value().map(|(&head, _)| head);
                line.kept == Some(host.executor.id) && head.is_some_and(|head| head <= rank)
            })
        });
        let kept = self.lines.iter().filter(|line| line.kept.is_some()).count();
        let reserved = self.hosts.values().filter(|it| it.reserved.is_some());
        let kept_fit = kept_fit && reserved.count() == kept;
        lines_fit
            && open_fit
            && free_fit
            && kept_fit
            && self.by_ease.len() <= self.hosts.len()
            && self.pools_fit()
    }

    fn line(&mut self, need: &Need) -> u32 {
        if let Some(&line) = self.by_need.get(need) {
            return line;
        }
        let line = self.lines.len() as u32;
        let hosts = self
            .hosts
            .values_mut()
            .filter(|host| host.meets(&need.placement));
        let hosts = hosts
            .map(|host| {
                host.lines.push(line);
                host.executor.id
            })
            .collect();
        self.lines.push(Line {
            need: need.clone(),
            queue: BTreeMap::new(),
            hosts,
            forgot: BTreeSet::new(),
            pool_forgot: false,
            open: false,
            kept: None,
        });
        self.by_need.insert(need.clone(), line);
        if let Some(draw) = need.pool {
            self.pools.entry(draw.pool).or_default().lines.push(line);
        }
        line
    }

    /// R8: of the executors that can take it, the one with most to give.
    fn place(&self, line: u32, rank: Rank) -> Option<ExecutorId> {
        let line = &self.lines[line as usize];
        self.by_ease
            .iter()
            .take_while(|(ease, _)| ease.0 > 0)
            .map(|&(_, executor)| executor)
            .find(|executor| {
                let can = |host: &Host| host.trouble_for(line.need.slots, rank).is_none();
                line.hosts.contains(executor) && self.hosts.get(executor).is_some_and(can)
            })
    }

    /// Keeps an executor free for a head that needs more slots than any has left: else small jobs would pass it for ever.
    /// One is enough, and all others go on. It is the one that is nearest to having room, so that what is kept only grows
    /// until the head fits.
    fn reserve(&mut self, line: u32, rank: Rank) {
        let its = &self.lines[line as usize];
        let (needs, kept) = (its.need.slots, its.kept);
        if needs < 2 {
            return;
        }
        let may_keep = |host: &Host| {
            host.slots() >= needs
                && host
                    .reserved
                    .is_none_or(|(for_rank, by)| by == line || rank < for_rank)
        };
        let hosts = its.hosts.iter().filter_map(|id| self.hosts.get(id));
        let hosts = hosts.filter(|host| host.usable() && may_keep(host));
        let best = hosts.max_by_key(|host| (host.free(), Reverse(host.executor.id)));
        let Some((most, best)) = best.map(|host| (host.free(), host.executor.id)) else {
            return;
        };
        let as_good = |id: &ExecutorId| self.hosts.get(id).is_some_and(|it| it.free() >= most);
        let chosen = kept.filter(as_good).unwrap_or(best);
        let left = kept.filter(|&kept| kept != chosen);
        if let Some(host) = left.and_then(|id| self.hosts.get_mut(&id)) {
            host.reserved = None;
        }
        self.lines[line as usize].kept = Some(chosen);
        let before = self
            .hosts
            .get_mut(&chosen)
            .and_then(|host| host.reserved.replace((rank, line)));
        // Whoever goes after this one looks for another.
        if let Some((_, other)) = before.filter(|&(_, other)| other != line) {
            self.unkeep(other);
        }
        if let Some(left) = left {
            self.offer(left);
        }
    }

    /// A line has lost the executor that was kept for it, and looks anew.
    fn unkeep(&mut self, line: u32) {
        self.lines[line as usize].kept = None;
        self.open_line(line);
    }

    /// The head of a line is gone: what was kept for it is free for others, and the next one gets its chance.
    fn head_left(&mut self, line: u32) {
        let its = &mut self.lines[line as usize];
        its.open = false;
        if let Some(kept) = its.kept {
            self.offer(kept);
        }
        self.release_pool(line);
        self.open_line(line);
    }

    /// An executor may have something to give: every line that it can serve tries again.
    fn offer(&mut self, executor: ExecutorId) {
        let Some(host) = self.hosts.get_mut(&executor) else {
            return;
        };
        let reserved = host.reserved.take();
        let mut lines = core::mem::take(&mut host.lines);
        lines.retain(|&line| {
            let waits = self.open_line(line);
            if !waits {
                self.lines[line as usize].forgot.insert(executor);
            }
            waits
        });
        if let Some(host) = self.hosts.get_mut(&executor) {
            host.lines = lines;
        }
        // By a new definition it may no longer serve the line that it was kept for.
        if let Some((_, line)) = reserved {
            self.unkeep(line);
        }
    }

    /// Lets the head of a line try again. Tells whether there is one.
    fn open_line(&mut self, line: u32) -> bool {
        let its = &mut self.lines[line as usize];
        let Some((&head, _)) = its.queue.first_key_value() else {
            return false;
        };
        its.open = true;
        self.open.insert((head, line));
        true
    }

    /// Changes an executor and keeps the index by free slots right.
    fn change(&mut self, executor: ExecutorId, change: impl FnOnce(&mut Host)) {
        let Some(host) = self.hosts.get_mut(&executor) else {
            return;
        };
        self.by_ease.remove(&(Reverse(host.ease()), executor));
        change(host);
        if host.usable() {
            self.by_ease.insert((Reverse(host.ease()), executor));
        }
    }

    /// Ties an executor to the lines that it can serve.
    fn tie(&mut self, executor: ExecutorId) {
        let Some(host) = self.hosts.get_mut(&executor) else {
            return;
        };
        host.lines.clear();
        for (at, line) in self.lines.iter_mut().enumerate() {
            line.forgot.remove(&executor);
            if host.meets(&line.need.placement) {
                line.hosts.insert(executor);
                host.lines.push(at as u32);
            } else {
                line.hosts.remove(&executor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::model::Revision;

    fn host(id: u64) -> Arc<Executor> {
        let revision = Revision {
            version: 1,
            created_at: Timestamp::default(),
            created_by: String::new(),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
        };
        Arc::new(Executor {
            id: ExecutorId(id),
            name: String::new(),
            description: String::new(),
            address: String::new(),
            labels: BTreeMap::new(),
            slots: 1000,
            enabled: true,
            revision,
        })
    }

    fn rank(id: u64) -> Rank {
        Rank {
            priority: Reverse(0),
            path: Reverse(0),
            queued_at: Timestamp::MIN,
            job_run: JobRunId(id),
        }
    }

    #[test]
    fn lines_that_are_empty_cost_nothing() {
        let mut yard = Yard::default();
        for id in [1, 2] {
            yard.put_host(host(id));
            yard.update(ExecutorId(id), |host| host.online = true);
        }
        let placement = Placement::Any;
        for slots in 1..=500 {
            let need = Need {
                placement: placement.clone(),
                slots,
                pool: None,
            };
            let seat = (ExecutionId(1), slots);
            for _ in 0..2 {
                yard.enqueue(&need, rank(slots.into()), seat);
                let found = yard.next_match().unwrap();
                yard.pop(found);
                let attempt = AttemptId(slots.into());
                yard.occupy(found.executor, attempt, slots, None);
                yard.vacate(found.executor, attempt, slots, None);
                assert!(yard.is_consistent());
                assert!(yard.hosts[&found.executor].lines.is_empty());
            }
        }
        // All have been used, and none costs anything.
        assert_eq!(yard.lines.len(), 500);
        yard.update(ExecutorId(2), |_| {});
        assert!(yard.hosts().all(|host| host.lines.is_empty()));
        // They are found again by a new definition, and by none that is gone.
        yard.put_host(host(1));
        yard.remove_host(ExecutorId(2));
        assert!(yard.is_consistent());
    }
}
