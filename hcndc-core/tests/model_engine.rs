//! The engine against a slow, obvious twin: random meshes, random inputs, also senseless ones, and after each
//! step everything that must hold.
//!
//! `HCNDC_TEST_SEED=n` plays one seed again, `HCNDC_TEST_SLOW=1` plays many more cases, `HCNDC_TEST_CASES=n` so many.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "support/twin_runs.rs"]
mod runs;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/store.rs"]
mod store;
#[path = "support/twin.rs"]
mod twin;
#[path = "support/twin_backfill.rs"]
mod twin_backfill;
#[path = "support/twin_firing.rs"]
mod twin_firing;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hcndc_core::{
    engine::{
        BackfillRequest, EditBatch, Effect, End, EndCause, Engine, Held, HostFigures, Input,
        JobRunState, Order, Rejected, Report, Settings, SettledAs, Start, Step, TriggerKind,
    },
    id::{AttemptId, BackfillId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId, ScheduleId},
    model::{
        Condition, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, FlowDraft, FlowRef, JobDraft,
        JobRef, Missed, Overlap, PlacementDraft, PoolDraft, PoolRef, Retry, ScheduleDraft,
        TriggerDraft,
    },
    time::{DataDate, Timestamp},
    trigger::{Timing, interval::Interval},
};
use proptest::prelude::*;

use self::{store::Store, twin::Twin};

fn config(cases: u32) -> ProptestConfig {
    seeds::config(
        "model_engine",
        cases,
        40,
        Some("proptest-regressions/model_engine.txt"),
    )
}

/// An executor as the test plays it: it runs nothing, and forgets what it is told to forget.
#[derive(Clone, Debug, Default)]
struct Hand {
    connected: bool,
    held: BTreeMap<AttemptId, Held>,
    /// All that it ever ran: the same attempt never runs twice.
    known: BTreeSet<AttemptId>,
}

struct World {
    engine: Engine,
    store: Store,
    twin: Twin,
    hands: BTreeMap<ExecutorId, Hand>,
    now: Timestamp,
    /// Answers of jobs follow from their names and attempts, not from the inputs.
    steady: bool,
}

fn end(cause: EndCause, now: Timestamp) -> End {
    End {
        cause,
        started_at: None,
        ended_at: now,
        peak_memory_bytes: 1,
        cpu_time: Duration::ZERO,
        log_bytes: 2,
    }
}

impl World {
    fn new(steady: bool) -> Self {
        Self {
            engine: Engine::default(),
            store: Store::default(),
            twin: Twin::default(),
            hands: BTreeMap::new(),
            now: Timestamp::from_micros(1_000_000),
            steady,
        }
    }

    /// Gives the engine one input, and looks at everything.
    fn send(&mut self, input: Input) -> Result<Step, Rejected> {
        let before = self.engine.snapshot();
        let told = input.clone();
        let step = match self.engine.apply(self.now, input) {
            Ok(step) => step,
            Err(refused) => {
                assert_eq!(
                    self.engine.snapshot(),
                    before,
                    "{refused} changed something"
                );
                assert_eq!(self.engine.check(), []);
                return Err(refused);
            }
        };
        self.store.apply(&step.changes);
        assert_eq!(self.engine.check(), [], "after {told:?}");
        let stored = self.store.snapshot(self.engine.next_id());
        assert_eq!(stored, self.engine.snapshot(), "after {told:?}");
        self.twin.follow(self.now, &told, &step, &self.store);
        let due = self.engine.next_wakeup();
        assert!(due.is_none_or(|due| due > self.now), "nothing due is left");
        self.explain_everything();
        self.carry_out(&step);
        Ok(step)
    }

    /// R11: whoever waits is told for what.
    fn explain_everything(&self) {
        for id in self.twin.live() {
            for row in self
                .store
                .job_runs
                .values()
                .filter(|row| row.execution == id)
            {
                let explained = self.engine.explain(row.id).expect("it is live");
                assert_eq!(explained.state, row.state);
                let waits = matches!(
                    row.state,
                    JobRunState::Blocked | JobRunState::Queued | JobRunState::RetryWait
                );
                let stopping = self.store.executions[&id].stopped_by.is_some();
                let expected = waits || (stopping && !row.state.is_settled());
                assert_eq!(
                    !explained.holds.is_empty(),
                    expected,
                    "{row:?}: {explained:?}"
                );
            }
        }
    }

    fn carry_out(&mut self, step: &Step) {
        for effect in &step.effects {
            match effect {
                Effect::Connect(executor) => {
                    self.hands.entry(executor.id).or_default();
                }
                Effect::Disconnect(executor) => {
                    self.hands.remove(executor);
                }
                Effect::Notify(_) => {}
                Effect::Tell { executor, order } => {
                    let hand = self.hands.get_mut(executor).expect("a known executor");
                    if !hand.connected {
                        continue;
                    }
                    match order {
                        Order::Run(run) => {
                            if hand.known.insert(run.attempt) {
                                let (attempt, started) = (run.attempt, None);
                                let held = Held {
                                    attempt,
                                    started,
                                    end: None,
                                };
                                hand.held.insert(attempt, held);
                            }
                        }
                        Order::Kill { attempt, .. } => {
                            // Steady worlds obey at once, others when they are told to.
                            if self.steady
                                && let Some(held) = hand.held.get_mut(attempt)
                            {
                                held.end
                                    .get_or_insert_with(|| end(EndCause::Killed, self.now));
                            }
                        }
                        Order::Ack { attempt } => {
                            hand.held.remove(attempt);
                        }
                    }
                }
            }
        }
    }

