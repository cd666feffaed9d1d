//! Orders on their way to executors: what is sealed in them is opened, so that who runs statements can log in; and jobs are told
//! which trace they are a part of.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    engine::{EndCause, Order, Report},
    id::{AttemptId, ExecutorId},
    model::{Executor, JobKind},
    port::{Fence, Introduction, LogRead, Transport, Unreachable},
};
use hcndc_exec::link::end_at;
use tokio::sync::{Mutex, mpsc};

use super::report::Ids;
use crate::{causes::with_causes, vault::Vault};

/// The variable by which what a job does joins its trace (W3C Trace Context, as OpenTelemetry's libraries read it). Its name is
/// that of the header of a request, too.
const TRACEPARENT: &str = "TRACEPARENT";

/// A transport whose executors are told passwords, not what is stored of them.
pub struct Opening<T> {
    inner: T,
    vault: Arc<Vault>,
    /// Where jobs are told their traces.
    traced: Option<Ids>,
    /// Ends of attempts whose secrets cannot be opened.
    ends: mpsc::UnboundedSender<(ExecutorId, Report)>,
    ended: Mutex<mpsc::UnboundedReceiver<(ExecutorId, Report)>>,
}

impl<T> fmt::Debug for Opening<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

impl<T> Opening<T> {
    /// Opens with these keys what goes through this transport.
    pub fn new(inner: T, vault: Arc<Vault>) -> Self {
        let (ends, ended) = mpsc::unbounded_channel();
        Self {
            inner,
            vault,
            traced: None,
            ends,
            ended: Mutex::new(ended),
        }
    }

    /// The same, where jobs are told their traces, if there are any.
    #[must_use]
    pub fn with_traces(mut self, traced: Option<Ids>) -> Self {
        self.traced = traced;
        self
    }
}

