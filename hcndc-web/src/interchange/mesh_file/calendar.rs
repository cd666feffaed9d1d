//! Calendars and pools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::MeshDate;
use super::{is_root_directory, root_directory};

/// Which days are business days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshCalendar {
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
    /// Days of the week that are no business days. Default: saturday and sunday.
    #[serde(default = "weekend", skip_serializing_if = "is_weekend")]
    pub weekend: Vec<MeshWeekday>,
    /// Dates that are no business days either. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<MeshDate>,
    /// Dates that are business days although the weekend says otherwise (调休). Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workdays: Vec<MeshDate>,
}

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days are days")]
pub enum MeshWeekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

fn weekend() -> Vec<MeshWeekday> {
    vec![MeshWeekday::Saturday, MeshWeekday::Sunday]
}

fn is_weekend(days: &[MeshWeekday]) -> bool {
    days == weekend()
}

/// Slots that jobs of any flow and on any executor share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshPool {
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
    /// How many slots its jobs may take together: 1 to 100,000.
    #[schemars(range(min = 1, max = 100_000))]
    pub slots: u32,
}
