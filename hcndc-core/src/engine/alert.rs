//! Alerts: what people are told, once for each cause.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    id::{
        AlertId, AlertRuleId, DataSourceId, ExecutionId, ExecutorId, FiringId, JobRunId, ScheduleId,
    },
    model::{AlertEvent, AlertRule},
    time::{DataDate, Timestamp},
};

/// Alerts that wait to be delivered at most; of more the earliest are given up.
pub const MOST_OPEN_ALERTS: usize = 10_000;

/// An alert as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlertRow {
    /// Key.
    pub id: AlertId,
    /// The rule that asked for it.
    pub rule: AlertRuleId,
    /// What happened.
    pub event: AlertEvent,
    /// What tells this happening from every other; no rule raises two alerts of one cause.
    pub cause: String,
    /// The schedule that it is about.
    pub schedule: Option<ScheduleId>,
    /// The firing that missed a deadline.
    pub firing: Option<FiringId>,
    /// The execution that it is about.
    pub execution: Option<ExecutionId>,
    /// The job run that it is about.
    pub job_run: Option<JobRunId>,
    /// The executor that it is about.
    pub executor: Option<ExecutorId>,
    /// The data source that it is about.
    pub data_source: Option<DataSourceId>,
    /// The data date of what it is about.
    pub data_date: Option<DataDate>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When whoever tells people was done with it.
    pub closed_at: Option<Timestamp>,
    /// Whether what it tells of lasts, so that it could be raised again by a mistake.
    pub lasts: bool,
    /// Why nobody could be told; `None` if people were told, or it is not closed.
    pub error: Option<String>,
}

impl AlertRow {
    /// Whether an engine has to know of it: nobody was told, or its cause lasts.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none() || self.lasts
    }
}

/// What happened, before it is known who wants to hear of it.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    pub(super) event: AlertEvent,
    pub(super) cause: String,
    pub(super) schedule: Option<ScheduleId>,
    pub(super) firing: Option<FiringId>,
    pub(super) execution: Option<ExecutionId>,
    pub(super) job_run: Option<JobRunId>,
    pub(super) executor: Option<ExecutorId>,
    pub(super) data_source: Option<DataSourceId>,
    pub(super) data_date: Option<DataDate>,
}

impl Happening {
    pub(super) const fn new(event: AlertEvent, cause: String) -> Self {
        Self {
            event,
            cause,
            schedule: None,
            firing: None,
            execution: None,
            job_run: None,
            executor: None,
            data_source: None,
            data_date: None,
        }
    }

    pub(super) fn row(&self, id: AlertId, rule: AlertRuleId, raised_at: Timestamp) -> AlertRow {
        AlertRow {
            id,
            rule,
            event: self.event,
            cause: self.cause.clone(),
            schedule: self.schedule,
            firing: self.firing,
            execution: self.execution,
            job_run: self.job_run,
            executor: self.executor,
            data_source: self.data_source,
            data_date: self.data_date,
            raised_at,
            closed_at: None,
            lasts: matches!(
                self.event,
                AlertEvent::LongerThanUsual | AlertEvent::DataSourceDown
            ),
            error: None,
        }
    }
}

/// Rules that apply to everything, and alerts that are not done with.
#[derive(Clone, Debug, Default)]
pub(super) struct Alerts {
    defaults: BTreeMap<AlertEvent, BTreeSet<AlertRuleId>>,
    /// Alerts that are not closed.
    pub(super) open: BTreeMap<AlertId, AlertRow>,
    /// Of live executions, the alerts whose cause lasts: so that none is raised again after a load.
    pub(super) lasting: BTreeMap<ExecutionId, BTreeMap<AlertId, AlertRow>>,
    /// Of data sources that are out of reach, the alerts that tell of it.
    pub(super) lasting_sources: BTreeMap<DataSourceId, BTreeMap<AlertId, AlertRow>>,
    /// Of executions that ended in this step: their schedules and dates, for what of them happened before that.
    pub(super) ended: BTreeMap<ExecutionId, (Option<ScheduleId>, DataDate)>,
}

impl Alerts {
    pub(super) fn put_rule(&mut self, rule: &AlertRule) {
        self.remove_rule(rule.id);
        if rule.default && rule.enabled {
            for event in &rule.events {
                self.defaults.entry(*event).or_default().insert(rule.id);
            }
        }
    }

    pub(super) fn remove_rule(&mut self, rule: AlertRuleId) {
        self.defaults.retain(|_, rules| {
            rules.remove(&rule);
            !rules.is_empty()
        });
    }

    /// Rules that apply to everything and ask for this.
    pub(super) fn defaults(&self, event: AlertEvent) -> impl Iterator<Item = AlertRuleId> {
        self.defaults.get(&event).into_iter().flatten().copied()
    }

    pub(super) fn has_default(&self, event: AlertEvent) -> bool {
        self.defaults.contains_key(&event)
    }

    /// Holds an alert as long as it is open, or its cause lasts.
    pub(super) fn hold(&mut self, row: AlertRow) {
        let lasting = match (row.execution, row.data_source) {
            (Some(execution), _) if row.lasts => Some(self.lasting.entry(execution).or_default()),
            (None, Some(source)) if row.lasts => {
                Some(self.lasting_sources.entry(source).or_default())
            }
            _ => None,
        };
        if let Some(its) = lasting {
            its.insert(row.id, row.clone());
        }
        if row.closed_at.is_none() {
            self.open.insert(row.id, row);
        } else {
            self.open.remove(&row.id);
        }
    }

    pub(super) fn was_raised(&self, rule: AlertRuleId, happening: &Happening) -> bool {
        let of_execution = happening.execution.and_then(|id| self.lasting.get(&id));
        let source = happening.data_source;
        let of_source = source.and_then(|id| self.lasting_sources.get(&id));
        let lasting = of_execution.into_iter().chain(of_source);
        let mut raised = lasting.flat_map(BTreeMap::values);
        raised.any(|row| row.rule == rule && row.cause == happening.cause)
    }

    /// The cause of the alerts that tell of a data source's outage, if it lasts and anybody wanted to hear of it.
    pub(super) fn outage(&self, source: DataSourceId) -> Option<&String> {
        let its = self.lasting_sources.get(&source)?;
        its.values().next().map(|row| &row.cause)
    }

    /// All that a snapshot holds, by id.
    pub(super) fn rows(&self) -> Vec<AlertRow> {
        let lasting = self.lasting.values().chain(self.lasting_sources.values());
        let lasting = lasting.flat_map(BTreeMap::values);
        let all: BTreeMap<AlertId, &AlertRow> = lasting
            .chain(self.open.values())
            .map(|row| (row.id, row))
            .collect();
        all.into_values().cloned().collect()
    }
}
