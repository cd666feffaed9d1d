//! Calendars: which days are business days.

use alloc::string::String;

use super::Revision;
use crate::{id::CalendarId, trigger::calendar::BusinessDays};

/// Which days are business days, for the flows and schedules that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Calendar {
    /// Given by the engine.
    pub id: CalendarId,
    /// Unique among calendars; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Weekends, holidays and make-up workdays (调休); at most 10,000 dates of each kind.
    pub days: BusinessDays,
    /// Version, and who made it.
    pub revision: Revision,
}

/// A [`Calendar`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on Calendar")]
pub struct CalendarDraft {
    /// `None` makes a new one.
    pub id: Option<CalendarId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub days: BusinessDays,
}

impl CalendarDraft {
    /// A new calendar of this name and these days.
    #[must_use]
    pub fn new(name: impl Into<String>, days: BusinessDays) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            days,
        }
    }
}
