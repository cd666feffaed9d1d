//! What macOS and Windows get from the same crates.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};
use tempfile::TempPath;

use super::{Pid, Seen};

/// The program that a process runs. If its file is replaced, what is started by it is of the new one.
pub(crate) fn own_program() -> PathBuf {
    // Without a path nothing is started, and that is said then.
    std::env::current_exe().unwrap_or_default()
}

/// All processes of the host. Births are in seconds, so a number that is given again within one is not told apart.
pub(super) fn processes(group_of: impl Fn(Pid) -> Pid) -> impl Iterator<Item = Seen> {
    let found = refreshed(ProcessesToUpdate::All, ProcessRefreshKind::nothing());
    let mut seen = Vec::new();
    if let Some(system) = found {
        let all = system.processes().values();
        seen.extend(all.map(|process| of(process, &group_of)));
    }
    seen.into_iter()
}

/// One of them.
pub(super) fn look(pid: Pid, group_of: impl Fn(Pid) -> Pid) -> Option<Seen> {
    let id = sysinfo::Pid::from_u32(pid.0);
    let system = refreshed(
        ProcessesToUpdate::Some(&[id]),
        ProcessRefreshKind::nothing(),
    )?;
    system.process(id).map(|process| of(process, &group_of))
}

/// A variable of a process's environment; `None` if it has none or may not be read.
pub(crate) fn variable_of(pid: Pid, name: &str) -> Option<String> {
    let id = sysinfo::Pid::from_u32(pid.0);
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    let system = refreshed(ProcessesToUpdate::Some(&[id]), kind)?;
    let environment = system.process(id)?.environ();
    environment.iter().find_map(|variable| {
        let value = variable.to_str()?.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.to_owned())
    })
}

fn refreshed(which: ProcessesToUpdate<'_>, kind: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(which, true, kind);
    Some(system)
}

fn of(process: &sysinfo::Process, group_of: &impl Fn(Pid) -> Pid) -> Seen {
    let pid = Pid(process.pid().as_u32());
    Seen {
        pid,
        parent: Pid(process.parent().map_or(0, sysinfo::Pid::as_u32)),
        group: group_of(pid),
        born: process.start_time(),
        ended: matches!(
            process.status(),
            ProcessStatus::Zombie | ProcessStatus::Dead
        ),
    }
}

/// A script in the system's folder for such, for its owner's eyes only; taken away when dropped. If what holds the job ends before, it
/// stays there.
#[derive(Debug)]
pub(crate) struct ScriptFile(TempPath);

impl ScriptFile {
    pub(super) fn new(text: &str, suffix: &str) -> io::Result<Self> {
        let mut file = tempfile::Builder::new()
            .prefix("hcndc-script-")
            .suffix(suffix)
            .tempfile()?;
        file.write_all(text.as_bytes())?;
        Ok(Self(file.into_temp_path()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// A file that holds this text and that is gone with who has it open; it stands at its start.
pub(crate) fn unseen(text: &str) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}
