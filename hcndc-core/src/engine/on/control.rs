//! What people do to executions: stop, resume, rerun (R10).

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use super::super::{
    AttemptState, Change, Effect, Engine, ExecutionSnapshot, ExecutionState, JobRunState, Order,
    Rejected, Step,
    execution::{Execution, Moves},
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
        self.run_again(ended, &broken, by, step)
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
        let below = ended.below(&seats);
        self.run_again(ended, &below, by, step)
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
        if execution.active > 0 {
            return Err(Rejected::BadSnapshot { execution: id });
        }
        Ok(execution)
    }

    /// Makes an ended execution live again, with these job runs to do, by the definitions in force now.
    fn run_again(
        &mut self,
        mut execution: Execution,
        jobs: &[u32],
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let id = execution.row.id;
        let mut gone = Vec::new();
        for &at in jobs {
            let run = &mut execution.jobs[at as usize];
            match self.definitions.job(run.row.job) {
                Some(job) => {
                    run.job = Arc::clone(job);
                    run.row.job_version = job.revision.version;
                }
                None => gone.push(at),
            }
        }
        let mut part: Vec<&Arc<Job>> = execution.jobs.iter().map(|run| &run.job).collect();
        part.sort_unstable_by_key(|job| job.id);
        self.refuse_outside_dependencies(&part)?;

        for run in &mut execution.flow_runs {
            let open = jobs.iter().any(|at| run.jobs.contains(at));
            if let Some(flow) = self.definitions.flow(run.row.flow).filter(|_| open) {
                run.flow = Arc::clone(flow);
                run.row.flow_version = flow.revision.version;
            }
        }
        execution.row.started_by = by;
        self.insert(execution);
        self.advance(id, step, |execution, moves| {
            execution.reopen(jobs, moves);
            execution.drop_jobs(&gone, moves);
            execution.wire();
            execution.start_flows(moves);
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
