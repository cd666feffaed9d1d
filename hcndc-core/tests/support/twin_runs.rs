//! The twin's part across executions: R1 and R2 outside, R5, runs of a flow at once, and the past; all found by looking at
//! all runs that there are.
//!
//! Which flow runs begin, and as what, it takes from the engine's rows, and sees whether they may, and whether all others
//! have a reason to wait.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use hcndc_core::{
    engine::{Change, ExecutionState, FlowRunState, JobRunState, Step},
    id::{ExecutionId, FlowId, FlowRunId, JobId},
    model::Dependency,
    time::DataDate,
};

use super::{
    store::Store,
    twin::{Phase, Twin, TwinExecution, TwinFlow, TwinJob, is_good},
};

/// How a flow run has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    Not,
    Runs,
    /// With whom it shares an end, and how that was once it is known.
    Joined(Option<FlowRunId>, Option<bool>),
}

/// What is known of runs that have ended, date by date.
#[derive(Debug, Default)]
pub(crate) struct Past {
    pub(crate) dates: BTreeSet<(FlowId, DataDate)>,
    pub(crate) outcomes: BTreeMap<(JobId, DataDate), JobRunState>,
}

impl Past {
    pub(crate) fn forget(&mut self, store: &Store) {
        self.dates
            .retain(|(flow, _)| store.flows.contains_key(flow));
        self.outcomes
            .retain(|(job, _), _| store.jobs.contains_key(job));
    }

    pub(crate) fn compare(&self, store: &Store) {
        let mut dates = BTreeSet::new();
        let mut last: Option<(FlowId, DataDate)> = None;
        for (&(flow, from), &to) in &store.flow_dates {
            let touches = last.is_some_and(|(it, to)| it == flow && to.plus_days(1) >= Some(from));
            assert!(!touches, "ranges of flow {flow} touch at {from}");
            last = Some((flow, to));
            let mut date = from;
            while date <= to {
                dates.insert((flow, date));
                date = date.plus_days(1).unwrap();
            }
        }
        assert_eq!(dates, self.dates, "dates of flows");
        assert_eq!(store.job_outcomes, self.outcomes, "outcomes of jobs");
    }
}

pub(crate) fn states_of(jobs: &[TwinJob], flow: FlowId) -> Vec<(JobId, JobRunState)> {
    let its = jobs.iter().filter(|it| it.flow == flow);
    its.map(|it| (it.job.id, it.state)).collect()
}

impl TwinExecution {
    pub(crate) fn is_live(&self) -> bool {
        !self.state.is_ended()
    }

    pub(crate) fn flow_of(&self, flow: FlowId) -> Option<&TwinFlow> {
        self.flows.iter().find(|it| it.flow.id == flow)
    }

    pub(crate) fn jobs_of(&self, flow: FlowId) -> impl Iterator<Item = &TwinJob> {
        self.jobs.iter().filter(move |it| it.flow == flow)
    }

    /// Dependencies of a job run on runs outside, each with its bit.
    pub(crate) fn outside(&self, run: &TwinJob) -> Vec<(u64, Dependency)> {
        let ties = run
            .job
            .dependencies
            .iter()
            .copied()
            .filter(|_| !self.partial);
        let outside = ties.filter(|it| it.offset_days != 0 || self.job(it.job).is_none());
        let bits = (0..64).map(|bit| 1 << bit);
        bits.zip(outside).collect()
    }

    /// Those of them that were not seen to be met.
    pub(crate) fn unmet_outside(&self, run: &TwinJob) -> impl Iterator<Item = Dependency> + use<> {
        let met = run.met;
        let outside = self.outside(run).into_iter();
        outside
            .filter(move |(bit, _)| met & bit == 0)
            .map(|(_, tie)| tie)
    }

    /// Whether a job run looks for runs outside: its flow runs, and nothing has decided about it.
    pub(crate) fn looks(&self, run: &TwinJob) -> bool {
        self.flow_of(run.flow).unwrap().begun == Begun::Runs && run.fixed.is_none()
    }

