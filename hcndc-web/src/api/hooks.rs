//! `/hooks/{id}`: what outside systems send, which starts flows; and `/webhooks/{id}/…`: what came, and what would come of a sample.
//!
//! ```text
//! rate ──► body ──► signature ──► came before? ──► filter, date, params ──► start, with a key ──► recorded ──► answer
//! ```
//!
//! A delivery starts once: the engine's store has its key in the same commit as the execution, and what is recorded answers when
//! that is gone. What comes from those who cannot sign is told nothing, and counted apart, so that it crowds out nothing.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hcndc_core::{
    engine::{Input, Reply, Start, Started, TriggerKind},
    id::{ExecutionId, WebhookId},
    model::Webhook,
    port::{
        Clock as _, DeliveriesError, DeliveriesKept, Delivery, DeliveryOutcome, DeliveryRow,
        ErrorKind, History, PortError as _, StartKey, Transport,
    },
    time::{DataDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use warp::{
    Filter as _,
    http::{HeaderMap, StatusCode},
};

use super::{
    body::Body,
    caller::{Caller, Visitor},
    denial::{Denial, whole_seconds},
    executions::execution_of,
    needs::{NOTHING, READ, WRITE},
    page::{Asked, NEWEST_FIRST, PageDto},
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    revision::params_to_map,
    route::{HandedTo as _, Json, Route, at_id, body, caller, having, query, visitor},
    text::title_of,
    trials::find,
};
use crate::{
    app::App,
    causes::with_causes,
    hook::{self, Reading, Reason, Verdict},
    interchange::Lang,
    rates::Buckets,
};

const RECEIVE: &str = "/api/v1/hooks/{id}";
const TEST: &str = "/api/v1/webhooks/{id}/test";
const DELIVERIES: &str = "/api/v1/webhooks/{id}/deliveries";

/// Bytes of a delivery at most.
const MOST_BYTES: usize = 256 << 10;
/// Bytes of it that are kept to be looked at.
const KEPT_BYTES: usize = 64 << 10;
/// Signed deliveries of a webhook in a minute.
const PER_HOOK: NonZeroU32 = NonZeroU32::new(600).expect("not zero");
/// Deliveries of a webhook in a minute that are not signed as they should be, and are recorded; others are only refused.
const STRANGE: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// How long deliveries are kept, if there are no more than so many.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Deliveries that are kept of a webhook: taken ones, and refused ones.
const KEPT: (u32, u32) = (1_000, 100);
/// So many are recorded until it is looked which are too many.
const LOOK_EVERY: u32 = 50;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = |template| at_id::<u64>(template).and(app.clone());
    vec![
        Route::post(
            RECEIVE,
            NOTHING,
            one(RECEIVE)
                .and(visitor())
                .and(warp::header::headers_cloned())
                .and(body())
                .handed_to(receive),
        ),
        Route::post(
            TEST,
            WRITE,
            one(TEST).and(caller()).and(body()).handed_to(test),
        ),
        Route::get(
            DELIVERIES,
            READ,
            one(DELIVERIES)
                .and(caller())
                .and(query())
                .handed_to(deliveries),
        ),
    ]
}

/// How much is let in of each webhook, besides what each address may send anyway.
#[derive(Debug)]
pub(crate) struct HookDoors {
    signed: Buckets<WebhookId>,
    strange: Buckets<WebhookId>,
    recorded: AtomicU32,
}

impl Default for HookDoors {
    fn default() -> Self {
        Self {
            signed: Buckets::per_minute(PER_HOOK),
            strange: Buckets::per_minute(STRANGE),
            recorded: AtomicU32::new(0),
        }
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryOutcome)]
enum OutcomeDto {
    /// It started an execution.
    Started,
    /// It did not pass the filter.
    Filtered,
    /// It was not taken.
    Refused,
}

