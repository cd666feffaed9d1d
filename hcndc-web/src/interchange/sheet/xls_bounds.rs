//! How large an xls workbook would become: who reads one makes room for every cell between those that hold something, and
//! as much as a sheet says that it has.

use std::io::{Cursor, Read as _};

use super::problem::SheetProblem;
use crate::interchange::Problem;

/// Cells of the rectangles from the first cell to the last of each sheet, at most.
const MOST_SPANNED: u64 = 4_000_000;
/// Cells that a sheet may say that it has: as many as there can be.
const MOST_SAID: u64 = 65_536 * 256;
/// Sheets of a workbook, at most.
const MOST_SHEETS: usize = 256;

/// That a workbook is of a size that is read.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    // Of two streams of this name, it would be a guess which one is read.
    let books = bytes.as_chunks::<128>().0.iter().filter(|it| is_book(it));
    if books.count() != 1 {
        return Err(unopenable("no workbook"));
    }
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(unopenable)?;
    let stream = match file.open_stream("/Workbook") {
        Ok(stream) => stream,
        Err(_) => file.open_stream("/Book").map_err(unopenable)?,
    };
    let mut book = Vec::new();
    let mut bounded = stream.take(bytes.len() as u64);
    bounded.read_to_end(&mut book).map_err(unopenable)?;
    let sheets = records(&book, 0).filter(|(kind, _)| *kind == BOUND_SHEET);
    let starts: Vec<usize> = sheets
        .filter_map(|(_, data)| Some(u32::from_le_bytes(*data.first_chunk()?) as usize))
        .collect();
    let mut left = MOST_SPANNED;
    let too_spread = || {
        let limit = MOST_SPANNED;
        Problem::Sheet(SheetProblem::TooSpread { limit })
    };
    if starts.len() > MOST_SHEETS {
        return Err(too_spread());
    }
    for start in starts {
        let spanned = spanned(&book, start).ok_or_else(too_spread)?;
        left = left.checked_sub(spanned).ok_or_else(too_spread)?;
    }
    Ok(())
}

fn unopenable(error: impl std::fmt::Display) -> Problem {
    Problem::Sheet(SheetProblem::Unopenable {
        detail: error.to_string(),
    })
}

/// Whether this is the directory's entry of the stream that holds the workbook.
fn is_book(entry: &[u8; 128]) -> bool {
    let is = |name: &str| {
        let name = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        name.eq(entry.iter().copied().take(2 * (name_length(entry) + 1)))
    };
    is("Workbook") || is("Book")
}

/// Letters of an entry's name.
fn name_length(entry: &[u8; 128]) -> usize {
    let letters = entry.as_chunks::<2>().0.iter();
    letters.take(32).take_while(|it| **it != [0, 0]).count()
}

// Kinds of records, [MS-XLS] 2.3.2.
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const MUL_RK: u16 = 0x00BD;
/// Records of one cell: formula, number, label, boolean or error, rich text, RK, text of the table of texts.
const CELLS: [u16; 7] = [0x0006, 0x0203, 0x0204, 0x0205, 0x00D6, 0x027E, 0x00FD];

/// The records of a stream from a place on: kind and data.
fn records(stream: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream.get(start..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (data, after) = after.split_at_checked(length)?;
        rest = after;
        Some((u16::from_le_bytes([head[0], head[1]]), data))
    })
}

/// Cells from the first one to the last of a sheet; `None` if it says that it has more than there can be.
fn spanned(stream: &[u8], start: usize) -> Option<u64> {
    let (mut begun, mut inner) = (false, 0_u32);
    let (mut rows, mut columns) = (0_u64, 0_u64);
    for (kind, data) in records(stream, start) {
        match kind {
            // A chart within the sheet has records of its own.
            BOF if begun => inner += 1,
            BOF => begun = true,
            EOF if inner == 0 => break,
            EOF => inner -= 1,
            _ if inner > 0 => {}
            DIMENSIONS => said(data)?,
            MUL_RK => {
                let (row, column) = (word(data, 0)?, word(data, 2)?);
                let more = data.len().saturating_sub(6) as u64 / 6;
                let last = word(data, data.len().saturating_sub(2))?;
                rows = rows.max(row + 1);
                columns = columns.max(last.max(column + more) + 1);
            }
            kind if CELLS.contains(&kind) => {
                rows = rows.max(word(data, 0).unwrap_or(0) + 1);
                columns = columns.max(word(data, 2).unwrap_or(0) + 1);
            }
            _ => {}
        }
    }
    Some(rows * columns)
}

/// That a sheet does not say that it has more cells than there can be.
fn said(data: &[u8]) -> Option<()> {
    let long = |at: usize| {
        let bytes = data.get(at..at + 4)?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    // The form of BIFF8, and that of those before.
    let (first_row, row, column) = match data.len() {
        14.. => (long(0)?, long(4)?, word(data, 10)?),
        _ => (word(data, 0)?, word(data, 2)?, word(data, 6)?),
    };
    let nothing = row == 0 || column == 0;
    (nothing || (first_row <= row && row.checked_mul(column)? <= MOST_SAID)).then_some(())
}

fn word(data: &[u8], at: usize) -> Option<u64> {
    let bytes = data.get(at..at + 2)?;
    Some(u64::from(u16::from_le_bytes(bytes.try_into().ok()?)))
}
