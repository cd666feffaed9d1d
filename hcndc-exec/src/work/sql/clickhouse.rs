//! Statements on ClickHouse, by its HTTP interface: a request for each, one after another, in one session of the server.
//!
//! The server does not notice that whoever asked is gone, unless it only reads. So each statement has an id, by which it is ended.

use std::time::{Duration, Instant};

use futures_util::{
    FutureExt as _,
    future::{Either as First, select},
    pin_mut,
};
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Failure, GRACE, LAST_WORDS, Shown, SqlTask, access, ended};
use crate::{
    causes::with_causes,
    platform::asked_to_end,
    trust,
    work::{
        split::{Dialect, statements},
        tab_separated::fields,
    },
};

/// How answers are written, unless a statement says it itself.
const FORMAT: &str = "TabSeparatedWithNames";
/// What an answer of that form is called.
const MEDIA_TYPE: &str = "text/tab-separated-values";
/// Bytes of a line that are kept; much less of it is shown.
const LINE_BYTES: usize = 1 << 20;
/// Bytes of a refusal that are read.
const REFUSAL_BYTES: usize = 16 << 10;
/// "Session is locked by a concurrent client": the server lets go of it a moment after it has answered.
const LOCKED: &str = "Code: 373";
/// Between two times of asking the same.
const PAUSE: Duration = Duration::from_millis(50);
/// Between signs of life, so that nothing on the way forgets a connection on which a server is silent for hours.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) async fn run(task: &SqlTask) -> Result<u64, Failure> {
    if task.transaction {
        let reason = "ClickHouse has no transactions: take `transaction` out of the job";
        return Err(Failure::Statement(0, reason.to_owned()));
    }
    let server = Server::new(task).map_err(Failure::Unreached)?;
    let within = access::patience(&task.source);
    match timeout(within, server.greet()).await {
        Ok(greeted) => greeted.map_err(Failure::Unreached)?,
        Err(_) => return Err(Failure::Unreached(format!("none within {within:?}"))),
    }
    let began = Instant::now();
    let asked = asked_to_end();
    pin_mut!(asked);
    let mut done = 0;
    for text in statements(&task.statement, Dialect::Clickhouse) {
        if asked.as_mut().now_or_never().is_some() {
            let words = format!("ended before statement {} began", done + 1);
            return Err(Failure::Ended(words));
        }
        let id = Uuid::new_v4().to_string();
        let limit = task.timeout.map(|timeout| {
            let left = timeout.saturating_sub(began.elapsed());
            left.saturating_add(GRACE)
        });
        let playing = server.play(&id, text, limit, done + 1);
        pin_mut!(playing);
        match select(playing, asked.as_mut()).await {
            First::Left((Ok(()), _)) => done += 1,
            First::Left((Err(Broken::Refused(words)), _)) => {
                return Err(Failure::Statement(done, words));
            }
            First::Left((Err(Broken::Cut(mut words)), _)) => {
                let ending = timeout(LAST_WORDS, server.end(&id)).await;
                if !matches!(ending, Ok(Ok(State::Ended | State::Unknown))) {
                    words.push_str("; it may go on at the data source");
                }
                return Err(Failure::Statement(done, words));
            }
            First::Right(((), playing)) => {
                let ending = server.end_for_sure(&id);
                pin_mut!(ending);
                // Its own answer tells as well that it is over.
                let over = async {
                    match select(playing, ending).await {
                        First::Left((Err(Broken::Cut(words)), _)) => Err(words),
                        First::Left(_) => Ok(()),
                        First::Right((ended, _)) => ended,
                    }
                };
                return Err(ended(timeout(LAST_WORDS, over).await));
            }
        }
    }
    Ok(done)
}

/// Why a statement was not done.
enum Broken {
    /// The server said no.
    Refused(String),
    /// It did not say, or not to the end.
    Cut(String),
}

/// What a server knows of a statement that was to be ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is over now.
    Ended,
    /// It goes on.
    Alive,
    /// It is not there: over, or not begun yet.
    Unknown,
}

struct Server {
    client: Client,
    url: Url,
    headers: HeaderMap,
    /// In which settings and temporary tables last from one statement to the next.
    session: String,
}

impl Server {
    fn new(task: &SqlTask) -> Result<Self, String> {
        let (url, given) = access::clickhouse(&task.source)?;
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| format!("header {name} cannot hold its value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let authorities = task.source.options.get("ca_file");
        let authorities = authorities.map(|path| path.trim());
        let config = trust::client_config(authorities).map_err(|error| error.to_string())?;
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(Policy::none())
            .tcp_keepalive(KEEPALIVE)
            // The server closes one that is idle; a statement that meets that must not count as begun.
            .pool_idle_timeout(Duration::from_secs(1))
            .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| with_causes(&error.without_url()))?;
        Ok(Self {
            client,
            url,
            headers,
            session: Uuid::new_v4().to_string(),
        })
    }

    fn request(&self, text: String, settings: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(settings);
        self.client
            .post(url)
            .headers(self.headers.clone())
            .body(text)
    }

