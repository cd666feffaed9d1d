//! The driver against a store that fails.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use hcndc_core::{
    engine::{
        AlertRow, AttemptState, Change, EditBatch, Engine, ExecutionSnapshot, Input, Order,
        Rejected, Reply, Report, ResolveError, ResolveOrder, Settings, Snapshot, Start,
    },
    id::{AlertId, AttemptId, ExecutionId, ExecutorId, ParamId},
    model::{
        AlertEvent, AlertRuleDraft, DataSourceDraft, DataSourceKind, DataSourceRef, Edit, Executor,
        ExecutorDraft, FlowDraft, FlowRef, JobDraft, JobParamDraft, ParamKindDraft, ParamRef,
        SharedParamDraft, ValueType,
    },
    port::{
        self, Clock, Commit, ErrorKind, Fence, Inbox, Lease, LogRead, Notifier, Observer,
        ParamResolver, PortError, Request, Store, Transport,
    },
    scheduler::{Leadership, Scheduler},
    time::Timestamp,
};

#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct Failure(ErrorKind);

impl PortError for Failure {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// Holds nothing, and answers questions for executions with these failures first.
#[derive(Debug)]
struct Failing(Mutex<VecDeque<ErrorKind>>);

#[async_trait]
impl Store for Failing {
    type Error = Failure;

    async fn load(&self) -> Result<Snapshot, Failure> {
        Ok(Snapshot::default())
    }

    async fn load_alerts(&self, _: &[AlertId]) -> Result<Vec<AlertRow>, Failure> {
        Ok(Vec::new())
    }

    async fn load_execution(&self, _: ExecutionId) -> Result<Option<ExecutionSnapshot>, Failure> {
        match self.0.lock().unwrap().pop_front() {
            Some(kind) => Err(Failure(kind)),
            None => Ok(None),
        }
    }

    async fn commit(&self, _: Fence, _: &Commit) -> Result<(), Failure> {
        Ok(())
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        _: Option<&Lease>,
    ) -> Result<port::Asked, Failure> {
        Ok(port::Asked::Given(Lease {
            fence: Fence(1),
            holder: holder.into(),
            expires_at: now.after(ttl),
        }))
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, Failure> {
        Ok(Lease {
            expires_at: now.after(ttl),
            ..lease.clone()
        })
    }

    async fn release(&self, _: &Lease) -> Result<(), Failure> {
        Ok(())
    }
}

/// Jumps to whatever is waited for.
#[derive(Debug, Default)]
struct Jumping(Mutex<Timestamp>);

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn steady(&self) -> Duration {
        self.now().since(Timestamp::from_micros(0))
    }

    async fn sleep_until(&self, time: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = time.max(*now);
    }

    async fn sleep(&self, span: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.after(span);
    }
}

/// Requests until there are no more.
struct Asked(VecDeque<Request>);

#[async_trait]
impl Inbox for Asked {
    async fn recv(&mut self) -> Option<Request> {
        self.0.pop_front()
    }
}

/// Notes what it is told of the store, and of what.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn committed(&self, _: Timestamp, _: &[Change]) {}

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        let note = error.map_or_else(|| "fine".into(), ToString::to_string);
        self.0.lock().unwrap().push(note);
    }

    fn unreadable(&self, execution: ExecutionId, error: &dyn std::error::Error) {
        let note = format!("{execution} is unreadable: {error}");
        self.0.lock().unwrap().push(note);
    }
}

type Answers = Arc<Mutex<Vec<Result<Reply, Rejected>>>>;

fn resume(id: u64, answers: &Answers) -> Request {
    let input = Input::Resume {
        execution: ExecutionId(id),
        by: "ann".into(),
        archived: None,
    };
    let answers = Arc::clone(answers);
    Request::Command(
        input,
        Box::new(move |answer| answers.lock().unwrap().push(answer)),
    )
}

