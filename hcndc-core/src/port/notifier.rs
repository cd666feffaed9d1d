//! The way to people.

use alloc::{boxed::Box, string::String, sync::Arc};

use async_trait::async_trait;

use crate::{engine::AlertRow, id::AlertId};

/// Tells people what the engine has to tell, on the channels of the alert's rule.
///
/// # Contract
/// 1. `notify` never blocks. An alert that is given twice may be told twice, but need not be.
/// 2. Of every alert that was given `recv` says once that it is done with: with `None` when people were told, with the
///    reason when nobody can be. Until then it tries, as long and as often as it thinks right.
/// 3. An alert that it was not done with when its process ended is given again by the next one: it need not remember.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tell people this.
    fn notify(&self, alert: AlertRow);

    /// The next alert that is done with, and why nobody was told; waits for one.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    async fn recv(&self) -> (AlertId, Option<String>);
}

/// For who has nobody to tell: alerts stand in the history, and stay open.
#[async_trait]
impl Notifier for () {
    fn notify(&self, _: AlertRow) {}

    async fn recv(&self) -> (AlertId, Option<String>) {
        core::future::pending().await
    }
}

#[async_trait]
impl<T: Notifier + ?Sized> Notifier for Arc<T> {
    fn notify(&self, alert: AlertRow) {
        (**self).notify(alert);
    }

    async fn recv(&self) -> (AlertId, Option<String>) {
        (**self).recv().await
    }
}
