//! The rules as questions to a state: what tests and simulations ask after every step.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

macro_rules! ensure {
    ($found:ident, $rule:literal, $holds:expr, $($detail:tt)+) => {
        if !$holds {
            $found.push(Violation { rule: $rule, detail: alloc::format!($($detail)+) });
        }
    };
}

mod backfill;
mod crossing;
mod schedule;

use super::{
    Engine,
    execution::{Execution, verdict},
    placement::Draw,
    state::{ExecutionState, FlowRunState, JobRunState},
    timer::Timer,
};
use crate::{
    id::{ExecutorId, JobId, JobRunId, PoolId},
    time::{DataDate, Timestamp},
};

/// A rule that a state breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule, such as `R7`; `index` for bookkeeping.
    pub rule: &'static str,
    /// How.
    pub detail: String,
}

impl Engine {
    /// All rules that this state breaks; empty unless the engine has a fault. Looks at everything: for tests.
    #[must_use]
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut queued = 0;
        for execution in self.executions.values() {
            check_execution(execution, &mut found);
            self.check_queued(execution, &mut found);
            let jobs = execution.jobs.iter();
            queued += jobs
                .filter(|run| run.row.state == JobRunState::Queued)
                .count();
        }
        ensure!(
            found,
            "index",
            queued == self.queued,
            "{} job runs count as queued, {queued} are",
            self.queued
        );
        self.check_limits(&mut found);
        self.check_crossings(&mut found);
        self.check_backfills(&mut found);
        self.check_schedules(&mut found);
        ensure!(
            found,
            "index",
            self.yard.is_consistent(),
            "lines, heads and free slots disagree"
        );
        ensure!(
            found,
            "mesh",
            self.mesh().find_cycle(&[]).is_none(),
            "the definitions have a cycle"
        );
        found
    }

    fn check_queued(&self, execution: &Execution, found: &mut Vec<Violation>) {
        let (id, date) = (execution.row.id, execution.row.data_date);
        for (at, run) in execution.jobs.iter().enumerate() {
            let (row, seat) = (&run.row, (id, at as u32));
            if let Some((need, rank)) = self.queue_place(seat) {
                let stands = self.yard.holds(&need, rank);
                let held = self.claims.is_waiting(row.job, date, seat)
                    || execution.row.state != ExecutionState::Running;
                ensure!(
                    found,
                    "index",
                    stands != held,
                    "job run {} is queued in no line, or stands in one and may not",
                    row.id
                );
            }
            if row.state == JobRunState::RetryWait {
                let set = row
                    .retry_at
                    .is_some_and(|at| self.timers.is_set(at, Timer::Retry(seat)));
                ensure!(
                    found,
                    "index",
                    set,
                    "job run {} waits for a retry without a timer",
                    row.id
                );
            }
            if run.has_date() && execution.flow_runs[run.flow_run as usize].contested {
                let has = self.claims.holder(row.job, date) == Some(seat);
                ensure!(
                    found,
                    "R7",
                    has,
                    "job run {} is live without the claim to its date",
                    row.id
                );
            }
            let attempt = run.attempt.and_then(|id| self.attempts.get(&id));
            let fits = attempt.is_some_and(|it| it.row.job_run == row.id && it.job == seat.1);
            ensure!(
                found,
                "index",
                row.state.is_live() == fits,
                "attempt of job run {} is astray",
                row.id
            );
        }
    }

    fn check_limits(&self, found: &mut Vec<Violation>) {
        // A limit that is lowered ends nothing; but whatever began since then has kept it.
        let (live, limit) = (self.attempts.len(), self.settings.max_running as usize);
        let mut latest = Timestamp::MIN;
        let mut used: BTreeMap<ExecutorId, (u32, Timestamp)> = BTreeMap::new();
        for attempt in self.attempts.values() {
            let (slots, last) = used
                .entry(attempt.row.executor)
                .or_insert((0, Timestamp::MIN));
            *slots += attempt.row.slots;
            *last = attempt.row.dispatched_at.max(*last);
            latest = attempt.row.dispatched_at.max(latest);
        }
        ensure!(
            found,
            "R7",
            live <= limit || latest <= self.limited_at,
            "{live} attempts live, {limit} may"
        );
        for host in self.yard.hosts() {
            let (id, slots) = (host.executor.id, host.executor.slots);
            let (sum, last) = used.remove(&id).unwrap_or((0, Timestamp::MIN));
            ensure!(
                found,
                "index",
                host.used == sum,
                "executor {id} counts {} slots, not {sum}",
                host.used
            );
            ensure!(
                found,
                "R7",
                sum <= slots || last <= host.executor.revision.updated_at,
                "executor {id} has {slots} slots, {sum} are taken"
            );
        }
        ensure!(
            found,
            "index",
            used.is_empty(),
            "attempts live on unknown executors"
        );
        let mut drawn: BTreeMap<PoolId, (u32, Timestamp)> = BTreeMap::new();
        for attempt in self.attempts.values() {
            let run = self.executions.get(&attempt.row.execution);
            let run = run.and_then(|it| it.jobs.get(attempt.job as usize));
            if let Some(draw) = run.and_then(|run| Draw::of(&run.job)) {
                let (sum, last) = drawn.entry(draw.pool).or_insert((0, Timestamp::MIN));
                *sum += draw.slots;
                *last = attempt.row.dispatched_at.max(*last);
            }
        }
        for pool in self.definitions.pools.iter() {
            let (sum, last) = drawn.remove(&pool.id).unwrap_or((0, Timestamp::MIN));
            let counted = self.yard.drawn(pool.id);
            ensure!(
                found,
                "index",
                counted == sum,
                "pool {} counts {counted} slots, not {sum}",
                pool.id
            );
            ensure!(
                found,
                "R7",
                sum <= pool.slots || last <= pool.revision.updated_at,
                "pool {} has {} slots, {sum} are taken",
                pool.id,
                pool.slots
            );
        }
        let mut live: BTreeMap<(JobId, DataDate), JobRunId> = BTreeMap::new();
        for execution in self.executions.values() {
            for run in execution.jobs.iter().filter(|run| run.has_date()) {
                let (job, date) = (run.row.job, execution.row.data_date);
                let other = live.insert((job, date), run.row.id);
                ensure!(
                    found,
                    "R7",
                    other.is_none(),
                    "job {job} of {date} is run by several job runs, {} among them",
                    run.row.id
                );
            }
        }
        for (job, date, (execution, at)) in self.claims.held() {
            let holder = self
                .executions
                .get(&execution)
                .and_then(|it| it.jobs.get(at as usize));
            let right = holder.is_some_and(|run| run.row.job == job && !run.row.state.is_settled());
            ensure!(
                found,
                "R7",
                right,
                "job {job} of {date} is claimed by what does not run it"
            );
        }
    }
}

