//! What people do to executions (R10), a file for each kind of command.

mod again;
mod pause;
mod settle;
mod stop;

use alloc::string::String;

use super::super::{
    ActionKind, ActionRow, Change, Engine, Rejected, Step, execution::Execution, placement::Seat,
    timer::Timer,
};
use crate::id::{ActionId, ExecutionId, JobRunId};

impl Engine {
    /// Records what a person did to an execution, or to each of these job runs of it.
    fn record_action(
        &mut self,
        execution: ExecutionId,
        job_runs: &[JobRunId],
        kind: ActionKind,
        by: &str,
        step: &mut Step,
    ) {
        let whole = job_runs.is_empty().then_some(None);
        let each = job_runs.iter().copied().map(Some);
        for job_run in whole.into_iter().chain(each) {
            let row = ActionRow {
                id: ActionId(self.take_id()),
                execution,
                job_run,
                kind,
                by: String::from(by),
                at: self.now,
            };
            step.changes.push(Change::Action(row));
        }
    }

    /// A live execution that is neither stopping nor at its end.
    fn going(&self, id: ExecutionId) -> Result<&Execution, Rejected> {
        let execution = self.executions.get(&id);
        let execution = execution.ok_or(Rejected::UnknownExecution { execution: id })?;
        let state = execution.row.state;
        if !state.goes_on() {
            let execution = id;
            return Err(Rejected::WrongState { execution, state });
        }
        Ok(execution)
    }

    /// Takes a job run that waits out of its line, and takes back its timer.
    pub(in super::super) fn withdraw(&mut self, seat: Seat) {
        if let Some((need, rank)) = self.queue_place(seat) {
            self.yard.withdraw(&need, rank);
        }
        let execution = self.executions.get(&seat.0);
        let run = execution.and_then(|it| it.jobs.get(seat.1 as usize));
        if let Some(at) = run.and_then(|run| run.row.retry_at) {
            self.timers.clear(at, Timer::Retry(seat));
        }
    }
}
