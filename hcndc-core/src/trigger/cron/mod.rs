//! Cron expressions in three dialects: parsed, printed, and asked for the next and the previous time.
//!
//! ```text
//! text ─ parse ─► items, field by field ─ compile ─► bit sets ─ next, prev ─► moments, in a zone
//!                        └─► lint, words
//! ```

mod compile;
mod days;
mod error;
mod field;
mod lint;
mod parse;
mod words;

use alloc::boxed::Box;
use core::{fmt, str::FromStr};

use chrono_tz::Tz;

use self::compile::Compiled;
use super::zone::{Clock, LocalTimes, ceiling, floor, moment};
use crate::time::Timestamp;

pub use self::{
    error::{CronError, CronErrorKind, Expected},
    field::Field,
    lint::LintFinding,
    words::Language,
};

/// Whose rules an expression is read by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Dialect {
    /// crontab(5): minute, hour, day of month, month, day of week; or six fields with the second before them. Sunday is 0
    /// or 7. If neither day field begins with `*`, a day counts that either names; else one that both name.
    #[default]
    Unix,
    /// Quartz: second, minute, hour, day of month, month, day of week, and perhaps year. Sunday is 1. One of the day
    /// fields is `?` or `*`.
    Quartz,
    /// APScheduler 3: a crontab's five fields, or `key=value` pairs of year, month, day, week, day_of_week, hour, minute
    /// and second. Monday is 0. A day counts that all of its fields name.
    Apscheduler,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unix, Self::Quartz, Self::Apscheduler];

    /// The dialect's name: `unix`, `quartz` or `apscheduler`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Quartz => "quartz",
            Self::Apscheduler => "apscheduler",
        }
    }

    /// The dialect of that name, in lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A cron expression that its dialect allows. Two are equal if dialect and text are.
#[derive(Clone)]
pub struct Cron {
    dialect: Dialect,
    text: Box<str>,
    compiled: Compiled,
}

impl Cron {
    /// Reads an expression. The text is kept as it is, blanks included.
    ///
    /// ```
    /// use hcndc_core::trigger::cron::{Cron, Dialect};
    /// let cron = Cron::parse(Dialect::Unix, "30 2 * * mon-fri")?;
    /// let next = cron.next(chrono_tz::Asia::Shanghai, "2026-11-21T00:00:00Z".parse()?);
    /// assert_eq!(next, Some("2026-11-22T18:30:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// With the first fault: where it is, in which field, and what could stand there.
    pub fn parse(dialect: Dialect, text: &str) -> Result<Self, CronError> {
        let fields = parse::parse(dialect, text)?;
        Ok(Self {
            dialect,
            text: text.into(),
            compiled: Compiled::new(dialect, &fields),
        })
    }

    /// Whose rules it is read by.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The expression as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time later than `after`, on a whole second; `None` if there is none up to the end of year 9999.
    ///
    /// Where a zone's clock changes: an expression with `*` or a step in its minutes or hours follows elapsed time, that
    /// is, it is due at each moment whose local time it names, in both passes of an overlap, and not in a gap. Any other
    /// is due once for each time that it names: at the first moment at which the clock shows that time or, where the
    /// clock jumps over it, at the first moment after the gap. Times of one gap are one. A date that a zone leaves out as
    /// a whole (Samoa, 30 December 2011) is no date of its calendar: nothing is due for it.
    ///
    /// # Complexity
    /// Some hundred nanoseconds; up to a few microseconds where no date is near.
    #[must_use]
    pub fn next(&self, zone: Tz, after: Timestamp) -> Option<Timestamp> {
        let due = Clock(zone).next(&self.compiled, floor(after))?;
        moment(due.at)
    }

    /// The last time earlier than `before`, on a whole second; `None` if there is none from the start of year 1. Times
    /// are the same as those of [`next`](Self::next).
    #[must_use]
    pub fn prev(&self, zone: Tz, before: Timestamp) -> Option<Timestamp> {
        let due = Clock(zone).prev(&self.compiled, ceiling(before))?;
        moment(due.at)
    }

    /// True if it names dates that the calendar does not have, such as 30 February, or only years without them.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.compiled.dates.is_never()
    }

    /// The local times that it names.
    pub(super) const fn times(&self) -> &impl LocalTimes {
        &self.compiled
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.dialect == other.dialect && self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({} {:?})", self.dialect, self.text)
    }
}

/// Reads an expression of the dialect `unix`.
impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(Dialect::Unix, text)
    }
}

#[cfg(feature = "serde")]
mod as_fields {
    use alloc::string::{String, ToString as _};

    use super::{Cron, Dialect};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        #[serde(default)]
        dialect: Dialect,
        expression: String,
    }

    /// As `{dialect, expression}`.
    impl serde::Serialize for Cron {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let fields = Fields {
                dialect: self.dialect,
                expression: self.text.to_string(),
            };
            fields.serialize(serializer)
        }
    }

    /// From `{dialect, expression}`; without a dialect, `unix`. The expression is checked.
    impl<'de> serde::Deserialize<'de> for Cron {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let fields = Fields::deserialize(deserializer)?;
            Self::parse(fields.dialect, &fields.expression).map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests;
