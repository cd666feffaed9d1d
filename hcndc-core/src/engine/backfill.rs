//! Backfills: a range of dates, each an execution of its own, in order, a few at once.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::state::{BackfillDateState, BackfillState};
use crate::{
    id::{BackfillId, ExecutionId, FlowId},
    model::Param,
    time::{DataDate, DateFormat, Timestamp},
};

/// Dates of one backfill at most: ten years.
pub const LONGEST_BACKFILL: u32 = 3_660;

/// Dates of one backfill that may run at once at most.
pub const WIDEST_BACKFILL: u32 = 366;

/// A range of dates to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackfillRequest {
    /// Which flow.
    pub flow: FlowId,
    /// With all flows downstream of it.
    pub downstream: bool,
    /// The first date.
    pub from: DataDate,
    /// The last date, not before the first; at most [`LONGEST_BACKFILL`] dates in all.
    pub to: DataDate,
    /// Dates at once, in the order of dates; 1 to [`WIDEST_BACKFILL`]. With 1 each date waits for the end of the one
    /// before.
    pub parallel: u32,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub date_format: Option<DateFormat>,
    /// Values that go before the flows' and jobs' own.
    pub params: Vec<Param>,
    /// Who wants it.
    pub by: String,
}

/// What a backfill would do, by the definitions in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackfillPlan {
    /// Flows of each execution, by id.
    pub flows: Vec<PlannedFlow>,
    /// Dates, each an execution, in the order in which they start.
    pub dates: Vec<DataDate>,
    /// Jobs that will run in all: those of all flows, for all dates.
    pub job_runs: u64,
}

/// A flow of a [`BackfillPlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PlannedFlow {
    /// Which.
    pub flow: FlowId,
    /// Its name.
    pub name: String,
    /// Its enabled jobs.
    pub jobs: u32,
}

/// A backfill as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackfillRow {
    /// Key.
    pub id: BackfillId,
    /// Where it stands.
    pub state: BackfillState,
    /// Its flow.
    pub flow: FlowId,
    /// Whether all flows downstream take part.
    pub downstream: bool,
    /// The first date.
    pub from: DataDate,
    /// The last date.
    pub to: DataDate,
    /// Dates at once.
    pub parallel: u32,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub date_format: Option<DateFormat>,
    /// Values that go before the flows' and jobs' own.
    pub params: Vec<Param>,
    /// Who started it.
    pub started_by: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it did; gone again after a restart.
    pub ended_at: Option<Timestamp>,
    /// Who asked to stop it, while it stops and after.
    pub stopped_by: Option<String>,
    /// Who last restarted it.
    pub restarted_by: Option<String>,
    /// How often it was restarted.
    pub restarts: u32,
}

/// A date of a backfill as it is stored; keyed by both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackfillDateRow {
    /// Its backfill.
    pub backfill: BackfillId,
    /// The date.
    pub data_date: DataDate,
    /// Where it stands.
    pub state: BackfillDateState,
    /// Its latest execution, once it has one.
    pub execution: Option<ExecutionId>,
}

/// All that an engine needs of one backfill.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackfillSnapshot {
    /// The backfill.
    pub row: BackfillRow,
    /// Its dates, in their order.
    pub dates: Vec<BackfillDateRow>,
}

/// A backfill that has not succeeded.
#[derive(Clone, Debug)]
pub(super) struct Backfill {
    pub(super) row: BackfillRow,
    dates: BTreeMap<DataDate, BackfillDateRow>,
    /// Dates by state: so that no step looks at all of them.
    by_state: BTreeMap<BackfillDateState, BTreeSet<DataDate>>,
}

impl Backfill {
    pub(super) fn new(row: BackfillRow, dates: impl IntoIterator<Item = BackfillDateRow>) -> Self {
        let mut new = Self {
            row,
            dates: BTreeMap::new(),
            by_state: BTreeMap::new(),
        };
        for date in dates {
            new.put(date);
        }
        new
    }

    pub(super) fn put(&mut self, row: BackfillDateRow) {
        if let Some(old) = self.dates.insert(row.data_date, row)
            && let Some(dates) = self.by_state.get_mut(&old.state)
        {
            dates.remove(&row.data_date);
        }
        self.by_state
            .entry(row.state)
            .or_default()
            .insert(row.data_date);
    }

    pub(super) fn date(&self, date: DataDate) -> Option<&BackfillDateRow> {
        self.dates.get(&date)
    }

    pub(super) fn dates(&self) -> impl Iterator<Item = &BackfillDateRow> {
        self.dates.values()
    }

    /// Dates in this state, in their order.
    pub(super) fn in_state(&self, state: BackfillDateState) -> impl Iterator<Item = DataDate> {
        self.by_state.get(&state).into_iter().flatten().copied()
    }

    fn count(&self, state: BackfillDateState) -> usize {
        self.by_state.get(&state).map_or(0, BTreeSet::len)
    }

    /// Whether a date came to an end that is no success: then no other one begins.
    pub(super) fn is_halted(&self) -> bool {
        self.count(BackfillDateState::Failed) + self.count(BackfillDateState::Stopped) > 0
    }

    pub(super) fn running(&self) -> usize {
        self.count(BackfillDateState::Running)
    }

    /// The date that begins next; `None` if none may now.
    pub(super) fn next_date(&self) -> Option<DataDate> {
        let may = self.row.state == BackfillState::Running
            && !self.is_halted()
            && self.running() < self.row.parallel as usize;
        self.in_state(BackfillDateState::Waiting)
            .next()
            .filter(|_| may)
    }

    /// Where it stands once its dates stand as they do and none may begin.
    pub(super) fn outcome(&self) -> BackfillState {
        if self.count(BackfillDateState::Succeeded) == self.dates.len() {
            return BackfillState::Succeeded;
        }
        let still = self.running() == 0;
        match self.row.state {
            BackfillState::Running if still && self.is_halted() => BackfillState::Failed,
            BackfillState::Stopping if still => BackfillState::Stopped,
            state @ (BackfillState::Running
            | BackfillState::Stopping
            | BackfillState::Succeeded
            | BackfillState::Failed
            | BackfillState::Stopped) => state,
        }
    }

    pub(super) fn snapshot(&self) -> BackfillSnapshot {
        BackfillSnapshot {
            row: self.row.clone(),
            dates: self.dates.values().copied().collect(),
        }
    }
}
