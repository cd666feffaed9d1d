//! Databases that older versions made, with what was in them: opened, they hold the same and have the newest tables.
//!
//! `older/NAME.{sqlite,mysql}.sql` are the tables as the version made them, `older/NAME.json` the rows.

mod support;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use hcndc_core::{
    contract::sample,
    engine::{
        AttemptRow, AttemptState, ExecutionRow, ExecutionState, FlowRunRow, FlowRunState,
        JobRunRow, JobRunState,
    },
    id::{ExecutionId, ExecutorId, FlowId, JobId},
    model::{Condition, Dependency, Flow, Job, Param, Placement, Retry},
    port::{Asked, Commit, ExecutionQuery, FlowQuery, History as _, JobQuery, Store as _},
};
use hcndc_store_mysql::SqlStore;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DbBackend, Statement, Value,
    sea_query::{Alias, Expr, Query},
};
use support::{block_on, mysql, schema, sqlite};

/// The table of migrations, whose text the golden file of MySQL leaves out.
const MIGRATIONS: &str = "CREATE TABLE schema_migration \
    (version varchar(255) NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/older")
        .join(name);
    std::fs::read_to_string(&path).expect(name)
}

/// Makes the database of an older version at this address.
async fn make(url: &str, name: &str) {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1);
    let db = Database::connect(options).await.expect("connect");
    let backend = db.get_database_backend();
    let mut tables = match backend {
        DbBackend::MySql => read(&format!("{name}.mysql.sql")) + MIGRATIONS,
        // SQLite keeps the text of a table, in which it had no line breaks.
        _ => read(&format!("{name}.sqlite.sql")).replace("\n ", ""),
    };
    if backend == DbBackend::MySql && !is_mariadb(&db).await {
        tables = tables.replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin");
    }
    for statement in tables.split(";\n\n").filter(|it| !it.is_empty()) {
        db.execute_unprepared(statement).await.expect(statement);
    }
    let rows: BTreeMap<String, Vec<BTreeMap<String, serde_json::Value>>> =
        serde_json::from_str(&read(&format!("{name}.json"))).expect("rows");
    for (table, rows) in rows {
        for row in rows {
            let columns = row.keys().map(Alias::new);
            let insert = Query::insert()
                .into_table(Alias::new(&table))
                .columns(columns)
                .values_panic(row.values().map(value).map(Expr::val))
                .to_owned();
            db.execute(&insert).await.expect(&table);
        }
    }
    db.close().await.expect("close");
}

async fn is_mariadb(db: &sea_orm::DatabaseConnection) -> bool {
    let version = Statement::from_string(DbBackend::MySql, "SELECT VERSION()");
    let row = db.query_one_raw(version).await.expect("the version");
    let version: String = row.expect("a row").try_get_by_index(0).expect("a text");
    version.contains("MariaDB")
}

fn value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Number(number) => number.as_i64().expect("whole numbers").into(),
        serde_json::Value::String(text) => text.as_str().into(),
        _ => Value::String(None),
    }
}

