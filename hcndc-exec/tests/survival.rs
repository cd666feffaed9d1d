//! Jobs outlive the executor, however it ends, and are run once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use desk::{
    holders, lives, order,
    program::{ID, Program, end, executor, next, output, ran, start, transport},
    signal_holders, within,
};
use hcndc_core::{
    engine::{EndCause, Held, Order, Report, RunOrder},
    id::AttemptId,
    port::{Fence, Transport as _},
    time::Timestamp,
};
use hcndc_exec::{
    LogArchive,
    ledger::{Record, fingerprint, journal::write_line},
    transport::{Collecting, GrpcTransport},
};
use nix::sys::signal::Signal;

/// Says that it runs, waits for a file, and ends with 7.
const WAITS: &str =
    "echo run >>runs; echo before; until [ -e go ]; do sleep 0.01; done; echo after; exit 7";

/// The same, and puts out a value before and after.
const PUTS_OUT: &str = "echo run >>runs; echo ::set-output a=1; until [ -e go ]; do sleep 0.01; done; echo ::set-output b=2; exit 7";

fn go(program: &Program) {
    std::fs::write(program.directory.path().join("go"), "").unwrap();
}

/// Adds records to the spool of an executor that does not run.
fn remember(program: &Program, records: &[Record]) {
    let mut lines = Vec::new();
    records
        .iter()
        .for_each(|record| write_line(record, &mut lines));
    let journal = program.data_dir().join("spool.journal");
    let mut journal = OpenOptions::new().append(true).open(journal).unwrap();
    journal.write_all(&lines).unwrap();
}

async fn has_ended(pid: u32) {
    within(async {
        while lives(&pid.to_string()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_outlives_a_crash_of_its_executor() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, WAITS)).await;
    program.written("runs").await;
    program.start_again();
    let held = program.resume(&transport).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].started.unwrap().0, pid);
    assert!(held[0].end.is_none() && lives(&pid.to_string()));
    go(&program);
    assert_eq!(end(&transport).await, EndCause::Exited(7));
    assert_eq!(output(&transport, 1).await, "before\nafter\n");
    assert_eq!(program.written("runs").await, "run\n");
}

#[tokio::test]
async fn an_end_while_no_executor_is_there_is_told_as_it_was() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, WAITS)).await;
    program.crash();
    go(&program);
    has_ended(pid).await;
    let ended = Timestamp::from(chrono::Utc::now());
    program.start_again();
    let held = program.resume(&transport).await;
    let end = held[0].end.clone().unwrap();
    assert_eq!(end.cause, EndCause::Exited(7));
    assert!(end.ended_at <= ended.after(Duration::from_secs(1)));
    assert_eq!(end.log_bytes, 13);
    assert_eq!(output(&transport, 1).await, "before\nafter\n");
    // Told until it is acknowledged.
    program.start_again();
    assert_eq!(program.resume(&transport).await[0].end, Some(end));
    let attempt = AttemptId(1);
    transport.send(ID, Order::Ack { attempt });
    assert_eq!(ran(&transport, order(2, "true")).await, EndCause::Exited(0));
    program.start_again();
    assert!(
        program
            .resume(&transport)
            .await
            .iter()
            .all(|held| held.attempt != attempt)
    );
}

