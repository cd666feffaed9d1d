//! A supervisor on the network.

use std::{io, net::SocketAddr, pin::Pin, time::Duration};

use futures_util::Stream;
use hcndc_core::{
    id::AttemptId,
    port::{ErrorKind, PortError as _},
};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use super::Supervisor;
use crate::{
    convert::introduce,
    link::Down,
    tls::ExecutorTls,
    token::Token,
    transport::{innermost, read_or_wait},
    wire::{
        FromExecutor, IntroduceReply, IntroduceRequest, ReadLogReply, ReadLogRequest, ToExecutor,
        executor_server::{Executor, ExecutorServer as Service},
    },
};

/// The port where executors listen if nothing else is said.
pub const PORT: u16 = 7890;

/// The longest message, in bytes, that either side takes.
pub(crate) const MESSAGE_BYTES: usize = 64 << 20;

/// A peer that is silent for so long is asked whether it lives,
pub(crate) const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);
/// and is given up if it does not answer within this.
pub(crate) const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

const LONGEST_WAIT: Duration = Duration::from_secs(60);
const MOST_BYTES: u64 = 8 << 20;

/// Why an executor cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is open to others, and nothing keeps them out.
    #[error(
        "{address} can be reached from other hosts; without a token, or an authority for certificates of schedulers, \
         an executor listens on loopback addresses only"
    )]
    Open {
        /// Where it should have listened.
        address: SocketAddr,
    },
    /// The certificates are none.
    #[error("the certificate, its key or the authority cannot be used: {reason}")]
    Tls {
        /// What is wrong with them.
        reason: String,
    },
    /// The system does not allow it.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// What keeps strangers out.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What schedulers must show.
    pub token: Option<Token>,
    /// What makes the wire secret; with an authority, what schedulers must prove.
    pub tls: Option<ExecutorTls>,
}

impl Access {
    /// Whether only known schedulers come in. A wire that is secret alone keeps nobody out.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        let proves = |tls: &ExecutorTls| tls.asks_for_certificates();
        self.token.is_some() || self.tls.as_ref().is_some_and(proves)
    }
}

impl From<Token> for Access {
    fn from(token: Token) -> Self {
        Self {
            token: Some(token),
            tls: None,
        }
    }
}

/// Serves a supervisor to schedulers.
#[derive(Debug)]
pub struct ExecutorServer {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<Token>,
    server: Server,
}

impl ExecutorServer {
    /// Listens on `address`; port 0 takes a free one. Anyone who can reach an address that is not
    /// [guarded](Access::is_guarded) can run commands, so it must be a loopback one then.
    ///
    /// # Errors
    /// When it must not or cannot.
    pub async fn bind(address: SocketAddr, access: Access) -> Result<Self, BindError> {
        if !access.is_guarded() && !address.ip().is_loopback() {
            return Err(BindError::Open { address });
        }
        let mut server = Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE_EVERY))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT));
        if let Some(tls) = &access.tls {
            server = server
                .tls_config(tls.config())
                .map_err(|error| BindError::Tls {
                    reason: innermost(&error).to_string(),
                })?;
        }
        let bound = match TcpListener::bind(address).await {
            Ok(listener) => listener.local_addr().map(|address| (listener, address)),
            Err(error) => Err(error),
        };
        let (listener, address) = bound.map_err(|source| BindError::Io { address, source })?;
        Ok(Self {
            listener,
            address,
            token: access.token,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then connections may end by themselves.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        mut self,
        supervisor: Supervisor,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let token = self.token;
        let service = Service::new(Door { supervisor })
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let service = tonic::service::interceptor::InterceptedService::new(
            service,
            move |request: Request<()>| match &token {
                Some(token) if !token.is_in(request.metadata()) => {
                    Err(Status::unauthenticated("the token is wrong or missing"))
                }
                _ => Ok(request),
            },
        );
        self.server
            .add_service(service)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(self.listener).with_nodelay(Some(true)),
                stop,
            )
            .await
    }
}

#[derive(Debug)]
struct Door {
    supervisor: Supervisor,
}

#[tonic::async_trait]
impl Executor for Door {
    type LinkStream = Pin<Box<dyn Stream<Item = Result<FromExecutor, Status>> + Send>>;

    async fn link(
        &self,
        request: Request<Streaming<ToExecutor>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let peer = request.remote_addr();
        let mut orders = request.into_inner();
        let connection = self.supervisor.connect();
        let down = connection.down.clone();
        let (broken, breaks) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let why = loop {
                match orders.message().await {
                    Ok(Some(order)) => match Down::try_from(order) {
                        Ok(order) => {
                            if !down.send(order).await {
                                break None;
                            }
                        }
                        Err(error) => {
                            tracing::warn!(?peer, %error, "a scheduler sends nonsense");
                            break Some(Status::invalid_argument(error.to_string()));
                        }
                    },
                    Ok(None) | Err(_) => break None,
                }
            };
            let _ = broken.send(why);
        });
        Ok(Response::new(Box::pin(reports(connection, breaks))))
    }

    async fn read_log(
        &self,
        request: Request<ReadLogRequest>,
    ) -> Result<Response<ReadLogReply>, Status> {
        let request = request.into_inner();
        let read = read_or_wait(
            self.supervisor.log(),
            AttemptId(request.attempt),
            request.from,
            usize::try_from(request.max_bytes.min(MOST_BYTES)).unwrap_or(usize::MAX),
            Duration::from_millis(request.wait_ms).min(LONGEST_WAIT),
        )
        .await
        .map_err(|error| Status::new(code_of(error.kind()), error.to_string()))?;
        Ok(Response::new(read.into()))
    }

    async fn introduce(
        &self,
        _: Request<IntroduceRequest>,
    ) -> Result<Response<IntroduceReply>, Status> {
        let (identity, figures) = self.supervisor.introduce().await;
        Ok(Response::new(introduce(identity, figures)))
    }
}

/// What a connection says, until either side closes it.
fn reports(
    connection: super::Connection,
    breaks: tokio::sync::oneshot::Receiver<Option<Status>>,
) -> impl Stream<Item = Result<FromExecutor, Status>> + Send {
    futures_util::stream::unfold(Some((connection, breaks)), |state| async {
        let (mut connection, mut breaks) = state?;
        tokio::select! {
            message = connection.up.recv() => {
                Some((Ok(message?.into()), Some((connection, breaks))))
            }
            why = &mut breaks => Some((Err(why.ok().flatten()?), None)),
        }
    })
}

/// How a failure's kind travels; [`kind_of`] is its way back.
pub(crate) const fn code_of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Fenced => Code::FailedPrecondition,
        ErrorKind::Conflict => Code::Aborted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Corrupt => Code::DataLoss,
        ErrorKind::Invalid => Code::InvalidArgument,
    }
}

/// The kind of a failure that came over the network.
pub(crate) const fn kind_of(code: Code) -> ErrorKind {
    match code {
        Code::FailedPrecondition => ErrorKind::Fenced,
        Code::Aborted => ErrorKind::Conflict,
        Code::DataLoss => ErrorKind::Corrupt,
        Code::InvalidArgument => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    }
}
