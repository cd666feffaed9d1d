//! One live execution: its flow runs and job runs, how far each is, and what an end sets going.
//!
//! Dependencies are counted, so an end costs its dependents and nothing else. Everything that moves
//! here is told as [`Moves`]; queues, executors and clocks are the engine's business.

mod again;
mod build;
mod outputs;
mod outside;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::{mem, ops::Range};

pub(super) use self::outputs::NoOutput;
use super::{
    change::{Change, ExecutionRow, FlowRunRow, JobOutputs, JobRunRow},
    state::{ExecutionState, FlowRunState, JobRunState},
};
use crate::{
    id::{AttemptId, FlowId, JobId, JobRunId},
    mesh::Rows,
    model::{Condition, Flow, Job},
    time::Timestamp,
};

/// A live execution.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    pub(super) row: ExecutionRow,
    pub(super) flow_runs: Vec<FlowRun>,
    /// Job runs, flow run by flow run; their ids follow each other.
    pub(super) jobs: Vec<JobRun>,
    /// For each job run those that depend on it, and how.
    pub(super) dependents: Rows<Condition>,
    /// Job runs that are queued, dispatched, running or waiting for a retry.
    pub(super) active: u32,
    /// Job runs that are queued.
    pub(super) queued: u32,
    /// Flow runs and job runs that wait for nothing but what lies outside of it: they may move, whatever happens here.
    pub(super) waits: u32,
    /// For each job run that depends on runs outside, which of its job's dependencies those are; a bit of
    /// [`JobRunRow::met_outside`] stands for each, in this order.
    pub(super) outside: BTreeMap<u32, Vec<u32>>,
    /// For each job run that others read outputs of, which these are.
    read: BTreeMap<u32, BTreeSet<String>>,
    /// What job runs have put out, as far as others read it; each that has put out something is there.
    outputs: BTreeMap<u32, JobOutputs>,
}

/// A live flow run.
#[derive(Clone, Debug)]
pub(super) struct FlowRun {
    pub(super) row: FlowRunRow,
    pub(super) flow: Arc<Flow>,
    /// Its part of the execution's job runs.
    pub(super) jobs: Range<u32>,
    /// Flow runs of this execution that wait for it.
    pub(super) children: Vec<u32>,
    /// Parents in this execution that have not succeeded.
    pub(super) unmet_parents: u32,
    /// Job runs that have not settled.
    pub(super) open: u32,
    /// Job runs that settled and were neither successful nor skipped.
    pub(super) failed: u32,
    /// Whether another live execution has, or had, a run of its flow for its date: then their jobs' dates are claimed.
    pub(super) contested: bool,
}

/// A live job run.
#[derive(Clone, Debug)]
pub(super) struct JobRun {
    pub(super) row: JobRunRow,
    pub(super) job: Arc<Job>,
    pub(super) flow_run: u32,
    /// Dependencies in this execution that have not met their condition.
    pub(super) unmet: u32,
    /// Dependencies on runs outside that were not seen to be met.
    pub(super) unmet_outside: u8,
    /// Jobs on the longest way through the execution that starts with it.
    pub(super) path: u32,
    /// The attempt that is alive.
    pub(super) attempt: Option<AttemptId>,
    /// A dependency can never meet its condition, because something failed.
    pub(super) broken: bool,
    /// What it was to react to did not happen.
    pub(super) void: bool,
    /// It was let go by dependencies that are no longer met, for a person settled what they had waited for. It keeps its turn.
    pub(super) let_go: bool,
}

// A live job run is what the engine has most of.
const _: () = assert!(size_of::<JobRun>() <= 200);

