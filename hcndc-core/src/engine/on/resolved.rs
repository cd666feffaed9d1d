//! Values of params that queries gave, and attempts that cannot begin without them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
};

use super::super::{EndCause, Engine, ResolveError, ResolveErrorKind, Step, resolve::trouble};
use crate::id::{AttemptId, DataSourceId, ParamId};

impl Engine {
    /// An attempt that does not wait for values stays as it is: it was begun, has ended, or is asked for no more.
    pub(in super::super) fn on_resolved(
        &mut self,
        id: AttemptId,
        result: Result<BTreeMap<ParamId, String>, ResolveError>,
        step: &mut Step,
    ) {
        let Some(waiting) = self.resolving.take(id) else {
            return;
        };
        let asks = waiting.asks.clone();
        match result.and_then(|values| waiting.fill(values)) {
            Ok(order) => {
                let sources: BTreeSet<DataSourceId> =
                    asks.iter().map(|ask| ask.data_source).collect();
                for source in sources {
                    self.settle_source(source, step);
                }
                self.tell_to_run(order, step);
            }
            Err(error) => {
                let ask = asks.iter().find(|ask| ask.param == error.param);
                match ask.map(|ask| ask.data_source) {
                    Some(source) if error.kind == ResolveErrorKind::Unreachable => {
                        self.alert_source(source, step);
                    }
                    Some(source) if error.kind.is_from_source() => {
                        self.settle_source(source, step);
                    }
                    Some(_) | None => {}
                }
                let cause = EndCause::NotStarted(trouble(&asks, &error));
                self.on_finished(id, self.end_unseen(cause), step);
            }
        }
    }

    /// Ends what was killed as it waited for values: no executor holds it, so nobody else will say that it has ended.
    pub(in super::super) fn end_cut(&mut self, step: &mut Step) {
        for id in self.resolving.take_cut() {
            self.on_finished(id, self.end_unseen(EndCause::Killed), step);
        }
    }
}
