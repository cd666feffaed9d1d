//! The first row that a query gave: what params take their values from.

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{LONGEST_TEXT, ValueType},
};

use super::AskError;

/// Columns that are kept.
const MOST_COLUMNS: usize = 1_000;
/// Bytes that are kept, names and values together: rows are kept for all jobs of an execution. A value alone fits always.
const MOST_BYTES: usize = 2 * LONGEST_TEXT;
/// Names that a reason tells.
const TOLD: usize = 20;

/// A row: columns by name, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    columns: Vec<(String, Cell)>,
    /// Bytes of names and values.
    size: usize,
    /// Columns that were too many.
    left_out: usize,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Null,
    /// A value as the database writes it.
    Text(String),
    /// A value that cannot be a param's, and why not.
    Unreadable(String),
}

impl Cell {
    /// A value that there may be.
    pub(super) fn of(value: Option<String>) -> Self {
        value.map_or(Self::Null, Self::Text)
    }
}

impl Row {
    /// Adds the next column. One that is too much for a row is there by its name alone.
    pub(super) fn push(&mut self, name: impl Into<String>, cell: Cell) {
        let name = name.into();
        if self.columns.len() == MOST_COLUMNS {
            self.left_out += 1;
            return;
        }
        let cell = match cell {
            Cell::Text(text) if text.len() > LONGEST_TEXT => Cell::Unreadable(format!(
                "the value has {} bytes; a param has {LONGEST_TEXT} at most",
                text.len()
            )),
            Cell::Text(text) if !self.columns.is_empty() && self.size + text.len() > MOST_BYTES => {
                Cell::Unreadable(format!(
                    "the row is longer than {MOST_BYTES} bytes up to this column; ask for fewer columns, or for this one first"
                ))
            }
            other => other,
        };
        self.size += name.len();
        if let Cell::Text(text) = &cell {
            self.size += text.len();
        }
        self.columns.push((name, cell));
    }

    /// A column's value in the form of its type; the first column's without a name. The name may be written with other capital
    /// letters than the database does if only one column fits then.
    ///
    /// # Errors
    /// [`AskError`]: there is no such column, no value in it, or one that is none of the type.
    pub fn value(&self, column: Option<&str>, of: ValueType) -> Result<String, AskError> {
        let (name, cell) = match column {
            Some(column) => self.find(column)?,
            None => self.columns.first().ok_or_else(|| {
                AskError::new(ResolveErrorKind::NoRow, "the first row has no columns")
            })?,
        };
        // Where no column is named, its name says nothing to anybody.
        let told = |reason: String| match column {
            Some(_) => format!("column {name}: {reason}"),
            None => reason,
        };
        match cell {
            Cell::Null => {
                let reason = match column {
                    Some(_) => format!("column {name} of the first row has no value"),
                    None => NO_VALUE.to_owned(),
                };
                Err(AskError::new(ResolveErrorKind::NoRow, reason))
            }
            Cell::Unreadable(why) => Err(AskError::new(ResolveErrorKind::NoRow, told(why.clone()))),
            Cell::Text(text) => of
                .read(text)
                .map_err(|misfit| AskError::new(ResolveErrorKind::NoRow, told(misfit.to_string()))),
        }
    }

    fn find(&self, column: &str) -> Result<&(String, Cell), AskError> {
        let exact = self.fitting(column, |name| name == column)?;
        let found = match exact {
            Some(found) => Some(found),
            None => {
                let wanted = column.to_lowercase();
                self.fitting(column, |name| name.to_lowercase() == wanted)?
            }
        };
        found.ok_or_else(|| {
            let mut names: Vec<&str> = self.columns.iter().map(|(name, _)| &**name).collect();
            let more = names.len().saturating_sub(TOLD) + self.left_out;
            names.truncate(TOLD);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let there = names.join(", ");
            let reason = format!("there is no column {column}; there are: {there}{more}");
            AskError::new(ResolveErrorKind::NoRow, reason)
        })
    }

