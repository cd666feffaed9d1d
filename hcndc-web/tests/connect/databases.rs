//! Databases that queries are asked of, and how.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hcndc_core::{
    id::DataSourceId,
    model::{DataSource, DataSourceKind, Revision, Secret, ValueType},
    time::Timestamp,
};
use hcndc_web::connect::{
    http::Http,
    source::{AskError, pool::Pools},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::server;

/// What a [`source`] is known by.
pub(crate) const GOOD: DataSourceId = DataSourceId(1);

/// Values that are asked for, by their place in the table: the suite's, and two for sums.
pub(crate) const TEXTS: &[&str] = &["one", "", " two\n", "三", "'; -- ${date}", "x", "y", "last"];

pub(crate) fn source(kind: DataSourceKind) -> DataSource {
    let now = Timestamp::from_micros(0);
    DataSource {
        id: GOOD,
        name: "warehouse".to_owned(),
        directory: "/".to_owned(),
        description: String::new(),
        kind,
        host: "127.0.0.1".to_owned(),
        port: None,
        database: String::new(),
        user: String::new(),
        password: Secret::default(),
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

/// A database with the table `hcndc_text (id, v)`.
pub(crate) struct Database {
    pub(crate) source: DataSource,
    /// The address for statements of the test's own.
    pub(crate) url: String,
    pub(crate) sleep: &'static str,
    _dir: Option<tempfile::TempDir>,
}

/// Runs statements at this address.
pub(crate) async fn execute(url: &str, statements: &[String]) {
    macro_rules! execute {
        ($connection:ty) => {{
            let mut connection = <$connection>::connect(url).await.unwrap();
            for statement in statements {
                let statement = AssertSqlSafe(statement.clone());
                connection.execute(sqlx::raw_sql(statement)).await.unwrap();
            }
            connection.close().await.unwrap();
        }};
    }
    match url.split_once("://").unwrap().0 {
        "clickhouse" => {
            let (user, password, port) = parts(url);
            let (_, database) = url.rsplit_once('/').unwrap();
            for statement in statements {
                ureq::post(format!("http://127.0.0.1:{port}/?database={database}"))
                    .header("x-clickhouse-user", &user)
                    .header("x-clickhouse-key", &password)
                    .send(statement)
                    .unwrap();
            }
        }
        "sqlite" => execute!(sqlx::SqliteConnection),
        "mysql" => execute!(sqlx::MySqlConnection),
        _ => execute!(sqlx::PgConnection),
    }
}

async fn fill(url: &str, create: &str) {
    let mut statements = vec![
        "DROP TABLE IF EXISTS hcndc_text".to_owned(),
        create.to_owned(),
    ];
    let quote = match url.starts_with("clickhouse") {
        true => "\\'",
        false => "''",
    };
    for (id, text) in TEXTS.iter().enumerate() {
        let text = text.replace('\'', quote);
        statements.push(format!("INSERT INTO hcndc_text VALUES ({id}, '{text}')"));
    }
    execute(url, &statements).await;
}

/// The parts of `scheme://user:password@host:port/…`.
fn parts(url: &str) -> (String, String, u16) {
    let (_, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap();
    let address = rest.split('/').next().unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    (user.to_owned(), password.to_owned(), port.parse().unwrap())
}

pub(crate) async fn sqlite() -> Option<Database> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("warehouse.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    fill(
        &url,
        "CREATE TABLE hcndc_text (id INTEGER PRIMARY KEY, v TEXT)",
    )
    .await;
    Some(Database {
        source: DataSource {
            database: path.display().to_string(),
            // A password that nobody needs, to see that it is told to nobody.
            password: Secret::new("sqlite-secret"),
            ..source(DataSourceKind::Sqlite)
        },
        url,
        sleep: "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        _dir: Some(dir),
    })
}

/// A database of its own, `name`, on a server, so that tests do not meet.
async fn on_server(kind: DataSourceKind, server: &str, name: &str) -> Database {
    let (user, password, port) = parts(server);
    let name = format!("hcndc_{name}_{}", uuid::Uuid::new_v4().simple());
    execute(server, &[format!("CREATE DATABASE {name}")]).await;
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let (create, sleep) = match kind {
        DataSourceKind::Mysql => (
            "CREATE TABLE hcndc_text (id INT PRIMARY KEY, v TEXT) CHARACTER SET utf8mb4",
            "SELECT SLEEP(60)",
        ),
        DataSourceKind::Clickhouse => (
            "CREATE TABLE hcndc_text (id Int32, v String) ENGINE = Memory",
            "SELECT count() FROM system.numbers",
        ),
        _ => (
            "CREATE TABLE hcndc_text (id INT PRIMARY KEY, v TEXT)",
            "SELECT pg_sleep(60)",
        ),
    };
    fill(&url, create).await;
    Database {
        source: DataSource {
            port: Some(port),
            database: name,
            user,
            password: Secret::new(password),
            ..source(kind)
        },
        url,
        sleep,
        _dir: None,
    }
}

pub(crate) async fn mariadb() -> Option<Database> {
    let url = server("HCNDC_TEST_MYSQL_URL", "queries to MariaDB")?;
    Some(on_server(DataSourceKind::Mysql, &url, "queries").await)
}

pub(crate) async fn postgres() -> Option<Database> {
    let url = server("HCNDC_TEST_POSTGRES_URL", "queries to PostgreSQL")?;
    let (url, _) = url.split_once('?').unwrap();
    Some(on_server(DataSourceKind::Postgresql, url, "queries").await)
}

/// The same with TLS, by a certificate for `localhost` alone; and the authority's.
pub(crate) async fn mariadb_with_tls() -> Option<(Database, String)> {
    let url = server("HCNDC_TEST_MYSQL_TLS_URL", "queries to MariaDB with TLS")?;
    let (url, ca) = url.split_once("?ca=").unwrap();
    let mut database = on_server(DataSourceKind::Mysql, url, "queries").await;
    database.source.host = "localhost".to_owned();
    Some((database, ca.to_owned()))
}

pub(crate) async fn clickhouse() -> Option<Database> {
    let url = server("HCNDC_TEST_CLICKHOUSE_URL", "queries to ClickHouse")?;
    let (url, _) = url.split_once('?').unwrap();
    let base = url.trim_end_matches('/');
    let default = format!("{base}/default");
    Some(on_server(DataSourceKind::Clickhouse, &default, "queries").await)
}

/// The certificate of the authority of the PostgreSQL server's.
pub(crate) fn postgres_ca() -> String {
    let url = std::env::var("HCNDC_TEST_POSTGRES_URL").unwrap();
    url.split_once("ca=").unwrap().1.to_owned()
}

/// The PostgreSQL server, as its address tells it.
pub(crate) struct PostgresServer {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) ca: String,
}

impl PostgresServer {
    pub(crate) fn find(test: &str) -> Option<Self> {
        let url = server("HCNDC_TEST_POSTGRES_URL", test)?;
        let (user, rest) = url.split_once('@').unwrap();
        let (user, password) = user.split_once("://").unwrap().1.split_once(':').unwrap();
        let (address, ca) = rest.split_once("/postgres?ca=").unwrap();
        let (host, port) = address.split_once(':').unwrap();
        Some(Self {
            user: user.to_owned(),
            password: password.to_owned(),
            host: host.to_owned(),
            port: port.parse().unwrap(),
            ca: ca.to_owned(),
        })
    }
}

pub(crate) fn pools() -> Arc<Pools> {
    Arc::new(Pools::new(Http::new(), Arc::default(), None))
}

pub(crate) async fn ask(source: &DataSource, query: &str) -> Result<String, AskError> {
    ask_column(source, query, None, ValueType::Text).await
}

/// A column of the first row.
pub(crate) async fn ask_column(
    source: &DataSource,
    query: &str,
    column: Option<&str>,
    of: ValueType,
) -> Result<String, AskError> {
    let source = Arc::new(source.clone());
    let row = pools().ask(&source, query, Duration::from_secs(30)).await?;
    row.value(column, of)
}

/// The first value, by these connections.
pub(crate) async fn ask_by(
    pools: &Pools,
    source: &Arc<DataSource>,
    query: &str,
    timeout: Duration,
) -> Result<String, AskError> {
    let row = pools.ask(source, query, timeout).await?;
    row.value(None, ValueType::Text)
}
