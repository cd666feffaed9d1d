//! A real server as a process, and a caller of its API.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_hcndc"))
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
        Self {
            child,
            data_dir: data_dir.to_path_buf(),
            base,
        }
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
        let _ = self.child.kill();
        let _ = self.child.wait();
        end_executor(&self.data_dir);
    }
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
