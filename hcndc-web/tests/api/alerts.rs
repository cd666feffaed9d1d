//! Alerts over the API: what is listed, and who takes care of it.

use serde_json::{Value, json};

use crate::bed::Bed;

/// A server of which all failures are told, and escalated after ten minutes; with an execution that has failed.
async fn failed() -> (Bed, u64) {
    let bed = Bed::two_flows().await;
    let boss =
        json!({"name": "boss", "kind": "webhook", "settings": {"url": "http://127.0.0.1:1/"}});
    bed.post("alert-channels", &boss).await.expect(201);
    let rule = json!({
        "name": "night", "default": true, "events": ["job_failed", "execution_failed", "execution_succeeded"],
        "escalation": {"after": "10m", "channels": ["boss"]},
    });
    let rule = bed.post("alert-rules", &rule).await.expect(201);
    assert_eq!(
        rule["escalation"],
        json!({"after": "10m", "channels": ["boss"]})
    );
    let execution = bed.start(&["extract"]).await;
    bed.hand.finish("extract/orders", 3).await;
    bed.reaches(execution, "failed").await;
    (bed, execution)
}

async fn listed(bed: &Bed, query: &str) -> Vec<Value> {
    let page = bed.get(&format!("alerts{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn ids(alerts: &[Value]) -> Vec<u64> {
    let ids = alerts.iter().map(|it| it["id"].as_u64().unwrap());
    ids.collect()
}

#[tokio::test]
async fn alerts_are_told_with_what_they_are_about_and_found_by_it() {
    let (bed, execution) = failed().await;
    let all = listed(&bed, "?sort=id").await;
    let told: Vec<_> = all
        .iter()
        .map(|it| {
            (
                it["event"].as_str().unwrap(),
                it["subject"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("job_failed", "extract/orders"),
            ("execution_failed", "extract")
        ]
    );
    for alert in &all {
        assert_eq!(alert["acknowledged_at"], Value::Null);
        assert!(alert["escalate_at"].is_string(), "{alert}");
    }
    let both = ids(&all);
    for (query, expected) in [
        (format!("?execution={execution}&sort=id"), &both[..]),
        ("?event=job_failed".into(), &both[..1]),
        ("?event=execution_failed,executor_lost".into(), &both[1..]),
        ("?acknowledged=true".into(), &[]),
        ("?acknowledged=false&sort=id".into(), &both),
        (format!("?id={}", both[1]), &both[1..]),
        ("?id=999".into(), &[]),
    ] {
        assert_eq!(ids(&listed(&bed, &query).await), expected, "{query}");
    }
    let one = bed.get(&format!("alerts/{}", both[0])).await.expect(200);
    assert_eq!(one, all[0]);
    bed.get("alerts/999").await.problem(404, "unknown_alert");
    bed.get("alerts?event=nothing")
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn who_acknowledges_first_stays_and_all_or_none_are_acknowledged() {
    let (bed, _) = failed().await;
    let both = ids(&listed(&bed, "?sort=id").await);
    let body = json!({"ids": [both[0], 999]});
    bed.post("alerts/acknowledge", &body)
        .await
        .problem(404, "unknown_alert");
    assert_eq!(listed(&bed, "?acknowledged=true").await.len(), 0);
    let body = json!({"ids": [both[0]]});
    let done = bed.post("alerts/acknowledge", &body).await.expect(200);
    let first = done["items"][0].clone();
    assert_eq!(first["id"], both[0]);
    assert!(first["acknowledged_at"].is_string());
    assert!(first["acknowledged_by"].is_string());
    assert_eq!(first["escalate_at"], Value::Null);
    let body = json!({"ids": both});
    let done = bed.post("alerts/acknowledge", &body).await.expect(200);
    assert_eq!(done["items"][0], first, "who was first stays");
    assert!(done["items"][1]["acknowledged_at"].is_string());
    assert_eq!(listed(&bed, "?acknowledged=false").await.len(), 0);
    let none = bed.post("alerts/acknowledge", &json!({})).await.expect(200);
    assert_eq!(none, json!({"items": []}));
    let many: Vec<u64> = (0..1_001).collect();
    let refused = bed.post("alerts/acknowledge", &json!({"ids": many})).await;
    let refused = refused.problem(400, "bad_body");
    assert_eq!(refused["faults"][0]["field"], "ids");
}

#[tokio::test]
async fn who_goes_on_with_an_execution_acknowledges_what_was_told_of_it() {
    let (bed, execution) = failed().await;
    bed.post(&format!("executions/{execution}/resume"), &json!({}))
        .await
        .expect(200);
    let all = listed(&bed, "?sort=id").await;
    assert!(
        all.iter().all(|it| it["acknowledged_by"].is_string()),
        "{all:#?}"
    );
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(execution, "succeeded").await;
    let overview = bed.get("overview").await.expect(200);
    assert_eq!(overview["alerts"], json!([]), "good news asks for nobody");
    assert_eq!(listed(&bed, "?acknowledged=false").await.len(), 1);
}