/// What two resumes, of executions 7 and 8, are answered, and what the observer is told, when the store fails so.
fn resumed(failures: &[ErrorKind]) -> (Vec<Result<Reply, Rejected>>, Vec<String>) {
    let (answers, notes) = (Answers::default(), Arc::new(Notes::default()));
    let run = async {
        let mut scheduler = Scheduler::open(
            Failing(Mutex::new(failures.iter().copied().collect())),
            (),
            Jumping::default(),
            Arc::clone(&notes),
            Settings::default(),
            Leadership {
                holder: "here".into(),
                ttl: Duration::from_secs(3),
            },
        )
        .await
        .unwrap();
        let mut inbox = Asked([resume(7, &answers), resume(8, &answers)].into());
        scheduler.run(&mut inbox).await.unwrap();
    };
    run.now_or_never().expect("nothing here waits");
    let (answers, notes) = (answers.lock().unwrap(), notes.0.lock().unwrap());
    // The first two are what it is told when it leads, and when all is loaded.
    (answers.clone(), notes[2..].to_vec())
}

const fn unknown(id: u64) -> Result<Reply, Rejected> {
    let execution = ExecutionId(id);
    Err(Rejected::UnknownExecution { execution })
}

#[test]
fn a_store_that_answers_again_is_told_to_be_fine() {
    let (answers, notes) = resumed(&[ErrorKind::Unavailable, ErrorKind::Unavailable]);
    assert_eq!(answers, [unknown(7), unknown(8)]);
    assert_eq!(notes, ["Unavailable", "Unavailable", "fine"]);
}

#[test]
fn an_execution_that_cannot_be_read_is_refused_and_the_rest_goes_on() {
    for kind in [ErrorKind::Corrupt, ErrorKind::Invalid] {
        let (answers, notes) = resumed(&[kind]);
        let execution = ExecutionId(7);
        let bad = Err(Rejected::BadSnapshot { execution });
        assert_eq!(answers, [bad, unknown(8)]);
        assert_eq!(notes, [format!("7 is unreadable: {kind:?}")]);
    }
}

/// Asks for nothing, and does not end.
struct Silent;

#[async_trait]
impl Inbox for Silent {
    async fn recv(&mut self) -> Option<Request> {
        std::future::pending().await
    }
}

/// Tells people at once, and notes whom of what.
#[derive(Debug, Default)]
struct Told {
    all: Mutex<Vec<AlertRow>>,
    done: Mutex<VecDeque<AlertId>>,
}

#[async_trait]
impl Notifier for Told {
    fn notify(&self, alert: AlertRow) {
        self.done.lock().unwrap().push_back(alert.id);
        self.all.lock().unwrap().push(alert);
    }

    async fn recv(&self) -> (AlertId, Option<String>) {
        let done = self.done.lock().unwrap().pop_front();
        match done {
            Some(alert) => (alert, None),
            None => std::future::pending().await,
        }
    }
}

/// What was not said before the notifier was there is said then, and what is done with stays done with.
#[test]
fn people_are_told_of_an_alert_until_it_is_done_with() {
    let ask = |input| {
        Asked(
            [Request::Command(
                input,
                Box::new(|answer| drop(answer.unwrap())),
            )]
            .into(),
        )
    };
    let (early, late) = (Arc::new(Told::default()), Arc::new(Told::default()));
    let run = async {
        let mut scheduler = Scheduler::open(
            Failing(Mutex::default()),
            (),
            Jumping::default(),
            (),
            Settings::default(),
            Leadership {
                holder: "here".into(),
                ttl: Duration::from_secs(3),
            },
        )
        .await
        .unwrap();
        let events = [AlertEvent::ExecutionSucceeded];
        let edits = vec![
            Edit::PutFlow(FlowDraft::new("empty")),
            AlertRuleDraft {
                default: true,
                ..AlertRuleDraft::new("all", events, [])
            }
            .into(),
        ];
        let by = "ann".into();
        let edit = ask(Input::Edit(EditBatch { by, edits }));
        scheduler.turn(&mut { edit }).await.unwrap();
        let flow = scheduler.engine().find_flow("empty").unwrap().id;
        let start = |date: &str| {
            Input::Start(Start {
                flows: vec![flow],
                jobs: None,
                downstream: false,
                data_date: date.parse().unwrap(),
                date_format: None,
                params: vec![],
                trigger: hcndc_core::engine::TriggerKind::Manual,
                by: "ann".into(),
            })
        };
        scheduler.turn(&mut ask(start("2026-11-21"))).await.unwrap();
        assert_eq!(
            scheduler.engine().undelivered().count(),
            1,
            "nobody is there"
        );

        let mut scheduler = scheduler.with_notifier(Arc::clone(&early));
        assert_eq!(early.all.lock().unwrap().len(), 1);
        scheduler.turn(&mut ask(start("2026-11-22"))).await.unwrap();
        scheduler.turn(&mut Silent).await.unwrap();
        assert_eq!(early.all.lock().unwrap().len(), 2);
        assert_eq!(scheduler.engine().undelivered().count(), 0);
        let _ = scheduler.with_notifier(Arc::clone(&late));
        assert_eq!(late.all.lock().unwrap().len(), 0);
    };
    run.now_or_never().expect("nothing here waits");
}

