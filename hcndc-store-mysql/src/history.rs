//! The read side: a few queries a page, however many items are on it.

mod definitions;
mod firing;
mod others;
mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, FiringRow, ScheduleCursor, StartKeyRow,
    },
    id::{AttemptId, BackfillId, ExecutionId, FlowId, JobId, JobRunId, ScheduleId},
    model::{Definition, DefinitionId, Executor},
    port::{
        ActionQuery, AlertQuery, BackfillQuery, BackfillView, DefinitionQuery, ExecutionQuery,
        ExecutionView, ExecutorQuery, FiringQuery, FlowQuery, FlowRunView, FlowView, History,
        JobQuery, JobRunQuery, JobRunView, JobView, Page,
    },
};

use crate::{SqlError, SqlStore};

#[async_trait]
impl History for SqlStore {
    type Error = SqlError;

    async fn flows(&self, query: &FlowQuery) -> Result<Page<FlowView>, SqlError> {
        definitions::flows(self.reader(), query).await
    }

    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, SqlError> {
        definitions::flow(self.reader(), flow).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, SqlError> {
        definitions::jobs(self.reader(), query).await
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>, SqlError> {
        definitions::job(self.reader(), job).await
    }

    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, SqlError> {
        definitions::executors(self.reader(), query).await
    }

    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, SqlError> {
        others::definitions(self.reader(), query).await
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, SqlError> {
        others::definition(self.reader(), id).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, SqlError> {
        runs::executions(self.reader(), query).await
    }

    async fn execution(&self, execution: ExecutionId) -> Result<Option<ExecutionView>, SqlError> {
        runs::execution(self.reader(), execution).await
    }

    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, SqlError> {
        runs::flow_runs(self.reader(), execution).await
    }

    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, SqlError> {
        runs::job_runs(self.reader(), query).await
    }

    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, SqlError> {
        runs::job_run(self.reader(), job_run).await
    }

    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, SqlError> {
        runs::attempts(self.reader(), job_run).await
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, SqlError> {
        runs::attempt(self.reader(), attempt).await
    }

    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, SqlError> {
        runs::actions(self.reader(), query).await
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, SqlError> {
        firing::firings(self.reader(), query).await
    }

    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, SqlError> {
        firing::schedule_cursor(self.reader(), schedule).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, SqlError> {
        firing::alerts(self.reader(), query).await
    }

    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, SqlError> {
        firing::backfills(self.reader(), query).await
    }

    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, SqlError> {
        firing::backfill(self.reader(), backfill).await
    }

    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, SqlError> {
        runs::start_key(self.reader(), key).await
    }

    async fn backfill_dates(&self, backfill: BackfillId) -> Result<Vec<BackfillDateRow>, SqlError> {
        firing::backfill_dates(self.reader(), backfill).await
    }
}
