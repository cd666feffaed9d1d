//! The world around the engine: a store, executors that the test plays, the twin; after each input everything is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hcndc_core::{
    engine::{
        Effect, End, EndCause, Engine, Held, Input, JobRunState, Order, Rejected, Report,
        ResolveOrder, Step,
    },
    id::{AttemptId, ExecutorId},
    model::Edit,
    time::Timestamp,
};

use super::{store::Store, twin::Twin};

/// An executor as the test plays it: it runs nothing, and forgets what it is told to forget.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hand {
    pub(crate) connected: bool,
    pub(crate) held: BTreeMap<AttemptId, Held>,
    /// All that it ever ran: the same attempt never runs twice.
    pub(crate) known: BTreeSet<AttemptId>,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) twin: Twin,
    pub(crate) hands: BTreeMap<ExecutorId, Hand>,
    pub(crate) now: Timestamp,
    /// What was ever asked for params, the latest last.
    pub(crate) asked: Vec<ResolveOrder>,
    /// Answers of jobs follow from their names and attempts, not from the inputs.
    pub(crate) steady: bool,
}

pub(crate) fn end(cause: EndCause, now: Timestamp) -> End {
    End {
        cause,
        started_at: None,
        ended_at: now,
        peak_memory_bytes: 1,
        cpu_time: Duration::ZERO,
        log_bytes: 2,
        outputs: BTreeMap::new(),
    }
}

impl World {
    pub(crate) fn new(steady: bool) -> Self {
        Self {
            engine: Engine::default(),
            store: Store::default(),
            twin: Twin::default(),
            hands: BTreeMap::new(),
            now: Timestamp::from_micros(1_000_000),
            asked: Vec::new(),
            steady,
        }
    }

    /// Gives the engine one input, and looks at everything.
    pub(crate) fn send(&mut self, input: Input) -> Result<Step, Rejected> {
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
        self.note_asked(&step);
        Ok(step)
    }

    /// R11: whoever waits is told for what.
    pub(crate) fn explain_everything(&self) {
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
                let expected =
                    waits || (stopping && !row.state.is_settled()) || self.twin.asks_for(row.id);
                assert_eq!(
                    !explained.holds.is_empty(),
                    expected,
                    "{row:?}: {explained:?}"
                );
            }
        }
    }

    pub(crate) fn carry_out(&mut self, step: &Step) {
        for effect in &step.effects {
            match effect {
                Effect::Connect(executor) => {
                    self.hands.entry(executor.id).or_default();
                }
                Effect::Disconnect(executor) => {
                    self.hands.remove(executor);
                }
                Effect::Notify(_) | Effect::Resolve(_) => {}
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

    pub(crate) fn report(&mut self, executor: ExecutorId, report: Report) {
        let refused = self.send(Input::Report { executor, report }).err();
        let known = self.store.executors.contains_key(&executor);
        assert_eq!(
            refused,
            (!known).then_some(Rejected::UnknownExecutor { executor })
        );
    }

    pub(crate) fn hello(&mut self, executor: ExecutorId, mut held: Vec<Held>) {
        if let Some(hand) = self.hands.get_mut(&executor) {
            hand.connected = true;
            held.extend(hand.held.values().cloned());
        }
        let version = "1".into();
        self.report(executor, Report::hello(version, held));
    }

    /// All attempts that executors hold.
    pub(crate) fn held(&self) -> Vec<(ExecutorId, AttemptId)> {
        self.hands
            .iter()
            .flat_map(|(id, hand)| hand.held.keys().map(|attempt| (*id, *attempt)))
            .collect()
    }

    pub(crate) fn start_attempt(&mut self, executor: ExecutorId, attempt: AttemptId) {
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

    pub(crate) fn finish_attempt(
        &mut self,
        executor: ExecutorId,
        attempt: AttemptId,
        cause: EndCause,
    ) {
        let (now, hand) = (self.now, self.hands.get_mut(&executor).unwrap());
        let held = hand.held.get_mut(&attempt).unwrap();
        let end = held.end.get_or_insert_with(|| end(cause, now)).clone();
        if hand.connected {
            self.report(executor, Report::Finished { attempt, end });
        }
    }

    /// What a job comes to in a steady world.
    pub(crate) fn steady_end(&self, attempt: AttemptId) -> EndCause {
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
    pub(crate) fn reload(&mut self) {
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
    pub(crate) fn advance(&mut self, by: Duration) {
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
    pub(crate) fn drain(&mut self) {
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
            if self.answer_the_first() {
                continue;
            }
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
