//! A run: schedulers as futures that one loop polls, event by event, until all is over.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        Change, EditBatch, Engine, ExecutionState, Input, Rejected, Settings, Snapshot, Step,
        Violation,
    },
    id::ExecutionId,
    port::{Inbox, Observer, Request},
    replay::{Mark, Record},
    scheduler::{Leadership, Scheduler, SchedulerError},
    time::Timestamp,
    workload::SplitMix64,
};

use super::{
    clock::SimClock,
    host::Host,
    invariant::Promise,
    mesh,
    network::SimTransport,
    oracle::Oracle,
    plan::{Act, Command, Fault, Plan, Stage, What},
    sabotage::Sabotage,
    store::SimStore,
    world::{Event, Shared, World},
};

/// How long after the last act everything must have come to its end, at most.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Steps that no run needs: it goes in circles.
const MOST_STEPS: u64 = 1_000_000;
/// Before this the mesh is made, in peace.
const PEACE: Duration = Duration::from_secs(30);

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule that was broken first, if one was: then the run ended there.
    pub violation: Option<Violation>,
    /// A number that stands for all that happened: the same plan gives the same.
    pub trace: u64,
    /// The last things that happened, one a line, with the time in microseconds.
    pub lines: Vec<String>,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
}

/// Plays a plan to its end, and looks at everything on the way.
#[must_use]
pub fn run(plan: &Plan) -> Outcome {
    play(plan, None, None)
}

