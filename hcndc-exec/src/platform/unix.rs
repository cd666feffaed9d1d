//! What Linux and macOS have in common.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{
            fs::{
                DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _,
                PermissionsExt as _,
            },
            net::{UnixListener as StdListener, UnixStream as StdStream},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    sys::signal::{Signal, kill, killpg},
};
use tokio::{
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    signal::unix::{Signal as Heard, SignalKind, signal},
};

use super::{Ending, Exit, Pid, ScriptFile, Status, Wish, os};
use crate::executor::JobUser;

/// What runs a line.
pub(crate) const SHELL: &str = "/bin/sh";
/// Variables of the executor's own environment that jobs get too.
pub(crate) const PASSED_ON: &[&str] = &["PATH", "HOME", "LANG", "USER", "TZ"];
/// How Kettle's scripts are called.
pub(crate) const KETTLE_SUFFIX: &str = "sh";
/// Between paths of a list in the environment.
pub(crate) const LIST_SEPARATOR: char = ':';

fn raw(pid: Pid) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(pid.0.cast_signed())
}

/// Tells one process to end; one that is gone has.
pub(crate) fn tell(pid: Pid, ending: Ending) -> io::Result<()> {
    told(kill(raw(pid), signal_of(ending)))
}

/// Tells all processes of a group.
pub(crate) fn tell_group(group: Pid, ending: Ending) -> io::Result<()> {
    told(killpg(raw(group), signal_of(ending)))
}

fn told(sent: nix::Result<()>) -> io::Result<()> {
    match sent {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

const fn signal_of(ending: Ending) -> Signal {
    match ending {
        Ending::Ask => Signal::SIGTERM,
        Ending::Kill => Signal::SIGKILL,
    }
}

/// Says when a child may have ended.
#[derive(Debug)]
pub(crate) struct ChildEnds(Heard);

impl ChildEnds {
    pub(crate) fn watch() -> io::Result<Self> {
        signal(SignalKind::child()).map(Self)
    }

    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// A child whose end can be asked for.
#[derive(Debug)]
pub(crate) struct ChildHandle(Pid);

impl ChildHandle {
    pub(crate) const fn of(pid: Pid) -> Self {
        Self(pid)
    }

    pub(super) fn of_child(child: &Child) -> io::Result<Self> {
        Ok(Self::of(Pid(child.id())))
    }

    /// Reaps it if it has ended; `None` while it lives.
    #[expect(
        unsafe_code,
        reason = "no safe wrapper of wait4 gives what the child used"
    )]
    pub(crate) fn reap(&self) -> io::Result<Option<Exit>> {
        let mut status = 0;
        let pid = raw(self.0).as_raw();
        // SAFETY: rusage is plain numbers, for which zero is a value; both pointers are valid for the call.
        let (reaped, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let reaped = libc::wait4(pid, &raw mut status, libc::WNOHANG, &raw mut usage);
            (reaped, usage)
        };
        match Errno::result(reaped) {
            Err(Errno::EINTR) | Ok(0) => return Ok(None),
            Err(error) => return Err(error.into()),
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
}

/// A child shares our memory between its creation and its exec, and the kernel counts that too: a figure no greater
/// than our own says nothing about the child.
fn peak_memory(most: i64) -> u64 {
    // It never shrinks, so that most children are told by what it was before.
    static OWN: AtomicI64 = AtomicI64::new(0);
    if most <= OWN.load(Ordering::Relaxed) {
        return 0;
    }
    let own = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)
        .map_or(0, |usage| usage.max_rss());
    OWN.fetch_max(own, Ordering::Relaxed);
    if most <= own {
        return 0;
    }
    u64::try_from(most)
        .unwrap_or(0)
        .saturating_mul(os::MEMORY_UNIT_BYTES)
}

/// Has a command lead a process group of its own.
pub(crate) fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Has a command run as this user, in its main group and no other.
pub(crate) fn run_as(command: &mut Command, user: &JobUser) -> io::Result<()> {
    command
        .uid(user.uid)
        .gid(user.gid)
        .env("USER", &user.name)
        .env("HOME", &user.home);
    Ok(())
}

/// What a list of processes shows.
pub(crate) fn name_process(command: &mut Command, name: &str) {
    command.arg0(name);
}

/// The shell with a text to run, and what must be kept while it runs.
pub(crate) fn shell(text: &str) -> io::Result<(Command, Option<ScriptFile>)> {
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(text).stdin(Stdio::null());
    Ok((command, None))
}

/// A value as one word of the shell (POSIX Shell Command Language, 2.2.2); `None` for one that it cannot be given.
pub(crate) fn quoted(value: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+=".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return Some(value.to_owned());
    }
    Some(format!("'{}'", value.replace('\'', r"'\''")))
}

/// A folder as programs understand it.
pub(crate) fn without_prefix(folder: PathBuf) -> PathBuf {
    folder
}

/// The user of this name.
pub(crate) fn find_user(name: &str) -> io::Result<Option<JobUser>> {
    let found = nix::unistd::User::from_name(name)?;
    Ok(found.map(|user| JobUser {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        name: user.name,
        home: user.dir,
    }))
}

/// Our user; 0 may do all. `None` where users have no numbers.
pub(crate) fn own_uid() -> Option<u32> {
    Some(nix::unistd::geteuid().as_raw())
}

/// Has a file be made for its owner's eyes only.
pub(crate) fn only_ours_file(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// The same of a folder.
pub(crate) fn only_ours_folder(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

/// Whether other users may do anything with it.
pub(crate) fn is_open_to_others(file: &Metadata) -> bool {
    file.permissions().mode() & 0o077 != 0
}

/// Opens a file for reading and for appending, makes it if need be, and locks it; `None` while somebody else has. The lock goes with
/// the last copy of the file that is open in any process.
pub(crate) fn open_alone(path: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads from a place until the buffer is full.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], place: u64) -> io::Result<()> {
    file.read_exact_at(buffer, place)
}

/// Whether a file and its folder can be removed while somebody has it open.
pub(crate) const REMOVES_OPEN_FILES: bool = true;

/// Whether an open file was not removed meanwhile.
pub(crate) fn is_named(file: &File) -> bool {
    file.metadata().is_ok_and(|file| file.nlink() > 0)
}

/// Writes all of it at a place.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], place: u64) -> io::Result<()> {
    file.write_all_at(bytes, place)
}

/// Tells a file from the one that it is replaced by.
pub(crate) fn fingerprint(file: &Metadata) -> io::Result<String> {
    Ok(format!(
        "{:x}-{:x}-{:x}.{:x}",
        file.ino(),
        file.len(),
        file.mtime(),
        file.mtime_nsec()
    ))
}

/// What signals ask of an executor.
#[derive(Debug)]
pub(crate) struct Wishes {
    term: Heard,
    int: Heard,
    quit: Heard,
    hup: Heard,
}

impl Wishes {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.term.recv() => Wish::Stop,
            _ = self.int.recv() => Wish::Stop,
            _ = self.quit.recv() => Wish::Leave,
            _ = self.hup.recv() => Wish::Again,
        }
    }
}

