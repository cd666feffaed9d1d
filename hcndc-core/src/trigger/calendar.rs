//! Business days and the days that rules pick: month ends, the nth business day, listed dates.

use alloc::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate};

use super::{
    TimingError, Weekdays,
    zone::{DAY, LocalTimes, date_of, day_of},
};
use crate::time::DataDate;

/// Which dates are business days: all but weekends and holidays, and the make-up workdays (调休) whatever else they are.
///
/// ```
/// use hcndc_core::trigger::{Weekdays, calendar::BusinessDays};
/// let calendar = BusinessDays {
///     weekend: Weekdays::WEEKEND,
///     holidays: ["2026-10-01".parse()?, "2026-10-02".parse()?].into(),
///     workdays: ["2026-09-27".parse()?].into(), // a Sunday
/// };
/// assert!(!calendar.is_business("2026-10-01".parse()?));
/// assert!(calendar.is_business("2026-09-27".parse()?));
/// assert_eq!(calendar.next("2026-09-30".parse()?), Some("2026-10-05".parse()?));
/// # Ok::<(), hcndc_core::time::TimeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct BusinessDays {
    /// Days of each week that are none.
    pub weekend: Weekdays,
    /// Dates that are none.
    pub holidays: BTreeSet<DataDate>,
    /// Dates that are business days although they lie on a weekend or among the holidays.
    pub workdays: BTreeSet<DataDate>,
}

impl Default for BusinessDays {
    /// Monday to Friday, without holidays.
    fn default() -> Self {
        Self {
            weekend: Weekdays::WEEKEND,
            holidays: BTreeSet::new(),
            workdays: BTreeSet::new(),
        }
    }
}

impl BusinessDays {
    /// True if the date is a business day.
    #[must_use]
    pub fn is_business(&self, date: DataDate) -> bool {
        self.workdays.contains(&date)
            || (!self.holidays.contains(&date) && !self.weekend.contains(date.to_naive().weekday()))
    }

    /// The first business day after a date; `None` if there is none up to year 9999.
    #[must_use]
    pub fn next(&self, after: DataDate) -> Option<DataDate> {
        self.from(after.plus_days(1)?, true)
    }

    /// The last business day before a date; `None` if there is none from year 1.
    #[must_use]
    pub fn prev(&self, before: DataDate) -> Option<DataDate> {
        self.until(before.plus_days(-1)?, true)
    }

    /// The `n`th business day of a month; counted from its end if `n` is negative (-1 = the last). `None` if the month
    /// has not so many, and for 0.
    #[must_use]
    pub fn nth_of_month(&self, year: i32, month: u32, n: i8) -> Option<DataDate> {
        let first = DataDate::new(NaiveDate::from_ymd_opt(year, month, 1)?)?;
        let len = i32::from(first.to_naive().num_days_in_month());
        let mut days = (0..len).filter_map(|day| first.plus_days(day));
        let skipped = usize::from(n.unsigned_abs()).checked_sub(1)?;
        if n > 0 {
            days.filter(|&day| self.is_business(day)).nth(skipped)
        } else {
            let mut days = core::iter::from_fn(|| days.next_back());
            days.by_ref()
                .filter(|&day| self.is_business(day))
                .nth(skipped)
        }
    }

    /// The first date from `date` on that is a business day, or that is none if `wanted` is false. The cost grows with
    /// the holidays or workdays that lie in a row, not with the distance.
    fn from(&self, date: DataDate, wanted: bool) -> Option<DataDate> {
        let (listed, other) = self.lists(wanted);
        let by_list = listed
            .range(date..)
            .find(|&&it| self.is_business(it) == wanted)
            .copied();
        let by_week = self.has_weekday(wanted).then(|| {
            let mut day = date;
            while self.is_weekend(day) == wanted || other.contains(&day) {
                day = day.plus_days(1)?;
            }
            Some(day)
        });
        earlier(by_list, by_week.flatten())
    }

    fn until(&self, date: DataDate, wanted: bool) -> Option<DataDate> {
        let (listed, other) = self.lists(wanted);
        let by_list = listed
            .range(..=date)
            .rfind(|&&it| self.is_business(it) == wanted)
            .copied();
        let by_week = self.has_weekday(wanted).then(|| {
            let mut day = date;
            while self.is_weekend(day) == wanted || other.contains(&day) {
                day = day.plus_days(-1)?;
            }
            Some(day)
        });
        by_list.max(by_week.flatten())
    }

