//! What a change would be refused with, asked while it is written.

use serde_json::{Value, json};

use crate::bed::Bed;

async fn problem(bed: &Bed, draft: Value) -> Value {
    let told = bed.post("drafts/check", &draft).await.expect(200);
    told["problem"].clone()
}

/// Field and code of each fault.
fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let faults = problem["faults"].as_array().unwrap().iter();
    let faults = faults.map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()));
    faults.collect()
}

#[tokio::test]
async fn a_change_that_would_be_done_has_no_problem_and_is_not_done() {
    let bed = Bed::two_flows().await;
    let drafts = [
        json!({"kind": "pools", "put": {"name": "narrow", "slots": 1}}),
        json!({"kind": "jobs", "put": {"flow": "extract", "name": "sum", "command": "true", "depends_on": ["load/orders"]}}),
        json!({"kind": "flows", "target": "extract", "put": {"name": "renamed", "directory": "/a"}}),
        json!({"kind": "jobs", "target": "load/orders", "delete": true}),
    ];
    for draft in drafts {
        assert_eq!(problem(&bed, draft.clone()).await, Value::Null, "{draft}");
    }
    assert_eq!(bed.get("pools").await.expect(200)["items"], json!([]));
    let flows = bed.get("flows?text=renamed").await.expect(200);
    assert_eq!(flows["items"], json!([]));
}

#[tokio::test]
async fn each_fault_is_told_at_the_field_of_the_body_as_saving_would() {
    let bed = Bed::two_flows().await;
    let pool = json!({"name": "narrow", "slots": 0, "directory": "none"});
    let told = problem(&bed, json!({"kind": "pools", "put": pool})).await;
    let refused = bed.post("pools", &pool).await.problem(400, "bad_body");
    assert_eq!(told["code"], "bad_body");
    assert_eq!(faults(&told), faults(&refused));
    assert_eq!(
        faults(&told),
        [("slots", "out_of_range"), ("directory", "bad_directory")]
    );

    // What is wrong with the body alone, and where it stands in it.
    let job = json!({"flow": "extract", "name": "sum", "command": "true", "retry": {"max": 1, "backoff": 0.5}, "timeout": "soon"});
    let told = problem(&bed, json!({"kind": "jobs", "put": job})).await;
    assert_eq!(told["code"], "bad_body");
    let flow = json!({"name": "a/b", "directory": "none"});
    let told = problem(&bed, json!({"kind": "flows", "put": flow})).await;
    let refused = bed
        .post("flows", &flow)
        .await
        .problem(422, "bad_definition");
    assert_eq!(told["faults"], refused["faults"]);
    let job = json!({"flow": "extract", "name": "sum", "command": "true", "retry": {"max": 1, "backoff": 0.5}});
    let told = problem(&bed, json!({"kind": "jobs", "put": job})).await;
    assert_eq!(faults(&told)[0].0, "retry.backoff");
    let channel = json!({"kind": "alert-channels", "put": {"name": "mail", "kind": "email", "settings": {"host": "mail"}}});
    let told = problem(&bed, channel).await;
    assert!(
        faults(&told)
            .iter()
            .any(|(field, _)| *field == "settings.to"),
        "{told}"
    );
    let cron = json!({"kind": "schedules", "put": {"name": "n", "flow": "extract", "trigger": "61 * * * *"}});
    let told = problem(&bed, cron).await;
    assert_eq!(faults(&told)[0].0, "trigger");

    // What only the others show: a name that is taken, and circles.
    let taken =
        json!({"kind": "flows", "target": "load", "put": {"name": "extract", "parents": []}});
    assert_eq!(problem(&bed, taken).await["code"], "name_taken");
    let circle = json!({"kind": "jobs", "target": "extract/orders", "patch": {"depends_on": ["load/orders"]}});
    let told = problem(&bed, circle).await;
    assert_eq!(faults(&told), [("", "cycle")]);
    let stale = json!({"kind": "flows", "target": "load", "put": {"name": "load", "version": 99}});
    assert_eq!(problem(&bed, stale).await["code"], "stale");
}

#[tokio::test]
async fn what_is_no_change_is_refused() {
    let bed = Bed::two_flows().await;
    let told = problem(&bed, json!({"kind": "nonsense", "delete": true})).await;
    assert_eq!(faults(&told)[0].0, "kind");
    let gone = json!({"kind": "jobs", "target": "load/none", "patch": {"priority": 1}});
    assert_eq!(faults(&problem(&bed, gone).await)[0].0, "target");
    bed.post("drafts/check", &json!({"put": {}}))
        .await
        .problem(400, "bad_body");
}
