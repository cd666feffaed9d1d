//! Schedules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Moment;
use super::trigger::{MeshDayFilter, MeshDeadline, MeshTrigger};
use super::{is_no, is_one, is_root_directory, one, root_directory};
use crate::interchange::span::Span;
use crate::interchange::text_map::TextMap;

/// When a flow runs by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshSchedule {
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
    /// Who answers for it. Default: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Name of the flow that it starts.
    pub flow: String,
    /// Whether it starts all flows downstream of that one too. Default: false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub downstream: bool,
    /// What makes it fire.
    pub trigger: MeshTrigger,
    /// IANA time zone of its times and dates. Default: the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it does not fire for now. Default: false.
    #[serde(default, skip_serializing_if = "is_no")]
    pub paused: bool,
    /// Name of the calendar that says which days are business days. Default: none; Monday to Friday are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Days on which it fires, of those that its trigger gives. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<MeshDayFilter>,
    /// How late it may still fire for a time that has passed. Default: 1h.
    #[serde(default = "one_hour", skip_serializing_if = "is_one_hour")]
    pub misfire_grace: Span,
    /// What becomes of several times that have passed and are not too late. Default: `coalesce`.
    #[serde(default, skip_serializing_if = "is_coalesce")]
    pub missed: MeshMissed,
    /// How many of its executions may live at once: 1 to 1000. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_instances: u32,
    /// What becomes of a time at which that many live. Default: `queue`.
    #[serde(default, skip_serializing_if = "is_queue")]
    pub overlap: MeshOverlap,
    /// It fires for no time before this. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
    /// It fires for no time after this. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Moment>,
    /// Days from the date of the fire time to the data date: -366 to 366. Default: -1, the day before.
    #[serde(default = "day_before", skip_serializing_if = "is_day_before")]
    #[schemars(range(min = -366, max = 366))]
    pub date_offset: i32,
    /// Params of its executions, over those of file, flows and jobs. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub params: TextMap,
    /// By when its execution must have started; else there is an alert. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_by: Option<MeshDeadline>,
    /// By when its execution must have finished; else there is an alert. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_by: Option<MeshDeadline>,
    /// Names of the alert rules that hold for its executions. Default: none but the default rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
}

/// What becomes of several fire times that have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshMissed {
    /// One execution for the latest of them.
    #[default]
    Coalesce,
    /// An execution for each.
    CatchUp,
}

/// What becomes of a fire time at which as many executions live as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshOverlap {
    /// It is skipped.
    Skip,
    /// It waits until one of them ends.
    #[default]
    Queue,
}

impl MeshSchedule {
    /// A schedule of a flow with nothing but a name and a trigger.
    pub fn new(name: impl Into<String>, flow: impl Into<String>, trigger: MeshTrigger) -> Self {
        Self {
            name: name.into(),
            description: None,
            directory: root_directory(),
            owner: None,
            flow: flow.into(),
            downstream: false,
            trigger,
            zone: None,
            paused: false,
            calendar: None,
            filter: None,
            misfire_grace: one_hour(),
            missed: MeshMissed::default(),
            max_instances: 1,
            overlap: MeshOverlap::default(),
            not_before: None,
            not_after: None,
            date_offset: day_before(),
            params: TextMap::default(),
            start_by: None,
            finish_by: None,
            alerts: Vec::new(),
        }
    }
}

fn one_hour() -> Span {
    Span::from_millis(3_600_000).unwrap_or_default()
}

fn is_one_hour(span: &Span) -> bool {
    *span == one_hour()
}

fn is_coalesce(missed: &MeshMissed) -> bool {
    *missed == MeshMissed::Coalesce
}

fn is_queue(overlap: &MeshOverlap) -> bool {
    *overlap == MeshOverlap::Queue
}

fn day_before() -> i32 {
    -1
}

fn is_day_before(days: &i32) -> bool {
    *days == day_before()
}
