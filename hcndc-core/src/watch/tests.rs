use alloc::{borrow::ToOwned as _, vec};

use super::*;
use crate::{
    engine::{Change, EditBatch, FiringOutcome, Input, Settings, Snapshot},
    model::{
        Edit, FileEventDraft, FileServerDraft, FileServerKind, FlowDraft, JobDraft, Ref,
        ScheduleDraft, TriggerDraft,
    },
    trigger::TimeOfDay,
};

/// Noon of 2026-11-22, so that the data date is the 21st.
fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn at(seconds: u64) -> Timestamp {
    noon().after(Duration::from_secs(seconds))
}

/// An engine with this event and a schedule that waits for it, and a watch that follows it.
fn watching(change: impl FnOnce(&mut FileEventDraft)) -> (Engine, Watch) {
    let mut engine =
        Engine::load(noon(), Settings::default(), Snapshot::default()).expect("it is empty");
    let server = FileServerDraft::new("here", FileServerKind::Local, "");
    let mut event = FileEventDraft::new("ledger", Ref::Name("here".into()), "/in/${date}.csv");
    change(&mut event);
    let trigger = TriggerDraft::File(Ref::Name("ledger".into()));
    let schedule = ScheduleDraft::new("daily", Ref::Name("load".into()), trigger);
    let edits: Vec<Edit> = vec![
        Edit::PutFlow(FlowDraft::new("load")),
        server.into(),
        event.into(),
        schedule.into(),
    ];
    let by = "ann".to_owned();
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(noon(), batch).expect("they are good");
    let mut watch = Watch::default();
    watch.follow(noon(), &engine);
    (engine, watch)
}

fn file(path: &str, size: u64, date: Option<&str>) -> FoundFile {
    FoundFile {
        path: path.to_owned(),
        size,
        modified: noon(),
        date: date.map(|it| it.parse().expect("a date")),
        is_complete: true,
    }
}

/// The only look that is due.
fn look(watch: &mut Watch, now: Timestamp) -> Look {
    let mut looks = watch.take_due(now);
    let look = looks.pop().expect("a look is due");
    assert!(looks.is_empty(), "{looks:?}");
    look
}

/// What arrives by a look that finds these.
fn found(
    engine: &Engine,
    watch: &mut Watch,
    now: Timestamp,
    files: &[FoundFile],
) -> (Sight, Vec<String>) {
    let look = look(watch, now);
    let event = look.event.id;
    let looked = Looked {
        event,
        number: look.number,
        found: Ok(files.to_vec()),
    };
    let is_used = |key: &str| engine.is_file_used(event, key);
    let room = engine.room_for_files(event);
    let came = watch.looked(now, looked, room, is_used);
    let (sight, arrivals) = came.expect("it was asked");
    (sight, arrivals.into_iter().map(|it| it.key).collect())
}

#[test]
fn a_file_counts_when_two_looks_see_the_same() {
    let (engine, mut watch) = watching(|_| {});
    let small = file("/in/2026-11-21.csv", 1, Some("2026-11-21"));
    let whole = file("/in/2026-11-21.csv", 2, Some("2026-11-21"));
    let none: [&str; 0] = [];
    assert_eq!(found(&engine, &mut watch, at(0), &[small]).1, none);
    // It is looked at again before the next minute.
    assert_eq!(watch.next_wakeup(), Some(at(5)));
    let (sight, arrived) = found(&engine, &mut watch, at(5), core::slice::from_ref(&whole));
    assert_eq!((sight.waiting, arrived.len()), (1, 0));
    let (sight, arrived) = found(&engine, &mut watch, at(10), &[whole]);
    assert_eq!((sight.used, arrived), (1, vec!["2026-11-21".to_owned()]));
    assert_eq!(watch.next_wakeup(), Some(at(70)));
}

#[test]
fn what_was_used_does_not_arrive_again() {
    let (mut engine, mut watch) = watching(|event| event.marker = Some("*.ok".into()));
    let event = engine.file_events().next().expect("one").id;
    let files = [file("/in/2026-11-21.csv", 1, Some("2026-11-21"))];
    let (_, arrived) = found(&engine, &mut watch, at(0), &files);
    let arrived = Input::FileArrived {
        event,
        key: arrived[0].clone(),
        data_date: None,
    };
    engine.apply(at(0), arrived).expect("it is known");
    let (sight, arrived) = found(&engine, &mut watch, at(60), &files);
    assert_eq!((sight.used, arrived.len()), (1, 0));
    // Nor for whoever loads what is stored.
    let mut watch = Watch::default();
    watch.follow(at(60), &engine);
    assert!(found(&engine, &mut watch, at(60), &files).1.is_empty());
}

