//! Random expressions against a walk through all seconds or minutes, and against their own rules.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use chrono_tz::Tz;
use hcndc_core::{
    time::Timestamp,
    trigger::cron::{Cron, Dialect},
};
use proptest::prelude::*;

use crate::twin::Walk;

/// A field: its text, and the numbers that it names. Special days are told from plain ones.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    numbers: Vec<u32>,
    special: Option<Special>,
    starts_with_star: bool,
    star_or_step: bool,
}

#[derive(Clone, Copy, Debug)]
enum Special {
    BeforeLast(u32),
    LastWeekday,
    Near(u32),
    Nth(u32, u32),
    LastOf(u32),
}

fn plain(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let count = max - min + 1;
    let item = prop_oneof![
        2 => (min..=max).prop_map(|it| (it.to_string(), vec![it], false)),
        2 => (min..=max, min..=max).prop_map(move |(from, to)| {
            let length = if from <= to { to - from } else { to + count - from };
            let numbers = (0..=length).map(|at| min + (from + at - min) % count).collect();
            (format!("{from}-{to}"), numbers, false)
        }),
        1 => (min..=max, min..=max, 1..7_u32).prop_map(move |(from, to, step)| {
            let length = if from <= to { to - from } else { to + count - from };
            let numbers = (0..=length)
                .step_by(step as usize)
                .map(|at| min + (from + at - min) % count)
                .collect();
            (format!("{from}-{to}/{step}"), numbers, true)
        }),
        1 => (min..=max, 1..7_u32).prop_map(move |(from, step)| {
            let numbers = (from..=max).step_by(step as usize).collect();
            (format!("{from}/{step}"), numbers, true)
        }),
    ];
    let list = proptest::collection::vec(item, 1..3).prop_map(|items| {
        let texts: Vec<_> = items.iter().map(|it| it.0.clone()).collect();
        Field {
            text: texts.join(","),
            numbers: items.iter().flat_map(|it| it.1.clone()).collect(),
            special: None,
            starts_with_star: false,
            star_or_step: items.iter().any(|it| it.2),
        }
    });
    let star = move |text: String, step: u32| Field {
        text,
        numbers: (min..=max).step_by(step as usize).collect(),
        special: None,
        starts_with_star: true,
        star_or_step: true,
    };
    prop_oneof![
        3 => list,
        2 => Just(star("*".to_owned(), 1)),
        1 => (1..7_u32).prop_map(move |step| star(format!("*/{step}"), step)),
    ]
}

fn special(text: String, special: Special) -> Field {
    Field {
        text,
        numbers: Vec::new(),
        special: Some(special),
        starts_with_star: false,
        star_or_step: false,
    }
}

/// Days of a month.
fn days() -> impl Strategy<Value = Field> {
    prop_oneof![
        4 => plain(1, 31),
        1 => (0..4_u32).prop_map(|n| match n {
            0 => special("L".to_owned(), Special::BeforeLast(0)),
            n => special(format!("L-{n}"), Special::BeforeLast(n)),
        }),
        1 => Just(special("LW".to_owned(), Special::LastWeekday)),
        1 => (1..=31_u32).prop_map(|n| special(format!("{n}W"), Special::Near(n))),
    ]
}

/// Days of the week by the numbers of a dialect, of which `sunday` is Sunday and the least.
fn weekdays(sunday: u32) -> impl Strategy<Value = Field> {
    let day = sunday..=sunday + 6;
    prop_oneof![
        4 => plain(sunday, sunday + 6),
        1 => (day.clone(), 1..=5_u32)
            .prop_map(|(day, n)| special(format!("{day}#{n}"), Special::Nth(day, n))),
        1 => day.prop_map(|day| special(format!("{day}L"), Special::LastOf(day))),
    ]
}

