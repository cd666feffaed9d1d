//! A caller of a running server's API.

use std::{fs, path::PathBuf};

use clap::Args;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    body::Bytes,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    api::{authority, with_port},
    interchange::Lang,
};

/// What shows the server who asks.
#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    /// File with a token for --server; the variable HCNDC_TOKEN if not given
    #[arg(long, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
}

impl CredentialArgs {
    /// The token, if there is one.
    fn token(&self) -> Result<Option<String>, ClientError> {
        let token = match &self.token_file {
            Some(path) => {
                let read = fs::read_to_string(path);
                read.map_err(|source| ClientError::Token {
                    path: path.clone(),
                    source,
                })?
            }
            None => std::env::var("HCNDC_TOKEN").unwrap_or_default(),
        };
        let token = token.trim();
        Ok((!token.is_empty()).then(|| token.to_owned()))
    }
}

/// A server that answers at an address.
pub(super) struct Served {
    authority: String,
    token: Option<String>,
    lang: Lang,
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("{url:?} is not of the form http://host:port")]
    Address { url: String },
    #[error("cannot read the token in {}", path.display())]
    Token {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot reach {authority}")]
    Unreachable {
        authority: String,
        source: std::io::Error,
    },
    #[error("{authority} does not answer as it should")]
    Protocol {
        authority: String,
        source: hyper::Error,
    },
    #[error("cannot ask {authority}")]
    Request {
        authority: String,
        source: hyper::http::Error,
    },
    #[error("{authority} refused: {problem}")]
    Refused {
        authority: String,
        problem: String,
        /// Of the HTTP answer.
        status: u16,
    },
}

impl ClientError {
    /// Whether the server knows who asks, and they may not do it.
    pub(super) const fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }
}

impl Served {
    /// The server at this address; nothing is asked yet.
    pub(super) fn at(
        url: &str,
        credentials: &CredentialArgs,
        lang: Lang,
    ) -> Result<Self, ClientError> {
        let authority =
            authority(url).filter(|rest| !rest.is_empty() && !rest.contains(['/', '@']));
        let Some(authority) = authority else {
            return Err(ClientError::Address { url: url.into() });
        };
        Ok(Self {
            authority: with_port(authority),
            token: credentials.token()?,
            lang,
        })
    }

    /// What the server gives at this path.
    pub(super) async fn get(&self, path: &str) -> Result<String, ClientError> {
        let bytes = self.get_bytes(path).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same, of what is no text.
    pub(super) async fn get_bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        self.ask(Method::GET, path, "application/json", Bytes::new())
            .await
    }

    /// What the server says to this body.
    pub(super) async fn post(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<String, ClientError> {
        let bytes = self.ask(Method::POST, path, media_type, body.into());
        Ok(String::from_utf8_lossy(&bytes.await?).into_owned())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Bytes,
    ) -> Result<Bytes, ClientError> {
        let authority = || self.authority.clone();
        let stream = TcpStream::connect(&self.authority).await;
        let stream = stream.map_err(|source| ClientError::Unreachable {
            authority: authority(),
            source,
        })?;
        let protocol = |source| ClientError::Protocol {
            authority: authority(),
            source,
        };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
                .await
                .map_err(protocol)?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder();
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, media_type)
            .header(
                ACCEPT_LANGUAGE,
                match self.lang {
                    Lang::En => "en",
                    Lang::Zh => "zh-CN",
                },
            )
            .body(Full::new(body))
            .map_err(|source| ClientError::Request {
                authority: authority(),
                source,
            })?;
        let response = sender.send_request(request).await.map_err(protocol)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(protocol)?;
        connection.abort();
        let body = body.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        Err(ClientError::Refused {
            authority: authority(),
            problem: problem(&text).unwrap_or_else(|| status.to_string()),
            status: status.as_u16(),
        })
    }
}

/// What a problem says, with all that is at fault.
fn problem(text: &str) -> Option<String> {
    let problem: Value = serde_json::from_str(text).ok()?;
    let mut said = problem["title"].as_str()?.to_owned();
    if let Some(detail) = problem["detail"].as_str() {
        said = format!("{said}: {detail}");
    }
    for fault in problem["faults"].as_array().into_iter().flatten() {
        let part = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        said = format!("{said}\n  {}: {}", part("field"), part("message"));
        if let Some(remedy) = fault["remedy"].as_str() {
            said = format!("{said}\n    → {remedy}");
        }
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (url, authority) in [
            ("http://127.0.0.1:2333", Some("127.0.0.1:2333")),
            ("http://host/", Some("host:80")),
            ("http://[::1]:9/", Some("[::1]:9")),
            ("https://host", None),
            ("http://", None),
            ("http://u@h:1", None),
            ("http://h:1/api", None),
        ] {
            let credentials = CredentialArgs { token_file: None };
            let served = Served::at(url, &credentials, Lang::En).ok();
            let found = served.as_ref().map(|it| it.authority.as_str());
            assert_eq!(found, authority, "{url}");
        }
    }
}
