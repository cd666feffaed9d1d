//! Every figure that a server tells: its name, its unit, what it says.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// As Prometheus knows it; of a histogram, without `_bucket`, `_sum`, `_count`.
    pub(crate) name: &'static str,
    kind: Kind,
    unit: Unit,
    /// What it says, in one sentence.
    help: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// How it stands when it is asked for.
    Gauge,
    /// How many were at most so large, for each of these bounds.
    Histogram(&'static [f64]),
}

const fn counter(name: &'static str, help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Counter,
        unit: Unit::Count,
        help,
    }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Gauge,
        unit,
        help,
    }
}

const fn seconds(name: &'static str, bounds: &'static [f64], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Histogram(bounds),
        unit: Unit::Seconds,
        help,
    }
}

/// Of what a machine does: half a millisecond to half a minute.
const QUICK: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// Of what waits for a turn: ten milliseconds to six hours.
const WAITS: &[f64] = &[
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0,
];
/// Of jobs and flows: a tenth of a second to a day.
const RUNS: &[f64] = &[
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0,
    86_400.0,
];

/// All of them.
pub(crate) const FIGURES: &[Figure] = &[
    counter(
        "hcndc_job_run_transitions_total",
        "Job runs that came from one state into another.",
    ),
    seconds(
        "hcndc_job_run_queue_seconds",
        WAITS,
        "Time from a job run's place in the queue to its order for an executor.",
    ),
    seconds(
        "hcndc_attempt_start_seconds",
        QUICK,
        "Time from an attempt's order to the news that its process runs.",
    ),
    seconds(
        "hcndc_job_run_duration_seconds",
        RUNS,
        "Time from the start of a job run's latest attempt to its end, by the state that came of it.",
    ),
    seconds(
        "hcndc_flow_run_duration_seconds",
        RUNS,
        "Time from a flow run's start to its end, by the state that came of it.",
    ),
    counter(
        "hcndc_executions_started_total",
        "Executions that were started, by what started them.",
    ),
    counter(
        "hcndc_firings_skipped_total",
        "Firings that start nothing, for ever.",
    ),
    seconds(
        "hcndc_schedule_lag_seconds",
        WAITS,
        "Time from a fire time to the stored start of its execution.",
    ),
    counter(
        "hcndc_file_looks_total",
        "Looks for the files of events, by whether they came about.",
    ),
    counter(
        "hcndc_alert_messages_total",
        "Messages that alert channels were given, by what came of them.",
    ),
    counter(
        "hcndc_report_messages_total",
        "Messages about executions that have ended, for collectors of traces or lineage: sent, refused for good, or failed and sent again.",
    ),
    gauge(
        "hcndc_report_lag_seconds",
        Unit::Seconds,
        "Time since the end of the oldest execution that a collector of traces or lineage has yet to be told of; 0 if there is none.",
    ),
    seconds(
        "hcndc_param_query_seconds",
        QUICK,
        "Time that a param's query took, by whether it gave a value.",
    ),
    counter("hcndc_commits_total", "Groups of changes that were stored."),
    Figure {
        name: "hcndc_commit_changes",
        kind: Kind::Histogram(&[
            1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0,
        ]),
        unit: Unit::Count,
        help: "Changes stored in one group.",
    },
    seconds(
        "hcndc_commit_duration_seconds",
        QUICK,
        "Time that storing one group took, with all tries.",
    ),
    counter(
        "hcndc_refused_reports_total",
        "Reports of executors that were refused.",
    ),
    counter(
        "hcndc_store_failures_total",
        "Times that the store failed and was tried again.",
    ),
    gauge(
        "hcndc_leading",
        Unit::Count,
        "1 while this server leads, 0 while another does.",
    ),
    gauge(
        "hcndc_live_executions",
        Unit::Count,
        "Executions that have not ended.",
    ),
    gauge(
        "hcndc_queued_job_runs",
        Unit::Count,
        "Job runs that wait for a place to run.",
    ),
    gauge(
        "hcndc_running_attempts",
        Unit::Count,
        "Attempts that an executor was given and that have not ended.",
    ),
    gauge(
        "hcndc_executors",
        Unit::Count,
        "Executors that are defined and enabled.",
    ),
    gauge(
        "hcndc_executors_online",
        Unit::Count,
        "Executors that are enabled and connected.",
    ),
    gauge(
        "hcndc_executor_online",
        Unit::Count,
        "1 while this executor is connected, 0 while it is not; of those that are enabled.",
    ),
    gauge(
        "hcndc_executor_heartbeat_age_seconds",
        Unit::Seconds,
        "Time since the latest heartbeat of this executor, since this server leads.",
    ),
    gauge(
        "hcndc_executor_slots_used",
        Unit::Count,
        "Slots of this executor that live attempts take.",
    ),
    counter(
        "hcndc_pruned_rows_total",
        "Rows of old history that were deleted.",
    ),
    counter("hcndc_http_requests_total", "Requests answered."),
    seconds(
        "hcndc_http_request_duration_seconds",
        QUICK,
        "Time from a request's head to the answer's head.",
    ),
];

impl Figure {
    /// The bounds of a histogram.
    pub(crate) const fn bounds(&self) -> Option<&'static [f64]> {
        match self.kind {
            Kind::Histogram(bounds) => Some(bounds),
            Kind::Counter | Kind::Gauge => None,
        }
    }

    /// Tells this process' recorder of it.
    pub(crate) fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.unit, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.unit, self.help),
            Kind::Histogram(_) => describe_histogram!(self.name, self.unit, self.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The figures that a file beside the code speaks of.
    fn named_in(file: &str) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = fs::read_to_string(&path).expect(file);
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        let words = text.split(|c| !is_part(c));
        let figures = words.filter(|word| word.starts_with("hcndc_"));
        let names = figures.map(|word| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word)
        });
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_dashboard_shows_each_figure_and_no_other() {
        let all: BTreeSet<_> = FIGURES.iter().map(|it| it.name.to_owned()).collect();
        assert_eq!(all.len(), FIGURES.len());
        assert_eq!(named_in("deploy/grafana/hcndc.json"), all);
        let ruled = named_in("deploy/prometheus/hcndc.rules.yaml");
        assert!(ruled.len() > 5 && ruled.is_subset(&all), "{ruled:?}");
    }

    #[test]
    fn names_tell_kinds_and_units() {
        for figure in FIGURES {
            let name = figure.name;
            let is_total = name.ends_with("_total");
            assert_eq!(is_total, matches!(figure.kind, Kind::Counter), "{name}");
            let is_seconds = name.ends_with("_seconds");
            assert_eq!(is_seconds, figure.unit == Unit::Seconds, "{name}");
            assert!(figure.help.ends_with('.'), "{name}");
            let bounds = figure.bounds().unwrap_or_default();
            assert!(bounds.is_sorted(), "{name}");
        }
    }
}
