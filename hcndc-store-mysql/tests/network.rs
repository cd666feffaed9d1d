//! Networks between the store and its server that break in the middle of everything, or say nothing more.

mod support;

use std::{task::Poll, time::Duration};

use hcndc_core::{
    engine::Snapshot,
    port::{
        Commit, ErrorKind, ExecutionQuery, Fence, FlowQuery, History as _, PortError as _,
        Store as _,
    },
};
use hcndc_store_mysql::{SqlError, SqlOptions, SqlStore};
use support::{
    block_on,
    mysql::{Schema, is_skipped},
    proxy::{Proxy, Weather},
    versions::{version, version_of_runs},
};

/// A store that is reached through a network of its own, and one that is not.
struct Bed {
    proxy: Proxy,
    store: SqlStore,
    beside: SqlStore,
    fence: Fence,
    // Drops the database, so it is dropped last.
    _schema: Schema,
}

impl Bed {
    async fn new(patience: Duration) -> Self {
        Self::with(|options| options.patience = patience).await
    }

    async fn with(set: impl FnOnce(&mut SqlOptions)) -> Self {
        let schema = Schema::create().await;
        let proxy = Proxy::to(port(&schema.url)).await;
        let far = format!(":{}/", proxy.port());
        let url = schema
            .url
            .replace(&format!(":{}/", port(&schema.url)), &far);
        let mut options = SqlOptions::new(url);
        set(&mut options);
        let store = SqlStore::connect_with(&options).await.expect("connect");
        let beside = SqlStore::connect(&schema.url).await.expect("connect");
        let fence = support::lead(&store, "a", Duration::from_secs(900)).await;
        Self {
            proxy,
            store,
            beside,
            fence,
            _schema: schema,
        }
    }
}

fn port(url: &str) -> u16 {
    let (_, address) = url.rsplit_once('@').expect("an address with a user");
    let (address, _) = address.split_once('/').expect("a database");
    let (_, port) = address.split_once(':').expect("a port");
    port.parse().expect("a number")
}

async fn loaded(store: &SqlStore) -> Snapshot {
    store.load().await.expect("load")
}

#[test]
fn a_commit_that_is_cut_anywhere_is_stored_wholly_or_not_and_sent_again_does_no_harm() {
    if is_skipped("a commit that is cut anywhere") {
        return;
    }
    let (cuts, undone) = cut_anywhere(version);
    assert!(cuts > 40, "{cuts} packets are hardly a commit");
    assert!(undone > 20, "{undone} were undone");
}

#[test]
fn a_small_commit_goes_in_one_piece_and_is_stored_wholly_or_not_too() {
    if is_skipped("a small commit that is cut anywhere") {
        return;
    }
    let (_, undone) = cut_anywhere(version_of_runs);
    assert!(undone > 0, "none was undone");
    let asked = block_on(async {
        let bed = Bed::new(Duration::from_secs(30)).await;
        let first = bed.store.commit(bed.fence, &version(0)).await;
        first.expect("commit");
        let mut least = usize::MAX;
        // A connection is looked at after it was used, and before if it has been idle for long.
        for number in 0..10 {
            let commit = version_of_runs(number);
            let before = bed.proxy.asked();
            let sent = bed.store.commit(bed.fence, &commit).await;
            sent.expect("nothing is cut");
            least = least.min(bed.proxy.asked() - before);
        }
        least
    });
    assert!(asked <= 3, "{asked} packets are more than a piece");
}

/// Commits that are sent at most.
const MOST_CUTS: u32 = 1_000;

