//! Dates, times of day and instants as people write them.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use hcndc_core::time::{DataDate, Timestamp};
use hcndc_core::trigger;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::{TextForm, read_text};

/// A date, written `2026-11-21`. Years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeshDate(pub DataDate);

/// A time of day, written `06:30` or `06:30:15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub trigger::TimeOfDay);

/// An instant, written as in RFC 3339 with its offset: `2026-11-21T18:00:00+08:00`. Not finer than a microsecond.
///
/// Two are equal only if they are written for one offset.
#[derive(Debug, Clone, Copy)]
pub struct Moment(DateTime<FixedOffset>);

impl Moment {
    /// The same instant in UTC.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0.to_utc().into()
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.0.offset() == other.0.offset()
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self(time.to_utc().fixed_offset())
    }
}

impl TextForm for MeshDate {
    const NAME: &'static str = "Date";
    const EXPECTING: &'static str = "a date such as `2026-11-21`";

    fn from_text(text: &str) -> Option<Self> {
        // The compact form would be a number to YAML.
        let dashed = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        dashed.then(|| text.parse().ok().map(Self)).flatten()
    }
}

impl TextForm for TimeOfDay {
    const NAME: &'static str = "TimeOfDay";
    const EXPECTING: &'static str = "a time of day such as `06:30`";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl TextForm for Moment {
    const NAME: &'static str = "Moment";
    const EXPECTING: &'static str = "an instant such as `2026-11-21T18:00:00+08:00`";

    fn from_text(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        let whole = time.timestamp_subsec_nanos() % 1_000 == 0;
        let same = Timestamp::from(time.to_utc()).to_utc() == time;
        (whole && same).then_some(Self(time))
    }
}

impl fmt::Display for MeshDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for MeshDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MeshDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer)
    }
}

impl JsonSchema for MeshDate {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A date such as `2026-11-21`.",
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
        })
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time of day such as `06:30` or `06:30:15`.",
            "type": "string",
            "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"
        })
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An instant as in RFC 3339 with its offset, such as `2026-11-21T18:00:00+08:00`.",
            "type": "string",
            "format": "date-time"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed<T: TextForm + fmt::Display>(text: &str) -> Option<String> {
        T::from_text(text).map(|value| value.to_string())
    }

    #[test]
    fn what_is_sound_prints_as_it_was_written() {
        for text in ["2026-11-21", "0001-01-01", "2024-02-29"] {
            assert_eq!(printed::<MeshDate>(text).as_deref(), Some(text));
        }
        for text in ["00:00", "06:30", "23:59:59"] {
            assert_eq!(printed::<TimeOfDay>(text).as_deref(), Some(text));
        }
        for text in [
            "2026-11-21T18:00:00+08:00",
            "2026-11-21T18:00:00Z",
            "2026-11-21T18:00:00.000250-03:30",
        ] {
            assert_eq!(printed::<Moment>(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_not_sound_is_refused() {
        for text in ["", "20261121", "2026-02-30", "2026-1-1", "0000-01-01"] {
            assert_eq!(printed::<MeshDate>(text), None, "{text}");
        }
        for text in ["", "6:30", "24:00", "06:60", "06", "06:30:15:00", "+6:30"] {
            assert_eq!(printed::<TimeOfDay>(text), None, "{text}");
        }
        for text in [
            "2026-11-21",
            "2026-11-21T18:00:00",
            "2026-11-21T18:00:00.0000001Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(printed::<Moment>(text), None, "{text}");
        }
    }
}
