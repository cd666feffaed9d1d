//! All faults of a sheet, each with its cell.

use std::{collections::BTreeSet, sync::Arc};

use super::{SheetColumn, SheetProblem, header::Layout};
use crate::interchange::{Fault, Lang, Position, Problem};

/// Faults that are told, at most.
const MOST_FAULTS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Faults<'a> {
    file: Arc<str>,
    layout: &'a Layout,
    lang: Lang,
    list: Vec<Fault>,
    cells: BTreeSet<(u32, SheetColumn)>,
}

impl<'a> Faults<'a> {
    /// No faults yet; a column that the sheet has not is called by its header in this language.
    pub(super) fn new(file: Arc<str>, layout: &'a Layout, lang: Lang) -> Self {
        Self {
            file,
            layout,
            lang,
            list: Vec::new(),
            cells: BTreeSet::new(),
        }
    }

    /// Tells what is wrong with a cell.
    pub(super) fn tell(&mut self, row: u32, column: SheetColumn, problem: SheetProblem) {
        self.cells.insert((row, column));
        if self.list.len() >= MOST_FAULTS {
            if self.list.len() == MOST_FAULTS {
                let limit = MOST_FAULTS;
                let problem = SheetProblem::TooManyFaults { limit };
                self.list.push(whole(&self.file, problem.into()));
            }
            return;
        }
        let cell = self.layout.cell(row, column, self.lang);
        self.list.push(Fault {
            file: Arc::clone(&self.file),
            position: Some(cell.position),
            path: cell.path,
            problem: Problem::Sheet(problem),
        });
    }

    /// The same, unless something is wrong with that cell anyway.
    pub(super) fn tell_if_new(&mut self, row: u32, column: SheetColumn, problem: SheetProblem) {
        if !self.cells.contains(&(row, column)) {
            self.tell(row, column, problem);
        }
    }

    /// Tells what is wrong with the sheet as a whole.
    pub(super) fn tell_whole(&mut self, problem: SheetProblem) {
        self.list.push(whole(&self.file, problem.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, by place.
    pub(super) fn into_vec(mut self) -> Vec<Fault> {
        self.list.sort_by_key(|fault| fault.position);
        self.list
    }
}

/// A fault of the file as a whole.
pub(super) fn whole(file: &Arc<str>, problem: Problem) -> Fault {
    Fault {
        file: Arc::clone(file),
        position: None,
        path: String::new(),
        problem,
    }
}

/// A cell, as faults name it.
#[derive(Debug)]
pub(super) struct CellPlace {
    pub(super) position: Position,
    pub(super) path: String,
}

impl From<SheetProblem> for Problem {
    fn from(problem: SheetProblem) -> Self {
        Self::Sheet(problem)
    }
}
