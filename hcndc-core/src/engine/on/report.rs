//! What executors say. They are believed about their own attempts, and about nothing else.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString as _},
    vec::Vec,
};

use super::super::{
    Attempt, AttemptRow, AttemptState, Change, Effect, End, EndCause, Engine, ExecutionState, Held,
    JobRunState, Mishap, Order, Rejected, Report, Step, placement::Draw, timer::Timer,
};
use crate::{
    id::{AttemptId, ExecutorId},
    outputs,
    time::Timestamp,
};

/// The signal with which a system ends what uses up its memory.
const SIGKILL: i32 = 9;

impl AttemptRow {
    /// A signal of somebody else's ended it. Returns the state that it has then.
    fn end_by(&mut self, signal: i32, mishap: Option<Mishap>) -> AttemptState {
        self.signal = Some(signal);
        self.message = mishap.map_or_else(String::new, |it| it.as_str().to_string());
        if self.kill_asked {
            AttemptState::Killed
        } else {
            AttemptState::Failed
        }
    }
}

impl Engine {
    pub(in super::super) fn on_report(
        &mut self,
        executor: ExecutorId,
        report: Report,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        if self.yard.host(executor).is_none() {
            return Err(Rejected::UnknownExecutor { executor });
        }
        match report {
            Report::Hello {
                version,
                held,
                offer,
            } => {
                self.yard.note_offer(executor, offer);
                self.on_hello(executor, version, held, step);
            }
            Report::Started { attempt, pid, at } => {
                if self.lives_on(attempt, executor) {
                    self.on_started(attempt, pid, at, step);
                } else {
                    self.disown(executor, attempt, false, step);
                }
            }
            Report::Finished { attempt, end } => {
                if self.lives_on(attempt, executor) {
                    self.on_finished(attempt, end, step);
                }
                // A late result changes nothing, and the executor may forget it.
                self.disown(executor, attempt, true, step);
            }
            Report::Heartbeat(figures) => {
                self.yard.note_figures(executor, figures, self.now);
            }
            Report::Disconnected { reason } => self.on_disconnected(executor, reason),
        }
        Ok(())
    }

    fn lives_on(&self, attempt: AttemptId, executor: ExecutorId) -> bool {
        self.attempts
            .get(&attempt)
            .is_some_and(|attempt| attempt.row.executor == executor)
    }

    /// Tells an executor to forget an attempt that has ended, or to end one that nobody wants. One that lives, here or
    /// elsewhere, is wanted: a stranger's word about it ends nothing.
    fn disown(&self, executor: ExecutorId, attempt: AttemptId, ended: bool, step: &mut Step) {
        if self.attempts.contains_key(&attempt) {
            return;
        }
        let grace = self.settings.kill_grace;
        let order = if ended {
            Order::Ack { attempt }
        } else {
            Order::Kill { attempt, grace }
        };
        step.effects.push(Effect::Tell { executor, order });
    }

    fn on_hello(
        &mut self,
        executor: ExecutorId,
        version: String,
        held: Vec<Held>,
        step: &mut Step,
    ) {
        let mut ours = BTreeSet::new();
        self.yard.update(executor, |host| {
            host.online = true;
            host.version = Some(version);
            host.trouble = None;
            ours.clone_from(&host.attempts);
        });
        self.clear_lease(executor);
        self.end_alerts_of_executor(executor, step);
        let held: BTreeMap<AttemptId, Held> =
            held.into_iter().map(|held| (held.attempt, held)).collect();
        for (&attempt, held) in held.iter().filter(|(attempt, _)| !ours.contains(attempt)) {
            self.disown(executor, attempt, held.end.is_some(), step);
        }
        for attempt in ours {
            match held.get(&attempt) {
                Some(held) => {
                    if let Some((pid, at)) = held.started {
                        self.on_started(attempt, pid, at, step);
                    }
                    match &held.end {
                        Some(end) => {
                            self.on_finished(attempt, end.clone(), step);
                            self.disown(executor, attempt, true, step);
                        }
                        None => self.repeat_kill(attempt, step),
                    }
                }
                None => self.on_not_held(attempt, step),
            }
        }
    }

