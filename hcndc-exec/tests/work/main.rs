//! Jobs that send requests, run statements and start Kettle, under a supervisor and against the real thing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clickhouse;
#[path = "../desk/mod.rs"]
mod desk;
mod http;
mod kettle;
mod servers;
mod sql;

use hcndc_core::engine::EndCause;

use desk::{Desk, order};
use http::call;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_hcndc-exec");

pub(crate) async fn desk() -> Desk {
    Desk::with(|config| config.worker = Some(PROGRAM.into())).await
}

#[tokio::test]
async fn a_program_that_does_only_commands_says_so() {
    let mut desk = Desk::new().await;
    let end = desk.run(call(1, "GET", "http://localhost/".into())).await;
    let EndCause::NotStarted(reason) = end.cause else {
        panic!("it must not start: {end:?}");
    };
    assert!(reason.contains("runs commands only"), "{reason}");
    let nothing = desk.run(order(2, " ")).await.cause;
    assert!(matches!(nothing, EndCause::NotStarted(_)), "{nothing:?}");
}
