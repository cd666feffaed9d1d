//! One attempt's processes: started, waited for, ended, and none left behind.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{
    census::{Living, MARK_VARIABLE, Registrar, Tree},
    command::{Prepared, Program},
    hold::Settings,
    reaper::{Main, Reaper},
};
use crate::{
    platform::{self, Ending, Group, Pid, ScriptFile, Seen},
    work,
};

/// How long killed processes may take to be gone before they are given up. Only one that hangs in the kernel does.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    #[error("the working directory {} does not exist", path.display())]
    NoDirectory { path: PathBuf },
    #[error("the working directory {} cannot be used: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("this host does not allow jobs to start in {}", path.display())]
    Forbidden { path: PathBuf },
    #[error("the command line, its params and its environment are too long for the system")]
    TooLong,
    #[error(
        "the command, a param or a variable holds a zero byte, or a variable has no name or one with an equals sign"
    )]
    Unfit,
    #[error("the interpreter {} of the script does not exist", path.display())]
    NoInterpreter { path: PathBuf },
    #[error("the script cannot be handed to its interpreter: {0}")]
    Script(io::Error),
    #[error("{} does not exist on this host: look at the directory that the job names", path.display())]
    NoProgram { path: PathBuf },
    #[error(
        "this executor runs commands only: the program that it is a part of does nothing else for jobs"
    )]
    NoWorker,
    #[error("jobs cannot run as another user: {0}")]
    User(io::Error),
    #[error("cannot tell the job's process what to do: {0}")]
    Task(io::Error),
    #[error("cannot start {}: {source}", path.display())]
    Spawn { path: PathBuf, source: io::Error },
}

/// Starts the shell or an interpreter as the leader of a process group of its own.
pub(crate) async fn spawn(
    reaper: &Reaper,
    prepared: &Prepared,
    settings: &Settings,
    mark: &str,
    cgroup: Option<&Group>,
) -> Result<Main, SpawnError> {
    let directory = find_directory(&settings.base_dir.join(&prepared.workdir))?;
    if !settings.rules.allow(&directory) {
        return Err(SpawnError::Forbidden { path: directory });
    }
    // The system would take the rest of such a name for the value.
    if prepared
        .env
        .keys()
        .any(|name| name.is_empty() || name.contains('='))
    {
        return Err(SpawnError::Unfit);
    }
    let (mut command, script) = command(&prepared.program, settings)?;
    command
        .current_dir(platform::without_prefix(directory))
        .env_clear()
        .envs(&settings.passed_on)
        .envs(&prepared.env)
        .env(MARK_VARIABLE, mark)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::own_group(&mut command);
    if let Some(user) = &settings.rules.user {
        platform::run_as(&mut command, user).map_err(SpawnError::User)?;
    }
    let is_plain = settings.rules.user.is_none() && prepared.program.is_told_by_its_command();
    let why = |command: &Command, source: io::Error| match source.kind() {
        io::ErrorKind::ArgumentListTooLong => SpawnError::TooLong,
        io::ErrorKind::InvalidInput => SpawnError::Unfit,
        io::ErrorKind::NotFound if prepared.program.is_script() => SpawnError::NoInterpreter {
            path: command.get_program().into(),
        },
        io::ErrorKind::NotFound if prepared.program.is_plain() => SpawnError::NoProgram {
            path: command.get_program().into(),
        },
        _ => SpawnError::Spawn {
            path: command.get_program().into(),
            source,
        },
    };
    let started = reaper.spawn(|| platform::start(&mut command, cgroup, is_plain), script);
    let mut main = started.map_err(|error| why(&command, error))?;
    let Some(becoming) = main.becoming.take() else {
        return Ok(main);
    };
    // Meanwhile others are started, and what has ended is seen to.
    tokio::task::yield_now().await;
    if becoming.wait().is_ok() {
        return Ok(main);
    }
    // Asked in the usual way, it is told in the usual words.
    let started = reaper.spawn(|| platform::start(&mut command, cgroup, false), None);
    started.map_err(|error| why(&command, error))
}

