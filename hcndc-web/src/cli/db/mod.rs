//! `hcndc db`: the database looked after.

mod backup;
mod check;
mod finding_text;
mod migrate;
mod prune;
mod rekey;
mod status;

use std::{
    future::Future,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use hcndc_core::{port::Clock as _, time::Timestamp};
use hcndc_store_mysql::{Durability, SqlError, SqlOptions, Upkeep};

use super::{Exit, pick, warn_error};
use crate::{clock::SystemClock, database, interchange::Lang};

/// Arguments of `db`.
#[derive(Debug, Args)]
pub(super) struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// How the database stands: version, migrations, rows, size, and who leads
    Status(status::StatusArgs),
    /// Bring the tables up to date, as the next start of a server would
    Migrate(migrate::MigrateArgs),
    /// Find all that would keep a server from starting, or that it would come to regret
    Check(check::CheckArgs),
    /// Delete history that is old enough, as servers do by themselves
    Prune(prune::PruneArgs),
    /// Copy a SQLite database, while servers are at work on it
    Backup(backup::BackupArgs),
    /// Put a backup in the place of a server's SQLite database
    Restore(backup::RestoreArgs),
    /// Seal passwords of data sources, file servers, alert channels and webhooks with a new key, and forget the old one; servers must
    /// be stopped, and start with the new key file
    Rekey(rekey::RekeyArgs),
    /// Make a database that was restored from a dump one of its own, before a server starts on it
    Renew(backup::RenewArgs),
}

/// Which database.
#[derive(Debug, Args)]
pub(super) struct DatabaseArgs {
    /// Folder of the server, for its SQLite file
    #[arg(
        long,
        value_name = "DIR",
        default_value = "hcndc-data",
        env = "HCNDC_DATA_DIR"
    )]
    pub(super) data_dir: PathBuf,
    /// Database: mysql://user:password@host/name or sqlite://FILE; the SQLite file in the data folder if not given
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_DATABASE",
        hide_env_values = true
    )]
    pub(super) database: Option<String>,
}

impl DatabaseArgs {
    /// How it is opened.
    pub(super) fn options(&self) -> SqlOptions {
        match &self.database {
            Some(url) => SqlOptions::new(url.clone()),
            None => database::in_folder(&self.data_dir, Durability::Full),
        }
    }

    /// The data folder, if the database is in it.
    pub(super) fn own_folder(&self) -> Option<&Path> {
        self.database.is_none().then_some(&*self.data_dir)
    }

    /// Opens it for looking after.
    pub(super) async fn open(&self) -> Result<Upkeep, SqlError> {
        Upkeep::open(&self.options()).await
    }
}

pub(super) fn run(args: &DbArgs, lang: Lang) -> Exit {
    match &args.command {
        DbCommand::Status(args) => done(lang, status::run(args, lang)),
        DbCommand::Migrate(args) => {
            super::log_to_stderr();
            done(lang, migrate::run(args, lang))
        }
        DbCommand::Check(args) => done(lang, check::run(args, lang)),
        DbCommand::Prune(args) => done(lang, prune::run(args, lang)),
        DbCommand::Backup(args) => copied(lang, backup::backup(args, lang)),
        DbCommand::Restore(args) => copied(lang, backup::restore(args, lang)),
        DbCommand::Rekey(args) => rekey::run(args, lang),
        DbCommand::Renew(args) => copied(lang, backup::renew(args, lang)),
    }
}

/// Does the work on a runtime; what kept it from being done is told here.
fn copied(lang: Lang, work: impl Future<Output = Result<Exit, backup::BackupError>>) -> Exit {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        warn_error(
            lang,
            pick(lang, "nothing was changed", "没有任何改动"),
            error,
        );
        Exit::Failed
    };
    match super::runtime() {
        Err(error) => failed(&error),
        Ok(runtime) => runtime
            .block_on(work)
            .unwrap_or_else(|error| failed(&error)),
    }
}

/// Does the work on a runtime; failures of the database are told here.
fn done(lang: Lang, work: impl Future<Output = Result<Exit, SqlError>>) -> Exit {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        let doing = pick(lang, "cannot use the database", "无法使用数据库");
        warn_error(lang, doing, error);
        Exit::Failed
    };
    match super::runtime() {
        Err(error) => failed(&error),
        Ok(runtime) => match runtime.block_on(work) {
            Ok(exit) => exit,
            Err(error @ SqlError::Address { .. }) => {
                failed(&error);
                Exit::Wrong
            }
            Err(error) => failed(&error),
        },
    }
}

pub(super) fn now() -> Timestamp {
    SystemClock::new().now()
}
