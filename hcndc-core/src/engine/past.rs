//! What is left of runs that have ended, as far as others may ask: for which dates each flow succeeded, and what became
//! of single jobs where their flow did not.
//!
//! It is small for what it tells: dates that follow each other are one range, and jobs are kept only if somebody could
//! wait for them, and only until their flow succeeds for the date.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    change::{Change, FlowDates, JobOutcome},
    state::JobRunState,
};
use crate::{
    id::{FlowId, JobId},
    time::DataDate,
};

/// Runs that have ended, flow by flow and date by date; of several for one date, the one that ended last.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// For each flow the ranges of dates for which it succeeded: first and last date. No two touch.
    succeeded: BTreeMap<FlowId, BTreeMap<DataDate, DataDate>>,
    /// Where jobs stood when the run of their flow ended without success.
    outcomes: BTreeMap<JobId, BTreeMap<DataDate, JobRunState>>,
}

impl Past {
    pub(super) fn load(dates: &[FlowDates], outcomes: &[JobOutcome]) -> Self {
        let mut past = Self::default();
        for range in dates {
            let its = past.succeeded.entry(range.flow).or_default();
            its.insert(range.from, range.to);
        }
        for outcome in outcomes {
            let its = past.outcomes.entry(outcome.job).or_default();
            its.insert(outcome.data_date, outcome.state);
        }
        past
    }

    /// The ranges of all flows, by flow and date.
    pub(super) fn dates(&self) -> impl Iterator<Item = FlowDates> {
        let flows = self.succeeded.iter();
        flows.flat_map(|(&flow, its)| {
            let its = its.iter();
            its.map(move |(&from, &to)| FlowDates { flow, from, to })
        })
    }

    /// The ranges of dates for which a flow succeeded, in order.
    pub(super) fn dates_of(&self, flow: FlowId) -> impl Iterator<Item = (DataDate, DataDate)> {
        let its = self.succeeded.get(&flow).into_iter().flatten();
        its.map(|(&from, &to)| (from, to))
    }

