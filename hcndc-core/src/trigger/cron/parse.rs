//! Text to items, field by field, with the place of each in the text.

use core::ops::Range;

use alloc::{string::ToString as _, vec, vec::Vec};

use super::{
    CronError, CronErrorKind, Dialect, Expected, Field,
    field::{WEEKDAYS, monday_0},
};

/// A field as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldItems {
    pub(super) field: Field,
    /// Where it stands in the expression, in bytes.
    pub(super) range: Range<usize>,
    /// At least one.
    pub(super) items: Vec<Item>,
}

/// One part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) base: Base,
    pub(super) step: Option<u16>,
}

/// What an item names. Numbers are the dialect's, but for days of the week that stand with something else: those count
/// from Monday = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// `*`
    Every,
    /// `?`
    Unset,
    /// A number or name.
    One(u16),
    /// From one to another; past the end of the field and on from its start if the first is the greater.
    Range(u16, u16),
    /// From a day to the last one of the month.
    ToLast(u16),
    /// The day so many days before the last of the month, or the weekday nearest to that.
    BeforeLast { days: u16, near: bool },
    /// The weekday nearest to a day of the month.
    Near(u16),
    /// The `n`th day of this name in the month.
    Nth { weekday: u16, n: u16 },
    /// The last day of this name in the month.
    LastWeekday(u16),
}

/// Macros and what they stand for.
const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Ordinals of the keyword form; the last day of a name is `last`.
const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

/// Reads an expression into its fields. Each of `Field`'s variants is there once at most; those that are not given take
/// the dialect's defaults.
pub(super) fn parse(dialect: Dialect, text: &str) -> Result<Vec<FieldItems>, CronError> {
    let whole = text.trim_ascii();
    let start = text.len() - text.trim_ascii_start().len();
    let range = start..start + whole.len();
    if whole.is_empty() {
        return Err(CronError {
            range,
            field: None,
            kind: CronErrorKind::Empty,
        });
    }
    if whole.starts_with('@') {
        let found = MACROS
            .iter()
            .find(|(name, _)| dialect == Dialect::Unix && name.eq_ignore_ascii_case(whole));
        return match found {
            Some((_, stands_for)) => parse(dialect, stands_for),
            None => Err(CronError {
                range,
                field: None,
                kind: CronErrorKind::UnknownMacro {
                    name: whole.to_string(),
                },
            }),
        };
    }
    if dialect == Dialect::Apscheduler && whole.contains('=') {
        return keywords(text);
    }
    let words = words(text);
    let orders: &[&[Field]] = match dialect {
        Dialect::Unix => &[&FIVE, &SIX],
        Dialect::Quartz => &[&SIX, &SEVEN],
        Dialect::Apscheduler => &[&FIVE],
    };
    let Some(order) = orders.iter().find(|order| order.len() == words.len()) else {
        return Err(CronError {
            range,
            field: None,
            kind: CronErrorKind::FieldCount {
                found: words.len(),
                expected: orders.iter().map(|order| order.len()).collect(),
                dialect,
            },
        });
    };
    let fields = order
        .iter()
        .zip(words)
        .map(|(&field, range)| field_items(dialect, field, text, range))
        .collect::<Result<Vec<_>, _>>()?;
    if dialect == Dialect::Quartz {
        one_day_field(&fields)?;
    }
    Ok(fields)
}

const FIVE: [Field; 5] = [
    Field::Minute,
    Field::Hour,
    Field::DayOfMonth,
    Field::Month,
    Field::DayOfWeek,
];
const SIX: [Field; 6] = [
    Field::Second,
    Field::Minute,
    Field::Hour,
    Field::DayOfMonth,
    Field::Month,
    Field::DayOfWeek,
];
const SEVEN: [Field; 7] = [
    Field::Second,
    Field::Minute,
    Field::Hour,
    Field::DayOfMonth,
    Field::Month,
    Field::DayOfWeek,
    Field::Year,
];

/// Where the words of a text stand.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in text.bytes().enumerate() {
        match (byte.is_ascii_whitespace(), start) {
            (true, Some(from)) => {
                found.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            (true, None) | (false, Some(_)) => {}
        }
    }
    found.extend(start.map(|from| from..text.len()));
    found
}

