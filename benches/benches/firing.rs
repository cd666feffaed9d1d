//! With 100,000 schedules: what does the next wake-up cost, and 10,000 that are due at one moment?
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    model::{Edit, ExecutorDraft, FlowDraft, FlowRef, JobDraft, ScheduleDraft, TriggerDraft},
    time::Timestamp,
    trigger::{
        Timing,
        cron::{Cron, Dialect},
    },
};

const SCHEDULES: usize = 100_000;
const DUE: usize = 10_000;

fn batch(edits: Vec<Edit>) -> Input {
    let by = "bench".into();
    Input::Edit(EditBatch { by, edits })
}

/// Each schedule has a flow of one job. The first 10,000 fire at two, the others one a minute or so through the day.
fn engine() -> Engine {
    let mut engine = Engine::default();
    let start: Timestamp = "2026-11-21T00:00:00Z".parse().expect("a time");
    let mut edits = vec![Edit::PutExecutor(ExecutorDraft::new("h", "h:7890", 100))];
    for at in 0..SCHEDULES {
        let name = format!("f{at}");
        let flow = || FlowRef::Name(name.clone());
        edits.push(Edit::PutFlow(FlowDraft::new(&name)));
        edits.push(Edit::PutJob(JobDraft::new(flow(), "job", "true")));
        let cron = if at < DUE {
            String::from("0 2 * * *")
        } else {
            format!("{} {} * * *", at % 60, 3 + at / 60 % 20)
        };
        let cron = Cron::parse(Dialect::Unix, &cron).expect("an expression");
        let trigger = TriggerDraft::Time(Timing::Cron(cron));
        edits.push(ScheduleDraft::new(format!("s{at}"), flow(), trigger).into());
    }
    engine.apply(start, batch(edits)).expect("a mesh");
    engine
}

fn firing(c: &mut Criterion) {
    let engine = engine();
    let due: Timestamp = "2026-11-21T02:00:00Z".parse().expect("a time");
    let mut group = c.benchmark_group("firing");
    group.bench_function("next_wakeup/100k", |b| {
        b.iter(|| assert_eq!(black_box(&engine).next_wakeup(), Some(due)));
    });
    group.throughput(Throughput::Elements(DUE as u64));
    group.bench_function("due_at_once/10k_of_100k", |b| {
        b.iter_batched(
            || engine.clone(),
            |mut engine| {
                while engine.next_wakeup() == Some(due) {
                    engine.apply(due, Input::Wake).expect("never refused");
                }
                assert_eq!(engine.load_figures().0, DUE);
                engine
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1));
    targets = firing
}
criterion_main!(benches);
