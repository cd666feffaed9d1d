//! Backfills: no more dates at once than asked for, and each date comes to what its execution comes to.

use hcndc_core::engine::{BackfillDateState, BackfillState, Change, ExecutionState};

use super::super::oracle::Oracle;

impl Oracle {
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
                    BackfillDateState::Failed => state.is_none_or(ExecutionState::is_ended),
                    BackfillDateState::Stopped => state.is_none_or(ExecutionState::is_ended),
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
