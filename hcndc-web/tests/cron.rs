//! `hcndc cron` as a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Exit code, standard output and standard error.
fn cron(lang: &str, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc"))
        .env("HCNDC_LANG", lang)
        .arg("cron")
        .args(args)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn times_come_one_a_line_with_the_offset_of_each() {
    let (code, out, _) = cron(
        "en",
        &[
            "next",
            "30 2 * * *",
            "--tz",
            "Europe/Berlin",
            "--after",
            "2026-03-28T00:00:00+01:00",
            "--count",
            "3",
        ],
    );
    assert_eq!(
        out,
        "2026-03-28T02:30:00+01:00\n2026-03-29T03:00:00+02:00\n2026-03-30T02:30:00+02:00\n"
    );
    assert_eq!(code, 0);
    let (_, out, _) = cron(
        "en",
        &[
            "prev",
            "30 2 * * *",
            "--tz",
            "Europe/Berlin",
            "--before",
            "2026-03-30T02:30:00+02:00",
            "--count",
            "2",
        ],
    );
    assert_eq!(
        out,
        "2026-03-29T03:00:00+02:00\n2026-03-28T02:30:00+01:00\n"
    );
}

#[test]
fn every_dialect_can_be_asked() {
    let next = |args: &[&str]| {
        let mut all = vec!["next", "--after", "2024-01-01T00:00:30Z"];
        all.extend(args);
        cron("en", &all).1
    };
    assert_eq!(next(&["0 0 * * 1"]), "2024-01-08T00:00:00+00:00\n");
    assert_eq!(
        next(&["0 0 0 ? * 1", "--dialect", "quartz"]),
        "2024-01-07T00:00:00+00:00\n"
    );
    assert_eq!(
        next(&["0 0 * * 1", "--dialect", "apscheduler"]),
        "2024-01-02T00:00:00+00:00\n"
    );
    assert_eq!(
        next(&["--dialect=apscheduler", "day='3rd fri,last' hour=9"]),
        "2024-01-19T09:00:00+00:00\n"
    );
}

#[test]
fn what_never_fires_has_no_lines() {
    let (code, out, err) = cron("en", &["next", "0 0 30 2 *", "--count", "5"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "", "there is no such time\n")
    );
}

#[test]
fn a_fault_is_shown_under_its_characters() {
    let (code, out, err) = cron("en", &["next", "0 9-25 * * *"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "error: hour: 25 is not within 0 to 23\n  0 9-25 * * *\n      ^^\n"
    );
    let (code, _, err) = cron("zh", &["explain", "-5 * * * *"]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "错误：分：“-5” 处应为 0 至 59 的数\n  -5 * * * *\n  ^^\n"
    );
    let (_, _, err) = cron("en", &["lint", "一 * * * *"]);
    assert!(err.ends_with("\n  一 * * * *\n  ^^\n"), "{err}");
}

#[test]
fn an_expression_is_told_in_both_languages() {
    let (code, out, _) = cron("en", &["explain", "0 9-17 * * mon-fri"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "Every hour from 09:00 to 17:00, Monday to Friday.\n")
    );
    let (_, out, _) = cron("zh", &["explain", "0 9-17 * * mon-fri"]);
    assert_eq!(out, "周一至周五，09:00 至 17:00 每小时一次。\n");
    let (_, out, _) = cron("en", &["explain", "0 9-17 * * mon-fri", "--lang", "zh"]);
    assert_eq!(out, "周一至周五，09:00 至 17:00 每小时一次。\n");
}

#[test]
fn lint_lists_the_times_that_changes_of_the_clock_touch() {
    let args = [
        "lint",
        "*/30 2 13 * fri",
        "--tz",
        "Europe/Berlin",
        "--year",
        "2020",
    ];
    let (code, out, _) = cron("en", &args);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "both day fields are given: it fires on days that either of them names, not only on days that both name\n"
    );
    let (_, out, _) = cron(
        "en",
        &[
            "lint",
            "*/20 2 * * *",
            "--tz",
            "Europe/Berlin",
            "--year",
            "2026",
        ],
    );
    assert_eq!(
        out,
        "3 times from 2026-03-29 02:00:00 to 2026-03-29 02:40:00: the clock jumps over it; does not fire\n\
         3 times from 2026-10-25 02:00:00 to 2026-10-25 02:40:00: shown twice; fires both times, first at \
         2026-10-25T02:00:00+02:00 and 2026-10-25T02:00:00+01:00\n"
    );
    let (_, out, _) = cron("zh", &["lint", "0 12 * * *"]);
    assert_eq!(out, "没有发现问题\n");
}
