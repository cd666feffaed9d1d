use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn a_flow_is_made_told_changed_and_deleted() {
    let bed = Bed::new().await;
    bed.flow("extract").await;
    let calendar = json!({"name": "cn"});
    let calendar = bed.post("calendars", &calendar).await.expect(201);
    let body = json!({
        "name": "load", "directory": "/retail", "parents": ["extract"], "priority": 5, "owner": "ann",
        "params": {"z": "1", "a": 2}, "env": {"LC_ALL": "C"}, "workdir": "/srv",
        "max_runs": 2, "timeout": "6h", "restart_retries": 3, "restart_delay": 90,
        "calendar": calendar["id"],
    });
    let made = bed.post("flows", &body).await;
    let flow = made.expect(201);
    let path = format!("flows/{}", flow["id"]);
    assert_eq!(made.header("location"), format!("/api/v1/{path}"));
    assert_eq!(flow["parents"], json!(["extract"]));
    assert_eq!(flow["params"].to_string(), r#"{"z":"1","a":"2"}"#);
    assert_eq!(
        (&flow["max_runs"], &flow["timeout"]),
        (&json!(2), &json!("6h"))
    );
    assert_eq!(flow["restart_retries"], 3);
    assert_eq!(flow["restart_delay"], "1m30s");
    assert_eq!(flow["calendar"], "cn");
    assert_eq!(flow["version"], 1);
    assert_eq!(flow["created_by"], "api");
    assert_eq!(flow["data_date"], json!(null));
    assert_eq!(flow["enabled"], true);
    let created_at = flow["created_at"].as_str().unwrap();
    assert_eq!(created_at.len(), "2026-11-21T18:00:00.000250Z".len());
    assert_eq!(bed.get(&path).await.expect(200), flow);
    let calendar = format!("calendars/{}", calendar["id"]);
    let refused = bed.delete(&calendar).await.problem(409, "in_use");
    assert!(refused.to_string().contains("flow load"), "{refused}");

    // PUT puts back what it does not say.
    let put = bed
        .write("PUT", &path, &json!({"name": "load", "version": 1}))
        .await;
    let put = put.expect(200);
    assert_eq!(put["version"], 2);
    assert_eq!(put["priority"], 0);
    assert_eq!(put["max_runs"], json!(null));
    assert_eq!(put["restart_delay"], "0s");
    assert_eq!(put["calendar"], json!(null));
    assert_eq!(put["parents"], json!([]));

    // PATCH leaves it.
    let patch = json!({"owner": "bob", "params": {"day": "1"}});
    let patched = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!(patched["owner"], "bob");
    let patch = json!({"owner": null, "params": {"day": null, "week": 2}});
    let patched = bed.write("PATCH", &path, &patch).await.expect(200);
    assert_eq!(patched["owner"], "");
    assert_eq!(patched["params"], json!({"week": "2"}));
    assert_eq!(patched["name"], "load");

    assert_eq!(bed.delete(&path).await.status, 204);
    bed.get(&path).await.problem(404, "unknown_flow");
}

#[tokio::test]
async fn who_comes_with_an_old_version_is_refused() {
    let bed = Bed::new().await;
    let path = format!("flows/{}", bed.flow("a").await);
    bed.write("PATCH", &path, &json!({"owner": "ann", "version": 1}))
        .await
        .expect(200);
    for method in ["PUT", "PATCH"] {
        let body = json!({"name": "a", "owner": "bob", "version": 1});
        let problem = bed.write(method, &path, &body).await.problem(409, "stale");
        assert_eq!(problem["faults"][0]["field"], "version");
        assert_eq!(problem["faults"][0]["current_version"], 2);
    }
    bed.delete(&format!("{path}?version=1"))
        .await
        .problem(409, "stale");
    assert_eq!(bed.delete(&format!("{path}?version=2")).await.status, 204);
}

#[tokio::test]
async fn changes_at_once_that_name_no_version_all_come_through() {
    let bed = Bed::new().await;
    let path = format!("flows/{}", bed.flow("a").await);
    let patches = ["a", "b", "c", "d"].map(|name| json!({"env": {name: "1"}}));
    let done = patches
        .iter()
        .map(|patch| bed.write("PATCH", &path, patch))
        .collect::<Vec<_>>();
    for answer in futures_util::future::join_all(done).await {
        answer.expect(200);
    }
    let flow = bed.get(&path).await.expect(200);
    assert_eq!(flow["env"].as_object().unwrap().len(), 4, "{flow}");
}

#[tokio::test]
async fn what_is_needed_is_not_deleted() {
    let bed = Bed::new().await;
    let parent = bed.flow("extract").await;
    bed.post("flows", &json!({"name": "load", "parents": [parent]}))
        .await
        .expect(201);
    let refused = bed.delete(&format!("flows/{parent}")).await;
    let problem = refused.problem(409, "in_use");
    assert_eq!(problem["faults"][0]["users"], json!(["flow load"]));
    assert_eq!(
        problem["faults"][0]["subject"],
        json!({"kind": "flow", "name": "extract"})
    );
}

#[tokio::test]
async fn what_needs_a_definition_is_told_in_the_callers_language() {
    let bed = Bed::new().await;
    let parent = bed.flow("extract").await;
    bed.post("flows", &json!({"name": "load", "parents": [parent]}))
        .await
        .expect(201);
    let path = format!("/api/v1/flows/{parent}");
    let zh = [("accept-language", "zh-CN")];
    let refused = bed.call("DELETE", &path, &zh, "").await;
    let problem = refused.problem(409, "in_use");
    assert_eq!(problem["faults"][0]["users"], json!(["任务流 load"]));
    assert_eq!(problem["faults"][0]["message"], "仍被使用：任务流 load");
}

#[tokio::test]
async fn all_faults_of_a_flow_are_told_at_once() {
    let bed = Bed::new().await;
    bed.flow("taken").await;
    let body =
        json!({"name": "a/b", "directory": "nowhere", "parents": ["c", 99], "params": {"1": ""}});
    let problem = bed
        .post("flows", &body)
        .await
        .problem(422, "bad_definition");
    let mut faults: Vec<(&str, &str)> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            (
                fault["field"].as_str().unwrap(),
                fault["code"].as_str().unwrap(),
            )
        })
        .collect();
    faults.sort_unstable();
    assert_eq!(
        faults,
        [
            ("directory", "bad_directory"),
            ("name", "bad_name"),
            ("params", "bad_key"),
            ("parents", "unknown"),
            ("parents", "unknown"),
        ]
    );
    bed.post("flows", &json!({"name": "taken"}))
        .await
        .problem(409, "name_taken");
}

