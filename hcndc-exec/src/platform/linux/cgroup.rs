//! Control groups of Linux (cgroup v2, see cgroups(7)): a group for each attempt, which none of its processes can leave by
//! forking, by a session of its own or by a clean environment.
//!
//! ```text
//!   <the executor's own group, or its parent where that is a leaf for it alone>
//!     └── hcndc-<key>          of one executor
//!           └── <mark>         of one attempt: its processes, its limits, what it used
//! ```
//!
//! A host that has no such groups, or none that the executor may write, does without: then processes are found by their
//! process group, their mark and their parents alone, and nothing is limited.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::read_small;
#[cfg(target_arch = "x86_64")]
use super::within;
use crate::{
    executor::{JobLimits, LimitError, Usage},
    platform::{Pid, Started},
};

/// A group in which nothing lives but the executor: systemd's `DelegateSubgroup=`, see the unit. Jobs go beside it, for a
/// group whose children have limits may hold no processes itself.
const OWN_LEAF: &str = "executor";

/// Why there are none.
pub(crate) const NO_GROUPS: &str = "this host has no cgroup v2 that the executor may write";
/// What can be done about it.
pub(crate) const NO_GROUPS_REMEDY: &str =
    "; run it as root or in a delegated group (systemd: Delegate=yes, DelegateSubgroup=executor)";

/// What limits and counts are made of.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// How long the time is of which a job may have a part of the processors (the kernel's own default).
const CPU_PERIOD_US: u64 = 100_000;

/// File and content of each limit.
fn settings(limits: &JobLimits) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    settings.extend(limits.memory_bytes.map(|it| ("memory.max", it.to_string())));
    settings.extend(limits.cpu_percent.map(|percent| {
        let quota = u64::from(percent) * CPU_PERIOD_US / 100;
        // The kernel takes no less than a millisecond.
        ("cpu.max", format!("{} {CPU_PERIOD_US}", quota.max(1_000)))
    }));
    settings.extend(limits.processes.map(|it| ("pids.max", it.to_string())));
    settings
}

/// Where attempts of one executor have their groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups {
    root: PathBuf,
    limits: JobLimits,
}

impl Groups {
    /// Groups for the executor of this key; `None` if the host has none for us and no limit needs one.
    pub(crate) fn find(key: &str, limits: JobLimits) -> Result<Option<Self>, LimitError> {
        let found = own().and_then(|own| Self::below(&own, key, limits));
        let Some(groups) = found else {
            return match limits.are_none() {
                true => Ok(None),
                false => Err(LimitError::NoGroups),
            };
        };
        let kept = groups.check();
        // It comes back with the first job.
        groups.tidy();
        kept.map(|()| Some(groups))
    }

    /// Groups below this one or its parent; `None` if none can be made there.
    fn below(own: &Path, key: &str, limits: JobLimits) -> Option<Self> {
        let is_leaf = own.file_name().is_some_and(|name| name == OWN_LEAF);
        let base = if is_leaf { own.parent()? } else { own };
        let root = base.join(format!("hcndc-{}", key.get(..12).unwrap_or(key)));
        // In a group that is ours alone controllers cost nobody anything; elsewhere only those who ask for limits want them.
        if is_leaf || !limits.are_none() {
            enable(base);
        }
        // Whether processes may be put there shows when one is: this opens what that takes.
        let unlimited = Self {
            root: root.clone(),
            limits: JobLimits::default(),
        };
        drop(
            unlimited
                .make("probe")
                .and_then(|probe| probe.open_door())
                .ok()?,
        );
        let groups = Self { root, limits };
        Some(groups)
    }

    /// Whether all limits can be kept.
    fn check(&self) -> Result<(), LimitError> {
        let has = fs::read_to_string(self.root.join("cgroup.subtree_control")).unwrap_or_default();
        for (file, _) in settings(&self.limits) {
            let missing = CONTROLLERS
                .into_iter()
                .find(|it| file.starts_with(it) && !has.split_whitespace().any(|has| has == *it));
            if let Some(controller) = missing {
                let path = self.root.clone();
                return Err(LimitError::NoController { path, controller });
            }
        }
        Ok(())
    }

    /// Takes away the group of this executor if nothing is left in it.
    pub(crate) fn tidy(&self) {
        let _ = fs::remove_dir(&self.root);
    }

    /// What they are, and where.
    pub(crate) fn words(&self) -> String {
        let place = self.root.parent().unwrap_or(&self.root);
        format!("control groups in {}", place.display())
    }

    /// Makes a group with the limits. A name is used for one attempt alone.
    pub(crate) fn make(&self, name: &str) -> io::Result<Group> {
        let path = self.root.join(name);
        self.make_place(&path)?;
        // A job of which the system has killed a part to free memory is no use: all of it ends, and at once.
        let has_memory = set(&path.join("memory.oom.group"), "1").is_ok();
        // Removed, if the rest fails.
        let place = Arc::new(Place { path, has_memory });
        for (file, content) in settings(&self.limits) {
            set(&place.path.join(file), &content)?;
        }
        Ok(Group { place })
    }