/// What moved, in order.
#[derive(Debug)]
pub(super) struct Moves<'a> {
    pub(super) now: Timestamp,
    pub(super) changes: &'a mut Vec<Change>,
    /// Job runs that became queued.
    pub(super) ready: Vec<u32>,
    /// Job runs that settled.
    pub(super) settled: Vec<u32>,
    /// Flow runs that succeeded by themselves.
    pub(super) succeeded: Vec<u32>,
    /// Flow runs that ran and came to an end.
    pub(super) ended: Vec<u32>,
    /// Flow runs that wait anew.
    pub(super) reopened: Vec<u32>,
    /// Job runs that begin to wait for runs outside, for their flow runs have started.
    pub(super) watching: Vec<u32>,
    /// Job runs that waited for runs outside, and do no more.
    pub(super) unwatched: Vec<u32>,
    /// Flow runs of which what failed is to run again.
    pub(super) restarting: Vec<u32>,
    /// Whether all of it is on offer anew: its runs are the latest ones from now on.
    pub(super) offered: bool,
    /// Flow runs that wait for no other of this execution any more: the engine decides whether they start.
    pub(super) startable: Vec<u32>,
    work: Vec<Work>,
}

/// Lists that are empty but have room: most moves fill these and no others, and each end of a job would pay for new ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare {
    ready: Vec<u32>,
    settled: Vec<u32>,
    work: Vec<Work>,
}

impl<'a> Moves<'a> {
    pub(super) fn new(now: Timestamp, changes: &'a mut Vec<Change>, spare: Spare) -> Self {
        Self {
            now,
            changes,
            ready: spare.ready,
            settled: spare.settled,
            work: spare.work,
            succeeded: Vec::new(),
            ended: Vec::new(),
            reopened: Vec::new(),
            watching: Vec::new(),
            unwatched: Vec::new(),
            restarting: Vec::new(),
            offered: false,
            startable: Vec::new(),
        }
    }

    /// The lists, for the next moves.
    pub(super) fn into_spare(mut self) -> Spare {
        self.ready.clear();
        self.settled.clear();
        Spare {
            ready: self.ready,
            settled: self.settled,
            work: self.work,
        }
    }
}

/// What a settled job run means for a dependency on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The condition is met.
    Met,
    /// It cannot be met, because something failed.
    Broken,
    /// It cannot be met, because nothing failed.
    Void,
}

/// R1 and R6 in one table: what an end means for a condition; `None` while there is none.
pub(super) fn verdict(condition: Condition, state: JobRunState) -> Option<Verdict> {
    use JobRunState as S;
    let succeeded = match state {
        S::Blocked | S::Queued | S::Dispatched | S::Running | S::RetryWait => return None,
        S::Succeeded | S::Skipped => true,
        S::Failed | S::Killed | S::UpstreamFailed => false,
    };
    Some(match (condition, succeeded) {
        (Condition::Done, _) | (Condition::Success, true) | (Condition::Failure, false) => {
            Verdict::Met
        }
        (Condition::Success, false) => Verdict::Broken,
        (Condition::Failure, true) => Verdict::Void,
    })
}

/// Work that an end leaves to do; a list instead of recursion, for chains may be long.
#[derive(Clone, Copy, Debug)]
enum Work {
    Settled(u32),
    FlowMayEnd(u32),
}

impl Execution {
    /// Where a job run stands in `jobs`.
    pub(super) fn position(&self, job_run: JobRunId) -> Option<u32> {
        let first = self.jobs.first()?.row.id.0;
        let at = usize::try_from(job_run.0.checked_sub(first)?).ok()?;
        (at < self.jobs.len()).then_some(at as u32)
    }

    /// The run of a job. Runs come flow by flow and job by job in the order of ids, as starts make them.
    ///
    /// # Complexity
    /// O(flow runs * log job runs).
    pub(super) fn find_job(&self, job: JobId) -> Option<&JobRun> {
        (0..self.flow_runs.len() as u32).find_map(|at| self.find_job_of(at, job))
    }

    /// The run of a job of this flow run.
    pub(super) fn find_job_of(&self, flow_run: u32, job: JobId) -> Option<&JobRun> {
        let its = self.flow_runs[flow_run as usize].jobs.clone();
        let its = &self.jobs[its.start as usize..its.end as usize];
        let at = its.binary_search_by_key(&job, |run| run.row.job).ok()?;
        its.get(at)
    }

