//! The engine against a slow, obvious twin: random meshes, random inputs, also senseless ones, and after each
//! step everything that must hold.
//!
//! `HCNDC_TEST_SEED=n` plays one seed again, `HCNDC_TEST_SLOW=1` plays many more cases, `HCNDC_TEST_CASES=n` so many.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "support/asked.rs"]
mod asked;
#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/twin_outside.rs"]
mod outside;
#[path = "support/play.rs"]
mod play;
#[path = "support/twin_runs.rs"]
mod runs;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/store.rs"]
mod store;
#[path = "support/twin.rs"]
mod twin;
#[path = "support/twin_backfill.rs"]
mod twin_backfill;
#[path = "support/twin_control.rs"]
mod twin_control;
#[path = "support/twin_firing.rs"]
mod twin_firing;
#[path = "support/twin_limits.rs"]
mod twin_limits;
#[path = "support/twin_resolve.rs"]
mod twin_resolve;
#[path = "support/twin_time.rs"]
mod twin_time;
#[path = "support/world.rs"]
mod world;

use std::time::Duration;

use hcndc_core::{
    engine::{Input, JobRunState},
    id::JobRunId,
};
use proptest::prelude::*;

use self::{
    drawn::{Op, Play, op, plan},
    world::World,
};

fn config(cases: u32) -> ProptestConfig {
    seeds::config(
        "model_engine",
        cases,
        40,
        Some("proptest-regressions/model_engine.txt"),
    )
}

/// The ends of all that ran, by names that do not depend on ids of attempts.
fn ends(world: &World) -> Vec<(JobRunId, JobRunState, u32)> {
    let runs = world.store.job_runs.values();
    runs.map(|row| (row.id, row.state, row.attempt)).collect()
}

#[test]
fn the_engine_does_what_its_twin_does() {
    proptest!(config(1500), |(plan in plan(), ops in prop::collection::vec(op(), 1..80))| {
        let mut world = World::new(false);
        world.build(&plan.0);
        for executor in world.executor_ids() {
            world.hello(executor, vec![]);
        }
        for op in &ops {
            world.play(&op.0);
        }
        world.drain();
    });
}

/// A new leader, at any moment, changes nothing about what comes of it all.
#[test]
fn a_reload_changes_no_end() {
    let op = prop_oneof![
        2 => (any::<u8>(), 0u8..2)
            .prop_map(|(flow, date)| Op::Start { flows: vec![flow], downstream: true, date, only: vec![], how: 0 }),
        4 => any::<u8>().prop_map(Op::Begin),
        8 => any::<u8>().prop_map(|at| Op::Finish(at, 9)),
        1 => (0u16..20).prop_map(Op::Advance),
    ]
    .prop_map(Play);
    let ops = prop::collection::vec((op, prop::bool::weighted(0.2)), 1..40);
    proptest!(config(500), |(plan in plan(), ops in ops)| {
        let mut plan = plan;
        // A timeout may pass before an end is told, and an executor tells what it knows when it is greeted.
        plan.0.flows.iter_mut().for_each(|flow| flow.timeout = None);
        let mut results = Vec::new();
        for reloads in [false, true] {
            let mut world = World::new(true);
            world.build(&plan.0);
            let executors = world.executor_ids();
            for executor in &executors {
                world.hello(*executor, vec![]);
            }
            // Attempts that end together may end in any order, but executions start at the same times.
            for (Play(op), reload) in &ops {
                world.now = world.now.after(Duration::from_millis(1));
                // What is due has its moment, as it has after a reload.
                world.send(Input::Wake).unwrap();
                if matches!(op, Op::Start { .. }) {
                    world.play(op);
                }
                if reloads && *reload {
                    world.reload();
                    for executor in &executors {
                        world.hello(*executor, vec![]);
                    }
                }
                if !matches!(op, Op::Start { .. }) {
                    world.play(op);
                }
            }
            world.drain();
            results.push(ends(&world).into_iter().map(|(_, state, number)| (state, number)).collect::<Vec<_>>());
        }
        prop_assert_eq!(&results[0], &results[1]);
    });
}

/// The same inputs give the same steps.
#[test]
fn the_engine_is_deterministic() {
    proptest!(config(200), |(plan in plan(), ops in prop::collection::vec(op(), 1..40))| {
        let [mut one, mut two] = [World::new(false), World::new(false)];
        for world in [&mut one, &mut two] {
            world.build(&plan.0);
            for executor in world.executor_ids() {
                world.hello(executor, vec![]);
            }
            for op in &ops {
                world.play(&op.0);
            }
        }
        prop_assert_eq!(one.engine.snapshot(), two.engine.snapshot());
        prop_assert_eq!(format!("{:?}", one.engine), format!("{:?}", two.engine));
    });
}
