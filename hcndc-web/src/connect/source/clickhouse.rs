//! ClickHouse, by its HTTP interface.

use std::time::Duration;

use hcndc_core::{
    engine::{ResolveErrorKind, SourceAccess},
    model::DataSource,
};
use hcndc_exec::work::{access, tab_separated::unescaped};

use super::{
    AskError, GRACE, connect_within,
    row::{Cell, Row},
};
use crate::connect::{
    http::{Answer, Http, HttpError, MOST, Request},
    settings,
};

/// How answers are written.
const FORMAT: &str = "TabSeparatedWithNames";
/// What an answer of that form is called.
const MEDIA_TYPE: &str = "text/tab-separated-values";
/// Its codes for an unknown user, a wrong password, one that is missing, and all three in later versions.
const NOT_LET_IN: &[u32] = &[192, 193, 194, 516];

/// What is needed to ask.
pub(super) struct Client {
    http: Http,
    url: reqwest::Url,
    headers: Vec<(String, String)>,
}

impl Client {
    /// For this data source. Nothing is sent yet.
    pub(super) fn new(source: &DataSource, http: &Http) -> Result<Self, AskError> {
        let access = access::clickhouse(&SourceAccess::from(source));
        let (url, headers) =
            access.map_err(|reason| AskError::new(ResolveErrorKind::Other, reason))?;
        let authorities = settings::text(&source.options, "ca_file");
        let is_own = authorities.is_some() || source.options.contains_key("connect_seconds");
        Ok(Self {
            http: match is_own {
                true => Http::connecting(authorities, connect_within(source)),
                false => http.clone(),
            },
            url,
            headers,
        })
    }

    pub(super) async fn ask(
        &self,
        query: &str,
        timeout: Duration,
    ) -> Result<Option<Row>, AskError> {
        // The server refuses to write, and gives up by itself.
        let limit = timeout.saturating_add(GRACE).as_secs().to_string();
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs([
            ("readonly", "2"),
            ("default_format", FORMAT),
            ("wait_end_of_query", "1"),
            ("max_execution_time", &limit),
            ("max_result_rows", "1"),
            ("result_overflow_mode", "break"),
        ]);
        let request = Request {
            method: reqwest::Method::POST,
            url: url.as_str(),
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
        checked(&answer)?;
        read(&answer.body)
    }
}

/// Tells ClickHouse's own refusals from the words of anything else that listens there: a page that somebody's proxy answers with
/// is no value.
fn checked(answer: &Answer) -> Result<(), AskError> {
    let code = answer.body.strip_prefix("Code: ").and_then(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
        digits?.parse().ok()
    });
    let written = answer.header("x-clickhouse-format");
    let is_ours = answer.header("content-type").starts_with(MEDIA_TYPE);
    let mut names = answer.headers.keys();
    match (answer.is_ok(), code) {
        (true, _) if is_ours && (written.is_empty() || written == FORMAT) => Ok(()),
        (true, _) if is_ours || names.any(|it| it.as_str().starts_with("x-clickhouse-")) => {
            let reason = "the query says itself how its answer is written; leave its FORMAT out";
            Err(AskError::new(ResolveErrorKind::Refused, reason))
        }
        (false, Some(code))
            if !NOT_LET_IN.contains(&code) && !matches!(answer.status, 401 | 403) =>
        {
            Err(AskError::new(ResolveErrorKind::Refused, answer.line()))
        }
        (false, Some(_)) => Err(AskError::unreachable(answer.line())),
        _ => Err(AskError::unreachable(format!(
            "it does not answer as ClickHouse does: {}",
            answer.line()
        ))),
    }
}

/// Names in the first line, values in the second, which may be cut where reading ended; `None` without a second one. Every line
/// has an end, so one without, where reading did not end it, was cut off on its way.
fn read(body: &str) -> Result<Option<Row>, AskError> {
    let mut lines = body.split_inclusive('\n');
    let (names, line) = (lines.next(), lines.next());
    let Some(last) = line.or(names) else {
        return Ok(None);
    };
    let is_cut = !last.ends_with('\n');
    if is_cut && body.len() < MOST {
        return Err(AskError::unreachable("its answer was cut off"));
    }
    let (Some(names), Some(line)) = (names, line) else {
        return Ok(None);
    };
    let names = names.trim_end_matches('\n');
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
    Ok(Some(row))
}

#[cfg(test)]
mod tests {
    use hcndc_core::model::ValueType;

    use super::*;

    fn value(body: &str, column: &str) -> Result<String, ResolveErrorKind> {
        let row = read(body).map_err(|error| error.kind)?;
        let row = row.ok_or(ResolveErrorKind::NoRow)?;
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
            ("a", Err(ResolveErrorKind::Unreachable)),
            ("a\n20261", Err(ResolveErrorKind::Unreachable)),
            ("a\n20261121\n2026", Ok("20261121")),
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
