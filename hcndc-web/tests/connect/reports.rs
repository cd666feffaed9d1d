//! Traces and lineage of executions that have ended: each arrives whole, whatever fails in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    contract::sample,
    engine::{Change, ExecutionRow, ExecutionState},
    id::{AttemptId, ExecutionId, JobRunId},
    port::{Commit, Fence, Reports as _, Store as _},
};
use hcndc_store_mem::MemStore;
use hcndc_web::{
    connect::{
        http::Http,
        report::{Courier, Ids, Pace, Report, lineage::Lineage, traces::Traces},
    },
    lead::Leading,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Any,
    trace::v1::Span,
};
use prost::Message as _;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::Value;

use crate::{
    logs::{expected, lines_of},
    proxy::{Proxy as Way, dying, nobody},
    receiver::{Got, Receiver},
    server,
    several::{Bed, Peer, Proxy, Shared},
    support::wait_for,
    tls_proxy::untrusted,
};

fn ended(server: &Peer, execution: u64) -> Value {
    let mut found = Value::Null;
    wait_for("the execution to end", || {
        found = server.get(&format!("executions/{execution}"));
        found["ended_at"].is_string()
    });
    found
}

/// The database's own name, which ids are made of.
async fn ids(bed: &Bed) -> Ids {
    let db = Database::connect(bed.database()).await.unwrap();
    let statement = Statement::from_string(DbBackend::Sqlite, "SELECT realm FROM leader");
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    let realm: String = row.try_get("", "realm").unwrap();
    db.close().await.unwrap();
    Ids::new(realm)
}

fn items(server: &Peer, path: &str) -> Vec<Value> {
    let found = server.get(path);
    let items = found["items"].as_array().or_else(|| found.as_array());
    items.expect(path).clone()
}

fn number(value: &Value) -> u64 {
    value["id"].as_u64().unwrap()
}

/// Job runs of an execution, and all of their attempts.
fn runs_of(server: &Peer, execution: u64) -> Vec<(u64, Vec<u64>)> {
    let runs = items(server, &format!("job-runs?execution={execution}"));
    let runs = runs.iter().map(|run| {
        let attempts = items(server, &format!("job-runs/{}/attempts", run["id"]));
        (number(run), attempts.iter().map(number).collect())
    });
    runs.collect()
}

/// The spans that an execution must have.
fn spans_of(server: &Peer, ids: &Ids, execution: u64) -> BTreeSet<Vec<u8>> {
    let root = ids.part(ExecutionId(execution), 0);
    let mut spans = BTreeSet::from([root.to_vec()]);
    for (run, attempts) in runs_of(server, execution) {
        spans.insert(ids.run(JobRunId(run), 0).to_vec());
        spans.extend(
            attempts
                .iter()
                .map(|id| ids.attempt(AttemptId(*id)).to_vec()),
        );
    }
    spans
}

/// What came, by execution and span; the same under each id whenever it came.
fn spans(got: &[Got]) -> BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Span>> {
    let mut traces = BTreeMap::<_, BTreeMap<_, Span>>::new();
    for got in got {
        assert_eq!(got.path, "/v1/traces");
        assert_eq!(got.header("content-type"), "application/x-protobuf");
        let request = ExportTraceServiceRequest::decode(got.body.clone()).unwrap();
        let spans = request.resource_spans.into_iter();
        let spans = spans.flat_map(|it| it.scope_spans).flat_map(|it| it.spans);
        for span in spans {
            let trace = traces.entry(span.trace_id.clone()).or_default();
            let before = trace.insert(span.span_id.clone(), span.clone());
            assert!(before.is_none_or(|before| before == span), "{span:?}");
        }
    }
    traces
}

fn traced(got: &[Got], ids: &Ids, execution: u64) -> BTreeSet<Vec<u8>> {
    let trace = ids.trace(ExecutionId(execution)).to_vec();
    let found = spans(got).remove(&trace).unwrap_or_default();
    found.into_keys().collect()
}

fn figures(server: &Peer) -> String {
    let url = server.url("").replace("api/v1/", "metrics");
    server.try_get(&url).unwrap().1
}

