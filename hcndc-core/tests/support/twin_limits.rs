//! The twin's part of limits and of who goes first (R7, R8): attempts are taken over from the engine's rows, and each is looked at.

use std::{cmp::Reverse, collections::BTreeSet};

use hcndc_core::{
    engine::{AttemptState, Change, ExecutionState, JobRunState, Step},
    id::{ExecutionId, ExecutorId, JobId, JobRunId, PoolId},
    model::{Placement, Pool},
    time::DataDate,
};

use super::{
    store::Store,
    twin::{Phase, Twin, TwinAttempt, TwinJob},
};

impl Twin {
    /// Takes over which attempts were made, and sees whether they may live (R7).
    pub(crate) fn check_dispatches(&mut self, step: &Step, store: &Store) {
        let mut new = Vec::new();
        for change in &step.changes {
            let Change::Attempt(row) = change else {
                continue;
            };
            if row.state != AttemptState::Dispatched || self.attempts.contains_key(&row.id) {
                continue;
            }
            let its = self.executions.get_mut(&row.execution).unwrap();
            assert_eq!(its.state, ExecutionState::Running, "R10");
            let run = its.jobs.iter_mut().find(|it| it.id == row.job_run).unwrap();
            assert_eq!(run.state, JobRunState::Queued, "{row:?} may not run");
            assert_eq!(row.slots, run.job.slots);
            run.phase = Phase::Live(row.id);
            run.tries += 1;
            let attempt = TwinAttempt {
                execution: row.execution,
                job_run: row.job_run,
                executor: row.executor,
                slots: row.slots,
                running: false,
                kill: false,
                asks: None,
            };
            self.attempts.insert(row.id, attempt);
            self.set_going(row.id, store);
            new.push(row);
        }
        self.derive(step, store);
        for row in &new {
            let limit = self.settings.max_running as usize;
            assert!(self.attempts.len() <= limit, "R7: too many at once");
            let host = &store.executors[&row.executor];
            assert!(self.hosts[&row.executor].online && host.enabled, "R7");
            assert!(self.used(row.executor) <= host.slots, "R7: too few slots");
            let its = &self.executions[&row.execution];
            let run = its.jobs.iter().find(|it| it.id == row.job_run).unwrap();
            assert!(meets(store, row.executor, &run.job.placement), "R8");
            if let Some(pool) = run.job.pool {
                let slots = self.pool(store, pool).slots;
                assert!(self.drawn(pool) <= slots, "R7: pool {pool} has {slots}");
            }
            // Whoever goes first and could have had this place, has one.
            let rank = self.rank(row.execution, run);
            for (id, other) in self.queued() {
                let before = other.job.slots <= run.job.slots && self.rank(id, other) < rank;
                let could = before
                    && meets(store, row.executor, &other.job.placement)
                    && self.pool_gives(store, id, other);
                assert!(!could, "R7: {} goes before {}", other.id, run.id);
                let waits_for_pool = other.job.pool == run.job.pool
                    && self.rank(id, other) < self.rank(row.execution, run)
                    && self.only_pool_is_short(store, other);
                assert!(!waits_for_pool, "R7: the pool is kept for {}", other.id);
            }
        }
        // What needs several slots starves for nobody behind it: one executor is kept from all of those.
        let large = self.queued().into_iter().filter(|(id, it)| {
            it.job.slots >= 2
                && self.could_take(store, it).next().is_some()
                && self.pool_gives(store, *id, it)
        });
        if let Some((id, large)) = large.min_by_key(|(id, it)| self.rank(*id, it)) {
            let rank = self.rank(id, large);
            let behind = new.iter().filter(|row| {
                let its = &self.executions[&row.execution];
                let run = its.jobs.iter().find(|it| it.id == row.job_run).unwrap();
                self.rank(row.execution, run) > rank
            });
            let taken: BTreeSet<_> = behind.map(|row| row.executor).collect();
            let kept = self.could_take(store, large).any(|id| !taken.contains(&id));
            assert!(kept, "R7: nothing is kept for {}", large.id);
        }
    }

