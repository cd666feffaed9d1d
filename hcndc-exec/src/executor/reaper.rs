//! Starts main processes and learns of their ends, with what they used.

use std::{
    collections::BTreeMap,
    io,
    process::{Child, Command},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use super::census::Seen;

/// How a main process ended.
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
    Signaled {
        signal: i32,
        /// It left an image of its memory.
        dumped: bool,
    },
    /// Someone else in this process reaped it.
    Unknown,
}

/// A process of ours that runs.
#[derive(Debug)]
pub(crate) struct Main {
    pub(crate) pid: Pid,
    /// In ticks since boot; 0 if it was gone before anyone looked.
    pub(crate) born: u64,
    pub(crate) child: Child,
    pub(crate) exit: oneshot::Receiver<Exit>,
}

struct Waited {
    born: u64,
    tell: oneshot::Sender<Exit>,
}

/// Knows all main processes of an executor.
pub(crate) struct Reaper {
    mains: Mutex<BTreeMap<Pid, Waited>>,
    /// Held shared from before a start until the process is in `mains`; whoever needs `mains` to be complete takes it
    /// alone.
    starting: RwLock<()>,
    adopting: bool,
}

impl std::fmt::Debug for Reaper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reaper")
            .field("adopting", &self.adopting)
            .finish_non_exhaustive()
    }
}

impl Reaper {
    /// Starts learning of ends, until `stop`. `adopting` makes this process the parent of all orphans among its
    /// descendants (see prctl(2), `PR_SET_CHILD_SUBREAPER`).
    pub(crate) fn start(adopting: bool, stop: CancellationToken) -> io::Result<Arc<Self>> {
        if adopting {
            nix::sys::prctl::set_child_subreaper(true)?;
        }
        let mut ended = signal(SignalKind::child())?;
        let reaper = Arc::new(Self {
            mains: Mutex::default(),
            starting: RwLock::default(),
            adopting,
        });
        let this = Arc::clone(&reaper);
        tokio::spawn(async move {
            // Adopted orphans are reaped by the second: nobody waits for them, they only take up process ids.
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ended.recv() => this.reap_mains(),
                    _ = tick.tick() => {
                        this.reap_mains();
                        if this.adopting {
                            let this = Arc::clone(&this);
                            let _ = tokio::task::spawn_blocking(move || this.reap_adopted()).await;
                        }
                    }
                    () = stop.cancelled() => break,
                }
            }
        });
        Ok(reaper)
    }

    /// Starts a main process.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Main> {
        let _starting = self.starting.read().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let born = Seen::look(pid).map_or(0, |seen| seen.born);
        let (tell, exit) = oneshot::channel();
        self.lock().insert(pid, Waited { born, tell });
        // It may have ended before it was in the list, and its signal been seen.
        self.reap(pid);
        Ok(Main {
            pid,
            born,
            child,
            exit,
        })
    }

    pub(crate) const fn is_adopting(&self) -> bool {
        self.adopting
    }

    /// Calls `with` with all main processes and their births; none starts meanwhile.
    pub(crate) fn with_mains(&self, with: impl FnOnce(BTreeMap<Pid, u64>)) {
        let _starting = self
            .starting
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mains = self
            .lock()
            .iter()
            .map(|(pid, waited)| (*pid, waited.born))
            .collect();
        with(mains);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Pid, Waited>> {
        self.mains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reap_mains(&self) {
        let pids: Vec<Pid> = self.lock().keys().copied().collect();
        pids.into_iter().for_each(|pid| self.reap(pid));
    }

    fn reap(&self, pid: Pid) {
        let mut mains = self.lock();
        if !mains.contains_key(&pid) {
            return;
        }
        let exit = match wait4(pid) {
            Ok(None) => return,
            Ok(Some(exit)) => exit,
            Err(_) => Exit {
                status: Status::Unknown,
                peak_memory_bytes: 0,
                cpu_time: Duration::ZERO,
            },
        };
        if let Some(waited) = mains.remove(&pid) {
            // Whoever waited may have given up; then nobody wants to know.
            let _ = waited.tell.send(exit);
        }
    }

    fn reap_adopted(&self) {
        let own = Pid::this();
        let ended: Vec<Pid> = super::census::all()
            .filter(|seen| seen.ended && seen.parent == own)
            .map(|seen| seen.pid)
            .collect();
        if ended.is_empty() {
            return;
        }
        self.with_mains(|mains| {
            for pid in ended.iter().filter(|pid| !mains.contains_key(pid)) {
                let _ = waitpid(*pid, Some(WaitPidFlag::WNOHANG));
            }
        });
    }
}

/// Reaps a child if it has ended; `None` while it lives.
#[expect(
    unsafe_code,
    reason = "no safe wrapper of wait4 gives what the child used"
)]
fn wait4(pid: Pid) -> Result<Option<Exit>, Errno> {
    let mut status = 0;
    // SAFETY: rusage is plain numbers, for which zero is a value; both pointers are valid for the call.
    let (reaped, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let reaped = libc::wait4(pid.as_raw(), &raw mut status, libc::WNOHANG, &raw mut usage);
        (reaped, usage)
    };
    match Errno::result(reaped) {
        Err(Errno::EINTR) | Ok(0) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let status = if libc::WIFEXITED(status) {
        Status::Exited(libc::WEXITSTATUS(status))
    } else {
        Status::Signaled {
            signal: libc::WTERMSIG(status),
            dumped: libc::WCOREDUMP(status),
        }
    };
    let duration = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Ok(Some(Exit {
        status,
        peak_memory_bytes: peak_memory(usage.ru_maxrss),
        cpu_time: duration(usage.ru_utime) + duration(usage.ru_stime),
    }))
}

/// A child shares our memory between its creation and its exec, and the kernel counts that too: a figure no greater
/// than our own says nothing about the child.
fn peak_memory(kibibytes: i64) -> u64 {
    let own = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)
        .map_or(0, |usage| usage.max_rss());
    if kibibytes <= own {
        return 0;
    }
    u64::try_from(kibibytes).unwrap_or(0).saturating_mul(1024)
}
