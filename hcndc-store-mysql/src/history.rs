//! The read side: a few queries a page, however many items are on it.

mod definitions;
mod firing;
mod others;
mod pieces;
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
        let read = definitions::flows(self.reader(), query);
        self.soon("read flows", read).await
    }

    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, SqlError> {
        let read = definitions::flow(self.reader(), flow);
        self.soon("read a flow", read).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, SqlError> {
        let read = definitions::jobs(self.reader(), query);
        self.soon("read jobs", read).await
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>, SqlError> {
        let read = definitions::job(self.reader(), job);
        self.soon("read a job", read).await
    }

    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, SqlError> {
        let read = definitions::executors(self.reader(), query);
        self.soon("read executors", read).await
    }

    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, SqlError> {
        let read = others::definitions(self.reader(), query);
        self.soon("read definitions", read).await
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, SqlError> {
        let read = others::definition(self.reader(), id);
        self.soon("read a definition", read).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, SqlError> {
        let read = runs::executions(self.reader(), query);
        self.soon("read executions", read).await
    }

    async fn execution(&self, execution: ExecutionId) -> Result<Option<ExecutionView>, SqlError> {
        let read = runs::execution(self.reader(), execution);
        self.soon("read an execution", read).await
    }

    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, SqlError> {
        let read = runs::flow_runs(self.reader(), execution);
        self.soon("read flow runs", read).await
    }

    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, SqlError> {
        let read = runs::job_runs(self.reader(), query);
        self.soon("read job runs", read).await
    }

    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, SqlError> {
        let read = runs::job_run(self.reader(), job_run);
        self.soon("read a job run", read).await
    }

    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, SqlError> {
        let read = runs::attempts(self.reader(), job_run);
        self.soon("read attempts", read).await
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, SqlError> {
        let read = runs::attempt(self.reader(), attempt);
        self.soon("read an attempt", read).await
    }

    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, SqlError> {
        let read = runs::actions(self.reader(), query);
        self.soon("read actions", read).await
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, SqlError> {
        let read = firing::firings(self.reader(), query);
        self.soon("read firings", read).await
    }

    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, SqlError> {
        let read = firing::schedule_cursor(self.reader(), schedule);
        self.soon("read how far a schedule is", read).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, SqlError> {
        let read = firing::alerts(self.reader(), query);
        self.soon("read alerts", read).await
    }

    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, SqlError> {
        let read = firing::backfills(self.reader(), query);
        self.soon("read backfills", read).await
    }

    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, SqlError> {
        let read = firing::backfill(self.reader(), backfill);
        self.soon("read a backfill", read).await
    }

    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, SqlError> {
        runs::start_key(self.reader(), key).await
    }

    async fn backfill_dates(&self, backfill: BackfillId) -> Result<Vec<BackfillDateRow>, SqlError> {
        let read = firing::backfill_dates(self.reader(), backfill);
        self.soon("read dates of a backfill", read).await
    }
}
