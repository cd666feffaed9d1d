//! Clauses 2 and 6: pages.

use alloc::{format, string::String, vec, vec::Vec};

use super::{Case, StoreFixture, walk};
use crate::{
    contract::{
        sample::{self, at},
        store::{lead, put},
    },
    engine::Change,
    id::{ExecutorId, FlowId},
    model::{Executor, Flow, Job, Revision},
    port::{
        Cursor, CursorValue, Direction, ErrorKind, ExecutionQuery, ExecutorQuery, FlowQuery,
        History, JobQuery, JobRunQuery, NamedSort, PageRequest, PortError as _,
    },
};

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];
const SORTS: [NamedSort; 3] = [NamedSort::Id, NamedSort::Name, NamedSort::UpdatedAt];
const LIMITS: [u32; 4] = [1, 3, 20, 1_000];

/// Id, name and revision of twenty definitions. Stored in this order, they come back in another one by id, by name and
/// by time; as numbers, as bytes, and with many ties.
pub(super) fn named() -> Vec<(u64, String, Revision)> {
    let names = [
        "b", "B", "a", "A", "aa", "a b", "10", "9", "é", "e", "f", "任务", "任", "🚀", "￿", "Z",
        "_", "%", "a", "b",
    ];
    let ids = [
        30, 7, 100, 9, 10, 22, 21, 20, 19, 18, 17, 3, 2, 1, 101, 50, 49, 48, 47, 1_000,
    ];
    let rows = names.into_iter().zip(ids);
    rows.map(|(name, id)| {
        let revision = Revision {
            updated_at: at(i64::try_from(id % 4).unwrap_or_default()),
            ..sample::revision(1)
        };
        (id, String::from(name), revision)
    })
    .collect()
}

/// The ids of [`named`], sorted as a list must be.
pub(super) fn expected(sort: NamedSort, direction: Direction) -> Vec<u64> {
    let mut rows = named();
    rows.sort_by(|(a_id, a_name, a_revision), (b_id, b_name, b_revision)| {
        let order = match sort {
            NamedSort::Id => core::cmp::Ordering::Equal,
            NamedSort::Name => a_name.as_bytes().cmp(b_name.as_bytes()),
            NamedSort::UpdatedAt => a_revision.updated_at.cmp(&b_revision.updated_at),
        };
        order.then(a_id.cmp(b_id))
    });
    if direction == Direction::Descending {
        rows.reverse();
    }
    rows.into_iter().map(|(id, ..)| id).collect()
}

/// Clause 2: flows, in pages of every size.
pub async fn flows_are_paged_in_every_sort_and_direction<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let changes = named().into_iter().map(|(id, name, revision)| {
        sample::put_flow(&Flow {
            revision,
            ..sample::flow(id, &name)
        })
    });
    put(store, fence, changes.collect()).await;
    for (sort, direction, limit) in every_order() {
        let flows = walk(limit, direction, async |page| {
            let query = FlowQuery {
                sort,
                page,
                ..FlowQuery::default()
            };
            store.flows(&query).await
        });
        let ids: Vec<_> = flows.await.iter().map(|view| view.flow.id.0).collect();
        assert_eq!(ids, expected(sort, direction), "{sort:?} {direction:?}");
    }
}

/// Clause 2: jobs, in pages of every size.
pub async fn jobs_are_paged_in_every_sort_and_direction<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = vec![sample::put_flow(&sample::flow(5_000, "f"))];
    changes.extend(named().into_iter().map(|(id, name, revision)| {
        sample::put_job(&Job {
            revision,
            ..sample::job(id, 5_000, &name)
        })
    }));
    put(store, fence, changes).await;
    for (sort, direction, limit) in every_order() {
        let jobs = walk(limit, direction, async |page| {
            let query = JobQuery {
                sort,
                page,
                ..JobQuery::default()
            };
            store.jobs(&query).await
        });
        let ids: Vec<_> = jobs.await.iter().map(|view| view.job.id.0).collect();
        assert_eq!(ids, expected(sort, direction), "{sort:?} {direction:?}");
    }
}

