//! The server: connections in, answers out, and an end in good time.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    net::IpAddr,
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
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use warp::{Reply as _, reply::Response};

use super::{
    gate::{Gate, Refusal},
    problem::Problem,
};
use crate::app::App;

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// How long a request's head may take to come in.
const HEAD: Duration = Duration::from_secs(30);
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
        let (gate, service) = (gate.clone(), service.clone());
        let service =
            service_fn(move |request| answer(gate.clone(), service.clone(), request, peer));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
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

/// Answers a request, and one whose handler panics as well: a connection that ends without an answer tells nobody
/// anything. What handlers share is behind locks that outlive a panic, so the others are none the worse for it.
async fn answer<H, T, S>(
    gate: Gate<H, T>,
    service: S,
    mut request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Response, Infallible>
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
        Ok(Ok(Ok(response))) => return Ok(response),
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
    Ok(super::finish(started, method, headers, response))
}

/// What was said at a panic.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
