//! Edits: changes to definitions, checked as a whole before any of them applies.
//!
//! A draft is a definition as people write it: it may name other things by id or by name, also
//! things that the same batch of edits makes. Applying gives ids, versions and times.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec, vec::Vec};
use core::time::Duration;

use super::{
    AlertChannelDraft, AlertRuleDraft, CalendarDraft, CalendarRef, Condition, DataSourceDraft,
    DefinitionId, ExecutorRef, FileEventDraft, FileServerDraft, FlowRef, JobKindDraft,
    JobParamDraft, JobRef, Param, PoolDraft, PoolRef, Retry, ScheduleDraft, SharedParamDraft,
    WebhookDraft,
};
use crate::id::{ExecutorId, FlowId, JobId};

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
    /// Makes a definition of another kind, or replaces one.
    Put(DefinitionDraft),
    /// Deletes a definition of any kind; refused while another one needs it.
    Delete {
        /// Which.
        definition: DefinitionId,
        /// Refused unless this is its version; `None` deletes any.
        version: Option<u32>,
    },
}

impl Edit {
    /// What it replaces; `None` if it makes something new, or deletes.
    #[must_use]
    pub fn replaces(&self) -> Option<DefinitionId> {
        match self {
            Self::PutFlow(draft) => draft.id.map(Into::into),
            Self::PutJob(draft) => draft.id.map(Into::into),
            Self::PutExecutor(draft) => draft.id.map(Into::into),
            Self::Put(draft) => match draft {
                DefinitionDraft::Schedule(it) => it.id.map(Into::into),
                DefinitionDraft::Calendar(it) => it.id.map(Into::into),
                DefinitionDraft::Pool(it) => it.id.map(Into::into),
                DefinitionDraft::Param(it) => it.id.map(Into::into),
                DefinitionDraft::DataSource(it) => it.id.map(Into::into),
                DefinitionDraft::FileServer(it) => it.id.map(Into::into),
                DefinitionDraft::FileEvent(it) => it.id.map(Into::into),
                DefinitionDraft::AlertChannel(it) => it.id.map(Into::into),
                DefinitionDraft::AlertRule(it) => it.id.map(Into::into),
                DefinitionDraft::Webhook(it) => it.id.map(Into::into),
            },
            Self::DeleteFlow { .. }
            | Self::DeleteJob { .. }
            | Self::DeleteExecutor { .. }
            | Self::Delete { .. } => None,
        }
    }

    /// What it deletes, and which version of that.
    #[must_use]
    pub fn deletes(&self) -> Option<(DefinitionId, Option<u32>)> {
        Some(match *self {
            Self::DeleteFlow { flow, version } => (flow.into(), version),
            Self::DeleteJob { job, version } => (job.into(), version),
            Self::DeleteExecutor { executor, version } => (executor.into(), version),
            Self::Delete {
                definition,
                version,
            } => (definition, version),
            Self::PutFlow(_) | Self::PutJob(_) | Self::PutExecutor(_) | Self::Put(_) => {
                return None;
            }
        })
    }
}

/// A [`Definition`](super::Definition) as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "the names say it")]
pub enum DefinitionDraft {
    Schedule(Box<ScheduleDraft>),
    Calendar(CalendarDraft),
    Pool(PoolDraft),
    Param(SharedParamDraft),
    DataSource(DataSourceDraft),
    FileServer(FileServerDraft),
    FileEvent(FileEventDraft),
    AlertChannel(AlertChannelDraft),
    AlertRule(AlertRuleDraft),
    Webhook(WebhookDraft),
}

impl From<ScheduleDraft> for Edit {
    fn from(draft: ScheduleDraft) -> Self {
        Self::Put(DefinitionDraft::Schedule(Box::new(draft)))
    }
}

macro_rules! put {
    ($($variant:ident($draft:ident),)*) => {$(
        impl From<$draft> for Edit {
            fn from(draft: $draft) -> Self {
                Self::Put(DefinitionDraft::$variant(draft))
            }
        }
    )*};
}

put! {
    Calendar(CalendarDraft),
    Pool(PoolDraft),
    Param(SharedParamDraft),
    DataSource(DataSourceDraft),
    FileServer(FileServerDraft),
    FileEvent(FileEventDraft),
    AlertChannel(AlertChannelDraft),
    AlertRule(AlertRuleDraft),
    Webhook(WebhookDraft),
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
    #[cfg_attr(feature = "serde", serde(default))]
    pub calendar: Option<CalendarRef>,
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
            calendar: None,
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
    /// Absent in edits that were recorded before there were kinds.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kind: JobKindDraft,
    pub command: String,
    pub params: Vec<JobParamDraft>,
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
            kind: JobKindDraft::Shell,
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
