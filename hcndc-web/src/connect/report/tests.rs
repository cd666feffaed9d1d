//! What is told of sample histories.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    contract::sample::{self, at},
    engine::{
        AttemptRow, AttemptState, Change, ExecutionRow, ExecutionState, JobRunRow, JobRunState,
    },
    id::{DataSourceId, ExecutionId, ExecutorId, JobId},
    model::{Condition, Dependency, Job, JobKind, SqlScript},
    port::{Commit, ExecutionEnd, Reports as _, RunStory, Store as _},
};
use hcndc_store_mem::MemStore;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value as Any,
    trace::v1::{Span, status::StatusCode},
};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::Value;

use super::{Ids, Report as _, Story, lineage::Lineage, story::executors, traces::Traces};

fn ids() -> Ids {
    Ids::new("a realm")
}

fn traces() -> Traces {
    Traces::new("http://collector", None).expect("an address")
}

fn lineage() -> Lineage {
    let zone = chrono_tz::Asia::Shanghai;
    Lineage::new("http://marquez:5000", "bank", zone, Some(" key ")).expect("an address")
}

fn spans(story: &Story) -> Vec<Span> {
    let traces = traces();
    let messages: Vec<_> = traces.messages(story).collect();
    let requests = messages.iter().map(|message| {
        ExportTraceServiceRequest::decode(&*message.body).expect("a request of OTLP")
    });
    let spans = requests.flat_map(|it| it.resource_spans);
    let spans = spans.flat_map(|it| it.scope_spans);
    spans.flat_map(|it| it.spans).collect()
}

fn events(story: &Story) -> Vec<Value> {
    let lineage = lineage();
    let messages = lineage.messages(story);
    let events = messages.map(|it| serde_json::from_slice(&it.body).expect("JSON"));
    events.collect()
}

fn attribute(span: &Span, key: &str) -> Option<Any> {
    let found = span.attributes.iter().find(|it| it.key == key)?;
    found.value.clone()?.value
}

fn run(id: u64, job: u64, state: JobRunState) -> JobRunRow {
    JobRunRow {
        state,
        ended_at: Some(at(100_000)),
        ..sample::job_run(id, 31, 41, job)
    }
}

fn attempt(id: u64, run: u64, number: u32, state: AttemptState, from: i64) -> AttemptRow {
    AttemptRow {
        state,
        dispatched_at: at(from),
        started_at: Some(at(from + 1_000)),
        ended_at: Some(at(from + 9_000)),
        ..sample::attempt(id, 31, run, number, 21)
    }
}

