//! What the engine asks of the world. Carried out after the changes of the same step are stored;
//! carrying one out twice does no harm.

use alloc::{boxed::Box, sync::Arc};
use core::time::Duration;

use super::{alert::AlertRow, input::RunOrder, resolve::ResolveOrder};
use crate::{
    id::{AttemptId, ExecutorId},
    model::Executor,
};

/// One request to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Hold a connection to this executor from now on; it is new, or its definition changed.
    Connect(Arc<Executor>),
    /// Drop the connection to this executor.
    Disconnect(ExecutorId),
    /// Tell this executor something.
    Tell {
        /// Whom.
        executor: ExecutorId,
        /// What.
        order: Order,
    },
    /// Tell people this, and answer with [`Input::Notified`](super::Input::Notified). It may be given again after a restart.
    Notify(AlertRow),
    /// Ask for the values of params, and answer with [`Input::Resolved`](super::Input::Resolved). It may be given again for the
    /// same attempt, after a restart or to an executor that came back without it.
    Resolve(ResolveOrder),
}

/// What an executor can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Run an attempt, once; if it is known already, say what is known of it.
    Run(Box<RunOrder>),
    /// End an attempt: TERM to its whole tree, KILL after the grace. An unknown one is reported as lost.
    Kill {
        /// Which.
        attempt: AttemptId,
        /// Time between TERM and KILL.
        grace: Duration,
    },
    /// The attempt's end is stored: forget it.
    Ack {
        /// Which.
        attempt: AttemptId,
    },
}
