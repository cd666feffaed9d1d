//! What happens, for those who watch: a bounded record of transitions that any number of readers follow, each at its own pace.
//!
//! A reader that falls too far behind, or comes back too late, is told of the gap and reads the lists anew.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hcndc_core::{
    engine::{Change, ExecutionState, FlowRunState, JobRunState, Rejected},
    id::{ExecutionId, FileEventId, FlowRunId, JobRunId},
    port::Observer,
    time::Timestamp,
    watch::Sight,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::{causes::with_causes, commits::Commits, names::Names};

/// Transitions that are kept for readers who are behind.
const KEPT: usize = 20_000;

/// One transition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveEvent {
    /// Its number, from 1, in the life of this process.
    #[serde(skip)]
    pub number: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// The execution that it is part of.
    pub execution: ExecutionId,
    /// What moved.
    #[serde(flatten)]
    pub what: Moved,
}

/// What moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Moved {
    /// A job run.
    JobRun {
        /// Which.
        job_run: JobRunId,
        /// Its flow's name.
        flow: String,
        /// Its job's name.
        job: String,
        /// The attempt that it is at.
        attempt: u32,
        /// From where; `None` when it is new.
        from: Option<JobRunState>,
        /// To where.
        to: JobRunState,
        /// Exit code of the latest attempt, if it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// A flow run.
    FlowRun {
        /// Which.
        flow_run: FlowRunId,
        /// Its flow's name.
        flow: String,
        /// From where; `None` when it is new.
        from: Option<FlowRunState>,
        /// To where.
        to: FlowRunState,
    },
    /// The execution itself.
    Execution {
        /// To where.
        to: ExecutionState,
    },
}

impl Moved {
    /// The name of its kind, as it is told.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::JobRun { .. } => "job_run",
            Self::FlowRun { .. } => "flow_run",
            Self::Execution { .. } => "execution",
        }
    }
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The next transitions, in order.
    Events(Vec<LiveEvent>),
    /// Some are no longer kept; the reader goes on after this number.
    Gap(u64),
}

/// The record of transitions.
#[derive(Debug)]
pub struct Live {
    record: Mutex<Record>,
    newest: watch::Sender<u64>,
    trouble: watch::Sender<Option<String>>,
    /// When the term began in which it is written, less what was written before; 0 before the first.
    term: AtomicU64,
    commits: Commits,
    /// What was seen of each file event in the last look, and when.
    sights: Mutex<BTreeMap<FileEventId, (Timestamp, Sight)>>,
}

#[derive(Debug, Default)]
struct Record {
    names: Names,
    events: VecDeque<LiveEvent>,
    newest: u64,
}

impl Live {
    /// An empty record that knows these names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            record: Mutex::new(Record {
                names,
                ..Record::default()
            }),
            newest: watch::Sender::new(0),
            trouble: watch::Sender::new(None),
            term: AtomicU64::new(0),
            commits: Commits::default(),
            sights: Mutex::default(),
        }
    }

    /// Takes these names in place of those it has.
    pub fn learn(&self, names: Names) {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .names = names;
    }

    /// A term of leadership begins: what is told from now on has later names than all that was told before, here or elsewhere.
    pub fn begin_term(&self, now: Timestamp) {
        let now = u64::try_from(now.as_micros()).unwrap_or(0);
        let before_first = now.saturating_sub(self.newest());
        self.term.store(before_first, Ordering::Relaxed);
    }

    /// What names of transitions count from, if a term has begun.
    pub(crate) fn before_first(&self) -> Option<u64> {
        let before_first = self.term.load(Ordering::Relaxed);
        (before_first > 0).then_some(before_first)
    }

    /// What was seen of a file event in the last look, and when; `None` if nothing was looked for in this process.
    #[must_use]
    pub fn sight(&self, event: FileEventId) -> Option<(Timestamp, Sight)> {
        let sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        sights.get(&event).cloned()
    }

    /// The number of the newest transition; 0 before there is one.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Why the store does not answer; `None` while it does.
    #[must_use]
    pub fn store_trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// The commit that is under way.
    #[must_use]
    pub const fn commits(&self) -> &Commits {
        &self.commits
    }

    /// What comes after a number: at most `limit` transitions; waits until there is one.
    pub async fn after(&self, number: u64, limit: usize) -> Heard {
        let mut newest = self.newest.subscribe();
        loop {
            newest.borrow_and_update();
            if let Some(heard) = self.read(number, limit) {
                return heard;
            }
            if newest.changed().await.is_err() {
                // The sender lives as long as we do; this cannot end.
                std::future::pending::<()>().await;
            }
        }
    }

    fn read(&self, number: u64, limit: usize) -> Option<Heard> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        // A number of an earlier process is ahead of ours.
        let oldest = record
            .events
            .front()
            .map_or(record.newest + 1, |event| event.number);
        if number > record.newest || number + 1 < oldest {
            return Some(Heard::Gap(record.newest));
        }
        let skip = usize::try_from(number + 1 - oldest).unwrap_or(usize::MAX);
        let events: Vec<_> = record
            .events
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect();
        (!events.is_empty()).then_some(Heard::Events(events))
    }
}

