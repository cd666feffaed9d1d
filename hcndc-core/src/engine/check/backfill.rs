//! Backfills: each date that runs has its execution, and none that could begin waits.

use alloc::vec::Vec;

use super::{Engine, Violation};
use crate::engine::{BackfillDateState, BackfillState, TriggerKind};

impl Engine {
    pub(super) fn check_backfills(&self, found: &mut Vec<Violation>) {
        for (id, backfill) in &self.backfills {
            let mut begun = 0;
            for date in backfill.dates() {
                let live = date.execution.and_then(|it| self.executions.get(&it));
                let fits = live.is_some_and(|it| {
                    it.row.backfill == Some(*id) && it.row.data_date == date.data_date
                });
                let runs = date.state == BackfillDateState::Running;
                ensure!(
                    found,
                    "backfill",
                    runs == fits || date.state == BackfillDateState::Waiting,
                    "{} of backfill {id} is {}, and its execution is not",
                    date.data_date,
                    date.state
                );
                // What people resumed counts for nobody.
                begun += u32::from(live.is_some_and(|it| runs && it.row.resumes == 0));
            }
            let row = &backfill.row;
            ensure!(
                found,
                "backfill",
                begun <= row.parallel,
                "backfill {id} runs {begun} dates, not at most {}",
                row.parallel
            );
            ensure!(
                found,
                "backfill",
                backfill.next_date().is_none(),
                "backfill {id} has room for a date, and none begins"
            );
            ensure!(
                found,
                "backfill",
                backfill.outcome() == row.state && row.state != BackfillState::Succeeded,
                "backfill {id} is {}, not {}",
                row.state,
                backfill.outcome()
            );
        }
        for execution in self.executions.values() {
            let row = &execution.row;
            ensure!(
                found,
                "backfill",
                (row.trigger == TriggerKind::Backfill) == row.backfill.is_some(),
                "execution {} belongs to no backfill, or should not",
                row.id
            );
        }
    }
}
