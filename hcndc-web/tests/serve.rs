//! Servers that die, stop and come back, with real processes under them.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod support;

use std::{
    collections::BTreeMap, fmt::Write as _, fs, io::Write as _, path::Path, process::Command,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Server, end_executor, executor_pid, signal, wait_for};

/// A mesh of `width` × 3 jobs, each of which writes down when it starts and ends, and does this in between.
fn mesh(trace: &Path, width: usize, between: &str) -> String {
    let mut mesh =
        String::from("hcndc: 1\ndefaults: {retry: {max: 5}}\nflows:\n  - name: f\n    jobs:\n");
    let trace = trace.display();
    for layer in 0..3 {
        for at in 0..width {
            let after = match layer {
                0 => String::new(),
                _ => format!(
                    ", depends_on: [j{}-{at}, j{}-{}]",
                    layer - 1,
                    layer - 1,
                    (at + 1) % width
                ),
            };
            let command = format!(
                "echo start $HCNDC_JOB_NAME $HCNDC_ATTEMPT_ID >> {trace}; {between}; \
                 echo end $HCNDC_JOB_NAME $HCNDC_ATTEMPT_ID >> {trace}"
            );
            writeln!(
                mesh,
                "      - {{name: j{layer}-{at}, command: '{command}'{after}}}"
            )
            .unwrap();
        }
    }
    mesh
}

fn lines(trace: &Path, word: &str) -> Vec<String> {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix(word));
    lines.map(|rest| rest.trim().to_owned()).collect()
}

/// Processes that hold jobs for the executor of this data folder.
fn holder_pids(data_dir: &Path) -> Vec<u32> {
    let ours = format!(
        "hcndc-holder\0{}/",
        std::path::absolute(data_dir).unwrap().display()
    );
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            fs::read(process.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&ours))
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

/// Every job ended well, and no attempt was ever started twice.
fn check_ends(server: &Server, execution: u64, trace: &Path, jobs: usize) {
    wait_for("the execution to end", || {
        server.execution_state(execution) != "running"
    });
    assert_eq!(server.execution_state(execution), "succeeded");
    let runs = server.job_runs(execution);
    assert_eq!(runs.len(), jobs);
    assert!(
        runs.iter().all(|run| run["state"] == "succeeded"),
        "{runs:#?}"
    );
    let mut starts = BTreeMap::new();
    for start in lines(trace, "start") {
        *starts.entry(start).or_insert(0) += 1;
    }
    assert!(starts.values().all(|&count| count == 1), "{starts:?}");
}

#[test]
fn a_killed_server_comes_back_and_its_jobs_never_notice() {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    let server = Server::start(&data, &["--slots", "4"]);
    server.put_mesh(&mesh(&trace, 8, "sleep 0.3"));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || lines(&trace, "end").len() >= 5);
    let executor = executor_pid(&data).unwrap();
    server.crash();

    // What runs goes on and ends while nobody schedules.
    let running = lines(&trace, "start").len();
    wait_for("jobs to end without a server", || {
        lines(&trace, "end").len() >= running
    });
    let server = Server::start(&data, &[]);
    assert_eq!(executor_pid(&data), Some(executor));
    check_ends(&server, execution, &trace, 24);
    assert_eq!(lines(&trace, "start").len(), 24, "some job was tried twice");
}

#[test]
fn a_host_that_dies_loses_attempts_but_no_job() {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    let server = Server::start(&data, &["--slots", "4"]);
    // Jobs end only once they may, so that some certainly run when the host dies.
    let go = dir.path().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", go.display());
    server.put_mesh(&mesh(&trace, 6, &wait));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || lines(&trace, "start").len() == 4);
    let executor = executor_pid(&data).unwrap();
    server.crash();
    // All that is ours, as when the power goes.
    let holders = holder_pids(&data);
    assert_eq!(holders.len(), 1);
    signal(executor, Signal::SIGKILL);
    signal(holders[0], Signal::SIGKILL);
    fs::write(&go, "").unwrap();

    let server = Server::start(&data, &[]);
    check_ends(&server, execution, &trace, 18);
    let runs = server.job_runs(execution);
    let again = runs.iter().filter(|run| run["attempt"] == 2).count();
    assert_eq!(again, 4, "{runs:#?}");
}

#[test]
fn a_killed_executor_comes_back_and_its_jobs_never_notice() {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    let server = Server::start(&data, &["--slots", "4"]);
    server.put_mesh(&mesh(&trace, 6, "sleep 0.3"));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || lines(&trace, "start").len() >= 4);
    let executor = executor_pid(&data).unwrap();
    signal(executor, Signal::SIGKILL);
    wait_for("another executor", || {
        executor_pid(&data).is_some_and(|pid| pid != executor)
    });
    check_ends(&server, execution, &trace, 18);
    assert_eq!(lines(&trace, "start").len(), 18, "some job was tried twice");
}

