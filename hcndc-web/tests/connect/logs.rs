//! Logs of ended attempts: kept in a bucket, and said again at collectors.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hcndc_core::{
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId},
    port::Stream,
    time::Timestamp,
};
use hcndc_exec::transport::{LogLine, LogOrigin, SinkError};
use hcndc_web::{
    causes::with_causes,
    connect::{http::Http, log_sink, log_store},
};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, common::v1::any_value::Value as Any,
};
use prost::Message as _;
use serde_json::{Value, json};

use crate::{
    proxy::{dying, nobody, saying},
    receiver::{Got, Receiver},
    s3_server::{BUCKET, KEY, S3Server, SECRET},
    server,
    several::{Bed, Peer, Shared},
    support::wait_for,
    tls_proxy::{by_tls, untrusted},
};

fn ended(server: &Peer, execution: u64) {
    wait_for("the execution to end", || {
        server.get(&format!("executions/{execution}"))["state"] != "running"
    });
    let found = server.get(&format!("executions/{execution}"));
    assert_eq!(found["state"], "succeeded", "{found}");
}

fn bucket_environment(bucket: &S3Server, url: String, secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("HCNDC_LOG_STORE", url),
        ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", bucket.port)),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
    ]
}

fn wait_for_three_logs(folder: PathBuf) {
    wait_for("three logs in the bucket", || {
        let folders = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()));
        let files = files.flatten().flatten();
        let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with(".log.z"));
        logs.count() == 3
    });
}

/// The complete log of the first job of an execution; waits for it.
fn first_log(server: &Peer, execution: u64) -> String {
    let runs = server.get(&format!("job-runs?execution={execution}"));
    let log = format!("job-runs/{}/log", runs["items"][0]["id"]);
    let mut text = String::new();
    wait_for("the complete log", || {
        text = server.try_get(&server.url(&log)).unwrap().1;
        text.contains("out of j")
    });
    text
}

#[test]
fn logs_in_a_bucket_outlive_server_and_executor() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bucket = runtime.block_on(S3Server::start());
    let mut bed = Bed::new(Shared::File);
    bed.environment = bucket_environment(&bucket, format!("s3://{BUCKET}/logs/night"), SECRET);
    let mut first = bed.serve("first");
    bed.put_mesh(&first, 1, "true");
    let execution = first.start_flow(&[]);
    ended(&first, execution);
    let log = first_log(&first, execution);
    wait_for_three_logs(bucket.dir.path().join(BUCKET).join("logs/night"));
    assert!(
        first.log().contains("go to an object store"),
        "{}",
        first.log()
    );

    // Nothing is left but the database and the bucket.
    first.kill();
    std::fs::remove_dir_all(bed.dir.path().join("first")).unwrap();
    bed.end_executor();
    let second = bed.serve("second");
    assert_eq!(first_log(&second, execution), log);
}

#[test]
fn a_job_ends_for_good_only_once_its_log_is_in_the_bucket() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bucket = runtime.block_on(S3Server::start());
    let mut bed = Bed::new(Shared::File);
    bed.environment = bucket_environment(&bucket, format!("s3://{BUCKET}"), "wrong");
    let mut first = bed.serve("first");
    bed.put_mesh(&first, 1, "true");
    let execution = first.start_flow(&[]);
    // The night goes on; only the executor keeps what it has.
    ended(&first, execution);
    wait_for("what is wrong to be told", || {
        let log = first.log();
        log.contains("the log store does not work") && log.contains("not brought yet")
    });
    let log = first_log(&first, execution);
    first.stop();
    bed.environment.last_mut().unwrap().1 = SECRET.to_owned();
    let second = bed.serve("second");
    wait_for_three_logs(bucket.dir.path().join(BUCKET));
    assert_eq!(first_log(&second, execution), log);
}

#[tokio::test]
async fn what_is_wrong_with_a_log_store_is_told_in_time() {
    // As a server does when it starts; another test may have.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<Error>";
    let garbage = b"\xff\xfe220 ready\r\n\r\n";
    for (scheme, port, expected) in [
        ("http", nobody(), "refused"),
        ("http", saying(b"").await, "timed out"),
        ("http", dying(b"").await, ""),
        ("http", dying(garbage).await, ""),
        ("http", dying(cut).await, ""),
        ("https", untrusted().await, "certificate"),
    ] {
        let environment = [
            ("AWS_ENDPOINT", format!("{scheme}://127.0.0.1:{port}")),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_TIMEOUT", "300ms".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        let store = log_store::open_with("s3://files/night", environment.into_iter()).unwrap();
        let error = store.check().await.unwrap_err();
        let why = with_causes(&error);
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains(SECRET), "{why}");
    }
}

