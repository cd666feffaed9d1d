//! What is drawn: meshes, and what is done to them.

use proptest::prelude::*;

/// Prints on one line, however large.
macro_rules! brief {
    ($($name:ident => $inner:ty),*) => {$(
        #[derive(Clone)]
        pub(crate) struct $name(pub(crate) $inner);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    )*};
}

brief!(Mesh => Plan, Play => Op);

#[derive(Clone, Debug)]
pub(crate) struct JobPlan {
    pub(crate) flow: u8,
    pub(crate) enabled: bool,
    /// Which job, what end, which date, with what limit.
    pub(crate) dependencies: Vec<(u8, u8, u8, u8)>,
    pub(crate) slots: u32,
    pub(crate) priority: i32,
    pub(crate) placement: u8,
    pub(crate) retries: u32,
    pub(crate) delay: u64,
    pub(crate) codes: Vec<u8>,
    /// Which pool, if there is one, and how much of it.
    pub(crate) pool: (u8, u32),
    /// Which shared params it has.
    pub(crate) shared: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct FlowPlan {
    pub(crate) enabled: bool,
    pub(crate) parents: Vec<u8>,
    pub(crate) priority: i32,
    pub(crate) max_runs: Option<u32>,
    /// Seconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) restarts: (u32, u64),
}

#[derive(Clone, Debug)]
pub(crate) struct SchedulePlan {
    pub(crate) flow: u8,
    pub(crate) every: u64,
    pub(crate) grace: u64,
    pub(crate) catch_up: bool,
    pub(crate) skip: bool,
    pub(crate) instances: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct HostPlan {
    pub(crate) slots: u32,
    pub(crate) gpu: bool,
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) flows: Vec<FlowPlan>,
    pub(crate) jobs: Vec<JobPlan>,
    pub(crate) hosts: Vec<HostPlan>,
    /// Slots of each.
    pub(crate) pools: Vec<u32>,
    pub(crate) max_running: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
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
    /// What was asked for params is answered.
    Answer(u8, u8),
    /// A shared param asks a query, or has a text.
    EditParam(u8, bool),
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

pub(crate) fn job_plan() -> impl Strategy<Value = JobPlan> {
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
            prop_oneof![4 => Just(vec![]), 1 => Just(vec![0]), 1 => Just(vec![1, 0])],
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
                (codes, pool, shared),
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
                    shared,
                }
            },
        )
}

pub(crate) fn flow_plan() -> impl Strategy<Value = FlowPlan> {
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

pub(crate) fn host_plan() -> impl Strategy<Value = HostPlan> {
    (1u32..6, any::<bool>(), prop::bool::weighted(0.9)).prop_map(|(slots, gpu, enabled)| HostPlan {
        slots,
        gpu,
        enabled,
    })
}

pub(crate) fn plan() -> impl Strategy<Value = Mesh> {
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

pub(crate) fn schedule_plan() -> impl Strategy<Value = SchedulePlan> {
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

pub(crate) fn op() -> impl Strategy<Value = Play> {
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
        8 => (some(), some()).prop_map(|(at, how)| Op::Answer(at, how)),
        1 => (some(), any::<bool>()).prop_map(|(at, asks)| Op::EditParam(at, asks)),
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
