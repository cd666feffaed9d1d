//! The sentences of faults, in English and Chinese: the one place that has any.

mod en;
mod zh;

use hcndc_core::trigger::cron::CronError;

use super::fault::{Lang, Problem, Station};

/// What is wrong.
pub(super) fn message(problem: &Problem, lang: Lang) -> String {
    match lang {
        Lang::En => en::message(problem),
        Lang::Zh => zh::message(problem),
    }
}

/// What to do about it.
pub(super) fn remedy(problem: &Problem, lang: Lang) -> String {
    match lang {
        Lang::En => en::remedy(problem),
        Lang::Zh => zh::remedy(problem),
    }
}

/// Which character of an expression an error starts at, from 1.
fn character(expression: &str, error: &CronError) -> usize {
    let before = expression.get(..error.range.start).unwrap_or(expression);
    before.chars().count() + 1
}

fn labels_text(labels: &[(String, String)]) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(", ")
}

/// Stations at each end of a long cycle that are told; those between are counted.
const CYCLE_ENDS: usize = 25;

fn cycle_text(stations: &[Station]) -> String {
    let mut names: Vec<String> = stations
        .iter()
        .chain(stations.first())
        .map(|station| match station {
            Station::Flow(flow) => flow.clone(),
            Station::Job(flow, job) => format!("{flow}/{job}"),
        })
        .collect();
    if names.len() > 2 * CYCLE_ENDS + 1 {
        let between = CYCLE_ENDS..names.len() - CYCLE_ENDS;
        names.splice(between.clone(), [format!("… {} …", between.len())]);
    }
    names.join(" → ")
}