    /// The run of a flow.
    pub(super) fn find_flow(&self, flow: FlowId) -> Option<&FlowRun> {
        let its = &self.flow_runs;
        let at = its.binary_search_by_key(&flow, |run| run.row.flow).ok()?;
        its.get(at)
    }

    /// What [`Self::waits`] is to be.
    pub(super) fn count_waits(&self) -> u32 {
        let flows = (0..self.flow_runs.len() as u32).filter(|&at| self.flow_waits(at));
        let jobs = self.outside.keys().filter(|&&at| self.job_waits(at));
        (flows.count() + jobs.count()) as u32
    }

    /// Offers every flow run that waits for no other of this execution.
    pub(super) fn offer_flows(&mut self, moves: &mut Moves<'_>) {
        let startable = (0..self.flow_runs.len() as u32).filter(|&at| self.can_start(at));
        moves.startable.extend(startable);
        moves.offered = true;
    }

    /// Starts a flow run that was offered, and carries on until nothing more moves.
    ///
    /// # Complexity
    /// O(its jobs + dependents of what settles).
    pub(super) fn start_flow(&mut self, at: u32, moves: &mut Moves<'_>) {
        if !self.can_start(at) {
            return;
        }
        self.move_flow(at, FlowRunState::Running, moves);
        let jobs = self.flow_runs[at as usize].jobs.clone();
        // R4: without an enabled job there is nothing to wait for.
        let empty = !self.jobs[jobs.start as usize..jobs.end as usize]
            .iter()
            .any(JobRun::takes_part);
        let mut work = Vec::new();
        for job in jobs.clone() {
            if empty && self.jobs[job as usize].row.state == JobRunState::Blocked {
                self.move_job(job, JobRunState::Skipped, moves);
                work.push(Work::Settled(job));
            } else {
                self.consider(job, &mut work, moves);
            }
        }
        let outside = self.outside.range(jobs).map(|(&job, _)| job);
        moves
            .watching
            .extend(outside.filter(|&job| self.looks_outside(job)));
        work.push(Work::FlowMayEnd(at));
        self.carry_on(work, moves);
    }

    /// Whether a flow run waits for nothing but what lies outside: parents, a slot, the run that it has joined, or the time
    /// at which what failed of it runs again.
    fn flow_waits(&self, at: u32) -> bool {
        let run = &self.flow_runs[at as usize];
        match run.row.state {
            FlowRunState::Waiting => run.unmet_parents == 0,
            FlowRunState::Joined => true,
            FlowRunState::Running => run.row.restart_at.is_some(),
            FlowRunState::Succeeded | FlowRunState::Failed | FlowRunState::Stopped => false,
        }
    }

    /// R2 and R10: a flow run may start when no parent of this execution is left to succeed, unless a pause holds it.
    pub(super) fn can_start(&self, flow_run: u32) -> bool {
        self.row.state == ExecutionState::Running && self.waits_for_nobody(flow_run)
    }

    fn waits_for_nobody(&self, flow_run: u32) -> bool {
        let run = &self.flow_runs[flow_run as usize];
        run.row.state == FlowRunState::Waiting && run.unmet_parents == 0
    }

    /// Settles a job run, and carries on with all that this sets going. While the execution stops, nothing is set going.
    ///
    /// # Complexity
    /// O(dependents of what settles).
    pub(super) fn settle(&mut self, job: u32, to: JobRunState, moves: &mut Moves<'_>) {
        self.move_job(job, to, moves);
        if self.row.state.goes_on() {
            let mut work = mem::take(&mut moves.work);
            work.push(Work::Settled(job));
            self.carry_on(work, moves);
        }
    }

    /// The same for several: none of them moves because another has settled.
    pub(super) fn settle_together(&mut self, jobs: &[(u32, JobRunState)], moves: &mut Moves<'_>) {
        for &(job, to) in jobs {
            self.move_job(job, to, moves);
        }
        let work = jobs.iter().map(|&(job, _)| Work::Settled(job));
        self.carry_on(work.collect(), moves);
    }