/// A flow of three jobs whose second one fails, is resumed and succeeds; the third reacts to failures only.
async fn stories() -> [Story; 2] {
    let store = MemStore::new();
    let hour = Duration::from_secs(3_600);
    let lease = store.acquire("a", at(0), hour, None).await;
    let fence = lease.expect("acquire").given().expect("nobody leads").fence;
    let job = |id, name, depends_on: &[(u64, Condition)]| Job {
        dependencies: depends_on
            .iter()
            .map(|(on, condition)| Dependency::new(JobId(*on), *condition))
            .collect(),
        ..sample::job(id, 1, name)
    };
    let load = Job {
        kind: JobKind::Sql(SqlScript {
            data_source: DataSourceId(9),
            statement: "INSERT INTO t VALUES ('${date}')".to_owned(),
            transaction: true,
        }),
        ..job(12, "load", &[(11, Condition::Success)])
    };
    let execution = |state, ended_at, resumes| {
        Change::Execution(ExecutionRow {
            state,
            ended_at,
            resumes,
            resumed_by: (resumes > 0).then(|| "bob".to_owned()),
            ..sample::execution(31)
        })
    };
    let commit = |next_id, changes| Commit { next_id, changes };
    let first = vec![
        sample::put_flow(&sample::flow(1, "daily")),
        sample::put_job(&job(11, "extract", &[])),
        sample::put_job(&load),
        sample::put_job(&job(13, "alarm", &[(12, Condition::Failure)])),
        sample::put_executor(&sample::executor(21, "host-a")),
        sample::put_flow_run(sample::flow_run(41, 31, 1)),
        sample::put_job_run(JobRunRow {
            attempt: 2,
            queued_at: Some(at(20_000)),
            ..run(51, 11, JobRunState::Succeeded)
        }),
        sample::put_job_run(JobRunRow {
            attempt: 1,
            queued_at: Some(at(40_000)),
            ..run(52, 12, JobRunState::Failed)
        }),
        sample::put_job_run(run(53, 13, JobRunState::Skipped)),
        Change::Attempt(AttemptRow {
            exit_code: Some(3),
            ..attempt(61, 51, 1, AttemptState::Failed, 10_000)
        }),
        Change::Attempt(attempt(62, 51, 2, AttemptState::Succeeded, 25_000)),
        Change::Attempt(AttemptRow {
            signal: Some(9),
            message: "out of memory".to_owned(),
            // The host's clock is an hour behind.
            started_at: Some(at(-3_600_000_000)),
            ended_at: Some(at(-3_599_000_000)),
            ..attempt(63, 52, 1, AttemptState::Failed, 50_000)
        }),
        execution(ExecutionState::Failed, Some(at(101_000)), 0),
    ];
    store
        .commit(fence, &commit(100, first))
        .await
        .expect("commit");
    let first = latest(&store).await;
    let second = vec![
        execution(ExecutionState::Running, None, 1),
        sample::put_job_run(JobRunRow {
            attempt: 2,
            queued_at: Some(at(500_000)),
            ended_at: Some(at(520_000)),
            ..run(52, 12, JobRunState::Succeeded)
        }),
        Change::Attempt(attempt(101, 52, 2, AttemptState::Succeeded, 505_000)),
    ];
    store
        .commit(fence, &commit(110, second))
        .await
        .expect("commit");
    let third = vec![execution(ExecutionState::Succeeded, Some(at(530_000)), 1)];
    store
        .commit(fence, &commit(110, third))
        .await
        .expect("commit");
    [first, latest(&store).await]
}

/// What the execution did until its latest end.
async fn latest(store: &MemStore) -> Story {
    let ends = store.ends(0, 10).await.expect("ends");
    let end = ends.last().expect("it has ended");
    let executors = executors(store).await.expect("executors");
    let story = Story::read(store, &ids(), *end, &Arc::new(executors)).await;
    story.expect("read").expect("it is there")
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

#[tokio::test]
async fn a_trace_tells_what_ran_and_what_became_of_it() {
    let [first, second] = stories().await;
    let spans = spans(&first);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    let expected = [
        "execution daily",
        "daily/extract",
        "attempt 1",
        "attempt 2",
        "daily/load",
        "attempt 1",
        "daily/alarm",
    ];
    assert_eq!(names, expected);
    let root = named(&spans, "execution daily");
    assert_eq!(root.parent_span_id, Vec::<u8>::new());
    let status = root.status.clone().expect("a status");
    assert_eq!(status.code(), StatusCode::Error);
    let text = |text: &str| Some(Any::StringValue(text.to_owned()));
    assert_eq!(attribute(root, "hcndc.started_by"), text("anna"));
    assert_eq!(attribute(root, "hcndc.data_date"), text("2026-11-21"));
    assert_eq!(attribute(root, "hcndc.state"), text("failed"));

    let load = named(&spans, "daily/load");
    let extract = named(&spans, "daily/extract");
    let links: Vec<_> = load.links.iter().map(|it| &it.span_id).collect();
    assert_eq!(links, [&extract.span_id]);
    let waits: Vec<_> = load.events.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(waits, ["queued", "dispatched", "running"]);
    let micros = |nanos: u64| i64::try_from(nanos / 1_000).expect("small") - at(0).as_micros();
    assert_eq!(micros(load.start_time_unix_nano), 40_000);
    // Its second attempt was queued after the first one ended, so the time of the first is not known any more.
    assert_eq!(micros(extract.start_time_unix_nano), 10_000);
    let oom = &spans[5];
    let status = oom.status.clone().expect("a status");
    assert_eq!(status.message, "signal 9: out of memory");
    assert_eq!(micros(oom.end_time_unix_nano), 50_000);
    assert_eq!(attribute(oom, "hcndc.executor_name"), text("host-a"));
    assert_eq!(
        attribute(&spans[2], "process.exit.code"),
        Some(Any::IntValue(3))
    );

    // The resume is a child of the root, and waited for what had been told before.
    let again = super::tests::spans(&second);
    let names: Vec<_> = again.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["resumed daily", "daily/load", "attempt 2"]);
    assert_eq!(again[0].parent_span_id, root.span_id);
    assert_eq!(again[0].trace_id, root.trace_id);
    assert_eq!(again[1].links[0].span_id, extract.span_id);
    assert_eq!(micros(again[0].start_time_unix_nano), 500_000);
    let status = again[0].status.clone().expect("a status");
    assert_eq!(status.code(), StatusCode::Ok);
    assert_eq!(attribute(&again[0], "hcndc.resumed_by"), text("bob"));
}

