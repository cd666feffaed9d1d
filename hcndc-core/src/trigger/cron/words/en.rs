//! English.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use super::{Shape, day_sets, few_times, list, runs, two};
use crate::trigger::cron::{
    compile::Compiled,
    days::{ALL_WEEKS, Bits, DayRule, DaySet, Years},
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

pub(super) fn sentence(compiled: &Compiled) -> String {
    let mut text = time(compiled);
    let date = date(compiled);
    if !date.is_empty() {
        text = text + ", " + &date;
    }
    text.push('.');
    if compiled.dates.is_never() {
        text.push_str(" There is no such date: it never fires.");
    }
    text
}

fn and(texts: &[String]) -> String {
    list(texts, ", ", " and ")
}

fn numbers(numbers: &[u32]) -> String {
    let texts: Vec<_> = runs(numbers.iter().copied())
        .into_iter()
        .map(|(from, to)| {
            if from == to {
                from.to_string()
            } else {
                format!("{from} to {to}")
            }
        })
        .collect();
    and(&texts)
}

fn every(step: u32, unit: &str) -> String {
    if step == 1 {
        format!("every {unit}")
    } else {
        format!("every {step} {unit}s")
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn time(compiled: &Compiled) -> String {
    if let Some(times) = few_times(compiled) {
        return format!("At {}", and(&times));
    }
    let seconds = Shape::of(compiled.seconds, 60);
    let minutes = Shape::of(compiled.minutes, 60);
    let hours = Shape::of(compiled.hours, 24);
    let mut parts = Vec::new();
    match &seconds {
        Shape::One(0) => {}
        Shape::All => parts.push("every second".to_string()),
        Shape::One(second) => parts.push(format!("at second {second}")),
        Shape::Steps { first: 0, step } => parts.push(every(*step, "second")),
        Shape::Steps { first, step } => {
            parts.push(format!("{} from second {first} on", every(*step, "second")));
        }
        Shape::Range(from, to) => parts.push(format!("every second from {from} to {to}")),
        Shape::List(all) => parts.push(format!("at seconds {}", numbers(all))),
    }
    let on_the_minute = parts.is_empty();
    match &minutes {
        Shape::All if on_the_minute => parts.push("every minute".to_string()),
        Shape::All => parts.push("of every minute".to_string()),
        Shape::One(minute) if on_the_minute => return hourly(*minute, &hours),
        Shape::One(minute) => parts.push(format!("at minute {minute}")),
        Shape::Steps { first: 0, step } => parts.push(every(*step, "minute")),
        Shape::Steps { first, step } => {
            parts.push(format!("{} from minute {first} on", every(*step, "minute")));
        }
        Shape::Range(from, to) => parts.push(format!("every minute from {from} to {to}")),
        Shape::List(all) => parts.push(format!("at minutes {}", numbers(all))),
    }
    match &hours {
        Shape::All => match minutes {
            Shape::All | Shape::Steps { first: 0, .. } => {}
            Shape::One(_) | Shape::Steps { .. } | Shape::Range(..) | Shape::List(_) => {
                parts.push("of every hour".to_string());
            }
        },
        Shape::One(hour) => parts.push(format!("from {0}:00 to {0}:59", two(*hour))),
        Shape::Steps { first: 0, step } => {
            parts.push(format!("in every {} hour from 00:00 on", nth(*step)));
        }
        Shape::Steps { first, step } => parts.push(format!(
            "in every {} hour from {}:00 on",
            nth(*step),
            two(*first)
        )),
        Shape::Range(from, to) => {
            parts.push(format!("from {}:00 to {}:59", two(*from), two(*to)));
        }
        Shape::List(all) => parts.push(format!("in the hours {}", numbers(all))),
    }
    capital(&parts.join(" "))
}

/// One minute of many hours.
fn hourly(minute: u32, hours: &Shape) -> String {
    let minute = two(minute);
    match hours {
        Shape::All if minute == "00" => "Every hour, on the hour".to_string(),
        Shape::All => format!("Every hour, {minute} minutes past"),
        Shape::One(hour) => format!("At {}:{minute}", two(*hour)),
        Shape::Steps { first, step } => {
            format!(
                "{} from {}:{minute} on",
                capital(&every(*step, "hour")),
                two(*first)
            )
        }
        Shape::Range(from, to) => {
            format!(
                "Every hour from {}:{minute} to {}:{minute}",
                two(*from),
                two(*to)
            )
        }
        Shape::List(all) => {
            let times: Vec<_> = all.iter().map(|it| two(*it) + ":" + &minute).collect();
            format!("At {}", and(&times))
        }
    }
}

fn nth(number: u32) -> String {
    let ending = match (number % 10, number / 10 % 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn date(compiled: &Compiled) -> String {
    let dates = &compiled.dates;
    let mut parts = Vec::new();
    let month_days = |set: &DaySet| format!("on {} of the month", and(&month_days(set)));
    match day_sets(dates) {
        (None, None, _) => {}
        (Some(of_month), None, _) => parts.push(month_days(of_month)),
        (None, Some(of_week), _) => parts.push(week_days(of_week)),
        (Some(of_month), Some(of_week), DayRule::Either) => parts.push(format!(
            "{} and also {}",
            month_days(of_month),
            week_days(of_week)
        )),
        (Some(of_month), Some(of_week), DayRule::Both) => {
            let of_week = week_days(of_week);
            let of_week = of_week
                .trim_start_matches("every ")
                .trim_start_matches("on ");
            parts.push(format!("{} where that is {of_week}", month_days(of_month)));
        }
    }
    if dates.months != 0x1ffe {
        let name = |month: u32| MONTHS[(month as usize + 11) % 12].to_string();
        parts.push(format!(
            "in {}",
            named(&Shape::of(u64::from(dates.months >> 1), 12), 1, name)
        ));
    }
    if dates.weeks != ALL_WEEKS {
        let weeks: Vec<u32> = (1..=53).filter(|at| dates.weeks & (1 << at) != 0).collect();
        let plural = if weeks.len() == 1 { "" } else { "s" };
        parts.push(format!("in ISO week{plural} {}", numbers(&weeks)));
    }
    if !dates.years.is_empty() {
        let texts: Vec<_> = dates.years.iter().map(year).collect();
        parts.push(and(&texts));
    }
    if parts.is_empty() && few_times(compiled).is_some() {
        return "every day".to_string();
    }
    parts.join(" ")
}

fn year(years: &Years) -> String {
    let Years { first, last, step } = *years;
    let every = match step {
        1 => String::new(),
        step => format!("every {} year ", nth(u32::from(step))),
    };
    if first == last {
        format!("in {first}")
    } else if last == 9999 {
        format!("{every}from {first} on")
    } else {
        format!("{every}from {first} to {last}")
    }
}

/// Names of what a shape holds; `least` is the number of the first.
fn named(shape: &Shape, least: u32, name: impl Fn(u32) -> String) -> String {
    match shape {
        Shape::All => String::new(),
        Shape::One(one) => name(one + least),
        Shape::Range(from, to) => format!("{} to {}", name(from + least), name(to + least)),
        Shape::Steps { first, step } => {
            let all: Vec<_> = (*first..12)
                .step_by(*step as usize)
                .map(|it| name(it + least))
                .collect();
            and(&all)
        }
        Shape::List(all) => and(&all.iter().map(|it| name(it + least)).collect::<Vec<_>>()),
    }
}

/// Days by their place in the month.
fn month_days(set: &DaySet) -> Vec<String> {
    let mut texts = Vec::new();
    if set.days != 0 {
        let days: Vec<u32> = Bits(set.days & !1).collect();
        texts.push(match Shape::of(u64::from(set.days >> 1), 31) {
            Shape::Steps { first, step } if days.len() > 2 => {
                format!("every {} day from day {} on", nth(step), first + 1)
            }
            Shape::One(day) => format!("day {}", day + 1),
            Shape::All | Shape::Steps { .. } | Shape::Range(..) | Shape::List(_) => {
                format!("days {}", numbers(&days))
            }
        });
    }
    for n in Bits(set.before_last) {
        texts.push(match n {
            0 => "the last day".to_string(),
            1 => "the day before the last".to_string(),
            n => format!("the {} day before the last", nth(n)),
        });
    }
    for day in Bits(set.near) {
        texts.push(format!(
            "the workday (Monday to Friday) nearest to day {day}"
        ));
    }
    for n in Bits(set.near_before_last) {
        texts.push(match n {
            0 => "the last workday (Monday to Friday)".to_string(),
            n => format!(
                "the workday (Monday to Friday) nearest to the {} day before the last",
                nth(n)
            ),
        });
    }
    texts.extend(nth_weekdays(set));
    texts
}

fn nth_weekdays(set: &DaySet) -> Vec<String> {
    let mut texts = Vec::new();
    for (n, weekdays) in ORDINALS.into_iter().zip(set.nth) {
        for weekday in Bits(u32::from(weekdays)) {
            texts.push(format!("the {n} {}", WEEKDAYS[weekday as usize % 7]));
        }
    }
    for weekday in Bits(u32::from(set.last)) {
        texts.push(format!("the last {}", WEEKDAYS[weekday as usize % 7]));
    }
    texts
}

/// Days by their name.
fn week_days(set: &DaySet) -> String {
    let mut texts = Vec::new();
    if set.weekdays != 0 {
        let name = |day: u32| WEEKDAYS[day as usize % 7].to_string();
        let shape = Shape::of(u64::from(set.weekdays), 7);
        texts.push(match shape {
            Shape::Range(..) => named(&shape, 0, name),
            Shape::All => "every day".to_string(),
            Shape::One(day) => format!("every {}", name(day)),
            Shape::Steps { .. } | Shape::List(_) => {
                let days: Vec<_> = Bits(u32::from(set.weekdays)).map(name).collect();
                format!("every {}", and(&days))
            }
        });
    }
    let nth = nth_weekdays(set);
    if !nth.is_empty() {
        texts.push(format!("on {} of the month", and(&nth)));
    }
    texts.join(" and ")
}
