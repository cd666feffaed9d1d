//! The read side: lists that people and programs page through.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use core::time::Duration;

use async_trait::async_trait;

use super::PortError;
use crate::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillDateState, BackfillRow,
        BackfillState, ExecutionRow, ExecutionState, FiringRow, FlowRunRow, FlowRunState,
        JobOutputs, JobRunRow, JobRunState, ScheduleCursor, StartKeyRow,
    },
    id::{
        AlertId, AlertRuleId, AttemptId, BackfillId, ExecutionId, FlowId, FlowRunId, JobId,
        JobRunId, ScheduleId,
    },
    model::{AlertEvent, Definition, DefinitionId, DefinitionKind, Executor, Flow, Job},
    time::{DataDate, Timestamp},
};

/// Which page: what comes after a place, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The place; `None` for the start.
    pub after: Option<Cursor>,
    /// At most so many items, 1 to 1,000; others are brought into that range.
    pub limit: u32,
    /// Which way.
    pub direction: Direction,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            after: None,
            limit: 100,
            direction: Direction::Ascending,
        }
    }
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// A place in a sorted list: the sort key and the id of an item, which need not exist any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The item's sort key.
    pub value: CursorValue,
    /// The item's id, which decides among equal keys.
    pub id: u64,
}

/// A sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorValue {
    /// The list is sorted by id alone.
    Id,
    /// A name, compared byte by byte.
    Text(String),
    /// A time in microseconds.
    Micros(i64),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items, sorted.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<Cursor>,
}

/// How a list of definitions is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamedSort {
    /// By id, which is by creation.
    #[default]
    Id,
    /// By name, byte by byte.
    Name,
    /// By the time of the last edit.
    UpdatedAt,
}

/// Which flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowQuery {
    /// Name or description holds this, whatever the case of ASCII letters; empty for all.
    pub text: String,
    /// Directory is this or below it; empty for all.
    pub directory: String,
    /// Only enabled, or only others.
    pub enabled: Option<bool>,
    /// Sorted by.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// As for flows.
    pub text: String,
    /// Only of this flow.
    pub flow: Option<FlowId>,
    /// Only enabled, or only others.
    pub enabled: Option<bool>,
    /// Sorted by.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

/// Which executors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutorQuery {
    /// As for flows.
    pub text: String,
    /// Only enabled, or only others.
    pub enabled: Option<bool>,
    /// Sorted by.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

/// Which definitions of a kind that has no list of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionQuery {
    /// Of this kind. Flows, jobs and executors are not found so: they have lists of their own.
    pub kind: DefinitionKind,
    /// As for flows.
    pub text: String,
    /// As for flows.
    pub directory: String,
    /// Sorted by.
    pub sort: NamedSort,
    /// Which page.
    pub page: PageRequest,
}

impl DefinitionQuery {
    /// All of a kind, by id.
    #[must_use]
    pub fn all(kind: DefinitionKind) -> Self {
        Self {
            kind,
            text: String::new(),
            directory: String::new(),
            sort: NamedSort::default(),
            page: PageRequest::default(),
        }
    }
}

/// Which executions; sorted by id, which is by start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionQuery {
    /// In one of these states; empty for all.
    pub states: Vec<ExecutionState>,
    /// That this flow takes part in.
    pub flow: Option<FlowId>,
    /// For this date or later.
    pub data_date_from: Option<DataDate>,
    /// For this date or earlier.
    pub data_date_to: Option<DataDate>,
    /// That belong to this schedule.
    pub schedule: Option<ScheduleId>,
    /// That are dates of this backfill.
    pub backfill: Option<BackfillId>,
    /// Which page.
    pub page: PageRequest,
}

/// Which job runs; sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRunQuery {
    /// Of this execution.
    pub execution: Option<ExecutionId>,
    /// Of this flow run.
    pub flow_run: Option<FlowRunId>,
    /// Of this job.
    pub job: Option<JobId>,
    /// In one of these states; empty for all.
    pub states: Vec<JobRunState>,
    /// Which page.
    pub page: PageRequest,
}

/// What people did to executions; sorted by id, which is by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionQuery {
    /// To this execution, or to job runs of it.
    pub execution: Option<ExecutionId>,
    /// To this job run.
    pub job_run: Option<JobRunId>,
    /// Which page.
    pub page: PageRequest,
}

