//! What ties executions: R2 and R5 across them, the runs of a flow at once of R7, and the limits on waiting of R1.

use hcndc_core::{
    engine::{
        Change, ExecutionRow, ExecutionState, FlowRunRow, FlowRunState, JobRunRow, JobRunState,
    },
    id::FlowRunId,
    model::{Condition, Dependency},
    time::Timestamp,
};

use super::{super::oracle::Oracle, order::is_met};

impl Oracle {
    /// `R1`, `R2`, `R5`, `R7`: a flow run starts, joins another or ends with it; a job run gives up waiting.
    pub(crate) fn check_crossing(&mut self, change: &Change) {
        let wrong = match change {
            Change::FlowRun { row, .. } => {
                let old = self.rows.flow_runs.get(&row.id).copied();
                self.note_time(old, row);
                match (old.map(|old| old.state), row.state) {
                    (Some(FlowRunState::Running), FlowRunState::Running) => {
                        old.and_then(|old| self.is_untimely(&old, row))
                    }
                    (Some(FlowRunState::Waiting), FlowRunState::Running) => self
                        .closed_gate(row)
                        .or_else(|| self.runs_beside(row))
                        .or_else(|| self.overfills(row)),
                    (Some(FlowRunState::Waiting), FlowRunState::Joined) => {
                        self.note_failures(row);
                        self.closed_gate(row).or_else(|| self.joins_wrongly(row))
                    }
                    (Some(FlowRunState::Joined), _) => self.ends_alone(row),
                    (Some(FlowRunState::Running), _) => self.succeeds_late(row),
                    _ => None,
                }
            }
            Change::JobRun { row, .. } => self.gives_up(row),
            _ => None,
        };
        if let Some((rule, detail)) = wrong {
            self.breaks(rule, detail);
        }
        self.note_crossing(change);
    }

    /// What of all this came about: a simulation in which it does not finds nothing.
    fn note_crossing(&mut self, change: &Change) {
        if let Change::JobRun { row, .. } = change
            && row.state == JobRunState::UpstreamFailed
        {
            let flow_run = self.rows.flow_runs.get(&row.flow_run);
            if flow_run.is_some_and(|it| it.joined_to.is_some()) {
                self.failed_with.insert(row.id);
            } else {
                self.failed_with.remove(&row.id);
            }
            if flow_run.is_some_and(|it| it.timed_out) {
                self.cut_off.insert(row.id);
            } else {
                self.cut_off.remove(&row.id);
            }
        }
        let what = match change {
            Change::FlowRun { row, .. } if row.state == FlowRunState::Joined => {
                if row.joined_to.is_some() {
                    "joined a live run"
                } else {
                    "joined a past run"
                }
            }
            Change::JobRun { row, .. } if row.met_outside != 0 => "met outside",
            _ => return,
        };
        *self.seen.entry(what).or_default() += 1;
    }

    /// What time did to a flow run.
    fn note_time(&mut self, old: Option<FlowRunRow>, row: &FlowRunRow) {
        let Some(old) = old else { return };
        if row.restarts > old.restarts {
            self.restarting.insert(row.execution);
            *self.seen.entry("flow run restarted").or_default() += 1;
        }
        if row.timed_out && !old.timed_out {
            *self.seen.entry("flow run cut off").or_default() += 1;
        }
    }

    /// R6: a flow run that is cut off before its time, or runs again too early or too often.
    fn is_untimely(&self, old: &FlowRunRow, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let flow = self.rows.flow_of(row).ok()?;
        let cut_off = row.timed_out && !old.timed_out;
        let restarts = row.restarts > old.restarts;
        let jobs = self.rows.job_runs.values();
        let killed = |run: &JobRunRow| run.flow_run == row.id && run.state == JobRunState::Killed;
        let right = match (cut_off, restarts) {
            _ if old.timed_out && !row.timed_out => false,
            (true, _) => flow.timeout.is_some(),
            (_, true) => {
                old.restart_at.is_some()
                    && row.restarts <= flow.restart_retries
                    && !row.timed_out
                    && !jobs.into_iter().any(killed)
            }
            (false, false) => true,
        };
        (!right).then(|| ("R6", format!("flow run goes from {old:?} to {row:?}")))
    }

