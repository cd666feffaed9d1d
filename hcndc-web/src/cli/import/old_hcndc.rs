//! `hcndc import old-hcndc`.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use clap::Args;
use serde_json::json;
use sqlx::mysql::MySqlConnectOptions;

use super::{Failed, ImportArgs, PlanningArgs, Target, tell_plan};
use crate::{
    cli::{Exit, pick, print, runtime, say, warn, warn_error, warn_faults},
    interchange::{
        Lang, MeshFile, OldHcndc, OldOptions, OldReadError, OldReport, OldTables, import_old_hcndc,
        to_yaml,
    },
};

/// The variable with the password of the old database.
const PASSWORD: &str = "HCNDC_OLD_PASSWORD";

/// Arguments of `import old-hcndc`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hcndc import old-hcndc --from mysql://reader@10.0.0.9/hcndc --password-file old.pw --json > report.json
  hcndc import old-hcndc --from mysql://reader@10.0.0.9/hcndc --password-file old.pw -o mesh.yaml
  hcndc import old-hcndc --from mysql://reader@10.0.0.9/hcndc --password-file old.pw --server http://127.0.0.1:2333 --plan")]
pub(super) struct OldArgs {
    /// Database of the first HCNDC: mysql://USER@HOST:PORT/NAME; it is only read. Leave the password out, it would be seen by all
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_OLD_DATABASE",
        hide_env_values = true
    )]
    from: String,
    /// File whose first line is the password of that user; the variable HCNDC_OLD_PASSWORD if not given
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Time zone of the first HCNDC's server, by which its schedules go
    #[arg(
        long,
        alias = "time-zone",
        default_value = "Asia/Shanghai",
        value_name = "ZONE"
    )]
    zone: String,
    /// Port at which hcndc-exec listens on the old executors' hosts, which the database does not know
    #[arg(long, default_value_t = hcndc_exec::executor::PORT, value_name = "PORT")]
    executor_port: u16,
    /// How jobs get `$date`, as strftime writes it: %Y%m%d in later versions, %Y-%m-%d in earlier ones
    #[arg(long, default_value = "%Y%m%d", value_name = "FORMAT")]
    date_format: String,
    /// Leave users and roles out
    #[arg(long)]
    without_accounts: bool,
    /// Where to write the mesh file; standard output if not given, unless --server puts it there
    #[arg(short, long, value_name = "MESH.yaml")]
    output: Option<PathBuf>,
    /// With passwords of data sources, file servers and alert channels, in clear text: for a file that is deleted soon
    #[arg(long)]
    with_passwords: bool,
    /// Only say what would be done, field by field: + is made, ~ changes
    #[arg(long, conflicts_with = "output")]
    plan: bool,
    /// Only say how much would be done
    #[arg(long, conflicts_with_all = ["plan", "output"])]
    dry_run: bool,
    /// With a plan: end with exit code 3 if it has changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Print the report as JSON, and what was done or would be
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &OldArgs, import: &ImportArgs, lang: Lang) -> Exit {
    if args.output.is_some() && import.server.is_by_hand() {
        warn(pick(
            lang,
            "-o writes a file, --server puts it there: take one of them",
            "-o 写文件，--server 直接交给服务：只能选其一",
        ));
        return Exit::Wrong;
    }
    let options = match connection(args, lang) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let read = match runtime() {
        Ok(runtime) => runtime.block_on(OldTables::read(&options)),
        Err(error) => return Failed::Runtime(error).tell(lang),
    };
    let tables = match read {
        Ok(tables) => tables,
        Err(error) => return unread(&error, lang),
    };
    let asked = OldOptions {
        zone: args.zone.clone(),
        executor_port: args.executor_port,
        date_format: args.date_format.clone(),
        accounts: !args.without_accounts,
    };
    let OldHcndc { mesh, report } = match import_old_hcndc(&tables, &asked) {
        Ok(imported) => imported,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    if !args.json {
        // Aside, so that it does not get into the file.
        warn(report.text(lang));
    }
    if import.server.is_by_hand() || args.plan || args.dry_run {
        return put(args, import, &mesh, &report, lang);
    }
    let text = match args.with_passwords {
        true => to_yaml(&mesh),
        false => to_yaml(&without_passwords(mesh)),
    };
    match &args.output {
        Some(path) => {
            if let Err(error) = write(path, &text, args.with_passwords) {
                let doing = match lang {
                    Lang::En => format!("cannot write {}", path.display()),
                    Lang::Zh => format!("无法写入 {}", path.display()),
                };
                warn_error(lang, &doing, &error);
                return Exit::Failed;
            }
            match args.json {
                true => tell(json!({ "report": report.to_value(lang) }), lang),
                false => {
                    say(path.display());
                    Exit::Success
                }
            }
        }
        None if args.json => tell(json!({ "report": report.to_value(lang) }), lang),
        None => print(lang, text.trim_end()),
    }
}

/// How the old database is reached.
fn connection(args: &OldArgs, lang: Lang) -> Result<MySqlConnectOptions, Exit> {
    // What the parser of addresses says may hold the address, and so a password.
    let is_mysql = ["mysql://", "mariadb://"]
        .iter()
        .any(|scheme| args.from.starts_with(scheme));
    let parsed = MySqlConnectOptions::from_str(&args.from);
    let Some(options) = parsed.ok().filter(|_| is_mysql) else {
        warn(pick(
            lang,
            "--from is no address of a database: write mysql://USER@HOST:PORT/NAME",
            "--from 不是数据库地址：请写成 mysql://用户@主机:端口/库名",
        ));
        return Err(Exit::Wrong);
    };
    if options.get_database().is_none() {
        warn(pick(
            lang,
            "--from names no database: write mysql://USER@HOST:PORT/NAME",
            "--from 没有写库名：请写成 mysql://用户@主机:端口/库名",
        ));
        return Err(Exit::Wrong);
    }
    let options = options.timezone(None::<String>);
    if let Some(path) = &args.password_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let doing = match lang {
                Lang::En => format!("cannot read the password in {}", path.display()),
                Lang::Zh => format!("无法读取 {} 中的密码", path.display()),
            };
            warn_error(lang, &doing, &error);
            Exit::Wrong
        })?;
        return Ok(options.password(text.lines().next().unwrap_or_default()));
    }
    match std::env::var(PASSWORD) {
        Ok(password) if !password.is_empty() => Ok(options.password(&password)),
        _ => Ok(options),
    }
}

