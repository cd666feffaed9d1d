//! What jobs and schedules reach beside the executors: data sources, shared params, file servers and their events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::TimeOfDay;
use super::{is_root_directory, is_zero, root_directory};
use crate::interchange::span::Span;
use crate::interchange::text_map::TextMap;

/// A database that shared params query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshDataSource {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file it. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// Which system it is.
    pub kind: MeshDataSourceKind,
    /// Host name or address. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Port: 1 to 65535. Default: the system's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Database, or the file of one. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// User. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password. Default: the one that is stored under this name, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Further settings of the connection. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub options: TextMap,
}

/// Which system a data source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshDataSourceKind {
    Mysql,
    Postgresql,
    Sqlite,
    SqlServer,
    Mongodb,
    Hive,
    Impala,
    Clickhouse,
    Odbc,
}

/// A param that jobs share: its value is one of `value`, `sql` and `context`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["value"] }, { "required": ["sql"] }, { "required": ["context"] }]))]
pub struct MeshParam {
    /// Unique name, as jobs get it: `[A-Za-z_][A-Za-z0-9_.-]*`.
    #[schemars(
        length(min = 1, max = 255),
        regex(pattern = r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    )]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file it. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What a query gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<MeshQuery>,
    /// What the run knows of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<MeshContext>,
}

/// A query whose first row holds a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshQuery {
    /// Name of the data source.
    pub data_source: String,
    /// The query.
    #[schemars(length(min = 1))]
    pub query: String,
    /// How long it may take; more than zero. Default: 30s.
    #[serde(default = "half_a_minute", skip_serializing_if = "is_half_a_minute")]
    pub timeout: Span,
    /// Name of the column whose value it is; of MongoDB the field, with points on the way to deeper ones. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub column: Option<String>,
    /// What the value has to be; the job fails and is retried if it is something else. Default: `text`, taken as it is.
    #[serde(default, rename = "type", skip_serializing_if = "is_text")]
    pub value_type: MeshValueType,
}

/// What the value of a query has to be, and the form in which it goes on: any text as it is, `42`, `-1.50`, `2026-11-21`,
/// `2026-11-21T01:02:03` with fraction and zone where it has them, `true` or `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshValueType {
    #[default]
    Text,
    Integer,
    Number,
    Date,
    Timestamp,
    Boolean,
}

/// What a run knows of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshContext {
    /// Which value.
    pub of: MeshContextValue,
    /// With `data_date`: so many days later; earlier if negative. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset_days: i32,
    /// With `data_date`: a `strftime` form of dates. Default: `%Y-%m-%d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Which value of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshContextValue {
    DataDate,
    FlowName,
    JobName,
    ExecutionId,
    ScheduleName,
}

/// A place where files arrive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshFileServer {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file it. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// How it is reached.
    pub kind: MeshFileServerKind,
    /// Host name or address. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Port: 1 to 65535. Default: the protocol's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// User. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password. Default: the one that is stored under this name, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Further settings of the connection. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub options: TextMap,
}

/// How a file server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshFileServerKind {
    Local,
    Ftp,
    Ftps,
    Sftp,
    S3,
}

/// A watched path whose files make schedules fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshFileEvent {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file it. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// Name of the file server.
    pub server: String,
    /// Path on the server; `${date}` and globs (`*`, `?`) may stand in it.
    #[schemars(length(min = 1))]
    pub path: String,
    /// Time of day within which it is watched. Default: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<MeshWindow>,
    /// IANA time zone of the window and of dates. Default: the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How often it is looked for: 1 second to 1 day. Default: 1m.
    #[serde(default = "one_minute", skip_serializing_if = "is_one_minute")]
    pub interval: Span,
    /// How long a file must have been left unchanged. Default: 0.
    #[serde(default, skip_serializing_if = "super::is_no_span")]
    pub min_age: Span,
    /// Name of a file that says that the others are complete. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Whether it fires once for a data date or once for a file. Default: `date`.
    #[serde(default, skip_serializing_if = "is_per_date")]
    pub per: MeshFilePer,
    /// `strftime` form of the data date in a file's name. Default: none; the date counts from the day of arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_pattern: Option<String>,
    /// Whether it is watched. Default: true.
    #[serde(default = "super::yes", skip_serializing_if = "super::is_yes")]
    pub enabled: bool,
}

/// A part of each day; over midnight if it ends before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshWindow {
    /// Its start.
    pub from: TimeOfDay,
    /// Its end.
    pub to: TimeOfDay,
}

/// What a file event fires for once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshFilePer {
    /// A data date, however many files arrive for it.
    #[default]
    Date,
    /// A file.
    File,
}

fn half_a_minute() -> Span {
    Span::from_millis(30_000).unwrap_or_default()
}

fn is_half_a_minute(span: &Span) -> bool {
    *span == half_a_minute()
}

fn is_text(of: &MeshValueType) -> bool {
    *of == MeshValueType::Text
}

fn one_minute() -> Span {
    Span::from_millis(60_000).unwrap_or_default()
}

fn is_one_minute(span: &Span) -> bool {
    *span == one_minute()
}

fn is_per_date(per: &MeshFilePer) -> bool {
    *per == MeshFilePer::Date
}
