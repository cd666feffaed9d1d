//! The program as people start it: its network, its signals, and what only a process of its own can do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use desk::{
    GENEROUS, holders, lives, order,
    program::{ID, Program, end, executor, hello, next, output, ran, start, transport},
    within,
};
use hcndc_core::{
    engine::{EndCause, Offer, Order, Report},
    id::{AttemptId, ExecutorId},
    port::{Fence, Transport as _, UnreachableKind},
};
use hcndc_exec::{
    Token,
    executor::{
        Access, BindError, ExecutorConfig, ExecutorServer, Stop, find, find_or_start, find_within,
        run,
    },
    transport::{ByAddress, Grpc, GrpcTransport, InProcess, LOCAL, Lines, Tokens, Transports},
};
use tokio::sync::watch;

/// Returns once a signal to end has arrived: an order to run is dropped then, and its attempt cannot be killed.
async fn stopping(transport: &GrpcTransport) {
    for id in 1_000.. {
        transport.send(ID, Order::Run(Box::new(order(id, "sleep 600"))));
        let attempt = AttemptId(id);
        let grace = Duration::ZERO;
        transport.send(ID, Order::Kill { attempt, grace });
        match end(transport).await {
            EndCause::Lost(_) => return,
            cause => assert_eq!(cause, EndCause::Killed),
        }
    }
}

/// Why an address cannot be connected.
async fn trouble(address: &str, token: Option<&str>) -> String {
    trouble_of(transport(token), address).await
}

