//! What makes a schedule fire, and on which days it may.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::{ShortForm, TextForm, read_either};
use super::time::{MeshDate, Moment, TimeOfDay};
use crate::interchange::span::Span;

/// What makes a schedule fire. Written as a cron expression, or as a map of which one kind is given.
#[derive(Debug, Clone, PartialEq)]
pub enum MeshTrigger {
    /// Times of a cron expression.
    Cron {
        /// The expression.
        expression: String,
        /// How it is read.
        dialect: MeshDialect,
    },
    /// Every so often.
    Interval {
        /// From one time to the next.
        every: Span,
        /// An instant that is one of the times; `None` for the start of 1970 in UTC.
        from: Option<Moment>,
    },
    /// Times of day on some days.
    Days {
        /// Which days.
        days: MeshDayRule,
        /// At which times.
        at: Vec<TimeOfDay>,
    },
    /// The arrival of a file: a file event's name.
    File(String),
    /// Once for each data date that all of these flows have reached.
    DataDate(Vec<String>),
}

/// How a cron expression is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeshDialect {
    /// Five fields, or six with leading seconds; either of the day fields may match; Sunday is 0 or 7.
    #[default]
    Unix,
    /// Six or seven fields, one of the day fields `?`; Sunday is 1.
    Quartz,
    /// That of APScheduler: both day fields must match; Monday is 0.
    Apscheduler,
}

/// Days of a calendar. Without one, Monday to Friday are the business days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshDayRule {
    /// Every business day.
    Business,
    /// Every other day.
    NotBusiness,
    /// The last day of each month.
    MonthEnd,
    /// The n-th business day of each month, from 1; from the end if negative, the last being -1.
    BusinessDay(i8),
    /// The n-th day of each month, from 1; from the end if negative, the last being -1.
    Day(i8),
    /// These dates.
    Dates(Vec<MeshDate>),
}

/// Days on which a schedule fires, of those that its trigger gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshDayFilter {
    /// On business days only.
    Business,
    /// On other days only.
    NotBusiness,
    /// On these dates only.
    Only(Vec<MeshDate>),
    /// Not on these dates.
    Except(Vec<MeshDate>),
}

/// A time by which something must have happened: so many days after the day of the fire time, in the schedule's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshDeadline {
    /// Days after the day of the fire time.
    pub days: u16,
    /// The time of that day.
    pub at: TimeOfDay,
}

/// A trigger as a map.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongTrigger {
    /// A cron expression, as in the short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// How the cron expression is read. Default: `unix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dialect: Option<MeshDialect>,
    /// The time from one firing to the next: 1 second to 366 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<Span>,
    /// With `every`: an instant that is one of the times. Default: the start of 1970 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Moment>,
    /// Days of the schedule's calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days: Option<MeshDayRule>,
    /// With `days`: times of day, at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    at: Option<Vec<TimeOfDay>>,
    /// Name of a file event: once for each file that arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Names of flows: once for each data date that all of them have reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    data_date_of: Option<Vec<String>>,
}

/// Days as a map: one of its fields.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongDayRule {
    /// The n-th business day of each month; the last one is -1. 1 to 31, or -31 to -1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -31, max = 31))]
    business_day: Option<i8>,
    /// The n-th day of each month; the last one is -1. 1 to 31, or -31 to -1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -31, max = 31))]
    day: Option<i8>,
    /// These dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    dates: Option<Vec<MeshDate>>,
}

/// A filter as a map: one of its fields.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongDayFilter {
    /// On these dates only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<Vec<MeshDate>>,
    /// Not on these dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    except: Option<Vec<MeshDate>>,
}

/// A deadline as a map.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongDeadline {
    /// Days after the day of the fire time: 0 to 366. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 366))]
    days: u16,
    /// The time of that day.
    at: TimeOfDay,
}

