use alloc::{string::ToString as _, vec, vec::Vec};

use chrono::NaiveDateTime;

use super::*;

fn unix(text: &str) -> Cron {
    Cron::parse(Dialect::Unix, text).unwrap()
}

fn fault(dialect: Dialect, text: &str) -> (core::ops::Range<usize>, Option<Field>, CronErrorKind) {
    let error = Cron::parse(dialect, text).unwrap_err();
    (error.range, error.field, error.kind)
}

fn unexpected(found: &str, expected: Expected) -> CronErrorKind {
    CronErrorKind::Unexpected {
        found: found.to_string(),
        expected,
    }
}

fn out_of_range(found: &str, min: u16, max: u16) -> CronErrorKind {
    CronErrorKind::OutOfRange {
        found: found.to_string(),
        min,
        max,
    }
}

#[test]
fn a_fault_has_its_field_and_its_place() {
    use Dialect::{Apscheduler, Quartz, Unix};
    use Field::{DayOfMonth, DayOfWeek, Hour, Minute, Month, Year};
    let cases = [
        (Unix, "0 9,24 * * *", 4..6, Hour, out_of_range("24", 0, 23)),
        (
            Unix,
            "18446744073709551616 * * * *",
            0..20,
            Minute,
            out_of_range("18446744073709551616", 0, 59),
        ),
        (
            Unix,
            "0 0 1, * *",
            6..6,
            DayOfMonth,
            unexpected("", Expected::DayOfMonth),
        ),
        (
            Unix,
            "*/0 * * * *",
            2..3,
            Minute,
            unexpected("0", Expected::Step { max: u16::MAX }),
        ),
        (
            Unix,
            "0 0 * foo *",
            6..9,
            Month,
            unexpected("foo", Expected::Month),
        ),
        (
            Unix,
            "0 0 * * fri#6",
            12..13,
            DayOfWeek,
            unexpected("6", Expected::Nth),
        ),
        (
            Unix,
            "*/5/2 * * * *",
            3..5,
            Minute,
            unexpected("/2", Expected::EndOfItem),
        ),
        (
            Quartz,
            "0 0 12 1 * MON",
            11..14,
            DayOfWeek,
            CronErrorKind::BothDays,
        ),
        (
            Quartz,
            "0 0 12 ? * ?",
            11..12,
            DayOfWeek,
            CronErrorKind::NoDay,
        ),
        (
            Quartz,
            "0/60 * * * * ?",
            2..4,
            Field::Second,
            unexpected("60", Expected::Step { max: 59 }),
        ),
        (
            Quartz,
            "0 0 12 * * ? 2026-2024",
            13..22,
            Year,
            CronErrorKind::Backwards {
                first: 2026,
                last: 2024,
            },
        ),
        (
            Apscheduler,
            "day='3rd foo'",
            9..12,
            DayOfMonth,
            unexpected("foo", Expected::DayOfWeek { min: 0, max: 6 }),
        ),
        (
            Apscheduler,
            "hour=1 day_of_week=7",
            19..20,
            DayOfWeek,
            out_of_range("7", 0, 6),
        ),
        (
            Apscheduler,
            "day='last",
            4..9,
            DayOfMonth,
            CronErrorKind::OpenQuote,
        ),
        (
            Apscheduler,
            "hour=1 hour=2",
            7..11,
            Hour,
            CronErrorKind::RepeatedKey {
                key: "hour".to_string(),
            },
        ),
    ];
    for (dialect, text, range, field, kind) in cases {
        assert_eq!(fault(dialect, text), (range, Some(field), kind), "{text}");
    }
}

#[test]
fn a_fault_of_the_whole_has_no_field() {
    let count = |found, expected: &[usize], dialect| CronErrorKind::FieldCount {
        found,
        expected: expected.to_vec(),
        dialect,
    };
    assert_eq!(
        fault(Dialect::Unix, " \t"),
        (2..2, None, CronErrorKind::Empty)
    );
    assert_eq!(
        fault(Dialect::Unix, " * * * *"),
        (1..8, None, count(4, &[5, 6], Dialect::Unix))
    );
    assert_eq!(
        fault(Dialect::Quartz, "0 0 12 * *"),
        (0..10, None, count(5, &[6, 7], Dialect::Quartz))
    );
    let unknown = |name: &str| CronErrorKind::UnknownMacro {
        name: name.to_string(),
    };
    assert_eq!(
        fault(Dialect::Unix, "@reboot"),
        (0..7, None, unknown("@reboot"))
    );
    assert_eq!(
        fault(Dialect::Quartz, "@daily"),
        (0..6, None, unknown("@daily"))
    );
    let key = CronErrorKind::UnknownKey {
        key: "jahr".to_string(),
    };
    assert_eq!(
        fault(Dialect::Apscheduler, "hour=1 jahr=2"),
        (7..11, None, key)
    );
    assert_eq!(
        fault(Dialect::Apscheduler, "hour=1 last"),
        (7..11, None, unexpected("last", Expected::KeyAndValue))
    );
}

