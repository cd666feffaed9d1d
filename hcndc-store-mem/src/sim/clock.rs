//! A scheduler's clock: the world's, as far ahead as a plan has made it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{port::Clock, time::Timestamp};

use super::world::Shared;

/// The clock of one life of a scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SimClock {
    pub(crate) world: Shared,
    pub(crate) process: usize,
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.world.lock().clock(self.process)
    }

    fn steady(&self) -> Duration {
        self.world.lock().now.since(Timestamp::from_micros(0))
    }

    async fn sleep_until(&self, time: Timestamp) {
        Sleep { clock: self, time }.await;
    }

    async fn sleep(&self, span: Duration) {
        // The world counts microseconds: a part of one is waited for, too.
        let time = self
            .world
            .lock()
            .now
            .after(span + Duration::from_nanos(999));
        Pause { clock: self, time }.await;
    }
}

/// Everybody is polled after every event, so it is enough to tell the world when the next one must be.
struct Sleep<'a> {
    clock: &'a SimClock,
    time: Timestamp,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.clock.world.lock();
        if world.clock(self.clock.process) >= self.time {
            return Poll::Ready(());
        }
        let wake = &mut world.processes[self.clock.process].wake;
        *wake = Some(wake.map_or(self.time, |wake| wake.min(self.time)));
        Poll::Pending
    }
}

/// The same until a time of the world, whatever the clock shows.
struct Pause<'a> {
    clock: &'a SimClock,
    time: Timestamp,
}

impl Future for Pause<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.clock.world.lock();
        if world.now >= self.time {
            return Poll::Ready(());
        }
        let it = &mut world.processes[self.clock.process];
        let shows = Timestamp::from_micros(self.time.as_micros().saturating_add(it.ahead));
        it.wake = Some(it.wake.map_or(shows, |wake| wake.min(shows)));
        Poll::Pending
    }
}
