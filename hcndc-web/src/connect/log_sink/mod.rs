//! Where logs are said again: collectors that speak fluentd's forward protocol, and those that take OpenTelemetry.
//!
//! | address | is |
//! | --- | --- |
//! | `fluentd://host:24224?tag=hcndc` | the forward protocol, with acknowledgements: fluentd, Fluent Bit, Vector, … |
//! | `fluentds://…?ca_file=/etc/ca.pem` | the same over TLS |
//! | `otlp+http://host:4318`, `otlp+https://…` | OTLP over HTTP: an OpenTelemetry collector, and most that store logs |

pub mod fluentd;
pub mod otlp;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use hcndc_core::{
    id::AttemptId,
    port::{History, Stream},
};
use hcndc_exec::transport::{LogOrigin, LogSink, Origins};
use reqwest::Url;

use self::{fluentd::Fluentd, otlp::Otlp};
use crate::{causes::with_causes, connect::http::Http};

/// Why logs cannot be forwarded there.
#[derive(Debug, thiserror::Error)]
#[error(
    "--forward-logs {url}: {reason}; give fluentd://HOST:24224?tag=TAG, fluentds://…?ca_file=FILE, otlp+http://HOST:4318 or otlp+https://…"
)]
pub struct LogSinkError {
    url: String,
    reason: String,
}

/// The sink at an address. Nobody is asked yet. `headers` are for OTLP: `name=value,name=value`, as
/// `OTEL_EXPORTER_OTLP_HEADERS` has them.
///
/// # Errors
/// [`LogSinkError`].
pub fn open(
    url: &str,
    http: &Http,
    headers: Option<&str>,
) -> Result<Arc<dyn LogSink>, LogSinkError> {
    let wrong = |reason: String| LogSinkError {
        url: url.to_owned(),
        reason,
    };
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host".to_owned()));
    }
    Ok(match parsed.scheme() {
        "fluentd" | "fluentds" => Arc::new(Fluentd::new(&parsed).map_err(wrong)?),
        "otlp+http" | "otlp+https" => {
            Arc::new(Otlp::new(&parsed, http.clone(), headers).map_err(wrong)?)
        }
        other => return Err(wrong(format!("{other} is no way to forward logs"))),
    })
}

/// A name for the folder of what waits: the same for the same address.
fn folder_name(url: &Url) -> String {
    let port = url.port().map(|port| format!("-{port}"));
    let host = url.host_str().unwrap_or_default();
    let name = format!("{}-{host}{}", url.scheme(), port.unwrap_or_default());
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

/// What a stream is called.
fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Executor => "executor",
    }
}

/// Knows attempts by the history.
pub struct Known<H>(pub H);

impl<H> fmt::Debug for Known<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}

#[async_trait]
impl<H: History + 'static> Origins for Known<H> {
    async fn origin(&self, attempt: AttemptId) -> Result<Option<LogOrigin>, String> {
        let told = |error: H::Error| with_causes(&error);
        let Some(row) = self.0.attempt(attempt).await.map_err(told)? else {
            return Ok(None);
        };
        let run = self.0.job_run(row.job_run).await.map_err(told)?;
        let execution = self.0.execution(row.execution).await.map_err(told)?;
        Ok(run.zip(execution).map(|(run, execution)| LogOrigin {
            attempt,
            number: row.number,
            job_run: row.job_run,
            execution: row.execution,
            flow: run.flow_name,
            job: run.job_name,
            data_date: execution.row.data_date,
            executor: row.executor,
        }))
    }
}
