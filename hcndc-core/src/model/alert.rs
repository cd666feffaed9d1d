//! Alert channels and alert rules: where to tell people, and when.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::time::Duration;

use super::{AlertChannelRef, Revision, Secret};
use crate::id::{AlertChannelId, AlertRuleId};

/// Where to tell people (预警配置).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlertChannel {
    /// Given by the engine.
    pub id: AlertChannelId,
    /// Unique among alert channels; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// A channel that is not enabled tells nobody.
    pub enabled: bool,
    /// How it is reached.
    pub kind: AlertChannelKind,
    /// Settings of its kind, such as addresses; the adapter that tells knows which.
    pub settings: BTreeMap<String, String>,
    /// Its password, token or key.
    pub secret: Secret,
    /// Version, and who made it.
    pub revision: Revision,
}

/// How an alert channel is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "names are names")]
pub enum AlertChannelKind {
    Email,
    DingTalk,
    WeCom,
    Feishu,
    Slack,
    Teams,
    Webhook,
    Sms,
}

impl AlertChannelKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Email,
        Self::DingTalk,
        Self::WeCom,
        Self::Feishu,
        Self::Slack,
        Self::Teams,
        Self::Webhook,
        Self::Sms,
    ];

    /// The name that stores and figures use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::DingTalk => "ding_talk",
            Self::WeCom => "we_com",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Webhook => "webhook",
            Self::Sms => "sms",
        }
    }
}

/// When to tell people, and on which channels (调度预警).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlertRule {
    /// Given by the engine.
    pub id: AlertRuleId,
    /// Unique among alert rules; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// A rule that is not enabled raises no alerts.
    pub enabled: bool,
    /// What is told; not empty.
    pub events: BTreeSet<AlertEvent>,
    /// Where it is told; sorted, each once. With none an alert only stands in the list of alerts.
    pub channels: Vec<AlertChannelId>,
    /// Who else is told, and when, if nobody acknowledges.
    pub escalation: Option<Escalation>,
    /// Applies to everything, not only to schedules that name it.
    pub default: bool,
    /// Version, and who made it.
    pub revision: Revision,
}

/// Telling others of an alert that nobody has acknowledged, and that is not over.
///
/// `C` names a channel: by its id, or in a draft also by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Escalation<C = AlertChannelId> {
    /// How long after the alert was raised; [`LEAST_AFTER`](Escalation::LEAST_AFTER) to
    /// [`MOST_AFTER`](Escalation::MOST_AFTER).
    pub after: Duration,
    /// Where they are told; not empty; in a rule sorted, each once.
    pub channels: Vec<C>,
}

impl Escalation {
    /// The shortest time that people have to acknowledge: a minute.
    pub const LEAST_AFTER: Duration = Duration::from_secs(60);
    /// The longest: a week.
    pub const MOST_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
}

/// What people can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AlertEvent {
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
    /// An execution has not ended by its deadline.
    NotFinishedBy,
    /// An executor is lost.
    ExecutorLost,
    /// A data source cannot be reached.
    DataSourceDown,
    /// A job takes longer than it usually does.
    LongerThanUsual,
}

impl AlertEvent {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::ExecutionSucceeded,
        Self::ExecutionFailed,
        Self::JobFailed,
        Self::JobRetried,
        Self::NotStartedBy,
        Self::NotFinishedBy,
        Self::ExecutorLost,
        Self::DataSourceDown,
        Self::LongerThanUsual,
    ];

    /// The name that stores, the API and the pages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExecutionSucceeded => "execution_succeeded",
            Self::ExecutionFailed => "execution_failed",
            Self::JobFailed => "job_failed",
            Self::JobRetried => "job_retried",
            Self::NotStartedBy => "not_started_by",
            Self::NotFinishedBy => "not_finished_by",
            Self::ExecutorLost => "executor_lost",
            Self::DataSourceDown => "data_source_down",
            Self::LongerThanUsual => "longer_than_usual",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|event| event.as_str() == name)
    }
}

/// An [`AlertChannel`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on AlertChannel")]
pub struct AlertChannelDraft {
    /// `None` makes a new one.
    pub id: Option<AlertChannelId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub enabled: bool,
    pub kind: AlertChannelKind,
    pub settings: BTreeMap<String, String>,
    /// `None` keeps the one that it has, none for a new one.
    pub secret: Option<Secret>,
}

/// As it is, to be changed; the secret stays.
impl From<&AlertChannel> for AlertChannelDraft {
    fn from(it: &AlertChannel) -> Self {
        Self {
            id: Some(it.id),
            version: Some(it.revision.version),
            name: it.name.clone(),
            directory: it.directory.clone(),
            description: it.description.clone(),
            enabled: it.enabled,
            kind: it.kind,
            settings: it.settings.clone(),
            secret: None,
        }
    }
}

impl AlertChannelDraft {
    /// A new enabled channel of this name and kind, with nothing else set.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: AlertChannelKind) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            enabled: true,
            kind,
            settings: BTreeMap::new(),
            secret: None,
        }
    }
}

/// An [`AlertRule`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on AlertRule")]
pub struct AlertRuleDraft {
    /// `None` makes a new one.
    pub id: Option<AlertRuleId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub enabled: bool,
    pub events: BTreeSet<AlertEvent>,
    pub channels: Vec<AlertChannelRef>,
    pub escalation: Option<Escalation<AlertChannelRef>>,
    pub default: bool,
}

impl AlertRuleDraft {
    /// A new enabled rule of this name that tells these events on these channels, to schedules that name it.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        events: impl IntoIterator<Item = AlertEvent>,
        channels: impl IntoIterator<Item = AlertChannelRef>,
    ) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            enabled: true,
            events: events.into_iter().collect(),
            channels: channels.into_iter().collect(),
            escalation: None,
            default: false,
        }
    }
}