    /// R6: whether a flow run has taken as long as it may.
    pub(super) fn is_over(&self, id: FlowRunId, now: Timestamp) -> bool {
        let run = self.rows.flow_runs.get(&id);
        let until = run.and_then(|run| {
            let timeout = self.rows.flow_of(run).ok()?.timeout?;
            Some(run.started_at?.after(timeout))
        });
        until.is_some_and(|until| until <= now)
    }

    /// R6: a flow run that succeeds and was not cut off, though whoever leads was awake when its time was over. What ended while
    /// nobody was awake has ended, and what was to be killed may have ended well before. What is being stopped is killed as it is.
    fn succeeds_late(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let (under, awake_at) = self.awake_at;
        let awake = under == self.stored_under && self.is_over(row.id, awake_at);
        let execution = self.rows.executions.get(&row.execution);
        let stopping = execution.is_some_and(|it| it.state == ExecutionState::Stopping);
        let late = awake && !row.timed_out && !stopping;
        (row.state == FlowRunState::Succeeded && late).then(|| {
            let (id, ended) = (row.id, row.ended_at);
            let detail = format!("flow run {id} succeeds at {ended:?}, past its time");
            ("R6", detail)
        })
    }

    /// Notes that whoever leads was awake at this time. Whoever leads next may have another clock.
    pub(super) fn note_awake(&mut self, at: Timestamp) {
        let (under, before) = self.awake_at;
        let same = under == self.stored_under;
        let before = if same { before } else { Timestamp::MIN };
        self.awake_at = (self.stored_under, before.max(at));
    }

    /// Whether nobody asked for just this execution, and nobody has taken it up since.
    fn joins_others(execution: &ExecutionRow) -> bool {
        execution.trigger.is_automatic() && !execution.partial && execution.resumes == 0
    }

    /// R2: a parent outside that has not reached the date.
    fn closed_gate(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let rows = &self.rows;
        let execution = rows.executions.get(&row.execution)?;
        if !execution.trigger.is_automatic() || execution.partial {
            return None;
        }
        let inside = |parent| {
            let mut runs = rows.flow_runs.values();
            runs.any(|run| run.execution == row.execution && run.flow == parent)
        };
        let parents = rows.flow_of(row).ok()?.parents.iter().copied();
        let mut parents = parents.filter(|parent| rows.flows.contains_key(parent));
        let late = parents.find(|&parent| {
            let reached = self.dates.get(&parent).copied();
            !inside(parent) && reached.is_none_or(|reached| reached < execution.data_date)
        })?;
        let (id, date) = (row.id, execution.data_date);
        Some((
            "R2",
            format!("flow run {id} goes on, and flow {late} outside has not reached {date}"),
        ))
    }

    /// R5: another run of the flow for the date, that this one should have joined.
    fn runs_beside(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let execution = self.rows.executions.get(&row.execution)?;
        if !Self::joins_others(execution) || !self.rows.flows.contains_key(&row.flow) {
            return None;
        }
        let date = execution.data_date;
        let mut others = self.rows.flow_runs.values();
        let other = others.find(|other| {
            other.execution != row.execution
                && other.flow == row.flow
                && self.can_be_joined(other, execution)
        });
        let other = other.map(|other| other.id);
        let past = self.succeeded.contains(&(row.flow, date));
        (other.is_some() || past).then(|| {
            let id = row.id;
            (
                "R5",
                format!("flow run {id} runs beside {other:?}; succeeded before: {past}"),
            )
        })
    }

    fn can_be_joined(&self, other: &FlowRunRow, by: &ExecutionRow) -> bool {
        let its = self.rows.executions.get(&other.execution);
        other.state == FlowRunState::Running
            && its.is_some_and(|its| {
                !its.partial
                    && its.data_date == by.data_date
                    && its.state != ExecutionState::Stopping
            })
    }

    /// R5: who joins what.
    fn joins_wrongly(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let execution = self.rows.executions.get(&row.execution)?;
        let right = match row.joined_to {
            Some(other) => self.rows.flow_runs.get(&other).is_some_and(|other| {
                other.flow == row.flow
                    && other.execution != row.execution
                    && self.can_be_joined(other, execution)
            }),
            None => self.succeeded.contains(&(row.flow, execution.data_date)),
        };
        (!right || !Self::joins_others(execution)).then(|| {
            let (id, other) = (row.id, row.joined_to);
            ("R5", format!("flow run {id} joins {other:?}"))
        })
    }

