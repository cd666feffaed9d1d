//! Sheets as they come: whatever bytes, and from the command line.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    time::Timestamp,
};
use hcndc_web::interchange::{
    Existing, Lang, SheetFormat, SheetKind, SheetNote, edits, export_sheet, parse_mesh, plan_sheet,
    sheet_template,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const MESH: &str = "
hcndc: 1
flows:
  - name: extract
    jobs: [{name: orders, command: 'true'}]
  - name: load
    parents: [extract]
    jobs: [{name: orders, command: 'true', depends_on: [extract/orders]}]
";

fn engine() -> Engine {
    let mut engine = Engine::default();
    let mesh = parse_mesh("mesh.yaml", MESH.as_bytes(), &[]).unwrap();
    let edits = edits(&mesh.file, None, &Existing::of(&engine));
    let by = "test".into();
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(Timestamp::from_micros(0), batch).unwrap();
    engine
}

/// Reads a sheet as both kinds. What an engine would not take is no plan, and each fault has its sentences.
fn read(bytes: &[u8]) {
    let engine = engine();
    for kind in [None, Some(SheetKind::Flows), Some(SheetKind::Jobs)] {
        match plan_sheet("sheet", bytes, kind, &engine, Lang::Zh) {
            Ok(plan) => {
                let by = "test".into();
                let edits = plan.edits;
                let batch = Input::Edit(EditBatch { by, edits });
                let applied = engine.clone().apply(Timestamp::from_micros(1), batch);
                assert!(applied.is_ok(), "{applied:?}");
            }
            Err(faults) => {
                assert!(!faults.is_empty());
                for fault in faults {
                    for lang in [Lang::En, Lang::Zh] {
                        assert!(!fault.message(lang).is_empty());
                        assert!(!fault.remedy(lang).is_empty());
                    }
                }
            }
        }
    }
}

/// Three flows as other programs write workbooks: numbers as floats, a date as a number of days.
#[test]
fn workbooks_of_other_programs_are_read() {
    for name in ["flows.xls", "flows.xlsx"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let bytes = fs::read(path.join(name)).unwrap();
        let mut engine = Engine::default();
        let plan = plan_sheet(name, &bytes, None, &engine, Lang::Zh).unwrap();
        assert_eq!(plan.kind, SheetKind::Flows);
        assert_eq!(plan.notes, [SheetNote::DataDates { rows: 1 }], "{name}");
        let by = "test".into();
        let edits = plan.edits;
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(0), batch).unwrap();
        let text = export_sheet(SheetKind::Flows, SheetFormat::Csv, Lang::Zh, &engine).unwrap();
        let text = String::from_utf8(text).unwrap();
        let rows: Vec<_> = text.lines().skip(1).collect();
        let expected = [
            "1,抽取,当日订单,/零售,,3,,",
            "2,装载,,/零售/日报,,0,1,",
            "3,汇总,,/零售/日报,,1,\"1,2\",",
        ];
        assert_eq!(rows, expected, "{name}");
    }
}

/// A cell in the last row and column would have the reader make room for sixteen million.
#[test]
fn a_small_workbook_that_would_become_a_large_one_is_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corner.xls");
    let bytes = fs::read(path).unwrap();
    let faults = plan_sheet("corner.xls", &bytes, None, &engine(), Lang::En).unwrap_err();
    let codes: Vec<_> = faults.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes, ["too-spread"]);
}

