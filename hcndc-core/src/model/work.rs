//! What a job does, beside running a command: the kinds of jobs.

use alloc::{
    borrow::ToOwned as _,
    boxed::Box,
    collections::BTreeMap,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::ops::RangeInclusive;

use super::{DataSourceKind, DataSourceRef, DefinitionError};
use crate::id::DataSourceId;

/// What a job does. `S` is how a statement's data source is named: by id in a [`Job`](super::Job), as people write it in a
/// [`JobDraft`](super::JobDraft), and with all that it takes to reach it in an order to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum JobKind<S = DataSourceId> {
    /// Runs the job's command.
    #[default]
    Shell,
    /// Sends a request, and looks at the answer's status.
    Http(Box<HttpCall>),
    /// Runs statements on a data source.
    Sql(SqlScript<S>),
    /// Runs a job or a transformation of Kettle (Pentaho Data Integration).
    Kettle(Box<KettleRun>),
}

/// A [`JobKind`] as people write it.
pub type JobKindDraft = JobKind<DataSourceRef>;

/// A request. Placeholders are replaced in its URL, its headers' values and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HttpCall {
    /// One of [`METHODS`].
    pub method: String,
    /// Begins with `http://`, `https://` or a placeholder; no white space.
    pub url: String,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
    /// What is sent; empty for nothing.
    pub body: String,
    /// Statuses of the answer that mean success: numbers and ranges such as `200-299,304`, see [`statuses`].
    pub expect: String,
}

/// Methods that a request may have.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Statuses that mean success unless a job says otherwise.
pub const GOOD_STATUSES: &str = "200-299";

/// Statements on a data source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SqlScript<S = DataSourceId> {
    /// Where; a MySQL or MariaDB, PostgreSQL, SQLite or ClickHouse one.
    pub data_source: S,
    /// One or more, separated by semicolons; not empty. Placeholders are replaced as in the queries of params.
    pub statement: String,
    /// Whether all of them count or none; else each counts once it is done. Not on ClickHouse, which has no transactions.
    pub transaction: bool,
}

/// A run of Kettle. Placeholders are replaced in all of its texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KettleRun {
    /// What runs it.
    pub tool: KettleTool,
    /// Directory that holds `kitchen.sh` and `pan.sh` on the executor's host; empty if they are found by `PATH`.
    pub home: String,
    /// File of the job or the transformation; empty if it is in a repository.
    pub file: String,
    /// Name of the repository; empty for a file.
    pub repository: String,
    /// Who logs in to the repository.
    pub user: String,
    /// With what. Stored as it is, so rather a placeholder of a param than the password itself.
    pub password: String,
    /// Directory in the repository; empty for its root.
    pub directory: String,
    /// Name of the job or the transformation in the repository.
    pub name: String,
    /// How much it says; `None` for Kettle's own default.
    pub level: Option<KettleLevel>,
    /// Named params of the job or the transformation.
    pub params: BTreeMap<String, String>,
}

/// What runs a job or a transformation of Kettle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum KettleTool {
    /// For jobs.
    #[default]
    Kitchen,
    /// For transformations.
    Pan,
}

impl KettleTool {
    /// Its name, which is that of its script but for the ending.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kitchen => "kitchen",
            Self::Pan => "pan",
        }
    }

    /// What its exit code means by its manual; `None` for one that it does not name.
    ///
    /// ```
    /// use hcndc_core::model::KettleTool;
    /// assert!(KettleTool::Kitchen.meaning(3).is_none());
    /// assert!(KettleTool::Pan.meaning(3).is_some());
    /// ```
    #[must_use]
    pub const fn meaning(self, code: i32) -> Option<&'static str> {
        Some(match (code, self) {
            (0, _) => "it ran without a problem",
            (1, _) => "errors occurred while it ran",
            (2, _) => "an unexpected error occurred while it was loaded or ran",
            (3, Self::Pan) => "the transformation could not be prepared and initialized",
            (7, Self::Kitchen) => {
                "the job could not be loaded from its file or the repository: look at its name, its place and the login"
            }
            (7, Self::Pan) => {
                "the transformation could not be loaded from its file or the repository: look at its name, its place and the login"
            }
            (8, _) => "a step or a plugin could not be loaded",
            (9, _) => "its command line was not understood, and it printed its usage",
            _ => return None,
        })
    }
}

/// How much Kettle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "they are Kettle's own")]
pub enum KettleLevel {
    Nothing,
    Error,
    Minimal,
    Basic,
    Detailed,
    Debug,
    Rowlevel,
}

impl KettleLevel {
    /// As Kettle's command line takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing",
            Self::Error => "Error",
            Self::Minimal => "Minimal",
            Self::Basic => "Basic",
            Self::Detailed => "Detailed",
            Self::Debug => "Debug",
            Self::Rowlevel => "Rowlevel",
        }
    }
}

/// Statuses of answers: numbers of 100 to 599 and ranges of such, separated by commas; `None` if the text is none.
///
/// ```
/// use hcndc_core::model::statuses;
/// assert_eq!(statuses("200-299, 304"), Some(vec![200..=299, 304..=304]));
/// assert_eq!(statuses("299-200"), None);
/// assert_eq!(statuses(""), None);
/// ```
#[must_use]
pub fn statuses(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let status = |text: &str| {
        let status: u16 = text.trim().parse().ok()?;
        (100..=599).contains(&status).then_some(status)
    };
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = status(first)?..=status(last)?;
            (!range.is_empty()).then_some(range)
        })
        .collect()
}

