//! The way to data sources, for the values of params.

use alloc::{boxed::Box, collections::BTreeMap, string::String, string::ToString as _, sync::Arc};

use async_trait::async_trait;

use crate::{
    engine::{ResolveError, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, ParamId},
};

/// Asks data sources for the values of params, before attempts begin.
///
/// # Contract
/// 1. `resolve` never blocks. What it refuses at once, `recv` says nothing of.
/// 2. Of every order that it took `recv` gives an answer, once: all values that were asked for, or why one of them cannot
///    be had. No order waits for the answer of another for ever: a query that takes longer than its timeout ends with
///    [`TimedOut`](ResolveErrorKind::TimedOut).
/// 3. An answer is for the order whose attempt it names. An attempt that is given again is asked for again, and each of
///    its orders is answered: the scheduler takes the first answer that it waits for, and no other.
/// 4. Nothing is kept of an order that was not answered when the process ended: it is given again where it is still wanted.
/// 5. Values and secrets stand in answers only: in no reason, and in no log.
///
/// Values may be shared: jobs of one execution that ask the same of one data source may all get what it answered first.
#[async_trait]
pub trait ParamResolver: Send + Sync {
    /// Ask this.
    ///
    /// # Errors
    /// Why it cannot be asked at all; the same as an answer.
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError>;

    /// The next answer; waits for one.
    ///
    /// # Cancel safety
    /// Dropping the future loses no answer.
    async fn recv(&self) -> (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>);
}

/// For who has nobody to ask: refuses every order, so that its job fails and says why.
#[async_trait]
impl ParamResolver for () {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        let Some(ask) = order.asks.first() else {
            return Ok(());
        };
        Err(ResolveError {
            param: ask.param,
            kind: ResolveErrorKind::Unsupported,
            reason: "nobody here asks data sources".to_string(),
        })
    }

    async fn recv(&self) -> (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>) {
        core::future::pending().await
    }
}

#[async_trait]
impl<T: ParamResolver + ?Sized> ParamResolver for Arc<T> {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        (**self).resolve(order)
    }

    async fn recv(&self) -> (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>) {
        (**self).recv().await
    }
}
