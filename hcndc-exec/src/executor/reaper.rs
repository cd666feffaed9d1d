//! Starts main processes and learns of their ends, with what they used.

use std::{
    collections::BTreeMap,
    io,
    process::{Child, ChildStderr, ChildStdout},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::platform::{
    self, Becoming, ChildEnds, ChildHandle, Exit, Pid, ScriptFile, Started, Status, adopt_orphans,
};

/// So many adopted orphans are looked at one by one at most: a census costs less than more of them.
const STRAYS: usize = 16;

/// A process of ours that runs.
#[derive(Debug)]
pub(crate) struct Main {
    pub(crate) pid: Pid,
    /// As in [`Seen`](platform::Seen); 0 if it was gone before anyone looked.
    pub(crate) born: u64,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    pub(crate) exit: oneshot::Receiver<Exit>,
    /// To be taken by who started it.
    pub(crate) becoming: Option<Becoming>,
    /// What it may read as long as it runs.
    pub(crate) _script: Option<ScriptFile>,
    _child: Option<Child>,
}

struct Waited {
    born: u64,
    handle: ChildHandle,
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
    /// descendants, where the system lets it be.
    pub(crate) fn start(adopting: bool, stop: CancellationToken) -> io::Result<Arc<Self>> {
        let adopting = adopting && adopt_orphans()?;
        let mut ended = ChildEnds::watch()?;
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
                    () = ended.next() => this.reap_mains(),
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
    pub(crate) fn spawn(
        &self,
        start: impl FnOnce() -> io::Result<Started>,
        script: Option<ScriptFile>,
    ) -> io::Result<Main> {
        let _starting = self.starting.read().unwrap_or_else(PoisonError::into_inner);
        let Started {
            pid,
            handle,
            stdout,
            stderr,
            child,
            becoming,
        } = start()?;
        let born = platform::look(pid).map_or(0, |seen| seen.born);
        let (tell, exit) = oneshot::channel();
        let waited = Waited { born, handle, tell };
        self.lock().insert(pid, waited);
        // It may have ended before it was in the list, and its signal been seen.
        self.reap(pid);
        Ok(Main {
            pid,
            born,
            stdout,
            stderr,
            exit,
            becoming,
            _script: script,
            _child: child,
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

    /// Whether no process runs that has come to us from a main process that has ended, and this one, born then, has; but for
    /// those that are another one's, as one is that is just being started. Where that cannot be told, `false`.
    pub(crate) fn has_let_go(
        &self,
        main: Pid,
        born: u64,
        is_anothers: impl Fn(Pid) -> bool,
    ) -> bool {
        if !self.adopting {
            return false;
        }
        // Nothing is reaped meanwhile, so that the list of children is whole.
        let mains = self.lock();
        if mains.get(&main).is_some_and(|waited| waited.born == born) {
            return false;
        }
        let strays = || {
            let mut children = platform::children()?;
            children.retain(|pid| !mains.contains_key(pid));
            Some(children)
        };
        let Some(found) = strays() else {
            return false;
        };
        if found.len() > STRAYS {
            return false;
        }
        let mut have_ended = false;
        for pid in &found {
            match platform::look(*pid) {
                Some(seen) if seen.ended => have_ended = true,
                Some(_) if is_anothers(*pid) => {}
                _ => return false,
            }
        }
        // One that has ended has left its own children to us, perhaps after the list was read.
        !have_ended || strays().is_some_and(|again| again == found)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Pid, Waited>> {
        self.mains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reap_mains(&self) {
        loop {
            match platform::find_ended_child() {
                Some(None) => return,
                Some(Some(pid)) if self.reap(pid) => {}
                // What is not ours to reap may stand before what is.
                _ => break,
            }
        }
        let pids: Vec<Pid> = self.lock().keys().copied().collect();
        for pid in pids {
            self.reap(pid);
        }
    }

    /// Whether it is a main process that has ended.
    fn reap(&self, pid: Pid) -> bool {
        let mut mains = self.lock();
        let Some(waited) = mains.get(&pid) else {
            return false;
        };
        let exit = match waited.handle.reap() {
            Ok(None) => return false,
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
        true
    }

    fn reap_adopted(&self) {
        let own = Pid::own();
        let children: Vec<_> = match platform::children() {
            Some(children) => children.into_iter().filter_map(platform::look).collect(),
            None => platform::processes()
                .filter(|seen| seen.parent == own)
                .collect(),
        };
        let ended = children.into_iter().filter(|seen| seen.ended);
        let mut orphans: Vec<Pid> = ended.map(|seen| seen.pid).collect();
        orphans.retain(|pid| !self.lock().contains_key(pid));
        if orphans.is_empty() {
            return;
        }
        let _starting = self
            .starting
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mains = self.lock();
        for pid in orphans.iter().filter(|pid| !mains.contains_key(pid)) {
            platform::reap_orphan(*pid);
        }
    }
}
