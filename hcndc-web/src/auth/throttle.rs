//! Guessing made slow: after some wrong passwords each further one makes the next wait twice as long.
//!
//! It is counted for the account and for the address, in this server. An account that is guessed at from everywhere is slowed
//! down by a minute at most, so that nobody can lock its owner out; an address by a quarter of an hour.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Accounts, and addresses, that are remembered.
const KEPT: usize = 10_000;
/// After so long without another wrong one all is forgiven.
const FORGIVEN: Duration = Duration::from_secs(60 * 60);

/// How much is let through.
#[derive(Clone, Copy)]
struct Limit {
    /// Wrong ones that cost nothing.
    free: u32,
    /// The longest wait.
    longest: Duration,
}

const OF_ACCOUNT: Limit = Limit {
    free: 5,
    longest: Duration::from_secs(60),
};
const OF_ADDRESS: Limit = Limit {
    free: 20,
    longest: Duration::from_secs(15 * 60),
};

/// Wrong passwords of late.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    accounts: BTreeMap<String, Wrongs>,
    addresses: BTreeMap<String, Wrongs>,
}

#[derive(Clone, Copy, Debug)]
struct Wrongs {
    count: u32,
    last: Instant,
}

impl Wrongs {
    fn wait(self, limit: Limit, now: Instant) -> Option<Duration> {
        let beyond = self.count.checked_sub(limit.free)?;
        let wait = Duration::from_secs(1 << beyond.min(20)).min(limit.longest);
        let over = now.saturating_duration_since(self.last);
        wait.checked_sub(over).filter(|left| !left.is_zero())
    }
}

impl Throttle {
    /// How long to wait before the next try, if at all.
    pub(super) fn wait(&self, account: &str, address: &str, now: Instant) -> Option<Duration> {
        let of = |wrongs: Option<&Wrongs>, limit| wrongs.and_then(|it| it.wait(limit, now));
        of(self.accounts.get(account), OF_ACCOUNT).max(of(self.addresses.get(address), OF_ADDRESS))
    }

    /// One was wrong.
    pub(super) fn wrong(&mut self, account: &str, address: &str, now: Instant) {
        for (known, key) in [
            (&mut self.accounts, account),
            (&mut self.addresses, address),
        ] {
            if known.len() >= KEPT {
                known.retain(|_, it| now.saturating_duration_since(it.last) < FORGIVEN);
            }
            if known.len() >= KEPT {
                // Whoever fills it up must not be forgotten with all the others: it is a guesser with many names.
                let oldest = known.iter().min_by_key(|(_, it)| it.last);
                let oldest = oldest.map(|(key, _)| key.clone());
                oldest.and_then(|key| known.remove(&key));
            }
            let entry = known.entry(key.to_owned()).or_insert(Wrongs {
                count: 0,
                last: now,
            });
            if now.saturating_duration_since(entry.last) >= FORGIVEN {
                entry.count = 0;
            }
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
        }
    }

    /// One was right: its account is forgiven, its address only by time, else one known account would let it guess others.
    pub(super) fn right(&mut self, account: &str) {
        self.accounts.remove(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_and_end() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..4 {
            throttle.wrong("ann", "a", start);
            assert_eq!(throttle.wait("ann", "a", start), None);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            throttle.wrong("ann", "b", start);
            waits.push(
                throttle
                    .wait("ann", "c", start)
                    .map_or(0, |it| it.as_secs()),
            );
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(
            throttle.wait("ann", "c", after(start, 59)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(throttle.wait("ann", "c", after(start, 60)), None);
        assert_eq!(throttle.wait("bob", "b", start), None);
        throttle.right("ann");
        assert_eq!(throttle.wait("ann", "c", start), None);
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_too() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..20 {
            throttle.wrong(&number.to_string(), "evil", start);
        }
        assert!(throttle.wait("ann", "evil", start).is_some());
        throttle.right("0");
        assert!(throttle.wait("ann", "evil", start).is_some());
        assert_eq!(throttle.wait("ann", "good", start), None);
        throttle.wrong("x", "evil", after(start, 3_600));
        assert_eq!(
            throttle.wait("ann", "evil", after(start, 3_600)),
            None,
            "forgiven"
        );
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..KEPT + 10 {
            throttle.wrong(&number.to_string(), "evil", start);
        }
        assert_eq!(throttle.accounts.len(), KEPT);
    }
}
