//! What of an execution hangs on others: job runs that wait for runs outside (R1), and flow runs that share the end of another
//! (R5).

use alloc::vec::Vec;

use super::{
    super::{
        change::Change,
        state::{FlowRunState, JobRunState},
    },
    Execution, JobRun, Moves, Work, unmet_of,
};
use crate::{
    id::{FlowRunId, JobId},
    model::Dependency,
};

impl Execution {
    /// Whether a job run waits for nothing but runs outside.
    pub(in super::super) fn job_waits(&self, at: u32) -> bool {
        let run = &self.jobs[at as usize];
        run.unmet_outside > 0 && run.unmet == 0 && self.looks_outside(at)
    }

    /// Whether a job run looks for runs outside now: its flow run has started, and it is not decided.
    pub(in super::super) fn looks_outside(&self, at: u32) -> bool {
        let run = &self.jobs[at as usize];
        let flow_run = &self.flow_runs[run.flow_run as usize];
        run.unmet_outside > 0
            && !run.broken
            && run.row.state == JobRunState::Blocked
            && flow_run.row.state == FlowRunState::Running
    }

    /// The dependencies of a job run on runs outside that were not seen to be met: bit and dependency.
    pub(in super::super) fn unmet_outside(
        &self,
        at: u32,
    ) -> impl Iterator<Item = (u8, Dependency)> {
        let run = &self.jobs[at as usize];
        let its = self.outside.get(&at).into_iter().flatten().enumerate();
        its.filter(|(bit, _)| run.row.met_outside & (1 << bit) == 0)
            .filter_map(|(bit, &nth)| Some((bit as u8, *run.job.dependencies.get(nth as usize)?)))
    }

    /// Changes what a job run knows of its dependencies, and counts anew whether it waits.
    pub(super) fn learn(&mut self, at: u32, learn: impl FnOnce(&mut JobRun)) {
        let before = self.job_waits(at);
        learn(&mut self.jobs[at as usize]);
        self.waits = self.waits + u32::from(self.job_waits(at)) - u32::from(before);
    }

    /// Takes down that these dependencies on runs outside are met, for good, and carries on.
    pub(in super::super) fn meet_outside(&mut self, at: u32, bits: u64, moves: &mut Moves<'_>) {
        let Some(its) = self.outside.get(&at).map(Vec::len) else {
            return;
        };
        self.learn(at, |job| {
            job.row.met_outside |= bits;
            job.unmet_outside = unmet_of(its, job.row.met_outside);
        });
        let job = &self.jobs[at as usize];
        let state = job.row.state;
        moves.changes.push(Change::JobRun {
            from: Some(state),
            row: job.row,
        });
        self.reconsider(at, moves);
    }

    /// None of the runs outside that a job run waits for can come to the end asked for, for nothing failed.
    pub(in super::super) fn give_up_outside(&mut self, at: u32, moves: &mut Moves<'_>) {
        self.learn(at, |job| (job.void, job.unmet_outside) = (true, 0));
        self.reconsider(at, moves);
    }

    /// A job run has waited too long for runs outside.
    pub(in super::super) fn tire(&mut self, at: u32, moves: &mut Moves<'_>) {
        self.learn(at, |job| job.broken = true);
        self.reconsider(at, moves);
    }

    fn reconsider(&mut self, at: u32, moves: &mut Moves<'_>) {
        let mut work = Vec::new();
        self.consider(at, &mut work, moves);
        self.carry_on(work, moves);
    }

    /// A flow run shares the end of another from now on (R5); of one that has succeeded before, if none is named.
    pub(in super::super) fn join_flow(
        &mut self,
        at: u32,
        other: Option<FlowRunId>,
        moves: &mut Moves<'_>,
    ) {
        self.flow_runs[at as usize].row.joined_to = other;
        self.move_flow(at, FlowRunState::Joined, moves);
        if other.is_none() {
            self.end_joined(at, true, moves);
        }
    }

    /// A job of the flow run that this one has joined came to its end.
    pub(in super::super) fn mirror(
        &mut self,
        at: u32,
        job: JobId,
        good: bool,
        moves: &mut Moves<'_>,
    ) {
        let run = &self.flow_runs[at as usize];
        let its = &self.jobs[run.jobs.start as usize..run.jobs.end as usize];
        if run.row.state != FlowRunState::Joined {
            return;
        }
        let Ok(nth) = its.binary_search_by_key(&job, |run| run.row.job) else {
            return;
        };
        let at = run.jobs.start + nth as u32;
        match (its[nth].row.state, good) {
            (JobRunState::Blocked, _) => self.settle(at, shared(good), moves),
            // It had failed there, and people made it good.
            (JobRunState::UpstreamFailed, true) => {
                self.take_back(&[at], shared(good), moves);
            }
            _ => {}
        }
    }

    /// The flow run that this one has joined came to its end.
    pub(in super::super) fn end_joined(&mut self, at: u32, good: bool, moves: &mut Moves<'_>) {
        if self.flow_runs[at as usize].row.state != FlowRunState::Joined {
            return;
        }
        let mut work = Vec::new();
        for job in self.flow_runs[at as usize].jobs.clone() {
            // Jobs that the other did not have.
            if self.jobs[job as usize].row.state == JobRunState::Blocked {
                self.move_job(job, shared(good), moves);
                work.push(Work::Settled(job));
            }
        }
        // What failed here before it joined is not made good by the other.
        if good && self.flow_runs[at as usize].failed == 0 {
            self.move_flow(at, FlowRunState::Succeeded, moves);
            self.let_children_go(at, moves);
        } else {
            self.move_flow(at, FlowRunState::Failed, moves);
        }
        self.carry_on(work, moves);
    }
}

/// What the end of another's job means for a job of a flow run that has joined it: it is done, or cannot be done, and did
/// not run here.
const fn shared(good: bool) -> JobRunState {
    if good {
        JobRunState::Skipped
    } else {
        JobRunState::UpstreamFailed
    }
}