    fn report(&mut self, executor: ExecutorId, report: Report) {
        let refused = self.send(Input::Report { executor, report }).err();
        let known = self.store.executors.contains_key(&executor);
        assert_eq!(
            refused,
            (!known).then_some(Rejected::UnknownExecutor { executor })
        );
    }

    fn hello(&mut self, executor: ExecutorId, mut held: Vec<Held>) {
        if let Some(hand) = self.hands.get_mut(&executor) {
            hand.connected = true;
            held.extend(hand.held.values().cloned());
        }
        let version = "1".into();
        self.report(executor, Report::Hello { version, held });
    }

    /// All attempts that executors hold.
    fn held(&self) -> Vec<(ExecutorId, AttemptId)> {
        self.hands
            .iter()
            .flat_map(|(id, hand)| hand.held.keys().map(|attempt| (*id, *attempt)))
            .collect()
    }

    fn start_attempt(&mut self, executor: ExecutorId, attempt: AttemptId) {
        let (now, hand) = (self.now, self.hands.get_mut(&executor).unwrap());
        let held = hand.held.get_mut(&attempt).unwrap();
        if held.end.is_some() {
            return;
        }
        held.started.get_or_insert((7, now));
        if hand.connected {
            let (pid, at) = (7, now);
            self.report(executor, Report::Started { attempt, pid, at });
        }
    }

    fn finish_attempt(&mut self, executor: ExecutorId, attempt: AttemptId, cause: EndCause) {
        let (now, hand) = (self.now, self.hands.get_mut(&executor).unwrap());
        let held = hand.held.get_mut(&attempt).unwrap();
        let end = held.end.get_or_insert_with(|| end(cause, now)).clone();
        if hand.connected {
            self.report(executor, Report::Finished { attempt, end });
        }
    }

    /// What a job comes to in a steady world.
    fn steady_end(&self, attempt: AttemptId) -> EndCause {
        let Some(row) = self.store.attempts.get(&attempt) else {
            return EndCause::Exited(0);
        };
        let run = &self.store.job_runs[&row.job_run];
        let its = &self.store.executions[&row.execution];
        let salt = format!("{} {} {}", run.job, its.data_date, row.number);
        let sum = salt.bytes().fold(7u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        EndCause::Exited(if sum % 3 == 0 { 1 } else { 0 })
    }

    /// The scheduler dies, and another goes on from what is stored. Executors notice nothing but a broken connection.
    fn reload(&mut self) {
        let snapshot = self.store.snapshot(self.engine.next_id());
        let settings = self.engine.settings().clone();
        self.engine = Engine::load(self.now, settings, snapshot.clone()).expect("stored rows fit");
        assert_eq!(self.engine.snapshot(), snapshot);
        assert_eq!(self.engine.check(), []);
        self.twin.reload(self.now);
        for hand in self.hands.values_mut() {
            hand.connected = false;
        }
        for effect in self.engine.connections() {
            assert!(matches!(effect, Effect::Connect(_)));
        }
    }

    /// Lets time pass; whatever is due on the way gets its moment.
    fn advance(&mut self, by: Duration) {
        let then = self.now.after(by);
        while let Some(at) = self.engine.next_wakeup().filter(|at| *at <= then) {
            self.now = self.now.max(at);
            self.send(Input::Wake).unwrap();
        }
        self.now = then;
        self.send(Input::Wake).unwrap();
    }

    /// All faults end: executors come back, what runs ends, what waits for a time gets it. Then everything must end,
    /// but for what has a reason not to.
    fn drain(&mut self) {
        // Schedules would go on for ever.
        for id in self.schedule_ids() {
            let (definition, version) = (id.into(), None);
            self.edit(vec![Edit::Delete {
                definition,
                version,
            }])
            .unwrap();
        }
        for executor in self.hands.keys().copied().collect::<Vec<_>>() {
            self.hello(executor, vec![]);
        }
        for execution in self.twin.live() {
            if self.store.executions[&execution].paused_by.is_some() {
                let by = "bob".into();
                self.send(Input::Unpause { execution, by }).unwrap();
            }
        }
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 100_000, "it never ends");
            if let Some(&(executor, attempt)) = self.held().first() {
                let cause = if self.steady {
                    self.steady_end(attempt)
                } else {
                    EndCause::Exited(0)
                };
                self.finish_attempt(executor, attempt, cause);
            } else if let Some(at) = self.engine.next_wakeup() {
                self.now = self.now.max(at);
                self.send(Input::Wake).unwrap();
            } else {
                break;
            }
        }
        let (_, _, attempts) = self.engine.load_figures();
        assert_eq!(attempts, 0);
        self.explain_everything();
    }
}

// ---------------------------------------------------------------------------------------------------------------
// What is drawn.

