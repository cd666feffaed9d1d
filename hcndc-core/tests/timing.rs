//! Timings: intervals, calendars, and what filters and bounds leave of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;
use std::{collections::BTreeSet, iter::successors};

use chrono_tz::Tz;
use hcndc_core::{
    time::{DataDate, Timestamp},
    trigger::{
        Timing, TimingContext, TimingError, Weekdays,
        calendar::{BusinessDays, DayFilter, DayRule},
        cron::{Cron, Dialect},
        interval::{Interval, IntervalError},
    },
};

const SHANGHAI: TimingContext<'_> = TimingContext::in_zone(Tz::Asia__Shanghai);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn dates(texts: &[&str]) -> BTreeSet<DataDate> {
    texts.iter().map(|it| it.parse().unwrap()).collect()
}

fn cron(text: &str) -> Timing {
    Timing::Cron(text.parse().unwrap())
}

fn calendar(rule: DayRule, times: &[&str]) -> Timing {
    Timing::Calendar {
        rule,
        at: times.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

/// The next times, as local times; and looked at from behind, they are the same.
fn next(timing: &Timing, context: &TimingContext<'_>, after: &str, count: usize) -> Vec<String> {
    let times: Vec<_> = successors(Some(at(after)), |&last| timing.next(context, last))
        .skip(1)
        .take(count)
        .collect();
    if let Some(&last) = times.last() {
        let end = Timestamp::from_micros(last.as_micros() + 1);
        let mut back: Vec<_> =
            successors(timing.prev(context, end), |&it| timing.prev(context, it))
                .take(times.len())
                .collect();
        back.reverse();
        assert_eq!(back, times, "from behind");
    }
    let local = |it: &Timestamp| it.to_utc().with_timezone(&context.zone);
    times
        .iter()
        .map(|it| local(it).format("%F %T").to_string())
        .collect()
}

/// National Day of 2026 and the days that are worked for it, in part.
fn october() -> BusinessDays {
    BusinessDays {
        weekend: Weekdays::WEEKEND,
        holidays: dates(&[
            "2026-10-01",
            "2026-10-02",
            "2026-10-03",
            "2026-10-04",
            "2026-10-05",
            "2026-10-06",
            "2026-10-07",
        ]),
        workdays: dates(&["2026-09-27", "2026-10-10"]),
    }
}

#[test]
fn business_days_leave_out_holidays_and_have_make_up_workdays() {
    let calendar_days = october();
    let context = TimingContext {
        calendar: Some(&calendar_days),
        ..SHANGHAI
    };
    let timing = calendar(DayRule::Business, &["08:00", "20:30"]);
    assert_eq!(
        next(&timing, &context, "2026-09-25T23:00:00+08:00", 4),
        [
            "2026-09-27 08:00:00",
            "2026-09-27 20:30:00",
            "2026-09-28 08:00:00",
            "2026-09-28 20:30:00"
        ]
    );
    assert_eq!(
        next(&timing, &context, "2026-09-30T20:30:00+08:00", 5),
        [
            "2026-10-08 08:00:00",
            "2026-10-08 20:30:00",
            "2026-10-09 08:00:00",
            "2026-10-09 20:30:00",
            "2026-10-10 08:00:00",
        ]
    );
    let others = calendar(DayRule::NonBusiness, &["08:00"]);
    assert_eq!(
        next(&others, &context, "2026-10-06T12:00:00+08:00", 3),
        [
            "2026-10-07 08:00:00",
            "2026-10-11 08:00:00",
            "2026-10-17 08:00:00"
        ]
    );
}

#[test]
fn months_have_ends_and_nth_days() {
    let days = october();
    let context = TimingContext {
        calendar: Some(&days),
        ..SHANGHAI
    };
    let of = |rule, after| next(&calendar(rule, &["00:00"]), &context, after, 3);
    let summer = "2026-08-31T00:00:00+08:00";
    assert_eq!(
        of(DayRule::MONTH_END, "2027-12-31T00:00:00+08:00"),
        [
            "2028-01-31 00:00:00",
            "2028-02-29 00:00:00",
            "2028-03-31 00:00:00"
        ]
    );
    assert_eq!(
        of(DayRule::FIRST_BUSINESS, summer),
        [
            "2026-09-01 00:00:00",
            "2026-10-08 00:00:00",
            "2026-11-02 00:00:00"
        ]
    );
    assert_eq!(
        of(DayRule::LAST_BUSINESS, summer),
        [
            "2026-09-30 00:00:00",
            "2026-10-30 00:00:00",
            "2026-11-30 00:00:00"
        ]
    );
    assert_eq!(
        of(DayRule::NthBusiness { n: 3 }, summer),
        [
            "2026-09-03 00:00:00",
            "2026-10-10 00:00:00",
            "2026-11-04 00:00:00"
        ]
    );
    assert_eq!(
        of(DayRule::NthDay { n: 31 }, summer),
        [
            "2026-10-31 00:00:00",
            "2026-12-31 00:00:00",
            "2027-01-31 00:00:00"
        ]
    );
    let listed = DayRule::Listed {
        dates: dates(&["2026-09-09", "2026-12-12"]),
    };
    assert_eq!(
        of(listed, summer),
        ["2026-09-09 00:00:00", "2026-12-12 00:00:00"]
    );
}

#[test]
fn times_of_a_calendar_pass_changes_of_the_clock_as_fixed_times() {
    let context = TimingContext::in_zone(Tz::Europe__Berlin);
    let timing = calendar(DayRule::NonBusiness, &["02:30"]);
    assert_eq!(
        next(&timing, &context, "2026-03-28T12:00:00+01:00", 2),
        ["2026-03-29 03:00:00", "2026-04-04 02:30:00"]
    );
    assert_eq!(
        timing.next(&context, at("2026-10-24T12:00:00+02:00")),
        Some(at("2026-10-25T02:30:00+02:00"))
    );
    assert_eq!(
        timing.next(&context, at("2026-10-25T02:30:00+02:00")),
        Some(at("2026-10-31T02:30:00+01:00"))
    );
}

#[test]
fn an_excluded_date_drops_its_fires_and_no_others() {
    let days = october();
    let only = DayFilter::Only {
        dates: dates(&["2026-10-03", "2040-01-01"]),
    };
    let all_but = DayFilter::AllBut {
        dates: dates(&["2026-10-02", "2026-10-03"]),
    };
    let with = |filter| TimingContext {
        calendar: Some(&days),
        filter: Some(filter),
        ..SHANGHAI
    };
    let (daily, from) = (cron("30 2 * * *"), "2026-09-30T12:00:00+08:00");
    assert_eq!(
        next(&daily, &with(&DayFilter::OnlyBusiness), from, 2),
        ["2026-10-08 02:30:00", "2026-10-09 02:30:00"]
    );
    assert_eq!(
        next(&daily, &with(&DayFilter::NotBusiness), from, 2),
        ["2026-10-01 02:30:00", "2026-10-02 02:30:00"]
    );
    assert_eq!(
        next(&daily, &with(&only), from, 9),
        ["2026-10-03 02:30:00", "2040-01-01 02:30:00"]
    );
    assert_eq!(
        next(&daily, &with(&all_but), from, 2),
        ["2026-10-01 02:30:00", "2026-10-04 02:30:00"]
    );
    let every = Interval::new(
        Duration::from_secs(7 * 3_600),
        at("2026-01-01T00:00:00+08:00"),
    )
    .unwrap();
    assert_eq!(
        next(&Timing::Interval(every), &with(&only), from, 5),
        [
            "2026-10-03 01:00:00",
            "2026-10-03 08:00:00",
            "2026-10-03 15:00:00",
            "2026-10-03 22:00:00",
            "2040-01-01 05:00:00"
        ]
    );
    assert_eq!(
        next(&cron("*/30 23 * * *"), &with(&all_but), from, 3),
        [
            "2026-09-30 23:00:00",
            "2026-09-30 23:30:00",
            "2026-10-01 23:00:00"
        ]
    );
}

#[test]
fn a_filter_that_excludes_everything_ends_the_search() {
    let days = BusinessDays {
        weekend: Weekdays::WEEKEND,
        ..BusinessDays::default()
    };
    let none = DayFilter::Only {
        dates: BTreeSet::new(),
    };
    let filters = [&DayFilter::OnlyBusiness, &none];
    for filter in filters {
        let context = TimingContext {
            calendar: Some(&days),
            filter: Some(filter),
            ..SHANGHAI
        };
        let now = at("2026-11-21T00:00:00Z");
        let saturdays = [
            cron("0 0 * * sat"),
            cron("*/5 * * * sat"),
            calendar(DayRule::NonBusiness, &["12:00"]),
        ];
        for timing in saturdays {
            assert_eq!(
                (timing.next(&context, now), timing.prev(&context, now)),
                (None, None)
            );
        }
    }
    let never = calendar(DayRule::NthBusiness { n: 30 }, &["12:00"]);
    assert_eq!(never.next(&SHANGHAI, at("2026-11-21T00:00:00Z")), None);
}

#[test]
fn bounds_hold_both_ends() {
    let (first, last) = (
        at("2026-11-22T02:30:00+08:00"),
        at("2026-11-23T02:30:00+08:00"),
    );
    let context = TimingContext {
        not_before: Some(first),
        not_after: Some(last),
        ..SHANGHAI
    };
    let interval = Interval::new(Duration::from_secs(86_400), first).unwrap();
    for timing in [cron("30 2 * * *"), Timing::Interval(interval)] {
        let early = at("2026-01-01T00:00:00Z");
        let late = at("2027-01-01T00:00:00Z");
        assert_eq!(timing.next(&context, early), Some(first));
        assert_eq!(timing.next(&context, first), Some(last));
        assert_eq!(timing.next(&context, last), None);
        assert_eq!(timing.prev(&context, late), Some(last));
        assert_eq!(timing.prev(&context, last), Some(first));
        assert_eq!(timing.prev(&context, first), None);
    }
}

#[test]
fn an_interval_has_bounds_and_counts_from_its_anchor_in_both_directions() {
    let anchor = at("2026-11-21T00:00:00.5Z");
    for every in [
        Duration::from_millis(999),
        Duration::from_secs(366 * 86_400 + 1),
    ] {
        assert_eq!(
            Interval::new(every, anchor),
            Err(IntervalError::OutOfRange { every })
        );
    }
    let interval = Interval::new(Duration::from_secs(10), anchor).unwrap();
    assert_eq!(interval.next(at("2026-11-21T00:00:00Z")), Some(anchor));
    assert_eq!(interval.next(anchor), Some(at("2026-11-21T00:00:10.5Z")));
    assert_eq!(interval.prev(anchor), Some(at("2026-11-20T23:59:50.5Z")));
    assert_eq!(
        interval.next(at("2026-11-20T00:00:00.5Z")),
        Some(at("2026-11-20T00:00:10.5Z"))
    );
    assert_eq!(interval.next(Timestamp::MAX), None);
    assert_eq!(interval.prev(Timestamp::MIN), None);
}

#[test]
fn what_never_fires_by_its_numbers_is_refused() {
    let wrong = |rule| calendar(rule, &["12:00"]).check();
    assert_eq!(
        wrong(DayRule::NthDay { n: 0 }),
        Err(TimingError::NthOutOfRange { n: 0 })
    );
    assert_eq!(
        wrong(DayRule::NthBusiness { n: -32 }),
        Err(TimingError::NthOutOfRange { n: -32 })
    );
    assert_eq!(
        wrong(DayRule::Listed {
            dates: BTreeSet::new()
        }),
        Err(TimingError::NoDates)
    );
    assert_eq!(
        calendar(DayRule::MONTH_END, &[]).check(),
        Err(TimingError::NoTimes)
    );
    assert_eq!(wrong(DayRule::MONTH_END), Ok(()));
}

#[test]
fn a_timing_is_stored_as_text_and_checked_when_it_is_read() {
    let interval = Interval::new(Duration::from_secs(90), at("2026-11-21T00:00:00Z")).unwrap();
    let timings = [
        Timing::Cron(Cron::parse(Dialect::Quartz, "0 0 22 LW * ?").unwrap()),
        Timing::Interval(interval),
        calendar(DayRule::NthBusiness { n: -2 }, &["08:00", "23:59:59"]),
        calendar(
            DayRule::Listed {
                dates: dates(&["2026-11-21"]),
            },
            &["00:00"],
        ),
    ];
    for timing in timings {
        let text = serde_json::to_string(&timing).unwrap();
        assert_eq!(
            serde_json::from_str::<Timing>(&text).unwrap(),
            timing,
            "{text}"
        );
    }
    let stored = serde_json::to_value(cron("@daily")).unwrap();
    let expected = serde_json::json!({ "kind": "cron", "dialect": "unix", "expression": "@daily" });
    assert_eq!(stored, expected);
    for wrong in [
        r#"{"kind":"cron","dialect":"unix","expression":"0 25 * * *"}"#,
        r#"{"kind":"interval","every_ms":1,"anchor":"2026-11-21T00:00:00Z"}"#,
        r#"{"kind":"calendar","rule":{"days":"business"},"at":["24:00"]}"#,
    ] {
        assert!(serde_json::from_str::<Timing>(wrong).is_err(), "{wrong}");
    }
}