async fn trouble_of(transport: GrpcTransport, address: &str) -> String {
    transport.connect(executor(address), Fence(1));
    match next(&transport).await {
        Report::Disconnected { reason } => {
            assert_eq!(transport.trouble(ID).as_deref(), Some(reason.as_str()));
            reason
        }
        other => panic!("trouble was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn trouble_is_told_in_words() {
    let program = Program::start();
    let address = program.address().await;
    let told = [
        trouble(&address, None).await,
        trouble(&address, Some("wrong")).await,
        trouble("no-such-host.invalid:7890", None).await,
        trouble("nonsense", None).await,
    ];
    let words = ["token", "token", "does not resolve", "no address"];
    for (told, words) in told.iter().zip(words) {
        assert!(told.contains(words), "{told}");
    }
    // A port that was given back a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let told = trouble(&closed.to_string(), None).await;
    assert!(told.contains("refuses the connection"), "{told}");
}

#[tokio::test]
async fn a_test_of_an_executor_tells_who_it_is_and_does_not_disturb_it() {
    let arguments = [
        "--name=etl-1",
        "--label=gpu=a100",
        "--label",
        "disk",
        "--slots=4",
    ];
    let arguments = arguments.map(str::to_owned);
    let program = Program::start_with(tempfile::tempdir().unwrap(), &arguments);
    let transport = transport(Some("open-sesame"));
    transport.connect(executor(&program.address().await), Fence(1));
    let offer = Offer {
        labels: [
            ("disk".into(), String::new()),
            ("gpu".into(), "a100".into()),
        ]
        .into(),
        slots: 4,
    };
    let Report::Hello { offer: offered, .. } = next(&transport).await else {
        panic!("a hello was expected")
    };
    assert_eq!(offered, offer);
    let known = transport
        .test(&executor(&program.address().await))
        .await
        .unwrap();
    assert_eq!((known.name.as_str(), &known.offer), ("etl-1", &offer));
    assert_eq!(known.version, env!("CARGO_PKG_VERSION"));
    assert!(known.figures.cores > 0 && known.figures.memory_total_bytes > 0);
    // The connection that stands is the one that stood.
    assert_eq!(ran(&transport, order(1, "true")).await, EndCause::Exited(0));
}

#[tokio::test]
async fn a_test_of_an_executor_tells_what_is_wrong() {
    let program = Program::start();
    let address = program.address().await;
    // A port that was given back a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    for (address, token, kind) in [
        (address.as_str(), None, UnreachableKind::Token),
        (&address, Some("wrong"), UnreachableKind::Token),
        ("no-such-host.invalid:7890", None, UnreachableKind::Name),
        ("nonsense", None, UnreachableKind::Address),
        (&closed, None, UnreachableKind::Refused),
    ] {
        let error = transport(token).test(&executor(address)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
    let nobody = Lines::new(InProcess::default());
    let error = nobody.test(&executor(LOCAL)).await.unwrap_err();
    assert_eq!(error.kind, UnreachableKind::Refused);
}

#[tokio::test]
async fn without_a_token_only_loopback_is_listened_on() {
    let open = "0.0.0.0:0".parse().unwrap();
    let error = ExecutorServer::bind(open, Access::default())
        .await
        .unwrap_err();
    assert!(matches!(error, BindError::Open { address } if address == open));
    ExecutorServer::bind("127.0.0.1:0".parse().unwrap(), Access::default())
        .await
        .unwrap();
    ExecutorServer::bind(open, Token::random().into())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_process_that_hides_from_everything_ends_with_its_attempt() {
    let program = Program::start();
    let transport = program.transport().await;
    // Its own session, no environment, its parent gone.
    let command = "env -i setsid sh -c '(echo $$ >hidden.new; mv hidden.new hidden; exec sleep 600) &' ; \
                   until [ -s hidden ]; do sleep 0.01; done; \
                   env -i setsid sh -c 'echo $$ >leader; exec sleep 600' & \
                   until [ -s leader ]; do sleep 0.01; done";
    assert_eq!(
        ran(&transport, order(1, command)).await,
        EndCause::Exited(0)
    );
    assert!(!lives(&program.written("leader").await));
    let ours: Vec<u32> = holders(program.directory.path())
        .iter()
        .map(|pid| pid.as_raw().unsigned_abs())
        .collect();
    assert_eq!(ours.len(), 1);
    let proc = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let parent = std::fs::read_to_string(entry.path().join("stat"))
                .ok()
                .and_then(|stat| {
                    stat.rsplit(')')
                        .next()?
                        .split_ascii_whitespace()
                        .nth(1)?
                        .parse::<u32>()
                        .ok()
                });
            parent.is_some_and(|parent| ours.contains(&parent))
                && lives(&entry.file_name().to_string_lossy())
        });
    assert_eq!(proc.count(), 0, "who holds jobs has no living children");
}

#[tokio::test]
async fn the_first_signal_waits_for_jobs() {
    let mut program = Program::start();
    let transport = program.transport().await;
    start(
        &transport,
        order(
            1,
            "echo ready >ready; until [ -e go ]; do sleep 0.01; done; exit 3",
        ),
    )
    .await;
    program.written("ready").await;
    program.signal(nix::sys::signal::Signal::SIGTERM);
    stopping(&transport).await;
    std::fs::write(program.directory.path().join("go"), "").unwrap();
    assert_eq!(end(&transport).await, EndCause::Exited(3));
    assert_eq!(program.exit_code().await, Some(0));
    assert!(
        find(&program.directory.path().join("data"))
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_order_that_comes_while_it_stops_is_run_by_the_next_one() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let first = "echo ready >ready; until [ -e go ]; do sleep 0.01; done; exit 3";
    start(&transport, order(1, first)).await;
    program.written("ready").await;
    program.signal(nix::sys::signal::Signal::SIGTERM);
    stopping(&transport).await;

    let second = order(2, "echo run >>runs; exit 4");
    transport.send(ID, Order::Run(Box::new(second.clone())));
    std::fs::write(program.directory.path().join("go"), "").unwrap();
    match next(&transport).await {
        Report::Finished { attempt, end } => {
            assert_eq!((attempt, end.cause), (AttemptId(1), EndCause::Exited(3)));
            transport.send(ID, Order::Ack { attempt });
        }
        other => panic!("the end of the first was expected, not {other:?}"),
    }
    assert!(matches!(
        next(&transport).await,
        Report::Disconnected { .. }
    ));
    assert_eq!(program.exit_code().await, Some(0));

    program.start_again();
    transport.connect(executor(&program.address().await), Fence(1));
    assert_eq!(hello(&transport).await, []);
    for _ in 0..2 {
        assert_eq!(ran(&transport, second.clone()).await, EndCause::Exited(4));
    }
    assert_eq!(program.written("runs").await, "run\n");
}

#[tokio::test]
async fn databases_share_an_executor_only_one_after_the_other() {
    let mut program = Program::start();
    let of = |realm: &str| transport(Some("open-sesame")).with_realm(realm);
    let (a, b) = (of("a"), of("b"));
    let here = executor(&program.address().await);
    a.connect(Arc::clone(&here), Fence(9));
    assert_eq!(hello(&a).await, []);
    assert_eq!(ran(&a, order(1, "echo of a")).await, EndCause::Exited(0));
    assert_eq!(output(&a, 1).await, "of a\n");
    // One that says nothing leaves no more than a bit.
    assert_eq!(ran(&a, order(2, "true")).await, EndCause::Exited(0));

    // While the one is connected, the other is refused;
    b.connect(Arc::clone(&here), Fence(1));
    match next(&b).await {
        Report::Disconnected { reason } => {
            assert!(reason.contains("another scheduler's database"), "{reason}");
        }
        other => panic!("a refusal was expected, not {other:?}"),
    }
    // and while attempts of it are alive.
    start(&a, order(3, "until [ -e go ]; do sleep 0.01; done")).await;
    b.disconnect(ID);
    a.disconnect(ID);
    within(async {
        loop {
            let reason = trouble_of(of("b"), &here.address).await;
            if reason.contains("1 attempts alive") {
                return;
            }
        }
    })
    .await;
    std::fs::write(program.directory.path().join("go"), "").unwrap();

    // Then it goes over, whatever the fences, and attempts of the same numbers are others.
    b.connect(here, Fence(1));
    assert_eq!(hello(&b).await, []);
    assert_eq!(
        ran(&b, order(1, "echo of b; exit 5")).await,
        EndCause::Exited(5)
    );
    assert_eq!(output(&b, 1).await, "of b\n");
    assert_eq!(
        ran(&b, order(2, "echo of b too")).await,
        EndCause::Exited(0)
    );
    assert_eq!(output(&b, 2).await, "of b too\n");

    // It knows whom it serves after a crash, too.
    program.start_again();
    b.connect(executor(&program.address().await), Fence(1));
    assert_eq!(hello(&b).await, []);
    assert_eq!(
        ran(&b, order(1, "echo of b; exit 5")).await,
        EndCause::Exited(5)
    );
    assert_eq!(output(&b, 1).await, "of b\n");
    b.disconnect(ID);

    // And back.
    a.connect(executor(&program.address().await), Fence(1));
    assert_eq!(hello(&a).await, []);
    assert_eq!(
        ran(&a, order(1, "echo of a again; exit 6")).await,
        EndCause::Exited(6)
    );
    assert_eq!(output(&a, 1).await, "of a again\n");
    let logs = program.directory.path().join("data/logs");
    within(async {
        while std::fs::read_dir(&logs).unwrap().count() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_second_signal_kills_jobs() {
    let mut program = Program::start();
    let transport = program.transport().await;
    let pid = start(&transport, order(1, "sleep 600")).await.to_string();
    program.signal(nix::sys::signal::Signal::SIGTERM);
    stopping(&transport).await;
    program.signal(nix::sys::signal::Signal::SIGINT);
    assert_eq!(end(&transport).await, EndCause::Killed);
    assert_eq!(program.exit_code().await, Some(0));
    assert!(!lives(&pid));
}

#[tokio::test]
async fn a_full_disk_stops_new_jobs_and_spares_running_ones() {
    // No file may grow beyond a few blocks, as on a full disk.
    let program = Program::start_after("trap '' XFSZ; ulimit -f 4;");
    let transport = program.transport().await;
    let big = "echo ready >ready; until [ -e go ]; do sleep 0.01; done; \
               i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done; exit 5";
    start(&transport, order(1, big)).await;
    program.written("ready").await;
    let refused = within(async {
        for id in 2.. {
            if let EndCause::NotStarted(reason) = ran(&transport, order(id, "true")).await {
                return reason;
            }
        }
        String::new()
    })
    .await;
    assert!(refused.contains("cannot write the spool"), "{refused}");
    std::fs::write(program.directory.path().join("go"), "").unwrap();
    assert_eq!(end(&transport).await, EndCause::Exited(5));
    let log = within(transport.read_log(ID, AttemptId(1), 0, 1 << 20, Duration::ZERO)).await;
    assert!(log.is_ok());
}

/// A file system of a megabyte and a half; `None`, and says so, where we may not make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(test: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1536k", "tmpfs"])
            .arg(disk.0.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(disk);
        }
        assert!(
            std::env::var_os("HCNDC_CI").is_none(),
            "{test} cannot make a file system"
        );
        eprintln!("skipped: {test}: no file system can be made here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What still has a file open there lets go of it soon.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .stderr(Stdio::null())
            .status();
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_under_it_and_is_cleared_is_used_again() {
    let test = "a_disk_that_fills_up_under_it_and_is_cleared_is_used_again";
    let Some(disk) = SmallDisk::new(test) else {
        return;
    };
    let program = Program::start_in(disk.0.path());
    let transport = program.transport().await;
    let big = "echo ready >ready; until [ -e go ]; do sleep 0.01; done; \
               yes 0123456789abcde | head -c 4000000; exit 5";
    start(&transport, order(1, big)).await;
    program.written("ready").await;
    let ballast = disk.0.path().join("ballast");
    let error = std::fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);

    let mut ids = 2..;
    let refused = within(async {
        for id in ids.by_ref() {
            if let EndCause::NotStarted(reason) = ran(&transport, order(id, "true")).await {
                return reason;
            }
        }
        String::new()
    })
    .await;
    assert!(refused.contains("cannot write the spool"), "{refused}");
    std::fs::write(disk.0.path().join("go"), "").unwrap();
    assert_eq!(end(&transport).await, EndCause::Exited(5));

    std::fs::remove_file(ballast).unwrap();
    within(async {
        for id in ids {
            match ran(&transport, order(id, "exit 6")).await {
                EndCause::Exited(6) => return,
                EndCause::NotStarted(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                other => panic!("not {other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_orphaned_executor_ends_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    let running = run_standalone(data_dir, Duration::from_millis(300));
    let found = find_within(data_dir, GENEROUS).await.unwrap();
    let transport = transport(Some(found.token.unwrap().reveal()));
    transport.connect(executor(&found.address.to_string()), Fence(1));
    assert!(matches!(next(&transport).await, Report::Hello { .. }));
    assert_eq!(
        ran(&transport, order(1, "sleep 0.5")).await,
        EndCause::Exited(0)
    );
    transport.disconnect(ID);
    within(running).await.unwrap();
    assert!(find(data_dir).unwrap().is_none());
}

fn run_standalone(data_dir: &Path, patience: Duration) -> tokio::task::JoinHandle<()> {
    let mut config = ExecutorConfig::standalone(data_dir);
    // Other tests of this process have children of their own.
    config.supervisor.adopt_orphans = false;
    config.exit_when_orphaned = Some(patience);
    tokio::spawn(async move {
        let (_stop, stopping) = watch::channel(Stop::No);
        run(config, stopping).await.unwrap();
    })
}

#[tokio::test]
async fn an_executor_is_started_once_and_found_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    let command = || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hcndc-exec"));
        command
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir);
        command.stderr(Stdio::null());
        command
    };
    let first = find_or_start(data_dir, command(), GENEROUS).await.unwrap();
    let second = find_or_start(data_dir, command(), GENEROUS).await.unwrap();
    assert_eq!(first.pid, second.pid);
    let pid = nix::unistd::Pid::from_raw(first.pid.cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let mut failing = tokio::process::Command::new("false");
    failing.stderr(Stdio::null());
    within(async {
        while find(data_dir).unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(find_or_start(data_dir, failing, GENEROUS).await.is_err());
}

#[tokio::test]
async fn one_transport_reaches_executors_here_and_elsewhere() {
    let program = Program::start();
    let desk = desk::Desk::new().await;
    let transport = Transports::new(ByAddress {
        local: InProcess::new(desk.supervisor.clone()),
        remote: Grpc::new(Tokens {
            by_address: [(program.address().await, "open-sesame".parse().unwrap())].into(),
            default: None,
        }),
    });
    let here = executor(LOCAL);
    let mut there = executor(&program.address().await);
    Arc::make_mut(&mut there).id = ExecutorId(2);
    transport.connect(here, Fence(2));
    transport.connect(there, Fence(2));
    let mut greeted = std::collections::BTreeSet::new();
    while greeted.len() < 2 {
        let (executor, report) = within(transport.recv()).await;
        match report {
            Report::Hello { .. } => assert!(greeted.insert(executor)),
            Report::Heartbeat(_) => {}
            other => panic!("a hello was expected, not {other:?}"),
        }
    }
}

/// Takes as long as the keep-alive does.
#[tokio::test]
async fn a_host_that_freezes_is_noticed() {
    if std::env::var_os("HCNDC_TEST_SLOW").is_none() {
        return;
    }
    let program = Program::start();
    let transport = program.transport().await;
    program.signal(nix::sys::signal::Signal::SIGSTOP);
    let frozen = std::time::Instant::now();
    assert!(matches!(
        next(&transport).await,
        Report::Disconnected { .. }
    ));
    assert!(
        frozen.elapsed() < Duration::from_secs(20),
        "{:?}",
        frozen.elapsed()
    );
    program.signal(nix::sys::signal::Signal::SIGCONT);
    assert!(matches!(next(&transport).await, Report::Hello { .. }));
}