    /// What an attempt that nobody holds any more has left has the same name: it is the same attempt.
    fn make_place(&self, path: &Path) -> io::Result<()> {
        // Another process of this executor may take the root away whenever it is empty.
        for _ in 0..3 {
            match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&self.root)?;
                    enable(&self.root);
                }
                made => return made,
            }
        }
        fs::create_dir(path)
    }

    /// The group of this name, if there is one.
    pub(crate) fn find_group(&self, name: &str) -> Option<Group> {
        let path = self.root.join(name);
        path.is_dir().then(|| Group {
            place: Arc::new(Place {
                path,
                has_memory: true,
            }),
        })
    }
}

/// Lets the children of a group have controllers, as far as it has them itself.
fn enable(group: &Path) {
    for controller in CONTROLLERS {
        let _ = set(
            &group.join("cgroup.subtree_control"),
            &format!("+{controller}"),
        );
    }
}

/// Files of a group are made by the kernel: one that is missing is not to be made.
fn set(file: &Path, content: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(content.as_bytes())
}

/// The group of this process; `None` if the host has no cgroup v2.
fn own() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    find_own(&groups, &mounts)
}

/// See cgroups(7) and proc_pid_mountinfo(5). A mount shows the tree from some group on.
fn find_own(groups: &str, mounts: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (root, point) = mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let found = (fields.next()?, fields.next()?);
        kind.starts_with("cgroup2 ").then_some(found)
    })?;
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

/// The group of one attempt; taken away when the last clone is gone, unless processes are left in it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Its memory may be counted.
    has_memory: bool,
}

