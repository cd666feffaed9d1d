//! What a file holds, whatever it is written in: rows of texts.

use std::collections::BTreeMap;

use super::{MOST_ROWS, problem::SheetProblem, read_book, read_csv};
use crate::interchange::Problem;

/// Columns of a sheet that are looked at, at most.
const MOST_COLUMNS: u32 = 256;
/// Cells of a sheet that hold something, at most.
const MOST_CELLS: usize = 4_000_000;
/// Bytes of all texts of a sheet together, at most.
const MOST_TEXT: usize = 256 << 20;

/// What stands in a cell; nothing at all stands in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// A text, or what a number or a date says.
    Text(String),
    /// A formula that failed, such as `#REF!`.
    Error(String),
}

/// A row that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number as a spreadsheet shows it, from 1.
    pub(super) number: u32,
    /// Its cells by column, from 0.
    cells: BTreeMap<u16, Cell>,
}

impl Row {
    pub(super) fn cells(&self) -> impl Iterator<Item = (u16, &Cell)> {
        self.cells.iter().map(|(index, cell)| (*index, cell))
    }

    pub(super) fn cell(&self, index: u16) -> Option<&Cell> {
        self.cells.get(&index)
    }

    fn is_blank(&self) -> bool {
        let mut cells = self.cells.values();
        cells.all(|cell| matches!(cell, Cell::Text(text) if text.trim().is_empty()))
    }
}

/// A sheet as it is being read, within bounds.
#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: BTreeMap<u32, Row>,
    cells: usize,
    text: usize,
}

impl Grid {
    /// Puts what stands in a cell, both counted from 0.
    ///
    /// # Errors
    /// If there are too many of anything.
    pub(super) fn put(&mut self, row: u32, column: u32, cell: Cell) -> Result<(), Problem> {
        if cell == Cell::Text(String::new()) {
            return Ok(());
        }
        let index = u16::try_from(column).ok().filter(|_| column < MOST_COLUMNS);
        let index = index.ok_or(Problem::Sheet(SheetProblem::TooManyColumns {
            limit: MOST_COLUMNS as usize,
        }))?;
        self.cells += 1;
        let (Cell::Text(text) | Cell::Error(text)) = &cell;
        self.text = self.text.saturating_add(text.len());
        let number = row.saturating_add(1);
        let row = self.rows.entry(number).or_insert_with(|| Row {
            number,
            cells: BTreeMap::new(),
        });
        row.cells.insert(index, cell);
        // One more than that is the header.
        if self.rows.len() > MOST_ROWS + 1 || self.cells > MOST_CELLS || self.text > MOST_TEXT {
            return Err(Problem::Sheet(SheetProblem::TooManyRows {
                limit: MOST_ROWS,
            }));
        }
        Ok(())
    }

    /// Whether nothing was put.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its rows that hold something, in their order.
    pub(super) fn into_rows(self) -> Vec<Row> {
        let rows = self.rows.into_values();
        rows.filter(|row| !row.is_blank()).collect()
    }
}

/// Reads a file: what it is, its first bytes tell.
///
/// # Errors
/// Why it is no sheet, or a larger one than is read.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Row>, Problem> {
    if bytes.len() > super::MOST_BYTES {
        return Err(Problem::TooLarge {
            limit: super::MOST_BYTES as u64,
        });
    }
    let grid = if bytes.starts_with(b"PK") {
        read_book::read_xlsx(bytes)?
    } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        read_book::read_xls(bytes)?
    } else {
        read_csv::read(bytes)?
    };
    Ok(grid.into_rows())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn as_many_rows_as_are_promised_are_read_and_no_more() {
        let mut grid = Grid::default();
        let most = u32::try_from(MOST_ROWS).expect("it is small");
        // With the header.
        for row in 0..=most {
            for column in 0..2 {
                grid.put(row, column, text("a")).expect("there is room");
            }
        }
        grid.put(most + 1, 0, text("a")).expect_err("one too many");
    }

    #[test]
    fn columns_and_texts_have_a_bound_too() {
        let mut grid = Grid::default();
        grid.put(0, MOST_COLUMNS - 1, text("a")).expect("the last");
        grid.put(0, MOST_COLUMNS, text("a")).expect_err("too far");
        let long = "a".repeat(MOST_TEXT / 2);
        grid.put(1, 0, text(&long)).expect("half of it");
        grid.put(2, 0, text(&long))
            .expect_err("with what is there it is more");
    }
}
