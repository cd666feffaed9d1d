//! Conflicts with other writers are tried again here, a few times, before anyone hears of them.

use std::time::Duration;

use hcndc_core::port::{ErrorKind, PortError as _};

use crate::SqlError;

/// Milliseconds between tries. A try may itself have waited for a lock as long as the connection allows, so there are
/// few: whoever is in the way for longer is no passing conflict.
const WAITS: [u64; 3] = [2, 10, 50];

/// Counts tries of one transaction. A try that failed has left nothing behind.
///
/// ```text
/// let mut tries = Tries::default();
/// loop {
///     let done = once().await;
///     if !tries.again(&done).await { return done; }
/// }
/// ```
#[derive(Default)]
pub(crate) struct Tries {
    failed: usize,
}

impl Tries {
    /// Whether to try again: someone was in the way, and not too often yet. Waits a little first.
    pub(crate) async fn again<T>(&mut self, done: &Result<T, SqlError>) -> bool {
        let wait = self.wait(done);
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        wait.is_some()
    }

    fn wait<T>(&mut self, done: &Result<T, SqlError>) -> Option<Duration> {
        let error = done.as_ref().err()?;
        if error.kind() != ErrorKind::Conflict {
            return None;
        }
        let wait = Duration::from_millis(*WAITS.get(self.failed)?);
        self.failed += 1;
        tracing::debug!(%error, failed = self.failed, "conflict with another writer, trying again");
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbErr, RuntimeErr, sqlx};

    use super::*;

    #[test]
    fn only_conflicts_are_tried_again() {
        let fenced = Err::<(), _>(SqlError::ForeignCursor);
        assert_eq!(Tries::default().wait(&fenced), None);
        assert_eq!(Tries::default().wait(&Ok(())), None);
        let gone = Err::<(), _>(SqlError::Statement {
            doing: "test",
            source: DbErr::Exec(RuntimeErr::SqlxError(sqlx::Error::PoolClosed.into())),
        });
        assert_eq!(Tries::default().wait(&gone), None);
    }
}
