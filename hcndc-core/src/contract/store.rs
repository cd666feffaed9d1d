//! What each clause of [`Store`] promises, case by case.

#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics when its clause does not hold; that is all it does"
)]

mod backfill;
mod commit;
mod fence;
mod firing;
mod lease;
mod load;
mod past;
mod text;

pub use backfill::*;
pub use commit::*;
pub use fence::*;
pub use firing::*;
pub use lease::*;
pub use load::*;
pub use past::*;
pub use text::*;

use alloc::vec::Vec;
use core::time::Duration;

use super::{Opened, StoreFixture, sample};
use crate::{
    engine::{Change, Snapshot},
    port::{Commit, ErrorKind, Fence, PortError as _, Store},
};

/// What a case gets: a fresh store and its guard.
type Case<F> = Opened<<F as StoreFixture>::Store, <F as StoreFixture>::Guard>;

/// Long enough for no lease of these cases to run out by itself.
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Acquires a lease for whoever asks.
pub(crate) async fn lead<S: Store>(store: &S) -> Fence {
    let lease = store.acquire("the case", sample::at(0), HOUR, None).await;
    let lease = lease.expect("acquire").given().expect("nobody else leads");
    lease.fence
}

/// Commits, which must succeed.
pub(crate) async fn put<S: Store>(store: &S, fence: Fence, changes: Vec<Change>) {
    try_put(store, fence, 1_000, changes).await.expect("commit");
}

/// Commits, and tells what became of it.
async fn try_put<S: Store>(
    store: &S,
    fence: Fence,
    next_id: u64,
    changes: Vec<Change>,
) -> Result<(), ErrorKind> {
    let commit = Commit { next_id, changes };
    let result = store.commit(fence, &commit).await;
    result.map_err(|error| error.kind())
}

/// Loads, which must succeed.
async fn load<S: Store>(store: &S) -> Snapshot {
    store.load().await.expect("load")
}
