//! Alerts: what people are told, once for each cause.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use crate::{
    id::{
        AlertId, AlertRuleId, DataSourceId, ExecutionId, ExecutorId, FiringId, FlowId, JobId,
        JobRunId, ScheduleId,
    },
    model::{AlertEvent, AlertRule},
    time::{DataDate, Timestamp},
};

/// Alerts that wait to be delivered at most; of more the earliest are given up. And alerts that wait to be acknowledged
/// before others are told at most; of more the earliest are escalated before their time.
pub const MOST_OPEN_ALERTS: usize = 10_000;

/// Flows of an execution that an alert names.
pub(super) const FLOWS_NAMED: usize = 3;
/// Characters of the name of what an alert is about.
pub(super) const LONGEST_SUBJECT: usize = 255;

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
    /// Name of what it is about when it was raised, at most 255 characters: `flow/job`, an executor, a data source, a schedule
    /// or flows.
    #[cfg_attr(feature = "serde", serde(default))]
    pub subject: String,
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
    /// When a person first said that they take care of it, by itself or by what they did to its execution.
    pub acknowledged_at: Option<Timestamp>,
    /// Who that was.
    pub acknowledged_by: Option<String>,
    /// When others are told. `None` where nobody else is to be, or not any more: it is acknowledged, over, or escalated.
    pub escalate_at: Option<Timestamp>,
    /// The alert that tells others, since nobody had acknowledged this one.
    pub escalated: Option<AlertId>,
    /// The alert that nobody had acknowledged, if this one tells others of it.
    pub escalates: Option<AlertId>,
    /// When what it tells of was over, as far as it was watched: while it lasted, or was to be escalated.
    pub over_at: Option<Timestamp>,
}

impl AlertRow {
    /// Whether an engine has to know of it: nobody was told, its cause lasts, or others will be told.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none() || self.lasts || self.escalate_at.is_some()
    }

    /// The alert that tells others of this one.
    pub(super) fn carried_on(&self, id: AlertId, raised_at: Timestamp) -> Self {
        Self {
            id,
            cause: format!("alert {} not acknowledged", self.id),
            raised_at,
            closed_at: None,
            lasts: false,
            error: None,
            escalate_at: None,
            escalated: None,
            escalates: Some(self.id),
            ..self.clone()
        }
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
    pub(super) job: Option<JobId>,
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
            job: None,
            executor: None,
            data_source: None,
            data_date: None,
        }
    }

    pub(super) fn row(
        &self,
        id: AlertId,
        rule: AlertRuleId,
        subject: String,
        raised_at: Timestamp,
    ) -> AlertRow {
        AlertRow {
            id,
            rule,
            event: self.event,
            cause: self.cause.clone(),
            subject,
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
            acknowledged_at: None,
            acknowledged_by: None,
            escalate_at: None,
            escalated: None,
            escalates: None,
            over_at: None,
        }
    }
}

/// What an alert is about: where those are found that last or wait to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Execution(ExecutionId),
    Firing(FiringId),
    Executor(ExecutorId),
    DataSource(DataSourceId),
}

impl About {
    fn all(row: &AlertRow) -> impl Iterator<Item = Self> {
        let all = [
            row.execution.map(Self::Execution),
            row.firing.map(Self::Firing),
            row.executor.map(Self::Executor),
            row.data_source.map(Self::DataSource),
        ];
        all.into_iter().flatten()
    }
}

/// Rules that apply to everything, and alerts that are not done with.
#[derive(Clone, Debug, Default)]
pub(super) struct Alerts {
    defaults: BTreeMap<AlertEvent, BTreeSet<AlertRuleId>>,
    /// Alerts that are [open](AlertRow::is_open).
    rows: BTreeMap<AlertId, AlertRow>,
    /// Of these, the ones that are not closed.
    untold: BTreeSet<AlertId>,
    /// Of these, the ones that are escalated unless somebody acknowledges them.
    unanswered: BTreeSet<AlertId>,
    /// Those that last, so that none is raised again after a load, and those that are unanswered, by what they are about.
    about: BTreeMap<About, BTreeSet<AlertId>>,
    /// Executions that ended in this step, for what of them happened before that.
    pub(super) ended: BTreeMap<ExecutionId, Ended>,
}

/// What is told of an execution that has ended in this step.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) schedule: Option<ScheduleId>,
    pub(super) data_date: DataDate,
    /// The first of its flows.
    pub(super) flows: Vec<FlowId>,
    pub(super) flows_more: usize,
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

    pub(super) fn get(&self, id: AlertId) -> Option<&AlertRow> {
        self.rows.get(&id)
    }

    /// Holds an alert as it is now, as long as it is open.
    pub(super) fn hold(&mut self, row: AlertRow) {
        let id = row.id;
        if let Some(old) = self.rows.remove(&id) {
            for about in About::all(&old) {
                if let Some(its) = self.about.get_mut(&about) {
                    its.remove(&id);
                    if its.is_empty() {
                        self.about.remove(&about);
                    }
                }
            }
        }
        keep(&mut self.untold, id, row.closed_at.is_none());
        keep(&mut self.unanswered, id, row.escalate_at.is_some());
        if row.lasts || row.escalate_at.is_some() {
            for about in About::all(&row) {
                self.about.entry(about).or_default().insert(id);
            }
        }
        if row.is_open() {
            self.rows.insert(id, row);
        }
    }

    /// Of those that last or are unanswered, the ones about this, by id.
    pub(super) fn about(&self, about: About) -> impl Iterator<Item = &AlertRow> {
        let ids = self.about.get(&about).into_iter().flatten();
        ids.filter_map(|id| self.rows.get(id))
    }

    pub(super) fn was_raised(&self, rule: AlertRuleId, happening: &Happening) -> bool {
        let execution = happening.execution.map(About::Execution);
        let source = happening.data_source.map(About::DataSource);
        let each = execution.into_iter().chain(source);
        let mut lasting = each.flat_map(|about| self.about(about));
        lasting.any(|row| row.lasts && row.rule == rule && row.cause == happening.cause)
    }

    /// The cause of the alerts that tell of a data source's outage, if it lasts and anybody wanted to hear of it.
    pub(super) fn outage(&self, source: DataSourceId) -> Option<&String> {
        let mut its = self.about(About::DataSource(source));
        its.find(|row| row.lasts).map(|row| &row.cause)
    }

    /// Alerts that nobody has been told of, by id.
    pub(super) fn untold(&self) -> impl Iterator<Item = &AlertRow> {
        self.untold.iter().filter_map(|id| self.rows.get(id))
    }

    /// Alerts that are escalated unless somebody acknowledges them, by id.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &AlertRow> {
        self.unanswered.iter().filter_map(|id| self.rows.get(id))
    }

    /// The earliest that nobody has been told of, if these are too many.
    pub(super) fn untold_beyond(&self, most: usize) -> Option<AlertId> {
        let first = self.untold.first().copied();
        first.filter(|_| self.untold.len() > most)
    }

    /// The earliest that is unanswered, if these are too many.
    pub(super) fn unanswered_beyond(&self, most: usize) -> Option<AlertId> {
        let first = self.unanswered.first().copied();
        first.filter(|_| self.unanswered.len() > most)
    }

    /// All that a snapshot holds, by id.
    pub(super) fn rows(&self) -> Vec<AlertRow> {
        self.rows.values().cloned().collect()
    }
}

fn keep(set: &mut BTreeSet<AlertId>, id: AlertId, is_in: bool) {
    match is_in {
        true => set.insert(id),
        false => set.remove(&id),
    };
}