    /// Whether it is a ClickHouse, and lets us in.
    async fn greet(&self) -> Result<(), String> {
        let asking = self.request("SELECT 1 FORMAT TabSeparated".to_owned(), &[]);
        let mut answer = asking.send().await.map_err(reason)?;
        let status = answer.status();
        let words = words(&mut answer).await;
        match status.is_success() {
            true if words == "1" => Ok(()),
            false if words.starts_with("Code: ") => Err(words),
            _ => {
                let words: String = words.chars().take(300).collect();
                Err(format!(
                    "it does not answer as ClickHouse does: {status}: {words}"
                ))
            }
        }
    }

    async fn play(
        &self,
        id: &str,
        text: &str,
        limit: Option<Duration>,
        number: u64,
    ) -> Result<(), Broken> {
        let limit = limit.map(|limit| limit.as_secs().max(1).to_string());
        let mut settings = vec![
            ("query_id", id),
            ("session_id", &self.session),
            ("default_format", FORMAT),
            // Else a refusal might come in the middle of what looks like a success.
            ("wait_end_of_query", "1"),
        ];
        settings.extend(limit.as_deref().map(|it| ("max_execution_time", it)));
        let since = Instant::now();
        let shown = Shown::new();
        loop {
            let asking = self.request(text.to_owned(), &settings);
            let mut answer = asking
                .send()
                .await
                .map_err(|error| Broken::Cut(reason(error)))?;
            if answer.status().is_success() {
                return show(answer, shown, number).await;
            }
            let (status, words) = (answer.status(), words(&mut answer).await);
            if words.starts_with(LOCKED) && since.elapsed() < LAST_WORDS {
                sleep(PAUSE).await;
                continue;
            }
            let words = match words.is_empty() {
                true => status.to_string(),
                false => words,
            };
            return Err(Broken::Refused(words));
        }
    }

    /// Ends a statement, and waits for that.
    async fn end(&self, id: &str) -> Result<State, String> {
        let text = format!("KILL QUERY WHERE query_id = '{id}' SYNC");
        let asking = self.request(text, &[("default_format", "TabSeparated")]);
        let mut answer = asking.send().await.map_err(reason)?;
        let words = words(&mut answer).await;
        Ok(match answer.status().is_success() {
            true if words.is_empty() => State::Unknown,
            true if words.starts_with("finished\t") => State::Ended,
            true => State::Alive,
            false => return Err(words),
        })
    }

    /// Ends a statement that may still be on its way to the server.
    async fn end_for_sure(&self, id: &str) -> Result<(), String> {
        while self.end(id).await? != State::Ended {
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Shows what a statement gave.
async fn show(mut answer: Response, mut shown: Shown, number: u64) -> Result<(), Broken> {
    let header = |name: &str| {
        let value = answer.headers().get(name);
        value.and_then(|it| it.to_str().ok()).unwrap_or_default()
    };
    let written_as = header("x-clickhouse-format");
    let is_table = header(CONTENT_TYPE.as_str()).starts_with(MEDIA_TYPE)
        && (written_as.is_empty() || written_as == FORMAT);
    let nothing = match (is_table, written_rows(header("x-clickhouse-summary"))) {
        (true, _) => "0 rows".to_owned(),
        (false, Some(rows)) => format!("{rows} rows affected"),
        (false, None) => "done".to_owned(),
    };
    let mut names: Option<Vec<String>> = None;
    let mut tell = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        if !is_table {
            return shown.row([Some(line.into_owned())].into_iter());
        }
        let values = fields(&line);
        let Some(names) = &mut names else {
            names = Some(values.flatten().collect());
            return;
        };
        if !names.is_empty() {
            shown.head(names.iter().map(String::as_str));
            names.clear();
        }
        shown.row(values);
    };
    let mut line = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| Broken::Cut(reason(error)))?
    {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (part, is_whole) = match part {
                [part @ .., b'\n'] => (part, true),
                part => (part, false),
            };
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if is_whole {
                tell(&line);
                line.clear();
            }
        }
    }
    match (line.is_empty(), is_table) {
        (true, _) => {}
        // Each line of such an answer has an end.
        (false, true) => return Err(Broken::Cut("its answer was cut off".to_owned())),
        (false, false) => tell(&line),
    }
    shown.end(number, nothing);
    Ok(())
}

/// Rows that a statement wrote, where the server says so; versions before 19 do not.
fn written_rows(summary: &str) -> Option<u64> {
    let summary: serde_json::Value = serde_json::from_str(summary).ok()?;
    summary.get("written_rows")?.as_str()?.parse().ok()
}

/// What is said in a few words, without white space around it.
async fn words(answer: &mut Response) -> String {
    let mut said = Vec::new();
    while said.len() < REFUSAL_BYTES
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        said.extend_from_slice(&chunk);
    }
    said.truncate(REFUSAL_BYTES);
    String::from_utf8_lossy(&said).trim().to_owned()
}

fn reason(error: reqwest::Error) -> String {
    let what = match (error.is_connect(), error.is_body() || error.is_decode()) {
        (true, _) => "no connection",
        (_, true) => "its answer was cut off",
        _ => "no answer",
    };
    format!("{what}: {}", with_causes(&error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_written_are_read_from_the_summary() {
        let summary = r#"{"read_rows":"9","written_rows":"3","written_bytes":"12"}"#;
        assert_eq!(written_rows(summary), Some(3));
        assert_eq!(written_rows(""), None);
    }
}
