//! Dependencies on runs outside of an execution (R1): of a flow that takes no part in it, or for another data date.
//!
//! The latest run of the flow for that very date decides: of the live executions that have one the one started last,
//! else what the [past](super::past) knows. What is met stays met. What cannot be met may still be, for a failed run can be
//! resumed: so it is waited for, up to the dependency's limit.

use alloc::vec::Vec;

use super::{
    Engine, ExecutionState, JobRunState, Step,
    advance::{Task, Tasks},
    execution::{Verdict, verdict},
    placement::Seat,
    timer::Timer,
};
use crate::{
    id::{ExecutionId, JobId},
    model::Dependency,
    time::{DataDate, Timestamp},
};

/// What is known of a job's run outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutsideRun {
    /// The live execution that it is a part of.
    pub(super) execution: Option<ExecutionId>,
    /// Where it stands; `None` if there is no run.
    pub(super) state: Option<JobRunState>,
}

impl OutsideRun {
    /// What it means for a dependency; `None` while it waits.
    pub(super) fn verdict(self, dependency: &Dependency) -> Option<Verdict> {
        match verdict(dependency.condition, self.state?) {
            Some(Verdict::Met) => Some(Verdict::Met),
            Some(Verdict::Void) => Some(Verdict::Void),
            // Whoever failed may be resumed.
            Some(Verdict::Broken) | None => None,
        }
    }
}

impl Engine {
    /// What the latest run of a job for a date came to. A job that is no more counts as skipped, as it does in an execution.
    pub(super) fn find_outside(&self, job: JobId, date: Option<DataDate>) -> OutsideRun {
        let unknown = OutsideRun {
            execution: None,
            state: None,
        };
        let (Some(found), Some(date)) = (self.definitions.job(job), date) else {
            let gone = self.definitions.job(job).is_none();
            let state = gone.then_some(JobRunState::Skipped);
            return OutsideRun { state, ..unknown };
        };
        let latest = self.crossings.runs_of(found.flow, date).next();
        let live = latest.and_then(|(id, at)| Some((id, at, self.executions.get(&id)?)));
        match live {
            Some((id, at, execution)) => OutsideRun {
                execution: Some(id),
                state: execution.find_job_of(at, job).map(|run| run.row.state),
            },
            None => OutsideRun {
                state: self.past.find(found.flow, job, date),
                ..unknown
            },
        }
    }

    /// Looks whether a job run has what it waits for outside; notes whom it waits for if not.
    pub(super) fn look_outside(&mut self, seat: Seat, step: &mut Step, tasks: &mut Tasks) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        if execution.row.state == ExecutionState::Stopping || !execution.looks_outside(seat.1) {
            return;
        }
        let date = execution.row.data_date;
        let (mut met, mut is_void, mut is_late) = (0, true, false);
        for (bit, dependency) in execution.unmet_outside(seat.1) {
            let asked = date.plus_days(dependency.offset_days);
            match self
                .find_outside(dependency.job, asked)
                .verdict(&dependency)
            {
                Some(Verdict::Met) => met |= 1 << bit,
                Some(Verdict::Void) => {}
                Some(Verdict::Broken) | None => {
                    is_void = false;
                    let until = self.waits_until(seat, &dependency);
                    is_late |= until.is_some_and(|until| until <= self.now);
                }
            }
        }
        self.watch(seat, met);
        if met != 0 {
            self.act(seat.0, step, tasks, |execution, moves| {
                execution.meet_outside(seat.1, met, moves);
            });
        }
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        if !execution.looks_outside(seat.1) {
            return;
        }
        if is_late {
            self.act(seat.0, step, tasks, |execution, moves| {
                execution.tire(seat.1, moves);
            });
        } else if is_void && execution.job_waits(seat.1) {
            self.act(seat.0, step, tasks, |execution, moves| {
                execution.give_up_outside(seat.1, moves);
            });
        }
    }

    /// When a job run gives up waiting for a run outside; `None` if it never does.
    pub(super) fn waits_until(&self, seat: Seat, dependency: &Dependency) -> Option<Timestamp> {
        let execution = self.executions.get(&seat.0)?;
        let flow_run = execution.jobs.get(seat.1 as usize)?.flow_run;
        let started = execution.flow_runs[flow_run as usize].row.started_at?;
        Some(started.after(dependency.wait_limit?))
    }

    /// Has a job run told of all that becomes of the runs outside that it waits for, but for these, which it has seen.
    fn watch(&mut self, seat: Seat, but: u64) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let date = execution.row.data_date;
        for (bit, dependency) in execution.unmet_outside(seat.1) {
            if but & (1 << bit) != 0 {
                continue;
            }
            if let Some(asked) = date.plus_days(dependency.offset_days) {
                self.crossings.watch(dependency.job, asked, seat);
            }
            if let Some(until) = self.waits_until(seat, &dependency)
                && until > self.now
            {
                self.timers.set(until, Timer::WaitLimit(seat));
            }
        }
    }

    /// A job run waits for runs outside no more.
    pub(super) fn unwatch(&mut self, seat: Seat) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let date = execution.row.data_date;
        let run = &execution.jobs[seat.1 as usize];
        let its = execution.outside.get(&seat.1).into_iter().flatten();
        let its = its.filter_map(|&nth| run.job.dependencies.get(nth as usize));
        let its: Vec<Dependency> = its.copied().collect();
        for dependency in its {
            if let Some(asked) = date.plus_days(dependency.offset_days) {
                self.crossings.unwatch(dependency.job, asked, seat);
            }
            if let Some(until) = self.waits_until(seat, &dependency) {
                self.timers.clear(until, Timer::WaitLimit(seat));
            }
        }
    }

    /// A job run may have waited long enough for runs outside.
    pub(super) fn on_wait_limit(&mut self, seat: Seat, step: &mut Step) {
        let mut tasks = Tasks::default();
        tasks.push(Task::Look(seat));
        self.finish(tasks, step);
    }

    fn is_late(&self, seat: Seat) -> bool {
        let Some(execution) = self.executions.get(&seat.0) else {
            return false;
        };
        let mut unmet = execution.unmet_outside(seat.1);
        unmet.any(|(_, dependency)| {
            let until = self.waits_until(seat, &dependency);
            until.is_some_and(|until| until <= self.now)
        })
    }

    /// Takes up, after a load, what the job runs of an execution wait for outside.
    pub(super) fn take_up_job_runs(&mut self, id: ExecutionId) {
        let Some(execution) = self.executions.get(&id) else {
            return;
        };
        if execution.row.state == ExecutionState::Stopping {
            return;
        }
        let outside = execution.outside.keys().copied();
        let looking: Vec<u32> = outside.filter(|&at| execution.looks_outside(at)).collect();
        for at in looking {
            self.watch((id, at), 0);
            if self.is_late((id, at)) {
                // The limit passed while nobody was there.
                self.timers.set(self.now, Timer::WaitLimit((id, at)));
            }
        }
    }
}