#[tokio::test]
async fn an_attempt_is_told_the_trace_that_it_will_be_in() {
    let [first, _] = stories().await;
    let spans = spans(&first);
    let attempt = &spans[2];
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
    let told = ids().traceparent(ExecutionId(31), first.runs[0].attempts[0].id);
    let expected = format!("00-{}-{}-01", hex(&attempt.trace_id), hex(&attempt.span_id));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn long_traces_go_in_several_messages() {
    let [first, _] = stories().await;
    let mut story = first;
    let run = story.runs[0].clone();
    story.runs = (0..1_000_u64)
        .map(|number| {
            let mut run = run.clone();
            run.row.id.0 = 1_000 + number;
            run.attempts.truncate(1);
            run
        })
        .collect();
    let traces = traces();
    let sizes: Vec<_> = traces.messages(&story).map(|it| it.body.len()).collect();
    assert_eq!(sizes.len(), 4);
    assert!(sizes.iter().all(|size| *size < 1 << 20), "{sizes:?}");
    assert_eq!(spans(&story).len(), 2_001);
}

#[tokio::test]
async fn lineage_tells_starts_and_ends_of_executions_and_attempts() {
    let [first, second] = stories().await;
    let told: Vec<_> = [&first, &second].into_iter().flat_map(events).collect();
    let words: Vec<_> = told
        .iter()
        .map(|event| {
            let name = event["job"]["name"].as_str().expect("a name");
            format!("{} {name}", event["eventType"].as_str().expect("a type"))
        })
        .collect();
    let expected = [
        "START daily",
        "START daily/extract",
        "FAIL daily/extract",
        "START daily/extract",
        "COMPLETE daily/extract",
        "START daily/load",
        "FAIL daily/load",
        "FAIL daily",
        "START daily",
        "START daily/load",
        "COMPLETE daily/load",
        "COMPLETE daily",
    ];
    assert_eq!(words, expected);
    let runs: BTreeSet<_> = told
        .iter()
        .map(|it| it["run"]["runId"].to_string())
        .collect();
    assert_eq!(runs.len(), 6);
    let load = &told[6];
    let facets = &load["run"]["facets"];
    assert_eq!(facets["parent"]["run"]["runId"], told[0]["run"]["runId"]);
    assert_eq!(facets["parent"]["job"]["name"], "daily");
    assert_eq!(facets["errorMessage"]["message"], "signal 9: out of memory");
    // The day of the date in Shanghai.
    let nominal = &facets["nominalTime"];
    assert_eq!(nominal["nominalStartTime"], "2026-11-20T16:00:00.000000Z");
    assert_eq!(nominal["nominalEndTime"], "2026-11-21T16:00:00.000000Z");
    let sql = &load["job"]["facets"]["sql"];
    assert_eq!(sql["query"], "INSERT INTO t VALUES ('${date}')");
    assert_eq!(load["job"]["namespace"], "bank");
    assert_eq!(
        told[9]["run"]["facets"]["parent"]["run"]["runId"],
        told[8]["run"]["runId"]
    );
    let target = lineage();
    let target = target.target();
    assert_eq!(target.url, "http://marquez:5000/api/v1/lineage");
    let header = ("Authorization".to_owned(), "Bearer key".to_owned());
    assert_eq!(target.headers, [header]);
    assert!(!format!("{target:?}").contains("Bearer"));
}

/// Whether a host may do without Python's validator; says so.
fn without_validator() -> bool {
    let imports = Command::new("python3")
        .args(["-W", "ignore", "-c", "import jsonschema"])
        .stderr(Stdio::null())
        .status();
    if imports.is_ok_and(|status| status.success()) {
        return false;
    }
    let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
    assert!(
        !is_ci,
        "cannot be skipped where HCNDC_CI is 1: python3 has no jsonschema"
    );
    // Straight to the stream: what a passing test prints is not shown.
    let line = b"skipped: events_are_what_the_schemas_ask_for: python3 has no jsonschema\n";
    drop(std::io::stderr().write_all(line));
    true
}

#[tokio::test]
async fn events_are_what_the_schemas_ask_for() {
    if without_validator() {
        return;
    }
    let [first, second] = stories().await;
    let told = [&first, &second].into_iter().flat_map(events);
    let lines: String = told.map(|event| format!("{event}\n")).collect();
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/openlineage/validate.py"
    );
    let run = |lines: &str| {
        let mut python = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut stdin = python.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("it reads");
        drop(stdin);
        let output = python.wait_with_output().expect("it ends");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (valid, said) = run(&lines);
    assert!(valid, "{said}");
    assert!(said.contains("12 events are valid"), "{said}");
    // It does look.
    let (valid, said) = run(&lines.replace("programmingLanguage", "language"));
    assert!(!valid && said.contains("errorMessage"), "{said}");
    let (valid, _) = run(&lines.replace("2-0-2/JobType", "9-9-9/JobType"));
    assert!(!valid);
}

#[test]
fn addresses_of_other_forms_are_refused() {
    for url in [
        "collector:4318",
        "grpc://collector",
        "http://",
        "fluentd://a",
    ] {
        let refused = Traces::new(url, None).expect_err(url).to_string();
        assert!(
            refused.contains("--traces-to") && refused.contains("https://HOST"),
            "{refused}"
        );
    }
    let refused = Traces::new("http://a", Some("x")).expect_err("no header");
    assert!(refused.to_string().contains("OTEL_EXPORTER_OTLP_HEADERS"));
    let zone = chrono_tz::UTC;
    assert!(Lineage::new("otlp+http://a", "n", zone, None).is_err());
    let own = Lineage::new("https://a/lineage?x=1", "n", zone, None).expect("an address");
    assert_eq!(own.target().url, "https://a/lineage?x=1");
    assert_eq!(own.target().headers, []);
}

/// A history that nobody would expect: times in any order, attempts spread over parts, jobs that wait for each other.
fn histories() -> impl Strategy<Value = (ExecutionRow, Vec<ExecutionEnd>, Vec<RunStory>)> {
    let attempt = (
        0_u64..3,
        -50_i64..50,
        prop::option::of(-50_i64..50),
        prop::option::of(-50_i64..50),
    );
    let run = (
        prop::collection::vec(attempt, 0..4),
        prop::option::of(-50_i64..50),
        prop::option::of(-50_i64..50),
        any::<bool>(),
        prop::collection::vec(0_u64..6, 0..3),
    );
    let runs = prop::collection::vec(run, 0..6);
    (1_u32..4, -50_i64..50, -50_i64..50, runs).prop_map(|(parts, from, to, runs)| {
        let ends = (0..parts).map(|resumes| ExecutionEnd {
            execution: ExecutionId(31),
            resumes,
            position: 5 + u64::from(resumes),
            state: ExecutionState::Failed,
            ended_at: at(to + i64::from(resumes) * 7),
            next_id: 1_000 * (u64::from(resumes) + 1),
        });
        let ends: Vec<_> = ends.collect();
        let stories = runs.into_iter().zip(0_u64..).map(|(drawn, index)| {
            let (attempts, queued_at, ended_at, left_out, depends_on) = drawn;
            // Ids grow, so that a later attempt is in no earlier part.
            let mut drawn_parts: Vec<_> = attempts
                .iter()
                .map(|it| it.0.min(u64::from(parts) - 1))
                .collect();
            drawn_parts.sort_unstable();
            let attempts = attempts.into_iter().zip(drawn_parts).zip(1_u32..);
            let attempts = attempts.map(|(((_, from, began, ended), part), number)| AttemptRow {
                state: match number % 3 {
                    0 => AttemptState::Succeeded,
                    1 => AttemptState::Lost,
                    _ => AttemptState::Killed,
                },
                dispatched_at: at(from),
                started_at: began.map(at),
                ended_at: ended.map(at),
                ..sample::attempt(
                    1_000 * part + index * 10 + u64::from(number),
                    31,
                    500 + index,
                    number,
                    21,
                )
            });
            let attempts: Vec<_> = attempts.collect();
            let dependencies = depends_on.into_iter();
            let dependencies = dependencies.map(|on| Dependency::new(JobId(on), Condition::Done));
            RunStory {
                row: JobRunRow {
                    state: JobRunState::Failed,
                    attempt: u32::try_from(attempts.len()).expect("a few"),
                    queued_at: queued_at.map(at),
                    ended_at: ended_at.map(at),
                    left_out,
                    ..sample::job_run(500 + index, 31, 41, index)
                },
                flow_name: "f".to_owned(),
                job: Arc::new(Job {
                    dependencies: dependencies.collect(),
                    ..sample::job(index, 1, "j")
                }),
                attempts,
            }
        });
        let execution = ExecutionRow {
            started_at: at(from),
            ..sample::execution(31)
        };
        (execution, ends, stories.collect())
    })
}

proptest! {
    #[test]
    fn parents_and_links_are_there_ids_are_given_once_and_times_are_in_order(
        (execution, ends, runs) in histories()
    ) {
        let attempts: usize = runs.iter().map(|run| run.attempts.len()).sum();
        let mut by_id = BTreeMap::<Vec<u8>, Span>::new();
        let mut all = 0;
        for end in &ends {
            let told = (execution.clone(), vec!["f".to_owned()]);
            let executors = Arc::new(BTreeMap::from([(ExecutorId(21), "x".to_owned())]));
            let story = Story::new(ids(), told, (*end, &ends), runs.clone(), executors);
            for span in spans(&story) {
                all += 1;
                by_id.insert(span.span_id.clone(), span);
            }
        }
        prop_assert_eq!(by_id.len(), all, "an id was given twice");
        let of_attempts = by_id.values().filter(|span| span.name.starts_with("attempt "));
        prop_assert_eq!(of_attempts.count(), attempts);
        let roots = by_id.values().filter(|span| span.parent_span_id.is_empty());
        prop_assert_eq!(roots.count(), 1);
        let traces: BTreeSet<_> = by_id.values().map(|span| &span.trace_id).collect();
        prop_assert_eq!(traces.len(), 1);
        for span in by_id.values() {
            let (from, to) = (span.start_time_unix_nano, span.end_time_unix_nano);
            prop_assert!(from <= to, "{:?}", span);
            for event in &span.events {
                let during = (from..=to).contains(&event.time_unix_nano);
                prop_assert!(during, "{} of {:?}", event.name, span);
            }
            for link in &span.links {
                prop_assert!(by_id.contains_key(&link.span_id));
            }
            if span.parent_span_id.is_empty() {
                continue;
            }
            let parent = by_id.get(&span.parent_span_id);
            prop_assert!(parent.is_some(), "{} has no parent", span.name);
            // What was resumed goes on after the root's end.
            if let Some(parent) = parent && !span.name.starts_with("resumed") {
                prop_assert!(parent.start_time_unix_nano <= from && to <= parent.end_time_unix_nano,
                    "{:?} in {:?}", span, parent);
            }
        }
    }
}
