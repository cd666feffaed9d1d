//! What is stored: a map for each kind of row, and what a change does to it.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillRow, BackfillSnapshot,
        BackfillState, Change, ExecutionRow, ExecutionSnapshot, FileKeyRow, FiringRow, FlowDates,
        FlowRunRow, JobOutcome, JobOutputs, JobRunRow, JobRunState, ScheduleCursor, Snapshot,
        StartKeyRow, Started,
    },
    id::{
        ActionId, AlertId, AttemptId, BackfillId, ExecutionId, ExecutorId, FileEventId, FiringId,
        FlowId, FlowRunId, JobId, JobRunId, ScheduleId,
    },
    model::{Definition, DefinitionId, Executor, Flow, Job},
    port::{Commit, ExecutionEnd, Lease},
    time::DataDate,
};

use crate::MemError;

/// All rows, by id.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// The newest lease that was acquired; its term outlives it.
    pub(crate) lease: Option<Lease>,
    pub(crate) next_id: u64,
    pub(crate) flows: BTreeMap<FlowId, Arc<Flow>>,
    pub(crate) data_dates: BTreeMap<FlowId, DataDate>,
    pub(crate) flow_versions: BTreeMap<(FlowId, u32), Arc<Flow>>,
    pub(crate) jobs: BTreeMap<JobId, Arc<Job>>,
    pub(crate) job_versions: BTreeMap<(JobId, u32), Arc<Job>>,
    pub(crate) executors: BTreeMap<ExecutorId, Arc<Executor>>,
    pub(crate) definitions: BTreeMap<DefinitionId, Definition>,
    pub(crate) executions: BTreeMap<ExecutionId, ExecutionRow>,
    pub(crate) flow_runs: BTreeMap<FlowRunId, FlowRunRow>,
    pub(crate) job_runs: BTreeMap<JobRunId, JobRunRow>,
    pub(crate) attempts: BTreeMap<AttemptId, AttemptRow>,
    pub(crate) outputs: BTreeMap<JobRunId, JobOutputs>,
    pub(crate) actions: BTreeMap<ActionId, ActionRow>,
    /// The last date of each range, by its first.
    pub(crate) flow_dates: BTreeMap<(FlowId, DataDate), DataDate>,
    pub(crate) job_outcomes: BTreeMap<(JobId, DataDate), JobRunState>,
    pub(crate) backfills: BTreeMap<BackfillId, BackfillRow>,
    pub(crate) backfill_dates: BTreeMap<(BackfillId, DataDate), BackfillDateRow>,
    pub(crate) cursors: BTreeMap<ScheduleId, ScheduleCursor>,
    pub(crate) firings: BTreeMap<FiringId, FiringRow>,
    pub(crate) files: BTreeMap<(FileEventId, String), FileKeyRow>,
    /// By the number of what was started, which is given once for whatever kind.
    pub(crate) start_keys: BTreeMap<u64, StartKeyRow>,
    pub(crate) alerts: BTreeMap<AlertId, AlertRow>,
    /// How many commits there were.
    pub(crate) commits: u64,
    /// By execution, and by how often it had gone on after an end.
    pub(crate) ends: BTreeMap<(ExecutionId, u32), ExecutionEnd>,
    /// How far reporters have come, by their names.
    pub(crate) marks: BTreeMap<String, u64>,
}

impl Tables {
    /// Stores a commit whose fence has been checked. Cannot fail, so it cannot stop half-way.
    pub(crate) fn apply(&mut self, commit: &Commit) {
        self.next_id = self.next_id.max(commit.next_id);
        self.commits += 1;
        for change in &commit.changes {
            self.change(change);
        }
        for change in &commit.changes {
            if let Change::Execution(row) = change {
                self.note_end(row.id);
            }
        }
    }