#[test]
fn sentences_are_told_in_both_languages() {
    let cases = [
        (
            Dialect::Unix,
            "30 2 * * *",
            "At 02:30, every day.",
            "每天 02:30。",
        ),
        (Dialect::Unix, "* * * * *", "Every minute.", "每分钟一次。"),
        (
            Dialect::Unix,
            "*/15 * * * *",
            "Every 15 minutes.",
            "每 15 分钟一次。",
        ),
        (
            Dialect::Unix,
            "0 * * * *",
            "Every hour, on the hour.",
            "每小时整点。",
        ),
        (
            Dialect::Unix,
            "5/15 * * * *",
            "Every 15 minutes from minute 5 on of every hour.",
            "每小时从第 5 分起每 15 分钟。",
        ),
        (
            Dialect::Unix,
            "30 1-23/2 * * *",
            "Every 2 hours from 01:30 on.",
            "从 01:30 起每 2 小时一次。",
        ),
        (
            Dialect::Unix,
            "0 9-17 * * mon-fri",
            "Every hour from 09:00 to 17:00, Monday to Friday.",
            "周一至周五，09:00 至 17:00 每小时一次。",
        ),
        (
            Dialect::Unix,
            "*/10 22-4 * * fri-mon",
            "Every 10 minutes from 22:00 to 04:59, Friday to Monday.",
            "周五至周一，22:00 至 04:59 期间每 10 分钟一次。",
        ),
        (
            Dialect::Unix,
            "0 0 13 * 5",
            "At 00:00, on day 13 of the month and also every Friday.",
            "每月 13 日，以及每周五 00:00。",
        ),
        (
            Dialect::Unix,
            "0 0 */2 * 1",
            "At 00:00, on every 2nd day from day 1 on of the month where that is Monday.",
            "每月从 1 日起每 2 天中的每周一 00:00。",
        ),
        (
            Dialect::Unix,
            "0 0,12 1 */2 *",
            "At 00:00 and 12:00, on day 1 of the month in January, March, May, July, September and November.",
            "1 月、3 月、5 月、7 月、9 月和 11 月的 1 日 00:00 和 12:00。",
        ),
        (
            Dialect::Unix,
            "0 0 30 2 *",
            "At 00:00, on day 30 of the month in February. There is no such date: it never fires.",
            "2 月的 30 日 00:00。没有这样的日期：永不触发。",
        ),
        (
            Dialect::Unix,
            "0 0 L,15 3-5 *",
            "At 00:00, on day 15 and the last day of the month in March to May.",
            "3 月至 5 月的 15 日和最后一天 00:00。",
        ),
        (
            Dialect::Unix,
            "0 0 * * 5#2,1L",
            "At 00:00, on the second Friday and the last Monday of the month.",
            "每月第二个周五和最后一个周一 00:00。",
        ),
        (
            Dialect::Quartz,
            "0 15 10 LW * ? 2024-2026",
            "At 10:15, on the last workday (Monday to Friday) of the month from 2024 to 2026.",
            "2024 年至 2026 年的每月最后一个工作日（周一至周五）10:15。",
        ),
        (
            Dialect::Quartz,
            "*/10 * * ? * 6L 2024/2",
            "Every 10 seconds of every minute, on the last Friday of the month every 2nd year from 2024 on.",
            "从 2024 年起每 2 年的每月最后一个周五，每分钟内每 10 秒一次。",
        ),
        (
            Dialect::Apscheduler,
            "week=53 day_of_week=mon",
            "At 00:00, every Monday in ISO week 53.",
            "ISO 第 53 周的每周一 00:00。",
        ),
    ];
    for (dialect, text, en, zh) in cases {
        let cron = Cron::parse(dialect, text).unwrap();
        assert_eq!(cron.words(Language::En), en, "{text}");
        assert_eq!(cron.words(Language::Zh), zh, "{text}");
    }
}

#[test]
fn lint_tells_what_fields_do_not_seem_to_say() {
    let lint = |text| unix(text).lint(Tz::UTC, 2026);
    let minute = Field::Minute;
    assert_eq!(lint("0 12 * * *"), vec![]);
    assert_eq!(lint("0 0 30 2 *"), vec![LintFinding::Never]);
    assert_eq!(lint("0 0 13 * fri"), vec![LintFinding::EitherDay]);
    let field = Field::DayOfMonth;
    assert_eq!(lint("0 0 */2 * fri"), vec![LintFinding::BothDays { field }]);
    let wide = LintFinding::WideStep {
        field: minute,
        step: 90,
    };
    assert_eq!(lint("*/90 * * * *"), vec![wide]);
    let uneven = LintFinding::UnevenStep {
        field: minute,
        step: 7,
        last: 4,
    };
    assert_eq!(lint("*/7 * * * *"), vec![uneven]);
    assert_eq!(
        lint("0 0 31 * *"),
        vec![LintFinding::ShortMonth { day: 31 }]
    );
    assert_eq!(lint("0 0 31 1,3 *"), vec![]);
}

