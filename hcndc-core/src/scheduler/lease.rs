//! Leading, by lease.

use core::{pin::pin, time::Duration};

use futures_util::future::{Either, select};

use super::{FIRST_WAIT, Leadership, SchedulerError, pause};
use crate::{
    engine::Snapshot,
    port::{Asked, Clock, ErrorKind, Fence, Lease, Observer, PortError as _, Store},
    time::Timestamp,
};

/// The lease of this scheduler, and for how long it may go by it.
///
/// Its end counts from the moment before it was asked for: so it ends here before anybody else can have outlasted it. It is
/// kept by two clocks, and whichever says first that it is over is believed: the steady one, which nobody sets, and
/// the wall clock, which goes on while the host sleeps.
#[derive(Debug)]
pub(super) struct Term {
    lease: Lease,
    ttl: Duration,
    /// When it was asked for, by the steady clock.
    asked: Duration,
    /// When it is tried to be renewed again, by the steady clock.
    renew_at: Duration,
}

impl Term {
    fn new(lease: Lease, ttl: Duration, asked: Duration) -> Self {
        Self {
            lease,
            ttl,
            asked,
            renew_at: asked + ttl / 3,
        }
    }

    pub(super) const fn fence(&self) -> Fence {
        self.lease.fence
    }

    pub(super) const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Whether nothing more may be said before it is renewed: of its time a tenth is left at most, for what is said takes a
    /// moment to be heard.
    pub(super) fn is_over(&self, clock: &impl Clock) -> bool {
        let spent = clock.steady().saturating_sub(self.asked);
        spent >= self.ttl - self.ttl / 10 || clock.now() >= self.lease.expires_at
    }

    /// How long until it is due for renewal: a third of it has passed.
    pub(super) fn renew_in(&self, clock: &impl Clock) -> Duration {
        if clock.now() >= self.lease.expires_at {
            return Duration::ZERO;
        }
        self.renew_at.saturating_sub(clock.steady())
    }

    /// Renews it. If the store does not answer, that is tried again soon, and insisted on once the lease is over: until then
    /// nothing may be said.
    pub(super) async fn renew<S: Store>(
        &mut self,
        store: &S,
        clock: &impl Clock,
        observer: &impl Observer,
    ) -> Result<(), SchedulerError<S::Error>> {
        let mut wait = FIRST_WAIT;
        let mut failed = false;
        loop {
            let asked = clock.steady();
            match store.renew(&self.lease, clock.now(), self.ttl).await {
                Ok(lease) => {
                    *self = Self::new(lease, self.ttl, asked);
                    if failed {
                        observer.store_trouble(None);
                    }
                    // The answer may have come so late that somebody has outlasted it.
                    if !self.is_over(clock) {
                        return Ok(());
                    }
                    (failed, wait) = (false, FIRST_WAIT);
                }
                Err(error) if error.kind() == ErrorKind::Fenced => {
                    return Err(SchedulerError::Fenced);
                }
                Err(_) if !self.is_over(clock) => {
                    self.renew_at = clock.steady() + self.ttl / 10;
                    return Ok(());
                }
                Err(error) => {
                    failed = true;
                    wait = pause(clock, observer, error, wait).await?;
                }
            }
        }
    }
}

/// The lease of another that was seen, and since when nothing has changed about it.
struct Seen {
    lease: Lease,
    since: Duration,
}

/// Waits until nobody else leads: the other one gave its lease back, or showed no sign of life for as long as leases last.
pub(super) async fn acquire<S: Store>(
    store: &S,
    clock: &impl Clock,
    observer: &impl Observer,
    leadership: &Leadership,
) -> Result<Term, SchedulerError<S::Error>> {
    let Leadership { holder, ttl } = leadership;
    let mut wait = FIRST_WAIT;
    // A former term may have ended in trouble.
    let mut failed = true;
    let mut seen: Option<Seen> = None;
    loop {
        let asked = clock.steady();
        let outlasted = seen.as_ref();
        let outlasted = outlasted.filter(|seen| asked.saturating_sub(seen.since) >= *ttl);
        let outlasted = outlasted.map(|seen| &seen.lease);
        let answer = store.acquire(holder, clock.now(), *ttl, outlasted).await;
        if failed && answer.is_ok() {
            (failed, wait) = (false, FIRST_WAIT);
            observer.store_trouble(None);
        }
        match answer {
            Ok(Asked::Given(lease)) => return Ok(Term::new(lease, *ttl, asked)),
            Ok(Asked::Held(lease)) => {
                observer.stands_by(&lease);
                if seen.as_ref().is_none_or(|seen| seen.lease != lease) {
                    // It stood there when the answer came, at the latest.
                    let since = clock.steady();
                    seen = Some(Seen { lease, since });
                }
                clock.sleep(*ttl / 12).await;
            }
            Err(error) => {
                failed = true;
                wait = pause(clock, observer, error, wait).await?;
            }
        }
    }
}

/// Loads what is stored, and leads on meanwhile however long that takes.
pub(super) async fn load<S: Store>(
    store: &S,
    clock: &impl Clock,
    observer: &impl Observer,
    term: &mut Term,
) -> Result<Snapshot, SchedulerError<S::Error>> {
    let mut loading = pin!(async {
        let mut wait = FIRST_WAIT;
        loop {
            match store.load().await {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => wait = pause(clock, observer, error, wait).await?,
            }
        }
    });
    let snapshot = loop {
        let due = pin!(clock.sleep(term.renew_in(clock)));
        match select(loading.as_mut(), due).await {
            Either::Left((loaded, _)) => break loaded?,
            Either::Right(((), _)) => term.renew(store, clock, observer).await?,
        }
    };
    observer.store_trouble(None);
    Ok(snapshot)
}

/// Whichever comes first.
pub(super) async fn sleep(clock: &impl Clock, until: Option<Timestamp>, within: Duration) {
    let steady = pin!(clock.sleep(within));
    let Some(time) = until else {
        return steady.await;
    };
    let reached = pin!(clock.sleep_until(time));
    select(reached, steady).await;
}
