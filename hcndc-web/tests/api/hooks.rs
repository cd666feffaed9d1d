//! Webhooks: deliveries of outside systems, and what comes of them.

use std::{sync::Arc, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hcndc_store_mysql::SqlStore;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

const SECRET: &str = "a secret of ours";

/// A site whose webhook `orders` starts the flow `load`.
struct Site {
    bed: Bed,
    /// Of the webhook.
    id: u64,
}

fn hmac(secret: &str, bytes: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// One secret of ours, without the spaces that would make it three.
fn secret() -> String {
    SECRET.replace(' ', "-")
}

fn body(kind: &str, date: &str) -> Value {
    json!({"kind": kind, "data": {"date": date, "batch": 7}})
}

impl Site {
    async fn new(change: impl FnOnce(&mut Value)) -> Self {
        let store = SqlStore::connect("sqlite::memory:").await.unwrap();
        let bed = Bed::with_deliveries(Arc::new(store)).await;
        bed.flow("load").await;
        let mut hook = json!({
            "name": "orders", "flows": ["load"], "secret": secret(),
            "filter": [{"at": "/kind", "is": "matches", "values": ["complete*"]}],
            "date_at": "/data/date", "params": {"BATCH": "/data/batch"},
        });
        change(&mut hook);
        let made = bed.post("webhooks", &hook).await.expect(201);
        assert_eq!(made["has_secret"], hook["secret"].is_string());
        assert_eq!(made["secret"], Value::Null);
        let id = made["id"].as_u64().unwrap();
        Self { bed, id }
    }

    /// Sends a body as the standard says, signed at this time.
    async fn send_at(&self, secret: &str, delivery: &str, time: u64, body: &str) -> Answer {
        let time = time.to_string();
        let signed = format!("{delivery}.{time}.{body}");
        let tag = STANDARD.encode(hmac(secret, signed.as_bytes()));
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", delivery),
            ("webhook-timestamp", &time),
            ("webhook-signature", &format!("v1,{tag}")),
        ];
        let path = format!("/api/v1/hooks/{}", self.id);
        self.bed
            .call("POST", &path, &headers, body.to_owned())
            .await
    }

    async fn send(&self, delivery: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send_at(&secret(), delivery, seconds(), &body).await
    }

    /// Outcome, name and number of tries of what is recorded, the latest first.
    async fn recorded(&self) -> Vec<(String, String, u64)> {
        let path = format!("webhooks/{}/deliveries", self.id);
        let page = self.bed.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        let told = items.map(|it| {
            let text = |field: &str| it[field].as_str().unwrap().to_owned();
            (text("outcome"), text("name"), it["tries"].as_u64().unwrap())
        });
        told.collect()
    }

    async fn executions(&self) -> usize {
        let all = self.bed.get("executions").await.expect(200);
        all["items"].as_array().unwrap().len()
    }
}

fn row(outcome: &str, name: &str, tries: u64) -> (String, String, u64) {
    (outcome.to_owned(), name.to_owned(), tries)
}

#[tokio::test]
async fn a_delivery_starts_once_for_the_date_and_with_the_values_that_it_says() {
    let site = Site::new(|_| {}).await;
    let came = body("complete.all", "2026-11-20");
    let first = site.send("d-1", &came).await.expect(202);
    assert_eq!(first["outcome"], "started");
    assert_eq!(first["data_date"], "2026-11-20");
    assert_eq!(first["repeated"], false);
    let execution = first["execution"].as_u64().unwrap();
    let told = site
        .bed
        .get(&format!("executions/{execution}"))
        .await
        .expect(200);
    assert_eq!(told["trigger"], "webhook");
    assert_eq!(told["data_date"], "2026-11-20");
    assert_eq!(told["params"], json!({"BATCH": "7"}));
    assert_eq!(told["started_by"], "webhook orders");

    // Its sender tries again, for the answer was lost.
    let again = site.send("d-1", &came).await.expect(202);
    assert_eq!(
        (&again["execution"], &again["repeated"]),
        (&first["execution"], &json!(true))
    );
    assert_eq!(site.executions().await, 1);
    // Another one is another one, whatever it says.
    let other = site.send("d-2", &came).await.expect(202);
    assert_ne!(other["execution"], first["execution"]);
    assert_eq!(site.executions().await, 2);
    assert_eq!(
        site.recorded().await,
        [row("started", "d-2", 1), row("started", "d-1", 2)]
    );
}

#[tokio::test]
async fn what_is_not_signed_is_told_nothing_and_starts_nothing() {
    let site = Site::new(|_| {}).await;
    let came = body("complete", "2026-11-20").to_string();
    let wrong = site
        .send_at("another-secret-of-ours", "d-1", seconds(), &came)
        .await;
    let wrong = wrong.problem(401, "bad_signature");
    let old = site.send_at(&secret(), "d-2", seconds() - 301, &came).await;
    assert_eq!(old.problem(401, "bad_signature"), wrong);
    let unknown = Site {
        id: 1_000_000,
        ..site
    };
    let nobody = unknown.send_at(&secret(), "d-3", seconds(), &came).await;
    assert_eq!(nobody.problem(401, "bad_signature"), wrong);
    let plain = unknown
        .bed
        .call("POST", "/api/v1/hooks/1000000", &[], came)
        .await;
    assert_eq!(plain.problem(401, "bad_signature"), wrong);
    assert_eq!(unknown.executions().await, 0);

    let site = Site::new(|_| {}).await;
    for number in 0..15 {
        let came = body("complete", &format!("2026-11-{}", number + 10)).to_string();
        let wrong = site
            .send_at("another-secret-of-ours", "d", seconds(), &came)
            .await;
        wrong.problem(401, "bad_signature");
    }
    assert_eq!(
        site.recorded().await.len(),
        10,
        "no more are written down in a minute"
    );
    let path = format!("webhooks/{}/deliveries", site.id);
    let page = site.bed.get(&path).await.expect(200);
    assert!(
        page["items"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("not signed"),
        "{page}"
    );
    // A genuine one comes through all the same, also under the same name.
    site.send("d", &body("complete", "2026-11-20"))
        .await
        .expect(202);
}

#[tokio::test]
async fn two_secrets_are_valid_while_one_takes_the_place_of_the_other() {
    let site = Site::new(|_| {}).await;
    let came = body("complete", "2026-11-20").to_string();
    let path = format!("webhooks/{}", site.id);
    let set = async |secrets: String| {
        let patch = site
            .bed
            .write("PATCH", &path, &json!({"secret": secrets}))
            .await;
        patch.expect(200);
    };
    let (old, new) = (secret(), "the-new-secret-of-ours".to_owned());
    site.send_at(&new, "d-1", seconds(), &came)
        .await
        .problem(401, "bad_signature");
    set(format!("{old} {new}")).await;
    site.send_at(&old, "d-2", seconds(), &came)
        .await
        .expect(202);
    site.send_at(&new, "d-3", seconds(), &came)
        .await
        .expect(202);
    set(new.clone()).await;
    site.send_at(&old, "d-4", seconds(), &came)
        .await
        .problem(401, "bad_signature");
    site.send_at(&new, "d-5", seconds(), &came)
        .await
        .expect(202);
    for bad in [
        "short",
        "0123456789abcdef 0123456789abcdef 0123456789abcdef",
    ] {
        let patch = site
            .bed
            .write("PATCH", &path, &json!({"secret": bad}))
            .await;
        let problem = patch.problem(400, "bad_body");
        assert_eq!(problem["faults"][0]["code"], "bad_secret");
    }
    // An edit that says nothing of the secret leaves it.
    site.bed
        .write("PATCH", &path, &json!({"description": "x"}))
        .await
        .expect(200);
    site.send_at(&new, "d-6", seconds(), &came)
        .await
        .expect(202);
    // And one that takes it away lets nobody in.
    set(String::new()).await;
    site.send_at("", "d-7", seconds(), &came)
        .await
        .problem(401, "bad_signature");
}

#[tokio::test]
async fn what_does_not_fit_is_recorded_with_its_reason() {
    let site = Site::new(|_| {}).await;
    let filtered = site
        .send("d-1", &body("open", "2026-11-20"))
        .await
        .expect(200);
    assert_eq!(
        (&filtered["outcome"], &filtered["execution"]),
        (&json!("filtered"), &Value::Null)
    );
    assert!(
        filtered["reason"].as_str().unwrap().contains("\"/kind\""),
        "{filtered}"
    );
    let missing = site.send("d-2", &json!({"kind": "complete"})).await;
    let missing = missing.problem(422, "delivery_refused");
    assert!(
        missing["detail"].as_str().unwrap().contains("/data/date"),
        "{missing}"
    );
    let date = site.send("d-3", &body("complete", "20.11.2026")).await;
    date.problem(422, "delivery_refused");
    let text = site
        .send_at(&secret(), "d-4", seconds(), "kind=complete")
        .await;
    text.problem(422, "delivery_refused");
    let large = json!({"kind": "x".repeat(256 << 10)});
    site.send("d-5", &large)
        .await
        .problem(413, "body_too_large");
    let path = format!("webhooks/{}", site.id);
    let off = site
        .bed
        .write("PATCH", &path, &json!({"enabled": false}))
        .await;
    off.expect(200);
    let came = body("complete", "2026-11-20");
    site.send("d-6", &came)
        .await
        .problem(409, "webhook_disabled");
    site.bed
        .write("PATCH", &path, &json!({"enabled": true}))
        .await
        .expect(200);
    let flow = site.bed.get("flows").await.expect(200)["items"][0].clone();
    let flow = format!("flows/{}", flow["id"]);
    site.bed
        .write("PATCH", &flow, &json!({"enabled": false}))
        .await
        .expect(200);
    site.send("d-7", &came)
        .await
        .problem(422, "delivery_refused");
    assert_eq!(site.executions().await, 0);
    let refused = |name| row("refused", name, 1);
    assert_eq!(
        site.recorded().await,
        [
            refused("d-7"),
            refused("d-6"),
            refused("d-4"),
            refused("d-3"),
            refused("d-2"),
            row("filtered", "d-1", 1)
        ]
    );
    // What started nothing may be sent again once it can.
    site.bed
        .write("PATCH", &flow, &json!({"enabled": true}))
        .await
        .expect(200);
    site.send("d-7", &came).await.expect(202);
    assert_eq!(site.recorded().await[0], row("started", "d-7", 2));
    // The same id with another body is no repetition; it tells what the first one started.
    let again = site
        .send("d-7", &body("complete", "2026-11-19"))
        .await
        .expect(202);
    assert_eq!(again["data_date"], "2026-11-20");
    assert_eq!(site.executions().await, 1);

    let gone = site.bed.delete(&flow).await.problem(409, "in_use");
    assert_eq!(gone["faults"][0]["users"], json!(["webhook orders"]));
    let zh = [("accept-language", "zh")];
    let path = format!("/api/v1/webhooks/{}/deliveries", site.id);
    let told = site.bed.call("GET", &path, &zh, "").await.expect(200);
    let reasons = told["items"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons.filter_map(|it| it["reason"].as_str()).collect();
    assert!(
        reasons.iter().any(|it| it.contains("未启用")),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_body_that_is_signed_as_github_does_is_known_by_its_delivery_or_by_itself() {
    let site = Site::new(|hook| {
        hook["scheme"] = "body".into();
        hook["date_at"] = Value::Null;
        hook["zone"] = "Asia/Shanghai".into();
    })
    .await;
    let send = async |delivery: Option<&str>, came: &Value| {
        let came = came.to_string();
        let tag = hmac(&secret(), came.as_bytes());
        let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = format!("sha256={tag}");
        let mut headers = vec![("x-hub-signature-256", tag.as_str())];
        headers.extend(delivery.map(|it| ("x-github-delivery", it)));
        let path = format!("/api/v1/hooks/{}", site.id);
        site.bed
            .call("POST", &path, &headers, came)
            .await
            .expect(202)["execution"]
            .clone()
    };
    let came = body("complete", "whenever");
    let first = send(Some("d-1"), &came).await;
    assert_eq!(send(Some("d-1"), &came).await, first);
    assert_ne!(send(Some("d-2"), &came).await, first);
    let nameless = send(None, &came).await;
    assert_eq!(send(None, &came).await, nameless);
    assert_ne!(send(None, &body("complete", "later")).await, nameless);
    assert_eq!(site.executions().await, 4);
}

#[tokio::test]
async fn a_delivery_is_known_by_what_it_started_when_its_record_is_gone() {
    // No deliveries are kept here: as after a restart of a server whose records are gone.
    let bed = Bed::new().await;
    bed.flow("load").await;
    let hook = json!({"name": "orders", "flows": ["load"], "secret": secret()});
    let made = bed.post("webhooks", &hook).await.expect(201);
    let id = made["id"].as_u64().unwrap();
    let site = Site { bed, id };
    let first = site.send("d-1", &json!({})).await.expect(202);
    let again = site.send("d-1", &json!({})).await.expect(202);
    assert_eq!(
        (&again["execution"], &again["repeated"]),
        (&first["execution"], &json!(true))
    );
    site.send("d-1", &json!({"a": 1}))
        .await
        .problem(422, "delivery_refused");
    assert_eq!(site.executions().await, 1);
}

#[tokio::test]
async fn a_sample_tells_what_would_come_of_it_and_starts_nothing() {
    let site = Site::new(|_| {}).await;
    let path = format!("webhooks/{}/test", site.id);
    let test = async |came: Value| {
        site.bed
            .post(&path, &json!({"body": came}))
            .await
            .expect(200)
    };
    let good = test(body("complete", "2026-11-20")).await;
    assert_eq!(
        good,
        json!({"outcome": "started", "reason": null, "flows": ["load"], "data_date": "2026-11-20", "params": {"BATCH": "7"}})
    );
    let filtered = test(body("open", "2026-11-20")).await;
    assert_eq!(
        (&filtered["outcome"], &filtered["flows"]),
        (&json!("filtered"), &json!([]))
    );
    assert_eq!(
        test(json!({"kind": "complete"})).await["outcome"],
        "refused"
    );
    assert_eq!(site.executions().await, 0);
    assert_eq!(site.recorded().await, []);
    site.bed
        .post("webhooks/1000000/test", &json!({"body": {}}))
        .await
        .problem(404, "unknown_webhook");
    site.bed
        .get("webhooks/1000000/deliveries")
        .await
        .problem(404, "unknown_webhook");
}

#[tokio::test]
async fn no_more_than_so_many_come_through_in_a_minute() {
    let site = Site::new(|_| {}).await;
    let open = body("open", "2026-11-20");
    let mut taken = 0;
    let slow = loop {
        let answer = site.send(&format!("d-{taken}"), &open).await;
        match answer.status {
            200 => taken += 1,
            _ => break answer,
        }
    };
    slow.problem(429, "too_many_deliveries");
    assert!(slow.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!((600..1_200).contains(&taken), "{taken}");
}
