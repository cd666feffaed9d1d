//! A caller of a running server's API.

use std::{error::Error as _, path::Path, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde_json::Value;

use super::{Exit, pick, server_args::ConfigError};
use crate::{causes::with_causes, connect::tls, interchange::Lang};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a whole answer may take, where it is not read while it is made: a large import has a minute in line, and more
/// to be read and checked.
const WHOLE: Duration = Duration::from_secs(600);
/// How soon a connection that lies still is looked after, so that a host that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How often a start is asked for again when its answer was lost, and how long is waited before.
const AGAIN: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How often a request is sent again that came too soon after others.
const SLOWER: u32 = 10;
/// The longest wait for that.
const LONGEST_WAIT: u64 = 30;

/// A server that answers at an address.
pub(super) struct Served {
    base: Url,
    client: Client,
    token: Option<HeaderValue>,
    lang: Lang,
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("{url:?} is not of the form http://host:port or https://host:port")]
    Address { url: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the token cannot be sent: it has characters that no token has")]
    Token,
    #[error("cannot speak TLS: {reason}")]
    Tls { reason: String },
    #[error("cannot reach {server}")]
    Unreachable {
        server: String,
        source: reqwest::Error,
    },
    #[error("{server} does not answer as it should")]
    Protocol {
        server: String,
        source: reqwest::Error,
    },
    #[error("the answer of {server} makes no sense; is it an HCNDC server of this version?")]
    Answer {
        server: String,
        source: serde_json::Error,
    },
    #[error("{server} refused: {}", problem.text)]
    Refused { server: String, problem: Refusal },
}

/// What a server says when it does not do something.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Of the HTTP answer.
    pub(super) status: u16,
    /// The problem's code; empty where the answer was none of an HCNDC server.
    pub(super) code: String,
    /// All that it says, in the caller's language.
    pub(super) text: String,
}

impl ClientError {
    /// Whether the server knows who asks, and they may not do it.
    pub(super) const fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                problem: Refusal { status: 403, .. },
                ..
            }
        )
    }

    /// The problem, if the server told one of this code.
    pub(super) fn problem(&self, code: &str) -> Option<&Refusal> {
        match self {
            Self::Refused { problem, .. } if problem.code == code => Some(problem),
            _ => None,
        }
    }

    /// Whether the answer was lost, or nobody was there to give one: another try may do.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Protocol { .. } => true,
            Self::Refused { problem, .. } => {
                matches!(problem.status, 502..=504) && problem.code != "log_unavailable"
            }
            _ => false,
        }
    }

    /// How a command ends that meets it: wrong input is told from what may go well another time.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Address { .. } | Self::Config(_) | Self::Token => Exit::Wrong,
            Self::Refused { problem, .. } => match problem.status {
                400 | 404 | 405 | 413 | 415 | 422 => Exit::Wrong,
                _ => Exit::Failed,
            },
            Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::Protocol { .. }
            | Self::Answer { .. } => Exit::Failed,
        }
    }

    /// It in a sentence, with what to do about it.
    pub(super) fn message(&self, lang: Lang) -> String {
        let causes = |source: &reqwest::Error| {
            // The address is told already.
            source
                .source()
                .map_or_else(|| source.to_string(), with_causes)
        };
        match (self, lang) {
            (Self::Config(error), _) => error.message(lang),
            (Self::Refused { problem, .. }, _) => {
                let remedy = match problem.status {
                    401 => pick(
                        lang,
                        "\n  → give a token by HCNDC_TOKEN, --token-file or the settings file; `hcndc token create NAME` on the server's host makes one",
                        "\n  → 用 HCNDC_TOKEN、--token-file 或设置文件给出令牌；在服务所在主机上用 `hcndc token create 名称` 创建",
                    ),
                    _ => "",
                };
                format!("{}{remedy}", problem.text)
            }
            (Self::Unreachable { server, source }, Lang::En) => format!(
                "cannot reach {server}: {}\n  → is it running, and is this its address? --server URL or HCNDC_SERVER names another",
                causes(source)
            ),
            (Self::Unreachable { server, source }, Lang::Zh) => format!(
                "无法连接 {server}：{}\n  → 服务是否在运行，地址是否正确？可用 --server URL 或 HCNDC_SERVER 指定其他地址",
                causes(source)
            ),
            (Self::Address { url }, Lang::Zh) => {
                format!("{url:?} 不是 http://主机:端口 或 https://主机:端口 的形式")
            }
            (Self::Token, Lang::Zh) => "令牌含有不可能出现的字符，无法发送".to_owned(),
            (Self::Tls { reason }, Lang::Zh) => format!("无法使用 TLS：{reason}"),
            (Self::Protocol { server, source }, Lang::Zh) => {
                format!("{server} 的应答不正常：{}", causes(source))
            }
            (Self::Protocol { server, source }, Lang::En) => {
                format!("{server} does not answer as it should: {}", causes(source))
            }
            (Self::Answer { server, source }, Lang::Zh) => {
                format!("无法理解 {server} 的应答（是否为同一版本的 HCNDC 服务？）：{source}")
            }
            (
                Self::Address { .. } | Self::Token | Self::Tls { .. } | Self::Answer { .. },
                Lang::En,
            ) => with_causes(self),
        }
    }
}