/// Which backfills; sorted by id, which is by start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillQuery {
    /// In one of these states; empty for all.
    pub states: Vec<BackfillState>,
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Which page.
    pub page: PageRequest,
}

/// Which firings; sorted by id, which is by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiringQuery {
    /// Of this schedule.
    pub schedule: Option<ScheduleId>,
    /// Only those that started an execution, or only others.
    pub started: Option<bool>,
    /// Which page.
    pub page: PageRequest,
}

/// Which alerts; sorted by id, which is by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// One of these; any for an empty list.
    pub ids: Vec<AlertId>,
    /// Of this schedule.
    pub schedule: Option<ScheduleId>,
    /// About this execution.
    pub execution: Option<ExecutionId>,
    /// That this rule asked for.
    pub rule: Option<AlertRuleId>,
    /// That tell of one of these; of any for an empty list.
    pub events: Vec<AlertEvent>,
    /// Only those that somebody has acknowledged, or only others.
    pub acknowledged: Option<bool>,
    /// Only those that nobody was told of and that still may be, or only others.
    pub waiting: Option<bool>,
    /// Which page.
    pub page: PageRequest,
}

/// Of which flows, and for which dates, the latest runs are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestRunQuery {
    /// Of these flows; none for an empty list.
    pub flows: Vec<FlowId>,
    /// For this date and later ones.
    pub from: DataDate,
    /// For this date and earlier ones. What it costs grows with what ran for these dates.
    pub to: DataDate,
}

/// Which runs of a flow; sorted by execution, which is by start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRunQuery {
    /// Of this flow.
    pub flow: FlowId,
    /// Which page.
    pub page: PageRequest,
}

/// Which executions are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyQuery {
    /// Started at this time or later.
    pub from: Timestamp,
    /// Started before this time. What it costs grows with what was started in between, not with what is stored.
    pub to: Timestamp,
    /// Which durations of those that succeeded are told: 50 for the one in the middle, 95 for one that no more than a
    /// twentieth is longer than; 1 to 100, others are brought into that range.
    pub percentiles: Vec<u8>,
}

impl TallyQuery {
    /// Which of so many durations, sorted, a percentile is, by nearest rank: counted from 0.
    #[must_use]
    pub fn rank(percentile: u8, count: u64) -> u64 {
        let share = u64::from(percentile.clamp(1, 100));
        (count * share).div_ceil(100).saturating_sub(1)
    }
}

/// A flow, and the last date that it succeeded for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowView {
    /// The flow.
    pub flow: Arc<Flow>,
    /// Its data date.
    pub data_date: Option<DataDate>,
}

/// A job, and its flow's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub job: Arc<Job>,
    /// Its flow's name.
    pub flow_name: String,
}

/// An execution, what takes part in it, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionView {
    /// The execution.
    pub row: ExecutionRow,
    /// Its flows, by flow run, with the names that they had.
    pub flows: Vec<(FlowId, String)>,
    /// Job runs by state; states with none are left out.
    pub job_runs: BTreeMap<JobRunState, u64>,
}

/// A flow run, its flow's name and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRunView {
    /// The flow run.
    pub row: FlowRunRow,
    /// The name that its flow had.
    pub flow_name: String,
    /// Job runs by state; states with none are left out.
    pub job_runs: BTreeMap<JobRunState, u64>,
}

/// How a flow last went for a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestRun {
    /// Which flow.
    pub flow: FlowId,
    /// The date.
    pub data_date: DataDate,
    /// The latest execution with that date.
    pub execution: ExecutionId,
    /// The state of the flow's run in it.
    pub state: FlowRunState,
    /// Executions with that date in which the flow took part, this one among them.
    pub executions: u64,
}

/// A run of a flow, and what of its execution tells how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// The flow run.
    pub row: FlowRunRow,
    /// The date that it is for.
    pub data_date: DataDate,
    /// When its execution was started: until its own start it waited.
    pub execution_started_at: Timestamp,
}

/// How executions went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Executions by state; states with none are left out.
    pub states: BTreeMap<ExecutionState, u64>,
    /// When the last of them that have ended did so.
    pub last_end: Option<Timestamp>,
    /// How long those that succeeded took from their starts to their ends: for each percentile that was asked for, in
    /// that order, by nearest rank. Empty if none has succeeded.
    pub durations: Vec<Duration>,
}

