//! Time as data: instants, and the business date that a run is for.
//!
//! Nothing here reads a clock; "now" is always an argument.

use alloc::string::{String, ToString};
use core::{fmt, fmt::Write as _, str::FromStr, time::Duration};

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;

/// An instant: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Prints and parses as RFC 3339 with microseconds.
///
/// ```
/// use hcndc_core::time::Timestamp;
/// let t: Timestamp = "2026-11-21T18:00:00.000250Z".parse()?;
/// assert_eq!(t.to_string(), "2026-11-21T18:00:00.000250Z");
/// # Ok::<(), hcndc_core::time::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that prints as RFC 3339: the start of year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The latest instant that prints as RFC 3339: the end of year 9999.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The instant that lies `micros` microseconds after the epoch, held within [`Self::MIN`] and [`Self::MAX`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant and `duration` more, at most [`Self::MAX`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This instant less `duration`, at least [`Self::MIN`].
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this instant is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same instant for chrono.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_micros(time.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc().into())
            .map_err(|_| TimeError::NotRfc3339 {
                text: text.to_string(),
            })
    }
}

/// The business date that a run is for (数据日期, 账期).
///
/// Prints as `YYYY-MM-DD`; parses that or `YYYYMMDD`. Years 1 to 9999.
///
/// ```
/// use hcndc_core::time::DataDate;
/// let date: DataDate = "2026-03-01".parse()?;
/// assert_eq!(date.plus_days(-1).map(|d| d.to_string()).as_deref(), Some("2026-02-28"));
/// # Ok::<(), hcndc_core::time::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataDate(NaiveDate);

impl DataDate {
    /// The date as chrono knows it; `None` outside of years 1 to 9999.
    #[must_use]
    pub fn new(date: NaiveDate) -> Option<Self> {
        use chrono::Datelike as _;
        (1..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// T-1: the day before the one that `now` falls on in `zone`. What a run is for when nobody says.
    ///
    /// ```
    /// use hcndc_core::time::{DataDate, Timestamp};
    /// let now: Timestamp = "2026-11-21T18:00:00Z".parse()?;
    /// // In Shanghai it is two in the morning of the 22nd.
    /// let date = DataDate::day_before(now, chrono_tz::Asia::Shanghai);
    /// assert_eq!(date.to_string(), "2026-11-21");
    /// # Ok::<(), hcndc_core::time::TimeError>(())
    /// ```
    #[must_use]
    pub fn day_before(now: Timestamp, zone: Tz) -> Self {
        let today = now.to_utc().with_timezone(&zone).date_naive();
        Self::new(today - Days::new(1)).unwrap_or_else(|| Self(NaiveDate::default()))
    }

    /// The date `days` later (earlier when negative); `None` outside of years 1 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Option<Self> {
        let moved = if days < 0 {
            self.0
                .checked_sub_days(Days::new(u64::from(days.unsigned_abs())))
        } else {
            self.0
                .checked_add_days(Days::new(u64::from(days.unsigned_abs())))
        };
        moved.and_then(Self::new)
    }

    /// The date for chrono.
    #[must_use]
    pub const fn to_naive(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for DataDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl fmt::Debug for DataDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DataDate {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let parsed = match (text.len(), digits) {
            (10, 8) => NaiveDate::parse_from_str(text, "%Y-%m-%d"),
            (8, 8) => NaiveDate::parse_from_str(text, "%Y%m%d"),
            _ => {
                return Err(TimeError::NotADate {
                    text: text.to_string(),
                });
            }
        };
        parsed
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| TimeError::NotADate {
                text: text.to_string(),
            })
    }
}

/// How a date is written, by `strftime`: fields of a date such as `%Y%m%d`, and no time of day.
///
/// Not empty, [`LONGEST`](Self::LONGEST) bytes at most, and without `}` and NUL, so that it can stand in a placeholder.
///
/// ```
/// use hcndc_core::time::{DataDate, DateFormat};
/// let format: DateFormat = "%d.%m.%Y".parse()?;
/// assert_eq!(format.write("2026-03-01".parse::<DataDate>()?), "01.03.2026");
/// assert!("%H:%M".parse::<DateFormat>().is_err());
/// # Ok::<(), hcndc_core::time::TimeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateFormat(String);

impl DateFormat {
    /// Bytes of one at most.
    pub const LONGEST: usize = 255;

