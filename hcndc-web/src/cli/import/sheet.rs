//! A sheet of flows or jobs: into a database that nobody leads, or to a server.

use std::path::Path;

use hcndc_core::{
    engine::{Engine, Settings},
    port::{Clock as _, Store as _},
    scheduler::SchedulerError,
};
use hcndc_store_mysql::{SqlError, SqlStore};
use serde::Deserialize;

use super::{
    super::{
        Exit,
        alone::{self, AloneError},
        client::{ClientError, Served},
        pick, print, say, warn, warn_error, warn_faults,
    },
    ImportArgs, SheetName,
};
use crate::{
    clock::SystemClock,
    interchange::{Fault, Lang, RowOutcome, SheetKind, SheetPlan, plan_sheet, sheet_kind},
};

/// Who does it.
const BY: &str = "hcndc import";

/// Letters of a text that a change shows, at most.
const SHOWN: usize = 60;

/// Why a sheet was not put.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error(transparent)]
    Alone(#[from] AloneError),
    #[error("the scheduler failed")]
    Scheduler(#[from] SchedulerError<SqlError>),
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
    /// They are told one by one.
    #[error("the sheet is wrong")]
    Faults(Vec<Fault>),
}

/// Whether a file is a sheet by its name.
pub(super) fn is_sheet(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    matches!(&*extension, "csv" | "tsv" | "xlsx" | "xls")
}

pub(super) fn run(args: &ImportArgs, path: &Path, lang: Lang) -> Exit {
    let name = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let doing = pick(lang, "cannot read the sheet", "无法读取表格");
            warn_error(lang, doing, &error);
            return Exit::Wrong;
        }
    };
    let kind = args.sheet.map(SheetName::kind);
    let work = async {
        match args.server.named(lang)? {
            Some(served) => {
                let kind = kind.map_or_else(|| sheet_kind(&name, &bytes), Ok);
                let kind = kind.map_err(Failed::Faults)?;
                through(&served, kind, bytes, args.dry_run).await
            }
            None => put(args, &name, &bytes, kind, lang).await,
        }
    };
    let runtime = super::super::runtime().map_err(Failed::Runtime);
    match runtime.and_then(|runtime| runtime.block_on(work)) {
        Ok(told) => told.print(&name, args.dry_run, lang),
        Err(Failed::Faults(faults)) => {
            warn_faults(lang, &faults);
            Exit::Wrong
        }
        Err(Failed::Server(error)) => {
            let doing = pick(lang, "cannot import", "无法导入");
            warn(format_args!("{doing}: {}", error.message(lang)));
            error.exit()
        }
        Err(error) => {
            warn_error(lang, pick(lang, "cannot import", "无法导入"), &error);
            Exit::Failed
        }
    }
}

/// Puts a sheet into a database, or only finds out what would become of it.
async fn put(
    args: &ImportArgs,
    name: &str,
    bytes: &[u8],
    kind: Option<SheetKind>,
    lang: Lang,
) -> Result<Told, Failed> {
    let plan = |engine: &Engine| {
        let plan = plan_sheet(name, bytes, kind, engine, lang);
        plan.map_err(Failed::Faults)
    };
    // Its tables are not changed by the way: that is for a start, or for `hcndc db migrate`.
    let upkeep = args.database.open().await?;
    let snapshot = upkeep.store().await?.load().await?;
    upkeep.close().await?;
    let now = SystemClock::new().now();
    let engine = Engine::load(now, Settings::default(), snapshot);
    let planned = plan(&engine.map_err(SchedulerError::Inconsistent)?)?;
    if args.dry_run || planned.edits.is_empty() {
        return Ok(Told::of(planned, lang));
    }
    let store = SqlStore::connect_with(&args.database.options()).await?;
    let mut told = None;
    // By the definitions as they are now that nobody else can change them.
    let done = alone::edit(&store, BY, |engine| {
        let planned = plan(engine)?;
        let edits = planned.edits.clone();
        told = Some(planned);
        Ok::<_, Failed>(edits)
    })
    .await;
    store.close().await?;
    done?;
    Ok(told.map_or_else(Told::default, |plan| Told::of(plan, lang)))
}

