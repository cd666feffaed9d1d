//! Queries for params, to real databases.

use std::{collections::BTreeMap, future::Future, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use hcndc_core::{
    contract::resolver::{ComesTo, Query, ResolverFixture},
    engine::{ParamAsk, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ExecutionId, JobRunId, ParamId},
    model::{DataSource, DataSourceKind, Secret, ValueType},
    port::ParamResolver as _,
};
use hcndc_web::connect::{
    http::Http,
    source::{
        pool::Pools,
        resolver::{Asking, Sources},
    },
};
use tokio::runtime::Runtime;

#[cfg(feature = "odbc")]
use crate::odbc::{odbc_mariadb, odbc_postgres};
use crate::{
    databases::{
        Database, GOOD, TEXTS, ask, ask_by, ask_column, clickhouse, execute, mariadb,
        mariadb_with_tls, pools, postgres, postgres_ca, source, sqlite,
    },
    proxy::{dying, nobody, saying},
};

const GONE: DataSourceId = DataSourceId(2);
const OTHER: DataSourceId = DataSourceId(3);

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
        date_format: None,
        calendar: None,
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
    let mut as_its_execution = order(5, 2, 5, "SELECT '${date-1d} ${date:%Y}'");
    as_its_execution.date_format = Some("%d/%m".parse().unwrap());
    assert_eq!(
        answer(&asking, as_its_execution).await.as_deref(),
        Ok("20/11 2026")
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