#[test]
fn each_trace_arrives_whatever_fails_and_whoever_leads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = runtime.block_on(Receiver::start(200, ""));
    let way = Proxy::to(collector.address.to_string());
    // It is not well at first.
    collector.then(&[(503, "busy"), (429, "slowly")]);
    let mut bed = Bed::new(Shared::File);
    bed.environment = vec![
        ("HCNDC_TRACES_TO", format!("http://{}", way.address)),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%2Cb".to_owned()),
    ];
    let mut first = bed.serve("first");
    let ids = runtime.block_on(ids(&bed));
    let trace = bed.dir.path().join("trace").display().to_string();
    bed.put_mesh(&first, 1, &format!("echo parent $TRACEPARENT >> {trace}"));
    let execution = first.start_flow(&[]);
    assert_eq!(ended(&first, execution)["state"], "succeeded");
    let expected = spans_of(&first, &ids, execution);
    assert_eq!(expected.len(), 7);
    let whole = |execution| {
        let expected = spans_of(&first, &ids, execution);
        wait_for("the trace", || {
            traced(&collector.taken(), &ids, execution) == expected
        });
    };
    whole(execution);

    let keys = collector.taken();
    assert!(keys.iter().all(|got| got.header("api-key") == "a,b"));

    // What jobs were told is what is told of them.
    let all = spans(&collector.taken());
    let found = &all[&ids.trace(ExecutionId(execution)).to_vec()];
    let attempts = runs_of(&first, execution)
        .into_iter()
        .flat_map(|(_, it)| it);
    let told = attempts.map(|it| ids.traceparent(ExecutionId(execution), AttemptId(it)));
    let told: BTreeSet<_> = told.collect();
    assert_eq!(
        bed.lines("parent").into_iter().collect::<BTreeSet<_>>(),
        told
    );
    let root = found
        .values()
        .find(|it| it.parent_span_id.is_empty())
        .unwrap();
    assert_eq!(root.name, "execution f");
    let links = found.values().map(|span| span.links.len()).sum::<usize>();
    assert_eq!(links, 2);
    for span in found.values().filter(|it| it.name.starts_with("f/")) {
        assert_eq!(span.parent_span_id, root.span_id);
        let state = span.attributes.iter().find(|it| it.key == "hcndc.state");
        let state = state.unwrap().value.clone().unwrap().value;
        assert_eq!(state, Some(Any::StringValue("succeeded".to_owned())));
    }

    // The collector is cut off, then there and not well, and the host of the server is lost meanwhile.
    way.cut();
    let mut executions: Vec<u64> = (0..2).map(|_| first.start_flow(&[])).collect();
    executions.iter().for_each(|it| drop(ended(&first, *it)));
    wait_for("it to be noticed", || {
        first.log().contains("a report is not taken; trying again")
            && figures(&first).lines().any(|line| {
                line.starts_with("hcndc_report_lag_seconds{report=\"traces\"}")
                    && !line.ends_with(" 0")
            })
    });
    let ready = first.url("").replace("api/v1/", "readyz");
    assert_eq!(first.try_get(&ready).unwrap().0, 200);
    first.kill();
    std::fs::remove_dir_all(bed.dir.path().join("first")).unwrap();
    collector.usually(503, "busy");
    way.heal();
    let second = bed.serve("second");
    wait_for("it to be told that it is busy", || {
        second.log().contains("503")
    });
    executions.push(second.start_flow(&[]));
    ended(&second, executions[2]);
    // One request goes wrong for good: its spans are left out, and nothing behind them.
    collector.then(&[(400, "no such tenant")]);
    collector.usually(200, "");
    let left_out = executions.remove(0);
    for execution in executions {
        let expected = spans_of(&second, &ids, execution);
        let got = || traced(&collector.taken(), &ids, execution);
        wait_for("the trace", || got() == expected);
    }
    let log = second.log();
    assert_eq!(log.matches("was refused").count(), 1, "{log}");
    let named = format!("trace of execution {left_out}");
    let refusal = log
        .lines()
        .find(|line| line.contains("was refused"))
        .unwrap();
    assert!(
        refusal.contains(&named) && refusal.contains("no such tenant"),
        "{refusal}"
    );
    let figures = figures(&second);
    for outcome in ["sent", "failed", "refused"] {
        let line =
            format!("hcndc_report_messages_total{{report=\"traces\",outcome=\"{outcome}\"}}");
        assert!(figures.contains(&line), "{line} in {figures}");
    }
    // Nothing else is told of, and nothing was told twice under another id.
    assert_eq!(spans(&collector.taken()).len(), 3);
}

