//! Requests that only the server that leads can answer, passed on to it by those that do not.
//!
//! What comes is checked here as any request is; what goes on is for the leader's own address, says who passed it on,
//! and is never passed on twice. Bodies go through as they come, in both directions.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use futures_util::{Stream, TryStreamExt as _};
use hcndc_core::port::{History, Transport};
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    Filter as _, Reply as _,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header},
    reject,
    reply::Response,
};

use super::{
    caller::Visitor,
    ports::COMMAND,
    problem::Problem,
    route::{AnsweredBy, Template, fits, visitor},
    stream::BrokenOff,
};
use crate::{app::App, lead::Lead, peers::Peers};

/// Who passed a request on: the instance of a server.
pub(super) const PASSED_ON_BY: HeaderName = HeaderName::from_static("hcndc-passed-on-by");

/// Whose request it is that was passed on: an address. Whoever sends it may say what they like, so it is told together with
/// the address that it came from.
pub(super) const PASSED_ON_FOR: HeaderName = HeaderName::from_static("hcndc-passed-on-for");

/// How long it may take to connect to another server.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the head of an answer may take: longer than what it waits for there.
const HEAD: Duration = COMMAND.saturating_add(Duration::from_secs(5));

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Takes the requests for these routes while another server leads, and has it answer.
pub(super) fn forwards<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
    routes: Vec<(Method, &'static str, AnsweredBy)>,
) -> BoxedFilter<(Response,)> {
    let Some(peers) = app.peers.clone() else {
        return warp::any()
            .and_then(async || Err(reject::not_found()))
            .boxed();
    };
    let asks = Arc::clone(&peers);
    warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and_then(
            move |method: Method, path: warp::path::FullPath, headers: HeaderMap| {
                let wanted = match method {
                    Method::HEAD => Method::GET,
                    method => method,
                };
                let fitting = |it: &&(Method, &'static str, AnsweredBy)| {
                    it.0 == wanted && fits(it.1, path.as_str()).is_some()
                };
                let elsewhere = routes
                    .iter()
                    .filter(|_| !asks.leading().is_here())
                    .find(fitting)
                    .filter(|it| match it.2 {
                        AnsweredBy::Any => false,
                        AnsweredBy::Leader => true,
                        // Whoever passed it on looks for one who can answer, and so does who knows of no leader.
                        AnsweredBy::LeaderOrHere => {
                            let leader = asks.leader().and_then(|(_, url)| url);
                            leader.is_some() && !headers.contains_key(PASSED_ON_BY)
                        }
                    });
                let template = elsewhere.map(|it| it.1);
                std::future::ready(template.ok_or_else(reject::not_found))
            },
        )
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(visitor())
        .and(warp::body::stream())
        .then(
            move |template,
                  method,
                  path: warp::path::FullPath,
                  query: String,
                  mut headers: HeaderMap,
                  visitor: Visitor,
                  body| {
                let peers = Arc::clone(&peers);
                let mut target = path.as_str().to_owned();
                if !query.is_empty() {
                    target.push('?');
                    target.push_str(&query);
                }
                if let Ok(address) = HeaderValue::from_str(&visitor.address) {
                    headers.insert(PASSED_ON_FOR, address);
                }
                async move {
                    let passed = pass_on(&peers, method, target, &headers, body).await;
                    let mut response = passed.unwrap_or_else(Problem::into_response);
                    response.extensions_mut().insert(Template(template));
                    response
                }
            },
        )
        .boxed()
}

