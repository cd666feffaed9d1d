//! Executors on the network.

use std::{collections::BTreeMap, error::Error as _, io, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    id::AttemptId,
    port::{ErrorKind, Introduction, LogRead, Unreachable, UnreachableKind},
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
    convert::introduced,
    executor::{KEEP_ALIVE_EVERY, KEEP_ALIVE_TIMEOUT, MESSAGE_BYTES, kind_of},
    link::{PROTOCOL, Refusal, Up},
    tls::SchedulerTls,
    token::Token,
    wire::{FromExecutor, IntroduceRequest, ReadLogRequest, executor_client::ExecutorClient},
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

    async fn client(&self, address: &str) -> Result<Client, Unreachable> {
        let token = self
            .tokens
            .by_address
            .get(address)
            .or(self.tokens.default.as_ref());
        let channel = connect(address, self.tls.as_ref()).await?;
        let client = ExecutorClient::with_interceptor(channel, Bearer(token.cloned()))
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        Ok(client)
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
    async fn ask(&self, address: &str) -> Result<Introduction, Unreachable> {
        let mut client = self.client(address).await?;
        let reply = client.introduce(IntroduceRequest {}).await;
        let reply = reply.map_err(|status| Unreachable {
            kind: match status.code() {
                Code::Unauthenticated => UnreachableKind::Token,
                Code::Unimplemented => UnreachableKind::Version,
                Code::DeadlineExceeded => UnreachableKind::Silent,
                // What a certificate is not believed for shows only when something is said.
                _ if self.tls.is_some() => UnreachableKind::Tls,
                _ => UnreachableKind::Other,
            },
            reason: words(address, &status),
        })?;
        let (introduction, protocol) =
            introduced(reply.into_inner()).map_err(|error| Unreachable {
                kind: UnreachableKind::Version,
                reason: format!("{address} sends nonsense: {error}"),
            })?;
        if PROTOCOL.understands(protocol) {
            return Ok(introduction);
        }
        let refusal = Refusal::Protocol {
            given: PROTOCOL,
            speaks: protocol,
        };
        Err(Unreachable {
            kind: UnreachableKind::Version,
            reason: refusal.to_string(),
        })
    }

    async fn dial(&self, address: &str) -> Result<Line, String> {
        let mut client = self.client(address).await.map_err(|error| error.reason)?;
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

async fn connect(address: &str, tls: Option<&SchedulerTls>) -> Result<Channel, Unreachable> {
    let fail = |kind, reason| Err(Unreachable { kind, reason });
    let no_address = || Unreachable {
        kind: UnreachableKind::Address,
        reason: format!("{address:?} is no address; one has the form host:port"),
    };
    // Asked for by itself: the errors of a connection do not tell a wrong name from a host that does not answer.
    match tokio::time::timeout(CONNECT_WITHIN, tokio::net::lookup_host(address)).await {
        Err(_) => {
            let reason = format!("the name of {address} is not resolved in time");
            return fail(UnreachableKind::Name, reason);
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => return Err(no_address()),
        Ok(Err(error)) => {
            let reason = format!("the name of {address} does not resolve: {error}");
            return fail(UnreachableKind::Name, reason);
        }
        Ok(Ok(_)) => {}
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .map_err(|_| no_address())?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_EVERY)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    if let Some(tls) = tls {
        endpoint = endpoint
            .tls_config(tls.config())
            .map_err(|error| Unreachable {
                kind: UnreachableKind::Tls,
                reason: format!("our certificates cannot be used: {}", innermost(&error)),
            })?;
    }
    endpoint.connect().await.map_err(|error| {
        let (kind, reason) = match io_kind(&error) {
            Some(io::ErrorKind::ConnectionRefused) => (
                UnreachableKind::Refused,
                format!("{address} refuses the connection; nothing listens there"),
            ),
            Some(io::ErrorKind::TimedOut) => (
                UnreachableKind::Silent,
                format!("{address} does not answer within {CONNECT_WITHIN:?}"),
            ),
            _ => match innermost(&error).to_string() {
                // What rustls makes of an answer in plain text.
                reason if reason.contains("InvalidContentType") => (
                    UnreachableKind::Tls,
                    format!("{address} does not speak TLS"),
                ),
                reason if tls.is_some() => (
                    UnreachableKind::Tls,
                    format!("cannot connect to {address} by TLS: {reason}"),
                ),
                reason => (
                    UnreachableKind::Other,
                    format!("cannot connect to {address}: {reason}"),
                ),
            },
        };
        Unreachable { kind, reason }
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
