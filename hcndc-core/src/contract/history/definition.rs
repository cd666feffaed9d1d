//! Clauses 1 to 5 for definitions of the kinds that share a list.

use alloc::{string::String, vec, vec::Vec};

use super::{
    Case, StoreFixture,
    page::{every_order, expected, named},
    walk,
};
use crate::{
    contract::{
        sample::{self, World},
        store::{lead, put},
    },
    engine::Change,
    id::ScheduleId,
    model::{Definition, DefinitionId, DefinitionKind, Pool, Schedule},
    port::{DefinitionQuery, Direction, History},
};

/// Numbers of the definitions that a query finds, in pages of two.
async fn found<S: History>(store: &S, query: &DefinitionQuery) -> Vec<u64> {
    let definitions = walk(2, Direction::Ascending, async |page| {
        let query = DefinitionQuery {
            page,
            ..query.clone()
        };
        store.definitions(&query).await
    });
    let definitions = definitions.await;
    definitions.iter().map(|it| it.id().number()).collect()
}

/// Clause 1: each kind comes back with every field as it was, in its list and alone; and no kind in another's list.
pub async fn every_kind_of_definition_is_shown_whole<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    put(store, fence, world.changes()).await;
    for &kind in DefinitionKind::ALL {
        let its = world.definitions.iter().filter(|it| it.id().kind() == kind);
        let its: Vec<_> = its.cloned().collect();
        let page = store.definitions(&DefinitionQuery::all(kind)).await;
        assert_eq!(page.expect("a page").items, its, "{kind}");
    }
    for definition in world.definitions {
        let one = store.definition(definition.id()).await;
        assert_eq!(one.expect("a definition"), Some(definition));
    }
    for id in [0, 71, u64::MAX].map(ScheduleId) {
        let one = store.definition(id.into()).await.expect("an answer");
        assert_eq!(one.is_some(), id.0 == 71);
    }
    let flow = store.definition(world.flows[0].id.into()).await;
    assert_eq!(flow.expect("an answer"), None);
}

/// Clause 2: in pages of every size.
pub async fn definitions_are_paged_in_every_sort_and_direction<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = Vec::new();
    for (id, name, revision) in named() {
        let pool = Pool {
            revision: revision.clone(),
            ..sample::pool(id, &name)
        };
        let schedule = Schedule {
            revision,
            ..sample::schedule(id + 5_000, 1, &name)
        };
        changes.push(Change::DefinitionPut(pool.into()));
        changes.push(Change::DefinitionPut(schedule.into()));
    }
    put(store, fence, changes).await;
    for (sort, direction, limit) in every_order() {
        let pools = walk(limit, direction, async |page| {
            let query = DefinitionQuery {
                sort,
                page,
                ..DefinitionQuery::all(DefinitionKind::Pool)
            };
            store.definitions(&query).await
        });
        let ids: Vec<_> = pools.await.iter().map(|it| it.id().number()).collect();
        assert_eq!(ids, expected(sort, direction), "{sort:?} {direction:?}");
    }
}

/// Clauses 3 and 4: by kind, by text in name or description, by directory; and by all of these.
pub async fn definitions_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let pool = |id, name, directory: &str, description: &str| {
        let pool = Pool {
            directory: directory.into(),
            description: description.into(),
            ..sample::pool(id, name)
        };
        Change::DefinitionPut(pool.into())
    };
    let changes = vec![
        pool(1, "Warehouse", "/dw", "bears 50% more at night"),
        pool(2, "lake", "/dw/old", "next to the warehouse"),
        pool(3, "mail", "/dwarf", ""),
        Change::DefinitionPut(sample::schedule(4, 1, "warehouse").into()),
    ];
    put(store, fence, changes).await;
    let query = |kind, text: &str, directory: &str| DefinitionQuery {
        text: text.into(),
        directory: directory.into(),
        ..DefinitionQuery::all(kind)
    };
    let (pool, schedule) = (DefinitionKind::Pool, DefinitionKind::Schedule);
    for (query, expected) in [
        (query(pool, "", ""), vec![1, 2, 3]),
        (query(schedule, "", ""), vec![4]),
        (query(DefinitionKind::Calendar, "", ""), vec![]),
        (query(pool, "WAREHOUSE", ""), vec![1, 2]),
        (query(schedule, "WAREHOUSE", ""), vec![4]),
        (query(pool, "0%", ""), vec![1]),
        (query(pool, "_a_", ""), vec![]),
        (query(pool, "", "/dw"), vec![1, 2]),
        (query(pool, "", "/dw/old/"), vec![2]),
        (query(schedule, "", "/"), vec![4]),
        (query(pool, "mail", "/dw"), vec![]),
        (query(pool, "lake", "/dw"), vec![2]),
    ] {
        assert_eq!(found(store, &query).await, expected, "{query:?}");
    }
}

/// Clause 5, and clause 1: what was deleted is not listed, what was put again is; in whatever commit.
pub async fn definitions_come_and_go<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = World::new();
    put(store, fence, world.changes()).await;
    let pools = DefinitionQuery::all(DefinitionKind::Pool);
    let pool = |name: &str| Definition::from(sample::pool(76, name));
    let deleted = |id: DefinitionId| Change::DefinitionDeleted(id);
    let id = pool("").id();
    put(store, fence, vec![deleted(id)]).await;
    assert_eq!(found(store, &pools).await, [0; 0]);
    assert_eq!(store.definition(id).await.expect("an answer"), None);
    put(store, fence, vec![Change::DefinitionPut(pool("again"))]).await;
    let changes = vec![deleted(id), Change::DefinitionPut(pool("once more"))];
    put(store, fence, changes).await;
    let one = store.definition(id).await.expect("an answer");
    assert_eq!(one, Some(pool("once more")));
    let changes = vec![Change::DefinitionPut(pool("and gone")), deleted(id)];
    put(store, fence, changes).await;
    assert_eq!(found(store, &pools).await, [0; 0]);
    // Others of the same number in other kinds are others.
    let schedule = DefinitionId::from(ScheduleId(76));
    put(store, fence, vec![Change::DefinitionPut(pool("stays"))]).await;
    put(store, fence, vec![deleted(schedule)]).await;
    assert_eq!(found(store, &pools).await, [76]);
    let flow = world.flows[1].id;
    put(store, fence, vec![deleted(flow.into())]).await;
    assert_eq!(store.flow(flow).await.expect("an answer"), None);
    let names: Vec<String> = vec![world.flows[0].name.clone()];
    let flows = store.flows(&crate::port::FlowQuery::default()).await;
    let flows = flows.expect("a page").items;
    let listed: Vec<_> = flows.iter().map(|view| view.flow.name.clone()).collect();
    assert_eq!(listed, names);
}
