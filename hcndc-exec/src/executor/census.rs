//! Which processes belong to an attempt, whatever they did to get away: read from `/proc`.
//!
//! A process belongs to an attempt if it is in the attempt's control group, where the host has such, or in the process group
//! of the attempt's main process, or carries the attempt's mark in the environment that it was started with, or descends from one that does. Where the executor
//! adopts orphans, a process without a mark that was left to it belongs to the attempt that ends last of those that it
//! can come from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::Read as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use nix::unistd::Pid;

use super::{cgroup::Group, reaper::Reaper};

/// The variable whose value is an attempt's [mark](Tree::mark).
pub(crate) const MARK_VARIABLE: &str = "HCNDC_TREE";

/// What an attempt's processes are known by.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The main process and the number of its group; `None` if that is not known any more.
    pub(crate) group: Option<Pid>,
    /// When the main process started, in ticks since boot.
    pub(crate) born: u64,
    /// Unique to the attempt among all executors.
    pub(crate) mark: String,
    /// The control group that its processes are in, if the host has such.
    pub(crate) cgroup: Option<Group>,
}

/// A process as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) group: Pid,
    /// In ticks since boot.
    pub(crate) born: u64,
    /// It has ended and only waits to be reaped.
    pub(crate) ended: bool,
}

impl Seen {
    /// Looks at one process.
    pub(crate) fn look(pid: Pid) -> Option<Self> {
        // One read into a buffer that is large enough: a census does this for every process of the host.
        let mut buffer = [0; 2048];
        let length = File::open(format!("/proc/{pid}/stat"))
            .ok()?
            .read(&mut buffer)
            .ok()?;
        Self::parse(pid, &buffer[..length])
    }

    /// See proc_pid_stat(5). The name, in parentheses, may hold anything.
    fn parse(pid: Pid, stat: &[u8]) -> Option<Self> {
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(&stat[name_end + 1..])
            .ok()?
            .split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let born = fields.nth(16)?.parse().ok()?;
        Some(Self {
            pid,
            parent: Pid::from_raw(parent),
            group: Pid::from_raw(group),
            born,
            ended: matches!(state, "Z" | "X" | "x"),
        })
    }
}

/// All processes of the host at one moment.
#[derive(Debug, Default)]
pub(crate) struct Census {
    living: Vec<Seen>,
    marks: HashMap<Pid, Arc<str>>,
    /// Orphans without a mark that were left to us.
    adopted: HashSet<Pid>,
    /// Births of the main processes that ran then.
    mains: BTreeMap<Pid, u64>,
}

impl Census {
    /// The living processes of a tree, by id.
    pub(crate) fn members(&self, tree: &Tree) -> Vec<Seen> {
        let own = Pid::this();
        let mut members: BTreeMap<Pid, Seen> = self
            .living
            .iter()
            .filter(|seen| self.is_root(tree, seen))
            .map(|seen| (seen.pid, *seen))
            .collect();
        let confined = tree.cgroup.iter().flat_map(Group::pids);
        let confined = confined.filter_map(Seen::look).filter(|seen| !seen.ended);
        members.extend(confined.map(|seen| (seen.pid, seen)));
        members.remove(&own);
        // Parents may come after their children in the list, so until nothing is added.
        let mut before = 0;
        while members.len() > before {
            before = members.len();
            for seen in &self.living {
                if members.contains_key(&seen.parent) && seen.pid != own {
                    members.insert(seen.pid, *seen);
                }
            }
        }
        members.into_values().collect()
    }

    fn is_root(&self, tree: &Tree, seen: &Seen) -> bool {
        let mark = self.marks.get(&seen.pid);
        if let Some(mark) = mark
            && **mark == *tree.mark
        {
            return true;
        }
        // Another tree's mark in our group: the number was given anew.
        let in_group = Some(seen.group) == tree.group && mark.is_none();
        in_group || self.is_adopted_from(tree, seen)
    }

    fn is_adopted_from(&self, tree: &Tree, seen: &Seen) -> bool {
        self.adopted.contains(&seen.pid)
            && tree.born <= seen.born
            && !self.mains.values().any(|born| *born <= seen.born)
    }
}

/// Marks by process id and birth; `None` for a process that has none.
type Marks = HashMap<(Pid, u64), Option<Arc<str>>>;

