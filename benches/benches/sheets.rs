//! How long an import of a sheet takes: jobs in a workbook, read, planned and put into an engine.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    model::{Condition, DependencyDraft, Edit, FlowDraft, FlowRef, JobDraft, JobRef},
    time::Timestamp,
};
use hcndc_web::interchange::{Lang, RowOutcome, SheetFormat, SheetKind, export_sheet, plan_sheet};

const FLOWS: usize = 100;
const JOBS: usize = 10_000;

fn apply(engine: &mut Engine, edits: Vec<Edit>) {
    let by = "bench".into();
    let batch = Input::Edit(EditBatch { by, edits });
    let applied = engine.apply(Timestamp::from_micros(0), batch);
    assert!(applied.is_ok(), "{applied:?}");
}

fn flows() -> Engine {
    let mut engine = Engine::default();
    let flow = |at| Edit::PutFlow(FlowDraft::new(format!("flow {at}")));
    apply(&mut engine, (0..FLOWS).map(flow).collect());
    engine
}

/// A workbook of 10,000 jobs, each of which waits for two others.
fn workbook() -> Vec<u8> {
    let mut engine = flows();
    let flow = |at: usize| format!("flow {}", at % FLOWS);
    let name = |at: usize| format!("job {at}");
    let job = |at: usize| {
        let mut draft = JobDraft::new(FlowRef::Name(flow(at)), name(at), "sh load.sh ${date}");
        draft.description = "Loads what arrived for the day".into();
        let before = [at.checked_sub(FLOWS), at.checked_sub(FLOWS + 1)];
        let ties = before.into_iter().flatten().map(|other| {
            let (flow, job) = (flow(other), name(other));
            DependencyDraft::new(JobRef::Name { flow, job }, Condition::Success)
        });
        draft.dependencies = ties.collect();
        Edit::PutJob(draft)
    };
    apply(&mut engine, (0..JOBS).map(job).collect());
    let book = export_sheet(SheetKind::Jobs, SheetFormat::Xlsx, Lang::En, &engine);
    book.unwrap_or_else(|error| panic!("{error}"))
}

fn import(c: &mut Criterion) {
    let (book, engine) = (workbook(), flows());
    let mut group = c.benchmark_group("sheets");
    group.sample_size(10);
    group.bench_function("import/xlsx_10k_jobs", |b| {
        b.iter_batched(
            || engine.clone(),
            |mut engine| {
                let plan = plan_sheet("jobs.xlsx", &book, None, &engine, Lang::En);
                let plan = plan.unwrap_or_else(|faults| panic!("{:?}", faults.first()));
                assert_eq!(plan.count(RowOutcome::Created), JOBS);
                apply(&mut engine, plan.edits);
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
