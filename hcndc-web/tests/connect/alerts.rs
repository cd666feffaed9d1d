//! The notifier: the contract of its port, and what it does beyond.

use std::{future::Future, sync::Arc, time::Duration};

use chrono_tz::Tz;
use hcndc_core::{
    contract::notifier::NotifierFixture,
    engine::{AlertRow, Change},
    id::{AlertChannelId, AlertId, AlertRuleId, ExecutionId},
    model::{AlertChannel, AlertChannelKind, AlertEvent, AlertRule, Escalation},
    port::{Commit, Notifier as _, Store as _},
    time::Timestamp,
};
use hcndc_store_mem::MemStore;
use hcndc_web::{
    connect::{
        alert::{
            Manners,
            desk::Patience,
            facts::Read,
            notifier::{Alerting, Parts},
        },
        http::Http,
    },
    interchange::Lang,
};
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::{receiver::Receiver, webhooks::channel};

const GOOD: AlertRuleId = AlertRuleId(10);
const REFUSED: AlertRuleId = AlertRuleId(11);
const NO_CHANNEL: AlertRuleId = AlertRuleId(12);
const DISABLED: AlertRuleId = AlertRuleId(13);
const BOTH: AlertRuleId = AlertRuleId(14);
const ESCALATES: AlertRuleId = AlertRuleId(15);

fn webhook(id: u64, url: &str) -> AlertChannel {
    let settings = [("url", url), ("group_seconds", "0"), ("per_hour", "3600")];
    AlertChannel {
        id: AlertChannelId(id),
        name: format!("channel {id}"),
        ..channel(AlertChannelKind::Webhook, &settings, "")
    }
}

fn rule(id: AlertRuleId, channels: &[u64]) -> AlertRule {
    AlertRule {
        id,
        name: format!("rule {id}"),
        directory: "/".to_owned(),
        description: String::new(),
        enabled: true,
        events: [AlertEvent::ExecutionFailed].into(),
        channels: channels.iter().copied().map(AlertChannelId).collect(),
        escalation: None,
        default: true,
        revision: webhook(1, "").revision,
    }
}

/// A store with channels 1 (good), 2 (refused) and 3 (not enabled), and rules for them.
async fn store(good: &Receiver, bad: &Receiver) -> MemStore {
    let store = MemStore::new();
    let now = Timestamp::from_micros(0);
    let asked = store.acquire("test", now, Duration::from_secs(60), None);
    let lease = asked.await.unwrap().given().unwrap();
    let disabled = AlertChannel {
        enabled: false,
        ..webhook(3, &good.url("/"))
    };
    let definitions = [
        webhook(1, &good.url("/")).into(),
        webhook(2, &bad.url("/")).into(),
        disabled.into(),
        rule(GOOD, &[1]).into(),
        rule(REFUSED, &[2]).into(),
        rule(NO_CHANNEL, &[]).into(),
        rule(DISABLED, &[3]).into(),
        rule(BOTH, &[1, 2]).into(),
        AlertRule {
            escalation: Some(Escalation {
                after: Duration::from_secs(60),
                channels: vec![AlertChannelId(1)],
            }),
            ..rule(ESCALATES, &[2])
        }
        .into(),
    ];
    let changes = definitions.into_iter().map(Change::DefinitionPut).collect();
    let next_id = 100;
    let commit = Commit { next_id, changes };
    store.commit(lease.fence, &commit).await.unwrap();
    store
}

fn alerting(store: MemStore) -> Alerting {
    Alerting::start(Parts {
        facts: Arc::new(Read::new(store, (), Some("http://hcndc.test".to_owned()))),
        http: Http::new(),
        vault: Arc::default(),
        manners: Manners {
            lang: Lang::En,
            zone: Tz::UTC,
        },
        patience: Patience {
            first_wait: Duration::from_millis(1),
            refusals: 2,
            ..Patience::default()
        },
    })
}

/// How often a receiver was told of an alert.
fn told(receiver: &Receiver, alert: AlertId) -> usize {
    let got = receiver.got();
    let bodies = got.iter().map(|got| got.json());
    let count = |body: serde_json::Value| {
        let alerts = body["alerts"].as_array().unwrap();
        alerts.iter().filter(|it| it["alert"] == alert.0).count()
    };
    bodies.map(count).sum()
}

struct Fixture {
    runtime: Runtime,
    good: OnceCell<Receiver>,
    bad: OnceCell<Receiver>,
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            runtime,
            good: OnceCell::new(),
            bad: OnceCell::new(),
        }
    }
}

