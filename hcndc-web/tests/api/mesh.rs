use serde_json::json;

use crate::bed::{Answer, Bed};

const MESH: &str = "\
hcndc: 1
defaults: {retry: {max: 1}}
flows:
  - name: extract
    jobs:
      - {name: orders, command: echo orders}
  - name: load
    parents: [extract]
    jobs:
      - {name: orders, command: echo load, depends_on: [extract/orders]}
";

async fn send(bed: &Bed, query: &str, mesh: &str) -> Answer {
    let yaml = [("content-type", "application/yaml")];
    bed.call(
        "POST",
        &format!("/api/v1/mesh{query}"),
        &yaml,
        mesh.to_owned(),
    )
    .await
}

#[tokio::test]
async fn a_mesh_is_put_as_a_whole_and_again() {
    let bed = Bed::new().await;
    let tried = send(&bed, "?dry_run=true", MESH).await.expect(200);
    assert_eq!(tried["dry_run"], true);
    assert_eq!(tried["jobs"], json!({"made": 2, "replaced": 0}));
    assert_eq!(bed.get("flows").await.expect(200)["items"], json!([]));

    let put = send(&bed, "", MESH).await.expect(200);
    assert_eq!(put["flows"], json!({"made": 2, "replaced": 0}));
    let put = send(&bed, "?dry_run=false", MESH).await.expect(200);
    assert_eq!(put["flows"], json!({"made": 0, "replaced": 2}));
    let jobs = bed.get("jobs?flow=load").await.expect(200);
    assert_eq!(jobs["items"][0]["depends_on"], json!(["extract/orders"]));
    assert_eq!(jobs["items"][0]["retry"]["max"], 1);
    assert_eq!(jobs["items"][0]["version"], 1, "nothing new was said");

    let as_json = json!({"hcndc": 1, "flows": [{"name": "third"}]});
    bed.post("mesh", &as_json).await.expect(200);
    let flows = bed.get("flows").await.expect(200);
    assert_eq!(
        flows["items"].as_array().unwrap().len(),
        3,
        "nothing is deleted"
    );
}

#[tokio::test]
async fn all_faults_of_a_mesh_are_told_with_line_and_column() {
    let bed = Bed::new().await;
    let mesh = "hcndc: 1\nflows:\n  - name: a\n    parents: [b]\n    jobs:\n      - {name: x, frequency: 'true'}\n";
    let problem = send(&bed, "", mesh).await.problem(422, "bad_mesh");
    let faults = problem["faults"].as_array().unwrap();
    assert!(faults.len() >= 2, "{problem}");
    for fault in faults {
        assert!(
            fault["line"].is_u64() && fault["column"].is_u64(),
            "{fault}"
        );
        assert!(fault["remedy"].is_string(), "{fault}");
    }
    assert!(
        faults
            .iter()
            .any(|fault| fault["field"] == "flows[0].parents[0]" && fault["line"] == 4),
        "{problem}"
    );
}

#[tokio::test]
async fn faults_that_only_the_whole_shows_have_their_places_too() {
    let bed = Bed::new().await;
    send(&bed, "", MESH).await.expect(200);
    // In itself this is sound; with what is there it is a cycle.
    let back = "hcndc: 1\nflows:\n  - name: load\n  - name: extract\n    parents: [load]\n    jobs:\n      - {name: orders, command: 'true'}\n";
    for query in ["?dry_run", ""] {
        let problem = send(&bed, query, back).await.problem(422, "bad_mesh");
        assert_eq!(problem["faults"][0]["code"], "cycle", "{problem}");
    }
    let bad = "hcndc: 1\nflows:\n  - name: c\n    jobs:\n      - name: x\n        command: 'true'\n        retry: {max: 1, backoff: 500}\n";
    let problem = send(&bed, "", bad).await.problem(422, "bad_mesh");
    assert_eq!(
        problem["faults"][0]["field"], "flows[0].jobs[0].retry.backoff",
        "{problem}"
    );
    assert_eq!(problem["faults"][0]["line"], 7, "{problem}");
}