async fn pass_on<B: Buf + 'static>(
    peers: &Arc<Peers>,
    method: Method,
    target: String,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let leader = peers.leader();
    let (Some((instance, Some(url))), None) = (leader, headers.get(PASSED_ON_BY)) else {
        return Err(Problem::NoLeader);
    };
    let changes = method != Method::GET && method != Method::HEAD;
    let has_body = headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING);
    let body = match has_body {
        true => {
            let pieces = body
                .map_ok(|mut piece| Frame::data(piece.copy_to_bytes(piece.remaining())))
                .map_err(io::Error::other);
            UnsyncBoxBody::new(StreamBody::new(pieces))
        }
        false => empty(),
    };
    let request = request(&url, peers, method, &target, Some(headers), body)?;
    let mut connection = connect(peers, &url).await.map_err(|error| {
        tracing::warn!(%error, url, "the server that leads is out of reach");
        Problem::NoLeader
    })?;
    let lost = if changes {
        Problem::OutcomeUnknown
    } else {
        Problem::NoLeader
    };
    let still = |lead: &Lead| matches!(lead, Lead::There { instance: now, .. } if *now == instance);
    let answer = tokio::select! {
        answer = tokio::time::timeout(HEAD, connection.send_request(request)) => answer,
        // A leader that hangs is waited for no longer than it leads.
        () = peers.leading().until(|lead| !still(lead)) => return Err(lost),
    };
    match answer {
        Ok(Ok(answer)) => Ok(streaming(Arc::clone(peers), instance, answer)),
        Ok(Err(error)) => {
            tracing::warn!(%error, url, "the server that leads did not answer");
            Err(lost)
        }
        Err(_) => Err(lost),
    }
}

/// The leader's answer, until it ends, or its sender leads no more: then it is cut off, for a leader that hangs would keep
/// its reader from coming back.
fn streaming(
    peers: Arc<Peers>,
    instance: String,
    answer: warp::http::Response<Incoming>,
) -> Response {
    told_until(answer, async move {
        let gone =
            |lead: &Lead| !matches!(lead, Lead::There { instance: now, .. } if *now == instance);
        peers.leading().until(gone).await;
    })
}

/// Another server's answer as ours.
pub(super) fn told_by_other(answer: warp::http::Response<Incoming>) -> Response {
    told_until(answer, std::future::pending())
}

fn told_until(
    answer: warp::http::Response<Incoming>,
    cut: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let (head, mut body) = answer.into_parts();
    let (writer, reader) = mpsc::channel::<Result<Bytes, BrokenOff>>(1);
    tokio::spawn(async move {
        let mut cut = pin!(cut);
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = writer.closed() => return,
                () = &mut cut => {
                    // Its reader may have gone, too.
                    let _ = writer.send(Err(BrokenOff)).await;
                    return;
                }
            };
            let piece = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Ok(data),
                    Err(_) => continue,
                },
                Some(Err(_)) => Err(BrokenOff),
                None => return,
            };
            let broken = piece.is_err();
            if writer.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    let mut response = warp::reply::stream(ReceiverStream::new(reader)).into_response();
    *response.status_mut() = head.status;
    *response.headers_mut() = end_to_end(&head.headers);
    response
}

/// A request to another server, in this one's name.
fn request(
    url: &str,
    peers: &Peers,
    method: Method,
    target: &str,
    headers: Option<&HeaderMap>,
    body: Body,
) -> Result<Request<Body>, Problem> {
    let unusable = |_| Problem::NoLeader;
    let uri: Uri = target.parse().map_err(|_| Problem::UnknownRoute)?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let theirs = request.headers_mut();
    if let Some(headers) = headers {
        *theirs = end_to_end(headers);
        // It is checked here whose page asks; there it would be another's.
        for name in [header::ORIGIN, header::REFERER, header::EXPECT] {
            theirs.remove(name);
        }
        theirs.remove("sec-fetch-site");
    }
    let host = authority(url).map(|(_, authority)| authority);
    let host = HeaderValue::from_str(host.unwrap_or_default());
    theirs.insert(header::HOST, host.map_err(|_| Problem::NoLeader)?);
    let instance = HeaderValue::from_str(&peers.entry().instance);
    theirs.insert(PASSED_ON_BY, instance.map_err(unusable)?);
    Ok(request)
}

/// Asks another server, briefly and once, with the headers of whoever wants to know; `None` if it does not answer well.
pub(super) async fn ask(
    peers: &Peers,
    url: &str,
    target: &str,
    headers: Option<&HeaderMap>,
    patience: Duration,
) -> Option<warp::http::Response<Incoming>> {
    let request = request(url, peers, Method::GET, target, headers, empty()).ok()?;
    let asking = async {
        let mut connection = connect(peers, url).await?;
        let answer = connection.send_request(request).await;
        answer.map_err(io::Error::other)
    };
    let answer = tokio::time::timeout(patience, asking).await;
    let answer = answer.ok()?.ok()?;
    answer.status().is_success().then_some(answer)
}

