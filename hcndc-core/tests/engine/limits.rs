//! Limits, and who goes first (R7).

use hcndc_core::model::{Edit, ExecutorDraft};

use crate::bed::{Bed, JobWords as _, flow, host, job};

#[test]
fn a_limit_that_is_lowered_ends_nothing_and_starts_nothing() {
    let mut bed = Bed::new([
        host("h", 2),
        flow("a", &[]),
        job("a/x").edit(),
        job("a/y").edit(),
        job("a/z").edit(),
    ]);
    bed.start(&["a"]);
    bed.limit(1);
    bed.said(&[]);
    let smaller = ExecutorDraft {
        id: Some(bed.host("h")),
        ..ExecutorDraft::new("h", "h:7890", 1)
    };
    bed.edit([Edit::PutExecutor(smaller)]);
    bed.succeed("a/x");
    bed.said(&["a/x#1 succeeded", "a/x succeeded", "h: ack a/x#1"]);
    bed.succeed("a/y");
    bed.said(&[
        "a/y#1 succeeded",
        "a/y succeeded",
        "a/z#1 dispatched",
        "a/z dispatched",
        "h: ack a/y#1",
        "h: run a/z#1",
    ]);
}

#[test]
fn what_waits_for_its_date_keeps_no_executor() {
    let mut bed = Bed::new([
        host("h", 4),
        flow("a", &[]),
        job("a/big").slots(3).first(9).edit(),
        flow("b", &[]),
        job("b/small").edit(),
    ]);
    bed.start(&["a"]);
    bed.start(&["a"]);
    // Its need of three slots keeps nothing free: the first run has its date.
    bed.said(&["a running", "e2 a/big queued"]);
    bed.start(&["b"]);
    bed.said(&[
        "b running",
        "e3 b/small queued",
        "e3 b/small#1 dispatched",
        "e3 b/small dispatched",
        "h: run e3 b/small#1",
    ]);
    bed.succeed("a/big");
    bed.said(&[
        "a/big#1 succeeded",
        "a/big succeeded",
        "a succeeded",
        "e1 succeeded",
        "a reached 2026-11-21",
        "e2 a/big#1 dispatched",
        "e2 a/big dispatched",
        "h: ack a/big#1",
        "h: run e2 a/big#1",
    ]);
}