/// Plays a plan in a world that is broken on purpose, and looks at one rule alone.
#[must_use]
pub fn run_broken(plan: &Plan, sabotage: Sabotage, rule: &'static str) -> Outcome {
    play(plan, Some(sabotage), Some(rule))
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

fn play(plan: &Plan, sabotage: Option<Sabotage>, only: Option<&'static str>) -> Outcome {
    let mut oracle = Oracle::default();
    (oracle.only, oracle.most_running) = (only, plan.settings.max_running);
    let mut world = World::new(plan.seed, plan.processes, plan.hosts, oracle, sabotage);
    for process in 0..plan.processes {
        world.after(
            Duration::from_millis(process as u64),
            Event::Boot { process },
        );
    }
    for (at, act) in plan.acts.iter().enumerate() {
        world.after(PEACE + act.at, Event::Act(at));
    }
    world.after(Duration::ZERO, Event::Look);
    let mut run = Run {
        running: (0..plan.processes).map(|_| None).collect(),
        world: Shared::new(world),
        plan,
        course: Course::default(),
    };
    while !run.course.over && run.world.lock().goes_on() {
        run.step();
    }
    let mut world = run.world.lock();
    let asked: Vec<_> = world
        .processes
        .iter_mut()
        .map(|it| std::mem::take(&mut it.inbox))
        .collect();
    drop(world);
    // Both hold the world; and drop what they were to answer, outside of the lock.
    run.running.clear();
    drop(asked);
    let mut world = run.world.lock();
    let violation = (!world.oracle.found.is_empty()).then(|| world.oracle.found.remove(0));
    let trace = std::mem::take(&mut world.trace);
    Outcome {
        violation,
        trace: trace.hash(),
        lines: trace.into_lines(),
        counts: std::mem::take(&mut world.counts),
    }
}

/// How far a run is.
#[derive(Debug, Default)]
struct Course {
    stage: Phase,
    /// When the present stage must be over.
    until: Timestamp,
    /// How the last question was answered, and when it was asked.
    answer: Arc<Mutex<Option<bool>>>,
    asked_at: Timestamp,
    /// When somebody last started what executions wait for.
    nudged_at: Timestamp,
    /// Executions that were resumed in the end.
    resumed: Vec<ExecutionId>,
    steps: u64,
    over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
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

struct Run<'a> {
    world: Shared,
    running: Vec<Option<Running>>,
    plan: &'a Plan,
    course: Course,
}

impl Run<'_> {
    fn step(&mut self) {
        self.course.steps += 1;
        if self.course.steps == MOST_STEPS {
            let mut world = self.world.lock();
            world
                .oracle
                .breaks("liveness", "it goes round and round".into());
            // Also when that is not what is looked for.
            self.course.over = true;
        }
        let event = self.world.lock().turn();
        match event {
            None => self.course.over = true,
            Some(Event::Look) => self.look(),
            Some(Event::Act(at)) => self.act(at),
            Some(Event::Boot { process }) => self.boot(process),
            Some(event) => self.world.lock().on_event(event),
        }
        for process in 0..self.running.len() {
            self.poll(process);
        }
    }

    fn boot(&mut self, process: usize) {
        let boot = {
            let mut world = self.world.lock();
            let it = &mut world.processes[process];
            if self.running[process].is_some() {
                return;
            }
            it.boot += 1;
            (it.dead, it.dying, it.leaving) = (false, None, false);
            (it.wake, it.looked) = (None, None);
            let boot = it.boot;
            world.note(format_args!("p{process} starts"));
            boot
        };
        let life = Life {
            world: self.world.clone(),
            process,
            boot,
        };
        let settings = self.plan.settings.clone();
        let lease = self.plan.lease;
        self.running[process] = Some(Box::pin(life.live(settings, lease)));
    }

    fn poll(&mut self, process: usize) {
        let Some(running) = &mut self.running[process] else {
            return;
        };
        {
            let mut world = self.world.lock();
            let now = world.now;
            let it = &mut world.processes[process];
            if !it.dead {
                if it.frozen_until > now {
                    return;
                }
                it.wake = None;
            }
        }
        let dead = self.world.lock().processes[process].dead;
        let ended = !dead
            && matches!(
                running
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop())),
                Poll::Ready(())
            );
        let over = ended || self.world.lock().processes[process].dead;
        if over {
            // What it was about to answer is dropped with it, outside of the lock.
            self.running[process] = None;
            let mut world = self.world.lock();
            world.hang_up(process);
            let it = &mut world.processes[process];
            it.dead = true;
            let inbox = std::mem::take(&mut it.inbox);
            let down = it.down;
            world.note(format_args!("p{process} is gone"));
            world.after(down, Event::Boot { process });
            drop(world);
            drop(inbox);
        }
    }

    fn act(&mut self, at: usize) {
        let plan = self.plan;
        let Some(Act { what, .. }) = plan.acts.get(at) else {
            return;
        };
        match what {
            What::Fault(fault) => self.world.lock().break_something(*fault),
            What::Ask {
                process,
                command,
                lots,
            } => self.ask(*process, *command, *lots),
        }
    }

    fn ask(&self, process: Option<usize>, command: Command, lots: u64) {
        let mut world = self.world.lock();
        let by = format!("c{}", world.number());
        let settings = &self.plan.settings;
        let rows = &world.oracle.rows;
        let drawn = mesh::draw_command(
            command,
            &mut SplitMix64::new(lots),
            rows,
            settings,
            by.clone(),
        );
        let Some((input, signed)) = drawn else { return };
        let process = process.or_else(|| world.leader()).unwrap_or_default();
        let process = process.min(self.plan.processes - 1);
        world.note(format_args!("{by} asks p{process}: {command:?}"));
        drop(world);
        let promise = Promise::new(by, signed, &input);
        self.request(process, input, promise, |_| {});
    }

    fn request(
        &self,
        process: usize,
        input: Input,
        promise: Promise,
        told: impl FnOnce(bool) + Send + 'static,
    ) {
        let shared = self.world.clone();
        let mut world = self.world.lock();
        let boot = world.processes[process].boot;
        let answer = move |answer: Result<_, Rejected>| {
            let mut world = shared.lock();
            if !world.speaks(process, boot) {
                return;
            }
            let (by, good) = (&promise.by, answer.is_ok());
            world.note(format_args!("{by} is answered {answer:?}"));
            world.count(if good { "accepted" } else { "refused" });
            world.oracle.answered(&promise, &answer);
            drop(world);
            told(good);
        };
        let request = Request::Command(input, Box::new(answer));
        world.processes[process].inbox.push_back(request);
    }

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
    fn look(&mut self) {
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
            Phase::Mending => match self.answer(now) {
                Some(true) if self.world.lock().is_mended() => {
                    self.course.stage = Phase::Ending;
                }
                Some(_) => {
                    let edits = mesh::mend(&self.world.lock().oracle.rows);
                    // Hosts that are new by then are there at once.
                    self.world.lock().raise_hosts();
                    self.insist(true, |by| Input::Edit(EditBatch { by, edits }));
                }
                None => {}
            },
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

    /// Executions may wait for flows that nobody has started for their date, or for an executor that is no more: in the end
    /// somebody does something about it.
    fn help_waiting(&mut self, now: Timestamp) {
        let ending = matches!(self.course.stage, Phase::Ending | Phase::Resuming(_));
        if !ending || now.since(self.course.nudged_at) < Duration::from_secs(90) {
            return;
        }
        let mut world = self.world.lock();
        let active = world.oracle.rows.job_runs.values();
        let waits = !active.into_iter().any(|run| run.state.is_active());
        let by = format!("c{}", world.number());
        let rows = &world.oracle.rows;
        let stop = mesh::stop_stranded(rows, by.clone());
        let start = stop.or_else(|| mesh::start_awaited(rows, by.clone()).filter(|_| waits));
        let leader = world.leader();
        drop(world);
        if let (Some(input), Some(process)) = (start, leader) {
            self.course.nudged_at = now;
            let promise = Promise::new(by, true, &input);
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
    fn on_event(&mut self, event: Event) {
        match event {
            Event::Tick | Event::Look | Event::Act(_) | Event::Boot { .. } => {}
            Event::Store { ticket, call } => self.on_store(ticket, *call),
            Event::Dial {
                process,
                boot,
                executor,
                dial,
            } => self.on_dial(process, boot, executor, dial),
            Event::Hail { conn } => self.on_hail(conn),
            Event::Down { conn, order } => self.on_down(conn, *order),
            Event::Up { conn, report } => self.on_up(conn, *report),
            Event::Notice { conn } => self.on_notice(conn),
            Event::HostNotice { conn } => self.on_host_notice(conn),
            Event::Begin {
                host,
                life,
                attempt,
            } => self.on_begin(host, life, attempt),
            Event::End {
                host,
                life,
                attempt,
            } => self.on_end(host, life, attempt),
            Event::Killed {
                host,
                life,
                attempt,
            } => self.on_killed(host, life, attempt),
            Event::HostBoot { host } => self.hosts[host].up = true,
            Event::EndDrain { host } => self.end_drain(host),
        }
    }

    /// Who leads, as far as the store knows.
    fn leader(&self) -> Option<usize> {
        let tables = self.store.lock();
        let holder = &tables.lease.as_ref()?.holder;
        holder.strip_prefix('p')?.parse().ok()
    }

    fn break_something(&mut self, fault: Fault) {
        self.note(format_args!("{fault:?}"));
        match fault {
            Fault::Crash {
                process,
                stage,
                down,
            } => {
                let it = &mut self.processes[process];
                if it.dead {
                    return;
                }
                it.down = down;
                if stage == Stage::Now {
                    it.die();
                    self.count("crash anywhere");
                } else {
                    it.dying = Some(stage);
                }
            }
            Fault::Leave { process, down } => {
                let it = &mut self.processes[process];
                (it.leaving, it.down) = (true, down);
                self.count("leave");
            }
            Fault::Freeze { process, span } => {
                let until = self.now.after(span);
                self.processes[process].frozen_until = until;
                self.at(until, Event::Tick);
                self.count("freeze");
            }
            Fault::ClockJump { process, millis } => {
                let it = &mut self.processes[process];
                it.ahead = it.ahead.saturating_add(millis.saturating_mul(1_000));
                self.count("clock jump");
            }
            Fault::StoreFails { fate, calls } => {
                self.fates.extend((0..calls).map(|_| fate));
            }
            Fault::StoreSlow { span } => {
                self.slow_until = self.now.after(span);
                self.count("store slow");
            }
            Fault::Break { process, host } => self.break_lines(process, host),
            Fault::Cut {
                process,
                host,
                span,
            } => self.cut(process, host, span),
            Fault::HostCrash {
                host,
                jobs_die,
                down,
            } => self.host_dies(host, jobs_die, down),
            Fault::Drain { host, span } => {
                self.drain(host, span);
                self.after(span, Event::EndDrain { host });
            }
            Fault::Echo { host, reports } => self.echo(host, reports),
        }
    }

    /// Whether no rule is broken and nobody has given up.
    fn goes_on(&self) -> bool {
        self.oracle.found.is_empty() && !self.hopeless
    }

    /// All faults end.
    fn heal(&mut self) {
        self.note(format_args!("all faults end"));
        self.healed = true;
        self.fates.clear();
        self.slow_until = Timestamp::MIN;
        self.mend_cuts();
        for it in &mut self.processes {
            (it.dying, it.frozen_until) = (None, Timestamp::MIN);
        }
        for host in 0..self.hosts.len() {
            self.hosts[host].up = true;
            self.end_drain(host);
        }
    }

    /// Hosts for all executors that are defined.
    fn raise_hosts(&mut self) {
        while self.hosts.len() < 102 {
            self.hosts.push(Host::new());
        }
    }

    fn is_mended(&self) -> bool {
        let executors = &self.oracle.rows.executors;
        !executors.is_empty() && executors.values().all(|it| it.enabled && it.slots == 8)
    }

    /// Whether nothing is under way any more.
    fn is_still(&self) -> bool {
        let mut live = self.oracle.rows.executions.values();
        let ended = live.all(|row| row.state.is_ended());
        // Those who do not lead answer nobody.
        let leader = self.leader().map(|it| &self.processes[it]);
        let asked = leader.is_none_or(|it| !it.inbox.is_empty());
        let mut backfills = self.oracle.rows.backfills.values();
        let filled = backfills.all(|row| row.state.is_ended());
        ended && filled && !asked && self.busy_hosts().is_empty()
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

    fn describe_open(&self) -> String {
        let rows = &self.oracle.rows;
        let executions = rows.executions.values();
        let executions = executions.filter(|row| !row.state.is_ended());
        let executions: Vec<_> = executions.map(|row| (row.id, row.state)).collect();
        let runs = rows.job_runs.values();
        let runs = runs.filter(|row| row.state.is_active());
        let runs: Vec<_> = runs.map(|row| (row.id, row.state)).collect();
        let busy = self.busy_hosts().into_iter();
        let busy: Vec<_> = busy.map(|at| (at, self.hosts[at].held())).collect();
        format!("{executions:?} {runs:?} hosts {busy:?}")
    }
}

/// One life of a scheduler's process.
struct Life {
    world: Shared,
    process: usize,
    boot: u64,
}

impl Life {
    async fn live(self, settings: Settings, lease: Duration) {
        let (world, process, boot) = (self.world.clone(), self.process, self.boot);
        loop {
            let store = SimStore {
                world: world.clone(),
                process,
                boot,
            };
            let transport = SimTransport {
                world: world.clone(),
                process,
                boot,
            };
            let clock = SimClock {
                world: world.clone(),
                process,
            };
            let watch = Watch(world.clone(), process);
            let leadership = Leadership {
                holder: format!("p{process}"),
                ttl: lease,
            };
            let opening =
                Scheduler::open(store, transport, clock, watch, settings.clone(), leadership);
            let mut scheduler = match opening.await {
                Ok(scheduler) => scheduler,
                Err(SchedulerError::Fenced) => continue,
                Err(error) => return self.gives_up(&error),
            };
            self.look(scheduler.engine());
            let mut inbox = SimInbox(world.clone(), process);
            loop {
                match scheduler.turn(&mut inbox).await {
                    Ok(true) => self.look(scheduler.engine()),
                    Ok(false) => {
                        // The end of a run gives the lease back.
                        let _ = scheduler.run(&mut inbox).await;
                        return;
                    }
                    Err(SchedulerError::Fenced) => {
                        let mut world = world.lock();
                        world.count("leader deposed");
                        world.note(format_args!("p{process} leads no more"));
                        break;
                    }
                    Err(error) => return self.gives_up(&error),
                }
            }
        }
    }

    fn look(&self, engine: &Engine) {
        let mut world = self.world.lock();
        if world.lives(self.process, self.boot) {
            world.check_engine(self.process, engine);
            world.count("turn");
        }
    }

    /// Nothing that a plan does is a reason to give up.
    fn gives_up(&self, error: &SchedulerError<super::store::SimError>) {
        let mut world = self.world.lock();
        let detail = format!("p{} gives up: {error:?}", self.process);
        world.oracle.breaks("liveness", detail);
        world.hopeless = true;
    }
}

struct Watch(Shared, usize);

impl Watch {
    /// `replay`: all that goes into an engine goes into its recording too, which must make the same.
    fn record(&self, record: Record) {
        let mut world = self.0.lock();
        let played = world.processes[self.1].player.play(record);
        if let Err(error) = played {
            world.oracle.breaks("replay", error.to_string());
        }
    }
}

impl Observer for Watch {
    fn committed(&self, _: Timestamp, _: &[Change]) {}

    fn loaded(&self, at: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        let (settings, snapshot) = (settings.clone(), Box::new(snapshot.clone()));
        self.record(Record::Loaded {
            at,
            settings,
            snapshot,
        });
    }

    fn applying(&self, at: Timestamp, input: &Input) {
        let forgets = self.0.lock().sabotage == Some(Sabotage::RecordingForgetsReports);
        if !(forgets && matches!(input, Input::Report { .. })) {
            let input = Box::new(input.clone());
            self.record(Record::Input { at, input });
        }
    }

    fn applied(&self, outcome: &Result<Step, Rejected>) {
        let mark = Mark::of(outcome);
        self.record(Record::Outcome { mark });
    }

    fn refused(&self, rejected: &Rejected) {
        let mut world = self.0.lock();
        world.note(format_args!("a report is refused: {rejected}"));
        world.count("report refused");
    }

    fn unreadable(&self, execution: ExecutionId, error: &dyn std::error::Error) {
        let detail = format!("execution {execution} cannot be read: {error}");
        self.0.lock().oracle.breaks("liveness", detail);
    }
}

struct SimInbox(Shared, usize);

#[async_trait]
impl Inbox for SimInbox {
    async fn recv(&mut self) -> Option<Request> {
        Next(self).await
    }
}

struct Next<'a>(&'a SimInbox);

impl Future for Next<'_> {
    type Output = Option<Request>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Request>> {
        let SimInbox(world, process) = self.0;
        let mut world = world.lock();
        let it = &mut world.processes[*process];
        match it.inbox.pop_front() {
            Some(request) => Poll::Ready(Some(request)),
            None if it.leaving => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
