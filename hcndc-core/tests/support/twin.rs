//! The engine's slow, obvious twin: it keeps what attempts came to, and works out everything else anew after each step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hcndc_core::{
    engine::{
        Change, EndCause, ExecutionState, FlowRunState, Input, JobRunState, Report, Settings, Step,
    },
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId, ParamId},
    model::{Condition, Flow, Job},
    time::{DataDate, Timestamp},
};

use super::{
    outside::Met,
    runs::{Begun, Past},
    store::Store,
    twin_backfill::TwinBackfills,
    twin_firing::TwinSchedules,
    twin_resolve::Expected,
};

/// What a job run does by itself, apart from what others make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing: it waits for others, or in the queue.
    Idle,
    /// Its attempt lives.
    Live(AttemptId),
    /// It waits for a retry.
    Retry(Timestamp),
}

#[derive(Debug)]
pub(crate) struct TwinJob {
    pub(crate) id: JobRunId,
    pub(crate) job: Arc<Job>,
    pub(crate) flow: FlowId,
    /// The end that its attempts, a person or an earlier life gave it.
    pub(crate) fixed: Option<JobRunState>,
    /// Its turn came once, whatever those that it waited for have become since.
    pub(crate) let_go: bool,
    pub(crate) left_out: bool,
    pub(crate) phase: Phase,
    pub(crate) tries: u32,
    pub(crate) queued_at: Timestamp,
    pub(crate) state: JobRunState,
    /// Bits of its dependencies on runs outside that were seen to be met.
    pub(crate) met: u64,
    /// Some dependency on a run outside waits.
    pub(crate) waits_outside: bool,
}

#[derive(Debug)]
pub(crate) struct TwinFlow {
    pub(crate) id: FlowRunId,
    pub(crate) flow: Arc<Flow>,
    pub(crate) state: FlowRunState,
    pub(crate) begun: Begun,
    pub(crate) started_at: Timestamp,
    /// How often what failed ran again, and when it does next.
    pub(crate) restarts: u32,
    pub(crate) restart_at: Option<Timestamp>,
    pub(crate) timed_out: bool,
}

#[derive(Debug)]
pub(crate) struct TwinExecution {
    pub(crate) date: DataDate,
    /// Nobody asked for it, and nobody has taken it up again.
    pub(crate) automatic: bool,
    pub(crate) resumed: bool,
    pub(crate) partial: bool,
    pub(crate) state: ExecutionState,
    pub(crate) flows: Vec<TwinFlow>,
    pub(crate) jobs: Vec<TwinJob>,
}

#[derive(Debug, Default)]
pub(crate) struct TwinHost {
    pub(crate) online: bool,
    pub(crate) lease: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct TwinAttempt {
    pub(crate) execution: ExecutionId,
    pub(crate) job_run: JobRunId,
    pub(crate) executor: ExecutorId,
    pub(crate) slots: u32,
    pub(crate) running: bool,
    pub(crate) kill: bool,
    /// Params that it waits for, while it does.
    pub(crate) asks: Option<Vec<ParamId>>,
}

impl TwinAttempt {
    pub(crate) fn kill(&mut self) {
        self.kill = true;
    }

