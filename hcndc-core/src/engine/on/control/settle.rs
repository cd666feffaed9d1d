//! Job runs that people settle: skipped, or as if they had succeeded.

use alloc::{boxed::Box, collections::BTreeSet, string::String, vec::Vec};

use super::{
    super::super::{
        ActionKind, Engine, ExecutionSnapshot, FlowRunState, JobRunState, Rejected, SettledAs,
        Step, execution::Execution,
    },
    again::Again,
};
use crate::id::{ExecutionId, JobRunId};

impl Engine {
    pub(in super::super::super) fn on_settle(
        &mut self,
        id: ExecutionId,
        job_runs: &[JobRunId],
        settled: SettledAs,
        by: String,
        archived: Option<Box<ExecutionSnapshot>>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let kind = match settled {
            SettledAs::Skipped => ActionKind::Skip,
            SettledAs::Succeeded => ActionKind::MarkSucceeded,
        };
        let to = settled.state();
        if self.is_live(id) {
            let seats = seats(self.going(id)?, job_runs)?;
            self.record_action(id, job_runs, kind, &by, step);
            for &at in &seats {
                self.withdraw((id, at));
            }
            self.advance(id, step, |execution, moves| {
                execution.take_back(&seats, to, moves);
            });
            return Ok(());
        }
        let ended = self.ended(id, archived)?;
        let seats = seats(&ended, job_runs)?;
        let again = Again {
            jobs: ended.revived(&seats),
            settled: (seats, to),
            ..Again::default()
        };
        self.run_again(ended, again, &by, step)?;
        self.record_action(id, job_runs, kind, &by, step);
        Ok(())
    }
}

/// Where these job runs stand, if they may be settled by hand: what runs must be killed first, and what has come to a good
/// end has nothing to be settled.
fn seats(execution: &Execution, job_runs: &[JobRunId]) -> Result<Vec<u32>, Rejected> {
    if job_runs.is_empty() {
        return Err(Rejected::NoJobRuns);
    }
    let mut seats = BTreeSet::new();
    for &job_run in job_runs {
        let at = execution.position(job_run);
        let at = at.ok_or(Rejected::UnknownJobRun { job_run })?;
        let run = &execution.jobs[at as usize];
        let flow_run = &execution.flow_runs[run.flow_run as usize].row;
        if let Some(joined_to) = flow_run.joined_to
            && flow_run.state == FlowRunState::Joined
        {
            return Err(Rejected::JoinedRun { job_run, joined_to });
        }
        let state = run.row.state;
        match state {
            JobRunState::Blocked
            | JobRunState::Queued
            | JobRunState::RetryWait
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::UpstreamFailed => seats.insert(at),
            JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::Succeeded
            | JobRunState::Skipped => return Err(Rejected::WrongJobRunState { job_run, state }),
        };
    }
    Ok(seats.into_iter().collect())
}
