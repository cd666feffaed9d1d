//! Edits: changes to definitions, checked as a whole before any of them applies.
//!
//! A draft is a definition as people write it: it may name other things by id or by name, also
//! things that the same batch of edits makes. Applying gives ids, versions and times.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use core::time::Duration;

use super::{Condition, Param, Retry};
use crate::id::{ExecutorId, FlowId, JobId, PoolId};

/// Bytes of a text that becomes an argument or a variable of a program: Linux takes 128 KiB for one (`MAX_ARG_STRLEN`,
/// execve(2)), names and quotes included.
pub const LONGEST_TEXT: usize = 120_000;

/// Dependencies of a job on jobs of other flows or on other data dates, at most.
pub const MOST_OUTSIDE_DEPENDENCIES: usize = 64;

/// One change to the definitions. A batch applies entirely or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Edit {
    /// Makes a flow (no id), or replaces one (with id).
    PutFlow(FlowDraft),
    /// Deletes a flow and its jobs; refused while a flow or a job outside of it needs it.
    DeleteFlow {
        /// Which.
        flow: FlowId,
        /// Refused unless this is its version; `None` deletes any.
        version: Option<u32>,
    },
    /// Makes a job, or replaces one.
    PutJob(JobDraft),
    /// Deletes a job; refused while another job depends on it.
    DeleteJob {
        /// Which.
        job: JobId,
        /// Refused unless this is its version; `None` deletes any.
        version: Option<u32>,
    },
    /// Makes an executor, or replaces one.
    PutExecutor(ExecutorDraft),
    /// Deletes an executor; refused while a job names it or an attempt lives on it.
    DeleteExecutor {
        /// Which.
        executor: ExecutorId,
        /// Refused unless this is its version; `None` deletes any.
        version: Option<u32>,
    },
}

/// A flow, by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FlowRef {
    /// By id.
    Id(FlowId),
    /// By name.
    Name(String),
}

/// A job, by id or by the names of its flow and itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum JobRef {
    /// By id.
    Id(JobId),
    /// By name.
    Name {
        /// Its flow's name.
        flow: String,
        /// Its own name.
        job: String,
    },
}

/// An executor, by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ExecutorRef {
    /// By id.
    Id(ExecutorId),
    /// By name.
    Name(String),
}

/// A pool, by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum PoolRef {
    /// By id.
    Id(PoolId),
    /// By name.
    Name(String),
}

/// A [`Flow`](super::Flow) as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Flow")]
pub struct FlowDraft {
    /// `None` makes a new one.
    pub id: Option<FlowId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub owner: String,
    pub enabled: bool,
    pub priority: i32,
    pub parents: Vec<FlowRef>,
    pub params: Vec<Param>,
    pub env: BTreeMap<String, String>,
    pub workdir: String,
    pub max_runs: Option<u32>,
    pub timeout: Option<Duration>,
    pub restart_retries: u32,
    pub restart_delay: Duration,
}

impl FlowDraft {
    /// A new enabled flow of this name, with nothing else set.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            owner: String::new(),
            enabled: true,
            priority: 0,
            parents: Vec::new(),
            params: Vec::new(),
            env: BTreeMap::new(),
            workdir: String::new(),
            max_runs: None,
            timeout: None,
            restart_retries: 0,
            restart_delay: Duration::ZERO,
        }
    }
}

/// A [`Dependency`](super::Dependency) as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DependencyDraft {
    /// The job waited for.
    pub job: JobRef,
    /// The end that it must come to.
    pub condition: Condition,
    /// The data date that is asked for, counted in days from the run's own.
    pub offset_days: i32,
    /// How long the run waits for a job that is not a part of its execution.
    pub wait_limit: Option<Duration>,
}

impl DependencyDraft {
    /// A dependency on this job's run for the same data date.
    #[must_use]
    pub const fn new(job: JobRef, condition: Condition) -> Self {
        Self {
            job,
            condition,
            offset_days: 0,
            wait_limit: None,
        }
    }
}

/// A [`Placement`](super::Placement) as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum PlacementDraft {
    /// On any executor.
    #[default]
    Any,
    /// On this one.
    Executor(ExecutorRef),
    /// On any executor with all of these labels.
    Labels(BTreeMap<String, String>),
}

