//! Figures for Prometheus: what happened, counted as it is stored; how things stand, looked up when asked.

use std::{sync::OnceLock, time::Duration};

use hcndc_core::{
    engine::{Change, Input, Rejected, Settings, Snapshot, Step},
    id::{ExecutionId, FileEventId},
    port::{Lease, Observer},
    time::Timestamp,
    watch::Sight,
};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the durations of requests, in seconds.
const REQUEST_SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
/// Bounds of the changes of a commit.
const COMMIT_CHANGES: [f64; 9] = [
    1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0,
];

/// Bounds of how long commits take, in seconds.
const COMMIT_SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

/// Counts what a scheduler does. Put it beside other observers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

/// Two observers as one.
#[derive(Clone, Debug)]
pub struct Both<A, B>(
    /// Is told first.
    pub A,
    /// Is told then.
    pub B,
);

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) live_executions: usize,
    pub(crate) queued_job_runs: usize,
    pub(crate) running_attempts: usize,
    pub(crate) executors: usize,
    pub(crate) executors_online: usize,
}

/// Makes this process record figures; the first call counts. `None` if somebody else's recorder is in place.
pub fn install() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(
                    Matcher::Full("hcndc_http_request_duration_seconds".into()),
                    &REQUEST_SECONDS,
                )
                .ok()?
                .set_buckets_for_metric(
                    Matcher::Full("hcndc_commit_changes".into()),
                    &COMMIT_CHANGES,
                )
                .ok()?
                .set_buckets_for_metric(
                    Matcher::Full("hcndc_commit_duration_seconds".into()),
                    &COMMIT_SECONDS,
                )
                .ok()?;
            let handle = builder.install_recorder().ok()?;
            describe();
            Some(handle)
        })
        .as_ref()
}

fn describe() {
    let count = Unit::Count;
    describe_counter!(
        "hcndc_job_run_transitions_total",
        count,
        "Job runs that came from one state into another."
    );
    describe_counter!(
        "hcndc_commits_total",
        count,
        "Groups of changes that were stored."
    );
    describe_histogram!(
        "hcndc_commit_changes",
        count,
        "Changes stored in one group."
    );
    describe_histogram!(
        "hcndc_commit_duration_seconds",
        Unit::Seconds,
        "Time that storing one group took, with all tries."
    );
    describe_counter!(
        "hcndc_refused_reports_total",
        count,
        "Reports of executors that were refused."
    );
    describe_counter!(
        "hcndc_store_failures_total",
        count,
        "Times that the store failed and was tried again."
    );
    describe_gauge!(
        "hcndc_leading",
        count,
        "1 while this server leads, 0 while another does."
    );
    describe_gauge!(
        "hcndc_live_executions",
        count,
        "Executions that have not ended."
    );
    describe_gauge!(
        "hcndc_queued_job_runs",
        count,
        "Job runs that wait for a place to run."
    );
    describe_gauge!(
        "hcndc_running_attempts",
        count,
        "Attempts that an executor was given and that have not ended."
    );
    describe_gauge!("hcndc_executors", count, "Executors that are defined.");
    describe_gauge!(
        "hcndc_executors_online",
        count,
        "Executors that are connected."
    );
    describe_counter!(
        "hcndc_pruned_rows_total",
        count,
        "Rows of old history that were deleted."
    );
    describe_counter!("hcndc_http_requests_total", count, "Requests answered.");
    describe_histogram!(
        "hcndc_http_request_duration_seconds",
        Unit::Seconds,
        "Time from a request's head to the answer's head."
    );
}

impl Observer for Counting {
    fn committed(&self, _: Timestamp, changes: &[Change]) {
        counter!("hcndc_commits_total").increment(1);
        histogram!("hcndc_commit_changes").record(changes.len() as f64);
        for change in changes {
            // A new row has come from nowhere, and one that keeps its state has not moved.
            if let Change::JobRun {
                from: Some(from),
                row,
            } = change
                && *from != row.state
            {
                counter!("hcndc_job_run_transitions_total", "state" => row.state.as_str())
                    .increment(1);
            }
        }
    }

