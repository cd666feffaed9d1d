//! What does a scheduler cost on top of starting processes?
//!
//! One job, then 1,000 at once, then one: all `true`, run by `hcndc run` with 16 at once (mesh file, engine, SQLite,
//! executor, logs, everything), and beside it what a shell has for the purpose: `xargs -P 16` with `sh -c true`. Taken
//! in turns, so that a busy machine is busy for both; the ratio of the medians is the answer.
//!
//! ```text
//! cargo build --release -p hcndc-web && cargo bench -p hcndc-benches --bench whole_run
//! ```
#![allow(clippy::print_stdout, reason = "figures are what this is for")]
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const JOBS: usize = 1_000;
const AT_ONCE: &str = "16";
const ROUNDS: usize = 7;

fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let Some(hcndc) = binary() else {
        eprintln!("skipped: whole_run: build it first: cargo build --release -p hcndc-web");
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let mesh = dir.path().join("mesh.yaml");
    fs::write(&mesh, fan()).expect("a mesh file");

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(
            Command::new(&hcndc)
                .arg("run")
                .arg(&mesh)
                .args(["--jobs", AT_ONCE]),
        ));
        theirs.push(xargs());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let rate = |time: Duration| (JOBS + 2) as f64 / time.as_secs_f64();
    println!("whole_run/hcndc  {ours:>10.3?}  {:>6.0} jobs/s", rate(ours));
    println!(
        "whole_run/xargs  {theirs:>10.3?}  {:>6.0} jobs/s",
        rate(theirs)
    );
    println!(
        "whole_run/ratio  {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

/// The release build beside this benchmark.
fn binary() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    let path = this.parent()?.parent()?.join("hcndc");
    path.is_file().then_some(path)
}

fn fan() -> String {
    let mut mesh = String::from("hcndc: 1\nflows:\n  - name: fan\n    jobs:\n");
    mesh.push_str("      - {name: first, command: 'true'}\n");
    let mut all = Vec::with_capacity(JOBS);
    for at in 0..JOBS {
        writeln!(
            mesh,
            "      - {{name: j{at}, command: 'true', depends_on: [first]}}"
        )
        .expect("text");
        all.push(format!("j{at}"));
    }
    writeln!(
        mesh,
        "      - {{name: last, command: 'true', depends_on: [{}]}}",
        all.join(", ")
    )
    .expect("text");
    mesh
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it starts");
    assert!(status.success(), "it failed");
    start.elapsed()
}

fn xargs() -> Duration {
    let start = Instant::now();
    let mut child = Command::new("xargs")
        .args(["-P", AT_ONCE, "-I", "{}", "sh", "-c", "true"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("xargs starts");
    let mut input = child.stdin.take().expect("piped");
    for at in 0..JOBS + 2 {
        writeln!(input, "{at}").expect("xargs reads");
    }
    drop(input);
    assert!(child.wait().expect("xargs ends").success(), "xargs failed");
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
