//! The clock.

use alloc::boxed::Box;
use async_trait::async_trait;

use crate::time::Timestamp;

/// Tells the time and waits for it.
///
/// # Contract
/// 1. `now` never goes back.
/// 2. `sleep_until` returns at once for a time that has passed, and otherwise when `now` has reached it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits until `time`.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait.
    async fn sleep_until(&self, time: Timestamp);
}
