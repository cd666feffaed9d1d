//! Types of values: what a text has to be, and the form in which it goes on.

use alloc::{
    borrow::ToOwned as _,
    format,
    string::{String, ToString as _},
};
use core::fmt;

use chrono::{FixedOffset, NaiveDate, NaiveTime};

/// What the value of a query has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ValueType {
    /// Any text; it goes on as it is, spaces at its ends included.
    #[default]
    Text,
    /// A whole number of any length, also one that is written with zeros behind a point: `42.00` goes on as `42`.
    Integer,
    /// A decimal number, which may have an exponent: `-1.50`, `6e23`. Its digits go on as they are.
    Number,
    /// A day, alone or with a time of day, which is left out: `2026-11-21`, whatever stands between its parts.
    Date,
    /// A day and a time of day, 00:00:00 if there is none: `2026-11-21T01:02:03`, with the fraction and the zone that it has.
    Timestamp,
    /// Yes or no, as databases write it (`t`, `1`, `yes`, …): goes on as `true` or `false`.
    Boolean,
}

/// A value that is none of its type. It may be secret, so it is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value is not {expected}")]
pub struct Misfit {
    /// What it should be.
    pub expected: ValueType,
}

impl ValueType {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Text,
        Self::Integer,
        Self::Number,
        Self::Date,
        Self::Timestamp,
        Self::Boolean,
    ];

    /// A value in the form of its type.
    ///
    /// # Errors
    /// [`Misfit`].
    ///
    /// # Examples
    /// ```
    /// use hcndc_core::model::ValueType;
    /// assert_eq!(ValueType::Date.read("2026-11-21 00:00:00+08").as_deref(), Ok("2026-11-21"));
    /// assert_eq!(ValueType::Integer.read("42.0").as_deref(), Ok("42"));
    /// assert!(ValueType::Integer.read("42.5").is_err());
    /// ```
    pub fn read(self, text: &str) -> Result<String, Misfit> {
        let bare = text.trim();
        let found = match self {
            Self::Text => Some(text.to_owned()),
            Self::Integer => integer(bare),
            Self::Number => number(bare),
            Self::Date => moment(bare).map(|(day, _)| day),
            Self::Timestamp => moment(bare).map(|(day, time)| format!("{day}T{time}")),
            Self::Boolean => boolean(bare).map(|it| it.to_string()),
        };
        found.ok_or(Misfit { expected: self })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Integer => "a whole number, such as 42",
            Self::Number => "a number, such as -1.50",
            Self::Date => "a date, such as 2026-11-21",
            Self::Timestamp => "a date and time, such as 2026-11-21 01:02:03",
            Self::Boolean => "yes or no, such as true, f, 1 or no",
        })
    }
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sign and digits, without zeros that mean nothing.
fn signed(text: &str) -> (&str, &str) {
    match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Whole digits as people write them: no zeros before them, but for the last.
fn whole(digits: &str) -> &str {
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        "0"
    } else {
        significant
    }
}

fn integer(text: &str) -> Option<String> {
    let (sign, rest) = signed(text);
    let digits = match rest.split_once('.') {
        Some((digits, zeros)) => zeros.bytes().all(|byte| byte == b'0').then_some(digits)?,
        None => rest,
    };
    if !are_digits(digits) {
        return None;
    }
    let digits = whole(digits);
    let sign = if digits == "0" { "" } else { sign };
    Some(format!("{sign}{digits}"))
}

fn number(text: &str) -> Option<String> {
    let (sign, rest) = signed(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_empty_or_digits = |text: &str| text.is_empty() || are_digits(text);
    if (before.is_empty() && behind.is_empty())
        || !is_empty_or_digits(before)
        || !is_empty_or_digits(behind)
    {
        return None;
    }
    let mut found = format!("{sign}{}", whole(before));
    if !behind.is_empty() {
        found.push('.');
        found.push_str(behind);
    }
    if let Some(exponent) = exponent {
        let (sign, digits) = signed(exponent);
        if !are_digits(digits) {
            return None;
        }
        found.push_str(&format!("e{sign}{digits}"));
    }
    Some(found)
}

fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "t", "yes", "y", "on", "1"]) {
        Some(true)
    } else if is(&["false", "f", "no", "n", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A day and a time of day with its zone, both as ISO 8601 has them.
fn moment(text: &str) -> Option<(String, String)> {
    let (day, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, ""),
    };
    let forms = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"];
    // Years of four digits: what has others is rather a number.
    let has_year = day.len() >= 8 && are_digits(day.get(..4)?);
    let date = |form: &&str| NaiveDate::parse_from_str(day, form).ok();
    let day = has_year.then(|| forms.iter().find_map(date))??;
    let day = day.format("%Y-%m-%d").to_string();
    if rest.is_empty() {
        return Some((day, "00:00:00".to_owned()));
    }
    let end = rest.find(|it: char| !it.is_ascii_digit() && it != ':' && it != '.');
    let (time, zone) = rest.split_at(end.unwrap_or(rest.len()));
    let forms = ["%H:%M:%S%.f", "%H:%M"];
    let time = forms
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(time, form).ok())?;
    let mut told = time.format("%H:%M:%S").to_string();
    let fraction = time.format("%f").to_string();
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        told.push('.');
        told.push_str(fraction);
    }
    let zone = zone.trim_start();
    if zone.eq_ignore_ascii_case("z") || zone.eq_ignore_ascii_case("utc") {
        told.push('Z');
    } else if !zone.is_empty() {
        // Some databases leave zero minutes out.
        let minutes = if zone.len() == 3 { ":00" } else { "" };
        let zone: FixedOffset = format!("{zone}{minutes}").parse().ok()?;
        told.push_str(&zone.to_string());
    }
    Some((day, told))
}

