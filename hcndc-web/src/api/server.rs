//! The server: connections in, answers out, and an end in good time.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use hcndc_core::port::{History, Transport};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
};
use warp::{
    Reply as _,
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    caller::Peer,
    gate::{Gate, Refusal},
    problem::Problem,
};
use crate::app::App;

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// How long a request's head may take to come in.
const HEAD: Duration = Duration::from_secs(30);
/// How long it may take until a connection speaks TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests that have begun may take to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted, such as for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the API until `shutdown` is ready. Then nothing more is accepted, open streams end, and requests that have
/// begun get ten seconds.
///
/// The scheduler is not stopped: that comes after.
pub async fn serve<H: History + 'static, T: Transport + 'static>(
    app: Arc<App<H, T>>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let (gate, routes) = super::routes(&app);
    let service = TowerToHyperService::new(warp::service(routes));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((permit, listener.accept().await))
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            Some(accepted) = accepted => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Events are small and should not wait for each other; without it they are only slower.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            http: http.clone(),
            watcher: graceful.watcher(),
            gate: gate.clone(),
            service: service.clone(),
        };
        let https = app.https.as_ref().map(|https| https.acceptor());
        let stopping = app.stopping.clone();
        connections.spawn(async move {
            match https {
                None => connection.serve(stream, Peer::plain(peer)).await,
                Some(acceptor) => {
                    let secured = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                    let secured = tokio::select! {
                        secured = secured => secured,
                        // It has not said anything yet: nobody waits for it.
                        () = stopping.cancelled() => return,
                    };
                    match secured {
                        Ok(Ok(stream)) => connection.serve(stream, Peer::encrypted(peer)).await,
                        Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS was agreed on"),
                        Err(_) => tracing::debug!(%peer, "no TLS was agreed on in time"),
                    }
                }
            }
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    app.stopping.cancel();
    if tokio::time::timeout(FAREWELL, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "cut off at the end of the time limit"
        );
        connections.shutdown().await;
    }
}

/// What a connection is served with.
struct Connection<H, T, S> {
    http: http1::Builder,
    watcher: Watcher,
    gate: Gate<H, T>,
    service: S,
}

impl<H, T, S> Connection<H, T, S>
where
    H: Send + Sync + 'static,
    T: Send + Sync + 'static,
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn serve<IO>(self, stream: IO, peer: Peer)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (gate, service) = (self.gate, self.service);
        let service =
            service_fn(move |request| answer(gate.clone(), service.clone(), request, peer));
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "connection ended");
        }
    }
}

/// Answers a request, and one whose handler panics as well: a connection that ends without an answer tells nobody
/// anything. What handlers share is behind locks that outlive a panic, so the others are none the worse for it.
async fn answer<H, T, S>(
    gate: Gate<H, T>,
    service: S,
    request: Request<Incoming>,
    peer: Peer,
) -> Result<Response, Infallible>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let mut response = answer_as_asked(gate, service, request, peer).await;
    if peer.encrypted {
        // Whoever has come by TLS once is never again led to come without (RFC 6797).
        let year = HeaderValue::from_static("max-age=31536000");
        let headers = response.headers_mut();
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    Ok(response)
}

async fn answer_as_asked<H, T, S>(
    gate: Gate<H, T>,
    service: S,
    mut request: Request<Incoming>,
    peer: Peer,
) -> Response
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let started = Instant::now();
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let path = request.uri().path().to_owned();
    let answering = AssertUnwindSafe(async {
        match gate.admit(&mut request, peer).await {
            Ok(()) => service.call(request).await.map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    });
    let refusal = match answering.catch_unwind().await {
        Ok(Ok(Ok(response))) => return response,
        Ok(Ok(Err(refusal))) => refusal,
        Ok(Err(never)) => match never {},
        Err(panic) => {
            tracing::error!(%method, path, panic = said(panic.as_ref()), "a handler panicked");
            Refusal {
                problem: Problem::Internal,
                template: None,
            }
        }
    };
    let mut response = refusal.problem.into_response();
    if let Some(template) = refusal.template {
        response.extensions_mut().insert(template);
    }
    super::finish(started, method, headers, response)
}

/// What was said at a panic.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
