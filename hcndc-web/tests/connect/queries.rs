//! Queries for params, to real databases.

use std::{collections::BTreeMap, future::Future, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    contract::resolver::{ComesTo, Query, ResolverFixture},
    engine::{ParamAsk, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ExecutionId, JobRunId, ParamId},
    model::{DataSource, DataSourceKind, Revision, Secret, ValueType},
    port::ParamResolver as _,
    time::Timestamp,
};
use hcndc_web::connect::{
    http::Http,
    source::{
        AskError,
        pool::Pools,
        resolver::{Asking, Sources},
    },
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::runtime::Runtime;

#[cfg(feature = "odbc")]
use crate::odbc::{odbc_mariadb, odbc_postgres};
use crate::{
    proxy::{Proxy, dying, nobody, saying},
    receiver::Receiver,
    server,
    tls_proxy::untrusted,
};

const GOOD: DataSourceId = DataSourceId(1);
const GONE: DataSourceId = DataSourceId(2);
const OTHER: DataSourceId = DataSourceId(3);

/// Values that are asked for, by their place in the table: the suite's, and two for sums.
const TEXTS: &[&str] = &["one", "", " two\n", "三", "'; -- ${date}", "x", "y", "last"];

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

/// Data sources that stand in a map.
struct Map(BTreeMap<DataSourceId, Arc<DataSource>>);

#[async_trait]
impl Sources for Map {
    async fn source(&self, id: DataSourceId) -> Result<Option<Arc<DataSource>>, String> {
        Ok(self.0.get(&id).cloned())
    }

    async fn number(&self, _: AttemptId) -> Result<Option<u32>, String> {
        Ok(Some(3))
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
async fn mariadb_with_tls() -> Option<(Database, String)> {
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

struct Fixture {
    runtime: Runtime,
    database: Database,
}

impl Fixture {
    /// `None` where there is no server.
    fn new(database: impl Future<Output = Option<Database>>) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let database = runtime.block_on(database)?;
        Some(Self { runtime, database })
    }

    fn gone(&self) -> DataSource {
        let mut gone = self.database.source.clone();
        gone.id = GONE;
        gone.port = Some(nobody());
        if gone.kind == DataSourceKind::Sqlite {
            gone.database = "/nowhere/warehouse.db".to_owned();
        }
        gone
    }
}

/// A fixture that has no server runs no case.
struct Maybe(Option<Fixture>);

impl ResolverFixture for Maybe {
    type Resolver = Asking;

    fn block_on<F: Future>(&self, case: F) -> F::Output {
        let limit = Duration::from_secs(120);
        self.fixture()
            .runtime
            .block_on(async { tokio::time::timeout(limit, case).await.unwrap() })
    }

    async fn fresh(&self) -> Asking {
        let fixture = self.fixture();
        // Nobody can ask it, whatever this program was built with.
        let options = [("driver".to_owned(), "no such driver".to_owned())];
        let other = DataSource {
            id: OTHER,
            options: options.into(),
            ..source(DataSourceKind::Odbc)
        };
        let all = [fixture.database.source.clone(), fixture.gone(), other];
        let all = all.into_iter().map(|it| (it.id, Arc::new(it)));
        Asking::start(Arc::new(Map(all.collect())), pools())
    }

    fn query(&self, comes_to: ComesTo) -> Query {
        let at = |text: &str| TEXTS.iter().position(|it| *it == text).unwrap();
        let (data_source, query) = match &comes_to {
            ComesTo::Value(text) => {
                let id = at(text);
                (GOOD, format!("SELECT v FROM hcndc_text WHERE id = {id}"))
            }
            ComesTo::NoRow => (GOOD, "SELECT v FROM hcndc_text WHERE id = -1".to_owned()),
            ComesTo::Refusal => (GOOD, "SELECT v FROM no_such_table".to_owned()),
            ComesTo::NoConnection => (GONE, "SELECT 1".to_owned()),
            ComesTo::NoEnd => (GOOD, self.fixture().database.sleep.to_owned()),
            ComesTo::NoWay => (OTHER, "SELECT 1".to_owned()),
        };
        let timeout = match comes_to {
            ComesTo::NoEnd => Duration::from_millis(300),
            _ => Duration::from_secs(60),
        };
        Query {
            data_source,
            query,
            timeout,
        }
    }

    fn secret(&self) -> String {
        self.fixture().database.source.password.reveal().to_owned()
    }
}

impl Maybe {
    fn fixture(&self) -> &Fixture {
        self.0.as_ref().unwrap()
    }
}

mod contract {
    /// The suite on a database; each case passes over where there is no server.
    macro_rules! on {
        ($name:ident, $($case:ident,)*) => {
            mod $name {
                $(
                    #[test]
                    fn $case() {
                        use hcndc_core::contract::resolver::ResolverFixture as _;
                        let fixture = super::super::Maybe(super::super::Fixture::new(super::super::$name()));
                        if fixture.0.is_none() {
                            return;
                        }
                        fixture.block_on(async {
                            let resolver = fixture.fresh().await;
                            hcndc_core::contract::resolver::$case(&fixture, &resolver).await;
                        });
                    }
                )*
            }
        };
    }
    macro_rules! on_all {
        ($($name:ident)*) => {$(
            on! { $name,
                orders_are_taken_while_others_are_open,
                what_is_refused_is_not_answered_as_well,
                every_order_is_answered_once,
                an_answer_has_all_values_that_were_asked_for,
                each_failure_is_told_apart_and_names_its_param,
                a_query_that_takes_too_long_is_given_up,
                what_is_given_again_is_answered_again,
                reasons_tell_no_secret,
                a_dropped_wait_loses_no_answer,
            }
        )*};
    }
    on_all! { sqlite mariadb postgres clickhouse }
    #[cfg(feature = "odbc")]
    on_all! { odbc_mariadb odbc_postgres }
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

#[tokio::test]
async fn values_of_all_types_come_as_the_database_writes_them() {
    let common = [
        ("SELECT 42", "42"),
        ("SELECT -1.50", "-1.50"),
        ("SELECT CAST('2026-11-21' AS DATE)", "2026-11-21"),
        (
            "SELECT CAST('2026-11-21 01:02:03' AS TIMESTAMP)",
            "2026-11-21 01:02:03",
        ),
    ];
    if let Some(database) = mariadb().await {
        for (query, expected) in [
            ("SELECT 42", "42"),
            ("SELECT -1.50", "-1.50"),
            ("SELECT CAST('2026-11-21' AS DATE)", "2026-11-21"),
            (
                "SELECT CAST('2026-11-21 01:02:03' AS DATETIME)",
                "2026-11-21 01:02:03",
            ),
            (
                "SELECT CAST(18446744073709551615 AS UNSIGNED)",
                "18446744073709551615",
            ),
            ("SELECT MAKETIME(25, 1, 2)", "25:01:02"),
            ("SELECT 0.5e0", "0.5"),
            ("SELECT TRUE", "1"),
            ("SELECT 'it''s'", "it's"),
        ] {
            assert_eq!(
                ask(&database.source, query).await.as_deref(),
                Ok(expected),
                "{query}"
            );
        }
    }
    if let Some(database) = postgres().await {
        for (query, expected) in common.into_iter().chain([
            (
                "SELECT 12345678901234567890.123456789::numeric",
                "12345678901234567890.123456789",
            ),
            ("SELECT true", "t"),
            ("SELECT ARRAY[1,2]", "{1,2}"),
            ("SELECT '{\"a\": 1}'::jsonb", "{\"a\": 1}"),
            ("WITH t AS (SELECT 7 AS x) SELECT x, 1 FROM t", "7"),
            ("VALUES ('v')", "v"),
        ]) {
            assert_eq!(
                ask(&database.source, query).await.as_deref(),
                Ok(expected),
                "{query}"
            );
        }
    }
    if let Some(database) = clickhouse().await {
        for (query, expected) in [
            ("SELECT 42", "42"),
            ("SELECT toDecimal64(-1.5, 2)", "-1.50"),
            ("SELECT toDate('2026-11-21')", "2026-11-21"),
            (
                "SELECT toDateTime('2026-11-21 01:02:03')",
                "2026-11-21 01:02:03",
            ),
            ("SELECT 18446744073709551615", "18446744073709551615"),
            ("SELECT 'it\\'s\ta\\\\b'", "it's\ta\\b"),
            ("SELECT number FROM system.numbers LIMIT 100000", "0"),
            ("SELECT currentDatabase()", &database.source.database),
        ] {
            assert_eq!(
                ask(&database.source, query).await.as_deref(),
                Ok(expected),
                "{query}"
            );
        }
    }
    let database = sqlite().await.unwrap();
    for (query, expected) in [
        ("SELECT 42", "42"),
        ("SELECT 2.0", "2.0"),
        ("SELECT date('2026-11-21', '-1 day')", "2026-11-20"),
        ("SELECT v FROM hcndc_text ORDER BY id LIMIT 1", "one"),
    ] {
        assert_eq!(
            ask(&database.source, query).await.as_deref(),
            Ok(expected),
            "{query}"
        );
    }
}

#[tokio::test]
async fn no_query_writes() {
    for database in [
        sqlite().await,
        mariadb().await,
        postgres().await,
        clickhouse().await,
    ] {
        let Some(database) = database else { continue };
        for query in [
            "DELETE FROM hcndc_text",
            "INSERT INTO hcndc_text VALUES (9, 'y')",
            "ALTER TABLE hcndc_text DELETE WHERE 1 = 1",
            "TRUNCATE TABLE hcndc_text",
            "UPDATE hcndc_text SET v = 'z'",
            "SELECT 1; DELETE FROM hcndc_text",
            "COMMIT; DELETE FROM hcndc_text",
            "DROP TABLE hcndc_text",
        ] {
            // What a database does not refuse must not have been done either.
            let _ = ask(&database.source, query).await;
        }
        let count = format!(
            "SELECT CASE WHEN count(*) = {} THEN 'all' END FROM hcndc_text WHERE v <> 'z'",
            TEXTS.len()
        );
        assert_eq!(
            ask(&database.source, &count).await.as_deref(),
            Ok("all"),
            "{}",
            database.url
        );
    }
}

#[tokio::test]
async fn a_wrong_password_means_that_nobody_can_be_asked_and_is_told_to_nobody() {
    for database in [mariadb().await, postgres().await, clickhouse().await] {
        let Some(mut database) = database else {
            continue;
        };
        database.source.password = Secret::new("wrong-password");
        let refused = ask(&database.source, "SELECT 1").await.unwrap_err();
        assert_eq!(refused.kind, ResolveErrorKind::Unreachable);
        assert!(refused.reason.contains("hcndc"), "{refused}");
        assert!(!refused.reason.contains("wrong-password"), "{refused}");
    }
}

#[tokio::test]
async fn certificates_are_checked_where_that_is_asked_for() {
    let Some(mut database) = postgres().await else {
        return;
    };
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (tls, ca, expected) in [
        ("none", None, Ok("f")),
        ("prefer", None, Ok("t")),
        ("require", None, Ok("t")),
        ("verify_full", Some(postgres_ca()), Ok("t")),
        ("verify_full", None, Err(ResolveErrorKind::Unreachable)),
    ] {
        let options = &mut database.source.options;
        options.insert("tls".to_owned(), tls.to_owned());
        options.remove("ca_file");
        if let Some(ca) = ca {
            options.insert("ca_file".to_owned(), ca);
        }
        let asked = ask(&database.source, query).await;
        assert_eq!(
            asked.as_deref().map_err(|error| error.kind),
            expected,
            "{tls}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn certificates_of_mariadb_are_checked_where_that_is_asked_for() {
    let Some((mut safe, ca)) = mariadb_with_tls().await else {
        return;
    };
    let plain = mariadb().await.unwrap();
    let query = "SELECT IF(variable_value = '', 'f', 't') FROM information_schema.session_status \
                 WHERE variable_name = 'Ssl_version'";
    let unreachable = Err(ResolveErrorKind::Unreachable);
    for (host, tls, ca, expected) in [
        ("localhost", "none", None, Ok("f")),
        ("localhost", "prefer", None, Ok("t")),
        ("localhost", "require", None, Ok("t")),
        ("localhost", "verify_full", Some(&ca), Ok("t")),
        ("localhost", "verify_full", None, unreachable),
        ("localhost", "verify_ca", None, unreachable),
        ("127.0.0.1", "verify_ca", Some(&ca), Ok("t")),
        ("127.0.0.1", "verify_full", Some(&ca), unreachable),
    ] {
        host.clone_into(&mut safe.source.host);
        let options = &mut safe.source.options;
        options.clear();
        options.insert("tls".to_owned(), tls.to_owned());
        options.extend(ca.map(|ca| ("ca_file".to_owned(), ca.clone())));
        let asked = ask(&safe.source, query).await;
        let found = asked.as_deref().map_err(|error| error.kind);
        assert_eq!(found, expected, "{host} {tls} {ca:?}: {asked:?}");
    }
    for (tls, expected) in [
        ("prefer", Ok("f")),
        ("require", unreachable),
        ("verify_full", unreachable),
    ] {
        let mut source = plain.source.clone();
        source.options.insert("tls".to_owned(), tls.to_owned());
        let asked = ask(&source, query).await;
        let found = asked.as_deref().map_err(|error| error.kind);
        assert_eq!(found, expected, "{tls}: {asked:?}");
    }
}

#[tokio::test]
async fn connections_are_kept_and_no_more_than_may_be() {
    let Some(mut database) = postgres().await else {
        return;
    };
    let options = &mut database.source.options;
    options.insert("max_connections".to_owned(), "2".to_owned());
    let source = Arc::new(database.source.clone());
    let pools = pools();
    let within = Duration::from_secs(60);
    let asks = (0..10).map(|_| ask_by(&pools, &source, "SELECT pg_backend_pid()", within));
    let mut used: Vec<String> = futures_util::future::join_all(asks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    used.sort();
    used.dedup();
    assert!(used.len() <= 2, "{used:?}");
    // A data source that changed is connected to anew.
    let mut changed = database.source.clone();
    changed.revision.version = 2;
    let changed = Arc::new(changed);
    let other = ask_by(&pools, &changed, "SELECT pg_backend_pid()", within).await;
    assert!(!used.contains(&other.unwrap()));
}

#[tokio::test]
async fn a_connection_that_was_cut_meanwhile_is_made_anew() {
    let Some(database) = postgres().await else {
        return;
    };
    let source = Arc::new(database.source.clone());
    let pools = pools();
    let within = Duration::from_secs(60);
    let first = ask_by(&pools, &source, "SELECT pg_backend_pid()", within).await;
    let cut = format!("SELECT pg_terminate_backend({})", first.unwrap());
    execute(&database.url, &[cut]).await;
    let asked = ask_by(&pools, &source, "SELECT 1", within).await;
    assert_eq!(asked.as_deref(), Ok("1"));
}

/// A connection that is cut while a query runs, by `cut` once it gives something to cut.
pub(crate) async fn cut_in_the_middle(
    database: Database,
    find: &str,
    cut: impl Fn(&str) -> String,
) {
    let source = Arc::new(database.source.clone());
    let (asked, sleep) = (Arc::clone(&source), database.sleep);
    let asking =
        tokio::spawn(async move { pools().ask(&asked, sleep, Duration::from_secs(60)).await });
    let found = loop {
        assert!(!asking.is_finished(), "{:?}", asking.await);
        if let Ok(found) = ask(&source, find).await {
            break found;
        }
    };
    execute(&database.url, &[cut(&found)]).await;
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert_eq!(ask(&source, "SELECT 1").await.as_deref(), Ok("1"));
}

#[tokio::test]
async fn a_connection_that_dies_in_the_middle_means_that_nobody_can_be_asked() {
    if let Some(database) = postgres().await {
        let find = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                    AND state = 'active' AND query LIKE 'FETCH%' AND pid <> pg_backend_pid()";
        let cut = |pid: &str| format!("SELECT pg_terminate_backend({pid})");
        cut_in_the_middle(database, find, cut).await;
    }
    if let Some(database) = mariadb().await {
        let find = "SELECT id FROM information_schema.processlist WHERE db = database() \
                    AND state = 'User sleep'";
        cut_in_the_middle(database, find, |id| format!("KILL {id}")).await;
    }
}

#[tokio::test]
async fn what_is_no_such_server_is_given_up_in_time() {
    for kind in [DataSourceKind::Mysql, DataSourceKind::Postgresql] {
        for (port, expected) in [
            (nobody(), "refused"),
            (saying(b"").await, "no connection within 1 s"),
            (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, ""),
            (saying(&[0xff; 200]).await, ""),
            (saying(&[0; 200]).await, ""),
            // As far as a greeting of MySQL, which is wrong inside.
            (saying(b"\x05\0\0\0\x0a5.5\0").await, ""),
            (saying(b"SSH-2.0-other\r\n").await, ""),
            (dying(b"").await, ""),
            (dying(b"N\xff\xff\xff\xff").await, ""),
        ] {
            let mut source = source(kind);
            source.port = Some(port);
            source.user = "etl".to_owned();
            source.password = Secret::new("source-secret");
            let options = [("connect_seconds".to_owned(), "1".to_owned())];
            source.options = options.into();
            let error = ask(&source, "SELECT 1").await.unwrap_err();
            assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
            assert!(error.reason.contains(expected), "{kind:?}: {error}");
            assert!(!error.reason.contains("source-secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_or_only_a_part_of_one_gives_no_value() {
    let database = sqlite().await.unwrap();
    let path = &database.source.database;
    let whole = std::fs::read(path).unwrap();
    for content in [
        &b"id,v\n0,one\n".repeat(1_000)[..],
        &whole[..whole.len() / 2],
        &whole[..50],
    ] {
        std::fs::write(path, content).unwrap();
        let asked = ask(&database.source, "SELECT v FROM hcndc_text WHERE id = 0").await;
        let error = asked.unwrap_err();
        let is_told = matches!(
            error.kind,
            ResolveErrorKind::Unreachable | ResolveErrorKind::Refused
        );
        assert!(is_told, "{:?}: {error}", error.kind);
    }
}

#[tokio::test]
async fn wrong_options_are_told_by_name() {
    let mut source = source(DataSourceKind::Postgresql);
    let options = [("tsl".to_owned(), "require".to_owned())];
    source.options = options.into();
    let error = ask(&source, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Other);
    assert!(error.reason.starts_with("setting tsl: "), "{error}");
}

#[tokio::test]
async fn systems_that_this_program_was_built_without_say_what_is_missing() {
    let driver = || [("driver".to_owned(), "x".to_owned())].into();
    for (kind, feature, is_there, options) in [
        (
            DataSourceKind::SqlServer,
            "sql-server",
            cfg!(feature = "sql-server"),
            BTreeMap::new(),
        ),
        (
            DataSourceKind::Mongodb,
            "mongodb",
            cfg!(feature = "mongodb"),
            BTreeMap::new(),
        ),
        (
            DataSourceKind::Hive,
            "odbc",
            cfg!(feature = "odbc"),
            driver(),
        ),
        (
            DataSourceKind::Impala,
            "odbc",
            cfg!(feature = "odbc"),
            driver(),
        ),
        (
            DataSourceKind::Odbc,
            "odbc",
            cfg!(feature = "odbc"),
            driver(),
        ),
    ] {
        if is_there {
            continue;
        }
        let mut source = source(kind);
        source.options = options;
        let error = ask(&source, "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Unsupported);
        let told = format!("--features hcndc-web/{feature}");
        assert!(error.reason.contains(&told), "{error}");
    }
}

#[tokio::test]
async fn columns_are_taken_by_name_and_in_the_form_of_their_type() {
    let databases = [sqlite().await, mariadb().await, postgres().await];
    for database in databases.into_iter().flatten() {
        let source = &database.source;
        let query = "SELECT 7.0 AS \"Rate\", v AS name, CAST('2026-11-21' AS CHAR(10)) AS day, NULL AS missing \
                     FROM hcndc_text WHERE id = 0";
        let query = match source.kind {
            DataSourceKind::Mysql => query.replace('"', "`"),
            _ => query.to_owned(),
        };
        let value = |column, of| ask_column(source, &query, column, of);
        for (column, of, expected) in [
            (None, ValueType::Text, "7.0"),
            (Some("Rate"), ValueType::Number, "7.0"),
            (Some("rate"), ValueType::Integer, "7"),
            (Some("NAME"), ValueType::Text, "one"),
            (Some("day"), ValueType::Date, "2026-11-21"),
            (Some("day"), ValueType::Timestamp, "2026-11-21T00:00:00"),
        ] {
            let found = value(column, of).await;
            assert_eq!(
                found.as_deref(),
                Ok(expected),
                "{column:?} {:?}",
                source.kind
            );
        }
        let none = value(Some("missing"), ValueType::Text).await.unwrap_err();
        assert_eq!(none.kind, ResolveErrorKind::NoRow);
        let absent = value(Some("date"), ValueType::Text).await.unwrap_err();
        assert_eq!(absent.kind, ResolveErrorKind::NoRow);
        assert_eq!(
            absent.reason,
            "there is no column date; there are: Rate, name, day, missing"
        );
        let misfit = value(Some("name"), ValueType::Integer).await.unwrap_err();
        assert_eq!(
            misfit.reason,
            "column name: the value is not a whole number, such as 42"
        );
    }
}

#[tokio::test]
async fn columns_of_one_query_are_asked_for_once_and_what_is_no_value_is_asked_anew() {
    let database = sqlite().await.unwrap();
    let source = Arc::new(database.source.clone());
    let asking = Asking::start(Arc::new(Map([(GOOD, source)].into())), pools());
    // Each time that it is asked it says something else.
    let query = "SELECT hex(randomblob(16)) AS a, hex(randomblob(16)) AS b, NULL AS c";
    let of = |attempt, job_run, columns: &[&str]| {
        let mut order = order(attempt, 1, job_run, query);
        let asks = columns.iter().zip(1..).map(|(column, param)| ParamAsk {
            param: ParamId(param),
            column: Some((*column).to_owned()),
            ..order.asks[0].clone()
        });
        order.asks = asks.collect();
        order
    };
    let answer = async |order: ResolveOrder| {
        asking.resolve(order).unwrap();
        asking
            .recv()
            .await
            .1
            .map_err(|error| (error.kind, error.param))
    };
    let first = answer(of(1, 1, &["a", "b", "a"])).await.unwrap();
    assert_eq!(first[&ParamId(1)], first[&ParamId(3)]);
    assert_ne!(first[&ParamId(1)], first[&ParamId(2)]);
    let other_job = answer(of(2, 2, &["b"])).await.unwrap();
    assert_eq!(other_job[&ParamId(1)], first[&ParamId(2)]);
    let retry = answer(of(3, 1, &["a"])).await.unwrap();
    assert_ne!(retry[&ParamId(1)], first[&ParamId(1)]);
    let nothing = answer(of(4, 3, &["a", "c"])).await;
    assert_eq!(nothing, Err((ResolveErrorKind::NoRow, ParamId(2))));
    let anew = answer(of(5, 4, &["a"])).await.unwrap();
    assert_ne!(anew[&ParamId(1)], retry[&ParamId(1)]);
}

#[tokio::test]
async fn a_query_of_sqlite_reaches_no_other_file() {
    let database = sqlite().await.unwrap();
    let other = database.source.database.replace("warehouse", "other");
    for query in [
        format!("ATTACH '{other}' AS o"),
        format!("SELECT 1; ATTACH '{other}' AS o"),
        format!("VACUUM INTO '{other}'"),
    ] {
        let error = ask(&database.source, &query).await.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Refused, "{query}");
    }
    assert!(!Path::new(&other).exists());
}

fn order(attempt: u64, execution: u64, job_run: u64, query: &str) -> ResolveOrder {
    ResolveOrder {
        attempt: AttemptId(attempt),
        execution: ExecutionId(execution),
        job_run: JobRunId(job_run),
        flow: "flow".to_owned(),
        job: "job".to_owned(),
        data_date: "2026-11-21".parse().unwrap(),
        asks: vec![ParamAsk {
            param: ParamId(1),
            name: "p".to_owned(),
            data_source: GOOD,
            query: query.to_owned(),
            timeout: Duration::from_secs(30),
            column: None,
            value_type: ValueType::Text,
        }],
        literal: std::collections::BTreeSet::new(),
        values: BTreeMap::from([("limit".to_owned(), "'x".to_owned())]),
    }
}

async fn answer(asking: &Asking, order: ResolveOrder) -> Result<String, ResolveErrorKind> {
    asking.resolve(order).unwrap();
    let (_, answer) = asking.recv().await;
    let answer = answer.map_err(|error| error.kind)?;
    Ok(answer[&ParamId(1)].clone())
}

#[tokio::test]
async fn jobs_of_one_execution_share_an_answer_and_a_retry_asks_anew() {
    let database = sqlite().await.unwrap();
    let source = Arc::new(database.source.clone());
    let asking = Asking::start(Arc::new(Map([(GOOD, source)].into())), pools());
    let query = "SELECT v FROM hcndc_text WHERE id = 0";
    assert_eq!(
        answer(&asking, order(1, 1, 1, query)).await.as_deref(),
        Ok("one")
    );
    let change = "UPDATE hcndc_text SET v = 'new' WHERE id = 0".to_owned();
    execute(&database.url, &[change]).await;
    let other_job = order(2, 1, 2, query);
    assert_eq!(answer(&asking, other_job).await.as_deref(), Ok("one"));
    let other_execution = order(3, 2, 3, query);
    assert_eq!(answer(&asking, other_execution).await.as_deref(), Ok("new"));
    let given_again = order(1, 1, 1, query);
    assert_eq!(answer(&asking, given_again).await.as_deref(), Ok("one"));
    let next_attempt = order(4, 1, 1, query);
    assert_eq!(answer(&asking, next_attempt).await.as_deref(), Ok("new"));
}

#[tokio::test]
async fn placeholders_of_a_query_are_those_of_commands() {
    let database = sqlite().await.unwrap();
    let source = Arc::new(database.source.clone());
    let asking = Asking::start(Arc::new(Map([(GOOD, source)].into())), pools());
    let query = "SELECT '${date-1d:%Y%m%d}|${flow_name}|${attempt}|${param.limit}'";
    assert_eq!(
        answer(&asking, order(1, 1, 1, query)).await.as_deref(),
        Ok("20261120|flow|3|'x")
    );
    let unquoted = answer(&asking, order(2, 1, 2, "SELECT ${param.limit}")).await;
    assert_eq!(unquoted, Err(ResolveErrorKind::Other));
}

#[tokio::test]
async fn files_of_the_server_are_no_data_sources() {
    let database = sqlite().await.unwrap();
    let private = Path::new(&database.source.database).parent().unwrap();
    let pools = Pools::new(
        Http::new(),
        Arc::default(),
        Some(private.canonicalize().unwrap()),
    );
    let source = Arc::new(database.source.clone());
    let refused = pools
        .ask(&source, "SELECT 1", Duration::from_secs(10))
        .await;
    assert_eq!(refused.unwrap_err().kind, ResolveErrorKind::Refused);
}

#[tokio::test]
async fn clickhouse_is_asked_by_http_to_read_only() {
    let receiver = Receiver::start(200, "x\ty\na\\tb\t1\nc\t2\n").await;
    receiver.says_type("text/tab-separated-values; charset=UTF-8");
    let mut source = source(DataSourceKind::Clickhouse);
    source.port = Some(receiver.address.port());
    source.user = "etl".to_owned();
    source.password = Secret::new("click-secret");
    source.database = "mart".to_owned();
    assert_eq!(
        ask(&source, "SELECT x, y FROM t").await.as_deref(),
        Ok("a\tb")
    );
    let got = receiver.only();
    assert_eq!(got.body.as_ref(), b"SELECT x, y FROM t");
    assert_eq!(got.query("readonly"), "2");
    assert_eq!(got.query("default_format"), "TabSeparatedWithNames");
    assert_eq!(got.header("x-clickhouse-user"), "etl");
    assert_eq!(got.header("x-clickhouse-key"), "click-secret");
    assert_eq!(got.query("database"), "mart");
    receiver.then(&[
        (404, "Code: 60. DB::Exception: Table mart.t does not exist."),
        (
            403,
            "Code: 516. DB::Exception: etl: Authentication failed (click-secret)",
        ),
        (200, "x\n\\N\n"),
    ]);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let error = ask(&source, "SELECT 1").await.unwrap_err();
        assert!(!error.reason.contains("click-secret"), "{error}");
        kinds.push(error.kind);
    }
    assert_eq!(
        kinds,
        [
            ResolveErrorKind::Refused,
            ResolveErrorKind::Unreachable,
            ResolveErrorKind::NoRow
        ]
    );
}

/// How a ClickHouse at this port is asked.
fn clickhouse_at(port: u16) -> DataSource {
    DataSource {
        port: Some(port),
        user: "etl".to_owned(),
        password: Secret::new("click-secret"),
        ..source(DataSourceKind::Clickhouse)
    }
}

#[tokio::test]
async fn what_is_no_clickhouse_or_says_only_a_part_gives_no_value() {
    let page = Receiver::start(200, "<html>\n<body>Welcome</body>\n").await;
    let gateway = Receiver::start(502, "<html>Bad Gateway</html>").await;
    let other = Receiver::start(200, "x\n1\n").await;
    other.says_type("application/json");
    let cut_lines =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\r\nday\n202611";
    let cut_chunks = b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\
                       Transfer-Encoding: chunked\r\n\r\n9\r\nx\n123\n456\r\n";
    let cut_length = b"HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\n\
                       Content-Length: 100\r\n\r\nx\n123\n456\n";
    let no_clickhouse = "it does not answer as ClickHouse does";
    for (port, expected) in [
        (nobody(), "refused"),
        (page.address.port(), no_clickhouse),
        (gateway.address.port(), no_clickhouse),
        (other.address.port(), no_clickhouse),
        (dying(b"").await, ""),
        (dying(b"\xff\xfe220 ready\r\n\r\n").await, ""),
        (dying(cut_lines).await, "its answer was cut off"),
        (dying(cut_chunks).await, ""),
        (dying(cut_length).await, ""),
    ] {
        let asked = ask(&clickhouse_at(port), "SELECT 1").await;
        let error = asked.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
        assert!(error.reason.contains(expected), "{error}");
        assert!(!error.reason.contains("click-secret"), "{error}");
    }
    let silent = Arc::new(clickhouse_at(saying(b"").await));
    let limit = Duration::from_millis(300);
    let error = ask_by(&pools(), &silent, "SELECT 1", limit).await;
    assert_eq!(error.unwrap_err().kind, ResolveErrorKind::TimedOut);

    let mut safe = clickhouse_at(untrusted().await);
    safe.options
        .insert("tls".to_owned(), "verify_full".to_owned());
    let error = ask(&safe, "SELECT 1").await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unreachable, "{error}");
    assert!(error.reason.contains("certificate"), "{error}");
}

#[tokio::test]
async fn clickhouse_is_asked_over_tls_and_again_after_it_was_cut_off() {
    let Some(database) = clickhouse().await else {
        return;
    };
    let url = std::env::var("HCNDC_TEST_CLICKHOUSE_URL").unwrap();
    let (tls_port, ca) = url
        .split_once("?tls_port=")
        .unwrap()
        .1
        .split_once("&ca=")
        .unwrap();
    let query = "SELECT v FROM hcndc_text WHERE id = 0";
    let unreachable = Err(ResolveErrorKind::Unreachable);
    for (port, ca, expected) in [
        (tls_port.parse().ok(), Some(ca), Ok("one")),
        (tls_port.parse().ok(), None, unreachable),
        // There is no TLS at that port.
        (database.source.port, Some(ca), unreachable),
    ] {
        let mut source = database.source.clone();
        source.port = port;
        let options = [("tls", Some("verify_full")), ("ca_file", ca)];
        let options = options.map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
        source.options = options.into_iter().flatten().collect();
        let asked = ask(&source, query).await;
        let found = asked.as_deref().map_err(|error| error.kind);
        assert_eq!(found, expected, "{ca:?}: {asked:?}");
    }
    let format = ask(&database.source, "SELECT 1 FORMAT JSON").await;
    let error = format.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Refused);
    assert!(error.reason.contains("leave its FORMAT out"), "{error}");

    let way = Proxy::start(database.source.port.unwrap()).await;
    let mut source = database.source.clone();
    source.port = Some(way.port);
    let (pools, source) = (pools(), Arc::new(source));
    let limit = Duration::from_secs(60);
    let asking = || ask_by(&pools, &source, query, limit);
    assert_eq!(asking().await.as_deref(), Ok("one"));
    way.hold();
    let cutting = async {
        // Again and again, for what was asked on a connection that breaks may be asked anew.
        loop {
            way.something_waits().await;
            way.cut();
        }
    };
    let cut = tokio::select! {
        asked = asking() => asked,
        () = cutting => unreachable!(),
    };
    assert_eq!(cut.unwrap_err().kind, ResolveErrorKind::Unreachable);
    way.let_pass();
    assert_eq!(asking().await.as_deref(), Ok("one"));
}
