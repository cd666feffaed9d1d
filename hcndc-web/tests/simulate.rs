//! `hcndc simulate` as a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

/// Two flows, one slot, and a deadline that holds.
const NIGHT: &str = r#"
hcndc: 1
name: night
zone: Asia/Shanghai
executors:
  - {name: etl-1, address: "127.0.0.1:7890", slots: 1}
flows:
  - name: extract
    jobs:
      - {name: orders, command: "true", expected: 20m}
      - {name: customers, command: "true", expected: 10m}
  - name: load
    parents: [extract]
    jobs:
      - {name: sales, command: "true", expected: 45m}
schedules:
  - name: nightly
    flow: extract
    downstream: true
    trigger: 0 2 * * *
    finish_by: "03:20"
"#;

/// Exit code, standard output and standard error.
fn simulate(lang: &str, dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", lang)
        .current_dir(dir)
        .arg("simulate")
        .args(args)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// A directory with the night in `mesh.yaml`.
fn night() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mesh.yaml", NIGHT);
    dir
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// What is in the cells, line by line; empty ones are left out, and so are the table's rules.
fn cells(out: &str) -> Vec<String> {
    let lines = out.lines().filter(|line| !line.starts_with(['─', '═']));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split("  ").map(str::trim).collect();
            let cells: Vec<&str> = cells.into_iter().filter(|it| !it.is_empty()).collect();
            cells.join(" | ")
        })
        .collect()
}

const DAY: [&str; 5] = ["mesh.yaml", "--from", "2026-11-20", "--to", "2026-11-20"];

/// The arguments for one day, and more.
fn day<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&DAY, more].concat()
}

#[test]
fn the_table_has_a_line_for_each_flow_run_in_the_zone_of_the_mesh() {
    let dir = night();
    let args = ["mesh.yaml", "--from", "2026-11-20", "--to", "2026-11-21"];
    let (code, out, err) = simulate("en", dir.path(), &args);
    let expected = [
        "data date | flow | schedule | start | end | takes | jobs | queued",
        "2026-11-19 | extract | nightly | 11-20 02:00 | 02:30 | 30m | 2 | 20m",
        "2026-11-19 | load | nightly | 11-20 02:30 | 03:15 | 45m | 1",
        "2026-11-20 | extract | nightly | 11-21 02:00 | 02:30 | 30m | 2 | 20m",
        "2026-11-20 | load | nightly | 11-21 02:30 | 03:15 | 45m | 1",
        "2 executions, 6 job runs; times in Asia/Shanghai",
    ];
    assert_eq!(cells(&out), expected, "{out}{err}");
    assert_eq!(code, 0);
    // It fits into a terminal.
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    let (_, out, _) = simulate("zh", dir.path(), &args);
    let lines = cells(&out);
    let header = "数据日期 | 任务流 | 调度 | 开始 | 结束 | 用时 | 任务 | 排队";
    assert_eq!(lines[0], header);
    assert_eq!(lines[1..5], expected[1..5]);
    let summary = "2 次执行，6 次任务执行；时间均为 Asia/Shanghai 时区";
    assert_eq!(lines[5], summary);
}

#[test]
fn details_name_the_jobs_in_the_order_of_their_starts_and_what_they_wait_for() {
    let dir = night();
    let (_, out, _) = simulate("en", dir.path(), &day(&["--details"]));
    assert_eq!(
        cells(&out),
        [
            "data date | flow | schedule | start | end | takes | jobs | queued",
            "2026-11-19 | extract | nightly | 11-20 02:00 | 02:30 | 30m | 2 | 20m",
            "· orders | @etl-1 | 11-20 02:00 | 02:20 | 20m",
            "· customers | @etl-1 | 11-20 02:20 | 02:30 | 10m | 20m",
            "2026-11-19 | load | nightly | 11-20 02:30 | 03:15 | 45m | 1",
            "· sales | @etl-1 | 11-20 02:30 | 03:15 | 45m",
            "1 execution, 3 job runs; times in Asia/Shanghai",
            "2026-11-19: extract/customers (20m) waits for executor etl-1 (full)",
        ]
    );
}

