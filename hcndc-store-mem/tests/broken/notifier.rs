//! A notifier in memory that is broken in one way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::{Future, poll_fn},
    sync::{Mutex, MutexGuard},
    task::Poll,
};

use async_trait::async_trait;
use hcndc_core::{
    contract::notifier::NotifierFixture,
    engine::AlertRow,
    id::{AlertId, AlertRuleId},
    port::Notifier,
};

/// What is wrong with a notifier; the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    TakesOneAtATime,
    DropsRepeats,
    TellsNobody,
    LosesSome,
    SaysItTwice,
    SaysNoReason,
    TriesForEver,
    ForgetsWhenDropped,
}

const NOBODY: AlertRuleId = AlertRuleId(9);

pub(crate) struct Fixture(pub(crate) Fault);

impl NotifierFixture for Fixture {
    type Notifier = Broken;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        crate::block_on(case)
    }

    async fn fresh(&self) -> Broken {
        Broken {
            fault: self.0,
            state: Mutex::default(),
        }
    }

    fn reachable(&self) -> AlertRuleId {
        AlertRuleId(1)
    }

    fn unreachable(&self) -> Option<AlertRuleId> {
        Some(NOBODY)
    }

    fn told(&self, notifier: &Broken, alert: AlertId) -> usize {
        let state = notifier.state();
        state.told.get(&alert).copied().unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    done: VecDeque<(AlertId, Option<String>)>,
    given: BTreeSet<AlertId>,
    told: BTreeMap<AlertId, usize>,
}

pub(crate) struct Broken {
    fault: Fault,
    state: Mutex<State>,
}

impl Broken {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no case panics while it holds it")
    }
}

#[async_trait]
impl Notifier for Broken {
    fn notify(&self, alert: AlertRow) {
        let mut state = self.state();
        if self.fault == Fault::TakesOneAtATime && !state.done.is_empty() {
            return;
        }
        let reaches = alert.rule != NOBODY;
        if reaches && self.fault != Fault::TellsNobody {
            *state.told.entry(alert.id).or_default() += 1;
        }
        let repeated = !state.given.insert(alert.id);
        if repeated && self.fault == Fault::DropsRepeats {
            state.done.retain(|(id, _)| *id != alert.id);
            return;
        }
        let silent = reaches || self.fault == Fault::SaysNoReason;
        let error = (!silent).then(|| "nobody answers".into());
        let times = match self.fault {
            Fault::SaysItTwice => 2,
            Fault::LosesSome if alert.id.0.is_multiple_of(7) => 0,
            Fault::TriesForEver if !reaches => 0,
            _ => 1,
        };
        for _ in 0..times {
            state.done.push_back((alert.id, error.clone()));
        }
    }

    async fn recv(&self) -> (AlertId, Option<String>) {
        let next = || self.state().done.pop_front();
        let done = poll_fn(|_| next().map_or(Poll::Pending, Poll::Ready)).await;
        if self.fault == Fault::ForgetsWhenDropped {
            // It holds what it took while it waits for something else.
            let mut waited = false;
            poll_fn(|_| match std::mem::replace(&mut waited, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
        done
    }
}
