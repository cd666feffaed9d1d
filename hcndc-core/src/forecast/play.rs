//! The copy of the engine, and the world that it is made to believe in.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString as _},
    vec::Vec,
};
use core::time::Duration;

use super::{Assumptions, ExecutionForecast, FlowRunForecast, Forecast, Hosts, JobRunForecast};
use crate::{
    engine::{
        AttemptRow, Change, EditBatch, Effect, End, EndCause, Engine, ExecutionRow, FlowRunRow,
        Held, Input, JobRunRow, JobRunState, Order, Rejected, Report, ResolveOrder, RunOrder, Step,
    },
    id::{AttemptId, ExecutorId, JobId, JobRunId},
    time::Timestamp,
};

/// Who makes the edits of a forecast; nobody sees it.
const BY: &str = "forecast";

/// An attempt that is to end.
#[derive(Clone, Copy, Debug)]
struct Running {
    executor: ExecutorId,
    started_at: Timestamp,
    ends_at: Timestamp,
    /// What it exits with; `None` if its timeout comes first.
    code: Option<u8>,
}

/// A copy of an engine on its way into the future.
#[derive(Debug)]
pub(super) struct Player<'a> {
    assumed: &'a Assumptions,
    engine: Engine,
    running: BTreeMap<AttemptId, Running>,
    ends: BTreeSet<(Timestamp, AttemptId)>,
    /// Given inputs, the earliest last.
    inputs: Vec<(Timestamp, Input)>,
    seen: Forecast,
    events: u64,
}

impl<'a> Player<'a> {
    pub(super) fn new(engine: &Engine, assumed: &'a Assumptions) -> Result<Self, Rejected> {
        let mut inputs = assumed.inputs.clone();
        inputs.sort_by_key(|(at, _)| core::cmp::Reverse(*at));
        let from = engine.now();
        let mut player = Self {
            assumed,
            engine: engine.clone(),
            running: BTreeMap::new(),
            ends: BTreeSet::new(),
            inputs,
            seen: Forecast {
                from,
                until: assumed.until.max(from),
                ..Forecast::default()
            },
            events: 0,
        };
        player.note_live();
        if !assumed.edits.is_empty() {
            let edits = assumed.edits.clone();
            let by = BY.to_string();
            player.apply(from, Input::Edit(EditBatch { by, edits }))?;
        }
        player.set_hosts();
        Ok(player)
    }

    /// Runs until the horizon, or until nothing more will happen.
    pub(super) fn play(&mut self) {
        while let Some(at) = self.next_at() {
            if at > self.seen.until {
                return;
            }
            if self.events >= self.assumed.events {
                (self.seen.is_cut, self.seen.until) = (true, self.engine.now());
                return;
            }
            if self.inputs.last().is_some_and(|(due, _)| *due <= at)
                && let Some((_, input)) = self.inputs.pop()
            {
                // What would be refused then changes nothing.
                let _ = self.apply(at, input);
            } else if let Some(&(due, attempt)) = self.ends.first()
                && due <= at
            {
                self.end(attempt, at, None);
            } else {
                let _ = self.apply(at, Input::Wake);
            }
        }
    }

    /// What was seen.
    pub(super) fn finish(mut self) -> Forecast {
        let open: Vec<JobRunId> = self
            .seen
            .job_runs
            .iter()
            .filter(|(_, run)| run.started_at.is_none() && !run.state.is_settled())
            .map(|(&id, _)| id)
            .collect();
        for id in open {
            self.note_waits(id);
        }
        for flow in self.engine.flows() {
            self.seen.flows.insert(flow.id, flow.name.clone());
        }
        for job in self.engine.jobs() {
            self.seen.jobs.insert(job.id, job.name.clone());
        }
        for executor in self.engine.executors() {
            self.seen
                .executors
                .insert(executor.id, executor.name.clone());
        }
        for schedule in self.engine.schedules() {
            let name = schedule.name.clone();
            self.seen.schedules.insert(schedule.id, name);
        }
        self.seen
    }