/// Prints on one line, however large.
macro_rules! brief {
    ($($name:ident => $inner:ty),*) => {$(
        #[derive(Clone)]
        struct $name($inner);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    )*};
}

brief!(Mesh => Plan, Play => Op);

#[derive(Clone, Debug)]
struct JobPlan {
    flow: u8,
    enabled: bool,
    /// Which job, what end, which date, with what limit.
    dependencies: Vec<(u8, u8, u8, u8)>,
    slots: u32,
    priority: i32,
    placement: u8,
    retries: u32,
    delay: u64,
    codes: Vec<u8>,
    /// Which pool, if there is one, and how much of it.
    pool: (u8, u32),
}

#[derive(Clone, Debug)]
struct FlowPlan {
    enabled: bool,
    parents: Vec<u8>,
    priority: i32,
    max_runs: Option<u32>,
    /// Seconds.
    timeout: Option<u64>,
    restarts: (u32, u64),
}

#[derive(Clone, Debug)]
struct SchedulePlan {
    flow: u8,
    every: u64,
    grace: u64,
    catch_up: bool,
    skip: bool,
    instances: u32,
}

#[derive(Clone, Debug)]
struct HostPlan {
    slots: u32,
    gpu: bool,
    enabled: bool,
}

#[derive(Clone, Debug)]
struct Plan {
    flows: Vec<FlowPlan>,
    jobs: Vec<JobPlan>,
    hosts: Vec<HostPlan>,
    /// Slots of each.
    pools: Vec<u32>,
    max_running: u32,
}

#[derive(Clone, Debug)]
enum Op {
    Start {
        flows: Vec<u8>,
        downstream: bool,
        date: u8,
        only: Vec<u8>,
        how: u8,
    },
    Pause(u8),
    Unpause(u8),
    Kill(u8),
    Settle(u8, Vec<u8>, bool),
    Reset(u8),
    Stop(u8),
    Resume(u8),
    Rerun(u8, Vec<u8>),
    Hello(u8),
    /// The connection breaks; what had not begun there is lost, or everything is.
    Break(u8, u8),
    Begin(u8),
    Finish(u8, u8),
    Advance(u16),
    WakeUp,
    Configure(u8),
    EditJob(u8, JobPlan),
    DeleteJob(u8),
    AddJob(JobPlan),
    EditFlow(u8, FlowPlan),
    EditHost(u8, HostPlan),
    EditPool(u8, u32),
    DeleteHost(u8),
    Reload,
    Backfill {
        flow: u8,
        downstream: bool,
        from: u8,
        days: u8,
        parallel: u8,
    },
    PutSchedule(u8, SchedulePlan),
    PauseSchedule(u8, bool),
    RunSchedule(u8),
    DeleteSchedule(u8),
    StopBackfill(u8),
    RestartBackfill(u8),
    Nonsense(u8, u8, u8),
}

fn job_plan() -> impl Strategy<Value = JobPlan> {
    (
        any::<u8>(),
        prop::bool::weighted(0.9),
        prop::collection::vec((any::<u8>(), 0u8..10, 0u8..8, 0u8..4), 0..4),
        prop_oneof![6 => Just(1u32), 2 => 2u32..=4],
        prop_oneof![3 => Just(0i32), 1 => -2i32..3],
        0u8..12,
        (prop_oneof![2 => Just(0u32), 1 => 1u32..3], 0u64..5),
        (
            prop_oneof![3 => Just(vec![0u8]), 1 => Just(vec![0, 3])],
            (0u8..6, 1u32..4),
        ),
    )
        .prop_map(
            |(
                flow,
                enabled,
                dependencies,
                slots,
                priority,
                placement,
                (retries, delay),
                (codes, pool),
            )| {
                JobPlan {
                    flow,
                    enabled,
                    dependencies,
                    slots,
                    priority,
                    placement,
                    retries,
                    delay,
                    codes,
                    pool,
                }
            },
        )
}

fn flow_plan() -> impl Strategy<Value = FlowPlan> {
    (
        prop::bool::weighted(0.9),
        prop::collection::vec(any::<u8>(), 0..3),
        -1i32..2,
        prop_oneof![4 => Just(None), 1 => (1u32..3).prop_map(Some)],
        prop_oneof![4 => Just(None), 1 => (3u64..30).prop_map(Some)],
        prop_oneof![3 => Just((0, 0)), 1 => (1u32..3, 0u64..8)],
    )
        .prop_map(
            |(enabled, parents, priority, max_runs, timeout, restarts)| FlowPlan {
                enabled,
                parents,
                priority,
                max_runs,
                timeout,
                restarts,
            },
        )
}

fn host_plan() -> impl Strategy<Value = HostPlan> {
    (1u32..6, any::<bool>(), prop::bool::weighted(0.9)).prop_map(|(slots, gpu, enabled)| HostPlan {
        slots,
        gpu,
        enabled,
    })
}

