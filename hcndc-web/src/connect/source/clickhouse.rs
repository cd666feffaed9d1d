//! ClickHouse, by its HTTP interface.

use std::time::Duration;

use hcndc_core::{engine::ResolveErrorKind, model::DataSource};

use super::{
    AskError, GRACE,
    row::{Cell, Row},
};
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
    ) -> Result<Option<Row>, AskError> {
        // The server refuses to write, and gives up by itself.
        let url = format!(
            "{}?readonly=2&default_format=TabSeparatedWithNames&wait_end_of_query=1&max_execution_time={}\
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
        Ok(read(&answer.body))
    }
}

/// Names in the first line, values in the second, which may be cut where reading ended; `None` without a second one.
fn read(body: &str) -> Option<Row> {
    let (names, values) = body.split_once('\n')?;
    let line = values.split_inclusive('\n').next()?;
    let is_cut = !line.ends_with('\n') && body.len() >= MOST;
    let mut values = line.trim_end_matches('\n').split('\t').peekable();
    let mut row = Row::default();
    for name in names.split('\t') {
        let cell = match values.next() {
            Some(_) if is_cut && values.peek().is_none() => {
                Cell::Unreadable(format!("the row is longer than {MOST} bytes"))
            }
            Some("\\N") | None => Cell::Null,
            Some(field) => Cell::Text(unescaped(field)),
        };
        row.push(unescaped(name), cell);
    }
    Some(row)
}

/// A field of what is separated by tabulators.
fn unescaped(field: &str) -> String {
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
    text
}

#[cfg(test)]
mod tests {
    use hcndc_core::model::ValueType;

    use super::*;

    fn value(body: &str, column: &str) -> Result<String, ResolveErrorKind> {
        let row = read(body).ok_or(ResolveErrorKind::NoRow)?;
        let value = row.value(Some(column), ValueType::Text);
        value.map_err(|error| error.kind)
    }

    #[test]
    fn fields_are_read_as_they_were() {
        for (body, expected) in [
            ("", Err(ResolveErrorKind::NoRow)),
            ("a\n", Err(ResolveErrorKind::NoRow)),
            ("a\n\\N\n", Err(ResolveErrorKind::NoRow)),
            ("a\n\n", Ok("")),
            ("a\tb\na\\tb\\\\\\n\tc\nd\n", Ok("a\tb\\\n")),
            ("x\ta\nc\t2026-11-21\n", Ok("2026-11-21")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(value(body, "a"), expected, "{body:?}");
        }
        assert_eq!(
            value("count(a\\tb)\n1\n", "count(a\tb)").as_deref(),
            Ok("1")
        );
    }

    #[test]
    fn a_field_that_is_cut_is_no_value() {
        let body = format!("a\tb\n1\t{}", "x".repeat(MOST));
        assert_eq!(value(&body, "a").as_deref(), Ok("1"));
        assert_eq!(value(&body, "b"), Err(ResolveErrorKind::NoRow));
    }
}
