//! How an execution is made: by a start, from its rows, and anew from definitions when something of it has changed.

use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};
use core::ops::Range;

use super::{
    super::{
        change::{ExecutionRow, ExecutionSnapshot, FlowRunRow, JobRunRow, TriggerKind},
        state::{AttemptState, FlowRunState, JobRunState},
    },
    Execution, FlowRun, JobRun, is_failure, unmet_of, verdict,
};
use crate::{
    id::{FlowRunId, JobId, JobRunId},
    mesh::Rows,
    model::{Condition, Flow, Job, MOST_OUTSIDE_DEPENDENCIES},
};

impl Execution {
    /// An execution of these flows and jobs in which nothing has moved yet.
    ///
    /// `jobs` has the jobs of each flow in the order of `flows`; ids of runs start at the given ones.
    pub(in super::super) fn new(
        row: ExecutionRow,
        flows: Vec<(Arc<Flow>, Vec<Arc<Job>>)>,
        first_flow_run: FlowRunId,
        first_job_run: JobRunId,
    ) -> Self {
        let execution = row.id;
        let mut flow_runs = Vec::with_capacity(flows.len());
        let mut jobs = Vec::with_capacity(flows.iter().map(|(_, jobs)| jobs.len()).sum());
        for (at, (flow, its_jobs)) in flows.into_iter().enumerate() {
            let flow_run = FlowRunId(first_flow_run.0 + at as u64);
            let start = jobs.len() as u32;
            for job in its_jobs {
                let row = JobRunRow {
                    id: JobRunId(first_job_run.0 + jobs.len() as u64),
                    execution,
                    flow_run,
                    job: job.id,
                    job_version: job.revision.version,
                    state: JobRunState::Blocked,
                    attempt: 0,
                    attempts_before: 0,
                    queued_at: None,
                    started_at: None,
                    ended_at: None,
                    exit_code: None,
                    retry_at: None,
                    left_out: false,
                    met_outside: 0,
                };
                jobs.push(JobRun::new(row, job, at as u32));
            }
            let row = FlowRunRow {
                id: flow_run,
                execution,
                flow: flow.id,
                flow_version: flow.revision.version,
                state: FlowRunState::Waiting,
                started_at: None,
                ended_at: None,
                joined_to: None,
                restarts: 0,
                restart_at: None,
                timed_out: false,
            };
            flow_runs.push(FlowRun::new(row, flow, start..jobs.len() as u32));
        }
        Self::wired(row, flow_runs, jobs)
    }