/// Clause 2: executors, in pages of every size.
pub async fn executors_are_paged_in_every_sort_and_direction<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let changes = named().into_iter().map(|(id, name, revision)| {
        sample::put_executor(&Executor {
            revision,
            ..sample::executor(id, &name)
        })
    });
    put(store, fence, changes.collect()).await;
    for (sort, direction, limit) in every_order() {
        let executors = walk(limit, direction, async |page| {
            let query = ExecutorQuery {
                sort,
                page,
                ..ExecutorQuery::default()
            };
            store.executors(&query).await
        });
        let ids: Vec<_> = executors
            .await
            .iter()
            .map(|executor| executor.id.0)
            .collect();
        assert_eq!(ids, expected(sort, direction), "{sort:?} {direction:?}");
    }
}

pub(super) fn every_order() -> impl Iterator<Item = (NamedSort, Direction, u32)> {
    SORTS.into_iter().flat_map(|sort| {
        let directions = DIRECTIONS.into_iter();
        directions.flat_map(move |direction| LIMITS.map(|limit| (sort, direction, limit)))
    })
}

/// Clause 2: executions and job runs, by id as a number.
pub async fn runs_are_paged_in_both_directions<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = vec![
        sample::put_flow(&sample::flow(1, "f")),
        sample::put_job(&sample::job(2, 1, "j")),
    ];
    for (id, ..) in named() {
        changes.push(Change::Execution(sample::execution(id)));
        changes.push(sample::put_flow_run(sample::flow_run(id, id, 1)));
        changes.push(sample::put_job_run(sample::job_run(id, id, id, 2)));
    }
    put(store, fence, changes).await;
    for direction in DIRECTIONS {
        for limit in LIMITS {
            let executions = walk(limit, direction, async |page| {
                let query = ExecutionQuery {
                    page,
                    ..ExecutionQuery::default()
                };
                store.executions(&query).await
            });
            let ids: Vec<_> = executions.await.iter().map(|view| view.row.id.0).collect();
            assert_eq!(ids, expected(NamedSort::Id, direction));

            let job_runs = walk(limit, direction, async |page| {
                let query = JobRunQuery {
                    page,
                    ..JobRunQuery::default()
                };
                store.job_runs(&query).await
            });
            let ids: Vec<_> = job_runs.await.iter().map(|view| view.row.id.0).collect();
            assert_eq!(ids, expected(NamedSort::Id, direction));
        }
    }
}

/// Clause 2: whatever comes and goes in between, each item that stays is met exactly once.
pub async fn rows_that_come_and_go_disturb_no_walk<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    for direction in DIRECTIONS {
        let stay = |n: u64| sample::executor(n * 10, &format!("name {:03}", n * 10));
        let changes = (1..=20).map(|n| sample::put_executor(&stay(n)));
        put(store, fence, changes.collect()).await;
        let mut met = Vec::new();
        let mut request = PageRequest {
            limit: 3,
            direction,
            ..PageRequest::default()
        };
        for round in 1.. {
            assert!(round < 100, "the pages do not come to an end");
            let query = ExecutorQuery {
                sort: NamedSort::Name,
                page: request.clone(),
                ..ExecutorQuery::default()
            };
            let page = store.executors(&query).await.expect("a page");
            met.extend(page.items.iter().map(|executor| executor.id.0));
            // One before everything, one after, one in the middle; the last rounds' go again.
            let come = ["", "zzz", "name 105"].into_iter().zip(1..);
            let come = come.map(|(name, n)| sample::executor(round * 1_000 + n, name));
            let mut changes: Vec<_> = come.map(|e| sample::put_executor(&e)).collect();
            let gone = (1..=3).map(|n| ExecutorId((round - 1) * 1_000 + n));
            changes.extend(gone.map(Change::ExecutorDeleted));
            put(store, fence, changes).await;
            let Some(next) = page.next else { break };
            request.after = Some(next);
        }
        met.retain(|id| *id <= 200);
        let mut expected: Vec<_> = (1..=20).map(|n| n * 10).collect();
        if direction == Direction::Descending {
            expected.reverse();
        }
        assert_eq!(met, expected);
    }
}

