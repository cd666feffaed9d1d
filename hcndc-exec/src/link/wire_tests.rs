//! Both ends against each other over a wire that loses, doubles and reorders, with an executor that crashes anywhere.
//!
//! The scheduler's end is the smallest one that keeps the contract of the port: it gives an order again after each hello
//! that does not name it, and acknowledges each end that it is told. The executor's end is the real one, with a disk, and
//! with a holder that keeps processes through a crash.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::executor::testing::{end, order};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The scheduler has one more attempt to be run.
    Order,
    /// It connects anew.
    Connect,
    /// A message arrives, or a copy of it, or it is lost. Which one is drawn by lot.
    Down(Fate, u16),
    Up(Fate, u16),
    /// A process ends.
    End(u16),
    /// The executor crashes after so many of the actions of its next batch, records not counted.
    CrashAfter(u8),
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    ArrivesAndStays,
    IsLost,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        5 => Just(Fate::Arrives),
        2 => Just(Fate::ArrivesAndStays),
        1 => Just(Fate::IsLost),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Order),
        1 => Just(Step::Connect),
        8 => (fate(), any::<u16>()).prop_map(|(fate, lot)| Step::Down(fate, lot)),
        8 => (fate(), any::<u16>()).prop_map(|(fate, lot)| Step::Up(fate, lot)),
        3 => any::<u16>().prop_map(Step::End),
        1 => (0..4_u8).prop_map(Step::CrashAfter),
    ]
}

#[derive(Default)]
struct Process {
    starts: usize,
    end: Option<End>,
}

struct World {
    executor: Link,
    disk: Vec<Record>,
    processes: BTreeMap<AttemptId, Process>,
    crash_after: Option<usize>,
    down: Vec<(LinkId, Down)>,
    up: Vec<Up>,
    link: LinkId,
    /// What the scheduler was told of each attempt.
    told: BTreeMap<AttemptId, Option<End>>,
}

