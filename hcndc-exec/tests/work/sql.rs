//! Jobs that run statements on SQLite, MariaDB and PostgreSQL.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{EndCause, RunOrder, SourceAccess},
    model::{DataSourceKind, JobKind, Secret, SqlScript},
    port::Stream,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio::net::TcpListener;

use crate::{
    desk,
    desk::{Desk, order, within},
    servers::{dying, greeting},
};

pub(crate) fn statements(
    id: u64,
    source: &SourceAccess,
    statement: &str,
    transaction: bool,
) -> RunOrder {
    RunOrder {
        kind: JobKind::Sql(SqlScript {
            data_source: source.clone(),
            statement: statement.into(),
            transaction,
        }),
        ..order(id, "")
    }
}

pub(crate) fn source(kind: DataSourceKind) -> SourceAccess {
    SourceAccess {
        name: "dw".into(),
        kind,
        host: String::new(),
        port: None,
        database: String::new(),
        user: String::new(),
        password: Secret::default(),
        options: BTreeMap::new(),
    }
}

/// A data source of this URL; `None`, said by name, if there is none.
pub(crate) fn server_source(
    kind: DataSourceKind,
    variable: &str,
    test: &str,
) -> Option<SourceAccess> {
    let Ok(url) = std::env::var(variable) else {
        assert!(
            std::env::var_os("HCNDC_CI").is_none(),
            "{test}: {variable} is not set"
        );
        eprintln!("skipped: {test}: {variable} is not set");
        return None;
    };
    let url = reqwest::Url::parse(&url).unwrap();
    let database = url.path().trim_matches('/').to_owned();
    Some(SourceAccess {
        host: url.host_str().unwrap().into(),
        port: url.port(),
        user: url.username().into(),
        password: Secret::new(url.password().unwrap_or_default()),
        database,
        ..source(kind)
    })
}

pub(crate) fn mariadb(test: &str) -> Option<SourceAccess> {
    let mut found = server_source(DataSourceKind::Mysql, "HCNDC_TEST_MYSQL_URL", test)?;
    if found.database.is_empty() {
        found.database = "mysql".into();
    }
    Some(found)
}

pub(crate) fn postgres(test: &str) -> Option<SourceAccess> {
    server_source(DataSourceKind::Postgresql, "HCNDC_TEST_POSTGRES_URL", test)
}

/// A file of SQLite with an empty table `t (n, v)`.
pub(crate) async fn sqlite(desk: &Desk) -> SourceAccess {
    let path = desk.path("dw.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut made = options.create_if_missing(true).connect().await.unwrap();
    made.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, v TEXT)")
        .await
        .unwrap();
    made.close().await.unwrap();
    SourceAccess {
        database: path.to_str().unwrap().into(),
        ..source(DataSourceKind::Sqlite)
    }
}

