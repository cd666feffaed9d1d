//! The system's clock, made to go forward only.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{port::Clock, time::Timestamp};

/// Wall time. When the host's clock is set back, time stands still until it has caught up.
#[derive(Debug)]
pub struct SystemClock {
    latest: AtomicI64,
}

/// The longest sleep in one piece: a clock that is set forward is noticed after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latest: AtomicI64::new(i64::MIN),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let wall = Timestamp::from(chrono::Utc::now()).as_micros();
        let latest = self.latest.fetch_max(wall, Ordering::Relaxed);
        Timestamp::from_micros(latest.max(wall))
    }

    async fn sleep_until(&self, time: Timestamp) {
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_until_the_past_returns_at_once() {
        let clock = SystemClock::new();
        clock.sleep_until(Timestamp::MIN).await;
        let soon = clock.now().after(Duration::from_millis(5));
        clock.sleep_until(soon).await;
        assert!(clock.now() >= soon);
    }
}
