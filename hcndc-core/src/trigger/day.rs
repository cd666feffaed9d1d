//! Parts of calendars and times: days of the week, and times of day.

use core::{fmt, str::FromStr};

use alloc::string::{String, ToString as _};

use chrono::Weekday;

/// A set of days of the week.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0b110_0000);

    /// True if the day is one of them.
    #[must_use]
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    /// True if there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if all seven are there.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.0 == 0b111_1111
    }

    /// The days, from Monday.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        (0..7)
            .filter_map(|day| Weekday::try_from(day).ok())
            .filter(move |&day| self.contains(day))
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        Self(
            days.into_iter()
                .fold(0, |set, day| set | 1 << day.num_days_from_monday()),
        )
    }
}

impl fmt::Debug for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A time of day, to the second.
///
/// Prints as `HH:MM`, or as `HH:MM:SS` if there are seconds; parses both.
///
/// ```
/// use hcndc_core::trigger::TimeOfDay;
/// let time: TimeOfDay = "02:30".parse()?;
/// assert_eq!(time, TimeOfDay::new(2, 30, 0).expect("a time"));
/// # Ok::<(), hcndc_core::trigger::TimeOfDayError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// A time of day; `None` if there is none such.
    #[must_use]
    pub const fn new(hour: u32, minute: u32, second: u32) -> Option<Self> {
        if hour < 24 && minute < 60 && second < 60 {
            Some(Self(hour * 3_600 + minute * 60 + second))
        } else {
            None
        }
    }

    /// Seconds since midnight, as a clock counts that is never changed.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.0 / 3_600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hour:02}:{minute:02}")?;
        if second == 0 {
            Ok(())
        } else {
            write!(f, ":{second:02}")
        }
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    fn from_str(text: &str) -> Result<Self, TimeOfDayError> {
        let number = |part: &str| {
            let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| is_number)
        };
        let mut parts = text.split(':').map(number);
        let time = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(hour)), Some(Some(minute)), None, None) => Self::new(hour, minute, 0),
            (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) => {
                Self::new(hour, minute, second)
            }
            _ => None,
        };
        time.ok_or_else(|| TimeOfDayError {
            text: text.to_string(),
        })
    }
}

/// Text that is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time of day in the form HH:MM or HH:MM:SS")]
pub struct TimeOfDayError {
    /// What was given.
    pub text: String,
}

#[cfg(feature = "serde")]
mod as_text {
    use alloc::{borrow::Cow, vec::Vec};

    use chrono::Weekday;

    use super::{TimeOfDay, Weekdays};

    impl serde::Serialize for TimeOfDay {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> serde::Deserialize<'de> for TimeOfDay {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Cow::<'_, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        }
    }

    /// As a list of names: `["Sat", "Sun"]`.
    impl serde::Serialize for Weekdays {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.iter())
        }
    }

    /// From a list of names, short or long, whatever their case.
    impl<'de> serde::Deserialize<'de> for Weekdays {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Vec::<Weekday>::deserialize(deserializer)?
                .into_iter()
                .collect())
        }
    }
}
