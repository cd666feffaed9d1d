//! What is wrong with an expression, and where.

use core::ops::Range;

use alloc::{string::String, vec::Vec};

use super::{Dialect, Field};

/// An expression that its dialect does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("{}{kind}", InField(*field))]
pub struct CronError {
    /// Where in the expression, in bytes; both ends lie between characters. Empty if something is missing there.
    pub range: Range<usize>,
    /// The field at fault; `None` if it is the expression as a whole.
    pub field: Option<Field>,
    /// What is wrong.
    pub kind: CronErrorKind,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CronErrorKind {
    /// There is nothing but blanks.
    #[error("the expression is empty")]
    Empty,
    /// The dialect wants another number of fields.
    #[error("{found} fields, but {dialect} expressions have {}", Counts(expected))]
    FieldCount {
        /// How many there are.
        found: usize,
        /// How many there may be, ascending.
        expected: Vec<usize>,
        /// Whose rule that is.
        dialect: Dialect,
    },
    /// A word after `@` that is no macro, or a macro where the dialect has none.
    #[error("{name:?} is none of the macros of this dialect")]
    UnknownMacro {
        /// What was given, with the `@`.
        name: String,
    },
    /// Not what this field takes.
    #[error("{found:?} is not {expected}")]
    Unexpected {
        /// What was given; empty if nothing was.
        found: String,
        /// What may stand there.
        expected: Expected,
    },
    /// A number that the field does not have.
    #[error("{found} is not within {min} to {max}")]
    OutOfRange {
        /// What was given, as it was written.
        found: String,
        /// The least that is allowed.
        min: u16,
        /// The greatest that is allowed.
        max: u16,
    },
    /// A range of years that ends before it begins.
    #[error("the range ends before it begins ({first} to {last})")]
    Backwards {
        /// Where it begins.
        first: u16,
        /// Where it ends.
        last: u16,
    },
    /// Both day fields say something, which this dialect does not allow: one has to be `?`.
    #[error("day of month and day of week cannot both be given: one has to be ?")]
    BothDays,
    /// Both day fields are `?`.
    #[error("only one of day of month and day of week can be ?")]
    NoDay,
    /// A key that the keyword form does not have.
    #[error("{key:?} is no field")]
    UnknownKey {
        /// What was given.
        key: String,
    },
    /// A field that is given twice.
    #[error("{key} is given twice")]
    RepeatedKey {
        /// The field's key.
        key: String,
    },
    /// A quotation mark without its partner.
    #[error("the quotation mark is not closed")]
    OpenQuote,
}

/// What may stand at a place of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Expected {
    /// A number within the field's range.
    #[error("a number from {min} to {max}")]
    Number {
        /// The least.
        min: u16,
        /// The greatest.
        max: u16,
    },
    /// A month.
    #[error("a month (1 to 12, or JAN to DEC)")]
    Month,
    /// A day of the month, or one of the special ones that the dialect has.
    #[error("a day of the month (1 to 31, or one of the dialect's special days)")]
    DayOfMonth,
    /// A day of the week.
    #[error("a day of the week ({min} to {max}, or MON to SUN)")]
    DayOfWeek {
        /// The least number.
        min: u16,
        /// The greatest number.
        max: u16,
    },
    /// The width of a step.
    #[error("a step from 1 to {max}")]
    Step {
        /// The greatest.
        max: u16,
    },
    /// Which of a month's weekdays of one name.
    #[error("a number of a week from 1 to 5")]
    Nth,
    /// The end of the item: a comma, a blank, or the end of the expression.
    #[error("the end of the item")]
    EndOfItem,
    /// `key=value`.
    #[error("a field as key=value")]
    KeyAndValue,
}

/// A field's name with a colon.
struct InField(Option<Field>);

impl core::fmt::Display for InField {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |field| write!(f, "{field}: "))
    }
}

/// Numbers with "or" between them.
struct Counts<'a>(&'a [usize]);

impl core::fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, count) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" or ")?;
            }
            write!(f, "{count}")?;
        }
        Ok(())
    }
}
