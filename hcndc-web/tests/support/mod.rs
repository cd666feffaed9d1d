//! A real server as a process, and a caller of its API.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

/// A running `hcndc serve`; it and its executor end with this.
pub(crate) struct Server {
    child: Child,
    data_dir: PathBuf,
    base: String,
}

impl Server {
    /// Starts a server on this folder and a free port, and returns when it answers.
    /// It asks nobody who they are, unless the arguments say otherwise.
    pub(crate) fn start(data_dir: &Path, args: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
        let (child, base) = Self::spawn(command, data_dir, args);
        Self {
            child,
            data_dir: data_dir.to_path_buf(),
            base,
        }
    }

    /// Starts a server on a disk of its own, of so many megabytes, that is seen by it and its executor only and goes with
    /// them. `None` where this user may not do that.
    pub(crate) fn start_on_small_disk(dir: &Path, megabytes: u32, args: &[&str]) -> Option<Self> {
        let inside = |script: String| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-ec", &script, "sh"]);
            command
        };
        let mount = format!(
            "mount -t tmpfs -o size={megabytes}m small '{}'",
            dir.display()
        );
        let may = inside(mount.clone()).stderr(Stdio::null()).status();
        if !may.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = inside(format!("{mount}; exec \"$@\""));
        command.arg(env!("CARGO_BIN_EXE_hcndc"));
        let (child, base) = Self::spawn(command, dir, args);
        // The way from outside into what the process sees.
        let data_dir = format!("/proc/{}/root{}", child.id(), dir.display());
        Some(Self {
            child,
            data_dir: data_dir.into(),
            base,
        })
    }

    fn spawn(mut command: Command, data_dir: &Path, args: &[&str]) -> (Child, String) {
        let mut child = command
            .env("HCNDC_LANG", "en")
            .env("HCNDC_ACCESS", "open")
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base = line
            .trim()
            .strip_prefix("hcndc serves at ")
            .expect(&line)
            .to_owned();
        (child, base)
    }

    /// Ends the process as a crash would, and leaves its executor alone.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // Its executor belongs to the next server.
        std::mem::forget(self);
    }

    /// Ends it as an operator would, and leaves its executor alone.
    pub(crate) fn stop(mut self) -> ExitStatus {
        signal(self.child.id(), Signal::SIGTERM);
        let status = self.child.wait().unwrap();
        std::mem::forget(self);
        status
    }

    /// Where it answers, with a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Its folder, as this process sees it.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let url = format!("{}api/v1/{path}", self.base());
        ureq::get(&url)
            .call()
            .expect(&url)
            .body_mut()
            .read_json()
            .unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}api/v1/{path}", self.base());
        ureq::post(&url)
            .send_json(body)
            .expect(&url)
            .body_mut()
            .read_json()
            .unwrap()
    }

    /// Status and body of an answer, whatever they are.
    pub(crate) fn answer_to_get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.base());
        let asked = ureq::get(&url).config().http_status_as_error(false).build();
        let mut answer = asked.call().expect(&url);
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().unwrap_or_default())
    }

    /// Puts all that a mesh file says.
    pub(crate) fn put_mesh(&self, mesh: &str) {
        let url = format!("{}api/v1/mesh", self.base());
        ureq::post(&url)
            .content_type("application/yaml")
            .send(mesh)
            .expect(&url);
    }

    /// Starts flows; returns the execution's id.
    pub(crate) fn start_flows(&self, flows: &[&str]) -> u64 {
        let body = json!({ "flows": flows, "data_date": "2026-11-21" });
        self.post("executions", &body)["id"].as_u64().unwrap()
    }

    pub(crate) fn execution_state(&self, id: u64) -> String {
        self.get(&format!("executions/{id}"))["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// All job runs of an execution.
    pub(crate) fn job_runs(&self, id: u64) -> Vec<Value> {
        let page = self.get(&format!("job-runs?execution={id}&limit=1000"));
        page["items"].as_array().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Before the server, through which a disk of its own is seen; it would start another one.
        let executor = executor_pid(&self.data_dir);
        let _ = self.child.kill();
        let _ = self.child.wait();
        match executor {
            Some(pid) if !self.data_dir.exists() => signal(pid, Signal::SIGTERM),
            _ => end_executor(&self.data_dir),
        }
    }
}

/// Says that a test was skipped, and why; fails where `HCNDC_CI` is 1.
pub(crate) fn skip(test: &str, why: &str) {
    let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
    assert!(!is_ci, "cannot be skipped where HCNDC_CI is 1: {why}");
    // Straight to the stream: what a passing test prints is not shown.
    let line = format!("skipped: {test}: {why}\n");
    drop(std::io::stderr().write_all(line.as_bytes()));
}

/// The process of the executor on a server's folder.
pub(crate) fn executor_pid(data_dir: &Path) -> Option<u32> {
    let text = fs::read_to_string(data_dir.join("executor/executor.json")).ok()?;
    let json: Value = serde_json::from_str(&text).ok()?;
    json["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
}

/// Ends the executor on a server's folder, and all that it runs.
pub(crate) fn end_executor(data_dir: &Path) {
    if let Some(pid) = executor_pid(data_dir) {
        signal(pid, Signal::SIGTERM);
        signal(pid, Signal::SIGTERM);
        wait_for("the executor to end", || {
            executor_pid(data_dir) != Some(pid)
        });
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    // It may be gone already.
    let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal);
}

/// Waits until something is so; two minutes are for machines that are very busy.
pub(crate) fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !so() {
        assert!(Instant::now() < end, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
