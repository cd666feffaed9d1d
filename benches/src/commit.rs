//! Rows to store: a started execution of a given size.

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Start, TriggerKind},
    model::{Edit, FlowDraft, FlowRef, JobDraft},
    port::Commit,
    time::{DataDate, Timestamp},
};

/// All that is stored when an execution of one flow with this many independent jobs is made and started.
///
/// # Panics
/// If the engine refuses it, which it does not.
#[must_use]
pub fn started_execution(jobs: usize) -> Commit {
    let mut engine = Engine::default();
    let now = Timestamp::from_micros(0);
    let flow = || FlowRef::Name("night".to_owned());
    let jobs = (0..jobs).map(|at| Edit::PutJob(JobDraft::new(flow(), format!("job-{at}"), "true")));
    let edits = [Edit::PutFlow(FlowDraft::new("night"))]
        .into_iter()
        .chain(jobs)
        .collect();
    let batch = EditBatch {
        by: "bench".to_owned(),
        edits,
    };
    let edited = engine.apply(now, Input::Edit(batch)).expect("a sound edit");
    let flows = engine.flows().map(|flow| flow.id).collect();
    let start = Start {
        flows,
        jobs: None,
        downstream: false,
        data_date: DataDate::day_before(now, chrono_tz::UTC),
        date_format: None,
        params: Vec::new(),
        trigger: TriggerKind::Manual,
        by: "bench".to_owned(),
    };
    let started = engine
        .apply(now, Input::Start(start))
        .expect("a sound start");
    let mut changes = edited.changes;
    changes.extend(started.changes);
    Commit {
        next_id: engine.next_id(),
        changes,
    }
}