impl<S> JobKind<S> {
    /// Its name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Http(_) => "http",
            Self::Sql(_) => "sql",
            Self::Kettle(_) => "kettle",
        }
    }

    /// The data source that it needs.
    #[must_use]
    pub const fn data_source(&self) -> Option<&S> {
        match self {
            Self::Sql(script) => Some(&script.data_source),
            Self::Shell | Self::Http(_) | Self::Kettle(_) => None,
        }
    }

    /// The same, with another word for its data source; `None` if there is none for it.
    pub fn with_source<T>(&self, find: impl FnOnce(&S) -> Option<T>) -> Option<JobKind<T>> {
        Some(match self {
            Self::Shell => JobKind::Shell,
            Self::Http(call) => JobKind::Http(call.clone()),
            Self::Sql(script) => JobKind::Sql(SqlScript {
                data_source: find(&script.data_source)?,
                statement: script.statement.clone(),
                transaction: script.transaction,
            }),
            Self::Kettle(run) => JobKind::Kettle(run.clone()),
        })
    }

    /// What is wrong with its settings, as far as they tell it alone: fields, and why.
    #[must_use]
    pub fn faults(&self, command: &str) -> Vec<(String, DefinitionError)> {
        let mut faults = Vec::new();
        let no_command = command.trim().is_empty();
        match (self, no_command) {
            (Self::Shell, true) => faults.push(("command".into(), DefinitionError::Empty)),
            (Self::Shell, false) | (_, true) => {}
            (_, false) => {
                let kind = self.as_str().to_owned();
                faults.push(("command".into(), DefinitionError::NotOfKind { kind }));
            }
        }
        match self {
            Self::Shell => {}
            Self::Http(call) => call.faults(&mut faults),
            Self::Sql(script) => {
                if script.statement.trim().is_empty() {
                    faults.push(("sql.statement".into(), DefinitionError::Empty));
                }
            }
            Self::Kettle(run) => run.faults(&mut faults),
        }
        faults
    }

    /// Its texts by the fields that hold them, for whoever checks what a text may hold.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = Vec::new();
        let mut add = |field: &str, text| texts.push((field.to_owned(), text));
        match self {
            Self::Shell => {}
            Self::Http(call) => {
                add("http.url", &*call.url);
                add("http.body", &call.body);
                for (name, value) in &call.headers {
                    add(&format!("http.headers.{name}"), value);
                }
            }
            Self::Sql(script) => add("sql.statement", &script.statement),
            Self::Kettle(run) => {
                add("kettle.home", &run.home);
                add("kettle.file", &run.file);
                add("kettle.repository", &run.repository);
                add("kettle.user", &run.user);
                add("kettle.password", &run.password);
                add("kettle.directory", &run.directory);
                add("kettle.name", &run.name);
                for (name, value) in &run.params {
                    add(&format!("kettle.params.{name}"), value);
                }
            }
        }
        texts
    }
}

impl HttpCall {
    fn faults(&self, faults: &mut Vec<(String, DefinitionError)>) {
        let value = |text: &str| text.to_owned();
        if !METHODS.contains(&&*self.method) {
            let value = value(&self.method);
            faults.push(("http.method".into(), DefinitionError::BadMethod { value }));
        }
        let begins = |it: &&str| self.url.starts_with(*it) && self.url.len() > it.len();
        let bare = self
            .url
            .contains(|it: char| it.is_whitespace() || it.is_control());
        if bare || !["http://", "https://", "${"].iter().any(begins) {
            let value = value(&self.url);
            faults.push(("http.url".into(), DefinitionError::BadUrl { value }));
        }
        for (name, text) in &self.headers {
            let token = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(it);
            let named = !name.is_empty() && name.chars().all(token);
            if !named || text.contains(|it: char| it.is_control() && it != '\t') {
                let value = value(name);
                faults.push(("http.headers".into(), DefinitionError::BadHeader { value }));
            }
        }
        if statuses(&self.expect).is_none() {
            let value = value(&self.expect);
            faults.push(("http.expect".into(), DefinitionError::BadStatuses { value }));
        }
    }
}

impl KettleRun {
    fn faults(&self, faults: &mut Vec<(String, DefinitionError)>) {
        let given = |text: &str| !text.trim().is_empty();
        if given(&self.file) == given(&self.repository) {
            faults.push(("kettle.file".into(), DefinitionError::FileOrRepository));
        }
        if given(&self.repository) && !given(&self.name) {
            faults.push(("kettle.name".into(), DefinitionError::Empty));
        }
        for name in self.params.keys() {
            // What stands before the first equals sign is the name.
            if !given(name) || name.contains(['=', '\n']) {
                let value = name.to_string();
                faults.push(("kettle.params".into(), DefinitionError::BadKey { value }));
            }
        }
    }
}

impl DataSourceKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgresql => "postgresql",
            Self::Sqlite => "sqlite",
            Self::SqlServer => "sql_server",
            Self::Mongodb => "mongodb",
            Self::Hive => "hive",
            Self::Impala => "impala",
            Self::Clickhouse => "clickhouse",
            Self::Odbc => "odbc",
        }
    }

    /// Whether jobs can run statements there.
    #[must_use]
    pub const fn runs_statements(self) -> bool {
        matches!(
            self,
            Self::Mysql | Self::Postgresql | Self::Sqlite | Self::Clickhouse
        )
    }

    /// Whether several statements there can count as a whole.
    #[must_use]
    pub const fn has_transactions(self) -> bool {
        !matches!(self, Self::Clickhouse)
    }
}