#[test]
fn json_has_it_all_by_names() {
    let dir = night();
    let (code, out, _) = simulate("en", dir.path(), &day(&["--format", "json"]));
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["from"], "2026-11-19T16:00:00.000000Z");
    assert_eq!(report["until"], "2026-11-20T16:00:00.000000Z");
    assert_eq!(report["is_cut"], false);
    assert_eq!(report["skipped"], json!([]));
    assert_eq!(report["missed_deadlines"], json!([]));
    let execution = &report["executions"][0];
    assert_eq!(execution["schedule"], "nightly");
    assert_eq!(execution["trigger"], "schedule");
    assert_eq!(execution["data_date"], "2026-11-19");
    assert_eq!(execution["fire_time"], "2026-11-19T18:00:00.000000Z");
    assert_eq!(execution["ended_at"], "2026-11-19T19:15:00.000000Z");
    let jobs = execution["flows"][0]["jobs"].as_array().unwrap();
    let names: Vec<_> = jobs.iter().map(|job| job["job"].clone()).collect();
    assert_eq!(names, ["orders", "customers"]);
    assert_eq!(jobs[1]["executor"], "etl-1");
    assert_eq!(jobs[1]["queued_at"], "2026-11-19T18:00:00.000000Z");
    assert_eq!(jobs[1]["started_at"], "2026-11-19T18:20:00.000000Z");
    assert_eq!(jobs[1]["waits"][0]["name"], "etl-1");
    assert_eq!(jobs[1]["waits"][0]["trouble"]["trouble"], "full");
}

