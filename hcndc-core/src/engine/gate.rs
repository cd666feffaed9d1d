//! When a flow run starts (R2, R5, R7): parents outside of its execution, other runs of its flow for its date, and places
//! among the runs of its flow.

use super::{
    Engine, ExecutionState, FlowRunState, Step,
    advance::{Task, Tasks},
    crossing::FlowSeat,
    execution::{Execution, FlowRun, Moves},
    timer::Timer,
};
use crate::{
    id::{ExecutionId, FlowId, FlowRunId},
    time::DataDate,
};

/// What a flow run comes to when no other of its execution holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A parent outside has not reached its date.
    Parent(FlowId),
    /// It shares the end of this run.
    Join(FlowSeat),
    /// Its flow has succeeded for its date before.
    JoinPast,
    /// It waits for a place among the runs of its flow.
    Line,
    /// It starts.
    Start,
}

impl Engine {
    /// What becomes of a flow run that waits for no other of its execution; `None` if it waits for one, or has started.
    pub(super) fn turn(&self, seat: FlowSeat) -> Option<Turn> {
        let execution = self.executions.get(&seat.0)?;
        let run = execution.flow_runs.get(seat.1 as usize)?;
        if execution.row.state != ExecutionState::Running || !execution.can_start(seat.1) {
            return None;
        }
        if let Some((parent, _)) = self.closed_gates(execution, run).next() {
            return Some(Turn::Parent(parent));
        }
        if let Some(join) = self.find_join(execution, run) {
            return Some(join);
        }
        let is_full = self.full_of(run.row.flow).is_some();
        Some(if is_full { Turn::Line } else { Turn::Start })
    }

    /// R5: what the run of a flow can join instead of running. What people take up again runs.
    pub(super) fn find_join(&self, execution: &Execution, run: &FlowRun) -> Option<Turn> {
        if !execution.row.trigger.is_automatic()
            || execution.row.resumes > 0
            || execution.row.partial
        {
            return None;
        }
        let (flow, date) = (run.row.flow, execution.row.data_date);
        let other = self.find_running(flow, date, execution.row.id);
        let past = || {
            self.past
                .has_succeeded(flow, date)
                .then_some(Turn::JoinPast)
        };
        other.map(Turn::Join).or_else(past)
    }

