//! A pause lets what runs end and starts nothing more; and its end.

use alloc::string::String;

use super::super::super::{
    ActionKind, Engine, ExecutionState, JobRunState, Rejected, Step, execution::Execution,
};
use crate::id::ExecutionId;

impl Engine {
    pub(in super::super::super) fn on_pause(
        &mut self,
        id: ExecutionId,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let queued = self.queued_of(id, ExecutionState::Running)?;
        self.record_action(id, &[], ActionKind::Pause, &by, step);
        // They stay queued, but out of line. A retry comes to its time all the same, and then waits with them.
        for at in queued {
            if let Some((need, rank)) = self.queue_place((id, at)) {
                self.yard.withdraw(&need, rank);
            }
        }
        self.advance(id, step, |execution, moves| {
            execution.row.paused_by = Some(by);
            execution.move_execution(ExecutionState::Paused, moves);
        });
        Ok(())
    }

    pub(in super::super::super) fn on_unpause(
        &mut self,
        id: ExecutionId,
        by: &str,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let queued = self.queued_of(id, ExecutionState::Paused)?;
        self.record_action(id, &[], ActionKind::Unpause, by, step);
        self.advance(id, step, |execution, moves| {
            execution.move_execution(ExecutionState::Running, moves);
            execution.offer_flows(moves);
        });
        for at in queued {
            self.enqueue((id, at));
        }
        Ok(())
    }

    /// The queued job runs of an execution that must be in this state.
    fn queued_of(
        &self,
        id: ExecutionId,
        expected: ExecutionState,
    ) -> Result<alloc::vec::Vec<u32>, Rejected> {
        let execution = self.executions.get(&id);
        let execution: &Execution =
            execution.ok_or(Rejected::UnknownExecution { execution: id })?;
        let state = execution.row.state;
        if state != expected {
            return Err(Rejected::WrongState {
                execution: id,
                state,
            });
        }
        let jobs = execution.jobs.iter().enumerate();
        let queued = jobs.filter(|(_, run)| run.row.state == JobRunState::Queued);
        Ok(queued.map(|(at, _)| at as u32).collect())
    }
}