/// Says why tables were not read; how the command ends.
fn unread(error: &OldReadError, lang: Lang) -> Exit {
    let doing = pick(lang, "cannot import", "无法导入");
    let (told, exit) = match error {
        OldReadError::NotOne { table } => (
            match lang {
                Lang::En => error.to_string(),
                Lang::Zh => format!("数据库没有表 {table}：不是旧版 HCNDC 的数据库"),
            },
            Exit::Wrong,
        ),
        OldReadError::NoColumn { table, column } => (
            match lang {
                Lang::En => format!("{error}: it is none that the first HCNDC made"),
                Lang::Zh => format!("表 {table} 没有列 {column}：不是旧版 HCNDC 所建的表"),
            },
            Exit::Wrong,
        ),
        OldReadError::Denied { table } => (
            match lang {
                Lang::En => error.to_string(),
                Lang::Zh => format!("该用户无权读取表 {table}：请授予 SELECT 权限"),
            },
            Exit::Failed,
        ),
        OldReadError::Connect(_) | OldReadError::Silent | OldReadError::Table { .. } => {
            warn_error(lang, doing, error);
            return Exit::Failed;
        }
    };
    warn(format_args!("{doing}: {told}"));
    exit
}

/// Puts it, or tells what would come of it.
fn put(
    args: &OldArgs,
    import: &ImportArgs,
    mesh: &MeshFile,
    report: &OldReport,
    lang: Lang,
) -> Exit {
    let planning = PlanningArgs {
        detailed_exitcode: args.detailed_exitcode,
        json: false,
    };
    let work = async {
        let served = import.server.named(lang)?;
        let target = match &served {
            Some(server) => Target::Server {
                server,
                text: to_yaml(mesh),
            },
            None => Target::Database {
                database: &import.database,
                keys: import.keys.source(),
                file: mesh,
            },
        };
        let report = || report.to_value(lang);
        if args.plan {
            let (plan, _) = target.plan(None).await?;
            if !args.json {
                return Ok(tell_plan(&plan, &planning, lang));
            }
            let told = tell(json!({ "report": report(), "plan": plan }), lang);
            return Ok(
                match told == Exit::Success && args.detailed_exitcode && !plan.is_empty() {
                    true => Exit::Differs,
                    false => told,
                },
            );
        }
        let put = target.put(None, args.dry_run, None).await?;
        if !args.json {
            return Ok(put.tell("old-hcndc", args.dry_run, lang));
        }
        let counts = json!({
            "made": put.made, "replaced": put.replaced, "without_password": put.without_password,
        });
        Ok::<_, Failed>(tell(json!({ "report": report(), "put": counts }), lang))
    };
    let runtime = runtime().map_err(Failed::Runtime);
    let done = runtime.and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|error| error.tell(lang))
}

fn tell(value: serde_json::Value, lang: Lang) -> Exit {
    print(lang, format_args!("{value:#}"))
}

/// The same without what nobody is to read in a file.
fn without_passwords(mut mesh: MeshFile) -> MeshFile {
    mesh.data_sources
        .iter_mut()
        .for_each(|it| it.password = None);
    mesh.file_servers
        .iter_mut()
        .for_each(|it| it.password = None);
    mesh.alert_channels
        .iter_mut()
        .for_each(|it| it.secret = None);
    mesh
}

/// Writes a file; one with passwords that nobody else may read.
fn write(path: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if is_secret {
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    if is_secret {
        // Also of a file that was there already.
        let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(only_ours)?;
    }
    file.write_all(text.as_bytes())
}