impl World {
    fn new() -> Self {
        Self {
            executor: Link::new(Identity::default(), Ledger::default()),
            disk: Vec::new(),
            processes: BTreeMap::new(),
            crash_after: None,
            down: Vec::new(),
            up: Vec::new(),
            link: LinkId(0),
            told: BTreeMap::new(),
        }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Order => {
                let attempt = AttemptId(self.told.len() as u64 + 1);
                self.told.insert(attempt, None);
                self.say(run(attempt));
            }
            Step::Connect => self.connect(),
            Step::Down(fate, lot) => {
                if let Some((link, message)) = draw(&mut self.down, fate, lot) {
                    let actions = self.executor.on_message(NOW, link, message);
                    self.carry_out(actions);
                }
            }
            Step::Up(fate, lot) => {
                if let Some(message) = draw(&mut self.up, fate, lot) {
                    self.hear(message);
                }
            }
            Step::End(lot) => {
                let alive: Vec<AttemptId> = self
                    .processes
                    .iter()
                    .filter(|(_, process)| process.end.is_none())
                    .map(|(attempt, _)| *attempt)
                    .collect();
                if let Some(attempt) = alive.get(usize::from(lot) % alive.len().max(1)) {
                    self.end(*attempt);
                }
            }
            Step::CrashAfter(actions) => self.crash_after = Some(actions.into()),
        }
    }

    fn say(&mut self, message: Down) {
        self.down.push((self.link, message));
    }

    fn connect(&mut self) {
        self.link = LinkId(self.link.0 + 1);
        self.say(Down::Hello {
            realm: "r".into(),
            fence: Fence(1),
            scheduler: String::new(),
            protocol: PROTOCOL,
        });
    }

    /// The scheduler's end.
    fn hear(&mut self, message: Up) {
        match message {
            Up::Hello { held, .. } => {
                let held: BTreeMap<_, _> =
                    held.into_iter().map(|it| (it.attempt, it.end)).collect();
                for (attempt, end) in &held {
                    if let Some(end) = end {
                        self.settle(*attempt, end.clone());
                    }
                }
                let open: Vec<AttemptId> = self
                    .told
                    .iter()
                    .filter(|(attempt, end)| end.is_none() && !held.contains_key(attempt))
                    .map(|(attempt, _)| *attempt)
                    .collect();
                open.into_iter().for_each(|attempt| self.say(run(attempt)));
            }
            Up::Finished { attempt, end } => self.settle(attempt, end),
            Up::Started { .. } | Up::Heartbeat(_) | Up::Refused(_) => {}
        }
    }

    fn settle(&mut self, attempt: AttemptId, end: End) {
        let told = self.told.entry(attempt).or_default();
        let mut truth = self.processes.get(&attempt).and_then(|it| it.end.clone());
        // Once it is acknowledged, what it put out is with whoever did that.
        if let Some(truth) = truth.as_mut().filter(|_| told.is_some())
            && end.outputs.is_empty()
        {
            truth.outputs.clear();
        }
        assert_eq!(
            truth.as_ref(),
            Some(&end),
            "what is told of {attempt} is true"
        );
        told.get_or_insert(end);
        self.say(Down::Ack { attempt });
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        let (records, others): (Vec<_>, Vec<_>) = actions
            .into_iter()
            .partition(|action| matches!(action, Action::Record(_)));
        self.disk
            .extend(records.into_iter().map(|record| match record {
                Action::Record(record) => record,
                _ => unreachable!("only records were taken"),
            }));
        let crash_after = self.crash_after.take();
        for action in others.into_iter().take(crash_after.unwrap_or(usize::MAX)) {
            match action {
                Action::Run(order) => {
                    let process = self.processes.entry(order.attempt).or_default();
                    process.starts += 1;
                    assert_eq!(process.starts, 1, "{} is started once", order.attempt);
                }
                Action::Send { message, .. } => self.up.push(message),
                Action::Close { link } => self.executor.on_closed(link),
                Action::Record(_) | Action::Begin { .. } | Action::Kill { .. } => {}
            }
        }
        if crash_after.is_some() {
            self.crash();
        }
    }

    /// The executor starts again on its disk, and finds what its holder has.
    fn crash(&mut self) {
        let mut ledger = Ledger::default();
        self.disk.iter().for_each(|record| ledger.apply(record));
        assert_eq!(&ledger, self.executor.ledger(), "the disk tells all");
        self.executor = Link::new(Identity::default(), ledger);
        let alive: Vec<AttemptId> = self
            .executor
            .ledger()
            .alive()
            .map(|(attempt, _)| attempt)
            .collect();
        let mut actions = Vec::new();
        for attempt in alive {
            match self.processes.get(&attempt) {
                None => actions.extend(self.executor.on_withdrawn(attempt)),
                Some(Process { end: Some(end), .. }) => {
                    actions.extend(self.executor.on_ended(attempt, end.clone()));
                }
                Some(_) => {}
            }
        }
        self.carry_out(actions);
    }

    fn end(&mut self, attempt: AttemptId) {
        let code = i32::try_from(attempt.0).unwrap_or(0);
        let mut end = end(EndCause::Exited(code));
        end.outputs.insert("code".into(), code.to_string());
        if let Some(process) = self.processes.get_mut(&attempt) {
            process.end = Some(end.clone());
        }
        let actions = self.executor.on_ended(attempt, end);
        self.carry_out(actions);
    }

    /// From now on nothing is lost, and all comes in order.
    fn heal(&mut self) {
        self.crash_after = None;
        self.connect();
        loop {
            let mut moved = false;
            while !self.down.is_empty() {
                let (link, message) = self.down.remove(0);
                let actions = self.executor.on_message(NOW, link, message);
                self.carry_out(actions);
                moved = true;
            }
            let open: BTreeSet<AttemptId> = self
                .processes
                .iter()
                .filter(|(_, process)| process.end.is_none())
                .map(|(attempt, _)| *attempt)
                .collect();
            open.into_iter().for_each(|attempt| self.end(attempt));
            while !self.up.is_empty() {
                let message = self.up.remove(0);
                self.hear(message);
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }
}

fn run(attempt: AttemptId) -> Down {
    Down::Run(Box::new(order(attempt.0, "true")))
}

fn draw<M: Clone>(wire: &mut Vec<M>, fate: Fate, lot: u16) -> Option<M> {
    if wire.is_empty() {
        return None;
    }
    let at = usize::from(lot) % wire.len();
    match fate {
        Fate::Arrives => Some(wire.remove(at)),
        Fate::ArrivesAndStays => Some(wire[at].clone()),
        Fate::IsLost => {
            wire.remove(at);
            None
        }
    }
}

proptest! {
    #[test]
    fn each_attempt_runs_once_and_its_true_end_arrives(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World::new();
        world.connect();
        for step in steps {
            world.play(step);
        }
        world.heal();
        for (attempt, end) in &world.told {
            let end = end.as_ref();
            prop_assert!(end.is_some(), "the end of {attempt} arrives");
            let outputs = end.map(|end| end.outputs.get("code").cloned());
            prop_assert_eq!(outputs, Some(Some(attempt.0.to_string())));
            prop_assert_eq!(world.processes[attempt].starts, 1);
        }
        prop_assert_eq!(world.executor.ledger().held(), vec![]);
    }
}
