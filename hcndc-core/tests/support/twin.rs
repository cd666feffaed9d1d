//! The engine's slow, obvious twin: it keeps what attempts came to, and works out everything else anew after each step.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hcndc_core::{
    engine::{
        ActionKind, AttemptState, Change, EndCause, ExecutionState, FlowRunState, Input,
        JobRunState, Report, Settings, SettledAs, Step,
    },
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId, PoolId},
    model::{Condition, Flow, Job, Placement, Pool},
    time::{DataDate, Timestamp},
};

use super::{
    runs::{Begun, Met, Past},
    store::Store,
    twin_backfill::TwinBackfills,
    twin_firing::TwinSchedules,
};

/// What a job run does by itself, apart from what others make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: it waits for others, or in the queue.
    Idle,
    /// Its attempt lives.
    Live(AttemptId),
    /// It waits for a retry.
    Retry(Timestamp),
}

#[derive(Debug)]
pub(crate) struct TwinJob {
    pub(super) id: JobRunId,
    pub(super) job: Arc<Job>,
    pub(super) flow: FlowId,
    /// The end that its attempts, a person or an earlier life gave it.
    pub(super) fixed: Option<JobRunState>,
    /// Its turn came once, whatever those that it waited for have become since.
    pub(super) let_go: bool,
    left_out: bool,
    pub(super) phase: Phase,
    pub(super) tries: u32,
    pub(super) queued_at: Timestamp,
    pub(super) state: JobRunState,
    /// Bits of its dependencies on runs outside that were seen to be met.
    pub(super) met: u64,
    /// Some dependency on a run outside waits.
    pub(super) waits_outside: bool,
}

#[derive(Debug)]
pub(crate) struct TwinFlow {
    pub(super) id: FlowRunId,
    pub(super) flow: Arc<Flow>,
    pub(super) state: FlowRunState,
    pub(super) begun: Begun,
    pub(super) started_at: Timestamp,
    /// How often what failed ran again, and when it does next.
    pub(super) restarts: u32,
    pub(super) restart_at: Option<Timestamp>,
    pub(super) timed_out: bool,
}

#[derive(Debug)]
pub(crate) struct TwinExecution {
    pub(super) date: DataDate,
    /// Nobody asked for it, and nobody has taken it up again.
    pub(super) automatic: bool,
    pub(super) resumed: bool,
    pub(super) partial: bool,
    pub(super) state: ExecutionState,
    pub(super) flows: Vec<TwinFlow>,
    pub(super) jobs: Vec<TwinJob>,
}

