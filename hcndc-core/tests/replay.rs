//! What was recorded makes the same engine again.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use hcndc_core::{
    engine::{
        EditBatch, Effect, End, EndCause, Engine, Input, Order, Rejected, Report, ResolveError,
        ResolveErrorKind, Settings, Snapshot, Start,
    },
    id::{AttemptId, ExecutorId, ParamId},
    replay::{Mark, Player, Record, ReplayError, Ring},
    time::Timestamp,
    workload::{self, SplitMix64},
};

/// An engine and all that went into it.
struct Taped {
    engine: Engine,
    records: Vec<Record>,
    now: Timestamp,
    alive: Vec<(ExecutorId, AttemptId)>,
}

impl Taped {
    fn send(&mut self, input: Input) {
        let (at, boxed) = (self.now, Box::new(input.clone()));
        self.records.push(Record::Input { at, input: boxed });
        let outcome = self.engine.apply(at, input);
        let mark = Mark::of(&outcome);
        self.records.push(Record::Outcome { mark });
        for effect in outcome.into_iter().flat_map(|step| step.effects) {
            if let Effect::Tell { executor, order } = effect
                && let Order::Run(run) = order
            {
                self.alive.push((executor, run.attempt));
            }
        }
    }
}

/// A night with failures, a stop, refusals and time that goes back.
fn night(seed: u64) -> Taped {
    let (at, settings, snapshot) = (
        Timestamp::default(),
        Settings::default(),
        Snapshot::default(),
    );
    let engine = Engine::load(at, settings.clone(), snapshot.clone()).unwrap();
    let snapshot = Box::new(snapshot);
    let loaded = Record::Loaded {
        at,
        settings,
        snapshot,
    };
    let mut taped = Taped {
        engine,
        records: vec![loaded],
        now: Timestamp::from_micros(5),
        alive: vec![],
    };
    let mut lots = SplitMix64::new(seed);
    for edits in [workload::executors(3, 4), workload::bank_night(seed, 4, 6)] {
        let by = "ann".into();
        taped.send(Input::Edit(EditBatch { by, edits }));
    }
    let executors: Vec<ExecutorId> = taped.engine.executors().map(|it| it.id).collect();
    for executor in executors {
        let (version, held) = ("1".into(), vec![]);
        let report = Report::hello(version, held);
        taped.send(Input::Report { executor, report });
    }
    let flows = taped.engine.flows().map(|flow| flow.id).collect();
    taped.send(Input::Start(Start {
        flows,
        jobs: None,
        downstream: false,
        data_date: "2026-11-21".parse().unwrap(),
        date_format: None,
        params: vec![],
        trigger: hcndc_core::engine::TriggerKind::Manual,
        by: "ann".into(),
    }));
    for _ in 0..120 {
        taped.now = taped
            .now
            .after(Duration::from_millis(lots.below(9_000) as u64));
        if taped.alive.is_empty() || lots.below(10) == 0 {
            taped.send(Input::Wake);
            continue;
        }
        let at = lots.below(taped.alive.len());
        let (executor, attempt) = taped.alive.swap_remove(at);
        let cause = EndCause::Exited(i32::from(lots.below(6) == 0));
        let end = End {
            cause,
            started_at: None,
            ended_at: taped.now,
            peak_memory_bytes: 1,
            cpu_time: Duration::ZERO,
            log_bytes: 2,
            outputs: std::collections::BTreeMap::new(),
        };
        let report = Report::Finished { attempt, end };
        taped.send(Input::Report { executor, report });
    }
    taped
}

fn play(records: &[Record]) -> Result<Player, ReplayError> {
    let mut player = Player::default();
    for record in records {
        player.play(record.clone())?;
    }
    Ok(player)
}