/// Clause 2: a place is a place, also when nothing stands there any more.
pub async fn a_cursor_of_a_deleted_item_leads_on<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let changes = (1..=4).map(|id| sample::put_flow(&sample::flow(id, &format!("flow {id}"))));
    put(store, fence, changes.collect()).await;
    let mut query = FlowQuery {
        sort: NamedSort::Name,
        page: PageRequest {
            limit: 2,
            ..PageRequest::default()
        },
        ..FlowQuery::default()
    };
    let first = store.flows(&query).await.expect("a page");
    put(store, fence, vec![Change::FlowDeleted(FlowId(2))]).await;
    query.page.after = first.next;
    let rest = store.flows(&query).await.expect("a page");
    let ids: Vec<_> = rest.items.iter().map(|view| view.flow.id.0).collect();
    assert_eq!((ids, rest.next), (vec![3, 4], None));
}

/// Clause 2: when the items end with the page, nothing leads on.
pub async fn the_last_page_leads_nowhere<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let changes = (1..=4).map(|id| sample::put_flow(&sample::flow(id, "f")));
    put(store, fence, changes.collect()).await;
    for (limit, leads_on) in [(3, true), (4, false), (5, false)] {
        let query = FlowQuery {
            page: PageRequest {
                limit,
                ..PageRequest::default()
            },
            ..FlowQuery::default()
        };
        let page = store.flows(&query).await.expect("a page");
        assert_eq!(page.next.is_some(), leads_on, "pages of {limit}");
    }
}

/// Clause 2: a page has at least one item, and at most 1,000.
pub async fn limits_are_brought_into_range<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let changes = (1..=1_005).map(|id| sample::put_executor(&sample::executor(id, "e")));
    put(store, fence, changes.collect()).await;
    for (limit, items) in [(0, 1), (1_000, 1_000), (1_001, 1_000), (u32::MAX, 1_000)] {
        let query = ExecutorQuery {
            page: PageRequest {
                limit,
                ..PageRequest::default()
            },
            ..ExecutorQuery::default()
        };
        let page = store.executors(&query).await.expect("a page");
        assert_eq!((page.items.len(), page.next.is_some()), (items, true));
    }
}

/// Clause 2: places where no item can be.
pub async fn a_cursor_beyond_all_ids_is_a_place_too<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![sample::put_flow(&sample::flow(1, "f"))]).await;
    for (id, direction, items) in [
        (u64::MAX, Direction::Ascending, 0),
        (u64::MAX, Direction::Descending, 1),
        (0, Direction::Ascending, 1),
        (0, Direction::Descending, 0),
    ] {
        let query = FlowQuery {
            page: PageRequest {
                after: Some(Cursor {
                    value: CursorValue::Id,
                    id,
                }),
                direction,
                limit: 10,
            },
            ..FlowQuery::default()
        };
        let page = store.flows(&query).await.expect("a page");
        assert_eq!((page.items.len(), page.next), (items, None));
    }
}

/// Clause 6: a cursor says nothing about a list that is sorted otherwise.
pub async fn a_cursor_of_another_sort_is_refused<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![sample::put_flow(&sample::flow(1, "f"))]).await;
    let values = [
        CursorValue::Id,
        CursorValue::Text(String::from("a")),
        CursorValue::Micros(5),
    ];
    for (n, sort) in SORTS.into_iter().enumerate() {
        for (m, value) in values.iter().cloned().enumerate() {
            let query = FlowQuery {
                sort,
                page: PageRequest {
                    after: Some(Cursor { value, id: 1 }),
                    ..PageRequest::default()
                },
                ..FlowQuery::default()
            };
            let refused = store.flows(&query).await.err().map(|error| error.kind());
            assert_eq!(refused, (n != m).then_some(ErrorKind::Invalid));
        }
    }
    let query = JobRunQuery {
        page: PageRequest {
            after: Some(Cursor {
                value: CursorValue::Micros(5),
                id: 1,
            }),
            ..PageRequest::default()
        },
        ..JobRunQuery::default()
    };
    let changes = sample::World::new().changes();
    put(store, fence, changes).await;
    let refused = store.job_runs(&query).await.err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::Invalid));
}