    /// R2: the parents of a flow run that take no part in its execution and have not reached its date, each with the date
    /// that it has reached. Only what nobody asked for waits for those, and nothing that runs in part.
    pub(super) fn closed_gates<'a>(
        &'a self,
        execution: &'a Execution,
        run: &'a FlowRun,
    ) -> impl Iterator<Item = (FlowId, Option<DataDate>)> + use<'a> {
        let date = execution.row.data_date;
        let parents = run.flow.parents.iter().copied();
        parents
            .filter(|_| execution.row.trigger.is_automatic() && !execution.row.partial)
            .filter(|&parent| execution.find_flow(parent).is_none())
            .filter(|&parent| self.definitions.flow(parent).is_some())
            .map(|parent| (parent, self.definitions.data_date(parent)))
            .filter(move |(_, reached)| reached.is_none_or(|reached| reached < date))
    }

    /// R7: the number of runs that a flow may have at once, if it has as many; `None` if another may start.
    pub(super) fn full_of(&self, flow: FlowId) -> Option<u32> {
        let max = self.definitions.flow(flow)?.max_runs?;
        (self.crossings.running(flow) >= max).then_some(max)
    }

    /// R5: the latest run of the flow for the date that runs in another execution, and is not being stopped.
    fn find_running(&self, flow: FlowId, date: DataDate, but: ExecutionId) -> Option<FlowSeat> {
        self.crossings.runs_of(flow, date).find(|&(id, at)| {
            let execution = self.executions.get(&id).filter(|_| id != but);
            execution.is_some_and(|it| {
                it.row.state != ExecutionState::Stopping
                    && it.flow_runs[at as usize].row.state == FlowRunState::Running
            })
        })
    }

    /// Does with a flow run what its turn says, if its turn has come.
    pub(super) fn offer(&mut self, seat: FlowSeat, step: &mut Step, tasks: &mut Tasks) {
        let Some(turn) = self.turn(seat) else { return };
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.flow_runs[seat.1 as usize];
        let (flow, priority) = (run.row.flow, run.flow.priority);
        let date = execution.row.data_date;
        match turn {
            Turn::Parent(parent) => self.crossings.wait_for_parent(parent, date, seat),
            Turn::Join(_) | Turn::JoinPast => {
                self.crossings.leave_line(flow, priority, seat);
                self.join(seat, turn, step, tasks);
            }
            Turn::Line => self.crossings.stand(flow, priority, seat),
            Turn::Start => {
                // Not before those who stand there already.
                self.crossings.stand(flow, priority, seat);
                self.fill_flow(flow, step, tasks);
            }
        }
    }

    /// Lets those who stand in the line of a flow start, as long as there are places.
    pub(super) fn fill_flow(&mut self, flow: FlowId, step: &mut Step, tasks: &mut Tasks) {
        while let Some(seat) = self.crossings.first_in_line(flow) {
            let Some(execution) = self.executions.get(&seat.0) else {
                return;
            };
            let priority = execution.flow_runs[seat.1 as usize].flow.priority;
            match self.turn(seat) {
                Some(Turn::Line) => return,
                Some(Turn::Start) => {
                    self.crossings.leave_line(flow, priority, seat);
                    self.crossings.begin_run(flow);
                    let date = execution.row.data_date;
                    self.act(seat.0, step, tasks, |execution, moves| {
                        execution.start_flow(seat.1, moves);
                    });
                    self.watch_time(seat);
                    self.offer_same_date(flow, date, tasks);
                }
                // Whatever else its turn has become is seen to by itself.
                turn => {
                    self.crossings.leave_line(flow, priority, seat);
                    if turn.is_some() {
                        tasks.push(Task::Start(seat));
                    }
                }
            }
        }
    }

    /// Those who stand in line for the date that a run of the flow is for can join it now.
    pub(super) fn offer_same_date(&self, flow: FlowId, date: DataDate, tasks: &mut Tasks) {
        if self.crossings.first_in_line(flow).is_some() {
            for seat in self.crossings.runs_of(flow, date) {
                tasks.push(Task::Start(seat));
            }
        }
    }

    fn join(&mut self, seat: FlowSeat, turn: Turn, step: &mut Step, tasks: &mut Tasks) {
        let other = match turn {
            Turn::Join(other) => Some(other),
            Turn::Parent(_) | Turn::JoinPast | Turn::Line | Turn::Start => None,
        };
        let other_run = other.and_then(|(id, at)| {
            let execution = self.executions.get(&id)?;
            Some(execution.flow_runs[at as usize].row.id)
        });
        if let Some(other) = other {
            self.crossings.join(other, seat);
        }
        self.act(seat.0, step, tasks, |execution, moves| {
            execution.join_flow(seat.1, other_run, moves);
        });
        self.hide(seat, tasks);
        // What has settled there already has settled here.
        let Some((id, at)) = other else { return };
        let Some(execution) = self.executions.get(&id) else {
            return;
        };
        let run = &execution.flow_runs[at as usize];
        for job in &execution.jobs[run.jobs.start as usize..run.jobs.end as usize] {
            if job.row.state.is_settled() {
                let good = super::advance::is_good(job.row.state);
                tasks.push(Task::Mirror((id, at), job.row.job, good));
            }
        }
    }

    /// What has joined another run is no run of its own: whoever waits for its jobs looks at others from now on.
    fn hide(&mut self, seat: FlowSeat, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let (run, date) = (
            &execution.flow_runs[seat.1 as usize],
            execution.row.data_date,
        );
        let flow = run.row.flow;
        self.crossings.remove_run(flow, date, seat);
        tasks.extend(self.watchers_of_flows([flow].into_iter(), date));
    }

    /// Lets those who have joined a flow run share what became of it. What is being stopped shares nothing any more.
    pub(super) fn share(
        &mut self,
        other: FlowSeat,
        step: &mut Step,
        tasks: &mut Tasks,
        act: impl Fn(&mut Execution, u32, &mut Moves<'_>),
    ) {
        let joined: alloc::vec::Vec<FlowSeat> = self.crossings.joined_to(other).collect();
        for (id, at) in joined {
            let execution = self.executions.get(&id);
            if execution.is_some_and(|it| it.row.state.goes_on()) {
                self.act(id, step, tasks, |execution, moves| {
                    act(execution, at, moves)
                });
            }
            let execution = self.executions.get(&id);
            let run = execution.map(|it| it.flow_runs[at as usize].row.state);
            if run.is_none_or(|state| state != FlowRunState::Joined) {
                self.crossings.part(other, (id, at));
            }
        }
    }

    /// The flow runs of an execution share no ends from now on.
    pub(super) fn part_all(&mut self, id: ExecutionId) {
        let Some(execution) = self.executions.get(&id) else {
            return;
        };
        for (at, run) in execution.flow_runs.iter().enumerate() {
            if let Some(other) = run.row.joined_to.and_then(|it| self.flow_seat(it)) {
                self.crossings.part(other, (id, at as u32));
            }
        }
    }

    /// Where a flow run of a live execution is. Ids of flow runs follow that of their execution.
    pub(super) fn flow_seat(&self, flow_run: FlowRunId) -> Option<FlowSeat> {
        let before = self.executions.range(..=ExecutionId(flow_run.0));
        let (&id, execution) = before.last()?;
        let first = execution.flow_runs.first()?.row.id.0;
        let at = usize::try_from(flow_run.0.checked_sub(first)?).ok()?;
        (at < execution.flow_runs.len()).then_some((id, at as u32))
    }

    /// A flow run may start that nobody has offered.
    pub(super) fn on_offer(&mut self, seat: FlowSeat, step: &mut Step) {
        let mut tasks = Tasks::default();
        tasks.push(Task::Start(seat));
        self.finish(tasks, step);
    }

    /// Takes up, after a load, what the flow runs of an execution wait for outside. Tells whether its rows fit those of
    /// the others.
    pub(super) fn take_up_flow_runs(&mut self, id: ExecutionId) -> bool {
        let Some(execution) = self.executions.get(&id) else {
            return true;
        };
        if !execution.row.state.goes_on() {
            return true;
        }
        let date = execution.row.data_date;
        let flow_runs = execution.flow_runs.len() as u32;
        for (at, run) in execution.flow_runs.iter().enumerate() {
            let seat = (id, at as u32);
            if run.row.state == FlowRunState::Joined {
                let other = run.row.joined_to.and_then(|it| self.flow_seat(it));
                let Some(other) = other.filter(|&it| self.runs(it)) else {
                    return false;
                };
                self.crossings.join(other, seat);
                continue;
            }
            match self.turn(seat) {
                None => {}
                Some(Turn::Parent(parent)) => self.crossings.wait_for_parent(parent, date, seat),
                Some(Turn::Line) => {
                    let (flow, priority) = (run.row.flow, run.flow.priority);
                    self.crossings.stand(flow, priority, seat);
                }
                // No engine left it so, but whoever wrote the rows did.
                Some(Turn::Join(_) | Turn::JoinPast | Turn::Start) => {
                    self.timers.set(self.now, Timer::Offer(seat));
                }
            }
        }
        for at in 0..flow_runs {
            self.watch_time((id, at));
        }
        true
    }

    pub(super) fn runs(&self, (id, at): FlowSeat) -> bool {
        let execution = self.executions.get(&id);
        let run = execution.and_then(|it| it.flow_runs.get(at as usize));
        run.is_some_and(|run| run.row.state == FlowRunState::Running)
    }
}