#[tokio::test]
async fn other_media_types_and_parameters_are_refused() {
    let bed = Bed::new().await;
    bed.call(
        "POST",
        "/api/v1/mesh",
        &[("content-type", "text/plain")],
        MESH,
    )
    .await
    .problem(415, "unsupported_media_type");
    send(&bed, "?base=/srv", MESH)
        .await
        .problem(400, "bad_query");
    send(&bed, "?dry_run=maybe", MESH)
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn all_definitions_come_out_and_go_in_again() {
    let bed = Bed::new().await;
    // Params that only starts bring, and labels that no executor has.
    let mesh = MESH.replace(
        "command: echo load",
        "command: 'echo ${param.zone}', labels: {disk: ssd}",
    );
    send(&bed, "", &mesh).await.problem(422, "bad_mesh");
    send(&bed, "?exported=true", &mesh).await.expect(200);
    let out = bed.call("GET", "/api/v1/mesh", &[], "").await;
    assert_eq!(out.status, 200);
    assert_eq!(out.header("content-type"), "application/yaml");
    let yaml = String::from_utf8(out.bytes.to_vec()).unwrap();
    assert!(yaml.contains("depends_on: [extract/orders]"), "{yaml}");
    let put = send(&bed, "?exported=true", &yaml).await.expect(200);
    assert_eq!(put["jobs"], json!({"made": 0, "replaced": 2}));
    let jobs = bed.get("jobs").await.expect(200);
    assert_eq!(jobs["items"][0]["version"], 1, "nothing new was said");

    let json = bed.get("mesh?format=json").await.expect(200);
    assert_eq!(json["flows"][1]["parents"], json!(["extract"]));
    bed.get("mesh?format=xml").await.problem(400, "bad_query");
}

fn changes(plan: &serde_json::Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap().iter();
    let text = |change: &serde_json::Value, name: &str| change[name].as_str().unwrap().to_owned();
    changes
        .map(|it| {
            format!(
                "{} {} {}",
                text(it, "action"),
                text(it, "kind"),
                text(it, "name")
            )
        })
        .collect()
}

#[tokio::test]
async fn a_plan_tells_what_changes_and_is_done_as_it_was_told() {
    let bed = Bed::new().await;
    send(&bed, "", MESH).await.expect(200);
    let other =
        "{hcndc: 1, flows: [{name: old, directory: /old, jobs: [{name: x, command: 'true'}]}]}";
    send(&bed, "", other).await.expect(200);

    let same = send(&bed, "?dry_run=true", MESH).await.expect(200);
    assert_eq!(
        (&same["changes"], &same["unchanged"]),
        (&json!([]), &json!(4))
    );
    let changed = MESH.replace("echo load", "echo loaded");
    let plan = send(&bed, "?dry_run=true&prune=true", &changed)
        .await
        .expect(200);
    assert_eq!(
        changes(&plan),
        [
            "delete flow old",
            "change job load/orders",
            "delete job old/x"
        ]
    );
    assert_eq!(
        plan["changes"][1]["fields"],
        json!([{"field": "command", "before": "echo load", "after": "echo loaded"}])
    );
    assert_eq!(plan["flows"]["deleted"], 1);
    let plan = plan["plan"].as_str().unwrap();

    // Something else would go by now than what was told.
    send(&bed, "", "{hcndc: 1, flows: [{name: fresh}]}")
        .await
        .expect(200);
    let query = format!("?prune=true&plan={plan}");
    send(&bed, &query, &changed)
        .await
        .problem(409, "plan_changed");
    assert_eq!(
        bed.get("flows?text=fresh").await.expect(200)["items"][0]["name"],
        "fresh"
    );

    let plan = send(&bed, "?dry_run=true&prune_directory=/old", &changed)
        .await
        .expect(200);
    assert_eq!(
        changes(&plan),
        [
            "delete flow old",
            "change job load/orders",
            "delete job old/x"
        ],
        "what is filed elsewhere stays"
    );
    let query = format!(
        "?prune_directory=/old&plan={}",
        plan["plan"].as_str().unwrap()
    );
    let done = send(&bed, &query, &changed).await.expect(200);
    assert_eq!(
        done["flows"],
        json!({"made": 0, "replaced": 2, "deleted": 1})
    );
    let flows = bed.get("flows").await.expect(200);
    let names: Vec<_> = flows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["extract", "load", "fresh"]);
    send(&bed, "?prune_directory=old", MESH)
        .await
        .problem(400, "bad_query");
}

#[tokio::test]
async fn what_is_needed_is_not_pruned_and_nothing_else_is_done() {
    let bed = Bed::new().await;
    send(&bed, "", MESH).await.expect(200);
    let night = json!({"name": "night", "flow": "load", "trigger": "30 2 * * *"});
    bed.post("schedules", &night).await.expect(201);
    let few = "{hcndc: 1, flows: [{name: extract, jobs: []}, {name: fresh}]}";
    for query in ["?prune=true&dry_run=true", "?prune=true"] {
        let refused = send(&bed, query, few).await.problem(409, "in_use");
        assert!(refused["faults"].to_string().contains("night"), "{refused}");
    }
    let flows = bed.get("flows?text=fresh").await.expect(200);
    assert_eq!(flows["items"], json!([]));
    // With the schedule, all goes that is filed there.
    let done = send(&bed, "?prune_directory=/", few).await.expect(200);
    assert_eq!(done["flows"]["deleted"], 1);
    assert_eq!(done["schedules"]["deleted"], 1);
}

#[tokio::test]
async fn a_new_secret_is_planned_and_the_same_one_is_not() {
    let bed = Bed::new().await;
    let mesh = |password: &str| {
        format!(
            "hcndc: 1\ndata_sources: [{{name: dw, kind: mysql, host: db, password: {password}}}]\nflows: [{{name: f}}]\n"
        )
    };
    send(&bed, "", &mesh("one")).await.expect(200);
    let same = send(&bed, "?dry_run=true", &mesh("one")).await.expect(200);
    assert_eq!(same["changes"], json!([]));
    let other = send(&bed, "?dry_run=true", &mesh("two")).await.expect(200);
    assert_eq!(
        other["changes"][0]["fields"],
        json!([{"field": "password", "before": "***", "after": "***"}])
    );
    assert!(!other.to_string().contains("two"), "{other}");
}
