//! What a schedule that fires by time stores, and when it is due.

use alloc::collections::BTreeSet;

use chrono_tz::Tz;

use super::{
    TimeOfDay, Weekdays,
    calendar::{BusinessDays, DayFilter, DayRule, RuleTimes},
    cron::Cron,
    interval::Interval,
    zone::{Clock, DAY, LocalTimes, ceiling, date_of, day_of, floor, moment},
};
use crate::time::Timestamp;

/// When a schedule fires by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
pub enum Timing {
    /// By a cron expression.
    Cron(Cron),
    /// Every so often.
    Interval(Interval),
    /// On the days of a rule.
    Calendar {
        /// Which days.
        rule: DayRule,
        /// When on those days, local time; at least one.
        at: BTreeSet<TimeOfDay>,
    },
}

/// What the times of a [`Timing`] depend on besides itself.
#[derive(Clone, Copy, Debug)]
pub struct TimingContext<'a> {
    /// Whose clock counts.
    pub zone: Tz,
    /// Which days are business days; Monday to Friday without one.
    pub calendar: Option<&'a BusinessDays>,
    /// Dates on which it may fire; all without one. The date is that of the local time that is named, also where the
    /// clock jumps over it.
    pub filter: Option<&'a DayFilter>,
    /// The first moment at which it may fire.
    pub not_before: Option<Timestamp>,
    /// The last moment at which it may fire.
    pub not_after: Option<Timestamp>,
}

impl TimingContext<'_> {
    /// A zone, and no restrictions.
    #[must_use]
    pub const fn in_zone(zone: Tz) -> Self {
        Self {
            zone,
            calendar: None,
            filter: None,
            not_before: None,
            not_after: None,
        }
    }
}

impl Timing {
    /// Days in a row on which it would fire but may not, after which it counts as never firing: more than eleven years of
    /// daily times.
    pub const REFUSED: usize = 4_096;

    /// Whether its numbers are in range. Cron expressions and intervals have been checked when they were made.
    ///
    /// # Errors
    /// If a calendar's rule is wrong (see [`DayRule::check`]) or has no time of day.
    pub fn check(&self) -> Result<(), TimingError> {
        match self {
            Self::Cron(_) | Self::Interval(_) => Ok(()),
            Self::Calendar { at, .. } if at.is_empty() => Err(TimingError::NoTimes),
            Self::Calendar { rule, .. } => rule.check(),
        }
    }

    /// The first time later than `after` at which it fires; `None` if there is none, as far as is searched: to the end of
    /// year 9999, but not past [`REFUSED`](Self::REFUSED) days in a row that the filter excludes.
    ///
    /// Times of day that a clock change jumps over or shows twice: see [`Cron::next`]. Those of a calendar are fixed times.
    #[must_use]
    pub fn next(&self, context: &TimingContext<'_>, after: Timestamp) -> Option<Timestamp> {
        let after = context
            .not_before
            .map_or(after, |first| after.max(just_before(first)));
        let (clock, second) = (Clock(context.zone), floor(after));
        let found = match self {
            Self::Cron(cron) => moment(clock.next(&context.admitted(cron.times()), second)?.at),
            Self::Calendar { rule, at } => {
                let calendar = context.calendar();
                let times = RuleTimes { rule, at, calendar };
                moment(clock.next(&context.admitted(&times), second)?.at)
            }
            Self::Interval(interval) => context.next_interval(*interval, after),
        }?;
        context
            .not_after
            .is_none_or(|last| found <= last)
            .then_some(found)
    }

    /// The last time earlier than `before` at which it fires. Times are the same as those of [`next`](Self::next).
    #[must_use]
    pub fn prev(&self, context: &TimingContext<'_>, before: Timestamp) -> Option<Timestamp> {
        let before = context
            .not_after
            .map_or(before, |last| before.min(just_after(last)));
        let (clock, second) = (Clock(context.zone), ceiling(before));
        let found = match self {
            Self::Cron(cron) => moment(clock.prev(&context.admitted(cron.times()), second)?.at),
            Self::Calendar { rule, at } => {
                let calendar = context.calendar();
                let times = RuleTimes { rule, at, calendar };
                moment(clock.prev(&context.admitted(&times), second)?.at)
            }
            Self::Interval(interval) => context.prev_interval(*interval, before),
        }?;
        context
            .not_before
            .is_none_or(|first| found >= first)
            .then_some(found)
    }
}

