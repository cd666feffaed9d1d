//! The forward protocol of fluentd, version 1, in its forward mode: each message is a MessagePack array of a tag, entries and
//! options, and is acknowledged by the chunk that its options name.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_exec::transport::{LogLine, LogSink, SinkError};
use reqwest::Url;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{folder_name, stream_name};
use crate::connect::tls;

/// The port that collectors listen at, if nothing else is said.
const PORT: u16 = 24_224;
/// The tag of messages, if nothing else is said.
const TAG: &str = "hcndc";
const CONNECT: Duration = Duration::from_secs(10);
/// How long a collector may take to acknowledge; fluentd's own default is more than twice that, but it counts from the
/// moment at which it has stored them.
const ACKNOWLEDGE: Duration = Duration::from_secs(60);
/// The longest acknowledgement.
const MOST: usize = 1_024;

/// A collector that speaks the forward protocol.
#[derive(Debug)]
pub struct Fluentd {
    name: String,
    host: String,
    port: u16,
    tag: String,
    is_tls: bool,
    authorities: Option<String>,
    acknowledge: Duration,
    connection: Mutex<Option<Connection>>,
}

/// A connection on which nothing is unanswered.
struct Connection(Box<dyn Wire>);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Seconds and nanoseconds, as extension type 0.
#[derive(Serialize)]
#[serde(rename = "_ExtStruct")]
struct EventTime((i8, serde_bytes::ByteBuf));

#[derive(Serialize)]
struct Options<'a> {
    chunk: &'a str,
    size: usize,
}

#[derive(Serialize)]
struct Record<'a> {
    message: &'a str,
    stream: &'static str,
    flow: &'a str,
    job: &'a str,
    data_date: String,
    execution: u64,
    job_run: u64,
    attempt: u64,
    number: u32,
    executor: u64,
}

#[derive(Deserialize)]
struct Acknowledgement {
    ack: String,
}

impl Fluentd {
    /// The collector at an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(url: &Url) -> Result<Self, String> {
        let mut tag = TAG.to_owned();
        let (mut authorities, mut acknowledge) = (None, ACKNOWLEDGE);
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tag", value) if !value.is_empty() => tag = value.to_owned(),
                ("ca_file", path) if !path.is_empty() => authorities = Some(path.to_owned()),
                ("answer_seconds", text) => {
                    let seconds = text.parse().ok().filter(|it| (1..=300).contains(it));
                    let seconds = seconds.ok_or("answer_seconds must be 1 to 300")?;
                    acknowledge = Duration::from_secs(seconds);
                }
                (other, _) => {
                    return Err(format!(
                        "{other} is no setting; there are tag=TAG, ca_file=FILE and answer_seconds=SECONDS"
                    ));
                }
            }
        }
        let is_tls = url.scheme() == "fluentds";
        if let Some(path) = &authorities {
            // What cannot be read is told now, and not when the first job has ended.
            tls::read_authorities(path).map_err(|error| error.to_string())?;
        }
        // Brackets stand around an IPv6 address in a URL only.
        let host = url.host_str().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            name: folder_name(url),
            host,
            port: url.port().unwrap_or(PORT),
            tag,
            is_tls,
            authorities,
            acknowledge,
            connection: Mutex::default(),
        })
    }

    async fn connect(&self) -> Result<Connection, String> {
        let connect = async {
            let address = (self.host.as_str(), self.port);
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(|error| error.to_string())?;
            if !self.is_tls {
                return Ok(Connection(Box::new(stream)));
            }
            let config = tls::client_config(self.authorities.as_deref());
            let config = config.map_err(|error| error.to_string())?;
            let name = ServerName::try_from(self.host.clone());
            let name = name.map_err(|error| error.to_string())?;
            let connector = TlsConnector::from(Arc::new(config));
            let stream = connector.connect(name, stream).await;
            let stream = stream.map_err(|error| error.to_string())?;
            Ok(Connection(Box::new(stream)))
        };
        let connected = timeout(CONNECT, connect).await;
        connected.unwrap_or_else(|_| Err("it does not answer".to_owned()))
    }

    fn message(&self, chunk: &str, lines: &[LogLine]) -> Result<Vec<u8>, String> {
        let entries = lines.iter().map(|line| {
            let origin = &*line.origin;
            let record = Record {
                message: &line.text,
                stream: stream_name(line.stream),
                flow: &origin.flow,
                job: &origin.job,
                data_date: origin.data_date.to_string(),
                execution: origin.execution.0,
                job_run: origin.job_run.0,
                attempt: origin.attempt.0,
                number: origin.number,
                executor: origin.executor.0,
            };
            (event_time(line.at.as_micros()), record)
        });
        let entries: Vec<_> = entries.collect();
        let options = Options {
            chunk,
            size: lines.len(),
        };
        let message = (&*self.tag, entries, options);
        rmp_serde::to_vec_named(&message).map_err(|error| error.to_string())
    }
}

fn event_time(micros: i64) -> EventTime {
    let seconds = micros.div_euclid(1_000_000);
    let nanoseconds = micros.rem_euclid(1_000_000) * 1_000;
    let mut bytes = Vec::with_capacity(8);
    bytes.extend_from_slice(&(seconds as u32).to_be_bytes());
    bytes.extend_from_slice(&(nanoseconds as u32).to_be_bytes());
    EventTime((0, bytes.into()))
}

impl Connection {
    async fn send(&mut self, message: &[u8], chunk: &str) -> Result<(), String> {
        let said = |error: std::io::Error| error.to_string();
        self.0.write_all(message).await.map_err(said)?;
        self.0.flush().await.map_err(said)?;
        let mut answer = Vec::new();
        while answer.len() < MOST {
            let read = self.0.read_buf(&mut answer).await.map_err(said)?;
            if read == 0 {
                return Err("it closed the connection before it acknowledged".to_owned());
            }
            // Not whole yet, or wrong: more tells.
            if let Ok(found) = rmp_serde::from_slice::<Acknowledgement>(&answer) {
                return match found.ack == chunk {
                    true => Ok(()),
                    false => Err("it acknowledged something else".to_owned()),
                };
            }
        }
        Err("its answer is no acknowledgement".to_owned())
    }
}

#[async_trait]
impl LogSink for Fluentd {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, lines: &[LogLine]) -> Result<(), SinkError> {
        let failed = |reason: String, may_do_later| SinkError {
            reason: format!("{}:{}: {reason}", self.host, self.port),
            may_do_later,
        };
        let chunk = uuid::Uuid::new_v4().to_string();
        let message = self.message(&chunk, lines);
        let message = message.map_err(|reason| failed(reason, false))?;
        let mut slot = self.connection.lock().await;
        // Taken out: one that fails, or that nobody waits for to the end, is not used again.
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => self
                .connect()
                .await
                .map_err(|reason| failed(reason, true))?,
        };
        let sent = timeout(self.acknowledge, connection.send(&message, &chunk)).await;
        let sent = sent.unwrap_or_else(|_| {
            Err(format!(
                "it acknowledged nothing within {} s",
                self.acknowledge.as_secs()
            ))
        });
        sent.map_err(|reason| failed(reason, true))?;
        *slot = Some(connection);
        Ok(())
    }
}