/// Gives a sheet to a server.
async fn through(
    server: &Served,
    kind: SheetKind,
    bytes: Vec<u8>,
    dry_run: bool,
) -> Result<Told, Failed> {
    let path = format!("/api/v1/sheets/{}?dry_run={dry_run}", kind.word());
    let answer = server
        .post(&path, "application/octet-stream", bytes)
        .await?;
    Ok(server.read(&answer)?)
}

/// What became of a sheet, or would; as a server tells it.
#[derive(Debug, Default, Deserialize)]
struct Told {
    rows: Vec<ToldRow>,
    notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct ToldRow {
    row: u32,
    name: String,
    outcome: Outcome,
    changes: Vec<ToldChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Created,
    Changed,
    Unchanged,
}

#[derive(Debug, Deserialize)]
struct ToldChange {
    column: String,
    before: String,
    after: String,
}

impl Told {
    fn of(plan: SheetPlan, lang: Lang) -> Self {
        let rows = plan.rows.into_iter().map(|row| ToldRow {
            row: row.row,
            name: row.name,
            outcome: match row.outcome {
                RowOutcome::Created => Outcome::Created,
                RowOutcome::Changed => Outcome::Changed,
                RowOutcome::Unchanged => Outcome::Unchanged,
            },
            changes: row
                .changes
                .into_iter()
                .map(|change| ToldChange {
                    column: change.column.word().to_owned(),
                    before: change.before,
                    after: change.after,
                })
                .collect(),
        });
        Self {
            rows: rows.collect(),
            notes: plan.notes.iter().map(|note| note.message(lang)).collect(),
        }
    }

    /// Prints it: what would be done row by row, what was done in figures.
    fn print(&self, name: &str, dry_run: bool, lang: Lang) -> Exit {
        let of = |outcome| {
            let rows = self.rows.iter();
            rows.filter(move |row| row.outcome == outcome).count()
        };
        if dry_run {
            let rows = self.rows.iter();
            for row in rows.filter(|row| row.outcome != Outcome::Unchanged) {
                row.say(lang);
            }
        }
        for note in &self.notes {
            warn(note);
        }
        let (created, changed) = (of(Outcome::Created), of(Outcome::Changed));
        let unchanged = of(Outcome::Unchanged);
        print(
            lang,
            match (lang, dry_run) {
                (Lang::En, false) => {
                    format!("{name}: {created} created, {changed} changed, {unchanged} unchanged")
                }
                (Lang::En, true) => format!(
                    "{name}: {created} would be created, {changed} changed, {unchanged} unchanged"
                ),
                (Lang::Zh, false) => {
                    format!("{name}：新建 {created} 行，修改 {changed} 行，{unchanged} 行不变")
                }
                (Lang::Zh, true) => {
                    format!("{name}：将新建 {created} 行，修改 {changed} 行，{unchanged} 行不变")
                }
            },
        )
    }
}

impl ToldRow {
    fn say(&self, lang: Lang) {
        let Self { row, name, .. } = self;
        let outcome = match self.outcome {
            Outcome::Created => pick(lang, "created", "新建"),
            Outcome::Changed => pick(lang, "changed", "修改"),
            Outcome::Unchanged => pick(lang, "unchanged", "不变"),
        };
        let row_word = pick(lang, "row", "行");
        say(format_args!("{row_word} {row}: {name}: {outcome}"));
        if self.outcome == Outcome::Changed {
            for change in &self.changes {
                let (before, after) = (shown(&change.before), shown(&change.after));
                say(format_args!(
                    "    {}: {before:?} → {after:?}",
                    change.column
                ));
            }
        }
    }
}

/// As much of a text as a line has room for.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
