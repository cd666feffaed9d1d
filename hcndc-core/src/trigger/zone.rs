//! The clock on the wall of a zone: which moment a local time is, across changes of the clock.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::{GapInfo, Tz};

use crate::time::{DataDate, Timestamp};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// The last second of year 9999, local: no time lies beyond it.
pub(super) const LAST_LOCAL: i64 = 253_402_300_799;

/// The first second of year 1, local.
pub(super) const FIRST_LOCAL: i64 = -62_135_596_800;

/// No zone changes its offset and takes the change back within this many seconds (the shortest in the zone database is
/// four days: Freetown, 1939), and none sets its clock by more (Samoa, Manila and Alaska: a day).
const QUIET: i64 = 36 * 3_600;

/// Local times that something is due at, in seconds as [`Clock`] counts them.
pub(super) trait LocalTimes {
    /// True if the times are those of a clock that ticks on, so that each moment that shows one is due: in both passes
    /// of an overlap, and not at all in a gap. Else each time is due once.
    fn follows_elapsed_time(&self) -> bool;

    /// The earliest of them that is not before `local`.
    fn at_or_after(&self, local: i64) -> Option<i64>;

    /// The latest of them that is not after `local`.
    fn at_or_before(&self, local: i64) -> Option<i64>;
}

/// A local time, and the moment at which it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Seconds since the epoch.
    pub(super) at: i64,
    /// What a clock would have to show, in seconds as if it were UTC.
    pub(super) local: i64,
}

/// The moment at which a zone's clock reaches a local time for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// The clock shows the time at this moment.
    Shown(i64),
    /// The clock jumps over the time at this moment; the date has other times.
    Jumped(i64),
    /// The clock jumps over the whole date.
    NoSuchDate,
}

/// A zone's clock. Moments are seconds since the epoch; local times are what the clock shows, in seconds as if it were
/// UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(pub(super) Tz);

impl Clock {
    /// Seconds by which the clock is ahead of UTC at a moment.
    pub(super) fn offset(self, at: i64) -> i64 {
        let offset = self.0.offset_from_utc_datetime(&naive(at));
        i64::from(offset.fix().local_minus_utc())
    }

    /// What the clock shows.
    pub(super) fn local(self, at: i64) -> i64 {
        at + self.offset(at)
    }

