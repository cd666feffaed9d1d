//! Once: an attempt runs at most once, its result is the one that it had and is counted once, and data dates follow.

use hcndc_core::{
    engine::{AttemptState, Change, EndCause, FlowRunState, JobRunState},
    id::AttemptId,
    time::Timestamp,
};

use super::super::oracle::Oracle;

impl Oracle {
    /// `once`: what begins is stored, wanted, and has not begun before.
    pub(crate) fn check_begin(&mut self, now: Timestamp, host: usize, attempt: AttemptId) {
        self.holds("once", !self.ran.contains_key(&attempt), || {
            format!("attempt {attempt} runs twice, now on host {host}")
        });
        let row = self.rows.attempts.get(&attempt);
        let state = row.map(|row| row.state);
        let wanted = state.is_some_and(|it| !it.is_ended() || it == AttemptState::Lost);
        self.holds("once", wanted, || {
            format!("attempt {attempt} begins though it is stored as {state:?}")
        });
        self.check_order(now, attempt);
    }

    /// `result`: the end that is stored is the one that came about; and a job run has the result of its last attempt.
    pub(crate) fn check_result(&mut self, change: &Change) {
        match change {
            Change::Attempt(row) if row.state.is_ended() => {
                let ran = self.ran.get(&row.id);
                let end = match ran {
                    Some(ran) => ran.end.as_ref().map(|(_, cause)| cause),
                    None => self.never_began.get(&row.id),
                };
                let (began, code) = (ran.is_some(), row.exit_code);
                let right = match row.state {
                    AttemptState::Succeeded | AttemptState::Failed => match end {
                        Some(EndCause::Exited(exit)) => code == Some(*exit),
                        Some(EndCause::Signaled(_)) => row.state == AttemptState::Failed,
                        _ => false,
                    },
                    AttemptState::TimedOut => end == Some(&EndCause::TimedOut),
                    AttemptState::Killed => match end {
                        Some(EndCause::Killed | EndCause::Signaled(_)) => true,
                        Some(_) => false,
                        None => !began,
                    },
                    AttemptState::NotStarted => !began,
                    AttemptState::Lost | AttemptState::Dispatched | AttemptState::Running => true,
                };
                let detail = format!(
                    "attempt {} is stored as {} with {code:?}; it began: {began}, and came to {end:?}",
                    row.id, row.state
                );
                self.holds("result", right, || detail);
            }
            Change::JobRun { row, .. } if row.state == JobRunState::Succeeded => {
                let old = self.rows.job_runs.get(&row.id);
                let moves = old.is_none_or(|old| old.state != row.state);
                let by_hand = self.hands.iter().any(|hand| hand.job_run == Some(row.id));
                if !moves || by_hand {
                    return;
                }
                let attempts = self.rows.attempts.values();
                let its = attempts.filter(|it| it.job_run == row.id);
                let last = its.max_by_key(|it| it.number);
                let right = last.is_some_and(|last| {
                    last.state == AttemptState::Succeeded && last.number == row.attempt
                });
                let detail = format!("job run {} succeeds by {last:?}", row.id);
                self.holds("result", right, || detail);
            }
            _ => {}
        }
    }

    /// R3, told by what succeeded.
    pub(crate) fn note_dates(&mut self, change: &Change) {
        match change {
            Change::FlowRun { row, .. } if row.state == FlowRunState::Succeeded => {
                let known = self.rows.flows.contains_key(&row.flow);
                let execution = self.rows.executions.get(&row.execution);
                if let Some(execution) = execution.filter(|it| known && !it.partial) {
                    let date = self.dates.entry(row.flow).or_insert(execution.data_date);
                    *date = (*date).max(execution.data_date);
                }
            }
            Change::FlowDeleted(flow) => {
                self.dates.remove(flow);
            }
            _ => {}
        }
    }

    /// `R3`: data dates are those of the latest success.
    pub(crate) fn check_dates(&mut self) {
        let right = self.dates == self.rows.data_dates;
        let detail = format!(
            "data dates are {:?}, not {:?}",
            self.rows.data_dates, self.dates
        );
        self.holds("R3", right, || detail);
    }
}