#[test]
fn a_stopped_server_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace) = (dir.path().join("data"), dir.path().join("trace"));
    let server = Server::start(&data, &["--slots", "4"]);
    server.put_mesh(&mesh(&trace, 4, "sleep 0.3"));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || lines(&trace, "start").len() >= 5);
    assert!(server.stop().success());

    let server = Server::start(&data, &[]);
    check_ends(&server, execution, &trace, 12);
    assert_eq!(lines(&trace, "start").len(), 12);
}

/// Writes until there is no room for one byte more.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).unwrap();
    for size in [1 << 16, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
}

#[test]
fn a_full_disk_stops_the_night_and_room_on_it_lets_it_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, trace) = (dir.path().join("disk"), dir.path().join("trace"));
    fs::create_dir(&disk).unwrap();
    let Some(server) = Server::start_on_small_disk(&disk, 48, &["--slots", "4"]) else {
        support::skip("serve/a_full_disk", "this user may not mount a disk");
        return;
    };
    let go = dir.path().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", go.display());
    server.put_mesh(&mesh(&trace, 4, &wait));
    let execution = server.start_flows(&["f"]);
    wait_for("jobs to run", || lines(&trace, "start").len() == 4);

    let filler = server.data_dir().join("filler");
    fill(&filler);
    fs::write(&go, "").unwrap();
    wait_for("the server to say so", || {
        let (status, said) = server.answer_to_get("readyz");
        let faults = said["faults"].as_array().cloned().unwrap_or_default();
        let full = |fault: &Value| {
            fault["field"] == "store" && fault["message"].as_str().unwrap().contains("disk is full")
        };
        status == 503 && faults.iter().any(full)
    });
    // What is there can be looked at.
    assert_eq!(server.execution_state(execution), "running");

    fs::remove_file(&filler).unwrap();
    wait_for("the server to be well again", || {
        server.answer_to_get("readyz").0 == 200
    });
    check_ends(&server, execution, &trace, 12);
    let again = server.start_flows(&["f"]);
    wait_for("another execution to end", || {
        server.execution_state(again) == "succeeded"
    });
}

#[test]
fn a_folder_has_one_server_and_an_idle_executor_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let second = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", "en")
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another hcndc serves from"));
    let executor = executor_pid(dir.path());
    assert!(executor.is_some());
    assert!(server.stop().success());
    wait_for("the executor to end", || executor_pid(dir.path()).is_none());
}

#[test]
fn beyond_loopback_takes_a_word_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", "en")
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--insecure-remote"));
}

#[test]
fn who_asks_nobody_listens_on_loopback_only() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", "en")
        .args(["serve", "--access", "open", "--insecure-remote"])
        .args(["--listen", "0.0.0.0:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--access open"));
}

#[test]
fn the_operator_of_the_host_looks_after_users_and_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--access", "users", "--no-executor"]);
    let hcndc = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hcndc"))
            .env("HCNDC_LANG", "en")
            .args(args)
            .arg("--data-dir")
            .arg(dir.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let users = hcndc(&["user", "list"]);
    assert!(
        users.1.contains("must change the password"),
        "the first start made admin: {users:?}"
    );
    let made = hcndc(&["user", "create", "ann", "--role", "viewer"]);
    assert_eq!((made.0, made.1.len()), (Some(0), 23), "{made:?}");
    assert_eq!(
        hcndc(&["user", "create", "ann"]).0,
        Some(2),
        "there is one already"
    );
    let last = hcndc(&["user", "delete", "admin"]);
    assert_eq!(last.0, Some(2), "{last:?}");
    let (code, token, _) = hcndc(&["token", "create", "night", "--account", "ann"]);
    assert!(code == Some(0) && token.starts_with("hcndc_"), "{token}");

    let export = |token: &str, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_hcndc"))
            .env("HCNDC_LANG", "en")
            .env("HCNDC_TOKEN", token)
            .args([
                "export",
                "--all",
                "--server",
                server.base().trim_end_matches('/'),
            ])
            .args(more)
            .output()
            .unwrap()
    };
    let refused = export(&token, &[]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("--without-accounts"), "{told}");
    let exported = |token: &str| export(token, &["--without-accounts"]);
    let output = exported(&token);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(exported("").status.code(), Some(1), "nobody is signed in");
    assert_eq!(hcndc(&["user", "disable", "ann"]).0, Some(0));
    assert_eq!(
        exported(&token).status.code(),
        Some(1),
        "its user is disabled"
    );
    assert!(server.stop().success());
}

#[test]
fn the_demo_runs_its_night() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", "en")
        .args([
            "demo",
            "--exit",
            "--date",
            "2026-11-21",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(dir.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&demo.stdout);
    assert_eq!(demo.status.code(), Some(0), "{stdout}");
    let expected = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/retail/expected-2026-11-21.txt"
    );
    assert!(
        stdout.contains(fs::read_to_string(expected).unwrap().trim_end()),
        "{stdout}"
    );
    end_executor(dir.path());
}
