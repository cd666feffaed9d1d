//! The session of docs/API.md, as people would type it: real shell, real curl, real server, real jobs.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

mod support;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use support::Server;

/// The blocks of a page that are marked as shell, in order.
fn shell_blocks(page: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn has_curl() -> bool {
    Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn the_session_of_the_page_works_as_it_is_written() {
    if !has_curl() {
        let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
        assert!(
            !is_ci,
            "cannot be skipped where HCNDC_CI is 1: there is no curl here"
        );
        // Straight to the stream: what a passing test prints is not shown.
        let line =
            b"skipped: the_session_of_the_page_works_as_it_is_written: there is no curl here\n";
        std::io::Write::write_all(&mut std::io::stderr(), line).unwrap();
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/API.md");
    let script = shell_blocks(&fs::read_to_string(page).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--access", "users"]);
    // As its operator makes one, while it runs.
    let token = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .args(["token", "create", "session", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(token.status.success(), "{token:?}");
    let token = String::from_utf8(token.stdout).unwrap();
    let mut shell = Command::new("sh")
        .args(["-eu"])
        .env("HCNDC_TOKEN", token.trim())
        .env("HCNDC", server.base().trim_end_matches('/'))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = shell.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for what in [
        "42 orders for 2026-11-21",
        "job extract/orders must succeed first",
        "任务 extract/orders 须成功",
        "event: job_run",
        "\"state\":\"stopped\"",
        "admin paused the execution",
        "\"kind\":\"skip\"",
        "\"killed\":1",
        "(refused, as it should be: stale)",
        "(refused, as it should be: load needs it)",
        "\"code\":\"in_use\"",
    ] {
        assert!(said.contains(what), "{what} is not in:\n{said}");
    }
    let ends = said.matches("\"state\":\"succeeded\",\"trigger\"").count();
    assert_eq!(ends, 7, "each of seven ends, one told twice:\n{said}");
}
