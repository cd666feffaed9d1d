//! The engine: one struct that holds the live state and decides.
//!
//! ```text
//!   commands ─┐                                ┌─► changes   rows to store, first
//!    reports ─┼─► apply(now, input) ─► Step ───┼─► reply     to whoever asked, then
//!       time ─┘         │                      └─► effects   asked of the world, then
//!                       └─ next_wakeup() ─► when to send Input::Wake
//! ```
//!
//! It is deterministic: the same inputs at the same times give the same steps. It reads no clock, does no
//! IO, draws no lots, and a refused input changes nothing. An end of a job costs its dependents plus the
//! logarithm of what waits, whatever the size of the mesh.
//!
//! Each kind of input has a file in [`on`](self); what is stored and asked are plain enums that can be
//! compared, stored and replayed.

mod action;
mod advance;
mod alert;
mod backfill;
mod change;
mod check;
mod claim;
mod crossing;
mod definitions;
mod effect;
mod execution;
mod explain;
mod flow_time;
mod gate;
mod input;
mod lookup;
mod on;
mod order;
mod outside;
mod past;
mod placement;
mod react;
mod rejected;
mod resolve;
mod schedule;
mod settings;
mod state;
mod table;
mod timer;

use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::{cmp::Reverse, mem};

use self::{
    alert::Alerts,
    backfill::Backfill,
    claim::Claims,
    crossing::{Crossings, FlowSeat},
    definitions::Definitions,
    execution::{Execution, Spare},
    on::RunChanged,
    past::Past,
    placement::{Draw, Need, Rank, Seat, Yard},
    resolve::Resolving,
    schedule::Schedules,
    timer::{Timer, Timers},
};
use crate::{
    id::{AttemptId, BackfillId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId},
    model::{Executor, Flow, Job},
    time::{DataDate, Timestamp},
};

pub use crate::model::DefinitionId;
pub use action::{ActionKind, ActionRow};
pub use alert::{AlertRow, MOST_OPEN_ALERTS};
pub use backfill::{
    BackfillDateRow, BackfillPlan, BackfillRequest, BackfillRow, BackfillSnapshot,
    LONGEST_BACKFILL, PlannedFlow, WIDEST_BACKFILL,
};
pub use change::{
    AttemptRow, Change, ExecutionRow, ExecutionSnapshot, FlowDates, FlowRunRow, JobOutcome,
    JobOutputs, JobRunRow, Mishap, Snapshot, StartKeyRow, Started, TriggerKind,
};
pub use check::Violation;
pub use effect::{Effect, Order};
pub use explain::{Explanation, FlowExplanation, Hold, HostTrouble, SlotTrouble};
pub use input::{
    EditBatch, End, EndCause, Held, HostFigures, Input, Offer, Report, RunOrder, SettledAs,
    SourceAccess, Start,
};
pub use order::{Preview, PreviewAsk};
pub use rejected::Rejected;
pub use resolve::{ParamAsk, ResolveError, ResolveErrorKind, ResolveOrder};
pub use schedule::{
    DueBy, DueState, FileKeyRow, FiringOutcome, FiringRow, LONGEST_FIRING_QUEUE, ScheduleCursor,
    ScheduleExplanation, ScheduleHold, SkipReason,
};
pub use settings::Settings;
pub use state::{
    AttemptState, BackfillDateState, BackfillState, ExecutionState, FlowRunState, JobRunState,
};

/// What one input led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Rows to store, in order. Must be stored before anything else of the step is let out.
    pub changes: Vec<Change>,
    /// Requests to the world, in order.
    pub effects: Vec<Effect>,
    /// Answer to whoever sent the input.
    pub reply: Reply,
}

/// Answer to an input that was not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// Done; there is nothing to tell.
    #[default]
    Done,
    /// Ids of what was put, one for each edit, in their order.
    Edited(Vec<DefinitionId>),
    /// The execution that was started.
    Started(ExecutionId),
    /// The backfill that was started.
    BackfillStarted(BackfillId),
}

/// A live attempt.
#[derive(Clone, Debug)]
struct Attempt {
    row: AttemptRow,
    /// Place of its job run in its execution.
    job: u32,
}

