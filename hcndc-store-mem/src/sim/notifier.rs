//! Whoever tells people: takes time, fails, loses what it was given or what it had to answer, and says things twice.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use hcndc_core::{engine::AlertRow, id::AlertId, port::Notifier};

use super::{
    lots::Lots as _,
    sabotage::Sabotage,
    world::{Event, Shared, World},
};

/// The notifier of one life of a scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SimNotifier {
    pub(crate) world: Shared,
    pub(crate) process: usize,
    pub(crate) boot: u64,
}

#[async_trait]
impl Notifier for SimNotifier {
    fn notify(&self, alert: AlertRow) {
        let mut world = self.world.lock();
        if world.speaks(self.process, self.boot) {
            world.notify(self.process, self.boot, alert.id);
        }
    }

    async fn recv(&self) -> (AlertId, Option<String>) {
        Told(self).await
    }
}

struct Told<'a>(&'a SimNotifier);

impl Future for Told<'_> {
    type Output = (AlertId, Option<String>);

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut world = self.0.world.lock();
        if !world.lives(self.0.process, self.0.boot) {
            return Poll::Pending;
        }
        match world.processes[self.0.process].told.pop_front() {
            Some(told) => Poll::Ready(told),
            None => Poll::Pending,
        }
    }
}

impl World {
    fn notify(&mut self, process: usize, boot: u64, alert: AlertId) {
        let early = self.sabotage == Some(Sabotage::NotifierTellsTooEarly);
        self.oracle
            .is_given(if early { AlertId(u64::MAX) } else { alert });
        let lot = if self.healed { 9 } else { self.lots.below(10) };
        if lot == 0 {
            // Until its process ends, which gives it again.
            self.count("alert lost");
            return;
        }
        let fails = lot == 1;
        let times = if lot == 2 { 2 } else { 1 };
        self.count(if fails { "alert failed" } else { "alert told" });
        for _ in 0..times {
            let span = self.lots.span(1, 20_000);
            self.after(
                span,
                Event::Told {
                    process,
                    boot,
                    alert,
                    fails,
                },
            );
        }
    }

    /// People are told, or cannot be; the scheduler hears of it if it still lives.
    pub(crate) fn on_told(&mut self, process: usize, boot: u64, alert: AlertId, fails: bool) {
        if !self.lives(process, boot) {
            return;
        }
        if !fails && self.sabotage != Some(Sabotage::NotifierTellsNobody) {
            self.oracle.people_told.insert(alert);
        }
        let error = fails.then(|| "nobody answers".into());
        self.processes[process].told.push_back((alert, error));
    }
}

#[cfg(test)]
mod tests {
    use hcndc_core::{contract::notifier::NotifierFixture, id::AlertRuleId};

    use super::*;
    use crate::sim::world::still;

    /// A notifier in a world without faults.
    struct Fixture(Shared);

    impl NotifierFixture for Fixture {
        type Notifier = SimNotifier;

        fn block_on<F: Future>(&self, case: F) -> F::Output {
            self.0.block_on(case)
        }

        async fn fresh(&self) -> SimNotifier {
            SimNotifier {
                world: self.0.clone(),
                process: 0,
                boot: 0,
            }
        }

        fn reachable(&self) -> AlertRuleId {
            AlertRuleId(1)
        }

        fn unreachable(&self) -> Option<AlertRuleId> {
            None
        }

        fn told(&self, _: &SimNotifier, alert: AlertId) -> usize {
            let world = self.0.lock();
            usize::from(world.oracle.people_told.contains(&alert))
        }
    }

    hcndc_core::notifier_contract!(Fixture(still()));
}