    /// Whether nothing of it can move any more. What is being stopped waits for nothing outside.
    pub(super) fn is_still(&self) -> bool {
        let stopping = self.row.state == ExecutionState::Stopping;
        self.active == 0 && (stopping || self.waits == 0)
    }

    /// Ends the execution if nothing of it can move any more. Tells whether it has ended.
    pub(super) fn end_if_still(&mut self, moves: &mut Moves<'_>) -> bool {
        if self.row.state.is_ended() || !self.is_still() {
            return self.row.state.is_ended();
        }
        let stopping = self.row.state == ExecutionState::Stopping;
        for at in 0..self.flow_runs.len() as u32 {
            let run = &self.flow_runs[at as usize];
            if matches!(run.row.state, FlowRunState::Running | FlowRunState::Joined) {
                let runs = run.row.state == FlowRunState::Running;
                let end = match (runs && run.open == 0 && run.failed == 0, stopping) {
                    (true, _) => FlowRunState::Succeeded,
                    (false, true) => FlowRunState::Stopped,
                    (false, false) => FlowRunState::Failed,
                };
                self.move_flow(at, end, moves);
            }
        }
        let succeeded = self
            .flow_runs
            .iter()
            .all(|run| run.row.state == FlowRunState::Succeeded);
        let end = match (stopping, succeeded) {
            (true, _) => ExecutionState::Stopped,
            (false, true) => ExecutionState::Succeeded,
            (false, false) => ExecutionState::Failed,
        };
        self.move_execution(end, moves);
        true
    }

    fn carry_on(&mut self, mut work: Vec<Work>, moves: &mut Moves<'_>) {
        let mut next = 0;
        while let Some(&item) = work.get(next) {
            next += 1;
            match item {
                Work::Settled(job) => {
                    let state = self.jobs[job as usize].row.state;
                    for at in 0..self.dependents.row(job).len() {
                        let (dependent, condition) = self.dependents.row(job)[at];
                        let verdict = verdict(condition, state);
                        self.learn(dependent, |run| run.note(verdict));
                        self.consider(dependent, &mut work, moves);
                    }
                    work.push(Work::FlowMayEnd(self.jobs[job as usize].flow_run));
                }
                Work::FlowMayEnd(flow_run) => self.end_flow(flow_run, moves),
            }
        }
        work.clear();
        moves.work = work;
    }

    /// Moves a blocked job run on, if its flow run has started and its dependencies decide.
    fn consider(&mut self, at: u32, work: &mut Vec<Work>, moves: &mut Moves<'_>) {
        let job = &self.jobs[at as usize];
        let started = self.flow_runs[job.flow_run as usize].row.state == FlowRunState::Running;
        if job.row.state != JobRunState::Blocked || !started {
            return;
        }
        if job.broken {
            self.move_job(at, JobRunState::UpstreamFailed, moves);
            work.push(Work::Settled(at));
        } else if job.unmet == 0 && job.unmet_outside > 0 {
            // What is decided but for runs outside may be decided by them, too.
            moves.watching.push(at);
        } else if job.unmet == 0 && (job.void || !job.takes_part()) {
            self.move_job(at, JobRunState::Skipped, moves);
            work.push(Work::Settled(at));
        } else if job.unmet == 0 {
            self.move_job(at, JobRunState::Queued, moves);
        }
    }

    /// Ends a flow run that runs, if nothing of it is left.
    pub(super) fn end_flow(&mut self, at: u32, moves: &mut Moves<'_>) {
        let run = &self.flow_runs[at as usize];
        if run.row.state != FlowRunState::Running || run.open > 0 {
            return;
        }
        if run.failed > 0 {
            if run.row.restart_at.is_some() {
                return;
            }
            if self.may_restart(at) {
                self.plan_restart(at, moves);
            } else {
                self.move_flow(at, FlowRunState::Failed, moves);
            }
            return;
        }
        self.move_flow(at, FlowRunState::Succeeded, moves);
        self.let_children_go(at, moves);
    }