#[test]
fn lint_lists_each_time_that_a_clock_change_touches() {
    let zone = Tz::Europe__Berlin;
    let local = |text: &str| text.parse::<NaiveDateTime>().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(
        unix("30 2 * * *").lint(zone, 2026),
        vec![
            LintFinding::Skipped {
                local: local("2026-03-29T02:30:00"),
                at: Some(at("2026-03-29T03:00:00+02:00")),
            },
            LintFinding::Doubled {
                local: local("2026-10-25T02:30:00"),
                first: at("2026-10-25T02:30:00+02:00"),
                second: at("2026-10-25T02:30:00+01:00"),
                twice: false,
            },
        ]
    );
    let minutes = unix("* * * * *").lint(zone, 2026);
    let skipped = |it: &&LintFinding| matches!(it, LintFinding::Skipped { at: None, .. });
    assert_eq!(minutes.len(), 120);
    assert_eq!(minutes.iter().filter(skipped).count(), 60);
    assert_eq!(unix("30 2 * * *").lint(Tz::Asia__Shanghai, 2026), vec![]);
    // Samoa lost a date, and each time of it.
    let lost = unix("0 */6 30 12 *").lint(Tz::Pacific__Apia, 2011);
    assert_eq!(lost.iter().filter(skipped).count(), 4);
    assert_eq!(unix("30 2 * * *").lint(zone, i32::MAX), vec![]);
}

#[test]
fn the_sparsest_dates_are_found_and_those_that_are_none_are_not() {
    let next = |dialect, text, after: &str| {
        let cron = Cron::parse(dialect, text).unwrap();
        let found = cron.next(Tz::UTC, after.parse().unwrap());
        assert_eq!(
            found.is_none() && cron.prev(Tz::UTC, Timestamp::MAX).is_none(),
            cron.is_never()
        );
        found.map(|it| it.to_string())
    };
    let first = |text: &str| Some(text.to_string());
    assert_eq!(
        next(Dialect::Unix, "0 0 29 2 *", "2096-03-01T00:00:00Z"),
        first("2104-02-29T00:00:00.000000Z")
    );
    assert_eq!(
        next(
            Dialect::Apscheduler,
            "month=2 day=29 day_of_week=mon hour=*/2",
            "2072-03-01T00:00:00Z"
        ),
        first("2112-02-29T00:00:00.000000Z")
    );
    assert_eq!(
        next(Dialect::Quartz, "0 0 0 1 1 ? 9999", "2026-01-01T00:00:00Z"),
        first("9999-01-01T00:00:00.000000Z")
    );
    for never in ["0 0 31W 2 *", "0 0 30 2 *", "0 0 31 4,6 *", "* * 31 2 *"] {
        assert_eq!(
            next(Dialect::Unix, never, "2026-01-01T00:00:00Z"),
            None,
            "{never}"
        );
    }
    let never = "year=*/4 month=2 day=29";
    assert_eq!(
        next(Dialect::Apscheduler, never, "2026-01-01T00:00:00Z"),
        None
    );
}

#[test]
fn the_ends_of_time_end_the_search() {
    let every: Vec<_> = ["* * * * *", "30 2 * * *", "*/7 * * * * *"]
        .into_iter()
        .map(unix)
        .collect();
    for cron in &every {
        for zone in [
            Tz::UTC,
            Tz::Pacific__Kiritimati,
            Tz::America__New_York,
            Tz::Europe__Berlin,
        ] {
            assert_eq!(cron.next(zone, Timestamp::MAX), None);
            assert_eq!(cron.prev(zone, Timestamp::MIN), None);
            assert!(cron.next(zone, Timestamp::MIN).is_some());
            assert!(cron.prev(zone, Timestamp::MAX).is_some());
        }
    }
}

#[test]
fn parts_of_a_second_do_not_hide_a_time() {
    let cron = unix("30 2 * * *");
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let time = at("2026-11-21T02:30:00Z");
    assert_eq!(
        cron.next(Tz::UTC, at("2026-11-21T02:29:59.999999Z")),
        Some(time)
    );
    assert_eq!(cron.next(Tz::UTC, time), Some(at("2026-11-22T02:30:00Z")));
    assert_eq!(
        cron.prev(Tz::UTC, at("2026-11-21T02:30:00.000001Z")),
        Some(time)
    );
    assert_eq!(cron.prev(Tz::UTC, time), Some(at("2026-11-20T02:30:00Z")));
}

#[test]
fn an_expression_is_stored_with_its_dialect_and_checked_when_it_is_read() {
    let cron = Cron::parse(Dialect::Quartz, " 0 0 12 *  * ? ").unwrap();
    let text = serde_json::to_string(&cron).unwrap();
    assert_eq!(
        text,
        r#"{"dialect":"quartz","expression":" 0 0 12 *  * ? "}"#
    );
    assert_eq!(serde_json::from_str::<Cron>(&text).unwrap(), cron);
    let unix_by_default = r#"{"expression":"@daily"}"#;
    assert_eq!(
        serde_json::from_str::<Cron>(unix_by_default).unwrap(),
        unix("@daily")
    );
    assert!(serde_json::from_str::<Cron>(r#"{"expression":"0 0 12 * * ? 2026"}"#).is_err());
}