#[test]
fn what_was_recorded_makes_the_same_engine_again() {
    for seed in 0..10 {
        let taped = night(seed);
        let player = play(&taped.records).unwrap();
        let played = player.engine().unwrap();
        assert_eq!(played.snapshot(), taped.engine.snapshot());
        // Indexes, timers and queues too.
        assert_eq!(format!("{played:?}"), format!("{:?}", taped.engine));
        assert_eq!(Mark::of_engine(played), Mark::of_engine(&taped.engine));
    }
}

#[test]
fn a_recording_survives_being_written_down() {
    let taped = night(3);
    let lines: Vec<String> = taped
        .records
        .iter()
        .map(|it| serde_json::to_string(it).unwrap())
        .collect();
    let read = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let read: Vec<Record> = read.collect();
    assert_eq!(read, taped.records);
    let player = play(&read).unwrap();
    assert_eq!(
        Mark::of_engine(player.engine().unwrap()),
        Mark::of_engine(&taped.engine)
    );
}

#[test]
fn answers_to_queries_survive_being_written_down() {
    let values = [(ParamId(1), "一".to_owned()), (ParamId(2), String::new())];
    let why = ResolveErrorKind::ALL.iter().map(|kind| {
        Err(ResolveError {
            param: ParamId(7),
            kind: *kind,
            reason: "so it is".into(),
        })
    });
    for result in why.chain([Ok(values.into())]) {
        let (at, attempt) = (Timestamp::from_micros(1), AttemptId(3));
        let input = Box::new(Input::Resolved { attempt, result });
        let record = Record::Input { at, input };
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}

#[test]
fn a_ring_forgets_and_can_still_be_replayed() {
    let taped = night(4);
    let mut ring = Ring::new(7);
    for record in &taped.records {
        ring.push(record.clone()).unwrap();
    }
    assert_eq!(ring.records().count(), 7);
    assert!(ring.base().is_some());
    let player = ring.replay().unwrap();
    assert_eq!(
        Mark::of_engine(player.engine().unwrap()),
        Mark::of_engine(&taped.engine)
    );
    assert_eq!(player.played(), taped.records.len() as u64);
}

#[test]
fn a_recording_that_begins_later_starts_from_what_was_stored() {
    let before = night(5);
    let (at, settings, snapshot) = (before.now, Settings::default(), before.engine.snapshot());
    let engine = Engine::load(at, settings.clone(), snapshot.clone()).unwrap();
    let snapshot = Box::new(snapshot);
    let player = play(&[Record::Loaded {
        at,
        settings,
        snapshot,
    }])
    .unwrap();
    assert_eq!(
        Mark::of_engine(player.engine().unwrap()),
        Mark::of_engine(&engine)
    );
}

#[test]
fn what_comes_out_otherwise_is_found_where_it_does() {
    let mut taped = night(6);
    let end = taped.records.len() as u64 - 1;
    let Some(Record::Outcome { mark }) = taped.records.last_mut() else {
        panic!("an outcome")
    };
    let played = std::mem::replace(mark, Mark(7));
    let differs = ReplayError::Differs {
        record: end,
        recorded: Mark(7),
        played,
    };
    assert_eq!(play(&taped.records).err(), Some(differs));
}

#[test]
fn a_recording_that_lacks_its_beginning_is_refused() {
    let taped = night(7);
    let lacks = play(&taped.records[1..]).err();
    assert_eq!(lacks, Some(ReplayError::NotLoaded { record: 0 }));
    let (loaded, outcome) = (taped.records[0].clone(), taped.records[2].clone());
    let lacks = play(&[loaded, outcome]).err();
    assert_eq!(lacks, Some(ReplayError::NoInput { record: 1 }));
}

#[test]
fn marks_tell_outcomes_apart() {
    let mut engine = Engine::default();
    let now = Timestamp::default();
    let wake = Mark::of(&engine.apply(now, Input::Wake));
    assert_eq!(wake, Mark::of(&engine.apply(now, Input::Wake)));
    let refused = Mark::of(&Err(Rejected::NoFlows));
    assert_ne!(wake, refused);
}