impl MeshTrigger {
    fn to_long(&self) -> LongTrigger {
        let none = LongTrigger::default();
        match self.clone() {
            Self::Cron {
                expression,
                dialect,
            } => LongTrigger {
                cron: Some(expression),
                dialect: Some(dialect),
                ..none
            },
            Self::Interval { every, from } => LongTrigger {
                every: Some(every),
                from,
                ..none
            },
            Self::Days { days, at } => LongTrigger {
                days: Some(days),
                at: Some(at),
                ..none
            },
            Self::File(file) => LongTrigger {
                file: Some(file),
                ..none
            },
            Self::DataDate(flows) => LongTrigger {
                data_date_of: Some(flows),
                ..none
            },
        }
    }
}

impl MeshDayRule {
    const BUSINESS: &'static str = "business";
    const NOT_BUSINESS: &'static str = "not_business";
    const MONTH_END: &'static str = "month_end";
}

impl TextForm for MeshTrigger {
    const NAME: &'static str = "Trigger";
    const EXPECTING: &'static str = "a cron expression, or a map of one kind of trigger";

    fn from_text(expression: &str) -> Option<Self> {
        Some(Self::Cron {
            expression: expression.to_owned(),
            dialect: MeshDialect::Unix,
        })
    }
}

impl ShortForm for MeshTrigger {
    type Long = LongTrigger;

    fn from_long(long: LongTrigger) -> Option<Self> {
        match long {
            LongTrigger {
                cron: Some(expression),
                dialect,
                every: None,
                from: None,
                days: None,
                at: None,
                file: None,
                data_date_of: None,
            } => Some(Self::Cron {
                expression,
                dialect: dialect.unwrap_or_default(),
            }),
            LongTrigger {
                cron: None,
                dialect: None,
                every: Some(every),
                from,
                days: None,
                at: None,
                file: None,
                data_date_of: None,
            } => Some(Self::Interval { every, from }),
            LongTrigger {
                cron: None,
                dialect: None,
                every: None,
                from: None,
                days: Some(days),
                at: Some(at),
                file: None,
                data_date_of: None,
            } => Some(Self::Days { days, at }),
            LongTrigger {
                cron: None,
                dialect: None,
                every: None,
                from: None,
                days: None,
                at: None,
                file: Some(file),
                data_date_of: None,
            } => Some(Self::File(file)),
            LongTrigger {
                cron: None,
                dialect: None,
                every: None,
                from: None,
                days: None,
                at: None,
                file: None,
                data_date_of: Some(flows),
            } => Some(Self::DataDate(flows)),
            _ => None,
        }
    }
}

impl TextForm for MeshDayRule {
    const NAME: &'static str = "DayRule";
    const EXPECTING: &'static str =
        "`business`, `not_business`, `month_end`, or a map with `business_day`, `day` or `dates`";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            Self::BUSINESS => Some(Self::Business),
            Self::NOT_BUSINESS => Some(Self::NotBusiness),
            Self::MONTH_END => Some(Self::MonthEnd),
            _ => None,
        }
    }
}

impl ShortForm for MeshDayRule {
    type Long = LongDayRule;

    fn from_long(long: LongDayRule) -> Option<Self> {
        match long {
            LongDayRule {
                business_day: Some(n),
                day: None,
                dates: None,
            } => Some(Self::BusinessDay(n)),
            LongDayRule {
                business_day: None,
                day: Some(n),
                dates: None,
            } => Some(Self::Day(n)),
            LongDayRule {
                business_day: None,
                day: None,
                dates: Some(dates),
            } => Some(Self::Dates(dates)),
            _ => None,
        }
    }
}

impl TextForm for MeshDayFilter {
    const NAME: &'static str = "DayFilter";
    const EXPECTING: &'static str = "`business`, `not_business`, or a map with `only` or `except`";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            MeshDayRule::BUSINESS => Some(Self::Business),
            MeshDayRule::NOT_BUSINESS => Some(Self::NotBusiness),
            _ => None,
        }
    }
}

impl ShortForm for MeshDayFilter {
    type Long = LongDayFilter;

