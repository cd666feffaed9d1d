//! What does the end of a job cost, and does that grow with the mesh? What does a live job run take? What does an
//! explanation cost?
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::print_stdout, reason = "figures are what this is for")]

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use hcndc_benches::{Counting, Run, SEED};
use hcndc_core::{
    engine::{Hold, JobRunState},
    id::JobRunId,
    model::Edit,
    workload,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Deep: always 100 jobs a layer. Wide: always 10 layers, so that the queue grows with the mesh.
const SHAPES: [(&str, usize, usize); 8] = [
    ("layered_1k", 10, 100),
    ("layered_10k", 100, 100),
    ("layered_100k", 1000, 100),
    ("layered_1m", 10_000, 100),
    ("wide_1k", 10, 100),
    ("wide_10k", 10, 1000),
    ("wide_100k", 10, 10_000),
    ("wide_1m", 10, 100_000),
];

/// Of more jobs than this a run is not measured by criterion, which repeats it too often.
const REPEATED: usize = 100_000;

fn mesh(layers: usize, width: usize) -> Vec<Edit> {
    workload::layered(SEED, layers, width, 3)
}

fn started(layers: usize, width: usize) -> Run {
    let mut run = Run::new(mesh(layers, width));
    run.start();
    run
}

/// A whole run, report by report; throughput is finished jobs.
fn finish_job(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine/finish_job");
    for (name, layers, width) in SHAPES {
        if layers * width > REPEATED {
            continue;
        }
        let run = started(layers, width);
        group.throughput(Throughput::Elements((layers * width) as u64));
        group.bench_function(name, |b| {
            b.iter_batched(
                || run.clone(),
                |mut run| {
                    assert_eq!(run.finish_all(), layers * width);
                    assert_eq!(run.engine.load_figures(), (0, 0, 0));
                    run
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// The start of an execution of 100,000 jobs.
fn start(c: &mut Criterion) {
    let run = Run::new(mesh(1000, 100));
    c.bench_function("engine/start/layered_100k", |b| {
        b.iter_batched(
            || run.clone(),
            |mut run| {
                run.start();
                assert_eq!(run.engine.load_figures(), (1, 0, 100));
                run
            },
            BatchSize::PerIteration,
        );
    });
}

/// Why does it not run? For a job that waits for others, and for one that waits for an executor; in a small mesh and in
/// a large one.
fn explain(c: &mut Criterion) {
    for (size, layers, width) in [("wide_1k", 10, 100), ("wide_1m", 10, 100_000)] {
        let run = started(layers, width);
        let execution = run.execution.expect("it is started");
        let snapshot = run.engine.snapshot();
        let find = |state: JobRunState| -> JobRunId {
            let its = snapshot.executions.iter().find(|it| it.row.id == execution);
            let runs = its.expect("it is live").job_runs.iter().rev();
            let mut runs = runs.filter(|(row, _)| row.state == state);
            runs.next().expect("there is one").0.id
        };
        for (name, state) in [
            ("blocked", JobRunState::Blocked),
            ("queued", JobRunState::Queued),
        ] {
            // Of a hundred jobs that are ready, all have a place.
            if state == JobRunState::Queued && width <= 100 {
                continue;
            }
            let job_run = find(state);
            c.bench_function(&format!("engine/explain_{name}/{size}"), |b| {
                b.iter(|| {
                    let explained = black_box(&run.engine).explain(job_run).expect("it is live");
                    assert!(!explained.holds.is_empty());
                    let depends = matches!(explained.holds[0], Hold::Dependency { .. });
                    assert_eq!(depends, state == JobRunState::Blocked);
                    explained
                });
            });
        }
    }
}

/// Nanoseconds that this thread has had a processor; other than a clock it does not count those of its neighbours.
fn on_processor() -> usize {
    // The kernel brings its count up to date when it takes the processor away, and at each tick.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    first.expect("this kernel counts the time of threads")
}

/// Figures that are ratios and bytes, which criterion does not know.
fn figures() {
    println!("\n| mesh | jobs | ns per finished job | bytes per live job run |");
    println!("| --- | ---: | ---: | ---: |");
    let mut costs = Vec::new();
    for (name, layers, width) in SHAPES {
        let jobs = layers * width;
        let mut run = Run::new(mesh(layers, width));
        let before = Counting::held();
        run.start();
        let bytes = (Counting::held() - before) / jobs;
        let times = if jobs > REPEATED { 2 } else { 5 };
        let best = (0..(300_000 / jobs).max(times))
            .map(|_| {
                let mut run = run.clone();
                let begin = on_processor();
                assert_eq!(run.finish_all(), jobs);
                (on_processor() - begin) / jobs
            })
            .min();
        let best = best.unwrap_or(0);
        println!("| `{name}` | {jobs} | {best} | {bytes} |");
        costs.push(best);
    }
    for (shape, costs) in [("layered", &costs[..4]), ("wide", &costs[4..])] {
        let ratio = |at: usize| costs[at] as f64 / costs[0] as f64;
        println!(
            "{shape}: 10k / 1k = {:.2}, 100k / 1k = {:.2}, 1m / 1k = {:.2}",
            ratio(1),
            ratio(2),
            ratio(3)
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = finish_job, start, explain
}

fn main() {
    // Under `cargo test` it only shows that everything still works.
    if std::env::args().any(|it| it == "--bench") {
        figures();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
