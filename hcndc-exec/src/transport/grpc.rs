//! Executors on the network.

use std::{collections::BTreeMap, error::Error as _, io, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    id::AttemptId,
    port::{ErrorKind, LogRead},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::task::AbortOnDropHandle;
use tonic::{
    Code, Request, Status, Streaming,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{Dial, Line, ReadLog, ReadLogError};
use crate::{
    executor::{KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMEOUT, MESSAGE_BYTES, kind_of},
    link::Up,
    tls::SchedulerTls,
    token::Token,
    wire::{FromExecutor, ReadLogRequest, executor_client::ExecutorClient},
};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Which token is shown to which executor.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// By address, as in the executors' definitions.
    pub by_address: BTreeMap<String, Token>,
    /// For all others.
    pub default: Option<Token>,
}

/// Reaches executors over gRPC.
#[derive(Clone, Debug, Default)]
pub struct Grpc {
    tokens: Tokens,
    tls: Option<SchedulerTls>,
}

impl Grpc {
    /// Shows these tokens.
    #[must_use]
    pub const fn new(tokens: Tokens) -> Self {
        Self { tokens, tls: None }
    }

    /// Speaks TLS, with each of them.
    #[must_use]
    pub fn with_tls(mut self, tls: SchedulerTls) -> Self {
        self.tls = Some(tls);
        self
    }
}

type Client = ExecutorClient<InterceptedService<Channel, Bearer>>;

/// Adds the token to each call.
#[derive(Clone, Debug)]
struct Bearer(Option<Token>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.header());
        }
        Ok(request)
    }
}

#[async_trait]
impl Dial for Grpc {
    async fn dial(&self, address: &str) -> Result<Line, String> {
        let token = self
            .tokens
            .by_address
            .get(address)
            .or(self.tokens.default.as_ref());
        let channel = connect(address, self.tls.as_ref()).await?;
        let mut client = ExecutorClient::with_interceptor(channel, Bearer(token.cloned()))
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let (down, orders) = mpsc::channel(256);
        let reports = client
            .link(ReceiverStream::new(orders).map(Into::into))
            .await
            .map_err(|status| words(address, &status))?
            .into_inner();
        let (says, up) = mpsc::channel(256);
        let task = tokio::spawn(receive(address.to_owned(), reports, says));
        Ok(Line {
            down,
            up,
            logs: Box::new(RemoteLogs {
                address: address.to_owned(),
                client,
            }),
            tasks: vec![AbortOnDropHandle::new(task)],
        })
    }
}

async fn connect(address: &str, tls: Option<&SchedulerTls>) -> Result<Channel, String> {
    // Asked for by itself: the errors of a connection do not tell a wrong name from a host that does not answer.
    match tokio::time::timeout(CONNECT_WITHIN, tokio::net::lookup_host(address)).await {
        Err(_) => return Err(format!("the name of {address} is not resolved in time")),
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(format!(
                "{address:?} is no address; one has the form host:port"
            ));
        }
        Ok(Err(error)) => return Err(format!("the name of {address} does not resolve: {error}")),
        Ok(Ok(_)) => {}
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .map_err(|_| format!("{address:?} is no address; one has the form host:port"))?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    if let Some(tls) = tls {
        endpoint = endpoint
            .tls_config(tls.config())
            .map_err(|error| format!("our certificates cannot be used: {}", innermost(&error)))?;
    }
    endpoint
        .connect()
        .await
        .map_err(|error| match io_kind(&error) {
            Some(io::ErrorKind::ConnectionRefused) => {
                format!("{address} refuses the connection; nothing listens there")
            }
            Some(io::ErrorKind::TimedOut) => {
                format!("{address} does not answer within {CONNECT_WITHIN:?}")
            }
            _ => match innermost(&error).to_string() {
                // What rustls makes of an answer in plain text.
                reason if reason.contains("InvalidContentType") => {
                    format!("{address} does not speak TLS")
                }
                reason if tls.is_some() => {
                    format!("cannot connect to {address} by TLS: {reason}")
                }
                reason => format!("cannot connect to {address}: {reason}"),
            },
        })
}

/// Passes on what an executor says; the last is why it says no more.
async fn receive(
    address: String,
    mut reports: Streaming<FromExecutor>,
    says: mpsc::Sender<Result<Up, String>>,
) {
    let last = loop {
        match reports.message().await {
            Ok(Some(message)) => match Up::try_from(message) {
                Ok(message) => {
                    if says.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                Err(error) => break format!("{address} sends nonsense: {error}"),
            },
            Ok(None) => break format!("{address} closed the connection"),
            Err(status) => break words(&address, &status),
        }
    };
    let _ = says.send(Err(last)).await;
}

#[derive(Clone, Debug)]
struct RemoteLogs {
    address: String,
    client: Client,
}

#[async_trait]
impl ReadLog for RemoteLogs {
    async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, ReadLogError> {
        let mut request = Request::new(ReadLogRequest {
            attempt: attempt.0,
            from,
            max_bytes: max_bytes as u64,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
        request.set_timeout(
            wait.saturating_add(Duration::from_secs(30))
                .min(MOST_PATIENCE),
        );
        match self.client.clone().read_log(request).await {
            Ok(reply) => reply.into_inner().try_into().map_err(|error| ReadLogError {
                kind: ErrorKind::Invalid,
                reason: format!("{} sends nonsense: {error}", self.address),
            }),
            Err(status) => Err(ReadLogError {
                kind: kind_of(status.code()),
                reason: words(&self.address, &status),
            }),
        }
    }

    fn to_boxed(&self) -> Box<dyn ReadLog> {
        Box::new(self.clone())
    }
}

/// The longest time that a header can say.
const MOST_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// A failed call in words for people.
fn words(address: &str, status: &Status) -> String {
    match status.code() {
        Code::Unauthenticated => format!("{address} does not accept the token"),
        Code::Unimplemented => format!("{address} is no executor, or one of another version"),
        Code::DeadlineExceeded => format!("{address} does not answer in time"),
        _ => match status.source() {
            Some(source) => format!("the connection to {address} broke: {}", innermost(source)),
            None if status.message().is_empty() => {
                format!("the connection to {address} broke: {}", status.code())
            }
            None => format!("{address}: {}", status.message()),
        },
    }
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

pub(crate) fn innermost<'a>(
    mut error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
