//! Items to bit sets, and local times out of them.

use alloc::vec::Vec;

use chrono::NaiveDate;

use super::{
    Dialect, Field,
    days::{ALL_WEEKS, Dates, DayRule, DaySet, Years},
    field::monday_0,
    parse::{Base, FieldItems, Item},
};
use crate::trigger::zone::{DAY, FIRST_LOCAL, LAST_LOCAL, LocalTimes};

/// An expression as sets of dates and times of day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiled {
    pub(super) dates: Dates,
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    /// Minutes or hours have `*` or a step.
    pub(super) elapsed: bool,
}

impl Compiled {
    pub(super) fn new(dialect: Dialect, fields: &[FieldItems]) -> Self {
        let items = |field: Field| {
            fields
                .iter()
                .find(|it| it.field == field)
                .map_or(&[][..], |it| &it.items)
        };
        let bits = |field: Field, if_absent: u64| match items(field) {
            [] => if_absent,
            items => bits(dialect, field, items),
        };
        let of_month = day_set(dialect, Field::DayOfMonth, items(Field::DayOfMonth));
        let of_week = day_set(dialect, Field::DayOfWeek, items(Field::DayOfWeek));
        // crontab(5): a field that begins with an asterisk does not count as restricted, even if it has a step.
        let is_restricted = |field: Field| {
            fields.iter().any(|it| {
                let first = it.items.first().map(|item| item.base);
                it.field == field && !matches!(first, Some(Base::Every | Base::Unset))
            })
        };
        let either = dialect == Dialect::Unix
            && is_restricted(Field::DayOfMonth)
            && is_restricted(Field::DayOfWeek);
        let elapsed = |field: Field| {
            items(field)
                .iter()
                .any(|item| item.step.is_some() || item.base == Base::Every)
        };
        Self {
            dates: Dates::new(
                years(dialect, items(Field::Year)),
                bits(Field::Month, 0x1ffe) as u16,
                bits(Field::Week, ALL_WEEKS),
                of_month,
                of_week,
                if either {
                    DayRule::Either
                } else {
                    DayRule::Both
                },
            ),
            seconds: bits(Field::Second, 1),
            minutes: bits(Field::Minute, 1),
            hours: bits(Field::Hour, 1),
            elapsed: elapsed(Field::Minute) || elapsed(Field::Hour),
        }
    }

    /// The earliest time of day, in seconds.
    fn first_time(&self) -> i64 {
        i64::from(
            self.hours.trailing_zeros() * 3_600
                + self.minutes.trailing_zeros() * 60
                + self.seconds.trailing_zeros(),
        )
    }

    /// The latest time of day, in seconds.
    fn last_time(&self) -> i64 {
        i64::from(top(self.hours) * 3_600 + top(self.minutes) * 60 + top(self.seconds))
    }

    /// The earliest time of day that is not before `time`.
    fn time_from(&self, time: i64) -> Option<i64> {
        let (hour, minute, second) = split(time);
        if self.hours & (1 << hour) != 0 {
            if self.minutes & (1 << minute) != 0
                && let Some(second) = from(self.seconds, second)
            {
                return Some(join(hour, minute, second));
            }
            if let Some(minute) = from(self.minutes, minute + 1) {
                return Some(join(hour, minute, self.seconds.trailing_zeros()));
            }
        }
        let hour = from(self.hours, hour + 1)?;
        let (minute, second) = (self.minutes.trailing_zeros(), self.seconds.trailing_zeros());
        Some(join(hour, minute, second))
    }

    /// The latest time of day that is not after `time`.
    fn time_until(&self, time: i64) -> Option<i64> {
        let (hour, minute, second) = split(time);
        if self.hours & (1 << hour) != 0 {
            if self.minutes & (1 << minute) != 0
                && let Some(second) = below(self.seconds, second + 1)
            {
                return Some(join(hour, minute, second));
            }
            if let Some(minute) = below(self.minutes, minute) {
                return Some(join(hour, minute, top(self.seconds)));
            }
        }
        let hour = below(self.hours, hour)?;
        Some(join(hour, top(self.minutes), top(self.seconds)))
    }
}

impl LocalTimes for Compiled {
    fn follows_elapsed_time(&self) -> bool {
        self.elapsed
    }

    fn at_or_after(&self, local: i64) -> Option<i64> {
        if local > LAST_LOCAL {
            return None;
        }
        let local = local.max(FIRST_LOCAL);
        let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        if self.dates.contains(date)
            && let Some(time) = self.time_from(time)
        {
            return Some(day * DAY + time);
        }
        let date = self.dates.from(date.succ_opt()?)?;
        Some(i64::from(date.to_epoch_days()) * DAY + self.first_time())
    }