    pub(crate) fn waits_inside(&self, run: &TwinJob) -> bool {
        run.job.dependencies.iter().any(|tie| {
            let other = self.job(tie.job).filter(|_| tie.offset_days == 0);
            other.is_some_and(|other| !other.state.is_settled())
        })
    }

    /// Whether all parents in the execution have succeeded.
    pub(crate) fn is_open_inside(&self, run: &TwinFlow) -> bool {
        let parents = run.flow.parents.iter();
        let mut states = parents.filter_map(|&parent| self.flow_state(parent));
        states.all(|state| state == FlowRunState::Succeeded)
    }

    /// Whether something of it may move though nothing of it is active.
    pub(crate) fn waits(&self) -> bool {
        let flows = self.flows.iter().any(|run| match run.state {
            FlowRunState::Waiting => self.is_open_inside(run),
            FlowRunState::Joined => true,
            FlowRunState::Running => run.restart_at.is_some(),
            _ => false,
        });
        let jobs = self.jobs.iter().any(|run| {
            run.state == JobRunState::Blocked
                && self.flow_state(run.flow) == Some(FlowRunState::Running)
                && self.unmet_outside(run).next().is_some()
                && !self.waits_inside(run)
        });
        flows || jobs
    }
}

impl Twin {
    /// Takes over which flow runs began, and sees whether that may be.
    ///
    /// `first` says that nothing has been worked out yet. Tells whether any began.
    pub(crate) fn begin_flows(&mut self, first: bool, step: &Step, store: &Store) -> bool {
        let mut any = false;
        for change in &step.changes {
            let Change::FlowRun {
                from: Some(FlowRunState::Waiting),
                row,
            } = change
            else {
                continue;
            };
            let begun = match row.state {
                // Pinned to another version.
                FlowRunState::Waiting => continue,
                FlowRunState::Running => Begun::Runs,
                FlowRunState::Joined => {
                    Begun::Joined(row.joined_to, row.joined_to.is_none().then_some(true))
                }
                state => panic!("{row:?} went from waiting to {state}"),
            };
            let its = &self.executions[&row.execution];
            let known = its.flows.iter().find(|it| it.id == row.id).unwrap();
            let waits = store.flow_runs[&row.id].state == FlowRunState::Waiting;
            if known.begun != Begun::Not || (waits && !first) {
                continue;
            }
            any = true;
            let (date, joins) = (its.date, its.automatic && !its.resumed && !its.partial);
            let done = self.past.dates.contains(&(row.flow, date));
            match begun {
                _ if !first => {}
                Begun::Runs if joins => {
                    assert!(!done, "R5: {row:?} runs for a date that is done");
                    let other = self.joinable(row.execution, row.flow, date, store);
                    assert_eq!(other, None, "R5: {row:?} runs though another does");
                }
                Begun::Joined(Some(other), _) => {
                    assert!(joins, "R5: {row:?} joins what it need not");
                    let other = store.flow_runs[&other];
                    let same = other.flow == row.flow
                        && store.executions[&other.execution].data_date == date;
                    assert!(same && other.started_at.is_some(), "R5: {row:?}, {other:?}");
                }
                Begun::Joined(None, _) => assert!(joins, "R5: {row:?} joins what it need not"),
                Begun::Runs | Begun::Not => {}
            }
            let (id, now) = (row.id, self.now);
            let its = self.executions.get_mut(&row.execution).unwrap();
            let run = its.flows.iter_mut().find(|it| it.id == id).unwrap();
            (run.begun, run.started_at) = (begun, now);
            if begun == Begun::Joined(None, Some(true)) {
                for job in its.jobs.iter_mut().filter(|it| it.flow == row.flow) {
                    job.fixed.get_or_insert(JobRunState::Skipped);
                }
            }
        }
        any
    }

