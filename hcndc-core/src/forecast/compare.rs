//! What differs between two forecasts, by what people call things.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{Forecast, MissedDeadline};
use crate::{
    id::{FlowRunId, JobRunId},
    time::{DataDate, Timestamp},
};

/// What another set of definitions, or a lost executor, would change.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Comparison {
    /// Job runs whose times differ, in the order of their names.
    pub moved: Vec<Moved>,
    /// Job runs that only the first has.
    pub only_before: Vec<Moved>,
    /// Job runs that only the second has.
    pub only_after: Vec<Moved>,
    /// Deadlines that only the second misses.
    pub newly_missed: Vec<MissedDeadline>,
    /// Deadlines that only the first misses.
    pub no_longer_missed: Vec<MissedDeadline>,
    /// Flow runs whose times differ, or that only one of the two has; in the order of their names.
    pub flows: Vec<MovedFlow>,
    /// Fire times at which only the first starts something, by time.
    pub fires_gone: Vec<Fire>,
    /// Fire times at which only the second starts something, by time.
    pub fires_added: Vec<Fire>,
    /// When the last execution of the first ends, of those whose ends are in sight.
    pub last_end_before: Option<Timestamp>,
    /// When the last execution of the second ends, of those whose ends are in sight.
    pub last_end_after: Option<Timestamp>,
}

impl Comparison {
    /// Whether both forecasts say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // With its ends left out, it is as one that found nothing.
        let ends_alike = self.last_end_before == self.last_end_after;
        let rest = Self {
            last_end_before: None,
            last_end_after: None,
            ..self.clone()
        };
        ends_alike && rest == Self::default()
    }
}

/// One flow run in both forecasts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MovedFlow {
    /// Name of the flow.
    pub flow: String,
    /// The date that it is for.
    pub data_date: DataDate,
    /// When it starts and ends in the first forecast; `None` if that does not have it.
    pub before: Option<Times>,
    /// When it starts and ends in the second; `None` if that does not have it.
    pub after: Option<Times>,
}

/// A fire time that starts something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fire {
    /// When.
    pub fire_time: Timestamp,
    /// Name of the schedule.
    pub schedule: String,
    /// The date that it is for.
    pub data_date: DataDate,
}

/// One job run in both forecasts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Moved {
    /// Name of the flow.
    pub flow: String,
    /// Name of the job.
    pub job: String,
    /// The date that it is for.
    pub data_date: DataDate,
    /// When it starts and ends in the first forecast; `None` if that does not have it.
    pub before: Option<Times>,
    /// When it starts and ends in the second; `None` if that does not have it.
    pub after: Option<Times>,
}

/// When a job run starts and ends, as far as that is in sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Times {
    /// When it is given to an executor.
    pub started_at: Option<Timestamp>,
    /// When it ends.
    pub ended_at: Option<Timestamp>,
}

/// How the same job run is found again in another forecast, where ids differ: by names, and by its place among the runs
/// for the same date.
type Key = (String, String, DataDate, usize);
/// The same of a flow run.
type FlowKey = (String, DataDate, usize);

