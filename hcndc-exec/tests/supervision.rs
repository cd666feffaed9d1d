//! What a job is held by: its control group and its limits, its interpreter, its secrets; and how its end is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{path::PathBuf, process::Command, time::Duration};

use desk::{
    Desk, lives, order,
    program::{Program, ran},
};
use hcndc_core::{
    engine::{EndCause, RunOrder},
    model::Param,
    port::Stream,
};
use hcndc_exec::executor::{JobLimits, StartError, Supervisor, SupervisorConfig};

fn grouped(config: &mut SupervisorConfig) {
    config.control_groups = true;
}

/// Says that a test needs what this host does not have. `.ci/vm` has it, and sets the variable.
fn skip(test: &str, why: &str) {
    let must = std::env::var_os("HCNDC_TEST_CGROUPS").is_some_and(|value| value == "1");
    assert!(!must, "{test}: {why}");
    eprintln!("skipped: {test}: {why}; .ci/vm runs it");
}

/// Whether this host has control groups for us; says so if not.
fn has_groups(test: &str) -> bool {
    groups(test).is_some()
}

/// Where this host has control groups for us; says so if it has none.
fn groups(test: &str) -> Option<PathBuf> {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc-exec"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path().join("data"))
        .arg("check")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let place = said.split_once("jobs have control groups in ");
    let place = place.and_then(|(_, place)| place.split([',', '\n']).next());
    if place.is_none() {
        skip(test, "this host has no cgroup v2 that can be written");
    }
    place.map(PathBuf::from)
}

/// A supervisor that keeps these limits; `None`, and says so, where the host cannot.
async fn limited(test: &str, limits: JobLimits) -> Option<Desk> {
    let directory = tempfile::tempdir().unwrap();
    let mut config = SupervisorConfig::new(directory.path().join("probe"));
    (config.control_groups, config.limits) = (true, limits);
    match Supervisor::start(config).await {
        Ok(probe) => drop(probe),
        Err(StartError::Limits(error)) => {
            skip(test, &error.to_string());
            return None;
        }
        Err(error) => panic!("{error}"),
    }
    Some(Desk::with(|config| (config.control_groups, config.limits) = (true, limits)).await)
}

#[tokio::test]
async fn a_signal_that_left_a_core_dump_is_told_apart() {
    let mut desk = Desk::new().await;
    let most = Command::new("sh")
        .args(["-c", "ulimit -Hc"])
        .output()
        .unwrap();
    if most.stdout.starts_with(b"0") {
        return eprintln!("skipped: a_signal_that_left_a_core_dump_is_told_apart: none are made");
    }
    assert_eq!(
        desk.cause(1, "ulimit -c unlimited; kill -SEGV $$").await,
        EndCause::CoreDumped(11)
    );
    assert_eq!(
        desk.cause(2, "ulimit -c 0; kill -SEGV $$").await,
        EndCause::Signaled(11)
    );
}