fn empty() -> Body {
    UnsyncBoxBody::new(http_body_util::Empty::new().map_err(|never| match never {}))
}

/// A fresh connection: what cannot be connected was certainly not sent.
async fn connect(peers: &Peers, url: &str) -> io::Result<http1::SendRequest<Body>> {
    let (scheme, address) = authority(url).ok_or(io::ErrorKind::InvalidInput)?;
    let connecting = async {
        let stream = TcpStream::connect(with_port(scheme, address)).await?;
        // Events are small and should not wait for each other; without it they are only slower.
        let _ = stream.set_nodelay(true);
        match scheme {
            Scheme::Http => spoken(stream).await,
            Scheme::Https => {
                let config = peers.tls().ok_or(io::ErrorKind::Unsupported)?;
                let name = ServerName::try_from(host(address).to_owned());
                let name = name.map_err(io::Error::other)?;
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                spoken(connector.connect(name, stream).await?).await
            }
        }
    };
    let connected = tokio::time::timeout(CONNECT, connecting).await;
    connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn spoken<IO>(stream: IO) -> io::Result<http1::SendRequest<Body>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to another server ended");
        }
    });
    Ok(sender)
}

/// How another server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// In clear.
    Http,
    /// By TLS.
    Https,
}

/// How, and the host with the port if it is named, of an address `http://host:port` or `https://host:port`.
pub(crate) fn authority(url: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (Scheme::Http, rest),
        (None, Some(rest)) => (Scheme::Https, rest),
        (None, None) => return None,
    };
    Some((scheme, rest.strip_suffix('/').unwrap_or(rest)))
}

/// The same with the port that goes without saying.
fn with_port(scheme: Scheme, authority: &str) -> String {
    let usual = match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let parsed = authority.parse::<warp::http::uri::Authority>();
    match parsed {
        Ok(parsed) if parsed.port().is_none() => format!("{authority}:{usual}"),
        Ok(_) | Err(_) => authority.to_owned(),
    }
}

/// The name or address that a certificate must be of.
fn host(authority: &str) -> &str {
    let bare = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    bare.trim_start_matches('[').trim_end_matches(']')
}

/// Headers without those that are about one connection only (RFC 9110, 7.6.1).
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    let named = headers.get_all(header::CONNECTION).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|value| value.split(',')) {
        if let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes()) {
            kept.remove(name);
        }
    }
    for name in [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        kept.remove(name);
    }
    kept.remove("keep-alive");
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_one_connection_stays_with_it() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Private"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-private", "1"),
            ("accept-language", "zh"),
            ("idempotency-key", "k"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let kept = end_to_end(&headers);
        let names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        assert_eq!(names.len(), 2);
        assert_eq!(kept["accept-language"], "zh");
        assert_eq!(kept["idempotency-key"], "k");
    }

    #[test]
    fn addresses_of_servers_are_plain() {
        let plain = |authority| Some((Scheme::Http, authority));
        assert_eq!(authority("http://10.0.0.5:2333"), plain("10.0.0.5:2333"));
        let named = "etl.example.com";
        assert_eq!(authority("http://etl.example.com/"), plain(named));
        let secured = authority("https://etl.example.com");
        assert_eq!(secured, Some((Scheme::Https, named)));
        assert_eq!(authority("ftp://etl.example.com"), None);
        assert_eq!(with_port(Scheme::Http, named), "etl.example.com:80");
        assert_eq!(with_port(Scheme::Https, named), "etl.example.com:443");
        assert_eq!(with_port(Scheme::Https, "[::1]:2333"), "[::1]:2333");
        for (authority, expected) in [
            ("etl.example.com", named),
            ("etl.example.com:2333", named),
            ("[::1]:2333", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(host(authority), expected);
        }
    }
}