impl Group {
    /// Starts the process of a command in here that tells all of itself; `None` if it has to be asked to come in.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn start(&self, command: &Command) -> Option<Started> {
        let place = File::open(&self.place.path).ok()?;
        let made = within::start(command, &place);
        if let Err(error) = &made {
            tracing::debug!(%error, "a process is not made in its control group");
        }
        made.ok()
    }

    /// All have to.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn start(&self, _: &Command) -> Option<Started> {
        None
    }

    /// What a process writes itself into to come in.
    fn open_door(&self) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .open(self.place.path.join("cgroup.procs"))
    }

    /// Has a command start its process in here.
    #[expect(
        unsafe_code,
        reason = "a process that is put here from outside may have started others before"
    )]
    pub(crate) fn receive(&self, command: &mut Command) -> io::Result<()> {
        let door = self.open_door()?;
        // SAFETY: between fork and exec it only writes a byte to a file that is open already, and allocates nothing
        // (signal-safety(7)).
        unsafe {
            command.pre_exec(move || {
                nix::unistd::write(&door, b"0")?;
                Ok(())
            });
        }
        Ok(())
    }

    /// It has come in by itself.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "other systems take it in here"
    )]
    pub(crate) fn take_in(&self, _: &Child) -> io::Result<()> {
        Ok(())
    }

    /// Processes that live in here, in no order.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        let mut pids = Vec::new();
        collect(&self.place.path, &mut pids);
        pids
    }

    /// Whether anything lives in here. One that was looked for by name may be missed while it starts others and ends.
    pub(crate) fn is_populated(&self) -> bool {
        let events = read_small(self.place.path.join("cgroup.events"));
        entry(&events.unwrap_or_default(), "populated") > 0
    }

    /// Whether certainly nothing lives in here.
    pub(crate) fn is_empty(&self) -> bool {
        read_small(self.place.path.join("cgroup.events"))
            .is_ok_and(|events| events.lines().any(|line| line == "populated 0"))
    }

    /// Whether a process lives in another group of the same executor.
    pub(crate) fn is_beside(&self, pid: Pid) -> bool {
        let Ok(groups) = read_small(format!("/proc/{pid}/cgroup")) else {
            return false;
        };
        let lives = groups.lines().find_map(|line| line.strip_prefix("0::"));
        lives.is_some_and(|lives| is_beside(&self.place.path, Path::new(lives)))
    }

    /// Ends all at once, even if they start others meanwhile. Does nothing before Linux 5.14.
    pub(crate) fn kill(&self) {
        let _ = set(&self.place.path.join("cgroup.kill"), "1");
    }

    /// What was used so far.
    pub(crate) fn usage(&self) -> Usage {
        let read = |file: &str| read_small(self.place.path.join(file)).unwrap_or_default();
        let mut usage = Usage {
            cpu_time: Duration::from_micros(entry(&read("cpu.stat"), "usage_usec")),
            refused_processes: entry(&read("pids.events"), "max"),
            ..Usage::default()
        };
        if self.place.has_memory {
            usage.peak_memory_bytes = read("memory.peak").trim().parse().unwrap_or(0);
            usage.killed_for_memory = entry(&read("memory.events"), "oom_kill");
        }
        usage
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Whether one group, or one around it, is a sibling of another. The latter is named from its mount on, the former perhaps not.
fn is_beside(group: &Path, other: &Path) -> bool {
    let root = group.parent().and_then(Path::file_name);
    let mut names = other.iter().skip_while(|name| Some(*name) != root).skip(1);
    names
        .next()
        .is_some_and(|name| Some(name) != group.file_name())
}

/// A number of a file of `name number` lines; 0 if it is not there.
fn entry(lines: &str, name: &str) -> u64 {
    lines
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
        .unwrap_or(0)
}

/// A job that may do so makes groups of its own.
fn collect(group: &Path, pids: &mut Vec<Pid>) {
    let living = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    pids.extend(living.lines().filter_map(|pid| pid.parse().ok()).map(Pid));
    for below in children(group) {
        collect(&below, pids);
    }
}

/// Fails while processes live there, which is as it should be. Few have groups below, and looking for them takes longer.
fn remove(group: &Path) {
    if fs::remove_dir(group).is_err() {
        children(group).for_each(|below| remove(&below));
        let _ = fs::remove_dir(group);
    }
}

fn children(group: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
        31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
        35 30 0:31 /a/b /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_own_group_is_found_below_its_mount() {
        let found = |groups| find_own(groups, MOUNTS);
        let path = Path::new("/sys/fs/cgroup/c").to_path_buf();
        assert_eq!(found("4:cpu:/x\n0::/a/b/c\n"), Some(path));
        assert_eq!(found("0::/elsewhere\n"), None);
        assert_eq!(found("4:cpu:/x\n"), None);
        assert_eq!(
            find_own("0::/\n", "24 30 0:22 / /proc rw - proc proc rw\n"),
            None
        );
    }

    /// A folder in which groups look as the kernel makes them.
    fn groups(limits: JobLimits, files: &[&str]) -> (tempfile::TempDir, Groups) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        fs::create_dir(root.join("k-1")).unwrap();
        for file in files {
            fs::write(root.join("k-1").join(file), "").unwrap();
        }
        (folder, Groups { root, limits })
    }

    #[test]
    fn a_group_beside_is_told_from_its_own_and_from_others() {
        let own = Path::new("/sys/fs/cgroup/a/hcndc-k/k-1");
        for (other, expected) in [
            ("/a/hcndc-k/k-2", true),
            ("/hcndc-k/k-2/below", true),
            ("/a/hcndc-k/k-1", false),
            ("/a/hcndc-k/k-1/below", false),
            ("/a/hcndc-k", false),
            ("/a/hcndc-other/k-2", false),
            ("/", false),
        ] {
            assert_eq!(is_beside(own, Path::new(other)), expected, "{other}");
        }
    }

    #[test]
    fn limits_are_set_in_the_words_of_the_kernel() {
        let limits = JobLimits {
            memory_bytes: Some(1 << 30),
            cpu_percent: Some(150),
            processes: Some(64),
        };
        let files = [
            "memory.max",
            "cpu.max",
            "pids.max",
            "memory.oom.group",
            "cgroup.procs",
        ];
        let (folder, groups) = groups(limits, &files);
        let group = groups.make("k-1").unwrap();
        let said = |file| fs::read_to_string(folder.path().join("k-1").join(file)).unwrap();
        assert_eq!(said("memory.max"), "1073741824");
        assert_eq!(said("cpu.max"), "150000 100000");
        assert_eq!(said("pids.max"), "64");
        assert_eq!(said("memory.oom.group"), "1");
        drop(group);
    }

    #[test]
    fn a_limit_that_cannot_be_set_is_a_fault_and_not_passed_over() {
        let limits = JobLimits {
            processes: Some(64),
            ..JobLimits::default()
        };
        let (folder, groups) = groups(limits, &["cgroup.procs"]);
        assert!(groups.make("k-1").is_err());
        fs::write(folder.path().join("cgroup.subtree_control"), "cpu memory\n").unwrap();
        let error = groups.check().unwrap_err();
        assert!(matches!(
            error,
            LimitError::NoController {
                controller: "pids",
                ..
            }
        ));
        fs::write(folder.path().join("cgroup.subtree_control"), "cpu pids\n").unwrap();
        assert!(groups.check().is_ok());
    }

    #[test]
    fn what_was_used_is_read() {
        let files = ["cgroup.procs", "memory.oom.group"];
        let (folder, groups) = groups(JobLimits::default(), &files);
        let group = groups.make("k-1").unwrap();
        assert_eq!(group.usage(), Usage::default());
        let tell = |file, text| fs::write(folder.path().join("k-1").join(file), text).unwrap();
        tell("cpu.stat", "usage_usec 2500\nuser_usec 1\n");
        tell("memory.peak", "4096\n");
        tell(
            "memory.events",
            "low 0\noom 4\noom_kill 3\noom_group_kill 1\n",
        );
        tell("pids.events", "max 7\n");
        let expected = Usage {
            cpu_time: Duration::from_micros(2500),
            peak_memory_bytes: 4096,
            killed_for_memory: 3,
            refused_processes: 7,
        };
        assert_eq!(group.usage(), expected);
    }
}