#[tokio::test]
async fn what_hides_from_all_but_its_control_group_ends_with_its_attempt() {
    if !has_groups("what_hides_from_all_but_its_control_group_ends_with_its_attempt") {
        return;
    }
    let mut desk = Desk::with(grouped).await;
    // Its own session, no environment, its parent gone, and nobody adopts it.
    let hide = "(env -i setsid sh -c 'echo $$ >hidden; exec sleep 600' &) ; \
                until [ -s hidden ]; do sleep 0.01; done";
    assert_eq!(
        desk.cause(1, &format!("{hide}; exit 3")).await,
        EndCause::Exited(3)
    );
    assert!(!lives(&desk.written("hidden").await));
    std::fs::remove_file(desk.path("hidden")).unwrap();

    desk.start(order(2, &format!("{hide}; sleep 600"))).await;
    let hidden = desk.written("hidden").await;
    assert!(lives(&hidden));
    desk.kill(2, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    assert!(!lives(&hidden));
}

#[tokio::test]
async fn a_job_that_cannot_start_says_why_in_a_control_group_too() {
    if !has_groups("a_job_that_cannot_start_says_why_in_a_control_group_too") {
        return;
    }
    let mut desk = Desk::with(grouped).await;
    let long = format!("true {}", "a".repeat(200 << 10));
    for (order, reason) in [
        (order(1, "true \0"), "zero byte"),
        (order(2, &long), "too long for the system"),
    ] {
        match desk.run(order).await.cause {
            EndCause::NotStarted(said) => assert!(said.contains(reason), "{said}"),
            cause => panic!("{reason}: {cause:?}"),
        }
    }
}

#[tokio::test]
async fn what_was_moved_out_of_its_control_group_ends_with_its_attempt() {
    let test = "what_was_moved_out_of_its_control_group_ends_with_its_attempt";
    let Some(groups) = groups(test) else {
        return;
    };
    let elsewhere = groups.join(format!("elsewhere-{}", std::process::id()));
    std::fs::create_dir(&elsewhere).unwrap();
    let program = Program::start();
    let transport = program.transport().await;
    // As a login is, into a session of its own: nothing tells whose it was but that it came to the holder.
    let leave = format!(
        "(echo 0 >{}/cgroup.procs || {{ echo cannot >moved; exit; }}; env -i setsid sh -c 'echo $$ >moved; exec sleep 600' &) ; \
         until [ -s moved ]; do sleep 0.01; done",
        elsewhere.display()
    );
    let command = format!("{leave}; exit 3");
    assert_eq!(
        ran(&transport, order(1, &command)).await,
        EndCause::Exited(3)
    );
    let moved = program.written("moved").await;
    assert!(moved.trim().parse::<u32>().is_ok(), "{moved}");
    assert!(!lives(&moved));
    std::fs::remove_dir(elsewhere).unwrap();
}

#[tokio::test]
async fn a_job_that_forks_without_end_ends_when_it_is_told_to() {
    if !has_groups("a_job_that_forks_without_end_ends_when_it_is_told_to") {
        return;
    }
    let mut desk = Desk::with(grouped).await;
    // Each starts the next and is gone: none lives for long, none heeds TERM, and none is anybody's child.
    let next = "trap '' TERM; echo x >>beats; sleep 0.01; env -i setsid sh bomb.sh &\n";
    std::fs::write(desk.path("bomb.sh"), next).unwrap();
    desk.start(order(1, "sh bomb.sh; sleep 600")).await;
    desk.written("beats").await;
    desk.kill(1, Duration::from_millis(50)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    let beats = std::fs::metadata(desk.path("beats")).unwrap().len();
    assert_eq!(desk.cause(2, "sleep 0.2").await, EndCause::Exited(0));
    let later = std::fs::metadata(desk.path("beats")).unwrap().len();
    assert_eq!(beats, later, "something of it goes on");
}

#[tokio::test]
async fn the_time_of_processes_for_which_nobody_waits_is_counted() {
    if !has_groups("the_time_of_processes_for_which_nobody_waits_is_counted") {
        return;
    }
    let mut desk = Desk::with(grouped).await;
    let command = "mkfifo done; \
                   (setsid sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo >done' &) ; \
                   read nothing <done";
    let end = desk.run(order(1, command)).await;
    assert_eq!(end.cause, EndCause::Exited(0));
    assert!(end.cpu_time > Duration::from_millis(50), "{end:?}");
}

#[tokio::test]
async fn a_job_that_wants_more_memory_than_it_may_have_ends_as_such() {
    let limits = JobLimits {
        memory_bytes: Some(64 << 20),
        ..JobLimits::default()
    };
    let test = "a_job_that_wants_more_memory_than_it_may_have_ends_as_such";
    let Some(mut desk) = limited(test, limits).await else {
        return;
    };
    let hungry = "dd if=/dev/zero of=/dev/null bs=300M count=1; exit $?";
    assert_eq!(desk.cause(1, hungry).await, EndCause::OutOfMemory);
    let notes = desk.output(1, Stream::Executor).await;
    assert!(notes.contains("memory was used up"), "{notes}");
    let end = desk
        .run(order(2, "dd if=/dev/zero of=/dev/null bs=16M count=1"))
        .await;
    assert_eq!(end.cause, EndCause::Exited(0));
    assert!(end.peak_memory_bytes > 16 << 20, "{end:?}");
}

#[tokio::test]
async fn a_job_that_wants_more_processes_than_it_may_have_is_told() {
    let limits = JobLimits {
        processes: Some(16),
        ..JobLimits::default()
    };
    let test = "a_job_that_wants_more_processes_than_it_may_have_is_told";
    let Some(mut desk) = limited(test, limits).await else {
        return;
    };
    let many = "i=0; while [ $i -lt 40 ]; do sleep 600 & i=$((i+1)); done";
    assert_ne!(desk.cause(1, many).await, EndCause::Exited(0));
    let notes = desk.output(1, Stream::Executor).await;
    assert!(notes.contains("more processes at once"), "{notes}");
}

#[tokio::test]
async fn a_job_that_wants_more_of_the_processors_than_it_may_have_is_slowed_down() {
    let limits = JobLimits {
        cpu_percent: Some(20),
        ..JobLimits::default()
    };
    let test = "a_job_that_wants_more_of_the_processors_than_it_may_have_is_slowed_down";
    let Some(mut desk) = limited(test, limits).await else {
        return;
    };
    let busy = "timeout 3 sh -c 'while :; do :; done'";
    let began = std::time::Instant::now();
    let end = desk.run(order(1, busy)).await;
    assert_eq!(end.cause, EndCause::Exited(124));
    // A fifth of the time that it took, and as much again for what a period lets through before it counts.
    let most = began.elapsed().mul_f64(0.4);
    assert!(
        end.cpu_time < most,
        "{:?} of {:?}",
        end.cpu_time,
        began.elapsed()
    );
}

/// Sets the clock of the host.
fn turn_clock(days: i32) {
    let done = Command::new("date")
        .args(["-s", &format!("{days} days")])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test]
#[ignore = "sets the clock of the host: .ci/vm runs it"]
async fn a_clock_that_is_set_neither_ends_a_job_nor_lets_it_run_for_ever() {
    let mut desk = Desk::new().await;
    let gate = desk.path("gate");
    let made = Command::new("mkfifo").arg(&gate).status().unwrap();
    assert!(made.success());
    let mut patient = order(1, &format!("read line < {}; echo done", gate.display()));
    patient.timeout = Some(Duration::from_secs(600));
    desk.start(patient).await;
    let mut endless = order(2, "sleep 600");
    endless.timeout = Some(Duration::from_secs(5));
    desk.start(endless).await;
    turn_clock(2);
    turn_clock(-4);
    let began = std::time::Instant::now();
    assert_eq!(desk.end().await.cause, EndCause::TimedOut);
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    std::fs::write(gate, "go\n").unwrap();
    assert_eq!(desk.end().await.cause, EndCause::Exited(0));
    turn_clock(2);
    assert_eq!(desk.output(1, Stream::Stdout).await, "done\n");
}

#[tokio::test]
async fn limits_that_cannot_be_kept_keep_an_executor_from_starting() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = SupervisorConfig::new(directory.path().join("data"));
    config.limits.processes = Some(16);
    let error = Supervisor::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Limits(_)), "{error}");
}

