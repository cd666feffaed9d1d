//! Real workflows under every limit from 1 to 64: each job once, never before those that it waits for, never more at once
//! than may, and nothing idle while something could run.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hcndc_core::{
    engine::{
        EditBatch, Effect, End, EndCause, Engine, Input, Order, Report, RunOrder, Settings, Start,
        TriggerKind,
    },
    id::AttemptId,
    model::{Edit, ExecutorDraft},
    time::Timestamp,
};
use hcndc_web::interchange::{Existing, MeshFile, edits, import_wfcommons};

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/wfinstances");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .filter(|path| path.file_name().is_none_or(|name| name != "stats.json"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 11);
    files
}

/// The jobs that each job waits for, as the file has them.
fn parents(mesh: &MeshFile) -> BTreeMap<&str, Vec<&str>> {
    let jobs = mesh.flows[0].jobs.iter();
    jobs.map(|job| {
        let parents = job.depends_on.iter().map(|it| it.job.as_str());
        (job.name.as_str(), parents.collect())
    })
    .collect()
}

/// How long the trace says that the job took.
fn takes(order: &RunOrder) -> Duration {
    let seconds = order
        .command
        .strip_prefix("sleep ")
        .and_then(|it| it.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

/// An engine that knows the trace, and one executor that has room for all.
fn engine_of(mesh: &MeshFile) -> Engine {
    let begin = Timestamp::from_micros(0);
    let mut engine = Engine::default();
    let mut all = edits(mesh, None, &Existing::default());
    all.push(Edit::PutExecutor(ExecutorDraft::new("here", "local", 1000)));
    let by = "test".to_owned();
    engine
        .apply(begin, Input::Edit(EditBatch { by, edits: all }))
        .unwrap();
    let executor = engine.executors().next().unwrap().id;
    let report = Report::hello("1".to_owned(), Vec::new());
    engine
        .apply(begin, Input::Report { executor, report })
        .unwrap();
    engine
}

/// A run of the whole trace; its parts are checked as they happen. Returns the time that it took.
fn run(known: &Engine, parents: &BTreeMap<&str, Vec<&str>>, limit: u32) -> Duration {
    let begin = Timestamp::from_micros(0);
    let mut engine = known.clone();
    let settings = Settings {
        max_running: limit,
        ..Settings::default()
    };
    engine.apply(begin, Input::Configure(settings)).unwrap();
    let executor = engine.executors().next().unwrap().id;
    let start = Start {
        flows: engine.flows().map(|flow| flow.id).collect(),
        jobs: None,
        downstream: false,
        data_date: "2026-11-21".parse().unwrap(),
        date_format: None,
        params: Vec::new(),
        trigger: TriggerKind::Manual,
        by: "test".to_owned(),
    };

    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut alive: BTreeMap<(Timestamp, AttemptId), String> = BTreeMap::new();
    let mut now = begin;
    let mut input = Input::Start(start);
    loop {
        for effect in engine.apply(now, input).unwrap().effects {
            if let Effect::Tell {
                order: Order::Run(order),
                ..
            } = effect
            {
                for parent in &parents[order.job.as_str()] {
                    assert!(done.contains(*parent), "{} before {parent}", order.job);
                }
                assert!(!done.contains(&order.job), "{} runs twice", order.job);
                alive.insert((now.after(takes(&order)), order.attempt), order.job);
            }
        }
        assert!(alive.len() <= limit as usize, "{} at once", alive.len());
        let (_, queued, live) = engine.load_figures();
        assert_eq!(live, alive.len());
        assert!(queued == 0 || live == limit as usize, "a place is idle");
        let Some(((at, attempt), job)) = alive.pop_first() else {
            break;
        };
        now = at;
        let report = finished(attempt, at);
        input = Input::Report { executor, report };
        done.insert(job);
    }
    assert_eq!(done.len(), parents.len(), "all have run");
    assert_eq!(engine.check(), []);
    assert_eq!(engine.load_figures(), (0, 0, 0));
    now.since(begin)
}

fn finished(attempt: AttemptId, at: Timestamp) -> Report {
    let end = End {
        cause: EndCause::Exited(0),
        started_at: None,
        ended_at: at,
        peak_memory_bytes: 0,
        cpu_time: Duration::ZERO,
        log_bytes: 0,
        outputs: BTreeMap::new(),
    };
    Report::Finished { attempt, end }
}

/// The longest way through the trace, in the jobs' own times.
fn critical_path(mesh: &MeshFile) -> Duration {
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    let jobs = &mesh.flows[0].jobs;
    while ends.len() < jobs.len() {
        for job in jobs
            .iter()
            .filter(|job| !ends.contains_key(job.name.as_str()))
            .collect::<Vec<_>>()
        {
            let before: Option<Vec<f64>> = job
                .depends_on
                .iter()
                .map(|it| ends.get(it.job.as_str()).copied())
                .collect();
            if let Some(before) = before {
                let own = job
                    .command
                    .strip_prefix("sleep ")
                    .map_or(0.0, |it| it.parse().unwrap());
                ends.insert(&job.name, before.into_iter().fold(0.0, f64::max) + own);
            }
        }
    }
    Duration::from_secs_f64(ends.into_values().fold(0.0, f64::max))
}

#[test]
fn every_trace_keeps_its_order_under_every_limit() {
    for path in traces() {
        let mesh = import_wfcommons(&path, 1.0).unwrap();
        let parents = parents(&mesh);
        let engine = engine_of(&mesh);
        let (alone, critical) = (run(&engine, &parents, 1), critical_path(&mesh));
        for limit in 2..=64 {
            // R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969: so holds for all that leave nothing idle.
            let bound = alone / limit + critical * (limit - 1) / limit + Duration::from_millis(1);
            let took = run(&engine, &parents, limit);
            let least = critical.max(alone / limit) - Duration::from_millis(1);
            assert!(
                took <= bound && took >= least,
                "{}: {took:?} with {limit}",
                path.display()
            );
        }
    }
}