fn plan() -> impl Strategy<Value = Mesh> {
    (
        prop::collection::vec(flow_plan(), 1..5),
        prop::collection::vec(job_plan(), 0..14),
        prop::collection::vec(host_plan(), 1..4),
        prop::collection::vec(1u32..5, 0..3),
        prop_oneof![3 => Just(1000u32), 1 => 1u32..5],
    )
        .prop_map(|(flows, jobs, hosts, pools, max_running)| {
            Mesh(Plan {
                flows,
                jobs,
                hosts,
                pools,
                max_running,
            })
        })
}

fn schedule_plan() -> impl Strategy<Value = SchedulePlan> {
    (
        any::<u8>(),
        1u64..40,
        0u64..100,
        any::<bool>(),
        any::<bool>(),
        1u32..4,
    )
        .prop_map(
            |(flow, every, grace, catch_up, skip, instances)| SchedulePlan {
                flow,
                every,
                grace,
                catch_up,
                skip,
                instances,
            },
        )
}

fn op() -> impl Strategy<Value = Play> {
    let some = any::<u8>;
    prop_oneof![
        4 => (prop::collection::vec(some(), 1..3), any::<bool>(), 0u8..3, some())
            .prop_map(|(flows, downstream, date, how)| Op::Start { flows, downstream, date, only: vec![], how }),
        1 => (prop::collection::vec(some(), 0..2), any::<bool>(), 0u8..2, prop::collection::vec(some(), 1..5))
            .prop_map(|(flows, downstream, date, only)| Op::Start { flows, downstream, date, only, how: 0 }),
        1 => some().prop_map(Op::Pause),
        2 => some().prop_map(Op::Unpause),
        1 => some().prop_map(Op::Kill),
        3 => (some(), prop::collection::vec(some(), 1..3), any::<bool>())
            .prop_map(|(at, runs, how)| Op::Settle(at, runs, how)),
        1 => some().prop_map(Op::Reset),
        1 => some().prop_map(Op::Stop),
        3 => some().prop_map(Op::Resume),
        2 => (some(), prop::collection::vec(some(), 1..3)).prop_map(|(at, from)| Op::Rerun(at, from)),
        3 => some().prop_map(Op::Hello),
        1 => (some(), some()).prop_map(|(at, how)| Op::Break(at, how)),
        8 => some().prop_map(Op::Begin),
        16 => (some(), some()).prop_map(|(at, how)| Op::Finish(at, how)),
        2 => (0u16..90).prop_map(Op::Advance),
        2 => Just(Op::WakeUp),
        1 => some().prop_map(Op::Configure),
        1 => (some(), job_plan()).prop_map(|(at, plan)| Op::EditJob(at, plan)),
        1 => some().prop_map(Op::DeleteJob),
        1 => job_plan().prop_map(Op::AddJob),
        1 => (some(), flow_plan()).prop_map(|(at, plan)| Op::EditFlow(at, plan)),
        1 => (some(), host_plan()).prop_map(|(at, plan)| Op::EditHost(at, plan)),
        1 => (some(), 1u32..6).prop_map(|(at, slots)| Op::EditPool(at, slots)),
        1 => some().prop_map(Op::DeleteHost),
        1 => Just(Op::Reload),
        2 => (some(), any::<bool>(), 0u8..4, 0u8..5, 0u8..4).prop_map(
            |(flow, downstream, from, days, parallel)| Op::Backfill { flow, downstream, from, days, parallel }
        ),
        2 => (some(), schedule_plan()).prop_map(|(at, plan)| Op::PutSchedule(at, plan)),
        2 => (some(), any::<bool>()).prop_map(|(at, paused)| Op::PauseSchedule(at, paused)),
        1 => some().prop_map(Op::RunSchedule),
        1 => some().prop_map(Op::DeleteSchedule),
        1 => some().prop_map(Op::StopBackfill),
        2 => some().prop_map(Op::RestartBackfill),
        2 => (some(), some(), some()).prop_map(|(what, at, id)| Op::Nonsense(what, at, id)),
    ]
    .prop_map(Play)
}

fn date(at: u8) -> DataDate {
    format!("2026-11-{:02}", 20 + at % 3).parse().unwrap()
}

fn pick<T: Copy>(from: &[T], at: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[at as usize % from.len()])
}

impl World {
    fn flow_ids(&self) -> Vec<FlowId> {
        self.store.flows.keys().copied().collect()
    }

    fn job_ids(&self) -> Vec<JobId> {
        self.store.jobs.keys().copied().collect()
    }

    fn executor_ids(&self) -> Vec<ExecutorId> {
        self.store.executors.keys().copied().collect()
    }

    fn execution_ids(&self) -> Vec<ExecutionId> {
        self.store.executions.keys().copied().collect()
    }

    fn flow_draft(&self, plan: &FlowPlan, name: String, others: &[FlowId]) -> FlowDraft {
        let parents: BTreeSet<_> = plan
            .parents
            .iter()
            .filter_map(|at| pick(others, *at))
            .collect();
        FlowDraft {
            enabled: plan.enabled,
            priority: plan.priority,
            max_runs: plan.max_runs,
            // No end of a lease and no retry comes at the same moment.
            timeout: plan
                .timeout
                .map(|seconds| Duration::from_micros(seconds * 1_000_000 + 170_007)),
            restart_retries: plan.restarts.0,
            restart_delay: Duration::from_secs(plan.restarts.1),
            parents: parents.into_iter().map(FlowRef::Id).collect(),
            ..FlowDraft::new(name)
        }
    }

