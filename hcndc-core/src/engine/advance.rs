//! How one move leads to others: within an execution, and from there to flow runs that may start.
//!
//! An execution tells what moved, and what could move next; whether it does is decided here, where all executions are in
//! sight. All of it is done before a step is complete.

use alloc::{collections::VecDeque, vec::Vec};

use super::{
    Change, Engine, Step,
    execution::{Execution, Moves},
    placement::Seat,
};
use crate::id::{ExecutionId, FlowId, JobId};

/// What is left to do before a step is complete; a list instead of recursion, for chains may be long.
#[derive(Debug, Default)]
struct Tasks {
    /// Flow runs that wait for no other of their execution, in the order in which they came to that.
    startable: VecDeque<Seat>,
    /// Executions of which nothing was active when they last moved.
    still: Vec<ExecutionId>,
}

impl Engine {
    /// Lets an execution move, and everything that this sets going; forgets executions that have ended by it.
    pub(super) fn advance(
        &mut self,
        id: ExecutionId,
        step: &mut Step,
        act: impl FnOnce(&mut Execution, &mut Moves<'_>),
    ) {
        let mut tasks = Tasks::default();
        self.act(id, step, &mut tasks, act);
        loop {
            if let Some(seat) = tasks.startable.pop_front() {
                self.act(seat.0, step, &mut tasks, |execution, moves| {
                    execution.start_flow(seat.1, moves);
                });
            } else if let Some(id) = tasks.still.pop() {
                // Only now: what could start has started.
                self.end_if_still(id, step, &mut tasks);
            } else {
                return;
            }
        }
    }

    /// Lets an execution move, and does what its moves ask of queues, claims and definitions.
    fn act(
        &mut self,
        id: ExecutionId,
        step: &mut Step,
        tasks: &mut Tasks,
        act: impl FnOnce(&mut Execution, &mut Moves<'_>),
    ) {
        let Some(execution) = self.executions.get_mut(&id) else {
            return;
        };
        let mut moves = Moves::new(self.now, &mut step.changes);
        act(execution, &mut moves);
        let Moves {
            ready,
            settled,
            succeeded,
            startable,
            ..
        } = moves;

        if execution.is_still() {
            tasks.still.push(id);
        }
        let (date, partial) = (execution.row.data_date, execution.row.partial);
        let succeeded: Vec<FlowId> = succeeded
            .iter()
            .map(|&at| execution.flow_runs[at as usize].row.flow)
            .collect();
        let settled: Vec<(JobId, Seat)> = settled
            .iter()
            .map(|&at| (execution.jobs[at as usize].row.job, (id, at)))
            .collect();
        for at in ready {
            self.enqueue((id, at));
        }
        for (job, seat) in settled {
            for waiting in self.claims.leave(job, date, seat) {
                self.enqueue(waiting);
            }
        }
        for flow in succeeded {
            // R3; what ran in part has not reached the date.
            if !partial && self.definitions.succeed(flow, date) {
                step.changes.push(Change::FlowDataDate {
                    flow,
                    data_date: date,
                });
            }
        }
        tasks
            .startable
            .extend(startable.into_iter().map(|at| (id, at)));
    }

    /// Ends an execution of which nothing can move any more, and forgets it.
    fn end_if_still(&mut self, id: ExecutionId, step: &mut Step, tasks: &mut Tasks) {
        let mut ended = false;
        self.act(id, step, tasks, |execution, moves| {
            ended = execution.end_if_still(moves);
        });
        if ended
            && let Some(execution) = self.executions.remove(&id)
            && let Some(first) = execution.jobs.first()
        {
            self.by_first_job_run.remove(&first.row.id);
        }
    }
}
