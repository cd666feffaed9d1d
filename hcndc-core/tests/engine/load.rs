//! A new engine goes on where another stopped.

use hcndc_core::engine::Settings;

use crate::bed::{Bed, JobWords as _, flow, host, job, secs};

#[test]
fn first_come_is_first_served_after_a_reload_too() {
    let mut bed = Bed::new([
        host("h", 1),
        flow("a", &[]),
        job("a/early").edit(),
        job("a/late").after("a/early").edit(),
        flow("b", &[]),
        job("b/between").edit(),
    ]);
    bed.start(&["a"]);
    bed.now = bed.now.after(secs(5));
    bed.start(&["b"]);
    bed.now = bed.now.after(secs(5));
    bed.limit(0);
    bed.succeed("a/early");
    bed.reload();
    bed.hello("h", vec![]);
    bed.limit(Settings::default().max_running);
    bed.said(&[
        "e2 b/between#1 dispatched",
        "e2 b/between dispatched",
        "h: run e2 b/between#1",
    ]);
}