#[async_trait]
impl<T: Transport> Transport for Opening<T> {
    type Error = T::Error;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        self.inner.connect(executor, fence);
    }

    fn disconnect(&self, executor: ExecutorId) {
        self.inner.disconnect(executor);
    }

    fn send(&self, executor: ExecutorId, mut order: Order) {
        if let (Order::Run(order), Some(ids)) = (&mut order, &self.traced) {
            let parent = ids.traceparent(order.execution, order.attempt);
            // A job that names its own is a part of that one.
            let parent = order.env.entry(TRACEPARENT.to_owned()).or_insert(parent);
            if let JobKind::Http(call) = &mut order.kind {
                let mut names = call.headers.keys();
                if !names.any(|name| name.eq_ignore_ascii_case(TRACEPARENT)) {
                    call.headers
                        .insert(TRACEPARENT.to_ascii_lowercase(), parent.clone());
                }
            }
        }
        if let Order::Run(order) = &mut order
            && let JobKind::Sql(script) = &mut order.kind
        {
            let source = &mut script.data_source;
            match self.vault.open(&source.password) {
                Ok(password) => source.password = password,
                Err(error) => {
                    let reason = format!(
                        "the password of data source {} cannot be opened: {}",
                        source.name,
                        with_causes(&error)
                    );
                    let end = end_at(chrono::Utc::now().into(), EndCause::NotStarted(reason));
                    let attempt = order.attempt;
                    // Received as long as we live.
                    let _ = self
                        .ends
                        .send((executor, Report::Finished { attempt, end }));
                    return;
                }
            }
        }
        self.inner.send(executor, order);
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        let mut ended = self.ended.lock().await;
        tokio::select! {
            biased;
            Some(end) = ended.recv() => end,
            report = self.inner.recv() => report,
        }
    }

    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, Self::Error> {
        self.inner
            .read_log(executor, attempt, from, max_bytes, wait)
            .await
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        self.inner.trouble(executor)
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        self.inner.test(executor).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Lock;

    use hcndc_core::{
        engine::{RunOrder, SourceAccess},
        id::{ExecutionId, JobRunId},
        model::{DataSourceKind, HttpCall, Secret, SqlScript},
        port::NoExecutors,
    };

    use super::*;

    #[derive(Default)]
    struct Sent(Lock<Vec<Order>>);

    #[async_trait]
    impl Transport for Sent {
        type Error = NoExecutors;

        fn connect(&self, _: Arc<Executor>, _: Fence) {}

        fn disconnect(&self, _: ExecutorId) {}

        fn send(&self, _: ExecutorId, order: Order) {
            self.0.lock().expect("no panic").push(order);
        }

        async fn recv(&self) -> (ExecutorId, Report) {
            std::future::pending().await
        }

        async fn read_log(
            &self,
            _: ExecutorId,
            _: AttemptId,
            _: u64,
            _: usize,
            _: Duration,
        ) -> Result<LogRead, NoExecutors> {
            Err(NoExecutors)
        }

        fn trouble(&self, _: ExecutorId) -> Option<String> {
            None
        }
    }

    fn order(password: Secret) -> Order {
        Order::Run(Box::new(RunOrder {
            attempt: AttemptId(1),
            execution: ExecutionId(2),
            job_run: JobRunId(3),
            number: 1,
            flow: "f".into(),
            job: "j".into(),
            data_date: "2026-11-21".parse().expect("a date"),
            date_format: None,
            calendar: None,
            kind: JobKind::Sql(SqlScript {
                data_source: SourceAccess {
                    name: "dw".into(),
                    kind: DataSourceKind::Mysql,
                    host: "db".into(),
                    port: None,
                    database: String::new(),
                    user: "etl".into(),
                    password,
                    options: std::collections::BTreeMap::new(),
                },
                statement: "SELECT 1".into(),
                transaction: false,
            }),
            command: String::new(),
            args: Vec::new(),
            values: std::collections::BTreeMap::new(),
            literal: std::collections::BTreeSet::new(),
            env: std::collections::BTreeMap::new(),
            workdir: String::new(),
            timeout: None,
            grace: Duration::ZERO,
        }))
    }

    #[test]
    fn jobs_are_told_their_traces_unless_they_name_one() {
        let ids = Ids::new("realm");
        let env = |set: Option<&str>, traced: Option<Ids>| {
            let opening = Opening::new(Sent::default(), Arc::default()).with_traces(traced);
            let Order::Run(mut run) = order(Secret::new("")) else {
                unreachable!("it runs something");
            };
            let set = set.map(|value| (TRACEPARENT.to_owned(), value.to_owned()));
            run.env.extend(set);
            opening.send(ExecutorId(1), Order::Run(run));
            let sent = opening.inner.0.lock().expect("no panic").pop();
            let Some(Order::Run(run)) = sent else {
                panic!("nothing was sent");
            };
            run.env.get(TRACEPARENT).cloned()
        };
        let told = ids.traceparent(ExecutionId(2), AttemptId(1));
        assert_eq!(env(None, Some(ids.clone())), Some(told));
        assert_eq!(env(Some("own"), Some(ids)).as_deref(), Some("own"));
        assert_eq!(env(None, None), None);
    }

    #[test]
    fn requests_say_which_trace_they_are_a_part_of_unless_they_name_one() {
        let ids = Ids::new("realm");
        let headers = |set: Option<(&str, &str)>, env: Option<&str>, traced: Option<Ids>| {
            let opening = Opening::new(Sent::default(), Arc::default()).with_traces(traced);
            let Order::Run(mut run) = order(Secret::new("")) else {
                unreachable!("it runs something");
            };
            let text = |it: (&str, &str)| (it.0.to_owned(), it.1.to_owned());
            run.env.extend(env.map(|it| text((TRACEPARENT, it))));
            run.kind = JobKind::Http(Box::new(HttpCall {
                method: "GET".into(),
                url: "https://api/".into(),
                headers: set.map(text).into_iter().collect(),
                body: String::new(),
                expect: "200".into(),
            }));
            opening.send(ExecutorId(1), Order::Run(run));
            let sent = opening.inner.0.lock().expect("no panic").pop();
            let Some(Order::Run(run)) = sent else {
                panic!("nothing was sent");
            };
            let JobKind::Http(call) = run.kind else {
                panic!("it is no request any more");
            };
            let headers = call.headers.into_iter();
            headers.collect::<Vec<(String, String)>>()
        };
        let told = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let parent = ids.traceparent(ExecutionId(2), AttemptId(1));
        let traced = || Some(ids.clone());
        assert_eq!(headers(None, None, traced()), told("traceparent", &parent));
        let own = Some(("TraceParent", "own"));
        assert_eq!(headers(own, None, traced()), told("TraceParent", "own"));
        // A job that belongs to another trace does so as a whole.
        let other = headers(None, Some("other"), traced());
        assert_eq!(other, told("traceparent", "other"));
        assert!(headers(None, None, None).is_empty());
    }

    #[tokio::test]
    async fn what_is_sealed_is_opened_on_its_way_and_what_cannot_be_ends_the_attempt() {
        let vault = Vault::default().with_fresh_key().expect("random bytes");
        let sealed = vault.seal(&Secret::new("hunter2")).expect("a key");
        let opening = Opening::new(Sent::default(), Arc::new(vault));
        opening.send(ExecutorId(1), order(sealed.clone()));
        let sent = opening.inner.0.lock().expect("no panic").pop();
        assert_eq!(sent, Some(order(Secret::new("hunter2"))));

        let other = Vault::default().with_fresh_key().expect("random bytes");
        let opening = Opening::new(Sent::default(), Arc::new(other));
        opening.send(ExecutorId(1), order(sealed));
        assert!(opening.inner.0.lock().expect("no panic").is_empty());
        let (_, report) = opening.recv().await;
        let Report::Finished { attempt, end } = report else {
            panic!("the attempt must end: {report:?}");
        };
        assert_eq!(attempt, AttemptId(1));
        let EndCause::NotStarted(reason) = end.cause else {
            panic!("it must not have started: {end:?}");
        };
        assert!(reason.contains("password of data source dw"), "{reason}");
    }
}
