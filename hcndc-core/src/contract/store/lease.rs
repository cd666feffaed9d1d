//! Clauses 7 to 9: who leads.

use alloc::{format, vec, vec::Vec};
use core::time::Duration;

use futures_util::future;

use super::{Case, HOUR, StoreFixture, put, try_put};
use crate::{
    contract::sample::{self, at},
    port::{Asked, ErrorKind, Fence, Lease, PortError as _, Store},
    time::Timestamp,
};

const SECOND: Duration = Duration::from_secs(1);

async fn ask<S: Store>(
    store: &S,
    holder: &str,
    now: Timestamp,
    outlasted: Option<&Lease>,
) -> Asked {
    let asked = store.acquire(holder, now, SECOND, outlasted).await;
    asked.expect("acquire")
}

async fn acquire<S: Store>(store: &S, holder: &str, now: Timestamp) -> Option<Lease> {
    ask(store, holder, now, None).await.given()
}

/// Takes over as somebody does who has outlasted the lease that stands.
async fn take_over<S: Store>(store: &S, holder: &str, now: Timestamp) -> Lease {
    let outlasted = seen(store, holder).await;
    let asked = ask(store, holder, now, Some(&outlasted)).await;
    asked.given().expect("it was outlasted")
}

/// The lease that stands in this one's way.
async fn seen<S: Store>(store: &S, holder: &str) -> Lease {
    match ask(store, holder, at(0), None).await {
        Asked::Held(lease) => lease,
        Asked::Given(lease) => panic!("{lease:?} was given beside another"),
    }
}

async fn renew<S: Store>(store: &S, lease: &Lease, now: Timestamp) -> Result<Lease, ErrorKind> {
    let renewed = store.renew(lease, now, SECOND).await;
    renewed.map_err(|error| error.kind())
}

/// Clause 7: while a lease is in force nobody else gets one, whatever their clocks say; they are told whose it is.
pub async fn a_lease_in_force_keeps_others_out<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let lease = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    assert!(lease.fence > Fence(0));
    assert_eq!((&*lease.holder, lease.expires_at), ("a", at(1_000_000)));
    let other = fixture.reopen(case).await;
    for late in [at(0), at(999_999), at(5_000_000), Timestamp::MAX] {
        // Holders are compared byte by byte.
        for holder in ["b", "A", "a "] {
            let asked = ask(&other, holder, late, None).await;
            assert_eq!(asked, Asked::Held(lease.clone()));
        }
    }
    put(&case.store, lease.fence, vec![]).await;
}

/// Clause 7: who has outlasted a lease gets the next, whatever the clocks of both say.
pub async fn a_lease_that_was_outlasted_can_be_taken<F: StoreFixture>(_: &F, case: &Case<F>) {
    let first = acquire(&case.store, "a", at(9_000_000)).await;
    let first = first.expect("nobody led");
    let second = take_over(&case.store, "b", at(1_000_000)).await;
    assert!(second.fence > first.fence);
    assert_eq!((&*second.holder, second.expires_at), ("b", at(2_000_000)));
    assert_eq!(acquire(&case.store, "a", at(9_500_000)).await, None);
}

/// Clauses 7 and 8: a lease that was renewed, or committed under, since it was seen is another one; so is that of another
/// term, and one that nobody has.
pub async fn a_lease_that_shows_life_is_not_outlasted<F: StoreFixture>(_: &F, case: &Case<F>) {
    let lease = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let refused = async |outlasted: &Lease| {
        let asked = ask(&case.store, "b", at(0), Some(outlasted)).await;
        assert_eq!(asked, Asked::Held(seen(&case.store, "b").await));
    };
    let first = seen(&case.store, "b").await;
    // The holder's clock stands still.
    let renewed = renew(&case.store, &lease, at(0)).await.expect("renew");
    let second = seen(&case.store, "b").await;
    assert_ne!(first, second);
    refused(&first).await;
    put(&case.store, renewed.fence, vec![]).await;
    let third = seen(&case.store, "b").await;
    assert_ne!(second, third);
    refused(&second).await;
    let fence = Fence(third.fence.0 + 1);
    refused(&Lease { fence, ..third }).await;
    take_over(&case.store, "b", at(0)).await;
}

/// Clause 7: a leader that starts anew does not wait for itself; what its former self still sends is refused.
pub async fn the_same_holder_gets_a_greater_fence_at_once<F: StoreFixture>(_: &F, case: &Case<F>) {
    let first = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let second = acquire(&case.store, "a", at(1)).await.expect("its own");
    assert!(second.fence > first.fence);
    let late = try_put(&case.store, first.fence, 9, vec![]).await;
    assert_eq!(late, Err(ErrorKind::Fenced));
    put(&case.store, second.fence, vec![]).await;
}