    /// The dates listed as being what is wanted, and those listed as the contrary.
    const fn lists(&self, business: bool) -> (&BTreeSet<DataDate>, &BTreeSet<DataDate>) {
        if business {
            (&self.workdays, &self.holidays)
        } else {
            (&self.holidays, &self.workdays)
        }
    }

    fn is_weekend(&self, date: DataDate) -> bool {
        self.weekend.contains(date.to_naive().weekday())
    }

    /// True if some day of the week is what is wanted.
    const fn has_weekday(&self, business: bool) -> bool {
        if business {
            !self.weekend.is_full()
        } else {
            !self.weekend.is_empty()
        }
    }
}

fn earlier(one: Option<DataDate>, two: Option<DataDate>) -> Option<DataDate> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

/// Dates that a schedule fires on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "days"))]
pub enum DayRule {
    /// Every business day.
    Business,
    /// Every day that is no business day.
    NonBusiness,
    /// One day of each month that has it.
    NthDay {
        /// 1 to 31, or -1 to -31 counted from the end: -1 is the last day.
        n: i8,
    },
    /// One business day of each month that has it.
    NthBusiness {
        /// 1 to 31, or -1 to -31 counted from the end: -1 is the last business day.
        n: i8,
    },
    /// These dates.
    Listed {
        /// At least one.
        dates: BTreeSet<DataDate>,
    },
}

impl DayRule {
    /// The last day of each month.
    pub const MONTH_END: Self = Self::NthDay { n: -1 };
    /// The first business day of each month.
    pub const FIRST_BUSINESS: Self = Self::NthBusiness { n: 1 };
    /// The last business day of each month.
    pub const LAST_BUSINESS: Self = Self::NthBusiness { n: -1 };

    /// Months that are searched for an nth day before it counts as never.
    const SEARCHED: usize = 1_200;

    /// Whether its numbers are in range.
    ///
    /// # Errors
    /// If `n` is not within 1 to 31 or -1 to -31, or no date is listed.
    pub fn check(&self) -> Result<(), TimingError> {
        match self {
            Self::NthDay { n } | Self::NthBusiness { n } => {
                if (1..=31).contains(&n.unsigned_abs()) {
                    Ok(())
                } else {
                    Err(TimingError::NthOutOfRange { n: *n })
                }
            }
            Self::Listed { dates } if dates.is_empty() => Err(TimingError::NoDates),
            Self::Business | Self::NonBusiness | Self::Listed { .. } => Ok(()),
        }
    }

    /// True if the rule picks the date.
    #[must_use]
    pub fn contains(&self, date: DataDate, calendar: &BusinessDays) -> bool {
        self.from(date, calendar) == Some(date)
    }

    /// The first date from `date` on. An nth day of a month that none of the next hundred years has is never found.
    #[must_use]
    pub fn from(&self, date: DataDate, calendar: &BusinessDays) -> Option<DataDate> {
        match self {
            Self::Business => calendar.from(date, true),
            Self::NonBusiness => calendar.from(date, false),
            Self::Listed { dates } => dates.range(date..).next().copied(),
            Self::NthDay { .. } | Self::NthBusiness { .. } => {
                let start = date.to_naive();
                let (mut year, mut month) = (start.year(), start.month());
                for _ in 0..Self::SEARCHED {
                    let found = self.of_month(year, month, calendar);
                    if let Some(found) = found.filter(|&found| found >= date) {
                        return Some(found);
                    }
                    (year, month) = if month == 12 {
                        (year + 1, 1)
                    } else {
                        (year, month + 1)
                    };
                }
                None
            }
        }
    }

    /// The last date up to `date`, as [`from`](Self::from) finds them.
    #[must_use]
    pub fn until(&self, date: DataDate, calendar: &BusinessDays) -> Option<DataDate> {
        match self {
            Self::Business => calendar.until(date, true),
            Self::NonBusiness => calendar.until(date, false),
            Self::Listed { dates } => dates.range(..=date).next_back().copied(),
            Self::NthDay { .. } | Self::NthBusiness { .. } => {
                let start = date.to_naive();
                let (mut year, mut month) = (start.year(), start.month());
                for _ in 0..Self::SEARCHED {
                    let found = self.of_month(year, month, calendar);
                    if let Some(found) = found.filter(|&found| found <= date) {
                        return Some(found);
                    }
                    (year, month) = if month == 1 {
                        (year - 1, 12)
                    } else {
                        (year, month - 1)
                    };
                }
                None
            }
        }
    }

