//! What can go wrong without a disk or a network.

use hcndc_core::{
    id::{FlowId, FlowRunId, JobId, JobRunId},
    port::{ErrorKind, Fence, PortError},
};

/// Why the store in memory refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemError {
    /// Someone else leads, or nobody does.
    #[error("fence {} is not in force, the newest is {}", given.0, newest.0)]
    Fenced {
        /// The one that the caller came with.
        given: Fence,
        /// The newest that was acquired; 0 if none was.
        newest: Fence,
    },
    /// A flow run is pinned to a version that was never stored.
    #[error("a flow run needs version {version} of flow {flow}, which is not stored")]
    MissingFlow {
        /// The flow.
        flow: FlowId,
        /// Its version.
        version: u32,
    },
    /// A job run is pinned to a version that was never stored.
    #[error("a job run needs version {version} of job {job}, which is not stored")]
    MissingJob {
        /// The job.
        job: JobId,
        /// Its version.
        version: u32,
    },
    /// A job run belongs to a flow run that was never stored.
    #[error("job run {job_run} belongs to flow run {flow_run}, which is not stored")]
    MissingFlowRun {
        /// The job run.
        job_run: JobRunId,
        /// The flow run.
        flow_run: FlowRunId,
    },
    /// The cursor belongs to a list that is sorted otherwise.
    #[error("the cursor belongs to a list of another sort")]
    ForeignCursor,
}

impl PortError for MemError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Fenced { .. } => ErrorKind::Fenced,
            Self::MissingFlow { .. } | Self::MissingJob { .. } | Self::MissingFlowRun { .. } => {
                ErrorKind::Corrupt
            }
            Self::ForeignCursor => ErrorKind::Invalid,
        }
    }
}
