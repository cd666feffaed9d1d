//! Fuzz targets: functions on bytes that must neither panic nor break a promise, whatever the bytes.
//!
//! `cargo test -p hcndc-fuzz` replays the corpus. To search for more, with coverage:
//!
//! ```text
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table" \
//!   cargo run --release -p hcndc-fuzz --features libfuzzer --bin engine --target $(rustc -vV | sed -n 's/host: //p') \
//!   -- fuzz/corpus/engine -max_total_time=600
//! ```
//!
//! What it finds goes into `corpus/`, and stays there.

mod cron;
mod engine;
mod spool;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{id::ExecutionId, time::DataDate};
use hcndc_exec::executor::template::{
    Context, Dates, TemplateError, expand, placeholders, settle_dates,
};
use hcndc_web::interchange::{parse_mesh, parse_wfcommons, to_yaml};

pub use cron::cron;
pub use engine::engine;
pub use spool::spool;
pub use wire::wire;

/// A mesh file is read, or refused with faults; what is read can be written and read again to the same.
///
/// # Panics
/// If that is not so.
pub fn mesh_file(data: &[u8]) {
    match parse_mesh("fuzz.yaml", data, &[]) {
        Ok(mesh) => {
            let again = parse_mesh("again.yaml", to_yaml(&mesh.file).as_bytes(), &[]);
            assert_eq!(again.map(|mesh| mesh.file), Ok(mesh.file));
        }
        Err(faults) => assert!(!faults.is_empty(), "refused without a fault"),
    }
}

/// A trace is imported, or refused with faults; what is imported is a sound mesh.
///
/// # Panics
/// If that is not so.
pub fn wfcommons(data: &[u8]) {
    match parse_wfcommons("fuzz.json", "fuzz", data, 0.5) {
        Ok(mesh) => assert!(parse_mesh("fuzz.yaml", to_yaml(&mesh).as_bytes(), &[]).is_ok()),
        Err(faults) => assert!(!faults.is_empty(), "refused without a fault"),
    }
}

/// Placeholders are found where they are, a text without any stays as it is, and a date format in a text comes to the same as
/// one beside it.
///
/// # Panics
/// If that is not so.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(data_date) = "2026-11-21".parse::<DataDate>() else {
        return;
    };
    let values = BTreeMap::from([("a".to_owned(), "${date}${param.a}".to_owned())]);
    let context = Context {
        dates: data_date.into(),
        flow: "f",
        job: "j",
        execution: ExecutionId(1),
        attempt: 1,
        values: &values,
        literal: &BTreeSet::from(["raw".to_owned()]),
    };
    let expanded = expand(text, context);
    if let Ok(format) = "-%d".parse() {
        let dates = Dates {
            format: Some(&format),
            ..context.dates
        };
        let write = |text: &str| settle_dates(text, dates);
        let written = values.iter();
        let written = written.map(|(name, value)| (name.clone(), write(value)));
        let in_texts = Context {
            values: &written.collect(),
            ..context
        };
        let beside = Context { dates, ..context };
        let fault = |error: TemplateError| error.fault;
        assert_eq!(
            expand(&write(text), in_texts).map_err(fault),
            expand(text, beside).map_err(fault)
        );
    }
    if let Ok(found) = placeholders(text) {
        for placeholder in &found {
            assert!(
                text[placeholder.range.clone()].starts_with("${"),
                "not a placeholder"
            );
        }
        if found.is_empty() {
            assert_eq!(expanded.as_deref(), Ok(text));
        }
    }
}
