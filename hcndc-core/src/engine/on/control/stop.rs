//! The end of what runs: of an execution, of a job run.

use alloc::{string::String, vec::Vec};

use super::super::super::{
    ActionKind, AttemptState, Change, Effect, Engine, ExecutionState, JobRunState, Order, Rejected,
    Step, advance::Tasks,
};
use crate::id::{AttemptId, ExecutionId, JobRunId};

impl Engine {
    pub(in super::super::super) fn on_stop(
        &mut self,
        id: ExecutionId,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        self.going(id)?;
        self.stop_together(&[id], &by, step);
        Ok(())
    }

    /// Stops those of these executions that go on. None of them moves because another stops.
    pub(in super::super) fn stop_together(
        &mut self,
        ids: &[ExecutionId],
        by: &str,
        step: &mut Step,
    ) {
        let mut tasks = Tasks::default();
        for &id in ids {
            self.begin_to_stop(id, by, step, &mut tasks);
        }
        self.finish(tasks, step);
        self.end_cut(step);
    }

    fn begin_to_stop(&mut self, id: ExecutionId, by: &str, step: &mut Step, tasks: &mut Tasks) {
        let Ok(execution) = self.going(id) else {
            return;
        };
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
        self.record_action(id, &[], ActionKind::Stop, by, step);
        for &at in &waiting {
            self.withdraw((id, at));
        }
        for attempt in live {
            self.kill(attempt, step);
        }
        self.act(id, step, tasks, |execution, moves| {
            execution.row.stopped_by = Some(by.into());
            execution.move_execution(ExecutionState::Stopping, moves);
            for at in waiting {
                execution.settle(at, JobRunState::Killed, moves);
            }
        });
        self.part_all(id);
    }

    pub(in super::super::super) fn on_kill(
        &mut self,
        job_run: JobRunId,
        by: &str,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let seat = self.seat(job_run);
        let (id, at) = seat.ok_or(Rejected::UnknownJobRun { job_run })?;
        let run = &self.going(id)?.jobs[at as usize];
        let (state, attempt) = (run.row.state, run.attempt);
        match state {
            JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::Queued
            | JobRunState::RetryWait => {}
            JobRunState::Blocked
            | JobRunState::Succeeded
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::UpstreamFailed
            | JobRunState::Skipped => return Err(Rejected::WrongJobRunState { job_run, state }),
        }
        self.record_action(id, &[job_run], ActionKind::Kill, by, step);
        if let Some(attempt) = attempt {
            self.kill(attempt, step);
            self.end_cut(step);
            return Ok(());
        }
        self.withdraw((id, at));
        self.advance(id, step, |execution, moves| {
            execution.settle(at, JobRunState::Killed, moves);
        });
        Ok(())
    }

    /// Asks for the end of a live attempt. Of one that waits for values no executor knows: [`Self::end_cut`] ends it, once
    /// whoever asks for this has done its part.
    pub(in super::super::super) fn kill(&mut self, id: AttemptId, step: &mut Step) {
        let grace = self.settings.kill_grace;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let row = &mut attempt.row;
        if self.resolving.cut(id) {
            row.kill_asked = true;
            return;
        }
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
