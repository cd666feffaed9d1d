//! How long commits take: whoever waits for one is told, while it lasts and when it is over.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics;

/// A commit that takes longer is slow: callers wait for it, and results of jobs queue behind it.
const SLOW: Duration = Duration::from_secs(1);

/// The commit that is under way, if one is.
#[derive(Debug, Default)]
pub struct Commits {
    under_way: Mutex<Option<UnderWay>>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    since: Instant,
    changes: usize,
}

impl Commits {
    /// One begins.
    pub(crate) fn begin(&self, changes: usize) {
        let since = Instant::now();
        self.set(Some(UnderWay { since, changes }));
    }

    /// It is stored.
    pub(crate) fn end(&self) {
        let Some(commit) = self.set(None) else { return };
        let took = commit.since.elapsed();
        metrics::committed_in(took);
        if took > SLOW {
            let (seconds, changes) = (took.as_secs_f32(), commit.changes);
            tracing::warn!(seconds, changes, "the store is slow: all wait for a commit");
        }
    }

    /// For how long the present one has been under way, if it is slow.
    #[must_use]
    pub fn slow(&self) -> Option<Duration> {
        let under_way = *self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lasts = under_way?.since.elapsed();
        (lasts > SLOW).then_some(lasts)
    }

    /// None is under way, as far as this process can tell: it leads no more.
    pub(crate) fn forget(&self) {
        self.set(None);
    }

    fn set(&self, commit: Option<UnderWay>) -> Option<UnderWay> {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut under_way, commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_slow_only_while_it_takes_long() {
        let commits = Commits::default();
        assert_eq!(commits.slow(), None);
        commits.begin(3);
        assert_eq!(commits.slow(), None);
        let since = Instant::now() - 7 * SLOW;
        commits.set(Some(UnderWay { since, changes: 3 }));
        assert!(commits.slow() >= Some(7 * SLOW));
        commits.end();
        assert_eq!(commits.slow(), None);
    }
}