#[test]
fn a_file_without_its_marker_waits() {
    let (engine, mut watch) = watching(|event| event.marker = Some("*.ok".into()));
    let mut one = file("/in/2026-11-21.csv", 1, Some("2026-11-21"));
    one.is_complete = false;
    let (sight, arrived) = found(&engine, &mut watch, at(0), core::slice::from_ref(&one));
    assert_eq!((sight.waiting, arrived.len()), (1, 0));
    one.is_complete = true;
    assert_eq!(found(&engine, &mut watch, at(60), &[one]).1.len(), 1);
}

#[test]
fn a_file_is_left_alone_for_as_long_as_its_event_asks() {
    let (engine, mut watch) = watching(|event| event.min_age = Duration::from_secs(30));
    let files = [file("/in/2026-11-21.csv", 1, Some("2026-11-21"))];
    assert!(found(&engine, &mut watch, at(0), &files).1.is_empty());
    assert_eq!(watch.next_wakeup(), Some(at(30)));
    assert_eq!(found(&engine, &mut watch, at(30), &files).1.len(), 1);
}

#[test]
fn many_files_of_a_date_arrive_once_or_each_for_itself() {
    let files = [
        file("/in/a.csv", 1, Some("2026-11-20")),
        file("/in/b.csv", 1, Some("2026-11-20")),
        file("/in/c.csv", 1, Some("2026-11-21")),
    ];
    for (per, keys) in [
        (FilePer::Date, vec!["2026-11-20", "2026-11-21"]),
        (FilePer::File, vec!["/in/a.csv", "/in/b.csv", "/in/c.csv"]),
    ] {
        let (engine, mut watch) = watching(|event| {
            event.per = per;
            event.path = "/in/*.csv".into();
        });
        found(&engine, &mut watch, at(0), &files);
        assert_eq!(found(&engine, &mut watch, at(5), &files).1, keys);
    }
}

#[test]
fn more_files_than_can_wait_for_their_turn_arrive_one_batch_after_the_other() {
    let (mut engine, mut watch) = watching(|event| {
        event.per = FilePer::File;
        event.path = "/in/*.csv".into();
    });
    let job = JobDraft::new(Ref::Name("load".into()), "read", "sh read.sh");
    let by = "ann".to_owned();
    let edits = vec![Edit::PutJob(job)];
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(noon(), batch).expect("it is good");
    let event = engine.file_events().next().expect("one").id;
    let files: Vec<_> = (0..1_500)
        .map(|n| file(&format!("/in/{n:04}.csv"), 1, None))
        .collect();
    found(&engine, &mut watch, at(0), &files);
    let (sight, arrived) = found(&engine, &mut watch, at(5), &files);
    assert_eq!((arrived.len(), sight.waiting), (1_000, 500));
    for key in arrived {
        let data_date = None;
        let arrived = Input::FileArrived {
            event,
            key,
            data_date,
        };
        let step = engine.apply(at(5), arrived).expect("it is known");
        let skips = |change: &Change| matches!(change, Change::Firing(row) if matches!(row.outcome, FiringOutcome::Skipped { .. }));
        assert!(!step.changes.iter().any(skips), "used for nothing");
    }
    // One runs and the others wait, so there is room for one more.
    assert_eq!(watch.next_wakeup(), Some(at(10)));
    let (sight, arrived) = found(&engine, &mut watch, at(10), &files);
    assert_eq!((arrived.len(), sight.waiting), (1, 499));
    let key = arrived.into_iter().next().expect("one");
    let data_date = None;
    let arrived = Input::FileArrived {
        event,
        key,
        data_date,
    };
    engine.apply(at(10), arrived).expect("it is known");
    let (_, arrived) = found(&engine, &mut watch, at(15), &files);
    assert!(arrived.is_empty());
    assert_eq!(
        watch.next_wakeup(),
        Some(at(75)),
        "no room is looked for in haste"
    );

    let schedules = vec![engine.schedules().next().expect("one").id];
    let (paused, by) = (true, "ann".to_owned());
    let pause = Input::PauseSchedules {
        schedules,
        paused,
        by,
    };
    engine.apply(at(16), pause).expect("it is not paused");
    assert_eq!(
        engine.room_for_files(event),
        usize::MAX,
        "it holds nobody up"
    );
}

