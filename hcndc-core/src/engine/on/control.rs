//! What people do to executions: stop, resume, rerun (R10).

use alloc::{boxed::Box, string::String, sync::Arc, vec, vec::Vec};

use super::super::{
    AttemptState, Change, Effect, Engine, ExecutionSnapshot, ExecutionState, FlowRunState,
    JobRunState, Order, Rejected, Step,
    execution::{Execution, FlowRun, Moves},
    timer::Timer,
};
use crate::{
    id::{AttemptId, ExecutionId, JobRunId},
    model::Job,
};

impl Engine {
    pub(in super::super) fn on_stop(
        &mut self,
        id: ExecutionId,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let Some(execution) = self.executions.get(&id) else {
            return Err(Rejected::UnknownExecution { execution: id });
        };
        match execution.row.state {
            ExecutionState::Running => {}
            state @ (ExecutionState::Stopping
            | ExecutionState::Succeeded
            | ExecutionState::Failed
            | ExecutionState::Stopped) => {
                return Err(Rejected::WrongState {
                    execution: id,
                    state,
                });
            }
        }
        let mut waiting = Vec::new();
        let mut live = Vec::new();
        for (at, run) in execution.jobs.iter().enumerate() {
            match run.row.state {
                JobRunState::Queued | JobRunState::RetryWait => waiting.push(at as u32),
                JobRunState::Dispatched | JobRunState::Running => live.extend(run.attempt),
                JobRunState::Blocked
                | JobRunState::Succeeded
                | JobRunState::Failed
                | JobRunState::Killed
                | JobRunState::UpstreamFailed
                | JobRunState::Skipped => {}
            }
        }
        for &at in &waiting {
            let seat = (id, at);
            if let Some((need, rank)) = self.queue_place(seat) {
                self.yard.withdraw(&need, rank);
            }
            if let Some(retry_at) = self.executions[&id].jobs[at as usize].row.retry_at {
                self.timers.clear(retry_at, Timer::Retry(seat));
            }
        }
        for attempt in live {
            self.kill(attempt, step);
        }
        self.advance(id, step, |execution, moves| {
            execution.row.stopped_by = Some(by);
            execution.move_execution(ExecutionState::Stopping, moves);
            for at in waiting {
                execution.settle(at, JobRunState::Killed, moves);
            }
        });
        Ok(())
    }

    pub(in super::super) fn on_resume(
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
        let broken: Vec<u32> = (0..ended.jobs.len() as u32)
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
        self.run_again(ended, &broken, &[], by, step)
    }

    pub(in super::super) fn on_rerun(
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
        let ended = self.ended(id, archived)?;
        let mut seats = Vec::with_capacity(from.len());
        for &job_run in from {
            match ended.position(job_run) {
                Some(at) => seats.push(at),
                None => return Err(Rejected::UnknownJobRun { job_run }),
            }
        }
        let (below, flow_runs) = ended.below(&seats);
        self.run_again(ended, &below, &flow_runs, by, step)
    }

    /// An execution that has ended, from the store.
    fn ended(
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
        let runs = |run: &FlowRun| run.row.state == FlowRunState::Running;
        if execution.active > 0 || flow_runs.iter().any(runs) {
            return Err(Rejected::BadSnapshot { execution: id });
        }
        Ok(execution)
    }

    /// Makes an ended execution live again, with these job runs and flow runs to do, and with all that it never came
    /// to, by the definitions in force now.
    fn run_again(
        &mut self,
        mut execution: Execution,
        jobs: &[u32],
        flow_runs: &[u32],
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let id = execution.row.id;
        let mut again = vec![false; execution.jobs.len()];
        // A flow run that is complete, and of which nothing runs again, stays as it is.
        let mut flow_again: Vec<bool> = execution
            .flow_runs
            .iter()
            .map(|run| run.row.state != FlowRunState::Succeeded)
            .collect();
        for &at in flow_runs {
            flow_again[at as usize] = true;
        }
        for &at in jobs {
            again[at as usize] = true;
            flow_again[execution.jobs[at as usize].flow_run as usize] = true;
        }
        // All that can still run is read afresh, so that no two versions wait for each other.
        let (mut gone, mut renewed) = (Vec::new(), Vec::new());
        for (at, run) in execution.jobs.iter_mut().enumerate() {
            if !again[at] && run.row.state.is_settled() {
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
        let mut part: Vec<&Arc<Job>> = execution.jobs.iter().map(|run| &run.job).collect();
        part.sort_unstable_by_key(|job| job.id);
        let flows = execution.flow_runs.iter().map(|run| run.row.flow).collect();
        self.refuse_newer_dependencies(&part, &flows)?;

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
        execution.row.resumed_by = Some(by);
        self.insert(execution);
        self.advance(id, step, |execution, moves| {
            execution.announce_versions(&flows_renewed, &renewed, moves.changes);
            let flow_again = (0..flow_again.len() as u32).filter(|&at| flow_again[at as usize]);
            execution.reopen(flow_again, jobs, moves);
            execution.drop_jobs(&gone, moves);
            execution.wire();
            execution.offer_flows(moves);
        });
        Ok(())
    }

    /// Asks for the end of a live attempt.
    pub(super) fn kill(&mut self, id: AttemptId, step: &mut Step) {
        let grace = self.settings.kill_grace;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let row = &mut attempt.row;
        if !row.kill_asked {
            row.kill_asked = true;
            step.changes.push(Change::Attempt(row.clone()));
        }
        debug_assert!(matches!(
            row.state,
            AttemptState::Dispatched | AttemptState::Running
        ));
        let order = Order::Kill { attempt: id, grace };
        step.effects.push(Effect::Tell {
            executor: row.executor,
            order,
        });
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
