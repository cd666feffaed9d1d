//! The header row: which column stands where.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    SheetColumn, SheetKind, SheetProblem,
    column::{letters, plain},
    faults::{CellPlace, whole},
    grid::{Cell, Row},
};
use crate::interchange::{Fault, Lang, Position, near::nearest};

/// Where the columns of a sheet stand.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) kind: SheetKind,
    /// Each with its place, from 0, and its header as it is written.
    columns: BTreeMap<SheetColumn, (u16, String)>,
}

impl Layout {
    /// Reads the header row of a sheet; without a kind, it is of the one that fits best.
    ///
    /// # Errors
    /// All of its faults.
    pub(super) fn read(
        file: &Arc<str>,
        row: &Row,
        kind: Option<SheetKind>,
    ) -> Result<Self, Vec<Fault>> {
        let texts = texts(row);
        let kind = kind.unwrap_or_else(|| guess(&texts));
        let mut layout = Self {
            kind,
            columns: BTreeMap::new(),
        };
        let mut faults = Vec::new();
        for (index, text) in texts {
            let problem = match kind.find(text) {
                None => Some(SheetProblem::UnknownColumn {
                    header: shorten(text),
                    kind,
                    near: near(kind, text),
                }),
                Some(spec) => match layout.columns.get(&spec.column) {
                    Some((first, _)) => Some(SheetProblem::ColumnTwice {
                        first: letters(*first),
                    }),
                    None => {
                        let place = (index, shorten(text));
                        layout.columns.insert(spec.column, place);
                        None
                    }
                },
            };
            let fault = |problem: SheetProblem| Fault {
                position: Some(position(row.number, index)),
                path: format!("{}{} {}", letters(index), row.number, shorten(text)),
                ..whole(file, problem.into())
            };
            faults.extend(problem.map(fault));
        }
        for spec in kind.specs().iter().filter(|spec| spec.required) {
            if !layout.columns.contains_key(&spec.column) {
                let column = spec.column;
                let problem = SheetProblem::MissingColumn { column, kind };
                let mut fault = whole(file, problem.into());
                fault.position = Some(position(row.number, 0));
                faults.push(fault);
            }
        }
        if faults.is_empty() {
            Ok(layout)
        } else {
            Err(faults)
        }
    }

    /// The kind of sheet that a header row fits best.
    pub(super) fn kind_of(row: &Row) -> SheetKind {
        guess(&texts(row))
    }

    /// Whether the sheet has a column.
    pub(super) fn has(&self, column: SheetColumn) -> bool {
        self.columns.contains_key(&column)
    }

    /// What stands in a column of a row; `None` if the sheet has no such column.
    pub(super) fn find<'a>(&self, row: &'a Row, column: SheetColumn) -> Option<Option<&'a Cell>> {
        let (index, _) = self.columns.get(&column)?;
        Some(row.cell(*index))
    }

    /// The columns that it has.
    pub(super) fn columns(&self) -> impl Iterator<Item = SheetColumn> {
        self.columns.keys().copied()
    }

    /// A cell, as faults name it: `B3` and the header. One of a column that the sheet has not, by row and header.
    pub(super) fn cell(&self, row: u32, column: SheetColumn, lang: Lang) -> CellPlace {
        match self.columns.get(&column) {
            Some((index, header)) => CellPlace {
                position: position(row, *index),
                path: format!("{}{row} {header}", letters(*index)),
            },
            None => CellPlace {
                position: position(row, 0),
                path: self.kind.header(column, lang).to_owned(),
            },
        }
    }
}

fn position(row: u32, index: u16) -> Position {
    Position {
        line: row as usize,
        column: usize::from(index) + 1,
    }
}

/// The headers of a row, with their places from 0.
fn texts(row: &Row) -> Vec<(u16, &str)> {
    let texts = row.cells().map(|(index, cell)| match cell {
        Cell::Text(text) | Cell::Error(text) => (index, text.trim()),
    });
    texts.filter(|(_, text)| !text.is_empty()).collect()
}

/// The kind that has most of the columns; of flows, unless the sheet has all that one of jobs must have.
fn guess(texts: &[(u16, &str)]) -> SheetKind {
    let columns = |kind: SheetKind| -> BTreeSet<SheetColumn> {
        let specs = texts.iter().filter_map(|(_, text)| kind.find(text));
        specs.map(|spec| spec.column).collect()
    };
    let (flows, jobs) = (columns(SheetKind::Flows), columns(SheetKind::Jobs));
    let whole = jobs.contains(&SheetColumn::Flow) && jobs.contains(&SheetColumn::Name);
    match jobs.len() > flows.len() || (jobs.len() == flows.len() && whole) {
        true => SheetKind::Jobs,
        false => SheetKind::Flows,
    }
}

/// The header that is nearest to one that is none.
fn near(kind: SheetKind, text: &str) -> Option<String> {
    let names = || kind.specs().iter().flat_map(|spec| spec.names());
    let plain_names: Vec<String> = names().map(plain).collect();
    let nearest = nearest(&plain(text), plain_names.iter().map(String::as_str))?;
    let mut names = names().zip(&plain_names);
    names
        .find(|(_, plain)| *plain == nearest)
        .map(|(name, _)| name.to_owned())
}

/// At most 60 characters of a text, on one line.
pub(super) fn shorten(text: &str) -> String {
    let mut letters = text.chars();
    let mut short: String = letters
        .by_ref()
        .take(60)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}
