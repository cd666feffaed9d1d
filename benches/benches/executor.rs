//! What does an executor cost on top of the processes that it runs, and how much is it while it waits?
//!
//! The program itself, over gRPC on loopback, as a scheduler uses it:
//!
//! - `executor/rate`: 2,000 × `true` with 16 at once, beside `xargs -P 16` with `sh -c true`; the ratio is the answer.
//! - `executor/start`: from the order to the report that it runs, one at a time on an idle executor.
//! - `executor/memory`: resident memory of executor and holder, idle and for each of 50 running jobs.
//! - `executor/output`: what one job that writes as fast as it can gets rid of.
//! - `executor/heartbeats`: 10,000 executors that say how they are, taken by one engine.
//!
//! ```text
//! cargo build --release -p hcndc-exec && cargo bench -p hcndc-benches --bench executor
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use hcndc_core::{
    engine::{EditBatch, End, EndCause, Engine, HostFigures, Input, Order, Report, RunOrder},
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId},
    model::{Edit, Executor, ExecutorDraft, JobKind, Revision},
    port::{Fence, Transport as _},
    time::Timestamp,
};
use hcndc_exec::{
    executor::find_within,
    transport::{Grpc, GrpcTransport},
};

const ID: ExecutorId = ExecutorId(1);
const JOBS: u64 = 2_000;
const AT_ONCE: u64 = 16;
const STARTS: u64 = 300;
const RUNNING: u64 = 50;
const OUTPUT_BYTES: u64 = 1 << 30;
const EXECUTORS: u64 = 10_000;

fn main() {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    heartbeats();
    let Some(program) = binary() else {
        eprintln!("skipped: executor: build it first: cargo build --release -p hcndc-exec");
        return;
    };
    // What plays the scheduler is not measured, and takes no more of the two processors than it must.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut bench = Bench::start(&program).await;
        bench.starts().await;
        bench.memory().await;
        bench.output().await;
        bench.rate().await;
    });
}

/// The release build beside this benchmark.
fn binary() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    let path = this.parent()?.parent()?.join("hcndc-exec");
    path.is_file().then_some(path)
}

struct Bench {
    home: tempfile::TempDir,
    child: Child,
    transport: GrpcTransport,
    last: u64,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bench {
    async fn start(program: &Path) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let data_dir = home.path().join("data");
        let child = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let found = find_within(&data_dir, Duration::from_secs(20)).await;
        let address = found.expect("it listens").address.to_string();
        let transport = GrpcTransport::new(Grpc::default());
        transport.connect(executor(address), Fence(1));
        let bench = Self {
            home,
            child,
            transport,
            last: 0,
        };
        match bench.next().await {
            Report::Hello { .. } => bench,
            other => panic!("a hello was expected, not {other:?}"),
        }
    }

    async fn next(&self) -> Report {
        loop {
            match self.transport.recv().await.1 {
                Report::Heartbeat(_) => {}
                report => return report,
            }
        }
    }

    fn give(&mut self, command: &str) -> AttemptId {
        self.last += 1;
        let attempt = AttemptId(self.last);
        let order = order(attempt, command, self.home.path());
        self.transport.send(ID, Order::Run(Box::new(order)));
        attempt
    }

    async fn end(&self) -> End {
        loop {
            if let Report::Finished { attempt, end } = self.next().await {
                self.transport.send(ID, Order::Ack { attempt });
                return end;
            }
        }
    }

