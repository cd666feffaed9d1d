//! A small language for step tests: definitions in a line each, one input, and everything that it led to as words.
//!
//! Jobs are called `flow/job`, attempts `flow/job#1`; from the second execution on `e2 flow/job`.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        Change, EditBatch, Effect, End, EndCause, Engine, ExecutionState, Explanation, Held, Hold,
        Input, JobRunState, Offer, Order, Rejected, Reply, Report, ResolveOrder, RunOrder,
        Settings, SettledAs, Start, Step, TriggerKind,
    },
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId},
    model::{
        Condition, DefinitionError, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, Fault,
        FlowDraft, FlowRef, JobDraft, JobRef, PlacementDraft, Retry,
    },
    time::{DataDate, Timestamp},
};

use crate::store::Store;

pub(crate) const DATE: &str = "2026-11-21";

pub(crate) fn date(text: &str) -> DataDate {
    text.parse().unwrap()
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A flow that waits for these.
pub(crate) fn flow(name: &str, parents: &[&str]) -> Edit {
    Edit::PutFlow(flow_draft(name, parents))
}

pub(crate) fn flow_draft(name: &str, parents: &[&str]) -> FlowDraft {
    FlowDraft {
        parents: parents
            .iter()
            .map(|it| FlowRef::Name((*it).into()))
            .collect(),
        ..FlowDraft::new(name)
    }
}

pub(crate) fn host(name: &str, slots: u32) -> Edit {
    Edit::PutExecutor(ExecutorDraft::new(name, format!("{name}:7890"), slots))
}

/// Nothing is called so.
pub(crate) fn unknown(what: &str, name: &str) -> DefinitionError {
    let (what, name) = (what.into(), name.into());
    DefinitionError::Unknown { what, name }
}

/// A number is out of its range.
pub(crate) fn range(value: i64, min: i64, max: i64) -> DefinitionError {
    DefinitionError::OutOfRange { value, min, max }
}

/// A job, called `flow/job`.
pub(crate) fn job(name: &str) -> JobDraft {
    let (flow, job) = name.split_once('/').unwrap();
    JobDraft::new(FlowRef::Name(flow.into()), job, format!("run {job}"))
}

pub(crate) trait JobWords: Sized {
    fn after_end(self, name: &str, condition: Condition) -> Self;
    fn off(self) -> Self;
    fn slots(self, slots: u32) -> Self;
    fn first(self, priority: i32) -> Self;
    fn on(self, host: &str) -> Self;
    fn wants(self, key: &str, value: &str) -> Self;
    fn retry(self, max: u32, delay: u64) -> Self;
    fn edit(self) -> Edit;

    fn after(self, name: &str) -> Self {
        self.after_end(name, Condition::Success)
    }
}

impl JobWords for JobDraft {
    fn after_end(mut self, name: &str, condition: Condition) -> Self {
        let (flow, job) = name.split_once('/').unwrap();
        let (flow, job) = (flow.into(), job.into());
        let job = JobRef::Name { flow, job };
        self.dependencies.push(DependencyDraft::new(job, condition));
        self
    }

    fn off(mut self) -> Self {
        self.enabled = false;
        self
    }

    fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    fn first(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    fn on(mut self, host: &str) -> Self {
        self.placement = PlacementDraft::Executor(ExecutorRef::Name(host.into()));
        self
    }

    fn wants(mut self, key: &str, value: &str) -> Self {
        self.placement = PlacementDraft::Labels([(key.into(), value.into())].into());
        self
    }

    fn retry(mut self, max: u32, delay: u64) -> Self {
        let delay = secs(delay);
        self.retry = Retry {
            max,
            delay,
            ..Retry::default()
        };
        self
    }

    fn edit(self) -> Edit {
        Edit::PutJob(self)
    }
}

pub(crate) fn end(cause: EndCause) -> End {
    End {
        cause,
        started_at: None,
        ended_at: Timestamp::from_micros(0),
        peak_memory_bytes: 0,
        cpu_time: Duration::ZERO,
        log_bytes: 0,
        outputs: BTreeMap::new(),
    }
}

/// An engine, what it told to store, and what its last step said.
pub(crate) struct Bed {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    pub(crate) reply: Reply,
    said: Vec<String>,
    /// The last order to run.
    pub(crate) order: Option<Box<RunOrder>>,
    /// The last queries that were to be asked.
    pub(crate) asked: Option<ResolveOrder>,
    /// Names of what is gone.
    names: BTreeMap<JobId, String>,
    flow_names: BTreeMap<FlowId, String>,
}

impl Bed {
    /// An engine with these definitions; its executors are connected.
    pub(crate) fn new(edits: impl IntoIterator<Item = Edit>) -> Self {
        let mut bed = Self {
            engine: Engine::default(),
            store: Store::default(),
            now: Timestamp::from_micros(0),
            reply: Reply::Done,
            said: Vec::new(),
            order: None,
            asked: None,
            names: BTreeMap::new(),
            flow_names: BTreeMap::new(),
        };
        bed.edit(edits);
        let executors: Vec<_> = bed.store.executors.keys().copied().collect();
        for executor in executors {
            bed.report(executor, Report::hello("1".into(), vec![]));
        }
        bed.said.clear();
        bed
    }

    // Inputs.

    pub(crate) fn try_apply(&mut self, input: Input) -> Result<(), Rejected> {
        let before = self.engine.snapshot();
        match self.engine.apply(self.now, input) {
            Ok(step) => {
                self.take(&step);
                Ok(())
            }
            Err(refused) => {
                assert_eq!(
                    self.engine.snapshot(),
                    before,
                    "a refused input changes nothing"
                );
                assert_eq!(self.engine.check(), []);
                Err(refused)
            }
        }
    }

    #[track_caller]
    pub(crate) fn apply(&mut self, input: Input) {
        self.try_apply(input).unwrap();
    }

    fn take(&mut self, step: &Step) {
        self.store.apply(&step.changes);
        assert_eq!(self.engine.check(), []);
        let stored = self.store.snapshot(self.engine.next_id());
        assert_eq!(stored, self.engine.snapshot(), "changes tell everything");
        for (id, (flow, _)) in &self.store.flows {
            self.flow_names.insert(*id, flow.name.clone());
        }
        for (id, job) in &self.store.jobs {
            let flow = &self.flow_names[&job.flow];
            self.names.insert(*id, format!("{flow}/{}", job.name));
        }
        self.reply = step.reply.clone();
        for effect in &step.effects {
            if let Effect::Tell {
                order: Order::Run(order),
                ..
            } = effect
            {
                self.order = Some(order.clone());
            }
            if let Effect::Resolve(order) = effect {
                self.asked = Some(order.clone());
            }
        }
        let changes = step
            .changes
            .iter()
            .filter_map(|it| self.change_in_words(it));
        let effects = step.effects.iter().map(|it| self.effect_in_words(it));
        let said = changes.chain(effects).collect();
        self.said = said;
    }

    pub(crate) fn try_edit(
        &mut self,
        edits: impl IntoIterator<Item = Edit>,
    ) -> Result<(), Vec<Fault>> {
        let (by, edits) = ("ann".into(), edits.into_iter().collect());
        let batch = EditBatch { by, edits };
        let checked = self.engine.check_edits(&batch);
        let done = match self.try_apply(Input::Edit(batch)) {
            Ok(()) => Ok(()),
            Err(Rejected::Definition { faults }) => Err(faults),
            Err(other) => panic!("{other}"),
        };
        // A check tells the same, but for what lies in the ties, which it only says to look at.
        match checked {
            Err(rejected) => {
                let faults = done.clone().unwrap_err();
                assert_eq!(rejected, Rejected::Definition { faults });
            }
            Ok(ties) => {
                let is_of_ties = |it: &Fault| {
                    matches!(
                        it.error,
                        DefinitionError::Cycle { .. } | DefinitionError::NotUpstream { .. }
                    )
                };
                let faults = done.as_ref().err();
                assert!(faults.is_none_or(|faults| ties && faults.iter().all(is_of_ties)));
            }
        }
        done
    }

    #[track_caller]
    pub(crate) fn edit(&mut self, edits: impl IntoIterator<Item = Edit>) {
        self.try_edit(edits).unwrap();
    }

    /// The faults of an edit that is refused: number of the edit, field, error.
    #[track_caller]
    pub(crate) fn faults(
        &mut self,
        edits: impl IntoIterator<Item = Edit>,
    ) -> Vec<(Option<usize>, String, DefinitionError)> {
        let faults = self.try_edit(edits).unwrap_err();
        let faults = faults.into_iter();
        faults.map(|it| (it.edit, it.field, it.error)).collect()
    }

    pub(crate) fn try_start(&mut self, flows: &[&str], downstream: bool) -> Result<(), Rejected> {
        let flows = flows.iter().map(|name| self.flow(name)).collect();
        self.try_apply(Input::Start(Start {
            flows,
            jobs: None,
            downstream,
            data_date: date(DATE),
            date_format: None,
            params: vec![],
            trigger: TriggerKind::Manual,
            by: "ann".into(),
        }))
    }

    /// Starts these flows for [`DATE`].
    #[track_caller]
    pub(crate) fn start(&mut self, flows: &[&str]) -> ExecutionId {
        self.try_start(flows, false).unwrap();
        self.started()
    }

    pub(crate) fn started(&self) -> ExecutionId {
        let Reply::Started(id) = self.reply else {
            panic!("{:?}", self.reply)
        };
        id
    }

    pub(crate) fn report(&mut self, executor: ExecutorId, report: Report) {
        self.apply(Input::Report { executor, report });
    }

    /// The process of a job's attempt runs.
    pub(crate) fn begin(&mut self, name: &str) {
        let (executor, attempt) = self.attempt(name);
        let (pid, at) = (7, self.now);
        self.report(executor, Report::Started { attempt, pid, at });
    }

    /// A job's attempt ends.
    pub(crate) fn finish(&mut self, name: &str, cause: EndCause) {
        let (executor, attempt) = self.attempt(name);
        let end = end(cause);
        self.report(executor, Report::Finished { attempt, end });
    }

    pub(crate) fn succeed(&mut self, name: &str) {
        self.finish(name, EndCause::Exited(0));
    }

    pub(crate) fn fail(&mut self, name: &str) {
        self.finish(name, EndCause::Exited(1));
    }

    pub(crate) fn hello(&mut self, host: &str, held: Vec<Held>) {
        let version = "1".into();
        self.report(self.host(host), Report::hello(version, held));
    }

    /// It says hello, with what it has and with this by its own settings.
    pub(crate) fn offer(&mut self, host: &str, labels: &[(&str, &str)], slots: u32) {
        let labels = labels
            .iter()
            .map(|&(key, value)| (key.into(), value.into()));
        let attempts = self.store.attempts.values();
        let alive = attempts.filter(|it| it.ended_at.is_none());
        let held = alive.map(|it| Held {
            attempt: it.id,
            started: None,
            end: None,
        });
        let report = Report::Hello {
            version: "1".into(),
            held: held.collect(),
            offer: Offer {
                labels: labels.collect(),
                slots,
            },
        };
        self.report(self.host(host), report);
    }

    pub(crate) fn disconnect(&mut self, host: &str) {
        let reason = "broken pipe".into();
        self.report(self.host(host), Report::Disconnected { reason });
    }

    pub(crate) fn stop(&mut self, execution: ExecutionId) {
        let by = "bob".into();
        self.apply(Input::Stop { execution, by });
    }

    pub(crate) fn try_resume(&mut self, execution: ExecutionId) -> Result<(), Rejected> {
        let archived = self.store.execution(execution).map(Box::new);
        let by = "bob".into();
        self.try_apply(Input::Resume {
            execution,
            by,
            archived,
        })
    }

    #[track_caller]
    pub(crate) fn resume(&mut self, execution: ExecutionId) {
        self.try_resume(execution).unwrap();
    }

    #[track_caller]
    pub(crate) fn rerun(&mut self, execution: ExecutionId, from: &[&str]) {
        let from = from
            .iter()
            .map(|name| self.run_of(execution, name))
            .collect();
        let archived = self.store.execution(execution).map(Box::new);
        let by = "bob".into();
        self.apply(Input::Rerun {
            execution,
            from,
            by,
            archived,
        });
    }

    pub(crate) fn pause(&mut self, execution: ExecutionId) {
        let by = "bob".into();
        self.apply(Input::Pause { execution, by });
    }

    pub(crate) fn unpause(&mut self, execution: ExecutionId) {
        let by = "eve".into();
        self.apply(Input::Unpause { execution, by });
    }

    pub(crate) fn try_settle(
        &mut self,
        execution: ExecutionId,
        names: &[&str],
        settled: SettledAs,
    ) -> Result<(), Rejected> {
        let runs = names.iter().map(|name| self.run_of(execution, name));
        let job_runs = runs.collect();
        let archived = self.store.execution(execution).map(Box::new);
        let by = "bob".into();
        self.try_apply(Input::Settle {
            execution,
            job_runs,
            settled,
            by,
            archived,
        })
    }

    #[track_caller]
    pub(crate) fn skip(&mut self, execution: ExecutionId, names: &[&str]) {
        self.try_settle(execution, names, SettledAs::Skipped)
            .unwrap();
    }

    #[track_caller]
    pub(crate) fn reset(&mut self, execution: ExecutionId) {
        let archived = self.store.execution(execution).map(Box::new);
        let by = "bob".into();
        self.apply(Input::Reset {
            execution,
            by,
            archived,
        });
    }

    /// What people did, as `who did what to which`.
    pub(crate) fn actions(&self) -> Vec<String> {
        let rows = self.store.actions.iter();
        rows.map(|row| {
            let what = match row.job_run {
                Some(job_run) => self.run_name(job_run),
                None => format!("e{}", self.execution_number(row.execution)),
            };
            format!("{} {} {what}", row.by, row.kind.as_str())
        })
        .collect()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.apply(Input::Wake);
    }

    pub(crate) fn limit(&mut self, max_running: u32) {
        self.apply(Input::Configure(Settings {
            max_running,
            ..Settings::default()
        }));
    }

    /// Another engine goes on from what is stored; nobody is connected.
    pub(crate) fn reload(&mut self) {
        let snapshot = self.store.snapshot(self.engine.next_id());
        let settings = self.engine.settings().clone();
        self.engine = Engine::load(self.now, settings, snapshot.clone()).unwrap();
        assert_eq!(self.engine.snapshot(), snapshot);
        assert_eq!(self.engine.check(), []);
        self.said.clear();
    }

    // Names.

    pub(crate) fn flow(&self, name: &str) -> FlowId {
        self.engine
            .find_flow(name)
            .unwrap_or_else(|| panic!("flow {name}"))
            .id
    }

    pub(crate) fn job(&self, name: &str) -> JobId {
        let (flow, job) = name.split_once('/').unwrap();
        let job = self.engine.find_job(self.flow(flow), job);
        job.unwrap_or_else(|| panic!("job {name}")).id
    }

    pub(crate) fn host(&self, name: &str) -> ExecutorId {
        let mut executors = self.engine.executors();
        executors.find(|it| it.name == name).unwrap().id
    }

    /// The job run of this name in this execution; the job may be gone.
    pub(crate) fn run_of(&self, execution: ExecutionId, name: &str) -> JobRunId {
        let mut runs = self.store.job_runs.values();
        let found = runs.find(|row| row.execution == execution && self.names[&row.job] == name);
        found.unwrap_or_else(|| panic!("a run of {name}")).id
    }

    /// The job run of this name, `e2 flow/job` in the second execution.
    pub(crate) fn run(&self, name: &str) -> JobRunId {
        let (execution, name) = match name.split_once(' ') {
            Some((number, name)) => (number[1..].parse::<usize>().unwrap() - 1, name),
            None => (0, name),
        };
        self.run_of(*self.store.executions.keys().nth(execution).unwrap(), name)
    }

    pub(crate) fn state(&self, name: &str) -> JobRunState {
        self.store.job_runs[&self.run(name)].state
    }

    /// The attempt of a job run that lives, and where; else its latest.
    pub(crate) fn attempt(&self, name: &str) -> (ExecutorId, AttemptId) {
        let run = self.run(name);
        let mut rows = self
            .store
            .attempts
            .values()
            .filter(|row| row.job_run == run);
        let row = rows
            .next_back()
            .unwrap_or_else(|| panic!("{name} has no attempt"));
        (row.executor, row.id)
    }

    pub(crate) fn explain(&self, name: &str) -> Explanation {
        self.engine.explain(self.run(name)).unwrap()
    }

    pub(crate) fn holds(&self, name: &str) -> Vec<Hold> {
        self.explain(name).holds
    }

    // What was said.

    /// All that the last step moved and asked for, rows of new runs left out; nothing may be left over.
    #[track_caller]
    pub(crate) fn said(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.said), expected);
    }

    fn execution_number(&self, id: ExecutionId) -> usize {
        self.store
            .executions
            .keys()
            .position(|it| *it == id)
            .unwrap()
            + 1
    }

    fn run_name(&self, id: JobRunId) -> String {
        let row = &self.store.job_runs[&id];
        let name = &self.names[&row.job];
        match self.execution_number(row.execution) {
            1 => name.clone(),
            number => format!("e{number} {name}"),
        }
    }

    fn attempt_name(&self, id: AttemptId) -> String {
        match self.store.attempts.get(&id) {
            Some(row) => format!("{}#{}", self.run_name(row.job_run), row.number),
            None => format!("stranger {id}"),
        }
    }

    fn host_name(&self, id: ExecutorId) -> String {
        let host = self.store.executors.get(&id);
        host.map_or_else(|| format!("host {id}"), |host| host.name.clone())
    }

    fn change_in_words(&self, change: &Change) -> Option<String> {
        Some(match change {
            Change::FlowPut(flow) => format!("put {} v{}", flow.name, flow.revision.version),
            Change::FlowDeleted(id) => format!("deleted {}", self.flow_names[id]),
            Change::FlowDataDate { flow, data_date } => {
                format!("{} reached {data_date}", self.flow_names[flow])
            }
            // What is kept of the past has tests of its own.
            Change::FlowDates { .. } | Change::JobOutcome { .. } => return None,
            Change::JobPut(job) => format!("put {} v{}", self.names[&job.id], job.revision.version),
            Change::JobDeleted(id) => format!("deleted {}", self.names[id]),
            Change::ExecutorPut(host) => format!("put {} v{}", host.name, host.revision.version),
            Change::ExecutorDeleted(id) => format!("deleted host {id}"),
            Change::DefinitionPut(it) => {
                let (kind, version) = (it.id().kind(), it.revision().version);
                format!("put {kind} {} v{version}", it.name())
            }
            Change::DefinitionDeleted(id) => format!("deleted {} {}", id.kind(), id.number()),
            Change::Execution(row) if row.state == ExecutionState::Running && row.resumes == 0 => {
                return None;
            }
            Change::Execution(row) => {
                format!("e{} {}", self.execution_number(row.id), row.state)
            }
            Change::FlowRun { from, row } => {
                let name = &self.flow_names[&row.flow];
                match from {
                    None => return None,
                    Some(from) if *from == row.state => format!("{name} as v{}", row.flow_version),
                    Some(_) => format!("{name} {}", row.state),
                }
            }
            Change::JobRun { from, row } => {
                let name = self.run_name(row.id);
                match from {
                    None => return None,
                    Some(from) if *from == row.state => format!("{name} as v{}", row.job_version),
                    Some(_) => format!("{name} {}", row.state),
                }
            }
            // The store keeps them; who asks for them finds them there.
            Change::Action(_) => return None,
            Change::Attempt(row) => {
                let kill = if row.kill_asked && !row.state.is_ended() {
                    ", to be killed"
                } else {
                    ""
                };
                format!("{} {}{kill}", self.attempt_name(row.id), row.state)
            }
            Change::Outputs(row) => {
                format!("{} puts out {:?}", self.run_name(row.job_run), row.values)
            }
            Change::ScheduleCursor(_) | Change::FileKey(_) | Change::StartKey(_) => return None,
            Change::Firing(row) => format!("firing {:?}", row.outcome),
            Change::Alert(row) => format!("alert {:?}", row.event),
            Change::Backfill(row) => format!("backfill {}", row.state),
            Change::BackfillDate(row) => format!("{} {}", row.data_date, row.state),
        })
    }

    fn effect_in_words(&self, effect: &Effect) -> String {
        match effect {
            Effect::Connect(host) => format!("connect {}", host.name),
            Effect::Notify(alert) => format!("tell {:?}", alert.event),
            Effect::Resolve(order) => {
                let names: Vec<&str> = order.asks.iter().map(|ask| ask.name.as_str()).collect();
                let attempt = self.attempt_name(order.attempt);
                format!("ask for {attempt}: {}", names.join(" "))
            }
            Effect::Disconnect(id) => format!("disconnect {}", self.host_name(*id)),
            Effect::Tell { executor, order } => {
                let (verb, attempt) = match order {
                    Order::Run(run) => ("run", run.attempt),
                    Order::Kill { attempt, .. } => ("kill", *attempt),
                    Order::Ack { attempt } => ("ack", *attempt),
                };
                let (host, name) = (self.host_name(*executor), self.attempt_name(attempt));
                format!("{host}: {verb} {name}")
            }
        }
    }
}
