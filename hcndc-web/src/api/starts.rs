//! Idempotency keys of starts: a request that is repeated because its answer was lost starts nothing twice.
//!
//! What is under way, and what was started lately, is known here. The rest is looked up where it is stored with what
//! was started, so that a key outlives this server, and its lead.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt as _;
use hcndc_core::{engine::Started, port::StartKey};
use tokio::sync::watch;
use warp::{Filter as _, filters::BoxedFilter, http::HeaderMap};

use super::{
    ports::COMMAND,
    problem::{Blame, BlameError, Problem},
};

/// Keys that are remembered here; older ones are looked up.
const KEPT: usize = 1_000;
/// Characters of a key at most.
const LONGEST: usize = 255;

/// The value of `Idempotency-Key`, if there is one.
pub(super) type IdempotencyKey = Result<Option<String>, Problem>;

/// Hands the key to a handler.
pub(super) fn idempotency_key() -> BoxedFilter<(IdempotencyKey,)> {
    warp::header::headers_cloned()
        .map(|headers: HeaderMap| {
            let Some(value) = headers.get("idempotency-key") else {
                return Ok(None);
            };
            let key = value.to_str().unwrap_or_default();
            if (1..=LONGEST).contains(&key.len()) {
                Ok(Some(key.to_owned()))
            } else {
                let error = BlameError::TooLong { limit: LONGEST };
                Err(Problem::BadQuery(vec![Blame::of("Idempotency-Key", error)]))
            }
        })
        .boxed()
}

/// What was started under which key.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<String, Begun>,
    order: VecDeque<String>,
}

/// A start that was begun: of which request, and what came of it.
#[derive(Clone, Debug)]
struct Begun {
    print: u64,
    outcome: watch::Receiver<Option<Result<Started, Problem>>>,
}

impl Starts {
    /// Starts, unless the same request came under this key before: then tells what came of that.
    ///
    /// A start that fails is forgotten, and its key may be used again. `start` is given what to store with it; what
    /// is stored already it finds itself.
    ///
    /// # Errors
    /// [`Problem::KeyReused`] if another request came under the key, [`Problem::SchedulerSlow`] if it takes too long,
    /// and whatever starting meets.
    ///
    /// # Cancel safety
    /// A start with a key goes on and is remembered when the future is dropped, or has run out of time. A caller who
    /// is cut off while the store is slow is the very one who repeats the request.
    pub(super) async fn once<F>(
        &self,
        key: IdempotencyKey,
        request: &[u8],
        start: impl FnOnce(Option<StartKey>) -> F,
    ) -> Result<Started, Problem>
    where
        F: Future<Output = Result<Started, Problem>> + Send + 'static,
    {
        let Some(key) = key? else {
            let started = tokio::time::timeout(COMMAND, start(None)).await;
            return started.map_err(|_| Problem::SchedulerSlow)?;
        };
        let print = print(request);
        let start = start(Some(StartKey {
            key: key.clone(),
            print,
        }));
        let mut outcome = self.begin(key, print, start)?;
        let told = tokio::time::timeout(COMMAND, outcome.wait_for(Option::is_some)).await;
        let told = told.map_err(|_| Problem::SchedulerSlow)?;
        // Only the end of the runtime keeps the outcome from being told.
        let told = told.map_err(|_| Problem::SchedulerStopped)?;
        told.clone().unwrap_or(Err(Problem::Internal))
    }

    /// Begins the start, or finds the one that was begun.
    fn begin(
        &self,
        key: String,
        print: u64,
        start: impl Future<Output = Result<Started, Problem>> + Send + 'static,
    ) -> Result<watch::Receiver<Option<Result<Started, Problem>>>, Problem> {
        let mut known = lock(&self.known);
        if let Some(begun) = known.by_key.get(&key) {
            return if begun.print == print {
                Ok(begun.outcome.clone())
            } else {
                Err(Problem::KeyReused)
            };
        }
        known.make_room()?;
        let (tell, outcome) = watch::channel(None);
        let begun = Begun {
            print,
            outcome: outcome.clone(),
        };
        known.order.push_back(key.clone());
        known.by_key.insert(key.clone(), begun);
        drop(known);
        let known = Arc::clone(&self.known);
        tokio::spawn(async move {
            let started = AssertUnwindSafe(start).catch_unwind().await;
            let started = started.unwrap_or(Err(Problem::Internal));
            if started.is_err() {
                lock(&known).forget(&key);
            }
            tell.send_replace(Some(started));
        });
        Ok(outcome)
    }
}

