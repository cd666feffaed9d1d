//! Old history goes, by the server that leads, at a quiet pace.

use std::time::Duration;

use hcndc_core::{port::Clock as _, time::Timestamp};
use hcndc_store_mysql::{Keep, Pruned, SqlError, SqlStore};
use metrics::counter;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::{causes::with_causes, clock::SystemClock};

/// Rows of a kind that go in one transaction at most: some milliseconds' worth.
const BATCH: u32 = 200;
/// A batch is followed by so many times its own duration of rest: scheduling has nine tenths of the database.
const REST: u32 = 9;
const SHORTEST_REST: Duration = Duration::from_millis(20);
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How often it is looked for what has become old.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often a server that does not lead looks whether it does, and one whose database failed looks again.
const WAIT: Duration = Duration::from_secs(30);

/// How long things are kept after they have ended; `None` for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepFor {
    /// Executions with all that belongs to them, firings, alerts, and backfills that succeeded.
    pub history: Option<Duration>,
    /// What people did.
    pub audit: Option<Duration>,
    /// Logs of executors on other hosts.
    pub logs: Option<Duration>,
}

impl KeepFor {
    /// What of a database is kept at this time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Keep {
        Keep {
            history_since: self.history.map(|age| now.before(age)),
            audit_since: self.audit.map(|age| now.before(age)),
        }
    }
}

/// Deletes all that need not be kept, batch after batch, with rests in between.
///
/// # Errors
/// [`SqlError`]; what went before it stays gone.
///
/// # Cancel safety
/// What is dropped half-way is taken up by the next call.
pub async fn prune(store: &SqlStore, keep: Keep) -> Result<Pruned, SqlError> {
    let mut all = Pruned::default();
    loop {
        let began = Instant::now();
        let batch = store.prune(keep, BATCH).await?;
        for (table, rows) in &batch.rows {
            counter!("hcndc_pruned_rows_total", "table" => *table).increment(*rows);
        }
        all.add(&batch);
        if !batch.more {
            return Ok(all);
        }
        sleep((began.elapsed() * REST).clamp(SHORTEST_REST, LONGEST_REST)).await;
    }
}

/// Looks after the history for as long as the handle is held, whenever the server of this name leads.
pub fn start(store: SqlStore, keep_for: KeepFor, holder: String) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let clock = SystemClock::new();
        loop {
            let now = clock.now();
            let wait = match look(&store, keep_for.at(now), &holder, now).await {
                Ok(true) => LOOK_EVERY,
                Ok(false) => WAIT,
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::warn!(
                        error,
                        "old history could not be deleted; trying again later"
                    );
                    WAIT
                }
            };
            sleep(wait).await;
        }
    }))
}

/// Deletes what is old if this server leads. Another that leads by the time of a deletion does no harm: what goes has
/// ended, and is not in use, whoever leads.
async fn look(
    store: &SqlStore,
    keep: Keep,
    holder: &str,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let leader = store.leader().await?;
    let leads = leader.is_some_and(|leader| {
        leader.holder.as_deref() == Some(holder) && leader.expires_at.is_some_and(|end| end > now)
    });
    if !leads {
        return Ok(false);
    }
    let began = Instant::now();
    let pruned = prune(store, keep).await?;
    if pruned.total() > 0 {
        let seconds = began.elapsed().as_secs();
        tracing::info!(rows = ?pruned.rows, seconds, "old history deleted");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcndc_core::port::Store as _;

    #[tokio::test]
    async fn only_the_server_that_leads_deletes() {
        let store = SqlStore::connect("sqlite::memory:").await.unwrap();
        let keep = KeepFor {
            history: Some(Duration::from_secs(1)),
            ..KeepFor::default()
        };
        let now = Timestamp::from_micros(10_000_000);
        let look = |holder| look(&store, keep.at(now), holder, now);
        assert!(!look("a").await.unwrap(), "nobody has led yet");
        let ttl = Duration::from_secs(3);
        store
            .acquire("a", now, ttl, None)
            .await
            .unwrap()
            .given()
            .unwrap();
        assert!(look("a").await.unwrap());
        assert!(!look("b").await.unwrap());
    }

    #[test]
    fn what_is_kept_for_ever_has_no_date() {
        let keep_for = KeepFor {
            audit: Some(Duration::from_secs(5)),
            ..KeepFor::default()
        };
        let keep = keep_for.at(Timestamp::from_micros(9_000_000));
        assert_eq!(keep.history_since, None);
        assert_eq!(keep.audit_since, Some(Timestamp::from_micros(4_000_000)));
    }
}
