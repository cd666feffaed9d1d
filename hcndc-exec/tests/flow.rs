//! A scheduler that does not read: what waits for it is bounded, and all is there when it comes back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;

use std::time::Duration;

use desk::{
    Desk, order,
    program::{Program, executor, hello, output, transport},
};
use hcndc_core::{
    engine::{EndCause, Held},
    id::AttemptId,
    port::{Fence, Stream, Transport as _},
};
use hcndc_exec::{
    executor::ANSWERS,
    link::{Down, PROTOCOL},
    wire::{ToExecutor, executor_client::ExecutorClient, from_executor::Message},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, transport::Endpoint};

/// In bytes; what HTTP/2 begins with.
const SMALLEST_WINDOW: u32 = 65_535;
/// Jobs whose starts and ends nobody reads.
const JOBS: u64 = 10;
const LINES: usize = 2_000;

fn job(id: u64) -> Down {
    let command = format!("i=0; while [ $i -lt {LINES} ]; do echo line$i; i=$((i+1)); done");
    Down::Run(Box::new(order(id, &command)))
}

/// Answered at once, without a process.
fn question(id: u64) -> Down {
    Down::Kill {
        attempt: AttemptId(1_000_000 + id),
        grace: Duration::ZERO,
    }
}

fn whole(printed: &str) -> bool {
    printed
        .lines()
        .enumerate()
        .all(|(i, line)| line == format!("line{i}"))
        && printed.lines().count() == LINES
}

/// The ends of all jobs are told, at once or soon.
fn all_are_held(held: &[Held]) -> bool {
    held.iter().map(|it| it.attempt.0).eq(1..=JOBS)
}

#[tokio::test]
async fn what_waits_for_a_scheduler_that_does_not_read_is_bounded() {
    let mut desk = Desk::new().await;
    for id in 1..=JOBS {
        desk.give(job(id)).await;
    }
    let mut most = 0;
    for id in 0..2 * ANSWERS as u64 {
        desk.give(question(id)).await;
        most = most.max(desk.connection.up.len());
    }
    // All questions are taken by then, for they are taken in order.
    let (connection, held) = desk::connect(&desk.supervisor).await;
    most = most.max(desk.connection.up.len());
    assert_eq!(
        most, ANSWERS,
        "no more than the bound wait, and no less are kept"
    );
    assert!(all_are_held(&held), "{held:?}");
    // What was said before is read to its end, which comes.
    let mut read = 0;
    while desk::within(desk.connection.up.recv()).await.is_some() {
        read += 1;
    }
    assert_eq!(read, ANSWERS);

    desk.connection = connection;
    let mut ended = held.iter().filter(|it| it.end.is_some()).count() as u64;
    while ended < JOBS {
        assert_eq!(desk.end().await.cause, EndCause::Exited(0));
        ended += 1;
    }
    for id in 1..=JOBS {
        assert!(whole(&desk.output(id, Stream::Stdout).await));
    }
}

#[tokio::test]
async fn a_scheduler_that_comes_back_after_it_did_not_read_finds_all_ends_and_logs() {
    let program = Program::start();
    let address = program.address().await;
    // A window as small as may be: what is on the way does not wait at the executor.
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .initial_stream_window_size(SMALLEST_WINDOW)
        .initial_connection_window_size(SMALLEST_WINDOW)
        .connect()
        .await
        .unwrap();
    let (down, orders) = mpsc::channel::<ToExecutor>(256);
    let mut request = Request::new(ReceiverStream::new(orders));
    let bearer = "Bearer open-sesame".parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut up = ExecutorClient::new(channel)
        .link(request)
        .await
        .unwrap()
        .into_inner();
    let hello_of_ours = Down::Hello {
        realm: String::new(),
        fence: Fence(1),
        scheduler: "one that does not read".into(),
        protocol: PROTOCOL,
    };
    let said = std::iter::once(hello_of_ours)
        .chain((1..=JOBS).map(job))
        .chain((0..3 * ANSWERS as u64).map(question));
    for message in said {
        desk::within(down.send(message.into())).await.unwrap();
    }
    program.says("does not read").await;
    // It reads again: what waited is far less than what was asked, and the end comes.
    let mut read = 0;
    while let Some(message) = desk::within(up.message()).await.unwrap() {
        read += usize::from(!matches!(message.message, Some(Message::Heartbeat(_))));
        assert!(read < 2 * ANSWERS, "nothing is cut off");
    }
    assert!(read >= ANSWERS, "{read} messages waited");

    let transport = transport(Some("open-sesame"));
    transport.connect(executor(&address), Fence(1));
    let held = hello(&transport).await;
    assert!(all_are_held(&held), "{held:?}");
    let mut ended = held.iter().filter(|it| it.end.is_some()).count() as u64;
    while ended < JOBS {
        assert_eq!(desk::program::end(&transport).await, EndCause::Exited(0));
        ended += 1;
    }
    for id in 1..=JOBS {
        assert!(whole(&output(&transport, id).await));
    }
}
