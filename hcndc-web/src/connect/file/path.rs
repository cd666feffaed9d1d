//! Paths of file events: placeholders of dates, globs, and dates in names.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use hcndc_core::time::DataDate;
use hcndc_exec::executor::template::{self, Subject};

use crate::connect::source::query::trial;

/// A path, whose parts may be globs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    fn new(path: &str) -> Result<Self, String> {
        let parts = path.strip_prefix('/').unwrap_or_default().split('/');
        let parts: Vec<String> = parts.map(str::to_owned).collect();
        let is_whole = parts
            .iter()
            .all(|it| !matches!(it.as_str(), "" | "." | ".."));
        match is_whole {
            true => Ok(Self { parts }),
            false => Err(format!(
                "{path} is no path from the root, such as /in/*.csv, without . and .."
            )),
        }
    }

    /// The parts that stand for folders.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let most = self.parts.len().saturating_sub(1);
        self.parts.iter().take(most).map(String::as_str)
    }

    /// The part that stands for the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

/// What files of these dates are called, each once, and the date that this tells. A path without placeholders tells none;
/// nor does one that is the same for the day before, as of a month's file.
///
/// # Errors
/// What is wrong with the path.
pub fn patterns(
    path: &str,
    dates: &[DataDate],
) -> Result<Vec<(Option<DataDate>, Pattern)>, String> {
    only_dates(path)?;
    let mut patterns: Vec<(Option<DataDate>, Pattern)> = Vec::new();
    for date in dates {
        let expanded = expand(path, *date)?;
        let pattern = Pattern::new(&expanded)?;
        if patterns.iter().any(|(_, known)| *known == pattern) {
            continue;
        }
        let before = date.plus_days(-1);
        let before = before.map(|before| expand(path, before)).transpose()?;
        let tells = before.is_some_and(|before| before != expanded);
        patterns.push((tells.then_some(*date), pattern));
    }
    Ok(patterns)
}

/// That nothing of a run stands in a text: none is known where files arrive.
fn only_dates(text: &str) -> Result<(), String> {
    let found = template::placeholders(text).map_err(|error| error.to_string())?;
    let other = found
        .iter()
        .find(|it| !matches!(it.subject, Subject::Date { .. }));
    match other {
        Some(other) => Err(format!(
            "{} means nothing here; dates do, such as ${{date:%Y%m%d}}",
            &text[other.range.clone()]
        )),
        None => Ok(()),
    }
}

fn expand(text: &str, date: DataDate) -> Result<String, String> {
    let values = BTreeMap::new();
    let expanded = template::expand_value(text, trial(date, None, &values));
    expanded.map_err(|error| error.to_string())
}

/// Whether a part of a path is a glob.
#[must_use]
pub fn is_glob(part: &str) -> bool {
    part.contains(['*', '?'])
}

/// Whether a name fits a part of a path: `*` is any text, `?` any character. Names that begin with a point fit only what begins so
/// too: many programs write under such a name until a file is whole.
#[must_use]
pub fn fits(part: &str, name: &str) -> bool {
    if name.starts_with('.') && is_glob(part) && !part.starts_with('.') {
        return false;
    }
    fits_any(part, name)
}

/// Whether a text fits a glob, whatever it begins with.
#[must_use]
pub fn fits_any(part: &str, name: &str) -> bool {
    let (part, name): (Vec<char>, Vec<char>) = (part.chars().collect(), name.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the latest star stands, and up to where of the name it reaches.
    let mut star: Option<(usize, usize)> = None;
    while of < name.len() {
        match part.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((stands, reaches)) = star else {
                    return false;
                };
                star = Some((stands, reaches + 1));
                at = stands + 1;
                of = reaches + 1;
            }
        }
    }
    part[at..].iter().all(|it| *it == '*')
}

/// The first date of this form in a name, where digits neither lead up to it nor go on after it.
#[must_use]
pub fn date_in(name: &str, form: &str) -> Option<DataDate> {
    let mut last = ' ';
    for (at, letter) in name.char_indices() {
        let before = std::mem::replace(&mut last, letter);
        if before.is_ascii_digit() {
            continue;
        }
        if let Ok((date, rest)) = NaiveDate::parse_and_remainder(&name[at..], form)
            && !rest.starts_with(|next: char| next.is_ascii_digit())
            // `-2026` is read as a year, too: what follows the sign is looked at next.
            && let Some(date) = DataDate::new(date)
        {
            return Some(date);
        }
    }
    None
}

/// What the marker of a file is called: `*` stands for the file's name, placeholders of dates for its date.
///
/// # Errors
/// What is wrong with it.
pub fn marker(marker: &str, name: &str, date: Option<DataDate>) -> Result<String, String> {
    only_dates(marker)?;
    let expanded = match date {
        Some(date) => expand(marker, date)?,
        None => marker.to_owned(),
    };
    Ok(expanded.replace('*', name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> DataDate {
        text.parse().expect("a date")
    }

    #[test]
    fn globs_are_of_one_part_and_pass_hidden_names_over() {
        for (part, name, expected) in [
            ("a.csv", "a.csv", true),
            ("a.csv", "b.csv", false),
            ("*.csv", "ledger.csv", true),
            ("*.csv", "ledger.csv.tmp", false),
            ("l*g?r*", "ledger-1", true),
            ("*a*b", "aXaYb", true),
            ("*a*b", "aXaY", false),
            ("*", ".part", false),
            (".*", ".part", true),
            ("??", "单据", true),
            ("?", "", false),
            ("**", "", true),
        ] {
            assert_eq!(fits(part, name), expected, "{part} {name}");
        }
    }

    #[test]
    fn a_path_is_looked_for_under_each_date() {
        let dates = [date("2026-11-21"), date("2026-11-20")];
        let found = patterns("/in/${date:%Y%m}/l-${date:%d}.csv", &dates).expect("good");
        let told: Vec<_> = found
            .iter()
            .map(|(date, pattern)| (*date, pattern.parts.join("/")))
            .collect();
        assert_eq!(
            told,
            [
                (Some(dates[0]), "in/202611/l-21.csv".to_owned()),
                (Some(dates[1]), "in/202611/l-20.csv".to_owned()),
            ]
        );
        // A month's folder tells no day, and is looked at once.
        let found = patterns("/in/${date:%Y%m}/*.csv", &dates).expect("good");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, None);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told() {
        let dates = [date("2026-11-21")];
        for bad in [
            "in/a.csv",
            "/in/../a",
            "/in/",
            "/",
            "/${flow_name}",
            "/${date-1x}",
        ] {
            assert!(patterns(bad, &dates).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_tells_its_date() {
        for (name, form, expected) in [
            ("ledger-20261121.csv", "%Y%m%d", Some("2026-11-21")),
            ("v2_2026-11-21_final.csv", "%Y-%m-%d", Some("2026-11-21")),
            ("id7120261121.csv", "%Y%m%d", None),
            ("a20261121093000.csv", "%Y%m%d", None),
            ("单据20261121", "%Y%m%d", Some("2026-11-21")),
            ("none.csv", "%Y%m%d", None),
        ] {
            assert_eq!(date_in(name, form), expected.map(date), "{name}");
        }
    }
}
