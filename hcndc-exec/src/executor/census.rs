//! Which processes belong to an attempt, whatever they did to get away.
//!
//! A process belongs to an attempt if it is in the attempt's control group, where the host has such, or in the process group
//! of the attempt's main process, or carries the attempt's mark in the environment that it was started with, or descends from one that does. Where the executor
//! adopts orphans, a process without a mark that was left to it belongs to the attempt that ends last of those that it
//! can come from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::reaper::Reaper;
use crate::platform::{self, Group, Pid, Seen};

/// The variable whose value is an attempt's [mark](Tree::mark).
pub(crate) const MARK_VARIABLE: &str = "HCNDC_TREE";

/// What an attempt's processes are known by.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The main process and the number of its group; `None` if that is not known any more.
    pub(crate) group: Option<Pid>,
    /// When the main process started, as in [`Seen`].
    pub(crate) born: u64,
    /// Unique to the attempt among all executors.
    pub(crate) mark: String,
    /// The control group that its processes are in, if the host has such.
    pub(crate) cgroup: Option<Group>,
    /// Whether the main process was a child of this process, to which orphans of its tree come then.
    pub(crate) is_ours: bool,
}

/// What lives of a tree at one moment.
#[derive(Debug, Default)]
pub(crate) struct Living {
    /// Processes, by id.
    pub(crate) members: Vec<Seen>,
    /// Whether anything is there, seen or not.
    pub(crate) is_there: bool,
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
        let own = Pid::own();
        let mut members: BTreeMap<Pid, Seen> = self
            .living
            .iter()
            .filter(|seen| self.is_root(tree, seen))
            .map(|seen| (seen.pid, *seen))
            .collect();
        let confined = tree.cgroup.iter().flat_map(Group::pids);
        let confined = confined
            .filter_map(platform::look)
            .filter(|seen| !seen.ended);
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

    /// What lives of a tree.
    pub(crate) async fn look(self: &Arc<Self>, tree: &Tree) -> Living {
        if self.is_gone(tree) {
            return Living::default();
        }
        let members = self.census().await.members(tree);
        let is_there = !members.is_empty() || tree.cgroup.as_ref().is_some_and(Group::is_populated);
        Living { members, is_there }
    }

    /// Whether certainly nothing of a tree is left, as can be told without a look at all processes of the host: its control group is
    /// empty, and what was moved out of that, as a login is into a session of its own, has not come to us as an orphan.
    fn is_gone(&self, tree: &Tree) -> bool {
        // Once the number of the main process may be another's, the census tells.
        let (Some(main), Some(group)) = (tree.group, &tree.cgroup) else {
            return false;
        };
        let is_anothers = |pid| group.is_beside(pid);
        tree.is_ours && group.is_empty() && self.reaper.has_let_go(main, tree.born, is_anothers)
    }

    /// A census that was begun after this call.
    async fn census(self: &Arc<Self>) -> Arc<Census> {
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
        let own = Pid::own();
        let mut census = Census::default();
        let mut known = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut marks = HashMap::with_capacity(known.len());
        for seen in platform::processes().filter(|seen| !seen.ended) {
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
            .filter(|seen| seen.parent == Pid::own() && !marks.contains_key(&seen.pid))
            .copied()
            .collect();
        // A second look while nothing is being started: what has no mark even now is no main process.
        self.reaper.with_mains(|mains| {
            for seen in children {
                if !mains.contains_key(&seen.pid)
                    && platform::look(seen.pid)
                        .is_some_and(|now| now.born == seen.born && !now.ended)
                    && read_mark(seen.pid).is_none()
                {
                    census.adopted.insert(seen.pid);
                }
            }
            census.mains = mains;
        });
    }
}

/// The mark in a process's environment; `None` if it has none or may not be read.
fn read_mark(pid: Pid) -> Option<Arc<str>> {
    platform::variable_of(pid, MARK_VARIABLE).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_group_mark_and_descendants() {
        let seen = |pid, parent, group| Seen {
            pid: Pid(pid),
            parent: Pid(parent),
            group: Pid(group),
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
            marks: HashMap::from([(Pid(20), "k-1".into())]),
            ..Census::default()
        };
        let tree = Tree {
            group: Some(Pid(10)),
            born: 1,
            mark: "k-1".into(),
            cgroup: None,
            is_ours: true,
        };
        let pids: Vec<u32> = census
            .members(&tree)
            .iter()
            .map(|seen| seen.pid.0)
            .collect();
        assert_eq!(pids, [10, 20, 30, 40]);
    }
}