#[tokio::test]
async fn what_a_job_put_out_while_no_executor_was_there_is_told() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, PUTS_OUT)).await;
    program.written("runs").await;
    program.crash();
    go(&program);
    has_ended(pid).await;
    for _ in 0..2 {
        program.start_again();
        let held = program.resume(&transport).await;
        let end = held[0].end.clone().unwrap();
        assert_eq!(end.cause, EndCause::Exited(7));
        let outputs = end.outputs.into_iter().collect::<Vec<_>>();
        let expected = [("a", "1"), ("b", "2")];
        assert_eq!(
            outputs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}

#[tokio::test]
async fn an_end_is_known_even_if_all_of_us_end_after_it() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, WAITS)).await;
    program.crash();
    go(&program);
    has_ended(pid).await;
    // Written down before it is told, so a moment after it is reaped.
    let directory = program.data_dir().join("holders");
    within(async {
        loop {
            let journals = std::fs::read_dir(&directory).unwrap().flatten();
            let told = journals
                .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
                .any(|journal| journal.contains("exited"));
            if told {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    signal_holders(&program.data_dir(), Signal::SIGKILL);
    program.start_again();
    let held = program.resume(&transport).await;
    let end = match held[0].end.clone() {
        Some(end) => end.cause,
        None => end(&transport).await,
    };
    assert_eq!(end, EndCause::Exited(7));
}

#[tokio::test]
async fn timeouts_and_kills_do_not_depend_on_an_executor() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let mut slow = order(1, "sleep 600");
    slow.timeout = Some(Duration::from_millis(300));
    let pid = start(&transport, slow).await;
    let other = start(&transport, order(2, "sleep 600")).await;
    program.crash();
    has_ended(pid).await;
    program.start_again();
    let held = program.resume(&transport).await;
    let cause = match held[0].end.clone() {
        Some(end) => end.cause,
        None => end_of(&transport, AttemptId(1)).await,
    };
    assert_eq!(cause, EndCause::TimedOut);
    let grace = Duration::from_secs(20);
    let attempt = AttemptId(2);
    transport.send(ID, Order::Kill { attempt, grace });
    assert_eq!(end(&transport).await, EndCause::Killed);
    assert!(!lives(&other.to_string()));
}

/// Puts another build into the place of the program and has it begin again; returns once it listens.
async fn upgrade(program: &Program) {
    let file = program.data_dir().join("executor.json");
    let before = std::fs::read_to_string(&file).unwrap();
    program.replace_file();
    program.signal(Signal::SIGHUP);
    within(async {
        while std::fs::read_to_string(&file).is_ok_and(|now| now == before) || !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn upgrades_under_load_lose_nothing_and_run_nothing_twice() {
    const JOBS: u64 = 120;
    const AT_ONCE: usize = 16;
    let program = Program::start_copy();
    let transport = program.transport().await;
    let give = |id: u64| {
        let order = order(id, &format!("echo run >>runs-{id}; sleep 0.05; exit 5"));
        transport.send(ID, Order::Run(Box::new(order)));
    };
    let mut open = BTreeSet::new();
    let (mut given, mut upgrades) = (0, 0);
    let settle = |open: &mut BTreeSet<u64>, attempt: AttemptId, cause: EndCause| {
        assert_eq!(cause, EndCause::Exited(5), "attempt {attempt}");
        open.remove(&attempt.0);
        transport.send(ID, Order::Ack { attempt });
    };
    while given < JOBS || !open.is_empty() {
        while given < JOBS && open.len() < AT_ONCE {
            given += 1;
            open.insert(given);
            give(given);
        }
        if given / 30 > upgrades && given < JOBS {
            upgrades += 1;
            upgrade(&program).await;
            // As the engine does after a hello: what is not held never arrived.
            let held = program.resume(&transport).await;
            let known: BTreeSet<u64> = held.iter().map(|it| it.attempt.0).collect();
            open.difference(&known).copied().for_each(give);
            for held in held {
                if let Some(end) = held.end {
                    settle(&mut open, held.attempt, end.cause);
                }
            }
            continue;
        }
        if let Report::Finished { attempt, end } = next(&transport).await {
            settle(&mut open, attempt, end.cause);
        }
    }
    assert_eq!(upgrades, 3);
    for id in 1..=JOBS {
        assert_eq!(program.written(&format!("runs-{id}")).await, "run\n");
    }
}

#[tokio::test]
async fn an_upgrade_in_place_takes_the_new_program_and_leaves_jobs_alone() {
    let mut program = Program::start_copy();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, WAITS)).await;
    program.written("runs").await;
    let older = holders(&program.data_dir());
    assert_eq!(older.len(), 1);

    upgrade(&program).await;
    assert!(
        program.child.try_wait().unwrap().is_none(),
        "it is the same process"
    );
    let held = program.resume(&transport).await;
    assert_eq!(held[0].started.unwrap().0, pid);

    // What comes is held by the new program, and the old one ends with its last job.
    assert_eq!(
        ran(&transport, order(2, "exit 2")).await,
        EndCause::Exited(2)
    );
    assert_eq!(holders(&program.data_dir()).len(), 2);
    go(&program);
    assert_eq!(end(&transport).await, EndCause::Exited(7));
    assert_eq!(output(&transport, 1).await, "before\nafter\n");
    within(async {
        while holders(&program.data_dir())
            .iter()
            .any(|pid| older.contains(pid))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(
        ran(&transport, order(3, "exit 3")).await,
        EndCause::Exited(3)
    );
}

#[tokio::test]
async fn quit_ends_the_program_and_leaves_jobs_to_the_next() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, WAITS)).await;
    program.signal(Signal::SIGQUIT);
    assert_eq!(program.exit_code().await, Some(0));
    assert!(lives(&pid.to_string()));
    program.start_again();
    program.resume(&transport).await;
    go(&program);
    assert_eq!(end(&transport).await, EndCause::Exited(7));
}

#[tokio::test]
async fn when_what_holds_jobs_ends_they_are_lost_and_gone() {
    let program = Program::start();
    let transport = program.transport().await;
    let command = "setsid sh -c 'echo $$ >escaped; exec sleep 600' & sleep 600";
    let pid = start(&transport, order(1, command)).await;
    let escaped = program.written("escaped").await;
    signal_holders(&program.data_dir(), Signal::SIGKILL);
    let lost = EndCause::Lost("the process that held it ended".into());
    assert_eq!(end(&transport).await, lost);
    assert!(!lives(&pid.to_string()) && !lives(&escaped));
    assert_eq!(
        ran(&transport, order(2, "exit 2")).await,
        EndCause::Exited(2)
    );
}

#[tokio::test]
async fn what_holds_jobs_ends_them_when_it_is_told_to_end() {
    let program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, "sleep 600")).await;
    signal_holders(&program.data_dir(), Signal::SIGTERM);
    let lost = EndCause::Lost("what held it was told to end".into());
    assert_eq!(end(&transport).await, lost);
    assert!(!lives(&pid.to_string()));
    // What is given while it ends goes to the next.
    assert_eq!(
        ran(&transport, order(2, "exit 2")).await,
        EndCause::Exited(2)
    );
}

