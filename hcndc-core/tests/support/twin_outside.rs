//! The twin's part of dependencies on runs outside (R1): what was seen, and when, is taken over from the engine's rows, and looked into.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{Change, JobRunRow, JobRunState, Step},
    id::{JobId, JobRunId},
    model::{Condition, Dependency},
    time::DataDate,
};

use super::{
    runs::Begun,
    store::Store,
    twin::{Twin, TwinExecution, TwinJob, is_good},
};

/// What runs outside had come to before a step.
pub(crate) type Before = BTreeMap<(JobId, Option<DataDate>), Option<JobRunState>>;

/// A job run that was seen to have what it depends on, of a run for this date.
pub(crate) type Met = (JobRunId, Dependency, Option<DataDate>);

fn job_run_of(change: &Change) -> Option<&JobRunRow> {
    match change {
        Change::JobRun { row, .. } => Some(row),
        _ => None,
    }
}

impl Twin {
    /// What runs outside had come to before a step, for all that were seen to be met in it.
    pub(crate) fn look_before(&self, step: &Step, store: &Store) -> Before {
        let mut before = Before::new();
        for row in step.changes.iter().filter_map(job_run_of) {
            if row.met_outside == 0 {
                continue;
            }
            let date = store.executions[&row.execution].data_date;
            let its = self.executions.get(&row.execution);
            let its = its.and_then(|its| its.jobs.iter().find(|run| run.id == row.id));
            let job = its.map_or_else(|| &store.jobs[&row.job], |run| &run.job);
            for tie in &job.dependencies {
                let asked = date.plus_days(tie.offset_days);
                let state = self.find_outside(tie.job, asked, store);
                before.insert((tie.job, asked), state);
            }
        }
        before
    }

    /// R1 outside: what was seen to be met is taken from the engine's rows, for it may have been so at any moment of the step.
    pub(crate) fn take_over_met(&mut self, step: &Step, store: &Store) {
        let again = step.changes.iter().filter_map(|change| match change {
            Change::JobRun {
                from: Some(from),
                row,
            } if from.is_settled() && row.state == JobRunState::Blocked => Some(row.id),
            _ => None,
        });
        let again: BTreeSet<JobRunId> = again.collect();
        for its in self.executions.values_mut().filter(|its| its.is_live()) {
            let outside: Vec<_> = its.jobs.iter().map(|run| its.outside(run)).collect();
            for (run, outside) in its.jobs.iter_mut().zip(outside) {
                let row = &store.job_runs[&run.id];
                let lost = run.met & !row.met_outside;
                assert!(
                    lost == 0 || again.contains(&run.id),
                    "R1: what is met stays so: {row:?}"
                );
                for (bit, tie) in outside {
                    if row.met_outside & bit != 0 && run.met & bit == 0 {
                        let date = its.date.plus_days(tie.offset_days);
                        self.gained.push((run.id, tie, date));
                    }
                }
                run.met = row.met_outside;
            }
        }
    }

    /// What was seen to be met was so before the step or is after it, or came to be so in it.
    pub(crate) fn check_met(&mut self, before: &Before, step: &Step, store: &Store) {
        for (run, tie, date) in std::mem::take(&mut self.gained) {
            let met = |state: Option<JobRunState>| {
                let good = state.filter(|state| state.is_settled()).map(is_good);
                good.is_some_and(|good| match tie.condition {
                    Condition::Done => true,
                    Condition::Success => good,
                    Condition::Failure => !good,
                })
            };
            // An execution that came or went in the step may have been the one that counts.
            let mut changed = step.changes.iter().filter_map(|change| match change {
                Change::JobRun { row, .. } if row.job == tie.job => {
                    Some((row.execution, row.state))
                }
                Change::Execution(row) => {
                    let mut runs = store.job_runs.values();
                    let run = runs.find(|run| run.execution == row.id && run.job == tie.job)?;
                    Some((row.id, run.state))
                }
                _ => None,
            });
            let became = changed.any(|(id, state)| {
                let its = &store.executions[&id];
                Some(its.data_date) == date && !its.partial && met(Some(state))
            });
            let was = met(before.get(&(tie.job, date)).copied().flatten());
            let is = met(self.find_outside(tie.job, date, store));
            assert!(
                was || became || is,
                "R1: {tie:?} of job run {run} is not met"
            );
        }
    }

