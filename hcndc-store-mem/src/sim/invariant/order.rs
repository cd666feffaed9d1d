//! R1 and R2, by what is stored when an attempt is made, and by the jobs' own traces when it begins.

use hcndc_core::{
    engine::{Change, FlowRunState, JobRunState},
    id::{AttemptId, JobRunId},
    model::Condition,
    time::Timestamp,
};

use super::super::oracle::Oracle;

/// What R1 and R6 say of a condition and an end; `None` while there is none.
pub(super) const fn is_met(condition: Condition, state: JobRunState) -> bool {
    let good = matches!(state, JobRunState::Succeeded | JobRunState::Skipped);
    match condition {
        Condition::Success => good,
        Condition::Failure => state.is_settled() && !good,
        Condition::Done => state.is_settled(),
    }
}

impl Oracle {
    /// Why this job run should not run yet, by what is stored. What had its turn, because something had failed, keeps
    /// it when people make that good: `had_turn`.
    fn obstacle(&self, id: JobRunId, had_turn: bool) -> Option<(&'static str, String)> {
        let rows = &self.rows;
        let run = rows.job_runs.get(&id)?;
        let (Ok(job), Some(flow_run)) = (rows.job_of(run), rows.flow_runs.get(&run.flow_run))
        else {
            return Some(("R1", format!("job run {id} has no definitions")));
        };
        if flow_run.state != FlowRunState::Running {
            let state = flow_run.state;
            return Some(("R2", format!("job run {id} runs in a {state} flow run")));
        }
        for dependency in job.dependencies.iter().filter(|it| it.offset_days == 0) {
            let inside = rows.job_runs.values();
            let mut inside = inside.filter(|it| it.execution == run.execution);
            let before = inside.find(|it| it.job == dependency.job);
            if let Some(before) = before
                && !is_met(dependency.condition, before.state)
                && !(had_turn
                    && dependency.condition != Condition::Success
                    && self.made_good.contains(&before.id))
            {
                let (condition, state) = (dependency.condition, before.state);
                let detail = format!(
                    "job run {id} runs, and {} is {state}, not {condition:?}",
                    before.id
                );
                return Some(("R1", detail));
            }
        }
        let execution = rows.executions.get(&run.execution)?;
        let (date, partial) = (execution.data_date, execution.partial);
        // What runs in part waits for nothing outside.
        for dependency in job.dependencies.iter().filter(|_| !partial) {
            let inside = rows.job_runs.values();
            let mut inside = inside.filter(|it| it.execution == run.execution);
            let outside = dependency.offset_days != 0 || !inside.any(|it| it.job == dependency.job);
            let Some(date) = date.plus_days(dependency.offset_days).filter(|_| outside) else {
                continue;
            };
            // It may have been run again since, and its job may be gone.
            let known = rows.jobs.get(&dependency.job);
            let good = dependency.condition != Condition::Failure;
            let met = self
                .met
                .contains(&(dependency.job, date, dependency.condition))
                || known.is_none_or(|it| good && self.succeeded.contains(&(it.flow, date)));
            if !met {
                let detail = format!("job run {id} runs, and {dependency:?} outside was never met");
                return Some(("R1", detail));
            }
        }
        let flow = rows.flow_of(flow_run).ok()?;
        for parent in &flow.parents {
            let inside = rows.flow_runs.values();
            let mut inside = inside.filter(|it| it.execution == run.execution);
            let before = inside.find(|it| it.flow == *parent);
            if let Some(before) = before.filter(|it| it.state != FlowRunState::Succeeded) {
                let detail = format!("job run {id} runs, and flow run {} did not", before.id);
                return Some(("R2", detail));
            }
        }
        None
    }

