//! What is due.

use super::super::{Engine, JobRunState, Step, timer::Timer};

impl Engine {
    /// Does all that is due by now.
    pub(in super::super) fn on_time(&mut self, step: &mut Step) {
        while let Some(timer) = self.timers.pop_due(self.now) {
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
                Timer::Lease(executor) => self.on_lease_end(executor, step),
            }
        }
    }
}
