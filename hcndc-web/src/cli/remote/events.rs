//! Server-sent events (WHATWG HTML §9.2), read as they come, and taken up again after a break.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::{Desk, RemoteError};
use crate::{cli::client::ClientError, cli::warn, interchange::Lang};

/// A server says something every 15 s: after three times that, it is gone.
const SILENCE: Duration = Duration::from_secs(45);
/// How long is waited before another try, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// Tries in a row until it is given up: five minutes about.
const TRIES: u32 = 65;

/// An event.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    /// Its kind; `message` if it has none.
    pub(super) kind: String,
    /// What it says.
    pub(super) data: Value,
}

/// What a stream gives.
#[derive(Debug)]
pub(super) enum Heard {
    /// The next event.
    Event(Event),
    /// The connection stands, and what happened before may have been missed: lists must be read anew.
    Anew,
}

/// Lines of a stream, put together to events.
#[derive(Debug, Default)]
struct Parser {
    /// What came after the last end of a line.
    rest: Vec<u8>,
    kind: String,
    data: String,
    /// Id of the last event that came whole.
    last: Option<String>,
    id: Option<String>,
}

impl Parser {
    /// Takes bytes in; gives the events out that they complete.
    fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" => self.id = Some(value.to_owned()),
            // Comments, and how soon to come back, which goes by our own pauses.
            _ => {}
        }
        None
    }

    fn event(&mut self) -> Option<Event> {
        let (kind, data) = (
            std::mem::take(&mut self.kind),
            std::mem::take(&mut self.data),
        );
        if let Some(id) = self.id.take() {
            self.last = Some(id);
        }
        if data.is_empty() {
            return None;
        }
        Some(Event {
            kind: match kind.is_empty() {
                true => "message".to_owned(),
                false => kind,
            },
            data: serde_json::from_str(data.trim_end()).unwrap_or_default(),
        })
    }
}

/// A stream of events that outlives its connections.
pub(super) struct Events<'a> {
    desk: &'a Desk,
    path: String,
    response: Option<Response>,
    parser: Parser,
    ready: std::collections::VecDeque<Event>,
    tries: u32,
}

impl<'a> Events<'a> {
    /// The events at this path, from now on. Nothing is asked before the first is wanted.
    pub(super) fn at(desk: &'a Desk, path: String) -> Self {
        Self {
            desk,
            path,
            response: None,
            parser: Parser::default(),
            ready: std::collections::VecDeque::new(),
            tries: 0,
        }
    }

    /// What comes next; waits for it, over breaks of the connection too.
    ///
    /// # Errors
    /// When the server refuses the stream, or was out of reach for minutes.
    pub(super) async fn next(&mut self) -> Result<Heard, RemoteError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(match &*event.kind {
                    "gap" => Heard::Anew,
                    _ => Heard::Event(event),
                });
            }
            let Some(response) = &mut self.response else {
                if self.connect().await? {
                    return Ok(Heard::Anew);
                }
                continue;
            };
            match tokio::time::timeout(SILENCE, response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.ready.extend(self.parser.take(&bytes)),
                // Ended, broken, or silent: each is a break.
                Ok(Ok(None) | Err(_)) | Err(_) => self.response = None,
            }
        }
    }

    /// Connects; tells whether that is the first time, so that nothing is known of what was before.
    async fn connect(&mut self) -> Result<bool, RemoteError> {
        // What came of an event whose end did not is told again.
        self.parser = Parser {
            last: self.parser.last.take(),
            ..Parser::default()
        };
        let last = self.parser.last.clone();
        match self.desk.served.open(&self.path, last.as_deref()).await {
            Ok(response) => {
                if self.tries > 1 {
                    warn(self.desk.pick("connected again", "已重新连接"));
                }
                self.tries = 0;
                self.response = Some(response);
                // Without an id, what happened during the break is not told.
                Ok(last.is_none())
            }
            Err(error) if is_passing(&error) && self.tries < TRIES => {
                self.tries += 1;
                // The lead may have gone elsewhere, which takes seconds and is nobody's trouble.
                if self.tries == 2 {
                    warn(match self.desk.lang {
                        Lang::En => format!("{}; trying again", error.message(Lang::En)),
                        Lang::Zh => format!("{}；正在重试", error.message(Lang::Zh)),
                    });
                }
                let (first, most) = PAUSES;
                let pause = first.saturating_mul(1 << self.tries.min(8)).min(most);
                tokio::time::sleep(pause).await;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a stream may be had a little later.
fn is_passing(error: &ClientError) -> bool {
    let too_many = StatusCode::TOO_MANY_REQUESTS.as_u16();
    error.is_passing()
        || matches!(error, ClientError::Refused { problem, .. } if problem.status == too_many)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_put_together_wherever_they_are_cut() {
        let text = "retry: 2000\n\n: alive\n\nid: 7\nevent: job_run\ndata: {\"to\":\"成功\"}\n\nid: 8\r\nevent: gap\r\ndata: {\r\ndata: }\r\n\r\ndata: 1\n\nid: 9\nevent: cut";
        let expected = [
            ("job_run", json!({"to": "成功"})),
            ("gap", json!({})),
            ("message", json!(1)),
        ];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let events: Vec<Event> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|bytes| parser.take(bytes))
                .collect();
            let found: Vec<(&str, Value)> = events
                .iter()
                .map(|event| (&*event.kind, event.data.clone()))
                .collect();
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!(parser.last.as_deref(), Some("8"), "9 has not come whole");
        }
    }
}
