//! A run: schedulers as futures that one loop polls, event by event, until all is over.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use hcndc_core::{
    engine::{Input, Rejected, Violation},
    port::Request,
    workload::SplitMix64,
};

use super::{
    ask,
    course::{Course, PEACE},
    invariant::Promise,
    life::Life,
    oracle::Oracle,
    plan::{Act, Command, Plan, What},
    sabotage::Sabotage,
    world::{Event, Shared, World},
};

/// Steps that no run needs: it goes in circles.
const MOST_STEPS: u64 = 1_000_000;

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
    let mut counts = std::mem::take(&mut world.counts);
    counts.append(&mut world.oracle.seen);
    Outcome {
        violation,
        trace: trace.hash(),
        lines: trace.into_lines(),
        counts,
    }
}
/// What is played, and how far it is.
pub(crate) struct Run<'a> {
    pub(crate) world: Shared,
    running: Vec<Option<Running>>,
    pub(crate) plan: &'a Plan,
    pub(crate) course: Course,
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
            it.told.clear();
            it.answered.clear();
            let boot = it.boot;
            world.note(format_args!("p{process} starts"));
            boot
        };
        let life = Life {
            world: self.world.clone(),
            process,
            boot,
        };
        let mut settings = self.plan.settings.clone();
        if self.world.lock().sabotage == Some(Sabotage::EngineMultipliesMost) {
            settings.max_running *= 10;
        }
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
        let drawn = ask::draw_command(
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

    pub(crate) fn request(
        &self,
        process: usize,
        input: Input,
        promise: Promise,
        told: impl FnOnce(bool) + Send + 'static,
    ) {
        let shared = self.world.clone();
        let mut world = self.world.lock();
        let boot = world.processes[process].boot;
        let only = promise.only.clone();
        world.oracle.asked.insert(promise.by.clone(), only);
        let answer = move |answer: Result<_, Rejected>| {
            let mut world = shared.lock();
            if !world.speaks(process, boot) {
                return;
            }
            let (by, good) = (&promise.by, answer.is_ok());
            world.note(format_args!("{by} is answered {answer:?}"));
            world.count(if good { "accepted" } else { "refused" });
            if let Some(kind) = promise.kind.filter(|_| good) {
                world.count(kind.as_str());
            }
            if good && promise.only.is_some() {
                world.count("part started");
            }
            world.oracle.answered(&promise, &answer);
            drop(world);
            told(good);
        };
        let request = Request::Command(input, Box::new(answer));
        world.processes[process].inbox.push_back(request);
    }
}

impl World {
    pub(crate) fn on_event(&mut self, event: Event) {
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
            Event::Told {
                process,
                boot,
                alert,
                fails,
            } => self.on_told(process, boot, alert, fails),
            Event::Answered {
                process,
                boot,
                answer,
            } => self.on_answered(process, boot, *answer),
            Event::HostBoot { host } => self.hosts[host].up = true,
            Event::EndDrain { host } => self.end_drain(host),
        }
    }

    /// Who leads, as far as the store knows.
    pub(crate) fn leader(&self) -> Option<usize> {
        let tables = self.store.lock();
        let holder = &tables.lease.as_ref()?.holder;
        holder.strip_prefix('p')?.parse().ok()
    }

    /// Whether no rule is broken and nobody has given up.
    fn goes_on(&self) -> bool {
        self.oracle.found.is_empty() && !self.hopeless
    }
}