    async fn starts(&mut self) {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let begun = Instant::now();
            self.give("true");
            loop {
                if let Report::Started { .. } = self.next().await {
                    break;
                }
            }
            times.push(begun.elapsed());
            assert_eq!(self.end().await.cause, EndCause::Exited(0));
        }
        times.sort_unstable();
        let at = |permille: usize| times[(times.len() - 1) * permille / 1000];
        println!(
            "executor/start      {:>10.3?} at the median, {:.3?} at the 99th percentile",
            at(500),
            at(990)
        );
    }

    async fn memory(&mut self) {
        let idle = self.resident();
        let attempts: Vec<_> = (0..RUNNING).map(|_| self.give("sleep 600")).collect();
        let mut started = 0;
        while started < RUNNING {
            if let Report::Started { .. } = self.next().await {
                started += 1;
            }
        }
        let busy = self.resident();
        for attempt in attempts {
            let grace = Duration::ZERO;
            self.transport.send(ID, Order::Kill { attempt, grace });
        }
        for _ in 0..RUNNING {
            assert_eq!(self.end().await.cause, EndCause::Killed);
        }
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "executor/memory     {:>7.1} MiB idle (executor and holder), {:.3} MiB more for each running job",
            mebibytes(idle),
            mebibytes(busy.saturating_sub(idle)) / RUNNING as f64
        );
    }

    /// Of the executor and of its holder, but for the jobs.
    fn resident(&self) -> u64 {
        let data_dir = self.home.path().join("data").display().to_string();
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        let ours = processes.filter(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&data_dir)
        });
        ours.map(|process| {
            let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
            let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
            let kibibytes = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kibibytes.unwrap_or(0) * 1024
        })
        .sum()
    }

    async fn output(&mut self) {
        let begun = Instant::now();
        self.give(&format!("head -c {OUTPUT_BYTES} /dev/zero"));
        let end = self.end().await;
        assert_eq!(end.log_bytes, OUTPUT_BYTES);
        let rate = OUTPUT_BYTES as f64 / 1e6 / begun.elapsed().as_secs_f64();
        println!("executor/output     {rate:>7.0} MB/s");
    }

    async fn rate(&mut self) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            theirs.push(xargs());
            let begun = Instant::now();
            let (mut given, mut ended) = (0, 0);
            while ended < JOBS {
                while given < JOBS && given - ended < AT_ONCE {
                    self.give("true");
                    given += 1;
                }
                assert_eq!(self.end().await.cause, EndCause::Exited(0));
                ended += 1;
            }
            ours.push(begun.elapsed());
        }
        let rate = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            JOBS as f64 / times[times.len() / 2].as_secs_f64()
        };
        let (ours, theirs) = (rate(&mut ours), rate(&mut theirs));
        println!(
            "executor/rate       {ours:>7.0} jobs/s, xargs {theirs:.0}: {:.0} %",
            ours / theirs * 100.0
        );
    }
}

fn xargs() -> Duration {
    let begun = Instant::now();
    let mut child = Command::new("xargs")
        .args(["-P", &AT_ONCE.to_string(), "-I", "{}", "sh", "-c", "true"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("xargs starts");
    let mut input = child.stdin.take().expect("piped");
    for at in 0..JOBS {
        writeln!(input, "{at}").expect("xargs reads");
    }
    drop(input);
    assert!(child.wait().expect("xargs ends").success(), "xargs failed");
    begun.elapsed()
}

fn heartbeats() {
    let mut engine = Engine::default();
    let edits = (0..EXECUTORS).map(|at| {
        let draft = ExecutorDraft::new(format!("host{at}"), format!("host{at}:7890"), 8);
        Edit::PutExecutor(draft)
    });
    let edits = edits.collect();
    let by = "bench".into();
    let begin = Timestamp::from_micros(0);
    engine
        .apply(begin, Input::Edit(EditBatch { by, edits }))
        .expect("edits are taken");
    let executors: Vec<_> = engine.executors().map(|it| it.id).collect();
    for &executor in &executors {
        let report = Report::hello("1".into(), Vec::new());
        let input = Input::Report { executor, report };
        engine.apply(begin, input).expect("a hello is taken");
    }
    let begun = Instant::now();
    for round in 1..=10_u32 {
        let now = begin.after(Duration::from_secs(u64::from(round) * 5));
        for (at, &executor) in executors.iter().enumerate() {
            let report = Report::Heartbeat(HostFigures {
                cores: 16,
                load_1m: (at % 16) as f64 + f64::from(round),
                memory_total_bytes: 64 << 30,
                memory_available_bytes: 32 << 30,
                hostname: "host".into(),
                os: "Linux".into(),
                ..HostFigures::default()
            });
            let input = Input::Report { executor, report };
            black_box(engine.apply(now, input).expect("a heartbeat is taken"));
        }
    }
    let each = begun.elapsed() / (10 * EXECUTORS as u32);
    println!(
        "executor/heartbeats {each:>10.3?} each; {EXECUTORS} executors every 5 s take {:.2} % of a core",
        each.as_secs_f64() * EXECUTORS as f64 / 5.0 * 100.0
    );
}

fn executor(address: String) -> Arc<Executor> {
    Arc::new(Executor {
        id: ID,
        name: "bench".into(),
        description: String::new(),
        address,
        labels: BTreeMap::new(),
        slots: 1,
        enabled: true,
        revision: Revision {
            version: 1,
            created_at: Timestamp::default(),
            created_by: String::new(),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
        },
    })
}

fn order(attempt: AttemptId, command: &str, workdir: &Path) -> RunOrder {
    RunOrder {
        attempt,
        execution: ExecutionId(1),
        job_run: JobRunId(attempt.0),
        number: 1,
        flow: "bench".into(),
        job: "job".into(),
        data_date: "2026-11-21".parse().expect("a date"),
        date_format: None,
        calendar: None,
        kind: JobKind::Shell,
        command: command.into(),
        args: Vec::new(),
        values: BTreeMap::new(),
        literal: std::collections::BTreeSet::new(),
        env: BTreeMap::new(),
        workdir: workdir.display().to_string(),
        timeout: None,
        grace: Duration::from_secs(5),
    }
}
