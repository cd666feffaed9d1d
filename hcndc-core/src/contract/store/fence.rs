//! Clause 2: only the newest term stores anything.

use alloc::{vec, vec::Vec};

use futures_util::future;

use super::{Case, HOUR, StoreFixture, lead, load, put, try_put};
use crate::{
    contract::sample::{self, World},
    engine::{Change, JobRunRow, Snapshot},
    port::{ErrorKind, Fence, Store as _},
};

/// Clause 2: older fences are refused, and so is one that nobody was given.
pub async fn only_the_newest_fence_commits<F: StoreFixture>(_: &F, case: &Case<F>) {
    let old = lead(&case.store).await;
    let new = lead(&case.store).await;
    let changes = || vec![sample::put_flow(&sample::flow(1, "f"))];
    let fenced = Err(ErrorKind::Fenced);
    assert_eq!(try_put(&case.store, old, 9, changes()).await, fenced);
    let never = Fence(new.0 + 1);
    assert_eq!(try_put(&case.store, never, 9, changes()).await, fenced);
    assert_eq!(try_put(&case.store, Fence(0), 9, changes()).await, fenced);
    assert_eq!(try_put(&case.store, new, 9, changes()).await, Ok(()));
}

/// Clauses 1 and 2: nothing of a refused commit stays, of whatever kind.
pub async fn a_refused_commit_stores_nothing<F: StoreFixture>(_: &F, case: &Case<F>) {
    let old = lead(&case.store).await;
    let world = World::new();
    put(&case.store, old, world.changes()).await;
    let new = lead(&case.store).await;
    let before = load(&case.store).await;
    let mut changes = vec![
        Change::JobDeleted(crate::id::JobId(11)),
        Change::FlowDeleted(crate::id::FlowId(1)),
        Change::ExecutorDeleted(crate::id::ExecutorId(21)),
        sample::put_executor(&sample::executor(23, "new")),
        Change::Execution(sample::execution(31)),
    ];
    changes.extend(
        world
            .job_runs
            .iter()
            .map(|&row| sample::put_job_run(JobRunRow { attempt: 99, ..row })),
    );
    let refused = try_put(&case.store, old, 5_000, changes).await;
    assert_eq!(refused, Err(ErrorKind::Fenced));
    assert_eq!(load(&case.store).await, before);
    // The refusal leaves nothing behind that would be in the way of the leader.
    put(&case.store, new, world.changes()).await;
}

/// Clause 2: without a term there is no fence to commit under.
pub async fn nobody_commits_before_a_lease_was_acquired<F: StoreFixture>(_: &F, case: &Case<F>) {
    for fence in [Fence(0), Fence(1)] {
        let changes = vec![sample::put_flow(&sample::flow(1, "f"))];
        let refused = try_put(&case.store, fence, 9, changes).await;
        assert_eq!(refused, Err(ErrorKind::Fenced));
    }
    assert_eq!(load(&case.store).await, Snapshot::default());
}

/// Clause 2: two leaders that meet do not mix.
pub async fn of_two_commits_at_once_the_newest_fence_stores<F: StoreFixture>(
    fixture: &F,
    case: &Case<F>,
) {
    let old = lead(&case.store).await;
    let other = fixture.reopen(case).await;
    let new = lead(&other).await;
    for round in 0..10 {
        let by_old = vec![sample::put_flow(&sample::flow(100 + round, "old"))];
        let by_new = vec![sample::put_flow(&sample::flow(200 + round, "new"))];
        let (a, b) = future::join(
            try_put(&case.store, old, 9_999, by_old),
            try_put(&other, new, 500 + round, by_new),
        )
        .await;
        assert_eq!((a, b), (Err(ErrorKind::Fenced), Ok(())));
    }
    let snapshot = load(&case.store).await;
    assert_eq!(snapshot.next_id, 509);
    let ids: Vec<_> = snapshot.flows.iter().map(|(f, _)| f.id.0).collect();
    assert_eq!(ids, Vec::from_iter(200..210));
}

/// Clauses 1 and 2: a commit that meets a takeover is before it, whole, or after it, refused; and once the new term has
/// begun nothing of the old one appears any more.
pub async fn a_commit_against_a_takeover_stores_all_or_nothing<F: StoreFixture>(
    fixture: &F,
    case: &Case<F>,
) {
    let other = fixture.reopen(case).await;
    for round in 0..10 {
        let fence = lead(&case.store).await;
        let ids = (round * 1_000)..(round * 1_000 + 300);
        let executors = ids.clone().map(|id| sample::executor(id, "e"));
        let changes = executors.map(|e| sample::put_executor(&e)).collect();
        let takeover = async {
            let lease = other.acquire("the case", sample::at(0), HOUR, None).await;
            assert!(lease.expect("acquire").given().is_some());
            load(&other).await
        };
        let (stored, seen) = future::join(try_put(&case.store, fence, 9, changes), takeover).await;
        let count = |snapshot: &Snapshot| {
            let there = snapshot.executors.iter();
            there.filter(|e| ids.contains(&e.id.0)).count()
        };
        let later = count(&load(&other).await);
        match stored {
            Ok(()) => assert_eq!((count(&seen), later), (300, 300)),
            Err(kind) => assert_eq!((kind, count(&seen), later), (ErrorKind::Fenced, 0, 0)),
        }
    }
}
