//! Alert channels and alert rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{is_no, is_root_directory, is_yes, root_directory, yes};
use crate::interchange::{span::Span, text_map::TextMap};

/// Where to tell people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshAlertChannel {
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
    /// Whether it is used. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// How it is reached.
    pub kind: MeshAlertKind,
    /// Settings of its kind, such as addresses. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub settings: TextMap,
    /// Password, token or key. Default: the one that is stored under this name, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// How an alert channel is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names are names")]
pub enum MeshAlertKind {
    Email,
    DingTalk,
    WeCom,
    Feishu,
    Slack,
    Teams,
    Webhook,
    Sms,
}

/// When to tell people, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshAlertRule {
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
    /// Whether it is used. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// What is told, at least one.
    #[schemars(length(min = 1))]
    pub events: Vec<MeshAlertEvent>,
    /// Names of the channels that it is told on. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Whom else to tell, and when, if nobody acknowledges. Default: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<MeshEscalation>,
    /// Whether it holds for everything, not only for schedules that name it. Default: false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub default: bool,
}

/// Telling others of an alert that nobody has acknowledged, and that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshEscalation {
    /// How long after the alert was raised, such as `30m`; a minute to seven days.
    pub after: Span,
    /// Names of the channels that it is told on, at least one.
    #[schemars(length(min = 1))]
    pub channels: Vec<String>,
}

/// What people can be told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MeshAlertEvent {
    /// An execution has succeeded.
    ExecutionSucceeded,
    /// An execution has failed.
    ExecutionFailed,
    /// A job has failed for good.
    JobFailed,
    /// A job has failed and is tried again.
    JobRetried,
    /// An execution has not started by its deadline.
    NotStartedBy,
    /// An execution has not finished by its deadline.
    NotFinishedBy,
    /// An executor is lost.
    ExecutorLost,
    /// A data source cannot be reached.
    DataSourceDown,
    /// A job takes longer than it usually does.
    LongerThanUsual,
}