fn script(id: u64, text: &str, args: &[&str]) -> RunOrder {
    let mut order = order(id, text);
    order.args = args
        .iter()
        .map(|value| Param {
            name: "arg".into(),
            value: (*value).to_owned(),
        })
        .collect();
    order
}

#[tokio::test]
async fn a_script_runs_by_the_interpreter_that_it_names() {
    let mut desk = Desk::new().await;
    // What only this shell has, and no input but an end.
    let bash = "#!/bin/bash\nset -eu\nwords=(\"$@\")\necho \"${#words[@]} ${words[1]} ${date}\"\nread x || echo end\nexit 4\n";
    let end = desk.run(script(1, bash, &["one", "it's two"])).await;
    assert_eq!(end.cause, EndCause::Exited(4));
    assert_eq!(
        desk.output(1, Stream::Stdout).await,
        "2 it's two 2026-11-21\nend\n"
    );
    let awk = "#!/usr/bin/awk -f\nBEGIN { print ARGV[1] }\n";
    assert_eq!(
        desk.run(script(2, awk, &["word"])).await.cause,
        EndCause::Exited(0)
    );
    assert_eq!(desk.output(2, Stream::Stdout).await, "word\n");
    let EndCause::NotStarted(reason) = desk.cause(3, "#!/no/such/interpreter\n").await else {
        panic!("there is no such interpreter")
    };
    assert!(reason.contains("/no/such/interpreter"), "{reason}");
}

#[tokio::test]
async fn a_script_of_another_user_runs_too() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!(
            "skipped: a_script_of_another_user_runs_too: only root starts others' jobs"
        );
    }
    let mut desk = Desk::with(|config| config.rules.user = Some("nobody".into())).await;
    let mut order = order(1, "#!/bin/sh -e\nid -un\n");
    order.workdir = "/".into();
    assert_eq!(desk.run(order).await.cause, EndCause::Exited(0));
    assert_eq!(desk.output(1, Stream::Stdout).await, "nobody\n");
}

#[tokio::test]
async fn secrets_are_in_no_log() {
    let mut desk = Desk::new().await;
    let command = "echo \"is $HCNDC_PARAM_DB_PASSWORD\"; printf 'is hun' >&2; sleep 0.1; \
                   echo ter2, not hunted >&2; printf 'at last hunt'; set -x; true \"$MY_TOKEN\"";
    let mut order = order(1, command);
    order.values.insert("db.password".into(), "hunter2".into());
    order.values.insert("table".into(), "orders".into());
    order.env.insert("MY_TOKEN".into(), "so hidden".into());
    let end = desk.run(order).await;
    assert_eq!(end.cause, EndCause::Exited(0));
    assert_eq!(desk.output(1, Stream::Stdout).await, "is ***\nat last hunt");
    let errors = desk.output(1, Stream::Stderr).await;
    assert!(errors.starts_with("is ***, not hunted\n"), "{errors}");
    assert!(
        errors.contains("true") && !errors.contains("hidden"),
        "{errors}"
    );
}

#[tokio::test]
async fn a_job_that_closes_its_output_goes_on_to_its_end() {
    let mut desk = Desk::new().await;
    let command = "echo before; exec >&- 2>&-; echo closed >closed; until [ -e go ]; do sleep 0.01; done; exit 6";
    desk.start(order(1, command)).await;
    desk.written("closed").await;
    // A second one shows that nobody waits for the first.
    desk.give(hcndc_exec::link::Down::Run(Box::new(order(2, "exit 2"))))
        .await;
    assert_eq!(desk.end().await.cause, EndCause::Exited(2));
    std::fs::write(desk.path("go"), "").unwrap();
    let end = desk.end().await;
    assert_eq!((end.cause, end.log_bytes), (EndCause::Exited(6), 7));
    assert_eq!(desk.output(1, Stream::Stdout).await, "before\n");
}
