//! What time does to a flow run that has started: it is cut off when it takes too long, and what failed of it runs again.

use alloc::vec::Vec;

use super::{
    Change, Engine, FlowRunState, JobRunState, Step,
    crossing::FlowSeat,
    execution::{Execution, Moves},
    timer::Timer,
};
use crate::time::Timestamp;

impl Execution {
    /// Whether what failed of a flow run may run again by itself. What a person or a timeout killed does not.
    pub(super) fn may_restart(&self, at: u32) -> bool {
        let run = &self.flow_runs[at as usize];
        let mut jobs = self.jobs[run.jobs.start as usize..run.jobs.end as usize].iter();
        self.row.state.goes_on()
            && !run.row.timed_out
            && run.row.restarts < run.flow.restart_retries
            && jobs.all(|job| job.row.state != JobRunState::Killed)
    }

    /// Has what failed of a flow run wait for its time. The flow run goes on meanwhile: it keeps its place, and whoever
    /// shares its end waits with it.
    pub(super) fn plan_restart(&mut self, at: u32, moves: &mut Moves<'_>) {
        let delay = self.flow_runs[at as usize].flow.restart_delay;
        self.note_restart(at, Some(moves.now.after(delay)), moves);
        moves.restarting.push(at);
    }

    /// Runs again what failed of a flow run, and what failed elsewhere only because of that.
    fn restart(&mut self, at: u32, moves: &mut Moves<'_>) {
        let row = &mut self.flow_runs[at as usize].row;
        row.restarts = row.restarts.saturating_add(1);
        self.note_restart(at, None, moves);
        let jobs = self.flow_runs[at as usize].jobs.clone();
        let failed = jobs.filter(|&job| {
            let state = self.jobs[job as usize].row.state;
            matches!(state, JobRunState::Failed | JobRunState::UpstreamFailed)
        });
        let failed: Vec<u32> = failed.collect();
        self.take_back(&failed, JobRunState::Blocked, moves);
    }

    fn note_restart(&mut self, at: u32, restart_at: Option<Timestamp>, moves: &mut Moves<'_>) {
        let waited = self.waits_in(at);
        let row = &mut self.flow_runs[at as usize].row;
        row.restart_at = restart_at;
        moves.changes.push(Change::FlowRun {
            from: Some(row.state),
            row: *row,
        });
        self.waits = self.waits + self.waits_in(at) - waited;
    }

    /// Lets nothing more of a flow run begin, also not what waits to run again.
    fn cut_off(&mut self, at: u32, moves: &mut Moves<'_>) {
        self.flow_runs[at as usize].row.timed_out = true;
        self.note_restart(at, None, moves);
        let jobs = self.flow_runs[at as usize].jobs.clone();
        let ends = jobs.filter_map(|job| match self.jobs[job as usize].row.state {
            JobRunState::Blocked => Some((job, JobRunState::UpstreamFailed)),
            JobRunState::Queued | JobRunState::RetryWait => Some((job, JobRunState::Killed)),
            JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::Succeeded
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::UpstreamFailed
            | JobRunState::Skipped => None,
        });
        let ends: Vec<_> = ends.collect();
        self.settle_together(&ends, moves);
        // Of one that waited to run again nothing is left to settle.
        self.end_flow(at, moves);
    }
}

impl Engine {
    /// When a flow run is cut off; `None` if it does not run, or may take any time.
    pub(super) fn cut_off_at(&self, (id, at): FlowSeat) -> Option<Timestamp> {
        let run = self.executions.get(&id)?.flow_runs.get(at as usize)?;
        let runs = run.row.state == FlowRunState::Running && !run.row.timed_out;
        let started = run.row.started_at.filter(|_| runs)?;
        Some(started.after(run.flow.timeout?))
    }

    /// Watches the time of a flow run that has started.
    pub(super) fn watch_time(&mut self, seat: FlowSeat) {
        if let Some(until) = self.cut_off_at(seat) {
            self.timers.set(until, Timer::CutOff(seat));
        }
        let execution = self.executions.get(&seat.0);
        let run = execution.and_then(|it| it.flow_runs.get(seat.1 as usize));
        if let Some(at) = run.and_then(|run| run.row.restart_at) {
            self.timers.set(at, Timer::Restart(seat));
        }
    }

    /// A flow run has come to an end in time.
    pub(super) fn unwatch_time(&mut self, seat: FlowSeat) {
        let execution = self.executions.get(&seat.0);
        let Some(run) = execution.and_then(|it| it.flow_runs.get(seat.1 as usize)) else {
            return;
        };
        if let (Some(started), Some(timeout)) = (run.row.started_at, run.flow.timeout) {
            let until = started.after(timeout);
            self.timers.clear(until, Timer::CutOff(seat));
        }
    }

    /// A flow run may have taken too long.
    pub(super) fn on_cut_off(&mut self, seat: FlowSeat, step: &mut Step) {
        let due = self.cut_off_at(seat).is_some_and(|until| until <= self.now);
        let Some(execution) = self.executions.get(&seat.0).filter(|_| due) else {
            return;
        };
        if !execution.row.state.goes_on() {
            return;
        }
        let run = &execution.flow_runs[seat.1 as usize];
        let jobs = run.jobs.clone();
        if let Some(at) = run.row.restart_at {
            self.timers.clear(at, Timer::Restart(seat));
        }
        let its = &execution.jobs[jobs.start as usize..jobs.end as usize];
        let live: Vec<_> = its.iter().filter_map(|run| run.attempt).collect();
        for at in jobs {
            self.withdraw((seat.0, at));
        }
        for attempt in live {
            self.kill(attempt, step);
        }
        self.advance(seat.0, step, |execution, moves| {
            execution.cut_off(seat.1, moves);
        });
        self.end_cut(step);
    }

    /// What failed of a flow run may run again.
    pub(super) fn on_restart(&mut self, seat: FlowSeat, step: &mut Step) {
        let now = self.now;
        self.advance(seat.0, step, |execution, moves| {
            let run = execution.flow_runs.get(seat.1 as usize);
            let due = run.and_then(|run| run.row.restart_at);
            if execution.row.state.goes_on() && due.is_some_and(|at| at <= now) {
                execution.restart(seat.1, moves);
            }
        });
    }
}
