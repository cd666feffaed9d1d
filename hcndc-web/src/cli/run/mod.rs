//! `hcndc run`: a mesh file to its end, in this terminal.
//!
//! The same scheduler, store and executor as the server's, for as long as one execution takes: SQLite in a folder of
//! its own, and an executor inside this process unless the file names others.

mod board;
mod events;
mod holds;
mod progress;
mod start;
mod summary;
mod watch;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use hcndc_core::{
    engine::Settings,
    model::Param,
    scheduler::{Leadership, Scheduler},
    time::{DataDate, DateFormat},
};
use hcndc_store_mysql::{Durability, SqlError, SqlStore};
use tokio::sync::mpsc;

use self::{
    board::Board,
    events::EventFile,
    progress::Progress,
    start::start,
    watch::{Teller, Watch},
};
pub(super) use self::{
    board::state_name,
    progress::{progress_bar, seconds},
    summary::flow_state,
};
use super::{Exit, Signals, pick, say, warn, warn_error, warn_faults};
use crate::{
    clock::SystemClock,
    connect::{
        http::Http,
        source::{
            pool::Pools,
            resolver::{Asking, Stored},
        },
    },
    database,
    handle::{Requests, SchedulerHandle, channel},
    interchange::{Lang, MeshFile, check_runnable, read_mesh},
    local_executor,
};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Mesh file, YAML or JSON
    mesh: PathBuf,
    /// Data date, YYYY-MM-DD; yesterday in the mesh's zone if not given
    #[arg(long, value_name = "DATE", value_parser = data_date)]
    date: Option<DataDate>,
    /// How dates are written in commands where a placeholder does not say so itself, as of strftime; %Y-%m-%d if not given
    #[arg(long, value_name = "FORMAT", value_parser = date_format)]
    date_format: Option<DateFormat>,
    /// Value of a param, before the file's own; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<Param>,
    /// Jobs that run at once at most; the number of processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    jobs: Option<u32>,
    /// Write one JSON object a line to this file for every transition of a job run
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Keep database and logs in this folder; a temporary one if not given
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Give up when jobs can run nowhere for this many seconds, because executors are out of reach
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    executor_wait: u64,
}

pub(super) fn data_date(text: &str) -> Result<DataDate, String> {
    text.parse::<DataDate>().map_err(|error| error.to_string())
}

pub(super) fn date_format(text: &str) -> Result<DateFormat, String> {
    text.parse::<DateFormat>()
        .map_err(|error| error.to_string())
}