impl Record {
    fn push(&mut self, at: Timestamp, execution: ExecutionId, what: Moved) {
        self.newest += 1;
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(LiveEvent {
            number: self.newest,
            at,
            execution,
            what,
        });
    }

    fn take(&mut self, now: Timestamp, change: &Change) {
        match change {
            // Only the version that they are pinned to has changed.
            Change::JobRun { from, row } if *from == Some(row.state) => {}
            Change::FlowRun { from, row } if *from == Some(row.state) => {}
            Change::JobRun { from, row } => {
                let (flow, job) = self.names.job(row.job);
                let what = Moved::JobRun {
                    job_run: row.id,
                    flow: flow.to_owned(),
                    job: job.to_owned(),
                    attempt: row.attempt,
                    from: *from,
                    to: row.state,
                    exit_code: row.exit_code,
                };
                self.push(now, row.execution, what);
            }
            Change::FlowRun { from, row } => {
                let flow = self.names.flow(row.flow).to_owned();
                let what = Moved::FlowRun {
                    flow_run: row.id,
                    flow,
                    from: *from,
                    to: row.state,
                };
                self.push(now, row.execution, what);
            }
            Change::Execution(row) => self.push(now, row.id, Moved::Execution { to: row.state }),
            _ => {}
        }
    }
}

impl Observer for Live {
    fn committing(&self, changes: &[Change]) {
        self.commits.begin(changes.len());
    }

    fn committed(&self, now: Timestamp, changes: &[Change]) {
        self.commits.end();
        let newest = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.names.note(changes);
            for change in changes {
                record.take(now, change);
            }
            record.newest
        };
        self.newest.send_replace(newest);
    }

    fn refused(&self, rejected: &Rejected) {
        tracing::warn!(%rejected, "report of an executor refused");
    }

    fn looked(&self, now: Timestamp, event: FileEventId, sight: &Sight) {
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sights.insert(event, (now, sight.clone()));
        let before = before.and_then(|(_, sight)| sight.trouble);
        match (&sight.trouble, before) {
            (Some(trouble), None) => {
                tracing::warn!(%event, trouble, "files cannot be looked for; trying again");
            }
            (None, Some(_)) => tracing::info!(%event, "files can be looked for again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        let before = self.trouble.send_replace(error.map(with_causes));
        match (error, before) {
            (Some(error), _) => tracing::error!(
                error = with_causes(error),
                "the store does not answer; trying again"
            ),
            (None, Some(_)) => tracing::info!("the store answers again"),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(execution: u64) -> (ExecutionId, Moved) {
        (
            ExecutionId(execution),
            Moved::Execution {
                to: ExecutionState::Running,
            },
        )
    }

    fn record(live: &Live, count: u64) {
        let mut record = live.record.lock().unwrap();
        for number in 0..count {
            let (execution, what) = moved(number);
            record.push(Timestamp::from_micros(0), execution, what);
        }
    }

    #[tokio::test]
    async fn a_reader_goes_on_where_it_stopped() {
        let live = Live::new(Names::default());
        record(&live, 5);
        let Heard::Events(events) = live.after(0, 2).await else {
            panic!("events")
        };
        assert_eq!(
            events.iter().map(|event| event.number).collect::<Vec<_>>(),
            [1, 2]
        );
        let Heard::Events(events) = live.after(2, 10).await else {
            panic!("events")
        };
        assert_eq!(
            events.iter().map(|event| event.number).collect::<Vec<_>>(),
            [3, 4, 5]
        );
    }

    #[tokio::test]
    async fn a_reader_who_is_too_late_or_from_another_life_is_told_of_the_gap() {
        let live = Live::new(Names::default());
        record(&live, KEPT as u64 + 10);
        let newest = KEPT as u64 + 10;
        assert_eq!(live.after(3, 1).await, Heard::Gap(newest));
        assert_eq!(live.after(newest + 1, 1).await, Heard::Gap(newest));
        assert!(matches!(live.after(10, 1).await, Heard::Events(_)));
    }
}
