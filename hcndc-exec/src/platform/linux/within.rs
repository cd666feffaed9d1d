//! Starts a process in its control group, without a copy of our own memory.
//!
//! A process that is moved into its group once it is there makes the kernel wait for all processors, and one that moves
//! itself first needs page tables like ours. Here it is made in the group (clone3(2), `CLONE_INTO_CGROUP`, Linux 5.7), and
//! borrows our memory until it has become the program (`CLONE_VFORK`), as posix_spawn(3) does, which knows no groups before
//! glibc 2.39. It takes a few lines of assembler, which are written for x86-64 alone: what runs elsewhere moves.

use std::{
    ffi::{CString, OsStr, c_char, c_int},
    fs::File,
    io,
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::ffi::OsStrExt as _,
    },
    process::{ChildStderr, ChildStdout, Command},
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    libc,
    sys::{
        signal::{SigSet, SigmaskHow, pthread_sigmask},
        wait::waitpid,
    },
    unistd::pipe2,
};

use crate::platform::{ChildHandle, Pid, Started};

/// Room for what a process does before it has become its program.
const STACK_BYTES: usize = 64 << 10;

/// Starts a command in a group as the leader of a process group, with nothing to read. Its program is a path, and all its
/// variables are set.
///
/// # Errors
/// When the kernel cannot do so, or the program does not start: whoever asks another way learns why.
pub(super) fn start(command: &Command, group: &File) -> io::Result<Started> {
    let name = command.get_program();
    if !name.as_bytes().contains(&b'/') {
        // It would have to be looked for.
        return Err(io::ErrorKind::Unsupported.into());
    }
    let program = text(name)?;
    let folder = command
        .get_current_dir()
        .map(|folder| text(folder.as_os_str()))
        .transpose()?;
    let mut arguments = vec![program.clone()];
    for argument in command.get_args() {
        arguments.push(text(argument)?);
    }
    let mut variables = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            if name.as_bytes().contains(&b'=') {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let variable = [name.as_bytes(), b"=", value.as_bytes()].concat();
            variables.push(CString::new(variable)?);
        }
    }
    let (stdout, theirs_out) = pipe2(OFlag::O_CLOEXEC)?;
    let (stderr, theirs_err) = pipe2(OFlag::O_CLOEXEC)?;
    let streams = [
        nothing()?.as_raw_fd(),
        theirs_out.as_raw_fd(),
        theirs_err.as_raw_fd(),
    ];
    if streams.iter().any(|stream| *stream <= libc::STDERR_FILENO) {
        // One would be put in the place of another.
        return Err(io::ErrorKind::Unsupported.into());
    }
    let (arguments, variables) = (pointers(&arguments), pointers(&variables));
    let plan = Plan {
        program: program.as_ptr(),
        arguments: arguments.as_ptr(),
        variables: variables.as_ptr(),
        folder: folder.as_ref().map_or(ptr::null(), |it| it.as_ptr()),
        streams,
        failed: AtomicI32::new(0),
    };
    // A signal that is caught here must not be caught there, on our memory.
    let mut before = SigSet::empty();
    pthread_sigmask(
        SigmaskHow::SIG_BLOCK,
        Some(&SigSet::all()),
        Some(&mut before),
    )?;
    let made = clone_into(group, &plan);
    // It is valid, for it was in force; and the process is there already.
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    let pid = made?;
    let failed = plan.failed.load(Ordering::Relaxed);
    if failed != 0 {
        while waitpid(nix::unistd::Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
        return Err(io::Error::from_raw_os_error(failed));
    }
    let pid = Pid(pid.unsigned_abs());
    Ok(Started {
        pid,
        handle: ChildHandle::of(pid),
        stdout: Some(ChildStdout::from(stdout)),
        stderr: Some(ChildStderr::from(stderr)),
        child: None,
    })
}

