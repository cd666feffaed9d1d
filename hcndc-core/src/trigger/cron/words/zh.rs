//! Chinese.

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

const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

const ORDINALS: [&str; 5] = ["第一个", "第二个", "第三个", "第四个", "第五个"];

pub(super) fn sentence(compiled: &Compiled) -> String {
    let (date, time) = (date(compiled), time(compiled));
    let mut text = if date.is_empty() {
        time
    } else if few_times(compiled).is_some() {
        date + &time
    } else {
        format!("{date}，{time}")
    };
    text.push('。');
    if compiled.dates.is_never() {
        text.push_str("没有这样的日期：永不触发。");
    }
    spaced(&text)
}

/// A space between a Chinese character and a letter or digit beside it.
fn spaced(text: &str) -> String {
    let is_han = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    let mut spaced = String::new();
    let mut before = ' ';
    for letter in text.chars() {
        let (before_is_word, is_word) = (
            before.is_ascii_alphanumeric(),
            letter.is_ascii_alphanumeric(),
        );
        if is_han(before) && is_word || before_is_word && is_han(letter) {
            spaced.push(' ');
        }
        spaced.push(letter);
        before = letter;
    }
    spaced
}

fn and(texts: &[String]) -> String {
    list(texts, "、", "和")
}

/// Numbers with a unit after each.
fn numbers(numbers: &[u32], unit: &str) -> String {
    let texts: Vec<_> = runs(numbers.iter().copied())
        .into_iter()
        .map(|(from, to)| {
            if from == to {
                format!("{from} {unit}")
            } else {
                format!("{from} 至 {to} {unit}")
            }
        })
        .collect();
    and(&texts)
}

fn time(compiled: &Compiled) -> String {
    if let Some(times) = few_times(compiled) {
        return and(&times);
    }
    let minutes = Shape::of(compiled.minutes, 60);
    let hours = Shape::of(compiled.hours, 24);
    if let (1, Shape::One(minute)) = (compiled.seconds, &minutes) {
        return hourly(*minute, &hours);
    }
    let mut parts = Vec::new();
    match &hours {
        Shape::All => {}
        Shape::One(hour) => parts.push(format!("{0}:00 至 {0}:59 期间", two(*hour))),
        Shape::Range(from, to) => {
            parts.push(format!("{}:00 至 {}:59 期间", two(*from), two(*to)));
        }
        Shape::Steps { first, step } => parts.push(format!(
            "从 {}:00 起每隔 {step} 小时的那一小时内",
            two(*first)
        )),
        Shape::List(all) => parts.push(format!("在 {}内", numbers(all, "时"))),
    }
    let whole_minutes = compiled.seconds == 1;
    match &minutes {
        Shape::All if whole_minutes => parts.push("每分钟一次".to_string()),
        Shape::All => parts.push("每分钟".to_string()),
        Shape::One(minute) => parts.push(format!("每小时的第 {minute} 分")),
        Shape::Steps { first: 0, step } if whole_minutes => {
            parts.push(format!("每 {step} 分钟一次"));
        }
        Shape::Steps { first, step } => {
            parts.push(format!("每小时从第 {first} 分起每 {step} 分钟"));
        }
        Shape::Range(from, to) => parts.push(format!("每小时第 {from} 至 {to} 分的每分钟")),
        Shape::List(all) => parts.push(format!("每小时的第 {}", numbers(all, "分"))),
    }
    match Shape::of(compiled.seconds, 60) {
        Shape::One(0) => {}
        Shape::One(second) => parts.push(format!("的第 {second} 秒")),
        Shape::All => parts.push("的每一秒".to_string()),
        Shape::Steps { first: 0, step } => parts.push(format!("内每 {step} 秒一次")),
        Shape::Steps { first, step } => {
            parts.push(format!("内从第 {first} 秒起每 {step} 秒一次"));
        }
        Shape::Range(from, to) => parts.push(format!("的第 {from} 至 {to} 秒，每秒一次")),
        Shape::List(all) => parts.push(format!("的第 {}", numbers(&all, "秒"))),
    }
    parts.concat()
}

/// One minute of many hours.
fn hourly(minute: u32, hours: &Shape) -> String {
    let minute = two(minute);
    match hours {
        Shape::All if minute == "00" => "每小时整点".to_string(),
        Shape::All => format!("每小时的第 {minute} 分"),
        Shape::One(hour) => format!("{}:{minute}", two(*hour)),
        Shape::Steps { first, step } => {
            format!("从 {}:{minute} 起每 {step} 小时一次", two(*first))
        }
        Shape::Range(from, to) => format!(
            "{}:{minute} 至 {}:{minute} 每小时一次",
            two(*from),
            two(*to)
        ),
        Shape::List(all) => {
            let times: Vec<_> = all.iter().map(|it| two(*it) + ":" + &minute).collect();
            and(&times)
        }
    }
}