/// What a request is told from others by, the same in every server of every version (FNV-1a).
fn print(request: &[u8]) -> u64 {
    request.iter().fold(0xcbf2_9ce4_8422_2325, |print, &byte| {
        (print ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// Forgets the oldest if there are too many. One that still waits for the scheduler cannot be forgotten: whoever
    /// repeats it would start it twice.
    fn make_room(&mut self) -> Result<(), Problem> {
        if self.order.len() < KEPT {
            return Ok(());
        }
        let ended = |key: &String| {
            let begun = self.by_key.get(key);
            begun.is_none_or(|begun| begun.outcome.borrow().is_some())
        };
        let oldest = self.order.iter().position(ended);
        let oldest = oldest.and_then(|at| self.order.remove(at));
        let oldest = oldest.ok_or(Problem::SchedulerSlow)?;
        self.by_key.remove(&oldest);
        Ok(())
    }

    fn forget(&mut self, key: &str) {
        self.by_key.remove(key);
        self.order.retain(|known| known != key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use hcndc_core::id::ExecutionId;
    use tokio::sync::Notify;

    use super::*;

    /// A store that answers when it is told to, and counts what it was asked.
    #[derive(Default)]
    struct Slow {
        asked: AtomicU64,
        answers: Notify,
    }

    impl Slow {
        /// Starts execution 1 the first time, 2 the second.
        async fn start(self: Arc<Self>) -> Result<Started, Problem> {
            let id = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            self.answers.notified().await;
            Ok(execution(id))
        }
    }

    fn execution(id: u64) -> Started {
        Started::Execution(ExecutionId(id))
    }

    fn key() -> IdempotencyKey {
        Ok(Some("night-7".to_owned()))
    }

    #[tokio::test]
    async fn a_start_whose_caller_has_gone_is_remembered() {
        let (starts, slow) = (Starts::default(), Arc::new(Slow::default()));
        let gone = starts.once(key(), b"{}", |_| Arc::clone(&slow).start());
        // As when the connection is lost: polled until it waits, and dropped.
        tokio::select! {
            biased;
            _ = gone => panic!("nothing has answered"),
            () = async { while slow.asked.load(Ordering::SeqCst) == 0 { tokio::task::yield_now().await } } => {}
        }
        slow.answers.notify_one();
        let again = starts.once(key(), b"{}", |_| Arc::clone(&slow).start());
        assert_eq!(again.await, Ok(execution(1)));
        let other = starts.once(key(), b"{ }", |_| Arc::clone(&slow).start());
        assert_eq!(other.await, Err(Problem::KeyReused));
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_start_that_fails_or_panics_may_be_tried_again() {
        let starts = Starts::default();
        let refused = starts.once(key(), b"{}", |_| async { Err(Problem::SchedulerStopped) });
        assert_eq!(refused.await, Err(Problem::SchedulerStopped));
        let broken = starts.once(key(), b"{}", |_| async { panic!("a fault of ours") });
        assert_eq!(broken.await, Err(Problem::Internal));
        let done = starts.once(key(), b"{}", |_| async { Ok(execution(3)) });
        assert_eq!(done.await, Ok(execution(3)));
    }

    #[tokio::test]
    async fn only_so_many_keys_are_remembered_and_none_that_waits_is_forgotten() {
        let (starts, slow) = (Starts::default(), Arc::new(Slow::default()));
        let waits = starts.begin("waits".to_owned(), 0, Arc::clone(&slow).start());
        waits.expect("there is room");
        for number in 0..KEPT as u64 + 5 {
            let key = Ok(Some(number.to_string()));
            let done = starts.once(key, b"{}", |_| async move { Ok(execution(number)) });
            assert_eq!(done.await, Ok(execution(number)));
        }
        let known = lock(&starts.known);
        assert_eq!((known.order.len(), known.by_key.len()), (KEPT, KEPT));
        assert!(known.by_key.contains_key("waits") && !known.by_key.contains_key("0"));
    }
}
