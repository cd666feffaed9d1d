//! Changes become rows: the last of each row, grouped by table, in one transaction that begins with the fence. What is small
//! goes to the database as one script, the rest a statement at a time.

mod definitions;
mod past;
mod script;

pub(crate) use self::script::Form as ScriptForm;

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillRow, Change, ExecutionRow,
        FileKeyRow, FiringRow, FlowRunRow, JobOutputs, JobRunRow, ScheduleCursor, StartKeyRow,
        Started,
    },
    id::{
        ActionId, AlertId, AttemptId, BackfillId, ExecutionId, ExecutorId, FileEventId, FiringId,
        FlowId, FlowRunId, JobId, JobRunId, ScheduleId,
    },
    model::{self, Definition, DefinitionId},
    port::{Commit, ErrorKind, Fence, PortError as _},
    time::DataDate,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};

use crate::{
    SqlError, SqlStore,
    commit::{past::Past, script::Script},
    dialect::begin_write,
    entity::{
        self, Action, Alert, Attempt, Backfill, BackfillDate, Execution, ExecutionEnd, Executor,
        FileArrival, Firing, Flow, FlowParent, FlowRun, FlowVersion, Job, JobDependency, JobOutput,
        JobRun, JobVersion, Leader, number,
    },
    error::Doing as _,
    fence,
    retry::Tries,
    upsert::{chunks, delete, upsert, values},
    writing::Writing,
};

impl SqlStore {
    /// Stores the commit, trying again when other writers are in the way. All changes are whole rows under a fence, so
    /// that sending them once more after an unknown outcome does no harm.
    pub(crate) async fn commit_batch(&self, fence: Fence, commit: &Commit) -> Result<(), SqlError> {
        let batch = Batch::new(commit);
        let mut tries = Tries::default();
        loop {
            let done = self.commit_once(fence, &batch).await;
            if !tries.again(&done).await {
                return done;
            }
        }
    }

    async fn commit_once(&self, fence: Fence, batch: &Batch<'_>) -> Result<(), SqlError> {
        let Some(script) = self.script(fence, batch).await? else {
            return self.commit_by_statements(fence, batch).await;
        };
        match script.run(self.writer()).await {
            // Statement by statement, to know which it is that the database refuses: the fence, mostly.
            Err(error) if !may_pass(error.kind()) => self.commit_by_statements(fence, batch).await,
            done => done,
        }
    }

    async fn script(
        &self,
        fence: Fence,
        batch: &Batch<'_>,
    ) -> Result<Option<script::Complete>, SqlError> {
        if batch.changes > script::LARGEST {
            return Ok(None);
        }
        let mut script = Script::new(self.script_form());
        fence::demand(&mut script, fence, batch.next_id).await?;
        batch.store(&mut script).await?;
        Ok(script.end())
    }

    async fn commit_by_statements(&self, fence: Fence, batch: &Batch<'_>) -> Result<(), SqlError> {
        let transaction = begin_write(self.writer()).await.doing("begin a commit")?;
        // First, because it locks the row: until this transaction ends no other term can begin.
        fence::check(&transaction, fence, batch.next_id).await?;
        batch.store(&mut &transaction).await?;
        transaction.commit().await.doing("complete a commit")
    }
}

/// Whether the same may succeed another time.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable)
}

/// What a commit leaves behind, by table.
#[derive(Default)]
struct Batch<'a> {
    /// The next id after it.
    next_id: u64,
    /// How many changes there were.
    changes: usize,
    /// Deleted at some moment, and perhaps put again after.
    deleted_flows: BTreeSet<FlowId>,
    flows: BTreeMap<FlowId, &'a model::Flow>,
    data_dates: BTreeMap<FlowId, DataDate>,
    flow_versions: BTreeMap<(FlowId, u32), &'a model::Flow>,
    deleted_jobs: BTreeSet<JobId>,
    jobs: BTreeMap<JobId, &'a model::Job>,
    job_versions: BTreeMap<(JobId, u32), &'a model::Job>,
    deleted_executors: BTreeSet<ExecutorId>,
    executors: BTreeMap<ExecutorId, &'a model::Executor>,
    deleted_definitions: BTreeSet<DefinitionId>,
    definitions: BTreeMap<DefinitionId, &'a Definition>,
    executions: BTreeMap<ExecutionId, &'a ExecutionRow>,
    flow_runs: BTreeMap<FlowRunId, &'a FlowRunRow>,
    job_runs: BTreeMap<JobRunId, &'a JobRunRow>,
    attempts: BTreeMap<AttemptId, &'a AttemptRow>,
    outputs: BTreeMap<JobRunId, &'a JobOutputs>,
    actions: BTreeMap<ActionId, &'a ActionRow>,
    past: Past,
    backfills: BTreeMap<BackfillId, &'a BackfillRow>,
    backfill_dates: BTreeMap<(BackfillId, DataDate), &'a BackfillDateRow>,
    cursors: BTreeMap<ScheduleId, &'a ScheduleCursor>,
    firings: BTreeMap<FiringId, &'a FiringRow>,
    files: BTreeMap<(FileEventId, &'a str), &'a FileKeyRow>,
    alerts: BTreeMap<AlertId, &'a AlertRow>,
    start_keys: Vec<&'a StartKeyRow>,
}

