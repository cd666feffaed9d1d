//! What has ended runs again: resume, rerun, reset.

use alloc::{boxed::Box, string::String, sync::Arc, vec, vec::Vec};

use super::super::super::{
    ActionKind, Engine, ExecutionSnapshot, ExecutionState, FlowRunState, JobRunState, Rejected,
    Step,
    execution::{Execution, FlowRun, Moves},
};
use crate::{
    id::{ExecutionId, JobRunId},
    model::Job,
};

impl Engine {
    pub(in super::super::super) fn on_resume(
        &mut self,
        id: ExecutionId,
        by: String,
        archived: Option<Box<ExecutionSnapshot>>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let ended = self.ended(id, archived)?;
        let state = ended.row.state;
        if state == ExecutionState::Succeeded {
            return Err(Rejected::WrongState {
                execution: id,
                state,
            });
        }
        let jobs: Vec<u32> = (0..ended.jobs.len() as u32)
            .filter(|&at| match ended.jobs[at as usize].row.state {
                JobRunState::Succeeded | JobRunState::Skipped => false,
                JobRunState::Blocked
                | JobRunState::Queued
                | JobRunState::Dispatched
                | JobRunState::Running
                | JobRunState::RetryWait
                | JobRunState::Failed
                | JobRunState::Killed
                | JobRunState::UpstreamFailed => true,
            })
            .collect();
        let again = Again {
            jobs,
            ..Again::default()
        };
        self.run_again(ended, again, &by, step)?;
        self.record_action(id, &[], ActionKind::Resume, &by, step);
        Ok(())
    }

    pub(in super::super::super) fn on_rerun(
        &mut self,
        id: ExecutionId,
        from: &[JobRunId],
        by: String,
        archived: Option<Box<ExecutionSnapshot>>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        if from.is_empty() {
            return Err(Rejected::NoJobRuns);
        }
        let mut ended = self.ended(id, archived)?;
        let (mut seats, mut taken_in) = (Vec::with_capacity(from.len()), Vec::new());
        for &job_run in from {
            let at = ended.position(job_run);
            let at = at.ok_or(Rejected::UnknownJobRun { job_run })?;
            // Whoever names it wants it.
            let left_out = &mut ended.jobs[at as usize].row.left_out;
            if core::mem::take(left_out) {
                taken_in.push(at);
            }
            seats.push(at);
        }
        let (jobs, flow_runs) = ended.below(&seats);
        let again = Again {
            jobs,
            flow_runs,
            taken_in,
            ..Again::default()
        };
        self.run_again(ended, again, &by, step)?;
        self.record_action(id, from, ActionKind::Rerun, &by, step);
        Ok(())
    }

    pub(in super::super::super) fn on_reset(
        &mut self,
        id: ExecutionId,
        by: String,
        archived: Option<Box<ExecutionSnapshot>>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let ended = self.ended(id, archived)?;
        let jobs = (0..ended.jobs.len() as u32).collect();
        let flow_runs = (0..ended.flow_runs.len() as u32).collect();
        let again = Again {
            jobs,
            flow_runs,
            ..Again::default()
        };
        self.run_again(ended, again, &by, step)?;
        self.record_action(id, &[], ActionKind::Reset, &by, step);
        Ok(())
    }

    /// An execution that has ended, from the store.
    pub(super) fn ended(
        &self,
        id: ExecutionId,
        archived: Option<Box<ExecutionSnapshot>>,
    ) -> Result<Execution, Rejected> {
        if let Some(live) = self.executions.get(&id) {
            return Err(Rejected::WrongState {
                execution: id,
                state: live.row.state,
            });
        }
        let archived = archived.ok_or(Rejected::UnknownExecution { execution: id })?;
        let state = archived.row.state;
        if archived.row.id != id || !archived.attempts.is_empty() {
            return Err(Rejected::BadSnapshot { execution: id });
        }
        if !state.is_ended() {
            return Err(Rejected::WrongState {
                execution: id,
                state,
            });
        }
        let execution =
            Execution::restore(*archived).ok_or(Rejected::BadSnapshot { execution: id })?;
        let flow_runs = &execution.flow_runs;
        let runs =
            |run: &FlowRun| matches!(run.row.state, FlowRunState::Running | FlowRunState::Joined);
        if execution.active > 0 || flow_runs.iter().any(runs) {
            return Err(Rejected::BadSnapshot { execution: id });
        }
        Ok(execution)
    }

