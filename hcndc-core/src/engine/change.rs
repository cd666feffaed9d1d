//! What became so, and must be stored: rows, each complete, so that storing one twice does no harm.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::time::Duration;

use super::{
    action::ActionRow,
    alert::AlertRow,
    backfill::{BackfillDateRow, BackfillRow, BackfillSnapshot},
    schedule::{FileKeyRow, FiringRow, ScheduleCursor},
    state::{AttemptState, ExecutionState, FlowRunState, JobRunState},
};
use crate::{
    id::{
        AttemptId, BackfillId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId,
        ScheduleId,
    },
    model::{Definition, DefinitionId, Executor, Flow, Job, Param},
    time::{DataDate, DateFormat, Timestamp},
};

/// One row that became so. In a list of them a later change of the same row wins.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new version of a flow. Older versions stay readable for the executions that are pinned to them.
    FlowPut(Arc<Flow>),
    /// A flow is no more; its versions stay, for history.
    FlowDeleted(FlowId),
    /// A flow's data date moved on (R3).
    FlowDataDate {
        /// Which.
        flow: FlowId,
        /// The last date that succeeded.
        data_date: DataDate,
    },
    /// A flow has succeeded for all dates from one to another, or there is no such range any more.
    FlowDates {
        /// Which.
        flow: FlowId,
        /// The first date; with the flow it is the key.
        from: DataDate,
        /// The last date; `None` if the range is gone, with its flow or into another range.
        to: Option<DataDate>,
    },
    /// Where a job stood when the last run of its flow for a date ended without success.
    JobOutcome {
        /// Which.
        job: JobId,
        /// The date; with the job it is the key.
        data_date: DataDate,
        /// Where it stood; `None` if that is not kept any more.
        state: Option<JobRunState>,
    },
    /// A new version of a job.
    JobPut(Arc<Job>),
    /// A job is no more; its versions stay.
    JobDeleted(JobId),
    /// A new version of an executor.
    ExecutorPut(Arc<Executor>),
    /// An executor is no more.
    ExecutorDeleted(ExecutorId),
    /// A new version of a definition of another kind. Older ones need not be kept.
    DefinitionPut(Definition),
    /// A definition of any kind is no more.
    DefinitionDeleted(DefinitionId),
    /// An execution is new or changed.
    Execution(ExecutionRow),
    /// A flow run is new or changed. It has moved only if `from` differs from the row's state.
    FlowRun {
        /// Its state before; `None` if it is new; the row's own if only the row changed, as when a resume pins it to
        /// another version.
        from: Option<FlowRunState>,
        /// The row.
        row: FlowRunRow,
    },
    /// A job run is new or changed. It has moved only if `from` differs from the row's state: whoever counts or shows
    /// moves leaves out the others.
    JobRun {
        /// Its state before; `None` if it is new; the row's own if only the row changed, as when a resume pins it to
        /// another version.
        from: Option<JobRunState>,
        /// The row.
        row: JobRunRow,
    },
    /// An attempt is new or changed.
    Attempt(AttemptRow),
    /// A job run has other outputs: all that it had before are gone.
    Outputs(JobOutputs),
    /// A person did something to an execution (R10). Never changes again.
    Action(ActionRow),
    /// A backfill is new or changed.
    Backfill(BackfillRow),
    /// A date of a backfill is new or changed.
    BackfillDate(BackfillDateRow),
    /// A schedule has used times or dates. Goes with its schedule.
    ScheduleCursor(ScheduleCursor),
    /// A firing is new or changed.
    Firing(FiringRow),
    /// A file came. Goes with its file event.
    FileKey(FileKeyRow),
    /// An alert is new or changed.
    Alert(AlertRow),
    /// An execution or a backfill was asked for under a key. Never changes again, and goes with what was started; no engine
    /// needs it.
    StartKey(StartKeyRow),
}

/// What was started because somebody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Started {
    Execution(ExecutionId),
    Backfill(BackfillId),
}

/// Under which key something was asked for, so that a request that comes again starts nothing again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StartKeyRow {
    /// What was started.
    pub started: Started,
    /// The key, of 255 characters at most.
    pub key: String,
    /// Of the request that came under the key: another one has another.
    pub print: u64,
}