impl NotifierFixture for Fixture {
    type Notifier = Alerting;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        let limit = Duration::from_secs(120);
        self.runtime
            .block_on(async { tokio::time::timeout(limit, case).await.unwrap() })
    }

    async fn fresh(&self) -> Alerting {
        let good = self.good.get_or_init(|| Receiver::start(200, "")).await;
        let bad = self.bad.get_or_init(|| Receiver::start(403, "no")).await;
        alerting(store(good, bad).await)
    }

    fn reachable(&self) -> AlertRuleId {
        GOOD
    }

    fn unreachable(&self) -> Option<AlertRuleId> {
        Some(REFUSED)
    }

    fn told(&self, _: &Alerting, alert: AlertId) -> usize {
        told(self.good.get().unwrap(), alert)
    }
}

mod contract {
    hcndc_core::notifier_contract!(super::Fixture::new());
}

fn alert(id: u64, rule: AlertRuleId) -> AlertRow {
    AlertRow {
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
        subject: String::new(),
        acknowledged_at: None,
        acknowledged_by: None,
        escalate_at: None,
        escalated: None,
        escalates: None,
        over_at: None,
    }
}

async fn done(alerting: &Alerting) -> (AlertId, Option<String>) {
    let within = tokio::time::timeout(Duration::from_secs(60), alerting.recv());
    within.await.unwrap()
}

#[tokio::test]
async fn why_nobody_was_told_stands_with_the_alert() {
    let good = Receiver::start(200, "").await;
    let bad = Receiver::start(403, "no such hook").await;
    let alerting = alerting(store(&good, &bad).await);
    for (id, rule, why) in [
        (1, NO_CHANNEL, "rule rule 12 names no channel"),
        (2, DISABLED, "no channel of rule rule 13 is enabled"),
        (3, AlertRuleId(99), "its rule is gone"),
        (4, REFUSED, "the server answers 403 Forbidden: no such hook"),
    ] {
        alerting.notify(alert(id, rule));
        assert_eq!(done(&alerting).await, (AlertId(id), Some(why.to_owned())));
    }
    assert_eq!(bad.got().len(), 2, "it is tried as often as it is set");
    assert_eq!(good.got().len(), 0);
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_gets_the_message_later() {
    let good = Receiver::start(200, "").await;
    let alerting = alerting(store(&good, &good).await);
    good.then(&[(500, ""), (503, ""), (429, "")]);
    alerting.notify(alert(1, GOOD));
    assert_eq!(done(&alerting).await, (AlertId(1), None));
    assert_eq!(good.got().len(), 4);
    let mut deliveries: Vec<String> = good
        .got()
        .iter()
        .map(|got| got.header("x-hcndc-delivery").to_owned())
        .collect();
    deliveries.dedup();
    assert_eq!(deliveries.len(), 1);
}

#[tokio::test]
async fn others_are_told_of_what_nobody_acknowledges_and_they_alone() {
    let good = Receiver::start(200, "").await;
    let bad = Receiver::start(403, "").await;
    let alerting = alerting(store(&good, &bad).await);
    let other = |id, rule| AlertRow {
        escalates: Some(AlertId(1)),
        ..alert(id, rule)
    };
    alerting.notify(other(2, ESCALATES));
    assert_eq!(done(&alerting).await, (AlertId(2), None));
    assert_eq!(bad.got().len(), 0);
    let told = &good.only().json()["alerts"][0];
    assert_eq!(told["escalates"]["alert"], 1);
    assert_eq!(told["acknowledge_url"], "http://hcndc.test/alert/?id=2");
    // A rule that was changed meanwhile.
    alerting.notify(other(3, GOOD));
    let why = "rule rule 10 escalates no more".to_owned();
    assert_eq!(done(&alerting).await, (AlertId(3), Some(why)));
}

#[tokio::test]
async fn one_channel_that_tells_is_enough() {
    let good = Receiver::start(200, "").await;
    let bad = Receiver::start(403, "").await;
    let alerting = alerting(store(&good, &bad).await);
    alerting.notify(alert(1, BOTH));
    assert_eq!(done(&alerting).await, (AlertId(1), None));
    assert_eq!(told(&good, AlertId(1)), 1, "and it tells once");
}

#[tokio::test]
async fn what_a_scheduler_that_is_opened_anew_gives_again_is_told_once() {
    let good = Receiver::start(200, "").await;
    let alerting = alerting(store(&good, &good).await);
    for _ in 0..3 {
        alerting.notify(alert(1, GOOD));
        assert_eq!(done(&alerting).await, (AlertId(1), None));
    }
    assert_eq!(told(&good, AlertId(1)), 1);
}
