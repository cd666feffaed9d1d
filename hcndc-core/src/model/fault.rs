//! What is wrong with edits, as data.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::DefinitionKind;

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
    Schedule {
        name: String,
    },
    Calendar {
        name: String,
    },
    Pool {
        name: String,
    },
    Param {
        name: String,
    },
    DataSource {
        name: String,
    },
    FileServer {
        name: String,
    },
    FileEvent {
        name: String,
    },
    AlertChannel {
        name: String,
    },
    AlertRule {
        name: String,
    },
    Webhook {
        name: String,
    },
    /// No single definition: a cycle.
    Mesh,
}

impl Subject {
    /// A definition of this kind and name; a job by `flow/job`.
    #[must_use]
    pub fn of(kind: DefinitionKind, name: impl Into<String>) -> Self {
        let name = name.into();
        match kind {
            DefinitionKind::Flow => Self::Flow { name },
            DefinitionKind::Job => match name.split_once('/') {
                Some((flow, name)) => Self::Job {
                    flow: flow.into(),
                    name: name.into(),
                },
                None => Self::Job {
                    flow: String::new(),
                    name,
                },
            },
            DefinitionKind::Executor => Self::Executor { name },
            DefinitionKind::Schedule => Self::Schedule { name },
            DefinitionKind::Calendar => Self::Calendar { name },
            DefinitionKind::Pool => Self::Pool { name },
            DefinitionKind::Param => Self::Param { name },
            DefinitionKind::DataSource => Self::DataSource { name },
            DefinitionKind::FileServer => Self::FileServer { name },
            DefinitionKind::FileEvent => Self::FileEvent { name },
            DefinitionKind::AlertChannel => Self::AlertChannel { name },
            DefinitionKind::AlertRule => Self::AlertRule { name },
            DefinitionKind::Webhook => Self::Webhook { name },
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Job { flow, name } => return write!(f, "job {flow:?}/{name:?}"),
            Self::Mesh => return f.write_str("mesh"),
            Self::Flow { name } => (DefinitionKind::Flow, name),
            Self::Executor { name } => (DefinitionKind::Executor, name),
            Self::Schedule { name } => (DefinitionKind::Schedule, name),
            Self::Calendar { name } => (DefinitionKind::Calendar, name),
            Self::Pool { name } => (DefinitionKind::Pool, name),
            Self::Param { name } => (DefinitionKind::Param, name),
            Self::DataSource { name } => (DefinitionKind::DataSource, name),
            Self::FileServer { name } => (DefinitionKind::FileServer, name),
            Self::FileEvent { name } => (DefinitionKind::FileEvent, name),
            Self::AlertChannel { name } => (DefinitionKind::AlertChannel, name),
            Self::AlertRule { name } => (DefinitionKind::AlertRule, name),
            Self::Webhook { name } => (DefinitionKind::Webhook, name),
        };
        write!(f, "{kind} {name:?}")
    }
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subject.fmt(f)?;
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
    #[error("ends before it begins")]
    Reversed,
    #[error(
        "{format:?} is no form of a date: it takes %Y, %m, %d and their kin, no time of day, and 255 bytes at most"
    )]
    BadFormat { format: String },
    #[error(
        "{value:?} is no name of an output: it takes a letter or _, then letters, digits, _ and -, 64 characters at most"
    )]
    BadOutputName { value: String },
    #[error(
        "the name {value:?} says that the value is secret: no job puts out such a one, for outputs are shown"
    )]
    SecretOutput { value: String },
    #[error(
        "job {job:?} does not depend on job {upstream:?}, whose output it takes: add that dependency for the same data date, directly or through other jobs"
    )]
    NotUpstream { job: String, upstream: String },
    #[error(
        "{value:?} is no address of a request: it begins with http://, https:// or a placeholder, and holds no spaces"
    )]
    BadUrl { value: String },
    #[error(
        "{value:?} is no method of a request: it is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"
    )]
    BadMethod { value: String },
    #[error(
        "header {value:?} has no name that a header can have, or a value of more than one line"
    )]
    BadHeader { value: String },
    #[error(
        "{value:?} are no statuses: they are numbers of 100 to 599 and ranges, such as 200-299,304"
    )]
    BadStatuses { value: String },
    #[error("a job of kind {kind} has none: leave it out")]
    NotOfKind { kind: String },
    #[error(
        "jobs run no statements on a data source of kind {kind}: they do on mysql, postgresql, sqlite and clickhouse"
    )]
    NoStatements { kind: String },
    #[error(
        "a data source of kind {kind} has no transactions: leave it out, and each statement counts once it is done"
    )]
    NoTransaction { kind: String },
    #[error("what Kettle runs is either in a file or in a repository: give one of both")]
    FileOrRepository,
    #[error(
        "{value:?} is no JSON pointer: it is empty, or begins with a slash, such as /data/date"
    )]
    BadPointer { value: String },
    #[error("a job cannot move to another flow")]
    FlowChanged,
    #[error("still needed by {}", users.join(", "))]
    InUse { users: Vec<String> },
    #[error("cycle: {}", path.join(" → "))]
    Cycle { path: Vec<String> },
}
