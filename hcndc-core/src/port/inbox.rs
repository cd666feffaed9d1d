//! The way in for whoever wants something of a scheduler.

use alloc::{boxed::Box, string::String};
use core::fmt;

use async_trait::async_trait;

use crate::engine::{Engine, Input, Rejected, Reply};

/// What to do with the answer to a command.
pub type Answer = Box<dyn FnOnce(Result<Reply, Rejected>) + Send>;

/// What a start is known by when it is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartKey {
    /// The key, of 255 characters at most. Whoever gives it sees to it that no other start has it.
    pub key: String,
    /// Of the request that came under it.
    pub print: u64,
}

/// Something wanted of a scheduler.
pub enum Request {
    /// Do this. Answered when it is stored, or refused; dropped unanswered if the scheduler stops before.
    Command(Input, Answer),
    /// Start an execution or a backfill by a command that starts one, and store under which key it was asked for.
    Start(Input, StartKey, Answer),
    /// Look at the engine, as it is when all that was asked before is stored. Must be quick.
    Look(Box<dyn FnOnce(&Engine) + Send>),
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(input, _) => f.debug_tuple("Command").field(input).finish(),
            Self::Start(start, key, _) => {
                let fields = (start, key);
                f.debug_tuple("Start").field(&fields).finish()
            }
            Self::Look(_) => f.write_str("Look"),
        }
    }
}

/// Requests, in order.
///
/// # Contract
/// 1. Every request comes out once, in the order in which it was put in.
/// 2. `None` means that no more will come: the scheduler finishes what it has and stops.
#[async_trait]
pub trait Inbox: Send {
    /// The next request; waits for one.
    ///
    /// # Cancel safety
    /// Dropping the future loses no request.
    async fn recv(&mut self) -> Option<Request>;
}
