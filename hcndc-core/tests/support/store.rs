//! A store as small as can be: it applies changes, and insists that each is legal.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillRow, BackfillSnapshot,
        BackfillState, Change, ExecutionRow, ExecutionSnapshot, FileKeyRow, FiringOutcome,
        FiringRow, FlowDates, FlowRunRow, JobOutcome, JobOutputs, JobRunRow, JobRunState,
        ScheduleCursor, Snapshot,
    },
    id::{
        AlertId, AttemptId, BackfillId, ExecutionId, ExecutorId, FileEventId, FiringId, FlowId,
        FlowRunId, JobId, JobRunId, ScheduleId,
    },
    model::{Definition, DefinitionId, Executor, Flow, Job, Pool, Schedule, SharedParam},
    time::DataDate,
};

/// All that changes told.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) flows: BTreeMap<FlowId, (Arc<Flow>, Option<DataDate>)>,
    pub(crate) jobs: BTreeMap<JobId, Arc<Job>>,
    pub(crate) executors: BTreeMap<ExecutorId, Arc<Executor>>,
    pub(crate) definitions: BTreeMap<DefinitionId, Definition>,
    flow_versions: BTreeMap<(FlowId, u32), Arc<Flow>>,
    job_versions: BTreeMap<(JobId, u32), Arc<Job>>,
    pub(crate) executions: BTreeMap<ExecutionId, ExecutionRow>,
    pub(crate) flow_runs: BTreeMap<FlowRunId, FlowRunRow>,
    pub(crate) job_runs: BTreeMap<JobRunId, JobRunRow>,
    pub(crate) attempts: BTreeMap<AttemptId, AttemptRow>,
    pub(crate) outputs: BTreeMap<JobRunId, JobOutputs>,
    pub(crate) actions: Vec<ActionRow>,
    pub(crate) flow_dates: BTreeMap<(FlowId, DataDate), DataDate>,
    pub(crate) job_outcomes: BTreeMap<(JobId, DataDate), JobRunState>,
    pub(crate) backfills: BTreeMap<BackfillId, BackfillRow>,
    pub(crate) backfill_dates: BTreeMap<(BackfillId, DataDate), BackfillDateRow>,
    pub(crate) cursors: BTreeMap<ScheduleId, ScheduleCursor>,
    pub(crate) firings: BTreeMap<FiringId, FiringRow>,
    pub(crate) files: BTreeMap<(FileEventId, String), FileKeyRow>,
    pub(crate) alerts: BTreeMap<AlertId, AlertRow>,
}

