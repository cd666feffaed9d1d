//! What stands where in a run, kept from the changes that are told.

use std::collections::{BTreeMap, HashMap};

use hcndc_core::{
    engine::{
        AttemptRow, AttemptState, Change, ExecutionState, FlowRunRow, JobRunRow, JobRunState,
        Mishap,
    },
    id::{ExecutionId, FlowRunId, JobRunId},
    time::Timestamp,
};

use crate::{interchange::Lang, names::Names};

/// Where everything stands.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) names: Names,
    /// The execution that is followed; changes of others are none of ours.
    pub(super) followed: Option<ExecutionId>,
    pub(super) execution: Option<ExecutionState>,
    pub(super) flow_runs: BTreeMap<FlowRunId, FlowRunRow>,
    pub(super) job_runs: BTreeMap<JobRunId, JobRunRow>,
    /// Latest attempts of job runs that have not succeeded.
    pub(super) attempts: HashMap<JobRunId, AttemptRow>,
    /// Job runs whose process runs, and since when.
    pub(super) running: BTreeMap<JobRunId, Timestamp>,
    counts: BTreeMap<JobRunState, usize>,
}

/// A job run that came to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) row: JobRunRow,
    /// How many had then come to their end.
    pub(super) done: usize,
}

impl Board {
    /// Takes note of changes; returns the job runs that they settled, and those that will be tried again.
    pub(super) fn note(&mut self, changes: &[Change]) -> Vec<Settled> {
        self.names.note(changes);
        let mut settled = Vec::new();
        for change in changes {
            if !self.is_followed(change) {
                continue;
            }
            match change {
                Change::Execution(row) => self.execution = Some(row.state),
                Change::FlowRun { row, .. } => {
                    self.flow_runs.insert(row.id, *row);
                }
                Change::JobRun { from, row } => {
                    if let Some(count) = from.and_then(|from| self.counts.get_mut(&from)) {
                        *count -= 1;
                    }
                    *self.counts.entry(row.state).or_default() += 1;
                    match (row.state, row.started_at) {
                        (JobRunState::Running, Some(since)) => self.running.insert(row.id, since),
                        _ => self.running.remove(&row.id),
                    };
                    self.job_runs.insert(row.id, *row);
                    if row.state.is_settled() || row.state == JobRunState::RetryWait {
                        settled.push(Settled {
                            row: *row,
                            done: self.settled(),
                        });
                    }
                }
                Change::Attempt(row) if row.state == AttemptState::Succeeded => {
                    self.attempts.remove(&row.job_run);
                }
                Change::Attempt(row) => {
                    self.attempts.insert(row.job_run, row.clone());
                }
                _ => {}
            }
        }
        settled
    }

    /// Whether a change is about the execution that is followed.
    pub(super) fn is_followed(&self, change: &Change) -> bool {
        let execution = match change {
            Change::Execution(row) => row.id,
            Change::FlowRun { row, .. } => row.execution,
            Change::JobRun { row, .. } => row.execution,
            Change::Attempt(row) => row.execution,
            _ => return false,
        };
        self.followed == Some(execution)
    }

    /// Number of job runs in a state.
    pub(super) fn count(&self, state: JobRunState) -> usize {
        self.counts.get(&state).copied().unwrap_or(0)
    }

    /// Number of job runs that came to an end.
    pub(super) fn settled(&self) -> usize {
        JobRunState::ALL
            .iter()
            .filter(|state| state.is_settled())
            .map(|&state| self.count(state))
            .sum()
    }

    /// `flow/job`.
    pub(super) fn label(&self, row: &JobRunRow) -> String {
        let (flow, job) = self.names.job(row.job);
        format!("{flow}/{job}")
    }

    /// Why the latest attempt of a job run did not succeed.
    pub(super) fn reason(&self, row: &JobRunRow, lang: Lang) -> String {
        let Some(attempt) = self.attempts.get(&row.id) else {
            return String::new();
        };
        let message = &attempt.message;
        match (attempt.state, lang) {
            (AttemptState::Failed, Lang::En) => match (attempt.exit_code, attempt.signal) {
                (Some(code), _) => format!("exit code {code}"),
                (None, Some(signal)) => match attempt.mishap() {
                    None => format!("ended by signal {signal}"),
                    Some(Mishap::CoreDumped) => format!("ended by signal {signal}, core dumped"),
                    Some(Mishap::OutOfMemory) => "out of memory".to_owned(),
                },
                (None, None) => String::new(),
            },
            (AttemptState::Failed, Lang::Zh) => match (attempt.exit_code, attempt.signal) {
                (Some(code), _) => format!("退出码 {code}"),
                (None, Some(signal)) => match attempt.mishap() {
                    None => format!("被信号 {signal} 终止"),
                    Some(Mishap::CoreDumped) => format!("被信号 {signal} 终止，留下核心转储"),
                    Some(Mishap::OutOfMemory) => "内存耗尽".to_owned(),
                },
                (None, None) => String::new(),
            },
            (AttemptState::TimedOut, Lang::En) => "timed out".to_owned(),
            (AttemptState::TimedOut, Lang::Zh) => "超时".to_owned(),
            (AttemptState::Killed, Lang::En) => "killed".to_owned(),
            (AttemptState::Killed, Lang::Zh) => "已终止".to_owned(),
            (AttemptState::NotStarted, Lang::En) => format!("could not be started: {message}"),
            (AttemptState::NotStarted, Lang::Zh) => format!("无法启动：{message}"),
            (AttemptState::Lost, Lang::En) => format!("lost: {message}"),
            (AttemptState::Lost, Lang::Zh) => format!("丢失：{message}"),
            (AttemptState::Dispatched | AttemptState::Running | AttemptState::Succeeded, _) => {
                String::new()
            }
        }
    }
}

/// A state in people's words.
pub(in crate::cli) const fn state_name(state: JobRunState, lang: Lang) -> &'static str {
    match lang {
        Lang::En => match state {
            JobRunState::UpstreamFailed => "upstream failed",
            JobRunState::RetryWait => "waits for retry",
            JobRunState::Blocked => "not run",
            JobRunState::Queued
            | JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::Succeeded
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::Skipped => state.as_str(),
        },
        Lang::Zh => match state {
            JobRunState::Blocked => "未运行",
            JobRunState::Queued => "排队",
            JobRunState::Dispatched => "已派发",
            JobRunState::Running => "运行中",
            JobRunState::RetryWait => "等待重试",
            JobRunState::Succeeded => "成功",
            JobRunState::Failed => "失败",
            JobRunState::Killed => "已终止",
            JobRunState::UpstreamFailed => "上游失败",
            JobRunState::Skipped => "跳过",
        },
    }
}