/// The live state: definitions, executions that have not ended, queues, timers.
///
/// Its methods are of three kinds: [`apply`](Self::apply) for whatever happens, [`next_wakeup`](Self::next_wakeup)
/// for when to send [`Input::Wake`], and questions that change nothing.
///
/// # Examples
/// A mesh of one job, run by hand:
/// ```
/// use hcndc_core::{engine::*, id::*, model::*, time::Timestamp};
///
/// let mut engine = Engine::default();
/// let now = Timestamp::from_micros(0);
/// let edits = vec![
///     Edit::PutExecutor(ExecutorDraft::new("here", "local", 4)),
///     Edit::PutFlow(FlowDraft::new("nightly")),
///     Edit::PutJob(JobDraft::new(FlowRef::Name("nightly".into()), "load", "sh load.sh")),
/// ];
/// engine.apply(now, Input::Edit(EditBatch { by: "ann".into(), edits }))?;
/// let executor = engine.executors().next().expect("just made").id;
/// let flow = engine.find_flow("nightly").expect("just made").id;
///
/// engine.apply(now, Input::Report { executor, report: Report::hello("1".into(), vec![]) })?;
/// let start = Start { flows: vec![flow], jobs: None, downstream: false, data_date: "2026-11-21".parse()?, date_format: None, params: vec![], trigger: TriggerKind::Manual, by: "ann".into() };
/// let step = engine.apply(now, Input::Start(start))?;
///
/// let Some(Effect::Tell { order: Order::Run(run), .. }) = step.effects.last() else { panic!("an order to run") };
/// assert_eq!(run.command, "sh load.sh");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Engine {
    now: Timestamp,
    next_id: u64,
    settings: Settings,
    /// Since when these settings are in force.
    limited_at: Timestamp,
    definitions: Definitions,
    executions: BTreeMap<ExecutionId, Execution>,
    /// Executions by the id of their first job run.
    by_first_job_run: BTreeMap<JobRunId, ExecutionId>,
    /// Boxed, for they come and go, and the map moves what it holds.
    attempts: BTreeMap<AttemptId, Box<Attempt>>,
    resolving: Resolving,
    yard: Yard,
    claims: Claims,
    crossings: Crossings,
    past: Past,
    timers: Timers,
    /// Backfills that have not succeeded.
    backfills: BTreeMap<BackfillId, Backfill>,
    schedules: Schedules,
    alerts: Alerts,
    /// Number of job runs that are queued.
    queued: usize,
    spare: Spare,
}

impl Engine {
    /// An engine that goes on where the snapshot was taken.
    ///
    /// No executor is connected at first; carry out [`connections`](Self::connections). Attempts of executors that
    /// do not come back within the lease count as lost.
    ///
    /// # Errors
    /// [`Rejected::BadSnapshot`] if the rows of an execution do not fit each other.
    pub fn load(now: Timestamp, settings: Settings, snapshot: Snapshot) -> Result<Self, Rejected> {
        let mut engine = Self {
            now,
            settings,
            limited_at: now,
            next_id: snapshot.next_id,
            ..Self::default()
        };
        engine.definitions = Definitions::load(
            snapshot.flows,
            snapshot.jobs,
            snapshot.executors,
            snapshot.definitions,
        );
        for executor in engine.definitions.executors.iter() {
            engine.yard.put_host(Arc::clone(executor));
        }
        for pool in engine.definitions.pools.iter() {
            engine.yard.put_pool(pool.id, pool.slots);
        }
        engine.past = Past::load(&snapshot.flow_dates, &snapshot.job_outcomes);
        for execution in snapshot.executions {
            engine.admit(execution)?;
        }
        // Only now: they may wait for each other.
        let ids: Vec<ExecutionId> = engine.executions.keys().copied().collect();
        for execution in ids {
            if !engine.take_up_flow_runs(execution) {
                return Err(Rejected::BadSnapshot { execution });
            }
            engine.take_up_job_runs(execution);
        }
        for BackfillSnapshot { row, dates } in snapshot.backfills {
            engine.backfills.insert(row.id, Backfill::new(row, dates));
        }
        engine.admit_schedules(snapshot.cursors, snapshot.firings, snapshot.files);
        engine.admit_alerts(snapshot.alerts);
        let lost_at = now.after(engine.settings.executor_lease);
        let holding: Vec<ExecutorId> = engine
            .yard
            .hosts()
            .filter(|host| !host.attempts.is_empty())
            .map(|host| host.executor.id)
            .collect();
        for executor in holding {
            engine
                .yard
                .update(executor, |host| host.lease_until = Some(lost_at));
            engine.timers.set(lost_at, Timer::Lease(executor));
        }
        Ok(engine)
    }