/// Something to read in which there is nothing, opened once.
fn nothing() -> io::Result<&'static File> {
    static NOTHING: OnceLock<File> = OnceLock::new();
    match NOTHING.get() {
        Some(nothing) => Ok(nothing),
        None => File::open("/dev/null").map(|opened| NOTHING.get_or_init(|| opened)),
    }
}

/// As the kernel takes it.
fn text(words: &OsStr) -> io::Result<CString> {
    Ok(CString::new(words.as_bytes())?)
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let texts = texts.iter().map(|text| text.as_ptr());
    texts.chain([ptr::null()]).collect()
}

/// What a new process does; all that it points to outlives its use.
struct Plan {
    program: *const c_char,
    arguments: *const *const c_char,
    variables: *const *const c_char,
    /// Or null, to stay where we are.
    folder: *const c_char,
    /// In the order of their places.
    streams: [RawFd; 3],
    /// Why it did not become the program; 0 if it did.
    failed: AtomicI32,
}

/// The argument of clone3(2), as long as it was when it came to know groups.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// The process has the default answers to all signals that are caught here.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// It is in the group from its beginning.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Makes a process in a group that carries out a plan; returns once it does not use our memory any more.
fn clone_into(group: &File, plan: &Plan) -> io::Result<c_int> {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
    let arguments = CloneArguments {
        flags: CLONE_CLEAR_SIGHAND
            | CLONE_INTO_CGROUP
            | u64::from((libc::CLONE_VM | libc::CLONE_VFORK).unsigned_abs()),
        exit_signal: libc::SIGCHLD.unsigned_abs().into(),
        stack: stack.as_mut_ptr().expose_provenance() as u64,
        stack_size: STACK_BYTES as u64,
        cgroup: group.as_raw_fd().unsigned_abs().into(),
        ..CloneArguments::default()
    };
    let made = clone3(&arguments, plan);
    match c_int::try_from(made) {
        Ok(pid) if pid > 0 => Ok(pid),
        Ok(error) => Err(io::Error::from_raw_os_error(-error)),
        Err(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A process id, or less than zero: why there is none.
#[expect(
    unsafe_code,
    reason = "a process that borrows our memory must not return to where this one goes on"
)]
fn clone3(arguments: &CloneArguments, plan: &Plan) -> i64 {
    let made: i64;
    // SAFETY: the kernel reads the arguments, which are as long as is said. The new process has a stack of its own, on which it calls what
    // does not return; this one waits meanwhile, so that the plan and the stack outlive their use. A system call changes rcx and r11 alone.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {plan}",
            "call {carry_out}",
            "ud2",
            "2:",
            plan = in(reg) ptr::from_ref(plan),
            carry_out = in(reg) carry_out as *const (),
            inlateout("rax") libc::SYS_clone3 => made,
            in("rdi") ptr::from_ref(arguments),
            in("rsi") size_of::<CloneArguments>(),
            out("rcx") _,
            out("r11") _,
        );
    }
    made
}

/// What the new process does, on our memory: nothing but system calls, nor does it wait for anything that another thread here holds.
#[expect(
    unsafe_code,
    reason = "between clone and exec there is no safe way to do anything"
)]
unsafe extern "C" fn carry_out(plan: *const Plan) -> ! {
    // SAFETY: whoever made this process waits, and keeps what the plan points to until it has become another program or has ended.
    unsafe {
        let plan = &*plan;
        for (place, stream) in (0..).zip(plan.streams) {
            fail_if(plan, libc::dup2(stream, place));
        }
        fail_if(plan, libc::setpgid(0, 0));
        if !plan.folder.is_null() {
            fail_if(plan, libc::chdir(plan.folder));
        }
        // Rust ignores it, and what is ignored stays so in a program.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        fail_if(
            plan,
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()),
        );
        libc::execve(plan.program, plan.arguments, plan.variables);
        fail_if(plan, -1);
        libc::_exit(127)
    }
}

