//! How many deliveries are let through: each source has a bucket that fills by and by.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// Sources that are remembered.
const KEPT: usize = 10_000;

/// How many of each source are let through: so many at once, and as many in each minute.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    per_minute: u32,
    buckets: HashMap<K, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash + Clone> Rates<K> {
    /// So many a minute.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            buckets: HashMap::new(),
        }
    }

    /// Takes one of a source's.
    ///
    /// # Errors
    /// When there will be one, if there is none now.
    pub(crate) fn take(&mut self, source: K, now: Instant) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        let per_second = full / 60.0;
        if self.buckets.len() >= KEPT && !self.buckets.contains_key(&source) {
            // Full ones are as good as new; if that leaves too many, somebody has many addresses, and all begin anew.
            self.buckets.retain(|_, it| {
                it.left + now.saturating_duration_since(it.at).as_secs_f64() * per_second < full
            });
            if self.buckets.len() >= KEPT {
                self.buckets.clear();
            }
        }
        let bucket = self.buckets.entry(source).or_insert(Bucket {
            left: full,
            at: now,
        });
        let over = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + over * per_second).min(full);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_again_and_others_have_their_own() {
        let (mut rates, start) = (Rates::new(60), Instant::now());
        for _ in 0..60 {
            assert_eq!(rates.take("a", start), Ok(()));
        }
        assert_eq!(rates.take("a", start), Err(Duration::from_secs(1)));
        assert_eq!(rates.take("b", start), Ok(()));
        let later = start + Duration::from_secs(2);
        assert_eq!(rates.take("a", later), Ok(()));
        assert_eq!(rates.take("a", later), Ok(()));
        assert!(rates.take("a", later).is_err());
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let (mut rates, start) = (Rates::new(60), Instant::now());
        for number in 0..KEPT + 5 {
            assert_eq!(rates.take(number, start), Ok(()));
        }
        assert!(rates.buckets.len() <= KEPT);
    }
}
