use hcndc_core::port::Observer;

use crate::bed::Bed;

#[tokio::test]
async fn a_server_that_works_is_alive_and_ready() {
    let bed = Bed::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = bed.call("GET", path, &[], "").await.expect(200);
        assert_eq!(answer["status"], "ok");
    }
}

#[tokio::test]
async fn without_its_scheduler_a_server_is_alive_and_not_ready() {
    let mut bed = Bed::new().await;
    bed.end_scheduler().await;
    bed.call("GET", "/healthz", &[], "").await.expect(200);
    let problem = bed
        .call("GET", "/readyz", &[], "")
        .await
        .problem(503, "not_ready");
    assert_eq!(problem["faults"][0]["field"], "scheduler");
    let answer = bed.call("GET", "/readyz", &[], "").await;
    assert_eq!(answer.header("retry-after"), "1");
    bed.post("flows", &serde_json::json!({"name": "x"}))
        .await
        .problem(503, "scheduler_stopped");
    // What is stored can still be read.
    bed.get("executions").await.expect(200);
}

#[tokio::test]
async fn a_store_that_fails_is_told() {
    let bed = Bed::new().await;
    let error = std::io::Error::other("disk is full");
    Observer::store_trouble(bed.app.live.as_ref(), Some(&error));
    let problem = bed
        .call("GET", "/readyz", &[], "")
        .await
        .problem(503, "not_ready");
    assert!(problem["detail"].as_str().unwrap().contains("disk is full"));
    Observer::store_trouble(bed.app.live.as_ref(), None);
    bed.call("GET", "/readyz", &[], "").await.expect(200);
}

#[tokio::test]
async fn figures_have_names_units_and_help() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/j", &[]).await;
    let execution = bed.start(&["f"]).await;
    bed.hand.finish("f/j", 0).await;
    bed.reaches(execution, "succeeded").await;
    bed.call("GET", "/nowhere", &[], "").await;
    let answer = bed.call("GET", "/metrics", &[], "").await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    for line in [
        "# TYPE hcndc_job_run_transitions_total counter",
        "# TYPE hcndc_live_executions gauge",
        "# TYPE hcndc_executors_online gauge",
        "# TYPE hcndc_http_request_duration_seconds histogram",
        "# HELP hcndc_commits_total Groups of changes that were stored.",
        "hcndc_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}",
        "hcndc_job_run_transitions_total{state=\"succeeded\"}",
        "hcndc_http_request_duration_seconds_bucket{method=\"POST\",route=\"/api/v1/flows\",le=\"0.0005\"}",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}
