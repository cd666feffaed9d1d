//! Connections, tried out: what a data source or a file server answers, what a shared param comes to, whether an alert channel
//! reaches anybody.
//!
//! A test that fails is a good answer: it says why, in the other side's own words. Whoever may change a definition may try
//! it out; nothing is stored of it, and a value that a query gives is told to whoever asked, and nobody else.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use hcndc_core::{
    engine::{Engine, ParamAsk},
    id::{AlertChannelId, DataSourceId, FileServerId, ParamId},
    model::{ContextValue, DefinitionId, ParamKind},
    port::{Clock as _, History, Permission, Transport},
};
use hcndc_exec::executor::template::{self, Context};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    dates::{data_date, date_format},
    denial::Denial,
    needs::WRITE,
    problem::{Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at_id, body, caller, having},
};
use crate::{
    app::App,
    connect::{
        alert::{self, Message, story::Story},
        source::query,
    },
};

const DATA_SOURCE: &str = "/api/v1/data-sources/{id}/test";
const FILE_SERVER: &str = "/api/v1/file-servers/{id}/test";
const PARAM: &str = "/api/v1/params/{id}/test";
const CHANNEL: &str = "/api/v1/alert-channels/{id}/test";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = |template| {
        at_id::<u64>(template)
            .and(app.clone())
            .and(caller())
            .and(body())
    };
    vec![
        Route::post(DATA_SOURCE, WRITE, one(DATA_SOURCE).handed_to(data_source)),
        Route::post(FILE_SERVER, WRITE, one(FILE_SERVER).handed_to(file_server)),
        Route::post(PARAM, WRITE, one(PARAM).handed_to(param)),
        Route::post(CHANNEL, WRITE, one(CHANNEL).handed_to(alert_channel)),
    ]
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trial, example = json!({"ok": true, "said": "10.11.6-MariaDB", "took_ms": 12}))]
pub(super) struct TrialDto {
    /// Whether all is well.
    ok: bool,
    /// The version of a data source, the host key or the greeting of a file server, the value of a param; or why there is none, in the other side's own words.
    said: String,
    /// How long it took.
    took_ms: u64,
}

/// For which date a param is tried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ParamTrial)]
pub(super) struct ParamTrialBody {
    /// The data date of placeholders. Default: yesterday in the server's zone.
    #[serde(default)]
    #[schema(example = "2026-11-21")]
    data_date: Option<String>,
    /// How placeholders write dates that do not say so themselves, as `strftime` does. Default: `%Y-%m-%d`.
    #[serde(default)]
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
}

/// Nothing is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Tells what came of something that began then.
fn told(begun: Instant, came: Result<String, String>) -> Json<TrialDto> {
    let ok = came.is_ok();
    let (Ok(said) | Err(said)) = came;
    Json(TrialDto {
        ok,
        said,
        took_ms: took_ms(begun),
    })
}

/// Milliseconds since then.
pub(super) fn took_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A definition that this caller may change.
pub(super) async fn find<H, T, D: Send + 'static>(
    app: &App<H, T>,
    caller: &Caller,
    id: DefinitionId,
    find: impl FnOnce(&Engine) -> Option<(Arc<D>, String)> + Send + 'static,
) -> Result<Arc<D>, Problem>
where
    Arc<D>: Send,
{
    let found = app.look(find).await?;
    let (definition, directory) = found.ok_or_else(|| Problem::from(id))?;
    let permission = Permission::Write;
    match caller.may_in(permission, &directory) {
        true => Ok(definition),
        false => Err(Problem::Denied(Denial::ForbiddenThere {
            permission,
            directory,
        })),
    }
}