impl Store {
    /// Takes in the changes of a step.
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            self.apply_one(change);
        }
    }

    fn apply_one(&mut self, change: &Change) {
        match change {
            Change::FlowPut(flow) => {
                let version = flow.revision.version;
                let old = self.flows.get(&flow.id);
                let expected = old.map_or(1, |(old, _)| old.revision.version + 1);
                assert_eq!(version, expected, "versions of a flow follow each other");
                let date = old.and_then(|(_, date)| *date);
                self.flow_versions
                    .insert((flow.id, version), Arc::clone(flow));
                self.flows.insert(flow.id, (Arc::clone(flow), date));
            }
            Change::FlowDeleted(id) => assert!(self.flows.remove(id).is_some()),
            Change::FlowDataDate { flow, data_date } => {
                let entry = self.flows.get_mut(flow).expect("a flow has a data date");
                assert!(entry.1.is_none_or(|old| old < *data_date), "R3");
                entry.1 = Some(*data_date);
            }
            Change::FlowDates { flow, from, to } => match to {
                Some(to) => {
                    assert!(from <= to && self.flows.contains_key(flow));
                    self.flow_dates.insert((*flow, *from), *to);
                }
                None => assert!(self.flow_dates.remove(&(*flow, *from)).is_some()),
            },
            Change::JobOutcome {
                job,
                data_date,
                state,
            } => match state {
                Some(state) => {
                    self.job_outcomes.insert((*job, *data_date), *state);
                }
                None => assert!(self.job_outcomes.remove(&(*job, *data_date)).is_some()),
            },
            Change::JobPut(job) => {
                let version = job.revision.version;
                let old = self.jobs.get(&job.id);
                let expected = old.map_or(1, |old| old.revision.version + 1);
                assert_eq!(version, expected, "versions of a job follow each other");
                self.job_versions.insert((job.id, version), Arc::clone(job));
                self.jobs.insert(job.id, Arc::clone(job));
            }
            Change::JobDeleted(id) => assert!(self.jobs.remove(id).is_some()),
            Change::ExecutorPut(executor) => {
                self.executors.insert(executor.id, Arc::clone(executor));
            }
            Change::ExecutorDeleted(id) => assert!(self.executors.remove(id).is_some()),
            Change::DefinitionPut(definition) => {
                let version = definition.revision().version;
                let old = self.definitions.insert(definition.id(), definition.clone());
                let expected = old.map_or(1, |old| old.revision().version + 1);
                assert_eq!(version, expected, "versions follow each other");
            }
            Change::DefinitionDeleted(id) => {
                assert!(self.definitions.remove(id).is_some());
                match id {
                    DefinitionId::Schedule(id) => drop(self.cursors.remove(id)),
                    DefinitionId::FileEvent(id) => self.files.retain(|(event, _), _| event != id),
                    _ => {}
                }
            }
            Change::Execution(row) => {
                if let Some(old) = self.executions.insert(row.id, row.clone()) {
                    let legal = old.state == row.state || old.state.can_move(row.state);
                    assert!(
                        legal,
                        "execution {}: {} to {}",
                        row.id, old.state, row.state
                    );
                }
            }
            Change::FlowRun { from, row } => {
                let old = self.flow_runs.insert(row.id, *row).map(|old| old.state);
                assert_eq!(old, *from, "flow run {} comes from elsewhere", row.id);
                let legal = old.is_none_or(|old| old == row.state || old.can_move(row.state));
                assert!(legal, "flow run {}: {old:?} to {}", row.id, row.state);
                let version = self.flow_versions.get(&(row.flow, row.flow_version));
                assert!(
                    version.is_some(),
                    "a flow run is pinned to a version that exists"
                );
            }
            Change::JobRun { from, row } => {
                let old = self.job_runs.insert(row.id, *row).map(|old| old.state);
                assert_eq!(old, *from, "job run {} comes from elsewhere", row.id);
                let legal = old.is_none_or(|old| old == row.state || old.can_move(row.state));
                assert!(legal, "job run {}: {old:?} to {}", row.id, row.state);
                let version = self.job_versions.get(&(row.job, row.job_version));
                assert!(
                    version.is_some(),
                    "a job run is pinned to a version that exists"
                );
            }
            Change::Attempt(row) => {
                if let Some(old) = self.attempts.insert(row.id, row.clone()) {
                    let legal = old.state == row.state || old.state.can_move(row.state);
                    assert!(legal, "attempt {}: {} to {}", row.id, old.state, row.state);
                }
            }
            Change::Outputs(row) => {
                let run = &self.job_runs[&row.job_run];
                assert_eq!(run.execution, row.execution);
                if row.values.is_empty() {
                    let old = self.outputs.remove(&row.job_run);
                    assert!(old.is_some(), "there is something to take away");
                } else {
                    self.outputs.insert(row.job_run, row.clone());
                }
            }
            Change::Action(row) => {
                let last = self.actions.last();
                assert!(last.is_none_or(|last| last.id < row.id), "ids grow");
                assert!(self.executions.contains_key(&row.execution));
                self.actions.push(row.clone());
            }
            Change::ScheduleCursor(row) => {
                if let Some(old) = self.cursors.insert(row.schedule, *row) {
                    assert!(old.time <= row.time, "R9: a cursor goes back");
                }
            }
            Change::Firing(row) => {
                let old = self.firings.insert(row.id, row.clone());
                let legal = old.is_none_or(|old| {
                    old.outcome == row.outcome || old.outcome == FiringOutcome::Queued
                });
                assert!(legal, "R9: {row:?} was decided before");
            }
            Change::FileKey(row) => {
                let old = self.files.insert((row.event, row.key.clone()), row.clone());
                assert_eq!(old, None, "R9: a file is used twice");
            }
            // The driver's: no engine gives it.
            Change::StartKey(_) => {}
            Change::Alert(row) => {
                let twin = self.alerts.values().find(|it| {
                    it.id != row.id
                        && (it.rule, it.event, &it.cause) == (row.rule, row.event, &row.cause)
                });
                assert_eq!(twin, None, "an alert is raised twice");
                self.alerts.insert(row.id, row.clone());
            }
            Change::Backfill(row) => {
                if let Some(old) = self.backfills.insert(row.id, row.clone()) {
                    let legal = old.state.can_move(row.state);
                    assert!(legal, "backfill {}: {} to {}", row.id, old.state, row.state);
                }
            }
            Change::BackfillDate(row) => {
                let key = (row.backfill, row.data_date);
                if let Some(old) = self.backfill_dates.insert(key, *row) {
                    let legal = old.state.can_move(row.state);
                    assert!(legal, "{key:?}: {} to {}", old.state, row.state);
                }
            }
        }
    }

    /// An execution with all of its rows, as a store hands it out.
    pub(crate) fn execution(&self, id: ExecutionId) -> Option<ExecutionSnapshot> {
        let row = self.executions.get(&id)?.clone();
        let flow_runs = self.flow_runs.values().filter(|run| run.execution == id);
        let job_runs = self.job_runs.values().filter(|run| run.execution == id);
        let attempts = self.attempts.values();
        Some(ExecutionSnapshot {
            row,
            flow_runs: flow_runs
                .map(|run| {
                    let flow = &self.flow_versions[&(run.flow, run.flow_version)];
                    (*run, Arc::clone(flow))
                })
                .collect(),
            job_runs: job_runs
                .map(|run| {
                    (
                        *run,
                        Arc::clone(&self.job_versions[&(run.job, run.job_version)]),
                    )
                })
                .collect(),
            attempts: attempts
                .filter(|row| row.execution == id && !row.state.is_ended())
                .cloned()
                .collect(),
            outputs: (self.outputs.values())
                .filter(|row| row.execution == id)
                .cloned()
                .collect(),
        })
    }

    /// All schedules, by id.
    #[allow(dead_code, reason = "not every test file looks at schedules")]
    pub(crate) fn schedules(&self) -> impl Iterator<Item = &Arc<Schedule>> {
        self.definitions.values().filter_map(|it| match it {
            Definition::Schedule(schedule) => Some(schedule),
            _ => None,
        })
    }

    /// All pools, by id.
    #[allow(dead_code, reason = "not every test file looks at pools")]
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.definitions.values().filter_map(|it| match it {
            Definition::Pool(pool) => Some(pool),
            _ => None,
        })
    }

    /// All shared params, by id.
    #[allow(dead_code, reason = "not every test file looks at params")]
    pub(crate) fn params(&self) -> impl Iterator<Item = &Arc<SharedParam>> {
        self.definitions.values().filter_map(|it| match it {
            Definition::Param(param) => Some(param),
            _ => None,
        })
    }

    fn open_firings(&self) -> Vec<FiringRow> {
        let last = |row: &FiringRow| {
            let cursor = self.cursors.get(&row.schedule);
            cursor.is_some_and(|cursor| cursor.last == Some(row.id))
        };
        let rows = self.firings.values();
        rows.filter(|row| row.is_open() || last(row))
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
            dates: self
                .backfill_dates
                .values()
                .filter(|date| date.backfill == row.id)
                .copied()
                .collect(),
        };
        open.map(snapshot).collect()
    }

    /// What an engine is loaded from.
    pub(crate) fn snapshot(&self, next_id: u64) -> Snapshot {
        let live = self.executions.values().filter(|row| !row.state.is_ended());
        Snapshot {
            next_id,
            flows: self.flows.values().cloned().collect(),
            jobs: self.jobs.values().cloned().collect(),
            executors: self.executors.values().cloned().collect(),
            definitions: self.definitions.values().cloned().collect(),
            executions: live
                .filter_map(|row| self.execution(row.id))
                .map(|mut execution| {
                    // An engine holds no others.
                    execution.drop_unread_outputs();
                    execution
                })
                .collect(),
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
        }
    }
}