    /// A run of the flow for the date that ran before this step, runs still, and is not being stopped.
    pub(crate) fn joinable(
        &self,
        but: ExecutionId,
        flow: FlowId,
        date: DataDate,
        store: &Store,
    ) -> Option<FlowRunId> {
        let others = self.executions.iter().filter(|(id, its)| {
            **id != but && its.date == date && !its.partial && its.state != ExecutionState::Stopping
        });
        let mut runs = others.filter_map(|(_, its)| its.flow_of(flow));
        let found = runs.find(|run| {
            let row = store.flow_runs[&run.id];
            let runs = row.state == FlowRunState::Running;
            let stays = store.executions[&row.execution].state != ExecutionState::Stopping;
            run.state == FlowRunState::Running && runs && stays
        });
        found.map(|run| run.id)
    }

    /// All that follows from what was done, by looking at everything until nothing changes.
    pub(crate) fn derive(&mut self, step: &Step, store: &Store) {
        for round in 0.. {
            assert!(round < 10_000, "the twin comes to no end");
            let before = self.marks();
            self.derive_states();
            self.look_outside();
            self.share_ends(store);
            self.take_over_met(step, store);
            if before != self.marks() {
                continue;
            }
            let moves = self.decide_outside(step, store)
                || self.begin_flows(false, step, store)
                || self.end_executions();
            if !moves {
                break;
            }
        }
    }

    /// All that deriving changes.
    pub(crate) fn marks(&self) -> Vec<(Option<JobRunState>, JobRunState, u64, bool, bool)> {
        let live = self.executions.values().filter(|its| its.is_live());
        let jobs = live.clone().flat_map(|its| &its.jobs);
        let jobs = jobs.map(|run| (run.fixed, run.state, run.met, run.waits_outside, false));
        let flows = live.flat_map(|its| &its.flows).map(|run| {
            let ended = matches!(run.begun, Begun::Joined(_, Some(_)));
            let at = run.state as u64;
            (None, JobRunState::Blocked, at, ended, false)
        });
        jobs.chain(flows).collect()
    }

    pub(crate) fn derive_states(&mut self) {
        let now = self.now;
        for its in self.executions.values_mut().filter(|its| its.is_live()) {
            let before: Vec<FlowRunState> = its.flows.iter().map(|run| run.state).collect();
            let queued = |run: &TwinJob| run.state == JobRunState::Queued;
            let was_queued: Vec<bool> = its.jobs.iter().map(queued).collect();
            if its.state.goes_on() {
                its.derive();
                if its.plan_restarts(&before, now) {
                    its.derive();
                }
            } else {
                for run in &mut its.jobs {
                    run.state = run.fixed.unwrap_or(run.state);
                }
            }
            for (run, was) in its.jobs.iter_mut().zip(was_queued) {
                if let Phase::Live(id) = run.phase
                    && self.attempts[&id].running
                {
                    run.state = JobRunState::Running;
                }
                if queued(run) && !was {
                    run.queued_at = now;
                }
                run.let_go |= run.state.is_active();
            }
            for (run, before) in its.flows.iter_mut().zip(before) {
                let ends = matches!(
                    run.state,
                    FlowRunState::Succeeded | FlowRunState::Failed | FlowRunState::Stopped
                );
                if run.state != FlowRunState::Running {
                    run.restart_at = None;
                }
                if ends && before != run.state && run.begun == Begun::Runs {
                    let jobs = states_of(&its.jobs, run.flow.id);
                    self.ended.insert(run.id, (run.state, jobs));
                }
            }
        }
    }

