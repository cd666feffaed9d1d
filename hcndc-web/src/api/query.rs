//! Queries: parameters by name, refused with all of their faults.
//!
//! A handler takes what it knows and then [finishes](Query::finish): what nobody took is unknown.

use std::str::FromStr;

use chrono_tz::Tz;
use hcndc_core::{
    model::DefinitionError,
    time::{DataDate, TimeError, Timestamp},
};

use super::problem::{Blame, BlameError, Problem};
use crate::interchange::{self, Expected, Found};

/// Longest value of a parameter, in characters.
const LONGEST: usize = 4_096;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<String>,
    blames: Vec<Blame>,
}

impl Query {
    /// The parameters of a query in the form of HTML forms.
    pub(super) fn new(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self {
            pairs: pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            known: Vec::new(),
            blames: Vec::new(),
        }
    }

    /// Records a fault of a parameter.
    pub(super) fn blame(&mut self, name: &str, error: BlameError) {
        self.blames.push(Blame::of(name, error));
    }

    fn take(&mut self, name: &str) -> Vec<String> {
        self.known.push(name.to_owned());
        let (taken, rest) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(other, _)| other == name);
        self.pairs = rest;
        let values: Vec<String> = taken.into_iter().map(|(_, value)| value).collect();
        if values.iter().any(|value| value.chars().count() > LONGEST) {
            self.blame(name, BlameError::TooLong { limit: LONGEST });
            return Vec::new();
        }
        values
    }

    /// The text of a parameter that may stand once; an empty one counts as none.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.take(name);
        if values.len() > 1 {
            let value = name.to_owned();
            self.blame(
                name,
                BlameError::Definition(DefinitionError::Duplicate { value }),
            );
        }
        values.pop().filter(|value| !value.is_empty())
    }

    /// The texts of a parameter that may stand several times; empty ones count as none.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let mut values = self.take(name);
        values.retain(|value| !value.is_empty());
        values
    }

    /// A parameter that is `true` or `false`; by itself (`?dry_run`) it is true.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let bare = self
            .pairs
            .iter()
            .any(|(other, value)| other == name && value.is_empty());
        match self.text(name).as_deref() {
            None => bare.then_some(true),
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => {
                self.wrong(name, Expected::Boolean, other);
                None
            }
        }
    }

    fn wrong(&mut self, name: &str, expected: Expected, found: &str) {
        let found = Found::Text(found.chars().take(60).collect());
        self.blame(
            name,
            BlameError::Shape(interchange::Problem::WrongType { expected, found }),
        );
    }

    /// A whole number from `min` to `max`.
    pub(super) fn number(&mut self, name: &str, min: u64, max: u64) -> Option<u64> {
        let text = self.text(name)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && (min..=max).contains(&number) => return Some(number),
            Ok(_) if digits => {
                let error = interchange::Problem::OutOfRange {
                    min: i64::try_from(min).unwrap_or(i64::MAX),
                    max: i64::try_from(max).unwrap_or(i64::MAX),
                    found: text,
                };
                self.blame(name, BlameError::Shape(error));
            }
            _ => self.wrong(name, Expected::Integer, &text),
        }
        None
    }

    /// An id.
    pub(super) fn id(&mut self, name: &str) -> Option<u64> {
        self.number(name, 0, i64::MAX.unsigned_abs())
    }

    /// A date.
    pub(super) fn date(&mut self, name: &str) -> Option<DataDate> {
        let text = self.text(name)?;
        match DataDate::from_str(&text) {
            Ok(date) => Some(date),
            Err(TimeError::NotADate { .. } | _) => {
                self.blame(name, BlameError::BadDate { text });
                None
            }
        }
    }

    /// A time, as in RFC 3339.
    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let time = text.parse().ok();
        if time.is_none() {
            self.blame(name, BlameError::BadTime { text });
        }
        time
    }

    /// An IANA time zone.
    pub(super) fn zone(&mut self, name: &str) -> Option<Tz> {
        let zone = self.text(name)?;
        let found = zone.parse().ok();
        if found.is_none() {
            let problem = interchange::Problem::UnknownZone { zone, near: None };
            self.blame(name, BlameError::Shape(problem));
        }
        found
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        self.find_word(name, &text, words)
    }

    /// Any number of some words, each in a parameter of its own or parted by commas.
    pub(super) fn words<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Vec<T> {
        let values = self.take(name);
        let texts = values.iter().flat_map(|value| value.split(','));
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        texts
            .into_iter()
            .filter_map(|text| self.find_word(name, text, words))
            .collect()
    }

    fn find_word<T: Copy>(&mut self, name: &str, text: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let error = interchange::Problem::UnknownWord {
                word: text.chars().take(60).collect(),
                known: words.iter().map(|(word, _)| (*word).to_owned()).collect(),
            };
            self.blame(name, BlameError::Shape(error));
        }
        found.map(|(_, value)| *value)
    }

    /// Refuses the query if anything in it is wrong or unknown.
    ///
    /// # Errors
    /// [`Problem::BadQuery`] with all faults.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let error = interchange::Problem::UnknownField {
                field: name.chars().take(60).collect(),
                known: self.known.clone(),
                near: None,
            };
            self.blame(&name, BlameError::Shape(error));
        }
        if self.blames.is_empty() {
            Ok(())
        } else {
            Err(Problem::BadQuery(self.blames))
        }
    }
}
