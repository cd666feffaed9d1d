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
