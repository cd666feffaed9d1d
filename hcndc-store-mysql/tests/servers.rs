//! Servers that know each other by their database.

mod support;

use std::time::Duration;

use hcndc_core::{
    contract::sample,
    port::{Asked, Store as _},
};
use hcndc_store_mysql::{ServerEntry, Signed, SqlStore};
use support::{block_on, mysql, sqlite};

fn entry(instance: &str, boot: &str) -> ServerEntry {
    ServerEntry {
        instance: instance.into(),
        boot: boot.into(),
        url: Some(format!("http://{instance}:2333")),
        version: "1".into(),
        executor_inside: instance == "a",
    }
}

async fn instances(store: &SqlStore) -> Vec<String> {
    let known = store.known_servers().await.expect("read");
    let names = known.servers.into_iter().map(|it| it.entry.instance);
    names.collect()
}

async fn servers_come_and_go(url: &str) {
    let store = SqlStore::connect(url).await.expect("connect");
    let other = SqlStore::connect(url).await.expect("connect");
    let (a, b) = (entry("a", "1"), entry("b", "2"));
    assert_eq!(store.sign_of_life(&a).await.ok(), Some(Signed::Forgotten));
    store.sign_on(&a).await.expect("sign on");
    other.sign_on(&b).await.expect("sign on");
    let known = store.known_servers().await.expect("read");
    let entries: Vec<_> = known.servers.iter().map(|it| it.entry.clone()).collect();
    assert_eq!(entries, [a.clone(), b.clone()]);
    assert_eq!(known.leader, None);
    let silence = known.servers.iter().map(|it| it.silent_for);
    assert!(silence.max().is_some_and(|it| it < Duration::from_secs(60)));

    // A sign of life is seen by all.
    let before = known.servers[1].seen_at;
    assert_eq!(other.sign_of_life(&b).await.ok(), Some(Signed::Seen));
    let known = store.known_servers().await.expect("read");
    assert!(known.servers[1].seen_at >= before);
    assert_eq!(known.servers[1].started_at, before);

    // Whoever leads is told by name, dead or alive.
    let ttl = Duration::from_secs(1);
    let lease = store.acquire("b", sample::at(0), ttl, None).await;
    let Ok(Asked::Given(lease)) = lease else {
        panic!("nobody led: {lease:?}");
    };
    let leader = async || store.known_servers().await.expect("read").leader;
    assert_eq!(leader().await.as_deref(), Some("b"));
    store.release(&lease).await.expect("release");
    assert_eq!(leader().await, None);

    // Of two processes of one name the older is told; it takes nothing away from the newer.
    let twin = entry("a", "3");
    other.sign_on(&twin).await.expect("sign on");
    assert_eq!(store.sign_of_life(&a).await.ok(), Some(Signed::Displaced));
    store.sign_off(&a).await.expect("sign off");
    assert_eq!(instances(&store).await, ["a", "b"]);
    assert_eq!(other.sign_of_life(&twin).await.ok(), Some(Signed::Seen));

    other.sign_off(&twin).await.expect("sign off");
    assert_eq!(instances(&store).await, ["b"]);
    store
        .forget_servers(Duration::from_secs(3_600))
        .await
        .expect("forget");
    assert_eq!(instances(&store).await, ["b"]);
    // The clock may not have moved since it was seen.
    while instances(&store).await == ["b"] {
        store.forget_servers(Duration::ZERO).await.expect("forget");
    }
    assert!(instances(&store).await.is_empty());
}

#[test]
fn servers_come_and_go_on_sqlite() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(servers_come_and_go(&sqlite::url(&directory)));
}

#[test]
fn servers_come_and_go_on_mysql() {
    if !mysql::is_skipped("servers_come_and_go_on_mysql") {
        block_on(async {
            let schema = mysql::Schema::create().await;
            servers_come_and_go(&schema.url).await;
        });
    }
}
