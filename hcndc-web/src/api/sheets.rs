//! `/sheets`: flows and jobs as csv and workbooks.

use std::sync::Arc;

use hcndc_core::port::{History, Transport};
use serde::Serialize;
use utoipa::ToSchema;
use warp::{
    Filter as _,
    http::{HeaderValue, header},
    reply::Response,
};

use super::{
    body::Body,
    caller::Caller,
    definition::retry_stale,
    mesh::aside,
    needs::{READ, WRITE},
    problem::{Blame, Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Json, Route, at, body, caller, having, query},
};
use crate::{
    app::App,
    causes::with_causes,
    interchange::{
        CellChange, ExportError, Lang, MOST_SHEET_BYTES, RowOutcome, SheetFormat, SheetKind,
        SheetPlan, SheetRow, SheetWriteError, export_sheet, plan_sheet, sheet_template,
    },
};

const FLOWS: &str = "/api/v1/sheets/flows";
const JOBS: &str = "/api/v1/sheets/jobs";
const FLOW_TEMPLATE: &str = "/api/v1/sheets/flows/template";
const JOB_TEMPLATE: &str = "/api/v1/sheets/jobs/template";

/// What sheets are sent as; what they are, their first bytes tell.
const MEDIA_TYPES: [&str; 6] = [
    "text/csv",
    "application/csv",
    "text/tab-separated-values",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/octet-stream",
];

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let import = |template| {
        let args = at(template).and(having(app)).and(caller());
        args.and(query()).and(body())
    };
    let export = |template| {
        let args = at(template).and(having(app)).and(caller());
        args.and(query())
    };
    let template = |template| at(template).and(caller()).and(query());
    vec![
        Route::get(FLOWS, READ, export(FLOWS).handed_to(export_flows)).by_leader(),
        Route::get(JOBS, READ, export(JOBS).handed_to(export_jobs)).by_leader(),
        Route::get(
            FLOW_TEMPLATE,
            READ,
            template(FLOW_TEMPLATE).handed_to(flow_template),
        ),
        Route::get(
            JOB_TEMPLATE,
            READ,
            template(JOB_TEMPLATE).handed_to(job_template),
        ),
        Route::post(FLOWS, WRITE, import(FLOWS).handed_to(import_flows)),
        Route::post(JOBS, WRITE, import(JOBS).handed_to(import_jobs)),
    ]
}

/// What became of a sheet, or would.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SheetApplied {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Rows that made a definition.
    #[schema(example = 2)]
    created: usize,
    /// Rows that changed one.
    #[schema(example = 1)]
    changed: usize,
    /// Rows that said nothing new.
    #[schema(example = 12)]
    unchanged: usize,
    /// Each row.
    rows: Vec<SheetRowDto>,
    /// What the sheet says and nothing comes of, in the caller's language.
    notes: Vec<String>,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SheetRow)]
struct SheetRowDto {
    /// Its number, from 1, with the header.
    #[schema(example = 2)]
    row: u32,
    /// The definition; a job as `flow/job`.
    #[schema(example = "load/orders")]
    name: String,
    /// `created`, `changed` or `unchanged`.
    #[schema(example = "changed")]
    outcome: &'static str,
    /// What changed.
    changes: Vec<CellChangeDto>,
}

/// How a column of a definition changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CellChange)]
struct CellChangeDto {
    /// The column: `name`, `description`, `directory`, `data_date`, `retries`, `depends_on`, `flow`, `executor`, `workdir`,
    /// `command`, `params` or `success_codes`.
    #[schema(example = "command")]
    column: &'static str,
    /// What it said; empty for a new definition.
    #[schema(example = "sh load.sh")]
    before: String,
    /// What it says.
    #[schema(example = "sh load.sh --all")]
    after: String,
}

impl SheetApplied {
    fn new(dry_run: bool, plan: SheetPlan, lang: Lang) -> Self {
        Self {
            dry_run,
            created: plan.count(RowOutcome::Created),
            changed: plan.count(RowOutcome::Changed),
            unchanged: plan.count(RowOutcome::Unchanged),
            rows: plan.rows.into_iter().map(SheetRowDto::from).collect(),
            notes: plan.notes.iter().map(|note| note.message(lang)).collect(),
        }
    }
}

