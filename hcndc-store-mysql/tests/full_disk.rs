//! A disk that fills up while commits go on, and has room again later. Alone in its process, whose limit on the size of
//! files stands for the disk's end.

#![cfg(feature = "sqlite")]

mod support;

use std::time::Duration;

use hcndc_core::{
    contract::sample,
    port::{Commit, ErrorKind, PortError as _, Store as _},
};
use hcndc_store_mysql::{SqlOptions, SqlStore};
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::{SigHandler, Signal, signal},
};

fn flows(ids: std::ops::RangeInclusive<u64>) -> Commit {
    let next_id = ids.end() + 1;
    let changes = ids
        .map(|id| sample::put_flow(&sample::flow(id, "a flow")))
        .collect();
    Commit { next_id, changes }
}

#[tokio::test]
async fn what_a_full_disk_refused_is_stored_when_there_is_room_again() {
    // SAFETY: no handler runs; writes beyond the limit fail instead of ending the process.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.expect("a signal can be ignored");
    let dir = tempfile::tempdir().expect("a folder");
    let options = SqlOptions::file(&dir.path().join("full.db"));
    let store = SqlStore::connect_with(&options).await.expect("open");
    let fence = support::lead(&store, "a", Duration::from_secs(9)).await;
    store
        .commit(fence, &flows(1..=10))
        .await
        .expect("there is room");

    let wal = std::fs::metadata(dir.path().join("full.db-wal"))
        .expect("a write-ahead log")
        .len();
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
    setrlimit(Resource::RLIMIT_FSIZE, wal + 4_096, hard).expect("a lower limit");
    for _ in 0..3 {
        let error = store
            .commit(fence, &flows(11..=500))
            .await
            .expect_err("it is full");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).expect("the limit of before");

    store
        .commit(fence, &flows(11..=500))
        .await
        .expect("there is room");
    store
        .commit(fence, &flows(501..=510))
        .await
        .expect("there is room");
    // Another process sees it: it is not in a transaction that never ends.
    let other = SqlStore::connect_with(&options).await.expect("open again");
    let snapshot = other.load().await.expect("load");
    assert_eq!((snapshot.next_id, snapshot.flows.len()), (511, 510));
    other
        .commit(fence, &flows(511..=511))
        .await
        .expect("nobody holds the lock");
}
