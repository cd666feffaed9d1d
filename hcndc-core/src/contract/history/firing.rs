//! Clauses 1 to 3 for firings and alerts.

use alloc::{vec, vec::Vec};

use super::{Case, StoreFixture, walk};
use crate::{
    contract::{
        sample::{self, World, at},
        store::{lead, put},
    },
    engine::{AlertRow, Change},
    id::{AlertId, AlertRuleId, ExecutionId, ScheduleId},
    model::AlertEvent,
    port::{AlertQuery, Direction, FiringQuery, History},
};

/// Clauses 1 to 3: by id, both ways; by schedule, and by whether they started something; of deleted schedules too.
pub async fn firings_are_paged_and_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = World::new().changes();
    let rows = [
        sample::firing(901, 71),
        sample::open_firing(902, 72),
        sample::firing(9, 72),
        sample::firing(1_000, 99),
    ];
    changes.extend(rows.iter().cloned().map(Change::Firing));
    changes.push(Change::ScheduleCursor(sample::cursor(71, Some(901))));
    put(store, fence, changes).await;
    for (direction, expected) in [
        (Direction::Ascending, [9, 901, 902, 1_000]),
        (Direction::Descending, [1_000, 902, 901, 9]),
    ] {
        for limit in 1..=5 {
            let all = walk(limit, direction, async |page| {
                let query = FiringQuery {
                    page,
                    ..FiringQuery::default()
                };
                store.firings(&query).await
            });
            let ids: Vec<_> = all.await.iter().map(|row| row.id.0).collect();
            assert_eq!(ids, expected);
        }
    }
    for (schedule, started, expected) in [
        (Some(72), None, vec![9, 902]),
        (Some(72), Some(true), vec![902]),
        (None, Some(false), vec![9, 901, 1_000]),
        (Some(u64::MAX), None, vec![]),
    ] {
        let query = FiringQuery {
            schedule: schedule.map(ScheduleId),
            started,
            ..FiringQuery::default()
        };
        let page = store.firings(&query).await.expect("a page");
        let ids: Vec<_> = page.items.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, expected, "{query:?}");
        assert!(page.items.iter().all(|row| rows.contains(row)));
    }
    let cursor = store.schedule_cursor(ScheduleId(71)).await.expect("read");
    assert_eq!(cursor, Some(sample::cursor(71, Some(901))));
    for id in [0, 99, u64::MAX] {
        let none = store.schedule_cursor(ScheduleId(id)).await;
        assert_eq!(none.expect("read"), None);
    }
}

/// Clauses 1 to 3: by id, both ways; by what they are about, their rule, and whether they wait.
pub async fn alerts_are_paged_and_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let rows = [
        sample::alert(7, 8),
        AlertRow {
            schedule: None,
            execution: Some(ExecutionId(32)),
            ..sample::alert(30, 9)
        },
        AlertRow {
            closed_at: Some(at(25)),
            event: AlertEvent::ExecutorLost,
            acknowledged_at: Some(at(26)),
            acknowledged_by: Some("小王".into()),
            escalate_at: None,
            ..sample::alert(100, 8)
        },
    ];
    put(
        store,
        fence,
        rows.iter().cloned().map(Change::Alert).collect(),
    )
    .await;
    for (direction, expected) in [
        (Direction::Ascending, [7, 30, 100]),
        (Direction::Descending, [100, 30, 7]),
    ] {
        let all = walk(2, direction, async |page| {
            let query = AlertQuery {
                page,
                ..AlertQuery::default()
            };
            store.alerts(&query).await
        });
        let ids: Vec<_> = all.await.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, expected);
    }
    let all = AlertQuery::default;
    for (query, expected) in [
        (
            AlertQuery {
                schedule: Some(ScheduleId(71)),
                ..all()
            },
            vec![7, 100],
        ),
        (
            AlertQuery {
                execution: Some(ExecutionId(32)),
                ..all()
            },
            vec![30],
        ),
        (
            AlertQuery {
                rule: Some(AlertRuleId(8)),
                waiting: Some(true),
                ..all()
            },
            vec![7],
        ),
        (
            AlertQuery {
                waiting: Some(false),
                ..all()
            },
            vec![100],
        ),
        (
            AlertQuery {
                ids: [7, 100, 8, u64::MAX].map(AlertId).into(),
                ..all()
            },
            vec![7, 100],
        ),
        (
            AlertQuery {
                acknowledged: Some(true),
                ..all()
            },
            vec![100],
        ),
        (
            AlertQuery {
                acknowledged: Some(false),
                rule: Some(AlertRuleId(9)),
                ..all()
            },
            vec![30],
        ),
        (
            AlertQuery {
                events: vec![AlertEvent::ExecutorLost, AlertEvent::DataSourceDown],
                ..all()
            },
            vec![100],
        ),
        (
            AlertQuery {
                rule: Some(AlertRuleId(u64::MAX)),
                ..all()
            },
            vec![],
        ),
    ] {
        let page = store.alerts(&query).await.expect("a page");
        let ids: Vec<_> = page.items.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, expected, "{query:?}");
        assert!(page.items.iter().all(|row| rows.contains(row)));
    }
}
