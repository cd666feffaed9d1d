//! What may be wrong with a sheet, as values; the sentences are in [`text`](super::text).

use hcndc_core::model::DefinitionError;

use super::{SheetColumn, SheetKind, text};
use crate::interchange::{Lang, Noun};

/// What is wrong with a sheet, or with a cell of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SheetProblem {
    /// The file is no workbook, or a damaged one.
    Unopenable {
        /// What its reader says.
        detail: String,
    },
    /// The text is neither UTF-8 nor UTF-16 nor GB18030.
    Undecodable,
    /// There are more rows than are read, or more cells than so many rows have.
    TooManyRows {
        /// Rows that are read at most.
        limit: usize,
    },
    /// Something stands in a column further to the right than is read.
    TooManyColumns {
        /// Columns that are read at most.
        limit: usize,
    },
    /// Cells of a workbook lie too far apart: the rectangles around them are larger than is read.
    TooSpread {
        /// Cells of such rectangles that are read at most.
        limit: u64,
    },
    /// There is nothing in the file.
    NoHeader,
    /// There is a header, and nothing below.
    NoRows,
    /// A header names no column.
    UnknownColumn {
        /// The header, shortened when long.
        header: String,
        /// What the sheet is of.
        kind: SheetKind,
        /// The known header that is nearest.
        near: Option<String>,
    },
    /// Two headers name the same column.
    ColumnTwice {
        /// The letters of the first.
        first: String,
    },
    /// A column that no sheet can do without.
    MissingColumn {
        /// Which.
        column: SheetColumn,
        /// What the sheet is of.
        kind: SheetKind,
    },
    /// A formula failed.
    FailedFormula {
        /// What it says, such as `#REF!`.
        error: String,
    },
    /// A cell that must not be empty.
    EmptyCell,
    /// Not a whole number.
    NotANumber {
        /// The text, shortened when long.
        text: String,
    },
    /// Not a date.
    NotADate {
        /// The text, shortened when long.
        text: String,
    },
    /// Two rows have the same number.
    NumberTwice {
        /// The number.
        number: u64,
        /// The row that has it first.
        first: u32,
    },
    /// Two rows are about the same definition.
    NameTwice {
        /// Its name; a job's as `flow/job`.
        name: String,
        /// The row that is about it first.
        first: u32,
    },
    /// No row has this number.
    UnknownNumber {
        /// The number.
        number: u64,
    },
    /// There is nothing of this id or name.
    Unknown {
        /// What is named.
        noun: Noun,
        /// The id or name, shortened when long.
        name: String,
        /// The known name that is nearest.
        near: Option<String>,
    },
    /// A row waits for itself.
    OwnDependency,
    /// The definition that a row makes is wrong.
    Definition(DefinitionError),
    /// There are more faults than are told.
    TooManyFaults {
        /// How many are told.
        limit: usize,
    },
}

impl SheetProblem {
    /// What is wrong, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        text::message(self, lang)
    }

    /// What to do about it, in one sentence without a full stop.
    #[must_use]
    pub fn remedy(&self, lang: Lang) -> String {
        text::remedy(self, lang)
    }

    /// Stable name of the kind of problem, in kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unopenable { .. } => "unopenable",
            Self::Undecodable => "undecodable",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::TooManyColumns { .. } => "too-many-columns",
            Self::TooSpread { .. } => "too-spread",
            Self::NoHeader => "no-header",
            Self::NoRows => "no-rows",
            Self::UnknownColumn { .. } => "unknown-column",
            Self::ColumnTwice { .. } => "column-twice",
            Self::MissingColumn { .. } => "missing-column",
            Self::FailedFormula { .. } => "failed-formula",
            Self::EmptyCell => "empty-cell",
            Self::NotANumber { .. } => "not-a-number",
            Self::NotADate { .. } => "not-a-date",
            Self::NumberTwice { .. } => "number-twice",
            Self::NameTwice { .. } => "name-twice",
            Self::UnknownNumber { .. } => "unknown-number",
            Self::Unknown { .. } => "unknown",
            Self::OwnDependency => "own-dependency",
            Self::Definition(DefinitionError::Cycle { .. }) => "cycle",
            Self::Definition(_) => "bad-definition",
            Self::TooManyFaults { .. } => "too-many-faults",
        }
    }
}