    /// Takes in one input, at this time.
    ///
    /// Time never goes back: an earlier `now` counts as the latest one given.
    ///
    /// # Errors
    /// [`Rejected`] says why the input was refused; then nothing has changed.
    ///
    /// # Complexity
    /// A report: O(dependents + log n). A start, stop, resume or rerun: O(job runs of the execution). An edit: O(what it
    /// changes, what comes after that, and executors); of more than 16 flows and jobs, O(mesh), and to delete an executor
    /// is a look at all jobs. While a job depends on a later date, each edit looks for circles over dates, in all of the mesh.
    pub fn apply(&mut self, now: Timestamp, input: Input) -> Result<Step, Rejected> {
        self.now = self.now.max(now);
        // The end of a job and the start of the next make some five changes.
        let mut step = Step {
            changes: Vec::with_capacity(8),
            ..Step::default()
        };
        self.schedules.fired = 0;
        match input {
            Input::Edit(batch) => self.on_edit(batch, &mut step)?,
            Input::Start(start) => self.on_start(start, &mut step)?,
            Input::Stop { execution, by } => self.on_stop(execution, by, &mut step)?,
            Input::Pause { execution, by } => self.on_pause(execution, by, &mut step)?,
            Input::Unpause { execution, by } => self.on_unpause(execution, &by, &mut step)?,
            Input::Kill { job_run, by } => self.on_kill(job_run, &by, &mut step)?,
            Input::Settle {
                execution,
                job_runs,
                settled,
                by,
                archived,
            } => {
                self.on_settle(execution, &job_runs, settled, by, archived, &mut step)?;
            }
            Input::Resume {
                execution,
                by,
                archived,
            } => {
                self.on_resume(execution, by, archived, &mut step)?;
            }
            Input::Reset {
                execution,
                by,
                archived,
            } => {
                self.on_reset(execution, by, archived, &mut step)?;
            }
            Input::Rerun {
                execution,
                from,
                by,
                archived,
            } => {
                self.on_rerun(execution, &from, by, archived, &mut step)?;
            }
            Input::Backfill(request) => self.on_backfill(request, &mut step)?,
            Input::StopBackfill { backfill, by } => {
                self.on_stop_backfill(backfill, by, &mut step)?;
            }
            Input::RestartBackfill { backfill, by } => {
                self.on_restart_backfill(backfill, by, &mut step)?;
            }
            Input::PauseSchedules {
                schedules,
                paused,
                by,
            } => self.on_pause_schedules(&schedules, paused, &by, &mut step)?,
            Input::RunSchedule {
                schedule,
                data_date,
                date_format,
                downstream,
                params,
                by,
            } => {
                let changed = RunChanged {
                    data_date,
                    date_format,
                    downstream,
                    params,
                };
                self.on_run_schedule(schedule, changed, by, &mut step)?;
            }
            Input::FileArrived {
                event,
                key,
                data_date,
            } => self.on_file_arrived(event, key, data_date, &mut step)?,
            Input::Notified { alert, error } => self.close_alert(alert, error, &mut step),
            Input::Acknowledge {
                alerts,
                by,
                archived,
            } => self.on_acknowledge(&alerts, &by, archived, &mut step)?,
            Input::Report { executor, report } => self.on_report(executor, report, &mut step)?,
            Input::Resolved { attempt, result } => self.on_resolved(attempt, result, &mut step),
            Input::Configure(settings) => {
                (self.settings, self.limited_at) = (settings, self.now);
            }
            Input::Wake => {}
        }
        // Until nothing more follows; what became ready meanwhile is placed together, so that the first in rank goes first.
        let mut seen = 0;
        loop {
            self.on_time(&mut step);
            if seen == step.changes.len() {
                self.dispatch(&mut step);
                // What ended as it was to begin has left a place, and others have waited for its end.
                if !self.end_unable(&mut step) {
                    break;
                }
            }
            self.react(&mut step, &mut seen);
        }
        self.react(&mut step, &mut seen);
        self.alerts.ended.clear();
        Ok(step)
    }

    /// When [`Input::Wake`] is due; `None` if nothing waits for a time.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The latest time that it was told.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The next id that will be given; goes into every commit.
    #[must_use]
    pub const fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The settings in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Effects that connect every executor, for a start.
    #[must_use]
    pub fn connections(&self) -> Vec<Effect> {
        self.definitions
            .executors
            .iter()
            .map(|executor| Effect::Connect(Arc::clone(executor)))
            .collect()
    }

    /// Alerts that nobody has been told of, by id: for a start, to be given again.
    pub fn undelivered(&self) -> impl Iterator<Item = &AlertRow> {
        self.alerts.untold()
    }

