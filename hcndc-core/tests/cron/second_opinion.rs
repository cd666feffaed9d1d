//! The crate `croner` as a second opinion, where its rules are ours: everything of `unix` but a day-of-month field that
//! begins with `*` beside a day of the week, ranges that wrap, and steps from a number.

use chrono::DateTime;
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds};
use hcndc_core::{time::Timestamp, trigger::cron::Cron};
use proptest::prelude::*;

/// A field that both read alike.
fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        2 => (min..=max).prop_map(|it| it.to_string()),
        1 => (min..=max, min..=max).prop_map(|(one, two)| format!("{}-{}", one.min(two), one.max(two))),
        1 => (min..=max, min..=max).prop_map(|(one, two)| format!("{one},{two}")),
        1 => (1..=max / 2).prop_map(|step| format!("*/{step}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn croner_agrees(
        minute in field(0, 59),
        hour in field(0, 23),
        day in prop_oneof![
            3 => field(1, 31),
            1 => Just("L".to_owned()),
            1 => (1..=31_u32).prop_map(|day| format!("{day}W")),
        ],
        month in field(1, 12),
        weekday in prop_oneof![
            3 => field(0, 6),
            1 => (0..=6_u32, 1..=5_u32).prop_map(|(day, n)| format!("{day}#{n}")),
            1 => (0..=6_u32).prop_map(|day| format!("{day}L")),
        ],
        zone in proptest::sample::select(&[
            Tz::UTC, Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe,
        ][..]),
        from in 946_684_800..2_114_380_800_i64,
    ) {
        let starred = |one: &str, other: &str| one.starts_with("*/") && other != "*";
        prop_assume!(!starred(&day, &weekday) && !starred(&weekday, &day));
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let theirs = parser.parse(&text).unwrap();
        let ours: Cron = text.parse().unwrap();
        let mut at = DateTime::from_timestamp(from, 0).unwrap().with_timezone(&zone);
        for _ in 0..5 {
            let next = ours.next(zone, at.to_utc().into()).map(Timestamp::to_utc);
            let Ok(expected) = theirs.find_next_occurrence(&at, false) else {
                break;
            };
            prop_assert_eq!(next, Some(expected.to_utc()), "{} in {} after {}", text, zone, at);
            at = expected;
        }
    }
}