/// The kinds of events that came of each run.
fn events(got: &[Got]) -> BTreeMap<String, BTreeSet<String>> {
    let mut runs = BTreeMap::<_, BTreeSet<_>>::new();
    for got in got {
        assert_eq!(got.path, "/api/v1/lineage");
        assert_eq!(got.header("authorization"), "Bearer secret");
        let event = got.json();
        assert_eq!(event["job"]["namespace"], "night");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let run = text(&event["run"]["runId"]);
        runs.entry(run)
            .or_default()
            .insert(text(&event["eventType"]));
    }
    runs
}

/// The events that an execution must have.
fn events_of(
    server: &Peer,
    ids: &Ids,
    execution: u64,
    end: &str,
) -> BTreeMap<String, BTreeSet<String>> {
    let words = |end: &str| ["START", end].map(str::to_owned).into_iter().collect();
    let part = ids.part_uuid(ExecutionId(execution), 0).to_string();
    let mut all = BTreeMap::from([(part, words(end))]);
    for (_, attempts) in runs_of(server, execution) {
        for attempt in attempts {
            let run = ids.attempt_uuid(AttemptId(attempt)).to_string();
            all.insert(run, words(end));
        }
    }
    all
}

#[test]
fn each_event_of_lineage_arrives_whatever_fails() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let marquez = runtime.block_on(Receiver::start(201, ""));
    let mut bed = Bed::new(Shared::File);
    bed.environment = vec![
        ("HCNDC_LINEAGE_TO", format!("http://{}", marquez.address)),
        ("HCNDC_LINEAGE_NAMESPACE", "night".to_owned()),
        ("OPENLINEAGE_API_KEY", "secret".to_owned()),
    ];
    let mut first = bed.serve("first");
    let ids = runtime.block_on(ids(&bed));
    bed.put_mesh(&first, 1, "true");
    let good = first.start_flow(&[]);
    ended(&first, good);
    let mut expected = events_of(&first, &ids, good, "COMPLETE");
    assert_eq!(expected.len(), 4);
    wait_for("the events", || events(&marquez.taken()) == expected);

    marquez.usually(500, "");
    let again = first.start_flow(&[]);
    ended(&first, again);
    wait_for("it to be noticed", || {
        first.log().contains("a report is not taken")
    });
    first.kill();
    marquez.usually(201, "");
    let second = bed.serve("first");
    expected.extend(events_of(&second, &ids, again, "COMPLETE"));
    wait_for("the events", || events(&marquez.taken()) == expected);
    // Jobs are not told of a trace that nobody sends.
    assert!(!second.log().contains("trace of"));
}

