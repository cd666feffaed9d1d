//! The rule of clock changes as slowly and as plainly as it can be said: each minute or second is looked at.

use std::iter::successors;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// What a zone's clock shows.
pub(crate) fn shown(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// A stretch of time as a clock shows it, moment by moment.
pub(crate) struct Walk {
    from: DateTime<Utc>,
    tick: Duration,
    /// The latest time shown before `from`, and the last date.
    highest: NaiveDateTime,
    last_date: NaiveDate,
    shown: Vec<(DateTime<Utc>, NaiveDateTime)>,
}

impl Walk {
    /// The moments after `from` and up to `to`, a `tick` apart. What was shown in the time of `lead` before `from` counts
    /// as shown: no clock is set by more than a day, and each change lies on a whole minute.
    pub(crate) fn new(
        zone: Tz,
        lead: Duration,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        tick: Duration,
    ) -> Self {
        let ticks = |start: DateTime<Utc>, end: DateTime<Utc>, tick: Duration| {
            successors(Some(start), move |&at| Some(at + tick)).take_while(move |&at| at <= end)
        };
        let before = ticks(from - lead, from, Duration::minutes(1)).map(|at| shown(zone, at));
        Self {
            from,
            tick,
            highest: before.max().unwrap(),
            last_date: shown(zone, from).date(),
            shown: ticks(from + tick, to, tick)
                .map(|at| (at, shown(zone, at)))
                .collect(),
        }
    }

    /// The moments at which an expression is due that names the local times of `names`.
    ///
    /// If it follows elapsed time, those are the moments whose local time it names. Else it is due for each local time
    /// that it names, when the clock first shows that time or a later one; but not for times of a date that never was.
    pub(crate) fn due(
        &self,
        elapsed: bool,
        names: &dyn Fn(NaiveDateTime) -> bool,
    ) -> Vec<DateTime<Utc>> {
        let (mut highest, mut last_date) = (self.highest, self.last_date);
        let mut found = Vec::new();
        for &(at, local) in &self.shown {
            let is_due = if elapsed {
                names(local)
            } else {
                let mut passed = highest;
                let mut is_due = false;
                while passed < local {
                    passed += self.tick;
                    let never_was = passed.date() > last_date && passed.date() < local.date();
                    is_due |= names(passed) && !never_was;
                }
                is_due
            };
            if is_due && at > self.from {
                found.push(at);
            }
            highest = highest.max(local);
            last_date = local.date();
        }
        found
    }
}
