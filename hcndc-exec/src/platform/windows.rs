//! Windows. Was never run; see the table of the room for what differs. A job object holds all processes of a job: none leaves it, it is
//! ended as a whole, and it ends when whoever has it open does. A process is asked to end by Ctrl-Break, which the console has for each
//! group of processes that was begun as one; a holder has a console that nobody sees.
#![expect(
    unsafe_code,
    reason = "job objects, consoles and access lists have a C interface alone"
)]

use std::{
    ffi::{OsStr, OsString, c_void},
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io,
    os::windows::{
        ffi::OsStrExt as _,
        fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
        io::{AsHandle as _, AsRawHandle as _, FromRawHandle as _, OwnedHandle},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    ptr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{ReadHalf, WriteHalf},
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
    signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
        ctrl_logoff, ctrl_shutdown,
    },
    sync::watch,
    time::{Instant, sleep},
};
use windows_sys::Win32::{
    Foundation::{
        ERROR_INVALID_PARAMETER, ERROR_PIPE_BUSY, ERROR_SHARING_VIOLATION, FILETIME, HANDLE,
        HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, LocalFree, SetHandleInformation, WAIT_TIMEOUT,
    },
    Security::{
        Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
        PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
    },
    Storage::FileSystem::{FILE_SHARE_DELETE, FILE_SHARE_READ, GetDiskFreeSpaceExW},
    System::{
        Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent},
        Diagnostics::ToolHelp::{
            CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
        },
        JobObjects::{
            AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_CPU_RATE_CONTROL_ENABLE,
            JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
            JOB_OBJECT_LIMIT_JOB_MEMORY, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
            JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_BASIC_PROCESS_ID_LIST,
            JOBOBJECT_CPU_RATE_CONTROL_INFORMATION, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0,
            JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS,
            JobObjectBasicAccountingInformation, JobObjectBasicProcessIdList,
            JobObjectCpuRateControlInformation, JobObjectExtendedLimitInformation, OpenJobObjectW,
            QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
        },
        ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS},
        Threading::{
            CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_SUSPENDED, GetExitCodeProcess,
            GetProcessTimes, INFINITE, OpenProcess, OpenThread, PROCESS_TERMINATE, ResumeThread,
            THREAD_SUSPEND_RESUME, TerminateProcess, WaitForSingleObject,
        },
    },
};

pub(crate) use super::elsewhere::{ScriptFile, own_program, unseen, variable_of};
use super::{Ending, Exit, Pid, Seen, Started, Status, Wish, elsewhere};
use crate::executor::{JobLimits, JobUser, LimitError, Usage};

/// What runs a text.
pub(crate) const SHELL: &str = "cmd.exe";
/// Variables of the executor's own environment that jobs get too. Without the first few most programs do not even start.
pub(crate) const PASSED_ON: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "ComSpec",
    "PATH",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
    "LANG",
    "TZ",
];
/// How Kettle's scripts are called.
pub(crate) const KETTLE_SUFFIX: &str = "bat";
/// Between paths of a list in the environment.
pub(crate) const LIST_SEPARATOR: char = ';';

/// Rights to a job object (winnt.h), which the crate does not name.
const JOB_QUERY: u32 = 0x4;
const JOB_TERMINATE: u32 = 0x8;

/// The exit code of what is killed.
const KILLED: u32 = 1;

fn check(done: i32) -> io::Result<()> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// What a function gave as a handle that is ours to close.
fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn is_error(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// All processes of the host.
pub(crate) fn processes() -> impl Iterator<Item = Seen> {
    elsewhere::processes(|pid| pid)
}

/// Looks at one process.
pub(crate) fn look(pid: Pid) -> Option<Seen> {
    elsewhere::look(pid, |pid| pid)
}

/// Tells one process to end; one that is gone has. It cannot be asked if it does not lead a group.
pub(crate) fn tell(pid: Pid, ending: Ending) -> io::Result<()> {
    if ending == Ending::Ask {
        return Ok(());
    }
    // SAFETY: takes numbers alone.
    let process = match owned(unsafe { OpenProcess(PROCESS_TERMINATE, 0, pid.0) }) {
        Err(error) if is_error(&error, ERROR_INVALID_PARAMETER) => return Ok(()),
        opened => opened?,
    };
    // SAFETY: the handle is open.
    check(unsafe { TerminateProcess(process.as_raw_handle(), KILLED) })
}

/// Tells all processes of a console group, which was begun with this process.
pub(crate) fn tell_group(group: Pid, ending: Ending) -> io::Result<()> {
    match ending {
        // SAFETY: takes numbers alone.
        Ending::Ask => check(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group.0) }),
        Ending::Kill => tell(group, ending),
    }
}

