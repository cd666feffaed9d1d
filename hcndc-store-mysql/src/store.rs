//! The write side: each method where its subject is.

use std::time::Duration;

use async_trait::async_trait;
use hcndc_core::{
    engine::{ExecutionSnapshot, Snapshot},
    id::ExecutionId,
    port::{Asked, Commit, Fence, Lease, Store},
    time::Timestamp,
};

use crate::{SqlError, SqlStore};

#[async_trait]
impl Store for SqlStore {
    type Error = SqlError;

    async fn load(&self) -> Result<Snapshot, SqlError> {
        self.load_snapshot().await
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, SqlError> {
        self.load_one_execution(execution).await
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), SqlError> {
        self.commit_batch(fence, commit).await
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, SqlError> {
        self.acquire_lease(holder, now, ttl, outlasted).await
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, SqlError> {
        self.renew_lease(lease, now, ttl).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), SqlError> {
        self.release_lease(lease).await
    }
}