    fn job_draft(&self, plan: &JobPlan, flow: FlowId, name: String, others: &[JobId]) -> JobDraft {
        let mut dependencies = BTreeMap::new();
        for &(at, how, day, limit) in &plan.dependencies {
            let condition = match how {
                0 => Condition::Failure,
                1 => Condition::Done,
                _ => Condition::Success,
            };
            let offset_days = match day {
                0 => -1,
                1 => 1,
                _ => 0,
            };
            // No end of a lease and no retry comes at the same moment.
            let wait_limit = match limit {
                0 => Some(Duration::from_micros(7_770_001)),
                1 => Some(Duration::from_micros(31_310_003)),
                _ => None,
            };
            if let Some(job) = pick(others, at) {
                let dependency = DependencyDraft {
                    offset_days,
                    wait_limit,
                    ..DependencyDraft::new(JobRef::Id(job), condition)
                };
                dependencies.insert((job, offset_days), dependency);
            }
        }
        let executors = self.executor_ids();
        let placement = match (plan.placement, pick(&executors, plan.flow)) {
            (0, Some(executor)) => PlacementDraft::Executor(ExecutorRef::Id(executor)),
            (1 | 2, _) => PlacementDraft::Labels([("gpu".into(), "yes".into())].into()),
            _ => PlacementDraft::Any,
        };
        let dependencies = dependencies.into_values();
        let pools: Vec<_> = self.store.pools().collect();
        let pool = pools.get(usize::from(plan.pool.0));
        let pool_slots = pool.map_or(1, |pool| plan.pool.1.min(pool.slots));
        JobDraft {
            pool: pool.map(|pool| PoolRef::Id(pool.id)),
            pool_slots,
            enabled: plan.enabled,
            priority: plan.priority,
            dependencies: dependencies.collect(),
            placement,
            slots: plan.slots,
            success_codes: plan.codes.clone(),
            retry: Retry {
                max: plan.retries,
                delay: Duration::from_secs(plan.delay),
                backoff_permille: 2000,
                cap: Some(Duration::from_secs(30)),
            },
            ..JobDraft::new(FlowRef::Id(flow), name, "true")
        }
    }

    fn host_draft(plan: &HostPlan, name: String) -> ExecutorDraft {
        let address = format!("{name}:1");
        let mut draft = ExecutorDraft::new(name, address, plan.slots);
        if plan.gpu {
            draft.labels.insert("gpu".into(), "yes".into());
        }
        draft.enabled = plan.enabled;
        draft
    }

    fn edit(&mut self, edits: Vec<Edit>) -> Result<Step, Rejected> {
        let by = "ann".into();
        self.send(Input::Edit(EditBatch { by, edits }))
    }

    /// Makes what is planned; what would make a cycle waits for nothing instead.
    fn build(&mut self, plan: &Plan) {
        let settings = Settings {
            max_running: plan.max_running,
            ..Settings::default()
        };
        self.send(Input::Configure(settings)).unwrap();
        for (at, host) in plan.hosts.iter().enumerate() {
            let draft = Self::host_draft(host, format!("host{at}"));
            self.edit(vec![Edit::PutExecutor(draft)]).unwrap();
        }
        for (at, slots) in plan.pools.iter().enumerate() {
            let draft = PoolDraft::new(format!("pool{at}"), *slots);
            self.edit(vec![draft.into()]).unwrap();
        }
        for (at, flow) in plan.flows.iter().enumerate() {
            let draft = self.flow_draft(flow, format!("flow{at}"), &self.flow_ids());
            self.edit(vec![Edit::PutFlow(draft)]).unwrap();
        }
        for job in &plan.jobs {
            self.add_job(job);
        }
    }

    fn add_job(&mut self, plan: &JobPlan) {
        let Some(flow) = pick(&self.flow_ids(), plan.flow) else {
            return;
        };
        let name = format!("job{}", self.engine.next_id());
        let mut draft = self.job_draft(plan, flow, name, &self.job_ids());
        if self.edit(vec![Edit::PutJob(draft.clone())]).is_err() {
            draft.dependencies.clear();
            self.edit(vec![Edit::PutJob(draft)]).unwrap();
        }
    }

    fn schedule_ids(&self) -> Vec<ScheduleId> {
        self.store.schedules().map(|it| it.id).collect()
    }

    fn backfill_ids(&self) -> Vec<BackfillId> {
        self.store.backfills.keys().copied().collect()
    }

