//! The write side.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, ExecutionSnapshot, Snapshot},
    id::{AlertId, ExecutionId},
    port::{Asked, Commit, Fence, Lease, Store},
    time::Timestamp,
};

use crate::{MemError, tables::Tables};

/// A store in memory. Clones share what they hold.
#[derive(Clone, Debug, Default)]
pub struct MemStore {
    tables: Arc<Mutex<Tables>>,
}

impl MemStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tables, for as long as the guard lives. No method awaits while it holds one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing can panic between two halves of a change, so a poisoned lock still guards whole commits.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemStore {
    type Error = MemError;

    async fn load(&self) -> Result<Snapshot, MemError> {
        self.lock().snapshot()
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, MemError> {
        let tables = self.lock();
        let row = tables.executions.get(&execution);
        row.map(|row| tables.execution_snapshot(row)).transpose()
    }

    async fn load_alerts(&self, alerts: &[AlertId]) -> Result<Vec<AlertRow>, MemError> {
        let tables = self.lock();
        let is_meant = |row: &AlertRow| {
            let ids = [Some(row.id), row.escalates, row.escalated];
            ids.iter().flatten().any(|id| alerts.contains(id))
        };
        let rows = tables.alerts.values().filter(|row| is_meant(row));
        Ok(rows.cloned().collect())
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), MemError> {
        let mut tables = self.lock();
        let newest = tables.lease.as_ref().map(|lease| lease.fence);
        if newest != Some(fence) {
            return Err(MemError::Fenced {
                given: fence,
                newest: newest.unwrap_or_default(),
            });
        }
        if let Some(lease) = &mut tables.lease
            && !is_released(lease)
        {
            lease.expires_at = just_after(lease.expires_at);
        }
        tables.apply(commit);
        Ok(())
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, MemError> {
        let mut tables = self.lock();
        if let Some(last) = &tables.lease
            && !(is_released(last) || last.holder == holder || outlasted == Some(last))
        {
            return Ok(Asked::Held(last.clone()));
        }
        let newest = tables.lease.as_ref().map_or(0, |lease| lease.fence.0);
        let lease = Lease {
            fence: Fence(newest + 1),
            holder: holder.into(),
            expires_at: now.after(ttl),
        };
        tables.lease = Some(lease.clone());
        Ok(Asked::Given(lease))
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, MemError> {
        let mut tables = self.lock();
        match &mut tables.lease {
            Some(last) if last.fence == lease.fence && !is_released(last) => {
                last.expires_at = now.after(ttl).max(just_after(last.expires_at));
                Ok(last.clone())
            }
            last => Err(MemError::Fenced {
                given: lease.fence,
                newest: last.as_ref().map_or(Fence(0), |last| last.fence),
            }),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), MemError> {
        let mut tables = self.lock();
        if let Some(last) = &mut tables.lease
            && last.fence == lease.fence
        {
            // The fence stays, so that the next one is greater.
            last.expires_at = Timestamp::MIN;
        }
        Ok(())
    }
}

/// The least that differs from it, and tells that the holder is alive.
fn just_after(end: Timestamp) -> Timestamp {
    end.after(Duration::from_micros(1))
}

/// Whether this lease was given up. A lease in force never ends at the beginning of time.
fn is_released(lease: &Lease) -> bool {
    lease.expires_at == Timestamp::MIN
}
