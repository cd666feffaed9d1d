//! Whoever wants to know what became so: live pages, the terminal, figures.

use crate::{
    engine::{Change, Input, Rejected, Settings, Snapshot, Step},
    id::{ExecutionId, FileEventId},
    port::Lease,
    time::Timestamp,
    watch::Sight,
};

/// Is told what a scheduler does. Nothing here may block.
pub trait Observer: Send + Sync {
    /// These changes are about to be stored. [`Self::committed`] follows, however long that takes, unless the scheduler ends.
    fn committing(&self, changes: &[Change]) {
        let _ = changes;
    }

    /// These changes are stored. Called in commit order, each commit once in the life of a process.
    fn committed(&self, now: Timestamp, changes: &[Change]);

    /// An engine is about to be loaded from this: what follows is its. With [`Self::applying`] and [`Self::applied`], all that
    /// a recording needs (see [`replay`](crate::replay)).
    fn loaded(&self, now: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        let _ = (now, settings, snapshot);
    }

    /// An input is about to be applied. Called for each, in order.
    fn applying(&self, now: Timestamp, input: &Input) {
        let _ = (now, input);
    }

    /// What came of the input that was about to be applied. It is not stored yet, and may never be.
    fn applied(&self, outcome: &Result<Step, Rejected>) {
        let _ = outcome;
    }

    /// A report of an executor was refused.
    fn refused(&self, rejected: &Rejected) {
        let _ = rejected;
    }

    /// What came of a look for the files of an event.
    fn looked(&self, now: Timestamp, event: FileEventId, sight: &Sight) {
        let _ = (now, event, sight);
    }

    /// Another leads, and this is its lease as it is stored now: told at each look while the scheduler stands by.
    fn stands_by(&self, lease: &Lease) {
        let _ = lease;
    }

    /// The store failed, and is tried again; `None` when it answers again.
    fn store_trouble(&self, error: Option<&dyn core::error::Error>) {
        let _ = error;
    }

    /// What is stored of an execution that has ended makes no sense; a command to go on with it was refused, and all else
    /// goes on. A person should look at it. Unless it is told otherwise here, it counts as store trouble that is over at once.
    fn unreadable(&self, execution: ExecutionId, error: &dyn core::error::Error) {
        let _ = execution;
        self.store_trouble(Some(error));
        self.store_trouble(None);
    }
}

impl Observer for () {
    fn committed(&self, _: Timestamp, _: &[Change]) {}
}

impl<T: Observer + ?Sized> Observer for alloc::sync::Arc<T> {
    fn committing(&self, changes: &[Change]) {
        (**self).committing(changes);
    }

    fn committed(&self, now: Timestamp, changes: &[Change]) {
        (**self).committed(now, changes);
    }

    fn loaded(&self, now: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        (**self).loaded(now, settings, snapshot);
    }

    fn applying(&self, now: Timestamp, input: &Input) {
        (**self).applying(now, input);
    }

    fn applied(&self, outcome: &Result<Step, Rejected>) {
        (**self).applied(outcome);
    }

    fn refused(&self, rejected: &Rejected) {
        (**self).refused(rejected);
    }

    fn looked(&self, now: Timestamp, event: FileEventId, sight: &Sight) {
        (**self).looked(now, event, sight);
    }

    fn stands_by(&self, lease: &Lease) {
        (**self).stands_by(lease);
    }

    fn store_trouble(&self, error: Option<&dyn core::error::Error>) {
        (**self).store_trouble(error);
    }

    fn unreadable(&self, execution: ExecutionId, error: &dyn core::error::Error) {
        (**self).unreadable(execution, error);
    }
}
