//! What an execution did until one of its ends, put together from what is stored.
//!
//! ```text
//! execution ──┬── part 0: until its first end ──┬── job run ──┬── attempt 1
//!             │                                 │             └── attempt 2
//!             │                                 └── job run …
//!             └── part 1: after a resume, until its next end ── …
//! ```
//!
//! An attempt belongs to the part in which its id was given. A job run is told in each part in which it had attempts, and where it
//! came to its end.

use std::{collections::BTreeMap, sync::Arc};

use super::ids::Ids;
use hcndc_core::{
    engine::{AttemptRow, AttemptState, ExecutionRow, ExecutionState, JobRunRow, JobRunState},
    id::{ExecutorId, JobId, JobRunId},
    model::{Condition, Job},
    port::{ExecutionEnd, ExecutorQuery, History, PortError, Reports, RunStory},
    time::Timestamp,
};

/// Job runs that are read at once.
const PAGE: u32 = 500;

/// What an execution did until an end.
#[derive(Clone, Debug)]
pub struct Story {
    /// What it is known by.
    pub ids: Ids,
    /// The execution as it is now.
    pub execution: ExecutionRow,
    /// Its flows, with the names that they had; the one that was started is the first.
    pub flows: Vec<String>,
    /// The end.
    pub end: ExecutionEnd,
    /// Whether it had ended before: then the part before has the root.
    pub goes_on: bool,
    /// When the part began: its execution's start, or the first that was done after an end.
    pub started_at: Timestamp,
    /// What it did, by id.
    pub runs: Vec<RunPart>,
    /// Names of executors that are there.
    pub executors: Arc<BTreeMap<ExecutorId, String>>,
}

/// What became of a job run in a part.
#[derive(Clone, Debug)]
pub struct RunPart {
    /// The job run as it is now.
    pub row: JobRunRow,
    /// The name that its flow had.
    pub flow_name: String,
    /// The version of its job that it is pinned to.
    pub job: Arc<Job>,
    /// Its attempts in this part, by number.
    pub attempts: Vec<AttemptRow>,
    /// Where it stood at the end of the part.
    pub state: JobRunState,
    /// When it was queued the last time, if that was for the last of these attempts.
    pub queued_at: Option<Timestamp>,
    /// Its first moment in this part.
    pub started_at: Timestamp,
    /// Its last moment in this part.
    pub ended_at: Timestamp,
    /// What of its execution it waited for, and which part that was last told in.
    pub upstream: Vec<Upstream>,
}

/// What a job run waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Which job run.
    pub run: JobRunId,
    /// The part of it.
    pub resumes: u32,
    /// How it had to end.
    pub condition: Condition,
}

/// Which of an execution's ends came after what, by their numbers of resumes. There is one at least.
struct Parts<'a>(&'a [ExecutionEnd]);