fn check_execution(execution: &Execution, found: &mut Vec<Violation>) {
    let id = execution.row.id;
    let running = execution.row.state.goes_on();
    let active = execution
        .jobs
        .iter()
        .filter(|run| run.row.state.is_active())
        .count();
    ensure!(
        found,
        "index",
        active == execution.active as usize,
        "execution {id} miscounts active job runs"
    );
    ensure!(
        found,
        "R6",
        !execution.is_still(),
        "execution {id} is live, and nothing of it can move"
    );
    ensure!(
        found,
        "R10",
        !execution.row.state.is_ended(),
        "execution {id} has ended and is held"
    );

    let mut states: BTreeMap<_, _> = BTreeMap::new();
    for run in &execution.jobs {
        states.insert(run.row.job, run.row.state);
    }
    for run in &execution.jobs {
        let (row, flow_run) = (&run.row, &execution.flow_runs[run.flow_run as usize]);
        let its = run.job.dependencies.iter();
        let verdicts = its
            .filter(|it| it.is_of_same_date())
            .filter_map(|dependency| {
                let state = states.get(&dependency.job)?;
                Some(verdict(dependency.condition, *state))
            });
        let verdicts: Vec<_> = verdicts.collect();
        let started = !matches!(
            flow_run.row.state,
            FlowRunState::Waiting | FlowRunState::Joined
        );
        if row.state.is_active() {
            ensure!(
                found,
                "R2",
                started,
                "job run {} moves before its flow run",
                row.id
            );
            let met = verdicts
                .iter()
                .all(|it| *it == Some(super::execution::Verdict::Met));
            ensure!(
                found,
                "R1",
                met || run.let_go,
                "job run {} moves before its dependencies",
                row.id
            );
            ensure!(
                found,
                "R6",
                run.takes_part() || (run.job.enabled && row.attempt > 1),
                "job run {} is not enabled, or was left out",
                row.id
            );
        }
        if running
            && row.state == JobRunState::Blocked
            && flow_run.row.state == FlowRunState::Running
        {
            let waits = run.unmet_outside > 0 || verdicts.iter().any(Option::is_none);
            ensure!(
                found,
                "R1",
                waits,
                "job run {} is blocked by nothing",
                row.id
            );
        }
    }
    for run in &execution.flow_runs {
        let row = &run.row;
        let jobs = &execution.jobs[run.jobs.start as usize..run.jobs.end as usize];
        let open = jobs.iter().filter(|it| !it.row.state.is_settled()).count();
        ensure!(
            found,
            "index",
            open == run.open as usize,
            "flow run {} miscounts open job runs",
            row.id
        );
        if row.state == FlowRunState::Succeeded {
            let good = |state| matches!(state, JobRunState::Succeeded | JobRunState::Skipped);
            let all = jobs.iter().all(|it| good(it.row.state));
            ensure!(
                found,
                "R6",
                all,
                "flow run {} succeeded without all of its jobs",
                row.id
            );
        }
        if row.state == FlowRunState::Running && running {
            ensure!(
                found,
                "R4",
                open > 0 || row.restart_at.is_some(),
                "flow run {} has nothing left, and runs",
                row.id
            );
        }
    }
}
