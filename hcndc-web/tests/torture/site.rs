//! What is tortured, put together: servers, executors, the ways between them, and the mesh that runs there.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tempfile::TempDir;

use super::{
    load::Caller,
    network::Way,
    processes::{Database, Process, free_port, wait_for},
};

/// Slots of each executor.
pub(crate) const SLOTS: u32 = 4;
/// Slots of the pool that flow `c` uses.
pub(crate) const POOL: u32 = 2;
/// The schedule's times are so many seconds apart.
pub(crate) const EVERY: i64 = 2;

/// One server, and its way to the database.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) to_database: Option<Way>,
}

/// One executor, and the servers' way to it.
pub(crate) struct Executor {
    pub(crate) process: Process,
    pub(crate) data_dir: PathBuf,
    pub(crate) way: Way,
}

// Dropped in this order: processes before what they use.
pub(crate) struct Site {
    pub(crate) servers: Vec<Server>,
    pub(crate) executors: Vec<Executor>,
    pub(crate) database: Option<Database>,
    /// The address by which the checks read.
    pub(crate) url: String,
    dir: TempDir,
}

impl Site {
    /// One server with its own SQLite file.
    pub(crate) fn on_sqlite(test: &str) -> Option<Self> {
        let program = executor_program(test)?;
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("s0");
        let url = format!("sqlite://{}?mode=rwc", home.join("hcndc.db").display());
        let servers = vec![server(dir.path(), 0, None)];
        Some(Self::open(dir, &program, servers, None, url))
    }

    /// Several servers on one MariaDB, which is this test's own: it is killed, too.
    pub(crate) fn on_mariadb(test: &str, servers: usize) -> Option<Self> {
        let program = executor_program(test)?;
        if std::env::var_os("HCNDC_TEST_MYSQL_URL").is_none() {
            return skipped(test, "HCNDC_TEST_MYSQL_URL is not set");
        }
        let dir = tempfile::tempdir().unwrap();
        // The database runs as another user.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir.path(), open).unwrap();
        let database = Database::begin(dir.path().join("mariadb"));
        let nodes = vec![database.url.clone(); servers];
        Some(Self::shared(dir, &program, &nodes, Some(database)))
    }

    /// A server for each node of a Galera cluster.
    pub(crate) fn on_galera(test: &str) -> Option<Self> {
        let program = executor_program(test)?;
        let nodes = std::env::var("HCNDC_TEST_GALERA_URLS").unwrap_or_default();
        let nodes: Vec<String> = nodes.split_whitespace().map(str::to_owned).collect();
        if nodes.is_empty() {
            return skipped(test, "HCNDC_TEST_GALERA_URLS is not set");
        }
        let dir = tempfile::tempdir().unwrap();
        Some(Self::shared(dir, &program, &nodes, None))
    }

