//! Several servers on one database, and an executor that all of them reach.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::sys::signal::Signal;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};

use super::{signal, wait_for};

/// Where the servers keep what they know.
pub(crate) enum Shared {
    /// A SQLite file that all of them open.
    File,
    /// A database of its own on MariaDB or MySQL.
    Mysql {
        url: String,
        name: String,
        server: String,
    },
}

impl Shared {
    /// A database on the server that the environment names. `None` if it names none: said so, and where `HCNDC_CI` is 1
    /// a failure.
    pub(crate) fn mysql(test: &str) -> Option<Self> {
        const VARIABLE: &str = "HCNDC_TEST_MYSQL_URL";
        let server = std::env::var(VARIABLE).unwrap_or_default();
        if server.is_empty() {
            let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
            assert!(
                !is_ci,
                "cannot be skipped where HCNDC_CI is 1: {VARIABLE} is not set"
            );
            // Straight to the stream: what a passing test prints is not shown.
            let line = format!("skipped: {test}: {VARIABLE} is not set\n");
            drop(std::io::stderr().write_all(line.as_bytes()));
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hcndc_test_{nanos:x}_{}_{count}", std::process::id());
        execute(&server, &format!("CREATE DATABASE {name}"));
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        Some(Self::Mysql { url, name, server })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Self::Mysql { name, server, .. } = self {
            execute(server, &format!("DROP DATABASE {name}"));
        }
    }
}

fn execute(server: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let db = Database::connect(server).await.unwrap();
        db.execute_unprepared(statement).await.expect(statement);
        db.close().await.unwrap();
    });
}

/// A folder, an executor, and a database for as many servers as a test wants.
pub(crate) struct Bed {
    executor: Child,
    token: String,
    /// Where the executor listens.
    pub(crate) address: String,
    pub(crate) dir: tempfile::TempDir,
    /// Variables that servers get.
    pub(crate) environment: Vec<(&'static str, String)>,
    shared: Shared,
}

impl Bed {
    pub(crate) fn new(shared: Shared) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("executor");
        fs::create_dir(&home).unwrap();
        let log = fs::File::create(dir.path().join("executor.log")).unwrap();
        let executor = Command::new(env!("CARGO_BIN_EXE_hcndc"))
            .args(["executor", "local"])
            .arg("--data-dir")
            .arg(&home)
            .arg("--base-dir")
            .arg(dir.path())
            .stderr(log)
            .spawn()
            .unwrap();
        let file = home.join("executor.json");
        let mut told = Value::Null;
        wait_for("the executor", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            told = serde_json::from_str(&text).unwrap_or_default();
            told["address"].is_string()
        });
        Self {
            executor,
            token: told["token"].as_str().unwrap().to_owned(),
            address: told["address"].as_str().unwrap().to_owned(),
            dir,
            environment: Vec::new(),
            shared,
        }
    }

    /// The address of the database.
    pub(crate) fn database(&self) -> String {
        match &self.shared {
            Shared::File => format!(
                "sqlite://{}?mode=rwc",
                self.dir.path().join("shared.db").display()
            ),
            Shared::Mysql { url, .. } => url.clone(),
        }
    }

    /// A server on the database.
    pub(crate) fn serve(&self, name: &str) -> Peer {
        self.serve_through(name, &self.database(), &[])
    }

    /// A server that reaches the database by this address.
    pub(crate) fn serve_through(&self, name: &str, database: &str, args: &[&str]) -> Peer {
        let mut command = self.command(name, database);
        let mut child = command.arg("--no-executor").args(args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let log = self.dir.path().join(format!("{name}.log"));
        let base = line.trim().strip_prefix("hcndc serves at ");
        let base = base.unwrap_or_else(|| panic!("{}", fs::read_to_string(&log).unwrap()));
        Peer {
            base: base.to_owned(),
            instance: fs::read_to_string(self.dir.path().join(name).join("instance")).unwrap(),
            child,
            log,
        }
    }

    /// A server of this name, not started yet.
    pub(crate) fn command(&self, name: &str, database: &str) -> Command {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(format!("{name}.log")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_hcndc"));
        command
            .env("HCNDC_LANG", "en")
            .env("HCNDC_EXEC_TOKEN", &self.token)
            .env("HCNDC_ACCESS", "open")
            .env("HCNDC_RATE_LIMIT", "0")
            .envs(self.environment.clone())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.dir.path().join(name))
            .args(["--database", database])
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        command
    }

    /// A mesh of jobs in layers, each of which writes down when it starts and ends, and does this in between; and the executor
    /// that runs them.
    pub(crate) fn put_mesh(&self, server: &Peer, width: usize, between: &str) {
        let body = json!({"name": "shared", "address": self.address, "slots": 8});
        server.post("executors", &body, &[]);
        let trace = self.trace().display().to_string();
        let mut mesh = String::from("hcndc: 1\nflows:\n  - name: f\n    jobs:\n");
        for layer in 0..3 {
            for at in 0..width {
                let after = match layer {
                    0 => String::new(),
                    _ => format!(", depends_on: [j{}-{at}]", layer - 1),
                };
                mesh.push_str(&format!(
                    "      - {{name: j{layer}-{at}, command: 'echo start $HCNDC_JOB_RUN_ID $HCNDC_JOB_NAME >> {trace}; \
                     echo out of $HCNDC_JOB_NAME; {between}; echo end $HCNDC_JOB_RUN_ID $HCNDC_JOB_NAME >> {trace}'{after}}}\n"
                ));
            }
        }
        let sent = ureq::post(server.url("mesh"))
            .content_type("application/yaml")
            .send(mesh);
        sent.unwrap();
    }

    fn trace(&self) -> PathBuf {
        self.dir.path().join("trace")
    }

    /// What jobs wrote after this word.
    pub(crate) fn lines(&self, word: &str) -> Vec<String> {
        let text = fs::read_to_string(self.trace()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(word));
        lines.map(|rest| rest.trim().to_owned()).collect()
    }

    /// Every job ran once, from start to end.
    pub(crate) fn check_once(&self, jobs: usize) {
        for word in ["start", "end"] {
            let mut lines = self.lines(word);
            lines.sort();
            let all = lines.len();
            lines.dedup();
            assert_eq!((all, lines.len()), (jobs, jobs), "{word}: {lines:?}");
        }
    }
}

