//! Alerts: who wants to hear of what happened, and whether they were told.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::super::{
    AlertRow, Change, Effect, Engine, ExecutionRow, ExecutionState, FiringRow, JobRunRow,
    JobRunState, MOST_OPEN_ALERTS, Step, alert::Happening, timer::Timer,
};
use crate::{
    id::{AlertId, AlertRuleId, DataSourceId, ExecutionId, ExecutorId, JobRunId},
    model::AlertEvent,
    time::Timestamp,
};

impl Engine {
    /// Raises an alert for each rule that asks for this: those that apply to everything, and the schedule's.
    fn raise(&mut self, happening: &Happening, step: &mut Step) {
        let mut rules: BTreeSet<AlertRuleId> = self.alerts.defaults(happening.event).collect();
        if let Some(schedule) = happening
            .schedule
            .and_then(|id| self.definitions.schedules.get(id))
        {
            let its = schedule.alerts.iter().copied().filter(|id| {
                self.definitions
                    .alert_rules
                    .get(*id)
                    .is_some_and(|rule| rule.enabled && rule.events.contains(&happening.event))
            });
            rules.extend(its);
        }
        for rule in rules {
            if self.alerts.was_raised(rule, happening) {
                continue;
            }
            let row = happening.row(AlertId(self.take_id()), rule, self.now);
            step.changes.push(Change::Alert(row.clone()));
            step.effects.push(Effect::Notify(row.clone()));
            self.alerts.hold(row);
        }
        while self.alerts.open.len() > MOST_OPEN_ALERTS
            && let Some((&first, _)) = self.alerts.open.first_key_value()
        {
            self.close_alert(
                first,
                Some("too many alerts wait to be delivered".into()),
                step,
            );
        }
    }

    /// Whoever tells people is done with an alert. One that is closed already stays as it is.
    pub(in super::super) fn close_alert(
        &mut self,
        id: AlertId,
        error: Option<String>,
        step: &mut Step,
    ) {
        let Some(mut row) = self.alerts.open.get(&id).cloned() else {
            return;
        };
        row.closed_at = Some(self.now);
        row.error = error;
        step.changes.push(Change::Alert(row.clone()));
        self.alerts.hold(row);
    }

    /// An execution has ended: nothing of it lasts.
    fn settle_lasting(&mut self, execution: ExecutionId, step: &mut Step) {
        let lasting = self.alerts.lasting.remove(&execution);
        self.let_end(lasting.unwrap_or_default(), step);
    }

    /// What these alerts tell of lasts no more.
    fn let_end(&mut self, lasting: BTreeMap<AlertId, AlertRow>, step: &mut Step) {
        for mut row in lasting.into_values() {
            row.lasts = false;
            step.changes.push(Change::Alert(row.clone()));
            self.alerts.hold(row);
        }
    }

    pub(in super::super) fn alert_deadline(
        &mut self,
        firing: &FiringRow,
        event: AlertEvent,
        step: &mut Step,
    ) {
        let happening = Happening {
            schedule: Some(firing.schedule),
            firing: Some(firing.id),
            execution: firing.execution(),
            data_date: Some(firing.data_date),
            ..Happening::new(event, format!("firing {}", firing.id))
        };
        self.raise(&happening, step);
    }

    pub(in super::super) fn alert_execution(&mut self, row: &ExecutionRow, step: &mut Step) {
        if row.state.is_ended() {
            self.settle_lasting(row.id, step);
        }
        let event = if row.state == ExecutionState::Succeeded {
            AlertEvent::ExecutionSucceeded
        } else if row.state == ExecutionState::Failed {
            AlertEvent::ExecutionFailed
        } else {
            return;
        };
        let cause = format!("execution {} {}", row.id, row.resumes);
        let happening = Happening {
            schedule: row.schedule,
            execution: Some(row.id),
            data_date: Some(row.data_date),
            ..Happening::new(event, cause)
        };
        self.raise(&happening, step);
    }

