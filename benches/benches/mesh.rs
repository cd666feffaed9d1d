//! What does it cost to build a mesh of 100,000 jobs, to check it, and to change one job of it?
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hcndc_benches::SEED;
use hcndc_core::{
    engine::{EditBatch, Engine, Input, Settings},
    id::{FlowId, JobId},
    mesh::{Mesh, Node},
    model::{DependencyDraft, Edit, FlowRef, JobDraft, JobRef},
    time::Timestamp,
    workload,
};

const LAYERS: usize = 1000;
const WIDTH: usize = 100;
const JOBS: usize = LAYERS * WIDTH;

fn batch(edits: Vec<Edit>) -> Input {
    let by = "bench".into();
    Input::Edit(EditBatch { by, edits })
}

fn built() -> Engine {
    let mut engine = Engine::default();
    let edits = workload::layered(SEED, LAYERS, WIDTH, 3);
    let now = Timestamp::from_micros(0);
    engine.apply(now, batch(edits)).expect("a mesh");
    engine
}

/// An import, a first start with definitions as code.
fn one_batch(c: &mut Criterion) {
    let edits = batch(workload::layered(SEED, LAYERS, WIDTH, 3));
    c.bench_function("mesh/edit_batch/layered_100k", |b| {
        b.iter_batched(
            || edits.clone(),
            |edits| {
                let mut engine = Engine::default();
                let now = Timestamp::from_micros(0);
                engine.apply(now, edits).expect("a mesh");
                assert_eq!(engine.mesh().size().0, JOBS);
                engine
            },
            BatchSize::PerIteration,
        );
    });
}

/// A million jobs in 100,000 flows: made and checked from edits, and from what a store gives.
fn million(c: &mut Criterion) {
    let now = Timestamp::from_micros(0);
    let edits = batch(workload::bank_night(SEED, 100_000, 10));
    let made = |edits| {
        let mut engine = Engine::default();
        engine.apply(now, edits).expect("a mesh");
        assert_eq!(engine.mesh().size().0, 1_000_000);
        engine
    };
    c.bench_function("mesh/edit_batch/bank_night_1m", |b| {
        b.iter_batched(|| edits.clone(), made, BatchSize::PerIteration);
    });
    let snapshot = made(edits).snapshot();
    c.bench_function("mesh/load/bank_night_1m", |b| {
        b.iter_batched(
            || snapshot.clone(),
            |snapshot| {
                let engine = Engine::load(now, Settings::default(), snapshot).expect("a mesh");
                assert_eq!(engine.mesh().find_cycle(&[]), None);
                engine
            },
            BatchSize::PerIteration,
        );
    });
}

/// One job before all others, and one after them: neither may make each job in between cost more. Ten times the jobs
/// should cost some ten times as much, to make and to change.
fn fan(c: &mut Criterion) {
    for (size, jobs) in [("10k", 10_000), ("100k", 100_000)] {
        let make = batch(workload::fan(jobs));
        let now = Timestamp::from_micros(0);
        let made = |edits| {
            let mut engine = Engine::default();
            engine.apply(now, edits).expect("a mesh");
            assert_eq!(engine.mesh().size(), (jobs + 2, 2 * jobs));
            engine
        };
        c.bench_function(&format!("mesh/edit_batch/fan_{size}"), |b| {
            b.iter_batched(|| make.clone(), made, BatchSize::PerIteration);
        });
        let engine = made(make.clone());
        let drafts = engine.jobs().map(|job| {
            let before = job
                .dependencies
                .iter()
                .map(|it| DependencyDraft::new(JobRef::Id(it.job), it.condition));
            Edit::PutJob(JobDraft {
                id: Some(job.id),
                dependencies: before.collect(),
                ..JobDraft::new(FlowRef::Id(job.flow), job.name.clone(), "false")
            })
        });
        let change = batch(drafts.collect());
        c.bench_function(&format!("mesh/change_all_jobs/fan_{size}"), |b| {
            b.iter_batched(
                || (engine.clone(), change.clone()),
                |(mut engine, change)| {
                    let step = engine.apply(now, change).expect("a mesh");
                    assert_eq!(step.changes.len(), jobs + 2);
                    engine
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// The graph by itself: what the engine adds is names, versions and rows.
fn mesh_alone(c: &mut Criterion) {
    let engine = built();
    let jobs: Vec<(JobId, FlowId, Vec<JobId>)> = engine
        .jobs()
        .map(|job| {
            let before = job.dependencies.iter().map(|it| it.job).collect();
            (job.id, job.flow, before)
        })
        .collect();
    let build = || {
        let mut mesh = Mesh::default();
        for (job, flow, before) in &jobs {
            mesh.put_job(*job, *flow, before.iter().copied());
        }
        mesh
    };
    c.bench_function("mesh/build/layered_100k", |b| {
        b.iter(|| {
            let mesh = build();
            assert_eq!(mesh.find_cycle(&[]), None);
            mesh
        });
    });
    let mesh = build();
    c.bench_function("mesh/find_cycle/layered_100k", |b| {
        b.iter(|| assert_eq!(black_box(&mesh).find_cycle(&[]), None));
    });
    // The first job comes before all others: the longest look that one change can cost.
    let first = [Node::Job(jobs[0].0)];
    c.bench_function("mesh/find_cycle_from_one/layered_100k", |b| {
        b.iter(|| assert_eq!(black_box(&mesh).find_cycle(&first), None));
    });
    c.bench_function("mesh/critical_path/layered_100k", |b| {
        b.iter(|| {
            let second = |_| Duration::from_secs(1);
            let (length, path) = black_box(&mesh).critical_path(second).expect("no cycle");
            assert_eq!((length.as_secs(), path.len()), (LAYERS as u64, LAYERS));
        });
    });
}

/// Somebody saves one job on its page.
fn one_job(c: &mut Criterion) {
    let mut engine = built();
    let job = engine.jobs().nth(JOBS / 2).expect("a job").clone();
    let mut priority = 0;
    c.bench_function("mesh/edit_one_job/layered_100k", |b| {
        b.iter(|| {
            priority += 1;
            let draft = JobDraft {
                id: Some(job.id),
                priority,
                ..JobDraft::new(FlowRef::Id(job.flow), job.name.clone(), "true")
            };
            let now = Timestamp::from_micros(0);
            let step = engine.apply(now, batch(vec![Edit::PutJob(draft)]));
            assert_eq!(step.expect("no cycle").changes.len(), 1);
        });
    });
}

/// Everything is changed at once, and everything is deleted at once.
fn all_jobs(c: &mut Criterion) {
    let engine = built();
    let drafts = engine.jobs().map(|job| {
        Edit::PutJob(JobDraft {
            id: Some(job.id),
            ..JobDraft::new(FlowRef::Id(job.flow), job.name.clone(), "false")
        })
    });
    let change = batch(drafts.collect());
    let version = None;
    let delete = engine.jobs().map(|job| Edit::DeleteJob {
        job: job.id,
        version,
    });
    let delete = batch(delete.collect());
    for (name, edits, left) in [("change", change, JOBS), ("delete", delete, 0)] {
        c.bench_function(&format!("mesh/{name}_all_jobs/layered_100k"), |b| {
            b.iter_batched(
                || (engine.clone(), edits.clone()),
                |(mut engine, edits)| {
                    let now = Timestamp::from_micros(0);
                    engine.apply(now, edits).expect("a mesh");
                    assert_eq!(engine.mesh().size(), (left, 0));
                    engine
                },
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = one_batch, million, fan, mesh_alone, one_job, all_jobs
}
criterion_main!(benches);