impl Bed {
    /// Ends the executor, and all that it runs.
    pub(crate) fn end_executor(&mut self) {
        if self.executor.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        // The first lets jobs end, the second kills them.
        signal(self.executor.id(), Signal::SIGTERM);
        signal(self.executor.id(), Signal::SIGTERM);
        let _ = self.executor.wait();
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.end_executor();
    }
}

/// One of several servers.
pub(crate) struct Peer {
    child: Child,
    base: String,
    pub(crate) instance: String,
    log: PathBuf,
}

impl Peer {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}api/v1/{path}", self.base)
    }

    /// What it answers, whatever the status.
    pub(crate) fn try_get(&self, url: &str) -> Option<(u16, String)> {
        let agent = agent();
        let mut answer = agent.get(url).call().ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_to_string().ok()?))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let url = self.url(path);
        let (status, text) = self.try_get(&url).expect(&url);
        assert_eq!(status, 200, "{url}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// What comes of a POST, whatever the status.
    pub(crate) fn try_post(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Option<(u16, Value)> {
        let mut request = agent().post(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // As it is written here: whoever signs it signs its bytes.
        let request = request.header("content-type", "application/json");
        let mut answer = request.send(body.to_string()).ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().unwrap_or_default()))
    }

    pub(crate) fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Value {
        let (status, answer) = self.try_post(path, body, headers).expect(path);
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    pub(crate) fn start_flow(&self, headers: &[(&str, &str)]) -> u64 {
        let body = json!({ "flows": ["f"], "data_date": "2026-11-21" });
        self.post("executions", &body, headers)["id"]
            .as_u64()
            .unwrap()
    }

    /// The server that leads as this one knows it, by instance.
    pub(crate) fn leader(&self) -> Option<String> {
        let (status, text) = self.try_get(&format!("{}readyz", self.base))?;
        let ready: Value = serde_json::from_str(&text).unwrap_or_default();
        let leader = ready["leader"]["instance"].as_str().map(str::to_owned);
        leader.filter(|_| status == 200)
    }

    pub(crate) fn leads(&self) -> bool {
        self.leader().as_deref() == Some(&self.instance)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, what: Signal) {
        signal(self.child.id(), what);
    }

    /// Ends it as an operator would, and waits for that.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.child.wait().unwrap().success());
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.log.display(), self.log());
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

/// A way to a database that can be cut, and healed.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    pub(crate) fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let streams = Arc::new(Mutex::new(Vec::new()));
        let (is_cut, open) = (Arc::clone(&cut), Arc::clone(&streams));
        std::thread::spawn(move || {
            for ours in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(theirs) = TcpStream::connect(&target) else {
                    continue;
                };
                let ends = [&ours, &theirs].map(|stream| stream.try_clone().unwrap());
                open.lock().unwrap().extend(ends);
                pump(ours.try_clone().unwrap(), theirs.try_clone().unwrap());
                pump(theirs, ours);
            }
        });
        Self {
            address,
            cut,
            streams,
        }
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn heal(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut piece = [0; 16 << 10];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A way to a server by which requests arrive, and answers do not while it is deaf: the connection breaks when one comes.
pub(crate) struct OneWay {
    pub(crate) address: SocketAddr,
    target: Arc<OnceLock<String>>,
    deaf: Arc<AtomicBool>,
}

impl OneWay {
    /// To a server that is not known yet.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(OnceLock::<String>::new());
        let deaf = Arc::new(AtomicBool::new(false));
        let (to, is_deaf) = (Arc::clone(&target), Arc::clone(&deaf));
        std::thread::spawn(move || {
            for ours in listener.incoming().map_while(Result::ok) {
                let Some(Ok(theirs)) = to.get().map(TcpStream::connect) else {
                    continue;
                };
                let (back, away) = (theirs.try_clone().unwrap(), ours.try_clone().unwrap());
                pump(ours, theirs);
                match is_deaf.load(Ordering::SeqCst) {
                    false => pump(back, away),
                    true => break_off(back, away),
                }
            }
        });
        Self {
            address,
            target,
            deaf,
        }
    }

    /// Leads there from now on.
    pub(crate) fn leads_to(&self, server: &Peer) {
        let host = server.base.strip_prefix("http://").unwrap();
        let host = host.trim_end_matches('/').to_owned();
        self.target.set(host).unwrap();
    }

    pub(crate) fn deafen(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::SeqCst);
    }
}

fn break_off(mut from: TcpStream, to: TcpStream) {
    std::thread::spawn(move || {
        let _ = from.read(&mut [0; 1]);
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
}

/// The part of an address that a proxy stands for, and the address by the proxy.
pub(crate) fn through(database: &str, proxy: impl FnOnce(String) -> Proxy) -> (Proxy, String) {
    let (head, rest) = database.rsplit_once('@').unwrap();
    let (target, name) = rest.split_once('/').unwrap();
    let proxy = proxy(target.to_owned());
    let url = format!("{head}@{}/{name}", proxy.address);
    (proxy, url)
}
