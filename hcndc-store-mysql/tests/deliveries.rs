//! What came to webhooks, on each database: a case for each clause of the port.

mod support;

use std::future::Future;

use hcndc_core::{
    contract::sample::{self, at, date},
    engine::Change,
    id::{ExecutionId, WebhookId},
    model::{Definition, DefinitionId},
    port::{
        Commit, Deliveries as _, DeliveriesKept, Delivery, DeliveryOutcome, Direction, PageRequest,
        Store as _,
    },
    time::Timestamp,
};
use hcndc_store_mysql::SqlStore;
use support::{block_on, mysql, sqlite};

/// Runs a case on a file of SQLite, and on a server if there is one.
fn on_each<F: Future<Output = ()>>(name: &str, case: impl Fn(SqlStore) -> F) {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        case(SqlStore::connect(&url).await.expect("connect")).await;
    });
    if !mysql::is_skipped(name) {
        block_on(async {
            let schema = mysql::Schema::create().await;
            case(SqlStore::connect(&schema.url).await.expect("connect")).await;
        });
    }
}

const HOOK: WebhookId = WebhookId(84);

fn delivery(key: &str, outcome: DeliveryOutcome, seconds: i64) -> Delivery {
    Delivery {
        key: key.into(),
        hook: HOOK,
        name: format!("名 {key}"),
        at: at(seconds),
        address: "10.0.0.9".into(),
        outcome,
        reason: String::new(),
        execution: None,
        data_date: None,
        body: "{\"a\": \"'日报\"}".into(),
        body_bytes: 70_000,
    }
}

fn newest(limit: u32) -> PageRequest {
    PageRequest {
        after: None,
        limit,
        direction: Direction::Descending,
    }
}

async fn keys(store: &SqlStore, hook: WebhookId) -> Vec<String> {
    let page = store.deliveries(hook, &newest(100)).await.expect("a page");
    let keys = page.items.into_iter().map(|it| it.delivery.key);
    keys.collect()
}

/// Clauses 1 to 3.
#[test]
fn a_key_is_there_once_and_its_latest_outcome_counts() {
    on_each(
        "a_key_is_there_once_and_its_latest_outcome_counts",
        async |store| {
            let filtered = delivery("a", DeliveryOutcome::Filtered, 1);
            store.record(&filtered).await.unwrap();
            let found = store.delivery("a").await.unwrap().expect("it is there");
            assert_eq!((found.tries, found.first_at), (1, at(1)));
            assert_eq!(found.delivery, filtered);
            let started = Delivery {
                execution: Some(ExecutionId(9)),
                data_date: Some(date("2026-11-21")),
                reason: "r".into(),
                ..delivery("a", DeliveryOutcome::Started, 2)
            };
            store.record(&started).await.unwrap();
            let again = store.delivery("a").await.unwrap().expect("it is there");
            assert_eq!(
                (again.id, again.tries, again.first_at),
                (found.id, 2, at(1))
            );
            assert_eq!(again.delivery, started);
            assert_eq!(store.delivery("b").await.unwrap(), None);

            let other = Delivery {
                hook: WebhookId(85),
                ..delivery("b", DeliveryOutcome::Refused, 3)
            };
            store.record(&other).await.unwrap();
            store
                .record(&delivery("c", DeliveryOutcome::Refused, 3))
                .await
                .unwrap();
            assert_eq!(keys(&store, HOOK).await, ["c", "a"]);
            let first = store.deliveries(HOOK, &newest(1)).await.unwrap();
            let rest = PageRequest {
                after: first.next,
                ..newest(1)
            };
            let second = store.deliveries(HOOK, &rest).await.unwrap();
            assert_eq!((second.items[0].id, second.next), (found.id, None));
        },
    );
}

/// Clause 4.
#[test]
fn the_latest_of_each_sort_are_kept() {
    on_each("the_latest_of_each_sort_are_kept", async |store| {
        use DeliveryOutcome as O;
        for (number, outcome) in [O::Started, O::Refused, O::Filtered, O::Refused, O::Started]
            .into_iter()
            .enumerate()
        {
            let seconds = i64::try_from(number).unwrap();
            let key = number.to_string();
            store
                .record(&delivery(&key, outcome, seconds))
                .await
                .unwrap();
        }
        let other = Delivery {
            hook: WebhookId(85),
            ..delivery("x", O::Started, 0)
        };
        store.record(&other).await.unwrap();
        let kept = |taken, refused, since| DeliveriesKept {
            taken,
            refused,
            since,
        };
        let all = Timestamp::from_micros(0);
        assert_eq!(
            store.prune_deliveries(HOOK, kept(3, 2, all)).await.unwrap(),
            0
        );
        assert_eq!(
            store.prune_deliveries(HOOK, kept(2, 1, all)).await.unwrap(),
            2
        );
        assert_eq!(keys(&store, HOOK).await, ["4", "3", "2"]);
        assert_eq!(
            store
                .prune_deliveries(HOOK, kept(9, 9, at(4)))
                .await
                .unwrap(),
            2
        );
        assert_eq!(keys(&store, HOOK).await, ["4"]);
        assert_eq!(keys(&store, WebhookId(85)).await, ["x"]);
    });
}

/// Clause 5.
#[test]
fn deliveries_go_with_their_webhook() {
    on_each("deliveries_go_with_their_webhook", async |store| {
        let hour = std::time::Duration::from_secs(3_600);
        let lease = store.acquire("me", at(0), hour, None).await.unwrap();
        let fence = lease.given().expect("nobody else leads").fence;
        store
            .record(&delivery("a", DeliveryOutcome::Started, 1))
            .await
            .unwrap();
        let is_hook = |it: &Definition| it.id() == DefinitionId::Webhook(HOOK);
        let world = sample::World::new();
        let hook = world.definitions.into_iter().find(is_hook).expect("one");
        let commit = |change| Commit {
            next_id: 1_000,
            changes: vec![change],
        };
        let put = commit(Change::DefinitionPut(hook));
        store.commit(fence, &put).await.unwrap();
        assert_eq!(keys(&store, HOOK).await, ["a"]);
        let gone = Change::DefinitionDeleted(HOOK.into());
        store.commit(fence, &commit(gone)).await.unwrap();
        assert_eq!(keys(&store, HOOK).await, [""; 0]);
    });
}
