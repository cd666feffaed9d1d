//! OpenTelemetry's protocol over HTTP (OTLP 1.x, binary): each line is a log record, with what said it as attributes.

use async_trait::async_trait;
use hcndc_core::port::Stream;
use hcndc_exec::transport::{LogLine, LogOrigin, LogSink, SinkError};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::KeyValue,
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
};
use prost::Message as _;
use reqwest::{Method, Url};

use super::{folder_name, stream_name};
use crate::connect::{
    http::{Http, Request},
    otlp::{MEDIA_TYPE, address, attribute, number, parse_headers, resource, scope, text},
};

/// Below the address of a collector, for logs.
const PATH: &str = "v1/logs";

/// A collector that takes OTLP.
#[derive(Debug)]
pub struct Otlp {
    name: String,
    url: String,
    http: Http,
    headers: Vec<(String, String)>,
}

impl Otlp {
    /// The collector at an address. An address without a path means the path that all collectors have.
    ///
    /// # Errors
    /// What is wrong with it, or with the headers.
    pub fn new(url: &Url, http: Http, headers: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            name: folder_name(url),
            url: address(url, PATH),
            http,
            headers: headers.map(parse_headers).transpose()?.unwrap_or_default(),
        })
    }
}

fn attributes(origin: &LogOrigin, stream: Stream) -> Vec<KeyValue> {
    vec![
        attribute("log.iostream", text(stream_name(stream))),
        attribute("hcndc.flow", text(&*origin.flow)),
        attribute("hcndc.job", text(&*origin.job)),
        attribute("hcndc.data_date", text(origin.data_date.to_string())),
        attribute("hcndc.execution", number(origin.execution.0)),
        attribute("hcndc.job_run", number(origin.job_run.0)),
        attribute("hcndc.attempt", number(origin.attempt.0)),
        attribute("hcndc.attempt_number", number(origin.number.into())),
        attribute("hcndc.executor", number(origin.executor.0)),
    ]
}

fn record(line: &LogLine) -> LogRecord {
    let at = u64::try_from(line.at.as_micros()).unwrap_or_default() * 1_000;
    // What a job writes to its standard error is no error; only its own words could tell.
    let severity = SeverityNumber::Info;
    LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at,
        severity_number: severity.into(),
        body: text(&*line.text),
        attributes: attributes(&line.origin, line.stream),
        ..LogRecord::default()
    }
}

fn request(lines: &[LogLine]) -> ExportLogsServiceRequest {
    let logs = ScopeLogs {
        scope: Some(scope("hcndc.job")),
        log_records: lines.iter().map(record).collect(),
        ..ScopeLogs::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![logs],
            ..ResourceLogs::default()
        }],
    }
}

#[async_trait]
impl LogSink for Otlp {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, lines: &[LogLine]) -> Result<(), SinkError> {
        let sent = self.http.send(Request {
            method: Method::POST,
            url: &self.url,
            headers: self.headers.clone(),
            content_type: MEDIA_TYPE,
            body: request(lines).encode_to_vec(),
        });
        match sent.await {
            Ok(answer) if answer.is_ok() => Ok(()),
            Ok(answer) => Err(SinkError {
                // A key that is wrong is put right by somebody: what is due until then is not lost.
                may_do_later: answer.may_do_later() || matches!(answer.status, 401 | 403),
                reason: answer.line(),
            }),
            Err(error) => Err(SinkError {
                may_do_later: true,
                reason: error.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn otlp(url: &str) -> Otlp {
        let url = Url::parse(url).expect("an address");
        Otlp::new(&url, Http::new(), Some("api-key=a%2Cb, x = y")).expect("a sink")
    }

    #[test]
    fn an_address_without_a_path_means_the_usual_one() {
        let usual = otlp("otlp+http://collector:4318");
        assert_eq!(usual.url, "http://collector:4318/v1/logs");
        assert_eq!(usual.name, "otlp_http-collector-4318");
        let other = otlp("otlp+https://logs.example.com/in/otlp/v1/logs");
        assert_eq!(other.url, "https://logs.example.com/in/otlp/v1/logs");
        let headers = [("api-key", "a,b"), ("x", "y")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(usual.headers, headers);
    }
}
