//! Files that arrive: in local folders, and what tests of all places share.

use std::{collections::BTreeMap, fs, future::Future, path::Path, sync::Arc, time::Duration};

use hcndc_core::{
    contract::probe::ProbeFixture,
    id::{FileEventId, FileServerId},
    model::{FileEvent, FilePer, FileServer, FileServerKind, Revision, Secret},
    port::{FoundFile, Look},
    time::Timestamp,
    watch,
};
use hcndc_web::connect::file::{Finder, probe::Probing};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Server, wait_for};

fn file_server(kind: FileServerKind) -> FileServer {
    let now = Timestamp::from_micros(0);
    FileServer {
        id: FileServerId(1),
        name: "bank".to_owned(),
        directory: "/".to_owned(),
        description: String::new(),
        kind,
        host: String::new(),
        port: None,
        user: String::new(),
        password: Secret::new("file-secret"),
        options: BTreeMap::new(),
        revision: Revision {
            version: 1,
            created_at: now,
            created_by: "test".to_owned(),
            updated_at: now,
            updated_by: "test".to_owned(),
        },
    }
}

/// A server of this kind on this host.
pub(crate) fn at(kind: FileServerKind, port: u16, user: &str, secret: &str) -> FileServer {
    let mut server = file_server(kind);
    server.host = "127.0.0.1".to_owned();
    server.port = Some(port);
    server.user = user.to_owned();
    server.password = Secret::new(secret);
    server
}

pub(crate) fn option(server: &mut FileServer, name: &str, text: &str) {
    server.options.insert(name.to_owned(), text.to_owned());
}

/// Makes a file in a folder, with all folders above it.
pub(crate) fn put(root: &Path, path: &str, content: &str) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap()
}

/// Runs a case of the port's suite to its end.
pub(crate) fn run_case<F: Future>(runtime: &Runtime, case: F) -> F::Output {
    let limit = Duration::from_secs(120);
    runtime.block_on(async { tokio::time::timeout(limit, case).await.unwrap() })
}

pub(crate) fn finder() -> Finder {
    Finder::new(Arc::default(), None)
}

/// Looks at a server for the files of this path, now.
pub(crate) async fn look(
    finder: &Finder,
    server: &FileServer,
    path: &str,
) -> Result<Vec<FoundFile>, String> {
    let now = Timestamp::from_micros(0);
    let event = FileEvent {
        id: FileEventId(1),
        name: "event".to_owned(),
        directory: "/".to_owned(),
        description: String::new(),
        enabled: true,
        server: server.id,
        path: path.to_owned(),
        window: None,
        zone: chrono_tz::Tz::UTC,
        interval: Duration::from_secs(1),
        min_age: Duration::ZERO,
        marker: None,
        per: FilePer::File,
        date_pattern: None,
        revision: server.revision.clone(),
    };
    let look = Look {
        number: 1,
        dates: watch::dates(&event, now),
        event: Arc::new(event),
        server: Arc::new(server.clone()),
    };
    finder.find(&look).await
}

struct Local {
    runtime: Runtime,
    dir: tempfile::TempDir,
}

impl Local {
    fn new() -> Self {
        Self {
            runtime: runtime(),
            dir: tempfile::tempdir().unwrap(),
        }
    }
}

impl ProbeFixture for Local {
    type Probe = Probing;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        run_case(&self.runtime, case)
    }

    async fn fresh(&self) -> Probing {
        Probing::start(Arc::new(finder()))
    }

    fn server(&self) -> FileServer {
        file_server(FileServerKind::Local)
    }

    /// Files of this host are always there: a kind that cannot be looked at stands for what is not.
    fn gone(&self) -> FileServer {
        file_server(FileServerKind::S3)
    }

    fn root(&self) -> String {
        let root = self.dir.path().canonicalize().unwrap();
        root.to_str().unwrap().to_owned()
    }

    fn put(&self, path: &str, content: &str) {
        put(self.dir.path(), path, content);
    }

    fn secret(&self) -> String {
        "file-secret".to_owned()
    }
}

mod local {
    hcndc_core::probe_contract!(super::Local::new());
}

/// A mesh with a flow that writes the dates that it runs for, one for each file of this path.
fn mesh(out: &Path, event: &Value) -> String {
    let mut event = event.clone();
    event["name"] = "ledger".into();
    event["server"] = "here".into();
    event["interval"] = "1s".into();
    let mesh = json!({
        "hcndc": 1,
        "file_servers": [{"name": "here", "kind": "local"}],
        "file_events": [event],
        "schedules": [{"name": "on arrival", "flow": "load", "trigger": {"file": "ledger"},
            "max_instances": 10}],
        "flows": [{"name": "load", "jobs": [{"name": "note",
            "command": format!("echo ${{date}} >> {}", out.display())}]}],
    });
    mesh.to_string()
}

/// The dates that ran so far.
pub(crate) fn ran(out: &Path) -> Vec<String> {
    let mut ran: Vec<String> = fs::read_to_string(out)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    ran.sort();
    ran
}

pub(crate) fn watched(server: &Server) -> Value {
    let events = server.get("file-events");
    let id = &events["items"][0]["id"];
    server.get(&format!("file-events/{id}/watch"))
}

#[test]
fn a_file_starts_its_flow_for_the_date_in_its_name_once_over_restarts() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = files.path().canonicalize().unwrap();
    let out = root.join("out");
    let event =
        json!({"path": format!("{}/in/*/ledger-*.csv", root.display()), "date_pattern": "%Y%m%d"});
    let server = Server::start(data.path(), &[]);
    server.put_mesh(&mesh(&out, &event));
    put(&root, "in/north/ledger-20261121.csv", "1");
    put(&root, "in/south/ledger-20261121.csv", "1");
    put(&root, "in/south/other.csv", "1");
    wait_for("the run", || ran(&out) == ["2026-11-21"]);
    server.crash();

    // What comes while nobody looks is not missed, and what was used is not used again.
    put(&root, "in/north/ledger-20261122.csv", "1");
    let server = Server::start(data.path(), &[]);
    wait_for("the second run", || ran(&out).len() > 1);
    wait_for("a look after it", || watched(&server)["used"] == 3);
    assert_eq!(ran(&out), ["2026-11-21", "2026-11-22"]);

    let id = server.get("file-events")["items"][0]["id"].clone();
    let trial = server.post(&format!("file-events/{id}/test"), &json!({}));
    assert_eq!(trial["ok"], true, "{trial}");
    let told: Vec<_> = trial["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["data_date"].as_str().unwrap(), file["used"] == true))
        .collect();
    let day = ("2026-11-21", true);
    assert_eq!(told, [day, ("2026-11-22", true), day]);
}

#[test]
fn an_outage_is_told_and_ends() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = files.path().canonicalize().unwrap();
    let out = root.join("out");
    // The server's own folder is looked at by nobody, which serves as an outage.
    let path = root.join("in");
    std::os::unix::fs::symlink(data.path(), &path).unwrap();
    let event = json!({"path": format!("{}/*.csv", path.display()), "per": "file"});
    let server = Server::start(data.path(), &[]);
    server.put_mesh(&mesh(&out, &event));
    wait_for("the trouble", || watched(&server)["trouble"].is_string());
    fs::remove_file(&path).unwrap();
    put(&root, "in/a.csv", "1");
    wait_for("the run", || ran(&out).len() == 1);
    assert_eq!(watched(&server)["trouble"], Value::Null);
}