/// TERM ends a holder. What a terminal sends does not, whoever shares it with us; it is caught rather than ignored,
/// for what is ignored would be ignored by jobs too.
#[derive(Debug)]
pub(crate) struct LastCall {
    term: Heard,
    _others: [Heard; 3],
}

impl LastCall {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            _others: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::quit())?,
            ],
        })
    }

    pub(crate) async fn heard(&mut self) {
        if self.term.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Returns when the process of a job is asked to end.
pub(crate) async fn asked_to_end() {
    match signal(SignalKind::terminate()) {
        Ok(mut term) => drop(term.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Puts nothing into the place of standard input: nobody who looks at this process later finds what was there.
pub(crate) fn close_input() -> io::Result<()> {
    Ok(nix::unistd::dup2_stdin(File::open("/dev/null")?)?)
}

/// Leaves the session of whoever started this process; does nothing in one that leads a session or a group already.
pub(crate) fn leave_session() {
    let _ = nix::unistd::setsid();
}

/// Becomes another program; returns only if it fails.
pub(crate) fn replace_with(mut command: Command) -> io::Error {
    command.exec()
}

/// Gives a holder that is about to be started its listener as standard input and its locked journal as standard output, so that there
/// is no moment at which it lives and cannot be found.
pub(crate) fn hand_over(command: &mut Command, socket: &Path, journal: File) -> io::Result<()> {
    let (short, _folder) = os::short(socket)?;
    let listener = StdListener::bind(short)?;
    command
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::from(journal));
    Ok(())
}

/// What a holder was given.
#[derive(Debug)]
pub(crate) struct Handed {
    listener: StdListener,
    journal: File,
}

/// Takes what [`hand_over`] gave this process, and nothing else of whoever started it.
pub(crate) fn take_over(_: &Path) -> io::Result<Handed> {
    // A signal to the terminal of whoever started us is not for us.
    nix::unistd::setsid()?;
    let listener = io::stdin().as_fd().try_clone_to_owned()?;
    let journal = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&nothing)?;
    nix::unistd::dup2_stdout(&nothing)?;
    Ok(Handed {
        listener: StdListener::from(listener),
        journal,
    })
}

impl Handed {
    /// To be used within a runtime.
    pub(crate) fn open(self) -> io::Result<(Listener, File)> {
        self.listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(self.listener)?;
        Ok((Listener(listener), self.journal))
    }
}

/// Where a holder is reached.
#[derive(Debug)]
pub(crate) struct Listener(UnixListener);

impl Listener {
    /// The next connection, as what is read from it and written to it.
    pub(crate) async fn accept(&mut self) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        Ok(self.0.accept().await?.0.into_split())
    }
}

/// Reaches a holder.
pub(crate) async fn connect(socket: &Path) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let (short, _folder) = os::short(socket)?;
    // Connecting within a host waits for nothing but room in the holder's queue.
    let stream = StdStream::connect(short)?;
    stream.set_nonblocking(true)?;
    Ok(UnixStream::from_std(stream)?.into_split())
}
