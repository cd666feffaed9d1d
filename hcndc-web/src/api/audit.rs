//! `/audit`: who did what to what, before and after, from where.

use std::sync::Arc;

use hcndc_core::port::{AuditQuery, AuditRow, History, Transport};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    needs::ADMIN,
    page::{Asked, NEWEST_FIRST, PageDto},
    problem::{Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Json, Route, at, having, query},
    users::auth,
};
use crate::app::App;

const AUDIT: &str = "/api/v1/audit";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(AUDIT).and(having(app)).and(query());
    vec![Route::get(AUDIT, ADMIN, args.handed_to(list))]
}

/// Something that somebody did, or tried to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct AuditDto {
    /// Its id.
    id: u64,
    /// When.
    at: String,
    /// Who; for a failed sign-in, who they said they were.
    #[schema(example = "ann")]
    account: String,
    /// Where from.
    #[schema(example = "10.0.0.9")]
    address: String,
    /// How the caller was known: `session`, `token`, `password` (at a sign-in), `open`, or `cli` for the server's host.
    #[schema(example = "session")]
    method: String,
    /// What was done: `create`, `change`, `delete`, `start`, `stop`, `sign_in`, …
    #[schema(example = "change")]
    action: String,
    /// To what kind of thing.
    #[schema(example = "flow")]
    kind: String,
    /// Its id, if it has one.
    object: Option<u64>,
    /// Its name, if it has one.
    name: String,
    /// What it was before, without secrets.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// What it is now, without secrets.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

impl From<AuditRow> for AuditDto {
    fn from(row: AuditRow) -> Self {
        let entry = row.entry;
        let json = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            id: row.id.0,
            at: entry.at.to_string(),
            account: entry.account,
            address: entry.address,
            method: entry.method,
            action: entry.action,
            kind: entry.kind,
            object: entry.object,
            name: entry.name,
            before: json(entry.before),
            after: json(entry.after),
        }
    }
}

/// Lists what people did, the latest first. Entries are never changed; they go when they are older than `--keep-audit`.
#[utoipa::path(get, operation_id = "list_audit", path = "/api/v1/audit", tag = "users", params(
    ("account" = Option<String>, Query, description = "By this account"),
    ("action" = Option<String>, Query, description = "Such as `change` or `sign_in_failed`"),
    ("kind" = Option<String>, Query, description = "To this kind of thing, such as `flow`"),
    ("id" = Option<u64>, Query, description = "To the thing of this id"),
    ("text" = Option<String>, Query, description = "Account or name holds this"),
    ("since" = Option<String>, Query, description = "At this time or later"),
    ("until" = Option<String>, Query, description = "Before this time"),
    ("sort" = Option<String>, Query, description = "`id` or `-id` (default)"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = PageDto<AuditDto>),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn list<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<PageDto<AuditDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let wanted = AuditQuery {
        account: query.text("account"),
        action: query.text("action"),
        kind: query.text("kind"),
        object: query.id("id"),
        text: query.text("text").unwrap_or_default(),
        since: query.time("since"),
        until: query.time("until"),
        page: asked.page.clone(),
    };
    query.finish()?;
    let page = auth(&app)?.accounts().audit(&wanted).await?;
    Ok(Json(asked.tell(page, AuditDto::from)))
}