impl Parts<'_> {
    /// The part in which an attempt was made.
    fn of_attempt(&self, attempt: &AttemptRow) -> Option<u32> {
        let end = self.0.iter().find(|end| attempt.id.0 < end.next_id);
        end.map(|end| end.resumes)
    }

    /// The part in which something came to its end.
    fn of_time(&self, at: Timestamp) -> Option<u32> {
        let end = self.0.iter().find(|end| at <= end.ended_at);
        // Clocks of two schedulers may differ: then it is the last.
        end.or_else(|| self.0.last()).map(|end| end.resumes)
    }

    /// The parts in which a job run is told, in their order.
    fn of_run(&self, run: &RunStory) -> Vec<u32> {
        let attempts = run.attempts.iter();
        let mut parts: Vec<u32> = attempts.filter_map(|it| self.of_attempt(it)).collect();
        let settled = run.row.state.is_settled() && !run.row.left_out;
        let end = run.row.ended_at.filter(|_| settled);
        parts.extend(end.and_then(|at| self.of_time(at)));
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

impl Story {
    /// Puts together what is stored of a part. `ends` are all of the execution's, by resumes; `runs` all of its job runs, by id.
    #[must_use]
    pub fn new(
        ids: Ids,
        (execution, flows): (ExecutionRow, Vec<String>),
        (end, ends): (ExecutionEnd, &[ExecutionEnd]),
        runs: Vec<RunStory>,
        executors: Arc<BTreeMap<ExecutorId, String>>,
    ) -> Self {
        let parts = Parts(ends);
        let mut last_told = BTreeMap::new();
        for run in &runs {
            let told = parts.of_run(run);
            let mut until_now = told.into_iter().filter(|part| *part <= end.resumes);
            if let Some(part) = until_now.next_back() {
                last_told.insert(run.row.job, (run.row.id, part));
            }
        }
        let of_part = runs
            .into_iter()
            .filter_map(|run| run_part(run, &parts, &end, &last_told));
        let runs: Vec<RunPart> = of_part.collect();
        let goes_on = ends.iter().any(|other| other.resumes < end.resumes);
        let first = runs.iter().map(|run| run.started_at).min();
        let started_at = match goes_on {
            true => first.unwrap_or(end.ended_at),
            false => first.map_or(execution.started_at, |at| at.min(execution.started_at)),
        };
        Self {
            ids,
            execution,
            flows,
            end,
            goes_on,
            started_at: started_at.min(end.ended_at),
            runs,
            executors,
        }
    }

    /// Reads a part. `None` if its execution is gone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read<S, E>(
        store: &S,
        ids: &Ids,
        end: ExecutionEnd,
        executors: &Arc<BTreeMap<ExecutorId, String>>,
    ) -> Result<Option<Self>, E>
    where
        S: History<Error = E> + Reports<Error = E>,
        E: PortError,
    {
        let Some(view) = store.execution(end.execution).await? else {
            return Ok(None);
        };
        let ends = store.ends_of(end.execution).await?;
        let mut runs: Vec<RunStory> = Vec::new();
        loop {
            let after = runs.last().map(|run| run.row.id);
            let page = store.run_stories(end.execution, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            runs.extend(page);
            if is_last {
                break;
            }
        }
        let flows = view.flows.into_iter().map(|(_, name)| name).collect();
        let told = (view.row, flows);
        Ok(Some(Self::new(
            ids.clone(),
            told,
            (end, &ends),
            runs,
            Arc::clone(executors),
        )))
    }

    /// When all of the part had ended.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        let runs = self.runs.iter().map(|run| run.ended_at);
        runs.max().map_or(self.end.ended_at, |last| {
            last.max(self.end.ended_at).max(self.started_at)
        })
    }

    /// What it is called: the flow that was started.
    #[must_use]
    pub fn name(&self) -> &str {
        self.flows.first().map_or("", String::as_str)
    }

    /// Why it did not succeed; `None` if it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match self.end.state {
            ExecutionState::Failed => Some("failed".to_owned()),
            ExecutionState::Stopped => Some(match &self.execution.stopped_by {
                Some(by) => format!("stopped by {by}"),
                None => "stopped".to_owned(),
            }),
            ExecutionState::Succeeded
            | ExecutionState::Running
            | ExecutionState::Paused
            | ExecutionState::Stopping => None,
        }
    }
}

/// Names of all executors that there are.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn executors<S, E>(store: &S) -> Result<BTreeMap<ExecutorId, String>, E>
where
    S: History<Error = E>,
{
    let mut query = ExecutorQuery::default();
    query.page.limit = 1_000;
    let mut names = BTreeMap::new();
    loop {
        let page = store.executors(&query).await?;
        let found = page.items.iter().map(|it| (it.id, it.name.clone()));
        names.extend(found);
        match page.next {
            Some(next) => query.page.after = Some(next),
            None => return Ok(names),
        }
    }
}