    fn at_or_before(&self, local: i64) -> Option<i64> {
        if local < FIRST_LOCAL {
            return None;
        }
        let local = local.min(LAST_LOCAL);
        let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        if self.dates.contains(date)
            && let Some(time) = self.time_until(time)
        {
            return Some(day * DAY + time);
        }
        let date = self.dates.until(date.pred_opt()?)?;
        Some(i64::from(date.to_epoch_days()) * DAY + self.last_time())
    }
}

/// Hour, minute and second of a time of day.
fn split(time: i64) -> (u32, u32, u32) {
    let time = time as u32;
    (time / 3_600, time / 60 % 60, time % 60)
}

fn join(hour: u32, minute: u32, second: u32) -> i64 {
    i64::from(hour * 3_600 + minute * 60 + second)
}

/// The highest bit that is set, of a set that is not empty.
fn top(bits: u64) -> u32 {
    63 - bits.leading_zeros().min(63)
}

/// The lowest bit that is set, of those from `at` on; `at` is 60 at most.
fn from(bits: u64, at: u32) -> Option<u32> {
    let left = bits & (u64::MAX << at);
    (left != 0).then(|| left.trailing_zeros())
}

/// The highest bit that is set, of those below `at`; `at` is 60 at most.
fn below(bits: u64, at: u32) -> Option<u32> {
    let left = bits & !(u64::MAX << at);
    (left != 0).then(|| top(left))
}

/// The numbers that an item names, in the dialect's numbering.
pub(super) fn numbers(dialect: Dialect, field: Field, item: Item) -> impl Iterator<Item = u16> {
    let (least, greatest) = field.span(dialect);
    let count = greatest - least + 1;
    let (first, last) = match item.base {
        Base::Every | Base::Unset => (least, greatest),
        // Sunday, the second.
        Base::One(day) if day > greatest => {
            (least, if item.step.is_some() { greatest } else { least })
        }
        Base::One(value) if item.step.is_some() => (value, greatest),
        Base::One(value) => (value, value),
        Base::ToLast(first) => (first, greatest),
        Base::Range(first, last) if first <= last => (first, last),
        Base::Range(first, last) => (first, last + count),
        Base::BeforeLast { .. } | Base::Near(_) | Base::Nth { .. } | Base::LastWeekday(_) => (1, 0),
    };
    (first..=last)
        .step_by(usize::from(item.step.unwrap_or(1)))
        .map(move |value| {
            if value > greatest {
                least + (value - least) % count
            } else {
                value
            }
        })
}

/// The numbers of a field, bit `n` for number `n`.
fn bits(dialect: Dialect, field: Field, items: &[Item]) -> u64 {
    items
        .iter()
        .flat_map(|&item| numbers(dialect, field, item))
        .fold(0, |found, value| found | 1 << value)
}

fn years(dialect: Dialect, items: &[Item]) -> Vec<Years> {
    let years = items.iter().map(|item| {
        let step = item.step.unwrap_or(1);
        let (first, last) = match item.base {
            Base::One(year) if item.step.is_none() => (year, year),
            Base::One(year) => (year, 9999),
            Base::Range(first, last) => (first, last),
            Base::Every if item.step.is_none() => (1, 9999),
            Base::Every
            | Base::Unset
            | Base::ToLast(_)
            | Base::BeforeLast { .. }
            | Base::Near(_)
            | Base::Nth { .. }
            | Base::LastWeekday(_) => Field::Year.span(dialect),
        };
        Years { first, last, step }
    });
    let every = Years {
        first: 1,
        last: 9999,
        step: 1,
    };
    let years: Vec<_> = years.collect();
    if years.contains(&every) {
        Vec::new()
    } else {
        years
    }
}

/// The days that a day field names; all of them if it is absent.
fn day_set(dialect: Dialect, field: Field, items: &[Item]) -> DaySet {
    let mut set = DaySet::default();
    if items.is_empty() {
        set.days = u32::MAX;
    }
    for item in items {
        match item.base {
            Base::BeforeLast { days, near: false } => set.before_last |= 1 << days,
            Base::BeforeLast { days, near: true } => set.near_before_last |= 1 << days,
            Base::Near(day) => set.near |= 1 << day,
            Base::Nth { weekday, n } => {
                if let Some(nth) = set.nth.get_mut(usize::from(n) - 1) {
                    *nth |= 1 << weekday;
                }
            }
            Base::LastWeekday(weekday) => set.last |= 1 << weekday,
            Base::Every | Base::Unset | Base::One(_) | Base::Range(..) | Base::ToLast(_) => {
                for number in numbers(dialect, field, *item) {
                    if field == Field::DayOfWeek {
                        set.weekdays |= 1 << monday_0(dialect, number);
                    } else {
                        set.days |= 1 << number;
                    }
                }
            }
        }
    }
    set
}
