//! The program on a directory of its own, and a scheduler's transport to it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::{EndCause, Held, Order, Report, RunOrder},
    id::{AttemptId, ExecutorId},
    model::{Executor, Revision},
    port::{Fence, Transport as _},
    time::Timestamp,
};
use hcndc_exec::{
    executor::find_within,
    transport::{Grpc, GrpcTransport, Tokens},
};

use super::{GENEROUS, signal_holders, within, written};

pub(crate) const ID: ExecutorId = ExecutorId(1);

/// A directory that goes with the test, or stays.
pub(crate) enum Place {
    Temporary(tempfile::TempDir),
    Lasting(PathBuf),
}

impl Place {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Lasting(path) => path,
        }
    }
}

/// The program on a directory of its own; killed when dropped.
pub(crate) struct Program {
    pub(crate) directory: Place,
    pub(crate) child: Child,
    /// What is started.
    file: PathBuf,
    arguments: Vec<String>,
}

/// Its log, in its directory.
const SAID: &str = "said";

/// The program as it was built.
const ORIGINAL: &str = env!("CARGO_BIN_EXE_hcndc-exec");

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        signal_holders(self.directory.path(), nix::sys::signal::Signal::SIGTERM);
    }
}

impl Program {
    /// Starts it by `sh`, which may set limits first.
    pub(crate) fn start_after(limits: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_on(Place::Temporary(directory), limits, ORIGINAL.into(), &[])
    }

    /// On a directory that stays.
    pub(crate) fn start_in(directory: &Path) -> Self {
        Self::start_on(
            Place::Lasting(directory.to_owned()),
            "",
            ORIGINAL.into(),
            &[],
        )
    }

    /// With these arguments, too.
    pub(crate) fn start_with(directory: tempfile::TempDir, arguments: &[String]) -> Self {
        Self::start_on(Place::Temporary(directory), "", ORIGINAL.into(), arguments)
    }

    fn start_on(directory: Place, limits: &str, file: PathBuf, arguments: &[String]) -> Self {
        let child = Self::spawn(directory.path(), limits, &file, arguments);
        Self {
            directory,
            child,
            file,
            arguments: arguments.to_vec(),
        }
    }

    pub(crate) fn spawn(
        directory: &Path,
        limits: &str,
        file: &Path,
        arguments: &[String],
    ) -> Child {
        Command::new("sh")
            .arg("-c")
            .arg(format!("{limits} exec \"$0\" \"$@\""))
            .arg(file)
            .args(["--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(directory.join("data"))
            .arg("--base-dir")
            .arg(directory)
            .args(arguments)
            .env("HCNDC_EXEC_TOKEN", "open-sesame")
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(directory.join(SAID))
                    .unwrap(),
            )
            .spawn()
            .unwrap()
    }

    /// Waits until it has said this in its log.
    pub(crate) async fn says(&self, words: &str) {
        let said = self.directory.path().join(SAID);
        let has_said = || std::fs::read_to_string(&said).unwrap().contains(words);
        within(async {
            while !has_said() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// Another one on the same directory; the last has ended or is killed.
    pub(crate) fn start_again(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.child = Self::spawn(self.directory.path(), "", &self.file, &self.arguments);
    }

    /// A copy of the program that can be replaced while it runs.
    pub(crate) fn start_copy() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("program");
        std::fs::copy(ORIGINAL, &file).unwrap();
        Self::start_on(Place::Temporary(directory), "", file, &[])
    }

    /// Puts another build into the place of the program.
    pub(crate) fn replace_file(&self) {
        let new = self.file.with_extension("new");
        std::fs::copy(ORIGINAL, &new).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    /// Ends the program as a crash would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Connects anew; what is held.
    pub(crate) async fn resume(&self, transport: &GrpcTransport) -> Vec<Held> {
        transport.disconnect(ID);
        transport.connect(executor(&self.address().await), Fence(1));
        // What the connection before this one brought may still wait.
        loop {
            if let Report::Hello { held, .. } = next(transport).await {
                return held;
            }
        }
    }

    pub(crate) fn start() -> Self {
        Self::start_after("")
    }

    pub(crate) async fn address(&self) -> String {
        let data_dir = self.directory.path().join("data");
        find_within(&data_dir, GENEROUS)
            .await
            .unwrap()
            .address
            .to_string()
    }

    pub(crate) async fn transport(&self) -> GrpcTransport {
        let transport = transport(Some("open-sesame"));
        transport.connect(executor(&self.address().await), Fence(1));
        hello(&transport).await;
        transport
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        within(async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    pub(crate) async fn written(&self, name: &str) -> String {
        written(&self.directory.path().join(name)).await
    }
}

pub(crate) async fn hello(transport: &GrpcTransport) -> Vec<Held> {
    loop {
        match next(transport).await {
            Report::Hello { held, .. } => return held,
            Report::Disconnected { .. } => {}
            other => panic!("a hello was expected, not {other:?}"),
        }
    }
}

/// All that an attempt printed, once it has ended.
pub(crate) async fn output(transport: &GrpcTransport, id: u64) -> String {
    let read = within(transport.read_log(ID, AttemptId(id), 0, 1 << 20, Duration::ZERO))
        .await
        .unwrap();
    assert!(read.complete);
    let bytes = read.entries.into_iter().flat_map(|entry| entry.bytes);
    String::from_utf8(bytes.collect()).unwrap()
}

pub(crate) fn transport(token: Option<&str>) -> GrpcTransport {
    GrpcTransport::new(Grpc::new(Tokens {
        default: token.map(|token| token.parse().unwrap()),
        ..Tokens::default()
    }))
}

pub(crate) fn executor(address: &str) -> Arc<Executor> {
    Arc::new(Executor {
        id: ID,
        name: "one".into(),
        description: String::new(),
        address: address.into(),
        labels: std::collections::BTreeMap::new(),
        slots: 1,
        enabled: true,
        revision: Revision {
            version: 1,
            created_at: Timestamp::default(),
            created_by: String::new(),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
        },
    })
}

pub(crate) async fn next(transport: &GrpcTransport) -> Report {
    loop {
        match within(transport.recv()).await.1 {
            Report::Heartbeat(_) => {}
            report => return report,
        }
    }
}

pub(crate) async fn start(transport: &GrpcTransport, order: RunOrder) -> u32 {
    transport.send(ID, Order::Run(Box::new(order)));
    match next(transport).await {
        Report::Started { pid, .. } => pid,
        other => panic!("a start was expected, not {other:?}"),
    }
}

pub(crate) async fn end(transport: &GrpcTransport) -> EndCause {
    loop {
        match next(transport).await {
            Report::Finished { attempt, end } => {
                transport.send(ID, Order::Ack { attempt });
                return end.cause;
            }
            Report::Started { .. } => {}
            other => panic!("an end was expected, not {other:?}"),
        }
    }
}

pub(crate) async fn ran(transport: &GrpcTransport, order: RunOrder) -> EndCause {
    transport.send(ID, Order::Run(Box::new(order)));
    end(transport).await
}