/// Cuts each commit one packet later than the one before, until one is through. How many packets that were, and how many commits
/// were undone.
fn cut_anywhere(version_of: impl Fn(u32) -> Commit) -> (usize, u32) {
    block_on(async {
        let bed = Bed::new(Duration::from_secs(30)).await;
        let first = bed.store.commit(bed.fence, &version(0)).await;
        first.expect("commit");
        let (mut unknown, mut undone, mut cuts, mut most) = (0, 0, 0, 0);
        for number in 1..MOST_CUTS {
            let before = loaded(&bed.beside).await;
            bed.proxy.cut_after(cuts);
            let commit = version_of(number);
            let sent = bed.store.commit(bed.fence, &commit).await;
            let was_cut = bed.proxy.was_cut();
            // The server may still be at it: another commit waits for the leader's row until that has ended, either way.
            let nothing = Commit {
                next_id: 0,
                changes: Vec::new(),
            };
            bed.beside
                .commit(bed.fence, &nothing)
                .await
                .expect("commit");
            let now = loaded(&bed.beside).await;
            let stored = now != before;
            match &sent {
                Ok(()) => assert!(stored, "what was said to be stored is not"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
            // What became of it nobody knows: whoever leads sends it again, as it is.
            let mut tries = 0;
            while let Err(error) = bed.store.commit(bed.fence, &commit).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                tries += 1;
                assert!(tries < 5, "the connections do not come back: {error:?}");
            }
            if stored {
                let whole = loaded(&bed.beside).await;
                assert_eq!(now, whole, "a part was stored, cut after {cuts} packets");
                unknown += u32::from(sent.is_err());
            } else {
                undone += 1;
            }
            if !was_cut {
                if unknown > 0 {
                    break;
                }
                // Whether a server ends what it was given, once its caller is gone, is a race: once more from the start.
                most = cuts;
                cuts = 0;
                continue;
            }
            cuts += 1;
        }
        assert!(
            unknown > 0,
            "no cut took the answer of a commit that was stored"
        );
        (cuts.max(most), undone)
    })
}

#[test]
fn a_network_that_says_nothing_is_an_outage_with_an_end() {
    if is_skipped("a network that says nothing") {
        return;
    }
    block_on(async {
        let bed = Bed::new(Duration::from_secs(1)).await;
        let commit = version(0);
        bed.store.commit(bed.fence, &commit).await.expect("commit");
        let query = FlowQuery::default();
        bed.proxy.turn(Weather::Silent);
        // More calls than connections: none is lost for good.
        for _ in 0..5 {
            let error = bed.store.commit(bed.fence, &commit).await;
            let error = error.expect_err("nobody answers");
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        }
        let error = bed.store.flows(&query).await.expect_err("nobody answers");
        assert!(matches!(error, SqlError::Silent { .. }), "{error:?}");
        bed.proxy.turn(Weather::Fair);
        // What was swallowed is missing for good: who still waited for its answer would wait for ever.
        bed.store.commit(bed.fence, &commit).await.expect("commit");
        bed.store.flows(&query).await.expect("a page");
    });
}

#[test]
fn a_server_that_is_away_is_unavailable_until_it_is_back() {
    if is_skipped("a server that is away") {
        return;
    }
    block_on(async {
        let bed = Bed::new(Duration::from_secs(1)).await;
        bed.proxy.turn(Weather::Closed);
        bed.proxy.cut();
        let error = bed.store.load().await.expect_err("it is away");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        let error = bed.store.commit(bed.fence, &version(0)).await;
        let error = error.expect_err("it is away");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        bed.proxy.turn(Weather::Fair);
        bed.store
            .commit(bed.fence, &version(0))
            .await
            .expect("commit");
    });
}

#[test]
fn a_page_that_nobody_waits_for_any_more_leaves_no_old_view_behind() {
    if is_skipped("a page that nobody waits for any more") {
        return;
    }
    block_on(async {
        // Whoever reads next has the same connection.
        let bed = Bed::with(|options| options.readers = 1).await;
        let store = &bed.store;
        let (runs, flows) = (ExecutionQuery::default(), FlowQuery::default());
        let mut whole = false;
        for number in 1.. {
            // Each time it waits once more for an answer before nobody waits for it any more.
            let mut page = store.executions(&runs);
            let mut left = number;
            whole = std::future::poll_fn(|context| {
                left -= 1;
                match page.as_mut().poll(context) {
                    Poll::Ready(page) => {
                        page.expect("a page");
                        Poll::Ready(true)
                    }
                    Poll::Pending if left == 0 => Poll::Ready(false),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            drop(page);
            store.flows(&flows).await.expect("a page");
            let commit = version(number);
            store.commit(bed.fence, &commit).await.expect("commit");
            let page = store.flows(&flows).await.expect("a page");
            let description = &page.items[0].flow.description;
            assert_eq!(description, &number.to_string(), "an old view");
            if whole {
                break;
            }
        }
        assert!(whole);
    });
}
