//! A real HTTP server that keeps what it gets and answers as it is told.

use std::{
    collections::VecDeque,
    io::Read as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};
use warp::{
    Filter as _,
    http::{HeaderMap, Response},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What it was answered.
    pub(crate) status: u16,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(it, _)| it == name);
        &found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.get(name);
        let value = found.unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().unwrap()
    }
}

#[derive(Debug, Default)]
struct Kept {
    got: Vec<Got>,
    answers: VecDeque<(u16, String)>,
    usual: (u16, String),
    media_type: Option<&'static str>,
}

/// The server; it ends with this.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    task: AbortHandle,
}

impl Receiver {
    /// One that answers this, unless it is told otherwise. Needs a runtime, on which it runs.
    pub(crate) async fn start(status: u16, body: &str) -> Self {
        let kept = Arc::new(Mutex::new(Kept {
            usual: (status, body.to_owned()),
            ..Kept::default()
        }));
        let keeps = Arc::clone(&kept);
        let answers = warp::path::full()
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::headers_cloned())
            .and(warp::body::bytes())
            .map(
                move |path: warp::path::FullPath,
                      query: String,
                      headers: HeaderMap,
                      body: Bytes| {
                    let body = unpacked(&headers, body);
                    let mut kept = keeps.lock().unwrap();
                    let next = kept.answers.pop_front();
                    let (status, answer) = next.unwrap_or_else(|| kept.usual.clone());
                    kept.got.push(Got {
                        path: path.as_str().to_owned(),
                        query: form_urlencoded::parse(query.as_bytes())
                            .into_owned()
                            .collect(),
                        headers,
                        body,
                        status,
                    });
                    let mut response = Response::builder().status(status);
                    if let Some(media_type) = kept.media_type {
                        response = response.header("content-type", media_type);
                    }
                    response.body(answer).unwrap()
                },
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(warp::serve(answers).incoming(listener).run());
        Self {
            address,
            kept,
            task: task.abort_handle(),
        }
    }

    /// Answers the next requests so, one each.
    pub(crate) fn then(&self, answers: &[(u16, &str)]) {
        let answers = answers.iter();
        let answers = answers.map(|(status, body)| (*status, (*body).to_owned()));
        self.kept.lock().unwrap().answers.extend(answers);
    }

    /// Answers so from now on.
    pub(crate) fn usually(&self, status: u16, body: &str) {
        self.kept.lock().unwrap().usual = (status, body.to_owned());
    }

    /// Says from now on that its answers are of this type.
    pub(crate) fn says_type(&self, media_type: &'static str) {
        self.kept.lock().unwrap().media_type = Some(media_type);
    }

    /// All that came so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.kept.lock().unwrap().got.clone()
    }

    /// All that came so far and was taken.
    pub(crate) fn taken(&self) -> Vec<Got> {
        let mut got = self.got();
        got.retain(|got| got.status < 300);
        got
    }

    /// The only request that came.
    #[track_caller]
    pub(crate) fn only(&self) -> Got {
        let got = self.got();
        assert_eq!(got.len(), 1, "{got:?}");
        got.into_iter().next().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A body as it was before it was packed, if it was.
fn unpacked(headers: &HeaderMap, body: Bytes) -> Bytes {
    if headers
        .get("content-encoding")
        .is_none_or(|it| it != "gzip")
    {
        return body;
    }
    let mut whole = Vec::new();
    let mut read = flate2::read::GzDecoder::new(&*body);
    read.read_to_end(&mut whole).unwrap();
    whole.into()
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