/// Counts ends of children, for all who wait for some.
static ENDED: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));

/// Says when a child may have ended.
#[derive(Debug)]
pub(crate) struct ChildEnds(watch::Receiver<u64>);

impl ChildEnds {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self(ENDED.subscribe()))
    }

    pub(crate) async fn next(&mut self) {
        // Its sender is never gone.
        let _ = self.0.changed().await;
    }
}

/// A child whose end can be asked for.
#[derive(Debug)]
pub(crate) struct ChildHandle(OwnedHandle);

impl ChildHandle {
    /// A thread waits for it, which costs a little memory for each job that runs.
    pub(super) fn of_child(child: &Child) -> io::Result<Self> {
        let process = child.as_handle().try_clone_to_owned()?;
        let waited = process.try_clone()?;
        std::thread::Builder::new()
            .name("job".to_owned())
            .stack_size(64 << 10)
            .spawn(move || {
                // SAFETY: the handle is open.
                unsafe { WaitForSingleObject(waited.as_raw_handle(), INFINITE) };
                ENDED.send_modify(|ends| *ends = ends.wrapping_add(1));
            })?;
        Ok(Self(process))
    }

    /// How it ended; `None` while it lives.
    pub(crate) fn reap(&self) -> io::Result<Option<Exit>> {
        let process = self.0.as_raw_handle();
        // SAFETY: the handle is open.
        if unsafe { WaitForSingleObject(process, 0) } == WAIT_TIMEOUT {
            return Ok(None);
        }
        let mut code = 0;
        // SAFETY: the handle is open, and the pointer is valid for the call.
        check(unsafe { GetExitCodeProcess(process, &raw mut code) })?;
        Ok(Some(Exit {
            status: Status::Exited(code.cast_signed()),
            peak_memory_bytes: peak_memory(process),
            cpu_time: cpu_time(process),
        }))
    }
}

fn peak_memory(process: HANDLE) -> u64 {
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    let length = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    // SAFETY: the handle is open, and the structure is as long as is said.
    let told = unsafe { K32GetProcessMemoryInfo(process, &raw mut counters, length) };
    if told == 0 {
        return 0;
    }
    counters.PeakWorkingSetSize as u64
}

fn cpu_time(process: HANDLE) -> Duration {
    let mut times = [FILETIME::default(); 4];
    let [begun, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and the pointers are valid for the call.
    let told = unsafe { GetProcessTimes(process, begun, ended, kernel, user) };
    if told == 0 {
        return Duration::ZERO;
    }
    let [.., kernel, user] =
        times.map(|time| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime));
    ticks(kernel + user)
}

/// The system counts in tenths of microseconds.
const fn ticks(count: u64) -> Duration {
    Duration::from_nanos(count.saturating_mul(100))
}

/// Has a command lead a group of its console.
pub(crate) fn own_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Nobody is another user without that one's password; [`find_user`] says so before.
pub(crate) fn run_as(_: &mut Command, _: &JobUser) -> io::Result<()> {
    Err(no_users())
}

fn no_users() -> io::Error {
    let words = "on Windows jobs run as the executor's own user";
    io::Error::new(io::ErrorKind::Unsupported, words)
}

/// Programs are called by their files here.
pub(crate) fn name_process(_: &mut Command, _: &str) {}

/// Nobody adopts orphans here, and nobody must reap them.
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

