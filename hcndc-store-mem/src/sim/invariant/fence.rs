//! Who may speak: nothing is told that is not stored, and nobody obeys an old leader once there is a new one.

use hcndc_core::{engine::Order, id::ExecutorId, port::Fence};

use super::super::oracle::Oracle;

impl Oracle {
    /// `fence`: what is stored under one term is never followed by something of an earlier one.
    pub(crate) fn check_term(&mut self, fence: Fence) {
        let newest = self.stored_under;
        self.holds("fence", fence >= newest, || {
            format!("stored under fence {} after {}", fence.0, newest.0)
        });
        self.stored_under = newest.max(fence);
    }

    /// A host greets a scheduler of this term.
    pub(crate) fn hailed(&mut self, host: usize, fence: Fence) {
        let seen = self.fences.entry(host).or_default();
        *seen = (*seen).max(fence);
    }

    /// `fence`: a host obeys.
    pub(crate) fn obeyed(&mut self, host: usize, fence: Fence, order: &Order) {
        let seen = self.fences.get(&host).copied().unwrap_or_default();
        self.holds("fence", fence >= seen, || {
            format!(
                "host {host} obeys fence {} after {}: {order:?}",
                fence.0, seen.0
            )
        });
    }

    /// `told`: a scheduler gives an order, to whom it is stored to be for, and only once that is stored.
    pub(crate) fn told(&mut self, executor: ExecutorId, order: &Order) {
        match order {
            Order::Run(run) => {
                let row = self.rows.attempts.get(&run.attempt);
                let stored = row.is_some_and(|row| row.executor == executor);
                self.holds("told", stored, || {
                    format!("attempt {} is ordered and not stored", run.attempt)
                });
            }
            Order::Ack { attempt } => {
                let row = self.rows.attempts.get(attempt);
                let over = row.is_none_or(|row| row.state.is_ended());
                self.holds("told", over, || {
                    format!("the end of attempt {attempt} is acknowledged and not stored")
                });
            }
            Order::Kill { .. } => {}
        }
    }
}