/// Quartz: one of the day fields says which days, the other nothing (`?` or `*`), and not both are `?`.
fn one_day_field(fields: &[FieldItems]) -> Result<(), CronError> {
    let find = |wanted| fields.iter().find(|it| it.field == wanted);
    let (Some(of_month), Some(of_week)) = (find(Field::DayOfMonth), find(Field::DayOfWeek)) else {
        return Ok(());
    };
    let says = |field: &FieldItems| {
        field
            .items
            .iter()
            .any(|item| item.step.is_some() || !matches!(item.base, Base::Every | Base::Unset))
    };
    let is_unset = |field: &FieldItems| {
        field
            .items
            .iter()
            .any(|item| matches!(item.base, Base::Unset))
    };
    let kind = if says(of_month) && says(of_week) {
        CronErrorKind::BothDays
    } else if is_unset(of_month) && is_unset(of_week) {
        CronErrorKind::NoDay
    } else {
        return Ok(());
    };
    Err(CronError {
        range: of_week.range.clone(),
        field: Some(Field::DayOfWeek),
        kind,
    })
}

/// The keyword form: `key=value` pairs, a value with blanks in quotation marks.
fn keywords(text: &str) -> Result<Vec<FieldItems>, CronError> {
    let bytes = text.as_bytes();
    let mut given: Vec<FieldItems> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let end_of_word = |from: usize| {
            bytes[from..]
                .iter()
                .position(u8::is_ascii_whitespace)
                .map_or(bytes.len(), |length| from + length)
        };
        let Some(equals) = (at..end_of_word(at)).find(|&it| bytes[it] == b'=') else {
            let range = at..end_of_word(at);
            return Err(unexpected(None, text, range, Expected::KeyAndValue));
        };
        let key = &text[at..equals];
        let field = Field::from_key(key).ok_or_else(|| CronError {
            range: at..equals,
            field: None,
            kind: CronErrorKind::UnknownKey {
                key: key.to_string(),
            },
        })?;
        if given.iter().any(|it| it.field == field) {
            return Err(CronError {
                range: at..equals,
                field: Some(field),
                kind: CronErrorKind::RepeatedKey {
                    key: key.to_string(),
                },
            });
        }
        let value = equals + 1;
        let range = match bytes.get(value) {
            Some(&quote) if quote == b'\'' || quote == b'"' => {
                let inside = value + 1;
                let Some(length) = bytes[inside..].iter().position(|&byte| byte == quote) else {
                    return Err(CronError {
                        range: value..bytes.len(),
                        field: Some(field),
                        kind: CronErrorKind::OpenQuote,
                    });
                };
                at = inside + length + 1;
                if !matches!(
                    bytes.get(at),
                    None | Some(b' ' | b'\t' | b'\n' | b'\r' | 0xc)
                ) {
                    let range = at..end_of_word(at);
                    return Err(unexpected(Some(field), text, range, Expected::EndOfItem));
                }
                inside..inside + length
            }
            Some(_) | None => {
                at = end_of_word(value);
                value..at
            }
        };
        given.push(field_items(Dialect::Apscheduler, field, text, range)?);
    }
    Ok(with_defaults(given))
}

/// Fields coarser than the finest that is given take every value, finer ones their least.
fn with_defaults(mut given: Vec<FieldItems>) -> Vec<FieldItems> {
    let order = |field: Field| Field::KEYWORDS.iter().position(|&it| it == field);
    let finest = given.iter().map(|it| order(it.field)).max().flatten();
    for field in Field::KEYWORDS {
        if given.iter().all(|it| it.field != field) {
            let base = match field {
                Field::Month | Field::DayOfMonth if order(field) > finest => Base::One(1),
                Field::Hour | Field::Minute | Field::Second if order(field) > finest => {
                    Base::One(0)
                }
                Field::Year
                | Field::Month
                | Field::DayOfMonth
                | Field::Week
                | Field::DayOfWeek
                | Field::Hour
                | Field::Minute
                | Field::Second => Base::Every,
            };
            given.push(FieldItems {
                field,
                range: 0..0,
                items: vec![Item { base, step: None }],
            });
        }
    }
    given
}

/// A list of items with commas between them.
fn field_items(
    dialect: Dialect,
    field: Field,
    text: &str,
    range: Range<usize>,
) -> Result<FieldItems, CronError> {
    let mut items = Vec::new();
    let mut start = range.start;
    for part in text[range.clone()].split(',') {
        let trimmed = part.trim_ascii_start();
        let from = start + part.len() - trimmed.len();
        let place = Place {
            dialect,
            field,
            text,
            at: from,
            end: from + trimmed.trim_ascii_end().len(),
        };
        items.push(place.item()?);
        start += part.len() + 1;
    }
    Ok(FieldItems {
        field,
        range,
        items,
    })
}

