//! Several jobs of a flow as one edit.

use serde_json::{Value, json};

use crate::bed::Bed;

/// The jobs of a flow, each with what it waits for.
async fn jobs(bed: &Bed, flow: &str) -> Vec<(String, Value)> {
    let page = bed
        .get(&format!("jobs?flow={flow}&sort=name"))
        .await
        .expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|it| {
            let name = it["name"].as_str().unwrap().to_owned();
            (name, it["depends_on"].clone())
        })
        .collect()
}

/// A flow `a` with `x`, and `y` that waits for it. Their ids, and the path of edits.
async fn pair(bed: &Bed) -> (u64, u64, String) {
    let flow = bed.flow("a").await;
    let x = bed.job("a/x", &[]).await;
    let y = bed.job("a/y", &["x"]).await;
    (x, y, format!("flows/{flow}/jobs"))
}

#[tokio::test]
async fn jobs_are_made_changed_and_deleted_at_once() {
    let bed = Bed::new().await;
    let (x, y, path) = pair(&bed).await;
    // `x` goes, what waited for it waits for a new job by its name, and that for one which gets another name.
    let z = bed.job("a/z", &[]).await;
    let body = json!({
        "create": [{"name": "new", "command": "true", "depends_on": [{"job": z, "on": "done"}]}],
        "change": [
            {"id": y, "version": 1, "set": {"depends_on": ["new"], "priority": 7}},
            {"id": z, "set": {"name": "x"}},
        ],
        "delete": [{"id": x, "version": 1}],
    });
    let dry = bed.post(&format!("{path}?dry_run=true"), &body).await;
    assert_eq!(
        dry.expect(200),
        json!({"dry_run": true, "created": [], "changed": 2, "deleted": 1})
    );
    assert_eq!(jobs(&bed, "a").await[0], ("x".to_owned(), json!([])));

    let done = bed.post(&path, &body).await.expect(200);
    assert_eq!((&done["changed"], &done["deleted"]), (&json!(2), &json!(1)));
    assert_eq!(
        jobs(&bed, "a").await,
        [
            ("new".to_owned(), json!([{"job": "x", "on": "done"}])),
            ("x".to_owned(), json!([])),
            ("y".to_owned(), json!(["new"])),
        ]
    );
    let made = bed.get(&format!("jobs/{}", done["created"][0])).await;
    assert_eq!(made.expect(200)["name"], "new");
    let changed = bed.get(&format!("jobs/{y}")).await.expect(200);
    assert_eq!(
        (&changed["priority"], &changed["command"]),
        (&json!(7), &json!("true"))
    );
    bed.get(&format!("jobs/{x}"))
        .await
        .problem(404, "unknown_job");
}

#[tokio::test]
async fn names_may_change_under_what_waits_for_them() {
    let bed = Bed::new().await;
    let (x, y, path) = pair(&bed).await;
    let body = json!({"change": [
        {"id": x, "set": {"name": "y"}},
        {"id": y, "set": {"name": "x", "priority": 1}},
    ]});
    bed.post(&path, &body).await.expect(200);
    assert_eq!(
        jobs(&bed, "a").await,
        [("x".to_owned(), json!(["y"])), ("y".to_owned(), json!([]))]
    );
}

