use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn a_job_is_told_as_a_mesh_file_would() {
    let bed = Bed::new().await;
    bed.flow("extract").await;
    let load = bed.flow("load").await;
    bed.job("extract/orders", &[]).await;
    let first = bed.job("load/first", &[]).await;
    let body = json!({
        "flow": load, "name": "orders", "command": "sh load.sh ${date}",
        "depends_on": ["extract/orders", {"job": "first", "on": "done"}],
        "params": {"z": 1, "a": "x"}, "env": {"A": "1"}, "success_codes": [3, 0],
        "retry": {"max": 2, "delay": "10s", "backoff": 1.5, "cap": 90}, "timeout": "1h30m",
        "priority": -3, "slots": 2, "labels": {"zone": "a"}, "workdir": "sub",
        "pool_slots": 3, "expected": "40m",
    });
    let made = bed.post("jobs", &body).await;
    let job = made.expect(201);
    let path = format!("jobs/{}", job["id"]);
    assert_eq!(made.header("location"), format!("/api/v1/{path}"));
    assert_eq!(job["flow"], json!({"id": load, "name": "load"}));
    assert_eq!(
        job["depends_on"],
        json!(["extract/orders", {"job": "first", "on": "done"}])
    );
    assert_eq!(
        job["retry"],
        json!({"max": 2, "delay": "10s", "backoff": 1.5, "cap": "1m30s"})
    );
    assert_eq!(job["timeout"], "1h30m");
    assert_eq!(
        (&job["pool"], &job["pool_slots"]),
        (&json!(null), &json!(3))
    );
    assert_eq!(job["expected"], "40m");
    assert_eq!(job["success_codes"], json!([0, 3]));
    assert_eq!(job["params"].to_string(), r#"{"z":"1","a":"x"}"#);
    assert_eq!(job["executor"], json!(null));
    assert_eq!(job["labels"], json!({"zone": "a"}));
    assert_eq!(bed.get(&path).await.expect(200), job);

    let patch = json!({"labels": null, "executor": "here", "timeout": null, "depends_on": [first]});
    let patched = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!(patched["executor"], "here");
    assert_eq!(patched["labels"], json!({}));
    assert_eq!(patched["timeout"], json!(null));
    assert_eq!(patched["depends_on"], json!(["first"]));
    assert_eq!(patched["retry"], job["retry"]);

    let put = json!({"name": "orders", "command": "true"});
    let put = bed.write("PUT", &path, &put).await.expect(200);
    assert_eq!(put["retry"], json!(null));
    assert_eq!(put["version"], 3);
    assert_eq!(bed.delete(&path).await.status, 204);
    bed.get(&path).await.problem(404, "unknown_job");
}

#[tokio::test]
async fn a_job_may_wait_for_the_day_before() {
    let bed = Bed::new().await;
    bed.flow("a").await;
    let job = bed.job("a/x", &[]).await;
    let path = format!("jobs/{job}");
    let ties = json!([
        {"job": "x", "on": "success", "offset_days": -1, "wait_limit": "4h"},
        {"job": "x", "on": "done", "offset_days": -7},
    ]);
    let patched = bed
        .write("PATCH", &path, &json!({"depends_on": ties}))
        .await
        .expect(200);
    // Sorted by the date that is asked for.
    let sorted = json!([ties[1], ties[0]]);
    assert_eq!(patched["depends_on"], sorted);
    let other = json!({"description": "the same otherwise"});
    let patched = bed.write("PATCH", &path, &other).await.expect(200);
    assert_eq!(patched["depends_on"], sorted);
    let far = json!({"depends_on": [{"job": "x", "offset_days": 400}]});
    let refused = bed.write("PATCH", &path, &far).await;
    refused.problem(422, "bad_definition");
}

#[tokio::test]
async fn a_name_with_a_slash_means_a_job_of_its_own_flow_first() {
    let bed = Bed::new().await;
    bed.flow("a").await;
    bed.flow("b").await;
    let other = bed.job("a/x", &[]).await;
    let job = bed.job("b/j", &["a/x"]).await;
    let path = format!("jobs/{job}");
    assert_eq!(
        bed.get(&path).await.expect(200)["depends_on"],
        json!(["a/x"])
    );
    // Now b has such a job itself: the other one has no name any more by which b could call it.
    let own = json!({"flow": "b", "name": "a/x", "command": "true"});
    bed.post("jobs", &own).await.expect(201);
    assert_eq!(
        bed.get(&path).await.expect(200)["depends_on"],
        json!([other])
    );
    let patched = bed.write("PATCH", &path, &json!({"priority": 1})).await;
    assert_eq!(patched.expect(200)["depends_on"], json!([other]));
    let patched = bed
        .write("PATCH", &path, &json!({"depends_on": ["a/x"]}))
        .await;
    assert_eq!(patched.expect(200)["depends_on"], json!(["a/x"]));
    bed.delete(&format!("jobs/{other}")).await;
}

#[tokio::test]
async fn bad_jobs_are_refused_with_their_fields() {
    let bed = Bed::new().await;
    bed.flow("a").await;
    bed.flow("b").await;
    let job = bed.job("a/x", &[]).await;
    let base = json!({"flow": "a", "name": "y", "command": "true"});
    let with = |extra: serde_json::Value| {
        let mut body = base.clone();
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    for (extra, status, code, field, fault) in [
        (
            json!({"name": "x"}),
            409,
            "name_taken",
            "name",
            "name_taken",
        ),
        (
            json!({"flow": "c"}),
            422,
            "bad_definition",
            "flow",
            "unknown",
        ),
        (
            json!({"flow": 99}),
            422,
            "bad_definition",
            "flow",
            "unknown",
        ),
        (
            json!({"depends_on": ["nope"]}),
            422,
            "bad_definition",
            "depends_on",
            "unknown",
        ),
        (
            json!({"depends_on": ["x", "x"]}),
            422,
            "bad_definition",
            "depends_on",
            "duplicate",
        ),
        (
            json!({"executor": "gone"}),
            422,
            "bad_definition",
            "executor",
            "unknown",
        ),
        (
            json!({"slots": 0}),
            422,
            "bad_definition",
            "slots",
            "out_of_range",
        ),
        (
            json!({"command": " "}),
            422,
            "bad_definition",
            "command",
            "empty",
        ),
        (
            json!({"retry": {"max": 101}}),
            422,
            "bad_definition",
            "retry.max",
            "out_of_range",
        ),
        (
            json!({"retry": {"max": 1, "backoff": 0.5}}),
            400,
            "bad_body",
            "retry.backoff",
            "bad_backoff",
        ),
        (
            json!({"executor": "here", "labels": {"a": "b"}}),
            400,
            "bad_body",
            "executor",
            "executor_and_labels",
        ),
        (
            json!({"success_codes": []}),
            400,
            "bad_body",
            "success_codes",
            "no_success_codes",
        ),
        (
            json!({"success_codes": [256]}),
            400,
            "bad_body",
            "success_codes[0]",
            "out_of_range",
        ),
        (
            json!({"timeout": "soon"}),
            400,
            "bad_body",
            "timeout",
            "wrong_type",
        ),
        (
            json!({"depends_on": [{"job": "x", "on": "maybe"}]}),
            400,
            "bad_body",
            "depends_on[0].on",
            "unknown_word",
        ),
        (json!({"flow": -1}), 400, "bad_body", "flow", "wrong_type"),
        (json!({"flow": null}), 400, "bad_body", "", "missing_field"),
    ] {
        let problem = bed
            .post("jobs", &with(extra.clone()))
            .await
            .problem(status, code);
        assert_eq!(problem["faults"][0]["field"], field, "{extra} {problem}");
        assert_eq!(problem["faults"][0]["code"], fault, "{extra} {problem}");
    }
    let moved = bed
        .write("PATCH", &format!("jobs/{job}"), &json!({"flow": "b"}))
        .await;
    let problem = moved.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "flow_changed");
    bed.write("PUT", "jobs/99", &base)
        .await
        .problem(404, "unknown_job");
    bed.write("PATCH", "jobs/99", &json!({}))
        .await
        .problem(404, "unknown_job");
    bed.delete("jobs/99").await.problem(404, "unknown_job");
}

#[tokio::test]
async fn a_cycle_over_flows_is_named_by_jobs() {
    let bed = Bed::new().await;
    bed.flow("a").await;
    bed.flow("b").await;
    let first = bed.job("a/x", &[]).await;
    bed.job("b/y", &["a/x"]).await;
    let body = json!({"depends_on": ["b/y"]});
    let refused = bed.write("PATCH", &format!("jobs/{first}"), &body).await;
    let problem = refused.problem(422, "bad_definition");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("a/x") && detail.contains("b/y"), "{detail}");
}

