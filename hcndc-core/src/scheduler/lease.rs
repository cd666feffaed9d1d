//! Leading, by lease.

use core::time::Duration;

use super::{FIRST_WAIT, Leadership, SchedulerError, pause};
use crate::{
    port::{Clock, Lease, Observer, Store},
    time::Timestamp,
};

/// When a lease is due for renewal: a third of it has passed.
pub(super) fn renew_at(lease: &Lease, ttl: Duration) -> Timestamp {
    let rest = i64::try_from((ttl * 2 / 3).as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(lease.expires_at.as_micros().saturating_sub(rest))
}

/// Waits until nobody else leads.
pub(super) async fn acquire<S: Store>(
    store: &S,
    clock: &impl Clock,
    observer: &impl Observer,
    leadership: &Leadership,
) -> Result<Lease, SchedulerError<S::Error>> {
    let mut wait = FIRST_WAIT;
    loop {
        match store
            .acquire(&leadership.holder, clock.now(), leadership.ttl)
            .await
        {
            Ok(Some(lease)) => return Ok(lease),
            Ok(None) => {
                clock
                    .sleep_until(clock.now().after(leadership.ttl / 10))
                    .await
            }
            Err(error) => wait = pause(clock, observer, error, wait).await?,
        }
    }
}

/// Renews a lease that has run out by our own clock: until that is done, nothing may be said.
pub(super) async fn insist<S: Store>(
    store: &S,
    clock: &impl Clock,
    observer: &impl Observer,
    lease: &Lease,
    ttl: Duration,
    mut error: S::Error,
) -> Result<Lease, SchedulerError<S::Error>> {
    let mut wait = FIRST_WAIT;
    loop {
        wait = pause(clock, observer, error, wait).await?;
        match store.renew(lease, clock.now(), ttl).await {
            Ok(lease) => {
                observer.store_trouble(None);
                return Ok(lease);
            }
            Err(again) => error = again,
        }
    }
}
