//! Every change of every zone's clock from 2000 to 2036, looked at from both sides.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDateTime, Offset as _, TimeZone as _, Timelike as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, Dialect},
};

use crate::twin::{Walk, shown};

fn offset(zone: Tz, at: i64) -> i64 {
    let at = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc())
}

/// The moments from which another offset holds. The shortest time from a change to its contrary is four days.
fn changes(zone: Tz) -> Vec<i64> {
    const STEP: i64 = 36 * 3_600;
    let start = Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).unwrap();
    let end = Utc.with_ymd_and_hms(2037, 1, 1, 0, 0, 0).unwrap();
    let mut found = Vec::new();
    let mut at = start.timestamp();
    let mut before = offset(zone, at);
    while at < end.timestamp() {
        let after = offset(zone, at + STEP);
        if after == before {
            at += STEP;
            continue;
        }
        let (mut same, mut other) = (at, at + STEP);
        while other - same > 1 {
            let middle = (same + other) / 2;
            if offset(zone, middle) == before {
                same = middle;
            } else {
                other = middle;
            }
        }
        found.push(other);
        at = other;
        before = offset(zone, at);
    }
    found
}

type Names = Box<dyn Fn(NaiveDateTime) -> bool>;

/// Expressions that a change can disturb, and whether they follow elapsed time.
fn expressions(before: NaiveDateTime, after: NaiveDateTime) -> Vec<(String, bool, Names)> {
    let minute = Duration::minutes(1);
    let (low, high) = (before.min(after), before.max(after));
    let middle = low + (high - low) / 2;
    let mut all: Vec<(String, bool, Names)> = Vec::new();
    for time in [low - minute, low, middle, high - minute, high] {
        let (hour, minute) = (time.hour(), time.minute());
        all.push((
            format!("{minute} {hour} * * *"),
            false,
            Box::new(move |it| (it.hour(), it.minute()) == (hour, minute)),
        ));
    }
    all.push((
        "13,59 0-23 * * *".to_owned(),
        false,
        Box::new(|it| [13, 59].contains(&it.minute())),
    ));
    all.push((
        "*/7 * * * *".to_owned(),
        true,
        Box::new(|it| it.minute() % 7 == 0),
    ));
    all.push((
        "30 */2 * * *".to_owned(),
        true,
        Box::new(|it| it.minute() == 30 && it.hour() % 2 == 0),
    ));
    all
}

fn stamp(at: DateTime<Utc>) -> Timestamp {
    at.into()
}

#[test]
fn each_change_of_each_zone_is_passed_by_the_rule_in_both_directions() {
    // By turns, unless there is time for all.
    let at_once = if std::env::var_os("HCNDC_TEST_SLOW").is_some() {
        8
    } else {
        3
    };
    let mut seen = BTreeSet::new();
    let (mut gaps, mut overlaps) = (0, 0);
    for zone in TZ_VARIANTS {
        for change in changes(zone) {
            let (old, new) = (offset(zone, change - 1), offset(zone, change));
            // Zones that share a change share what follows from it.
            if !seen.insert((change, old, new)) {
                continue;
            }
            if new > old {
                gaps += 1;
            } else {
                overlaps += 1;
            }
            let change = DateTime::from_timestamp(change, 0).unwrap();
            let minute = Duration::minutes(1);
            let before = shown(zone, change - minute) + minute;
            let after = shown(zone, change);
            let reach = (after - before).abs() + Duration::minutes(95);
            let (from, to) = (change - reach, change + reach);
            let walk = Walk::new(zone, reach, from, to, minute);
            let turn = (gaps + overlaps) % 8;
            let expressions = expressions(before, after);
            assert_eq!(expressions.len(), 8);
            for (text, elapsed, names) in expressions.iter().cycle().skip(turn).take(at_once) {
                let cron = Cron::parse(Dialect::Unix, text).unwrap();
                let expected = walk.due(*elapsed, names);
                let mut next = Vec::new();
                let mut at = from;
                while let Some(found) = cron.next(zone, stamp(at)).filter(|&it| it <= stamp(to)) {
                    at = found.to_utc();
                    next.push(at);
                }
                assert_eq!(next, expected, "{text} in {zone} around {change}");
                let mut prev = Vec::new();
                let mut at = to + minute;
                while let Some(found) = cron.prev(zone, stamp(at)).filter(|&it| it > stamp(from)) {
                    at = found.to_utc();
                    prev.push(at);
                }
                prev.reverse();
                assert_eq!(prev, expected, "{text} in {zone} before {to}");
                // From each moment within, not only from where something was due.
                for at in [
                    from,
                    change - minute * 30,
                    change - minute,
                    change,
                    change + minute,
                    change + minute * 30,
                ] {
                    let expected = expected.iter().find(|&&it| it > at);
                    if let Some(&expected) = expected {
                        assert_eq!(
                            cron.next(zone, stamp(at)),
                            Some(stamp(expected)),
                            "{text} in {zone} after {at}"
                        );
                    }
                }
                for at in [
                    to,
                    change + minute * 30,
                    change + minute,
                    change,
                    change - minute,
                    change - minute * 30,
                ] {
                    let expected = due_before(&expected, at);
                    if let Some(expected) = expected {
                        assert_eq!(
                            cron.prev(zone, stamp(at)),
                            Some(stamp(expected)),
                            "{text} in {zone} before {at}"
                        );
                    }
                }
            }
        }
    }
    assert!(
        gaps > 1_000 && overlaps > 1_000,
        "{gaps} gaps, {overlaps} overlaps"
    );
}

fn due_before(times: &[DateTime<Utc>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    times.iter().rfind(|&&it| it < at).copied()
}

#[test]
fn a_date_that_samoa_left_out_has_no_times() {
    let zone = Tz::Pacific__Apia;
    let cron: Cron = "30 1 * * *".parse().unwrap();
    let first = cron.next(zone, "2011-12-29T00:00:00-10:00".parse().unwrap());
    assert_eq!(first, Some("2011-12-29T01:30:00-10:00".parse().unwrap()));
    let second = cron.next(zone, first.unwrap());
    assert_eq!(second, Some("2011-12-31T01:30:00+14:00".parse().unwrap()));
    assert_eq!(cron.prev(zone, second.unwrap()), first);
    let on_that_date: Cron = "0 12 30 12 *".parse().unwrap();
    let next = on_that_date.next(zone, "2011-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(next, Some("2012-12-30T12:00:00+14:00".parse().unwrap()));
}