fn date(compiled: &Compiled) -> String {
    let dates = &compiled.dates;
    let mut parts = Vec::new();
    if !dates.years.is_empty() {
        let texts: Vec<_> = dates.years.iter().map(year).collect();
        parts.push(and(&texts));
    }
    if dates.weeks != ALL_WEEKS {
        let weeks: Vec<u32> = (1..=53).filter(|at| dates.weeks & (1 << at) != 0).collect();
        parts.push(format!("ISO 第 {}", numbers(&weeks, "周")));
    }
    let has_months = dates.months != 0x1ffe;
    if has_months {
        parts.push(match Shape::of(u64::from(dates.months >> 1), 12) {
            Shape::Range(from, to) => format!("{} 月至 {} 月", from + 1, to + 1),
            Shape::All | Shape::One(_) | Shape::Steps { .. } | Shape::List(_) => {
                let months: Vec<_> = Bits(u32::from(dates.months))
                    .map(|it| format!("{it} 月"))
                    .collect();
                and(&months)
            }
        });
    }
    let in_month = if has_months { "的" } else { "每月" };
    let days = match day_sets(dates) {
        (None, None, _) => String::new(),
        (Some(of_month), None, _) => format!("{in_month}{}", month_days(of_month)),
        (None, Some(of_week), _) => week_days(of_week, in_month),
        (Some(of_month), Some(of_week), DayRule::Either) => format!(
            "{in_month}{}，以及{}",
            month_days(of_month),
            week_days(of_week, in_month)
        ),
        (Some(of_month), Some(of_week), DayRule::Both) => format!(
            "{in_month}{}中的{}",
            month_days(of_month),
            week_days(of_week, in_month)
        ),
    };
    if days.is_empty() && !parts.is_empty() && few_times(compiled).is_some() {
        return parts.join("的") + "每天";
    }
    if days.is_empty() && parts.is_empty() && few_times(compiled).is_some() {
        return "每天".to_string();
    }
    let separated = parts.join("的");
    if !separated.is_empty() && !days.is_empty() && !days.starts_with('的') {
        return separated + "的" + &days;
    }
    separated + &days
}

fn year(years: &Years) -> String {
    match years {
        Years { first, last, .. } if first == last => format!("{first} 年"),
        Years {
            first,
            last,
            step: 1,
        } => format!("{first} 年至 {last} 年"),
        Years {
            first,
            last: 9999,
            step,
        } => format!("从 {first} 年起每 {step} 年"),
        Years { first, last, step } => format!("从 {first} 年至 {last} 年每 {step} 年"),
    }
}

fn month_days(set: &DaySet) -> String {
    let mut texts = Vec::new();
    if set.days != 0 {
        let days: Vec<u32> = Bits(set.days & !1).collect();
        texts.push(match Shape::of(u64::from(set.days >> 1), 31) {
            Shape::Steps { first, step } if days.len() > 2 => {
                format!("从 {} 日起每 {step} 天", first + 1)
            }
            Shape::All
            | Shape::One(_)
            | Shape::Steps { .. }
            | Shape::Range(..)
            | Shape::List(_) => numbers(&days, "日"),
        });
    }
    for n in Bits(set.before_last) {
        texts.push(match n {
            0 => "最后一天".to_string(),
            n => format!("倒数第 {} 天", n + 1),
        });
    }
    for day in Bits(set.near) {
        texts.push(format!("最接近 {day} 日的工作日（周一至周五）"));
    }
    for n in Bits(set.near_before_last) {
        texts.push(match n {
            0 => "最后一个工作日（周一至周五）".to_string(),
            n => format!("最接近倒数第 {} 天的工作日（周一至周五）", n + 1),
        });
    }
    texts.extend(nth_weekdays(set));
    and(&texts)
}

fn nth_weekdays(set: &DaySet) -> Vec<String> {
    let mut texts = Vec::new();
    for (n, weekdays) in ORDINALS.into_iter().zip(set.nth) {
        for weekday in Bits(u32::from(weekdays)) {
            texts.push(format!("{n}{}", WEEKDAYS[weekday as usize % 7]));
        }
    }
    for weekday in Bits(u32::from(set.last)) {
        texts.push(format!("最后一个{}", WEEKDAYS[weekday as usize % 7]));
    }
    texts
}

fn week_days(set: &DaySet, in_month: &str) -> String {
    let mut texts = Vec::new();
    let name = |day: u32| WEEKDAYS[day as usize % 7].to_string();
    if set.weekdays != 0 {
        texts.push(match Shape::of(u64::from(set.weekdays), 7) {
            Shape::All => "每天".to_string(),
            Shape::One(day) => format!("每{}", name(day)),
            Shape::Range(from, to) => format!("{}至{}", name(from), name(to)),
            Shape::Steps { .. } | Shape::List(_) => {
                let days: Vec<_> = Bits(u32::from(set.weekdays)).map(name).collect();
                format!("每{}", and(&days))
            }
        });
    }
    let nth = nth_weekdays(set);
    if !nth.is_empty() {
        let in_month = if in_month == "的" { "" } else { in_month };
        texts.push(format!("{in_month}{}", and(&nth)));
    }
    texts.join("和")
}
