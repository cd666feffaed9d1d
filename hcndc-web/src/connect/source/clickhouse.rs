//! ClickHouse, by its HTTP interface.

use std::time::Duration;

use hcndc_core::{engine::ResolveErrorKind, model::DataSource};

use super::{AskError, GRACE};
use crate::connect::{
    http::{Http, HttpError, MOST, Request},
    settings,
};

/// What is needed to ask.
pub(super) struct Client {
    http: Http,
    url: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// For this data source. Nothing is sent yet.
    pub(super) fn new(source: &DataSource, http: &Http) -> Self {
        let (scheme, usual) = match settings::text(&source.options, "tls") {
            Some("verify_full") => ("https", 8_443),
            _ => ("http", 8_123),
        };
        let port = source.port.unwrap_or(usual);
        let given = [
            ("X-ClickHouse-User", source.user.as_str()),
            ("X-ClickHouse-Key", source.password.reveal()),
            ("X-ClickHouse-Database", &source.database),
        ];
        let given = given.into_iter().filter(|(_, value)| !value.is_empty());
        let host = match source.host.contains(':') {
            true => format!("[{}]", source.host),
            false => source.host.clone(),
        };
        Self {
            http: http.clone(),
            url: format!("{scheme}://{host}:{port}/"),
            headers: given
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    pub(super) async fn ask(
        &self,
        query: &str,
        timeout: Duration,
    ) -> Result<Option<String>, AskError> {
        // The server refuses to write, and gives up by itself.
        let url = format!(
            "{}?readonly=2&default_format=TabSeparated&wait_end_of_query=1&max_execution_time={}\
             &max_result_rows=1&result_overflow_mode=break",
            self.url,
            timeout.saturating_add(GRACE).as_secs()
        );
        let request = Request {
            method: reqwest::Method::POST,
            url: &url,
            headers: self.headers.clone(),
            content_type: "text/plain; charset=utf-8",
            body: query.as_bytes().to_vec(),
        };
        let within = timeout.saturating_add(GRACE);
        let answer = self.http.send_within(request, within).await;
        let answer = answer.map_err(|error| match error {
            HttpError::Bad { reason } => AskError::new(ResolveErrorKind::Other, reason),
            HttpError::NoAnswer { reason } => AskError::unreachable(reason),
        })?;
        if !answer.is_ok() {
            return Err(match answer.status {
                401 | 403 | 516 => AskError::unreachable(answer.line()),
                _ => AskError::new(ResolveErrorKind::Refused, answer.line()),
            });
        }
        if answer.body.len() >= MOST && !answer.body.contains(['\t', '\n']) {
            let reason = format!("its value is longer than {MOST} bytes");
            return Err(AskError::new(ResolveErrorKind::Other, reason));
        }
        Ok(first(&answer.body))
    }
}

/// The first field of what is tab-separated; `None` for no row and for `NULL`.
fn first(body: &str) -> Option<String> {
    let line = body.split_inclusive('\n').next()?;
    let field = line.trim_end_matches('\n').split('\t').next()?;
    if field == "\\N" {
        return None;
    }
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('r') => text.push('\r'),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_first_field_is_read_as_it_was() {
        for (body, expected) in [
            ("", None),
            ("\\N\n", None),
            ("\n", Some("")),
            ("a\\tb\\\\\\n\tc\nd\n", Some("a\tb\\\n")),
            ("2026-11-21\n", Some("2026-11-21")),
        ] {
            assert_eq!(first(body).as_deref(), expected, "{body:?}");
        }
    }
}
