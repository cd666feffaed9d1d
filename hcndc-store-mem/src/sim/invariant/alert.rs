//! Alerts: each is raised once for its rule and cause when what it tells of happens, is told only once it is stored, and is
//! closed as told only when people were told.

use hcndc_core::{
    engine::{AlertRow, Change, DueBy, DueState, ExecutionState, FiringRow, JobRunState},
    id::{AlertId, AlertRuleId, ExecutionId, FiringId, JobRunId, ScheduleId},
    model::{AlertEvent, Definition},
};

use super::super::oracle::Oracle;

/// A rule, and what it has to tell of.
pub(crate) type Wanted = (
    AlertRuleId,
    AlertEvent,
    Option<ExecutionId>,
    Option<JobRunId>,
    Option<FiringId>,
);

impl Oracle {
    /// `alert`: what happens that people want to hear of, and what they are told.
    pub(crate) fn check_alert(&mut self, change: &Change) {
        match change {
            Change::Alert(row) => {
                self.check_alert_row(row);
                self.check_outage(row);
            }
            Change::Execution(row) => {
                let old = self.rows.executions.get(&row.id).map(|old| old.state);
                let event = match row.state {
                    ExecutionState::Succeeded => AlertEvent::ExecutionSucceeded,
                    ExecutionState::Failed => AlertEvent::ExecutionFailed,
                    _ => return,
                };
                if old != Some(row.state) {
                    self.want(row.schedule, (event, Some(row.id), None, None));
                }
            }
            Change::JobRun { row, .. } => {
                let old = self.rows.job_runs.get(&row.id).map(|old| old.state);
                let event = match row.state {
                    JobRunState::Failed => AlertEvent::JobFailed,
                    JobRunState::RetryWait => AlertEvent::JobRetried,
                    _ => return,
                };
                if old != Some(row.state) {
                    let execution = self.rows.executions.get(&row.execution);
                    let schedule = execution.and_then(|it| it.schedule);
                    let about = (event, Some(row.execution), Some(row.id), None);
                    self.want(schedule, about);
                }
            }
            Change::Firing(row) => self.want_deadlines(row),
            _ => {}
        }
    }

    fn want_deadlines(&mut self, row: &FiringRow) {
        let old = self.rows.firings.get(&row.id).cloned();
        let missed = |due: Option<DueBy>| due.is_some_and(|it| it.state == DueState::Missed);
        let was =
            |due: fn(&FiringRow) -> Option<DueBy>| old.as_ref().is_some_and(|it| missed(due(it)));
        let starts = missed(row.start_by) && !was(|it| it.start_by);
        let ends = missed(row.finish_by) && !was(|it| it.finish_by);
        for (missed, event) in [
            (starts, AlertEvent::NotStartedBy),
            (ends, AlertEvent::NotFinishedBy),
        ] {
            if missed {
                let about = (event, row.execution(), None, Some(row.id));
                self.want(Some(row.schedule), about);
            }
        }
    }

    /// Notes that each rule that asks for this must raise an alert by this commit.
    fn want(
        &mut self,
        schedule: Option<ScheduleId>,
        (event, execution, job_run, firing): (
            AlertEvent,
            Option<ExecutionId>,
            Option<JobRunId>,
            Option<FiringId>,
        ),
    ) {
        let definitions = &self.rows.definitions;
        let schedule = schedule.and_then(|id| definitions.get(&id.into()));
        let named: &[AlertRuleId] = match schedule {
            Some(Definition::Schedule(schedule)) => &schedule.alerts,
            _ => &[],
        };
        for definition in definitions.values() {
            if let Definition::AlertRule(rule) = definition
                && rule.enabled
                && rule.events.contains(&event)
                && (rule.default || named.contains(&rule.id))
            {
                let wanted = (rule.id, event, execution, job_run, firing);
                *self.wanted.entry(wanted).or_default() += 1;
            }
        }
    }

    /// `escalation`: others are told of what nobody has acknowledged in time and what is not over, once, and of nothing else.
    fn check_escalation(&mut self, row: &AlertRow) {
        let id = row.id;
        let old = self.rows.alerts.get(&id).cloned();
        let rule = self.rows.definitions.get(&row.rule.into());
        let is_wanted = matches!(rule, Some(Definition::AlertRule(rule))
            if rule.enabled && rule.escalation.is_some());
        let Some(old) = old else {
            let Some(first) = row.escalates else {
                return;
            };
            let due = self.rows.alerts.get(&first).is_some_and(|first| {
                first.escalated == Some(id) && first.acknowledged_at.is_none()
            });
            let first_time = self.escalated.insert(first);
            self.holds("escalation", due && first_time && is_wanted, || {
                format!("alert {id} tells others of alert {first} for nothing")
            });
            *self.seen.entry("alert escalated").or_default() += 1;
            return;
        };
        let first_stays = old.acknowledged_at.is_none()
            || (row.acknowledged_at, &row.acknowledged_by)
                == (old.acknowledged_at, &old.acknowledged_by);
        self.holds("escalation", first_stays, || {
            format!("alert {id} was acknowledged by somebody else")
        });
        if old.acknowledged_at.is_none() && row.acknowledged_at.is_some() {
            *self.seen.entry("alert acknowledged").or_default() += 1;
        }
        if old.over_at.is_none() && row.over_at.is_some() {
            *self.seen.entry("alert over").or_default() += 1;
        }
        let settled = row.acknowledged_at.is_some() || row.over_at.is_some();
        let rests = old.escalate_at.is_none() || row.escalate_at.is_some();
        let why = settled || row.escalated.is_some() || !is_wanted;
        self.holds("escalation", rests || why, || {
            format!("alert {id} is to be escalated no more, for nothing")
        });
        let late = row.escalated.is_none() || !settled;
        self.holds("escalation", late || old.escalated.is_some(), || {
            format!("alert {id} is escalated though somebody cares, or it is over")
        });
    }

    fn check_alert_row(&mut self, row: &AlertRow) {
        let id = row.id;
        self.check_escalation(row);
        if !self.rows.alerts.contains_key(&id) {
            let new = self.raised.insert((row.rule, row.cause.clone(), row.event));
            self.holds("alert", new, || {
                format!(
                    "alert {id} is the second of rule {} for {}",
                    row.rule, row.cause
                )
            });
            if row.escalates.is_some() {
                return;
            }
            let wanted = (row.rule, row.event, row.execution, row.job_run, row.firing);
            *self.raised_now.entry(wanted).or_default() += 1;
        } else if row.closed_at.is_some() && row.error.is_none() {
            let told = self.people_told.contains(&id);
            self.holds("alert", told, || {
                format!("alert {id} is closed, and nobody was told")
            });
        }
    }

    /// `alert`, once a commit is stored: all was raised that had to be, and nothing else.
    pub(crate) fn check_raised(&mut self) {
        // What no row tells of has rules of its own.
        let by_itself = |event: AlertEvent| {
            matches!(event, AlertEvent::ExecutorLost | AlertEvent::DataSourceDown)
        };
        self.raised_now
            .retain(|(_, event, ..), _| !by_itself(*event));
        let (wanted, raised) = (&self.wanted, &self.raised_now);
        if wanted != raised {
            let detail = format!("wanted were {wanted:?}, raised are {raised:?}");
            self.breaks("alert", detail);
        }
        self.wanted.clear();
        self.raised_now.clear();
    }

    /// `alert`: nobody is told what is not stored.
    pub(crate) fn is_given(&mut self, alert: AlertId) {
        let stored = self.rows.alerts.contains_key(&alert);
        self.holds("alert", stored, || {
            format!("alert {alert} is told and not stored")
        });
    }
}