/// The program with its arguments, with what it reads, and what must be kept for that.
fn command(
    program: &Program,
    settings: &Settings,
) -> Result<(Command, Option<ScriptFile>), SpawnError> {
    match program {
        Program::Plain { program, args } => {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null());
            Ok((command, None))
        }
        Program::Work(task) => {
            let worker = settings.worker.as_ref().ok_or(SpawnError::NoWorker)?;
            let task =
                serde_json::to_string(task).map_err(|error| SpawnError::Task(error.into()))?;
            let told = platform::unseen(&task).map_err(SpawnError::Task)?;
            let mut command = Command::new(worker);
            platform::name_process(&mut command, "hcndc-job");
            command.arg(work::ARGUMENT).stdin(Stdio::from(told));
            Ok((command, None))
        }
        Program::Shell(text) => platform::shell(text).map_err(SpawnError::Script),
        Program::Script {
            interpreter,
            argument,
            text,
            args,
        } => {
            let mut command = Command::new(interpreter);
            command.args(argument);
            let user = settings.rules.user.as_ref();
            let script = platform::script(&mut command, text, user).map_err(SpawnError::Script)?;
            command.args(args);
            Ok((command, script))
        }
    }
}

/// A directory that is there, without links: what is looked at is what is used.
fn find_directory(path: &Path) -> Result<PathBuf, SpawnError> {
    match path.canonicalize() {
        Ok(found) if found.is_dir() => Ok(found),
        Ok(found) => Err(SpawnError::Directory {
            path: found,
            source: io::ErrorKind::NotADirectory.into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SpawnError::NoDirectory {
            path: path.to_owned(),
        }),
        Err(source) => Err(SpawnError::Directory {
            path: path.to_owned(),
            source,
        }),
    }
}

/// What it took to end a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleared {
    /// Processes that were found alive at first.
    pub(crate) found: usize,
    /// Whether KILL was needed.
    pub(crate) killed: bool,
    /// Processes that are still there.
    pub(crate) left: usize,
}

/// Ends all processes of a tree: TERM, KILL after `grace`, until none is left.
///
/// The main process is reaped elsewhere; here it counts like any other until it is.
pub(crate) async fn clear(registrar: &Arc<Registrar>, tree: &mut Tree, grace: Duration) -> Cleared {
    let mut living = registrar.look(tree).await;
    let mut cleared = Cleared {
        found: living.members.len(),
        ..Cleared::default()
    };
    if living.is_there && !grace.is_zero() {
        send(tree, &living.members, Ending::Ask);
        living = until_gone(registrar, tree, Instant::now() + grace, |_, _| {}).await;
    }
    if living.is_there {
        cleared.killed = true;
        end_all(tree, &living.members);
        // Again and again: a process may have started another one between being counted and being killed.
        living = until_gone(registrar, tree, Instant::now() + GIVE_UP_AFTER, end_all).await;
    }
    cleared.left = living.members.len().max(usize::from(living.is_there));
    cleared
}

fn end_all(tree: &Tree, members: &[Seen]) {
    if let Some(cgroup) = &tree.cgroup {
        cgroup.kill();
    }
    send(tree, members, Ending::Kill);
}

/// Waits until a tree has no members or time is up; what is left then.
async fn until_gone(
    registrar: &Arc<Registrar>,
    tree: &mut Tree,
    deadline: Instant,
    mut meanwhile: impl FnMut(&Tree, &[Seen]),
) -> Living {
    let mut pause = Duration::from_millis(2);
    loop {
        let living = registrar.look(tree).await;
        if !living.is_there || Instant::now() >= deadline {
            return living;
        }
        // Once a group is empty its number may be given to others.
        let members = &living.members;
        if !members.iter().any(|seen| Some(seen.group) == tree.group) {
            tree.group = None;
        }
        meanwhile(tree, members);
        sleep_until(deadline.min(Instant::now() + pause)).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn send(tree: &Tree, members: &[Seen], ending: Ending) {
    let note = |pid: Pid, sent: io::Result<()>| {
        if let Err(error) = sent {
            tracing::warn!(%pid, ?ending, %error, "cannot end a process of a job");
        }
    };
    let in_group = |seen: &&Seen| Some(seen.group) == tree.group;
    // The group as a whole, so that no member of it can slip through by starting others.
    if let Some(seen) = members.iter().find(in_group) {
        note(seen.group, platform::tell_group(seen.group, ending));
    }
    for seen in members.iter().filter(|seen| !in_group(seen)) {
        note(seen.pid, platform::tell(seen.pid, ending));
    }
}

/// Sleeps until `deadline`; for ever without one.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits up to `patience` for a tree to be gone by itself; what is left then.
pub(crate) async fn settle(
    registrar: &Arc<Registrar>,
    tree: &mut Tree,
    patience: Duration,
) -> Living {
    until_gone(registrar, tree, Instant::now() + patience, |_, _| {}).await
}