impl From<DeliveryOutcome> for OutcomeDto {
    fn from(outcome: DeliveryOutcome) -> Self {
        match outcome {
            DeliveryOutcome::Started => Self::Started,
            DeliveryOutcome::Filtered => Self::Filtered,
            DeliveryOutcome::Refused => Self::Refused,
        }
    }
}

/// The answer to a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAnswer)]
pub(super) struct AnswerDto {
    /// `started` or `filtered`.
    outcome: OutcomeDto,
    /// The execution that it started, now or when it came before.
    #[schema(example = 9)]
    execution: Option<u64>,
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: Option<String>,
    /// Why it starts nothing.
    reason: Option<String>,
    /// Whether it came before, and started that then.
    repeated: bool,
}

/// An answer, and its status.
pub(super) struct Taken(AnswerDto);

impl warp::Reply for Taken {
    fn into_response(self) -> warp::reply::Response {
        let status = match self.0.outcome {
            OutcomeDto::Started => StatusCode::ACCEPTED,
            OutcomeDto::Filtered | OutcomeDto::Refused => StatusCode::OK,
        };
        let mut response = Json(self.0).into_response();
        *response.status_mut() = status;
        response
    }
}

/// Something that came: all that is recorded of it but for what became of it.
struct Arrival<'a> {
    hook: &'a Webhook,
    key: String,
    name: String,
    at: Timestamp,
    address: String,
    body: &'a [u8],
}

/// Takes a delivery of an outside system, and starts the webhook's flows by it.
///
/// Needs no session: a delivery is signed. With scheme `standard`, by the Standard Webhooks specification (`webhook-id`,
/// `webhook-timestamp`, `webhook-signature`); with `body`, by HMAC-SHA256 of the body in the webhook's header. A delivery that comes
/// again gets the execution that it started; a webhook that is not there answers as one whose secret is another. At most 256 KiB, 600
/// deliveries a minute.
#[utoipa::path(post, operation_id = "receive_delivery", path = "/api/v1/hooks/{id}", tag = "webhooks", params(("id" = u64, Path)),
    request_body(content = Object, description = "Any JSON"), security(()), responses(
    (status = 202, body = AnswerDto, description = "It started an execution, now or when it came before"),
    (status = 200, body = AnswerDto, description = "The filter keeps it from starting anything"),
    (status = 401, body = ProblemDto, content_type = "application/problem+json", description = "`bad_signature`: or there is no such webhook"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`webhook_disabled`"),
    (status = 413, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`delivery_refused`"),
    (status = 429, body = ProblemDto, content_type = "application/problem+json", description = "`too_many_deliveries`"),
))]
pub(super) async fn receive<H: History + 'static, T: Transport + 'static>(
    id: u64,
    app: Arc<App<H, T>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Body,
) -> Result<Taken, Problem> {
    let id = WebhookId(id);
    let body = body.raw(MOST_BYTES).await?;
    let hook = app.look(move |engine| engine.webhook(id).cloned()).await?;
    let Some(hook) = hook else {
        return Err(Denial::BadSignature.into());
    };
    let secrets = app.connect.vault.open(&hook.secret).map_err(|error| {
        tracing::error!(%error, webhook = hook.name, "the secret of a webhook cannot be opened");
        Problem::Internal
    })?;
    let now = app.clock.now();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = hook::verify(&hook, secrets.reveal(), header, &body, now);
    let name = signed.as_ref().cloned().unwrap_or_default();
    let arrival = Arrival {
        key: hook::key(id, signed.is_ok(), &name, &body),
        hook: &hook,
        name,
        at: now,
        address: visitor.address.chars().take(255).collect(),
        body: &body,
    };
    if let Err(reason) = signed {
        // Whoever has no secret can have only so much written down.
        if app.doors.strange.take(&id).is_ok() {
            refuse(&app, &arrival, reason).await?;
        }
        return Err(Denial::BadSignature.into());
    }
    app.doors.signed.take(&id).map_err(|wait| {
        let seconds = whole_seconds(wait);
        Denial::TooManyDeliveries { seconds }
    })?;
    if let Some(row) = recorded(&app, &arrival.key).await?
        && row.delivery.outcome == DeliveryOutcome::Started
    {
        let again = Delivery {
            at: now,
            address: arrival.address.clone(),
            ..row.delivery
        };
        let answer = answer(&again, true, visitor.lang);
        record(&app, &again).await?;
        return Ok(Taken(answer));
    }
    if !hook.enabled {
        refuse(&app, &arrival, Reason::Disabled).await?;
        return Err(Problem::BadDelivery(Reason::Disabled));
    }
    let reading = match hook::read(&hook, &body, now) {
        Verdict::Start(reading) => reading,
        Verdict::Filtered(reason) => {
            let delivery = arrival.delivery(DeliveryOutcome::Filtered, Some(&reason));
            record(&app, &delivery).await?;
            return Ok(Taken(answer(&delivery, false, visitor.lang)));
        }
        Verdict::Refused(reason) => {
            refuse(&app, &arrival, reason.clone()).await?;
            return Err(Problem::BadDelivery(reason));
        }
    };
    let data_date = reading.data_date;
    let (started, repeated) = match start(&app, &arrival, body.clone(), reading).await {
        Ok((started, repeated)) => (execution_of(started)?, repeated),
        Err(problem) => {
            let reason = match &problem {
                Problem::KeyReused => Reason::Reused,
                Problem::Refused(_) => Reason::NotStarted {
                    problem: problem.code().to_owned(),
                },
                // Its sender tries again, and nothing is known of it until then.
                _ => return Err(problem),
            };
            refuse(&app, &arrival, reason.clone()).await?;
            return Err(Problem::BadDelivery(reason));
        }
    };
    let delivery = Delivery {
        execution: Some(started),
        data_date: Some(data_date),
        ..arrival.delivery(DeliveryOutcome::Started, None)
    };
    // It is started, and its key is stored with that: a record that fails now changes nothing.
    if let Err(problem) = record(&app, &delivery).await {
        tracing::warn!(code = problem.code(), "a delivery is not recorded");
    }
    Ok(Taken(answer(&delivery, repeated, visitor.lang)))
}

