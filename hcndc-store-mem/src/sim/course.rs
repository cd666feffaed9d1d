//! The course of a run: the mesh is made, the plan is played, all faults end, and everything must come to its end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hcndc_core::{
    engine::{EditBatch, ExecutionState, Input},
    id::{ExecutionId, FlowId},
    time::{DataDate, Timestamp},
    workload::SplitMix64,
};

use super::{
    ask,
    invariant::Promise,
    mend, mesh,
    run::Run,
    world::{Event, World},
};

/// How long after the last act everything must have come to its end, at most.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Before this the mesh is made, in peace.
pub(crate) const PEACE: Duration = Duration::from_secs(30);

/// How far a run is.
#[derive(Debug, Default)]
pub(crate) struct Course {
    stage: Phase,
    /// When the present stage must be over.
    until: Timestamp,
    /// How the last question was answered, and when it was asked.
    answer: Arc<Mutex<Option<bool>>>,
    asked_at: Timestamp,
    /// When somebody last started what executions wait for.
    nudged_at: Timestamp,
    /// What was started then, and how often.
    started: BTreeMap<(FlowId, DataDate), u32>,
    /// Executions that were resumed in the end.
    resumed: Vec<ExecutionId>,
    pub(crate) steps: u64,
    pub(crate) over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The mesh is being made.
    #[default]
    Founding,
    /// The plan is being played.
    Playing,
    /// All faults are over; executors are being mended.
    Mending,
    /// Everything ends.
    Ending,
    /// What failed or was stopped is resumed, and must succeed.
    Resuming(usize),
}

impl Run<'_> {
    /// Asks whoever leads, and remembers what the answer is.
    fn insist(&mut self, signed: bool, input: impl FnOnce(String) -> Input) {
        let mut world = self.world.lock();
        let by = format!("c{}", world.number());
        let (leader, now) = (world.leader(), world.now);
        drop(world);
        // Answers to what was asked before come too late.
        self.course.answer = Arc::default();
        self.course.asked_at = if leader.is_some() {
            now
        } else {
            Timestamp::MIN
        };
        if let Some(process) = leader {
            let answer = self.course.answer.clone();
            let input = input(by.clone());
            let promise = Promise::new(by, signed, &input);
            self.request(process, input, promise, move |good| {
                *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(good);
            });
        }
    }

    /// The answer; a refusal if none came for so long that none will.
    fn answer(&self, now: Timestamp) -> Option<bool> {
        let answer = self.course.answer.lock();
        let answer = *answer.unwrap_or_else(PoisonError::into_inner);
        let late = now.since(self.course.asked_at) > Duration::from_secs(60);
        answer.or_else(|| late.then_some(false))
    }

    /// Sees how far the run is, and what is to be done next. Looks again after a while.
    pub(crate) fn look(&mut self) {
        let now = self.world.lock().now;
        match self.course.stage {
            Phase::Founding => match self.answer(now) {
                Some(true) => {
                    self.course.stage = Phase::Playing;
                    let last = self.plan.acts.last().map_or(Duration::ZERO, |act| act.at);
                    self.course.until = now.after(PEACE + last + Duration::from_secs(20));
                }
                Some(false) => {
                    let mut lots = SplitMix64::new(self.plan.seed ^ 1);
                    let edits = mesh::found(&mut lots, self.plan.hosts);
                    self.insist(true, |by| Input::Edit(EditBatch { by, edits }));
                }
                None => {}
            },
            Phase::Playing if now < self.course.until => {}
            // In a broken world nothing need ever end, and one rule alone is looked at.
            Phase::Playing
                if self
                    .world
                    .lock()
                    .oracle
                    .only
                    .is_some_and(|it| it != "liveness") =>
            {
                self.course.over = true;
            }
            Phase::Playing => {
                self.world.lock().heal();
                self.course.until = now.after(PATIENCE);
                self.course.stage = Phase::Mending;
                let settings = self.plan.settings.clone();
                self.insist(false, |_| Input::Configure(settings));
            }
            Phase::Mending => {
                if let Some(good) = self.answer(now) {
                    self.mend(good);
                }
            }
            Phase::Ending => {
                if self.world.lock().is_still() {
                    self.resume_next(0);
                }
            }
            Phase::Resuming(at) => self.check_resumed(at),
        }
        self.help_waiting(now);
        let late = now > self.course.until && self.course.until > Timestamp::default();
        if late && self.course.stage != Phase::Founding && self.course.stage != Phase::Playing {
            let stage = self.course.stage;
            let mut world = self.world.lock();
            let open = world.describe_open();
            world
                .oracle
                .breaks("liveness", format!("{stage:?} does not end: {open}"));
            // Also when that is not what is looked for.
            self.course.over = true;
        }
        let span = Duration::from_millis(700);
        self.world.lock().after(span, Event::Look);
    }

    /// Takes away what could hold executions for ever, and what would start new ones.
    fn mend(&mut self, good: bool) {
        let mut world = self.world.lock();
        // Hosts that are new by an edit are there at once.
        world.raise_hosts();
        let rows = &world.oracle.rows;
        let (edits, mended) = (mend::mend(rows), mend::is_mended(rows));
        let schedules = ask::firing(rows);
        drop(world);
        if !(good && mended) {
            self.insist(true, |by| Input::Edit(EditBatch { by, edits }));
        } else if schedules.is_empty() {
            self.course.stage = Phase::Ending;
        } else {
            let paused = true;
            self.insist(false, |by| Input::PauseSchedules {
                schedules,
                paused,
                by,
            });
        }
    }

    /// Executions may wait for flows that nobody has started for their date, or for an executor that is no more: in the end
    /// somebody does something about it.
    fn help_waiting(&mut self, now: Timestamp) {
        let ending = matches!(self.course.stage, Phase::Ending | Phase::Resuming(_));
        let paused = ask::unpause(&self.world.lock().oracle.rows, String::new()).is_some();
        let patience = Duration::from_secs(if paused { 2 } else { 15 });
        if !ending || now.since(self.course.nudged_at) < patience {
            return;
        }
        let mut world = self.world.lock();
        let active = world.oracle.rows.job_runs.values();
        let waits = !active.into_iter().any(|run| run.state.is_active());
        let by = format!("c{}", world.number());
        let rows = &world.oracle.rows;
        let paused = ask::unpause(rows, by.clone());
        let signed = paused.is_none();
        let start = paused.or_else(|| ask::stop_stranded(rows, by.clone()));
        let ends = self.course.stage == Phase::Ending;
        let started = &mut self.course.started;
        let start = match start {
            None if waits => {
                let start = ask::start_awaited(rows, started, by.clone());
                start.or_else(|| ask::stop_stuck(rows, by.clone()).filter(|_| ends))
            }
            other => other,
        };
        let leader = world.leader();
        drop(world);
        if let (Some(input), Some(process)) = (start, leader) {
            self.course.nudged_at = now;
            let promise = Promise::new(by, signed, &input);
            self.request(process, input, promise, |_| {});
        }
    }

    /// Liveness has a second half: whatever failed or was stopped succeeds once nothing fails any more.
    fn resume_next(&mut self, at: usize) {
        let world = self.world.lock();
        let rows = world.oracle.rows.executions.values();
        let open = rows.filter(|row| row.state != ExecutionState::Succeeded);
        let next = open.map(|row| row.id).nth(at);
        drop(world);
        let Some(execution) = next else {
            self.course.over = true;
            return;
        };
        self.course.stage = Phase::Resuming(at);
        self.course.resumed.push(execution);
        self.insist(true, |by| Input::Resume {
            execution,
            by,
            archived: None,
        });
    }

    fn check_resumed(&mut self, at: usize) {
        let Some(&execution) = self.course.resumed.last() else {
            return;
        };
        let world = self.world.lock();
        let (still, now) = (world.is_still(), world.now);
        let row = world.oracle.rows.executions.get(&execution);
        let state = row.map(|row| row.state);
        drop(world);
        let Some(agreed) = self.answer(now).filter(|_| still) else {
            return;
        };
        if state == Some(ExecutionState::Succeeded) {
            self.resume_next(at);
        } else if agreed {
            let detail = format!("execution {execution} was resumed in peace and is {state:?}");
            self.world.lock().oracle.breaks("liveness", detail);
        } else {
            // Refused, for instance because it would need a job that is newer than it.
            self.resume_next(at + 1);
        }
    }
}

