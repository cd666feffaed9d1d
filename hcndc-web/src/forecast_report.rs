//! The forecast as JSON, by names.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        ExecutionState, FiringOutcome, FlowRunState, Hold, JobRunState, SkipReason, TriggerKind,
    },
    forecast::{FlowRunForecast, Forecast, JobRunForecast, MissedDeadline},
    id::{ExecutionId, FlowRunId},
    time::{DataDate, Timestamp},
};
use serde::Serialize;

/// What is printed: executions in the order of their starts, each with its flows and jobs.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    /// The first moment that is looked at.
    from: Timestamp,
    /// The first moment after those.
    until: Timestamp,
    is_cut: bool,
    executions: Vec<Execution<'a>>,
    /// Fire times that start nothing.
    skipped: Vec<Skipped<'a>>,
    missed_deadlines: Vec<MissedDeadline>,
}

#[derive(Debug, Serialize)]
struct Skipped<'a> {
    schedule: &'a str,
    from: Timestamp,
    to: Timestamp,
    reason: SkipReason,
}

#[derive(Debug, Serialize)]
struct Execution<'a> {
    schedule: Option<&'a str>,
    trigger: TriggerKind,
    data_date: DataDate,
    fire_time: Option<Timestamp>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    state: ExecutionState,
    flows: Vec<FlowRun<'a>>,
}

#[derive(Debug, Serialize)]
struct FlowRun<'a> {
    flow: &'a str,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    state: FlowRunState,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<JobRun<'a>>>,
}

#[derive(Debug, Serialize)]
struct JobRun<'a> {
    job: &'a str,
    queued_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    executor: Option<&'a str>,
    state: JobRunState,
    waits: &'a [Hold],
}

impl<'a> Report<'a> {
    /// With the jobs of each flow, or without: of a large mesh they are most of it.
    pub(crate) fn new(forecast: &'a Forecast, with_jobs: bool) -> Self {
        let mut jobs = with_jobs.then(|| job_runs(forecast));
        let mut flows: BTreeMap<ExecutionId, Vec<FlowRun<'a>>> = BTreeMap::new();
        for (id, run) in &forecast.flow_runs {
            let jobs = jobs.as_mut();
            let jobs = jobs.map(|jobs| jobs.remove(id).unwrap_or_default());
            flows
                .entry(run.execution)
                .or_default()
                .push(flow_run(forecast, run, jobs));
        }
        let mut executions: Vec<Execution<'a>> = forecast
            .executions
            .iter()
            .map(|(id, execution)| Execution {
                schedule: execution
                    .schedule
                    .and_then(|id| forecast.schedules.get(&id))
                    .map(String::as_str),
                trigger: execution.trigger,
                data_date: execution.data_date,
                fire_time: execution.fire_time,
                started_at: execution.started_at,
                ended_at: execution.ended_at,
                state: execution.state,
                flows: flows.remove(id).unwrap_or_default(),
            })
            .collect();
        executions.sort_by_key(|execution| execution.started_at);
        Self {
            from: just_after(forecast.from),
            until: just_after(forecast.until),
            is_cut: forecast.is_cut,
            executions,
            skipped: skipped(forecast),
            missed_deadlines: forecast.missed_deadlines(),
        }
    }
}

/// A forecast is of what comes after its first moment, up to its last one.
fn just_after(at: Timestamp) -> Timestamp {
    at.after(Duration::from_micros(1))
}

fn skipped(forecast: &Forecast) -> Vec<Skipped<'_>> {
    let firings = forecast.firings.values();
    firings
        .filter_map(|firing| {
            let FiringOutcome::Skipped { reason } = firing.outcome else {
                return None;
            };
            Some(Skipped {
                schedule: forecast
                    .schedules
                    .get(&firing.schedule)
                    .map_or("", String::as_str),
                from: firing.from,
                to: firing.to,
                reason,
            })
        })
        .collect()
}

/// Jobs of each flow in the order of their starts.
fn job_runs(forecast: &Forecast) -> BTreeMap<FlowRunId, Vec<JobRun<'_>>> {
    let mut runs: Vec<_> = forecast.job_runs.iter().collect();
    runs.sort_by_key(|(id, run)| (run.started_at.is_none(), run.started_at, **id));
    let mut jobs: BTreeMap<FlowRunId, Vec<JobRun<'_>>> = BTreeMap::new();
    for (_, run) in runs {
        let its = jobs.entry(run.flow_run).or_default();
        its.push(job_run(forecast, run));
    }
    jobs
}

fn flow_run<'a>(
    forecast: &'a Forecast,
    run: &'a FlowRunForecast,
    jobs: Option<Vec<JobRun<'a>>>,
) -> FlowRun<'a> {
    FlowRun {
        flow: forecast.flows.get(&run.flow).map_or("", String::as_str),
        started_at: run.started_at,
        ended_at: run.ended_at,
        state: run.state,
        jobs,
    }
}

fn job_run<'a>(forecast: &'a Forecast, run: &'a JobRunForecast) -> JobRun<'a> {
    JobRun {
        job: forecast.jobs.get(&run.job).map_or("", String::as_str),
        queued_at: run.queued_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
        executor: run
            .executor
            .and_then(|id| forecast.executors.get(&id))
            .map(String::as_str),
        state: run.state,
        waits: &run.waits,
    }
}

/// JSON with line breaks, for people and programs.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Only maps with keys that are no texts cannot be written, and there are none in here.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