/// Clause 7: fences only grow, over releases, expiry and reopening.
pub async fn fences_grow_over_every_term<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let mut last = Fence(0);
    for term in 0..6 {
        let store = fixture.reopen(case).await;
        let holder = format!("holder {}", term % 2);
        let now = at(term * 5_000_000);
        let lease = match acquire(&store, &holder, now).await {
            Some(lease) => lease,
            None => take_over(&store, &holder, now).await,
        };
        assert!(lease.fence > last);
        last = lease.fence;
        if term % 3 == 0 {
            store.release(&lease).await.expect("release");
        }
    }
}

/// Clause 7: however many ask at the same moment, one gets it.
pub async fn of_many_asking_at_once_one_leads<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let other = fixture.reopen(case).await;
    let asking = (0..16).map(|n| {
        let store = if n % 2 == 0 { &case.store } else { &other };
        async move { acquire(store, &format!("holder {n}"), at(0)).await }
    });
    let leases = future::join_all(asking).await;
    let given: Vec<_> = leases.into_iter().flatten().collect();
    assert_eq!(given.len(), 1);
    put(&case.store, given[0].fence, vec![]).await;
}

/// Clause 7: however many have outlasted the same lease, one gets the next.
pub async fn of_many_that_take_over_at_once_one_leads<F: StoreFixture>(
    fixture: &F,
    case: &Case<F>,
) {
    let first = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let other = fixture.reopen(case).await;
    let outlasted = seen(&case.store, "b").await;
    let asking = (0..16).map(|n| {
        let store = if n % 2 == 0 { &case.store } else { &other };
        let outlasted = &outlasted;
        async move { ask(store, &format!("holder {n}"), at(0), Some(outlasted)).await }
    });
    let answers = future::join_all(asking).await;
    let given: Vec<_> = answers.into_iter().filter_map(Asked::given).collect();
    assert_eq!(given.len(), 1);
    assert!(given[0].fence > first.fence);
    put(&case.store, given[0].fence, vec![]).await;
}

/// Clause 8: also when it ran out, as long as nobody took over.
pub async fn renewing_extends_the_lease_and_keeps_its_fence<F: StoreFixture>(
    _: &F,
    case: &Case<F>,
) {
    let lease = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let longer = renew(&case.store, &lease, at(600_000))
        .await
        .expect("renew");
    assert_eq!((longer.fence, &*longer.holder), (lease.fence, "a"));
    assert_eq!(longer.expires_at, at(1_600_000));
    assert_eq!(longer.expires_at, seen(&case.store, "b").await.expires_at);
    let late = renew(&case.store, &longer, at(9_000_000)).await;
    assert_eq!(late.expect("nobody took over").fence, lease.fence);
    assert_eq!(seen(&case.store, "b").await.expires_at, at(10_000_000));
}

/// Clause 8: who was taken over hears of it, and does not disturb the new leader.
pub async fn renewing_after_a_takeover_is_fenced<F: StoreFixture>(_: &F, case: &Case<F>) {
    let old = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let new = take_over(&case.store, "b", at(1_000_000)).await;
    let renewed = renew(&case.store, &old, at(1_100_000)).await;
    assert_eq!(renewed, Err(ErrorKind::Fenced));
    assert_eq!(acquire(&case.store, "c", at(1_999_999)).await, None);
    put(&case.store, new.fence, vec![]).await;
    assert!(renew(&case.store, &new, at(1_500_000)).await.is_ok());
}

/// Clauses 8 and 9: what was given up is not to be had back by renewing.
pub async fn renewing_a_released_lease_is_fenced<F: StoreFixture>(_: &F, case: &Case<F>) {
    let lease = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    case.store.release(&lease).await.expect("release");
    let renewed = renew(&case.store, &lease, at(1)).await;
    assert_eq!(renewed, Err(ErrorKind::Fenced));
}

/// Clause 9: the next leader need not wait for the lease to run out.
pub async fn releasing_lets_others_in_at_once<F: StoreFixture>(_: &F, case: &Case<F>) {
    let lease = case.store.acquire("a", at(0), HOUR, None).await;
    let lease = lease.expect("acquire").given().expect("nobody led");
    case.store.release(&lease).await.expect("release");
    case.store.release(&lease).await.expect("release twice");
    let next = acquire(&case.store, "b", at(0)).await.expect("released");
    assert!(next.fence > lease.fence);
    let late = try_put(&case.store, lease.fence, 9, vec![]).await;
    assert_eq!(late, Err(ErrorKind::Fenced));
    put(
        &case.store,
        next.fence,
        vec![sample::put_flow(&sample::flow(1, "f"))],
    )
    .await;
}

/// Clause 9: a former leader's good-bye does not end another's term.
pub async fn releasing_a_lost_lease_does_nothing<F: StoreFixture>(_: &F, case: &Case<F>) {
    let old = acquire(&case.store, "a", at(0)).await.expect("nobody led");
    let new = take_over(&case.store, "b", at(1_000_000)).await;
    case.store.release(&old).await.expect("release");
    assert_eq!(acquire(&case.store, "c", at(1_000_001)).await, None);
    assert!(renew(&case.store, &new, at(1_000_001)).await.is_ok());
    put(&case.store, new.fence, vec![]).await;
}
