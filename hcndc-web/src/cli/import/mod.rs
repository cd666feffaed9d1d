//! `hcndc import`: a mesh file or a sheet into a database, or another system's file into a mesh file.

mod apply;
mod azkaban;
mod crontab;
mod old_hcndc;
mod plan;
mod put;
mod sheet;
mod wfcommons;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::apply::{ApplyArgs, PlanArgs, apply, plan as plan_file};
use super::{
    Exit,
    client::{ClientError, Served},
    db::DatabaseArgs,
    keys::KeyArgs,
    pick, print,
    remote::{RemoteError, confirm::YesArgs},
    say,
    server_args::ServerArgs,
    warn, warn_error, warn_faults,
};
use crate::{
    interchange::{
        Lang, MeshFile, MeshPlan, PlannedAction, Prune, SheetKind, parse_exported, to_yaml,
    },
    vault::KeySource,
};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  hcndc import mesh.yaml --plan
  hcndc import mesh.yaml --server http://127.0.0.1:2333
  hcndc import mesh.yaml --prune --yes
  hcndc import mesh.yaml --plan --prune --detailed-exitcode
  hcndc import jobs.xlsx --dry-run
  hcndc import crontab /etc/crontab --system --zone Asia/Shanghai -o mesh.yaml
  hcndc import old-hcndc --from mysql://reader@10.0.0.9/hcndc --server http://127.0.0.1:2333 --plan"
)]
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
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Only say how much would be done
    #[arg(long, conflicts_with = "plan")]
    dry_run: bool,
    /// Only say what would be done, field by field: + is made, ~ changes, - is deleted
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    yes: YesArgs,
}

/// How a plan is told.
#[derive(Debug, Args)]
pub(super) struct PlanningArgs {
    /// With a plan: end with exit code 3 if it has changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

/// What is to be deleted.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Also delete what the file does not have: of the kinds of which it has at least one, and jobs of its flows
    #[arg(long)]
    prune: bool,
    /// Also delete what the file does not have of what is filed in this directory and below, of all kinds; may be given
    /// several times
    #[arg(long, value_name = "DIRECTORY", value_parser = directory)]
    prune_directory: Vec<String>,
}

fn directory(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err("/…".to_owned()),
    }
}

impl PruneArgs {
    /// What is to be deleted, if anything.
    fn asked(&self) -> Option<Prune> {
        let directories = self.prune_directory.clone();
        (self.prune || !directories.is_empty()).then_some(Prune { directories })
    }
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
    /// The database of a first HCNDC: flows, jobs, schedules and all else it defines; what is not carried over, or not as it was, is told
    OldHcndc(old_hcndc::OldArgs),
}

