use serde_json::{Value, json};

use crate::bed::Bed;

async fn deeds(bed: &Bed, execution: u64) -> Vec<Value> {
    let path = format!("executions/{execution}/actions?sort=id");
    let actions = bed.get(&path).await.expect(200);
    let items = actions["items"].as_array().unwrap().iter();
    items
        .map(|it| json!([it["kind"], it["job_run"], it["by"]]))
        .collect()
}

#[tokio::test]
async fn a_paused_execution_starts_nothing_until_it_is_unpaused() {
    let bed = Bed::two_flows().await;
    let id = bed.start(&["extract", "load"]).await;
    let path = |deed: &str| format!("executions/{id}/{deed}");
    let nothing = json!({});
    bed.hand.start("extract/orders").await;
    let paused = bed.post(&path("pause"), &nothing).await.expect(200);
    assert_eq!(paused["state"], "paused");
    bed.post(&path("pause"), &nothing)
        .await
        .problem(409, "wrong_state");
    bed.hand.finish("extract/orders", 0).await;
    let waiting = bed.job_run(id, "load/orders").await;
    bed.run_reaches(id, bed.job_run(id, "extract/orders").await, "succeeded")
        .await;
    let why = bed.get(&format!("job-runs/{waiting}/explain")).await;
    assert_eq!(why.expect(200)["holds"][0]["kind"], "paused");
    bed.post(&path("unpause"), &nothing).await.expect(200);
    bed.hand.finish("load/orders", 0).await;
    bed.reaches(id, "succeeded").await;
    bed.post(&path("pause"), &nothing)
        .await
        .problem(409, "wrong_state");
    let expected = [
        json!(["pause", null, "api"]),
        json!(["unpause", null, "api"]),
    ];
    assert_eq!(deeds(&bed, id).await, expected);
    bed.post("executions/99/pause", &nothing)
        .await
        .problem(404, "unknown_execution");
    bed.get("executions/99/actions")
        .await
        .problem(404, "unknown_execution");
}

#[tokio::test]
async fn a_failed_job_run_is_skipped_or_marked_as_succeeded_and_the_rest_runs() {
    for deed in ["skip", "mark-succeeded"] {
        let bed = Bed::two_flows().await;
        let id = bed.start(&["extract", "load"]).await;
        let path = |deed: &str| format!("executions/{id}/{deed}");
        bed.hand.finish("extract/orders", 1).await;
        bed.reaches(id, "failed").await;
        let failed = bed.job_run(id, "extract/orders").await;
        let body = json!({"job_runs": [failed]});
        bed.post(&path(deed), &body).await.expect(200);
        bed.hand.finish("load/orders", 0).await;
        bed.reaches(id, "succeeded").await;
        bed.post(&path(deed), &body)
            .await
            .problem(409, "wrong_job_run_state");
        bed.post(&path(deed), &json!({"job_runs": [99]}))
            .await
            .problem(422, "unknown_job_run");
        bed.post(&path(deed), &json!({}))
            .await
            .problem(422, "no_job_runs");
        let why = bed.get(&format!("job-runs/{failed}/explain")).await;
        let said = why.expect(200)["message"].as_str().unwrap().to_owned();
        assert!(said.starts_with("api "), "{said}");
        let kind = deed.replace('-', "_");
        assert_eq!(deeds(&bed, id).await, [json!([kind, failed, "api"])]);
    }
}

#[tokio::test]
async fn a_job_run_is_killed_alone() {
    let bed = Bed::two_flows().await;
    let id = bed.start(&["extract", "load"]).await;
    let run = bed.job_run(id, "extract/orders").await;
    bed.hand.start("extract/orders").await;
    let kill = format!("job-runs/{run}/kill");
    bed.post(&kill, &json!({})).await.expect(200);
    let ended = bed.reaches(id, "failed").await;
    assert_eq!(
        ended["job_runs"],
        json!({"killed": 1, "upstream_failed": 1})
    );
    let why = bed
        .get(&format!("job-runs/{run}/explain"))
        .await
        .expect(200);
    assert_eq!(why["message"], "api killed it");
    bed.post(&kill, &json!({}))
        .await
        .problem(409, "wrong_job_run_state");
    bed.post("job-runs/99/kill", &json!({}))
        .await
        .problem(404, "unknown_job_run");
}

#[tokio::test]
async fn a_reset_runs_everything_anew() {
    let bed = Bed::two_flows().await;
    let id = bed.start(&["extract"]).await;
    let reset = format!("executions/{id}/reset");
    bed.post(&reset, &json!({}))
        .await
        .problem(409, "wrong_state");
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(id, "succeeded").await;
    let again = bed.post(&reset, &json!({})).await.expect(200);
    assert_eq!(again["progress"], json!({"total": 1, "settled": 0}));
    bed.hand.finish("extract/orders", 0).await;
    bed.reaches(id, "succeeded").await;
}

#[tokio::test]
async fn a_start_of_some_jobs_leaves_the_others_out() {
    let bed = Bed::two_flows().await;
    let id = bed.job("extract/customers", &[]).await;
    for job in [json!("extract/customers"), json!(id)] {
        let body = json!({"jobs": [job], "data_date": "2026-11-21"});
        let made = bed.post("executions", &body).await.expect(201);
        let execution = made["id"].as_u64().unwrap();
        bed.hand.finish("extract/customers", 0).await;
        let ended = bed.reaches(execution, "succeeded").await;
        assert_eq!(ended["job_runs"], json!({"succeeded": 1, "skipped": 1}));
        let left_out = bed.job_run(execution, "extract/orders").await;
        let why = bed.get(&format!("job-runs/{left_out}/explain")).await;
        let said = why.expect(200)["message"].clone();
        assert_eq!(said, "it was not run: the start named other jobs only");
    }
    let flows = bed.get("flows?text=extract").await.expect(200);
    assert_eq!(flows["items"][0]["data_date"], Value::Null);
    let body = json!({"jobs": ["extract/nope", 99]});
    let refused = bed.post("executions", &body).await.problem(400, "bad_body");
    assert_eq!(refused["faults"][0]["field"], "jobs");
}