#[test]
fn given_durations_move_what_comes_after_and_deadlines_are_told() {
    let dir = night();
    write(dir.path(), "durations.json", r#"{"load/sales": "1h15s"}"#);
    let args = day(&["--durations", "durations.json"]);
    let (code, out, _) = simulate("en", dir.path(), &args);
    let lines = cells(&out);
    let load = "2026-11-19 | load | nightly | 11-20 02:30:00 | 03:30:15 | 1h00m15s | 1";
    assert_eq!((code, lines[2].as_str()), (0, load));
    let last = lines.last().unwrap();
    assert_eq!(last, "nightly, 2026-11-19: not finished by 11-20 03:20:00");
}

#[test]
fn a_job_of_which_nothing_is_known_takes_what_is_said_otherwise() {
    let dir = night();
    write(
        dir.path(),
        "mesh.yaml",
        &NIGHT.replace(", expected: 45m", ""),
    );
    for (given, takes) in [(&[][..], "1m"), (&["--otherwise", "90s"], "1m30s")] {
        let (_, out, _) = simulate("en", dir.path(), &day(given));
        assert!(cells(&out)[2].contains(&format!(" | {takes} | ")), "{out}");
    }
}

#[test]
fn without_its_executor_nothing_runs_and_the_table_says_why() {
    let dir = night();
    let (code, out, _) = simulate("en", dir.path(), &day(&["--lose", "etl-1"]));
    assert_eq!(
        cells(&out),
        [
            "data date | flow | schedule | start | end | takes | jobs | queued | state",
            "2026-11-19 | extract | nightly | 11-20 02:00 | 2 | running",
            "2026-11-19 | load | nightly | 1 | waiting",
            "1 execution, 3 job runs; times in Asia/Shanghai",
            "not over at the end: 3 job runs",
            "2026-11-19: extract/orders, extract/customers wait for executor etl-1 (lost)",
            "nightly, 2026-11-19: not finished by 11-20 03:20",
        ]
    );
    assert_eq!(code, 0);
}

#[test]
fn a_job_that_may_not_take_as_long_as_it_does_fails_and_holds_the_rest() {
    let dir = night();
    let slow = NIGHT.replace("expected: 10m}", "expected: 10m, timeout: 5m}");
    write(dir.path(), "mesh.yaml", &slow);
    let (_, out, _) = simulate("en", dir.path(), &day(&[]));
    let lines = cells(&out);
    let extract = "2026-11-19 | extract | nightly | 11-20 02:00 | 02:25 | 25m | 2 | 20m | failed";
    assert_eq!(lines[1], extract);
}

#[test]
fn another_mesh_is_told_by_what_it_moves() {
    let dir = night();
    let other = NIGHT
        .replace("0 2 * * *", "30 2 * * *")
        .replace("name: sales", "name: turnover");
    write(dir.path(), "other.yaml", &other);
    let args = day(&["--against", "other.yaml"]);
    let (code, out, _) = simulate("en", dir.path(), &args);
    assert_eq!(
        cells(&out),
        [
            "data date | job | before | after",
            "moved | 2026-11-19 | extract/customers | 11-20 02:20 – 02:30 | 11-20 02:50 – 03:00",
            "moved | 2026-11-19 | extract/orders | 11-20 02:00 – 02:20 | 11-20 02:30 – 02:50",
            "gone | 2026-11-19 | load/sales | 11-20 02:30 – 03:15",
            "new | 2026-11-19 | load/turnover | 11-20 03:00 – 03:45",
            "times in Asia/Shanghai",
            "newly missed: nightly, 2026-11-19: not finished by 11-20 03:20",
        ]
    );
    assert_eq!(code, 0);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    let (_, out, _) = simulate(
        "en",
        dir.path(),
        &[&args[..], &["--format", "json"]].concat(),
    );
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["moved"][0]["job"], "customers");
    let after = &found["moved"][0]["after"];
    assert_eq!(after["started_at"], "2026-11-19T18:50:00.000000Z");
    assert_eq!(found["only_before"][0]["after"], Value::Null);
    assert_eq!(found["newly_missed"][0]["what"], "finish");

    // What only one of the two has may be lost, or take its time.
    write(dir.path(), "durations.json", r#"{"load/turnover": "1h"}"#);
    let more = ["--durations", "durations.json"];
    let (code, out, _) = simulate("en", dir.path(), &[&args[..], &more].concat());
    assert!(code == 0 && out.contains("03:00 – 04:00"), "{out}");

    let args = day(&["--against", "mesh.yaml"]);
    let (_, out, _) = simulate("en", dir.path(), &args);
    assert_eq!(out, "no difference\n");
}

#[test]
fn a_pool_holds_back_what_it_has_no_slots_for_and_is_named() {
    let dir = night();
    let pooled = NIGHT
        .replace("slots: 1}", "slots: 4}")
        .replace("flows:", "pools:\n  - {name: warehouse, slots: 1}\nflows:")
        .replace("0m}", "0m, pool: warehouse}");
    write(dir.path(), "mesh.yaml", &pooled);
    for (lang, line) in [
        (
            "en",
            "2026-11-19: extract/customers (20m) waits for pool warehouse (full)",
        ),
        (
            "zh",
            "2026-11-19：extract/customers（20m） 等待资源池 warehouse（已满）",
        ),
    ] {
        let (_, out, err) = simulate(lang, dir.path(), &day(&["--details"]));
        assert!(out.lines().any(|it| it == line), "{out}{err}");
    }
}

#[test]
fn the_slots_of_this_host_count_when_the_mesh_names_no_executors() {
    let dir = night();
    let none = "executors:\n  - {name: etl-1, address: \"127.0.0.1:7890\", slots: 1}\n";
    write(dir.path(), "mesh.yaml", &NIGHT.replace(none, ""));
    for (slots, end) in [("1", "02:30"), ("2", "02:20")] {
        let (_, out, _) = simulate("en", dir.path(), &day(&["--slots", slots]));
        let lines = cells(&out);
        assert!(lines[1].contains(&format!(" | {end} | ")), "{out}");
    }
}

#[test]
fn a_mesh_that_fires_nothing_says_why() {
    let dir = night();
    let (head, _) = NIGHT.split_once("schedules:").unwrap();
    write(dir.path(), "plain.yaml", head);
    let args = ["plain.yaml", "--from", "2026-11-20", "--to", "2026-11-20"];
    let (code, out, _) = simulate("en", dir.path(), &args);
    assert_eq!(out, "nothing fires: the mesh file has no schedules\n");
    assert_eq!(code, 0);

    let mondays = NIGHT.replace("0 2 * * *", "0 2 * * mon");
    write(dir.path(), "mesh.yaml", &mondays);
    let (_, out, _) = simulate("en", dir.path(), &day(&[]));
    assert_eq!(out, "nothing starts in this time; times in Asia/Shanghai\n");
}

#[test]
fn fire_times_that_start_nothing_are_told_with_the_reason() {
    let dir = night();
    let often = NIGHT.replace("0 2 * * *", "\"*/30 2 * * *\"\n    overlap: skip");
    write(dir.path(), "mesh.yaml", &often);
    let (_, out, err) = simulate("en", dir.path(), &day(&[]));
    let line =
        "nightly, 11-20 02:30: starts nothing: as many executions of the schedule run as may";
    assert!(out.lines().any(|it| it == line), "{out}{err}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_printed() {
    let dir = night();
    write(dir.path(), "text.json", r#"{"load/sales": "3x"}"#);
    write(dir.path(), "job.json", r#"{"load/sails": "3h"}"#);
    let backwards = ["mesh.yaml", "--from", "2026-11-20", "--to", "2026-11-19"];
    let no_day = ["mesh.yaml", "--from", "2026-11-31", "--to", "2026-12-01"];
    let no_file = ["nope.yaml", "--from", "2026-11-20", "--to", "2026-11-20"];
    let cases: [(Vec<&str>, &str, &str); 7] = [
        (
            backwards.into(),
            "--to is before --from",
            "--to 早于 --from",
        ),
        (no_day.into(), "is not a date of the calendar", "2026-11-31"),
        (
            no_file.into(),
            "nope.yaml: the file cannot be read",
            "nope.yaml",
        ),
        (
            day(&["--lose", "etl-9"]),
            "no executor is called \"etl-9\"",
            "没有名为 \"etl-9\" 的执行服务器",
        ),
        (
            day(&["--durations", "none.json"]),
            "none.json cannot be read",
            "无法读取 none.json",
        ),
        (
            day(&["--durations", "text.json"]),
            "text.json is no JSON object of spans",
            "text.json 不是由时长组成的 JSON 对象",
        ),
        (
            day(&["--durations", "job.json"]),
            "job.json: no job is called \"load/sails\"",
            "job.json：没有名为 \"load/sails\" 的任务",
        ),
    ];
    for (args, en, zh) in cases {
        for (lang, text) in [("en", en), ("zh", zh)] {
            let (code, out, err) = simulate(lang, dir.path(), &args);
            assert_eq!((code, out.as_str()), (2, ""), "{args:?} {err}");
            assert!(err.contains(text), "{args:?} {err}");
        }
    }
}

#[test]
fn the_example_shows_the_deadline_that_it_misses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mesh = "examples/forecast/mesh.yaml";
    let args = [mesh, "--from", "2026-11-20", "--to", "2026-11-23"];
    let (code, out, err) = simulate("en", root, &args);
    assert_eq!(code, 0, "{err}");
    // The days in between are a weekend.
    for line in [
        "nightly, 2026-11-19: not finished by 11-20 03:30",
        "nightly, 2026-11-22: not finished by 11-23 03:30",
    ] {
        assert!(out.lines().any(|it| it == line), "{out}");
    }
    assert_eq!(out.matches("not finished").count(), 2);
}