/// The shell with a text to run, and what must be kept while it runs. The text is a batch file: a command line of the shell ends with its
/// first line.
pub(crate) fn shell(text: &str) -> io::Result<(Command, Option<ScriptFile>)> {
    let lines: Vec<&str> = text.lines().collect();
    let batch = format!("@echo off\r\nchcp 65001 >nul\r\n{}\r\n", lines.join("\r\n"));
    let file = ScriptFile::new(&batch, ".cmd")?;
    let mut command = Command::new(SHELL);
    command
        .args(["/D", "/C"])
        .arg(file.path())
        .stdin(Stdio::null());
    Ok((command, Some(file)))
}

/// A value as one word of a batch file; `None` for one that it cannot be given.
pub(crate) fn quoted(value: &str) -> Option<String> {
    if value.contains(['\r', '\n', '\0']) {
        return None;
    }
    let inner = value.replace('"', "\"\"").replace('%', "%%");
    // What reads the word takes a backslash before a quote for its escape.
    let slashes = inner.len() - inner.trim_end_matches('\\').len();
    Some(format!("\"{inner}{}\"", "\\".repeat(slashes)))
}

/// Gives an interpreter the text that it is to run as its next argument.
pub(crate) fn script(
    command: &mut Command,
    text: &str,
    _: Option<&JobUser>,
) -> io::Result<Option<ScriptFile>> {
    let file = ScriptFile::new(text, "")?;
    command.arg(file.path()).stdin(Stdio::null());
    Ok(Some(file))
}

/// A folder as programs understand it: few take one in the form that `canonicalize` gives.
pub(crate) fn without_prefix(folder: PathBuf) -> PathBuf {
    let plain = folder.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    match plain {
        Some(plain) if plain.as_bytes().get(1) == Some(&b':') => PathBuf::from(plain),
        _ => folder,
    }
}

/// No other user can be had.
pub(crate) fn find_user(_: &str) -> io::Result<Option<JobUser>> {
    Err(no_users())
}

/// Users have no numbers.
pub(crate) fn own_uid() -> Option<u32> {
    None
}

/// The access list of the folder holds for what is made in it.
pub(crate) fn only_ours_file(_: &mut OpenOptions) {}

/// The same.
pub(crate) fn only_ours_folder(_: &mut DirBuilder) {}

/// That is in access lists, which are not looked at.
pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Opens a file for reading and writing at its end, makes it if need be, and keeps others from writing to it; `None` while somebody else
/// does. They can read it, which a lock would not let them.
pub(crate) fn open_alone(path: &Path) -> io::Result<Option<File>> {
    let opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE)
        .open(path);
    match opened {
        Ok(mut file) => {
            io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
            Ok(Some(file))
        }
        Err(error) if is_error(&error, ERROR_SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file system does that itself.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads from a place until the buffer is full.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut place: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, place) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                place += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a file and its folder can be removed while somebody has it open.
pub(crate) const REMOVES_OPEN_FILES: bool = false;

/// Whether an open file was not removed meanwhile.
pub(crate) const fn is_named(_: &File) -> bool {
    true
}

/// Writes all of it at a place.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut place: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, place) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                place += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Tells a file from the one that it is replaced by.
pub(crate) fn fingerprint(file: &Metadata) -> io::Result<String> {
    Ok(format!(
        "{:x}-{:x}-{:x}",
        file.len(),
        file.creation_time(),
        file.last_write_time()
    ))
}

/// What the console and the system ask of an executor.
#[derive(Debug)]
pub(crate) struct Wishes {
    interrupt: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Wishes {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.stop.recv() => Wish::Stop,
            _ = self.close.recv() => Wish::Leave,
            _ = self.logoff.recv() => Wish::Leave,
            _ = self.shutdown.recv() => Wish::Leave,
        }
    }
}

/// What ends a holder: its user goes, or the host. Ctrl-C and Ctrl-Break do not, whoever shares the console.
#[derive(Debug)]
pub(crate) struct LastCall {
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
    _others: (CtrlC, CtrlBreak),
}

