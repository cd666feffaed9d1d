//! Real jobs under a supervisor: what they are given, how they end, what they say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{fmt::Write as _, time::Duration};

use desk::{Desk, lives, order, written};
use hcndc_core::{
    engine::EndCause,
    id::AttemptId,
    model::Param,
    port::{LogStore as _, Stream},
};
use hcndc_exec::link::{Down, Up};

const NO_GRACE: Duration = Duration::ZERO;

#[tokio::test]
async fn exit_codes_and_signals_are_told_apart() {
    let mut desk = Desk::new().await;
    assert_eq!(desk.cause(1, "true").await, EndCause::Exited(0));
    assert_eq!(desk.cause(2, "exit 77").await, EndCause::Exited(77));
    assert_eq!(desk.cause(3, "kill -9 $$").await, EndCause::Signaled(9));
    assert_eq!(
        desk.cause(4, "no-such-command").await,
        EndCause::Exited(127)
    );
}

#[tokio::test]
async fn an_end_tells_times_and_usage() {
    let mut desk = Desk::new().await;
    let end = desk
        .run(order(
            1,
            "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done",
        ))
        .await;
    assert!(end.cpu_time > Duration::ZERO);
    assert!(end.started_at.unwrap() < end.ended_at);
    assert_eq!(end.log_bytes, 5);
}

#[tokio::test]
async fn the_largest_memory_of_a_job_is_told_if_it_is_larger_than_ours() {
    let mut desk = Desk::new().await;
    let hungry = "dd if=/dev/zero of=/dev/null bs=400M count=1 2>/dev/null";
    let end = desk.run(order(1, hungry)).await;
    assert!(end.peak_memory_bytes > 300 << 20, "{end:?}");
    assert_eq!(desk.run(order(2, "true")).await.peak_memory_bytes, 0);
}

#[tokio::test]
async fn a_job_gets_its_own_environment_and_nothing_else() {
    let mut desk = Desk::new().await;
    let mut order = order(1, "env");
    order.env.insert("MINE".into(), "${date-1d}".into());
    order.values.insert("table".into(), "orders".into());
    desk.run(order).await;
    let output = desk.output(1, Stream::Stdout).await;
    for line in [
        "MINE=2026-11-20",
        "HCNDC_DATE=2026-11-21",
        "HCNDC_FLOW_NAME=retail",
        "HCNDC_JOB_NAME=load",
        "HCNDC_EXEC_ID=7",
        "HCNDC_JOB_RUN_ID=101",
        "HCNDC_ATTEMPT=1",
        "HCNDC_ATTEMPT_ID=1",
        "HCNDC_PARAM_TABLE=orders",
    ] {
        assert!(
            output.lines().any(|given| given == line),
            "{line} is not in {output}"
        );
    }
    assert!(
        !output.contains("CARGO_MANIFEST_DIR"),
        "the executor's own variables stay its own"
    );
}

#[tokio::test]
async fn args_reach_the_command_as_they_are() {
    let mut desk = Desk::new().await;
    let mut order = order(1, "printf '%s|'\n");
    for (name, value) in [
        ("a", "it's $HOME"),
        ("b", ""),
        ("c", "${date}\n*"),
        ("d", "x;y"),
    ] {
        order.args.push(Param {
            name: name.into(),
            value: value.into(),
        });
    }
    desk.run(order).await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output, "it's $HOME||2026-11-21\n*|x;y|");
}

#[tokio::test]
async fn a_relative_directory_is_below_the_base() {
    let mut desk = Desk::new().await;
    std::fs::create_dir(desk.path("work-2026")).unwrap();
    let mut order = order(1, "pwd");
    order.workdir = "work-${date:%Y}".into();
    desk.run(order).await;
    let there = desk.path("work-2026").canonicalize().unwrap();
    assert_eq!(
        desk.output(1, Stream::Stdout).await.trim(),
        there.to_str().unwrap()
    );
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let mut desk = Desk::new().await;
    let mut nowhere = order(1, "true");
    nowhere.workdir = "no/such/place".into();
    let long = order(2, &format!("true {}", "x".repeat(3 << 20)));
    let mut misnamed = order(5, "true");
    misnamed.env.insert("A=B".into(), "c".into());
    let cases = [
        (nowhere, "no/such/place does not exist"),
        (long, "too long"),
        (order(3, "true \0"), "zero byte"),
        (order(4, "true ${param.nobody}"), "nobody"),
        (misnamed, "equals sign"),
    ];
    for (id, (order, words)) in (1..).zip(cases) {
        let EndCause::NotStarted(reason) = desk.run(order).await.cause else {
            panic!("{words} starts")
        };
        assert!(reason.contains(words), "{reason}");
        assert!(desk.output(id, Stream::Executor).await.contains(words));
    }
}

