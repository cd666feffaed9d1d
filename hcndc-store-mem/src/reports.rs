//! What reporters read, and their marks.

use async_trait::async_trait;
use hcndc_core::{
    id::{ExecutionId, JobRunId},
    port::{ExecutionEnd, Reports, RunStory},
};

use crate::{MemError, MemStore};

#[async_trait]
impl Reports for MemStore {
    type Error = MemError;

    async fn ends(&self, after: u64, limit: u32) -> Result<Vec<ExecutionEnd>, MemError> {
        let tables = self.lock();
        let behind = tables.ends.values().filter(|end| end.position > after);
        let mut ends: Vec<_> = behind.copied().collect();
        ends.sort_by_key(|end| (end.position, end.execution));
        let limit = limit.max(1) as usize;
        let last = ends.get(limit - 1).map(|end| end.position);
        ends.retain(|end| last.is_none_or(|last| end.position <= last));
        Ok(ends)
    }

    async fn ends_of(&self, execution: ExecutionId) -> Result<Vec<ExecutionEnd>, MemError> {
        let tables = self.lock();
        let all = (execution, 0)..=(execution, u32::MAX);
        Ok(tables.ends.range(all).map(|(_, end)| *end).collect())
    }

    async fn last_position(&self) -> Result<u64, MemError> {
        Ok(self.lock().commits)
    }

    async fn run_stories(
        &self,
        execution: ExecutionId,
        after: Option<JobRunId>,
        limit: u32,
    ) -> Result<Vec<RunStory>, MemError> {
        let tables = self.lock();
        let runs = tables
            .job_runs
            .values()
            .filter(|run| run.execution == execution && after.is_none_or(|after| run.id > after));
        let runs = runs.take(limit.clamp(1, 1_000) as usize);
        let stories = runs.map(|run| {
            let of_run = tables.attempts.values().filter(|it| it.job_run == run.id);
            let mut attempts: Vec<_> = of_run.cloned().collect();
            attempts.sort_by_key(|attempt| attempt.number);
            Ok(RunStory {
                row: *run,
                flow_name: tables.job_run_view(run)?.flow_name,
                job: tables.job_of(run)?.clone(),
                attempts,
            })
        });
        stories.collect()
    }

    async fn mark(&self, name: &str) -> Result<Option<u64>, MemError> {
        Ok(self.lock().marks.get(name).copied())
    }

    async fn put_mark(&self, name: &str, position: u64) -> Result<(), MemError> {
        let mut tables = self.lock();
        let mark = tables.marks.entry(name.to_owned()).or_default();
        *mark = (*mark).max(position);
        Ok(())
    }
}
