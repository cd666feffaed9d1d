//! What the measurements share: settings, an engine at work, rows to store, years of history, a MariaDB database for as long as one
//! takes, and an allocator that counts.

mod commit;
mod history;
mod server;
mod transitions;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hcndc_core::{
    engine::{
        EditBatch, Effect, End, EndCause, Engine, Input, Order, Reply, Report, Start, Step,
        TriggerKind,
    },
    id::{AttemptId, ExecutionId, ExecutorId},
    model::Edit,
    time::Timestamp,
    workload,
};

pub use commit::started_execution;
pub use history::History;
pub use server::{Database, Server};
pub use transitions::{Transitions, sqlites};

/// The seed of every workload here.
pub const SEED: u64 = 2333;

/// An engine whose executors are played: attempts end in the order in which they began.
#[derive(Clone, Debug)]
pub struct Run {
    /// The engine.
    pub engine: Engine,
    /// The execution, once it is started.
    pub execution: Option<ExecutionId>,
    now: Timestamp,
    alive: VecDeque<(ExecutorId, AttemptId)>,
}

impl Run {
    /// An engine with this mesh and four executors of 25 slots, connected.
    ///
    /// # Panics
    /// If the edits are refused.
    #[must_use]
    pub fn new(mesh: Vec<Edit>) -> Self {
        let mut run = Self {
            engine: Engine::default(),
            execution: None,
            now: Timestamp::from_micros(0),
            alive: VecDeque::new(),
        };
        for edits in [workload::executors(4, 25), mesh] {
            let by = "bench".into();
            run.apply(Input::Edit(EditBatch { by, edits }));
        }
        let executors: Vec<_> = run.engine.executors().map(|it| it.id).collect();
        for executor in executors {
            let (version, held) = ("1".into(), vec![]);
            let report = Report::hello(version, held);
            run.apply(Input::Report { executor, report });
        }
        run
    }

    /// Starts all flows.
    ///
    /// # Panics
    /// If the start is refused.
    pub fn start(&mut self) {
        let step = self.apply(Input::Start(Start {
            flows: self.engine.flows().map(|flow| flow.id).collect(),
            jobs: None,
            downstream: false,
            data_date: "2026-11-21".parse().expect("a date"),
            date_format: None,
            params: vec![],
            trigger: TriggerKind::Manual,
            by: "bench".into(),
        }));
        let Reply::Started(id) = step.reply else {
            panic!("{:?}", step.reply)
        };
        self.execution = Some(id);
    }

    /// Ends the attempt that began first, well. Tells whether there was one.
    pub fn finish_one(&mut self) -> bool {
        let Some((executor, attempt)) = self.alive.pop_front() else {
            return false;
        };
        let end = End {
            cause: EndCause::Exited(0),
            started_at: None,
            ended_at: self.now,
            peak_memory_bytes: 0,
            cpu_time: Duration::ZERO,
            log_bytes: 0,
            outputs: std::collections::BTreeMap::new(),
        };
        let report = Report::Finished { attempt, end };
        self.apply(Input::Report { executor, report });
        true
    }

    /// Ends everything. Returns the number of attempts.
    pub fn finish_all(&mut self) -> usize {
        let mut count = 0;
        while self.finish_one() {
            count += 1;
        }
        count
    }

    fn apply(&mut self, input: Input) -> Step {
        self.now = self.now.after(Duration::from_micros(10));
        let step = self
            .engine
            .apply(self.now, input)
            .expect("it is not refused");
        for effect in &step.effects {
            if let Effect::Tell {
                executor,
                order: Order::Run(order),
            } = effect
            {
                self.alive.push_back((*executor, order.attempt));
            }
        }
        step
    }
}

/// The system's allocator, which counts what is held.
#[derive(Debug)]
pub struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

impl Counting {
    /// Bytes that are allocated now.
    #[must_use]
    pub fn held() -> usize {
        HELD.load(Ordering::Relaxed)
    }
}

// SAFETY: all work is the system allocator's; counting touches no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
