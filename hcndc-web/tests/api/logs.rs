use hcndc_core::{id::AttemptId, port::Stream};
use serde_json::{Value, json};

use crate::bed::{Bed, within};

/// A job run that runs: its id and its attempt.
async fn running() -> (Bed, u64, u64, AttemptId) {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/j", &[]).await;
    let execution = bed.start(&["f"]).await;
    let attempt = bed.hand.start("f/j").await;
    let run = bed.job_run(execution, "f/j").await;
    (bed, execution, run, attempt)
}

#[tokio::test]
async fn output_is_read_by_position() {
    let (bed, execution, run, attempt) = running().await;
    bed.hand.write(attempt, Stream::Stdout, b"one\n");
    bed.hand.write(attempt, Stream::Stderr, b"two\n");
    let log = bed.get(&format!("job-runs/{run}/log")).await;
    assert_eq!((log.status, log.text()), (200, "one\ntwo\n"));
    assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(log.header("x-log-complete"), "false");
    let next = log.header("x-next-position").to_owned();
    bed.hand.write(attempt, Stream::Stdout, b"three\n");
    bed.hand.finish("f/j", 0).await;
    bed.reaches(execution, "succeeded").await;
    let log = bed.get(&format!("job-runs/{run}/log?from={next}")).await;
    assert_eq!(log.text(), "three\n");
    assert_eq!(log.header("x-log-complete"), "true");
    let log = bed.get(&format!("job-runs/{run}/log?stream=stderr")).await;
    assert_eq!(log.text(), "two\n");
    let log = bed.get(&format!("job-runs/{run}/log?limit_bytes=3")).await;
    assert_eq!(log.text(), "one\n", "at least one piece");
    assert_eq!(log.header("x-log-complete"), "false");

    let log = bed
        .get(&format!("job-runs/{run}/log?format=jsonl&attempt=1"))
        .await;
    assert_eq!(log.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = log
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[1]["stream"], "stderr");
    assert_eq!(lines[1]["text"], "two\n");
    assert!(lines[1]["t"].is_string());
}

#[tokio::test]
async fn output_is_followed_to_its_end_also_before_it_begins() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/a", &[]).await;
    bed.job("f/b", &["a"]).await;
    let execution = bed.start(&["f"]).await;
    let run = bed.job_run(execution, "f/b").await;
    let before = bed.get(&format!("job-runs/{run}/log")).await;
    assert_eq!((before.status, before.text()), (200, ""));
    assert_eq!(before.header("x-log-complete"), "false");
    let mut log = bed
        .stream(&format!("job-runs/{run}/log?follow=true"), &[])
        .await;
    assert_eq!(log.status, 200);
    bed.hand.finish("f/a", 0).await;
    let attempt = bed.hand.start("f/b").await;
    bed.hand.write(attempt, Stream::Stdout, b"one\n");
    assert_eq!(log.until("\n").await, "one\n");
    bed.hand.write(attempt, Stream::Stderr, b"two\n");
    assert_eq!(log.until("\n").await, "two\n");
    bed.hand.finish("f/b", 0).await;
    assert_eq!(log.rest().await, "");
}

#[tokio::test]
async fn what_was_not_run_has_an_empty_output_that_is_complete() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    bed.job("f/a", &[]).await;
    bed.job("f/b", &["a"]).await;
    let execution = bed.start(&["f"]).await;
    bed.hand.finish("f/a", 1).await;
    bed.reaches(execution, "failed").await;
    let run = bed.job_run(execution, "f/b").await;
    let log = bed.get(&format!("job-runs/{run}/log")).await;
    assert_eq!(log.header("x-log-complete"), "true");
    let log = bed
        .stream(&format!("job-runs/{run}/log?follow=true"), &[])
        .await;
    assert_eq!(log.rest().await, "");
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let (bed, _, run, attempt) = running().await;
    bed.hand.write(attempt, Stream::Stdout, b"one\n");
    let path = format!("job-runs/{run}/log");
    bed.get(&format!("{path}?attempt=2"))
        .await
        .problem(404, "unknown_attempt");
    let problem = bed
        .get(&format!("{path}?from=77"))
        .await
        .problem(400, "bad_query");
    assert_eq!(problem["faults"][0]["code"], "bad_position");
    let query = "?attempt=0&from=-1&limit_bytes=99999999999&follow=maybe&format=xml&stream=in";
    let problem = bed
        .get(&format!("{path}{query}"))
        .await
        .problem(400, "bad_query");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 6, "{problem}");

    bed.hand
        .set_trouble(Some("nobody listens at 10.0.0.5:7890"));
    let problem = bed.get(&path).await.problem(503, "log_unavailable");
    assert_eq!(problem["detail"], "nobody listens at 10.0.0.5:7890");
    // One who follows waits for it to come back.
    let mut log = bed.stream(&format!("{path}?follow=true"), &[]).await;
    bed.hand.set_trouble(None);
    assert_eq!(log.until("\n").await, "one\n");
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_for() {
    let (bed, _, run, attempt) = running().await;
    bed.hand.write(attempt, Stream::Stdout, b"one\n");
    let path = format!("/api/v1/job-runs/{run}/log");
    bed.hand.set_faulty(true);
    let zh = [("accept-language", "zh")];
    let answer = bed.call("GET", &path, &zh, "").await;
    assert_eq!(
        answer.problem(500, "internal")["detail"],
        "原因见服务器日志"
    );
    assert_eq!(answer.header("content-language"), "zh-CN");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    bed.hand.set_faulty(false);
    let answer = bed.call("GET", &path, &[], "").await;
    assert_eq!((answer.status, answer.text()), (200, "one\n"));
}

#[tokio::test]
async fn a_follower_is_let_go_when_the_server_stops() {
    let (mut bed, _, run, attempt) = running().await;
    bed.hand.write(attempt, Stream::Stdout, b"one\n");
    let mut log = bed.stream(&format!("job-runs/{run}/log?follow"), &[]).await;
    log.until("\n").await;
    let started = std::time::Instant::now();
    bed.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    within(log.rest()).await;
}

#[tokio::test]
async fn a_retry_has_an_output_of_its_own() {
    let bed = Bed::new().await;
    bed.flow("f").await;
    let job = json!({"flow": "f", "name": "j", "command": "true", "retry": {"max": 1}});
    bed.post("jobs", &job).await.expect(201);
    let execution = bed.start(&["f"]).await;
    for (text, code) in [("first\n", 1), ("second\n", 0)] {
        let attempt = bed.hand.start("f/j").await;
        bed.hand.write(attempt, Stream::Stdout, text.as_bytes());
        bed.hand.finish("f/j", code).await;
    }
    bed.reaches(execution, "succeeded").await;
    let run = bed.job_run(execution, "f/j").await;
    let log = async |query: &str| {
        let log = bed.get(&format!("job-runs/{run}/log{query}")).await;
        log.text().to_owned()
    };
    assert_eq!(log("").await, "second\n");
    assert_eq!(log("?attempt=1").await, "first\n");
}