/// Ends the new process where a call has failed.
#[expect(
    unsafe_code,
    reason = "it may not run what is registered for the end of this program"
)]
fn fail_if(plan: &Plan, called: c_int) {
    if called < 0 {
        // Its own errno is that of the thread that waits.
        let error = Errno::last_raw();
        plan.failed.store(error, Ordering::Relaxed);
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(127) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// A group for a test, gone afterwards.
    struct Place(std::path::PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir(&self.0).unwrap();
        }
    }

    /// `None`, and says so, where groups cannot be made.
    fn place(test: &str) -> Option<(File, Place)> {
        let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(std::path::Path::new);
        let found = roots
            .into_iter()
            .find(|root| root.join("cgroup.procs").exists());
        let made = found.and_then(|root| {
            let path = root.join(format!("hcndc-{test}-{}", std::process::id()));
            std::fs::create_dir(&path).ok()?;
            Some((File::open(&path).ok()?, Place(path)))
        });
        if made.is_none() {
            eprintln!("skipped: {test}: this host has no cgroup v2 that can be written");
        }
        made
    }

    fn output(command: &Command, group: &File) -> String {
        let mut made = start(command, group).unwrap();
        let mut said = String::new();
        let (stdout, stderr) = (made.stdout.as_mut(), made.stderr.as_mut());
        stderr.unwrap().read_to_string(&mut said).unwrap();
        stdout.unwrap().read_to_string(&mut said).unwrap();
        waitpid(nix::unistd::Pid::from_raw(made.pid.0.cast_signed()), None).unwrap();
        said
    }

    #[test]
    fn a_process_starts_as_it_is_described() {
        let Some((group, _place)) = place("a_process_starts_as_it_is_described") else {
            return;
        };
        let mut command = Command::new("/bin/sh");
        let text = "pwd; echo $0 \"$1\"; env; cut -d' ' -f5 /proc/$$/stat >&2; echo $$; cat; grep Sig[BI] /proc/self/status";
        command
            .args(["-c", text, "me", "a  b"])
            .current_dir("/usr")
            .env_clear()
            .env("A", "1 2");
        let said = output(&command, &group);
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        assert_eq!(lines[1..3], ["/usr", "me a  b"], "{said}");
        assert!(
            lines.contains(&"A=1 2") && !said.contains("HOME="),
            "{said}"
        );
        let leads = lines[1..].contains(&lines[0]);
        assert!(leads, "it leads its process group: {said}");
        let signals = |name| {
            let line = lines.iter().find_map(|line| line.strip_prefix(name));
            u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
        };
        assert_eq!(signals("SigBlk:"), 0);
        let broken_pipe = 1 << (libc::SIGPIPE - 1);
        assert_eq!(signals("SigIgn:") & broken_pipe, 0);
    }

    #[test]
    fn what_does_not_start_says_why_and_leaves_nothing() {
        let Some((group, _place)) = place("what_does_not_start_says_why_and_leaves_nothing") else {
            return;
        };
        let error = |program: &str, folder: &str| {
            let mut command = Command::new(program);
            command.current_dir(folder).env_clear();
            start(&command, &group).err().unwrap().kind()
        };
        assert_eq!(error("/no/such/program", "/"), io::ErrorKind::NotFound);
        assert_eq!(error("/etc/passwd", "/"), io::ErrorKind::PermissionDenied);
        assert_eq!(error("/bin/sh", "/no/such/folder"), io::ErrorKind::NotFound);
        assert_eq!(error("sh", "/"), io::ErrorKind::Unsupported);
        for (name, value) in [("A", "a\0b"), ("A=B", "c")] {
            let mut command = Command::new("/bin/sh");
            command.env_clear().env(name, value);
            let error = start(&command, &group).err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        let elsewhere = File::open("/tmp").unwrap();
        let mut command = Command::new("/bin/sh");
        command.env_clear();
        assert!(start(&command, &elsewhere).is_err());
    }
}