impl Served {
    /// The server at this address, by a certificate that this host or the authority in the file vouches for; nothing is asked
    /// yet.
    pub(super) fn at(
        url: &str,
        token: Option<&str>,
        authority: Option<&Path>,
        lang: Lang,
    ) -> Result<Self, ClientError> {
        let base = address(url).ok_or_else(|| ClientError::Address { url: url.into() })?;
        let token = token.map(|token| {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            value.map(|mut value| {
                value.set_sensitive(true);
                value
            })
        });
        let token = token.transpose().map_err(|_| ClientError::Token)?;
        let refused = |reason: String| ClientError::Tls { reason };
        let authority = authority.map(Path::to_string_lossy);
        let config = tls::client_config(authority.as_deref());
        let config = config.map_err(|error| refused(error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .connect_timeout(CONNECT)
            .tcp_keepalive(KEEP_ALIVE)
            // A token goes to the server that was named, and to no other.
            .redirect(Policy::none())
            .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")));
        let client = match is_loopback(&base) {
            true => client.no_proxy(),
            false => client,
        };
        Ok(Self {
            base,
            client: client
                .build()
                .map_err(|error| refused(with_causes(&error)))?,
            token,
            lang,
        })
    }

    /// What the server gives at this path.
    pub(super) async fn get(&self, path: &str) -> Result<String, ClientError> {
        let bytes = self.get_bytes(path).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same, of what is no text.
    pub(super) async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        self.whole(self.request(Method::GET, path)).await
    }

    /// The same, of what is JSON.
    pub(super) async fn json(&self, path: &str) -> Result<Value, ClientError> {
        let bytes = self.get_bytes(path).await?;
        self.parsed(&bytes)
    }

    /// What the server says to this body.
    pub(super) async fn post(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<String, ClientError> {
        let request = self.request(Method::POST, path);
        let request = request.header(CONTENT_TYPE, media_type).body(body.into());
        let bytes = self.whole(request).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What the server says to a request with JSON; nothing is null.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        self.send_once(method, path, body, None).await
    }

    /// Starts something. When the answer is lost it is asked for again, under the same key, so that nothing starts twice.
    pub(super) async fn start(
        &self,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Result<Value, ClientError> {
        for pause in AGAIN {
            match self.send_once(Method::POST, path, body, Some(key)).await {
                Err(error) if error.is_passing() && !error.is_refused_connection() => {
                    tokio::time::sleep(pause).await;
                }
                other => return other,
            }
        }
        self.send_once(Method::POST, path, body, Some(key)).await
    }

    async fn send_once(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Value, ClientError> {
        let mut request = self.request(method, path);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if !body.is_null() {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let bytes = self.whole(request).await?;
        match bytes.is_empty() {
            true => Ok(Value::Null),
            false => self.parsed(&bytes),
        }
    }

    /// An answer that is read while it is made; `last_event` is the event after which it is to begin.
    pub(super) async fn open(
        &self,
        path: &str,
        last_event: Option<&str>,
    ) -> Result<Response, ClientError> {
        let mut request = self.request(Method::GET, path);
        if let Some(id) = last_event {
            request = request.header("Last-Event-ID", id);
        }
        let response = self.sent(request).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refused(response).await),
        }
    }

    /// Why an answer broke off.
    pub(super) fn lost(&self, error: reqwest::Error) -> ClientError {
        let server = self.name();
        let source = error.without_url();
        match source.is_connect() || source.is_timeout() {
            true => ClientError::Unreachable { server, source },
            false => ClientError::Protocol { server, source },
        }
    }

    /// What an answer of this server says.
    pub(super) fn read<T: serde::de::DeserializeOwned>(
        &self,
        text: &str,
    ) -> Result<T, ClientError> {
        serde_json::from_str(text).map_err(|source| self.senseless(source))
    }

    fn parsed(&self, bytes: &[u8]) -> Result<Value, ClientError> {
        serde_json::from_slice(bytes).map_err(|source| self.senseless(source))
    }

    fn senseless(&self, source: serde_json::Error) -> ClientError {
        ClientError::Answer {
            server: self.name(),
            source,
        }
    }

    /// As it is named to people.
    pub(super) fn name(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.name());
        let request = self.client.request(method, url).header(
            ACCEPT_LANGUAGE,
            match self.lang {
                Lang::En => "en",
                Lang::Zh => "zh-CN",
            },
        );
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, token.clone()),
            None => request,
        }
    }

    /// Sends a request, and sends it again when the server wants to be asked more slowly: then it has done nothing.
    async fn sent(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let mut waits = 0;
        loop {
            let now = request.try_clone();
            let (now, again) = match now {
                Some(now) => (now, waits < SLOWER),
                // None of our bodies is a stream.
                None => return request.send().await.map_err(|error| self.lost(error)),
            };
            let response = now.send().await.map_err(|error| self.lost(error))?;
            let wait = match response.status() {
                StatusCode::TOO_MANY_REQUESTS if again => wait(&response),
                _ => None,
            };
            let Some(wait) = wait else {
                return Ok(response);
            };
            waits += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn whole(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = self.sent(request.timeout(WHOLE)).await?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let bytes = response.bytes().await.map_err(|error| self.lost(error))?;
        Ok(bytes.into())
    }

    async fn refused(&self, response: Response) -> ClientError {
        let status = response.status();
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return self.lost(error),
        };
        ClientError::Refused {
            server: self.name(),
            problem: Refusal::of(status, &body),
        }
    }
}

impl ClientError {
    /// Whether nobody listens there: that is no answer that was lost.
    fn is_refused_connection(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if source.is_connect())
    }
}

impl Refusal {
    /// What a problem says, with all that is at fault.
    fn of(status: StatusCode, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = told(&json).unwrap_or_else(|| status.to_string());
        Self {
            status: status.as_u16(),
            code: json["code"].as_str().unwrap_or_default().to_owned(),
            text,
        }
    }
}

fn told(problem: &Value) -> Option<String> {
    let mut said = problem["title"].as_str()?.to_owned();
    let detail = problem["detail"].as_str().unwrap_or_default();
    if !detail.is_empty() {
        said = format!("{said}: {detail}");
    }
    for fault in problem["faults"].as_array().into_iter().flatten() {
        let part = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        let mut place = part("field");
        if let (Some(line), Some(column)) = (fault["line"].as_u64(), fault["column"].as_u64()) {
            place = format!("{line}:{column}: {place}");
        }
        let message = part("message");
        let line = match place.is_empty() {
            true => message,
            false => format!("{place}: {message}"),
        };
        // What is the only fault is told whole already.
        if line != detail {
            said = format!("{said}\n  {line}");
        }
        if let Some(remedy) = fault["remedy"].as_str() {
            said = format!("{said}\n    → {remedy}");
        }
    }
    Some(said)
}

/// How long a server wants to be left alone, if it is not too long.
fn wait(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    (seconds <= LONGEST_WAIT).then(|| Duration::from_secs(seconds))
}

/// An address of a server, without a path.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let whole = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    whole.then_some(url)
}

