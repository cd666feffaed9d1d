//! `hcndc run`: a mesh file to its end, in this terminal.
//!
//! The same scheduler, store and executor as the server's, for as long as one execution takes: SQLite in a folder of
//! its own, and an executor inside this process unless the file names others.

mod board;
mod events;
mod progress;
mod summary;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use hcndc_core::{
    engine::{
        Change, EditBatch, Engine, ExecutionState, Explanation, Hold, HostTrouble, Input,
        JobRunState, Reply, Settings, SlotTrouble, Start, TriggerKind,
    },
    id::{ExecutionId, FlowId},
    model::{Edit, ExecutorDraft, Param},
    port::Observer,
    scheduler::{Leadership, Scheduler},
    time::{DataDate, Timestamp},
};
use hcndc_store_mysql::{Durability, SqlError, SqlStore};
use tokio::sync::mpsc;

use self::{board::Board, events::EventFile, progress::Progress};
pub(super) use self::{board::state_name, summary::flow_state};
use super::{Exit, Signals, pick, say, warn, warn_error, warn_faults};
use crate::{
    causes::with_causes,
    clock::SystemClock,
    database,
    handle::{CommandError, Requests, SchedulerHandle, channel},
    interchange::{Existing, Lang, MeshFile, check_runnable, edits, read_mesh},
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

fn assignment(text: &str) -> Result<Param, String> {
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
    let scheduler = Scheduler::open(
        store,
        Arc::clone(&transport),
        SystemClock::new(),
        Teller(told),
        settings,
        leadership,
    );
    let mut scheduler = match scheduler.await {
        Ok(scheduler) => scheduler,
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

/// Puts the definitions, and starts all flows that are enabled.
async fn start(
    handle: &SchedulerHandle,
    args: &RunArgs,
    mesh: &MeshFile,
    base: &Path,
    limit: u32,
) -> Result<ExecutionId, CommandError> {
    // What an earlier run on the same folder left when it was killed would compete with this one.
    let live = |engine: &Engine| -> Vec<ExecutionId> {
        engine
            .snapshot()
            .executions
            .iter()
            .map(|live| live.row.id)
            .collect()
    };
    for execution in handle.look(live).await? {
        let by = "hcndc run".to_owned();
        // One that is stopping already is as good.
        let _ = handle.command(Input::Stop { execution, by }).await;
    }
    let existing = handle.look(Existing::of).await?;
    let mut edits = edits(mesh, Some(base), &existing);
    if mesh.executors.is_empty() {
        let widest = mesh
            .flows
            .iter()
            .flat_map(|flow| &flow.jobs)
            .map(|job| job.slots)
            .max();
        let slots = limit.max(widest.unwrap_or(1));
        let mut draft = ExecutorDraft::new(local_executor::NAME, local_executor::ADDRESS, slots);
        let known = |engine: &Engine| {
            engine
                .executors()
                .find(|it| it.name == local_executor::NAME)
                .map(|it| it.id)
        };
        draft.id = handle.look(known).await?;
        edits.push(Edit::PutExecutor(draft));
    }
    let by = std::env::var("USER").unwrap_or_else(|_| "cli".to_owned());
    handle
        .command(Input::Edit(EditBatch {
            by: by.clone(),
            edits,
        }))
        .await?;
    let enabled: Vec<String> = mesh
        .flows
        .iter()
        .filter(|flow| flow.enabled)
        .map(|flow| flow.name.clone())
        .collect();
    let flows: Vec<FlowId> = handle
        .look(move |engine| {
            enabled
                .iter()
                .filter_map(|name| engine.find_flow(name))
                .map(|flow| flow.id)
                .collect()
        })
        .await?;
    let zone = mesh.zone.parse().unwrap_or(chrono_tz::UTC);
    let data_date = args
        .date
        .unwrap_or_else(|| DataDate::day_before(chrono::Utc::now().into(), zone));
    let start = Start {
        flows,
        jobs: None,
        downstream: false,
        data_date,
        params: args.set.clone(),
        trigger: TriggerKind::Manual,
        by,
    };
    match handle.command(Input::Start(start)).await? {
        Reply::Started(execution) => Ok(execution),
        _ => Err(CommandError::Stopped),
    }
}

/// What the scheduler tells.
enum Told {
    Committed(Timestamp, Vec<Change>),
    StoreTrouble(Option<String>),
}

struct Teller(mpsc::UnboundedSender<Told>);

impl Observer for Teller {
    fn committed(&self, now: Timestamp, changes: &[Change]) {
        // Nobody listens any more once the run has ended.
        let _ = self.0.send(Told::Committed(now, changes.to_vec()));
    }

    fn store_trouble(&self, error: Option<&dyn std::error::Error>) {
        let _ = self.0.send(Told::StoreTrouble(error.map(with_causes)));
    }
}

/// Follows a run, and what the person before the terminal does.
struct Watch {
    lang: Lang,
    board: Board,
    progress: Progress,
    events: Option<EventFile>,
    handle: SchedulerHandle,
    patience: Duration,
    interrupted: bool,
    /// Interrupted twice: nothing is waited for any more.
    abandoned: bool,
    gave_up: bool,
    event_error: Option<io::Error>,
}

/// How often a run that does not move is looked at.
const LOOK: Duration = Duration::from_secs(1);

impl Watch {
    async fn until_end(
        &mut self,
        execution: ExecutionId,
        tells: &mut mpsc::UnboundedReceiver<Told>,
        signals: &mut Signals,
    ) {
        self.board.followed = Some(execution);
        let mut idle = Duration::ZERO;
        let mut explained = false;
        loop {
            tokio::select! {
                told = tells.recv() => match told {
                    Some(told) => {
                        idle = Duration::ZERO;
                        self.note(told);
                    }
                    // The scheduler is gone; it says why itself.
                    None => return,
                },
                () = signals.next() => {
                    if self.interrupted {
                        // Whatever keeps it from ending, the person wants out.
                        self.abandoned = true;
                        return;
                    }
                    self.stop(execution, true);
                }
                () = tokio::time::sleep(LOOK) => {
                    let stuck = self.board.running.is_empty()
                        && self.board.count(JobRunState::Dispatched) == 0
                        && (self.board.count(JobRunState::Queued) > 0 || self.waits_outside());
                    idle = if stuck { idle + LOOK } else { Duration::ZERO };
                    if idle >= 3 * LOOK && !explained {
                        explained = true;
                        self.tell_why().await;
                    }
                    if idle >= self.patience && !self.gave_up && !self.interrupted {
                        self.gave_up = true;
                        self.progress.note(if self.waits_outside() {
                            pick(
                                self.lang,
                                "giving up: jobs wait for runs that are no part of this one",
                                "放弃：任务等待的执行不在本次运行之中",
                            )
                        } else {
                            pick(
                                self.lang,
                                "giving up: jobs can run nowhere (--executor-wait)",
                                "放弃：没有可用的执行服务器（--executor-wait）",
                            )
                        });
                        self.stop(execution, false);
                    }
                }
            }
            if self.board.execution.is_some_and(ExecutionState::is_ended) {
                return;
            }
        }
    }

    fn note(&mut self, told: Told) {
        match told {
            Told::Committed(at, changes) => {
                let settled = self.board.note(&changes);
                if let Some(events) = &mut self.events
                    && let Err(error) = events.write(at, &changes, &self.board)
                {
                    let doing = pick(self.lang, "cannot write --events", "无法写入 --events 文件");
                    self.progress.note(&format!("{doing}: {error}"));
                    self.events = None;
                    self.event_error = Some(error);
                }
                self.progress.show(&self.board, &settled);
            }
            Told::StoreTrouble(Some(error)) => {
                let doing = pick(
                    self.lang,
                    "the database does not answer, trying again",
                    "数据库无响应，正在重试",
                );
                self.progress.note(&format!("{doing}: {error}"));
            }
            Told::StoreTrouble(None) => {}
        }
    }

    /// Has the execution stopped; does not wait for it, for the store may not answer.
    fn stop(&mut self, execution: ExecutionId, by_person: bool) {
        if by_person {
            self.interrupted = true;
            self.progress.note(pick(
                self.lang,
                "interrupted: stopping all jobs (once more to kill them at once)",
                "已中断：正在停止所有任务（再按一次立即终止）",
            ));
        }
        let by = if by_person {
            "Ctrl-C"
        } else {
            "--executor-wait"
        };
        let input = Input::Stop {
            execution,
            by: by.to_owned(),
        };
        let handle = self.handle.clone();
        // It may have ended in this moment; then there is nothing to stop.
        tokio::spawn(async move { handle.command(input).await });
    }

    /// Whether nothing is left that moves by itself: what is blocked waits for flows that take no part, or for other dates.
    fn waits_outside(&self) -> bool {
        self.board.count(JobRunState::Blocked) > 0
            && self.board.count(JobRunState::Queued) == 0
            && self.board.count(JobRunState::RetryWait) == 0
    }

    /// Says why nothing runs.
    async fn tell_why(&self) {
        let waits = if self.waits_outside() {
            JobRunState::Blocked
        } else {
            JobRunState::Queued
        };
        let mut rows = self.board.job_runs.values();
        let Some(row) = rows.find(|row| row.state == waits) else {
            return;
        };
        let id = row.id;
        let look = self.handle.look(move |engine| engine.explain(id));
        let Ok(Ok(Some(explanation))) = tokio::time::timeout(LOOK, look).await else {
            return;
        };
        let label = self.board.label(row);
        let doing = match self.lang {
            Lang::En => format!("nothing can run: {label} waits"),
            Lang::Zh => format!("没有任务可以运行：{label} 在等待"),
        };
        self.progress.note(&doing);
        for line in holds(&explanation, self.lang) {
            self.progress.note(&format!("  {line}"));
        }
    }

    fn verdict(&self) -> Exit {
        if self.interrupted {
            Exit::Interrupted
        } else if self.board.execution == Some(ExecutionState::Succeeded)
            && self.event_error.is_none()
        {
            Exit::Success
        } else {
            Exit::Failed
        }
    }
}

/// What holds a job run, for people, as far as a run of one mesh file can tell.
fn holds(explanation: &Explanation, lang: Lang) -> Vec<String> {
    let lines = explanation.holds.iter().map(|hold| match (hold, lang) {
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Offline { reason },
                ..
            },
            Lang::En,
        ) => {
            let reason = reason.as_deref().unwrap_or("not connected yet");
            format!("executor {name} is out of reach: {reason}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Offline { reason },
                ..
            },
            Lang::Zh,
        ) => {
            let reason = reason.as_deref().unwrap_or("尚未连接");
            format!("执行服务器 {name} 无法连接：{reason}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Slots(SlotTrouble::TooSmall { slots, needs }),
                ..
            },
            Lang::En,
        ) => {
            format!("executor {name} has {slots} slots, the job takes {needs}")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Slots(SlotTrouble::TooSmall { slots, needs }),
                ..
            },
            Lang::Zh,
        ) => {
            format!("执行服务器 {name} 有 {slots} 个槽位，任务需要 {needs} 个")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Disabled,
                ..
            },
            Lang::En,
        ) => {
            format!("executor {name} is not enabled")
        }
        (
            Hold::Executor {
                name,
                trouble: HostTrouble::Disabled,
                ..
            },
            Lang::Zh,
        ) => {
            format!("执行服务器 {name} 未启用")
        }
        (
            Hold::OutsideDependency {
                name, data_date, ..
            },
            Lang::En,
        ) => format!("job {name} must run for {data_date} first, and does not take part"),
        (
            Hold::OutsideDependency {
                name, data_date, ..
            },
            Lang::Zh,
        ) => format!("任务 {name} 须先为 {data_date} 运行，而它没有参与"),
        (Hold::NoExecutor { .. }, Lang::En) => "no executor has what it asks for".to_owned(),
        (Hold::NoExecutor { .. }, Lang::Zh) => "没有执行服务器符合要求".to_owned(),
        (other, _) => format!("{other:?}"),
    });
    lines.collect()
}