    /// Notes that an execution has ended, if that is what the commit has left.
    fn note_end(&mut self, execution: ExecutionId) {
        let Some(row) = self.executions.get(&execution) else {
            return;
        };
        let Some(ended_at) = row.ended_at else { return };
        let end = ExecutionEnd {
            execution,
            resumes: row.resumes,
            position: self.commits,
            state: row.state,
            ended_at,
            next_id: self.next_id,
        };
        self.ends.insert((execution, row.resumes), end);
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::FlowPut(flow) => {
                let version = (flow.id, flow.revision.version);
                self.flow_versions.insert(version, flow.clone());
                self.flows.insert(flow.id, flow.clone());
            }
            Change::FlowDeleted(id) => self.delete((*id).into()),
            Change::FlowDataDate { flow, data_date } => {
                // A date is part of a flow: without one there is nothing to keep it in.
                if self.flows.contains_key(flow) {
                    self.data_dates.insert(*flow, *data_date);
                }
            }
            Change::FlowDates { flow, from, to } => {
                set(&mut self.flow_dates, (*flow, *from), *to);
            }
            Change::JobOutcome {
                job,
                data_date,
                state,
            } => set(&mut self.job_outcomes, (*job, *data_date), *state),
            Change::JobPut(job) => {
                let version = (job.id, job.revision.version);
                self.job_versions.insert(version, job.clone());
                self.jobs.insert(job.id, job.clone());
            }
            Change::JobDeleted(id) => self.delete((*id).into()),
            Change::ExecutorPut(executor) => {
                self.executors.insert(executor.id, executor.clone());
            }
            Change::ExecutorDeleted(id) => self.delete((*id).into()),
            Change::DefinitionPut(definition) => {
                self.definitions.insert(definition.id(), definition.clone());
            }
            Change::DefinitionDeleted(id) => self.delete(*id),
            Change::Execution(row) => {
                self.executions.insert(row.id, row.clone());
            }
            Change::FlowRun { row, .. } => {
                self.flow_runs.insert(row.id, *row);
            }
            Change::JobRun { row, .. } => {
                self.job_runs.insert(row.id, *row);
            }
            Change::Attempt(row) => {
                self.attempts.insert(row.id, row.clone());
            }
            Change::Outputs(row) => {
                let some = (!row.values.is_empty()).then(|| row.clone());
                set(&mut self.outputs, row.job_run, some);
            }
            Change::Action(row) => {
                self.actions.insert(row.id, row.clone());
            }
            Change::ScheduleCursor(row) => {
                // A cursor is part of a schedule.
                if self.definitions.contains_key(&row.schedule.into()) {
                    self.cursors.insert(row.schedule, *row);
                }
            }
            Change::Firing(row) => {
                self.firings.insert(row.id, row.clone());
            }
            Change::FileKey(row) => {
                if self.definitions.contains_key(&row.event.into()) {
                    self.files.insert((row.event, row.key.clone()), row.clone());
                }
            }
            Change::Alert(row) => {
                self.alerts.insert(row.id, row.clone());
            }
            Change::StartKey(row) => {
                let number = match row.started {
                    Started::Execution(id) => id.0,
                    Started::Backfill(id) => id.0,
                };
                self.start_keys.insert(number, row.clone());
            }
            Change::Backfill(row) => {
                self.backfills.insert(row.id, row.clone());
            }
            Change::BackfillDate(row) => {
                self.backfill_dates
                    .insert((row.backfill, row.data_date), *row);
            }
        }
    }

    fn delete(&mut self, id: DefinitionId) {
        match id {
            DefinitionId::Flow(id) => {
                self.flows.remove(&id);
                self.data_dates.remove(&id);
            }
            DefinitionId::Job(id) => {
                self.jobs.remove(&id);
            }
            DefinitionId::Executor(id) => {
                self.executors.remove(&id);
            }
            other => {
                self.definitions.remove(&other);
                if let DefinitionId::Schedule(id) = other {
                    self.cursors.remove(&id);
                }
                if let DefinitionId::FileEvent(id) = other {
                    self.files.retain(|(event, _), _| *event != id);
                }
            }
        }
    }

    /// All that an engine needs to go on.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, MemError> {
        let with_date = |flow: &Arc<Flow>| (flow.clone(), self.data_dates.get(&flow.id).copied());
        let live = self.executions.values().filter(|row| !row.state.is_ended());
        Ok(Snapshot {
            next_id: self.next_id,
            flows: self.flows.values().map(with_date).collect(),
            jobs: self.jobs.values().cloned().collect(),
            executors: self.executors.values().cloned().collect(),
            definitions: self.definitions.values().cloned().collect(),
            executions: live
                .map(|row| self.execution_snapshot(row))
                .collect::<Result<_, _>>()?,
            flow_dates: self
                .flow_dates
                .iter()
                .map(|(&(flow, from), &to)| FlowDates { flow, from, to })
                .collect(),
            job_outcomes: self
                .job_outcomes
                .iter()
                .map(|(&(job, data_date), &state)| JobOutcome {
                    job,
                    data_date,
                    state,
                })
                .collect(),
            backfills: self.open_backfills(),
            cursors: self.cursors.values().copied().collect(),
            firings: self.open_firings(),
            files: self.files.values().cloned().collect(),
            alerts: self.open_alerts(),
        })
    }

    /// All schedules, by id.
    #[cfg(feature = "sim")]
    pub(crate) fn schedules(&self) -> impl Iterator<Item = &Arc<hcndc_core::model::Schedule>> {
        self.definitions.values().filter_map(|it| match it {
            Definition::Schedule(schedule) => Some(schedule),
            _ => None,
        })
    }

    fn open_firings(&self) -> Vec<FiringRow> {
        let is_last = |row: &FiringRow| {
            let cursor = self.cursors.get(&row.schedule);
            cursor.is_some_and(|cursor| cursor.last == Some(row.id))
        };
        let rows = self.firings.values();
        rows.filter(|row| row.is_open() || is_last(row))
            .cloned()
            .collect()
    }

    fn open_alerts(&self) -> Vec<AlertRow> {
        let rows = self.alerts.values();
        rows.filter(|row| row.is_open()).cloned().collect()
    }

    fn open_backfills(&self) -> Vec<BackfillSnapshot> {
        let open = self.backfills.values();
        let open = open.filter(|row| row.state != BackfillState::Succeeded);
        let snapshot = |row: &BackfillRow| BackfillSnapshot {
            row: row.clone(),
            dates: self.dates_of(row.id).copied().collect(),
        };
        open.map(snapshot).collect()
    }

    /// Dates of a backfill, in their order.
    pub(crate) fn dates_of(&self, backfill: BackfillId) -> impl Iterator<Item = &BackfillDateRow> {
        let dates = self.backfill_dates.values();
        dates.filter(move |date| date.backfill == backfill)
    }

    /// All that an engine needs of one execution.
    pub(crate) fn execution_snapshot(
        &self,
        row: &ExecutionRow,
    ) -> Result<ExecutionSnapshot, MemError> {
        let flow_runs = self.flow_runs.values().filter(|r| r.execution == row.id);
        let job_runs = self.job_runs.values().filter(|r| r.execution == row.id);
        let attempts = self.attempts.values().filter(|r| r.execution == row.id);
        let outputs = self.outputs.values().filter(|r| r.execution == row.id);
        Ok(ExecutionSnapshot {
            row: row.clone(),
            flow_runs: flow_runs
                .map(|run| Ok((*run, self.flow_of(run)?.clone())))
                .collect::<Result<_, _>>()?,
            job_runs: job_runs
                .map(|run| Ok((*run, self.job_of(run)?.clone())))
                .collect::<Result<_, _>>()?,
            attempts: attempts.filter(|r| !r.state.is_ended()).cloned().collect(),
            outputs: outputs.cloned().collect(),
        })
    }

    /// The version that a flow run is pinned to.
    pub(crate) fn flow_of(&self, run: &FlowRunRow) -> Result<&Arc<Flow>, MemError> {
        let version = (run.flow, run.flow_version);
        self.flow_versions
            .get(&version)
            .ok_or(MemError::MissingFlow {
                flow: run.flow,
                version: run.flow_version,
            })
    }

    /// The version that a job run is pinned to.
    pub(crate) fn job_of(&self, run: &JobRunRow) -> Result<&Arc<Job>, MemError> {
        let version = (run.job, run.job_version);
        self.job_versions.get(&version).ok_or(MemError::MissingJob {
            job: run.job,
            version: run.job_version,
        })
    }
}

/// Puts a value, or takes it away.
fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => {
            map.insert(key, value);
        }
        None => {
            map.remove(&key);
        }
    }
}
