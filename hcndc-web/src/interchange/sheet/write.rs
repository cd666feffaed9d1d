//! Sheets to fill in, and sheets of what there is: the same columns, as csv or as a workbook.

use std::collections::BTreeMap;

use hcndc_core::engine::Engine;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError,
};

use super::{
    SheetColumn, SheetKind,
    cells::{self, Naming},
    column::Spec,
    read_csv::is_formula,
};
use crate::interchange::Lang;

/// What a sheet is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetFormat {
    /// Text parted by commas, in UTF-8 with a byte order mark, without which spreadsheets take it for something else.
    Csv,
    /// A workbook.
    Xlsx,
}

/// Why a sheet cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetWriteError {
    /// A text is longer than a cell of a workbook may be.
    #[error("{name}: {length} characters are more than a cell of a workbook holds; take csv")]
    TooLong {
        /// The definition; a job as `flow/job`.
        name: String,
        /// Its characters.
        length: usize,
    },
    /// The workbook cannot be made.
    #[error("cannot make the workbook")]
    Book(#[from] XlsxError),
    /// The text cannot be made.
    #[error("cannot make the csv file")]
    Csv(#[from] csv::Error),
    /// The end of the text cannot be made.
    #[error("cannot make the csv file")]
    End(#[source] std::io::Error),
}

/// Characters that a cell of a workbook holds, counted as UTF-16 does.
const MOST_CHARACTERS: usize = 32_767;

/// An empty sheet with a row that shows how to fill it in, which an import passes over.
///
/// # Errors
/// [`SheetWriteError`].
pub fn sheet_template(
    kind: SheetKind,
    format: SheetFormat,
    lang: Lang,
) -> Result<Vec<u8>, SheetWriteError> {
    let specs = kind.specs().iter();
    let example = specs.map(|spec| kind.example(spec.column, lang).to_owned());
    write(kind, format, lang, &[example.collect()])
}

/// All flows, or all jobs, as a sheet that changes nothing when it is put back.
///
/// # Errors
/// [`SheetWriteError`].
pub fn export_sheet(
    kind: SheetKind,
    format: SheetFormat,
    lang: Lang,
    engine: &Engine,
) -> Result<Vec<u8>, SheetWriteError> {
    let rows = match kind {
        SheetKind::Flows => flow_rows(engine),
        SheetKind::Jobs => job_rows(engine),
    };
    write(kind, format, lang, &rows)
}

fn flow_rows(engine: &Engine) -> Vec<Vec<String>> {
    let numbers = engine.flows().map(|flow| flow.id).zip(1..).collect();
    let naming = Naming::Numbers(&numbers);
    let row = |flow| {
        let specs = SheetKind::Flows.specs().iter();
        specs
            .map(|spec| cells::of_flow(engine, flow, spec.column, naming))
            .collect()
    };
    engine.flows().map(|flow| row(flow)).collect()
}

/// Jobs of a flow stand together, flows in the order in which they were made.
fn job_rows(engine: &Engine) -> Vec<Vec<String>> {
    let mut jobs: Vec<_> = engine.jobs().collect();
    jobs.sort_by_key(|job| (job.flow, job.id));
    let numbers: BTreeMap<_, u32> = jobs.iter().map(|job| job.id).zip(1..).collect();
    let naming = Naming::Numbers(&numbers);
    let row = |job| {
        let specs = SheetKind::Jobs.specs().iter();
        specs
            .map(|spec| cells::of_job(engine, job, spec.column, naming))
            .collect()
    };
    jobs.into_iter().map(|job| row(job)).collect()
}

fn write(
    kind: SheetKind,
    format: SheetFormat,
    lang: Lang,
    rows: &[Vec<String>],
) -> Result<Vec<u8>, SheetWriteError> {
    match format {
        SheetFormat::Csv => write_csv(kind, lang, rows),
        SheetFormat::Xlsx => write_book(kind, lang, rows),
    }
}

fn write_csv(
    kind: SheetKind,
    lang: Lang,
    rows: &[Vec<String>],
) -> Result<Vec<u8>, SheetWriteError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(kind.specs().iter().map(|spec| spec.header(lang)))?;
    for row in rows {
        writer.write_record(row.iter().map(|text| guarded(text).into_owned()))?;
    }
    writer
        .into_inner()
        .map_err(|error| SheetWriteError::End(error.into_error()))
}

/// A text with a mark that keeps spreadsheets from taking it for a formula, if they would.
fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    match is_formula(text.trim_start_matches('\'')) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

fn write_book(
    kind: SheetKind,
    lang: Lang,
    rows: &[Vec<String>],
) -> Result<Vec<u8>, SheetWriteError> {
    let mut book = Workbook::new();
    // The same definitions make the same bytes, whenever.
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = book.add_worksheet();
    sheet.set_name(kind.title(lang))?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00DD_E8F3))
        .set_align(FormatAlign::VerticalCenter);
    // As text: else a spreadsheet makes dates and numbers of what people fill in.
    let text = Format::new().set_num_format("@");
    for (column, spec) in (0..).zip(kind.specs()) {
        sheet.set_column_width(column, spec.width())?;
        sheet.set_column_format(column, &text)?;
        sheet.write_string_with_format(0, column, spec.header(lang), &bold)?;
        sheet.insert_note(0, column, &note(spec, lang))?;
    }
    for (at, row) in (1..).zip(rows) {
        write_row(sheet, at, row, kind)?;
    }
    Ok(book.save_to_buffer()?)
}

