//! `hcndc db prune`.

use clap::Args;
use hcndc_store_mysql::{Pruned, SqlError};
use serde_json::json;

use super::DatabaseArgs;
use crate::{
    cli::{Exit, pick, print, serve::days},
    interchange::Lang,
    retention::{self, KeepFor},
};

/// Arguments of `db prune`.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Only say what would go, by table
    #[arg(long)]
    dry_run: bool,
    /// Executions that ended more days ago go, with all that belongs to them, firings, alerts and backfills; 0 for none
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    older_than: u32,
    /// What people did more days ago goes; 0 for nothing
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    audit_older_than: u32,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// May be called while servers are at work, and be interrupted.
pub(super) async fn run(args: &PruneArgs, lang: Lang) -> Result<Exit, SqlError> {
    let keep = KeepFor {
        history: days(args.older_than),
        audit: days(args.audit_older_than),
        logs: None,
    };
    let keep = keep.at(super::now());
    let upkeep = args.database.open().await?;
    let store = upkeep.store().await?;
    let pruned = match args.dry_run {
        true => store.prunable(keep).await?,
        false => retention::prune(store, keep).await?,
    };
    upkeep.close().await?;
    let text = match args.json {
        true => format!(
            "{:#}",
            json!({ "dry_run": args.dry_run, "rows": pruned.rows })
        ),
        false => as_text(&pruned, args.dry_run, lang),
    };
    Ok(print(lang, text))
}

fn as_text(pruned: &Pruned, dry_run: bool, lang: Lang) -> String {
    if pruned.rows.is_empty() {
        return pick(lang, "nothing is that old", "没有这么旧的记录").to_owned();
    }
    let mut text = match dry_run {
        true => pick(lang, "rows that would go", "将删除的行数"),
        false => pick(lang, "rows deleted", "已删除的行数"),
    }
    .to_owned();
    for (table, rows) in &pruned.rows {
        text.push_str(&format!("\n  {table:<16}{rows:>12}"));
    }
    text
}
