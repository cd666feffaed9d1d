//! Workbooks: xlsx and xls.
//!
//! Who reads a workbook takes sizes that stand in it at their word, and xls some more: what can become large is measured
//! first, and a reader that breaks down over garbage breaks nothing here.

use std::{
    io::{Cursor, Read as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{Data, DataRef, ExcelDateTime, Reader as _, Xls, Xlsx, XlsxError};

use super::{
    grid::{Cell, Grid},
    problem::SheetProblem,
    xls_bounds,
};
use crate::interchange::Problem;

/// Bytes that a workbook may unpack to.
const MOST_UNPACKED: u64 = 256 << 20;

pub(super) fn read_xlsx(bytes: &[u8]) -> Result<Grid, Problem> {
    unpack(bytes)?;
    guarded(|| {
        let mut book = Xlsx::new(Cursor::new(bytes)).map_err(unopenable)?;
        for name in book.sheet_names() {
            let mut grid = Grid::default();
            let mut reader = match book.worksheet_cells_reader(&name) {
                // A sheet of a chart has no cells.
                Err(XlsxError::NotAWorksheet(_)) => continue,
                reader => reader.map_err(unopenable)?,
            };
            while let Some(cell) = reader.next_cell().map_err(unopenable)? {
                let (row, column) = cell.get_position();
                let value = match cell.get_value() {
                    // One text may stand in many cells: its copies count.
                    DataRef::SharedString(text) => Some(Cell::Text(unescaped(text))),
                    DataRef::String(text) => Some(Cell::Text(unescaped(text))),
                    other => cell_of(&Data::from(other.clone())),
                };
                if let Some(value) = value {
                    grid.put(row, column, value)?;
                }
            }
            if !grid.is_empty() {
                return Ok(grid);
            }
        }
        Ok(Grid::default())
    })
}

pub(super) fn read_xls(bytes: &[u8]) -> Result<Grid, Problem> {
    guarded(|| {
        xls_bounds::check(bytes)?;
        let mut book = Xls::new(Cursor::new(bytes)).map_err(unopenable)?;
        for name in book.sheet_names() {
            let range = book.worksheet_range(&name).map_err(unopenable)?;
            let (first_row, first_column) = range.start().unwrap_or_default();
            let mut grid = Grid::default();
            for (row, column, value) in range.used_cells() {
                // Both are at most what 16 bits hold.
                let row = first_row.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
                let column = first_column.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
                if let Some(value) = cell_of(value) {
                    grid.put(row, column, value)?;
                }
            }
            if !grid.is_empty() {
                return Ok(grid);
            }
        }
        Ok(Grid::default())
    })
}

fn unopenable(error: impl std::fmt::Display) -> Problem {
    Problem::Sheet(SheetProblem::Unopenable {
        detail: error.to_string(),
    })
}

/// Reads where a breakdown is one more way of being unreadable.
fn guarded(read: impl FnOnce() -> Result<Grid, Problem>) -> Result<Grid, Problem> {
    let read = catch_unwind(AssertUnwindSafe(read));
    read.unwrap_or_else(|_| Err(unopenable("damaged")))
}

/// That a workbook does not unpack to more than is read.
fn unpack(bytes: &[u8]) -> Result<(), Problem> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(unopenable)?;
    let mut left = MOST_UNPACKED;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(unopenable)?;
        let mut bounded = file.take(left + 1);
        let unpacked = std::io::copy(&mut bounded, &mut std::io::sink()).map_err(unopenable)?;
        left = left.checked_sub(unpacked).ok_or(Problem::TooLarge {
            limit: MOST_UNPACKED,
        })?;
    }
    Ok(())
}

/// What a cell says; `None` for nothing.
fn cell_of(value: &Data) -> Option<Cell> {
    let text = match value {
        Data::Empty => return None,
        Data::Error(error) => return Some(Cell::Error(error.to_string())),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(time) => time_text(time),
    };
    Some(Cell::Text(text))
}

/// A number as people wrote it: workbooks hold 1 as 1.0.
fn number_text(number: f64) -> String {
    // Display writes no fraction of a whole number.
    format!("{number}")
}

fn time_text(time: &ExcelDateTime) -> String {
    if !time.is_datetime() || !(0.0..3_000_000.0).contains(&time.as_f64()) {
        return number_text(time.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => date,
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}

/// A text of xlsx, in which `_x000D_` stands for a character that XML cannot hold.
fn unescaped(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 6).filter(|code| {
            code.bytes().all(|byte| byte.is_ascii_hexdigit())
                && rest.as_bytes().get(at + 6) == Some(&b'_')
        });
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        match letter.and_then(char::from_u32) {
            Some(letter) => {
                plain.push_str(&rest[..at]);
                plain.push(letter);
                rest = &rest[at + 7..];
            }
            None => {
                plain.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_what_they_say() {
        let text = |value: Data| match cell_of(&value) {
            Some(Cell::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(Data::Float(1.0)), "1");
        assert_eq!(text(Data::Float(-2.5)), "-2.5");
        assert_eq!(text(Data::Bool(true)), "TRUE");
        let day = calamine::ExcelDateTimeType::DateTime;
        let date = ExcelDateTime::new(45_982.0, day, false);
        assert_eq!(text(Data::DateTime(date)), "2025-11-21");
        let wild = ExcelDateTime::new(f64::NAN, day, false);
        assert_eq!(text(Data::DateTime(wild)), "NaN");
    }

    #[test]
    fn characters_that_xml_cannot_hold_come_back() {
        for (written, text) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x_x000d_", "_x\r"),
            ("_x00é0_", "_x00é0_"),
            ("_xD800_", "_xD800_"),
        ] {
            assert_eq!(unescaped(written), text);
        }
    }
}