/// Stops what holds jobs, so that it hears nothing from now on.
async fn freeze(program: &Program) {
    let data_dir = program.data_dir();
    signal_holders(&data_dir, Signal::SIGSTOP);
    let is_stopped = |pid: &nix::unistd::Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('T')
    };
    within(async {
        while !holders(&data_dir).iter().all(is_stopped) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn runs_once(id: u64) -> RunOrder {
    order(id, &format!("echo run >>runs-{id}; exit 5"))
}

#[tokio::test]
async fn an_order_on_its_way_to_what_ends_runs_once_elsewhere() {
    let program = Program::start();
    let transport = program.transport().await;
    let data_dir = program.data_dir();
    assert_eq!(ran(&transport, order(1, "true")).await, EndCause::Exited(0));
    for (id, signal) in [(2, Signal::SIGKILL), (3, Signal::SIGTERM)] {
        let older = holders(&data_dir);
        assert_eq!(older.len(), 1);
        freeze(&program).await;
        transport.send(ID, Order::Run(Box::new(runs_once(id))));
        until_written(data_dir.clone(), AttemptId(id), 0).await;
        signal_holders(&data_dir, signal);
        signal_holders(&data_dir, Signal::SIGCONT);
        assert_eq!(end(&transport).await, EndCause::Exited(5), "{signal}");
        assert_eq!(program.written(&format!("runs-{id}")).await, "run\n");
        assert!(!holders(&data_dir).contains(&older[0]));
    }
}

#[tokio::test]
async fn an_order_that_is_given_to_what_waits_for_its_last_job_runs_once_elsewhere() {
    let program = Program::start();
    let transport = program.transport().await;
    let waits = "trap 'echo told >told' TERM; until [ -e go ]; do sleep 0.01; done";
    start(&transport, order(1, waits)).await;
    let older = holders(&program.data_dir());
    signal_holders(&program.data_dir(), Signal::SIGTERM);
    program.written("told").await;
    for id in [2, 3] {
        assert_eq!(ran(&transport, runs_once(id)).await, EndCause::Exited(5));
        assert_eq!(program.written(&format!("runs-{id}")).await, "run\n");
    }
    assert!(holders(&program.data_dir()).contains(&older[0]));
    go(&program);
    let lost = EndCause::Lost("what held it was told to end".into());
    assert_eq!(end(&transport).await, lost);
}

#[tokio::test]
async fn an_order_that_is_killed_on_its_way_to_what_ends_is_not_given_again() {
    let program = Program::start();
    let transport = program.transport().await;
    assert_eq!(ran(&transport, order(1, "true")).await, EndCause::Exited(0));
    freeze(&program).await;
    let attempt = AttemptId(2);
    let grace = Duration::from_secs(20);
    transport.send(ID, Order::Run(Box::new(runs_once(2))));
    transport.send(ID, Order::Kill { attempt, grace });
    transport.send(ID, Order::Run(Box::new(runs_once(3))));
    // Orders are carried out as they came, and ends of what holds jobs are seen after them.
    until_written(program.data_dir(), AttemptId(3), 0).await;
    signal_holders(&program.data_dir(), Signal::SIGKILL);
    let mut ends = BTreeMap::new();
    while ends.len() < 2 {
        if let Report::Finished { attempt, end } = next(&transport).await {
            ends.insert(attempt, end.cause);
        }
    }
    assert_eq!(ends[&attempt], EndCause::Killed);
    assert_eq!(ends[&AttemptId(3)], EndCause::Exited(5));
    assert!(!program.directory.path().join("runs-2").exists());
}

#[tokio::test]
async fn after_a_restart_of_the_host_attempts_are_lost_by_name() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, "sleep 600")).await;
    // In this order: an executor that lives sees the end of what holds its jobs, and says that.
    program.crash();
    signal_holders(&program.data_dir(), Signal::SIGKILL);
    let boot = Record::Boot {
        id: "another".into(),
        beside: true,
    };
    remember(&program, &[boot]);
    program.start_again();
    let held = program.resume(&transport).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].attempt, AttemptId(1));
    let lost = EndCause::Lost("the host was restarted while it ran".into());
    assert_eq!(held[0].end.clone().unwrap().cause, lost);
    // A host that is restarted leaves none.
    let group = nix::unistd::Pid::from_raw(pid.cast_signed());
    nix::sys::signal::killpg(group, Signal::SIGKILL).unwrap();
}