/// Whether two addresses are of one server.
pub(super) fn same_server(one: &str, other: &str) -> bool {
    match (address(one), address(other)) {
        (Some(one), Some(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Whether it is on this host: no proxy leads there.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for (text, expected) in [
            ("http://127.0.0.1:2333", Some("http://127.0.0.1:2333")),
            ("http://host/", Some("http://host")),
            ("http://[::1]:9/", Some("http://[::1]:9")),
            ("https://host", Some("https://host")),
            ("http://", None),
            ("host:2333", None),
            ("ftp://host", None),
            ("http://u@h:1", None),
            ("http://h:1/api", None),
            ("http://h:1/?a=b", None),
        ] {
            let found = address(text).map(|url| url.as_str().trim_end_matches('/').to_owned());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(same_server("http://host:80/", "http://host"));
        assert!(!same_server("http://host", "https://host"));
    }

    #[test]
    fn a_problem_is_told_with_places_and_remedies() {
        let body = br#"{"title": "Wrong", "code": "bad_mesh", "detail": "1 fault", "faults": [
            {"field": "flows[0]", "line": 3, "column": 5, "message": "no name", "remedy": "give one"}]}"#;
        let refusal = Refusal::of(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(refusal.code, "bad_mesh");
        assert_eq!(
            refusal.text,
            "Wrong: 1 fault\n  3:5: flows[0]: no name\n    → give one"
        );
        let other = Refusal::of(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!((other.status, &*other.text), (502, "502 Bad Gateway"));
    }
}