    /// All flows, by id.
    pub fn flows(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.definitions.flows()
    }

    /// All jobs, by id.
    pub fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.definitions.jobs()
    }

    /// All executors, by id.
    pub fn executors(&self) -> impl Iterator<Item = &Arc<Executor>> {
        self.definitions.executors.iter()
    }

    /// The flow of this id.
    #[must_use]
    pub fn flow(&self, flow: FlowId) -> Option<&Arc<Flow>> {
        self.definitions.flow(flow)
    }

    /// The job of this id.
    #[must_use]
    pub fn job(&self, job: JobId) -> Option<&Arc<Job>> {
        self.definitions.job(job)
    }

    /// The executor of this id.
    #[must_use]
    pub fn executor(&self, executor: ExecutorId) -> Option<&Arc<Executor>> {
        self.definitions.executors.get(executor)
    }

    /// The flow of this name.
    #[must_use]
    pub fn find_flow(&self, name: &str) -> Option<&Arc<Flow>> {
        self.definitions.flow_named(name)
    }

    /// The job of this name in this flow.
    #[must_use]
    pub fn find_job(&self, flow: FlowId, name: &str) -> Option<&Arc<Job>> {
        self.definitions.job_named(flow, name)
    }

    /// The mesh of all definitions.
    #[must_use]
    pub const fn mesh(&self) -> &crate::mesh::Mesh {
        self.definitions.mesh()
    }

    /// The last date for which the flow succeeded.
    #[must_use]
    pub fn data_date(&self, flow: FlowId) -> Option<DataDate> {
        self.definitions.data_date(flow)
    }

    /// The dates for which the flow succeeded, as ranges of dates that follow each other: first and last of each, in order.
    pub fn succeeded_dates(&self, flow: FlowId) -> impl Iterator<Item = (DataDate, DataDate)> {
        self.past.dates_of(flow)
    }

    /// Whether the execution is live; if not, a resume or rerun must bring its snapshot.
    #[must_use]
    pub fn is_live(&self, execution: ExecutionId) -> bool {
        self.executions.contains_key(&execution)
    }

    /// Attempts that have not ended, by id.
    pub fn attempts(&self) -> impl Iterator<Item = &AttemptRow> {
        self.attempts.values().map(|attempt| &attempt.row)
    }

    /// Rows of all live executions with their flow runs and job runs, as if they were new.
    #[must_use]
    pub fn live_rows(&self) -> Vec<Change> {
        let mut rows = Vec::new();
        for execution in self.executions.values() {
            execution.announce(&mut rows);
        }
        rows
    }

    /// Number of live executions, of queued job runs and of live attempts. Job runs count as queued too while another
    /// execution runs their job for the same date.
    #[must_use]
    pub fn load_figures(&self) -> (usize, usize, usize) {
        (self.executions.len(), self.queued, self.attempts.len())
    }

    /// How an executor is doing: whether it is connected, slots in use, its latest figures. `None` for an unknown one.
    #[must_use]
    pub fn executor_health(&self, executor: ExecutorId) -> Option<ExecutorHealth> {
        let host = self.yard.host(executor)?;
        Some(ExecutorHealth {
            online: host.online,
            trouble: host.trouble.clone(),
            slots_used: host.used,
            attempts: host.attempts.len() as u32,
            version: host.version.clone(),
            offer: host.offer.clone(),
            figures: host.figures.clone(),
            heard_at: host.heard_at,
        })
    }

    /// All that another engine needs to go on from here.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut live: BTreeMap<ExecutionId, Vec<AttemptRow>> = BTreeMap::new();
        for attempt in self.attempts.values() {
            live.entry(attempt.row.execution)
                .or_default()
                .push(attempt.row.clone());
        }
        let executions = self
            .executions
            .iter()
            .map(|(id, execution)| ExecutionSnapshot {
                row: execution.row.clone(),
                flow_runs: execution
                    .flow_runs
                    .iter()
                    .map(|run| (run.row, Arc::clone(&run.flow)))
                    .collect(),
                job_runs: execution
                    .jobs
                    .iter()
                    .map(|run| (run.row, Arc::clone(&run.job)))
                    .collect(),
                attempts: live.remove(id).unwrap_or_default(),
                outputs: execution.held_outputs().cloned().collect(),
            });
        Snapshot {
            next_id: self.next_id,
            flows: self
                .definitions
                .flows()
                .map(|flow| (Arc::clone(flow), self.definitions.data_date(flow.id)))
                .collect(),
            jobs: self.definitions.jobs().cloned().collect(),
            executors: self.definitions.executors.iter().cloned().collect(),
            definitions: self.definitions.others().collect(),
            executions: executions.collect(),
            flow_dates: self.past.dates().collect(),
            job_outcomes: self.past.outcomes().collect(),
            backfills: self.backfills.values().map(Backfill::snapshot).collect(),
            cursors: self.schedules.cursors(),
            firings: self.schedules.firings.values().cloned().collect(),
            files: self.schedules.file_keys(),
            alerts: self.alerts.rows(),
        }
    }

    fn take_id(&mut self) -> u64 {
        self.take_ids(1)
    }

    fn take_ids(&mut self, count: usize) -> u64 {
        let first = self.next_id.max(1);
        self.next_id = first + count as u64;
        first
    }

    /// Takes in a snapshot of an execution: its queues, timers, claims and live attempts.
    fn admit(&mut self, snapshot: ExecutionSnapshot) -> Result<ExecutionId, Rejected> {
        let id = snapshot.row.id;
        let bad = Rejected::BadSnapshot { execution: id };
        let attempts = snapshot.attempts.clone();
        let known = |attempt: &AttemptRow| self.yard.host(attempt.executor).is_some();
        if self.is_live(id) || !attempts.iter().all(known) {
            return Err(bad);
        }
        let mut execution = Execution::restore(snapshot).ok_or(bad)?;
        execution.drop_unread_outputs();
        let mut held = Vec::new();
        for (at, run) in execution.jobs.iter().enumerate() {
            let seat = (id, at as u32);
            if run.has_date() {
                held.push(seat);
            }
            if let (JobRunState::RetryWait, Some(at)) = (run.row.state, run.row.retry_at) {
                self.timers.set(at, Timer::Retry(seat));
            }
        }
        for row in attempts {
            let Some(job) = execution.position(row.job_run) else {
                continue;
            };
            let draw = Draw::of(&execution.jobs[job as usize].job);
            self.yard.occupy(row.executor, row.id, row.slots, draw);
            self.attempts.insert(row.id, Box::new(Attempt { row, job }));
        }
        self.insert(execution);
        for seat in held {
            self.claim(seat);
        }
        for at in 0..self.executions[&id].jobs.len() as u32 {
            self.enqueue((id, at));
        }
        Ok(id)
    }

    fn insert(&mut self, mut execution: Execution) {
        let (id, date) = (execution.row.id, execution.row.data_date);
        self.queued += execution.queued as usize;
        for (at, run) in execution.flow_runs.iter_mut().enumerate() {
            let others = self.claims.add_run(run.row.flow, date, (id, at as u32));
            run.contested = !others.is_empty();
            for other in others {
                self.contest(other);
            }
            if !run.is_joined() && !execution.row.partial {
                self.crossings.add_run(run.row.flow, date, (id, at as u32));
            }
            if run.row.state == FlowRunState::Running {
                self.crossings.begin_run(run.row.flow);
            }
        }
        if let Some(first) = execution.jobs.first() {
            self.by_first_job_run.insert(first.row.id, id);
        }
        self.executions.insert(id, execution);
    }

    /// Where a live job run is.
    fn seat(&self, job_run: JobRunId) -> Option<Seat> {
        let (_, &id) = self.by_first_job_run.range(..=job_run).next_back()?;
        self.executions
            .get(&id)?
            .position(job_run)
            .map(|at| (id, at))
    }

    /// Puts a job run in its line, if it is queued and no other runs its job for its date.
    fn enqueue(&mut self, seat: Seat) {
        let Some((need, rank)) = self.queue_place(seat) else {
            return;
        };
        let execution = &self.executions[&seat.0];
        let run = &execution.jobs[seat.1 as usize];
        let may_stand = !execution.flow_runs[run.flow_run as usize].contested
            || (self.claims).join(run.row.job, execution.row.data_date, seat);
        // R10: what is paused stays queued, but out of line.
        if may_stand && execution.row.state == ExecutionState::Running {
            self.yard.enqueue(&need, rank, seat);
        }
    }

    /// Another execution has a run of this flow run's flow for its date: from now on its jobs' dates are claimed.
    fn contest(&mut self, flow_run: FlowSeat) {
        let Some(execution) = self.executions.get_mut(&flow_run.0) else {
            return;
        };
        let date = execution.row.data_date;
        let its = &mut execution.flow_runs[flow_run.1 as usize];
        if mem::replace(&mut its.contested, true) {
            return;
        }
        for at in its.jobs.clone() {
            let run = &execution.jobs[at as usize];
            let (job, seat) = (run.row.job, (flow_run.0, at));
            if run.has_date() {
                self.claims.take(job, date, seat);
            }
            if run.row.state == JobRunState::Queued {
                self.claims.join(job, date, seat);
            }
        }
    }

    /// Gives its job's date to this job run; others that are queued for it leave their lines.
    fn claim(&mut self, seat: Seat) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.jobs[seat.1 as usize];
        if !execution.flow_runs[run.flow_run as usize].contested {
            return;
        }
        let date = execution.row.data_date;
        for other in self.claims.take(run.row.job, date, seat) {
            if let Some((need, rank)) = self.queue_place(other) {
                self.yard.withdraw(&need, rank);
            }
        }
    }

    /// What a queued job run needs, and its rank; `None` if it is not queued.
    fn queue_place(&self, seat: Seat) -> Option<(Need, Rank)> {
        let execution = self.executions.get(&seat.0)?;
        let run = execution.jobs.get(seat.1 as usize)?;
        if run.row.state != JobRunState::Queued {
            return None;
        }
        let flow = &execution.flow_runs[run.flow_run as usize].flow;
        let need = Need {
            placement: run.job.placement.clone(),
            slots: run.job.slots,
            pool: Draw::of(&run.job),
        };
        let rank = Rank {
            priority: Reverse(i64::from(flow.priority) + i64::from(run.job.priority)),
            path: Reverse(run.path),
            queued_at: run.row.queued_at.unwrap_or(Timestamp::MIN),
            job_run: run.row.id,
        };
        Some((need, rank))
    }

    /// Places queued job runs while there is room (R7).
    fn dispatch(&mut self, step: &mut Step) {
        while self.attempts.len() < self.settings.max_running as usize {
            let Some(found) = self.yard.next_match() else {
                return;
            };
            self.yard.pop(found);
            self.claim(found.seat);
            let attempt = AttemptId(self.take_id());
            self.send_attempt(found.seat, attempt, found.executor, step);
        }
    }

    fn send_attempt(&mut self, seat: Seat, id: AttemptId, executor: ExecutorId, step: &mut Step) {
        let now = self.now;
        let (mut row, mut draw) = (None, None);
        self.advance(seat.0, step, |execution, moves| {
            let run = &mut execution.jobs[seat.1 as usize];
            draw = Draw::of(&run.job);
            run.attempt = Some(id);
            let new = AttemptRow {
                id,
                execution: seat.0,
                job_run: run.row.id,
                number: run.row.attempt,
                executor,
                slots: run.job.slots,
                state: AttemptState::Dispatched,
                kill_asked: false,
                dispatched_at: now,
                started_at: None,
                ended_at: None,
                pid: None,
                exit_code: None,
                signal: None,
                message: String::new(),
                peak_memory_bytes: 0,
                cpu_time: core::time::Duration::ZERO,
                log_bytes: 0,
            };
            moves.changes.push(Change::Attempt(new.clone()));
            execution.move_job(seat.1, JobRunState::Dispatched, moves);
            row = Some(new);
        });
        if let Some(row) = row {
            self.yard.occupy(executor, id, row.slots, draw);
            let attempt = Attempt { row, job: seat.1 };
            self.attempts.insert(id, Box::new(attempt));
            self.set_going(id, step);
        }
    }

    /// Names of the values that jobs of its execution read of the job run of a live attempt; they fail without.
    pub fn outputs_read_of(&self, attempt: AttemptId) -> impl Iterator<Item = &str> {
        let attempt = self.attempts.get(&attempt);
        let found = attempt.and_then(|it| Some((self.executions.get(&it.row.execution)?, it.job)));
        found
            .into_iter()
            .flat_map(|(execution, at)| execution.read_of(at))
    }
}

/// How an executor is doing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExecutorHealth {
    /// Whether a connection stands.
    pub online: bool,
    /// Why not, if it is known.
    pub trouble: Option<String>,
    /// Slots that live attempts take.
    pub slots_used: u32,
    /// Live attempts.
    pub attempts: u32,
    /// Version of its program, once it said hello.
    pub version: Option<String>,
    /// What it offers by its own settings, once it said hello.
    pub offer: Offer,
    /// Its latest figures.
    pub figures: Option<HostFigures>,
    /// When they came, by the scheduler's clock.
    pub heard_at: Option<Timestamp>,
}
