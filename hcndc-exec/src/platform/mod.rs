//! What the executor needs of an operating system: the one room that knows which system it is on.
//!
//! Each system has one file, which gives the functions and types that are listed below by `pub(crate) use`; what Linux and macOS share is
//! in `unix`, what macOS and Windows get from the same crates is in `elsewhere`. What a system cannot give is an error when it is asked
//! for, or the difference that this table tells:
//!
//! | | Linux | macOS | Windows |
//! | --- | --- | --- | --- |
//! | a job's processes are found by | process group, mark in the environment, parents, control group, orphans that come to us | process group, mark, parents: one that leaves its group with a clean environment and loses its parent is missed | job object, mark, parents |
//! | asked to end by | TERM to all | TERM to all | Ctrl-Break to the console group of the main process; not where there is no console |
//! | ended by | KILL, `cgroup.kill` | KILL | the job object; also when what holds it ends |
//! | limits, and what all used | control groups, v2 | none | job object: memory that is refused rather than a kill, processors, processes |
//! | ends of jobs | exit codes, signals, images of memory | the same | exit codes |
//! | jobs as another user | for root | for root | not |
//! | shell | `/bin/sh` | `/bin/sh` | `cmd.exe`, by a batch file |
//! | executor and holder talk by | socket | socket; its path is 104 bytes at most | named pipe |
//! | a boot's name | `boot_id` | `kern.bootsessionuuid` | none: what ran is lost with "executor restarted" |
//! | begin again in place (HUP) | yes | yes | not: stop it, and start it again |
//! | files for their owner alone | mode | mode | as the folder's access list says |
//!
//! Only Linux has been run; the others are compiled (`.ci/targets`).

use std::{
    fmt,
    fs::File,
    io,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command},
    time::Duration,
};

#[cfg(any(target_os = "macos", windows))]
mod elsewhere;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod unix;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as os;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as os;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as os;

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
compile_error!(
    "the executor runs on Linux, and is written for macOS and Windows; this system needs a file in `platform`"
);

/// Processes of the host, and the marks in their environments.
pub(crate) use os::{look, processes, variable_of};

/// Children: how they are begun, heard of and ended.
pub(crate) use os::{
    ChildEnds, ChildHandle, ScriptFile, adopt_orphans, children, find_ended_child, name_process,
    own_group, reap_orphan, run_as, script, shell, tell, tell_group, unseen, without_prefix,
};

/// Groups of all processes of a job.
pub(crate) use os::{Group, Groups, NO_GROUPS, NO_GROUPS_REMEDY};

/// The words of the system: of its shell, its environment, its lists of paths.
pub(crate) use os::{KETTLE_SUFFIX, LIST_SEPARATOR, PASSED_ON, SHELL, quoted};

/// Users and what only they may read.
pub(crate) use os::{find_user, is_open_to_others, only_ours_file, only_ours_folder, own_uid};

/// Files.
pub(crate) use os::{
    REMOVES_OPEN_FILES, fingerprint, is_named, open_alone, read_exact_at, sync_folder, write_all_at,
};

/// What this process is asked to do, and what it does with itself.
pub(crate) use os::{
    LastCall, Wishes, asked_to_end, close_input, leave_session, own_program, replace_with,
};

/// Between an executor and a holder.
pub(crate) use os::{Handed, connect, hand_over, take_over};

/// The host.
pub(crate) use os::{boot, disk};

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) pid: Pid,
    pub(crate) handle: ChildHandle,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    /// On Windows nobody else gets its number as long as this is kept.
    pub(crate) child: Option<Child>,
    /// It may not be its program yet.
    pub(crate) becoming: Option<Becoming>,
}

/// A process that is about to become its program.
pub(crate) struct Becoming(Box<dyn FnOnce() -> io::Result<()> + Send>);

impl fmt::Debug for Becoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Becoming").finish_non_exhaustive()
    }
}

impl Becoming {
    #[cfg_attr(
        not(all(target_os = "linux", target_arch = "x86_64")),
        expect(
            dead_code,
            reason = "a process there is its program once it is started"
        )
    )]
    pub(crate) fn new(wait: impl FnOnce() -> io::Result<()> + Send + 'static) -> Self {
        Self(Box::new(wait))
    }

    /// Waits until it has, which takes less than a millisecond; if it cannot, it has ended, and this says why.
    pub(crate) fn wait(self) -> io::Result<()> {
        (self.0)()
    }
}

/// Starts a process, in its group if there is one. A command that is `plain` tells all of itself: its process has our user, the name of its
/// program and nothing to read, and all its variables are set.
pub(crate) fn start(
    command: &mut Command,
    group: Option<&Group>,
    plain: bool,
) -> io::Result<Started> {
    let Some(group) = group else {
        return of_child(command.spawn()?, |_| Ok(()));
    };
    if plain && let Some(started) = group.start(command) {
        return Ok(started);
    }
    group.receive(command)?;
    of_child(command.spawn()?, |child| group.take_in(child))
}

fn of_child(
    mut child: Child,
    take_in: impl FnOnce(&Child) -> io::Result<()>,
) -> io::Result<Started> {
    match take_in(&child).and_then(|()| ChildHandle::of_child(&child)) {
        Ok(handle) => Ok(Started {
            pid: Pid(child.id()),
            handle,
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child: Some(child),
            becoming: None,
        }),
        Err(error) => {
            // Nobody would hear of its end.
            let _ = child.kill().and_then(|()| child.wait());
            Err(error)
        }
    }
}

/// The number of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pid(pub(crate) u32);

impl Pid {
    /// Ours.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A process as the system shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    /// Its process group; itself where there are none.
    pub(crate) group: Pid,
    /// When it started, in the system's own measure: with the number it tells a process from all others of this boot.
    pub(crate) born: u64,
    /// It has ended and only waits to be reaped.
    pub(crate) ended: bool,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) status: Status,
    /// Largest resident memory of it or of a child that it waited for, bytes; 0 if unknown.
    pub(crate) peak_memory_bytes: u64,
    /// Processor time of it and of the children that it waited for.
    pub(crate) cpu_time: Duration,
}

/// With what a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Exited(i32),
    /// Where there are signals.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has none"))]
    Signaled {
        signal: i32,
        /// It left an image of its memory.
        dumped: bool,
    },
    /// Someone else in this process reaped it.
    Unknown,
}

/// How a process is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It may do something about it: TERM.
    Ask,
    /// It may not: KILL.
    Kill,
}

/// What the executor's process is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Let jobs end; when it is asked again, kill them.
    Stop,
    /// End, and leave the jobs to the next executor.
    Leave,
    /// The same, and begin again in this process.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows cannot"))]
    Again,
}

/// A file that nobody else has [opened alone](open_alone), as long as this lives.
#[derive(Debug)]
pub(crate) struct Alone(File);

impl Alone {
    /// `None` while somebody else has it.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        open_alone(path).map(|file| file.map(Self))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Closing alone would leave it locked while a child of another thread is between its fork and its exec.
        let _ = self.0.unlock();
    }
}
