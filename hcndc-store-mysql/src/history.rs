//! The read side: a few queries a page, however many items are on it.

mod definitions;
mod firing;
mod others;
mod pieces;
mod runs;
mod stories;
mod trend;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, FiringRow, JobOutputs, ScheduleCursor,
        StartKeyRow,
    },
    id::{AttemptId, BackfillId, ExecutionId, FlowId, JobId, JobRunId, ScheduleId},
    model::{Definition, DefinitionId, Executor},
    port::{
        ActionQuery, AlertQuery, BackfillQuery, BackfillView, DefinitionQuery, ExecutionQuery,
        ExecutionView, ExecutorQuery, FiringQuery, FirstFailure, FlowQuery, FlowRunView, FlowView,
        History, JobQuery, JobRunQuery, JobRunView, JobView, LatestRun, LatestRunQuery, Page,
        PastRun, PastRunQuery, Tally, TallyQuery,
    },
    time::DataDate,
};

pub(crate) use self::{definitions::filter_text, stories::run_stories};
use crate::{SqlError, SqlStore};

#[async_trait]
impl History for SqlStore {
    type Error = SqlError;

    async fn flows(&self, query: &FlowQuery) -> Result<Page<FlowView>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { definitions::flows(store.reader(), &query).await };
        self.read("read flows", read).await
    }

    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, SqlError> {
        let store = self.clone();
        let read = async move { definitions::flow(store.reader(), flow).await };
        self.read("read a flow", read).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { definitions::jobs(store.reader(), &query).await };
        self.read("read jobs", read).await
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>, SqlError> {
        let store = self.clone();
        let read = async move { definitions::job(store.reader(), job).await };
        self.read("read a job", read).await
    }

    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { definitions::executors(store.reader(), &query).await };
        self.read("read executors", read).await
    }

    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { others::definitions(store.reader(), &query).await };
        self.read("read definitions", read).await
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, SqlError> {
        let store = self.clone();
        let read = async move { others::definition(store.reader(), id).await };
        self.read("read a definition", read).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { runs::executions(store.reader(), &query).await };
        self.read("read executions", read).await
    }

    async fn flow_dates(
        &self,
        query: &ExecutionQuery,
    ) -> Result<BTreeSet<(FlowId, DataDate)>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { runs::flow_dates(store.reader(), &query).await };
        self.read("read flows and dates of executions", read).await
    }

    async fn execution(&self, execution: ExecutionId) -> Result<Option<ExecutionView>, SqlError> {
        let store = self.clone();
        let read = async move { runs::execution(store.reader(), execution).await };
        self.read("read an execution", read).await
    }

    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, SqlError> {
        let store = self.clone();
        let read = async move { runs::flow_runs(store.reader(), execution).await };
        self.read("read flow runs", read).await
    }

    async fn latest_runs(&self, query: &LatestRunQuery) -> Result<Vec<LatestRun>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { runs::latest_runs(store.reader(), &query).await };
        self.read("read the latest runs of flows", read).await
    }

    async fn past_runs(&self, query: &PastRunQuery) -> Result<Page<PastRun>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { trend::past_runs(store.reader(), &query).await };
        self.read("read the runs of a flow", read).await
    }

    async fn tally(&self, query: &TallyQuery) -> Result<Tally, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { trend::tally(store.reader(), &query).await };
        self.read("count executions", read).await
    }

    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { runs::job_runs(store.reader(), &query).await };
        self.read("read job runs", read).await
    }

    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, SqlError> {
        let store = self.clone();
        let read = async move { runs::job_run(store.reader(), job_run).await };
        self.read("read a job run", read).await
    }

    async fn first_failures(
        &self,
        executions: &[ExecutionId],
    ) -> Result<Vec<FirstFailure>, SqlError> {
        let (store, executions) = (self.clone(), executions.to_vec());
        let read = async move { runs::first_failures(store.reader(), &executions).await };
        self.read("read what failed first", read).await
    }

    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, SqlError> {
        let store = self.clone();
        let read = async move { runs::attempts(store.reader(), job_run).await };
        self.read("read attempts", read).await
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, SqlError> {
        let store = self.clone();
        let read = async move { runs::attempt(store.reader(), attempt).await };
        self.read("read an attempt", read).await
    }

    async fn outputs(&self, job_run: JobRunId) -> Result<Option<JobOutputs>, SqlError> {
        let store = self.clone();
        let read = async move { runs::outputs(store.reader(), job_run).await };
        self.read("read outputs", read).await
    }

    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { runs::actions(store.reader(), &query).await };
        self.read("read actions", read).await
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { firing::firings(store.reader(), &query).await };
        self.read("read firings", read).await
    }

    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, SqlError> {
        let store = self.clone();
        let read = async move { firing::schedule_cursor(store.reader(), schedule).await };
        self.read("read how far a schedule is", read).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { firing::alerts(store.reader(), &query).await };
        self.read("read alerts", read).await
    }

    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, SqlError> {
        let (store, query) = (self.clone(), query.clone());
        let read = async move { firing::backfills(store.reader(), &query).await };
        self.read("read backfills", read).await
    }

    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, SqlError> {
        let store = self.clone();
        let read = async move { firing::backfill(store.reader(), backfill).await };
        self.read("read a backfill", read).await
    }

    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, SqlError> {
        let (store, key) = (self.clone(), key.to_owned());
        let read = async move { runs::start_key(store.reader(), &key).await };
        self.read("look for the key of a start", read).await
    }

    async fn backfill_dates(&self, backfill: BackfillId) -> Result<Vec<BackfillDateRow>, SqlError> {
        let store = self.clone();
        let read = async move { firing::backfill_dates(store.reader(), backfill).await };
        self.read("read dates of a backfill", read).await
    }
}
