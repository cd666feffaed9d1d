//! Backfills: planned, started, stopped as one, restarted with what has not succeeded.

use alloc::{string::String, vec::Vec};

use super::{
    super::{
        BackfillDateRow, BackfillDateState, BackfillPlan, BackfillRequest, BackfillRow,
        BackfillState, Change, Engine, ExecutionRow, ExecutionState, LONGEST_BACKFILL, PlannedFlow,
        Rejected, Reply, Start, Step, TriggerKind, WIDEST_BACKFILL, backfill::Backfill,
    },
    start::Opening,
};
use crate::{
    id::{BackfillId, ExecutionId},
    time::DataDate,
};

impl Engine {
    /// What this backfill would do if it were started now. Changes nothing.
    ///
    /// # Errors
    /// As for [`Input::Backfill`](super::super::Input::Backfill).
    pub fn plan_backfill(&self, request: &BackfillRequest) -> Result<BackfillPlan, Rejected> {
        let flow = request.flow;
        self.refuse_flow(flow)?;
        let parallel = request.parallel;
        if !(1..=WIDEST_BACKFILL).contains(&parallel) {
            let most = WIDEST_BACKFILL;
            return Err(Rejected::BackfillParallel { parallel, most });
        }
        let (from, to) = (request.from, request.to);
        let days = (to.to_naive() - from.to_naive()).num_days();
        if !(0..i64::from(LONGEST_BACKFILL)).contains(&days) {
            let most = LONGEST_BACKFILL;
            return Err(Rejected::BackfillRange { from, to, most });
        }
        let mut dates = Vec::with_capacity(days as usize + 1);
        let mut next = Some(from);
        while let Some(date) = next.filter(|date| *date <= to) {
            dates.push(date);
            next = date.plus_days(1);
        }
        let chosen = self.definitions.selection(&[flow], request.downstream);
        let flows = chosen.iter().filter_map(|&id| self.definitions.flow(id));
        let flows = flows.map(|flow| {
            let jobs = self.definitions.jobs_of(flow.id).filter(|job| job.enabled);
            PlannedFlow {
                flow: flow.id,
                name: flow.name.clone(),
                jobs: jobs.count() as u32,
            }
        });
        let flows: Vec<PlannedFlow> = flows.collect();
        let jobs: u64 = flows.iter().map(|flow| u64::from(flow.jobs)).sum();
        Ok(BackfillPlan {
            job_runs: jobs * dates.len() as u64,
            flows,
            dates,
        })
    }

    pub(in super::super) fn on_backfill(
        &mut self,
        request: BackfillRequest,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let plan = self.plan_backfill(&request)?;
        let id = BackfillId(self.take_id());
        let row = BackfillRow {
            id,
            state: BackfillState::Running,
            flow: request.flow,
            downstream: request.downstream,
            from: request.from,
            to: request.to,
            parallel: request.parallel,
            date_format: request.date_format,
            params: request.params,
            started_by: request.by,
            started_at: self.now,
            ended_at: None,
            stopped_by: None,
            restarted_by: None,
            restarts: 0,
        };
        step.changes.push(Change::Backfill(row.clone()));
        self.backfills.insert(id, Backfill::new(row, []));
        for data_date in plan.dates {
            self.put_date(id, data_date, BackfillDateState::Waiting, None, step);
        }
        step.reply = Reply::BackfillStarted(id);
        self.fill(id, step);
        Ok(())
    }

    pub(in super::super) fn on_stop_backfill(
        &mut self,
        id: BackfillId,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let backfill = self.known_backfill(id)?;
        match backfill.row.state {
            BackfillState::Running => {}
            state @ (BackfillState::Stopping
            | BackfillState::Succeeded
            | BackfillState::Failed
            | BackfillState::Stopped) => {
                return Err(Rejected::WrongBackfillState {
                    backfill: id,
                    state,
                });
            }
        }
        let running = backfill.in_state(BackfillDateState::Running);
        let running = running.filter_map(|date| backfill.date(date)?.execution);
        let running: Vec<ExecutionId> = running.collect();
        if let Some(backfill) = self.backfills.get_mut(&id) {
            backfill.row.stopped_by = Some(by.clone());
        }
        self.move_backfill(id, BackfillState::Stopping, step);
        self.stop_together(&running, &by, step);
        self.fill(id, step);
        Ok(())
    }

