//! Checks of attempts that wait for values.

use alloc::vec::Vec;

use super::{Engine, Violation};
use crate::engine::AttemptState;

impl Engine {
    pub(super) fn check_resolving(&self, found: &mut Vec<Violation>) {
        for id in self.resolving.attempts() {
            let attempt = self.attempts.get(&id);
            let waits = attempt.is_some_and(|attempt| {
                attempt.row.state == AttemptState::Dispatched && !attempt.row.kill_asked
            });
            ensure!(
                found,
                "index",
                waits,
                "attempt {id} waits for values, and is not to begin"
            );
        }
        ensure!(
            found,
            "index",
            self.resolving.is_settled(),
            "an attempt was killed before it began, and has not ended"
        );
    }
}
