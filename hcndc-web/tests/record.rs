//! What servers record, played back.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod support;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Server, wait_for};

/// A chain of jobs that write down that they start, and go on once they may; and a password.
fn mesh(dir: &Path, jobs: usize, note: &str) -> String {
    let (trace, go) = (dir.join("trace"), dir.join("go"));
    let (trace, go) = (trace.display(), go.display());
    let mut mesh = format!(
        "hcndc: 1\ndata_sources:\n  - {{name: dw, kind: mysql, host: h, database: d, user: u, \
         password: hunter2}}\nflows:\n  - name: f\n    description: '{note}'\n    jobs:\n"
    );
    for at in 0..jobs {
        let after = match at {
            0 => String::new(),
            _ => format!(", depends_on: [j{}]", at - 1),
        };
        let command = format!(
            "echo start >> {trace}; while [ {at} -gt 1 -a ! -e {go} ]; do sleep 0.05; done"
        );
        writeln!(mesh, "      - {{name: j{at}, command: '{command}'{after}}}").unwrap();
    }
    mesh
}

fn starts(dir: &Path) -> usize {
    let text = fs::read_to_string(dir.join("trace")).unwrap_or_default();
    text.lines().count()
}

/// Exit code, output and complaints of a replay.
fn replay(path: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .args(["--lang", "en", "replay"])
        .arg(path)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.collect();
    all.sort();
    all
}

#[test]
fn what_a_killed_server_recorded_plays_back_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let (data, tape) = (dir.path().join("data"), dir.path().join("tape"));
    let record = ["--record", tape.to_str().unwrap()];
    let server = Server::start(&data, &record);
    server.put_mesh(&mesh(dir.path(), 5, ""));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || starts(dir.path()) == 3);
    // The last of the chain.
    let runs = server.job_runs(execution).into_iter();
    let last = runs.filter_map(|run| run["id"].as_u64()).max();
    let last = last.unwrap().to_string();
    server.crash();

    let (code, said, complaints) = replay(&tape, &["--explain", &last]);
    assert_eq!(code, Some(0), "{said}{complaints}");
    assert!(said.contains("the same, bit for bit"), "{said}");
    assert!(said.contains("live executions: 1"), "{said}");
    assert!(said.contains("\"state\": \"blocked\""), "{said}");
    let (_, steps, _) = replay(&tape, &["--steps"]);
    assert!(steps.contains("change JobRun"), "{steps}");
    let (code, early, _) = replay(&tape, &["--until", "2001-01-01T00:00:00Z"]);
    assert_eq!((code, early.contains("0 of 0")), (Some(0), true), "{early}");

    // The next server begins a file of its own, and goes on with what runs.
    let server = Server::start(&data, &record);
    fs::write(dir.path().join("go"), "").unwrap();
    wait_for("the execution to end", || {
        server.execution_state(execution) == "succeeded"
    });
    assert!(server.stop().success());
    let all = files(&tape);
    assert_eq!(all.len(), 2);
    let (code, said, complaints) = replay(&tape, &[]);
    assert_eq!(code, Some(0), "{said}{complaints}");
    assert!(said.contains("in files: 2"), "{said}");
    assert!(said.contains("live executions: 0"), "{said}");
    for file in &all {
        assert!(!fs::read_to_string(file).unwrap().contains("hunter2"));
    }

    // Another outcome of the last input.
    let text = fs::read_to_string(&all[1]).unwrap();
    let at = text.rfind("\"mark\":").unwrap() + "\"mark\":".len();
    let other = dir.path().join("other.jsonl");
    fs::write(&other, format!("{}1}}}}\n", &text[..at])).unwrap();
    let (code, said, complaints) = replay(&other, &[]);
    assert_eq!(code, Some(1), "{said}{complaints}");
    assert!(said.contains("not the same: 1 of"), "{said}");
    // A line that was cut off is left out, and told.
    fs::write(&other, &text[..text.len() - 2]).unwrap();
    let (code, _, complaints) = replay(&other, &[]);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(
        complaints.contains("not written to its end"),
        "{complaints}"
    );
    fs::write(&other, "{}\n").unwrap();
    assert_eq!(replay(&other, &[]).0, Some(2));
    support::end_executor(&data);
}

#[test]
fn a_recording_that_is_full_begins_anew_and_nobody_notices() {
    let dir = tempfile::tempdir().unwrap();
    let (data, tape) = (dir.path().join("data"), dir.path().join("tape"));
    let record = ["--record", tape.to_str().unwrap(), "--record-limit", "1"];
    let server = Server::start(&data, &record);
    server.put_mesh(&mesh(dir.path(), 5, ""));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || starts(dir.path()) == 3);
    for at in 0..40 {
        let note = char::from(b'a' + at).to_string().repeat(60_000);
        server.put_mesh(&mesh(dir.path(), 5, &note));
    }
    let all = files(&tape);
    assert!(all.len() > 1, "{all:?}");
    assert!(
        !all[0].ends_with("recording-000001.jsonl"),
        "the oldest stays"
    );
    let size: u64 = all.iter().map(|it| fs::metadata(it).unwrap().len()).sum();
    assert!(size <= 1 << 20, "{size} bytes are kept");

    fs::write(dir.path().join("go"), "").unwrap();
    wait_for("the execution to end", || {
        server.execution_state(execution) != "running"
    });
    assert_eq!(server.execution_state(execution), "succeeded");
    assert_eq!(starts(dir.path()), 5, "some job ran twice");
    assert!(server.stop().success());
    let (code, said, complaints) = replay(&tape, &[]);
    assert_eq!(code, Some(0), "{said}{complaints}");
    assert!(said.contains("the same, bit for bit"), "{said}");
    support::end_executor(&data);
}
