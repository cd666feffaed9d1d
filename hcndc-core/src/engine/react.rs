//! What follows from what a step changed: dates of backfills.
//!
//! It looks at the rows that the step tells to store, whoever wrote them: so no other part of the engine needs to know
//! who waits for what.

use super::{Change, Engine, Step};

impl Engine {
    /// Looks at the changes from `seen` on, and does what follows from them, which may lead to further changes.
    pub(super) fn react(&mut self, step: &mut Step, seen: &mut usize) {
        while let Some(change) = step.changes.get(*seen) {
            *seen += 1;
            if let Change::Execution(row) = change
                && row.backfill.is_some()
            {
                let row = row.clone();
                self.on_backfill_moved(&row, step);
            }
        }
    }
}