/// An execution as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExecutionRow {
    /// Key.
    pub id: ExecutionId,
    /// Where it stands.
    pub state: ExecutionState,
    /// What started it.
    pub trigger: TriggerKind,
    /// The schedule that it belongs to; also when a person had the schedule run at once.
    pub schedule: Option<ScheduleId>,
    /// The fire time that it stands for; of a file or a date, when that came. `None` if no firing started it.
    pub fire_time: Option<Timestamp>,
    /// The backfill that it is a date of.
    pub backfill: Option<BackfillId>,
    /// The date that it is for.
    pub data_date: DataDate,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub date_format: Option<DateFormat>,
    /// Values that go before the flows' and jobs' own.
    pub params: Vec<Param>,
    /// Who started it.
    pub started_by: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it did; gone again after a resume.
    pub ended_at: Option<Timestamp>,
    /// Who asked to stop it, while it stops and after.
    pub stopped_by: Option<String>,
    /// Who paused it, while it is paused.
    pub paused_by: Option<String>,
    /// Who last made it go on after an end: resumed, reran or reset it, or settled a job run of it.
    pub resumed_by: Option<String>,
    /// How often it went on after an end.
    pub resumes: u32,
    /// Whether its start asked for some jobs only. Then it moves no data date, and waits for nothing outside of it.
    pub partial: bool,
}

/// What started an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum TriggerKind {
    /// A person or a program, by hand.
    Manual,
    /// A schedule, at one of its times.
    Schedule,
    /// A schedule, because a file came.
    File,
    /// A schedule, because flows reached a date.
    DataDate,
    /// A backfill, for one of its dates.
    Backfill,
    /// A delivery to a webhook.
    Webhook,
}

impl TriggerKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Manual,
        Self::Schedule,
        Self::File,
        Self::DataDate,
        Self::Backfill,
        Self::Webhook,
    ];

    /// The name that stores, the API and the pages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
            Self::File => "file",
            Self::DataDate => "data_date",
            Self::Backfill => "backfill",
            Self::Webhook => "webhook",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether nobody asked for just this execution: then it waits for parents outside of it (R2), and its flow runs join
    /// others for their date (R5).
    #[must_use]
    pub const fn is_automatic(self) -> bool {
        match self {
            Self::Schedule | Self::File | Self::DataDate => true,
            Self::Manual | Self::Backfill | Self::Webhook => false,
        }
    }
}

/// A flow run as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FlowRunRow {
    /// Key.
    pub id: FlowRunId,
    /// Its execution.
    pub execution: ExecutionId,
    /// Its flow.
    pub flow: FlowId,
    /// The version of the flow that it is pinned to.
    pub flow_version: u32,
    /// Where it stands.
    pub state: FlowRunState,
    /// When it started, if it did.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// The flow run whose end it shares (R5); `None` if it has a run of its own, or if the flow had succeeded for its date
    /// before: then it has no start of its own either.
    pub joined_to: Option<FlowRunId>,
    /// How often what had failed of it ran again by itself, since it was taken up last.
    #[cfg_attr(feature = "serde", serde(default))]
    pub restarts: u32,
    /// When what has failed of it runs again; `None` unless it waits for that.
    #[cfg_attr(feature = "serde", serde(default))]
    pub restart_at: Option<Timestamp>,
    /// Whether it took longer than its flow's timeout, and was cut off.
    #[cfg_attr(feature = "serde", serde(default))]
    pub timed_out: bool,
}

/// A job run as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobRunRow {
    /// Key.
    pub id: JobRunId,
    /// Its execution.
    pub execution: ExecutionId,
    /// Its flow run.
    pub flow_run: FlowRunId,
    /// Its job.
    pub job: JobId,
    /// The version of the job that it is pinned to.
    pub job_version: u32,
    /// Where it stands.
    pub state: JobRunState,
    /// Number of the attempt that it is at: 0 before it is first queued. Grows over resumes too.
    pub attempt: u32,
    /// Attempts before the last resume or rerun: they do not count against the retries.
    pub attempts_before: u32,
    /// When it was last queued.
    pub queued_at: Option<Timestamp>,
    /// When its latest attempt's process started.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Exit code of the latest attempt that had one.
    pub exit_code: Option<i32>,
    /// In `retry_wait`: when the next attempt may start.
    pub retry_at: Option<Timestamp>,
    /// Whether the start of a partial execution left it out: it is skipped when its turn comes, as if it were not enabled. A
    /// rerun that names it takes it in.
    pub left_out: bool,
    /// Which of its dependencies on runs outside of its execution were seen to be met: the lowest bit stands for the first
    /// of them, in the order of its job's dependencies. What was met stays met until the job runs again.
    pub met_outside: u64,
}