impl LastCall {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
            _others: (ctrl_c()?, ctrl_break()?),
        })
    }

    pub(crate) async fn heard(&mut self) {
        tokio::select! {
            _ = self.logoff.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}

/// Returns when the process of a job is asked to end.
pub(crate) async fn asked_to_end() {
    match ctrl_break() {
        Ok(mut asked) => drop(asked.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// What was there has no name, and goes with this process.
pub(crate) fn close_input() -> io::Result<()> {
    Ok(())
}

/// There is nothing to leave: what starts an executor in the background gives it a console of its own, or none.
pub(crate) fn leave_session() {}

/// A process stays what it is.
pub(crate) fn replace_with(_: Command) -> io::Error {
    let words = "on Windows a program cannot begin again in its process";
    io::Error::new(io::ErrorKind::Unsupported, words)
}

/// Gives a holder that is about to be started its journal as standard output, which nobody else may write then. Its pipe it makes
/// itself.
pub(crate) fn hand_over(command: &mut Command, _: &Path, journal: File) -> io::Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(journal))
        .creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
    Ok(())
}

/// What a holder was given.
#[derive(Debug)]
pub(crate) struct Handed {
    pipe: OsString,
    journal: File,
}

/// Takes what [`hand_over`] gave this process.
pub(crate) fn take_over(path: &Path) -> io::Result<Handed> {
    let given = io::stdout();
    let journal = File::from(given.as_handle().try_clone_to_owned()?);
    // Jobs have nothing to do with it.
    // SAFETY: the handle is open.
    check(unsafe { SetHandleInformation(given.as_raw_handle(), HANDLE_FLAG_INHERIT, 0) })?;
    Ok(Handed {
        pipe: pipe_of(path),
        journal,
    })
}

impl Handed {
    /// To be used within a runtime.
    pub(crate) fn open(self) -> io::Result<(Listener, File)> {
        let next = make_pipe(&self.pipe, true)?;
        let listener = Listener {
            pipe: self.pipe,
            next,
        };
        Ok((listener, self.journal))
    }
}

/// The pipe of the holder with this journal or socket.
fn pipe_of(path: &Path) -> OsString {
    let mut name = OsString::from(r"\\.\pipe\hcndc-");
    name.push(path.file_stem().unwrap_or_default());
    name
}

/// A pipe for its owner alone, and for this host alone.
fn make_pipe(name: &OsStr, first: bool) -> io::Result<NamedPipeServer> {
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    let owner_alone = wide(OsStr::new("D:P(A;;GA;;;OW)"));
    // SAFETY: the text ends with a zero, and the pointers are valid for the call.
    check(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            owner_alone.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    })?;
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    };
    let attributes: *mut SECURITY_ATTRIBUTES = &raw mut attributes;
    // SAFETY: the attributes and the descriptor are valid for the call.
    let made = unsafe {
        ServerOptions::new()
            .first_pipe_instance(first)
            .reject_remote_clients(true)
            .create_with_security_attributes_raw(name, attributes.cast::<c_void>())
    };
    // SAFETY: it was allocated for us, and nobody uses it any more.
    unsafe { LocalFree(descriptor) };
    made
}

/// Where a holder is reached.
#[derive(Debug)]
pub(crate) struct Listener {
    pipe: OsString,
    /// For who comes next.
    next: NamedPipeServer,
}

impl Listener {
    /// The next connection, as what is read from it and written to it.
    pub(crate) async fn accept(
        &mut self,
    ) -> io::Result<(ReadHalf<NamedPipeServer>, WriteHalf<NamedPipeServer>)> {
        self.next.connect().await?;
        let next = make_pipe(&self.pipe, false)?;
        let connected = std::mem::replace(&mut self.next, next);
        Ok(tokio::io::split(connected))
    }
}