    fn next_at(&self) -> Option<Timestamp> {
        let end = self.ends.first().map(|&(at, _)| at);
        let given = self.inputs.last().map(|&(at, _)| at);
        let wake = self.engine.next_wakeup();
        [end, given, wake]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(self.engine.now()))
    }

    /// What runs already is a part of what will be.
    fn note_live(&mut self) {
        for change in &self.engine.live_rows() {
            self.note(change);
        }
        let attempts: Vec<AttemptRow> = self.engine.attempts().cloned().collect();
        for row in attempts {
            if let Some(run) = self.seen.job_runs.get_mut(&row.job_run) {
                run.executor = Some(row.executor);
                run.started_at = Some(row.dispatched_at);
            }
            let Some(job) = self.seen.job_runs.get(&row.job_run).map(|run| run.job) else {
                continue;
            };
            let started_at = row.started_at.unwrap_or(row.dispatched_at);
            self.expect(row.id, row.executor, job, started_at);
        }
        let queued = |run: &JobRunForecast| run.state == JobRunState::Queued;
        let runs = self.seen.job_runs.iter();
        let queued: Vec<JobRunId> = runs
            .filter(|(_, run)| queued(run))
            .map(|(&id, _)| id)
            .collect();
        for id in queued {
            self.note_waits(id);
        }
    }

    fn set_hosts(&mut self) {
        let now = self.engine.now();
        let executors: Vec<(ExecutorId, bool)> = self
            .engine
            .executors()
            .map(|executor| (executor.id, executor.enabled))
            .collect();
        for (executor, enabled) in executors {
            let report = if self.assumed.lost.contains(&executor) {
                Report::Disconnected {
                    reason: BY.to_string(),
                }
            } else if self.assumed.hosts == Hosts::AllUp && enabled {
                let health = self.engine.executor_health(executor);
                Report::Hello {
                    version: BY.to_string(),
                    held: self.held(executor),
                    offer: health.map_or_else(Default::default, |it| it.offer),
                }
            } else {
                continue;
            };
            // Both are known executors.
            let _ = self.apply(now, Input::Report { executor, report });
        }
        let lost: Vec<AttemptId> = self
            .running
            .iter()
            .filter(|(_, it)| self.assumed.lost.contains(&it.executor))
            .map(|(&id, _)| id)
            .collect();
        for attempt in lost {
            self.forget(attempt);
        }
    }

    fn held(&self, executor: ExecutorId) -> Vec<Held> {
        let its = self
            .running
            .iter()
            .filter(|(_, it)| it.executor == executor);
        its.map(|(&attempt, it)| Held {
            attempt,
            started: Some((0, it.started_at)),
            end: None,
        })
        .collect()
    }

    fn apply(&mut self, at: Timestamp, input: Input) -> Result<(), Rejected> {
        self.events += 1;
        let Step {
            changes, effects, ..
        } = self.engine.apply(at, input)?;
        let mut queued = Vec::new();
        for change in &changes {
            self.note(change);
            if let Change::JobRun { row, .. } = change
                && row.state == JobRunState::Queued
            {
                queued.push(row.id);
            }
        }
        for id in queued {
            let waits = |run: &JobRunForecast| run.state == JobRunState::Queued;
            if self.seen.job_runs.get(&id).is_some_and(waits) {
                self.note_waits(id);
            }
        }
        for effect in effects {
            self.carry_out(effect);
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Tell {
                executor,
                order: Order::Run(order),
            } => self.start(executor, &order),
            Effect::Tell {
                order: Order::Kill { attempt, .. },
                ..
            } => self.end(attempt, self.engine.now(), Some(EndCause::Killed)),
            Effect::Resolve(order) => self.answer(&order),
            Effect::Tell {
                order: Order::Ack { .. },
                ..
            }
            | Effect::Connect(_)
            | Effect::Disconnect(_)
            | Effect::Notify(_) => {}
        }
    }

    /// What a query would give is not known, and changes no time.
    fn answer(&mut self, order: &ResolveOrder) {
        let values = order.asks.iter().map(|ask| (ask.param, String::new()));
        let (attempt, result) = (order.attempt, Ok(values.collect()));
        let at = self.engine.now();
        // An answer is never refused.
        let _ = self.apply(at, Input::Resolved { attempt, result });
    }

    fn start(&mut self, executor: ExecutorId, order: &RunOrder) {
        if self.running.contains_key(&order.attempt) {
            return;
        }
        let now = self.engine.now();
        let Some(run) = self.seen.job_runs.get_mut(&order.job_run) else {
            return;
        };
        (run.executor, run.started_at) = (Some(executor), Some(now));
        let job = run.job;
        self.expect(order.attempt, executor, job, now);
    }

    /// Says when an attempt will end.
    fn expect(
        &mut self,
        attempt: AttemptId,
        executor: ExecutorId,
        job: JobId,
        started_at: Timestamp,
    ) {
        let definition = self.engine.job(job);
        let given = self.assumed.durations.get(&job).copied();
        let expected = given.or_else(|| definition.and_then(|job| job.expected));
        let takes = expected.unwrap_or(self.assumed.otherwise);
        let timeout = definition.and_then(|job| job.timeout);
        let code = definition.map_or(0, |job| job.success_codes.first().copied().unwrap_or(0));
        let (takes, code) = match timeout {
            Some(timeout) if timeout < takes => (timeout, None),
            Some(_) | None => (takes, Some(code)),
        };
        // One that takes longer than expected already is taken to end now.
        let ends_at = started_at.after(takes).max(self.engine.now());
        self.ends.insert((ends_at, attempt));
        self.running.insert(
            attempt,
            Running {
                executor,
                started_at,
                ends_at,
                code,
            },
        );
    }

    fn forget(&mut self, attempt: AttemptId) -> Option<Running> {
        let running = self.running.remove(&attempt)?;
        self.ends.remove(&(running.ends_at, attempt));
        Some(running)
    }

    fn end(&mut self, attempt: AttemptId, at: Timestamp, cause: Option<EndCause>) {
        let Some(running) = self.forget(attempt) else {
            return;
        };
        // What a job would put out is not known, and changes no time.
        let read = self.engine.outputs_read_of(attempt);
        let outputs = read.map(|name| (name.to_string(), String::new()));
        let outputs = outputs.collect();
        let exited = |code: u8| EndCause::Exited(i32::from(code));
        let cause = cause.unwrap_or_else(|| running.code.map_or(EndCause::TimedOut, exited));
        let end = End {
            cause,
            started_at: Some(running.started_at),
            ended_at: at,
            peak_memory_bytes: 0,
            cpu_time: Duration::ZERO,
            log_bytes: 0,
            outputs,
        };
        let (executor, report) = (running.executor, Report::Finished { attempt, end });
        // The executor is known, for it was given the attempt.
        let _ = self.apply(at, Input::Report { executor, report });
    }

    fn note_waits(&mut self, id: JobRunId) {
        if let Some(explained) = self.engine.explain(id)
            && let Some(run) = self.seen.job_runs.get_mut(&id)
        {
            run.waits = explained.holds;
        }
    }

    fn note(&mut self, change: &Change) {
        if let Change::Execution(row) = change {
            self.seen.executions.insert(row.id, row.into());
        }
        if let Change::FlowRun { row, .. } = change {
            self.seen.flow_runs.insert(row.id, row.into());
        }
        if let Change::Firing(row) = change {
            self.seen.firings.insert(row.id, row.clone());
        }
        if let Change::Alert(row) = change {
            self.seen.alerts.insert(row.id, row.clone());
        }
        if let Change::JobRun { row, .. } = change {
            let run = self.seen.job_runs.entry(row.id);
            let run = run.or_insert_with(|| JobRunForecast::new(row));
            (run.state, run.queued_at, run.ended_at) = (row.state, row.queued_at, row.ended_at);
        }
    }
}

impl From<&ExecutionRow> for ExecutionForecast {
    fn from(row: &ExecutionRow) -> Self {
        Self {
            trigger: row.trigger,
            schedule: row.schedule,
            fire_time: row.fire_time,
            data_date: row.data_date,
            started_at: row.started_at,
            ended_at: row.ended_at,
            state: row.state,
        }
    }
}

impl From<&FlowRunRow> for FlowRunForecast {
    fn from(row: &FlowRunRow) -> Self {
        Self {
            execution: row.execution,
            flow: row.flow,
            started_at: row.started_at,
            ended_at: row.ended_at,
            state: row.state,
        }
    }
}

impl JobRunForecast {
    fn new(row: &JobRunRow) -> Self {
        Self {
            flow_run: row.flow_run,
            job: row.job,
            queued_at: None,
            started_at: None,
            ended_at: None,
            executor: None,
            state: row.state,
            waits: Vec::new(),
        }
    }
}
