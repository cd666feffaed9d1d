//! The transport over gRPC, under the port's suite: the real program behind a network that can be cut.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use desk::signal_holders;
use hcndc_core::contract::transport::TransportFixture;
use hcndc_exec::{
    executor::{find, find_within},
    transport::{Grpc, GrpcTransport, Tokens},
};
use nix::sys::signal::Signal;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

struct Remote;

struct Host {
    directory: tempfile::TempDir,
    program: Option<Child>,
    /// Where the program listens now; it takes another port at each start.
    behind: Arc<Mutex<Option<SocketAddr>>>,
    network: SocketAddr,
    cut: tokio::sync::watch::Sender<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = program.kill();
            let _ = program.wait();
        }
        signal_holders(self.directory.path(), Signal::SIGTERM);
    }
}

async fn start(directory: &Path) -> (Child, SocketAddr) {
    let data_dir = directory.join("data");
    let program = Command::new(env!("CARGO_BIN_EXE_hcndc-exec"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir)
        .env("HCNDC_EXEC_TOKEN", "open-sesame")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let found = find_within(&data_dir, Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(found.pid, program.id());
    (program, found.address)
}

/// Passes bytes on to wherever the program listens, until cut.
async fn pass_on(
    listener: TcpListener,
    behind: Arc<Mutex<Option<SocketAddr>>>,
    mut cut: tokio::sync::watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let address = *behind.lock().unwrap();
                let (Ok((mut near, _)), Some(address)) = (accepted, address) else { continue };
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(address).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
            Ok(()) = cut.changed() => connections.abort_all(),
        }
    }
}

impl TransportFixture for Remote {
    type Transport = GrpcTransport;
    type Host = Host;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(async {
                tokio::time::timeout(Duration::from_secs(120), case)
                    .await
                    .unwrap()
            })
    }

    async fn host(&self) -> Host {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("scratch")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(None));
        let (cut, watched) = tokio::sync::watch::channel(());
        tokio::spawn(pass_on(listener, Arc::clone(&behind), watched));
        let mut host = Host {
            directory,
            program: None,
            behind,
            network,
            cut,
        };
        self.start(&mut host).await;
        host
    }

    fn address(&self, host: &Host) -> String {
        host.network.to_string()
    }

    fn scratch(&self, host: &Host) -> String {
        host.directory.path().join("scratch").display().to_string()
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    async fn transport(&self, _: &Host) -> GrpcTransport {
        GrpcTransport::new(Grpc::new(Tokens {
            default: Some("open-sesame".parse().unwrap()),
            ..Tokens::default()
        }))
    }

    async fn crash(&self, host: &mut Host) {
        *host.behind.lock().unwrap() = None;
        let mut program = host.program.take().unwrap();
        program.kill().unwrap();
        program.wait().unwrap();
        // All that is ours crashes: what outlives the executor alone is for other tests.
        signal_holders(host.directory.path(), Signal::SIGKILL);
        assert!(find(&host.directory.path().join("data")).unwrap().is_none());
    }

    async fn start(&self, host: &mut Host) {
        let (program, address) = start(host.directory.path()).await;
        host.program = Some(program);
        *host.behind.lock().unwrap() = Some(address);
    }

    async fn cut(&self, host: &mut Host) {
        host.cut.send(()).unwrap();
    }
}

hcndc_core::transport_contract!(Remote);
