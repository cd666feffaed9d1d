//! Jobs that run statements on ClickHouse.

use std::time::Duration;

use hcndc_core::{
    engine::{EndCause, SourceAccess},
    model::{DataSourceKind, Secret},
    port::Stream,
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    desk,
    desk::within,
    servers::request,
    sql::{is_stopped, server_source, source, statements},
};

fn clickhouse(test: &str) -> Option<SourceAccess> {
    server_source(
        DataSourceKind::Clickhouse,
        "HCNDC_TEST_CLICKHOUSE_URL",
        test,
    )
}

#[tokio::test]
async fn statements_are_run_one_after_another_on_clickhouse() {
    let Some(clickhouse) = clickhouse("statements on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    // A temporary table and a setting last from one statement to the next.
    let text = "CREATE TEMPORARY TABLE t (n Int32, v Nullable(String)); -- one; two\n\
                INSERT INTO t VALUES (1, '${date}'), (2, 'a;\\tb\\'s'), (3, NULL);\n\
                SET max_block_size = 1234; /* ; */\n\
                SELECT n, v FROM t ORDER BY n; SELECT n FROM t WHERE n > 3;\n\
                SELECT number, arrayStringConcat(arrayMap(i -> 'x', range(200)), '') AS x FROM system.numbers LIMIT 1000;\n\
                SELECT value FROM system.settings WHERE name = 'max_block_size' FORMAT JSONCompact";
    let end = desk.run(statements(1, &clickhouse, text, false)).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(0), "{said}");
    for part in [
        "data source dw (clickhouse)",
        "statement 1: done, ",
        "statement 4: 3 rows, ",
        "statement 5: 0 rows, ",
        "statement 6: 1000 rows, of which the first 50 are shown, ",
        "7 statements done",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let output = desk.output(1, Stream::Stdout).await;
    let first = "n\tv\n1\t2026-11-21\n2\ta;\\tb's\n3\tNULL\nnumber\tx\n";
    assert!(output.starts_with(first), "{output}");
    assert!(output.lines().all(|line| line.chars().count() < 200));
    assert!(output.contains("[\"1234\"]"), "{output}");
}

#[tokio::test]
async fn the_first_statement_that_fails_on_clickhouse_ends_the_job() {
    let Some(mut clickhouse) = clickhouse("a failing statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    for (id, text, code, expected) in [
        (
            1,
            "SELECT 1; SELECT * FROM nobody; SELECT 2",
            1,
            "failed: statement 2: Code: 60",
        ),
        // It fails when rows are there already, which must not pass for a success.
        (
            2,
            "SELECT throwIf(number = 300000) FROM (SELECT number FROM system.numbers LIMIT 400000)",
            1,
            "failed: statement 1: Code: 395",
        ),
    ] {
        let end = desk.run(statements(id, &clickhouse, text, false)).await;
        let said = desk.output(id, Stream::Stderr).await;
        assert_eq!(end.cause, EndCause::Exited(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("statement 3"), "{said}");
    }
    let whole = desk.run(statements(3, &clickhouse, "SELECT 1", true)).await;
    assert_eq!(whole.cause, EndCause::Exited(1));
    let said = desk.output(3, Stream::Stderr).await;
    assert!(said.contains("ClickHouse has no transactions"), "{said}");

    // What can be told before a statement is no connection.
    let password = std::mem::replace(&mut clickhouse.password, Secret::new("wr0ng-secret"));
    let end = desk
        .run(statements(4, &clickhouse, "SELECT 1", false))
        .await;
    let said = desk.output(4, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(2), "{said}");
    assert!(said.contains("failed: no connection: Code: 193"), "{said}");
    assert!(!said.contains("wr0ng"), "{said}");
    clickhouse.password = password;
    clickhouse.database = "nobody".into();
    let end = desk
        .run(statements(5, &clickhouse, "SELECT 1", false))
        .await;
    let said = desk.output(5, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(2), "{said}");
    assert!(said.contains("failed: no connection: Code: 81"), "{said}");
}

/// How many statements with this text are at work on a ClickHouse.
async fn at_work(source: &SourceAccess, text: &str) -> i64 {
    let query = format!(
        "SELECT count() FROM system.processes WHERE query LIKE '%{text}%' AND query NOT LIKE '%system.processes%'"
    );
    // One for the process; a second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("http://{}:{}/", source.host, source.port.unwrap());
    let asked = reqwest::Client::new().post(address).body(query);
    let asked = asked
        .header("x-clickhouse-user", &source.user)
        .header("x-clickhouse-key", source.password.reveal());
    let answer = asked.send().await.unwrap().text().await.unwrap();
    answer.trim().parse().unwrap()
}

/// A statement that takes hours.
const HOURS: &str = "SELECT 1; SELECT count() FROM system.numbers WHERE NOT ignore(sleep(0.1) AS hcndc_stop); SELECT 2";

#[tokio::test]
async fn a_stop_ends_the_statement_on_clickhouse_too() {
    let Some(source) = clickhouse("a stop of a statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    let order = statements(1, &source, HOURS, false);
    is_stopped(&mut desk, order, || at_work(&source, "AS hcndc_st")).await;
    let output = desk.output(1, Stream::Stdout).await;
    assert_eq!(output, "1\n1\n");
}

#[tokio::test]
async fn a_timeout_ends_the_statement_on_clickhouse_too() {
    let Some(source) = clickhouse("a timeout of a statement on ClickHouse") else {
        return;
    };
    let mut desk = desk().await;
    let text = HOURS.replace("hcndc_stop", "hcndc_late");
    let mut order = statements(1, &source, &text, false);
    order.timeout = Some(Duration::from_millis(1_500));
    assert_eq!(desk.run(order).await.cause, EndCause::TimedOut);
    within(async {
        while at_work(&source, "AS hcndc_la").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_clickhouse_that_is_cut_off_is_no_success() {
    let greeting = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n1\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/tab-separated-values\r\nConnection: close\r\n\r\nn\n1\n2";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = request(&mut stream).await;
            let answer = match asked.contains("SELECT 1 FORMAT") {
                true => greeting,
                false => cut,
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let source = SourceAccess {
        host: "127.0.0.1".into(),
        port: Some(port),
        ..source(DataSourceKind::Clickhouse)
    };
    let mut desk = desk().await;
    let end = desk.run(statements(1, &source, "SELECT n", false)).await;
    let said = desk.output(1, Stream::Stderr).await;
    assert_eq!(end.cause, EndCause::Exited(1), "{said}");
    let expected = "statement 1: its answer was cut off; it may go on at the data source";
    assert!(said.contains(expected), "{said}");
}
