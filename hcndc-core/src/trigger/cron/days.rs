//! The dates that the day fields of an expression admit.

use alloc::vec::Vec;

use chrono::{Datelike as _, NaiveDate, Weekday};

/// Days of a month in one of the ways that expressions name them; what is named in any way counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DaySet {
    /// Bit `n`: the `n`th day.
    pub(super) days: u32,
    /// Bit `n`: the `n`th day before the last, 0 = the last.
    pub(super) before_last: u32,
    /// Bit `n`: the weekday (Monday to Friday) nearest to the `n`th day, in the same month.
    pub(super) near: u32,
    /// Bit `n`: the weekday nearest to the `n`th day before the last.
    pub(super) near_before_last: u32,
    /// Bit `w`: each day `w` of the week, Monday = 0.
    pub(super) weekdays: u8,
    /// By `n` - 1, bit `w`: the `n`th of the month's days `w` of the week.
    pub(super) nth: [u8; 5],
    /// Bit `w`: the last of the month's days `w` of the week.
    pub(super) last: u8,
}

impl DaySet {
    /// The days of a month of `len` days that begins on day `first` of the week: bit `n` for the `n`th.
    pub(super) fn of_month(&self, len: u32, first: u32) -> u32 {
        let whole = ((1_u64 << (len + 1)) - 2) as u32;
        let mut found = self.days & whole;
        for n in Bits(self.before_last) {
            if n < len {
                found |= 1 << (len - n);
            }
        }
        for day in Bits(self.near) {
            if day <= len {
                found |= 1 << nearest(day, len, first);
            }
        }
        for n in Bits(self.near_before_last) {
            if n < len {
                found |= 1 << nearest(len - n, len, first);
            }
        }
        for weekday in Bits(u32::from(self.weekdays)) {
            let day = 1 + (weekday + 7 - first) % 7;
            // Every seventh bit from the first such day on.
            found |= (0x1020_4081 << day) & whole;
        }
        for (n, weekdays) in self.nth.into_iter().enumerate() {
            for weekday in Bits(u32::from(weekdays)) {
                let day = 1 + (weekday + 7 - first) % 7 + 7 * n as u32;
                if day <= len {
                    found |= 1 << day;
                }
            }
        }
        for weekday in Bits(u32::from(self.last)) {
            let last = (first + len - 1) % 7;
            found |= 1 << (len - (last + 7 - weekday) % 7);
        }
        found
    }
}

/// The weekday nearest to a day without leaving the month.
const fn nearest(day: u32, len: u32, first: u32) -> u32 {
    match (first + day - 1) % 7 {
        5 if day == 1 => 3,
        5 => day - 1,
        6 if day == len => day - 2,
        6 => day + 1,
        _ => day,
    }
}

/// Indices of the bits that are set, ascending.
pub(super) struct Bits<T>(pub(super) T);

impl Iterator for Bits<u32> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let at = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(at)
    }
}

/// How the two day fields go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// A day that either names.
    Either,
    /// A day that both name.
    Both,
}

/// Years from `first` to `last`, every `step`th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Years {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) step: u16,
}

/// The dates of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dates {
    /// None: every year.
    pub(super) years: Vec<Years>,
    /// Bit `n`: the `n`th month.
    pub(super) months: u16,
    /// Bit `n`: week `n` of ISO 8601; every week if all of 1 to 53 are set.
    pub(super) weeks: u64,
    pub(super) of_month: DaySet,
    pub(super) of_week: DaySet,
    pub(super) rule: DayRule,
    /// For each kind of year, the months that have a date; see [`kind`].
    by_kind: [u16; 28],
}

/// All weeks of a year.
pub(super) const ALL_WEEKS: u64 = (1 << 54) - 2;