    /// As people write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The date, written so.
    #[must_use]
    pub fn write(&self, date: DataDate) -> String {
        let mut text = String::new();
        // It wrote a date when it was made, and the fields that there are do not depend on which.
        let _ = write!(text, "{}", date.0.format(&self.0));
        text
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DateFormat {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let mut written = String::new();
        let fits = (1..=Self::LONGEST).contains(&text.len())
            && !text.contains(['}', '\0'])
            // What is no field, and a time of day, parse: they fail when a date is written.
            && write!(written, "{}", NaiveDate::default().format(text)).is_ok();
        if fits {
            Ok(Self(text.to_string()))
        } else {
            Err(TimeError::NotADateFormat {
                text: text.to_string(),
            })
        }
    }
}

/// Text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("{text:?} is not a time in RFC 3339, such as 2026-11-21T18:00:00Z")]
    NotRfc3339 {
        /// What was given.
        text: String,
    },
    /// Not a date, or one that the calendar does not have.
    #[error("{text:?} is not a date of the calendar in the form YYYY-MM-DD or YYYYMMDD")]
    NotADate {
        /// What was given.
        text: String,
    },
    /// Not how a date is written.
    #[error(
        "{text:?} is no form of a date: it takes %Y, %m, %d and their kin, no time of day, and 255 bytes at most"
    )]
    NotADateFormat {
        /// What was given.
        text: String,
    },
}

#[cfg(feature = "serde")]
mod as_text {
    use super::{DataDate, DateFormat, Timestamp};
    use alloc::{borrow::Cow, format};

    macro_rules! serde_as_text {
        ($name:ty) => {
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    let text = Cow::<'_, str>::deserialize(deserializer)?;
                    text.parse()
                        .map_err(|error| serde::de::Error::custom(format!("{error}")))
                }
            }
        };
    }
    serde_as_text!(Timestamp);
    serde_as_text!(DataDate);
    serde_as_text!(DateFormat);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_the_calendar_lacks_is_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "20260230",
            "tomorrow",
            "",
            "2026-1-01",
            "+2026-01-1",
        ] {
            assert_eq!(
                text.parse::<DataDate>(),
                Err(TimeError::NotADate {
                    text: text.to_string()
                })
            );
        }
    }

    #[test]
    fn what_does_not_write_dates_is_no_format() {
        let long = "%Y".repeat(DateFormat::LONGEST / 2) + "--";
        let refused = [
            "",
            "%H",
            "%Y-%m-%d %H:%M",
            "%s",
            "%+",
            "%z",
            "%",
            "%Q",
            "%Y}",
            "%Y\0",
            &long,
        ];
        for text in refused {
            assert_eq!(
                text.parse::<DateFormat>(),
                Err(TimeError::NotADateFormat {
                    text: text.to_string()
                })
            );
        }
        let date: DataDate = "0001-02-03".parse().unwrap();
        for (text, written) in [
            ("%Y%m%d", "00010203"),
            ("%F", "0001-02-03"),
            ("day %j of %G-W%V", "day 034 of 0001-W05"),
            ("%%", "%"),
            ("日", "日"),
        ] {
            assert_eq!(text.parse::<DateFormat>().unwrap().write(date), written);
        }
    }

    #[test]
    fn both_spellings_of_a_date_are_the_same_date() {
        assert_eq!(
            "20240229".parse::<DataDate>(),
            "2024-02-29".parse::<DataDate>()
        );
    }

    #[test]
    fn time_saturates_instead_of_overflowing() {
        assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn yesterday_depends_on_the_zone() {
        let now: Timestamp = "2026-11-21T18:00:00Z".parse().unwrap();
        assert_eq!(DataDate::day_before(now, Tz::UTC).to_string(), "2026-11-20");
        assert_eq!(
            DataDate::day_before(now, chrono_tz::Asia::Shanghai).to_string(),
            "2026-11-21"
        );
    }
}
