//! Flows and jobs as sheets: csv, xlsx and xls with the columns that users of the first HCNDC know.
//!
//! ```text
//!   bytes ── read ──▶ grid ── header ──▶ columns ── flows, jobs ──▶ drafts ── an engine's copy ──▶ SheetPlan, or all faults
//!   engine ── cells ──▶ texts ── write ──▶ csv, xlsx                                                (docs/SHEETS.md)
//! ```
//!
//! A plan says of each row what becomes of it, and has the edits that do it: all of them or none.

mod cells;
mod column;
mod drafts;
mod faults;
mod flows;
mod grid;
mod header;
mod jobs;
mod plan;
mod problem;
mod read_book;
mod read_csv;
mod row;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod write;
mod xls_bounds;

pub use self::{
    column::{SheetColumn, SheetKind},
    plan::{CellChange, RowOutcome, SheetNote, SheetPlan, SheetRow, plan_sheet, sheet_kind},
    problem::SheetProblem,
    write::{SheetFormat, SheetWriteError, export_sheet, sheet_template},
};

/// Bytes of a sheet, at most.
pub(crate) const MOST_BYTES: usize = 32 << 20;

/// Rows of a sheet, at most, without its header.
pub const MOST_ROWS: usize = 100_000;
