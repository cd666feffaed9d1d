//! Every so often, counted from a moment.

use core::time::Duration;

use crate::time::Timestamp;

/// Fires at its anchor, and every so often before and after it. Knows no zone: it follows elapsed time.
///
/// ```
/// use core::time::Duration;
/// use hcndc_core::{time::Timestamp, trigger::interval::Interval};
/// let anchor: Timestamp = "2026-11-21T00:05:00Z".parse()?;
/// let interval = Interval::new(Duration::from_secs(90 * 60), anchor)?;
/// assert_eq!(interval.next(anchor), Some("2026-11-21T01:35:00Z".parse()?));
/// assert_eq!(interval.prev(anchor), Some("2026-11-20T22:35:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct Interval {
    every: Duration,
    anchor: Timestamp,
}

impl Interval {
    /// The shortest that there is.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest that there is: 366 days.
    pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

    /// An interval of that length, cut to milliseconds, through a moment.
    ///
    /// # Errors
    /// [`OutOfRange`](IntervalError::OutOfRange) unless the length is from [`SHORTEST`](Self::SHORTEST) to
    /// [`LONGEST`](Self::LONGEST).
    pub fn new(every: Duration, anchor: Timestamp) -> Result<Self, IntervalError> {
        let every = Duration::from_millis(u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
        if (Self::SHORTEST..=Self::LONGEST).contains(&every) {
            Ok(Self { every, anchor })
        } else {
            Err(IntervalError::OutOfRange { every })
        }
    }

    /// The time from one to the next.
    #[must_use]
    pub const fn every(self) -> Duration {
        self.every
    }

    /// A moment that it fires at.
    #[must_use]
    pub const fn anchor(self) -> Timestamp {
        self.anchor
    }

    /// The first moment later than `after`; `None` if there is none up to the end of year 9999.
    #[must_use]
    pub fn next(self, after: Timestamp) -> Option<Timestamp> {
        let (every, anchor) = self.micros();
        let steps = (i128::from(after.as_micros()) - anchor).div_euclid(every) + 1;
        moment(anchor + steps * every)
    }

    /// The last moment earlier than `before`; `None` if there is none from the start of year 1.
    #[must_use]
    pub fn prev(self, before: Timestamp) -> Option<Timestamp> {
        let (every, anchor) = self.micros();
        let steps = (i128::from(before.as_micros()) - 1 - anchor).div_euclid(every);
        moment(anchor + steps * every)
    }

    fn micros(self) -> (i128, i128) {
        let every = i128::try_from(self.every.as_micros()).unwrap_or(i128::MAX);
        (every, i128::from(self.anchor.as_micros()))
    }
}

/// A count of microseconds as a time, if years 1 to 9999 have it.
fn moment(micros: i128) -> Option<Timestamp> {
    let micros = i64::try_from(micros).ok()?;
    let time = Timestamp::from_micros(micros);
    (time.as_micros() == micros).then_some(time)
}

/// A length that no interval has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum IntervalError {
    /// Shorter than a second or longer than 366 days.
    #[error("an interval of {every:?} is not within one second to 366 days")]
    OutOfRange {
        /// What was given.
        every: Duration,
    },
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    every_ms: u64,
    anchor: Timestamp,
}

#[cfg(feature = "serde")]
impl From<Interval> for Fields {
    fn from(interval: Interval) -> Self {
        Self {
            every_ms: u64::try_from(interval.every.as_millis()).unwrap_or(u64::MAX),
            anchor: interval.anchor,
        }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for Interval {
    type Error = IntervalError;

    fn try_from(fields: Fields) -> Result<Self, IntervalError> {
        Self::new(Duration::from_millis(fields.every_ms), fields.anchor)
    }
}
