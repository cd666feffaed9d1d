//! Graphs with the places at which to draw them, and the overview.

use serde_json::{Value, json};

use crate::bed::Bed;

/// The node of this name.
#[track_caller]
fn node<'a>(graph: &'a Value, name: &str) -> &'a Value {
    let mut nodes = graph["nodes"].as_array().unwrap().iter();
    nodes
        .find(|node| node["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {graph}"))
}

fn names(graph: &Value) -> Vec<&str> {
    let nodes = graph["nodes"].as_array().unwrap().iter();
    let mut names: Vec<&str> = nodes.map(|node| node["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[track_caller]
fn stands_above(graph: &Value, upper: &str, lower: &str) {
    let (upper, lower) = (node(graph, upper), node(graph, lower));
    let bottom = upper["y"].as_f64().unwrap() + upper["height"].as_f64().unwrap();
    assert!(bottom < lower["y"].as_f64().unwrap(), "{graph}");
    let edges = graph["edges"].as_array().unwrap();
    let tied = edges
        .iter()
        .any(|edge| edge["from"] == upper["id"] && edge["to"] == lower["id"]);
    assert!(tied, "{graph}");
}

#[tokio::test]
async fn jobs_of_a_flow_are_drawn_with_those_that_they_wait_for() {
    let bed = Bed::two_flows().await;
    let body = json!({"flow": "load", "name": "sum", "command": "true",
                      "depends_on": [{"job": "orders", "on": "done", "wait_limit": "4h"}, {"job": "sum", "offset_days": -1}]});
    bed.post("jobs", &body).await.expect(201);
    let flow = bed.get("flows?text=load").await.expect(200)["items"][0]["id"].clone();
    let graph = bed
        .get(&format!("graphs/flows/{flow}/jobs"))
        .await
        .expect(200);
    assert_eq!(names(&graph), ["extract/orders", "orders", "sum"]);
    assert_eq!(node(&graph, "extract/orders")["outside"], true);
    stands_above(&graph, "extract/orders", "orders");
    stands_above(&graph, "orders", "sum");
    let edges = graph["edges"].as_array().unwrap();
    assert!(
        edges
            .iter()
            .any(|edge| edge["on"] == "done" && edge["wait_limit"] == "4h")
    );
    assert_eq!(node(&graph, "orders")["version"], 1);
    assert!(
        edges
            .iter()
            .any(|edge| edge["offset_days"] == -1 && edge["from"] == edge["to"])
    );
    assert!(
        edges
            .iter()
            .all(|edge| edge["points"].as_array().unwrap().len() >= 2)
    );
    bed.get("graphs/flows/9999/jobs")
        .await
        .problem(404, "unknown_flow");
}

#[tokio::test]
async fn flows_are_drawn_all_or_those_around_one() {
    let bed = Bed::two_flows().await;
    let load = bed.get("flows?text=load").await.expect(200)["items"][0]["id"].clone();
    for (name, parent) in [("report", "load"), ("mail", "report")] {
        bed.post("flows", &json!({"name": name, "parents": [parent]}))
            .await
            .expect(201);
    }
    bed.flow("alone").await;
    let all = bed.get("graphs/flows").await.expect(200);
    assert_eq!(names(&all), ["alone", "extract", "load", "mail", "report"]);
    stands_above(&all, "extract", "load");
    stands_above(&all, "load", "report");
    assert_eq!(node(&all, "load")["jobs"], 1);
    let near = bed
        .get(&format!("graphs/flows/{load}/around"))
        .await
        .expect(200);
    assert_eq!(names(&near), ["extract", "load", "report"]);
    assert_eq!(node(&near, "report")["outside"], true);
    let far = bed
        .get(&format!("graphs/flows/{load}/around?depth=2"))
        .await
        .expect(200);
    assert_eq!(names(&far), ["extract", "load", "mail", "report"]);
    bed.get("graphs/flows/9999/around")
        .await
        .problem(404, "unknown_flow");
    // Flows whose jobs wait for each other's are drawn, too.
    bed.job("extract/late", &["load/orders"]).await;
    let all = bed.get("graphs/flows").await.expect(200);
    assert_eq!(all["edges"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_execution_is_drawn_with_its_states() {
    let bed = Bed::two_flows().await;
    let id = bed.start(&["extract", "load"]).await;
    bed.hand.finish("extract/orders", 1).await;
    bed.reaches(id, "failed").await;
    let flows = bed
        .get(&format!("graphs/executions/{id}"))
        .await
        .expect(200);
    stands_above(&flows, "extract", "load");
    assert_eq!(node(&flows, "extract")["state"], "failed");
    assert_eq!(node(&flows, "extract")["job_runs"], json!({"failed": 1}));
    let jobs = bed
        .get(&format!("graphs/executions/{id}/jobs"))
        .await
        .expect(200);
    stands_above(&jobs, "extract/orders", "load/orders");
    assert_eq!(node(&jobs, "load/orders")["state"], "upstream_failed");
    let run = node(&flows, "load")["id"].clone();
    let one = bed
        .get(&format!("graphs/executions/{id}/jobs?flow_run={run}"))
        .await;
    assert_eq!(names(&one.expect(200)), ["orders"]);
    bed.get("graphs/executions/9999")
        .await
        .problem(404, "unknown_execution");
    bed.get("graphs/executions/9999/jobs")
        .await
        .problem(404, "unknown_execution");
}

#[tokio::test]
async fn a_graph_that_is_edited_is_laid_out_and_a_circle_is_named() {
    let bed = Bed::empty().await;
    let body = json!({"nodes": [{"id": "a", "width": 50, "height": 20}, {"id": 2, "name": "second"}],
                      "edges": [{"from": "a", "to": 2}]});
    let graph = bed.post("graphs/layout", &body).await.expect(200);
    stands_above(&graph, "a", "second");
    assert_eq!(
        (&node(&graph, "a")["width"], &node(&graph, "second")["id"]),
        (&json!(50.0), &json!(2))
    );
    let body = json!({"nodes": [{"id": "a"}, {"id": "b"}],
                      "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]});
    let problem = bed
        .post("graphs/layout", &body)
        .await
        .problem(422, "bad_definition");
    assert_eq!(problem["faults"][0]["code"], "cycle");
    assert_eq!(problem["detail"], "edges: cycle: a → b → a");
    let body = json!({"nodes": [{"id": "a"}, {"id": "a"}], "edges": [{"from": "a", "to": "c"}]});
    let problem = bed
        .post("graphs/layout", &body)
        .await
        .problem(400, "bad_body");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 2);
    assert_eq!(
        bed.post("graphs/layout", &json!({"nodes": []}))
            .await
            .expect(200)["nodes"],
        json!([])
    );
}

#[tokio::test]
async fn the_overview_tells_where_everything_stands() {
    let bed = Bed::two_flows().await;
    let schedule = json!({"name": "nightly", "flow": "extract", "trigger": "@daily"});
    bed.post("schedules", &schedule).await.expect(201);
    let yesterday = bed.get("executions").await.expect(200);
    assert_eq!(yesterday["items"], json!([]));
    let start = async |flow: &str| {
        let made = bed
            .post("executions", &json!({"flows": [flow]}))
            .await
            .expect(201);
        made["id"].as_u64().unwrap()
    };
    let failed = start("extract").await;
    bed.hand.finish("extract/orders", 3).await;
    bed.reaches(failed, "failed").await;
    let running = start("extract").await;
    let seen = bed.get("overview").await.expect(200);
    assert_eq!(
        seen["today"]["executions"],
        json!({"failed": 1, "running": 1})
    );
    assert_eq!(seen["load"]["executions"], 1);
    assert_eq!(seen["load"]["schedules_active"], 1);
    assert_eq!(seen["running"][0]["id"], running);
    let first = &seen["failed"][0];
    assert_eq!(
        (&first["execution"]["id"], &first["job"]),
        (&json!(failed), &json!("extract/orders"))
    );
    assert_eq!(first["message"], "it exited with 3");
    assert_eq!(
        (
            &seen["executors"][0]["name"],
            &seen["executors"][0]["online"]
        ),
        (&json!("here"), &json!(true))
    );
    assert_eq!(seen["next"][0]["name"], "nightly");
    let days = |seen: &Value| {
        seen["heat"]["flows"][0]["days"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(seen["heat"]["dates"].as_array().unwrap().len(), 30);
    assert!(days(&seen).ends_with(".r"), "{seen}");
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(running, "succeeded").await;
    let seen = bed.get("overview").await.expect(200);
    assert!(days(&seen).ends_with(".s"), "{seen}");
    assert_eq!(seen["running"], json!([]));
}
