//! Two observers as one.

use hcndc_core::{
    engine::{Change, Input, Rejected, Settings, Snapshot, Step},
    id::{ExecutionId, FileEventId},
    port::{Lease, Observer},
    time::Timestamp,
    watch::Sight,
};

/// Two observers as one.
#[derive(Clone, Debug)]
pub struct Both<A, B>(
    /// Is told first.
    pub A,
    /// Is told then.
    pub B,
);

impl<A: Observer, B: Observer> Observer for Both<A, B> {
    fn committing(&self, changes: &[Change]) {
        self.0.committing(changes);
        self.1.committing(changes);
    }

    fn committed(&self, now: Timestamp, changes: &[Change]) {
        self.0.committed(now, changes);
        self.1.committed(now, changes);
    }

    fn loaded(&self, now: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        self.0.loaded(now, settings, snapshot);
        self.1.loaded(now, settings, snapshot);
    }

    fn applying(&self, now: Timestamp, input: &Input) {
        self.0.applying(now, input);
        self.1.applying(now, input);
    }

    fn applied(&self, outcome: &Result<Step, Rejected>) {
        self.0.applied(outcome);
        self.1.applied(outcome);
    }

    fn refused(&self, rejected: &Rejected) {
        self.0.refused(rejected);
        self.1.refused(rejected);
    }

    fn looked(&self, now: Timestamp, event: FileEventId, sight: &Sight) {
        self.0.looked(now, event, sight);
        self.1.looked(now, event, sight);
    }

    fn stands_by(&self, lease: &Lease) {
        self.0.stands_by(lease);
        self.1.stands_by(lease);
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        self.0.store_trouble(error);
        self.1.store_trouble(error);
    }

    fn unreadable(&self, execution: ExecutionId, error: &dyn std::error::Error) {
        self.0.unreadable(execution, error);
        self.1.unreadable(execution, error);
    }
}
