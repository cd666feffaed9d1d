//! `hcndc db backup`, `restore` and `renew`.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use hcndc_store_mysql::{Finding, SqlError, SqlOptions, Upkeep, Weight};

use super::{DatabaseArgs, finding_text, now};
use crate::{
    cli::{Exit, pick, print},
    database,
    interchange::Lang,
    server::{ServerError, lock},
};

/// Arguments of `db backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The backup; refused if it is there
    #[arg(value_name = "FILE")]
    backup: PathBuf,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `db restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup; refused if it is not there
    #[arg(value_name = "FILE")]
    backup: PathBuf,
    /// Folder of the server whose SQLite file is restored
    #[arg(
        long,
        value_name = "DIR",
        default_value = "hcndc-data",
        env = "HCNDC_DATA_DIR"
    )]
    data_dir: PathBuf,
    /// Although there is a database; it is kept beside the new one
    #[arg(long)]
    force: bool,
}

/// Arguments of `db renew`.
#[derive(Debug, Args)]
pub(super) struct RenewArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackupError {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error("{} is there already", path.display())]
    There { path: PathBuf },
    #[error("{} is there already; --force replaces it, and keeps the old one", path.display())]
    InTheWay { path: PathBuf },
    #[error("{} cannot be restored: {reason}", path.display())]
    Unfit { path: PathBuf, reason: String },
    #[error("a server leads on this database, or did so a moment ago: stop it first")]
    Led,
    #[error("cannot use {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Server(#[from] ServerError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_path_buf();
    |source| BackupError::File { path, source }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Sees to it that a file, and its name, outlive a power cut.
fn settle(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Removes what a copy that was cut off has left.
fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) async fn backup(args: &BackupArgs, lang: Lang) -> Result<Exit, BackupError> {
    let path = &args.backup;
    if path.exists() {
        return Err(BackupError::There { path: path.clone() });
    }
    let upkeep = args.database.open().await?;
    // Under its own name there is never half a backup.
    let part = beside(path, ".part");
    clear(&part).map_err(at(&part))?;
    upkeep.copy_to(&part).await?;
    upkeep.close().await?;
    fs::rename(&part, path).map_err(at(path))?;
    settle(path).map_err(at(path))?;
    Ok(print(lang, path.display()))
}

pub(super) async fn restore(args: &RestoreArgs, lang: Lang) -> Result<Exit, BackupError> {
    let (backup, data_dir) = (&args.backup, &args.data_dir);
    fs::create_dir_all(data_dir).map_err(at(data_dir))?;
    // Held to the end: no server comes in between.
    let _lock = lock(data_dir)?;
    let target = database::path_in(data_dir);
    if target.exists() && !args.force {
        return Err(BackupError::InTheWay { path: target });
    }
    let source = Upkeep::open(&SqlOptions::file(backup)).await?;
    let findings = source.check(now()).await?;
    // A backup need not be writable.
    let unfit =
        |it: &&Finding| it.weight() == Weight::Fatal && !matches!(it, Finding::Unwritable { .. });
    if let Some(bad) = findings.iter().find(unfit) {
        return Err(BackupError::Unfit {
            path: backup.clone(),
            reason: finding_text::message(bad, lang),
        });
    }
    let part = beside(&target, ".part");
    clear(&part).map_err(at(&part))?;
    source.copy_to(&part).await?;
    source.close().await?;

    let copy = Upkeep::open(&SqlOptions::file(&part)).await?;
    if findings
        .iter()
        .any(|it| matches!(it, Finding::Pending { .. }))
    {
        copy.migrate().await?;
    }
    let realm = copy.renew().await?;
    copy.close().await?;
    settle(&part).map_err(at(&part))?;
    keep(&target)?;
    fs::rename(&part, &target).map_err(at(&target))?;
    settle(&target).map_err(at(&target))?;
    let target = target.display();
    Ok(print(
        lang,
        match lang {
            Lang::En => format!("{target}: restored, as realm {realm}"),
            Lang::Zh => format!("{target}：已恢复，新标识为 {realm}"),
        },
    ))
}

/// Keeps a database under another name, with all its files. Whenever this is cut off, they are all there under one name or
/// the other.
fn keep(target: &Path) -> Result<(), BackupError> {
    const FILES: [&str; 3] = ["", "-wal", "-shm"];
    let name = |number: u32| match number {
        1 => ".replaced".to_owned(),
        _ => format!(".replaced-{number}"),
    };
    let is_free = |name: &String| {
        let mut files = FILES.iter().map(|ending| format!("{name}{ending}"));
        files.all(|file| !beside(target, &file).exists())
    };
    let mut names = (1..).map(name);
    let Some(name) = names.find(is_free) else {
        return Ok(());
    };
    for ending in FILES {
        let old = beside(target, ending);
        if old.exists() {
            let kept = beside(target, &format!("{name}{ending}"));
            fs::hard_link(&old, &kept).map_err(at(&kept))?;
        }
    }
    // What belongs to the old one must not lie beside the new one.
    for ending in ["-wal", "-shm"] {
        let old = beside(target, ending);
        clear(&old).map_err(at(&old))?;
    }
    Ok(())
}

pub(super) async fn renew(args: &RenewArgs, lang: Lang) -> Result<Exit, BackupError> {
    let upkeep = args.database.open().await?;
    let leader = upkeep.store().await?.leader().await?;
    let is_led = leader.is_some_and(|it| it.expires_at.is_some_and(|end| end > now()));
    if is_led {
        return Err(BackupError::Led);
    }
    let realm = upkeep.renew().await?;
    upkeep.close().await?;
    let renewed = pick(lang, "renewed, as realm", "已更新，新标识为");
    Ok(print(lang, format_args!("{renewed} {realm}")))
}