fn unexpected(
    field: Option<Field>,
    text: &str,
    range: Range<usize>,
    expected: Expected,
) -> CronError {
    CronError {
        field,
        kind: CronErrorKind::Unexpected {
            found: text[range.clone()].to_string(),
            expected,
        },
        range,
    }
}

/// A place in an item.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    dialect: Dialect,
    field: Field,
    text: &'a str,
    at: usize,
    /// Where the item ends.
    end: usize,
}

impl<'a> Place<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..self.end]
    }

    /// Goes past a character, whatever its case, if it stands here.
    fn take(&mut self, wanted: char) -> bool {
        let found = self
            .rest()
            .chars()
            .next()
            .is_some_and(|found| found.eq_ignore_ascii_case(&wanted));
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Goes past all characters of a kind.
    fn take_while(&mut self, wanted: fn(&u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().take_while(wanted).count();
        self.at += length;
        &rest[..length]
    }

    fn unexpected(&self, expected: Expected) -> CronError {
        unexpected(Some(self.field), self.text, self.at..self.end, expected)
    }

    fn is_special_day(&self) -> bool {
        self.field == Field::DayOfMonth && self.dialect != Dialect::Apscheduler
    }

    fn is_special_weekday(&self) -> bool {
        self.field == Field::DayOfWeek && self.dialect != Dialect::Apscheduler
    }

    fn item(mut self) -> Result<Item, CronError> {
        let base = self.base()?;
        let takes_step = matches!(
            base,
            Base::Every | Base::One(_) | Base::Range(..) | Base::ToLast(_)
        );
        let step = if takes_step && self.take('/') {
            Some(self.step(base)?)
        } else {
            None
        };
        if self.at == self.end {
            Ok(Item { base, step })
        } else {
            Err(self.unexpected(Expected::EndOfItem))
        }
    }

    fn base(&mut self) -> Result<Base, CronError> {
        if self.take('*') {
            return Ok(Base::Every);
        }
        let takes_unset = matches!(self.field, Field::DayOfMonth | Field::DayOfWeek)
            && self.dialect != Dialect::Apscheduler;
        if takes_unset && self.take('?') {
            return Ok(Base::Unset);
        }
        if self.is_special_day() && self.take('L') {
            let days = if self.take('-') {
                self.number(0, 30)?
            } else {
                0
            };
            let near = self.take('W');
            return Ok(Base::BeforeLast { days, near });
        }
        if self.is_special_weekday() && self.take('L') {
            // Quartz: L alone is the seventh day of the week.
            return if self.dialect == Dialect::Quartz && self.at == self.end {
                Ok(Base::One(7))
            } else {
                self.value()
                    .map(|day| Base::LastWeekday(self.monday_0(day)))
            };
        }
        if self.dialect == Dialect::Apscheduler
            && self.field == Field::DayOfMonth
            && let Some(day) = self.day_in_words()
        {
            return day;
        }
        let first = self.value()?;
        if self.is_special_day() && self.take('W') {
            return Ok(Base::Near(first));
        }
        if self.is_special_weekday() && self.take('L') {
            return Ok(Base::LastWeekday(self.monday_0(first)));
        }
        if self.is_special_weekday() && self.take('#') {
            let weekday = self.monday_0(first);
            if self.take('L') {
                return Ok(Base::LastWeekday(weekday));
            }
            let start = *self;
            let n = self.take_while(u8::is_ascii_digit).parse().ok();
            return n
                .filter(|n| (1..=5).contains(n))
                .map(|n| Base::Nth { weekday, n })
                .ok_or_else(|| start.unexpected(Expected::Nth));
        }
        if !self.take('-') {
            return Ok(Base::One(first));
        }
        if self.is_special_day() && self.take('L') {
            return Ok(Base::ToLast(first));
        }
        let last = self.value()?;
        if self.field == Field::Year && first > last {
            return Err(self.until_here(CronErrorKind::Backwards { first, last }));
        }
        Ok(Base::Range(first, last))
    }

    /// An error about the item from its start up to here.
    fn until_here(&self, kind: CronErrorKind) -> CronError {
        let before = &self.text[..self.at];
        let start = before
            .rfind(|it: char| {
                it == ',' || it == '=' || it == '\'' || it == '"' || it.is_ascii_whitespace()
            })
            .map_or(0, |at| at + 1);
        CronError {
            range: start..self.at,
            field: Some(self.field),
            kind,
        }
    }

    fn monday_0(&self, day: u16) -> u16 {
        monday_0(self.dialect, day)
    }

    /// `last`, `1st mon`, `last fri`; `None` if the item begins with no such word.
    fn day_in_words(&mut self) -> Option<Result<Base, CronError>> {
        let mut place = *self;
        let word = place.take_while(u8::is_ascii_alphanumeric);
        let is_last = word.eq_ignore_ascii_case("last");
        let n = ORDINALS
            .iter()
            .position(|it| it.eq_ignore_ascii_case(word))
            .and_then(|at| u16::try_from(at + 1).ok());
        if !is_last && n.is_none() {
            return None;
        }
        let blanks = place.take_while(u8::is_ascii_whitespace);
        *self = place;
        if is_last && blanks.is_empty() {
            return Some(Ok(Base::BeforeLast {
                days: 0,
                near: false,
            }));
        }
        let name = self.take_while(u8::is_ascii_alphabetic);
        let weekday = WEEKDAYS
            .iter()
            .position(|it| it.eq_ignore_ascii_case(name))
            .and_then(|at| u16::try_from(at).ok());
        Some(match (weekday, n) {
            (Some(weekday), Some(n)) => Ok(Base::Nth { weekday, n }),
            (Some(weekday), None) => Ok(Base::LastWeekday(weekday)),
            (None, _) => Err(place.unexpected(Expected::DayOfWeek { min: 0, max: 6 })),
        })
    }

    /// A number or name of the field.
    fn value(&mut self) -> Result<u16, CronError> {
        let (min, max) = self.field.bounds(self.dialect);
        if self
            .rest()
            .starts_with(|first: char| first.is_ascii_digit())
        {
            return self.number(min, max);
        }
        let start = *self;
        let word = self.take_while(u8::is_ascii_alphabetic);
        if let Some(value) = self.field.number_of(self.dialect, word) {
            return Ok(value);
        }
        // FRIL: the L is for what comes after the name.
        if self.is_special_weekday() && word.len() > 3 {
            self.at = start.at + 3;
            if let Some(value) = self.field.number_of(self.dialect, &word[..3]) {
                return Ok(value);
            }
        }
        Err(start.unexpected(match self.field {
            Field::Month => Expected::Month,
            Field::DayOfMonth => Expected::DayOfMonth,
            Field::DayOfWeek => Expected::DayOfWeek { min, max },
            Field::Year | Field::Week | Field::Hour | Field::Minute | Field::Second => {
                Expected::Number { min, max }
            }
        }))
    }

    /// A number within bounds.
    fn number(&mut self, min: u16, max: u16) -> Result<u16, CronError> {
        let start = *self;
        let digits = self.take_while(u8::is_ascii_digit);
        if digits.is_empty() {
            return Err(start.unexpected(Expected::Number { min, max }));
        }
        digits
            .parse()
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| CronError {
                range: start.at..self.at,
                field: Some(self.field),
                kind: CronErrorKind::OutOfRange {
                    found: digits.to_string(),
                    min,
                    max,
                },
            })
    }

    /// The width of a step. One wider than what it counts over reaches the first value only; unix crontabs have such.
    fn step(&mut self, base: Base) -> Result<u16, CronError> {
        let (least, greatest) = self.field.span(self.dialect);
        let max = match (self.dialect, base) {
            (Dialect::Unix, _) => u16::MAX,
            (Dialect::Quartz, _) if self.field == Field::Year => u16::MAX,
            (Dialect::Quartz, _) => {
                if least == 0 {
                    greatest
                } else {
                    greatest - least + 1
                }
            }
            (Dialect::Apscheduler, Base::Range(first, last)) if first < last => last - first,
            (Dialect::Apscheduler, Base::One(first)) if first < greatest => greatest - first,
            (Dialect::Apscheduler, _) => greatest - least,
        };
        let start = *self;
        let digits = self.take_while(u8::is_ascii_digit);
        digits
            .parse()
            .ok()
            .filter(|step| (1..=max).contains(step))
            .ok_or_else(|| start.unexpected(Expected::Step { max }))
    }
}