/// What days count as business days where no calendar is given.
static MONDAY_TO_FRIDAY: BusinessDays = BusinessDays {
    weekend: Weekdays::WEEKEND,
    holidays: BTreeSet::new(),
    workdays: BTreeSet::new(),
};

impl<'a> TimingContext<'a> {
    fn calendar(&self) -> &'a BusinessDays {
        self.calendar.unwrap_or(&MONDAY_TO_FRIDAY)
    }

    fn admitted<T>(&self, times: &'a T) -> Admitted<'a, T> {
        Admitted {
            times,
            filter: self.filter,
            calendar: self.calendar(),
        }
    }

    fn next_interval(&self, interval: Interval, after: Timestamp) -> Option<Timestamp> {
        let Some(filter) = self.filter else {
            return interval.next(after);
        };
        let clock = Clock(self.zone);
        let mut after = after;
        for _ in 0..Timing::REFUSED {
            let found = interval.next(after)?;
            let day = clock.local(floor(found)).div_euclid(DAY);
            let admitted = day_of(filter.from(date_of(day)?, self.calendar())?);
            if admitted == day {
                return Some(found);
            }
            // Not past the first moment of that date: clocks are set by a day at most.
            let earliest = clock.first_of_day(admitted) - 1;
            after = found.max(moment(earliest).unwrap_or(found));
        }
        None
    }

    fn prev_interval(&self, interval: Interval, before: Timestamp) -> Option<Timestamp> {
        let Some(filter) = self.filter else {
            return interval.prev(before);
        };
        let clock = Clock(self.zone);
        let mut before = before;
        for _ in 0..Timing::REFUSED {
            let found = interval.prev(before)?;
            let day = clock.local(floor(found)).div_euclid(DAY);
            let admitted = day_of(filter.until(date_of(day)?, self.calendar())?);
            if admitted == day {
                return Some(found);
            }
            let latest = clock.last_of_day(admitted) + 1;
            before = found.min(moment(latest).unwrap_or(found));
        }
        None
    }
}

/// Local times of which only those on admitted dates count.
#[derive(Clone, Copy, Debug)]
struct Admitted<'a, T> {
    times: &'a T,
    filter: Option<&'a DayFilter>,
    calendar: &'a BusinessDays,
}

impl<T: LocalTimes> LocalTimes for Admitted<'_, T> {
    fn follows_elapsed_time(&self) -> bool {
        self.times.follows_elapsed_time()
    }

    fn at_or_after(&self, local: i64) -> Option<i64> {
        let Some(filter) = self.filter else {
            return self.times.at_or_after(local);
        };
        let mut from = local;
        for _ in 0..Timing::REFUSED {
            let found = self.times.at_or_after(from)?;
            let day = found.div_euclid(DAY);
            let admitted = day_of(filter.from(date_of(day)?, self.calendar)?);
            if admitted == day {
                return Some(found);
            }
            from = admitted * DAY;
        }
        None
    }

    fn at_or_before(&self, local: i64) -> Option<i64> {
        let Some(filter) = self.filter else {
            return self.times.at_or_before(local);
        };
        let mut until = local;
        for _ in 0..Timing::REFUSED {
            let found = self.times.at_or_before(until)?;
            let day = found.div_euclid(DAY);
            let admitted = day_of(filter.until(date_of(day)?, self.calendar)?);
            if admitted == day {
                return Some(found);
            }
            until = admitted * DAY + DAY - 1;
        }
        None
    }
}

/// The latest time that is earlier.
fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(1))
}

/// The earliest time that is later.
fn just_after(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_add(1))
}

/// A timing that never fires because of how it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TimingError {
    /// A number of a day of the month that no month has.
    #[error("{n} is not within 1 to 31 or -1 to -31")]
    NthOutOfRange {
        /// What was given.
        n: i8,
    },
    /// No date is listed.
    #[error("no date is listed")]
    NoDates,
    /// No time of day is given.
    #[error("no time of day is given")]
    NoTimes,
}