impl Dates {
    pub(super) fn new(
        years: Vec<Years>,
        months: u16,
        weeks: u64,
        of_month: DaySet,
        of_week: DaySet,
        rule: DayRule,
    ) -> Self {
        let mut dates = Self {
            years,
            months,
            weeks,
            of_month,
            of_week,
            rule,
            by_kind: [0; 28],
        };
        let mut seen = 0_u32;
        // Of two years in a row one at most is a leap year, and each may begin on any day: 28 years hold all kinds.
        for year in 2000..2028 {
            let kind = kind(year);
            if seen & (1 << kind) == 0 {
                seen |= 1 << kind;
                let months = Bits(u32::from(months)).filter(|&month| dates.days(year, month) != 0);
                dates.by_kind[kind] = months.fold(0, |found, month| found | 1 << month);
            }
        }
        dates
    }

    /// The days of a month that are admitted, bit `n` for the `n`th.
    fn days(&self, year: i32, month: u32) -> u32 {
        let Some(start) = NaiveDate::from_ymd_opt(year, month, 1) else {
            return 0;
        };
        let len = u32::from(start.num_days_in_month());
        let first = start.weekday().num_days_from_monday();
        let (of_month, of_week) = (
            self.of_month.of_month(len, first),
            self.of_week.of_month(len, first),
        );
        let mut found = match self.rule {
            DayRule::Either => of_month | of_week,
            DayRule::Both => of_month & of_week,
        };
        if self.weeks != ALL_WEEKS {
            for day in Bits(found) {
                let week = start.with_day(day).map_or(0, |date| date.iso_week().week());
                if self.weeks & (1 << week) == 0 {
                    found &= !(1 << day);
                }
            }
        }
        found
    }

    /// The months of a year that have a date; none if the year is not admitted.
    fn months(&self, year: i32) -> u32 {
        u32::from(self.by_kind[kind(year)])
    }

    /// The earliest admitted year that is not before `year`.
    fn year_from(&self, year: i32) -> Option<i32> {
        if self.years.is_empty() {
            return (year <= 9999).then_some(year);
        }
        let of = |years: &Years| {
            let (first, last, step) = (
                i32::from(years.first),
                i32::from(years.last),
                i32::from(years.step),
            );
            let steps = ((year - first).max(0) + step - 1) / step;
            Some(first + steps * step).filter(|&found| found <= last)
        };
        self.years.iter().filter_map(of).min()
    }

    /// The latest admitted year that is not after `year`.
    fn year_until(&self, year: i32) -> Option<i32> {
        if self.years.is_empty() {
            return (year >= 1).then_some(year);
        }
        let of = |years: &Years| {
            let (first, last, step) = (
                i32::from(years.first),
                i32::from(years.last),
                i32::from(years.step),
            );
            (year >= first).then(|| first + (year.min(last) - first) / step * step)
        };
        self.years.iter().filter_map(of).max()
    }

    /// True if no year has a date.
    pub(super) fn is_never(&self) -> bool {
        self.from(NaiveDate::MIN).is_none()
    }

    /// The earliest date of years 1 to 9999 that is not before `date`.
    pub(super) fn from(&self, date: NaiveDate) -> Option<NaiveDate> {
        let mut year = self.year_from(date.year().max(1))?;
        let (mut months, mut first_days) = (u32::MAX, u32::MAX);
        if year == date.year() {
            months = u32::MAX << date.month();
            first_days = u32::MAX << date.day();
        }
        let mut searched = 0;
        loop {
            for month in Bits(self.months(year) & months) {
                let mut days = self.days(year, month);
                if year == date.year() && month == date.month() {
                    days &= first_days;
                }
                if days != 0 {
                    return NaiveDate::from_ymd_opt(year, month, days.trailing_zeros());
                }
            }
            // The calendar repeats after 400 years; with years of its own, an expression may need all of them.
            searched += 1;
            if self.years.is_empty() && searched > 400 {
                return None;
            }
            year = self.year_from(year + 1)?;
            months = u32::MAX;
        }
    }