    /// Executors that could take a job run if nothing ran there.
    pub(crate) fn could_take<'a>(
        &'a self,
        store: &'a Store,
        run: &'a TwinJob,
    ) -> impl Iterator<Item = ExecutorId> + use<'a> {
        let hosts = store.executors.iter().filter(|(id, host)| {
            self.hosts[id].online
                && host.enabled
                && host.slots >= run.job.slots
                && meets(store, **id, &run.job.placement)
        });
        hosts.map(|(id, _)| *id)
    }

    pub(crate) fn pool<'a>(&self, store: &'a Store, id: PoolId) -> &'a Pool {
        store.pools().find(|pool| pool.id == id).unwrap()
    }

    /// Slots of a pool that live attempts have drawn.
    pub(crate) fn drawn(&self, pool: PoolId) -> u32 {
        let live = self.attempts.values();
        let jobs = live.map(|it| {
            let its = &self.executions[&it.execution];
            let run = its.jobs.iter().find(|run| run.id == it.job_run);
            &run.unwrap().job
        });
        let jobs = jobs.filter(|job| job.pool == Some(pool));
        jobs.map(|job| job.pool_slots).sum()
    }

    /// Whether a queued job run waits for nothing but its pool, as far as that can be told after a step.
    pub(crate) fn only_pool_is_short(&self, store: &Store, run: &TwinJob) -> bool {
        let Some(pool) = run.job.pool else {
            return false;
        };
        let slots = self.pool(store, pool).slots;
        let needs = run.job.pool_slots;
        let short = needs <= slots && self.drawn(pool) + needs > slots;
        let none_is_kept = self.queued().iter().all(|(_, it)| it.job.slots < 2);
        let has_host = self.could_take(store, run).any(|id| {
            let free = store.executors[&id].slots.saturating_sub(self.used(id));
            free >= run.job.slots
        });
        short && none_is_kept && has_host
    }

    /// Whether its pool has room for a queued job run, and is not kept for one that goes first.
    pub(crate) fn pool_gives(&self, store: &Store, id: ExecutionId, run: &TwinJob) -> bool {
        let Some(pool) = run.job.pool else {
            return true;
        };
        let slots = self.pool(store, pool).slots;
        let free = slots.saturating_sub(self.drawn(pool));
        let queued = self.queued();
        let kept = queued.iter().any(|(its, other)| {
            let short = other.job.pool_slots > free && other.job.pool_slots <= slots;
            other.job.pool == Some(pool) && short && self.rank(*its, other) < self.rank(id, run)
        });
        run.job.pool_slots <= free && !kept
    }

    pub(crate) fn used(&self, executor: ExecutorId) -> u32 {
        let its = self.attempts.values().filter(|it| it.executor == executor);
        its.map(|it| it.slots).sum()
    }

    pub(crate) fn rank(&self, id: ExecutionId, run: &TwinJob) -> impl Ord + use<> {
        let its = &self.executions[&id];
        let flow = its.flows.iter().find(|it| it.flow.id == run.flow).unwrap();
        let priority = i64::from(flow.flow.priority) + i64::from(run.job.priority);
        (-priority, Reverse(its.path(run)), run.queued_at, run.id)
    }

    /// Whose attempt lives, or lived and will be tried again, for this job and date.
    pub(crate) fn holder(&self, job: JobId, date: DataDate) -> Option<JobRunId> {
        let mut holders = self
            .executions
            .values()
            .filter(|its| its.date == date)
            .flat_map(|its| &its.jobs)
            .filter(|it| it.job.id == job && it.state.is_active() && it.tries > 0);
        let holder = holders.next().map(|it| it.id);
        assert_eq!(holders.count(), 0, "R7: job {job} of {date} runs twice");
        holder
    }

    pub(crate) fn check_claims(&self) {
        for its in self.executions.values() {
            for run in &its.jobs {
                self.holder(run.job.id, its.date);
            }
        }
    }

    /// Queued job runs whose job does not run elsewhere for the same date.
    pub(crate) fn queued(&self) -> Vec<(ExecutionId, &TwinJob)> {
        let mut queued = Vec::new();
        for (id, its) in &self.executions {
            for run in its
                .jobs
                .iter()
                .filter(|_| its.state != ExecutionState::Paused)
            {
                let free = self
                    .holder(run.job.id, its.date)
                    .is_none_or(|holder| holder == run.id);
                if run.state == JobRunState::Queued && free {
                    queued.push((*id, run));
                }
            }
        }
        queued
    }

    /// No executor idles while a job run could use it, but for one kept for what goes first and needs more.
    pub(crate) fn check_nothing_idle(&self, store: &Store) {
        if self.attempts.len() >= self.settings.max_running as usize {
            return;
        }
        let queued = self.queued();
        for &(id, run) in &queued {
            if !self.pool_gives(store, id, run) {
                continue;
            }
            let idle = self.could_take(store, run).filter(|id| {
                let free = store.executors[id].slots.saturating_sub(self.used(*id));
                free >= run.job.slots
            });
            let idle: BTreeSet<_> = idle.collect();
            // Those that need the same of an executor and of a pool have one kept, for the first of them.
            let mut kept_for = BTreeSet::new();
            let mut may_be_kept = BTreeSet::new();
            for &(its, other) in &queued {
                if other.job.slots >= 2 && self.rank(its, other) < self.rank(id, run) {
                    let (placement, pool) = (&other.job.placement, other.job.pool);
                    kept_for.insert((placement, other.job.slots, pool, other.job.pool_slots));
                    may_be_kept.extend(self.could_take(store, other));
                }
            }
            let few = idle.len() <= kept_for.len() && idle.is_subset(&may_be_kept);
            assert!(few, "R7: {} waits, {idle:?} have room", run.id);
        }
    }
}

fn meets(store: &Store, executor: ExecutorId, placement: &Placement) -> bool {
    match placement {
        Placement::Any => true,
        Placement::Executor(id) => *id == executor,
        Placement::Labels(wanted) => {
            let labels = &store.executors[&executor].labels;
            wanted
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        }
    }
}