/// A [`Job`](super::Job) as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Job")]
pub struct JobDraft {
    /// `None` makes a new one.
    pub id: Option<JobId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    /// A job cannot move to another flow.
    pub flow: FlowRef,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub priority: i32,
    pub dependencies: Vec<DependencyDraft>,
    pub placement: PlacementDraft,
    pub slots: u32,
    pub command: String,
    pub params: Vec<Param>,
    pub env: BTreeMap<String, String>,
    pub workdir: String,
    /// Empty means `[0]`.
    pub success_codes: Vec<u8>,
    pub retry: Retry,
    pub timeout: Option<Duration>,
    pub pool: Option<PoolRef>,
    pub pool_slots: u32,
    pub expected: Option<Duration>,
}

impl JobDraft {
    /// A new enabled job of this flow, name and command, with nothing else set.
    #[must_use]
    pub fn new(flow: FlowRef, name: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            id: None,
            version: None,
            flow,
            name: name.into(),
            description: String::new(),
            enabled: true,
            priority: 0,
            dependencies: Vec::new(),
            placement: PlacementDraft::Any,
            slots: 1,
            command: command.into(),
            params: Vec::new(),
            env: BTreeMap::new(),
            workdir: String::new(),
            success_codes: vec![0],
            retry: Retry::default(),
            timeout: None,
            pool: None,
            pool_slots: 1,
            expected: None,
        }
    }
}

/// An [`Executor`](super::Executor) as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Executor")]
pub struct ExecutorDraft {
    /// `None` makes a new one.
    pub id: Option<ExecutorId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub description: String,
    pub address: String,
    pub labels: BTreeMap<String, String>,
    pub slots: u32,
    pub enabled: bool,
}

impl ExecutorDraft {
    /// A new enabled executor of this name, address and number of slots.
    #[must_use]
    pub fn new(name: impl Into<String>, address: impl Into<String>, slots: u32) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            description: String::new(),
            address: address.into(),
            labels: BTreeMap::new(),
            slots,
            enabled: true,
        }
    }
}

/// What a fault is about, by the names that its author used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
#[expect(missing_docs, reason = "names are names")]
pub enum Subject {
    Flow {
        name: String,
    },
    Job {
        flow: String,
        name: String,
    },
    Executor {
        name: String,
    },
    /// No single definition: a cycle.
    Mesh,
}

/// One thing that is wrong with a batch of edits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fault {
    /// Position of the edit in its batch, from 0; `None` for faults of the whole.
    pub edit: Option<usize>,
    /// Which definition.
    pub subject: Subject,
    /// Its field, as the draft calls it; empty for the whole definition.
    pub field: String,
    /// What is wrong.
    pub error: DefinitionError,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.subject {
            Subject::Flow { name } => write!(f, "flow {name:?}")?,
            Subject::Job { flow, name } => write!(f, "job {flow:?}/{name:?}")?,
            Subject::Executor { name } => write!(f, "executor {name:?}")?,
            Subject::Mesh => f.write_str("mesh")?,
        }
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.error)
    }
}

/// What can be wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "code"))]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum DefinitionError {
    #[error("no such {what}: {name:?}")]
    Unknown { what: String, name: String },
    #[error("the name is taken")]
    NameTaken,
    #[error("executor {by:?} has this address")]
    AddressTaken { by: String },
    #[error(
        "a name has 1 to 255 characters, no control characters, no outer spaces, and for flows no '/'"
    )]
    BadName,
    #[error("{value} is outside of {min} to {max}")]
    OutOfRange { value: i64, min: i64, max: i64 },
    #[error("must not be empty")]
    Empty,
    #[error("{value:?} occurs twice")]
    Duplicate { value: String },
    #[error("{value:?} is no valid name of a param or environment variable")]
    BadKey { value: String },
    #[error("has {length} bytes; the system passes no text of more than {max} to a program")]
    TooLong { length: usize, max: usize },
    #[error("holds a NUL character, which no command line, path or environment can")]
    Nul,
    #[error("a directory is a slash path such as /finance/daily")]
    BadDirectory,
    #[error("version {given} was given, but it is at version {current}: someone else changed it")]
    Stale { given: u32, current: u32 },
    #[error("has {count} of them, {max} may be")]
    TooMany { count: usize, max: usize },
    #[error("a job cannot move to another flow")]
    FlowChanged,
    #[error("still needed by {}", users.join(", "))]
    InUse { users: Vec<String> },
    #[error("cycle: {}", path.join(" → "))]
    Cycle { path: Vec<String> },
}
