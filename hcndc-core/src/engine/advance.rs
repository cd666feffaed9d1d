//! How one move leads to others: within an execution, and from there to flow runs that may start, here and elsewhere.
//!
//! An execution tells what moved, and what could move next; whether it does is decided here, where all executions are in
//! sight. All of it is done before a step is complete.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use super::{
    Change, Engine, FlowRunState, JobRunState, Step,
    alert::{Ended, FLOWS_NAMED},
    crossing::FlowSeat,
    execution::{Execution, Moves},
    placement::Seat,
};
use crate::{
    id::{ExecutionId, FlowId, JobId},
    time::DataDate,
};

/// What is left to do before a step is complete; a list instead of recursion, for chains may be long.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    queue: VecDeque<Task>,
    /// Executions of which nothing could move when they last moved.
    still: Vec<ExecutionId>,
}

/// A look at something that may be able to move.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// A flow run waits for no other of its execution.
    Start(FlowSeat),
    /// A place may be free among the runs of a flow.
    Fill(FlowId),
    /// A job run waits for runs outside, and may have what it waits for.
    Look(Seat),
    /// A job of a flow run came to its end: those who have joined the flow run share it.
    Mirror(FlowSeat, JobId, bool),
    /// A flow run came to its end: those who have joined it share it.
    EndJoined(FlowSeat, bool),
}

impl Tasks {
    pub(super) fn push(&mut self, task: Task) {
        self.queue.push_back(task);
    }

