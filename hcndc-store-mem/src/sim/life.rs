//! The life of a scheduler: the real driver, its inbox, and who watches what goes into its engine.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{Change, Engine, Input, Rejected, Settings, Snapshot, Step},
    id::ExecutionId,
    port::{Inbox, Observer, Request},
    replay::{Mark, Record},
    scheduler::{Leadership, Scheduler, SchedulerError},
    time::Timestamp,
};

use super::{
    clock::SimClock,
    network::SimTransport,
    notifier::SimNotifier,
    resolver::SimResolver,
    sabotage::Sabotage,
    store::{SimError, SimStore},
    world::Shared,
};

/// One life of a scheduler's process.
pub(crate) struct Life {
    pub(crate) world: Shared,
    pub(crate) process: usize,
    pub(crate) boot: u64,
}

impl Life {
    /// Leads whenever it can, until it is told to leave.
    pub(crate) async fn live(self, settings: Settings, lease: Duration) {
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
            let notifier = SimNotifier {
                world: world.clone(),
                process,
                boot,
            };
            let resolver = SimResolver {
                world: world.clone(),
                process,
                boot,
            };
            let mut scheduler = match opening.await {
                Ok(scheduler) => scheduler.with_notifier(notifier).with_resolver(resolver),
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
    fn gives_up(&self, error: &SchedulerError<SimError>) {
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