    fn from_long(long: LongDayFilter) -> Option<Self> {
        match long {
            LongDayFilter {
                only: Some(dates),
                except: None,
            } => Some(Self::Only(dates)),
            LongDayFilter {
                only: None,
                except: Some(dates),
            } => Some(Self::Except(dates)),
            _ => None,
        }
    }
}

impl TextForm for MeshDeadline {
    const NAME: &'static str = "Deadline";
    const EXPECTING: &'static str = "a time of day, or a map with `days` and `at`";

    fn from_text(text: &str) -> Option<Self> {
        TimeOfDay::from_text(text).map(|at| Self { days: 0, at })
    }
}

impl ShortForm for MeshDeadline {
    type Long = LongDeadline;

    fn from_long(LongDeadline { days, at }: LongDeadline) -> Option<Self> {
        Some(Self { days, at })
    }
}

impl Serialize for MeshTrigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cron {
                expression,
                dialect: MeshDialect::Unix,
            } => serializer.serialize_str(expression),
            _ => self.to_long().serialize(serializer),
        }
    }
}

impl Serialize for MeshDayRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = LongDayRule::default();
        let long = match self {
            Self::Business => return serializer.serialize_str(Self::BUSINESS),
            Self::NotBusiness => return serializer.serialize_str(Self::NOT_BUSINESS),
            Self::MonthEnd => return serializer.serialize_str(Self::MONTH_END),
            Self::BusinessDay(n) => LongDayRule {
                business_day: Some(*n),
                ..none
            },
            Self::Day(n) => LongDayRule {
                day: Some(*n),
                ..none
            },
            Self::Dates(dates) => LongDayRule {
                dates: Some(dates.clone()),
                ..none
            },
        };
        long.serialize(serializer)
    }
}

impl Serialize for MeshDayFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = LongDayFilter::default();
        let long = match self {
            Self::Business => return serializer.serialize_str(MeshDayRule::BUSINESS),
            Self::NotBusiness => return serializer.serialize_str(MeshDayRule::NOT_BUSINESS),
            Self::Only(dates) => LongDayFilter {
                only: Some(dates.clone()),
                ..none
            },
            Self::Except(dates) => LongDayFilter {
                except: Some(dates.clone()),
                ..none
            },
        };
        long.serialize(serializer)
    }
}

impl Serialize for MeshDeadline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { days, at } = *self;
        if days == 0 {
            return at.serialize(serializer);
        }
        LongDeadline { days, at }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MeshTrigger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_either(deserializer)
    }
}

impl<'de> Deserialize<'de> for MeshDayRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_either(deserializer)
    }
}

impl<'de> Deserialize<'de> for MeshDayFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_either(deserializer)
    }
}

impl<'de> Deserialize<'de> for MeshDeadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_either(deserializer)
    }
}

impl JsonSchema for MeshTrigger {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongTrigger>();
        json_schema!({
            "description": "What makes a schedule fire: a cron expression in the dialect `unix`, or a map of one kind: \
                `cron` and `dialect`; `every` and `from`; `days` and `at`; `file`; `data_date_of`.",
            "anyOf": [{ "type": "string", "minLength": 1 }, long]
        })
    }
}

impl JsonSchema for MeshDayRule {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongDayRule>();
        json_schema!({
            "description": "Days: every business day, every other day, the last day of each month, or a map of one kind.",
            "anyOf": [{ "enum": ["business", "not_business", "month_end"] }, long]
        })
    }
}

impl JsonSchema for MeshDayFilter {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongDayFilter>();
        json_schema!({
            "description": "Days on which a schedule fires, of those that its trigger gives.",
            "anyOf": [{ "enum": ["business", "not_business"] }, long]
        })
    }
}

impl JsonSchema for MeshDeadline {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<TimeOfDay>();
        let long = generator.subschema_for::<LongDeadline>();
        json_schema!({
            "description": "A time by which something must have happened: a time of the day of the fire time, or of a later day.",
            "anyOf": [short, long]
        })
    }
}
