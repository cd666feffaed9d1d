//! `hcndc db migrate`.

use clap::Args;
use hcndc_store_mysql::{MigrationStatus, SqlError, Upkeep};

use super::DatabaseArgs;
use crate::{
    cli::{Exit, print},
    interchange::Lang,
};

/// Arguments of `db migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &MigrateArgs, lang: Lang) -> Result<Exit, SqlError> {
    if args.dry_run {
        let upkeep = args.database.open().await?;
        let mut steps = upkeep.migrations().await?;
        upkeep.close().await?;
        if let Some(newer) = steps.iter().find(|step| !step.known) {
            return Err(SqlError::NewerSchema {
                address: args.database.options().shown_url(),
                migration: newer.name.clone(),
            });
        }
        steps.retain(|step| step.applied_at.is_none());
        return Ok(print(lang, told(&steps, true, lang)));
    }
    if args.database.database.is_none() {
        // What cannot be made shows when the file in it is opened.
        let _ = std::fs::create_dir_all(&args.database.data_dir);
    }
    let upkeep = Upkeep::open_or_make(&args.database.options()).await?;
    let steps = upkeep.migrate().await?;
    upkeep.close().await?;
    Ok(print(lang, told(&steps, false, lang)))
}

fn told(steps: &[MigrationStatus], dry_run: bool, lang: Lang) -> String {
    let count = steps.len();
    let head = match (lang, count, dry_run) {
        (Lang::En, 0, _) => "the tables are up to date".to_owned(),
        (Lang::En, _, true) => format!("to come: {count}"),
        (Lang::En, _, false) => format!("the tables are up to date; applied: {count}"),
        (Lang::Zh, 0, _) => "表结构已是最新".to_owned(),
        (Lang::Zh, _, true) => format!("待执行的迁移：{count}"),
        (Lang::Zh, _, false) => format!("表结构已是最新；本次执行的迁移：{count}"),
    };
    let lines = steps.iter().map(|step| format!("\n  {}", step.name));
    head + &lines.collect::<String>()
}