    /// The first moment after `at` from which another offset holds, if it is one of the next [`QUIET`] seconds; else the
    /// moment after those.
    fn end_of_offset(self, at: i64, offset: i64) -> i64 {
        let (mut same, mut other) = (at, at + QUIET);
        if self.offset(other) == offset {
            return other;
        }
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if self.offset(middle) == offset {
                same = middle;
            } else {
                other = middle;
            }
        }
        other
    }

    /// The moments after `from` and before `to` from which another offset holds, in order.
    pub(super) fn changes(self, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let mut at = from;
        core::iter::from_fn(move || {
            while at < to {
                let before = self.offset(at);
                at = self.end_of_offset(at, before);
                if self.offset(at) != before {
                    return Some(at).filter(|&at| at < to);
                }
            }
            None
        })
    }

    /// The first moment at which the offset of `at` holds, if it is one of the last [`QUIET`] seconds; else the first of
    /// those.
    fn start_of_offset(self, at: i64, offset: i64) -> i64 {
        let (mut other, mut same) = (at - QUIET, at);
        if self.offset(other) == offset {
            return other;
        }
        while same - other > 1 {
            let middle = other + (same - other) / 2;
            if self.offset(middle) == offset {
                same = middle;
            } else {
                other = middle;
            }
        }
        same
    }

    /// The latest time that the clock has shown up to a moment: more than it shows then, in the second pass of an
    /// overlap.
    pub(super) fn highest(self, at: i64) -> i64 {
        let offset = self.offset(at);
        if self.offset(at - QUIET) == offset {
            return at + offset;
        }
        let start = self.start_of_offset(at, offset);
        (at + offset).max(self.local(start - 1))
    }

    /// The first moment of a day, if the clock jumps over none of it at its start; else one soon before.
    pub(super) fn first_of_day(self, day: i64) -> i64 {
        match self.reach(day * DAY) {
            Reached::Shown(at) | Reached::Jumped(at) => at,
            Reached::NoSuchDate => day * DAY - self.offset(day * DAY),
        }
    }

    /// A moment that no moment of a day is later than, and that is later by a day at most.
    pub(super) fn last_of_day(self, day: i64) -> i64 {
        self.first_of_day(day + 1) + DAY
    }

    /// When the clock first shows a local time, or jumps over it.
    pub(super) fn reach(self, local: i64) -> Reached {
        match self.0.offset_from_local_datetime(&naive(local)) {
            LocalResult::Single(offset) => {
                Reached::Shown(local - i64::from(offset.fix().local_minus_utc()))
            }
            LocalResult::Ambiguous(one, two) => {
                let ahead = one.fix().local_minus_utc().max(two.fix().local_minus_utc());
                Reached::Shown(local - i64::from(ahead))
            }
            LocalResult::None => {
                let change = GapInfo::new(&naive(local), &self.0)
                    .and_then(|gap| gap.end)
                    .map(|end| end.timestamp());
                // A time that no clock shows lies in a gap, and a gap has an end.
                let at = change.unwrap_or(local);
                let (before, after) = (self.local(at - 1), self.local(at));
                let midnight = local - local.rem_euclid(DAY);
                if before < midnight && after >= midnight + DAY {
                    Reached::NoSuchDate
                } else {
                    Reached::Jumped(at)
                }
            }
        }
    }

    /// The first due moment after `after`.
    pub(super) fn next(self, times: &impl LocalTimes, after: i64) -> Option<Due> {
        if times.follows_elapsed_time() {
            self.next_elapsed(times, after + 1)
        } else {
            self.next_fixed(times, self.highest(after) + 1)
        }
    }

    /// The last due moment before `before`.
    pub(super) fn prev(self, times: &impl LocalTimes, before: i64) -> Option<Due> {
        if times.follows_elapsed_time() {
            self.prev_elapsed(times, before - 1)
        } else {
            self.prev_fixed(times, self.highest(before - 1))
        }
    }

    /// A fixed time is due at the first moment at which the clock shows it or a later time. The clock's highest reading
    /// never falls, so the order of local times is the order of moments.
    fn next_fixed(self, times: &impl LocalTimes, from: i64) -> Option<Due> {
        let mut from = from;
        loop {
            let local = times.at_or_after(from)?;
            match self.reach(local) {
                Reached::Shown(at) | Reached::Jumped(at) => return Some(Due { at, local }),
                Reached::NoSuchDate => from = local - local.rem_euclid(DAY) + DAY,
            }
        }
    }

    fn prev_fixed(self, times: &impl LocalTimes, until: i64) -> Option<Due> {
        let mut until = until;
        loop {
            let local = times.at_or_before(until)?;
            match self.reach(local) {
                Reached::Shown(at) | Reached::Jumped(at) => return Some(Due { at, local }),
                Reached::NoSuchDate => until = local - local.rem_euclid(DAY) - 1,
            }
        }
    }

    /// Stretches of one offset are walked one after the other. Where nothing is due for long, the walk goes on
    /// [`QUIET`] before the next local time can be shown: nothing is missed, for a local time below those walked could
    /// only be shown again within [`QUIET`] seconds, which have been walked.
    fn next_elapsed(self, times: &impl LocalTimes, from: i64) -> Option<Due> {
        let mut from = from;
        loop {
            let mut wanted = i64::MIN;
            for _ in 0..3 {
                let offset = self.offset(from);
                let end = self.end_of_offset(from, offset);
                wanted = times.at_or_after(from + offset)?;
                if wanted < end + offset {
                    return Some(Due {
                        at: wanted - offset,
                        local: wanted,
                    });
                }
                from = end;
            }
            from = from.max(wanted - self.offset(from) - QUIET);
        }
    }

    fn prev_elapsed(self, times: &impl LocalTimes, until: i64) -> Option<Due> {
        let mut until = until;
        loop {
            let mut wanted = i64::MAX;
            for _ in 0..3 {
                let offset = self.offset(until);
                let start = self.start_of_offset(until, offset);
                wanted = times.at_or_before(until + offset)?;
                if wanted >= start + offset {
                    return Some(Due {
                        at: wanted - offset,
                        local: wanted,
                    });
                }
                until = start - 1;
            }
            until = until.min(wanted - self.offset(until) + QUIET);
        }
    }
}

/// A count of seconds as chrono's date and time; held within its range, which is wider than ours.
fn naive(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).map_or(NaiveDateTime::MAX, |time| time.naive_utc())
}

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// The whole second that a time lies in.
pub(super) const fn floor(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(SECOND)
}

/// The first whole second that is not before a time.
pub(super) const fn ceiling(time: Timestamp) -> i64 {
    -(-time.as_micros()).div_euclid(SECOND)
}

/// A count of seconds as a time, if years 1 to 9999 have it.
pub(super) fn moment(seconds: i64) -> Option<Timestamp> {
    let micros = seconds.checked_mul(SECOND)?;
    let time = Timestamp::from_micros(micros);
    (time.as_micros() == micros).then_some(time)
}

/// The date that is so many days after 1970-01-01, if years 1 to 9999 have it.
pub(super) fn date_of(day: i64) -> Option<DataDate> {
    DataDate::new(NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?)
}

/// Days from 1970-01-01 to a date.
pub(super) fn day_of(date: DataDate) -> i64 {
    i64::from(date.to_naive().to_epoch_days())
}