/// Starts the flows of a webhook, unless the same delivery has: then it tells what that started, and `true`.
async fn start<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
    arrival: &Arrival<'_>,
    body: Bytes,
    reading: Reading,
) -> Result<(Started, bool), Problem> {
    let input = Input::Start(Start {
        flows: arrival.hook.flows.clone(),
        jobs: None,
        downstream: arrival.hook.downstream,
        data_date: reading.data_date,
        date_format: None,
        params: reading.params,
        trigger: TriggerKind::Webhook,
        by: format!("webhook {}", arrival.hook.name),
    });
    let fresh = Arc::new(AtomicBool::new(false));
    let begin = |key: Option<StartKey>| {
        let (app, fresh) = (Arc::clone(app), Arc::clone(&fresh));
        async move {
            let key = key.ok_or(Problem::Internal)?;
            if let Some(known) = read(app.history.start_key(&key.key)).await? {
                return match known.print == key.print {
                    true => Ok(known.started),
                    false => Err(Problem::KeyReused),
                };
            }
            match app.scheduler.start(input, key).await? {
                Reply::Started(id) => {
                    fresh.store(true, Ordering::Release);
                    Ok(Started::Execution(id))
                }
                Reply::BackfillStarted(_) | Reply::Done | Reply::Edited(_) => {
                    Err(Problem::Internal)
                }
            }
        }
    };
    let key = Ok(Some(format!("webhook {}", arrival.key)));
    let started = app.starts.once(key, &body, begin).await?;
    Ok((started, !fresh.load(Ordering::Acquire)))
}