/// What of a job run belongs to the part that ended so.
fn run_part(
    run: RunStory,
    parts: &Parts<'_>,
    end: &ExecutionEnd,
    last_told: &BTreeMap<JobId, (JobRunId, u32)>,
) -> Option<RunPart> {
    let told = parts.of_run(&run);
    if !told.contains(&end.resumes) {
        return None;
    }
    let is_last = told.last() == Some(&end.resumes);
    let attempts = run.attempts.into_iter();
    let attempts: Vec<AttemptRow> = attempts
        .filter(|it| parts.of_attempt(it) == Some(end.resumes))
        .collect();
    let last = attempts.last();
    let state = match last {
        Some(_) if is_last => run.row.state,
        Some(attempt) => state_after(attempt.state),
        None => run.row.state,
    };
    let queued_at = run.row.queued_at.filter(|at| {
        last.is_some_and(|it| it.number == run.row.attempt && *at <= it.dispatched_at)
    });
    let settled_at = run.row.ended_at.filter(|_| is_last);
    let ends = attempts.iter().map(|it| ended_at(it, end));
    let fallback = settled_at.unwrap_or(end.ended_at);
    let orders = attempts.iter().map(|it| it.dispatched_at);
    let started_at = orders.min().unwrap_or(fallback);
    let started_at = queued_at.map_or(started_at, |at| at.min(started_at));
    let ended_at = ends.chain(settled_at).max().unwrap_or(fallback);
    let dependencies = run.job.dependencies.iter();
    let upstream = dependencies.filter_map(|dependency| {
        // What is asked for at another date is another execution's.
        let (run, resumes) = last_told
            .get(&dependency.job)
            .filter(|_| dependency.offset_days == 0)?;
        Some(Upstream {
            run: *run,
            resumes: *resumes,
            condition: dependency.condition,
        })
    });
    Some(RunPart {
        upstream: upstream.collect(),
        row: run.row,
        flow_name: run.flow_name,
        job: run.job,
        attempts,
        state,
        queued_at,
        started_at,
        ended_at: ended_at.max(started_at),
    })
}

/// When an attempt ended: never before it began, whatever the clock of its host says.
#[must_use]
pub(super) fn ended_at(attempt: &AttemptRow, end: &ExecutionEnd) -> Timestamp {
    let ended_at = attempt.ended_at.unwrap_or(end.ended_at);
    ended_at.max(attempt.dispatched_at)
}

/// When the process of an attempt began, if it did, held between the attempt's own first and last moments.
#[cfg(any(feature = "traces", feature = "lineage"))]
#[must_use]
pub(super) fn began_at(attempt: &AttemptRow, end: &ExecutionEnd) -> Option<Timestamp> {
    let began_at = attempt.started_at?;
    Some(began_at.clamp(attempt.dispatched_at, ended_at(attempt, end)))
}

/// Where a job run stood whose attempt was the last for a while.
const fn state_after(state: AttemptState) -> JobRunState {
    match state {
        AttemptState::Succeeded => JobRunState::Succeeded,
        AttemptState::Killed => JobRunState::Killed,
        AttemptState::Failed
        | AttemptState::TimedOut
        | AttemptState::NotStarted
        | AttemptState::Lost => JobRunState::Failed,
        AttemptState::Dispatched => JobRunState::Dispatched,
        AttemptState::Running => JobRunState::Running,
    }
}

/// Why an attempt did not succeed; `None` if it did.
#[cfg(any(feature = "traces", feature = "lineage"))]
#[must_use]
pub(super) fn failure(attempt: &AttemptRow) -> Option<String> {
    let what = match attempt.state {
        AttemptState::Succeeded => return None,
        AttemptState::Failed => match (attempt.exit_code, attempt.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "failed".to_owned(),
        },
        AttemptState::TimedOut => "timed out".to_owned(),
        AttemptState::Killed => "killed".to_owned(),
        AttemptState::NotStarted => "not started".to_owned(),
        AttemptState::Lost => "lost".to_owned(),
        AttemptState::Dispatched | AttemptState::Running => "without an end".to_owned(),
    };
    Some(match attempt.message.is_empty() {
        true => what,
        false => format!("{what}: {}", attempt.message),
    })
}