#[test]
fn a_name_that_tells_no_date_is_unfit_where_one_is_asked_for() {
    let (engine, mut watch) = watching(|event| event.date_pattern = Some("%Y%m%d".into()));
    let (sight, _) = found(&engine, &mut watch, at(0), &[file("/in/a.csv", 1, None)]);
    assert_eq!((sight.unfit, sight.waiting), (1, 0));
}

#[test]
fn a_file_of_one_name_counts_each_time_that_it_is_written() {
    let (_, mut watch) = watching(|event| {
        event.per = FilePer::File;
        event.path = "/in/now.csv".into();
    });
    let event = look(&mut watch, at(0)).event;
    let first = file("/in/now.csv", 1, None);
    let second = FoundFile {
        modified: at(86_400),
        ..first.clone()
    };
    assert_ne!(key(&event, &first), key(&event, &second));
}

#[test]
fn a_look_that_fails_is_made_again_and_sooner_where_looks_are_rare() {
    let (engine, mut watch) = watching(|event| event.interval = Duration::from_secs(3_600));
    let mut now = at(0);
    for wait in [10, 20, 40, 80, 160, 300, 300] {
        let look = look(&mut watch, now);
        let looked = Looked {
            event: look.event.id,
            number: look.number,
            found: Err("gone".to_owned()),
        };
        let (sight, arrived) = watch
            .looked(now, looked, 1, |_| false)
            .expect("it was asked");
        assert_eq!(sight.trouble.as_deref(), Some("gone"));
        assert!(arrived.is_empty());
        now = now.after(Duration::from_secs(wait));
        assert_eq!(watch.next_wakeup(), Some(now));
    }
    // It answers again.
    found(&engine, &mut watch, now, &[]);
    assert_eq!(
        watch.next_wakeup(),
        Some(now.after(Duration::from_secs(3_600)))
    );
}

#[test]
fn nothing_is_looked_for_outside_of_the_window() {
    let time = |hour| TimeOfDay::new(hour, 0, 0).expect("a time");
    for (from, to, is_looked) in [
        (11, 13, true),
        (13, 11, false),
        (22, 12, true),
        (13, 14, false),
    ] {
        let (_, mut watch) = watching(|event| {
            event.window = Some(Window {
                from: time(from),
                to: time(to),
            });
        });
        assert_eq!(!watch.take_due(at(0)).is_empty(), is_looked, "{from}-{to}");
        let next = watch.next_wakeup();
        assert_eq!(next.is_some(), !is_looked);
    }
}

#[test]
fn only_what_a_schedule_waits_for_is_looked_for() {
    let (_, mut watch) = watching(|event| event.enabled = false);
    assert!(watch.take_due(at(0)).is_empty());
    assert_eq!(watch.next_wakeup(), None);
}

#[test]
fn a_change_makes_what_is_under_way_void() {
    let (mut engine, mut watch) = watching(|_| {});
    let late = look(&mut watch, at(0));
    let mut event = FileEventDraft::new("ledger", Ref::Name("here".into()), "/in/x-${date}.csv");
    event.id = Some(late.event.id);
    let by = "ann".to_owned();
    let edits = vec![event.into()];
    let batch = Input::Edit(EditBatch { by, edits });
    engine.apply(at(1), batch).expect("it is good");
    watch.follow(at(1), &engine);
    let looked = Looked {
        event: late.event.id,
        number: late.number,
        found: Ok(vec![]),
    };
    assert_eq!(watch.looked(at(1), looked, 1, |_| false), None);
    assert_eq!(look(&mut watch, at(1)).event.path, "/in/x-${date}.csv");
}

#[test]
fn dates_go_back_a_week_but_not_before_the_event() {
    let (_, mut watch) = watching(|_| {});
    let event = look(&mut watch, at(0)).event;
    let days = |now: Timestamp| -> Vec<String> {
        let dates = dates(&event, now).into_iter();
        dates.map(|date| date.to_string()).collect()
    };
    assert_eq!(days(at(0)), ["2026-11-21"]);
    assert_eq!(days(at(86_400)), ["2026-11-22", "2026-11-21"]);
    assert_eq!(days(at(30 * 86_400)).len(), 7);
}