    /// The only column whose name fits.
    fn fitting(
        &self,
        column: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<&(String, Cell)>, AskError> {
        let mut found = self.columns.iter().filter(|(name, _)| fits(name));
        let first = found.next();
        let others = found.count();
        if others > 0 {
            let count = others + 1;
            let reason =
                format!("{count} columns are named {column}; give them names of their own (AS)");
            return Err(AskError::new(ResolveErrorKind::NoRow, reason));
        }
        Ok(first)
    }
}

/// That there is nothing to take a value from.
pub(super) const NO_VALUE: &str =
    "there is no row, or the first column of the first row has no value";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &[(&str, Option<&str>)]) -> Row {
        let mut row = Row::default();
        for (name, value) in columns {
            row.push(*name, Cell::of(value.map(str::to_owned)));
        }
        row
    }

    fn text(row: &Row, column: Option<&str>) -> Result<String, String> {
        let value = row.value(column, ValueType::Text);
        value.map_err(|error| error.reason)
    }

    #[test]
    fn a_column_is_found_by_its_name_or_by_one_that_differs_in_capitals_alone() {
        let row = row(&[
            ("id", Some("7")),
            ("Day", Some("2026-11-21")),
            ("a", Some("1")),
            ("A", Some("2")),
            ("É", Some("3")),
        ]);
        assert_eq!(text(&row, None).as_deref(), Ok("7"));
        assert_eq!(text(&row, Some("DAY")).as_deref(), Ok("2026-11-21"));
        assert_eq!(text(&row, Some("a")).as_deref(), Ok("1"));
        assert_eq!(text(&row, Some("A")).as_deref(), Ok("2"));
        assert_eq!(text(&row, Some("é")).as_deref(), Ok("3"));
        assert_eq!(
            text(&row, Some("date")).unwrap_err(),
            "there is no column date; there are: id, Day, a, A, É"
        );
    }

    #[test]
    fn names_that_several_columns_have_are_no_names() {
        let row = row(&[("id", Some("1")), ("ID", Some("2")), ("id", Some("3"))]);
        assert_eq!(
            text(&row, Some("id")).unwrap_err(),
            "2 columns are named id; give them names of their own (AS)"
        );
        assert_eq!(text(&row, Some("ID")).as_deref(), Ok("2"));
        assert_eq!(
            text(&row, Some("Id")).unwrap_err(),
            "3 columns are named Id; give them names of their own (AS)"
        );
    }

    #[test]
    fn what_has_no_value_or_another_type_says_which_column() {
        let row = row(&[("a", None), ("b", None), ("n", Some("s3cret"))]);
        let none = row.value(None, ValueType::Text).unwrap_err();
        assert_eq!(
            (none.kind, none.reason.as_str()),
            (ResolveErrorKind::NoRow, NO_VALUE)
        );
        let none = row.value(Some("B"), ValueType::Text).unwrap_err();
        assert_eq!(none.kind, ResolveErrorKind::NoRow);
        assert_eq!(none.reason, "column b of the first row has no value");
        let misfit = row.value(Some("n"), ValueType::Integer).unwrap_err();
        assert_eq!(
            misfit.reason,
            "column n: the value is not a whole number, such as 42"
        );
    }

    #[test]
    fn a_row_is_kept_as_far_as_there_is_room() {
        let long = "x".repeat(LONGEST_TEXT);
        let mut row = Row::default();
        row.push("too long", Cell::Text(format!("{long}x")));
        for name in ["a", "b", "c"] {
            row.push(name, Cell::Text(long.clone()));
        }
        for at in 0..MOST_COLUMNS {
            row.push(format!("n{at}"), Cell::Null);
        }
        let told = text(&row, Some("too long")).unwrap_err();
        assert!(told.contains("120001 bytes"), "{told}");
        assert_eq!(text(&row, Some("a")), Ok(long));
        let told = text(&row, Some("c")).unwrap_err();
        assert!(told.contains("ask for fewer columns"), "{told}");
        let told = text(&row, Some("z")).unwrap_err();
        assert!(told.ends_with("n15 and 984 more"), "{told}");
    }
}
