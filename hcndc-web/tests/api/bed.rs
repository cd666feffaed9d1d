//! A server on a free port, with a scheduler, a store in memory and a transport in the test's hand; and its callers.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use hcndc_core::{
    engine::Settings,
    port::Deliveries,
    scheduler::{Leadership, Scheduler},
};
use hcndc_store_mem::MemStore;
use hcndc_web::{
    api,
    app::{App, WebSettings},
    auth::{Access, Auth},
    clock::SystemClock,
    handle,
    live::Live,
    metrics::{Both, Counting},
    names::Names,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Incoming, client::conn::http1, header::HeaderMap};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::hand::Hand;

/// How long anything may take before the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bed {
    pub(crate) app: Arc<App<MemStore, Hand>>,
    pub(crate) hand: Hand,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    scheduler: JoinHandle<()>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{self:?}"))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .to_str()
            .unwrap()
    }

    /// The JSON of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// A problem of this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:hcndc:problem:{code}"));
        assert_eq!(self.header("content-type"), "application/problem+json");
        for text in ["title", "detail"] {
            assert_ne!(problem[text], "", "{problem}");
        }
        problem
    }
}

/// An answer that is still being read.
pub(crate) struct Streamed {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    text: String,
}

impl Streamed {
    /// The next text up to and with `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                return std::mem::replace(&mut self.text, rest);
            }
            match within(self.body.frame()).await {
                Some(frame) => {
                    let data = frame.unwrap().into_data().unwrap();
                    self.text.push_str(std::str::from_utf8(&data).unwrap());
                }
                None => panic!("ended without {end:?}: {:?}", self.text),
            }
        }
    }

    /// The next event: id, name and data.
    pub(crate) async fn event(&mut self) -> (u64, String, Value) {
        loop {
            let block = self.until("\n\n").await;
            let find = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let (Some(id), Some(kind), Some(data)) =
                (find("id: "), find("event: "), find("data: "))
            {
                let data = serde_json::from_str(&data).unwrap();
                return (id.parse().unwrap(), kind, data);
            }
        }
    }

    /// The rest, to the end.
    pub(crate) async fn rest(mut self) -> String {
        let rest = within(self.body.collect()).await.unwrap().to_bytes();
        self.text.push_str(std::str::from_utf8(&rest).unwrap());
        self.text
    }
}

pub(crate) async fn within<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in good time")
}

impl Bed {
    /// A server with one executor, `here`, of four slots.
    pub(crate) async fn new() -> Self {
        let bed = Self::empty().await;
        let executor = json!({"name": "here", "address": "local", "slots": 4});
        bed.post("executors", &executor).await.expect(201);
        bed
    }

    /// A server without definitions.
    pub(crate) async fn empty() -> Self {
        Self::made(|app| app).await
    }

    /// A server without definitions that asks callers who they are.
    pub(crate) async fn with_users(access: Access, auth: Arc<Auth>) -> Self {
        Self::made(|app| app.with_users(access, auth)).await
    }

    /// A server with one executor that keeps what comes to webhooks there.
    pub(crate) async fn with_deliveries(deliveries: Arc<dyn Deliveries>) -> Self {
        Self::made(|app| app.with_deliveries(deliveries)).await
    }

    async fn made(finish: impl FnOnce(App<MemStore, Hand>) -> App<MemStore, Hand>) -> Self {
        let store = MemStore::new();
        let hand = Hand::new();
        let live = Arc::new(Live::new(Names::default()));
        let (scheduler, mut inbox) = handle::channel();
        let leadership = Leadership {
            holder: "test".to_owned(),
            ttl: Duration::from_secs(60),
        };
        let mut driver = Scheduler::open(
            store.clone(),
            hand.clone(),
            SystemClock::new(),
            Both(Arc::clone(&live), Counting),
            Settings::default(),
            leadership,
        )
        .await
        .unwrap();
        let driving = tokio::spawn(async move { driver.run(&mut inbox).await.unwrap() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = WebSettings::for_listener(address);
        let app = App::new(scheduler, store, hand.clone(), live, settings);
        let app = Arc::new(finish(app));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(api::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        }));
        Self {
            app,
            hand,
            address,
            stop: Some(stop),
            server,
            scheduler: driving,
        }
    }