/// How many definitions, roles and users were made, how many replaced, and how many deleted.
#[derive(Clone, Debug, Default)]
struct Put {
    made: u64,
    replaced: u64,
    deleted: u64,
    /// Accounts of users who have no password.
    without_password: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Database(#[from] put::PutError),
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
}

impl Failed {
    /// Tells it; how the command ends.
    fn tell(&self, lang: Lang) -> Exit {
        let doing = pick(lang, "cannot import", "无法导入");
        match self {
            Self::Server(error) => {
                warn(format_args!("{doing}: {}", error.message(lang)));
                error.exit()
            }
            Self::Remote(error) => {
                warn(error.message(lang));
                error.exit()
            }
            Self::Database(put::PutError::InUse { faults }) => {
                warn(format_args!(
                    "{doing}: {}",
                    pick(
                        lang,
                        "what still is needed stays:",
                        "仍被使用的内容不能删除："
                    )
                ));
                for fault in faults {
                    warn(format_args!("  {fault}"));
                }
                Exit::Failed
            }
            Self::Database(_) | Self::Runtime(_) => {
                warn_error(lang, doing, self);
                Exit::Failed
            }
        }
    }
}

pub(super) fn run(args: &ImportArgs, lang: Lang) -> Exit {
    let mesh = match (&args.from, &args.mesh) {
        (Some(From::Wfcommons(from)), _) => return wfcommons::run(from, args, lang),
        (Some(From::Azkaban(from)), _) => return azkaban::run(from, args, lang),
        (Some(From::Crontab(from)), _) => return crontab::run(from, args, lang),
        (Some(From::OldHcndc(from)), _) => return old_hcndc::run(from, args, lang),
        (None, Some(mesh)) => mesh,
        // The parser asks for one of them.
        (None, None) => return Exit::Wrong,
    };
    if args.sheet.is_some() || sheet::is_sheet(mesh) {
        if args.plan || args.prune.asked().is_some() {
            warn(pick(
                lang,
                "--plan and --prune are for mesh files; of a sheet, --dry-run tells each row",
                "--plan 和 --prune 用于网状文件；表格请用 --dry-run 逐行查看",
            ));
            return Exit::Wrong;
        }
        return sheet::run(args, mesh, lang);
    }
    let name = mesh.display().to_string();
    let read = std::fs::read_to_string(mesh);
    match read {
        Ok(text) => put_mesh(args, &name, text, lang),
        Err(error) => {
            let doing = pick(lang, "cannot read the mesh file", "无法读取网状文件");
            warn_error(lang, doing, &error);
            Exit::Wrong
        }
    }
}

/// Puts the text of a mesh file, or tells what would come of it.
fn put_mesh(args: &ImportArgs, name: &str, text: String, lang: Lang) -> Exit {
    let source = match parse_exported(name, text.as_bytes()) {
        Ok(source) => source,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    let prune = args.prune.asked();
    let work = async {
        let served = args.server.named(lang)?;
        let target = match &served {
            Some(server) => Target::Server { server, text },
            None => Target::Database {
                database: &args.database,
                keys: args.keys.source(),
                file: &source.file,
            },
        };
        if args.plan {
            let (plan, _) = target.plan(prune.as_ref()).await?;
            return Ok(tell_plan(&plan, &args.planning, lang));
        }
        let mut expected = None;
        if let (Some(prune), false) = (&prune, args.dry_run) {
            let (plan, digest) = target.plan(Some(prune)).await?;
            agree(&plan, &args.yes, lang)?;
            expected = Some(digest);
        }
        let put = target.put(prune.as_ref(), args.dry_run, expected).await?;
        Ok::<_, Failed>(put.tell(name, args.dry_run, lang))
    };
    let runtime = super::runtime().map_err(Failed::Runtime);
    let done = runtime.and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|error| error.tell(lang))
}

/// Asks before something is deleted.
fn agree(plan: &MeshPlan, yes: &YesArgs, lang: Lang) -> Result<(), RemoteError> {
    let gone = plan.count(PlannedAction::Delete);
    if gone == 0 {
        return Ok(());
    }
    warn(plan::text(plan, lang));
    let what = match lang {
        Lang::En => format!("do this, and delete {gone}"),
        Lang::Zh => format!("执行以上改动，并删除 {gone} 项"),
    };
    yes.must_agree(lang, &what)
}

/// Prints a plan.
fn tell_plan(plan: &MeshPlan, planning: &PlanningArgs, lang: Lang) -> Exit {
    let told = match planning.json {
        true => print(lang, format_args!("{:#}", json!(plan))),
        false => print(lang, plan::text(plan, lang)),
    };
    match (told, planning.detailed_exitcode && !plan.is_empty()) {
        (Exit::Success, true) => Exit::Differs,
        (other, _) => other,
    }
}

/// Where a mesh file goes.
enum Target<'a> {
    Server {
        server: &'a Served,
        text: String,
    },
    Database {
        database: &'a DatabaseArgs,
        keys: KeySource,
        file: &'a MeshFile,
    },
}

/// As a server tells a plan.
#[derive(Deserialize)]
struct ToldPlan {
    #[serde(flatten)]
    plan: MeshPlan,
    #[serde(rename = "plan")]
    digest: String,
}