/// Cells that could mean something.
fn cell() -> impl Strategy<Value = String> {
    let words = vec![
        "",
        "1",
        "2",
        "3.0",
        "-1",
        "101",
        "extract",
        "load",
        "a",
        "load/orders",
        "1,2",
        "1 2",
        "0,256",
        "2026/1/2",
        "#REF!",
        "/a//b",
        "示例",
        "=1+1",
        "'=1",
        "a/b",
        "，",
        "\"",
    ];
    prop_oneof![
        8 => prop::sample::select(words).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => any::<String>(),
    ]
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_the_reader(bytes in vec(any::<u8>(), 0..200), magic in 0..4_usize) {
        let starts: [&[u8]; 4] = [b"", b"PK\x03\x04", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"\xFF\xFE"];
        read(&[starts[magic], &bytes].concat());
    }

    #[test]
    fn no_damage_to_a_workbook_breaks_the_reader(
        hits in vec((any::<Index>(), any::<u8>()), 1..8), old in any::<bool>(),
    ) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/flows.xls");
        let mut book = match old {
            true => fs::read(path).unwrap(),
            false => sheet_template(SheetKind::Jobs, SheetFormat::Xlsx, Lang::Zh).unwrap(),
        };
        for (at, byte) in hits {
            let at = at.index(book.len());
            book[at] = byte;
        }
        read(&book);
    }

    #[test]
    fn no_cells_break_the_reader(rows in vec(vec(cell(), 12), 1..6), flows in any::<bool>()) {
        let header = match flows {
            true => "number,name,description,directory,data date,retries,depends on numbers,depends on,,,,",
            false => "number,flow,job,description,executor,directory,workdir,command,depends on numbers,depends on,params,success code",
        };
        let mut text = format!("{header}\n");
        for row in rows {
            let row = if flows { &row[..8] } else { &row[..] };
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        read(text.as_bytes());
    }
}

/// A call of `hcndc` on the database of this file.
fn hcndc(database: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    command
        .env("HCNDC_LANG", "en")
        .env_remove("HCNDC_DATA_DIR")
        .env("HCNDC_DATABASE", format!("sqlite://{}", database.display()));
    command.args(args).output().unwrap()
}

#[track_caller]
fn done(database: &Path, args: &[&str]) -> String {
    let output = hcndc(database, args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn sheets_go_into_a_database_and_come_out() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("hcndc.db");
    fs::write(&database, "").unwrap();
    done(&database, &["db", "migrate"]);
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (flows, jobs) = (path("flows.csv"), path("jobs.csv"));
    fs::write(
        &flows,
        "number,name,depends on numbers\n1,extract,\n2,load,1\n",
    )
    .unwrap();
    fs::write(
        &jobs,
        "number,flow id,job name,command,depends on numbers\n1,extract,orders,true,\n2,load,orders,true,1\n",
    )
    .unwrap();

    let tried = done(&database, &["import", &flows, "--dry-run"]);
    assert!(tried.contains("row 3: load: created\n"), "{tried}");
    assert!(
        tried.ends_with("2 would be created, 0 changed, 0 unchanged\n"),
        "{tried}"
    );
    let put = done(&database, &["import", &flows]);
    assert!(
        put.ends_with("2 created, 0 changed, 0 unchanged\n"),
        "{put}"
    );
    let put = done(&database, &["import", &jobs, "--sheet", "jobs"]);
    assert!(
        put.ends_with("2 created, 0 changed, 0 unchanged\n"),
        "{put}"
    );

    let book = path("jobs.xlsx");
    done(&database, &["export", "--sheet", "jobs", "-o", &book]);
    let again = done(&database, &["import", &book]);
    assert!(
        again.ends_with("0 created, 0 changed, 2 unchanged\n"),
        "{again}"
    );
    let text = done(
        &database,
        &["export", "--sheet", "flows", "--format", "csv"],
    );
    assert!(text.ends_with("2,load,,/,,0,1,\r\n"), "{text:?}");

    fs::write(
        &jobs,
        "flow id,job name,command\nload,orders,echo\nlaod,x,true\n",
    )
    .unwrap();
    let refused = hcndc(&database, &["import", &jobs]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains(":3:1: A3 flow id: no flow has the id or name"),
        "{told}"
    );
    assert!(told.contains("did you mean \"load\"?"), "{told}");
    fs::write(&jobs, "flow id,job name,command\nload,orders,echo\n").unwrap();
    let tried = done(&database, &["import", &jobs, "--dry-run"]);
    assert!(
        tried.contains("    command: \"true\" → \"echo\"\n"),
        "{tried}"
    );
    let wrong = hcndc(
        &database,
        &["export", "--sheet", "jobs", "--format", "yaml"],
    );
    assert_eq!(wrong.status.code(), Some(2));
}
