//! Outputs: what a job takes of another is what the attempt put out that brought the other's run to its end last, so the one
//! that met the dependency; whoever leads, and however often the engine was loaded since.

use hcndc_core::{
    engine::{AttemptState, Change, JobRunState, RunOrder},
    id::{ExecutionId, JobId},
    model::{JobParam, OutputSource},
};

use super::super::{host::put_out, mesh::DEFAULT, oracle::Oracle};

impl Oracle {
    /// Notes which attempt brings a job run to its end.
    pub(crate) fn note_settled(&mut self, change: &Change) {
        let Change::JobRun {
            from: Some(from),
            row,
        } = change
        else {
            return;
        };
        let ends = matches!(
            row.state,
            JobRunState::Succeeded | JobRunState::Failed | JobRunState::Killed
        );
        if from.is_live() && ends {
            self.settled_by.insert(row.id, row.attempt);
        }
    }

    /// `outputs`: an executor gets an order.
    pub(crate) fn check_outputs(&mut self, order: &RunOrder) {
        let run = self.rows.job_runs.get(&order.job_run);
        let job = run.and_then(|run| self.rows.job_versions.get(&(run.job, run.job_version)));
        let attempt = self.rows.attempts.get(&order.attempt);
        // A late echo of an order tells of a time that is over.
        let lives = attempt.is_some_and(|it| !it.state.is_ended());
        let Some(job) = job.filter(|_| lives).cloned() else {
            return;
        };
        for param in &job.params {
            let JobParam::Output { name, output } = param else {
                continue;
            };
            let Some(expected) = self.expected(order.execution, output) else {
                continue;
            };
            if expected != DEFAULT {
                *self.seen.entry("output read").or_default() += 1;
            }
            let found = order.values.get(name).cloned();
            self.holds("outputs", found.as_ref() == Some(&expected), || {
                format!("{order:?} has {found:?} as {name}, and not {expected:?}")
            });
        }
    }

    /// What a job has to take of another; `None` if people have settled the other by hand, so that it may have changed since.
    fn expected(&self, execution: ExecutionId, output: &OutputSource) -> Option<String> {
        let of = |job: JobId| {
            let mut runs = self.rows.job_runs.values();
            runs.find(move |run| run.execution == execution && run.job == job)
        };
        let value = of(output.job).map(|run| {
            if self.made_good.contains(&run.id) {
                return None;
            }
            let ended = matches!(
                run.state,
                JobRunState::Succeeded | JobRunState::Failed | JobRunState::Killed
            );
            let number = self.settled_by.get(&run.id).filter(|_| ended);
            let mut attempts = self.rows.attempts.values();
            let attempt = number.and_then(|number| {
                attempts.find(|it| it.job_run == run.id && it.number == *number)
            });
            // Of the others nobody knows what they put out.
            let told = attempt.filter(|it| match it.state {
                AttemptState::Succeeded
                | AttemptState::Failed
                | AttemptState::TimedOut
                | AttemptState::Killed => self.ran.contains_key(&it.id),
                AttemptState::Dispatched
                | AttemptState::Running
                | AttemptState::NotStarted
                | AttemptState::Lost => false,
            });
            let value = told.and_then(|it| put_out(it.id).remove(&output.name));
            Some(value.unwrap_or_else(|| DEFAULT.to_owned()))
        });
        value.unwrap_or_else(|| Some(DEFAULT.to_owned()))
    }
}
