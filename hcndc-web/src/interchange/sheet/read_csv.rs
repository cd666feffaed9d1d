//! Csv, as spreadsheets write it: in UTF-8, in UTF-16 or in GB18030, parted by commas, semicolons or tabs.

use std::borrow::Cow;

use encoding_rs::{GB18030, UTF_16BE, UTF_16LE};

use super::{
    grid::{Cell, Grid},
    problem::SheetProblem,
};
use crate::interchange::Problem;

pub(super) fn read(bytes: &[u8]) -> Result<Grid, Problem> {
    let text = decode(bytes)?;
    let (text, first, named) = separator_line(&text);
    let separator = named.unwrap_or_else(|| separator(text));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let mut grid = Grid::default();
    let mut row = first;
    let mut record = csv::StringRecord::new();
    loop {
        let start = reader.position().byte();
        let read = reader.read_record(&mut record);
        let read = read.map_err(|error| {
            Problem::Sheet(SheetProblem::Unopenable {
                detail: error.to_string(),
            })
        })?;
        if !read {
            return Ok(grid);
        }
        // The reader passes over empty lines, which spreadsheets count.
        row = row.saturating_add(empty_lines(text, start));
        for (column, cell) in (0..).zip(&record) {
            grid.put(row, column, Cell::Text(unguarded(cell).to_owned()))?;
        }
        row = row.saturating_add(1);
    }
}

/// The text, by its byte order mark or by what it can be.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        let text = std::str::from_utf8(rest).map_err(|_| undecodable())?;
        return Ok(Cow::Borrowed(text));
    }
    let encoding = match bytes {
        [0xFF, 0xFE, ..] => UTF_16LE,
        [0xFE, 0xFF, ..] => UTF_16BE,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(Cow::Borrowed(text)),
            // A superset of GBK and of GB 2312.
            Err(_) => GB18030,
        },
    };
    let (text, wrong) = encoding.decode_with_bom_removal(bytes);
    // What no text holds, and other bytes often do.
    if wrong || text.contains('\0') {
        return Err(undecodable());
    }
    Ok(text)
}

fn undecodable() -> Problem {
    Problem::Sheet(SheetProblem::Undecodable)
}

/// A first line `sep=;`, which spreadsheets take for an order: the rest, the row that it begins with, and the separator.
fn separator_line(text: &str) -> (&str, u32, Option<u8>) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let named = line.trim_end_matches('\r').strip_prefix("sep=");
    match named.map(str::as_bytes) {
        Some(&[separator]) if separator.is_ascii() && separator != b'"' => {
            (rest, 1, Some(separator))
        }
        _ => (text, 0, None),
    }
}

/// What the first line that holds something has most of, outside of quotes.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line.unwrap_or_default().bytes() {
        quoted ^= byte == b'"';
        for (separator, count) in &mut counts {
            if !quoted && *separator == byte {
                *count += 1;
            }
        }
    }
    let [comma, others @ ..] = counts;
    let most = others.into_iter().fold(
        comma,
        |most, other| {
            if other.1 > most.1 { other } else { most }
        },
    );
    most.0
}

/// Lines with nothing in them, from a place on.
fn empty_lines(text: &str, start: u64) -> u32 {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let (before, mut rest) = text.as_bytes().split_at_checked(start).unwrap_or_default();
    // The reader stands in the middle of the end of the line before.
    if before.ends_with(b"\r") {
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    let mut lines = 0;
    loop {
        rest = match rest {
            [b'\r', b'\n', rest @ ..] | [b'\r' | b'\n', rest @ ..] => rest,
            _ => return lines,
        };
        lines += 1;
    }
}

/// Whether spreadsheets take a text for a formula.
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text without the mark that keeps spreadsheets from taking it for a formula.
fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<(u32, Vec<String>)> {
        let rows = read(bytes).unwrap().into_rows();
        let rows = rows.iter().map(|row| {
            let cells = row.cells().map(|(_, cell)| match cell {
                Cell::Text(text) | Cell::Error(text) => text.clone(),
            });
            (row.number, cells.collect())
        });
        rows.collect()
    }

    fn line(number: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (number, cells.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn the_encodings_and_separators_of_spreadsheets_are_read() {
        let expected = [line(1, &["序号", "名称"]), line(2, &["1", "装载"])];
        let text = "序号,名称\r\n1,装载\r\n";
        let tabs = text.replace(',', "\t");
        assert_eq!(rows(text.as_bytes()), expected);
        assert_eq!(rows(format!("\u{feff}{text}").as_bytes()), expected);
        assert_eq!(rows(text.replace(',', ";").as_bytes()), expected);
        assert_eq!(rows(tabs.as_bytes()), expected);
        assert_eq!(rows(&GB18030.encode(text).0), expected);
        let wide: Vec<u8> = format!("\u{feff}{tabs}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(rows(&wide), expected);
        let told = format!("sep=|\n{}", text.replace(',', "|"));
        let told: Vec<_> = rows(told.as_bytes()).into_iter().map(|it| it.0).collect();
        assert_eq!(told, [2, 3]);
    }

    #[test]
    fn rows_have_the_numbers_that_spreadsheets_show() {
        let text = "\n\na,b\n\n\"1\n1\",2\n,\n3,4";
        let expected = [
            line(3, &["a", "b"]),
            line(5, &["1\n1", "2"]),
            line(7, &["3", "4"]),
        ];
        assert_eq!(rows(text.as_bytes()), expected);
    }

    #[test]
    fn bytes_of_no_encoding_are_a_fault() {
        for bytes in [&b"a,\xff\xff\xff"[..], b"\xEF\xBB\xBFa,\xff", b"\x81\x00,b"] {
            assert_eq!(read(bytes).unwrap_err(), undecodable(), "{bytes:?}");
        }
    }

    #[test]
    fn a_guard_against_formulas_is_taken_away() {
        for (guarded, text) in [
            ("'=1+1", "=1+1"),
            ("''-1", "'-1"),
            ("'a'", "'a'"),
            ("''", "''"),
            ("=1", "=1"),
        ] {
            assert_eq!(unguarded(guarded), text);
        }
    }
}
