//! Why an input was refused. A refused input has changed nothing.

use alloc::{string::String, vec::Vec};

use super::state::{BackfillState, ExecutionState, JobRunState};
use crate::{
    id::{
        AlertId, BackfillId, ExecutionId, ExecutorId, FileEventId, FlowId, FlowRunId, JobId,
        JobRunId, ScheduleId,
    },
    model::Fault,
    time::DataDate,
};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Rejected {
    #[error("{} fault(s) in the edit; the first: {}", faults.len(), faults.first().map(alloc::string::ToString::to_string).unwrap_or_default())]
    Definition { faults: Vec<Fault> },
    #[error("no flow has the id {flow}")]
    UnknownFlow { flow: FlowId },
    #[error("flow {flow} is not enabled")]
    FlowDisabled { flow: FlowId },
    #[error("no flow was named")]
    NoFlows,
    #[error("no job has the id {job}")]
    UnknownJob { job: JobId },
    #[error("no job was named")]
    NoJobs,
    #[error("execution {execution} is not known")]
    UnknownExecution { execution: ExecutionId },
    #[error("execution {execution} is {state}, which does not allow this")]
    WrongState {
        execution: ExecutionId,
        state: ExecutionState,
    },
    #[error("execution {execution} does not fit its own rows")]
    BadSnapshot { execution: ExecutionId },
    #[error("job run {job_run} is not part of the execution")]
    UnknownJobRun { job_run: JobRunId },
    #[error("no job run was named")]
    NoJobRuns,
    #[error("job run {job_run} is {state}, which does not allow this")]
    WrongJobRunState {
        job_run: JobRunId,
        state: JobRunState,
    },
    #[error("job run {job_run} shares the end of flow run {joined_to}: settle it there")]
    JoinedRun {
        job_run: JobRunId,
        joined_to: FlowRunId,
    },
    #[error("no backfill has the id {backfill}, or it has succeeded")]
    UnknownBackfill { backfill: BackfillId },
    #[error("backfill {backfill} is {state}, which does not allow this")]
    WrongBackfillState {
        backfill: BackfillId,
        state: BackfillState,
    },
    #[error("from {from} to {to} is no range of at most {most} dates")]
    BackfillRange {
        from: DataDate,
        to: DataDate,
        most: u32,
    },
    #[error("{parallel} dates at once is not in 1..={most}")]
    BackfillParallel { parallel: u32, most: u32 },
    #[error("no schedule has the id {schedule}")]
    UnknownSchedule { schedule: ScheduleId },
    #[error("no alert has the id {alert}")]
    UnknownAlert { alert: AlertId },
    #[error("what is stored of alert {alert}, or of others that were named, cannot be read")]
    UnreadableAlert { alert: AlertId },
    #[error("no file event has the id {event}")]
    UnknownFileEvent { event: FileEventId },
    #[error("the key of a file has 1 to 255 characters")]
    BadFileKey,
    #[error("no executor has the id {executor}")]
    UnknownExecutor { executor: ExecutorId },
    #[error(
        "job {job} depends on {depends_on}, which is newer than the execution and not part of it; start a new execution, or remove the dependency"
    )]
    NewerDependency { job: String, depends_on: String },
}
