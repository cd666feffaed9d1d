//! `/jobs/{id}/preview`: what an executor would be sent to run a job for a date.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    engine::{Preview, PreviewAsk},
    id::JobId,
    model::DefinitionId,
    port::{History, Transport},
};
use hcndc_exec::executor::{self, CommandPreview, template::Context};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    dates::{data_date, date_format},
    needs::WRITE,
    problem::{Problem, ProblemDto},
    revision::map_to_params,
    route::{HandedTo as _, Json, Route, at_id, body, caller, having},
    trials::{asked, find},
};
use crate::{app::App, interchange::TextMap};

const PREVIEW: &str = "/api/v1/jobs/{id}/preview";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at_id::<u64>(PREVIEW)
        .and(having(app))
        .and(caller())
        .and(body());
    vec![Route::post(PREVIEW, WRITE, args.handed_to(preview)).by_leader()]
}

/// For which run a job is looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewBody, example = json!({"data_date": "2026-11-21", "params": {"TABLE": "orders"}}))]
pub(super) struct PreviewBody {
    /// The date that it would be for. Default: yesterday in the server's zone.
    #[serde(default)]
    #[schema(example = "2026-11-21")]
    data_date: Option<String>,
    /// How placeholders write dates that do not say so themselves, as `strftime` does. Default: `%Y-%m-%d`.
    #[serde(default)]
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
    /// Values that would go before the flow's and the job's own.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
}

/// What an executor would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(super) struct PreviewDto {
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// The line for the shell, or the script; the request, the statements or Kettle's command line of jobs of other kinds. Secrets are masked. Null
    /// where there is none.
    #[schema(example = "sh load.sh orders 20261121")]
    command: Option<String>,
    /// What a script is given.
    args: Vec<String>,
    /// Working directory; relative ones are below the executor's own.
    workdir: String,
    /// The job's environment, without what its executor passes on. Secrets are masked.
    env: BTreeMap<String, String>,
    /// Params whose value here stands for an output of another job, which is known only in an execution.
    outputs: Vec<String>,
    /// Why an attempt could not begin: a param's query gives no value, or a placeholder means nothing.
    trouble: Option<String>,
}

/// Tells what an executor would be sent to run a job for a data date: all params in their places, queries asked.
///
/// Ids of the execution and of the attempt are 0; a job that a schedule names gets no name of it.
#[utoipa::path(post, operation_id = "preview_job", path = "/api/v1/jobs/{id}/preview", tag = "jobs", params(("id" = u64, Path)),
    request_body(content = Option<PreviewBody>), responses(
    (status = 200, body = PreviewDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_job`"),
))]
pub(super) async fn preview<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<PreviewDto>, Problem> {
    let body: PreviewBody = body.optional_json().await?;
    let mut blames = Vec::new();
    let data_date = data_date(body.data_date.as_deref(), &mut blames);
    let date_format = date_format(body.date_format.as_deref(), &mut blames);
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    let ask = PreviewAsk {
        data_date: data_date.unwrap_or_else(|| app.yesterday()),
        date_format,
        params: map_to_params(&body.params),
        schedule: None,
    };
    let id = JobId(id);
    // Queries are asked: as for a test of a param, by whoever may change the job.
    let _ = find(&app, &caller, id.into(), move |engine| {
        let job = engine.job(id)?;
        Some((Arc::clone(job), engine.flow(job.flow)?.directory.clone()))
    })
    .await?;
    let date = ask.data_date;
    let preview = app.look(move |engine| engine.preview(id, &ask)).await?;
    let mut preview = preview.ok_or_else(|| Problem::from(DefinitionId::from(id)))?;
    let came = match resolve(&app, &mut preview).await? {
        Ok(()) => executor::preview(&preview.order),
        Err(trouble) => Err(trouble),
    };
    let (told, trouble) = match came {
        Ok(told) => (Some(told), None),
        Err(trouble) => (None, Some(trouble)),
    };
    let command = told.as_ref().map(|told| told.text.clone());
    let told = told.unwrap_or(CommandPreview {
        text: String::new(),
        args: Vec::new(),
        workdir: preview.order.workdir,
        env: BTreeMap::new(),
    });
    Ok(Json(PreviewDto {
        data_date: date.to_string(),
        command,
        args: told.args,
        workdir: told.workdir,
        env: told.env,
        outputs: preview.outputs,
        trouble,
    }))
}

/// Asks what must be asked, in turn; the first that has no value is told.
async fn resolve<H: History, T: Transport>(
    app: &App<H, T>,
    preview: &mut Preview,
) -> Result<Result<(), String>, Problem> {
    for ask in std::mem::take(&mut preview.asks) {
        match asked(app, &ask, Context::from(&preview.order)).await? {
            Ok(value) => preview.order.set(ask.name, value),
            Err(why) => return Ok(Err(format!("param {}: {why}", ask.name))),
        }
    }
    Ok(Ok(()))
}