/// Stands in the row of what was started, where nothing else writes it.
async fn store_start_key(db: &mut impl Writing, row: &StartKeyRow) -> Result<(), SqlError> {
    let (key, print) = (row.key.as_str(), row.print.cast_signed());
    let statement = match row.started {
        Started::Execution(id) => Query::update()
            .table(Execution::Table)
            .value(Execution::StartKey, key)
            .value(Execution::StartPrint, print)
            .and_where(Expr::col(Execution::Id).eq(number("execution", id.0)?))
            .to_owned(),
        Started::Backfill(id) => Query::update()
            .table(Backfill::Table)
            .value(Backfill::StartKey, key)
            .value(Backfill::StartPrint, print)
            .and_where(Expr::col(Backfill::Id).eq(number("backfill", id.0)?))
            .to_owned(),
    };
    db.write("store the key of a start", &statement).await
}

impl<'a> Batch<'a> {
    fn new(commit: &'a Commit) -> Self {
        let mut batch = Self {
            next_id: commit.next_id,
            changes: commit.changes.len(),
            ..Self::default()
        };
        for change in &commit.changes {
            batch.add(change);
        }
        batch
    }

    fn add(&mut self, change: &'a Change) {
        match change {
            Change::FlowPut(flow) => {
                let version = (flow.id, flow.revision.version);
                self.flow_versions.insert(version, flow);
                self.flows.insert(flow.id, flow);
            }
            Change::FlowDeleted(id) => self.delete((*id).into()),
            Change::FlowDataDate { flow, data_date } => {
                self.data_dates.insert(*flow, *data_date);
            }
            Change::FlowDates { flow, from, to } => {
                self.past.dates.insert((*flow, *from), *to);
            }
            Change::JobOutcome {
                job,
                data_date,
                state,
            } => {
                self.past.outcomes.insert((*job, *data_date), *state);
            }
            Change::JobPut(job) => {
                let version = (job.id, job.revision.version);
                self.job_versions.insert(version, job);
                self.jobs.insert(job.id, job);
            }
            Change::JobDeleted(id) => self.delete((*id).into()),
            Change::ExecutorPut(executor) => {
                self.executors.insert(executor.id, executor);
            }
            Change::ExecutorDeleted(id) => self.delete((*id).into()),
            Change::DefinitionPut(definition) => {
                self.definitions.insert(definition.id(), definition);
            }
            Change::DefinitionDeleted(id) => self.delete(*id),
            Change::Execution(row) => {
                self.executions.insert(row.id, row);
            }
            Change::FlowRun { row, .. } => {
                self.flow_runs.insert(row.id, row);
            }
            Change::JobRun { row, .. } => {
                self.job_runs.insert(row.id, row);
            }
            Change::Attempt(row) => {
                self.attempts.insert(row.id, row);
            }
            Change::Outputs(row) => {
                self.outputs.insert(row.job_run, row);
            }
            Change::Action(row) => {
                self.actions.insert(row.id, row);
            }
            Change::ScheduleCursor(row) => {
                self.cursors.insert(row.schedule, row);
            }
            Change::Firing(row) => {
                self.firings.insert(row.id, row);
            }
            Change::FileKey(row) => {
                self.files.insert((row.event, &row.key), row);
            }
            Change::Alert(row) => {
                self.alerts.insert(row.id, row);
            }
            Change::StartKey(row) => self.start_keys.push(row),
            Change::Backfill(row) => {
                self.backfills.insert(row.id, row);
            }
            Change::BackfillDate(row) => {
                self.backfill_dates
                    .insert((row.backfill, row.data_date), row);
            }
        }
    }

    fn delete(&mut self, id: DefinitionId) {
        match id {
            DefinitionId::Flow(id) => {
                self.deleted_flows.insert(id);
                self.flows.remove(&id);
                self.data_dates.remove(&id);
            }
            DefinitionId::Job(id) => {
                self.deleted_jobs.insert(id);
                self.jobs.remove(&id);
            }
            DefinitionId::Executor(id) => {
                self.deleted_executors.insert(id);
                self.executors.remove(&id);
            }
            other => {
                self.deleted_definitions.insert(other);
                self.definitions.remove(&other);
            }
        }
    }