#[tokio::test]
async fn jobs_are_listed_by_flow_and_a_needed_one_stays() {
    let bed = Bed::new().await;
    let a = bed.flow("a").await;
    bed.flow("b").await;
    let needed = bed.job("a/x", &[]).await;
    bed.job("b/y", &["a/x"]).await;
    for flow in ["a".to_owned(), a.to_string()] {
        let page = bed.get(&format!("jobs?flow={flow}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        assert_eq!(page["items"][0]["name"], "x");
    }
    let problem = bed
        .get("jobs?flow=c&nonsense=1")
        .await
        .problem(400, "bad_query");
    assert_eq!(problem["faults"][0]["field"], "flow");
    assert_eq!(problem["faults"][1]["field"], "nonsense");
    let problem = bed
        .delete(&format!("jobs/{needed}"))
        .await
        .problem(409, "in_use");
    assert_eq!(problem["faults"][0]["users"], json!(["job b/y"]));
}

#[tokio::test]
async fn a_job_does_one_thing_and_may_do_another() {
    let bed = Bed::new().await;
    bed.flow("load").await;
    let source = json!({"name": "dw", "kind": "sqlite", "database": "dw.sqlite"});
    let source = bed.post("data-sources", &source).await.expect(201);
    let http = json!({
        "method": "POST", "url": "https://api/load?day=${date}", "headers": {"X-Key": "${param.key}"},
        "body": "{}", "expect": "200,202",
    });
    let body = json!({"flow": "load", "name": "call", "http": http});
    let job = bed.post("jobs", &body).await.expect(201);
    assert_eq!(job["http"], http);
    assert_eq!((&job["command"], &job["sql"]), (&json!(""), &json!(null)));
    let path = format!("jobs/{}", job["id"]);

    let sql = json!({"data_source": "dw", "statement": "select 1", "transaction": true});
    let patch = json!({"http": null, "sql": sql});
    let patched = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!((&patched["http"], &patched["sql"]), (&json!(null), &sql));
    let uses = format!("data-sources/{}/uses", source["id"]);
    let uses = bed.get(&uses).await.expect(200);
    assert_eq!(uses["items"][0]["name"], "load/call");
    bed.delete(&format!("data-sources/{}", source["id"]))
        .await
        .problem(409, "in_use");

    let kettle = json!({"file": "/etl/a.kjb", "params": {"DAY": "${date}"}});
    let patch = json!({"sql": null, "kettle": kettle});
    let patched = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!(patched["kettle"], kettle);
    let back = json!({"kettle": null, "command": "true"});
    let patched = bed.write("PATCH", &path, &back).await.expect(200);
    assert_eq!(patched["command"], "true");

    let two = json!({"flow": "load", "name": "two", "command": "true", "sql": sql});
    let problem = bed.post("jobs", &two).await.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "not_of_kind");
    assert_eq!(problem["faults"][0]["field"], "command");
    let several = json!({"flow": "load", "name": "two", "http": http, "sql": sql});
    let problem = bed.post("jobs", &several).await.problem(400, "bad_body");
    assert_eq!(problem["faults"][0]["code"], "several_kinds");
    let none = json!({"flow": "load", "name": "none"});
    let problem = bed.post("jobs", &none).await.problem(400, "bad_body");
    assert_eq!(problem["faults"][0]["code"], "missing_field");
    let bad = json!({"flow": "load", "name": "bad", "http": {"url": "nowhere"}});
    let problem = bed.post("jobs", &bad).await.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["field"], "http.url");
    assert_eq!(problem["faults"][0]["code"], "bad_url");
}