pub(super) fn assignment(text: &str) -> Result<Param, String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    let mut chars = name.chars();
    let starts = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !starts || !chars.all(|it| it.is_ascii_alphanumeric() || "_.-".contains(it)) {
        return Err(format!("{name:?}: [A-Za-z_][A-Za-z0-9_.-]*"));
    }
    Ok(Param {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

pub(super) fn run(args: &RunArgs, lang: Lang) -> Exit {
    let names: Vec<&str> = args.set.iter().map(|param| param.name.as_str()).collect();
    let read = read_mesh(&args.mesh, &names);
    let mut mesh = match read.and_then(|mesh| check_runnable(&mesh).map(|()| mesh)) {
        Ok(mesh) => mesh.file,
        Err(faults) => {
            warn_faults(lang, &faults);
            return Exit::Wrong;
        }
    };
    // This runs once and now, whatever the clock says.
    mesh.schedules.clear();
    match super::runtime() {
        Ok(runtime) => runtime.block_on(run_mesh(args, mesh, lang)),
        Err(error) => {
            warn_error(lang, pick(lang, "cannot start", "无法启动"), &error);
            Exit::Failed
        }
    }
}

/// Where database and logs are while the run lasts.
enum Home {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Home {
    fn open(dir: Option<&Path>) -> io::Result<Self> {
        match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                Ok(Self::Kept(dir.canonicalize()?))
            }
            None => Ok(Self::Temporary(
                tempfile::Builder::new().prefix("hcndc-run-").tempdir()?,
            )),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

async fn run_mesh(args: &RunArgs, mesh: MeshFile, lang: Lang) -> Exit {
    let same_file = |events: &Path| match (events.canonicalize(), args.mesh.canonicalize()) {
        (Ok(events), Ok(mesh)) => events == mesh,
        _ => false,
    };
    if args.events.as_deref().is_some_and(same_file) {
        warn(pick(
            lang,
            "error: --events names the mesh file itself; name another file",
            "错误：--events 指向网状文件本身，请换一个文件名",
        ));
        return Exit::Wrong;
    }
    let mut events = match args.events.as_deref().map(EventFile::create).transpose() {
        Ok(events) => events,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot write --events", "无法写入 --events 文件"),
                &error,
            );
            return Exit::Wrong;
        }
    };
    let mut signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot watch signals", "无法监听信号"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let home = match Home::open(args.data_dir.as_deref()) {
        Ok(home) => home,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot make the data folder", "无法创建数据目录"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let base = match std::path::absolute(&args.mesh) {
        Ok(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot find the mesh file", "找不到网状文件"),
                &error,
            );
            return Exit::Wrong;
        }
    };
    let options = database::in_folder(home.path(), Durability::Normal);
    let opened = async {
        let store = SqlStore::connect_with(&options).await?;
        let realm = store.realm().await?;
        Ok::<_, SqlError>((store, realm))
    };
    let (store, realm) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot open the database", "无法打开数据库"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let limit = args.jobs.unwrap_or_else(super::processors);
    let inside = if mesh.executors.is_empty() {
        match local_executor::inside(home.path(), &base).await {
            Ok(supervisor) => Some(supervisor),
            Err(error) => {
                warn_error(
                    lang,
                    pick(lang, "cannot start the executor", "无法启动执行器"),
                    &error,
                );
                return Exit::Failed;
            }
        }
    } else {
        None
    };
    let transport = Arc::new(local_executor::transports_inside(realm, inside.clone()));

    let (told, mut tells) = mpsc::unbounded_channel();
    let settings = Settings {
        max_running: limit,
        kill_grace: Duration::from_secs(5),
        ..Settings::default()
    };
    let leadership = Leadership {
        holder: "hcndc run".to_owned(),
        ttl: Duration::from_secs(30),
    };
    let sources = Arc::new(Stored(store.clone()));
    let scheduler = Scheduler::open(
        store,
        Arc::clone(&transport),
        SystemClock::new(),
        Teller(told),
        settings,
        leadership,
    );
    let mut scheduler = match scheduler.await {
        Ok(scheduler) => {
            let pools = Arc::new(Pools::new(Http::new(), Arc::default(), None));
            scheduler.with_resolver(Asking::start(sources, pools))
        }
        Err(error) => {
            warn_error(
                lang,
                pick(lang, "cannot start the scheduler", "无法启动调度器"),
                &error,
            );
            return Exit::Failed;
        }
    };
    let (handle, mut inbox): (SchedulerHandle, Requests) = channel();
    let driving = tokio::spawn(async move { scheduler.run(&mut inbox).await });

    let mut watch = Watch {
        lang,
        board: Board::default(),
        progress: Progress::new(lang, io::stderr().is_terminal(), jobs_of(&mesh)),
        events: events.take(),
        handle: handle.clone(),
        patience: Duration::from_secs(args.executor_wait),
        interrupted: false,
        abandoned: false,
        gave_up: false,
        event_error: None,
    };
    let started = start(&handle, args, &mesh, &base, limit).await;
    let exit = match started {
        Ok(execution) => {
            watch.until_end(execution, &mut tells, &mut signals).await;
            watch.progress.finish();
            if !watch.abandoned {
                summary::print_failures(&watch.board, &*transport, lang).await;
            }
            summary::print_table(&watch.board, lang);
            watch.verdict()
        }
        Err(error) => {
            watch.progress.finish();
            warn_error(
                lang,
                pick(lang, "cannot start the mesh", "无法启动"),
                &error,
            );
            Exit::Wrong
        }
    };
    if watch.abandoned {
        driving.abort();
    }
    drop((handle, watch));
    let driven = driving.await;
    if let Ok(Err(error)) = &driven {
        warn_error(
            lang,
            pick(lang, "the scheduler stopped", "调度器已停止"),
            error,
        );
    }
    if let Some(supervisor) = inside {
        local_executor::end(&supervisor).await;
    }
    if let (Home::Temporary(dir), true) = (home, exit == Exit::Failed) {
        let kept = dir.keep();
        let doing = pick(
            lang,
            "database and logs are kept in ",
            "数据库和日志保留在 ",
        );
        say(format_args!("{doing}{}", kept.display()));
    }
    exit
}

fn jobs_of(mesh: &MeshFile) -> usize {
    mesh.flows
        .iter()
        .filter(|flow| flow.enabled)
        .map(|flow| flow.jobs.len())
        .sum()
}