    fn play(&mut self, op: &Op) {
        match op {
            Op::Start {
                flows,
                downstream,
                date: at,
                only,
                how,
            } => {
                let ids = self.flow_ids();
                let flows: Vec<_> = flows.iter().filter_map(|at| pick(&ids, *at)).collect();
                let (data_date, by) = (date(*at), String::from("ann"));
                let jobs = self.job_ids();
                let jobs: Vec<_> = only.iter().filter_map(|at| pick(&jobs, *at)).collect();
                let _ = self.send(Input::Start(Start {
                    flows,
                    jobs: (!jobs.is_empty()).then_some(jobs),
                    downstream: *downstream,
                    data_date,
                    params: vec![],
                    trigger: TriggerKind::ALL[*how as usize % TriggerKind::ALL.len()],
                    by,
                }));
            }
            Op::Pause(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Pause { execution, by });
                }
            }
            Op::Unpause(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Unpause { execution, by });
                }
            }
            Op::Kill(at) => {
                let live = self.twin.live();
                let runs = self.store.job_runs.values();
                let runs: Vec<_> = runs
                    .filter(|row| live.contains(&row.execution) && row.state.is_active())
                    .map(|row| row.id)
                    .collect();
                if let Some(job_run) = pick(&runs, *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Kill { job_run, by });
                }
            }
            Op::Settle(at, runs, how) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let its = self.store.job_runs.values();
                    let its: Vec<_> = its
                        .filter(|row| row.execution == execution)
                        .filter(|row| {
                            use JobRunState as S;
                            !matches!(row.state, S::Succeeded | S::Skipped)
                        })
                        .map(|row| row.id)
                        .collect();
                    let job_runs = runs.iter().filter_map(|at| pick(&its, *at)).collect();
                    let settled = if *how {
                        SettledAs::Skipped
                    } else {
                        SettledAs::Succeeded
                    };
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Settle {
                        execution,
                        job_runs,
                        settled,
                        by,
                        archived,
                    });
                }
            }
            Op::Reset(at) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Reset {
                        execution,
                        by,
                        archived,
                    });
                }
            }
            Op::Backfill {
                flow,
                downstream,
                from,
                days,
                parallel,
            } => {
                if let Some(flow) = pick(&self.flow_ids(), *flow) {
                    let from = date(0).plus_days((*from).into()).unwrap();
                    let _ = self.send(Input::Backfill(BackfillRequest {
                        flow,
                        downstream: *downstream,
                        from,
                        to: from.plus_days(i32::from(*days) - 1).unwrap(),
                        parallel: (*parallel).into(),
                        params: vec![],
                        by: "ann".into(),
                    }));
                }
            }
            Op::PutSchedule(at, plan) => {
                if let Some(flow) = pick(&self.flow_ids(), plan.flow) {
                    let every = Duration::from_secs(plan.every);
                    let interval = Interval::new(every, Timestamp::from_micros(0)).unwrap();
                    // One in three is new.
                    let id = pick(&self.schedule_ids(), *at).filter(|_| at % 3 != 0);
                    let name = id.map_or_else(
                        || format!("s{}", self.engine.next_id()),
                        |id| self.engine.schedule(id).unwrap().name.clone(),
                    );
                    let trigger = TriggerDraft::Time(Timing::Interval(interval));
                    let draft = ScheduleDraft {
                        id,
                        misfire_grace: Duration::from_secs(plan.grace),
                        missed: if plan.catch_up {
                            Missed::CatchUp
                        } else {
                            Missed::Coalesce
                        },
                        overlap: if plan.skip {
                            Overlap::Skip
                        } else {
                            Overlap::Queue
                        },
                        max_instances: plan.instances,
                        ..ScheduleDraft::new(name, FlowRef::Id(flow), trigger)
                    };
                    let _ = self.edit(vec![draft.into()]);
                }
            }
            Op::PauseSchedule(at, paused) => {
                if let Some(id) = pick(&self.schedule_ids(), *at) {
                    let (paused, by) = (*paused, "bob".into());
                    let schedules = vec![id];
                    self.send(Input::PauseSchedules {
                        schedules,
                        paused,
                        by,
                    })
                    .unwrap();
                }
            }
            Op::RunSchedule(at) => {
                if let Some(schedule) = pick(&self.schedule_ids(), *at) {
                    let (data_date, by) = (None, "bob".into());
                    let _ = self.send(Input::RunSchedule {
                        schedule,
                        data_date,
                        by,
                    });
                }
            }
            Op::DeleteSchedule(at) => {
                if let Some(id) = pick(&self.schedule_ids(), *at) {
                    let (definition, version) = (id.into(), None);
                    self.edit(vec![Edit::Delete {
                        definition,
                        version,
                    }])
                    .unwrap();
                }
            }
            Op::StopBackfill(at) => {
                if let Some(backfill) = pick(&self.backfill_ids(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::StopBackfill { backfill, by });
                }
            }
            Op::RestartBackfill(at) => {
                if let Some(backfill) = pick(&self.backfill_ids(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::RestartBackfill { backfill, by });
                }
            }
            Op::Stop(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Stop { execution, by });
                }
            }
            Op::Resume(at) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Resume {
                        execution,
                        by,
                        archived,
                    });
                }
            }
            Op::Rerun(at, from) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let runs = self.store.job_runs.values();
                    let runs: Vec<JobRunId> = runs
                        .filter(|row| row.execution == execution)
                        .map(|row| row.id)
                        .collect();
                    let from = from.iter().filter_map(|at| pick(&runs, *at)).collect();
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Rerun {
                        execution,
                        from,
                        by,
                        archived,
                    });
                }
            }
            Op::Hello(at) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    self.hello(executor, vec![]);
                }
            }
            Op::Break(at, how) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    let hand = self.hands.get_mut(&executor).unwrap();
                    hand.connected = false;
                    match how % 4 {
                        0 => hand.held.retain(|_, held| held.started.is_some()),
                        1 if !self.steady => hand.held.clear(),
                        _ => {}
                    }
                    // An order that never arrived can arrive later.
                    hand.known = hand
                        .known
                        .iter()
                        .copied()
                        .filter(|it| hand.held.contains_key(it))
                        .collect();
                    let reason = "broken".into();
                    self.report(executor, Report::Disconnected { reason });
                }
            }
            Op::Begin(at) => {
                if let Some((executor, attempt)) = pick(&self.held(), *at) {
                    self.start_attempt(executor, attempt);
                }
            }
            Op::Finish(at, how) => {
                if let Some((executor, attempt)) = pick(&self.held(), *at) {
                    let cause = match how % 16 {
                        _ if self.steady => self.steady_end(attempt),
                        0 | 1 => EndCause::Exited(1),
                        2 => EndCause::Exited(3),
                        3 => EndCause::Signaled(9),
                        4 => EndCause::TimedOut,
                        5 => EndCause::Killed,
                        6 => EndCause::NotStarted("no such file".into()),
                        7 => EndCause::Lost("restarted".into()),
                        _ => EndCause::Exited(0),
                    };
                    self.finish_attempt(executor, attempt, cause);
                }
            }
            Op::Advance(seconds) => self.advance(Duration::from_secs((*seconds).into())),
            Op::WakeUp => {
                if let Some(at) = self.engine.next_wakeup() {
                    self.now = self.now.max(at);
                    self.send(Input::Wake).unwrap();
                }
            }
            Op::Configure(what) => {
                let settings = Settings {
                    max_running: [1000, 3, 1, 0][*what as usize % 4],
                    executor_lease: Duration::from_secs(if what % 3 == 0 { 5 } else { 60 }),
                    ..Settings::default()
                };
                self.send(Input::Configure(settings)).unwrap();
            }
            Op::EditJob(at, plan) => {
                if let Some(id) = pick(&self.job_ids(), *at) {
                    let old = self.store.jobs[&id].clone();
                    let draft = self.job_draft(plan, old.flow, old.name.clone(), &self.job_ids());
                    let id = Some(id);
                    let _ = self.edit(vec![Edit::PutJob(JobDraft { id, ..draft })]);
                }
            }
            Op::DeleteJob(at) => {
                if let Some(job) = pick(&self.job_ids(), *at) {
                    let _ = self.edit(vec![Edit::DeleteJob { job, version: None }]);
                }
            }
            Op::AddJob(plan) => self.add_job(plan),
            Op::EditFlow(at, plan) => {
                if let Some(id) = pick(&self.flow_ids(), *at) {
                    let name = self.store.flows[&id].0.name.clone();
                    let draft = self.flow_draft(plan, name, &self.flow_ids());
                    let id = Some(id);
                    let _ = self.edit(vec![Edit::PutFlow(FlowDraft { id, ..draft })]);
                }
            }
            Op::EditHost(at, plan) => {
                if let Some(id) = pick(&self.executor_ids(), *at) {
                    let draft = Self::host_draft(plan, self.store.executors[&id].name.clone());
                    let id = Some(id);
                    self.edit(vec![Edit::PutExecutor(ExecutorDraft { id, ..draft })])
                        .unwrap();
                }
            }
            Op::EditPool(at, slots) => {
                let pools: Vec<_> = self.store.pools().collect();
                if let Some(pool) = pick(&pools, *at) {
                    let id = Some(pool.id);
                    let draft = PoolDraft::new(pool.name.clone(), *slots);
                    // Refused if a job takes more.
                    let _ = self.edit(vec![PoolDraft { id, ..draft }.into()]);
                }
            }
            Op::DeleteHost(at) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    let version = None;
                    let _ = self.edit(vec![Edit::DeleteExecutor { executor, version }]);
                }
            }
            Op::Reload => self.reload(),
            Op::Nonsense(what, at, id) => self.nonsense(*what, *at, *id),
        }
    }

    /// What should never come, and does no harm when it comes.
    fn nonsense(&mut self, what: u8, at: u8, id: u8) {
        let attempts: Vec<AttemptId> = self.store.attempts.keys().copied().collect();
        let attempt = pick(&attempts, id).unwrap_or_else(|| AttemptId(u64::from(id) * 1000));
        let executor = pick(&self.executor_ids(), at).unwrap_or(ExecutorId(999_999));
        let execution = pick(&self.execution_ids(), at).unwrap_or(ExecutionId(999_999));
        let (by, now) = (String::from("eve"), self.now);
        match what % 10 {
            0 => self.report(
                ExecutorId(999_999),
                Report::Heartbeat(HostFigures::default()),
            ),
            1 => self.report(executor, Report::Heartbeat(HostFigures::default())),
            2 => {
                let (pid, at) = (0, now);
                self.report(executor, Report::Started { attempt, pid, at });
            }
            3 => {
                // Whoever says it: only the executor that has it is believed.
                let owner = self.store.attempts.get(&attempt).map(|row| row.executor);
                if owner != Some(executor) {
                    let end = end(EndCause::Exited(0), now);
                    self.report(executor, Report::Finished { attempt, end });
                }
            }
            4 => {
                let end = Some(end(EndCause::Exited(0), now));
                let stranger = Held {
                    attempt: AttemptId(888_888),
                    started: None,
                    end,
                };
                self.hello(executor, vec![stranger]);
            }
            5 => {
                let archived = None;
                let refused = self.send(Input::Resume {
                    execution,
                    by,
                    archived,
                });
                assert!(refused.is_err());
            }
            6 => {
                let refused = self.send(Input::Stop {
                    execution: ExecutionId(999_999),
                    by,
                });
                let execution = ExecutionId(999_999);
                assert_eq!(refused, Err(Rejected::UnknownExecution { execution }));
            }
            7 => {
                let from = vec![JobRunId(999_999)];
                let archived = self.store.execution(execution).map(Box::new);
                let refused = self.send(Input::Rerun {
                    execution,
                    from,
                    by,
                    archived,
                });
                assert!(refused.is_err());
            }
            8 => {
                // Time goes back; first, what a reload has left due.
                self.send(Input::Wake).unwrap();
                let earlier = Timestamp::from_micros(5);
                let now = std::mem::replace(&mut self.now, earlier);
                let due = self.engine.next_wakeup();
                self.engine.apply(self.now, Input::Wake).unwrap();
                assert_eq!(self.engine.next_wakeup(), due);
                self.now = now;
            }
            _ => {
                let flow = FlowId(999_999);
                let start = Start {
                    flows: vec![flow],
                    jobs: None,
                    downstream: true,
                    data_date: date(0),
                    params: vec![],
                    trigger: TriggerKind::Manual,
                    by,
                };
                let refused = self.send(Input::Start(start));
                assert_eq!(refused, Err(Rejected::UnknownFlow { flow }));
            }
        }
    }
}

