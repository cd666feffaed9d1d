//! How a suite gets at stores.

use alloc::string::String;
use core::{fmt, future::Future};

use crate::port::Store;

/// Opens stores for the cases of a suite. Each case gets one of its own.
pub trait StoreFixture {
    /// The adapter under test. The suite of the read side needs one that is [`History`](crate::port::History), too, that of
    /// reporters one that is [`Reports`](crate::port::Reports).
    type Store: Store + Clone;

    /// Whatever must live as long as the store's data does, and takes it away when dropped.
    type Guard;

    /// Why there is nothing to test against, such as a variable that is not set. The tests then say so and pass, unless
    /// `HCNDC_CI` is `1`.
    fn absent(&self) -> Option<String> {
        None
    }

    /// Runs a case to its end, on whatever runtime the adapter needs.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Opens an empty store.
    fn fresh(&self) -> impl Future<Output = Opened<Self::Store, Self::Guard>>;

    /// Opens the same data once more, as another process would, while the first store stays open. A store whose data
    /// ends with it gives a clone of itself.
    fn reopen(
        &self,
        opened: &Opened<Self::Store, Self::Guard>,
    ) -> impl Future<Output = Self::Store>;
}

/// A store, and what keeps its data alive.
pub struct Opened<S, G> {
    /// The store.
    pub store: S,
    /// Dropped last.
    pub guard: G,
}

impl<S, G> fmt::Debug for Opened<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}