    async fn store(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        self.store_flows(db).await?;
        self.store_jobs(db).await?;
        let gone = ids("executor", self.deleted_executors.iter().map(|id| id.0))?;
        delete(db, "delete executors", Executor::Id, &gone).await?;
        let executors = values::<Executor>(self.executors.values().copied())?;
        upsert::<Executor>(db, "store executors", executors).await?;
        self.store_definitions(db).await?;
        let executions = values::<Execution>(self.executions.values().copied())?;
        upsert::<Execution>(db, "store executions", executions).await?;
        self.store_ends(db).await?;
        let flow_runs = values::<FlowRun>(self.flow_runs.values().copied())?;
        upsert::<FlowRun>(db, "store flow runs", flow_runs).await?;
        let job_runs = values::<JobRun>(self.job_runs.values().copied())?;
        upsert::<JobRun>(db, "store job runs", job_runs).await?;
        let attempts = values::<Attempt>(self.attempts.values().copied())?;
        upsert::<Attempt>(db, "store attempts", attempts).await?;
        self.store_outputs(db).await?;
        let actions = values::<Action>(self.actions.values().copied())?;
        upsert::<Action>(db, "store actions", actions).await?;
        self.past.store(db).await?;
        let backfills = values::<Backfill>(self.backfills.values().copied())?;
        upsert::<Backfill>(db, "store backfills", backfills).await?;
        // After the rows that they stand in.
        for row in &self.start_keys {
            store_start_key(db, row).await?;
        }
        let dates = values::<BackfillDate>(self.backfill_dates.values().copied())?;
        upsert::<BackfillDate>(db, "store dates of backfills", dates).await?;
        self.store_firings(db).await
    }

    /// Ends stand where this commit stands among all: its number is in the leader's row, which is held until it ends.
    async fn store_ends(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        let rows = self.executions.values();
        let ended = rows.filter_map(|row| Some((*row, row.ended_at?, self.next_id)));
        let ended: Vec<_> = ended.collect();
        let ids = ids("execution", ended.iter().map(|(row, ..)| row.id.0))?;
        let rows = values::<ExecutionEnd>(ended.into_iter())?;
        upsert::<ExecutionEnd>(db, "store ends of executions", rows).await?;
        for piece in chunks(&ids) {
            let number = Query::select()
                .column(Leader::Commits)
                .from(Leader::Table)
                .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
                .to_owned();
            let statement = Query::update()
                .table(ExecutionEnd::Table)
                .value(
                    ExecutionEnd::Position,
                    Expr::SubQuery(None, Box::new(number.into())),
                )
                .and_where(Expr::col(ExecutionEnd::ExecutionId).is_in(piece.iter().copied()))
                .and_where(Expr::col(ExecutionEnd::Position).eq(0_i64))
                .to_owned();
            db.write("place ends of executions", &statement).await?;
        }
        Ok(())
    }

    /// What a job run has put out takes the place of all that it had put out before.
    async fn store_outputs(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        let touched = ids("job run", self.outputs.keys().map(|id| id.0))?;
        delete(db, "delete outputs", JobOutput::JobRunId, &touched).await?;
        let rows = self.outputs.values().flat_map(|its| {
            let values = its.values.iter();
            values.map(|(name, value)| (*its, name.as_str(), value.as_str()))
        });
        let rows = values::<JobOutput>(rows)?;
        upsert::<JobOutput>(db, "store outputs", rows).await
    }

    async fn store_firings(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        // What a schedule, a webhook and a file event have used goes with them.
        let gone = self.deleted_definitions.iter();
        let schedules = gone.clone().filter_map(|id| match id {
            DefinitionId::Schedule(id) => Some(id.0),
            _ => None,
        });
        let column = entity::ScheduleCursor::ScheduleId;
        delete(db, "delete cursors", column, &ids("schedule", schedules)?).await?;
        let hooks = gone.clone().filter_map(|id| match id {
            DefinitionId::Webhook(id) => Some(id.0),
            _ => None,
        });
        let column = entity::WebhookDelivery::WebhookId;
        delete(db, "delete deliveries", column, &ids("webhook", hooks)?).await?;
        let events = gone.filter_map(|id| match id {
            DefinitionId::FileEvent(id) => Some(id.0),
            _ => None,
        });
        let column = FileArrival::FileEventId;
        delete(db, "delete files", column, &ids("file event", events)?).await?;
        let is_there = |id: DefinitionId| !self.deleted_definitions.contains(&id);
        let cursors = self.cursors.values().copied();
        let cursors = cursors.filter(|row| is_there(row.schedule.into()));
        let cursors = values::<entity::ScheduleCursor>(cursors)?;
        upsert::<entity::ScheduleCursor>(db, "store cursors", cursors).await?;
        let firings = values::<Firing>(self.firings.values().copied())?;
        upsert::<Firing>(db, "store firings", firings).await?;
        let files = self.files.values().copied();
        let files = files.filter(|row| is_there(row.event.into()));
        let files = values::<FileArrival>(files)?;
        upsert::<FileArrival>(db, "store files", files).await?;
        let alerts = values::<Alert>(self.alerts.values().copied())?;
        upsert::<Alert>(db, "store alerts", alerts).await
    }

