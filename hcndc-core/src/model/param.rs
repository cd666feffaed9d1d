//! Params: named values for command lines, of a job's own or shared.

use alloc::{format, string::String};
use core::time::Duration;

use super::{DataSourceRef, JobRef, ParamRef, Revision, ValueType};
use crate::id::{DataSourceId, JobId, ParamId};

/// A named value for command lines, in the order in which they are appended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Param {
    /// `[A-Za-z_][A-Za-z0-9_.-]*`; unique in its list.
    pub name: String,
    /// The value; may hold placeholders such as `${date}`, which the executor replaces.
    pub value: String,
}

/// A param of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
pub enum JobParam {
    /// Its own.
    Own(Param),
    /// One that it shares with others; goes by that one's name.
    Shared {
        /// Which.
        shared: ParamId,
    },
    /// What a job that it depends on puts out.
    Output {
        /// As of a [`Param`]; unique in its list.
        name: String,
        /// Whose, and which.
        output: OutputSource,
    },
}

/// A value that a job puts out, for a param of another one. That one must depend on it for its own data date, directly or
/// through other jobs and flows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OutputSource {
    /// The job that puts it out.
    pub job: JobId,
    /// Its name there: see [`outputs::is_name`](crate::outputs::is_name).
    pub name: String,
    /// What holds if the job did not run in the execution, or put out no such value; `None` if the run then fails.
    #[cfg_attr(feature = "serde", serde(default))]
    pub default: Option<String>,
}

impl From<Param> for JobParam {
    fn from(param: Param) -> Self {
        Self::Own(param)
    }
}

/// A [`JobParam`] as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
#[expect(missing_docs, reason = "they stand on JobParam")]
pub enum JobParamDraft {
    Own(Param),
    Shared {
        shared: ParamRef,
    },
    Output {
        name: String,
        output: OutputSourceDraft,
    },
}

/// An [`OutputSource`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on OutputSource")]
pub struct OutputSourceDraft {
    pub job: JobRef,
    pub name: String,
    #[cfg_attr(feature = "serde", serde(default))]
    pub default: Option<String>,
}

impl From<Param> for JobParamDraft {
    fn from(param: Param) -> Self {
        Self::Own(param)
    }
}

/// A param that jobs share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SharedParam {
    /// Given by the engine.
    pub id: ParamId,
    /// Unique among shared params, and its name in the jobs that share it: `[A-Za-z_][A-Za-z0-9_.-]*`.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Where its value comes from.
    pub kind: ParamKind,
    /// Version, and who made it.
    pub revision: Revision,
}

/// Where the value of a shared param comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
pub enum ParamKind {
    /// A text.
    Static {
        /// The value; may hold placeholders.
        value: String,
    },
    /// A column of the first row that a query gives, asked anew for each attempt.
    Sql {
        /// Where.
        data_source: DataSourceId,
        /// The query; not empty; may hold placeholders.
        query: String,
        /// How long it may take; not zero.
        timeout: Duration,
        /// Which column; not empty. `None` for the first.
        #[cfg_attr(feature = "serde", serde(default))]
        column: Option<String>,
        /// What its value has to be.
        #[cfg_attr(feature = "serde", serde(default))]
        value_type: ValueType,
    },
    /// What the run knows of itself.
    Context {
        /// Which of it.
        value: ContextValue,
    },
}

/// What a run knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "of"))]
pub enum ContextValue {
    /// Its data date, or one that lies so many days from it.
    DataDate {
        /// Days, -3660 to 3660; -1 is the day before.
        offset_days: i32,
        /// Form of the date as of `strftime`, such as `%Y-%m-%d`; not empty, without `}`.
        format: String,
    },
    /// The name of its flow.
    FlowName,
    /// The name of its job.
    JobName,
    /// The id of its execution.
    ExecutionId,
    /// The name of the schedule that started it; empty if none did.
    ScheduleName,
}

impl ContextValue {
    /// The placeholder that executors replace by it; `None` for what they are not told.
    ///
    /// ```
    /// use hcndc_core::model::ContextValue;
    /// let date = |offset_days| ContextValue::DataDate { offset_days, format: "%Y%m%d".into() };
    /// assert_eq!(date(-1).placeholder().as_deref(), Some("${date-1d:%Y%m%d}"));
    /// assert_eq!(date(0).placeholder().as_deref(), Some("${date+0d:%Y%m%d}"));
    /// assert_eq!(ContextValue::ScheduleName.placeholder(), None);
    /// ```
    #[must_use]
    pub fn placeholder(&self) -> Option<String> {
        Some(match self {
            Self::DataDate {
                offset_days,
                format,
            } => format!("${{date{offset_days:+}d:{format}}}"),
            Self::FlowName => "${flow_name}".into(),
            Self::JobName => "${job_name}".into(),
            Self::ExecutionId => "${exec_id}".into(),
            Self::ScheduleName => return None,
        })
    }
}

/// A [`ParamKind`] as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
#[expect(missing_docs, reason = "they stand on ParamKind")]
pub enum ParamKindDraft {
    Static {
        value: String,
    },
    Sql {
        data_source: DataSourceRef,
        query: String,
        timeout: Duration,
        #[cfg_attr(feature = "serde", serde(default))]
        column: Option<String>,
        #[cfg_attr(feature = "serde", serde(default))]
        value_type: ValueType,
    },
    Context {
        value: ContextValue,
    },
}

/// A [`SharedParam`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on SharedParam")]
pub struct SharedParamDraft {
    /// `None` makes a new one.
    pub id: Option<ParamId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub kind: ParamKindDraft,
}

impl SharedParamDraft {
    /// A new param of this name and kind.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ParamKindDraft) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            kind,
        }
    }
}