    /// What runs waits for nothing.
    pub(crate) fn begins(&mut self, begins: bool) {
        if begins {
            (self.running, self.asks) = (true, None);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Twin {
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    pub(crate) executions: BTreeMap<ExecutionId, TwinExecution>,
    pub(crate) hosts: BTreeMap<ExecutorId, TwinHost>,
    pub(crate) attempts: BTreeMap<AttemptId, TwinAttempt>,
    pub(crate) dates: BTreeMap<FlowId, DataDate>,
    pub(crate) past: Past,
    /// Flow runs that stood in line for a place among the runs of their flow after the last step.
    pub(crate) in_line: BTreeSet<FlowRunId>,
    /// Dependencies on runs outside that were seen to be met in this step.
    pub(crate) gained: Vec<Met>,
    /// Flow runs that have come to an end in this step, and how they and their jobs stood then.
    pub(crate) ended: BTreeMap<FlowRunId, (FlowRunState, Vec<(JobId, JobRunState)>)>,
    pub(crate) backfills: TwinBackfills,
    pub(crate) schedules: TwinSchedules,
    /// What the step must have asked, and told executors to run.
    pub(crate) expected: Vec<Expected>,
}

pub(crate) fn is_good(state: JobRunState) -> bool {
    matches!(state, JobRunState::Succeeded | JobRunState::Skipped)
}

impl TwinJob {
    pub(crate) fn takes_part(&self) -> bool {
        self.job.enabled && !self.left_out
    }
}

impl TwinExecution {
    pub(crate) fn job(&self, id: JobId) -> Option<&TwinJob> {
        self.jobs.iter().find(|it| it.job.id == id)
    }

    pub(crate) fn flow_state(&self, id: FlowId) -> Option<FlowRunState> {
        let run = self.flows.iter().find(|it| it.flow.id == id)?;
        Some(run.state)
    }

    /// R1, R4 and R6 by looking at everything until nothing changes.
    pub(crate) fn derive(&mut self) {
        for run in &mut self.flows {
            run.state = FlowRunState::Waiting;
        }
        for run in &mut self.jobs {
            run.state = run.fixed.unwrap_or(JobRunState::Blocked);
        }
        loop {
            let mut next_flows = Vec::new();
            for run in &self.flows {
                let its = || self.jobs.iter().filter(|it| it.flow == run.flow.id);
                next_flows.push(if let Begun::Not = run.begun {
                    FlowRunState::Waiting
                } else if let Begun::Joined(_, end) = run.begun {
                    match end {
                        None => FlowRunState::Joined,
                        Some(true) if its().all(|it| is_good(it.state)) => FlowRunState::Succeeded,
                        Some(_) => FlowRunState::Failed,
                    }
                } else if its().any(|it| !it.state.is_settled()) {
                    FlowRunState::Running
                } else if its().all(|it| is_good(it.state)) {
                    FlowRunState::Succeeded
                } else if run.restart_at.is_some() {
                    FlowRunState::Running
                } else {
                    FlowRunState::Failed
                });
            }
            let next_jobs: Vec<_> = self.jobs.iter().map(|run| self.job_state(run)).collect();
            let mut moved = false;
            for (run, next) in self.flows.iter_mut().zip(next_flows) {
                moved |= std::mem::replace(&mut run.state, next) != next;
            }
            for (run, next) in self.jobs.iter_mut().zip(next_jobs) {
                moved |= std::mem::replace(&mut run.state, next) != next;
            }
            if !moved {
                return;
            }
        }
    }

    pub(crate) fn job_state(&self, run: &TwinJob) -> JobRunState {
        if let Some(fixed) = run.fixed {
            return fixed;
        }
        let flow_state = self.flow_state(run.flow);
        if matches!(
            flow_state,
            Some(FlowRunState::Waiting | FlowRunState::Joined)
        ) {
            return JobRunState::Blocked;
        }
        let enabled = |it: &&TwinJob| it.flow == run.flow && it.takes_part();
        if !self.jobs.iter().any(|it| enabled(&it)) {
            return JobRunState::Skipped;
        }
        let (mut open, mut pointless) = (false, false);
        for dependency in run.job.dependencies.iter().filter(|_| !run.let_go) {
            let inside = self.job(dependency.job);
            let Some(other) = inside.filter(|_| dependency.offset_days == 0) else {
                continue;
            };
            if !other.state.is_settled() {
                open = true;
                continue;
            }
            match (dependency.condition, is_good(other.state)) {
                (Condition::Success, false) => return JobRunState::UpstreamFailed,
                (Condition::Failure, true) => pointless = true,
                _ => {}
            }
        }
        match run.phase {
            _ if open || (run.waits_outside && !run.let_go) => JobRunState::Blocked,
            _ if pointless || !run.takes_part() => JobRunState::Skipped,
            Phase::Idle => JobRunState::Queued,
            // Dispatched and running are told apart by the attempt.
            Phase::Live(_) => JobRunState::Dispatched,
            Phase::Retry(_) => JobRunState::RetryWait,
        }
    }

    /// Those job runs and all that come after them, over flows too.
    pub(crate) fn below(&self, from: &[JobRunId]) -> (BTreeSet<JobRunId>, BTreeSet<FlowId>) {
        let mut runs: BTreeSet<JobRunId> = from.iter().copied().collect();
        let mut flows: BTreeSet<FlowId> = BTreeSet::new();
        loop {
            let before = (runs.len(), flows.len());
            for run in &self.jobs {
                if runs.contains(&run.id) {
                    flows.insert(run.flow);
                }
                let after = run.job.dependencies.iter().any(|dependency| {
                    let other = self.job(dependency.job);
                    let other = other.filter(|_| dependency.offset_days == 0);
                    other.is_some_and(|other| runs.contains(&other.id))
                });
                let flow = self.flows.iter().find(|it| it.flow.id == run.flow);
                let gated =
                    flow.is_some_and(|it| it.flow.parents.iter().any(|it| flows.contains(it)));
                if after || gated {
                    runs.insert(run.id);
                }
            }
            for run in &self.flows {
                let has_jobs = self.jobs.iter().any(|it| it.flow == run.flow.id);
                if !has_jobs && run.flow.parents.iter().any(|it| flows.contains(it)) {
                    flows.insert(run.flow.id);
                }
            }
            if before == (runs.len(), flows.len()) {
                return (runs, flows);
            }
        }
    }

    /// Jobs on the longest way that starts with this one; 0 if versions pinned at different times wait for each other.
    pub(crate) fn path(&self, of: &TwinJob) -> usize {
        // A way passes each job and each flow once, and each step may cost two.
        let most = 2 * (self.jobs.len() + self.flows.len()) + 2;
        let lengths: Option<Vec<usize>> = self.jobs.iter().map(|it| self.way(it, most)).collect();
        let at = self.jobs.iter().position(|it| it.id == of.id).unwrap();
        lengths.map_or(0, |lengths| lengths[at])
    }

    /// `None` if there is a way of more than `most` steps, which is one that comes round.
    pub(crate) fn way(&self, of: &TwinJob, most: usize) -> Option<usize> {
        let left = most.checked_sub(1)?;
        let mut longest = self.way_after_flow(of.flow, left)?;
        for it in &self.jobs {
            let mut ties = it.job.dependencies.iter();
            if ties.any(|on| on.job == of.job.id && on.offset_days == 0) {
                longest = longest.max(self.way(it, left)?);
            }
        }
        Some(1 + longest)
    }

    pub(crate) fn way_after_flow(&self, flow: FlowId, most: usize) -> Option<usize> {
        let left = most.checked_sub(1)?;
        let mut longest = 0;
        for child in &self.flows {
            if child.flow.parents.contains(&flow) {
                for it in self.jobs.iter().filter(|it| it.flow == child.flow.id) {
                    longest = longest.max(self.way(it, left)?);
                }
                longest = longest.max(self.way_after_flow(child.flow.id, left)?);
            }
        }
        Some(longest)
    }
}

impl Twin {
    /// Follows an input that the engine did not refuse, and the step that it answered with.
    pub(crate) fn follow(&mut self, now: Timestamp, input: &Input, step: &Step, store: &Store) {
        self.now = self.now.max(now);
        let before = self.look_before(step, store);
        self.start(step, store);
        match input {
            Input::Edit(_) => {
                let known = store.executors.keys().copied();
                let known: BTreeSet<_> = known.collect();
                self.hosts.retain(|id, _| known.contains(id));
                for id in known {
                    self.hosts.entry(id).or_default();
                }
                self.dates.retain(|id, _| store.flows.contains_key(id));
                self.past.forget(store);
            }
            Input::Start(_)
            | Input::Backfill(_)
            | Input::RestartBackfill { .. }
            | Input::PauseSchedules { .. }
            | Input::RunSchedule { .. }
            | Input::FileArrived { .. }
            | Input::Notified { .. }
            | Input::Acknowledge { .. } => {}
            Input::Resolved { attempt, result } => self.resolved(*attempt, result),
            Input::StopBackfill { backfill, .. } => {
                for id in self.backfills.executions(*backfill) {
                    if self.executions[&id].state.goes_on() {
                        self.stop(id);
                    }
                }
            }
            Input::Stop { execution, .. } => self.stop(*execution),
            Input::Pause { execution, .. } => {
                let its = self.executions.get_mut(execution).unwrap();
                assert_eq!(its.state, ExecutionState::Running);
                its.state = ExecutionState::Paused;
            }
            Input::Unpause { execution, .. } => {
                let its = self.executions.get_mut(execution).unwrap();
                assert_eq!(its.state, ExecutionState::Paused);
                its.state = ExecutionState::Running;
            }
            Input::Kill { job_run, .. } => self.kill(*job_run),
            Input::Settle {
                execution,
                job_runs,
                settled,
                ..
            } => self.settle(*execution, job_runs, settled.state(), store),
            Input::Reset { execution, .. } => {
                let its = &self.executions[execution];
                let all: Vec<_> = its.jobs.iter().map(|run| run.id).collect();
                let flows = its.flows.iter().map(|run| run.flow.id).collect();
                self.again(*execution, &all, &flows, store);
            }
            Input::Resume { execution, .. } => self.reopen(*execution, None, store),
            Input::Rerun {
                execution, from, ..
            } => self.reopen(*execution, Some(from), store),
            Input::Report { executor, report } => self.report(*executor, report, store),
            Input::Configure(settings) => self.settings = settings.clone(),
            Input::Wake => {}
        }
        self.end_cut();
        self.begin_flows(true, step, store);
        self.take_over_met(step, store);
        self.derive(step, store);
        self.let_time_pass();
        self.derive(step, store);
        while self.cut_off() {
            self.end_cut();
            self.derive(step, store);
        }
        while self.restart(step, store) {
            self.derive(step, store);
        }
        self.check_dispatches(step, store);
        self.derive(step, store);
        self.keep_ends(step, store);
        self.check_runs(step, store);
        self.check_met(&before, step, store);
        self.check_outside(store);
        self.check_action(input, step);
        self.check_asked(step);
        self.compare(store);
        self.backfills.follow(input, step, store);
        self.schedules.follow(self.now, step, store);
        self.check_claims();
        self.check_nothing_idle(store);
    }

    /// The engine was loaded anew.
    pub(crate) fn reload(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let lease = self.now.after(self.settings.executor_lease);
        // Who was asked answers nobody any more.
        for attempt in self.attempts.values_mut() {
            attempt.asks = None;
        }
        for (id, host) in &mut self.hosts {
            let holds = self.attempts.values().any(|it| it.executor == *id);
            *host = TwinHost {
                online: false,
                lease: holds.then_some(lease),
            };
        }
    }

    pub(crate) fn start(&mut self, step: &Step, store: &Store) {
        // Which flows take part is told by the rows; the step tests look at that.
        for change in &step.changes {
            match change {
                Change::Execution(row) if !self.executions.contains_key(&row.id) => {
                    let new = TwinExecution {
                        date: row.data_date,
                        partial: row.partial,
                        automatic: row.trigger.is_automatic(),
                        resumed: false,
                        state: ExecutionState::Running,
                        flows: Vec::new(),
                        jobs: Vec::new(),
                    };
                    self.executions.insert(row.id, new);
                }
                Change::FlowRun { from: None, row } => {
                    let its = self.executions.get_mut(&row.execution).unwrap();
                    its.flows.push(TwinFlow {
                        id: row.id,
                        flow: Arc::clone(&store.flows[&row.flow].0),
                        state: FlowRunState::Waiting,
                        begun: Begun::Not,
                        started_at: self.now,
                        restarts: 0,
                        restart_at: None,
                        timed_out: false,
                    });
                }
                Change::JobRun { from: None, row } => {
                    let job = Arc::clone(&store.jobs[&row.job]);
                    let its = self.executions.get_mut(&row.execution).unwrap();
                    its.jobs.push(TwinJob {
                        id: row.id,
                        flow: job.flow,
                        fixed: None,
                        let_go: false,
                        left_out: row.left_out,
                        job,
                        phase: Phase::Idle,
                        tries: 0,
                        queued_at: self.now,
                        state: JobRunState::Blocked,
                        met: 0,
                        waits_outside: true,
                    });
                }
                _ => {}
            }
        }
    }

    pub(crate) fn report(&mut self, executor: ExecutorId, report: &Report, store: &Store) {
        match report {
            Report::Hello { held, .. } => {
                let host = self.hosts.get_mut(&executor).unwrap();
                (host.online, host.lease) = (true, None);
                let ours: Vec<AttemptId> = self
                    .attempts
                    .iter()
                    .filter(|(_, it)| it.executor == executor)
                    .map(|(id, _)| *id)
                    .collect();
                for id in ours {
                    let attempt = self.attempts.get_mut(&id).unwrap();
                    match held.iter().rev().find(|it| it.attempt == id) {
                        Some(it) => {
                            attempt.begins(it.started.is_some());
                            if let Some(end) = &it.end {
                                self.finish(id, &end.cause);
                            }
                        }
                        None if attempt.running => self.finish(id, &EndCause::Lost(String::new())),
                        None if attempt.kill => self.finish(id, &EndCause::Killed),
                        // Told to run once more, unless it waits to be.
                        None if attempt.asks.is_some() => {}
                        None => self.set_going(id, store),
                    }
                }
            }
            Report::Started { attempt, .. } => {
                if let Some(it) = self.attempts.get_mut(attempt)
                    && it.executor == executor
                {
                    it.begins(true);
                }
            }
            Report::Finished { attempt, end } => {
                let its = self.attempts.get(attempt);
                if its.is_some_and(|it| it.executor == executor) {
                    self.finish(*attempt, &end.cause);
                }
            }
            Report::Heartbeat(_) => {}
            Report::Disconnected { .. } => {
                let lease = self.now.after(self.settings.executor_lease);
                let holds = self.attempts.values().any(|it| it.executor == executor);
                let host = self.hosts.get_mut(&executor).unwrap();
                host.online = false;
                if holds {
                    host.lease.get_or_insert(lease);
                }
            }
        }
    }

    pub(crate) fn finish(&mut self, id: AttemptId, cause: &EndCause) {
        let attempt = self.attempts.remove(&id).unwrap();
        let its = self.executions.get_mut(&attempt.execution).unwrap();
        let run = its.jobs.iter_mut().find(|it| it.id == attempt.job_run);
        let run = run.unwrap();
        run.phase = Phase::Idle;
        let codes = &run.job.success_codes;
        let good = matches!(cause, EndCause::Exited(code) if codes.iter().any(|it| i32::from(*it) == *code));
        if good {
            run.fixed = Some(JobRunState::Succeeded);
        } else if attempt.kill {
            run.fixed = Some(JobRunState::Killed);
        } else if let Some(at) = run.job.retry.next_at(run.tries, self.now) {
            run.phase = Phase::Retry(at);
        } else {
            run.fixed = Some(JobRunState::Failed);
        }
    }

    pub(crate) fn let_time_pass(&mut self) {
        // A lost attempt may be tried again at once, hence leases first.
        let late: Vec<ExecutorId> = self
            .hosts
            .iter()
            .filter(|(_, host)| host.lease.is_some_and(|at| at <= self.now))
            .map(|(id, _)| *id)
            .collect();
        for executor in late {
            self.hosts.get_mut(&executor).unwrap().lease = None;
            let lost: Vec<AttemptId> = self
                .attempts
                .iter()
                .filter(|(_, it)| it.executor == executor)
                .map(|(id, _)| *id)
                .collect();
            for id in lost {
                self.finish(id, &EndCause::Lost(String::new()));
            }
        }
        for its in self.executions.values_mut() {
            for run in &mut its.jobs {
                if let Phase::Retry(at) = run.phase
                    && at <= self.now
                {
                    run.phase = Phase::Idle;
                    run.queued_at = self.now;
                }
            }
        }
    }

    /// Every state that a store was told is the one that follows from the rules.
    pub(crate) fn compare(&self, store: &Store) {
        for (id, its) in &self.executions {
            for run in &its.jobs {
                let row = &store.job_runs[&run.id];
                assert_eq!(row.state, run.state, "{row:?} of {}, {run:?}", run.job.name);
                assert_eq!(row.job_version, run.job.revision.version, "{row:?}");
            }
            for run in &its.flows {
                let row = &store.flow_runs[&run.id];
                assert_eq!(row.state, run.state, "{row:?}, {run:?}");
                assert_eq!(row.flow_version, run.flow.revision.version, "{row:?}");
                let of_row = (row.restarts, row.restart_at, row.timed_out);
                let ours = (run.restarts, run.restart_at, run.timed_out);
                assert_eq!(of_row, ours, "{row:?}, {run:?}");
            }
            assert_eq!(store.executions[id].state, its.state, "execution {id}");
        }
        self.past.compare(store);
        for (flow, (_, date)) in &store.flows {
            assert_eq!(*date, self.dates.get(flow).copied(), "R3, flow {flow}");
        }
        let live = store.attempts.values().filter(|row| !row.state.is_ended());
        let live: Vec<_> = live.map(|row| (row.id, row.kill_asked)).collect();
        let ours: Vec<_> = self
            .attempts
            .iter()
            .map(|(id, it)| (*id, it.kill))
            .collect();
        assert_eq!(live, ours, "attempts that live");
    }

    /// Executions that have not ended.
    pub(crate) fn live(&self) -> Vec<ExecutionId> {
        let live = self
            .executions
            .iter()
            .filter(|(_, it)| !it.state.is_ended());
        live.map(|(id, _)| *id).collect()
    }
}