/// Takes the census, once for all who ask at the same time.
#[derive(Debug)]
pub(crate) struct Registrar {
    reaper: Arc<Reaper>,
    clock: AtomicU64,
    last: tokio::sync::Mutex<(u64, Arc<Census>)>,
    /// Of living processes. A mark once seen stays: a process that cleans its environment
    /// does not get rid of it.
    marks: Mutex<Marks>,
}

impl Registrar {
    pub(crate) fn new(reaper: Arc<Reaper>) -> Self {
        Self {
            reaper,
            clock: AtomicU64::new(1),
            last: tokio::sync::Mutex::default(),
            marks: Mutex::default(),
        }
    }

    /// A census that was begun after this call.
    pub(crate) async fn census(self: &Arc<Self>) -> Arc<Census> {
        let asked = self.clock.fetch_add(1, Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if last.0 < asked {
            let begun = self.clock.fetch_add(1, Ordering::SeqCst);
            let this = Arc::clone(self);
            let census = tokio::task::spawn_blocking(move || this.take()).await;
            *last = (begun, Arc::new(census.unwrap_or_default()));
        }
        Arc::clone(&last.1)
    }

    fn take(&self) -> Census {
        let own = Pid::this();
        let mut census = Census::default();
        let mut known = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut marks = HashMap::with_capacity(known.len());
        for seen in all().filter(|seen| !seen.ended) {
            let key = (seen.pid, seen.born);
            let mark = match known.get(&key) {
                Some(mark) if seen.parent != own => mark.clone(),
                // A child of ours that is just being started shows our own environment until it is replaced.
                before => read_mark(seen.pid).or_else(|| before.cloned().flatten()),
            };
            if let Some(mark) = &mark {
                census.marks.insert(seen.pid, Arc::clone(mark));
            }
            marks.insert(key, mark);
            census.living.push(seen);
        }
        *known = marks;
        if self.reaper.is_adopting() {
            self.find_adopted(&mut census);
        }
        census
    }

    fn find_adopted(&self, census: &mut Census) {
        let marks = &census.marks;
        let children: Vec<Seen> = census
            .living
            .iter()
            .filter(|seen| seen.parent == Pid::this() && !marks.contains_key(&seen.pid))
            .copied()
            .collect();
        // A second look while nothing is being started: what has no mark even now is no main process.
        self.reaper.with_mains(|mains| {
            for seen in children {
                if !mains.contains_key(&seen.pid)
                    && Seen::look(seen.pid).is_some_and(|now| now.born == seen.born && !now.ended)
                    && read_mark(seen.pid).is_none()
                {
                    census.adopted.insert(seen.pid);
                }
            }
            census.mains = mains;
        });
    }
}

/// All processes of the host, ended ones too.
pub(crate) fn all() -> impl Iterator<Item = Seen> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Seen::look(Pid::from_raw(pid)))
}

/// The mark in a process's environment; `None` if it has none or may not be read.
fn read_mark(pid: Pid) -> Option<Arc<str>> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable
            .strip_prefix(MARK_VARIABLE.as_bytes())?
            .strip_prefix(b"=")?;
        Some(Arc::from(std::str::from_utf8(value).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"12 (a) Z 1) S 7 8 9 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 1 0 555 1000 10";
        let seen = Seen::parse(Pid::from_raw(12), stat).unwrap();
        assert_eq!(
            (seen.parent, seen.group),
            (Pid::from_raw(7), Pid::from_raw(8))
        );
        assert_eq!((seen.born, seen.ended), (555, false));
    }

    #[test]
    fn members_are_group_mark_and_descendants() {
        let seen = |pid, parent, group| Seen {
            pid: Pid::from_raw(pid),
            parent: Pid::from_raw(parent),
            group: Pid::from_raw(group),
            born: 5,
            ended: false,
        };
        let census = Census {
            living: vec![
                seen(40, 30, 40),
                seen(10, 1, 10),
                seen(20, 1, 20),
                seen(30, 20, 30),
                seen(50, 1, 50),
            ],
            marks: HashMap::from([(Pid::from_raw(20), "k-1".into())]),
            ..Census::default()
        };
        let tree = Tree {
            group: Some(Pid::from_raw(10)),
            born: 1,
            mark: "k-1".into(),
            cgroup: None,
        };
        let pids: Vec<i32> = census
            .members(&tree)
            .iter()
            .map(|seen| seen.pid.as_raw())
            .collect();
        assert_eq!(pids, [10, 20, 30, 40]);
    }
}
