//! Rows as those of flows and of jobs are read: by columns, and by their own numbers.

use std::collections::HashMap;

use super::{
    SheetColumn, SheetProblem,
    faults::Faults,
    grid::{Cell, Row},
    header::{Layout, shorten},
    value,
};
use crate::interchange::near::NearBudget;

/// A row, read by columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    row: &'a Row,
    layout: &'a Layout,
}

impl<'a> View<'a> {
    /// A row of a sheet that is laid out so.
    pub(super) const fn new(row: &'a Row, layout: &'a Layout) -> Self {
        Self { row, layout }
    }

    /// Its number, from 1.
    pub(super) const fn number(&self) -> u32 {
        self.row.number
    }

    /// Whether the sheet has a column.
    pub(super) fn has(&self, column: SheetColumn) -> bool {
        self.layout.has(column)
    }

    /// The text in a column; `None` if there is no such column, or something is wrong with the cell.
    pub(super) fn text(&self, column: SheetColumn) -> Option<&'a str> {
        match self.layout.find(self.row, column)? {
            None => Some(""),
            Some(Cell::Text(text)) => Some(text),
            Some(Cell::Error(_)) => None,
        }
    }

    /// The text in a column, without spaces at either end.
    pub(super) fn trimmed(&self, column: SheetColumn) -> &'a str {
        self.text(column).unwrap_or_default().trim()
    }

    /// The text in a column, if there is one.
    pub(super) fn filled(&self, column: SheetColumn) -> Option<&'a str> {
        let text = self.text(column)?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// What the items of a list are, and those that are nothing. An item may hold spaces, or be several parted by spaces.
    pub(super) fn references<T>(
        &self,
        column: SheetColumn,
        find: impl Fn(&str) -> Option<T>,
    ) -> (Vec<T>, Vec<&'a str>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        let text = self.trimmed(column);
        if let Some(whole) = find(text) {
            return (vec![whole], missing);
        }
        for item in value::items(text) {
            if let Some(it) = find(item) {
                found.push(it);
                continue;
            }
            let parts: Vec<&str> = item.split_whitespace().collect();
            let each: Vec<Option<T>> = parts.iter().map(|part| find(part)).collect();
            if each.iter().all(Option::is_none) && value::whole(parts[0]).is_none() {
                missing.push(item);
                continue;
            }
            for (part, it) in parts.into_iter().zip(each) {
                match it {
                    Some(it) => found.push(it),
                    None => missing.push(part),
                }
            }
        }
        (found, missing)
    }

    /// Whether it only shows how to fill in the others.
    pub(super) fn is_example(&self) -> bool {
        let number = self.trimmed(SheetColumn::Number).to_lowercase();
        matches!(&*number, "示例" | "例" | "example" | "e.g.")
    }

    /// Tells which of its cells hold a formula that failed.
    pub(super) fn tell_failed_formulas(&self, faults: &mut Faults<'_>) {
        for column in self.layout.columns() {
            if let Some(Some(Cell::Error(error))) = self.layout.find(self.row, column) {
                let error = shorten(error);
                faults.tell(self.number(), column, SheetProblem::FailedFormula { error });
            }
        }
    }
}

/// The rows of a sheet by their own numbers.
#[derive(Debug)]
pub(super) struct Numbers<'v, 'a>(HashMap<u64, &'v View<'a>>);

impl<'v, 'a> Numbers<'v, 'a> {
    /// Reads the numbers of all rows.
    pub(super) fn read(rows: &'v [View<'a>], faults: &mut Faults<'_>) -> Self {
        let mut numbers = HashMap::<u64, &View<'_>>::new();
        for view in rows {
            let Some(text) = view.filled(SheetColumn::Number) else {
                continue;
            };
            let row = view.number();
            let problem = match value::whole(text) {
                None => {
                    let text = shorten(text);
                    SheetProblem::NotANumber { text }
                }
                Some(number) => match numbers.get(&number) {
                    None => {
                        numbers.insert(number, view);
                        continue;
                    }
                    Some(first) => SheetProblem::NumberTwice {
                        number,
                        first: first.number(),
                    },
                },
            };
            faults.tell(row, SheetColumn::Number, problem);
        }
        Self(numbers)
    }

    /// The rows that a row waits for by their numbers.
    pub(super) fn rows(&self, view: &View<'_>, faults: &mut Faults<'_>) -> Vec<&'v View<'a>> {
        let column = SheetColumn::DependsOnNumbers;
        let text = view.trimmed(column);
        let items = value::items(text).flat_map(str::split_whitespace);
        let mut rows = Vec::new();
        for item in items {
            let problem = match value::whole(item) {
                None => {
                    let text = shorten(item);
                    SheetProblem::NotANumber { text }
                }
                Some(number) => match self.0.get(&number) {
                    Some(row) => {
                        rows.push(*row);
                        continue;
                    }
                    None => SheetProblem::UnknownNumber { number },
                },
            };
            faults.tell(view.number(), column, problem);
        }
        rows
    }
}

/// Names among which a near one is looked for, with bounds.
#[derive(Debug)]
pub(super) struct NameSearch<'a> {
    names: Vec<&'a str>,
    budget: NearBudget,
}

impl<'a> NameSearch<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        Self {
            names: names.collect(),
            budget: NearBudget::new(),
        }
    }

    /// The name that is nearest, if one is near.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        let names = self.names.iter().copied();
        self.budget.nearest(name, names).map(str::to_owned)
    }
}
