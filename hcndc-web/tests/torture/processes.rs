//! The processes that are tortured: servers, executors, a database.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use super::site::port;

/// The longest that anything is waited for which must come.
const PATIENCE: Duration = Duration::from_secs(240);

/// Waits for something that must come.
pub(crate) fn wait_for(what: &str, mut come: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !come() {
        assert!(Instant::now() < until, "still waiting for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A process that may be ended and begun again at any time.
pub(crate) struct Process {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn new(name: &str, dir: &Path, program: PathBuf, args: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args,
            envs: vec![("HCNDC_LANG", "en".to_owned())],
            log: dir.join(format!("{name}.log")),
            child: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Begins it, unless it lives.
    pub(crate) fn begin(&mut self) {
        if self.lives() {
            return;
        }
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.unwrap();
        let child = Command::new(&self.program)
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    pub(crate) fn lives(&mut self) -> bool {
        match self.child.as_mut().map(|child| child.try_wait().unwrap()) {
            Some(None) => true,
            Some(Some(_)) => {
                self.child = None;
                false
            }
            None => false,
        }
    }

    pub(crate) fn signal(&mut self, what: Signal) {
        if let Some(child) = &self.child {
            send(child.id(), what);
        }
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            send(child.id(), Signal::SIGTERM);
            // It may be frozen.
            send(child.id(), Signal::SIGCONT);
            child.wait().unwrap();
        }
    }

    /// The most memory that it ever had, in MiB.
    pub(crate) fn most_memory(&self) -> u64 {
        let pid = self.child.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() / 1_024
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let tail = log.len().saturating_sub(6_000);
            let tail = log.ceil_char_boundary(tail);
            eprintln!("==> {}\n{}", self.log.display(), &log[tail..]);
        }
    }
}

/// Signals a process; it may be gone.
pub(crate) fn send(pid: u32, what: Signal) {
    let _ = signal::kill(Pid::from_raw(pid.cast_signed()), what);
}

/// Processes that hold jobs for the executor of this folder.
pub(crate) fn holders(data_dir: &Path) -> Vec<u32> {
    let ours = format!("hcndc-holder\0{}/", data_dir.display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let holds = |dir: &fs::DirEntry| {
        let line = fs::read(dir.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&ours)
    };
    let pids = processes.filter(holds);
    pids.filter_map(|dir| dir.file_name().to_str()?.parse().ok())
        .collect()
}

/// A private MariaDB with full durability, that may be killed.
pub(crate) struct Database {
    dir: PathBuf,
    port: u16,
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn begin(dir: PathBuf) -> Self {
        let url = script("start", &dir, &["--innodb-flush-log-at-trx-commit=1"]);
        let port = port(&url);
        Self { dir, port, url }
    }

    /// Ends it as a crash would, and begins it again at the same port.
    pub(crate) fn crash(&self) {
        let pid = fs::read_to_string(self.dir.join("mariadbd.pid")).unwrap();
        send(pid.trim().parse().unwrap(), Signal::SIGKILL);
        let port = format!("--port={}", self.port);
        wait_for("the database to end", || {
            !Path::new("/proc").join(pid.trim()).exists()
        });
        script(
            "start",
            &self.dir,
            &["--innodb-flush-log-at-trx-commit=1", &port],
        );
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        script("stop", &self.dir, &[]);
    }
}

fn script(verb: &str, dir: &Path, options: &[&str]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/mariadb");
    let output = Command::new(program)
        .arg(verb)
        .arg(dir)
        .args(options)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "mariadb {verb}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