impl World {
    /// Whether nothing is under way any more.
    fn is_still(&self) -> bool {
        let mut live = self.oracle.rows.executions.values();
        let ended = live.all(|row| row.state.is_ended());
        // Those who do not lead answer nobody.
        let leader = self.leader().map(|it| &self.processes[it]);
        let asked = leader.is_none_or(|it| !it.inbox.is_empty());
        let mut backfills = self.oracle.rows.backfills.values();
        let filled = backfills.all(|row| row.state.is_ended());
        let told = self
            .oracle
            .rows
            .alerts
            .values()
            .all(|row| row.closed_at.is_some() && row.escalate_at.is_none());
        ended && filled && told && !asked && self.busy_hosts().is_empty()
    }

    fn busy_hosts(&self) -> Vec<usize> {
        let executors = &self.oracle.rows.executors;
        let is_busy = |&at: &usize| {
            let address = format!("host{at}");
            let defined = executors.values().any(|it| it.address == address);
            !self.hosts[at].is_still(defined)
        };
        (0..self.hosts.len()).filter(is_busy).collect()
    }

    /// What has not come to its end, and what it may wait for.
    fn describe_open(&self) -> String {
        let rows = &self.oracle.rows;
        let mut text = String::new();
        let open = rows.executions.values().filter(|row| !row.state.is_ended());
        for execution in open {
            let (id, state, date) = (execution.id, execution.state, execution.data_date);
            let trigger = execution.trigger;
            text += &format!("\nexecution {id} for {date} by {trigger:?} is {state}:");
            let runs = rows.flow_runs.values();
            for run in runs.filter(|run| run.execution == id) {
                text += &format!("\n  flow {} is {}", run.flow, run.state);
            }
            let runs = rows.job_runs.values();
            for run in runs.filter(|run| run.execution == id && !run.state.is_settled()) {
                let job = rows.job_of(run);
                let ties = job.map(|job| job.dependencies.clone());
                let (run_id, met) = (run.id, run.met_outside);
                text += &format!(
                    "\n  job run {run_id} of {} is {}, {met:b} of {ties:?}",
                    run.job, run.state
                );
            }
        }
        let alerts = rows.alerts.values();
        for alert in alerts.filter(|row| row.closed_at.is_none() || row.escalate_at.is_some()) {
            text += &format!("\n{alert:?}");
        }
        for at in self.busy_hosts() {
            text += &format!("\nhost {at} holds {:?}", self.hosts[at].held());
        }
        text
    }
}