impl From<SheetRow> for SheetRowDto {
    fn from(row: SheetRow) -> Self {
        Self {
            row: row.row,
            name: row.name,
            outcome: match row.outcome {
                RowOutcome::Created => "created",
                RowOutcome::Changed => "changed",
                RowOutcome::Unchanged => "unchanged",
            },
            changes: row.changes.into_iter().map(CellChangeDto::from).collect(),
        }
    }
}

impl From<CellChange> for CellChangeDto {
    fn from(change: CellChange) -> Self {
        Self {
            column: change.column.word(),
            before: change.before,
            after: change.after,
        }
    }
}

/// Gives out all flows as a sheet; put back, it changes nothing.
#[utoipa::path(get, operation_id = "export_flow_sheet", path = "/api/v1/sheets/flows", tag = "sheets", params(
    ("format" = Option<String>, Query, description = "`csv` (default) or `xlsx`"),
    ("lang" = Option<String>, Query, description = "Language of the headers, `en` or `zh`; default: by `Accept-Language`"),
), responses(
    (status = 200, body = String, content_type = "text/csv", description = "Or a workbook: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`not_exportable`: a text is too long for a workbook"),
))]
pub(super) async fn export_flows<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    export(SheetKind::Flows, &app, &caller, query).await
}

/// Gives out all jobs as a sheet; put back, it changes nothing.
#[utoipa::path(get, operation_id = "export_job_sheet", path = "/api/v1/sheets/jobs", tag = "sheets", params(
    ("format" = Option<String>, Query, description = "`csv` (default) or `xlsx`"),
    ("lang" = Option<String>, Query, description = "Language of the headers, `en` or `zh`; default: by `Accept-Language`"),
), responses(
    (status = 200, body = String, content_type = "text/csv", description = "Or a workbook: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`not_exportable`: a text is too long for a workbook"),
))]
pub(super) async fn export_jobs<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    export(SheetKind::Jobs, &app, &caller, query).await
}

async fn export<H: History, T: Transport>(
    kind: SheetKind,
    app: &App<H, T>,
    caller: &Caller,
    query: Query,
) -> Result<Response, Problem> {
    let (format, lang) = form(query, caller)?;
    let engine = app.look(Clone::clone).await?;
    let bytes = aside(move || Ok(export_sheet(kind, format, lang, &engine)?)).await?;
    Ok(file(bytes, kind.word(), format))
}

/// Gives out an empty sheet of flows to fill in, with help and an example.
#[utoipa::path(get, operation_id = "flow_sheet_template", path = "/api/v1/sheets/flows/template", tag = "sheets", params(
    ("format" = Option<String>, Query, description = "`csv` (default) or `xlsx`"),
    ("lang" = Option<String>, Query, description = "Its language, `en` or `zh`; default: by `Accept-Language`"),
), responses(
    (status = 200, body = String, content_type = "text/csv", description = "Or a workbook: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn flow_template(caller: Caller, query: Query) -> Result<Response, Problem> {
    template(SheetKind::Flows, &caller, query)
}

/// Gives out an empty sheet of jobs to fill in, with help and an example.
#[utoipa::path(get, operation_id = "job_sheet_template", path = "/api/v1/sheets/jobs/template", tag = "sheets", params(
    ("format" = Option<String>, Query, description = "`csv` (default) or `xlsx`"),
    ("lang" = Option<String>, Query, description = "Its language, `en` or `zh`; default: by `Accept-Language`"),
), responses(
    (status = 200, body = String, content_type = "text/csv", description = "Or a workbook: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn job_template(caller: Caller, query: Query) -> Result<Response, Problem> {
    template(SheetKind::Jobs, &caller, query)
}

fn template(kind: SheetKind, caller: &Caller, query: Query) -> Result<Response, Problem> {
    let (format, lang) = form(query, caller)?;
    let bytes = sheet_template(kind, format, lang)?;
    Ok(file(bytes, &format!("{}-template", kind.word()), format))
}

/// What a sheet is to be written as, and in which language.
fn form(mut query: Query, caller: &Caller) -> Result<(SheetFormat, Lang), Problem> {
    let formats = [("csv", SheetFormat::Csv), ("xlsx", SheetFormat::Xlsx)];
    let format = query.word("format", &formats);
    let lang = query.word("lang", &[("en", Lang::En), ("zh", Lang::Zh)]);
    query.finish()?;
    Ok((
        format.unwrap_or(SheetFormat::Csv),
        lang.unwrap_or(caller.visitor.lang),
    ))
}

/// A file to save under a name.
fn file(bytes: Vec<u8>, name: &str, format: SheetFormat) -> Response {
    let (media_type, extension) = match format {
        SheetFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        SheetFormat::Xlsx => (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
        ),
    };
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let disposition = format!("attachment; filename=\"hcndc-{name}.{extension}\"");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

impl From<SheetWriteError> for Problem {
    fn from(error: SheetWriteError) -> Self {
        match error {
            SheetWriteError::TooLong { name, length } => {
                Self::NotExportable(ExportError::TooLong { name, length })
            }
            other => {
                tracing::error!(error = with_causes(&other), "a sheet cannot be written");
                Self::Internal
            }
        }
    }
}

/// Makes and changes flows by a sheet: csv, xlsx or xls; all of its rows or none.
///
/// A row is about the flow of its name; columns that the sheet has not stay as they are. All faults are told together, with row
/// and column. The columns stand in docs/SHEETS.md.
#[utoipa::path(post, operation_id = "import_flow_sheet", path = "/api/v1/sheets/flows", tag = "sheets", params(
    ("dry_run" = Option<bool>, Query, description = "Only tell what would become of each row"),
), request_body(content = String, content_type = "text/csv", description = "Csv in UTF-8, UTF-16 or GB18030, or an xlsx or xls workbook, whose first sheet with anything in it counts; at most 32 MiB and 100,000 rows",
    example = "number,flow name,flow directory,retries,depends on numbers\n1,extract,/retail,,\n2,load,/retail,1,1\n"), responses(
    (status = 200, body = SheetApplied),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`: somebody changed the same again and again"),
    (status = 413, body = ProblemDto, content_type = "application/problem+json"),
    (status = 415, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_sheet`, with all faults: `line` is the row, `column` the column, from 1"),
))]
pub(super) async fn import_flows<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    query: Query,
    body: Body,
) -> Result<Json<SheetApplied>, Problem> {
    import(SheetKind::Flows, &app, &caller, query, body).await
}

