//! The system's clock, made to go forward only.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hcndc_core::{port::Clock, time::Timestamp};

/// Wall time that never goes back. After the host's clock was set back, time goes on at half its pace until the
/// host's clock has caught up: nothing that waits for a time is held up for the length of the step.
#[derive(Debug)]
pub struct SystemClock {
    latest: Mutex<Option<(Timestamp, Instant)>>,
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest sleep in one piece: a clock that is set forward is noticed after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            latest: Mutex::new(None),
            started: Instant::now(),
        }
    }

    fn at(&self, wall: Timestamp, instant: Instant) -> Timestamp {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match *latest {
            Some((time, then)) if wall < time => time.after(instant.duration_since(then) / 2),
            Some(_) | None => wall,
        };
        *latest = Some((now, instant));
        now
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.at(chrono::Utc::now().into(), Instant::now())
    }

    fn steady(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep_until(&self, time: Timestamp) {
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            // At half pace a sleep may be too short; then the loop sleeps on.
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
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

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let clock = SystemClock::new();
        let (wall, start) = (Timestamp::from_micros(1_000_000_000_000), Instant::now());
        let hour = Duration::from_secs(3_600);
        let ahead = wall.after(hour);
        assert_eq!(clock.at(ahead, start), ahead);
        let later = |secs| start + Duration::from_secs(secs);
        assert_eq!(clock.at(wall, later(0)), ahead);
        assert_eq!(
            clock.at(wall.after(Duration::from_secs(10)), later(10)),
            ahead.after(Duration::from_secs(5))
        );
        let caught_up = wall.after(3 * hour);
        assert_eq!(clock.at(caught_up, later(10_800)), caught_up);
    }
}
