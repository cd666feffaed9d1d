//! `hcndc export`: all definitions as a mesh file, or flows or jobs as a sheet.

mod sheet;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hcndc_core::{
    engine::{Engine, Rejected, Settings},
    port::{AccountsError, Store as _},
};
use hcndc_store_mysql::{SqlError, SqlStore, Upkeep};

use super::{
    Exit,
    client::ClientError,
    db::{DatabaseArgs, now},
    import::SheetName,
    pick, print, say,
    server_args::ServerArgs,
    warn, warn_error,
};
use crate::interchange::{
    ExportError, Lang, SheetWriteError, add_accounts, export, to_json, to_yaml,
};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// All definitions, roles and users, as a mesh file
    #[arg(long, required_unless_present = "sheet", conflicts_with = "sheet")]
    all: bool,
    /// These only, as a sheet that `hcndc import` takes back
    #[arg(long, value_enum, value_name = "KIND")]
    sheet: Option<SheetName>,
    /// Leave roles and users out, which a server gives to administrators only
    #[arg(long, conflicts_with = "sheet")]
    without_accounts: bool,
    /// With hashes of users' passwords: keep the file as safe as the database
    #[arg(long, conflicts_with_all = ["without_accounts", "sheet"])]
    with_passwords: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    server: ServerArgs,
    /// Where to write the file; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How it is written: a mesh file as yaml (if not given) or json, a sheet as csv (if not given) or xlsx
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
    Csv,
    Xlsx,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("cannot use the database")]
    Database(#[from] SqlError),
    #[error("what is stored makes no whole")]
    Inconsistent(#[source] Rejected),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Unsayable(#[from] ExportError),
    #[error(transparent)]
    Sheet(#[from] SheetWriteError),
    #[error(
        "roles and users are for administrators: leave them out with --without-accounts, or use an administrator's token"
    )]
    Forbidden(#[source] ClientError),
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
}

impl Failed {
    /// Tells it; how the command ends.
    fn tell(&self, lang: Lang) -> Exit {
        let doing = pick(lang, "cannot export", "无法导出");
        if let Self::Server(error) = self {
            warn(format_args!("{doing}: {}", error.message(lang)));
            return error.exit();
        }
        warn_error(lang, doing, self);
        Exit::Failed
    }
}

pub(super) fn run(args: &ExportArgs, lang: Lang) -> Exit {
    if let Some(name) = args.sheet {
        return sheet::run(args, name.kind(), lang);
    }
    if matches!(args.format, Some(Format::Csv | Format::Xlsx)) {
        warn(pick(
            lang,
            "a mesh file is yaml or json; csv and xlsx are for --sheet",
            "网状文件只能是 yaml 或 json；csv 和 xlsx 用于 --sheet",
        ));
        return Exit::Wrong;
    }
    let text = super::runtime()
        .map_err(Failed::Runtime)
        .and_then(|runtime| runtime.block_on(text(args, lang)));
    let text = match text {
        Ok(text) => text,
        Err(error) => return error.tell(lang),
    };
    match &args.output {
        Some(output) => save(output, text.as_bytes(), lang),
        None => print(lang, text.trim_end()),
    }
}

/// Writes a file, and says where it is.
fn save(output: &Path, bytes: &[u8], lang: Lang) -> Exit {
    if let Err(error) = std::fs::write(output, bytes) {
        let doing = match lang {
            Lang::En => format!("cannot write {}", output.display()),
            Lang::Zh => format!("无法写入 {}", output.display()),
        };
        warn_error(lang, &doing, &error);
        return Exit::Failed;
    }
    say(output.display());
    Exit::Success
}

async fn text(args: &ExportArgs, lang: Lang) -> Result<String, Failed> {
    if let Some(server) = args.server.named(lang)? {
        let format = match args.format {
            Some(Format::Json) => "json",
            _ => "yaml",
        };
        let (accounts, passwords) = (!args.without_accounts, args.with_passwords);
        let path =
            format!("/api/v1/mesh?format={format}&accounts={accounts}&passwords={passwords}");
        return server
            .get(&path)
            .await
            .map_err(|error| match error.is_forbidden() {
                true if accounts => Failed::Forbidden(error),
                _ => error.into(),
            });
    }
    // Reading is in nobody's way, also beside servers that are at work.
    let upkeep = Upkeep::open(&args.database.options()).await?;
    let store = upkeep.store().await?;
    let engine = engine(store).await?;
    let mut file = export(&engine)?;
    if !args.without_accounts {
        add_accounts(store, args.with_passwords, &mut file).await?;
    }
    upkeep.close().await?;
    Ok(match args.format {
        Some(Format::Json) => to_json(&file),
        _ => to_yaml(&file),
    })
}

/// What a store holds.
async fn engine(store: &SqlStore) -> Result<Engine, Failed> {
    let snapshot = store.load().await?;
    Engine::load(now(), Settings::default(), snapshot).map_err(Failed::Inconsistent)
}