    pub(in super::super) fn on_restart_backfill(
        &mut self,
        id: BackfillId,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let backfill = self.known_backfill(id)?;
        let (state, flow) = (backfill.row.state, backfill.row.flow);
        if !matches!(state, BackfillState::Failed | BackfillState::Stopped) {
            return Err(Rejected::WrongBackfillState {
                backfill: id,
                state,
            });
        }
        self.refuse_flow(flow)?;
        let backfill = self.known_backfill(id)?;
        let again = backfill
            .in_state(BackfillDateState::Failed)
            .chain(backfill.in_state(BackfillDateState::Stopped));
        let again: Vec<DataDate> = again.collect();
        if let Some(backfill) = self.backfills.get_mut(&id) {
            let row = &mut backfill.row;
            (row.ended_at, row.stopped_by) = (None, None);
            row.restarted_by = Some(by);
            row.restarts = row.restarts.saturating_add(1);
        }
        self.move_backfill(id, BackfillState::Running, step);
        for date in again {
            let execution = self.backfills[&id].date(date).and_then(|it| it.execution);
            self.put_date(id, date, BackfillDateState::Waiting, execution, step);
        }
        self.fill(id, step);
        Ok(())
    }

    /// An execution moved that may be a date of a backfill. One that was put aside by a later execution of its date, or
    /// whose backfill has succeeded, is no part of one any more.
    pub(in super::super) fn on_backfill_moved(&mut self, row: &ExecutionRow, step: &mut Step) {
        let Some(backfill) = row.backfill.and_then(|id| self.backfills.get(&id)) else {
            return;
        };
        let id = backfill.row.id;
        let Some(date) = backfill.date(row.data_date).copied() else {
            return;
        };
        if date.execution != Some(row.id) || date.state == BackfillDateState::Waiting {
            return;
        }
        let state = match row.state {
            ExecutionState::Running | ExecutionState::Paused | ExecutionState::Stopping => {
                BackfillDateState::Running
            }
            ExecutionState::Succeeded => BackfillDateState::Succeeded,
            ExecutionState::Failed => BackfillDateState::Failed,
            ExecutionState::Stopped => BackfillDateState::Stopped,
        };
        if state != date.state {
            self.put_date(id, row.data_date, state, date.execution, step);
            self.fill(id, step);
        }
    }

    /// Begins dates while there is room for them, and ends the backfill if nothing of it is left.
    fn fill(&mut self, id: BackfillId, step: &mut Step) {
        while let Some(data_date) = self.backfills.get(&id).and_then(Backfill::next_date) {
            let row = &self.backfills[&id].row;
            let start = Start {
                flows: alloc::vec![row.flow],
                jobs: None,
                downstream: row.downstream,
                data_date,
                date_format: row.date_format.clone(),
                params: row.params.clone(),
                trigger: TriggerKind::Backfill,
                by: row.restarted_by.as_ref().unwrap_or(&row.started_by).clone(),
            };
            let opening = Opening {
                backfill: Some(id),
                ..Opening::manual(start)
            };
            // Definitions may have changed since: a date that cannot begin has failed.
            let (state, execution) = match self.begin(opening, step) {
                Ok(execution) => (BackfillDateState::Running, Some(execution)),
                Err(_) => (BackfillDateState::Failed, None),
            };
            self.put_date(id, data_date, state, execution, step);
        }
        let Some(backfill) = self.backfills.get(&id) else {
            return;
        };
        let outcome = backfill.outcome();
        if outcome != backfill.row.state {
            self.move_backfill(id, outcome, step);
        }
        if outcome == BackfillState::Succeeded {
            self.backfills.remove(&id);
        }
    }

    /// The one place where a backfill's state is written.
    fn move_backfill(&mut self, id: BackfillId, to: BackfillState, step: &mut Step) {
        let now = self.now;
        let Some(backfill) = self.backfills.get_mut(&id) else {
            return;
        };
        let row = &mut backfill.row;
        debug_assert!(
            row.state.can_move(to),
            "backfill {id} cannot go from {} to {to}",
            row.state
        );
        row.state = to;
        if to.is_ended() {
            row.ended_at = Some(now);
        }
        step.changes.push(Change::Backfill(row.clone()));
    }

    fn put_date(
        &mut self,
        id: BackfillId,
        data_date: DataDate,
        state: BackfillDateState,
        execution: Option<ExecutionId>,
        step: &mut Step,
    ) {
        let row = BackfillDateRow {
            backfill: id,
            data_date,
            state,
            execution,
        };
        if let Some(backfill) = self.backfills.get_mut(&id) {
            backfill.put(row);
            step.changes.push(Change::BackfillDate(row));
        }
    }

    fn known_backfill(&self, id: BackfillId) -> Result<&Backfill, Rejected> {
        let found = self.backfills.get(&id);
        found.ok_or(Rejected::UnknownBackfill { backfill: id })
    }

    /// All backfills that have not succeeded, by id.
    pub fn backfills(&self) -> impl Iterator<Item = &BackfillRow> {
        self.backfills.values().map(|backfill| &backfill.row)
    }
}
