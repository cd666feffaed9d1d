//! How long does a page of each list of runs take, by how many there are?
//!
//! `HCNDC_BENCH_EXECUTIONS` says how many executions, each with a flow run and ten job runs; 20,000 by default, 1,000,000 for the figure
//! of the design. Rows are made by the database itself. SQLite in a file, MariaDB when `HCNDC_TEST_MYSQL_URL` names a server.
//! Prints the median and the 99th percentile of many pages of each list, from places drawn all over it.

#![expect(clippy::print_stdout, reason = "the figures are what this is for")]

use std::time::{Duration, Instant};

use hcndc_benches::{History, Server};
use hcndc_core::{
    engine::{ExecutionState, JobRunState},
    id::{ExecutionId, FlowId, FlowRunId, JobId, ScheduleId},
    port::{
        ActionQuery, Cursor, CursorValue, Direction, ExecutionQuery, History as _, JobRunQuery,
        PageRequest,
    },
    time::DataDate,
};
use hcndc_store_mysql::SqlStore;

/// Pages of each list that are timed.
const PAGES: u64 = 200;
/// Flows, of which each has one schedule and ten jobs.
const FLOWS: u64 = 1_000;

fn main() {
    let executions = std::env::var("HCNDC_BENCH_EXECUTIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let url = format!(
        "sqlite://{}?mode=rwc",
        dir.path().join("lists.db").display()
    );
    if std::env::var_os("HCNDC_BENCH_SQLITE").is_none_or(|it| it != "off") {
        runtime.block_on(measure("sqlite", &url, executions));
    }
    drop(dir);
    match Server::from_env() {
        Some(server) => runtime.block_on(async {
            let database = server.create_database().await;
            measure("mariadb", database.url(), executions).await;
            database.drop().await;
        }),
        None => eprintln!("skipped: lists/mariadb: HCNDC_TEST_MYSQL_URL is not set"),
    }
}

/// Places all over a list, newest first; every fourth page is the first one, as it is in life.
fn page(at: u64, executions: u64) -> PageRequest {
    let place = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % executions * 100;
    PageRequest {
        after: (!at.is_multiple_of(4)).then_some(Cursor {
            value: CursorValue::Id,
            id: place,
        }),
        limit: 50,
        direction: Direction::Descending,
    }
}

async fn time<T>(name: &str, mut list: impl AsyncFnMut(u64) -> T, count: impl Fn(&T) -> usize) {
    let mut took = Vec::new();
    let mut items = 0;
    for at in 0..PAGES {
        let began = Instant::now();
        let page = list(at).await;
        took.push(began.elapsed());
        items += count(&page);
    }
    assert!(items > 0, "{name} has no items");
    took.sort_unstable();
    let at = |percent: usize| took[took.len() * percent / 100].as_secs_f64() * 1_000.0;
    println!("{name:<44} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}

async fn measure(name: &str, url: &str, executions: u64) {
    let store = SqlStore::connect(url).await.expect("a database");
    let began = Instant::now();
    let history = History::undefined(executions, FLOWS);
    history.fill(url).await;
    println!(
        "{name}: {executions} executions, {} job runs, filled in {:.0?}",
        executions * 10,
        Duration::from_secs(began.elapsed().as_secs())
    );
    let list = |query: fn(u64) -> ExecutionQuery| {
        let store = store.clone();
        async move |at: u64| {
            let page = page(at, executions);
            let query = ExecutionQuery { page, ..query(at) };
            store.executions(&query).await.expect("a page").items
        }
    };
    let any = |_| ExecutionQuery::default();
    time(&format!("{name}/executions"), list(any), Vec::len).await;
    let query = |_| ExecutionQuery {
        states: vec![ExecutionState::Running],
        ..ExecutionQuery::default()
    };
    time(&format!("{name}/executions/running"), list(query), Vec::len).await;
    let query = |_| ExecutionQuery {
        states: vec![ExecutionState::Failed, ExecutionState::Stopped],
        ..ExecutionQuery::default()
    };
    time(
        &format!("{name}/executions/failed_or_stopped"),
        list(query),
        Vec::len,
    )
    .await;
    let query = |at| ExecutionQuery {
        flow: Some(FlowId(History::undefined(1, FLOWS).flow(at))),
        ..ExecutionQuery::default()
    };
    time(
        &format!("{name}/executions/of_a_flow"),
        list(query),
        Vec::len,
    )
    .await;
    let query = |at| ExecutionQuery {
        schedule: Some(ScheduleId(at % FLOWS + 1)),
        states: vec![ExecutionState::Succeeded, ExecutionState::Failed],
        ..ExecutionQuery::default()
    };
    time(
        &format!("{name}/executions/of_a_schedule"),
        list(query),
        Vec::len,
    )
    .await;
    let first = |at: u64| {
        let first: DataDate = "2023-01-01".parse().expect("a date");
        let days = i32::try_from(at * 5 % 900).expect("days");
        first.plus_days(days)
    };
    let day = move |at| ExecutionQuery {
        data_date_from: first(at),
        data_date_to: first(at),
        ..ExecutionQuery::default()
    };
    let query = day;
    let dates = async |at: u64| {
        let page = PageRequest {
            after: None,
            ..page(at, executions)
        };
        let query = ExecutionQuery { page, ..query(at) };
        store.executions(&query).await.expect("a page").items
    };
    time(&format!("{name}/executions/of_a_date"), dates, Vec::len).await;
    let month = async |at: u64| {
        let page = PageRequest {
            after: None,
            ..page(at, executions)
        };
        let query = ExecutionQuery {
            data_date_to: first(at).and_then(|date| date.plus_days(30)),
            states: vec![ExecutionState::Failed],
            page,
            ..day(at)
        };
        store.executions(&query).await.expect("a page").items
    };
    time(
        &format!("{name}/executions/of_a_month_failed"),
        month,
        Vec::len,
    )
    .await;

    let list = |query: fn(u64, u64) -> JobRunQuery| {
        let store = store.clone();
        async move |at: u64| {
            let page = page(at, executions);
            let query = JobRunQuery {
                page,
                ..query(at, executions)
            };
            store.job_runs(&query).await.expect("a page").items
        }
    };
    let query = |_, _| JobRunQuery::default();
    time(&format!("{name}/job_runs"), list(query), Vec::len).await;
    let query = |_, _| JobRunQuery {
        states: vec![JobRunState::Failed, JobRunState::Running],
        ..JobRunQuery::default()
    };
    time(
        &format!("{name}/job_runs/failed_or_running"),
        list(query),
        Vec::len,
    )
    .await;
    let query = |at, _| JobRunQuery {
        job: Some(JobId(at % (FLOWS * 10) + 1)),
        states: vec![JobRunState::Succeeded],
        ..JobRunQuery::default()
    };
    time(
        &format!("{name}/job_runs/of_a_job_succeeded"),
        list(query),
        Vec::len,
    )
    .await;
    let of_one = async |at: u64| {
        let execution = history.execution(at * 7 % executions);
        let query = JobRunQuery {
            execution: Some(ExecutionId(execution)),
            flow_run: Some(FlowRunId(execution + 1)),
            ..JobRunQuery::default()
        };
        store.job_runs(&query).await.expect("a page").items
    };
    time(
        &format!("{name}/job_runs/of_an_execution"),
        of_one,
        Vec::len,
    )
    .await;
    let actions = async |at: u64| {
        let page = page(at, executions);
        let query = ActionQuery {
            page,
            ..ActionQuery::default()
        };
        store.actions(&query).await.expect("a page").items
    };
    time(&format!("{name}/actions"), actions, Vec::len).await;
    store.close().await.expect("close");
}
