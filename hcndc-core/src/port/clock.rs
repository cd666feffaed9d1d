//! The clock.

use alloc::boxed::Box;
use core::time::Duration;

use async_trait::async_trait;

use crate::time::Timestamp;

/// Tells the time and waits for it.
///
/// # Contract
/// 1. `now` never goes back.
/// 2. `sleep_until` returns at once for a time that has passed, and otherwise when `now` has reached it.
/// 3. `steady` never goes back either, and grows as time passes, whatever becomes of the host's clock. It may stand still
///    while the host sleeps.
/// 4. `sleep` returns when `steady` has grown by that much.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Time since some moment that means nothing and stays: to tell how long something took, or lasts.
    fn steady(&self) -> Duration;

    /// Waits until `time`.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait.
    async fn sleep_until(&self, time: Timestamp);

    /// Waits for a while.
    ///
    /// # Cancel safety
    /// As for [`sleep_until`](Self::sleep_until).
    async fn sleep(&self, span: Duration);
}
