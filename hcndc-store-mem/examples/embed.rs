//! A scheduler inside another program: no database, no processes, no network.
//!
//! Two flows of three jobs run to their end; their "commands" are names that this program knows. What an embedding
//! program brings is all here: an inbox, a clock, and a transport that carries out what is to run.
//!
//! ```text
//! cargo run -p hcndc-store-mem --example embed
//! ```

#![allow(clippy::print_stdout, reason = "the example speaks to whoever runs it")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program may have a clock, the store may not"
)]

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        EditBatch, End, EndCause, Input, Order, Report, RunOrder, Settings, Start, TriggerKind,
    },
    id::{AttemptId, ExecutorId},
    model::{
        Condition, DependencyDraft, Edit, Executor, ExecutorDraft, FlowDraft, FlowRef, JobDraft,
        JobRef,
    },
    port::{Clock, ErrorKind, Fence, Inbox, LogRead, PortError, Request, Transport},
    scheduler::{Leadership, Scheduler},
    time::{DataDate, Timestamp},
};
use hcndc_store_mem::MemStore;
use tokio::sync::{Mutex, mpsc};

struct WallClock {
    since: std::time::Instant,
}

impl WallClock {
    fn start() -> Self {
        let since = std::time::Instant::now();
        Self { since }
    }
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Duration {
        self.since.elapsed()
    }

    async fn sleep_until(&self, time: Timestamp) {
        tokio::time::sleep(time.since(self.now())).await;
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Requests that are known beforehand; then it waits until nothing runs any more.
struct Script {
    requests: VecDeque<Request>,
    done: mpsc::Receiver<()>,
}

#[async_trait]
impl Inbox for Script {
    async fn recv(&mut self) -> Option<Request> {
        if let Some(request) = self.requests.pop_front() {
            return Some(request);
        }
        self.done.recv().await;
        None
    }
}

/// "Runs" a job by saying its name, and reports a good end.
struct Here {
    reports: mpsc::UnboundedSender<(ExecutorId, Report)>,
    reported: Mutex<mpsc::UnboundedReceiver<(ExecutorId, Report)>>,
    done: mpsc::Sender<()>,
}

impl Here {
    fn say(&self, executor: ExecutorId, report: Report) {
        // The receiver lives as long as we do.
        let _ = self.reports.send((executor, report));
    }

    fn run(&self, executor: ExecutorId, order: &RunOrder) {
        println!(
            "{} runs {}/{}: {}",
            order.data_date, order.flow, order.job, order.command
        );
        let now = WallClock::start().now();
        self.say(
            executor,
            Report::Started {
                attempt: order.attempt,
                pid: 0,
                at: now,
            },
        );
        let end = End {
            cause: EndCause::Exited(0),
            started_at: Some(now),
            ended_at: now,
            peak_memory_bytes: 0,
            cpu_time: Duration::ZERO,
            log_bytes: 0,
            outputs: std::collections::BTreeMap::new(),
        };
        self.say(
            executor,
            Report::Finished {
                attempt: order.attempt,
                end,
            },
        );
        if order.job == "last" {
            let _ = self.done.try_send(());
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nothing here fails")]
struct Never(Infallible);

impl PortError for Never {
    fn kind(&self) -> ErrorKind {
        match self.0 {}
    }
}

#[async_trait]
impl Transport for Here {
    type Error = Never;

    fn connect(&self, executor: Arc<Executor>, _: Fence) {
        self.say(executor.id, Report::hello("1".into(), Vec::new()));
    }

    fn disconnect(&self, _: ExecutorId) {}

    fn send(&self, executor: ExecutorId, order: Order) {
        if let Order::Run(order) = order {
            self.run(executor, &order);
        }
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        match self.reported.lock().await.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    async fn read_log(
        &self,
        _: ExecutorId,
        _: AttemptId,
        _: u64,
        _: usize,
        _: Duration,
    ) -> Result<LogRead, Never> {
        Ok(LogRead {
            entries: Vec::new(),
            next: 0,
            complete: true,
        })
    }

    fn trouble(&self, _: ExecutorId) -> Option<String> {
        None
    }
}

fn mesh() -> Vec<Edit> {
    let flow = |name: &str| FlowRef::Name(name.into());
    let mut load = FlowDraft::new("load");
    load.parents = vec![flow("extract")];
    let mut last = JobDraft::new(flow("load"), "last", "publish");
    let first = JobRef::Name {
        flow: "load".into(),
        job: "first".into(),
    };
    last.dependencies = vec![DependencyDraft::new(first, Condition::Success)];
    vec![
        Edit::PutExecutor(ExecutorDraft::new("here", "in this program", 4)),
        Edit::PutFlow(FlowDraft::new("extract")),
        Edit::PutJob(JobDraft::new(flow("extract"), "orders", "fetch")),
        Edit::PutFlow(load),
        Edit::PutJob(JobDraft::new(flow("load"), "first", "copy")),
        Edit::PutJob(last),
    ]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (reports, reported) = mpsc::unbounded_channel();
    let (done, is_done) = mpsc::channel(1);
    let transport = Here {
        reports,
        reported: Mutex::new(reported),
        done,
    };
    let leadership = Leadership {
        holder: "embed".into(),
        ttl: Duration::from_secs(30),
    };
    let store = MemStore::new();
    let settings = Settings::default();
    let opening = Scheduler::open(
        store,
        transport,
        WallClock::start(),
        (),
        settings,
        leadership,
    );
    let mut scheduler = opening.await?;

    let edit = Input::Edit(EditBatch {
        by: "me".into(),
        edits: mesh(),
    });
    let answer = |what: &'static str| Box::new(move |result| println!("{what}: {result:?}"));
    let mut inbox = Script {
        requests: VecDeque::from([Request::Command(edit, answer("edit"))]),
        done: is_done,
    };
    while scheduler.engine().flows().next().is_none() {
        scheduler.turn(&mut inbox).await?;
    }
    let start = Start {
        flows: scheduler.engine().flows().map(|flow| flow.id).collect(),
        jobs: None,
        downstream: false,
        data_date: DataDate::day_before(WallClock::start().now(), chrono_tz::UTC),
        date_format: None,
        params: Vec::new(),
        trigger: TriggerKind::Manual,
        by: "me".into(),
    };
    inbox
        .requests
        .push_back(Request::Command(Input::Start(start), answer("start")));
    Ok(scheduler.run(&mut inbox).await?)
}