/// How long a holder may take to make its pipe.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reaches a holder.
pub(crate) async fn connect(
    socket: &Path,
) -> io::Result<(ReadHalf<NamedPipeClient>, WriteHalf<NamedPipeClient>)> {
    let pipe = pipe_of(socket);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ClientOptions::new().open(&pipe) {
            Ok(client) => return Ok(tokio::io::split(client)),
            Err(error)
                if Instant::now() < deadline
                    && (is_error(&error, ERROR_PIPE_BUSY)
                        || error.kind() == io::ErrorKind::NotFound) =>
            {
                sleep(Duration::from_millis(10)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Nothing names a boot that no change of the clock touches; empty.
pub(crate) fn boot() -> String {
    String::new()
}

/// Bytes of the disk that holds a folder: all, and those that are left.
pub(crate) fn disk(folder: &Path) -> Option<(u64, u64)> {
    let folder = wide(folder.as_os_str());
    let (mut left, mut all) = (0, 0);
    // SAFETY: the path ends with a zero, and the pointers are valid for the call.
    let told = unsafe {
        GetDiskFreeSpaceExW(
            folder.as_ptr(),
            &raw mut left,
            &raw mut all,
            ptr::null_mut(),
        )
    };
    (told != 0).then_some((all, left))
}

/// Why jobs have no groups. They always have.
pub(crate) const NO_GROUPS: &str = "they were turned off";
/// What can be done about it.
pub(crate) const NO_GROUPS_REMEDY: &str = "; turn them on";

/// Job objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups {
    limits: JobLimits,
}

impl Groups {
    pub(crate) fn find(_: &str, limits: JobLimits) -> Result<Option<Self>, LimitError> {
        Ok(Some(Self { limits }))
    }

    /// They go by themselves.
    pub(crate) fn tidy(&self) {}

    pub(crate) fn words(&self) -> String {
        "job objects".to_owned()
    }

    /// Makes one with the limits. A name is used for one attempt alone.
    pub(crate) fn make(&self, name: &str) -> io::Result<Group> {
        let name = job_name(name);
        // SAFETY: the name ends with a zero.
        let job = owned(unsafe { CreateJobObjectW(ptr::null(), name.as_ptr()) })?;
        let group = Group { job: Arc::new(job) };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        if let Some(bytes) = self.limits.memory_bytes {
            limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
            limits.JobMemoryLimit = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        if let Some(processes) = self.limits.processes {
            limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
            limits.BasicLimitInformation.ActiveProcessLimit = processes;
        }
        group.set(JobObjectExtendedLimitInformation, &limits)?;
        if let Some(percent) = self.limits.cpu_percent {
            // Hundredths of a percent of all processors.
            let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
            let rate = (u64::from(percent) * 100 / cores).clamp(1, 10_000) as u32;
            let control = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
                ControlFlags: JOB_OBJECT_CPU_RATE_CONTROL_ENABLE
                    | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
                Anonymous: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0 { CpuRate: rate },
            };
            group.set(JobObjectCpuRateControlInformation, &control)?;
        }
        Ok(group)
    }

    /// The one of this name, if there is one.
    pub(crate) fn find_group(&self, name: &str) -> Option<Group> {
        let name = job_name(name);
        // SAFETY: the name ends with a zero.
        let job = owned(unsafe { OpenJobObjectW(JOB_QUERY | JOB_TERMINATE, 0, name.as_ptr()) });
        job.ok().map(|job| Group { job: Arc::new(job) })
    }
}

fn job_name(name: &str) -> Vec<u16> {
    wide(OsStr::new(&format!(r"Local\hcndc-{name}")))
}

/// A job object; what is in it ends when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    job: Arc<OwnedHandle>,
}

impl Group {
    fn set<T>(&self, class: JOBOBJECTINFOCLASS, content: &T) -> io::Result<()> {
        let content: *const T = content;
        // SAFETY: the handle is open, and the content is as long as is said; each class is given with its own structure.
        check(unsafe {
            SetInformationJobObject(
                self.job.as_raw_handle(),
                class,
                content.cast(),
                size_of::<T>() as u32,
            )
        })
    }

    /// As much as there is room for. `None` if it cannot be had.
    fn ask<T>(&self, class: JOBOBJECTINFOCLASS, room: &mut [T]) -> Option<()> {
        let length = u32::try_from(size_of_val(room)).ok()?;
        // SAFETY: the handle is open, and the room is as long as is said; each class is given with its own structure, of numbers alone.
        let told = unsafe {
            QueryInformationJobObject(
                self.job.as_raw_handle(),
                class,
                room.as_mut_ptr().cast(),
                length,
                ptr::null_mut(),
            )
        };
        (told != 0).then_some(())
    }

    /// All are taken in once they are there.
    pub(super) fn start(&self, _: &Command) -> Option<Started> {
        None
    }

    /// Has a command wait before its process does anything, so that it does all in here.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "other systems open something here"
    )]
    pub(crate) fn receive(&self, command: &mut Command) -> io::Result<()> {
        command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_SUSPENDED);
        Ok(())
    }

    /// Takes in a process that waits, and lets it begin.
    pub(crate) fn take_in(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open.
        check(unsafe {
            AssignProcessToJobObject(self.job.as_raw_handle(), child.as_raw_handle())
        })?;
        resume(child.id())
    }

    /// Processes that live in here, in no order.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        // The list begins with two numbers of four bytes each, which take the place of one entry.
        const HEAD: usize = size_of::<JOBOBJECT_BASIC_PROCESS_ID_LIST>() / size_of::<usize>() - 1;
        let mut room = vec![0_usize; HEAD + 4096];
        if self.ask(JobObjectBasicProcessIdList, &mut room).is_none() {
            return Vec::new();
        }
        // Entries that are there; zeros follow.
        let listed = room.iter().skip(HEAD).take_while(|pid| **pid != 0);
        listed
            .filter_map(|pid| Some(Pid(u32::try_from(*pid).ok()?)))
            .collect()
    }

    fn accounting(&self) -> JOBOBJECT_BASIC_ACCOUNTING_INFORMATION {
        let mut room = [JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default()];
        let _ = self.ask(JobObjectBasicAccountingInformation, &mut room);
        let [accounting] = room;
        accounting
    }

    /// Whether nothing lives in here.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_populated()
    }

    /// Whether anything lives in here.
    pub(crate) fn is_populated(&self) -> bool {
        self.accounting().ActiveProcesses > 0
    }

    /// Ends all at once, even if they start others meanwhile.
    pub(crate) fn kill(&self) {
        // SAFETY: the handle is open.
        unsafe { TerminateJobObject(self.job.as_raw_handle(), KILLED) };
    }

    /// What was used so far. What is refused for want of memory or of processes is not counted here.
    pub(crate) fn usage(&self) -> Usage {
        let accounting = self.accounting();
        let times = [accounting.TotalUserTime, accounting.TotalKernelTime];
        let mut room = [JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default()];
        let _ = self.ask(JobObjectExtendedLimitInformation, &mut room);
        let [limits] = room;
        Usage {
            cpu_time: ticks(times.iter().map(|time| time.cast_unsigned()).sum()),
            peak_memory_bytes: limits.PeakJobMemoryUsed as u64,
            ..Usage::default()
        }
    }
}

/// Lets a process begin that was started suspended: it has one thread, which nobody but the list of all threads names.
fn resume(process: u32) -> io::Result<()> {
    // SAFETY: takes numbers alone.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    let snapshot = owned(snapshot)?;
    let mut entry = THREADENTRY32 {
        dwSize: size_of::<THREADENTRY32>() as u32,
        ..THREADENTRY32::default()
    };
    // SAFETY: the handle is open, and the structure says how long it is.
    let mut more = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        if entry.th32OwnerProcessID == process {
            // SAFETY: takes numbers alone.
            let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, entry.th32ThreadID) };
            let thread = owned(thread)?;
            // SAFETY: the handle is open.
            if unsafe { ResumeThread(thread.as_raw_handle()) } == u32::MAX {
                return Err(io::Error::last_os_error());
            }
            return Ok(());
        }
        // SAFETY: as before.
        more = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut entry) };
    }
    Err(io::Error::other(
        "a process that was just started has no thread",
    ))
}
