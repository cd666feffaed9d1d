//! Figures for Prometheus: what happened, counted as it is stored; how things stand, looked up when asked. Each stands in
//! one list, `figure`, with its unit and what it says; `deploy/` has a dashboard and alert rules on them.

mod both;
mod counting;
mod figure;

use std::{sync::OnceLock, time::Duration};

use hcndc_core::{engine::Engine, time::Timestamp};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

pub use self::{both::Both, counting::Counting};

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    live_executions: usize,
    queued_job_runs: usize,
    running_attempts: usize,
    executors: Vec<ExecutorStanding>,
}

/// How an executor that is enabled is doing.
#[derive(Clone, Debug, PartialEq)]
struct ExecutorStanding {
    name: String,
    is_online: bool,
    heartbeat_age: Option<Duration>,
    slots_used: u32,
}

impl Standing {
    pub(crate) fn of(engine: &Engine, now: Timestamp) -> Self {
        let (live_executions, queued_job_runs, running_attempts) = engine.load_figures();
        let enabled = engine.executors().filter(|executor| executor.enabled);
        let executors = enabled.filter_map(|executor| {
            let health = engine.executor_health(executor.id)?;
            Some(ExecutorStanding {
                name: executor.name.clone(),
                is_online: health.online,
                heartbeat_age: health.heard_at.map(|heard_at| now.since(heard_at)),
                slots_used: health.slots_used,
            })
        });
        Self {
            live_executions,
            queued_job_runs,
            running_attempts,
            executors: executors.collect(),
        }
    }
}

/// Makes this process record figures; the first call counts. `None` if somebody else's recorder is in place.
pub fn install() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            // What is told of an executor goes with it.
            let mut builder = PrometheusBuilder::new()
                .idle_timeout(MetricKindMask::GAUGE, Some(Duration::from_secs(60)));
            for figure in figure::FIGURES {
                if let Some(bounds) = figure.bounds() {
                    let name = Matcher::Full(figure.name.into());
                    builder = builder.set_buckets_for_metric(name, bounds).ok()?;
                }
            }
            let handle = builder.install_recorder().ok()?;
            figure::FIGURES.iter().for_each(figure::Figure::describe);
            Some(handle)
        })
        .as_ref()
}

/// Counts how long a commit took.
pub(crate) fn committed_in(took: Duration) {
    histogram!("hcndc_commit_duration_seconds").record(took);
}

/// Counts an answered request.
pub(crate) fn answered(method: &'static str, route: &'static str, status: u16, took: Duration) {
    let status = status.to_string();
    counter!("hcndc_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    histogram!("hcndc_http_request_duration_seconds", "method" => method, "route" => route)
        .record(took);
}

/// Counts a message that an alert channel of this kind was given.
pub(crate) fn told(kind: &'static str, was_delivered: bool) {
    let outcome = if was_delivered { "delivered" } else { "failed" };
    counter!("hcndc_alert_messages_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// Counts a param's query.
pub(crate) fn queried(gave_a_value: bool, took: Duration) {
    let outcome = if gave_a_value { "value" } else { "failed" };
    histogram!("hcndc_param_query_seconds", "outcome" => outcome).record(took);
}

/// All figures in Prometheus' text format; without `standing`, those of how things stood when last asked are left for a
/// minute.
pub(crate) fn render(leads: bool, standing: Option<Standing>) -> Option<String> {
    let handle = install()?;
    gauge!("hcndc_leading").set(if leads { 1.0 } else { 0.0 });
    if let Some(standing) = standing {
        tell(&standing);
    }
    handle.run_upkeep();
    Some(handle.render())
}

fn tell(standing: &Standing) {
    let online = standing.executors.iter().filter(|it| it.is_online).count();
    gauge!("hcndc_live_executions").set(standing.live_executions as f64);
    gauge!("hcndc_queued_job_runs").set(standing.queued_job_runs as f64);
    gauge!("hcndc_running_attempts").set(standing.running_attempts as f64);
    gauge!("hcndc_executors").set(standing.executors.len() as f64);
    gauge!("hcndc_executors_online").set(online as f64);
    for executor in &standing.executors {
        let name = || executor.name.clone();
        let is_online = if executor.is_online { 1.0 } else { 0.0 };
        gauge!("hcndc_executor_online", "executor" => name()).set(is_online);
        let used = f64::from(executor.slots_used);
        gauge!("hcndc_executor_slots_used", "executor" => name()).set(used);
        if let Some(age) = executor.heartbeat_age {
            gauge!("hcndc_executor_heartbeat_age_seconds", "executor" => name()).set(age);
        }
    }
}