/// A collector as a process; it ends with this.
struct Collector(Child);

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_collector_of_others_takes_traces_and_logs_and_passes_them_on_as_they_were() {
    let test = "traces and logs to a collector of OpenTelemetry";
    let Some(program) = server("HCNDC_TEST_OTLP_COLLECTOR", test) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let behind = runtime.block_on(Receiver::start(200, ""));
    let dir = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", nobody());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let started = Command::new(program)
        .args(["start", "--otlp-http-endpoint", &address])
        .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{}", nobody())])
        .args(["--pid-file", &file("pid"), "--log-file", &file("log")])
        .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
        .args(["--otlp-exporter-endpoint", &behind.url("")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _collector = Collector(started.unwrap());

    let mut bed = Bed::new(Shared::File);
    bed.environment = vec![
        ("HCNDC_TRACES_TO", format!("http://{address}")),
        ("HCNDC_FORWARD_LOGS", format!("otlp+http://{address}")),
    ];
    let first = bed.serve("first");
    let ids = runtime.block_on(ids(&bed));
    bed.put_mesh(&first, 1, "echo and an error >&2");
    let execution = first.start_flow(&[]);
    assert_eq!(ended(&first, execution)["state"], "succeeded");
    let of = |path: &str| {
        let mut got = behind.got();
        got.retain(|got| got.path == path);
        got
    };
    let whole = spans_of(&first, &ids, execution);
    wait_for("the trace", || {
        traced(&of("/v1/traces"), &ids, execution) == whole
    });
    let all = spans(&of("/v1/traces"));
    let found = &all[&ids.trace(ExecutionId(execution)).to_vec()];
    let roots = found.values().filter(|it| it.parent_span_id.is_empty());
    let names: Vec<_> = roots.map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["execution f"]);
    wait_for("all lines", || lines_of(&of("/v1/logs")) == expected());
}

#[test]
fn what_goes_wrong_on_the_way_of_a_report_is_told_and_all_arrives_once_it_is_mended() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let keyless = runtime.block_on(Receiver::start(401, "no such key"));
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{";
    let ways = runtime.block_on(async {
        [
            ("http", nobody(), "refused"),
            ("http", dying(b"").await, ""),
            ("http", dying(b"\xff\xfe220 ready\r\n\r\n").await, ""),
            ("http", dying(cut).await, ""),
            ("https", untrusted().await, "certificate"),
            ("http", keyless.address.port(), "no such key"),
        ]
    });
    let mut bed = Bed::new(Shared::File);
    let to = |url: &str| {
        vec![
            ("HCNDC_TRACES_TO", url.to_owned()),
            ("HCNDC_LINEAGE_TO", url.to_owned()),
            ("HCNDC_LINEAGE_NAMESPACE", "night".to_owned()),
            ("OPENLINEAGE_API_KEY", "secret".to_owned()),
        ]
    };
    let mut executions = Vec::new();
    // The log of one server goes on with the next.
    let mut said = 0;
    for (scheme, port, expected) in ways {
        bed.environment = to(&format!("{scheme}://127.0.0.1:{port}"));
        let mut server = bed.serve("first");
        if executions.is_empty() {
            bed.put_mesh(&server, 1, "true");
        }
        let execution = server.start_flow(&[]);
        assert_eq!(ended(&server, execution)["state"], "succeeded");
        wait_for("it to be noticed at both", || {
            let log = server.log();
            let told = log[said..]
                .lines()
                .filter(|line| line.contains("is not taken"));
            told.filter(|line| line.contains(expected)).count() == 2
        });
        server.stop();
        said = server.log().len();
        executions.push(execution);
    }
    let good = runtime.block_on(Receiver::start(200, ""));
    bed.environment = to(&good.url(""));
    let server = bed.serve("first");
    let ids = runtime.block_on(ids(&bed));
    let of = |path: &str| {
        let mut got = good.got();
        got.retain(|got| got.path == path);
        got
    };
    let mut told = BTreeMap::new();
    for execution in executions {
        let whole = spans_of(&server, &ids, execution);
        wait_for("the trace", || {
            traced(&of("/v1/traces"), &ids, execution) == whole
        });
        told.extend(events_of(&server, &ids, execution, "COMPLETE"));
    }
    wait_for("the events", || events(&of("/api/v1/lineage")) == told);
}

/// A store in which somebody leads, and what ends an execution there.
async fn store() -> (MemStore, Fence) {
    let store = MemStore::new();
    let hour = Duration::from_secs(3_600);
    let asked = store.acquire("a", sample::at(0), hour, None).await;
    let fence = asked.unwrap().given().unwrap().fence;
    (store, fence)
}

async fn end(store: &MemStore, fence: Fence, id: u64) {
    let ended = ExecutionRow {
        state: ExecutionState::Succeeded,
        ended_at: Some(sample::at(100)),
        ..sample::execution(id)
    };
    let commit = Commit {
        next_id: 1_000,
        changes: vec![Change::Execution(ended)],
    };
    store.commit(fence, &commit).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_slow_is_given_up_in_time_and_gets_all_once_it_is_not() {
    type Made = fn(&str) -> Arc<dyn Report>;
    let reports: [Made; 2] = [
        |url| Arc::new(Traces::new(url, None).unwrap()),
        |url| Arc::new(Lineage::new(url, "night", chrono_tz::UTC, None).unwrap()),
    ];
    for made in reports {
        let good = Receiver::start(200, "").await;
        let way = Way::start(good.address.port()).await;
        way.hold();
        let report = made(&format!("http://127.0.0.1:{}", way.port));
        let (store, fence) = store().await;
        let pace = Pace {
            look_every: Duration::from_millis(10),
            first_wait: Duration::from_millis(10),
            ..Pace::default()
        };
        let courier = Courier::start(
            store.clone(),
            Arc::clone(&report),
            Ids::new("a realm"),
            Http::new().limited(Duration::from_millis(300)),
            Arc::new(Leading::alone()),
            pace,
        );
        let _courier = courier.await.unwrap();
        end(&store, fence, 31).await;
        until(async || way.connections() > 2).await;
        assert_eq!(good.got().len(), 0, "two were given up without an answer");
        end(&store, fence, 32).await;
        way.let_pass();
        let last = store.last_position().await.unwrap();
        until(async || store.mark(report.name()).await.unwrap() == Some(last)).await;
        let bodies: BTreeSet<_> = good.got().into_iter().map(|got| got.body).collect();
        assert!(bodies.len() > 1, "both are told: {bodies:?}");
    }
}

async fn until(so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, waiting).await.unwrap();
}