    /// The day of a month, for rules that pick one.
    fn of_month(&self, year: i32, month: u32, calendar: &BusinessDays) -> Option<DataDate> {
        match *self {
            Self::NthBusiness { n } => calendar.nth_of_month(year, month, n),
            Self::NthDay { n } => {
                let len =
                    i8::try_from(NaiveDate::from_ymd_opt(year, month, 1)?.num_days_in_month());
                let day = if n < 0 { len.ok()? + n + 1 } else { n };
                let day = u32::try_from(day).ok()?;
                DataDate::new(NaiveDate::from_ymd_opt(year, month, day)?)
            }
            Self::Business | Self::NonBusiness | Self::Listed { .. } => None,
        }
    }
}

/// Dates on which a schedule may fire; on others it does not, and what would have been due is not made up for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "days"))]
pub enum DayFilter {
    /// Business days only.
    OnlyBusiness,
    /// All days but business days.
    NotBusiness,
    /// These dates only.
    Only {
        /// May be empty: then it never fires.
        dates: BTreeSet<DataDate>,
    },
    /// All dates but these.
    AllBut {
        /// May be empty.
        dates: BTreeSet<DataDate>,
    },
}

impl DayFilter {
    /// True if the date is admitted.
    #[must_use]
    pub fn admits(&self, date: DataDate, calendar: &BusinessDays) -> bool {
        match self {
            Self::OnlyBusiness => calendar.is_business(date),
            Self::NotBusiness => !calendar.is_business(date),
            Self::Only { dates } => dates.contains(&date),
            Self::AllBut { dates } => !dates.contains(&date),
        }
    }

    /// The first admitted date from `date` on.
    pub(super) fn from(&self, date: DataDate, calendar: &BusinessDays) -> Option<DataDate> {
        match self {
            Self::OnlyBusiness => calendar.from(date, true),
            Self::NotBusiness => calendar.from(date, false),
            Self::Only { dates } => dates.range(date..).next().copied(),
            Self::AllBut { dates } => {
                let mut day = date;
                while dates.contains(&day) {
                    day = day.plus_days(1)?;
                }
                Some(day)
            }
        }
    }

    /// The last admitted date up to `date`.
    pub(super) fn until(&self, date: DataDate, calendar: &BusinessDays) -> Option<DataDate> {
        match self {
            Self::OnlyBusiness => calendar.until(date, true),
            Self::NotBusiness => calendar.until(date, false),
            Self::Only { dates } => dates.range(..=date).next_back().copied(),
            Self::AllBut { dates } => {
                let mut day = date;
                while dates.contains(&day) {
                    day = day.plus_days(-1)?;
                }
                Some(day)
            }
        }
    }
}

/// The local times of a day rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleTimes<'a> {
    pub(super) rule: &'a DayRule,
    pub(super) at: &'a BTreeSet<super::TimeOfDay>,
    pub(super) calendar: &'a BusinessDays,
}

impl LocalTimes for RuleTimes<'_> {
    fn follows_elapsed_time(&self) -> bool {
        false
    }

    fn at_or_after(&self, local: i64) -> Option<i64> {
        let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let date = date_of(day)?;
        if self.rule.contains(date, self.calendar) {
            let mut times = self.at.iter().map(|it| i64::from(it.as_secs()));
            if let Some(time) = times.find(|&it| it >= time) {
                return Some(day * DAY + time);
            }
        }
        let date = self.rule.from(date.plus_days(1)?, self.calendar)?;
        Some(day_of(date) * DAY + i64::from(self.at.first()?.as_secs()))
    }

    fn at_or_before(&self, local: i64) -> Option<i64> {
        let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let date = date_of(day)?;
        if self.rule.contains(date, self.calendar) {
            let mut times = self.at.iter().map(|it| i64::from(it.as_secs()));
            if let Some(time) = times.rfind(|&it| it <= time) {
                return Some(day * DAY + time);
            }
        }
        let date = self.rule.until(date.plus_days(-1)?, self.calendar)?;
        Some(day_of(date) * DAY + i64::from(self.at.last()?.as_secs()))
    }
}