    /// What the latest run of a job for a date came to.
    pub(crate) fn find_outside(
        &self,
        job: JobId,
        date: Option<DataDate>,
        store: &Store,
    ) -> Option<JobRunState> {
        let Some(found) = store.jobs.get(&job) else {
            return Some(JobRunState::Skipped);
        };
        let date = date?;
        let flow = found.flow;
        for its in self.executions.values().rev() {
            let run = its
                .flow_of(flow)
                .filter(|_| its.is_live() && its.date == date && !its.partial);
            if run.is_some_and(|run| !matches!(run.begun, Begun::Joined(..))) {
                return its.job(job).map(|it| it.state);
            }
        }
        let outcome = self.past.outcomes.get(&(job, date)).copied();
        let done = self.past.dates.contains(&(flow, date));
        outcome.or_else(|| done.then_some(JobRunState::Succeeded))
    }

    /// Finds out which job runs wait for runs outside.
    pub(crate) fn look_outside(&mut self) {
        for its in self
            .executions
            .values_mut()
            .filter(|its| its.state.goes_on())
        {
            let waits: Vec<bool> = its
                .jobs
                .iter()
                .map(|run| its.unmet_outside(run).next().is_some())
                .collect();
            for (run, waits) in its.jobs.iter_mut().zip(waits) {
                run.waits_outside = waits;
            }
        }
    }

    /// What has waited too long fails, what can only be skipped is skipped: for good. When, the engine's rows tell. Tells
    /// whether there was any.
    pub(crate) fn decide_outside(&mut self, step: &Step, store: &Store) -> bool {
        let moved: BTreeSet<(JobId, DataDate)> = step
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::JobRun { row, .. } => {
                    Some((row.job, store.executions[&row.execution].data_date))
                }
                _ => None,
            })
            .collect();
        let mut decided = Vec::new();
        for (id, its) in &self.executions {
            if !its.state.goes_on() {
                continue;
            }
            for (at, run) in its.jobs.iter().enumerate() {
                let told = store.job_runs[&run.id].state;
                if !its.looks(run) || run.state != JobRunState::Blocked {
                    continue;
                }
                let mut unmet = its.unmet_outside(run).peekable();
                if unmet.peek().is_none() {
                    continue;
                }
                let may = match told {
                    JobRunState::UpstreamFailed => unmet.any(|tie| {
                        // What can only be skipped is not late: then something else is why it failed, unless it has
                        // become so in this very step.
                        let date = its.date.plus_days(tie.offset_days);
                        let state = self.find_outside(tie.job, date, store);
                        let void =
                            tie.condition == Condition::Failure && state.is_some_and(is_good);
                        let was_void =
                            void && date.is_none_or(|it| !moved.contains(&(tie.job, it)));
                        !was_void && self.is_late(its, run, &tie)
                    }),
                    JobRunState::Skipped => unmet.all(|tie| tie.condition == Condition::Failure),
                    _ => false,
                };
                if may {
                    decided.push((*id, at, told));
                }
            }
        }
        for &(id, at, state) in &decided {
            self.executions.get_mut(&id).unwrap().jobs[at].fixed = Some(state);
        }
        !decided.is_empty()
    }

    pub(crate) fn is_late(&self, its: &TwinExecution, run: &TwinJob, tie: &Dependency) -> bool {
        let started_at = its.flow_of(run.flow).unwrap().started_at;
        let until = tie.wait_limit.map(|limit| started_at.after(limit));
        until.is_some_and(|until| until <= self.now)
    }

    /// R1 outside: whoever waits has a reason to, now that the step is complete.
    pub(crate) fn check_outside(&self, store: &Store) {
        for its in self.executions.values().filter(|its| its.state.goes_on()) {
            for run in its.jobs.iter().filter(|run| its.looks(run)) {
                if run.state != JobRunState::Blocked {
                    continue;
                }
                let mut unmet = its.unmet_outside(run).peekable();
                let (mut all_void, any) = (true, unmet.peek().is_some());
                for tie in unmet {
                    let date = its.date.plus_days(tie.offset_days);
                    let state = self.find_outside(tie.job, date, store);
                    let good = state.filter(|state| state.is_settled()).map(is_good);
                    let (met, void) = match tie.condition {
                        Condition::Done => (good.is_some(), false),
                        Condition::Success => (good == Some(true), false),
                        Condition::Failure => (good == Some(false), good == Some(true)),
                    };
                    assert!(!met, "R1: {tie:?} of {run:?} is met");
                    let late = !void && self.is_late(its, run, &tie);
                    assert!(!late, "R1: {run:?} waits too long for {tie:?}");
                    all_void &= void;
                }
                let pointless = any && all_void && !its.waits_inside(run);
                assert!(!pointless, "R1: {run:?} waits for what cannot be");
            }
        }
    }
}