    /// Rows go before they come: a flow that is put again after its deletion starts without a data date.
    async fn store_flows(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        let gone = ids("flow", self.deleted_flows.iter().map(|id| id.0))?;
        delete(db, "delete flows", Flow::Id, &gone).await?;
        let touched = self.deleted_flows.iter().chain(self.flows.keys());
        let touched: BTreeSet<_> = touched.map(|id| id.0).collect();
        let touched = ids("flow", touched)?;
        delete(db, "untie flows", FlowParent::FlowId, &touched).await?;

        let versions = values::<FlowVersion>(self.flow_versions.values().copied())?;
        upsert::<FlowVersion>(db, "store versions of flows", versions).await?;
        let flows = values::<Flow>(self.flows.values().copied())?;
        upsert::<Flow>(db, "store flows", flows).await?;
        let flows = self.flows.values();
        let ties = flows.flat_map(|flow| flow.parents.iter().map(|parent| (flow.id, *parent)));
        let ties = values::<FlowParent>(ties)?;
        upsert::<FlowParent>(db, "tie flows", ties).await?;
        self.store_data_dates(db).await
    }

    async fn store_data_dates(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        // Flows that end together mostly do so for one date: a statement for each date, not for each flow.
        let mut by_date = BTreeMap::<_, Vec<_>>::new();
        for (flow, data_date) in &self.data_dates {
            by_date.entry(data_date).or_default().push(flow.0);
        }
        for (data_date, flows) in by_date {
            for piece in chunks(&ids("flow", flows)?) {
                let statement = Query::update()
                    .table(Flow::Table)
                    .value(Flow::DataDate, entity::date(*data_date))
                    .and_where(Expr::col(Flow::Id).is_in(piece.iter().copied()))
                    .to_owned();
                db.write("store data dates", &statement).await?;
            }
        }
        Ok(())
    }

    async fn store_jobs(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        let gone = ids("job", self.deleted_jobs.iter().map(|id| id.0))?;
        delete(db, "delete jobs", Job::Id, &gone).await?;
        let touched = self.deleted_jobs.iter().chain(self.jobs.keys());
        let touched: BTreeSet<_> = touched.map(|id| id.0).collect();
        let touched = ids("job", touched)?;
        delete(db, "untie jobs", JobDependency::JobId, &touched).await?;

        let versions = values::<JobVersion>(self.job_versions.values().copied())?;
        upsert::<JobVersion>(db, "store versions of jobs", versions).await?;
        let jobs = values::<Job>(self.jobs.values().copied())?;
        upsert::<Job>(db, "store jobs", jobs).await?;
        let jobs = self.jobs.values();
        let ties = jobs.flat_map(|job| job.dependencies.iter().map(|tie| (job.id, *tie)));
        let ties = values::<JobDependency>(ties)?;
        upsert::<JobDependency>(db, "tie jobs", ties).await
    }
}

/// Ids as the database holds them.
fn ids(what: &'static str, ids: impl IntoIterator<Item = u64>) -> Result<Vec<i64>, SqlError> {
    ids.into_iter().map(|id| number(what, id)).collect()
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::{error::Error as _, time::Duration};

    use hcndc_core::{
        contract::sample,
        port::{ErrorKind, PortError as _, Store as _},
    };

    use sea_orm::ConnectionTrait as _;

    use super::*;

    async fn limit_pages(store: &SqlStore, pages: u32) {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        let done = store.writer().execute_unprepared(&pragma).await;
        done.expect("a limit in place of a full disk");
    }

    #[tokio::test]
    async fn a_full_disk_stores_nothing_and_is_no_fault_of_the_commit() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let lease = store.acquire("a", sample::at(0), Duration::from_secs(9), None);
        let fence = lease
            .await
            .expect("acquire")
            .given()
            .expect("nobody leads")
            .fence;
        limit_pages(&store, 200).await;
        let flows = (1..=3_000).map(|id| sample::put_flow(&sample::flow(id, "a flow")));
        let large = Commit {
            next_id: 9_000,
            changes: flows.collect(),
        };
        let error = store.commit(fence, &large).await.expect_err("it is full");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let cause = error.source().expect("a cause").to_string();
        assert!(cause.contains("full"), "{cause}");
        let snapshot = store.load().await.expect("load");
        assert_eq!((snapshot.next_id, snapshot.flows.len()), (0, 0));

        limit_pages(&store, 1_000_000).await;
        store.commit(fence, &large).await.expect("there is room");
        assert_eq!(store.load().await.expect("load").flows.len(), 3_000);
    }
}
