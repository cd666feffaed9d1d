//! Machines: what is stored moves as they allow, from where it was; and ends mean what they say (R6).

use hcndc_core::engine::{Change, ExecutionState, FlowRunState, JobRunState};

use super::super::oracle::Oracle;

impl Oracle {
    /// `moves`: every change follows from what was stored before it.
    pub(crate) fn check_move(&mut self, change: &Change) {
        let rows = &self.rows;
        let wrong = match change {
            Change::Execution(row) => rows.executions.get(&row.id).and_then(|old| {
                let legal = old.state == row.state || old.state.can_move(row.state);
                (!legal).then(|| format!("execution {}: {} to {}", row.id, old.state, row.state))
            }),
            Change::FlowRun { from, row } => {
                let old = rows.flow_runs.get(&row.id).map(|old| old.state);
                let legal = old.is_none_or(|old| old == row.state || old.can_move(row.state));
                (!(legal && old == *from))
                    .then(|| format!("flow run {}: {old:?} ({from:?}) to {}", row.id, row.state))
            }
            Change::JobRun { from, row } => {
                let old = rows.job_runs.get(&row.id).map(|old| old.state);
                let legal = old.is_none_or(|old| old == row.state || old.can_move(row.state));
                (!(legal && old == *from))
                    .then(|| format!("job run {}: {old:?} ({from:?}) to {}", row.id, row.state))
            }
            Change::Attempt(row) => rows.attempts.get(&row.id).and_then(|old| {
                let stays = !old.state.is_ended() && old.state == row.state;
                let legal = stays || old.state.can_move(row.state);
                (!legal).then(|| format!("attempt {}: {} to {}", row.id, old.state, row.state))
            }),
            _ => None,
        };
        if let Some(detail) = wrong {
            self.breaks("moves", detail);
        }
    }

    /// `R6`: what ends as one leaves nothing of it undone.
    pub(crate) fn check_ends(&mut self, change: &Change) {
        let rows = &self.rows;
        match change {
            Change::FlowRun { row, .. } if row.state == FlowRunState::Succeeded => {
                let runs = rows.job_runs.values();
                let mut runs = runs.filter(|run| run.flow_run == row.id);
                let good = |state| matches!(state, JobRunState::Succeeded | JobRunState::Skipped);
                let bad = runs.find(|run| !good(run.state)).map(|run| run.id);
                let id = row.id;
                self.holds("R6", bad.is_none(), || {
                    format!("flow run {id} succeeds without job run {bad:?}")
                });
            }
            Change::Execution(row) if row.state.is_ended() => {
                let runs = rows.job_runs.values();
                let mut runs = runs.filter(|run| run.execution == row.id);
                let active = runs.find(|run| run.state.is_active()).map(|run| run.id);
                let attempts = rows.attempts.values();
                let mut attempts = attempts.filter(|it| it.execution == row.id);
                let alive = attempts.find(|it| !it.state.is_ended()).map(|it| it.id);
                let flow_runs = rows.flow_runs.values();
                let mut flow_runs = flow_runs.filter(|run| run.execution == row.id);
                let all = flow_runs.all(|run| run.state == FlowRunState::Succeeded);
                let right = match row.state {
                    ExecutionState::Succeeded => all,
                    ExecutionState::Failed => !all,
                    _ => row.stopped_by.is_some(),
                };
                let (id, state) = (row.id, row.state);
                self.holds("R6", active.is_none() && alive.is_none(), || {
                    format!("execution {id} ends with {active:?} active, {alive:?} alive")
                });
                self.holds("R6", right, || format!("execution {id} ends as {state}"));
            }
            _ => {}
        }
    }
}
