//! The suite of [`Notifier`]: [`notifier_contract!`](crate::notifier_contract) makes a `#[test]` of every case here.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
};
use core::future::Future;

use futures_util::FutureExt as _;

use crate::{
    engine::AlertRow,
    id::{AlertId, AlertRuleId, ExecutionId},
    model::AlertEvent,
    port::Notifier,
    time::Timestamp,
};

/// Makes notifiers, and sees who was told. Each case gets its own.
pub trait NotifierFixture {
    /// The adapter under test.
    type Notifier: Notifier;

    /// Runs a case to its end, on whatever runtime the adapter needs; panics if that takes minutes.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Makes a notifier that was given nothing.
    fn fresh(&self) -> impl Future<Output = Self::Notifier>;

    /// A rule by which people can be told.
    fn reachable(&self) -> AlertRuleId;

    /// A rule by which nobody can be told, however long it is tried; `None` if there is none.
    fn unreachable(&self) -> Option<AlertRuleId>;

    /// How often people were told of an alert.
    fn told(&self, notifier: &Self::Notifier, alert: AlertId) -> usize;
}

/// Makes a `#[test]` of every case in [`contract::notifier`](crate::contract::notifier).
///
/// The argument is an expression that gives a [`NotifierFixture`](crate::contract::notifier::NotifierFixture).
#[macro_export]
macro_rules! notifier_contract {
    ($fixture:expr) => {
        $crate::notifier_contract! { @ $fixture;
            alerts_are_taken_while_others_are_open,
            an_alert_that_is_given_twice_is_done_with,
            every_alert_is_done_with_once,
            people_were_told_of_what_is_done_with,
            what_nobody_can_be_told_is_done_with_and_says_why,
            a_dropped_wait_loses_nothing,
        }
    };
    (@ $fixture:expr; $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::notifier::NotifierFixture as _;
            let fixture = $fixture;
            fixture.block_on(async {
                let notifier = fixture.fresh().await;
                $crate::contract::notifier::$case(&fixture, &notifier).await;
            });
        }
    )*};
}

fn alert(id: u64, rule: AlertRuleId) -> AlertRow {
    AlertRow {
        subject: String::new(),
        id: AlertId(id),
        rule,
        event: AlertEvent::ExecutionFailed,
        cause: format!("execution {id} 0"),
        schedule: None,
        firing: None,
        execution: Some(ExecutionId(id)),
        job_run: None,
        executor: None,
        data_source: None,
        data_date: None,
        raised_at: Timestamp::from_micros(1),
        closed_at: None,
        lasts: false,
        error: None,
        acknowledged_at: None,
        acknowledged_by: None,
        escalate_at: None,
        escalated: None,
        escalates: None,
        over_at: None,
    }
}

/// Nothing more is said of what was given before: only what is given now is done with.
async fn nothing_is_left<F: NotifierFixture>(fixture: &F, notifier: &F::Notifier) {
    for id in 9_001..9_004 {
        notifier.notify(alert(id, fixture.reachable()));
        assert_eq!(notifier.recv().await, (AlertId(id), None));
    }
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($fixture:ident, $notifier:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// When the clause does not hold.
        pub async fn $name<F: NotifierFixture>($fixture: &F, $notifier: &F::Notifier) $body
    )*};
}

cases! {
    /// Clause 1: giving an alert waits for nobody.
    alerts_are_taken_while_others_are_open(fixture, notifier) {
        let mut open: BTreeSet<AlertId> = BTreeSet::new();
        for id in 1..=100 {
            notifier.notify(alert(id, fixture.reachable()));
            open.insert(AlertId(id));
        }
        while !open.is_empty() {
            let (id, _) = notifier.recv().await;
            open.remove(&id);
        }
    }

    /// Clause 1: once or twice, but it is; and so is what comes after it.
    an_alert_that_is_given_twice_is_done_with(fixture, notifier) {
        for _ in 0..2 {
            notifier.notify(alert(1, fixture.reachable()));
        }
        notifier.notify(alert(2, fixture.reachable()));
        let mut done: BTreeMap<AlertId, u32> = BTreeMap::new();
        while done.len() < 2 {
            let (id, error) = notifier.recv().await;
            assert_eq!(error, None);
            *done.entry(id).or_default() += 1;
        }
        assert!(done[&AlertId(1)] <= 2 && done[&AlertId(2)] == 1, "{done:?}");
        for id in [1, 2] {
            assert!(fixture.told(notifier, AlertId(id)) >= 1, "nobody was told of {id}");
        }
    }

    /// Clause 2: each, and no other.
    every_alert_is_done_with_once(fixture, notifier) {
        let mut done: BTreeMap<AlertId, u32> = BTreeMap::new();
        for id in 1..=40 {
            notifier.notify(alert(id, fixture.reachable()));
        }
        for _ in 0..40 {
            *done.entry(notifier.recv().await.0).or_default() += 1;
        }
        let expected = (1..=40).map(|id| (AlertId(id), 1));
        assert_eq!(done, expected.collect());
        nothing_is_left(fixture, notifier).await;
    }

    /// Clause 2: whoever is done with an alert without a reason has told people.
    people_were_told_of_what_is_done_with(fixture, notifier) {
        for id in 1..=10 {
            notifier.notify(alert(id, fixture.reachable()));
        }
        for _ in 0..10 {
            let (id, error) = notifier.recv().await;
            assert_eq!(error, None);
            assert!(fixture.told(notifier, id) >= 1, "nobody was told of {id}");
        }
    }

    /// Clause 2: with the reason, and without anybody told.
    what_nobody_can_be_told_is_done_with_and_says_why(fixture, notifier) {
        let Some(rule) = fixture.unreachable() else { return };
        notifier.notify(alert(1, rule));
        let (id, error) = notifier.recv().await;
        assert_eq!(id, AlertId(1));
        let reason: Option<String> = error;
        assert!(reason.is_some_and(|it| !it.is_empty()), "it says no reason");
        assert_eq!(fixture.told(notifier, id), 0);
        nothing_is_left(fixture, notifier).await;
    }

    /// Cancel safety: the scheduler drops its wait whenever something else comes first.
    a_dropped_wait_loses_nothing(fixture, notifier) {
        let mut done = BTreeSet::new();
        for id in 1..=20 {
            notifier.notify(alert(id, fixture.reachable()));
            // Polled once.
            let early = notifier.recv().now_or_never();
            done.extend(early.map(|(id, _)| id));
        }
        while done.len() < 20 {
            done.insert(notifier.recv().await.0);
        }
    }
}
