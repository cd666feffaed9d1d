//! Backfills: no more dates at once than asked for, and each date comes to what its execution comes to.

use hcndc_core::engine::{BackfillDateState, BackfillState, Change, ExecutionState};

use super::super::oracle::Oracle;

impl Oracle {
    /// `backfill`: dates begin in their order, while the backfill runs, and none after one that has failed.
    pub(crate) fn check_date_begins(&mut self, change: &Change) {
        let Change::BackfillDate(new) = change else {
            return;
        };
        let rows = &self.rows;
        let old = rows.backfill_dates.get(&(new.backfill, new.data_date));
        // What people resume goes on with the execution that it has.
        let begins = old.is_some_and(|old| old.execution != new.execution)
            && new.state == BackfillDateState::Running;
        if !begins {
            return;
        }
        let state = rows.backfills.get(&new.backfill).map(|row| row.state);
        let before = rows.dates_of(new.backfill).find(|it| match it.state {
            BackfillDateState::Waiting => it.data_date < new.data_date,
            BackfillDateState::Failed | BackfillDateState::Stopped => true,
            BackfillDateState::Running | BackfillDateState::Succeeded => false,
        });
        let before = before.map(|it| (it.data_date, it.state));
        let right = before.is_none() && state == Some(BackfillState::Running);
        let (id, date) = (new.backfill, new.data_date);
        self.holds("backfill", right, || {
            format!("{date} of backfill {id} begins: {state:?}, and {before:?}")
        });
    }

    /// `backfill`: after a commit that moves one, or an execution.
    pub(crate) fn check_backfills(&mut self, changes: &[Change]) {
        let moves = |change: &Change| {
            matches!(
                change,
                Change::Backfill(_) | Change::BackfillDate(_) | Change::Execution(_)
            )
        };
        if !changes.iter().any(moves) {
            return;
        }
        let rows = &self.rows;
        let mut wrong = Vec::new();
        // One that succeeded is no longer followed when people rerun its executions.
        let open = rows.backfills.values();
        for row in open.filter(|row| row.state != BackfillState::Succeeded) {
            let mut begun = 0;
            for date in rows.dates_of(row.id) {
                let execution = date.execution.and_then(|it| rows.executions.get(&it));
                let state = execution.map(|it| it.state);
                let right = match date.state {
                    BackfillDateState::Waiting => true,
                    BackfillDateState::Running => state.is_some_and(|it| !it.is_ended()),
                    BackfillDateState::Succeeded => state == Some(ExecutionState::Succeeded),
                    // One that could not even begin has no execution, or that of an earlier try.
                    BackfillDateState::Failed | BackfillDateState::Stopped => {
                        let bad =
                            |it: ExecutionState| it != ExecutionState::Succeeded && it.is_ended();
                        state.is_none_or(bad)
                    }
                };
                let ours = execution
                    .is_none_or(|it| it.backfill == Some(row.id) && it.data_date == date.data_date);
                if !(right && ours) {
                    let (id, at, is) = (row.id, date.data_date, date.state);
                    wrong.push(format!("{at} of backfill {id} is {is:?}, and it {state:?}"));
                }
                // What people resumed counts for nobody.
                let running = date.state == BackfillDateState::Running;
                begun += u32::from(running && execution.is_some_and(|it| it.resumes == 0));
            }
            if begun > row.parallel {
                wrong.push(format!("backfill {} runs {begun} dates at once", row.id));
            }
        }
        for detail in wrong {
            self.breaks("backfill", detail);
        }
    }
}