/// Connects to a data source anew, and tells its version.
#[utoipa::path(post, operation_id = "test_data_source", path = "/api/v1/data-sources/{id}/test", tag = "data-sources", params(("id" = u64, Path)), responses(
    (status = 200, body = TrialDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn data_source<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TrialDto>, Problem> {
    let Nothing {} = body.optional_json().await?;
    let id = DataSourceId(id);
    let source = find(&app, &caller, id.into(), move |engine| {
        let source = engine.data_source(id)?;
        Some((Arc::clone(source), source.directory.clone()))
    });
    let source = source.await?;
    let begun = Instant::now();
    let version = app.connect.pools.version(&source).await;
    Ok(told(begun, version.map_err(|error| error.reason)))
}

/// Connects to a file server anew, and tells what it says of itself: an SFTP server shows its host key, an FTP server a greeting.
#[utoipa::path(post, operation_id = "test_file_server", path = "/api/v1/file-servers/{id}/test", tag = "file-servers", params(("id" = u64, Path)), responses(
    (status = 200, body = TrialDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn file_server<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TrialDto>, Problem> {
    let Nothing {} = body.optional_json().await?;
    let id = FileServerId(id);
    let server = find(&app, &caller, id.into(), move |engine| {
        let server = engine.file_server(id)?;
        Some((Arc::clone(server), server.directory.clone()))
    });
    let server = server.await?;
    let begun = Instant::now();
    Ok(told(begun, app.connect.finder.try_out(&server).await))
}

/// Tells what a shared param comes to for a data date. Its query is asked; nothing is known of a run, so placeholders of its
/// values mean nothing.
#[utoipa::path(post, operation_id = "test_param", path = "/api/v1/params/{id}/test", tag = "params", params(("id" = u64, Path)),
    request_body(content = Option<ParamTrialBody>), responses(
    (status = 200, body = TrialDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn param<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TrialDto>, Problem> {
    let body: ParamTrialBody = body.optional_json().await?;
    let mut blames = Vec::new();
    let data_date = data_date(body.data_date.as_deref(), &mut blames);
    let format = date_format(body.date_format.as_deref(), &mut blames);
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    let data_date = data_date.unwrap_or_else(|| app.yesterday());
    let id = ParamId(id);
    let param = find(&app, &caller, id.into(), move |engine| {
        let param = engine.param(id)?;
        Some((Arc::clone(param), param.directory.clone()))
    });
    let param = param.await?;
    let begun = Instant::now();
    let values = BTreeMap::new();
    let context = query::trial(data_date, format.as_ref(), &values);
    let expanded =
        |text: &str| template::expand_value(text, context).map_err(|error| error.to_string());
    let came = match &param.kind {
        ParamKind::Static { value } => expanded(value),
        ParamKind::Context {
            value: ContextValue::ScheduleName,
        } => Ok(String::new()),
        ParamKind::Context { value } => expanded(&value.placeholder().unwrap_or_default()),
        ParamKind::Sql {
            data_source,
            query,
            timeout,
            column,
            value_type,
        } => {
            let ask = ParamAsk {
                param: param.id,
                name: param.name.clone(),
                data_source: *data_source,
                query: query.clone(),
                timeout: *timeout,
                column: column.clone(),
                value_type: *value_type,
            };
            asked(&app, &ask, context).await?
        }
    };
    Ok(told(begun, came))
}

/// What a param's query gives now, or why it gives no value.
pub(super) async fn asked<H: History, T: Transport>(
    app: &App<H, T>,
    ask: &ParamAsk,
    context: Context<'_>,
) -> Result<Result<String, String>, Problem> {
    let id = ask.data_source;
    let source = app.look(move |engine| engine.data_source(id).map(Arc::clone));
    let source = source.await?;
    let source = source.ok_or_else(|| Problem::from(DefinitionId::from(id)))?;
    let text = match query::fill_with(&ask.query, context, source.kind) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let row = app.connect.pools.ask(&source, &text, ask.timeout).await;
    let value = row.and_then(|row| row.value(ask.column.as_deref(), ask.value_type));
    Ok(value.map_err(|error| error.reason))
}

/// Sends an example of an alert on a channel, now: no grouping, limit or quiet hours hold it.
#[utoipa::path(post, operation_id = "test_alert_channel", path = "/api/v1/alert-channels/{id}/test", tag = "alert-channels", params(("id" = u64, Path)), responses(
    (status = 200, body = TrialDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn alert_channel<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<TrialDto>, Problem> {
    let Nothing {} = body.optional_json().await?;
    let id = AlertChannelId(id);
    let channel = find(&app, &caller, id.into(), move |engine| {
        let channel = engine.alert_channel(id)?;
        Some((Arc::clone(channel), channel.directory.clone()))
    });
    let channel = channel.await?;
    let (connect, now) = (&app.connect, app.clock.now());
    let manners = connect.manners.of(&channel.settings);
    let story = Story::example(now, manners.zone, connect.base_url.clone());
    let mut message = Message::new(id, manners, vec![story], 0);
    message.test = true;
    let begun = Instant::now();
    let sent = alert::send(&connect.http, &connect.vault, &channel, &message, now).await;
    let sent = sent.map(|()| String::new());
    Ok(told(begun, sent.map_err(|error| error.to_string())))
}
