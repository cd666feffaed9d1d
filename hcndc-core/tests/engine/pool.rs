//! Pools (R7), and which executor is taken (R8).

use hcndc_core::{
    engine::{Hold, HostFigures, JobRunState as S, Report, SlotTrouble},
    model::{JobDraft, PoolDraft, PoolRef},
};

use crate::bed::{Bed, JobWords as _, flow, host, job};

trait Draws {
    fn draws(self, pool: &str, slots: u32) -> Self;
}

impl Draws for JobDraft {
    fn draws(mut self, pool: &str, slots: u32) -> Self {
        (self.pool, self.pool_slots) = (Some(PoolRef::Name(pool.into())), slots);
        self
    }
}

fn hold(bed: &Bed, trouble: SlotTrouble) -> Hold {
    let pool = bed.store.pools().next().unwrap();
    let (pool, name) = (pool.id, pool.name.clone());
    Hold::Pool {
        pool,
        name,
        trouble,
    }
}

#[test]
fn a_pool_limits_jobs_of_all_flows_and_executors() {
    let mut bed = Bed::new([
        host("g", 9),
        host("h", 9),
        PoolDraft::new("db", 2).into(),
        flow("a", &[]),
        job("a/x").draws("db", 1).edit(),
        job("a/y").draws("db", 1).edit(),
        flow("b", &[]),
        job("b/free").edit(),
        job("b/z").draws("db", 1).edit(),
    ]);
    bed.start(&["a", "b"]);
    assert_eq!(bed.state("a/y"), S::Dispatched);
    assert_eq!(bed.state("b/free"), S::Dispatched);
    assert_eq!(bed.state("b/z"), S::Queued);
    let full = SlotTrouble::Full { free: 0, needs: 1 };
    assert_eq!(bed.holds("b/z"), [hold(&bed, full)]);
    bed.reload();
    assert_eq!(bed.state("b/z"), S::Queued);
    bed.hello("g", vec![]);
    bed.hello("h", vec![]);
    bed.fail("a/x");
    assert_eq!(bed.state("b/z"), S::Dispatched);
}

#[test]
fn what_comes_back_to_a_pool_is_kept_for_a_large_job_that_goes_first() {
    let mut bed = Bed::new([
        host("h", 9),
        PoolDraft::new("db", 3).into(),
        flow("a", &[]),
        job("a/one").draws("db", 1).first(9).edit(),
        job("a/two").draws("db", 1).first(9).edit(),
        job("a/large").draws("db", 3).first(5).edit(),
        job("a/small").draws("db", 1).edit(),
    ]);
    bed.start(&["a"]);
    let full = SlotTrouble::Full { free: 1, needs: 3 };
    assert_eq!(bed.holds("a/large"), [hold(&bed, full)]);
    assert_eq!(bed.holds("a/small"), [hold(&bed, SlotTrouble::Reserved)]);
    bed.succeed("a/one");
    assert_eq!(bed.state("a/small"), S::Queued);
    bed.succeed("a/two");
    assert_eq!(bed.state("a/large"), S::Dispatched);
    bed.succeed("a/large");
    assert_eq!(bed.state("a/small"), S::Dispatched);
}

#[test]
fn a_large_job_that_is_stopped_keeps_nothing() {
    let mut bed = Bed::new([
        host("h", 9),
        PoolDraft::new("db", 2).into(),
        flow("a", &[]),
        job("a/one").draws("db", 1).first(9).edit(),
        flow("b", &[]),
        job("b/large").draws("db", 2).first(5).edit(),
        flow("c", &[]),
        job("c/small").draws("db", 1).edit(),
    ]);
    bed.start(&["a"]);
    let large = bed.start(&["b"]);
    bed.start(&["c"]);
    assert_eq!(bed.state("e3 c/small"), S::Queued);
    bed.stop(large);
    assert_eq!(bed.state("e3 c/small"), S::Dispatched);
}

#[test]
fn a_pool_that_is_made_smaller_ends_nothing_and_starts_nothing() {
    let mut bed = Bed::new([
        host("h", 9),
        PoolDraft::new("db", 2).into(),
        flow("a", &[]),
        job("a/x").draws("db", 1).edit(),
        job("a/y").draws("db", 1).edit(),
        job("a/z").draws("db", 1).edit(),
    ]);
    bed.start(&["a"]);
    let id = bed.store.pools().next().map(|pool| pool.id);
    let put = |slots| PoolDraft {
        id,
        ..PoolDraft::new("db", slots)
    };
    bed.edit([put(1).into()]);
    bed.succeed("a/x");
    assert_eq!(bed.state("a/z"), S::Queued);
    bed.edit([put(5).into()]);
    assert_eq!(bed.state("a/z"), S::Dispatched);
}

#[test]
fn the_executor_with_most_to_give_is_taken() {
    let job = |name: &str| job(name).edit();
    let mut bed = Bed::new([
        host("g", 4),
        host("h", 6),
        flow("a", &[]),
        job("a/one"),
        flow("b", &[]),
        job("b/two"),
        flow("c", &[]),
        job("c/three"),
    ]);
    // By free slots, as long as nothing is known of them.
    bed.start(&["a"]);
    assert_eq!(bed.attempt("a/one").0, bed.host("h"));
    let figures = |load_1m, memory_available_bytes| HostFigures {
        cores: 4,
        load_1m,
        memory_total_bytes: 1_000,
        memory_available_bytes,
        ..HostFigures::default()
    };
    let (g, h) = (bed.host("g"), bed.host("h"));
    bed.report(h, Report::Heartbeat(figures(3.0, 900)));
    bed.report(g, Report::Heartbeat(figures(0.1, 900)));
    bed.start(&["b"]);
    assert_eq!(bed.attempt("e2 b/two").0, g);
    // Memory counts as processors do.
    bed.report(h, Report::Heartbeat(figures(0.1, 900)));
    bed.report(g, Report::Heartbeat(figures(0.1, 100)));
    bed.start(&["c"]);
    assert_eq!(bed.attempt("e3 c/three").0, h);
}
