//! The suite of [`Transport`]: [`transport_contract!`](crate::transport_contract) makes a `#[test]` of every case here.
//!
//! The cases give orders to a real executor, which runs real commands; each command that runs adds a line to a file, so
//! that a second run is seen.

use alloc::{
    borrow::ToOwned as _, boxed::Box, collections::BTreeMap, format, string::String, sync::Arc,
    vec::Vec,
};
use core::{future::Future, time::Duration};

use super::sample;
use crate::{
    engine::{End, EndCause, Held, Order, Report, RunOrder},
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId},
    model::{Executor, JobKind, Revision},
    port::{ErrorKind, Fence, PortError as _, Transport},
    time::{DataDate, Timestamp},
};

/// Makes transports, and an executor to reach by them. Each case gets its own.
pub trait TransportFixture {
    /// The adapter under test.
    type Transport: Transport;
    /// An executor with data of its own, that can be stopped and started again.
    type Host;

    /// Runs a case to its end, on whatever runtime the adapter needs; panics if that takes minutes.
    fn block_on<F: Future>(&self, case: F) -> F::Output;

    /// Makes an executor and starts it.
    fn host(&self) -> impl Future<Output = Self::Host>;

    /// Where the executor is, running or not; always the same.
    fn address(&self, host: &Self::Host) -> String;

    /// A directory, empty at first, for what commands write.
    fn scratch(&self, host: &Self::Host) -> String;

    /// Reads a file that a command wrote; `None` if there is none.
    fn read(&self, path: &str) -> Option<String>;

    /// Makes a transport that can reach this executor.
    fn transport(&self, host: &Self::Host) -> impl Future<Output = Self::Transport>;

    /// Ends the executor as a crash would.
    fn crash(&self, host: &mut Self::Host) -> impl Future<Output = ()>;

    /// Starts it again on its data.
    fn start(&self, host: &mut Self::Host) -> impl Future<Output = ()>;

    /// Breaks the standing connection; a new one can be made.
    fn cut(&self, host: &mut Self::Host) -> impl Future<Output = ()>;
}

/// Makes a `#[test]` of every case in [`contract::transport`](crate::contract::transport).
///
/// The argument is an expression that gives a [`TransportFixture`](crate::contract::transport::TransportFixture).
#[macro_export]
macro_rules! transport_contract {
    ($fixture:expr) => {
        $crate::transport_contract! { @ $fixture;
            an_executor_that_comes_later_is_connected,
            an_executor_that_restarts_is_connected_again,
            connecting_again_on_the_same_terms_changes_nothing,
            connecting_under_a_new_fence_makes_a_new_connection,
            nothing_is_reported_after_disconnect,
            a_break_is_reported_once,
            reports_arrive_in_order,
            an_order_without_connection_is_dropped,
            an_end_is_reported_until_it_is_acknowledged,
            an_end_survives_a_crash,
            dates_are_written_as_an_order_says,
            a_repeated_run_runs_once,
            an_acknowledged_attempt_is_not_run_again,
            an_attempt_cut_short_by_a_crash_is_lost,
            an_unknown_attempt_cannot_be_killed,
            a_killed_attempt_is_reported_killed,
            a_lower_fence_is_not_obeyed,
            a_higher_fence_takes_over,
            reports_of_an_earlier_fence_are_dropped,
            a_log_is_read_while_it_grows,
            a_log_without_connection_is_unavailable,
        }
    };
    (@ $fixture:expr; $($case:ident,)*) => {$(
        #[test]
        fn $case() {
            use $crate::contract::transport::TransportFixture as _;
            let fixture = $fixture;
            fixture.block_on(async {
                let mut host = fixture.host().await;
                let transport = fixture.transport(&host).await;
                $crate::contract::transport::$case(&fixture, &mut host, &transport).await;
            });
        }
    )*};
}

const ID: ExecutorId = ExecutorId(3);
const ONE: AttemptId = AttemptId(1);
const FENCE: Fence = Fence(5);