/// Whether a field names a date, by the definition of each special day.
fn names_date(field: &Field, date: NaiveDate, number: u32, sunday: u32) -> bool {
    let len = u32::from(date.num_days_in_month());
    let (day, weekday) = (date.day(), date.weekday().num_days_from_sunday());
    let is_workday =
        |day: u32| (1..=5).contains(&date.with_day(day).unwrap().weekday().num_days_from_sunday());
    match field.special {
        None => field.numbers.contains(&number),
        Some(Special::BeforeLast(n)) => day + n == len,
        Some(Special::LastWeekday) => {
            is_workday(day) && (day + 1..=len).all(|later| !is_workday(later))
        }
        Some(Special::Near(n)) => {
            let near = (1..=len)
                .filter(|&it| is_workday(it))
                .min_by_key(|&it| (it.abs_diff(n), it));
            n <= len && near == Some(day)
        }
        Some(Special::Nth(of, n)) => weekday + sunday == of && day.div_ceil(7) == n,
        Some(Special::LastOf(of)) => weekday + sunday == of && day + 7 > len,
    }
}

/// An expression in `unix` or `quartz`, with what it names.
#[derive(Clone, Debug)]
struct Expression {
    dialect: Dialect,
    text: String,
    second: Field,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    has_seconds: bool,
}

impl Expression {
    fn names(&self, at: NaiveDateTime) -> bool {
        let sunday = u32::from(self.dialect == Dialect::Quartz);
        let date = at.date();
        let by_day = names_date(&self.day, date, date.day(), sunday);
        let weekday = date.weekday().num_days_from_sunday() + sunday;
        let by_week = names_date(&self.weekday, date, weekday, sunday);
        let either = self.dialect == Dialect::Unix
            && !self.day.starts_with_star
            && !self.weekday.starts_with_star;
        self.second.numbers.contains(&at.second())
            && self.minute.numbers.contains(&at.minute())
            && self.hour.numbers.contains(&at.hour())
            && self.month.numbers.contains(&at.month())
            && if either {
                by_day || by_week
            } else {
                by_day && by_week
            }
    }

    fn elapsed(&self) -> bool {
        self.minute.star_or_step || self.hour.star_or_step
    }
}

fn unix() -> impl Strategy<Value = Expression> {
    let fields = (
        plain(0, 59),
        plain(0, 59),
        plain(0, 23),
        days(),
        plain(1, 12),
        weekdays(0),
        any::<bool>(),
    );
    fields.prop_map(
        |(mut second, minute, hour, day, month, weekday, has_seconds)| {
            let five = format!(
                "{} {} {} {} {}",
                minute.text, hour.text, day.text, month.text, weekday.text
            );
            let text = if has_seconds {
                format!("{} {five}", second.text)
            } else {
                second.numbers = vec![0];
                five
            };
            Expression {
                dialect: Dialect::Unix,
                text,
                second,
                minute,
                hour,
                day,
                month,
                weekday,
                has_seconds,
            }
        },
    )
}

fn quartz() -> impl Strategy<Value = Expression> {
    let fields = (
        plain(0, 59),
        plain(0, 59),
        plain(0, 23),
        days(),
        plain(1, 12),
        weekdays(1),
        any::<bool>(),
    );
    fields.prop_map(
        |(second, minute, hour, mut day, month, mut weekday, by_week)| {
            let unset = if by_week { &mut day } else { &mut weekday };
            *unset = Field {
                text: "?".to_owned(),
                numbers: (0..=31).collect(),
                special: None,
                starts_with_star: true,
                star_or_step: false,
            };
            let text = format!(
                "{} {} {} {} {} {}",
                second.text, minute.text, hour.text, day.text, month.text, weekday.text
            );
            Expression {
                dialect: Dialect::Quartz,
                text,
                second,
                minute,
                hour,
                day,
                month,
                weekday,
                has_seconds: true,
            }
        },
    )
}

fn zones() -> impl Strategy<Value = Tz> {
    proptest::sample::select(&chrono_tz::TZ_VARIANTS[..])
}