    /// A server for each of these addresses, all of which lead to one database; a new one is made there.
    fn shared(dir: TempDir, program: &Path, nodes: &[String], database: Option<Database>) -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("hcndc_torture_{:x}", nanos.as_nanos());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let db = sea_orm::Database::connect(&nodes[0]).await.unwrap();
            let statement = format!("CREATE DATABASE {name}");
            db.execute_unprepared(&statement).await.unwrap();
            db.close().await.unwrap();
        });
        let servers = nodes.iter().enumerate().map(|(number, node)| {
            let port = port(node);
            let way = Way::to(port);
            let near = node.replace(&format!(":{port}/"), &format!(":{}/", way.port));
            server(dir.path(), number, Some((way, format!("{near}{name}"))))
        });
        let servers = servers.collect();
        let url = format!("{}{name}", nodes[0]);
        Self::open(dir, program, servers, database, url)
    }

    fn open(
        dir: TempDir,
        program: &Path,
        mut servers: Vec<Server>,
        database: Option<Database>,
        url: String,
    ) -> Self {
        let mut executors: Vec<Executor> = (0..2)
            .map(|number| executor(dir.path(), number, program))
            .collect();
        for executor in &mut executors {
            executor.process.begin();
        }
        for server in &mut servers {
            server.process.begin();
        }
        let site = Self {
            servers,
            executors,
            database,
            url,
            dir,
        };
        let caller = site.caller();
        wait_for("the servers", || caller.try_get("/readyz").is_some());
        for executor in &site.executors {
            let address = format!("127.0.0.1:{}", executor.way.port);
            let body = json!({"name": executor.process.name(), "address": address, "slots": SLOTS});
            caller.insist("/api/v1/executors", &body, None);
        }
        fs::write(site.dir.path().join("job.sh"), JOB).unwrap();
        caller.put_mesh(&site.mesh());
        site
    }

    pub(crate) fn caller(&self) -> Caller {
        let ports = self.servers.iter().map(|server| server.port);
        Caller::new(ports.collect())
    }

    /// What jobs wrote down.
    pub(crate) fn trace(&self) -> String {
        fs::read_to_string(self.dir.path().join("trace")).unwrap_or_default()
    }

    /// All is as it should be again: every process lives, every way is open.
    pub(crate) fn heal(&mut self) {
        for executor in &mut self.executors {
            executor.way.heal();
            executor.process.begin();
        }
        for server in &mut self.servers {
            if let Some(way) = &server.to_database {
                way.heal();
            }
            server.process.begin();
        }
    }

    /// Flows of several shapes, one of them behind a pool and one at a time; and one that is always due.
    fn mesh(&self) -> String {
        let dir = self.dir.path().display();
        let job = |name: &str, seconds: &str, more: &str| {
            format!("{{name: {name}, command: sh {dir}/job.sh {dir}/trace {seconds}{more}}}")
        };
        let mut mesh = format!(
            "hcndc: 1\ndefaults: {{retry: {{max: 8, delay: 100ms}}}}\npools: [{{name: p, slots: {POOL}}}]\n\
             alert_rules: [{{name: all, default: true, events: [execution_succeeded, execution_failed, job_failed, job_retried]}}]\nflows:\n"
        );
        let mut flow = |head: &str, jobs: &[String]| {
            writeln!(mesh, "  - {head}\n    jobs:").unwrap();
            for job in jobs {
                writeln!(mesh, "      - {job}").unwrap();
            }
        };
        flow(
            "name: a",
            &[
                job("root", "0.1", ""),
                job("left", "0.5", ", depends_on: [root]"),
                job("right", "0.2", ", depends_on: [root]"),
                job("join", "0.1", ", depends_on: [left, right]"),
            ],
        );
        flow(
            "name: b\n    parents: [a]",
            &[
                job("one", "0.2", ""),
                job("two", "0.2", ", depends_on: [one]"),
            ],
        );
        flow(
            "name: c\n    max_runs: 1",
            &[
                job("x", "0.3", ", pool: p"),
                job("y", "0.3", ", pool: p"),
                job("z", "0.1", ", pool: p, pool_slots: 2"),
            ],
        );
        let wide: Vec<String> = (0..5)
            .map(|number| job(&format!("w{number}"), "0.4", ""))
            .collect();
        flow("name: d", &wide);
        flow("name: tick", &[job("tock", "0.1", "")]);
        writeln!(
            mesh,
            "schedules:\n  - {{name: every, flow: tick, trigger: {{every: {EVERY}s}}, missed: catch_up, max_instances: 3, \
             misfire_grace: 10m, date_offset: 0}}"
        )
        .unwrap();
        mesh
    }
}

/// Writes down that it starts and ends, with the time; of some attempts it fails.
const JOB: &str = r#"code=0
case $HCNDC_ATTEMPT_ID in *7) code=3 ;; esac
echo "start $HCNDC_ATTEMPT_ID $(date +%s%6N) 0" >>"$1"
sleep "$2"
echo "end $HCNDC_ATTEMPT_ID $(date +%s%6N) $code" >>"$1"
exit $code
"#;

fn server(dir: &Path, number: usize, database: Option<(Way, String)>) -> Server {
    let port = free_port();
    let home = dir.join(format!("s{number}"));
    let mut args: Vec<String> = [
        "serve",
        "--no-executor",
        "--access",
        "open",
        "--rate-limit",
        "0",
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--data-dir",
        &home.display().to_string(),
    ]
    .map(str::to_owned)
    .to_vec();
    let mut to_database = None;
    if let Some((way, url)) = database {
        args.extend(["--database".to_owned(), url]);
        to_database = Some(way);
    }
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hcndc"));
    Server {
        process: Process::new(&format!("s{number}"), dir, program, args),
        port,
        to_database,
    }
}

fn executor(dir: &Path, number: usize, program: &Path) -> Executor {
    let port = free_port();
    let data_dir = dir.join(format!("e{number}"));
    let args = [
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--data-dir",
        &data_dir.display().to_string(),
        "--base-dir",
        &dir.display().to_string(),
    ];
    let args = args.map(str::to_owned).to_vec();
    Executor {
        process: Process::new(&format!("e{number}"), dir, program.to_path_buf(), args),
        data_dir,
        way: Way::to(port),
    }
}

/// The port in the address of a database server: `mysql://user:password@host:port/`.
pub(crate) fn port(url: &str) -> u16 {
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    port.parse().unwrap()
}

/// The executor's program, which is built beside the server's.
fn executor_program(test: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_hcndc")).with_file_name("hcndc-exec");
    if program.is_file() {
        return Some(program);
    }
    skipped(
        test,
        "hcndc-exec is not built; cargo test --workspace builds it",
    )
}

fn skipped<T>(test: &str, why: &str) -> Option<T> {
    let is_ci = std::env::var_os("HCNDC_CI").is_some_and(|value| value == "1");
    assert!(!is_ci, "cannot be skipped where HCNDC_CI is 1: {why}");
    super::say(&format!("skipped: {test}: {why}\n"));
    None
}
