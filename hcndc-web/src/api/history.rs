//! `/{kind}/{id}/history`: what became of a definition, by the audit trail: who made which version of it, and what of it
//! was how before and after.

use std::sync::Arc;

use hcndc_core::port::{
    AuditQuery, AuditRow, Cursor, CursorValue, Direction, History, PageRequest, Permission,
    Transport,
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    caller::Caller,
    many::{Kind, kinds},
    needs::READ,
    page::{Asked, NEWEST_FIRST, PageDto},
    problem::Problem,
    query::Query,
    route::{HandedTo as _, Json, Route, at_id, caller, having, query},
    users::auth,
};
use crate::app::App;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let route = |kind: Kind| {
        let with = having(&kind).and(having(app));
        let one = at_id::<u64>(kind.history).and(with).and(caller());
        Route::get(kind.history, READ, one.and(query()).handed_to(history))
    };
    kinds().into_iter().map(route).collect()
}

/// Something that was done to a definition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub(super) struct HistoryDto {
    /// Its id, which is that of the audit trail.
    id: u64,
    /// When.
    at: String,
    /// Who.
    #[schema(example = "ann")]
    account: String,
    /// Where from; told to those who may `admin`.
    #[schema(example = "10.0.0.9")]
    address: Option<String>,
    /// How the caller was known: `session`, `token`, `open`, or `cli` for the server's host.
    #[schema(example = "session")]
    method: String,
    /// What was done: `create`, `change`, `delete`, `pause`, `resume`, …
    #[schema(example = "change")]
    action: String,
    /// What it was called.
    name: String,
    /// Which version came of it.
    #[schema(example = 3)]
    version: Option<u32>,
    /// What it was before, in the form of its bodies; a secret is `***`.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// What it was then, in the form of its bodies; a secret is `***`, and `*** (new)` if it differs from the one before.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

impl HistoryDto {
    fn new(row: AuditRow, with_address: bool) -> Self {
        let entry = row.entry;
        let version = entry.after.as_deref().and_then(version);
        let json = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            id: row.id.0,
            at: entry.at.to_string(),
            account: entry.account,
            address: with_address.then_some(entry.address),
            method: entry.method,
            action: entry.action,
            name: entry.name,
            version,
            before: json(entry.before),
            after: json(entry.after),
        }
    }
}

/// The version that an entry tells.
fn version(told: &str) -> Option<u32> {
    let told: serde_json::Value = serde_json::from_str(told).ok()?;
    told.get("version")?.as_u64()?.try_into().ok()
}

/// Lists what was done to a definition, the latest first; also to one that is gone.
async fn history<H: History, T: Transport>(
    number: u64,
    kind: Kind,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<PageDto<HistoryDto>>, Problem> {
    let asked = Asked::of(&mut query, &NEWEST_FIRST);
    let entry = query.id("entry");
    query.finish()?;
    // One entry is the page that ends with it.
    let page = match entry {
        None => asked.page.clone(),
        Some(entry) => PageRequest {
            after: Some(Cursor {
                value: CursorValue::Id,
                id: entry.saturating_add(1),
            }),
            limit: 1,
            direction: Direction::Descending,
        },
    };
    let wanted = AuditQuery {
        account: None,
        action: None,
        kind: Some(kind.kind.as_str().replace(' ', "_")),
        object: Some(number),
        text: String::new(),
        since: None,
        until: None,
        page,
    };
    let mut page = auth(&app)?.accounts().audit(&wanted).await?;
    if let Some(entry) = entry {
        page.items.retain(|row| row.id.0 == entry);
        page.next = None;
    }
    let with_address = caller.may(Permission::Admin);
    Ok(Json(
        asked.tell(page, |row| HistoryDto::new(row, with_address)),
    ))
}