    /// R5: ends are shared, job by job and at last as a whole.
    pub(crate) fn share_ends(&mut self, store: &Store) {
        let mut shared = Vec::new();
        for (id, its) in &self.executions {
            for run in &its.flows {
                let Begun::Joined(Some(other), None) = run.begun else {
                    continue;
                };
                if !its.state.goes_on() {
                    continue;
                }
                let with = self.executions.values();
                let mut with = with.filter(|it| it.flows.iter().any(|run| run.id == other));
                let with = with.next().unwrap();
                let end = match with.flow_state(run.flow.id).unwrap() {
                    FlowRunState::Succeeded => Some(true),
                    FlowRunState::Failed | FlowRunState::Stopped => Some(false),
                    _ => None,
                };
                let mut jobs = BTreeMap::new();
                for job in its.jobs_of(run.flow.id) {
                    let there = with.job(job.job.id).filter(|it| it.state.is_settled());
                    if let Some(good) = there.map(|it| is_good(it.state)).or(end) {
                        jobs.insert(job.id, good);
                    }
                }
                shared.push((*id, run.id, end, jobs));
            }
        }
        // What had failed there is good now, for people made it so.
        let mut made_good = Vec::new();
        for (id, flow_run, end, jobs) in shared {
            let its = self.executions.get_mut(&id).unwrap();
            for run in its.flows.iter_mut().filter(|it| it.id == flow_run) {
                if let Begun::Joined(_, its_end) = &mut run.begun {
                    *its_end = end;
                }
            }
            for run in &mut its.jobs {
                if let Some(&good) = jobs.get(&run.id) {
                    if run.fixed == Some(JobRunState::UpstreamFailed) && good {
                        made_good.push((id, run.id));
                    }
                    run.fixed.get_or_insert(if good {
                        JobRunState::Skipped
                    } else {
                        JobRunState::UpstreamFailed
                    });
                }
            }
        }
        for (id, run) in made_good {
            self.take_back(id, &[run], Some(JobRunState::Skipped), store);
        }
    }

    /// Ends what neither moves nor waits. Tells whether there was any.
    pub(crate) fn end_executions(&mut self) -> bool {
        let mut any = false;
        for its in self.executions.values_mut().filter(|its| its.is_live()) {
            let stopping = its.state == ExecutionState::Stopping;
            let active = its.jobs.iter().any(|run| run.state.is_active());
            if active || (!stopping && its.waits()) {
                continue;
            }
            any = true;
            for run in &mut its.flows {
                run.restart_at = None;
                if run.state == FlowRunState::Joined {
                    run.state = FlowRunState::Stopped;
                } else if run.state == FlowRunState::Running {
                    let mut jobs = its.jobs.iter().filter(|it| it.flow == run.flow.id);
                    run.state = match (jobs.all(|it| is_good(it.state)), stopping) {
                        (true, _) => FlowRunState::Succeeded,
                        (false, true) => FlowRunState::Stopped,
                        (false, false) => FlowRunState::Failed,
                    };
                    let jobs = states_of(&its.jobs, run.flow.id);
                    self.ended.insert(run.id, (run.state, jobs));
                }
            }
            let mut flows = its.flows.iter();
            let all = flows.all(|run| run.state == FlowRunState::Succeeded);
            its.state = match (stopping, all) {
                (true, _) => ExecutionState::Stopped,
                (false, true) => ExecutionState::Succeeded,
                (false, false) => ExecutionState::Failed,
            };
        }
        any
    }

    /// R3 and the past: what is kept of flow runs that ended, in the order in which they did.
    pub(crate) fn keep_ends(&mut self, step: &Step, store: &Store) {
        let told = step.changes.iter().filter_map(|change| match change {
            Change::FlowRun { row, .. } if row.ended_at.is_some() => Some(row.id),
            _ => None,
        });
        let order: Vec<FlowRunId> = told.collect();
        let mut ended: Vec<_> = std::mem::take(&mut self.ended).into_iter().collect();
        ended.sort_by_key(|(id, _)| order.iter().rposition(|it| it == id));
        for (id, (state, jobs)) in ended {
            let mut executions = self.executions.values();
            let has = |its: &&TwinExecution| its.flows.iter().any(|run| run.id == id);
            let its = executions.find(has).unwrap();
            let run = its.flows.iter().find(|run| run.id == id).unwrap();
            let (flow, date) = (run.flow.id, its.date);
            if its.partial || !store.flows.contains_key(&flow) {
                continue;
            }
            if state == FlowRunState::Succeeded {
                self.past.dates.insert((flow, date));
                let its = |job: &JobId| store.jobs.get(job).is_some_and(|it| it.flow == flow);
                self.past
                    .outcomes
                    .retain(|(job, of), _| *of != date || !its(job));
                let reached = self.dates.entry(flow).or_insert(date);
                *reached = date.max(*reached);
                continue;
            }
            for (id, state) in jobs {
                let awaited = store.jobs.values().any(|it| {
                    let mut ties = it.dependencies.iter().filter(|tie| tie.job == id);
                    ties.any(|tie| it.flow != flow || tie.offset_days != 0)
                });
                if awaited {
                    self.past.outcomes.insert((id, date), state);
                }
            }
        }
    }