impl Forecast {
    /// What the other forecast has differently.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Comparison {
        let (mut before, after) = (self.by_name(), other.by_name());
        let mut found = Comparison::default();
        for (key, after) in after {
            let before = before.remove(&key);
            let moved = moved(key, before, Some(after));
            match before {
                None => found.only_after.push(moved),
                Some(before) if before != after => found.moved.push(moved),
                Some(_) => {}
            }
        }
        let gone = before.into_iter();
        found
            .only_before
            .extend(gone.map(|(key, before)| moved(key, Some(before), None)));
        let (before, after) = (self.missed_deadlines(), other.missed_deadlines());
        // A fire time that has moved makes no other deadline of it.
        let what = |it: &MissedDeadline| (it.schedule.clone(), it.data_date, it.at, it.what);
        let without = |these: &[MissedDeadline], others: &[MissedDeadline]| {
            let others: BTreeSet<_> = others.iter().map(what).collect();
            these
                .iter()
                .filter(|it| !others.contains(&what(it)))
                .cloned()
                .collect()
        };
        found.newly_missed = without(&after, &before);
        found.no_longer_missed = without(&before, &after);
        found.flows = self.compare_flows(other);
        let (before, after) = (self.fires(), other.fires());
        found.fires_gone = before.difference(&after).cloned().collect();
        found.fires_added = after.difference(&before).cloned().collect();
        (found.last_end_before, found.last_end_after) = (self.last_end(), other.last_end());
        found
    }

    /// When the last execution ends, of those whose ends are in sight.
    #[must_use]
    pub fn last_end(&self) -> Option<Timestamp> {
        let ends = self.executions.values().filter_map(|it| it.ended_at);
        ends.max()
    }

    fn fires(&self) -> BTreeSet<Fire> {
        let executions = self.executions.values();
        executions
            .filter_map(|it| {
                let name = self.schedules.get(&it.schedule?);
                Some(Fire {
                    fire_time: it.fire_time?,
                    schedule: name.cloned().unwrap_or_default(),
                    data_date: it.data_date,
                })
            })
            .collect()
    }

    fn compare_flows(&self, other: &Self) -> Vec<MovedFlow> {
        let (before, after) = (self.flows_by_name(), other.flows_by_name());
        let keys: BTreeSet<&FlowKey> = before.keys().chain(after.keys()).collect();
        let pairs = keys.into_iter().filter_map(|key| {
            let (before, after) = (before.get(key).copied(), after.get(key).copied());
            (before != after).then(|| MovedFlow {
                flow: key.0.clone(),
                data_date: key.1,
                before,
                after,
            })
        });
        pairs.collect()
    }

    fn flows_by_name(&self) -> BTreeMap<FlowKey, Times> {
        let mut rows: Vec<(Timestamp, FlowRunId)> = self
            .flow_runs
            .iter()
            .filter_map(|(&id, run)| Some((self.executions.get(&run.execution)?.started_at, id)))
            .collect();
        rows.sort_unstable();
        let mut found = BTreeMap::new();
        let mut count: BTreeMap<(String, DataDate), usize> = BTreeMap::new();
        for (_, id) in rows {
            let run = &self.flow_runs[&id];
            let Some(execution) = self.executions.get(&run.execution) else {
                continue;
            };
            let flow = self.flows.get(&run.flow).cloned().unwrap_or_default();
            let place = count
                .entry((flow.clone(), execution.data_date))
                .or_default();
            let times = Times {
                started_at: run.started_at,
                ended_at: run.ended_at,
            };
            found.insert((flow, execution.data_date, *place), times);
            *place += 1;
        }
        found
    }

    fn by_name(&self) -> BTreeMap<Key, Times> {
        let mut count: BTreeMap<(String, String, DataDate), usize> = BTreeMap::new();
        let mut rows: Vec<(Timestamp, JobRunId)> = self
            .job_runs
            .iter()
            .filter_map(|(&id, run)| {
                let flow_run = self.flow_runs.get(&run.flow_run)?;
                Some((self.executions.get(&flow_run.execution)?.started_at, id))
            })
            .collect();
        rows.sort_unstable();
        let mut found = BTreeMap::new();
        for (_, id) in rows {
            let run = &self.job_runs[&id];
            let Some(flow_run) = self.flow_runs.get(&run.flow_run) else {
                continue;
            };
            let Some(execution) = self.executions.get(&flow_run.execution) else {
                continue;
            };
            let flow = self.flows.get(&flow_run.flow).cloned().unwrap_or_default();
            let job = self.jobs.get(&run.job).cloned().unwrap_or_default();
            let place = count
                .entry((flow.clone(), job.clone(), execution.data_date))
                .or_default();
            found.insert(
                (flow, job, execution.data_date, *place),
                Times {
                    started_at: run.started_at,
                    ended_at: run.ended_at,
                },
            );
            *place += 1;
        }
        found
    }
}

fn moved((flow, job, data_date, _): Key, before: Option<Times>, after: Option<Times>) -> Moved {
    Moved {
        flow,
        job,
        data_date,
        before,
        after,
    }
}
