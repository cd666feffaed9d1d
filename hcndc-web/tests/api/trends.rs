//! How long things take, day by day and run by run.

use serde_json::{Value, json};

use crate::bed::Bed;

#[tokio::test]
async fn days_and_flows_are_told_with_what_they_took() {
    let bed = Bed::two_flows().await;
    let run = async |exit| {
        let id = bed.start(&["extract"]).await;
        bed.hand.finish("extract/orders", exit).await;
        let state = if exit == 0 { "succeeded" } else { "failed" };
        bed.reaches(id, state).await;
        id
    };
    let first = run(0).await;
    let failed = run(1).await;
    let runs = bed.start(&["extract", "load"]).await;
    let told = bed.get("trends?days=2").await.expect(200);
    assert_eq!(told["zone"], "UTC");
    let days = told["days"].as_array().unwrap();
    assert_eq!(days.len(), 2);
    // Around midnight they are of both days.
    let count = |state: &str| -> u64 {
        let counts = days.iter().map(|day| &day["executions"][state]);
        counts.filter_map(Value::as_u64).sum()
    };
    assert_eq!(
        (count("succeeded"), count("failed"), count("running")),
        (1, 1, 1)
    );
    let with = days.iter().find(|day| !day["median_ms"].is_null()).unwrap();
    assert!(with["p95_ms"].as_u64() >= with["median_ms"].as_u64());
    assert!(with["last_end"].is_string());
    assert_eq!(told["flows"][0]["flow"]["name"], "extract");
    bed.get("trends?days=91").await.problem(400, "bad_query");

    let id = &told["flows"][0]["flow"]["id"];
    let trend = bed.get(&format!("flows/{id}/trend")).await.expect(200);
    let states: Vec<_> = trend["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["execution"].as_u64().unwrap(),
                it["state"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [(first, "succeeded"), (failed, "failed"), (runs, "running")];
    assert_eq!(states, expected);
    assert_eq!(trend["slower"], Value::Null);
    assert!(trend["median_ms"].is_u64());
    let one = bed
        .get(&format!("flows/{id}/trend?runs=1"))
        .await
        .expect(200);
    assert_eq!(one["runs"][0]["execution"], runs);
    // The one that waits for the other has not begun.
    let load = bed.get("flows?text=load").await.expect(200)["items"][0]["id"].clone();
    let trend = bed.get(&format!("flows/{load}/trend")).await.expect(200);
    assert_eq!(trend["runs"][0]["execution"], runs);
    assert_eq!(trend["median_ms"], Value::Null);
    bed.get("flows/999/trend")
        .await
        .problem(404, "unknown_flow");
}

#[tokio::test]
async fn all_of_today_are_counted_however_many_there_are() {
    let bed = Bed::two_flows().await;
    for _ in 0..3 {
        let id = bed.start(&["extract"]).await;
        bed.hand.finish("extract/orders", 0).await;
        bed.reaches(id, "succeeded").await;
    }
    let seen = bed.get("overview").await.expect(200);
    // Around midnight some are yesterday's.
    let counted = seen["today"]["executions"]["succeeded"].as_u64();
    let since = seen["today"]["since"].as_str().unwrap();
    let midnight = since.ends_with("T00:00:00.000000Z");
    assert!(midnight && counted.is_none_or(|it| it <= 3), "{seen}");
    let told = bed.get("trends?days=2").await.expect(200);
    let days = told["days"].as_array().unwrap().iter();
    let all: u64 = days
        .filter_map(|day| day["executions"]["succeeded"].as_u64())
        .sum();
    assert_eq!(all, 3);
}

#[tokio::test]
async fn deadlines_that_were_missed_are_told() {
    let bed = Bed::two_flows().await;
    assert_eq!(bed.get("overview").await.expect(200)["late"], json!([]));
    // Whatever fires on a day is later than its beginning.
    let body = json!({"name": "watched", "flow": "extract", "trigger": {"every": "1s"}, "zone": "UTC",
                      "finish_by": "00:00"});
    bed.post("schedules", &body).await.expect(201);
    let mut events = bed.stream("events?from=0", &[]).await;
    let late = loop {
        let seen = bed.get("overview").await.expect(200);
        if seen["late"] != json!([]) {
            break seen["late"][0].clone();
        }
        events.event().await;
    };
    let told = (&late["name"], &late["what"], &late["state"]);
    assert_eq!(
        told,
        (&json!("watched"), &json!("finish"), &json!("missed"))
    );
    assert_eq!(late["flow"]["name"], "extract");
    assert!(
        late["by"].as_str().unwrap().ends_with("T00:00:00.000000Z"),
        "{late}"
    );
}