    pub(in super::super) fn alert_job(&mut self, row: &JobRunRow, step: &mut Step) {
        let event = if row.state == JobRunState::Failed {
            AlertEvent::JobFailed
        } else if row.state == JobRunState::RetryWait {
            AlertEvent::JobRetried
        } else {
            return;
        };
        if let Some(happening) = self.job_happening(event, row) {
            self.raise(&happening, step);
        }
    }

    /// What happened to a job run; `None` if nobody can want to hear of it.
    fn job_happening(&self, event: AlertEvent, row: &JobRunRow) -> Option<Happening> {
        // It may have been the last of its execution.
        let live = self.executions.get(&row.execution);
        let live = live.map(|it| (it.row.schedule, it.row.data_date));
        let about = live.or_else(|| self.alerts.ended.get(&row.execution).copied());
        let schedule = about.and_then(|(schedule, _)| schedule);
        if schedule.is_none() && !self.alerts.has_default(event) {
            return None;
        }
        Some(Happening {
            schedule,
            execution: Some(row.execution),
            job_run: Some(row.id),
            data_date: about.map(|(_, date)| date),
            ..Happening::new(event, format!("job run {} attempt {}", row.id, row.attempt))
        })
    }

    /// A data source is out of reach: told once until it has answered again.
    pub(in super::super) fn alert_source(&mut self, source: DataSourceId, step: &mut Step) {
        let cause = self.alerts.outage(source).cloned();
        let cause = cause.unwrap_or_else(|| format!("data source {source} since {}", self.now));
        let happening = Happening {
            data_source: Some(source),
            ..Happening::new(AlertEvent::DataSourceDown, cause)
        };
        self.raise(&happening, step);
    }

    /// A data source has answered, or is gone: its outage is over.
    pub(in super::super) fn settle_source(&mut self, source: DataSourceId, step: &mut Step) {
        let lasting = self.alerts.lasting_sources.remove(&source);
        self.let_end(lasting.unwrap_or_default(), step);
    }

    pub(in super::super) fn alert_lost(&mut self, executor: ExecutorId, step: &mut Step) {
        let cause = format!("executor {executor} at {}", self.now);
        let happening = Happening {
            executor: Some(executor),
            ..Happening::new(AlertEvent::ExecutorLost, cause)
        };
        self.raise(&happening, step);
    }

    /// A job run's process runs: once that takes twice as long as expected, people may want to hear of it.
    pub(in super::super) fn watch_length(&mut self, row: &JobRunRow) {
        let event = AlertEvent::LongerThanUsual;
        if row.state == JobRunState::Running
            && let Some(at) = self.longest_until(row)
            && self.job_happening(event, row).is_some()
        {
            self.timers.set(at, Timer::Longer(row.id, row.attempt));
        }
    }

    fn longest_until(&self, row: &JobRunRow) -> Option<Timestamp> {
        let (execution, at) = self.seat(row.id)?;
        let run = self.executions.get(&execution)?.jobs.get(at as usize)?;
        let expected = run.job.expected?;
        Some(row.started_at.unwrap_or(self.now).after(expected * 2))
    }

    pub(in super::super) fn on_longer(&mut self, id: JobRunId, attempt: u32, step: &mut Step) {
        let row = self.seat(id).and_then(|(execution, at)| {
            let run = self.executions.get(&execution)?.jobs.get(at as usize)?;
            Some(run.row)
        });
        let Some(row) = row else {
            return;
        };
        if row.state == JobRunState::Running
            && row.attempt == attempt
            && let Some(happening) = self.job_happening(AlertEvent::LongerThanUsual, &row)
        {
            self.raise(&happening, step);
        }
    }

    /// Takes in alerts that are open or whose cause lasts. Live executions are in place.
    pub(in super::super) fn admit_alerts(&mut self, rows: Vec<AlertRow>) {
        let rules: Vec<_> = self.definitions.alert_rules.iter().cloned().collect();
        for rule in rules {
            self.alerts.put_rule(&rule);
        }
        for row in rows {
            self.alerts.hold(row);
        }
        let running: Vec<JobRunRow> = self
            .executions
            .values()
            .flat_map(|execution| &execution.jobs)
            .map(|run| run.row)
            .filter(|row| row.state == JobRunState::Running)
            .collect();
        for row in running {
            self.watch_length(&row);
        }
    }
}
