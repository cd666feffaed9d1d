//! Whoever wants to know what became so: live pages, the terminal, figures.

use crate::{engine::Change, time::Timestamp};

/// Is told of every commit, after it.
pub trait Observer: Send + Sync {
    /// These changes are stored. Must not block; called in commit order, each commit once in the life of a process.
    fn committed(&self, now: Timestamp, changes: &[Change]);
}

impl Observer for () {
    fn committed(&self, _: Timestamp, _: &[Change]) {}
}

impl<T: Observer + ?Sized> Observer for alloc::sync::Arc<T> {
    fn committed(&self, now: Timestamp, changes: &[Change]) {
        (**self).committed(now, changes);
    }
}
