//! What an operator asks before the first job does: would an executor with these settings work?

use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use super::{
    ExecutorConfig, ExecutorServer, SupervisorConfig, find, host, turned_away::TurnedAway,
};
use crate::{link::PROTOCOL, platform};

/// Less space than this on the disk of the data directory is told.
const LITTLE_SPACE: u64 = 1 << 30;

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What it is, in words for people.
    pub text: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth a thought.
    Note,
    /// An executor does not start, or no job does.
    Bad,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Good => "ok  ",
            Verdict::Note => "note",
            Verdict::Bad => "BAD ",
        };
        write!(f, "{mark}  {}", self.text)
    }
}

fn good(text: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Good,
        text: text.into(),
    }
}

fn note(text: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Note,
        text: text.into(),
    }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Bad,
        text: text.into(),
    }
}

/// Looks at all that an executor with these settings needs, and changes nothing but to make its data directory.
pub async fn check(config: &ExecutorConfig) -> Vec<Finding> {
    let data_dir = &config.supervisor.data_dir;
    let mut findings = vec![data_directory(data_dir)];
    findings.extend(space(data_dir));
    let runs = match find(data_dir) {
        Ok(Some(found)) => {
            findings.push(note(format!(
                "an executor runs on it as process {} and listens on {}",
                found.pid, found.address
            )));
            findings.extend(turned_away(data_dir));
            true
        }
        Ok(None) => false,
        Err(error) => {
            findings.push(bad(format!(
                "cannot read whether an executor runs on it: {error}"
            )));
            false
        }
    };
    findings.push(good(format!(
        "it speaks version {PROTOCOL} of the protocol with schedulers that speak {}.x",
        PROTOCOL.major
    )));
    findings.push(address(config, runs).await);
    findings.push(guard(config));
    findings.push(directory("base directory", &config.supervisor.base_dir));
    let rules = &config.supervisor.rules;
    findings.extend(
        rules
            .directories
            .iter()
            .map(|allowed| directory("jobs may start in", allowed)),
    );
    findings.push(match rules.resolve() {
        Ok(resolved) => match resolved.user {
            Some(user) => good(format!("jobs run as {} ({})", user.name, user.uid)),
            None if platform::own_uid() == Some(0) => {
                note("jobs run as root; --run-as gives them another user")
            }
            None => good("jobs run as the executor's own user"),
        },
        Err(error) => bad(error.to_string()),
    });
    findings.push(control_groups(&config.supervisor));
    findings.push(shell());
    findings
}

/// With a key that no executor has: nothing of one that runs is touched.
fn control_groups(config: &SupervisorConfig) -> Finding {
    let key = format!("check-{}", std::process::id());
    match config.groups(&key) {
        Ok(Some(groups)) => {
            groups.tidy();
            let limits = if config.limits.are_none() {
                "without limits"
            } else {
                "with limits"
            };
            good(format!("jobs have {}, {limits}", groups.words()))
        }
        Ok(None) if config.control_groups => note(format!(
            "jobs have no control groups: {}",
            platform::NO_GROUPS
        )),
        Ok(None) => good("jobs have no control groups, as it is set"),
        Err(error) => bad(error.to_string()),
    }
}

fn data_directory(path: &Path) -> Finding {
    let tried = fs::create_dir_all(path).and_then(|()| {
        // Not only permissions: a read-only or full disk says so here.
        let probe = path.join("check.probe");
        fs::write(&probe, b"probe").and_then(|()| fs::remove_file(probe))
    });
    if let Err(error) = tried {
        return bad(format!(
            "data directory {} cannot be written: {error}",
            path.display()
        ));
    }
    match fs::metadata(path).map(|it| platform::is_open_to_others(&it)) {
        Ok(false) => good(format!("data directory {}", path.display())),
        _ => note(format!(
            "data directory {} can be looked into by other users; it holds output of jobs",
            path.display()
        )),
    }
}

fn space(path: &Path) -> Option<Finding> {
    let available = host::figures(path, 0).disk_available_bytes;
    (available < LITTLE_SPACE).then(|| note(format!("its disk has {} MiB left", available >> 20)))
}

/// What the executor that runs could not understand.
fn turned_away(data_dir: &Path) -> Option<Finding> {
    let TurnedAway { scheduler, reason } = TurnedAway::find(data_dir)?;
    Some(bad(format!(
        "the executor that runs turned away the scheduler {scheduler}: {reason}"
    )))
}

async fn address(config: &ExecutorConfig, runs: bool) -> Finding {
    let address = config.listen;
    // What is taken by the executor that runs is not tried.
    let listen = if runs {
        SocketAddr::new(address.ip(), 0)
    } else {
        address
    };
    match ExecutorServer::bind(listen, config.access.clone()).await {
        Ok(_) => good(format!("it can listen on {address}")),
        Err(error) => match in_use(address) {
            true => bad(format!("{error}; another program listens there")),
            false => bad(error.to_string()),
        },
    }
}

fn in_use(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

fn guard(config: &ExecutorConfig) -> Finding {
    let access = &config.access;
    let proves = access
        .tls
        .as_ref()
        .is_some_and(|tls| tls.asks_for_certificates());
    let text = match (&access.token, &access.tls) {
        (_, Some(_)) if proves => "TLS, and schedulers prove who they are by certificate",
        (Some(_), Some(_)) => "TLS, and schedulers show a token",
        (Some(_), None) if config.listen.ip().is_loopback() => "schedulers show a token",
        (Some(_), None) => {
            return note("schedulers show a token, and it travels in plain text: set up TLS too");
        }
        (None, Some(_)) => "TLS; whoever reaches the loopback address may run jobs",
        (None, None) => "whoever reaches the loopback address may run jobs",
    };
    good(text)
}

fn directory(what: &str, path: &Path) -> Finding {
    match fs::metadata(path) {
        Ok(it) if it.is_dir() => good(format!("{what} {}", path.display())),
        Ok(_) => bad(format!("{what} {}: that is no directory", path.display())),
        Err(error) => bad(format!("{what} {}: {error}", path.display())),
    }
}

fn shell() -> Finding {
    let shell = platform::SHELL;
    // What it runs is kept until it has.
    let tried = platform::shell("exit 0").and_then(|(mut command, _kept)| command.status());
    match tried {
        Ok(status) if status.success() => good(format!("{shell} runs")),
        Ok(status) => bad(format!("{shell} does not work: {status}")),
        Err(error) => bad(format!("{shell} cannot be started: {error}")),
    }
}