/// Moments from 2000 to 2036, on a whole minute.
fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    (15_778_080..35_251_200_i64)
        .prop_map(|minutes| DateTime::from_timestamp(minutes * 60, 0).unwrap())
}

fn forward(cron: &Cron, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut found = Vec::new();
    let mut at = Timestamp::from(from);
    while let Some(next) = cron.next(zone, at).filter(|&it| it <= to.into()) {
        assert!(next > at, "{cron} stands still at {at}");
        found.push(next.to_utc());
        at = next;
    }
    found
}

fn backward(cron: &Cron, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut found = Vec::new();
    let mut at = Timestamp::from(to + Duration::microseconds(1));
    while let Some(prev) = cron.prev(zone, at).filter(|&it| it > from.into()) {
        assert!(prev < at, "{cron} stands still at {at}");
        found.push(prev.to_utc());
        at = prev;
    }
    found.reverse();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn times_are_those_of_a_walk(
        expression in prop_oneof![unix(), quartz()],
        zone in zones(),
        from in moments(),
    ) {
        let cron = Cron::parse(expression.dialect, &expression.text).unwrap();
        prop_assert_eq!(Cron::parse(cron.dialect(), &cron.to_string()), Ok(cron.clone()));
        // Seconds are walked for an hour, minutes for three days.
        let (tick, to) = if expression.has_seconds {
            (Duration::seconds(1), from + Duration::minutes(40))
        } else {
            (Duration::minutes(1), from + Duration::days(3))
        };
        let names = |at| expression.names(at);
        let walk = Walk::new(zone, Duration::hours(25), from, to, tick);
        let expected = walk.due(expression.elapsed(), &names);
        prop_assert_eq!(&forward(&cron, zone, from, to), &expected);
        prop_assert_eq!(&backward(&cron, zone, from, to), &expected);
    }

    #[test]
    fn the_next_time_is_the_first_that_is_named(
        expression in prop_oneof![unix(), quartz()],
        from in moments(),
    ) {
        let cron = Cron::parse(expression.dialect, &expression.text).unwrap();
        let next = cron.next(Tz::UTC, from.into()).map(Timestamp::to_utc);
        // Days are looked at one by one: no date before the found one is named, and the found one is.
        let midnight = |it: DateTime<Utc>| it.date_naive();
        let at_some_time = |date: NaiveDate| {
            let (hour, minute) = (expression.hour.numbers[0], expression.minute.numbers[0]);
            let time = date.and_hms_opt(hour, minute, expression.second.numbers[0]).unwrap();
            expression.names(time)
        };
        let end = next.map_or_else(|| midnight(from) + Duration::days(400), midnight);
        let mut date = midnight(from) + Duration::days(1);
        while date < end {
            prop_assert!(!at_some_time(date), "{} is passed over by {}", date, cron);
            date += Duration::days(1);
        }
        if let Some(next) = next {
            prop_assert!(expression.names(next.naive_utc()));
            let back = cron.prev(Tz::UTC, (next + Duration::microseconds(1)).into());
            prop_assert_eq!(back.map(Timestamp::to_utc), Some(next));
        }
    }

    #[test]
    fn no_text_panics_and_what_parses_prints_the_same(
        text in "[0-9*/,?LW#a-z@= '-]{0,24}",
        dialect in proptest::sample::select(&Dialect::ALL[..]),
    ) {
        match Cron::parse(dialect, &text) {
            Ok(cron) => {
                prop_assert_eq!(cron.to_string(), text);
                let at = Timestamp::from_micros(1_800_000_000_000_000);
                let (next, prev) = (cron.next(Tz::UTC, at), cron.prev(Tz::UTC, at));
                prop_assert!(next.is_none_or(|it| it > at) && prev.is_none_or(|it| it < at));
            }
            Err(error) => prop_assert!(text.get(error.range).is_some()),
        }
    }
}