/// Of each line that came by OTLP, in one order: which job it is of, by which stream, and what it says.
pub(crate) fn lines_of(got: &[Got]) -> Vec<(String, String, String)> {
    let requests = got.iter().map(|got| {
        assert_eq!(got.path, "/v1/logs");
        assert_eq!(got.header("content-type"), "application/x-protobuf");
        ExportLogsServiceRequest::decode(got.body.clone()).unwrap()
    });
    let logs = requests.flat_map(|request| request.resource_logs);
    let logs = logs.flat_map(|logs| logs.scope_logs);
    let records = logs.flat_map(|logs| logs.log_records);
    let text = |value: Option<Any>| match value {
        Some(Any::StringValue(text)) => text,
        other => panic!("{other:?} is no text"),
    };
    let lines = records.map(|record| {
        let attribute = |key: &str| {
            let found = record.attributes.iter().find(|it| it.key == key);
            text(found.unwrap().value.clone().unwrap().value)
        };
        assert!(record.time_unix_nano > 1_700_000_000_000_000_000);
        assert_eq!(attribute("hcndc.flow"), "f");
        let said = text(record.body.clone().unwrap().value);
        (attribute("hcndc.job"), attribute("log.iostream"), said)
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

pub(crate) fn expected() -> Vec<(String, String, String)> {
    let lines = ["j0-0", "j1-0", "j2-0"].map(|job| {
        let said = (job.to_owned(), "stdout".to_owned(), format!("out of {job}"));
        let erred = (
            job.to_owned(),
            "stderr".to_owned(),
            "and an error".to_owned(),
        );
        [erred, said]
    });
    lines.concat()
}

#[test]
fn what_jobs_say_is_said_again_by_otlp_whatever_stops_in_between() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = runtime.block_on(Receiver::start(200, ""));
    // It is not well at first.
    collector.then(&[(503, "busy")]);
    let mut bed = Bed::new(Shared::File);
    let url = format!("otlp+http://{}", collector.address);
    bed.environment = vec![
        ("HCNDC_FORWARD_LOGS", url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb".to_owned()),
    ];
    let mut first = bed.serve("first");
    bed.put_mesh(&first, 1, "echo and an error >&2");
    let execution = first.start_flow(&[]);
    ended(&first, execution);
    wait_for("all lines", || {
        // What was refused is said again.
        lines_of(&collector.got()[1.min(collector.got().len())..]) == expected()
    });

    // One that does not take anything is waited for, over the death of the server too.
    collector.usually(503, "busy");
    let execution = first.start_flow(&[]);
    ended(&first, execution);
    wait_for("it to be noticed", || {
        first.log().matches("takes nothing").count() > 1
    });
    let marks = bed.dir.path().join("first/forward");
    wait_for("three marks", || marks_below(&marks) == 3);
    first.kill();
    collector.usually(200, "");
    let before = collector.got().len();
    let _again = bed.serve("first");
    wait_for("all lines", || {
        lines_of(&collector.got()[before..]) == expected()
    });
    assert!(
        collector
            .got()
            .iter()
            .all(|got| got.header("api-key") == "a,b")
    );
    wait_for("no mark", || marks_below(&marks) == 0);
}

fn marks_below(folder: &std::path::Path) -> usize {
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()));
    files.flatten().flatten().count()
}

#[test]
fn what_jobs_say_is_said_again_by_the_forward_protocol() {
    let Some(url) = server("HCNDC_TEST_FLUENTD_URL", "logs by the forward protocol") else {
        return;
    };
    let (url, file) = url.split_once(' ').unwrap();
    said_again_by_the_forward_protocol(url, "", file);
}

#[test]
fn what_jobs_say_is_said_again_by_the_forward_protocol_over_tls() {
    let Some(url) = server("HCNDC_TEST_FLUENTD_URL", "the forward protocol over TLS") else {
        return;
    };
    let (url, file) = url.split_once(' ').unwrap();
    let port = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    let tls_port = runtime.block_on(by_tls(port, ca.path()));
    let trusted = format!("&ca_file={}", ca.path().display());
    said_again_by_the_forward_protocol(&format!("fluentds://127.0.0.1:{tls_port}"), &trusted, file);
}

/// The server writes each event that it takes as a line to a file.
fn said_again_by_the_forward_protocol(url: &str, more: &str, file: &str) {
    let tag = format!("test.{}", uuid::Uuid::new_v4());
    let mut bed = Bed::new(Shared::File);
    bed.environment = vec![("HCNDC_FORWARD_LOGS", format!("{url}?tag={tag}{more}"))];
    let first = bed.serve("first");
    bed.put_mesh(&first, 1, "echo and an error >&2");
    let execution = first.start_flow(&[]);
    ended(&first, execution);
    let events = || -> Vec<Value> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
        events
            .filter(|event: &Value| event["tag"] == *tag)
            .collect()
    };
    wait_for("all lines", || events().len() == 6);
    let mut found: Vec<_> = events()
        .into_iter()
        .map(|event| {
            let record = &event["record"];
            assert_eq!(record["execution"], json!(execution));
            assert!(event["seconds"].as_u64().unwrap() > 1_700_000_000);
            let text = |key: &str| record[key].as_str().unwrap().to_owned();
            (text("job"), text("stream"), text("message"))
        })
        .collect();
    found.sort();
    assert_eq!(found, expected());
}