/// An attempt as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AttemptRow {
    /// Key.
    pub id: AttemptId,
    /// Its execution.
    pub execution: ExecutionId,
    /// Its job run.
    pub job_run: JobRunId,
    /// Number in its job run, from 1.
    pub number: u32,
    /// Where it was sent.
    pub executor: ExecutorId,
    /// Slots that it takes there while it lives.
    pub slots: u32,
    /// Where it stands.
    pub state: AttemptState,
    /// Whether a kill was asked for.
    pub kill_asked: bool,
    /// When it was given to its executor.
    pub dispatched_at: Timestamp,
    /// When its process started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Process id, once known.
    pub pid: Option<u32>,
    /// Exit code, if it exited.
    pub exit_code: Option<i32>,
    /// Signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it was not started or was lost; the [`Mishap`] that a signal stands for, as its
    /// [text](Mishap::as_str); empty otherwise.
    pub message: String,
    /// Largest resident memory of one of its processes, or of all together where its host can count that, bytes; 0 if
    /// unknown.
    pub peak_memory_bytes: u64,
    /// Processor time in whole microseconds; zero if unknown.
    pub cpu_time: Duration,
    /// Bytes of output.
    pub log_bytes: u64,
}

/// What a job run has put out: the values of the attempt that brought it to its end last. Runs that never put out anything
/// have none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobOutputs {
    /// Its execution.
    pub execution: ExecutionId,
    /// Whose; the key.
    pub job_run: JobRunId,
    /// Number of the attempt.
    pub attempt: u32,
    /// Values by name; empty if that attempt put out none and an earlier one did.
    pub values: BTreeMap<String, String>,
}

impl AttemptRow {
    /// What is known beyond the signal that ended it.
    #[must_use]
    pub fn mishap(&self) -> Option<Mishap> {
        self.signal?;
        Mishap::find(&self.message)
    }
}

/// What a signal that ended an attempt stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The process left an image of its memory.
    CoreDumped,
    /// Memory was used up: that of the host, or as much as the job may have.
    OutOfMemory,
}

impl Mishap {
    /// Its text in rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CoreDumped => "core dumped",
            Self::OutOfMemory => "out of memory",
        }
    }

    /// The one of this text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        [Self::CoreDumped, Self::OutOfMemory]
            .into_iter()
            .find(|it| it.as_str() == text)
    }
}

/// All that an engine needs to go on where another stopped.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    /// The next id to give; 0 and 1 both mean that none was given.
    pub next_id: u64,
    /// Current flows, each with its data date, by id.
    pub flows: Vec<(Arc<Flow>, Option<DataDate>)>,
    /// Current jobs, by id.
    pub jobs: Vec<Arc<Job>>,
    /// Current executors, by id.
    pub executors: Vec<Arc<Executor>>,
    /// Current definitions of all other kinds, by kind and id.
    pub definitions: Vec<Definition>,
    /// Executions that have not ended, by id.
    pub executions: Vec<ExecutionSnapshot>,
    /// Dates for which flows succeeded, by flow and date.
    pub flow_dates: Vec<FlowDates>,
    /// Where jobs stood whose flows did not succeed, by job and date.
    pub job_outcomes: Vec<JobOutcome>,
    /// Backfills that have not succeeded, by id.
    pub backfills: Vec<BackfillSnapshot>,
    /// How far each schedule is, by schedule.
    pub cursors: Vec<ScheduleCursor>,
    /// Firings that are [open](FiringRow::is_open), and the latest of each schedule that there is; by id.
    pub firings: Vec<FiringRow>,
    /// Files that came, of file events that there are; by event and key.
    pub files: Vec<FileKeyRow>,
    /// Alerts that are [open](AlertRow::is_open), by id.
    pub alerts: Vec<AlertRow>,
}

/// A flow succeeded for each date of a range; no two ranges of one flow touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FlowDates {
    /// Which flow.
    pub flow: FlowId,
    /// The first date.
    pub from: DataDate,
    /// The last date.
    pub to: DataDate,
}

/// Where a job stood when the last run of its flow for a date ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobOutcome {
    /// Which job.
    pub job: JobId,
    /// The date.
    pub data_date: DataDate,
    /// Where it stood; `blocked` if its turn never came.
    pub state: JobRunState,
}

/// All that an engine needs of one execution.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExecutionSnapshot {
    /// The execution.
    pub row: ExecutionRow,
    /// Its flow runs with the versions that they are pinned to, by id.
    pub flow_runs: Vec<(FlowRunRow, Arc<Flow>)>,
    /// Its job runs with the versions that they are pinned to, by id.
    pub job_runs: Vec<(JobRunRow, Arc<Job>)>,
    /// Its attempts that have not ended, by id.
    pub attempts: Vec<AttemptRow>,
    /// What its job runs have put out, by job run; those without values may be left out.
    #[cfg_attr(feature = "serde", serde(default))]
    pub outputs: Vec<JobOutputs>,
}
