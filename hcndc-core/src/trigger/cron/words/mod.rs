//! Expressions in sentences.

mod en;
mod zh;

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Cron,
    days::{Bits, DayRule, DaySet},
};

/// A language that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Cron {
    /// What the expression says, in a sentence.
    ///
    /// ```
    /// use hcndc_core::trigger::cron::{Cron, Language};
    /// let cron: Cron = "30 2 * * mon-fri".parse()?;
    /// assert_eq!(cron.words(Language::En), "At 02:30, Monday to Friday.");
    /// assert_eq!(cron.words(Language::Zh), "周一至周五 02:30。");
    /// # Ok::<(), hcndc_core::trigger::cron::CronError>(())
    /// ```
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        match language {
            Language::En => en::sentence(&self.compiled),
            Language::Zh => zh::sentence(&self.compiled),
        }
    }
}

/// The numbers of a field that counts from 0, told as people would.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Every one.
    All,
    /// One.
    One(u32),
    /// Every so many, from a first one to the end.
    Steps { first: u32, step: u32 },
    /// From one to another, over the end if the first is the greater.
    Range(u32, u32),
    /// These.
    List(Vec<u32>),
}

impl Shape {
    /// The shape of the bits that are set below `count`, of which there is one at least.
    fn of(bits: u64, count: u32) -> Self {
        let numbers: Vec<u32> = (0..count).filter(|at| bits & (1 << at) != 0).collect();
        let [first, rest @ ..] = numbers.as_slice() else {
            return Self::List(numbers);
        };
        let first = *first;
        if rest.is_empty() {
            return Self::One(first);
        }
        if numbers.len() == count as usize {
            return Self::All;
        }
        let step = rest[0] - first;
        let is_even = numbers.iter().zip((first..count).step_by(step as usize));
        if first < step
            && is_even.clone().all(|(&number, even)| number == even)
            && numbers.len() == (first..count).step_by(step as usize).len()
        {
            return Self::Steps { first, step };
        }
        // Where a run begins; one run makes a range, over the end too.
        let begins = |&at: &u32| bits & (1 << ((at + count - 1) % count)) == 0;
        let mut starts = numbers.iter().copied().filter(begins);
        if let (Some(start), None) = (starts.next(), starts.next())
            && numbers.len() > 2
        {
            let last = (start + numbers.len() as u32 - 1) % count;
            return Self::Range(start, last);
        }
        Self::List(numbers)
    }
}

/// Numbers as runs: from, to.
fn runs(numbers: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            Some(_) | None => found.push((number, number)),
        }
    }
    // Two in a row are told one by one.
    found
        .into_iter()
        .flat_map(|(from, to)| {
            let pair = to == from + 1;
            let first = (from, if pair { from } else { to });
            core::iter::once(first).chain(pair.then_some((to, to)))
        })
        .collect()
}

/// Texts with separators: `a, b and c`.
fn list(texts: &[String], comma: &str, and: &str) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => {
            let mut all = most.join(comma);
            all.push_str(and);
            all.push_str(last);
            all
        }
    }
}

/// True if the set has every day, by itself.
fn is_all(set: &DaySet) -> bool {
    set.days | 1 == u32::MAX || set.weekdays == 0x7f
}

/// The day fields that restrict, and how they go together: none, one or both.
fn day_sets(dates: &super::days::Dates) -> (Option<&DaySet>, Option<&DaySet>, DayRule) {
    let both = dates.rule == DayRule::Both;
    let of_month = Some(&dates.of_month).filter(|set| !both || !is_all(set));
    let of_week = Some(&dates.of_week).filter(|set| !both || !is_all(set));
    (of_month, of_week, dates.rule)
}

/// Two digits.
fn two(number: u32) -> String {
    let mut text = (number + 100).to_string();
    text.remove(0);
    text
}

/// Times of day, if they are few.
fn few_times(compiled: &super::compile::Compiled) -> Option<Vec<String>> {
    let count =
        compiled.hours.count_ones() * compiled.minutes.count_ones() * compiled.seconds.count_ones();
    if count > 6 {
        return None;
    }
    let mut times = Vec::new();
    for hour in Bits(compiled.hours as u32) {
        for minute in (0..60).filter(|at| compiled.minutes & (1 << at) != 0) {
            for second in (0..60).filter(|at| compiled.seconds & (1 << at) != 0) {
                let mut text = two(hour) + ":" + &two(minute);
                if compiled.seconds != 1 {
                    text = text + ":" + &two(second);
                }
                times.push(text);
            }
        }
    }
    Some(times)
}