/// Connects whoever is to be connected, and notes what it is told to run.
#[derive(Debug, Default)]
struct Desk {
    hellos: Mutex<VecDeque<ExecutorId>>,
    orders: Mutex<Vec<Order>>,
}

#[async_trait]
impl Transport for Desk {
    type Error = Failure;

    fn connect(&self, executor: Arc<Executor>, _: Fence) {
        self.hellos.lock().unwrap().push_back(executor.id);
    }

    fn disconnect(&self, _: ExecutorId) {}

    fn send(&self, _: ExecutorId, order: Order) {
        self.orders.lock().unwrap().push(order);
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        let next = self.hellos.lock().unwrap().pop_front();
        let (version, held) = ("1".into(), vec![]);
        match next {
            Some(executor) => (executor, Report::hello(version, held)),
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
    ) -> Result<LogRead, Failure> {
        Err(Failure(ErrorKind::Unavailable))
    }

    fn trouble(&self, _: ExecutorId) -> Option<String> {
        None
    }
}

/// Keeps what it is asked, and answers when it is told to.
#[derive(Debug, Default)]
struct Oracle {
    asked: Mutex<Vec<ResolveOrder>>,
    answers: Mutex<VecDeque<(AttemptId, BTreeMap<ParamId, String>)>>,
}

impl Oracle {
    fn give(&self, attempt: AttemptId, values: BTreeMap<ParamId, String>) {
        self.answers.lock().unwrap().push_back((attempt, values));
    }
}

#[async_trait]
impl ParamResolver for Oracle {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        self.asked.lock().unwrap().push(order);
        Ok(())
    }

    async fn recv(&self) -> (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>) {
        let next = self.answers.lock().unwrap().pop_front();
        match next {
            Some((attempt, values)) => (attempt, Ok(values)),
            None => std::future::pending().await,
        }
    }
}

/// Notes what became of attempts.
#[derive(Debug, Default)]
struct Attempts(Mutex<Vec<(AttemptState, String)>>);

impl Observer for Attempts {
    fn committed(&self, _: Timestamp, changes: &[Change]) {
        for change in changes {
            if let Change::Attempt(row) = change {
                let row = (row.state, row.message.clone());
                self.0.lock().unwrap().push(row);
            }
        }
    }
}

async fn asking(desk: &Arc<Desk>, attempts: &Arc<Attempts>) -> Asking {
    let (desk, attempts) = (Arc::clone(desk), Arc::clone(attempts));
    let leadership = Leadership {
        holder: "here".into(),
        ttl: Duration::from_secs(3),
    };
    let store = Failing(Mutex::default());
    let (clock, settings) = (Jumping::default(), Settings::default());
    let scheduler = Scheduler::open(store, desk, clock, attempts, settings, leadership);
    scheduler.await.unwrap()
}

