//! A new engine goes on where another stopped.

use hcndc_core::{
    engine::{AttemptState, Engine, Held, JobRunState, Rejected, Settings, Snapshot},
    time::Timestamp,
};

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

fn busy() -> Bed {
    let mut bed = Bed::new([
        host("h", 3),
        flow("a", &[]),
        job("a/running").edit(),
        job("a/dispatched").edit(),
        job("a/retrying").retry(1, 30).edit(),
        job("a/queued").slots(3).edit(),
        job("a/blocked").after("a/running").edit(),
        flow("b", &["a"]),
        job("b/waiting").edit(),
    ]);
    bed.start(&["a", "b"]);
    bed.begin("a/running");
    bed.fail("a/retrying");
    bed.start(&["a"]);
    bed
}

#[test]
fn an_engine_is_what_it_was_loaded_from() {
    let mut bed = busy();
    let figures = bed.engine.load_figures();
    // Snapshots before and after are compared by the bed.
    bed.reload();
    assert_eq!(bed.engine.load_figures(), figures);
    assert_eq!(bed.engine.connections().len(), 1);
    // A second date is still held by the first execution.
    bed.hello("h", vec![]);
    bed.said(&[
        "a/running#1 lost",
        "a/running failed",
        "a/blocked upstream_failed",
        "h: run a/dispatched#1",
    ]);
}

#[test]
fn timers_go_on_after_a_reload() {
    let mut bed = busy();
    bed.pass(secs(1));
    bed.reload();
    // The retry first, then what its executor held, counted from the reload.
    assert_eq!(
        bed.engine.next_wakeup(),
        Some(Timestamp::from_micros(30_000_000))
    );
    bed.pass(secs(29));
    assert_eq!(
        bed.engine.next_wakeup(),
        Some(Timestamp::from_micros(61_000_000))
    );
    bed.pass(secs(31));
    assert_eq!(bed.state("a/running"), JobRunState::Failed);
}

#[test]
fn a_stop_goes_on_after_a_reload() {
    let mut bed = Bed::new([host("h", 1), flow("a", &[]), job("a/x").edit()]);
    let execution = bed.start(&["a"]);
    bed.begin("a/x");
    bed.stop(execution);
    bed.reload();
    let (attempt, started, end) = (bed.attempt("a/x").1, Some((7, bed.now)), None);
    bed.hello(
        "h",
        vec![Held {
            attempt,
            started,
            end,
        }],
    );
    bed.said(&["h: kill a/x#1"]);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let bed = busy();
    let good = bed.engine.snapshot();
    let spoil: [fn(&mut Snapshot); 7] = [
        |it| it.executors.clear(),
        |it| it.executions[0].attempts.clear(),
        |it| it.executions[0].attempts[0].state = AttemptState::Dispatched,
        |it| it.executions[0].job_runs.swap(0, 1),
        |it| drop(it.executions[0].flow_runs.remove(0)),
        |it| it.executions[0].job_runs[2].0.retry_at = None,
        |it| it.executions.extend(it.executions.clone()),
    ];
    for (at, spoil) in spoil.into_iter().enumerate() {
        let mut snapshot = good.clone();
        spoil(&mut snapshot);
        let loaded = Engine::load(bed.now, Settings::default(), snapshot);
        assert!(
            matches!(loaded, Err(Rejected::BadSnapshot { .. })),
            "spoiled {at}"
        );
    }
}

#[test]
fn the_same_inputs_give_the_same_steps() {
    let (one, two) = (busy(), busy());
    assert_eq!(one.engine.snapshot(), two.engine.snapshot());
    assert_eq!(format!("{:?}", one.engine), format!("{:?}", two.engine));
}
