//! The transport inside a process, under the port's suite.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hcndc_core::{contract::transport::TransportFixture, port::Fence};
use hcndc_exec::{
    executor::{Stop, Supervisor, SupervisorConfig},
    link::{Down, PROTOCOL, Up},
    transport::{InProcess, InProcessTransport, LOCAL},
};

struct Local;

struct Host {
    directory: tempfile::TempDir,
    dial: InProcess,
    supervisor: Supervisor,
}

async fn supervisor(directory: &tempfile::TempDir) -> Supervisor {
    Supervisor::start(SupervisorConfig::new(directory.path().join("data")))
        .await
        .unwrap()
}

impl TransportFixture for Local {
    type Transport = InProcessTransport;
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
        let supervisor = supervisor(&directory).await;
        Host {
            dial: InProcess::new(supervisor.clone()),
            directory,
            supervisor,
        }
    }

    fn address(&self, _: &Host) -> String {
        LOCAL.to_owned()
    }

    fn scratch(&self, host: &Host) -> String {
        host.directory.path().join("scratch").display().to_string()
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    async fn transport(&self, host: &Host) -> InProcessTransport {
        InProcessTransport::new(host.dial.clone())
    }

    async fn crash(&self, host: &mut Host) {
        host.supervisor.stop(Stop::Abandon);
        host.supervisor.stopped().await;
    }

    async fn start(&self, host: &mut Host) {
        host.supervisor = supervisor(&host.directory).await;
        host.dial.attach(host.supervisor.clone());
    }

    async fn cut(&self, host: &mut Host) {
        // Another connection on the same terms takes over, and goes.
        let mut other = host.supervisor.connect();
        let hello = Down::Hello {
            realm: String::new(),
            fence: Fence(5),
            scheduler: String::new(),
            protocol: PROTOCOL,
        };
        other.down.send(hello).await;
        assert!(matches!(other.up.recv().await, Some(Up::Hello { .. })));
    }
}

hcndc_core::transport_contract!(Local);