/// Says a line at a collector.
async fn said_at(url: &str) -> Result<(), SinkError> {
    let http = Http::new().limited(Duration::from_secs(1));
    let sink = log_sink::open(url, &http, None).unwrap();
    let origin = LogOrigin {
        attempt: AttemptId(1),
        number: 1,
        job_run: JobRunId(1),
        execution: ExecutionId(1),
        flow: "f".to_owned(),
        job: "j".to_owned(),
        data_date: "2026-11-21".parse().unwrap(),
        executor: ExecutorId(1),
    };
    let line = LogLine {
        origin: Arc::new(origin),
        at: Timestamp::from_micros(1_795_309_323_000_000),
        stream: Stream::Stdout,
        text: "loaded".to_owned(),
    };
    sink.send(&[line]).await
}

#[tokio::test]
async fn lines_that_a_collector_does_not_take_may_be_taken_later() {
    let keyless = Receiver::start(401, "no such key").await;
    let wrong = Receiver::start(400, "no such tenant").await;
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc";
    for (scheme, port, may_do_later, expected) in [
        ("fluentd", nobody(), true, "refused"),
        (
            "fluentd",
            saying(b"").await,
            true,
            "it acknowledged nothing within 1 s",
        ),
        ("fluentd", dying(b"").await, true, "before it acknowledged"),
        (
            "fluentd",
            dying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            true,
            "",
        ),
        (
            "fluentd",
            dying(b"\x81\xa3ack\xa5other").await,
            true,
            "something else",
        ),
        ("fluentds", untrusted().await, true, "certificate"),
        ("fluentds", dying(b"220 ready\r\n").await, true, ""),
        ("otlp+http", nobody(), true, "refused"),
        ("otlp+http", saying(b"").await, true, "no answer in time"),
        ("otlp+http", dying(b"").await, true, ""),
        (
            "otlp+http",
            dying(b"\xff\xfe220 ready\r\n\r\n").await,
            true,
            "",
        ),
        ("otlp+http", dying(cut).await, true, ""),
        ("otlp+https", untrusted().await, true, "certificate"),
        // A key is put right by somebody; what else is refused, is refused for good.
        ("otlp+http", keyless.address.port(), true, "no such key"),
        ("otlp+http", wrong.address.port(), false, "no such tenant"),
    ] {
        let more = match scheme.starts_with("fluentd") {
            true => "?answer_seconds=1",
            false => "",
        };
        let told = said_at(&format!("{scheme}://127.0.0.1:{port}{more}")).await;
        let error = told.unwrap_err();
        assert_eq!(error.may_do_later, may_do_later, "{scheme}: {error}");
        assert!(error.reason.contains(expected), "{scheme}: {error}");
    }
}

#[test]
fn settings_of_a_collector_that_do_not_do_are_told_with_those_that_do() {
    for (query, expected) in [
        ("tga=a", "there are tag=TAG"),
        ("answer_seconds=0", "answer_seconds must be 1 to 300"),
        ("ca_file=/nowhere.pem", "/nowhere.pem"),
    ] {
        let url = format!("fluentds://collector?{query}");
        let error = log_sink::open(&url, &Http::new(), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
