//! Linux: processes as `/proc` shows them, orphans that come to us, files in memory, control groups.

mod cgroup;
#[cfg(target_arch = "x86_64")]
mod within;

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        memfd::{MFdFlags, memfd_create},
        statvfs::statvfs,
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
};

pub(crate) use self::cgroup::{Group, Groups, NO_GROUPS, NO_GROUPS_REMEDY};
pub(crate) use super::unix::*;
use super::{Pid, Seen};
use crate::executor::JobUser;

/// Of the largest resident memory that is told of a child (getrusage(2)).
pub(super) const MEMORY_UNIT_BYTES: u64 = 1024;

/// The longest path of a socket, less a little (unix(7)).
const SOCKET_PATH_BYTES: usize = 100;

/// The program that a process runs, whatever has become of its file since.
pub(crate) fn own_program() -> PathBuf {
    "/proc/self/exe".into()
}

/// All processes of the host, ended ones too.
pub(crate) fn processes() -> impl Iterator<Item = Seen> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| look(Pid(pid)))
}

/// Looks at one process.
pub(crate) fn look(pid: Pid) -> Option<Seen> {
    // One read into a buffer that is large enough: a census does this for every process of the host.
    let mut buffer = [0; 2048];
    let length = File::open(format!("/proc/{pid}/stat"))
        .ok()?
        .read(&mut buffer)
        .ok()?;
    parse(pid, &buffer[..length])
}

/// See proc_pid_stat(5). The name, in parentheses, may hold anything.
fn parse(pid: Pid, stat: &[u8]) -> Option<Seen> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[name_end + 1..])
        .ok()?
        .split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let born = fields.nth(16)?.parse().ok()?;
    Some(Seen {
        pid,
        parent: Pid(parent),
        group: Pid(group),
        born,
        ended: matches!(state, "Z" | "X" | "x"),
    })
}

/// A variable of a process's environment; `None` if it has none or may not be read.
pub(crate) fn variable_of(pid: Pid, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(std::str::from_utf8(value).ok()?.to_owned())
    })
}

/// Makes this process the parent of all orphans among its descendants (see prctl(2), `PR_SET_CHILD_SUBREAPER`); whether it is.
pub(crate) fn adopt_orphans() -> io::Result<bool> {
    nix::sys::prctl::set_child_subreaper(true)?;
    Ok(true)
}

/// The children of the thread that this process began with, also those that have ended, and among them all orphans that came to it
/// (`find_new_reaper` in the kernel's `exit.c`), but for those that a job makes its own brothers (`CLONE_PARENT`) where another thread
/// started it; `None` if the kernel does not list them (proc_tid_children(5)). Whole as long as none is reaped meanwhile.
pub(crate) fn children() -> Option<Vec<Pid>> {
    let listed = fs::read(format!("/proc/self/task/{}/children", Pid::own())).ok()?;
    let listed = std::str::from_utf8(&listed).ok()?.split_whitespace();
    Some(listed.filter_map(|pid| pid.parse().ok()).map(Pid).collect())
}

/// A child that has ended and waits to be reaped, the same one until it is; `Some(None)` if there is none. `None` if that cannot be told.
#[expect(
    clippy::option_option,
    reason = "not to know and to know of none are not the same"
)]
pub(crate) fn find_ended_child() -> Option<Option<Pid>> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, flags) {
        Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => Some(None),
        Ok(status) => status
            .pid()
            .map(|pid| Some(Pid(pid.as_raw().unsigned_abs()))),
        Err(_) => None,
    }
}

/// A file of the kernel's own, at once: of one that is longer than this is prepared for, an error.
fn read_small(path: impl AsRef<Path>) -> io::Result<String> {
    let mut buffer = [0; 4096];
    let length = File::open(path)?.read(&mut buffer)?;
    match std::str::from_utf8(&buffer[..length]) {
        Ok(text) if length < buffer.len() => Ok(text.to_owned()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reaps an orphan that has ended.
pub(crate) fn reap_orphan(pid: Pid) {
    let pid = nix::unistd::Pid::from_raw(pid.0.cast_signed());
    let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
}

/// There are none: scripts are in memory.
#[derive(Debug)]
pub(crate) enum ScriptFile {}

/// Where an interpreter finds its script: opened by this name it is read from its start, while the standard input that a
/// script inherits stands at its end.
const SCRIPT: &str = "/dev/stdin";

/// Gives an interpreter the text that it is to run as its next argument.
pub(crate) fn script(
    command: &mut Command,
    text: &str,
    _: Option<&JobUser>,
) -> io::Result<Option<ScriptFile>> {
    command.arg(SCRIPT).stdin(Stdio::from(in_memory(text)?));
    Ok(None)
}

/// A file that holds this text and that nobody else finds; it stands at its start.
pub(crate) fn unseen(text: &str) -> io::Result<File> {
    let mut file = in_memory(text)?;
    file.rewind()?;
    Ok(file)
}

/// A file without a name or a place on a disk, so that nothing is left of it, and no other user's file is in the way. It
/// stands at its end.
fn in_memory(text: &str) -> io::Result<File> {
    let file = memfd_create("hcndc-script", MFdFlags::MFD_CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// A path of any length, made short enough for a socket as long as what comes with it is kept.
pub(super) fn short(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if path.as_os_str().len() > SOCKET_PATH_BYTES => {
            let parent = File::open(parent)?;
            let short = Path::new("/proc/self/fd")
                .join(parent.as_raw_fd().to_string())
                .join(name);
            Ok((short, Some(parent)))
        }
        _ => Ok((path.to_owned(), None)),
    }
}

/// The kernel's name of this boot of the host; empty if it gives none.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Bytes of the disk that holds a folder: all, and those that are left.
pub(crate) fn disk(folder: &Path) -> Option<(u64, u64)> {
    let disk = statvfs(folder).ok()?;
    let fragment = disk.fragment_size();
    Some((disk.blocks() * fragment, disk.blocks_available() * fragment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"12 (a) Z 1) S 7 8 9 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 1 0 555 1000 10";
        let seen = parse(Pid(12), stat).unwrap();
        assert_eq!((seen.parent, seen.group), (Pid(7), Pid(8)));
        assert_eq!((seen.born, seen.ended), (555, false));
    }
}