/// A job run with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRunView {
    /// The job run.
    pub row: JobRunRow,
    /// Its flow.
    pub flow: FlowId,
    /// The name that its flow had.
    pub flow_name: String,
    /// The name that its job had.
    pub job_name: String,
}

/// What failed first in an execution: of the job runs that failed or were killed that with the smallest id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstFailure {
    /// The job run.
    pub run: JobRunView,
    /// Its last attempt; `None` if none was made.
    pub attempt: Option<AttemptRow>,
}

/// A backfill, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillView {
    /// The backfill.
    pub row: BackfillRow,
    /// Its dates by state; states with none are left out.
    pub dates: BTreeMap<BackfillDateState, u64>,
}

/// Reads what is stored. Needs no lease.
///
/// # Contract
/// 1. A read that starts after a commit returned sees what it stored.
/// 2. Pages are sorted as asked, ties by id the same way; walking `next` to the end gives every item that was there all
///    the while exactly once.
/// 3. Filters combine with "and"; a filter that matches nothing gives an empty page without `next`.
/// 4. A text filter takes `%`, `_`, `\` and quotes as themselves.
/// 5. Deleted definitions are not listed; runs of them keep the names that they had.
/// 6. A cursor from a list of another sort is refused as `Invalid`.
#[async_trait]
pub trait History: Send + Sync {
    /// The adapter's error.
    type Error: PortError;

    /// Flows.
    async fn flows(&self, query: &FlowQuery) -> Result<Page<FlowView>, Self::Error>;

    /// One flow.
    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, Self::Error>;

    /// Jobs.
    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, Self::Error>;

    /// One job.
    async fn job(&self, job: JobId) -> Result<Option<JobView>, Self::Error>;

    /// Executors.
    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, Self::Error>;

    /// Definitions of another kind.
    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, Self::Error>;

    /// One definition of another kind; `None` for flows, jobs and executors.
    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Self::Error>;

    /// Executions.
    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, Self::Error>;

    /// Flows and data dates of the executions that such a page has: far cheaper than the page, for nothing is counted.
    async fn flow_dates(
        &self,
        query: &ExecutionQuery,
    ) -> Result<BTreeSet<(FlowId, DataDate)>, Self::Error>;

    /// What was asked for under this key, the latest if there are several.
    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, Self::Error>;

    /// One execution.
    async fn execution(&self, execution: ExecutionId)
    -> Result<Option<ExecutionView>, Self::Error>;

    /// All flow runs of an execution, by id; empty for an unknown one.
    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, Self::Error>;

    /// The latest run of each of some flows for each date of a range, by flow and date; dates without any are left out.
    async fn latest_runs(&self, query: &LatestRunQuery) -> Result<Vec<LatestRun>, Self::Error>;

    /// Runs of a flow.
    async fn past_runs(&self, query: &PastRunQuery) -> Result<Page<PastRun>, Self::Error>;

    /// How the executions went that were started in a time.
    async fn tally(&self, query: &TallyQuery) -> Result<Tally, Self::Error>;

    /// Job runs.
    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, Self::Error>;

    /// One job run.
    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, Self::Error>;

    /// What failed first in each of these executions, by execution; those in which no job run failed or was killed are left out.
    async fn first_failures(
        &self,
        executions: &[ExecutionId],
    ) -> Result<Vec<FirstFailure>, Self::Error>;

    /// All attempts of a job run, by number; empty for an unknown one.
    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, Self::Error>;

    /// One attempt.
    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, Self::Error>;

    /// What a job run has put out; `None` if that is nothing.
    async fn outputs(&self, job_run: JobRunId) -> Result<Option<JobOutputs>, Self::Error>;

    /// What people did to executions.
    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, Self::Error>;

    /// Firings.
    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, Self::Error>;

    /// How far a schedule has used its times; `None` for an unknown one.
    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, Self::Error>;

    /// Alerts.
    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, Self::Error>;

    /// Backfills.
    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, Self::Error>;

    /// One backfill.
    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, Self::Error>;

    /// All dates of a backfill, in their order; empty for an unknown one.
    async fn backfill_dates(
        &self,
        backfill: BackfillId,
    ) -> Result<Vec<BackfillDateRow>, Self::Error>;
}