    /// What became of jobs whose flow did not succeed, by job and date.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = JobOutcome> {
        let jobs = self.outcomes.iter();
        jobs.flat_map(|(&job, its)| {
            let its = its.iter();
            its.map(move |(&data_date, &state)| JobOutcome {
                job,
                data_date,
                state,
            })
        })
    }

    /// Whether the flow ever succeeded for the date.
    pub(super) fn has_succeeded(&self, flow: FlowId, date: DataDate) -> bool {
        let before = self.succeeded.get(&flow);
        let before = before.and_then(|its| its.range(..=date).next_back());
        before.is_some_and(|(_, &to)| date <= to)
    }

    /// Where the job stood when the last run of its flow for the date ended; `None` if there was none.
    pub(super) fn find(&self, flow: FlowId, job: JobId, date: DataDate) -> Option<JobRunState> {
        let noted = self.outcomes.get(&job).and_then(|its| its.get(&date));
        let succeeded = || {
            self.has_succeeded(flow, date)
                .then_some(JobRunState::Succeeded)
        };
        noted.copied().or_else(succeeded)
    }

    /// The flow of these jobs succeeded for this date: nothing else need be known of it.
    ///
    /// # Complexity
    /// O(log dates of the flow); and O(its jobs) while it is known that something of them failed.
    pub(super) fn succeed(
        &mut self,
        flow: FlowId,
        jobs: impl Iterator<Item = JobId>,
        date: DataDate,
        changes: &mut Vec<Change>,
    ) {
        if !self.outcomes.is_empty() {
            for job in jobs {
                self.forget_outcome(job, date, changes);
            }
        }
        if self.has_succeeded(flow, date) {
            return;
        }
        let its = self.succeeded.entry(flow).or_default();
        let (mut from, mut to) = (date, date);
        let before = its.range(..date).next_back();
        if let Some((&first, &last)) = before
            && last.plus_days(1) == Some(date)
        {
            from = first;
        }
        if let Some(next) = date.plus_days(1)
            && let Some(last) = its.remove(&next)
        {
            to = last;
            changes.push(Change::FlowDates {
                flow,
                from: next,
                to: None,
            });
        }
        its.insert(from, to);
        changes.push(Change::FlowDates {
            flow,
            from,
            to: Some(to),
        });
    }

    /// A run of the job's flow ended without success, and left the job in this state.
    pub(super) fn note(
        &mut self,
        job: JobId,
        data_date: DataDate,
        state: JobRunState,
        changes: &mut Vec<Change>,
    ) {
        let before = self
            .outcomes
            .entry(job)
            .or_default()
            .insert(data_date, state);
        if before != Some(state) {
            changes.push(Change::JobOutcome {
                job,
                data_date,
                state: Some(state),
            });
        }
    }

    /// The flow is no more.
    pub(super) fn forget_flow(&mut self, flow: FlowId, changes: &mut Vec<Change>) {
        let ranges = self.succeeded.remove(&flow).into_iter().flatten();
        changes.extend(ranges.map(|(from, _)| Change::FlowDates {
            flow,
            from,
            to: None,
        }));
    }

    /// The job is no more.
    pub(super) fn forget_job(&mut self, job: JobId, changes: &mut Vec<Change>) {
        let its = self.outcomes.remove(&job).into_iter().flatten();
        changes.extend(its.map(|(data_date, _)| Change::JobOutcome {
            job,
            data_date,
            state: None,
        }));
    }

    fn forget_outcome(&mut self, job: JobId, data_date: DataDate, changes: &mut Vec<Change>) {
        let Some(its) = self.outcomes.get_mut(&job) else {
            return;
        };
        if its.remove(&data_date).is_some() {
            let state = None;
            changes.push(Change::JobOutcome {
                job,
                data_date,
                state,
            });
        }
        if its.is_empty() {
            self.outcomes.remove(&job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(day: u32) -> DataDate {
        alloc::format!("2026-11-{day:02}").parse().unwrap()
    }

    #[test]
    fn dates_that_touch_become_one_range() {
        let (mut past, mut changes) = (Past::default(), Vec::new());
        let flow = FlowId(1);
        for day in [3, 5, 9, 4, 4] {
            past.succeed(flow, [].into_iter(), date(day), &mut changes);
        }
        let ranges: Vec<_> = past.dates_of(flow).collect();
        assert_eq!(ranges, [(date(3), date(5)), (date(9), date(9))]);
        // What stores are told comes to the same.
        let mut stored = BTreeMap::new();
        for change in changes {
            let Change::FlowDates { from, to, .. } = change else {
                panic!("{change:?}")
            };
            match to {
                Some(to) => stored.insert(from, to),
                None => stored.remove(&from),
            };
        }
        assert!(stored.into_iter().eq(ranges));
        let known: Vec<_> = (1..=9)
            .filter(|&day| past.has_succeeded(flow, date(day)))
            .collect();
        assert_eq!(known, [3, 4, 5, 9]);
    }

    #[test]
    fn the_run_that_ended_last_is_the_one_that_counts() {
        let (mut past, mut changes) = (Past::default(), Vec::new());
        let (flow, job) = (FlowId(1), JobId(2));
        assert_eq!(past.find(flow, job, date(1)), None);
        past.succeed(flow, [job].into_iter(), date(1), &mut changes);
        past.note(job, date(1), JobRunState::Failed, &mut changes);
        assert_eq!(past.find(flow, job, date(1)), Some(JobRunState::Failed));
        past.succeed(flow, [job].into_iter(), date(1), &mut changes);
        assert_eq!(past.find(flow, job, date(1)), Some(JobRunState::Succeeded));
        assert_eq!(past.outcomes().count(), 0);
        past.forget_flow(flow, &mut changes);
        assert_eq!(past.find(flow, job, date(1)), None);
    }
}
