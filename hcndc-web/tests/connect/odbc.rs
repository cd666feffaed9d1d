//! Queries by ODBC, to MariaDB and PostgreSQL through Debian's drivers. The suite of the port's contract runs on both, too. Hive and
//! Impala, whose own drivers are not free, go through that of SQLite, which passes over what it does not know.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, Secret, ValueType},
};
use hcndc_web::connect::{http::Http, source::pool::Pools};

use crate::{
    databases::{
        Database, ask, ask_column, execute, mariadb, pools, postgres, postgres_ca, source, sqlite,
    },
    proxy::nobody,
    queries::cut_in_the_middle,
};

/// The same database, by ODBC.
fn by_odbc(mut database: Database, driver: &str) -> Database {
    database.source.kind = DataSourceKind::Odbc;
    let options = [("driver".to_owned(), driver.to_owned())];
    database.source.options = options.into();
    database
}

pub(crate) async fn odbc_mariadb() -> Option<Database> {
    Some(by_odbc(mariadb().await?, "MariaDB Unicode"))
}

pub(crate) async fn odbc_postgres() -> Option<Database> {
    Some(by_odbc(postgres().await?, "PostgreSQL Unicode"))
}

async fn both() -> impl Iterator<Item = Database> {
    [odbc_mariadb().await, odbc_postgres().await]
        .into_iter()
        .flatten()
}

fn with(source: &DataSource, options: &[(&str, &str)]) -> DataSource {
    let mut source = source.clone();
    for (name, text) in options {
        source
            .options
            .insert((*name).to_owned(), (*text).to_owned());
    }
    source
}

#[tokio::test]
async fn values_of_all_types_come_as_texts_and_columns_have_names() {
    for database in both().await {
        let query = "SELECT 42 AS id, -1.50 AS rate, CAST('2026-11-21' AS DATE) AS day, '三' AS name, NULL AS nothing, \
                     'x ' AS padded, '' AS empty";
        for (column, of, expected) in [
            (None, ValueType::Text, "42"),
            (Some("RATE"), ValueType::Number, "-1.50"),
            (Some("day"), ValueType::Text, "2026-11-21"),
            (Some("name"), ValueType::Text, "三"),
            (Some("padded"), ValueType::Text, "x "),
            (Some("empty"), ValueType::Text, ""),
        ] {
            let found = ask_column(&database.source, query, column, of).await;
            assert_eq!(
                found.as_deref(),
                Ok(expected),
                "{column:?} {}",
                database.url
            );
        }
        let none = ask_column(&database.source, query, Some("nothing"), ValueType::Text).await;
        assert_eq!(none.unwrap_err().kind, ResolveErrorKind::NoRow);
        let none = ask(&database.source, "SELECT 1 FROM hcndc_text WHERE id < 0").await;
        assert_eq!(none.unwrap_err().kind, ResolveErrorKind::NoRow);
        let long = "SELECT repeat('三', 40000) AS fits";
        let found = ask(&database.source, long).await;
        assert_eq!(found.map(|it| it.len()), Ok(120_000), "{}", database.url);
        let long = ask(&database.source, "SELECT repeat('x', 120001)").await;
        let long = long.unwrap_err();
        assert!(long.reason.contains("120000"), "{long}");
    }
}

#[tokio::test]
async fn no_query_writes() {
    for database in both().await {
        for query in [
            "DELETE FROM hcndc_text",
            "SELECT 1; DELETE FROM hcndc_text",
            "COMMIT; DELETE FROM hcndc_text",
            "WITH x AS (DELETE FROM hcndc_text RETURNING 1) SELECT * FROM x",
            "SELECT * FROM hcndc_text FOR UPDATE",
        ] {
            // What a database does not refuse must not have been done either.
            drop(ask(&database.source, query).await);
        }
        let count = "SELECT count(*) FROM hcndc_text";
        assert_eq!(ask(&database.source, count).await.as_deref(), Ok("8"));
    }
}