/// Run twice: before the host is restarted, without a word of warning, and after it.
#[tokio::test]
#[ignore = "restarts the host: .ci/vm runs it"]
async fn a_restart_of_the_host_is_survived_by_what_was_accepted() {
    let disk = std::env::var_os("HCNDC_TEST_DISK").expect("a folder that outlasts a restart");
    let directory = Path::new(&disk).join("host");
    let is_first = !directory.exists();
    std::fs::create_dir_all(&directory).unwrap();
    let program = Program::start_in(&directory);
    let transport = program.transport().await;
    if is_first {
        assert_eq!(
            ran(&transport, order(1, "echo done; exit 4")).await,
            EndCause::Exited(4)
        );
        // Its end is told until somebody has written it down: this one nobody has.
        transport.send(ID, Order::Run(Box::new(order(2, "echo ended; exit 5"))));
        assert_eq!(end_of(&transport, AttemptId(2)).await, EndCause::Exited(5));
        start(&transport, order(3, "echo run >>runs; sleep 600")).await;
        program.written("runs").await;
        std::fs::write("/proc/sysrq-trigger", "b").unwrap();
        std::future::pending::<()>().await;
    }
    let held = program.resume(&transport).await;
    let cause = |id| {
        let held = held.iter().find(|held| held.attempt == AttemptId(id));
        held.and_then(|held| held.end.as_ref())
            .map(|end| end.cause.clone())
    };
    let lost = EndCause::Lost("the host was restarted while it ran".into());
    assert_eq!(cause(3), Some(lost));
    assert_eq!(cause(2), Some(EndCause::Exited(5)));
    assert_eq!(
        ran(&transport, order(4, "exit 6")).await,
        EndCause::Exited(6)
    );
    // What it wrote may not have come to the disk; that it was not begun again has.
    let runs = std::fs::read_to_string(directory.join("runs")).unwrap_or_default();
    assert!(runs.len() <= "run\n".len(), "{runs:?}");
}