    fn let_children_go(&mut self, at: u32, moves: &mut Moves<'_>) {
        for child in self.flow_runs[at as usize].children.clone() {
            let before = self.flow_waits(child);
            self.flow_runs[child as usize].unmet_parents -= 1;
            self.waits = self.waits + u32::from(self.flow_waits(child)) - u32::from(before);
            if self.can_start(child) {
                moves.startable.push(child);
            }
        }
    }

    /// The one place where a job run's state is written.
    pub(super) fn move_job(&mut self, at: u32, to: JobRunState, moves: &mut Moves<'_>) {
        let waited = self.job_waits(at);
        let outside = self.outside.get(&at).map_or(0, Vec::len);
        let job = &mut self.jobs[at as usize];
        let row = &mut job.row;
        let from = row.state;
        debug_assert!(
            from.can_move(to),
            "job run {} cannot go from {from} to {to}",
            row.id
        );
        row.state = to;
        if from == JobRunState::Blocked && outside > 0 {
            moves.unwatched.push(at);
        }
        match to {
            JobRunState::Blocked => {
                row.met_outside = 0;
                job.unmet_outside = unmet_of(outside, 0);
                (row.queued_at, row.started_at, row.ended_at) = (None, None, None);
                (row.exit_code, row.retry_at) = (None, None);
                row.attempts_before = row.attempt;
            }
            JobRunState::Queued => {
                row.attempt = row.attempt.saturating_add(1);
                (row.queued_at, row.retry_at) = (Some(moves.now), None);
                moves.ready.push(at);
            }
            JobRunState::Dispatched => (row.started_at, row.exit_code) = (None, None),
            JobRunState::Running | JobRunState::RetryWait => {}
            JobRunState::Succeeded
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::UpstreamFailed
            | JobRunState::Skipped => {
                (row.ended_at, row.retry_at) = (Some(moves.now), None);
                moves.settled.push(at);
            }
        }
        let run = &mut self.flow_runs[job.flow_run as usize];
        self.active = self.active + u32::from(to.is_active()) - u32::from(from.is_active());
        let is_queued = |state| u32::from(state == JobRunState::Queued);
        self.queued = self.queued + is_queued(to) - is_queued(from);
        if to == JobRunState::Blocked && outside > 0 && run.row.state == FlowRunState::Running {
            moves.watching.push(at);
        }
        run.open = run.open + u32::from(!to.is_settled()) - u32::from(!from.is_settled());
        run.failed = run.failed + u32::from(is_failure(to)) - u32::from(is_failure(from));
        moves.changes.push(Change::JobRun {
            from: Some(from),
            row: job.row,
        });
        self.waits = self.waits + u32::from(self.job_waits(at)) - u32::from(waited);
    }

    /// The one place where a flow run's state is written.
    pub(super) fn move_flow(&mut self, at: u32, to: FlowRunState, moves: &mut Moves<'_>) {
        let waited = self.waits_in(at);
        let row = &mut self.flow_runs[at as usize].row;
        let from = row.state;
        debug_assert!(
            from.can_move(to),
            "flow run {} cannot go from {from} to {to}",
            row.id
        );
        row.state = to;
        match to {
            FlowRunState::Waiting => {
                (row.started_at, row.ended_at, row.joined_to) = (None, None, None);
                // What ran again stays counted: else two flow runs could take each other up for ever.
                row.timed_out = false;
                moves.reopened.push(at);
            }
            FlowRunState::Joined => {}
            FlowRunState::Running => row.started_at = Some(moves.now),
            FlowRunState::Succeeded | FlowRunState::Failed | FlowRunState::Stopped => {
                row.ended_at = Some(moves.now);
            }
        }
        if from == FlowRunState::Running {
            row.restart_at = None;
            moves.ended.push(at);
            if to == FlowRunState::Succeeded {
                moves.succeeded.push(at);
            }
        }
        moves.changes.push(Change::FlowRun {
            from: Some(from),
            row: *row,
        });
        self.waits = self.waits + self.waits_in(at) - waited;
    }

