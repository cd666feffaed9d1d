//! Which fire times are due, and what the policies make of them (R9). Pure: time goes in, a verdict comes out.

use core::time::Duration;

use crate::{model::Missed, time::Timestamp};

/// Fire times from one to another, both included; there may be one, or a million.
pub(crate) type Span = (Timestamp, Timestamp);

/// Fire times as a schedule's trigger gives them.
pub(crate) trait Times {
    /// The first one after this instant.
    fn next(&self, after: Timestamp) -> Option<Timestamp>;

    /// The last one before this instant.
    fn prev(&self, before: Timestamp) -> Option<Timestamp>;
}

/// What becomes of the fire times that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Later than the grace allows: skipped, however many they are.
    pub(crate) misfired: Option<Span>,
    /// Another one stands for these.
    pub(crate) coalesced: Option<Span>,
    /// This one fires.
    pub(crate) fires: Option<Timestamp>,
    /// All fire times up to here are used.
    pub(crate) cursor: Timestamp,
    /// The first fire time that is not used; it may be due too, when each is caught up with.
    pub(crate) next: Option<Timestamp>,
}

/// Takes the next fire times after `cursor` that are due at `now`; `None` if none is.
///
/// At most one of them fires. When each is to be caught up with, the others come with the next call.
///
/// # Complexity
/// At most three steps forward and three back, whatever the number of times that were missed.
pub(crate) fn take(
    times: &impl Times,
    cursor: Timestamp,
    now: Timestamp,
    grace: Duration,
    missed: Missed,
) -> Option<Due> {
    let first = times.next(cursor).filter(|first| *first <= now)?;
    // What is older than this is too late.
    let oldest = now.before(grace);
    let mut due = Due {
        misfired: None,
        coalesced: None,
        fires: None,
        cursor: first,
        next: None,
    };
    let mut from = Some(first);
    if first < oldest {
        let last = times.prev(oldest).map_or(first, |last| last.max(first));
        due.misfired = Some((first, last));
        due.cursor = last;
        from = times.next(last);
    }
    let Some(from) = from.filter(|from| *from <= now) else {
        due.next = from;
        return Some(due);
    };
    let second = times.next(from);
    due.fires = Some(from);
    due.next = second;
    if missed == Missed::Coalesce && second.is_some_and(|second| second <= now) {
        let last = times.prev(now.after(Duration::from_micros(1)));
        let last = last.map_or(from, |last| last.max(from));
        let before = times.prev(last).filter(|before| *before >= from);
        due.coalesced = before.map(|before| (from, before));
        due.fires = Some(last);
        due.next = times.next(last);
    }
    due.cursor = due.fires.unwrap_or(due.cursor);
    Some(due)
}

/// All fire times after `cursor` and up to `until`, as one span.
pub(crate) fn span(times: &impl Times, cursor: Timestamp, until: Timestamp) -> Option<Span> {
    let first = times.next(cursor).filter(|first| *first <= until)?;
    let last = times.prev(until.after(Duration::from_micros(1)));
    Some((first, last.map_or(first, |last| last.max(first))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every ten seconds.
    struct Tens;

    const TEN: i64 = 10_000_000;

    impl Times for Tens {
        fn next(&self, after: Timestamp) -> Option<Timestamp> {
            let micros = (after.as_micros().div_euclid(TEN) + 1) * TEN;
            Some(Timestamp::from_micros(micros))
        }

        fn prev(&self, before: Timestamp) -> Option<Timestamp> {
            let micros = (before.as_micros() - 1).div_euclid(TEN) * TEN;
            Some(Timestamp::from_micros(micros))
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn take_at(cursor: i64, now: i64, grace: u64, missed: Missed) -> Option<Due> {
        take(
            &Tens,
            at(cursor),
            at(now),
            Duration::from_secs(grace),
            missed,
        )
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        assert_eq!(take_at(10, 19, 60, Missed::Coalesce), None);
    }

    #[test]
    fn one_that_is_due_fires_and_is_used() {
        let due = take_at(10, 20, 60, Missed::Coalesce).unwrap();
        assert_eq!(due.fires, Some(at(20)));
        assert_eq!((due.cursor, due.next), (at(20), Some(at(30))));
        assert_eq!((due.misfired, due.coalesced), (None, None));
        assert_eq!(take_at(20, 20, 60, Missed::Coalesce), None);
    }

    #[test]
    fn exactly_as_late_as_the_grace_still_fires() {
        let due = take_at(10, 25, 5, Missed::Coalesce).unwrap();
        assert_eq!((due.fires, due.misfired), (Some(at(20)), None));
        let late = take(
            &Tens,
            at(10),
            Timestamp::from_micros(25_000_001),
            Duration::from_secs(5),
            Missed::Coalesce,
        );
        let late = late.unwrap();
        assert_eq!((late.fires, late.misfired), (None, Some((at(20), at(20)))));
        assert_eq!((late.cursor, late.next), (at(20), Some(at(30))));
    }

    #[test]
    fn of_several_missed_the_last_stands_for_all_when_coalescing() {
        let due = take_at(0, 1_005, 30, Missed::Coalesce).unwrap();
        assert_eq!(due.misfired, Some((at(10), at(970))));
        assert_eq!(due.coalesced, Some((at(980), at(990))));
        assert_eq!(due.fires, Some(at(1_000)));
        assert_eq!((due.cursor, due.next), (at(1_000), Some(at(1_010))));
    }

    #[test]
    fn each_within_the_grace_is_caught_up_with_one_by_one() {
        let first = take_at(0, 1_005, 30, Missed::CatchUp).unwrap();
        assert_eq!(first.misfired, Some((at(10), at(970))));
        assert_eq!((first.fires, first.next), (Some(at(980)), Some(at(990))));
        let second = take_at(980, 1_005, 30, Missed::CatchUp).unwrap();
        assert_eq!((second.fires, second.misfired), (Some(at(990)), None));
        let third = take_at(990, 1_005, 30, Missed::CatchUp).unwrap();
        assert_eq!(
            (third.fires, third.next),
            (Some(at(1_000)), Some(at(1_010)))
        );
        assert_eq!(take_at(1_000, 1_005, 30, Missed::CatchUp), None);
    }

    #[test]
    fn a_span_holds_what_is_due_and_no_more() {
        assert_eq!(span(&Tens, at(0), at(40)), Some((at(10), at(40))));
        assert_eq!(span(&Tens, at(0), at(15)), Some((at(10), at(10))));
        assert_eq!(span(&Tens, at(10), at(15)), None);
    }

    /// Against a walk over every time.
    #[test]
    fn no_time_is_lost_or_used_twice() {
        for missed in [Missed::Coalesce, Missed::CatchUp] {
            for (now, grace) in [(5, 0), (10, 0), (99, 10), (200, 45), (1_000, 1_000)] {
                let mut used = alloc::vec::Vec::new();
                let mut cursor = at(0);
                while let Some(due) =
                    take(&Tens, cursor, at(now), Duration::from_secs(grace), missed)
                {
                    for (from, to) in [due.misfired, due.coalesced].into_iter().flatten() {
                        let mut time = from;
                        while time <= to {
                            used.push(time);
                            time = Tens.next(time).unwrap();
                        }
                        assert_eq!(Tens.prev(time), Some(to));
                    }
                    used.extend(due.fires);
                    assert_eq!(used.last(), Some(&due.cursor));
                    assert_eq!(due.next, Tens.next(due.cursor));
                    cursor = due.cursor;
                }
                let all = (1..=now / 10).map(|tens| at(tens * 10));
                assert_eq!(used, all.collect::<alloc::vec::Vec<_>>());
            }
        }
    }
}