fn write_row(
    sheet: &mut Worksheet,
    at: u32,
    row: &[String],
    kind: SheetKind,
) -> Result<(), SheetWriteError> {
    for (column, text) in (0..).zip(row) {
        if text.is_empty() {
            continue;
        }
        let length = text.encode_utf16().count();
        if length > MOST_CHARACTERS {
            let name = name_of(kind, row);
            return Err(SheetWriteError::TooLong { name, length });
        }
        sheet.write_string(at, column, text)?;
    }
    Ok(())
}

/// What a row is about.
fn name_of(kind: SheetKind, row: &[String]) -> String {
    let cell = |wanted| {
        let mut cells = kind.specs().iter().zip(row);
        let found = cells.find(|(spec, _)| spec.column == wanted);
        found.map_or("", |(_, text)| text)
    };
    match kind {
        SheetKind::Flows => cell(SheetColumn::Name).to_owned(),
        SheetKind::Jobs => format!("{}/{}", cell(SheetColumn::Flow), cell(SheetColumn::Name)),
    }
}

/// What a header tells about its column to whoever points at it.
fn note(spec: &Spec, lang: Lang) -> Note {
    Note::new(spec.help(lang))
        .set_author("HCNDC")
        .set_width(260)
        .set_height(110)
}

#[cfg(test)]
mod tests {
    use hcndc_core::{
        engine::{EditBatch, Input},
        model::{Edit, FlowDraft},
        time::Timestamp,
    };

    use super::*;
    use crate::interchange::sheet::{plan_sheet, sheet_kind};

    #[test]
    fn a_template_is_a_sheet_of_its_kind_whose_only_row_is_passed_over() {
        let engine = Engine::default();
        for kind in [SheetKind::Flows, SheetKind::Jobs] {
            for format in [SheetFormat::Csv, SheetFormat::Xlsx] {
                for lang in [Lang::En, Lang::Zh] {
                    let bytes = sheet_template(kind, format, lang).unwrap();
                    assert_eq!(sheet_kind("t", &bytes), Ok(kind));
                    let faults = plan_sheet("t", &bytes, None, &engine, lang).unwrap_err();
                    let codes: Vec<_> = faults.iter().map(|it| it.code()).collect();
                    assert_eq!(codes, ["no-rows"], "{kind:?} {format:?} {lang:?}");
                    assert_eq!(bytes, sheet_template(kind, format, lang).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_text_that_no_workbook_holds_is_told() {
        let mut engine = Engine::default();
        let mut draft = FlowDraft::new("long");
        draft.description = "長".repeat(MOST_CHARACTERS + 1);
        let by = "test".into();
        let edits = vec![Edit::PutFlow(draft)];
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::MIN, batch).unwrap();
        let write = |format| export_sheet(SheetKind::Flows, format, Lang::En, &engine);
        let error = write(SheetFormat::Xlsx).unwrap_err();
        let SheetWriteError::TooLong { name, length } = error else {
            panic!("{error:?}");
        };
        assert_eq!((&*name, length), ("long", MOST_CHARACTERS + 1));
        let csv = write(SheetFormat::Csv).unwrap();
        let plan = plan_sheet("t", &csv, None, &engine, Lang::En).unwrap();
        assert!(plan.edits.is_empty());
    }

    #[test]
    fn what_spreadsheets_take_for_formulas_is_guarded() {
        let pairs = [("=1", "'=1"), ("'+1", "''+1"), ("'a", "'a"), ("a=1", "a=1")];
        for (text, written) in pairs {
            assert_eq!(guarded(text), written);
        }
    }
}
