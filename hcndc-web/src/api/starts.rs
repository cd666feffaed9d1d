//! Idempotency keys of starts: a request that is repeated because its answer was lost starts nothing twice.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use hcndc_core::id::ExecutionId;
use tokio::sync::Mutex;
use warp::{Filter as _, filters::BoxedFilter, http::HeaderMap};

use super::problem::{Blame, BlameError, Problem};

/// Keys that are remembered; older ones are forgotten.
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
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<String, (u64, ExecutionId)>,
    order: VecDeque<String>,
}

impl Starts {
    /// Starts, unless the same request came under this key before: then tells what that started.
    ///
    /// Requests with keys are done one after the other, so that two of the same key at once start one execution.
    ///
    /// # Errors
    /// [`Problem::KeyReused`] if another request came under the key, and whatever starting meets.
    pub(super) async fn once(
        &self,
        key: IdempotencyKey,
        request: &[u8],
        start: impl Future<Output = Result<ExecutionId, Problem>>,
    ) -> Result<ExecutionId, Problem> {
        let Some(key) = key? else {
            return start.await;
        };
        let mut hasher = DefaultHasher::new();
        request.hash(&mut hasher);
        let print = hasher.finish();
        let mut known = self.known.lock().await;
        if let Some((its, execution)) = known.by_key.get(&key) {
            return if *its == print {
                Ok(*execution)
            } else {
                Err(Problem::KeyReused)
            };
        }
        let execution = start.await?;
        if known.order.len() == KEPT
            && let Some(oldest) = known.order.pop_front()
        {
            known.by_key.remove(&oldest);
        }
        known.order.push_back(key.clone());
        known.by_key.insert(key, (print, execution));
        Ok(execution)
    }
}