#[tokio::test]
async fn a_wrong_password_means_that_nobody_can_be_asked_and_is_told_to_nobody() {
    for mut database in both().await {
        for password in ["wrong-password", "x};UID=root;PWD={", "{;", "wrong;}"] {
            database.source.password = Secret::new(password);
            let refused = ask(&database.source, "SELECT 1").await.unwrap_err();
            assert_eq!(refused.kind, ResolveErrorKind::Unreachable, "{refused}");
            assert!(refused.reason.contains("hcndc"), "{refused}");
            assert!(!refused.reason.contains(password), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_password_may_hold_any_characters() {
    for mut database in both().await {
        let password = "a};b={c} d\"e+f";
        let user = format!("odbc_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let name = &database.source.database;
        let statements = match database.url.starts_with("mysql") {
            true => vec![
                format!("CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'"),
                format!("GRANT SELECT ON {name}.* TO '{user}'@'127.0.0.1'"),
            ],
            false => vec![
                format!("CREATE USER {user} PASSWORD '{password}'"),
                format!("GRANT SELECT ON hcndc_text TO {user}"),
            ],
        };
        execute(&database.url, &statements).await;
        database.source.user = user;
        database.source.password = Secret::new(password);
        let found = ask(&database.source, "SELECT v FROM hcndc_text WHERE id = 0").await;
        assert_eq!(found.as_deref(), Ok("one"), "{}", database.url);
    }
}

#[tokio::test]
async fn certificates_are_checked_where_that_is_asked_for() {
    let Some(database) = odbc_postgres().await else {
        return;
    };
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let trusted = format!("sslrootcert={}", postgres_ca());
    for (mode, more, expected) in [
        ("disable", "", Ok("false")),
        ("require", "", Ok("true")),
        ("verify-full", trusted.as_str(), Ok("true")),
        (
            "verify-full",
            "sslrootcert=/etc/ssl/certs/ca-certificates.crt",
            Err(ResolveErrorKind::Unreachable),
        ),
    ] {
        let mut source = with(&database.source, &[("attribute.SSLmode", mode)]);
        if !more.is_empty() {
            source = with(&source, &[("attribute.pqopt", more)]);
        }
        let asked = ask_column(&source, query, None, ValueType::Boolean).await;
        let found = asked.as_deref().map_err(|error| error.kind);
        assert_eq!(found, expected, "{mode}: {asked:?}");
    }
}

/// What runs at the database now, of this database's sessions.
const RUNNING: [&str; 2] = [
    "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state = 'User sleep'",
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
     AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
];

#[tokio::test]
async fn a_query_that_is_given_up_ends_at_the_database_too() {
    for database in both().await {
        let source = Arc::new(database.source.clone());
        let limit = Duration::from_millis(1_500);
        let error = pools().ask(&source, database.sleep, limit).await;
        assert_eq!(error.unwrap_err().kind, ResolveErrorKind::TimedOut);
        let running = RUNNING[usize::from(!database.url.starts_with("mysql"))];
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let count = ask(&database.source, running).await;
            if count.as_deref() == Ok("0") {
                break;
            }
            assert!(Instant::now() < until, "{count:?} {}", database.url);
        }
    }
}

#[tokio::test]
async fn a_connection_that_dies_in_the_middle_means_that_nobody_can_be_asked() {
    if let Some(database) = odbc_postgres().await {
        let find = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                    AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()";
        let cut = |pid: &str| format!("SELECT pg_terminate_backend({pid})");
        cut_in_the_middle(database, find, cut).await;
    }
    if let Some(database) = odbc_mariadb().await {
        let find = "SELECT id FROM information_schema.processlist WHERE db = database() \
                    AND state = 'User sleep'";
        cut_in_the_middle(database, find, |id| format!("KILL {id}")).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_speaks_no_such_protocol_is_out_of_reach() {
    let garbled = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = garbled.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in garbled.incoming() {
            drop(stream.unwrap().write_all(&[0x15; 200]));
        }
    });
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().map(|_| silent).unwrap();
    for driver in ["MariaDB Unicode", "PostgreSQL Unicode"] {
        let on = |port| {
            let options = [("driver", driver), ("connect_seconds", "2")];
            let mut source = with(&source(DataSourceKind::Odbc), &options);
            source.port = Some(port);
            source.user = "etl".to_owned();
            source
        };
        for port in [nobody(), port] {
            let error = ask(&on(port), "SELECT 1").await.unwrap_err();
            assert_eq!(
                error.kind,
                ResolveErrorKind::Unreachable,
                "{driver}: {error}"
            );
        }
        let port = silent.local_addr().unwrap().port();
        let error = ask(&on(port), "SELECT 1").await.unwrap_err();
        assert_eq!(
            error.kind,
            ResolveErrorKind::Unreachable,
            "{driver}: {error}"
        );
    }
}

#[tokio::test]
async fn hive_and_impala_are_asked_through_the_driver_that_is_named() {
    let database = sqlite().await.unwrap();
    let file = database.source.database.clone();
    let lake = |kind, schema: &str, more: &[(&str, &str)]| DataSource {
        kind,
        host: "lake.example".to_owned(),
        port: Some(10_000),
        database: schema.to_owned(),
        user: "etl".to_owned(),
        password: Secret::new("a};b={c}"),
        ..with(&database.source, &[&[("driver", "SQLite3")], more].concat())
    };
    // Hive's word for a database is another; Impala's is the one that this driver has, too.
    for source in [
        lake(
            DataSourceKind::Hive,
            "sales",
            &[("attribute.Database", &file), ("attribute.AuthMech", "3")],
        ),
        lake(
            DataSourceKind::Impala,
            &file,
            &[("attribute.AuthMech", "3")],
        ),
    ] {
        let kind = source.kind;
        let query = "SELECT id AS Batch, v FROM hcndc_text WHERE id = 0";
        let found = ask_column(&source, query, Some("batch"), ValueType::Integer).await;
        assert_eq!(found.as_deref(), Ok("0"), "{kind:?}");
        assert_eq!(
            ask_column(&source, query, Some("v"), ValueType::Text)
                .await
                .as_deref(),
            Ok("one")
        );
        let none = ask(&source, "SELECT v FROM hcndc_text WHERE id < 0").await;
        assert_eq!(none.unwrap_err().kind, ResolveErrorKind::NoRow, "{kind:?}");
        let wrong = ask(&source, "SELECT v FROM nowhere").await.unwrap_err();
        assert_eq!(wrong.kind, ResolveErrorKind::Refused, "{wrong}");
        assert!(wrong.reason.contains("nowhere"), "{wrong}");
        let written = ask(&source, "DELETE FROM hcndc_text").await.unwrap_err();
        assert_eq!(written.kind, ResolveErrorKind::Refused, "{written}");
        assert!(
            pools()
                .version(&Arc::new(source.clone()))
                .await
                .unwrap()
                .contains("SQLite")
        );
        let absent = with(
            &source,
            &[("driver", "Cloudera ODBC Driver for Apache Hive 64-bit")],
        );
        let absent = ask(&absent, "SELECT 1").await.unwrap_err();
        assert_eq!(absent.kind, ResolveErrorKind::Unsupported, "{absent}");
    }
}

#[tokio::test]
async fn a_driver_that_is_not_there_is_told_with_those_that_are() {
    let source = source(DataSourceKind::Odbc);
    let error = ask(&with(&source, &[("driver", "Oracle 99")]), "SELECT 1").await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Unsupported, "{error}");
    assert!(error.reason.contains("PostgreSQL Unicode"), "{error}");
    let error = ask(&with(&source, &[("dsn", "nowhere")]), "SELECT 1").await;
    assert_eq!(error.unwrap_err().kind, ResolveErrorKind::Unsupported);
}

#[tokio::test]
async fn options_cannot_load_code_or_reach_for_files_of_the_server() {
    let source = source(DataSourceKind::Odbc);
    for (options, setting) in [
        (&[][..], "driver"),
        (&[("driver", "/tmp/evil.so")], "driver"),
        (&[("driver", "x};DSN=y")], "driver"),
        (&[("dsn", "x"), ("attribute.Pwd", "y")], "attribute.Pwd"),
        (
            &[("dsn", "x"), ("attribute.FILEDSN", "/y")],
            "attribute.FILEDSN",
        ),
        (&[("dsn", "x"), ("attribute.a=b", "c")], "attribute.a=b"),
    ] {
        let error = ask(&with(&source, options), "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind, ResolveErrorKind::Other);
        let told = format!("setting {setting}: ");
        assert!(error.reason.starts_with(&told), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let private = dir.path().canonicalize().unwrap();
    let file = dir.path().join("hcndc.db").display().to_string();
    std::fs::write(&file, "").unwrap();
    let pools = Pools::new(Http::new(), Arc::default(), Some(private));
    for (name, value) in [
        ("attribute.Database", file.clone()),
        ("attribute.DBQ", format!("file:{file}?mode=ro")),
    ] {
        let source = Arc::new(with(&source, &[("driver", "SQLite3"), (name, &value)]));
        let refused = pools
            .ask(&source, "SELECT 1", Duration::from_secs(10))
            .await;
        assert_eq!(refused.unwrap_err().kind, ResolveErrorKind::Refused);
    }
}

#[tokio::test]
async fn the_test_of_a_data_source_tells_the_system() {
    for database in both().await {
        let version = pools().version(&Arc::new(database.source)).await.unwrap();
        assert!(
            version.contains("SQL") || version.contains("Maria"),
            "{version}"
        );
    }
}
