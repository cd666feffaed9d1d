//! What has settled moves again: an execution that had ended, job runs that people settle by hand or that start over.

use alloc::{vec, vec::Vec};

use super::{
    super::{
        change::Change,
        state::{ExecutionState, FlowRunState, JobRunState},
    },
    Execution, Moves, Verdict, Work, verdict,
};

impl Execution {
    /// Takes back the ends of these flow runs and job runs, so that they run again.
    /// The caller decides which definitions they run with, and then calls [`Self::wire`] and [`Self::offer_flows`].
    pub(in super::super) fn reopen(
        &mut self,
        flow_runs: impl Iterator<Item = u32>,
        jobs: &[u32],
        moves: &mut Moves<'_>,
    ) {
        self.move_execution(ExecutionState::Running, moves);
        for &at in jobs {
            if self.jobs[at as usize].row.state != JobRunState::Blocked {
                self.move_job(at, JobRunState::Blocked, moves);
            }
        }
        for at in flow_runs {
            self.flow_runs[at as usize].row.restarts = 0;
            if self.flow_runs[at as usize].row.state != FlowRunState::Waiting {
                self.move_flow(at, FlowRunState::Waiting, moves);
            }
        }
    }

    /// Gives job runs another state than the one that they failed with, or waited in: a good end, by hand, or another
    /// beginning. What did not run because of them, and now can, waits again. What had begun because they failed keeps its
    /// turn.
    ///
    /// # Complexity
    /// O(job runs and dependencies of the execution).
    pub(in super::super) fn take_back(
        &mut self,
        jobs: &[u32],
        to: JobRunState,
        moves: &mut Moves<'_>,
    ) {
        let revived = self.revived(jobs);
        for &at in jobs {
            self.move_job(at, to, moves);
        }
        for &at in &revived {
            self.move_job(at, JobRunState::Blocked, moves);
        }
        for at in jobs.iter().chain(&revived) {
            let flow_run = self.jobs[*at as usize].flow_run;
            let run = &self.flow_runs[flow_run as usize];
            let again = run.open > 0 || run.failed == 0;
            if run.row.state == FlowRunState::Failed && again {
                self.move_flow(flow_run, FlowRunState::Waiting, moves);
            }
        }
        self.wire();
        self.move_on(moves);
    }

    /// Job runs that are `upstream_failed` by nothing but these and each other, sorted.
    ///
    /// # Complexity
    /// O(job runs and dependencies of the execution).
    pub(in super::super) fn revived(&self, jobs: &[u32]) -> Vec<u32> {
        let mut broken = vec![0u32; self.jobs.len()];
        for (at, job) in self.jobs.iter().enumerate() {
            for &(dependent, condition) in self.dependents.row(at as u32) {
                let breaks = verdict(condition, job.row.state) == Some(Verdict::Broken);
                broken[dependent as usize] += u32::from(breaks);
            }
        }
        let mut done = vec![false; self.jobs.len()];
        for &at in jobs {
            done[at as usize] = true;
        }
        let mut revived = Vec::new();
        let mut work = jobs.to_vec();
        while let Some(at) = work.pop() {
            let state = self.jobs[at as usize].row.state;
            for &(dependent, condition) in self.dependents.row(at) {
                if verdict(condition, state) != Some(Verdict::Broken) {
                    continue;
                }
                let to = dependent as usize;
                broken[to] -= 1;
                let flow_run = &self.flow_runs[self.jobs[to].flow_run as usize].row;
                let stays = match flow_run.state {
                    // What shares the end of another run does so whatever is settled here.
                    FlowRunState::Joined => true,
                    // Of what is cut off nothing begins any more.
                    FlowRunState::Running => flow_run.timed_out,
                    FlowRunState::Waiting
                    | FlowRunState::Succeeded
                    | FlowRunState::Failed
                    | FlowRunState::Stopped => false,
                };
                let failed = self.jobs[to].row.state == JobRunState::UpstreamFailed && !stays;
                if failed && broken[to] == 0 && !core::mem::replace(&mut done[to], true) {
                    revived.push(dependent);
                    work.push(dependent);
                }
            }
        }
        revived.sort_unstable();
        revived
    }

    /// Moves all that can move, when counters were made anew.
    fn move_on(&mut self, moves: &mut Moves<'_>) {
        let mut work = Vec::new();
        for at in 0..self.jobs.len() as u32 {
            self.consider(at, &mut work, moves);
        }
        for at in 0..self.flow_runs.len() as u32 {
            work.push(Work::FlowMayEnd(at));
        }
        self.carry_on(work, moves);
        self.offer_flows(moves);
    }

    /// Rows whose versions changed, in the states that they have.
    pub(in super::super) fn announce_versions(
        &self,
        flow_runs: &[u32],
        jobs: &[u32],
        changes: &mut Vec<Change>,
    ) {
        changes.extend(flow_runs.iter().map(|&at| {
            let row = self.flow_runs[at as usize].row;
            Change::FlowRun {
                from: Some(row.state),
                row,
            }
        }));
        changes.extend(jobs.iter().map(|&at| {
            let row = self.jobs[at as usize].row;
            Change::JobRun {
                from: Some(row.state),
                row,
            }
        }));
    }

    /// These job runs and all that come after them in this execution, sorted; and all flow runs without jobs that come
    /// after them.
    pub(in super::super) fn below(&self, from: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let mut seen = vec![false; self.jobs.len()];
        let mut flow_seen = vec![false; self.flow_runs.len()];
        let mut without_jobs = Vec::new();
        let mut work: Vec<u32> = from.to_vec();
        while let Some(at) = work.pop() {
            if core::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            work.extend(self.dependents.row(at).iter().map(|&(next, _)| next));
            // Flows behind this one wait for all of it.
            let flow_run = self.jobs[at as usize].flow_run;
            if !core::mem::replace(&mut flow_seen[flow_run as usize], true) {
                let mut flows = self.flow_runs[flow_run as usize].children.clone();
                while let Some(child) = flows.pop() {
                    let run = &self.flow_runs[child as usize];
                    work.extend(run.jobs.clone());
                    // A flow without jobs passes the wait on.
                    if run.jobs.is_empty()
                        && !core::mem::replace(&mut flow_seen[child as usize], true)
                    {
                        without_jobs.push(child);
                        flows.extend(&run.children);
                    }
                }
            }
        }
        let jobs = (0..self.jobs.len() as u32).filter(|&at| seen[at as usize]);
        (jobs.collect(), without_jobs)
    }
}