fn executor<F: TransportFixture>(fixture: &F, host: &F::Host) -> Arc<Executor> {
    Arc::new(Executor {
        id: ID,
        name: "one".to_owned(),
        description: String::new(),
        address: fixture.address(host),
        labels: BTreeMap::new(),
        slots: 4,
        enabled: true,
        revision: Revision {
            version: 1,
            created_at: Timestamp::default(),
            created_by: "suite".to_owned(),
            updated_at: Timestamp::default(),
            updated_by: "suite".to_owned(),
        },
    })
}

/// An order whose command adds a line to the file `starts` in the scratch directory and then does as told.
fn run<F: TransportFixture>(fixture: &F, host: &F::Host, id: u64, then: &str) -> Order {
    let scratch = fixture.scratch(host);
    Order::Run(Box::new(RunOrder {
        attempt: AttemptId(id),
        execution: ExecutionId(10),
        job_run: JobRunId(100 + id),
        number: 1,
        flow: "flow".to_owned(),
        job: format!("job {id}"),
        data_date: "2026-11-21".parse::<DataDate>().expect("it is a date"),
        date_format: None,
        calendar: None,
        kind: JobKind::Shell,
        command: format!("echo {id} >>{scratch}/starts; {then}"),
        args: Vec::new(),
        values: BTreeMap::new(),
        literal: alloc::collections::BTreeSet::new(),
        env: BTreeMap::new(),
        workdir: String::new(),
        timeout: None,
        grace: Duration::from_secs(20),
    }))
}

/// How often the attempt's command was started.
fn starts<F: TransportFixture>(fixture: &F, host: &F::Host, id: u64) -> usize {
    let starts = fixture
        .read(&format!("{}/starts", fixture.scratch(host)))
        .unwrap_or_default();
    starts
        .lines()
        .filter(|line| *line == format!("{id}"))
        .count()
}

const fn kill(attempt: AttemptId) -> Order {
    Order::Kill {
        attempt,
        grace: Duration::from_secs(20),
    }
}

const fn ack(attempt: AttemptId) -> Order {
    Order::Ack { attempt }
}

/// The next report that is no heartbeat.
async fn next<T: Transport>(transport: &T) -> Report {
    loop {
        let (executor, report) = transport.recv().await;
        assert_eq!(executor, ID);
        if !matches!(report, Report::Heartbeat(_)) {
            return report;
        }
    }
}

async fn hello<T: Transport>(transport: &T) -> Vec<Held> {
    match next(transport).await {
        Report::Hello { held, .. } => held,
        other => panic!("hello was expected, not {other:?}"),
    }
}

async fn disconnected<T: Transport>(transport: &T) {
    let report = next(transport).await;
    assert!(
        matches!(report, Report::Disconnected { .. }),
        "a break was expected, not {report:?}"
    );
}

async fn started<T: Transport>(transport: &T, id: u64) {
    match next(transport).await {
        Report::Started { attempt, .. } => assert_eq!(attempt, AttemptId(id)),
        other => panic!("the start of {id} was expected, not {other:?}"),
    }
}

async fn finished<T: Transport>(transport: &T, id: u64) -> End {
    match next(transport).await {
        Report::Finished { attempt, end } => {
            assert_eq!(attempt, AttemptId(id));
            end
        }
        other => panic!("the end of {id} was expected, not {other:?}"),
    }
}

async fn ran<T: Transport>(transport: &T, id: u64) -> EndCause {
    started(transport, id).await;
    finished(transport, id).await.cause
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($fixture:ident, $host:ident, $transport:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// When the clause does not hold.
        pub async fn $name<F: TransportFixture>(
            $fixture: &F,
            $host: &mut F::Host,
            $transport: &F::Transport,
        ) $body
    )*};
}

