//! `/drafts/check`: what is wrong with a change that somebody is still writing.
//!
//! It is asked while people type, so it costs little: nothing is copied unless what depends on what changes.

use std::sync::Arc;

use hcndc_core::{
    engine::{EditBatch, Engine, Input},
    port::{History, Transport},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    draft::{DraftEdit, edit},
    mesh::aside,
    needs::READ,
    problem::{Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, body, caller, having},
};
use crate::app::App;

const CHECK: &str = "/api/v1/drafts/check";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(CHECK).and(having(app)).and(caller()).and(body());
    vec![Route::post(CHECK, READ, args.handed_to(check)).by_leader()]
}

/// What a change would meet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DraftChecked)]
pub(super) struct CheckedDto {
    /// What it would be refused with, by the fields of its body; null if it would be done.
    problem: Option<ProblemDto>,
}

/// Tells what a change of one definition would be refused with, before anybody makes it. Nothing is stored.
///
/// A definition that has a secret is best checked with a stand-in for it.
#[utoipa::path(post, operation_id = "check_draft", path = "/api/v1/drafts/check", tag = "definitions", request_body = DraftEdit, responses(
    (status = 200, body = CheckedDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 413, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn check<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<CheckedDto>, Problem> {
    let draft: DraftEdit = body.json(&["kind"]).await?;
    let problem = match would_be_done(&app, &caller, draft).await {
        Ok(()) => None,
        // These are no answer to what was asked.
        Err(
            problem @ (Problem::SchedulerStopped
            | Problem::SchedulerSlow
            | Problem::NoLeader
            | Problem::Internal),
        ) => return Err(problem),
        Err(problem) => Some(problem),
    };
    let problem = problem.map(|it| without_within(it).to_dto(caller.lang));
    Ok(Json(CheckedDto { problem }))
}

async fn would_be_done<H: History, T: Transport>(
    app: &App<H, T>,
    caller: &Caller,
    draft: DraftEdit,
) -> Result<(), Problem> {
    let edit = app.look(move |engine| edit(engine, draft)).await??;
    let by = caller.by.clone();
    let edits = vec![edit];
    let input = Input::Edit(EditBatch { by, edits });
    app.may_command(caller, &input).await?;
    let Input::Edit(batch) = app.sealed(input).await? else {
        return Err(Problem::Internal);
    };
    let copy = app.look(move |engine: &Engine| {
        let ties = engine.check_edits(&batch).map_err(Problem::Refused)?;
        Ok::<_, Problem>(ties.then(|| (engine.clone(), batch)))
    });
    let Some((mut engine, batch)) = copy.await?? else {
        return Ok(());
    };
    // The copy's own time does as well as any.
    aside(move || {
        let tried = engine.apply(Timestamp::MIN, Input::Edit(batch));
        tried.map(drop).map_err(Problem::Refused)
    })
    .await
}

/// The same with fields as the definition's own path calls them.
fn without_within(problem: Problem) -> Problem {
    let Problem::BadBody(mut blames) = problem else {
        return problem;
    };
    for blame in &mut blames {
        let mut steps = blame.field.splitn(2, '.');
        if let (Some("put" | "patch"), rest) = (steps.next(), steps.next()) {
            blame.field = rest.unwrap_or_default().to_owned();
        }
        // It stands in a body of another shape.
        blame.position = None;
    }
    Problem::BadBody(blames)
}