impl Target<'_> {
    /// What would be done, and what stands for that.
    async fn plan(&self, prune: Option<&Prune>) -> Result<(MeshPlan, String), Failed> {
        match self {
            Self::Server { server, text } => {
                let path = mesh_path(prune, true, None);
                let answer = server.post(&path, "application/yaml", text.clone()).await?;
                let ToldPlan { plan, digest } = server.read(&answer)?;
                Ok((plan, digest))
            }
            Self::Database {
                database,
                keys,
                file,
            } => {
                let plan = put::plan(database, keys, file, prune).await?;
                let digest = plan.digest();
                Ok((plan, digest))
            }
        }
    }

    /// Does it, if it is what was expected; or only counts.
    async fn put(
        self,
        prune: Option<&Prune>,
        dry_run: bool,
        expected: Option<String>,
    ) -> Result<Put, Failed> {
        match self {
            Self::Server { server, text } => {
                let path = mesh_path(prune, dry_run, expected.as_deref());
                let answer = server.post(&path, "application/yaml", text).await?;
                Ok(Put::told(&server.read(&answer)?))
            }
            Self::Database {
                database,
                keys,
                file,
            } => {
                let wanted = put::Wanted {
                    prune,
                    expected: expected.as_deref(),
                };
                Ok(put::put(database, &keys, file, wanted, dry_run).await?)
            }
        }
    }
}

/// The address that takes a mesh file.
fn mesh_path(prune: Option<&Prune>, dry_run: bool, expected: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("exported", "true");
    query.append_pair("dry_run", if dry_run { "true" } else { "false" });
    if let Some(prune) = prune {
        // With directories, it is of those only.
        if prune.directories.is_empty() {
            query.append_pair("prune", "true");
        }
        for directory in &prune.directories {
            query.append_pair("prune_directory", directory);
        }
    }
    if let Some(expected) = expected {
        query.append_pair("plan", expected);
    }
    format!("/api/v1/mesh?{}", query.finish())
}

impl Put {
    /// As a server tells it.
    fn told(answer: &Value) -> Self {
        let mut put = Self::default();
        let counts = answer.as_object().into_iter().flatten();
        for counts in counts.map(|(_, it)| it).filter(|it| it.is_object()) {
            let count = |name: &str| counts[name].as_u64().unwrap_or(0);
            put.made += count("made");
            put.replaced += count("replaced");
            put.deleted += count("deleted");
        }
        let without = answer["without_password"].as_array().into_iter().flatten();
        put.without_password = without
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        put
    }

    /// Prints what was done, or would be.
    fn tell(&self, name: &str, dry_run: bool, lang: Lang) -> Exit {
        warn_without_password(&self.without_password, lang);
        let Self {
            made,
            replaced,
            deleted,
            ..
        } = self;
        let mut told = match (lang, dry_run) {
            (Lang::En, false) => format!("{name}: {made} made, {replaced} replaced"),
            (Lang::En, true) => format!("{name}: {made} would be made, {replaced} replaced"),
            (Lang::Zh, false) => format!("{name}：新建 {made} 个，替换 {replaced} 个"),
            (Lang::Zh, true) => format!("{name}：将新建 {made} 个，替换 {replaced} 个"),
        };
        if *deleted > 0 {
            told.push_str(&match lang {
                Lang::En => format!(", {deleted} deleted"),
                Lang::Zh => format!("，删除 {deleted} 个"),
            });
        }
        print(lang, told)
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

/// Writes what was made of another system's file, to a file or to standard output; or puts it, if a server is named.
fn write(mesh: &MeshFile, output: Option<&Path>, args: &ImportArgs, lang: Lang) -> Exit {
    if output.is_some() && args.server.is_by_hand() {
        warn(pick(
            lang,
            "-o writes a file, --server puts it there: take one of them",
            "-o 写文件，--server 直接交给服务：只能选其一",
        ));
        return Exit::Wrong;
    }
    let text = to_yaml(mesh);
    let Some(output) = output else {
        return match args.server.is_by_hand() {
            true => put_mesh(args, pick(lang, "mesh", "网状文件"), text, lang),
            false => print(lang, text.trim_end()),
        };
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