    /// Whatever began may have, and whatever waits has a reason to.
    pub(crate) fn check_runs(&mut self, step: &Step, store: &Store) {
        let mut in_line = BTreeSet::new();
        let began: BTreeSet<FlowRunId> = step
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::FlowRun {
                    from: Some(FlowRunState::Waiting),
                    row,
                } if row.state != FlowRunState::Waiting => Some(row.id),
                _ => None,
            })
            .collect();
        let mut running: BTreeMap<FlowId, u32> = BTreeMap::new();
        for its in self.executions.values() {
            for run in its.flows.iter() {
                *running.entry(run.flow.id).or_default() +=
                    u32::from(run.state == FlowRunState::Running);
            }
        }
        let max_of = |flow: FlowId| store.flows.get(&flow).and_then(|(flow, _)| flow.max_runs);
        for (id, its) in &self.executions {
            for run in &its.flows {
                let flow = run.flow.id;
                if began.contains(&run.id) {
                    assert!(is_open(its, run, store), "R2: {run:?} began too early");
                }
                if began.contains(&run.id) && run.state == FlowRunState::Running {
                    let max = max_of(flow);
                    let fits = max.is_none_or(|max| running[&flow] <= max);
                    assert!(fits, "R7: {} runs of {}", running[&flow], run.flow.name);
                    // Whoever waits for the same place goes after it.
                    let rank = |id: ExecutionId, run: &TwinFlow| (Reverse(run.flow.priority), id);
                    for (other_id, other_its) in &self.executions {
                        let other = other_its.flow_of(flow).filter(|_| max.is_some());
                        let waits = other.filter(|other| {
                            let runs = other_its.state == ExecutionState::Running;
                            let waits = other.state == FlowRunState::Waiting;
                            runs && waits && self.in_line.contains(&other.id)
                        });
                        if let Some(other) = waits {
                            let after = rank(*id, run) < rank(*other_id, other);
                            assert!(after, "R7: {other:?} goes before {run:?}");
                        }
                    }
                }
                let waits =
                    run.state == FlowRunState::Waiting && its.state == ExecutionState::Running;
                if waits && is_open(its, run, store) {
                    let joins = its.automatic && !its.resumed && !its.partial;
                    let done = self.past.dates.contains(&(flow, its.date));
                    let other = self.joinable(*id, flow, its.date, store);
                    assert!(!joins || (!done && other.is_none()), "R5: {run:?} can join");
                    let full = max_of(flow).is_some_and(|max| running[&flow] >= max);
                    assert!(full, "R2: {run:?} of {id} waits for nothing");
                    in_line.insert(run.id);
                }
            }
        }
        self.in_line = in_line;
    }
}

/// R2: whether no parent holds a flow run.
pub(crate) fn is_open(its: &TwinExecution, run: &TwinFlow, store: &Store) -> bool {
    let reached = |parent: &FlowId| {
        let outside = its.flow_of(*parent).is_none();
        let known = store
            .flows
            .get(parent)
            .filter(|_| its.automatic && !its.partial && outside);
        known.is_none_or(|(_, date)| date.is_some_and(|date| date >= its.date))
    };
    its.is_open_inside(run) && run.flow.parents.iter().all(reached)
}
