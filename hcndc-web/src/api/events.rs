//! `/events`: what happens, as server-sent events.
//!
//! The id of an event is a number that grows over restarts of the server, and from one leader to the next: it counts from
//! the microsecond in which the server began to lead. So a reader who comes back with an id of an earlier term is told of
//! the gap.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use hcndc_core::{
    id::ExecutionId,
    port::{History, Transport},
    time::Timestamp,
};
use tokio::time::{Instant, sleep_until};
use warp::{Filter as _, filters::BoxedFilter, http::HeaderMap, reply::Response};

use super::{
    needs::READ,
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Route, at, at_id, having, query},
    stream::{Writer, streamed},
};
use crate::{
    app::App,
    lead::Lead,
    live::{Heard, LiveEvent},
};

const EVENTS: &str = "/api/v1/events";
const OF_EXECUTION: &str = "/api/v1/executions/{id}/events";

/// Events that are read at once.
const BATCH: usize = 256;
/// Longest silence.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    vec![
        Route::get(
            EVENTS,
            READ,
            at(EVENTS)
                .and(app.clone())
                .and(query())
                .and(last_event_id())
                .handed_to(events),
        )
        .by_leader(),
        Route::get(
            OF_EXECUTION,
            READ,
            at_id(OF_EXECUTION)
                .and(app)
                .and(query())
                .and(last_event_id())
                .handed_to(of_execution),
        )
        .by_leader(),
    ]
}

/// Ids of events, from their numbers in the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventNumbers {
    before_first: u64,
}

impl From<Timestamp> for EventNumbers {
    /// Those of a server that began to lead now.
    fn from(now: Timestamp) -> Self {
        Self {
            before_first: u64::try_from(now.as_micros()).unwrap_or(0),
        }
    }
}

impl EventNumbers {
    /// Those of a term.
    pub(crate) const fn after(before_first: u64) -> Self {
        Self { before_first }
    }

    const fn id(self, number: u64) -> u64 {
        self.before_first + number
    }

    /// The number in the record that an id means; one that no record holds for an id of an earlier life.
    fn number(self, id: u64) -> u64 {
        match id {
            // The start of what is kept.
            0 => 0,
            id => id.checked_sub(self.before_first).unwrap_or(u64::MAX - 1),
        }
    }
}

/// `Last-Event-ID`, as browsers send it when they come back.
fn last_event_id() -> BoxedFilter<(Option<String>,)> {
    warp::header::headers_cloned()
        .map(|headers: HeaderMap| {
            let value = headers.get("last-event-id")?;
            value.to_str().ok().map(str::to_owned)
        })
        .boxed()
}

/// Tells what happens, as server-sent events.
///
/// The event's name is its kind: `job_run`, `flow_run`, `execution`; `gap` says that some are no longer kept, and
/// that lists must be read anew. Without `from` and `Last-Event-ID` it begins now.
#[utoipa::path(get, operation_id = "watch_events", path = "/api/v1/events", tag = "events", params(
    ("execution" = Option<u64>, Query, description = "Only of this execution"),
    ("from" = Option<u64>, Query, description = "After the event of this id; 0: all that are kept"),
    ("Last-Event-ID" = Option<u64>, Header, description = "As `from`, and goes before it"),
), responses(
    (status = 200, content_type = "text/event-stream", body = String, example = "id: 1795200000000012\nevent: job_run\ndata: {\"at\":\"2026-11-21T18:00:00.000250Z\",\"execution\":9,\"kind\":\"job_run\",\"job_run\":12,\"flow\":\"extract\",\"job\":\"orders\",\"attempt\":1,\"from\":\"dispatched\",\"to\":\"running\"}\n\n"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn events<H: History + 'static, T: Transport + 'static>(
    app: Arc<App<H, T>>,
    mut query: Query,
    last: Option<String>,
) -> Result<Response, Problem> {
    let execution = query.id("execution").map(ExecutionId);
    watch(app, query, last, execution).await
}

/// Tells what happens in an execution: `/events?execution=`.
#[utoipa::path(get, operation_id = "watch_execution_events", path = "/api/v1/executions/{id}/events", tag = "executions", params(
    ("id" = u64, Path),
    ("from" = Option<u64>, Query, description = "After the event of this id; 0: all that are kept"),
    ("Last-Event-ID" = Option<u64>, Header, description = "As `from`, and goes before it"),
), responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn of_execution<H: History + 'static, T: Transport + 'static>(
    execution: ExecutionId,
    app: Arc<App<H, T>>,
    query: Query,
    last: Option<String>,
) -> Result<Response, Problem> {
    watch(app, query, last, Some(execution)).await
}

async fn watch<H: History + 'static, T: Transport + 'static>(
    app: Arc<App<H, T>>,
    mut query: Query,
    last: Option<String>,
    execution: Option<ExecutionId>,
) -> Result<Response, Problem> {
    let from = query.id("from");
    query.finish()?;
    if let Some(execution) = execution
        && read(app.history.execution(execution)).await?.is_none()
    {
        return Err(execution.into());
    }
    // An id that is no number is not one of ours: a gap.
    let last = last.map(|id| id.parse().unwrap_or(1));
    let after = last
        .or(from)
        .map_or_else(|| app.live.newest(), |id| app.event_numbers().number(id));
    let (writer, response) = streamed("text/event-stream");
    tokio::spawn(async move {
        tokio::select! {
            () = app.stopping.cancelled() => {}
            // What happens from now on happens elsewhere: whoever comes back is led there.
            () = app.leading.until(|lead| *lead != Lead::Here) => {}
            () = writer.closed() => {}
            () = feed(&app, after, execution, &writer) => {}
        }
    });
    Ok(response)
}

async fn feed<H, T>(app: &App<H, T>, mut after: u64, of: Option<ExecutionId>, writer: &Writer) {
    // A first word lets the headers go out, and asks for a quick return after a break.
    let mut text = String::from("retry: 2000\n\n");
    loop {
        if !text.is_empty() {
            let chunk = Bytes::from(std::mem::take(&mut text));
            if writer.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        let silent_until = Instant::now() + KEEP_ALIVE;
        while text.is_empty() {
            tokio::select! {
                heard = app.live.after(after, BATCH) => match heard {
                    Heard::Events(events) => {
                        after = events.last().map_or(after, |event| event.number);
                        let events = events.iter();
                        events
                            .filter(|event| of.is_none_or(|of| event.execution == of))
                            .for_each(|event| tell(event, app.event_numbers(), &mut text));
                    }
                    Heard::Gap(newest) => {
                        after = newest;
                        let id = app.event_numbers().id(newest);
                        // Writing to a text does not fail.
                        let _ = write!(text, "id: {id}\nevent: gap\ndata: {{\"next\":{id}}}\n\n");
                    }
                },
                () = sleep_until(silent_until) => text.push_str(": alive\n\n"),
            }
        }
    }
}

fn tell(event: &LiveEvent, numbers: EventNumbers, text: &mut String) {
    let data = match serde_json::to_string(event) {
        Ok(data) => data,
        Err(error) => {
            tracing::error!(%error, "an event cannot be written as JSON");
            return;
        }
    };
    let (id, kind) = (numbers.id(event.number), event.what.kind());
    let _ = write!(text, "id: {id}\nevent: {kind}\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_numbers_and_those_of_another_life_to_none() {
        let numbers = EventNumbers::from(Timestamp::from_micros(1_000));
        assert_eq!(numbers.number(numbers.id(7)), 7);
        assert_eq!(numbers.number(0), 0);
        assert!(numbers.number(999) > 1 << 60);
    }
}