    /// Stops the server, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        within(&mut self.server).await.unwrap();
    }

    /// Ends the scheduler under the server.
    pub(crate) async fn end_scheduler(&mut self) {
        self.scheduler.abort();
        let _ = within(&mut self.scheduler).await;
    }

    /// Sends a request as it is; `Host` is set unless it is there.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Streamed {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let host = self.address.to_string().parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
        let response = within(sender.send_request(request)).await.unwrap();
        let (head, body) = response.into_parts();
        Streamed {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            text: String::new(),
        }
    }

    /// Posts JSON in pieces, without a length; tells the status.
    pub(crate) async fn send_chunked<B>(&self, path: &str, body: B) -> u16
    where
        B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
    {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post(path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json")
            .body(Box::pin(body))
            .unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        response.status().as_u16()
    }

    /// Sends a request with these headers and body, and reads the answer to its end.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = self.send(request).await;
        Answer {
            status: answer.status,
            headers: answer.headers,
            bytes: within(answer.body.collect()).await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", &v1(path), &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", &v1(path), &[], "").await
    }

    pub(crate) async fn write(&self, method: &str, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.call(method, &v1(path), &json, body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.write("POST", path, body).await
    }

    pub(crate) async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Streamed {
        let mut request = Request::builder().uri(v1(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }

    /// One with two flows, `extract` and `load`; the job `orders` of the second waits for that of the first.
    pub(crate) async fn two_flows() -> Self {
        let bed = Self::new().await;
        bed.flow("extract").await;
        bed.flow("load").await;
        bed.job("extract/orders", &[]).await;
        bed.job("load/orders", &["extract/orders"]).await;
        bed
    }

    /// Makes a flow; tells its id.
    pub(crate) async fn flow(&self, name: &str) -> u64 {
        let flow = self.post("flows", &json!({"name": name})).await;
        flow.expect(201)["id"].as_u64().unwrap()
    }

    /// Makes a job of `flow/job`; tells its id.
    pub(crate) async fn job(&self, name: &str, depends_on: &[&str]) -> u64 {
        let (flow, job) = name.split_once('/').unwrap();
        let body = json!({"flow": flow, "name": job, "command": "true", "depends_on": depends_on});
        self.post("jobs", &body).await.expect(201)["id"]
            .as_u64()
            .unwrap()
    }

    /// Starts flows; tells the execution's id.
    pub(crate) async fn start(&self, flows: &[&str]) -> u64 {
        let body = json!({"flows": flows, "data_date": "2026-11-21"});
        self.post("executions", &body).await.expect(201)["id"]
            .as_u64()
            .unwrap()
    }

    /// The id of a job run of an execution.
    pub(crate) async fn job_run(&self, execution: u64, name: &str) -> u64 {
        let runs = self.get(&format!("executions/{execution}/job-runs")).await;
        let runs = runs.expect(200);
        let mut items = runs["items"].as_array().unwrap().iter();
        items
            .find(|run| {
                let (flow, job) = (&run["flow"]["name"], &run["job"]["name"]);
                format!("{}/{}", flow.as_str().unwrap(), job.as_str().unwrap()) == name
            })
            .unwrap_or_else(|| panic!("no {name} in {runs}"))["id"]
            .as_u64()
            .unwrap()
    }

    /// Waits until an execution is in a state.
    pub(crate) async fn reaches(&self, execution: u64, state: &str) -> Value {
        let mut events = self
            .stream(&format!("events?execution={execution}&from=0"), &[])
            .await;
        loop {
            let (_, kind, _) = events.event().await;
            if kind == "execution" {
                let now = self
                    .get(&format!("executions/{execution}"))
                    .await
                    .expect(200);
                if now["state"] == state {
                    return now;
                }
            }
        }
    }

    /// Waits until a job run is in a state.
    pub(crate) async fn run_reaches(&self, execution: u64, job_run: u64, state: &str) {
        let mut events = self
            .stream(&format!("executions/{execution}/events?from=0"), &[])
            .await;
        loop {
            let (_, _, data) = events.event().await;
            if data["job_run"] == job_run && data["to"] == state {
                return;
            }
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.server.abort();
        self.scheduler.abort();
    }
}

fn v1(path: &str) -> String {
    format!("/api/v1/{path}")
}
