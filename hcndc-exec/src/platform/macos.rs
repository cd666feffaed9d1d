//! macOS. Was never run; see the table of the room for what is lost: there are no control groups, and orphans go to process 1, so
//! a process that leaves its group, cleans its environment and loses its parent is not found. Files are durable by `F_FULLFSYNC`,
//! which is what `sync_all` and `sync_data` do here.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{libc, sys::statvfs::statvfs};
use serde::{Deserialize, Serialize};

use super::Pid;
use super::{Seen, Started, elsewhere};
pub(crate) use super::{
    elsewhere::{ScriptFile, own_program, unseen, variable_of},
    unix::*,
};
use crate::executor::{JobLimits, JobUser, LimitError, Usage};

/// Of the largest resident memory that is told of a child (getrusage(2) of Darwin: bytes).
pub(super) const MEMORY_UNIT_BYTES: u64 = 1;

/// All processes of the host, ended ones too.
pub(crate) fn processes() -> impl Iterator<Item = Seen> {
    elsewhere::processes(group_of)
}

/// Looks at one process.
pub(crate) fn look(pid: Pid) -> Option<Seen> {
    elsewhere::look(pid, group_of)
}

fn group_of(pid: Pid) -> Pid {
    let raw = nix::unistd::Pid::from_raw(pid.0.cast_signed());
    // One that has ended is in none any more.
    nix::unistd::getpgid(Some(raw)).map_or(pid, |group| Pid(group.as_raw().cast_unsigned()))
}

/// Nobody can but process 1.
pub(crate) fn adopt_orphans() -> io::Result<bool> {
    Ok(false)
}

/// Nobody asks: there are no orphans among them.
pub(crate) fn children() -> Option<Vec<Pid>> {
    None
}

/// It is not asked for.
#[expect(
    clippy::option_option,
    reason = "not to know and to know of none are not the same"
)]
pub(crate) fn find_ended_child() -> Option<Option<Pid>> {
    None
}

/// There are none.
pub(crate) fn reap_orphan(_: Pid) {}

/// Gives an interpreter the text that it is to run as its next argument: in a file, for `/dev/stdin` shares its place with who has
/// it open here.
pub(crate) fn script(
    command: &mut Command,
    text: &str,
    user: Option<&JobUser>,
) -> io::Result<Option<ScriptFile>> {
    let file = ScriptFile::new(text, "")?;
    if let Some(user) = user {
        std::os::unix::fs::chown(file.path(), Some(user.uid), Some(user.gid))?;
    }
    command.arg(file.path()).stdin(Stdio::null());
    Ok(Some(file))
}

/// There is no way to make a path shorter: one that is too long is an error of who binds it.
pub(super) fn short(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    Ok((path.to_owned(), None))
}

/// The kernel's name of this boot of the host; empty if it gives none.
#[expect(unsafe_code, reason = "no crate here wraps sysctlbyname")]
pub(crate) fn boot() -> String {
    let mut name = [0_u8; 64];
    let mut length = name.len();
    // SAFETY: the name ends with a zero byte, and the buffer is as long as it is said to be.
    let told = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            name.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let name = name.get(..length).filter(|_| told == 0).unwrap_or_default();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Bytes of the disk that holds a folder: all, and those that are left.
pub(crate) fn disk(folder: &Path) -> Option<(u64, u64)> {
    let disk = statvfs(folder).ok()?;
    let bytes = |blocks| u64::from(blocks) * disk.fragment_size();
    Some((bytes(disk.blocks()), bytes(disk.blocks_available())))
}

/// Why jobs have no groups.
pub(crate) const NO_GROUPS: &str =
    "macOS has none, and nothing else that limits all processes of a job";
/// What can be done about it.
pub(crate) const NO_GROUPS_REMEDY: &str = "";

/// There are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Groups {}

impl Groups {
    pub(crate) fn find(_: &str, limits: JobLimits) -> Result<Option<Self>, LimitError> {
        match limits.are_none() {
            true => Ok(None),
            false => Err(LimitError::NoGroups),
        }
    }

    pub(crate) fn tidy(&self) {
        match *self {}
    }

    pub(crate) fn words(&self) -> String {
        match *self {}
    }

    pub(crate) fn make(&self, _: &str) -> io::Result<Group> {
        match *self {}
    }

    pub(crate) fn find_group(&self, _: &str) -> Option<Group> {
        match *self {}
    }
}

/// There are none.
#[derive(Clone, Debug)]
pub(crate) enum Group {}

impl Group {
    pub(super) fn start(&self, _: &Command) -> Option<Started> {
        match *self {}
    }

    pub(crate) fn receive(&self, _: &mut Command) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn take_in(&self, _: &Child) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn pids(&self) -> Vec<Pid> {
        match *self {}
    }

    /// Whether nothing lives in here.
    pub(crate) fn is_empty(&self) -> bool {
        match *self {}
    }

    pub(crate) fn is_populated(&self) -> bool {
        match *self {}
    }

    pub(crate) fn kill(&self) {
        match *self {}
    }

    pub(crate) fn usage(&self) -> Usage {
        match *self {}
    }
}