#[tokio::test]
async fn an_attempt_that_was_accepted_and_never_begun_may_be_given_again() {
    let mut program = Program::start();
    let transport = program.transport().await;
    assert_eq!(ran(&transport, order(1, "true")).await, EndCause::Exited(0));
    program.crash();
    let order = order(2, WAITS);
    remember(
        &program,
        &[Record::Accepted {
            attempt: order.attempt,
            fingerprint: fingerprint(&order),
            at: Timestamp::default(),
        }],
    );
    program.start_again();
    let held = program.resume(&transport).await;
    assert!(held.iter().all(|held| held.attempt != order.attempt));
    go(&program);
    assert_eq!(ran(&transport, order).await, EndCause::Exited(7));
    assert_eq!(program.written("runs").await, "run\n");
}

/// The executor is killed at ever other moments between an order and its acknowledgement; the scheduler gives the order
/// again after each hello that does not name it, as the engine does.
#[tokio::test]
async fn however_an_executor_is_killed_each_attempt_runs_once() {
    let mut program = Program::start();
    let transport = program.transport().await;
    for id in 1..=16_u64 {
        let order = order(id, &format!("echo run >>runs-{id}; sleep 0.02; exit 5"));
        let attempt = order.attempt;
        transport.send(ID, Order::Run(Box::new(order.clone())));
        tokio::time::sleep(Duration::from_micros(id * id * 150)).await;
        program.start_again();
        let held = program.resume(&transport).await;
        let cause = end_after(&transport, &held, order).await;
        assert_eq!(cause, EndCause::Exited(5), "attempt {id}");
        assert_eq!(program.written(&format!("runs-{id}")).await, "run\n");
        transport.send(ID, Order::Ack { attempt });
    }
}

/// What is written down of an attempt, one after the other: where, and the word for it.
const WRITTEN: [(&str, &str); 6] = [
    ("spool.journal", "accepted"),
    ("holders", "begun"),
    ("holders", "started"),
    ("spool.journal", "started"),
    ("holders", "ended"),
    ("spool.journal", "ended"),
];

/// Returns once this is written down of an attempt, or something later: a holder drops what it is told to forget.
async fn until_written(data_dir: PathBuf, attempt: AttemptId, point: usize) {
    let texts = move |place: &str| {
        let path = data_dir.join(place);
        let paths: Vec<PathBuf> = match std::fs::read_dir(&path) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![path],
        };
        let texts = paths
            .into_iter()
            .filter_map(|path| std::fs::read_to_string(path).ok());
        texts.collect::<String>()
    };
    let is_there = move || {
        WRITTEN[point..].iter().any(|(place, word)| {
            let begin = format!("\"{word}\":{{\"attempt\":{attempt}");
            let text = texts(place);
            text.contains(&format!("{begin},")) || text.contains(&format!("{begin}}}"))
        })
    };
    // On a thread of its own, without a pause: what follows is to be as close as can be.
    let looked = tokio::task::spawn_blocking(move || {
        let begun = std::time::Instant::now();
        while !is_there() {
            assert!(begun.elapsed() < desk::GENEROUS, "{WRITTEN:?} from {point}");
            std::thread::yield_now();
        }
    });
    looked.await.unwrap();
}

