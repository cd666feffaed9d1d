//! The fields of an expression: their order, ranges and names in each dialect.

use core::fmt;

use super::Dialect;

/// What a field of a cron expression is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Field {
    /// Year, 1 to 9999.
    Year,
    /// Month of the year, 1 to 12 or a name.
    Month,
    /// Day of the month, 1 to 31; `day` in the keyword form.
    DayOfMonth,
    /// Week of the year by ISO 8601, 1 to 53; only in the keyword form.
    Week,
    /// Day of the week; its numbers depend on the dialect.
    DayOfWeek,
    /// Hour, 0 to 23.
    Hour,
    /// Minute, 0 to 59.
    Minute,
    /// Second, 0 to 59.
    Second,
}

impl Field {
    /// The field's name: `day_of_month`, and `day` only as a key of the keyword form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::DayOfMonth => "day_of_month",
            Self::Week => "week",
            Self::DayOfWeek => "day_of_week",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    /// The field that a key of the keyword form names.
    pub(super) fn from_key(key: &str) -> Option<Self> {
        Self::KEYWORDS.into_iter().find(|field| key == field.key())
    }

    /// The key of the field in the keyword form.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::DayOfMonth => "day",
            Self::Year
            | Self::Month
            | Self::Week
            | Self::DayOfWeek
            | Self::Hour
            | Self::Minute
            | Self::Second => self.as_str(),
        }
    }

    /// The fields of the keyword form, the coarsest first.
    pub(super) const KEYWORDS: [Self; 8] = [
        Self::Year,
        Self::Month,
        Self::DayOfMonth,
        Self::Week,
        Self::DayOfWeek,
        Self::Hour,
        Self::Minute,
        Self::Second,
    ];

    /// The least and the greatest number that the field takes.
    pub(super) const fn bounds(self, dialect: Dialect) -> (u16, u16) {
        match (self, dialect) {
            (Self::Year, Dialect::Apscheduler) => (1970, 9999),
            (Self::Year, Dialect::Unix | Dialect::Quartz) => (1, 9999),
            (Self::Month, _) => (1, 12),
            (Self::DayOfMonth, _) => (1, 31),
            (Self::Week, _) => (1, 53),
            // 7 is Sunday too.
            (Self::DayOfWeek, Dialect::Unix) => (0, 7),
            (Self::DayOfWeek, Dialect::Quartz) => (1, 7),
            (Self::DayOfWeek, Dialect::Apscheduler) => (0, 6),
            (Self::Hour, _) => (0, 23),
            (Self::Minute | Self::Second, _) => (0, 59),
        }
    }

    /// The values that `*` with a step counts over: [`bounds`](Self::bounds), without the second Sunday of `unix`, and
    /// years from 1970.
    pub(super) const fn span(self, dialect: Dialect) -> (u16, u16) {
        match (self, dialect) {
            (Self::Year, _) => (1970, 9999),
            (Self::DayOfWeek, Dialect::Unix) => (0, 6),
            _ => self.bounds(dialect),
        }
    }

    /// The number that a name stands for in this field, whatever its case.
    pub(super) fn number_of(self, dialect: Dialect, name: &str) -> Option<u16> {
        let position = |names: &[&str]| {
            names
                .iter()
                .position(|it| it.eq_ignore_ascii_case(name))
                .and_then(|at| u16::try_from(at).ok())
        };
        match self {
            Self::Month => position(&MONTHS).map(|at| at + 1),
            Self::DayOfWeek => position(&WEEKDAYS).map(|monday_0| match dialect {
                Dialect::Unix => (monday_0 + 1) % 7,
                Dialect::Quartz => (monday_0 + 1) % 7 + 1,
                Dialect::Apscheduler => monday_0,
            }),
            Self::Year
            | Self::DayOfMonth
            | Self::Week
            | Self::Hour
            | Self::Minute
            | Self::Second => None,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// English names of the months.
pub(super) const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// English names of the days of the week, from Monday.
pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The day of the week, Monday = 0, that a dialect's number means.
pub(super) const fn monday_0(dialect: Dialect, number: u16) -> u16 {
    match dialect {
        Dialect::Unix => (number + 6) % 7,
        Dialect::Quartz => (number + 5) % 7,
        Dialect::Apscheduler => number % 7,
    }
}
