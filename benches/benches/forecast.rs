//! What does it cost to look a month ahead, at 10,000 job runs a night?
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hcndc_benches::SEED;
use hcndc_core::{
    engine::{EditBatch, Engine, FlowRunState, Input},
    forecast::{Assumptions, forecast},
    model::{Edit, FlowRef, ScheduleDraft, TriggerDraft},
    time::Timestamp,
    trigger::{
        Timing,
        cron::{Cron, Dialect},
    },
    workload,
};

const NIGHTS: usize = 30;
const JOBS: usize = 10_000;

fn start() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("a time")
}

/// An engine with this mesh, eight executors of 25 slots, and each of these flows due at two.
fn engine(mesh: Vec<Edit>, scheduled: &[String]) -> Engine {
    let mut engine = Engine::default();
    let daily = Cron::parse(Dialect::Unix, "0 2 * * *").expect("an expression");
    let schedules = scheduled.iter().map(|flow| {
        let trigger = TriggerDraft::Time(Timing::Cron(daily.clone()));
        ScheduleDraft::new(flow, FlowRef::Name(flow.clone()), trigger).into()
    });
    let edits = workload::executors(8, 25).into_iter();
    let edits = edits.chain(mesh).chain(schedules).collect();
    let by = "bench".into();
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(start(), batch).expect("a mesh");
    engine
}

fn flows(mesh: &[Edit]) -> Vec<String> {
    let names = mesh.iter().filter_map(|edit| match edit {
        Edit::PutFlow(flow) => Some(flow.name.clone()),
        _ => None,
    });
    names.collect()
}

fn month(c: &mut Criterion) {
    // One flow of all jobs; and a thousand flows, each with a schedule of its own, that wait for each other.
    let layered = workload::layered(SEED, 100, 100, 3);
    let night = workload::bank_night(SEED, 1_000, 10);
    let mut group = c.benchmark_group("forecast/month");
    group.throughput(Throughput::Elements((NIGHTS * JOBS) as u64));
    for (name, mesh) in [("layered_10k", layered), ("bank_night_10k", night)] {
        let flows = flows(&mesh);
        let engine = engine(mesh, &flows);
        let mut assumed = Assumptions::until(start().after(Duration::from_secs(86_400 * 30)));
        assumed.otherwise = Duration::from_secs(60);
        group.bench_function(name, |b| {
            b.iter(|| {
                let found = forecast(black_box(&engine), &assumed).expect("nothing to refuse");
                assert_eq!(found.job_runs.len(), NIGHTS * JOBS);
                let mut runs = found.flow_runs.values();
                assert!(runs.all(|run| run.state == FlowRunState::Succeeded));
                found
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(10));
    targets = month
}
criterion_main!(benches);