    fn wired(row: ExecutionRow, flow_runs: Vec<FlowRun>, jobs: Vec<JobRun>) -> Self {
        let mut new = Self {
            row,
            flow_runs,
            jobs,
            dependents: Rows::default(),
            active: 0,
            queued: 0,
            waits: 0,
            outside: BTreeMap::new(),
            read: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        new.wire();
        new
    }

    /// The execution of a snapshot; `None` if its rows do not fit each other.
    pub(in super::super) fn restore(snapshot: ExecutionSnapshot) -> Option<Self> {
        let execution = snapshot.row.id;
        if (snapshot.row.trigger == TriggerKind::Backfill) != snapshot.row.backfill.is_some() {
            return None;
        }
        let first_flow_run = snapshot.flow_runs.first().map_or(0, |(row, _)| row.id.0);
        let first_job_run = snapshot.job_runs.first().map_or(0, |(row, _)| row.id.0);
        let mut jobs = Vec::with_capacity(snapshot.job_runs.len());
        for (at, (row, job)) in snapshot.job_runs.into_iter().enumerate() {
            let flow_run = u32::try_from(row.flow_run.0.checked_sub(first_flow_run)?).ok()?;
            let ordered = jobs
                .last()
                .is_none_or(|last: &JobRun| (last.flow_run, last.row.job) < (flow_run, row.job));
            let fits = row.execution == execution
                && row.id.0.checked_sub(first_job_run) == Some(at as u64)
                && row.job == job.id
                && row.attempts_before <= row.attempt
                && (row.state != JobRunState::RetryWait || row.retry_at.is_some())
                && ordered;
            if !fits {
                return None;
            }
            jobs.push(JobRun::new(row, job, flow_run));
        }
        let mut flow_runs = Vec::with_capacity(snapshot.flow_runs.len());
        let mut end = 0;
        for (at, (row, flow)) in snapshot.flow_runs.into_iter().enumerate() {
            let fits = row.execution == execution
                && row.id.0.checked_sub(first_flow_run) == Some(at as u64)
                && row.flow == flow.id
                && flow_runs
                    .last()
                    .is_none_or(|last: &FlowRun| last.row.flow < row.flow);
            if !fits {
                return None;
            }
            let start = end;
            end += jobs[start..]
                .iter()
                .take_while(|job| job.flow_run == at as u32)
                .count();
            flow_runs.push(FlowRun::new(row, flow, start as u32..end as u32));
        }
        if end != jobs.len() {
            return None;
        }
        let mut restored = Self::wired(snapshot.row, flow_runs, jobs);
        for attempt in &snapshot.attempts {
            let at = restored.position(attempt.job_run)?;
            let job = &mut restored.jobs[at as usize];
            let fits = matches!(
                (job.row.state, attempt.state),
                (JobRunState::Dispatched, AttemptState::Dispatched)
                    | (JobRunState::Running, AttemptState::Running)
            ) && job.attempt.is_none()
                && attempt.execution == execution;
            if !fits {
                return None;
            }
            job.attempt = Some(attempt.id);
        }
        if !restored.restore_outputs(snapshot.outputs) {
            return None;
        }
        if restored
            .jobs
            .iter()
            .any(|job| job.row.state.is_live() != job.attempt.is_some())
        {
            return None;
        }
        Some(restored)
    }

    /// Rebuilds all that follows from definitions and states: edges, counters, longest ways.
    pub(in super::super) fn wire(&mut self) {
        let by_job: BTreeMap<JobId, u32> = self
            .jobs
            .iter()
            .enumerate()
            .map(|(at, job)| (job.row.job, at as u32))
            .collect();
        let by_flow: BTreeMap<_, _> = self
            .flow_runs
            .iter()
            .enumerate()
            .map(|(at, run)| (run.row.flow, at as u32))
            .collect();
        self.wire_outputs(&by_job);
        let mut edges = Vec::new();
        self.outside.clear();
        for (at, run) in self.jobs.iter().enumerate() {
            for (nth, dependency) in run.job.dependencies.iter().enumerate() {
                let inside = by_job.get(&dependency.job);
                match inside.filter(|_| dependency.is_of_same_date()) {
                    Some(&from) => edges.push((from, at as u32, dependency.condition)),
                    // What a person picked out looks at nothing outside.
                    None if self.row.partial => {}
                    None => self.outside.entry(at as u32).or_default().push(nth as u32),
                }
            }
        }
        // No edit lets a job have more; rows that say otherwise must not take the engine down.
        for its in self.outside.values_mut() {
            its.truncate(MOST_OUTSIDE_DEPENDENCIES);
        }
        let mut parents = Vec::new();
        for (at, run) in self.flow_runs.iter().enumerate() {
            for parent in &run.flow.parents {
                if let Some(&from) = by_flow.get(parent) {
                    parents.push((from, at as u32));
                }
            }
        }
        self.dependents = Rows::new(self.jobs.len(), &edges);
        self.measure(&edges, &parents);

        for run in &mut self.flow_runs {
            (run.unmet_parents, run.open, run.failed) = (0, 0, 0);
            run.children.clear();
        }
        for &(from, to) in &parents {
            self.flow_runs[from as usize].children.push(to);
            if self.flow_runs[from as usize].row.state != FlowRunState::Succeeded {
                self.flow_runs[to as usize].unmet_parents += 1;
            }
        }
        for job in &mut self.jobs {
            (job.unmet, job.broken, job.void) = (0, false, false);
            job.unmet_outside = 0;
        }
        for (&at, its) in &self.outside {
            let job = &mut self.jobs[at as usize];
            job.unmet_outside = unmet_of(its.len(), job.row.met_outside);
        }
        for &(from, to, condition) in &edges {
            let verdict = verdict(condition, self.jobs[from as usize].row.state);
            let job = &mut self.jobs[to as usize];
            job.unmet += 1;
            job.note(verdict);
        }
        (self.active, self.queued) = (0, 0);
        for job in &self.jobs {
            let run = &mut self.flow_runs[job.flow_run as usize];
            self.active += u32::from(job.row.state.is_active());
            self.queued += u32::from(job.row.state == JobRunState::Queued);
            run.open += u32::from(!job.row.state.is_settled());
            run.failed += u32::from(is_failure(job.row.state));
        }
        for job in &mut self.jobs {
            let met = job.unmet + u32::from(job.unmet_outside) == 0 && !job.broken && !job.void;
            job.let_go = job.row.state.is_active() && !met;
        }
        self.waits = self.count_waits();
    }

    /// Sets each job run's `path`: the longest way below it, through flows that wait for its flow too.
    fn measure(&mut self, edges: &[(u32, u32, Condition)], parents: &[(u32, u32)]) {
        let jobs = self.jobs.len() as u32;
        let start_of = |flow_run: u32| jobs + 2 * flow_run;
        let end_of = |flow_run: u32| jobs + 2 * flow_run + 1;
        let mut all: Vec<(u32, u32, ())> =
            edges.iter().map(|&(from, to, _)| (from, to, ())).collect();
        for (at, job) in self.jobs.iter().enumerate() {
            all.push((start_of(job.flow_run), at as u32, ()));
            all.push((at as u32, end_of(job.flow_run), ()));
        }
        // A flow without jobs passes the wait on.
        all.extend((0..self.flow_runs.len() as u32).map(|at| (start_of(at), end_of(at), ())));
        all.extend(
            parents
                .iter()
                .map(|&(from, to)| (end_of(from), start_of(to), ())),
        );
        let rows = Rows::new(self.jobs.len() + 2 * self.flow_runs.len(), &all);
        // Versions pinned at different times could wait for each other; then first come, first served.
        let below = rows
            .longest_below(|node| u64::from(node < jobs))
            .unwrap_or_else(|_| vec![0; rows.len()]);
        for (job, below) in self.jobs.iter_mut().zip(below) {
            job.path = u32::try_from(below).unwrap_or(u32::MAX);
        }
    }
}

impl FlowRun {
    fn new(row: FlowRunRow, flow: Arc<Flow>, jobs: Range<u32>) -> Self {
        Self {
            row,
            flow,
            jobs,
            children: Vec::new(),
            unmet_parents: 0,
            open: 0,
            failed: 0,
            contested: false,
        }
    }
}

impl JobRun {
    fn new(row: JobRunRow, job: Arc<Job>, flow_run: u32) -> Self {
        Self {
            row,
            job,
            flow_run,
            unmet: 0,
            unmet_outside: 0,
            path: 0,
            attempt: None,
            broken: false,
            void: false,
            let_go: false,
        }
    }
}
