//! A supervisor with a scheduler's desk in front of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod program;

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use hcndc_core::{
    engine::{End, EndCause, Held, RunOrder},
    id::{AttemptId, ExecutionId, JobRunId},
    model::JobKind,
    port::{Fence, LogEntry, LogStore as _, Stream},
};
use hcndc_exec::{
    executor::{Connection, Stop, Supervisor, SupervisorConfig},
    link::{Down, PROTOCOL, Up},
};

/// Long enough for any host; a test that waits for it has failed.
pub(crate) const GENEROUS: Duration = Duration::from_secs(60);

pub(crate) struct Desk {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) supervisor: Supervisor,
    pub(crate) connection: Connection,
    pub(crate) held: Vec<Held>,
}

pub(crate) fn order(id: u64, command: &str) -> RunOrder {
    RunOrder {
        attempt: AttemptId(id),
        execution: ExecutionId(7),
        job_run: JobRunId(100 + id),
        number: 1,
        flow: "retail".into(),
        job: "load".into(),
        data_date: "2026-11-21".parse().unwrap(),
        date_format: None,
        calendar: None,
        kind: JobKind::Shell,
        command: command.into(),
        args: Vec::new(),
        values: BTreeMap::new(),
        literal: std::collections::BTreeSet::new(),
        env: BTreeMap::new(),
        workdir: String::new(),
        timeout: None,
        grace: Duration::from_secs(20),
    }
}

/// Connects and says hello; what the supervisor holds.
pub(crate) async fn connect(supervisor: &Supervisor) -> (Connection, Vec<Held>) {
    let mut connection = supervisor.connect();
    let hello = Down::Hello {
        realm: String::new(),
        fence: Fence(1),
        scheduler: "desk".into(),
        protocol: PROTOCOL,
    };
    assert!(connection.down.send(hello).await);
    match within(connection.up.recv()).await {
        Some(Up::Hello { held, .. }) => (connection, held),
        other => panic!("hello was expected, not {other:?}"),
    }
}

pub(crate) async fn within<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(GENEROUS, what)
        .await
        .expect("it takes a generous time at most")
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut SupervisorConfig)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change).await
    }

    async fn on(directory: tempfile::TempDir, change: impl FnOnce(&mut SupervisorConfig)) -> Self {
        let mut config = SupervisorConfig::new(directory.path().join("data"));
        config.base_dir = directory.path().to_owned();
        change(&mut config);
        let supervisor = Supervisor::start(config).await.unwrap();
        let (connection, held) = connect(&supervisor).await;
        Self {
            directory,
            supervisor,
            connection,
            held,
        }
    }

    /// The same directory after a crash.
    pub(crate) async fn crashed(self) -> Self {
        self.supervisor.stop(Stop::Abandon);
        within(self.supervisor.stopped()).await;
        Self::on(self.directory, |_| {}).await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) async fn give(&self, message: Down) {
        assert!(self.connection.down.send(message).await);
    }

    pub(crate) async fn next(&mut self) -> Up {
        loop {
            let message = within(self.connection.up.recv())
                .await
                .expect("the connection stands");
            if !matches!(message, Up::Heartbeat(_)) {
                return message;
            }
        }
    }

    pub(crate) async fn start(&mut self, order: RunOrder) -> u32 {
        self.give(Down::Run(Box::new(order))).await;
        match self.next().await {
            Up::Started { pid, .. } => pid,
            other => panic!("a start was expected, not {other:?}"),
        }
    }

    pub(crate) async fn end(&mut self) -> End {
        loop {
            match self.next().await {
                Up::Finished { end, .. } => return end,
                Up::Started { .. } => {}
                other => panic!("an end was expected, not {other:?}"),
            }
        }
    }

    pub(crate) async fn run(&mut self, order: RunOrder) -> End {
        self.give(Down::Run(Box::new(order))).await;
        self.end().await
    }

    pub(crate) async fn cause(&mut self, id: u64, command: &str) -> EndCause {
        self.run(order(id, command)).await.cause
    }

    pub(crate) async fn kill(&self, id: u64, grace: Duration) {
        self.give(Down::Kill {
            attempt: AttemptId(id),
            grace,
        })
        .await;
    }

    pub(crate) async fn entries(&self, id: u64) -> Vec<LogEntry> {
        let log = self.supervisor.log();
        let mut entries = Vec::new();
        let mut from = 0;
        loop {
            let read = within(log.read(AttemptId(id), from, 1 << 20))
                .await
                .unwrap();
            from = read.next;
            entries.extend(read.entries);
            if read.complete {
                return entries;
            }
            within(log.wait(AttemptId(id), from)).await.unwrap();
        }
    }

    /// All of one stream.
    pub(crate) async fn output(&self, id: u64, stream: Stream) -> String {
        let entries = self.entries(id).await;
        let bytes = entries
            .into_iter()
            .filter(|e| e.stream == stream)
            .flat_map(|e| e.bytes);
        String::from_utf8(bytes.collect()).unwrap()
    }

    /// What a job writes to a file, once it has.
    pub(crate) async fn written(&self, name: &str) -> String {
        written(&self.path(name)).await
    }
}

/// What is in a file, once it holds a whole line.
pub(crate) async fn written(path: &Path) -> String {
    within(async {
        loop {
            match std::fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

/// Whether a process runs; one that waits to be reaped does not.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_ascii_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// The processes that hold jobs for the executor on this directory.
pub(crate) fn holders(data_dir: &Path) -> Vec<nix::unistd::Pid> {
    let of_ours = format!("hcndc-holder\0{}", data_dir.display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            line.contains(&of_ours)
                .then(|| nix::unistd::Pid::from_raw(pid))
        })
        .collect()
}

/// Sends them a signal.
pub(crate) fn signal_holders(data_dir: &Path, signal: nix::sys::signal::Signal) {
    for pid in holders(data_dir) {
        let _ = nix::sys::signal::kill(pid, signal);
    }
}
