//! Starts a process in its control group, without a copy of our own memory, and without waiting for it.
//!
//! A process that is moved into its group once it is there makes the kernel wait for all processors, and one that moves
//! itself first needs page tables like ours. Here it is made in the group (clone3(2), `CLONE_INTO_CGROUP`, Linux 5.7), and
//! borrows our memory until it has become the program, as posix_spawn(3) does, which knows no groups before glibc 2.39, and
//! waits meanwhile (`CLONE_VFORK`). Here others are started in that time: what was borrowed is kept until the kernel says that
//! it is free (`CLONE_CHILD_CLEARTID`, by which pthread_join(3) knows of an end). It takes a few lines of assembler, which are
//! written for x86-64 alone: what runs elsewhere moves.

use std::{
    ffi::{CString, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::ffi::OsStrExt as _,
    },
    process::{ChildStderr, ChildStdout, Command},
    ptr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI32, AtomicU32, Ordering},
    },
};

use nix::{
    fcntl::OFlag,
    libc::{self, c_int, c_long},
    sys::signal::{SigSet, SigmaskHow, pthread_sigmask},
    unistd::pipe2,
};

use crate::platform::{Becoming, ChildHandle, Pid, Started};

/// Room for what a process does before it has become its program.
const STACK_BYTES: usize = 64 << 10;

