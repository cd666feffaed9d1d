//! The write side: each method where its subject is.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, ExecutionSnapshot, Snapshot},
    id::{AlertId, ExecutionId},
    port::{Asked, Commit, Fence, Lease, Store},
    time::Timestamp,
};

use crate::{SqlError, SqlStore};

/// What a row of a large commit may take, on the slowest disk that anybody would keep a database on.
const SLOWEST_ROW: Duration = Duration::from_millis(10);

/// The longest that the lease is asked for at a time.
const LEASE_PATIENCE: Duration = Duration::from_secs(10);

#[async_trait]
impl Store for SqlStore {
    type Error = SqlError;

    async fn load(&self) -> Result<Snapshot, SqlError> {
        // All that lives, in one read of many tables: it takes as long as it takes, but not for ever.
        let limit = self.patience() * 20;
        self.within(limit, "load", self.load_snapshot()).await
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, SqlError> {
        let load = self.load_one_execution(execution);
        let limit = self.patience() * 2;
        self.within(limit, "load an execution", load).await
    }

    async fn load_alerts(&self, alerts: &[AlertId]) -> Result<Vec<AlertRow>, SqlError> {
        let load = self.load_linked_alerts(alerts);
        self.within(self.patience(), "load alerts", load).await
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), SqlError> {
        let rows = u32::try_from(commit.changes.len()).unwrap_or(u32::MAX);
        let limit = self.patience() + SLOWEST_ROW.saturating_mul(rows);
        let store = self.commit_batch(fence, commit);
        self.within(limit, "commit", store).await
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, SqlError> {
        let acquire = self.acquire_lease(holder, now, ttl, outlasted);
        self.within(self.lease_patience(), "ask for the lease", acquire)
            .await
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, SqlError> {
        let renew = self.renew_lease(lease, now, ttl);
        self.within(self.lease_patience(), "renew the lease", renew)
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), SqlError> {
        let release = self.release_lease(lease);
        self.within(self.lease_patience(), "release the lease", release)
            .await
    }
}

impl SqlStore {
    /// Whoever stands by must not miss the end of another's lease because one packet was lost.
    fn lease_patience(&self) -> Duration {
        self.patience().min(LEASE_PATIENCE)
    }

    /// What a call gives that is small, whatever the database holds.
    pub(crate) async fn soon<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, SqlError>> + Send,
    ) -> Result<T, SqlError> {
        self.within(self.patience(), doing, call).await
    }

    /// What a page gives. It is read to its end also when nobody waits for it any more: the driver loses track of a connection
    /// whose call is dropped half-way, and the next call on it might see an old view of the tables, or nothing.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        page: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        let store = self.clone();
        let read = tokio::spawn(async move { store.soon(doing, page).await });
        match read.await {
            Ok(done) => done,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that ends cancels it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// What a call gives within this time. A network that swallows what is sent says nothing for a quarter of an hour, and
    /// a database may hang as long as it likes; whoever calls can wait, and try again. What was begun is undone, or has
    /// been stored and is stored once more.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        doing: &'static str,
        call: impl Future<Output = Result<T, SqlError>> + Send,
    ) -> Result<T, SqlError> {
        match tokio::time::timeout(limit, call).await {
            Ok(done) => done,
            Err(_) => Err(SqlError::Silent { doing, limit }),
        }
    }
}
