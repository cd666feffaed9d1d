//! How much each caller may ask for: a bucket of requests for each, which fills up again at a steady rate.
//!
//! A caller is a user, a token, or for those who are nobody an address. Buckets are in this server's memory: each server of a
//! database counts for itself. A bucket that is full again is forgotten.

use std::{
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};
use hcndc_core::id::{TokenId, UserId};

/// Callers whose buckets are kept. Whoever has no name shares one bucket with all the others like that when there are more.
const KEPT: usize = 20_000;
/// A bucket holds what flows into it in so many seconds.
const DEPTH: u32 = 10;

/// Whom a request is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// A user who has signed in.
    User(UserId),
    /// A program.
    Token(TokenId),
    /// Somebody who is not known, by the address.
    Address(IpAddr),
}

impl Counted {
    /// Somebody at an address. Whoever has one of version 6 has all that begin with the same 64 bits.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
        })
    }
}

/// A bucket for each of those that there are only so many of.
pub(crate) struct Buckets<K: Clone + Eq + Hash, C: Clock = DefaultClock> {
    limiter: RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>,
    clock: C,
}

impl<K: Clone + Eq + Hash, C: Clock> fmt::Debug for Buckets<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// Each holds what flows into it in a minute.
    pub(crate) fn per_minute(count: NonZeroU32) -> Self {
        Self::with(Quota::per_minute(count), DefaultClock::default())
    }
}

impl<K: Clone + Eq + Hash, C: Clock + Clone> Buckets<K, C> {
    fn with(quota: Quota, clock: C) -> Self {
        Self {
            limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()),
            clock,
        }
    }

    /// Takes one out of a bucket.
    ///
    /// # Errors
    /// If it is empty: how long it takes until there is one again.
    pub(crate) fn take(&self, of: &K) -> Result<(), Duration> {
        let taken = self.limiter.check_key(of);
        taken.map_err(|until: NotUntil<C::Instant>| until.wait_time_from(self.clock.now()))
    }
}

type Shared<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The buckets of all who ask the API.
pub(crate) struct Rates<C: Clock = DefaultClock> {
    buckets: Buckets<Counted, C>,
    shared: Shared<C>,
    kept: usize,
}

impl<C: Clock> fmt::Debug for Rates<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

impl Rates {
    /// So many requests a second for each caller, and ten seconds' worth of them at once.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self::with(per_second, DefaultClock::default(), KEPT)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with(per_second: NonZeroU32, clock: C, kept: usize) -> Self {
        let burst = NonZeroU32::new(DEPTH).map_or(per_second, |by| per_second.saturating_mul(by));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            buckets: Buckets::with(quota, clock.clone()),
            shared: RateLimiter::direct_with_clock(quota, clock),
            kept,
        }
    }

    /// Takes one request out of a caller's bucket.
    ///
    /// # Errors
    /// If it is empty: how long it takes until there is one again.
    pub(crate) fn take(&self, counted: Counted) -> Result<(), Duration> {
        match counted {
            Counted::Address(_) if self.is_full() => {
                self.shared.check().map_err(|until: NotUntil<C::Instant>| {
                    until.wait_time_from(self.buckets.clock.now())
                })
            }
            // There are no more users and tokens than an administrator has let in.
            Counted::Address(_) | Counted::User(_) | Counted::Token(_) => {
                self.buckets.take(&counted)
            }
        }
    }

    /// Whether no further bucket can be kept, after those have been forgotten that are full again.
    fn is_full(&self) -> bool {
        if self.buckets.limiter.len() < self.kept {
            return false;
        }
        self.buckets.limiter.retain_recent();
        self.buckets.limiter.len() >= self.kept
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(per_second: u32, kept: usize) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_second = NonZeroU32::new(per_second).unwrap();
        (Rates::with(per_second, clock.clone(), kept), clock)
    }

    fn address(text: &str) -> Counted {
        Counted::at(text.parse().unwrap())
    }

    #[test]
    fn each_caller_has_a_bucket_that_fills_up_again() {
        let (rates, clock) = rates(5, 100);
        let ann = Counted::User(UserId(1));
        for _ in 0..50 {
            rates.take(ann).unwrap();
        }
        assert_eq!(rates.take(ann), Err(Duration::from_millis(200)));
        rates.take(Counted::User(UserId(2))).unwrap();
        rates.take(Counted::Token(TokenId(1))).unwrap();
        clock.advance(Duration::from_millis(200));
        rates.take(ann).unwrap();
        rates.take(ann).unwrap_err();
        clock.advance(Duration::from_secs(3_600));
        for _ in 0..50 {
            rates.take(ann).unwrap();
        }
        rates.take(ann).unwrap_err();
    }

    #[test]
    fn whoever_has_many_addresses_fills_no_memory_and_no_named_caller_minds() {
        let (rates, clock) = rates(1, 100);
        for number in 0..1_000_u32 {
            let _ = rates.take(Counted::at(std::net::Ipv4Addr::from_bits(number).into()));
        }
        assert!(rates.buckets.limiter.len() <= 100);
        rates.take(address("10.0.0.1")).unwrap_err();
        rates.take(Counted::User(UserId(1))).unwrap();
        clock.advance(Duration::from_secs(60));
        rates.take(address("10.0.0.1")).unwrap();
        assert!(
            rates.buckets.limiter.len() <= 2,
            "full buckets are forgotten"
        );
    }

    #[test]
    fn a_network_of_version_6_is_one_caller() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::2:3"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
    }
}