cases! {
    /// Clauses 1 and 2.
    an_executor_that_comes_later_is_connected(fixture, host, transport) {
        fixture.crash(host).await;
        assert!(transport.trouble(ID).is_some());
        transport.connect(executor(fixture, host), FENCE);
        disconnected(transport).await;
        assert!(transport.trouble(ID).is_some_and(|reason| !reason.is_empty()));
        fixture.start(host).await;
        assert_eq!(hello(transport).await, []);
        assert_eq!(transport.trouble(ID), None);
    }

    /// Clauses 1 and 2.
    an_executor_that_restarts_is_connected_again(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        for _ in 0..2 {
            fixture.crash(host).await;
            disconnected(transport).await;
            fixture.start(host).await;
            hello(transport).await;
        }
    }

    /// Clause 1.
    connecting_again_on_the_same_terms_changes_nothing(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.connect(executor(fixture, host), FENCE);
        transport.send(ID, run(fixture, host, 1, "true"));
        assert_eq!(ran(transport, 1).await, EndCause::Exited(0));
    }

    /// Clauses 1 and 2.
    connecting_under_a_new_fence_makes_a_new_connection(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.connect(executor(fixture, host), Fence(6));
        disconnected(transport).await;
        hello(transport).await;
    }

    /// Clause 1.
    nothing_is_reported_after_disconnect(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.disconnect(ID);
        assert!(transport.trouble(ID).is_some());
        transport.send(ID, run(fixture, host, 1, "true"));
        transport.connect(executor(fixture, host), FENCE);
        assert_eq!(hello(transport).await, []);
        assert_eq!(starts(fixture, host, 1), 0);
    }

    /// Clause 2.
    a_break_is_reported_once(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        for _ in 0..3 {
            fixture.cut(host).await;
            disconnected(transport).await;
            hello(transport).await;
        }
    }

    /// Clause 3.
    reports_arrive_in_order(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        for id in 1..=20 {
            transport.send(ID, run(fixture, host, id, &format!("exit {id}")));
        }
        let mut running = Vec::new();
        let mut ended = 0;
        while ended < 20 {
            match next(transport).await {
                Report::Started { attempt, .. } => running.push(attempt),
                Report::Finished { attempt, end } => {
                    assert!(running.contains(&attempt), "the end of {attempt} came before its start");
                    assert_eq!(end.cause, EndCause::Exited(i32::try_from(attempt.0).expect("is small")));
                    assert!(end.started_at.is_some_and(|at| at <= end.ended_at));
                    ended += 1;
                }
                other => panic!("a start or an end was expected, not {other:?}"),
            }
        }
        assert_eq!(running.len(), 20);
    }

    /// Clause 3.
    dates_are_written_as_an_order_says(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let written = format!("{}/written", fixture.scratch(host));
        let command = format!("echo ${{date-1d}} ${{date:%d}} ${{param.day}} ${{date-1b}} $HCNDC_DATE >{written}");
        let Order::Run(mut order) = run(fixture, host, 1, &command) else {
            panic!("an order to run was expected")
        };
        order.date_format = Some("%Y%m%d".parse().expect("it is a format of dates"));
        let mut calendar = sample::calendar();
        calendar.days.holidays.insert(sample::date("2026-11-20"));
        order.calendar = Some(Arc::new(calendar));
        order.values.insert("day".to_owned(), "of-${date}".to_owned());
        transport.send(ID, Order::Run(order));
        assert_eq!(ran(transport, 1).await, EndCause::Exited(0));
        let said = fixture.read(&written);
        assert_eq!(said.as_deref(), Some("20261120 21 of-20261121 20261119 2026-11-21\n"));
    }

    /// Clause 4.
    an_order_without_connection_is_dropped(fixture, host, transport) {
        transport.send(ID, run(fixture, host, 1, "true"));
        transport.connect(executor(fixture, host), FENCE);
        assert_eq!(hello(transport).await, []);
        assert_eq!(starts(fixture, host, 1), 0);
        fixture.crash(host).await;
        disconnected(transport).await;
        transport.send(ID, run(fixture, host, 1, "true"));
        fixture.start(host).await;
        assert_eq!(hello(transport).await, []);
        assert_eq!(starts(fixture, host, 1), 0);
    }

    /// Clause 5.
    an_end_is_reported_until_it_is_acknowledged(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, run(fixture, host, 1, "exit 3"));
        started(transport, 1).await;
        let end = finished(transport, 1).await;
        for _ in 0..2 {
            fixture.cut(host).await;
            disconnected(transport).await;
            let held = hello(transport).await;
            assert_eq!(held.len(), 1);
            assert_eq!((held[0].attempt, held[0].end.as_ref()), (ONE, Some(&end)));
            assert!(held[0].started.is_some());
        }
        transport.send(ID, ack(ONE));
        // Orders are taken in order: when this one is answered, the acknowledgement has been taken.
        transport.send(ID, kill(AttemptId(99)));
        finished(transport, 99).await;
        fixture.cut(host).await;
        disconnected(transport).await;
        assert_eq!(hello(transport).await, []);
    }

    /// Clause 5.
    an_end_survives_a_crash(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, run(fixture, host, 1, "exit 3"));
        started(transport, 1).await;
        let end = finished(transport, 1).await;
        fixture.crash(host).await;
        disconnected(transport).await;
        fixture.start(host).await;
        let held = hello(transport).await;
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].end.as_ref(), Some(&end));
    }

    /// Clause 6.
    a_repeated_run_runs_once(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let order = run(fixture, host, 1, "exit 4");
        transport.send(ID, order.clone());
        assert_eq!(ran(transport, 1).await, EndCause::Exited(4));
        for _ in 0..2 {
            transport.send(ID, order.clone());
            assert_eq!(ran(transport, 1).await, EndCause::Exited(4));
        }
        assert_eq!(starts(fixture, host, 1), 1);
    }

    /// Clause 6: also when it is acknowledged, and after a crash.
    an_acknowledged_attempt_is_not_run_again(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let order = run(fixture, host, 1, "exit 4");
        transport.send(ID, order.clone());
        ran(transport, 1).await;
        transport.send(ID, ack(ONE));
        transport.send(ID, order.clone());
        assert_eq!(ran(transport, 1).await, EndCause::Exited(4));
        fixture.crash(host).await;
        disconnected(transport).await;
        fixture.start(host).await;
        hello(transport).await;
        transport.send(ID, order);
        assert_eq!(ran(transport, 1).await, EndCause::Exited(4));
        assert_eq!(starts(fixture, host, 1), 1);
    }

    /// Clause 6: it is lost, its processes are gone, and it is not run a second time.
    an_attempt_cut_short_by_a_crash_is_lost(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let scratch = fixture.scratch(host);
        // It writes a line when it is asked to end; on a pipe that the crash broke, the shell's own words would end it.
        let body = format!(
            "exec 2>/dev/null; trap 'echo ended >{scratch}/ended; exit' TERM; echo >{scratch}/ready; \
             while :; do sleep 0.05; done"
        );
        let order = run(fixture, host, 1, &body);
        transport.send(ID, order.clone());
        started(transport, 1).await;
        while fixture.read(&format!("{scratch}/ready")).is_none() {
            let _ = transport.read_log(ID, ONE, 0, 1, Duration::from_millis(10)).await;
        }
        fixture.crash(host).await;
        disconnected(transport).await;
        fixture.start(host).await;
        let held = hello(transport).await;
        assert_eq!(held.len(), 1);
        let end = match &held[0].end {
            Some(end) => end.clone(),
            None => finished(transport, 1).await,
        };
        assert!(matches!(end.cause, EndCause::Lost(_)), "{:?}", end.cause);
        assert_eq!(fixture.read(&format!("{scratch}/ended")).as_deref(), Some("ended\n"));
        transport.send(ID, order);
        assert!(matches!(ran(transport, 1).await, EndCause::Lost(_)));
        assert_eq!(starts(fixture, host, 1), 1);
    }

    /// Clause 7.
    an_unknown_attempt_cannot_be_killed(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, kill(ONE));
        assert!(matches!(finished(transport, 1).await.cause, EndCause::Lost(_)));
    }

    /// Clause 7's other half: a known one is killed.
    a_killed_attempt_is_reported_killed(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, run(fixture, host, 1, "sleep 600"));
        started(transport, 1).await;
        transport.send(ID, kill(ONE));
        assert_eq!(finished(transport, 1).await.cause, EndCause::Killed);
        transport.send(ID, kill(ONE));
        assert_eq!(finished(transport, 1).await.cause, EndCause::Killed);
    }

    /// Clause 8, also after a crash.
    a_lower_fence_is_not_obeyed(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let other = fixture.transport(host).await;
        other.connect(executor(fixture, host), Fence(4));
        disconnected(&other).await;
        other.send(ID, run(fixture, host, 1, "true"));
        transport.send(ID, run(fixture, host, 2, "true"));
        assert_eq!(ran(transport, 2).await, EndCause::Exited(0));
        assert_eq!(starts(fixture, host, 1), 0);
        transport.disconnect(ID);
        other.disconnect(ID);
        fixture.crash(host).await;
        fixture.start(host).await;
        let third = fixture.transport(host).await;
        third.connect(executor(fixture, host), Fence(4));
        disconnected(&third).await;
    }

    /// Clause 8.
    a_higher_fence_takes_over(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, run(fixture, host, 1, "sleep 600"));
        started(transport, 1).await;
        let other = fixture.transport(host).await;
        other.connect(executor(fixture, host), Fence(6));
        let held = hello(&other).await;
        assert_eq!(held.len(), 1);
        disconnected(transport).await;
        transport.send(ID, kill(ONE));
        other.send(ID, run(fixture, host, 2, "true"));
        assert_eq!(ran(&other, 2).await, EndCause::Exited(0));
        other.send(ID, kill(ONE));
        assert_eq!(finished(&other, 1).await.cause, EndCause::Killed);
    }

    /// Clause 9.
    reports_of_an_earlier_fence_are_dropped(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        transport.send(ID, run(fixture, host, 1, "sleep 600"));
        started(transport, 1).await;
        // Orders are taken in order, and so are their answers: all of these are on their way when the log of the last is
        // complete, and nobody has asked for them.
        for id in 2..=4 {
            transport.send(ID, run(fixture, host, id, "true"));
        }
        let wait = Duration::from_secs(60);
        let mut from = 0;
        loop {
            match transport.read_log(ID, AttemptId(4), from, 1000, wait).await {
                Ok(read) if read.complete => break,
                Ok(read) => from = read.next,
                // It has not begun.
                Err(_) => {
                    let _ = transport.read_log(ID, ONE, 0, 1, Duration::from_millis(20)).await;
                }
            }
        }
        transport.connect(executor(fixture, host), Fence(6));
        loop {
            match next(transport).await {
                Report::Disconnected { .. } => {}
                Report::Hello { held, .. } => {
                    let held: Vec<u64> = held.iter().map(|held| held.attempt.0).collect();
                    assert_eq!(held, [1, 2, 3, 4]);
                    break;
                }
                other => panic!("{other:?} is of an earlier term"),
            }
        }
        transport.send(ID, kill(ONE));
        while !matches!(next(transport).await, Report::Finished { attempt: ONE, .. }) {}
    }

    /// What `read_log` says of itself.
    a_log_is_read_while_it_grows(fixture, host, transport) {
        transport.connect(executor(fixture, host), FENCE);
        hello(transport).await;
        let scratch = fixture.scratch(host);
        let wait = Duration::from_secs(60);
        let body = format!("echo one; while [ ! -e {scratch}/go ]; do sleep 0.02; done; echo two");
        transport.send(ID, run(fixture, host, 1, &body));
        started(transport, 1).await;
        let first = transport.read_log(ID, ONE, 0, 1000, wait).await.expect("reads");
        assert_eq!(first.entries[0].bytes, b"one\n");
        assert!(!first.complete);
        let nothing = transport.read_log(ID, ONE, first.next, 1000, Duration::ZERO).await;
        let nothing = nothing.expect("reads");
        assert!(nothing.entries.is_empty() && !nothing.complete);
        transport.send(ID, run(fixture, host, 2, &format!("touch {scratch}/go")));
        let mut rest = Vec::new();
        let mut from = first.next;
        loop {
            let read = transport.read_log(ID, ONE, from, 1000, wait).await.expect("reads");
            from = read.next;
            rest.extend(read.entries.into_iter().flat_map(|entry| entry.bytes));
            if read.complete {
                break;
            }
        }
        assert_eq!(rest, b"two\n");
    }

    /// What `read_log` says of itself.
    a_log_without_connection_is_unavailable(fixture, host, transport) {
        let _ = (fixture, host);
        let read = transport.read_log(ID, ONE, 0, 1000, Duration::ZERO).await;
        assert_eq!(read.expect_err("nobody is there").kind(), ErrorKind::Unavailable);
    }
}