#[tokio::test]
async fn both_streams_are_kept_with_their_times() {
    let mut desk = Desk::new().await;
    // Each waits for the one before to be in the log, so that the order is certain.
    let mut order = order(1, "");
    let mut command = String::new();
    for (i, stream) in [1, 2, 1, 2].iter().enumerate() {
        let go = desk.path(&format!("go{i}"));
        let _ = write!(
            command,
            "echo line{i} >&{stream}; until [ -e {} ]; do sleep 0.01; done; ",
            go.display()
        );
    }
    order.command = command;
    desk.start(order).await;
    let log = desk.supervisor.log().clone();
    let mut from = 0;
    let mut entries = Vec::new();
    for i in 0..4 {
        desk::within(log.wait(AttemptId(1), from)).await.unwrap();
        let read = log.read(AttemptId(1), from, 1000).await.unwrap();
        from = read.next;
        entries.extend(read.entries);
        std::fs::write(desk.path(&format!("go{i}")), "").unwrap();
    }
    let end = desk.end().await;
    let streams: Vec<Stream> = entries.iter().map(|entry| entry.stream).collect();
    assert_eq!(
        streams,
        [
            Stream::Stdout,
            Stream::Stderr,
            Stream::Stdout,
            Stream::Stderr
        ]
    );
    assert_eq!(entries[3].bytes, b"line3\n");
    assert!(entries.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert!(end.started_at.unwrap() <= entries[0].at && entries[3].at <= end.ended_at);
}

#[tokio::test]
async fn much_output_comes_through_whole() {
    let mut desk = Desk::new().await;
    let bytes = 20 << 20;
    let end = desk
        .run(order(1, &format!("yes 0123456789abcde | head -c {bytes}")))
        .await;
    assert_eq!((end.cause, end.log_bytes), (EndCause::Exited(0), bytes));
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output.len() as u64, bytes);
    assert!(output.lines().all(|line| line == "0123456789abcde"));
}

#[tokio::test]
async fn of_too_much_output_head_and_tail_are_kept() {
    let mut desk = Desk::with(|config| config.log_cap_bytes = 100_000).await;
    let end = desk
        .run(order(
            1,
            "i=0; while [ $i -lt 100000 ]; do echo line$i; i=$((i+1)); done",
        ))
        .await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output.len(), 100_000);
    assert!(output.starts_with("line0\nline1\n") && output.ends_with("\nline99999\n"));
    let left_out = end.log_bytes - 100_000;
    let notes = desk.output(1, Stream::Executor).await;
    assert!(
        notes.contains(&format!("{left_out} bytes of output were left out here")),
        "{notes}"
    );
}

