//! Where a running executor is found: a file in its data directory.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{
    platform::{self, Pid},
    token::Token,
};

/// Name of the file.
const FILE: &str = "executor.json";

/// A running executor, as it says itself.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Its process.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it wants to be shown.
    pub token: Option<Token>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    pid: u32,
    /// As in [`Seen`](platform::Seen), so that a later process of the same number is not taken for it.
    start_time: u64,
    address: SocketAddr,
    token: Option<String>,
}

/// The executor that runs on a data directory; `None` if none does.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn find(data_dir: &Path) -> io::Result<Option<Announcement>> {
    let content = match fs::read(data_dir.join(FILE)) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let content: Content = serde_json::from_slice(&content)?;
    let runs = platform::look(Pid(content.pid))
        .is_some_and(|seen| seen.born == content.start_time && !seen.ended);
    if !runs {
        return Ok(None);
    }
    let token = content.token.map(|token| token.parse()).transpose();
    Ok(Some(Announcement {
        pid: content.pid,
        address: content.address,
        token: token.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
    }))
}

/// Waits until an executor runs on a data directory, as after starting one.
///
/// # Errors
/// As [`find`]; [`io::ErrorKind::TimedOut`] when patience ends.
pub async fn find_within(data_dir: &Path, patience: Duration) -> io::Result<Announcement> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = find(data_dir)? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Another process writes the file; there is nothing to wait on.
        sleep(Duration::from_millis(10)).await;
    }
}

/// The executor that runs on a data directory; if none does, starts one by `command`, which must run
/// [`run`](super::run) on that directory and should [`detach`] first. It is left running when this process ends.
///
/// # Errors
/// When the command cannot be started, ends, or does not listen while patience lasts.
pub async fn find_or_start(
    data_dir: &Path,
    mut command: tokio::process::Command,
    patience: Duration,
) -> io::Result<Announcement> {
    if let Some(found) = find(data_dir)? {
        return Ok(found);
    }
    let mut child = command.stdin(Stdio::null()).kill_on_drop(false).spawn()?;
    tokio::select! {
        found = find_within(data_dir, patience) => found,
        ended = child.wait() => match find(data_dir)? {
            // Another one was quicker and has the directory.
            Some(found) => Ok(found),
            None => Err(io::Error::other(format!("the executor ended at its start: {}", ended?))),
        },
    }
}

/// Leaves the terminal and the session of whoever started this process, so that neither its end nor a Ctrl-C there ends
/// us. Does nothing in a process that leads a session or a process group already.
pub fn detach() {
    platform::leave_session();
}

/// The file of this process; taken away when dropped.
#[derive(Debug)]
pub(crate) struct Announced {
    path: PathBuf,
}

impl Announced {
    /// Writes the file for this process, whole or not at all, for the owner's eyes only.
    pub(crate) fn write(
        data_dir: &Path,
        address: SocketAddr,
        token: Option<&Token>,
    ) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        let new = path.with_extension("new");
        let content = Content {
            pid: std::process::id(),
            start_time: platform::look(Pid::own()).map_or(0, |seen| seen.born),
            address,
            token: token.map(|token| token.reveal().to_owned()),
        };
        // A leftover may have other permissions, and they would stay.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        platform::only_ours_file(&mut options);
        let mut file = options.open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(&content)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(Self { path })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_announced_is_found_until_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        assert!(find(directory.path()).unwrap().is_none());
        let token = Token::random();
        let address = "127.0.0.1:7890".parse().unwrap();
        let announced = Announced::write(directory.path(), address, Some(&token)).unwrap();
        let found = find(directory.path()).unwrap().unwrap();
        assert_eq!((found.pid, found.address), (std::process::id(), address));
        assert_eq!(found.token.unwrap().reveal(), token.reveal());
        let mode = fs::metadata(directory.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(announced);
        assert!(find(directory.path()).unwrap().is_none());
    }

    #[test]
    fn a_process_that_is_gone_is_not_found() {
        let directory = tempfile::tempdir().unwrap();
        let content = Content {
            pid: std::process::id(),
            start_time: 1,
            address: "127.0.0.1:7890".parse().unwrap(),
            token: None,
        };
        fs::write(
            directory.path().join(FILE),
            serde_json::to_vec(&content).unwrap(),
        )
        .unwrap();
        assert!(find(directory.path()).unwrap().is_none());
    }
}
