//! How long does an answer of the API take, with years of history and others asking at the same time?
//!
//! The server itself, on SQLite with 1,000 flows of ten jobs and `HCNDC_BENCH_EXECUTIONS` executions of them (20,000 by default,
//! 1,000,000 for the figure of the design), is asked 100 times a second for `HCNDC_BENCH_SECONDS` (20 by default): things by their ids, pages of lists,
//! and changes, a fifth of all, among them one start of a job a second. A request begins when its turn comes, whether others are answered or not, so a server
//! that stalls is told by all that wait. MariaDB instead of SQLite when `HCNDC_TEST_MYSQL_URL` names a server.
//!
//! ```text
//! cargo build --release -p hcndc-web && HCNDC_BENCH_EXECUTIONS=1000000 cargo bench -p hcndc-benches --bench api
//! ```

#![expect(clippy::print_stdout, reason = "the figures are what this is for")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hcndc_benches::{History, Server as Database};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use ureq::Agent;

const FLOWS: u64 = 1_000;
/// Requests a second.
const RATE: u64 = 100;
/// More than are ever open at once, if the server keeps up.
const CALLERS: usize = 16;
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let Some(program) = release_build() else {
        eprintln!("skipped: api: build it first: cargo build --release -p hcndc-web");
        return;
    };
    let executions = number("HCNDC_BENCH_EXECUTIONS", 20_000);
    let seconds = number("HCNDC_BENCH_SECONDS", 20);
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let database = Database::from_env().map(|server| runtime.block_on(server.create_database()));
    let data = dir.path().join("server");
    // Its own database lies in its folder; for another one it needs the key that it makes there.
    let own = format!("sqlite://{}", data.join("hcndc.db").display());
    let (name, url) = match &database {
        Some(database) => {
            Server::start(&program, &data, None).stop();
            ("mariadb", database.url().to_owned())
        }
        None => ("sqlite", own),
    };
    let elsewhere = database.as_ref().map(|_| url.as_str());

    let server = Server::start(&program, &data, elsewhere);
    let history = define(&server, executions);
    server.stop();
    let began = Instant::now();
    runtime.block_on(async {
        history.fill(&url).await;
        let db = sea_orm::Database::connect(&url).await.expect("connect");
        let next = history.execution(executions);
        let statement = format!("UPDATE leader SET next_id = {next}");
        db.execute_unprepared(&statement)
            .await
            .expect("the next id");
        db.close().await.expect("close");
    });
    println!(
        "{name}: {executions} executions, {} job runs, filled in {:.0?}",
        executions * 10,
        Duration::from_secs(began.elapsed().as_secs())
    );

    let server = Server::start(&program, &data, elsewhere);
    let requests = Requests { history };
    ask(&server, &requests, 5 * RATE); // warms up
    let took = ask(&server, &requests, seconds * RATE);
    server.stop();
    tell(name, took);
    if let Some(database) = database {
        runtime.block_on(database.drop());
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The release build beside this benchmark.
fn release_build() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    let path = this.parent()?.parent()?.join("hcndc");
    path.is_file().then_some(path)
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(program: &Path, data: &Path, database: Option<&str>) -> Self {
        let mut command = Command::new(program);
        command
            .args(["serve", "--access", "open", "--listen", "127.0.0.1:0"])
            .args(["--keep-history", "0", "--data-dir"])
            .arg(data);
        if let Some(url) = database {
            command
                .args(["--database", url, "--key-file"])
                .arg(data.join("secret.key"));
        }
        let mut child = command
            .env("HCNDC_LANG", "en")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| {
                Some(
                    line[line.find("http://")?..]
                        .trim_end_matches('/')
                        .to_owned(),
                )
            })
            .expect("it serves");
        Self { child, address }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.address)
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").arg(pid).status().expect("kill");
        assert!(told.success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// Defines the flows, and one that runs. Answers where their history belongs.
fn define(server: &Server, executions: u64) -> History {
    let mut mesh = String::from("hcndc: 1\nflows:\n");
    for flow in 0..FLOWS {
        writeln!(
            mesh,
            "  - name: flow-{flow:04}\n    directory: /bench/{}\n    jobs:",
            flow % 20
        )
        .expect("text");
        for job in 0..10 {
            let after = if job > 0 {
                format!(", depends_on: [job-{}]", job - 1)
            } else {
                String::new()
            };
            writeln!(mesh, "      - {{name: job-{job}, command: 'true'{after}}}").expect("text");
        }
    }
    mesh.push_str("  - name: light\n    jobs:\n      - {name: once, command: 'true'}\n");
    ureq::post(server.url("mesh"))
        .header("content-type", "application/yaml")
        .send(mesh)
        .expect("a sound mesh");
    let flow = |at: u64| {
        let mut found = ureq::get(server.url(&format!("flows?text=flow-{at:04}")))
            .call()
            .expect("the flow");
        let page: Value = found.body_mut().read_json().expect("JSON");
        page["items"][0]["id"].as_u64().expect("an id")
    };
    let (first, last) = (flow(0), flow(FLOWS - 1));
    let mut found = ureq::get(server.url(&format!("jobs?flow={first}&limit=1")))
        .call()
        .expect("its jobs");
    let jobs: Value = found.body_mut().read_json().expect("JSON");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let began = now - 1_000 * DAY;
    let micros = |time: Duration| u64::try_from(time.as_micros()).expect("microseconds");
    History {
        executions,
        flows: FLOWS,
        first_id: 1_000_000,
        first_flow: first,
        flow_step: (last - first) / (FLOWS - 1),
        to_jobs: jobs["items"][0]["id"].as_u64().expect("an id") - first,
        first_day: "2024-03-01",
        began: micros(began),
        apart: micros(1_000 * DAY) / executions,
        running: 0,
        versions: false,
    }
}

struct Requests {
    history: History,
}

enum Request {
    Get(&'static str, String),
    Send(&'static str, &'static str, String, Value),
}

impl Requests {
    /// What is asked as the request of this number: what it is called, and where.
    fn at(&self, at: u64) -> Request {
        use Request::{Get, Send};
        let drawn = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let run = drawn % self.history.executions;
        let (flow, execution) = (self.history.flow(run), self.history.execution(run));
        let job = flow + self.history.to_jobs + drawn % 10;
        let month = format!("2025-{:02}", drawn % 12 + 1);
        match at % 20 {
            0 => Get("get: execution", format!("executions/{execution}")),
            1 => Get("get: flow", format!("flows/{flow}")),
            2 => Get("get: job", format!("jobs/{job}")),
            3 => Get("get: job run", format!("job-runs/{}", execution + 2)),
            4 => Get(
                "get: graph of an execution",
                format!("graphs/executions/{execution}/jobs"),
            ),
            5 => Get("list: executions", "executions".to_owned()),
            6 => Get(
                "list: executions of a flow",
                format!("executions?flow={flow}"),
            ),
            7 => Get(
                "list: executions that failed in a month",
                format!(
                    "executions?state=failed&data_date_from={month}-01&data_date_to={month}-28"
                ),
            ),
            8 => Get(
                "list: job runs of an execution",
                format!("job-runs?execution={execution}"),
            ),
            9 => Get(
                "list: job runs of a job that failed",
                format!("job-runs?job={job}&state=failed"),
            ),
            10 => Get(
                "list: flows by text",
                format!("flows?text=flow-0{}", drawn % 100),
            ),
            11 => Get("list: jobs", "jobs?limit=50".to_owned()),
            12 => Get("list: audit", "audit".to_owned()),
            13 => Get("list: executors", "executors".to_owned()),
            14 => Get("list: overview", "overview".to_owned()),
            15 => Get(
                "list: grid",
                format!("grid?from={month}-01&to={month}-28&limit=20"),
            ),
            16 if at % 100 == 16 => Send(
                "write: start of a flow",
                "POST",
                "executions".to_owned(),
                json!({"flow": "light"}),
            ),
            16 => Send(
                "write: new flow",
                "POST",
                "flows".to_owned(),
                json!({"name": format!("new {at} {}", Self::run_id())}),
            ),
            17 => Send(
                "write: flow",
                "PATCH",
                format!("flows/{flow}"),
                json!({"description": format!("as of {at}")}),
            ),
            18 => Send(
                "write: job",
                "PATCH",
                format!("jobs/{job}"),
                json!({"priority": drawn % 100}),
            ),
            _ => Send(
                "write: job",
                "PATCH",
                format!("jobs/{job}"),
                json!({"description": format!("as of {at}")}),
            ),
        }
    }

    /// Another one in each run through the requests, so that what is new is.
    fn run_id() -> u128 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos()
    }
}

/// Asks so many times, and answers how long each took from its turn on.
fn ask(server: &Server, requests: &Requests, count: u64) -> BTreeMap<&'static str, Vec<Duration>> {
    let next = AtomicU64::new(0);
    let took = Mutex::new(BTreeMap::<_, Vec<_>>::new());
    let began = Instant::now();
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_idle_connections_per_host(CALLERS)
        .build()
        .into();
    let call = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            let turn = began + Duration::from_millis(at * 1_000 / RATE);
            thread::sleep(turn.saturating_duration_since(Instant::now()));
            let (name, answer) = match requests.at(at) {
                Request::Get(name, path) => (name, agent.get(server.url(&path)).call()),
                Request::Send(name, "POST", path, body) => {
                    (name, agent.post(server.url(&path)).send_json(body))
                }
                Request::Send(name, _, path, body) => {
                    (name, agent.patch(server.url(&path)).send_json(body))
                }
            };
            let mut answer = answer.expect("an answer");
            let text = answer.body_mut().read_to_string().expect("all of it");
            let time = turn.elapsed();
            assert!(
                answer.status().is_success(),
                "{name}: {}: {text}",
                answer.status()
            );
            took.lock()
                .expect("nobody panicked")
                .entry(name)
                .or_default()
                .push(time);
        }
    };
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(call);
        }
    });
    took.into_inner().expect("nobody panicked")
}

fn tell(database: &str, took: BTreeMap<&'static str, Vec<Duration>>) {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (name, times) in &took {
        let kind = if name.starts_with("write") {
            "all writes"
        } else {
            "all gets and lists"
        };
        all.entry(kind).or_default().extend(times);
    }
    for (name, mut times) in took.into_iter().chain(all) {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
        println!(
            "{:<52} {:>5}   p50 {:>7.2} ms   p99 {:>7.2} ms",
            format!("{database}/{name}"),
            times.len(),
            at(50),
            at(99)
        );
    }
}