#[tokio::test]
async fn a_progress_bar_costs_little_and_its_last_state_is_kept() {
    let mut desk = Desk::new().await;
    let bar = "i=0; while [ $i -lt 20000 ]; do printf '\\r%5d of 20000' $i; i=$((i+1)); done; \
               printf '\\rall 20000 done\\nbye\\n'; printf 'at the end\\r99%%\\r100%%' >&2";
    let end = desk.run(order(1, bar)).await;
    let output = desk.output(1, Stream::Stdout).await;
    let seconds = end.ended_at.as_micros() - end.started_at.unwrap().as_micros();
    let most = 2 + seconds / 1_000_000;
    let bars = output.matches(" of 20000").count();
    assert!(
        (1..=most).contains(&(bars as i64)),
        "{bars} states of {most}"
    );
    assert!(output.ends_with("\rall 20000 done\nbye\n"), "{output}");
    let errors = desk.output(1, Stream::Stderr).await;
    assert!(errors.ends_with("\r100%"), "{errors}");
    let left_out = end.log_bytes - (output.len() + errors.len()) as u64;
    let notes = desk.output(1, Stream::Executor).await;
    assert_eq!(
        notes,
        format!("{left_out} bytes were left out of lines that were redrawn\n")
    );
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept() {
    let mut desk = Desk::new().await;
    desk.run(order(1, r"printf '\000\377\200\012'")).await;
    let entries = desk.entries(1).await;
    assert_eq!(entries[0].bytes, [0, 255, 128, 10]);
}

#[tokio::test]
async fn much_that_is_no_text_is_kept_byte_for_byte() {
    let mut desk = Desk::new().await;
    let end = desk
        .run(order(1, "head -c 4000000 /dev/urandom | tee copy"))
        .await;
    assert_eq!((end.cause, end.log_bytes), (EndCause::Exited(0), 4_000_000));
    let entries = desk.entries(1).await;
    let kept: Vec<u8> = entries.into_iter().flat_map(|entry| entry.bytes).collect();
    assert!(kept == std::fs::read(desk.path("copy")).unwrap());
}

#[tokio::test]
async fn a_timeout_is_told_apart_from_a_kill() {
    let mut desk = Desk::new().await;
    let mut slow = order(1, "echo begun; sleep 600");
    slow.timeout = Some(Duration::from_millis(200));
    assert_eq!(desk.run(slow).await.cause, EndCause::TimedOut);
    assert!(
        desk.output(1, Stream::Executor)
            .await
            .contains("timeout of 200ms")
    );
    desk.start(order(2, "sleep 600")).await;
    desk.kill(2, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    let mut quick = order(3, "true");
    quick.timeout = Some(Duration::MAX);
    assert_eq!(desk.run(quick).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_job_may_end_in_its_own_way_within_the_grace() {
    let mut desk = Desk::new().await;
    let command = "trap 'echo bye; exit 0' TERM; echo ready >ready; while :; do sleep 0.02; done";
    desk.start(order(1, command)).await;
    desk.written("ready").await;
    desk.kill(1, Duration::from_secs(50)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    assert_eq!(desk.output(1, Stream::Stdout).await, "bye\n");
}

#[tokio::test]
async fn what_ignores_term_is_killed_with_all_its_children() {
    let mut desk = Desk::new().await;
    let command = "trap '' TERM; (trap '' TERM; sleep 600 & echo $! >grandchild; wait) & \
                   echo $! >child; sleep 600";
    let pid = desk.start(order(1, command)).await.to_string();
    let child = desk.written("child").await;
    let grandchild = desk.written("grandchild").await;
    desk.kill(1, Duration::from_millis(100)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    for pid in [&pid, &child, &grandchild] {
        assert!(!lives(pid));
    }
    assert!(
        desk.output(1, Stream::Executor)
            .await
            .contains("was killed")
    );
}

#[tokio::test]
async fn a_second_wish_can_shorten_the_grace() {
    let mut desk = Desk::new().await;
    desk.start(order(
        1,
        "trap '' TERM; echo ready >ready; while :; do sleep 0.05; done",
    ))
    .await;
    desk.written("ready").await;
    desk.kill(1, Duration::from_secs(3600)).await;
    desk.kill(1, NO_GRACE).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
}

#[tokio::test]
async fn a_process_in_a_session_of_its_own_ends_with_its_attempt() {
    let mut desk = Desk::new().await;
    let command = "setsid sh -c 'echo $$ >escaped; exec sleep 600' & until [ -s escaped ]; do sleep 0.01; done";
    assert_eq!(desk.cause(1, command).await, EndCause::Exited(0));
    assert!(!lives(&desk.written("escaped").await));
    desk.start(order(
        2,
        "setsid sh -c 'echo $$ >again; exec sleep 600' & wait",
    ))
    .await;
    let pid = desk.written("again").await;
    assert!(lives(&pid));
    desk.kill(2, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    assert!(!lives(&pid));
}

#[tokio::test]
async fn a_child_in_the_background_ends_with_its_attempt_and_holds_up_nothing() {
    let mut desk = Desk::new().await;
    assert_eq!(
        desk.cause(1, "sleep 600 & echo $! >child").await,
        EndCause::Exited(0)
    );
    assert!(!lives(&desk.written("child").await));
    assert!(
        desk.output(1, Stream::Executor)
            .await
            .contains("left them running")
    );
}

#[tokio::test]
async fn a_child_that_ends_by_itself_at_once_is_let_alone() {
    let mut desk = Desk::new().await;
    let command = "(sleep 0.05; echo late) & exit 4";
    assert_eq!(desk.cause(1, command).await, EndCause::Exited(4));
    assert_eq!(desk.output(1, Stream::Stdout).await, "late\n");
    assert_eq!(desk.output(1, Stream::Executor).await, "");
}

#[tokio::test]
async fn a_kill_that_comes_with_the_run_is_a_kill() {
    let mut desk = Desk::new().await;
    desk.give(Down::Run(Box::new(order(1, "sleep 600")))).await;
    desk.kill(1, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_short_jobs_sixteen_at_once() {
    let is_slow = std::env::var_os("HCNDC_TEST_SLOW").is_some();
    let jobs = if is_slow { 10_000 } else { 2_000 };
    let mut desk = Desk::new().await;
    let mut given = 0;
    let mut ended = 0;
    while ended < jobs {
        while given < jobs && given - ended < 16 {
            given += 1;
            desk.give(Down::Run(Box::new(order(given, "true")))).await;
        }
        match desk.next().await {
            Up::Started { .. } => {}
            Up::Finished { attempt, end } => {
                assert_eq!(end.cause, EndCause::Exited(0));
                desk.give(Down::Ack { attempt }).await;
                ended += 1;
            }
            other => panic!("a start or an end was expected, not {other:?}"),
        }
    }
    let (_, held) = desk::connect(&desk.supervisor).await;
    assert!(
        held.len() <= 16,
        "all but the last acknowledgements have been taken"
    );
}

#[tokio::test]
async fn after_a_crash_an_attempt_is_lost_and_its_processes_are_gone() {
    let mut desk = Desk::new().await;
    let command = "echo run >>runs; setsid sleep 600 & echo $! >escaped; sleep 600";
    let pid = desk.start(order(1, command)).await.to_string();
    let escaped = desk.written("escaped").await;
    let mut desk = desk.crashed().await;
    let lost = match desk.held[0].end.clone() {
        Some(end) => end,
        None => desk.end().await,
    };
    assert_eq!(lost.cause, EndCause::Lost("executor restarted".into()));
    assert!(!lives(&pid) && !lives(&escaped));
    assert_eq!(desk.run(order(1, command)).await.cause, lost.cause);
    assert_eq!(written(&desk.path("runs")).await, "run\n");
    assert!(
        desk.output(1, Stream::Executor)
            .await
            .contains("executor restarted; ")
    );
}

#[tokio::test]
async fn two_executors_do_not_share_a_directory() {
    let desk = Desk::new().await;
    let config = hcndc_exec::executor::SupervisorConfig::new(desk.path("data"));
    let error = hcndc_exec::executor::Supervisor::start(config)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        hcndc_exec::executor::StartError::InUse { .. }
    ));
}

#[tokio::test]
async fn heartbeats_tell_how_the_host_is() {
    let mut desk = Desk::with(|config| config.heartbeat = Duration::from_millis(20)).await;
    desk.start(order(1, "sleep 600")).await;
    let figures = desk::within(async {
        loop {
            match desk.connection.up.recv().await {
                Some(Up::Heartbeat(figures)) if figures.running == 1 => return figures,
                Some(_) => {}
                None => panic!("the connection stands"),
            }
        }
    })
    .await;
    assert!(figures.cores > 0 && figures.memory_total_bytes > figures.memory_available_bytes);
    assert!(figures.disk_total_bytes > 0 && !figures.hostname.is_empty() && !figures.os.is_empty());
    desk.kill(1, NO_GRACE).await;
    desk.end().await;
}