type Asking = Scheduler<Failing, Arc<Desk>, Jumping, Arc<Attempts>>;

fn ask(input: Input) -> Asked {
    let answer = Box::new(|answer: Result<Reply, Rejected>| drop(answer.unwrap()));
    Asked([Request::Command(input, answer)].into())
}

fn an_asking_job() -> Input {
    let flow = || FlowRef::Name("flow".into());
    let shared = ParamRef::Name("asked".into());
    let edits = vec![
        Edit::PutExecutor(ExecutorDraft::new("one", "one:1", 1)),
        Edit::PutFlow(FlowDraft::new("flow")),
        DataSourceDraft::new("source", DataSourceKind::Sqlite, "").into(),
        SharedParamDraft::new(
            "asked",
            ParamKindDraft::Sql {
                data_source: DataSourceRef::Name("source".into()),
                query: "select 1".into(),
                timeout: Duration::from_secs(1),
                column: None,
                value_type: ValueType::Text,
            },
        )
        .into(),
        Edit::PutJob(JobDraft {
            params: vec![JobParamDraft::Shared { shared }],
            ..JobDraft::new(flow(), "job", "true")
        }),
    ];
    let by = "ann".into();
    Input::Edit(EditBatch { by, edits })
}

fn start(engine: &Engine) -> Asked {
    ask(Input::Start(Start {
        flows: vec![engine.find_flow("flow").unwrap().id],
        jobs: None,
        downstream: false,
        data_date: "2026-11-21".parse().unwrap(),
        date_format: None,
        params: vec![],
        trigger: hcndc_core::engine::TriggerKind::Manual,
        by: "ann".into(),
    }))
}

#[test]
fn an_order_to_run_goes_out_with_the_values_that_were_asked_for() {
    let (desk, attempts) = (Arc::new(Desk::default()), Arc::new(Attempts::default()));
    let oracle = Arc::new(Oracle::default());
    let run = async {
        let scheduler = asking(&desk, &attempts).await;
        let mut scheduler = scheduler.with_resolver(Arc::clone(&oracle));
        scheduler.turn(&mut ask(an_asking_job())).await.unwrap();
        scheduler.turn(&mut Silent).await.unwrap();
        let start = start(scheduler.engine());
        scheduler.turn(&mut { start }).await.unwrap();
        let asked = oracle.asked.lock().unwrap().pop().expect("it was asked");
        assert!(desk.orders.lock().unwrap().is_empty());
        let values = [(asked.asks[0].param, "42".to_owned())].into();
        oracle.give(asked.attempt, values);
        scheduler.turn(&mut Silent).await.unwrap();
    };
    run.now_or_never().expect("nothing here waits");
    let orders = desk.orders.lock().unwrap();
    let [Order::Run(order)] = orders.as_slice() else {
        panic!("one order to run was expected, not {orders:?}")
    };
    assert_eq!(order.args[0].value, "42");
}

#[test]
fn without_a_resolver_a_job_that_asks_a_query_fails_and_says_why() {
    let (desk, attempts) = (Arc::new(Desk::default()), Arc::new(Attempts::default()));
    let run = async {
        let mut scheduler = asking(&desk, &attempts).await;
        scheduler.turn(&mut ask(an_asking_job())).await.unwrap();
        scheduler.turn(&mut Silent).await.unwrap();
        let start = start(scheduler.engine());
        scheduler.turn(&mut { start }).await.unwrap();
        // The refusal is taken without any other input.
        scheduler.turn(&mut Silent).await.unwrap();
        assert_eq!(scheduler.engine().load_figures(), (0, 0, 0));
    };
    run.now_or_never().expect("nothing here waits");
    assert!(desk.orders.lock().unwrap().is_empty());
    let attempts = attempts.0.lock().unwrap();
    let (state, why) = attempts.last().unwrap();
    assert_eq!(*state, AttemptState::NotStarted);
    assert_eq!(
        why,
        "param asked: its data source cannot be asked: nobody here asks data sources"
    );
}
