//! What is due.

use super::super::{Engine, JobRunState, Step, schedule::MOST_FIRED, timer::Timer};

impl Engine {
    /// Does all that is due by now, but for more firings than one step takes: those stay due.
    pub(in super::super) fn on_time(&mut self, step: &mut Step) {
        while self.schedules.fired < MOST_FIRED
            && let Some(timer) = self.timers.pop_due(self.now)
        {
            match timer {
                Timer::Retry((execution, job)) => {
                    self.advance(execution, step, |execution, moves| {
                        if execution.jobs[job as usize].row.state == JobRunState::RetryWait {
                            execution.move_job(job, JobRunState::Queued, moves);
                        }
                    })
                }
                Timer::WaitLimit(seat) => self.on_wait_limit(seat, step),
                Timer::Offer(seat) => self.on_offer(seat, step),
                Timer::CutOff(seat) => self.on_cut_off(seat, step),
                Timer::Restart(seat) => self.on_restart(seat, step),
                Timer::Lease(executor) => self.on_lease_end(executor, step),
                Timer::Fire(schedule) => self.on_fire_time(schedule, step),
                Timer::Deadline(firing, which) => self.on_deadline(firing, which, step),
                Timer::Longer(job_run, attempt) => self.on_longer(job_run, attempt, step),
                Timer::Escalate(alert) => self.on_escalate(alert, step),
            }
        }
    }
}
