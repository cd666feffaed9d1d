//! Whole runs: the real command, real processes, a real database.

#![expect(
    clippy::unwrap_used,
    reason = "a failure here fails the test, as it should"
)]

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

fn hcndc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
    command.env("HCNDC_LANG", "en").env_remove("RUST_LOG");
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn run(dir: &Path, mesh: &str, args: &[&str]) -> (Output, Vec<Value>) {
    let path = dir.join("mesh.yaml");
    fs::write(&path, mesh).unwrap();
    run_file(dir, &path, args)
}

fn run_file(dir: &Path, mesh: &Path, args: &[&str]) -> (Output, Vec<Value>) {
    let events = dir.join("events.jsonl");
    let output = hcndc()
        .arg("run")
        .arg(mesh)
        .arg("--events")
        .arg(&events)
        .args(args)
        .output()
        .unwrap();
    let events = fs::read_to_string(events).unwrap_or_default();
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output, events)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last state of each job, as `flow/job`.
fn ends(events: &[Value]) -> HashMap<String, String> {
    let end = |event: &Value| {
        let name = format!(
            "{}/{}",
            event["flow"].as_str().unwrap(),
            event["job"].as_str().unwrap()
        );
        (name, event["to"].as_str().unwrap().to_owned())
    };
    events.iter().map(end).collect()
}

#[test]
fn the_retail_night_ends_with_the_right_report() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let set = format!("out={}", out.display());
    let mesh = root().join("examples/retail/mesh.yaml");
    let (output, events) = run_file(dir.path(), &mesh, &["--date", "2026-11-21", "--set", &set]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));

    let report = fs::read_to_string(out.join("2026-11-21/report.txt")).unwrap();
    let expected =
        fs::read_to_string(root().join("examples/retail/expected-2026-11-21.txt")).unwrap();
    assert_eq!(report, expected);
    let check = Command::new("sh")
        .arg(root().join("examples/retail/check.sh"))
        .arg("2026-11-21")
        .arg(&out)
        .output()
        .unwrap();
    assert!(
        check.status.success(),
        "{}{}",
        text(&check.stdout),
        text(&check.stderr)
    );

    let ends = ends(&events);
    assert_eq!(ends.values().filter(|end| *end == "succeeded").count(), 31);
    assert_eq!(ends.values().filter(|end| *end == "skipped").count(), 2);
    let retries = events.iter().filter(|event| event["to"] == "retry_wait");
    assert_eq!(
        retries
            .map(|event| event["exit_code"].clone())
            .collect::<Vec<_>>(),
        [75]
    );
}

#[test]
fn values_that_jobs_put_out_reach_the_jobs_after_them() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let set = format!("out={}", out.display());
    let mesh = root().join("examples/outputs/mesh.yaml");
    let (output, events) = run_file(dir.path(), &mesh, &["--set", &set]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let report = fs::read_to_string(out.join("report")).unwrap();
    assert_eq!(report, "12 rows, up to 12\nlate: none\n");
    assert!(ends(&events).values().all(|end| end == "succeeded"));
}

#[test]
fn a_job_whose_value_was_never_put_out_fails_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = "
hcndc: 1
name: m
flows:
  - name: f
    jobs:
      - {name: a, command: 'echo ::set-output 1=2'}
      - {name: b, command: 'true', depends_on: [a], params: {n: {output: a}}, retry: {max: 3, delay: 1h}}
";
    let (output, events) = run(dir.path(), mesh, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert_eq!(ends(&events)["f/b"], "failed");
    let told = text(&output.stdout) + &text(&output.stderr);
    let why = "param n: job f/a put out no \"n\"";
    assert!(told.contains(why), "{told}");
}

#[test]
fn every_traced_workflow_runs_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut traces = 0;
    for entry in fs::read_dir(root().join("testdata/wfinstances")).unwrap() {
        let trace = entry.unwrap().path();
        let json: Value = match fs::read_to_string(&trace) {
            Ok(text) if trace.extension().is_some_and(|it| it == "json") => {
                serde_json::from_str(&text).unwrap()
            }
            _ => continue,
        };
        let Some(tasks) = json["workflow"]["specification"]["tasks"].as_array() else {
            continue;
        };
        traces += 1;
        let mesh = dir.path().join("mesh.yaml");
        let imported = hcndc()
            .args(["import", "wfcommons"])
            .arg(&trace)
            .args(["--time-scale", "0", "-o"])
            .arg(&mesh)
            .output()
            .unwrap();
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        let (output, events) = run_file(dir.path(), &mesh, &["--jobs", "8"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}: {}",
            trace.display(),
            text(&output.stderr)
        );

        let mut started = HashMap::new();
        let mut succeeded = HashMap::new();
        for (at, event) in events.iter().enumerate() {
            let job = event["job"].as_str().unwrap();
            match event["to"].as_str().unwrap() {
                "running" => assert!(started.insert(job, at).is_none(), "{job} ran twice"),
                "succeeded" => assert!(succeeded.insert(job, at).is_none(), "{job} ended twice"),
                _ => {}
            }
        }
        assert_eq!(succeeded.len(), tasks.len(), "{}", trace.display());
        for task in tasks {
            let id = task["id"].as_str().unwrap();
            for parent in task["parents"].as_array().unwrap() {
                let parent = parent.as_str().unwrap();
                assert!(
                    succeeded[parent] < started[id],
                    "{id} ran before {parent} ended"
                );
            }
        }
    }
    assert_eq!(traces, 11);
}

