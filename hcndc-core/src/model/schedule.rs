//! Schedules: when a flow runs by itself.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use chrono_tz::Tz;

use super::{AlertRuleRef, CalendarRef, FileEventRef, FlowRef, Param, Revision};
use crate::{
    id::{AlertRuleId, CalendarId, FileEventId, FlowId, ScheduleId},
    time::Timestamp,
    trigger::{TimeOfDay, Timing, calendar::DayFilter},
};

/// When a flow runs by itself (调度).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Schedule {
    /// Given by the engine.
    pub id: ScheduleId,
    /// Unique among schedules; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Whom to ask.
    pub owner: String,
    /// The flow that it starts.
    pub flow: FlowId,
    /// With all flows downstream of it, by parents and by dependencies of jobs.
    pub downstream: bool,
    /// What makes it fire.
    pub trigger: Trigger,
    /// Whose clock its times and dates go by.
    pub zone: Tz,
    /// A paused schedule does not fire.
    pub paused: bool,
    /// Which days are business days; `None` for Monday to Friday.
    pub calendar: Option<CalendarId>,
    /// Dates on which it may fire; `None` for all.
    pub filter: Option<DayFilter>,
    /// How late it may fire for a time that has passed (R9); one hour by default.
    pub misfire_grace: Duration,
    /// What becomes of several times that have passed and are not too late.
    pub missed: Missed,
    /// Executions of it that may be live at once, 1 to 1,000.
    pub max_instances: u32,
    /// What becomes of a time at which that many are.
    pub overlap: Overlap,
    /// The first moment at which it may fire.
    pub not_before: Option<Timestamp>,
    /// The last moment at which it may fire; not before the first.
    pub not_after: Option<Timestamp>,
    /// Days from the local date of the fire time to the data date, -366 to 366; -1, the day before, by default.
    pub date_offset: i32,
    /// Values over those of the flows and jobs.
    pub params: Vec<Param>,
    /// By when its execution must have started.
    pub start_by: Option<Deadline>,
    /// By when its execution must have ended.
    pub finish_by: Option<Deadline>,
    /// Alert rules for its executions, besides those that apply to everything; sorted, each once.
    pub alerts: Vec<AlertRuleId>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// What makes a schedule fire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Trigger {
    /// The time.
    Time(Timing),
    /// A file that arrives.
    File(FileEventId),
    /// All of these flows have reached a data date: once for each such date. Sorted, each once, not empty, none of them the
    /// schedule's own.
    DataDate(Vec<FlowId>),
}

/// What becomes of several fire times that have passed and are not too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Missed {
    /// One execution, for the latest of them.
    #[default]
    Coalesce,
    /// An execution for each.
    CatchUp,
}

/// What becomes of a fire time at which as many executions are live as may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Overlap {
    /// It is skipped.
    Skip,
    /// It waits until one of them has ended.
    #[default]
    Queue,
}

/// A local time by which something must have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Deadline {
    /// Days after the local date of the fire time, 0 to 366.
    pub days: u16,
    /// The time of that day, in the schedule's zone.
    pub at: TimeOfDay,
}

/// A [`Trigger`] as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "they stand on Trigger")]
pub enum TriggerDraft {
    Time(Timing),
    File(FileEventRef),
    DataDate(Vec<FlowRef>),
}

/// A [`Schedule`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Schedule")]
pub struct ScheduleDraft {
    /// `None` makes a new one.
    pub id: Option<ScheduleId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub owner: String,
    pub flow: FlowRef,
    pub downstream: bool,
    pub trigger: TriggerDraft,
    pub zone: Tz,
    pub paused: bool,
    pub calendar: Option<CalendarRef>,
    pub filter: Option<DayFilter>,
    pub misfire_grace: Duration,
    pub missed: Missed,
    pub max_instances: u32,
    pub overlap: Overlap,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    pub date_offset: i32,
    pub params: Vec<Param>,
    pub start_by: Option<Deadline>,
    pub finish_by: Option<Deadline>,
    pub alerts: Vec<AlertRuleRef>,
}

impl ScheduleDraft {
    /// A new schedule of this flow, in UTC, that is not paused, with defaults for the rest.
    #[must_use]
    pub fn new(name: impl Into<String>, flow: FlowRef, trigger: TriggerDraft) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            owner: String::new(),
            flow,
            downstream: false,
            trigger,
            zone: Tz::UTC,
            paused: false,
            calendar: None,
            filter: None,
            misfire_grace: Duration::from_secs(3_600),
            missed: Missed::default(),
            max_instances: 1,
            overlap: Overlap::default(),
            not_before: None,
            not_after: None,
            date_offset: -1,
            params: Vec::new(),
            start_by: None,
            finish_by: None,
            alerts: Vec::new(),
        }
    }
}