#[tokio::test]
async fn a_field_is_replaced_as_a_whole() {
    let bed = Bed::new().await;
    let (x, _, path) = pair(&bed).await;
    let params = json!({"params": {"a": "1", "b": "2"}, "env": {"A": "1"}, "timeout": "1h"});
    let one = format!("jobs/{x}");
    bed.write("PATCH", &one, &params).await.expect(200);
    let set = json!({"params": {"b": "2", "a": "1"}, "env": {"B": "2"}, "timeout": null});
    let body = json!({"change": [{"id": x, "version": 2, "set": set}]});
    bed.post(&path, &body).await.expect(200);
    let job = bed.get(&one).await.expect(200);
    assert_eq!(job["params"].to_string(), r#"{"b":"2","a":"1"}"#);
    assert_eq!(job["env"], json!({"B": "2"}));
    assert_eq!(
        (&job["timeout"], &job["version"]),
        (&json!(null), &json!(3))
    );
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let bed = Bed::new().await;
    let (x, y, path) = pair(&bed).await;
    let theirs = json!({"command": "echo theirs"});
    bed.write("PATCH", &format!("jobs/{x}"), &theirs)
        .await
        .expect(200);
    let body = json!({"change": [
        {"id": y, "version": 1, "set": {"name": "yy"}},
        {"id": x, "version": 1, "set": {"name": "xx"}},
    ]});
    let refused = bed.post(&path, &body).await;
    let problem = refused.problem(409, "stale");
    let fault = &problem["faults"][0];
    assert_eq!(
        (&fault["subject"]["name"], &fault["current_version"]),
        (&json!("xx"), &json!(2))
    );
    // All or nothing.
    assert_eq!(jobs(&bed, "a").await[1].0, "y");
    bed.delete(&format!("jobs/{y}")).await;
    let gone = bed.post(&path, &body).await;
    gone.problem(404, "unknown_job");
}

#[tokio::test]
async fn a_circle_is_refused_and_told_by_its_names_also_through_another_flow() {
    let bed = Bed::new().await;
    let (x, _, path) = pair(&bed).await;
    let body = json!({"change": [{"id": x, "set": {"depends_on": ["y"]}}]});
    for query in ["?dry_run=true", ""] {
        let refused = bed.post(&format!("{path}{query}"), &body).await;
        let problem = refused.problem(422, "bad_definition");
        let fault = &problem["faults"][0];
        assert_eq!(fault["code"], "cycle");
        assert_eq!(fault["cycle"], json!(["a/x", "a/y", "a/x"]));
    }
    bed.flow("b").await;
    let z = bed.job("b/z", &["a/y"]).await;
    let body = json!({"change": [{"id": x, "set": {"depends_on": [z]}}]});
    let problem = bed.post(&path, &body).await.problem(422, "bad_definition");
    assert_eq!(
        problem["faults"][0]["cycle"],
        json!(["a/x", "a/y", "b/z", "a/x"])
    );
}

#[tokio::test]
async fn faults_are_told_with_their_places_all_at_once() {
    let bed = Bed::new().await;
    let (x, y, path) = pair(&bed).await;
    let body = json!({
        "create": [{"name": "n", "command": "true", "success_codes": []}],
        "change": [
            {"id": x, "set": {"retry": {"max": 1, "backoff": 1000}}},
            {"id": y, "set": {"comand": "true"}},
        ],
    });
    let problem = bed.post(&path, &body).await.problem(400, "bad_body");
    let faults = problem["faults"].as_array().unwrap();
    let fields: Vec<&str> = faults
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "create[0].success_codes",
            "change[0].set.retry.backoff",
            "change[1].set.comand"
        ]
    );
    let body = json!({"create": [{"name": "n"}]});
    bed.post(&path, &body).await.problem(400, "bad_body");
    let body = json!({"delete": [{"id": x}]});
    bed.post(&path, &body).await.problem(409, "in_use");
    let body = json!({"create": [{"name": "x", "command": "true"}]});
    bed.post(&path, &body).await.problem(409, "name_taken");
    let empty = bed.post(&path, &json!({})).await.expect(200);
    assert_eq!(empty["changed"], 0);
}

#[tokio::test]
async fn only_jobs_of_the_flow_are_meant() {
    let bed = Bed::new().await;
    let (_, _, path) = pair(&bed).await;
    bed.flow("b").await;
    let other = bed.job("b/z", &[]).await;
    for body in [
        json!({"delete": [{"id": other}]}),
        json!({"change": [{"id": other, "set": {"name": "y"}}]}),
    ] {
        bed.post(&path, &body).await.problem(404, "unknown_job");
    }
    let body = json!({"create": [{"flow": "b", "name": "n", "command": "true"}]});
    let problem = bed.post(&path, &body).await.problem(400, "bad_body");
    assert_eq!(problem["faults"][0]["field"], "create[0].flow");
    bed.post("flows/9999/jobs", &json!({}))
        .await
        .problem(404, "unknown_flow");
}

#[tokio::test]
async fn a_new_name_with_a_slash_is_known_to_the_others() {
    let bed = Bed::new().await;
    let (_, y, path) = pair(&bed).await;
    bed.flow("b").await;
    bed.job("b/z", &[]).await;
    let body = json!({
        "create": [{"name": "b/z", "command": "true"}],
        "change": [{"id": y, "set": {"depends_on": ["b/z"]}}],
    });
    bed.post(&path, &body).await.expect(200);
    let flow = bed.get(&format!("jobs/{y}")).await.expect(200)["flow"]["id"].clone();
    let graph = bed
        .get(&format!("graphs/flows/{flow}/jobs"))
        .await
        .expect(200);
    let nodes = graph["nodes"].as_array().unwrap();
    assert!(nodes.iter().all(|it| it["outside"].is_null()), "{graph}");
}
