//! An executor on a network of its own, which is cut and healed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::process::{Child, Command, Stdio};

use desk::{
    GENEROUS, order,
    program::{ID, executor, hello, output, start},
    within,
};
use hcndc_core::{
    engine::{EndCause, Order, Report},
    port::{Fence, Transport as _},
};
use hcndc_exec::{
    executor::find_within,
    transport::{Grpc, GrpcTransport, Tokens},
};

/// A network namespace with one cable to ours; taken away when dropped, with all that runs there.
struct Net {
    name: String,
    cable: String,
    theirs: String,
}

fn ip(line: &str) -> bool {
    let done = Command::new("ip")
        .args(line.split(' '))
        .stderr(Stdio::null())
        .status();
    done.is_ok_and(|status| status.success())
}

impl Net {
    /// `None`, and says so, where we may not make one.
    fn new(test: &str) -> Option<Self> {
        let pid = std::process::id();
        // An address block of its own for each process that tests: 198.18.0.0/15 is for benchmarks (RFC 2544).
        let (high, low) = (pid / 64 % 256, pid % 64 * 4);
        let net = Self {
            name: format!("hcndc-{pid}"),
            cable: format!("hc{pid}"),
            theirs: format!("198.18.{high}.{}", low + 2),
        };
        let Self {
            name,
            cable,
            theirs,
        } = &net;
        let made = ip(&format!("netns add {name}"))
            && ip(&format!(
                "link add {cable} type veth peer name eth0 netns {name}"
            ))
            && ip(&format!(
                "addr add 198.18.{high}.{}/30 dev {cable}",
                low + 1
            ))
            && ip(&format!("link set {cable} up"))
            && ip(&format!("-n {name} addr add {theirs}/30 dev eth0"))
            && ip(&format!("-n {name} link set eth0 up"))
            && ip(&format!("-n {name} link set lo up"));
        if !made {
            eprintln!("skipped: {test}: no network namespace can be made here");
            return None;
        }
        Some(net)
    }

    fn cut(&self) {
        assert!(ip(&format!("-n {} link set eth0 down", self.name)));
    }

    fn heal(&self) {
        assert!(ip(&format!("-n {} link set eth0 up", self.name)));
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        ip(&format!("link del {}", self.cable));
        ip(&format!("netns del {}", self.name));
    }
}

struct Inside {
    child: Child,
    directory: tempfile::TempDir,
}

impl Inside {
    fn start(net: &Net) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = Command::new("ip")
            .args(["netns", "exec", &net.name, env!("CARGO_BIN_EXE_hcndc-exec")])
            .args(["--listen", &format!("{}:0", net.theirs)])
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .arg("--base-dir")
            .arg(directory.path())
            .env("HCNDC_EXEC_TOKEN", "open-sesame")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, directory }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        desk::signal_holders(self.directory.path(), nix::sys::signal::Signal::SIGTERM);
    }
}

#[tokio::test]
async fn what_ends_while_the_network_is_cut_is_told_when_it_is_healed() {
    let test = "what_ends_while_the_network_is_cut_is_told_when_it_is_healed";
    let Some(net) = Net::new(test) else {
        return;
    };
    let inside = Inside::start(&net);
    let data_dir = inside.directory.path().join("data");
    let address = find_within(&data_dir, GENEROUS).await.unwrap().address;
    let transport = GrpcTransport::new(Grpc::new(Tokens {
        default: Some("open-sesame".parse().unwrap()),
        ..Tokens::default()
    }));
    let known = executor(&address.to_string());
    transport.connect(known, Fence(1));
    assert!(hello(&transport).await.is_empty());
    let command = "echo run >>runs; until [ -e go ]; do sleep 0.01; done; echo after; exit 7";
    start(&transport, order(1, command)).await;

    net.cut();
    std::fs::write(inside.directory.path().join("go"), "").unwrap();
    within(async { while !matches!(transport.recv().await.1, Report::Disconnected { .. }) {} })
        .await;
    // Told anew by whoever asked, as after each break.
    transport.send(ID, Order::Run(Box::new(order(1, command))));

    net.heal();
    let held = hello(&transport).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].end.clone().unwrap().cause, EndCause::Exited(7));
    assert_eq!(output(&transport, 1).await, "after\n");
    let runs = desk::written(&inside.directory.path().join("runs")).await;
    assert_eq!(runs, "run\n");
}
