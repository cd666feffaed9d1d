//! Bodies that are made while they are read.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    Reply as _,
    http::{HeaderValue, header},
    reply::Response,
};

/// The end of a body that its maker holds. It waits for the reader: at most one chunk is in between.
pub(super) type Writer = mpsc::Sender<Result<Bytes, BrokenOff>>;

/// The body cannot go on: the connection is cut, so that the reader knows that something is missing.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub(super) struct BrokenOff;

/// A response whose body is what the writer is given.
pub(super) fn streamed(content_type: &'static str) -> (Writer, Response) {
    let (writer, reader) = mpsc::channel(1);
    let mut response = warp::reply::stream(ReceiverStream::new(reader)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Proxies that gather would hold back what is live.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    (writer, response)
}
