//! Clauses 1 to 3 for backfills, and for what they and schedules started.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::{Case, StoreFixture, walk};
use crate::{
    contract::{
        sample::{self, World},
        store::{lead, put},
    },
    engine::{
        BackfillDateRow, BackfillDateState, BackfillRow, BackfillState, Change, ExecutionRow,
        StartKeyRow, Started, TriggerKind,
    },
    id::{BackfillId, ExecutionId, FlowId, ScheduleId},
    port::{BackfillQuery, BackfillView, Direction, ExecutionQuery, History},
};

fn rows() -> Vec<BackfillRow> {
    let row = |id, state, flow| BackfillRow {
        state,
        flow: FlowId(flow),
        ..sample::backfill(id)
    };
    vec![
        row(81, BackfillState::Running, 1),
        row(9, BackfillState::Failed, 1),
        row(100, BackfillState::Succeeded, 2),
        row(82, BackfillState::Stopped, 2),
    ]
}

/// Clauses 2 and 3: by id, both ways; by states and flow, and by both.
pub async fn backfills_are_paged_and_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(
        store,
        fence,
        rows().into_iter().map(Change::Backfill).collect(),
    )
    .await;
    for (direction, expected) in [
        (Direction::Ascending, [9, 81, 82, 100]),
        (Direction::Descending, [100, 82, 81, 9]),
    ] {
        for limit in 1..=5 {
            let all = walk(limit, direction, async |page| {
                let query = BackfillQuery {
                    page,
                    ..BackfillQuery::default()
                };
                store.backfills(&query).await
            });
            let ids: Vec<_> = all.await.iter().map(|view| view.row.id.0).collect();
            assert_eq!(ids, expected);
        }
    }
    for (states, flow, expected) in [
        (
            vec![BackfillState::Failed, BackfillState::Stopped],
            None,
            vec![9, 82],
        ),
        (vec![], Some(2), vec![82, 100]),
        (vec![BackfillState::Stopped], Some(2), vec![82]),
        (vec![BackfillState::Stopping], None, vec![]),
        (vec![], Some(u64::MAX), vec![]),
    ] {
        let query = BackfillQuery {
            states,
            flow: flow.map(FlowId),
            ..BackfillQuery::default()
        };
        let page = store.backfills(&query).await.expect("a page");
        let ids: Vec<_> = page.items.iter().map(|view| view.row.id.0).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
}

/// Clause 1: how many dates are in which state, and each of them.
pub async fn a_backfill_shows_its_dates<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let date = |data_date: &str, state, execution| BackfillDateRow {
        state,
        execution: Some(ExecutionId(execution)),
        ..sample::backfill_date(81, data_date)
    };
    let dates = [
        date("2026-01-31", BackfillDateState::Succeeded, 7),
        date("2026-02-01", BackfillDateState::Failed, 8),
        sample::backfill_date(81, "2026-02-02"),
    ];
    let mut changes: Vec<_> = rows().into_iter().map(Change::Backfill).collect();
    // In no order.
    changes.extend([2, 0, 1].map(|at| Change::BackfillDate(dates[at])));
    let foreign = sample::backfill_date(9, "2026-01-30");
    changes.push(Change::BackfillDate(foreign));
    put(store, fence, changes).await;
    let view = BackfillView {
        row: rows().remove(0),
        dates: BTreeMap::from([
            (BackfillDateState::Waiting, 1),
            (BackfillDateState::Succeeded, 1),
            (BackfillDateState::Failed, 1),
        ]),
    };
    let one = store.backfill(BackfillId(81)).await.expect("read");
    assert_eq!(one.as_ref(), Some(&view));
    let page = store.backfills(&BackfillQuery::default()).await;
    assert_eq!(page.expect("a page").items[1], view);
    let its = store.backfill_dates(BackfillId(81)).await.expect("read");
    assert_eq!(its, dates);
    for id in [0, 99, u64::MAX] {
        let unknown = BackfillId(id);
        assert_eq!(store.backfill(unknown).await.expect("read"), None);
        assert_eq!(store.backfill_dates(unknown).await.expect("read"), []);
    }
}

/// Clause 3: executions by schedule, and by backfill.
pub async fn executions_are_filtered_by_what_started_them<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = World::new().changes();
    let row = |id, trigger, schedule: Option<u64>, backfill: Option<u64>| {
        Change::Execution(ExecutionRow {
            trigger,
            schedule: schedule.map(ScheduleId),
            backfill: backfill.map(BackfillId),
            ..sample::execution(id)
        })
    };
    changes.extend([
        row(11, TriggerKind::Manual, Some(71), None),
        row(12, TriggerKind::File, Some(72), None),
        row(13, TriggerKind::Backfill, None, Some(81)),
        row(14, TriggerKind::DataDate, Some(72), None),
        row(15, TriggerKind::Backfill, None, Some(82)),
    ]);
    put(store, fence, changes).await;
    for (schedule, backfill, expected) in [
        (Some(71), None, vec![11, 31]),
        (Some(72), None, vec![12, 14]),
        (None, Some(81), vec![13]),
        (Some(72), Some(81), vec![]),
        (Some(u64::MAX), None, vec![]),
        (None, Some(u64::MAX), vec![]),
    ] {
        let query = ExecutionQuery {
            schedule: schedule.map(ScheduleId),
            backfill: backfill.map(BackfillId),
            ..ExecutionQuery::default()
        };
        let page = store.executions(&query).await.expect("a page");
        let ids: Vec<_> = page.items.iter().map(|view| view.row.id.0).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
    for (id, trigger) in [
        (11, TriggerKind::Manual),
        (12, TriggerKind::File),
        (13, TriggerKind::Backfill),
        (14, TriggerKind::DataDate),
        (31, TriggerKind::Schedule),
    ] {
        let one = store.execution(ExecutionId(id)).await.expect("read");
        assert_eq!(one.expect("it is there").row.trigger, trigger);
    }
}

/// A key leads to the execution or the backfill that was asked for under it, however that changes since; other keys lead
/// nowhere, not even those that look alike.
pub async fn a_key_leads_to_what_was_started_under_it<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let row = StartKeyRow {
        started: Started::Execution(ExecutionId(31)),
        key: "night-7 夜".into(),
        print: u64::MAX - 1,
    };
    let filled = StartKeyRow {
        started: Started::Backfill(BackfillId(33)),
        key: "fill-7".into(),
        print: 7,
    };
    let changes = vec![
        Change::StartKey(row.clone()),
        Change::Execution(sample::execution(31)),
        Change::Execution(sample::execution(32)),
        Change::Backfill(sample::backfill(33)),
        Change::StartKey(filled.clone()),
    ];
    put(store, fence, changes).await;
    let again = vec![
        Change::Execution(sample::execution(31)),
        Change::Backfill(sample::backfill(33)),
    ];
    put(store, fence, again).await;
    let found = async |key| store.start_key(key).await.expect("look for a key");
    assert_eq!(found(&row.key).await, Some(row.clone()));
    assert_eq!(found(&filled.key).await, Some(filled.clone()));
    for other in ["", "night-7", "Night-7 夜", "night-7 夜 "] {
        assert_eq!(found(other).await, None);
    }
}