    /// An executor does not know an attempt that we gave to it: it never arrived, or was lost.
    fn on_not_held(&mut self, id: AttemptId, step: &mut Step) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let (state, kill_asked) = (attempt.row.state, attempt.row.kill_asked);
        if state == AttemptState::Dispatched && !kill_asked {
            self.set_going(id, step);
            return;
        }
        let cause = if kill_asked && state == AttemptState::Dispatched {
            EndCause::Killed
        } else {
            EndCause::Lost("the executor does not hold it any more".to_string())
        };
        self.on_finished(id, self.end_unseen(cause), step);
    }

    fn repeat_kill(&mut self, attempt: AttemptId, step: &mut Step) {
        if self
            .attempts
            .get(&attempt)
            .is_some_and(|attempt| attempt.row.kill_asked)
        {
            self.kill(attempt, step);
        }
    }

    fn on_started(&mut self, id: AttemptId, pid: u32, at: Timestamp, step: &mut Step) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.row.state != AttemptState::Dispatched {
            return;
        }
        // Whoever runs it needs no order any more.
        self.resolving.take(id);
        attempt.row.state = AttemptState::Running;
        attempt.row.pid = Some(pid);
        attempt.row.started_at = Some(at);
        step.changes.push(Change::Attempt(attempt.row.clone()));
        let (execution, job) = (attempt.row.execution, attempt.job);
        self.advance(execution, step, |execution, moves| {
            execution.jobs[job as usize].row.started_at = Some(at);
            execution.move_job(job, JobRunState::Running, moves);
        });
    }

    pub(super) fn on_finished(&mut self, id: AttemptId, end: End, step: &mut Step) {
        self.end_attempt(id, end, true, step);
    }

    /// Ends an attempt; one that failed is made again by its job's policy, unless no other could do better.
    pub(in super::super) fn end_attempt(
        &mut self,
        id: AttemptId,
        mut end: End,
        may_retry: bool,
        step: &mut Step,
    ) {
        self.resolving.take(id);
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        let Attempt { mut row, job } = *attempt;
        let execution = self.executions.get(&row.execution);
        let draw = execution.and_then(|it| Draw::of(&it.jobs[job as usize].job));
        self.yard.vacate(row.executor, id, row.slots, draw);
        let Some(execution) = execution else {
            return;
        };
        let run = &execution.jobs[job as usize];
        let stopping = execution.row.state == ExecutionState::Stopping;

        let good = |code: i32| {
            u8::try_from(code).is_ok_and(|code| run.job.success_codes.binary_search(&code).is_ok())
        };
        // Executors are other programs.
        outputs::retain_sound(&mut end.outputs);
        row.ended_at = Some(end.ended_at);
        row.started_at = end.started_at.or(row.started_at);
        row.peak_memory_bytes = end.peak_memory_bytes;
        row.cpu_time = end.cpu_time;
        row.log_bytes = end.log_bytes;
        row.state = match end.cause {
            EndCause::Exited(code) => {
                row.exit_code = Some(code);
                if good(code) {
                    AttemptState::Succeeded
                } else {
                    AttemptState::Failed
                }
            }
            EndCause::Signaled(signal) => row.end_by(signal, None),
            EndCause::CoreDumped(signal) => row.end_by(signal, Some(Mishap::CoreDumped)),
            EndCause::OutOfMemory => row.end_by(SIGKILL, Some(Mishap::OutOfMemory)),
            EndCause::TimedOut => AttemptState::TimedOut,
            EndCause::Killed => AttemptState::Killed,
            EndCause::NotStarted(why) => {
                row.message = why;
                // What ran has started, whatever its executor says later.
                if row.state == AttemptState::Running {
                    AttemptState::Lost
                } else {
                    AttemptState::NotStarted
                }
            }
            EndCause::Lost(why) => {
                row.message = why;
                AttemptState::Lost
            }
        };
        let tries = run.row.attempt - run.row.attempts_before;
        let retry_at = may_retry
            .then(|| run.job.retry.next_at(tries, self.now))
            .flatten();
        let (to, retry_at) = match (row.state, retry_at) {
            (AttemptState::Succeeded, _) => (JobRunState::Succeeded, None),
            _ if stopping || row.kill_asked => (JobRunState::Killed, None),
            (_, Some(at)) => (JobRunState::RetryWait, Some(at)),
            (_, None) => (JobRunState::Failed, None),
        };
        let (execution, exit_code, started_at) = (row.execution, row.exit_code, row.started_at);
        step.changes.push(Change::Attempt(row));
        if let Some(at) = retry_at {
            self.timers.set(at, Timer::Retry((execution, job)));
        }
        self.advance(execution, step, |execution, moves| {
            let run = &mut execution.jobs[job as usize];
            run.attempt = None;
            run.row.exit_code = exit_code;
            run.row.started_at = started_at;
            run.row.retry_at = retry_at;
            if to == JobRunState::RetryWait {
                execution.move_job(job, to, moves);
            } else {
                execution.put_out(job, end.outputs, moves);
                execution.settle(job, to, moves);
            }
        });
    }

    fn on_disconnected(&mut self, executor: ExecutorId, reason: String) {
        let lost_at = self.now.after(self.settings.executor_lease);
        let mut lease = None;
        self.yard.update(executor, |host| {
            host.online = false;
            host.trouble = Some(reason);
            if host.lease_until.is_none() && !host.attempts.is_empty() {
                host.lease_until = Some(lost_at);
                lease = host.lease_until;
            }
        });
        if let Some(at) = lease {
            self.timers.set(at, Timer::Lease(executor));
        }
    }

    fn clear_lease(&mut self, executor: ExecutorId) {
        let mut lease = None;
        self.yard
            .update(executor, |host| lease = host.lease_until.take());
        if let Some(at) = lease {
            self.timers.clear(at, Timer::Lease(executor));
        }
    }

    /// Gives up the attempts of an executor that did not come back in time.
    pub(super) fn on_lease_end(&mut self, executor: ExecutorId, step: &mut Step) {
        let mut lost = BTreeSet::new();
        self.yard.update(executor, |host| {
            host.lease_until = None;
            lost.clone_from(&host.attempts);
        });
        self.alert_lost(executor, step);
        for attempt in lost {
            let cause = EndCause::Lost("its executor was out of reach for too long".to_string());
            self.on_finished(attempt, self.end_unseen(cause), step);
        }
    }

    /// The end of an attempt of which no executor says it.
    pub(in super::super) fn end_unseen(&self, cause: EndCause) -> End {
        End {
            cause,
            started_at: None,
            ended_at: self.now,
            peak_memory_bytes: 0,
            cpu_time: core::time::Duration::ZERO,
            log_bytes: 0,
            outputs: BTreeMap::new(),
        }
    }
}