impl Arrival<'_> {
    fn delivery(&self, outcome: DeliveryOutcome, reason: Option<&Reason>) -> Delivery {
        let text = String::from_utf8_lossy(self.body);
        let end = text.floor_char_boundary(KEPT_BYTES);
        Delivery {
            key: self.key.clone(),
            hook: self.hook.id,
            name: self.name.clone(),
            at: self.at,
            address: self.address.clone(),
            outcome,
            reason: reason.map(Reason::to_text).unwrap_or_default(),
            execution: None,
            data_date: None,
            body: text[..end].to_owned(),
            body_bytes: self.body.len() as u64,
        }
    }
}

async fn refuse<H, T>(
    app: &App<H, T>,
    arrival: &Arrival<'_>,
    reason: Reason,
) -> Result<(), Problem> {
    let delivery = arrival.delivery(DeliveryOutcome::Refused, Some(&reason));
    record(app, &delivery).await
}

async fn recorded<H, T>(app: &App<H, T>, key: &str) -> Result<Option<DeliveryRow>, Problem> {
    match &app.deliveries {
        Some(deliveries) => Ok(deliveries.delivery(key).await?),
        None => Ok(None),
    }
}

/// Writes a delivery down, and forgets old ones now and then.
async fn record<H, T>(app: &App<H, T>, delivery: &Delivery) -> Result<(), Problem> {
    let Some(deliveries) = &app.deliveries else {
        return Ok(());
    };
    deliveries.record(delivery).await?;
    let before = app.doors.recorded.fetch_add(1, Ordering::Relaxed);
    if before.is_multiple_of(LOOK_EVERY) {
        let kept_for = i64::try_from(KEPT_FOR.as_micros()).unwrap_or(i64::MAX);
        let kept = DeliveriesKept {
            taken: KEPT.0,
            refused: KEPT.1,
            since: Timestamp::from_micros(delivery.at.as_micros().saturating_sub(kept_for)),
        };
        if let Err(error) = deliveries.prune_deliveries(delivery.hook, kept).await {
            tracing::warn!(error = %with_causes(&error), "old deliveries stay for now");
        }
    }
    Ok(())
}

impl From<DeliveriesError> for Problem {
    fn from(error: DeliveriesError) -> Self {
        let kind = error.kind();
        let error = with_causes(&error);
        match kind {
            ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Fenced => {
                tracing::warn!(%error, "the deliveries do not answer");
                Self::StoreUnavailable
            }
            ErrorKind::Corrupt | ErrorKind::Invalid => {
                tracing::error!(%error, "the deliveries cannot be read or written");
                Self::Internal
            }
        }
    }
}

fn answer(delivery: &Delivery, repeated: bool, lang: Lang) -> AnswerDto {
    AnswerDto {
        outcome: delivery.outcome.into(),
        execution: delivery.execution.map(|id: ExecutionId| id.0),
        data_date: delivery.data_date.map(|date: DataDate| date.to_string()),
        reason: reason_of(delivery, lang),
        repeated,
    }
}

/// Why a delivery started nothing, as a sentence; what a newer version has written down as it stands there.
fn reason_of(delivery: &Delivery, lang: Lang) -> Option<String> {
    if delivery.reason.is_empty() {
        return None;
    }
    let known = Reason::of_text(&delivery.reason);
    let told = known.map(|reason| sentence(&reason, lang));
    Some(told.unwrap_or_else(|| delivery.reason.clone()))
}

fn sentence(reason: &Reason, lang: Lang) -> String {
    reason.told(lang, |code| title_of(code, lang))
}

/// A sample of what a webhook gets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookTrialBody, example = json!({"body": {"kind": "complete", "data": {"date": "2026-11-21"}}}))]
struct TrialBody {
    /// What would come: any JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    body: Value,
}

/// What would come of a sample.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTrial)]
pub(super) struct TrialDto {
    /// What would become of it.
    outcome: OutcomeDto,
    /// Why nothing would be started.
    reason: Option<String>,
    /// Names of the flows that would be started.
    flows: Vec<String>,
    /// The date that they would be for.
    #[schema(example = "2026-11-21")]
    data_date: Option<String>,
    /// The params that they would get.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    params: crate::interchange::TextMap,
}

