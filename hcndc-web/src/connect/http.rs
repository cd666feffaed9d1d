//! One HTTP client for all connectors that speak it.
//!
//! Addresses of webhooks hold keys, so no address is ever part of an error.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};

use super::tls;
use crate::causes::with_causes;

/// How long a whole request may take, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
pub const MOST: usize = 64 << 10;

/// A client. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Result<Client, Arc<str>>,
    within: Duration,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where to.
    pub url: &'a str,
    /// With what.
    pub headers: Vec<(String, String)>,
    /// The media type of its body.
    pub content_type: &'a str,
    /// Its body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Its body, as far as it is read and as text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// It cannot be sent at all.
    #[error("{reason}")]
    Bad {
        /// Why not.
        reason: String,
    },
    /// Nobody answered, or not to the end.
    #[error("{reason}")]
    NoAnswer {
        /// Why not.
        reason: String,
    },
}

impl Http {
    /// A client that trusts the certificates that this host trusts.
    #[must_use]
    pub fn new() -> Self {
        Self::trusting(None)
    }

    /// A client that trusts the authorities in this PEM file, too. If that cannot be read, each request says so.
    #[must_use]
    pub fn trusting(authorities: Option<&str>) -> Self {
        Self::connecting(authorities, CONNECT)
    }

    /// As [`trusting`](Self::trusting), with another limit to how long a connection may take to be made.
    #[must_use]
    pub fn connecting(authorities: Option<&str>, within: Duration) -> Self {
        Self {
            client: client(authorities, within).map_err(Arc::from),
            within: TIMEOUT,
        }
    }

    /// The same client, where a whole request may take so long unless something else is said.
    #[must_use]
    pub fn limited(&self, within: Duration) -> Self {
        Self {
            within,
            ..self.clone()
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, HttpError> {
        self.send_within(request, self.within).await
    }

    /// As [`send`](Self::send), with another limit to how long all of it may take.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn send_within(
        &self,
        request: Request<'_>,
        within: Duration,
    ) -> Result<Answer, HttpError> {
        let bad = |reason: String| HttpError::Bad { reason };
        let client = self.client.as_ref().map_err(|why| bad(why.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(
            reqwest::header::CONTENT_TYPE,
            HeaderValue::from_str(request.content_type)
                .map_err(|_| bad("the media type is none that a header can hold".to_owned()))?,
        );
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| bad(format!("{name} cannot be the name of a header")))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| bad(format!("header {name} cannot hold its value")))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let sending = client
            .request(request.method, request.url)
            .headers(headers)
            .timeout(within)
            .body(request.body);
        answer(sending).await
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

fn client(authorities: Option<&str>, connect: Duration) -> Result<Client, String> {
    let config = tls::client_config(authorities).map_err(|error| error.to_string())?;
    Client::builder()
        .tls_backend_preconfigured(config)
        .connect_timeout(connect)
        // A webhook that moves is to be looked at by people; following it could take a signed message anywhere.
        .redirect(Policy::none())
        .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| with_causes(&error.without_url()))
}

async fn answer(sending: RequestBuilder) -> Result<Answer, HttpError> {
    let refine = |error: reqwest::Error| {
        let builder = error.is_builder();
        let reason = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            with_causes(&error.without_url())
        };
        match builder {
            true => HttpError::Bad { reason },
            false => HttpError::NoAnswer { reason },
        }
    };
    let mut response = sending.send().await.map_err(refine)?;
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while body.len() < MOST {
        match response.chunk().await.map_err(refine)? {
            Some(chunk) => body.extend_from_slice(&chunk[..chunk.len().min(MOST - body.len())]),
            None => break,
        }
    }
    Ok(Answer {
        status: status.as_u16(),
        headers,
        retry_after,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

impl Answer {
    /// Whether the server says that all is well.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        200 <= self.status && self.status < 300
    }

    /// What a header says; nothing if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// Whether the same request may do later: the server is overloaded, or broken.
    #[must_use]
    pub const fn may_do_later(&self) -> bool {
        self.status == 408 || self.status == 425 || self.status == 429 || self.status >= 500
    }

    /// Status and body, in a line.
    #[must_use]
    pub fn line(&self) -> String {
        let status = StatusCode::from_u16(self.status);
        let reason = status.ok().and_then(|status| status.canonical_reason());
        let head = format!("{} {}", self.status, reason.unwrap_or_default());
        let body: Vec<&str> = self.body.split_whitespace().collect();
        let body: String = body.join(" ").chars().take(300).collect();
        match body.is_empty() {
            true => head.trim_end().to_owned(),
            false => format!("{}: {body}", head.trim_end()),
        }
    }
}