#[derive(Debug, Default)]
pub(super) struct TwinHost {
    online: bool,
    lease: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct TwinAttempt {
    execution: ExecutionId,
    job_run: JobRunId,
    executor: ExecutorId,
    slots: u32,
    pub(super) running: bool,
    kill: bool,
}

impl TwinAttempt {
    pub(super) fn kill(&mut self) {
        self.kill = true;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Twin {
    pub(super) now: Timestamp,
    pub(super) settings: Settings,
    pub(super) executions: BTreeMap<ExecutionId, TwinExecution>,
    pub(super) hosts: BTreeMap<ExecutorId, TwinHost>,
    pub(super) attempts: BTreeMap<AttemptId, TwinAttempt>,
    pub(super) dates: BTreeMap<FlowId, DataDate>,
    pub(super) past: Past,
    /// Flow runs that stood in line for a place among the runs of their flow after the last step.
    pub(super) in_line: BTreeSet<FlowRunId>,
    /// Dependencies on runs outside that were seen to be met in this step.
    pub(super) gained: Vec<Met>,
    /// Flow runs that have come to an end in this step, and how they and their jobs stood then.
    pub(super) ended: BTreeMap<FlowRunId, (FlowRunState, Vec<(JobId, JobRunState)>)>,
    backfills: TwinBackfills,
    schedules: TwinSchedules,
}

pub(super) fn is_good(state: JobRunState) -> bool {
    matches!(state, JobRunState::Succeeded | JobRunState::Skipped)
}

impl TwinJob {
    fn takes_part(&self) -> bool {
        self.job.enabled && !self.left_out
    }
}

impl TwinExecution {
    pub(super) fn job(&self, id: JobId) -> Option<&TwinJob> {
        self.jobs.iter().find(|it| it.job.id == id)
    }

    pub(super) fn flow_state(&self, id: FlowId) -> Option<FlowRunState> {
        let run = self.flows.iter().find(|it| it.flow.id == id)?;
        Some(run.state)
    }

    /// R1, R4 and R6 by looking at everything until nothing changes.
    pub(super) fn derive(&mut self) {
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
                        Some(true) => FlowRunState::Succeeded,
                        Some(false) => FlowRunState::Failed,
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

    fn job_state(&self, run: &TwinJob) -> JobRunState {
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
    fn below(&self, from: &[JobRunId]) -> (BTreeSet<JobRunId>, BTreeSet<FlowId>) {
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
    fn path(&self, of: &TwinJob) -> usize {
        // A way passes each job and each flow once, and each step may cost two.
        let most = 2 * (self.jobs.len() + self.flows.len()) + 2;
        let lengths: Option<Vec<usize>> = self.jobs.iter().map(|it| self.way(it, most)).collect();
        let at = self.jobs.iter().position(|it| it.id == of.id).unwrap();
        lengths.map_or(0, |lengths| lengths[at])
    }

    /// `None` if there is a way of more than `most` steps, which is one that comes round.
    fn way(&self, of: &TwinJob, most: usize) -> Option<usize> {
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

    fn way_after_flow(&self, flow: FlowId, most: usize) -> Option<usize> {
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
            | Input::Notified { .. } => {}
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
            Input::Report { executor, report } => self.report(*executor, report),
            Input::Configure(settings) => self.settings = settings.clone(),
            Input::Wake => {}
        }
        self.begin_flows(true, step, store);
        self.take_over_met(step, store);
        self.derive(step, store);
        self.let_time_pass();
        self.cut_off();
        self.derive(step, store);
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
        for (id, host) in &mut self.hosts {
            let holds = self.attempts.values().any(|it| it.executor == *id);
            *host = TwinHost {
                online: false,
                lease: holds.then_some(lease),
            };
        }
    }

    fn start(&mut self, step: &Step, store: &Store) {
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

    fn stop(&mut self, id: ExecutionId) {
        let its = self.executions.get_mut(&id).unwrap();
        its.state = ExecutionState::Stopping;
        for run in &mut its.jobs {
            match (run.phase, run.state.is_active()) {
                (Phase::Live(attempt), _) => self.attempts.get_mut(&attempt).unwrap().kill = true,
                (_, true) => {
                    run.phase = Phase::Idle;
                    run.fixed = Some(JobRunState::Killed);
                }
                (_, false) => {}
            }
        }
    }

    fn kill(&mut self, job_run: JobRunId) {
        let mut runs = self.executions.values_mut().flat_map(|its| &mut its.jobs);
        let run = runs.find(|it| it.id == job_run).unwrap();
        assert!(run.state.is_active());
        if let Phase::Live(attempt) = run.phase {
            self.attempts.get_mut(&attempt).unwrap().kill = true;
        } else {
            (run.phase, run.fixed) = (Phase::Idle, Some(JobRunState::Killed));
        }
    }

    fn settle(&mut self, id: ExecutionId, named: &[JobRunId], to: JobRunState, store: &Store) {
        let its = &self.executions[&id];
        for run in its.jobs.iter().filter(|it| named.contains(&it.id)) {
            assert!(!is_good(run.state) && !matches!(run.phase, Phase::Live(_)));
            assert_ne!(its.flow_state(run.flow), Some(FlowRunState::Joined));
        }
        self.take_back(id, named, Some(to), store);
    }

    /// Gives job runs a good end whatever they were, or another beginning; what failed only because of them may run.
    pub(super) fn take_back(
        &mut self,
        id: ExecutionId,
        named: &[JobRunId],
        to: Option<JobRunState>,
        store: &Store,
    ) {
        let its = self.executions.get_mut(&id).unwrap();
        // What did not run because of them: try what remains when they are good, until nothing changes.
        let mut revived: BTreeSet<JobRunId> = named.iter().copied().collect();
        loop {
            let broken_by = |run: &TwinJob| {
                let ties = run.job.dependencies.iter();
                let ties =
                    ties.filter(|tie| tie.offset_days == 0 && tie.condition == Condition::Success);
                let others = ties.filter_map(|tie| its.job(tie.job));
                let bad = others.filter(|it| it.state.is_settled() && !is_good(it.state));
                bad.map(|it| it.id).collect::<Vec<_>>()
            };
            let below = |run: &TwinJob| broken_by(run).iter().any(|id| revived.contains(id));
            let broken = |run: &TwinJob| !broken_by(run).iter().all(|id| revived.contains(id));
            let next = its.jobs.iter().find(|run| {
                let failed = run.state == JobRunState::UpstreamFailed
                    && its.flow_state(run.flow) != Some(FlowRunState::Joined);
                failed && !revived.contains(&run.id) && below(run) && !broken(run)
            });
            match next.map(|run| run.id) {
                Some(next) => revived.insert(next),
                None => break,
            };
        }
        let ended = its.state.is_ended();
        for run in its.jobs.iter_mut().filter(|it| named.contains(&it.id)) {
            (run.fixed, run.phase) = (to, Phase::Idle);
            if to.is_none() {
                (run.tries, run.met, run.let_go) = (0, 0, false);
                run.waits_outside = true;
            }
        }
        revived.retain(|it| !named.contains(it));
        if ended {
            let named: BTreeSet<_> = named.iter().copied().collect();
            let its = &mut self.executions.get_mut(&id).unwrap().jobs;
            for run in its.iter_mut().filter(|it| named.contains(&it.id)) {
                run.state = to.unwrap();
            }
            let revived: Vec<_> = revived.into_iter().collect();
            self.again(id, &revived, &BTreeSet::new(), store);
            return;
        }
        for run in &mut its.jobs {
            // Those that failed for good stay so: nothing is worked out anew but what was revived.
            let again = revived.contains(&run.id) || (to.is_none() && named.contains(&run.id));
            if run.state.is_settled() && !again && run.fixed.is_none() {
                run.fixed = Some(run.state);
            }
            if revived.contains(&run.id) {
                (run.fixed, run.met, run.waits_outside) = (None, 0, true);
            }
        }
        for flow in its
            .flows
            .iter_mut()
            .filter(|it| it.state == FlowRunState::Failed)
        {
            let mut runs = its.jobs.iter().filter(|run| run.flow == flow.flow.id);
            let again = runs.clone().any(|run| revived.contains(&run.id));
            if again || runs.all(|run| run.fixed.is_some_and(is_good)) {
                (flow.state, flow.begun) = (FlowRunState::Waiting, Begun::Not);
                flow.timed_out = false;
            }
        }
    }

    fn reopen(&mut self, id: ExecutionId, from: Option<&Vec<JobRunId>>, store: &Store) {
        let its = self.executions.get_mut(&id).unwrap();
        let (again, flows_again) = match from {
            Some(from) => {
                for run in its.jobs.iter_mut().filter(|it| from.contains(&it.id)) {
                    run.left_out = false;
                }
                its.below(from)
            }
            None => {
                let broken = its.jobs.iter().filter(|run| !is_good(run.state));
                let broken: Vec<_> = broken.collect();
                let flows = broken.iter().map(|run| run.flow).collect();
                (broken.iter().map(|run| run.id).collect(), flows)
            }
        };
        let again: Vec<_> = again.into_iter().collect();
        self.again(id, &again, &flows_again, store);
    }

    fn again(
        &mut self,
        id: ExecutionId,
        again: &[JobRunId],
        flows_again: &BTreeSet<FlowId>,
        store: &Store,
    ) {
        let its = self.executions.get_mut(&id).unwrap();
        assert!(its.state.is_ended());
        its.state = ExecutionState::Running;
        its.resumed = true;
        let mut flows_again = flows_again.clone();
        for run in &mut its.jobs {
            let starts_over = again.contains(&run.id);
            if starts_over {
                flows_again.insert(run.flow);
            }
            if run.state.is_settled() && !starts_over {
                run.fixed = Some(run.state);
                continue;
            }
            (run.fixed, run.phase, run.tries) = (None, Phase::Idle, 0);
            run.let_go = false;
            (run.met, run.waits_outside) = (0, true);
            match store.jobs.get(&run.job.id) {
                Some(job) => run.job = Arc::clone(job),
                None => run.fixed = Some(JobRunState::Skipped),
            }
        }
        for at in 0..its.flows.len() {
            let run = &its.flows[at];
            // What is complete stays pinned; the rest is read afresh.
            let again = flows_again.contains(&run.flow.id);
            let complete = run.state == FlowRunState::Succeeded && !again;
            if !complete {
                its.flows[at].begun = Begun::Not;
                its.flows[at].state = FlowRunState::Waiting;
                (its.flows[at].restarts, its.flows[at].timed_out) = (0, false);
            }
            let run = &its.flows[at];
            if let Some((flow, _)) = store.flows.get(&run.flow.id).filter(|_| !complete) {
                its.flows[at].flow = Arc::clone(flow);
            }
            if !complete {
                its.flows[at].state = FlowRunState::Waiting;
            }
        }
    }

    /// R10: what a person did is recorded, with who it was.
    fn check_action(&self, input: &Input, step: &Step) {
        // It stops executions of its own.
        if matches!(input, Input::StopBackfill { .. }) {
            return;
        }
        let recorded: Vec<_> = step
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Action(row) => Some((row.execution, row.job_run, row.kind, row.by.clone())),
                _ => None,
            })
            .collect();
        let whole = |id: &ExecutionId, kind, by: &String| vec![(*id, None, kind, by.clone())];
        let each = |id: &ExecutionId, runs: &[JobRunId], kind, by: &String| {
            let runs = runs.iter();
            runs.map(|run| (*id, Some(*run), kind, by.clone()))
                .collect()
        };
        use ActionKind as K;
        let expected: Vec<(_, _, _, String)> = match input {
            Input::Stop { execution, by } => whole(execution, K::Stop, by),
            Input::Pause { execution, by } => whole(execution, K::Pause, by),
            Input::Unpause { execution, by } => whole(execution, K::Unpause, by),
            Input::Resume { execution, by, .. } => whole(execution, K::Resume, by),
            Input::Reset { execution, by, .. } => whole(execution, K::Reset, by),
            Input::Rerun {
                execution,
                from,
                by,
                ..
            } => each(execution, from, K::Rerun, by),
            Input::Kill { job_run, by } => {
                let its = self.executions.iter();
                let mut its = its.filter(|(_, it)| it.jobs.iter().any(|run| run.id == *job_run));
                each(its.next().unwrap().0, &[*job_run], K::Kill, by)
            }
            Input::Settle {
                execution,
                job_runs,
                settled,
                by,
                ..
            } => {
                let kind = match settled {
                    SettledAs::Skipped => K::Skip,
                    SettledAs::Succeeded => K::MarkSucceeded,
                };
                each(execution, job_runs, kind, by)
            }
            _ => vec![],
        };
        assert_eq!(recorded, expected, "R10");
    }

    fn report(&mut self, executor: ExecutorId, report: &Report) {
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
                            attempt.running |= it.started.is_some();
                            if let Some(end) = &it.end {
                                self.finish(id, &end.cause);
                            }
                        }
                        None if attempt.running => self.finish(id, &EndCause::Lost(String::new())),
                        None if attempt.kill => self.finish(id, &EndCause::Killed),
                        // Told to run once more.
                        None => {}
                    }
                }
            }
            Report::Started { attempt, .. } => {
                if let Some(it) = self.attempts.get_mut(attempt)
                    && it.executor == executor
                {
                    it.running = true;
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

    fn finish(&mut self, id: AttemptId, cause: &EndCause) {
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

    fn let_time_pass(&mut self) {
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

    /// Takes over which attempts were made, and sees whether they may live (R7).
    fn check_dispatches(&mut self, step: &Step, store: &Store) {
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
            };
            self.attempts.insert(row.id, attempt);
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
    fn could_take<'a>(
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

    fn pool<'a>(&self, store: &'a Store, id: PoolId) -> &'a Pool {
        store.pools().find(|pool| pool.id == id).unwrap()
    }

    /// Slots of a pool that live attempts have drawn.
    fn drawn(&self, pool: PoolId) -> u32 {
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
    fn only_pool_is_short(&self, store: &Store, run: &TwinJob) -> bool {
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
    fn pool_gives(&self, store: &Store, id: ExecutionId, run: &TwinJob) -> bool {
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

    fn used(&self, executor: ExecutorId) -> u32 {
        let its = self.attempts.values().filter(|it| it.executor == executor);
        its.map(|it| it.slots).sum()
    }

    fn rank(&self, id: ExecutionId, run: &TwinJob) -> impl Ord + use<> {
        let its = &self.executions[&id];
        let flow = its.flows.iter().find(|it| it.flow.id == run.flow).unwrap();
        let priority = i64::from(flow.flow.priority) + i64::from(run.job.priority);
        (-priority, Reverse(its.path(run)), run.queued_at, run.id)
    }

    /// Whose attempt lives, or lived and will be tried again, for this job and date.
    fn holder(&self, job: JobId, date: DataDate) -> Option<JobRunId> {
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

    fn check_claims(&self) {
        for its in self.executions.values() {
            for run in &its.jobs {
                self.holder(run.job.id, its.date);
            }
        }
    }

    /// Queued job runs whose job does not run elsewhere for the same date.
    fn queued(&self) -> Vec<(ExecutionId, &TwinJob)> {
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
    fn check_nothing_idle(&self, store: &Store) {
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
            // Those that need the same of an executor have one kept, for the first of them.
            let mut kept_for = BTreeSet::new();
            let mut may_be_kept = BTreeSet::new();
            for &(its, other) in &queued {
                if other.job.slots >= 2 && self.rank(its, other) < self.rank(id, run) {
                    kept_for.insert((&other.job.placement, other.job.slots));
                    may_be_kept.extend(self.could_take(store, other));
                }
            }
            let few = idle.len() <= kept_for.len() && idle.is_subset(&may_be_kept);
            assert!(few, "R7: {} waits, {idle:?} have room", run.id);
        }
    }

    /// Every state that a store was told is the one that follows from the rules.
    fn compare(&self, store: &Store) {
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
