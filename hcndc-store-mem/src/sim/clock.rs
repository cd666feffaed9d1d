//! A scheduler's clock: the world's, as far ahead as a plan has made it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
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

    async fn sleep_until(&self, time: Timestamp) {
        Sleep { clock: self, time }.await;
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