/// Makes and changes jobs by a sheet: csv, xlsx or xls; all of its rows or none.
///
/// A row is about the job of its name in the flow that it names; columns that the sheet has not stay as they are. All faults are
/// told together, with row and column. The columns stand in docs/SHEETS.md.
#[utoipa::path(post, operation_id = "import_job_sheet", path = "/api/v1/sheets/jobs", tag = "sheets", params(
    ("dry_run" = Option<bool>, Query, description = "Only tell what would become of each row"),
), request_body(content = String, content_type = "text/csv", description = "Csv in UTF-8, UTF-16 or GB18030, or an xlsx or xls workbook, whose first sheet with anything in it counts; at most 32 MiB and 100,000 rows",
    example = "number,flow id,job name,command,depends on numbers,depends on ids\n1,load,orders,sh orders.sh,,extract/orders\n2,load,items,sh items.sh,1,\n"), responses(
    (status = 200, body = SheetApplied),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`stale`: somebody changed the same again and again"),
    (status = 413, body = ProblemDto, content_type = "application/problem+json"),
    (status = 415, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_sheet`, with all faults: `line` is the row, `column` the column, from 1"),
))]
pub(super) async fn import_jobs<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    query: Query,
    body: Body,
) -> Result<Json<SheetApplied>, Problem> {
    import(SheetKind::Jobs, &app, &caller, query, body).await
}

async fn import<H: History, T: Transport>(
    kind: SheetKind,
    app: &Arc<App<H, T>>,
    caller: &Caller,
    mut query: Query,
    body: Body,
) -> Result<Json<SheetApplied>, Problem> {
    let dry_run = query.flag("dry_run").unwrap_or(false);
    query.finish()?;
    let lang = caller.visitor.lang;
    let bytes = body
        .bytes(&MEDIA_TYPES, "text/csv", MOST_SHEET_BYTES)
        .await?;
    let plan = retry_stale(false, || async {
        let engine = app.look(Clone::clone).await?;
        let bytes = bytes.clone();
        let plan = aside(move || {
            let plan = plan_sheet("sheet", &bytes, Some(kind), &engine, lang);
            plan.map_err(|faults| Problem::BadSheet(Blame::of_faults(faults)))
        })
        .await?;
        if !dry_run && !plan.edits.is_empty() {
            app.edit(caller, plan.edits.clone()).await?;
        }
        Ok(plan)
    })
    .await?;
    Ok(Json(SheetApplied::new(dry_run, plan, lang)))
}