    fn refused(&self, _: &Rejected) {
        counter!("hcndc_refused_reports_total").increment(1);
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        if error.is_some() {
            counter!("hcndc_store_failures_total").increment(1);
        }
    }
}

impl<A: Observer, B: Observer> Observer for Both<A, B> {
    fn committing(&self, changes: &[Change]) {
        self.0.committing(changes);
        self.1.committing(changes);
    }

    fn committed(&self, now: Timestamp, changes: &[Change]) {
        self.0.committed(now, changes);
        self.1.committed(now, changes);
    }

    fn loaded(&self, now: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        self.0.loaded(now, settings, snapshot);
        self.1.loaded(now, settings, snapshot);
    }

    fn applying(&self, now: Timestamp, input: &Input) {
        self.0.applying(now, input);
        self.1.applying(now, input);
    }

    fn applied(&self, outcome: &Result<Step, Rejected>) {
        self.0.applied(outcome);
        self.1.applied(outcome);
    }

    fn refused(&self, rejected: &Rejected) {
        self.0.refused(rejected);
        self.1.refused(rejected);
    }

    fn looked(&self, now: Timestamp, event: FileEventId, sight: &Sight) {
        self.0.looked(now, event, sight);
        self.1.looked(now, event, sight);
    }

    fn stands_by(&self, lease: &Lease) {
        self.0.stands_by(lease);
        self.1.stands_by(lease);
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        self.0.store_trouble(error);
        self.1.store_trouble(error);
    }

    fn unreadable(&self, execution: ExecutionId, error: &dyn std::error::Error) {
        self.0.unreadable(execution, error);
        self.1.unreadable(execution, error);
    }
}

/// Counts how long a commit took.
pub(crate) fn committed_in(took: Duration) {
    histogram!("hcndc_commit_duration_seconds").record(took.as_secs_f64());
}

/// Counts an answered request.
pub(crate) fn answered(method: &'static str, route: &'static str, status: u16, took: Duration) {
    let status = status.to_string();
    counter!("hcndc_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    histogram!("hcndc_http_request_duration_seconds", "method" => method, "route" => route)
        .record(took.as_secs_f64());
}

/// All figures in Prometheus' text format; without `standing`, those of how things stood when last asked are left.
pub(crate) fn render(standing: Option<Standing>) -> Option<String> {
    let handle = install()?;
    if let Some(standing) = standing {
        for (name, value) in [
            ("hcndc_live_executions", standing.live_executions),
            ("hcndc_queued_job_runs", standing.queued_job_runs),
            ("hcndc_running_attempts", standing.running_attempts),
            ("hcndc_executors", standing.executors),
            ("hcndc_executors_online", standing.executors_online),
        ] {
            metrics::gauge!(name).set(value as f64);
        }
    }
    handle.run_upkeep();
    Some(handle.render())
}

#[cfg(test)]
mod tests {
    use hcndc_core::{
        engine::{JobRunRow, JobRunState},
        id::{ExecutionId, FlowRunId, JobId, JobRunId},
    };
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
            queued_at: None,
            started_at: None,
            ended_at: None,
            exit_code: None,
            retry_at: None,
            left_out: false,
            met_outside: 0,
        };
        Change::JobRun { from, row }
    }

    #[test]
    fn only_moves_from_a_state_to_another_are_counted() {
        use JobRunState::{Blocked, Queued, Running, Succeeded};
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let changes = [
                change(None, Blocked),
                change(Some(Succeeded), Succeeded),
                change(Some(Blocked), Queued),
                change(Some(Queued), Running),
                change(Some(Queued), Running),
            ];
            Counting.committed(Timestamp::from_micros(0), &changes);
        });
        let figures = handle.render();
        let mut moves: Vec<_> = figures
            .lines()
            .filter(|line| line.starts_with("hcndc_job_run_transitions_total{"))
            .collect();
        moves.sort_unstable();
        let name = "hcndc_job_run_transitions_total";
        let expected = [("queued", 1), ("running", 2)]
            .map(|(state, count)| format!("{name}{{state=\"{state}\"}} {count}"));
        assert_eq!(moves, expected);
    }
}