#[tokio::test]
async fn a_cycle_is_named() {
    let bed = Bed::new().await;
    let a = bed.flow("a").await;
    bed.post("flows", &json!({"name": "b", "parents": ["a"]}))
        .await
        .expect(201);
    let body = json!({"parents": ["b"]});
    let problem = bed.write("PATCH", &format!("flows/{a}"), &body).await;
    let problem = problem.problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "cycle");
    assert_eq!(problem["faults"][0]["subject"], json!({"kind": "mesh"}));
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("a → b → a") || detail.contains("b → a → b"),
        "{detail}"
    );
}

#[tokio::test]
async fn unknown_ids_are_unknown() {
    let bed = Bed::new().await;
    for (method, path) in [("GET", "flows/99"), ("DELETE", "flows/99")] {
        let answer = bed.call(method, &format!("/api/v1/{path}"), &[], "").await;
        answer.problem(404, "unknown_flow");
    }
    for method in ["PUT", "PATCH"] {
        bed.write(method, "flows/99", &json!({"name": "x"}))
            .await
            .problem(404, "unknown_flow");
    }
    // An id of another kind is no flow either.
    bed.get("flows/1").await.problem(404, "unknown_flow");
}

#[tokio::test]
async fn pages_give_every_flow_once_however_they_are_sorted() {
    let bed = Bed::new().await;
    let names = ["m", "c", "x", "a", "k", "b", "z"];
    for name in names {
        bed.flow(name).await;
    }
    for sort in ["id", "-id", "name", "-name", "updated_at", "-updated_at"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("flows?sort={sort}&limit=3{cursor}");
            let page = bed.get(&path).await.expect(200);
            let items = page["items"].as_array().unwrap();
            seen.extend(
                items
                    .iter()
                    .map(|flow| flow["name"].as_str().unwrap().to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut expected = names.map(str::to_owned).to_vec();
        if sort.ends_with("name") {
            expected.sort_unstable();
        }
        if sort.starts_with('-') {
            expected.reverse();
        }
        assert_eq!(seen, expected, "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let bed = Bed::new().await;
    bed.flow("a").await;
    bed.flow("b").await;
    let page = bed.get("flows?limit=1&sort=name").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for path in [
        format!("flows?limit=1&sort=-name&cursor={cursor}"),
        format!("flows?cursor={cursor}"),
        "flows?cursor=nonsense".to_owned(),
    ] {
        let problem = bed.get(&path).await.problem(400, "bad_query");
        assert_eq!(problem["faults"][0]["field"], "cursor");
        assert_eq!(problem["faults"][0]["code"], "bad_cursor");
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let bed = Bed::new().await;
    for body in [
        json!({"name": "100%", "directory": "/a"}),
        json!({"name": "100", "directory": "/a/b", "enabled": false}),
        json!({"name": "other", "directory": "/ab", "description": "costs 100% more"}),
    ] {
        bed.post("flows", &body).await.expect(201);
    }
    let count = async |query: &str| {
        let page = bed.get(&format!("flows?{query}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("text=100%25").await, 2);
    assert_eq!(count("directory=/a").await, 2);
    assert_eq!(count("enabled=false").await, 1);
    assert_eq!(count("text=100&enabled=true&directory=/a").await, 1);
    assert_eq!(count("text=nothing").await, 0);
}