    pub(super) fn extend(&mut self, tasks: impl Iterator<Item = Task>) {
        self.queue.extend(tasks);
    }
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
        self.finish(tasks, step);
    }

    /// Does all that is left to do, and what comes of it.
    pub(super) fn finish(&mut self, mut tasks: Tasks, step: &mut Step) {
        loop {
            if let Some(task) = tasks.queue.pop_front() {
                match task {
                    Task::Start(seat) => self.offer(seat, step, &mut tasks),
                    Task::Fill(flow) => self.fill_flow(flow, step, &mut tasks),
                    Task::Look(seat) => self.look_outside(seat, step, &mut tasks),
                    Task::Mirror(other, job, good) => {
                        self.share(other, step, &mut tasks, |execution, at, moves| {
                            execution.mirror(at, job, good, moves);
                        });
                    }
                    Task::EndJoined(other, good) => {
                        self.share(other, step, &mut tasks, |execution, at, moves| {
                            execution.end_joined(at, good, moves);
                        });
                    }
                }
            } else if let Some(id) = tasks.still.pop() {
                // Only now: what could start has started.
                self.end_if_still(id, step, &mut tasks);
            } else {
                return;
            }
        }
    }

    /// Lets an execution move, and does what its moves ask of queues, claims, definitions and other executions.
    pub(super) fn act(
        &mut self,
        id: ExecutionId,
        step: &mut Step,
        tasks: &mut Tasks,
        act: impl FnOnce(&mut Execution, &mut Moves<'_>),
    ) {
        let Some(execution) = self.executions.get_mut(&id) else {
            return;
        };
        let spare = mem::take(&mut self.spare);
        let queued = execution.queued as usize;
        let mut moves = Moves::new(self.now, &mut step.changes, spare);
        act(execution, &mut moves);

        self.queued = self.queued + execution.queued as usize - queued;
        if execution.is_still() {
            tasks.still.push(id);
        }
        let date = execution.row.data_date;
        // What runs in part stands for no run of its flows.
        let reopened = mem::take(&mut moves.reopened).into_iter();
        for at in reopened.filter(|_| !execution.row.partial) {
            let flow = execution.flow_runs[at as usize].row.flow;
            self.crossings.add_run(flow, date, (id, at));
        }
        if moves.offered {
            // What had succeeded before may be waited for again, and for too long already.
            self.look_again_for(id, tasks);
        }
        for &at in &moves.ready {
            self.enqueue((id, at));
        }
        for &at in &moves.settled {
            self.leave_date((id, at), tasks);
        }
        for &at in &moves.unwatched {
            self.unwatch((id, at));
        }
        for &at in &moves.restarting {
            self.watch_time((id, at));
        }
        let watching = mem::take(&mut moves.watching);
        let startable = mem::take(&mut moves.startable);
        let (succeeded, ended) = (mem::take(&mut moves.succeeded), mem::take(&mut moves.ended));
        self.spare = moves.into_spare();
        for at in succeeded {
            self.reach(id, at, step, tasks);
        }
        for at in ended {
            self.end_run((id, at), step, tasks);
        }
        let watching = watching.into_iter().map(|at| Task::Look((id, at)));
        tasks.queue.extend(watching);
        let startable = startable.into_iter().map(|at| Task::Start((id, at)));
        tasks.queue.extend(startable);
    }

    /// All of an execution is on offer anew: whoever waits for runs of its flows looks again.
    fn look_again_for(&self, id: ExecutionId, tasks: &mut Tasks) {
        if let Some(execution) = self.executions.get(&id) {
            let flows = execution.flow_runs.iter().map(|run| run.row.flow);
            let watchers = self.watchers_of_flows(flows, execution.row.data_date);
            tasks.queue.extend(watchers);
        }
    }

    /// A job run settled: whoever waits for its date stands in line.
    fn leave_date(&mut self, seat: Seat, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let date = execution.row.data_date;
        let run = &execution.jobs[seat.1 as usize];
        let job = run.row.job;
        if execution.flow_runs[run.flow_run as usize].contested {
            for waiting in self.claims.leave(job, date, seat) {
                self.enqueue(waiting);
            }
        }
        self.tell_of_end(job, date, seat, tasks);
    }

    /// A job run settled: whoever waits for it elsewhere looks again, and whoever has joined its flow run shares its end.
    fn tell_of_end(&mut self, job: JobId, date: DataDate, seat: Seat, tasks: &mut Tasks) {
        if self.crossings.is_any_watching() {
            self.let_watchers_look(job, Some(date), tasks);
        }
        if !self.crossings.is_any_joined() {
            return;
        }
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.jobs[seat.1 as usize];
        let flow_seat = (seat.0, run.flow_run);
        if self.crossings.joined_to(flow_seat).next().is_some() {
            let good = is_good(run.row.state);
            tasks.push(Task::Mirror(flow_seat, job, good));
        }
    }

    pub(super) fn let_watchers_look(&self, job: JobId, date: Option<DataDate>, tasks: &mut Tasks) {
        let watchers = self.crossings.watchers_of(job, date);
        tasks.queue.extend(watchers.map(Task::Look));
    }

    /// R3: a flow run succeeded, and its flow has reached its date.
    fn reach(&mut self, id: ExecutionId, at: u32, step: &mut Step, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&id) else {
            return;
        };
        let (flow, date) = (
            execution.flow_runs[at as usize].row.flow,
            execution.row.data_date,
        );
        // What ran in part has not reached the date, and nothing is kept of what is no more.
        if execution.row.partial || self.definitions.flow(flow).is_none() {
            return;
        }
        if self.definitions.succeed(flow, date) {
            step.changes.push(Change::FlowDataDate {
                flow,
                data_date: date,
            });
            let open = self.crossings.open_gate(flow, Some(date));
            tasks.queue.extend(open.into_iter().map(Task::Start));
        }
        let jobs = self.definitions.jobs_of(flow).map(|job| job.id);
        self.past.succeed(flow, jobs, date, &mut step.changes);
        self.offer_same_date(flow, date, tasks);
    }

    /// A flow run came to its end: its place is free, those who have joined it share the end, and of a failed one it is
    /// kept where the jobs stood that others may wait for.
    fn end_run(&mut self, seat: FlowSeat, step: &mut Step, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.flow_runs[seat.1 as usize];
        let flow = run.row.flow;
        let good = run.row.state == FlowRunState::Succeeded;
        if !good && !execution.row.partial && self.definitions.flow(flow).is_some() {
            let date = execution.row.data_date;
            for job in &execution.jobs[run.jobs.start as usize..run.jobs.end as usize] {
                if self.is_awaited_outside(job.row.job, flow) {
                    let changes = &mut step.changes;
                    self.past.note(job.row.job, date, job.row.state, changes);
                }
            }
        }
        self.crossings.end_run(flow);
        self.unwatch_time(seat);
        if self.crossings.first_in_line(flow).is_some() {
            tasks.push(Task::Fill(flow));
        }
        if self.crossings.joined_to(seat).next().is_some() {
            tasks.push(Task::EndJoined(seat, good));
        }
    }

    /// Whether a job of another flow depends on this one, or any on its run for another date.
    fn is_awaited_outside(&self, job: JobId, flow: FlowId) -> bool {
        let dependents = self.definitions.dependents(job);
        let dependents = dependents.iter().filter_map(|&it| self.definitions.job(it));
        dependents.into_iter().any(|it| {
            let mut ties = it.dependencies.iter().filter(|tie| tie.job == job);
            it.flow != flow || ties.any(|tie| !tie.is_of_same_date())
        })
    }

    /// Ends an execution of which nothing can move any more, and forgets it.
    fn end_if_still(&mut self, id: ExecutionId, step: &mut Step, tasks: &mut Tasks) {
        let mut ended = false;
        self.act(id, step, tasks, |execution, moves| {
            ended = execution.end_if_still(moves);
        });
        if ended {
            self.forget(id, tasks);
        }
    }

    /// Forgets an execution that has ended; from now on others see what is kept of it.
    fn forget(&mut self, id: ExecutionId, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&id) else {
            return;
        };
        let watching: Vec<u32> = execution.outside.keys().copied().collect();
        for at in watching {
            self.unwatch((id, at));
        }
        self.part_all(id);
        let Some(execution) = self.executions.remove(&id) else {
            return;
        };
        if let Some(first) = execution.jobs.first() {
            self.by_first_job_run.remove(&first.row.id);
        }
        self.queued -= execution.queued as usize;
        let date = execution.row.data_date;
        let flows = execution.flow_runs.iter().map(|run| run.row.flow);
        let ended = Ended {
            schedule: execution.row.schedule,
            data_date: date,
            flows: flows.take(FLOWS_NAMED).collect(),
            flows_more: execution.flow_runs.len().saturating_sub(FLOWS_NAMED),
        };
        self.alerts.ended.insert(id, ended);
        for (at, run) in execution.flow_runs.iter().enumerate() {
            let seat = (id, at as u32);
            self.claims.remove_run(run.row.flow, date, seat);
            self.crossings.remove_run(run.row.flow, date, seat);
            if run.row.state == FlowRunState::Waiting {
                let (flow, priority) = (run.row.flow, run.flow.priority);
                self.crossings.leave_line(flow, priority, seat);
                for &parent in &run.flow.parents {
                    self.crossings.leave_gate(parent, date, seat);
                }
            }
        }
        let flows = execution.flow_runs.iter().map(|run| run.row.flow);
        tasks.queue.extend(self.watchers_of_flows(flows, date));
    }

    /// Looks for all who wait for jobs of these flows: also for jobs that a run of the flow does not have, for it hides
    /// what the past knows of them.
    pub(super) fn watchers_of_flows(
        &self,
        flows: impl Iterator<Item = FlowId>,
        date: DataDate,
    ) -> impl Iterator<Item = Task> {
        let flows = flows.filter(|_| self.crossings.is_any_watching());
        let jobs = flows.flat_map(|flow| self.definitions.jobs_of(flow));
        let watchers = jobs.flat_map(move |job| self.crossings.watchers_of(job.id, Some(date)));
        watchers.map(Task::Look)
    }
}

/// Whether a job run that settled is done, or passed over.
pub(super) const fn is_good(state: JobRunState) -> bool {
    matches!(state, JobRunState::Succeeded | JobRunState::Skipped)
}