#[tokio::test]
async fn killed_after_each_thing_that_it_writes_down_an_executor_runs_each_attempt_once() {
    let mut program = Program::start();
    let transport = program.transport().await;
    for (point, id) in (0..WRITTEN.len()).zip(1..) {
        let order = order(id, &format!("echo run >>runs-{id}; exit 5"));
        let attempt = order.attempt;
        transport.send(ID, Order::Run(Box::new(order.clone())));
        until_written(program.data_dir(), attempt, point).await;
        program.start_again();
        let held = program.resume(&transport).await;
        let is_held = held.iter().any(|held| held.attempt == attempt);
        assert!(is_held || point == 0, "it was begun and is forgotten");
        let cause = end_after(&transport, &held, order).await;
        assert_eq!(cause, EndCause::Exited(5), "killed at {:?}", WRITTEN[point]);
        assert_eq!(program.written(&format!("runs-{id}")).await, "run\n");
        // It is told again until it is acknowledged, and never after that is written down.
        program.start_again();
        let held = program.resume(&transport).await;
        let told = held.iter().find(|held| held.attempt == attempt);
        assert_eq!(told.unwrap().end.as_ref().unwrap().cause, cause);
        transport.send(ID, Order::Ack { attempt });
        let spool = program.data_dir().join("spool.journal");
        within(async {
            while !std::fs::read_to_string(&spool)
                .unwrap()
                .contains(&format!("\"acknowledged\":{{\"attempt\":{attempt},"))
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        program.start_again();
        let held = program.resume(&transport).await;
        assert!(held.iter().all(|held| held.attempt != attempt));
    }
}

/// How an order ends once its executor is there again: what is not held never arrived, and is given again, as the engine does.
async fn end_after(transport: &GrpcTransport, held: &[Held], order: RunOrder) -> EndCause {
    let attempt = order.attempt;
    match held.iter().find(|held| held.attempt == attempt) {
        Some(Held { end: Some(end), .. }) => return end.cause.clone(),
        Some(_) => {}
        None => transport.send(ID, Order::Run(Box::new(order))),
    }
    end_of(transport, attempt).await
}

async fn end_of(transport: &GrpcTransport, attempt: AttemptId) -> EndCause {
    loop {
        if let Report::Finished { attempt: it, end } = next(transport).await
            && it == attempt
        {
            return end.cause;
        }
    }
}

#[tokio::test]
async fn a_log_is_read_when_its_executor_is_gone() {
    let program = Program::start();
    let kept = tempfile::tempdir().unwrap();
    let collecting = |inner| {
        let archive = LogArchive::open(kept.path()).unwrap();
        Collecting::new(Arc::new(inner), archive, None)
    };
    let home = collecting(transport(Some("open-sesame")));
    home.connect(executor(&program.address().await), Fence(1));
    within(async { while !matches!(home.recv().await.1, Report::Hello { .. }) {} }).await;
    let script = "echo out; echo err >&2; yes 0123456789abcde | head -c 3000000; exit 3";
    for (id, command) in [(1, script), (2, "true")] {
        home.send(ID, Order::Run(Box::new(order(id, command))));
        within(async {
            loop {
                if let (_, Report::Finished { attempt, .. }) = home.recv().await {
                    home.send(ID, Order::Ack { attempt });
                    return;
                }
            }
        })
        .await;
    }
    let archive = LogArchive::open(kept.path()).unwrap();
    within(async {
        for id in [1, 2] {
            while archive.read(AttemptId(id), 0, 1).await.unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        // Only now is the executor told that it may forget them.
        loop {
            home.disconnect(ID);
            home.connect(executor(&program.address().await), Fence(1));
            let held = loop {
                if let (_, Report::Hello { held, .. }) = home.recv().await {
                    break held;
                }
            };
            if held.is_empty() {
                return;
            }
            for attempt in held.into_iter().map(|held| held.attempt) {
                home.send(ID, Order::Ack { attempt });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    drop(program);

    let later = collecting(transport(None));
    let mut read = Vec::new();
    let mut from = 0;
    loop {
        let part = later
            .read_log(ID, AttemptId(1), from, 100_000, Duration::ZERO)
            .await
            .unwrap();
        from = part.next;
        read.extend(part.entries.into_iter().flat_map(|entry| entry.bytes));
        if part.complete {
            break;
        }
    }
    assert_eq!(read.len(), 3_000_008);
    let quiet = later.read_log(ID, AttemptId(2), 0, 100, Duration::ZERO);
    assert!(quiet.await.unwrap().complete);
    let unknown = later.read_log(ID, AttemptId(3), 0, 100, Duration::ZERO);
    assert!(unknown.await.is_err());
}