/// The ends of all that ran, by names that do not depend on ids of attempts.
fn ends(world: &World) -> Vec<(JobRunId, JobRunState, u32)> {
    let runs = world.store.job_runs.values();
    runs.map(|row| (row.id, row.state, row.attempt)).collect()
}

#[test]
fn the_engine_does_what_its_twin_does() {
    proptest!(config(1500), |(plan in plan(), ops in prop::collection::vec(op(), 1..80))| {
        let mut world = World::new(false);
        world.build(&plan.0);
        for executor in world.executor_ids() {
            world.hello(executor, vec![]);
        }
        for op in &ops {
            world.play(&op.0);
        }
        world.drain();
    });
}

/// A new leader, at any moment, changes nothing about what comes of it all.
#[test]
fn a_reload_changes_no_end() {
    let op = prop_oneof![
        2 => (any::<u8>(), 0u8..2)
            .prop_map(|(flow, date)| Op::Start { flows: vec![flow], downstream: true, date, only: vec![], how: 0 }),
        4 => any::<u8>().prop_map(Op::Begin),
        8 => any::<u8>().prop_map(|at| Op::Finish(at, 9)),
        1 => (0u16..20).prop_map(Op::Advance),
    ]
    .prop_map(Play);
    let ops = prop::collection::vec((op, prop::bool::weighted(0.2)), 1..40);
    proptest!(config(500), |(plan in plan(), ops in ops)| {
        let mut plan = plan;
        // A timeout may pass before an end is told, and an executor tells what it knows when it is greeted.
        plan.0.flows.iter_mut().for_each(|flow| flow.timeout = None);
        let mut results = Vec::new();
        for reloads in [false, true] {
            let mut world = World::new(true);
            world.build(&plan.0);
            let executors = world.executor_ids();
            for executor in &executors {
                world.hello(*executor, vec![]);
            }
            // Attempts that end together may end in any order, but executions start at the same times.
            for (Play(op), reload) in &ops {
                world.now = world.now.after(Duration::from_millis(1));
                // What is due has its moment, as it has after a reload.
                world.send(Input::Wake).unwrap();
                if matches!(op, Op::Start { .. }) {
                    world.play(op);
                }
                if reloads && *reload {
                    world.reload();
                    for executor in &executors {
                        world.hello(*executor, vec![]);
                    }
                }
                if !matches!(op, Op::Start { .. }) {
                    world.play(op);
                }
            }
            world.drain();
            results.push(ends(&world).into_iter().map(|(_, state, number)| (state, number)).collect::<Vec<_>>());
        }
        prop_assert_eq!(&results[0], &results[1]);
    });
}

/// The same inputs give the same steps.
#[test]
fn the_engine_is_deterministic() {
    proptest!(config(200), |(plan in plan(), ops in prop::collection::vec(op(), 1..40))| {
        let [mut one, mut two] = [World::new(false), World::new(false)];
        for world in [&mut one, &mut two] {
            world.build(&plan.0);
            for executor in world.executor_ids() {
                world.hello(executor, vec![]);
            }
            for op in &ops {
                world.play(&op.0);
            }
        }
        prop_assert_eq!(one.engine.snapshot(), two.engine.snapshot());
        prop_assert_eq!(format!("{:?}", one.engine), format!("{:?}", two.engine));
    });
}