    /// R5: what has joined another run shares its end, unless it is stopped by itself.
    fn ends_alone(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let state_of = |id: FlowRunId| self.rows.flow_runs.get(&id).map(|run| run.state);
        let other = row.joined_to.and_then(state_of);
        let right = match row.state {
            FlowRunState::Succeeded => {
                row.joined_to.is_none() || other == Some(FlowRunState::Succeeded)
            }
            FlowRunState::Failed => {
                matches!(other, Some(FlowRunState::Failed | FlowRunState::Stopped))
                    || self.has_failed_itself(row)
            }
            _ => true,
        };
        (!right).then(|| {
            let (id, state) = (row.id, row.state);
            (
                "R5",
                format!("flow run {id} is {state}, what it joined is {other:?}"),
            )
        })
    }

    /// Notes which job runs have failed by the time at which their flow run joins another.
    fn note_failures(&mut self, row: &FlowRunRow) {
        let its = self.rows.job_runs.values();
        let failed = its.filter(|run| run.flow_run == row.id && has_failed(run.state));
        let failed = failed.map(|run| run.id).collect();
        self.failed_before.insert(row.id, failed);
    }

    /// Whether a job of a flow run failed before that joined another, and nothing has made it good since.
    fn has_failed_itself(&self, row: &FlowRunRow) -> bool {
        let before = self.failed_before.get(&row.id);
        let mut before = before.into_iter().flatten();
        before.any(|id| {
            let run = self.rows.job_runs.get(id);
            run.is_some_and(|run| has_failed(run.state))
        })
    }

    /// R7: more runs of a flow at once than it may have.
    fn overfills(&self, row: &FlowRunRow) -> Option<(&'static str, String)> {
        let most = self.rows.flows.get(&row.flow)?.max_runs?;
        let runs = self.rows.flow_runs.values();
        let runs = runs.filter(|run| run.flow == row.flow && run.state == FlowRunState::Running);
        let count = runs.count() + 1;
        (count > most as usize).then(|| {
            let id = row.id;
            (
                "R7",
                format!("flow run {id} is number {count} of {most} at once"),
            )
        })
    }

    /// R1: a job run that nothing in its execution keeps from running gives up only when it has waited as long as it may.
    fn gives_up(&mut self, row: &JobRunRow) -> Option<(&'static str, String)> {
        let rows = &self.rows;
        let old = rows.job_runs.get(&row.id)?;
        if old.state != JobRunState::Blocked || row.state != JobRunState::UpstreamFailed {
            return None;
        }
        let flow_run = rows.flow_runs.get(&row.flow_run)?;
        if flow_run.joined_to.is_some() || flow_run.timed_out {
            return None;
        }
        let job = rows.job_of(row).ok()?;
        let inside = |dependency: &Dependency| {
            let mut runs = rows.job_runs.values();
            runs.find(|run| {
                dependency.offset_days == 0
                    && run.execution == row.execution
                    && run.job == dependency.job
            })
        };
        let breaks = |dependency: &Dependency| match inside(dependency) {
            Some(before) => {
                dependency.condition == Condition::Success
                    && is_met(Condition::Failure, before.state)
            }
            None => false,
        };
        if job.dependencies.iter().any(breaks) {
            return None;
        }
        *self.seen.entry("waited too long").or_default() += 1;
        let outside = job.dependencies.iter().filter(|it| inside(it).is_none());
        let limit = outside.filter_map(|it| it.wait_limit).min();
        let late = limit.is_some_and(|limit| {
            let until = flow_run.started_at.map(|at| at.after(limit));
            until.is_some_and(|until| row.ended_at.is_some_and(|at| at >= until))
        });
        (!late).then(|| {
            let (id, at, since) = (row.id, row.ended_at, flow_run.started_at);
            (
                "R1",
                format!("job run {id} gives up at {at:?}, since {since:?}, with limit {limit:?}"),
            )
        })
    }
}

/// Whether this is an end that keeps a flow run from succeeding.
const fn has_failed(state: JobRunState) -> bool {
    matches!(
        state,
        JobRunState::Failed | JobRunState::Killed | JobRunState::UpstreamFailed
    )
}