#[tokio::test]
async fn statements_are_run_one_after_another_and_each_tells_what_came_of_it() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    let text = "INSERT INTO t VALUES (1, '${date}'), (2, '${param.x}'); -- it's done\n\
                UPDATE t SET v = v || '!' WHERE n = 1;\nSELECT n, v, NULL AS empty FROM t ORDER BY n;";
    let mut order = statements(1, &sqlite, &text.replace("-- it's done\n", ""), false);
    order
        .values
        .insert("x".into(), "it's; DROP TABLE t --".into());
    let end = desk.run(order).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(0), "{said}");
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(
        output,
        "n\tv\tempty\n1\t2026-11-21!\tNULL\n2\tit's; DROP TABLE t --\tNULL\n"
    );
    for part in [
        "statement 1: 2 rows affected",
        "statement 2: 1 rows affected",
        "statement 3: 2 rows,",
        "3 statements done",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

async fn fails_in_the_second(desk: &mut Desk, id: u64, source: &SourceAccess, table: &str) {
    let rows = format!("SELECT COUNT(*) FROM {table}");
    let text = format!("INSERT INTO {table} VALUES (1, 'a'); INSERT INTO {table} VALUES (1, 'b')");
    for (at, transaction, left) in [(0, true, "0"), (2, false, "1")] {
        let order = statements(id + at, source, &text, transaction);
        let end = desk.run(order).await;
        let said = desk.output(id + at, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
        let look = statements(id + at + 1, source, &rows, false);
        assert_eq!(desk.run(look).await.cause, EndCause::Exited(0));
        let output = desk.output(id + at + 1, Stream::Stdout).await;
        assert_eq!(output.lines().nth(1), Some(left), "{output}");
    }
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_sqlite() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    fails_in_the_second(&mut desk, 1, &sqlite, "t").await;
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_mariadb() {
    let Some(mariadb) = mariadb("statements on MariaDB") else {
        return;
    };
    let mut desk = desk().await;
    let make = "DROP DATABASE IF EXISTS hcndc_work_t; CREATE DATABASE hcndc_work_t; \
                CREATE TABLE hcndc_work_t.t (n INT PRIMARY KEY, v TEXT) ENGINE=InnoDB";
    let made = desk.run(statements(90, &mariadb, make, false)).await;
    let said = desk.output(90, Stream::Stderr).await;
    assert_eq!(made.cause, EndCause::Exited(0), "{said}");
    fails_in_the_second(&mut desk, 1, &mariadb, "hcndc_work_t.t").await;
    let gone = statements(91, &mariadb, "DROP DATABASE hcndc_work_t", false);
    assert_eq!(desk.run(gone).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_transaction_counts_as_a_whole_and_else_each_statement_by_itself_on_postgresql() {
    let Some(postgres) = postgres("statements on PostgreSQL") else {
        return;
    };
    let mut desk = desk().await;
    // VACUUM stands in no transaction: so each is sent by itself.
    let make = "DROP TABLE IF EXISTS hcndc_work_t; CREATE TABLE hcndc_work_t (n INT PRIMARY KEY, v TEXT); \
                VACUUM hcndc_work_t; DO $$ BEGIN PERFORM 1; END $$";
    let made = desk.run(statements(90, &postgres, make, false)).await;
    let said = desk.output(90, Stream::Stderr).await;
    assert_eq!(made.cause, EndCause::Exited(0), "{said}");
    assert!(said.contains("4 statements done"), "{said}");
    fails_in_the_second(&mut desk, 1, &postgres, "hcndc_work_t").await;
    let gone = statements(91, &postgres, "DROP TABLE hcndc_work_t", false);
    assert_eq!(desk.run(gone).await.cause, EndCause::Exited(0));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let mut desk = desk().await;
    let path = desk.path("none.sqlite");
    let none = SourceAccess {
        database: path.to_str().unwrap().into(),
        ..source(DataSourceKind::Sqlite)
    };
    let end = desk.run(statements(1, &none, "SELECT 1", false)).await;
    assert_eq!(end.cause, EndCause::Exited(2));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(said.contains("failed: no connection: "), "{said}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let found = [
        mariadb("a wrong password of MariaDB"),
        postgres("a wrong password of PostgreSQL"),
    ];
    let mut desk = desk().await;
    for (id, mut source) in (1..).zip(found.into_iter().flatten()) {
        source.password = Secret::new("wr0ng-secret");
        let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
        let said = desk.output(id, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(2), "{said}");
        assert!(said.contains("failed: no connection: "), "{said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_such_server_is_given_up_in_time() {
    let mut desk = desk().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent
        .local_addr()
        .map(|address| (address, silent))
        .unwrap();
    let mut id = 0;
    for kind in [
        DataSourceKind::Mysql,
        DataSourceKind::Postgresql,
        DataSourceKind::Clickhouse,
    ] {
        for (address, expected) in [
            (gone, "refused"),
            (silent.0, "none within 1s"),
            (dying(b"").await, ""),
            (dying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, ""),
            (dying(&[0xff; 200]).await, ""),
            // As far as a greeting of MySQL, which is wrong inside.
            (greeting("\x05\0\0\0\x0a5.5\0").await, ""),
        ] {
            id += 1;
            let source = SourceAccess {
                host: address.ip().to_string(),
                port: Some(address.port()),
                user: "etl".into(),
                password: Secret::new("s0urce-secret"),
                options: [("connect_seconds".to_owned(), "1".to_owned())].into(),
                ..source(kind)
            };
            let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
            let said = desk.output(id, Stream::Stderr).await;
            assert_eq!(end.cause, EndCause::Exited(2), "{kind:?}: {said}");
            assert!(said.contains("failed: no connection: "), "{said}");
            assert!(
                said.contains(expected) && !said.contains("s0urce"),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn certificates_are_checked_before_statements_where_that_is_asked_for() {
    let mut desk = desk().await;
    let mut id = 0;
    for (kind, variable) in [
        (DataSourceKind::Mysql, "HCNDC_TEST_MYSQL_TLS_URL"),
        (DataSourceKind::Postgresql, "HCNDC_TEST_POSTGRES_URL"),
        (DataSourceKind::Clickhouse, "HCNDC_TEST_CLICKHOUSE_URL"),
    ] {
        let Some(mut source) = server_source(kind, variable, "certificates") else {
            continue;
        };
        let url = std::env::var(variable).unwrap();
        let ca = url.split_once("ca=").unwrap().1.to_owned();
        source.host = "localhost".into();
        // There the port says whether it is TLS.
        let of_tls = url
            .split_once("tls_port=")
            .and_then(|(_, port)| port.split('&').next());
        if let Some(port) = of_tls {
            source.port = port.parse().ok();
        }
        for (ca, expected) in [(Some(ca), 0), (None, 2)] {
            id += 1;
            source.options = [("tls".to_owned(), "verify_full".to_owned())].into();
            source
                .options
                .extend(ca.map(|ca| ("ca_file".to_owned(), ca)));
            let end = desk.run(statements(id, &source, "SELECT 1", false)).await;
            let said = desk.output(id, Stream::Stderr).await;
            assert_eq!(end.cause, EndCause::Exited(expected), "{kind:?}: {said}");
            assert!(expected == 0 || said.contains("certificate"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_cut_in_the_middle_fails_the_statement_that_ran() {
    let mut desk = desk().await;
    let cut = "the cut of a session";
    if let Some(source) = mariadb(cut) {
        // The session ends itself, as if an administrator had done it.
        let text = "SELECT 1; KILL CONNECTION_ID(); SELECT 2";
        let end = desk.run(statements(1, &source, text, false)).await;
        let said = desk.output(1, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
    }
    if let Some(source) = postgres(cut) {
        let text = "SELECT 1; SELECT pg_terminate_backend(pg_backend_pid()); SELECT 2";
        let end = desk.run(statements(2, &source, text, false)).await;
        let said = desk.output(2, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(1), "{said}");
        assert!(said.contains("failed: statement 2: "), "{said}");
    }
}

/// Stops a job in the middle of a statement; `count` tells how many of its kind the server is at.
pub(crate) async fn is_stopped<F: Future<Output = i64>>(
    desk: &mut Desk,
    order: RunOrder,
    mut count: impl FnMut() -> F,
) {
    desk.start(order).await;
    within(async {
        while count().await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    })
    .await;
    desk.kill(1, Duration::from_secs(20)).await;
    assert_eq!(desk.end().await.cause, EndCause::Killed);
    within(async {
        while count().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
    })
    .await;
    let said = desk.output(1, Stream::Stderr).await;
    assert!(
        said.contains("and its session at the data source with it"),
        "{said}"
    );
}

#[tokio::test]
async fn a_stop_ends_the_statement_on_mariadb_too() {
    let Some(source) = mariadb("a stop of a statement on MariaDB") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, "SELECT SLEEP(300) AS hcndc_stop", false);
    let url = std::env::var("HCNDC_TEST_MYSQL_URL").unwrap();
    let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
    is_stopped(&mut desk, order, || async {
        let mut look = options.connect().await.unwrap();
        let query = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%AS hcndc_st%' AND id <> CONNECTION_ID()";
        let row = look.fetch_one(AssertSqlSafe(query)).await.unwrap();
        row.get(0)
    })
    .await;
}

#[tokio::test]
async fn a_stop_ends_the_statement_on_postgresql_too() {
    let Some(source) = postgres("a stop of a statement on PostgreSQL") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, "SELECT pg_sleep(300) AS hcndc_stop", false);
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host(&source.host)
        .port(source.port.unwrap())
        .username(&source.user)
        .password(source.password.reveal())
        .database(&source.database);
    is_stopped(&mut desk, order, || async {
        let mut look = options.connect().await.unwrap();
        let query = "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS hcndc_st%' AND pid <> pg_backend_pid()";
        let row = look.fetch_one(AssertSqlSafe(query)).await.unwrap();
        row.get(0)
    })
    .await;
}

#[tokio::test]
async fn long_values_and_many_rows_are_shown_in_part() {
    let mut desk = desk().await;
    let sqlite = sqlite(&desk).await;
    let text = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) \
                SELECT n, printf('%.200c', 'x') || char(9) FROM c";
    desk.run(statements(1, &sqlite, text, false)).await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output.lines().count(), 51);
    assert!(output.lines().all(|line| line.chars().count() < 200));
    let said = desk.output(1, Stream::Stderr).await;
    assert!(
        said.contains("1000 rows, of which the first 50 are shown"),
        "{said}"
    );
}
