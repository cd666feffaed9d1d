//! One attempt's processes: started, waited for, ended, and none left behind.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        memfd::{MFdFlags, memfd_create},
        signal::{Signal, kill, killpg},
    },
    unistd::Pid,
};
use tokio::time::{Instant, sleep_until};

use super::{
    census::{MARK_VARIABLE, Registrar, Seen, Tree},
    cgroup::Group,
    command::{Prepared, Program},
    hold::Settings,
    reaper::{Main, Reaper},
};
use crate::work;

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
    #[error("the command, a param or a variable holds a zero byte or a name with an equals sign")]
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
    #[error("cannot tell the job's process what to do: {0}")]
    Task(io::Error),
    #[error("cannot start {}: {source}", path.display())]
    Spawn { path: PathBuf, source: io::Error },
}

/// Starts the shell or an interpreter as the leader of a process group of its own.
pub(crate) fn spawn(
    reaper: &Reaper,
    prepared: &Prepared,
    settings: &Settings,
    mark: &str,
    cgroup: Option<&mut Group>,
) -> Result<Main, SpawnError> {
    let directory = find_directory(&settings.base_dir.join(&prepared.workdir))?;
    if !settings.rules.allow(&directory) {
        return Err(SpawnError::Forbidden { path: directory });
    }
    let mut command = command(&prepared.program, settings)?;
    command
        .current_dir(&directory)
        .env_clear()
        .envs(&settings.passed_on)
        .envs(&prepared.env)
        .env(MARK_VARIABLE, mark)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(user) = &settings.rules.user {
        command
            .uid(user.uid)
            .gid(user.gid)
            .env("USER", &user.name)
            .env("HOME", &user.home);
    }
    if let Some(cgroup) = cgroup {
        cgroup.receive(&mut command);
    }
    reaper
        .spawn(&mut command)
        .map_err(|source| match source.kind() {
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
        })
}

/// The program with its arguments, and with what it reads.
fn command(program: &Program, settings: &Settings) -> Result<Command, SpawnError> {
    match program {
        Program::Plain { program, args } => {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null());
            Ok(command)
        }
        Program::Work(task) => {
            let worker = settings.worker.as_ref().ok_or(SpawnError::NoWorker)?;
            let task =
                serde_json::to_string(task).map_err(|error| SpawnError::Task(error.into()))?;
            let mut told = in_memory(&task).map_err(SpawnError::Task)?;
            told.rewind().map_err(SpawnError::Task)?;
            let mut command = Command::new(worker);
            command
                .arg0("hcndc-job")
                .arg(work::ARGUMENT)
                .stdin(Stdio::from(told));
            Ok(command)
        }
        Program::Shell(line) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line).stdin(Stdio::null());
            Ok(command)
        }
        Program::Script {
            interpreter,
            argument,
            text,
            args,
        } => {
            let mut command = Command::new(interpreter);
            command
                .args(argument)
                .arg(SCRIPT)
                .args(args)
                .stdin(Stdio::from(in_memory(text).map_err(SpawnError::Script)?));
            Ok(command)
        }
    }
}

/// Where an interpreter finds its script: opened by this name it is read from its start, while the standard input that a
/// script inherits stands at its end.
const SCRIPT: &str = "/dev/stdin";

/// A file without a name or a place on a disk, so that nothing is left of it, and no other user's file is in the way. It
/// stands at its end.
fn in_memory(text: &str) -> io::Result<File> {
    let file = memfd_create("hcndc-script", MFdFlags::MFD_CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    Ok(file)
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
    let mut members = registrar.census().await.members(tree);
    let mut cleared = Cleared {
        found: members.len(),
        ..Cleared::default()
    };
    if is_there(tree, &members) && !grace.is_zero() {
        send(tree, &members, Signal::SIGTERM);
        members = until_gone(registrar, tree, Instant::now() + grace, |_, _| {}).await;
    }
    if is_there(tree, &members) {
        cleared.killed = true;
        end_all(tree, &members);
        // Again and again: a process may have started another one between being counted and being killed.
        members = until_gone(registrar, tree, Instant::now() + GIVE_UP_AFTER, end_all).await;
    }
    cleared.left = members.len().max(usize::from(is_there(tree, &members)));
    cleared
}

/// Whether anything of a tree lives, seen or not.
pub(crate) fn is_there(tree: &Tree, members: &[Seen]) -> bool {
    !members.is_empty() || tree.cgroup.as_ref().is_some_and(Group::is_populated)
}

fn end_all(tree: &Tree, members: &[Seen]) {
    if let Some(cgroup) = &tree.cgroup {
        cgroup.kill();
    }
    send(tree, members, Signal::SIGKILL);
}

/// Waits until a tree has no members or time is up; what is left then.
async fn until_gone(
    registrar: &Arc<Registrar>,
    tree: &mut Tree,
    deadline: Instant,
    mut meanwhile: impl FnMut(&Tree, &[Seen]),
) -> Vec<Seen> {
    let mut pause = Duration::from_millis(2);
    loop {
        let members = registrar.census().await.members(tree);
        if !is_there(tree, &members) || Instant::now() >= deadline {
            return members;
        }
        // Once a group is empty its number may be given to others.
        if !members.iter().any(|seen| Some(seen.group) == tree.group) {
            tree.group = None;
        }
        meanwhile(tree, &members);
        sleep_until(deadline.min(Instant::now() + pause)).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn send(tree: &Tree, members: &[Seen], signal: Signal) {
    let note = |pid: Pid, sent: nix::Result<()>| match sent {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => tracing::warn!(%pid, %signal, %error, "cannot signal a process of a job"),
    };
    let in_group = |seen: &&Seen| Some(seen.group) == tree.group;
    // The group as a whole, so that no member of it can slip through by starting others.
    if let Some(seen) = members.iter().find(in_group) {
        note(seen.group, killpg(seen.group, signal));
    }
    for seen in members.iter().filter(|seen| !in_group(seen)) {
        note(seen.pid, kill(seen.pid, signal));
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
) -> Vec<Seen> {
    until_gone(registrar, tree, Instant::now() + patience, |_, _| {}).await
}
