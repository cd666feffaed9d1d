//! How drafts name other definitions.

use alloc::string::{String, ToString as _};
use core::fmt;

use crate::id::{
    AlertChannelId, AlertRuleId, CalendarId, DataSourceId, ExecutorId, FileEventId, FileServerId,
    FlowId, JobId, ParamId, PoolId,
};

/// A definition, by id or by name. By name also one that the same batch makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Ref<Id> {
    /// By id.
    Id(Id),
    /// By name.
    Name(String),
}

impl<Id: fmt::Display> fmt::Display for Ref<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A flow, by id or by name.
pub type FlowRef = Ref<FlowId>;
/// An executor, by id or by name.
pub type ExecutorRef = Ref<ExecutorId>;
/// A pool, by id or by name.
pub type PoolRef = Ref<PoolId>;
/// A calendar, by id or by name.
pub type CalendarRef = Ref<CalendarId>;
/// A shared param, by id or by name.
pub type ParamRef = Ref<ParamId>;
/// A data source, by id or by name.
pub type DataSourceRef = Ref<DataSourceId>;
/// A file server, by id or by name.
pub type FileServerRef = Ref<FileServerId>;
/// A file event, by id or by name.
pub type FileEventRef = Ref<FileEventId>;
/// An alert channel, by id or by name.
pub type AlertChannelRef = Ref<AlertChannelId>;
/// An alert rule, by id or by name.
pub type AlertRuleRef = Ref<AlertRuleId>;

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

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(&id.to_string()),
            Self::Name { flow, job } => write!(f, "{flow}/{job}"),
        }
    }
}