    /// How many of a flow run and its job runs wait for nothing but what lies outside.
    pub(super) fn waits_in(&self, at: u32) -> u32 {
        let its = self.outside.range(self.flow_runs[at as usize].jobs.clone());
        let jobs = its.filter(|&(&job, _)| self.job_waits(job)).count();
        u32::from(self.flow_waits(at)) + jobs as u32
    }

    /// The one place where the execution's state is written.
    pub(super) fn move_execution(&mut self, to: ExecutionState, moves: &mut Moves<'_>) {
        let row = &mut self.row;
        debug_assert!(
            row.state.can_move(to),
            "execution {} cannot go from {} to {to}",
            row.id,
            row.state
        );
        if row.state == ExecutionState::Paused {
            row.paused_by = None;
        }
        match to {
            ExecutionState::Running if row.state == ExecutionState::Paused => {}
            ExecutionState::Running => {
                (row.ended_at, row.stopped_by) = (None, None);
                row.resumes = row.resumes.saturating_add(1);
            }
            ExecutionState::Paused | ExecutionState::Stopping => {}
            ExecutionState::Succeeded | ExecutionState::Failed | ExecutionState::Stopped => {
                row.ended_at = Some(moves.now);
            }
        }
        row.state = to;
        moves.changes.push(Change::Execution(row.clone()));
    }

    /// Rows of all that is in it, as new.
    pub(super) fn announce(&self, changes: &mut Vec<Change>) {
        changes.reserve(1 + self.flow_runs.len() + self.jobs.len());
        changes.push(Change::Execution(self.row.clone()));
        changes.extend(self.flow_runs.iter().map(|run| Change::FlowRun {
            from: None,
            row: run.row,
        }));
        changes.extend(self.jobs.iter().map(|job| Change::JobRun {
            from: None,
            row: job.row,
        }));
    }
}

impl FlowRun {
    /// Whether it shares the end of another run, or did (R5). What has a run of its own has a start of its own.
    pub(super) fn is_joined(&self) -> bool {
        match self.row.state {
            FlowRunState::Waiting | FlowRunState::Running => false,
            FlowRunState::Joined
            | FlowRunState::Succeeded
            | FlowRunState::Failed
            | FlowRunState::Stopped => self.row.started_at.is_none(),
        }
    }
}

impl JobRun {
    /// Whether it is to run when its turn comes. Else it is skipped then, so that order passes through it.
    pub(super) fn takes_part(&self) -> bool {
        self.job.enabled && !self.row.left_out
    }

    /// Whether an attempt of it began since it was last made ready, so that it has its job's date until it settles (R7).
    pub(super) fn has_date(&self) -> bool {
        let row = &self.row;
        let began = row.attempt - row.attempts_before > 1;
        row.state.is_live()
            || row.state == JobRunState::RetryWait
            || (row.state == JobRunState::Queued && began)
    }

    /// Takes note of what one dependency came to.
    fn note(&mut self, verdict: Option<Verdict>) {
        match verdict {
            None => {}
            Some(Verdict::Met) => self.unmet -= 1,
            Some(Verdict::Void) => {
                self.unmet -= 1;
                self.void = true;
            }
            Some(Verdict::Broken) => self.broken = true,
        }
    }
}

/// How many of so many dependencies on runs outside are not met.
const fn unmet_of(outside: usize, met: u64) -> u8 {
    let all = if outside < 64 {
        (1 << outside) - 1
    } else {
        u64::MAX
    };
    (all & !met).count_ones() as u8
}

fn is_failure(state: JobRunState) -> bool {
    matches!(
        state,
        JobRunState::Failed | JobRunState::Killed | JobRunState::UpstreamFailed
    )
}
