//! What a scheduler does, counted as it is stored.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{
        AttemptRow, Change, DueBy, DueState, ExecutionRow, FiringOutcome, FiringRow, FlowRunRow,
        JobRunRow, JobRunState, Rejected,
    },
    id::{ExecutionId, FileEventId, JobRunId},
    port::Observer,
    time::Timestamp,
    watch::Sight,
};
use metrics::{counter, histogram};

/// Counts what a scheduler does. Put it beside other observers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

impl Observer for Counting {
    fn committed(&self, now: Timestamp, changes: &[Change]) {
        counter!("hcndc_commits_total").increment(1);
        histogram!("hcndc_commit_changes").record(changes.len() as f64);
        let mut attempts = BTreeMap::<JobRunId, &AttemptRow>::new();
        let mut executions = BTreeMap::<ExecutionId, &ExecutionRow>::new();
        for change in changes {
            match change {
                Change::Attempt(attempt) => drop(attempts.insert(attempt.job_run, attempt)),
                Change::Execution(row) => drop(executions.insert(row.id, row)),
                _ => {}
            }
        }
        for change in changes {
            match change {
                // A new row has come from nowhere, and one that keeps its state has not moved.
                Change::JobRun {
                    from: Some(from),
                    row,
                } if *from != row.state => {
                    moved(now, *from, row, attempts.get(&row.id).copied());
                }
                Change::FlowRun {
                    from: Some(from),
                    row,
                } if *from != row.state => flow_run_moved(row),
                // Flow runs are new with their execution only.
                Change::FlowRun { from: None, row } => {
                    if let Some(execution) = executions.remove(&row.execution) {
                        started(now, execution);
                    }
                }
                Change::Firing(firing) => fired(firing),
                _ => {}
            }
        }
    }

    fn refused(&self, _: &Rejected) {
        counter!("hcndc_refused_reports_total").increment(1);
    }

    fn looked(&self, _: Timestamp, _: FileEventId, sight: &Sight) {
        let outcome = match sight.trouble {
            None => "looked",
            Some(_) => "failed",
        };
        counter!("hcndc_file_looks_total", "outcome" => outcome).increment(1);
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        if error.is_some() {
            counter!("hcndc_store_failures_total").increment(1);
        }
    }
}

/// `attempt` is what the same group stores of its attempt.
fn moved(now: Timestamp, from: JobRunState, row: &JobRunRow, attempt: Option<&AttemptRow>) {
    let state = row.state.as_str();
    counter!("hcndc_job_run_transitions_total", "state" => state).increment(1);
    if from == JobRunState::Queued
        && row.state == JobRunState::Dispatched
        && let Some(queued_at) = row.queued_at
    {
        let waited = now.since(queued_at);
        histogram!("hcndc_job_run_queue_seconds").record(waited);
    }
    if from == JobRunState::Dispatched
        && row.state == JobRunState::Running
        && let Some(attempt) = attempt
    {
        let took = now.since(attempt.dispatched_at);
        histogram!("hcndc_attempt_start_seconds").record(took);
    }
    if from == JobRunState::Running
        && let (Some(started_at), Some(ended_at)) = (row.started_at, row.ended_at)
    {
        let took = ended_at.since(started_at);
        histogram!("hcndc_job_run_duration_seconds", "state" => state).record(took);
    }
}

fn flow_run_moved(row: &FlowRunRow) {
    if let (Some(started_at), Some(ended_at)) = (row.started_at, row.ended_at) {
        let took = ended_at.since(started_at);
        let state = row.state.as_str();
        histogram!("hcndc_flow_run_duration_seconds", "state" => state).record(took);
    }
}

fn started(now: Timestamp, execution: &ExecutionRow) {
    let trigger = execution.trigger.as_str();
    counter!("hcndc_executions_started_total", "trigger" => trigger).increment(1);
    if let Some(fire_time) = execution.fire_time {
        histogram!("hcndc_schedule_lag_seconds").record(now.since(fire_time));
    }
}

fn fired(firing: &FiringRow) {
    let is_open = |due: Option<DueBy>| due.is_none_or(|due| due.state == DueState::Open);
    // A row is stored again when a deadline of it is decided.
    if matches!(firing.outcome, FiringOutcome::Skipped { .. })
        && is_open(firing.start_by)
        && is_open(firing.finish_by)
    {
        counter!("hcndc_firings_skipped_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use hcndc_core::id::{FlowRunId, JobId};
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn change(from: Option<JobRunState>, state: JobRunState) -> Change {
        let row = JobRunRow {
            id: JobRunId(1),
            execution: ExecutionId(1),
            flow_run: FlowRunId(1),
            job: JobId(1),
            job_version: 2,
            state,
            attempt: 1,
            attempts_before: 0,
            queued_at: Some(Timestamp::from_micros(500_000)),
            started_at: Some(Timestamp::from_micros(1_000_000)),
            ended_at: Some(Timestamp::from_micros(4_000_000)),
            exit_code: None,
            retry_at: None,
            left_out: false,
            met_outside: 0,
        };
        Change::JobRun { from, row }
    }

    /// The lines about figures of this name, after these changes.
    fn lines(name: &str, changes: &[Change]) -> Vec<String> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            Counting.committed(Timestamp::from_micros(2_000_000), changes);
        });
        let figures = handle.render();
        let of_name = figures.lines().filter(|line| line.starts_with(name));
        let mut lines: Vec<_> = of_name.map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn only_moves_from_a_state_to_another_are_counted() {
        use JobRunState::{Blocked, Queued, Running, Succeeded};
        let changes = [
            change(None, Blocked),
            change(Some(Succeeded), Succeeded),
            change(Some(Blocked), Queued),
            change(Some(Queued), Running),
            change(Some(Queued), Running),
        ];
        let name = "hcndc_job_run_transitions_total";
        let expected = [("queued", 1), ("running", 2)]
            .map(|(state, count)| format!("{name}{{state=\"{state}\"}} {count}"));
        assert_eq!(lines(&format!("{name}{{"), &changes), expected);
    }

    #[test]
    fn waits_and_runs_are_timed() {
        use JobRunState::{Dispatched, Failed, Queued, Running};
        let changes = [
            change(Some(Queued), Dispatched),
            change(Some(Running), Failed),
        ];
        let sum = |name: &str| lines(&format!("{name}_sum"), &changes);
        let name = "hcndc_job_run_queue_seconds";
        assert_eq!(sum(name), [format!("{name}_sum 1.5")]);
        let name = "hcndc_job_run_duration_seconds";
        assert_eq!(sum(name), [format!("{name}_sum{{state=\"failed\"}} 3")]);
    }
}
