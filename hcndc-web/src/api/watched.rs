//! File events, looked at: what the scheduler saw last, and what would be found now.

use std::{sync::Arc, time::Instant};

use hcndc_core::{
    id::FileEventId,
    model::DefinitionId,
    port::{Clock as _, FoundFile, History, Look, Transport},
    watch,
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    needs::{READ, WRITE},
    problem::{Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at_id, body, caller, having},
    trials::{Nothing, find, took_ms},
};
use crate::app::App;

const TEST: &str = "/api/v1/file-events/{id}/test";
const WATCH: &str = "/api/v1/file-events/{id}/watch";

/// Files that a test tells at most.
const TOLD: usize = 200;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = |template| at_id::<u64>(template).and(app.clone()).and(caller());
    vec![
        Route::post(TEST, WRITE, one(TEST).and(body()).handed_to(test)),
        Route::get(WATCH, READ, one(WATCH).handed_to(state)).by_leader(),
    ]
}

/// What would be found now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileTrial)]
pub(super) struct FileTrialDto {
    /// Whether it could be looked.
    ok: bool,
    /// Why not, in the other side's own words.
    said: String,
    /// How long it took.
    took_ms: u64,
    /// The files that fit, by path; the first 200.
    files: Vec<FoundFileDto>,
    /// How many more fit.
    more: usize,
}

/// A file that fits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundFile)]
struct FoundFileDto {
    /// Where it is.
    path: String,
    /// Bytes that it has.
    size: u64,
    /// When the server says that it was changed last.
    modified_at: String,
    /// The data date that its name or path tells.
    data_date: Option<String>,
    /// What it is used by, once; null if it cannot be: its name tells no date, or is too long.
    key: Option<String>,
    /// Whether its marker lies beside it, or it needs none.
    complete: bool,
    /// Whether it has been used.
    used: bool,
}

/// What the scheduler saw last.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = FileWatch)]
pub(super) struct WatchDto {
    /// When it looked last; null if it has not since it leads: nobody waits, the event is not enabled, or its window has not come.
    looked_at: Option<String>,
    /// Files that fit and were used.
    used: usize,
    /// Files that fit and do not count yet: they change, are young, or lack their marker.
    waiting: usize,
    /// Files that cannot count: their names tell no date, or are too long.
    unfit: usize,
    /// Why it could not look, in the other side's own words; it tries again.
    trouble: Option<String>,
}

/// Looks for the files of an event now, and tells which fit. None is used by that.
#[utoipa::path(post, operation_id = "test_file_event", path = "/api/v1/file-events/{id}/test", tag = "file-events", params(("id" = u64, Path)), responses(
    (status = 200, body = FileTrialDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn test<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<FileTrialDto>, Problem> {
    let Nothing {} = body.optional_json().await?;
    let id = FileEventId(id);
    let found = find(&app, &caller, id.into(), move |engine| {
        let event = engine.file_event(id)?;
        let server = engine.file_server(event.server)?;
        let pair = (Arc::clone(event), Arc::clone(server));
        Some((Arc::new(pair), event.directory.clone()))
    });
    let found = found.await?;
    let (event, server) = (Arc::clone(&found.0), Arc::clone(&found.1));
    let begun = Instant::now();
    let look = Look {
        number: 0,
        dates: watch::dates(&event, app.clock.now()),
        event: Arc::clone(&event),
        server,
    };
    let files = match app.connect.finder.find(&look).await {
        Ok(files) => files,
        Err(said) => {
            return Ok(Json(FileTrialDto {
                ok: false,
                said,
                took_ms: took_ms(begun),
                files: Vec::new(),
                more: 0,
            }));
        }
    };
    let took_ms = took_ms(begun);
    let more = files.len().saturating_sub(TOLD);
    let files = app.look(move |engine| {
        let told = files.into_iter().take(TOLD);
        let told = told.map(|file: FoundFile| {
            let key = watch::key(&event, &file);
            FoundFileDto {
                used: key
                    .as_deref()
                    .is_some_and(|key| engine.is_file_used(id, key)),
                key,
                path: file.path,
                size: file.size,
                modified_at: file.modified.to_string(),
                data_date: file.date.map(|date| date.to_string()),
                complete: file.is_complete,
            }
        });
        told.collect()
    });
    Ok(Json(FileTrialDto {
        ok: true,
        said: String::new(),
        took_ms,
        files: files.await?,
        more,
    }))
}

/// Tells what the scheduler saw when it looked last for the files of an event.
#[utoipa::path(get, operation_id = "watch_file_event", path = "/api/v1/file-events/{id}/watch", tag = "file-events", params(("id" = u64, Path)), responses(
    (status = 200, body = WatchDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn state<H: History, T: Transport>(
    id: u64,
    app: Arc<App<H, T>>,
    _: Caller,
) -> Result<Json<WatchDto>, Problem> {
    let id = FileEventId(id);
    let known = app.look(move |engine| engine.file_event(id).is_some());
    if !known.await? {
        return Err(Problem::from(DefinitionId::from(id)));
    }
    let told = app.live.sight(id).map(|(at, sight)| WatchDto {
        looked_at: Some(at.to_string()),
        used: sight.used,
        waiting: sight.waiting,
        unfit: sight.unfit,
        trouble: sight.trouble,
    });
    Ok(Json(told.unwrap_or_default()))
}
