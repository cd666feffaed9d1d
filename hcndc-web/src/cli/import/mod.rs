//! `hcndc import`: a mesh file or a sheet into a database, or another system's file into a mesh file.

mod azkaban;
mod crontab;
mod put;
mod sheet;
mod wfcommons;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Exit,
    client::{ClientError, CredentialArgs, Served},
    db::DatabaseArgs,
    keys::KeyArgs,
    pick, print, say, warn, warn_error, warn_faults,
};
use crate::interchange::{Lang, MeshFile, SheetKind, parse_exported, to_yaml};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: Option<From>,
    /// Mesh file, as `hcndc export` writes it or as a person does; or a sheet of flows or jobs: csv, xlsx or xls
    #[arg(required = true, value_name = "MESH")]
    mesh: Option<PathBuf>,
    /// The file is a sheet of these; csv, xlsx and xls are sheets anyway, and their header tells of what
    #[arg(long, value_enum, value_name = "KIND")]
    sheet: Option<SheetName>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Give it to this server instead of the database, for instance http://127.0.0.1:2333
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    credentials: CredentialArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What the rows of a sheet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SheetName {
    Flows,
    Jobs,
}

impl SheetName {
    /// What it names.
    pub(super) const fn kind(self) -> SheetKind {
        match self {
            Self::Flows => SheetKind::Flows,
            Self::Jobs => SheetKind::Jobs,
        }
    }
}

#[derive(Debug, Subcommand)]
enum From {
    /// A traced workflow of the WfCommons project (WfFormat 1.5): each task becomes a sleep of its measured time
    Wfcommons(wfcommons::WfcommonsArgs),
    /// A project of the Azkaban scheduler (Flow 1.0 or 2.0); what has no counterpart is told
    Azkaban(azkaban::AzkabanArgs),
    /// A crontab: each line becomes a flow with a schedule; what has no counterpart is told
    Crontab(crontab::CrontabArgs),
}

/// How many definitions, roles and users were made, and how many replaced.
#[derive(Clone, Debug, Default)]
struct Put {
    made: u64,
    replaced: u64,
    /// Accounts of users who have no password.
    without_password: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Database(#[from] put::PutError),
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error("the server's answer makes no sense")]
    Answer(#[source] serde_json::Error),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
}

pub(super) fn run(args: &ImportArgs, lang: Lang) -> Exit {
    let mesh = match (&args.from, &args.mesh) {
        (Some(From::Wfcommons(args)), _) => return wfcommons::run(args, lang),
        (Some(From::Azkaban(args)), _) => return azkaban::run(args, lang),
        (Some(From::Crontab(args)), _) => return crontab::run(args, lang),
        (None, Some(mesh)) => mesh,
        // The parser asks for one of them.
        (None, None) => return Exit::Wrong,
    };
    if args.sheet.is_some() || sheet::is_sheet(mesh) {
        return sheet::run(args, mesh, lang);
    }
    let name = mesh.display().to_string();
    let text = match std::fs::read_to_string(mesh) {
        Ok(text) => text,
        Err(error) => {
            let doing = pick(lang, "cannot read the mesh file", "无法读取网状文件");
            warn_error(lang, doing, &error);
            return Exit::Wrong;
        }
    };
    let source = match parse_exported(&name, text.as_bytes()) {
        Ok(source) => source,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    let work = async {
        match &args.server {
            Some(server) => {
                through(
                    &Served::at(server, &args.credentials, lang)?,
                    text,
                    args.dry_run,
                )
                .await
            }
            None => {
                let keys = args.keys.source();
                Ok(put::put(&args.database, &keys, &source.file, args.dry_run).await?)
            }
        }
    };
    let put = super::runtime()
        .map_err(Failed::Runtime)
        .and_then(|runtime| runtime.block_on(work));
    match put {
        Ok(put) => {
            warn_without_password(&put.without_password, lang);
            let Put { made, replaced, .. } = put;
            let told = match (lang, args.dry_run) {
                (Lang::En, false) => format!("{name}: {made} made, {replaced} replaced"),
                (Lang::En, true) => format!("{name}: {made} would be made, {replaced} replaced"),
                (Lang::Zh, false) => format!("{name}：新建 {made} 个，替换 {replaced} 个"),
                (Lang::Zh, true) => format!("{name}：将新建 {made} 个，替换 {replaced} 个"),
            };
            print(lang, told)
        }
        Err(error) => {
            warn_error(lang, pick(lang, "cannot import", "无法导入"), &error);
            Exit::Failed
        }
    }
}

/// Says who of the users cannot sign in yet, and what to do about it.
fn warn_without_password(accounts: &[String], lang: Lang) {
    if !accounts.is_empty() {
        warn(match lang {
            Lang::En => format!(
                "without a password, to be given one by `hcndc user password ACCOUNT`: {}",
                accounts.join(", ")
            ),
            Lang::Zh => format!(
                "没有密码，请用 `hcndc user password ACCOUNT` 设置：{}",
                accounts.join("、")
            ),
        });
    }
}

/// Writes what was made of another system's file, to a file or to standard output.
fn write(mesh: &MeshFile, output: Option<&Path>, lang: Lang) -> Exit {
    let text = to_yaml(mesh);
    let Some(output) = output else {
        return print(lang, text.trim_end());
    };
    if let Err(error) = std::fs::write(output, text) {
        let doing = match lang {
            Lang::En => format!("cannot write {}", output.display()),
            Lang::Zh => format!("无法写入 {}", output.display()),
        };
        warn_error(lang, &doing, &error);
        return Exit::Failed;
    }
    let jobs: usize = mesh.flows.iter().map(|flow| flow.jobs.len()).sum();
    say(format_args!(
        "{}: {jobs} {}",
        output.display(),
        pick(lang, "jobs", "个任务")
    ));
    Exit::Success
}

/// Gives the file to a server.
async fn through(server: &Served, text: String, dry_run: bool) -> Result<Put, Failed> {
    let path = format!("/api/v1/mesh?exported=true&dry_run={dry_run}");
    let answer = server.post(&path, "application/yaml", text).await?;
    let answer: serde_json::Value = serde_json::from_str(&answer).map_err(Failed::Answer)?;
    let mut put = Put::default();
    for counts in answer.as_object().into_iter().flatten().map(|(_, it)| it) {
        put.made += counts["made"].as_u64().unwrap_or(0);
        put.replaced += counts["replaced"].as_u64().unwrap_or(0);
    }
    let without = answer["without_password"].as_array().into_iter().flatten();
    put.without_password = without
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect();
    Ok(put)
}