/// Starts a command in a group as the leader of a process group, with nothing to read. Its program is a path, and all its
/// variables are set.
///
/// # Errors
/// When the kernel cannot do so, or, told by [`Becoming`], the program does not start: whoever asks another way learns why.
pub(super) fn start(command: &Command, group: &File) -> io::Result<Started> {
    let name = command.get_program();
    if !name.as_bytes().contains(&b'/') {
        // It would have to be looked for.
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut texts = vec![text(name)?];
    for argument in command.get_args() {
        texts.push(text(argument)?);
    }
    let arguments = pointers(&texts);
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
    let environment = pointers(&variables);
    let folder = command.get_current_dir();
    let folder = folder.map(|it| text(it.as_os_str())).transpose()?;
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
    texts.append(&mut variables);
    let plan = Arc::new(Plan {
        arguments,
        environment,
        _texts: texts,
        folder,
        streams,
        failed: AtomicI32::new(0),
        borrowed: AtomicU32::new(1),
    });
    let (pid, lent) = clone_into(group, plan)?;
    let handle = ChildHandle::of(pid);
    Ok(Started {
        pid,
        handle,
        stdout: Some(ChildStdout::from(stdout)),
        stderr: Some(ChildStderr::from(stderr)),
        child: None,
        becoming: Some(Becoming::new(move || lent.returned())),
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

/// Their addresses, and a zero, as the kernel takes a list.
fn pointers(texts: &[CString]) -> Vec<usize> {
    let texts = texts.iter().map(|text| text.as_ptr().expose_provenance());
    texts.chain([0]).collect()
}

/// What a new process does, and all that it needs for that.
struct Plan {
    /// The first is the program.
    arguments: Vec<usize>,
    environment: Vec<usize>,
    /// What those two point to.
    _texts: Vec<CString>,
    /// Or none, to stay where we are.
    folder: Option<CString>,
    /// In the order of their places.
    streams: [RawFd; 3],
    /// Why it did not become the program; 0 if it did.
    failed: AtomicI32,
    /// 1 until the process has become the program or has ended; the kernel makes it 0 (see set_tid_address(2)).
    borrowed: AtomicU32,
}

/// What a new process uses of our memory. Whoever lets go of it waits until that is over.
struct Lent {
    /// Shared with that process.
    plan: Arc<Plan>,
    _stack: Vec<u128>,
}

impl Lent {
    /// Waits until it is, and tells why the process did not become its program.
    fn returned(self) -> io::Result<()> {
        self.wait();
        match self.plan.failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            failed => Err(io::Error::from_raw_os_error(failed)),
        }
    }

    #[expect(
        unsafe_code,
        reason = "there is no safe way to wait for the kernel's word"
    )]
    fn wait(&self) {
        let borrowed = &self.plan.borrowed;
        while borrowed.load(Ordering::Acquire) != 0 {
            // SAFETY: a word of ours, as long as it is borrowed. The kernel wakes waiters of all kinds but private ones.
            unsafe {
                let forever = ptr::null::<libc::timespec>();
                libc::syscall(
                    libc::SYS_futex,
                    borrowed.as_ptr(),
                    libc::FUTEX_WAIT,
                    1,
                    forever,
                );
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.wait();
    }
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

/// Makes a process in a group that carries out a plan.
fn clone_into(group: &File, plan: Arc<Plan>) -> io::Result<(Pid, Lent)> {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
    let arguments = CloneArguments {
        flags: CLONE_CLEAR_SIGHAND
            | CLONE_INTO_CGROUP
            | u64::from((libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID).unsigned_abs()),
        child_tid: plan.borrowed.as_ptr().expose_provenance() as u64,
        exit_signal: libc::SIGCHLD.unsigned_abs().into(),
        stack: stack.as_mut_ptr().expose_provenance() as u64,
        stack_size: STACK_BYTES as u64,
        cgroup: group.as_raw_fd().unsigned_abs().into(),
        ..CloneArguments::default()
    };
    let lent = Lent {
        plan,
        _stack: stack,
    };
    // A signal that is caught here must not be caught there, on our memory.
    let mut before = SigSet::empty();
    let blocked = pthread_sigmask(
        SigmaskHow::SIG_BLOCK,
        Some(&SigSet::all()),
        Some(&mut before),
    );
    let made = match blocked {
        Ok(()) => clone3(&arguments, &lent.plan),
        Err(error) => -i64::from(error as i32),
    };
    if blocked.is_ok() {
        // It is valid, for it was in force; and the process is there already.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    }
    if made <= 0 {
        lent.plan.borrowed.store(0, Ordering::Relaxed);
        let error = i32::try_from(-made).unwrap_or(libc::EINVAL);
        return Err(io::Error::from_raw_os_error(error));
    }
    let pid = u32::try_from(made).map_err(|_| io::ErrorKind::Unsupported)?;
    Ok((Pid(pid), lent))
}

/// A process id, or less than zero: why there is none.
#[expect(
    unsafe_code,
    reason = "a process that borrows our memory must not return to where this one goes on"
)]
fn clone3(arguments: &CloneArguments, plan: &Plan) -> i64 {
    let made: i64;
    // SAFETY: the kernel reads the arguments, which are as long as is said. The new process has a stack of its own, on which it calls what
    // does not return; plan and stack are kept until the kernel says that it uses them no more. A system call changes rcx and r11 alone.
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

/// What the new process does, on our memory: nothing but system calls. It uses nothing of the C library, whose `errno` is that of the
/// thread that goes on here.
#[expect(
    unsafe_code,
    reason = "between clone and exec there is no safe way to do anything"
)]
unsafe extern "C" fn carry_out(plan: *const Plan) -> ! {
    // SAFETY: what the plan points to is kept until this process has become another program or has ended.
    unsafe {
        let plan = &*plan;
        for (place, stream) in (0..).zip(plan.streams) {
            fail_if(plan, call(libc::SYS_dup2, [number(stream), place, 0, 0]));
        }
        fail_if(plan, call(libc::SYS_setpgid, [0; 4]));
        if let Some(folder) = &plan.folder {
            let folder = folder.as_ptr().expose_provenance();
            fail_if(plan, call(libc::SYS_chdir, [folder, 0, 0, 0]));
        }
        // Rust ignores it, and what is ignored stays so in a program. Zeros are the default, and no signal, to the kernel.
        let zeros = [0_u64; 4];
        let (zeros, set_bytes) = (zeros.as_ptr().expose_provenance(), size_of::<u64>());
        let broken_pipe = number(libc::SIGPIPE);
        fail_if(
            plan,
            call(libc::SYS_rt_sigaction, [broken_pipe, zeros, 0, set_bytes]),
        );
        let mask = number(libc::SIG_SETMASK);
        fail_if(
            plan,
            call(libc::SYS_rt_sigprocmask, [mask, zeros, 0, set_bytes]),
        );
        let [arguments, environment] =
            [&plan.arguments, &plan.environment].map(|list| list.as_ptr().expose_provenance());
        let program = plan.arguments.first().copied().unwrap_or_default();
        fail_if(
            plan,
            call(libc::SYS_execve, [program, arguments, environment, 0]),
        );
        end()
    }
}

/// As a system call takes it; never less than zero here.
const fn number(of: c_int) -> usize {
    of.unsigned_abs() as usize
}

/// Ends the new process where a call has failed.
fn fail_if(plan: &Plan, called: isize) {
    if called < 0 {
        let error = c_int::try_from(-called).unwrap_or(libc::EINVAL);
        plan.failed.store(error, Ordering::Relaxed);
        end()
    }
}

/// Ends the new process at once, and nothing of what is registered for the end of this program runs.
#[expect(unsafe_code, reason = "the C library's way would run what is ours")]
fn end() -> ! {
    loop {
        // SAFETY: it touches no memory.
        let _ = unsafe { call(libc::SYS_exit_group, [127, 0, 0, 0]) };
    }
}

/// A system call; less than zero if it fails.
///
/// # Safety
/// What the arguments point to is as the call wants it.
#[expect(unsafe_code, reason = "the C library's own would write its errno")]
unsafe fn call(number: c_long, arguments: [usize; 4]) -> isize {
    let [first, second, third, fourth] = arguments;
    let answer: isize;
    // SAFETY: as the caller says. A system call changes rcx and r11 alone.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::waitpid;
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
        made.becoming.take().unwrap().wait().unwrap();
        let mut said = String::new();
        let (stdout, stderr) = (made.stdout.as_mut(), made.stderr.as_mut());
        stderr.unwrap().read_to_string(&mut said).unwrap();
        stdout.unwrap().read_to_string(&mut said).unwrap();
        waitpid(nix::unistd::Pid::from_raw(made.pid.0.cast_signed()), None).unwrap();
        said
    }

    /// Why a command does not start; nothing is left of it.
    fn fails(command: &Command, group: &File) -> io::ErrorKind {
        let error = match start(command, group) {
            Err(error) => error,
            Ok(mut made) => {
                let becoming = made.becoming.take().unwrap();
                let error = becoming.wait().unwrap_err();
                waitpid(nix::unistd::Pid::from_raw(made.pid.0.cast_signed()), None).unwrap();
                error
            }
        };
        error.kind()
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
            fails(&command, &group)
        };
        assert_eq!(error("/no/such/program", "/"), io::ErrorKind::NotFound);
        assert_eq!(error("/etc/passwd", "/"), io::ErrorKind::PermissionDenied);
        assert_eq!(error("/bin/sh", "/no/such/folder"), io::ErrorKind::NotFound);
        assert_eq!(error("sh", "/"), io::ErrorKind::Unsupported);
        for (name, value) in [("A", "a\0b"), ("A=B", "c")] {
            let mut command = Command::new("/bin/sh");
            command.env_clear().env(name, value);
            assert_eq!(
                fails(&command, &group),
                io::ErrorKind::InvalidInput,
                "{name}"
            );
        }
        let elsewhere = File::open("/tmp").unwrap();
        let mut command = Command::new("/bin/sh");
        command.env_clear();
        assert!(start(&command, &elsewhere).is_err());
    }
}
