//! Alerts: who wants to hear of what happened, and whether they were told.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::super::{
    ActionRow, AlertRow, Change, Effect, Engine, ExecutionRow, ExecutionState, FiringRow,
    JobRunRow, JobRunState, MOST_OPEN_ALERTS, Rejected, Step,
    alert::{About, FLOWS_NAMED, Happening, LONGEST_SUBJECT},
    timer::Timer,
};
use crate::{
    id::{AlertId, AlertRuleId, DataSourceId, ExecutorId, FiringId, FlowId, JobRunId},
    model::{AlertEvent, Escalation},
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
        let subject = match rules.is_empty() {
            true => String::new(),
            false => self.subject(happening),
        };
        for rule in rules {
            if self.alerts.was_raised(rule, happening) {
                continue;
            }
            let mut row = happening.row(AlertId(self.take_id()), rule, subject.clone(), self.now);
            row.escalate_at = self
                .escalation(rule)
                .map(|escalation| self.now.after(escalation.after));
            if let Some(at) = row.escalate_at {
                self.timers.set(at, Timer::Escalate(row.id));
            }
            self.give_alert(row, step);
        }
        while let Some(first) = self.alerts.unanswered_beyond(MOST_OPEN_ALERTS) {
            self.on_escalate(first, step);
        }
    }

    /// Name of what happened to it.
    fn subject(&self, happening: &Happening) -> String {
        let definitions = &self.definitions;
        let flow_name = |id: FlowId| definitions.flow(id).map(|flow| flow.name.as_str());
        let name = if let Some(job) = happening.job.and_then(|id| definitions.job(id)) {
            let flow = flow_name(job.flow).unwrap_or_default();
            format!("{flow}/{}", job.name)
        } else if let Some(it) = happening.executor.and_then(|id| self.executor(id)) {
            it.name.clone()
        } else if let Some(it) = happening.data_source.and_then(|id| self.data_source(id)) {
            it.name.clone()
        } else if let Some(it) = happening.firing.and(happening.schedule) {
            self.schedule(it)
                .map(|it| it.name.clone())
                .unwrap_or_default()
        } else {
            let (flows, more) = self.flows_told(happening);
            let names: Vec<&str> = flows.into_iter().filter_map(flow_name).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" +{more}"),
            };
            format!("{}{more}", names.join(", "))
        };
        match name.char_indices().nth(LONGEST_SUBJECT - 1) {
            Some((at, _)) if name.chars().count() > LONGEST_SUBJECT => {
                format!("{}…", &name[..at])
            }
            Some(_) | None => name,
        }
    }

    /// The first flows of an execution that lives, or has ended in this step, and how many more there are.
    fn flows_told(&self, happening: &Happening) -> (Vec<FlowId>, usize) {
        let Some(id) = happening.execution else {
            return (Vec::new(), 0);
        };
        if let Some(ended) = self.alerts.ended.get(&id) {
            return (ended.flows.clone(), ended.flows_more);
        }
        let runs = self.executions.get(&id).map(|it| it.flow_runs.as_slice());
        let runs = runs.unwrap_or_default();
        let flows = runs.iter().take(FLOWS_NAMED).map(|run| run.row.flow);
        (flows.collect(), runs.len().saturating_sub(FLOWS_NAMED))
    }

    /// How a rule has others told, if it does now.
    fn escalation(&self, rule: AlertRuleId) -> Option<&Escalation> {
        let rule = self.definitions.alert_rules.get(rule)?;
        rule.escalation.as_ref().filter(|_| rule.enabled)
    }

    fn give_alert(&mut self, row: AlertRow, step: &mut Step) {
        step.effects.push(Effect::Notify(row.clone()));
        self.put_alert(row, step);
        while let Some(first) = self.alerts.untold_beyond(MOST_OPEN_ALERTS) {
            let error = "too many alerts wait to be delivered";
            self.close_alert(first, Some(error.into()), step);
        }
    }

    fn put_alert(&mut self, row: AlertRow, step: &mut Step) {
        step.changes.push(Change::Alert(row.clone()));
        self.alerts.hold(row);
    }

    /// Nobody has acknowledged an alert: others are told, if its rule still wants that.
    pub(in super::super) fn on_escalate(&mut self, id: AlertId, step: &mut Step) {
        let Some(mut row) = self.alerts.get(id).cloned() else {
            return;
        };
        self.let_rest(&mut row);
        let is_wanted = self.escalation(row.rule).is_some();
        let carried_on = is_wanted.then(|| row.carried_on(AlertId(self.take_id()), self.now));
        row.escalated = carried_on.as_ref().map(|it| it.id);
        self.put_alert(row, step);
        if let Some(it) = carried_on {
            self.give_alert(it, step);
        }
    }

    /// Nobody else is told of an alert.
    fn let_rest(&mut self, row: &mut AlertRow) {
        if let Some(at) = row.escalate_at.take() {
            self.timers.clear(at, Timer::Escalate(row.id));
        }
    }

    /// A person takes care of what these alerts tell of, and of those that escalate them or that they escalate. Who did so
    /// first stays.
    pub(in super::super) fn on_acknowledge(
        &mut self,
        alerts: &[AlertId],
        by: &str,
        archived: Vec<AlertRow>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        // What is open is held here: a row that says so is not as it is now.
        let archived = archived.into_iter().filter(|row| !row.is_open());
        let archived: BTreeMap<AlertId, AlertRow> = archived.map(|row| (row.id, row)).collect();
        let find = |engine: &Self, id: AlertId| {
            let held = engine.alerts.get(id).or_else(|| archived.get(&id));
            held.cloned()
        };
        for &alert in alerts {
            find(self, alert).ok_or(Rejected::UnknownAlert { alert })?;
        }
        let with_others = alerts.iter().flat_map(|&id| {
            let row = find(self, id);
            let others = row.map(|row| [row.escalates, row.escalated]);
            let others = others.into_iter().flatten().flatten();
            core::iter::once(id).chain(others)
        });
        let all: BTreeSet<AlertId> = with_others.collect();
        for id in all {
            if let Some(row) = find(self, id) {
                self.acknowledge(row, by, step);
            }
        }
        Ok(())
    }

    /// A person did something to an execution: that one takes care of what is told of it.
    pub(in super::super) fn acknowledge_of(&mut self, action: &ActionRow, step: &mut Step) {
        let about = self.alerts.about(About::Execution(action.execution));
        let unanswered = about.filter(|row| row.escalate_at.is_some());
        for row in unanswered.cloned().collect::<Vec<_>>() {
            self.acknowledge(row, &action.by, step);
        }
    }

    fn acknowledge(&mut self, mut row: AlertRow, by: &str, step: &mut Step) {
        if row.acknowledged_at.is_some() {
            return;
        }
        row.acknowledged_at = Some(self.now);
        row.acknowledged_by = Some(by.into());
        self.let_rest(&mut row);
        self.put_alert(row, step);
    }

    /// Whoever tells people is done with an alert. One that is closed already stays as it is.
    pub(in super::super) fn close_alert(
        &mut self,
        id: AlertId,
        error: Option<String>,
        step: &mut Step,
    ) {
        let untold = self.alerts.get(id).filter(|row| row.closed_at.is_none());
        let Some(mut row) = untold.cloned() else {
            return;
        };
        row.closed_at = Some(self.now);
        row.error = error;
        self.put_alert(row, step);
    }

    /// What those alerts about this tell of is over.
    fn end_alerts(&mut self, about: About, is_over: impl Fn(&AlertRow) -> bool, step: &mut Step) {
        let rows = self.alerts.about(about).filter(|row| is_over(row));
        for mut row in rows.cloned().collect::<Vec<_>>() {
            row.lasts = false;
            row.over_at = Some(self.now);
            self.let_rest(&mut row);
            self.put_alert(row, step);
        }
    }

    /// A job run moved: what was told of it, or of an execution that had not begun, may be over.
    pub(in super::super) fn end_alerts_of_job(&mut self, row: &JobRunRow, step: &mut Step) {
        let execution = About::Execution(row.execution);
        if row.state == JobRunState::Dispatched {
            let is_over = |it: &AlertRow| it.event == AlertEvent::NotStartedBy;
            self.end_alerts(execution, is_over, step);
        } else if row.state == JobRunState::Succeeded {
            self.end_alerts(execution, |it| it.job_run == Some(row.id), step);
        }
    }

    /// A firing has started an execution, which it may have waited for.
    pub(in super::super) fn end_alerts_of_started(&mut self, firing: FiringId, step: &mut Step) {
        let is_over =
            |it: &AlertRow| it.event == AlertEvent::NotStartedBy && it.execution.is_none();
        self.end_alerts(About::Firing(firing), is_over, step);
    }

    /// An executor that was lost is back, or is gone for good.
    pub(in super::super) fn end_alerts_of_executor(&mut self, id: ExecutorId, step: &mut Step) {
        self.end_alerts(About::Executor(id), |_| true, step);
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
            let succeeded = row.state == ExecutionState::Succeeded;
            let is_over = |it: &AlertRow| succeeded || it.lasts;
            self.end_alerts(About::Execution(row.id), is_over, step);
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
        let ended = || {
            let ended = self.alerts.ended.get(&row.execution)?;
            Some((ended.schedule, ended.data_date))
        };
        let about = live.or_else(ended);
        let schedule = about.and_then(|(schedule, _)| schedule);
        if schedule.is_none() && !self.alerts.has_default(event) {
            return None;
        }
        Some(Happening {
            schedule,
            execution: Some(row.execution),
            job_run: Some(row.id),
            job: Some(row.job),
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
        self.end_alerts(About::DataSource(source), |_| true, step);
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
            if let Some(at) = row.escalate_at {
                self.timers.set(at, Timer::Escalate(row.id));
            }
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