#[test]
fn a_failed_job_fails_the_run_and_shows_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = "
hcndc: 1
flows:
  - name: f
    jobs:
      - {name: bad, command: 'echo seen; echo wrong >&2; exit 3', retry: {max: 1}}
      - {name: after, command: 'true', depends_on: [bad]}
      - {name: repair, command: 'true', depends_on: [{job: bad, on: failure}]}
      - {name: always, command: 'true', depends_on: [{job: after, on: done}]}
      - {name: aside, command: 'true'}
      - {name: unneeded, command: 'true', depends_on: [{job: aside, on: failure}]}
";
    let (output, events) = run(dir.path(), mesh, &[]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    for shown in [
        "f/bad, attempt 2: exit code 3",
        "seen\n",
        "wrong\n",
        "upstream failed",
    ] {
        assert!(stdout.contains(shown), "{shown:?} in {stdout}");
    }
    let ends = ends(&events);
    for (job, end) in [
        ("f/bad", "failed"),
        ("f/after", "upstream_failed"),
        ("f/repair", "succeeded"),
        ("f/always", "succeeded"),
        ("f/aside", "succeeded"),
        ("f/unneeded", "skipped"),
    ] {
        assert_eq!(ends[job], end, "{job}");
    }
    // What failed is kept to be looked at.
    let kept = stdout
        .lines()
        .find_map(|line| line.strip_prefix("database and logs are kept in "));
    let kept = PathBuf::from(kept.unwrap());
    assert!(kept.join("hcndc.db").is_file());
    fs::remove_dir_all(kept).unwrap();
}