    /// Makes an ended execution live again, with these job runs and flow runs to do, and with all that it never came
    /// to, by the definitions in force now.
    pub(super) fn run_again(
        &mut self,
        mut execution: Execution,
        what: Again,
        by: &str,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let id = execution.row.id;
        let Again {
            jobs,
            flow_runs,
            taken_in,
            settled,
        } = what;
        let mut again = vec![false; execution.jobs.len()];
        let mut by_hand = vec![false; execution.jobs.len()];
        for &at in &settled.0 {
            by_hand[at as usize] = true;
        }
        // A flow run that is complete, and of which nothing runs again, stays as it is.
        let mut flow_again: Vec<bool> = execution
            .flow_runs
            .iter()
            .map(|run| run.row.state != FlowRunState::Succeeded)
            .collect();
        for at in flow_runs {
            flow_again[at as usize] = true;
        }
        for &at in &jobs {
            again[at as usize] = true;
            flow_again[execution.jobs[at as usize].flow_run as usize] = true;
        }
        // All that can still run is read afresh, so that no two versions wait for each other.
        let (mut gone, mut renewed) = (Vec::new(), taken_in);
        for (at, run) in execution.jobs.iter_mut().enumerate() {
            if by_hand[at] || (!again[at] && run.row.state.is_settled()) {
                continue;
            }
            match self.definitions.job(run.row.job) {
                Some(job) => {
                    run.job = Arc::clone(job);
                    // What it saw, it saw with other dependencies.
                    let saw = core::mem::take(&mut run.row.met_outside) != 0;
                    if run.row.job_version != job.revision.version || saw {
                        run.row.job_version = job.revision.version;
                        renewed.push(at as u32);
                    }
                }
                None => gone.push(at as u32),
            }
        }
        if !execution.row.partial {
            let part: Vec<&Arc<Job>> = execution.jobs.iter().map(|run| &run.job).collect();
            let flows = execution.flow_runs.iter().map(|run| run.row.flow).collect();
            self.refuse_newer_dependencies(&part, &flows)?;
        }

        let mut flows_renewed = Vec::new();
        for (at, run) in execution.flow_runs.iter_mut().enumerate() {
            if let Some(flow) = self
                .definitions
                .flow(run.row.flow)
                .filter(|_| flow_again[at])
            {
                run.flow = Arc::clone(flow);
                if run.row.flow_version != flow.revision.version {
                    run.row.flow_version = flow.revision.version;
                    flows_renewed.push(at as u32);
                }
            }
        }
        execution.row.resumed_by = Some(by.into());
        self.insert(execution);
        self.advance(id, step, |execution, moves| {
            execution.announce_versions(&flows_renewed, &renewed, moves.changes);
            let flow_again = (0..flow_again.len() as u32).filter(|&at| flow_again[at as usize]);
            execution.reopen(flow_again, &jobs, moves);
            let (by_hand, to) = settled;
            for at in by_hand {
                execution.move_job(at, to, moves);
            }
            execution.drop_jobs(&gone, moves);
            execution.wire();
            execution.drop_unread_outputs();
            execution.offer_flows(moves);
        });
        Ok(())
    }
}

/// What of an execution that has ended runs again.
pub(super) struct Again {
    /// Job runs that start over.
    pub(super) jobs: Vec<u32>,
    /// Flow runs that start over, besides those of `jobs`.
    pub(super) flow_runs: Vec<u32>,
    /// Those of `jobs` that were left out until now.
    pub(super) taken_in: Vec<u32>,
    /// Job runs that a person settles first, and their new state.
    pub(super) settled: (Vec<u32>, JobRunState),
}

impl Default for Again {
    fn default() -> Self {
        Self {
            jobs: Vec::new(),
            flow_runs: Vec::new(),
            taken_in: Vec::new(),
            settled: (Vec::new(), JobRunState::Skipped),
        }
    }
}

impl Execution {
    /// Job runs whose jobs are no more are not run.
    fn drop_jobs(&mut self, gone: &[u32], moves: &mut Moves<'_>) {
        for &at in gone {
            self.move_job(at, JobRunState::Skipped, moves);
        }
    }
}
