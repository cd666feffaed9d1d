//! Clauses 4 and 5 for what schedules did, and for alerts.

use alloc::{string::String, vec, vec::Vec};

use super::{Case, StoreFixture, lead, load, put};
use crate::{
    contract::sample::{self, at},
    engine::{AlertRow, Change, DueBy, DueState, FiringOutcome, FiringRow, SkipReason},
    id::{AlertId, FileEventId, FiringId, ScheduleId},
    model::{AlertEvent, Definition, DefinitionId},
    port::Store as _,
};

/// Schedules 71 to 74, and all that they need.
fn definitions() -> Vec<Change> {
    let all = sample::World::new().definitions.into_iter();
    all.map(Change::DefinitionPut).collect()
}

/// The id of some file event.
fn file_event() -> u64 {
    let mut all = sample::World::new().definitions.into_iter();
    let found = all.find_map(|it| {
        let Definition::FileEvent(event) = it else {
            return None;
        };
        Some(event.id.0)
    });
    found.expect("the world has one")
}

/// Clause 5: firings that are open and the latest of each schedule, cursors, files, and nothing of what is deleted.
pub async fn what_schedules_used_is_loaded<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let event = file_event();
    let key = "每日/a 'b'.csv";
    let queued = FiringRow {
        outcome: FiringOutcome::Queued,
        ..sample::firing(900, 72)
    };
    let mut changes = definitions();
    changes.extend([
        Change::Firing(sample::firing(901, 71)),
        Change::Firing(sample::firing(902, 71)),
        Change::Firing(sample::open_firing(903, 71)),
        Change::Firing(queued.clone()),
        Change::ScheduleCursor(sample::cursor(71, Some(901))),
        Change::ScheduleCursor(sample::cursor(72, None)),
        Change::ScheduleCursor(sample::cursor(71, Some(902))),
        Change::FileKey(sample::file(event, key)),
        Change::FileKey(sample::file(event, "2026-11-21")),
    ]);
    put(&case.store, fence, changes).await;
    for store in [&case.store, &fixture.reopen(case).await] {
        let snapshot = load(store).await;
        let cursors = [sample::cursor(71, Some(902)), sample::cursor(72, None)];
        assert_eq!(snapshot.cursors, cursors);
        let firings = [
            queued.clone(),
            sample::firing(902, 71),
            sample::open_firing(903, 71),
        ];
        assert_eq!(snapshot.firings, firings);
        let files = [sample::file(event, "2026-11-21"), sample::file(event, key)];
        assert_eq!(snapshot.files, files);
    }
    let settled = FiringRow {
        finish_by: Some(DueBy {
            at: at(31),
            state: DueState::Missed,
        }),
        ..sample::open_firing(903, 71)
    };
    let reason = SkipReason::Deleted;
    let skipped = FiringRow {
        outcome: FiringOutcome::Skipped { reason },
        ..queued
    };
    let changes = vec![
        Change::Firing(settled),
        Change::Firing(skipped),
        Change::DefinitionDeleted(DefinitionId::Schedule(ScheduleId(71))),
        Change::DefinitionDeleted(DefinitionId::Schedule(ScheduleId(72))),
        Change::DefinitionDeleted(DefinitionId::FileEvent(FileEventId(event))),
    ];
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert_eq!(snapshot.cursors, []);
    assert_eq!(snapshot.firings, []);
    assert_eq!(snapshot.files, []);
}

/// Clause 5: every outcome and every state of a deadline comes back.
pub async fn every_outcome_of_a_firing_comes_back<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    put(&case.store, fence, definitions()).await;
    for &reason in SkipReason::ALL {
        for &state in DueState::ALL {
            let row = FiringRow {
                outcome: FiringOutcome::Skipped { reason },
                start_by: Some(DueBy { at: at(9), state }),
                ..sample::firing(901, 71)
            };
            let cursor = Change::ScheduleCursor(sample::cursor(71, Some(901)));
            put(
                &case.store,
                fence,
                vec![Change::Firing(row.clone()), cursor],
            )
            .await;
            assert_eq!(load(&case.store).await.firings, [row]);
        }
    }
    assert_eq!(load(&case.store).await.cursors[0].last, Some(FiringId(901)));
}

/// Clause 5: until people were told, or nobody can be; and as long as its cause lasts.
pub async fn an_alert_is_loaded_while_it_is_open<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let open = sample::alert(7, 8);
    let lasting = AlertRow {
        event: AlertEvent::LongerThanUsual,
        closed_at: Some(at(25)),
        escalate_at: None,
        lasts: true,
        ..sample::alert(9, 8)
    };
    let unanswered = AlertRow {
        closed_at: Some(at(25)),
        ..sample::alert(12, 8)
    };
    let told = AlertRow {
        closed_at: Some(at(25)),
        escalate_at: None,
        error: Some(String::from("谁也没有被告知")),
        ..sample::alert(10, 8)
    };
    let bare = AlertRow {
        event: AlertEvent::ExecutorLost,
        schedule: None,
        firing: None,
        execution: None,
        job_run: None,
        data_source: None,
        data_date: None,
        ..sample::alert(11, 8)
    };
    let rows = [&told, &lasting, &open, &bare, &unanswered];
    let changes = rows.map(|row| Change::Alert(row.clone()));
    put(&case.store, fence, changes.into()).await;
    assert_eq!(
        load(&case.store).await.alerts,
        [open.clone(), lasting, bare, unanswered.clone()]
    );
    let closed = AlertRow {
        closed_at: Some(at(26)),
        escalate_at: None,
        over_at: Some(at(27)),
        ..open
    };
    let acknowledged = AlertRow {
        escalate_at: None,
        acknowledged_at: Some(at(28)),
        acknowledged_by: Some(String::from("小王")),
        ..unanswered
    };
    let changes = [closed, acknowledged].map(Change::Alert);
    put(&case.store, fence, changes.into()).await;
    let ids: Vec<_> = load(&case.store).await.alerts;
    let ids: Vec<_> = ids.iter().map(|row| row.id.0).collect();
    assert_eq!(ids, [9, 11]);
}

/// Clause 7: by id, and with those that are linked to them; what is not there is left out.
pub async fn any_stored_alert_can_be_loaded<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let escalated = AlertRow {
        escalate_at: None,
        escalated: Some(AlertId(9)),
        closed_at: Some(at(25)),
        ..sample::alert(7, 8)
    };
    let escalates = AlertRow {
        escalate_at: None,
        escalates: Some(AlertId(7)),
        acknowledged_at: Some(at(26)),
        acknowledged_by: Some(String::from("小王")),
        over_at: Some(at(27)),
        ..sample::alert(9, 8)
    };
    let others = [sample::alert(8, 8), sample::alert(10, 8)];
    let rows = [&escalated, &escalates, &others[0], &others[1]];
    let changes = rows.map(|row| Change::Alert(row.clone()));
    put(&case.store, fence, changes.into()).await;
    for (ids, expected) in [
        (vec![7], vec![&escalated, &escalates]),
        (vec![9, 8], vec![&escalated, &others[0], &escalates]),
        (vec![9, 7, 9], vec![&escalated, &escalates]),
        (vec![0, 11, u64::MAX], vec![]),
        (vec![], vec![]),
    ] {
        let ids: Vec<AlertId> = ids.into_iter().map(AlertId).collect();
        let loaded = case.store.load_alerts(&ids).await.expect("load");
        assert_eq!(loaded.iter().collect::<Vec<_>>(), expected, "{ids:?}");
    }
}