    /// What ever met a condition, for which date; and for which dates flows ever succeeded.
    pub(crate) fn note_met(&mut self, change: &Change) {
        match change {
            Change::JobRun { row, .. } => {
                let execution = self.rows.executions.get(&row.execution);
                if let Some(execution) = execution.filter(|it| !it.partial) {
                    let all = [Condition::Success, Condition::Failure, Condition::Done];
                    let met = all.into_iter().filter(|it| is_met(*it, row.state));
                    let date = execution.data_date;
                    self.met.extend(met.map(|it| (row.job, date, it)));
                }
            }
            Change::FlowRun { row, .. } if row.state == FlowRunState::Succeeded => {
                let execution = self.rows.executions.get(&row.execution);
                if let Some(execution) = execution.filter(|it| !it.partial) {
                    self.succeeded.insert((row.flow, execution.data_date));
                }
            }
            _ => {}
        }
    }

    fn state_of(&self, id: JobRunId) -> Option<JobRunState> {
        self.rows.job_runs.get(&id).map(|run| run.state)
    }

    /// `R1`, `R2`, and `retry`: a turn comes, and an attempt is made only when all that comes before is done, and while tries are left.
    pub(crate) fn check_start(&mut self, change: &Change) {
        if let Change::JobRun { row, .. } = change
            && row.state == JobRunState::Queued
            && self.state_of(row.id) == Some(JobRunState::Blocked)
            && let Some((rule, detail)) = self.obstacle(row.id, false)
        {
            self.breaks(rule, detail);
        }
        let Change::Attempt(new) = change else { return };
        if self.rows.attempts.contains_key(&new.id) {
            return;
        }
        self.note_awake(new.dispatched_at);
        let run = self.rows.job_runs.get(&new.job_run);
        let cut_off = run.is_some_and(|run| self.is_cut_off(run));
        let late = run.is_some_and(|run| self.is_over(run.flow_run, new.dispatched_at));
        let id = new.id;
        self.holds("R6", !cut_off, || {
            format!("attempt {id} is made in a flow run that is cut off")
        });
        self.holds("R6", !late, || {
            format!("attempt {id} is made in a flow run that is past its time")
        });
        if let Some((rule, detail)) = self.obstacle(new.job_run, true) {
            self.breaks(rule, detail);
        }
        let Some(run) = self.rows.job_runs.get(&new.job_run) else {
            return;
        };
        let job = self.rows.job_of(run).ok();
        let tries = new.number.saturating_sub(run.attempts_before);
        let may = job.map_or(0, |job| 1 + job.retry.max);
        let (id, number) = (new.id, new.number);
        let same = self.rows.attempts.values();
        let mut same = same.filter(|it| it.job_run == new.job_run);
        let twice = same.any(|it| it.number == number);
        self.holds("retry", (1..=may).contains(&tries) && !twice, || {
            format!("attempt {id} is number {number}, try {tries} of {may}")
        });
    }

    /// `R1`, `R2`: what really begins comes after what it waits for has really ended.
    pub(crate) fn check_order(&mut self, now: Timestamp, attempt: AttemptId) {
        let Some(row) = self.rows.attempts.get(&attempt) else {
            return;
        };
        if row.state.is_ended() {
            return;
        }
        let id = row.job_run;
        if let Some((rule, detail)) = self.obstacle(id, true) {
            self.breaks(rule, detail);
        }
        let rows = &self.rows;
        let Some(run) = rows.job_runs.get(&id) else {
            return;
        };
        let Ok(job) = rows.job_of(run) else { return };
        let before: Vec<JobRunId> = rows
            .job_runs
            .values()
            .filter(|it| it.execution == run.execution && !self.made_good.contains(&it.id))
            .filter(|it| {
                let on = job.dependencies.iter();
                on.filter(|on| on.offset_days == 0)
                    .any(|on| on.job == it.job)
            })
            .map(|it| it.id)
            .collect();
        let late = self.alive().find(|(_, ran)| before.contains(&ran.job_run));
        let late = late.map(|(id, _)| id);
        self.holds("R1", late.is_none(), || {
            format!("attempt {attempt} begins at {now} while {late:?} before it still runs")
        });
    }
}
