//! Backfills as the twin sees them: dates in order, and what their executions came to, worked out anew after each step.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{
        BackfillDateState, BackfillRequest, BackfillState, Change, ExecutionState, Input, Reply,
        Step,
    },
    id::{BackfillId, ExecutionId},
    time::DataDate,
};

use super::store::Store;

#[derive(Debug)]
struct TwinBackfill {
    request: BackfillRequest,
    state: BackfillState,
    /// Dates whose turn has not come.
    waiting: BTreeSet<DataDate>,
    /// The latest execution of each date that began; none if it could not.
    begun: BTreeMap<DataDate, Option<ExecutionId>>,
}

/// All backfills, and how executions stand.
#[derive(Debug, Default)]
pub(crate) struct TwinBackfills(BTreeMap<BackfillId, TwinBackfill>);

impl TwinBackfill {
    fn status(&self, date: DataDate, store: &Store) -> BackfillDateState {
        if self.waiting.contains(&date) {
            return BackfillDateState::Waiting;
        }
        let Some(execution) = self.begun[&date] else {
            return BackfillDateState::Failed;
        };
        match store.executions[&execution].state {
            ExecutionState::Succeeded => BackfillDateState::Succeeded,
            ExecutionState::Failed => BackfillDateState::Failed,
            ExecutionState::Stopped => BackfillDateState::Stopped,
            _ => BackfillDateState::Running,
        }
    }

    fn statuses(&self, store: &Store) -> Vec<(DataDate, BackfillDateState)> {
        let mut all = Vec::new();
        let mut next = Some(self.request.from);
        while let Some(date) = next.filter(|date| *date <= self.request.to) {
            all.push((date, self.status(date, store)));
            next = date.plus_days(1);
        }
        all
    }
}

impl TwinBackfills {
    /// The latest execution of each date: a stop of the backfill stops those that run.
    pub(crate) fn executions(&self, id: BackfillId) -> Vec<ExecutionId> {
        let begun = self.0[&id].begun.iter();
        let latest = begun.filter(|(date, _)| !self.0[&id].waiting.contains(date));
        latest.filter_map(|(_, execution)| *execution).collect()
    }

    /// Follows a step whose executions have been compared already.
    pub(crate) fn follow(&mut self, input: &Input, step: &Step, store: &Store) {
        match input {
            Input::Backfill(request) => {
                let Reply::BackfillStarted(id) = step.reply else {
                    panic!("{:?}", step.reply)
                };
                let mut new = TwinBackfill {
                    request: request.clone(),
                    state: BackfillState::Running,
                    waiting: BTreeSet::new(),
                    begun: BTreeMap::new(),
                };
                let mut next = Some(request.from);
                while let Some(date) = next.filter(|date| *date <= request.to) {
                    new.waiting.insert(date);
                    next = date.plus_days(1);
                }
                self.0.insert(id, new);
            }
            Input::StopBackfill { backfill, .. } => {
                self.0.get_mut(backfill).unwrap().state = BackfillState::Stopping;
            }
            Input::RestartBackfill { backfill, .. } => {
                let its = self.0.get_mut(backfill).unwrap();
                assert!(matches!(
                    its.state,
                    BackfillState::Failed | BackfillState::Stopped
                ));
                its.state = BackfillState::Running;
                let again = its.statuses(store).into_iter().filter(|(_, state)| {
                    matches!(
                        state,
                        BackfillDateState::Failed | BackfillDateState::Stopped
                    )
                });
                its.waiting.extend(again.map(|(date, _)| date));
            }
            _ => {}
        }
        self.take_begun(step, store);
        for (id, its) in &mut self.0 {
            its.compare(*id, store);
        }
    }

    fn take_begun(&mut self, step: &Step, store: &Store) {
        for change in &step.changes {
            let (id, date, execution) = match change {
                Change::Execution(row) if row.resumes == 0 => match row.backfill {
                    Some(id) => (id, row.data_date, Some(row.id)),
                    None => continue,
                },
                Change::BackfillDate(row)
                    if row.execution.is_none() && row.state == BackfillDateState::Failed =>
                {
                    (row.backfill, row.data_date, None)
                }
                _ => continue,
            };
            let its = self.0.get_mut(&id).unwrap();
            if its.begun.get(&date) == Some(&execution) && !its.waiting.contains(&date) {
                continue;
            }
            let first = its.waiting.first().copied();
            assert_eq!(first, Some(date), "dates of backfill {id} begin in order");
            assert_eq!(its.state, BackfillState::Running, "backfill {id}");
            let flow = store.flows.get(&its.request.flow);
            let may = flow.is_some_and(|(flow, _)| flow.enabled);
            assert!(may || execution.is_none(), "backfill {id} of no flow");
            its.waiting.remove(&date);
            its.begun.insert(date, execution);
        }
    }
}

impl TwinBackfill {
    fn compare(&mut self, id: BackfillId, store: &Store) {
        let row = &store.backfills[&id];
        if self.state == BackfillState::Succeeded {
            assert_eq!(row.state, self.state);
            return;
        }
        let statuses = self.statuses(store);
        for (date, state) in &statuses {
            let stored = &store.backfill_dates[&(id, *date)];
            assert_eq!(stored.state, *state, "{date} of backfill {id}");
        }
        let count = |wanted| statuses.iter().filter(|(_, it)| *it == wanted).count();
        let running = count(BackfillDateState::Running);
        let ours = self.begun.values().flatten().filter(|it| {
            let row = &store.executions[it];
            !row.state.is_ended() && row.resumes == 0
        });
        let parallel = self.request.parallel as usize;
        assert!(ours.count() <= parallel, "backfill {id} runs too much");
        let halted = count(BackfillDateState::Failed) + count(BackfillDateState::Stopped) > 0;
        let waiting = count(BackfillDateState::Waiting);
        if self.state == BackfillState::Running && !halted {
            assert!(running >= parallel || waiting == 0, "backfill {id} idles");
        }
        self.state = match self.state {
            _ if count(BackfillDateState::Succeeded) == statuses.len() => BackfillState::Succeeded,
            BackfillState::Running if running == 0 && halted => BackfillState::Failed,
            BackfillState::Stopping if running == 0 => BackfillState::Stopped,
            state => state,
        };
        assert_eq!(row.state, self.state, "backfill {id}");
    }
}
