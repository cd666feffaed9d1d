//! Deadlines of firings (R9), and what executions that schedules started tell them.

use super::super::super::{
    Change, DueState, Engine, ExecutionRow, ExecutionState, FiringRow, JobRunRow, JobRunState,
    Step,
    timer::{Timer, Which},
};
use crate::{
    id::{ExecutionId, FiringId},
    model::AlertEvent,
};

impl Engine {
    pub(in super::super::super) fn set_deadlines(&mut self, row: &FiringRow) {
        for (due, which) in [(row.start_by, Which::Start), (row.finish_by, Which::Finish)] {
            if let Some(due) = due.filter(|due| due.state == DueState::Open) {
                self.timers.set(due.at, Timer::Deadline(row.id, which));
            }
        }
    }

    /// An execution moved that may belong to a schedule.
    pub(in super::super::super) fn on_scheduled_moved(
        &mut self,
        row: &ExecutionRow,
        step: &mut Step,
    ) {
        if let Some(id) = row.schedule
            && let Some(entry) = self.schedules.entries.get_mut(&id)
        {
            if row.state.is_ended() {
                entry.live.remove(&row.id);
                self.start_queued(id, step);
            } else {
                entry.live.insert(row.id);
            }
        }
        if row.state.is_ended() {
            let succeeded = row.state == ExecutionState::Succeeded;
            self.keep_deadlines(row.id, succeeded, step);
        }
    }

    /// A job run moved: if it began, so did its execution.
    pub(in super::super::super) fn on_scheduled_job(&mut self, row: &JobRunRow, step: &mut Step) {
        if row.state == JobRunState::Dispatched {
            self.keep_deadlines(row.execution, false, step);
        }
    }

    /// The execution of a firing has started, or succeeded: deadlines that are open are kept.
    fn keep_deadlines(&mut self, execution: ExecutionId, succeeded: bool, step: &mut Step) {
        let Some(id) = self.schedules.watched.get(&execution) else {
            return;
        };
        let Some(mut row) = self.schedules.firings.get(id).cloned() else {
            return;
        };
        let mut kept = false;
        for (due, which) in [
            (Some(&mut row.start_by), Which::Start),
            (succeeded.then_some(&mut row.finish_by), Which::Finish),
        ] {
            if let Some(Some(due)) = due
                && due.state == DueState::Open
            {
                due.state = DueState::Kept;
                self.timers.clear(due.at, Timer::Deadline(row.id, which));
                kept = true;
            }
        }
        if kept {
            step.changes.push(Change::Firing(row.clone()));
            self.schedules.hold(row);
        }
    }

    /// A deadline has come, and what it is for has not happened.
    pub(in super::super::super) fn on_deadline(
        &mut self,
        id: FiringId,
        which: Which,
        step: &mut Step,
    ) {
        let Some(mut row) = self.schedules.firings.get(&id).cloned() else {
            return;
        };
        let (due, event) = match which {
            Which::Start => (&mut row.start_by, AlertEvent::NotStartedBy),
            Which::Finish => (&mut row.finish_by, AlertEvent::NotFinishedBy),
        };
        let Some(due) = due.as_mut().filter(|due| due.state == DueState::Open) else {
            return;
        };
        due.state = DueState::Missed;
        step.changes.push(Change::Firing(row.clone()));
        self.alert_deadline(&row, event, step);
        self.schedules.hold(row);
    }
}