fn param(name: &str, value: &str) -> Param {
    Param {
        name: name.into(),
        value: value.into(),
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs.map(|&(k, v)| (k.into(), v.into())).collect()
}

fn flows() -> Vec<Flow> {
    let orders = Flow {
        directory: "/零售/nightly".into(),
        description: "extract,\nthen clean".into(),
        owner: "data-platform".into(),
        priority: -7,
        params: vec![param("region", "north"), param("day", "${date-1d:%Y%m%d}")],
        env: map(&[("LANG", "zh_CN.UTF-8"), ("EMPTY", "")]),
        workdir: "/srv/etl".into(),
        ..sample::flow(1, "orders")
    };
    let report = Flow {
        enabled: false,
        parents: vec![FlowId(1)],
        ..sample::flow(2, "日报 'report'")
    };
    vec![orders, report]
}

fn jobs() -> Vec<Job> {
    let extract = Job {
        description: "pulls the day's orders".into(),
        priority: 9,
        slots: 2,
        command: "psql -c \"select * from orders where day = '$date'\"".into(),
        params: vec![param("out", "a b").into()],
        env: map(&[("PGHOST", "db")]),
        workdir: "/tmp".into(),
        success_codes: vec![0, 3, 255],
        retry: Retry {
            max: 5,
            delay: Duration::from_millis(1_500),
            backoff_permille: 2_000,
            cap: Some(Duration::from_secs(60)),
        },
        timeout: Some(Duration::from_secs(3_600)),
        ..sample::job(11, 1, "extract")
    };
    let clean = Job {
        enabled: false,
        dependencies: vec![Dependency::new(JobId(11), Condition::Done)],
        placement: Placement::Executor(ExecutorId(21)),
        ..sample::job(12, 1, "clean")
    };
    let sum = Job {
        dependencies: vec![
            Dependency::new(JobId(11), Condition::Success),
            Dependency::new(JobId(12), Condition::Failure),
        ],
        placement: Placement::Labels(map(&[("disk", "ssd"), ("zone", "东")])),
        ..sample::job(13, 2, "extract")
    };
    vec![extract, clean, sum]
}

/// What the backbone's database holds, as this version reads it.
async fn holds_what_the_backbone_left(store: &SqlStore) {
    let snapshot = store.load().await.expect("load");
    assert_eq!(snapshot.next_id, 100);
    let dates = [Some(sample::date("2024-02-29")), None];
    let flows: Vec<_> = flows().into_iter().map(Arc::new).zip(dates).collect();
    assert_eq!(snapshot.flows, flows);
    let reached = sample::flow_dates(1, "2024-02-29", "2024-02-29");
    assert_eq!(snapshot.flow_dates, [reached]);
    let jobs: Vec<_> = jobs().into_iter().map(Arc::new).collect();
    assert_eq!(snapshot.jobs, jobs);
    let executors: Vec<_> = snapshot.executors.iter().map(|it| &*it.name).collect();
    assert_eq!(executors, ["etl-01", "local"]);

    let [live] = &snapshot.executions[..] else {
        panic!("one execution lives: {:?}", snapshot.executions);
    };
    let row = ExecutionRow {
        params: vec![param("zone", "华东"), param("empty", "")],
        started_by: "王芳".into(),
        stopped_by: Some("o'brien".into()),
        resumed_by: Some("ann".into()),
        state: ExecutionState::Stopping,
        resumes: 3,
        ..sample::execution(31)
    };
    assert_eq!(live.row, row);
    let running = FlowRunRow {
        state: FlowRunState::Running,
        started_at: Some(sample::at(8)),
        ..sample::flow_run(41, 31, 1)
    };
    let runs: Vec<_> = live.flow_runs.iter().map(|(row, _)| *row).collect();
    assert_eq!(runs, [running, sample::flow_run(42, 31, 2)]);
    let running = JobRunRow {
        state: JobRunState::Running,
        attempt: 2,
        attempts_before: 1,
        queued_at: Some(sample::at(20)),
        started_at: Some(sample::at(30)),
        exit_code: Some(-1),
        ..sample::job_run(51, 31, 41, 11)
    };
    let waiting = JobRunRow {
        state: JobRunState::RetryWait,
        attempt: 1,
        ended_at: Some(sample::at(40)),
        exit_code: Some(137),
        retry_at: Some(sample::at(5_000_001)),
        ..sample::job_run(52, 31, 41, 12)
    };
    let runs: Vec<_> = live.job_runs.iter().map(|(row, _)| *row).collect();
    assert_eq!(runs, [running, waiting, sample::job_run(53, 31, 42, 13)]);
    let attempt = AttemptRow {
        state: AttemptState::Running,
        slots: 2,
        kill_asked: true,
        started_at: Some(sample::at(30)),
        pid: Some(4_194_304),
        signal: Some(15),
        message: "could not read 'orders'\n".into(),
        peak_memory_bytes: 70_000_000_000,
        cpu_time: Duration::from_micros(3_600_000_001),
        log_bytes: 5_000_000_000,
        ..sample::attempt(62, 31, 51, 2, 21)
    };
    assert_eq!(live.attempts, [attempt]);

    let ended = store.load_execution(ExecutionId(71)).await.expect("load");
    let ended = ended.expect("an execution of the past");
    assert_eq!(ended.row.state, ExecutionState::Succeeded);
    assert_eq!(ended.job_runs.len(), 2);
    let listed = store.executions(&ExecutionQuery::default()).await;
    assert_eq!(listed.expect("list").items.len(), 2);
    let listed = store.flows(&FlowQuery::default()).await;
    assert_eq!(listed.expect("list").items.len(), 2);
    let listed = store.jobs(&JobQuery::default()).await;
    assert_eq!(listed.expect("list").items.len(), 3);
}

/// Everything that this version knows can be stored there.
async fn takes_what_is_new(store: &SqlStore) {
    let late = sample::at(60_000_000);
    let ttl = Duration::from_secs(9);
    let asked = store.acquire("b", late, ttl, None).await;
    let fence = match asked.expect("acquire") {
        Asked::Given(lease) => lease.fence,
        Asked::Held(old) => {
            let asked = store.acquire("b", late, ttl, Some(&old)).await;
            let lease = asked.expect("acquire").given();
            lease.expect("the old lease was outlasted").fence
        }
    };
    let old = store.load().await.expect("load");
    let commit = Commit {
        next_id: 200,
        changes: sample::World::new().changes(),
    };
    store.commit(fence, &commit).await.expect("commit");
    let loaded = store.load().await.expect("load");
    // What is known of runs that have ended stays beside what is new.
    let mut expected = sample::World::new().snapshot(200);
    let dates = old.flow_dates.iter().chain(&expected.flow_dates);
    let dates: BTreeMap<_, _> = dates.map(|it| ((it.flow, it.from), *it)).collect();
    expected.flow_dates = dates.into_values().collect();
    let outcomes = old.job_outcomes.iter().chain(&expected.job_outcomes);
    let outcomes: BTreeMap<_, _> = outcomes.map(|it| ((it.job, it.data_date), *it)).collect();
    expected.job_outcomes = outcomes.into_values().collect();
    assert_eq!(loaded, expected);
}

#[test]
fn sqlite_of_the_backbone_is_brought_up_to_date() {
    let (old, fresh) = (tempfile::tempdir(), tempfile::tempdir());
    let (old, fresh) = (old.expect("a directory"), fresh.expect("a directory"));
    let (old_url, fresh_url) = (sqlite::url(&old), sqlite::url(&fresh));
    block_on(async {
        make(&old_url, "backbone").await;
        let store = SqlStore::connect(&old_url).await.expect("connect");
        holds_what_the_backbone_left(&store).await;
        takes_what_is_new(&store).await;
        SqlStore::connect(&fresh_url).await.expect("connect");
        let tables = schema::of_sqlite(&old_url).await;
        assert_eq!(tables, schema::of_sqlite(&fresh_url).await);
    });
}

#[test]
fn mysql_of_the_backbone_is_brought_up_to_date() {
    if mysql::is_skipped("mysql_of_the_backbone_is_brought_up_to_date") {
        return;
    }
    block_on(async {
        let (old, fresh) = (mysql::Schema::create().await, mysql::Schema::create().await);
        make(&old.url, "backbone").await;
        let store = SqlStore::connect(&old.url).await.expect("connect");
        holds_what_the_backbone_left(&store).await;
        takes_what_is_new(&store).await;
        SqlStore::connect(&fresh.url).await.expect("connect");
        let tables = schema::of_mysql(&old.url).await;
        assert_eq!(tables, schema::of_mysql(&fresh.url).await);
    });
}
