//! Whether this server leads, as its scheduler knows it.

use std::sync::{Mutex, PoisonError};

use hcndc_core::{
    engine::Change,
    port::{Lease, Observer},
    time::Timestamp,
};
use tokio::sync::watch;

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Nobody knows yet.
    Unknown,
    /// This server.
    Here,
    /// Another.
    There {
        /// Its instance.
        instance: String,
        /// Whether it showed life since this server looks: otherwise it may be dead, and its lease a leftover.
        alive: bool,
    },
}

/// Follows who leads. The scheduler's observer is this one while it stands by.
#[derive(Debug)]
pub struct Leading {
    now: watch::Sender<Lead>,
    seen: Mutex<Option<Lease>>,
}

impl Leading {
    /// Nobody knows yet who leads.
    #[must_use]
    pub fn unknown() -> Self {
        Self::starting_as(Lead::Unknown)
    }

    /// This server leads, and no other is there to.
    #[must_use]
    pub fn alone() -> Self {
        Self::starting_as(Lead::Here)
    }

    fn starting_as(lead: Lead) -> Self {
        Self {
            now: watch::Sender::new(lead),
            seen: Mutex::new(None),
        }
    }

    /// Who leads now.
    #[must_use]
    pub fn now(&self) -> Lead {
        self.now.borrow().clone()
    }

    /// Whether this server does.
    #[must_use]
    pub fn is_here(&self) -> bool {
        *self.now.borrow() == Lead::Here
    }

    /// Says that this server leads.
    pub fn taken(&self) {
        self.now.send_replace(Lead::Here);
    }

    /// Says that this server leads no more.
    pub fn lost(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.now.send_replace(Lead::Unknown);
    }

    /// Waits until who leads is as it should be.
    pub async fn until(&self, so: impl FnMut(&Lead) -> bool) {
        // The sender is here: it cannot be gone.
        let _ = self.now.subscribe().wait_for(so).await;
    }
}

impl Observer for Leading {
    fn committed(&self, _: Timestamp, _: &[Change]) {}

    fn stands_by(&self, lease: &Lease) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.replace(lease.clone());
        drop(seen);
        let same = known.as_ref().is_some_and(|known| known == lease);
        self.now.send_if_modified(|lead| {
            let before = match lead {
                Lead::There { instance, alive } if *instance == lease.holder => *alive,
                Lead::There { .. } | Lead::Unknown | Lead::Here => false,
            };
            let now = Lead::There {
                instance: lease.holder.clone(),
                alive: before || (known.is_some() && !same),
            };
            let changed = *lead != now;
            *lead = now;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hcndc_core::port::Fence;

    use super::*;

    fn lease(holder: &str, end: i64) -> Lease {
        Lease {
            fence: Fence(1),
            holder: holder.to_owned(),
            expires_at: Timestamp::from_micros(end),
        }
    }

    fn there(instance: &str, alive: bool) -> Lead {
        let instance = instance.to_owned();
        Lead::There { instance, alive }
    }

    #[test]
    fn another_leads_for_certain_once_its_lease_has_changed() {
        let leading = Leading::unknown();
        for _ in 0..3 {
            leading.stands_by(&lease("a", 1));
            assert_eq!(leading.now(), there("a", false));
        }
        leading.stands_by(&lease("a", 2));
        leading.stands_by(&lease("a", 2));
        assert_eq!(leading.now(), there("a", true));
        leading.taken();
        assert!(leading.is_here());
        leading.lost();
        assert_eq!(leading.now(), Lead::Unknown);
        leading.stands_by(&lease("a", 2));
        assert_eq!(leading.now(), there("a", false));
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_the_lead() {
        let leading = Leading::unknown();
        let waits = leading.until(|lead| *lead == Lead::Here);
        let taken = async { leading.taken() };
        let both = async { tokio::join!(waits, taken) };
        let waited = tokio::time::timeout(Duration::from_secs(60), both);
        assert!(waited.await.is_ok());
    }
}