    /// The latest date of years 1 to 9999 that is not after `date`.
    pub(super) fn until(&self, date: NaiveDate) -> Option<NaiveDate> {
        let mut year = self.year_until(date.year().min(9999))?;
        let (mut months, mut last_days) = (u32::MAX, u32::MAX);
        if year == date.year() {
            months = (2 << date.month()) - 1;
            last_days = ((2_u64 << date.day()) - 1) as u32;
        }
        let mut searched = 0;
        loop {
            let mut left = self.months(year) & months;
            while left != 0 {
                let month = 31 - left.leading_zeros();
                left &= !(1 << month);
                let mut days = self.days(year, month);
                if year == date.year() && month == date.month() {
                    days &= last_days;
                }
                if days != 0 {
                    return NaiveDate::from_ymd_opt(year, month, 31 - days.leading_zeros());
                }
            }
            searched += 1;
            if self.years.is_empty() && searched > 400 {
                return None;
            }
            year = self.year_until(year - 1)?;
            months = u32::MAX;
        }
    }

    /// True if the date is admitted.
    pub(super) fn contains(&self, date: NaiveDate) -> bool {
        let year = date.year();
        self.year_from(year) == Some(year)
            && self.months(year) & (1 << date.month()) != 0
            && self.days(year, date.month()) & (1 << date.day()) != 0
    }
}

/// Years of one kind have the same dates in the same weeks of ISO 8601: the day of the week that the year begins with,
/// whether it is a leap year, and whether the year before was (its last week reaches into this one).
fn kind(year: i32) -> usize {
    let begins = NaiveDate::from_ymd_opt(year, 1, 1)
        .map_or(Weekday::Mon, |date| date.weekday())
        .num_days_from_monday() as usize;
    let is_leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    begins * 4 + usize::from(is_leap(year)) * 2 + usize::from(is_leap(year - 1))
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_of_year_is_among_those_that_are_looked_at() {
        let kinds = |years: core::ops::Range<i32>| -> BTreeSet<usize> { years.map(kind).collect() };
        assert_eq!(kinds(1..10_000), kinds(2000..2028));
    }

    /// Every kind of month: its length, and the day of the week that it begins with.
    fn months() -> impl Iterator<Item = (u32, u32)> {
        (28..=31).flat_map(|len| (0..7).map(move |first| (len, first)))
    }

    #[test]
    fn the_nearest_workday_is_the_nearest_in_its_month() {
        for (len, first) in months() {
            let is_workday = |day: &u32| (first + day - 1) % 7 < 5;
            for day in 1..=31 {
                let near = (1..=len)
                    .filter(is_workday)
                    .min_by_key(|it| it.abs_diff(day))
                    .filter(|_| day <= len);
                let set = DaySet {
                    near: 1 << day,
                    ..DaySet::default()
                };
                assert_eq!(
                    set.of_month(len, first),
                    near.map_or(0, |it| 1 << it),
                    "{day}W of {len} days from {first}"
                );
            }
            let last = (1..=len).rfind(is_workday).map_or(0, |it| 1 << it);
            let set = DaySet {
                near_before_last: 1,
                ..DaySet::default()
            };
            assert_eq!(set.of_month(len, first), last);
        }
    }

    #[test]
    fn each_day_is_one_nth_of_its_name_and_one_of_the_last_seven_is_the_last() {
        for (len, first) in months() {
            for weekday in 0..7 {
                let days: Vec<u32> = (1..=len)
                    .filter(|day| (first + day - 1) % 7 == weekday)
                    .collect();
                let bit = 1 << weekday;
                for n in 0..5 {
                    let mut set = DaySet::default();
                    set.nth[n] = bit;
                    let nth = days.get(n).map_or(0, |day| 1 << day);
                    assert_eq!(set.of_month(len, first), nth);
                }
                let set = DaySet {
                    last: bit,
                    ..DaySet::default()
                };
                assert_eq!(set.of_month(len, first), 1 << days[days.len() - 1]);
                let set = DaySet {
                    weekdays: bit,
                    ..DaySet::default()
                };
                let all = days.iter().fold(0, |found, day| found | 1 << day);
                assert_eq!(set.of_month(len, first), all);
            }
        }
    }
}