#[cfg(test)]
mod tests {
    use super::ValueType as T;

    #[test]
    fn values_of_each_type_go_on_in_one_form() {
        for (of, text, expected) in [
            (T::Text, " a ", " a "),
            (T::Text, "", ""),
            (T::Integer, "42", "42"),
            (T::Integer, " +007 ", "7"),
            (T::Integer, "-3.000", "-3"),
            (T::Integer, "-0", "0"),
            (T::Integer, "18446744073709551616", "18446744073709551616"),
            (T::Number, "-1.50", "-1.50"),
            (T::Number, ".5", "0.5"),
            (T::Number, "+5.", "5"),
            (T::Number, "6.02E+23", "6.02e23"),
            (T::Number, "1e-07", "1e-07"),
            (T::Date, "2026-11-21", "2026-11-21"),
            (T::Date, "2026/1/2", "2026-01-02"),
            (T::Date, "20261121", "2026-11-21"),
            (T::Date, "2026-11-21 23:59:59.999", "2026-11-21"),
            (T::Timestamp, "2026-11-21", "2026-11-21T00:00:00"),
            (T::Timestamp, "2026-11-21 01:02", "2026-11-21T01:02:00"),
            (
                T::Timestamp,
                "2026-11-21 01:02:03.1230000 +08:00",
                "2026-11-21T01:02:03.123+08:00",
            ),
            (
                T::Timestamp,
                "2026-11-21 01:02:03-05",
                "2026-11-21T01:02:03-05:00",
            ),
            (
                T::Timestamp,
                "2026-11-21T01:02:03.5Z",
                "2026-11-21T01:02:03.5Z",
            ),
            (T::Boolean, "t", "true"),
            (T::Boolean, "YES", "true"),
            (T::Boolean, "1", "true"),
            (T::Boolean, "False", "false"),
            (T::Boolean, "0", "false"),
        ] {
            assert_eq!(of.read(text).as_deref(), Ok(expected), "{of:?}: {text:?}");
        }
    }

    #[test]
    fn what_is_none_of_its_type_is_refused_and_not_told() {
        for (of, text) in [
            (T::Integer, ""),
            (T::Integer, "-"),
            (T::Integer, "4.2"),
            (T::Integer, "1e3"),
            (T::Integer, "4 2"),
            (T::Integer, "４２"),
            (T::Number, "."),
            (T::Number, "e5"),
            (T::Number, "1e"),
            (T::Number, "1.2.3"),
            (T::Number, "NaN"),
            (T::Number, "1,5"),
            (T::Date, ""),
            (T::Date, "2026-02-30"),
            (T::Date, "21.11.2026"),
            (T::Date, "26-11-2021"),
            (T::Date, "2026-11-21 25:00"),
            (T::Date, "2026-11-21 noon"),
            (T::Date, "1700000000000"),
            (T::Timestamp, "01:02:03"),
            (T::Timestamp, "2026-11-21 01:02:03 +8"),
            (T::Timestamp, "2026-11-21 01:02:03 Europe/Berlin"),
            (T::Boolean, ""),
            (T::Boolean, "2"),
            (T::Boolean, "maybe"),
        ] {
            let refused = of.read(text).unwrap_err();
            assert_eq!(refused.expected, of, "{text:?}");
        }
        let told = alloc::format!("{}", T::Integer.read("s3cret").unwrap_err());
        assert_eq!(told, "the value is not a whole number, such as 42");
    }

    #[test]
    fn a_form_is_read_as_itself() {
        for of in T::ALL.iter().copied() {
            for text in ["1", "2026-11-21", "2026-11-21 01:02:03.5+08", "no", "-7.25"] {
                if let Ok(once) = of.read(text) {
                    assert_eq!(of.read(&once).as_deref(), Ok(once.as_str()), "{of:?}");
                }
            }
        }
    }
}