#[test]
fn ctrl_c_stops_whole_process_trees_and_exits_130() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let mesh = format!(
        "
hcndc: 1
flows:
  - name: f
    jobs:
      - name: tree
        command: |
          sleep 600 & echo $! >> {pids}
          (trap '' TERM; sleep 601) & echo $! >> {pids}
          echo $$ >> {pids}; echo ready
          wait
      - {{name: after, command: 'true', depends_on: [tree]}}
",
        pids = pids.display()
    );
    let path = dir.path().join("mesh.yaml");
    fs::write(&path, mesh).unwrap();
    let events = dir.path().join("events.jsonl");
    let mut child = hcndc()
        .arg("run")
        .arg(&path)
        .arg("--events")
        .arg(&events)
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(|| fs::read_to_string(&pids).is_ok_and(|text| text.lines().count() == 3));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(Ok(_)) = lines.next() {}
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for pid in fs::read_to_string(&pids).unwrap().lines() {
        let gone = !Path::new("/proc").join(pid).exists() || is_zombie(pid);
        assert!(gone, "process {pid} is still there");
    }
    let events = fs::read_to_string(events).unwrap();
    assert!(events.contains(r#""to":"killed""#), "{events}");
    assert!(!events.contains(r#""job":"after""#), "{events}");
}

fn is_zombie(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| rest.starts_with('Z'))
}

/// Waits until something is so; a minute is for machines that are very busy.
fn wait_for(mut so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !so() {
        assert!(std::time::Instant::now() < end, "waited for too long");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn bad_input_is_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let cycle = "
hcndc: 1
flows:
  - name: f
    jobs:
      - {name: a, command: 'true', depends_on: [b]}
      - {name: b, command: 'true', depends_on: [a]}
      - {name: c, command: 'true', depends_on: [nobody]}
";
    let (output, events) = run(dir.path(), cycle, &[]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("f/a") && stderr.contains("f/b") && stderr.contains("nobody"),
        "{stderr}"
    );
    assert!(stderr.contains("mesh.yaml:8:"), "{stderr}");
    assert!(events.is_empty());

    let fine = "{hcndc: 1, flows: [{name: f, jobs: [{name: a, command: 'true'}]}]}";
    for args in [
        ["--date", "2026-02-30"],
        ["--set", "novalue"],
        ["--jobs", "0"],
    ] {
        let (output, _) = run(dir.path(), fine, &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            text(&output.stderr).contains(args[1]),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
    let missing = hcndc()
        .args(["run", "/nonexistent/mesh.yaml"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/nonexistent/mesh.yaml"));
}

#[test]
fn params_dates_and_environment_reach_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = r#"
hcndc: 1
params: {greeting: hello, who: nobody}
env: {MADE: "${date:%Y%m}"}
flows:
  - name: f
    jobs:
      - name: show
        command: 'printf "%s|" "$MADE" "$HCNDC_PARAM_WHO" "$HCNDC_DATE" "$HCNDC_FLOW_NAME" > seen; printf "%s|" >> seen'
        params: {text: "${param.greeting}, it's", date: "${date-1d:%d.%m.%Y}"}
"#;
    let (output, _) = run(
        dir.path(),
        mesh,
        &[
            "--date",
            "2026-03-01",
            "--set",
            "who=Ann B",
            "--set",
            "extra=1",
        ],
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let seen = fs::read_to_string(dir.path().join("seen")).unwrap();
    assert_eq!(seen, "202603|Ann B|2026-03-01|f|hello, it's|28.02.2026|");
}

#[test]
fn dates_are_written_as_the_run_says_unless_a_placeholder_does() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = r#"
hcndc: 1
params: {before: "${date-1d}"}
flows:
  - name: f
    jobs:
      - name: show
        command: 'printf "%s|" ${date} ${date-1m:%Y-%m} "$HCNDC_PARAM_BEFORE" "$HCNDC_DATE" > seen'
"#;
    let on = |format: &str| {
        run(
            dir.path(),
            mesh,
            &["--date", "2026-03-01", "--date-format", format],
        )
        .0
    };
    assert_eq!(on("%Y%m%d").status.code(), Some(0));
    let seen = fs::read_to_string(dir.path().join("seen")).unwrap();
    assert_eq!(seen, "20260301|2026-02|20260228|2026-03-01|");
    let refused = on("%H:%M");
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("\"%H:%M\" is no form of a date"), "{said}");
}

#[test]
fn a_job_that_asks_a_query_runs_with_its_answer_or_fails_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("warehouse.db");
    let mesh = r#"
hcndc: 1
data_sources:
  - {name: warehouse, kind: sqlite, database: DATABASE}
shared_params:
  - {name: asked, sql: {data_source: warehouse, query: "select v || '${date:%d}' from t"}}
flows:
  - name: f
    jobs:
      - name: show
        command: 'printf %s > seen'
        params: {asked: {shared: true}}
"#;
    let mesh = &mesh.replace("DATABASE", database.to_str().unwrap());
    let date = ["--date", "2026-03-01"];
    let (output, events) = run(dir.path(), mesh, &date);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(ends(&events)["f/show"], "failed");
    let said = text(&output.stdout) + &text(&output.stderr);
    let why = format!("{}: No such file", database.display());
    assert!(said.contains(&why), "{said}");

    let given = ["--date", "2026-03-01", "--set", "asked=42"];
    let (output, _) = run(dir.path(), mesh, &given);
    assert_eq!(output.status.code(), Some(0));
    let seen = || fs::read_to_string(dir.path().join("seen")).unwrap();
    assert_eq!(seen(), "42");

    let url = format!("sqlite://{}?mode=rwc", database.display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let made = "CREATE TABLE t AS SELECT 'day ' AS v";
        connection.execute(made).await.unwrap();
        connection.close().await.unwrap();
    });
    let (output, _) = run(dir.path(), mesh, &date);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(seen(), "day 01");
}

#[test]
fn a_mesh_sends_requests_and_runs_statements() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dw.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut made = sqlx::SqliteConnection::connect(&url).await.unwrap();
        made.execute("CREATE TABLE t (day TEXT)").await.unwrap();
        made.close().await.unwrap();
    });
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = server.accept().unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap();
        let answer = "HTTP/1.1 204 No Content\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let mesh = format!(
        "hcndc: 1\ndata_sources:\n- {{name: dw, kind: sqlite, database: '{}'}}\nflows:\n- name: f\n  jobs:\n  \
         - {{name: fill, sql: {{data_source: dw, statement: \"INSERT INTO t VALUES ('${{date}}')\"}}}}\n  \
         - {{name: tell, depends_on: [fill], http: {{url: '{url}/day/${{date}}'}}}}\n",
        path.display()
    );
    let (output, events) = run(dir.path(), &mesh, &["--date", "2026-11-21"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(ends(&events).values().all(|end| end == "succeeded"));
    assert!(asked.join().unwrap().starts_with("GET /day/2026-11-21 "));
    let days: Vec<String> = runtime.block_on(async {
        let url = format!("sqlite://{}", path.display());
        let mut look = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let days = sqlx::query_scalar("SELECT day FROM t");
        days.fetch_all(&mut look).await.unwrap()
    });
    assert_eq!(days, ["2026-11-21"]);
}
