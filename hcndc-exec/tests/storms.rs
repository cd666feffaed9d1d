//! Jobs that overdo it: output without end, orphans by the hundred.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{path::Path, time::Duration};

use desk::{
    Desk, order,
    program::{Program, end, start},
};
use hcndc_core::{engine::EndCause, port::Stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_gigabyte_of_output_head_and_tail_are_kept() {
    const CAP: usize = 4 << 20;
    // A gigabyte takes long where many tests run at once.
    let is_slow = std::env::var_os("HCNDC_TEST_SLOW").is_some();
    let bytes: u64 = if is_slow { 1 << 30 } else { 1 << 27 };
    let mut desk = Desk::with(|config| config.log_cap_bytes = CAP).await;
    let command = format!("echo first; yes 0123456789abcde | head -c {bytes}; echo last");
    let end = desk.run(order(1, &command)).await;
    assert_eq!(end.cause, EndCause::Exited(0));
    assert_eq!(end.log_bytes, bytes + 11);
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output.len(), CAP);
    assert!(output.starts_with("first\n0123456789abcde\n"));
    assert!(output.ends_with("\n0123456789abcde\nlast\n"));
    let notes = desk.output(1, Stream::Executor).await;
    let left_out = end.log_bytes - CAP as u64;
    let words = format!("{left_out} bytes of output were left out here");
    assert!(notes.contains(&words), "{notes}");
}

/// Whether nothing is left of a process, not even an exit status that nobody has taken.
fn is_gone(pid: &str) -> bool {
    !Path::new("/proc").join(pid).exists()
}

#[tokio::test]
async fn hundreds_of_orphans_end_with_their_attempt_and_all_are_reaped() {
    const ORPHANS: usize = 300;
    let program = Program::start();
    let transport = program.transport().await;
    // One in two ends by itself and waits to be reaped; the others hide in sessions of their own and would stay.
    let command = format!(
        "i=0; while [ $i -lt {ORPHANS} ]; do \
         (sh -c 'echo $$ >>pids' &) ; (setsid sh -c 'echo $$ >>pids; exec sleep 600' &) ; i=$((i+2)); done; \
         until [ $(wc -l <pids) -eq {ORPHANS} ]; do sleep 0.01; done; exit 3"
    );
    start(&transport, order(1, &command)).await;
    assert_eq!(end(&transport).await, EndCause::Exited(3));
    let pids = program.written("pids").await;
    assert_eq!(pids.lines().count(), ORPHANS);
    let lives: Vec<&str> = pids.lines().filter(|pid| desk::lives(pid)).collect();
    assert!(lives.is_empty(), "{lives:?} outlive their attempt");
    // Whoever holds jobs takes exit statuses as they come.
    desk::within(async {
        while !pids.lines().all(is_gone) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
