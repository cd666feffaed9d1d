//! How long jobs usually take, by the history that a store keeps.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use futures_util::future::FutureExt as _;
use hcndc_core::{
    engine::{
        EditBatch, Effect, End, EndCause, Engine, Input, Order, Report, Start, Step, TriggerKind,
    },
    forecast::usual_durations,
    model::{Edit, ExecutorDraft, FlowDraft, FlowRef, JobDraft},
    port::{Commit, Lease, Store as _},
    time::Timestamp,
};
use hcndc_store_mem::MemStore;

struct Night {
    engine: Engine,
    store: MemStore,
    lease: Lease,
    now: Timestamp,
}

impl Night {
    fn apply(&mut self, input: Input) -> Step {
        let step = self.engine.apply(self.now, input).unwrap();
        let commit = Commit {
            next_id: self.engine.next_id(),
            changes: step.changes.clone(),
        };
        let stored = self.store.commit(self.lease.fence, &commit).now_or_never();
        stored.unwrap().unwrap();
        step
    }

    /// One run of all jobs: each in turn takes so long, and ends with this code.
    fn run(&mut self, took: u64, code: i32) {
        let executor = self.engine.executors().next().unwrap().id;
        let mut step = self.apply(Input::Start(Start {
            flows: self.engine.flows().map(|flow| flow.id).collect(),
            jobs: None,
            downstream: false,
            data_date: "2026-11-21".parse().unwrap(),
            date_format: None,
            params: vec![],
            trigger: TriggerKind::Manual,
            by: "ann".into(),
        }));
        while let Some(Effect::Tell {
            order: Order::Run(order),
            ..
        }) = step.effects.last()
        {
            let started_at = Some(self.now);
            let attempt = order.attempt;
            self.now = self.now.after(Duration::from_secs(took));
            let end = End {
                cause: EndCause::Exited(code),
                started_at,
                ended_at: self.now,
                peak_memory_bytes: 0,
                cpu_time: Duration::ZERO,
                log_bytes: 0,
                outputs: std::collections::BTreeMap::new(),
            };
            let report = Report::Finished { attempt, end };
            step = self.apply(Input::Report { executor, report });
        }
    }
}

#[test]
fn jobs_usually_take_what_their_latest_successful_runs_took() {
    let store = MemStore::new();
    let now = Timestamp::from_micros(0);
    let lease = store.acquire("one", now, Duration::from_secs(3), None);
    let lease = lease.now_or_never().unwrap().unwrap().given().unwrap();
    let mut night = Night {
        engine: Engine::default(),
        store,
        lease,
        now,
    };
    let job = |name: &str| JobDraft::new(FlowRef::Name("nightly".into()), name, "true");
    let edits = vec![
        Edit::PutExecutor(ExecutorDraft::new("here", "local", 1)),
        Edit::PutFlow(FlowDraft::new("nightly")),
        Edit::PutJob(job("load")),
        Edit::PutJob(JobDraft {
            enabled: false,
            ..job("idle")
        }),
    ];
    let by = "ann".into();
    night.apply(Input::Edit(EditBatch { by, edits }));
    let executor = night.engine.executors().next().unwrap().id;
    let (version, held) = ("1".into(), vec![]);
    let report = Report::hello(version, held);
    night.apply(Input::Report { executor, report });
    for (took, code) in [(500, 0), (30, 0), (1, 1), (10, 0), (20, 0)] {
        night.run(took, code);
    }

    let jobs: Vec<_> = night.engine.jobs().map(|job| job.id).collect();
    let usual = |runs| {
        let usual = usual_durations(&night.store, jobs.iter().copied(), runs);
        let usual = usual.now_or_never().unwrap().unwrap();
        usual
            .into_values()
            .map(|it| it.as_secs())
            .collect::<Vec<_>>()
    };
    // The failed run is none of them, and what never ran is left out.
    assert_eq!(usual(3), [20]);
    assert_eq!(usual(2), [10]);
    assert_eq!(usual(1_000), [20]);
}
