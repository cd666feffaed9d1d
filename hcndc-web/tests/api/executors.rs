use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn an_executor_is_made_told_changed_and_deleted() {
    let bed = Bed::empty().await;
    let body =
        json!({"name": "etl-1", "address": "etl-1.example.com:7890", "labels": {"zone": "a"}});
    let made = bed.post("executors", &body).await;
    let executor = made.expect(201);
    let path = format!("executors/{}", executor["id"]);
    assert_eq!(made.header("location"), format!("/api/v1/{path}"));
    assert_eq!(executor["slots"], 8);
    let patched = bed
        .write("PATCH", &path, &json!({"slots": 3}))
        .await
        .expect(200);
    assert_eq!(patched["slots"], 3);
    assert_eq!(patched["labels"], json!({"zone": "a"}));
    let put = json!({"name": "etl-1", "address": "local"});
    let put = bed.write("PUT", &path, &put).await.expect(200);
    assert_eq!(put["labels"], json!({}));
    assert_eq!(put["version"], 3);
    assert_eq!(bed.delete(&path).await.status, 204);
    for method in ["PUT", "PATCH"] {
        bed.write(method, &path, &body)
            .await
            .problem(404, "unknown_executor");
    }
    bed.get(&path).await.problem(404, "unknown_executor");
    bed.delete(&path).await.problem(404, "unknown_executor");
}

#[tokio::test]
async fn an_executor_is_told_with_its_health() {
    let bed = Bed::new().await;
    let away = json!({"name": "away", "address": "away.example.com:7890", "enabled": false});
    bed.post("executors", &away).await.expect(201);
    bed.flow("f").await;
    bed.job("f/j", &[]).await;
    bed.start(&["f"]).await;
    bed.hand.start("f/j").await;
    let page = bed.get("executors?sort=name").await.expect(200);
    let [away, here] = page["items"].as_array().unwrap().as_slice() else {
        panic!("{page}")
    };
    assert_eq!(away["health"]["online"], false);
    assert_eq!(away["health"]["trouble"], "nobody listens");
    assert_eq!(here["health"]["online"], true);
    assert_eq!(here["health"]["slots_used"], 1);
    assert_eq!(here["health"]["attempts"], 1);
    assert_eq!(here["health"]["program_version"], "1.2.3");
    let enabled = bed.get("executors?enabled=true&text=ere").await.expect(200);
    assert_eq!(enabled["items"].as_array().unwrap().len(), 1);

    let path = format!("executors/{}", here["id"]);
    let problem = bed.delete(&path).await.problem(409, "in_use");
    assert_eq!(
        problem["faults"][0]["users"],
        json!(["attempts that run there"])
    );
}

#[tokio::test]
async fn bad_executors_are_refused_with_their_fields() {
    let bed = Bed::new().await;
    for (body, status, code, field) in [
        (
            json!({"name": "x", "address": "nowhere"}),
            400,
            "bad_body",
            "address",
        ),
        (
            json!({"name": "x", "address": "a:0"}),
            400,
            "bad_body",
            "address",
        ),
        (
            json!({"name": "here", "address": "local"}),
            409,
            "name_taken",
            "name",
        ),
        (
            json!({"name": "x", "address": "local"}),
            409,
            "address_taken",
            "address",
        ),
        (
            json!({"name": "x", "address": "far:1", "slots": 0}),
            422,
            "bad_definition",
            "slots",
        ),
        (
            json!({"name": " x", "address": "far:1"}),
            422,
            "bad_definition",
            "name",
        ),
    ] {
        let problem = bed.post("executors", &body).await.problem(status, code);
        assert_eq!(problem["faults"][0]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_test_of_an_executor_says_who_it_is_or_what_is_wrong() {
    let bed = Bed::new().await;
    let away = json!({"name": "away", "address": "away.example.com:7890"});
    let away = bed.post("executors", &away).await.expect(201);
    let path = format!("executors/{}/test", away["id"]);
    let told = bed.post(&path, &json!({})).await.expect(200);
    assert_eq!(
        (&told["reached"], &told["fault"]),
        (&json!(false), &json!("refused"))
    );
    assert_eq!(
        told["detail"],
        "away.example.com:7890 refuses the connection"
    );
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("nothing listens there")
    );
    let page = bed.get("executors?text=here").await.expect(200);
    let path = format!("executors/{}/test", page["items"][0]["id"]);
    let told = bed.post(&path, &json!({})).await.expect(200);
    assert_eq!(
        (&told["reached"], &told["fault"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(
        (&told["program_version"], &told["protocol"]),
        (&json!("1.2.3"), &json!("1.2"))
    );
    bed.post("executors/999/test", &json!({}))
        .await
        .problem(404, "unknown_executor");
}