/// Tells what a delivery with this body would come to if it came now, signed as it should be. Nothing is started or recorded.
#[utoipa::path(post, operation_id = "test_webhook", path = "/api/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = u64, Path)),
    request_body = TrialBody, responses(
    (status = 200, body = TrialDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn test<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TrialDto>, Problem> {
    let TrialBody { body } = body.json(&[]).await?;
    let id = WebhookId(id);
    let found = find(&app, &caller, id.into(), move |engine| {
        let hook = engine.webhook(id)?;
        let flows = hook.flows.iter().filter_map(|flow| engine.flow(*flow));
        let flows: Vec<String> = flows.map(|flow| flow.name.clone()).collect();
        Some((Arc::new((Arc::clone(hook), flows)), hook.directory.clone()))
    });
    let found = found.await?;
    let (hook, flows) = (&found.0, &found.1);
    let verdict = match hook.enabled {
        true => hook::read(hook, body.to_string().as_bytes(), app.clock.now()),
        false => Verdict::Refused(Reason::Disabled),
    };
    let nothing = |outcome, reason: &Reason| TrialDto {
        outcome,
        reason: Some(sentence(reason, caller.lang)),
        flows: Vec::new(),
        data_date: None,
        params: params_to_map(&[]),
    };
    Ok(Json(match verdict {
        Verdict::Start(reading) => TrialDto {
            outcome: OutcomeDto::Started,
            reason: None,
            flows: flows.clone(),
            data_date: Some(reading.data_date.to_string()),
            params: params_to_map(&reading.params),
        },
        Verdict::Filtered(reason) => nothing(OutcomeDto::Filtered, &reason),
        Verdict::Refused(reason) => nothing(OutcomeDto::Refused, &reason),
    }))
}

/// Something that came to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryDto {
    /// Its id.
    id: u64,
    /// What its sender calls it; empty if it has no name.
    name: String,
    /// When it came first.
    first_at: String,
    /// When it came last.
    at: String,
    /// How often it came.
    tries: u32,
    /// Where it came from last.
    #[schema(example = "10.0.0.9")]
    address: String,
    /// What became of it.
    outcome: OutcomeDto,
    /// Why it started nothing.
    reason: Option<String>,
    /// The execution that it started.
    execution: Option<u64>,
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: Option<String>,
    /// What came; of much, the first 64 KiB.
    body: String,
    /// Bytes of all that came.
    body_bytes: u64,
}

impl DeliveryDto {
    fn of(row: DeliveryRow, lang: Lang) -> Self {
        let reason = reason_of(&row.delivery, lang);
        let delivery = row.delivery;
        Self {
            id: row.id.0,
            name: delivery.name,
            first_at: row.first_at.to_string(),
            at: delivery.at.to_string(),
            tries: row.tries,
            address: delivery.address,
            outcome: delivery.outcome.into(),
            reason,
            execution: delivery.execution.map(|id| id.0),
            data_date: delivery.data_date.map(|date| date.to_string()),
            body: delivery.body,
            body_bytes: delivery.body_bytes,
        }
    }
}

/// Lists what came to a webhook, the latest first: the last 1,000 deliveries that were taken or filtered out and the last 100 that
/// were refused, for 30 days.
#[utoipa::path(get, operation_id = "list_deliveries", path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = u64, Path),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<DeliveryDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn deliveries<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<PageDto<DeliveryDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    query.finish()?;
    let id = WebhookId(id);
    if read(app.history.definition(id.into())).await?.is_none() {
        return Err(hcndc_core::model::DefinitionId::from(id).into());
    }
    let Some(deliveries) = &app.deliveries else {
        return Ok(Json(asked.tell_items(Vec::new(), None)));
    };
    let page = deliveries.deliveries(id, &asked.page).await?;
    let tell = |row| DeliveryDto::of(row, caller.lang);
    Ok(Json(asked.tell(page, tell)))
}
