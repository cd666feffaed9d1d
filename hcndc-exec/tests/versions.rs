//! Ends of different versions of the protocol, over gRPC.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::{collections::BTreeMap, net::SocketAddr, pin::Pin, process::Command};

use async_trait::async_trait;
use desk::{
    order,
    program::{ID, Program, executor, next, ran, transport},
};
use hcndc_core::{
    engine::{EndCause, Order, Report},
    id::AttemptId,
    model::{HttpCall, JobKind},
    port::{Fence, Introduction, Transport as _, Unreachable, UnreachableKind},
};
use hcndc_exec::{
    link::{Down, PROTOCOL, Protocol},
    transport::{Dial, Grpc, GrpcTransport, Line, Lines, Tokens},
    wire::{
        ExecutorHello, FromExecutor, IntroduceReply, IntroduceRequest, ReadLogReply,
        ReadLogRequest, ToExecutor,
        executor_server::{Executor, ExecutorServer},
        from_executor::Message,
    },
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::{Stream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

const LATER_MAJOR: Protocol = Protocol {
    major: PROTOCOL.major + 1,
    minor: 0,
};
const EARLIER_MAJOR: Protocol = Protocol {
    major: PROTOCOL.major - 1,
    minor: 9,
};
/// What says no minor.
const FIRST_MINOR: Protocol = Protocol {
    major: PROTOCOL.major,
    minor: 0,
};
const LATER_MINOR: Protocol = Protocol {
    major: PROTOCOL.major,
    minor: PROTOCOL.minor + 7,
};

/// A scheduler of another version.
#[derive(Debug)]
struct Speaking(Grpc, Protocol);

#[async_trait]
impl Dial for Speaking {
    async fn dial(&self, address: &str) -> Result<Line, String> {
        let mut line = self.0.dial(address).await?;
        let speaks = self.1;
        let (down, mut said) = mpsc::channel(256);
        let passed_on = std::mem::replace(&mut line.down, down);
        tokio::spawn(async move {
            while let Some(mut message) = said.recv().await {
                if let Down::Hello { protocol, .. } = &mut message {
                    *protocol = speaks;
                }
                if passed_on.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(line)
    }

    async fn ask(&self, address: &str) -> Result<Introduction, Unreachable> {
        self.0.ask(address).await
    }
}

fn scheduler(speaks: Protocol) -> Lines<Speaking> {
    let tokens = Tokens {
        default: Some("open-sesame".parse().unwrap()),
        ..Tokens::default()
    };
    Lines::new(Speaking(Grpc::new(tokens), speaks))
}

/// The next report that is no heartbeat.
async fn told(transport: &Lines<Speaking>) -> Report {
    loop {
        match desk::within(transport.recv()).await.1 {
            Report::Heartbeat(_) => {}
            report => return report,
        }
    }
}

/// What `hcndc-exec check` says while the program runs, and whether it is content.
fn check(program: &Program) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hcndc-exec"))
        .arg("--data-dir")
        .arg(program.data_dir())
        .arg("check")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

#[tokio::test]
async fn an_executor_turns_away_a_scheduler_of_another_major_and_both_tell_why() {
    let program = Program::start();
    let address = program.address().await;
    for (speaks, remedy) in [
        (LATER_MAJOR, "upgrade the executor"),
        (EARLIER_MAJOR, "upgrade the scheduler"),
    ] {
        let transport = scheduler(speaks);
        transport.connect(executor(&address), Fence(1));
        let Report::Disconnected { reason } = told(&transport).await else {
            panic!("a scheduler of version {speaks} is not understood");
        };
        let words = format!(
            "it speaks version {PROTOCOL} of the protocol, the scheduler speaks {speaks}: {remedy}"
        );
        assert_eq!(reason, words);
        assert_eq!(transport.trouble(ID), Some(reason));
        let (good, text) = check(&program);
        assert!(!good && text.contains(&words), "{text}");
    }
    // One that is understood settles it.
    let ours = program.transport().await;
    let (good, text) = check(&program);
    assert!(
        good && text.contains(&format!("version {PROTOCOL} of the protocol")),
        "{text}"
    );
    assert_eq!(ran(&ours, order(1, "true")).await, EndCause::Exited(0));
}

#[tokio::test]
async fn an_executor_obeys_schedulers_of_earlier_and_later_minors() {
    let program = Program::start();
    let address = program.address().await;
    for (id, speaks) in [(1, FIRST_MINOR), (2, LATER_MINOR)] {
        let transport = scheduler(speaks);
        transport.connect(executor(&address), Fence(id));
        assert!(
            matches!(told(&transport).await, Report::Hello { .. }),
            "{speaks} is understood"
        );
        let order = Order::Run(Box::new(order(id, "exit 3")));
        transport.send(ID, order);
        assert!(matches!(told(&transport).await, Report::Started { .. }));
        assert!(matches!(told(&transport).await, Report::Finished { .. }));
    }
}

/// An executor of another version, which says hello and then nothing.
#[derive(Debug)]
struct Other(Protocol);

#[tonic::async_trait]
impl Executor for Other {
    type LinkStream = Pin<Box<dyn Stream<Item = Result<FromExecutor, Status>> + Send>>;

    async fn link(
        &self,
        _: Request<Streaming<ToExecutor>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let hello = FromExecutor {
            message: Some(Message::Hello(ExecutorHello {
                version: "of another time".into(),
                protocol: self.0.major,
                protocol_minor: self.0.minor,
                ..ExecutorHello::default()
            })),
        };
        let open =
            tokio_stream::StreamExt::chain(tokio_stream::once(Ok(hello)), tokio_stream::pending());
        Ok(Response::new(Box::pin(open)))
    }

    async fn read_log(&self, _: Request<ReadLogRequest>) -> Result<Response<ReadLogReply>, Status> {
        Err(Status::unimplemented("there are no logs"))
    }

    async fn introduce(
        &self,
        _: Request<IntroduceRequest>,
    ) -> Result<Response<IntroduceReply>, Status> {
        if self.0 == FIRST_MINOR {
            return Err(Status::unimplemented("of a later minor"));
        }
        Ok(Response::new(IntroduceReply {
            protocol: self.0.major,
            protocol_minor: self.0.minor,
            version: "9".into(),
            ..IntroduceReply::default()
        }))
    }
}

/// Where an executor of this version listens.
async fn other(speaks: Protocol) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .add_service(ExecutorServer::new(Other(speaks)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}

async fn connected(speaks: Protocol) -> (GrpcTransport, Report) {
    let transport = transport(None);
    transport.connect(executor(&other(speaks).await.to_string()), Fence(1));
    let report = next(&transport).await;
    (transport, report)
}

#[tokio::test]
async fn a_scheduler_does_not_use_an_executor_of_another_major_and_tells_why() {
    for (speaks, remedy) in [
        (LATER_MAJOR, "upgrade the scheduler"),
        (EARLIER_MAJOR, "upgrade the executor"),
    ] {
        let (transport, report) = connected(speaks).await;
        let reason = format!(
            "it speaks version {speaks} of the protocol, the scheduler speaks {PROTOCOL}: {remedy}"
        );
        assert_eq!(transport.trouble(ID).as_deref(), Some(reason.as_str()));
        assert_eq!(report, Report::Disconnected { reason });
    }
}

#[tokio::test]
async fn a_scheduler_goes_on_with_executors_of_earlier_and_later_minors() {
    for speaks in [FIRST_MINOR, LATER_MINOR] {
        let (transport, report) = connected(speaks).await;
        assert!(matches!(report, Report::Hello { .. }), "{report:?}");
        assert_eq!(transport.trouble(ID), None);
    }
}

#[tokio::test]
async fn an_executor_that_knows_only_commands_is_given_no_other_work() {
    let older = Protocol { major: 1, minor: 2 };
    for (speaks, is_given) in [(FIRST_MINOR, false), (older, false), (PROTOCOL, true)] {
        let (transport, hello) = connected(speaks).await;
        assert!(matches!(hello, Report::Hello { .. }), "{hello:?}");
        let mut given = order(1, "");
        given.kind = JobKind::Http(Box::new(HttpCall {
            method: "GET".into(),
            url: "http://localhost/".into(),
            headers: BTreeMap::new(),
            body: String::new(),
            expect: "200".into(),
        }));
        transport.send(ID, Order::Run(Box::new(given)));
        if is_given {
            continue;
        }
        let Report::Finished { attempt, end } = next(&transport).await else {
            panic!("the attempt must end");
        };
        assert_eq!(attempt, AttemptId(1));
        let EndCause::NotStarted(reason) = end.cause else {
            panic!("it must not have started: {end:?}");
        };
        let version = format!("speaks version {speaks} of the protocol and runs commands only");
        assert!(reason.contains(&version), "{reason}");
        assert!(reason.contains("upgrade the executor"), "{reason}");
        // And it still gets what it knows.
        transport.send(ID, Order::Run(Box::new(order(2, "true"))));
        assert_eq!(transport.trouble(ID), None);
    }
}

#[tokio::test]
async fn a_test_of_an_executor_tells_whether_its_version_will_do() {
    let asked = |speaks| async move {
        let executor = executor(&other(speaks).await.to_string());
        transport(None).test(&executor).await
    };
    assert_eq!(asked(LATER_MINOR).await.unwrap().version, "9");
    for (speaks, words) in [
        (LATER_MAJOR, "upgrade the scheduler"),
        (FIRST_MINOR, "another version"),
    ] {
        let error = asked(speaks).await.unwrap_err();
        assert_eq!(error.kind, UnreachableKind::Version);
        assert!(error.reason.contains(words), "{error}");
    }
}
